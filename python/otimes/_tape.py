"""The tape: linear variables, and the program of primitives that operations on them append.

Nothing is composed while tracing, so shared intermediate results cost nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._check import Array, as_inexact, user_frame
from ._operator import Shape
from ._primitives import (
    Broadcast,
    Constant,
    Inner,
    KroneckerWith,
    LeftMultiply,
    Outer,
    Permute,
    Primitive,
    Reshape,
    RightMultiply,
    Same,
    Scale,
    SumTo,
)
from ._terms import Label, label_map


class Tape:
    """The record of one run of a function."""

    def __init__(
        self, names: dict[int, tuple[Array, str]], require_linear: bool, isolated: bool = False
    ) -> None:
        self.count = 0
        self.require_linear = require_linear
        self.isolated = isolated  # arrays of other tapes are constants here
        self.meets_others = False  # whether there were any
        self._names = names  # user's array (by identity) -> its name in f's scope
        self._constants: dict[int, tuple[Any, Constant]] = {}

    def own(self, array: Array, label: Label | None) -> None:
        """Register an array that only the tape refers to: it needs no copy."""
        self._constants[id(array)] = (array, Constant(array, label))

    def constant(self, x: Any) -> Constant:
        """A snapshot of a constant and its name, one for each array of the user."""
        known = self._constants.get(id(x))
        if known is None:
            snapshot = np.array(as_inexact("constant", x), copy=True)
            known = (x, Constant(snapshot, self._user_label(x)))
            self._constants[id(x)] = known
        return known[1]

    def label(self, x: Any) -> Label | None:
        known = self._constants.get(id(x))
        return self._user_label(x) if known is None else known[1].label

    def _user_label(self, x: Any) -> Label | None:
        """The name of an array of the user, or of the transpose of one."""
        if not isinstance(x, np.ndarray):
            return None
        for array, mark in ((x, ""), (x.base, "T")):
            named = self._names.get(id(array))
            if named and (array is x or _is_transpose(x, named[0])):
                return ((named[1], 1, mark),)
        return None


def _is_transpose(x: Array, of: Array) -> bool:
    return (
        x.shape == of.shape[::-1]
        and x.strides == of.strides[::-1]
        and x.ctypes.data == of.ctypes.data
    )


class Tangent:
    """A linear variable: where it comes from, as (primitive, tangent) links that are added up.

    The operators below are those that rules are written in. All else in them is constant.
    """

    __slots__ = ("dtype", "index", "links", "shape", "tape")
    __array_ufunc__ = None  # constants on the left defer to the reflected operators here

    def __init__(
        self,
        tape: Tape,
        shape: Shape,
        dtype: np.dtype[Any],
        links: tuple[tuple[Primitive, Tangent], ...] = (),
    ) -> None:
        self.tape, self.shape, self.dtype, self.links = tape, shape, dtype, links
        self.index = tape.count
        tape.count += 1

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def through(self, primitive: Primitive, *constants: Any) -> Tangent:
        """The image under a primitive."""
        dtype = np.result_type(self.dtype, *constants)
        return Tangent(self.tape, primitive.out_shape, dtype, ((primitive, self),))

    def __add__(self, other: Tangent) -> Tangent:
        links = ((Same(self.shape), self), (Same(other.shape), other))
        return Tangent(self.tape, self.shape, np.result_type(self.dtype, other.dtype), links)

    def __neg__(self) -> Tangent:
        return self.through(Scale(-1, self.shape))

    def __mul__(self, c: Any) -> Tangent:
        """c ∘ d with broadcasting."""
        if np.ndim(c) == 0:
            return self.through(Scale(c, self.shape), c)
        array = self.tape.constant(c).array
        if self.shape == ():
            return self.through(Outer(array), array)
        wide = self.broadcast(np.broadcast_shapes(array.shape, self.shape))
        return wide.through(Scale(np.broadcast_to(array, wide.shape), wide.shape), array)

    __rmul__ = __mul__

    def __matmul__(self, b: Any) -> Tangent:
        c = self.tape.constant(b)
        _require_matrices("@", self.shape, c.array.shape)
        if c.array.ndim == 1:  # (m, n) @ (n,) and (n,) @ (n,)
            if self.ndim == 1:
                return self.through(Inner(c.array), c.array)
            column = Constant(c.array[:, None], c.label)
            product = self.through(RightMultiply(column, self.shape), c.array)
            return product.reshape(self.shape[:1])
        if self.ndim == 1:  # (n,) @ (n, q) is Bᵀ d
            return self.through(LeftMultiply(c.transpose(), self.shape), c.array)
        return self.through(RightMultiply(c, self.shape), c.array)

    def __rmatmul__(self, a: Any) -> Tangent:
        c = self.tape.constant(a)
        _require_matrices("@", c.array.shape, self.shape)
        if c.array.ndim == 1:
            if self.ndim == 1:
                return self.through(Inner(c.array), c.array)
            row = Constant(c.array[None, :], label_map(c.label, "T"))
            return self.through(LeftMultiply(row, self.shape), c.array).reshape(self.shape[1:])
        return self.through(LeftMultiply(c, self.shape), c.array)

    def permute(self, axes: tuple[int, ...]) -> Tangent:
        if axes == tuple(range(self.ndim)):
            return self
        return self.through(Permute(axes, self.shape))

    @property
    def T(self) -> Tangent:
        return self.permute(tuple(reversed(range(self.ndim))))

    def reshape(self, shape: Shape) -> Tangent:
        return self if shape == self.shape else self.through(Reshape(self.shape, shape))

    def broadcast(self, shape: Shape) -> Tangent:
        return self if shape == self.shape else self.through(Broadcast(self.shape, shape))

    def sum_to(self, shape: Shape) -> Tangent:
        return self if shape == self.shape else self.through(SumTo(self.shape, shape))

    def inner(self, g: Any) -> Tangent:
        """Σ G ∘ d."""
        array = self.tape.constant(g).array
        return self.through(Inner(array), array)

    def kron_after(self, a: Any) -> Tangent:
        """A⊗d."""
        c = self.tape.constant(a)
        return self.through(KroneckerWith(c, self.shape, before=True), c.array)

    def kron_before(self, b: Any) -> Tangent:
        """d⊗B."""
        c = self.tape.constant(b)
        return self.through(KroneckerWith(c, self.shape, before=False), c.array)


def _require_matrices(what: str, *shapes: Shape) -> None:
    if any(len(shape) not in (1, 2) for shape in shapes):
        raise NotImplementedError(
            f"{what} of arrays of shapes {' and '.join(map(str, shapes))} at {where()} cannot be "
            "traced; vectors and matrices can"
        )


def where() -> str:
    """File and line of the user's code that is being traced."""
    frame, _ = user_frame()
    if frame is None:
        return "an unknown line"
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
