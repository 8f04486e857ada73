"""The closed algebra: what simplifies, what it costs, and that it is always the dense result."""

import numpy as np
import pytest

import otimes as ox
from oracle import assert_close, commutation, kron
from otimes._compounds import Conjugate, OperatorKronecker, Product
from otimes._kron import KroneckerProduct
from otimes._selection import Commutation, Identity
from otimes._structures import Diagonal, LowRank
from otimes._terms import TermOperator
from zoo import ZOO, every_operator, matrix

A, B, C, D = (matrix(*s, seed=k) for k, s in enumerate([(2, 3), (4, 2), (3, 2), (2, 4)]))
S, R, Q, P = (matrix(n, n, seed=k) for k, n in enumerate([2, 3, 2, 3]))
Z = matrix(2, 2, "complex128")


def work_of_chain(*ops):
    return sum(op._work() for op in ops)


# --- products ------------------------------------------------------------------------------------


def test_mixed_product():
    """(A x B)(C x D) = AC x BD."""
    op = ox.kron(A, B) @ ox.kron(C, D)
    assert type(op) is KroneckerProduct
    assert_close(op.factors[0], A @ C)
    assert_close(op.factors[1], B @ D)
    assert_close(op.toarray(), kron(A, B) @ kron(C, D))


def test_mixed_precision_products_are_formed_in_the_higher_precision():
    s32, r32 = S.astype(np.float32), R.astype(np.float32)
    op = ox.kron(s32, R) @ ox.kron(Q.astype(np.float32), P)
    expected = kron(s32, R) @ kron(Q.astype(np.float32), P)
    assert_close(op.toarray(), expected, np.linalg.norm(expected))
    inverse = ox.kron(s32, R).inv()
    dense = kron(s32, R)
    assert_close(inverse.toarray(), np.linalg.inv(dense), steps=6 * np.linalg.cond(dense))
    assert (ox.kron(s32, r32) @ ox.kron(s32, r32)).dtype == np.float32


def test_integer_products_are_numpys():
    small = [np.full((2, 2), 100, np.int8), np.full((2, 2), 3, np.int16)]
    left, right = ox.kron(*small), ox.kron(*small[::-1])
    np.testing.assert_array_equal((left @ right).toarray(), kron(*small) @ kron(*small[::-1]))
    a = np.array([[True, True], [False, True]])
    b = ox.kron(a, a) @ ox.kron(a, a)
    assert b.dtype == np.bool_
    np.testing.assert_array_equal(b.toarray(), kron(a, a) @ kron(a, a))
    np.testing.assert_array_equal(b @ np.ones(4), (kron(a, a) @ kron(a, a)) @ np.ones(4))
    wide, tall = np.ones((1, 3), bool), np.ones((3, 1), bool)
    chain = ox.kron(tall, tall) @ ox.kron(wide, wide)  # or, then a sum
    dense = kron(tall, tall) @ kron(wide, wide)
    np.testing.assert_array_equal(chain @ np.ones(9), dense @ np.ones(9))


def test_commutation_moves_past_a_product():
    """K (A x B) = (B x A) K."""
    left = ox.commutation_matrix(4, 2) @ ox.kron(A, B)  # kron(A, B) maps (2, 3) to (4, 2)
    right = ox.kron(B, A) @ ox.commutation_matrix(2, 3)
    assert_close(left.toarray(), commutation(4, 2) @ kron(A, B))
    assert_close(right.toarray(), kron(B, A) @ commutation(2, 3))
    np.testing.assert_array_equal(left.toarray(), right.toarray())
    difference = left - right
    assert isinstance(difference, TermOperator)
    assert len(difference.parts) == 1  # they have merged
    assert not difference.toarray().any()


def test_commutation_squared_is_the_identity():
    """K(n, m) K(m, n) = I."""
    op = ox.commutation_matrix(3, 2) @ ox.commutation_matrix(2, 3)
    assert type(op) is Identity
    assert type(ox.commutation_matrix(4, 4).power(2)) is Identity
    assert type(ox.commutation_matrix(4, 4).power(3)) is Commutation


