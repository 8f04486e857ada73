"""The algebraic Riccati equations: benchmarks with known solutions, and what breaks solvers."""

import itertools
import re
import warnings

import mpmath
import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import otimes as ox
from samples import adjoint

EPS = np.finfo(float).eps
SOLVERS = {"continuous": ox.solve_continuous_are, "discrete": ox.solve_discrete_are}
TIMES = sorted(SOLVERS)


@pytest.fixture
def rng():
    return np.random.default_rng(47)


# --- the definition ------------------------------------------------------------------------------


def completed(a, b, q, r, e=None, s=None):
    a, b, q, r = (np.atleast_2d(x) for x in (a, b, q, r))
    e = np.eye(a.shape[-1]) if e is None else np.asarray(e)
    return a, b, q, r, e, np.zeros(b.shape) if s is None else np.asarray(s)


def gain(time, x, a, b, q, r, e=None, s=None):
    """K of the control u = -K x."""
    a, b, q, r, e, s = completed(a, b, q, r, e, s)
    if time == "continuous":
        return np.linalg.solve(r, adjoint(b) @ x @ e + adjoint(s))
    return np.linalg.solve(r + adjoint(b) @ x @ b, adjoint(b) @ x @ a + adjoint(s))


def left_side(time, x, a, b, q, r, e=None, s=None):
    """The terms of the equation, which add up to zero."""
    k = gain(time, x, a, b, q, r, e, s)
    a, b, q, r, e, s = completed(a, b, q, r, e, s)
    if time == "continuous":
        half = adjoint(a) @ x @ e
        return [half, adjoint(half), -(adjoint(e) @ x @ b + s) @ k, q]
    return [adjoint(a) @ x @ a, -adjoint(e) @ x @ e, -(adjoint(a) @ x @ b + s) @ k, q]


def residual(time, x, *matrices):
    terms = left_side(time, x, *matrices)
    size = sum(map(norm, terms))
    return norm(sum(terms)) / size if size else 0.0


def stability(time, x, a, b, q, r, e=None, s=None):
    """Negative for a stable closed loop: the largest real part, or modulus less 1."""
    loop = a - b @ gain(time, x, a, b, q, r, e, s)
    values = np.linalg.eigvals(loop if e is None else np.linalg.solve(e, loop))
    return values.real.max() if time == "continuous" else np.abs(values).max() - 1


def assert_solves(time, x, *matrices, factor=20):
    n = len(x)
    assert np.array_equal(x, adjoint(x))
    assert residual(time, x, *matrices) <= factor * max(n, 4) * EPS
    assert stability(time, x, *matrices) < 0


def normal(rng, shape, is_complex=False):
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if is_complex else x


def regulator(rng, time, n, m, is_complex=False, generalized=False):
    """A random problem with some unstable states and positive definite weights; with E and S."""
    a = 1.1 * normal(rng, (n, n), is_complex) / np.sqrt((2 if is_complex else 1) * n)
    if time == "continuous":
        a = a - 0.8 * np.eye(n)
    b = normal(rng, (n, m), is_complex)
    w = normal(rng, (n + m, n + m), is_complex)
    weight = w @ adjoint(w) / (n + m) + 0.1 * np.eye(n + m)
    weight = (weight + adjoint(weight)) / 2
    q, r, s = weight[:n, :n], weight[n:, n:], weight[:n, n:]
    if not generalized:
        return a, b, q, r
    e = np.eye(n) + 0.3 * normal(rng, (n, n), is_complex) / np.sqrt(n)
    return e @ a, b, q, r, e, s


# --- benchmarks with known solutions -------------------------------------------------------------
# CAREX and DAREX: Benner, Laub & Mehrmann 1995; Abels & Benner 1999.

V3 = np.eye(3) - 2 / 3 * np.ones((3, 3))  # a reflector


def in_basis(v, values):
    return (v * values) @ v.T


