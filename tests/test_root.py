"""root: Newton on matrix equations, against other solvers, and how it converges and fails."""

import itertools

import numpy as np
import pytest

import otimes as ox
from otimes._line_search import Line, search

EPS = np.finfo(float).eps


@pytest.fixture
def rng():
    return np.random.default_rng(23)


def is_quadratic(residuals, constant=100):
    """Each small residual is at most a constant times the square of the one before."""
    small = [r for r in residuals if r < 1e-2]
    pairs = list(itertools.pairwise(small))
    return len(pairs) >= 2 and all(b <= constant * a**2 + 4 * EPS for a, b in pairs)


def riccati(rng, n, dtype=float):
    """A stable system, so that Newton from X = 0 finds the stabilizing solution (Kleinman 1968)."""
    A = (rng.standard_normal((n, n)) / np.sqrt(n) - 2 * np.eye(n)).astype(dtype)
    B, C = rng.standard_normal((n, 2)).astype(dtype), rng.standard_normal((2, n)).astype(dtype)
    return A, B, C.T @ C


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_continuous_riccati(rng, n):
    A, B, Q = riccati(rng, n)
    f = lambda X: A.T @ X + X @ A - X @ B @ B.T @ X + Q  # noqa: E731
    result = ox.root(f, np.zeros((n, n)))
    assert result.success
    assert result.residual <= 10 * EPS
    assert is_quadratic(result.residuals)
    expected = ox.solve_continuous_are(A, B, Q, np.eye(2))
    assert np.abs(result.x - expected).max() <= 1e-12 * np.abs(expected).max()
    linalg = pytest.importorskip("scipy.linalg")
    expected = linalg.solve_continuous_are(A, B, Q, np.eye(2))
    assert np.abs(result.x - expected).max() <= 1e-12 * np.abs(expected).max()


def test_a_large_riccati_equation_takes_sylvester_steps(rng):
    """n = 200: the dense Jacobian would have 40000 rows, a step by LU 4e13 operations."""
    A, B, Q = riccati(rng, 200)
    f = lambda X: A.T @ X + X @ A - X @ B @ B.T @ X + Q  # noqa: E731
    result = ox.root(f, np.zeros((200, 200)))
    assert result.success
    assert result.method in ("sylvester", "lyapunov")
    assert ox.select_method(ox.jacobian(f, result.x)).startswith("sylvester:")
    expected = ox.solve_continuous_are(A, B, Q, np.eye(2))
    assert np.abs(result.x - expected).max() <= 1e-10 * np.abs(expected).max()


def test_discrete_riccati(rng):
    A, B, Q = riccati(rng, 5)
    A, R = 0.2 * A, np.eye(2)

    def f(X):
        gain = np.linalg.inv(R + B.T @ X @ B) @ B.T @ X @ A
        return A.T @ X @ A - X - A.T @ X @ B @ gain + Q

    result = ox.root(f, Q)
    assert result.success
    expected = ox.solve_discrete_are(A, B, Q, R)
    assert np.abs(result.x - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("n", [2, 12])
def test_square_root(rng, n):
    A = rng.standard_normal((n, n)) / np.sqrt(n) + 2 * np.eye(n)
    result = ox.root(lambda X: X @ X - A, np.eye(n))
    assert result.success
    assert result.method == "sylvester"
    assert is_quadratic(result.residuals)
    linalg = pytest.importorskip("scipy.linalg")
    assert np.abs(result.x - linalg.sqrtm(A)).max() <= 1e-12 * n


def test_complex_square_root(rng):
    A = rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4)) + 5 * np.eye(4)
    result = ox.root(lambda X: X @ X - A, np.eye(4))
    assert result.success
    assert result.x.dtype == np.complex128
    linalg = pytest.importorskip("scipy.linalg")
    assert np.abs(result.x - linalg.sqrtm(A)).max() <= 1e-12


def test_nonlinear_equation_with_an_inverse(rng):
    """X + AᵀX⁻¹A = Q; the maximal solution from X = Q, by Stein equations."""
    n = 6
    A, Q = 0.3 * rng.standard_normal((n, n)) / np.sqrt(n), np.eye(n)
    result = ox.root(lambda X: X + A.T @ np.linalg.inv(X) @ A - Q, Q)
    assert result.success
    assert result.method == "stein"
    assert is_quadratic(result.residuals)
    X = Q.copy()
    for _ in range(2000):  # the fixed-point iteration of Engwerda, linear
        X = Q - A.T @ np.linalg.solve(X, A)
    assert np.abs(result.x - X).max() <= 1e-13


