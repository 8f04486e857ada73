"""A = Z T Z^H: the decomposition in which equations are solved."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from otimes import _core

DTYPES = ["f8", "c16", "f4", "c8"]
SIZES = [*range(71), 74, 75, 76, 77, 99, 100, 101, 127, 128, 129, 150, 200, 300]


def wide(a):
    """In double precision, in which the errors are measured."""
    return a.astype(complex if a.dtype.kind == "c" else float)


def random_matrix(n, dtype, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, n))
    if np.dtype(dtype).kind == "c":
        a = a + 1j * rng.standard_normal((n, n))
    return a.astype(dtype)


def assert_schur_form(t):
    """Upper triangular, but for 2x2 blocks [a b; c a] with b c < 0 of a real T."""
    assert_array_equal(np.tril(t, -2), 0)
    below = np.diagonal(t, -1)
    blocks = np.flatnonzero(below)
    if t.dtype.kind == "c":
        assert blocks.size == 0
    assert np.all(np.diff(blocks) > 1)
    assert_array_equal(t[blocks, blocks], t[blocks + 1, blocks + 1])
    assert_array_equal(np.sign(t[blocks, blocks + 1]), -np.sign(t[blocks + 1, blocks]))


def assert_decomposes(a):
    """Backward stable: of n rotations of every row, each errs by a few units."""
    n, eps = len(a), np.finfo(a.dtype).eps
    t, z = _core.schur(np.asfortranarray(a))
    assert t.dtype == z.dtype == a.dtype
    assert_schur_form(t)
    scale = np.abs(a).max(initial=0) or 1  # so that no square overflows or underflows
    exact, form, basis = wide(a) / scale, wide(t) / scale, wide(z)
    error = np.linalg.norm(exact - basis @ form @ basis.conj().T)
    assert error <= 2 * (n + 10) * eps * np.linalg.norm(exact)
    departure = np.linalg.norm(basis.conj().T @ basis - np.eye(n))
    assert departure <= 6 * (n + 10) * eps
    return t, z


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(200, 100), (100, 200), (170, 20, 90)])
def test_blocks_of_unlike_sizes(dtype, sizes):
    """The iteration comes to the last block first, whose windows are smaller than the others'."""
    a = np.zeros((sum(sizes), sum(sizes)), dtype)
    for k, end in enumerate(np.cumsum(sizes)):
        a[end - sizes[k] : end, end - sizes[k] : end] = random_matrix(sizes[k], dtype, seed=k)
    assert_decomposes(a)


def eigenvalues_of(t):
    """The diagonal of T, and a +- i sqrt(-bc) of its blocks."""
    values = np.diagonal(t).astype(complex)
    for k in np.flatnonzero(np.diagonal(t, -1)):
        root = np.sqrt(-t[k, k + 1] * t[k + 1, k])
        values[k : k + 2] += 1j * root, -1j * root
    return values


def assert_same_values(actual, expected, tolerance):
    """Each eigenvalue is near one of the other set, taken in turn."""
    left = list(expected)
    for value in actual:
        nearest = int(np.argmin(np.abs(np.array(left) - value)))
        assert abs(left.pop(nearest) - value) <= tolerance


# --- random matrices -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_size(dtype):
    for n in SIZES:
        assert_decomposes(random_matrix(n, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 3, 4])
def test_tiny_matrices_of_small_integers(n, dtype):
    rng = np.random.default_rng(n)
    for _ in range(300):
        assert_decomposes(rng.integers(-2, 3, (n, n)).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [5, 23, 61, 130])
def test_eigenvalues_of_normal_matrices(n, dtype):
    # Of a normal matrix no eigenvalue moves farther than the matrix does.
    rng = np.random.default_rng(n)
    q = np.linalg.qr(wide(random_matrix(n, dtype)))[0]
    if np.dtype(dtype).kind == "c":
        values = rng.standard_normal(n) + 1j * rng.standard_normal(n)
        a = (q * values) @ q.conj().T
    else:
        blocks, values = np.zeros((n, n)), np.zeros(n, complex)
        for k in range(0, n - 1, 2):
            x, y = rng.standard_normal(2)
            blocks[k : k + 2, k : k + 2] = [[x, y], [-y, x]]
            values[k : k + 2] = x + 1j * y, x - 1j * y
        a = q @ blocks @ q.T
    t, _ = assert_decomposes(a.astype(dtype))
    tolerance = 4 * (n + 10) * np.finfo(dtype).eps * np.linalg.norm(a)
    assert_same_values(eigenvalues_of(wide(t)), values, tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [7, 40, 90])
