"""A X Eᴴ + E X Aᴴ = Q and A X Aᴴ - E X Eᴴ + Q = 0 against their definition."""

import warnings

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import oracle
import otimes as ox
from otimes._pencil_equations import GENERALIZED_LYAPUNOV, GENERALIZED_STEIN
from samples import DTYPES, eps, normal

REAL, COMPLEX = np.float64, np.complex128
both = pytest.mark.parametrize(
    "equation", [GENERALIZED_LYAPUNOV, GENERALIZED_STEIN], ids=["continuous", "discrete"]
)


@pytest.fixture
def rng():
    return np.random.default_rng(47)


def solve(equation, a, e, q):
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        return equation.solve((a, e), q, True, "warn", True)


def matrix_of(equation, a, e):
    if equation is GENERALIZED_LYAPUNOV:
        return oracle.generalized_sylvester_matrix(a, e.conj().T, e, a.conj().T)
    return oracle.generalized_sylvester_matrix(e, e.conj().T, -a, a.conj().T)


def residual(equation, a, e, x, q):
    a, e, x, q = (np.asarray(t, COMPLEX) for t in (a, e, x, q))
    size = (
        norm(a) ** 2 + norm(e) ** 2 if equation is GENERALIZED_STEIN else 2 * norm(a) * norm(e)
    ) * norm(x) + norm(q)
    return float(norm(equation.left(a, e, x) - q) / size) if size else 0.0


@both
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 9, 17])
def test_equals_lu_of_the_kronecker_matrix(rng, equation, dtype, n):
    a, e, q = (normal(rng, (n, n), dtype) for _ in range(3))
    x, info = solve(equation, a, e, q)
    wide = [t.astype(COMPLEX) for t in (a, e, q)]
    matrix = matrix_of(equation, *wide[:2])
    exact = oracle.solve_vec(matrix, wide[2])
    rcond = oracle.reciprocal_condition(matrix)
    assert x.dtype == dtype
    assert residual(equation, a, e, x, q) <= 2 * n * eps(x)
    assert norm(x - exact) <= 20 * n * eps(x) / rcond * norm(exact)
    assert rcond / 10 <= info.rcond <= 10 * rcond
    assert info.residual <= 2 * n * eps(x)


@both
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [31, 33, 48, 64, 65])
def test_sizes_around_block_edges(rng, equation, dtype, n):
    a, e, q = (normal(rng, (n, n), dtype) for _ in range(3))
    x, info = solve(equation, a, e, q)
    assert residual(equation, a, e, x, q) <= 2 * n * eps(x)
    assert info.residual <= 2 * n * eps(x)


@both
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 4, 5, 33])
def test_hermitian_right_sides_give_exactly_hermitian_solutions(rng, equation, dtype, n):
    a, e, q = (normal(rng, (n, n), dtype) for _ in range(3))
    for sign in (1, -1):
        given = q + sign * q.conj().T
        x, _ = solve(equation, a, e, given)
        assert np.array_equal(x, sign * x.conj().T)
        assert residual(equation, a, e, x, given) <= 2 * n * eps(x)
    given = (q + q.conj().T).astype(np.result_type(dtype, np.complex64))
    given += 1j * np.triu(np.ones((n, n)), 1) - 1j * np.tril(np.ones((n, n)), -1)
    x, _ = solve(equation, a, e, given)
    assert np.array_equal(x, x.conj().T)


@both
@pytest.mark.parametrize("n", [3, 12])
def test_adjoint_solves(rng, equation, n):
    for dtype in (REAL, COMPLEX):
        a, e, q = (normal(rng, (n, n), dtype) for _ in range(3))
        factor = equation.factor("test", (a, e), True, "warn")
        for trans, op in (("T", lambda t: t.T), ("H", lambda t: t.conj().T)):
            matrix = op(matrix_of(equation, a, e))
            exact = oracle.solve_vec(matrix, q)
            tolerance = 20 * n * eps(exact) / oracle.reciprocal_condition(matrix)
            assert norm(factor.solve(q, trans) - exact) <= tolerance * norm(exact)


# --- SLICOT's benchmark examples, by their published formulas ------------------------------------


def ctlex_3(n, t):
    """4.3: E = I + 2^-t L, A = (2^-t - 1) I + diag(1 … n) + L^T, X = ones, L strictly lower."""
    lower = np.tril(np.ones((n, n)), -1)
    e = np.eye(n) + 2.0**-t * lower
    a = (2.0**-t - 1) * np.eye(n) + np.diag(np.arange(1.0, n + 1)) + lower.T
    return a, e


@both
@pytest.mark.parametrize("n", [10, 40])
@pytest.mark.parametrize("t", [1, 10, 20])
def test_solution_of_ones(equation, n, t):
    a, e = ctlex_3(n, t)
    a = a / n  # the discrete equation becomes solvable too
    exact = np.ones((n, n))
    q = equation.left(a, e, exact)
    x, info = solve(equation, a, e, (q + q.T) / 2)
    assert np.array_equal(x, x.T)
    assert residual(equation, a, e, x, q) <= 2 * n * eps(x)
    assert norm(x - exact) <= 20 * n * eps(x) / info.rcond * norm(exact)


