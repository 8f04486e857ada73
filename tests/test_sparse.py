"""Sparse factors: they stay sparse, and behave as the matrices that they stand for."""

import pickle
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import otimes as ox
from oracle import assert_close
from otimes import _core
from otimes._compounds import Inverse, Product
from otimes._sparse import SparseFactor
from strategies import EXACT, INEXACT, arrays
from zoo import assert_equal_for_any_threads, matrix

sparse = pytest.importorskip("scipy.sparse")

FORMATS = ["csr", "csc", "coo", "bsr", "lil", "dia", "dok"]
DTYPES = [*INEXACT, *EXACT]


def holes(m, n, dtype="float64", seed=0):
    """A dense array with many zeros, of which none is in every matrix."""
    a = matrix(m, n, dtype, seed)
    return np.where(np.random.default_rng([m, n, seed]).random((m, n)) < 0.4, a, 0).astype(a.dtype)


def scattered(m, n, density, seed=0):
    """A sparse matrix with entries at random places, some added up."""
    rng = np.random.default_rng(seed)
    count = int(m * n * density)
    places = rng.integers(m, size=count), rng.integers(n, size=count)
    return sparse.coo_array((rng.standard_normal(count), places), shape=(m, n))


def stays_sparse(op):
    return any(f.is_sparse for t in op._structure().parts for f in t.factors)


def check(actual, a, b):
    """actual is a @ b to rounding; exactly for integers."""
    scale = (np.abs(a).astype(float) @ np.abs(b).astype(float)).max(initial=0)
    assert actual.dtype == (a @ b).dtype
    assert_close(actual, a @ b, scale, a.shape[1], (a, b))


# --- what is accepted ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format(name, kind):
    a, b = holes(4, 3), matrix(2, 2)
    a[0, 0] = 5
    x = getattr(sparse, f"{name}_{kind}")(a)
    for op, dense in (
        (ox.kron(x, b), oracle.kron(a, b)),
        (ox.kron(b, x), oracle.kron(b, a)),
        (ox.aslinearoperator(x), a),
    ):
        assert stays_sparse(op)
        np.testing.assert_array_equal(op.toarray(), dense)
        check(op @ np.arange(float(op.shape[1])), dense, np.arange(float(op.shape[1])))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(dtype):
    a, b = holes(4, 3, dtype), matrix(2, 2, dtype)
    op, dense = ox.kron(sparse.csr_array(a), b), oracle.kron(a, b)
    assert op.dtype == dense.dtype
    np.testing.assert_array_equal(op.toarray(), dense)
    for other in ("float64", "complex64", "int8", "bool"):
        x = matrix(6, 3, other)
        check(op @ x, dense, x)
        x = matrix(3, 8, other)
        check(x @ op, x, dense)


@pytest.mark.parametrize("index", ["int32", "int64"])
def test_indices_of_any_order_and_size(index):
    """Unsorted, and with duplicates, which are added up; what was given is not sorted in place."""
    data = np.array([1.0, 2.0, 4.0, 8.0])
    columns, starts = np.array([2, 0, 2, 1], index), np.array([0, 3, 4], index)
    a = sparse.csr_array((data, columns, starts), shape=(2, 3))
    op = ox.aslinearoperator(a)
    np.testing.assert_array_equal(op.toarray(), [[2, 0, 5], [0, 8, 0]])
    np.testing.assert_array_equal(op @ [1, 10, 100], [502, 80])
    assert a.indices.tolist() == [2, 0, 2, 1]
    rows = np.array([0, 0, 0, 1], index)
    coo = sparse.coo_array((data, (rows, columns)), shape=(2, 3))
    np.testing.assert_array_equal(ox.aslinearoperator(coo).toarray(), op.toarray())


@pytest.mark.parametrize("name", ["csr", "coo", "csc"])
def test_it_is_a_snapshot(name):
    a = getattr(sparse, f"{name}_array")(holes(4, 3))
    op = ox.kron(a, np.eye(2))
    before = op.toarray()
    a.data[:] = 99
    np.testing.assert_array_equal(op.toarray(), before)
    first, _ = op.factors
    assert sparse.issparse(first)
    first.data[:] = 99
    np.testing.assert_array_equal(op.toarray(), before)
    np.testing.assert_array_equal(op @ np.ones(6), before @ np.ones(6))