def shared_basis(v, a, g, q):
    """A, B B' and Q with common eigenvectors v: scalar equations 2 a x - g x^2 + q = 0."""
    a, g, q = map(np.asarray, (a, g, q))
    x = (a + np.sqrt(a * a + g * q)) / g
    return in_basis(v, a), in_basis(v, q), in_basis(v, x)


def weak_input(eps):
    """CAREX 2.1: an unstable state that the control hardly reaches."""
    w = np.sqrt(1 + eps**2)
    x = np.array([[(1 + w) / eps**2, 1 / (2 + w)], [1 / (2 + w), (1 - (eps / (2 + w)) ** 2) / 4]])
    return np.diag([1.0, -2.0]), np.array([[eps], [0.0]]), np.ones((2, 2)), 1.0, x


def strong_coupling(eps):
    """CAREX 2.3."""
    w = np.sqrt(1 + 2 * eps)
    x = np.array([[w / eps, 1.0], [1.0, w]])
    return np.array([[0.0, eps], [0.0, 0.0]]), np.array([[0.0], [1.0]]), np.eye(2), 1.0, x


def near_axis(eps):
    """CAREX 2.4: closed-loop eigenvalues at distance of about eps from the axis."""
    v = np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2)
    a, q, x = shared_basis(v, [eps + 2, eps], [1, 1], [eps**2, eps**2])
    return a, np.eye(2), q, np.eye(2), x


def petkov(eps):
    """CAREX 2.6: badly scaled."""
    a, q, x = shared_basis(V3, eps * np.arange(1, 4), np.full(3, 1 / eps), [1 / eps, 1, eps])
    return a, np.eye(3), q, eps * np.eye(3), x


def ring(n):
    """CAREX 4.1: a circulant chain of masses."""
    a = -2 * np.eye(n) + np.roll(np.eye(n), 1, 0) + np.roll(np.eye(n), -1, 0)
    values, v = np.linalg.eigh(a)
    return a, np.eye(n), np.eye(n), np.eye(n), in_basis(v, values + np.sqrt(values**2 + 1))


CONTINUOUS = {
    "double integrator (1.1)": (
        np.eye(2, k=1),
        np.array([[0.0], [1.0]]),
        np.diag([1.0, 2.0]),
        1.0,
        np.array([[2.0, 1.0], [1.0, 2.0]]),
    ),
    "Laub 1979 (1.2)": (
        np.array([[4, 3], [-4.5, -3.5]]),
        np.array([[1], [-1]]),
        np.array([[9, 6], [6, 4]]),
        1,
        (1 + np.sqrt(2)) * np.array([[9, 6], [6, 4]]),
    ),
    "weak input, 1": weak_input(1.0),
    "weak input, 1e-6": weak_input(1e-6),
    "strong coupling, 100": strong_coupling(100.0),
    "strong coupling, 1e6": strong_coupling(1e6),
    "near the axis, 1e-3": near_axis(1e-3),
    "near the axis, 1e-7": near_axis(1e-7),
    "Petkov, 1": petkov(1.0),
    "Petkov, 1e6": petkov(1e6),
    "ring of 8": ring(8),
    "ring of 64": ring(64),
}


def shift_register(n):
    """DAREX 4.1: X = diag(1, ..., n)."""
    return np.eye(n, k=1), np.eye(n)[:, -1:], np.eye(n), 1.0, np.diag(np.arange(1.0, n + 1))


def large_gain(eps):
    """DAREX 2.1."""
    return (
        np.array([[0.0, eps], [0.0, 0.0]]),
        np.array([[0.0], [1.0]]),
        np.eye(2),
        1.0,
        np.diag([1.0, 1 + eps**2]),
    )


def bad_scale(tau):
    """DAREX 2.3: scalar equations x = a^2 x / (1 + x / tau) + q in a reflected basis."""
    a, q = 1 - 1 / tau * np.arange(1, 4), np.full(3, 1.0)
    x = (tau * a * a - tau + q + np.sqrt((tau * a * a - tau + q) ** 2 + 4 * tau * q)) / 2
    return in_basis(V3, a), np.eye(3), in_basis(V3, q), tau * np.eye(3), in_basis(V3, x)


