"""The nearest Kronecker product: against the rearranged matrix, term by term."""

import numpy as np
import pytest

import oracle
import otimes as ox
from oracle import assert_close
from strategies import LAYOUTS
from zoo import matrix

SHAPES = [((2, 3), (4, 2)), ((3, 3), (2, 2)), ((1, 4), (3, 1)), ((2, 2), (5, 5)), ((1, 1), (3, 4))]
DTYPES = ["float32", "float64", "complex64", "complex128"]


def rearranged(m, shape_a, shape_b):
    """R[(i, j), (k, l)] = M[i m₂ + k, j n₂ + l]."""
    (m1, n1), (m2, n2) = shape_a, shape_b
    r = np.empty((m1 * n1, m2 * n2), m.dtype)
    for i, j in np.ndindex(m1, n1):
        for k, l in np.ndindex(m2, n2):
            r[i * n1 + j, k * n2 + l] = m[i * m2 + k, j * n2 + l]
    return r


def operand(shape_a, shape_b, dtype="float64", seed=0):
    return matrix(shape_a[0] * shape_b[0], shape_a[1] * shape_b[1], dtype, seed)


def hermitian(n, dtype, seed=0):
    a = matrix(n, n, dtype, seed)
    return a + a.conj().T


def error(m, op):
    return np.linalg.norm(m - op.toarray())


def pairs_of(op):
    """The factors of each term, with the coefficient in the first."""
    return [
        (t.coefficient * t.factors[0].dense(op.dtype), t.factors[1].dense(op.dtype))
        for t in op.parts
    ]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape_a", "shape_b"), SHAPES)
def test_the_error_is_what_the_singular_values_leave(shape_a, shape_b, dtype):
    """Eckart and Young: no sum of that many terms is nearer."""
    m = operand(shape_a, shape_b, dtype)
    s = np.linalg.svd(rearranged(m, shape_a, shape_b).astype("complex128"), compute_uv=False)
    for rank in range(1, len(s) + 2):
        op = ox.nearest_kronecker(m, shape_a, shape_b, rank)
        assert op.shape == m.shape
        assert op.dtype == m.dtype
        assert len(op.parts) == min(rank, len(s))
        least = np.linalg.norm(s[rank:])
        assert abs(error(m, op) - least) <= 100 * np.finfo(m.dtype).eps * np.linalg.norm(s)


def test_a_kronecker_product_is_found():
    a, b = matrix(3, 2, seed=1), matrix(2, 4, seed=2)
    op = ox.nearest_kronecker(np.kron(a, b), (3, 2), (2, 4), rank=5)
    assert isinstance(op, type(ox.kron(a, b)))
    assert len(op.parts) == 1  # the other singular values are zero
    assert_close(op.toarray(), oracle.kron(a, b))
    first, second = op.factors
    assert_close(np.linalg.norm(first), np.linalg.norm(second))


def test_shapes_are_those_of_kron():
    a, b = matrix(3, 2), matrix(2, 4)
    op = ox.nearest_kronecker(operand((3, 2), (2, 4)), (3, 2), (2, 4), 2)
    assert (op.in_shape, op.out_shape) == (ox.kron(a, b).in_shape, ox.kron(a, b).out_shape)


def test_the_full_rank_is_the_matrix():
    m = operand((2, 3), (4, 2))
    assert_close(ox.nearest_kronecker(m, (2, 3), (4, 2), rank=100).toarray(), m)


def test_factors_are_orthogonal_and_in_order():
    op = ox.nearest_kronecker(operand((3, 3), (2, 4)), (3, 3), (2, 4), 4)
    for side in zip(*pairs_of(op), strict=True):
        vectors = np.array([x.ravel() for x in side])
        gram = vectors @ vectors.conj().T
        assert_close(gram, np.diag(gram.diagonal()), scale=gram.max(), steps=100)
        assert (np.diff(gram.diagonal().real) <= 0).all()


# --- signs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape_a", "shape_b"), SHAPES)
def test_the_diagonal_of_the_first_factor_sums_to_a_positive_number(shape_a, shape_b, dtype):
    op = ox.nearest_kronecker(operand(shape_a, shape_b, dtype), shape_a, shape_b, 3)
    for a, _ in pairs_of(op):
        total = a.trace()
        assert total.real > 0
        assert abs(total.imag) <= 100 * np.finfo(dtype).eps * abs(total)


