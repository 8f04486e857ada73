"""Sums and chains multiplied out into terms, for the solvers that know sums of terms.

The algebra leaves (A⊗I)(B⊗I) a chain where it is cheaper to apply than AB⊗I. To be solved with,
however dear the product is, it is cheaper than a dense matrix.
"""

from __future__ import annotations

from ._algebra import scale
from ._compounds import Product, Sum
from ._operator import LinearOperator
from ._terms import Term, TermOperator, from_terms

#: More terms than these are left as they are: no solver for them is better than the chain.
_MOST_TERMS = 64


def in_terms(op: LinearOperator) -> LinearOperator:
    """The operator as one sum of Kronecker terms where it is one; otherwise as it is.

    A chain of square operators stays: each of them is solved with in turn. The coefficient of a
    chain goes into one of its terms.
    """
    if isinstance(op, Product) and all(a.shape[0] == a.shape[1] for a in op.chain):
        return op
    if not isinstance(op, (Sum, Product)):
        return op
    if "in terms" not in op._cache:
        terms = _terms_of(op)
        op._cache["in terms"] = (
            op if terms is None else from_terms(terms, op.in_shape, op.out_shape)
        )
    found: LinearOperator = op._cache["in terms"]
    return _absorbed(found)


def _absorbed(op: LinearOperator) -> LinearOperator:
    """c A B … as A (c B) …, B the first that is a sum of terms."""
    if not isinstance(op, Sum) or len(op.addends) != 1:
        return op
    ((c, product),) = op.addends
    chain = list(product.chain) if isinstance(product, Product) else []
    for k, link in enumerate(chain):
        if isinstance(link, TermOperator):
            chain[k] = scale(c, link)
            return Product(tuple(chain), op.in_shape, op.out_shape)
    return op


def _terms_of(op: LinearOperator) -> list[Term] | None:
    """The terms of an operator, or None where it is no sum of terms or too long a one."""
    match op:
        case TermOperator():
            return list(op.parts)
        case Sum():
            total: list[Term] = []
            for c, addend in op.addends:
                terms = _terms_of(addend)
                if terms is None:
                    return None
                total += (t._replace(coefficient=c * t.coefficient) for t in terms)
            return total if len(total) <= _MOST_TERMS else None
        case Product():
            product = _terms_of(op.chain[0])
            for link in op.chain[1:]:
                product = _multiplied(product, _terms_of(link))
            return product
    return None


def _multiplied(left: list[Term] | None, right: list[Term] | None) -> list[Term] | None:
    """All products of two terms, or None where some do not line up."""
    if left is None or right is None or len(left) * len(right) > _MOST_TERMS:
        return None
    products = [s.matmul(t) for s in left for t in right]
    lined_up = [p for p in products if p is not None]
    return lined_up if len(lined_up) == len(products) else None
