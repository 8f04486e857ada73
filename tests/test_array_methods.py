"""What operators have of arrays: methods on the dense array, in-place forms, views, other types."""

import copy
import operator
import pickle
import tracemalloc

import numpy as np
import pytest

import otimes as ox
from oracle import assert_close
from otimes._kron import KroneckerProduct
from otimes._operator import LinearOperator
from zoo import every_operator, matrix

A, B = matrix(2, 2), matrix(3, 3)
OP, DENSE = ox.kron(A, B), np.kron(A, B)
X = matrix(6, 6, seed=1)

#: What only an array that has memory can have.
OF_MEMORY = {"base", "ctypes", "data", "flags", "strides", "device", "to_device"}
#: What NumPy 2.0 only has to say that it is gone.
REMOVED = {"itemset", "newbyteorder", "ptp", "tostring"}


def test_every_public_name_of_an_array_is_one_of_an_operator():
    names = {name for name in dir(np.ndarray) if not name.startswith("_")}
    assert {name for name in names if not hasattr(LinearOperator, name)} == (
        OF_MEMORY | REMOVED
    ) & names


@pytest.mark.parametrize("name", ["max", "argsort", "cumsum", "std", "squeeze", "take"])
def test_methods_without_structure_warn(name):
    arguments = ([1],) if name == "take" else ()
    with pytest.warns(ox.DenseFallbackWarning, match=rf"ndarray\.{name} has no structured version"):
        result = getattr(OP, name)(*arguments)
    np.testing.assert_array_equal(result, getattr(OP.toarray(), name)(*arguments))


def test_methods_that_ask_for_the_array_do_not_warn():
    dense = OP.toarray()
    assert OP.tolist() == dense.tolist()
    assert OP.tobytes() == dense.tobytes()
    np.testing.assert_array_equal(OP.flatten("F"), dense.flatten("F"))
    assert OP.itemsize == 8


def test_methods_have_documentation():
    for name in ("max", "sort", "reshape"):
        assert getattr(LinearOperator, name).__name__ == name
        assert "numpy.ndarray" in LinearOperator.max.__doc__
    assert "immutable" in LinearOperator.sort.__doc__


# --- nothing is written to a copy in vain ---------------------------------------------------------

