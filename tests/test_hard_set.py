"""The hard set: what breaks solvers of matrix equations, group by group.

An answer is accepted when its residual is at rounding level and its forward error is what the
condition allows; an equation that is singular or nearly so must be said to be; nothing else may be.
Groups 14 and 15 (products, commutation) are in test_mode_sequence.py and test_selection.py too.
"""

import warnings

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import hard
import oracle
import otimes as ox
from equation_zoo import EPS, EQUATIONS

ZOO = {e.name: e for e in EQUATIONS}
SIDES = ("sylvester", "axb", "stein", "generalized_sylvester")


@pytest.fixture
def rng():
    return np.random.default_rng(99)


def accept(name, *operands, solution=None):
    """Solve, and judge the answer and what is said about it; returns the true condition."""
    equation = ZOO[name]
    *given, q = (np.asarray(a) for a in operands)
    m, n = q.shape
    true = oracle.reciprocal_condition(equation.matrix(*given)) if m * n <= 900 else None
    refused = None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            x, info = equation.solve(*given, q, return_info=True)
        except LinAlgError as error:
            refused = error
    if refused is not None:
        assert true is None or true < 10 * EPS, f"rcond {true:.1e}, yet: {refused}"
        return true
    ill = [w for w in said if issubclass(w.category, ox.IllConditionedWarning)]
    assert len(ill) == len(said)
    assert equation.residual(given, x, q) <= 10 * (m + n) * EPS
    assert info.residual <= 10 * (m + n) * EPS
    if true is None:
        return None
    assert not ill or true < 1e4 * EPS
    assert ill or true > 100 * EPS
    assert true / 10 <= info.rcond <= 10 * max(true, 10 * EPS)  # below, all is rounding
    expected = exact(equation, given, q) if solution is None else solution
    assert norm(x - expected) <= 10 * (m + n) * EPS / true * norm(expected)
    return true


def exact(equation, given, q):
    rhs = q.reshape(-1, order="F")
    matrix = equation.matrix(*given)
    if matrix.shape[0] == 2 * rhs.size:
        x = np.linalg.solve(matrix, np.r_[rhs.real, rhs.imag])
        return (x[: rhs.size] + 1j * x[rhs.size :]).reshape(q.shape, order="F")
    return np.linalg.solve(matrix, rhs).reshape(q.shape, order="F")


def must_be_singular(name, *operands):
    with pytest.raises(LinAlgError, match="singular to working precision"):
        ZOO[name].solve(*operands)


def must_be_singular_but_for_rounding(solve, *operands):
    """The operands themselves are rounded, which takes the equation some eps away."""
    _, info = solve(*operands, on_singular="warn", return_info=True)
    assert info.rcond <= 10 * EPS
    if info.rcond < EPS:
        with pytest.raises(LinAlgError, match="singular to working precision"):
            solve(*operands)


# --- 1: shapes -----------------------------------------------------------------------------------

EDGES = [15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129]


@pytest.mark.parametrize("name", list(ZOO))
@pytest.mark.parametrize("n", EDGES)
def test_01_block_edges(name, n, rng):
    equation = ZOO[name]
    for m, k in ((n, n), (n, 3), (2, n), (n, 33)):
        if equation.square and m != k:
            continue
        for dtype in (float, complex) if n < 70 else (float,):
            *given, q = equation.operands(rng, m, k, dtype)
            x, info = equation.solve(*given, q, return_info=True)
            assert equation.residual(given, x, q) <= 10 * (m + k) * EPS
            assert info.residual <= 10 * (m + k) * EPS


# --- 2: exactly singular -------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 4, 5, 8, 20, 33])
def test_02_singular(n, rng):
    eye, q = np.eye(n), rng.standard_normal((n, n))
    must_be_singular("sylvester", eye, -eye, q)
    must_be_singular("stein", eye, eye, q)
    must_be_singular("generalized_sylvester", eye, eye, eye, -eye, q)
    must_be_singular("generalized_sylvester", eye, 2 * eye, 2 * eye, -eye, q)
    must_be_singular("continuous_lyapunov", 0 * eye, q)
    must_be_singular("discrete_lyapunov", eye, q)
    must_be_singular("generalized_lyapunov", 0 * eye, eye, q)
    must_be_singular("generalized_stein", eye, eye, q)
    must_be_singular("tsylvester", eye, -eye, q)
    must_be_singular("hsylvester", eye, -eye, q)
    must_be_singular("axb", np.diag(np.arange(n)), eye, q)


