"""Sums of Kronecker terms whose factors are diagonal, or triangular, in one basis for each mode.

Where all the terms Σ c (F₁⊗…⊗F_N) share a matrix in each mode (Kronecker sums, A⊗B + c I,
polynomials in such), its eigenvectors or Schur vectors are that basis; where a mode has two
Hermitian matrices, one of them definite (A⊗B + C⊗D, as of mass and stiffness), those of the pair.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _core
from ._check import Array, Scalar, is_hermitian
from ._dtypes import inexact_dtype, real_dtype
from ._factor import Factor
from ._factorizations import Factorization, Trans, as_columns, as_permutation
from ._modes import Aligned, Mode, align, is_normal, mode_of, schur_mode
from ._norms import map_norm, norm_bound, norm_estimate
from ._terms import Term, TermOperator, flat_operator

# --- the sum -------------------------------------------------------------------------------------


class Spectral:
    """M = Σ c (F₁⊗…⊗F_N) = X⁻ᴴ C X⁻¹ with X = X₁⊗…⊗X_N and a triangular C, Σ c (C₁⊗…⊗C_N).

    Attributes
    ----------
    modes : list of Mode
    terms : list of (coefficient, number of the matrix in each mode or None)
    """

    def __init__(
        self, modes: list[Mode], terms: list[tuple[Scalar, tuple[int | None, ...]]]
    ) -> None:
        self.modes = modes
        self.terms = terms
        self.is_diagonal = all(form.ndim == 1 for mode in modes for form in mode.forms)
        self.is_unitary = all(mode.is_unitary for mode in modes)
        factors = (Factor(mode.basis, mode.size) for mode in modes)
        self.basis = flat_operator(Term.of(factors))
        self.adjoint_basis = self.basis.H

    @property
    def kind(self) -> str:
        """The name of the method of `solve` that it makes."""
        if not self.is_diagonal:
            return "schur"
        return "spectral" if self.is_unitary else "congruence"

    @property
    def is_real(self) -> bool:
        """Whether C is real."""
        return self._dtype.kind != "c"

    def diagonal(self) -> Array:
        """The diagonal of C, in Kronecker order: the eigenvalues of M, where X is unitary."""
        total: Any = 0
        for coefficient, picks in self.terms:
            part: Any = self._dtype.type(coefficient)
            for mode, pick in zip(self.modes, picks, strict=True):
                entries = np.ones(mode.size) if pick is None else _diagonal_of(mode.forms[pick])
                part = np.multiply.outer(part, entries.astype(self._dtype, copy=False))
            total = total + part
        return np.asarray(total).reshape(-1)

    @property
    def is_quasi_triangular(self) -> bool:
        """Whether the diagonal of C is not that of its eigenvalues."""
        forms = [form for mode in self.modes for form in mode.forms if form.ndim == 2]
        return any(form.diagonal(-1).any() for form in forms)

    @functools.cached_property
    def _dtype(self) -> np.dtype[Any]:
        scalars = [type(c)(0) for c, _ in self.terms]
        return np.result_type(*(f.dtype for mode in self.modes for f in mode.forms), *scalars)

    def solve_core(self, y: Array, adjoint: bool) -> Array:
        """C⁻¹ y or C⁻ᴴ y for columns y; zeros on the diagonal count as rounding errors."""
        if self.is_diagonal:
            d = self._pivots.conj() if adjoint else self._pivots
            return np.asarray(y / d[:, None])
        # Cᴴ is lower triangular: upper, with rows and columns in reverse order
        wide = np.result_type(y.dtype, self._dtype)
        x = np.array(y[::-1] if adjoint else y, wide, order="C")
        dtype = real_dtype(wide) if self.is_real else wide
        terms = []
        for c, picks in self.terms:
            factors = [self._triangle(k, p, adjoint, dtype) for k, p in enumerate(picks)]
            terms.append((dtype.type(np.conj(c) if adjoint else c), factors))
        columns = x.view(dtype)  # a complex column under a real C is two real ones
        _core.solve_triangular_sum([m.size for m in self.modes], terms, self._tiny, columns)
        return x[::-1] if adjoint else x

    @functools.cached_property
    def _tiny(self) -> float:
        size = np.abs(self.diagonal()).max(initial=0)
        return float(np.finfo(self._dtype).eps * size) or 1.0

    @functools.cached_property
    def _pivots(self) -> Array:
        d = self.diagonal()
        return np.where(d == 0, d.dtype.type(self._tiny), d)

    def _triangle(
        self, k: int, pick: int | None, adjoint: bool, dtype: np.dtype[Any]
    ) -> Array | None:
        if pick is None:
            return None
        key = k, pick, adjoint, dtype.char
        found = self._triangles.get(key)
        if found is None:
            form = self.modes[k].forms[pick]
            full = np.diag(form) if form.ndim == 1 else form
            turned = full.conj().T[::-1, ::-1] if adjoint else full
            found = self._triangles[key] = np.asarray(turned, dtype, order="F")
        return found

    @functools.cached_property
    def _triangles(self) -> dict[tuple[int, int, bool, str], Array]:
        return {}


def _diagonal_of(form: Array) -> Array:
    return form if form.ndim == 1 else form.diagonal()


def spectral(op: TermOperator) -> Spectral | None:
    """The sum in coordinates in which it is triangular, or None where it has none; kept."""
    if "spectral" not in op._cache:
        op._cache["spectral"] = _spectral(op, mode_of)
    found: Spectral | None = op._cache["spectral"]
    return found


def real_schur(op: TermOperator) -> Spectral | None:
    """The sum in real Schur coordinates, half the work of complex ones; kept.

    For two real modes, unless all their matrices are normal: their eigenvectors are better.
    """
    if "real schur" not in op._cache:
        op._cache["real schur"] = _spectral(op, _real_mode) if _wants_reals(op) else None
    found: Spectral | None = op._cache["real schur"]
    return found


def _wants_reals(op: TermOperator) -> bool:
    """Whether the sum is real, of two modes, and some matrix in it is not normal."""
    aligned = aligned_parts(op) if op.dtype.kind != "c" else None
    if aligned is None or len(aligned.sizes) != 2:
        return False
    distinct = [_distinct([places[k] for _, places in aligned.terms])[0] for k in range(2)]
    return not all(is_normal(a) for mode in distinct for a in mode)


def _real_mode(size: int, matrices: list[Array], beside_identity: bool) -> Mode | None:
    return schur_mode(matrices, matrices[0].dtype) if matrices else Mode(size, None, ())


def aligned_parts(op: TermOperator) -> Aligned | None:
    """The aligned terms of a square operator, in the dtype that is computed in."""
    if op.shape[0] != op.shape[1] or len({t.order for t in op.parts if t.is_permuted}) > 1:
        return None
    if any(t.is_permuted != op.parts[0].is_permuted for t in op.parts):
        return None
    dtype = inexact_dtype(op.dtype)
    return align(tuple(t.astype(dtype) for t in op.parts))


def _spectral(
    op: TermOperator, mode_of: Callable[[int, list[Array], bool], Mode | None]
) -> Spectral | None:
    """The sum in the bases that `mode_of` finds for its modes, or None where one has none."""
    aligned = aligned_parts(op)
    if aligned is None or not np.isfinite([complex(c) for c, _ in aligned.terms]).all():
        return None
    modes: list[Mode] = []
    matrices: list[tuple[list[Array], bool]] = []
    picks: list[list[int | None]] = [[] for _ in aligned.terms]
    for k, size in enumerate(aligned.sizes):
        column = [places[k] for _, places in aligned.terms]
        distinct, numbers = _distinct(column)
        if not all(np.isfinite(a).all() for a in distinct):
            return None
        mode = _known(modes, matrices, distinct, None in numbers)
        if mode is None:
            mode = mode_of(size, distinct, None in numbers)
        if mode is None:
            return None
        matrices.append((distinct, None in numbers))
        modes.append(mode)
        for chosen, number in zip(picks, numbers, strict=True):
            chosen.append(number)
    coefficients = (c for c, _ in aligned.terms)
    return Spectral(modes, list(zip(coefficients, map(tuple, picks), strict=True)))


def _known(
    modes: list[Mode],
    matrices: list[tuple[list[Array], bool]],
    wanted: list[Array],
    beside_identity: bool,
) -> Mode | None:
    """The mode that has the same matrices, as those of one grid in all directions have."""
    for mode, (these, beside) in zip(modes, matrices, strict=True):
        same = beside == beside_identity and len(these) == len(wanted)
        if same and all(map(np.array_equal, these, wanted)):
            return mode
    return None


def _distinct(column: list[Array | None]) -> tuple[list[Array], list[int | None]]:
    """The different matrices of one mode, and which of them each term has there."""
    distinct: list[Array] = []
    numbers: list[int | None] = []
    for a in column:
        if a is None:
            numbers.append(None)
            continue
        known = (k for k, b in enumerate(distinct) if a is b or np.array_equal(a, b))
        number = next(known, len(distinct))
        if number == len(distinct):
            distinct.append(a)
        numbers.append(number)
    return distinct, numbers


# --- solving -------------------------------------------------------------------------------------


def pays(op: TermOperator) -> bool:
    """Whether decomposing the largest factor is cheaper than LU of the dense matrix."""
    aligned = aligned_parts(op)
    if aligned is None:
        return False
    others = math.prod(aligned.sizes) // max(aligned.sizes)
    matrices = (a for _, places in aligned.terms for a in places if a is not None)
    return others > 5 or (others > 1 and all(map(is_hermitian, matrices)))


class SpectralFactorization(Factorization):
    """Σ c (F₁⊗…⊗F_N) P in the coordinates of `Spectral`: substitution there, and refinement."""

    def __init__(self, op: TermOperator, decomposed: Spectral) -> None:
        self.op = op
        self.spectral = decomposed
        self.permutation = as_permutation(op.parts[0])
        self.scale = norm_bound(op)

    def _solve(self, rhs: Any, trans: Trans) -> Array:
        b, shape = as_columns(rhs, self.op.shape[0])
        view = self.op if trans == "N" else self.op.T if trans == "T" else self.op.H
        x = self._attempt(b, trans)
        residual = b - view @ x
        error = self._error(residual, x, b)
        for _ in range(5):  # columns of higher precision than the factors take a few steps
            if not error > 2 * np.finfo(x.dtype).eps:
                break
            better = x + self._attempt(residual, trans)
            residual = b - view @ better
            before, error = error, self._error(residual, better, b)
            if not error < before / 2:
                break
            x = better
        return x.reshape(shape)

    def _error(self, residual: Array, x: Array, b: Array) -> float:
        """‖b - A x‖_F / (‖A‖ ‖x‖_F + ‖b‖_F)."""
        with np.errstate(all="ignore"):
            scale = self.scale * np.linalg.norm(x) + np.linalg.norm(b)
            return float(np.linalg.norm(residual) / scale) if scale else 0.0

    def _attempt(self, b: Array, trans: Trans) -> Array:
        """The solution, without refinement."""
        if trans == "T":
            return self._attempt(b.conj(), "H").conj()
        p = self.permutation
        y = self.spectral.adjoint_basis @ (p @ b if p is not None and trans == "H" else b)
        with np.errstate(over="ignore", invalid="ignore"):  # x overflows: the caller says so
            x = self.spectral.basis @ self.spectral.solve_core(y, trans == "H")
        if np.result_type(self.op.dtype, b.dtype).kind != "c":
            x = x.real  # the residual of Re x is never larger
        return np.ascontiguousarray(p.T @ x if p is not None and trans == "N" else x)

    def rcond(self) -> float:
        return self._rcond

    @functools.cached_property
    def _rcond(self) -> float:
        diagonal = np.abs(self.spectral.diagonal())
        if not diagonal.all() and not self.spectral.is_quasi_triangular:
            return 0.0
        if self.spectral.kind == "spectral":
            smallest, largest = float(diagonal.min()), float(diagonal.max())
        else:
            n, dtype = self.op.shape[0], np.result_type(self.op.dtype, np.float32)
            smallest = 1 / map_norm(
                lambda z: self._probed(z, "N"), lambda z: self._probed(z, "H"), n, dtype
            )
            largest = norm_estimate(self.op)
        eps = float(np.finfo(inexact_dtype(self.op.dtype)).eps)
        if smallest < eps * self.scale:  # rounding errors of terms that cancel
            largest = max(largest, self._size_of_terms())
        return min(1.0, smallest / largest) if largest else 0.0

    def _probed(self, z: Array, trans: Trans) -> Array:
        """What M⁻¹ does to z, but for unitary factors on either side."""
        if self.spectral.is_unitary:
            return self.spectral.solve_core(z, trans == "H")
        return self._attempt(z, trans)

    def _size_of_terms(self) -> float:
        """Σ |c| ∏ ‖Cᵢ‖₂, nearly."""
        return sum(
            abs(complex(c))
            * math.prod(
                float(np.abs(mode.forms[p]).max(initial=0))
                for mode, p in zip(self.spectral.modes, picks, strict=True)
                if p is not None
            )
            for c, picks in self.spectral.terms
        )