def test_symmetric_matrices_become_diagonal(n, dtype):
    a = random_matrix(n, dtype)
    a = a + a.conj().T
    t, _ = assert_decomposes(a)
    off = wide(t) - np.diag(np.diagonal(wide(t)))
    assert np.linalg.norm(off) <= 4 * (n + 10) * np.finfo(dtype).eps * np.linalg.norm(wide(a))


# --- matrices that are hard, or special ----------------------------------------------------------


def jordan(n):
    return np.eye(n) * 0.7 + np.eye(n, k=1)


def jordan_below(n):
    return jordan(n).T


def companion(n):
    a = np.eye(n, k=-1)
    a[0] = np.random.default_rng(n).standard_normal(n)
    return a


def frank(n):
    i, j = np.indices((n, n))
    return np.where(i <= j, n - j, np.where(i == j + 1, n - j - 1, 0)).astype(float)


def grcar(n):
    return sum(np.eye(n, k=k) for k in range(4)) - np.eye(n, k=-1)


def kahan(n):
    powers = np.sin(1.2) ** np.arange(n)
    return (powers[:, None] * (np.eye(n) - np.cos(1.2) * np.triu(np.ones((n, n)), 1))).T


def wilkinson(n):
    return np.diag(np.abs(np.arange(n) - n // 2) * 1.0) + np.eye(n, k=1) + np.eye(n, k=-1)


def chebspec(n):
    x = np.cos(np.pi * np.arange(n + 1) / n)
    c = np.r_[2, np.ones(n - 1), 2] * (-1.0) ** np.arange(n + 1)
    d = np.outer(c, 1 / c) / (x[:, None] - x + np.eye(n + 1))
    return (d - np.diag(d.sum(axis=1)))[1:, 1:]


def defective(n):
    q = np.linalg.qr(random_matrix(n, "f8", n))[0]
    return q @ (np.diag(np.repeat(np.arange((n + 2) // 3), 3)[:n]) + np.eye(n, k=1)) @ q.T


def graded(n):
    powers = 2.0 ** np.linspace(-26, 26, n).round()
    return random_matrix(n, "f8") * powers[:, None]


def graded_down(n):
    return graded(n)[::-1].T.copy()


def graded_both(n):
    powers = 2.0 ** np.linspace(26, -26, n).round()
    return powers[:, None] * random_matrix(n, "f8") / powers


def triangular(n):
    return np.triu(random_matrix(n, "f8"))


def nearly_triangular(n):
    return triangular(n) + 1e-17 * random_matrix(n, "f8", 1)


def hessenberg(n):
    return np.triu(random_matrix(n, "f8"), -1)


def reducible(n):
    a = hessenberg(n)
    a[np.arange(2, n, 3), np.arange(1, n - 1, 3)] *= 1e-15
    return a


def orthogonal(n):
    return np.linalg.qr(random_matrix(n, "f8"))[0]


def cyclic_shift(n):
    return np.roll(np.eye(n), 1, axis=0)


def permutation(n):
    return np.eye(n)[np.random.default_rng(n).permutation(n)]


def skew(n):
    a = random_matrix(n, "f8")
    return a - a.T


def zero(n):
    return np.zeros((n, n))


def one(n):
    return np.ones((n, n))


def rank_one(n):
    return np.outer(*np.random.default_rng(n).standard_normal((2, n)))


def nilpotent(n):
    q = orthogonal(n)
    return q @ np.triu(random_matrix(n, "f8", 2), 1) @ q.T


def clustered(n):
    q = orthogonal(n)
    return q @ (np.diag(1 + 1e-9 * np.arange(n)) + 1e-6 * np.triu(random_matrix(n, "f8"), 1)) @ q.T


def equal_pairs(n):
    """Conjugate pairs that all coincide."""
    q = orthogonal(n)
    return q @ np.kron(np.eye((n + 1) // 2), [[1, 2], [-2, 1]])[:n, :n] @ q.T


def tiny_corner(n):
    a = random_matrix(n, "f8")
    a[n // 2 :, : n // 2] *= 1e-30
    return a


def hub(n):
    """An arrow: only the first row, the first column and the diagonal."""
    a = np.diag(np.arange(n) * 1.0)
    a[0], a[:, 0] = 1, 1
    return a


SPECIAL = [
    jordan,
    jordan_below,
    companion,
    frank,
    grcar,
    kahan,
    wilkinson,
    chebspec,
    defective,
    graded,
    graded_down,
    graded_both,
    triangular,
    nearly_triangular,
    hessenberg,
    reducible,
    orthogonal,
    cyclic_shift,
    permutation,
    skew,
    zero,
    one,
    rank_one,
    nilpotent,
    clustered,
    equal_pairs,
    tiny_corner,
    hub,
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("family", SPECIAL)
def test_special_matrices(family, dtype):
    for n in (3, 4, 8, 21, 90):
        a = family(n).astype(dtype)
        if a.dtype.kind == "c":
            a = a * np.exp(0.3j * np.arange(n)).astype(dtype)
        assert_decomposes(a)
        assert_decomposes(family(n).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 3, 10, 65])
def test_the_unit_of_the_entries_does_not_matter(n, dtype):
    a = random_matrix(n, dtype)
    largest = np.finfo(dtype).maxexp
    for exponent in (largest - 8, 40 - largest):
        assert_decomposes(a * np.dtype(dtype).type(2.0**exponent))


@pytest.mark.parametrize("dtype", DTYPES)
def test_subnormal_entries(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    n = 12
    a = np.rint(random_matrix(n, dtype).real * 1000) * np.dtype(dtype).type(0).real.dtype.type(tiny)
    t, z = _core.schur(np.asfortranarray(a.astype(dtype)))
    assert_schur_form(t)
    departure = np.linalg.norm(wide(z).conj().T @ wide(z) - np.eye(n))
    assert departure <= 4 * (n + 10) * np.finfo(dtype).eps


def test_eigenvalues_of_different_size_are_each_accurate():
    # Rows graded downwards: the small eigenvalues are determined to their own precision.
    n = 30
    scale = 2.0 ** -np.arange(0, 2 * n, 2)
    a = (np.eye(n) + 0.1 * random_matrix(n, "f8")) * np.minimum.outer(scale, scale)
    t, _ = assert_decomposes(a)
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(60):
        exact = mpmath.eig(mpmath.matrix(a.tolist()), left=False, right=False)
        expected = sorted((complex(v) for v in exact), key=abs)
    values = sorted(eigenvalues_of(t), key=abs)
    assert abs(values[0] - expected[0]) <= 1e-10 * abs(expected[0])


# --- what every result has -----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [9, 80, 140])
def test_results_are_repeatable(n, dtype):
    a = np.asfortranarray(random_matrix(n, dtype))
    t, z = _core.schur(a)
    for _ in range(3):
        again = _core.schur(a)
        assert_array_equal(again[0], t)
        assert_array_equal(again[1], z)


@pytest.mark.parametrize("dtype", DTYPES)
def test_schur_form_is_returned_as_it_is(dtype):
    t, _ = _core.schur(np.asfortranarray(random_matrix(20, dtype)))
    again, z = _core.schur(t)
    assert_array_equal(again, t)
    assert_array_equal(z, np.eye(20))


@pytest.mark.parametrize("dtype", DTYPES)
def test_hessenberg_input_needs_no_reduction(dtype):
    a = np.asfortranarray(np.triu(random_matrix(45, dtype), -1))
    _, z = assert_decomposes(a)
    assert np.count_nonzero(z) > 45 * 40  # and is decomposed all the same


def test_nan_ends():
    for n in (3, 30):
        a = np.asfortranarray(random_matrix(n, "f8"))
        a[n // 2, 1] = np.nan
        with pytest.raises(np.linalg.LinAlgError, match="did not converge"):
            _core.schur(a)
