"""Riccati equations, Lyapunov factors and least squares: derivatives through linear equations.

The residual at a constant solution is traced, and its derivative solved for with the linear map
that the residual's derivative by the solution is: a Lyapunov equation of the closed loop. By a
complex matrix whose conjugate stands in an equation there are derivatives along directions only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .._check import as_inexact
from .._lstsq_axb import lstsq_axb
from .._lyapunov import solve_continuous_lyapunov, solve_discrete_lyapunov, solve_stein
from .._lyapunov_factor import solve_lyapunov_factor
from .._pencil_equations import solve_generalized_sylvester
from .._riccati import solve_continuous_are, solve_discrete_are
from .._tape import Tangent
from .._traced_arrays import Traced, plain, rule
from .decompositions import cholesky_tangent, require_rank
from .tangents import adjoint_of, refuse, through

Map = Callable[[Tangent], Tangent]


def _array(x: Any) -> Any:
    return x if x is None or isinstance(x, Traced) else as_inexact("an argument", x)


def _maps(function: Callable[..., Any], arguments: Sequence[Any]) -> tuple[Map, ...]:
    """For each argument the map from its tangent to that of a function that has rules."""

    def at(k: int) -> Map:
        def changed(d: Tangent) -> Tangent:
            given = list(arguments)
            given[k] = Traced(given[k], d.reshape(np.shape(given[k])))
            tangent: Tangent = function(*given).tangent
            return tangent

        return changed

    return tuple(map(at, range(len(arguments))))


def _linear(solve: Callable[[Any], Any], x: Any) -> Map:
    """The tangent map of a linear function of arrays such as X."""
    by_tangent: Map = through(solve, np.zeros_like(plain(x)))
    return by_tangent


# --- Riccati equations ---------------------------------------------------------------------------


def _riccati(
    solver: Any, terms: Any, derived: Any, given: Sequence[Any], info: list[Any], options: Any
) -> Any:
    """M(dX) = -d(residual), M the derivative of the residual by X.

    `terms` are the residual and what M multiplies with from the left and from the right, L and F.
    X may be traced, and leave the Hermitian matrices where Q does: L is then no longer Fᴴ.
    """
    matrices = [None if x is None else np.atleast_2d(_array(x)) for x in given]
    x, report = solver(*matrices, return_info=True, **options)
    info.append(report)
    _, left, right = terms(x, *matrices)
    by_matrices = _maps(lambda *varied: terms(x, *varied)[0], matrices)
    return x, by_matrices, _linear(partial(derived, x, left, right, matrices[4]), x)


@rule(solve_continuous_are)
def continuous_riccati(*given: Any, info: list[Any], **options: Any) -> Any:
    """L dX E + Eᴴ dX F = -d(residual), F = A - B K the closed loop and L = Fᴴ.

    Kenney & Hewer 1990, doi:10.1137/0328003, has it for E = I.
    """
    solver = solve_continuous_are
    return _riccati(solver, _continuous, _by_continuous_loop, given, info, options)


def _continuous(x: Any, a: Any, b: Any, q: Any, r: Any, e: Any, s: Any) -> tuple[Any, Any, Any]:
    """The residual Eᴴ X A + Aᴴ X E - G R⁻¹ H + Q with G = Eᴴ X B + S, H = Bᴴ X E + Sᴴ.

    And Aᴴ - G R⁻¹ Bᴴ, A - B R⁻¹ H.
    """
    ah, bh = adjoint_of(a), adjoint_of(b)
    ex, xe = (x, x) if e is None else (adjoint_of(e) @ x, x @ e)
    g, h = (ex @ b, bh @ xe) if s is None else (ex @ b + s, bh @ xe + adjoint_of(s))
    gain = np.linalg.solve(r, h)
    residual = ex @ a + ah @ xe - g @ gain + q
    return residual, ah - g @ np.linalg.solve(r, bh), a - b @ gain


def _by_continuous_loop(x: Any, left: Any, right: Any, e: Any, q: Any) -> Any:
    """The solution of L Y E + Eᴴ Y F = -Q."""
    if isinstance(x, Traced):
        return solve_generalized_sylvester(left, *_with_adjoint(e, x), right, -q)
    return solve_continuous_lyapunov(left, -q, e=None if e is None else adjoint_of(e))


def _with_adjoint(e: Any, x: Any) -> tuple[Any, Any]:
    """E, the identity if there is none, and Eᴴ."""
    e = np.eye(np.shape(x)[-1]) if e is None else e
    return e, adjoint_of(e)


@rule(solve_discrete_are)
def discrete_riccati(*given: Any, info: list[Any], **options: Any) -> Any:
    """L dX F - Eᴴ dX E = -d(residual), F = A - B K the closed loop and L = Fᴴ."""
    return _riccati(solve_discrete_are, _discrete, _by_discrete_loop, given, info, options)


def _discrete(x: Any, a: Any, b: Any, q: Any, r: Any, e: Any, s: Any) -> tuple[Any, Any, Any]:
    """The residual Aᴴ X A - Eᴴ X E - G W⁻¹ H + Q, G = Aᴴ X B + S, H = Bᴴ X A + Sᴴ, W = R + Bᴴ X B.

    And Aᴴ - G W⁻¹ Bᴴ, A - B W⁻¹ H.
    """
    ah, bh = adjoint_of(a), adjoint_of(b)
    xa, xb = x @ a, x @ b
    g, h = (ah @ xb, bh @ xa) if s is None else (ah @ xb + s, bh @ xa + adjoint_of(s))
    w = r + bh @ xb
    gain = np.linalg.solve(w, h)
    exe = x if e is None else adjoint_of(e) @ x @ e
    return ah @ xa - exe - g @ gain + q, ah - g @ np.linalg.solve(w, bh), a - b @ gain


def _by_discrete_loop(x: Any, left: Any, right: Any, e: Any, q: Any) -> Any:
    """The solution of L Y F - Eᴴ Y E = -Q."""
    if isinstance(x, Traced):
        e, eh = _with_adjoint(e, x)
        return solve_generalized_sylvester(left, right, -eh, e, -q)
    return solve_discrete_lyapunov(left, q, e=None if e is None else adjoint_of(e))


# --- Lyapunov factors ----------------------------------------------------------------------------


@rule(solve_lyapunov_factor)
def lyapunov_factor(*given: Any, discrete: bool, check_finite: bool) -> Any:
    """dL = L Φ(L⁻¹ dX L⁻ᴴ) as of `numpy.linalg.cholesky`, dX by the Lyapunov equation of X = L Lᴴ.

    The value is Hammarling's. Where X is singular L has no derivative.
    """
    a, b, e = map(_array, given)
    lower = solve_lyapunov_factor(a, b, e=e, discrete=discrete, check_finite=check_finite)
    sizes = np.abs(np.diagonal(plain(lower), 0, -2, -1))
    require_rank("otimes.solve_lyapunov_factor", sizes, sizes.shape[-1])
    x = lower @ adjoint_of(lower)

    def residual(a: Any, b: Any, e: Any) -> Any:
        xe = x if e is None else x @ adjoint_of(e)
        bb = b @ adjoint_of(b)
        if discrete:
            return a @ x @ adjoint_of(a) - (xe if e is None else e @ xe) + bb
        half = a @ xe
        return half + adjoint_of(half) + bb

    def derived(q: Any) -> Any:
        if discrete:
            return solve_discrete_lyapunov(a, q, e=e)
        return solve_continuous_lyapunov(a, -q, e=e)

    last = _linear(derived, lower), partial(cholesky_tangent, lower)
    return lower, _maps(residual, (a, b, e)), *last


# --- least squares -------------------------------------------------------------------------------


@rule(lstsq_axb)
def least_squares(
    a: Any, b: Any, c: Any, ridge: Any, *, rcond: float | None, check_finite: bool, info: list[Any]
) -> Any:
    """X = A⁺ C B⁺ at constant ranks; with a ridge ρ that of AᴴA X BBᴴ + ρ X = Aᴴ C Bᴴ."""
    a, b, c = map(_array, (a, b, c))
    x, report = lstsq_axb(a, b, c, rcond, ridge, check_finite=check_finite, return_info=True)
    info.append(report)
    return x, _maps(partial(_least_squares, rcond), (a, b, c, ridge))


def _least_squares(rcond: float | None, a: Any, b: Any, c: Any, ridge: Any) -> Any:
    """X by functions that have rules, which is that of `lstsq_axb` but for rounding."""
    if np.ndim(ridge) == 1:
        return np.stack([_least_squares(rcond, a, b, c, each) for each in ridge])
    if not isinstance(ridge, Traced):
        ridge = float(ridge)  # which keeps the precision of the matrices
    if plain(ridge):
        ah, bh = adjoint_of(a), adjoint_of(b)
        return solve_stein(-(ah @ a) / ridge, b @ bh, ah @ c @ bh / ridge)
    if isinstance(ridge, Traced):
        refuse("otimes.lstsq_axb by a ridge of 0", "by a positive one it can be")
    left, right = (
        np.linalg.pinv(x, max(x.shape[-2:]) * np.finfo(x.dtype).eps if rcond is None else rcond)
        for x in (a, b)
    )
    return left @ c @ right