def test_what_is_refused():
    with pytest.raises(TypeError, match=r"operand 0 has dtype (float128|longdouble|complex256)"):
        ox.kron(sparse.csr_array(np.eye(2, dtype=np.longdouble)), np.eye(2))
    with pytest.raises(ValueError, match=r"has shape \(3,\), but must be a matrix"):
        ox.aslinearoperator(sparse.coo_array(np.ones(3)))
    with pytest.raises(ValueError, match=r"operand 0 has shape \(2, 3\), but must be square"):
        ox.kronecker_sum(sparse.csr_array((2, 3)), np.eye(2))
    part = np.zeros(0), np.zeros(0, "int32"), np.zeros(1, np.intp), (0, 0)
    with pytest.raises(TypeError, match="64-bit indices"):
        _core.TermPlan("d", [(1.0, (part,), (0,))])


# --- products ------------------------------------------------------------------------------------


@given(st.data())
def test_products(data):
    """Any sizes, places of the sparse factors, dtypes and numbers of columns."""
    sizes = st.integers(0, 4)
    count = data.draw(st.integers(1, 3))
    factors = [
        data.draw(
            arrays((data.draw(sizes), data.draw(sizes)), ("float64", "complex64", "int64", "bool"))
        )
        for _ in range(count)
    ]
    chosen = [
        data.draw(
            st.sampled_from([np.asarray, *(getattr(sparse, f"{n}_array") for n in FORMATS[:3])])
        )
        for _ in factors
    ]
    op = ox.kron(
        np.eye(1, dtype=bool),
        *(
            make(f.astype(f.dtype.newbyteorder("=")))
            for make, f in zip(chosen, factors, strict=True)
        ),
    )
    dense = oracle.kron([[True]], *factors)
    k = data.draw(st.integers(0, 5))
    x = data.draw(arrays((dense.shape[1], k), ("float64", "complex64", "int64", "bool")))
    check(op @ x, dense, x)
    check(x.T @ op.T, x.T, dense.T)


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 16, 17, 22, 128, 150])
@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "complex64", "complex128", "int64", "bool"]
)
def test_lanes(dtype, columns):
    """Every remainder of the kernel's loops, into a new result and accumulated."""
    a, b, c = holes(7, 5, dtype), holes(6, 4, dtype, 1), matrix(3, 2, dtype)
    x = matrix(40, columns, dtype)
    for factors in ([a, b, c], [b, c, a], [c, a, b]):
        op = ox.kron(*(sparse.csr_array(f) if f is not c else f for f in factors))
        check(op @ x, oracle.kron(*factors), x)
    s, t = holes(40, 40, dtype, 2), holes(40, 40, dtype, 3)
    op = ox.aslinearoperator(sparse.csr_array(s)) + 2 * ox.aslinearoperator(sparse.csr_array(t))
    if dtype != "bool":
        assert len(op.parts) == 2
        check(op @ x, s + 2 * t, x)


def test_implied_zeros_are_not_multiplied_and_stored_ones_are():
    stored = sparse.csr_array(([0.0, 1.0], [0, 1], [0, 1, 2]), shape=(2, 2))
    x = np.array([np.inf, 1.0])
    for op in (ox.aslinearoperator(stored), ox.kron(stored, [[1.0]]), ox.kron([[1.0]], stored)):
        np.testing.assert_array_equal(op @ x, [np.nan, 1])
        np.testing.assert_array_equal(op @ x[:, None], [[np.nan], [1]])
    infinite = ox.kron(stored, [[np.inf, 1.0]])
    expected = [[np.nan, 0, 0, 0], [0, 0, np.inf, 1]]
    np.testing.assert_array_equal(infinite.toarray(), expected)
    np.testing.assert_array_equal([[infinite[i, j] for j in range(4)] for i in range(2)], expected)
    np.testing.assert_array_equal(infinite.diagonal(), [np.nan, 0])
    square = ox.kron(stored, [[np.inf]])
    np.testing.assert_array_equal(square.diagonal(), [np.nan, np.inf])
    off = ox.kron(sparse.csr_array(([1.0], [1], [0, 1, 1]), shape=(2, 2)), [[np.inf]])
    np.testing.assert_array_equal(off.diagonal(), [0, 0])


