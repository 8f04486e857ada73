"""A X B + C X D = E against its definition, and against everything that breaks it."""

import itertools
import re
import warnings

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import oracle
import otimes as ox
from otimes._pencil_equations import GENERALIZED_SYLVESTER
from samples import DTYPES, eps, normal

REAL, COMPLEX = np.float64, np.complex128


@pytest.fixture
def rng():
    return np.random.default_rng(41)


def coefficients(rng, m, n, dtype=REAL):
    return tuple(normal(rng, (k, k), dtype) for k in (m, n, m, n))


def residual(a, b, c, d, x, e):
    a, b, c, d, x, e = (np.asarray(t, np.complex128) for t in (a, b, c, d, x, e))
    size = (norm(a) * norm(b) + norm(c) * norm(d)) * norm(x) + norm(e)
    return float(norm(a @ x @ b + c @ x @ d - e) / size) if size else 0.0


def solve(a, b, c, d, e, **options):
    """Solve, whatever the condition."""
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        options = {"return_info": True, "on_singular": "warn"} | options
        return ox.solve_generalized_sylvester(a, b, c, d, e, **options)


def true_rcond(*matrices):
    wide = (np.asarray(t, np.complex128) for t in matrices)
    return oracle.reciprocal_condition(oracle.generalized_sylvester_matrix(*wide))


# --- the definition ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("m", "n"), [(1, 1), (1, 5), (5, 1), (2, 2), (3, 4), (4, 4), (5, 4), (9, 7), (17, 3), (6, 18)]
)
def test_equals_lu_of_the_kronecker_matrix(rng, dtype, m, n):
    given, e = coefficients(rng, m, n, dtype), normal(rng, (m, n), dtype)
    x, info = solve(*given, e)
    wide = [t.astype(COMPLEX) for t in (*given, e)]
    matrix = oracle.generalized_sylvester_matrix(*wide[:4])
    exact = oracle.solve_vec(matrix, wide[4])
    rcond = oracle.reciprocal_condition(matrix)
    assert x.dtype == dtype
    assert residual(*given, x, e) <= (m + n) * eps(x)
    assert norm(x - exact) <= 10 * (m + n) * eps(x) / rcond * norm(exact)
    assert rcond / 10 <= info.rcond <= 10 * rcond
    assert info.residual <= (m + n) * eps(x)
    assert info.scale == 1
    assert info.method == ("kronecker-lu" if m * n <= 36 else "generalized-schur")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [15, 16, 17, 31, 32, 33, 48, 65, 97])
def test_sizes_around_block_edges(rng, n, dtype):
    for m, k in ((n, n), (n, 3), (3, n), (n, 33)):
        given, e = coefficients(rng, m, k, dtype), normal(rng, (m, k), dtype)
        x, info = solve(*given, e)
        assert residual(*given, x, e) <= (m + k) * eps(x)
        assert info.residual <= (m + k) * eps(x)


@pytest.mark.parametrize("kinds", list(itertools.product([REAL, COMPLEX], repeat=5)))
@pytest.mark.parametrize(("m", "n"), [(2, 3), (9, 7)])
def test_all_real_complex_mixes(rng, kinds, m, n):
    shapes = ((m, m), (n, n), (m, m), (n, n), (m, n))
    arrays = [normal(rng, s, k) for s, k in zip(shapes, kinds, strict=True)]
    x, _ = solve(*arrays)
    assert x.dtype == np.result_type(*kinds)
    assert residual(*arrays[:4], x, arrays[4]) <= (m + n) * eps(x)


@pytest.mark.parametrize("dtypes", ["fdFDf", "eidf?", "iiiii", "FfFfF", "ffffd"])
def test_result_dtypes(dtypes):
    arrays = [np.eye(2).astype(dtype) for dtype in dtypes]
    inexact = [{"e": "f", "i": "d", "?": "d"}.get(dtype, dtype) for dtype in dtypes]
    x = ox.solve_generalized_sylvester(*arrays)
    assert x.dtype == np.result_type(*inexact)
    assert np.array_equal(x, np.eye(2) / 2)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_empty(shape):
    m, n = shape
    assert (
        ox.solve_generalized_sylvester(
            np.eye(m), np.eye(n), np.eye(m), np.eye(n), np.ones(shape)
        ).shape
        == shape
    )


