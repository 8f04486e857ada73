"""The linear primitives of the tape: the only maps that know their transpose and their operator.

Each maps tangents of ``in_shape`` to ``out_shape``. `apply` works on one of them, or on a batch
along leading axes; `transpose` is the primitive of the transposed map; `lower` is the map as an
operator on vec coordinates.

The constant that a primitive holds may be a traced array of an outer derivative (a Hessian is the
Jacobian of a gradient). `apply` is then NumPy code that is traced in its turn, on one tangent.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple, Protocol

import numpy as np

from ._algebra import gathering, identity_operator, multiply, scale, with_shapes
from ._check import Array
from ._operator import LinearOperator, Scalar, Shape
from ._structures import Diagonal, LowRank
from ._terms import Factor, Label, Term, from_terms, label_map


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
    """Whether it is an array of a derivative that is being taken (`_trace.Traced`)."""
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
        return _one_term((*columns, self.a.factor()), self.in_shape, self.out_shape)


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
        return _one_term(factors, self.in_shape, self.out_shape)


class Permute(Structural):
    """d with its axes permuted; for a matrix the commutation matrix K."""

    def __init__(self, axes: tuple[int, ...], in_shape: Shape) -> None:
        self.axes = axes
        self.in_shape = in_shape
        self.out_shape = tuple(in_shape[k] for k in axes)

    def apply(self, d: Array) -> Array:
        lead = d.ndim - len(self.axes)
        return d.transpose(*range(lead), *(k + lead for k in self.axes))

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


class Reshape(Structural):
    """d in another shape, read and written in C or F order."""

    def __init__(self, in_shape: Shape, out_shape: Shape, order: str = "C") -> None:
        self.in_shape = in_shape
        self.out_shape = out_shape
        self.order = order

    def apply(self, d: Array) -> Array:
        batch = self.batch(d)
        if self.order == "C":
            return d.reshape((*batch, *self.out_shape))
        backwards = _reversed_after(len(batch), d)
        return _reversed_after(len(batch), backwards.reshape((*batch, *reversed(self.out_shape))))

    def transpose(self) -> Primitive:
        return Reshape(self.out_shape, self.in_shape, self.order)

    def lower(self) -> LinearOperator:
        if self.order == "F":
            return with_shapes(identity_operator(self.in_shape), self.in_shape, self.out_shape)
        to_rows, from_rows = _reversal(self.in_shape), _reversal(self.out_shape).T
        return with_shapes(multiply(from_rows, to_rows), self.in_shape, self.out_shape)


def _reversed_after(lead: int, d: Array) -> Array:
    """d with its axes reversed, but for the first ones."""
    return d.transpose(*range(lead), *reversed(range(lead, d.ndim)))


class Broadcast(Structural):
    """d repeated to a larger shape, as NumPy broadcasts it."""

    def __init__(self, in_shape: Shape, out_shape: Shape) -> None:
        self.in_shape = in_shape
        self.out_shape = out_shape

    def _aligned(self) -> Shape:
        return (1,) * (len(self.out_shape) - len(self.in_shape)) + self.in_shape

    def apply(self, d: Array) -> Array:
        batch = self.batch(d)
        return np.broadcast_to(d.reshape((*batch, *self._aligned())), (*batch, *self.out_shape))

    def transpose(self) -> Primitive:
        return SumTo(self.out_shape, self.in_shape)

    def lower(self) -> LinearOperator:
        factors = tuple(
            Factor(None, out) if out == n else ones(out, n)
            for n, out in zip(reversed(self._aligned()), reversed(self.out_shape), strict=True)
        )
        return _one_term(factors or (Factor(None, 1),), self.in_shape, self.out_shape)


class SumTo(Structural):
    """d summed over the axes along which `Broadcast` repeats."""

    def __init__(self, in_shape: Shape, out_shape: Shape) -> None:
        self.in_shape = in_shape
        self.out_shape = out_shape

    def apply(self, d: Array) -> Array:
        aligned = Broadcast(self.out_shape, self.in_shape)._aligned()
        pairs = zip(reversed(self.in_shape), reversed(aligned), strict=True)
        axes = tuple(-1 - k for k, (n, m) in enumerate(pairs) if n != m)
        return np.asarray(d.sum(axis=axes)).reshape((*self.batch(d), *self.out_shape))

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


class Gather(Structural):
    """d's entries at `sources`, its indices in C order, in the shape of `sources`; 0 at -1."""

    def __init__(self, sources: Array, in_shape: Shape) -> None:
        self.sources = sources
        self.in_shape = in_shape
        self.out_shape: Shape = sources.shape

    def apply(self, d: Array) -> Array:
        flat = d.reshape((*self.batch(d), math.prod(self.in_shape)))
        if flat.shape[-1] == 0:
            return np.zeros((*self.batch(d), *self.out_shape), d.dtype)
        return np.where(self.sources < 0, d.dtype.type(0), flat[..., self.sources])

    def transpose(self) -> Primitive:
        return Scatter(self)

    def lower(self) -> LinearOperator:
        return rearrangement(self.sources, self.in_shape)


