"""The table from NumPy functions to their structured versions.

A rule that returns `NotImplemented`, and every function without a rule, works on the dense array
(with a `DenseFallbackWarning`), so that the result is always NumPy's.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from . import _decompositions, _invariants, _least_squares
from ._algebra import add, dense, inverse, negative, power, subtract
from ._diagonal_functions import RULES as RULES_OF_DIAGONALS
from ._elementwise import divide, elementwise, elementwise_power
from ._factor import Factor
from ._kron import kron
from ._kron_parts import kronecker_term
from ._layout import along_axis
from ._operator import LinearOperator
from ._registry import registry
from ._spectral_functions import RULES as RULES_OF_SUMS
from ._terms import Term, TermOperator, from_terms


def _is_operator(*xs: Any) -> bool:
    return all(isinstance(x, LinearOperator) for x in xs)


def _matmul(a: Any, b: Any, out: Any = None) -> Any:
    product = a @ b if _is_operator(a) else b.__rmatmul__(a)
    if out is None or product is NotImplemented:
        return product
    (target,) = out
    if _is_operator(product) or target.shape != product.shape:
        return NotImplemented
    np.copyto(target, product, casting="same_kind")
    return target


def _dot(a: Any, b: Any) -> Any:
    if _is_operator(a):
        return a.dot(b)
    return b.dot(a) if np.ndim(a) == 0 else b.__rmatmul__(a)


def _transpose(a: Any, axes: Any = None) -> Any:
    return a.transpose(axes)


def _sum(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return a.sum(axis, dtype, keepdims=keepdims)


def _mean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return a.mean(axis, dtype, keepdims=keepdims)


def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return a.trace(offset, axis1, axis2, dtype)


def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return a.diagonal(offset, axis1, axis2)


def _size(a: Any, axis: Any = None) -> Any:
    if isinstance(axis, tuple):
        return NotImplemented
    return a.size if axis is None else a.shape[normalize_axis_index(operator.index(axis), 2)]


def _conjugate(a: Any) -> Any:
    return NotImplemented if a.dtype.kind == "b" else a.conj()  # of bools: int8


def _inv(a: Any) -> Any:
    """A⁻¹; of a Kronecker product factor by factor, where A and A⁻¹ stay in the dtype's range."""
    if not _is_in_range(a):
        return NotImplemented
    inverted = inverse(a)
    return inverted if _is_in_range(inverted) else NotImplemented


def _is_in_range(a: Any) -> bool:
    """Whether a Kronecker product has no entry that overflows, or is not finite."""
    op = a._structure()
    one_term = isinstance(op, TermOperator) and len(op.parts) == 1
    return not one_term or op.size == 0 or kronecker_term(op) is not None


def _matrix_power(a: Any, n: Any) -> Any:
    n = operator.index(n)
    if a.shape[0] != a.shape[1]:
        return NotImplemented
    if n == 0:  # NumPy keeps the dtype
        factors = (Factor(None, a.shape[0]), Factor(np.ones((1, 1), a.dtype)))
        return from_terms([Term(1, factors, (0, 1))], a.in_shape, a.in_shape)
    base = _inv(a) if n < 0 else a
    return base if base is NotImplemented else power(base, abs(n))


def _solve(a: Any, b: Any) -> Any:
    """A⁻¹ b, for b (M,), (M, k) or a stack (…, M, k) of these."""
    if not _is_operator(a) or _is_operator(b):
        return NotImplemented
    rhs = np.asarray(b)
    if a.shape[0] == a.shape[1] and (rhs.ndim == 0 or rhs.shape[-2:][0] != a.shape[0]):
        raise ValueError(
            f"solve: b has shape {rhs.shape}, but the operator has shape {a.shape}, so b needs "
            f"shape ({a.shape[0]},) or (..., {a.shape[0]}, k)"
        )
    if rhs.ndim < 3:
        return a.solve(rhs)
    return along_axis(a.solve, rhs, -2)


def _matvec(x1: Any, x2: Any) -> Any:
    """A x for every vector x of a stack (…, N)."""
    if not _is_operator(x1) or _is_operator(x2) or np.ndim(x2) == 0:
        return NotImplemented
    return np.asarray(x2) @ x1.T


def _vecmat(x1: Any, x2: Any) -> Any:
    """xᴴ A for every vector x of a stack (…, M)."""
    if not _is_operator(x2) or _is_operator(x1) or np.ndim(x1) == 0:
        return NotImplemented
    left = np.asarray(x1)
    return (left if left.dtype.kind == "b" else left.conj()) @ x2  # conj of bools: int8


