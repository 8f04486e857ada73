"""Traced arrays: plain NumPy code that runs on them is recorded on a tape.

A traced array carries its value and a tangent. Each NumPy function has one forward rule (see
`_rules`), written with ordinary operators on tangents.
"""

from __future__ import annotations

import functools
import inspect
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, NamedTuple, NoReturn

import numpy as np

from ._check import Array, is_of_scipy, require_own_class, user_frame
from ._equation import Equation
from ._labels import Label
from ._registry import registry
from ._tape import Tangent, Tape, where

# --- rules ---------------------------------------------------------------------------------------


class Rule(NamedTuple):
    """How a NumPy function is differentiated.

    ``forward(*values, **kwargs)`` returns the value and, for each positional argument, the linear
    map from its tangent to the result's; for an argument that is a sequence of arrays, a sequence
    of maps. Where the value is a tuple, such maps for each of its items, None for one that is
    locally constant. A third item that forward returns is a map that the sum of all the tangents
    goes through. `linear` says in which arguments the function is linear: "jointly" (a sum), "each"
    (a product), "first", "last" or "no"; in a sequence of arrays it is so jointly.

    Values may be traced arrays of an outer derivative: a rule is written in functions that have
    rules, and asks `stop_gradient` for plain numbers where it needs them.
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
    if kwargs and any(map(_is_traced_tree, kwargs.values())):
        args, kwargs = _by_position(function, r.forward, args, kwargs)
    tape = _innermost(function, args)
    _check_linearity(tape, r.linear, function, args)
    values = [_value_in(tape, x) for x in args]
    if kwargs:
        _require_options(function, r.forward, values, kwargs)
    last: list[Callable[[Tangent], Tangent]]
    value, maps, *last = r.forward(*values, **kwargs)
    if isinstance(value, (tuple, list)):  # slogdet, split: maps for each of the results
        parts = (
            v if m is None else _result(v, m, args, r, tape, None, last)
            for v, m in zip(value, maps, strict=True)
        )
        make: Any = type(value)  # a named tuple takes its items one by one
        return make(*parts) if hasattr(value, "_fields") else make(parts)
    label = r.label(*map(tape.label, values)) if r.label else None
    return _result(value, maps, args, r, tape, label, last)


def _innermost(function: Any, args: Sequence[Any]) -> Tape:
    """The tape of the innermost derivative among those of the arguments."""
    found: Tape | None = None
    for x in _leaves(args):
        tape = x.tape
        if tape.finished:
            raise NotImplementedError(
                f"{_name(function)} at {where()} mixes arrays of two derivatives: one of its "
                "arguments was kept from a derivative that has been taken"
            )
        if found is None or tape.number > found.number:
            found = tape
    if found is None:
        _refuse(function, "with traced arrays in this place")
    return found


def _leaves(args: Sequence[Any]) -> Iterator[Traced]:
    """The traced arrays among the arguments, in sequences of arrays too."""
    for x in args:
        if isinstance(x, Traced):
            yield x
        elif isinstance(x, (list, tuple)):
            yield from _leaves(x)


def _is_traced_tree(x: Any) -> bool:
    return any(True for _ in _leaves((x,)))


def _value_in(tape: Tape, x: Any) -> Any:
    """What the rules of a tape see of an argument: of its own arrays the values."""
    if isinstance(x, Traced):
        if x.tape is tape:
            return x.value
        if tape.isolated:
            tape.meets_others = True
            plain = stop_gradient(x)
            tape.own(plain, x.tape.label(x.value))
            return plain
        return x
    if isinstance(x, (list, tuple)) and _is_traced_tree(x):
        return [_value_in(tape, item) for item in x]
    require_own_class("constant", x)
    return x


def _by_position(
    function: Any, forward: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Sequence[Any], dict[str, Any]]:
    """The arguments with the traced ones among the keywords at their place."""
    try:
        bound = _signature(forward).bind(*args, **kwargs)
    except TypeError:
        _refuse(function, "with a traced keyword argument")
    bound.apply_defaults()
    if any(map(_is_traced_tree, bound.kwargs.values())):
        _refuse(function, "with a traced keyword argument")
    return bound.args, bound.kwargs


def _signature(forward: Callable[..., Any]) -> inspect.Signature:
    """That of the function that a rule is made for, if it has one: a builtin may have none."""
    try:
        return inspect.signature(forward)
    except ValueError:
        return inspect.signature(forward, follow_wrapped=False)


def _require_options(
    function: Any, forward: Callable[..., Any], values: Sequence[Any], kwargs: dict[str, Any]
) -> None:
    """Refuse options of NumPy's function that its rule does not have."""
    signature = _signature(forward)
    try:
        signature.bind(*values, **kwargs)
    except TypeError:
        known = [name for name, p in signature.parameters.items() if p.default is not p.empty]
        others = [name for name in kwargs if name not in signature.parameters]
        raise NotImplementedError(
            f"{_name(function)} with {', '.join(others or kwargs)} at {where()} cannot be "
            f"traced; its options that can are {', '.join(known) or 'none'}"
        ) from None


