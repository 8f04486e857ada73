"""The linear primitives of the tape: the only maps that know their transpose and their operator.

Each maps tangents of ``in_shape`` to ``out_shape``. `apply` works on a batch of them along a
leading axis; `transpose` is the primitive of the transposed map; `lower` is the map as an operator
on vec coordinates.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np

from ._algebra import identity_operator, multiply, scale, with_shapes
from ._check import Array
from ._operator import LinearOperator, Scalar, Shape
from ._structures import Diagonal, LowRank
from ._terms import Factor, Label, Term, from_terms


class Constant(NamedTuple):
    """An array that a primitive holds, and its name in the user's code."""

    array: Array
    label: Label | None = None

    def factor(self) -> Factor:
        return Factor(self.array, label=self.label)

    def transpose(self) -> Constant:
        transposed = self.factor().transpose()
        return Constant(self.array.T, transposed.label)


class Primitive(Protocol):
    """A linear map with constant data."""

    in_shape: Shape
    out_shape: Shape

    def apply(self, d: Array) -> Array:
        """The images of a batch (k, *in_shape)."""

    def transpose(self) -> Primitive:
        """The transposed map."""

    def lower(self) -> LinearOperator:
        """The map in vec coordinates."""


class Same:
    """d."""

    def __init__(self, shape: Shape) -> None:
        self.in_shape = self.out_shape = shape

    def apply(self, d: Array) -> Array:
        return d

    def transpose(self) -> Primitive:
        return self

    def lower(self) -> LinearOperator:
        return identity_operator(self.in_shape)


class LeftMultiply:
    """A d for d (n, k): I⊗A. For d (n,): A."""

    def __init__(self, a: Constant, in_shape: Shape) -> None:
        self.a = a
        self.in_shape = in_shape
        self.out_shape: Shape = (a.array.shape[0], *in_shape[1:])

    def apply(self, d: Array) -> Array:
        return self.a.array @ d if d.ndim == 3 else d @ self.a.array.T

    def transpose(self) -> Primitive:
        return LeftMultiply(self.a.transpose(), self.out_shape)

    def lower(self) -> LinearOperator:
        columns = tuple(Factor(None, k) for k in self.in_shape[1:])
        return _one_term((*columns, self.a.factor()), self.in_shape, self.out_shape)


class RightMultiply:
    """d B for d (k, n): Bᵀ⊗I."""

    def __init__(self, b: Constant, in_shape: Shape) -> None:
        self.b = b
        self.in_shape = in_shape
        self.out_shape: Shape = (in_shape[0], b.array.shape[1])

    def apply(self, d: Array) -> Array:
        return d @ self.b.array

    def transpose(self) -> Primitive:
        return RightMultiply(self.b.transpose(), self.out_shape)

    def lower(self) -> LinearOperator:
        factors = (self.b.factor().transpose(), Factor(None, self.in_shape[0]))
        return _one_term(factors, self.in_shape, self.out_shape)


class Permute:
    """d with its axes permuted; for a matrix the commutation matrix K."""

    def __init__(self, axes: tuple[int, ...], in_shape: Shape) -> None:
        self.axes = axes
        self.in_shape = in_shape
        self.out_shape = tuple(in_shape[k] for k in axes)

    def apply(self, d: Array) -> Array:
        return d.transpose(0, *(k + 1 for k in self.axes))

    def transpose(self) -> Primitive:
        return Permute(tuple(int(k) for k in np.argsort(self.axes)), self.out_shape)

    def lower(self) -> LinearOperator:
        last = len(self.axes) - 1  # vec runs through the axes from the last to the first
        order = tuple(last - k for k in reversed(self.axes))
        factors = tuple(Factor(None, n) for n in reversed(self.out_shape))
        return from_terms([Term(1, factors, order)], self.in_shape, self.out_shape)