DISCRETE = {
    "golden ratio (1.1)": (
        np.array([[4, 3], [-4.5, -3.5]]),
        np.array([[1], [-1]]),
        np.array([[9, 6], [6, 4]]),
        1,
        (1 + np.sqrt(5)) / 2 * np.array([[9, 6], [6, 4]]),
    ),
    "R = 0 (1.3)": (
        np.array([[2.0, -1.0], [1.0, 0.0]]),
        np.array([[1.0], [0.0]]),
        np.diag([0.0, 1.0]),
        0.0,
        np.eye(2),
    ),
    "singular A (1.5)": (
        np.eye(2, k=1),
        np.array([[0.0], [1.0]]),
        np.array([[1.0, 2.0], [2.0, 4.0]]),
        1.0,
        np.array([[1.0, 2.0], [2.0, 2 + np.sqrt(5)]]),
    ),
    "large gain, 100": large_gain(100.0),
    "large gain, 1e6": large_gain(1e6),
    "scale 1": bad_scale(1.0),
    "scale 1e6": bad_scale(1e6),
    "shift register, 10": shift_register(10),
    "shift register, 100": shift_register(100),
}
CASES = [
    (t, k, c) for t, d in (("continuous", CONTINUOUS), ("discrete", DISCRETE)) for k, c in d.items()
]


@pytest.mark.parametrize(
    ("time", "name", "case"), CASES, ids=lambda x: x if isinstance(x, str) else ""
)
@pytest.mark.parametrize("balanced", [True, False])
def test_known_solutions(time, name, case, balanced):
    """Right to the digits that the condition of the closed loop leaves."""
    a, b, q, r, expected = case
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ox.IllConditionedWarning)
        x, info = SOLVERS[time](a, b, q, r, None, None, balanced, return_info=True)
    assert np.array_equal(x, x.T)
    if balanced:
        assert norm(x - expected) <= 50 * len(x) * EPS / min(1, 100 * info.rcond) * norm(expected)
    assert info.residual <= 10 * len(x) * EPS


@pytest.mark.filterwarnings("ignore::otimes.IllConditionedWarning")
@pytest.mark.parametrize("n", [5, 21])
def test_chain_of_integrators(n):
    """CAREX 4.2, where X[0, -1] = 1: ill-conditioned, and solved by Newton steps after QZ."""
    a, b, q = np.eye(n, k=1), np.eye(n)[:, -1:], np.diag(np.eye(n)[0])
    x, info = ox.solve_continuous_are(a, b, q, 1.0, return_info=True)
    assert abs(x[0, -1] - 1) <= 10 * n * EPS / min(1, 1e3 * info.rcond)
    assert info.residual <= n * EPS
    assert stability("continuous", x, a, b, q, np.eye(1)) < 0


def test_small_poles(rng):
    """Closed-loop poles at 1e-5 ... 1e5: each is where its own scalar equation puts it."""
    p = np.logspace(-5, 5, 7)
    x = ox.solve_continuous_are(np.diag(p), np.eye(7), np.diag(3 * p * p), np.eye(7))
    np.testing.assert_allclose(np.diag(x), 3 * p, rtol=1e-13)


