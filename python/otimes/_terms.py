"""The normal form of the algebra: sums of Kronecker terms, Σ c (F₁⊗…⊗F_N) P.

P permutes the modes of the operand (mode k of P x is mode ``order[k]`` of x). Identities, Kronecker
products and sums, commutation matrices and Jacobians of matrix polynomials are all of this form,
and one compiled plan applies it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

import numpy as np

from . import _core
from ._check import Array, as_array, compute_dtype, inexact_dtype, require_dense
from ._operator import LinearOperator, Scalar, Shape

#: The name of a factor for display: a product of (symbol, power, mark), mark in "", "T", "H", "*".
Label = tuple[tuple[str, int, str], ...]


class Factor:
    """One factor of a term: a matrix, or the identity (``array is None``) of size `rows`.

    The matrix is read-only: an operator is a snapshot, and its factors are seen by users. What a
    sparse matrix does otherwise is in _sparse.py.
    """

    __slots__ = ("array", "cols", "label", "rows")

    is_sparse = False

    array: Array | None
    rows: int
    cols: int

    def __init__(self, array: Array | None, size: int = 0, label: Label | None = None) -> None:
        self.array = None if array is None else _locked(array)
        self.rows, self.cols = (size, size) if array is None else array.shape
        self.label = label

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.cols

    @property
    def is_identity(self) -> bool:
        return self.array is None

    @property
    def matrix(self) -> Any:
        """What products with other factors are computed with: an array, or a CSR one."""
        return self.array

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.bool_) if self.array is None else self.array.dtype

    @property
    def stored(self) -> int:
        """The number of entries that a product multiplies with."""
        return 0 if self.array is None else self.array.size

    @property
    def values(self) -> Array:
        """The stored entries, of a matrix."""
        assert self.array is not None
        return self.array

    def __reduce__(self) -> tuple[Any, ...]:
        return Factor, (self.array, self.rows, self.label)

    def packed(self, dtype: np.dtype[Any]) -> Any:
        """What a plan of this dtype takes: a contiguous array, or the size of an identity."""
        if self.array is None:
            return self.rows
        order: Literal["F", "C"] = "F" if self.array.flags.f_contiguous else "C"
        return np.require(self.array, dtype, [order, "A"])  # unpickled ones lie anywhere

    def dense(self, dtype: np.dtype[Any]) -> Array:
        """The matrix in this dtype, read-only."""
        if self.array is None:
            require_dense(self.shape, dtype)
            return _locked(np.eye(self.rows, dtype=dtype))
        return _locked(self.array.astype(dtype, copy=False))

    def exported(self, dtype: np.dtype[Any]) -> Any:
        """The matrix as users see it."""
        return self.dense(dtype)

    def astype(self, dtype: np.dtype[Any]) -> Factor:
        return self.elementwise(lambda a: a.astype(dtype, copy=False), self.label)

    def largest(self) -> int:
        """The largest size of an entry of an integer matrix."""
        if self.array is None or self.array.size == 0:
            return 1
        return max(int(self.array.max()), -int(self.array.min()))

    def map(self, f: Callable[[Array], Array], label: Label | None = None) -> Factor:
        """f of the matrix, for an f that leaves the identity as it is."""
        return self if self.array is None else Factor(f(self.array), label=label)

    def elementwise(self, f: Callable[[Array], Array], label: Label | None = None) -> Factor:
        """f of each entry, for an f that maps 0 to 0 and 1 to 1."""
        return self.map(f, label)

    def transpose(self) -> Factor:
        return self.map(lambda a: a.T, label_map(self.label, "T"))

    def conj(self) -> Factor:
        if not self.is_identity and self.dtype.kind != "c":
            return self
        return self.elementwise(np.conj, label_map(self.label, "*"))

    def inverse(self) -> Factor:
        return self.map(
            lambda a: np.linalg.inv(a.astype(inexact_dtype(a.dtype), copy=False)),
            label_inverse(self.label),
        )

    def matmul(self, other: Factor) -> Factor:
        if self.is_identity:
            return other
        if other.is_identity:
            return self
        return Factor(self.matrix @ other.matrix, label=label_product(self.label, other.label))

    def hadamard(self, other: Factor, dtype: np.dtype[Any]) -> Factor:
        """The entrywise product, in this dtype."""
        return Factor(self.dense(dtype) * other.dense(dtype))

    def trace(self, dtype: np.dtype[Any]) -> Any:
        if self.array is None:
            return _wrapped(self.rows, dtype)
        return self.array.trace(dtype=dtype)

    def total(self, dtype: np.dtype[Any]) -> Any:
        if self.array is None:
            return _wrapped(self.rows, dtype)
        return self.array.sum(dtype=dtype)

    def equals(self, other: Factor) -> bool:
        if self.shape != other.shape or self.is_identity != other.is_identity or other.is_sparse:
            return False
        if self.array is None or other.array is None or self.array is other.array:
            return True
        return self.array.dtype == other.array.dtype and np.array_equal(self.array, other.array)

    def is_finite(self) -> bool:
        return self.array is None or bool(np.isfinite(self.array).all())

    def norm(self) -> float:
        """‖F‖_F, 1 for an identity."""
        return 1.0 if self.array is None else float(np.linalg.norm(self.array))

    def entries(self, rows: Array, cols: Array) -> tuple[Array, Array | None]:
        """The entries at pairs of indices, and which of them are zeros implied by structure."""
        if self.array is None:
            return np.ones(rows.shape, np.bool_), rows != cols
        return self.array[rows, cols], None

    def sample(self) -> Any:
        """Equal for equal factors, and almost never for others: the shape and a few entries."""
        if self.array is None or self.array.size == 0:
            return self.shape, self.array is None
        a = self.array
        return self.shape, a[0, 0], a[-1, -1], a[-1, 0], a[0, -1]


def _wrapped(n: int, dtype: np.dtype[Any]) -> Any:
    """A count as a number of this dtype, in which large ones wrap around."""
    return dtype.type(n if dtype.kind in "fc" else _coefficient(n, dtype))


def _locked(array: Array) -> Array:
    if not array.flags.writeable:
        return array
    view = array.view()
    view.setflags(write=False)
    return view


class Term(NamedTuple):
    """c (F₁⊗…⊗F_N) P."""

    coefficient: Scalar
    factors: tuple[Factor, ...]
    order: tuple[int, ...]

    @property
    def rows(self) -> int:
        return math.prod(f.rows for f in self.factors)

    @property
    def cols(self) -> int:
        return math.prod(f.cols for f in self.factors)

    @property
    def is_permuted(self) -> bool:
        return self.order != tuple(range(len(self.order)))

    @property
    def is_selection(self) -> bool:
        """Whether the term only moves entries: it has no dense factor."""
        return all(f.is_identity for f in self.factors)

    def transpose(self) -> Term:
        # (F P)ᵀ = Pᵀ Fᵀ, and Pᵀ moves to the right past the factors, permuting them
        inverse = tuple(int(k) for k in np.argsort(self.order))
        return Term(self.coefficient, tuple(self.factors[k].transpose() for k in inverse), inverse)

    def conj(self) -> Term:
        factors = tuple(f.conj() for f in self.factors)
        return Term(self.coefficient.conjugate(), factors, self.order)

    def astype(self, dtype: np.dtype[Any]) -> Term:
        """The factors in this dtype; real ones in its real counterpart, where that is cheaper."""
        real = np.dtype(dtype.char.lower()) if dtype.kind == "c" else dtype

        def cast(f: Factor) -> Factor:
            return f.astype(dtype if f.dtype.kind == "c" else real)

        return self._replace(factors=tuple(map(cast, self.factors)))

    def inverse(self) -> Term:
        # (F P)⁻¹ = Pᵀ F⁻¹
        c = self.coefficient
        inverted = Term(1, tuple(f.inverse().transpose() for f in self.factors), self.order)
        return inverted.transpose()._replace(coefficient=c if c == 1 else 1 / c)

    def matmul(self, other: Term) -> Term | None:
        """The product as one term, or None where the factors do not line up."""
        if len(self.factors) != len(other.factors):
            return None
        moved = [other.factors[k] for k in self.order]  # P (⊗G) = (⊗G_order) P
        if any(f.cols != g.rows for f, g in zip(self.factors, moved, strict=True)):
            return None
        return Term(
            self.coefficient * other.coefficient,
            tuple(f.matmul(g) for f, g in zip(self.factors, moved, strict=True)),
            tuple(other.order[k] for k in self.order),
        )

    def work(self) -> float:
        """Multiplications per column."""
        matrices = [(*f.shape, f.stored) for f in self.factors if not f.is_identity]
        return term_work(self.cols, matrices, self.is_permuted)

    def equals(self, other: Term) -> bool:
        """Whether the two differ in the coefficient only."""
        return (
            self.order == other.order
            and len(self.factors) == len(other.factors)
            and all(f.equals(g) for f, g in zip(self.factors, other.factors, strict=True))
        )


def term_work(columns: int, matrices: list[tuple[int, int, int]], permuted: bool) -> float:
    """Multiplications per column of a term with factors of (rows, columns, stored entries)."""
    rows, cols, stored = ([f[k] for f in matrices] for k in range(3))
    order = _core.application_order(rows, cols, stored)
    steps = _core.application_work(rows, cols, order, stored)
    identities = columns / max(math.prod(cols), 1)
    return identities * steps + (columns if permuted or not matrices else 0)


def label_map(label: Label | None, mark: str) -> Label | None:
    """The label of the transpose ("T") or the conjugate ("*") of what `label` names."""
    if label is None:
        return None
    atoms = reversed(label) if mark == "T" else label
    return tuple((symbol, power, _MARKS[old, mark]) for symbol, power, old in atoms)


_MARKS = {
    ("", "T"): "T",
    ("T", "T"): "",
    ("*", "T"): "H",
    ("H", "T"): "*",
    ("", "*"): "*",
    ("*", "*"): "",
    ("T", "*"): "H",
    ("H", "*"): "T",
}


def label_inverse(label: Label | None) -> Label | None:
    return label and tuple((symbol, -power, mark) for symbol, power, mark in reversed(label))


def label_product(a: Label | None, b: Label | None) -> Label | None:
    """The label of a product; neighbouring powers of one symbol join."""
    if a is None or b is None:
        return None
    if a and b and (a[-1][0], a[-1][2]) == (b[0][0], b[0][2]) and a[-1][1] + b[0][1] != 0:
        return (*a[:-1], (a[-1][0], a[-1][1] + b[0][1], a[-1][2]), *b[1:])
    return a + b


class TermOperator(LinearOperator):
    """What operators in normal form share; its leaves differ in name and attributes only."""

    __slots__ = ("parts",)

    parts: tuple[Term, ...]

    def __init__(self, parts: Iterable[Term], in_shape: Shape, out_shape: Shape) -> None:
        parts = tuple(parts)
        super().__init__(in_shape, out_shape, _dtype_of(parts))
        object.__setattr__(self, "parts", parts)

    def _is_neutral(self) -> bool:
        return all(term.is_selection for term in self.parts)

    def _result_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Operators that only move and scale entries keep the operand's dtype."""
        if not self._is_neutral():
            return np.result_type(self.dtype, dtype)
        scalars = [_weak(term.coefficient) for term in self.parts]
        if dtype.kind in "biu" and (len(self.parts) > 1 or scalars[0] is not True):
            dtype = np.result_type(dtype, np.int64)  # sums of small integers are not small
        return np.result_type(dtype, *scalars)

    def _plan_for(self, dtype: np.dtype[Any]) -> _core.TermPlan:
        """The compiled plan that computes in this dtype, kept for the next call."""
        plan: _core.TermPlan | None = self._cache.get(dtype.char)
        if plan is None:
            plan = self._cache[dtype.char] = compile_plan(self.parts, dtype)
            if dtype == self.dtype:
                object.__setattr__(self, "_plan", plan)
        return plan

    def _matmat(self, x: Array) -> Array:
        dtype = compute_dtype(self._result_dtype(x.dtype))
        n, k = x.shape
        if dtype.kind == "c" and self.dtype.kind != "c":  # one real product, not a complex one
            real = np.dtype(dtype.char.lower())
            pairs = _packed(x, dtype).view(real).reshape(1, n, 2 * k)
            return self._plan_for(real).apply(pairs).view(dtype).reshape(self.shape[0], k)
        return apply_along_columns(self._plan_for(dtype).apply, x, dtype)

    def _transpose(self) -> LinearOperator:
        return from_terms((t.transpose() for t in self.parts), self.out_shape, self.in_shape)

    def _conj(self) -> LinearOperator:
        return from_terms((t.conj() for t in self.parts), self.in_shape, self.out_shape)

    def _rows(self, indices: Array) -> Array:
        if len(self.parts) == 1 and _is_one_matrix(self.parts[0]):
            (factor,) = self.parts[0].factors
            if not factor.is_identity and not factor.is_sparse:
                return factor.dense(self.dtype)[indices]
        plan = self._plan_for(compute_dtype(self.dtype))
        return plan.rows(indices).astype(self.dtype, copy=False)

    def _entries(self, rows: Array, cols: Array) -> Array:
        dtype = compute_dtype(self.dtype)
        total = np.zeros(rows.shape, dtype)
        for k, term in enumerate(self.parts):
            entries = _entries_of(term, rows, cols, dtype)
            total = entries if k == 0 else total + entries
        return total.astype(self.dtype, copy=False)

    def _work(self) -> float:
        return sum(term.work() for term in self.parts)

    def _diagonal(self) -> Array:
        """The Kronecker product of the factors' diagonals, where they have them."""
        sparse = any(f.is_sparse for t in self.parts for f in t.factors)
        if sparse or not self._has_square_factors():
            return self._diagonal_at(0)
        require_dense(self.shape[:1], self.dtype)
        return sum((_diagonal_of(t, self.dtype) for t in self.parts), start=np.zeros(1, "?"))

    def _trace(self) -> Any:
        """The sum of the products of the factors' traces."""
        if not self._has_square_factors():
            return None
        return self._sum_of_products(np.ones(0, self.dtype).sum().dtype, Factor.trace)

    def _total(self, dtype: np.dtype[Any]) -> Any:
        """The sum of the products of the factors' sums."""
        total = self._sum_of_products(dtype, Factor.total)
        return total if np.isfinite(total) else super()._total(dtype)

    def _has_square_factors(self) -> bool:
        square = all(f.rows == f.cols for t in self.parts for f in t.factors)
        return square and not any(t.is_permuted for t in self.parts)

    def _sum_of_products(self, dtype: np.dtype[Any], of: Callable[[Factor, Any], Any]) -> Any:
        """Σ c ∏ of(Fᵢ) in this dtype, in which integers wrap around."""
        total = dtype.type(0)
        with np.errstate(all="ignore"):
            for term in self.parts:
                product = dtype.type(_coefficient(term.coefficient, dtype))
                for f in term.factors:
                    product = product * of(f, dtype)
                total = total + product
        return total


