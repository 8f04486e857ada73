"""A X + X B = Q and A X B = C against their definition, and against everything that breaks them."""

import itertools
import pickle
import re
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.linalg import LinAlgError, norm

import oracle
import otimes as ox
from hard import frank, grcar, kahan
from layouts import LAYOUTS
from samples import DTYPES, block_diagonal, eps, noise, normal

REAL, COMPLEX = np.float64, np.complex128


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def benign(rng, n, dtype=np.float64):
    """Well-conditioned by its dominant diagonal, in either equation."""
    return normal(rng, (n, n), dtype) + np.asarray(4 * np.sqrt(n) * np.eye(n), dtype)


def widened(*arrays):
    """In more digits than they have, where that is affordable."""
    small = max(a.size for a in arrays) < 2000
    return (np.asarray(a, np.clongdouble if small else np.complex128) for a in arrays)


def sylvester_residual(a, b, x, q):
    a, b, x, q = widened(*map(np.asarray, (a, b, x, q)))
    size = (norm(a) + norm(b)) * norm(x) + norm(q)
    return float(norm(a @ x + x @ b - q) / size) if size else 0.0


def axb_residual(a, b, x, c):
    a, b, x, c = widened(*map(np.asarray, (a, b, x, c)))
    size = norm(a) * norm(b) * norm(x) + norm(c)
    return float(norm(a @ x @ b - c) / size) if size else 0.0


SOLVERS = pytest.mark.parametrize(
    ("solve", "residual", "matrix"),
    [
        (ox.solve_sylvester, sylvester_residual, oracle.sylvester_matrix),
        (ox.solve_axb, axb_residual, oracle.axb_matrix),
    ],
    ids=["sylvester", "axb"],
)
solve_both = pytest.mark.parametrize("solve", [ox.solve_sylvester, ox.solve_axb])


# --- the definition ------------------------------------------------------------------------------


def test_literals():
    # [1 2; 0 3] [1; 2] + [1; 2] 4 = [9; 14]
    assert ox.solve_sylvester([[1, 2], [0, 3]], [[4]], [[9], [14]]).tolist() == [[1], [2]]
    # [2 0; 0 4] [1 1; 1 2] [1 1; 0 1] = [2 4; 4 12]
    assert ox.solve_axb([[2, 0], [0, 4]], [[1, 1], [0, 1]], [[2, 4], [4, 12]]).tolist() == [
        [1, 1],
        [1, 2],
    ]


@SOLVERS
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("m", "n"), list(itertools.product([1, 2, 3, 4, 5, 9], [1, 2, 4, 7, 16, 17]))
)
def test_equals_lu_of_the_kronecker_matrix(rng, solve, residual, matrix, dtype, m, n):
    a, b, q = normal(rng, (m, m), dtype), normal(rng, (n, n), dtype), normal(rng, (m, n), dtype)
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        x, info = solve(a, b, q, return_info=True)
    wide = [t.astype(np.complex128) for t in (a, b, q)]
    exact = oracle.solve_vec(matrix(*wide[:2]), wide[2])
    assert x.dtype == dtype
    assert residual(a, b, x, q) <= 10 * (m + n) * eps(x)
    assert norm(x - exact) <= 10 * (m + n) * eps(x) / info.rcond * norm(exact)
    assert info.residual == pytest.approx(residual(a, b, x, q), rel=0.5, abs=eps(x))
    assert info.scale == 1


@SOLVERS
@pytest.mark.parametrize(("m", "n"), [(2, 3), (4, 4), (5, 4)])
def test_forward_error_against_many_digits(rng, solve, residual, matrix, m, n):
    a, b, q = normal(rng, (m, m)), normal(rng, (n, n)), normal(rng, (m, n))
    x, info = solve(a, b, q, return_info=True)
    exact = oracle.solve_vec_exactly(matrix(a, b), q)
    assert norm(x - exact) <= 10 * eps(x) / info.rcond * norm(exact)


BLOCK_EDGES = [15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 127, 128, 129, 239, 241]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", BLOCK_EDGES)
def test_sizes_around_block_edges(rng, n, dtype):
    for m, k in ((n, n), (n, 3), (3, n), (n, 33)):
        a, b, q = normal(rng, (m, m), dtype), normal(rng, (k, k), dtype), normal(rng, (m, k), dtype)
        for solve, residual in (
            (ox.solve_sylvester, sylvester_residual),
            (ox.solve_axb, axb_residual),
        ):
            with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
                x, info = solve(a, b, q, return_info=True)
            assert residual(a, b, x, q) <= (m + k) * eps(x)
            assert info.residual <= (m + k) * eps(x)


