"""The tape: plain NumPy code run on traced arrays, recorded as a program of linear primitives.

A traced array carries its value and a tangent. Each NumPy function has one forward rule (see
`_rules`), written with ordinary operators on tangents; those operators append primitives to the
program. Nothing is composed while tracing, so shared intermediate results cost nothing.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import operator
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NoReturn

import numpy as np

from ._check import Array, as_inexact
from ._operator import Shape, is_scalar
from ._primitives import (
    Broadcast,
    Constant,
    Inner,
    KroneckerWith,
    LeftMultiply,
    Outer,
    Permute,
    Primitive,
    Reshape,
    RightMultiply,
    Same,
    Scale,
    SumTo,
)
from ._terms import Label, label_map

# --- the tape ------------------------------------------------------------------------------------


class Tape:
    """The record of one run of a function."""

    def __init__(self, names: dict[int, tuple[Array, str]], require_linear: bool) -> None:
        self.count = 0
        self.require_linear = require_linear
        self._names = names  # user's array (by identity) -> its name in f's scope
        self._constants: dict[int, tuple[Any, Constant]] = {}

    def own(self, array: Array, label: Label | None) -> None:
        """Register an array that only the tape refers to: it needs no copy."""
        self._constants[id(array)] = (array, Constant(array, label))

    def constant(self, x: Any) -> Constant:
        """A snapshot of a constant and its name, one for each array of the user."""
        known = self._constants.get(id(x))
        if known is None:
            snapshot = np.array(as_inexact("constant", x), copy=True)
            known = (x, Constant(snapshot, self._user_label(x)))
            self._constants[id(x)] = known
        return known[1]

    def label(self, x: Any) -> Label | None:
        known = self._constants.get(id(x))
        return self._user_label(x) if known is None else known[1].label

    def _user_label(self, x: Any) -> Label | None:
        """The name of an array of the user, or of the transpose of one."""
        if not isinstance(x, np.ndarray):
            return None
        for array, mark in ((x, ""), (x.base, "T")):
            named = self._names.get(id(array))
            if named and (array is x or _is_transpose(x, named[0])):
                return ((named[1], 1, mark),)
        return None


def _is_transpose(x: Array, of: Array) -> bool:
    return (
        x.shape == of.shape[::-1]
        and x.strides == of.strides[::-1]
        and x.ctypes.data == of.ctypes.data
    )


class Tangent:
    """A linear variable: where it comes from, as (primitive, tangent) links that are added up.

    The operators below are those that rules are written in. All else in them is constant.
    """

    __slots__ = ("dtype", "index", "links", "shape", "tape")
    __array_ufunc__ = None  # constants on the left defer to the reflected operators here

    def __init__(
        self,
        tape: Tape,
        shape: Shape,
        dtype: np.dtype[Any],
        links: tuple[tuple[Primitive, Tangent], ...] = (),
    ) -> None:
        self.tape, self.shape, self.dtype, self.links = tape, shape, dtype, links
        self.index = tape.count
        tape.count += 1

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def through(self, primitive: Primitive, *constants: Any) -> Tangent:
        """The image under a primitive."""
        dtype = np.result_type(self.dtype, *constants)
        return Tangent(self.tape, primitive.out_shape, dtype, ((primitive, self),))

    def __add__(self, other: Tangent) -> Tangent:
        links = ((Same(self.shape), self), (Same(other.shape), other))
        return Tangent(self.tape, self.shape, np.result_type(self.dtype, other.dtype), links)

    def __neg__(self) -> Tangent:
        return self.through(Scale(-1, self.shape))

    def __mul__(self, c: Any) -> Tangent:
        """c ∘ d with broadcasting."""
        if np.ndim(c) == 0:
            return self.through(Scale(c, self.shape), c)
        array = self.tape.constant(c).array
        if self.shape == ():
            return self.through(Outer(array), array)
        wide = self.broadcast(np.broadcast_shapes(array.shape, self.shape))
        return wide.through(Scale(np.broadcast_to(array, wide.shape), wide.shape), array)

    __rmul__ = __mul__

    def __matmul__(self, b: Any) -> Tangent:
        c = self.tape.constant(b)
        _require_matrices("@", self.shape, c.array.shape)
        if c.array.ndim == 1:  # (m, n) @ (n,) and (n,) @ (n,)
            if self.ndim == 1:
                return self.through(Inner(c.array), c.array)
            column = Constant(c.array[:, None], c.label)
            product = self.through(RightMultiply(column, self.shape), c.array)
            return product.reshape(self.shape[:1])
        if self.ndim == 1:  # (n,) @ (n, q) is Bᵀ d
            return self.through(LeftMultiply(c.transpose(), self.shape), c.array)
        return self.through(RightMultiply(c, self.shape), c.array)

    def __rmatmul__(self, a: Any) -> Tangent:
        c = self.tape.constant(a)
        _require_matrices("@", c.array.shape, self.shape)
        if c.array.ndim == 1:
            if self.ndim == 1:
                return self.through(Inner(c.array), c.array)
            row = Constant(c.array[None, :], label_map(c.label, "T"))
            return self.through(LeftMultiply(row, self.shape), c.array).reshape(self.shape[1:])
        return self.through(LeftMultiply(c, self.shape), c.array)

    def permute(self, axes: tuple[int, ...]) -> Tangent:
        if axes == tuple(range(self.ndim)):
            return self
        return self.through(Permute(axes, self.shape))

    @property
    def T(self) -> Tangent:
        return self.permute(tuple(reversed(range(self.ndim))))

    def reshape(self, shape: Shape) -> Tangent:
        return self if shape == self.shape else self.through(Reshape(self.shape, shape))

    def broadcast(self, shape: Shape) -> Tangent:
        return self if shape == self.shape else self.through(Broadcast(self.shape, shape))

    def sum_to(self, shape: Shape) -> Tangent:
        return self if shape == self.shape else self.through(SumTo(self.shape, shape))

    def inner(self, g: Any) -> Tangent:
        """Σ G ∘ d."""
        array = self.tape.constant(g).array
        return self.through(Inner(array), array)

    def kron_after(self, a: Any) -> Tangent:
        """A⊗d."""
        c = self.tape.constant(a)
        return self.through(KroneckerWith(c, self.shape, before=True), c.array)

    def kron_before(self, b: Any) -> Tangent:
        """d⊗B."""
        c = self.tape.constant(b)
        return self.through(KroneckerWith(c, self.shape, before=False), c.array)


def _require_matrices(what: str, *shapes: Shape) -> None:
    if any(len(shape) not in (1, 2) for shape in shapes):
        raise NotImplementedError(
            f"{what} of arrays of shapes {' and '.join(map(str, shapes))} at {where()} cannot be "
            "traced; vectors and matrices can"
        )


# --- rules ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """How a NumPy function is differentiated.

    ``forward(*values, **kwargs)`` returns the value and, for each positional argument, the linear
    map from its tangent to the result's. Where the value is a tuple, such maps for each of its
    items, None for one that is locally constant. `linear` says in which
    arguments the function is linear: "jointly" (a sum), "each" (a product), "first" or "no".
    """

    forward: Callable[..., tuple[Any, Sequence[Any]]]
    linear: str
    label: Callable[..., Label | None] | None
    last_first: bool  # d(A B) = A dB + dA B: the last argument's term is written first


rules: dict[Any, Rule] = {}


def rule(
    *functions: Any,
    linear: str = "no",
    label: Callable[..., Label | None] | None = None,
    last_first: bool = False,
) -> Callable[[Any], Any]:
    """Register the forward rule of NumPy functions."""

    def register(forward: Any) -> Any:
        for function in functions:
            rules[function] = Rule(forward, linear, label, last_first)
        return forward

    return register


def call(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A NumPy function on traced arrays, by its rule."""
    r = rules.get(function)
    if r is None:
        _refuse(function)
    traced = [x for x in args if isinstance(x, Traced)]
    if any(isinstance(x, Traced) for x in kwargs.values()) or not traced:
        _refuse(function, "with a traced keyword or nested argument")
    tape = traced[0].tape
    if any(x.tape is not tape for x in traced):
        raise NotImplementedError(
            f"{_name(function)} at {where()} mixes arrays of two derivatives that are being taken"
        )
    _check_linearity(tape, r.linear, function, args)
    values = [x.value if isinstance(x, Traced) else x for x in args]
    value, maps = r.forward(*values, **kwargs)
    if isinstance(value, tuple):  # slogdet and its like: maps for each of the results
        make: Any = type(value)  # a named tuple
        parts = zip(value, maps, strict=True)
        return make(*(v if m is None else _result(v, m, args, r, None) for v, m in parts))
    label = r.label(*map(tape.label, values)) if r.label else None
    return _result(value, maps, args, r, label)


