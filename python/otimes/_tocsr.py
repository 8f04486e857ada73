"""Operators as sparse matrices: their entries as triplets, from the structure."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ._check import Array
from ._compounds import Cast, Conjugate, OperatorKronecker, Product, Sum
from ._factor import Factor
from ._memory import require_sparse
from ._operator import LinearOperator
from ._registry import registry
from ._structures import Diagonal
from ._terms import Term, TermOperator
from ._triangles import TriangleOperator

_PANEL = 1 << 20  # entries of the dense panels that are made of operators without a rule


class Triplets(NamedTuple):
    """Entries and their places; those at one place add up."""

    rows: Array
    cols: Array
    values: Array
    shape: tuple[int, int]

    def kron(self, other: Triplets) -> Triplets:
        (p, q), (m, n) = other.shape, self.shape
        return Triplets(
            np.add.outer(self.rows.astype(np.int64) * p, other.rows).ravel(),
            np.add.outer(self.cols.astype(np.int64) * q, other.cols).ravel(),
            np.multiply.outer(self.values, other.values).ravel(),
            (m * p, n * q),
        )


def tocsr(op: LinearOperator) -> Any:
    """``op.tocsr``: see `LinearOperator.tocsr`."""
    _scipy_sparse()
    structure = op._structure()
    dtype = _sparse_dtype(op.dtype)
    require_sparse(op.shape, stored_entries(structure), dtype)
    with np.errstate(all="ignore"):
        csr = _csr(structure).astype(dtype)
    csr.eliminate_zeros()
    csr.sort_indices()
    return csr


def _sparse_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float32) if dtype.char == "e" else dtype  # SciPy has no float16


def _scipy_sparse() -> Any:
    try:
        import scipy.sparse
    except ImportError:
        raise ImportError('tocsr needs SciPy: pip install "otimes[scipy]"') from None
    return scipy.sparse


def stored_entries(op: LinearOperator) -> float:
    """How many entries the sparse matrix stores, about."""
    match op:
        case TermOperator():
            return sum(math.prod(map(_nonzeros, t.factors)) for t in op.parts)
        case Diagonal():
            return len(op.entries)
        case TriangleOperator():
            return op.n**2 if op._weights()[1] else min(op.shape)
        case Sum():
            return min(op.size, sum(stored_entries(a) for _, a in op.addends))
        case Product():
            entries = stored_entries(op.chain[0])
            for a in op.chain[1:]:  # as many as products of entries, were they spread evenly
                entries *= stored_entries(a) / max(a.shape[0], 1)
            return min(op.size, entries)
        case OperatorKronecker():
            return math.prod(stored_entries(a) for a in op.operators)
        case Cast() | Conjugate():
            return stored_entries(op.operator)
    return op.size


def _nonzeros(f: Factor) -> int:
    return f.rows if f.is_identity else int(np.count_nonzero(f.values))


def _csr(op: LinearOperator) -> Any:
    """The sparse matrix by its structure."""
    match op:
        case TermOperator():
            return _assembled([_of_term(t, op.dtype) for t in op.parts])
        case Diagonal():
            n = np.arange(len(op.entries))
            entries = op.entries.astype(_sparse_dtype(op.dtype), copy=False)
            return _assembled([Triplets(n, n, entries, op.shape)])
        case TriangleOperator():
            return _assembled([_of_triangle(op)])
        case Cast():
            return _csr(op.operator).astype(_sparse_dtype(op.dtype))
        case Conjugate():
            return _csr(op.operator).conj()
        case Sum() | Product() | OperatorKronecker():
            compound = _of_compound(op)
            if compound is not None:
                return compound
    return _by_rows(op)


def _assembled(addends: list[Triplets]) -> Any:
    sparse = _scipy_sparse()
    rows, cols, values = (np.concatenate([t[k] for t in addends]) for k in range(3))
    return sparse.csr_array((values, (rows, cols)), shape=addends[0].shape)


def _of_term(term: Term, dtype: np.dtype[Any]) -> Triplets:
    """c (F₁⊗…⊗F_N) P: column k of the Kronecker product moves to where P takes it from."""
    finite = all(f.is_finite() for f in term.factors)
    factors = [_of_factor(f, dtype, finite and np.isfinite(term.coefficient)) for f in term.factors]
    product = factors[0]
    for f in factors[1:]:
        product = product.kron(f)
    values = product.values if term.coefficient == 1 else term.coefficient * product.values
    if not term.is_permuted:
        return product._replace(values=values)
    dims = [0] * len(factors)
    for factor, mode in zip(term.factors, term.order, strict=True):
        dims[mode] = factor.cols
    source = np.arange(term.cols).reshape(dims).transpose(term.order).ravel()
    return product._replace(values=values, cols=source[product.cols])


def _of_factor(f: Factor, dtype: np.dtype[Any], without_zeros: bool) -> Triplets:
    """A factor; its zeros stay where another one is not finite: 0·inf is nan."""
    if f.is_identity:
        n = np.arange(f.rows)
        return Triplets(n, n, np.ones(f.rows, dtype), f.shape)
    if f.is_sparse:
        stored = f.matrix.tocoo()
        return Triplets(stored.row, stored.col, stored.data.astype(dtype, copy=False), f.shape)
    kept = f.values != 0 if without_zeros else np.ones(f.shape, np.bool_)
    rows, cols = kept.nonzero()
    return Triplets(rows, cols, f.values[kept].astype(dtype, copy=False), f.shape)


def _of_triangle(op: TriangleOperator) -> Triplets:
    square = np.arange(op.n**2)
    triangle, weights = op.pairs(square)
    rows, cols = (square, triangle) if op.widens else (triangle, square)
    return Triplets(rows, cols, weights, op.shape)


def _of_compound(op: Sum | Product | OperatorKronecker) -> Any:
    """Sums and products of sparse matrices; None where something is not finite on the way.

    Its product with a stored zero is nan, but that with a zero that was dropped is missing.
    """
    parts: list[Any] = []
    match op:
        case Sum():
            if not all(np.isfinite(c) for c, _ in op.addends):
                return None
            parts = [c * _csr(a) for c, a in op.addends]
            return sum(parts[1:], start=parts[0])
        case Product():
            parts = [_csr(a) for a in op.chain]
        case OperatorKronecker():
            parts = [_csr(a) for a in op.operators]
    if not all(np.isfinite(p.data).all() for p in parts):
        return None
    total = parts[0]
    for part in parts[1:]:
        total = total @ part if isinstance(op, Product) else _kron(total, part)
        if not np.isfinite(total.data).all():
            return None
    return total


def _kron(a: Any, b: Any) -> Any:
    """A⊗B without the blocks of explicit zeros that `scipy.sparse.kron` makes of an identity."""
    a, b = a.tocoo(), b.tocoo()
    first, second = (Triplets(x.row, x.col, x.data, x.shape) for x in (a, b))
    return _assembled([first.kron(second)])


def _by_rows(op: LinearOperator) -> Any:
    sparse = _scipy_sparse()
    step = max(1, _PANEL // max(op.shape[1], 1))
    starts = range(0, max(op.shape[0], 1), step)
    panels = [np.arange(k, min(k + step, op.shape[0])) for k in starts]
    return sparse.vstack([sparse.csr_array(op._rows(p)) for p in panels], format="csr")


registry.algebra["tocsr"] = tocsr
