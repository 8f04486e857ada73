"""Identities of the vec matrices: what their products with each other and with A⊗B become.

Magnus & Neudecker, The elimination matrix: some lemmas and applications, SIAM J. Alg. Disc. Meth. 1
(1980), doi:10.1137/0601049.
"""

from __future__ import annotations

from . import _product_rules as _product_rules  # whose rules are tried first
from ._algebra import identity_operator, known_inverses, rule, scale
from ._check import Scalar
from ._compounds import Product
from ._dtypes import inexact_dtype
from ._operator import LinearOperator
from ._selection import Symmetrizer, symmetrizer_matrix
from ._terms import Term, TermOperator, from_terms
from ._triangles import Duplication, Elimination, TriangleOperator

#: L D = D⁺ D = L Lᵀ = I and their transposes.
_INVERSES = {("L", "D"), ("D+", "D"), ("L", "LT"), ("DT", "LT"), ("DT", "D+T")}
#: D D⁺ = N and its transpose.
_PROJECTIONS = {("D", "D+"), ("D+T", "DT")}
#: What stands around A⊗A where S → A S Aᵀ acts on vech(S), or its transpose.
_CONGRUENCES = {("D+", "D"), ("L", "D"), ("DT", "D+T"), ("DT", "LT")}


def _names(a: TriangleOperator, b: TriangleOperator) -> tuple[str, str]:
    return a.symbol + a.mark, b.symbol + b.mark


@rule(TriangleOperator, TriangleOperator)
def _(a: TriangleOperator, b: TriangleOperator) -> LinearOperator | None:
    if _names(a, b) in _INVERSES:  # both names say in which of n² and n(n+1)/2 they meet
        return identity_operator(b.in_shape)
    return symmetrizer_matrix(a.n) if _names(a, b) in _PROJECTIONS else None


@rule(TermOperator, TriangleOperator)
def _(a: TermOperator, b: TriangleOperator) -> LinearOperator | None:
    return _onto_symmetric(a, b)


@rule(TriangleOperator, TermOperator)
def _(a: TriangleOperator, b: TermOperator) -> LinearOperator | None:
    """D⁺ K = D⁺ N = D⁺, D⁺ (A⊗B) K = D⁺ (B⊗A), L N = D⁺: by transposition."""
    transposed = b.T._structure()
    if not isinstance(transposed, TermOperator):
        return None
    combined = _onto_symmetric(transposed, a.T)
    return None if combined is None else combined.T


def _onto_symmetric(a: TermOperator, b: LinearOperator) -> LinearOperator | None:
    """K D = N D = D, (A⊗B) K D = (A⊗B) D, also for D⁺ᵀ; N Lᵀ = D⁺ᵀ."""
    if isinstance(b, Elimination) and b.widens:
        weights = _weights(a, b.n)
        if weights is None or weights[0] != weights[1]:
            return None
        return _scaled(sum(weights), Duplication(b.n, "+T"))
    if isinstance(b, Duplication) and b.widens:
        return _without_swaps(a, b, b.n)
    return None


@rule(Symmetrizer, TermOperator)
def _(a: Symmetrizer, b: TermOperator) -> LinearOperator | None:
    """N K = N, N (A⊗A) = N (A⊗A) K = (A⊗A) N; N stands on the side where it is smaller."""
    weights = _weights(b, a.n)
    if weights is not None:
        return _scaled(sum(weights), a)
    square = square_of(b)
    if square is None or square.factors[0].cols > a.n:
        return None
    kept = from_terms([square], b.in_shape, b.out_shape)
    mean = symmetrizer_matrix(square.factors[0].cols)
    return Product((kept, mean), b.in_shape, a.out_shape)


@rule(TermOperator, Symmetrizer)
def _(a: TermOperator, b: Symmetrizer) -> LinearOperator | None:
    """(A⊗B) K N = (A⊗B) N, (A⊗A) N = N (A⊗A); N stands on the side where it is smaller."""
    square = square_of(a)
    if square is None or square.factors[0].rows >= b.n:
        return _without_swaps(a, b, b.n)
    kept = from_terms([square], a.in_shape, a.out_shape)
    mean = symmetrizer_matrix(square.factors[0].rows)
    return Product((mean, kept), b.in_shape, a.out_shape)


def _without_swaps(a: TermOperator, b: LinearOperator, n: int) -> LinearOperator | None:
    """A B for a B with K B = B, without the K of n by n matrices in A; None if it has none."""
    weights = _weights(a, n)
    if weights is not None:
        return _scaled(sum(weights), b)
    swapped = [_is_swapped(t, n) for t in a.parts]
    if not any(swapped):
        return None
    parts = (t._replace(order=(0, 1)) if s else t for s, t in zip(swapped, a.parts, strict=True))
    return Product((from_terms(parts, a.in_shape, a.out_shape), b), b.in_shape, a.out_shape)


def _is_swapped(t: Term, n: int) -> bool:
    """Whether the term is (F⊗G) K for the K of n by n matrices."""
    return t.order == (1, 0) and t.factors[0].cols == t.factors[1].cols == n


def _weights(a: TermOperator, n: int) -> tuple[Scalar, Scalar] | None:
    """The c and d of an operator c I + d K, else None."""
    if not all(t.is_selection and (_is_swapped(t, n) or not t.is_permuted) for t in a.parts):
        return None
    kept, moved = ([t.coefficient for t in a.parts if t.is_permuted is k] for k in (False, True))
    return sum(kept), sum(moved)


def _scaled(c: Scalar, op: LinearOperator) -> LinearOperator:
    return op if c == 1 else scale(c, op)  # also for 1.0, which would turn integers into floats


def square_of(a: LinearOperator) -> Term | None:
    """c A⊗A when the operator is that or c (A⊗A) K, else None."""
    if not isinstance(a, TermOperator) or len(a.parts) != 1:
        return None
    (term,) = a.parts
    if len(term.factors) != 2 or term.is_selection or not term.factors[0].equals(term.factors[1]):
        return None
    return term._replace(order=(0, 1))


def congruence(
    op: LinearOperator,
) -> tuple[TriangleOperator, Term, TriangleOperator] | None:
    """The parts of c D⁺ (A⊗A) D, the matrix of S → c A S Aᵀ on vech(S), or of its transpose."""
    match op:
        case Product(
            chain=(
                TriangleOperator() as left,
                TermOperator() as middle,
                TriangleOperator() as right,
            )
        ) if _names(left, right) in _CONGRUENCES:
            square = square_of(middle)
            return None if square is None else (left, square, right)
    return None


def _inverse_congruence(op: LinearOperator) -> LinearOperator | None:
    """(D⁺ (A⊗A) D)⁻¹ = D⁺ (A⁻¹⊗A⁻¹) D."""
    parts = congruence(op)
    if parts is None or parts[1].coefficient == 0:
        return None
    left, square, right = parts
    inverted = square.astype(inexact_dtype(op.dtype)).inverse()
    middle = from_terms([inverted], left.in_shape, right.out_shape)
    return Product((left, middle, right), op.out_shape, op.in_shape)


known_inverses.append(_inverse_congruence)