def test_identities_are_never_multiplied():
    op = ox.kron(S, R)
    for one in (ox.identity(6), ox.kron(ox.identity(2), ox.identity(3))):
        assert type(one) is Identity
        assert (one @ op).parts[0].factors == op.parts[0].factors
        assert (op @ one).parts[0].factors == op.parts[0].factors
    diagonal = ox.diagonal(np.arange(6.0))
    assert ox.identity(6) @ diagonal is diagonal
    assert diagonal @ ox.identity(6) is diagonal
    assert type(ox.kron(S, ox.identity(3)) @ ox.kron(ox.identity(2), R)) is KroneckerProduct
    shaped = ox.kron(ox.identity(2), ox.identity(3)) @ diagonal
    assert type(shaped) is Diagonal
    assert shaped.in_shape == (3, 2)


def test_nested_products_flatten():
    op = ox.kron(ox.kron(A, B), ox.kron(C, D))
    assert len(op.parts[0].factors) == 4
    assert op.in_shape == (4, 2, 2, 3)
    d = ox.diagonal(np.arange(6.0))
    k = ox.kron(S, R)
    assert len((d @ (k @ d)).chain) == 3
    assert len(((d @ k) @ (d @ k)).chain) == 4
    assert len((k @ d @ d).chain) == 2  # diagonals join
    assert type((2 * (d @ k)) @ (3 * (k @ d))._structure()).__name__ == "Sum"
    ((c, product),) = ((2 * (d @ k)) @ (3 * (k @ d))).addends
    assert c == 6
    assert len(product.chain) == 3


def test_equal_terms_merge():
    k = ox.kron(S, R)
    total = k + 2 * k + ox.kron(S.copy(), R.copy())
    assert len(total.parts) == 1
    assert total.parts[0].coefficient == 4
    assert type(total) is KroneckerProduct
    zero = k - k
    assert not zero.toarray().any()
    assert zero.dtype == np.float64
    assert len((k + ox.kron(Q, R) - k).parts) == 1
    d = ox.diagonal(np.arange(6.0))
    assert type(d + d) is Diagonal
    assert len((k + d + k + d).addends) == 2
    low = LowRank(matrix(6, 1), matrix(6, 1), (6,), (6,))
    assert type(low + low.T) is LowRank
    chain = d @ k
    assert (chain + 2 * chain).addends == ((3, chain),)


def test_cancelled_terms_keep_the_dtype():
    complex_one = ox.kron(Z, R)
    total = complex_one - complex_one + ox.kron(S, R)
    assert total.dtype == np.complex128
    assert_close(total.toarray(), kron(S, R).astype(complex))


def test_zero_times_infinity_is_not_dropped():
    a = np.array([[np.inf, 1.0]])
    k = ox.kron(a, [[1.0, 2.0]])
    total = ox.kron([[1.0, 1.0]], [[1.0, 1.0]]) + 0 * k
    assert np.isnan(total.toarray()[0, :2]).all()
    assert np.isfinite(total.toarray()[0, 2:]).all()


@every_operator
def test_sums_and_products_with_each_kind(op, dense, neutral):
    m, n = op.shape
    right = ox.kron(np.linspace(-1, 1, n)[:, None], [[1.0, 2.0]])
    left = ox.diagonal(np.linspace(-1, 1, m))
    extra = np.linspace(-1, 1, m * n).reshape(m, n)
    for combined, expected, scale in (
        (op @ right, dense @ right.toarray(), np.abs(dense).sum()),
        (left @ op, left.toarray() @ dense, np.abs(dense).sum()),
        (op.T @ left, dense.T @ left.toarray(), np.abs(dense).sum()),
        (op + ox.aslinearoperator(extra), dense + extra, np.abs(dense).max(initial=0) + 1),
        (op - extra, dense - extra, np.abs(dense).max(initial=0) + 1),
        (extra - op, extra - dense, np.abs(dense).max(initial=0) + 1),
        (op / 4, dense / 4, np.abs(dense).max(initial=0)),
        (0.5 * op, 0.5 * dense, np.abs(dense).max(initial=0)),
        (op * np.float32(3), dense * np.float32(3), 3.0 * np.abs(dense).max(initial=0)),
        (op * 2j, dense * 2j, 2.0 * np.abs(dense).max(initial=0)),
    ):
        assert_close(combined.toarray(), expected, scale, max(op.shape), (dense,))
        if not neutral:
            assert combined.dtype == expected.dtype