def test_equal_for_any_number_of_threads():
    a = scattered(500, 400, 0.05, 1)
    op, x = ox.kron(a, matrix(3, 3)), matrix(1200, 40)
    assert_equal_for_any_threads(lambda: op @ x)


def test_the_order_of_application_counts_stored_entries():
    """Brute force over both orders: a sparse shrinking factor may come after a dense one."""
    for rows, cols, stored in [
        ([50, 3], [60, 5], [60, 15]),
        ([3, 50], [5, 60], [15, 3000]),
        ([8, 9, 4], [9, 8, 5], [8, 72, 5]),
        ([4, 4], [4, 4], [4, 16]),
        ([4, 7], [9, 7], [0, 49]),
    ]:
        import itertools

        def work(order, rows=rows, cols=cols, stored=stored):
            dims, total = list(cols), 0
            for k in order:
                total += np.prod(dims, dtype=object) // dims[k] * max(stored[k], 1)
                dims[k] = rows[k]
            return total

        least = min(map(work, itertools.permutations(range(len(rows)))))
        order = _core.application_order(rows, cols, stored)
        assert work(order) == least
        assert np.isclose(_core.application_work(rows, cols, order, stored), float(least))


def test_memory_is_that_of_the_stored_entries():
    """10⁶×10⁶ ⊗ 2×2: the dense matrix would have 3.2e13 bytes."""
    n = 10**6
    a = sparse.diags_array([np.ones(n - 1), 2 * np.ones(n)], offsets=[-1, 0], format="csr")
    b, x = np.array([[1.0, 2.0], [3.0, 4.0]]), np.arange(2.0 * n)
    tracemalloc.start()
    op = ox.kron(a, b)
    y = op @ x
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_close(y, (a @ x.reshape(n, 2) @ b.T).ravel())
    assert peak < 6 * (a.data.nbytes + a.indices.nbytes + a.indptr.nbytes)
    assert op[5, 5] == 8
    assert (op[2 * n - 1] == 0).sum() == 2 * n - 4
    with pytest.raises(MemoryError, match="GiB"):
        op.toarray()
    total = ox.kronecker_sum(a, b)
    assert_close(total @ x, (a @ x.reshape(n, 2) + x.reshape(n, 2) @ b.T).ravel())


@pytest.mark.skipif(sys.platform == "win32", reason="needs 64-bit sizes in C long")
def test_sizes_beyond_32_bits():
    """2⁴⁰ columns: only rows and entries that are asked for are formed."""
    a = sparse.csr_array(([1.0, 2.0], [0, 2**40 - 1], [0, 1, 2]), shape=(2, 2**40))
    op = ox.kron(a, [[3.0]])
    assert op.shape == (2, 2**40)
    assert (op[0, 0], op[1, 2**40 - 1], op[1, 0]) == (3, 6, 0)


# --- the algebra ---------------------------------------------------------------------------------


def test_what_stays_sparse():
    a, b, d = (sparse.csr_array(holes(5, 5, seed=k)) for k in range(3))
    s = ox.kron(a, np.eye(3))
    for op in (
        s.T,
        s.H,
        s.conj(),
        2 * s,
        -s,
        s / 3,
        s + ox.kron(b, np.eye(3)),
        s * ox.kron(b, np.eye(3)),
        s**2,
        s.astype("float32"),
        s.astype("complex128"),
        (1j * s).imag,
        ox.kron(s, d),
        ox.kronecker_sum(a, b),
        s @ ox.commutation_matrix(5, 3),
        ox.commutation_matrix(3, 5) @ s,
        pickle.loads(pickle.dumps(s)),
    ):
        assert stays_sparse(op)


def test_complex_factors():
    a = holes(5, 4, "complex128")
    op = ox.kron(sparse.csr_array(a), [[1j, 2]])
    dense = np.kron(a, [[1j, 2]])
    np.testing.assert_array_equal(op.conj().toarray(), dense.conj())
    np.testing.assert_array_equal(op.H.toarray(), dense.conj().T)
    np.testing.assert_array_equal(ox.kron(sparse.csr_array(a), [[2.0]]).real.toarray(), 2 * a.real)


