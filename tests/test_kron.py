"""kron and kronecker_sum: a drop-in for np.kron that never forms the product."""

import functools
import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import otimes as ox
from oracle import assert_close
from otimes import _core
from otimes._kron import KroneckerProduct
from strategies import LAYOUTS, arrays, factor_lists, sizes
from zoo import assert_equal_for_any_threads, matrix

# --- conventions, by literal example -------------------------------------------------------------


def test_kron_literal():
    k = ox.kron([[1, 2], [3, 4]], [[0, 5], [6, 7]])
    assert k.toarray().tolist() == [
        [0, 5, 0, 10],
        [6, 7, 12, 14],
        [0, 15, 0, 20],
        [18, 21, 24, 28],
    ]
    assert (k @ [1, 0, 0, 0]).tolist() == [0, 6, 0, 18]


def test_kron_of_rectangles_literal():
    k = ox.kron([[1, 2, 3]], [[1], [10]])
    assert k.toarray().tolist() == [[1, 2, 3], [10, 20, 30]]
    assert (k.in_shape, k.out_shape) == ((1, 3), (2, 1))


def test_kronecker_sum_literal():
    k = ox.kronecker_sum([[1, 2], [3, 4]], [[10, 20], [30, 40]])
    assert k.toarray().tolist() == [
        [11, 20, 2, 0],
        [30, 41, 0, 2],
        [3, 0, 14, 20],
        [0, 3, 30, 44],
    ]


def test_both_readings_of_a_product():
    """K @ X.ravel() == (A @ X @ B.T).ravel() and K @ vec(X) == vec(B @ X @ A.T)."""
    a, b = np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, -1], [2, 0], [0, 3], [1, 1]])
    k = ox.kron(a, b)
    x = np.arange(6).reshape(3, 2)
    assert (k @ x.ravel()).tolist() == (a @ x @ b.T).ravel().tolist()
    y = np.arange(6).reshape(2, 3)
    assert (k @ ox.vec(y)).tolist() == ox.vec(b @ y @ a.T).tolist()
    assert k(y).tolist() == (b @ y @ a.T).tolist()


def test_shapes_of_what_is_mapped():
    k = ox.kron(*[np.ones((m, n)) for m, n in [(2, 3), (4, 5), (6, 7)]])
    assert k.shape == (48, 105)
    assert k.in_shape == (7, 5, 3)
    assert k.out_shape == (6, 4, 2)


def test_kronecker_sum_of_two_is_sylvester():
    """kronecker_sum(A, B) @ vec(X) == vec(B @ X + X @ A.T)."""
    a, b, x = matrix(3, 3), matrix(2, 2), matrix(2, 3)
    assert_close(ox.kronecker_sum(a, b)(x), b @ x + x @ a.T)


# --- against the definition ----------------------------------------------------------------------


@given(factors=factor_lists())
def test_products_equal_the_definition(factors):
    native = [f.astype(f.dtype.newbyteorder("=")) for f in factors]
    dense = oracle.kron(*native)
    op = ox.kron(*factors)
    np.testing.assert_array_equal(op.toarray(), dense)
    assert op.dtype == dense.dtype
    x = np.arange(dense.shape[1]) % 3  # small integers: exact in every dtype
    np.testing.assert_array_equal(op @ x, dense @ x)
    np.testing.assert_array_equal(np.arange(len(dense)) % 3 @ op, np.arange(len(dense)) % 3 @ dense)
    np.testing.assert_array_equal(op.T.toarray(), dense.T)


@given(data=st.data(), n=sizes, m=sizes, p=sizes)
def test_kronecker_sums_equal_the_definition(data, n, m, p):
    count = data.draw(st.integers(2, 3))
    dtypes = ("float64", "complex64", "int64", "int8")
    operands = [data.draw(arrays((s, s), dtypes)) for s in (n, m, p)[:count]]
    native = [f.astype(f.dtype.newbyteorder("=")) for f in operands]
    op = ox.kronecker_sum(*operands)
    np.testing.assert_array_equal(op.toarray(), oracle.kronecker_sum(*native))
    assert op.in_shape == tuple(reversed((n, m, p)[:count]))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_factors_of_every_layout(layout):
    a, b = (LAYOUTS[layout](matrix(*s)) for s in [(3, 4), (2, 5)])
    before = a.copy()
    assert_close(ox.kron(a, b).toarray(), oracle.kron(a.astype("=f8"), b.astype("=f8")))
    np.testing.assert_array_equal(a, before)