@pytest.mark.parametrize("sign", [1, -1, 1j, -1j])
def test_without_a_diagonal_the_first_largest_entry_is_positive(sign):
    a = np.array([[0.0, -3.0], [2.0, 0.0]])
    (op,) = pairs_of(ox.nearest_kronecker(np.kron(sign * a, np.eye(2)), (2, 2), (2, 2)))
    assert_close(op[0] / op[0][0, 1], np.array([[0, 1], [-2 / 3, 0]]))
    assert op[0][0, 1].real > 0


def test_the_sign_does_not_depend_on_that_of_the_matrix():
    m = operand((2, 3), (4, 2))
    (plus,), (minus,) = (pairs_of(ox.nearest_kronecker(s * m, (2, 3), (4, 2))) for s in (1, -1))
    assert_close(plus[0], minus[0])
    assert_close(plus[1], -minus[1])


# --- structure -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("p", "q"), [(3, 2), (2, 4), (1, 3), (3, 1), (1, 1)])
def test_hermitian_matrices_have_hermitian_factors(p, q, dtype):
    """Also where singular values coincide, as those of a sum of products of Pauli matrices do."""
    pauli = [[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]]
    swap = sum(np.kron(s, s) for s in np.array(pauli))
    cases = [(hermitian(p * q, dtype), (p, p), (q, q))]
    cases.append(
        (
            swap.astype(dtype) if np.dtype(dtype).kind == "c" else swap.real.astype(dtype),
            (2, 2),
            (2, 2),
        )
    )
    for m, shape_a, shape_b in cases:
        op = ox.nearest_kronecker(m, shape_a, shape_b, 100)
        assert_close(op.toarray(), m, steps=100)
        for a, b in pairs_of(op):
            sign = 1 if np.array_equal(a, a.conj().T) else -1
            np.testing.assert_array_equal(a, sign * a.conj().T)
            np.testing.assert_array_equal(b, sign * b.conj().T)
            assert sign == 1 or np.dtype(dtype).kind == "f"


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_nearest_product_of_a_definite_matrix_is_definite(dtype):
    for seed in range(5):
        a = matrix(12, 12, dtype, seed)
        definite = a @ a.conj().T
        op = ox.nearest_kronecker(definite + definite.conj().T, (3, 3), (4, 4))
        for f in op.factors:
            np.testing.assert_array_equal(f, f.conj().T)
            assert np.linalg.eigvalsh(f)[0] > 0


# --- operators -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [1, 2, 3, 9])
def test_operators_are_not_formed(rank):
    terms = [(matrix(3, 2, seed=k), matrix(2, 4, "complex128", k)) for k in range(3)]
    op = sum((ox.kron(*t) for t in terms[1:]), start=2 * ox.kron(*terms[0]))
    dense = op.toarray()
    nearest = ox.nearest_kronecker(dense, (3, 2), (2, 4), rank)
    ox.set_max_dense(500)  # less than the 48 numbers of 16 bytes of the whole
    try:
        ours = ox.nearest_kronecker(op, (3, 2), (2, 4), rank)
    finally:
        ox.set_max_dense(None)
    assert_close(ours.toarray(), nearest.toarray(), steps=100)


def test_an_identity_is_split():
    """Where its sizes are those asked for; the whole is not formed."""
    op = ox.kron(matrix(2, 2), matrix(6, 6)) + 2 * ox.identity(12)
    dense = op.toarray()
    ox.set_max_dense(500)  # a part has 36 numbers of 8 bytes, the whole 144
    try:
        ours = ox.nearest_kronecker(op, (2, 2), (6, 6), 2)
    finally:
        ox.set_max_dense(None)
    assert_close(ours.toarray(), dense, steps=100)


