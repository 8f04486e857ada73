"""Linear algebra of diag(d), which is read off d, beside NumPy's of the dense array."""

import contextlib
import warnings

import numpy as np
import pytest
from numpy.linalg import LinAlgError

import otimes as ox
from otimes import _diagonal_functions

DIAGONALS = {
    "real": np.array([3.0, -1.0, 2.0, -5.0, 0.5]),
    "positive": np.array([3.0, 1.0, 2.0]),
    "complex": np.array([3.0 + 1j, -1.0, 2j, 1 - 1j]),
    "float32": np.array([3.0, -1.0, 2.0], np.float32),
    "complex64": np.array([3.0 + 1j, -1.0, 2j], np.complex64),
    "complex, all real": np.array([3.0, 1.0, 2.0], complex),
    "integers": np.array([3, -1, 2]),
    "uint8": np.array([3, 200, 2], np.uint8),
    "bool": np.array([True, True]),
    "singular": np.array([3.0, 0.0, -2.0, 0.0]),
    "equal": np.array([2.0, -2.0, 2.0]),
    "one": np.array([-4.0]),
    "zeros": np.zeros(3),
    "huge": np.array([1e200, 1e-200, -1e200, 1e-180, 2.0]),
}


@pytest.fixture(params=DIAGONALS.values(), ids=DIAGONALS.keys())
def d(request):
    return request.param


