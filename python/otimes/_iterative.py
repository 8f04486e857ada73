"""Sums of more than two terms that share no basis: Krylov iterations, and what preconditions them.

The Kronecker product of two that is nearest to Σ c F⊗G, or the nearest sum of two, comes from the
singular triplets of [vec F] diag(c) [vec G]ᵀ (Van Loan & Pitsianis 1993): a QR decomposition of
each side and an SVD of the size of the number of terms.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import ArrayLike

from ._check import Array, Scalar, is_hermitian
from ._dtypes import inexact_dtype
from ._equations import SYLVESTER
from ._factor import Factor
from ._factorizations import (
    Factorization,
    KroneckerFactorization,
    MatrixEquation,
    RealLinearFactorization,
    Trans,
    as_columns,
    as_permutation,
)
from ._krylov import Callback, Map, Outcome, Stopping, cg, gmres
from ._modes import Places, align
from ._norms import norm_bound, operator_norm, term_bound
from ._operator import LinearOperator
from ._real_linear import RealLinear
from ._terms import Term, TermOperator


class Options(NamedTuple):
    """What a user may ask of an iteration; None stands for the default."""

    tol: float | None = None
    maxiter: int | None = None
    callback: Callback | None = None

    def require(self) -> None:
        """Raise for what cannot be asked."""
        if self.tol is not None and not self.tol > 0:
            raise ValueError(f"tol is {self.tol}, but must be positive")
        if self.maxiter is not None and self.maxiter < 0:
            raise ValueError(f"maxiter is {self.maxiter}, but cannot be negative")

    def stopping(self, norm: float, dtype: np.dtype[Any], maxiter: int = 1000) -> Stopping:
        tol = 10 * float(np.finfo(dtype).eps) if self.tol is None else self.tol
        most = maxiter if self.maxiter is None else self.maxiter
        return Stopping(tol, most, norm, self.callback)


class KrylovFactorization(Factorization):
    """A x = b by GMRES, or by CG where A is known to be Hermitian and positive definite."""

    def __init__(self, op: LinearOperator) -> None:
        self.op = op
        if not all(f.is_finite() for term in _all_terms(op) for f in term.factors):
            raise ValueError("the operator contains NaN or Inf")
        self.is_definite = _is_definite(op)
        self.options = Options()
        self.iterations = 0

    @functools.cached_property
    def preconditioner(self) -> Any:
        """The nearest operator of one or two terms that can be solved with."""
        return _preconditioner(self.op)

    @functools.cached_property
    def norm(self) -> float:
        """‖A‖, a bound from its terms or an estimate."""
        return operator_norm(self.op)

    def rcond(self) -> float:
        """NaN: an iteration sees no smallest singular value."""
        return math.nan

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        b, shape = as_columns(rhs, self.op.shape[0])
        b = b.astype(np.result_type(inexact_dtype(self.op.dtype), b.dtype), copy=False)
        self.iterations = 0
        columns = [self._column(column, trans) for column in b.T]
        return np.array(columns, b.dtype).reshape(b.shape[::-1]).T.reshape(shape)

    def _column(self, b: Array, trans: Trans) -> Array:
        view = {"N": self.op, "T": self.op.T, "H": self.op.H}[trans]
        stopping = self.options.stopping(self.norm, b.dtype)
        iterate: Callable[[Map, Array, Stopping, Map], Outcome] = cg if self.is_definite else gmres
        outcome = iterate(
            lambda x: np.asarray(view @ x),
            b,
            stopping,
            lambda x: self.preconditioner.solve(x, trans).astype(b.dtype, copy=False),
        )
        self.iterations += outcome.iterations
        require_converged(outcome, stopping, "CG" if self.is_definite else "GMRES")
        return outcome.x


def require_converged(outcome: Outcome, stopping: Stopping, name: str) -> None:
    """Raise with what the iteration has reached."""
    if not outcome.converged:
        raise LinAlgError(
            f"{name} has not converged: after {outcome.iterations} of at most {stopping.maxiter} "
            f"iterations the residual is {outcome.residual:.1e}, above tol = {stopping.tol:.1e}; "
            'pass tol= or maxiter=, or method="dense" where N x N numbers fit into memory'
        )


# --- preconditioners -----------------------------------------------------------------------------


class _Identity:
    def solve(self, rhs: Array, trans: Trans) -> Array:
        return rhs


def _all_terms(op: LinearOperator) -> tuple[Term, ...]:
    if isinstance(op, RealLinear):
        return _all_terms(op.linear) + _all_terms(op.conjugated)
    return op.parts if isinstance(op, TermOperator) else ()


class _Chained:
    """A product of factorized operators."""

    def __init__(self, *parts: Factorization) -> None:
        self.parts = parts

    def solve(self, rhs: Array, trans: Trans) -> Array:
        for part in self.parts if trans == "N" else reversed(self.parts):
            rhs = part.solve(rhs, trans)
        return rhs


def _preconditioner(op: LinearOperator) -> Any:
    """What is nearly A⁻¹: of two terms, of one, or nothing."""
    if isinstance(op, RealLinear):
        conjugates = norm_bound(op.conjugated) > norm_bound(op.linear)
        half = op.conjugated if conjugates else op.linear
        return RealLinearFactorization(_preconditioner(half), conjugates)
    found = _nearest(op)
    if found is None:
        return _Identity()
    pairs, permuted = found
    two = _two_terms(pairs, permuted) if len(pairs) > 1 else None
    return two or _product(pairs, permuted) or _Identity()


def preconditioning_product(op: LinearOperator) -> KroneckerFactorization | None:
    """The nearest Kronecker product, where it can be solved with."""
    found = _nearest(op)
    return None if found is None else _product(*found)


def _nearest(op: LinearOperator) -> tuple[list[tuple[Array, Array]], Term] | None:
    """The leading pairs of the operator's dominant terms, and a term with their permutation."""
    terms = _dominant_terms(op) if isinstance(op, TermOperator) else []
    aligned = align(tuple(terms)) if terms else None
    if aligned is None or len(aligned.sizes) != 2 or any(f.is_sparse for f in terms[0].factors):
        return None
    return nearest_pairs(aligned.sizes, aligned.terms), Term(1, terms[0].factors, terms[0].order)


