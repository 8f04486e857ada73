"""The table from NumPy functions to their structured versions.

A rule that returns `NotImplemented`, and every function without a rule, works on the dense array
(with a `DenseFallbackWarning`), so that the result is always NumPy's.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ._algebra import add, astype, inverse, negative, power, subtract
from ._elementwise import divide, elementwise, elementwise_power
from ._kron import KroneckerProduct, kron
from ._operator import LinearOperator, registry


def _is_operator(*xs: Any) -> bool:
    return all(isinstance(x, LinearOperator) for x in xs)


def _dense(x: Any) -> Any:
    return x.toarray() if isinstance(x, LinearOperator) else x


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


def _mean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return a.mean(axis, keepdims=keepdims)


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
    if parts is None or parts[0] == 0:
        return NotImplemented
    coefficient, factors = parts
    n, each = a.shape[0], [np.linalg.slogdet(f) for f in factors]
    sign = (coefficient / abs(coefficient)) ** n
    log = n * math.log(abs(coefficient))
    for f, (s, value) in zip(factors, each, strict=True):
        copies = n // f.shape[0]
        sign, log = sign * s**copies, log + copies * value
    kind = each[0]
    return type(kind)(kind.sign.dtype.type(sign), kind.logabsdet.dtype.type(log))


def _det(a: Any) -> Any:
    parts = _square_factors(a)
    if parts is None:
        return NotImplemented
    coefficient, factors = parts
    n, dets = a.shape[0], [np.linalg.det(f) for f in factors]
    with np.errstate(all="ignore"):
        det = coefficient**n * math.prod(
            d ** (n // f.shape[0]) for f, d in zip(factors, dets, strict=True)
        )
        if not (np.isfinite(det) and det != 0):  # a part may overflow where the whole does not
            sign, log = _slogdet(a) if coefficient else (0, -math.inf)
            det = sign * np.exp(log)
    return dets[0].dtype.type(det)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norms that factorise: Frobenius, 1, 2 and infinity."""
    op = x._structure()
    if axis is not None or keepdims or not isinstance(op, KroneckerProduct):
        return NotImplemented
    if ord not in (None, "fro", 1, np.inf, 2, "nuc"):
        return NotImplemented
    (term,) = op.parts
    norms = [np.linalg.norm(f.dense(op.dtype), ord) for f in term.factors]
    norm = abs(term.coefficient) * math.prod(norms)
    if not np.isfinite(norm):  # 0·inf is nan, in the product but not in a factor
        return NotImplemented
    return norms[0].dtype.type(norm)


def _solve(a: Any, b: Any) -> Any:
    return a.solve(b) if _is_operator(a) else NotImplemented


def _diag(v: Any, k: int = 0) -> Any:
    return v.diagonal(k)


def _matrix_power(a: Any, n: Any) -> Any:
    n = operator.index(n)
    return power(a, n) if n else astype(power(a, 0), a.dtype)


def _positive(a: Any) -> Any:
    return NotImplemented if a.dtype.kind == "b" else a


# What only looks at the entries: on the dense arrays, as op == x is, without a warning.


def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    if np.shape(a1) != np.shape(a2):
        return False
    return np.array_equal(_dense(a1), _dense(a2), equal_nan)


def _allclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    return np.allclose(_dense(a), _dense(b), rtol, atol, equal_nan)


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
        np.equal: lambda a, b: np.equal(_dense(a), _dense(b)),
        np.not_equal: lambda a, b: np.not_equal(_dense(a), _dense(b)),
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
        np.diag: _diag,
        np.shape: lambda a: a.shape,
        np.ndim: lambda a: 2,
        np.size: _size,
        np.array_equal: _array_equal,
        np.allclose: _allclose,
        np.linalg.solve: _solve,
        np.linalg.inv: inverse,
        np.linalg.det: _det,
        np.linalg.slogdet: _slogdet,
        np.linalg.norm: _norm,
        np.linalg.matrix_power: _matrix_power,
        np.linalg.trace: lambda x, /, *, offset=0, dtype=None: x.trace(offset, dtype=dtype),
        np.linalg.diagonal: lambda x, /, *, offset=0: x.diagonal(offset),
        np.linalg.matrix_transpose: lambda x, /: x.T,
    }
)

registry.writers.update(
    {np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask}
)