@solve_both
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 1)])
def test_empty_and_scalar(solve, shape):
    m, n = shape
    x = solve(np.eye(m), np.eye(n), np.ones(shape))
    assert x.shape == shape
    assert (x == (0.5 if solve is ox.solve_sylvester else 1)).all()


# --- every mix of dtypes -------------------------------------------------------------------------


@SOLVERS
@pytest.mark.parametrize("kinds", list(itertools.product([REAL, COMPLEX], repeat=3)))
@pytest.mark.parametrize(("m", "n"), [(2, 2), (4, 3), (9, 7), (20, 33)])
def test_all_real_complex_mixes(rng, solve, residual, matrix, kinds, m, n):
    """SciPy 1.17 has relative residuals of 0.1 in three of the eight."""
    a, b, q = (normal(rng, s, k) for s, k in zip(((m, m), (n, n), (m, n)), kinds, strict=True))
    x = solve(a, b, q)
    assert x.dtype == np.result_type(*kinds)
    assert residual(a, b, x, q) <= (m + n) * eps(x)


@solve_both
@pytest.mark.parametrize(
    "dtypes", list(itertools.product(["f", "d", "F", "D", "e", "i", "?"], repeat=3))
)
def test_result_dtypes(solve, dtypes):
    a, b, q = (np.eye(2).astype(dtype) for dtype in dtypes)
    inexact = [{"e": "f", "i": "d", "?": "d"}.get(dtype, dtype) for dtype in dtypes]
    x = solve(a, b, q)
    assert x.dtype == np.result_type(*inexact)
    assert np.array_equal(x, np.eye(2) / (2 if solve is ox.solve_sylvester else 1))


@solve_both
def test_accepts_what_scipy_accepts(solve):
    a, b, q = [[1, 2], [3, 5]], [[2, 0], [1, 4]], [[1, 0], [0, 1]]
    expected = solve(np.array(a, float), np.array(b, float), np.array(q, float))
    for kind in (list, tuple, lambda t: np.array(t).view(np.matrix), np.array):
        x = solve(*(kind(t) for t in (a, b, q)))
        assert type(x) is np.ndarray
        assert np.array_equal(x, expected)


def test_agrees_with_scipy_where_scipy_is_right(rng):
    linalg = pytest.importorskip("scipy.linalg")
    a, b, q = normal(rng, (12, 12)), normal(rng, (9, 9)), normal(rng, (12, 9))
    assert np.allclose(ox.solve_sylvester(a, b, q), linalg.solve_sylvester(a, b, q), rtol=1e-9)


# --- layouts -------------------------------------------------------------------------------------


@solve_both
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n", [3, 12])
def test_layout_does_not_matter(rng, solve, dtype, layout, n):
    arrays = [benign(rng, n, dtype) for _ in range(3)]
    expected = solve(*arrays)
    assert expected.flags.c_contiguous
    for which in range(3):
        changed = list(arrays)
        changed[which] = LAYOUTS[layout](arrays[which])
        before = changed[which].copy()
        assert np.array_equal(solve(*changed), expected)
        assert np.array_equal(changed[which], before)


@solve_both
def test_zero_strides(solve):
    q = np.broadcast_to(3.0, (5, 5))
    assert np.array_equal(
        solve(2 * np.eye(5), np.eye(5), q), solve(2 * np.eye(5), np.eye(5), q.copy())
    )


# --- batches -------------------------------------------------------------------------------------


@solve_both
@pytest.mark.parametrize(("m", "n"), [(2, 2), (3, 6), (20, 10)])
def test_batches_broadcast(rng, solve, m, n):
    a, b, q = normal(rng, (4, 1, m, m)), normal(rng, (3, n, n)), normal(rng, (m, n), COMPLEX)
    x, info = solve(a, b, q, return_info=True, on_singular="warn")
    assert x.shape == (4, 3, m, n)
    assert info.rcond.shape == info.residual.shape == (4, 3)
    for i, j in np.ndindex(4, 3):
        single, single_info = solve(a[i, 0], b[j], q, return_info=True, on_singular="warn")
        assert norm(x[i, j] - single) <= 10 * (m + n) * eps(x) / single_info.rcond * norm(single)
        assert single_info.rcond / 10 <= info.rcond[i, j] <= 10 * single_info.rcond


