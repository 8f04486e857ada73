"""Kronecker products as the linear algebra of NumPy takes them: one term, scaled, in double."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ._algebra import astype
from ._check import Array, Scalar, is_hermitian
from ._compounds import OperatorKronecker
from ._dtypes import inexact_dtype
from ._factor import Factor
from ._memory import require_dense
from ._operator import LinearOperator
from ._terms import Term, TermOperator, flat_operator


def kronecker_term(a: Any) -> Term | None:
    """A as one term c (F₁⊗…⊗F_N) P in double precision, each factor's largest entry in [½, 1).

    None where the factors do not tell what NumPy would find in the dense array: for sums, without
    entries, and where an entry is not finite or leaves the range of its dtype.
    """
    op = a._structure() if isinstance(a, LinearOperator) else None
    if op is None or 0 in op.shape:
        return None
    if isinstance(op, OperatorKronecker):
        term = Term.of(Factor(x.toarray()) for x in op.operators)
    elif isinstance(op, TermOperator) and len(op.parts) == 1:
        (term,) = op.parts
    else:
        return None
    double = np.result_type(inexact_dtype(op.dtype), np.float64)
    return _scaled(term.astype(double), np.finfo(inexact_dtype(op.dtype)))


def square_term(a: Any) -> Term | None:
    """The same, where no modes are permuted and every factor is square."""
    term = kronecker_term(a)
    if term is None or term.is_permuted or any(f.rows != f.cols for f in term.factors):
        return None
    return term


def hermitian_term(a: Any) -> Term | None:
    """The same, where every factor is exactly Hermitian and the coefficient real.

    NumPy reads one triangle only, so that nothing else may be taken for a Hermitian matrix.
    """
    term = square_term(a)
    if term is None or term.coefficient.imag != 0 or not all(map(_is_hermitian, term.factors)):
        return None
    return term._replace(coefficient=term.coefficient.real)


def _is_hermitian(f: Factor) -> bool:
    return f.array is None or is_hermitian(f.array)


def _scaled(term: Term, limits: np.finfo[Any]) -> Term | None:
    """The term with the factors' powers of two in the coefficient; None out of range."""
    arrays = [f.array for f in term.factors if f.array is not None]
    largest = [_exponent(a) for a in (np.asarray(term.coefficient, complex), *arrays)]
    exponents = [e for e in largest if e is not None]
    if len(exponents) < len(largest):
        return None
    total = sum(exponents)
    vanishes = term.coefficient == 0 or not all(a.any() for a in arrays)
    if total > limits.maxexp or (total < limits.minexp + limits.nmant and not vanishes):
        return None
    factors = tuple(f.map(_normalized) for f in term.factors)
    return Term(_ldexp_number(term.coefficient, sum(exponents[1:])), factors, term.order)


def _exponent(a: Array) -> int | None:
    """The e with the largest part of an entry in [2ᵉ⁻¹, 2ᵉ); None where one is not finite."""
    largest = max(float(np.abs(part).max(initial=0)) for part in (a.real, a.imag))
    return math.frexp(largest)[1] if math.isfinite(largest) else None


def _normalized(a: Array) -> Array:
    """2⁻ᵉ a, the largest part of an entry in [½, 1)."""
    e = -(_exponent(a) or 0)
    parts = a if a.dtype.kind != "c" else np.ascontiguousarray(a).view(a.real.dtype)
    scaled: Array = np.ldexp(parts, e).view(a.dtype)
    return scaled


def _ldexp_number(c: Scalar, e: int) -> Scalar:
    if isinstance(c, complex):
        return complex(math.ldexp(c.real, e), math.ldexp(c.imag, e))
    return math.ldexp(c, e)


def outer(vectors: Iterable[Array]) -> Array:
    """v₁⊗v₂⊗… of vectors."""
    vectors = list(vectors)
    require_dense(tuple(map(len, vectors)), np.result_type(*vectors))
    return functools.reduce(lambda u, v: np.multiply.outer(u, v).reshape(-1), vectors)


def places(counts: Sequence[int], sizes: Sequence[int]) -> Array:
    """The flat indices into a tensor of these sizes of its first `counts` places of each mode."""
    flat = np.zeros(1, np.intp)
    for count, size in zip(counts, sizes, strict=True):
        flat = (flat[:, None] * size + np.arange(count)).reshape(-1)
    return flat


def product_of(
    factors: Iterable[Factor],
    dtype: np.dtype[Any],
    coefficient: Scalar = 1,
    order: tuple[int, ...] | None = None,
) -> LinearOperator:
    """The flat operator c (F₁⊗…⊗F_N) P in this dtype."""
    term = Term.of(factors, coefficient)
    term = term if order is None else term._replace(order=order)
    return astype(flat_operator(term.astype(dtype)), dtype)
