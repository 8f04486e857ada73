"""X - A X B = Q and the equations of Lyapunov: one matrix, from the left and from the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from ._equation import Equation
from ._pencil_equations import GENERALIZED_LYAPUNOV, GENERALIZED_STEIN

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ._check import Array
    from ._solve_info import OnSingular, SolveInfo

STEIN = Equation(
    key="stein",
    name="solve_stein",
    arguments=("a", "b"),
    sides="lr",
    rhs="q",
    left=lambda a, b, x: x - a @ x @ b,
    singular="an eigenvalue of a times one of b is 1, or nearly so",
)
CONTINUOUS_LYAPUNOV = Equation(
    key="continuous_lyapunov",
    name="solve_continuous_lyapunov",
    arguments=("a",),
    sides="l",
    rhs="q",
    left=lambda a, x: a @ x + x @ a.conj().mT,
    singular="a and -aᴴ have a common eigenvalue, or nearly so",
)
DISCRETE_LYAPUNOV = Equation(
    key="discrete_lyapunov",
    name="solve_discrete_lyapunov",
    arguments=("a",),
    sides="l",
    rhs="q",
    left=lambda a, x: x - a @ x @ a.conj().mT,
    singular="an eigenvalue of a times the conjugate of one is 1, or nearly so",
)


@overload
def solve_stein(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
) -> Array: ...
@overload
def solve_stein(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[True],
) -> tuple[Array, SolveInfo]: ...
def solve_stein(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    *,
    check_finite: bool = True,
    on_singular: OnSingular = "raise",
    return_info: bool = False,
) -> Any:
    """Solve X - A X B = Q for X.

    A (m, m), B (n, n), Q (m, n) → X (m, n). Unique when no eigenvalue of A is the reciprocal of one
    of B.

    Parameters
    ----------
    a, b, q : array_like
        The matrices, real or complex in any mix. Leading axes are a batch and broadcast.
    check_finite : bool
        Raise for NaN and Inf. If False, they make X NaN.
    on_singular : {"raise", "warn", "lstsq"}
        What to do when the equation is singular to working precision (rcond < eps); "lstsq" gives
        the least-squares solution of minimum norm, by SVD up to 2000 unknowns, else by LSMR.
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
    for four copies of A and B and seven of Q. Not by a bilinear transformation, which needs A + I
    and B + I to be regular. Up to 16 unknowns: LU of the Kronecker matrix.

    References
    ----------
    Kitagawa 1977, doi:10.1080/00207177708922266; Barraud 1977, doi:10.1109/TAC.1977.1101651.

    Examples
    --------
    >>> import numpy as np
    >>> import otimes as ox
    >>> A, B = np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([[2.0]])
    >>> X = ox.solve_stein(A, B, [[-7.0], [-10.0]])
    >>> X
    array([[1.],
           [2.]])
    >>> X - A @ X @ B
    array([[ -7.],
           [-10.]])
    """
    return STEIN.solve((a, b), q, check_finite, on_singular, return_info)


@overload
def solve_continuous_lyapunov(
    a: ArrayLike,
    q: ArrayLike,
    *,
    e: ArrayLike | None = ...,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
) -> Array: ...
@overload
def solve_continuous_lyapunov(
    a: ArrayLike,
    q: ArrayLike,
    *,
    e: ArrayLike | None = ...,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[True],
) -> tuple[Array, SolveInfo]: ...
def solve_continuous_lyapunov(
    a: ArrayLike,
    q: ArrayLike,
    *,
    e: ArrayLike | None = None,
    check_finite: bool = True,
    on_singular: OnSingular = "raise",
    return_info: bool = False,
) -> Any:
    """Solve A X + X Aᴴ = Q, or A X Eᴴ + E X Aᴴ = Q, for X.

    A (n, n), Q (n, n), E (n, n) → X (n, n). Unique when no eigenvalue of A, or of the pencil
    A - λ E with a regular E, is the negative conjugate of one. A drop-in for
    `scipy.linalg.solve_continuous_lyapunov`, with its sign.

    Parameters
    ----------
    a, q : array_like
        The matrices, real or complex in any mix. Q may be any square matrix. Leading axes are a
        batch and broadcast.
    e : array_like, optional
        The matrix E of the generalized equation.
    check_finite : bool
        Raise for NaN and Inf. If False, they make X NaN.
    on_singular : {"raise", "warn", "lstsq"}
        What to do when the equation is singular to working precision (rcond < eps); "lstsq" gives
        the least-squares solution of minimum norm, by SVD up to 2000 unknowns, else by LSMR.
    return_info : bool
        Return ``(X, SolveInfo)``.

    Returns
    -------
    X : ndarray
        Of dtype ``np.result_type(a, q, e)``, integers and bool counting as float64.
        Exactly Hermitian (symmetric) where Q is.

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
    About 25 n³ flops for one Schur decomposition, 14 n³ for the solution and its residual, 11 n³ if
    Q is Hermitian; 4 to 8 n³ for the condition; memory for five copies of A and six of Q. With E:
    33 n³ for a generalized Schur decomposition where E is well-conditioned, else 66 n³ (QZ), and
    46 n³. Up to 36 unknowns: LU of the Kronecker matrix.

    References
    ----------
    Bartels & Stewart 1972, doi:10.1145/361573.361582; with E: Penzl 1998,
    doi:10.1023/A:1018979826766.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.solve_continuous_lyapunov([[-1, 2], [0, -3]], [[-2, 0], [0, -6]])
    array([[2. , 0.5],
           [0.5, 1. ]])
    """
    if e is not None:
        return GENERALIZED_LYAPUNOV.solve((a, e), q, check_finite, on_singular, return_info)
    return CONTINUOUS_LYAPUNOV.solve((a,), q, check_finite, on_singular, return_info)


@overload
def solve_discrete_lyapunov(
    a: ArrayLike,
    q: ArrayLike,
    method: str | None = ...,
    *,
    e: ArrayLike | None = ...,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
) -> Array: ...
@overload
def solve_discrete_lyapunov(
    a: ArrayLike,
    q: ArrayLike,
    method: str | None = ...,
    *,
    e: ArrayLike | None = ...,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[True],
) -> tuple[Array, SolveInfo]: ...
def solve_discrete_lyapunov(
    a: ArrayLike,
    q: ArrayLike,
    method: str | None = None,
    *,
    e: ArrayLike | None = None,
    check_finite: bool = True,
    on_singular: OnSingular = "raise",
    return_info: bool = False,
) -> Any:
    """Solve A X Aᴴ - X + Q = 0, or A X Aᴴ - E X Eᴴ + Q = 0, for X.

    A (n, n), Q (n, n), E (n, n) → X (n, n). Unique when no eigenvalue of A, or of a regular pencil
    A - λ E, is the reciprocal conjugate of one. A drop-in for
    `scipy.linalg.solve_discrete_lyapunov`, with its sign.

    Parameters
    ----------
    a, q : array_like
        The matrices, real or complex in any mix. Q may be any square matrix. Leading axes are a
        batch and broadcast.
    method : {None, "direct", "bilinear"}
        SciPy's names, in any case; the same solver serves them all.
    e : array_like, optional
        The matrix E of the generalized equation.
    check_finite : bool
        Raise for NaN and Inf. If False, they make X NaN.
    on_singular : {"raise", "warn", "lstsq"}
        What to do when the equation is singular to working precision (rcond < eps); "lstsq" gives
        the least-squares solution of minimum norm, by SVD up to 2000 unknowns, else by LSMR.
    return_info : bool
        Return ``(X, SolveInfo)``.

    Returns
    -------
    X : ndarray
        Of dtype ``np.result_type(a, q, e)``, integers and bool counting as float64.
        Exactly Hermitian (symmetric) where Q is.

    Raises
    ------
    LinAlgError
        The equation is singular, or X overflows.
    ValueError
        Shapes that do not fit, NaN or Inf, or another method.

    Warns
    -----
    IllConditionedWarning
        rcond < 1000 eps.

    Notes
    -----
    About 25 n³ flops for one Schur decomposition, 14 n³ for the solution and its residual, 4 to
    8 n³ for the condition; memory for five copies of A and seven of Q. Not by a bilinear
    transformation, which loses digits where an eigenvalue of A is near -1. With E: 33 n³ for a
    generalized Schur decomposition where the pencil is well-conditioned, else 66 n³ (QZ), and
    46 n³. Up to 36 unknowns: LU of the Kronecker matrix.

    References
    ----------
    Kitagawa 1977, doi:10.1080/00207177708922266; Barraud 1977, doi:10.1109/TAC.1977.1101651; with
    E: Penzl 1998, doi:10.1023/A:1018979826766.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.solve_discrete_lyapunov([[0.5, 0.0], [0.0, -0.5]], [[3.0, 5.0], [5.0, 6.0]])
    array([[4., 4.],
           [4., 8.]])
    """
    if method is not None and method.lower() not in ("direct", "bilinear"):
        raise ValueError(
            f"solve_discrete_lyapunov: method is {method!r}, but must be None, 'direct' or "
            "'bilinear'"
        )
    if e is not None:
        return GENERALIZED_STEIN.solve((a, e), q, check_finite, on_singular, return_info)
    return DISCRETE_LYAPUNOV.solve((a,), q, check_finite, on_singular, return_info)