def _product(pairs: list[tuple[Array, Array]], permuted: Term) -> KroneckerFactorization | None:
    one = _kronecker(pairs[0], permuted.order)
    return one if one.rcond() > np.finfo(one.dtype).eps else None


def _dominant_terms(op: TermOperator) -> list[Term]:
    """The terms in X, or those in Xᵀ, whichever weigh more."""
    groups: dict[tuple[int, ...], list[Term]] = {}
    for term in op.parts:
        group = groups.setdefault(term.order if term.is_permuted else (), [])
        group.append(term.astype(inexact_dtype(op.dtype)))
    return max(groups.values(), key=lambda group: sum(map(term_bound, group)))


def nearest_pairs(
    sizes: tuple[int, ...], terms: list[tuple[Scalar, Places]]
) -> list[tuple[Array, Array]]:
    """The one or two leading pairs (F, G) of Σ c F⊗G = Σ s (F_s⊗G_s), s falling."""
    dtype = np.result_type(*(a for _, places in terms for a in places if a is not None))

    def side(k: int) -> Array:
        eye = np.eye(sizes[k], dtype=dtype)
        matrices = [eye if places[k] is None else places[k] for _, places in terms]
        return np.stack([a.ravel() for a in matrices if a is not None], axis=1)

    coefficients = np.array([c for c, _ in terms], dtype)
    (q1, r1), (q2, r2) = np.linalg.qr(side(0) * coefficients), np.linalg.qr(side(1))
    u, s, vh = np.linalg.svd(r1 @ r2.T, full_matrices=False)
    left, right = q1 @ (u * np.sqrt(s)), q2 @ (vh.T * np.sqrt(s))
    count = min(2, int(np.count_nonzero(s > np.finfo(dtype).eps * s[0])))
    return [
        (left[:, k].reshape(2 * sizes[:1]), right[:, k].reshape(2 * sizes[1:]))
        for k in range(count)
    ]


def _kronecker(pair: tuple[Array, Array], order: tuple[int, ...]) -> KroneckerFactorization:
    return KroneckerFactorization(Term(1, (Factor(pair[0]), Factor(pair[1])), order), pair[0].dtype)


def _two_terms(pairs: list[tuple[Array, Array]], permuted: Term) -> _Chained | None:
    """F₁⊗G₁ + F₂⊗G₂ = (F₂⊗G₁)(F₂⁻¹F₁⊗I + I⊗G₁⁻¹G₂), or with 1 and 2 exchanged."""
    candidates = []
    for (f1, g1), (f2, g2) in (pairs, pairs[::-1]):
        crossed = _kronecker((f2, g1), (0, 1))
        candidates.append((crossed.rcond(), crossed, f1, f2, g1, g2))
    rcond, crossed, f1, f2, g1, g2 = max(candidates, key=lambda candidate: candidate[0])
    if not rcond > math.sqrt(np.finfo(crossed.dtype).eps):
        return None
    coefficients = np.linalg.solve(g1, g2), np.linalg.solve(f2, f1).T
    equation = MatrixEquation(SYLVESTER, coefficients, as_permutation(permuted))
    sylvester = equation.decompose()
    return _Chained(crossed, sylvester) if sylvester.rcond() > 1e-10 else None


def _is_definite(op: LinearOperator) -> bool:
    """Whether every term is Hermitian and positive definite for its factors alone."""
    if not isinstance(op, TermOperator):
        return False
    return all(
        not t.is_permuted
        and complex(t.coefficient).imag == 0
        and complex(t.coefficient).real > 0
        and all(map(_is_definite_factor, t.factors))
        for t in op.parts
    )


def _is_definite_factor(factor: Factor) -> bool:
    if factor.is_identity:
        return True
    a = factor.dense(inexact_dtype(factor.dtype))
    if not is_hermitian(a):
        return False
    try:
        np.linalg.cholesky(a)
    except LinAlgError:
        return False
    return True