# --- random problems -----------------------------------------------------------------------------


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("generalized", [False, True])
@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 13, 16, 17, 25, 40])
def test_random_regulators(rng, time, generalized, is_complex, n):
    for m in {1 + n // 8, 1 + n // 2, n, n + 3}:
        matrices = regulator(rng, time, n, m, is_complex, generalized)
        x, info = SOLVERS[time](*matrices, return_info=True)
        assert x.dtype == (np.complex128 if is_complex else np.float64)
        assert_solves(time, x, *matrices)
        assert info.residual <= 20 * n * EPS
        assert info.scale == 1
        assert info.method in ("doubling", "qz")


@pytest.mark.parametrize("time", TIMES)
def test_ordinary_problems_are_solved_by_doubling(rng, time):
    for n in (3, 30):
        matrices = regulator(rng, time, n, n, generalized=True)
        assert SOLVERS[time](*matrices, return_info=True)[1].method == "doubling"


@pytest.mark.filterwarnings("ignore::otimes.IllConditionedWarning")
@pytest.mark.parametrize("time", TIMES)
def test_ill_conditioned_e(rng, time):
    """E is not inverted, so that the residual stays at rounding level."""
    a, b, q, r = regulator(rng, time, 4, 2)
    e = np.diag([1.0, 1.0, 1.0, 2e-7]) + 0.1 * np.eye(4, k=1)
    a, b, q = e @ a, e @ b, e.T @ q @ e
    q = (q + q.T) / 2
    x, info = SOLVERS[time](a, b, q, r, e, return_info=True)
    assert info.method == "qz"
    assert info.residual <= 100 * EPS
    assert stability(time, x, a, b, q, r, e) < 0


@pytest.mark.parametrize("time", TIMES)
def test_s_without_e_and_e_without_s(rng, time):
    a, b, q, r, e, s = regulator(rng, time, 6, 2, generalized=True)
    solve = SOLVERS[time]
    assert_solves(time, solve(a, b, q, r, s=s), a, b, q, r, None, s)
    assert_solves(time, solve(a, b, q, r, e), a, b, q, r, e)
    np.testing.assert_array_equal(solve(a, b, q, r, s=s), solve(a, b, q, r, None, s))


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("complex_one", range(6))
def test_one_complex_argument_makes_x_complex(rng, time, complex_one):
    matrices = list(regulator(rng, time, 4, 2, generalized=True))
    wide = regulator(rng, time, 4, 2, True, generalized=True)
    extra = 0.01 * 1j * wide[complex_one].imag
    matrices[complex_one] = matrices[complex_one] + extra
    x = SOLVERS[time](*matrices)
    assert x.dtype == np.complex128
    assert_solves(time, x, *matrices)


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.complex64, ">f8", np.float16])
def test_other_dtypes_are_computed_in_double(time, dtype):
    a, b = np.array([[1, 2], [0, -1]], dtype), np.array([[1], [1]], dtype)
    q, r = np.array([[9, 6], [6, 4]], dtype), np.array([[1]], dtype)
    x = SOLVERS[time](a, b, q, r)
    assert x.dtype == (np.complex128 if np.dtype(dtype).kind == "c" else np.float64)
    wide = [m.astype(x.dtype) for m in (a, b, q, r)]
    np.testing.assert_array_equal(x, SOLVERS[time](*wide))


@pytest.mark.parametrize("time", TIMES)
def test_layout_does_not_matter(rng, time):
    matrices = regulator(rng, time, 7, 3, generalized=True)
    x = SOLVERS[time](*matrices)
    for change in (
        np.asfortranarray,
        lambda m: np.repeat(m, 2, 0)[::2],
        lambda m: m[::-1].copy()[::-1],
    ):
        np.testing.assert_array_equal(SOLVERS[time](*map(change, matrices)), x)
    readonly = [m.copy() for m in matrices]
    for m in readonly:
        m.flags.writeable = False
    np.testing.assert_array_equal(SOLVERS[time](*readonly), x)


@pytest.mark.parametrize("time", TIMES)
def test_matrix_objects_and_lists(time):
    a, b, q = [[1, 2], [0, -1]], [[1], [1]], [[9, 6], [6, 4]]
    expected = SOLVERS[time](*map(np.array, (a, b, q)), 1)
    for kind in (lambda x: x, lambda x: np.array(x).view(np.matrix)):
        x = SOLVERS[time](kind(a), kind(b), kind(q), 1)
        assert type(x) is np.ndarray
        np.testing.assert_array_equal(x, expected)


