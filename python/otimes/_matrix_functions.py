"""Functions of matrices."""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import ArrayLike

from . import _core
from ._check import Array, as_inexact, require_finite, warn
from ._equations import SYLVESTER
from ._operator import LinearOperator
from ._registry import registry


@overload
def expm(a: LinearOperator, *, check_finite: bool = ...) -> LinearOperator: ...
@overload
def expm(a: ArrayLike, *, check_finite: bool = ...) -> Array: ...
def expm(a: Any, *, check_finite: bool = True) -> Any:
    """The matrix exponential e^A = Σ Aᵏ / k!.

    Of an operator its structure is used: e^(A⊗I + I⊗B) = e^A ⊗ e^B, with ``kronecker_sum(A, B)``
    for A⊗I + I⊗B and any number of matrices.

    Parameters
    ----------
    a : array_like, shape (..., n, n), or LinearOperator
        The matrix; leading axes are a batch.
    check_finite : bool
        Raise for NaN and Inf. If False, they make the result NaN.

    Returns
    -------
    ndarray or LinearOperator
        Of the shape and the dtype of `a`, integers and bool counting as float64. For a sum of
        operators on different modes (and multiples of the identity) a Kronecker product of
        exponentials; for a function of one Hermitian matrix in each mode, such as A⊗B + c I, a
        product of operators; for a diagonal operator one. For other operators the dense array.

    Raises
    ------
    ValueError
        When `a` is not square, or contains NaN or Inf.

    Warns
    -----
    RuntimeWarning
        The result overflows.
    DenseFallbackWarning
        An operator has none of these structures.

    Notes
    -----
    Scaling and squaring of Padé approximants: up to 2 (7 + s) n³ flops, s = log₂(‖A‖/4) squarings,
    fewer where the powers of A are smaller than those of ‖A‖; 8 n² of memory. The diagonal of a
    triangular matrix is that of the scalar function. The tests measure against arithmetic of 200
    digits. The derivative along D is the block at the upper right of the exponential of
    [[A, D], [0, A]]; one of order k costs the exponential of a matrix of order 2ᵏ n.

    References
    ----------
    Higham 2005, doi:10.1137/04061101X; Al-Mohy & Higham 2009, doi:10.1137/09074721X. Derivatives:
    Higham 2008, Functions of Matrices, theorem 3.6.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> ox.expm([[0.0, 1.0], [0.0, 0.0]])
    array([[1., 1.],
           [0., 1.]])
    >>> A, B = np.diag([1.0, 2.0]), np.array([[0.0, 1.0], [0.0, 0.0]])
    >>> E = ox.expm(ox.kronecker_sum(A, B))
    >>> np.allclose(E.toarray(), ox.expm(ox.kronecker_sum(A, B).toarray()))
    True
    """
    result = _core.expm(a, check_finite)
    if result is None:
        elsewhere = _dispatched(expm, a)
        if elsewhere is not NotImplemented:
            return elsewhere
        result = _core.expm(_stack("expm", a, check_finite), False)
        assert result is not None
    exponential, overflows = result
    if overflows:
        warn("expm: the result overflows", RuntimeWarning)
    return exponential


