"""Which matrix equation a sum of Kronecker terms is."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ._check import Array, Scalar
from ._dtypes import inexact_dtype
from ._equations import AXB_CXHD, AXB_CXTD, HSYLVESTER, SYLVESTER, TSYLVESTER
from ._expansion import in_terms
from ._factor import Factor
from ._factorizations import MatrixEquation, as_permutation
from ._lyapunov import CONTINUOUS_LYAPUNOV, DISCRETE_LYAPUNOV, STEIN
from ._memory import require_dense
from ._pencil_equations import GENERALIZED_SYLVESTER
from ._real_linear import RealLinear
from ._terms import Term, TermOperator, from_terms


def sylvester_of(op: TermOperator) -> MatrixEquation | None:
    """L X + X R, when every term multiplies from one side only, else None."""
    pairs = [t for t in op.parts if len(t.factors) == 2]
    if not pairs:
        return None
    n, m = pairs[0].factors[0].rows, pairs[0].factors[1].rows
    order = pairs[0].order
    dtype = inexact_dtype(op.dtype)
    require_dense((m + n, max(m, n)), dtype)  # sparse factors become dense here
    left, right = np.zeros((m, m), dtype), np.zeros((n, n), dtype)
    for t in op.parts:
        if len(t.factors) == 1 and t.is_selection and order == (0, 1):
            left += t.coefficient * np.eye(m, dtype=dtype)  # c I stands on either side
            continue
        if t.order != order or [f.shape for f in t.factors] != [(n, n), (m, m)]:
            return None
        first, second = t.factors
        if first.is_identity:
            left += t.coefficient * second.dense(dtype)
        elif second.is_identity:
            right += t.coefficient * first.dense(dtype).T
        else:
            return None
    permutation = as_permutation(pairs[0])
    if np.array_equal(right, left.conj().T):
        return MatrixEquation(CONTINUOUS_LYAPUNOV, (left,), permutation)
    return MatrixEquation(SYLVESTER, (left, right), permutation)


def stein_of(op: TermOperator) -> MatrixEquation | None:
    """c (X - L X R), when one of two terms multiplies from both sides and one not at all."""
    if len(op.parts) != 2:
        return None
    one, pair = sorted(op.parts, key=lambda t: len(t.factors) == 2 and not _is_multiple_of_one(t))
    order = one.order if len(one.factors) == 2 else (0, 1)
    if len(pair.factors) != 2 or not _is_multiple_of_one(one) or pair.order != order:
        return None
    if any(f.rows != f.cols for f in pair.factors):
        return None
    dtype = inexact_dtype(op.dtype)
    right, left = pair.factors[0].dense(dtype).T, pair.factors[1].dense(dtype)
    ratio = -pair.coefficient / one.coefficient
    permutation = as_permutation(pair)
    if ratio == 1 and np.array_equal(right, left.conj().T):
        return MatrixEquation(DISCRETE_LYAPUNOV, (left,), permutation, one.coefficient)
    return MatrixEquation(STEIN, (ratio * left, right), permutation, one.coefficient)


def _is_multiple_of_one(term: Term) -> bool:
    """Say whether it is c I or c P."""
    return all(f.is_identity for f in term.factors)


def _one_term(
    terms: list[Term], dtype: np.dtype[Any], side: Literal["left", "right"]
) -> tuple[Factor, Factor] | None:
    """(L, R) with L X R the sum of these terms, where they have the left or the right in common.

    A multiple of X itself goes into the factor on this side.
    """
    split = [(t.coefficient, t.factors[1], t.factors[0].transpose()) for t in terms]
    _, left, right = split[0]
    has_left = all(f.equals(left) for _, f, _ in split)
    goes_right = has_left and left.is_identity and not (side == "left" and right.is_identity)
    if all(r.equals(right) for _, _, r in split) and not goes_right:
        return _total([(c, f) for c, f, _ in split], dtype), right
    return (left, _total([(c, r) for c, _, r in split], dtype)) if has_left else None


def _total(weighted: list[tuple[Scalar, Factor]], dtype: np.dtype[Any]) -> Factor:
    """The sum of multiples of factors."""
    if len(weighted) == 1 and weighted[0][0] == 1:
        return weighted[0][1]
    total = np.zeros(weighted[0][1].shape, dtype)
    for c, f in weighted:
        total += c * f.dense(dtype)
    return Factor(total)


def transposed_of(op: TermOperator) -> MatrixEquation | None:
    """A X B + C Xᵀ D with square coefficients, when the terms are that or add up to it."""
    plain, crossed = ([t for t in op.parts if t.order == order] for order in ((0, 1), (1, 0)))
    numbers = [t for t in op.parts if len(t.factors) == 1 and t.is_selection]
    if not crossed or len(plain) + len(crossed) + len(numbers) != len(op.parts):
        return None
    n = crossed[0].factors[0].rows
    if any(f.shape != (n, n) for t in plain + crossed for f in t.factors):
        return None
    one = Factor(None, n)
    plain += [Term(t.coefficient, (one, one), (0, 1)) for t in numbers]
    dtype = inexact_dtype(op.dtype)
    require_dense((n, 4 * n), dtype)  # sparse factors become dense here
    first = _one_term(plain, dtype, "left") if plain else None
    second = _one_term(crossed, dtype, "right")
    if first is None or second is None:
        return None
    (a, b), (c, d) = first, second
    if b.is_identity and c.is_identity:
        return MatrixEquation(TSYLVESTER, (a.dense(dtype), d.dense(dtype)))
    return MatrixEquation(AXB_CXTD, tuple(f.dense(dtype) for f in (a, b, c, d)))


def conjugated_of(op: RealLinear) -> MatrixEquation | None:
    """A X B + C Xᴴ D in complex X: as `transposed_of` finds it with Xᵀ, where all of it is X̄ᵀ."""
    linear, conjugated = map(in_terms, (op.linear._structure(), op.conjugated._structure()))
    if not (isinstance(linear, TermOperator) and isinstance(conjugated, TermOperator)):
        return None
    if any(t.is_permuted for t in linear.parts):
        return None
    if not all(t.is_permuted and t.order == (1, 0) for t in conjugated.parts):
        return None
    terms = (*linear.parts, *conjugated.parts)
    both = from_terms(terms, linear.in_shape, linear.out_shape)
    found = transposed_of(both) if isinstance(both, TermOperator) else None
    if found is None:
        return None
    return found._replace(equation=HSYLVESTER if found.equation is TSYLVESTER else AXB_CXHD)


def two_terms_of(op: TermOperator) -> MatrixEquation | None:
    """A X B + C X D, where that is cheaper than the dense matrix, else None."""
    pairs = [t for t in op.parts if len(t.factors) == 2]
    if not pairs or len(op.parts) != 2:
        return None
    n, m = pairs[0].factors[0].rows, pairs[0].factors[1].rows
    order, dtype = pairs[0].order, inexact_dtype(op.dtype)
    if min(m, n) <= 5:
        return None
    require_dense((m + n, 2 * max(m, n)), dtype)  # sparse factors become dense here
    coefficients: list[Array] = []
    for t in op.parts:
        if len(t.factors) == 1 and t.is_selection and order == (0, 1):
            coefficients += [t.coefficient * np.eye(m, dtype=dtype), np.eye(n, dtype=dtype)]
        elif t.order == order and [f.shape for f in t.factors] == [(n, n), (m, m)]:
            right, left = (f.dense(dtype) for f in t.factors)
            coefficients += [t.coefficient * left, right.T]
        else:
            return None
    return MatrixEquation(GENERALIZED_SYLVESTER, tuple(coefficients), as_permutation(pairs[0]))
