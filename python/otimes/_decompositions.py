"""Decompositions of A = c (F₁⊗…⊗F_N) by those of its factors, as NumPy's functions return them.

Each takes the arguments of the function of `numpy.linalg` of its name, and returns `NotImplemented`
where the factors' decompositions do not make up that of A. Matrices in the results are operators;
the work is that of the factors' decompositions, O(Σ nᵢ³), and of sorting the values.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from ._algebra import astype, multiply, selection
from ._check import Array
from ._dtypes import eigenvalue_dtype, inexact_dtype, real_dtype
from ._factor import Factor
from ._kron_parts import hermitian_term, kronecker_term, outer, places, product_of, square_term
from ._memory import require_dense
from ._operator import LinearOperator
from ._terms import Term

# NumPy exports none of its result types
EigResult: Any = type(np.linalg.eig(np.eye(1)))
EighResult: Any = type(np.linalg.eigh(np.eye(1)))
SVDResult: Any = type(np.linalg.svd(np.eye(1)))
QRResult: Any = type(np.linalg.qr(np.eye(1)))


# --- eigenvalues ---------------------------------------------------------------------------------


def eigvals(a: Any) -> Any:
    """λ(A) = c λ(F₁)⊗…⊗λ(F_N), in this order."""
    term = square_term(a)
    if term is None:
        return NotImplemented
    values = [_ones(f) if f.array is None else np.linalg.eigvals(f.array) for f in term.factors]
    return _eigenvalues(values, term, a)


def eig(a: Any) -> Any:
    """The same, with the eigenvectors V₁⊗…⊗V_N."""
    term = square_term(a)
    if term is None:
        return NotImplemented
    each = [None if f.array is None else np.linalg.eig(f.array) for f in term.factors]
    pairs = list(zip(term.factors, each, strict=True))
    values = _eigenvalues([_ones(f) if e is None else e[0] for f, e in pairs], term, a)
    if values is NotImplemented:
        return NotImplemented
    vectors = product_of((f if e is None else Factor(e[1]) for f, e in pairs), values.dtype)
    return EigResult(values, vectors)


def _ones(f: Factor) -> Array:
    return np.ones(f.rows)


def _eigenvalues(each: list[Array], term: Term, a: LinearOperator) -> Any:
    """All products, real where NumPy's are; `NotImplemented` where rounding would decide that."""
    values = term.coefficient * outer(each)
    dtype = eigenvalue_dtype(a.dtype)
    if dtype.kind == "c" or values.dtype.kind != "c":
        return values.astype(dtype)
    rounding = a.shape[0] * np.finfo(dtype).eps * np.abs(values).max()
    if np.abs(values.imag).max() <= rounding:  # of factors whose own are complex: i·i = -1
        return NotImplemented
    return values.astype(np.result_type(dtype, np.complex64))


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """λ(A), ascending, where every factor is exactly Hermitian."""
    term = hermitian_term(a) if UPLO in ("L", "U", "l", "u") else None
    if term is None:
        return NotImplemented
    values = [_ones(f) if f.array is None else np.linalg.eigvalsh(f.array) for f in term.factors]
    return np.sort(term.coefficient * outer(values)).astype(real_dtype(inexact_dtype(a.dtype)))


def eigh(a: Any, UPLO: str = "L") -> Any:
    """The same, with the eigenvectors (V₁⊗…⊗V_N) P, P the permutation that sorts the values."""
    term = hermitian_term(a) if UPLO in ("L", "U", "l", "u") else None
    if term is None:
        return NotImplemented
    each = [None if f.array is None else np.linalg.eigh(f.array) for f in term.factors]
    pairs = list(zip(term.factors, each, strict=True))
    values = term.coefficient * outer(_ones(f) if e is None else e[0] for f, e in pairs)
    order = np.argsort(values, kind="stable")
    dtype = inexact_dtype(a.dtype)
    vectors = product_of((f if e is None else Factor(e[1]) for f, e in pairs), dtype)
    sorted_vectors = multiply(vectors, sorting(order, dtype))
    return EighResult(values[order].astype(real_dtype(dtype)), sorted_vectors)


def sorting(order: Array, dtype: np.dtype[Any]) -> LinearOperator:
    """The permutation P with A P = A[:, order]."""
    return astype(selection(order, len(order)).T, dtype)


# --- singular values -----------------------------------------------------------------------------


def singular_values(term: Term) -> list[Array]:
    """σ(F₁), …, σ(F_N), each descending."""
    return [
        _ones(f) if f.array is None else np.linalg.svd(f.array, compute_uv=False)
        for f in term.factors
    ]


def _term_for_svd(a: Any, hermitian: bool) -> Term | None:
    """With ``hermitian=True`` NumPy reads one triangle."""
    return hermitian_term(a) if hermitian else kronecker_term(a)


def all_singular_values(a: Any, hermitian: bool = False) -> Any:
    """σ(A) = |c| σ(F₁)⊗…⊗σ(F_N), and zeros to min(A.shape) of them, descending."""
    term = _term_for_svd(a, hermitian)
    if term is None:
        return NotImplemented
    return padded(np.sort(_products(term, singular_values(term)))[::-1], a).astype(
        real_dtype(inexact_dtype(a.dtype))
    )


def _products(term: Term, each: list[Array]) -> Array:
    return abs(term.coefficient) * outer(each)