@every_operator
def test_doubling(op, dense, neutral):
    if op.dtype.kind == "b":
        total, expected = op + op, dense | dense
    else:
        total, expected = op + op, dense + dense
    assert_close(total.toarray(), expected, np.abs(expected).max(initial=0), max(op.shape))
    assert total.dtype == expected.dtype
    if op.dtype.kind == "b":
        with pytest.raises(TypeError, match="bools cannot be subtracted"):
            op - op
        with pytest.raises(TypeError, match="bools have no negatives"):
            op.__neg__()
    else:
        assert_close((op - op).toarray(), dense - dense, np.abs(dense).max(initial=0))
        assert_close((-op).toarray(), -dense, np.abs(dense).max(initial=0), max(op.shape))
        assert (op - op).dtype == dense.dtype


# --- cost ----------------------------------------------------------------------------------------


def test_a_simplification_never_costs_more():
    """For every product of two animals of the zoo that fit."""
    count = 0
    for a in ZOO:
        for b in ZOO:
            for left, right in ((a.op, b.op), (a.op.T, b.op)):
                if left.shape[1] == right.shape[0] and left.shape[1]:
                    combined = left @ right
                    limit = work_of_chain(left._structure(), right._structure())
                    if combined.dtype.kind in "biu":  # may have to be dense, to wrap around
                        continue
                    assert combined._work() <= limit * (1 + 1e-12), (a.name, b.name)
                    count += 1
    assert count > 500


def test_an_outer_product_is_not_formed():
    tall, wide = np.ones((50, 1)), np.ones((1, 50))
    outer = ox.kron(tall, tall) @ ox.kron(wide, wide)
    assert type(outer) is Product
    assert outer._work() == work_of_chain(ox.kron(tall, tall), ox.kron(wide, wide))
    inner = ox.kron(wide, wide) @ ox.kron(tall, tall)
    assert type(inner) is KroneckerProduct
    assert inner.toarray().tolist() == [[2500.0]]


def test_work_of_kronecker_products_of_operators():
    """The first operator maps columns of the input, the next ones those of its image."""
    first, second = ox.duplication_matrix(3), ox.diagonal(np.arange(1.0, 6))
    op = ox.kron(first, second)
    assert type(op) is OperatorKronecker
    assert op._work() == 5 * first._work() + 9 * second._work()


def test_a_wide_low_rank_product_is_not_formed():
    u = LowRank(np.ones((1, 10)), np.ones((10, 10)), (10,), (1,))
    v = LowRank(np.ones((10, 1)), np.ones((1000, 1)), (1000,), (10,))
    for op in (u @ v, v.T @ u.T):  # rank 1 with 1000 columns is cheaper than rank 10
        assert type(op) is LowRank
        assert op.left.shape[1] == 1
    wide = ox.aslinearoperator(np.ones((1, 1000)))
    chain = LowRank(np.ones((1, 10)), np.ones((1, 10)), (1,), (1,)) @ wide
    assert type(chain) is Product  # rank 10 with 1000 columns costs more than both
    assert type(chain.T) is Product
    assert type(wide.T @ chain.chain[0].T) is Product
    assert type(ox.kron(S, R) @ LowRank(np.ones((6, 1)), np.ones((5, 1)), (5,), (6,))) is LowRank


