"""lstsq_axb against pseudo-inverses, A X B = C by structure, and on_singular="lstsq"."""

import itertools

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import otimes as ox
from samples import DTYPES, eps, normal


@pytest.fixture
def rng():
    return np.random.default_rng(31)


def of_rank(rng, shape, rank, dtype=np.float64):
    return normal(rng, (shape[0], rank), dtype) @ normal(rng, (rank, shape[1]), dtype)


def with_values(rng, shape, values):
    """A matrix with these singular values."""
    u, _ = np.linalg.qr(rng.standard_normal((shape[0], len(values))))
    v, _ = np.linalg.qr(rng.standard_normal((shape[1], len(values))))
    return u * values @ v.T


def pinv_solution(a, b, c):
    """A⁺ C B⁺, in double precision, the tolerance that of the dtype."""
    wide = [np.asarray(x, np.complex128) for x in (a, b, c)]
    left, right = (
        np.linalg.pinv(x, rcond=max(x.shape) * eps(given))
        for x, given in ((wide[0], a), (wide[1], b))
    )
    return left @ wide[2] @ right


def axb_matrix(a, b):
    return np.kron(b.T, a)


# --- the definition ------------------------------------------------------------------------------


def test_literal():
    x, info = ox.lstsq_axb([[1], [1]], [[1, 0]], [[1, 5], [3, 5]], return_info=True)
    assert x.tolist() == [[pytest.approx(2)]]
    assert (info.method, info.ranks, info.consistent) == ("qr", (1, 1), False)
    assert ox.lstsq_axb([[1], [1]], [[1, 0]], [[1, 5], [3, 5]], ridge=2).tolist() == [
        [pytest.approx(1)]
    ]