def test_layout_does_not_matter(rng):
    arrays = [*coefficients(rng, 12, 9), normal(rng, (12, 9))]
    expected = ox.solve_generalized_sylvester(*arrays)
    for change in (np.asfortranarray, lambda t: np.repeat(t, 2, -1)[:, ::2]):
        for which in range(5):
            changed = list(arrays)
            changed[which] = change(arrays[which])
            assert np.array_equal(ox.solve_generalized_sylvester(*changed), expected)


@pytest.mark.parametrize(("m", "n"), [(2, 2), (7, 6)])
def test_batches(rng, m, n):
    a, b, c, d = (
        normal(rng, (*lead, k, k)) for lead, k in (((3, 1), m), ((2,), n), ((), m), ((), n))
    )
    e = normal(rng, (m, n), COMPLEX)
    x, info = solve(a, b, c, d, e)
    assert x.shape == (3, 2, m, n)
    for i, j in np.ndindex(3, 2):
        single, one = solve(a[i, 0], b[j], c, d, e)
        np.testing.assert_allclose(x[i, j], single, rtol=1e-11)  # lanes round differently
        assert info.rcond[i, j] == pytest.approx(one.rcond, rel=1e-6)


# --- pencils with infinite, common and undefined eigenvalues -------------------------------------


def singular(rng, n, dtype=REAL):
    u, _ = np.linalg.qr(normal(rng, (n, n), dtype))
    v, _ = np.linalg.qr(normal(rng, (n, n), dtype))
    values = np.linspace(1, 2, n)
    values[-1] = 0
    return (u * values.astype(u.real.dtype)) @ v


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "n"), [(3, 4), (8, 9)])
@pytest.mark.parametrize("which", [(0,), (1,), (2,), (3,), (0, 1), (2, 3), (0, 2), (1, 3)])
def test_singular_coefficients(rng, dtype, m, n, which):
    """Any of the four may be singular, and both of a pencil or of a term."""
    given = list(coefficients(rng, m, n, dtype))
    for k in which:
        given[k] = singular(rng, len(given[k]), dtype)
    e = normal(rng, (m, n), dtype)
    x, info = solve(*given, e)
    rcond = true_rcond(*given)
    assert residual(*given, x, e) <= (m + n) * eps(x)
    if which in ((0, 1), (2, 3)):  # an eigenvalue 0, or infinity, of both pencils
        return
    assert rcond / 10 <= info.rcond <= 10 * rcond


@pytest.mark.parametrize("n", [2, 3, 8, 20])
def test_common_eigenvalues_raise(rng, n):
    m = n + 1
    left, right = normal(rng, (m, m)), normal(rng, (n, n))
    left2, right2 = normal(rng, (m, m)), normal(rng, (n, n))
    text = "solve_generalized_sylvester: the equation is singular to working precision"
    for shared in ([1.5, 0.5], [0.0, 1.0], [1.0, 0.0]):  # finite, zero, infinite
        a, c = np.diag(np.r_[np.arange(2.0, m + 1), shared[0]]), np.eye(m)
        c[-1, -1] = shared[1]
        d, b = np.diag(-np.r_[np.arange(2.0, n + 1) + 0.5, shared[0]]), np.eye(n)
        b[-1, -1] = shared[1]
        with pytest.raises(LinAlgError, match=text):
            ox.solve_generalized_sylvester(
                left @ a @ left2,
                right @ b @ right2,
                left @ c @ left2,
                right @ d @ right2,
                np.ones((m, n)),
            )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 20, 40])
def test_no_term_is_left(rng, dtype, n):
    """A X 0 + 0 X A, where only the rounding errors of a decomposition could be divided by."""
    a, zero = normal(rng, (n, n), dtype), np.zeros((n, n), dtype)
    for given in ((a, zero, zero, a), (zero, a, a, zero)):
        with pytest.raises(LinAlgError, match=r"singular to working precision \(rcond = 0.0e"):
            ox.solve_generalized_sylvester(*given, a)