def _result(
    value: Any,
    maps: Sequence[Callable[[Tangent], Tangent] | None],
    args: Sequence[Any],
    r: Rule,
    label: Label | None,
) -> Traced:
    array = np.asarray(value)
    tape = next(x.tape for x in args if isinstance(x, Traced))
    tape.own(array, label)  # before the maps run: they may hold it as a constant
    parts = [f(x.tangent) for x, f in zip(args, maps, strict=False) if isinstance(x, Traced) and f]
    tangent = functools.reduce(operator.add, reversed(parts) if r.last_first else parts)
    return Traced(array, tangent)


class NonlinearError(Exception):
    """An operation makes the result depend on the variable other than linearly."""


def _check_linearity(tape: Tape, linear: str, function: Any, args: Sequence[Any]) -> None:
    traced = [k for k, x in enumerate(args) if isinstance(x, Traced)]
    fine = {"jointly": True, "each": len(traced) == 1, "first": traced == [0], "no": False}
    if tape.require_linear and not fine[linear]:
        raise NonlinearError(f"{_name(function)} at {where()}")


def _name(function: Any) -> str:
    if isinstance(function, np.ufunc):
        return f"numpy.{function.__name__}"
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{function.__name__}"


def where() -> str:
    """File and line of the user's code that is being traced."""
    frame: FrameType | None = sys._getframe(1)
    here = os.path.dirname(__file__)
    numpy = os.path.dirname(np.__file__)
    while frame is not None and frame.f_code.co_filename.startswith((here, numpy)):
        frame = frame.f_back
    if frame is None:
        return "an unknown line"
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _refuse(function: Any, how: str = "") -> NoReturn:
    names = sorted({_name(f) for f in rules})
    near = difflib.get_close_matches(_name(function), names, n=1, cutoff=0.0)
    raise NotImplementedError(
        f"{_name(function)} {how + ' ' if how else ''}at {where()} cannot be traced; the nearest "
        f"supported function is {near[0]} (all: {', '.join(names)})"
    )


