"""The named matrix equations: drop-ins for SciPy's solvers, never silently wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from ._equation import Equation, EquationFactor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ._check import Array
    from ._solve_info import OnSingular, SolveInfo

SYLVESTER = Equation(
    key="sylvester",
    name="solve_sylvester",
    arguments=("a", "b"),
    sides="lr",
    rhs="q",
    left=lambda a, b, x: a @ x + x @ b,
    singular="a and -b have a common eigenvalue, or nearly so",
)
AXB = Equation(
    key="axb",
    name="solve_axb",
    arguments=("a", "b"),
    sides="lr",
    rhs="c",
    left=lambda a, b, x: a @ x @ b,
    singular="a or b is singular, or nearly so",
)

TSYLVESTER = Equation(
    key="tsylvester",
    name="solve_tsylvester",
    arguments=("a", "b"),
    sides="ll",
    rhs="c",
    left=lambda a, b, x: a @ x + x.mT @ b,
    singular="two eigenvalues of a - λ bᵀ have the product 1, or one is -1, or nearly so",
)
HSYLVESTER = Equation(
    key="hsylvester",
    name="solve_tsylvester",
    arguments=("a", "b"),
    sides="ll",
    rhs="c",
    left=lambda a, b, x: a @ x + x.conj().mT @ b,
    singular="for two eigenvalues of a - λ bᴴ, or twice the same, λ₁ conj(λ₂) = 1, or nearly so",
    real_linear=True,
)

#: Reached through `solve`, as it has no name of its own.
AXB_CXTD = Equation(
    key="axb_cxtd",
    name="solve",
    arguments=("a", "b", "c", "d"),
    sides="llll",
    rhs="e",
    left=lambda a, b, c, d, x: a @ x @ b + c @ x.mT @ d,
    singular="a x b + c xᵀ d is 0 for an x that is not, or nearly so",
)
#: The same with Xᴴ for complex X.
AXB_CXHD = Equation(
    key="axb_cxhd",
    name="solve",
    arguments=("a", "b", "c", "d"),
    sides="llll",
    rhs="e",
    left=lambda a, b, c, d, x: a @ x @ b + c @ x.conj().mT @ d,
    singular="a x b + c xᴴ d is 0 for an x that is not, or nearly so",
    real_linear=True,
)


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
    for four copies of A and B and six of Q. Where the smaller one, A say, is below about 64 and the
    other below 200, 25 m³ + 5 n³ for its Schur form and a Hessenberg form of B, and m n² for the
    LUs of that, one for each eigenvalue of A, which take m n² numbers of memory. Up to 36 unknowns:
    LU of the Kronecker matrix, 2/3 (m n)³ flops; in a batch, of as many equations at once as a
    vector has lanes.

    References
    ----------
    Bartels & Stewart 1972, doi:10.1145/361573.361582; Golub, Nash & Van Loan 1979,
    doi:10.1109/TAC.1979.1102170.

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
    return SYLVESTER.solve((a, b), q, check_finite, on_singular, return_info)


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
    on_singular : {"raise", "warn", "lstsq"}
        What to do when the equation is singular to working precision (rcond < eps); "lstsq" gives
        the least-squares solution of minimum norm, by SVD up to 2000 unknowns, else by LSMR.
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
    return AXB.solve((a, b), c, check_finite, on_singular, return_info)


@overload
def solve_tsylvester(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    conjugate: bool = ...,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
) -> Array: ...
@overload
def solve_tsylvester(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    conjugate: bool = ...,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[True],
) -> tuple[Array, SolveInfo]: ...
def solve_tsylvester(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    conjugate: bool = False,
    *,
    check_finite: bool = True,
    on_singular: OnSingular = "raise",
    return_info: bool = False,
) -> Any:
    """Solve A X + Xᵀ B = C for X; with ``conjugate=True`` A X + Xᴴ B = C.

    A, B, C, X (n, n). Unique when λᵢ λⱼ ≠ 1 for all eigenvalues of A - λ Bᵀ, 0 and ∞ counting as
    reciprocals and i = j included, except that λ = 1 may occur once; with `conjugate` when
    λᵢ conj(λⱼ) ≠ 1 for all eigenvalues of A - λ Bᴴ.

    Parameters
    ----------
    a, b, c : array_like
        The matrices, real or complex in any mix. Leading axes are a batch and broadcast.
    conjugate : bool
        Xᴴ in place of Xᵀ. The equation is then linear over the reals only, and complex as soon as
        one of a, b and c is.
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
    About 30 n³ complex flops (of two multiplications and additions each, four times as many real
    ones) for a Schur form of the pencil, 66 n³ where QZ is needed for it, and 4 n³ for each of the
    five substitutions that the solution and its condition take; memory for twelve complex matrices.
    Up to 16 unknowns: LU of the matrix of the equation.

    References
    ----------
    De Terán & Dopico 2011, doi:10.13001/1081-3810.1479.

    Examples
    --------
    >>> import numpy as np
    >>> import otimes as ox
    >>> A, B = np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> X = ox.solve_tsylvester(A, B, [[7.0, 6.0], [9.0, 8.0]])
    >>> np.round(X, 12) + 0.0
    array([[1., 1.],
           [2., 2.]])
    >>> np.allclose(A @ X + X.T @ B, [[7.0, 6.0], [9.0, 8.0]])
    True
    """
    equation = HSYLVESTER if conjugate else TSYLVESTER
    return equation.solve((a, b), c, check_finite, on_singular, return_info)


def sylvester_factor(
    a: ArrayLike, b: ArrayLike, *, check_finite: bool = True, on_singular: OnSingular = "raise"
) -> EquationFactor:
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
    EquationFactor
        The decompositions, which can be used any number of times and by several threads.

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
    return SYLVESTER.factor("sylvester_factor", (a, b), check_finite, on_singular)
