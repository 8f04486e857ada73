"""A X + X Aᴴ = Q and A X Aᴴ - X + Q = 0: their definition, and SciPy's conventions."""

import itertools
import re
import warnings

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import oracle
import otimes as ox
from otimes._lyapunov import CONTINUOUS_LYAPUNOV, DISCRETE_LYAPUNOV
from samples import DTYPES, block_diagonal, eps, noise, normal

REAL, COMPLEX = np.float64, np.complex128
ROTATION = np.array([[0.0, 1.0], [-1.0, 0.0]])  # eigenvalues ±i


@pytest.fixture
def rng():
    return np.random.default_rng(22)


def adjoint(a):
    return np.asarray(a).conj().T


def hermitian(q):
    return q + adjoint(q)


def wide(*arrays):
    kind = np.clongdouble if max(map(np.size, arrays)) < 2000 else np.complex128
    return (np.asarray(a, kind) for a in arrays)


def continuous_residual(a, x, q):
    a, x, q = wide(a, x, q)
    size = 2 * norm(a) * norm(x) + norm(q)
    return float(norm(a @ x + x @ adjoint(a) - q) / size) if size else 0.0


def discrete_residual(a, x, q):
    a, x, q = wide(a, x, q)
    size = (1 + norm(a) ** 2) * norm(x) + norm(q)
    return float(norm(a @ x @ adjoint(a) - x + q) / size) if size else 0.0


def continuous_matrix(a):
    return oracle.sylvester_matrix(a, adjoint(a))


def discrete_matrix(a):
    return oracle.stein_matrix(a, adjoint(a))


SOLVERS = pytest.mark.parametrize(
    ("solve", "residual", "matrix"),
    [
        (ox.solve_continuous_lyapunov, continuous_residual, continuous_matrix),
        (ox.solve_discrete_lyapunov, discrete_residual, discrete_matrix),
    ],
    ids=["continuous", "discrete"],
)
solve_both = pytest.mark.parametrize(
    "solve", [ox.solve_continuous_lyapunov, ox.solve_discrete_lyapunov]
)


def quietly(solve, *arguments, **options):
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        return solve(*arguments, return_info=True, on_singular="warn", **options)


# --- the definition ------------------------------------------------------------------------------


def test_literals():
    # [-1 2; 0 -3] [2 .5; .5 1] + its transpose = [-2 0; 0 -6]
    x = ox.solve_continuous_lyapunov([[-1, 2], [0, -3]], [[-2, 0], [0, -6]])
    assert x.tolist() == [[2, 0.5], [0.5, 1]]
    x = ox.solve_discrete_lyapunov([[0.5, 0], [0, -0.5]], [[3, 5], [5, 6]])
    assert x.tolist() == [[4, 4], [4, 8]]


@SOLVERS
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["general", "hermitian", "skew"])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 16, 17, 20])
def test_equals_lu_of_the_kronecker_matrix(rng, solve, residual, matrix, dtype, kind, n):
    a, q = normal(rng, (n, n), dtype), normal(rng, (n, n), dtype)
    if kind != "general":
        q = q + adjoint(q) if kind == "hermitian" else q - adjoint(q)
    x, info = quietly(solve, a, q)
    exact = oracle.solve_vec(matrix(a.astype(complex)), q.astype(complex))
    assert x.dtype == dtype
    assert residual(a, x, q) <= 10 * n * eps(x)
    assert norm(x - exact) <= 20 * n * eps(x) / info.rcond * norm(exact)
    assert info.residual == pytest.approx(residual(a, x, q), rel=0.5, abs=eps(x))
    if kind != "general":
        assert np.array_equal(x, adjoint(x) if kind == "hermitian" else -adjoint(x))


