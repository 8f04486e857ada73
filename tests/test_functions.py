"""The matrix exponential: against arithmetic of many digits, SciPy's, and its own laws."""

import warnings

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import otimes as ox
from otimes._kron import KroneckerProduct
from strategies import DTYPES, LAYOUTS, batches

linalg = pytest.importorskip("scipy.linalg")
rng = np.random.default_rng(11)
EPS = np.finfo(float).eps


def exactly(a, digits=120):
    """e^A by its series in arithmetic of many digits."""
    with mpmath.workdps(digits):
        result = mpmath.expm(mpmath.matrix(a.tolist()), method="taylor")
        kind = complex if np.iscomplexobj(a) else float
        return np.array([[kind(x) for x in row] for row in result.tolist()])


#: Hard cases: Moler & Van Loan 2003, Ward 1977, Al-Mohy & Higham 2009.
HARD = {
    "moler van loan": np.array([[-49.0, 24.0], [-64.0, 31.0]]),
    "ward 1": np.array([[4.0, 2, 0], [1, 4, 1], [1, 1, 4]]),
    "ward 2": np.array(
        [
            [29.87942128909879, 0.7815750847907159, -2.289519314033932],
            [0.7815750847907159, 25.72656945571064, 8.680737820540137],
            [-2.289519314033932, 8.680737820540137, 34.39400925519054],
        ]
    ),
    "ward 3": np.array([[-131.0, 19, 18], [-390, 56, 54], [-387, 57, 52]]),
    "ward 4": np.eye(10, k=1) + 1e-10 * np.eye(10, k=-9),
    "nilpotent": 6 * np.eye(4, k=1),
    "nearly nilpotent": np.array([[0.0, 1e6], [1e-20, 0.0]]),
    "rotation": 100 * np.array([[0.0, 1.0], [-1.0, 0.0]]),
    "large and negative": -np.array([[600.0, 590.0], [590.0, 600.0]]),
    "complex": np.array([[1 + 2j, 3.0], [-40j, 0.5]]),
    "tiny": 1e-9 * np.array([[1.0, 2.0], [3.0, 4.0]]),
    "clustered triangle": np.array([[1.0, 5, 2], [0, 1 + 1e-9, 7], [0, 0, 1 - 1e-9]]),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_cases(name):
    """Errors as small as the condition of the exponential allows."""
    a = HARD[name]
    expected = exactly(a)
    condition = linalg.expm_cond(a) if a.dtype == float else 100.0
    error = np.linalg.norm(ox.expm(a) - expected) / np.linalg.norm(expected)
    assert error <= 4 * EPS * max(condition, len(a))


@pytest.mark.parametrize(
    "a",
    [
        [[1.0, 1e6], [0.0, -1.0]],  # triangular
        [[1.0, 1e6], [1e-12, -1.0]],  # A² is nearly I: scaling by ‖A‖ loses ten digits
        [[1.0, 0.0, 0.0], [1e8, -1.0, 1e-9], [0.0, 2.0, 1.0]],
    ],
)
def test_no_overscaling(a):
    """The entries have their digits, where scaling by the norm would lose those of small ones."""
    a = np.array(a)
    expected = exactly(a)
    error = np.abs(ox.expm(a) - expected)
    assert (error <= 2e-15 * np.abs(expected) + 1e-16).all()


def test_float32_is_not_overscaled():
    a = np.array([[1.0, 1e5], [1e-8, -1.0]], np.float32)
    expected = exactly(a.astype(float))
    assert ox.expm(a).dtype == np.float32
    assert (np.abs(ox.expm(a) - expected) <= 1e-6 * np.abs(expected) + 1e-7).all()


@pytest.mark.parametrize("size", [1e100, 1e300, 1e15])
def test_powers_that_would_overflow(size):
    a = np.array([[0.0, size, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # not triangular
    expected = np.eye(3) + a
    np.testing.assert_allclose(ox.expm(a), expected, rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize(("size", "dtype"), [(1e40, "d"), (1e300, "D"), (1e7, "f"), (1e30, "F")])
def test_powers_that_do_overflow(size, dtype):
    a = np.array([[2.0, 1.0], [1.0, 2.0]])
    assert np.array_equal(ox.expm((-size * a).astype(dtype)), np.zeros((2, 2)))


@pytest.mark.parametrize("n", [2, 3, 40])
def test_norms_that_overflow(n):
    """Of entries in range: the sum of a column, or the modulus of a complex number."""
    for entry, dtype in ((-1.2e308, np.float64), (-3e38 + 3e38j, np.complex64)):
        assert not ox.expm(np.triu(np.full((n, n), entry, dtype))).any()


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 9, 16, 17, 33, 70])
@pytest.mark.parametrize("size", [1e-3, 0.1, 0.8, 2, 4, 30])
def test_every_degree_and_size(dtype, n, size):
    a = rng.standard_normal((n, n))
    if dtype.startswith("c"):
        a = a + 1j * rng.standard_normal((n, n))
    a = (size * a / np.linalg.norm(a, 1)).astype(dtype)
    wide = np.complex128 if dtype.startswith("c") else np.float64
    expected = (exactly if n < 4 else linalg.expm)(a.astype(wide))
    result = ox.expm(a)
    assert result.dtype == dtype
    error = np.linalg.norm(result - expected) / np.linalg.norm(expected)
    assert error <= 20 * np.finfo(dtype).eps * max(1, size) * np.sqrt(n)


@pytest.mark.parametrize("n", [20, 150])
def test_skew_symmetric_gives_orthogonal(n):
    a = rng.standard_normal((n, n))
    q = ox.expm(a - a.T)
    assert np.linalg.norm(q.T @ q - np.eye(n)) <= 1e-13 * n


def test_large_norm_of_a_stable_matrix():
    n = 60
    a = 1e3 * (np.eye(n, k=1) + np.eye(n, k=-1) - 2 * np.eye(n))
    w, v = np.linalg.eigh(a)
    assert np.linalg.norm(ox.expm(a) - v * np.exp(w) @ v.T) <= 1e-12


@pytest.mark.parametrize("shape", ["upper", "lower"])
@pytest.mark.parametrize("dtype", [float, complex])
def test_triangular_stays_triangular(shape, dtype):
    a = 3 * rng.standard_normal((12, 12)).astype(dtype)
    keep = np.triu if shape == "upper" else np.tril
    a = keep(a) * (1 + 1j if dtype is complex else 1)
    e = ox.expm(a)
    assert np.array_equal(e, keep(e))
    np.testing.assert_allclose(e.diagonal(), np.exp(a.diagonal()), rtol=2 * EPS)
    np.testing.assert_allclose(e, exactly(a), rtol=1e-11, atol=1e-13 * np.abs(e).max())


def test_diagonal_and_zero_are_exact():
    d = np.array([-800.0, 0.5, 0.0, 700.0])
    assert np.array_equal(ox.expm(np.diag(d)), np.diag(np.exp(d)))
    assert np.array_equal(ox.expm(np.zeros((3, 3))), np.eye(3))
    assert np.array_equal(ox.expm([[2.0]]), np.exp([[2.0]]))


@given(batches((3, 3)))
def test_batches_of_every_dtype_and_layout(a):
    result = ox.expm(a)
    kind = (
        np.float32 if a.dtype.char == "e" else np.float64 if a.dtype.kind in "biu" else a.dtype.type
    )
    assert result.shape == a.shape
    assert result.dtype == kind
    assert result.flags.c_contiguous
    for place in np.ndindex(a.shape[:-2]):
        assert np.array_equal(result[place], ox.expm(np.array(a[place], kind)))


@given(st.integers(0, 5), st.sampled_from(sorted(LAYOUTS)), st.sampled_from(DTYPES))
def test_against_scipy(n, layout, dtype):
    a = LAYOUTS[layout]((np.arange(n * n) % 5).reshape(n, n).astype(dtype))
    expected = linalg.expm(np.asarray(a, complex)) if n else np.zeros((0, 0))
    single = np.dtype(dtype).char in "efF"
    error = np.linalg.norm(ox.expm(a) - expected)
    assert error <= (1e-5 if single else 1e-13) * (np.linalg.norm(expected) + 1)


def test_the_input_is_not_written_to():
    a = rng.standard_normal((30, 30))
    before = a.copy()
    ox.expm(a)
    assert np.array_equal(a, before)


def test_laws():
    a = rng.standard_normal((25, 25))
    e = ox.expm(a)
    np.testing.assert_allclose(e @ ox.expm(-a), np.eye(25), atol=1e-9)
    np.testing.assert_allclose(e @ e, ox.expm(2 * a), rtol=1e-9, atol=1e-10 * np.abs(e @ e).max())
    assert np.array_equal(ox.expm(a.T), ox.expm(np.asfortranarray(a.T)))
    assert np.isclose(np.linalg.slogdet(e)[1], np.trace(a))


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("a", [1.0, [1.0, 2.0], [[1.0, 2.0]], np.zeros((2, 3, 2))])
def test_not_square(a):
    shape = np.shape(a)
    with pytest.raises(ValueError, match=rf"expm: a has shape \({', '.join(map(str, shape))}"):
        ox.expm(a)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [float, np.float32, complex, np.complex64])
def test_nan_and_inf(value, kind):
    a = np.ones((2, 3, 3), kind)
    a[1, 0, 2] = value
    with pytest.raises(ValueError, match="a contains NaN or Inf"):
        ox.expm(a)
    result = ox.expm(a, check_finite=False)
    assert np.isnan(result[1]).all()
    assert np.array_equal(result[0], ox.expm(a[0]))


@pytest.mark.parametrize("dtype", ["O", "U3", np.longdouble])
def test_dtypes_that_are_not_computed_with(dtype):
    with pytest.raises(TypeError, match="a has dtype"):
        ox.expm(np.eye(2).astype(dtype))


@pytest.mark.parametrize("a", [[[1000.0]], [[800.0, 1.0], [1.0, 800.0]], [[1e300, 1], [2, 1e300]]])
def test_overflow_warns(a):
    with pytest.warns(RuntimeWarning, match="expm: the result overflows"):
        assert not np.isfinite(ox.expm(a)).all()


# --- operators ------------------------------------------------------------------------------------

A, B, C = (rng.standard_normal((n, n)) for n in (3, 4, 2))
S, R = A + A.T, (B + B.T) / 3


def assert_exponential(op, *, rtol=1e-12):
    expected = linalg.expm(op.toarray(np.result_type(op.dtype, np.float32)))
    result = ox.expm(op)
    assert isinstance(result, ox._operator.LinearOperator)
    assert result.dtype == expected.dtype or op._is_neutral()
    assert (result.in_shape, result.out_shape) == (op.in_shape, op.out_shape)
    np.testing.assert_allclose(result.toarray(), expected, atol=rtol * np.abs(expected).max())
    return result


@pytest.mark.parametrize(
    "op",
    [
        ox.kronecker_sum(A, B),
        ox.kronecker_sum(A, B, C),
        -0.5 * ox.kronecker_sum(A, B, C) + 3 * ox.identity(24),
        ox.kronecker_sum(A, B) * (1 + 2j),
        ox.kronecker_sum(A, 1j * B),
        ox.kron(A, ox.identity(4)) + ox.kron(A.T, ox.identity(4)) + ox.kron(ox.identity(3), B),
        ox.kronecker_sum([[1, 2], [3, 4]], [[1, 0], [1, 1]]),
        ox.kronecker_sum(A, ox.kronecker_sum(B, C)),
        ox.aslinearoperator(A),
        ox.jacobian(lambda X: A @ X + X @ B, np.ones((3, 4))),
        -2 * ox.identity(5),
    ],
    ids=str,
)
def test_of_kronecker_sums_is_a_kronecker_product(op):
    result = assert_exponential(op)
    assert len(result.parts) == 1


def test_of_a_kronecker_sum_prints_as_a_product():
    result = ox.expm(ox.kronecker_sum(A, B))
    assert isinstance(result, KroneckerProduct)
    assert np.array_equal(result.parts[0].factors[1].array, ox.expm(B))


def test_of_float32_stays_float32():
    single = ox.kronecker_sum(A.astype("f"), B.astype("f"))
    assert assert_exponential(single, rtol=1e-5).dtype == np.float32


def test_of_a_constant_that_alone_would_overflow():
    op = ox.kronecker_sum(A - 800 * np.eye(3), B) + 800 * ox.identity(12)
    expected = oracle.kron(linalg.expm(A), linalg.expm(B))
    np.testing.assert_allclose(ox.expm(op).toarray(), expected, rtol=1e-10)


@pytest.mark.parametrize(
    "op",
    [
        ox.kron(S, R),
        ox.kron(S, R) - 2 * ox.identity(12),
        ox.kron(S, R) + ox.kronecker_sum(S, R),
        ox.kron(S, 1j * R) + (1 + 1j) * ox.identity(12),
    ],
    ids=str,
)
def test_of_hermitian_products_is_a_product_of_operators(op):
    assert_exponential(op)


def test_of_a_diagonal():
    result = ox.expm(ox.diagonal([1, 2]))
    assert np.array_equal(result.toarray(), np.diag(np.exp([1.0, 2.0])))


@pytest.mark.parametrize(
    "op", [ox.kron(A, B), ox.commutation_matrix(3, 3), ox.kron(A, B) @ ox.commutation_matrix(3, 4)]
)
def test_of_other_operators_is_dense(op):
    with pytest.warns(ox.DenseFallbackWarning, match=r"otimes\.expm has no structured version"):
        result = ox.expm(op)
    np.testing.assert_allclose(result, linalg.expm(op.toarray()), atol=1e-11)


def test_of_an_operator_that_is_not_finite_or_not_square():
    with pytest.raises(ValueError, match="a contains NaN or Inf"):
        ox.expm(ox.kronecker_sum([[np.nan]], B))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ox.DenseFallbackWarning)
        with pytest.raises(ValueError, match=r"expm: a has shape \(8, 6\)"):
            ox.expm(ox.kron(np.ones((2, 3)), np.ones((4, 2))))


def test_root_of_a_matrix_that_has_none():
    """Its eigenvalue 0 has a Jordan block of size two, and rounding splits it."""
    with pytest.raises(np.linalg.LinAlgError, match=r"without a square root that X² differs"):
        ox.sqrtm([[0, 0, 1], [1, 1, 0], [1, 1, 1]])
