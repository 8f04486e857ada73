"""Every law of an operator, over the whole zoo: it behaves as the array that it stands for."""

import copy
import math
import pickle

import numpy as np
import pytest

import otimes as ox
from oracle import assert_close, epsilon
from otimes._terms import TermOperator
from strategies import LAYOUTS
from zoo import every_operator

DTYPES = ["float64", "float32", "complex64", "int64", "int8", "bool"]


def operand(shape, dtype="float64", seed=0):
    rng = np.random.default_rng([*shape, seed])
    if np.dtype(dtype).kind == "c":
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(-3, 4, shape).astype(dtype)


def product(a, b):
    """a @ b, and the size of what its entries are summed from."""
    return a @ b, (np.abs(a).astype(float) @ np.abs(b).astype(float)).max(initial=0)


def check_product(actual, a, b, dtype=None):
    expected, scale = product(a, b)
    assert_close(actual, expected, scale, max(*a.shape, *b.shape), (a, b))
    assert actual.dtype == (expected.dtype if dtype is None else dtype)


def neutral_dtype(op, dtype, does):
    """The dtype that an operator without one of its own gives: the operand's, or of its sums."""
    if does != "keeps" and dtype.kind in "biu":
        return np.dtype(np.int64 if does == "sums" else np.float64)
    terms = isinstance(op, TermOperator)
    if dtype.kind in "biu" and terms and (len(op.parts) > 1 or op.parts[0].coefficient != 1):
        dtype = np.result_type(dtype, np.int64)  # sums and multiples of small integers
    return np.result_type(dtype, np.complex64) if op.dtype.kind == "c" else dtype


# --- the array that it stands for ----------------------------------------------------------------


@every_operator
def test_toarray(op, dense, neutral):
    array = op.toarray()
    assert_close(array, dense)
    assert array.dtype == dense.dtype
    assert array.flags.c_contiguous
    assert array.flags.writeable
    array[...] = 0
    assert_close(op.toarray(), dense)  # a new array each time


@every_operator
def test_asarray(op, dense, neutral):
    np.testing.assert_array_equal(np.asarray(op), op.toarray())
    np.testing.assert_array_equal(np.array(op), op.toarray())
    with pytest.raises(ValueError, match=r"no memory to share; np.asarray\(op\) makes a copy"):
        np.asarray(op, copy=False)


@every_operator
def test_attributes(op, dense, neutral):
    assert op.shape == dense.shape
    assert op.ndim == 2
    assert op.size == dense.size
    assert op.dtype == dense.dtype
    assert op.nbytes == dense.nbytes
    assert len(op) == len(dense)
    assert op.shape == (math.prod(op.out_shape), math.prod(op.in_shape))


@every_operator
def test_transposes_and_conjugates(op, dense, neutral):
    for f in (
        lambda a: a.T,
        lambda a: a.transpose(),
        lambda a: a.conj(),
        lambda a: a.conjugate(),
        lambda a: a.conj().T,
        lambda a: a.T.T,
        lambda a: a if a.dtype.kind == "b" else +a,
    ):
        assert_close(f(op).toarray(), f(dense))
        assert f(op).dtype == f(dense).dtype
    assert_close(op.H.toarray(), dense.conj().T)
    assert (op.T.in_shape, op.T.out_shape) == (op.out_shape, op.in_shape)


@every_operator
def test_real_and_imaginary_parts(op, dense, neutral):
    for part, expected in ((op.real, dense.real), (op.imag, dense.imag)):
        assert_close(part.toarray(), expected, np.abs(dense).max(initial=0))
        assert part.dtype == expected.dtype
        assert (part.in_shape, part.out_shape) == (op.in_shape, op.out_shape)
        x = operand((op.shape[1], 2), "complex128")
        check_product(part @ x, np.asarray(part), x)


@every_operator
def test_reductions(op, dense, neutral):
    scale, steps = np.abs(dense.astype(complex)).sum(), dense.size
    for axis in (None, 0, 1, -1, -2, (0, 1), ()):
        assert_close(op.sum(axis), dense.sum(axis), scale, steps)
        assert op.sum(axis).dtype == dense.sum(axis).dtype
        if dense.size:
            assert_close(op.mean(axis), dense.mean(axis), scale, steps)
    assert_close(op.diagonal(), dense.diagonal())
    assert op.diagonal().dtype == dense.dtype
    assert_close(op.trace(), dense.trace(), scale, steps)


