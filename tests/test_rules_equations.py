"""Derivatives of Riccati equations, Lyapunov factors and two-sided least squares."""

import numpy as np
import pytest

import oracle
import otimes as ox
from derivatives import error_against

rng = np.random.default_rng(37)
N, M = 3, 2
A, G = rng.standard_normal((2, N, N))
B, S = rng.standard_normal((N, M)), 0.1 * rng.standard_normal((N, M))
Q, R = G @ G.T, np.eye(M) + 0.2
E = np.eye(N) + 0.1 * rng.standard_normal((N, N))
STABLE = A - (0.5 + np.abs(np.linalg.eigvals(A)).max()) * np.eye(N)
C = rng.standard_normal((N, 4))


def by_differences(f, x):
    """The error of the derivative, relative to its largest entry."""
    return error_against(lambda xp, y: f(y), oracle.jacobian(f, x), x)


@pytest.mark.parametrize("given", [(A, B, Q, R), (A, B, Q, R, E, S)], ids=["plain", "general"])
@pytest.mark.parametrize("solver", [ox.solve_continuous_are, ox.solve_discrete_are])
def test_riccati_equations_by_each_argument(solver, given):
    for k, x in enumerate(given):

        def f(y, k=k):
            symmetric = (y + y.T) * 0.5 if k in (2, 3) else y
            return solver(*given[:k], symmetric, *given[k + 1 :])

        assert by_differences(f, x) < 1e-8


@pytest.mark.parametrize("solver", [ox.solve_continuous_are, ox.solve_discrete_are])
def test_riccati_equation_by_all_at_once(solver):
    def f(y):
        X, info = solver(y, y @ B, Q + y.T @ y, R, return_info=True)
        assert info.residual < 1e-14
        return X @ y

    assert by_differences(f, A) < 1e-8


def test_the_weight_of_one_control_may_be_a_number():
    assert by_differences(lambda r: ox.solve_continuous_are(A, B[:, :1], Q, r), 1.5) < 1e-8


def test_the_derivative_of_a_riccati_equation_is_a_lyapunov_equation():
    J = ox.jacobian(lambda X: ox.solve_continuous_are(A, B, X, R), Q)
    closed = A - B @ np.linalg.solve(R, B.T @ ox.solve_continuous_are(A, B, Q, R))
    D = rng.standard_normal((N, N))
    np.testing.assert_allclose(J.solve(D), -closed.T @ D - D @ closed, atol=1e-12)


@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("e", [None, E], ids=["plain", "general"])
def test_lyapunov_factors(discrete, e):
    a = STABLE / (8 if discrete else 1)
    solve = ox.solve_lyapunov_factor
    assert by_differences(lambda y: solve(y, C, e=e, discrete=discrete), a) < 1e-8
    assert by_differences(lambda y: solve(a, y, e=e, discrete=discrete), C) < 1e-8
    if e is not None:
        assert by_differences(lambda y: solve(a, C, e=y, discrete=discrete), e) < 1e-8


def test_a_singular_gramian_has_no_differentiable_factor():
    a, b = np.diag([-1.0, -2.0]), np.array([[1.0], [0.0]])
    with pytest.raises(np.linalg.LinAlgError, match=r"solve_lyapunov_factor at .* rank-deficient"):
        ox.jacobian(lambda y: ox.solve_lyapunov_factor(y, b), a)


@pytest.mark.parametrize("ridge", [0.0, 0.7])
def test_two_sided_least_squares(ridge):
    a, b, c = (rng.standard_normal(shape) for shape in ((5, 3), (2, 4), (5, 4)))
    low = rng.standard_normal((5, 1)) @ rng.standard_normal((1, 3))
    solve = ox.lstsq_axb
    assert by_differences(lambda y: solve(y, b, c, ridge=ridge), a) < 1e-8
    assert by_differences(lambda y: solve(a, y, c, ridge=ridge), b) < 1e-8
    assert by_differences(lambda y: solve(low, b, y, ridge=ridge), c) < 1e-8
    if ridge:
        assert by_differences(lambda y: solve(a, b, c, ridge=y), ridge) < 1e-8
        f = lambda y: solve(a, b, y, ridge=ridge, return_info=True)[1].ranks[0] * y  # noqa: E731
        assert by_differences(f, c) < 1e-8


def test_refusals():
    with pytest.raises(NotImplementedError, match=r"solve_continuous_are of a batch \(\(1, 3, 3\)"):
        ox.jacobian(lambda y: ox.solve_continuous_are(y, B, Q, R), A[None])
    with pytest.raises(NotImplementedError, match="solve_discrete_are of a complex array"):
        ox.jacobian(lambda y: ox.solve_discrete_are(y, B, Q, R), A + 0j)
    with pytest.raises(NotImplementedError, match="lstsq_axb with several ridge values"):
        ox.jacobian(lambda y: ox.lstsq_axb(y, A, A, ridge=[1.0, 2.0]), A)
    with pytest.raises(NotImplementedError, match="lstsq_axb by a ridge of 0"):
        ox.jacobian(lambda y: ox.lstsq_axb(A, A, A, ridge=y), 0.0)
    with pytest.raises(ValueError, match="solve_continuous_are: q is not Hermitian"):
        ox.jacobian(lambda y: ox.solve_continuous_are(y, B, A, R), A)
