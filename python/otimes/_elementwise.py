"""What NumPy's ``*``, ``**`` and ``/`` mean, entry by entry, with the structure that they keep."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ._algebra import astype, common_shapes, dense, scale
from ._check import Scalar, is_scalar, warn_dense
from ._operator import LinearOperator
from ._registry import registry
from ._terms import Term, TermOperator, from_terms


def elementwise(a: Any, b: Any) -> Any:
    """A ∘ B as NumPy's ``*``: a scalar scales, (A⊗B)∘(C⊗D) = (A∘C)⊗(B∘D)."""
    if is_scalar(b):
        return _scaled_by(b, a)
    if is_scalar(a):
        return _scaled_by(a, b)
    if isinstance(a, LinearOperator) and isinstance(b, LinearOperator) and a.shape == b.shape:
        x, y = a._structure(), b._structure()
        if isinstance(x, TermOperator) and isinstance(y, TermOperator):
            dtype = np.result_type(x.dtype, y.dtype)
            products = [_hadamard(s, t, dtype) for s in x.parts for t in y.parts]
            if None not in products:
                parts = [p for p in products if p is not None]
                return from_terms(parts, *common_shapes(x, y))
    warn_dense("the elementwise product of these operands")
    return dense(a) * dense(b)


def _scaled_by(c: Scalar, op: LinearOperator) -> Any:
    """c A, where NumPy takes a Python integer c for the dtype of A."""
    if not np.isfinite(c):  # times a zero it is nan, also where the zero is one of structure
        warn_dense("a multiple by a number that is not finite")
        return dense(op) * c
    if type(c) is int and not op._is_neutral() and op.dtype.kind in "iu":
        np.asarray(c, op.dtype)  # OverflowError where it does not fit
    return scale(c, op)


def _hadamard(s: Term, t: Term, dtype: np.dtype[Any]) -> Term | None:
    """(A⊗B)∘(C⊗D) as (A∘C)⊗(B∘D), or None where the factors do not line up."""
    shapes = [f.shape for f in s.factors] == [f.shape for f in t.factors]
    if not shapes or s.order != t.order:
        return None
    factors = []
    for f, g in zip(s.factors, t.factors, strict=True):
        if f.is_identity and g.is_identity:
            factors.append(f)
            continue
        factors.append(f.hadamard(g, dtype))
    return Term(s.coefficient * t.coefficient, tuple(factors), s.order)


def elementwise_power(a: Any, k: Any, power: Callable[[Any, Any], Any] = operator.pow) -> Any:
    """A ** k entry by entry, as NumPy's; factor by factor for a Kronecker product.

    `power` is ``**`` or `numpy.power`: they differ in the dtype that they give for bools.
    """
    op = a._structure() if isinstance(a, LinearOperator) else None
    if isinstance(op, TermOperator) and len(op.parts) == 1 and is_scalar(k):
        term = op.parts[0]
        positive = not isinstance(k, complex) and k > 0
        integral = isinstance(k, (int, np.integer))
        # (-1 · -1)^½ is 1, but (-1)^½ is nan: fractional powers need factors without sign
        if positive and (integral or _nonnegative(term)):
            dtype = power(np.ones(1, op.dtype), k).dtype
            exponent = k.item() if isinstance(k, (np.ndarray, np.generic)) else k
            factors = (
                f.elementwise(lambda a: (a**k).astype(dtype)) for f in term.astype(dtype).factors
            )
            c = 1 if term.coefficient == 1 else term.coefficient**exponent  # 1.0 would be a float's
            powered = Term(c, tuple(factors), term.order)
            return from_terms([powered], op.in_shape, op.out_shape)
    warn_dense("an elementwise power of these operands")
    return power(dense(a), dense(k))


def _nonnegative(term: Term) -> bool:
    """Whether the coefficient and the factors' entries are real and not negative."""
    values = [f.values for f in term.factors if not f.is_identity]
    return bool(
        np.isrealobj(term.coefficient)
        and term.coefficient >= 0  # type: ignore[operator]
        and all(v.dtype.kind != "c" and (v >= 0).all() for v in values)
    )


def divide(a: Any, b: Any) -> Any:
    """A / c for a scalar c, as NumPy's ``/``."""
    if isinstance(a, LinearOperator) and is_scalar(b):
        if b == 0 or not np.isfinite(1 / np.asarray(b)):
            warn_dense("division by a number without a reciprocal")
            return a.toarray() / b
        if not a._is_neutral():
            a = astype(a, np.true_divide(np.ones(0, a.dtype), b).dtype)
        number = b.item() if isinstance(b, (np.ndarray, np.generic)) else b
        return scale(1 / number, a)
    warn_dense("the elementwise quotient of these operands")
    return dense(a) / dense(b)


registry.algebra.update(elementwise=elementwise, elementwise_power=elementwise_power, divide=divide)