@solve_both
def test_empty_batch(solve):
    x, info = solve(np.ones((0, 2, 2)), np.eye(2), np.eye(2), return_info=True)
    assert x.shape == (0, 2, 2)
    assert info.rcond.shape == (0,)
    assert solve(np.ones((0, 2, 2)), np.eye(2, dtype=int), np.eye(2)).shape == (0, 2, 2)


def test_failure_in_a_batch_names_the_item():
    a = np.broadcast_to(np.eye(3), (2, 4, 3, 3)).copy()
    a[1, 2] = -np.eye(3)
    with pytest.raises(LinAlgError, match=r"solve_sylvester: item \(1, 2\): the equation is sing"):
        ox.solve_sylvester(a, np.eye(3), np.eye(3))
    a[1, 2, 0] = 0
    with pytest.raises(LinAlgError, match=r"solve_axb: item 2: .* a or b is singular"):
        ox.solve_axb(a[1], np.eye(3), np.eye(3))


# --- singular and nearly singular ----------------------------------------------------------------

ROTATION = np.array([[0.0, 1.0], [-1.0, 0.0]])  # eigenvalues ±i


def jordan(k, value=1.0):
    return value * np.eye(k) + np.eye(k, k=1)


def similar(a, seed=3):
    p = np.random.default_rng(seed).standard_normal(a.shape)
    return np.linalg.solve(p, a @ p)


