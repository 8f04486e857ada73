"""Kronecker products and sums that are never formed."""

from __future__ import annotations

import itertools
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from ._algebra import add, as_operator, identity_operator, settled
from ._check import Shape, warn_dense
from ._compounds import OperatorKronecker
from ._factor import Factor, snapshot
from ._operator import LinearOperator
from ._registry import registry
from ._terms import Term, TermOperator, flat_operator, from_terms, named_forms

_MAX_MODES = 60  # NumPy arrays have at most 64 dimensions


class KroneckerProduct(TermOperator):
    """c (F₁⊗…⊗F_N), held as its factors."""

    __slots__ = ()

    @property
    def factors(self) -> tuple[Any, ...]:
        """The factors, read-only; a coefficient other than one belongs to the first.

        Sparse ones are new CSR arrays.
        """
        (term,) = self.parts
        first, *rest = (f.exported(self.dtype) for f in term.factors)
        return (first if term.coefficient == 1 else term.coefficient * first, *rest)


def _as_product(
    parts: tuple[Term, ...], in_shape: Shape, out_shape: Shape
) -> LinearOperator | None:
    if len(parts) == 1 and not parts[0].is_permuted and not parts[0].is_selection:
        return KroneckerProduct(parts, in_shape, out_shape)
    return None


named_forms.append(_as_product)


def product_of_terms(terms: list[Term]) -> Term:
    """T₁⊗T₂⊗…: coefficients multiply, factors and permutations stand side by side."""
    order: list[int] = []
    coefficient: Any = 1
    for term in terms:
        first = len(order)
        order += [first + k for k in term.order]
        coefficient = coefficient * term.coefficient
    return Term(coefficient, tuple(f for t in terms for f in t.factors), tuple(order))


def mode_shapes(terms: list[Term]) -> tuple[Shape, Shape]:
    """in_shape and out_shape of F₁⊗…⊗F_N: the factors' sizes in reverse; flat when too many."""
    term = product_of_terms(terms)
    if len(term.factors) > _MAX_MODES or term.is_permuted:
        return (term.cols,), (term.rows,)
    return (
        tuple(f.cols for f in reversed(term.factors)),
        tuple(f.rows for f in reversed(term.factors)),
    )


@overload
def kron(a: LinearOperator, b: ArrayLike | LinearOperator, *more: Any) -> LinearOperator: ...
@overload
def kron(a: ArrayLike, b: ArrayLike | LinearOperator, *more: Any) -> Any: ...
def kron(a: Any, b: Any, *more: Any) -> Any:
    """A⊗B⊗…: ``kron(A, B)[i*p + k, j*q + l] == A[i, j] * B[k, l]`` for B (p, q), never formed.

    A drop-in for `numpy.kron`: ``kron(A, B) @ x`` equals ``np.kron(A, B) @ x``, in
    O(mnq + mpq) work for A (m, n), B (p, q), and O(mq) memory. Both readings hold:
    ``K @ X.ravel() == (A @ X @ B.T).ravel()`` and ``K @ vec(X) == vec(B @ X @ A.T)``.

    Parameters
    ----------
    a, b, *more : array_like, SciPy sparse matrix or LinearOperator
        Matrices, of any shapes and dtypes; they are copied. Sparse ones stay sparse. Operators that
        are Kronecker products or sums of them are multiplied out, others are applied along their
        mode.

    Returns
    -------
    KroneckerProduct
        A `LinearOperator` of shape (∏ mᵢ, ∏ nᵢ) that maps arrays of ``in_shape == (n_N, …, n₁)``.
        When an operand is not two-dimensional, of a subclass of ndarray, or traced in a function
        given to `jacobian`: what `numpy.kron` returns.

    Raises
    ------
    TypeError
        When an operand does not hold numbers that otimes computes with.

    Notes
    -----
    Making the operator costs a copy of the factors. Van Loan, The ubiquitous Kronecker product,
    J. Comput. Appl. Math. 123 (2000), doi:10.1016/S0377-0427(00)00393-9.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> K = ox.kron([[1, 2], [3, 4]], [[0, 1], [1, 0]])
    >>> K @ [1, 0, 0, 0]
    array([0, 1, 0, 3])
    >>> K.shape, int(K[3, 2])
    ((4, 4), 4)
    """
    traced = registry.elsewhere(kron, (a, b, *more), {})
    if traced is not NotImplemented:
        return traced
    operands = [_operand(x, f"operand {k}") for k, x in enumerate((a, b, *more))]
    if all(isinstance(x, LinearOperator) or _is_plain_matrix(x) for x in operands):
        return _lazy_kron(operands)
    if any(isinstance(x, LinearOperator) for x in operands):
        warn_dense("the Kronecker product with such an array")
    result, *rest = (x.toarray() if isinstance(x, LinearOperator) else x for x in operands)
    for x in rest:
        result = np.kron(result, x)
    return result


