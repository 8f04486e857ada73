"""Leaves that are no Kronecker terms: diagonals, selections, repetitions, matrices of low rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._check import Array, Shape
from ._dtypes import sum_dtype
from ._operator import LinearOperator


class Diagonal(LinearOperator):
    """diag(d): each entry of the operand multiplied by one of d."""

    __slots__ = ("entries",)

    entries: Array

    def __init__(self, entries: Array, shape: Shape) -> None:
        super().__init__(shape, shape, entries.dtype)
        object.__setattr__(self, "entries", entries)

    def _matmat(self, x: Array) -> Array:
        return self.entries[:, None] * x

    def _transpose(self) -> LinearOperator:
        return Diagonal(self.entries, self.in_shape)

    def _conj(self) -> LinearOperator:
        return Diagonal(self.entries.conj(), self.in_shape)

    def _rows(self, indices: Array) -> Array:
        rows = np.zeros((len(indices), len(self.entries)), self.dtype)
        rows[np.arange(len(indices)), indices] = self.entries[indices]
        return rows

    def _entries(self, rows: Array, cols: Array) -> Array:
        return np.where(rows == cols, self.entries[rows], self.dtype.type(0))

    def _work(self) -> float:
        return float(len(self.entries))

    def _diagonal(self) -> Array:
        return self.entries.copy()

    def _total(self, dtype: np.dtype[Any]) -> Any:
        return self.entries.sum(dtype=dtype)


class Selection(LinearOperator):
    """S with (S x)ᵢ = x[sᵢ], or 0 where sᵢ is -1: at most one 1 in every row and column."""

    __slots__ = ("sources",)

    sources: Array

    def __init__(self, sources: Array, size: int) -> None:
        super().__init__((size,), (len(sources),), np.float64)
        object.__setattr__(self, "sources", sources)

    @property
    def is_permutation(self) -> bool:
        return self.shape[0] == self.shape[1] and bool((self.sources >= 0).all())

    def _matmat(self, x: Array) -> Array:
        if self.shape[1] == 0:
            return np.zeros((self.shape[0], x.shape[1]), x.dtype)
        y = x[self.sources]
        y[self.sources < 0] = 0
        return y

    def _transpose(self) -> LinearOperator:
        targets = np.full(self.shape[1], -1, np.intp)
        (places,) = np.nonzero(self.sources >= 0)
        targets[self.sources[places]] = places
        return Selection(targets, self.shape[0])

    def _pinv(self) -> LinearOperator:
        return self.T

    def _rows(self, indices: Array) -> Array:
        rows = np.zeros((len(indices), self.shape[1]), self.dtype)
        (places,) = np.nonzero(self.sources[indices] >= 0)
        rows[places, self.sources[indices[places]]] = 1
        return rows

    def _entries(self, rows: Array, cols: Array) -> Array:
        return np.asarray(self.sources[rows] == cols, self.dtype)

    def _work(self) -> float:
        return float(self.shape[0])

    def _is_neutral(self) -> bool:
        return True

    def _result_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        return dtype


class Repetition(LinearOperator):
    """R with (R x)ᵢ = x[sᵢ], or 0 where sᵢ is -1, and entries taken any number of times."""

    __slots__ = ("sources", "transposed")

    sources: Array
    transposed: bool

    def __init__(self, sources: Array, size: int, transposed: bool = False) -> None:
        shapes = (size,), (len(sources),)
        in_shape, out_shape = reversed(shapes) if transposed else shapes
        super().__init__(in_shape, out_shape, np.float64)
        object.__setattr__(self, "sources", sources)
        object.__setattr__(self, "transposed", transposed)

    def _matmat(self, x: Array) -> Array:
        (places,) = np.nonzero(self.sources >= 0)
        y = np.zeros((self.shape[0], x.shape[1]), x.dtype)
        if self.transposed:
            np.add.at(y, self.sources[places], x[places])
        else:
            y[places] = x[self.sources[places]]
        return y

    def _transpose(self) -> LinearOperator:
        return Repetition(
            self.sources, self.shape[0 if self.transposed else 1], not self.transposed
        )

    def _conj(self) -> LinearOperator:
        return self

    def _work(self) -> float:
        return float(len(self.sources))

    def _is_neutral(self) -> bool:
        return True

    def _result_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        return sum_dtype(dtype) if self.transposed else dtype


class LowRank(LinearOperator):
    """U Vᵀ for U (M, r) and V (N, r): the Jacobian of a trace is vec(G)ᵀ, that of a·x is a row."""

    __slots__ = ("left", "right")

    left: Array
    right: Array

    def __init__(self, left: Array, right: Array, in_shape: Shape, out_shape: Shape) -> None:
        super().__init__(in_shape, out_shape, np.result_type(left, right))
        object.__setattr__(self, "left", left)
        object.__setattr__(self, "right", right)

    def _matmat(self, x: Array) -> Array:
        return np.asarray(self.left @ (self.right.T @ x))

    def _transpose(self) -> LinearOperator:
        return LowRank(self.right, self.left, self.out_shape, self.in_shape)

    def _conj(self) -> LinearOperator:
        return LowRank(self.left.conj(), self.right.conj(), self.in_shape, self.out_shape)

    def _rows(self, indices: Array) -> Array:
        return np.asarray(self.left[indices] @ self.right.T)

    def _work(self) -> float:
        return float(self.left.size + self.right.size)
