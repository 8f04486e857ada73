"""Sums, products and extrema along axes.

Of several equal extrema each has the same share of the derivative, as in JAX; the standard
deviation of equal entries has derivative zero, as |x| has at 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._check import Array
from .._tape import Tangent
from .._traced_arrays import plain, rule
from .along import cumsum_of
from .tangents import axes_of, kept, require_real, sum_over, weighted_sum

Axis = Any


def weighted(value: Any, axes: tuple[int, ...], weights: Any, real: bool = False) -> Any:
    """The rule's result for d value = Σ W ∘ dA along the axes, or its real part."""
    shape = np.shape(plain(value))
    if real:
        return value, (lambda da: weighted_sum(da, weights, axes, shape).real,)
    return value, (lambda da: weighted_sum(da, weights, axes, shape),)


@rule(np.sum, linear="jointly")
def sum(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """d ΣA = Σ dA."""
    value = np.sum(a, axis, keepdims=keepdims)
    axes = axes_of(np.ndim(a), axis)
    return value, (lambda da: sum_over(da, axes, np.shape(plain(value))),)


@rule(np.mean, linear="jointly")
def mean(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """d mean(A) = Σ dA / n."""
    value = np.mean(a, axis, keepdims=keepdims)
    axes = axes_of(np.ndim(a), axis)
    return value, (lambda da: sum_over(da, axes, np.shape(plain(value))) * (1 / _count(a, axes)),)


def _count(a: Any, axes: tuple[int, ...]) -> int:
    return int(np.prod([np.shape(a)[k] for k in axes], dtype=int))


@rule(np.average, linear="first")
def average(a: Any, axis: Axis = None, weights: Any = None, *, keepdims: Any = False) -> Any:
    """d(Σ W∘A / ΣW) = (Σ W ∘ dA + Σ (A - mean) ∘ dW) / ΣW."""
    if weights is None:
        return mean(a, axis, keepdims=keepdims)
    axes = axes_of(np.ndim(a), axis)
    value = np.average(a, axis, weights, keepdims=keepdims)
    if np.shape(weights) == np.shape(a):
        wide = weights
    else:
        wide = np.reshape(weights, tuple(n if k in axes else 1 for k, n in enumerate(a.shape)))
    total = np.sum(weights)
    if np.shape(weights) == np.shape(a):
        total = np.sum(wide, axes, keepdims=True)
    centred = a - np.reshape(value, kept(np.shape(a), axes))
    shape = np.shape(plain(value))

    def by_weights(dw: Tangent) -> Tangent:
        return sum_over(dw.reshape(np.shape(wide)) * (centred / total), axes, shape)

    def by_array(da: Tangent) -> Tangent:
        return sum_over(da * (wide / total), axes, shape)

    return value, (by_array, None, by_weights)


@rule(np.var)
def var(
    a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, correction: Any = None
) -> Any:
    """d var(A) = 2 Re Σ conj(A - mean) ∘ dA / (n - ddof)."""
    ddof = ddof if correction is None else correction
    axes = axes_of(np.ndim(a), axis)
    slope = np.conj(_centred(a, axes)) * (2 / (_count(a, axes) - ddof))
    return weighted(np.var(a, axis, ddof=ddof, keepdims=keepdims), axes, slope, real=True)


@rule(np.std)
def std(
    a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, correction: Any = None
) -> Any:
    """d std(A) = Re Σ conj(A - mean) ∘ dA / ((n - ddof) std(A))."""
    ddof = ddof if correction is None else correction
    axes = axes_of(np.ndim(a), axis)
    value = np.std(a, axis, ddof=ddof, keepdims=keepdims)
    wide = np.reshape(value, kept(np.shape(a), axes))
    safe = np.where(plain(wide) == 0, 1, wide)
    slope = np.conj(_centred(a, axes)) / safe * (1 / (_count(a, axes) - ddof))
    return weighted(value, axes, slope, real=True)


def _centred(a: Any, axes: tuple[int, ...]) -> Any:
    return a - np.mean(a, axes, keepdims=True)


# --- products ------------------------------------------------------------------------------------


@rule(np.prod)
def prod(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """d ΠA = Σ (Π of all other entries) ∘ dA, without a division, so with zeros too."""
    axes = axes_of(np.ndim(a), axis)
    return weighted(np.prod(a, axis, keepdims=keepdims), axes, _others(a, axes))


def _others(a: Any, axes: tuple[int, ...]) -> Any:
    """For each entry the product of the others: of those before it and those after it."""
    rest = tuple(k for k in range(np.ndim(a)) if k not in axes)
    order = (*rest, *axes)
    moved = np.transpose(a, order)
    lines = np.reshape(moved, (*(np.shape(a)[k] for k in rest), _count(a, axes)))
    one = np.ones_like(plain(lines)[..., :1])
    before = np.cumprod(np.concatenate([one, lines[..., :-1]], -1), -1)
    after = np.flip(np.cumprod(np.concatenate([one, np.flip(lines[..., 1:], -1)], -1), -1), -1)
    back = tuple(int(k) for k in np.argsort(order))
    return np.transpose(np.reshape(before * after, np.shape(moved)), back)


@rule(np.cumprod)
def cumprod(a: Any, axis: int | None = None) -> Any:
    """d Πₖ = Σᵢ (Π of the others up to k) daᵢ; without zeros it is Πₖ Σᵢ daᵢ/aᵢ."""
    value = np.cumprod(a, axis)
    lines = np.ravel(a) if axis is None else a
    along = 0 if axis is None else axis % np.ndim(a)
    others = None if np.all(plain(a)) else _others_up_to(lines, along)

    def forward(da: Tangent) -> Tangent:
        d = da.reshape(np.shape(lines))
        if others is None:
            return cumsum_of(d * (1 / lines), along) * value
        shape = d.shape
        tall = d.reshape((*shape[: along + 1], 1, *shape[along + 1 :]))
        return sum_over(tall * others, (along,), shape)

    return value, (forward,)


def _others_up_to(a: Any, axis: int) -> Any:
    """M[..., i, k, ...]: the product of the entries up to k along the axis but the i-th, or 0."""
    shape = np.shape(a)
    n, trailing = shape[axis], (1,) * (len(shape) - axis - 1)
    wide = np.reshape(a, (*shape[:axis], 1, *shape[axis:]))
    itself = np.reshape(np.eye(n, dtype=bool), (n, n, *trailing))
    upper = np.reshape(np.tri(n, dtype=plain(a).dtype).T, (n, n, *trailing))
    return np.cumprod(np.where(itself, 1, wide), axis + 1) * upper


# --- extrema -------------------------------------------------------------------------------------


@rule(np.max, np.amax)
def max(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """d max(A) = dA at the largest entry, the mean of dA over equal ones."""
    return _extremum(np.max, a, axis, keepdims)


@rule(np.min, np.amin)
def min(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """d min(A) = dA at the smallest entry, the mean of dA over equal ones."""
    return _extremum(np.min, a, axis, keepdims)


@rule(np.ptp)
def ptp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """d ptp(A) = d max(A) - d min(A)."""
    require_real("np.ptp", a)
    p, axes = plain(a), axes_of(np.ndim(a), axis)
    weights = shares(p, p.max(axes, keepdims=True)) - shares(p, p.min(axes, keepdims=True))
    return weighted(np.ptp(a, axis, keepdims=keepdims), axes, weights)


def _extremum(function: Any, a: Any, axis: Axis, keepdims: bool) -> Any:
    require_real(f"np.{function.__name__}", a)
    p, axes = plain(a), axes_of(np.ndim(a), axis)
    weights = shares(p, function(p, axes, keepdims=True))
    return weighted(function(a, axis, keepdims=keepdims), axes, weights)


def shares(a: Array, attained: Array) -> Array:
    """Equal weights, of sum 1, for the entries of A that equal a reduction which kept its axes."""
    at = np.equal(a, attained)
    axes = tuple(k for k, (n, m) in enumerate(zip(a.shape, attained.shape, strict=True)) if n != m)
    weights: Array = (at / np.maximum(at.sum(axes, keepdims=True), 1)).astype(a.dtype)
    return weights


@rule(np.sort)
def sort(a: Any, axis: int | None = -1) -> Any:
    """d sort(A) = dA in the same order, that of equal entries being kept."""
    p = plain(a)
    places = np.arange(p.size).reshape(p.shape)
    if axis is None:
        p, places, axis = p.ravel(), places.ravel(), 0
    sources = np.take_along_axis(places, np.argsort(p, axis, stable=True), axis)
    return np.reshape(a, (-1,))[sources], (lambda da: da.gather(sources),)


@rule(np.median)
def median(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """d median(A) = dA at the middle entry, the mean of dA at the two middle ones."""
    require_real("np.median", a)
    p, axes = plain(a), axes_of(np.ndim(a), axis)
    n = _count(p, axes)
    lower, upper = (_order_statistic(p, axes, k) for k in ((n - 1) // 2, n // 2))
    weights = (shares(p, lower) + shares(p, upper)) / 2
    return weighted(np.median(a, axis, keepdims=keepdims), axes, weights)


def _order_statistic(a: Array, axes: tuple[int, ...], k: int) -> Array:
    """The entries of rank k along the axes, which are kept."""
    last = range(a.ndim - len(axes), a.ndim)
    moved = np.moveaxis(a, axes, tuple(last))
    lines = moved.reshape(*moved.shape[: a.ndim - len(axes)], -1)
    return np.partition(lines, k, -1)[..., k].reshape(kept(a.shape, axes))
