"""The linear primitives of the tape: the only maps that know their transpose and their operator.

Each maps tangents of ``in_shape`` to ``out_shape``. `apply` works on one of them, or on a batch
along leading axes; `transpose` is the primitive of the transposed map; `lower` is the map as an
operator on vec coordinates.

The constant that a primitive holds may be a traced array of an outer derivative (a Hessian is the
Jacobian of a gradient). `apply` is then NumPy code that is traced in its turn, on one tangent.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np

from ._algebra import identity_operator, multiply, scale
from ._check import Array, Scalar, Shape
from ._factor import Factor
from ._labels import Label, label_map
from ._layout import from_columns, to_columns
from ._operator import LinearOperator
from ._structures import Diagonal, LowRank
from ._terms import Term, from_terms


class Constant(NamedTuple):
    """An array that a primitive holds, and its name in the user's code."""

    array: Array
    label: Label | None = None

    def factor(self) -> Factor:
        if self.label is None and _is_identity(self.array):
            return Factor(None, len(self.array))
        return Factor(self.array, label=self.label)

    def transpose(self) -> Constant:
        return Constant(self.array.T, label_map(self.label, "T"))


def _is_identity(a: Array) -> bool:
    """Whether it is an identity matrix: looked at in full only if its corner is one's."""
    m, n = a.shape
    return m == n > 0 and a[0, 0] == 1 and not a[0, 1:].any() and np.array_equal(a, np.eye(n))


def is_traced(x: object) -> bool:
    """Whether it is an array of a derivative that is being taken (`_traced_arrays.Traced`)."""
    return hasattr(x, "tangent")


class Primitive(Protocol):
    """A linear map with constant data."""

    in_shape: Shape
    out_shape: Shape

    @property
    def constant(self) -> Any:
        """The array that it multiplies with, or None: what may be traced."""

    def apply(self, d: Array) -> Array:
        """The image of a tangent, or the images of a batch (*batch, *in_shape)."""

    def transpose(self) -> Primitive:
        """The transposed map."""

    def lower(self) -> LinearOperator:
        """The map in vec coordinates."""


class Structural:
    """What primitives without a constant share: they only move, repeat and add entries."""

    in_shape: Shape
    out_shape: Shape
    constant = None

    def batch(self, d: Array) -> Shape:
        """The leading axes of d."""
        return d.shape[: d.ndim - len(self.in_shape)]


class Same(Structural):
    """d."""

    def __init__(self, shape: Shape) -> None:
        self.in_shape = self.out_shape = shape

    def apply(self, d: Array) -> Array:
        return d

    def transpose(self) -> Primitive:
        return self

    def lower(self) -> LinearOperator:
        return identity_operator(self.in_shape)


class Conj(Structural):
    """The conjugate of d, the Jacobian's by a real variable."""

    def __init__(self, shape: Shape) -> None:
        self.in_shape = self.out_shape = shape

    def __str__(self) -> str:
        return "np.conj"

    def apply(self, d: Array) -> Array:
        return d.conj()

    def transpose(self) -> Primitive:
        """The transpose over the reals, in the pairing Re(wᵀ d)."""
        return self

    def of(self, op: LinearOperator) -> LinearOperator:
        """The map after that of a real variable; it has no operator of its own."""
        return op.conj()

    def lower(self) -> LinearOperator:
        raise NotImplementedError(f"{self} is not linear over the complex numbers")


class Real(Conj):
    """The real part of d."""

    def __str__(self) -> str:
        return "the real or imaginary part"

    def apply(self, d: Array) -> Array:
        return d.real

    def of(self, op: LinearOperator) -> LinearOperator:
        return op.real


class LeftMultiply:
    """A d for d (n, k): I⊗A. For d (n,): A."""

    def __init__(self, a: Constant, in_shape: Shape) -> None:
        self.a = a
        self.in_shape = in_shape
        self.out_shape: Shape = (a.array.shape[0], *in_shape[1:])

    @property
    def constant(self) -> Any:
        return self.a.array

    def apply(self, d: Array) -> Array:
        batch_of_vectors = len(self.in_shape) == 1 and d.ndim > 1
        return d @ self.a.array.T if batch_of_vectors else self.a.array @ d

    def transpose(self) -> Primitive:
        return LeftMultiply(self.a.transpose(), self.out_shape)

    def lower(self) -> LinearOperator:
        columns = tuple(Factor(None, k) for k in self.in_shape[1:])
        return one_term((*columns, self.a.factor()), self.in_shape, self.out_shape)