@pytest.mark.parametrize(
    "sizes",
    [
        [(40, 50), (60, 30)],
        [(100, 2), (2, 100)],
        [(5, 5)] * 5,
        [(2, 2)] * 12,
        [(1, 64), (64, 1), (64, 64)],
        [(70, 70), (1, 1), (3, 3)],
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int64"])
def test_large_products_factor_by_factor(sizes, dtype):
    factors = [matrix(m, n, dtype, k) for k, (m, n) in enumerate(sizes)]
    op = ox.kron(*factors)
    x = matrix(op.shape[1], 3, dtype)
    y = bound = None
    y, bound = x.T, np.abs(x.T).astype(float)
    modes = [n for _, n in sizes]
    y, bound = (z.reshape(3, *modes) for z in (y, bound))
    for axis, f in enumerate(factors):  # the textbook: one tensordot per mode
        y = np.moveaxis(np.tensordot(f, y, (1, axis + 1)), 0, axis + 1)
        bound = np.moveaxis(np.tensordot(np.abs(f), bound, (1, axis + 1)), 0, axis + 1)
    expected = y.reshape(3, -1).T
    steps = sum(n for _, n in sizes)
    for operand in (x, np.asfortranarray(x)):
        assert_close(op @ operand, expected, bound.max(), steps)
    assert_close(op @ x[:, 0], expected[:, 0], bound.max(), steps)


# --- exact integers, bool, special values --------------------------------------------------------


def test_int64_is_exact():
    a = np.array([[2**31, 3], [-5, 2**20]])
    b = np.array([[2**31 - 1, 1]])
    op, dense = ox.kron(a, b), np.kron(a, b)
    x = np.array([1, -1, 7, 2**10])
    assert op.dtype == np.int64
    assert (op @ x).tolist() == (dense @ x).tolist()  # more than 2**53
    assert (op @ x)[0] == (2**31 * (2**31 - 1)) - 2**31 + 21 * (2**31 - 1) + 3 * 2**10


def test_uint64_is_exact():
    a = np.array([[2**40, 3]], np.uint64)
    b = np.array([[2**23 + 1], [1]], np.uint64)
    op, dense = ox.kron(a, b), np.kron(a, b)
    assert op.dtype == np.uint64
    assert op.toarray().tolist() == dense.tolist()
    x = np.array([1, 2**20], np.uint64)
    assert (op @ x).tolist() == (dense @ x).tolist()


def test_bool_is_logical():
    a = np.array([[True, True], [False, True]])
    op = ox.kron(a, a)
    assert op.dtype == np.bool_
    x = np.array([True, True, False, True])
    np.testing.assert_array_equal(op @ x, np.kron(a, a) @ x)
    np.testing.assert_array_equal(op @ x.astype(int), np.kron(a, a) @ x.astype(int))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [[(2, 2), (3, 3)], [(30, 30), (25, 25)], [(1, 40), (40, 1)]])
def test_nan_and_inf_propagate(dtype, sizes):
    factors = [matrix(m, n, dtype, k) for k, (m, n) in enumerate(sizes)]
    for value in (np.nan, np.inf):
        for where in (0, 1):
            marked = [f.copy() for f in factors]
            marked[where][0, -1] = value
            marked[where - 1][0, 0] = 0  # 0 * inf is nan
            with np.errstate(invalid="ignore"):
                dense = np.kron(*marked)
            op = ox.kron(*marked)
            np.testing.assert_array_equal(np.isnan(op.toarray()), np.isnan(dense))
            assert_close(op.toarray(), dense)
            x = np.ones(op.shape[1], dtype)
            with np.errstate(invalid="ignore"):
                expected = dense @ x
            np.testing.assert_array_equal(np.isfinite(op @ x), np.isfinite(expected))


def test_nan_of_the_operand_stays_in_its_column():
    op = ox.kron(matrix(30, 30), matrix(20, 20))
    x = np.ones((600, 3))
    x[5, 1] = np.nan
    y = op @ x
    assert np.isfinite(y[:, [0, 2]]).all()
    assert np.isnan(y[:, 1]).all()


# --- a drop-in for np.kron -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.arange(3), np.arange(2)),
        (np.arange(6).reshape(2, 3), np.arange(2)),
        (np.arange(3), np.arange(6).reshape(2, 3)),
        (np.arange(8).reshape(2, 2, 2), np.arange(4).reshape(2, 2)),
        (2, np.arange(4).reshape(2, 2)),
        (np.arange(4.0).reshape(2, 2), 3.0),
        ([1, 2], [[3, 4]]),
        ([], [[1.0]]),
    ],
)
def test_other_dimensions_are_numpys(a, b):
    result, expected = ox.kron(a, b), np.kron(a, b)
    assert type(result) is type(expected)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