@SOLVERS
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 127, 129, 150])
def test_symmetry_is_exact_at_every_size(rng, solve, residual, matrix, dtype, n):
    a, q = normal(rng, (n, n), dtype), hermitian(normal(rng, (n, n), dtype))
    x, info = quietly(solve, a, q)
    assert np.array_equal(x, adjoint(x))
    assert residual(a, x, q) <= 2 * n * eps(x)
    assert info.residual <= 2 * n * eps(x)
    y, _ = quietly(solve, a, q + np.eye(n, k=1).astype(dtype))
    assert residual(a, y, q + np.eye(n, k=1)) <= 2 * n * eps(x)


@SOLVERS
@pytest.mark.parametrize("n", [2, 4, 5, 20, 40])
def test_real_matrix_and_complex_hermitian_right_side(rng, solve, residual, matrix, n):
    """Its imaginary part is skew: two real right-hand sides, of which neither is general."""
    a, q = normal(rng, (n, n)), hermitian(normal(rng, (n, n), COMPLEX))
    x, _ = quietly(solve, a, q)
    assert np.array_equal(x, adjoint(x))
    assert residual(a, x, q) <= 2 * n * eps(x)


@SOLVERS
@pytest.mark.parametrize("kinds", list(itertools.product([REAL, COMPLEX], repeat=2)))
@pytest.mark.parametrize("n", [2, 4, 9, 33])
def test_all_real_complex_mixes(rng, solve, residual, matrix, kinds, n):
    a, q = normal(rng, (n, n), kinds[0]), normal(rng, (n, n), kinds[1])
    x, _ = quietly(solve, a, q)
    assert x.dtype == np.result_type(*kinds)
    assert residual(a, x, q) <= 2 * n * eps(x)


@solve_both
@pytest.mark.parametrize("n", [0, 3, 5])
@pytest.mark.parametrize(
    "dtypes", list(itertools.product(["f", "d", "F", "D", "e", "i"], repeat=2))
)
def test_result_dtypes(solve, n, dtypes):
    a, q = (2 * np.eye(n).astype(dtype) for dtype in dtypes)
    inexact = [{"e": "f", "i": "d"}.get(dtype, dtype) for dtype in dtypes]
    x = solve(a, q)
    assert x.dtype == np.result_type(*inexact)
    expected = 0.5 if solve is ox.solve_continuous_lyapunov else -2 / 3
    assert np.allclose(x, expected * np.eye(n))


# --- what SciPy's own tests ask for ---------------------------------------------------------------

KITAGAWA = (
    [[3, 9, 5, 1, 4], [1, 2, 3, 8, 4], [4, 6, 6, 6, 3], [1, 5, 2, 0, 7], [5, 3, 3, 1, 5]],
    [[2, 4, 1, 0, 1], [4, 1, 0, 2, 0], [1, 0, 3, 0, 3], [0, 2, 0, 1, 0], [1, 0, 3, 0, 4]],
)
COMPANION = np.eye(11, k=-1) + 0j
COMPANION[0] = 0.1 - 0.009 * np.arange(11)
SCIPY_CASES = {
    "empty": (np.empty((0, 0)), np.empty((0, 0))),
    "integers": ([[1, 2], [3, 4]], [[9, 10], [11, 12]]),
    "complex": ([[1.0 + 1j, 2], [3 - 4j, 5]], [[2 - 2j, 2 + 2j], [-1 - 1j, 2]]),
    "complex q": ([[1.0, 2], [3, 5]], [[2 - 2j, 2 + 2j], [-1 - 1j, 2]]),
    "complex a": ([[1.0 + 1j, 2], [3 - 4j, 5]], [[2.0, 2], [-1, 2]]),
    "Kitagawa 1977": KITAGAWA,
    "companion": (COMPANION, np.eye(11)),
    "matrix": tuple(np.array(t).view(np.matrix) for t in ([[0, 1], [-0.5, -1]], [[0, 0], [0, 9]])),
}


