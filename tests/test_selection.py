"""Identity, diagonals, the commutation matrix and single matrices as operators."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import otimes as ox
from otimes._terms import Factor, Term, from_terms
from strategies import DTYPES, LAYOUTS, arrays, sizes

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
    op.diagonal()[0] = 99
    assert (op @ [1, 1]).tolist() == [1, 2]


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
