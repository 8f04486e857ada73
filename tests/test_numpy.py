"""NumPy's functions on operators: the dense result or an error; a warning without structure."""

import inspect
import warnings

import numpy as np
import pytest

import otimes as ox
from oracle import assert_close, kron
from otimes import _spectral_functions
from otimes._kron import KroneckerProduct
from otimes._numpy import attempts
from otimes._operator import LinearOperator
from otimes._registry import registry
from zoo import matrix

S, R = matrix(2, 2), matrix(3, 3)
A, B = matrix(2, 3), matrix(4, 2)
X = matrix(6, 6, seed=1)
INTEGERS = [[2, 1], [1, 1]], [[3, 1], [1, -2]]
PSD = [m @ m.T + np.eye(len(m)) for m in (S, R)]


def pairs(*names):
    """Operators and their dense arrays: square, rectangular, complex, and one of integers."""
    made = {
        "square": (ox.kron(S, R), kron(S, R)),
        "rectangular": (ox.kron(A, B), kron(A, B)),
        "complex": (ox.kron(S, R) * 1j, kron(S, R) * 1j),
        "integers": (ox.kron(*INTEGERS), kron(*INTEGERS)),
        "float32": (ox.kron(S, R).astype(np.float32), kron(S, R).astype(np.float32)),
        "scaled": (-3 * ox.kron(S, R), -3 * kron(S, R)),
        "sum": (ox.kronecker_sum(S, R), np.kron(S, np.eye(3)) + np.kron(np.eye(2), R)),
        "diagonal": (ox.diagonal(X[0]), np.diag(X[0])),
        "identity": (ox.identity(6), np.eye(6)),
        "definite": (ox.kron(*PSD), kron(*PSD)),
        "empty": (ox.kron(np.zeros((0, 0)), S), np.zeros((0, 0))),
    }  # fmt: skip
    return [made[name] for name in names or made]


