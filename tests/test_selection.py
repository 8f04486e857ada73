"""Identity, diagonals, the matrices of vec calculus and single matrices as operators."""

import itertools
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import otimes as ox
from oracle import assert_close
from otimes._factor import Factor
from otimes._selection import Symmetrizer
from otimes._terms import Term, from_terms
from otimes._triangles import Duplication, places_of_vech, vech_place
from strategies import DTYPES, LAYOUTS, arrays, sizes
from zoo import assert_equal_for_any_threads

# --- conventions, by literal example -------------------------------------------------------------


def test_commutation_matrix_literal():
    # vec [[1, 3, 5], [2, 4, 6]] = 1..6; vec of its transpose = 1 3 5 2 4 6
    k = ox.commutation_matrix(2, 3)
    assert (k @ [1, 2, 3, 4, 5, 6]).tolist() == [1, 3, 5, 2, 4, 6]
    assert k.toarray().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 1],
    ]
    assert (k.in_shape, k.out_shape) == ((2, 3), (3, 2))


def test_diagonal_literal():
    assert ox.diagonal([1, 2]).toarray().tolist() == [[1, 0], [0, 2]]
    assert (ox.diagonal([1, 2, 3]) @ [1, 10, 100]).tolist() == [1, 20, 300]


def test_identity_literal():
    assert ox.identity(2).toarray().tolist() == [[1, 0], [0, 1]]
    assert (ox.identity(3) @ [1, 2, 3]).tolist() == [1, 2, 3]


def test_aslinearoperator_literal():
    op = ox.aslinearoperator([[1, 2], [3, 4], [5, 6]])
    assert (op @ [1, 10]).tolist() == [21, 43, 65]
    assert (op.in_shape, op.out_shape) == ((2,), (3,))
    assert ox.aslinearoperator(op) is op


# --- laws ----------------------------------------------------------------------------------------


@given(data=st.data(), m=sizes, n=sizes)
def test_commutation_matrix_transposes(data, m, n):
    k = ox.commutation_matrix(m, n)
    a = data.draw(arrays((m, n)))
    moved = k @ ox.vec(a)
    np.testing.assert_array_equal(moved, ox.vec(a.T))
    assert moved.dtype == a.dtype.newbyteorder("=")
    np.testing.assert_array_equal(k(a), a.T)
    np.testing.assert_array_equal(k.toarray(), oracle.commutation(m, n))