@pytest.mark.parametrize("name", SCIPY_CASES)
@pytest.mark.parametrize("method", [None, "direct", "bilinear", "Bilinear"])
def test_cases_of_scipy(name, method):
    a, q = SCIPY_CASES[name]
    x, y = ox.solve_continuous_lyapunov(a, q), ox.solve_discrete_lyapunov(a, q, method=method)
    assert type(x) is type(y) is np.ndarray
    a, q = np.asarray(a), np.asarray(q)
    np.testing.assert_array_almost_equal(a @ x + x @ adjoint(a), q)
    np.testing.assert_array_almost_equal(a @ y @ adjoint(a) - y, -q)


def test_agrees_with_scipy(rng):
    linalg = pytest.importorskip("scipy.linalg")
    for n in (3, 12):
        a, q = normal(rng, (n, n)), hermitian(normal(rng, (n, n)))
        for name in ("solve_continuous_lyapunov", "solve_discrete_lyapunov"):
            x, expected = getattr(ox, name)(a, q), getattr(linalg, name)(a, q)
            assert norm(x - expected) <= 1e-9 * norm(expected)


# --- layouts, batches ----------------------------------------------------------------------------


@solve_both
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [3, 12])
def test_layout_does_not_matter(rng, solve, dtype, n):
    a, q = normal(rng, (n, n), dtype), normal(rng, (n, n), dtype)
    a = a / a.dtype.type(3 * n) - np.eye(n, dtype=dtype) / 2
    expected = solve(a, q)
    assert expected.flags.c_contiguous
    for layout in (np.asfortranarray, lambda x: x[::-1].copy()[::-1], lambda x: x.astype(">c16")):
        if layout(a).dtype.newbyteorder("=") == dtype:
            assert np.array_equal(solve(layout(a), layout(q)), expected)


@solve_both
@pytest.mark.parametrize("n", [2, 5, 20])
def test_batches_broadcast(rng, solve, n):
    a, q = normal(rng, (3, 1, n, n)), hermitian(normal(rng, (n, n), COMPLEX))
    q = np.stack([q, 2 * q])
    x, info = quietly(solve, a, q)
    assert x.shape == (3, 2, n, n)
    for i, j in np.ndindex(3, 2):
        single, single_info = quietly(solve, a[i, 0], q[j])
        error = 100 * eps(x) / single_info.rcond * norm(single)  # a batch of small ones adds
        assert norm(x[i, j] - single) <= error  # up in another order
        assert info.rcond[i, j] == pytest.approx(single_info.rcond)


# --- singular, nearly singular, ill-conditioned ---------------------------------------------------


@pytest.mark.parametrize("rest", [1, 2, 6])
def test_singular_equations_raise(rest):
    more = np.diag(np.arange(3.0, 3 + rest))
    for block in (np.diag([2.0, -2.0]), [[0.0]], ROTATION):
        a = block_diagonal(block, more)
        with pytest.raises(LinAlgError, match=r"solve_continuous_lyapunov: .* a and -aᴴ have"):
            ox.solve_continuous_lyapunov(a, np.eye(len(a)))
    for block in (np.diag([2.0, 0.5]), [[1.0]], [[-1.0]], ROTATION):
        a = block_diagonal(block, more)
        with pytest.raises(LinAlgError, match=r"solve_discrete_lyapunov: .* the conjugate of one"):
            ox.solve_discrete_lyapunov(a, np.eye(len(a)))
        with pytest.raises(LinAlgError, match="singular"):
            DISCRETE_LYAPUNOV.factor("test", (a,), True, "raise")


