"""Dask arrays between vec and vech.

The matrix is cut into blocks of columns. Each holds a contiguous piece of vec and one of vech; what
has its mirror image elsewhere is a commutation away.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np

from ._check import Array
from ._chunked_arrays import replaced
from ._chunked_products import apply, permuted
from ._chunks import Chunks, regular
from ._factor import Factor
from ._terms import Term
from ._triangles import Duplication, Elimination


@apply.register
def _(op: Elimination, x: Any, axis: int, dtype: np.dtype[Any]) -> Any:
    return _padded(x, axis, op.n) if op.widens else _cut(x, axis, op.n)


@apply.register
def _(op: Duplication, x: Any, axis: int, dtype: np.dtype[Any]) -> Any:
    match op.mark:
        case "":  # D = Lᵀ + K L₀ᵀ, where L₀ leaves the diagonal out
            lower = _padded(x, axis, op.n, strict=True)
            return _padded(x, axis, op.n) + _mirrored(lower, axis, op.n)
        case "T":  # Dᵀ = L + L₀ K
            return _cut(x, axis, op.n) + _cut(_mirrored(x, axis, op.n), axis, op.n, strict=True)
        case "+":  # D⁺ = L (I + K)/2
            return _cut((x + _mirrored(x, axis, op.n)) / 2, axis, op.n)
    square = _padded(x, axis, op.n)  # D⁺ᵀ = (I + K)/2 Lᵀ
    return (square + _mirrored(square, axis, op.n)) / 2


def _mirrored(x: Any, axis: int, n: int) -> Any:
    eyes = Factor(None, n), Factor(None, n)
    return permuted(Term(1, eyes, (1, 0)), x, axis, x.dtype)


def _cut(x: Any, axis: int, n: int, strict: bool = False) -> Any:
    """vec to vech: the lower triangle, or zeros on the diagonal of it."""
    columns = _columns(x, axis, n)
    square = x.rechunk(replaced(x.chunks, axis, tuple(n * width for width in columns)))
    chunks = replaced(square.chunks, axis, _lengths(columns, n))
    first = _first_columns(square, axis, columns)
    return _with_first("vech-cut", _cut_block, square, first, axis, n, strict, chunks=chunks)


def _padded(x: Any, axis: int, n: int, strict: bool = False) -> Any:
    """vech to vec, zeros above the diagonal, or also on it."""
    columns = _columns(x, axis, n)
    packed = x.rechunk(replaced(x.chunks, axis, _lengths(columns, n)))
    chunks = replaced(packed.chunks, axis, tuple(n * width for width in columns))
    first = _first_columns(packed, axis, columns)
    return _with_first("vech-pad", _pad_block, packed, first, axis, n, strict, chunks=chunks)


def _columns(x: Any, axis: int, n: int) -> tuple[int, ...]:
    """The matrix in blocks of columns about as large as the chunks of x."""
    return regular(n, max(1, min(n, max(x.chunks[axis], default=0) // max(n, 1))))


def _lengths(columns: tuple[int, ...], n: int) -> tuple[int, ...]:
    """How much of vech lies in each block of columns."""
    ends = itertools.accumulate(columns, initial=0)
    return tuple(
        (j - i) * n - (j * (j - 1) - i * (i - 1)) // 2 for i, j in itertools.pairwise(ends)
    )


def _first_columns(x: Any, axis: int, columns: tuple[int, ...]) -> Any:
    """The number of the first column of each block, as an array of one entry for each."""
    starts = np.cumsum((0, *columns[:-1]))
    return da.from_array(starts, chunks=1)


def _with_first(
    name: str, f: Callable[..., Array], x: Any, first: Any, axis: int, *args: Any, chunks: Chunks
) -> Any:
    """f(block, first column, axis, *args) of every block."""
    labels = tuple(range(x.ndim))
    return da.blockwise(
        f, labels, x, labels, first, (axis,), *itertools.chain(*((a, None) for a in (axis, *args))),
        dtype=x.dtype, meta=np.empty((0,) * x.ndim, x.dtype), align_arrays=False,
        adjust_chunks={axis: chunks[axis]}, token=name,
    )  # fmt: skip


def _triangle(first: Array, width: int, n: int, strict: bool) -> Array:
    """Which places of these columns are below the diagonal, or on it."""
    below = np.arange(n) - (first[0] + np.arange(width))[:, None]
    return np.asarray(below > 0 if strict else below >= 0)


def _cut_block(block: Array, first: Array, axis: int, n: int, strict: bool) -> Array:
    """The piece of vech that a block of columns holds."""
    front = np.moveaxis(block, axis, 0)
    square = front.reshape(-1, n, *front.shape[1:])
    if strict:
        square = square * _triangle(first, len(square), n, True)[(..., *(None,) * (block.ndim - 1))]
    return np.moveaxis(square[_triangle(first, len(square), n, False)], 0, axis)


def _pad_block(block: Array, first: Array, axis: int, n: int, strict: bool) -> Array:
    """The block of columns of a piece of vech, zeros in the rest."""
    front = np.moveaxis(block, axis, 0)
    width = _width(first[0], front.shape[0], n)
    square = np.zeros((width, n, *front.shape[1:]), block.dtype)
    square[_triangle(first, width, n, False)] = front
    if strict:
        square *= _triangle(first, width, n, True)[(..., *(None,) * (block.ndim - 1))]
    return np.moveaxis(square.reshape(width * n, *front.shape[1:]), 0, axis)


def _width(first: int, length: int, n: int) -> int:
    """How many columns from this one make a piece of vech of this length."""
    width = 0
    while length > 0:
        length -= n - first - width
        width += 1
    return width
