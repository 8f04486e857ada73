"""Inverses, determinants, norms and powers."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from typing import Any

import numpy as np

from .._check import Array
from .._labels import label_inverse
from .._tape import Tangent
from .._traced_arrays import Traced, plain, rule, rules
from .elementwise import direction
from .reductions import shares, weighted
from .tangents import axes_of, kept, refuse, through, weighted_sum


@rule(np.linalg.inv, label=label_inverse)
def inv(a: Any) -> Any:
    """d(A⁻¹) = -A⁻¹ dA A⁻¹. Magnus & Neudecker, 8.4."""
    y = np.linalg.inv(a)
    return y, (lambda da: -(y @ da @ y),)


@rule(np.linalg.solve, linear="last")
def solve(a: Any, b: Any) -> Any:
    """d(A⁻¹ B) = A⁻¹ (dB - dA A⁻¹ B)."""
    x = np.linalg.solve(a, b)
    y = np.linalg.inv(a)
    one_vector = np.ndim(b) == 1 and np.ndim(a) > 2

    def by_matrix(da: Tangent) -> Any:
        _name_inverse(da, y, a)
        if one_vector:
            return -(y @ (da @ np.expand_dims(x, -1))).reshape(np.shape(x))
        return -(y @ (da @ x))

    def by_right_side(db: Tangent) -> Any:
        _name_inverse(db, y, a)
        return y @ db

    return x, (by_matrix, by_right_side)


def _name_inverse(d: Tangent, y: Any, a: Any) -> None:
    """Give A⁻¹ its name on the tape."""
    label = d.tape.label(a)
    if label and isinstance(y, np.ndarray):
        d.tape.own(y, label_inverse(label))


@rule(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """That of the inverse of the matrix whose rows are the first `ind` axes."""
    y = np.linalg.tensorinv(a, ind)
    rows, columns = np.shape(a)[:ind], np.shape(a)[ind:]
    n = math.prod(rows)
    flat = np.reshape(y, (n, n))
    return y, (lambda da: -(flat @ da.reshape((n, n)) @ flat).reshape((*columns, *rows)),)


@rule(np.linalg.tensorsolve, linear="last")
def tensorsolve(a: Any, b: Any) -> Any:
    """That of the solution with the matrix whose rows are the axes of B."""
    x = np.linalg.tensorsolve(a, b)
    n = np.size(b)
    y = np.linalg.inv(np.reshape(a, (n, n)))
    flat, shape = np.reshape(x, (n,)), np.shape(x)
    return x, (
        lambda da: -(y @ (da.reshape((n, n)) @ flat)).reshape(shape),
        lambda db: (y @ db.reshape((n,))).reshape(shape),
    )


@rule(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """d(Aⁿ) = Σₖ Aᵏ dA Aⁿ⁻¹⁻ᵏ, in O(log n) products by repeated squaring."""
    value = np.linalg.matrix_power(a, n)
    if n == 0:
        return value, (lambda da: da * 0,)
    return value, (through(_power, a, operator.index(n)),)


def _power(a: Any, n: int) -> Any:
    """Aⁿ by repeated squaring."""
    if n < 0:
        return _power(np.linalg.inv(a), -n)
    if n <= 3:
        return functools.reduce(np.matmul, [a] * n)
    half = _power(a, n // 2)
    return half @ half @ a if n % 2 else half @ half


@rule(np.linalg.multi_dot, linear="each")
def multi_dot(arrays: Any) -> Any:
    """d(A B C) = dA (B C) + A dB C + (A B) dC, as of the products in the order given."""
    value = np.linalg.multi_dot(arrays)
    last = len(arrays) - 1
    left = list(itertools.accumulate(arrays[:-1], np.matmul))
    right = list(itertools.accumulate(arrays[:0:-1], lambda product, x: x @ product))[::-1]

    def by(k: int) -> Any:
        before, after = left[k - 1] if k else None, right[k] if k < last else None

        def changed(d: Tangent) -> Any:
            d = d if before is None else before @ d
            return d if after is None else d @ after

        return changed

    return value, ([by(k) for k in range(last + 1)],)


# --- determinants --------------------------------------------------------------------------------


@rule(np.trace, linear="jointly")
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """d tr A = tr dA, along any diagonal."""
    value = np.trace(a, offset, axis1, axis2)
    axes = axes_of(np.ndim(a), (axis1, axis2))
    ones = np.eye(np.shape(a)[axis1], np.shape(a)[axis2], offset, plain(value).dtype)
    if np.ndim(a) == 2:
        return value, (lambda da: da.inner(ones if axes == (0, 1) else ones.T),)
    order = (*(k for k in range(np.ndim(a)) if k not in axes), *axes)
    return value, (lambda da: _over_matrices(da.permute(order), ones),)


def _over_matrices(d: Tangent, g: Any) -> Tangent:
    """Σ G ∘ d over each matrix of a batch."""
    return weighted_sum(d, g, (d.ndim - 2, d.ndim - 1), d.shape[:-2])


@rule(np.linalg.trace, linear="jointly")
def linalg_trace(a: Any, *, offset: int = 0) -> Any:
    return trace(a, offset, -2, -1)


@rule(np.linalg.det)
def det(a: Any) -> Any:
    """d det A = tr(adj(A) dA), which is det(A) tr(A⁻¹ dA) where A is regular."""
    value = np.linalg.det(a)
    # the adjugate of a matrix that is itself traced: by what has a second derivative
    gradient = _times_inverse(value, a) if isinstance(a, Traced) else cofactors(a)
    return value, (lambda da: _over_matrices(da, gradient),)


def _times_inverse(value: Any, a: Any) -> Any:
    """det(A) A⁻ᵀ."""
    return np.expand_dims(value, (-2, -1)) * np.matrix_transpose(np.linalg.inv(a))


@rule(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """d log|det A| = Re t, d sign = i sign Im t for t = tr(A⁻¹ dA); no d sign for real A."""
    value = np.linalg.slogdet(a)
    gradient = np.matrix_transpose(np.linalg.inv(a))
    by_sign = (lambda da: _over_matrices(da, gradient).imag * (1j * value[0]),)
    by_size = (lambda da: _over_matrices(da, gradient).real,)
    return value, (by_sign if np.iscomplexobj(plain(a)) else None, by_size)


def cofactors(a: Array) -> Array:
    """The gradient of det, (adj A)ᵀ, also where A is singular: by the SVD A = U S Vᴴ.

    adj(A)ᵀ = det(U) det(Vᴴ) conj(U) adj(S) conj(Vᴴ); the products of all singular values but one
    need no division.
    """
    u, s, vh = np.linalg.svd(a)
    one = np.ones_like(s[..., :1])
    before = np.concatenate([one, np.cumprod(s, -1)[..., :-1]], -1)[..., : s.shape[-1]]
    after = np.concatenate([np.cumprod(s[..., ::-1], -1)[..., ::-1][..., 1:], one], -1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    adjugate = before * after[..., : s.shape[-1]]
    return np.asarray((sign[..., None, None] * u.conj() * adjugate[..., None, :]) @ vh.conj())


# --- norms ---------------------------------------------------------------------------------------


@rule(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """d‖X‖ = Re Σ conj(G) ∘ dX, G a subgradient: the smallest one where the norm has a kink."""
    axes = axes_of(np.ndim(x), axis)
    value = np.linalg.norm(x, ord, axis, keepdims)
    if ord is None or len(axes) == 1:
        return _vector_norm(value, x, axes, 2 if ord is None else ord)
    return _matrix_norm(value, x, axes, ord)


@rule(np.linalg.vector_norm)
def vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    value = np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
    return _vector_norm(value, x, axes_of(np.ndim(x), axis), ord)


@rule(np.linalg.matrix_norm)
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    value = np.linalg.matrix_norm(x, keepdims=keepdims, ord=ord)
    return _matrix_norm(value, x, axes_of(np.ndim(x), (-2, -1)), ord)


def _vector_norm(value: Any, x: Any, axes: tuple[int, ...], p: Any) -> Any:
    """‖x‖_p has the gradient (|x|/‖x‖)ᵖ⁻¹ ∘ x/|x|; at the origin the zero of its subgradients."""
    if p == 0:
        refuse("np.linalg.norm of order 0", "it counts entries, and norms of other orders can")
    wide = np.reshape(value, kept(np.shape(x), axes))
    if p == 1:
        return weighted(value, axes, direction(x), real=True)
    if math.isinf(p):
        extreme = shares(np.abs(plain(x)), plain(wide))
        return weighted(value, axes, direction(x) * extreme, real=True)
    ratio = np.conj(x) / np.where(plain(wide) == 0, 1, wide)
    slope = ratio if p == 2 else direction(x) * np.abs(ratio) ** (p - 1)
    return weighted(value, axes, slope, real=True)


def _matrix_norm(value: Any, x: Any, axes: tuple[int, ...], p: Any) -> Any:
    """The norms of matrices that NumPy has: Frobenius, of rows or columns, by singular values."""
    if p == "fro":
        return _vector_norm(value, x, axes, 2)
    if p in (1, -1, math.inf, -math.inf):
        row, column = axes
        summed, compared = (row, column) if p in (1, -1) else (column, row)
        sums = np.abs(plain(x)).sum(summed, keepdims=True)
        extreme = (np.max if p > 0 else np.min)(sums, compared, keepdims=True)
        return weighted(value, axes, direction(x) * shares(sums, extreme), real=True)
    gradient = _spectral_gradient(np.moveaxis(plain(x), axes, (-2, -1)), p)
    if isinstance(x, Traced):
        refuse(f"the second derivative of np.linalg.norm of order {p}", "that of order 'fro' can")
    return weighted(value, axes, np.moveaxis(gradient, (-2, -1), axes).conj(), real=True)


def _spectral_gradient(x: Array, p: Any) -> Array:
    """U W Vᴴ of X = U S Vᴴ: W the largest (smallest) values' shares, or all that are not 0."""
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    if p == "nuc":
        tolerance = max(x.shape[-2:]) * np.finfo(x.dtype).eps * s.max(-1, keepdims=True, initial=0)
        weights = (s > tolerance).astype(s.dtype)
    else:
        weights = shares(s, (np.max if p > 0 else np.min)(s, -1, keepdims=True))
    return np.asarray((u * weights[..., None, :]) @ vt)


@rule(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """κ(A) = ‖A‖ ‖A⁻¹‖, for the spectral norm σ_max/σ_min."""
    return np.linalg.cond(x, p), (through(_condition, x, p),)


def _condition(x: Any, p: Any) -> Any:
    """‖A‖ ‖A⁻¹‖ by functions that have rules."""
    if p in (None, 2, -2):
        largest = np.linalg.norm(x, 2, (-2, -1))
        smallest = np.linalg.norm(x, -2, (-2, -1))
        return smallest / largest if p == -2 else largest / smallest
    return np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, (-2, -1))


# --- NumPy's second names ------------------------------------------------------------------------

for _alias, _function in (
    (np.linalg.matmul, np.matmul),
    (np.linalg.matrix_transpose, np.matrix_transpose),
    (np.linalg.outer, np.outer),
    (np.linalg.tensordot, np.tensordot),
):
    rules[_alias] = rules[_function]
