"""The tape: linear variables, and the program of primitives that operations on them append.

Nothing is composed while tracing, so shared intermediate results cost nothing.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._batched import Batched
from ._check import Array, Shape, as_array, user_frame
from ._dtypes import real_dtype
from ._labels import Label, label_map
from ._primitives import (
    Conj,
    Constant,
    Inner,
    KroneckerWith,
    LeftMultiply,
    Outer,
    Primitive,
    Real,
    RightMultiply,
    Same,
    Scale,
    is_traced,
)
from ._rearrangements import Broadcast, Gather, Permute, Reshape, SumTo, Window

_numbers = itertools.count()


class Tape:
    """The record of one run of a function.

    Tapes are numbered as they are opened: of two derivatives being taken the inner one has the
    larger number, and arrays of the outer one are constants for it.
    """

    def __init__(
        self,
        names: Callable[[], dict[int, tuple[Array, str]]],
        require_linear: bool = False,
        isolated: bool = False,
    ) -> None:
        self.number = next(_numbers)
        self.count = 0
        self.variables = 1
        self.require_linear = require_linear
        self.isolated = isolated  # arrays of outer tapes count by their plain values here
        self.meets_others = False  # whether there were any
        self.finished = False
        self.is_real_linear = False  # whether complex conjugates or parts were taken
        self.analytic = False  # such are refused: a variable is complex
        self.holds_traced = False  # whether there are traced arrays among the constants
        self._find_names = names
        self._constants: dict[int, tuple[Any, Constant]] = {}

    def own(self, array: Any, label: Label | None) -> None:
        """Register an array that only the tape refers to: it needs no copy."""
        self._constants[id(array)] = (array, Constant(array, label))

    def constant(self, x: Any) -> Constant:
        """A snapshot of a constant and its name, one for each array of the user."""
        known = self._constants.get(id(x))
        if known is None or not _is_current(*known):
            known = (x, self._snapshot(x))
            self._constants[id(x)] = known
            self._constants[id(known[1].array)] = known[1].array, known[1]
        constant = known[1]
        if is_traced(constant.array):
            self.holds_traced = True
        return constant

    def _snapshot(self, x: Any) -> Constant:
        if is_traced(x):
            return Constant(x, x.tape.label(x.value))
        a = as_array("constant", x)
        # as NumPy promotes it: bool and small integers keep a product with float32 in float32
        dtype = np.result_type(a.dtype, np.float32)
        return Constant(np.array(a, dtype, copy=True), self._user_label(x))

    @functools.cached_property
    def _names(self) -> dict[int, tuple[Array, str]]:
        """User's array (by identity) -> its name in f's scope."""
        return self._find_names()

    def label(self, x: Any) -> Label | None:
        known = self._constants.get(id(x))
        if known is not None:
            return known[1].label
        return x.tape.label(x.value) if is_traced(x) else self._user_label(x)

    def _user_label(self, x: Any) -> Label | None:
        """The name of an array of the user, or of the transpose of one."""
        if not isinstance(x, np.ndarray):
            return None
        for array, mark in ((x, ""), (x.base, "T")):
            named = self._names.get(id(array))
            if named and (array is x or _is_transpose(x, named[0])):
                return ((named[1], 1, mark),)
        return None


def _is_current(array: Any, constant: Constant) -> bool:
    """Whether the snapshot is still that of an array that the user may have written to."""
    if constant.array is array or not getattr(array, "flags", _READ_ONLY).writeable:
        return True
    return np.array_equal(array, constant.array)


_READ_ONLY = np.broadcast_to(0, ()).flags


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
        dtype = self.dtype
        for c in constants:
            dtype = np.result_type(dtype, c.dtype if hasattr(c, "dtype") else c)
        return Tangent(self.tape, primitive.out_shape, dtype, ((primitive, self),))

    def __add__(self, other: Tangent) -> Tangent:
        links = ((Same(self.shape), self), (Same(other.shape), other))
        return Tangent(self.tape, self.shape, np.result_type(self.dtype, other.dtype), links)

    def __neg__(self) -> Tangent:
        return self.through(Scale(-1, self.shape))

    def __mul__(self, c: Any) -> Tangent:
        """c ∘ d with broadcasting."""
        if isinstance(c, (int, float, complex)):
            return self.through(Scale(c, self.shape), c)
        array = self.tape.constant(c).array
        if array.ndim == 0:
            return self.through(Scale(array, self.shape), array)
        if self.shape == ():
            return self.through(Outer(array), array)
        shape = np.broadcast_shapes(array.shape, self.shape)
        wide = self.broadcast(shape)
        c = array if array.shape == shape else np.broadcast_to(array, shape)
        return wide.through(Scale(c, shape), array)

    __rmul__ = __mul__

    def __matmul__(self, b: Any) -> Tangent:
        """d B, for stacks of matrices as `numpy.matmul` has it."""
        c = self.tape.constant(b)
        if self.ndim > 2 or c.array.ndim > 2:
            return stacked_product(self, c.array, d_first=True)
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
        if self.ndim > 2 or c.array.ndim > 2:
            return stacked_product(self, c.array, d_first=False)
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

    def reshape(self, shape: Shape, order: str = "C") -> Tangent:
        """The entries in the same order, C or F, in another shape."""
        return self if shape == self.shape else self.through(Reshape(self.shape, shape, order))

    def astype(self, dtype: np.dtype[Any]) -> Tangent:
        return Tangent(self.tape, self.shape, dtype, ((Same(self.shape), self),))

    def broadcast(self, shape: Shape) -> Tangent:
        return self if shape == self.shape else self.through(Broadcast(self.shape, shape))

    def sum_to(self, shape: Shape) -> Tangent:
        return self if shape == self.shape else self.through(SumTo(self.shape, shape))

    def gather(self, sources: Array) -> Tangent:
        """The entries at flat indices in C order, 0 at -1."""
        if sources.size == math.prod(self.shape) and np.array_equal(
            sources.reshape(-1), np.arange(sources.size)
        ):
            return self.reshape(sources.shape)
        return self.through(Gather(sources, self.shape))

    def window(self, key: tuple[slice | int, ...]) -> Tangent:
        """d[key] for slices and numbers."""
        return self.through(Window(key, self.shape))

    def inner(self, g: Any) -> Tangent:
        """Σ G ∘ d."""
        array = self.tape.constant(g).array
        if array.ndim == 0:
            scaled: Tangent = self * g
            return scaled
        return self.through(Inner(array), array)

    def einsum(self, axes: str, c: Any, c_axes: str, out_axes: str) -> Tangent:
        """`numpy.einsum` of d and a constant, in products with matrices where that is what it is.

        `axes` and `c_axes` are free of repetitions.
        """
        return contraction(self, axes, self.tape.constant(c).array, c_axes, out_axes)

    def conj(self) -> Tangent:
        return self if self.dtype.kind != "c" else self._real_linear(Conj(self.shape))

    @property
    def real(self) -> Tangent:
        return self if self.dtype.kind != "c" else self._real_linear(Real(self.shape))

    @property
    def imag(self) -> Tangent:
        return (-1j * self).real

    def _real_linear(self, primitive: Primitive) -> Tangent:
        """The image under a map that is linear over the reals only."""
        if self.tape.analytic:
            raise NotImplementedError(
                f"{primitive} of a complex variable at {where()} has no complex derivative; "
                "otimes.jvp takes it along one direction"
            )
        self.tape.is_real_linear = True
        is_part = isinstance(primitive, Real)
        dtype = real_dtype(self.dtype) if is_part else self.dtype
        return Tangent(self.tape, self.shape, dtype, ((primitive, self),))

    def kron_after(self, a: Any) -> Tangent:
        """A⊗d."""
        c = self.tape.constant(a)
        return self.through(KroneckerWith(c, self.shape, before=True), c.array)

    def kron_before(self, b: Any) -> Tangent:
        """d⊗B."""
        c = self.tape.constant(b)
        return self.through(KroneckerWith(c, self.shape, before=False), c.array)


# --- products of arrays of any rank ---------------------------------------------------------------


def stacked_product(d: Tangent, c: Any, d_first: bool) -> Tangent:
    """d C or C d, where one of them has more than two axes."""
    shapes = (d.shape, c.shape) if d_first else (c.shape, d.shape)
    lead = max(len(s) for s in shapes) - 2
    letters = [chr(ord("A") + k) for k in range(lead)]
    names = []
    for shape, matrix, vector in zip(shapes, ("ij", "jk"), ("j", "j"), strict=True):
        batch = "".join(letters[lead - max(len(shape) - 2, 0) :])
        names.append(vector if len(shape) == 1 else batch + matrix)
    out = "".join(letters) + "".join(a for a in "ik" if a in names[0] + names[1])
    first, second = names if d_first else reversed(names)
    return contraction(d, first, c, second, out)


def contraction(d: Tangent, axes: str, c: Any, c_axes: str, out: str) -> Tangent:
    """Σ C ∘ d over the axes that are not in `out`; axes of length 1 broadcast."""
    d, axes, c, c_axes = _without_units(d, axes, c, c_axes, out)
    lost = [a for a in axes if a not in c_axes and a not in out]
    if lost:
        d, axes = _summed(d, axes, lost)
    extra = tuple(k for k, a in enumerate(c_axes) if a not in axes and a not in out)
    if extra:
        c, c_axes = c.sum(axis=extra), "".join(a for a in c_axes if a in axes or a in out)
    if any(a in axes and a in out for a in c_axes):
        d.tape.constant(c)
        return d.through(Batched(c, c_axes, axes, out, d.shape), c)
    if not axes or not c_axes:
        y: Tangent = d * _ordered(d.tape, c, c_axes, "".join(a for a in out if a in c_axes))
        moved: Tangent = y.permute(tuple(axes.index(a) for a in out)) if axes else y
        return moved
    return _matrix_product(d, axes, c, c_axes, out)


def _matrix_product(d: Tangent, axes: str, c: Any, c_axes: str, out: str) -> Tangent:
    """Σ C ∘ d, as the product of two matrices: no axis is in both and in the result."""
    sizes = dict(zip(axes + c_axes, d.shape + c.shape, strict=True))
    kept = "".join(a for a in axes if a in out)
    summed = "".join(a for a in axes if a not in out)
    new = "".join(a for a in c_axes if a in out)

    def shaped(*groups: str) -> Shape:
        return tuple(math.prod(sizes[a] for a in g) for g in groups if g or not summed)

    if out == kept + new and axes == kept + summed:  # nothing has to be moved
        matrix = _ordered(d.tape, c, c_axes, summed + new, shaped(summed, new))
        y: Tangent = d.reshape(shaped(kept, summed)) @ matrix
        return y.reshape(tuple(sizes[a] for a in out))
    matrix = _ordered(d.tape, c, c_axes, new + summed, shaped(new, summed))
    columns = d.permute(tuple(axes.index(a) for a in summed + kept)).reshape(shaped(summed, kept))
    y = (matrix @ columns).reshape(tuple(sizes[a] for a in new + kept))
    return y.permute(tuple((new + kept).index(a) for a in out))


def _without_units(
    d: Tangent, axes: str, c: Any, c_axes: str, out: str
) -> tuple[Tangent, str, Any, str]:
    """The operands without the axes of length 1 that broadcast against the other's."""
    sizes, c_sizes = dict(zip(axes, d.shape, strict=True)), dict(zip(c_axes, c.shape, strict=True))
    for a in set(sizes) & set(c_sizes):
        if c_sizes[a] != sizes[a] and 1 not in (sizes[a], c_sizes[a]):
            raise ValueError(f"axes of lengths {sizes[a]} and {c_sizes[a]} do not fit at {where()}")
        if c_sizes[a] == 1:
            del c_sizes[a]
        elif sizes[a] == 1:
            del sizes[a]
    return (
        d.reshape(tuple(sizes.values())),
        "".join(sizes),
        c if len(c_sizes) == c.ndim else c.reshape(tuple(c_sizes.values())),
        "".join(c_sizes),
    )


def _summed(d: Tangent, axes: str, lost: list[str]) -> tuple[Tangent, str]:
    """d summed over some axes."""
    kept = "".join(a for a in axes if a not in lost)
    ordered = d.permute(tuple(axes.index(a) for a in (*lost, *kept)))
    return ordered.sum_to(ordered.shape[len(lost) :]), kept


def _ordered(tape: Tape, c: Any, axes: str, order: str, shape: Shape | None = None) -> Any:
    """C with its axes in another order, and the same array where nothing changes."""
    if axes != order:
        moved = c.transpose(tuple(axes.index(a) for a in order))
        if len(axes) == 2 and not is_traced(moved):
            tape.own(moved, label_map(tape.label(c), "T"))
        c = moved
    return c if shape is None or shape == c.shape else c.reshape(shape)


def where() -> str:
    """File and line of the user's code that is being traced."""
    frame, _ = user_frame()
    if frame is None:
        return "an unknown line"
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