@pytest.mark.filterwarnings("ignore::otimes.IllConditionedWarning")
@pytest.mark.parametrize("n", [3, 6, 12, 40])
@pytest.mark.parametrize("value", [2.0, 1j, 0.5 + 2j], ids=str)
def test_02_one_common_eigenvalue(n, value, rng):
    q = rng.standard_normal((n, n))
    others = list(np.linspace(3, 5, n - (2 if np.imag(value) else 1)))
    a = hard.from_eigenvalues(rng, [value, *others], 0.3)
    opposite = -hard.from_eigenvalues(rng, [value, *others], 0.3)
    inverse = hard.from_eigenvalues(rng, [1 / value, *(0.1 * v for v in others)], 0.02)
    must_be_singular_but_for_rounding(ox.solve_sylvester, a, opposite, q)
    must_be_singular_but_for_rounding(ox.solve_stein, a, inverse, q)
    if value.real == 0 and np.imag(value):
        must_be_singular("continuous_lyapunov", a, q)
        must_be_singular("discrete_lyapunov", a, q)


@pytest.mark.parametrize("k", [3, 6, 9, 12, 16, 30])
def test_02_jordan_blocks(k, rng):
    """Smallest pivots of 1e-6 … 7e-3, and yet exactly singular."""
    turn, _ = np.linalg.qr(rng.standard_normal((k, k)))
    a, b = turn @ hard.jordan(k, 1) @ turn.T, turn @ hard.jordan(k, -1) @ turn.T
    must_be_singular("sylvester", a, b, rng.standard_normal((k, k)))
    must_be_singular("sylvester", hard.jordan(k, 1), hard.jordan(k, -1), np.ones((k, k)))


# --- 3: nearly singular --------------------------------------------------------------------------


@pytest.mark.parametrize("k", [10, 20, 30, 35, 40, 44, 48, 52])
@pytest.mark.parametrize("n", [2, 3, 4, 7, 12])
def test_03_nearly_common_eigenvalues(k, n, rng):
    q, gap = rng.standard_normal((n, n)), 1 + 2.0**-k
    others = list(np.linspace(3, 5, n - 1))
    a = hard.from_eigenvalues(rng, [2.0, *others])
    accept("sylvester", a, hard.from_eigenvalues(rng, [-2.0 * gap, *others]), q)
    accept("stein", a, hard.from_eigenvalues(rng, [gap / 2, *(0.09 * v for v in others)]), q)
    accept("discrete_lyapunov", hard.from_eigenvalues(rng, [1 / gap, *(v / 9 for v in others)]), q)
    accept("tsylvester", a, hard.from_eigenvalues(rng, [-2.0 * gap, *others]), q)


@pytest.mark.parametrize("k", [10, 20, 30, 40, 45, 50])
def test_03_nearly_common_pairs(k, rng):
    pair, near = 2 + 1j, (2 + 1j) * (1 + 2.0**-k)
    a = hard.from_eigenvalues(rng, [pair, 3.0, 4.0, 0.5 + 3j])
    accept("sylvester", a, -hard.from_eigenvalues(rng, [near, 5.0]), np.ones((6, 3)))
    lightly = hard.from_eigenvalues(rng, [-(2.0**-k) + 3j, -1.0, -2.0])
    accept("continuous_lyapunov", lightly, np.eye(4))


# --- 4: small sep with far spectra ---------------------------------------------------------------


@pytest.mark.parametrize("n", [4, 8, 12, 20])
def test_04_small_separation(n, rng):
    q = rng.standard_normal((n, n))
    far = np.triu(-np.ones((n, n)), 1) + np.eye(n)
    accept("sylvester", far, -(far + 0.5 * np.eye(n)), q)
    families = [
        hard.kahan(n),
        hard.grcar(n),
        hard.frank(n),
        hard.chebyshev_differentiation(n),
        hard.toeplitz_nonnormal(n),
        hard.wilkinson_bidiagonal(n),
    ]
    for k, a in enumerate(families):
        b = families[(k + 1) % len(families)].T
        for name in ("sylvester", "stein", "axb", "tsylvester", "hsylvester"):
            accept(name, a, b, q)
        accept("generalized_sylvester", a, b, b.T, a.T, q)
        accept("continuous_lyapunov", a, q)
        accept("discrete_lyapunov", a, q + q.T)