class TermSum(TermOperator):
    """A sum of Kronecker terms that has no name of its own."""

    __slots__ = ()


def _packed(x: Array, dtype: np.dtype[Any]) -> Array:
    """`x` as a kernel takes it: C-ordered, aligned and of its dtype."""
    array = np.require(x, dtype, ("C", "A"))
    return array if array.dtype.char == dtype.char else array.view(dtype)  # long long is int64


def apply_along_columns(apply: Callable[[Array], Array], x: Array, dtype: np.dtype[Any]) -> Array:
    """What a kernel that takes C-ordered (L, N, R) makes of columns x (N, k), in x's own order."""
    columns = x.flags.f_contiguous and not x.flags.c_contiguous
    y = apply(_packed(x.T, dtype)[:, :, None] if columns else _packed(x, dtype)[None])
    block: Array = y[:, :, 0].T if columns else y[0]
    return block


def _entries_of(term: Term, rows: Array, cols: Array, dtype: np.dtype[Any]) -> Array:
    """c F₁[i₁, j₁] … F_N[i_N, j_N] for each pair of flat indices."""
    dims = [0] * len(term.factors)
    for f, mode in zip(term.factors, term.order, strict=True):
        dims[mode] = f.cols
    i = places_of(rows, [f.rows for f in term.factors])
    j = places_of(cols, dims)
    values = np.full(rows.shape, _coefficient(term.coefficient, dtype), dtype)
    implied_zero = np.zeros(rows.shape, np.bool_)
    for k, f in enumerate(term.factors):
        row, col = i[k], j[term.order[k]]
        entries, implied = f.entries(row, col)
        if implied is not None:
            implied_zero |= implied
        if not f.is_identity:
            with np.errstate(all="ignore"):
                values = values * entries.astype(dtype, copy=False)
    values[implied_zero] = 0
    return values


