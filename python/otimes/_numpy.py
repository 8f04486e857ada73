"""The table from NumPy functions to their structured versions.

A rule that returns `NotImplemented`, and every function without a rule, works on the dense array
(with a `DenseFallbackWarning`), so that the result is always NumPy's.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._algebra import add, inverse, negative, power, subtract
from ._elementwise import divide, elementwise, elementwise_power
from ._kron import KroneckerProduct, kron
from ._operator import LinearOperator, registry
from ._sums import RULES as RULES_OF_SUMS


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
    return v.diagonal() if k == 0 else NotImplemented


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
        np.power: elementwise_power,
        np.negative: negative,
        np.positive: _positive,
        np.equal: lambda a, b: np.equal(_dense(a), _dense(b)),
        np.not_equal: lambda a, b: np.not_equal(_dense(a), _dense(b)),
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
        np.linalg.matrix_power: lambda a, n: power(a, n),
        np.linalg.trace: lambda x, /: x.trace(),
        np.linalg.diagonal: lambda x, /: x.diagonal(),
        np.linalg.matrix_transpose: lambda x, /: x.T,
    }
)


def _also(function: Any, rule: Callable[..., Any]) -> None:
    """Try `rule` where what is registered for a NumPy function does not apply."""
    first = registry.functions.get(function)
    if first is None:
        registry.functions[function] = rule
        return

    @functools.wraps(first)  # its signature: that of the NumPy function
    def either(*args: Any, **kwargs: Any) -> Any:
        result = first(*args, **kwargs)
        return rule(*args, **kwargs) if result is NotImplemented else result

    registry.functions[function] = either


for _function, _rule in RULES_OF_SUMS.items():
    _also(_function, _rule)

registry.writers.update(
    {np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask}
)
