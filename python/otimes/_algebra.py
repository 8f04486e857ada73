"""The closed algebra of operators: sums, products, powers, inverses, parts, other dtypes.

A result has a simpler form where there is one, but never one that costs more to apply.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ._check import Array, Scalar, Shape, as_array, is_scalar, warn, warn_dense
from ._compounds import Cast, Conjugate, Inverse, OperatorKronecker, Product, RealPart, Sum
from ._dtypes import inexact_dtype
from ._factor import Factor, snapshot
from ._memory import require_dense
from ._operator import LinearOperator
from ._registry import registry
from ._sparse import is_sparse, sparse_snapshot
from ._structures import Diagonal, LowRank, Repetition, Selection
from ._terms import Term, TermOperator, flat_operator, from_terms

# --- operators to start from ----------------------------------------------------------------------


def identity_operator(shape: Shape) -> LinearOperator:
    """I on arrays of this shape."""
    n = math.prod(shape)
    return from_terms([Term.of([Factor(None, n)])], shape, shape)


def zero_operator(in_shape: Shape, out_shape: Shape, dtype: np.dtype[Any]) -> LinearOperator:
    """The zero matrix: of rank 0."""
    left, right = (np.zeros((math.prod(shape), 0), dtype) for shape in (out_shape, in_shape))
    return LowRank(left, right, in_shape, out_shape)


def selection(sources: Array, size: int) -> LinearOperator:
    """S with (S x)ᵢ = x[sᵢ] for x (size,): rows of the identity, zero where sᵢ is -1."""
    if len(sources) == size and np.array_equal(sources, np.arange(size)):
        return identity_operator((size,))
    return Selection(sources, size)


def gathering(sources: Array, size: int) -> LinearOperator:
    """x ↦ x[s] as `selection`, but entries may be taken more than once."""
    used = sources[sources >= 0]
    if len(used) > 0 and np.bincount(used).max() > 1:
        return Repetition(sources, size)
    return selection(sources, size)


def as_operator(a: Any, name: str = "matrix") -> LinearOperator:
    """A matrix, a SciPy sparse matrix or an operator, as an operator."""
    if isinstance(a, LinearOperator):
        return a
    if hasattr(a, "toarray") and not is_sparse(a):
        require_dense(a.shape, a.dtype)
        a = a.toarray()
    factor = sparse_snapshot(name, a) if is_sparse(a) else snapshot(name, a)
    return flat_operator(Term.of([factor]))


def with_shapes(op: LinearOperator, in_shape: Shape, out_shape: Shape) -> LinearOperator:
    """The operator between arrays of other shapes (and the same sizes)."""
    if (op.in_shape, op.out_shape) == (in_shape, out_shape):
        return op
    if isinstance(op, TermOperator):
        return from_terms(op.parts, in_shape, out_shape)
    if isinstance(op, LowRank):
        return LowRank(op.left, op.right, in_shape, out_shape)
    if isinstance(op, Diagonal) and in_shape == out_shape:
        return Diagonal(op.entries, in_shape)
    if isinstance(op, Sum):
        return Sum(op.addends, in_shape, out_shape)
    return Product(_chain_of(op), in_shape, out_shape)


def dense(x: Any) -> Any:
    """The dense array of an operator; anything else as it is."""
    return x.toarray() if isinstance(x, LinearOperator) else x


# --- products ------------------------------------------------------------------------------------


Rule = Callable[[Any, Any], LinearOperator | None]


_rules: list[tuple[type[LinearOperator], type[LinearOperator], Rule]] = []


def rule(left: type[LinearOperator], right: type[LinearOperator]) -> Callable[[Rule], Rule]:
    """Register what the product of a `left` and a `right` becomes; None where nothing is gained."""

    def register(f: Rule) -> Rule:
        _rules.append((left, right, f))
        return f

    return register


def multiply(a: LinearOperator, b: LinearOperator) -> LinearOperator:
    """The matrix product, simplified where neighbours combine."""
    if a.shape[1] != b.shape[0]:
        raise ValueError(
            f"operators of shapes {a.shape} and {b.shape} cannot be multiplied: "
            f"{a.shape[1]} columns meet {b.shape[0]} rows"
        )
    in_shape, out_shape = _product_shapes(a, b)
    coefficient: Scalar = 1
    chain: list[LinearOperator] = []
    waiting = [*reversed((*_chain_of(a._structure()), *_chain_of(b._structure())))]
    while waiting:
        op = waiting.pop()
        if isinstance(op, Sum) and len(op.addends) == 1:
            coefficient = coefficient * op.addends[0][0]
            waiting += reversed(_chain_of(op.addends[0][1]))
        elif chain and (combined := _combine(chain[-1], op)) is not None:
            chain.pop()  # what has come of the two meets their neighbours again
            waiting += reversed(_chain_of(combined))
        else:
            chain.append(op)
    product = chain[0] if len(chain) == 1 else Product(tuple(chain), in_shape, out_shape)
    return settled(scale(coefficient, with_shapes(product, in_shape, out_shape)))


def _product_shapes(a: LinearOperator, b: LinearOperator) -> tuple[Shape, Shape]:
    """in_shape and out_shape of A B: a flat square operand takes the shape of the other."""
    if a.in_shape == b.out_shape:
        return b.in_shape, a.out_shape
    if a.in_shape == a.out_shape == (a.shape[0],):
        return b.in_shape, b.out_shape
    if b.in_shape == b.out_shape == (b.shape[0],):
        return a.in_shape, a.out_shape
    if len(a.in_shape) == 1 or len(b.out_shape) == 1:
        return b.in_shape, a.out_shape
    return (b.shape[1],), (a.shape[0],)


def _chain_of(op: LinearOperator) -> tuple[LinearOperator, ...]:
    return op.chain if isinstance(op, Product) else (op,)


def _combine(a: LinearOperator, b: LinearOperator) -> LinearOperator | None:
    """What the first rule that applies makes of the product of two neighbours, or None."""
    for left, right, f in _rules:
        if isinstance(a, left) and isinstance(b, right):
            combined = f(a, b)
            if combined is not None:
                return combined
    return None


def power(op: LinearOperator, k: int) -> LinearOperator:
    """The matrix power Aᵏ by repeated squaring."""
    if op.shape[0] != op.shape[1]:
        raise np.linalg.LinAlgError(
            f"power: the operator has shape {op.shape}, which is not square"
        )
    if k < 0:
        return power(op.inv(), -k)
    k = operator.index(k)
    result, square = identity_operator((op.shape[0],)), op
    if op.in_shape == op.out_shape:
        result = with_shapes(result, op.in_shape, op.out_shape)
    while k:
        if k & 1:
            result = multiply(square, result)
        k >>= 1
        square = multiply(square, square) if k else square
    return result


# --- inverses ------------------------------------------------------------------------------------


#: Inverses of compounds that higher modules know: each returns an operator, or None.
known_inverses: list[Callable[[LinearOperator], LinearOperator | None]] = []


def _inverse_of_term(op: TermOperator) -> LinearOperator:
    """(c F₁⊗…⊗F_N P)⁻¹ = Pᵀ (F₁⁻¹⊗…⊗F_N⁻¹)/c."""
    (term,) = op.parts
    if any(f.rows != f.cols for f in term.factors):
        raise np.linalg.LinAlgError(
            "inv: a square Kronecker product of rectangular factors is singular"
        )
    if term.coefficient == 0:
        raise np.linalg.LinAlgError("inv: the operator is zero")
    if any(f.is_sparse for f in term.factors):  # whose inverse is not sparse
        return Inverse(op)
    inverted = term.astype(inexact_dtype(op.dtype)).inverse()
    return from_terms([inverted], op.out_shape, op.in_shape)


def inverse(op: LinearOperator) -> LinearOperator:
    """A⁻¹: factor by factor for one Kronecker term, else an operator that solves."""
    op = op._structure()
    if op.shape[0] != op.shape[1]:
        raise np.linalg.LinAlgError(
            f"inv: the operator has shape {op.shape}, but only a square one has an inverse"
        )
    for known in known_inverses:
        inverted = known(op)
        if inverted is not None:
            return inverted
    if isinstance(op, TermOperator) and len(op.parts) == 1:
        return _inverse_of_term(op)
    if isinstance(op, Sum) and len(op.addends) == 1:
        ((c, addend),) = op.addends
        return with_shapes(scale(1 / c, inverse(addend)), op.out_shape, op.in_shape)
    if isinstance(op, Product) and all(a.shape[0] == a.shape[1] for a in op.chain):
        product = inverse(op.chain[-1])
        for a in reversed(op.chain[:-1]):
            product = multiply(product, inverse(a))
        return with_shapes(product, op.out_shape, op.in_shape)
    if isinstance(op, Diagonal):
        if not op.entries.all():
            raise np.linalg.LinAlgError("inv: the diagonal has a zero")
        return Diagonal(1 / op.entries, op.in_shape)
    if isinstance(op, Selection) and op.is_permutation:
        return op.T
    if isinstance(op, Inverse) and op.trans == "N":
        return op.operator
    solving = Inverse(op)
    solving._factors()  # says now whether there is an inverse
    return solving


# --- sums and multiples --------------------------------------------------------------------------


def scale(c: Scalar, op: LinearOperator) -> LinearOperator:
    """c A. A NumPy scalar promotes the dtype as it does an array's, a Python number its kind."""
    op = op._structure()
    if isinstance(c, (np.ndarray, np.generic)):
        if not op._is_neutral():
            op = astype(op, np.result_type(op.dtype, c.dtype))._structure()
        c = c.item()
    if isinstance(c, bool):
        if op.dtype == np.bool_:
            return op if c else zero_operator(op.in_shape, op.out_shape, op.dtype)
        c = int(c)
    if isinstance(c, int) and c == 1:
        return op
    if isinstance(op, TermOperator):
        scaled = (t._replace(coefficient=c * t.coefficient) for t in op.parts)
        return from_terms(scaled, op.in_shape, op.out_shape)
    if isinstance(op, Diagonal):
        return Diagonal(c * op.entries, op.in_shape)
    if isinstance(op, LowRank):
        return LowRank(c * op.left, op.right, op.in_shape, op.out_shape)
    addends = op.addends if isinstance(op, Sum) else ((1, op),)
    return settled(Sum(((c * d, x) for d, x in addends), op.in_shape, op.out_shape))


