"""Operators that are a pair of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._check import Array, Shape
from .._layout import from_columns, to_columns
from .._operator import LinearOperator

Function = Callable[[Array], Array]


class LinearFunction(LinearOperator):
    """A linear function of arrays, given with its transpose, in vec coordinates.

    Both act on a batch along a new first axis.
    """

    __slots__ = ("function", "transposed")

    function: Function
    transposed: Function

    def __init__(
        self,
        function: Function,
        transposed: Function,
        in_shape: Shape,
        out_shape: Shape,
        dtype: Any,
    ) -> None:
        super().__init__(in_shape, out_shape, dtype)
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "transposed", transposed)

    def _matmat(self, x: Array) -> Array:
        return to_columns(self.function(from_columns(x, self.in_shape)))

    def _transpose(self) -> LinearOperator:
        both = self.transposed, self.function
        return LinearFunction(*both, self.out_shape, self.in_shape, self.dtype)