@every_operator
def test_array_methods(op, dense, neutral):
    array = op.toarray()
    np.testing.assert_array_equal(op.reshape(-1), array.reshape(-1))
    np.testing.assert_array_equal(op.reshape(op.size, 1), array.reshape(op.size, 1))
    np.testing.assert_array_equal(op.ravel(), array.ravel())
    np.testing.assert_array_equal(op.ravel("F"), array.ravel("F"))
    np.testing.assert_array_equal(op == array, np.ones(op.shape, bool))
    np.testing.assert_array_equal(op != array, np.zeros(op.shape, bool))
    np.testing.assert_array_equal(op == op, np.ones(op.shape, bool))
    assert op.copy() is op
    for row, expected in zip(op, array, strict=True):
        assert_close(row, expected, np.abs(array).max(initial=0), max(op.shape))


@every_operator
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_astype(op, dense, neutral, dtype):
    if np.dtype(dtype).kind != "c" and dense.dtype.kind == "c":
        with pytest.warns(np.exceptions.ComplexWarning):
            cast = op.astype(dtype)
        expected = dense.real.astype(dtype)
    else:
        cast, expected = op.astype(dtype), dense.astype(dtype)
    assert cast.dtype == dtype
    assert (cast.in_shape, cast.out_shape) == (op.in_shape, op.out_shape)
    assert_close(cast.toarray(), expected, np.abs(dense).max(initial=0), data=(dense,))
    if not cast._is_neutral():
        x = operand((op.shape[1],), "float32")
        assert (cast @ x).dtype == dtype


@every_operator
def test_tensor(op, dense, neutral):
    tensor = op.tensor()
    assert tensor.shape == op.out_shape + op.in_shape
    # the entry that belongs to places i and j of the arrays that are mapped
    rng = np.random.default_rng(0)
    if dense.size:
        for _ in range(5):
            i = tuple(int(rng.integers(n)) for n in op.out_shape)
            j = tuple(int(rng.integers(n)) for n in op.in_shape)
            row = np.ravel_multi_index(i, op.out_shape, order="F")
            column = np.ravel_multi_index(j, op.in_shape, order="F")
            assert tensor[i + j] == op.toarray()[row, column]


@every_operator
def test_text(op, dense, neutral):
    assert str(op)
    assert repr(op).startswith(f"<{op.shape[0]}×{op.shape[1]} {type(op).__name__} {op.dtype}: ")
    latex = op._repr_latex_()
    assert latex.startswith("$\\displaystyle ")
    assert latex.count("{") == latex.count("}")


# --- products ------------------------------------------------------------------------------------


@every_operator
@pytest.mark.parametrize("dtype", DTYPES)
def test_products_from_both_sides(op, dense, neutral, dtype):
    m, n = op.shape
    left, right = ("keeps", "keeps") if neutral is True else neutral or (None, None)
    wanted = neutral_dtype(op, np.dtype(dtype), left) if neutral else None
    for shape in ((n,), (n, 1), (n, 3), (n, 0)):
        x = operand(shape, dtype)
        check_product(op @ x, dense, x, wanted)
    wanted = neutral_dtype(op, np.dtype(dtype), right) if neutral else None
    for shape in ((m,), (1, m), (3, m), (0, m)):
        x = operand(shape, dtype)
        check_product(x @ op, x, dense, wanted)
        check_product(x @ op, x, op.toarray(), wanted)


def check_stack(actual, a, b):
    expected, scale = product(a, b)
    assert_close(actual, expected, scale, max(*a.shape[-2:], *b.shape[-2:]), (a, b))


@every_operator
def test_stacked_products(op, dense, neutral):
    m, n = op.shape
    for lead in ((2,), (3, 2), (0,), (1, 1)):
        x = operand((*lead, n, 2))
        y = op @ x
        assert y.shape == (*lead, m, 2)
        check_stack(y, dense, x)
        out = np.empty(y.shape, y.dtype)
        assert op._product(x, out) is out
        np.testing.assert_array_equal(out, y)
        x = operand((*lead, 2, m))
        check_stack(x @ op, x, dense)