def test_sums_are_multiplied_out_only_where_that_is_cheaper():
    k = ox.kronecker_sum(S, R)
    assert (k @ k)._work() <= 2 * k._work()
    big = ox.kronecker_sum(*[matrix(8, 8, seed=s) for s in range(4)])
    assert type(big @ big) is Product


# --- elementwise ---------------------------------------------------------------------------------


def test_elementwise_product_is_structured():
    """(A x B) * (C x D) = (A * C) x (B * D)."""
    op = ox.kron(A, B) * ox.kron(C.T, D.T)
    assert type(op) is KroneckerProduct
    assert_close(op.toarray(), kron(A, B) * kron(C.T, D.T))
    total = ox.kronecker_sum(S, R) * ox.kron(Q, P)
    assert isinstance(total, TermOperator)
    assert_close(total.toarray(), ox.kronecker_sum(S, R).toarray() * kron(Q, P))
    k = ox.commutation_matrix(2, 3)
    assert_close((k * k).toarray(), commutation(2, 3))


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_integral_powers_are_structured(k):
    op = (-2 * ox.kron(A, B)) ** k
    assert type(op) is KroneckerProduct
    assert_close(op.toarray(), (-2 * kron(A, B)) ** k)
    permuted = ox.commutation_matrix(4, 2) @ ox.kron(A, B)
    assert_close((permuted**k).toarray(), permuted.toarray() ** k)


def test_fractional_powers_need_numbers_without_sign():
    op = ox.kron(np.abs(A), np.abs(B))
    assert type(op**0.5) is KroneckerProduct
    assert_close((op**0.5).toarray(), op.toarray() ** 0.5)
    # (-1 * -1)^(1/2) is 1, though the factors have no real root
    negative = ox.kron(-np.abs(A), -np.abs(B))
    with pytest.warns(ox.DenseFallbackWarning):
        root = negative**0.5
    assert_close(root, negative.toarray() ** 0.5)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "bool", "float32"])
def test_elementwise_dtypes_are_numpys(dtype):
    a, b = matrix(2, 2, dtype), matrix(3, 2, dtype, 1)
    op, dense = ox.kron(a, b), kron(a, b)
    for ours, numpys in ((op * op, dense * dense), (op**2, dense**2), (op**3, dense**3)):
        assert_close(np.asarray(ours), numpys)
        assert ours.dtype == numpys.dtype
    for scalar in (2, True, False, 1.0, 0.5, np.float32(2), np.float64(1), np.int64(1), 1j):
        assert_close((op * scalar).toarray(), dense * scalar, data=(dense,))
        assert (op * scalar).dtype == (dense * scalar).dtype, scalar
        assert (scalar * op).dtype == (scalar * dense).dtype
    for scalar in (2, 3.0, np.float32(2), np.int16(3), 1j):
        assert_close((op / scalar).toarray(), dense / scalar, data=(dense,))
        assert (op / scalar).dtype == (dense / scalar).dtype, scalar


def test_integers_that_do_not_fit_are_numpys_error():
    with pytest.raises(OverflowError, match="300 out of bounds for uint8"):
        ox.kron(np.ones((2, 2), np.uint8), np.ones((2, 2), np.uint8)) * 300


@pytest.mark.parametrize("dtype", ["uint8", "uint64", "int8", "int64"])
def test_wrap_around_is_numpys(dtype):
    top = np.iinfo(dtype).max
    a, b = np.array([[1, top]], dtype), np.array([[3], [top]], dtype)
    op, dense = ox.kron(a, b), kron(a, b)
    for ours, numpys in (
        (op, dense),
        (-op, -dense),
        (op - 2 * op, dense - 2 * dense),
        (op + op + op, dense + dense + dense),
        (op.T @ op, dense.T @ dense),
        (op.astype(np.float64), dense.astype(np.float64)),
        (op * 0.5, dense * 0.5),
        (ox.diagonal(a[0]) + ox.diagonal(a[0]), np.diag(a[0]) + np.diag(a[0])),
        (ox.diagonal(a[0]) @ ox.diagonal(a[0]), np.diag(a[0]) @ np.diag(a[0])),
        (ox.diagonal(a[0]) @ op.T, np.diag(a[0]) @ dense.T),
        (ox.kron(ox.diagonal(a[0]), b), kron(np.diag(a[0]), b)),
        (ox.diagonal(a[0]) + ox.aslinearoperator(b @ a), np.diag(a[0]) + b @ a),
        (ox.diagonal(a[0]) - ox.aslinearoperator(b @ a), np.diag(a[0]) - b @ a),
    ):
        np.testing.assert_array_equal(np.asarray(ours), numpys)
        np.testing.assert_array_equal(
            ours @ np.ones(ours.shape[1]), numpys @ np.ones(ours.shape[1])
        )