def places_of(flat: Array, dims: list[int]) -> list[Array]:
    """The indices along each mode of flat indices in C order (of tensors of any size)."""
    places: list[Array] = []
    for size in reversed(dims):
        place = flat % max(size, 1)
        places.append(place if size > 2**62 else place.astype(np.intp, copy=False))
        flat = flat // max(size, 1)
    return places[::-1]


def _diagonal_of(term: Term, dtype: np.dtype[Any]) -> Array:
    result = np.full(1, term.coefficient, dtype)
    for f in term.factors:
        d = np.ones(f.rows, "?") if f.array is None else f.array.diagonal()
        result = np.multiply.outer(result, d).reshape(-1)
    return result.astype(dtype, copy=False)


def _weak(c: Scalar) -> Any:
    """What a coefficient promotes a dtype by: 1 nothing, other Python numbers their kind."""
    return True if type(c) is int and c == 1 else c


def _coefficient(c: Scalar, dtype: np.dtype[Any]) -> Scalar:
    """A coefficient for a plan of this dtype: integers wrap around as NumPy's do."""
    if dtype.kind not in "iu":
        return c
    wrapped = int(c.real) % 2**64
    return wrapped - 2**64 if dtype.kind == "i" and wrapped >= 2**63 else wrapped


def _dtype_of(parts: tuple[Term, ...]) -> np.dtype[Any]:
    dtypes = {f.dtype for t in parts for f in t.factors if not f.is_identity}
    weak = [_weak(t.coefficient) for t in parts]  # no set: 1.0 equals True
    if len(dtypes) == 1 and all(c is True for c in weak):
        return dtypes.pop()
    base = np.result_type(*dtypes) if dtypes else np.dtype(np.float64)
    return np.result_type(base, *weak)