@every_operator
@pytest.mark.parametrize("layout", LAYOUTS)
def test_operands_of_every_layout(op, dense, neutral, layout):
    x = LAYOUTS[layout](operand((op.shape[1], 3)))
    before = x.copy()
    check_product(op @ x, dense, np.array(x, "=f8"), None)
    check_product(op @ x[:, 0], dense, np.array(x[:, 0], "=f8"))
    np.testing.assert_array_equal(x, before)
    x = LAYOUTS[layout](operand((3, op.shape[0])))
    check_product(x @ op, np.array(x, "=f8"), dense)


@every_operator
def test_matvec_and_its_relatives(op, dense, neutral):
    m, n = op.shape
    x, y = operand((n,), "complex128"), operand((m,), "complex128")
    check_product(op.matvec(x), dense, x)
    check_product(op.matvec(x[:, None]), dense, x[:, None])
    check_product(op.rmatvec(y), dense.conj().T, y)
    block, rblock = operand((n, 2), "complex128"), operand((m, 2), "complex128")
    check_product(op.matmat(block), dense, block)
    check_product(op.rmatmat(rblock), dense.conj().T, rblock)
    check_product(op.dot(x), dense, x)
    if op.dtype.kind != "b" and op.dtype.itemsize > 2:
        assert_close(op.dot(2).toarray(), 2 * dense)
    stack = operand((2, n, 3))
    expected = np.dot(dense, stack)
    scale = (np.abs(dense) @ np.abs(stack)).max(initial=0)
    assert_close(op.dot(stack), expected, scale, n + m, (dense,))


@every_operator
def test_adjoint(op, dense, neutral):
    """<op x, y> == <x, op.H y>."""
    m, n = op.shape
    x, y = operand((n,), "complex128"), operand((m,), "complex128")
    left, right = np.vdot(op @ x, y), np.vdot(x, op.H @ y)
    scale = (np.abs(y) @ np.abs(dense).astype(float)) @ np.abs(x)
    eps = max(epsilon(dense), epsilon(x))
    assert abs(left - right) <= 10 * (m + n + 1) * eps * scale


@every_operator
def test_call_maps_arrays_of_in_shape(op, dense, neutral):
    x = operand(op.in_shape)
    expected, scale = product(dense, x.ravel(order="F"))
    y = op(x)
    assert y.shape == op.out_shape
    assert_close(y.ravel(order="F"), expected, scale, max(op.shape), (dense,))


# --- out= ----------------------------------------------------------------------------------------


@every_operator
@pytest.mark.parametrize("order", ["C", "F"])
def test_out(op, dense, neutral, order):
    m, n = op.shape
    x = operand((n, 3))
    y = op @ x
    out = np.full(y.shape, 7, y.dtype, order=order)
    assert op.matmat(x, out=out) is out
    np.testing.assert_array_equal(out, y)
    spaced = np.zeros((2 * m, 6), y.dtype)
    assert op.matmat(x, out=spaced[::2, ::2]).base is spaced
    np.testing.assert_array_equal(spaced[::2, ::2], y)
    assert not spaced[1::2].any()
    vector = np.empty(m, (op @ x[:, 0]).dtype)
    assert op.matvec(x[:, 0], out=vector) is vector
    np.testing.assert_array_equal(vector, op @ x[:, 0])
    w = operand((m, 2))
    out = np.empty((n, 2), (op.H @ w).dtype)
    assert op.rmatmat(w, out=out) is out
    np.testing.assert_array_equal(out, op.H @ w)


@every_operator
def test_out_may_be_the_input(op, dense, neutral):
    if op.shape[0] != op.shape[1] or (op @ np.ones(op.shape[1])).dtype != np.float64:
        pytest.skip("the output has another size or dtype than the input")
    x = operand((op.shape[1], 2))
    expected = op @ x.copy()
    op.matmat(x, out=x)
    np.testing.assert_array_equal(x, expected)
    buffer = operand((op.shape[1] + 1,))
    expected = op @ buffer[:-1].copy()
    op.matvec(buffer[:-1], out=buffer[1:])  # overlap
    np.testing.assert_array_equal(buffer[1:], expected)


