"""X - A X B = Q against its definition, and against everything that breaks it."""

import itertools
import re
import warnings

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import oracle
import otimes as ox
from otimes._factor import Factor
from otimes._lyapunov import STEIN
from otimes._terms import Term, from_terms
from samples import DTYPES, block_diagonal, eps, noise, normal

REAL, COMPLEX = np.float64, np.complex128
ROTATION = np.array([[0.0, 1.0], [-1.0, 0.0]])  # eigenvalues ±i


@pytest.fixture
def rng():
    return np.random.default_rng(21)


def residual(a, b, x, q):
    """The backward error, in more digits than the data have."""
    kind = np.clongdouble if max(np.size(a), np.size(b), np.size(q)) < 2000 else np.complex128
    a, b, x, q = (np.asarray(t, kind) for t in (a, b, x, q))
    size = (1 + norm(a) * norm(b)) * norm(x) + norm(q)
    return float(norm(x - a @ x @ b - q) / size) if size else 0.0


def factor(a, b):
    return STEIN.factor("test", (a, b), True, "raise")


# --- the definition ------------------------------------------------------------------------------


def test_literal():
    # [1; 2] - [2 1; 0 3] [1; 2] 2 = [-7; -10]
    assert ox.solve_stein([[2, 1], [0, 3]], [[2]], [[-7], [-10]]).tolist() == [[1], [2]]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("m", "n"), list(itertools.product([1, 2, 3, 4, 5, 9], [1, 2, 4, 7, 16, 17]))
)
def test_equals_lu_of_the_kronecker_matrix(rng, dtype, m, n):
    a, b, q = normal(rng, (m, m), dtype), normal(rng, (n, n), dtype), normal(rng, (m, n), dtype)
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        x, info = ox.solve_stein(a, b, q, return_info=True)
    matrix = oracle.stein_matrix(a.astype(complex), b.astype(complex))
    exact = oracle.solve_vec(matrix, q.astype(complex))
    assert x.dtype == dtype
    assert residual(a, b, x, q) <= 10 * (m + n) * eps(x)
    assert norm(x - exact) <= 10 * (m + n) * eps(x) / info.rcond * norm(exact)
    assert info.residual == pytest.approx(residual(a, b, x, q), rel=0.5, abs=eps(x))
    assert info.scale == 1


@pytest.mark.parametrize(("m", "n"), [(2, 3), (4, 4), (5, 4)])
def test_forward_error_against_many_digits(rng, m, n):
    a, b, q = normal(rng, (m, m)), normal(rng, (n, n)), normal(rng, (m, n))
    x, info = ox.solve_stein(a, b, q, return_info=True)
    exact = oracle.solve_vec_exactly(oracle.stein_matrix(a, b), q)
    assert norm(x - exact) <= 10 * eps(x) / info.rcond * norm(exact)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129])
def test_sizes_around_block_edges(rng, n, dtype):
    for m, k in ((n, n), (n, 3), (3, n), (n, 33)):
        a, b, q = normal(rng, (m, m), dtype), normal(rng, (k, k), dtype), normal(rng, (m, k), dtype)
        with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
            x, info = ox.solve_stein(a, b, q, return_info=True)
        assert residual(a, b, x, q) <= (m + k) * eps(x)
        assert info.residual <= (m + k) * eps(x)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 1)])
def test_empty_and_scalar(shape):
    m, n = shape
    x = ox.solve_stein(np.eye(m), 3 * np.eye(n), np.ones(shape))
    assert x.shape == shape
    assert (x == -0.5).all()


@pytest.mark.parametrize("kinds", list(itertools.product([REAL, COMPLEX], repeat=3)))
@pytest.mark.parametrize(("m", "n"), [(2, 2), (4, 3), (9, 7), (20, 33)])
def test_all_real_complex_mixes(rng, kinds, m, n):
    a, b, q = (normal(rng, s, k) for s, k in zip(((m, m), (n, n), (m, n)), kinds, strict=True))
    x = ox.solve_stein(a, b, q)
    assert x.dtype == np.result_type(*kinds)
    assert residual(a, b, x, q) <= (m + n) * eps(x)


@pytest.mark.parametrize("dtypes", list(itertools.product(["f", "d", "F", "e", "i"], repeat=3)))
def test_result_dtypes(dtypes):
    a, b, q = (2 * np.eye(2).astype(dtype) for dtype in dtypes)
    inexact = [{"e": "f", "i": "d"}.get(dtype, dtype) for dtype in dtypes]
    x = ox.solve_stein(a, b, q)
    assert x.dtype == np.result_type(*inexact)
    assert np.allclose(x, np.eye(2) * (-2 / 3))