class Tagged(np.ndarray):
    """Somebody's subclass of ndarray."""


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize(
    "wrap",
    [np.asmatrix, np.ma.asarray, lambda a: np.ma.masked_equal(a, 2), lambda a: a.view(Tagged)],
)
def test_subclasses_are_numpys(wrap):
    a, b = np.arange(4.0).reshape(2, 2), np.arange(6.0).reshape(3, 2)
    for left, right in ((wrap(a), b), (a, wrap(b)), (wrap(a), wrap(b))):
        result, expected = ox.kron(left, right), np.kron(left, right)
        assert type(result) is type(expected)
        np.testing.assert_array_equal(np.asarray(result), np.asarray(expected))
        np.testing.assert_array_equal(np.ma.getmaskarray(result), np.ma.getmaskarray(expected))


def test_three_operands_of_other_dimensions():
    a, b, c = np.arange(2), np.arange(4).reshape(2, 2), np.arange(3)
    np.testing.assert_array_equal(ox.kron(a, b, c), np.kron(np.kron(a, b), c))


def test_operators_with_arrays_of_other_dimensions():
    op, cube = ox.kron([[1.0, 2.0]], [[3.0]]), np.arange(8.0).reshape(2, 2, 2)
    for left, right in ((op, cube), (cube, op)):
        with pytest.warns(ox.DenseFallbackWarning, match="Kronecker product with such an array"):
            result = ox.kron(left, right)
        np.testing.assert_array_equal(result, np.kron(np.asarray(left), np.asarray(right)))


@pytest.mark.parametrize("make", ["csr_array", "coo_matrix"])
def test_sparse_factors(make):
    sparse = pytest.importorskip("scipy.sparse")
    a, b = np.array([[0.0, 2.0], [3.0, 0.0]]), matrix(2, 3)
    op = ox.kron(getattr(sparse, make)(a), b)
    assert type(op) is KroneckerProduct
    np.testing.assert_array_equal(op.toarray(), oracle.kron(a, b))
    total = ox.kronecker_sum(sparse.eye_array(2), a)
    np.testing.assert_array_equal(total.toarray(), oracle.kronecker_sum(np.eye(2), a))


def test_factors_are_those_given():
    a, b = matrix(2, 3), matrix(4, 2)
    first, second = ox.kron(a, b).factors
    np.testing.assert_array_equal(first, a)
    np.testing.assert_array_equal(second, b)
    first, second = (3 * ox.kron(a, b)).factors
    np.testing.assert_array_equal(first, 3 * a)
    np.testing.assert_array_equal(second, b)
    np.testing.assert_array_equal(ox.kron(ox.identity(2), b).factors[0], np.eye(2))


# --- snapshots -----------------------------------------------------------------------------------


def test_operators_are_snapshots():
    a, b = matrix(3, 3), matrix(4, 4)
    dense = oracle.kron(a, b)
    operators = [
        ox.kron(a, b),
        ox.kronecker_sum(a, b),
        ox.aslinearoperator(a),
        ox.kron(a, b) + dense,
        ox.kron(a, b).T @ dense.view(),
    ]
    before = [np.array(op) for op in operators]
    a[...] = b[...] = dense[...] = 99
    for op, expected in zip(operators, before, strict=True):
        np.testing.assert_array_equal(np.asarray(op), expected)
        assert (np.asarray(op) != 99).any()


# --- the order of application --------------------------------------------------------------------


