"""``op[rows, columns]``: what is selected, and how to form as little as possible for it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ._check import Array, Shape
from ._memory import require_dense


class Indexable(Protocol):
    """What indexing asks of an operator."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]

    @property
    def T(self) -> Indexable: ...
    def _rows(self, indices: Array) -> Array: ...
    def _entries(self, rows: Array, cols: Array) -> Array: ...


def getitem(op: Indexable, key: Any) -> Any:
    """``op[i, j]``, rows, columns and slices, forming only what is asked for."""
    row_key, col_key = _split_key(key, op.shape)
    selected = _selected(op, row_key, col_key)
    if _is_basic(row_key) and _is_basic(col_key) and isinstance(selected, np.ndarray):
        selected.setflags(write=False)
    return selected


def _is_basic(key: Any) -> bool:
    """Whether NumPy would give a view for this key."""
    return isinstance(key, (slice, int, np.integer)) and not isinstance(key, bool)


def _selected(op: Indexable, row_key: Any, col_key: Any) -> Any:
    """The block that two keys select, by rows, by columns or entry by entry, as is cheapest."""
    rows, cols = _pick(op.shape[0], row_key), _pick(op.shape[1], col_key)
    if not isinstance(row_key, slice) and not isinstance(col_key, slice):
        return _paired(op, rows, cols)
    shape = rows.shape + cols.shape
    rows, cols = rows.reshape(-1), cols.reshape(-1)
    require_dense((rows.size, cols.size), op.dtype)
    # entries one by one cost some ten times what they cost as a part of a row
    if 10 * rows.size * cols.size < min(rows.size * op.shape[1], cols.size * op.shape[0]):
        block = op._entries(np.repeat(rows, cols.size), np.tile(cols, rows.size))
    elif rows.size * op.shape[1] <= cols.size * op.shape[0]:
        require_dense((rows.size, op.shape[1]), op.dtype)
        block = op._rows(rows)
        block = block if _is_all(col_key) else block[:, cols]
    else:
        require_dense((cols.size, op.shape[0]), op.dtype)
        block = op.T._rows(cols)[:, rows].T
    return block.reshape(shape)


def _is_all(key: Any) -> bool:
    return isinstance(key, slice) and key == slice(None)


def _paired(op: Indexable, rows: Array, cols: Array) -> Any:
    """The entries at pairs of indices, which broadcast as NumPy's do."""
    try:
        rows, cols = np.broadcast_arrays(rows, cols)
    except ValueError:
        raise IndexError(
            f"shapes {rows.shape} and {cols.shape} of the indices do not broadcast"
        ) from None
    return op._entries(rows.reshape(-1), cols.reshape(-1)).reshape(rows.shape)[()]


def _split_key(key: Any, shape: Shape) -> tuple[Any, Any]:
    """The keys of the rows and of the columns."""
    keys = key if isinstance(key, tuple) else (key,)
    if any(k is None for k in keys):
        raise IndexError("an operator has 2 dimensions; take op.toarray() to add more")
    places = [i for i, k in enumerate(keys) if k is Ellipsis]
    if len(places) > 1:
        raise IndexError("an index can have one ellipsis only")
    for at in places:
        keys = (*keys[:at], *[slice(None)] * (3 - len(keys)), *keys[at + 1 :])
    if len(keys) == 1 and np.ndim(keys[0]) == 2 and np.asarray(keys[0]).dtype == np.bool_:
        mask = np.asarray(keys[0])
        if mask.shape != shape:
            raise IndexError(f"boolean index has shape {mask.shape}, but the operator {shape}")
        keys = mask.nonzero()
    if len(keys) > 2:
        raise IndexError(f"an operator has 2 dimensions, but {len(keys)} were indexed")
    padded = (*keys, slice(None), slice(None))
    return padded[0], padded[1]


def _pick(n: int, key: Any) -> Array:
    """The indices below n that a key selects; Python's integers where n is beyond NumPy's."""
    dtype = np.dtype(np.intp if n <= np.iinfo(np.intp).max else object)
    if isinstance(key, slice):
        start, stop, step = key.indices(n)
        require_dense((max(0, -((start - stop) // step)),), np.dtype(np.intp))
        return np.arange(start, stop, step, dtype=dtype)
    index = _checked_index(key, n)
    if index.dtype == np.bool_:
        return index.nonzero()[0]
    outside = index[(index < -n) | (index >= n)]
    if outside.size:
        raise IndexError(f"index {outside[0]} is out of bounds for an axis of size {n}")
    index = index.astype(dtype)
    return np.where(index < 0, index + n, index) if (index < 0).any() else index


def _checked_index(key: Any, n: int) -> Array:
    """A key as an array of integers, or of one bool for each of n indices."""
    index = np.asarray(key)
    if index.size == 0 and isinstance(key, (list, tuple)):
        index = index.astype(np.intp)
    if index.dtype == np.bool_:
        if index.ndim != 1:
            raise IndexError("booleans index as arrays of the length of an axis")
        if len(index) != n:
            raise IndexError(f"boolean index has length {len(index)}, but the axis has size {n}")
        return index
    listed = n > np.iinfo(np.intp).max or not isinstance(key, np.ndarray)
    large = listed and index.dtype == object and all(type(i) is int for i in index.flat)
    if index.dtype.kind not in "iu" and not large:
        raise IndexError(f"{key!r} is not an integer, a slice or an array of integers or booleans")
    return index
