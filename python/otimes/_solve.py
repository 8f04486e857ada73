"""``solve``, ``op.solve`` and ``op.factorize``: an operator or a linear function, inverted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from ._algebra import as_operator
from ._check import Array, Shape, as_inexact, require_finite
from ._dtypes import inexact_dtype
from ._factorizations import Factorization
from ._implicit import solution
from ._iterative import KrylovFactorization, Options
from ._krylov import Callback
from ._lower import Program
from ._methods import choose
from ._min_norm import LeastSquaresFactorization
from ._norms import relative_residual
from ._operator import LinearOperator
from ._real_linear import from_coordinates, in_coordinates, linear_operator
from ._registry import registry
from ._solve_info import OnSingular, SolveInfo, judge_rcond, judge_residual, require_on_singular
from ._terms import TermOperator
from ._trace import Trace, trace
from ._traced_arrays import NonlinearError, Traced, stop_gradient


def factorize(op: LinearOperator, on_singular: str) -> Factorization:
    """``op.factorize``: the same, after its condition was judged."""
    require_on_singular("op.factorize", on_singular)
    _, factors, rcond = _attempt(op, "auto", on_singular, Options())
    _judge("op.factorize", op, rcond, on_singular)
    return factors


def _solve(
    op: LinearOperator, b: Array, on_singular: str, method: str, name: str, options: Options
) -> tuple[Array, SolveInfo]:
    """x and how well it solves A x = b, for b (M,) or (M, k)."""
    require_on_singular(name, on_singular)
    chosen, factors, rcond = _attempt(op, method, on_singular, options)
    _judge(name, op, rcond, on_singular)
    try:
        x = factors.solve(b)
    except np.linalg.LinAlgError:  # GMRES has stagnated, as it does for a singular operator
        if on_singular != "lstsq" or isinstance(factors, LeastSquaresFactorization):
            raise
        factors = _least_squares(op, options)
        chosen, x = factors.name, factors.solve(b)
    if rcond > 0 and not np.isfinite(x).all():
        raise np.linalg.LinAlgError(f"{name}: the solution overflows {x.dtype}")
    residual = relative_residual(op, x, b)
    is_judged = isinstance(op._structure(), TermOperator) and not _has_own_tolerance(factors)
    if is_judged:  # the operator's norm is known: LU may lose all digits
        judge_residual(name, residual, rcond, float(np.finfo(x.dtype).eps))
    return x, SolveInfo(chosen, residual, rcond, 1.0, getattr(factors, "iterations", 0))


def _has_own_tolerance(factors: Factorization) -> bool:
    return isinstance(factors, (KrylovFactorization, LeastSquaresFactorization))


def _attempt(
    op: LinearOperator, method: str, on_singular: str, options: Options
) -> tuple[str, Factorization, float]:
    """The name of the method, the decompositions and their rcond."""
    if on_singular == "lstsq" and op.shape[0] != op.shape[1]:
        least_squares = _least_squares(op, options)
        return least_squares.name, least_squares, least_squares.rcond()
    chosen, maker = choose(op, method)
    factors = maker()
    if isinstance(factors, KrylovFactorization):
        factors.options = options
    rcond = factors.rcond()
    if on_singular == "lstsq" and rcond < np.finfo(inexact_dtype(op.dtype)).eps:
        least_squares = _least_squares(op, options)
        return least_squares.name, least_squares, rcond
    return chosen.name, factors, rcond


def _least_squares(op: LinearOperator, options: Options) -> LeastSquaresFactorization:
    factors = LeastSquaresFactorization(op)
    factors.options = options
    return factors


def _judge(name: str, op: LinearOperator, rcond: float, on_singular: str) -> None:
    """Raise or warn as the condition asks for."""
    eps = float(np.finfo(inexact_dtype(op.dtype)).eps)
    if on_singular != "lstsq" or rcond >= eps:
        judge_rcond(name, rcond, eps, on_singular, f"the operator is {op}")


def solve_operator(op: LinearOperator, b: ArrayLike, on_singular: str, method: str) -> Array:
    """``op.solve``: see `LinearOperator.solve`."""
    if registry.is_foreign(b):
        return _solve_elsewhere(op, b, on_singular, method, Options(), False)
    x, _ = _solve_shaped(op, b, on_singular, method, "op.solve", Options())
    return x


def _solve_elsewhere(
    op: LinearOperator, b: Any, on_singular: str, method: str, options: Options, return_info: bool
) -> Array:
    x: Array = registry.elsewhere(
        solve_operator, (op, b, on_singular, method, options), {"return_info": return_info}
    )
    return x


def require_right_side(name: str, op: LinearOperator, shape: Shape) -> None:
    """Raise unless a right-hand side of this shape is (M,), (M, k) or `out_shape`."""
    if shape == op.out_shape or (len(shape) in (1, 2) and shape[0] == op.shape[0]):
        return
    matrix = f" or {op.out_shape}" if len(op.out_shape) != 1 else ""
    raise ValueError(
        f"{name}: b has shape {shape}, but the operator has shape {op.shape}, so b must be "
        f"({op.shape[0]},), ({op.shape[0]}, k){matrix}"
    )


def _solve_shaped(
    op: LinearOperator, b: ArrayLike, on_singular: str, method: str, name: str, options: Options
) -> tuple[Array, SolveInfo]:
    rhs = as_inexact("b", b)
    require_finite("b", rhs)
    if rhs.shape == op.out_shape and len(op.out_shape) != 1:
        flat = rhs.reshape(-1, order="F")
        x, info = _solve(op, flat, on_singular, method, name, options)
        return x.reshape(op.in_shape, order="F"), info
    require_right_side(name, op, rhs.shape)
    return _solve(op, rhs, on_singular, method, name, options)


@overload
def solve(
    f_or_operator: Any,
    rhs: ArrayLike,
    *,
    shape: Shape | None = ...,
    method: str = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
    tol: float | None = ...,
    maxiter: int | None = ...,
    callback: Callback | None = ...,
) -> Array: ...
@overload
def solve(
    f_or_operator: Any,
    rhs: ArrayLike,
    *,
    shape: Shape | None = ...,
    method: str = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[True],
    tol: float | None = ...,
    maxiter: int | None = ...,
    callback: Callback | None = ...,
) -> tuple[Array, SolveInfo]: ...
def solve(
    f_or_operator: Any,
    rhs: ArrayLike,
    *,
    shape: Shape | None = None,
    method: str = "auto",
    on_singular: OnSingular = "raise",
    return_info: bool = False,
    tol: float | None = None,
    maxiter: int | None = None,
    callback: Callback | None = None,
) -> Any:
    """Solve f(X) = RHS for X, where f is a linear function of a matrix, or an operator.

    ``solve(lambda X: A @ X + X @ B, Q)`` equals ``solve_sylvester(A, B, Q)`` and
    ``solve(lambda X: A @ X @ B, C)`` equals ``solve_axb(A, B, C)``: the structure is read off the
    function. f may be affine: f(X) = L(X) + K is solved as L(X) = RHS - K, K = f(0). With X̄, Xᴴ,
    Re X or Im X of a complex X it is linear over the reals only, and solved as that.

    Parameters
    ----------
    f_or_operator : callable or LinearOperator
        Ordinary NumPy code, linear (or affine) in its argument.
    rhs : array_like
        Of the shape of f's result; for an operator also (M,) or (M, k).
    shape : tuple of int, optional
        The shape of X. Without it f is tried with the shape of `rhs`, then with its reverse: the
        first that f accepts and whose result has the shape of `rhs`.
    method : str
        ``"auto"``, or one of the names that `select_method` returns.
    on_singular : {"raise", "warn", "lstsq"}
        What to do when the equation is singular to working precision (rcond < eps). "lstsq" gives
        the least-squares solution of minimum norm, also where there are not as many unknowns as
        equations: by SVD up to 2000 rows and columns, values up to ``max(M, N) * eps`` times the
        largest counting as zero, else by LSMR.
    return_info : bool
        Return ``(X, SolveInfo)``.
    tol : float, optional
        The residual, as `SolveInfo` defines it, at which an iteration stops; 10 eps by default.
        LSMR also stops at ‖Mᴴ r‖ ≤ tol ‖M‖ ‖r‖, as where no X solves the equation. Only GMRES, CG
        and LSMR iterate; direct methods do without `tol`, `maxiter` and `callback`.
    maxiter : int, optional
        The most iterations for one right-hand side, `LinAlgError` if they do not reach `tol`: by
        default 1000, and for LSMR twice the number of unknowns or of equations, the larger.
    callback : callable, optional
        ``callback(iteration, residual)`` after every iteration; what it returns is not used, what
        it raises ends the solve.

    Returns
    -------
    X : ndarray
        Of the shape that f takes; with an operator (N,) or (N, k), or its `in_shape`. With
        `return_info` the pair of X and a `SolveInfo`.

    Raises
    ------
    numpy.linalg.LinAlgError
        When the equation is singular, or has not as many unknowns as equations (`on_singular`
        decides), or an iteration does not converge.
    ValueError
        When f is not linear (the operation and its line are named), or the shape of X cannot be
        inferred, or `rhs` contains NaN or Inf.

    Warns
    -----
    IllConditionedWarning
        rcond < 1000 eps.

    Notes
    -----
    One run of f, then the cost of the method (see `select_method`).

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> A, B = np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([[1.0]])
    >>> ox.solve(lambda X: A @ X + X @ B - 1, [[4.0], [7.0]])
    array([[1.],
           [2.]])
    """
    options = Options(tol, maxiter, callback)
    options.require()
    if isinstance(f_or_operator, (LinearOperator, np.ndarray)) or not callable(f_or_operator):
        op = as_operator(f_or_operator)
        if registry.is_foreign(rhs):
            return _solve_elsewhere(op, rhs, on_singular, method, options, return_info)
        x, info = _solve_shaped(op, rhs, on_singular, method, "solve", options)
    else:
        x, info = _solve_function(f_or_operator, rhs, shape, on_singular, method, options)
    return (x, info) if return_info else x


def _solve_function(
    f: Callable[[Any], Any],
    rhs: ArrayLike,
    shape: Shape | None,
    on_singular: str,
    method: str,
    options: Options,
) -> tuple[Array, SolveInfo]:
    """X and how well it solves f(X) = RHS."""
    b = as_inexact("rhs", stop_gradient(rhs))
    require_finite("rhs", b)
    t = _affine_map(f, b, shape)
    op = linear_operator(Program(t))
    right = in_coordinates(op, b - t.value)
    x, info = _solve_shaped(op, right, on_singular, method, "solve", options)
    if t.tape.meets_others or isinstance(rhs, Traced):
        x = solution(x, lambda y: in_coordinates(op, rhs - f(from_coordinates(op, y))), op)
    return from_coordinates(op, x), info


def linear_map(f: Callable[[Any], Any], b: Array) -> tuple[LinearOperator, Array]:
    """The operator and the constant part of an affine f of matrices of b's shape."""
    t = _affine_map(f, b, b.shape)
    return linear_operator(Program(t)), t.value