def compare(f, op, dense, *, dtype=True):
    """f(op) equals f(dense) to rounding (times the condition number), or both raise."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            expected = f(dense)
    except Exception as error:
        kind = ValueError if isinstance(error, ValueError) else Exception
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ox.DenseFallbackWarning)
            with pytest.raises(kind):
                f(op)
        return None
    result = f(op)
    square = dense.ndim == 2 and dense.shape[0] == dense.shape[1] and dense.size
    steps = 20 * (np.linalg.cond(dense) if square and np.isfinite(dense).all() else 1)
    parts = (expected, result) if isinstance(expected, tuple) else ((expected,), (result,))
    for mine, theirs in zip(parts[1], parts[0], strict=True):
        assert_close(np.asarray(mine), theirs, steps=steps, data=(dense,))
        if dtype:
            assert np.asarray(mine).dtype == np.asarray(theirs).dtype
    return result


# --- the table -----------------------------------------------------------------------------------

TABLE = {
    np.matmul: lambda a: np.matmul(a, np.ones(a.shape[1])),
    np.add: lambda a: np.add(a, a),
    np.subtract: lambda a: np.subtract(a, 2 * a),
    np.multiply: lambda a: np.multiply(a, 3),
    np.divide: lambda a: np.divide(a, 4),
    np.power: lambda a: np.power(a, 2),
    np.negative: np.negative,
    np.positive: np.positive,
    np.equal: lambda a: np.equal(a, np.zeros(a.shape)),
    np.not_equal: lambda a: np.not_equal(np.zeros(a.shape), a),
    np.conjugate: np.conj,
    np.kron: lambda a: np.kron(a, [[1.0, 2.0]]),
    np.dot: lambda a: np.dot(a, np.ones((a.shape[1], 2))),
    np.transpose: np.transpose,
    np.matrix_transpose: np.matrix_transpose,
    np.real: np.real,
    np.imag: np.imag,
    np.sum: np.sum,
    np.mean: np.mean,
    np.trace: np.trace,
    np.diagonal: np.diagonal,
    np.diag: np.diag,
    np.shape: np.shape,
    np.ndim: np.ndim,
    np.size: np.size,
    np.array_equal: lambda a: np.array_equal(a, np.zeros(a.shape)),
    np.allclose: lambda a: np.allclose(a, np.asarray(a)),
    np.linalg.solve: lambda a: np.linalg.solve(a, np.ones(a.shape[0])),
    np.linalg.inv: np.linalg.inv,
    np.linalg.det: np.linalg.det,
    np.linalg.slogdet: np.linalg.slogdet,
    np.linalg.norm: np.linalg.norm,
    np.linalg.matrix_power: lambda a: np.linalg.matrix_power(a, 3),
    np.linalg.trace: np.linalg.trace,
    np.linalg.diagonal: np.linalg.diagonal,
    np.linalg.matrix_transpose: np.linalg.matrix_transpose,
    np.linalg.lstsq: lambda a: np.linalg.lstsq(a, np.ones(a.shape[0]))[0],
    np.linalg.pinv: np.linalg.pinv,
    np.linalg.svdvals: np.linalg.svdvals,
    np.linalg.matrix_norm: np.linalg.matrix_norm,
    np.linalg.vector_norm: np.linalg.vector_norm,
    np.linalg.matrix_rank: np.linalg.matrix_rank,
    np.linalg.multi_dot: lambda a: np.linalg.multi_dot([a, a.T, np.ones(a.shape[0])]),
    np.linalg.matmul: lambda a: np.linalg.matmul(a, np.ones((a.shape[1], 2))),
}
if hasattr(np, "matvec"):
    TABLE[np.matvec] = lambda a: np.matvec(a, np.arange(2 * a.shape[1]).reshape(2, -1) * 1j)
    TABLE[np.vecmat] = lambda a: np.vecmat(np.arange(2 * a.shape[0]).reshape(2, -1) * 1j, a)

#: Not unique, or infinite but for rounding: test_decompositions.py compares these.
DECOMPOSITIONS = {getattr(np.linalg, name) for name in (
    "eig", "eigvals", "eigh", "eigvalsh", "svd", "cholesky", "qr", "cond",
)}  # fmt: skip

NEEDS_SOLVERS = {np.linalg.solve}


def test_every_function_of_the_table_is_here():
    # what only sums have is tested in test_sums.py
    of_sums = set(_spectral_functions.RULES) - set(TABLE)
    assert set(registry.functions) == set(TABLE) | DECOMPOSITIONS | of_sums


@pytest.mark.parametrize("function", TABLE, ids=lambda f: f.__name__)
def test_functions_of_the_table(function):
    if function in NEEDS_SOLVERS and "solve_operator" not in registry.solving:
        pytest.skip("no solvers yet")
    names = ["square", "complex", "scaled", "definite"]
    if function not in NEEDS_SOLVERS:
        names += ["rectangular", "integers", "float32"]
    for op, dense in pairs(*names):
        compare(TABLE[function], op, dense)


STRUCTURED = [np.add, np.subtract, np.multiply, np.divide, np.power, np.negative, np.conjugate,
              np.kron, np.transpose, np.matrix_transpose, np.linalg.inv, np.linalg.matrix_power,
              np.linalg.matrix_transpose]  # fmt: skip


@pytest.mark.parametrize("function", STRUCTURED, ids=lambda f: f.__name__)
def test_structured_results(function):
    assert type(TABLE[function](ox.kron(S, R))) is KroneckerProduct


MORE = {
    "matmul from the left": lambda a: np.matmul(np.ones((2, a.shape[0])), a),
    "matmul operators": lambda a: np.matmul(a.T, a),
    "matmul stack": lambda a: np.matmul(np.ones((3, 2, a.shape[0])), a),
    "dot from the left": lambda a: np.dot(np.ones((2, 3, a.shape[0])), a),
    "dot scalar": lambda a: np.dot(a, 2),
    "dot scalar from the left": lambda a: np.dot(2.5, a),
    "dot stack": lambda a: np.dot(a, np.ones((2, a.shape[1], 3))),
    "ones times": lambda a: np.ones(a.shape[0]) @ a,
    "numpy scalar times": lambda a: np.float64(2) * a,
    "array plus": lambda a: np.ones(a.shape) + a,
    "array minus": lambda a: np.ones(a.shape) - a,
    "minus array": lambda a: a - np.ones(a.shape),
    "kron from the left": lambda a: np.kron([[1.0], [2.0]], a),
    "transpose axes": lambda a: np.transpose(a, (1, 0)),
    "transpose trivial": lambda a: np.transpose(a, [0, 1]),
    "sum axis": lambda a: np.sum(a, axis=0),
    "sum negative axis": lambda a: np.sum(a, -1),
    "sum axes": lambda a: np.sum(a, axis=(1, 0)),
    "mean axis": lambda a: np.mean(a, axis=1),
    "size axis": lambda a: np.size(a, 1),
    "sum keepdims": lambda a: np.sum(a, axis=0, keepdims=True),
    "sum dtype": lambda a: np.sum(a, dtype=complex),
    "trace offset": lambda a: np.trace(a, 1),
    "diagonal offset": lambda a: np.diagonal(a, -1),
    "diag offset": lambda a: np.diag(a, 2),
    "mean keepdims": lambda a: np.mean(a, axis=(0, 1), keepdims=True),
    "norm 1": lambda a: np.linalg.norm(a, 1),
    "norm inf": lambda a: np.linalg.norm(a, np.inf),
    "norm 2": lambda a: np.linalg.norm(a, 2),
    "norm nuclear": lambda a: np.linalg.norm(a, "nuc"),
    "norm axis": lambda a: np.linalg.norm(a, axis=0),
    "norm -1": lambda a: np.linalg.norm(a, -1),
    "norm keepdims": lambda a: np.linalg.norm(a, keepdims=True),
    "linalg.svdvals": np.linalg.svdvals,
    "linalg.matrix_rank": np.linalg.matrix_rank,
    "linalg.pinv": np.linalg.pinv,
    "linalg.multi_dot": lambda a: np.linalg.multi_dot([a, a.T, np.ones(a.shape[0])]),
    "mean dtype": lambda a: np.mean(a, (0,), np.complex128, keepdims=True),
    "sum of no axis": lambda a: np.sum(a, (), keepdims=True),
    "trace of exchanged axes": lambda a: np.trace(a, 2, 1, 0, complex),
    "diagonal of exchanged axes": lambda a: np.diagonal(a, 2, axis1=-1, axis2=0),
    "diagonal beyond": lambda a: np.diagonal(a, 100),
    "linalg.trace offset": lambda a: np.linalg.trace(a, offset=-1, dtype=complex),
    "linalg.diagonal offset": lambda a: np.linalg.diagonal(a, offset=3),
    "equal": lambda a: a == np.ones(a.shape),
    "equal from the left": lambda a: np.ones(a.shape) == a,
    "array_equal of another shape": lambda a: np.array_equal(a, np.ones(3)),
    "copyto an array": lambda a: np.copyto(np.empty(a.shape, complex), a),
}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in MORE if n != "copyto an array"])
def test_arguments_that_have_structure(name):
    for op, dense in pairs("square", "rectangular", "complex", "integers", "float32", "scaled"):
        if name.startswith(("norm", "sum", "mean", "trace", "diag")) or op.dtype.kind != "i":
            compare(MORE[name], op, dense)


@pytest.mark.parametrize("name", ["sum", "diagonal", "identity", "empty"])
def test_other_operators(name):
    for op, dense in pairs(name):
        for function in (np.sum, np.trace, np.diag, np.conj, np.transpose, np.real, np.imag):
            compare(function, op, dense, dtype=name != "identity")
        compare(lambda a: np.matmul(a, np.ones((a.shape[1], 2))), op, dense)
        compare(lambda a: np.matmul(np.ones((2, a.shape[0])), a), op, dense)


def test_the_first_attempt_that_applies_is_taken():
    def declines(a, *, offset=0):
        return NotImplemented

    def applies(a, *, offset=0):
        return a + offset

    rule = attempts(declines, applies, declines)
    assert rule(1, offset=2) == 3
    assert attempts(declines, declines)(1) is NotImplemented
    assert inspect.signature(rule) == inspect.signature(declines)


# --- everything else: the dense array, with a warning --------------------------------------------

DENSE = {
    "abs": np.abs,
    "exp": np.exp,
    "sqrt": lambda a: np.sqrt(a * a),
    "sin out": lambda a: np.sin(a, out=np.empty(a.shape)),
    "where": lambda a: np.where(a > 0, a, 0),
    "clip": lambda a: np.clip(a, -1, 1),
    "floor divide": lambda a: np.floor_divide(a, 2),
    "less": lambda a: np.less(a, 0),
    "comparisons": lambda a: (a < 0) | (a >= 1) | (a <= -3) | (a > 2),
    "abs method": abs,
    "greater reflected": lambda a: np.zeros(a.shape) > a,
    "add reduce": lambda a: np.add.reduce(a, axis=0),
    "add accumulate": lambda a: np.add.accumulate(a),
    "outer": lambda a: np.multiply.outer(a, [1.0, 2.0]),
    "sum out": lambda a: np.sum(a, axis=0, out=np.empty(a.shape[1])),
    "sum as integers": lambda a: np.sum(a, dtype=int),
    "mean as float16": lambda a: np.mean(a, dtype=np.float16),
    "mean where": lambda a: np.mean(a, where=np.ones(a.shape, bool)),
    "max": np.max,
    "prod": np.prod,
    "argsort": np.argsort,
    "sort": np.sort,
    "std": np.std,
    "var": np.var,
    "any": np.any,
    "all": np.all,
    "cumsum": np.cumsum,
    "ravel": np.ravel,
    "reshape": lambda a: np.reshape(a, -1),
    "concatenate": lambda a: np.concatenate([a, np.ones((1, a.shape[1]))]),
    "vstack": lambda a: np.vstack((np.ones((1, a.shape[1])), a)),
    "block": lambda a: np.block([[a, a], [a, a]]),
    "stack": lambda a: np.stack([a, a]),
    "einsum": lambda a: np.einsum("ij->ji", a),
    "tensordot": lambda a: np.tensordot(a, a.T, 1),
    "inner": lambda a: np.inner(a, np.ones((2, a.shape[1]))),
    "outer function": lambda a: np.outer(a, [1, 2]),
    "triu": np.triu,
    "roll": lambda a: np.roll(a, 1),
    "flip": np.flip,
    "isclose": lambda a: np.isclose(a, 0),
    "isnan": np.isnan,
    "nan_to_num": np.nan_to_num,
    "take": lambda a: np.take(a, [0, 1], axis=0),
    "expand_dims": lambda a: np.expand_dims(a, 0),
    "linalg.eigvalsh": lambda a: np.linalg.eigvalsh(a @ a.T + np.eye(len(a))),
    "linalg.qr": np.linalg.qr,
    "linalg.cholesky": lambda a: np.linalg.cholesky(a @ a.T + np.eye(len(a))),
    "allclose of a tolerance": lambda a: np.isclose(a, np.ones(a.shape), atol=10),
    "matmul subok": lambda a: np.matmul(a, np.ones(a.shape[1]), subok=False),
    "add where": lambda a: np.add(a, a, out=np.zeros(a.shape), where=np.eye(*a.shape) > 0),
    "in place": lambda a: np.ones(a.shape).__iadd__(a),
    "histogram": lambda a: np.histogram(a, bins=3),
    "copy": np.copy,
    "zeros_like": np.zeros_like,
    "result_type": lambda a: np.zeros(1, np.result_type(a, np.complex64)),
}  # fmt: skip


@pytest.mark.parametrize("name", DENSE)
def test_everything_else_is_dense_with_a_warning(name):
    for op, dense in (
        pairs("square", "definite") if "linalg" in name else pairs("square", "rectangular")
    ):
        with pytest.warns(ox.DenseFallbackWarning, match="works on the dense array"):
            compare(DENSE[name], op, dense)


def test_rectangular_factors_of_a_square_product():
    op, dense = ox.kron(A, A.T), kron(A, A.T)
    with pytest.warns(ox.DenseFallbackWarning):
        assert_close(np.linalg.det(op), np.linalg.det(dense), steps=1e3, scale=1.0)
    with pytest.raises(np.linalg.LinAlgError, match="rectangular factors is singular"):
        np.linalg.inv(op)


def test_determinants_of_every_size():
    for scale in (1e-40, 1e-3, 1.0, 1e40):
        op, dense = ox.kron(S * scale, R), kron(S * scale, R)
        sign, log = np.linalg.slogdet(op)
        expected = np.linalg.slogdet(dense)
        assert sign == expected.sign
        assert_close(log, expected.logabsdet, steps=100)
        assert_close(np.linalg.det(op), np.linalg.det(dense), steps=1000)
    # det(A)^n and det(B)^m leave the range, their product does not
    op = ox.kron(np.eye(2) * 1e90, np.eye(2) * 1e-90)
    assert_close(np.linalg.det(op), 1.0, steps=1e3)
    zero = 0 * ox.kron(S, R)
    assert np.linalg.det(zero) == 0
    singular = ox.kron(np.ones((2, 2)), R)
    assert np.linalg.slogdet(singular).logabsdet == -np.inf
    assert np.linalg.det(singular) == 0


def test_norms_of_what_is_not_finite():
    a, b = np.array([[np.inf, 1.0]]), np.array([[0.0, 2.0]])
    with pytest.warns(ox.DenseFallbackWarning), np.errstate(invalid="ignore"):
        assert np.isnan(np.linalg.norm(ox.kron(a, b)))


# --- out= ----------------------------------------------------------------------------------------


def test_matmul_out():
    op, dense, x = ox.kron(S, R), kron(S, R), X.copy()
    for left, right in ((op, x), (x, op)):
        out = np.empty((6, 6))
        assert np.matmul(left, right, out=out) is out
        assert_close(out, np.asarray(left) @ np.asarray(right), 100)
        wide = np.empty((6, 6), complex)
        np.matmul(left, right, out=wide)
        np.testing.assert_array_equal(wide, out)
    np.matmul(op, x, out=x)  # the input itself
    assert_close(x, dense @ X, 100)
    with pytest.raises(TypeError, match="Cannot cast"):
        np.matmul(op, x, out=np.empty((6, 6), int))
    with pytest.warns(ox.DenseFallbackWarning), pytest.raises(ValueError, match="Output operand"):
        np.matmul(op, x, out=np.empty((5, 6)))


def test_in_place_on_arrays():
    op, dense = ox.kron(S, R), kron(S, R)
    x = X.copy()
    with pytest.warns(ox.DenseFallbackWarning):
        x += op
    assert_close(x, X + dense)
    y = op
    y += op  # a new operator
    assert y is not op
    assert_close(y.toarray(), 2 * dense)


@pytest.mark.parametrize(
    "write",
    [
        lambda op: np.add(op, 1, out=op),
        lambda op: np.matmul(np.ones((6, 6)), np.ones((6, 6)), out=op),
        lambda op: np.add.at(op, (0, 0), 1),
        lambda op: np.fill_diagonal(op, 0),
        lambda op: np.copyto(op, 1),
        lambda op: np.copyto(dst=op, src=1),
        lambda op: np.put(op, [0], 1),
        lambda op: np.putmask(op, np.ones((6, 6), bool), 1),
        lambda op: np.place(op, np.ones((6, 6), bool), [1]),
        lambda op: np.sum(np.ones((6, 6)), axis=0, out=op),
        lambda op: np.clip(np.ones((6, 6)), 0, 1, out=op),
        lambda op: np.put_along_axis(op, np.zeros((1, 6), int), 1, 0),
    ],
)
def test_operators_are_never_written_to(write):
    op = ox.kron(S, R)
    before = op.toarray()
    with pytest.raises(TypeError, match="cannot write to an operator: it is immutable"):
        write(op)
    np.testing.assert_array_equal(op.toarray(), before)


def test_arrays_can_be_filled_from_operators():
    target = np.empty((6, 6))
    with pytest.warns(ox.DenseFallbackWarning):
        np.copyto(target, ox.kron(S, R))
    assert_close(target, kron(S, R))
    target[...] = ox.kron(S, R)
    assert_close(target, kron(S, R))


# --- other libraries' operands -------------------------------------------------------------------


def test_foreign_operands_are_pythons_type_errors():
    op = ox.kron(S, R)
    for f in (
        lambda: op + "x",
        lambda: {} * op,
        lambda: op @ None,
        lambda: op @ 2,
        lambda: op / object(),
        lambda: op - {},
    ):
        with pytest.raises(TypeError, match="unsupported operand"):
            f()


def test_operators_of_other_libraries_may_take_over():
    class Other:
        def __rmatmul__(self, op):
            return "taken"

        def __radd__(self, op):
            return "added"

    assert ox.kron(S, R) @ Other() == "taken"
    assert ox.kron(S, R) + Other() == "added"


def test_sparse_operands_are_multiplied():
    sparse = pytest.importorskip("scipy.sparse")
    op, dense = ox.kron(S, R), kron(S, R)
    x = sparse.csr_array(np.triu(X))
    for result, expected in ((op @ x, dense @ np.triu(X)), (x @ op, np.triu(X) @ dense)):
        assert_close(np.asarray(result), expected, 100)


def test_operators_are_recognised_in_nested_arguments():
    op, dense = ox.kron(S, R), kron(S, R)
    with pytest.warns(ox.DenseFallbackWarning):
        result = np.block([[op, np.zeros((6, 1))]])
    assert_close(result, np.block([[dense, np.zeros((6, 1))]]))
    assert isinstance(op, LinearOperator)