def add(a: Any, b: Any) -> Any:
    """A + B. A matrix of equal shape joins as a term; anything else broadcasts on the array."""
    x, y = _as_addend(a, b), _as_addend(b, a)
    if x is None or y is None:
        warn_dense("adding a scalar or a broadcast array to an operator")
        return dense(a) + dense(b)
    if x.shape != y.shape:
        raise ValueError(f"operators of shapes {x.shape} and {y.shape} cannot be added")
    if x.dtype.kind == y.dtype.kind == "b":  # or, which is not linear
        return with_shapes(as_operator(x.toarray() | y.toarray()), *common_shapes(x, y))
    in_shape, out_shape = common_shapes(x, y)
    terms: list[Term] = []
    rest: list[tuple[Scalar, LinearOperator]] = []
    for op in (x._structure(), y._structure()):
        for c, addend in op.addends if isinstance(op, Sum) else ((1, op),):
            if isinstance(addend, TermOperator):
                terms += (t._replace(coefficient=c * t.coefficient) for t in addend.parts)
            else:
                _join(rest, c, addend)
    if not rest:
        return from_terms(terms, in_shape, out_shape)
    if not terms and len(rest) == 1:
        return with_shapes(scale(*rest[0]), in_shape, out_shape)
    head = [(1, from_terms(terms, in_shape, out_shape))] if terms else []
    return settled(Sum((*head, *rest), in_shape, out_shape))


