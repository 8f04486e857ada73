"""One factor of a Kronecker term: a matrix, or an identity that is not stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from ._check import Array, as_array
from ._dtypes import inexact_dtype, wrapped
from ._labels import Label, label_inverse, label_map, label_product
from ._memory import require_dense


class Factor:
    """One factor of a term: a matrix, or the identity (``array is None``) of size `rows`.

    The matrix is read-only: an operator is a snapshot, and its factors are seen by users. What a
    sparse matrix does otherwise is in _sparse.py.
    """

    __slots__ = ("array", "cols", "label", "rows")

    is_sparse = False

    array: Array | None
    rows: int
    cols: int

    def __init__(self, array: Array | None, size: int = 0, label: Label | None = None) -> None:
        self.array = None if array is None else _locked(array)
        self.rows, self.cols = (size, size) if array is None else array.shape
        self.label = label

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.cols

    @property
    def is_identity(self) -> bool:
        return self.array is None

    @property
    def matrix(self) -> Any:
        """What products with other factors are computed with: an array, or a CSR one."""
        return self.array

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.bool_) if self.array is None else self.array.dtype

    @property
    def stored(self) -> int:
        """The number of entries that a product multiplies with."""
        return 0 if self.array is None else self.array.size

    @property
    def values(self) -> Array:
        """The stored entries, of a matrix."""
        assert self.array is not None
        return self.array

    def __reduce__(self) -> tuple[Any, ...]:
        return Factor, (self.array, self.rows, self.label)

    def packed(self, dtype: np.dtype[Any]) -> Any:
        """What a plan of this dtype takes: a contiguous array, or the size of an identity."""
        if self.array is None:
            return self.rows
        order: Literal["F", "C"] = "F" if self.array.flags.f_contiguous else "C"
        return np.require(self.array, dtype, [order, "A"])  # unpickled ones lie anywhere

    def dense(self, dtype: np.dtype[Any]) -> Array:
        """The matrix in this dtype, read-only."""
        if self.array is None:
            require_dense(self.shape, dtype)
            return _locked(np.eye(self.rows, dtype=dtype))
        return _locked(self.array.astype(dtype, copy=False))

    def exported(self, dtype: np.dtype[Any]) -> Any:
        """The matrix as users see it."""
        return self.dense(dtype)

    def astype(self, dtype: np.dtype[Any]) -> Factor:
        return self.elementwise(lambda a: a.astype(dtype, copy=False), self.label)

    def largest(self) -> int:
        """The largest size of an entry of an integer matrix."""
        if self.array is None or self.array.size == 0:
            return 1
        return max(int(self.array.max()), -int(self.array.min()))

    def map(self, f: Callable[[Array], Array], label: Label | None = None) -> Factor:
        """f of the matrix, for an f that leaves the identity as it is."""
        return self if self.array is None else Factor(f(self.array), label=label)

    def elementwise(self, f: Callable[[Array], Array], label: Label | None = None) -> Factor:
        """f of each entry, for an f that maps 0 to 0 and 1 to 1."""
        return self.map(f, label)

    def transpose(self) -> Factor:
        return self.map(lambda a: a.T, label_map(self.label, "T"))

    def conj(self) -> Factor:
        if not self.is_identity and self.dtype.kind != "c":
            return self
        return self.elementwise(np.conj, label_map(self.label, "*"))

    def inverse(self) -> Factor:
        return self.map(
            lambda a: np.linalg.inv(a.astype(inexact_dtype(a.dtype), copy=False)),
            label_inverse(self.label),
        )

    def matmul(self, other: Factor) -> Factor:
        if self.is_identity:
            return other
        if other.is_identity:
            return self
        return Factor(self.matrix @ other.matrix, label=label_product(self.label, other.label))

    def hadamard(self, other: Factor, dtype: np.dtype[Any]) -> Factor:
        """The entrywise product, in this dtype."""
        return Factor(self.dense(dtype) * other.dense(dtype))

    def trace(self, dtype: np.dtype[Any]) -> Any:
        if self.array is None:
            return _count(self.rows, dtype)
        return self.array.trace(dtype=dtype)

    def total(self, dtype: np.dtype[Any]) -> Any:
        if self.array is None:
            return _count(self.rows, dtype)
        return self.array.sum(dtype=dtype)

    def equals(self, other: Factor) -> bool:
        if self.shape != other.shape or self.is_identity != other.is_identity or other.is_sparse:
            return False
        if self.array is None or other.array is None or self.array is other.array:
            return True
        return self.array.dtype == other.array.dtype and np.array_equal(self.array, other.array)

    def is_finite(self) -> bool:
        return self.array is None or bool(np.isfinite(self.array).all())

    def norm(self) -> float:
        """‖F‖_F, 1 for an identity."""
        return 1.0 if self.array is None else float(np.linalg.norm(self.array))

    def entries(self, rows: Array, cols: Array) -> tuple[Array, Array | None]:
        """The entries at pairs of indices, and which of them are zeros implied by structure."""
        if self.array is None:
            return np.ones(rows.shape, np.bool_), rows != cols
        return self.array[rows, cols], None

    def sample(self) -> Any:
        """Equal for equal factors, and almost never for others: the shape and a few entries."""
        if self.array is None or self.array.size == 0:
            return self.shape, self.array is None
        a = self.array
        return self.shape, a[0, 0], a[-1, -1], a[-1, 0], a[0, -1]


def _count(n: int, dtype: np.dtype[Any]) -> Any:
    """A count as a number of this dtype, in which large ones wrap around."""
    return dtype.type(n if dtype.kind in "fc" else wrapped(n, dtype))


def _locked(array: Array) -> Array:
    """The array, or a view of it, that cannot be written to."""
    if not array.flags.writeable:
        return array
    view = array.view()
    view.setflags(write=False)
    return view


def snapshot(name: str, a: Any, label: Label | None = None) -> Factor:
    """A factor that holds its own read-only copy of a matrix."""
    array = as_array(name, a)
    dtype = np.dtype(np.float32) if array.dtype.char == "e" else array.dtype
    array = np.array(array, dtype, order="C", copy=True)
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}, but must be a matrix")
    array.setflags(write=False)
    return Factor(array, label=label)
