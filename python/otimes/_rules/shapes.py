"""Indexing and rearrangement: functions that move, repeat or leave out entries.

What they do to entries they do to indices: run on an array of the indices of its arguments, each
function says where its result's entries come from.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._check import Array
from .._dtypes import real_dtype
from .._tape import Tangent, where
from .._traced_arrays import Traced, rule, stop_gradient
from .._vec import unvec, unvech, unveck, vec, vech, veck

# --- one rule for all ----------------------------------------------------------------------------


def _rearranging(function: Callable[..., Any], *places: int) -> Callable[..., Any]:
    """The forward rule of a function whose arguments at `places` are (sequences of) arrays."""

    def forward(*args: Any, **kwargs: Any) -> Any:
        if len(args) <= max(places):
            bound = inspect.signature(function).bind(*args, **kwargs)
            args, kwargs = bound.args, bound.kwargs
        value = function(*args, **kwargs)

        @functools.cache
        def sources() -> Any:
            """1, 2, 3, … for the entries of the arguments, 0 for those that are from nowhere."""
            start, numbered = 1, list(args)
            for place in places:
                start, numbered[place] = _numbered(args[place], start)
            return function(*numbered, **_for_indices(function, args, kwargs))

        if isinstance(value, (tuple, list)):  # the parts of one array
            parts = [functools.partial(_part, sources, k) for k in range(len(value))]
            return value, [(functools.partial(_gathered, part, 1),) for part in parts]
        start, maps = 1, [None] * len(args)
        for place in places:
            start, maps[place] = _maps_of(args[place], start, sources)
        return value, maps

    forward.__wrapped__ = function  # type: ignore[attr-defined]  # whose signature is its own
    return forward


def _numbered(x: Any, start: int) -> tuple[int, Any]:
    """The next number, and the entries of arrays in nested sequences replaced by numbers."""
    if isinstance(x, (list, tuple)):
        items = []
        for item in x:
            start, numbered = _numbered(item, start)
            items.append(numbered)
        return start, items
    end = start + np.size(x)
    return end, np.arange(start, end).reshape(np.shape(x))


def _maps_of(x: Any, start: int, sources: Callable[[], Array]) -> tuple[int, Any]:
    """The next number, and the maps of the tangents of arrays in nested sequences."""
    if isinstance(x, (list, tuple)):
        maps = []
        for item in x:
            start, found = _maps_of(item, start, sources)
            maps.append(found)
        return start, maps
    return start + np.size(x), functools.partial(_gathered, sources, start)


def _part(sources: Callable[[], Any], k: int) -> Array:
    part: Array = sources()[k]
    return part


def _gathered(sources: Callable[[], Array], start: int, d: Tangent) -> Tangent:
    """The image of the tangent of an array that is numbered from `start`."""
    mine = sources() - start
    return d.gather(np.where((mine >= 0) & (mine < np.prod(d.shape, dtype=int)), mine, -1))


def _for_indices(
    function: Callable[..., Any], args: Sequence[Any], options: dict[str, Any]
) -> dict[str, Any]:
    """The options of a function for an array of indices: a constant has no index."""
    mode = args[2] if len(args) > 2 else options.get("mode", "constant")
    if options.get("dtype") is not None:
        name = function.__name__
        raise NotImplementedError(f"np.{name} with dtype at {where()} cannot be traced")
    if function is np.pad and mode not in ("constant", "edge", "reflect", "symmetric", "wrap"):
        raise NotImplementedError(f"np.pad with mode={mode!r} at {where()} cannot be traced")
    return {name: x for name, x in options.items() if name != "constant_values"}


_SINCE_2_1 = (np.unstack,) if hasattr(np, "unstack") else ()

_f: Any
for _f in (
    np.flip, np.fliplr, np.flipud, np.rot90, np.roll, np.tile, np.repeat, np.take, np.delete,
    np.take_along_axis, np.diag, np.diagonal, np.linalg.diagonal, np.diagflat, np.pad, np.resize,
    np.concatenate, np.stack, np.hstack, np.vstack, np.dstack, np.column_stack, np.block,
    np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, *_SINCE_2_1,
):  # fmt: skip
    rule(_f, linear="jointly")(_rearranging(_f, 0))
for _f in np.compress, np.extract:
    rule(_f, linear="last")(_rearranging(_f, 1))
rule(np.append, linear="jointly")(_rearranging(np.append, 0, 1))
rule(np.insert, linear="jointly")(_rearranging(np.insert, 0, 2))

# --- indexing ------------------------------------------------------------------------------------


@rule(operator.getitem, linear="first")
def getitem(a: Any, key: Any) -> Any:
    """d(A[key]) = dA[key]; slices and numbers need no array of indices."""
    value = a[key]
    items = key if isinstance(key, tuple) else (key,)
    if not all(map(_is_basic, items)):
        sources = np.arange(a.size).reshape(a.shape)[key]
        return value, (lambda da: da.gather(sources),)
    window = _window(items, a.ndim)
    if window == (slice(None),) * a.ndim:
        return value, (lambda da: da.reshape(np.shape(value)),)
    return value, (lambda da: da.window(window).reshape(np.shape(value)),)


def _is_basic(item: Any) -> bool:
    if isinstance(item, (bool, np.bool_)):
        return False
    return item is None or item is Ellipsis or isinstance(item, (int, np.integer, slice))


def _window(items: Sequence[Any], ndim: int) -> tuple[Any, ...]:
    """One slice or number for each axis: new axes left out, the ellipsis and the end filled up."""
    given = [item for item in items if item is not None]
    count = sum(item is not Ellipsis for item in given)
    fill = (slice(None),) * (ndim - count)
    k = next((k for k, item in enumerate(given) if item is Ellipsis), len(given))
    return (*given[:k], *fill, *given[k + 1 :])


# --- shapes --------------------------------------------------------------------------------------


def _order(order: str, a: Any) -> str:
    """C or F for the order A of an array."""
    if order not in ("A", "K"):
        return order
    flags = stop_gradient(a).flags
    return "F" if flags.f_contiguous and not flags.c_contiguous else "C"


@rule(np.reshape, linear="first")
def reshape(a: Any, /, shape: Any, order: Any = "C", *, copy: bool | None = None) -> Any:
    """The entries in the same order: the identity, in vec coordinates for order F."""
    read = _order(order, a)
    value = np.reshape(a, shape, order=read)  # type: ignore[call-overload]
    return value, (lambda da: da.reshape(value.shape, read),)


@rule(np.ravel, linear="first")
def ravel(a: Any, order: Any = "C") -> Any:
    return reshape(a, -1, order)


def _reshaping(function: Callable[..., Any]) -> Callable[..., Any]:
    """The rule of functions that insert or remove axes of length 1."""

    def forward(a: Any, *args: Any, **kwargs: Any) -> Any:
        value = function(a, *args, **kwargs)
        return value, (lambda da: da.reshape(np.shape(value)),)

    return forward


for _f in np.squeeze, np.expand_dims:
    rule(_f, linear="first")(_reshaping(_f))


def _each_at_least(function: Callable[..., Any]) -> Callable[..., Any]:
    """The rule of atleast_1d and its like: a tuple of results for several arrays."""

    def forward(*arrays: Any) -> Any:
        if len(arrays) == 1:
            return _reshaping(function)(*arrays)
        values = tuple(map(function, arrays))
        return values, [_at(k, _to_shape(v.shape)) for k, v in enumerate(values)]

    return forward


def _at(k: int, f: Callable[[Tangent], Tangent]) -> tuple[Any, ...]:
    """The maps of a result that depends on argument k only."""
    return (*(None,) * k, f)


def _to_shape(shape: tuple[int, ...]) -> Callable[[Tangent], Tangent]:
    return lambda d: d.reshape(shape)


def _broadcast_to(shape: tuple[int, ...]) -> Callable[[Tangent], Tangent]:
    return lambda d: d.broadcast(shape)


for _f in np.atleast_1d, np.atleast_2d, np.atleast_3d:
    rule(_f, linear="jointly")(_each_at_least(_f))


def _permuting(function: Callable[..., Any]) -> Callable[..., Any]:
    """The rule of functions that permute axes."""

    def forward(a: Any, *args: Any, **kwargs: Any) -> Any:
        # axis k of this array has length k, so that the shape of the result is the permutation
        axes = function(np.empty(tuple(range(a.ndim))), *args, **kwargs).shape
        return function(a, *args, **kwargs), (lambda da: da.permute(axes),)

    return forward


for _f in np.swapaxes, np.moveaxis, np.rollaxis:
    rule(_f, linear="first")(_permuting(_f))


@rule(np.broadcast_to, linear="first")
def broadcast_to(a: Any, shape: Any, subok: bool = False) -> Any:
    value = np.broadcast_to(a, shape)
    return value, (_broadcast_to(value.shape),)


@rule(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """The fill value, repeated; constant by A."""
    filled = np.full_like(stop_gradient(a), stop_gradient(fill_value), dtype, shape=shape)
    if not isinstance(fill_value, Traced):
        return filled, (None, _broadcast_to(filled.shape))
    return np.broadcast_to(fill_value, filled.shape), (None, _broadcast_to(filled.shape))


@rule(np.broadcast_arrays, linear="jointly")
def broadcast_arrays(*arrays: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    values = tuple(np.broadcast_to(a, shape) for a in arrays)
    return values, [_at(k, _broadcast_to(shape)) for k in range(len(values))]


@rule(np.ndarray.astype, linear="first")
def astype(a: Any, dtype: Any) -> Any:
    """The same numbers in another precision."""
    if np.dtype(dtype).kind != a.dtype.kind:
        raise NotImplementedError(
            f"astype({np.dtype(dtype).name!r}) of an array of dtype {a.dtype} at {where()} cannot "
            "be traced; otimes.stop_gradient(x).astype(…) is a constant"
        )
    return a.astype(dtype), (lambda da: da.astype(np.dtype(dtype)),)


# --- the vec family ------------------------------------------------------------------------------

for _f in vech, veck, unvech:
    rule(_f, linear="jointly")(_rearranging(_f, 0))


@rule(vec, linear="first")
def vec_of(a: Any, order: Any = "F") -> Any:
    """The identity in vec coordinates."""
    return ravel(a, order) if np.ndim(a) == 2 else _rearranging(vec, 0)(a, order)


@rule(unvec, linear="first")
def unvec_of(v: Any, shape: Any = None, order: Any = "F") -> Any:
    if np.ndim(v) != 1:
        return _rearranging(unvec, 0)(v, shape, order)
    value = unvec(v, shape, order)
    return value, (lambda dv: dv.reshape(value.shape, order),)


@rule(unveck, linear="jointly")
def unveck_of(v: Any) -> Any:
    """The entries below the diagonal, and above it their negatives."""
    signed = unveck(np.arange(1, np.size(v) + 1).reshape(np.shape(v)))

    def by_vector(dv: Tangent) -> Tangent:
        below, above = (np.where(k > 0, k - 1, -1) for k in (signed, -signed))
        return dv.gather(below) + -dv.gather(above)

    return unveck(v), (by_vector,)


# --- entries kept or replaced by others ----------------------------------------------------------


def _mask(condition: Any, like: Any) -> Array:
    """1 where the condition holds, 0 elsewhere, in the precision of an array."""
    return np.asarray(stop_gradient(condition), bool).astype(real_dtype(like.dtype))


@rule(np.where, linear="jointly")
def choose(condition: Any, x: Any, y: Any) -> Any:
    """d where(C, X, Y) = C ∘ dX + (1 - C) ∘ dY."""
    value = np.where(stop_gradient(condition), x, y)
    yes = np.broadcast_to(_mask(condition, value), value.shape)
    return value, (None, lambda dx: dx * yes, lambda dy: dy * (1 - yes))


def _keeping(function: Callable[..., Any]) -> Callable[..., Any]:
    """The rule of tril and triu: d(tril A) = L ∘ dA."""

    def forward(m: Any, k: int = 0) -> Any:
        value = function(m, k)
        kept = function(np.ones(value.shape[-2:], real_dtype(value.dtype)), k)
        return value, (lambda dm: dm * kept,)

    return forward


for _f in np.tril, np.triu:
    rule(_f, linear="first")(_keeping(_f))


@rule(np.diff, linear="first")
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """A[1:] - A[:-1] along an axis, n times."""
    value = np.diff(a, n, axis)

    def differences(da: Tangent) -> Tangent:
        place = axis % a.ndim
        for _ in range(n):
            upper, lower = (
                da.window((*(slice(None),) * place, part, *(slice(None),) * (a.ndim - place - 1)))
                for part in (slice(1, None), slice(None, -1))
            )
            da = upper + -lower
        return da

    return value, (differences,)