class Scatter(Structural):
    """The transpose of `Gather`: the entries of d added at their sources."""

    def __init__(self, gather: Gather) -> None:
        self.gather = gather
        self.in_shape: Shape = gather.out_shape
        self.out_shape: Shape = gather.in_shape

    def apply(self, d: Array) -> Array:
        batch = self.batch(d)
        flat = np.zeros((math.prod(self.out_shape), math.prod(batch)), d.dtype)
        used = self.gather.sources >= 0
        values = d.reshape((math.prod(batch), *self.in_shape))[:, used].T
        np.add.at(flat, self.gather.sources[used], values)
        return flat.T.reshape((*batch, *self.out_shape))

    def transpose(self) -> Primitive:
        return self.gather

    def lower(self) -> LinearOperator:
        return self.gather.lower().T


class Window(Structural):
    """d[key] for a key of slices and numbers, one for each axis: no index arrays are needed."""

    def __init__(self, key: tuple[slice | int, ...], in_shape: Shape) -> None:
        self.key = key
        self.in_shape = in_shape
        self.out_shape: Shape = np.broadcast_to(False, in_shape)[key].shape

    def apply(self, d: Array) -> Array:
        return d[(..., *self.key)]

    def transpose(self) -> Primitive:
        return Embedding(self)

    def lower(self) -> LinearOperator:
        pairs = zip(self.key, self.in_shape, strict=True)
        sources = [np.atleast_1d(np.arange(n)[k]) for k, n in pairs]
        factors = tuple(map(_selecting, reversed(sources), reversed(self.in_shape)))
        return _one_term(factors or (Factor(None, 1),), self.in_shape, self.out_shape)


class Embedding(Structural):
    """The transpose of `Window`: d at its place among zeros."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.in_shape: Shape = window.out_shape
        self.out_shape: Shape = window.in_shape

    def apply(self, d: Array) -> Array:
        y = np.zeros((*self.batch(d), *self.out_shape), d.dtype)
        self.add_to(y, d)
        return y

    def add_to(self, total: Array, d: Array) -> None:
        """total += the image of d, at the cost of d's entries."""
        total[(..., *self.window.key)] += d

    def transpose(self) -> Primitive:
        return self.window

    def lower(self) -> LinearOperator:
        return self.window.lower().T


class Batched:
    """Σ C ∘ d over some axes, for C and d that share others: a product of stacks of matrices.

    The letters of `subscripts` name axes as in `numpy.einsum`; each of d's is in C's or the result.
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


def rearrangement(sources: Array, in_shape: Shape) -> LinearOperator:
    """`Gather` in vec coordinates: a Kronecker product where each axis is selected from by itself.

    Otherwise a selection of entries.
    """
    for shape in _aligned_shapes(in_shape, sources.ndim):
        picks = _picks(sources, shape)
        if picks is not None:
            factors = tuple(map(_selecting, reversed(picks), reversed(shape)))
            return _one_term(factors or (Factor(None, 1),), in_shape, sources.shape)
    places = np.arange(math.prod(in_shape)).reshape(in_shape, order="F").reshape(-1)
    flat = sources.reshape(-1, order="F")
    order = np.where(flat < 0, -1, places[flat]) if places.size else flat
    return with_shapes(gathering(order, places.size), in_shape, sources.shape)


def _aligned_shapes(shape: Shape, ndim: int) -> list[Shape]:
    """The shape, or with an axis of length 1 more, if that makes so many axes."""
    if len(shape) + 1 == ndim:
        return [(*shape[:k], 1, *shape[k:]) for k in range(ndim)]
    return [shape] if len(shape) == ndim else []


def _picks(sources: Array, shape: Shape) -> list[Array] | None:
    """The indices taken along each axis, -1 for none, if every axis has its own; else None."""
    if sources.size == 0 or math.prod(shape) == 0:
        return None
    taken = sources >= 0
    coordinates = np.unravel_index(np.where(taken, sources, 0), shape)
    if not taken.any():
        return None
    first = tuple(int(k) for k in np.argwhere(taken)[0])
    picks = []
    for axis, coordinate in enumerate(coordinates):
        line = tuple(slice(None) if k == axis else i for k, i in enumerate(first))
        picks.append(np.where(taken[line], coordinate[line], -1))
    rebuilt = np.zeros((), np.intp)
    valid = np.ones((), np.bool_)
    for pick, n in zip(picks, shape, strict=True):
        rebuilt = np.add.outer(rebuilt * n, np.where(pick < 0, 0, pick))
        valid = np.logical_and.outer(valid, pick >= 0)
    return picks if np.array_equal(np.where(valid, rebuilt, -1), sources) else None


def _selecting(picks: Array, n: int) -> Factor:
    """The matrix that selects entries of a vector (n,)."""
    if len(picks) == n and (picks == np.arange(n)).all():
        return Factor(None, n)
    if n == 1 and (picks == 0).all():
        return ones(len(picks), 1)
    matrix = np.zeros((len(picks), n), np.float32)
    (rows,) = np.nonzero(picks >= 0)
    matrix[rows, picks[rows]] = 1
    return Factor(matrix)


def ones(m: int, n: int) -> Factor:
    """A matrix of ones, in the shortest dtype: it takes that of what it is multiplied with."""
    return Factor(np.ones((m, n), np.float32), label=(("1", 1, ""),))


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
