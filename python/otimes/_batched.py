"""The primitive that multiplies stacks of matrices."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ._algebra import multiply
from ._check import Array, Shape
from ._operator import LinearOperator
from ._primitives import Primitive, Scale
from ._rearrangements import Broadcast, Permute, Reshape, SumTo


class Batched:
    """Σ C ∘ d over some axes, for C and d that share others: a product of stacks of matrices.

    Their axes and the result's are named by letters as in `numpy.einsum`; each of d's is in C's or
    in the result.
    """

    def __init__(self, c: Any, c_axes: str, d_axes: str, out_axes: str, in_shape: Shape) -> None:
        self.c = c
        self.axes = c_axes, d_axes, out_axes
        self.sizes = {
            **dict(zip(d_axes, in_shape, strict=True)),
            **dict(zip(c_axes, c.shape, strict=True)),
        }
        self.in_shape = in_shape
        self.out_shape: Shape = tuple(self.sizes[a] for a in out_axes)

    @property
    def constant(self) -> Any:
        return self.c

    def apply(self, d: Array) -> Array:
        c_axes, d_axes, out_axes = self.axes
        return np.einsum(f"{c_axes},...{d_axes}->...{out_axes}", self.c, d)  # type: ignore[no-any-return]

    def transpose(self) -> Primitive:
        c_axes, d_axes, out_axes = self.axes
        return Batched(self.c, c_axes, out_axes, d_axes, self.out_shape)

    def lower(self) -> LinearOperator:
        """The sum over an array with all the axes, the summed ones first."""
        c_axes, d_axes, out_axes = self.axes
        axes = "".join(a for a in self.sizes if a not in out_axes) + out_axes
        wide = tuple(self.sizes[a] for a in axes)
        c = _aligned_to(axes, self.c, c_axes)
        order = tuple(d_axes.index(a) for a in axes if a in d_axes)
        ordered = Permute(order, self.in_shape)
        spread = tuple(self.sizes[a] if a in d_axes else 1 for a in axes)
        steps: list[Primitive] = [
            ordered,
            Reshape(ordered.out_shape, spread),
            Broadcast(spread, wide),
            Scale(np.broadcast_to(c, wide), wide),
            SumTo(wide, self.out_shape),
        ]
        return functools.reduce(
            lambda op, step: multiply(step.lower(), op), steps[1:], steps[0].lower()
        )


def _aligned_to(axes: str, c: Array, c_axes: str) -> Array:
    """C with its axes in the order of `axes`, and axes of length 1 where it has none."""
    present = [a for a in axes if a in c_axes]
    ordered = c.transpose([c_axes.index(a) for a in present])
    return ordered[tuple(slice(None) if a in present else None for a in axes)]