@given(
    sizes=st.lists(st.tuples(st.integers(1, 7), st.integers(1, 7)), min_size=1, max_size=5),
)
def test_order_of_application_is_the_best(sizes):
    """Ascending 1/n - 1/m: no order of the factors costs less work."""
    rows, cols = [m for m, _ in sizes], [n for _, n in sizes]
    order = _core.application_order(rows, cols)
    assert sorted(order) == list(range(len(sizes)))
    work = oracle.chain_work(rows, cols, order)
    assert work == oracle.least_work(rows, cols)
    assert math.isclose(_core.application_work(rows, cols, order), work, rel_tol=1e-13)


def test_order_of_application_literal():
    # 1 x 50 then 50 x 1: shrink first
    assert _core.application_order([1, 50], [50, 1]) == (0, 1)
    assert _core.application_order([50, 1], [1, 50]) == (1, 0)
    assert oracle.chain_work([1, 50], [50, 1], (0, 1)) == 100
    assert oracle.chain_work([1, 50], [50, 1], (1, 0)) == 5000
    assert _core.application_order([3, 3, 3], [3, 3, 3]) == (2, 1, 0)  # ties: contiguous first
    assert _core.application_order([2] * 70, [2] * 70) == tuple(reversed(range(70)))


def test_counted_work_is_that_of_the_plan():
    for shapes in itertools.product([(1, 3), (3, 1), (2, 2)], repeat=3):
        op = ox.kron(*[np.ones(s) for s in shapes])
        rows, cols = zip(*shapes, strict=True)
        assert op._work() == oracle.least_work(rows, cols)
        plan = op._plan_for(np.dtype(float))
        assert math.isclose(plan.work, op._work(), rel_tol=1e-13)


def test_identities_cost_nothing():
    one = ox.kron(np.eye(50)[:20], np.ones((20, 20)))
    assert ox.kron(ox.identity(50), np.ones((20, 20)))._work() == 50 * 400
    assert one._work() > 50 * 400


# --- memory --------------------------------------------------------------------------------------

PEAK = """
import numpy as np
import otimes as ox
rng = np.random.default_rng(0)
op = ox.kron(rng.standard_normal((2000, 2000)), rng.standard_normal((2000, 2000)))
x = rng.standard_normal(2000 * 2000)
y = op @ x
assert np.isfinite(y).all()
with open("/proc/self/status") as status:  # ru_maxrss would be the parent's, where that is more
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.memory
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_product_with_large_factors_stays_small():
    """Two 2000 x 2000 factors: the matrix would need 119 GiB; the peak stays below 300 MB."""
    run = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert int(run.stdout) * 1024 < 300e6


@pytest.mark.filterwarnings("ignore::otimes.DenseFallbackWarning")
@pytest.mark.parametrize(
    "f",
    [
        lambda op: op.toarray(),
        lambda op: op.tensor(),
        lambda op: op.ravel(),
        lambda op: np.asarray(op),
        lambda op: op + 1,
        lambda op: np.abs(op),
        lambda op: op == op,
    ],
)
def test_a_dense_array_that_does_not_fit_is_refused_before_it_is_allocated(f):
    op = ox.kron(np.ones((2000, 2000)), np.ones((2000, 2000)))
    message = r"shape \(4000000, 4000000\) and dtype float64 needs 1.19e\+05 GiB, more than"
    with pytest.raises(MemoryError, match=message):
        f(op)


def test_set_max_dense():
    op = ox.kron(np.ones((10, 10)), np.ones((10, 10)))  # 80 kB
    try:
        ox.set_max_dense(79_999)
        with pytest.raises(MemoryError, match=r"needs 7.45e-05 GiB, more than the limit of"):
            op.toarray()
        ox.set_max_dense(80_000)
        assert op.toarray().sum() == 10_000
        with pytest.raises(MemoryError, match="complex128"):
            op.toarray(dtype=complex)
        with pytest.raises(ValueError, match="bytes is -1, but a size cannot be negative"):
            ox.set_max_dense(-1)
    finally:
        ox.set_max_dense(None)
    assert op.toarray().sum() == 10_000


def test_sparse_matrices_that_do_not_fit_are_not_made_dense():
    sparse = pytest.importorskip("scipy.sparse")
    op = ox.aslinearoperator(sparse.csr_array((10**7, 10**7)))
    with pytest.raises(MemoryError, match="GiB"):
        op.toarray()


# --- threads -------------------------------------------------------------------------------------


def test_equal_for_any_number_of_threads():
    small = ox.kron(*[matrix(4, 4, seed=k) for k in range(6)])  # our own kernels
    x = matrix(4**6, 8)
    assert_equal_for_any_threads(lambda: small @ x)


def test_out_is_written_directly():
    """With out= a product allocates no second result."""
    import tracemalloc

    K = ox.kron(np.eye(600), np.ones((600, 600)))
    x, out = np.ones(360_000), np.empty(360_000)
    K.matvec(x, out=out)  # makes the plan
    tracemalloc.start()
    assert K.matvec(x, out=out) is out
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < out.nbytes / 10
    assert (out == 600).all()


# --- dense arrays --------------------------------------------------------------------------------

DENSE = {
    "two": [(40, 30), (20, 50)],
    "many of two": [(2, 2)] * 9,
    "many of three and four": [(3, 4), (4, 3), (2, 4), (3, 3)],
    "rows and columns": [(1, 9), (30, 1), (1, 50), (20, 7)],
}


def dense_kron(*factors):
    return functools.reduce(np.kron, factors)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint64", "bool"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", DENSE)
def test_dense_product_is_that_of_numpy_to_the_last_bit(name, order, dtype):
    """Products of entries are associated as np.kron's are."""
    factors = [np.asarray(matrix(*s, dtype, k), order=order) for k, s in enumerate(DENSE[name])]
    result, expected = ox.kron(*factors).toarray(), dense_kron(*factors)
    assert result.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", ["float64", "complex128", "int64", "bool"])