@pytest.mark.parametrize("n", [3, 12])
@pytest.mark.parametrize("layout", [np.asfortranarray, lambda x: x[::-1].copy()[::-1]])
def test_layout_does_not_matter(rng, n, layout):
    arrays = [normal(rng, (n, n)) for _ in range(3)]
    expected = ox.solve_stein(*arrays)
    assert np.array_equal(ox.solve_stein(*map(layout, arrays)), expected)


@pytest.mark.parametrize(("m", "n"), [(2, 2), (3, 6), (20, 10)])
def test_batches_broadcast(rng, m, n):
    a, b, q = normal(rng, (4, 1, m, m)), normal(rng, (3, n, n)), normal(rng, (m, n), COMPLEX)
    x, info = ox.solve_stein(a, b, q, return_info=True, on_singular="warn")
    assert x.shape == (4, 3, m, n)
    for i, j in np.ndindex(4, 3):
        single, single_info = ox.solve_stein(a[i, 0], b[j], q, return_info=True, on_singular="warn")
        error = 100 * eps(x) / single_info.rcond * norm(single)  # a batch of small ones adds
        assert norm(x[i, j] - single) <= error  # up in another order
        assert info.rcond[i, j] == pytest.approx(single_info.rcond)


# --- singular, nearly singular, ill-conditioned ---------------------------------------------------