def test_products_of_sparse_factors_are_sparse_where_that_is_no_larger():
    """As everywhere: no product of factors is formed that is larger than its parts."""
    bidiagonal = sparse.diags_array([np.ones(99), np.arange(100.0)], offsets=[1, 0])
    op = ox.aslinearoperator(bidiagonal)
    squared = op @ op
    assert isinstance(squared.parts[0].factors[0], SparseFactor)
    assert_close(squared.toarray(), bidiagonal.toarray() @ bidiagonal.toarray())
    filling = ox.aslinearoperator(scattered(100, 100, 0.1, 0))
    assert isinstance(filling @ filling, Product)
    dense = ox.aslinearoperator(matrix(100, 100))
    assert not stays_sparse(op @ dense)
    assert_close((op @ dense).toarray(), bidiagonal.toarray() @ matrix(100, 100))


def test_equal_terms_merge():
    a, b = holes(4, 4), matrix(3, 3)
    first, again = (ox.kron(sparse.csr_array(a), b) for _ in range(2))
    assert len((first + again).parts) == 1
    assert_close((first + again).toarray(), 2 * np.kron(a, b))
    assert len((first - again).parts) == 1
    other = a.copy()
    other[np.nonzero(a)[0][2], np.nonzero(a)[1][2]] += 1  # the same sample of entries
    assert len((first + ox.kron(sparse.csr_array(other), b)).parts) == 2
    assert len((first + ox.kron(a, b)).parts) == 2  # a dense one of equal entries stays apart


def test_the_zero_of_a_difference_keeps_nan():
    """0·inf is nan where the inf is stored, so such terms do not cancel."""
    a = sparse.csr_array(([np.inf, 1.0], [0, 1], [0, 1, 2]), shape=(2, 2))
    op = ox.kron(a, np.eye(2)) * 0
    np.testing.assert_array_equal(np.isnan(op @ np.ones(4)), [True, True, False, False])


def test_powers_and_elementwise_products():
    a, b = holes(4, 4), holes(4, 4, seed=1)
    s, t = ox.aslinearoperator(sparse.csr_array(a)), ox.aslinearoperator(sparse.csr_array(b))
    np.testing.assert_array_equal((s * t).toarray(), a * b)
    assert_close((s**3).toarray(), a**3)
    assert_close(s.power(3).toarray(), np.linalg.matrix_power(a, 3), steps=100)
    assert_close((s * ox.aslinearoperator(b)).toarray(), a * b)


def test_what_has_no_sparse_form_works_on_the_dense_matrix():
    a = holes(4, 4) + 2 * np.eye(4)
    (term,) = ox.aslinearoperator(sparse.csr_array(a)).parts
    inverse = term.factors[0].inverse()
    assert not inverse.is_sparse
    assert_close(inverse.array, np.linalg.inv(a), steps=100)


def test_display():
    op = ox.kron(sparse.eye_array(10**6), [[2.0]], sparse.csr_array([[3.0]]))
    assert str(op) == "[1000000×1000000] ⊗ 2 ⊗ 3"
    assert "KroneckerProduct float64" in repr(op)


# --- solving and NumPy's functions ---------------------------------------------------------------


@pytest.mark.parametrize("trans", ["N", "T", "H"])
@pytest.mark.parametrize("dtype", INEXACT)
def test_solving(dtype, trans):
    a = holes(5, 5, dtype) + 3 * np.eye(5, dtype=dtype)
    b = matrix(3, 3, dtype) + 3 * np.eye(3, dtype=dtype)
    d = holes(2, 2, dtype) + 2 * np.eye(2, dtype=dtype)
    swap = ox.kron(ox.identity(5), ox.commutation_matrix(3, 2))
    op = 2 * ox.kron(sparse.csr_array(a), b, sparse.csr_array(d)) @ swap
    assert len(op.parts) == 1
    dense = op.toarray()
    matrix_of = {"N": dense, "T": dense.T, "H": dense.conj().T}[trans]
    factors = op.factorize()
    for k in ((), (1,), (4,)):
        for kind in ("float32", dtype, "complex128"):
            rhs = matrix(30, *(k or (1,)), kind).reshape(30, *k)
            x = factors.solve(rhs, trans)
            assert x.dtype == np.result_type(dtype, rhs)
            cond = np.linalg.cond(dense)
            assert_close(x, np.linalg.solve(matrix_of, rhs), cond * np.abs(x).max(), 30, (rhs, a))