def _join(rest: list[tuple[Scalar, LinearOperator]], c: Scalar, op: LinearOperator) -> None:
    """Append c·op to a sum, merged with an addend of the same kind where that is cheaper."""
    for k, (d, other) in enumerate(rest):
        if other is op:
            rest[k] = (d + c, op)
            return
        if isinstance(op, Diagonal) and isinstance(other, Diagonal):
            rest[k] = (1, Diagonal(d * other.entries + c * op.entries, other.in_shape))
            return
        if isinstance(op, LowRank) and isinstance(other, LowRank):
            left = np.hstack([d * other.left, c * op.left])
            if left.shape[1] <= min(op.shape):
                right = np.hstack([other.right, op.right])
                rest[k] = (1, LowRank(left, right, other.in_shape, other.out_shape))
                return
    rest.append((c, op))


def common_shapes(a: LinearOperator, b: LinearOperator) -> tuple[Shape, Shape]:
    """in_shape and out_shape of a sum: a flat one takes the other's, different ones are flat."""
    pairs = (a.in_shape, b.in_shape), (a.out_shape, b.out_shape)
    if any(s != t and len(s) != 1 and len(t) != 1 for s, t in pairs):
        return (a.shape[1],), (a.shape[0],)
    in_shape, out_shape = (t if len(s) == 1 else s for s, t in pairs)
    return in_shape, out_shape