@pytest.mark.parametrize("n", [3, 6])
def test_04_forward_error_in_many_digits(n, rng):
    for a, b in ((hard.grcar(n), hard.kahan(n)), (hard.frank(n), hard.wilkinson_bidiagonal(n))):
        q = rng.standard_normal((n, n))
        x, info = ox.solve_sylvester(a, b, q, return_info=True)
        expected = oracle.solve_vec_exactly(oracle.sylvester_matrix(a, b), q)
        assert norm(x - expected) <= 20 * n * EPS / info.rcond * norm(expected)


# --- 5: SLICOT's collections ---------------------------------------------------------------------


@pytest.mark.parametrize("n", [5, 10, 20])
@pytest.mark.parametrize("r", [1.1, 1.5, 2.0, 4.0])
def test_05_ctlex_41(n, r):
    for s in (1.1, 1.5):
        a, y, x = hard.ctlex_41(n, r, s)
        if max(map(norm, (a, y, x))) * EPS < norm(x):
            accept("continuous_lyapunov", a.T, y)


@pytest.mark.parametrize("n", [5, 10, 20])
@pytest.mark.parametrize(("value", "s"), [(-0.5, 1.1), (-1.0, 1.5), (-0.1, 1.01)])
def test_05_ctlex_42(n, value, s):
    a = hard.ctlex_42(n, value, s)
    b = np.arange(1.0, n + 1)[:, None]
    accept("continuous_lyapunov", a, -b @ b.T)


@pytest.mark.parametrize("t", [0, 5, 10, 20, 30])
@pytest.mark.parametrize("n", [4, 10, 20])
def test_05_ctlex_and_dtlex_43(n, t):
    """The solution is all ones."""
    a, e, x = hard.ctlex_43(n, t)
    accept("generalized_lyapunov", a.T, e.T, a.T @ x @ e + e.T @ x @ a)
    a, e, x = hard.dtlex_43(n, t)
    accept("generalized_stein", a.T, e.T, e.T @ x @ e - a.T @ x @ a)


@pytest.mark.parametrize("n", [5, 10, 20])
@pytest.mark.parametrize(("r", "s"), [(1.1, 1.1), (1.5, 1.2), (2.0, 1.5), (4.0, 1.1)])
def test_05_dtlex_41(n, r, s):
    accept("discrete_lyapunov", hard.dtlex_41(n, r, s), np.eye(n))


# --- 6: LAPACK's own tests -----------------------------------------------------------------------


@pytest.mark.parametrize(("m", "n"), [(32, 51), (103, 98), (174, 60)])
@pytest.mark.parametrize("factor", [1.0, 1e-6])
@pytest.mark.parametrize("trans", ["NN", "NT", "TN", "TT"])
def test_06_random_triangles(m, n, factor, trans, rng):
    """dsyl01: triangular matrices, in one run with a small diagonal."""
    a, b = np.triu(rng.uniform(-1, 1, (m, m))), np.triu(rng.uniform(-1, 1, (n, n)))
    a[np.diag_indices(m)] *= factor
    q = rng.uniform(-1, 1, (m, n))
    a, b = a if trans[0] == "N" else a.T, b if trans[1] == "N" else b.T
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        try:
            x = ox.solve_sylvester(a, b, q)
        except LinAlgError:
            return  # these triangles are ill-conditioned beyond double precision
    assert ZOO["sylvester"].residual([a, b], x, q) <= 10 * (m + n) * EPS
    assert np.isfinite(x).all()


@pytest.mark.parametrize("size", [2.0**-500, 1.0, 2.0**500])
def test_06_entries_of_extreme_size(size):
    """dget35: entries of the size of √smlnum, 1, √bignum in 1×1 and 2×2 blocks, all pairs."""
    blocks = [
        np.array([[1.0]]),
        np.array([[1.0, 2.0], [0.0, 1.0 + 2 * EPS]]),
        np.array([[1.0, 2.0], [-3.0, 1.0]]),
        np.array([[2.0, 1e-3], [-1e3, 2.0]]),
    ]
    for a in blocks:
        for b in blocks:
            q = np.arange(1.0, a.size**0.5 * b.size**0.5 + 1).reshape(len(a), len(b))
            for other in (1.0, 2.0**-30):
                x = ox.solve_sylvester(size * a, size * other * b, q)
                assert ZOO["sylvester"].residual([size * a, size * other * b], x, q) <= 40 * EPS


