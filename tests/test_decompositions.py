"""NumPy's linear algebra of Kronecker products, beside that of the dense array.

A `DenseFallbackWarning` is an error here unless a test says otherwise: what passes has used the
factors.
"""

import contextlib
import math
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.linalg import LinAlgError

import otimes as ox
from oracle import assert_close, commutation, epsilon, kron
from otimes._kron import KroneckerProduct
from otimes._operator import LinearOperator
from otimes._structures import Diagonal, Selection
from strategies import factor_lists
from zoo import matrix

DTYPES = ["float32", "float64", "complex64", "complex128", "int64", "int8", "bool"]


@contextlib.contextmanager
def dense_allowed():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ox.DenseFallbackWarning)
        yield


def falls_back():
    return pytest.warns(ox.DenseFallbackWarning, match="works on the dense array")


def is_numpys(f, op):
    """f falls back, and gives or raises what it does for the dense array."""
    try:
        expected = f(op.toarray())
    except (ValueError, LinAlgError) as error:  # empty arrays, in some versions
        with falls_back(), pytest.raises(type(error)):
            f(op)
        return
    with falls_back():
        result = f(op)
    pairs = (
        zip(result, expected, strict=True) if isinstance(expected, tuple) else [(result, expected)]
    )
    for mine, theirs in pairs:
        np.testing.assert_array_equal(mine, theirs)


def scaled(factors, c):
    """c (F₁⊗…) as an operator, and its dense array."""
    op, dense = ox.kron(*factors), kron(*factors)
    return (op, dense) if c == 1 else (c * op, c * dense)


def squares(sizes, dtype="float64", seed=0):
    return [matrix(n, n, dtype, seed + k) for k, n in enumerate(sizes)]


def hermitian(n, dtype="float64", seed=0):
    a = matrix(n, n, dtype, seed)
    return a | a.T if a.dtype.kind == "b" else a + a.conj().T


def definite(n, dtype="float64", seed=0):
    a = matrix(n, n, dtype, seed)
    return hermitian_part(a @ a.conj().T) + np.eye(n, dtype=a.dtype)


def hermitian_part(a):
    """Of a product that is Hermitian to rounding only."""
    return a if a.dtype.kind == "i" else (a + a.conj().T) / 2


def rounding(*arrays):
    """The rounding unit of a comparison with NumPy's result, which has that of its dtype."""
    return max(epsilon(*arrays), np.finfo(float).eps)