# --- fallbacks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda a: a + 1,
        lambda a: 1 - a,
        lambda a: a - 1,
        lambda a: a + np.arange(9.0),
        lambda a: np.arange(8.0)[:, None] - a,
        lambda a: a * np.arange(9.0),
        lambda a: np.arange(72.0).reshape(8, 9) * a,
        lambda a: a / np.arange(1.0, 10.0),
        lambda a: 2 / (a * a + 1),
        lambda a: a**-2,
        lambda a: a**0,
        lambda a: 2**a,
        lambda a: a ** np.arange(9),
        lambda a: a * np.arange(72.0).reshape(8, 9).tolist(),
    ],
)
def test_what_has_no_structure_is_dense_with_a_warning(f):
    op = ox.kron(matrix(2, 3), matrix(4, 3))
    dense = kron(matrix(2, 3), matrix(4, 3))
    expected = f(dense)
    with pytest.warns(ox.DenseFallbackWarning):
        result = f(op)
    assert type(result) is np.ndarray
    assert_close(result, expected)


def test_what_is_linear_in_integers_stays_structured():
    small = ox.diagonal(np.arange(4)) + ox.kron(np.eye(2, dtype=int), [[1, 2], [3, 4]])
    assert len(small.addends) == 2
    chain = ox.diagonal(np.arange(4)) @ ox.kron(np.eye(2, dtype=int), [[1, 2], [3, 4]])
    assert type(chain) is Product
    assert (chain @ np.ones(4, int)).dtype == np.int64


def test_elementwise_products_of_other_splits_are_dense():
    op, other = ox.kron(A, D), ox.kron(D, A)
    with pytest.warns(ox.DenseFallbackWarning, match="the elementwise product"):
        product = op * other
    assert_close(product, kron(A, D) * kron(D, A))
    with pytest.warns(ox.DenseFallbackWarning):
        product = op * ox.aslinearoperator(kron(D, A))
    assert_close(product, kron(A, D) * kron(D, A))


def test_casts_that_would_lose_a_factor():
    tiny, huge = np.array([[1e-60, 2e-60]]), np.array([[1e60], [2e60]])
    op = ox.kron(tiny, huge)
    cast = op.astype(np.float32)  # each factor is out of range, their product is not
    expected = kron(tiny, huge).astype(np.float32)
    assert cast.dtype == np.float32
    assert_close(cast.toarray(), expected)
    assert_close(cast[0, 1], expected[0, 1])
    assert_close(cast @ np.ones(2, np.float32), expected.sum(1))
    assert_close(cast.T.toarray(), expected.T)
    as_complex = (ox.diagonal([1.0, 2.0]) + op).astype(complex)
    assert as_complex.dtype == np.complex128
    assert_close(as_complex.conj().toarray(), np.diag([1.0 + 0j, 2.0]) + kron(tiny, huge))


def test_lists_from_the_left():
    op, dense = ox.kron(S, Q), kron(S, Q)
    rows = dense.tolist()
    assert_close((rows + op).toarray(), 2 * dense)
    assert not (rows - op).toarray().any()
    assert_close(rows @ op, dense @ dense, 100)
    with pytest.warns(ox.DenseFallbackWarning):
        assert_close(rows * op, dense * dense)
    with pytest.warns(ox.DenseFallbackWarning):
        assert_close([1.0] / op, 1 / dense)