def _result(
    value: Any,
    maps: Sequence[Any],
    args: Sequence[Any],
    r: Rule,
    tape: Tape,
    label: Label | None,
    last: Sequence[Callable[[Tangent], Tangent]],
) -> Any:
    """The traced array of a value: the sum of the images of the arguments' tangents."""
    array: Any = value if isinstance(value, Traced) else np.asarray(value)
    tape.own(array, label)  # before the maps run: they may hold it as a constant
    parts = [f(d) for d, f in _mapped(tape, args, maps)]
    if not parts:  # locally constant
        return array
    tangent = functools.reduce(operator.add, reversed(parts) if r.last_first else parts)
    for f in last:
        tangent = f(tangent)
    return Traced(array, tangent)


def _mapped(tape: Tape, args: Sequence[Any], maps: Any) -> Iterator[tuple[Tangent, Any]]:
    """The tangents of the arguments, each with the map that it goes through."""
    for x, f in zip(args, maps, strict=False):
        if isinstance(x, Traced):
            if x.tape is tape and f is not None:
                yield x.tangent, f
        elif isinstance(x, (list, tuple)) and isinstance(f, (list, tuple)):
            yield from _mapped(tape, x, f)


class NonlinearError(Exception):
    """An operation makes the result depend on the variable other than linearly."""


def _check_linearity(tape: Tape, linear: str, function: Any, args: Sequence[Any]) -> None:
    """Raise where a tape that must be linear meets a function that is not, in these arguments."""
    if not tape.require_linear:
        return
    traced = [k for k, x in enumerate(args) if any(leaf.tape is tape for leaf in _leaves((x,)))]
    fine = {
        "jointly": True,
        "each": len(traced) == 1,
        "first": traced == [0],
        "last": traced == [len(args) - 1],
        "no": False,
    }
    if not fine[linear]:
        raise NonlinearError(f"{_name(function)} at {where()}")


def _name(function: Any) -> str:
    """A function as users call it."""
    if isinstance(function, Equation):
        return f"otimes.{function.name}"
    if isinstance(function, np.ufunc):
        owner = "numpy." if hasattr(np, function.__name__) else "the ufunc "  # as SciPy's
        return f"{owner}{function.__name__}"
    if function is operator.getitem:
        return "indexing"
    if function is np.ndarray.astype:
        return "numpy.ndarray.astype"
    module = getattr(function, "__module__", None) or "numpy"
    package = module.partition("._")[0]  # what a private module defines is exported by its package
    return f"{package}.{function.__name__}"


def _refuse(function: Any, how: str = "") -> NoReturn:
    """Raise for what has no rule, with the nearest function that has one."""
    import difflib  # a millisecond of import time, for this message only

    names = sorted({_name(f) for f in rules})
    near = difflib.get_close_matches(_name(function), names, n=1, cutoff=0.0)
    raise NotImplementedError(
        f"{_name(function)} {how + ' ' if how else ''}at {where()} cannot be traced; the nearest "
        f"supported function is {near[0]} (docs/numpy.md lists all {len(names)})"
    )


# --- traced arrays -------------------------------------------------------------------------------


LOSS = "would lose its derivative"


def _loses(x: str) -> NoReturn:
    raise TypeError(
        f"{x} a traced array at {where()} {LOSS}{_by_scipy()}; use "
        "otimes.stop_gradient(x) where a constant is meant, and np.stack, np.concatenate or "
        "np.where to build arrays"
    )


