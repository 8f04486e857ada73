"""Pseudo-inverses and least squares with Kronecker products, by the factors' singular values."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.linalg import LinAlgError

from ._algebra import as_operator, multiply, with_shapes
from ._check import Array, as_array, warn_dense
from ._decompositions import padded
from ._dtypes import inexact_dtype, real_dtype
from ._factor import Factor
from ._kron_parts import hermitian_term, kronecker_term, outer, product_of
from ._operator import LinearOperator
from ._registry import registry
from ._structures import Diagonal
from ._terms import Term


class Thin(NamedTuple):
    """F = U diag(s) Vᴴ of one factor; of an identity U, V are it too."""

    left: Factor
    values: Array
    right: Factor

    def kept(self, rank: int) -> Thin:
        """The part of the largest singular values."""
        if self.left.array is None or self.right.array is None:
            return self
        left, right = self.left.array[:, :rank], self.right.array[:rank]
        return Thin(Factor(left), self.values[:rank], Factor(right))

    def pinv(self) -> Factor:
        """V diag(1/s) Uᴴ."""
        if self.left.array is None or self.right.array is None:
            return self.left
        return Factor((self.right.array.conj().T / self.values) @ self.left.array.conj().T)


def _thin(f: Factor) -> Thin:
    if f.array is None:
        return Thin(f, np.ones(f.rows), f)
    u, s, vh = np.linalg.svd(f.array, full_matrices=False)
    return Thin(Factor(u), s, Factor(vh))


def _truncated(thin: list[Thin], cutoff: float) -> list[Thin]:
    """Each factor without what stays below the cutoff beside the others' largest values."""
    top = _largest(thin)
    ranks = [np.count_nonzero(t.values * (top / t.values[0]) > cutoff) for t in thin]
    return [t.kept(max(int(rank), 1)) for t, rank in zip(thin, ranks, strict=True)]


def _largest(thin: list[Thin]) -> float:
    return math.prod(float(t.values[0]) for t in thin)


def _rounding_decides(a: LinearOperator, thin: list[Thin], rcond: float) -> bool:
    """Whether NumPy counts what float32 entries leave of a zero, by a cutoff meant for float64."""
    noise = max(a.shape) * float(np.finfo(inexact_dtype(a.dtype)).eps)
    if a.dtype.char not in "fF" or rcond >= noise:
        return False
    full = math.prod(len(t.values) for t in thin) == min(a.shape)
    smallest = math.prod(float(t.values[-1]) for t in thin)
    return not full or smallest <= noise * _largest(thin)


def _inverse_of(term: Term, thin: list[Thin], rcond: float, dtype: np.dtype[Any]) -> LinearOperator:
    """A⁺, where the singular values of A up to ``rcond`` times the largest count as zero."""
    cutoff, c = rcond * _largest(thin), term.coefficient
    if not _largest(thin) > cutoff or c == 0:
        zeros = (Factor(np.zeros((f.cols, f.rows))) for f in term.factors)
        return product_of(zeros, dtype)
    thin = _truncated(thin, cutoff)
    if math.prod(float(t.values[-1]) for t in thin) > cutoff:  # then so are all products
        flipped = Term(1, tuple(t.pinv().transpose() for t in thin), term.order).transpose()
        return product_of(flipped.factors, dtype, 1 / c, flipped.order)
    values = outer(t.values for t in thin)
    inverse = np.divide(1, values, out=np.zeros_like(values), where=values > cutoff)
    middle = Diagonal(inverse.astype(real_dtype(dtype)), (len(inverse),))
    left = product_of((t.left for t in thin), dtype).H
    right = product_of((t.right for t in thin), dtype, 1 / c.conjugate(), term.order).H
    return multiply(multiply(right, middle), left)


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = ...) -> Any:
    """A⁺, of the arguments of `numpy.linalg.pinv`; its cutoff is that of the whole matrix.

    A Kronecker product of the factors' pseudo-inverses where the singular values that count are the
    products of some of each factor's, else kron(V) D kron(U)ᴴ with a diagonal D.
    """
    cutoff = _relative_cutoff(a, rcond, rtol)
    term = hermitian_term(a) if hermitian else kronecker_term(a)
    if term is None or cutoff is None:
        return NotImplemented
    thin = [_thin(f) for f in term.factors]
    if _rounding_decides(a, thin, cutoff):
        return NotImplemented
    inverse = _inverse_of(term, thin, cutoff, inexact_dtype(a.dtype))
    return with_shapes(inverse, a.out_shape, a.in_shape)


