"""The vec family: vec, vech, veck and their inverses, on the last two axes."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any, Literal, ParamSpec

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from ._check import Array, Shape, as_array
from ._layout import as_exact
from ._registry import registry

Given = ParamSpec("Given")


def _or_elsewhere(function: Callable[Given, Array]) -> Callable[Given, Array]:
    """The function, or its version for traced and for chunked arrays."""

    @functools.wraps(function)
    def called(*args: Given.args, **kwargs: Given.kwargs) -> Array:
        other: Array = registry.elsewhere(called, args, kwargs)
        return function(*args, **kwargs) if other is NotImplemented else other

    return called


def _as_matrices(name: str, a: ArrayLike, *, square: bool) -> Array:
    x = as_array(name, a)
    require_matrices(name, x.shape, square=square)
    return x


def require_matrices(name: str, shape: Shape, *, square: bool) -> None:
    if len(shape) < 2 or (square and shape[-1] != shape[-2]):
        wanted = "(..., n, n)" if square else "(..., m, n)"
        raise ValueError(f"{name} has shape {shape}, but must be {wanted}")


def _as_vectors(name: str, v: ArrayLike) -> Array:
    x = as_array(name, v)
    require_vectors(name, x.shape)
    return x


def require_vectors(name: str, shape: Shape) -> None:
    if not shape:
        raise ValueError(f"{name} is a scalar, but must be (..., k)")


@_or_elsewhere
def vec(a: ArrayLike, order: Literal["F", "C"] = "F") -> Array:
    """vec(A): the columns of A stacked.

    ``vec(A)[i + j*m] == A[i, j]`` for A (m, n), hence ``vec(A X B) == kron(B.T, A) @ vec(X)``.

    Parameters
    ----------
    a : array_like, shape (..., m, n)
        Leading axes are a batch.
    order : {"F", "C"}
        ``"C"`` stacks the rows instead.

    Returns
    -------
    ndarray, shape (..., m*n)
        Of a's dtype. A view where NumPy can give one (for ``"F"``: Fortran-ordered `a`).

    Raises
    ------
    ValueError
        When `a` has fewer than two axes.
    TypeError
        When `a` does not hold numbers that otimes computes with.

    Notes
    -----
    O(mn) time and memory, O(1) for a view. Magnus & Neudecker, Matrix Differential Calculus, 2.4.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.vec([[1, 3], [2, 4]])
    array([1, 2, 3, 4])
    """
    x = _as_matrices("a", a, square=False)
    if is_column_major(order):
        x = x.swapaxes(-1, -2)
    return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


@_or_elsewhere
def unvec(
    v: ArrayLike, shape: tuple[int, int] | None = None, order: Literal["F", "C"] = "F"
) -> Array:
    """The matrix A with ``vec(A, order) == v``.

    Parameters
    ----------
    v : array_like, shape (..., m*n)
        Leading axes are a batch.
    shape : (m, n), optional
        Square when omitted.
    order : {"F", "C"}
        As in `vec`.

    Returns
    -------
    ndarray, shape (..., m, n)
        A view where NumPy can give one.

    Raises
    ------
    ValueError
        When the length of `v` is not m*n, or `shape` is omitted and it is not a square.

    Notes
    -----
    O(1) for contiguous `v`.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.unvec([1, 2, 3, 4])
    array([[1, 3],
           [2, 4]])
    """
    x = _as_vectors("v", v)
    m, n = sizes_of_matrix(x.shape[-1], shape)
    if is_column_major(order):
        return x.reshape(*x.shape[:-1], n, m).swapaxes(-1, -2)
    return x.reshape(*x.shape[:-1], m, n)


def sizes_of_matrix(length: int, shape: tuple[int, int] | None) -> tuple[int, int]:
    """The shape of the matrix with a vec of this length: the one given, or a square."""
    if shape is None:
        n = math.isqrt(length)
        if n * n != length:
            raise ValueError(f"v has length {length}, which is not a square; pass shape=(m, n)")
        return n, n
    m, n = _two_sizes(shape)
    if m < 0 or n < 0 or m * n != length:
        raise ValueError(f"v has length {length}, but shape ({m}, {n}) needs {m}·{n} = {m * n}")
    return m, n


def _two_sizes(shape: Any) -> tuple[int, int]:
    try:
        m, n = map(operator.index, shape)
    except (TypeError, ValueError):
        raise ValueError(f"shape is {shape}, but must be two sizes (m, n)") from None
    return m, n


def is_column_major(order: str) -> bool:
    if order not in ("F", "C"):
        raise ValueError(f"order is {order!r}, but must be 'F' or 'C'")
    return order == "F"


def _gather(name: str, a: ArrayLike, offset: int) -> Array:
    """The triangle below this offset from the diagonal, column by column."""
    x = _as_matrices(name, a, square=True)
    x = as_exact(x, x.dtype)
    n = x.shape[-1]
    out = np.empty((*x.shape[:-2], max(n - offset, 0) * (n - offset + 1) // 2), x.dtype)
    _core.gather_lower(x, offset, out)
    return out


def order_of(length: int, offset: int) -> int:
    """The n with n(n+1)/2 - offset*n == length."""
    n = (math.isqrt(8 * length + 1) - 1) // 2
    if n * (n + 1) // 2 != length:
        pattern = "n(n-1)/2" if offset else "n(n+1)/2"
        raise ValueError(f"v has length {length}, which is not {pattern} for any n")
    return n + offset


@_or_elsewhere
def vech(a: ArrayLike) -> Array:
    """vech(A): the lower triangle of A with its diagonal, column by column.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        Leading axes are a batch. The strictly upper triangle is not read.

    Returns
    -------
    ndarray, shape (..., n(n+1)/2)
        A new array in the dtype of `a`.

    Raises
    ------
    ValueError
        When the last two axes of `a` differ.

    Notes
    -----
    O(n²/2) time and memory. Magnus & Neudecker, The elimination matrix, SIAM J. Alg. Disc. Meth. 1
    (1980), doi:10.1137/0601049.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.vech([[1, 4, 7], [2, 5, 8], [3, 6, 9]])
    array([1, 2, 3, 5, 6, 9])
    """
    return _gather("a", a, 0)


@_or_elsewhere
def unvech(v: ArrayLike) -> Array:
    """The symmetric matrix S with ``vech(S) == v``.

    Parameters
    ----------
    v : array_like, shape (..., n(n+1)/2)
        Leading axes are a batch.

    Returns
    -------
    ndarray, shape (..., n, n)
        Both triangles, in the dtype of `v`.

    Raises
    ------
    ValueError
        When the length is not n(n+1)/2 for any n.

    Notes
    -----
    O(n²) time and memory. Complex input gives a symmetric matrix, not a Hermitian one.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.unvech([1, 2, 3])
    array([[1, 2],
           [2, 3]])
    """
    x = _as_vectors("v", v)
    n = order_of(x.shape[-1], 0)
    batch = np.require(x, requirements=("C", "A")).reshape(math.prod(x.shape[:-1]), x.shape[-1], 1)
    return _core.mirror_triangle(batch, n).reshape(*x.shape[:-1], n, n)


@_or_elsewhere
def veck(a: ArrayLike) -> Array:
    """veck(A): the strictly lower triangle of A, column by column.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        Leading axes are a batch. The diagonal and the upper triangle are not read.

    Returns
    -------
    ndarray, shape (..., n(n-1)/2)
        A new array in the dtype of `a`.

    Raises
    ------
    ValueError
        When the last two axes of `a` differ.

    Notes
    -----
    O(n²/2) time and memory. Magnus, Linear Structures (1988), chapter 6 (there ``v-tilde``).

    Examples
    --------
    >>> import otimes as ox
    >>> ox.veck([[0, -1, -2], [1, 0, -3], [2, 3, 0]])
    array([1, 2, 3])
    """
    return _gather("a", a, 1)


@_or_elsewhere
def unveck(v: ArrayLike) -> Array:
    """The skew-symmetric matrix S with ``veck(S) == v``.

    Parameters
    ----------
    v : array_like, shape (..., n(n-1)/2)
        Leading axes are a batch. The empty vector gives the 1 by 1 zero matrix.

    Returns
    -------
    ndarray, shape (..., n, n)
        Zeros on the diagonal, in the dtype of `v`.

    Raises
    ------
    ValueError
        When the length is not n(n-1)/2 for any n.
    TypeError
        When `v` is boolean or unsigned: such dtypes have no negatives.

    Notes
    -----
    O(n²) time and memory.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.unveck([1, 2, 3])
    array([[ 0, -1, -2],
           [ 1,  0, -3],
           [ 2,  3,  0]])
    """
    x = _as_vectors("v", v)
    if x.dtype.kind in "bu":
        raise TypeError(f"v has dtype {x.dtype}, which has no negatives; convert it first")
    n = order_of(x.shape[-1], 1)
    lower = np.zeros((*x.shape[:-1], n, n), x.dtype)
    _core.scatter_lower(as_exact(x, x.dtype), 1, lower)
    return np.subtract(lower, lower.swapaxes(-1, -2))
