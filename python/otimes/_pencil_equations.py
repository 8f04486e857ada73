"""Matrix equations with two pencils: generalized and coupled Sylvester equations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from ._check import as_inexact, require_finite
from ._equation import Equation
from ._registry import registry

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ._check import Array
    from ._solve_info import OnSingular, SolveInfo

GENERALIZED_SYLVESTER = Equation(
    key="generalized_sylvester",
    name="solve_generalized_sylvester",
    arguments=("a", "b", "c", "d"),
    sides="lrlr",
    rhs="e",
    left=lambda a, b, c, d, x: a @ x @ b + c @ x @ d,
    singular="the pencils a - λ c and d + λ b have a common eigenvalue, or nearly so, or one of "
    "them is singular",
)
GENERALIZED_LYAPUNOV = Equation(
    key="generalized_lyapunov",
    name="solve_continuous_lyapunov",
    arguments=("a", "e"),
    sides="ll",
    rhs="q",
    left=lambda a, e, x: a @ x @ e.conj().mT + e @ x @ a.conj().mT,
    singular="two eigenvalues of the pencil a - λ e have λ = -conj(μ), or nearly so, or e is "
    "singular",
)
GENERALIZED_STEIN = Equation(
    key="generalized_stein",
    name="solve_discrete_lyapunov",
    arguments=("a", "e"),
    sides="ll",
    rhs="q",
    left=lambda a, e, x: e @ x @ e.conj().mT - a @ x @ a.conj().mT,
    singular="two eigenvalues of the pencil a - λ e have λ conj(μ) = 1, or nearly so, or the "
    "pencil is singular",
)
COUPLED_SYLVESTER = Equation(
    key="coupled_sylvester",
    name="solve_coupled_sylvester",
    arguments=("a", "b", "d", "e"),
    sides="lrlr",
    rhs="[c; f]",
    left=lambda a, b, d, e, x: stacked(
        *(p @ part(x, 0) - part(x, 1) @ q for p, q in ((a, b), (d, e)))
    ),
    singular="the pencils a - λ d and b - λ e have a common eigenvalue, or nearly so, or one of "
    "them is singular",
    unknowns=2,
)


def part(x: Any, index: int) -> Any:
    """One of two matrices that are stacked below one another, as a product with [I 0] or [0 I]."""
    m = x.shape[-2] // 2
    return np.eye(m, 2 * m, index * m) @ x


def stacked(first: Any, second: Any) -> Any:
    """Two matrices below one another, as a sum of products: all of this can be traced."""
    m = first.shape[-2]
    return np.eye(2 * m, m) @ first + np.eye(2 * m, m, -m) @ second


@overload
def solve_generalized_sylvester(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    d: ArrayLike,
    e: ArrayLike,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
) -> Array: ...
@overload
def solve_generalized_sylvester(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    d: ArrayLike,
    e: ArrayLike,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[True],
) -> tuple[Array, SolveInfo]: ...
def solve_generalized_sylvester(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    d: ArrayLike,
    e: ArrayLike,
    *,
    check_finite: bool = True,
    on_singular: OnSingular = "raise",
    return_info: bool = False,
) -> Any:
    """Solve A X B + C X D = E for X.

    A and C (m, m), B and D (n, n), E (m, n) → X (m, n). Unique when both pencils A - λ C and
    D + λ B are regular and have no eigenvalue in common; any of the four matrices may be singular.

    Parameters
    ----------
    a, b, c, d, e : array_like
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
        Of dtype ``np.result_type(a, b, c, d, e)``, integers and bool counting as float64.

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
    Each pencil costs about 33 m³ flops where a combination of its two matrices is well-conditioned
    (LU, one Schur decomposition, QR), else 66 m³ (QZ); both run at once on two threads. Then
    13 m n (m + n) for the solution and its residual, 10 m n (m + n) for the condition. A solution
    whose residual is not at rounding level is computed again by QZ. Memory for six copies of the
    coefficients and eight of E. Up to 36 unknowns: LU of the Kronecker matrix.

    References
    ----------
    Gardiner, Laub, Amato & Moler 1992, doi:10.1145/146847.146929.

    Examples
    --------
    >>> import otimes as ox
    >>> A, C = [[1.0, 2.0], [0.0, 3.0]], [[0.0, 1.0], [0.0, 0.0]]
    >>> X = ox.solve_generalized_sylvester(A, [[2.0]], C, [[1.0]], [[12.0], [12.0]])
    >>> X
    array([[1.],
           [2.]])
    """
    return GENERALIZED_SYLVESTER.solve((a, b, c, d), e, check_finite, on_singular, return_info)


@overload
def solve_coupled_sylvester(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    d: ArrayLike,
    e: ArrayLike,
    f: ArrayLike,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
) -> tuple[Array, Array]: ...
@overload
def solve_coupled_sylvester(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    d: ArrayLike,
    e: ArrayLike,
    f: ArrayLike,
    *,
    check_finite: bool = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[True],
) -> tuple[tuple[Array, Array], SolveInfo]: ...
def solve_coupled_sylvester(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    d: ArrayLike,
    e: ArrayLike,
    f: ArrayLike,
    *,
    check_finite: bool = True,
    on_singular: OnSingular = "raise",
    return_info: bool = False,
) -> Any:
    """Solve A R - L B = C and D R - L E = F for R and L.

    A and D (m, m), B and E (n, n), C and F (m, n) → R and L (m, n). Unique when both pencils
    A - λ D and B - λ E are regular and have no eigenvalue in common. LAPACK's ``tgsyl``, for
    matrices in general form.

    Parameters
    ----------
    a, b, c, d, e, f : array_like
        The matrices, real or complex in any mix. Leading axes are a batch and broadcast.
    check_finite : bool
        Raise for NaN and Inf. If False, they make R and L NaN.
    on_singular : {"raise", "warn", "lstsq"}
        What to do when the equation is singular to working precision (rcond < eps); "lstsq" gives
        the least-squares solution of minimum norm, by SVD up to 2000 unknowns, else by LSMR.
    return_info : bool
        Return ``((R, L), SolveInfo)``.

    Returns
    -------
    R, L : ndarray
        Of the dtype that NumPy's promotion gives all arguments, integers counting as float64.

    Raises
    ------
    LinAlgError
        The equation is singular, or R or L overflows.
    ValueError
        Shapes that do not fit, NaN or Inf.

    Warns
    -----
    IllConditionedWarning
        rcond < 1000 eps; rcond is that of the matrix of order 2 m n that maps [R; L] to [C; F].

    Notes
    -----
    Each pencil costs 33 to 66 m³ flops as in `solve_generalized_sylvester`; then 20 m n (m + n)
    for the solution, its residual and the condition. Memory for six copies of the coefficients and
    eight of C and F. Up to 8 entries of C: LU of the matrix of order 2 m n.

    References
    ----------
    Kågström & Westin 1989, doi:10.1109/9.29404.

    Examples
    --------
    >>> import otimes as ox
    >>> R, L = ox.solve_coupled_sylvester([[3]], [[1]], [[4]], [[1]], [[2]], [[-2]])
    >>> R, L
    (array([[2.]]), array([[2.]]))
    """
    name, coefficients = COUPLED_SYLVESTER.name, (a, b, d, e)
    if registry.is_foreign(*coefficients, c, f):
        solved = COUPLED_SYLVESTER.solve(
            coefficients, stacked(c, f), check_finite, on_singular, return_info
        )
        x = solved[0] if return_info else solved
        both = part(x, 0), part(x, 1)
        return (both, solved[1]) if return_info else both
    matrices = COUPLED_SYLVESTER.matrices(name, coefficients)
    sides = [as_inexact("c", c), as_inexact("f", f)]
    for argument, side in zip("cf", sides, strict=True):
        COUPLED_SYLVESTER.require_right_side(name, argument, matrices, side, unknowns=1)
        if check_finite:
            require_finite(argument, side)
    lead = np.broadcast_shapes(*(side.shape[:-2] for side in sides))
    q = np.concatenate([np.broadcast_to(s, lead + s.shape[-2:]) for s in sides], axis=-2)
    solved = COUPLED_SYLVESTER.solve(coefficients, q, check_finite, on_singular, return_info)
    x = solved[0] if return_info else solved
    m = x.shape[-2] // 2
    both = x[..., :m, :].copy(), x[..., m:, :].copy()
    return (both, solved[1]) if return_info else both
