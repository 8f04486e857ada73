"""What the rules of several families share: parts of tangents, and the wording of refusals."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from .._check import Shape
from .._operator import LinearOperator
from .._primitives import Apply
from .._tape import Tangent, where
from .._traced_arrays import Traced, plain


def refuse(what: str, instead: str) -> NoReturn:
    raise NotImplementedError(f"{what} at {where()} cannot be traced; {instead}")


def require_real(what: str, *arrays: Any) -> None:
    """Refuse what is not analytic in a complex array."""
    if any(np.iscomplexobj(plain(a)) for a in arrays):
        refuse(f"{what} of a complex array", "it has no complex derivative; a real array can be")


def require_plain(what: str, *arrays: Any) -> None:
    """Refuse an array whose own derivative is being taken: an operator would lose it."""
    if any(isinstance(a, Traced) for a in arrays):
        refuse(f"the second derivative of {what}", "the first can be")


def through(function: Any, a: Any, *others: Any) -> Any:
    """The tangent map of a composition of functions that have rules."""
    return lambda da: function(Traced(a, da), *others).tangent


def apply(operator: LinearOperator, d: Tangent) -> Tangent:
    return d.through(Apply(operator), operator.dtype)


def axes_of(ndim: int, axis: Any) -> tuple[int, ...]:
    """The axes of a reduction, all for None."""
    return tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)


def kept(shape: Shape, axes: tuple[int, ...]) -> Shape:
    """The shape of a reduction that keeps its axes."""
    return tuple(1 if k in axes else n for k, n in enumerate(shape))


def sum_over(d: Tangent, axes: tuple[int, ...], shape: Shape) -> Tangent:
    """The sum over some axes, in the shape of a reduction with or without them."""
    return d.sum_to(kept(d.shape, axes)).reshape(shape)


def weighted_sum(d: Tangent, weights: Any, axes: tuple[int, ...], shape: Shape) -> Tangent:
    """Σ W ∘ d over some axes, in the shape of a reduction."""
    if len(axes) == d.ndim and shape == ():
        return d.inner(weights)
    return sum_over(d * weights, axes, shape)


def adjoint(d: Tangent) -> Tangent:
    """The conjugate transposes of the matrices of a batch."""
    return swapped(d.conj())


def adjoint_of(a: Any) -> Any:
    """Aᴴ for each matrix of a batch."""
    return np.conj(np.matrix_transpose(a))


def swapped(d: Tangent) -> Tangent:
    """The transposed matrices of a batch."""
    *lead, m, n = range(d.ndim)
    return d.permute((*lead, n, m))


def diagonal_of(d: Tangent) -> Tangent:
    """The diagonals (..., n) of square matrices (..., n, n)."""
    return sum_over(d * np.eye(d.shape[-1], dtype=d.dtype), (d.ndim - 2,), d.shape[:-1])