# --- 7: overflow and underflow -------------------------------------------------------------------


def test_07_scalars():
    assert ox.solve_sylvester([[1e-290]], [[0.0]], [[1e5]])[0, 0] == pytest.approx(1e295)
    with pytest.raises(LinAlgError, match="overflows"):
        ox.solve_sylvester([[1e-300]], [[0.0]], [[1e10]])
    x, info = ox.solve_sylvester([[1e-300]], [[0.0]], [[1e10]], return_info=True)
    assert info.scale < 1
    assert x[0, 0] * 1e-300 == pytest.approx(1e10 * info.scale)


@pytest.mark.parametrize(("n", "fits"), [(20, True), (45, True), (80, False)])
@pytest.mark.parametrize("name", ["sylvester", "continuous_lyapunov"])
def test_07_growth(name, n, fits):
    """Pivots of 1e-6 under a triangle of ones: the solution has entries of 1e120 and more."""
    n = n // 2 if name == "continuous_lyapunov" else n  # it grows twice
    a = hard.growing(n, 1e-6)
    given = [a, np.zeros((n, n))] if name == "sylvester" else [a]
    q = np.ones((n, n))
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        x, info = ZOO[name].solve(*given, q, return_info=True, on_singular="warn")
    if fits and info.scale == 1:
        assert ZOO[name].residual(given, x, q) <= 20 * n * EPS
    else:
        assert info.scale < 1
    assert np.isfinite(x).all()


def test_07_growth_beyond_any_scale():
    """Entries of 1e720, and of 1 besides."""
    a, zero = hard.growing(120, 1e-6), np.zeros((120, 120))
    with (
        pytest.warns(ox.IllConditionedWarning, match="singular to working precision"),
        pytest.raises(LinAlgError, match="overflows float64, however it is scaled"),
    ):
        ox.solve_sylvester(a, zero, np.ones((120, 120)), on_singular="warn", return_info=True)


@pytest.mark.parametrize("sizes", [(2.0**500, 2.0**-500), (2.0**-500, 2.0**500), (2.0**-600, 1.0)])
@pytest.mark.parametrize("name", list(ZOO))
@pytest.mark.parametrize("n", [3, 12])
def test_07_units(name, sizes, n, rng):
    """Coefficients of one unit and right-hand sides of another: nothing is said."""
    equation = ZOO[name]
    if name in ("stein", "discrete_lyapunov"):
        sizes = (1.0, sizes[1])
    *given, q = equation.operands(rng, n, n)
    power = 0.5 if "generalized" in name or name.startswith("axb") else 1
    given = [a * sizes[0] ** power for a in given]
    x = equation.solve(*given, q * sizes[1])
    y = equation.solve(*[a / sizes[0] ** power for a in given], q)
    np.testing.assert_allclose(x / (sizes[1] / sizes[0]), y, rtol=1e-12)


@pytest.mark.parametrize("n", [2, 6, 20])
def test_07_coefficients_of_different_units(n, rng):
    """‖A‖/‖B‖ = 2^900: a well-posed equation, whatever the smaller one is."""
    a, b, q = ZOO["sylvester"].operands(rng, n, n)
    x = ox.solve_sylvester(a * 2.0**450, b * 2.0**-450, q)
    np.testing.assert_allclose(x * 2.0**450, np.linalg.solve(a, q), rtol=1e-10, atol=1e-14)
    y = ox.solve_generalized_sylvester(a, b, b * 2.0**-450, a * 2.0**-400, q)
    np.testing.assert_allclose(y, ox.solve_axb(a, b, q), rtol=1e-10, atol=1e-13)
    z = ox.solve_axb(a * 2.0**450, b * 2.0**-450, q)
    np.testing.assert_allclose(z, ox.solve_axb(a, b, q), rtol=1e-10, atol=1e-13)


# --- 8: bumps ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1.0, 1e-16, 1e16, 3e12])
@pytest.mark.parametrize("count", [1, 2, 5, 9, 20])
def test_08_all_bumps(ratio, count, rng):
    a = hard.bumps(rng, count, ratio)
    for b in (hard.bumps(rng, 2, ratio), 4 * np.eye(3), hard.bumps(rng, 3, 1 / ratio)):
        q = rng.standard_normal((2 * count, len(b)))
        for name in ("sylvester", "stein", "axb"):
            accept(name, a, b, q)
    accept("continuous_lyapunov", a, np.eye(2 * count))
    accept("discrete_lyapunov", a, np.eye(2 * count))


