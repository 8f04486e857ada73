"""The normal form of the algebra: sums of Kronecker terms, Σ c (F₁⊗…⊗F_N) P.

P permutes the modes of the operand (mode k of P x is mode ``order[k]`` of x). Identities, Kronecker
products and sums, commutation matrices and Jacobians of matrix polynomials are all of this form,
and one compiled plan applies it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._check import Array, Scalar, Shape
from ._dtypes import compute_dtype, real_dtype, wrapped
from ._factor import Factor
from ._layout import apply_along_columns, packed
from ._memory import require_dense
from ._operator import LinearOperator


class Term(NamedTuple):
    """c (F₁⊗…⊗F_N) P."""

    coefficient: Scalar
    factors: tuple[Factor, ...]
    order: tuple[int, ...]

    @classmethod
    def of(cls, factors: Iterable[Factor], coefficient: Scalar = 1) -> Term:
        """c (F₁⊗…⊗F_N), without a permutation."""
        factors = tuple(factors)
        return cls(coefficient, factors, tuple(range(len(factors))))

    @property
    def rows(self) -> int:
        return math.prod(f.rows for f in self.factors)

    @property
    def cols(self) -> int:
        return math.prod(f.cols for f in self.factors)

    @property
    def is_permuted(self) -> bool:
        return self.order != tuple(range(len(self.order)))

    @property
    def is_selection(self) -> bool:
        """Whether the term only moves entries: it has no dense factor."""
        return all(f.is_identity for f in self.factors)

    def transpose(self) -> Term:
        # (F P)ᵀ = Pᵀ Fᵀ, and Pᵀ moves to the right past the factors, permuting them
        inverse = tuple(int(k) for k in np.argsort(self.order))
        return Term(self.coefficient, tuple(self.factors[k].transpose() for k in inverse), inverse)

    def conj(self) -> Term:
        factors = tuple(f.conj() for f in self.factors)
        return Term(self.coefficient.conjugate(), factors, self.order)

    def astype(self, dtype: np.dtype[Any]) -> Term:
        """The factors in this dtype; real ones in its real counterpart, where that is cheaper."""
        real = real_dtype(dtype)

        def cast(f: Factor) -> Factor:
            return f.astype(dtype if f.dtype.kind == "c" else real)

        return self._replace(factors=tuple(map(cast, self.factors)))

    def inverse(self) -> Term:
        # (F P)⁻¹ = Pᵀ F⁻¹
        c = self.coefficient
        inverted = Term(1, tuple(f.inverse().transpose() for f in self.factors), self.order)
        return inverted.transpose()._replace(coefficient=c if c == 1 else 1 / c)

    def matmul(self, other: Term) -> Term | None:
        """The product as one term, or None where the factors do not line up."""
        if len(self.factors) != len(other.factors):
            return None
        moved = [other.factors[k] for k in self.order]  # P (⊗G) = (⊗G_order) P
        if any(f.cols != g.rows for f, g in zip(self.factors, moved, strict=True)):
            return None
        return Term(
            self.coefficient * other.coefficient,
            tuple(f.matmul(g) for f, g in zip(self.factors, moved, strict=True)),
            tuple(other.order[k] for k in self.order),
        )

    def work(self) -> float:
        """Multiplications per column."""
        matrices = [(*f.shape, f.stored) for f in self.factors if not f.is_identity]
        return term_work(self.cols, matrices, self.is_permuted)

    def equals(self, other: Term) -> bool:
        """Whether the two differ in the coefficient only."""
        return (
            self.order == other.order
            and len(self.factors) == len(other.factors)
            and all(f.equals(g) for f, g in zip(self.factors, other.factors, strict=True))
        )


def term_work(columns: int, matrices: list[tuple[int, int, int]], permuted: bool) -> float:
    """Multiplications per column of a term with factors of (rows, columns, stored entries)."""
    rows, cols, stored = ([f[k] for f in matrices] for k in range(3))
    order = _core.application_order(rows, cols, stored)
    steps = _core.application_work(rows, cols, order, stored)
    identities = columns / max(math.prod(cols), 1)
    return identities * steps + (columns if permuted or not matrices else 0)


class TermOperator(LinearOperator):
    """What operators in normal form share; its leaves differ in name and attributes only."""

    __slots__ = ("parts",)

    parts: tuple[Term, ...]

    def __init__(self, parts: Iterable[Term], in_shape: Shape, out_shape: Shape) -> None:
        parts = tuple(parts)
        super().__init__(in_shape, out_shape, _dtype_of(parts))
        object.__setattr__(self, "parts", parts)

    def _is_neutral(self) -> bool:
        return all(term.is_selection for term in self.parts)

    def _result_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Operators that only move and scale entries keep the operand's dtype."""
        if not self._is_neutral():
            return np.result_type(self.dtype, dtype)
        scalars = [_weak(term.coefficient) for term in self.parts]
        if dtype.kind in "biu" and (len(self.parts) > 1 or scalars[0] is not True):
            dtype = np.result_type(dtype, np.int64)  # sums of small integers are not small
        return np.result_type(dtype, *scalars)

    def _plan_for(self, dtype: np.dtype[Any]) -> _core.TermPlan:
        """The compiled plan that computes in this dtype, kept for the next call."""
        plan: _core.TermPlan | None = self._cache.get(dtype.char)
        if plan is None:
            plan = self._cache[dtype.char] = compile_plan(self.parts, dtype)
            if dtype == self.dtype:
                object.__setattr__(self, "_plan", plan)
        return plan

    def _matmat(self, x: Array) -> Array:
        dtype = compute_dtype(self._result_dtype(x.dtype))
        n, k = x.shape
        if dtype.kind == "c" and self.dtype.kind != "c":  # one real product, not a complex one
            real = real_dtype(dtype)
            pairs = packed(x, dtype).view(real).reshape(1, n, 2 * k)
            return self._plan_for(real).apply(pairs).view(dtype).reshape(self.shape[0], k)
        return apply_along_columns(self._plan_for(dtype).apply, x, dtype)

    def _transpose(self) -> LinearOperator:
        return from_terms((t.transpose() for t in self.parts), self.out_shape, self.in_shape)

    def _conj(self) -> LinearOperator:
        return from_terms((t.conj() for t in self.parts), self.in_shape, self.out_shape)

    def _rows(self, indices: Array) -> Array:
        if len(self.parts) == 1 and _is_one_matrix(self.parts[0]):
            (factor,) = self.parts[0].factors
            if not factor.is_identity and not factor.is_sparse:
                return factor.dense(self.dtype)[indices]
        plan = self._plan_for(compute_dtype(self.dtype))
        return plan.rows(indices).astype(self.dtype, copy=False)

    def _entries(self, rows: Array, cols: Array) -> Array:
        dtype = compute_dtype(self.dtype)
        total = np.zeros(rows.shape, dtype)
        for k, term in enumerate(self.parts):
            entries = _entries_of(term, rows, cols, dtype)
            total = entries if k == 0 else total + entries
        return total.astype(self.dtype, copy=False)

    def _work(self) -> float:
        return sum(term.work() for term in self.parts)

    def _diagonal(self) -> Array:
        """The Kronecker product of the factors' diagonals, where they have them."""
        sparse = any(f.is_sparse for t in self.parts for f in t.factors)
        if sparse or not self._has_square_factors():
            return self._diagonal_at(0)
        require_dense(self.shape[:1], self.dtype)
        return sum((_diagonal_of(t, self.dtype) for t in self.parts), start=np.zeros(1, "?"))

    def _trace(self) -> Any:
        """The sum of the products of the factors' traces."""
        if not self._has_square_factors():
            return None
        return self._sum_of_products(np.ones(0, self.dtype).sum().dtype, Factor.trace)

    def _total(self, dtype: np.dtype[Any]) -> Any:
        """The sum of the products of the factors' sums."""
        total = self._sum_of_products(dtype, Factor.total)
        return total if np.isfinite(total) else super()._total(dtype)

    def _has_square_factors(self) -> bool:
        square = all(f.rows == f.cols for t in self.parts for f in t.factors)
        return square and not any(t.is_permuted for t in self.parts)

    def _sum_of_products(self, dtype: np.dtype[Any], of: Callable[[Factor, Any], Any]) -> Any:
        """Σ c ∏ of(Fᵢ) in this dtype, in which integers wrap around."""
        total = dtype.type(0)
        with np.errstate(all="ignore"):
            for term in self.parts:
                product = dtype.type(wrapped(term.coefficient, dtype))
                for f in term.factors:
                    product = product * of(f, dtype)
                total = total + product
        return total


