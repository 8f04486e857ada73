"""NumPy's functions of sums of terms that are diagonal or triangular in one basis for each mode.

Each takes the arguments of the function of its name, and returns `NotImplemented` where `Spectral`
does not tell the value: where M = X⁻ᴴ C X⁻¹ is no similarity, or C not diagonal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._algebra import multiply, with_shapes
from ._check import Array
from ._decompositions import EighResult, EigResult, SVDResult, sorting, unit_phases
from ._dtypes import eigenvalue_dtype, inexact_dtype, real_dtype
from ._factor import Factor
from ._invariants import SlogdetResult, number_above, rank_tolerance
from ._matrix_functions import expm
from ._modes import Aligned
from ._operator import LinearOperator
from ._spectral import Spectral, aligned_parts, spectral
from ._structures import Diagonal
from ._terms import Term, TermOperator, flat_operator, from_terms


def _decomposed(a: Any) -> Spectral | None:
    """The coordinates of a sum of several terms, none of them permuted."""
    op = a._structure() if isinstance(a, LinearOperator) else None
    if not isinstance(op, TermOperator) or len(op.parts) < 2 or op.parts[0].is_permuted:
        return None
    return spectral(op)


# --- determinants --------------------------------------------------------------------------------


def slogdet(a: Any) -> Any:
    """The signs and logarithms of the diagonal of C, and of X⁻ᴴ X⁻¹: nothing overflows."""
    s = _decomposed(a)
    if s is None:
        return NotImplemented
    sign, logarithm = _slogdet(s, a)
    dtype = inexact_dtype(a.dtype)
    return SlogdetResult(dtype.type(sign), real_dtype(dtype).type(logarithm))


def _slogdet(s: Spectral, a: Any) -> tuple[Any, float]:
    """The sign and log|det M|."""
    diagonal = s.diagonal()
    sizes = np.abs(diagonal)
    if not sizes.all():
        return 0, -math.inf
    sign = np.prod(diagonal / sizes)
    sign = sign / abs(sign) if a.dtype.kind == "c" else np.sign(sign.real)
    copies = ((mode.log_det, len(diagonal) // mode.size) for mode in s.modes)
    return sign, float(np.log(sizes).sum(dtype=float)) + sum(n * log for log, n in copies)


def det(a: Any) -> Any:
    """The product of the diagonal of C times det(X⁻ᴴ X⁻¹), by logarithms where it overflows."""
    s = _decomposed(a)
    if s is None:
        return NotImplemented
    dtype = inexact_dtype(a.dtype)
    with np.errstate(all="ignore"):
        value = np.prod(s.diagonal())
        if not s.is_unitary or not 1e-290 < abs(value) < 1e290:
            sign, logarithm = _slogdet(s, a)
            value = sign * np.exp(logarithm)
        return dtype.type(value if dtype.kind == "c" else value.real)


# --- eigenvalues ---------------------------------------------------------------------------------


def eigvals(a: Any) -> Any:
    """Σ c λ(F₁)⊗…⊗λ(F_N), in Kronecker order."""
    s = _decomposed(a)
    if s is None or not s.is_unitary:
        return NotImplemented
    if a.dtype.kind == "c" or s.is_real:
        return s.diagonal().astype(eigenvalue_dtype(a.dtype), copy=False)
    decompositions = _eig_of_modes(a)  # not of complex Schur forms, which lose what is real
    return NotImplemented if decompositions is None else _joined(a, decompositions)


def eig(a: Any) -> Any:
    """The same, with the eigenvectors V₁⊗…⊗V_N as an operator."""
    s = _decomposed(a)
    decompositions = None if s is None or not s.is_unitary else _eig_of_modes(a)
    if decompositions is None:
        return NotImplemented
    aligned = _aligned(a)
    pairs = zip(aligned.sizes, decompositions, strict=True)
    vectors = flat_operator(Term.of(Factor(None if e is None else e[1], n) for n, e in pairs))
    values = _joined(a, decompositions)
    return EigResult(values.astype(np.result_type(values, vectors.dtype), copy=False), vectors)


def _aligned(a: LinearOperator) -> Aligned:
    op = a._structure()
    assert isinstance(op, TermOperator)
    aligned = aligned_parts(op)
    assert aligned is not None
    return aligned


def _eig_of_modes(a: LinearOperator) -> list[Any] | None:
    """`numpy.linalg.eig` of the one matrix of each mode; None where one has several."""
    decompositions: list[Any] = []
    for matrices in zip(*(places for _, places in _aligned(a).terms), strict=True):
        present = [m for m in matrices if m is not None]
        if any(not np.array_equal(m, present[0]) for m in present[1:]):
            return None
        decompositions.append(np.linalg.eig(present[0]) if present else None)
    return decompositions


def _joined(a: LinearOperator, decompositions: list[Any]) -> Array:
    """The eigenvalues of the sum from those of the modes; real where all are, as NumPy's."""
    aligned = _aligned(a)
    ones = [np.ones(n, real_dtype(inexact_dtype(a.dtype))) for n in aligned.sizes]
    total: Any = 0
    for coefficient, places in aligned.terms:
        part: Any = ones[0][:1] * coefficient
        for m, one, e in zip(places, ones, decompositions, strict=True):
            part = np.multiply.outer(part, one if m is None else e[0]).reshape(-1)
        total = total + part
    dtype = eigenvalue_dtype(a.dtype)
    if dtype.kind != "c" and not np.imag(total).any():
        total = total.real
    return np.asarray(total, np.result_type(total, dtype))


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """The eigenvalues of a Hermitian sum, sorted."""
    values = _hermitian_values(a) if UPLO in ("L", "U", "l", "u") else None
    return NotImplemented if values is None else np.sort(values)