@pytest.mark.parametrize("q", [1, 4])
@pytest.mark.parametrize("t", [1.1, 1.5, 2.0])
def test_singular_differences(q, t):
    """4.4: 3q unknowns a side, blocks of condition t^k, E upper triangular with a small corner."""
    n = 3 * q
    powers = np.repeat(t ** np.arange(1, q + 1), 3)
    block = np.array([[1.0, 1, 1], [0, 1, 1], [0, 0, 1]])
    a = -np.diag(powers) @ np.kron(np.eye(q), block)
    e = np.tril(np.ones((n, n))).T / n + np.eye(n)
    right = -np.ones((n, n))
    x, info = solve(GENERALIZED_LYAPUNOV, a, e, right)
    assert residual(GENERALIZED_LYAPUNOV, a, e, x, right) <= 2 * n * eps(x)
    truth = oracle.reciprocal_condition(matrix_of(GENERALIZED_LYAPUNOV, a, e))
    assert truth / 10 <= info.rcond <= 10 * truth


# --- what breaks it ------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 8])
def test_singular_e(rng, n):
    """Infinite eigenvalues: never solvable in the continuous case, but in the discrete one."""
    a, e, q = (normal(rng, (n, n)) for _ in range(3))
    e[:, 0] = 0
    with pytest.raises(LinAlgError, match="solve_continuous_lyapunov: the equation is singular"):
        GENERALIZED_LYAPUNOV.solve((a, e), q, True, "raise", False)
    x, info = solve(GENERALIZED_STEIN, a, e, q)
    assert residual(GENERALIZED_STEIN, a, e, x, q) <= 2 * n * eps(x)
    truth = oracle.reciprocal_condition(matrix_of(GENERALIZED_STEIN, a, e))
    assert truth / 10 <= info.rcond <= 10 * truth


@both
@pytest.mark.parametrize("n", [3, 8])
def test_singular_equations_raise(rng, equation, n):
    e, q = normal(rng, (n, n)), normal(rng, (n, n))
    values = np.arange(1.0, n + 1)
    values[-1] = -1 if equation is GENERALIZED_LYAPUNOV else 1
    with pytest.raises(LinAlgError, match="singular to working precision"):
        equation.solve((e @ np.diag(values), e), q, True, "raise", False)
    broken = e.copy()
    broken[0] = 0
    with pytest.raises(LinAlgError, match="singular"):
        equation.solve((broken, broken), q, True, "raise", False)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 20, 40])
def test_e_is_zero(rng, dtype, n):
    """Then every term is: what is left of one are rounding errors, which are no equation."""
    a, zero = normal(rng, (n, n), dtype), np.zeros((n, n), dtype)
    for pair in ((a, zero), (zero, a)):
        with pytest.raises(LinAlgError, match=r"singular to working precision \(rcond = 0.0e"):
            GENERALIZED_LYAPUNOV.solve(pair, a, True, "raise", False)


@pytest.mark.parametrize("n", [1, 2, 4, 5, 12])
@pytest.mark.parametrize("power", [-300, -290, 300])
def test_units_of_a_where_e_is_zero(rng, n, power):
    """-A X Aᴴ = Q: a zero has no units that those of A could be compared with."""
    a, q, zero = normal(rng, (n, n)), normal(rng, (n, n)), np.zeros((n, n))
    x, info = solve(GENERALIZED_STEIN, a, zero, q)
    for pair, sign in (((np.ldexp(a, power), zero), 1), ((zero, np.ldexp(a, power)), -1)):
        y, other = GENERALIZED_STEIN.solve(pair, q, True, "raise", True)
        np.testing.assert_allclose(sign * np.ldexp(y, 2 * power), x, rtol=1e-8, atol=0)
        assert other.rcond == pytest.approx(info.rcond, rel=3)


@both
@pytest.mark.parametrize("n", [3, 9])
def test_powers_of_two_change_only_exponents(rng, equation, n):
    a, e, q = (normal(rng, (n, n)) for _ in range(3))
    x, info = solve(equation, a, e, q)
    shift = 300 if equation is GENERALIZED_LYAPUNOV else 0
    for power in (-200, 200):
        y, other = solve(
            equation, a * 2.0 ** (power + shift), e * 2.0 ** (power - shift), q * 2.0**power
        )
        assert np.array_equal(y * 2.0**power, x)
        assert other.rcond == info.rcond


@both
def test_mixed_types_and_batches(rng, equation):
    a, e = normal(rng, (3, 1, 6, 6)), normal(rng, (2, 6, 6), np.float32)
    q = normal(rng, (6, 6), np.complex64)
    x, _ = solve(equation, a, e, q)
    assert x.shape == (3, 2, 6, 6)
    assert x.dtype == COMPLEX
    for i, j in np.ndindex(3, 2):
        assert residual(equation, a[i, 0], e[j], x[i, j], q) <= 12 * eps(x)
    empty = np.ones((0, 0))
    assert equation.solve((empty, empty), empty, True, "raise", False).shape == (0, 0)