def _affine_map(f: Callable[[Any], Any], b: Array, shape: Shape | None) -> Trace:
    """The trace at zero of an affine f whose result has the shape of b."""
    failures = []
    shapes = [b.shape, b.shape[::-1]] if shape is None else [tuple(shape)]
    for candidate in dict.fromkeys(shapes):
        try:
            t = _trace_at_zero(f, candidate, b.dtype)
        except NonlinearError as e:
            raise ValueError(
                f"solve: f is not linear in its argument: {e}; otimes.root solves nonlinear "
                "equations, linearize(f, X) gives the linear one of a Newton step"
            ) from None
        except np.linalg.LinAlgError:
            raise
        except ValueError as e:  # shapes that do not fit
            failures.append(f"for X of shape {candidate}: {e}")
            continue
        if t.value.shape == b.shape:
            if t.result is None:
                raise np.linalg.LinAlgError("solve: f does not depend on its argument")
            return t
        failures.append(f"for X of shape {candidate} f's result has shape {t.value.shape}")
    hint = "pass shape= for the shape of X" if shape is None else "shape= does not fit"
    raise ValueError(f"solve: rhs has shape {b.shape}, but {'; '.join(failures)}; {hint}")


def _trace_at_zero(f: Callable[[Any], Any], shape: Shape, dtype: np.dtype[Any]) -> Trace:
    """The trace of f at a zero that is complex where f's result is: then so is the solution."""
    zero = np.zeros(shape, dtype)
    t = trace(f, [zero], 0, require_linear=True, isolated=True, analytic=False)
    if t.value.dtype.kind == "c" and dtype.kind != "c":  # conj has been left out, and may not be
        return _trace_at_zero(f, shape, np.result_type(dtype, np.complex64))
    return t


registry.solving.update(
    solve_operator=solve_operator,
    factorize=factorize,
    linear_map=linear_map,
)