@pytest.mark.parametrize("n", [2, 5, 20])
def test_singular_pencils_raise(rng, n):
    given = coefficients(rng, n, n)
    for zero in ((0, 2), (1, 3)):
        broken = [t.copy() for t in given]
        for k in zero:
            broken[k][:, -1] = 0
        with pytest.raises(LinAlgError, match="or one of them is singular"):
            ox.solve_generalized_sylvester(*broken, np.ones((n, n)))
    zeros = np.zeros((n, n))
    with pytest.raises(LinAlgError, match="singular"):
        ox.solve_generalized_sylvester(zeros, zeros, zeros, zeros, np.ones((n, n)))


def test_cancelling_terms_raise(rng):
    a, b = normal(rng, (9, 9)), normal(rng, (8, 8))
    with pytest.raises(LinAlgError, match="singular"):
        ox.solve_generalized_sylvester(a, b, -a, b, np.ones((9, 8)))


@pytest.mark.parametrize("dtype", [REAL, COMPLEX])
@pytest.mark.parametrize("k", [10, 20, 30, 40])
@pytest.mark.parametrize("n", [4, 9])
def test_rcond_of_nearly_singular_equations(rng, dtype, n, k):
    """Eigenvalues that differ by 2^-k; rounding moves them by some eps."""
    u, v = normal(rng, (n, n), dtype), normal(rng, (n, n), dtype)
    a = u @ np.diag(np.arange(1.0, n + 1)) @ v
    b = u.T @ v
    d = u.T @ np.diag(-np.arange(n, 0, -1.0) - 0.5 + 0.5 * (np.arange(n) == 0) * (1 - 2.0**-k)) @ v
    given, e = (a, b, u @ v, d), np.ones((n, n))
    x, info = solve(*given, e)
    rcond = true_rcond(*given)
    assert (rcond - eps(x)) / 10 <= info.rcond <= 10 * (rcond + eps(x))
    assert residual(*given, x, e) <= 2 * n * eps(x)


def test_ill_conditioned_divisors(rng):
    """Where dividing by C or B loses digits, the answer must not show it."""
    for k in (4, 8, 12, 15):
        m, n = 11, 10
        graded = np.diag(np.logspace(0, -k, m))
        q, _ = np.linalg.qr(normal(rng, (m, m)))
        a, b, _, d = coefficients(rng, m, n)
        for given in ((a, b, q @ graded, d), (q @ graded, b, a, d), (graded, b, q @ graded, d)):
            e = normal(rng, (m, n))
            x, info = solve(*given, e)
            rcond = true_rcond(*given)
            assert residual(*given, x, e) <= (m + n) * eps(x)
            if rcond > 100 * eps(x):
                assert rcond / 10 <= info.rcond <= 10 * rcond


# --- scaling -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [REAL, COMPLEX])
@pytest.mark.parametrize(("m", "n"), [(3, 3), (9, 8)])
@pytest.mark.parametrize("powers", [(500, -500, 0, 0), (400, 400, 300, 500), (-300, -200, -500, 0)])
def test_powers_of_two_change_only_exponents(rng, dtype, m, n, powers):
    """Each term may be scaled in either of its factors."""
    given, e = coefficients(rng, m, n, dtype), normal(rng, (m, n), dtype)
    x, info = solve(*given, e)
    total = powers[0] + powers[1]
    powers = (*powers[:3], total - powers[2])
    scaled = [t * 2.0**p for t, p in zip(given, powers, strict=True)]
    half = total // 2
    y, scaled_info = solve(*scaled, e * 2.0**half)
    assert np.array_equal(y * 2.0**half * 2.0 ** (total - 2 * half), x)
    assert scaled_info.rcond == info.rcond


def test_one_term_may_vanish(rng):
    a, b, c, d = coefficients(rng, 9, 8)
    e = normal(rng, (9, 8))
    zeros = np.zeros((9, 9))
    x, _ = solve(a, b, zeros, d, e)
    assert residual(a, b, zeros, d, x, e) <= 17 * eps(x)
    x, info = solve(a * 1e-200, b * 1e-100, c * 1e-300, d * 1e-300, e * 1e-280)
    assert np.isfinite(x).all()
    assert info.residual <= 17 * eps(x)