def test_transport_theory():
    """X C X - X D - A X + B = 0 of Juang & Lin 1998, the minimal nonnegative solution.

    With δᵢ, γⱼ > 0: A = Δ - e qᵀ, B = e eᵀ, C = q qᵀ, D = Γ - q eᵀ.
    """
    n, alpha, c = 16, 0.3, 0.8
    nodes, weights = np.polynomial.legendre.leggauss(n)
    w, weight = (nodes + 1) / 2, weights / 2
    e, q = np.ones((n, 1)), (weight / (2 * w))[:, None]
    A = np.diag(1 / (c * w * (1 + alpha))) - e @ q.T
    D = np.diag(1 / (c * w * (1 - alpha))) - q @ e.T
    B, C = e @ e.T, q @ q.T
    result = ox.root(lambda X: X @ C @ X - X @ D - A @ X + B, np.zeros((n, n)))
    assert result.success
    assert result.method == "sylvester"
    assert is_quadratic(result.residuals)
    assert (result.x > 0).all()
    X = np.zeros((n, n))
    for _ in range(500):  # the fixed point of Guo & Laub 2000, from below and linear
        right = X @ C @ X + X @ q @ e.T + e @ q.T @ X + B
        X = right / (np.diag(A + e @ q.T)[:, None] + np.diag(D + q @ e.T))
    assert np.abs(result.x - X).max() <= 1e-12 * np.abs(X).max()


def test_scalars_and_vectors(rng):
    assert ox.root(lambda x: x**3 - 8, 1.0).x == 2
    assert np.shape(ox.root(lambda x: x * x - 2, 1.0).x) == ()
    a = rng.standard_normal((3, 3)) + 4 * np.eye(3)
    result = ox.root(lambda x: a @ x + np.sin(x) - 1, np.zeros(3))
    assert result.success
    assert np.abs(a @ result.x + np.sin(result.x) - 1).max() < 1e-14


def test_complex_root_of_a_real_function_from_a_complex_start():
    result = ox.root(lambda z: z * z + 1, 1 + 1j)
    assert result.success
    assert abs(result.x - 1j) < 1e-15


def test_float32(rng):
    A = (rng.standard_normal((4, 4)) + 6 * np.eye(4)).astype(np.float32)
    result = ox.root(lambda X: X @ X - A, np.eye(4, dtype=np.float32))
    assert result.success
    assert result.x.dtype == np.float32
    assert result.residual <= 10 * np.finfo(np.float32).eps
    assert ox.root(lambda x: x * x - 2, np.float32(1)).x.dtype == np.float32


@pytest.mark.parametrize("scale", [2.0**-400, 2.0**-100, 2.0**100, 2.0**400])
def test_scales(rng, scale):
    """X² = s² A has the root s A^½, in as many steps."""
    A = rng.standard_normal((4, 4)) + 6 * np.eye(4)
    plain = ox.root(lambda X: X @ X - A, np.eye(4))
    scaled = ox.root(lambda X: X @ X - scale * (scale * A), scale * np.eye(4))
    assert scaled.success
    assert scaled.nit == plain.nit
    assert np.abs(scaled.x / scale - plain.x).max() <= 100 * EPS


# --- the line search -----------------------------------------------------------------------------


def test_damping_where_the_full_step_diverges():
    """Newton for arctan-like functions diverges from far away without damping."""
    result = ox.root(np.tanh, 3.0)
    assert result.success
    assert abs(result.x) < 1e-15
    assert ox.root(np.log, 30.0).success  # the full step leaves the domain


def test_double_root_by_long_steps():
    """X² = 0 from a multiple of the unit matrix: the exact line search takes t = 2."""
    result = ox.root(lambda X: X @ X, np.eye(3))
    assert result.nit == 1
    assert (result.x == 0).all()


def test_exact_line_search_of_a_quadratic(rng):
    F, G, V = rng.standard_normal((3, 4, 4))
    G = -F  # a Newton step
    line = Line(F, G, lambda t: F + t * G + t**2 * V)
    t = search(line)
    grid = np.linspace(0.1, 2, 10_001)
    best = grid[np.argmin([np.linalg.norm(line.at(s)) for s in grid])]
    assert abs(t - best) < 1e-3


def test_search_along_a_direction_without_descent():
    assert search(Line(np.ones(2), np.zeros(2), lambda t: np.ones(2) * (1 + t))) is None
    assert search(Line(np.ones(2), np.zeros(2), lambda t: None)) is None


def test_search_shortens_where_f_has_no_value():
    line = Line(np.ones(1), -np.ones(1), lambda t: np.array([1 - t]) if t < 0.02 else None)
    assert 1e-3 < search(line) < 0.02


# --- singular Jacobians --------------------------------------------------------------------------