# --- scalars in closed form, exact laws ----------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_scalars(scale):
    a, b, q, r = 3.0, 2.0, 5.0 * scale, 0.5 * scale  # b^2 x^2 / r - 2 a x - q = 0
    x = ox.solve_continuous_are(a, b, q, r)
    assert x.shape == (1, 1)
    assert x[0, 0] == pytest.approx((a + np.sqrt(a * a + b * b * q / r)) * r / b**2, rel=4 * EPS)
    p = a * a * r - r + b * b * q
    x = ox.solve_discrete_are(a, b, q, r)
    assert x[0, 0] == pytest.approx(
        (p + np.sqrt(p * p + 4 * b * b * q * r)) / (2 * b * b), rel=4e-15
    )


@pytest.mark.parametrize("time", TIMES)
def test_costs_in_other_units(rng, time):
    """2^k (Q, R, S) has the solution 2^k X, bit for bit."""
    a, b, q, r, e, s = regulator(rng, time, 6, 2, generalized=True)
    x = SOLVERS[time](a, b, q, r, e, s)
    for k in (-300, -7, 40, 600):
        c = 2.0**k
        np.testing.assert_array_equal(SOLVERS[time](a, b, c * q, c * r, e, c * s), c * x)


@pytest.mark.parametrize("time", TIMES)
def test_badly_scaled_states(rng, time):
    """States in units of 2^-20 ... 2^20: each entry keeps its digits, and nothing warns."""
    a, b, q, r = regulator(rng, time, 8, 2)
    x = SOLVERS[time](a, b, q, r)
    d = 2.0 ** rng.integers(-20, 21, 8)
    scaled = SOLVERS[time](a * d / d[:, None], b / d[:, None], q * d * d[:, None], r)
    np.testing.assert_allclose(scaled / d / d[:, None], x, rtol=1e-9, atol=1e-11 * norm(x))


@pytest.mark.parametrize("time", TIMES)
def test_change_of_basis(rng, time):
    a, b, q, r = regulator(rng, time, 9, 3)
    u = np.linalg.qr(normal(rng, (9, 9)))[0]
    qu = u.T @ q @ u
    x = SOLVERS[time](a, b, q, r)
    y = SOLVERS[time](u.T @ a @ u, u.T @ b, (qu + qu.T) / 2, r)
    np.testing.assert_allclose(u @ y @ u.T, x, atol=1e-10 * norm(x))


def test_lyapunov_is_a_riccati_equation_without_control(rng):
    a = normal(rng, (6, 6)) - 6 * np.eye(6)
    x = ox.solve_continuous_are(a, np.zeros((6, 1)), np.eye(6), 1.0)
    np.testing.assert_allclose(a.T @ x + x @ a, -np.eye(6), atol=1e-14)


@pytest.mark.parametrize("time", TIMES)
def test_zero_cost(rng, time):
    """Q = 0: X = 0 for a stable A, but not for an unstable one, whose loop must be stabilized."""
    a = {"continuous": -np.diag([1.0, 2.0]), "discrete": np.diag([0.5, -0.25])}[time]
    b = np.ones((2, 1))
    np.testing.assert_allclose(SOLVERS[time](a, b, np.zeros((2, 2)), 1.0), 0, atol=1e-15)
    unstable = np.diag([2.0, -0.5 if time == "discrete" else -3.0])
    x = SOLVERS[time](unstable, b, np.zeros((2, 2)), 1.0)
    assert norm(x) > 1
    assert_solves(time, x, unstable, b, np.zeros((2, 2)), 1.0)


# --- against others ------------------------------------------------------------------------------


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("n", [2, 6, 30])
@pytest.mark.parametrize("is_complex", [False, True])
def test_scipy_agrees(rng, time, n, is_complex):
    linalg = pytest.importorskip("scipy.linalg")
    theirs = {"continuous": linalg.solve_continuous_are, "discrete": linalg.solve_discrete_are}
    for generalized in (False, True):
        matrices = regulator(rng, time, n, 2, is_complex, generalized)
        expected = theirs[time](*matrices, balanced=not generalized)  # its balancing loses E and S
        np.testing.assert_allclose(SOLVERS[time](*matrices), expected, atol=1e-8 * norm(expected))


