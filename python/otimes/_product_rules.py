"""What a product of two neighbours becomes; the vec matrices have theirs in _identities.

A rule may use that a product has a simpler form, but never one that costs more to apply.
"""

from __future__ import annotations

import math

import numpy as np

from ._algebra import identity_operator, rule, scale, selection, with_shapes
from ._check import Scalar
from ._compounds import Inverse
from ._factor import Factor
from ._operator import LinearOperator
from ._structures import Diagonal, LowRank, Selection
from ._terms import TermOperator, from_terms, term_work


@rule(TermOperator, TermOperator)
def _(a: TermOperator, b: TermOperator) -> LinearOperator | None:
    """(A⊗B)(C⊗D) = AC⊗BD, K(A⊗B) = (B⊗A)K, K² = I, term by term."""
    for factor, other in ((_multiple_of_identity(a), b), (_multiple_of_identity(b), a)):
        if factor is not None:
            return scale(factor, with_shapes(other, b.in_shape, a.out_shape))
    if _product_work(a, b) > a._work() + b._work():
        return None
    lefts, rights = a.parts, b.parts
    if not a._is_neutral() and not b._is_neutral():
        dtype = np.result_type(a.dtype, b.dtype)
        lefts, rights = (tuple(t.astype(dtype) for t in parts) for parts in (lefts, rights))
    products = [s.matmul(t) for s in lefts for t in rights]
    if any(p is None for p in products):
        return None
    return from_terms((p for p in products if p is not None), b.in_shape, a.out_shape)


@rule(TermOperator, LinearOperator)
def _(a: TermOperator, b: LinearOperator) -> LinearOperator | None:
    factor = _multiple_of_identity(a)
    return None if factor is None else scale(factor, b)


@rule(LinearOperator, TermOperator)
def _(a: LinearOperator, b: TermOperator) -> LinearOperator | None:
    factor = _multiple_of_identity(b)
    return None if factor is None else scale(factor, a)


@rule(Diagonal, Diagonal)
def _(a: Diagonal, b: Diagonal) -> LinearOperator:
    return Diagonal(a.entries * b.entries, a.in_shape)


@rule(Selection, Selection)
def _(a: Selection, b: Selection) -> LinearOperator:
    sources = np.full(len(a.sources), -1, np.intp)
    (places,) = np.nonzero(a.sources >= 0)
    sources[places] = b.sources[a.sources[places]]
    return selection(sources, b.shape[1])


@rule(LowRank, LinearOperator)
def _(a: LowRank, b: LinearOperator) -> LinearOperator | None:
    """(U Vᵀ) B = U (Bᵀ V)ᵀ."""
    if a.left.shape[1] * (a.shape[0] + b.shape[1]) > a._work() + b._work():
        return None
    return LowRank(a.left, b.T @ a.right, b.in_shape, a.out_shape)


@rule(LinearOperator, LowRank)
def _(a: LinearOperator, b: LowRank) -> LinearOperator | None:
    """A (U Vᵀ) = (A U) Vᵀ."""
    if b.left.shape[1] * (a.shape[0] + b.shape[1]) > a._work() + b._work():
        return None
    return LowRank(a @ b.left, b.right, b.in_shape, a.out_shape)


@rule(Inverse, LinearOperator)
def _(a: Inverse, b: LinearOperator) -> LinearOperator | None:
    return identity_operator(b.in_shape) if a.trans == "N" and a.operator is b else None


@rule(LinearOperator, Inverse)
def _(a: LinearOperator, b: Inverse) -> LinearOperator | None:
    return identity_operator(a.out_shape) if b.trans == "N" and b.operator is a else None


def _multiple_of_identity(a: TermOperator) -> Scalar | None:
    """c when the operator is c I, else None."""
    term = a.parts[0]
    if len(a.parts) == 1 and term.is_selection and not term.is_permuted:
        return term.coefficient
    return None


def _product_work(a: TermOperator, b: TermOperator) -> float:
    """Work of the expanded product, infinite where a formed factor is larger than its parts."""
    total = 0.0
    for s in a.parts:
        for t in b.parts:
            if len(s.factors) != len(t.factors):
                return math.inf
            matrices = []
            for f, k in zip(s.factors, s.order, strict=True):
                g = t.factors[k]
                stored = _stored_in_product(f, g) if f.cols == g.rows else math.inf
                if stored > f.stored + g.stored:
                    return math.inf
                if not (f.is_identity and g.is_identity):
                    matrices.append((f.rows, g.cols, int(stored)))
            permuted = any(t.order[k] != i for i, k in enumerate(s.order))
            total += term_work(t.cols, matrices, permuted)
    return total


def _stored_in_product(f: Factor, g: Factor) -> float:
    """The number of entries that F G stores; infinite where counting would cost more than F G."""
    if f.is_identity or g.is_identity:
        return f.stored + g.stored
    if not (f.is_sparse and g.is_sparse):
        return f.rows * g.cols
    uses = np.bincount(f.matrix.indices, minlength=f.cols) @ np.diff(g.matrix.indptr)
    return f.matmul(g).stored if uses <= 4 * (f.stored + g.stored) else math.inf