def eigh(a: Any, UPLO: str = "L") -> Any:
    """The same, with the eigenvectors (V₁⊗…⊗V_N) P, P the permutation that sorts the values."""
    s, values = _decomposed(a), eigvalsh(a, UPLO)
    if s is None or s.kind != "spectral" or values is NotImplemented:
        return NotImplemented
    order = np.argsort(s.diagonal(), kind="stable")
    return EighResult(values, multiply(s.basis, sorting(order, inexact_dtype(a.dtype))))


def _hermitian_values(a: Any) -> Array | None:
    s = _decomposed(a)
    if s is None or not s.is_unitary or not s.is_real:
        return None
    return s.diagonal()  # real: those of normal matrices that are not Hermitian are kept complex


# --- singular values -----------------------------------------------------------------------------


def _singular_values(a: Any) -> Array | None:
    """|λ| of a normal sum, in Kronecker order."""
    s = _decomposed(a)
    return np.abs(s.diagonal()) if s is not None and s.kind == "spectral" else None


def svdvals(x: Any, /) -> Any:
    """|λ| of a normal sum, descending."""
    values = _singular_values(x)
    return NotImplemented if values is None else np.sort(values)[::-1]


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """V diag(λ/|λ|) P, |λ| and Pᵀ Vᴴ of a normal sum V diag(λ) Vᴴ; P sorts |λ|, descending."""
    values = _singular_values(a)
    if values is None or (hermitian and _hermitian_values(a) is None):
        return NotImplemented
    if not compute_uv:
        return svdvals(a)
    bool(full_matrices)  # no difference here; NumPy's error where it is no truth value
    s, dtype = _decomposed(a), inexact_dtype(a.dtype)
    if s is None or (dtype.kind != "c" and not s.is_real):  # NumPy's U and V are real
        return NotImplemented
    order = np.argsort(-values, kind="stable")
    p = sorting(order, dtype)
    phases = Diagonal(unit_phases(s.diagonal(), values, dtype), s.basis.in_shape)
    u = multiply(multiply(s.basis, phases), p)
    return SVDResult(u, values[order], multiply(p.T, s.adjoint_basis))