def compile_plan(parts: tuple[Term, ...], dtype: np.dtype[Any]) -> _core.TermPlan:
    """The plan of these terms, factors packed in one contiguous dtype."""
    terms = [
        (_coefficient(t.coefficient, dtype), tuple(f.packed(dtype) for f in t.factors), t.order)
        for t in parts
    ]
    return _core.TermPlan(dtype.char, terms)


#: Leaf classes for sums that have a name: each returns an operator, or None.
named_forms: list[Callable[[tuple[Term, ...], Shape, Shape], LinearOperator | None]] = []


def from_terms(terms: Iterable[Term], in_shape: Shape, out_shape: Shape) -> LinearOperator:
    """The operator of a sum of terms: equal terms merged, the name of the structure found."""
    parts = merge(terms)
    if _wraps(parts):
        parts = (Term(1, (Factor(TermSum(parts, in_shape, out_shape).toarray()),), (0,)),)
    for form in named_forms:
        op = form(parts, in_shape, out_shape)
        if op is not None:
            return op
    return TermSum(parts, in_shape, out_shape)


def merge(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The terms with equal ones added up; one zero term stays where all cancel."""
    terms = tuple(terms)
    if len(terms) == 1:
        return terms
    merged: dict[Any, list[Term]] = {}
    for term in terms:
        group = merged.setdefault(_fingerprint(term), [])
        for k, other in enumerate(group):
            if term.equals(other):
                group[k] = other._replace(coefficient=other.coefficient + term.coefficient)
                break
        else:
            group.append(term)
    parts = [term for group in merged.values() for term in group]
    kept = [term for term in parts if not _vanishes(term)] or parts[:1]
    if len(kept) < len(parts) and _dtype_of(tuple(kept)) != _dtype_of(tuple(parts)):
        kept = parts  # a zero term may still have decided the dtype
    return tuple(kept)


def _wraps(parts: tuple[Term, ...]) -> bool:
    """Whether integers may wrap around, or bools be added: neither is linear.

    Such an operator has no structure: it becomes the dense matrix, whose entries are NumPy's.
    """
    dtype = _dtype_of(parts)
    if dtype.kind == "b":
        return len(parts) > 1
    if dtype.kind not in "iu" or (len(parts) == 1 and _is_one_matrix(parts[0])):
        return False
    if dtype.kind == "u" and any(t.coefficient.real < 0 for t in parts):
        return True
    bounds = (
        abs(int(t.coefficient.real)) * math.prod(f.largest() for f in t.factors) for t in parts
    )
    return sum(bounds) > np.iinfo(dtype).max


def _is_one_matrix(term: Term) -> bool:
    return term.coefficient == 1 and len(term.factors) == 1


def _vanishes(term: Term) -> bool:
    """Whether the term is zero; 0·inf is nan, so factors that are not finite stay."""
    return term.coefficient == 0 and all(f.is_finite() for f in term.factors)


def _fingerprint(term: Term) -> Any:
    """Equal for equal terms, and almost never for others: shapes and a few entries."""
    return term.order, tuple(f.sample() for f in term.factors)


def snapshot(name: str, a: Any, label: Label | None = None) -> Factor:
    """A factor that holds its own read-only copy of a matrix."""
    array = as_array(name, a)
    dtype = np.dtype(np.float32) if array.dtype.char == "e" else array.dtype
    array = np.array(array, dtype, order="C", copy=True)
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}, but must be a matrix")
    array.setflags(write=False)
    return Factor(array, label=label)