@every_operator
def test_out_is_checked_and_left_alone(op, dense, neutral):
    x = operand((op.shape[1], 2))
    dtype, shape = (op @ x).dtype, (op.shape[0], 2)
    wrong = np.full((op.shape[0] + 1, 2), 7, dtype)
    with pytest.raises(ValueError, match=r"out has shape \(\d+, 2\), but the result has shape"):
        op.matmat(x, out=wrong)
    cast = np.full(shape, 7, np.int16)
    with pytest.raises(TypeError, match=rf"out has dtype int16, but the result has dtype {dtype}"):
        op.matmat(x, out=cast)
    swapped = np.full(shape, 7, dtype.newbyteorder())
    with pytest.raises(TypeError, match="out has dtype"):
        op.matmat(x, out=swapped)
    locked = np.full(shape, 7, dtype)
    locked.setflags(write=False)
    with pytest.raises(ValueError, match="out is read-only"):
        op.matmat(x, out=locked)
    with pytest.raises(TypeError, match="out must be an ndarray, not list"):
        op.matmat(x, out=[])
    for untouched in (wrong, cast, swapped, locked):
        assert (untouched == 7).all()


# --- indexing ------------------------------------------------------------------------------------

INDICES = [
    np.s_[0, 0],
    np.s_[-1, 0],
    np.s_[1, -1],
    np.s_[0],
    np.s_[-1],
    np.s_[:, 0],
    np.s_[..., -1],
    np.s_[...],
    np.s_[()],
    np.s_[:],
    np.s_[:, :],
    np.s_[1:3],
    np.s_[::-1, ::2],
    np.s_[1:3, 0:2],
    np.s_[5:1, :],
    np.s_[[0, -1]],
    np.s_[[0, 0, 1], :],
    np.s_[:, [1, 0]],
    np.s_[1, [0, -1, 0]],
    np.s_[[0, 1], 0],
    np.s_[[0, 1], [1, 0]],
    np.s_[[[0], [1]], [[0, 1]]],
    np.s_[np.array([[0, 1], [1, 0]])],
    np.s_[:, np.array([[0, 1], [1, 0]])],
    np.s_[np.array([], np.intp)],
    np.s_[[]],
    np.s_[np.int64(1), np.uint8(0)],
    np.s_[np.array(1), np.array(0)],
    np.s_[[0, 1], np.array(1)],
]


@every_operator
@pytest.mark.parametrize("key", INDICES, ids=str)
def test_indexing(op, dense, neutral, key):
    array = op.toarray()
    try:
        expected = array[key]
    except (IndexError, DeprecationWarning):  # NumPy 2.0 only warned for empty results
        with pytest.raises(IndexError):
            op[key]
    else:
        result = op[key]
        assert_close(result, expected, np.abs(array).max(initial=0), max(op.shape))
        assert np.asarray(result).dtype == op.dtype
        assert type(result) is type(expected)


@every_operator
def test_boolean_indexing(op, dense, neutral):
    array = op.toarray()
    rng = np.random.default_rng(0)
    rows, columns = rng.random(op.shape[0]) < 0.5, rng.random(op.shape[1]) < 0.5
    scale, steps = np.abs(array).max(initial=0), max(op.shape)
    assert_close(op[rows], array[rows], scale, steps)
    assert_close(op[:, columns], array[:, columns], scale, steps)
    assert_close(op[rows.tolist()], array[rows], scale, steps)
    mask = rng.random(op.shape) < 0.5
    assert_close(op[mask], array[mask], scale, steps)
    assert_close(op[np.ix_(rows, columns)], array[np.ix_(rows, columns)], scale, steps)
    with pytest.raises(IndexError, match="boolean index"):
        op[np.ones(op.shape[0] + 1, bool)]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (np.s_[6], r"index 6 is out of bounds for an axis of size 6"),
        (np.s_[-7], r"index -7 is out of bounds for an axis of size 6"),
        (np.s_[0, 9], r"index 9 is out of bounds for an axis of size 9"),
        (np.s_[[0, 6]], r"index 6 is out of bounds for an axis of size 6"),
        (np.s_[[0, 6], [0, 0]], r"index 6 is out of bounds for an axis of size 6"),
        (np.s_[0, 0, 0], r"an operator has 2 dimensions, but 3 were indexed"),
        (np.s_[None], r"an operator has 2 dimensions; take op.toarray\(\) to add more"),
        (np.s_[..., ...], r"an index can have one ellipsis"),
        (np.s_[True], r"booleans index as arrays"),
        (np.s_[1.5], r"not an integer, a slice or an array of integers or booleans"),
        (np.s_["a"], r"not an integer, a slice or an array of integers or booleans"),
        (np.s_[[0.5]], r"not an integer, a slice or an array of integers or booleans"),
        (np.ones((6, 3), bool), r"boolean index has shape \(6, 3\), but the operator \(6, 9\)"),
        (np.s_[[0, 1], [0, 1, 2]], r"shapes \(2,\) and \(3,\) of the indices do not broadcast"),
    ],
    ids=str,
)
def test_wrong_indices(key, message):
    op = ox.kron(np.ones((2, 3)), np.ones((3, 3)))
    with pytest.raises(IndexError, match=message):
        op[key]