def _as_addend(x: Any, other: Any) -> LinearOperator | None:
    """`x` as an operator of the shape of `other`, or None where NumPy would broadcast."""
    if isinstance(x, LinearOperator):
        return x
    if is_scalar(x):
        return None
    a = as_array("operand", x)
    return as_operator(a) if a.shape == other.shape else None


def subtract(a: Any, b: Any) -> Any:
    """A - B."""
    x, y = _as_addend(a, b), _as_addend(b, a)
    if x is None or y is None:
        warn_dense("subtracting a scalar or a broadcast array")
        return dense(a) - dense(b)
    if x.dtype.kind == y.dtype.kind == "b":
        raise TypeError("bools cannot be subtracted; convert one operand with astype(int)")
    return add(x, scale(-1, _promoted(y, x)))


def _promoted(op: LinearOperator, other: LinearOperator) -> LinearOperator:
    """The operator in the dtype of its sum with another: -1 times an unsigned one wraps around."""
    if op._is_neutral() or other._is_neutral():
        return op
    return astype(op, np.result_type(op.dtype, other.dtype))


def negative(op: LinearOperator) -> LinearOperator:
    """-A."""
    if op.dtype.kind == "b":
        raise TypeError("bools have no negatives; convert the operator with astype(int)")
    if isinstance(op, Diagonal):  # of unsigned entries, which -1 is not
        return Diagonal(-op.entries, op.in_shape)
    return scale(-1, op)


# --- parts and other dtypes ----------------------------------------------------------------------


def real_part(op: LinearOperator) -> LinearOperator:
    """Re A."""
    op = op._structure()
    if op.dtype.kind != "c":
        return op
    if isinstance(op, Diagonal):
        return Diagonal(op.entries.real, op.in_shape)
    if isinstance(op, TermOperator) and all(map(_has_real_part, op.parts)):
        return from_terms(map(_real_term, op.parts), op.in_shape, op.out_shape)
    return RealPart(op)


def imag_part(op: LinearOperator) -> LinearOperator:
    """Im A = Re(-i A)."""
    if op.dtype.kind != "c":
        return zero_operator(op.in_shape, op.out_shape, op.dtype)
    return real_part(scale(-1j, op))


def _has_real_part(term: Term) -> bool:
    """Whether Re of the term is a term: at most one factor is complex."""
    return sum(f.dtype.kind == "c" for f in term.factors) <= 1


def _real_term(term: Term) -> Term:
    """Re of a term with at most one complex factor; a complex coefficient goes into that one."""
    c = term.coefficient
    if all(f.dtype.kind != "c" for f in term.factors):
        return term._replace(coefficient=c.real)

    def real(a: Array) -> Array:
        return (c * a).real if a.dtype.kind == "c" else a

    return Term(1, tuple(f.elementwise(real) for f in term.factors), term.order)