def _multi_dot(arrays: Any) -> Any:
    """The product of a chain, from the end where an array keeps it narrow."""
    arrays = [x if _is_operator(x) else np.asanyarray(x) for x in arrays]
    dimensions = [x.ndim for x in arrays]
    if len(arrays) < 2 or set(dimensions[1:-1]) - {2} or not set(dimensions) <= {1, 2}:
        return NotImplemented
    if _is_operator(arrays[-1]):
        return functools.reduce(_matmul, arrays)
    return functools.reduce(lambda product, x: _matmul(x, product), reversed(arrays))


def _positive(a: Any) -> Any:
    return NotImplemented if a.dtype.kind == "b" else a


# What only looks at the entries: on the dense arrays, as op == x is, without a warning.


def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    if np.shape(a1) != np.shape(a2):
        return False
    return np.array_equal(dense(a1), dense(a2), equal_nan)


def _allclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    return np.allclose(dense(a), dense(b), rtol, atol, equal_nan)


def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return registry.functions[np.linalg.norm](x, ord, None, keepdims)


def attempts(*rules: Callable[..., Any]) -> Callable[..., Any]:
    """The first of some structured versions of one function that applies to its arguments."""

    @functools.wraps(rules[0])
    def first(*args: Any, **kwargs: Any) -> Any:
        results = (rule(*args, **kwargs) for rule in rules)
        return next((x for x in results if x is not NotImplemented), NotImplemented)

    return first


registry.functions.update(
    {
        np.matmul: _matmul,
        np.add: add,
        np.subtract: subtract,
        np.multiply: elementwise,
        np.divide: divide,
        np.power: lambda a, b: elementwise_power(a, b, np.power),
        np.negative: negative,
        np.positive: _positive,
        np.equal: lambda a, b: np.equal(dense(a), dense(b)),
        np.not_equal: lambda a, b: np.not_equal(dense(a), dense(b)),
        np.conjugate: _conjugate,
        np.kron: kron,
        np.dot: _dot,
        np.transpose: _transpose,
        np.matrix_transpose: lambda x, /: x.T,
        np.real: lambda val: val.real,
        np.imag: lambda val: val.imag,
        np.sum: _sum,
        np.mean: _mean,
        np.trace: _trace,
        np.diagonal: _diagonal,
        np.diag: lambda v, k=0: _diagonal(v, k),
        np.shape: lambda a: a.shape,
        np.ndim: lambda a: 2,
        np.size: _size,
        np.array_equal: _array_equal,
        np.allclose: _allclose,
    }
)

#: Functions of `numpy.linalg`; what is said of Kronecker products is the first to be asked.
registry.functions.update(
    {
        np.linalg.solve: _solve,
        np.linalg.lstsq: _least_squares.lstsq,
        np.linalg.inv: _inv,
        np.linalg.pinv: _least_squares.pinv,
        np.linalg.det: _invariants.det,
        np.linalg.slogdet: _invariants.slogdet,
        np.linalg.eig: _decompositions.eig,
        np.linalg.eigh: _decompositions.eigh,
        np.linalg.eigvals: _decompositions.eigvals,
        np.linalg.eigvalsh: _decompositions.eigvalsh,
        np.linalg.svd: _decompositions.svd,
        np.linalg.svdvals: _decompositions.svdvals,
        np.linalg.cholesky: _decompositions.cholesky,
        np.linalg.qr: _decompositions.qr,
        np.linalg.norm: _invariants.norm,
        np.linalg.matrix_norm: _matrix_norm,
        np.linalg.vector_norm: _invariants.vector_norm,
        np.linalg.cond: _invariants.cond,
        np.linalg.matrix_rank: _invariants.matrix_rank,
        np.linalg.matrix_power: _matrix_power,
        np.linalg.multi_dot: _multi_dot,
        np.linalg.matmul: lambda x1, x2, /: _matmul(x1, x2),
        np.linalg.trace: lambda x, /, *, offset=0, dtype=None: _trace(x, offset, dtype=dtype),
        np.linalg.diagonal: lambda x, /, *, offset=0: _diagonal(x, offset),
        np.linalg.matrix_transpose: lambda x, /: x.T,
    }
)

for name, rule in {"matvec": _matvec, "vecmat": _vecmat}.items():  # of NumPy 2.2
    if hasattr(np, name):
        registry.functions[getattr(np, name)] = rule

for rules in (RULES_OF_SUMS, RULES_OF_DIAGONALS):
    for function, rule in rules.items():
        others = registry.functions.get(function)
        registry.functions[function] = attempts(others, rule) if others else rule

registry.writers.update(
    {np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask}
)