def test_division_by_numbers_keeps_the_structure():
    op = ox.kron(S, R)
    for c in (-1, 2, 0.5, 1j, np.float32(4)):
        assert type(op / c) is KroneckerProduct
        assert_close((op / c).toarray(), kron(S, R) / c)


def test_division_by_zero_is_numpys():
    op = ox.kron(np.array([[1.0, 0.0]]), np.array([[1.0, -2.0]]))
    with (
        pytest.warns(ox.DenseFallbackWarning),
        pytest.warns(RuntimeWarning),
    ):
        result = op / 0
    np.testing.assert_array_equal(result, [[np.inf, -np.inf, np.nan, np.nan]])
    with pytest.warns(ox.DenseFallbackWarning), np.errstate(over="ignore"):
        result = op / 1e-310  # whose reciprocal overflows
    np.testing.assert_array_equal(result[0, 2:], [0, 0])


# --- powers and inverses -------------------------------------------------------------------------


def test_power():
    op = ox.kron(S, R)
    dense = kron(S, R)
    assert type(op.power(0)) is Identity
    assert op.power(0).in_shape == op.in_shape
    for k in (1, 2, 3, 6):
        expected = np.linalg.matrix_power(dense, k)
        assert type(op.power(k)) is KroneckerProduct
        assert_close(op.power(k).toarray(), expected, np.linalg.norm(dense) ** k, 6 * k)
    cond = np.linalg.cond(dense)
    expected = np.linalg.matrix_power(dense, -2)
    assert_close(op.power(-2).toarray(), expected, cond**2 * np.linalg.norm(expected), 6)


@pytest.mark.parametrize(
    ("op", "dense"),
    [
        (ox.kron(S, R), kron(S, R)),
        (-2 * ox.kron(S, R), -2 * kron(S, R)),
        (ox.kron(Z, R), kron(Z, R)),
        (ox.kron([[2, 1], [1, 1]], [[1, 0], [0, 1]]), kron([[2, 1], [1, 1]], np.eye(2))),
        (ox.commutation_matrix(3, 2) @ ox.kron(S, R), commutation(3, 2) @ kron(S, R)),
        (ox.diagonal([1, 2, 4]), np.diag([1, 2, 4])),
        (ox.diagonal(np.arange(1.0, 7)) @ ox.kron(S, R), np.diag(np.arange(1.0, 7)) @ kron(S, R)),
        (2 * (ox.diagonal([1, 2] * 3) @ ox.kron(S, R)), 2 * np.diag([1, 2] * 3) @ kron(S, R)),
        (ox.identity(4) * 2, 2 * np.eye(4)),
    ],
)  # fmt: skip
def test_inverse(op, dense):
    expected = np.linalg.inv(dense)
    inverse = op.inv()
    assert_close(inverse.toarray(), expected, np.abs(expected).max() * np.linalg.cond(dense), 6)
    assert (inverse.in_shape, inverse.out_shape) == (op.out_shape, op.in_shape)
    assert inverse.dtype == expected.dtype
    x = np.arange(op.shape[0], dtype=float)
    assert_close(inverse @ (op @ x), x, np.linalg.cond(dense) * np.abs(x).max(), 6)


def test_conjugate_of_its_own_conjugate():
    op = ox.kron(Z, R)
    assert Conjugate(op).conj() is op


# --- shapes of results ---------------------------------------------------------------------------


def shapes(op):
    return op.in_shape, op.out_shape