def astype(op: LinearOperator, dtype: np.dtype[Any]) -> LinearOperator:
    """The operator with its numbers converted."""
    op = op._structure()
    if dtype == op.dtype:
        return op
    if op.dtype.kind == "c" and dtype.kind in "fiu":
        warn("casting complex to real", np.exceptions.ComplexWarning)
        return astype(real_part(op), dtype)
    if dtype.kind not in "fc":  # truncated, or wrapped around
        return with_shapes(as_operator(op.toarray(dtype)), op.in_shape, op.out_shape)
    if isinstance(op, TermOperator) and all(_casts(t, dtype) for t in op.parts):
        return from_terms((_cast(t, dtype) for t in op.parts), op.in_shape, op.out_shape)
    if isinstance(op, Diagonal):
        return Diagonal(op.entries.astype(dtype), op.in_shape)
    return Cast(op, dtype)


def _casts(term: Term, dtype: np.dtype[Any]) -> bool:
    """Whether the factors can be cast: none of their numbers vanishes or overflows."""
    for f in term.factors:
        if not f.is_identity and not np.can_cast(f.dtype, dtype):
            values = f.values
            with np.errstate(all="ignore"):
                cast = values.astype(dtype)
            if (np.isfinite(cast) & (cast != 0) != np.isfinite(values) & (values != 0)).any():
                return False
    return True


def _cast(term: Term, dtype: np.dtype[Any]) -> Term:
    """The term with its factors converted; one without any gets a 1 by 1 unit that has a dtype."""
    if term.is_selection:
        unit = Factor(np.ones((1, 1), dtype))
        return Term(term.coefficient, (*term.factors, unit), (*term.order, len(term.order)))
    factors = tuple(f.astype(dtype) for f in term.factors)
    return term._replace(factors=factors)


# --- integers that wrap around, and bools --------------------------------------------------------


def settled(op: LinearOperator) -> LinearOperator:
    """The operator, but dense where its integers may wrap around or it adds bools.

    Neither is linear, so that such a matrix has no structure. (Sums of terms see to it themselves.)
    """
    exact = op.dtype.kind in "biu" and not op._is_neutral()
    compound = isinstance(op, (Sum, Product, OperatorKronecker))
    if not exact or not compound or (op.dtype.kind != "b" and _bound(op) <= np.iinfo(op.dtype).max):
        return op
    return with_shapes(as_operator(op.toarray()), op.in_shape, op.out_shape)


def _bound(op: LinearOperator) -> float:
    """What no entry of an integer operator exceeds; negative numbers wrap in unsigned ones."""
    match op:
        case TermOperator():
            return sum(
                abs(t.coefficient) * math.prod(f.largest() for f in t.factors) for t in op.parts
            )
        case Selection():
            return 1
        case Diagonal():
            return float(np.abs(op.entries.astype(float)).max(initial=0))
        case Sum():
            if op.dtype.kind == "u" and any(c.real < 0 for c, _ in op.addends):
                return math.inf
            return sum(abs(c) * _bound(a) for c, a in op.addends)
        case Product():
            inner = math.prod(a.shape[1] for a in op.chain[:-1])
            return inner * math.prod(_bound(a) for a in op.chain)
        case OperatorKronecker():
            return math.prod(_bound(a) for a in op.operators)
    return 1 if op._is_neutral() else math.inf


# --- terms as users see them ---------------------------------------------------------------------


def two_sided_terms(op: LinearOperator) -> list[tuple[Any, Array, Array, bool]]:
    """(c, L, R, transposed) for each term c (Rᵀ⊗L)[K] of an operator in that span."""
    op = op._structure()
    if not isinstance(op, TermOperator) or any(len(t.factors) > 2 for t in op.parts):
        raise NotImplementedError(
            f"terms: {op} is not a sum of Kronecker products of two factors; "
            "apply it, or take toarray()"
        )
    listed = []
    for term in op.parts:
        right, left = (f.dense(op.dtype) for f in ((Factor(None, 1),) * 2 + term.factors)[-2:])
        listed.append((term.coefficient, left, right.T, term.is_permuted))
    return listed


registry.algebra.update(
    add=add,
    subtract=subtract,
    multiply=multiply,
    scale=scale,
    power=power,
    inverse=inverse,
    negative=negative,
    real=real_part,
    imag=imag_part,
    conjugate=Conjugate,
    astype=astype,
    two_sided_terms=two_sided_terms,
)