SINGULAR = {
    "scalar": ([[1.0]], [[-1.0]]),
    **{f"I, -I {n}": (np.eye(n), -np.eye(n)) for n in (2, 3, 5, 40)},
    "zero": (np.zeros((3, 3)), np.zeros((2, 2))),
    "zero 6": (np.zeros((6, 6)), np.zeros((6, 6))),
    "shared real": (np.diag([1.0, 2, 3]), np.diag([5.0, -2])),
    "shared real 9": (similar(np.diag(np.arange(1.0, 10))), similar(np.diag([-3.0, 20, 30, 40]))),
    "shared ±i": (ROTATION, ROTATION),
    "shared ±i 8": (
        similar(block_diagonal(ROTATION, np.diag([1.0, 2, 3, 4, 5, 6]))),
        similar(block_diagonal(ROTATION, [[7.0]])),
    ),
    **{f"Jordan {k}": (jordan(k), -jordan(k)) for k in (2, 3, 4, 6, 8, 10, 20)},
    "Jordan similar": (similar(jordan(3)), -similar(jordan(3), 5)),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_singular_equations_raise(name):
    a, b = (np.asarray(t, float) for t in SINGULAR[name])
    q = np.ones((len(a), len(b)))
    if name != "Jordan similar":  # rounding of the similarity splits the eigenvalue
        with pytest.raises(LinAlgError, match=r"singular to working precision \(rcond = "):
            ox.solve_sylvester(a, b, q)
        with pytest.raises(LinAlgError, match="sylvester_factor: the equation is sing") as error:
            ox.sylvester_factor(a, b)
        assert "lstsq" not in str(error.value)
    with pytest.warns(ox.IllConditionedWarning, match="singular|ill-cond"):
        ox.sylvester_factor(a, b, on_singular="warn")


def test_exactly_zero_pivots_give_rcond_zero():
    with pytest.warns(ox.IllConditionedWarning, match=r"rcond = 0\.0e\+00"):
        factor = ox.sylvester_factor(np.eye(40), -np.eye(40), on_singular="warn")
    assert factor.rcond() == 0
    for n in (2, 20):
        a, c = np.diag([1.0] * (n - 1) + [0.0]), np.ones((n, n))
        with pytest.warns(ox.IllConditionedWarning, match=r"rcond = 0\.0e\+00"):
            x, info = ox.solve_axb(a, np.eye(n), c, on_singular="warn", return_info=True)
        assert info.rcond == 0
        assert np.array_equal(x[:-1], c[:-1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_singular_in_every_dtype(dtype, n):
    one = np.eye(n, dtype=dtype)
    with pytest.raises(LinAlgError, match="solve_sylvester"):
        ox.solve_sylvester(one, -one, one)
    with pytest.raises(LinAlgError, match="solve_axb"):
        ox.solve_axb(one, 0 * one, one)


@pytest.mark.parametrize("n", [1, 3, 9, 40])
def test_singular_axb(rng, n):
    a = normal(rng, (n, n))
    a[-1] = a[0] * 2 if n > 1 else 0
    for pair in ((a, np.eye(n)), (np.eye(n), a)):
        with pytest.raises(LinAlgError, match="a or b is singular"):
            ox.solve_axb(*pair, np.ones((n, n)))


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("pair", [False, True], ids=["real", "complex pair"])
@pytest.mark.parametrize("k", range(4, 60, 4))
def test_nearly_singular_sweep(k, pair, small):
    """mu = -lambda (1 + 2^-k): silence, then a warning, then an error, as rcond says."""
    a = (
        block_diagonal(ROTATION, [[3.0]] if small else np.diag([3.0, 4, 5, 6]))
        if pair
        else (np.diag([1.0, 3] if small else [1.0, 3, 4, 5, 6]))
    )
    b = (ROTATION if pair else np.diag([-1.0, 7, 8, 9])) * (1 + 2.0**-k)
    rcond = oracle.reciprocal_condition(oracle.sylvester_matrix(a, b))
    q = np.ones((len(a), len(b)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            x, info = ox.solve_sylvester(a, b, q, return_info=True)
        except LinAlgError:
            assert rcond < 10 * np.finfo(float).eps
            return
    assert rcond / 10 <= info.rcond <= 10 * rcond
    assert bool(caught) == (info.rcond < 1000 * np.finfo(float).eps)
    assert info.rcond >= np.finfo(float).eps
    assert sylvester_residual(a, b, x, q) < 10 * eps(x)


def test_rcond_policy(rng):
    """A X = C with A = diag(1, rcond): the three answers to three conditions, and both actions."""
    one = np.eye(1)
    for dtype in (np.float32, np.float64):
        unit = np.finfo(dtype).eps

        def solve(rcond, dtype=dtype, **options):
            a, q = np.diag([1, rcond]).astype(dtype), np.ones((2, 1), dtype)
            return ox.solve_axb(a, one.astype(dtype), q, **options)

        solve(unit * 2000)
        with pytest.warns(ox.IllConditionedWarning, match=r"ill-conditioned \(rcond = "):
            solve(unit * 500)
        with pytest.raises(LinAlgError, match=r'on_singular="warn" returns what was computed'):
            solve(unit / 3)
        with pytest.warns(ox.IllConditionedWarning, match="singular to working precision"):
            x = solve(unit / 3, on_singular="warn")
        assert np.allclose(x, [[1], [3 / unit]])


# --- the condition estimate ----------------------------------------------------------------------


FAMILIES = {
    "random": noise,
    "nonnormal": lambda n: 3 * np.triu(noise(n), 1) + np.diag(np.linspace(0.1, 2, n)),
    "symmetric": lambda n: noise(n) + noise(n).T,
    "positive": lambda n: noise(n) @ noise(n).T,
    "diagonal": lambda n: np.diag(noise(n)[0]),
    "graded": lambda n: np.diag(10.0 ** -np.arange(n)) @ noise(n),
    "jordan": lambda n: jordan(n, 0.7),
    "grcar": grcar,
    "kahan": kahan,
    "frank": frank,
    "complex": lambda n: noise(n) + 1j * noise(n + 1)[1:, 1:],
}


@SOLVERS
@pytest.mark.parametrize("left", FAMILIES)
@pytest.mark.parametrize("right", FAMILIES)
def test_rcond_within_ten(solve, residual, matrix, left, right):
    for m, n in ((3, 4), (4, 4), (5, 6), (9, 5), (2, 17), (13, 12)):
        a, b = FAMILIES[left](m), FAMILIES[right](n)
        rcond = oracle.reciprocal_condition(matrix(a, b))
        with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
            x, info = solve(a, b, np.ones((m, n)), return_info=True, on_singular="warn")
        if rcond > 1e-14:
            assert rcond / 10 <= info.rcond <= 10 * rcond, (m, n)
            assert residual(a, b, x, np.ones((m, n))) <= 10 * (m + n) * eps(x)
        else:
            assert info.rcond < 1e-13, (m, n)


def test_rcond_is_that_of_the_terms_when_they_cancel():
    """(a + b) = 1e-9 as a scalar equation is perfectly conditioned, as a rounding error is not."""
    assert ox.solve_sylvester([[1.0]], [[-1 + 2.0**-30]], [[1.0]], return_info=True)[1].rcond == 1
    with pytest.raises(LinAlgError):
        ox.solve_sylvester([[1.0]], [[-1 + 2.0**-53]], [[1.0]])


# --- refinement ----------------------------------------------------------------------------------


def wilkinson(n):
    """Pivots grow like 2ⁿ in LU with partial pivoting, though σ_min/σ_max is about 2/n."""
    w = np.eye(n) - np.tril(np.ones((n, n)), -1)
    w[:, -1] = 1
    return w


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("n", [16, 40, 120])
def test_pivot_growth_is_refined_or_avoided(rng, n, columns):
    """NumPy's solve loses all digits for n = 120."""
    w, one, q = wilkinson(n), np.eye(columns), normal(rng, (n, columns))
    refinements = []
    for a, b, c in ((w, one, q), (w.T, one, q), (one, w, q.T), (one, w.T, q.T)):
        x, info = ox.solve_axb(a, b, c, return_info=True)
        refinements.append(info.refinements)
        assert axb_residual(a, b, x, c) <= 2 * eps(x)
        assert info.rcond > 0.01
    assert n == 120 or max(refinements) == 1


def test_large_residuals_are_not_silent(monkeypatch):
    """The last guard, for causes yet unknown: a core that reports a residual of 1e-3."""

    class Core:
        def solve(self, *_):
            return np.eye(2), False, "lu", 1e-3, 1.0, 1.0, 0

    monkeypatch.setitem(vars(ox._equations.AXB), "core", Core())
    with pytest.warns(ox.IllConditionedWarning, match=r"residual 1\.0e-03 is far above rounding"):
        ox.solve_axb(np.eye(2), np.eye(2), np.eye(2))


def test_warnings_point_at_the_caller():
    for call in (
        lambda: ox.solve_sylvester([[1.0]], [[-1.0]], [[1.0]], on_singular="warn"),
        lambda: ox.sylvester_factor([[1.0]], [[-1.0]], on_singular="warn"),
    ):
        with pytest.warns(ox.IllConditionedWarning) as caught:
            call()
        assert caught[0].filename == __file__


# --- overflow, underflow, scaling ----------------------------------------------------------------


def test_scipy_overflow_case():
    """SciPy 1.17 multiplies by LAPACK's scale where it must divide: 1e285."""
    x = ox.solve_sylvester([[1e-290]], [[0.0]], [[1e5]])
    assert x[0, 0] == pytest.approx(1e295, rel=1e-15)


@SOLVERS
@pytest.mark.parametrize("n", [2, 6, 20])
@pytest.mark.parametrize("a_power", [-500, -30, 0, 30, 500])
@pytest.mark.parametrize("q_power", [-500, 0, 500])
def test_powers_of_two_change_only_exponents(rng, solve, residual, matrix, n, a_power, q_power):
    a, b, q = normal(rng, (n, n)), normal(rng, (n, n)), normal(rng, (n, n))
    b_power = a_power if solve is ox.solve_sylvester else -a_power // 2
    x, info = solve(a, b, q, return_info=True)
    a2, b2, q2 = np.ldexp(a, a_power), np.ldexp(b, b_power), np.ldexp(q, q_power)
    y, scaled_info = solve(a2, b2, q2, return_info=True)
    power = q_power - a_power if solve is ox.solve_sylvester else q_power - a_power - b_power
    assert np.array_equal(y, np.ldexp(x, power))
    assert scaled_info == info


@pytest.mark.parametrize(("a_size", "q_size"), [(1e150, 1e-150), (1e-150, 1e150), (1e300, 1e300)])
def test_extreme_sizes(rng, a_size, q_size):
    a, b, q = normal(rng, (7, 7)), normal(rng, (6, 6)), normal(rng, (7, 6))
    x, y = ox.solve_sylvester(a, b, q), ox.solve_sylvester(a * a_size, b * a_size, q * q_size)
    assert np.allclose(y / q_size * a_size, x, rtol=1e-10)


def test_subnormal_input():
    tiny = np.float64(2.0**-1073)
    assert ox.solve_sylvester([[tiny]], [[tiny]], [[tiny]]).tolist() == [[0.5]]
    x = ox.solve_sylvester(np.eye(5) * tiny, np.eye(5) * tiny, np.eye(5) * tiny)
    assert np.array_equal(x, np.eye(5) / 2)


def test_norms_far_apart(rng):
    a, b, q = normal(rng, (5, 5)), normal(rng, (6, 6)), normal(rng, (5, 6))
    x = ox.solve_sylvester(a, 1e-300 * b, q)
    assert np.allclose(x, np.linalg.solve(a, q), rtol=1e-10)


@pytest.mark.parametrize("n", [2, 4, 8])
@solve_both
def test_solution_overflows(solve, n):
    a, q = np.eye(n) * 1e-200, np.ones((n, n)) * 1e300
    b = a if solve is ox.solve_sylvester else np.eye(n)
    with pytest.raises(LinAlgError, match=r"the solution overflows float64; with return_info=True"):
        solve(a, b, q)
    x, info = solve(a, b, q, return_info=True)
    assert 0 < info.scale < 1
    assert np.isfinite(x).all()
    size = 2e-200 if solve is ox.solve_sylvester else 1e-200
    assert np.allclose(size * x, q * info.scale, rtol=1e-14)


def test_factor_solution_overflows():
    factor = ox.sylvester_factor([[1e-200]], [[1e-200]])
    with pytest.raises(LinAlgError, match=r"EquationFactor.solve: the solution overflows"):
        factor.solve([[1e300]])
    x, info = factor.solve([[1e300 + 1e300j]], return_info=True)
    assert x[0, 0] * 2e-200 == pytest.approx((1e300 + 1e300j) * info.scale)


def growth_case(n):
    """ε I + strictly upper ones: A⁻¹ e has entries up to ε⁻ⁿ."""
    return 1e-6 * np.eye(n) + np.triu(np.ones((n, n)), 1)


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("columns", [1, 2])
def test_growth(columns, transpose):
    """SciPy 1.17 returns all zeros, silently, for the largest."""
    zero, warn = np.zeros((columns, columns)), {"on_singular": "warn", "return_info": True}
    for n, size in ((20, 1e120), (51, 1e306)):
        a, q = growth_case(n), np.ones((n, columns))
        with pytest.raises(LinAlgError, match="singular"):
            ox.solve_sylvester(a, zero, q)
        equation = (zero, a.T.copy(), q.T.copy()) if transpose else (a, zero, q)
        with pytest.warns(ox.IllConditionedWarning):
            x, info = ox.solve_sylvester(*equation, **warn)
        assert np.abs(x).max() == pytest.approx(size, rel=1e-3)
        assert info.scale == 1
    with (
        pytest.warns(ox.IllConditionedWarning),
        pytest.raises(LinAlgError, match="overflows float64, however it is scaled"),
    ):
        ox.solve_sylvester(growth_case(120), zero, np.ones((120, columns)), **warn)


# --- Schur forms and their 2x2 bumps --------------------------------------------------------------


def bump(a=1.0, b=2.0, c=-3.0):
    return np.array([[a, b], [c, a]])


@pytest.mark.parametrize("ratio", [1e16, 1.0, 1e-16])
@pytest.mark.parametrize("n", [2, 4, 6, 18, 34])
def test_bumps(rng, n, ratio):
    """Quasi-triangular input is not decomposed again; every 2x2 block may straddle a block edge."""
    blocks = [bump(1 + k, np.sqrt(ratio), -1 / np.sqrt(ratio)) for k in range(n // 2)]
    upper = block_diagonal(*blocks)
    shifted = block_diagonal([[0.5]], *blocks, [[0.25]])
    for a, b in itertools.product((upper, upper.T, shifted, shifted.T), repeat=2):
        q = normal(rng, (len(a), len(b)))
        with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
            x = ox.solve_sylvester(a, b, q, on_singular="warn")
        assert sylvester_residual(a, b, x, q) <= 10 * eps(x)


@pytest.mark.parametrize("n", [5, 16, 17, 33, 50])
def test_triangular_input(rng, n):
    t = np.triu(normal(rng, (n, n)), 1) / n + np.diag(np.linspace(1, 2, n))
    for a, b in itertools.product((t, t.T), repeat=2):
        for dtype in (REAL, COMPLEX):
            q = normal(rng, (n, n), dtype)
            x = ox.solve_sylvester(a.astype(dtype), b.astype(dtype), q)
            assert sylvester_residual(a, b, x, q) <= 10 * eps(x)


@pytest.mark.parametrize(
    "block",
    [bump(1, 2, 3), np.array([[1.0, 2], [-3, 4]]), bump(1, 2, -1e-300), bump(1, 0, 1)],
    ids=["real eigenvalues", "unequal diagonal", "almost real", "lower"],
)
def test_nonstandard_bumps(rng, block):
    a = block_diagonal(block, [[7.0]], block + 10 * np.eye(2)) + np.triu(np.ones((5, 5)), 2)
    q = normal(rng, (5, 5))
    for left, right in ((a, a), (a.T, a), (a, a.T)):
        x, info = ox.solve_sylvester(left, right, q, return_info=True, on_singular="warn")
        assert sylvester_residual(left, right, x, q) <= 10 * eps(x)
        rcond = oracle.reciprocal_condition(oracle.sylvester_matrix(left, right))
        assert rcond / 10 <= info.rcond <= 10 * rcond


def test_hessenberg_is_not_taken_for_a_schur_form(rng):
    a, q = np.triu(normal(rng, (8, 8)), -1), normal(rng, (8, 8))
    a[np.arange(7), np.arange(7)] = a[7, 7] = 1
    x = ox.solve_sylvester(a, a, q)
    assert sylvester_residual(a, a, x, q) <= 20 * eps(x)


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(1, 40),
    n=st.integers(1, 40),
    kinds=st.tuples(*[st.sampled_from(DTYPES)] * 3),
    seed=st.integers(0, 2**32),
    a_power=st.integers(-20, 20),
    q_power=st.integers(-20, 20),
)
def test_any_equation(m, n, kinds, seed, a_power, q_power):
    rng = np.random.default_rng(seed)
    a, b = normal(rng, (m, m), kinds[0]) * 2.0**a_power, normal(rng, (n, n), kinds[1])
    q = normal(rng, (m, n), kinds[2]) * 2.0**q_power
    a, b, q = (t.astype(kind) for t, kind in zip((a, b, q), kinds, strict=True))
    for solve, residual in ((ox.solve_sylvester, sylvester_residual), (ox.solve_axb, axb_residual)):
        with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
            x, info = solve(a, b, q, return_info=True, on_singular="warn")
        assert x.dtype == np.result_type(*kinds)
        assert residual(a, b, x, q) <= 2 * (m + n) * eps(x)
        assert info.scale == 1


# --- the factor ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rhs_dtype", DTYPES)
@pytest.mark.parametrize(("m", "n"), [(1, 1), (2, 3), (7, 20), (40, 33)])
def test_factor_solves_the_equation_and_its_adjoints(rng, dtype, rhs_dtype, m, n):
    a, b, q = normal(rng, (m, m), dtype), normal(rng, (n, n), dtype), normal(rng, (m, n), rhs_dtype)
    factor = ox.sylvester_factor(a, b)
    for trans, left, right in (("N", a, b), ("T", a.T, b.T), ("H", a.conj().T, b.conj().T)):
        x, info = factor.solve(q, trans, return_info=True)
        assert x.dtype == np.result_type(dtype, rhs_dtype)
        assert sylvester_residual(left, right, x, q) <= (m + n) * eps(x)
        assert info.residual <= (m + n) * eps(x)
    batch = np.stack([q, 2 * q, 0 * q])
    assert np.array_equal(factor.solve(batch)[1], factor.solve(2 * q))
    assert np.array_equal(factor.solve(np.asfortranarray(q)), factor.solve(q))


def test_factor_keeps_its_own_copies_and_pickles(rng):
    a, b, q = normal(rng, (3, 3)), normal(rng, (2, 2)), normal(rng, (3, 2))
    factor = ox.sylvester_factor(a, b)
    expected = factor.solve(q.astype(np.complex64))
    a[:] = b[:] = 0
    assert np.array_equal(factor.solve(q.astype(np.complex64)), expected)
    assert np.array_equal(pickle.loads(pickle.dumps(factor)).solve(q.astype("F")), expected)
    assert factor.shape == (3, 2)
    assert factor.dtype == np.float64
    assert re.fullmatch(
        r"<EquationFactor of sylvester, shape \(3, 2\), float64, rcond \S+>", repr(factor)
    )


def test_factor_rcond_matches_the_solver(rng):
    a, b = normal(rng, (9, 9)), normal(rng, (8, 8))
    info = ox.solve_sylvester(a, b, np.ones((9, 8)), return_info=True)[1]
    assert ox.sylvester_factor(a, b).rcond() == info.rcond
    assert info.method == "hessenberg-schur"


# --- errors --------------------------------------------------------------------------------------

I2, I4 = np.eye(2), np.eye(4)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: ox.solve_sylvester(I2, I4, np.ones((2, 3))),
            ValueError,
            "solve_sylvester: q has shape (2, 3), but a is (2, 2) and b is (4, 4), so q must be "
            "(2, 4)",
        ),
        (
            lambda: ox.solve_axb(I2, I4, np.ones(2)),
            ValueError,
            "solve_axb: c has shape (2,), but a is (2, 2) and b is (4, 4), so c must be (2, 4)",
        ),
        (
            lambda: ox.solve_sylvester(np.ones((2, 3)), I4, I4),
            ValueError,
            "solve_sylvester: a has shape (2, 3), but must be square: (n, n)",
        ),
        (
            lambda: ox.solve_axb(I2, 3.0, I2),
            ValueError,
            "solve_axb: b has shape (), but must be square: (n, n)",
        ),
        (
            lambda: ox.solve_axb(np.ones((3, 2, 2)), np.ones((2, 2, 2)), I2),
            ValueError,
            "solve_axb: the leading axes of a (3, 2, 2), b (2, 2, 2) and c (2, 2) do not broadcast",
        ),
        (
            lambda: ox.solve_axb(I2, I2, I2, on_singular="ignore"),
            ValueError,
            'solve_axb: on_singular is \'ignore\', but must be "raise", "warn" or "lstsq"',
        ),
        (
            lambda: ox.sylvester_factor(I2, I2, on_singular=None),
            ValueError,
            'sylvester_factor: on_singular is None, but must be "raise", "warn" or "lstsq"',
        ),
        (
            lambda: ox.sylvester_factor(np.ones((3, 2, 2)), I2),
            ValueError,
            "sylvester_factor: a has shape (3, 2, 2), but must be one matrix: (n, n)",
        ),
        (
            lambda: ox.sylvester_factor(I2, I4).solve(I2),
            ValueError,
            "EquationFactor.solve: rhs has shape (2, 2), but a is (2, 2) and b is (4, 4), so rhs "
            "must be (2, 4)",
        ),
        (
            lambda: ox.sylvester_factor(I2, I2).solve(I2, "C"),
            ValueError,
            'trans is \'C\', but must be "N", "T" or "H"',
        ),
        (
            lambda: ox.solve_sylvester(I2, I2, np.full((2, 2), np.inf)),
            ValueError,
            "q contains NaN or Inf",
        ),
    ],
)
def test_error_texts(call, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        call()


@solve_both
@pytest.mark.parametrize("dtype", ["g", "G", "O", "U3"])
def test_unsupported_dtypes(solve, dtype):
    with pytest.raises(TypeError, match=r"^b has dtype "):
        solve(I2, I2.astype(dtype), I2)


@solve_both
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n", [2, 6])
@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("dtype", [REAL, COMPLEX, np.float32, int])
def test_nan_and_inf(solve, value, n, which, dtype):
    arrays = [np.eye(n) + np.eye(n, k=1), np.eye(n), np.eye(n)]
    arrays = [t.astype(dtype) for t in arrays]
    arrays[which] = arrays[which].astype(np.result_type(dtype, np.float32))
    arrays[which][-1, 0] = value
    argument = ["a", "b", "q" if solve is ox.solve_sylvester else "c"][which]
    with pytest.raises(ValueError, match=rf"^{argument} contains NaN or Inf$"):
        solve(*arrays)
    assert np.isnan(solve(*arrays, check_finite=False)).all()
    with pytest.raises(ValueError, match=f"^{argument} contains"):
        solve(*(np.stack([t, t]) for t in arrays))


def test_factor_refuses_nan():
    bad = np.array([[np.nan]])
    with pytest.raises(ValueError, match=r"^b contains NaN or Inf$"):
        ox.sylvester_factor(I2, bad)
    with pytest.raises(ValueError, match=r"^rhs contains NaN or Inf$"):
        ox.sylvester_factor([[1.0]], [[1.0]]).solve(bad)
    assert np.isnan(ox.sylvester_factor(I2, bad, check_finite=False).solve([[1], [2]])).all()


# --- threads -------------------------------------------------------------------------------------


def test_equal_inputs_give_equal_results(rng):
    a, b, q = normal(rng, (90, 90)), normal(rng, (70, 70)), normal(rng, (90, 70))
    expected = ox.solve_sylvester(a, b, q)
    for _ in range(5):
        assert np.array_equal(ox.solve_sylvester(a.copy(), b.copy(), q.copy()), expected)


def test_calls_from_many_threads(rng):
    problems = [
        tuple(normal(rng, (n, n), dtype) for _ in range(3))
        for n in (2, 4, 9, 40, 80)
        for dtype in (REAL, COMPLEX)
    ]
    solvers = (ox.solve_sylvester, ox.solve_axb)
    expected = [[solve(*p) for solve in solvers] for p in problems]
    failures = []

    def work():
        for _ in range(4):
            for problem, answers in zip(problems, expected, strict=True):
                for solve, answer in zip(solvers, answers, strict=True):
                    if not np.allclose(solve(*problem), answer, rtol=1e-6):
                        failures.append(problem)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
