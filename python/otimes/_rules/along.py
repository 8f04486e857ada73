"""Linear functions along axes: cumulative sums and convolutions.

They are applied as functions, with their transposes, so a length of a million costs no matrix.
Both name their axes from the end: a batch comes along a new first axis.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .._check import Array
from .._tape import Tangent
from .._traced_arrays import plain, rule
from .linear_function import Function, LinearFunction
from .tangents import apply, refuse


def linear_map(value: Array, a: Any, function: Function, transposed: Function) -> Any:
    """The rule's result for a linear function of `a` whose value is given."""
    p, q = plain(a), plain(value)
    op = LinearFunction(function, transposed, p.shape, q.shape, np.result_type(q))
    return value, (lambda da: apply(op, da),)


def from_end(ndim: int, axis: int) -> int:
    return normalize_axis_index(axis, ndim) - ndim


@rule(np.cumsum, linear="jointly")
def cumsum(a: Any, axis: int | None = None) -> Any:
    """d cumsum(A) = cumsum(dA); its transpose sums from the end."""
    shape = (np.size(a),) if axis is None else np.shape(a)
    return np.cumsum(a, axis), (lambda da: cumsum_of(da.reshape(shape), axis or 0),)


def cumsum_of(d: Tangent, axis: int) -> Tangent:
    axis = from_end(d.ndim, axis)
    forward, backward = partial(_running_sum, axis=axis), partial(_sum_from_end, axis=axis)
    return apply(LinearFunction(forward, backward, d.shape, d.shape, d.dtype), d)


def _running_sum(x: Array, axis: int) -> Array:
    return np.cumsum(x, axis)


def _sum_from_end(x: Array, axis: int) -> Array:
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis)


# --- convolutions --------------------------------------------------------------------------------


@rule(np.convolve, linear="each")
def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    """d(A * V) = dA * V + A * dV, each a product with a Toeplitz matrix."""
    value = np.convolve(a, v, mode)
    first = _first_of(mode, np.size(a), np.size(v))
    places = first + np.arange(plain(value).size)
    return value, (
        lambda da: da @ _toeplitz(v, np.size(a), places),
        lambda dv: dv @ _toeplitz(a, np.size(v), places),
    )


@rule(np.correlate, linear="each")
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """The convolution of A with V reversed."""
    if any(np.iscomplexobj(plain(x)) for x in (a, v)):
        refuse("np.correlate of a complex array", "np.convolve can, with the array reversed")
    value, (by_a, by_v) = convolve(a, np.flip(v), mode)
    reversal = np.flip(np.eye(np.size(v), dtype=plain(value).dtype), 0)
    return value, (by_a, lambda dv: by_v(dv @ reversal))


def _first_of(mode: str, m: int, n: int) -> int:
    """The place in the full convolution where that of a mode starts."""
    return {"full": 0, "same": (min(m, n) - 1) // 2, "valid": min(m, n) - 1}[mode]


def _toeplitz(v: Any, m: int, places: Array) -> Any:
    """T with (x * v)[places] = x T for x of length m."""
    lag = places - np.arange(m)[:, None]
    inside = (lag >= 0) & (lag < np.size(v))
    return np.where(inside, v[np.where(inside, lag, 0)], 0)
