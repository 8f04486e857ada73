"""The named matrix equations: drop-ins for SciPy's solvers, never silently wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.linalg import LinAlgError

from . import _core
from ._check import Array, as_inexact, require_finite, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, DTypeLike

    OnSingular = Literal["raise", "warn"]
    Trans = Literal["N", "T", "H"]
    #: What a solver of the core returns: X, quiet, residual, rcond, scale, refinements.
    Solved = tuple[Array, bool, Any, Any, Any, Any]

_SINGULAR = {
    "solve_sylvester": "a and -b have a common eigenvalue, or nearly so",
    "sylvester_factor": "a and -b have a common eigenvalue, or nearly so",
    "solve_axb": "a or b is singular, or nearly so",
}


class IllConditionedWarning(RuntimeWarning):
    """An equation is so ill-conditioned that its solution has few correct digits, or none."""


@dataclass(frozen=True, slots=True)
class SolveInfo:
    """How well a solve went; for a batch, arrays of the batch's shape (except `method`).

    M is the equation's matrix in vec coordinates.

    Attributes
    ----------
    method : str
        What was used: ``"kronecker-lu"``, ``"bartels-stewart"`` or ``"lu"``.
    residual : float
        ‖R‖_F / (Σ ‖Lᵢ‖_F ‖X‖_F ‖Rᵢ‖_F + ‖Q‖_F); at rounding level for every solution returned
        without complaint.
    rcond : float
        Estimate of σ_min(M)/σ_max(M), right within a factor of 10.
    scale : float
        1 unless X itself would overflow: then X solves the equation for ``scale * Q``.
    refinements : int
        Steps of iterative refinement that were taken.
    """

    method: str
    residual: float
    rcond: float
    scale: float
    refinements: int


# --- what is said about a solution -------------------------------------------------------------


def require_on_singular(name: str, on_singular: str) -> None:
    if on_singular not in ("raise", "warn"):
        raise ValueError(f'{name}: on_singular is {on_singular!r}, but must be "raise" or "warn"')


def _worst(values: Any) -> tuple[float, str]:
    """Find the smallest of one or many values, and the words that name its item in a batch."""
    if isinstance(values, float):
        return values, ""
    index = np.unravel_index(np.nanargmin(values), values.shape)
    position = tuple(int(i) for i in index)
    return float(values[index]), f"item {position[0] if len(position) == 1 else position}: "


def judge_rcond(
    name: str, rcond: Any, eps: float, on_singular: str, cause: str | None = None
) -> None:
    """Raise or warn as the condition asks for."""
    worst, item = _worst(rcond)
    if worst < eps:
        text = (
            f"{name}: {item}the equation is singular to working precision "
            f"(rcond = {worst:.1e}): {cause or _SINGULAR[name]}"
        )
        if on_singular == "raise":
            raise LinAlgError(f'{text}; on_singular="warn" returns what was computed')
        warn(text, IllConditionedWarning)
    elif worst < 1000 * eps:
        warn(
            f"{name}: {item}the equation is ill-conditioned (rcond = {worst:.1e}), the solution "
            "may have few correct digits",
            IllConditionedWarning,
        )


def _judge_scale(name: str, scale: Any, dtype: np.dtype[Any], return_info: bool) -> None:
    """Raise if X overflows and the caller does not see the scale, or there is none."""
    worst, item = _worst(scale)
    if worst == 0:
        raise LinAlgError(f"{name}: {item}the solution overflows {dtype}, however it is scaled")
    if worst < 1 and not return_info:
        raise LinAlgError(
            f"{name}: {item}the solution overflows {dtype}; with return_info=True the X that "
            f"solves for scale = {worst:.1e} times the right-hand side is returned"
        )


def judge_residual(name: str, residual: Any, eps: float) -> None:
    """Warn about an X that does not solve its equation: the last guard, no known case needs it."""
    if np.any(np.asarray(residual) > 1000 * eps):
        warn(
            f"{name}: the residual {np.max(residual):.1e} is far above rounding level",
            IllConditionedWarning,
        )


def _finish(
    name: str, solved: Solved, on_singular: str | None, method: str, return_info: bool
) -> Any:
    """X, or (X, SolveInfo), after everything that must be said about it has been said."""
    x, quiet, residual, rcond, scale, refinements = solved
    if not quiet:
        eps = float(np.finfo(x.dtype).eps)
        if on_singular is not None:
            judge_rcond(name, rcond, eps, on_singular)
        judge_residual(name, residual, eps)
        _judge_scale(name, scale, x.dtype, return_info)
    if return_info:
        return x, SolveInfo(method, residual, rcond, scale, refinements)
    return x


# --- the slow path: conversions, and the wording of errors -------------------------------------


def _exact(a: Array, dtype: DTypeLike) -> Array:
    """Bring `a` to this dtype, aligned, strides multiples of the item size, as the core asks."""
    a = np.require(a, dtype, ["A"])
    return np.ascontiguousarray(a) if any(s % a.itemsize for s in a.strides) else a


def _real(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.empty(0, dtype).real.dtype


def _square(name: str, argument: str, value: ArrayLike) -> Array:
    a = as_inexact(argument, value)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"{name}: {argument} has shape {a.shape}, but must be square: (n, n)")
    return a


def _require_right_side(
    name: str, argument: str, q: Array, a_shape: tuple[int, ...], b_shape: tuple[int, ...]
) -> None:
    """Raise unless q is (..., m, n) for a (..., m, m) and b (..., n, n) whose batches broadcast."""
    core = (a_shape[-1], b_shape[-1])
    if q.shape[-2:] != core:
        raise ValueError(
            f"{name}: {argument} has shape {q.shape}, but a is {a_shape} and b is {b_shape}, "
            f"so {argument} must be {core}"
        )
    try:
        np.broadcast_shapes(a_shape[:-2], b_shape[:-2], q.shape[:-2])
    except ValueError:
        raise ValueError(
            f"{name}: the leading axes of a {a_shape}, b {b_shape} and {argument} {q.shape} "
            "do not broadcast"
        ) from None


def _solve_converted(
    name: str,
    solver: Callable[[Any, Any, Any, bool], Solved | None],
    operands: tuple[ArrayLike, ArrayLike, ArrayLike],
    q_name: str,
    check_finite: bool,
) -> Solved:
    """Convert what the core has declined and call it again, or say what is wrong."""
    a, b = _square(name, "a", operands[0]), _square(name, "b", operands[1])
    q = as_inexact(q_name, operands[2])
    _require_right_side(name, q_name, q, a.shape, b.shape)
    if check_finite:
        for argument, value in (("a", a), ("b", b), (q_name, q)):
            require_finite(argument, value)
    dtype = np.result_type(a, b, q)
    sides = dtype if "c" in a.dtype.kind + b.dtype.kind else _real(dtype)
    solved = solver(_exact(a, sides), _exact(b, sides), _exact(q, dtype), False)
    assert solved is not None
    return solved


def _method(a: ArrayLike, b: ArrayLike) -> str:
    return "kronecker-lu" if np.shape(a)[-1] * np.shape(b)[-1] <= 16 else "bartels-stewart"


# --- the solvers -------------------------------------------------------------------------------


@overload
def solve_sylvester(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
) -> Array: ...
@overload
def solve_sylvester(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[True],
) -> tuple[Array, SolveInfo]: ...
def solve_sylvester(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    *,
    check_finite: bool = True,
    on_singular: OnSingular = "raise",
    return_info: bool = False,
) -> Any:
    """Solve A X + X B = Q for X.

    A (m, m), B (n, n), Q (m, n) → X (m, n). Unique when no eigenvalue of A is the negative of one
    of B. A drop-in for `scipy.linalg.solve_sylvester`.

    Parameters
    ----------
    a, b, q : array_like
        The matrices, real or complex in any mix. Leading axes are a batch and broadcast.
    check_finite : bool
        Raise for NaN and Inf. If False, they make X NaN.
    on_singular : {"raise", "warn"}
        What to do when the equation is singular to working precision (rcond < eps).
    return_info : bool
        Return ``(X, SolveInfo)``.

    Returns
    -------
    X : ndarray
        Of dtype ``np.result_type(a, b, q)``, integers and bool counting as float64.

    Raises
    ------
    LinAlgError
        The equation is singular, or X overflows.
    ValueError
        Shapes that do not fit, NaN or Inf.

    Warns
    -----
    IllConditionedWarning
        rcond < 1000 eps.

    Notes
    -----
    About 25 (m³ + n³) flops for two Schur decompositions, which run at once on two threads,
    7 m n (m + n) for the solution and its residual, 2 to 4 m n (m + n) for the condition; memory
    for four copies of A and B and six of Q. Up to 16 unknowns: LU of the Kronecker matrix.

    References
    ----------
    Bartels & Stewart 1972, doi:10.1145/361573.361582.

    Examples
    --------
    >>> import numpy as np
    >>> import otimes as ox
    >>> A, B = np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([[4.0]])
    >>> X = ox.solve_sylvester(A, B, [[9.0], [14.0]])
    >>> X
    array([[1.],
           [2.]])
    >>> A @ X + X @ B
    array([[ 9.],
           [14.]])
    """
    solved = _core.solve_sylvester(a, b, q, check_finite)
    if solved is None:
        operands = (a, b, q)
        solved = _solve_converted(
            "solve_sylvester", _core.solve_sylvester, operands, "q", check_finite
        )
    if solved[1] and not return_info and on_singular in ("raise", "warn"):
        return solved[0]
    require_on_singular("solve_sylvester", on_singular)
    return _finish("solve_sylvester", solved, on_singular, _method(a, b), return_info)


@overload
def solve_axb(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
) -> Array: ...
@overload
def solve_axb(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[True],
) -> tuple[Array, SolveInfo]: ...
def solve_axb(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    *,
    check_finite: bool = True,
    on_singular: OnSingular = "raise",
    return_info: bool = False,
) -> Any:
    """Solve A X B = C for X.

    A (m, m), B (n, n), C (m, n) → X (m, n). Unique when A and B are nonsingular.

    Parameters
    ----------
    a, b, c : array_like
        The matrices, real or complex in any mix. Leading axes are a batch and broadcast.
    check_finite : bool
        Raise for NaN and Inf. If False, they make X NaN.
    on_singular : {"raise", "warn"}
        What to do when the equation is singular to working precision (rcond < eps).
    return_info : bool
        Return ``(X, SolveInfo)``.

    Returns
    -------
    X : ndarray
        Of dtype ``np.result_type(a, b, c)``, integers and bool counting as float64.

    Raises
    ------
    LinAlgError
        The equation is singular, or X overflows.
    ValueError
        Shapes that do not fit, NaN or Inf.

    Warns
    -----
    IllConditionedWarning
        rcond < 1000 eps.

    Notes
    -----
    2/3 (m³ + n³) flops for the LU decompositions of A and B, 4 m n (m + n) for the solution and its
    residual; memory for two copies of A and B and five of C. The condition is the product of those
    of A and B, by inverse iteration.

    References
    ----------
    Golub & Van Loan, Matrix Computations, 4th ed., section 12.3.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.solve_axb([[2, 0], [0, 4]], [[1, 1], [0, 1]], [[2, 4], [4, 12]])
    array([[1., 1.],
           [1., 2.]])
    """
    solved = _core.solve_axb(a, b, c, check_finite)
    if solved is None:
        solved = _solve_converted("solve_axb", _core.solve_axb, (a, b, c), "c", check_finite)
    if solved[1] and not return_info and on_singular in ("raise", "warn"):
        return solved[0]
    require_on_singular("solve_axb", on_singular)
    return _finish("solve_axb", solved, on_singular, "lu", return_info)


# --- factorizations ----------------------------------------------------------------------------


class SylvesterFactor:
    """The equation A X + X B = Q, decomposed; made by `sylvester_factor`.

    Attributes
    ----------
    shape : tuple of int
        (m, n), the shape of X and of every right-hand side.
    dtype : dtype
        The dtype of the decompositions.
    """

    __slots__ = ("_a", "_b", "_core", "_wider")

    def __init__(self, a: Array, b: Array) -> None:
        self._a, self._b = a, b
        factor = _core.sylvester_factor(a, b)
        assert factor is not None
        self._core = factor
        self._wider: SylvesterFactor | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n), the shape of X and of every right-hand side."""
        return self._a.shape[0], self._b.shape[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the decompositions."""
        return self._a.dtype

    def rcond(self) -> float:
        """σ_min(M)/σ_max(M) of the equation's matrix M, right within a factor of 10."""
        return self._core.rcond()

    def solve(
        self,
        rhs: ArrayLike,
        trans: Trans = "N",
        *,
        check_finite: bool = True,
        return_info: bool = False,
    ) -> Any:
        """Solve A X + X B = rhs for X.

        With ``trans="T"`` Aᵀ X + X Bᵀ = rhs, with ``trans="H"`` Aᴴ X + X Bᴴ = rhs.

        rhs (..., m, n) → X (..., m, n), in 9 m n (m + n) flops each. Leading axes are a batch. A
        right-hand side of higher precision than the decompositions is solved for in its own.
        Returns ``(X, SolveInfo)`` with ``return_info=True``.
        """
        if trans not in ("N", "T", "H"):
            raise ValueError(f'trans is {trans!r}, but must be "N", "T" or "H"')
        q = as_inexact("rhs", rhs)
        _require_right_side("SylvesterFactor.solve", "rhs", q, self._a.shape, self._b.shape)
        if check_finite:
            require_finite("rhs", q)
        dtype = np.result_type(self.dtype, q)
        if _real(dtype) != _real(self.dtype):
            return self._widened().solve(q, trans, check_finite=False, return_info=return_info)
        conjugated = trans == "T" and self.dtype.kind == "c"  # Aᵀ X = Q is Aᴴ conj(X) = conj(Q)
        solved = self._core.solve(_exact(q.conj() if conjugated else q, dtype), trans != "N", False)
        assert solved is not None
        if conjugated:
            np.conjugate(solved[0], out=solved[0])
        return _finish("SylvesterFactor.solve", solved, None, "bartels-stewart", return_info)

    def _widened(self) -> SylvesterFactor:
        if self._wider is None:
            wide = np.result_type(self.dtype, np.float64)
            self._wider = SylvesterFactor(self._a.astype(wide), self._b.astype(wide))
        return self._wider

    def __repr__(self) -> str:
        return f"<SylvesterFactor of shape {self.shape}, {self.dtype}, rcond {self.rcond():.1e}>"

    def __reduce__(self) -> tuple[type[SylvesterFactor], tuple[Array, Array]]:
        return SylvesterFactor, (self._a, self._b)


def sylvester_factor(
    a: ArrayLike, b: ArrayLike, *, check_finite: bool = True, on_singular: OnSingular = "raise"
) -> SylvesterFactor:
    """Decompose A X + X B = Q once, for any number of right-hand sides Q.

    A (m, m), B (n, n). The object returned has ``.solve(rhs, trans="N"|"T"|"H")`` and
    ``.rcond()``; `trans` gives the transposed and the adjoint equation without new decompositions.

    Parameters
    ----------
    a, b : array_like
        The matrices, real or complex; they are copied.
    check_finite : bool
        Raise for NaN and Inf. If False, they make every X NaN.
    on_singular : {"raise", "warn"}
        What to do when the equation is singular to working precision (rcond < eps).

    Returns
    -------
    SylvesterFactor

    Raises
    ------
    LinAlgError
        The equation is singular.
    ValueError
        Shapes that do not fit, NaN or Inf.

    Warns
    -----
    IllConditionedWarning
        rcond < 1000 eps.

    Notes
    -----
    About 25 (m³ + n³) flops and memory for four copies of A and B.

    References
    ----------
    Bartels & Stewart 1972, doi:10.1145/361573.361582.

    Examples
    --------
    >>> import otimes as ox
    >>> factor = ox.sylvester_factor([[1.0, 2.0], [0.0, 3.0]], [[4.0]])
    >>> factor.solve([[9.0], [14.0]])
    array([[1.],
           [2.]])
    >>> factor.solve([[5.0], [9.0]], trans="T")
    array([[1.],
           [1.]])
    """
    require_on_singular("sylvester_factor", on_singular)
    left, right = _square("sylvester_factor", "a", a), _square("sylvester_factor", "b", b)
    for argument, value in (("a", left), ("b", right)):
        if value.ndim != 2:
            raise ValueError(
                f"sylvester_factor: {argument} has shape {value.shape}, "
                "but must be one matrix: (n, n)"
            )
        if check_finite:
            require_finite(argument, value)
    dtype = np.result_type(left, right)
    factor = SylvesterFactor(np.array(left, dtype), np.array(right, dtype))
    eps = float(np.finfo(dtype).eps)
    judge_rcond("sylvester_factor", factor.rcond(), eps, on_singular)
    return factor