class Scale:
    """c ∘ d for a number c, or an array of d's shape."""

    def __init__(self, c: Scalar | Array, in_shape: Shape) -> None:
        self.c = c
        self.in_shape = self.out_shape = in_shape

    def apply(self, d: Array) -> Array:
        return np.asarray(np.multiply(self.c, d))

    def transpose(self) -> Primitive:
        return self

    def lower(self) -> LinearOperator:
        if np.ndim(self.c) == 0:
            return scale(np.asarray(self.c).item(), identity_operator(self.in_shape))
        return Diagonal(np.asarray(self.c).reshape(-1, order="F"), self.in_shape)


class Reshape:
    """d in another shape, read in C order."""

    def __init__(self, in_shape: Shape, out_shape: Shape) -> None:
        self.in_shape = in_shape
        self.out_shape = out_shape

    def apply(self, d: Array) -> Array:
        return d.reshape(d.shape[0], *self.out_shape)

    def transpose(self) -> Primitive:
        return Reshape(self.out_shape, self.in_shape)

    def lower(self) -> LinearOperator:
        to_rows, from_rows = _reversal(self.in_shape), _reversal(self.out_shape).T
        return with_shapes(multiply(from_rows, to_rows), self.in_shape, self.out_shape)


class Broadcast:
    """d repeated to a larger shape, as NumPy broadcasts it."""

    def __init__(self, in_shape: Shape, out_shape: Shape) -> None:
        self.in_shape = in_shape
        self.out_shape = out_shape

    def _aligned(self) -> Shape:
        return (1,) * (len(self.out_shape) - len(self.in_shape)) + self.in_shape

    def apply(self, d: Array) -> Array:
        batch = d.shape[0]
        return np.broadcast_to(d.reshape(batch, *self._aligned()), (batch, *self.out_shape))

    def transpose(self) -> Primitive:
        return SumTo(self.out_shape, self.in_shape)

    def lower(self) -> LinearOperator:
        factors = tuple(
            Factor(None, out) if out == n else Factor(np.ones((out, n)), label=(("1", 1, ""),))
            for n, out in zip(reversed(self._aligned()), reversed(self.out_shape), strict=True)
        )
        return _one_term(factors or (Factor(None, 1),), self.in_shape, self.out_shape)


class SumTo:
    """d summed over the axes along which `Broadcast` repeats."""

    def __init__(self, in_shape: Shape, out_shape: Shape) -> None:
        self.in_shape = in_shape
        self.out_shape = out_shape

    def apply(self, d: Array) -> Array:
        aligned = Broadcast(self.out_shape, self.in_shape)._aligned()
        axes = tuple(
            k + 1 for k, (n, m) in enumerate(zip(self.in_shape, aligned, strict=True)) if n != m
        )
        return np.asarray(d.sum(axis=axes)).reshape(d.shape[0], *self.out_shape)

    def transpose(self) -> Primitive:
        return Broadcast(self.out_shape, self.in_shape)

    def lower(self) -> LinearOperator:
        return self.transpose().lower().T


class Inner:
    """Σ G ∘ d, a number: vec(G)ᵀ."""

    def __init__(self, g: Array) -> None:
        self.g = g
        self.in_shape: Shape = g.shape
        self.out_shape: Shape = ()

    def apply(self, d: Array) -> Array:
        return np.asarray(d.reshape(d.shape[0], -1) @ self.g.reshape(-1))

    def transpose(self) -> Primitive:
        return Outer(self.g)

    def lower(self) -> LinearOperator:
        row = np.ones((1, 1), self.g.dtype)
        return LowRank(row, self.g.reshape(-1, 1, order="F"), self.in_shape, ())


class Outer:
    """d G for a number d: vec(G)."""

    def __init__(self, g: Array) -> None:
        self.g = g
        self.in_shape: Shape = ()
        self.out_shape: Shape = g.shape

    def apply(self, d: Array) -> Array:
        return d.reshape(-1, *(1,) * self.g.ndim) * self.g

    def transpose(self) -> Primitive:
        return Inner(self.g)

    def lower(self) -> LinearOperator:
        return Inner(self.g).lower().T


