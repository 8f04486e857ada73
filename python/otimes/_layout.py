"""Arrays as those who work on them take them: kernels, operators on columns, maps of one axis."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ._check import Array, Shape

# --- for kernels ----------------------------------------------------------------------------------


def packed(x: Array, dtype: np.dtype[Any]) -> Array:
    """`x` as a kernel takes it: C-ordered, aligned and of its dtype."""
    array = np.require(x, dtype, ("C", "A"))
    return array if array.dtype.char == dtype.char else array.view(dtype)  # long long is int64


def as_exact(a: Array, dtype: DTypeLike) -> Array:
    """Bring `a` to this dtype, aligned, strides multiples of the item size, as the core asks."""
    a = np.require(a, dtype, ["A"])
    return np.ascontiguousarray(a) if any(s % a.itemsize for s in a.strides) else a


def apply_along_columns(apply: Callable[[Array], Array], x: Array, dtype: np.dtype[Any]) -> Array:
    """What a kernel that takes C-ordered (L, N, R) makes of columns x (N, k), in x's own order."""
    columns = x.flags.f_contiguous and not x.flags.c_contiguous
    y = apply(packed(x.T, dtype)[:, :, None] if columns else packed(x, dtype)[None])
    block: Array = y[:, :, 0].T if columns else y[0]
    return block


# --- for operators --------------------------------------------------------------------------------


def from_columns(x: Array, shape: Shape) -> Array:
    """Columns of vec coordinates (N, k) as a batch (k, *shape)."""
    batch = x.T.reshape(x.shape[1], *reversed(shape))
    return batch.transpose(0, *range(len(shape), 0, -1))


def to_columns(batch: Array) -> Array:
    """A batch (k, *shape) as columns of vec coordinates (N, k)."""
    axes = range(batch.ndim - 1, 0, -1)
    size = math.prod(batch.shape[1:])
    return np.ascontiguousarray(batch.transpose(0, *axes)).reshape(batch.shape[0], size).T


def along_axis(f: Callable[[Array], Array], x: Array, axis: int) -> Array:
    """What a map of columns (N, k) makes of the vectors along one axis of an array."""
    front = np.moveaxis(x, axis, 0)
    y = f(front.reshape(front.shape[0], math.prod(front.shape[1:])))
    return np.moveaxis(y.reshape(y.shape[0], *front.shape[1:]), 0, axis)