def exact_solution(time, x, a, b, q, r):
    """X in 50 digits: Newton's method from the rounded one, each step a Kronecker system."""
    n = len(a)
    with mpmath.workdps(50):
        a, b, q, r, x = (mpmath.matrix(m.tolist()) for m in (a, b, q, r, x))
        for _ in range(4):
            weight = r if time == "continuous" else r + b.T * x * b
            k = weight**-1 * (b.T * x if time == "continuous" else b.T * x * a)
            f = a - b * k
            left = (a.T * x + x * f if time == "continuous" else a.T * x * f - x) + q
            system, side = mpmath.zeros(n * n), mpmath.zeros(n * n, 1)
            for i, j, p, l in itertools.product(range(n), repeat=4):
                if time == "continuous":
                    term = f[p, i] * (j == l) + f[l, j] * (i == p)
                else:
                    term = f[p, i] * f[l, j] - (i == p) * (j == l)
                system[i * n + j, p * n + l] = term
                side[i * n + j] = -left[i, j]
            step = mpmath.lu_solve(system, side)
            x += mpmath.matrix([[step[i * n + j] for j in range(n)] for i in range(n)])
        return np.array(x.tolist(), dtype=float)


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_forward_error(rng, time, n):
    for _ in range(3):
        matrices = tuple(map(np.atleast_2d, regulator(rng, time, n, 1)))
        x, info = SOLVERS[time](*matrices, return_info=True)
        exact = exact_solution(time, x, *matrices)
        assert norm(x - exact) <= 20 * n * EPS / info.rcond * norm(exact)


@pytest.mark.parametrize("seed", [8, 27, 41, 68, 91])
def test_states_of_very_different_sizes(seed):
    """Balancing the Hamiltonian matrix makes these closed loops look singular."""
    rng = np.random.default_rng(seed)
    d = 10.0 ** rng.uniform(-4, 4, (6, 1))
    matrices = d * normal(rng, (6, 6)), d * normal(rng, (6, 2)), np.eye(6), np.eye(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ox.IllConditionedWarning)
        x, info = ox.solve_discrete_are(*matrices, return_info=True)
    assert info.rcond > EPS
    assert info.residual < 1000 * EPS  # above which it would be said
    assert stability("discrete", x, *matrices) < 0


def loop_condition(time, x, a, b, q, r):
    """1/(||L|| ||L^-1||) by definition, in the spectral norm: ||L^-1|| = ||L^-1(I)||."""
    f = a - b @ gain(time, x, a, b, q, r)
    n = len(f)
    if time == "continuous":
        system = np.kron(np.eye(n), adjoint(f)) + np.kron(f.T, np.eye(n))
        size = 2 * norm(f, 2)
    else:
        system = np.kron(f.T, adjoint(f)) - np.eye(n * n)
        size = 1 + norm(f, 2) ** 2
    p = np.linalg.solve(system, np.eye(n).ravel()).reshape(n, n)
    return 1 / (norm(p, 2) * size)


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("n", [1, 3, 10])
def test_rcond_is_that_of_the_closed_loop(rng, time, n):
    for _ in range(5):
        a, b, q, r = regulator(rng, time, n, 1)
        x, info = SOLVERS[time](a, b, q, r, return_info=True)
        # that of the balanced equation: its units differ by small powers of two
        assert 0.1 < info.rcond / loop_condition(time, x, a, b, q, r) < 10


