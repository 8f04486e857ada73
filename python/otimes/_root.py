"""Newton's method for F(X) = 0: each step is a linear equation, solved by its structure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import ArrayLike

from ._check import Array, as_inexact, require_finite, without_warnings
from ._implicit import solution
from ._iterative import Options
from ._krylov import Callback
from ._line_search import Line, frobenius, search
from ._lower import Jacobian, Program
from ._norms import operator_norm
from ._operator import LinearOperator
from ._solve import solve
from ._solve_info import IllConditionedWarning, SolveInfo
from ._trace import Trace, trace
from ._traced_arrays import stop_gradient

Function = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RootResult:
    """What `root` returns.

    Attributes
    ----------
    x : ndarray
        The last iterate: the solution, where `success` says so.
    success : bool
    message : str
        Why the iteration ended.
    nit : int
        Newton steps that were taken.
    residual : float
        ‖F(X)‖_F / (‖J‖ ‖X‖_F + ‖J X - F(X)‖_F).
    residuals : tuple of float
        The same of every iterate, X0 first.
    method : str
        What solved for the last step (see `select_method`); empty where there was none.
    """

    x: Any
    success: bool
    message: str
    nit: int
    residual: float
    residuals: tuple[float, ...]
    method: str

    def __repr__(self) -> str:
        shown = [f for f in fields(self) if f.name != "residuals"]
        rows = [(f.name, repr(getattr(self, f.name))) for f in shown]
        return "\n".join(f"{name:>8}: {_indented(text)}" for name, text in rows)


def _indented(text: str) -> str:
    return text.replace("\n", "\n" + " " * 10)


class _Point(NamedTuple):
    """An iterate X with F(X) ≈ F + J dX around it."""

    x: Array
    value: Array
    jacobian: LinearOperator
    trace: Trace

    def residual(self) -> float:
        """‖F‖ beside the terms of the linear equation J X = J X - F that X nearly solves."""
        constant = self.jacobian(self.x) - self.value
        with np.errstate(all="ignore"):
            scale = operator_norm(self.jacobian) * frobenius(self.x) + frobenius(constant)
            return frobenius(self.value) / scale if scale else 0.0


def _at(f: Function, x: Array) -> _Point:
    t = trace(f, [x], 0, isolated=True)
    if t.result is None:
        raise ValueError("root: f does not depend on its argument")
    return _Point(x, t.value, Jacobian(Program(t)), t)


def _step(point: _Point) -> tuple[Array, SolveInfo]:
    """D with J D = -F, of minimum norm where J is singular."""
    with without_warnings(IllConditionedWarning):  # what a step's condition means, the message says
        d, info = solve(point.jacobian, -point.value, on_singular="lstsq", return_info=True)
    dtype = np.result_type(point.x, point.value, point.jacobian.dtype)
    return d.astype(dtype, copy=False), info


def _values(f: Function, point: _Point, d: Array) -> Callable[[float], Array | None]:
    """T ↦ F(X + tD), None where F has no finite value."""

    def at(t: float) -> Array | None:
        with np.errstate(all="ignore"):
            try:
                value = np.asarray(stop_gradient(f(point.x + t * d)))
            except LinAlgError:  # such as the inverse of a singular matrix
                return None
        return value if np.isfinite(value).all() else None

    return at


class _Newton:
    """The iteration and what there is to say about it."""

    def __init__(self, f: Function, x0: Array, options: Options) -> None:
        self.f = f
        self.options = options
        self.point = _at(f, x0)
        require_finite("f(X0)", self.point.value)
        self.residuals = [self.point.residual()]
        self.infos: list[SolveInfo] = []
        self.is_exhausted = False  # whether the last step was as small as rounding errors

    @property
    def eps(self) -> float:
        return float(np.finfo(np.result_type(self.point.x, self.point.value)).eps)

    @property
    def tol(self) -> float:
        return 10 * self.eps if self.options.tol is None else self.options.tol

    @property
    def converged(self) -> bool:
        return self.residuals[-1] <= self.tol or self.is_exhausted

    def run(self, maxiter: int) -> str:
        """Take steps until one of the reasons to stop that are returned."""
        while not self.converged:
            if len(self.infos) == maxiter:
                return f"not converged: maxiter = {maxiter} steps were taken"
            try:
                d, info = _step(self.point)
            except LinAlgError as e:
                return f"not converged: no Newton step: {e}"
            if not self._move(d, info):
                return "not converged: no part of the Newton step makes ‖F(X)‖ smaller"
        return "converged"

    def _move(self, d: Array, info: SolveInfo) -> bool:
        """Go along D as far as ‖F‖ falls; False where it does not."""
        x, value, jacobian, _ = self.point
        is_tiny = frobenius(d) <= 10 * self.eps * frobenius(x)
        self.is_exhausted = is_tiny and not info.rcond < self.eps
        t = search(Line(value, jacobian(d), _values(self.f, self.point, d)))
        if t is None:
            return self.is_exhausted
        self.infos.append(info)
        self.point = _at(self.f, x + t * d)
        self.residuals.append(self.point.residual())
        if self.options.callback is not None:
            self.options.callback(len(self.infos), self.residuals[-1])
        return True

    def singular_steps(self) -> int:
        return sum(info.rcond < self.eps for info in self.infos)


def root(
    f: Function,
    X0: ArrayLike,
    *,
    tol: float | None = None,
    maxiter: int = 50,
    callback: Callback | None = None,
) -> RootResult:
    """Solve F(X) = 0 by Newton's method, X ← X + tD with J D = −F(X).

    J is the structured Jacobian, so that the step of a matrix equation is a matrix equation too,
    for the solver that `select_method` names: a Lyapunov or Sylvester equation for a Riccati
    equation or X² = A, a Stein equation for X + AᵀX⁻¹A = Q.

    Parameters
    ----------
    f : callable
        Ordinary NumPy code of one array that returns an array or a number; real, or analytic.
    X0 : array_like
        The first iterate. Complex solutions are found from complex X0 or f.
    tol : float, optional
        The relative residual at which the iteration ends; 10 eps by default. By default or not, it
        also ends when a regular J gives a step of at most 10 eps ‖X‖.
    maxiter : int
        The most steps.
    callback : callable, optional
        ``callback(iteration, residual)`` after every step.

    Returns
    -------
    RootResult
        With the fields ``x, success, message, nit, residual, residuals, method``. Failure does not
        raise: `success` is False and `message` says why.

    Raises
    ------
    NotImplementedError, TypeError
        As for `jacobian`.
    ValueError
        When X0 or f(X0) contains NaN or Inf, or f does not depend on X.

    Notes
    -----
    Quadratic convergence to a solution with regular J, at one solve and two evaluations of f a
    step: O(n³) for the equations above. Where the full step does not make ‖F‖ ten times smaller,
    t in (0, 2] minimizes ‖F + t J D + t² V‖, V taken from F(X + D): the exact line search of Benner
    & Byers for quadratic F, which is repeated on shorter steps for others. Where J is singular to
    working precision, or F has another size than X, D is the least-squares solution of minimum norm
    (Gauss-Newton), and `message` tells how many such steps there were.

    The residual is ‖F(X)‖_F / (‖J‖ ‖X‖_F + ‖J X − F(X)‖_F), with ‖J‖ as in `SolveInfo`: that of X
    in the linear equation of the step.

    `root` may stand in a function that is differentiated: x has the derivative that the implicit
    function theorem gives.

    References
    ----------
    P. Benner & R. Byers, An exact line search method for solving generalized continuous-time
    algebraic Riccati equations, IEEE Trans. Automat. Control 43 (1998), doi:10.1109/9.654908.
    N. J. Higham & H.-M. Kim, Solving a quadratic matrix equation by Newton's method with exact line
    searches, SIAM J. Matrix Anal. Appl. 23 (2001), doi:10.1137/S0895479899350976.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> A = np.array([[5.0, 4.0], [4.0, 5.0]])
    >>> result = ox.root(lambda X: X @ X - A, np.eye(2))
    >>> result.x.round(12)
    array([[2., 1.],
           [1., 2.]])
    >>> result.success, result.method
    (True, 'sylvester')
    """
    options = Options(tol, maxiter, callback)
    options.require()
    x0 = as_inexact("X0", X0)
    require_finite("X0", x0)
    newton = _Newton(f, x0, options)
    reason = newton.run(maxiter)
    x: Any = newton.point.x
    if newton.point.trace.tape.meets_others:
        x = solution(x, lambda y: -f(y), newton.point.jacobian)
    return RootResult(
        x[()] if x.ndim == 0 else x,
        newton.converged,
        _message(newton, reason),
        len(newton.infos),
        newton.residuals[-1],
        tuple(newton.residuals),
        newton.infos[-1].method if newton.infos else "",
    )


def _message(newton: _Newton, reason: str) -> str:
    """The reason to stop, the residual, and what is to be known about the Jacobian."""
    residual, tol = newton.residuals[-1], newton.tol
    if residual <= tol:
        text = f"{reason}: the residual {residual:.1e} is at most tol = {tol:.1e}"
    elif newton.is_exhausted:
        text = f"{reason}: the Newton step is as small as rounding errors of X"
    else:
        text = f"{reason}; the residual is {residual:.1e}, above tol = {tol:.1e}; try another X0"
    count = newton.singular_steps()
    if count == 0:
        return text
    return f"{text} (J was singular in {count} of {len(newton.infos)} steps: minimum-norm ones)"
