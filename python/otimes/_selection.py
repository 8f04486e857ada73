"""Operators that move or average entries: identity, diagonals, the matrices of vec calculus."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from ._algebra import as_operator, identity_operator
from ._check import Array, Shape, as_array
from ._dtypes import compute_dtype
from ._factor import Factor
from ._layout import apply_along_columns
from ._operator import LinearOperator
from ._structures import Diagonal
from ._terms import Term, TermOperator, from_terms, named_forms
from ._triangles import Duplication, Elimination


class Identity(TermOperator):
    """The identity matrix."""

    __slots__ = ()

    def _pinv(self) -> LinearOperator:
        return self.T


class Commutation(TermOperator):
    """K with K vec(A) = vec(Aᵀ) for A (m, n)."""

    __slots__ = ()

    def _pinv(self) -> LinearOperator:
        return self.T


class Symmetrizer(TermOperator):
    """N = (I + K)/2, with a kernel that reads and writes each entry once."""

    __slots__ = ()

    @property
    def n(self) -> int:
        """The size of the square matrices that are symmetrized."""
        return self.parts[0].factors[0].rows

    def _matmat(self, x: Array) -> Array:
        n, dtype = self.n, compute_dtype(self._result_dtype(x.dtype))
        return apply_along_columns(lambda block: _core.symmetrize(block, n), x, dtype)

    def _rows(self, indices: Array) -> Array:
        rows, k = np.zeros((len(indices), self.shape[1])), np.arange(len(indices))
        j, i = np.divmod(indices, max(self.n, 1))
        rows[k, indices] += 0.5
        rows[k, j + i * self.n] += 0.5
        return rows

    def _pinv(self) -> LinearOperator:
        return self.T


def _as_selection(
    parts: tuple[Term, ...], in_shape: Shape, out_shape: Shape
) -> LinearOperator | None:
    if len(parts) > 1 or not parts[0].is_selection or parts[0].coefficient != 1:
        return None
    if not parts[0].is_permuted:
        return Identity(parts, in_shape, out_shape)
    return Commutation(parts, in_shape, out_shape) if len(parts[0].order) == 2 else None


def _as_symmetrizer(
    parts: tuple[Term, ...], in_shape: Shape, out_shape: Shape
) -> LinearOperator | None:
    if len(parts) != 2 or any(t.coefficient != 0.5 or not t.is_selection for t in parts):
        return None
    moved, kept = sorted(parts, key=lambda t: not t.is_permuted)
    n = moved.factors[0].rows
    if moved.order != (1, 0) or moved.factors[1].rows != n or kept.is_permuted:
        return None
    return Symmetrizer((moved._replace(order=(0, 1)), moved), in_shape, out_shape)


named_forms += [_as_selection, _as_symmetrizer]


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


def duplication_matrix(n: int) -> LinearOperator:
    """D: ``D @ vech(S) == vec(S)`` for symmetric S (n, n).

    Parameters
    ----------
    n : int
        The size of S.

    Returns
    -------
    LinearOperator
        (n², n(n+1)/2), O(1) memory; maps vectors (n(n+1)/2,) to arrays (n, n). ``D.pinv()`` is
        D⁺ = (DᵀD)⁻¹Dᵀ, with ``D.pinv() @ vec(A) == vech((A + A.T)/2)``, an operator too, and
        ``D.pinv() @ kron(A, A) @ D`` maps vech(S) to vech(A S Aᵀ).
        Products keep the dtype of x; those with ``D.T`` add, and have that of ``x.sum()``; those
        with D⁺ average, and turn integers into float64.

    Raises
    ------
    ValueError
        When `n` is negative.

    Notes
    -----
    A product reads n²/2 and writes n² numbers (those with ``D.T`` and D⁺ the other way round), in
    tiles. Magnus & Neudecker, The elimination matrix: some lemmas and applications, SIAM J. Alg.
    Disc. Meth. 1 (1980), doi:10.1137/0601049.

    Examples
    --------
    >>> import otimes as ox
    >>> D = ox.duplication_matrix(2)
    >>> D @ [1, 2, 3]
    array([1, 2, 2, 3])
    >>> D.T @ [1, 2, 2, 3]
    array([1, 4, 3])
    >>> D.pinv() @ [1, 2, 2, 3]
    array([1., 2., 3.])
    """
    return Duplication(_size("n", n))


def elimination_matrix(n: int) -> LinearOperator:
    """L: ``L @ vec(A) == vech(A)``, the lower triangle of A (n, n).

    Parameters
    ----------
    n : int
        The size of A.

    Returns
    -------
    LinearOperator
        (n(n+1)/2, n²), O(1) memory; maps arrays (n, n) to vectors (n(n+1)/2,). ``L.T`` puts a lower
        triangle into a matrix of zeros, and is also ``L.pinv()``. Products keep the dtype of x.

    Raises
    ------
    ValueError
        When `n` is negative.

    Notes
    -----
    A product copies n²/2 numbers. Magnus & Neudecker, The elimination matrix: some lemmas and
    applications, SIAM J. Alg. Disc. Meth. 1 (1980), doi:10.1137/0601049.

    Examples
    --------
    >>> import otimes as ox
    >>> L = ox.elimination_matrix(2)
    >>> L @ [1, 2, 3, 4]
    array([1, 2, 4])
    >>> L(ox.unvec([1, 2, 3, 4])), L.T @ [1, 2, 4]
    (array([1, 2, 4]), array([1, 2, 0, 4]))
    """
    return Elimination(_size("n", n))


def symmetrizer_matrix(n: int) -> LinearOperator:
    """N = (I + K)/2: ``N @ vec(A) == vec((A + A.T)/2)`` for A (n, n).

    Parameters
    ----------
    n : int
        The size of A.

    Returns
    -------
    LinearOperator
        (n², n²), a symmetric projection in O(1) memory that maps arrays (n, n) to arrays (n, n);
        N = D D⁺ and ``N.pinv()`` is N. Products turn integers into float64 and keep other dtypes.

    Raises
    ------
    ValueError
        When `n` is negative.

    Notes
    -----
    A product reads and writes n² numbers, in tiles. Magnus & Neudecker, The commutation matrix:
    some properties and applications, Ann. Statist. 7 (1979), doi:10.1214/aos/1176344621.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.symmetrizer_matrix(2) @ [1, 2, 4, 8]
    array([1., 3., 3., 8.])
    """
    size = _size("n", n)
    modes = Factor(None, size), Factor(None, size)
    return from_terms([Term(0.5, modes, k) for k in ((0, 1), (1, 0))], (size, size), (size, size))


def aslinearoperator(x: Any) -> LinearOperator:
    """A matrix as an operator: ``aslinearoperator(A) @ x == A @ x``.

    Parameters
    ----------
    x : array_like, SciPy sparse matrix or LinearOperator
        A matrix is copied, and a sparse one stays sparse; an operator is returned as it is.

    Returns
    -------
    LinearOperator
        Of the shape and dtype of `x`.

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
