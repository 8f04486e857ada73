"""Plain NumPy code run on traced arrays, recorded on the tape as a program of linear primitives.

A traced array carries its value and a tangent. Each NumPy function has one forward rule (see
`_rules`), written with ordinary operators on tangents.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from ._check import Array, as_inexact
from ._equation import Equation
from ._operator import is_scalar
from ._tape import Tangent, Tape, where
from ._terms import Label

# --- rules ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """How a NumPy function is differentiated.

    ``forward(*values, **kwargs)`` returns the value and, for each positional argument, the linear
    map from its tangent to the result's. Where the value is a tuple, such maps for each of its
    items, None for one that is locally constant. `linear` says in which
    arguments the function is linear: "jointly" (a sum), "each" (a product), "first", "last" or
    "no". A third item that forward returns is a map that the sum of all the tangents goes through.
    """

    forward: Callable[..., tuple[Any, ...]]
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
    tapes = {x.tape: None for x in args if isinstance(x, Traced)}
    if any(isinstance(x, Traced) for x in kwargs.values()) or not tapes:
        _refuse(function, "with a traced keyword or nested argument")
    if len(tapes) > 1:
        args = _own_arrays(function, args, tapes)
    tape = next(x.tape for x in args if isinstance(x, Traced))
    _check_linearity(tape, r.linear, function, args)
    values = [x.value if isinstance(x, Traced) else x for x in args]
    last: list[Callable[[Tangent], Tangent]]
    value, maps, *last = r.forward(*values, **kwargs)
    if isinstance(value, tuple):  # slogdet and its like: maps for each of the results
        make: Any = type(value)  # a named tuple
        parts = zip(value, maps, strict=True)
        return make(*(v if m is None else _result(v, m, args, r, None, last) for v, m in parts))
    label = r.label(*map(tape.label, values)) if r.label else None
    return _result(value, maps, args, r, label, last)


def _result(
    value: Any,
    maps: Sequence[Callable[[Tangent], Tangent] | None],
    args: Sequence[Any],
    r: Rule,
    label: Label | None,
    last: Sequence[Callable[[Tangent], Tangent]],
) -> Traced:
    array = np.asarray(value)
    tape = next(x.tape for x in args if isinstance(x, Traced))
    tape.own(array, label)  # before the maps run: they may hold it as a constant
    parts = [f(x.tangent) for x, f in zip(args, maps, strict=False) if isinstance(x, Traced) and f]
    tangent = functools.reduce(operator.add, reversed(parts) if r.last_first else parts)
    for f in last:
        tangent = f(tangent)
    return Traced(array, tangent)


def _own_arrays(function: Any, args: Sequence[Any], tapes: dict[Tape, None]) -> list[Any]:
    """The arguments, those of outer derivatives as constants of the isolated tape."""
    isolated = [tape for tape in tapes if tape.isolated]
    if len(isolated) != 1:
        raise NotImplementedError(
            f"{_name(function)} at {where()} mixes arrays of two derivatives that are being taken"
        )
    inner = isolated[0]
    inner.meets_others = True
    others = [x for x in args if isinstance(x, Traced) and x.tape is not inner]
    for x in others:
        inner.own(x.value, x.tape.label(x.value))
    return [x.value if any(x is y for y in others) else x for x in args]


class NonlinearError(Exception):
    """An operation makes the result depend on the variable other than linearly."""


def _check_linearity(tape: Tape, linear: str, function: Any, args: Sequence[Any]) -> None:
    traced = [k for k, x in enumerate(args) if isinstance(x, Traced)]
    fine = {
        "jointly": True,
        "each": len(traced) == 1,
        "first": traced == [0],
        "last": traced == [len(args) - 1],
        "no": False,
    }
    if tape.require_linear and not fine[linear]:
        raise NonlinearError(f"{_name(function)} at {where()}")


def _name(function: Any) -> str:
    if isinstance(function, Equation):
        return f"otimes.{function.name}"
    if isinstance(function, np.ufunc):
        return f"numpy.{function.__name__}"
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{function.__name__}"


def _refuse(function: Any, how: str = "") -> NoReturn:
    import difflib  # a millisecond of import time, for this message only

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
            "T, mT, conj, dot, trace and transpose"
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

    def conj(self) -> Any:
        return np.conjugate(self)

    conjugate = conj

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
    f: Callable[..., Any],
    args: Sequence[Any],
    wrt: int,
    *,
    require_linear: bool = False,
    isolated: bool = False,
) -> Trace:
    """Run f with argument `wrt` traced; `NonlinearError` where it must be linear and is not.

    An isolated trace takes the arrays of derivatives around it as constants.
    """
    points = [np.array(as_inexact(f"argument {k}", x), copy=True) for k, x in enumerate(args)]
    tape = Tape(_names_in_scope(f), require_linear, isolated)
    names = parameter_names(f, len(points))
    for point, name in zip(points, names, strict=True):
        tape.own(point, ((name, 1, ""),))
    variable = Tangent(tape, points[wrt].shape, points[wrt].dtype)
    given: list[Any] = list(points)
    given[wrt] = Traced(points[wrt], variable)
    result = f(*given)
    if isinstance(result, Traced):
        if result.tape is not tape and isolated:
            return Trace(result.value, variable, None, tape)
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
        scope = inspect.getclosurevars(inspect.unwrap(f))
    except (TypeError, ValueError):  # no Python function, or a variable that is not yet bound
        return {}
    return {
        id(x): (x, name)
        for names in (scope.globals, scope.nonlocals)
        for name, x in names.items()
        if isinstance(x, np.ndarray)
    }