def structured(f, op):
    """f(op) without the dense array."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ox.DenseFallbackWarning)
        return f(op)


@contextlib.contextmanager
def falls_back():
    with pytest.warns(ox.DenseFallbackWarning):
        yield


def assert_same(result, expected, steps=20):
    """Equal but for rounding, entry by entry; of the same type and dtype."""
    assert type(result) is type(expected)
    assert np.asarray(result).dtype == np.asarray(expected).dtype
    eps = np.finfo(np.asarray(expected).dtype).eps if np.asarray(expected).dtype.kind in "fc" else 0
    np.testing.assert_allclose(result, expected, rtol=steps * eps, atol=0)


NUMBERS = {
    "svdvals": np.linalg.svdvals,
    "svd without vectors": lambda a: np.linalg.svd(a, compute_uv=False),
    "eigvals": np.linalg.eigvals,
    "det": np.linalg.det,
    "sign": lambda a: np.linalg.slogdet(a).sign,
    "logabsdet": lambda a: np.linalg.slogdet(a).logabsdet,
    "matrix_rank": np.linalg.matrix_rank,
    "matrix_rank, tol": lambda a: np.linalg.matrix_rank(a, 1.5),
    "matrix_rank, rtol": lambda a: np.linalg.matrix_rank(a, rtol=0.5),
    "matrix_rank, many": lambda a: np.linalg.matrix_rank(a, [0.5, 1.5]),
    **{f"norm {k}": lambda a, k=k: np.linalg.norm(a, k) for k in (None, "fro", "nuc", 1, -1, 2)},
    **{f"norm {k}": lambda a, k=k: np.linalg.norm(a, k) for k in (-2, np.inf, -np.inf)},
    "matrix_norm": lambda a: np.linalg.matrix_norm(a, ord="nuc"),
    **{f"vector_norm {k}": lambda a, k=k: np.linalg.vector_norm(a, ord=k) for k in (0, 1, 2, 3)},
    "vector_norm inf": lambda a: np.linalg.vector_norm(a, ord=np.inf),
    **{f"cond {k}": lambda a, k=k: np.linalg.cond(a, k) for k in (None, 1, -1, 2, "fro", "nuc")},
    **{f"cond {k}": lambda a, k=k: np.linalg.cond(a, k) for k in (np.inf, -np.inf)},
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name, d):
    f, op, dense = NUMBERS[name], ox.diagonal(d), np.diag(d)
    if name.startswith("cond") and not d.all() and not (name[5:] in ("None", "2") and d.any()):
        pytest.skip("left to NumPy")
    with np.errstate(all="ignore"):
        steps = 1000 if name == "det" else 20  # NumPy's is of logarithms
        expected = f(dense)
        if name.startswith("cond"):
            expected = expected.real  # NumPy 2.0: complex of complex matrices
        assert_same(structured(f, op), expected, steps)


def test_smallest_condition(d):
    """σ_min/σ_max, which NumPy computes by decomposing."""
    sizes = np.abs(d.astype(np.result_type(d, np.float32)))
    if sizes.all():
        assert np.isclose(
            structured(lambda a: np.linalg.cond(a, -2), ox.diagonal(d)),
            1 / np.linalg.cond(np.diag(d)),
        )


def test_det_whose_partial_products_leave_the_range():
    assert np.isclose(np.linalg.det(ox.diagonal([1e200, 1e200, 1e-200, 1e-199])), 10.0)
    assert np.isclose(np.linalg.det(ox.diagonal([1e-200, 1e-200, 1e200, -1e201])), -10.0)
    assert np.linalg.det(ox.diagonal([1e-200, 0.0, 1e200])) == 0
    assert np.linalg.det(ox.diagonal([1e200, -1e200])) == -np.inf


def test_eig(d):
    op, dense = ox.diagonal(d), np.diag(d)
    values, vectors = structured(np.linalg.eig, op)
    expected = np.linalg.eig(dense)
    assert_same(values, expected.eigenvalues)
    assert vectors.dtype == expected.eigenvectors.dtype
    np.testing.assert_array_equal(vectors, expected.eigenvectors)


def is_hermitian(d):
    return not np.iscomplex(d).any()


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_eigh(d, uplo):
    op, dense = ox.diagonal(d), np.diag(d)
    if not is_hermitian(d):
        with falls_back():  # NumPy takes one triangle of any matrix
            assert_same(np.linalg.eigvalsh(op, uplo), np.linalg.eigvalsh(dense, uplo))
        return
    expected = np.linalg.eigh(dense, uplo)
    assert_same(structured(lambda a: np.linalg.eigvalsh(a, uplo), op), expected.eigenvalues)
    values, vectors = structured(lambda a: np.linalg.eigh(a, uplo), op)
    assert_same(values, expected.eigenvalues)
    assert vectors.dtype == expected.eigenvectors.dtype
    np.testing.assert_array_equal(vectors @ np.diag(values) @ vectors.T, dense)
    np.testing.assert_array_equal((vectors.T @ vectors).toarray(), np.eye(len(d)))


@pytest.mark.parametrize("hermitian", [False, True])
def test_svd(d, hermitian):
    op, dense = ox.diagonal(d), np.diag(d)
    if hermitian and not is_hermitian(d):
        with falls_back():
            np.linalg.svd(op, hermitian=True)
        return
    u, s, vh = result = structured(lambda a: np.linalg.svd(a, hermitian=hermitian), op)
    expected = np.linalg.svd(dense)
    assert type(result) is type(expected)
    assert_same(s, expected.S)
    assert (u.dtype, vh.dtype) == (expected.U.dtype, expected.Vh.dtype)
    eps = np.finfo(u.dtype).eps
    np.testing.assert_allclose((u @ np.diag(s) @ vh), dense, rtol=4 * eps, atol=0)
    np.testing.assert_allclose((u.H @ u).toarray(), np.eye(len(d)), atol=4 * eps)
    np.testing.assert_array_equal((vh @ vh.H).toarray(), np.eye(len(d)))


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("name", ["positive", "complex, all real", "bool", "uint8"])
def test_cholesky(name, upper):
    op, dense = ox.diagonal(DIAGONALS[name]), np.diag(DIAGONALS[name])
    root = structured(lambda a: np.linalg.cholesky(a, upper=upper), op)
    expected = np.linalg.cholesky(dense, upper=upper)
    assert root.dtype == expected.dtype
    np.testing.assert_array_equal(root, expected)


def test_cholesky_of_what_is_not_definite():
    for name in ("real", "singular", "zeros", "one"):
        with pytest.raises(LinAlgError, match="not positive definite: an entry of its diagonal"):
            np.linalg.cholesky(ox.diagonal(DIAGONALS[name]))
    op = ox.diagonal(DIAGONALS["complex"])
    with falls_back(), pytest.raises(LinAlgError):
        np.linalg.cholesky(op)


@pytest.mark.parametrize("f", _diagonal_functions.RULES.values(), ids=lambda f: f.__name__)
@pytest.mark.parametrize("entries", [[], [1.0, np.nan], [np.inf, 2.0]], ids=str)
def test_what_is_left_to_numpy(f, entries):
    assert f(ox.diagonal(entries)) is NotImplemented
    assert f(ox.kron(np.eye(2), np.eye(2))) is NotImplemented


@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.linalg.norm(a, axis=0),
        lambda a: np.linalg.norm(a, keepdims=True),
        lambda a: np.linalg.matrix_norm(a, keepdims=True),
        lambda a: np.linalg.vector_norm(a, ord=-1),
        lambda a: np.linalg.vector_norm(a, axis=1),
    ],
)
def test_arguments_that_are_left_to_numpy(f):
    op = ox.diagonal(DIAGONALS["real"])
    with falls_back(), np.errstate(divide="ignore"):
        np.testing.assert_allclose(f(op), f(op.toarray()))


def test_wrong_arguments_are_numpys_errors():
    op = ox.diagonal([1.0, 2.0])
    for f in (np.linalg.eigh, np.linalg.eigvalsh):
        with falls_back(), pytest.raises(ValueError, match="UPLO"):
            f(op, "X")
    with falls_back(), pytest.raises(ValueError, match="order"):
        np.linalg.norm(op, 7)


def test_a_million_unknowns():
    """Where the dense array would take 8 TB."""
    d = np.random.default_rng(0).standard_normal(10**6)
    op = ox.diagonal(d)
    values, vectors = np.linalg.eigh(op)
    assert np.array_equal(values, np.sort(d))
    assert np.array_equal(op @ (vectors @ np.ones(10**6)), d)
    assert np.isclose(np.linalg.slogdet(op).logabsdet, np.log(np.abs(d)).sum())