# --- batches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("time", TIMES)
def test_batches_broadcast(rng, time):
    solve = SOLVERS[time]
    a, b = normal(rng, (3, 1, 4, 4)), normal(rng, (2, 4, 2))
    x, info = solve(a, b, np.eye(4), np.eye(2), return_info=True)
    assert x.shape == (3, 2, 4, 4)
    assert info.residual.shape == info.rcond.shape == info.refinements.shape == (3, 2)
    for i, j in np.ndindex(3, 2):
        np.testing.assert_array_equal(x[i, j], solve(a[i, 0], b[j], np.eye(4), np.eye(2)))
    assert solve(a[:0], b, np.eye(4), np.eye(2)).shape == (0, 2, 4, 4)


@pytest.mark.parametrize("time", TIMES)
def test_failure_in_a_batch_is_named(rng, time):
    a = np.stack([np.diag([0.5, -0.5]), np.diag([2.0, 0.5])])
    b = np.array([[0.0], [1.0]])
    with pytest.raises(LinAlgError, match="item 1: "):
        SOLVERS[time](a - {"continuous": 1, "discrete": 0}[time] * np.eye(2), b, np.eye(2), 1.0)


@pytest.mark.parametrize("time", TIMES)
def test_size_zero(time):
    x, info = SOLVERS[time](
        np.zeros((0, 0)), np.zeros((0, 2)), np.zeros((0, 0)), np.eye(2), return_info=True
    )
    assert x.shape == (0, 0)
    assert info.method == "empty"


@pytest.mark.parametrize("time", TIMES)
def test_no_controls(time):
    a = np.diag([-0.5, -0.25])
    x = SOLVERS[time](a, np.zeros((2, 0)), np.eye(2), np.zeros((0, 0)))
    expected = {"continuous": [1, 2], "discrete": [1 / 0.75, 1 / (1 - 0.0625)]}[time]
    np.testing.assert_allclose(x, np.diag(expected), rtol=1e-14)


# --- there is no solution ------------------------------------------------------------------------


@pytest.mark.parametrize("time", TIMES)
def test_uncontrollable_unstable_state(time):
    a, b = np.diag([2.0, 0.1 - (time == "continuous")]), np.array([[0.0], [1.0]])
    with pytest.raises(LinAlgError, match=r"solution|axis|circle"):
        SOLVERS[time](a, b, np.eye(2), 1.0)


def test_eigenvalues_on_the_imaginary_axis():
    with pytest.raises(LinAlgError, match="imaginary axis"):
        ox.solve_continuous_are(
            np.array([[0.0, 1], [-1, 0]]), np.eye(2), np.zeros((2, 2)), np.eye(2)
        )
    with pytest.raises(LinAlgError):  # an indefinite R
        ox.solve_continuous_are(np.zeros((2, 2)), np.eye(2), np.eye(2), np.diag([1.0, -1.0]))


def test_eigenvalues_on_the_unit_circle():
    with pytest.raises(LinAlgError, match="unit circle"):
        ox.solve_discrete_are(np.eye(2), np.eye(2), np.zeros((2, 2)), np.eye(2))


def test_infeasible():
    """Andersen, Pedersen & Rantzer 2015, arXiv:1505.04861."""
    a = np.array([[1.0, -1, 1], [0, 1, 1], [0, 0, 1]])
    b = np.array([[1.0, 0], [1, 0], [0, 1]])
    q = -2 + np.diag([8, -1, -1.9])
    with pytest.raises(LinAlgError):
        ox.solve_continuous_are(a, b, q, np.diag([-10, 0.1]))


def test_singular_r_and_e(rng):
    a, b, q, r = regulator(rng, "continuous", 3, 2)
    with pytest.raises(LinAlgError, match="r is singular"):
        ox.solve_continuous_are(a, b, q, np.ones((2, 2)))
    for solve in SOLVERS.values():
        with pytest.raises(LinAlgError, match="e is singular"):
            solve(a, b, q, r, np.ones((3, 3)))