# --- traced arrays -------------------------------------------------------------------------------


def _leaves(x: Any) -> NoReturn:
    raise TypeError(
        f"{x} a traced array at {where()} would lose its derivative; use otimes.stop_gradient(x) "
        "where a constant is meant"
    )


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of the function being differentiated, as NumPy code sees it.

    Operators come from the mixin, as the ufuncs that they stand for.
    """

    __slots__ = ("tangent", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Array, tangent: Tangent) -> None:
        self.value = value
        self.tangent = tangent

    @property
    def tape(self) -> Tape:
        return self.tangent.tape

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)

    def __len__(self) -> int:
        return len(self.value)

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    # NumPy functions reach the rules through its two protocols
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if ufunc in _COMPARISONS and method == "__call__":
            return ufunc(*map(stop_gradient, args), **kwargs)
        if kwargs.get("out") is not None:
            _leaves("writing into an array (+=, out=) from")
        if method != "__call__":
            _refuse(ufunc, f"(its method {method!r})")
        return call(ufunc, args, kwargs)

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        if func in (np.shape, np.ndim, np.size):
            return func(self.value, *args[1:], **kwargs)
        return call(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        _leaves("np.asarray of")

    def __float__(self) -> float:
        _leaves("float() of")

    def __int__(self) -> int:
        _leaves("int() of")

    def __complex__(self) -> complex:
        _leaves("complex() of")

    def __bool__(self) -> bool:
        return bool(self.value)

    def __setitem__(self, key: Any, value: Any) -> None:
        _leaves("assignment into")

    def __getitem__(self, key: Any) -> NoReturn:
        raise NotImplementedError(f"indexing a traced array at {where()} cannot be traced")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"a traced array has no attribute {name!r}")
        raise NotImplementedError(
            f"numpy.ndarray.{name} at {where()} cannot be traced; the attributes that can are "
            "T, mT, dot, trace and transpose"
        )

    # array methods are the functions
    @property
    def T(self) -> Any:
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        return np.matrix_transpose(self)

    def transpose(self, *axes: Any) -> Any:
        chosen = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return np.transpose(self, chosen)

    def trace(self) -> Any:
        return np.trace(self)

    def dot(self, other: Any) -> Any:
        return np.dot(self, other)

    def copy(self) -> Traced:
        return self


_COMPARISONS = {
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
    np.equal,
    np.not_equal,
    np.isfinite,
    np.isnan,
    np.isinf,
}


def stop_gradient(x: Any) -> Any:
    """The plain value of a traced array, where a constant is meant.

    Parameters
    ----------
    x : array_like
        A traced array, inside a function given to `jacobian`; anything else is returned unchanged.

    Returns
    -------
    array_like
        The value of `x`, without its derivative.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> f = lambda A: ox.stop_gradient(A) @ A
    >>> str(ox.jacobian(f, np.eye(2)))
    'I₂ ⊗ A'
    """
    return x.value if isinstance(x, Traced) else x


# --- tracing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trace:
    """A function's value at a point and the linear program from one variable to it."""

    value: Array
    variable: Tangent
    result: Tangent | None  # None: the function does not depend on the variable
    tape: Tape = field(repr=False)