SHAPES = [(1, 1), (2, 3), (3, 2), (4, 4), (7, 4), (4, 7), (33, 20), (20, 33)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_pseudo_inverse(rng, dtype, shape):
    largest = min(shape)
    for rank, other in itertools.product({1, largest, (largest + 1) // 2}, [(3, 5), (5, 3)]):
        a, b = of_rank(rng, shape, rank, dtype), normal(rng, other, dtype)
        c = normal(rng, (shape[0], other[1]), dtype)
        x, info = ox.lstsq_axb(a, b, c, return_info=True)
        exact = pinv_solution(a, b, c)
        assert x.dtype == dtype
        assert info.ranks == (rank, 3)
        assert (info.scale, info.refinements) == (1, 0)
        # residuals that are not small enter with the square of the condition number
        bound = 10 * sum(shape + other) * eps(x) / info.rcond * (1 + 1 / info.rcond)
        assert norm(x - exact) <= bound * norm(exact)


@pytest.mark.parametrize(("rank_a", "rank_b"), [(2, 2), (3, 2), (2, 4), (0, 2)])
def test_is_the_least_squares_solution_of_the_kronecker_matrix(rng, rank_a, rank_b):
    a, b, c = of_rank(rng, (5, 3), rank_a), of_rank(rng, (4, 6), rank_b), normal(rng, (5, 6))
    x = ox.lstsq_axb(a, b, c)
    exact = np.linalg.lstsq(axb_matrix(a, b), c.ravel(order="F"), rcond=1e-12)[0]
    assert norm(x.ravel(order="F") - exact) <= 1e4 * eps(x) * max(norm(exact), 1)


def test_methods(rng):
    full, deficient = normal(rng, (6, 4)), of_rank(rng, (6, 4), 2)
    hilbert = 1 / (np.arange(12)[:, None] + np.arange(12) + 1.0)

    def method(a, b):
        c = np.ones((a.shape[0], b.shape[1]))
        return ox.lstsq_axb(a, b, c, return_info=True)[1].method

    assert method(full, full.T) == "qr"
    assert method(deficient, full) == "complete-qr"
    assert method(full, deficient) == "qr-complete"
    assert method(deficient, hilbert) == "complete-svd"
    assert method(hilbert, hilbert) == "svd"


# --- ranks that are hard to see ------------------------------------------------------------------


@pytest.mark.parametrize("gap", [1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-13, 1e-15])
@pytest.mark.parametrize("shape", [(9, 6), (6, 9), (8, 8)])
def test_rank_gaps(rng, gap, shape):
    a = with_values(rng, shape, [3, 2, 1, gap, gap / 2])
    tolerance = max(shape) * eps(a) * 3
    _, info = ox.lstsq_axb(a, np.eye(2), np.ones((shape[0], 2)), return_info=True)
    assert info.ranks[0] == (5 if gap / 2 > tolerance else 3)
    _, info = ox.lstsq_axb(a, np.eye(2), np.ones((shape[0], 2)), 1e-3, return_info=True)
    assert info.ranks[0] == 3


def kahan(n, angle=1.2):
    s, c = np.sin(angle), np.cos(angle)
    return np.diag(s ** np.arange(n)) @ (np.eye(n) - c * np.triu(np.ones((n, n)), 1))


HARD = {
    "kahan": kahan(90),
    "hilbert": 1 / (np.arange(12)[:, None] + np.arange(12) + 1.0),
    "vandermonde": np.vander(np.linspace(0, 1, 20), 15),
    "zero": np.zeros((4, 3)),
    "one row": np.arange(1.0, 6)[None],
    "one column": np.arange(1.0, 6)[:, None],
}


@pytest.mark.parametrize("name", HARD)
def test_rank_is_that_of_the_singular_values(rng, name):
    a = HARD[name]
    c = normal(rng, (a.shape[0], 3))
    x, info = ox.lstsq_axb(a, np.eye(3), c, return_info=True)
    values = np.linalg.svd(a, compute_uv=False)
    assert info.ranks == (np.count_nonzero(values > max(a.shape) * eps(a) * values[0]), 3)
    exact = pinv_solution(a, np.eye(3), c)
    rounding = 100 * eps(a) * (norm(a) * norm(x) + norm(c))
    assert norm(a @ x - c) <= norm(a @ exact - c) + rounding
    assert norm(x) <= norm(exact) * (1 + 1e-2)


@pytest.mark.parametrize("noise", [0, 1e-16, 1e-13, 1e-6, 1e-2])
def test_consistency(rng, noise):
    a, b = of_rank(rng, (8, 5), 3), of_rank(rng, (4, 7), 2)
    c = a @ normal(rng, (5, 4)) @ b
    c += noise * norm(c) * normal(rng, c.shape)
    x, info = ox.lstsq_axb(a, b, c, return_info=True)
    residual = norm(a @ x @ b - c) / (norm(a) * norm(x) * norm(b) + norm(c))
    assert info.residual == pytest.approx(residual, rel=0.1, abs=eps(c))
    assert info.consistent == (noise <= 1e-16)


# --- ridge ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (4, 4)])
def test_ridge_is_the_augmented_least_squares_problem(rng, dtype, shape):
    a, b = normal(rng, shape, dtype), of_rank(rng, (3, 4), 2, dtype)
    c = normal(rng, (shape[0], 4), dtype)
    ridges = np.array([0.0, 1e-3, 0.5, 20.0])
    paths, info = ox.lstsq_axb(a, b, c, ridge=ridges, return_info=True)
    assert (paths.shape, paths.dtype) == ((4, shape[1], 3), dtype)
    assert info.residual.shape == info.consistent.shape == info.ranks[0].shape == (4,)
    wide = axb_matrix(a, b).astype(np.complex128)
    for ridge, x in zip(ridges[1:], paths[1:], strict=True):
        stacked = np.vstack([wide, np.sqrt(ridge) * np.eye(wide.shape[1])])
        right = np.concatenate([c.ravel(order="F"), np.zeros(wide.shape[1])])
        exact = np.linalg.lstsq(stacked, right, rcond=None)[0]
        tolerance = 100 * eps(x) * max(1, norm(wide) ** 2 / ridge)
        assert norm(x.ravel(order="F") - exact) <= tolerance * norm(exact)
        alone = ox.lstsq_axb(a, b, c, ridge=ridge)
        np.testing.assert_array_equal(alone, x)
    assert norm(paths[0] - ox.lstsq_axb(a, b, c)) <= 1e4 * eps(paths) * norm(paths[0])


def test_ridges_of_no_number_and_of_zeros(rng):
    a, b, c = normal(rng, (4, 3)), normal(rng, (2, 5)), normal(rng, (4, 5))
    assert ox.lstsq_axb(a, b, c, ridge=[]).shape == (0, 3, 2)
    twice = ox.lstsq_axb(a, b, c, ridge=[0, 0])
    np.testing.assert_array_equal(twice, [ox.lstsq_axb(a, b, c)] * 2)


# --- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kinds", list(itertools.product([np.float64, np.complex128], repeat=3)))
def test_mixes_of_real_and_complex(rng, kinds):
    a, b, c = (normal(rng, s, k) for s, k in zip([(5, 3), (4, 2), (5, 2)], kinds, strict=True))
    x = ox.lstsq_axb(a, b, c)
    assert x.dtype == np.result_type(*kinds)
    np.testing.assert_allclose(x, pinv_solution(a, b, c), atol=1e-12)


def test_dtypes_promote(rng):
    a, b = normal(rng, (3, 3), np.float32), np.eye(2, dtype=np.int8)
    assert ox.lstsq_axb(a, b, np.ones((3, 2), np.float32)).dtype == np.float64
    assert ox.lstsq_axb(a, a, np.ones((3, 3), np.complex64)).dtype == np.complex64


def test_batches_broadcast(rng):
    a, b, c = normal(rng, (3, 1, 5, 4)), normal(rng, (2, 3, 6)), normal(rng, (5, 6))
    a[1, 0] = of_rank(rng, (5, 4), 2)
    x, info = ox.lstsq_axb(a, b, c, return_info=True)
    paths = ox.lstsq_axb(a, b, c, ridge=[0.1, 1])
    assert (x.shape, paths.shape) == ((3, 2, 4, 3), (2, 3, 2, 4, 3))
    assert info.ranks[0].tolist() == [[4, 4], [2, 2], [4, 4]]
    assert info.method == "qr, complete-qr"
    for i, j in np.ndindex(3, 2):
        np.testing.assert_array_equal(x[i, j], ox.lstsq_axb(a[i, 0], b[j], c))
        np.testing.assert_array_equal(paths[1, i, j], ox.lstsq_axb(a[i, 0], b[j], c, ridge=1))


@pytest.mark.parametrize(
    "shapes", [((0, 3), (2, 4)), ((3, 0), (2, 4)), ((3, 2), (0, 4)), ((3, 2), (2, 0))]
)
def test_sizes_of_zero(shapes):
    (p, m), (n, q) = shapes
    x = ox.lstsq_axb(np.ones((p, m)), np.ones((n, q)), np.ones((p, q)))
    assert x.tolist() == np.zeros((m, n)).tolist()
    assert ox.lstsq_axb(np.ones((p, m)), np.ones((n, q)), np.ones((p, q)), ridge=1).shape == (m, n)
    assert ox.lstsq_axb(np.ones((0, p, m)), np.ones((n, q)), np.ones((p, q))).shape == (0, m, n)


@pytest.mark.parametrize("ridge", [0, 1])
def test_matrices_of_zeros(ridge):
    """No singular value counts, so that none is small."""
    for a, b in ((np.zeros((4, 3)), np.eye(3)), (np.eye(4), np.zeros((3, 3)))):
        x, info = ox.lstsq_axb(a, b, np.ones((4, 3)), ridge=ridge, return_info=True)
        assert x.tolist() == np.zeros((a.shape[1], 3)).tolist()
        assert info.rcond == 1


def test_a_matrix_that_overflows_is_refused(rng):
    """LAPACK might look for its singular values for ever."""
    a, b = normal(rng, (4, 4)) * 1e200, normal(rng, (3, 3)) * 1e200
    a[0] = b[:, 0] = 0
    with pytest.raises(ValueError, match="the operator contains NaN or Inf"):
        ox.solve_stein(a, b, np.ones((4, 3)), on_singular="lstsq")


def test_layouts_do_not_matter(rng):
    a, b, c = normal(rng, (7, 4)), normal(rng, (3, 5)), normal(rng, (7, 5))
    x = ox.lstsq_axb(a, b, c)
    np.testing.assert_array_equal(ox.lstsq_axb(np.asfortranarray(a), b[::-1][::-1], c), x)
    np.testing.assert_array_equal(ox.lstsq_axb(a, b, np.repeat(c, 2, axis=1)[:, ::2]), x)


@pytest.mark.parametrize("power", [-300, 300])
def test_powers_of_two_change_only_exponents(rng, power):
    a, b, c = of_rank(rng, (6, 4), 2), normal(rng, (3, 5)), normal(rng, (6, 5))
    scaled = ox.lstsq_axb(np.ldexp(a, power), np.ldexp(b, -power // 2), c)
    np.testing.assert_array_equal(np.ldexp(scaled, power - power // 2), ox.lstsq_axb(a, b, c))


def test_overflow():
    with pytest.raises(LinAlgError, match="lstsq_axb: the solution overflows float64"):
        ox.lstsq_axb([[1e-200]], [[1e-200]], [[1.0]])
    x, info = ox.lstsq_axb([[1e-200]], [[1e-200]], [[1.0]], return_info=True)
    assert 0 < info.scale < 1
    assert 1e-200 * x[0, 0] * 1e-200 == pytest.approx(info.scale)


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        (
            ((3, 2), (2, 4), (3, 5)),
            {},
            r"c has shape \(3, 5\), but a is \(3, 2\) and b is \(2, 4\)",
        ),
        (((3,), (2, 4), (3, 5)), {}, r"a has shape \(3,\), but must be a matrix"),
        (((2, 3, 2), (3, 2, 4), (3, 4)), {}, r"leading axes of a \(2, 3, 2\).* do not broadcast"),
        (((3, 2), (2, 4), (3, 4)), {"rcond": -1.0}, "rcond is -1.0, but must not be negative"),
        (((3, 2), (2, 4), (3, 4)), {"ridge": -1.0}, "ridge is -1.0, but must be finite and not"),
        (((3, 2), (2, 4), (3, 4)), {"ridge": np.nan}, "ridge is nan, but must be finite"),
        (((3, 2), (2, 4), (3, 4)), {"ridge": [[1.0]]}, "ridge must be a real number or a 1-D"),
    ],
)
def test_error_texts(arguments, options, text):
    with pytest.raises(ValueError, match=text):
        ox.lstsq_axb(*map(np.ones, arguments), **options)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_nan_and_inf(value, which):
    arrays = [np.ones(s) for s in ((4, 3), (2, 5), (4, 5))]
    arrays[which][1, 1] = value
    with pytest.raises(ValueError, match=f"{'abc'[which]} contains NaN or Inf"):
        ox.lstsq_axb(*arrays)
    for ridge in (0.0, 1.0):
        assert np.isnan(ox.lstsq_axb(*arrays, ridge=ridge, check_finite=False)).all()


# --- structure of square equations ---------------------------------------------------------------


def kinds(rng, n, dtype):
    full = normal(rng, (n, n), dtype) + 3 * np.sqrt(n) * np.eye(n, dtype=dtype)
    return {
        "triangular": np.triu(full),
        "cholesky": (full @ full.conj().T / n).astype(dtype),
        "lu": full,
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("left", "right"), list(itertools.product(["triangular", "cholesky", "lu"], repeat=2))
)
def test_solve_axb_uses_the_structure(rng, dtype, left, right):
    a, b = kinds(rng, 9, dtype)[left], kinds(rng, 6, dtype)[right]
    a = (a + a.conj().T) / 2 if left == "cholesky" else a
    b = (b + b.conj().T) / 2 if right == "cholesky" else b
    c = normal(rng, (9, 6), dtype)
    name = left if left == right else f"{left}-{right}"
    for first, second in ((a, b), (a.T, b.T)):
        x, info = ox.solve_axb(first, second, c, return_info=True)
        assert info.method == name
        assert norm(first @ x @ second - c) <= 200 * eps(x) * norm(a) * norm(x) * norm(b)
        exact = 1 / np.linalg.cond(a.astype(complex)) / np.linalg.cond(b.astype(complex))
        assert exact / 10 <= info.rcond <= 10 * exact
    factor = ox.kron(b.T, a).factorize()
    y = factor.solve(c.ravel(order="F"), "H")
    assert norm(np.kron(b.T, a).conj().T @ y - c.ravel(order="F")) <= 1e3 * eps(y) * norm(c)


def test_indefinite_and_singular_matrices_go_to_lu(rng):
    b = normal(rng, (5, 5))
    indefinite = np.array([[1.0, 2, 0, 0], [2, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    x, info = ox.solve_axb(indefinite, b, np.ones((4, 5)), return_info=True)
    assert info.method == "lu"
    np.testing.assert_allclose(indefinite @ x @ b, np.ones((4, 5)), atol=1e-10)
    with pytest.raises(LinAlgError, match=r"rcond = 0\.0e"):
        ox.solve_axb(np.diag([1.0, 1, 0, 1]), b, np.ones((4, 5)))


# --- on_singular="lstsq" -------------------------------------------------------------------------


def assert_minimum_norm(x, matrix, q):
    exact = np.linalg.pinv(matrix, rcond=1e-10) @ q.ravel(order="F")
    assert norm(x.ravel(order="F") - exact) <= 1e-9 * max(norm(exact), 1)


@pytest.mark.parametrize("imaginary", [0, 1j])
@pytest.mark.parametrize("n", [2, 4, 7])
def test_singular_sylvester(rng, n, imaginary):
    a = normal(rng, (n, n)) + imaginary * normal(rng, (n, n))
    b, q = -a.T, normal(rng, (n, n))
    matrix = np.kron(np.eye(n), a) + np.kron(b.T, np.eye(n))
    with pytest.raises(LinAlgError, match='"lstsq" the least-squares solution of minimum norm'):
        ox.solve_sylvester(a, b, q)
    x, info = ox.solve_sylvester(a, b, q, on_singular="lstsq", return_info=True)
    assert_minimum_norm(x, matrix, q)
    assert info.method == "svd"
    assert info.rcond < eps(x)
    y = ox.solve(lambda X: a @ X + X @ b, q, on_singular="lstsq")
    assert_minimum_norm(y, matrix, q)


def test_regular_equations_are_solved_as_ever(rng):
    a, b, q = normal(rng, (5, 5)), normal(rng, (4, 4)), normal(rng, (5, 4))
    for solve in (ox.solve_sylvester, ox.solve_axb):
        plain, info = solve(a, b, q, return_info=True)
        x, other = solve(a, b, q, on_singular="lstsq", return_info=True)
        np.testing.assert_array_equal(x, plain)
        assert other == info


def test_singular_items_of_a_batch(rng):
    a, b, q = normal(rng, (3, 4, 4)), normal(rng, (2, 1, 4, 4)), normal(rng, (2, 3, 4, 4))
    a[1, :, 0] = 0
    x, info = ox.solve_axb(a, b, q, on_singular="lstsq", return_info=True)
    assert sorted(info.method.split(", ")) == ["kronecker-lu", "lu", "pinv"]
    for i, j in np.ndindex(2, 3):
        assert_minimum_norm(x[i, j], axb_matrix(a[j], b[i, 0]), q[i, j])
    assert (info.rcond[:, 1] < eps(x)).all()
    assert (info.rcond[:, [0, 2]] > eps(x)).all()


def test_operators_that_are_not_square(rng):
    a, b = normal(rng, (4, 3)), normal(rng, (5, 2))
    for op in (
        ox.kron(a, b),
        ox.kron(a, b) + ox.kron(normal(rng, (4, 3)), normal(rng, (5, 2))),
        ox.jacobian(lambda X: X @ X.T, a),
    ):
        q = normal(rng, op.shape[0])
        matrix = op.toarray()
        assert_minimum_norm(ox.solve(op, q, on_singular="lstsq"), matrix, q)
        assert_minimum_norm(op.solve(q, on_singular="lstsq"), matrix, q)
        factors = op.factorize(on_singular="lstsq")
        w = normal(rng, op.shape[1]) + 1j
        assert_minimum_norm(factors.solve(w, "T"), matrix.T, w)
        assert_minimum_norm(factors.solve(w, "H"), matrix.conj().T, w)
        with pytest.raises(LinAlgError, match='on_singular="lstsq" gives the least-squares'):
            op.solve(q)


def test_the_differential_of_the_gram_matrix(rng):
    """X ↦ Xᵀ R + Rᵀ X is singular for every square R: its values are symmetric."""
    r, q = normal(rng, (5, 5)), normal(rng, (5, 5))
    op = ox.jacobian(lambda R: R.T @ R, r)
    with pytest.raises(LinAlgError, match="singular to working precision"):
        op.solve(q + q.T)
    x = op.solve(q + q.T, on_singular="lstsq")
    assert_minimum_norm(x, op.toarray(), q + q.T)
    np.testing.assert_allclose(x.T @ r + r.T @ x, q + q.T, atol=1e-10)


def test_equations_over_the_reals(rng):
    """A X + Xᴴ B is not complex-linear: minimum norm in the real and imaginary parts."""
    a, q = normal(rng, (3, 3), complex), normal(rng, (3, 3), complex)
    b = -a.conj().T  # singular

    def left(x):
        return a @ x + x.conj().T @ b

    x = ox.solve_tsylvester(a, b, q, conjugate=True, on_singular="lstsq")
    units = [e.reshape(3, 3) * z for z in (1, 1j) for e in np.eye(9)]
    images = np.stack([left(u).ravel() for u in units], axis=1)
    matrix = np.vstack([images.real, images.imag])
    exact = np.linalg.pinv(matrix, rcond=1e-10) @ np.concatenate([q.ravel().real, q.ravel().imag])
    np.testing.assert_allclose(np.concatenate([x.ravel().real, x.ravel().imag]), exact, atol=1e-10)


def test_functions_of_other_shapes(rng):
    a, c = normal(rng, (5, 3)), normal(rng, (5, 4))
    x = ox.solve(lambda X: a @ X + 1, c, shape=(3, 4), on_singular="lstsq")
    np.testing.assert_allclose(x, np.linalg.pinv(a) @ (c - 1), atol=1e-12)


def test_wrong_option():
    with pytest.raises(ValueError, match='must be "raise", "warn" or "lstsq"'):
        ox.solve_axb(np.zeros((1, 1)), np.eye(1), np.eye(1), on_singular="ignore")
    with pytest.raises(ValueError, match="a decomposition has no least-squares"):
        ox.sylvester_factor(np.eye(2), np.eye(2), on_singular="lstsq")


def test_large_ones_by_lsmr(rng):
    n = 46  # 2116 unknowns
    a = normal(rng, (n, n)) + 8 * np.eye(n)
    a[0], a[:, 0] = 0, 0
    b = normal(rng, (n, n)) + 8 * np.eye(n)
    b[0], b[:, 0] = 0, 0
    q = normal(rng, (n, n))
    x, info = ox.solve_sylvester(a, b, q, on_singular="lstsq", return_info=True)
    assert info.method == "lsmr"
    assert info.refinements > 1
    r = q - a @ x - x @ b
    assert norm(a.T @ r + r @ b.T) <= 1e-10 * norm(a) * norm(r)
    assert abs(x[0, 0]) <= 1e-10 * norm(x)  # the null space
    with pytest.raises(LinAlgError, match=r"LSMR has not converged: after 3 of at most 3 iter"):
        ox.solve(lambda X: a @ X + X @ b, q, on_singular="lstsq", maxiter=3)
