"""Algebraic Riccati equations: checks and conversions around the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from . import _core
from ._check import Array, as_inexact
from ._registry import registry
from ._solve_info import finish, require_on_singular
from ._state_space import all_exact, call_as, fitting_matrices, require_all_finite

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from ._solve_info import OnSingular, Solved, SolveInfo

#: Shapes in n states and m controls.
RICCATI = {"a": "nn", "b": "nm", "q": "nn", "r": "mm", "e": "nn", "s": "nm"}
SINGULAR = "the closed loop is barely stable, or far from normal"


@overload
def solve_continuous_are(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    r: ArrayLike,
    e: ArrayLike | None = ...,
    s: ArrayLike | None = ...,
    balanced: bool = ...,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
) -> Array: ...
@overload
def solve_continuous_are(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    r: ArrayLike,
    e: ArrayLike | None = ...,
    s: ArrayLike | None = ...,
    balanced: bool = ...,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[True],
) -> tuple[Array, SolveInfo]: ...
def solve_continuous_are(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    r: ArrayLike,
    e: ArrayLike | None = None,
    s: ArrayLike | None = None,
    balanced: bool = True,
    *,
    check_finite: bool = True,
    on_singular: OnSingular = "raise",
    return_info: bool = False,
) -> Any:
    """Solve X A + Aᴴ X − X B R⁻¹ Bᴴ X + Q = 0 for the stabilizing X = Xᴴ.

    With e and s: Eᴴ X A + Aᴴ X E − (Eᴴ X B + S) R⁻¹ (Bᴴ X E + Sᴴ) + Q = 0. A, E (n, n), B, S
    (n, m), Q (n, n), R (m, m) → X (n, n), exactly Hermitian. K = R⁻¹ (Bᴴ X E + Sᴴ) is the gain of
    the linear-quadratic regulator: all eigenvalues of A − B K − λE lie in the open left half-plane.
    There is one such X when (A, B) is stabilizable and the Hamiltonian pencil has no eigenvalue on
    the imaginary axis. A drop-in for `scipy.linalg.solve_continuous_are`.

    Parameters
    ----------
    a, b, q, r : array_like
        The matrices, real or complex in any mix; q and r Hermitian, r nonsingular. Numbers stand
        for (1, 1) matrices, one-dimensional arrays for rows. Leading axes are a batch and
        broadcast.
    e, s : array_like, optional
        E, nonsingular (the identity by default), and S (zero by default).
    balanced : bool
        Scale the states by powers of two first.
    check_finite : bool
        Raise for NaN and Inf. If False, they make X NaN.
    on_singular : {"raise", "warn"}
        What to do when the closed loop is stable but for rounding errors (rcond < eps).
    return_info : bool
        Return ``(X, SolveInfo)``.

    Returns
    -------
    X : ndarray
        In float64, or complex128 if an argument is complex (float32 is computed in float64, as
        SciPy does).

    Raises
    ------
    LinAlgError
        There is no stabilizing solution: eigenvalues of the Hamiltonian pencil too close to the
        imaginary axis, or an unstable state that cannot be controlled. r or e is singular.
    ValueError
        Shapes that do not fit, q or r not Hermitian, NaN or Inf.

    Warns
    -----
    IllConditionedWarning
        rcond < 1000 eps.

    Notes
    -----
    ``SolveInfo.residual`` is the Frobenius norm of the left-hand side over the sum of those of its
    terms. ``rcond`` is 1/(‖L‖ ‖L⁻¹‖) of the derivative L(N) = Fᴴ N + N F at X, F = (A − B K) E⁻¹,
    in the norm that the spectral norm induces. Both are those of the balanced equation.

    Structure-preserving doubling after a Cayley transformation ("doubling"), 17 n³ flops a step for
    6 to 12 steps, all products and LU; where R or E is ill-conditioned, or its residual above
    rounding level, QZ of the extended pencil ("qz"), 530 n³ flops or more. Newton steps (6 n³ flops
    for each of about 10 doublings) while they halve the residual. Memory for about 20 n².

    References
    ----------
    Chu, Fan & Lin 2005, doi:10.1016/j.laa.2004.10.010; Van Dooren 1981, doi:10.1137/0902010;
    Benner 2001, doi:10.1137/S1064827500367993; Kleinman 1968, doi:10.1109/TAC.1968.1098829.

    Examples
    --------
    >>> import numpy as np
    >>> import otimes as ox
    >>> A, B = np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[0.0], [1.0]])  # a double integrator
    >>> X = ox.solve_continuous_are(A, B, np.diag([1.0, 2.0]), 1.0)
    >>> np.allclose(X, [[2, 1], [1, 2]])
    True
    >>> K = B.T @ X
    >>> np.allclose(np.linalg.eigvals(A - B @ K), [-1, -1])
    True
    """
    return _solve(
        solve_continuous_are, (a, b, q, r, e, s), balanced, check_finite, on_singular, return_info
    )


@overload
def solve_discrete_are(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    r: ArrayLike,
    e: ArrayLike | None = ...,
    s: ArrayLike | None = ...,
    balanced: bool = ...,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
) -> Array: ...
@overload
def solve_discrete_are(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    r: ArrayLike,
    e: ArrayLike | None = ...,
    s: ArrayLike | None = ...,
    balanced: bool = ...,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[True],
) -> tuple[Array, SolveInfo]: ...
def solve_discrete_are(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    r: ArrayLike,
    e: ArrayLike | None = None,
    s: ArrayLike | None = None,
    balanced: bool = True,
    *,
    check_finite: bool = True,
    on_singular: OnSingular = "raise",
    return_info: bool = False,
) -> Any:
    """Solve Aᴴ X A − X − Aᴴ X B (R + Bᴴ X B)⁻¹ Bᴴ X A + Q = 0 for the stabilizing X = Xᴴ.

    With e and s: Aᴴ X A − Eᴴ X E − (Aᴴ X B + S) (R + Bᴴ X B)⁻¹ (Bᴴ X A + Sᴴ) + Q = 0. A, E (n, n),
    B, S (n, m), Q (n, n), R (m, m) → X (n, n), exactly Hermitian. K = (R + Bᴴ X B)⁻¹ (Bᴴ X A + Sᴴ)
    is the gain of the linear-quadratic regulator: all eigenvalues of A − B K − λE lie inside the
    unit circle. There is one such X when (A, B) is stabilizable and the symplectic pencil has no
    eigenvalue on the unit circle. A drop-in for `scipy.linalg.solve_discrete_are`.

    Parameters
    ----------
    a, b, q, r : array_like
        The matrices, real or complex in any mix; q and r Hermitian, r may be singular. Numbers
        stand for (1, 1) matrices, one-dimensional arrays for rows. Leading axes are a batch and
        broadcast.
    e, s : array_like, optional
        E, nonsingular (the identity by default), and S (zero by default).
    balanced : bool
        Scale the states by powers of two first.
    check_finite : bool
        Raise for NaN and Inf. If False, they make X NaN.
    on_singular : {"raise", "warn"}
        What to do when the closed loop is stable but for rounding errors (rcond < eps).
    return_info : bool
        Return ``(X, SolveInfo)``.

    Returns
    -------
    X : ndarray
        In float64, or complex128 if an argument is complex (float32 is computed in float64, as
        SciPy does).

    Raises
    ------
    LinAlgError
        There is no stabilizing solution: eigenvalues of the symplectic pencil too close to the unit
        circle, or an unstable state that cannot be controlled. e is singular.
    ValueError
        Shapes that do not fit, q or r not Hermitian, NaN or Inf.

    Warns
    -----
    IllConditionedWarning
        rcond < 1000 eps.

    Notes
    -----
    ``SolveInfo.residual`` is the Frobenius norm of the left-hand side over the sum of those of its
    terms. ``rcond`` is 1/(‖L‖ ‖L⁻¹‖) of the derivative L(N) = Fᴴ N F − N at X, F = (A − B K) E⁻¹,
    in the norm that the spectral norm induces. Both are those of the balanced equation.

    Structure-preserving doubling ("doubling"), 17 n³ flops a step for 5 to 12 steps, all products
    and LU; where R or E is ill-conditioned, or its residual above rounding level, QZ of the
    extended pencil ("qz"), 530 n³ flops or more. Newton steps (6 n³ flops for each of about 10
    doublings) while they halve the residual. Memory for about 20 n².

    References
    ----------
    Chu, Fan, Lin & Wang 2004, doi:10.1080/00207170410001714988; Pappas, Laub & Sandell 1980,
    doi:10.1109/TAC.1980.1102434; Van Dooren 1981, doi:10.1137/0902010.

    Examples
    --------
    >>> import numpy as np
    >>> import otimes as ox
    >>> A, B = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[0.0], [1.0]])
    >>> X = ox.solve_discrete_are(A, B, np.eye(2), 1.0)
    >>> K = np.linalg.solve(1.0 + B.T @ X @ B, B.T @ X @ A)
    >>> np.allclose(A.T @ X @ (A - B @ K) + np.eye(2), X)
    True
    >>> bool(np.abs(np.linalg.eigvals(A - B @ K)).max() < 0.5)
    True
    """
    return _solve(
        solve_discrete_are, (a, b, q, r, e, s), balanced, check_finite, on_singular, return_info
    )


# --- checks and conversions ----------------------------------------------------------------------


def _solve(
    function: Callable[..., Any],
    arguments: tuple[ArrayLike | None, ...],
    balanced: bool,
    check_finite: bool,
    on_singular: OnSingular,
    return_info: bool,
) -> Any:
    name, discrete = function.__name__, function is solve_discrete_are
    require_on_singular(name, on_singular)
    if on_singular == "lstsq":
        raise ValueError(
            f'{name}: on_singular is "lstsq", but only linear equations have a least-squares '
            'solution; it must be "raise" or "warn"'
        )
    solved = call_as(name, _core.solve_riccati, discrete, *arguments, balanced, True)
    if solved is None:
        options = {
            "balanced": balanced,
            "check_finite": check_finite,
            "on_singular": on_singular,
            "return_info": return_info,
        }
        foreign = registry.elsewhere(function, arguments, options)
        if foreign is not NotImplemented:
            return foreign
        solved = _solve_converted(name, discrete, arguments, balanced, check_finite)
    return finish(name, solved, on_singular, SINGULAR, return_info, has_least_squares=False)


def _solve_converted(
    name: str,
    discrete: bool,
    arguments: tuple[ArrayLike | None, ...],
    balanced: bool,
    check_finite: bool,
) -> Solved:
    """Convert what the core has declined and call it again, or say what is wrong."""
    matrices = fitting_matrices(name, RICCATI, arguments, _as_matrix)
    if check_finite:
        require_all_finite(matrices)
    for argument in "qr":
        _require_hermitian(name, argument, matrices[argument])
    is_complex = any(a.dtype.kind == "c" for a in matrices.values())
    exact = all_exact(matrices, np.dtype(np.complex128 if is_complex else np.float64))
    given = (exact.get(argument) for argument in RICCATI)
    solved: Solved = call_as(name, _core.solve_riccati, discrete, *given, balanced, False)
    return solved


def _as_matrix(name: str, value: ArrayLike) -> Array:
    return np.atleast_2d(as_inexact(name, value))


def _require_hermitian(name: str, argument: str, a: Array) -> None:
    """Raise unless ‖A − Aᴴ‖₁ is within 100 units of the last place of ‖A‖₁."""
    skew = np.abs(a - np.conj(np.swapaxes(a, -1, -2)))
    size = np.abs(a).sum(-2).max(-1, initial=0)
    if (skew.sum(-2).max(-1, initial=0) > 100 * np.spacing(size)).any():
        *item, i, j = (int(k) for k in np.unravel_index(np.nanargmax(skew), skew.shape))
        at = ", ".join(map(str, item)) + ", " if item else ""
        raise ValueError(
            f"{name}: {argument} is not Hermitian: {argument}[{at}{i}, {j}] = "
            f"{a[(*item, i, j)]:.6g}, but {argument}[{at}{j}, {i}] = {a[(*item, j, i)]:.6g}"
        )