def test_overflow_is_said(rng):
    t = 1e-6 * np.eye(60) + np.triu(np.ones((60, 60)), 1)
    zeros, one = np.zeros((60, 60)), np.ones((1, 1))
    with pytest.raises(LinAlgError, match=r"singular|overflows"):
        ox.solve_generalized_sylvester(t, one, zeros, one, np.ones((60, 1)))
    x, info = solve(t, one, zeros, one, np.ones((60, 1)))
    assert np.isfinite(x).all()
    assert info.scale < 1
    with pytest.raises(LinAlgError, match="overflows float64"):
        ox.solve_generalized_sylvester([[1e-300]], [[1.0]], [[0.0]], [[1.0]], [[1e200]])


# --- the factor, and operators -------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::otimes.IllConditionedWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rhs_dtype", [np.float32, COMPLEX])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (7, 20), (40, 33)])
def test_factor_solves_the_equation_and_its_adjoints(rng, dtype, rhs_dtype, m, n):
    given, e = coefficients(rng, m, n, dtype), normal(rng, (m, n), rhs_dtype)
    factor = GENERALIZED_SYLVESTER.factor("test", given, True, "warn")
    for trans, op in (("N", lambda t: t), ("T", lambda t: t.T), ("H", lambda t: t.conj().T)):
        x, info = factor.solve(e, trans, return_info=True)
        assert x.dtype == np.result_type(dtype, rhs_dtype)
        assert residual(*map(op, given), x, e) <= (m + n) * eps(x)
        assert info.residual <= (m + n) * eps(x)


def test_operators_of_two_terms(rng):
    a, b, c, d = coefficients(rng, 8, 7)
    op = ox.jacobian(lambda x: a @ x @ b + c @ x @ d, np.zeros((8, 7)))
    assert ox.select_method(op).startswith("generalized-sylvester: ")
    e = normal(rng, (8, 7))
    x = ox.solve(lambda x: a @ x @ b + c @ x @ d, e)
    assert residual(a, b, c, d, x, e) <= 15 * eps(x)
    factor = op.factorize()
    v = normal(rng, (56,))
    for trans, matrix in (("N", op.toarray()), ("T", op.toarray().T)):
        np.testing.assert_allclose(
            factor.solve(v, trans=trans), np.linalg.solve(matrix, v), rtol=1e-9, atol=1e-10
        )
    flipped = ox.solve(lambda x: a @ x.T @ b + c @ x.T @ d, e)
    np.testing.assert_allclose(flipped, x.T, rtol=1e-10)
    shifted = ox.solve(lambda x: a @ x @ b + 3 * x, e)
    assert residual(a, b, 3 * np.eye(8), np.eye(7), shifted, e) <= 15 * eps(x)


# --- errors --------------------------------------------------------------------------------------

I2, I3 = np.eye(2), np.eye(3)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            (I2, I3, I3, I3, I2),
            "solve_generalized_sylvester: c has shape (3, 3), but a is (2, 2), so c must be (2, 2)",
        ),
        (
            (I2, I3, I2, I3, I2),
            "solve_generalized_sylvester: e has shape (2, 2), but a is (2, 2) and b is (3, 3) and "
            "c is (2, 2) and d is (3, 3), so e must be (2, 3)",
        ),
        (
            (I2, I3, I2, np.ones((3, 2)), I2),
            "solve_generalized_sylvester: d has shape (3, 2), but must be square: (n, n)",
        ),
    ],
)
def test_error_texts(arguments, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        ox.solve_generalized_sylvester(*arguments)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("n", [2, 6])
@pytest.mark.parametrize("which", range(5))
def test_nan_and_inf(value, n, which):
    arrays = [np.eye(n) for _ in range(5)]
    arrays[which][-1, 0] = value
    with pytest.raises(ValueError, match=rf"^{'abcde'[which]} contains NaN or Inf$"):
        ox.solve_generalized_sylvester(*arrays)
    assert np.isnan(ox.solve_generalized_sylvester(*arrays, check_finite=False)).all()
