"""Numbers that tell of A = c (F₁⊗…⊗F_N) what those of its factors tell: det, norms, cond, rank.

Each takes the arguments of the function of `numpy.linalg` of its name, and returns `NotImplemented`
where the factors' numbers do not make up that of A. The work is that of the factors, O(Σ nᵢ³).
"""

from __future__ import annotations

import cmath
import itertools
import math
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ._check import Array, Scalar
from ._decompositions import all_singular_values
from ._dtypes import inexact_dtype, real_dtype
from ._factor import Factor
from ._identities import congruence
from ._kron_parts import kronecker_term, outer
from ._operator import LinearOperator
from ._terms import Term, flat_operator

# NumPy exports none of its result types
SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


def _real_type(a: LinearOperator) -> Any:
    return real_dtype(inexact_dtype(a.dtype)).type


# --- determinants --------------------------------------------------------------------------------


def _permutation_sign(term: Term) -> int:
    """The determinant of P: each pair of exchanged modes p, q is that of C(p,2) C(q,2) rows."""
    swaps = 0
    sizes = [f.cols for f in term.factors]
    for i, j in itertools.combinations(range(len(sizes)), 2):
        if term.order[i] > term.order[j]:
            p, q = sizes[i], sizes[j]
            swaps += math.comb(p, 2) * math.comb(q, 2) * (term.cols // (p * q))
    return -1 if swaps % 2 else 1


class _Determinant(NamedTuple):
    """det(A) = cⁿ · sign · ∏ det(Fᵢ)^kᵢ."""

    n: int
    coefficient: Scalar
    sign: int
    powers: list[tuple[Array, int]]  # Fᵢ and kᵢ


def _determinant(a: Any) -> _Determinant | None:
    """Of c (F₁⊗…⊗F_N) P, where kᵢ = n/nᵢ, and of c D⁺ (F⊗F) D, where k = m + 1."""
    if not isinstance(a, LinearOperator):
        return None
    found = congruence(a._structure())
    term = kronecker_term(a if found is None else flat_operator(found[1]))
    if term is None or any(f.rows != f.cols for f in term.factors):
        return None
    n, arrays = a.shape[0], [f.array for f in term.factors if f.array is not None]
    if found is not None:
        return _Determinant(n, term.coefficient, 1, [(arrays[0], len(arrays[0]) + 1)])
    powers = [(x, n // len(x)) for x in arrays]
    return _Determinant(n, term.coefficient, _permutation_sign(term), powers)


def slogdet(a: Any) -> Any:
    """det(A) as sign and logarithm, which never overflow."""
    parts = _determinant(a)
    if parts is None:
        return NotImplemented
    dtype = inexact_dtype(a.dtype)
    sign, logarithm = _slogdet(parts)
    real = sign if dtype.kind == "c" else sign.real
    return SlogdetResult(dtype.type(real), _real_type(a)(logarithm))


def _slogdet(parts: _Determinant) -> tuple[complex, float]:
    """The sign and log|det A|."""
    n, c = parts.n, complex(parts.coefficient)
    if c == 0:
        return 0j, -math.inf
    sign, logarithm = _unit_power(c / abs(c), n) * parts.sign, n * math.log(abs(c))
    for x, k in parts.powers:
        s, value = np.linalg.slogdet(x)
        sign *= _unit_power(complex(s), k)
        logarithm += k * float(value)
    return sign, logarithm


def _unit_power(sign: complex, k: int) -> complex:
    """signᵏ on the unit circle, exact for ±1 and 0."""
    if sign.imag == 0:
        return complex(sign.real**k)
    return cmath.exp(1j * k * cmath.phase(sign))


def det(a: Any) -> Any:
    """det(A), by logarithms where a power leaves the range."""
    parts = _determinant(a)
    if parts is None:
        return NotImplemented
    dtype = inexact_dtype(a.dtype)
    number = np.result_type(dtype, np.float64).type
    with np.errstate(all="ignore"):
        powers = [number(np.linalg.det(x)) ** k for x, k in parts.powers]
        powers.append(number(parts.coefficient) ** parts.n)
        value = np.prod(powers) * parts.sign
        if not all(1e-290 < abs(x) < 1e290 for x in (*powers, value)):
            sign, logarithm = _slogdet(parts)
            value = (sign if dtype.kind == "c" else sign.real) * np.exp(logarithm)
    return dtype.type(value)


# --- norms and condition numbers -----------------------------------------------------------------

#: The norms of matrices that are products of the factors' norms.
_MATRIX_NORMS: tuple[Any, ...] = ("fro", "f", "nuc", 1, -1, 2, -2, np.inf, -np.inf)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """‖A‖ = |c| ∏ ‖Fᵢ‖ for every norm of matrices, and for those of rows or columns."""
    if isinstance(axis, list) or axis == ():
        return NotImplemented
    axes = normalize_axis_tuple((0, 1) if axis is None else axis, 2)
    if len(axes) == 1:
        value = _line_norms(x, ord, axes[0])
    else:
        value = _matrix_norm(x if axes == (0, 1) else x.T, "fro" if ord is None else ord)
    if value is NotImplemented or not keepdims:
        return value
    return np.reshape(value, [1 if k in axes else x.shape[k] for k in range(2)])


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """‖vec A‖ = |c| ∏ ‖vec Fᵢ‖, and the norms of rows or columns."""
    if axis is not None and not isinstance(axis, int):
        return NotImplemented
    if axis is not None:
        return norm(x, ord, axis, keepdims)
    term = kronecker_term(x)
    if term is None:
        return NotImplemented
    norms = [np.linalg.vector_norm(_dense(f), ord=ord) for f in term.factors]
    value = _real_type(x)(_scale(term, ord) * math.prod(norms))
    return np.reshape(value, (1, 1)) if keepdims else value


def _dense(f: Factor) -> Array:
    return f.dense(np.dtype(np.float64)) if f.array is None else f.array


def _scale(term: Term, ord: Any) -> float:
    """What a vector's norm of this order makes of c; order 0 counts."""
    return float(term.coefficient != 0) if ord == 0 else abs(term.coefficient)


def _matrix_norm(a: LinearOperator, ord: Any) -> Any:
    term = kronecker_term(a)
    if term is None or ord not in _MATRIX_NORMS or (ord == -2 and not _has_all_values(term)):
        return NotImplemented
    return _real_type(a)(abs(term.coefficient) * math.prod(_norm_of(f, ord) for f in term.factors))


def _has_all_values(term: Term) -> bool:
    """Whether each singular value is a product of the factors'; else the smallest is zero."""
    return math.prod(min(f.shape) for f in term.factors) == min(term.rows, term.cols)


def _norm_of(f: Factor, ord: Literal["fro"]) -> float:
    """The norm of a factor: of an identity without forming it."""
    if f.array is not None:
        return float(np.linalg.norm(f.array, ord))
    return {"fro": math.sqrt(f.rows), "f": math.sqrt(f.rows), "nuc": float(f.rows)}.get(ord, 1.0)


def _line_norms(a: LinearOperator, ord: Any, axis: int) -> Any:
    """The norms of all columns (axis 0) or rows (axis 1)."""
    term = kronecker_term(a)
    if term is None or term.is_permuted:
        return NotImplemented
    norms = [np.linalg.norm(_dense(f), ord, axis) for f in term.factors]
    return (_scale(term, ord) * outer(norms)).astype(_real_type(a))


def cond(x: Any, p: Any = None) -> Any:
    """κ(A) = ∏ κ(Fᵢ) in every norm."""
    term = kronecker_term(x)
    order = 2 if p is None else p
    if term is None or order not in _MATRIX_NORMS or term.coefficient == 0:
        return NotImplemented
    square = all(f.rows == f.cols for f in term.factors)  # the others' norms are of inverses
    if not (_has_all_values(term) if order in (2, -2) else square):
        return NotImplemented
    value = math.prod(_cond_of(f, order) for f in term.factors)
    return _real_type(x)(math.inf if math.isnan(value) else value)


def _cond_of(f: Factor, p: Any) -> float:
    return _norm_of(f, p) ** 2 if f.array is None else float(np.linalg.cond(f.array, p))


def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The number of products σ(F₁)…σ(F_N) above the tolerance of the whole matrix."""
    if tol is not None and rtol is not None:
        return NotImplemented
    values = all_singular_values(A, hermitian)
    if values is NotImplemented:
        return NotImplemented
    tolerance = rank_tolerance(values, max(A.shape), tol, rtol)
    smallest = np.min(tolerance, initial=math.inf)
    if smallest < values[0] * np.finfo(inexact_dtype(A.dtype)).eps:
        return NotImplemented  # NumPy counts singular values that are rounding errors
    return number_above(values, tolerance)


def rank_tolerance(values: Array, size: int, tol: Any, rtol: Any) -> Array:
    """Below it a singular value counts as zero, as `numpy.linalg.matrix_rank` has it."""
    if tol is None:
        relative = size * np.finfo(values.dtype).eps if rtol is None else rtol
        tol = values.max() * np.asarray(relative)
    return np.asarray(tol)


def number_above(values: Array, tolerance: Array) -> Any:
    """How many values are larger; an array of tolerances has an array of numbers."""
    return np.count_nonzero(values > tolerance[..., np.newaxis], axis=-1)
