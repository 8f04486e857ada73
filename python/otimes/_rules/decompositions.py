"""Decompositions: derivatives of factors from the equations that define them.

A decomposition of a symmetric matrix is differentiated as that of its symmetric part: of a
perturbation dA that is not symmetric, (dA + dAᵀ)/2 counts, as in JAX, whatever triangle NumPy
reads. A matrix that is not symmetric is refused. Factors have the signs that LAPACK gives them at
the point, and keep them; norms of vectors are kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from .._check import Array
from .._tape import Tangent, where
from .._traced_arrays import plain, rule
from .tangents import adjoint, adjoint_of, diagonal_of, refuse, require_plain, require_real, swapped


def _symmetric(what: str, a: Any) -> None:
    """Refuse a matrix of which NumPy would read one triangle only."""
    p = plain(a)
    skew = np.abs(p - adjoint_of(p)).max(initial=0)
    if skew > 100 * np.finfo(p.dtype).eps * np.abs(p).max(initial=0):
        raise ValueError(
            f"{what} at {where()}: the matrix is not Hermitian (|A - Aᴴ| is up to {skew:.2g}), and "
            "NumPy reads one of its triangles only; (A + A.conj().T)/2 can be traced"
        )


def _half(d: Tangent) -> Tangent:
    return (d + adjoint(d)) * 0.5


# --- triangular factors --------------------------------------------------------------------------


@rule(np.linalg.cholesky)
def cholesky(a: Any, *, upper: bool = False) -> Any:
    """dL = L Φ(L⁻¹ dA L⁻ᴴ) of A = L Lᴴ, Φ the lower triangle with half the diagonal.

    Giles 2008, An extended collection of matrix derivative results, 2.4.1 (Smith 1995,
    doi:10.1080/10618600.1995.10474671).
    """
    _symmetric("np.linalg.cholesky", a)
    lower = np.linalg.cholesky(a)
    if not upper:
        return lower, (lambda da: cholesky_tangent(lower, da),)
    return adjoint_of(lower), (lambda da: adjoint(cholesky_tangent(lower, da)),)


def cholesky_tangent(lower: Any, da: Tangent) -> Any:
    """L Φ(L⁻¹ dA L⁻ᴴ) for the Hermitian part of dA."""
    n = np.shape(lower)[-1]
    y, dtype = np.linalg.inv(lower), plain(lower).dtype
    phi = np.tri(n, dtype=dtype) - 0.5 * np.eye(n, dtype=dtype)
    return lower @ ((y @ _half(da) @ adjoint_of(y)) * phi)


@rule(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """dQ = (I - Q Qᵀ) dA R⁻¹ + Q Ω, dR = (Qᵀ dA R⁻¹ - Ω) R of A = Q R.

    Ω = tril(C, -1) - tril(C, -1)ᵀ for C = Qᵀ dA R⁻¹ is what keeps QᵀQ = I and R triangular.
    Walter & Lehmann 2018, Algorithmic differentiation of linear algebra functions, 2.
    """
    require_real("np.linalg.qr", a)
    m, n = np.shape(a)[-2:]
    if mode not in ("reduced", "r") or m < n:
        refuse(
            f"np.linalg.qr of mode {mode!r} of a matrix {m} by {n}", "mode 'reduced' for m ≥ n can"
        )
    require_plain("np.linalg.qr", a)
    q, r = np.linalg.qr(a)
    require_rank("np.linalg.qr", np.abs(np.diagonal(r, 0, -2, -1)), max(m, n))
    y, qt = np.linalg.inv(r), np.matrix_transpose(q)
    below = np.tri(n, k=-1, dtype=r.dtype)

    def rotation(c: Tangent) -> Any:
        strict = c * below
        return strict + -swapped(strict)

    def by_q(da: Tangent) -> Any:
        x = da @ y
        c = qt @ x
        return x + q @ (rotation(c) + -c)

    def by_r(da: Tangent) -> Any:
        c = qt @ (da @ y)
        return (c + -rotation(c)) @ r

    if mode == "r":
        return r, (by_r,)
    return np.linalg.qr(a), ((by_q,), (by_r,))


def require_rank(what: str, sizes: Array, n: int) -> None:
    """Raise unless all of the values, of which the smallest tells the rank, are above rounding."""
    largest, smallest = sizes.max(-1, initial=0), sizes.min(-1, initial=np.inf)
    if (smallest <= n * np.finfo(sizes.dtype).eps * largest).any():
        raise LinAlgError(
            f"{what} at {where()} has no derivative: the matrix is rank-deficient "
            f"(smallest to largest {np.min(smallest / np.where(largest, largest, 1)):.2g})"
        )


# --- eigenvalues ---------------------------------------------------------------------------------


def _gaps(what: str, values: Array, n: int) -> Array:
    """1/(wⱼ - wᵢ), 0 on the diagonal, or an error where two are equal but for rounding."""
    difference = values[..., None, :] - values[..., :, None]
    diagonal = np.eye(values.shape[-1], dtype=bool)
    size = np.abs(values).max(initial=0)
    smallest = np.abs(np.where(diagonal, np.inf, difference)).min(initial=np.inf)
    if smallest <= n * np.finfo(values.dtype).eps * size:
        raise LinAlgError(
            f"{what} at {where()}: vectors of repeated values have no derivative (two values near "
            f"{size:.6g} or below differ by {smallest:.2g}); the values alone can be differentiated"
        )
    return np.where(diagonal, 0, 1 / np.where(diagonal, 1, difference))


@rule(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    """dλᵢ = vᵢᴴ dA vᵢ. Magnus & Neudecker, 8.9.

    Of a repeated eigenvalue these are the derivatives along the vectors that LAPACK chooses; their
    sum, as of all symmetric functions, does not depend on the choice.
    """
    _symmetric("np.linalg.eigvalsh", a)
    require_plain("np.linalg.eigvalsh", a)
    v = np.linalg.eigh(a, UPLO).eigenvectors
    vh = adjoint_of(v)
    return np.linalg.eigvalsh(a, UPLO), (lambda da: diagonal_of(vh @ da @ v).real,)


@rule(np.linalg.eigh)
def eigh(a: Any, UPLO: Any = "L") -> Any:
    """dλ = diag(P), dV = V (F ∘ P) with P = Vᴴ dA V, Fᵢⱼ = 1/(λⱼ - λᵢ). Giles 2008, 3.1.

    The vectors keep length and sign. Raises on repeated eigenvalues; see `eigvalsh`.
    """
    _symmetric("np.linalg.eigh", a)
    require_plain("np.linalg.eigh", a)
    result = np.linalg.eigh(a, UPLO)
    w, v = result
    vh, gaps = adjoint_of(v), _gaps("np.linalg.eigh", w, np.shape(a)[-1])
    return result, (
        (lambda da: diagonal_of(vh @ da @ v).real,),
        (lambda da: v @ ((vh @ _half(da) @ v) * gaps),),
    )


@rule(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """dλᵢ = (V⁻¹ dA V)ᵢᵢ. Magnus & Neudecker, 8.9; complex where an eigenvalue is."""
    require_plain("np.linalg.eigvals", a)
    w, v = np.linalg.eig(a)
    _gaps("np.linalg.eigvals", w, np.shape(a)[-1])
    y = np.linalg.inv(v)
    return w, (lambda da: diagonal_of(y @ da @ v),)


@rule(np.linalg.eig)
def eig(a: Any) -> Any:
    """dλ = diag(P), dV = V (F ∘ P) with P = V⁻¹ dA V, less what would change a vector's length.

    Giles 2008, 3.1. Real vectors of length 1 keep it; complex ones have no analytic derivative.
    """
    require_plain("np.linalg.eig", a)
    result = np.linalg.eig(a)
    w, v = result
    if np.isrealobj(a) and not v.imag.any():
        w, v = w.real, v.real  # NumPy 2.5 returns all of them as complex numbers
    if v.dtype.kind == "c":
        refuse("np.linalg.eig with complex vectors", "np.linalg.eigvals can")
    gaps = _gaps("np.linalg.eig", w, np.shape(a)[-1])
    y, n = np.linalg.inv(v), v.shape[-1]

    def by_vectors(da: Tangent) -> Any:
        d = v @ ((y @ da @ v) * gaps)
        along = (d * v).sum_to((*d.shape[:-2], 1, n))  # vᵢᵀ dvᵢ
        return d + -(along * v)

    return result, ((lambda da: diagonal_of(y @ da @ v),), (by_vectors,))


# --- singular values -----------------------------------------------------------------------------


def _value_slopes(u: Array, s: Array, vt: Array) -> Any:
    """dσᵢ = Re uᵢᴴ dA vᵢ, 0 where σᵢ = 0 as for |x|."""
    size = s.max(-1, keepdims=True, initial=0)
    tolerance = max(u.shape[-2], vt.shape[-1]) * np.finfo(s.dtype).eps * size
    uh, v = adjoint_of(u), adjoint_of(vt)
    nonzero = (s > tolerance).astype(s.dtype)
    return lambda da: diagonal_of(uh @ da @ v).real * nonzero


@rule(np.linalg.svdvals)
def svdvals(x: Any) -> Any:
    """dσᵢ = Re uᵢᴴ dA vᵢ, 0 where σᵢ = 0; of a repeated value for the vectors LAPACK chooses."""
    require_plain("np.linalg.svdvals", x)
    slopes = _value_slopes(*np.linalg.svd(x, full_matrices=False))
    return np.linalg.svdvals(x), (slopes,)


@rule(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """dσ = diag(P), dU = U (F ∘ (P S + S Pᵀ)) + (I - U Uᵀ) dA V S⁻¹, dV alike, P = Uᵀ dA V.

    Fᵢⱼ = 1/(σⱼ² - σᵢ²). Papadopoulo & Lourakis 2000, doi:10.1007/3-540-45054-8_36. The vectors
    keep length and sign. Raises on repeated values, and on zero ones of a rectangular matrix.
    """
    if not compute_uv:
        return svdvals(a)
    m, n = np.shape(a)[-2:]
    if full_matrices and m != n:
        refuse("np.linalg.svd with full_matrices=True of a rectangular matrix", "False can")
    require_real("np.linalg.svd", a)
    require_plain("np.linalg.svd", a)
    result = np.linalg.svd(a, full_matrices=False, hermitian=hermitian)
    u, s, vt = result
    gaps = _gaps("np.linalg.svd", s, max(m, n))
    if m != n:
        require_rank("np.linalg.svd", s, max(m, n))
    v = np.matrix_transpose(vt)
    sums = s[..., None, :] + s[..., :, None]
    f = gaps / np.where(sums == 0, 1, sums)

    def vectors(left: Array, right: Array, d: Tangent) -> Any:
        """Of the left vectors of d; those of dᵀ are the right ones."""
        lefts, image = np.matrix_transpose(left), d @ right
        p = lefts @ image
        scaled = p * s[..., None, :]
        turned = left @ ((scaled + swapped(scaled)) * f)
        if left.shape[-2] == left.shape[-1]:
            return turned
        return turned + (image + -(left @ p)) * (1 / s)[..., None, :]

    return result, (
        (lambda da: vectors(u, v, da),),
        (_value_slopes(u, s, vt),),
        (lambda da: swapped(vectors(v, u, swapped(da))),),
    )


# --- least squares -------------------------------------------------------------------------------


@rule(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """dA⁺ = -A⁺ dA A⁺ + A⁺A⁺ᴴ dAᴴ (I - A A⁺) + (I - A⁺A) dAᴴ A⁺ᴴA⁺, at constant rank.

    Golub & Pereyra 1973, doi:10.1137/0710036.
    """
    options = {} if rtol is None else {"rtol": rtol}
    y = np.linalg.pinv(a, rcond, hermitian, **options)
    yh = adjoint_of(y)

    def by_matrix(da: Tangent) -> Any:
        dh = adjoint(da)
        columns, rows = y @ yh @ dh, dh @ yh @ y
        return -(y @ da @ y) + columns + -(columns @ a @ y) + rows + -(y @ (a @ rows))

    return y, (by_matrix,)


@rule(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """dx = A⁺ (db - dA x) + A⁺A⁺ᵀ dAᵀ r + (I - A⁺A) dAᵀ A⁺ᵀ x, r = b - A x, for full rank.

    Golub & Pereyra 1973, doi:10.1137/0710036. d‖r‖² = 2 rᵀ (db - dA x).
    """
    require_real("np.linalg.lstsq", a, b)
    require_plain("np.linalg.lstsq", a, b)
    x, squares, rank, s = np.linalg.lstsq(a, b, rcond)
    m, n = a.shape
    if rank < min(m, n):
        raise LinAlgError(
            f"np.linalg.lstsq at {where()} has no derivative: the matrix {m} by {n} has rank "
            f"{rank}; np.linalg.pinv(A) @ b has one where the rank is constant"
        )
    y, r = np.linalg.pinv(a), b - a @ x

    def by_matrix(da: Tangent) -> Any:
        dt = da.T
        moved = -(y @ (da @ x))
        if m > n:
            return moved + (y @ y.T) @ (dt @ r)
        rows = dt @ (y.T @ x)
        return moved + rows + -(y @ (a @ rows)) if m < n else moved

    def residuals(d: Tangent) -> Any:
        return (d * (2 * r)).sum_to((1,) if d.ndim == 1 else (1, d.shape[1])).reshape(squares.shape)

    by_residuals = (lambda da: -residuals(da @ x), residuals) if squares.size else None
    by_s = _value_slopes(*np.linalg.svd(a, full_matrices=False))
    no_change = np.zeros((b.size, s.size), s.dtype)
    return (x, squares, rank, s), (
        (by_matrix, lambda db: y @ db),
        by_residuals,
        None,
        (by_s, lambda db: db.reshape((b.size,)) @ no_change),
    )