@SOLVERS
@pytest.mark.parametrize("n", [4, 9])
@pytest.mark.parametrize("k", range(4, 60, 4))
def test_nearly_singular_sweep(solve, residual, matrix, k, n):
    """Eigenvalues 2^-k ± i, or (1 - 2^-k) exp(±iφ): silence, then a warning, then an error."""
    pair = 2.0**-k * np.eye(2) + ROTATION
    if solve is ox.solve_discrete_lyapunov:
        pair = (1 - 2.0**-k) * np.array([[0.6, 0.8], [-0.8, 0.6]])
    a = block_diagonal(pair, np.diag(np.arange(3.0, 1 + n)))
    rcond = oracle.reciprocal_condition(matrix(a))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            x, info = solve(a, np.ones((n, n)), return_info=True)
        except LinAlgError:
            assert rcond < 10 * np.finfo(float).eps
            return
    assert rcond / 10 <= info.rcond <= 10 * rcond
    assert bool(caught) == (info.rcond < 1000 * np.finfo(float).eps)
    assert residual(a, x, np.ones((n, n))) < 10 * eps(x)


FAMILIES = {
    "random": noise,
    "stable": lambda n: noise(n) / (2 * np.sqrt(n)) - np.eye(n),
    "tiny": lambda n: noise(n) * 1e-20,
    "large": lambda n: noise(n) * 1e20,
    "nonnormal": lambda n: 3 * np.triu(noise(n), 1) + np.diag(np.linspace(0.1, 2, n)),
    "hump": lambda n: np.triu(noise(n), 1) * 100 - 0.5 * np.eye(n),
    "symmetric": lambda n: noise(n) + noise(n).T,
    "graded": lambda n: np.diag(10.0 ** -np.arange(n)) @ noise(n),
    "grcar": lambda n: np.triu(np.tri(n, n, 3)) - np.eye(n, k=-1),
    "frank": lambda n: np.triu(n - np.maximum.outer(np.arange(n), np.arange(n)), -1) * 1.0,
    "complex": lambda n: noise(n) + 1j * noise(n + 1)[1:, 1:],
}


@SOLVERS
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 9, 13])
def test_rcond_within_ten(solve, residual, matrix, family, n):
    a = FAMILIES[family](n)
    kronecker = matrix(a)
    rcond = oracle.reciprocal_condition(kronecker) if kronecker.any() else 0
    x, info = quietly(solve, a, np.ones((n, n)))
    if rcond > 1e-14:
        assert rcond / 10 <= info.rcond <= 10 * rcond
        assert residual(a, x, np.ones((n, n))) <= 10 * n * eps(x)
    else:
        assert info.rcond < 1e-13


def test_discrete_with_an_eigenvalue_near_minus_one():
    """SciPy's bilinear transformation loses the digits by which A + I is nearly singular."""
    a = block_diagonal([[-1 + 1e-9]], 0.5 * noise(12) / 4)
    q = np.ones((13, 13))
    x, info = ox.solve_discrete_lyapunov(a, q, return_info=True)
    assert info.residual <= 10 * eps(x)
    assert x[0, 0] == pytest.approx(1 / (1 - a[0, 0] ** 2), rel=1e-13)


# --- the benchmark collections CTLEX and DTLEX ----------------------------------------------------


def reflected(core, s):
    """H₂ S H₁ core H₁ S⁻¹ H₂ of the collections, and H₁ S⁻¹ H₂ (Kressner, Mehrmann & Penzl 1999).

    Two reflections, and a grading S = diag(1, s, s², …) between them.
    """
    n = len(core)
    signs = (-1.0) ** np.arange(n)
    h1, h2 = np.eye(n) - 2 / n, np.eye(n) - 2 / n * np.outer(signs, signs)
    grading = np.diag(s ** np.arange(n))
    back = h1 @ np.linalg.inv(grading) @ h2
    return h2 @ grading @ h1 @ core @ back, back


GRADES = pytest.mark.parametrize(
    ("r", "s"), list(itertools.product([1.1, 1.5, 2.0, 4.0], repeat=2))
)


def check_collection(solve, residual, a, q, expected=None):
    """Aᵀ stands on the left there. However ill-conditioned, the residual is small."""
    x, info = quietly(solve, a.T, q)
    assert np.array_equal(x, x.T)
    assert residual(a.T, x, q) <= 20 * len(a) * eps(x)
    if expected is not None and info.rcond > 1e-12:
        assert norm(x - expected) <= 100 * eps(x) / info.rcond * norm(expected)