def test_factors_are_grouped_and_identities_split():
    a, b, c = matrix(2, 2, seed=1), matrix(3, 3, seed=2), matrix(2, 2, seed=3)
    op = ox.kron(a, b, c) + 2 * ox.identity(12)
    for shape_a, shape_b in [((2, 2), (6, 6)), ((6, 6), (2, 2)), ((12, 12), (1, 1))]:
        ours = ox.nearest_kronecker(op, shape_a, shape_b, 1)
        assert_close(
            ours.toarray(),
            ox.nearest_kronecker(op.toarray(), shape_a, shape_b).toarray(),
            steps=100,
        )
        assert_close(
            ox.nearest_kronecker(op, shape_a, shape_b, 2).toarray(), op.toarray(), steps=100
        )


@pytest.mark.parametrize(
    "op",
    [
        ox.commutation_matrix(2, 3),
        ox.kron(matrix(2, 2), matrix(3, 3)),
        ox.diagonal(matrix(1, 6)[0]),
        ox.kron(matrix(2, 2), matrix(3, 3)) @ ox.diagonal(matrix(1, 6)[0]),
    ],
    ids=["permuted", "other sizes", "diagonal", "chain"],
)
def test_other_operators_are_formed(op):
    nearest = ox.nearest_kronecker(op, (3, 3), (2, 2), 100)
    assert_close(nearest.toarray(), op.toarray(), steps=100)


def test_sparse_factors():
    sparse = pytest.importorskip("scipy.sparse")
    a, b = np.triu(matrix(3, 3)), matrix(2, 2)
    op = ox.nearest_kronecker(ox.kron(sparse.csr_array(a), b), (3, 3), (2, 2))
    assert_close(op.toarray(), np.kron(a, b))


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_layouts(layout):
    m = LAYOUTS[layout](operand((2, 3), (4, 2)))
    plain = ox.nearest_kronecker(np.array(m, "float64"), (2, 3), (4, 2))
    np.testing.assert_array_equal(
        ox.nearest_kronecker(m, (2, 3), (4, 2)).toarray(), plain.toarray()
    )


def test_integers_become_float64():
    op = ox.nearest_kronecker(np.arange(16).reshape(4, 4), (2, 2), (2, 2), 4)
    assert op.dtype == np.float64
    assert_close(op.toarray(), np.arange(16.0).reshape(4, 4))


@pytest.mark.parametrize(("shape_a", "shape_b"), [((0, 2), (3, 2)), ((2, 2), (0, 0))])
def test_empty(shape_a, shape_b):
    m = operand(shape_a, shape_b)
    assert ox.nearest_kronecker(m, shape_a, shape_b).toarray().shape == m.shape


def test_zero():
    op = ox.nearest_kronecker(np.zeros((4, 6)), (2, 3), (2, 2), 3)
    np.testing.assert_array_equal(op.toarray(), np.zeros((4, 6)))


def test_extreme_sizes_neither_overflow_nor_vanish():
    for size in (1e300, 1e-300):
        m = size * np.kron(matrix(2, 2), matrix(3, 3))
        assert_close(ox.nearest_kronecker(m, (2, 2), (3, 3)).toarray() / size, m / size)


def test_errors():
    m = np.ones((6, 6))
    with pytest.raises(
        ValueError, match=r"a has shape \(6, 6\), but .*\(2, 2\) and .*\(2, 3\) mul.*\(4, 6\)"
    ):
        ox.nearest_kronecker(m, (2, 2), (2, 3))
    with pytest.raises(ValueError, match="rank is 0, but must be at least 1"):
        ox.nearest_kronecker(m, (2, 2), (3, 3), 0)
    with pytest.raises(ValueError, match=r"shape_a is \(2, 2, 2\), but must be two sizes"):
        ox.nearest_kronecker(m, (2, 2, 2), (3, 3))
    with pytest.raises(ValueError, match=r"shape_b is \(-1, -1\), but must be two sizes"):
        ox.nearest_kronecker(m, (2, 2), (-1, -1))
    with pytest.raises(TypeError, match=r"a has dtype (float128|longdouble)"):
        ox.nearest_kronecker(m.astype(np.longdouble), (2, 2), (3, 3))
    for bad in (np.nan, np.inf):
        m[2, 3] = bad
        with pytest.raises(ValueError, match="a contains NaN or Inf"):
            ox.nearest_kronecker(m, (2, 2), (3, 3))
        with pytest.raises(ValueError, match="a contains NaN or Inf"):
            ox.nearest_kronecker(ox.kron(np.ones((2, 2)), m), (2, 2), (6, 6))