@overload
def sqrtm(a: LinearOperator, *, check_finite: bool = ...) -> Any: ...
@overload
def sqrtm(a: ArrayLike, *, check_finite: bool = ...) -> Array: ...
def sqrtm(a: Any, *, check_finite: bool = True) -> Any:
    """The principal square root X with X² = A: its eigenvalues have positive real parts.

    A (..., n, n) → X (..., n, n). There is one such X when A has no eigenvalue on the closed
    negative real axis; of a Hermitian A also with eigenvalues 0.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        The matrix; leading axes are a batch.
    check_finite : bool
        Raise for NaN and Inf. If False, they make the result NaN.

    Returns
    -------
    ndarray
        Of the shape and the dtype of `a`, integers and bool counting as float64: real for real A.

    Raises
    ------
    LinAlgError
        An eigenvalue is negative, or zero and A not Hermitian; or, as where rounding splits a
        defective eigenvalue 0, X² would differ from A by more than 1.5e-8 ‖A‖.
    ValueError
        When `a` is not square, or contains NaN or Inf.

    Notes
    -----
    A Schur decomposition in complex arithmetic (about 100 n³ real flops), then a recursion on the
    triangular matrix: the roots of its diagonal blocks, and a Sylvester equation for the block
    between them. A Hermitian A by its eigenvalues. Memory for about ten copies of A.
    The derivative is X dX + dX X = dA, a Sylvester equation.

    References
    ----------
    Björck & Hammarling 1983, doi:10.1016/0024-3795(83)80010-X; Deadman, Higham & Ralha 2013,
    doi:10.1007/978-3-642-36803-5_12.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> X = ox.sqrtm([[1.0, 3.0], [0.0, 4.0]])
    >>> np.allclose(X, [[1, 1], [0, 2]])
    True
    >>> print(ox.jacobian(ox.sqrtm, np.diag([1.0, 4.0])))
    (I₂ ⊗ [2×2] + [2×2] ⊗ I₂)⁻¹
    """
    elsewhere = _dispatched(sqrtm, a)
    return _of_each(sqrtm, a, check_finite) if elsewhere is NotImplemented else elsewhere


@overload
def logm(a: LinearOperator, *, check_finite: bool = ...) -> Any: ...
@overload
def logm(a: ArrayLike, *, check_finite: bool = ...) -> Array: ...
def logm(a: Any, *, check_finite: bool = True) -> Any:
    """The principal logarithm X with e^X = A: its eigenvalues have imaginary parts in (-π, π).

    A (..., n, n) → X (..., n, n). There is one such X when A has no eigenvalue on the closed
    negative real axis.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        The matrix; leading axes are a batch.
    check_finite : bool
        Raise for NaN and Inf. If False, they make the result NaN.

    Returns
    -------
    ndarray
        Of the shape and the dtype of `a`, integers and bool counting as float64: real for real A.

    Raises
    ------
    LinAlgError
        An eigenvalue is negative or zero.
    ValueError
        When `a` is not square, or contains NaN or Inf.

    Notes
    -----
    Inverse scaling and squaring: a Schur decomposition in complex arithmetic, square roots of its
    triangular matrix T until ‖T - I‖₁ ≤ ¼, and the Padé approximant of degree 8 as a sum of eight
    partial fractions, whose error is below rounding there; about (100 + 40 s) n³ real flops for s
    roots. A Hermitian A by its eigenvalues. Memory for about ten copies of A. Derivatives as of
    `expm`.

    References
    ----------
    Kenney & Laub 1989, doi:10.1137/0610014; Dieci, Morini & Papini 1996,
    doi:10.1137/S0895479894273614; Higham 2008, Functions of Matrices, section 11.5.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> X = ox.logm([[1.0, 2.0], [0.0, 1.0]])
    >>> np.allclose(X, [[0, 2], [0, 0]])
    True
    """
    elsewhere = _dispatched(logm, a)
    return _of_each(logm, a, check_finite) if elsewhere is NotImplemented else elsewhere


# --- roots and logarithms by Schur decomposition -------------------------------------------------


def _of_each(function: Any, a: Any, check_finite: bool) -> Array:
    """The function of each matrix of a batch, computed in double precision."""
    stack = _stack(function.__name__, a, check_finite)
    if not np.isfinite(stack).all():
        return np.full_like(stack, np.nan)
    result = np.empty_like(stack)
    for index in np.ndindex(stack.shape[:-2]):
        result[index] = _by_eigenvalues(function, stack[index])
    return result