@pytest.mark.parametrize("n", [15, 16, 17, 31, 32, 33, 63, 64, 65])
@pytest.mark.parametrize("offset", [0, 1])
def test_08_bumps_across_block_edges(n, offset, rng):
    a = np.triu(rng.standard_normal((n, n)), 1) / n + np.eye(n)
    for k in range(offset, n - 1, 2):
        a[k + 1, k], a[k, k + 1] = -0.7, 0.9
    q = rng.standard_normal((n, 5))
    for b in (2 * np.eye(5), hard.bumps(rng, 3)[:5, :5]):
        for name in ("sylvester", "stein"):
            x = ZOO[name].solve(a, b, q)
            assert ZOO[name].residual([a, b], x, q) <= 10 * n * EPS


@pytest.mark.parametrize("n", [4, 9, 20])
def test_08_nearly_schur_forms(n, rng):
    """Blocks with real eigenvalues or unequal diagonals, Hessenberg matrices, tiny subdiagonals."""
    for below in (1e-320, -1e-17, 1e-9, 0.5):
        a = np.triu(rng.standard_normal((n, n))) + 3 * np.eye(n)
        a[1, 0] = below
        hessenberg = a + np.diag(np.full(n - 1, below), -1)
        for left in (a, hessenberg, a.T, hessenberg[::-1, ::-1]):
            accept("sylvester", left, 2 * np.eye(n), rng.standard_normal((n, n)))
            accept("stein", left, 0.1 * left.T, rng.standard_normal((n, n)))


# --- 9: the backward error trap ------------------------------------------------------------------


@pytest.mark.parametrize("n", [5, 20])
def test_09_rank_one_right_hand_side(n, rng):
    """Higham 1993: the solution is numerically singular, the residual small all the same."""
    a, b, _ = ZOO["sylvester"].operands(rng, n, n)
    accept("sylvester", a, b, np.outer(rng.standard_normal(n), rng.standard_normal(n)))


# --- 10: Stein -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [4, 10, 24])
def test_11_eigenvalue_minus_one(n, rng):
    """A + I is singular: the bilinear transformation breaks, the equation is well-posed."""
    a = hard.from_eigenvalues(rng, [-1.0, *np.linspace(0.1, 0.9, n - 1)], 0.5)
    b = hard.from_eigenvalues(rng, list(np.linspace(0.1, 0.8, n)), 0.2)
    accept("stein", a, b, rng.standard_normal((n, n)))


@pytest.mark.parametrize("k", [5, 10, 20, 30, 40, 50])
def test_11_near_the_circle(k, rng):
    a = hard.from_eigenvalues(rng, [1 - 2.0**-k, 0.5, 0.2, 0.3 + 0.4j])
    accept("discrete_lyapunov", a, np.eye(5))
    accept("stein", a, a.T, rng.standard_normal((5, 5)))


@pytest.mark.parametrize("hump", [1e3, 1e6, 1e10])
@pytest.mark.parametrize("n", [6, 20])
def test_11_stable_with_a_hump(hump, n, rng):
    """Powers grow before they decay: doubling must fall back."""
    a = np.diag(np.linspace(0.1, 0.6, n)) + hump ** (1 / (n - 1)) * np.eye(n, k=1)
    accept("stein", a, a.T, rng.standard_normal((n, n)))
    accept("discrete_lyapunov", a, np.eye(n))
    accept("continuous_lyapunov", a - np.eye(n), np.eye(n))
    accept("sylvester", a - np.eye(n), (a - np.eye(n)).T, rng.standard_normal((n, n)))


# --- 11: generalized and transposed --------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 8, 20])
def test_12_infinite_eigenvalues(n, rng):
    a, b, c, d, q = ZOO["generalized_sylvester"].operands(rng, n, n)
    singular = c.copy()
    singular[:, 0] = 0
    accept("generalized_sylvester", a, b, singular, d, q)
    accept("generalized_sylvester", a, b, 0 * c, d, q)
    accept("generalized_sylvester", a, b, c, singular, q)
    must_be_singular("generalized_sylvester", singular, b, singular, d, q)
    row = b.copy()
    row[0] = 0
    must_be_singular("generalized_sylvester", a, row, c, row, q)


