"""Equations in vech coordinates: Dᵀ M D, D⁺ M D, L M D, where M keeps matrices symmetric.

With M K = K M and N = D D⁺ = (I + K)/2, M commutes with N, so that the inverse of T₁ M T₂ is
T₂⁺ M⁻¹ T₁⁺ (Magnus & Neudecker 1980, doi:10.1137/0601049): the solver of M's matrix equation.
"""

from __future__ import annotations

from typing import NamedTuple

from numpy.typing import ArrayLike

from ._check import Array, as_inexact
from ._compounds import Product
from ._factorizations import Factorization, Trans
from ._operator import LinearOperator
from ._registry import registry
from ._terms import Term, TermOperator
from ._triangles import Duplication, Elimination, TriangleOperator


class Restricted(NamedTuple):
    """T₁ M T₂, by the pseudo-inverses of T₁ and T₂."""

    left: LinearOperator
    middle: TermOperator
    right: LinearOperator

    def decompose(self) -> Factorization:
        return SymmetricFactorization(self)


class SymmetricFactorization(Factorization):
    """x = T₂⁺ M⁻¹ T₁⁺ b by the decompositions of M."""

    def __init__(self, op: Restricted) -> None:
        self.left, self.right = op.left, op.right
        self.middle: Factorization = registry.solving["decompose"](op.middle)

    def rcond(self) -> float:
        return self.middle.rcond()  # the singular values of D are 1 and √2

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        first, last = (self.left, self.right) if trans == "N" else (self.right.T, self.left.T)
        x: Array = last @ self.middle.solve(first @ as_inexact("rhs", rhs), trans)
        return x


def restricted_of(op: LinearOperator) -> Restricted | None:
    """The pseudo-inverses around the M of T₁ M T₂ with T's from vech to vec, else None."""
    if not isinstance(op, Product) or len(op.chain) != 3:
        return None
    left, middle, right = op.chain
    if not isinstance(left, TriangleOperator) or not isinstance(right, TriangleOperator):
        return None
    cuts = [isinstance(t, Elimination) for t in (left, right)]
    if left.widens or not right.widens or all(cuts):  # L M Lᵀ leaves the symmetric matrices
        return None
    if not isinstance(middle, TermOperator) or not _keeps_symmetry(middle, left.n):
        return None
    return Restricted(_pinv(left), middle, _pinv(right))


def _pinv(t: TriangleOperator) -> LinearOperator:
    """T⁺; on symmetric matrices L is D⁺."""
    if isinstance(t, Elimination):
        return Duplication(t.n, "T" if t.widens else "")
    return t.pinv()


def _keeps_symmetry(op: TermOperator, n: int) -> bool:
    """Whether K M K = M, that is, (F⊗G)[K] comes with (G⊗F)[K]."""
    return all(
        _is_on_squares(t, n)
        and any(t.coefficient == s.coefficient and _mirrored(t).equals(s) for s in op.parts)
        for t in op.parts
    )


def _is_on_squares(t: Term, n: int) -> bool:
    return (t.is_selection and len(t.factors) == 1) or [f.shape for f in t.factors] == [(n, n)] * 2


def _mirrored(t: Term) -> Term:
    return t._replace(factors=t.factors[::-1])
