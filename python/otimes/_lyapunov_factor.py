"""Lyapunov factors: X = L Lᴴ without X."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import _core
from ._check import Array, as_inexact
from ._registry import registry
from ._state_space import all_exact, call_as, fitting_matrices, require_all_finite

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


#: Shapes in n states and m inputs.
FACTOR = {"a": "nn", "b": "nm", "e": "nn"}


def solve_lyapunov_factor(
    a: ArrayLike,
    b: ArrayLike,
    *,
    e: ArrayLike | None = None,
    discrete: bool = False,
    check_finite: bool = True,
) -> Array:
    """Solve A X Eᴴ + E X Aᴴ + B Bᴴ = 0 for the L with X = L Lᴴ, without forming X.

    With ``discrete=True``: A X Aᴴ − E X Eᴴ + B Bᴴ = 0. A, E (n, n), B (n, m) → L (n, n), lower
    triangular, its diagonal not negative. X is the controllability Gramian of E ẋ = A x + B u,
    which must be stable; for Aᴴ, Eᴴ, Cᴴ in place of A, E, B the observability Gramian is Eᴴ X E.
    Small singular values of L, and so the Hankel singular values of a model, have the digits that
    they lose when X is formed, where they are squared.

    Parameters
    ----------
    a, b : array_like
        The matrices, real or complex in any mix. Leading axes are a batch and broadcast. B may have
        any number of columns and any rank.
    e : array_like, optional
        E, nonsingular (the identity by default).
    discrete : bool
        Solve the discrete-time equation.
    check_finite : bool
        Raise for NaN and Inf. If False, they make L NaN.

    Returns
    -------
    L : ndarray
        Of dtype ``np.result_type(a, b, e)``, integers and bool counting as float64.

    Raises
    ------
    LinAlgError
        An eigenvalue of E⁻¹A is not in the open left half-plane (inside the unit circle), or E is
        singular.
    ValueError
        Shapes that do not fit, NaN or Inf.

    Notes
    -----
    About 25 n³ flops for a Schur decomposition of E⁻¹A, and 2 n³ + 4 n² m for L. Memory for six
    copies of A and three of B.

    References
    ----------
    Hammarling 1982, doi:10.1093/imanum/2.3.303; Sorensen & Zhou 2003,
    doi:10.1155/S1110757X03212055.

    Examples
    --------
    >>> import numpy as np
    >>> import otimes as ox
    >>> A, B = np.array([[-1.0, 2.0], [0.0, -3.0]]), np.array([[1.0], [2.0]])
    >>> L = ox.solve_lyapunov_factor(A, B)
    >>> X = L @ L.T
    >>> np.allclose(A @ X + X @ A.T + B @ B.T, 0)
    True
    """
    name = "solve_lyapunov_factor"
    factor: Array | None = call_as(name, _core.lyapunov_factor, discrete, a, b, e, check_finite)
    if factor is None:
        options = {"discrete": discrete, "check_finite": check_finite}
        foreign = registry.elsewhere(solve_lyapunov_factor, (a, b, e), options)
        if foreign is not NotImplemented:
            traced: Array = foreign
            return traced
        matrices = fitting_matrices(name, FACTOR, (a, b, e), as_inexact)
        if check_finite:
            require_all_finite(matrices)
        exact = all_exact(matrices, np.result_type(*matrices.values()))
        factor = call_as(
            name, _core.lyapunov_factor, discrete, exact["a"], exact["b"], exact.get("e"), False
        )
        assert factor is not None
    return factor