def test_ill_conditioned_r_in_discrete_time(rng):
    a, b, q, _ = regulator(rng, "discrete", 5, 2)
    for r in (np.zeros((2, 2)), np.diag([1.0, 0.0]), np.diag([1.0, 1e-12]), np.ones((2, 2))):
        x, info = ox.solve_discrete_are(a, b, q, r, return_info=True)
        assert info.method == "qz"
        assert_solves("discrete", x, a, b, q, r)


def test_barely_stable_loop_is_judged():
    """The loop has the eigenvalue -1e-15."""
    args = (np.diag([-1e-15, -1.0]), np.array([[0.0], [1.0]]), np.diag([0.0, 1.0]), 1.0)
    with pytest.warns(ox.IllConditionedWarning, match="solve_continuous_are.*ill-conditioned"):
        ox.solve_continuous_are(*args)
    args = (np.diag([-1e-17, -1.0]), *args[1:])
    with pytest.raises(LinAlgError, match=r"barely stable, or far from .* what was computed$"):
        ox.solve_continuous_are(*args)
    with pytest.warns(ox.IllConditionedWarning):
        ox.solve_continuous_are(*args, on_singular="warn")


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("time", TIMES)
def test_shapes(time):
    solve, one = SOLVERS[time], np.eye(2)
    name = solve.__name__
    for text, args in {
        rf"{name}: a has shape (3, 2), but must be square": (np.ones((3, 2)), one, one, one),
        rf"{name}: q has shape (2, 3), but must be square": (one, one, np.ones((2, 3)), one),
        "b has shape (3, 2), but a is (2, 2), so b must be (2, m)": (
            one,
            np.ones((3, 2)),
            one,
            one,
        ),
        "q has shape (3, 3), but a is (2, 2), so q must be (2, 2)": (one, one, np.eye(3), one),
        "r has shape (3, 3), but b is (2, 2), so r must be (2, 2)": (one, one, one, np.eye(3)),
        "e has shape (3, 3), but a is (2, 2)": (one, one, one, one, np.eye(3)),
        "s has shape (2, 1), but b is (2, 2), so s must be (2, 2)": (
            one,
            one,
            one,
            one,
            one,
            np.ones((2, 1)),
        ),
        "do not broadcast": (np.stack([one] * 2), np.stack([one] * 3), one, one),
    }.items():
        with pytest.raises(ValueError, match=re.escape(text)):
            solve(*args)
    with pytest.raises(TypeError, match="q has dtype object"):
        solve(one, one, np.array([[None]]), one)
    with pytest.raises(ValueError, match="on_singular"):
        solve(one, one, one, one, on_singular="ignore")
    with pytest.raises(ValueError, match='on_singular is "lstsq", but only linear equations'):
        solve(one, one, one, one, on_singular="lstsq")


@pytest.mark.parametrize("time", TIMES)
def test_not_hermitian(time):
    one, skew = np.eye(2), np.array([[1.0, 2.0], [2.5, 3.0]])
    with pytest.raises(ValueError, match=r"q is not Hermitian: q\[0, 1\] = 2, but q\[1, 0\] = 2.5"):
        SOLVERS[time](one, one, skew, one)
    with pytest.raises(ValueError, match=r"r is not Hermitian: r\[0, 0\] = 1\+1j"):
        SOLVERS[time](one, one, one, one + 1j * one)
    with pytest.raises(ValueError, match=r"q\[1, 0, 1\] = 2"):
        SOLVERS[time](one, one, np.stack([one, skew]), one)
    nearly = np.array([[1.0, 2.0], [2.0 * (1 + 4 * EPS), 5.0]])
    assert_solves(time, SOLVERS[time](one, one, nearly, one), one, one, nearly, one)


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("position", range(6))
def test_nan(time, position):
    matrices = [np.eye(2) for _ in range(6)]
    matrices[5] = np.zeros((2, 2))
    matrices[position][0, 0] = np.nan
    with pytest.raises(ValueError, match=f"{'abqres'[position]} contains NaN or Inf"):
        SOLVERS[time](*matrices)
    assert np.isnan(SOLVERS[time](*matrices, check_finite=False)).all()