class TermSum(TermOperator):
    """A sum of Kronecker terms that has no name of its own."""

    __slots__ = ()


def _entries_of(term: Term, rows: Array, cols: Array, dtype: np.dtype[Any]) -> Array:
    """c F₁[i₁, j₁] … F_N[i_N, j_N] for each pair of flat indices."""
    dims = [0] * len(term.factors)
    for f, mode in zip(term.factors, term.order, strict=True):
        dims[mode] = f.cols
    i = places_of(rows, [f.rows for f in term.factors])
    j = places_of(cols, dims)
    values = np.full(rows.shape, wrapped(term.coefficient, dtype), dtype)
    implied_zero = np.zeros(rows.shape, np.bool_)
    for k, f in enumerate(term.factors):
        row, col = i[k], j[term.order[k]]
        entries, implied = f.entries(row, col)
        if implied is not None:
            implied_zero |= implied
        if not f.is_identity:
            with np.errstate(all="ignore"):
                values = values * entries.astype(dtype, copy=False)
    values[implied_zero] = 0
    return values


def places_of(flat: Array, dims: list[int]) -> list[Array]:
    """The indices along each mode of flat indices in C order (of tensors of any size)."""
    places: list[Array] = []
    for size in reversed(dims):
        place = flat % max(size, 1)
        places.append(place if size > 2**62 else place.astype(np.intp, copy=False))
        flat = flat // max(size, 1)
    return places[::-1]