def _by_scipy() -> str:
    """What to call in the place of the function of SciPy that the user has called, if it is one."""
    frame, _ = user_frame()
    inner: FrameType | None = sys._getframe(1)
    while inner is not None and inner.f_back is not frame:
        inner = inner.f_back
    if inner is None or not is_of_scipy(inner):
        return ""
    name = inner.f_code.co_name
    known = [x for x in map(_name, rules) if x.rpartition(".")[2] == name]
    if known:
        return f" in SciPy's {name}; {known[0]} can be traced"
    return " in SciPy, whose functions cannot be traced; those of numpy.linalg and otimes can"


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
    itemsize = property(lambda self: self.value.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.itemsize)

    def __len__(self) -> int:
        return len(self.value)

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    def __format__(self, spec: str) -> str:
        return format(stop_gradient(self)[()] if spec else repr(self), spec)

    # NumPy functions reach the rules through its two protocols
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        compares = ufunc in _COMPARISONS and method == "__call__"
        if "out" in kwargs and (not compares or _is_traced_tree(kwargs["out"])):
            _loses("writing into an array (+=, out=) from")
        if compares:
            return ufunc(*map(stop_gradient, args), **kwargs)
        if method != "__call__":
            _refuse(ufunc, f"(its method {method!r})")
        return call(ufunc, args, kwargs)

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        if func in _PLAIN:
            named = {name: _plain_tree(x) for name, x in kwargs.items()}
            return func(*map(_plain_tree, args), **named)
        if func in registry.writers or kwargs.get("out") is not None:
            _loses(f"writing into an array (np.{func.__name__}) from")
        return call(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        _loses("np.asarray of")

    def __float__(self) -> float:
        _loses("float() of")

    def __int__(self) -> int:
        _loses("int() of")

    def __index__(self) -> int:
        _loses("an index made of")

    def __complex__(self) -> complex:
        _loses("complex() of")

    def item(self, *args: Any) -> NoReturn:
        _loses("item() of")

    def tolist(self) -> NoReturn:
        _loses("tolist() of")

    def __bool__(self) -> bool:
        return bool(self.value)

    def __setitem__(self, key: Any, value: Any) -> None:
        _loses("assignment into")

    def __getitem__(self, key: Any) -> Any:
        return call(operator.getitem, (self, _plain_tree(key)), {})

    def __iter__(self) -> Iterator[Any]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[k] for k in range(len(self)))

    def __contains__(self, x: Any) -> bool:
        return bool((self == x).any())

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS:
            return functools.partial(_METHODS[name], self)
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"a traced array has no attribute {name!r}")
        raise NotImplementedError(
            f"numpy.ndarray.{name} at {where()} cannot be traced; the methods that can are "
            f"{', '.join(sorted(_METHODS))}"
        )

    # array methods are the functions; these have arguments of their own
    @property
    def T(self) -> Any:
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        return np.matrix_transpose(self)

    @property
    def real(self) -> Any:
        return np.real(self)

    @property
    def imag(self) -> Any:
        return np.imag(self)

    @property
    def flat(self) -> Any:
        return np.ravel(self)

    def transpose(self, *axes: Any) -> Any:
        chosen = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return np.transpose(self, chosen)

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
        chosen = shape[0] if len(shape) == 1 else shape
        return np.reshape(self, chosen, order=order)

    def flatten(self, order: Any = "C") -> Any:
        return np.ravel(self, order)

    def astype(self, dtype: Any, *options: Any, **more: Any) -> Any:
        return call(np.ndarray.astype, (self, dtype), {})

    def copy(self, order: Any = "C") -> Traced:
        return self


#: Methods of arrays that are functions of NumPy.
_METHODS: dict[str, Callable[..., Any]] = {
    "conj": np.conjugate,
    "conjugate": np.conjugate,
    **{
        name: getattr(np, name)
        for name in (
            "all", "any", "argmax", "argmin", "argpartition", "argsort", "choose", "clip",
            "compress", "cumprod", "cumsum", "diagonal", "dot", "max", "mean", "min", "nonzero",
            "prod", "ravel", "repeat", "round", "searchsorted", "squeeze", "std", "sum",
            "swapaxes", "take", "trace", "var",
        )
    },
}  # fmt: skip


#: Functions whose results are the same in a neighbourhood: plain arrays, as comparisons give.
_PLAIN = {
    np.all, np.any, np.argmax, np.argmin, np.argpartition, np.argsort, np.argwhere, np.allclose,
    np.isclose, np.array_equal, np.can_cast, np.common_type, np.count_nonzero, np.digitize,
    np.empty_like, np.flatnonzero, np.iscomplexobj, np.iscomplex, np.isreal,
    np.isrealobj, np.lexsort, np.ndim, np.nonzero, np.ones_like, np.result_type, np.searchsorted,
    np.shape, np.size, np.zeros_like,
}  # fmt: skip


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

    Notes
    -----
    The array is the one that the derivative is computed with, and read-only.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> f = lambda A: ox.stop_gradient(A) @ A
    >>> str(ox.jacobian(f, np.eye(2)))
    'I₂ ⊗ A'
    """
    if not isinstance(x, Traced):
        return x
    value = plain(x)
    value.setflags(write=False)
    return value


def plain(x: Any) -> Any:
    """The value of an array of any number of derivatives."""
    while isinstance(x, Traced):
        x = x.value
    return x


def _plain_tree(x: Any) -> Any:
    """`x` with the plain values of traced arrays, in sequences too."""
    if isinstance(x, (list, tuple)) and _is_traced_tree(x):
        return type(x)(map(_plain_tree, x))
    return stop_gradient(x)