@GRADES
@pytest.mark.parametrize("n", [10, 20])
def test_ctlex_4_1(r, s, n):
    powers, index = r ** np.arange(n), np.arange(1.0, n + 1)
    a, back = reflected(-np.diag(powers), s)
    x = back.T @ (np.outer(index, index) / np.add.outer(powers, powers)) @ back
    b = index @ back
    check_collection(
        ox.solve_continuous_lyapunov, continuous_residual, a, -np.outer(b, b), hermitian(x) / 2
    )


@GRADES
@pytest.mark.parametrize("n", [10, 20])
def test_ctlex_4_2(r, s, n):
    a, back = reflected(-r / 2 * np.eye(n) + np.eye(n, k=1), s)
    q = -np.outer(back[0], back[0])
    check_collection(ox.solve_continuous_lyapunov, continuous_residual, a, q)


@GRADES
@pytest.mark.parametrize("n", [10, 20])
def test_dtlex_4_1(r, s, n):
    powers = r ** np.arange(n)
    a, back = reflected(np.diag((powers - 1) / (powers + 1)), s)
    q = np.outer(back[0], back[0])
    check_collection(ox.solve_discrete_lyapunov, discrete_residual, a, q, q)


@GRADES
@pytest.mark.parametrize("n", [10, 20])
def test_dtlex_4_2(r, s, n):
    a, back = reflected(-r / 5 * np.eye(n) + np.eye(n, k=1), s)
    q = np.outer(back[0], back[0])
    check_collection(ox.solve_discrete_lyapunov, discrete_residual, a, q)


# --- scaling, overflow ---------------------------------------------------------------------------


@SOLVERS
@pytest.mark.parametrize("n", [2, 6, 20])
@pytest.mark.parametrize("a_power", [-400, -31, 30, 500])
@pytest.mark.parametrize("q_power", [-300, 0, 300])
def test_powers_of_two_change_only_exponents(rng, solve, residual, matrix, n, a_power, q_power):
    a, q = normal(rng, (n, n)), hermitian(normal(rng, (n, n)))
    a_power = a_power if solve is ox.solve_continuous_lyapunov else 0
    x, info = solve(a, q, return_info=True)
    y, scaled_info = solve(np.ldexp(a, a_power), np.ldexp(q, q_power), return_info=True)
    assert np.array_equal(y, np.ldexp(x, q_power - a_power))
    assert scaled_info == info


@solve_both
@pytest.mark.parametrize("n", [2, 8])
def test_solution_overflows(solve, n):
    continuous = solve is ox.solve_continuous_lyapunov
    size = 1e-20 if continuous else 1 - 2.0**-40
    a, q = size * np.eye(n), 1e300 * np.ones((n, n))
    with pytest.raises(LinAlgError, match=r"the solution overflows float64; with return_info=True"):
        solve(a, q)
    x, info = solve(a, q, return_info=True)
    assert 0 < info.scale < 1
    image = 2e-20 * x if continuous else 2.0**-39 * x
    assert np.allclose(image, q * info.scale, rtol=1e-10)
    assert np.array_equal(x, x.T)


def test_growth_is_rescaled():
    """Intermediate sizes beyond the range of float32 are rescaled, and what is left is reported."""
    n = 50
    a = np.triu(np.full((n, n), 8.0, np.float32), 1) + 0.02 * np.eye(n, dtype=np.float32)
    x, info = quietly(ox.solve_continuous_lyapunov, a, np.ones((n, n), np.float32))
    assert np.isfinite(x).all()
    assert info.scale < 1
    assert np.array_equal(x, x.T)
    assert continuous_residual(a, x, info.scale * np.ones((n, n))) <= 10 * n * eps(x)