def trace(
    f: Callable[..., Any], args: Sequence[Any], wrt: int, *, require_linear: bool = False
) -> Trace:
    """Run f with argument `wrt` traced; `NonlinearError` where it must be linear and is not."""
    points = [np.array(as_inexact(f"argument {k}", x), copy=True) for k, x in enumerate(args)]
    tape = Tape(_names_in_scope(f), require_linear)
    names = parameter_names(f, len(points))
    for point, name in zip(points, names, strict=True):
        tape.own(point, ((name, 1, ""),))
    variable = Tangent(tape, points[wrt].shape, points[wrt].dtype)
    given: list[Any] = list(points)
    given[wrt] = Traced(points[wrt], variable)
    result = f(*given)
    if isinstance(result, Traced):
        if result.tape is not tape:
            raise NotImplementedError("f returned an array of another trace")
        return Trace(result.value, variable, result.tangent, tape)
    if not (is_scalar(result) or isinstance(result, np.ndarray)):
        raise TypeError(f"f returned {type(result).__name__}, but must return an array or a number")
    return Trace(as_inexact("the result of f", result), variable, None, tape)


def parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of f's positional parameters, X₁ … where it has none."""
    try:
        found = [p.name for p in inspect.signature(f).parameters.values() if p.kind in (0, 1)]
    except (TypeError, ValueError):
        found = []
    return [found[k] if k < len(found) else f"X{k + 1}" for k in range(count)]


def _names_in_scope(f: Callable[..., Any]) -> dict[int, tuple[Array, str]]:
    """Arrays that f refers to by name, in its closure and its module, by identity."""
    try:
        scope = inspect.getclosurevars(f)
    except TypeError:
        return {}
    return {
        id(x): (x, name)
        for names in (scope.globals, scope.nonlocals)
        for name, x in names.items()
        if isinstance(x, np.ndarray)
    }
