"""The table from NumPy functions to their structured versions.

A rule that returns `NotImplemented`, and every function without a rule, works on the dense array
(with a `DenseFallbackWarning`), so that the result is always NumPy's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._algebra import (
    add,
    divide,
    elementwise,
    elementwise_power,
    inverse,
    power,
    scale,
    subtract,
)
from ._kron import KroneckerProduct, kron
from ._operator import LinearOperator, registry


def _is_operator(*xs: Any) -> bool:
    return all(isinstance(x, LinearOperator) for x in xs)


def _matmul(a: Any, b: Any) -> Any:
    return a @ b if _is_operator(a) else b.__rmatmul__(a)


def _dot(a: Any, b: Any) -> Any:
    if _is_operator(a):
        return a.dot(b)
    return b * a if np.ndim(a) == 0 else b.__rmatmul__(a)


def _transpose(a: Any, axes: Any = None) -> Any:
    if axes is None or tuple(axes) in ((1, 0), (-1, -2)):
        return a.T
    return a if tuple(axes) in ((0, 1), (-2, -1)) else NotImplemented


def _sum(a: Any, axis: Any = None) -> Any:
    return a.sum(axis)


def _mean(a: Any, axis: Any = None) -> Any:
    return a.mean(axis)


def _trace(a: Any, offset: int = 0) -> Any:
    return a.trace() if offset == 0 else NotImplemented


def _diagonal(a: Any, offset: int = 0) -> Any:
    return a.diagonal() if offset == 0 else NotImplemented


def _size(a: Any, axis: Any = None) -> int:
    return int(a.size if axis is None else a.shape[axis])


def _square_factors(a: Any) -> tuple[Any, list[Any]] | None:
    """The coefficient and the factors of a Kronecker product whose factors are all square."""
    op = a._structure() if _is_operator(a) else None
    if not isinstance(op, KroneckerProduct):
        return None
    (term,) = op.parts
    if any(f.rows != f.cols for f in term.factors) or op.shape[0] == 0:
        return None
    return term.coefficient, [f.dense(op.dtype) for f in term.factors]


def _slogdet(a: Any) -> Any:
    """det(A⊗B) = det(A)^n det(B)^m, as sign and logarithm."""
    parts = _square_factors(a)
    if parts is None:
        return NotImplemented
    n = a.shape[0]
    each = [np.linalg.slogdet(f) for f in parts[1]]
    sign, log = np.sign(np.asarray(parts[0], a.dtype)) ** n, n * np.log(np.abs(parts[0]))
    for f, (s, value) in zip(parts[1], each, strict=True):
        copies = n // f.shape[0]
        sign, log = sign * s**copies, log + copies * value
    return type(each[0])(sign, log)


def _det(a: Any) -> Any:
    result = _slogdet(a)
    if result is NotImplemented:
        return NotImplemented
    return result.sign * np.exp(result.logabsdet)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norms that factorise: Frobenius, 1, 2 and infinity."""
    op = x._structure()
    if axis is not None or keepdims or not isinstance(op, KroneckerProduct):
        return NotImplemented
    if ord not in (None, "fro", 1, np.inf, 2, "nuc"):
        return NotImplemented
    (term,) = op.parts
    return abs(term.coefficient) * math.prod(
        np.linalg.norm(f.dense(op.dtype), ord) for f in term.factors
    )


def _solve(a: Any, b: Any) -> Any:
    return a.solve(b) if _is_operator(a) else NotImplemented


def _array_equal(a: Any, b: Any, equal_nan: bool = False) -> Any:
    return True if a is b and not equal_nan and a.dtype.kind in "biu" else NotImplemented


registry.functions.update(
    {
        np.matmul: _matmul,
        np.add: add,
        np.subtract: subtract,
        np.multiply: elementwise,
        np.divide: divide,
        np.power: elementwise_power,
        np.negative: lambda a: scale(-1, a),
        np.positive: lambda a: a,
        np.conjugate: lambda a: a.conj(),
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
        np.shape: lambda a: a.shape,
        np.ndim: lambda a: 2,
        np.size: _size,
        np.array_equal: _array_equal,
        np.linalg.solve: _solve,
        np.linalg.inv: inverse,
        np.linalg.det: _det,
        np.linalg.slogdet: _slogdet,
        np.linalg.norm: _norm,
        np.linalg.matrix_power: lambda a, n: power(a, n),
        np.linalg.trace: lambda x, /: x.trace(),
        np.linalg.diagonal: lambda x, /: x.diagonal(),
        np.linalg.matrix_transpose: lambda x, /: x.T,
    }
)
