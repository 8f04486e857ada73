"""The modes of sums of Kronecker terms: which matrices stand in each, and the basis they share."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from . import _core
from ._check import Array, Scalar, is_hermitian
from ._terms import Term

#: The matrices of a term, one for each mode; None is the identity.
Places = tuple[Array | None, ...]


class Aligned(NamedTuple):
    """Terms with their matrices standing on the same modes."""

    sizes: tuple[int, ...]
    terms: list[tuple[Scalar, Places]]


def align(parts: tuple[Term, ...]) -> Aligned | None:
    """The terms on their common modes (permutations left aside), or None where there are none.

    Identities are split as the other terms ask for; factors of size 1 join the coefficient.
    """
    located = [_located(term) for term in parts]
    size = parts[0].rows
    if size == 0 or any(places is None for _, places in located):
        return None
    edges = {1, size, *(e for _, places in located for pair in places or () for e in pair)}
    order = sorted(edges)
    modes = list(itertools.pairwise(order)) or [(1, 1)]
    if any(end % start for start, end in modes):
        return None
    if any(pair not in modes for _, places in located for pair in places or ()):
        return None
    terms = [(c, tuple(map((places or {}).get, modes))) for c, places in located]
    return Aligned(tuple(end // start for start, end in modes), terms)


def _located(term: Term) -> tuple[Scalar, dict[tuple[int, int], Array] | None]:
    """The coefficient, and the matrices by the product of the sizes before and up to them."""
    coefficient, start, places = term.coefficient, 1, {}
    for f in term.factors:
        if f.rows != f.cols:
            return coefficient, None
        end = start * f.rows
        if f.array is not None and f.rows == 1:
            coefficient = coefficient * f.array.item()
        elif f.array is not None:
            places[start, end] = f.array
        start = end
    return coefficient, places


# --- one mode ------------------------------------------------------------------------------------


class Mode(NamedTuple):
    """A basis X in which each matrix of a mode is F = X⁻ᴴ C X⁻¹."""

    size: int
    basis: Array | None  # None: the identity
    forms: tuple[Array, ...]  # the C: diagonals (n,) or (quasi-)triangles (n, n)
    is_unitary: bool = True
    log_det: float = 0.0  # of X⁻ᴴ X⁻¹


def mode_of(size: int, matrices: list[Array], beside_identity: bool) -> Mode | None:
    """A basis for the different matrices that stand in one mode, or None where they have none."""
    if not matrices:
        return Mode(size, None, ())
    if not all(map(is_hermitian, matrices)):
        return schur_mode(matrices, np.result_type(matrices[0].dtype, np.complex64))
    mode = _unitary_mode(size, matrices)
    return _definite_mode(size, matrices) if mode is None and not beside_identity else mode


def _combination(matrices: list[Array]) -> Array:
    """A matrix whose eigenvectors are, almost always, those that the matrices have in common."""
    if len(matrices) == 1:
        return matrices[0]
    total: Any = 0
    for k, a in enumerate(matrices):
        size = float(np.linalg.norm(a)) or 1.0
        total = total + 0.7548776662466927**k / size * a  # no simple relation between the weights
    return np.asarray(total)


def _negligible(rest: Array, a: Array) -> bool:
    """Whether `rest` is rounding error of a rotated `a`."""
    bound = 10 * len(a) * np.finfo(a.dtype).eps * np.linalg.norm(a)
    return bool(np.linalg.norm(rest) <= bound)


def _unitary_mode(size: int, matrices: list[Array]) -> Mode | None:
    """Eigenvectors that Hermitian matrices have in common, or None."""
    values, basis = np.linalg.eigh(_combination(matrices))
    if len(matrices) == 1:
        return Mode(size, basis, (values,))
    forms = []
    for a in matrices:
        rotated = basis.conj().T @ a @ basis
        diagonal = rotated.diagonal().real
        if not _negligible(rotated - np.diag(diagonal), a):
            return None
        forms.append(diagonal)
    return Mode(size, basis, tuple(forms))


def _definite_mode(size: int, matrices: list[Array]) -> Mode | None:
    """With P = ±L Lᴴ among the matrices: X = L⁻ᴴ Q, Q the eigenvectors of the L⁻¹ F L⁻ᴴ."""
    best, lower, sign = _best_definite(matrices)
    if best is None:
        return None
    whitened = []
    for a in (a for k, a in enumerate(matrices) if k != best):
        half = np.linalg.solve(lower, np.linalg.solve(lower, a).conj().T)
        whitened.append((half + half.conj().T) / 2)
    mode = _unitary_mode(size, whitened)
    if mode is None:
        return None
    assert mode.basis is not None
    ones = np.full(size, sign, mode.forms[0].dtype)
    forms = (*mode.forms[:best], ones, *mode.forms[best:])
    basis = np.linalg.solve(lower.conj().T, mode.basis)
    return Mode(size, basis, forms, False, 2 * float(np.log(lower.diagonal().real).sum()))


def _best_definite(matrices: list[Array]) -> tuple[int | None, Array, float]:
    """Which of the matrices is definite, and best conditioned: P = sign · L Lᴴ."""
    best: tuple[int | None, Array, float] = None, matrices[0], 0.0
    quality = math.sqrt(np.finfo(matrices[0].dtype).eps)  # below it, LU of the dense matrix
    for k, a in enumerate(matrices):
        sign = float(np.sign(a[0, 0].real))
        try:
            lower = np.linalg.cholesky(sign * a)
        except np.linalg.LinAlgError:
            continue
        pivots = lower.diagonal().real
        ratio = float(pivots.min() / pivots.max()) ** 2
        if ratio > quality:
            best, quality = (k, lower, sign), ratio
    return best


def schur_mode(matrices: list[Array], dtype: DTypeLike) -> Mode | None:
    """A basis in which commuting matrices are all triangular, in a real dtype quasi-triangular.

    That of a combination of them, almost always. That of a matrix of which the others are
    polynomials serves even where it is defective, and the combination's vectors are ill-determined.
    """
    if not all(_commute(a, b) for a, b in itertools.combinations(matrices, 2)):
        return None
    candidates = [_combination(matrices), *matrices] if len(matrices) > 1 else matrices
    modes = (_mode_in_schur_basis(a, matrices, dtype) for a in candidates)
    return next((mode for mode in modes if mode is not None), None)


def _commute(a: Array, b: Array) -> bool:
    bound = 10 * len(a) * np.finfo(a.dtype).eps * np.linalg.norm(a) * np.linalg.norm(b)
    return bool(np.linalg.norm(a @ b - b @ a) <= bound)


def is_normal(a: Array) -> bool:
    return is_hermitian(a) or _commute(a, a.conj().T)


def _mode_in_schur_basis(chosen: Array, matrices: list[Array], dtype: DTypeLike) -> Mode | None:
    """The Schur vectors of one matrix as basis, or None where they do not suit all."""
    triangle, basis = _core.schur(np.asarray(chosen, dtype, order="F"))
    bumps = np.diag(triangle.diagonal(-1) != 0, -1)
    forms = []
    for a in matrices:
        form = triangle if a is chosen else basis.conj().T @ a @ basis
        if not _negligible(np.where(bumps, 0, np.tril(form, -1)), a):
            return None
        upper = np.triu(form)
        is_diagonal = not bumps.any() and _negligible(np.triu(upper, 1), a)
        forms.append(form.diagonal().copy() if is_diagonal else np.where(bumps, form, upper))
    return Mode(len(basis), basis, tuple(forms))