def _diagonal_of(term: Term, dtype: np.dtype[Any]) -> Array:
    """The Kronecker product of the diagonals."""
    result = np.full(1, term.coefficient, dtype)
    for f in term.factors:
        d = np.ones(f.rows, "?") if f.array is None else f.array.diagonal()
        result = np.multiply.outer(result, d).reshape(-1)
    return result.astype(dtype, copy=False)


def _weak(c: Scalar) -> Any:
    """What a coefficient promotes a dtype by: 1 nothing, other Python numbers their kind."""
    return True if type(c) is int and c == 1 else c


def _dtype_of(parts: tuple[Term, ...]) -> np.dtype[Any]:
    """The dtype of a sum of terms."""
    dtypes = {f.dtype for t in parts for f in t.factors if not f.is_identity}
    weak = [_weak(t.coefficient) for t in parts]  # no set: 1.0 equals True
    if len(dtypes) == 1 and all(c is True for c in weak):
        return dtypes.pop()
    base = np.result_type(*dtypes) if dtypes else np.dtype(np.float64)
    return np.result_type(base, *weak)


def compile_plan(parts: tuple[Term, ...], dtype: np.dtype[Any]) -> _core.TermPlan:
    """The plan of these terms, factors packed in one contiguous dtype."""
    terms = [
        (wrapped(t.coefficient, dtype), tuple(f.packed(dtype) for f in t.factors), t.order)
        for t in parts
    ]
    return _core.TermPlan(dtype.char, terms)


#: Leaf classes for sums that have a name: each returns an operator, or None.
named_forms: list[Callable[[tuple[Term, ...], Shape, Shape], LinearOperator | None]] = []


def from_terms(terms: Iterable[Term], in_shape: Shape, out_shape: Shape) -> LinearOperator:
    """The operator of a sum of terms: equal terms merged, the name of the structure found."""
    parts = merge(terms)
    if _wraps(parts):
        parts = (Term.of([Factor(TermSum(parts, in_shape, out_shape).toarray())]),)
    for form in named_forms:
        op = form(parts, in_shape, out_shape)
        if op is not None:
            return op
    return TermSum(parts, in_shape, out_shape)


def flat_operator(term: Term) -> LinearOperator:
    """The operator of one term, between vectors."""
    return from_terms([term], (term.cols,), (term.rows,))


def merge(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The terms with equal ones added up; one zero term stays where all cancel."""
    terms = tuple(terms)
    if len(terms) == 1:
        return terms
    merged: dict[Any, list[Term]] = {}
    for term in terms:
        group = merged.setdefault(_fingerprint(term), [])
        for k, other in enumerate(group):
            if term.equals(other):
                group[k] = other._replace(coefficient=other.coefficient + term.coefficient)
                break
        else:
            group.append(term)
    parts = [term for group in merged.values() for term in group]
    kept = [term for term in parts if not _vanishes(term)] or parts[:1]
    if len(kept) < len(parts) and _dtype_of(tuple(kept)) != _dtype_of(tuple(parts)):
        kept = parts  # a zero term may still have decided the dtype
    return tuple(kept)


def _wraps(parts: tuple[Term, ...]) -> bool:
    """Whether integers may wrap around, or bools be added: neither is linear.

    Such an operator has no structure: it becomes the dense matrix, whose entries are NumPy's.
    """
    dtype = _dtype_of(parts)
    if dtype.kind == "b":
        return len(parts) > 1
    if dtype.kind not in "iu" or (len(parts) == 1 and _is_one_matrix(parts[0])):
        return False
    if dtype.kind == "u" and any(t.coefficient.real < 0 for t in parts):
        return True
    bounds = (
        abs(int(t.coefficient.real)) * math.prod(f.largest() for f in t.factors) for t in parts
    )
    return sum(bounds) > np.iinfo(dtype).max


def _is_one_matrix(term: Term) -> bool:
    return term.coefficient == 1 and len(term.factors) == 1


def _vanishes(term: Term) -> bool:
    """Whether the term is zero; 0·inf is nan, so factors that are not finite stay."""
    return term.coefficient == 0 and all(f.is_finite() for f in term.factors)


def _fingerprint(term: Term) -> Any:
    """Equal for equal terms, and almost never for others: shapes and a few entries."""
    return term.order, tuple(f.sample() for f in term.factors)