def padded(values: Array, a: LinearOperator) -> Array:
    """All min(A.shape) singular values: rectangular factors may leave zeros to add."""
    return np.concatenate([values, np.zeros(min(a.shape) - len(values))])


def svdvals(x: Any, /) -> Any:
    """σ(A), descending."""
    return all_singular_values(x)


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """U = (U₁⊗…⊗U_N) S and Vᴴ = Rᵀ (V₁ᴴ⊗…⊗V_Nᴴ), with the σ(A) that S and R sort, descending.

    S and R select columns too where A has fewer of them than the factors' U and V.
    """
    if not compute_uv:
        return all_singular_values(a, hermitian)
    term = _term_for_svd(a, hermitian)
    if term is None:
        return NotImplemented
    m, n = a.shape
    counts = [min(f.shape) for f in term.factors]
    reduced = not full_matrices and math.prod(counts) == min(m, n)
    left, each, right = zip(*(_factor_svd(f, not reduced) for f in term.factors), strict=True)
    values = _products(term, list(each))
    order = np.argsort(-values, kind="stable")
    sizes = (m, n) if full_matrices else (min(m, n), min(m, n))
    columns = _paired_first(order, counts, [f.cols for f in left], sizes[0])
    rows = _paired_first(order, counts, [f.rows for f in right], sizes[1])
    dtype = inexact_dtype(a.dtype)
    c = term.coefficient
    u = product_of(left, dtype, c / abs(c) if c else 1)
    vh = product_of(right, dtype, order=term.order)
    return SVDResult(
        multiply(u, selection(columns, u.shape[1]).T),
        padded(values[order], a).astype(real_dtype(dtype)),
        multiply(selection(rows, vh.shape[0]), vh),
    )


def _factor_svd(f: Factor, full: bool) -> tuple[Factor, Array, Factor]:
    if f.array is None:
        return f, _ones(f), f
    u, s, vh = np.linalg.svd(f.array, full_matrices=full)
    return Factor(u), s, Factor(vh)


def _paired_first(order: Array, counts: list[int], sizes: list[int], size: int) -> Array:
    """`size` of the vectors' places: those with a singular value in the order of these."""
    paired = places(counts, sizes)[order]
    spare = np.ones(math.prod(sizes), np.bool_)
    spare[paired] = False
    return np.concatenate([paired, np.flatnonzero(spare)])[:size]


def unit_phases(values: Array, sizes: Array, dtype: np.dtype[Any]) -> Array:
    """λ/|λ|, and 1 for 0."""
    phases = np.ones(len(values), dtype)
    np.divide(values.astype(dtype), sizes, out=phases, where=sizes != 0)
    return phases


# --- triangular factors --------------------------------------------------------------------------


def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """L = √c (L₁⊗…⊗L_N), where every factor is exactly Hermitian and definite.

    An even number of negative definite factors makes up a definite product.
    """
    term = hermitian_term(a)
    if term is None:
        return NotImplemented
    c, factors = term.coefficient.real, []
    for f in term.factors:
        if f.array is not None and f.array[0, 0].real < 0:
            c, f = -c, Factor(-f.array)
        factors.append(f)
    if c <= 0:
        raise LinAlgError("Matrix is not positive definite: its factors' signs make it negative")
    lower = product_of(
        (f.map(np.linalg.cholesky) for f in factors), inexact_dtype(a.dtype), math.sqrt(c)
    )
    return lower.H if upper else lower


def qr(a: Any, mode: str = "reduced") -> Any:
    """Q = Q₁⊗…⊗Q_N and R = c (R₁⊗…⊗R_N), of full rank, for an A that is too large to form.

    The signs in NumPy's Q and R depend on every entry of A, so that the dense array is decomposed
    where it fits in memory. Where it does not, the diagonal of R is positive. The first factor may
    be wide if the others are square; R is not triangular if a later one is.
    """
    term = kronecker_term(a)
    if term is None or term.is_permuted or mode not in ("reduced", "r") or _fits(a):
        return NotImplemented
    tall = all(f.rows >= f.cols for f in term.factors)
    if not tall and any(f.rows != f.cols for f in term.factors[1:]):
        return NotImplemented
    pairs = [_positive_qr(f) for f in term.factors]
    if term.coefficient == 0 or any(pair is None for pair in pairs):
        return NotImplemented
    left, right = zip(*(pair for pair in pairs if pair is not None), strict=True)
    c, dtype = term.coefficient, inexact_dtype(a.dtype)
    r = product_of(right, dtype, abs(c))
    return r if mode == "r" else QRResult(product_of(left, dtype, c / abs(c)), r)


def _fits(a: LinearOperator) -> bool:
    try:
        require_dense(a.shape, a.dtype)
    except MemoryError:
        return False
    return True


def _positive_qr(f: Factor) -> tuple[Factor, Factor] | None:
    """Q and R with a positive diagonal; None where they are not unique."""
    if f.array is None:
        return f, f
    q, r = np.linalg.qr(f.array)
    d = r.diagonal()
    if np.abs(d).min() <= max(f.shape) * np.finfo(np.float64).eps * np.abs(d).max():
        return None
    signs = d / np.abs(d)
    return Factor(q * signs), Factor(signs.conj()[:, None] * r)
