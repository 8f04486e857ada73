"""A R - L B = C, D R - L E = F against its definition, and against what breaks it."""

import itertools
import re
import warnings

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import oracle
import otimes as ox
from otimes._pencil_equations import COUPLED_SYLVESTER
from samples import DTYPES, eps, normal

REAL, COMPLEX = np.float64, np.complex128


@pytest.fixture
def rng():
    return np.random.default_rng(43)


def problem(rng, m, n, dtype=REAL):
    """a, b, c, d, e, f"""
    return [normal(rng, s, dtype) for s in ((m, m), (n, n), (m, n)) * 2]


def residual(a, b, c, d, e, f, r, l):
    a, b, c, d, e, f, r, l = (np.asarray(t, np.complex128) for t in (a, b, c, d, e, f, r, l))
    top, bottom = a @ r - l @ b - c, d @ r - l @ e - f
    size = sum(map(norm, (a, b, d, e))) * np.hypot(norm(r), norm(l)) + np.hypot(norm(c), norm(f))
    return float(np.hypot(norm(top), norm(bottom)) / size) if size else 0.0


def solve(*arrays):
    """(R, L), info, whatever the condition."""
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        return ox.solve_coupled_sylvester(*arrays, return_info=True, on_singular="warn")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("m", "n"), [(1, 1), (1, 8), (2, 4), (3, 3), (5, 2), (9, 7), (17, 3), (6, 18)]
)
def test_equals_lu_of_the_whole_matrix(rng, dtype, m, n):
    given = problem(rng, m, n, dtype)
    (r, l), info = solve(*given)
    a, b, c, d, e, f = (t.astype(COMPLEX) for t in given)
    matrix = oracle.coupled_sylvester_matrix(a, b, d, e)
    rhs = np.r_[c.ravel(order="F"), f.ravel(order="F")]
    exact = np.linalg.solve(matrix, rhs)
    rcond = oracle.reciprocal_condition(matrix)
    x = np.r_[r.ravel(order="F"), l.ravel(order="F")]
    assert r.dtype == l.dtype == dtype
    assert residual(*given, r, l) <= (m + n) * eps(r)
    assert norm(x - exact) <= 10 * (m + n) * eps(r) / rcond * norm(exact)
    assert rcond / 10 <= info.rcond <= 10 * rcond
    assert info.residual <= (m + n) * eps(r)
    assert info.method == ("kronecker-lu" if 2 * m * n <= 36 else "generalized-schur")