def close(actual, expected, scale, steps=50, data=()):
    """Equal shapes and dtypes, and values to `steps` roundings of `scale`."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype
    assert_close(actual, expected, scale=scale, steps=steps, data=data)


def is_unitary(op, dtype):
    columns = op.toarray()
    eye = np.eye(columns.shape[1])
    error = np.abs(columns.conj().T @ columns - eye).max(initial=0)
    assert error < 100 * max(len(columns), 1) * rounding(np.empty(0, dtype))


coefficients = st.sampled_from([1, -2.0, 0.5, 0.0, 1 - 2j])


# --- singular values -----------------------------------------------------------------------------


@given(factor_lists(max_factors=3), coefficients, st.booleans())
def test_svd(factors, c, full):
    op, dense = scaled(factors, c)
    expected = np.linalg.svd(dense, full_matrices=full)
    with dense_allowed() if op.size == 0 else contextlib.nullcontext():
        u, s, vh = result = np.linalg.svd(op, full_matrices=full)
    assert type(result) is type(expected)
    scale = np.abs(expected.S).max(initial=0)
    close(s, expected.S, scale, steps=max(dense.shape))
    for mine, theirs in ((u, expected.U), (vh, expected.Vh)):
        assert mine.shape == theirs.shape
        assert mine.dtype == theirs.dtype
    if op.size == 0:
        return
    is_unitary(u, s.dtype)
    is_unitary(vh.T, s.dtype)
    middle = np.zeros((u.shape[1], vh.shape[0]))
    np.fill_diagonal(middle, s)
    assert_close(u @ middle @ vh.toarray(), dense, scale=scale, steps=100, data=(s,))


@given(factor_lists(max_factors=3), coefficients)
def test_singular_values_and_what_follows_from_them(factors, c):
    op, dense = scaled(factors, c)
    if op.size == 0:
        is_numpys(np.linalg.svdvals, op)
        is_numpys(np.linalg.matrix_rank, op)
        return
    values = np.linalg.svdvals(op)
    close(values, np.linalg.svdvals(dense), values.max(), steps=max(dense.shape))
    for kwargs in ({}, {"rtol": 1e-3}, {"tol": [0.5, 2.0]}):
        rank = np.linalg.matrix_rank(op, **kwargs)
        np.testing.assert_array_equal(rank, np.linalg.matrix_rank(dense, **kwargs))


def test_ranks_by_the_tolerance_of_the_whole_matrix():
    a, b = np.diag([1.0, 1e-9]), np.diag([1.0, 1e-4, 1e-8])
    for c in (1e-30, 1.0, 1e30):  # 1e-9 · 1e-8 alone counts as zero
        op, dense = scaled([a, b], c)
        assert np.linalg.matrix_rank(op) == np.linalg.matrix_rank(dense) == 5
        single, dense = op.astype(np.float32), dense.astype(np.float32)
        assert np.linalg.matrix_rank(single) == np.linalg.matrix_rank(dense) == 2


def test_the_vectors_of_a_product_are_a_product_and_a_permutation():
    a, b = matrix(3, 3), matrix(4, 4)
    u, _s, vh = np.linalg.svd(ox.kron(a, b))
    assert [type(op) for op in u.chain] == [KroneckerProduct, Selection]
    assert [type(op) for op in vh.chain] == [Selection, KroneckerProduct]
    assert_close((u.T @ u).toarray(), np.eye(12), steps=100)
    assert_close(u.inv().toarray(), u.T.toarray(), steps=100)
    x = matrix(12, 2)
    assert_close(np.linalg.solve(u, x), u.T @ x, steps=100)
    assert_close(pickle.loads(pickle.dumps(u)).toarray(), u.toarray())


def test_permutations_keep_their_structure():
    p = Selection(np.array([2, 3, 0, 1][::-1]), 4)
    assert type(p.inv()) is Selection
    assert ox.select_method(p) == "permutation: it is a permutation: its transpose"
    assert (p @ p.T).toarray().tolist() == np.eye(4).tolist()
    moved = p @ ox.kron([[1, 2], [3, 4]], [[1, 0], [0, 1]])  # integers too
    assert [type(op) for op in moved.chain] == [Selection, KroneckerProduct]


def test_equal_singular_values_stay_in_kronecker_order():
    u, s, vh = np.linalg.svd(ox.kron(np.diag([2.0, 1.0]), np.diag([2.0, 1.0])))
    assert s.tolist() == [4, 2, 2, 1]
    np.testing.assert_array_equal(np.abs(u.toarray()), np.eye(4))
    np.testing.assert_array_equal((u @ np.diag(s) @ vh.toarray()).diagonal(), [4, 2, 2, 1])


def test_svd_arguments():
    a, b = hermitian(2), hermitian(3)
    op, dense = ox.kron(a, b), kron(a, b)
    expected = np.linalg.svdvals(dense)
    assert_close(np.linalg.svd(op, compute_uv=False), expected, steps=100)
    assert_close(np.linalg.svd(op, hermitian=True, compute_uv=False), expected, steps=100)
    u, s, vh = np.linalg.svd(op, hermitian=True)
    assert_close(u @ np.diag(s) @ vh.toarray(), dense, steps=100)
    assert np.linalg.matrix_rank(op, hermitian=True) == 6
    skew = ox.kron(matrix(2, 2), b)  # NumPy reads the lower triangle only
    with falls_back():
        values = np.linalg.svd(skew, compute_uv=False, hermitian=True)
    lower = np.linalg.svd(skew.toarray(), compute_uv=False, hermitian=True)
    np.testing.assert_array_equal(values, lower)
    with falls_back(), pytest.raises(ValueError, match="can't be both set"):
        np.linalg.matrix_rank(op, 1.0, rtol=1.0)


def test_commuted_products():
    a, b = matrix(2, 3), matrix(4, 2)
    op = ox.kron(a, b) @ ox.commutation_matrix(3, 2)
    dense = kron(a, b) @ commutation(3, 2)
    assert_close(op.toarray(), dense)
    u, s, vh = np.linalg.svd(op, full_matrices=False)
    assert_close(u @ np.diag(s) @ vh.toarray(), dense, steps=100)
    assert_close(np.linalg.pinv(op).toarray(), np.linalg.pinv(dense), steps=100)
    y = matrix(8, 2)
    assert_close(np.linalg.lstsq(op, y)[0], np.linalg.lstsq(dense, y)[0], steps=1000)
    for order in ("fro", 1, np.inf, 2, "nuc"):
        assert_close(np.linalg.norm(op, order), np.linalg.norm(dense, order), steps=100)
    is_numpys(lambda a: np.linalg.norm(a, axis=0), op)
    square = ox.kron(*squares([2, 3])) @ ox.commutation_matrix(2, 3)
    for f in (np.linalg.eigvals, np.linalg.eig, np.linalg.qr):
        is_numpys(f, square)
    k = ox.commutation_matrix(2, 2)  # symmetric, of identity factors
    for f in (np.linalg.eigvalsh, np.linalg.eigh):
        is_numpys(f, k)


# --- eigenvalues ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("c", [1, -2, 1 + 2j])
def test_eig(dtype, c):
    op, dense = scaled(squares([3, 1, 2], dtype), c)
    values, vectors = result = np.linalg.eig(op)
    expected = np.linalg.eig(dense)
    assert type(result) is type(expected)
    scale = np.abs(dense).sum()
    distance = np.abs(values[:, None] - expected.eigenvalues)
    tolerance = 100 * rounding(expected.eigenvalues) * scale
    if dtype not in ("int8", "bool"):  # whose small integers make defective matrices
        assert distance.min(axis=0).max() < tolerance
        assert distance.min(axis=1).max() < tolerance
        assert values.dtype == expected.eigenvalues.dtype
    assert vectors.dtype == values.dtype
    v = vectors.toarray()
    assert_close(dense @ v, v * values, scale=scale, steps=100)
    assert_close(np.linalg.norm(v, axis=0), np.ones(6, values.real.dtype), steps=10)
    close(np.linalg.eigvals(op), values, scale, steps=100)


def test_eigenvalues_in_kronecker_order():
    a, b = np.diag([1.0, 10.0]), np.diag([3.0, 2.0])
    assert np.linalg.eigvals(ox.kron(a, b)).tolist() == [3, 2, 30, 20]
    values, vectors = np.linalg.eig(-ox.kron(a, b))
    assert values.tolist() == [-3, -2, -30, -20]
    assert type(vectors) is KroneckerProduct


TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


def test_real_eigenvalues_of_factors_with_complex_ones():
    op = ox.kron(TURN, TURN)  # i·i = -1
    values, vectors = np.linalg.eig(op.toarray())
    if values.dtype.kind == "c":  # since NumPy 2.5
        assert_close(np.sort_complex(np.linalg.eigvals(op)), np.sort_complex(values), steps=10)
        assert np.linalg.eig(op).eigenvectors.dtype == vectors.dtype
        return
    for f in (np.linalg.eigvals, np.linalg.eig):
        is_numpys(f, op)


def test_complex_eigenvalues_of_real_products():
    complex_values = np.linalg.eigvals(ox.kron(TURN, [[1.0, 1.0], [-1.0, 1.0]]))
    assert complex_values.dtype == complex
    complex64 = np.linalg.eig(ox.kron(TURN.astype("f"), np.eye(2, dtype="f"))).eigenvectors
    assert complex64.dtype == np.complex64


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("c", [1, -2])
@pytest.mark.parametrize("UPLO", ["L", "U", "l"])
def test_eigh(dtype, c, UPLO):
    factors = [hermitian(n, dtype, n) for n in (2, 1, 3)]
    if dtype == "int8":
        c = np.int8(c)  # which stays in the dtype's range
    op, dense = scaled(factors, c)
    expected = np.linalg.eigh(dense, UPLO)
    values, vectors = result = np.linalg.eigh(op, UPLO)
    assert type(result) is type(expected)
    scale = np.abs(dense.astype(complex)).sum()
    close(values, expected.eigenvalues, scale)
    close(np.linalg.eigvalsh(op, UPLO), expected.eigenvalues, scale)
    assert vectors.dtype == expected.eigenvectors.dtype
    is_unitary(vectors, values.dtype)
    v = vectors.toarray()
    assert_close(dense @ v, v * values, scale=scale, steps=10)
    assert_close(np.linalg.inv(vectors) @ v, np.eye(6), steps=100, data=(values,))


def test_only_hermitian_factors_are_taken_for_hermitian():
    a, b = matrix(2, 2), hermitian(3)
    skew = np.array([[0, 1], [-1, 0]])
    for op in (ox.kron(a, b), ox.kron(skew, skew), 1j * ox.kron(b, b)):
        for UPLO in "LU":
            is_numpys(lambda x, UPLO=UPLO: np.linalg.eigvalsh(x, UPLO), op)
            is_numpys(lambda x, UPLO=UPLO: np.linalg.eigh(x, UPLO), op)
    with falls_back(), pytest.raises(ValueError, match="UPLO"):
        np.linalg.eigh(ox.kron(b, b), "X")


# --- triangular factors --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int64"])
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(dtype, upper):
    a, b = definite(2, dtype, 1), definite(3, dtype, 2)
    for op, dense in (
        (ox.kron(a, b), kron(a, b)),
        (2 * ox.kron(-a, -b), 2 * kron(a, b)),
        (-3 * ox.kron(a, np.eye(1, dtype=dtype), -b), 3 * kron(a, b)),
    ):
        expected = np.linalg.cholesky(dense, upper=upper)
        result = np.linalg.cholesky(op, upper=upper)
        assert type(result) is KroneckerProduct
        close(result, expected, np.abs(expected).max(), steps=20 * np.linalg.cond(dense))


@pytest.mark.parametrize(
    "op",
    [
        -ox.kron(definite(2), definite(3)),
        ox.kron(definite(2), -definite(3)),
        ox.kron(definite(2), np.diag([1.0, -1.0])),
        ox.kron(np.diag([0.0, 1.0]), definite(2)),
        0 * ox.kron(definite(2), definite(2)),
    ],
)
def test_cholesky_of_what_is_not_definite(op):
    with pytest.raises(LinAlgError, match="not positive definite"):
        np.linalg.cholesky(op)
    with pytest.raises(LinAlgError, match="not positive definite"):
        np.linalg.cholesky(op.toarray())


def test_cholesky_reads_one_triangle():
    a = definite(2)
    a[0, 1] += 0.25  # above the diagonal
    op = ox.kron(a, definite(2))
    with falls_back():
        result = np.linalg.cholesky(op)
    np.testing.assert_array_equal(result, np.linalg.cholesky(op.toarray()))
    with falls_back(), pytest.raises(LinAlgError, match="square"):
        np.linalg.cholesky(ox.kron(matrix(2, 3), a))


@pytest.mark.parametrize("mode", ["reduced", "complete", "r", "raw"])
@pytest.mark.parametrize("shapes", [[(3, 2), (2, 2)], [(2, 3), (2, 3)], [(2, 3), (3, 2)]])
def test_qr_is_numpys(mode, shapes):
    op = ox.kron(*(matrix(*s, seed=k) for k, s in enumerate(shapes)))
    is_numpys(lambda a: np.linalg.qr(a, mode), op)


@pytest.fixture
def nothing_dense():
    ox.set_max_dense(0)
    yield
    ox.set_max_dense(None)


@pytest.mark.parametrize("shapes", [[(3, 2), (4, 3)], [(3, 3), (2, 2)], [(2, 4), (3, 3)]])
@pytest.mark.parametrize("dtype", ["float32", "complex128", "int8"])
def test_qr_of_what_is_too_large_to_form(nothing_dense, shapes, dtype):
    factors = [matrix(*s, dtype, 3 + k) for k, s in enumerate(shapes)]
    op, dense = -2 * ox.kron(*factors), -2 * kron(*factors).astype("D" if "c" in dtype else "d")
    q, r = np.linalg.qr(op)
    r_alone = np.linalg.qr(op, "r")
    expected = np.linalg.qr(dense)
    assert q.shape == expected.Q.shape
    assert r.shape == expected.R.shape
    ox.set_max_dense(None)
    q, r, r_alone = (x.toarray() for x in (q, r, r_alone))
    np.testing.assert_array_equal(r_alone, r)
    signs = np.diagonal(expected.R) / np.abs(np.diagonal(expected.R))
    tolerance = {"scale": np.abs(expected.R).max(), "steps": 1000, "data": (r,)}
    assert_close(q * signs, expected.Q, **tolerance)
    assert_close(signs.conj()[:, None] * expected.R, r, **tolerance)
    np.testing.assert_array_equal(r, np.triu(r))
    assert (np.diagonal(r).real > 0).all()


@pytest.mark.parametrize(
    "op",
    [
        ox.kron(matrix(2, 2), matrix(2, 3)),  # R would not be the one of a full rank block
        ox.kron(np.ones((2, 2)), matrix(2, 2)),  # not unique
        ox.kron(matrix(2, 2), matrix(3, 3)) @ ox.commutation_matrix(3, 2),
        0 * ox.kron(matrix(2, 2), matrix(2, 2)),
    ],
)
def test_qr_without_structure_needs_the_dense_array(nothing_dense, op):
    with pytest.warns(ox.DenseFallbackWarning), pytest.raises(MemoryError, match="GiB"):
        np.linalg.qr(op)


# --- determinants --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("c", [1, -2, 1 + 2j, 0])
def test_determinants(dtype, c):
    op, dense = scaled([*squares([2, 3], dtype, seed=20), np.eye(2, dtype=dtype)], c)
    size = np.prod(np.linalg.norm(dense.astype(complex), axis=0))
    close(np.linalg.det(op), np.linalg.det(dense), size, steps=100)
    expected, result = np.linalg.slogdet(dense), np.linalg.slogdet(op)
    assert type(result) is type(expected)
    if expected.sign == 0 or result.sign == 0:
        assert result.sign == 0
        assert result.logabsdet == -np.inf
        return
    close(result.sign, expected.sign, 1, steps=100)
    close(result.logabsdet, expected.logabsdet, 10, steps=100)


@pytest.mark.parametrize(("m", "n"), [(2, 2), (2, 3), (3, 3), (3, 2), (1, 4), (6, 2), (3, 7)])
def test_determinants_of_permuted_products(m, n):
    k = ox.commutation_matrix(m, n)
    assert np.linalg.det(k) == round(np.linalg.det(commutation(m, n)))
    a, b = squares([n, m])
    for op in (k @ ox.kron(a, b), ox.kron(b, a) @ k, ox.kron(np.eye(2), k)):
        dense = op.toarray()
        assert_close(np.linalg.det(op), np.linalg.det(dense), steps=1000)
        assert np.linalg.slogdet(op).sign == np.linalg.slogdet(dense).sign


def test_determinants_of_any_size():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 300, 300))
    op = ox.kron(a, b)
    sign, log = np.linalg.slogdet(op)
    each = [np.linalg.slogdet(x) for x in (a, b)]
    assert sign == 1
    assert_close(log, 300 * (each[0].logabsdet + each[1].logabsdet), steps=100)
    with np.errstate(over="raise"):
        assert np.linalg.det(op) == np.inf
        assert np.linalg.det(1e-30 * op) == 0
    small = ox.kron(1e-150 * np.eye(50), 1e150 * np.eye(50), np.eye(400))  # 1, and of size 10⁶
    assert_close(np.linalg.det(small), 1.0, steps=1e8)
    unit = np.exp(0.3j) * np.eye(2)
    assert abs(np.linalg.slogdet(ox.kron(unit, ox.identity(100_000))).sign) == 1.0


# --- norms ---------------------------------------------------------------------------------------

ORDERS = [None, "fro", "f", "nuc", 1, -1, 2, np.inf, -np.inf]


@given(factor_lists(max_factors=3), coefficients)
def test_norms(factors, c):
    op, dense = scaled(factors, c)
    if op.size == 0:
        is_numpys(np.linalg.norm, op)
        is_numpys(lambda a: np.linalg.norm(a, 1), op)
        return
    size = np.linalg.norm(dense.astype(complex)) * max(dense.shape)
    for order in ORDERS:
        close(np.linalg.norm(op, order), np.linalg.norm(dense, order), size)
    for kwargs in (
        {"axis": (0, 1), "ord": 1},
        {"axis": (1, 0), "ord": 1},
        {"axis": (-2, -1), "keepdims": True},
        {"keepdims": True},
        {"axis": 0},
        {"axis": -1, "ord": 1, "keepdims": True},
        {"axis": 0, "ord": np.inf},
        {"axis": 1, "ord": 3},
        {"axis": (1,), "ord": 0},
    ):
        close(np.linalg.norm(op, **kwargs), np.linalg.norm(dense, **kwargs), size)
    for kwargs in ({}, {"ord": 1}, {"ord": 3, "keepdims": True}, {"ord": 0}, {"axis": 1}):
        close(np.linalg.vector_norm(op, **kwargs), np.linalg.vector_norm(dense, **kwargs), size)
    close(np.linalg.matrix_norm(op, ord=1), np.linalg.matrix_norm(dense, ord=1), size)
    close(np.linalg.matrix_norm(op, keepdims=True), np.linalg.matrix_norm(dense)[None, None], size)


def test_norms_with_errors():
    op = ox.kron(matrix(2, 2), matrix(2, 2))
    for f in (
        lambda a: np.linalg.norm(a, "x"),
        lambda a: np.linalg.norm(a, 3),
        lambda a: np.linalg.norm(a, axis=[0, 1]),
    ):
        with falls_back(), pytest.raises((ValueError, TypeError)):
            f(op)
        with pytest.raises((ValueError, TypeError)):
            f(op.toarray())
    with pytest.raises(np.exceptions.AxisError):
        np.linalg.norm(op, axis=2)


def test_smallest_singular_values():
    op, dense = scaled(squares([2, 3]), 2)
    assert_close(np.linalg.norm(op, -2), np.linalg.norm(dense, -2), steps=1000)
    for p in (None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"):
        result, expected = np.linalg.cond(op, p), np.linalg.cond(dense, p)
        close(result, expected, expected, steps=100 * np.linalg.cond(dense))
    tall = ox.kron(matrix(3, 2), matrix(4, 2))
    assert_close(np.linalg.cond(tall), np.linalg.cond(tall.toarray()), steps=100)
    mixed = ox.kron(matrix(2, 3), matrix(3, 2))  # zeros that are no products: by rounding
    for f in (np.linalg.cond, lambda a: np.linalg.norm(a, -2)):
        with falls_back():
            f(mixed)
    with falls_back(), pytest.raises(LinAlgError, match="square"):
        np.linalg.cond(tall, 1)
    assert np.linalg.cond(ox.kron(np.zeros((2, 2)), np.eye(2)), 1) == np.inf
    assert np.linalg.cond(ox.kron(np.zeros((2, 2)), np.diag([1.0, 0.0])), -2) == np.inf  # 0/0
    with falls_back():
        assert np.linalg.cond(0 * op) == np.inf
    float32 = np.linalg.cond(op.astype(np.float32))
    assert float32.dtype == np.float32


def test_identity_factors_are_not_formed():
    n = 10**6
    op = ox.kron(ox.identity(n), [[3.0, 0.0], [4.0, 5.0]])
    assert_close(np.linalg.norm(op), math.sqrt(50 * n))
    assert np.linalg.norm(op, 1) == 7
    assert np.linalg.cond(op, 1) == np.linalg.cond([[3.0, 0.0], [4.0, 5.0]], 1)
    assert_close(np.linalg.slogdet(op).logabsdet, n * math.log(15), steps=100)
    assert np.linalg.eigvals(op)[-2:].tolist() == [5, 3]
    u, s, _vh = np.linalg.svd(op)
    assert u.shape == (2 * n, 2 * n)
    assert_close(s[::n], [math.sqrt(45), math.sqrt(5)])
    assert np.linalg.matrix_rank(op) == 2 * n
    assert np.linalg.pinv(op).shape == (2 * n, 2 * n)


# --- pseudo-inverses and least squares -----------------------------------------------------------


@given(factor_lists(max_factors=3), coefficients)
def test_pinv(factors, c):
    op, dense = scaled(factors, c)
    if op.size == 0:
        with falls_back():
            assert np.linalg.pinv(op).shape == dense.T.shape
        return
    expected = np.linalg.pinv(dense, rcond=1e-4)  # between rounding and these factors' values
    size = np.abs(expected).max(initial=0)
    kept = np.linalg.cond(dense) if np.linalg.matrix_rank(dense) == min(dense.shape) else 1e4
    result = np.linalg.pinv(op, rcond=1e-4)
    assert result.shape == expected.shape
    close(result, expected, size, steps=max(dense.shape) * min(kept, 1e4))
    assert (result.in_shape, result.out_shape) == (op.out_shape, op.in_shape)
    by_method = op.pinv()
    assert_close(
        (op @ by_method @ op).toarray(),
        dense,
        scale=np.abs(dense).max(),
        steps=1e4,
        data=(expected,),
    )


def test_pinv_cuts_at_the_tolerance_of_the_whole_matrix():
    a, b = np.diag([1.0, 1e-2]), np.diag([1.0, 1e-2, 0.0])
    op, dense = ox.kron(a, b), kron(a, b)
    for rcond in (1e-3, 5e-3, 0.5, 2.0, 1e-15):  # 1e-3 drops the product 1e-4 alone
        result = np.linalg.pinv(op, rcond)
        assert_close(result.toarray(), np.linalg.pinv(dense, rcond), steps=100)
    assert isinstance(np.linalg.pinv(op, 1e-3).chain[1], Diagonal)
    assert type(np.linalg.pinv(op, 0.5)) is KroneckerProduct
    assert type(np.linalg.pinv(op, rtol=1e-15)) is KroneckerProduct
    assert_close(
        np.linalg.pinv(op, rtol=None).toarray(), np.linalg.pinv(dense, rtol=None), steps=10
    )
    assert_close(np.linalg.pinv(op, hermitian=True).toarray(), np.linalg.pinv(dense), steps=10)
    with falls_back(), pytest.raises(ValueError, match="both set"):
        np.linalg.pinv(op, 1e-3, rtol=1e-3)
    with falls_back():
        np.linalg.pinv(ox.kron(matrix(2, 2), b), hermitian=True)
    integers = ox.kron([[1, 2]], [[3, 4]])
    for x in (integers, integers.toarray()):
        with pytest.raises(ValueError, match=r"not inexact|not compatible with finfo"):
            np.linalg.pinv(x, rtol=None)
    c = ox.kron(a * 1j, b) * (2 - 1j)
    assert_close(np.linalg.pinv(c, 1e-3).toarray(), np.linalg.pinv(c.toarray(), 1e-3), steps=10)


def test_a_cutoff_just_below_the_largest_value():
    rcond = np.nextafter(1.0, 0.0)
    for seed in range(20):
        op = ox.kron(*squares([2, 3, 2], seed=seed))
        rank = np.linalg.matrix_rank(np.linalg.pinv(op, rcond).toarray())
        assert rank == 1


def test_pinv_of_other_operators():
    d = ox.diagonal([2.0, 0.0, 1e-20])
    assert d.pinv().toarray().tolist() == np.diag([0.5, 0, 0]).tolist()
    picked = Selection(np.array([2, -1, 0]), 3)
    np.testing.assert_array_equal(picked.pinv().toarray(), picked.toarray().T)
    total = ox.kronecker_sum(matrix(2, 2), matrix(2, 2))
    with falls_back():
        result = total.pinv()
    assert_close(result.toarray(), np.linalg.pinv(total.toarray()), steps=1000)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", "int64"])
@pytest.mark.parametrize(
    "shapes", [[(3, 2), (4, 2)], [(2, 3), (2, 3)], [(2, 2), (3, 3)], [(2, 3), (3, 2)]]
)
@pytest.mark.parametrize("columns", [(), (1,), (3,), (0,)])
def test_lstsq(dtype, shapes, columns):
    op, dense = scaled([matrix(*s, dtype, k) for k, s in enumerate(shapes)], 2)
    b = np.random.default_rng(0).standard_normal((len(dense), *columns))
    deficient = shapes[0] == (2, 3) and shapes[1] == (3, 2)
    for rcond in (None, 0.2, -1):
        if deficient and (rcond == -1 or dtype == "float32"):
            continue  # what rounding leaves of zeros counts: see the next test
        result, expected = np.linalg.lstsq(op, b, rcond), np.linalg.lstsq(dense, b, rcond)
        assert result[2] == expected[2]
        assert type(result[2]) is type(expected[2])
        scale = np.abs(expected[0]).max(initial=0)
        close(result[0], expected[0], scale, steps=1000, data=(dense,))
        close(result[1], expected[1], np.sum(b**2), steps=100, data=(dense,))
        close(result[3], expected[3], expected[3].max(), steps=10, data=(dense,))


def test_ranks_that_rounding_decides_are_numpys():
    a = np.ones((2, 2), np.float32) / 3
    for op in (ox.kron(a, matrix(3, 3, "float32")), ox.kron(matrix(2, 3, "float32"), a)):
        dense = op.toarray()
        with falls_back():  # NumPy's tolerance is of float64, the entries' rounding of float32
            np.testing.assert_array_equal(np.linalg.pinv(op), np.linalg.pinv(dense))
        with falls_back():
            result = np.linalg.lstsq(op, np.ones(len(dense)))
        np.testing.assert_array_equal(result[0], np.linalg.lstsq(dense, np.ones(len(dense)))[0])
        close(np.linalg.pinv(op, 1e-3), np.linalg.pinv(dense, 1e-3), 100, steps=100)


def test_lstsq_with_other_operands():
    singular = ox.kron(np.diag([1.0, 0.0]), np.diag([1.0, 2.0]))
    assert np.linalg.lstsq(singular, np.ones(4), -1)[2] == 2  # a negative rcond is rounding
    assert np.linalg.lstsq(singular.toarray(), np.ones(4), -1)[2] == 2
    op = ox.kron(matrix(3, 2), matrix(2, 2))
    complex_b = np.ones(6) * (1 + 1j)
    result, expected = (np.linalg.lstsq(x, complex_b)[0] for x in (op, op.toarray()))
    close(result, expected, 10)
    with pytest.raises(LinAlgError, match=r"Incompatible dimensions.*\(6, 4\).*\(5,\)"):
        np.linalg.lstsq(op, np.ones(5))
    with falls_back():
        np.linalg.lstsq(op.toarray(), ox.identity(6))
    with falls_back(), pytest.raises(LinAlgError, match="must be two-dimensional"):
        np.linalg.lstsq(op, np.ones((6, 1, 1)))


# --- ranges, and what has no structure -----------------------------------------------------------


def test_parts_may_leave_the_range_where_the_whole_does_not():
    a, b = matrix(2, 2), matrix(3, 3)
    op, dense = ox.kron(1e200 * a, 1e-200 * b), kron(a, b)
    for f in (
        np.linalg.svdvals,
        np.linalg.det,
        np.linalg.norm,
        np.linalg.cond,
        lambda x: np.linalg.norm(x, "nuc"),
        lambda x: np.linalg.slogdet(x)[1],
        lambda x: np.sort_complex(np.asarray(np.linalg.eigvals(x), complex)),
        lambda x: np.asarray(np.linalg.pinv(x)),
        lambda x: np.asarray(np.linalg.inv(x)),
        lambda x: np.linalg.lstsq(x, np.ones(6))[0],
    ):
        assert_close(f(op), f(dense), steps=1e3)


def test_partial_products_may_leave_the_range():
    a, b = 1e150 * matrix(2, 2), matrix(3, 3)
    op, dense = ox.kron(a, a, b, 1e-300 * np.eye(1)), 1e-300 * kron(a, a / 1e150, b) * 1e150
    for f in (np.linalg.svdvals, np.linalg.det, np.linalg.norm, np.linalg.matrix_rank):
        assert_close(f(op), f(dense), steps=1e3)


def test_entries_that_leave_the_range_are_numpys():
    huge = ox.kron(1e200 * np.eye(2), 1e200 * np.eye(2))
    with falls_back():
        assert np.linalg.norm(huge) == np.inf
    gone = ox.kron(1e-200 * np.eye(2), 1e-200 * np.eye(2))
    with falls_back():
        assert np.linalg.slogdet(gone).logabsdet == -np.inf
    half = ox.kron(np.diag([1, 1e-200]), np.diag([1, 1e-200]))  # 1e-400 is 0
    for f in (np.linalg.inv, lambda a: np.linalg.matrix_power(a, -2)):
        with falls_back(), pytest.raises(LinAlgError, match="Singular"):
            f(half)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_entries_that_are_not_finite_are_numpys(value):
    a = np.eye(2)
    a[0, 0] = value
    op = ox.kron(a, np.eye(3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for f in (np.linalg.eig, np.linalg.eigvals):
            with falls_back(), pytest.raises(LinAlgError, match="infs or NaNs"):
                f(op)
        for f in (np.linalg.norm, np.linalg.det, np.linalg.inv):
            with falls_back():
                result = f(op)
            np.testing.assert_array_equal(result, f(op.toarray()))


def test_zero_sizes():
    op = ox.kron(np.zeros((0, 0)), np.eye(2))
    for f in (np.linalg.det, np.linalg.svdvals, np.linalg.eigvals, np.linalg.matrix_rank):
        is_numpys(f, op)
    with falls_back(), pytest.raises(LinAlgError, match="empty"):
        np.linalg.cond(op)


@pytest.mark.parametrize(
    "f", [np.linalg.det, np.linalg.eig, np.linalg.eigvalsh, np.linalg.slogdet, np.linalg.cholesky]
)
def test_rectangular_operators_are_numpys_errors(f):
    with falls_back(), pytest.raises(LinAlgError, match="square"):
        f(ox.kron(matrix(2, 3), matrix(2, 2)))


def test_operators_as_factors():
    d, a = np.array([1.0, -2.0, 3.0]), hermitian(2)
    op, dense = ox.kron(a, ox.diagonal(d)), kron(a, np.diag(d))
    assert_close(np.linalg.eigvalsh(op), np.linalg.eigvalsh(dense), steps=10)
    assert_close(np.linalg.det(op), np.linalg.det(dense), steps=100)
    assert_close(np.linalg.pinv(op).toarray(), np.linalg.pinv(dense), steps=100)


def test_more_factors_than_arrays_have_dimensions():
    a = hermitian(3)
    op, ones = ox.kron(*[[[1.0]]] * 70, a), [f(a) for f in (np.linalg.eigvalsh, np.linalg.norm)]
    assert_close(np.linalg.eigvalsh(op), ones[0], steps=10)
    assert_close(np.linalg.norm(op), ones[1], steps=100)
    u, s, vh = np.linalg.svd(op)
    assert_close(u @ (s[:, None] * vh.toarray()), a, steps=10)


def test_sums_have_none_of_these():
    op = ox.kron(*squares([2, 2])) + ox.kron(*squares([2, 2], seed=5))
    for f in (np.linalg.svdvals, np.linalg.cond, np.linalg.matrix_rank, np.linalg.qr):
        with falls_back():
            f(op)


# --- large ---------------------------------------------------------------------------------------


def test_a_million_rows():
    """Factors 1000×1000: the dense array would have 8 TB."""
    rng = np.random.default_rng(0)
    a = definite(1000, seed=1) / 1000
    op, x = ox.kron(a, a), rng.standard_normal(1_000_000)
    lower = np.linalg.cholesky(op)
    assert_close(lower @ (lower.T @ x), op @ x, steps=1000)
    assert_close(np.linalg.slogdet(op).logabsdet, 2e3 * np.linalg.slogdet(a).logabsdet, steps=100)
    assert_close(np.linalg.norm(op), np.linalg.norm(a) ** 2, steps=100)
    assert_close(np.linalg.trace(op), np.trace(a) ** 2, steps=1000)


def test_vectors_of_ten_thousand_rows(nothing_dense):
    a, b = definite(100, seed=1), definite(120, seed=2)
    op, x = ox.kron(a, b), matrix(12_000, 1)
    ox.set_max_dense(12_000 * 16)  # the values, and nothing larger
    values, vectors = np.linalg.eigh(op)
    assert_close(vectors @ (values[:, None] * (vectors.T @ x)), op @ x, steps=1000)
    u, s, vh = np.linalg.svd(op)
    assert_close(u @ (s[:, None] * (vh @ x)), op @ x, steps=1000)
    values, vectors = np.linalg.eig(op)
    assert_close(op @ (vectors @ x), vectors @ (values[:, None] * x), steps=1e4)
    q, r = np.linalg.qr(op)
    assert_close(q @ (r @ x), op @ x, steps=1000)
    assert_close(np.linalg.pinv(op) @ (op @ x), x, steps=1e6)


def test_a_chain_with_a_vector_is_never_formed():
    a = matrix(100, 100)
    op, x = ox.kron(a, a), matrix(10_000, 1)
    assert_close(np.linalg.multi_dot([op, op.T, x]), op @ (op.T @ x), steps=100)
    assert_close(np.linalg.multi_dot([x[:, 0], op, op]), (x[:, 0] @ op) @ op, steps=100)
    assert_close(np.linalg.multi_dot([x[:, 0], op, x[:, 0]]), x[:, 0] @ (op @ x[:, 0]), steps=100)
    assert isinstance(np.linalg.multi_dot([op, op, op]), LinearOperator)


def test_stacked_right_hand_sides():
    op, dense = scaled(squares([2, 3]), 1)
    for shape in ((6,), (6, 2), (4, 6, 2), (2, 0, 6, 1)):
        b = np.random.default_rng(1).standard_normal(shape)
        assert_close(np.linalg.solve(op, b), np.linalg.solve(dense, b), steps=1e3)
    for shape in ((), (5,), (5, 6), (3, 2), (2, 3)):  # (3, 2) is out_shape
        with pytest.raises(ValueError, match="solve: b has shape"):
            np.linalg.solve(op, np.ones(shape))
        with pytest.raises((ValueError, LinAlgError)):
            np.linalg.solve(dense, np.ones(shape))


def test_powers_keep_the_dtype():
    for dtype in DTYPES:
        op, dense = scaled(squares([2, 2], dtype), 1)
        for n in (0, 1, 2, 5):
            result, expected = np.linalg.matrix_power(op, n), np.linalg.matrix_power(dense, n)
            assert result.dtype == expected.dtype
            np.testing.assert_allclose(result.toarray(), expected, rtol=1e-4, atol=1e-4)
    for n, error in ((1.5, TypeError), ("2", TypeError)):
        with pytest.raises(error):
            np.linalg.matrix_power(op, n)
    op = ox.kron(*squares([2, 3]))
    expected = np.linalg.matrix_power(op.toarray(), -2)
    assert_close(np.linalg.matrix_power(op, -2).toarray(), expected, steps=1e4)