class RightMultiply:
    """d B for d (k, n): Bᵀ⊗I."""

    def __init__(self, b: Constant, in_shape: Shape) -> None:
        self.b = b
        self.in_shape = in_shape
        self.out_shape: Shape = (in_shape[0], b.array.shape[1])

    @property
    def constant(self) -> Any:
        return self.b.array

    def apply(self, d: Array) -> Array:
        return d @ self.b.array

    def transpose(self) -> Primitive:
        return RightMultiply(self.b.transpose(), self.out_shape)

    def lower(self) -> LinearOperator:
        factors = (self.b.factor().transpose(), Factor(None, self.in_shape[0]))
        return one_term(factors, self.in_shape, self.out_shape)


class Scale:
    """c ∘ d for a number c, or an array of d's shape."""

    def __init__(self, c: Scalar | Array, in_shape: Shape) -> None:
        self.c = c
        self.in_shape = self.out_shape = in_shape

    @property
    def constant(self) -> Any:
        return self.c

    def apply(self, d: Array) -> Array:
        return np.multiply(self.c, d)

    def transpose(self) -> Primitive:
        return self

    def lower(self) -> LinearOperator:
        if np.ndim(self.c) == 0:
            return scale(np.asarray(self.c).item(), identity_operator(self.in_shape))
        return Diagonal(np.asarray(self.c).reshape(-1, order="F"), self.in_shape)


class Inner:
    """Σ G ∘ d, a number: vec(G)ᵀ."""

    def __init__(self, g: Array) -> None:
        self.g = g
        self.in_shape: Shape = g.shape
        self.out_shape: Shape = ()

    @property
    def constant(self) -> Any:
        return self.g

    def apply(self, d: Array) -> Array:
        batch = d.shape[: d.ndim - len(self.in_shape)]
        return d.reshape((*batch, math.prod(self.in_shape))) @ self.g.reshape(-1)

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

    @property
    def constant(self) -> Any:
        return self.g

    def apply(self, d: Array) -> Array:
        return self.g * (d.reshape(*d.shape, *(1,) * self.g.ndim) if d.ndim else d)

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

    @property
    def constant(self) -> Any:
        return self.a.array

    def apply(self, d: Array) -> Array:
        batch = d.shape[: d.ndim - 2]
        subscripts = "mn,...pq->...mpnq" if self.before else "mn,...pq->...pmqn"
        blocks: Array = np.einsum(subscripts, self.a.array, d)
        return blocks.reshape((*batch, *self.out_shape))

    def transpose(self) -> Primitive:
        return KroneckerTrace(self)

    def lower(self) -> LinearOperator:
        # vec(A⊗d) has modes (n, q, m, p): vec(A) (nm) and vec(d) (q, p) side by side, then permuted
        (m, n), (p, q) = self.a.array.shape, self.in_shape
        column = Factor(self.a.array.reshape(-1, 1, order="F"), label=self._vec_label())
        beside = one_term(
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

    @property
    def constant(self) -> Any:
        return self.product.constant

    def apply(self, d: Array) -> Array:
        (m, n), (p, q) = self.constant.shape, self.out_shape
        before, batch = self.product.before, d.shape[: d.ndim - 2]
        blocks = d.reshape((*batch, m, p, n, q)) if before else d.reshape((*batch, p, m, q, n))
        subscripts = "mn,...mpnq->...pq" if before else "mn,...pmqn->...pq"
        return np.einsum(subscripts, self.constant, blocks)  # type: ignore[no-any-return]

    def transpose(self) -> Primitive:
        return self.product

    def lower(self) -> LinearOperator:
        return self.product.lower().T


class Apply(Structural):
    """A vec(d), for any operator A."""

    def __init__(self, operator: LinearOperator) -> None:
        self.operator = operator
        self.in_shape: Shape = operator.in_shape
        self.out_shape: Shape = operator.out_shape

    def apply(self, d: Array) -> Array:
        batch = self.batch(d)
        columns = to_columns(d.reshape((math.prod(batch), *self.in_shape)))
        images = from_columns(self.operator @ columns, self.out_shape)
        return images.reshape((*batch, *self.out_shape))

    def transpose(self) -> Primitive:
        return Apply(self.operator.T)

    def lower(self) -> LinearOperator:
        return self.operator


def one_term(factors: tuple[Factor, ...], in_shape: Shape, out_shape: Shape) -> LinearOperator:
    """F₁⊗…⊗F_N between arrays of these shapes; without factors the number 1."""
    return from_terms([Term.of(factors or (Factor(None, 1),))], in_shape, out_shape)