def test_agrees_with_lapack(rng):
    """tgsyl on triangular matrices."""
    lapack = pytest.importorskip("scipy.linalg.lapack")
    a, b, c, d, e, f = problem(rng, 12, 9)
    a, b, d, e = (np.triu(t) + 9 * np.eye(len(t)) for t in (a, b, d, -e))
    r, l, scale = lapack.dtgsyl(a, b, c, d, e, f)[:3]
    (ours, other), _ = solve(a, b, c, d, e, f)
    np.testing.assert_allclose(ours * scale, r, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(other * scale, l, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [15, 16, 17, 31, 33, 48, 65])
def test_sizes_around_block_edges(rng, n, dtype):
    for m, k in ((n, n), (n, 3), (3, n), (n, 33)):
        given = problem(rng, m, k, dtype)
        (r, l), info = solve(*given)
        assert residual(*given, r, l) <= (m + k) * eps(r)
        assert info.residual <= (m + k) * eps(r)


@pytest.mark.parametrize("kinds", list(itertools.product([REAL, COMPLEX], repeat=6)))
def test_all_real_complex_mixes(rng, kinds):
    for m, n in ((2, 2), (6, 5)):
        shapes = ((m, m), (n, n), (m, n)) * 2
        given = [normal(rng, s, k) for s, k in zip(shapes, kinds, strict=True)]
        (r, l), _ = solve(*given)
        assert r.dtype == l.dtype == np.result_type(*kinds)
        assert residual(*given, r, l) <= (m + n) * eps(r)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_empty(shape):
    m, n = shape
    left, right, c = np.eye(m), np.eye(n), np.ones(shape)
    r, l = ox.solve_coupled_sylvester(left, right, c, left, right, c)
    assert r.shape == l.shape == shape


@pytest.mark.parametrize(("m", "n"), [(2, 2), (6, 5)])
def test_batches(rng, m, n):
    given = problem(rng, m, n)
    given[0] = normal(rng, (3, 1, m, m))
    given[2] = normal(rng, (2, m, n))
    (r, l), info = solve(*given)
    assert r.shape == l.shape == (3, 2, m, n)
    for i, j in np.ndindex(3, 2):
        (one, other), single = solve(given[0][i, 0], given[1], given[2][j], *given[3:])
        assert norm(r[i, j] - one) <= 100 * eps(r) * norm(one)
        assert norm(l[i, j] - other) <= 100 * eps(l) * norm(other)
        assert info.rcond[i, j] == pytest.approx(single.rcond, rel=1e-8)


@pytest.mark.parametrize("n", [2, 3, 9])
def test_singular_coefficients_are_solvable_and_common_eigenvalues_are_not(rng, n):
    m = n + 1
    u, v, s, t = (normal(rng, (k, k)) for k in (m, m, n, n))
    d, e = np.eye(m), np.eye(n)
    d[0, 0] = 0  # an infinite eigenvalue
    a, b = u @ np.diag(np.arange(1.0, m + 1)) @ v, s @ np.diag(np.arange(1.0, n + 1) + 0.5) @ t
    c, f = normal(rng, (m, n)), normal(rng, (m, n))
    given = [a, b, c, u @ d @ v, s @ e @ t, f]
    (r, l), info = solve(*given)
    matrix = oracle.coupled_sylvester_matrix(a, b, given[3], given[4])
    rcond = oracle.reciprocal_condition(matrix)
    assert residual(*given, r, l) <= (m + n) * eps(r)
    assert rcond / 10 <= info.rcond <= 10 * rcond
    e[0, 0] = 0  # now both have one
    text = "solve_coupled_sylvester: the equation is singular to working precision"
    with pytest.raises(LinAlgError, match=text):
        ox.solve_coupled_sylvester(a, b, c, given[3], s @ e @ t, f)
    with pytest.raises(LinAlgError, match=text):
        ox.solve_coupled_sylvester(a, a, a, a.T, a.T, a)
    broken = a.copy(), given[3].copy()
    for matrix in broken:
        matrix[:, 0] = 0
    with pytest.raises(LinAlgError, match=text):
        ox.solve_coupled_sylvester(broken[0], b, c, broken[1], given[4], f)


@pytest.mark.parametrize("power", [-600, -40, 40, 600])
def test_powers_of_two_change_only_exponents(rng, power):
    for m, n in ((2, 2), (7, 6)):
        a, b, c, d, e, f = problem(rng, m, n)
        (r, l), info = solve(a, b, c, d, e, f)
        s = 2.0**power
        (scaled, other), scaled_info = solve(a * s, b * s, c, d * s, e * s, f)
        assert np.array_equal(scaled * s, r)
        assert np.array_equal(other * s, l)
        assert scaled_info.rcond == info.rcond


@pytest.mark.filterwarnings("ignore::otimes.IllConditionedWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "n"), [(1, 1), (3, 2), (20, 7), (33, 40)])
def test_factor_solves_the_equation_and_its_adjoints(rng, dtype, m, n):
    a, b, _, d, e, _ = problem(rng, m, n, dtype)
    factor = COUPLED_SYLVESTER.factor("test", (a, b, d, e), True, "warn")
    assert factor.shape == (2 * m, n)
    rhs = normal(rng, (2 * m, n), dtype)
    r, l = np.vsplit(factor.solve(rhs), 2)
    assert residual(a, b, rhs[:m], d, e, rhs[m:], r, l) <= (m + n) * eps(r)
    for trans, op in (("T", lambda t: t.T), ("H", lambda t: t.conj().T)):
        u, v = np.vsplit(factor.solve(rhs, trans), 2)
        top = op(a) @ u + op(d) @ v - rhs[:m]
        bottom = -u @ op(b) - v @ op(e) - rhs[m:]
        size = sum(map(norm, (a, b, d, e))) * np.hypot(norm(u), norm(v)) + norm(rhs)
        assert np.hypot(norm(top), norm(bottom)) <= (m + n) * eps(u) * size


def test_error_texts():
    two, three = np.eye(2), np.eye(3)
    text = (
        "solve_coupled_sylvester: f has shape (2, 2), but a is (2, 2) and b is (3, 3) and d is "
        "(2, 2) and e is (3, 3), so f must be (2, 3)"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        ox.solve_coupled_sylvester(two, three, np.ones((2, 3)), two, three, two)
    text = "solve_coupled_sylvester: d has shape (3, 3), but a is (2, 2), so d must be (2, 2)"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        ox.solve_coupled_sylvester(two, three, np.ones((2, 3)), three, three, two)


@pytest.mark.parametrize("n", [2, 4])
@pytest.mark.parametrize("which", range(6))
def test_nan(n, which):
    arrays = [np.eye(n), 2 * np.eye(n), np.eye(n)] * 2
    arrays[3] = 5 * np.eye(n)
    arrays = [t.copy() for t in arrays]
    arrays[which][-1, 0] = np.nan
    with pytest.raises(ValueError, match=rf"^{'abcdef'[which]} contains NaN or Inf$"):
        ox.solve_coupled_sylvester(*arrays)
    r, l = ox.solve_coupled_sylvester(*arrays, check_finite=False)
    assert np.isnan(r).all()
    assert np.isnan(l).all()