@pytest.mark.parametrize(("m", "n"), [(200, 300), (1, 5000), (5000, 1), (33, 65), (64, 64)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", "bool", "int64"])
def test_large_transpositions(m, n, dtype):
    a = (np.arange(m * n).reshape(m, n) % 97).astype(dtype)
    np.testing.assert_array_equal(ox.commutation_matrix(m, n) @ ox.vec(a), ox.vec(a.T))


def test_commutation_of_blocks_in_parallel():
    x = np.random.default_rng(0).standard_normal((60 * 70, 50))
    expected = x.reshape(70, 60, 50).swapaxes(0, 1).reshape(60 * 70, 50)
    k = ox.commutation_matrix(60, 70)
    np.testing.assert_array_equal(k @ x, expected)
    np.testing.assert_array_equal(k @ np.asfortranarray(x), expected)


@given(data=st.data(), n=sizes)
def test_diagonal_multiplies(data, n):
    d = data.draw(arrays((n,)))
    x = data.draw(arrays((n, 2), ["float64", "int64", "complex64"]))
    native = d.astype(d.dtype.newbyteorder("="))
    result = ox.diagonal(d) @ x
    expected = native[:, None] * x
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", [ox.identity, lambda n: ox.commutation_matrix(n // 2, 2)])
def test_selections_keep_the_operands_dtype(make, dtype):
    op = make(6)
    assert (op @ np.ones(6, dtype)).dtype == dtype
    assert (np.ones(6, dtype) @ op).dtype == dtype
    assert op.toarray().dtype == np.float64
    assert op.toarray(dtype=np.int8).dtype == np.int8


def test_structure_is_kept_by_powers_of_itself():
    k = ox.commutation_matrix(3, 4)
    assert type(k.T) is type(k)
    assert k.T.in_shape == (4, 3)
    np.testing.assert_array_equal(k.inv().toarray(), oracle.commutation(4, 3))
    assert (k.inv() @ np.arange(12)).dtype == np.int64
    assert (ox.identity(3).inv() @ np.arange(3)).dtype == np.int64
    np.testing.assert_array_equal(ox.diagonal([2.0, 4.0]).inv().toarray(), np.diag([0.5, 0.25]))


def test_zeros_of_the_structure_are_not_multiplied():
    x = np.array([np.inf, np.nan, 1.0])
    np.testing.assert_array_equal(ox.identity(3) @ x, x)
    np.testing.assert_array_equal(ox.commutation_matrix(3, 1) @ x, x)
    np.testing.assert_array_equal(ox.diagonal([1.0, 2.0, 3.0]) @ x, [np.inf, np.nan, 3.0])
    np.testing.assert_array_equal(
        ox.diagonal([np.inf, 2.0]).toarray(), np.array([[np.inf, 0], [0, 2]])
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_matrices_of_every_layout(layout):
    a = LAYOUTS[layout](np.arange(12.0).reshape(3, 4))
    x = np.arange(4.0)
    np.testing.assert_array_equal(ox.aslinearoperator(a).toarray(), a)
    np.testing.assert_array_equal(ox.aslinearoperator(a) @ x, a @ x)


@pytest.mark.parametrize("make", ["csr_array", "coo_array", "csc_matrix", "dia_matrix"])
def test_sparse_matrices(make):
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.array([[0.0, 2.0], [3.0, 0.0], [0.0, 5.0]])
    op = ox.aslinearoperator(getattr(sparse, make)(dense))
    np.testing.assert_array_equal(op.toarray(), dense)


def test_diagonal_is_a_snapshot():
    d = np.array([1.0, 2.0])
    op = ox.diagonal(d)
    d[0] = 99
    assert (op @ [1, 1]).tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):  # as numpy.diagonal's
        op.diagonal()[0] = 99
    assert (op @ [1, 1]).tolist() == [1, 2]


# --- duplication, elimination, symmetrizer -------------------------------------------------------

S3 = np.array([[1, 2, 3], [2, 5, 6], [3, 6, 9]])
A3 = np.array([[1, 4, 7], [2, 5, 8], [3, 6, 9]])


def test_duplication_literal():
    d = ox.duplication_matrix(3)
    assert (d @ [1, 2, 3, 5, 6, 9]).tolist() == [1, 2, 3, 2, 5, 6, 3, 6, 9]
    assert (d.T @ [1, 2, 3, 4, 5, 6, 7, 8, 9]).tolist() == [1, 6, 10, 5, 14, 9]
    assert (d.pinv() @ [1, 2, 3, 4, 5, 6, 7, 8, 9]).tolist() == [1, 3, 5, 5, 7, 9]
    assert (d.pinv().T @ [1, 2, 4, 3, 6, 5]).tolist() == [1, 1, 2, 1, 3, 3, 2, 3, 5]
    assert (d.in_shape, d.out_shape) == ((6,), (3, 3))
    assert (d.pinv().in_shape, d.pinv().out_shape) == ((3, 3), (6,))
    np.testing.assert_array_equal(d(ox.vech(S3)), S3)
    assert d.pinv().toarray()[:3].tolist() == [
        [1, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0.5, 0, 0.5, 0, 0, 0, 0, 0],
        [0, 0, 0.5, 0, 0, 0, 0.5, 0, 0],
    ]


def test_elimination_literal():
    e = ox.elimination_matrix(3)
    assert (e @ [1, 2, 3, 4, 5, 6, 7, 8, 9]).tolist() == [1, 2, 3, 5, 6, 9]
    assert (e.T @ [1, 2, 3, 5, 6, 9]).tolist() == [1, 2, 3, 0, 5, 6, 0, 0, 9]
    assert e(A3).tolist() == [1, 2, 3, 5, 6, 9]
    assert (e.in_shape, e.out_shape) == ((3, 3), (6,))


def test_symmetrizer_literal():
    n = ox.symmetrizer_matrix(2)
    assert (n @ [1, 2, 4, 8]).tolist() == [1, 3, 3, 8]
    assert n.toarray().tolist() == [[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 1]]
    assert (n.in_shape, n.out_shape) == ((2, 2), (2, 2))


@pytest.mark.parametrize("n", range(1, 13))
def test_the_matrices_are_those_of_statsmodels(n):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tools = pytest.importorskip("statsmodels.tsa.tsatools")
    for ours, theirs in (
        (ox.duplication_matrix(n), tools.duplication_matrix(n)),
        (ox.elimination_matrix(n), tools.elimination_matrix(n)),
        (ox.commutation_matrix(n, n + 1), tools.commutation_matrix(n, n + 1)),
    ):
        np.testing.assert_array_equal(ours.toarray(), theirs)
        np.testing.assert_array_equal(ours.tocsr().toarray(), theirs)


@pytest.mark.parametrize("n", [*range(13), 31, 32, 33])
def test_entries_one_by_one(n):
    """The operators beside loops over the definition, by rows, entries and products."""
    for op, dense in (
        (ox.duplication_matrix(n), oracle.duplication(n)),
        (ox.elimination_matrix(n), oracle.elimination(n)),
        (ox.duplication_matrix(n).pinv(), oracle.duplication_pinv(n)),
        (ox.symmetrizer_matrix(n), oracle.symmetrizer(n)),
    ):
        for f, g in ((op, dense), (op.T, dense.T)):
            np.testing.assert_array_equal(f.toarray(), g)
            rng = np.random.default_rng(n)
            rows, cols = (rng.integers(0, max(k, 1), 50 * (k > 0)) for k in f.shape)
            np.testing.assert_array_equal(f[rows, cols], g[rows, cols])
            x = rng.integers(-9, 9, (f.shape[1], 2))
            np.testing.assert_array_equal(f @ x, g @ x)


def applied(n, x):
    """What NumPy's indexing gives for D x, D+' x, L' x and, of the arrays of D x, the rest."""
    k = x.shape[1]
    i, j = np.tril_indices(n)
    order = np.lexsort((i, j))
    i, j = i[order], j[order]
    lower = np.zeros((n, n, k), x.dtype)  # [column, row]
    lower[j, i] = x
    both = lower.copy()
    both[i, j] = x
    return lower.reshape(n * n, k), both.reshape(n * n, k), (i, j)


@pytest.mark.parametrize("n", [63, 64, 65, 128, 129, 300])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64", "int64"])
def test_blocks_of_columns_across_tiles(n, k, order, dtype):
    rng = np.random.default_rng(n)
    x = np.asarray(rng.integers(-99, 99, (n * (n + 1) // 2, k)), dtype, order=order)
    d, e = ox.duplication_matrix(n), ox.elimination_matrix(n)
    lower, both, (i, j) = applied(n, x)
    np.testing.assert_array_equal(d @ x, both)
    np.testing.assert_array_equal(e.T @ x, lower)
    half = both / 2
    half[:: n + 1] *= 2
    np.testing.assert_array_equal(d.pinv().T @ x, half)
    a = np.asarray(rng.integers(-99, 99, (n * n, k)), dtype, order=order)
    tensor = a.reshape(n, n, k)
    below, above = tensor[j, i], tensor[i, j]
    np.testing.assert_array_equal(e @ a, below)
    np.testing.assert_array_equal(d.pinv() @ a, (below + above) / 2)
    np.testing.assert_array_equal(d.T @ a, np.where((i == j)[:, None], below, below + above))
    mean = (tensor + tensor.swapaxes(0, 1)) / 2
    np.testing.assert_array_equal(ox.symmetrizer_matrix(n) @ a, mean.reshape(n * n, k))


@given(data=st.data(), n=sizes)
def test_duplication_of_any_array(data, n):
    v, a = data.draw(arrays((n * (n + 1) // 2,))), data.draw(arrays((n, n)))
    d, e = ox.duplication_matrix(n), ox.elimination_matrix(n)
    symmetric = d @ v
    np.testing.assert_array_equal(symmetric, ox.vec(ox.unvech(v)))
    assert symmetric.dtype == v.dtype.newbyteorder("=")
    np.testing.assert_array_equal(e @ ox.vec(a), ox.vech(a))
    assert e(a).dtype == a.dtype.newbyteorder("=")
    mean = d.pinv() @ ox.vec(a)
    wide = a.astype(complex)
    np.testing.assert_array_equal(mean, ox.vech(wide + wide.T) / 2)
    assert mean.dtype == np.result_type(a.dtype, 0.5)
    np.testing.assert_array_equal(ox.symmetrizer_matrix(n)(a), (wide + wide.T) / 2)
    assert ox.symmetrizer_matrix(n)(a).dtype == mean.dtype
    total = d.T @ ox.vec(a)
    np.testing.assert_array_equal(total, oracle.duplication(n).T @ ox.vec(a).astype(complex))
    assert total.dtype == a.sum().dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_only_moves_keeps_the_dtype(dtype):
    d, e = ox.duplication_matrix(3), ox.elimination_matrix(3)
    for op in (d, e, e.T):
        assert (op @ np.ones(op.shape[1], dtype)).dtype == dtype
    assert (d.T @ np.ones(9, dtype)).dtype == np.ones(9, dtype).sum().dtype
    for op in (d.pinv(), d.pinv().T, ox.symmetrizer_matrix(3)):
        assert (op @ np.ones(op.shape[1], dtype)).dtype == np.result_type(dtype, 0.5)


def test_integers_are_exact_and_averages_do_not_overflow():
    d = ox.duplication_matrix(2)
    large = 2**62 + 1
    assert (d @ np.array([1, large, 3])).tolist() == [1, large, large, 3]
    assert (d.T @ np.array([1, large, -2, 3])).tolist() == [1, large - 2, 3]
    assert (d.T @ np.array([1, 2**63, 2**63 - 1, 3], np.uint64)).tolist() == [1, 2**64 - 1, 3]
    assert (d.T @ np.array([1, 100, 100, 3], np.int8)).tolist() == [1, 200, 3]
    assert (d.T @ np.array([True, True, True, False])).tolist() == [1, 2, 0]
    huge = np.array([1, 1.5e308, 1.5e308, 1])
    assert (d.pinv() @ huge).tolist() == [1, 1.5e308, 1]
    assert (ox.symmetrizer_matrix(2) @ huge).tolist() == huge.tolist()


def test_a_float_coefficient_of_one_counts_beside_an_integer_one():
    identity, commutation = ox.identity(4), ox.commutation_matrix(2, 2)
    for op in (identity + 1.0 * commutation, 1.0 * identity + commutation, 1.0 * identity):
        assert (op @ np.arange(4)).dtype == np.float64
        assert (op @ np.arange(4, dtype=np.float32)).dtype == np.float32
    assert ((identity + commutation) @ np.arange(4)).dtype == np.int64


def test_implied_zeros_are_not_multiplied():
    x = np.array([np.inf, 1.0, 2.0, np.nan])
    np.testing.assert_array_equal(ox.elimination_matrix(2) @ x, [np.inf, 1, np.nan])
    np.testing.assert_array_equal(ox.duplication_matrix(2).T @ x, [np.inf, 3, np.nan])
    np.testing.assert_array_equal(ox.symmetrizer_matrix(2) @ x, [np.inf, 1.5, 1.5, np.nan])


def test_products_are_equal_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    ops = [ox.duplication_matrix(700), ox.duplication_matrix(700).pinv()]
    ops += [op.T for op in ops] + [ox.elimination_matrix(700), ox.symmetrizer_matrix(700)]
    operands = [rng.standard_normal(op.shape[1]) for op in ops]
    assert_equal_for_any_threads(
        lambda: np.concatenate([op @ x for op, x in zip(ops, operands, strict=True)])
    )


def test_memory_is_that_of_the_operands():
    """The matrices themselves have 4·10¹³ entries and more."""
    n = 3000
    d, x = ox.duplication_matrix(n), np.arange(n * (n + 1) // 2, dtype=float)
    tracemalloc.start()
    square = d @ x
    back = d.pinv() @ square
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.1 * square.nbytes
    np.testing.assert_array_equal(back, x)
    np.testing.assert_array_equal(ox.elimination_matrix(n) @ square, x)
    np.testing.assert_array_equal(ox.symmetrizer_matrix(n) @ square, square)
    diagonal = np.zeros(n * n)
    diagonal[:: n + 1] = square[:: n + 1]
    np.testing.assert_array_equal(d.T @ square, 2 * x - ox.elimination_matrix(n) @ diagonal)


def test_places_of_vech_are_exact():
    for n in (1, 2, 5, 3000, 2**20 + 1, 2**31 - 1):
        size = n * (n + 1) // 2
        rng = np.random.default_rng(n)
        ends = [size - 1 - k * (k + 1) // 2 for k in (0, n // 2, n - 1)]
        near = [p + s for p in ends for s in (-1, 0, 1) if 0 <= p + s < size]
        places = np.array([0, *near, *rng.integers(0, size, 1000)])
        i, j = places_of_vech(n, places)
        assert (j >= 0).all()
        assert (j <= i).all()
        assert (i < n).all()
        np.testing.assert_array_equal(vech_place(n, i, j), places)


def test_huge_matrices_have_entries():
    d = ox.duplication_matrix(10**6)
    assert d.shape == (10**12, 500000500000)
    assert d[10**6, 1] == d[1, 1] == 1
    assert d.pinv()[1, 10**6] == 0.5
    with pytest.raises(MemoryError, match="GiB"):
        d.toarray()


@pytest.mark.parametrize(
    "make", [ox.duplication_matrix, ox.elimination_matrix, ox.symmetrizer_matrix]
)
def test_wrong_sizes(make):
    with pytest.raises(ValueError, match="n is -1, but a size cannot be negative"):
        make(-1)
    with pytest.raises(TypeError, match=r"n is 2\.5, but must be an integer"):
        make(2.5)
    with pytest.raises(ValueError, match=r"@ x: x has shape \(7,\), but the operator has shape"):
        make(3) @ np.ones(7)


@pytest.mark.parametrize("make", [ox.duplication_matrix, ox.elimination_matrix])
def test_half_precision(make):
    """Sums and halves of two entries are rounded once."""
    op, rng = make(5), np.random.default_rng(16)
    for view in (op, op.T, op.pinv(), op.pinv().T):
        x = rng.standard_normal(view.shape[1]).astype(np.float16)
        image = view @ x
        assert image.dtype == np.float16
        expected = (view.toarray() @ x.astype(float)).astype(np.float16)
        np.testing.assert_array_equal(image, expected)


# --- identities of Magnus and Neudecker ----------------------------------------------------------

D, L, N, K = (
    ox.duplication_matrix(3),
    ox.elimination_matrix(3),
    ox.symmetrizer_matrix(3),
    ox.commutation_matrix(3, 3),
)
I6, I9 = ox.identity(6), ox.identity(9)


@pytest.mark.parametrize(
    ("op", "simplified"),
    [
        (D.pinv() @ D, I6),
        (L @ D, I6),
        (L @ L.T, I6),
        (D.T @ L.T, I6),
        (D.T @ D.pinv().T, I6),
        (D @ D.pinv(), N),
        (D.pinv().T @ D.T, N),
        (D @ L @ N, N),
        (L @ N, D.pinv()),
        (N @ L.T, D.pinv().T),
        (K @ D, D),
        (N @ D, D),
        (D.T @ K, D.T),
        (D.T @ N, D.T),
        (D.pinv() @ K, D.pinv()),
        (D.pinv() @ N, D.pinv()),
        (K @ D.pinv().T, D.pinv().T),
        (N @ D.pinv().T, D.pinv().T),
        (N @ N, N),
        (N @ K, N),
        (K @ N, N),
        ((I9 + K) / 2, N),
        (0.5 * K + 0.5 * I9, N),
        ((I9 + K) @ D, 2 * D),
        (L @ (I9 + K), 2 * D.pinv()),
        ((I9 + K) @ N, 2 * N),
        (N @ (I9 + K), 2 * N),
        (N.T, N),
        (N.pinv(), N),
        (D.pinv().pinv(), D),
        (D.T.pinv(), D.pinv().T),
        (L.pinv(), L.T),
        (K.pinv(), K),
        (I9.pinv(), I9),
    ],
    ids=lambda op: str(op),
)
def test_identities(op, simplified):
    assert type(op) is type(simplified)
    assert str(op) == str(simplified)
    np.testing.assert_array_equal(op.toarray(), simplified.toarray())


R3, C3 = (np.random.default_rng(k).standard_normal((3, 3)) for k in (0, 1))
TALL, WIDE = np.arange(6.0).reshape(3, 2), np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("op", "text"),
    [
        (N @ ox.kron(R3, R3), "([3×3] ⊗ [3×3]) N₃"),
        (N @ ox.kron(R3, R3) @ K, "([3×3] ⊗ [3×3]) N₃"),
        (N @ ox.kron(R3, C3), "N₃ ([3×3] ⊗ [3×3])"),
        (N @ ox.kron(TALL, TALL), "([3×2] ⊗ [3×2]) N₂"),
        (ox.kron(WIDE, WIDE) @ N, "N₂ ([2×3] ⊗ [2×3])"),
        (ox.kron(R3, R3) @ N @ ox.kron(C3, C3), "([3×3] ⊗ [3×3]) N₃"),
        (ox.kron(R3, C3) @ K @ N, "([3×3] ⊗ [3×3]) N₃"),
        (K @ ox.kron(R3, C3) @ D, "([3×3] ⊗ [3×3]) D₃"),
        (D.pinv() @ ox.kron(R3, C3) @ K, "D₃⁺ ([3×3] ⊗ [3×3])"),
        (D @ D.pinv() @ ox.kron(R3, R3) @ D, "([3×3] ⊗ [3×3]) D₃"),
        (L @ ox.kron(R3, C3) @ K, "L₃ (([3×3] ⊗ [3×3]) K₃,₃)"),
        (K @ L.T, "K₃,₃ L₃ᵀ"),
        (ox.identity(9) @ D, "D₃"),
    ],
)
def test_what_becomes_of_products(op, text):
    assert str(op) == text


def test_every_product_of_three_is_the_dense_one():
    """However they are bracketed; that is where a wrong rewriting would show."""
    ops = [D, D.T, D.pinv(), D.pinv().T, L, L.T, N, K, I9 + K, I9 - K]
    ops += [ox.kron(R3, R3), ox.kron(R3, C3) @ K, ox.kron(WIDE, WIDE), ox.kron(TALL, TALL)]
    dense = [op.toarray() for op in ops]
    for a, b, c in itertools.product(range(len(ops)), repeat=3):
        if ops[a].shape[1] == ops[b].shape[0] and ops[b].shape[1] == ops[c].shape[0]:
            expected = dense[a] @ dense[b] @ dense[c]
            scale = (abs(dense[a]) @ abs(dense[b]) @ abs(dense[c])).max()
            for op in ((ops[a] @ ops[b]) @ ops[c], ops[a] @ (ops[b] @ ops[c])):
                assert_close(op.toarray(), expected, scale, 27)
                assert (op.in_shape, op.out_shape) == (ops[c].in_shape, ops[a].out_shape)


def test_sizes_that_only_happen_to_fit_do_not_simplify():
    """L of n = 6 has 36 columns, D' of n = 8 has 36 rows."""
    product = ox.elimination_matrix(6) @ ox.duplication_matrix(8).T
    expected = oracle.elimination(6) @ oracle.duplication(8).T
    np.testing.assert_array_equal(product.toarray(), expected)
    product = ox.commutation_matrix(2, 8) @ ox.duplication_matrix(4)
    expected = oracle.commutation(2, 8) @ oracle.duplication(4)
    np.testing.assert_array_equal(product.toarray(), expected)


# --- D+ (A x A) D --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("left", [D.pinv(), L], ids=str)
def test_congruence_on_vech(left, dtype):
    """D+ (A x A) D vech(S) = vech(A S A')."""
    a = R3 + 1j * C3 if dtype == "complex128" else R3
    op = left @ ox.kron(a, a) @ D
    assert type(op.chain[0]) is type(left)
    dense = left.toarray() @ np.kron(a, a) @ D.toarray()
    s = S3.astype(float)
    np.testing.assert_allclose(op @ ox.vech(s), ox.vech(a @ s @ a.T), rtol=1e-13)
    for f in (lambda op: op, lambda op: op.T):
        np.testing.assert_allclose(f(op).toarray(), f(dense), rtol=1e-13)
        np.testing.assert_allclose(f(op)[2, 3], f(dense)[2, 3], rtol=1e-13)
        inverse = f(op).inv()
        assert len(inverse.chain) == 3
        assert_close(inverse.toarray(), np.linalg.inv(f(dense)), steps=6 * np.linalg.cond(dense))
        np.testing.assert_allclose(np.linalg.det(f(op)), np.linalg.det(dense), rtol=1e-12)
        for ours, numpys in zip(np.linalg.slogdet(f(op)), np.linalg.slogdet(dense), strict=True):
            np.testing.assert_allclose(ours, numpys, rtol=1e-12)
        assert np.linalg.det(f(op)).dtype == np.linalg.det(dense).dtype
    scaled = 2 * op
    assert_close(scaled.inv().toarray(), np.linalg.inv(2 * dense), steps=6 * np.linalg.cond(dense))


def test_congruences_of_integers_and_singular_ones():
    a = np.array([[1, 2], [3, 4]])
    d = ox.duplication_matrix(2)
    op = d.pinv() @ ox.kron(a, a) @ d
    assert op.dtype == np.float64
    assert op.toarray().tolist() == [[1, 4, 4], [3, 10, 8], [9, 24, 16]]
    assert (d.T @ ox.kron(a, a) @ d).dtype == np.int64
    assert (op @ np.array([1, 2, 3], np.int8)).tolist() == [21, 47, 105]
    np.testing.assert_allclose(np.linalg.det(op), -8)
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        (d.pinv() @ ox.kron(np.ones((2, 2)), np.ones((2, 2))) @ d).inv()
    rectangular = d.pinv() @ ox.kron(WIDE, WIDE) @ D
    with pytest.raises(np.linalg.LinAlgError, match="only a square one has an inverse"):
        rectangular.inv()


def test_congruences_multiply_and_are_never_formed():
    a, b = np.random.default_rng(0).standard_normal((2, 300, 300))
    d = ox.duplication_matrix(300)
    f, g = (d.pinv() @ ox.kron(x, x) @ d for x in (a, b))
    product = f @ g
    assert str(product) == "D₃₀₀⁺ ([300×300] ⊗ [300×300]) D₃₀₀"
    s = a + a.T
    np.testing.assert_allclose(product(ox.vech(s)), ox.vech(a @ b @ s @ b.T @ a.T), atol=1e-7)
    np.testing.assert_allclose(f.inv() @ (f @ ox.vech(s)), ox.vech(s), atol=1e-5)
    assert np.linalg.slogdet(f).logabsdet == pytest.approx(301 * np.linalg.slogdet(a).logabsdet)


def test_names_of_the_operators():
    assert repr(D) == "<9×6 Duplication float64: D₃>"
    assert repr(D.pinv().T) == "<9×6 Duplication float64: D₃⁺ᵀ>"
    assert repr(L.T) == "<9×6 Elimination float64: L₃ᵀ>"
    assert repr(N) == "<9×9 Symmetrizer float64: N₃>"
    assert D.pinv()._repr_latex_() == r"$\displaystyle D_{3}^{+}$"
    assert D.pinv().T._repr_latex_() == r"$\displaystyle D_{3}^{+\mathsf{T}}$"
    assert isinstance(ox.symmetrizer_matrix(1), Symmetrizer)
    assert isinstance(ox.duplication_matrix(0).pinv(), Duplication)


# --- moving data ---------------------------------------------------------------------------------

#: An element of 1, 4, 8 and 16 bytes.
WORDS = ["bool", "float32", "int64", "complex64", "complex128"]


def numbered(count, dtype):
    """Entries that are all different where the dtype has so many values."""
    return (np.arange(count) % 251 % 2 if dtype == "bool" else np.arange(count)).astype(dtype)


@pytest.mark.parametrize("dtype", WORDS)
@pytest.mark.parametrize(
    "shape",
    [(1, 70), (7, 9), (8, 8), (16, 64), (31, 33), (67, 129), (256, 256), (2, 3000), (3000, 3)],
)
def test_transposition_in_cache(shape, dtype):
    """Whole tiles, edges of tiles, and fewer rows or columns than a tile has."""
    x = numbered(shape[0] * shape[1], dtype)
    expected = x.reshape(shape).T.ravel()
    result = ox.commutation_matrix(*shape[::-1]) @ x
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", WORDS)
@pytest.mark.parametrize("shape", [(1024, 1024), (1031, 1053), (1050, 1004), (20_000, 67)])
@pytest.mark.parametrize("shift", [0, 1])
def test_transposition_beyond_the_cache(shape, dtype, shift):
    """Streamed blocks meet without gaps, wherever the lines of memory lie."""
    if dtype == "bool":
        shape = shape[0], 4 * shape[1]  # 4 MB are beyond the cache
    whole = numbered(shape[0] * shape[1] + shift, dtype)
    x = whole[shift:]
    np.testing.assert_array_equal(
        ox.commutation_matrix(*shape[::-1]) @ x, x.reshape(shape).T.ravel()
    )
    K = ox.commutation_matrix(*shape[::-1])
    memory = np.zeros(x.size + 2, x.dtype)
    out = memory[1:-1]
    np.testing.assert_array_equal(np.matmul(K, x, out=out), x.reshape(shape).T.ravel())
    assert memory[0] == memory[-1] == 0


PERMUTATIONS = {
    "batches": ((5, 40, 30), (0, 2, 1)),
    "pairs": ((3, 20, 30, 2), (0, 2, 1, 3)),
    "triples": ((4, 20, 30, 3), (0, 2, 1, 3)),
    "runs": ((12, 10, 9), (1, 0, 2)),
    "long runs": ((12, 10, 300), (1, 0, 2)),
    "whole": ((4, 5, 6), (0, 1, 2)),
    "reversed": ((9, 10, 11, 12), (3, 2, 1, 0)),
    "rotated": ((9, 10, 11, 12), (1, 2, 3, 0)),
    "ones": ((1, 9, 1, 7, 1), (4, 3, 2, 1, 0)),
    "tiny planes": ((1003, 2, 3), (0, 2, 1)),
    "tiny planes of runs": ((1003, 2, 3, 5), (0, 2, 1, 3)),
    "tiny modes": ((2,) * 13, tuple(range(12, -1, -1))),
    "tiny modes in pairs": ((2,) * 14, (1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12)),
    "tiny modes of threes": ((3, 2, 3, 2, 3, 2, 3, 2), (1, 7, 3, 5, 0, 2, 6, 4)),
    "a large mode among tiny ones": ((2, 5000, 2, 2), (2, 1, 3, 0)),
    "many planes beyond the cache": ((40, 130, 140), (0, 2, 1)),
    "beyond the cache": ((70, 9, 80, 25), (3, 1, 0, 2)),
}


@pytest.mark.parametrize("dtype", WORDS)
@pytest.mark.parametrize("name", PERMUTATIONS)
def test_permutations_of_modes(name, dtype):
    dims, order = PERMUTATIONS[name]
    out_dims = tuple(dims[k] for k in order)
    op = from_terms([Term(1, tuple(Factor(None, n) for n in out_dims), order)], dims, out_dims)
    x = numbered(op.shape[1], dtype)
    np.testing.assert_array_equal(op @ x, x.reshape(dims).transpose(order).ravel())


@given(st.data())
def test_any_permutation_of_modes(data):
    dims = data.draw(st.lists(st.sampled_from([1, 2, 3, 4, 8, 17]), min_size=1, max_size=6))
    order = tuple(data.draw(st.permutations(range(len(dims)))))
    out_dims = tuple(dims[k] for k in order)
    factors = tuple(Factor(None, n) for n in out_dims)
    op = from_terms([Term(1, factors, order)], tuple(dims), out_dims)
    x = np.arange(op.shape[1] * 3).reshape(-1, 3)
    expected = x.reshape(*dims, 3).transpose(*order, len(dims)).reshape(-1, 3)
    np.testing.assert_array_equal(op @ x, expected)