# --- factors, laws, recognition ------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rhs_dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 3, 7, 20, 40])
@pytest.mark.parametrize("symmetric", [False, True])
def test_factor_solves_the_equation_and_its_adjoints(rng, dtype, rhs_dtype, n, symmetric):
    a, q = normal(rng, (n, n), dtype), normal(rng, (n, n), rhs_dtype)
    q = hermitian(q) if symmetric else q
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        continuous = CONTINUOUS_LYAPUNOV.factor("test", (a,), True, "raise")
        discrete = DISCRETE_LYAPUNOV.factor("test", (a,), True, "raise")
    for trans, left, right in (("N", a, adjoint(a)), ("T", a.T, a.conj()), ("H", adjoint(a), a)):
        x, y = continuous.solve(q, trans), discrete.solve(q, trans)
        left, right, wide_q = (np.asarray(t, complex) for t in (left, right, q))
        size = 2 * norm(a) * norm(x) + norm(q)
        assert norm(left @ x + x @ right - wide_q) <= 4 * n * eps(x) * size
        size = (1 + norm(a) ** 2) * norm(y) + norm(q)
        assert norm(y - left @ y @ right - wide_q) <= 4 * n * eps(y) * size
        if symmetric:
            assert np.array_equal(x, adjoint(x))
            assert np.array_equal(y, adjoint(y))


def test_similarity_law(rng):
    """With A → U A Uᴴ and Q → U Q Uᴴ: X → U X Uᴴ."""
    n = 12
    u = np.linalg.qr(normal(rng, (n, n), COMPLEX))[0]
    a, q = normal(rng, (n, n), COMPLEX), hermitian(normal(rng, (n, n), COMPLEX))
    for solve in (ox.solve_continuous_lyapunov, ox.solve_discrete_lyapunov):
        x, info = solve(a, q, return_info=True)
        y = solve(u @ a @ adjoint(u), u @ q @ adjoint(u))
        assert norm(y - u @ x @ adjoint(u)) <= 100 * eps(x) / info.rcond * norm(x)


@pytest.mark.parametrize("kind", [REAL, COMPLEX])
def test_the_continuous_operator_is_recognised(rng, kind):
    a, q = normal(rng, (6, 6), kind), hermitian(normal(rng, (6, 6), kind))
    x, info = ox.solve(lambda X: a @ X + X @ adjoint(a), q, return_info=True)
    assert info.method == "sylvester"
    assert np.array_equal(x, adjoint(x))
    assert continuous_residual(a, x, q) <= 10 * eps(x)


# --- errors --------------------------------------------------------------------------------------

I2, I3 = np.eye(2), np.eye(3)


@solve_both
def test_error_texts(solve):
    name = solve.__name__
    for arguments, text in (
        ((np.ones((3, 2)), I3), f"{name}: a has shape (3, 2), but must be square: (n, n)"),
        ((I3, I2), f"{name}: q has shape (2, 2), but a is (3, 3), so q must be (3, 3)"),
        ((I3, np.ones(3)), f"{name}: q has shape (3,), but a is (3, 3), so q must be (3, 3)"),
        ((I2, np.full((2, 2), np.inf)), "q contains NaN or Inf"),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            solve(*arguments)


def test_unknown_method():
    text = "solve_discrete_lyapunov: method is 'smith', but must be None, 'direct' or 'bilinear'"
    with pytest.raises(ValueError, match=f"^{text}$"):
        ox.solve_discrete_lyapunov(I2, I2, "smith")


@solve_both
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("n", [2, 6])
@pytest.mark.parametrize("which", range(2))
@pytest.mark.parametrize("dtype", [REAL, COMPLEX, np.float32])
def test_nan_and_inf(solve, value, n, which, dtype):
    arrays = [(2 * np.eye(n) + np.eye(n, k=1)).astype(dtype) for _ in range(2)]
    arrays[which][-1, 0] = value
    with pytest.raises(ValueError, match=rf"^{'aq'[which]} contains NaN or Inf$"):
        solve(*arrays)
    assert np.isnan(solve(*arrays, check_finite=False)).all()
