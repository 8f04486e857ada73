"""The primitives that rearrange: they move, repeat, leave out and add up entries."""

from __future__ import annotations

import math

import numpy as np

from ._algebra import gathering, identity_operator, multiply, with_shapes
from ._check import Array, Shape
from ._factor import Factor
from ._operator import LinearOperator
from ._primitives import Primitive, Structural, one_term
from ._terms import Term, flat_operator, from_terms


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
        return one_term(factors, self.in_shape, self.out_shape)


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
        return one_term(factors, self.in_shape, self.out_shape)


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


def rearrangement(sources: Array, in_shape: Shape) -> LinearOperator:
    """`Gather` in vec coordinates: a Kronecker product where each axis is selected from by itself.

    Otherwise a selection of entries.
    """
    for shape in _aligned_shapes(in_shape, sources.ndim):
        picks = _picks(sources, shape)
        if picks is not None:
            factors = tuple(map(_selecting, reversed(picks), reversed(shape)))
            return one_term(factors, in_shape, sources.shape)
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


def _reversal(shape: Shape) -> LinearOperator:
    """The permutation from column-major to row-major order of an array of this shape."""
    dims = [n for n in reversed(shape) if n != 1] or [1]
    order = tuple(reversed(range(len(dims))))
    return flat_operator(Term(1, tuple(Factor(None, dims[k]) for k in order), order))