def _operand(x: Any, name: str) -> Any:
    if isinstance(x, LinearOperator) or hasattr(x, "toarray"):
        return as_operator(x, name)
    return np.asanyarray(x)


def _is_plain_matrix(x: Any) -> bool:
    return type(x) is np.ndarray and x.ndim == 2


def _lazy_kron(operands: list[Any]) -> LinearOperator:
    """The product as terms, or mode by mode where an operand is no sum of terms."""
    sums = [_terms_of(x, f"operand {k}") for k, x in enumerate(operands)]
    if () in sums:
        return settled(OperatorKronecker(tuple(as_operator(x)._structure() for x in operands)))
    products = [product_of_terms(list(choice)) for choice in itertools.product(*sums)]
    if any(map(_has_infinite_entries, products)):
        products = [_formed(term) for term in products]
    if len(products) == 1:
        return from_terms(products, *mode_shapes([parts[0] for parts in sums]))
    return from_terms(products, (products[0].cols,), (products[0].rows,))


def _terms_of(x: Any, name: str) -> tuple[Term, ...]:
    """The terms of a matrix, or of an operator in normal form; none of others."""
    if not isinstance(x, LinearOperator):
        return (Term.of([snapshot(name, x)]),)
    op = x._structure()
    return op.parts if isinstance(op, TermOperator) else ()


def _has_infinite_entries(term: Term) -> bool:
    """Whether entries are infinite: inf·(x + y) is not inf·x + inf·y, so nothing factorises."""
    if any(f.is_sparse for f in term.factors):
        return False  # most of whose entries are zeros of structure, which are not multiplied
    dense = [f.values for f in term.factors if not f.is_identity]
    return len(dense) > 1 and any(a.dtype.kind in "fc" and np.isinf(a).any() for a in dense)


def _formed(term: Term) -> Term:
    """The term as one dense factor."""
    with np.errstate(invalid="ignore"):  # 0 times infinity
        return Term.of([Factor(flat_operator(term).toarray())])


def kronecker_sum(a: Any, b: Any, *more: Any) -> LinearOperator:
    """A⊕B = A⊗I + I⊗B, and A⊗I⊗I + I⊗B⊗I + I⊗I⊗C for more.

    ``kronecker_sum(A, B) @ vec(X) == vec(B @ X + X @ A.T)``. The other order of
    `scipy.sparse.kronsum`, which is I⊗A + B⊗I.

    Parameters
    ----------
    a, b, *more : array_like, SciPy sparse matrix or LinearOperator
        Square matrices; they are copied. Sparse ones stay sparse.

    Returns
    -------
    LinearOperator
        A sum of terms, of shape (∏ nᵢ, ∏ nᵢ). Its eigenvalues are all sums of one of each.

    Raises
    ------
    ValueError
        When an operand is not square.

    Notes
    -----
    A product costs the work of one product with each factor along its mode.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.kronecker_sum([[1, 2], [3, 4]], [[10]]).toarray()
    array([[11,  2],
           [ 3, 14]])
    """
    operators = [as_operator(x, f"operand {k}") for k, x in enumerate((a, b, *more))]
    for k, op in enumerate(operators):
        if op.shape[0] != op.shape[1]:
            raise ValueError(f"operand {k} has shape {op.shape}, but must be square")
    total: Any = None
    for k, op in enumerate(operators):
        eyes = [identity_operator((x.shape[0],)) for x in operators]
        term = _lazy_kron([*eyes[:k], op, *eyes[k + 1 :]])
        total = term if total is None else add(total, term)
    result: LinearOperator = total
    return result
