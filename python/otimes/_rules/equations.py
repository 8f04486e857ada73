"""Riccati equations, Lyapunov factors and least squares: derivatives through linear equations.

The residual at a constant solution is traced, and its derivative solved for with the linear map
that the residual's derivative by the solution is: a Lyapunov equation of the closed loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .._lstsq_axb import lstsq_axb
from .._lyapunov import solve_continuous_lyapunov, solve_discrete_lyapunov, solve_stein
from .._riccati import solve_continuous_are, solve_discrete_are, solve_lyapunov_factor
from .._tape import Tangent
from .._trace import Traced, rule
from .decompositions import cholesky_tangent, require_rank
from .tangents import plain, refuse, require_real

Map = Callable[[Tangent], Tangent]


def _matrices(caller: str, given: Sequence[Any]) -> list[Any]:
    """The arguments as real matrices, numbers and rows included."""
    present = [x for x in given if x is not None]
    require_real(f"otimes.{caller}", *present)
    if any(np.ndim(x) > 2 for x in present):
        shapes = ", ".join(str(np.shape(x)) for x in present)
        refuse(f"otimes.{caller} of a batch ({shapes})", "matrices can be")
    return [x if x is None or np.ndim(x) == 2 else np.reshape(x, (1, -1)) for x in given]


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


# --- Riccati equations ---------------------------------------------------------------------------


@rule(solve_continuous_are)
def continuous_riccati(*given: Any, info: list[Any], **options: Any) -> Any:
    """Eᵀ dX F + Fᵀ dX E = -d(residual), F = A - B K the closed loop.

    Kenney & Hewer 1990, doi:10.1137/0328003, has it for E = I.
    """
    matrices = _matrices("solve_continuous_are", given)
    x, report = solve_continuous_are(*matrices, return_info=True, **options)
    info.append(report)
    closed = _continuous(x, *matrices)[1]

    def moved(*arguments: Any) -> Any:
        residual, e = _continuous(x, *arguments)[0], matrices[4]
        return solve_continuous_lyapunov(closed.T, -residual, e=None if e is None else e.T)

    return x, _maps(moved, matrices)


def _continuous(x: Any, a: Any, b: Any, q: Any, r: Any, e: Any, s: Any) -> tuple[Any, Any]:
    """The residual Eᵀ X A + Aᵀ X E - Hᵀ R⁻¹ H + Q with H = Bᵀ X E + Sᵀ, and A - B R⁻¹ H."""
    xe = x if e is None else x @ e
    h = b.T @ xe if s is None else b.T @ xe + s.T
    gain = np.linalg.solve(r, h)
    return a.T @ xe + xe.T @ a - h.T @ gain + q, a - b @ gain


@rule(solve_discrete_are)
def discrete_riccati(*given: Any, info: list[Any], **options: Any) -> Any:
    """Fᵀ dX F - Eᵀ dX E = -d(residual), F = A - B K the closed loop."""
    matrices = _matrices("solve_discrete_are", given)
    x, report = solve_discrete_are(*matrices, return_info=True, **options)
    info.append(report)
    closed = _discrete(x, *matrices)[1]

    def moved(*arguments: Any) -> Any:
        residual, e = _discrete(x, *arguments)[0], matrices[4]
        return solve_discrete_lyapunov(closed.T, residual, e=None if e is None else e.T)

    return x, _maps(moved, matrices)


def _discrete(x: Any, a: Any, b: Any, q: Any, r: Any, e: Any, s: Any) -> tuple[Any, Any]:
    """The residual Aᵀ X A - Eᵀ X E - Hᵀ W⁻¹ H + Q, H = Bᵀ X A + Sᵀ, W = R + Bᵀ X B; A - B W⁻¹ H."""
    xa = x @ a
    h = b.T @ xa if s is None else b.T @ xa + s.T
    gain = np.linalg.solve(r + b.T @ x @ b, h)
    exe = x if e is None else e.T @ x @ e
    return a.T @ xa - exe - h.T @ gain + q, a - b @ gain


# --- Lyapunov factors ----------------------------------------------------------------------------


@rule(solve_lyapunov_factor)
def lyapunov_factor(*given: Any, discrete: bool, check_finite: bool) -> Any:
    """dL = L Φ(L⁻¹ dX L⁻ᵀ) as of `numpy.linalg.cholesky`, dX by the Lyapunov equation of X = L Lᵀ.

    The value is Hammarling's. Where X is singular L has no derivative.
    """
    a, b, e = _matrices("solve_lyapunov_factor", given)
    lower = solve_lyapunov_factor(a, b, e=e, discrete=discrete, check_finite=check_finite)
    require_rank("otimes.solve_lyapunov_factor", np.diagonal(plain(lower)), len(plain(lower)))
    x = lower @ lower.T

    def moved(p: Any, q: Any, g: Any) -> Any:
        xe = x if g is None else x @ g.T
        if discrete:
            gxe = x if g is None else g @ xe
            return solve_discrete_lyapunov(a, p @ x @ p.T - gxe + q @ q.T, e=e)
        left = p @ xe
        return solve_continuous_lyapunov(a, -(left + left.T + q @ q.T), e=e)

    return lower, _maps(moved, (a, b, e)), partial(cholesky_tangent, lower)


# --- least squares -------------------------------------------------------------------------------


@rule(lstsq_axb)
def least_squares(
    a: Any, b: Any, c: Any, ridge: Any, *, rcond: float | None, check_finite: bool, info: list[Any]
) -> Any:
    """X = A⁺ C B⁺ at constant ranks; with a ridge ρ that of AᵀA X BBᵀ + ρ X = Aᵀ C Bᵀ."""
    _matrices("lstsq_axb", (a, b, c))
    if np.ndim(ridge) > 0:
        refuse("otimes.lstsq_axb with several ridge values", "one can be")
    x, report = lstsq_axb(a, b, c, rcond, ridge, check_finite=check_finite, return_info=True)
    info.append(report)
    if not plain(ridge):
        by_matrices = _maps(partial(_product_of_inverses, rcond), (a, b, c))
        return x, (*by_matrices, _by_zero_ridge)
    return x, _maps(_normal_equations, (a, b, c, ridge))


def _by_zero_ridge(d: Tangent) -> Tangent:
    refuse("otimes.lstsq_axb by a ridge of 0", "by a positive one it can be")


def _product_of_inverses(rcond: float | None, a: Any, b: Any, c: Any) -> Any:
    left, right = (
        np.linalg.pinv(x, max(x.shape) * np.finfo(x.dtype).eps if rcond is None else rcond)
        for x in (a, b)
    )
    return left @ c @ right


def _normal_equations(a: Any, b: Any, c: Any, ridge: Any) -> Any:
    return solve_stein(-(a.T @ a) / ridge, b @ b.T, a.T @ c @ b.T / ridge)
