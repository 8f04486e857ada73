"""NumPy's functions of diag(d), read off d.

Each takes the arguments of the function of its name, and returns `NotImplemented` where NumPy would
raise, or would find in the dense array what d does not tell. The work is O(n), or that of sorting.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from ._algebra import astype, identity_operator, multiply
from ._check import Array
from ._decompositions import EighResult, EigResult, SVDResult, sorting, unit_phases
from ._dtypes import eigenvalue_dtype, inexact_dtype, real_dtype
from ._invariants import SlogdetResult, number_above, rank_tolerance
from ._operator import LinearOperator
from ._structures import Diagonal


def _entries(a: Any) -> Array | None:
    """d, as numbers that NumPy's decompositions take."""
    op = a._structure() if isinstance(a, LinearOperator) else None
    if not isinstance(op, Diagonal) or op.dtype.char == "e" or not np.isfinite(op.entries).all():
        return None
    return op.entries.astype(inexact_dtype(op.dtype), copy=False) if len(op.entries) else None


def _real_entries(a: Any) -> Array | None:
    """The same of a Hermitian matrix: NumPy reads one triangle, without imaginary parts."""
    d = _entries(a)
    return None if d is None or np.iscomplex(d).any() else d.real


# --- determinants --------------------------------------------------------------------------------


def slogdet(a: Any) -> Any:
    """∏ dᵢ/|dᵢ| and Σ log |dᵢ|."""
    d = _entries(a)
    if d is None:
        return NotImplemented
    sign, logarithm = _slogdet(d)
    return SlogdetResult(d.dtype.type(sign), real_dtype(d.dtype).type(logarithm))


def _slogdet(d: Array) -> tuple[Any, float]:
    sizes = np.abs(d)
    if not sizes.all():
        return 0, -math.inf
    sign = np.prod(d / sizes)
    return sign / abs(sign), float(np.log(sizes).sum(dtype=float))


def det(a: Any) -> Any:
    """∏ dᵢ, by logarithms where a partial product leaves the range."""
    d = _entries(a)
    if d is None:
        return NotImplemented
    with np.errstate(all="ignore"):
        partial = np.cumprod(d.astype(np.result_type(d, np.float64)))
        value = partial[-1]
        if (d.all() and not (np.abs(partial) > 1e-290).all()) or not np.isfinite(value):
            sign, logarithm = _slogdet(d)
            value = sign * np.exp(logarithm)
        return d.dtype.type(value)


# --- eigenvalues ---------------------------------------------------------------------------------


def eigvals(a: Any) -> Any:
    """λ = d, in this order."""
    d = _entries(a)
    return NotImplemented if d is None else d.astype(eigenvalue_dtype(d.dtype))


def eig(a: Any) -> Any:
    """The same, with the eigenvectors I."""
    d = _entries(a)
    if d is None:
        return NotImplemented
    dtype = eigenvalue_dtype(d.dtype)
    return EigResult(d.astype(dtype), astype(identity_operator((len(d),)), dtype))


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """λ = d, ascending."""
    d = _real_entries(a) if UPLO in ("L", "U", "l", "u") else None
    return NotImplemented if d is None else np.sort(d)


def eigh(a: Any, UPLO: str = "L") -> Any:
    """The same, with the eigenvectors eᵢ in the order of their values."""
    d = _real_entries(a) if UPLO in ("L", "U", "l", "u") else None
    if d is None:
        return NotImplemented
    order = np.argsort(d, kind="stable")
    return EighResult(d[order], sorting(order, inexact_dtype(a.dtype)))


# --- singular values -----------------------------------------------------------------------------


def _singular_values(a: Any, hermitian: bool = False) -> Array | None:
    d = _real_entries(a) if hermitian else _entries(a)
    return None if d is None else np.abs(d)


def svdvals(x: Any, /) -> Any:
    """σ = |d|, descending."""
    values = _singular_values(x)
    return NotImplemented if values is None else np.sort(values)[::-1].copy()


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """U = diag(d/|d|) P and Vᴴ = Pᵀ, with the permutation P that sorts |d|, descending."""
    values = _singular_values(a, hermitian)
    if values is None:
        return NotImplemented
    order = np.argsort(-values, kind="stable")
    if not compute_uv:
        return values[order]
    bool(full_matrices)  # no difference here; NumPy's error where it is no truth value
    d, dtype = a._structure().entries, inexact_dtype(a.dtype)
    phases = unit_phases(d, values, dtype)
    p = sorting(order, dtype)
    return SVDResult(multiply(Diagonal(phases, (len(d),)), p), values[order], p.T)


def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The number of |dᵢ| above NumPy's tolerance."""
    values = _singular_values(A, hermitian)
    if values is None or (tol is not None and rtol is not None):
        return NotImplemented
    return number_above(values, rank_tolerance(values, len(values), tol, rtol))


# --- norms and condition numbers -----------------------------------------------------------------

#: ‖diag(d)‖ of |d|, by the order of a norm of matrices.
_NORMS: dict[Any, Callable[[Array], Any]] = {
    **dict.fromkeys(("fro", "f"), np.linalg.norm),
    "nuc": np.sum,
    **dict.fromkeys((1, 2, np.inf), np.max),
    **dict.fromkeys((-1, -2, -np.inf), np.min),
}


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Every norm of matrices, from |d|."""
    values = _singular_values(x)
    order = "fro" if ord is None else ord
    if values is None or axis is not None or keepdims or order not in _NORMS:
        return NotImplemented
    return values.dtype.type(_NORMS[order](values))


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """‖vec diag(d)‖ = ‖d‖ for orders of which zeros add nothing."""
    d = _entries(x)
    if d is None or axis is not None or keepdims or not ord >= 0:
        return NotImplemented
    return np.linalg.vector_norm(d, ord=ord)


def cond(x: Any, p: Any = None) -> Any:
    """‖diag(d)‖ ‖diag(1/d)‖; where an entry is 0, ∞ in the norm of singular values."""
    values = _singular_values(x)
    order = 2 if p is None else p
    if values is None or order not in _NORMS:
        return NotImplemented
    largest, smallest = values.max(), values.min()
    if smallest == 0:
        return values.dtype.type(np.inf) if order == 2 and largest else NotImplemented
    if order == -2:
        return smallest / largest
    with np.errstate(over="ignore"):
        if order == 2:
            return largest / smallest
        return values.dtype.type(_NORMS[order](values) * _NORMS[order](1 / values))


# --- the Cholesky factor -------------------------------------------------------------------------


def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """L = diag(√d)."""
    d = _real_entries(a)
    if d is None:
        return NotImplemented
    if d.min() <= 0:
        raise LinAlgError("Matrix is not positive definite: an entry of its diagonal is not")
    return Diagonal(np.sqrt(d).astype(inexact_dtype(a.dtype)), a.in_shape)


#: The rules by NumPy function, for the table of `_numpy`.
RULES: dict[Any, Callable[..., Any]] = {
    np.linalg.slogdet: slogdet,
    np.linalg.det: det,
    np.linalg.eigvals: eigvals,
    np.linalg.eig: eig,
    np.linalg.eigvalsh: eigvalsh,
    np.linalg.eigh: eigh,
    np.linalg.svdvals: svdvals,
    np.linalg.svd: svd,
    np.linalg.matrix_rank: matrix_rank,
    np.linalg.norm: norm,
    np.linalg.vector_norm: vector_norm,
    np.linalg.cond: cond,
    np.linalg.cholesky: cholesky,
}
