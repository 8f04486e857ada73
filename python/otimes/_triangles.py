"""Operators between vech and vec: the duplication and elimination matrices and their relatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from . import _core
from ._check import Array
from ._dtypes import compute_dtype, sum_dtype
from ._layout import apply_along_columns
from ._operator import LinearOperator

#: What stands after the symbol: the transpose, the pseudo-inverse, the transpose of that.
Mark = Literal["", "T", "+", "+T"]

Kernel = Callable[[Array, int], Array]

#: Kernels that take elements of any dtype.
_MOVING = (_core.mirror_triangle, _core.pad_triangle, _core.cut_triangle)


class TriangleOperator(LinearOperator):
    """What they share: each row or column is a pair (i, j), i >= j, of places of an n by n matrix.

    They hold n only. The leaves differ in their kernels, and in the weights with which an entry
    below the diagonal and its mirror image above count.
    """

    __slots__ = ("mark", "n")

    n: int
    mark: Mark
    symbol: str
    #: By mark: the kernel, and whether it takes vech to vec.
    _kernels: dict[str, tuple[Kernel, bool]]

    def __init__(self, n: int, mark: Mark = "") -> None:
        object.__setattr__(self, "n", n)
        object.__setattr__(self, "mark", mark)
        shapes = (n * (n + 1) // 2,), (n, n)
        in_shape, out_shape = shapes if self.widens else reversed(shapes)
        super().__init__(in_shape, out_shape, np.float64)

    @property
    def widens(self) -> bool:
        """Whether it maps vech to vec, not vec to vech."""
        return self._kernels[self.mark][1]

    def _weights(self) -> tuple[float, float]:
        """With what entries below and above the diagonal count."""
        raise NotImplementedError

    def _matmat(self, x: Array) -> Array:
        kernel, dtype = self._kernels[self.mark][0], self._result_dtype(x.dtype)
        if kernel not in _MOVING:
            dtype = compute_dtype(dtype)
        return apply_along_columns(lambda block: kernel(block, self.n), x, dtype)

    def _transpose(self) -> LinearOperator:
        marks: dict[str, Mark] = {"": "T", "T": "", "+": "+T", "+T": "+"}
        return type(self)(self.n, marks[self.mark])

    def _rows(self, indices: Array) -> Array:
        rows = np.zeros((len(indices), self.shape[1]), self.dtype)
        k, (lower, upper) = np.arange(len(indices)), self._weights()
        if self.widens:
            place, weights = self.pairs(indices)
            rows[k, place] = weights
            return rows
        i, j = places_of_vech(self.n, indices)
        rows[k, j + i * self.n] = upper
        rows[k, i + j * self.n] = np.where(i == j, 1, lower)
        return rows

    def pairs(self, square: Array) -> tuple[Array, Array]:
        """Which place of vech belongs to places of vec, and with what weight."""
        j, i = np.divmod(square, max(self.n, 1))
        lower, upper = self._weights()
        weights = np.where(i == j, 1.0, np.where(i > j, lower, upper))
        return vech_place(self.n, np.maximum(i, j), np.minimum(i, j)), weights

    def _entries(self, rows: Array, cols: Array) -> Array:
        triangle, square = (cols, rows) if self.widens else (rows, cols)
        place, weights = self.pairs(square)
        return np.where(place == triangle, weights, 0)

    def _work(self) -> float:
        return float(self.n) ** 2

    def _is_neutral(self) -> bool:
        return True


class Duplication(TriangleOperator):
    """D with D vech(S) = vec(S) for symmetric S; its transpose, D⁺, and the transpose of that."""

    __slots__ = ()

    symbol = "D"
    _kernels = {  # noqa: RUF012  # never written to
        "": (_core.mirror_triangle, True),
        "T": (_core.fold_triangle, False),
        "+": (_core.average_triangle, False),
        "+T": (_core.share_triangle, True),
    }

    def _weights(self) -> tuple[float, float]:
        return (0.5, 0.5) if "+" in self.mark else (1, 1)

    def _result_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        if self.mark == "T":
            return sum_dtype(dtype)
        return np.result_type(dtype, 0.5) if "+" in self.mark else dtype

    def _pinv(self) -> LinearOperator:
        marks: dict[str, Mark] = {"": "+", "+": "", "T": "+T", "+T": "T"}
        return Duplication(self.n, marks[self.mark])


class Elimination(TriangleOperator):
    """L with L vec(A) = vech(A), and its transpose, which is also its pseudo-inverse."""

    __slots__ = ()

    symbol = "L"
    _kernels = {  # noqa: RUF012  # never written to
        "": (_core.cut_triangle, False),
        "T": (_core.pad_triangle, True),
    }

    def _weights(self) -> tuple[float, float]:
        return 1, 0

    def _result_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        return dtype

    def _pinv(self) -> LinearOperator:
        return self.T


def vech_place(n: int, i: Array, j: Array) -> Array:
    """The place of (i, j) in vech of an n by n matrix, i >= j."""
    place: Array = j * n - j * (j + 1) // 2 + i
    return place


def places_of_vech(n: int, place: Array) -> tuple[Array, Array]:
    """The (i, j), i >= j, at these places of vech."""
    rest = n * (n + 1) // 2 - 1 - place  # counted from the end, columns have 1, 2, 3 … entries
    k = ((np.sqrt(8.0 * rest + 1) - 1) / 2).astype(np.intp)
    k -= k * (k + 1) // 2 > rest  # where the square root was rounded up to a whole number
    j = n - 1 - k
    return n - 1 - (rest - k * (k + 1) // 2), j