SINGULAR = {
    "scalar": ([[2.0]], [[0.5]]),
    "identities": (np.eye(7), np.eye(5)),
    "reciprocal": (np.diag([3.0, 4, 5, 6, 7]), np.diag([0.25, 9, 10, 11])),
    "pair ±i": (
        block_diagonal(ROTATION, [[5.0]], [[6.0]]),
        block_diagonal(ROTATION, 3 * np.eye(4)),
    ),
    "Jordan": (np.eye(6) + np.eye(6, k=1), np.eye(6) + np.eye(6, k=1)),
    "minus one": (-np.eye(9), block_diagonal(-np.eye(3), 2 * np.eye(4))),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_singular_equations_raise(name):
    a, b = (np.asarray(t, float) for t in SINGULAR[name])
    q = np.ones((len(a), len(b)))
    with pytest.raises(
        LinAlgError, match=r"solve_stein: .* an eigenvalue of a times one of b is 1"
    ):
        ox.solve_stein(a, b, q)
    with pytest.raises(LinAlgError, match="the equation is singular"):
        factor(a, b)
    with pytest.warns(ox.IllConditionedWarning, match="singular"):
        ox.solve_stein(a, b, q, on_singular="warn")


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("pair", [False, True], ids=["real", "complex pair"])
@pytest.mark.parametrize("k", range(4, 60, 4))
def test_nearly_singular_sweep(k, pair, small):
    """λ μ = 1 - 2^-k: silence, then a warning, then an error, as rcond says."""
    rest = [[3.0]] if small else np.diag([3.0, 4, 5, 6])
    a = block_diagonal(ROTATION if pair else [[1.0]], rest)
    b = (-ROTATION if pair else np.diag([1.0, 7, 8, 9][: 2 if small else 4])) * (1 - 2.0**-k)
    rcond = oracle.reciprocal_condition(oracle.stein_matrix(a, b))
    q = np.ones((len(a), len(b)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            x, info = ox.solve_stein(a, b, q, return_info=True)
        except LinAlgError:
            assert rcond < 10 * np.finfo(float).eps
            return
    assert rcond / 10 <= info.rcond <= 10 * rcond
    assert bool(caught) == (info.rcond < 1000 * np.finfo(float).eps)
    assert residual(a, b, x, q) < 10 * eps(x)


FAMILIES = {
    "random": noise,
    "stable": lambda n: noise(n) / (2 * np.sqrt(n)),
    "tiny": lambda n: noise(n) * 1e-20,
    "large": lambda n: noise(n) * 1e20,
    "nonnormal": lambda n: 3 * np.triu(noise(n), 1) + np.diag(np.linspace(0.1, 2, n)),
    "hump": lambda n: np.triu(noise(n), 1) * 100 + 0.5 * np.eye(n),
    "symmetric": lambda n: noise(n) + noise(n).T,
    "diagonal": lambda n: np.diag(noise(n)[0]),
    "identity": np.eye,
    "graded": lambda n: np.diag(10.0 ** -np.arange(n)) @ noise(n),
    "nilpotent": lambda n: np.triu(noise(n), 1),
    "complex": lambda n: noise(n) + 1j * noise(n + 1)[1:, 1:],
}


@pytest.mark.parametrize("left", FAMILIES)
@pytest.mark.parametrize("right", FAMILIES)
def test_rcond_within_ten(left, right):
    for m, n in ((3, 4), (4, 4), (5, 6), (9, 5), (2, 17)):
        a, b = FAMILIES[left](m), FAMILIES[right](n)
        matrix = oracle.stein_matrix(a, b)
        rcond = oracle.reciprocal_condition(matrix) if matrix.any() else 0
        q = np.ones((m, n))
        with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
            x, info = ox.solve_stein(a, b, q, return_info=True, on_singular="warn")
        if rcond > 1e-14:
            assert rcond / 10 <= info.rcond <= 10 * rcond, (m, n)
            assert residual(a, b, x, q) <= 10 * (m + n) * eps(x)
        else:
            assert info.rcond < 1e-13, (m, n)


def test_an_eigenvalue_minus_one_is_no_failure(rng):
    """The bilinear transformation divides by A + I."""
    a = block_diagonal([[-1.0]], 0.5 * noise(8))
    b = noise(7) / 10
    q = normal(rng, (9, 7))
    x, info = ox.solve_stein(a, b, q, return_info=True)
    assert residual(a, b, x, q) <= 10 * eps(x)
    assert info.rcond > 1e-3


# --- overflow, underflow, scaling ----------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 6, 20])
@pytest.mark.parametrize("power", [-500, -31, 30, 500])
@pytest.mark.parametrize("q_power", [-300, 0, 300])
def test_powers_of_two_change_only_exponents(rng, n, power, q_power):
    a, b, q = normal(rng, (n, n)), normal(rng, (n, n)), normal(rng, (n, n))
    x, info = ox.solve_stein(a, b, q, return_info=True)
    scaled = np.ldexp(a, power), np.ldexp(b, -power), np.ldexp(q, q_power)
    y, scaled_info = ox.solve_stein(*scaled, return_info=True)
    assert np.array_equal(y, np.ldexp(x, q_power))
    assert scaled_info == info


@pytest.mark.parametrize("n", [2, 7])
@pytest.mark.parametrize(("a_size", "b_size"), [(1e200, 1e200), (1e300, 1e-5), (1e-300, 1e-300)])
def test_extreme_sizes(rng, n, a_size, b_size):
    a, b, q = (normal(rng, (n, n)) for _ in range(3))
    x, info = ox.solve_stein(a * a_size, b * b_size, q, return_info=True)
    if a_size * b_size < 1:
        assert np.allclose(x, q, rtol=1e-14)
        assert info.rcond == pytest.approx(1, rel=1e-6)
    else:
        expected = -ox.solve_axb(a, b, q) / a_size / b_size
        assert np.allclose(x, expected, rtol=1e-9)


@pytest.mark.parametrize("n", [2, 8])
def test_solution_overflows(n):
    a, q = np.eye(n) * (1 - 2.0**-40), np.ones((n, n)) * 1e300
    with pytest.raises(LinAlgError, match=r"the solution overflows float64; with return_info=True"):
        ox.solve_stein(a, np.eye(n), q)
    x, info = ox.solve_stein(a, np.eye(n), q, return_info=True)
    assert 0 < info.scale < 1
    assert np.allclose(x * 2.0**-40, q * info.scale, rtol=1e-10)


@pytest.mark.parametrize(("m", "n"), [(60, 4), (4, 60), (33, 34)])
def test_growth(m, n):
    """Intermediate sizes beyond the range of float32 are rescaled, and what is left is reported."""
    a = np.triu(np.full((m, m), 8.0, np.float32), 1) + np.diag(np.full(m, 2.0, np.float32))
    b = np.triu(np.full((n, n), 8.0, np.float32), 1) + np.diag(np.full(n, 0.501, np.float32))
    with pytest.warns(ox.IllConditionedWarning, match="singular"):
        x, info = ox.solve_stein(
            a, b, np.ones((m, n), np.float32), on_singular="warn", return_info=True
        )
    assert np.isfinite(x).all()
    assert info.scale < 1
    assert residual(a, b, x, info.scale * np.ones((m, n))) <= 10 * (m + n) * eps(x)


# --- Schur forms and their 2x2 bumps --------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1e16, 1.0, 1e-16])
@pytest.mark.parametrize("n", [2, 4, 6, 18, 34])
def test_bumps(rng, n, ratio):
    """Every 2x2 block may straddle a block edge."""
    blocks = [
        np.array([[1.0 + k, np.sqrt(ratio)], [-1 / np.sqrt(ratio), 1.0 + k]]) for k in range(n // 2)
    ]
    upper = block_diagonal(*blocks)
    shifted = block_diagonal([[0.5]], *blocks, [[0.25]])
    for a, b in itertools.product((upper, upper.T, shifted, shifted.T), repeat=2):
        q = normal(rng, (len(a), len(b)))
        with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
            x = ox.solve_stein(a, b, q, on_singular="warn")
        assert residual(a, b, x, q) <= 10 * eps(x)


# --- laws, factors, recognition ------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rhs_dtype", DTYPES)
@pytest.mark.parametrize(("m", "n"), [(1, 1), (2, 3), (7, 20), (40, 33)])
def test_factor_solves_the_equation_and_its_adjoints(rng, dtype, rhs_dtype, m, n):
    a, b, q = normal(rng, (m, m), dtype), normal(rng, (n, n), dtype), normal(rng, (m, n), rhs_dtype)
    a = (a / (3 * m)).astype(dtype)
    decomposed = factor(a, b)
    for trans, left, right in (("N", a, b), ("T", a.T, b.T), ("H", a.conj().T, b.conj().T)):
        x, info = decomposed.solve(q, trans, return_info=True)
        assert x.dtype == np.result_type(dtype, rhs_dtype)
        assert residual(left, right, x, q) <= (m + n) * eps(x)
        assert info.residual <= (m + n) * eps(x)


def test_transpose_law(rng):
    """Xᵀ - Bᵀ Xᵀ Aᵀ = Qᵀ."""
    a, b, q = normal(rng, (9, 9)), normal(rng, (6, 6)), normal(rng, (9, 6))
    x, info = ox.solve_stein(a, b, q, return_info=True)
    y = ox.solve_stein(b.T, a.T, q.T)
    assert norm(y.T - x) <= 100 * eps(x) / info.rcond * norm(x)


A, B, C = noise(4), noise(3), noise(5)[:4, :3]


@pytest.mark.parametrize(
    ("f", "method"),
    [
        (lambda X: X - A @ X @ B, "stein"),
        (lambda X: A @ X @ B + 2 * X, "stein"),
        (lambda X: -3 * X - 2 * (A @ X @ B), "stein"),
        (lambda X: 1j * X + A @ X @ B, "stein"),
        (lambda X: X - A @ X @ B + C, "stein"),
        (lambda X: X + A @ X, "sylvester"),
        (lambda X: X - A @ X @ B + A.T @ X @ B, "dense"),
    ],
)
def test_functions_are_recognised(f, method):
    x, info = ox.solve(f, C, return_info=True)
    assert info.method == method
    assert norm(f(x) - C) <= 1e-12 * norm(x)


@pytest.mark.parametrize("permuted", [False, True])
def test_operators_are_recognised(rng, permuted):
    op = (2 - 1j) * ox.identity(12) - ox.kron(B, A)
    if permuted:
        one = Term(2 - 1j, (Factor(None, 3), Factor(None, 4)), (1, 0))
        op = from_terms([one, Term(-1, (Factor(B), Factor(A)), (1, 0))], (12,), (12,))
    assert ox.select_method(op).startswith("stein: ")
    factors, dense, b = op.factorize(), op.toarray(), normal(rng, 12, COMPLEX)
    for trans, matrix in (("N", dense), ("T", dense.T), ("H", dense.conj().T)):
        assert np.allclose(matrix @ factors.solve(b, trans), b)
    assert factors.rcond() == pytest.approx(oracle.reciprocal_condition(dense), rel=9)


def test_the_discrete_lyapunov_operator_is_recognised(rng):
    x, info = ox.solve(lambda X: 3 * X - 3 * (A @ X @ A.T), np.eye(4), return_info=True)
    assert info.method == "stein"
    assert np.array_equal(x, x.T)
    assert np.allclose(3 * x - 3 * A @ x @ A.T, np.eye(4))


# --- errors --------------------------------------------------------------------------------------

I2, I4 = np.eye(2), np.eye(4)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: ox.solve_stein(I2, I4, np.ones((2, 3))),
            "solve_stein: q has shape (2, 3), but a is (2, 2) and b is (4, 4), so q must be (2, 4)",
        ),
        (
            lambda: ox.solve_stein(np.ones((2, 3)), I4, I4),
            "solve_stein: a has shape (2, 3), but must be square: (n, n)",
        ),
        (
            lambda: ox.solve_stein(I2, I2, I2, on_singular="ignore"),
            'solve_stein: on_singular is \'ignore\', but must be "raise", "warn" or "lstsq"',
        ),
        (lambda: ox.solve_stein(I2, I2, np.full((2, 2), np.nan)), "q contains NaN or Inf"),
    ],
)
def test_error_texts(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n", [2, 6])
@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("dtype", [REAL, COMPLEX, np.float32])
def test_nan_and_inf(value, n, which, dtype):
    arrays = [(2 * np.eye(n) + np.eye(n, k=1)).astype(dtype) for _ in range(3)]
    arrays[which][-1, 0] = value
    with pytest.raises(ValueError, match=rf"^{'abq'[which]} contains NaN or Inf$"):
        ox.solve_stein(*arrays)
    assert np.isnan(ox.solve_stein(*arrays, check_finite=False)).all()