def test_shapes_of_sums():
    k = ox.kron(S, R)  # (3, 2) to (3, 2)
    assert shapes(k + k) == ((3, 2), (3, 2))
    assert shapes(k + ox.identity(6)) == ((3, 2), (3, 2))  # flat takes the other's
    assert shapes(ox.identity(6) - k) == ((3, 2), (3, 2))
    assert shapes(k + ox.kron(R, S)) == ((6,), (6,))  # different ones become flat
    assert shapes(k + ox.commutation_matrix(2, 3)) == ((6,), (6,))
    assert shapes(k + np.ones((6, 6))) == ((3, 2), (3, 2))
    assert shapes(k + ox.diagonal(np.ones(6))) == ((3, 2), (3, 2))
    assert shapes(ox.diagonal(np.ones(6)) + k) == ((3, 2), (3, 2))
    assert shapes(2 * k) == shapes(-k) == shapes(k / 2) == ((3, 2), (3, 2))
    assert shapes(k * k) == ((3, 2), (3, 2))
    total = ox.diagonal(np.ones(6)) + ox.aslinearoperator(np.eye(6))
    assert shapes(total) == ((6,), (6,))
    assert shapes(ox.commutation_matrix(2, 3) @ total) == ((2, 3), (3, 2))
    assert shapes(total + k) == ((3, 2), (3, 2))
    chain = ox.diagonal(np.ones(6)) @ ox.aslinearoperator(np.eye(6))
    assert shapes(0 * k + chain) == ((3, 2), (3, 2))


def test_shapes_of_products():
    k = ox.kron(A, B)  # (2, 3) to (4, 2)
    d8, d6 = ox.diagonal(np.arange(8.0)), ox.diagonal(np.arange(6.0))
    assert shapes(ox.kron(A, B) @ ox.kron(C, D)) == ((4, 2), (4, 2))
    assert shapes(k @ d6) == ((2, 3), (4, 2))  # flat takes the other's
    assert shapes(d8 @ k) == ((2, 3), (4, 2))
    assert shapes(d8 @ k @ d6) == ((2, 3), (4, 2))
    assert shapes(k @ ox.identity(6)) == ((2, 3), (4, 2))
    assert shapes(ox.identity(8) @ k) == ((2, 3), (4, 2))
    assert shapes(ox.aslinearoperator(np.ones((5, 8))) @ k) == ((2, 3), (5,))
    assert shapes(k @ ox.aslinearoperator(np.ones((6, 5)))) == ((5,), (4, 2))
    assert shapes(ox.kron(np.ones((2, 4)), np.ones((3, 2))) @ k) == (
        (6,),
        (6,),
    )  # (2, 4) meets (4, 2)
    assert shapes(ox.commutation_matrix(4, 2) @ k) == ((2, 3), (2, 4))
    assert shapes(ox.commutation_matrix(2, 3).power(2)) == ((6,), (6,))


def test_shapes_of_kronecker_products_of_operators():
    assert shapes(ox.kron(ox.diagonal(np.ones(3)), A)) == ((9,), (6,))
    assert shapes(ox.kron(ox.kronecker_sum(S, R), A)) == ((18,), (12,))
    assert shapes(ox.kron(ox.kron(A, B), C)) == ((2, 2, 3), (3, 4, 2))
    assert shapes(ox.kron(*[np.eye(1)] * 61)) == ((1,), (1,))


# --- terms ---------------------------------------------------------------------------------------


def test_terms_are_two_sided():
    """The operator is the sum of c (R^T x L) [K]."""
    for op in (
        ox.kron(S, R),
        ox.kronecker_sum(Q, P),
        2 * ox.kron(S, R) - ox.identity(6),
        ox.kron(S, R) @ ox.commutation_matrix(2, 3),
        ox.aslinearoperator(A),
    ):
        total = np.zeros(op.shape)
        for c, left, right, transposed in op.terms:
            term = kron(right.T, left)
            if transposed:
                term = term @ commutation(len(right), left.shape[1])
            total = total + c * term
        assert_close(op.toarray(), total)


def test_terms_outside_the_span():
    with pytest.raises(NotImplementedError, match="not a sum of Kronecker products of two factors"):
        _ = ox.kron(A, B, C).terms
    with pytest.raises(NotImplementedError, match="not a sum"):
        _ = ox.diagonal([1.0]).terms