WRITES = {
    "fill": lambda op: op.fill(0),
    "sort": lambda op: op.sort(),
    "put": lambda op: op.put([0], 1),
    "resize": lambda op: op.resize((2, 2)),
    "partition": lambda op: op.partition(1),
    "setfield": lambda op: op.setfield(1, np.int8),
    "setflags": lambda op: op.setflags(write=False),
    "delete": lambda op: operator.delitem(op, 0),
    "shuffle": lambda op: np.random.default_rng(0).shuffle(op),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # NumPy: not a Sequence
@pytest.mark.parametrize("name", WRITES)
def test_methods_that_write_raise(name):
    with pytest.raises(TypeError, match=r"operators are immutable; take op.toarray\(\)"):
        WRITES[name](ox.kron(A, B))


VIEWS = {
    "row": lambda op: op[0],
    "column": lambda op: op[:, -1],
    "slices": lambda op: op[::2, 1:3],
    "ellipsis": lambda op: op[...],
    "iteration": lambda op: next(iter(op)),
    "ravel": lambda op: op.ravel(),
    "reshape": lambda op: op.reshape(-1),
    "diagonal": lambda op: op.diagonal(),
    "np.diagonal": lambda op: np.diagonal(op, 1),
    "view": lambda op: op.view(),
    "swapaxes": lambda op: op.swapaxes(0, 1),
    "np.ravel": np.ravel,
    "np.broadcast_to": lambda op: np.broadcast_to(op, (2, 6, 6)),
    "np.split": lambda op: np.split(op, 2)[0],
}


@pytest.mark.filterwarnings("ignore::otimes.DenseFallbackWarning")
@pytest.mark.parametrize("name", VIEWS)
def test_what_would_be_a_view_is_read_only(name):
    view = VIEWS[name](OP)
    with pytest.raises(ValueError, match="read-only"):
        view[...] = 1
    with pytest.raises(ValueError, match="read-only"):
        view *= 2


@pytest.mark.filterwarnings("ignore::otimes.DenseFallbackWarning")
def test_what_would_be_a_copy_is_not():
    for made in (OP[[0, 1]], OP[OP.toarray() > 0], OP.flatten(), np.sort(OP), OP.sum(0), OP @ X):
        made *= 2  # no error


@pytest.mark.filterwarnings("ignore::otimes.DenseFallbackWarning")
@pytest.mark.parametrize(
    "write",
    [
        lambda op: operator.setitem(op.flat, 0, 1),
        lambda op: np.nan_to_num(op, copy=False),
        lambda op: np.trunc(X, out=op),
        lambda op: op.byteswap(inplace=True),
    ],
)
def test_functions_that_write_in_place_raise(write):
    with pytest.raises((ValueError, TypeError), match=r"read-only|immutable"):
        write(ox.kron(A, B))


# --- in place -------------------------------------------------------------------------------------


def test_in_place_forms_make_new_operators():
    op = old = ox.kron(A, B)
    op += ox.kron(B[:2, :2], B)
    assert isinstance(op, LinearOperator)
    assert op is not old
    np.testing.assert_array_equal(old.toarray(), OP.toarray())
    op = old
    op *= 2
    assert type(op) is KroneckerProduct
    op @= ox.kron(A, B)
    assert_close(op.toarray(), 2 * DENSE @ DENSE, 100)


@pytest.mark.filterwarnings("ignore::otimes.DenseFallbackWarning")
def test_in_place_forms_keep_the_dtype():
    op, dense = OP.astype(np.float32), OP.toarray().astype(np.float32)
    op /= np.float64(3)
    dense /= np.float64(3)
    assert op.dtype == dense.dtype == np.float32
    assert_close(op.toarray(), dense)
    integers = ox.kron([[1, 2]], [[3, 4]])
    with pytest.raises(TypeError, match="dtype float64, which cannot be cast to the int64"):
        integers *= 1.5
    with pytest.raises(ValueError, match=r"result has shape \(2, 6, 6\), but the operator"):
        op *= np.ones((2, 1, 1), np.float32)
    with pytest.raises(TypeError, match="unsupported operand"):
        op += "x"


@pytest.mark.filterwarnings("ignore::otimes.DenseFallbackWarning")
def test_arrays_take_operators_in_place():
    for update in (operator.iadd, operator.isub, operator.imul, operator.itruediv):
        x, y = X.copy(), X.copy()
        assert update(x, OP) is x
        np.testing.assert_array_equal(x, update(y, OP.toarray()))
    with pytest.raises(TypeError, match="Cannot cast"):
        operator.iadd(np.ones((6, 6), int), OP)


# --- truth, numbers, membership -------------------------------------------------------------------


def test_numbers_and_membership():
    assert DENSE[1, 2] in OP
    assert 7.5 not in OP
    for convert in (float, int, complex):
        with pytest.raises(TypeError, match=r"an operator of shape \(6, 6\) is not a number"):
            convert(OP)
    with pytest.raises(TypeError, match=r"as an integer|__index__"):
        range(ox.kron([[1]], [[2]]))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol(protocol):
    for op in (OP, OP + OP.T, ox.commutation_matrix(2, 3), ox.kronecker_sum(A, B).inv()):
        twin = pickle.loads(pickle.dumps(op, protocol))
        assert type(twin) is type(op)
        np.testing.assert_array_equal(twin.toarray(), op.toarray())
        assert (copy.deepcopy(op) @ X).tobytes() == (op @ X).tobytes()


# --- NumPy's conversions --------------------------------------------------------------------------


def test_conversions():
    assert np.array(OP, ndmin=4).shape == (1, 1, 6, 6)
    assert np.asarray(OP, np.float32).dtype == np.float32
    assert np.asarray(OP, ">f8").dtype == ">f8"
    assert OP.toarray(">f8").dtype == ">f8"
    np.testing.assert_array_equal(np.asarray(OP, int), OP.toarray().astype(int))
    with pytest.warns(np.exceptions.ComplexWarning):
        np.asarray(OP * 1j, float)
    with pytest.raises(ValueError, match="no memory to share"):
        np.array(OP, copy=False)
    with pytest.raises(TypeError, match="native byte order: >f8 is not"):
        OP.astype(">f8")
    with pytest.raises(TypeError, match="according to the rule 'safe'"):
        OP.astype(np.float32, casting="safe")
    with pytest.raises(TypeError, match="dtype object"):
        np.asarray(OP, object)
    with pytest.raises(TypeError, match="Cannot cast"):  # an index must not be rounded
        np.take(X, OP)


def test_generalised_ufuncs():
    with pytest.warns(ox.DenseFallbackWarning):
        products = np.vecdot(OP, X)
    np.testing.assert_array_equal(products, np.vecdot(OP.toarray(), X))
    for name, arguments in {"matvec": (OP, X[0]), "vecmat": (X[0], OP)}.items():
        if hasattr(np, name):  # NumPy 2.2
            result = getattr(np, name)(*arguments)
            dense = (x.toarray() if x is OP else x for x in arguments)
            np.testing.assert_allclose(result, getattr(np, name)(*dense), rtol=1e-13)


# --- subclasses of ndarray, and look-alikes -------------------------------------------------------


@pytest.mark.filterwarnings(
    "ignore::otimes.DenseFallbackWarning", "ignore::PendingDeprecationWarning"
)
def test_subclasses_give_operations_their_own_meaning():
    m, dense = np.asmatrix(X), OP.toarray()
    for binary in (operator.matmul, operator.mul, operator.add, operator.sub, operator.truediv):
        for ours, theirs in ((binary(OP, m), binary(dense, m)), (binary(m, OP), binary(m, dense))):
            assert type(ours) is type(theirs) is np.matrix
            np.testing.assert_array_equal(ours, theirs)
    product = np.linalg.solve(OP, m)
    assert type(product) is np.matrix


def test_masked_arrays_are_refused():
    masked = np.ma.masked_less(X, 0)
    for f in (operator.add, operator.mul, operator.matmul, operator.lt, operator.mod, np.add):
        with pytest.raises(TypeError, match=r"x is a masked array; pass x.filled\(value\)"):
            f(OP, masked)


def test_memory_maps_are_arrays(tmp_path):
    x = np.memmap(tmp_path / "x", dtype=float, mode="w+", shape=(6, 6))
    x[:] = X
    assert type(OP @ x) is np.ndarray
    np.testing.assert_array_equal(OP @ x, OP @ X)
    np.testing.assert_array_equal(x @ OP, X @ OP)
    assert isinstance(OP + x, LinearOperator)


class Table:
    """What pandas' and other libraries' objects have: an array of themselves."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


def test_objects_that_convert_to_arrays():
    table = Table(X)
    np.testing.assert_array_equal(OP @ table, OP @ X)
    np.testing.assert_array_equal((OP + table).toarray(), (OP + X).toarray())
    with pytest.warns(ox.DenseFallbackWarning):
        np.testing.assert_array_equal(OP * table, OP.toarray() * X)


# --- memory ---------------------------------------------------------------------------------------


def peak(f):
    tracemalloc.start()
    try:
        f()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


PARTS = {
    "slices": lambda op: op[2:50:3, ::-1],
    "row": lambda op: op[-1],
    "column": lambda op: op[:, 7],
    "block": lambda op: op[1000:1032, 40:8:-1],
    "mask": lambda op: op[np.arange(op.shape[0]) % 500 == 3],
    "fancy": lambda op: op[[3, 1, 4], [1, 5, 9]],
    "grid": lambda op: op[np.ix_([3, 1, 4], [1, 5, 9])],
    "sums": lambda op: (op.sum(), op.sum(0), op.mean(axis=1, keepdims=True)),
    "diagonals": lambda op: (op.diagonal(), op.diagonal(-3), op.trace(), op.trace(2)),
}


@pytest.mark.parametrize("part", PARTS)
def test_parts_are_made_without_the_whole(part):
    a, b = matrix(64, 64), matrix(40, 50)
    op = ox.kron(a, b)  # 65 MB
    dense = np.kron(a, b)
    mine, theirs = PARTS[part](op), PARTS[part](dense)
    for x, y in zip(*((z if isinstance(z, tuple) else (z,)) for z in (mine, theirs)), strict=True):
        assert_close(x, y, np.abs(dense).sum() if part == "sums" else 1e3, 100)
    assert peak(lambda: PARTS[part](op)) < 3e6


# --- sums and diagonals ---------------------------------------------------------------------------


@every_operator
def test_sums_with_arguments(op, dense, neutral):
    scale, steps = np.abs(dense.astype(complex)).sum(), dense.size
    for axis in (None, 0, -1, (0, 1), ()):
        total = op.sum(axis, keepdims=True)
        assert_close(total, dense.sum(axis, keepdims=True), scale, steps)
        if dense.dtype.kind != "c":
            total = op.sum(axis, complex)
            assert_close(total, dense.sum(axis, complex), scale, steps, (dense,))
            assert total.dtype == complex


@every_operator
def test_other_diagonals(op, dense, neutral):
    array = op.toarray()
    for offset in (-2, 1, 50, -50):
        assert_close(op.diagonal(offset), array.diagonal(offset), np.abs(array).max(initial=0), 10)
        swapped = op.diagonal(offset, 1, 0)
        assert_close(swapped, array.diagonal(offset, 1, 0), np.abs(array).max(initial=0), 10)
        total = array.trace(offset)
        assert_close(op.trace(offset), total, np.abs(array).sum(), array.size)
    with pytest.raises(ValueError, match="axes 0 and 0 of a matrix cannot be the same"):
        op.diagonal(0, 0, 0)


def test_sums_that_cannot_be_cast_beforehand_are_dense():
    with pytest.warns(ox.DenseFallbackWarning, match="such a sum"):
        assert OP.sum(dtype=np.float32) == OP.toarray().sum(dtype=np.float32)
    with pytest.warns(ox.DenseFallbackWarning, match="such a mean"):
        assert OP.mean(where=X > 0) == OP.toarray().mean(where=X > 0)


def test_means_of_integers_do_not_wrap_around():
    large = np.full((2, 2), 2**31, np.int64)
    op = ox.kron(large, large - 1)
    assert op.mean() == op.toarray().mean() == float(2**31) * (2**31 - 1)


# --- infinite entries -----------------------------------------------------------------------------


def test_infinite_factors_give_the_array_of_numpy():
    a, b = np.array([[np.inf, 1.0], [0.0, 2.0]]), np.array([[0.0, 1.0], [-1.0, 3.0]])
    with np.errstate(invalid="ignore"):
        dense = np.kron(a, b)
        op = ox.kron(a, b)
        x = np.arange(1.0, 5.0)
        np.testing.assert_array_equal(op.toarray(), dense)
        np.testing.assert_array_equal(op @ x, dense @ x)
        np.testing.assert_array_equal(op.sum(0), dense.sum(0))


@pytest.mark.filterwarnings("ignore::otimes.DenseFallbackWarning")
@pytest.mark.parametrize("c", [np.inf, -np.inf, np.nan])
def test_multiples_that_are_not_finite(c):
    for op in (ox.identity(3), ox.diagonal([1.0, 2.0]), OP, ox.commutation_matrix(2, 2)):
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(op * c, op.toarray() * c)
            np.testing.assert_array_equal(c * op, c * op.toarray())


def test_nan_spreads_as_in_the_array():
    a, b = matrix(2, 3), matrix(3, 2, seed=4)
    a[0, 1], b[2, 0] = np.nan, np.nan
    x = matrix(6, 2, seed=5)
    x[3, 1] = np.inf
    op, dense = ox.kron(a, b), np.kron(a, b)
    np.testing.assert_array_equal(np.isnan(op @ x), np.isnan(dense @ x))
    np.testing.assert_array_equal(np.isnan(op.sum(0)), np.isnan(dense.sum(0)))