def test_dense_sums_of_products_and_identities(dtype):
    """Implied zeros, entries on top of them, permuted columns; rows in any order."""
    a, b, c = (matrix(12, 12, dtype, k) for k in range(3))
    d, e = matrix(2, 2, dtype), matrix(6, 6, dtype)
    eye = np.eye(12, dtype=dtype)
    I, K = ox.identity(12), ox.commutation_matrix(12, 12)
    k = oracle.commutation(12, 12).astype(dtype)
    cases = [
        (ox.kron(I, a), dense_kron(eye, a)),
        (ox.kron(a, I), dense_kron(a, eye)),
        (
            ox.kron(ox.identity(3), d, ox.identity(4), e),
            dense_kron(eye[:3, :3], d, eye[:4, :4], e),
        ),
        (ox.kron(a, I) @ K, dense_kron(a, eye) @ k),
        (ox.kron(I, a) @ K, dense_kron(eye, a) @ k),
        (ox.kron(a, b) @ K, dense_kron(a, b) @ k),
        (ox.kron(I, a) + ox.kron(b, I), dense_kron(eye, a) + dense_kron(b, eye)),
        (ox.kron(a, b) + ox.kron(c, I), dense_kron(a, b) + dense_kron(c, eye)),
        (ox.kron(a, I) + ox.kron(b, c), dense_kron(a, eye) + dense_kron(b, c)),
        (ox.kron(a, b) + ox.kron(b, a) @ K, dense_kron(a, b) + dense_kron(b, a) @ k),
    ]
    rows = [5, 5, 143, 0, 17]
    for op, dense in cases:
        assert_close(op.toarray(), dense)
        assert_close(op[rows], dense[rows])


def test_dense_zeros_and_infinities():
    """Zeros of an array are multiplied, those that an identity implies are not."""
    a = np.array([[np.inf, 0.0], [np.nan, 1.0]])
    b = np.array([[0.0, np.inf], [1.0, 2.0]])
    with np.errstate(invalid="ignore"):
        expected = np.kron(a, b)
    np.testing.assert_array_equal(ox.kron(a, b).toarray(), expected)
    implied = ox.kron(ox.identity(2), a).toarray()
    np.testing.assert_array_equal(implied[:2, :2], a)
    np.testing.assert_array_equal(implied[:2, 2:], 0)
    z = np.array([[complex(np.inf, 0), 1j]])
    np.testing.assert_array_equal(ox.kron(ox.identity(1), z).toarray(), z)
