"""Sparse factors of Kronecker terms, which stay sparse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._check import Array, supported_dtype
from ._factor import Factor
from ._labels import Label, label_map, label_product
from ._memory import require_dense


class SparseFactor(Factor):
    """A factor held as a CSR array: indices sorted, no duplicates, never written to.

    Entries that are not stored are zeros implied by structure, which are never multiplied; stored
    zeros are multiplied. Whatever has no sparse form works on the dense `array`, made when it is
    asked for, if it fits in memory.
    """

    __slots__ = ("csr",)

    is_sparse = True
    is_identity = False

    def __init__(self, csr: Any, label: Label | None = None) -> None:
        if not csr.has_canonical_format:
            csr.sum_duplicates()
        self.csr = csr
        self.rows, self.cols = csr.shape
        self.label = label

    @property
    def array(self) -> Array:  # type: ignore[override]
        return self.dense(self.dtype)

    @property
    def matrix(self) -> Any:
        return self.csr

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self.csr.dtype
        return dtype

    @property
    def stored(self) -> int:
        return int(self.csr.nnz)

    @property
    def values(self) -> Array:
        data: Array = self.csr.data
        return data

    def __reduce__(self) -> tuple[Any, ...]:
        return SparseFactor, (self.csr, self.label)

    def packed(self, dtype: np.dtype[Any]) -> Any:
        """(data, columns, start of each row, shape)."""
        data = np.ascontiguousarray(self.csr.data, dtype)
        indices = (np.asarray(a, np.intp) for a in (self.csr.indices, self.csr.indptr))
        return (data, *indices, self.shape)

    def dense(self, dtype: np.dtype[Any]) -> Array:
        require_dense(self.shape, dtype)
        array: Array = self.csr.toarray().astype(dtype, copy=False)
        array.setflags(write=False)
        return array

    def exported(self, dtype: np.dtype[Any]) -> Any:
        return self.csr.astype(dtype)  # a copy

    def largest(self) -> int:
        data = self.csr.data
        return max(int(data.max()), -int(data.min())) if data.size else 1

    def map(self, f: Callable[[Array], Array], label: Label | None = None) -> Factor:
        return Factor(f(self.array), label=label)

    def elementwise(self, f: Callable[[Array], Array], label: Label | None = None) -> Factor:
        return SparseFactor(self._with_data(f(self.csr.data)), label)

    def _with_data(self, data: Array) -> Any:
        """A CSR array with these entries where this one has its own."""
        return type(self.csr)((data, self.csr.indices, self.csr.indptr), self.shape)

    def transpose(self) -> Factor:
        return SparseFactor(self.csr.T.tocsr(), label_map(self.label, "T"))

    def matmul(self, other: Factor) -> Factor:
        if not isinstance(other, SparseFactor):
            return super().matmul(other)
        return SparseFactor(self.csr @ other.csr, label_product(self.label, other.label))

    def hadamard(self, other: Factor, dtype: np.dtype[Any]) -> Factor:
        if not isinstance(other, SparseFactor):
            return super().hadamard(other, dtype)
        return SparseFactor(self.csr.astype(dtype).multiply(other.csr.astype(dtype)).tocsr())

    def trace(self, dtype: np.dtype[Any]) -> Any:
        return self.csr.diagonal().sum(dtype=dtype)

    def total(self, dtype: np.dtype[Any]) -> Any:
        return self.csr.data.sum(dtype=dtype)

    def equals(self, other: Factor) -> bool:
        if self is other or not isinstance(other, SparseFactor):
            return self is other
        a, b = self.csr, other.csr
        pairs = ((a.indptr, b.indptr), (a.indices, b.indices), (a.data, b.data))
        same = self.shape == other.shape and self.dtype == other.dtype
        return same and all(np.array_equal(x, y) for x, y in pairs)

    def is_finite(self) -> bool:
        return bool(np.isfinite(self.csr.data).all())

    def norm(self) -> float:
        return float(np.linalg.norm(self.csr.data))

    def entries(self, rows: Array, cols: Array) -> tuple[Array, Array | None]:
        stored = self._with_data(np.ones(self.stored, np.bool_))
        values, present = (_picked(a, rows, cols) for a in (self.csr, stored))
        return values, ~present

    def sample(self) -> Any:
        return self.shape, self.stored, tuple(self.csr.data[[0, -1]]) if self.stored else ()


def _picked(csr: Any, rows: Array, cols: Array) -> Array:
    if rows.size == 0:  # for which SciPy returns a sparse array
        return np.zeros(rows.shape, csr.dtype)
    return np.asarray(csr[rows, cols]).reshape(rows.shape)


def is_sparse(a: Any) -> bool:
    """Whether `a` is one of SciPy's sparse matrices or arrays."""
    return hasattr(a, "tocsr") and hasattr(a, "nnz")


def sparse_snapshot(name: str, a: Any) -> Factor:
    """A factor that holds its own copy of a sparse matrix of any format."""
    from scipy.sparse import csr_array

    dtype = supported_dtype(name, a.dtype)
    if len(a.shape) != 2:
        raise ValueError(f"{name} has shape {a.shape}, but must be a matrix")
    return SparseFactor(csr_array(a, dtype=dtype, copy=True))
