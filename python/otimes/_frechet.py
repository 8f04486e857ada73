"""The Fréchet derivative of a function of matrices, as a primitive and as an operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._check import Array, Shape
from ._labels import label_map
from ._layout import from_columns, to_columns
from ._operator import LinearOperator
from ._primitives import Constant, Primitive
from ._traced_arrays import stop_gradient

Function = Callable[[Any], Any]


class Frechet:
    """L(A, d), the block at the upper right of f([[A, d], [0, A]]), for f(A) a power series.

    Higham 2008, Functions of Matrices, theorem 3.6. In vec coordinates the transpose of L(A, ·) is
    L(Aᵀ, ·). A may be a batch of matrices, and a traced array: a derivative of L is one of f.
    """

    def __init__(self, function: Function, a: Constant) -> None:
        self.function, self.a = function, a
        self.in_shape: Shape = a.array.shape
        self.out_shape: Shape = self.in_shape

    @property
    def constant(self) -> Any:
        return self.a.array

    def apply(self, d: Array) -> Array:
        """The block of f, for d brought to the size of A: f is not linear."""
        a, n = self.a.array, self.in_shape[-1]
        size = _largest(d) / _largest(a)
        wide = np.broadcast_to(a, d.shape)
        blocks = np.block([[wide, d / size], [np.zeros_like(wide), wide]])
        image: Array = self.function(blocks)[..., :n, n:] * size
        return image

    def transpose(self) -> Primitive:
        transposed = Constant(np.matrix_transpose(self.a.array), label_map(self.a.label, "T"))
        return Frechet(self.function, transposed)

    def lower(self) -> LinearOperator:
        return FrechetDerivative(self)


def _largest(x: Any) -> Any:
    """The largest modulus in each matrix, 1 for zero: a constant where X is traced."""
    largest = np.abs(stop_gradient(x)).max((-2, -1), keepdims=True, initial=0)
    largest = np.where(largest == 0, 1, largest)
    return largest.item() if largest.size == 1 else largest


class FrechetDerivative(LinearOperator):
    """vec(D) ↦ vec(L(A, D)) of a function of matrices: K(A) in Higham's notation."""

    __slots__ = ("primitive",)

    primitive: Frechet

    def __init__(self, primitive: Frechet) -> None:
        shape = primitive.in_shape
        super().__init__(shape, shape, primitive.a.array.dtype)
        object.__setattr__(self, "primitive", primitive)

    @property
    def symbol(self) -> str:
        """The name of the function of numbers: exp for expm."""
        return self.primitive.function.__name__.removesuffix("m")

    def _matmat(self, x: Array) -> Array:
        return to_columns(self.primitive.apply(from_columns(x, self.in_shape)))

    def _transpose(self) -> LinearOperator:
        return self.primitive.transpose().lower()
