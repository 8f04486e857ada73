"""Matrices of a structure as functions of their free entries: vec(X) = D vech(X) and its like."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from ._algebra import multiply, selection, with_shapes
from ._check import Array, as_inexact
from ._operator import LinearOperator
from ._primitives import Apply
from ._selection import commutation_matrix, duplication_matrix, elimination_matrix, identity
from ._traced_arrays import Traced
from ._triangles import places_of_vech
from ._vec import vech, veck

Structure = Literal["symmetric", "diagonal", "lower", "skew"]


class _Kind(NamedTuple):
    basis: Callable[[int], LinearOperator]  # from the free entries to the matrix
    entries: Callable[[Array], Array]  # the free entries of a matrix


def _diagonal_basis(n: int) -> LinearOperator:
    """vec(diag(d)) = S d."""
    sources = np.full(n * n, -1, np.intp)
    sources[:: n + 1] = np.arange(n)
    return with_shapes(selection(sources, n), (n,), (n, n))


def _skew_basis(n: int) -> LinearOperator:
    """vec(A) = (I - K) S veck(A) for skew-symmetric A: S puts veck below the diagonal."""
    i, j = places_of_vech(n, np.arange(n * (n + 1) // 2))
    below = i > j
    sources = np.full(n * n, -1, np.intp)
    sources[i[below] + n * j[below]] = np.arange(np.count_nonzero(below))
    difference = identity(n * n) - commutation_matrix(n, n)
    size = n * (n - 1) // 2
    return with_shapes(multiply(difference, selection(sources, size)), (size,), (n, n))


_KINDS = {
    "symmetric": _Kind(duplication_matrix, vech),
    "diagonal": _Kind(_diagonal_basis, np.diagonal),
    "lower": _Kind(lambda n: elimination_matrix(n).T, vech),
    "skew": _Kind(_skew_basis, veck),
}


def _expanded(basis: LinearOperator, entries: Any) -> Any:
    """X = D θ, dX = D dθ; what θ is called is also the name of X."""
    if not isinstance(entries, Traced):
        return basis(entries)
    x, tape = _expanded(basis, entries.value), entries.tape
    tape.own(x, tape.label(entries.value))
    return Traced(x, entries.tangent.through(Apply(basis)))


def in_free_coordinates(
    f: Callable[..., Any], args: Sequence[Any], positions: Sequence[int], structure: str | None
) -> tuple[Callable[..., Any], Sequence[Any]]:
    """The function of the free entries of some arguments, and these entries at the point."""
    if structure is None:
        return f, args
    if structure not in _KINDS:
        raise ValueError(f"structure is {structure!r}, but must be None or one of {[*_KINDS]}")
    point, bases = list(args), {}
    for k in positions:
        point[k], bases[k] = _free_entries(k, args[k], structure)

    @functools.wraps(f)
    def of_free_entries(*given: Any) -> Any:
        full = list(given)
        for k, basis in bases.items():
            full[k] = _expanded(basis, given[k])
        return f(*full)

    return of_free_entries, point


def _free_entries(k: int, argument: Any, structure: str) -> tuple[Array, LinearOperator]:
    """The free entries of an argument that has the structure up to rounding, and their basis."""
    x = as_inexact(f"argument {k}", argument)
    if x.ndim != 2 or x.shape[0] != x.shape[1]:
        raise ValueError(
            f"argument {k} has shape {x.shape}, but structure={structure!r} needs a square matrix"
        )
    kind, n = _KINDS[structure], len(x)
    basis, entries = kind.basis(n), kind.entries(x)
    misfit = np.abs(basis(entries) - x)
    if not (misfit <= n * np.finfo(x.dtype).eps * np.abs(x).max(initial=0)).all():
        i, j = np.unravel_index(np.argmax(misfit), misfit.shape)
        raise ValueError(
            f"structure={structure!r} does not fit argument {k}: its entry ({i}, {j}) is "
            f"{x[i, j]:g}, but its free entries make that {basis(entries)[i, j]:g}"
        )
    return entries, basis
