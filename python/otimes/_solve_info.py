"""How well a solve went, and what is said about it: the same words for every equation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.linalg import LinAlgError

from ._check import Array, warn

OnSingular = Literal["raise", "warn", "lstsq"]
#: What a solver of the core returns: X, quiet, method, residual, rcond, scale, refinements.
Solved = tuple[Array, bool, str, Any, Any, Any, Any]


class IllConditionedWarning(RuntimeWarning):
    """An equation is so ill-conditioned that its solution has few correct digits, or none."""


@dataclass(frozen=True, slots=True)
class SolveInfo:
    """How well a solve went; for a batch, arrays of the batch's shape (except `method`).

    M is the equation's matrix in vec coordinates.

    Attributes
    ----------
    method : str
        What was used; in a batch each name once. One of

        - ``kronecker-lu``: LU of the small matrix M;
        - ``lu``, ``cholesky``, ``triangular``: of A X B = C, or two such as ``lu-cholesky``;
        - ``bartels-stewart``, ``schur``: Schur decompositions of A and B, or of one for both;
        - ``eigendecomposition``: the same of Hermitian matrices;
        - ``doubling``: matrix products and LU, by squared Smith iterations; for Riccati equations
          by structure-preserving doubling;
        - ``hessenberg-schur``: a Schur decomposition of the smaller of A and B, a Hessenberg form
          of the other;
        - ``shifted-lu``: an LU decomposition of A for each column, or two, of a small B;
        - ``generalized-schur``, ``qz``: of pencils;
        - ``qr``, ``complete``, ``svd``: of `lstsq_axb`, or two such as ``qr-complete``;
        - ``svd``, ``pinv``, ``lsmr``: of ``on_singular="lstsq"``;
        - ``empty``, ``undefined``: without unknowns; NaN or Inf in unchecked arguments;

        and for `solve` those of `select_method`.
    residual : float
        ‖R‖_F / (Σ ‖Lᵢ‖_F ‖X‖_F ‖Rᵢ‖_F + ‖Q‖_F); at rounding level for every solution returned
        without complaint.
    rcond : float
        Estimate of σ_min(M)/σ_max(M), right within a factor of 10; NaN, unknown, where an
        iteration has solved the equation.
    scale : float
        1 unless X itself would overflow: then X solves the equation for ``scale * Q``.
    refinements : int
        Steps of iterative refinement that were taken; the iterations of GMRES, CG and LSMR.
    """

    method: str
    residual: float
    rcond: float
    scale: float
    refinements: int


def as_field(values: Array) -> Any:
    """An array of the batch's shape as a field of `SolveInfo`: a number where there is no batch."""
    return values if values.ndim else values.item()


# --- what is said about a solution -------------------------------------------------------------


def require_on_singular(name: str, on_singular: str) -> None:
    if on_singular not in ("raise", "warn", "lstsq"):
        raise ValueError(
            f'{name}: on_singular is {on_singular!r}, but must be "raise", "warn" or "lstsq"'
        )


def _worst(values: Any) -> tuple[float, str]:
    """Find the smallest of one or many values, and the words that name its item in a batch."""
    if isinstance(values, float):
        return values, ""
    index = np.unravel_index(np.nanargmin(values), values.shape)
    position = tuple(int(i) for i in index)
    return float(values[index]), f"item {position[0] if len(position) == 1 else position}: "


def judge_rcond(
    name: str,
    rcond: Any,
    eps: float,
    on_singular: str,
    cause: str,
    *,
    has_least_squares: bool = True,
) -> None:
    """Raise or warn as the condition asks for."""
    worst, item = _worst(rcond)
    if worst < eps:
        text = (
            f"{name}: {item}the equation is singular to working precision "
            f"(rcond = {worst:.1e}): {cause}"
        )
        if on_singular == "raise":
            least_squares = ', "lstsq" the least-squares solution of minimum norm'
            raise LinAlgError(
                f'{text}; on_singular="warn" returns what was computed'
                + (least_squares if has_least_squares else "")
            )
        warn(text, IllConditionedWarning)
    elif worst < 1000 * eps:
        warn(
            f"{name}: {item}the equation is ill-conditioned (rcond = {worst:.1e}), the solution "
            "may have few correct digits",
            IllConditionedWarning,
        )


def judge_scale(name: str, scale: Any, dtype: np.dtype[Any], return_info: bool) -> None:
    """Raise if X overflows and the caller does not see the scale, or there is none."""
    worst, item = _worst(scale)
    if worst == 0:
        raise LinAlgError(f"{name}: {item}the solution overflows {dtype}, however it is scaled")
    if worst < 1 and not return_info:
        raise LinAlgError(
            f"{name}: {item}the solution overflows {dtype}; with return_info=True the X that "
            f"solves for scale = {worst:.1e} times the right-hand side is returned"
        )


def judge_residual(name: str, residual: Any, rcond: Any, eps: float) -> None:
    """Warn about an X that does not solve its equation, where that is not known to be singular."""
    worst, item = _worst(np.where(np.asarray(rcond) < eps, 0, -np.asarray(residual))[()])
    if worst < -1000 * eps:
        warn(
            f"{name}: {item}the residual {-worst:.1e} is far above rounding level",
            IllConditionedWarning,
        )


def finish(
    name: str,
    solved: Solved,
    on_singular: str | None,
    cause: str,
    return_info: bool,
    *,
    has_least_squares: bool = True,
) -> Any:
    """X, or (X, SolveInfo), after everything that must be said about it has been said."""
    x, quiet, method, residual, rcond, scale, refinements = solved
    if not quiet:
        eps = float(np.finfo(x.dtype).eps)
        if on_singular is not None:
            judge_rcond(name, rcond, eps, on_singular, cause, has_least_squares=has_least_squares)
        judge_residual(name, residual, rcond, eps)
        judge_scale(name, scale, x.dtype, return_info)
    if return_info:
        return x, SolveInfo(method, residual, rcond, scale, refinements)
    return x