def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The number of singular values of a normal sum above NumPy's tolerance."""
    values = _singular_values(A)
    if values is None or (tol is not None and rtol is not None):
        return NotImplemented
    return number_above(values, rank_tolerance(values, len(values), tol, rtol))


def cond(x: Any, p: Any = None) -> Any:
    """σ_max/σ_min of a normal sum (σ_min/σ_max for p = -2)."""
    values = _singular_values(x)
    if values is None or p not in (None, 2, -2):
        return NotImplemented
    largest, smallest = values.max(), values.min()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = smallest / largest if p == -2 else largest / smallest
    return ratio if largest else NotImplemented


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """‖M‖ of a normal sum by its eigenvalues: Frobenius, 2, -2 and nuclear."""
    if axis is not None or keepdims or ord not in (None, "fro", "nuc", 2, -2):
        return NotImplemented
    values = _singular_values(x)
    if values is None:
        return NotImplemented
    if ord in (2, -2):
        return values.max() if ord == 2 else values.min()
    return values.sum() if ord == "nuc" else values.dtype.type(np.linalg.norm(values))


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The Frobenius norm, which is that of all entries."""
    return norm(x, "fro", axis, keepdims) if ord == 2 else NotImplemented


# --- the exponential -----------------------------------------------------------------------------


def exponential(a: Any, *, check_finite: bool = True) -> Any:
    """e^(A⊗I + I⊗B) = e^A⊗e^B; of normal sums by their eigenvalues."""
    op = a._structure()
    if isinstance(op, Diagonal):
        return Diagonal(np.exp(op.entries.astype(inexact_dtype(op.dtype))), op.in_shape)
    aligned = aligned_parts(op) if isinstance(op, TermOperator) else None
    if aligned is None or op.parts[0].is_permuted:
        return NotImplemented
    addends = _separate(aligned)
    if addends is not None:
        return _product_of_exponentials(op, aligned.sizes, *addends, check_finite)
    s = spectral(op)
    if s is None or s.kind != "spectral" or (op.dtype.kind != "c" and not s.is_real):
        return NotImplemented
    values = Diagonal(np.exp(s.diagonal()), s.basis.in_shape)
    product = multiply(multiply(s.basis, values), s.adjoint_basis)
    return with_shapes(product, op.in_shape, op.out_shape)


def _separate(aligned: Aligned) -> tuple[Any, list[Array | None]] | None:
    """c and the Gₖ with M = c I + Σ I⊗…⊗Gₖ⊗…⊗I, or None where a term has two matrices."""
    constant: Any = 0
    sums: list[Array | None] = [None] * len(aligned.sizes)
    for coefficient, places in aligned.terms:
        at = [k for k, m in enumerate(places) if m is not None]
        if len(at) > 1:
            return None
        if not at:
            constant = constant + coefficient
            continue
        (k,) = at
        addend, known = coefficient * np.asarray(places[k]), sums[k]
        sums[k] = addend if known is None else known + addend
    return constant, sums


def _product_of_exponentials(
    op: TermOperator, sizes: tuple[int, ...], constant: Any, sums: list[Array | None], finite: bool
) -> LinearOperator:
    """e^c (e^G₁⊗…⊗e^G_N)."""
    dense = [k for k, g in enumerate(sums) if g is not None]
    scalar: Any = 1
    if dense and constant:  # e^c alone might overflow
        g = sums[dense[0]]
        assert g is not None
        sums[dense[0]] = g + constant * np.eye(len(g), dtype=g.dtype)
    elif constant:
        scalar = np.exp(constant).item()
    factors = (
        Factor(None if g is None else expm(g, check_finite=finite), size)
        for g, size in zip(sums, sizes, strict=True)
    )
    return from_terms([Term.of(factors, scalar)], op.in_shape, op.out_shape)


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
    np.linalg.cond: cond,
    np.linalg.norm: norm,
    np.linalg.vector_norm: vector_norm,
    expm: exponential,
}