class KroneckerWith:
    """A⊗d, or d⊗A with ``before=False``, for matrices."""

    def __init__(self, a: Constant, in_shape: Shape, before: bool) -> None:
        self.a, self.before = a, before
        self.in_shape: Shape = in_shape
        (m, n), (p, q) = a.array.shape, in_shape
        self.out_shape: Shape = (m * p, n * q)

    def apply(self, d: Array) -> Array:
        subscripts = "mn,bpq->bmpnq" if self.before else "mn,bpq->bpmqn"
        blocks: Array = np.einsum(subscripts, self.a.array, d)
        return blocks.reshape(d.shape[0], *self.out_shape)

    def transpose(self) -> Primitive:
        return KroneckerTrace(self)

    def lower(self) -> LinearOperator:
        # vec(A⊗d) has modes (n, q, m, p): vec(A) (nm) and vec(d) (q, p) side by side, then permuted
        (m, n), (p, q) = self.a.array.shape, self.in_shape
        column = Factor(self.a.array.reshape(-1, 1, order="F"), label=self._vec_label())
        beside = _one_term(
            (column, Factor(None, q), Factor(None, p)), self.in_shape, (n * m * q * p,)
        )
        modes, order = (n, m, q, p), (0, 2, 1, 3) if self.before else (2, 0, 3, 1)
        permutation = from_terms(
            [Term(1, tuple(Factor(None, modes[k]) for k in order), order)],
            beside.out_shape,
            self.out_shape,
        )
        return multiply(permutation, beside)

    def _vec_label(self) -> Label | None:
        label = self.a.label
        return ((f"vec({label[0][0]})", 1, ""),) if label and label[0][1:] == (1, "") else None


class KroneckerTrace:
    """The transpose of `KroneckerWith`: the blocks of d weighted by A and added."""

    def __init__(self, product: KroneckerWith) -> None:
        self.product = product
        self.in_shape: Shape = product.out_shape
        self.out_shape: Shape = product.in_shape

    def apply(self, d: Array) -> Array:
        (m, n), (p, q) = self.product.a.array.shape, self.out_shape
        before = self.product.before
        blocks = d.reshape(-1, m, p, n, q) if before else d.reshape(-1, p, m, q, n)
        subscripts = "mn,bmpnq->bpq" if before else "mn,bpmqn->bpq"
        return np.asarray(np.einsum(subscripts, self.product.a.array, blocks))

    def transpose(self) -> Primitive:
        return self.product

    def lower(self) -> LinearOperator:
        return self.product.lower().T


class Apply:
    """A vec(d), for any operator A."""

    def __init__(self, operator: LinearOperator) -> None:
        self.operator = operator
        self.in_shape: Shape = operator.in_shape
        self.out_shape: Shape = operator.out_shape

    def apply(self, d: Array) -> Array:
        return from_columns(self.operator @ to_columns(d), self.out_shape)

    def transpose(self) -> Primitive:
        return Apply(self.operator.T)

    def lower(self) -> LinearOperator:
        return self.operator


def from_columns(x: Array, shape: Shape) -> Array:
    """Columns of vec coordinates (N, k) as a batch (k, *shape)."""
    batch = x.T.reshape(x.shape[1], *reversed(shape))
    return batch.transpose(0, *range(len(shape), 0, -1))


def to_columns(batch: Array) -> Array:
    """A batch (k, *shape) as columns of vec coordinates (N, k)."""
    axes = range(batch.ndim - 1, 0, -1)
    size = math.prod(batch.shape[1:])
    return np.ascontiguousarray(batch.transpose(0, *axes)).reshape(batch.shape[0], size).T


def _one_term(factors: tuple[Factor, ...], in_shape: Shape, out_shape: Shape) -> LinearOperator:
    term: Any = Term(1, factors, tuple(range(len(factors))))
    return from_terms([term], in_shape, out_shape)


def _reversal(shape: Shape) -> LinearOperator:
    """The permutation from column-major to row-major order of an array of this shape."""
    dims = [n for n in reversed(shape) if n != 1] or [1]
    order = tuple(reversed(range(len(dims))))
    term = Term(1, tuple(Factor(None, dims[k]) for k in order), order)
    flat = (math.prod(shape),)
    return from_terms([term], flat, flat)