def with_pencil_eigenvalues(rng, values):
    """A and B with eigenvalues values of A - λ Bᵀ."""
    n = len(values)
    p, q = rng.standard_normal((2, n, n)) + 2 * np.eye(n)
    return p @ np.diag(values) @ q, (p @ q).T


@pytest.mark.parametrize("others", [(0.3,), (0.3, 0.2, -0.4), (0.3, 0.2, -0.4, 0.1, -0.2, 0.05)])
def test_12_solvability_with_transposes(others, rng):
    n = len(others) + 2
    q = rng.standard_normal((n, n))
    fine = [(1.0, 0.5), (0.25, 0.5), (1.0, 7.0), (0.0, 0.5), (-2.0, 0.7)]
    for pair in fine:
        a, b = with_pencil_eigenvalues(rng, [*pair, *others])
        assert accept("tsylvester", a, b, q) > 1e-10
    for pair in [(-1.0, 0.5), (1.0, 1.0), (2.0, 0.5), (-4.0, -0.25)]:
        a, b = with_pencil_eigenvalues(rng, [*pair, *others])
        must_be_singular("tsylvester", a, b, q)
    for pair in [(-1.0, 0.5), (1.0, 0.7), (2.0, 0.5)]:
        a, b = with_pencil_eigenvalues(rng, [*pair, *others])
        must_be_singular("hsylvester", a, b, q + 0j)


@pytest.mark.parametrize("k", [10, 20, 30, 40, 50])
def test_12_nearly_reciprocal(k, rng):
    a, b = with_pencil_eigenvalues(rng, [2 * (1 + 2.0**-k), 0.5, 0.3, -0.2])
    accept("tsylvester", a, b, rng.standard_normal((4, 4)))
    accept("hsylvester", a, b, rng.standard_normal((4, 4)))


@pytest.mark.parametrize("n", [2, 5, 12])
def test_12_palindromic(n, rng):
    """A X + Xᵀ A: the eigenvalues of A - λ Aᵀ come in pairs λ, 1/λ."""
    a = rng.standard_normal((n, n))
    must_be_singular("tsylvester", a, a, rng.standard_normal((n, n)))


# --- 10⁵ random equations ------------------------------------------------------------------------


def graded(rng, count, n, steep):
    """Random matrices with rows and columns graded by powers of two, and scaled as a whole."""
    power = rng.integers(-steep, steep + 1, (2, count, n))
    whole = rng.integers(-200, 201, (count, 1, 1))
    x = rng.standard_normal((count, n, n))
    return np.ldexp(np.ldexp(x, power[0][:, :, None] + power[1][:, None, :]), whole)


@pytest.mark.parametrize("name", ["sylvester", "axb", "stein", "continuous_lyapunov", "tsylvester"])
@pytest.mark.parametrize("steep", [0, 3, 10])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_well_posed_equations_are_silent(name, steep, n, rng):
    """Whatever has a condition above 1e-10 is solved without a word: 10⁵ equations in all."""
    equation, wanted = ZOO[name], 2300
    given, q, true = well_posed(equation, rng, wanted, n, steep)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, info = equation.solve(*given, q, return_info=True)
    assert (info.rcond > true / 10).all()
    assert (info.rcond < 10 * true).all()
    assert (info.residual < 50 * EPS).all()
    assert (info.scale == 1).all()
    assert np.isfinite(x).all()


def well_posed(equation, rng, wanted, n, steep):
    """Coefficients, right-hand sides and the conditions of so many equations."""
    found = []
    while sum(len(true) for *_, true in found) < wanted:
        given = [graded(rng, wanted, n, steep) for _ in equation.sizes]
        if equation.name != "axb":  # one unit for all that is added
            given = [a / 2.0 ** np.frexp(np.abs(a).max((1, 2), keepdims=True))[1] for a in given]
        if steep == 3:
            given[0] = given[0] + 1j * given[0][::-1] / 2
        singular_values = np.linalg.svd(equation.matrix(*given), compute_uv=False)
        true = singular_values[:, -1] / singular_values[:, 0]
        fine = true > 1e-10
        found.append([*(a[fine] for a in given), graded(rng, wanted, n, steep)[fine], true[fine]])
    *given, q, true = (np.concatenate(parts)[:wanted] for parts in zip(*found, strict=True))
    return given, q, true