def test_solve_methods():
    a, b = holes(20, 20) + 4 * np.eye(20), matrix(3, 3)
    op, x = ox.kron(sparse.csc_array(a), b), matrix(60, 2)
    assert_close(op.solve(op @ x), x, np.linalg.cond(op.toarray()), 60)
    assert_close(np.linalg.solve(op, op @ x), x, np.linalg.cond(op.toarray()), 60)
    inverse = op.inv()
    assert isinstance(inverse, Inverse)  # the inverse of a sparse matrix is not sparse
    assert_close(inverse @ (op @ x), x, np.linalg.cond(op.toarray()), 60)
    with_identity = ox.kron(ox.identity(3), sparse.csr_array(a))
    assert_close(with_identity.solve(with_identity @ x), x, np.linalg.cond(a), 60)
    total = ox.kronecker_sum(sparse.csr_array(a), b)
    assert_close(total.solve(total @ x), x, np.linalg.cond(total.toarray()), 60)


@pytest.mark.parametrize("seed", range(5))
def test_the_condition_is_estimated(seed):
    a = scattered(40, 40, 0.1, seed) + sparse.eye_array(40)
    rcond = ox.kron(a, np.eye(2)).factorize(on_singular="warn").rcond()
    actual = 1 / np.linalg.cond(a.toarray())
    assert actual / 1.01 <= rcond <= 10 * actual


def test_singular_factors():
    singular = sparse.csr_array([[1.0, 2.0], [2.0, 4.0]])
    structurally = sparse.csr_array(([1.0], [0], [0, 1, 1]), shape=(2, 2))
    zero = sparse.csr_array((2, 2))
    for a in (singular, structurally, zero):
        with pytest.raises(np.linalg.LinAlgError, match="singular"):
            ox.kron(a, np.eye(2)).solve(np.ones(4))
    with (
        pytest.warns(ox.IllConditionedWarning, match="singular"),
        pytest.raises(np.linalg.LinAlgError, match="a sparse factor is exactly singular"),
    ):
        ox.kron(zero, np.eye(2)).solve(np.ones(4), on_singular="warn")
    with pytest.raises(ValueError, match="the operator contains NaN or Inf"):
        ox.kron(sparse.csr_array([[np.nan]]), np.eye(2)).solve(np.ones(2))
    with pytest.raises(ValueError, match=r"rhs has shape \(3,\), but must be \(4,\) or \(4, k\)"):
        ox.kron(sparse.eye_array(2), np.eye(2)).factorize().solve(np.ones(3))


def test_numpy_functions_see_the_matrix():
    a, b = holes(4, 4) + 2 * np.eye(4), matrix(3, 3)
    op, dense = ox.kron(sparse.csr_array(a), b), np.kron(a, b)
    assert_close(np.linalg.det(op), np.linalg.det(dense), steps=100)
    assert_close(np.linalg.norm(op), np.linalg.norm(dense), steps=100)
    assert_close(np.trace(op), np.trace(dense), scale=np.abs(dense).max(), steps=100)
    assert_close(op.sum(), dense.sum(), scale=np.abs(dense).sum())
    np.testing.assert_array_equal(op == dense, np.ones((12, 12), bool))


def test_a_large_system():
    """10⁵ unknowns: a tridiagonal factor is solved with in linear time and memory."""
    n = 50_000
    a = sparse.diags_array(
        [-np.ones(n - 1), 3 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1], format="csr"
    )
    op, x = ox.kron(a, [[2.0, 1.0], [1.0, 2.0]]), np.random.default_rng(0).standard_normal(2 * n)
    assert_close(op.solve(op @ x), x, 30 * np.abs(x).max(), 10)
