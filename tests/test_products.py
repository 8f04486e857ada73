"""kron_matmul, kron_rmatmul and kron_apply: products without an operator object."""

import itertools
import math
import string
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import otimes as ox
from oracle import assert_close
from strategies import DTYPES, LAYOUTS, arrays, factor_lists
from test_threads import run_python
from zoo import factors_of, matrix


def dense_of(factors, dtype):
    """The Kronecker product in the dtype of the result."""
    return oracle.kron([[True]], *(np.asarray(f).astype(dtype) for f in factors)).astype(dtype)


def check(actual, a, b):
    """actual is a @ b, up to rounding of sums of their products; exactly for integers."""
    with np.errstate(over="ignore"):
        expected = a @ b
    scale = (np.abs(a).astype(float) @ np.abs(b).astype(float)).max(initial=0)
    assert actual.dtype == expected.dtype
    assert_close(actual, expected, scale, a.shape[-1])


# --- kron_matmul and kron_rmatmul ----------------------------------------------------------------


@given(st.data())
def test_products(data):
    """Equal to np.kron(A, B) @ x and x @ np.kron(A, B), for all layouts, dtypes and batches."""
    factors = data.draw(factor_lists(tuple(DTYPES)))
    rows, cols = (math.prod(f.shape[k] for f in factors) for k in (0, 1))
    lead = tuple(data.draw(st.lists(st.integers(0, 3), max_size=2)))
    k = data.draw(st.integers(0, 4))
    x = data.draw(arrays(data.draw(st.sampled_from([(cols,), (*lead, cols, k)]))))
    dtype = np.result_type(*factors, x)
    check(ox.kron_matmul(factors, x), dense_of(factors, dtype), x.astype(dtype))
    x = data.draw(arrays(data.draw(st.sampled_from([(rows,), (*lead, k, rows)]))))
    dtype = np.result_type(*factors, x)
    check(ox.kron_rmatmul(x, factors), x.astype(dtype), dense_of(factors, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shapes", [[(24, 20), (20, 24)], [(40, 40)], [(3, 5), (30, 2), (4, 9)]])
def test_sizes_for_blas(shapes, dtype):
    factors = factors_of(shapes, dtype)
    dense = oracle.kron([[1.0]], *factors).astype(dtype)
    for x in (matrix(dense.shape[1], 30, dtype), matrix(30, dense.shape[1], dtype).T):
        check(ox.kron_matmul(factors, x), dense, x)
        check(ox.kron_rmatmul(x.T, [f.T for f in factors]), x.T, dense.T)
    x = np.stack([matrix(dense.shape[1], 7, dtype, k) for k in range(5)])
    check(ox.kron_matmul(factors, x), dense, x)
    check(ox.kron_rmatmul(x.mT, [f.T for f in factors]), x.mT, dense.T)


@pytest.mark.parametrize("x_dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("f_dtype", ["float32", "float64", "int8", "bool"])
def test_real_factors_of_complex_operands(f_dtype, x_dtype):
    """One real product with pairs: no complex multiplication can make inf + nan j of inf."""
    factors = factors_of([(2, 3), (4, 2)], f_dtype)
    dtype = np.result_type(*factors, np.dtype(x_dtype))
    for x in (matrix(6, 1, x_dtype)[:, 0], matrix(6, 3, x_dtype), matrix(3, 6, x_dtype).T):
        check(ox.kron_matmul(factors, x), dense_of(factors, dtype), x.astype(dtype))
    x = matrix(3, 8, x_dtype)
    check(ox.kron_rmatmul(x, factors), x.astype(dtype), dense_of(factors, dtype))
    infinite = np.full(6, complex(np.inf, 0), x_dtype)
    product = ox.kron_matmul([np.ones((1, 3), f_dtype), np.ones((1, 2), f_dtype)], infinite)
    np.testing.assert_array_equal(product, infinite[:1])


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_exact_layouts_are_not_copied(layout, monkeypatch):
    """Transposed views are taken as they are, other layouts by one packed copy."""
    a, b = LAYOUTS[layout](matrix(3, 4)), LAYOUTS[layout](matrix(2, 5, seed=1))
    expected = np.kron(np.array(a, float), np.array(b, float)) @ np.arange(20.0)
    declined = ox._core.kron_product([a, b], np.arange(20.0), None, False) is None
    assert declined == (layout not in ("C", "F", "read-only"))
    assert_close(ox.kron_matmul([a, b], np.arange(20.0)), expected)


def test_stacks_of_transposed_matrices_are_not_copied():
    f = [matrix(2, 3), matrix(3, 2)]
    x = np.stack([matrix(4, 6, seed=k) for k in range(5)]).mT
    y = ox._core.kron_product(f, x, None, False)
    assert y.mT.flags.c_contiguous
    check(y, oracle.kron(*f), x)


def test_integers_are_exact():
    """Bit for bit, beyond what float64 can hold; wrapping around as NumPy's do."""
    for dtype in ("int64", "uint64", "int32", "uint8"):
        rng = np.random.default_rng(1)
        info = np.iinfo(dtype)
        f = [rng.integers(info.min, info.max, s, dtype, True) for s in [(3, 4), (5, 2)]]
        x = rng.integers(info.min, info.max, (8, 3), dtype, True)
        np.testing.assert_array_equal(ox.kron_matmul(f, x), oracle.kron(*f) @ x)


def test_bools_are_and_and_or():
    f, x = factors_of([(3, 4), (5, 2)], "bool"), matrix(8, 3, "bool")
    np.testing.assert_array_equal(ox.kron_matmul(f, x), oracle.kron(*f) @ x)


def test_long_long_is_int64():
    f, x = [np.arange(4, dtype="q").reshape(2, 2)] * 2, np.arange(4, dtype="q")
    np.testing.assert_array_equal(ox.kron_matmul(f, x), np.kron(*f) @ x)
    np.testing.assert_array_equal(ox.kron(*f) @ x, np.kron(*f) @ x)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_spreads_as_in_numpy(bad):
    """0·inf is nan where the zero is stored."""
    f = [np.array([[1.0, 0.0], [0.0, 2.0]]), matrix(2, 2)]
    x = np.arange(1.0, 9.0).reshape(4, 2)
    x[1, 1] = bad
    for _ in range(2):
        with np.errstate(invalid="ignore"):
            expected = np.kron(*f) @ x
        assert np.isnan(expected).any()
        assert_close(ox.kron_matmul(f, x), expected)
        f[1][0, 0] = bad


def test_many_factors():
    """More than 32, and more than NumPy's 64 dimensions."""
    f = [*[[[2.0]]] * 40, matrix(2, 3), *[np.eye(1)] * 40, matrix(3, 2)]
    x = matrix(6, 2)
    check(ox.kron_matmul(f, x), 2.0**40 * np.kron(f[40], f[-1]), x)


def test_no_copy_is_kept_and_nothing_is_written():
    f, x = factors_of([(2, 3), (3, 2)], "float64"), matrix(6, 2)
    before = [a.copy() for a in (*f, x)]
    y = ox.kron_matmul(f, x)
    f[0][...] = 0
    assert y.any()
    for a, b in zip((f[1], x), before[1:], strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_factors():
    """Lists, operators, sparse matrices, generators of them."""
    a, b, x = matrix(2, 2), matrix(3, 3), matrix(6, 2)
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.kron(a, b)
    for f in ([a.tolist(), b], [ox.aslinearoperator(a), b], [a, sparse.csr_array(b)]):
        for factors in (f, tuple(f), iter(f)):
            check(ox.kron_matmul(factors, x), dense, x)
        check(ox.kron_rmatmul(x.T, f), x.T, dense)
    np.testing.assert_array_equal(ox.kron_matmul([ox.identity(6)], x), x)
    np.testing.assert_array_equal(ox.kron_matmul([sparse.eye_array(6)], x), x)
    np.testing.assert_array_equal(ox.kron_matmul(np.ones((3, 1, 1)), [5]), [5])


# --- out -----------------------------------------------------------------------------------------


def outs(shape, dtype="float64"):
    yield np.empty(shape, dtype)
    yield np.empty(shape, dtype, order="F")
    yield np.empty((*shape, 2), dtype)[..., 0]


@pytest.mark.parametrize("transposed", [False, True])
def test_out_is_written_and_returned(transposed):
    f, x = factors_of([(2, 3), (4, 2)], "float64"), np.stack([matrix(6, 4, seed=k) for k in (1, 2)])
    x = x.mT.copy().mT if transposed else x
    for out in outs((2, 8, 4)):
        assert ox.kron_matmul(f, x, out=out) is out
        check(out, oracle.kron(*f), x)
    for out in outs((2, 4, 8)):
        assert ox.kron_rmatmul(x.mT, [a.T for a in f], out=out) is out
        check(out, x.mT, oracle.kron(*f).T)


def test_out_that_fits_is_written_without_another_array():
    f, x = [np.ones((2, 2))] * 2, np.ones((4, 3))
    for layout in (x, np.asfortranarray(x)):
        out = np.empty_like(layout)
        assert ox._core.kron_product(f, layout, out, False) is out
        assert (out == 4).all()


@pytest.mark.parametrize("layout", ["C", "F"])
def test_out_that_shares_memory_is_found(layout):
    """The result is right, as with np.matmul: it is computed apart and copied."""
    f = [matrix(2, 2), matrix(3, 3)]
    expected = oracle.kron(*f) @ matrix(6, 6)
    x = np.array(matrix(6, 6), order=layout)
    assert ox.kron_matmul(f, x, out=x) is x
    assert_close(x, expected)
    memory = np.zeros(50)
    memory[:36] = matrix(6, 6).ravel()
    late = memory[5:41].reshape(6, 6)
    ox.kron_matmul(f, memory[:36].reshape(6, 6), out=late)
    assert_close(late, expected)
    big = matrix(6, 6, seed=3)
    expected = big.T @ big
    assert_close(ox.kron_matmul([big.T, np.eye(1)], big.copy(), out=big), expected)
    big = matrix(6, 6, seed=3)
    assert_close(ox.kron_rmatmul(big, [big], out=big), matrix(6, 6, seed=3) @ matrix(6, 6, seed=3))


def test_operators_have_the_same_rule_for_out():
    K = ox.kron(matrix(2, 2), matrix(3, 3))
    x = matrix(6, 2)
    expected = K @ x
    assert K.matmat(x, out=x) is x
    assert_close(x, expected)


def test_out_that_does_not_fit_is_refused():
    f, x = [np.ones((2, 3)), np.ones((4, 2))], np.ones((6, 3))
    with pytest.raises(ValueError, match=r"out has shape \(6, 3\), but the result .* \(8, 3\)"):
        ox.kron_matmul(f, x, out=np.empty((6, 3)))
    with pytest.raises(TypeError, match="out has dtype float32, but the result has dtype float64"):
        ox.kron_matmul(f, x, out=np.empty((8, 3), "float32"))
    locked = np.empty((8, 3))
    locked.setflags(write=False)
    with pytest.raises(ValueError, match="out is read-only"):
        ox.kron_matmul(f, x, out=locked)
    with pytest.raises(TypeError, match=r"out has dtype [<>]f8"):
        ox.kron_matmul(f, x, out=np.empty((8, 3), np.dtype("float64").newbyteorder()))
    with pytest.raises(TypeError, match="out must be an ndarray, not list"):
        ox.kron_rmatmul(x.T, [a.T for a in f], out=[])


# --- kron_apply ----------------------------------------------------------------------------------


def along(factors, tensor, axes):
    """The definition by einsum, in the dtype of the result."""
    dtype = np.result_type(tensor, *factors)
    letters = string.ascii_letters
    inside = list(letters[: tensor.ndim])
    outside, operands, subscripts = list(inside), [], []
    for k, (f, axis) in enumerate(zip(factors, axes, strict=True)):
        outside[axis] = letters[tensor.ndim + k]
        subscripts.append(outside[axis] + inside[axis])
        operands.append(np.asarray(f, dtype))
    equation = ",".join([*subscripts, "".join(inside)]) + "->" + "".join(outside)
    return np.einsum(equation, *operands, np.asarray(tensor, dtype))


@given(st.data())
def test_factors_along_axes(data):
    shape = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    axes = data.draw(st.lists(st.sampled_from(range(len(shape))), unique=True, min_size=1))
    factors = [
        data.draw(arrays((data.draw(st.integers(0, 3)), shape[axis]), tuple(DTYPES)))
        for axis in axes
    ]
    tensor = data.draw(arrays(tuple(shape)))
    signed = [axis - data.draw(st.sampled_from([0, len(shape)])) for axis in axes]
    actual, expected = ox.kron_apply(factors, tensor, signed), along(factors, tensor, axes)
    assert actual.dtype == expected.dtype
    steps = math.prod(shape[axis] for axis in axes)
    assert_close(actual, expected, 3.0 ** (1 + len(axes)) * max(steps, 1), steps)


def test_all_axes_are_the_product_of_the_flat_tensor():
    f = factors_of([(2, 3), (4, 2), (3, 5)], "float64")
    t = matrix(3, 10).reshape(3, 2, 5)
    assert_close(ox.kron_apply(f, t), (ox.kron(*f) @ t.ravel()).reshape(2, 4, 3))


def test_fewer_factors_act_along_the_first_axes():
    a, t = matrix(4, 3), matrix(3, 10).reshape(3, 2, 5)
    assert_close(ox.kron_apply([a], t), along([a], t, [0]))
    assert_close(ox.kron_apply([a], t, 0), along([a], t, [0]))
    t = matrix(3, 5)
    result = ox.kron_apply([], t)
    np.testing.assert_array_equal(result, t)
    assert not np.shares_memory(result, t)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_tensors_are_worked_on_in_their_own_order(order, monkeypatch):
    """Contiguous in another order of the axes: nothing is transposed, the result is alike."""
    t = np.arange(120.0).reshape(2, 3, 4, 5).transpose(order)
    copied = []
    packed = ox._products.packed
    monkeypatch.setattr(
        ox._products,
        "packed",
        lambda x, d: copied.append(not x.flags.c_contiguous) or packed(x, d),
    )
    a, b = matrix(6, t.shape[1]), matrix(7, t.shape[3], seed=1)
    y = ox.kron_apply([b, a], t, (3, 1))
    assert_close(y, along([b, a], t, [3, 1]), steps=100)
    assert not any(copied)
    assert y.transpose(np.argsort(order)).flags.c_contiguous


def test_gates_on_qubits():
    """64 axes; neighbours without a gate are one identity."""
    x, h = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0, 1.0], [1.0, -1.0]])
    state = np.zeros((2,) * 10)
    state[(0,) * 10] = 1
    y = ox.kron_apply([x, h, x], state, axes=(9, 4, 0))
    assert {tuple(map(int, i)): y[tuple(i)] for i in np.argwhere(y)} == {
        (1, 0, 0, 0, 0, 0, 0, 0, 0, 1): 1,
        (1, 0, 0, 0, 1, 0, 0, 0, 0, 1): 1,
    }
    many = np.ones((1,) * 62 + (2, 2))
    assert (
        ox.kron_apply([x[:1], [[5.0]]], many, axes=(63, 7)).tolist()
        == np.full((1,) * 62 + (2, 1), 5.0).tolist()
    )


def test_identities_are_not_multiplied():
    """inf elsewhere along an axis without a factor does not become nan."""
    t = np.ones((3, 2, 3))
    t[1] = np.inf
    y = ox.kron_apply([np.eye(2)], t, 1)
    assert np.isfinite(y[[0, 2]]).all()
    f = ox.kron_apply([ox.identity(3), [[1.0, 1.0]]], t, (0, 1))
    assert f[:, 0, 0].tolist() == [2, np.inf, 2]


def test_operators_and_sparse_matrices_along_axes():
    sparse = pytest.importorskip("scipy.sparse")
    a, b, t = matrix(4, 3), np.triu(matrix(5, 5)), matrix(3, 10).reshape(3, 2, 5)
    f = [sparse.csc_array(b), ox.aslinearoperator(a)]
    for x in (t, np.asfortranarray(t), t[::-1, :, ::-1]):
        assert_close(ox.kron_apply(f, x, (2, 0)), along([b, a], x, [2, 0]))


def test_apply_errors():
    t, a = np.ones((3, 2, 3)), np.ones((2, 3))
    with pytest.raises(
        ValueError, match=r"factor 0 has shape \(2, 3\), but axis 1 .* size 2, not 3"
    ):
        ox.kron_apply([a], t, 1)
    with pytest.raises(ValueError, match="repeated axis"):
        ox.kron_apply([a, a], t, (0, -3))
    with pytest.raises(np.exceptions.AxisError, match="axis 3 is out of bounds"):
        ox.kron_apply([a], t, 3)
    with pytest.raises(ValueError, match="2 factors, but 1 axes"):
        ox.kron_apply([a, a], t, (0,))
    with pytest.raises(ValueError, match="4 factors for a tensor of 3 dimensions"):
        ox.kron_apply([a] * 4, t)
    with pytest.raises(ValueError, match=r"factor 1 has shape \(3,\), but must be a matrix"):
        ox.kron_apply([a, [1, 2, 3]], t)
    with pytest.raises(TypeError, match="tensor has dtype object"):
        ox.kron_apply([a], t.astype(object))


# --- errors and limits ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (5,), (5, 2), (2, 6), (2, 5, 3)])
def test_operands_of_other_shapes_are_refused(shape):
    f = [np.ones((2, 3)), np.ones((4, 2))]
    message = (
        rf"x has shape \({', '.join(map(str, shape))},?\), but the product \(2, 3\) ⊗ \(4, 2\) of "
        r"the factors has shape \(8, 6\), so x needs shape \(6,\) or \(\.\.\., 6, k\)"
    )
    with pytest.raises(ValueError, match="kron_matmul: " + message):
        ox.kron_matmul(f, np.ones(shape))
    with pytest.raises(ValueError, match=r"kron_rmatmul: .* shape \(8,\) or \(\.\.\., k, 8\)"):
        ox.kron_rmatmul(np.ones(shape), f)


def test_factors_that_are_no_matrices_are_refused():
    with pytest.raises(ValueError, match=r"factor 1 has shape \(2,\), but must be a matrix"):
        ox.kron_matmul([np.eye(2), [1, 2]], np.ones(4))
    with pytest.raises(ValueError, match="factors is empty"):
        ox.kron_matmul([], np.ones(1))
    with pytest.raises(TypeError, match="factor 0 has dtype <U1"):
        ox.kron_matmul([[["a"]]], np.ones(1))
    with pytest.raises(TypeError, match="x is a masked array"):
        ox.kron_matmul([np.eye(2)], np.ma.ones(2))


def test_sizes_beyond_all_integers_do_not_overflow():
    """2**(31·3) columns: the error names the size, whatever it wraps around to."""
    with pytest.raises(ValueError, match=str(2**93)):
        ox.kron_matmul([np.zeros((0, 2**31))] * 3, np.ones(4))
    with pytest.raises(ValueError, match=rf"shape \({2**64}, 0\), which no array can"):
        ox.kron_matmul([np.zeros((2**32, 0))] * 2, np.ones(0))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    "product",
    ["ox.kron_matmul(dense, x)", "ox.kron_apply([sparse], t)"],
    ids=["dense", "sparse"],
)
def test_ctrl_c_stops_one_long_product(product, without_coverage):
    """Within a second, and nothing leaks: memory after many interrupts is that after one."""
    pytest.importorskip("scipy")
    code = f"""
        import os, signal, time
        import numpy as np, otimes as ox
        from scipy.sparse import csr_array
        dense, x = [np.ones((128, 128))] * 3, np.ones((128**3, 16))
        sparse = ox.aslinearoperator(csr_array(np.ones((1500, 1500))))
        t = np.ones((1500, 8000))
        signal.signal(signal.SIGALRM, signal.default_int_handler)

        def memory():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        def interrupted():
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            start = time.monotonic()
            try:
                {product}
            except KeyboardInterrupt:
                return time.monotonic() - start
            signal.setitimer(signal.ITIMER_REAL, 0)
            return 1000.0

        times = [interrupted()]
        before = memory() if os.path.exists("/proc/self/statm") else 0
        times += [interrupted() for _ in range(6)]
        after = memory() if before else 0
        print(sorted(times)[3] < 1.2, max(times) < 900, after - before < 100e6)
    """
    assert run_python(code).split() == ["True", "True", "True"]