def test_one_entry_of_a_huge_operator():
    a = np.arange(4.0).reshape(2, 2)
    op = ox.kron(*[a + np.eye(2)] * 40)  # 2^40 rows
    assert op[0, 0] == 1
    assert op[-1, -1] == 4.0**40
    assert op[1, 0] == 2
    np.testing.assert_array_equal(op[[0, 1], [1, 0]], [1.0, 2.0])
    np.testing.assert_array_equal(op[:2, :2], a + np.eye(2))
    larger = ox.kron(*[a + np.eye(2)] * 80)
    assert larger.shape == (2**80, 2**80)
    assert larger.in_shape == (2**80,)
    assert larger[1, 0] == 2
    for f in (larger.toarray, lambda: larger[0], lambda: larger[:, 1], lambda: op[0]):
        with pytest.raises(MemoryError, match="GiB"):
            f()
    with pytest.raises(ValueError, match=r"more than 2\^63 - 1 rows or columns cannot be applied"):
        larger._plan_for(np.dtype(float))
    with pytest.raises(ValueError, match="x has shape"):
        larger @ np.ones(4)


@pytest.mark.filterwarnings("ignore::otimes.DenseFallbackWarning")
def test_operators_beyond_the_integers_of_numpy():
    a = np.array([[1.0, 2.0], [0.5, 1.5]])
    op, n = ox.kron(*[a] * 70), 2**70
    assert op.shape == (n, n)
    assert (op.size, op.nbytes) == (n * n, 8 * n * n)
    with pytest.raises(OverflowError, match="index-sized integer"):
        len(op)
    # entries wherever they are
    assert_close(op[-1, -1], 1.5**70, steps=70)
    assert op[0, n - 1] == 2.0**70
    assert op[n - 1, 0] == 0.5**70
    assert op[:2, :2].tolist() == a.tolist()
    np.testing.assert_array_equal(op[n - 1 :, [0, -1]], [[op[-1, 0], op[-1, -1]]])
    np.testing.assert_array_equal(op[2 :: n // 2, 0], [op[2, 0], op[2 + n // 2, 0]])
    assert op.T[0, 1] == 0.5
    assert (op @ op)[0, 0] == 2.0**70
    for key in ((n, 0), (0, -n - 1)):
        with pytest.raises(IndexError, match=f"out of bounds for an axis of size {n}"):
            op[key]
    # what is a product over the factors
    assert_close(op.trace(), 2.5**70, steps=70)
    assert_close(op.sum(), 5.0**70, steps=70)
    assert_close(op.mean(), 1.25**70, steps=70)
    assert ox.identity(n).trace() == float(n)
    assert ox.identity(n)[n - 2, n - 2] == 1
    assert_close(ox.kronecker_sum(*[a] * 70).trace(), 70 * 2.5 * 2.0**69, steps=70)
    mixed = ox.kron(ox.diagonal([1.0, 2.0]), *[a] * 70)
    assert_close(mixed[-1, -1], 2 * 1.5**70, steps=70)
    # and what does not fit
    for f in (op.diagonal, op.toarray, op.max, lambda: op.sum(0), lambda: op[0], lambda: op + 1):
        with pytest.raises(MemoryError, match="GiB"):
            f()
    for f in (lambda: op @ np.ones(4), lambda: np.ones(4) @ op, lambda: op.matvec(np.ones(4))):
        with pytest.raises(ValueError, match="x has shape"):
            f()


def test_integers_count_modulo_their_range():
    op = ox.kron(*[np.array([[1, 1], [0, 1]])] * 70)
    assert op[0, -1] == 1
    assert op.sum() == np.array(pow(3, 70, 2**64), np.uint64).astype(np.int64)
    assert op.trace() == 0  # 2^70


# --- objects -------------------------------------------------------------------------------------


@every_operator
def test_pickling_and_copying(op, dense, neutral):
    op @ np.ones(op.shape[1])  # with a compiled plan
    for twin in (pickle.loads(pickle.dumps(op)), copy.deepcopy(op), copy.copy(op)):
        assert type(twin) is type(op)
        assert (twin.in_shape, twin.out_shape) == (op.in_shape, op.out_shape)
        np.testing.assert_array_equal(twin.toarray(), op.toarray())
        x = operand((op.shape[1],))
        np.testing.assert_array_equal(twin @ x, op @ x)


@every_operator
def test_operators_are_immutable(op, dense, neutral):
    with pytest.raises(TypeError, match=r"operators are immutable; take op.toarray"):
        op[0, 0] = 1
    with pytest.raises(AttributeError, match="operators are immutable: cannot set 'shape'"):
        op.shape = (1, 1)
    with pytest.raises(AttributeError, match="operators are immutable"):
        op.anything = 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(op)


def test_truth_value_is_that_of_an_array():
    assert ox.kron([[1]], [[2]])
    assert not ox.kron([[1]], [[0]])
    with pytest.raises(ValueError, match="truth value of an operator is ambiguous"):
        bool(ox.identity(2))


def test_factors_cannot_be_written():
    a, b = np.ones((2, 3)), np.ones((4, 2))
    for op in (
        ox.kron(a, b),
        ox.kron(a, b).T,
        ox.kron(a, b) @ ox.kron(a.T, b.T),
        pickle.loads(pickle.dumps(ox.kron(a, b))),
    ):
        for factor in op.factors:
            with pytest.raises(ValueError, match="read-only"):
                factor[...] = 9


# --- SciPy ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::otimes.DenseFallbackWarning")  # the norm in expm_multiply
def test_scipy_iterative_solvers_accept_operators():
    linalg = pytest.importorskip("scipy.sparse.linalg")
    scipy_linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((4, 4)) + 5 * np.eye(4), rng.standard_normal((3, 3)) + 5 * np.eye(3)
    op = ox.kron(a, b)
    rhs = rng.standard_normal(12)
    expected = np.linalg.solve(op.toarray(), rhs)
    for solver in (linalg.gmres, linalg.bicgstab):
        x, info = solver(op, rhs, rtol=1e-10)
        assert info == 0
        # the solver's criterion: a residual of 1e-10 |b|, times the condition number
        assert np.linalg.norm(x - expected) <= 1e-10 * np.linalg.cond(op.toarray()) * 10
    x = linalg.lsqr(ox.kron(a[:, :2], b), rhs, atol=1e-12, btol=1e-12)[0]
    dense = ox.kron(a[:, :2], b).toarray()
    assert_close(x, np.linalg.lstsq(dense, rhs)[0], steps=1e-12 * 1e3 / np.finfo(float).eps)
    largest = linalg.svds(op, k=1, return_singular_vectors=False, v0=np.ones(12))
    assert_close(largest, [np.linalg.norm(op.toarray(), 2)], steps=1e4)  # iterative, to 1e-11
    x = linalg.lsmr(op, rhs, atol=1e-14, btol=1e-14)[0]
    np.testing.assert_allclose(x, expected, rtol=1e-6)
    definite = op @ op.T
    x, info = linalg.cg(definite, rhs, rtol=1e-12)
    assert info == 0
    np.testing.assert_allclose(x, np.linalg.solve(definite.toarray(), rhs), rtol=1e-6)
    dominant = linalg.eigs(op, k=1, return_eigenvectors=False)
    np.testing.assert_allclose(abs(dominant), abs(np.linalg.eigvals(op.toarray())).max())
    dense = scipy_linalg.expm(op.toarray() / 10) @ rhs
    np.testing.assert_allclose(linalg.expm_multiply(op / 10, rhs), dense)
    np.testing.assert_allclose(scipy_linalg.solve(op, rhs), expected)  # through __array__
    wrapped = linalg.aslinearoperator(op)
    np.testing.assert_array_equal(wrapped.matvec(rhs), op @ rhs)


def test_matrices_may_lie_anywhere_in_memory_once_they_are_unpickled():
    op = ox.kron(np.arange(9.0).reshape(3, 3), np.arange(16.0).reshape(4, 4))
    buffers = []
    data = pickle.dumps(op, protocol=5, buffer_callback=buffers.append)
    shifted = [memoryview(bytearray(b"-" + bytes(b.raw())))[1:].toreadonly() for b in buffers]
    assert shifted
    x = np.ones(12)
    np.testing.assert_array_equal(pickle.loads(data, buffers=shifted) @ x, op @ x)
