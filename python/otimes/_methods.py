"""From structure to solver: one decision list, for `solve`, `factorize` and `op.solve`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ._compounds import Inverse, Product
from ._dtypes import inexact_dtype
from ._equation import Equation
from ._equations import AXB_CXHD, AXB_CXTD, HSYLVESTER, TSYLVESTER
from ._expansion import in_terms
from ._factor import Factor
from ._factorizations import (
    ChainFactorization,
    DiagonalFactorization,
    Factorization,
    InverseFactorization,
    KroneckerFactorization,
    PermutationFactorization,
    RealLinearFactorization,
)
from ._iterative import KrylovFactorization
from ._operator import LinearOperator
from ._real_linear import RealLinear
from ._recognition import conjugated_of, stein_of, sylvester_of, transposed_of, two_terms_of
from ._registry import registry
from ._sparse_lu import SparseKroneckerFactorization
from ._spectral import SpectralFactorization, pays, real_schur, spectral
from ._structures import Diagonal, Selection
from ._symmetric import restricted_of
from ._terms import Term, TermOperator


def _square_term(op: LinearOperator) -> Term | None:
    if isinstance(op, TermOperator) and len(op.parts) == 1:
        (term,) = op.parts
        if all(f.rows == f.cols for f in term.factors):
            return term
    return None


Maker = Callable[[], Factorization]


def _diagonal(op: LinearOperator) -> Maker | None:
    return (lambda: DiagonalFactorization(op)) if isinstance(op, Diagonal) else None


def _permutation(op: LinearOperator) -> Maker | None:
    if isinstance(op, Selection) and op.is_permutation:
        return lambda: PermutationFactorization(op)
    return None


def _kronecker(op: LinearOperator) -> Maker | None:
    term = _square_term(op)
    if term is None:
        return None
    has_sparse = any(f.is_sparse for f in term.factors)
    kind = SparseKroneckerFactorization if has_sparse else KroneckerFactorization
    return lambda: kind(term, op.dtype)


def _sylvester(op: LinearOperator) -> Maker | None:
    found = sylvester_of(op) if isinstance(op, TermOperator) else None
    return None if found is None else found.decompose


def _stein(op: LinearOperator) -> Maker | None:
    found = stein_of(op) if isinstance(op, TermOperator) else None
    return None if found is None else found.decompose


def _transposed(equation: Equation) -> Callable[[LinearOperator], Maker | None]:
    def maker(op: LinearOperator) -> Maker | None:
        found = transposed_of(op) if isinstance(op, TermOperator) else None
        if found is None or found.equation is not equation:
            return None
        return found.decompose

    return maker


def _conjugated(equation: Equation) -> Callable[[LinearOperator], Maker | None]:
    def maker(op: LinearOperator) -> Maker | None:
        found = conjugated_of(op) if isinstance(op, RealLinear) else None
        if found is None or found.equation is not equation:
            return None
        return lambda: RealLinearFactorization(found.decompose())

    return maker


def _of_conjugate(op: LinearOperator) -> Maker | None:
    if not isinstance(op, RealLinear) or not op.is_conjugate:
        return None
    return lambda: RealLinearFactorization(decompose(op.conjugated), conjugates=True)


def _generalized_sylvester(op: LinearOperator) -> Maker | None:
    found = two_terms_of(op) if isinstance(op, TermOperator) else None
    return None if found is None else found.decompose


def _in_one_basis(kind: str) -> Callable[[LinearOperator], Maker | None]:
    def maker(op: LinearOperator) -> Maker | None:
        if not isinstance(op, TermOperator) or not pays(op):
            return None
        found = real_schur(op) or spectral(op)
        if found is None or found.kind != kind:
            return None
        return lambda: SpectralFactorization(op, found)

    return maker


def _inverse(op: LinearOperator) -> Maker | None:
    return (lambda: InverseFactorization(op)) if isinstance(op, Inverse) else None


def _symmetric(op: LinearOperator) -> Maker | None:
    found = restricted_of(op)
    return None if found is None else found.decompose


def _chain(op: LinearOperator) -> Maker | None:
    if isinstance(op, Product) and all(a.shape[0] == a.shape[1] for a in op.chain):
        return lambda: ChainFactorization(op)
    return None


def _dense(op: LinearOperator) -> Maker | None:
    def make() -> Factorization:
        matrix = Factor(op.toarray(inexact_dtype(op.dtype)))  # MemoryError where it does not fit
        return KroneckerFactorization(Term.of([matrix]), op.dtype)

    return make


def _krylov(op: LinearOperator) -> Maker | None:
    return lambda: KrylovFactorization(op)


def _is_small(op: LinearOperator) -> bool:
    """Whether LU of the dense matrix is preferred to an iteration."""
    return op.shape[0] <= 1500 or not isinstance(op, (TermOperator, RealLinear))


class Method(NamedTuple):
    """One line of the decision list; `suits` says what it is chosen for without being named."""

    name: str
    why: str
    maker: Callable[[LinearOperator], Maker | None]
    suits: Callable[[LinearOperator], bool] = lambda op: True


#: The first that applies is used.
METHODS = (
    Method("diagonal", "it is diagonal: a division", _diagonal),
    Method("permutation", "it is a permutation: its transpose", _permutation),
    Method("kronecker", "one Kronecker term: an LU factorization of each factor", _kronecker),
    Method(
        "sylvester",
        "every term multiplies from one side, L X + X R: two Schur decompositions, or that of the "
        "smaller side and a Hessenberg form of the other, and substitution",
        _sylvester,
    ),
    Method(
        "tsylvester",
        "one term multiplies X from the left, one Xᵀ from the right, A X + Xᵀ B: a Schur form of "
        "a pencil, and substitution by pairs of entries",
        _transposed(TSYLVESTER),
    ),
    Method(
        "hsylvester",
        "one term multiplies a complex X from the left, one Xᴴ from the right, A X + Xᴴ B: a Schur "
        "form of a pencil, and substitution by pairs of entries",
        _conjugated(HSYLVESTER),
    ),
    Method("conjugate", "it holds X̄, but not X: X̄ is solved for", _of_conjugate),
    Method(
        "axb-cxtd",
        "one term with X and one with Xᵀ, A X B + C Xᵀ D: two coefficients are divided by, which "
        "leaves A X + Xᵀ B, or else a Schur form of all four",
        _transposed(AXB_CXTD),
    ),
    Method(
        "axb-cxhd",
        "one term with a complex X and one with Xᴴ, A X B + C Xᴴ D: two coefficients are divided "
        "by, which leaves A X + Xᴴ B, or else a Schur form of all four",
        _conjugated(AXB_CXHD),
    ),
    Method(
        "spectral",
        "all terms share one normal matrix, or commuting ones, in each mode: eigenvectors of each, "
        "and a division",
        _in_one_basis("spectral"),
    ),
    Method(
        "congruence",
        "in each mode two Hermitian matrices, one definite: generalized eigenvectors of each pair, "
        "and a division",
        _in_one_basis("congruence"),
    ),
    Method(
        "stein",
        "a multiple of X and one term from both sides, c X + L X R: two Schur decompositions and a "
        "triangular solve",
        _stein,
    ),
    Method(
        "generalized-sylvester",
        "two terms, A X B + C X D: two generalized Schur decompositions and a triangular solve",
        _generalized_sylvester,
    ),
    Method(
        "schur",
        "all terms share one matrix, or commuting ones, in each mode: a Schur decomposition of "
        "each, and substitution",
        _in_one_basis("schur"),
    ),
    Method("inverse", "it is an inverse: a product", _inverse),
    Method(
        "symmetric",
        "an equation in vech coordinates, such as Dᵀ M D, whose M keeps matrices symmetric: the "
        "decompositions of M",
        _symmetric,
    ),
    Method("chain", "a product of square operators: each is solved with in turn", _chain),
    Method(
        "dense", "no structure that a solver here uses: LU of the dense matrix", _dense, _is_small
    ),
    Method(
        "gmres",
        "a large sum of terms that share no basis: GMRES, or CG where all is definite, "
        "preconditioned by the nearest operator of one or two terms",
        _krylov,
    ),
)


def choose(op: LinearOperator, method: str) -> tuple[Method, Maker]:
    """The first method of the list that applies, and what makes its decompositions."""
    names = [m.name for m in METHODS]
    if method != "auto" and method not in names:
        raise ValueError(f"method is {method!r}, but must be 'auto' or one of {names}")
    if op.shape[0] != op.shape[1]:
        raise np.linalg.LinAlgError(
            f"the operator has shape {op.shape}, but only a square one can be solved with; "
            'on_singular="lstsq" gives the least-squares solution of minimum norm'
        )
    structure = in_terms(op._structure())
    for candidate in METHODS:
        if method == candidate.name or (method == "auto" and candidate.suits(structure)):
            maker = candidate.maker(structure)
            if maker is not None:
                return candidate, maker
    raise ValueError(f"method {method!r} does not apply to {structure!r}")


def decompose(op: LinearOperator) -> Factorization:
    """The decompositions of an operator, by the first method of the list that applies."""
    return choose(op, "auto")[1]()


def select_method(op: LinearOperator) -> str:
    """The method that `solve` would use for an operator, and why, in one sentence.

    Parameters
    ----------
    op : LinearOperator
        A square one.

    Returns
    -------
    str
        ``"name: reason"``; the name can be given to ``solve(…, method=name)``.

    Raises
    ------
    numpy.linalg.LinAlgError
        When the operator is not square.

    Notes
    -----
    The rules are tried in the order diagonal, permutation, kronecker, sylvester, tsylvester,
    hsylvester, conjugate, axb-cxtd, axb-cxhd, spectral, congruence, stein, generalized-sylvester,
    schur, inverse, symmetric, chain, dense (up to 1500 unknowns, where the operator is a sum of
    Kronecker terms), gmres. Chains of factors that are not square are multiplied out first. Of a
    complex X whose conjugate occurs the real and the imaginary parts count as unknowns.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.select_method(ox.kron([[2.0]], [[3.0]]))
    'kronecker: one Kronecker term: an LU factorization of each factor'
    """
    method, _ = choose(op, "auto")
    return f"{method.name}: {method.why}"


registry.solving["decompose"] = decompose