def test_minimum_norm_steps(rng):
    """RᵀR = S: J has the null space {R⁻ᵀ Z, Z skew}, and the step is the shortest."""
    S = rng.standard_normal((5, 5))
    S = S @ S.T + np.eye(5)
    result = ox.root(lambda R: R.T @ R - S, np.eye(5))
    assert result.success
    assert np.abs(result.x.T @ result.x - S).max() <= 1e-13 * np.abs(S).max()
    assert f"J was singular in {result.nit} of {result.nit} steps" in result.message
    assert is_quadratic(result.residuals)


def test_fewer_equations_than_unknowns(rng):
    a = rng.standard_normal((2, 5))
    result = ox.root(lambda x: a @ np.exp(x) - 3, np.zeros(5))
    assert result.success
    assert np.abs(a @ np.exp(result.x) - 3).max() < 1e-13


# --- reports -------------------------------------------------------------------------------------


def test_report_of_too_few_steps(rng):
    A = rng.standard_normal((4, 4)) + 5 * np.eye(4)
    result = ox.root(lambda X: X @ X - A, np.eye(4), maxiter=2)
    assert not result.success
    assert result.nit == 2
    assert len(result.residuals) == 3
    assert "not converged: maxiter = 2 steps were taken; the residual is" in result.message
    zero = ox.root(lambda X: X @ X - A, np.eye(4), maxiter=0)
    assert (zero.nit, zero.method) == (0, "")


def test_report_where_there_is_no_root():
    result = ox.root(lambda X: X @ X + np.eye(2), np.eye(2))
    assert not result.success
    assert "no part of the Newton step makes ‖F(X)‖ smaller" in result.message
    assert result.residual == 1


def test_report_where_a_step_cannot_be_computed(monkeypatch, rng):
    def refuse(*args, **kwargs):
        raise np.linalg.LinAlgError("LSMR has not converged")

    monkeypatch.setattr("otimes._root.solve", refuse)
    result = ox.root(lambda X: X @ X - 2, np.eye(2))
    assert not result.success
    assert "no Newton step: LSMR has not converged" in result.message


def test_a_step_of_the_size_of_rounding_errors_ends_the_iteration():
    """x - 1 loses all relative accuracy of a tolerance that cannot be reached."""
    result = ox.root(lambda x: x * x - 2, 1.0, tol=1e-30)
    assert result.success
    assert "the Newton step is as small as rounding errors of X" in result.message
    assert abs(result.x - np.sqrt(2)) <= 4 * EPS


def test_tol_and_callback():
    seen = []
    loose = ox.root(lambda x: x**3 - 8, 1.0, tol=1e-2, callback=lambda k, r: seen.append((k, r)))
    assert loose.success
    assert 10 * EPS < loose.residual <= 1e-2
    assert seen == list(enumerate(loose.residuals[1:], 1))
    assert "at most tol = 1.0e-02" in loose.message


def test_repr():
    text = repr(ox.root(lambda X: X @ X - 4 * np.eye(2), 2 * np.eye(2)))
    assert text.splitlines()[:2] == ["       x: array([[2., 0.],", "                 [0., 2.]])"]
    assert " success: True" in text
    assert "     nit: 0" in text


def test_derivative_of_a_root(rng):
    """The implicit function theorem: X² = A has dX = (I⊗X + Xᵀ⊗I)⁻¹ dA."""
    A = rng.standard_normal((3, 3)) + 5 * np.eye(3)
    J = ox.jacobian(lambda A: ox.root(lambda X: X @ X - A, np.eye(3)).x, A)
    X = ox.root(lambda X: X @ X - A, np.eye(3)).x
    expected = np.linalg.inv(np.kron(np.eye(3), X) + np.kron(X.T, np.eye(3)))
    assert np.abs(J.toarray() - expected).max() <= 100 * EPS


def test_inputs_are_not_written():
    X0 = np.eye(2)
    X0.setflags(write=False)
    ox.root(lambda X: X @ X - 2 * np.eye(2), X0)
    assert (np.eye(2) == X0).all()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ox.root(lambda X: X @ X, [[np.nan]]), "X0 contains NaN or Inf"),
        (lambda: ox.root(lambda x: 1 / x, 0.0), r"f\(X0\) contains NaN or Inf"),
        (lambda: ox.root(lambda x: 1.0, 0.0), "f does not depend on its argument"),
        (lambda: ox.root(lambda x: x, 0.0, tol=0), "tol is 0, but must be positive"),
        (lambda: ox.root(lambda x: x, 0.0, maxiter=-1), "maxiter is -1, but cannot be negative"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_calls(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_solve_points_to_root():
    with pytest.raises(ValueError, match=r"numpy.matmul at .*; otimes.root solves nonlinear"):
        ox.solve(lambda X: X @ X, np.eye(2))
