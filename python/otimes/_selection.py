"""Operators that only move entries: the identity, diagonals and the commutation matrix."""

from __future__ import annotations

import operator
from typing import Any

from numpy.typing import ArrayLike

from ._algebra import as_operator, identity_operator
from ._check import as_array
from ._operator import LinearOperator, Shape
from ._structures import Diagonal
from ._terms import Factor, Term, TermOperator, from_terms, named_forms


class Identity(TermOperator):
    """The identity matrix."""

    __slots__ = ()


class Commutation(TermOperator):
    """K with K vec(A) = vec(Aᵀ) for A (m, n)."""

    __slots__ = ()


def _as_selection(
    parts: tuple[Term, ...], in_shape: Shape, out_shape: Shape
) -> LinearOperator | None:
    if len(parts) > 1 or not parts[0].is_selection or parts[0].coefficient != 1:
        return None
    if not parts[0].is_permuted:
        return Identity(parts, in_shape, out_shape)
    return Commutation(parts, in_shape, out_shape) if len(parts[0].order) == 2 else None


named_forms.append(_as_selection)


def _size(name: str, n: Any) -> int:
    try:
        size = operator.index(n)
    except TypeError:
        raise TypeError(f"{name} is {n!r}, but must be an integer") from None
    if size < 0:
        raise ValueError(f"{name} is {size}, but a size cannot be negative")
    return size


def identity(n: int) -> LinearOperator:
    """I: ``identity(n) @ x == x``.

    Parameters
    ----------
    n : int
        The size.

    Returns
    -------
    LinearOperator
        (n, n), O(1) memory. Its product keeps the dtype of x; its array is float64 unless
        ``toarray(dtype=…)`` says otherwise.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.identity(3) @ [1, 2, 3]
    array([1, 2, 3])
    """
    return identity_operator((_size("n", n),))


def diagonal(d: ArrayLike) -> LinearOperator:
    """diag(d): ``diagonal(d) @ x == d * x``.

    Parameters
    ----------
    d : array_like, shape (n,)
        Copied.

    Returns
    -------
    LinearOperator
        (n, n), O(n) memory.

    Raises
    ------
    ValueError
        When `d` is not a vector.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.diagonal([1, 2]) @ [10, 10]
    array([10, 20])
    """
    entries = as_array("d", d).copy()
    if entries.ndim != 1:
        raise ValueError(f"d has shape {entries.shape}, but must be a vector (n,)")
    entries.setflags(write=False)
    return Diagonal(entries, entries.shape)


def commutation_matrix(m: int, n: int) -> LinearOperator:
    """K: ``K @ vec(A) == vec(A.T)`` for A (m, n).

    Parameters
    ----------
    m, n : int
        The shape of A.

    Returns
    -------
    LinearOperator
        (mn, mn), a permutation in O(1) memory that maps arrays (m, n) to (n, m). Its transpose is
        ``commutation_matrix(n, m)``, and ``K @ kron(A, B) == kron(B, A) @ K`` for matching sizes.
        Its product keeps the dtype of x.

    Raises
    ------
    ValueError
        When a size is negative.

    Notes
    -----
    A product is one blocked transposition, O(mn). Magnus & Neudecker, The commutation matrix: some
    properties and applications, Ann. Statist. 7 (1979), doi:10.1214/aos/1176344621.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> A = np.array([[1, 3, 5], [2, 4, 6]])
    >>> ox.commutation_matrix(2, 3) @ ox.vec(A)
    array([1, 3, 5, 2, 4, 6])
    """
    m, n = _size("m", m), _size("n", n)
    # vec(A) in C order is a tensor of modes (n, m); vec(Aᵀ) has modes (m, n)
    term = Term(1, (Factor(None, m), Factor(None, n)), (1, 0))
    return from_terms([term], (m, n), (n, m))


def aslinearoperator(x: Any) -> LinearOperator:
    """A matrix as an operator: ``aslinearoperator(A) @ x == A @ x``.

    Parameters
    ----------
    x : array_like, SciPy sparse matrix or LinearOperator
        A matrix is copied, and a sparse one stays sparse; an operator is returned as it is.

    Returns
    -------
    LinearOperator

    Raises
    ------
    ValueError
        When `x` is not two-dimensional.

    Examples
    --------
    >>> import otimes as ox
    >>> (ox.aslinearoperator([[1, 2], [3, 4]]) + ox.identity(2)).toarray()
    array([[2, 2],
           [3, 5]])
    """
    return as_operator(x)
