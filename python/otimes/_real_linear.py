"""L X + M X̄: maps of a complex matrix that are linear over the reals only.

They are operators on the real array of the real and the imaginary part of X, along a new last axis:
vec coordinates [vec Re X; vec Im X].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._algebra import add, identity_operator, multiply, scale, with_shapes, zero_operator
from ._check import Array
from ._dtypes import real_dtype
from ._lower import Jacobian, Program, in_precision
from ._operator import LinearOperator
from ._primitives import Conj, Primitive, Real
from ._structures import LowRank
from ._tape import Tangent

Halves = tuple[LinearOperator | None, LinearOperator | None]


def complex_columns(columns: Array) -> Array:
    """Columns [Re; Im] as complex ones."""
    half = len(columns) // 2
    joined: Array = columns[:half] + 1j * columns[half:]
    return joined


def real_columns(columns: Array) -> Array:
    """Complex columns as [Re; Im]."""
    return np.concatenate([columns.real, columns.imag])


class RealLinear(LinearOperator):
    """X ↦ L X + M X̄ in the coordinates [vec Re X; vec Im X]."""

    __slots__ = ("conjugated", "linear")

    linear: LinearOperator
    conjugated: LinearOperator

    def __init__(self, linear: LinearOperator, conjugated: LinearOperator) -> None:
        dtype = np.result_type(linear.dtype, conjugated.dtype, np.complex64)
        super().__init__((*linear.in_shape, 2), (*linear.out_shape, 2), real_dtype(dtype))
        object.__setattr__(self, "linear", linear)
        object.__setattr__(self, "conjugated", conjugated)

    def _matmat(self, x: Array) -> Array:
        if x.dtype.kind == "c":
            return self._matmat(x.real) + 1j * self._matmat(x.imag)
        z = complex_columns(x)
        return real_columns(self.linear @ z + self.conjugated @ z.conj())

    def _transpose(self) -> LinearOperator:
        """The transpose over the reals, of Re wᴴ (L z + M z̄) = Re (Lᴴ w + Mᵀ w̄)ᴴ z."""
        return RealLinear(self.linear.H, self.conjugated.T)

    @property
    def is_conjugate(self) -> bool:
        """Whether X occurs as X̄ alone."""
        return isinstance(self.linear, LowRank) and self.linear.left.size == 0

    def _work(self) -> float:
        return self.linear._work() + self.conjugated._work()


def halves(program: Program) -> Halves:
    """(L, M) of a program in a complex variable X and its conjugate; None is zero."""
    found: dict[Tangent, Halves] = {
        program.variable: (identity_operator(program.variable.shape), None)
    }
    for step in program.steps:
        total: Halves = None, None
        for primitive, source in step.links:
            total = _sum(total, _image(primitive, found[source], step.tangent.dtype))
        found[step.tangent] = total
    return found[program.result]


def _image(primitive: Primitive, of: Halves, dtype: np.dtype[Any]) -> Halves:
    if isinstance(primitive, Conj):
        conjugated, linear = _each(LinearOperator.conj, of)
        if not isinstance(primitive, Real):
            return linear, conjugated
        return _each(lambda op: scale(0.5, op), _sum(of, (linear, conjugated)))
    lowered = in_precision(primitive.lower(), dtype)
    return _each(lambda op: multiply(lowered, op), of)


def _each(change: Callable[[LinearOperator], LinearOperator], of: Halves) -> Halves:
    linear, conjugated = (None if op is None else change(op) for op in of)
    return linear, conjugated


def _sum(a: Halves, b: Halves) -> Halves:
    def plus(x: LinearOperator | None, y: LinearOperator | None) -> LinearOperator | None:
        if x is None or y is None:
            return y if x is None else x
        total: LinearOperator = add(x, y)
        return total

    return plus(a[0], b[0]), plus(a[1], b[1])


def linear_operator(program: Program) -> LinearOperator:
    """The operator of a linear program, over the reals if it holds a complex X̄."""
    if not program.is_real_linear or program.variable.dtype.kind != "c":
        return Jacobian(program)
    linear, conjugated = halves(program)
    shapes = program.variable.shape, program.result.shape
    if linear is not None and conjugated is None:  # it was conjugated twice
        return with_shapes(linear, *shapes)
    zero = zero_operator(*shapes, program.result.dtype)
    return RealLinear(
        zero if linear is None else linear, zero if conjugated is None else conjugated
    )


def in_coordinates(op: LinearOperator, x: Any) -> Any:
    """X as the operator takes it and gives it back: for a `RealLinear` one in two parts."""
    return np.stack([np.real(x), np.imag(x)], axis=-1) if isinstance(op, RealLinear) else x


def from_coordinates(op: LinearOperator, x: Any) -> Any:
    """The X of such coordinates."""
    return x[..., 0] + 1j * x[..., 1] if isinstance(op, RealLinear) else x