def _relative_cutoff(a: LinearOperator, rcond: Any, rtol: Any) -> float | None:
    """What numpy.linalg.pinv makes of these arguments; None where it raises or takes many."""
    if rcond is not None and rtol is not ...:
        return None
    if rcond is None and rtol is None:
        return max(a.shape) * float(np.finfo(a.dtype).eps)  # ValueError for integers, as NumPy's
    given = 1e-15 if rcond is None and rtol is ... else (rtol if rcond is None else rcond)
    number = np.asarray(given)
    usable = number.ndim == 0 and number.dtype.kind in "fiu" and number >= 0
    return float(number) if usable else None


def pseudo_inverse(op: LinearOperator) -> LinearOperator:
    """A⁺ for `LinearOperator.pinv`; values below max(M, N) ε of the largest count as zero."""
    structure = op._structure()
    cutoff = max(op.shape) * float(np.finfo(inexact_dtype(op.dtype)).eps)
    term = kronecker_term(structure)
    if term is not None:
        inverse = _inverse_of(term, [*map(_thin, term.factors)], cutoff, inexact_dtype(op.dtype))
    elif isinstance(structure, Diagonal) and np.isfinite(structure.entries).all():
        inverse = _diagonal_pinv(structure, cutoff)
    else:
        warn_dense("the pseudo-inverse")
        inverse = as_operator(np.linalg.pinv(op.toarray(), rcond=cutoff))
    return with_shapes(inverse, op.out_shape, op.in_shape)


def _diagonal_pinv(op: Diagonal, cutoff: float) -> LinearOperator:
    d = op.entries.astype(inexact_dtype(op.dtype))
    large = np.abs(d) > cutoff * np.abs(d).max(initial=0)
    return Diagonal(np.divide(1, d, out=np.zeros_like(d), where=large), op.in_shape)


def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """x = A⁺ b with the residuals, the rank and the singular values of `numpy.linalg.lstsq`."""
    term = kronecker_term(a)
    if term is None or isinstance(b, LinearOperator) or (rcond is not None and np.ndim(rcond) > 0):
        return NotImplemented
    rhs = as_array("b", b)
    if rhs.ndim not in (1, 2) or not np.isfinite(rhs).all():
        return NotImplemented
    if rhs.shape[0] != a.shape[0]:
        raise LinAlgError(
            f"Incompatible dimensions: {a.shape} of the operator and {rhs.shape} of b"
        )
    cutoff = _lstsq_cutoff(rcond, max(a.shape))
    thin = [_thin(f) for f in term.factors]
    if _rounding_decides(a, thin, cutoff):
        return NotImplemented
    values = padded(np.sort(abs(term.coefficient) * outer(t.values for t in thin))[::-1], a)
    rank = np.int32(np.count_nonzero(values > cutoff * values[0]))
    x = _inverse_of(term, thin, cutoff, np.result_type(a.dtype, np.float64)) @ rhs
    residuals = np.empty(0)
    if rank == a.shape[1] < a.shape[0]:
        error = (rhs - a @ x).reshape(len(rhs), -1)
        residuals = np.sum(error.real**2 + error.imag**2, axis=0)
    dtype = inexact_dtype(np.result_type(a.dtype, rhs.dtype))
    real = real_dtype(dtype)
    return x.astype(dtype), residuals.astype(real), rank, values.astype(real)


def _lstsq_cutoff(rcond: Any, size: int) -> float:
    """What LAPACK makes of rcond; NumPy computes in double precision whatever the dtype."""
    eps = float(np.finfo(np.float64).eps)
    if rcond is None:
        return eps * size
    return eps if rcond < 0 else float(rcond)


registry.algebra["pseudo_inverse"] = pseudo_inverse