def _by_eigenvalues(function: Any, a: Array) -> Array:
    """The function of one matrix: of a Hermitian one by its eigenvalues, else by its Schur form."""
    wide = a.astype(np.result_type(a, np.float64))
    of_number, of_triangle = _METHODS[function]
    if (wide == wide.conj().T).all():
        w, v = np.linalg.eigh(wide)
        tiny = len(w) * np.finfo(w.dtype).eps * np.abs(w).max(initial=0)
        if function is sqrtm:
            w = np.where((w < 0) & (w >= -tiny), 0, w)
        _require_principal(function, w, 0.0, zero=function is sqrtm)
        return np.asarray((v * of_number(w)) @ v.conj().T)
    t, basis = _core.schur(np.asarray(wide, np.complex128, order="F"))
    w = t.diagonal()
    _require_principal(function, w, len(w) * float(np.finfo(float).eps) * float(np.linalg.norm(t)))
    x = basis @ of_triangle(t) @ basis.conj().T
    x = np.asarray(x if wide.dtype.kind == "c" else x.real)
    if function is sqrtm:
        _require_root(x, wide)
    return x


def _require_root(x: Array, a: Array) -> None:
    """Raise where X has not even half of the digits, as a defective eigenvalue 0 makes it."""
    size = float(np.linalg.norm(a))
    error = float(np.linalg.norm(x @ x - a)) / size if size else 0.0
    if error > math.sqrt(np.finfo(float).eps):
        raise LinAlgError(
            f"sqrtm: a is so close to a matrix without a square root that X² differs from it by "
            f"{error:.1e} of its norm"
        )


def _require_principal(function: Any, w: Array, tiny: float, zero: bool = False) -> None:
    """Raise where an eigenvalue is on the closed negative real axis, but for rounding errors."""
    outside = (w.real <= tiny) & (np.abs(w.imag) <= tiny)
    if zero:
        outside = w < 0
    if outside.any():
        raise LinAlgError(
            f"{function.__name__}: a has the eigenvalue {w[outside][0].real:.6g}, on the closed "
            "negative real axis, so there is no principal value"
        )


def _root_of_triangle(t: Array) -> Array:
    """The root of [[P, Q], [0, R]] is [[√P, Y], [0, √R]] with √P Y + Y √R = Q."""
    n = len(t)
    if n <= 1:
        return np.sqrt(t)
    k = n // 2
    left, right = _root_of_triangle(t[:k, :k]), _root_of_triangle(t[k:, k:])
    solved = SYLVESTER.core.solve((left, right), np.ascontiguousarray(t[:k, k:]), False)
    assert solved is not None
    return np.block([[left, solved[0]], [np.zeros((n - k, k)), right]])


def _log_of_triangle(t: Array) -> Array:
    """2ˢ log T^(1/2ˢ), the logarithm of what is near I as ∫₀¹ (I + τ (T - I))⁻¹ (T - I) dτ."""
    eye, root, roots = np.eye(len(t)), t, 0
    while np.linalg.norm(root - eye, 1) > 0.25:
        root, roots = _root_of_triangle(root), roots + 1
    x = root - eye
    nodes, weights = np.polynomial.legendre.leggauss(8)
    log = sum(
        0.5 * weight * np.linalg.solve(eye + 0.5 * (1 + node) * x, x)
        for node, weight in zip(nodes, weights, strict=True)
    )
    # the diagonal is known to the last digit
    return np.asarray(2.0**roots * np.triu(log, 1) + np.diag(np.log(t.diagonal())))


_METHODS: dict[Any, Any] = {
    sqrtm: (np.sqrt, _root_of_triangle),
    logm: (np.log, _log_of_triangle),
}


def _dispatched(function: Any, a: Any) -> Any:
    """What the type of `a` makes of it by NumPy's protocol, as if the function were NumPy's."""
    if registry.is_foreign(a):
        return registry.elsewhere(function, (a,), {})
    override = None if isinstance(a, np.ndarray) else getattr(type(a), "__array_function__", None)
    return NotImplemented if override is None else override(a, function, (type(a),), (a,), {})


def _stack(caller: str, value: ArrayLike, check_finite: bool) -> Array:
    """Convert what the core has declined, or say what is wrong with it."""
    a = as_inexact("a", value)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"{caller}: a has shape {a.shape}, but must be square: (n, n) or a batch")
    if check_finite:
        require_finite("a", a)
    return np.array(a)


for _function in (expm, sqrtm, logm):
    _function.__module__ = "otimes"  # as users and messages name it
