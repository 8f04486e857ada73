"""Code written for np.kron(A, B) goes on working, and never differs.

Every function of NumPy, found by introspection, is called on operators and on the dense arrays
that they stand for: the outcomes are equal, or the operator's is an error.
"""

import copy
import functools
import io
import operator
import pickle
from collections import Counter

import numpy as np
import pytest

import oracle
import otimes as ox
from differential import Tolerance, difference, outcome, public, same_decomposition
from otimes._operator import LinearOperator
from otimes._structures import LowRank
from zoo import matrix

pytestmark = pytest.mark.filterwarnings("ignore")  # dense fallbacks, divisions by zero, casts

# --- operands -------------------------------------------------------------------------------------

S, R, A, B = matrix(2, 2), matrix(3, 3), matrix(2, 3), matrix(3, 2)
Z, W = matrix(2, 2, "complex128"), matrix(3, 3, "complex64")


def hermitian(m):
    return m + m.conj().T


def definite(m):
    return m @ m.conj().T + np.eye(len(m), dtype=m.dtype)


def integers(m, n, dtype, seed=0):
    return np.random.default_rng(seed).integers(0, 90, (m, n)).astype(dtype)


KRON = {
    "square": (S, R),
    "rectangular": (A[:1], B),
    "rectangular factors": (A, B),
    "symmetric": (hermitian(S), hermitian(R)),
    "hermitian": (hermitian(Z), hermitian(W).astype(complex)),
    "skew factors": (1j * hermitian(S), -1j * hermitian(R)),
    "negative definite": (-definite(S), -definite(R)),
    "definite": (definite(S), definite(R)),
    "singular": (np.ones((2, 2)), R),
    "int64": (matrix(2, 2, "int64"), matrix(2, 2, "int64", 1)),
    "int8 that wraps": (integers(2, 2, np.int8), integers(2, 2, np.int8, 1)),
    "uint8": (matrix(2, 2, "uint8"), matrix(2, 2, "uint8", 1)),
    "bool": (matrix(2, 2, "bool", 1), matrix(2, 2, "bool", 2)),
    "float32": (S.astype(np.float32), R.astype(np.float32)),
    "complex64": (Z.astype(np.complex64), W),
    "empty": (np.zeros((0, 0)), S),
    "no rows": (np.zeros((0, 2)), S),
    "one": ([[2.0]], [[-1.5]]),
    "not finite": ([[np.inf, 1.0], [0.0, 2.0]], [[np.nan, 1.0], [0.0, -3.0]]),
}
OTHERS = {
    "sum of terms": (ox.kron(S, R) + ox.kron(Z.real, R @ R), np.kron(S, R) + np.kron(Z.real, R @ R)),
    "kronecker sum": (ox.kronecker_sum(S, R), oracle.kronecker_sum(S, R)),
    "transposed": (ox.kron(A, B).T, np.kron(A, B).T),
    "scaled": (-2.5 * ox.kron(S, R), -2.5 * np.kron(S, R)),
    "commutation": (ox.commutation_matrix(2, 3), oracle.commutation(2, 3)),
    "identity": (ox.identity(4), np.eye(4)),
    "diagonal": (ox.diagonal(A.ravel()), np.diag(A.ravel())),
    "product": (
        ox.diagonal(A.ravel()) @ ox.kron(S, R),
        np.diag(A.ravel()) @ np.kron(S, R),
    ),
    "inverse": (
        ox.kronecker_sum(definite(S), definite(R)).inv(),
        np.linalg.inv(oracle.kronecker_sum(definite(S), definite(R))),
    ),
    "low rank": (LowRank(A.T, B, (3,), (3,)), A.T @ B.T),
}  # fmt: skip
#: Name: the operator, and the array that it stands for.
with np.errstate(invalid="ignore"):  # 0 times infinity
    OPERANDS = {name: (ox.kron(*f), np.kron(*f)) for name, f in KRON.items()} | OTHERS
    DENSE = {name: op.toarray() for name, (op, _) in OPERANDS.items()}
#: Operators that only move entries keep the dtype of what they are multiplied with (API).
NEUTRAL = {"commutation", "identity"}


@pytest.mark.parametrize("name", OPERANDS)
def test_operands_are_what_they_stand_for(name):
    op, dense = OPERANDS[name]
    oracle.assert_close(op.toarray(), dense, steps=1e3, data=(dense,))
    assert op.dtype == dense.dtype


# --- arguments ------------------------------------------------------------------------------------


def like(a):
    """A dense matrix of the shape and dtype of `a`."""
    return _like(a.shape, a.dtype).copy()


_like = functools.cache(lambda shape, dtype: matrix(*shape, dtype, 1))


def out_like(a, shape=None, dtype=None):
    return np.zeros(a.shape if shape is None else shape, a.dtype if dtype is None else dtype)


OBJECT = object()

#: Arguments of a call with the operator alone: f(op, ...).
UNARY = [
    lambda a: ((a,), {}),
    lambda a: (([a, a],), {}),
    lambda a: (((a, like(a)),), {}),
    *(
        lambda a, axis=axis: ((a,), {"axis": axis})
        for axis in (0, 1, -1, None, (0, 1), (), 2, [0], 0.5)
    ),
    lambda a: ((a,), {"keepdims": True}),
    lambda a: ((a,), {"axis": 0, "keepdims": True}),
    lambda a: ((a,), {"axis": (0, 1), "keepdims": True}),
    lambda a: ((a,), {"axis": 1, "dtype": complex}),
    lambda a: ((a,), {"dtype": np.float32}),
    lambda a: ((a,), {"dtype": int}),
    lambda a: ((a,), {"dtype": ">f8"}),
    lambda a: ((a,), {"where": like(a) > 0, "out": out_like(a)}),
    lambda a: ((a,), {"axis": 1, "initial": 3}),
    lambda a: ((a,), {"out": out_like(a)}),
    lambda a: ((a,), {"axis": 0, "out": out_like(a, a.shape[1:])}),
    lambda a: ((a,), {"axis": 1, "out": out_like(a, (2, 2))}),
    lambda a: ((a,), {"offset": 1}),
    lambda a: ((a,), {"offset": -2, "axis1": 1, "axis2": 0}),
    lambda a: ((a,), {"k": -1}),
    lambda a: ((a,), {"order": "F"}),
    lambda a: ((a,), {"copy": False}),
    lambda a: ((a,), {"copy": True}),
]
#: Arguments of a call with the operator and something else.
BINARY = [
    lambda a: ((a, a), {}),
    lambda a: ((a, like(a)), {}),
    lambda a: ((like(a), a), {}),
    lambda a: ((a, 2), {}),
    lambda a: ((2, a), {}),
    lambda a: ((a, 1.5), {}),
    lambda a: ((a, -1), {}),
    lambda a: ((np.float32(2), a), {}),
    lambda a: ((a, 1j), {}),
    lambda a: ((a, [1, 0]), {}),
    lambda a: ((a, np.ones(a.shape[1])), {}),
    lambda a: ((np.ones(a.shape[0]), a), {}),
    lambda a: ((a, like(a).T), {}),
    lambda a: ((a, a, a), {}),
    lambda a: ((a, 0, 1), {}),
    lambda a: ((a, (1, 0)), {}),
    lambda a: ((like(a) > 0, a, like(a)), {}),
    lambda a: ((a, a), {"dtype": complex}),
    lambda a: ((a, a), {"out": out_like(a)}),
    lambda a: ((a, like(a)), {"out": out_like(a, dtype=complex)}),
    lambda a: ((a, a), {"where": like(a) > 0, "out": out_like(a)}),
    lambda a: ((a, None), {}),
    lambda a: ((a, "x"), {}),
    lambda a: ((a, OBJECT), {}),
    lambda a: ((a, np.asmatrix(like(a))), {}),
    lambda a: ((np.asmatrix(like(a)), a), {}),
    lambda a: ((a, np.asmatrix(like(a)).T), {}),
    lambda a: ((np.asmatrix(like(a)).T, a), {}),
    lambda a: ((a, np.ones((2, *a.shape[::-1]))), {}),
    lambda a: ((np.ones((2, *a.shape[::-1])), a), {}),
    lambda a: ((a, np.array(3, np.int16)), {}),
    lambda a: ((a, np.ones(2, ">f8")), {}),
]
#: Reductions that take a mask without `out`.
MASKED = [
    lambda a: ((a,), {"where": like(a) > 0}),
    lambda a: ((a,), {"axis": 0, "where": like(a) > 0}),
]
#: Functions that are not given arrays for their further arguments: options of texts, and dtypes, for
#: which any object with an attribute `dtype` serves.
UNARY_ONLY = {
    *("array2string", "array_repr", "array_str"),
    *("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "asmatrix"),
    *("asarray_chkfinite", "require", "matrix", "can_cast", "empty", "ones", "zeros", "frombuffer"),
    *("fromstring", "empty_like", "ones_like", "zeros_like", "dtype", "promote_types"),
    *("result_type", "ndarray", "recarray", "fromiter", "issubdtype", "arange", "eye", "identity"),
    *("indices", "full", "full_like", "rot90"),
    *("operator.getitem", "operator.setitem", "builtins.iter"),
}


def of_hermitian(a):
    """`a`, if the function will look at all of it."""
    if not np.array_equal(np.asarray(a), np.asarray(a).conj().T):
        raise ValueError
    return a


def with_string(*strings):
    return [lambda a, s=s: ((s, a), {}) for s in strings]


#: Further arguments of functions that the default does not serve.
RECIPES = {
    "apply_along_axis": [lambda a: ((np.sum, 0, a), {}), lambda a: ((np.sort, 1, a), {})],
    "apply_over_axes": [lambda a: ((np.sum, a, [0, 1]), {}), lambda a: ((np.sum, a, 0), {})],
    "arange": [lambda a: ((a.shape[0],), {"like": a})],
    "array": [lambda a: ((a,), {"ndmin": 3}), lambda a: ((3,), {"like": a})],
    "average": [lambda a: ((a,), {"weights": like(a), "returned": True})],
    "astype": [lambda a: ((a, d), {}) for d in ("f4", "i8", "c8", "f2", "?", "S3", "O", ">f8")],
    "broadcast_to": [lambda a: ((a, (2, *a.shape)), {})],
    "choose": [lambda a: ((like(a).real.astype(int) % 2, [a, like(a)]), {})],
    "clip": [lambda a: ((a, 0, 3), {}), lambda a: ((a,), {"min": 1}), lambda a: ((a, a, 2 * a), {})],
    "compress": [lambda a: (([True, False], a), {"axis": 0})],
    "convolve": [lambda a: ((np.ones(3), a), {})],
    "copyto": [lambda a: ((out_like(a, dtype=complex), a), {}), lambda a: ((a, like(a)), {})],
    "cross": [lambda a: ((a[:, :3], like(a)[:, :3]), {})],
    "delete": [lambda a: ((a, 0, 0), {}), lambda a: ((a, [0], 1), {})],
    "diff": [lambda a: ((a,), {"axis": 0, "prepend": 0})],
    "digitize": [lambda a: ((a, [0.0, 1.0, 2.0]), {})],
    "einsum": [*with_string("ij->ji", "ii", "ij->", "ij->i"),
               lambda a: (("ij,jk", a, like(a).T), {}), lambda a: ((a, [0, 1], [1, 0]), {}),
               lambda a: (("ij,ij->", a, a), {"optimize": True})],
    "einsum_path": [lambda a: (("ij,jk", a, like(a).T), {})],
    "expand_dims": [lambda a: ((a, 0), {}), lambda a: ((a, (0, 2)), {})],
    "extract": [lambda a: ((like(a) > 0, a), {}), lambda a: ((a, like(a)), {})],
    "fill_diagonal": [lambda a: ((a, 1), {}), lambda a: ((np.zeros(a.shape), a), {})],
    "full_like": [lambda a: ((a, 3), {}), lambda a: ((like(a), a), {})],
    "full": [lambda a: (((2, *a.shape), a), {})],
    "histogram": [lambda a: ((a,), {"bins": 3}), lambda a: ((a,), {"weights": a})],
    "insert": [lambda a: ((a, 0, 1, 0), {}), lambda a: ((like(a), 1, a[0], 0), {})],
    "interp": [lambda a: ((a, [0.0, 1.0], [2.0, 5.0]), {})],
    "isdtype": [lambda a: ((a.dtype, "real floating"), {})],
    "ix_": [lambda a: ((a[0], a[0]), {})],
    "linspace": [lambda a: ((a, 2 * like(a), 3), {}), lambda a: ((0, a, 3), {"axis": 1})],
    "matmul": [lambda a: ((a, like(a).T), {"out": out_like(a, (a.shape[0],) * 2, complex)}),
               lambda a: ((a, a.T), {"axes": [(0, 1), (0, 1), (0, 1)]}),
               lambda a: ((a, np.ones((2, 1, a.shape[1], 2), np.float32)), {}),
               lambda a: ((a, np.zeros((0, a.shape[1], 0))), {}),
               lambda a: ((a, np.ones(a.shape[1], np.int8)), {}),
               lambda a: ((a, np.ones(a.shape[1], complex)), {}),
               lambda a: ((np.ones(a.shape[0], bool), a), {}),
               lambda a: ((a, a.T), {"casting": "no"}), lambda a: ((a, a.T), {"order": "F"})],
    "moveaxis": [lambda a: ((a, 0, 1), {}), lambda a: ((a, 0, -1), {})],
    "pad": [lambda a: ((a, 1), {}), lambda a: ((a, ((0, 1), (2, 0))), {"mode": "edge"})],
    "partition": [lambda a: ((a, 0), {"axis": 0})],
    "percentile": [lambda a: ((a, 30), {}), lambda a: ((a, [20, 50]), {"axis": 0})],
    "piecewise": [lambda a: ((a, [like(a) > 0], [1, 2]), {})],
    "place": [lambda a: ((a, like(a) > 0, [1]), {})],
    "put": [lambda a: ((a, [0], 1), {}), lambda a: ((np.zeros(a.shape), [0], a), {})],
    "put_along_axis": [lambda a: ((a, np.zeros((1, a.shape[1]), int), 1, 0), {})],
    "putmask": [lambda a: ((a, like(a) > 0, 1), {})],
    "quantile": [lambda a: ((a, 0.3), {}), lambda a: ((a, [0.2, 0.5]), {"axis": 0})],
    "repeat": [lambda a: ((a, 2), {"axis": 0})],
    "reshape": [lambda a: ((a, -1), {}), lambda a: ((a, (1, -1)), {"order": "F"}),
                lambda a: ((a,), {"shape": a.shape[::-1]})],
    "resize": [lambda a: ((a, (2, 3)), {})],
    "rollaxis": [lambda a: ((a, 1), {})],
    "save": [lambda a: ((io.BytesIO(), a), {})],
    "savez": [lambda a: ((io.BytesIO(), a), {})],
    "savetxt": [lambda a: ((io.StringIO(), a), {})],
    "searchsorted": [lambda a: (([0.0, 1.0], a), {})],
    "select": [lambda a: (([like(a) > 0], [a], 0), {}), lambda a: (([a > 0], [a], a), {})],
    "split": [lambda a: ((a, a.shape[0]), {}), lambda a: ((a, [1, 2]), {"axis": 1})],
    "swapaxes": [lambda a: ((a, 0, 1), {}), lambda a: ((a, 0, 0), {})],
    "take": [lambda a: ((a, [0, 1]), {"axis": 0}), lambda a: ((a, 1), {"axis": 1})],
    "take_along_axis": [lambda a: ((a, np.zeros((1, a.shape[1]), int), 0), {})],
    "tensordot": [lambda a: ((a, like(a).T, 1), {}), lambda a: ((a, a, 2), {}),
                  lambda a: ((a, like(a), 0), {}), lambda a: ((a, like(a), ([0], [0])), {})],
    "tile": [lambda a: ((a, (2, 1)), {})],
    "transpose": [lambda a: ((a,), {"axes": x}) for x in ((1, 0), (-2, -1), [0, 1], (0, 0), (0,),
                                                           (0, 1, 2), None, (1, -2))],
    "vander": [lambda a: ((a[0],), {"N": 2})],
    "vdot": [lambda a: ((a, like(a)), {})],
    "where": [lambda a: ((a > 0, a, 0), {}), lambda a: ((like(a) > 0, a, a), {})],
    "linalg.cond": [lambda a, p=p: ((a, p), {}) for p in (None, 1, -1, 2, -2, np.inf, "fro", 7)],
    "linalg.norm": [lambda a, p=p: ((a, p), {})
                    for p in (None, 1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc", 0, 3, "x")],
    "linalg.matrix_norm": [lambda a, p=p: ((a,), {"ord": p})
                           for p in (1, -1, 2, -2, np.inf, "fro", "nuc", 0, 3)],
    "linalg.matrix_power": [lambda a, k=k: ((a, k), {}) for k in (0, 1, 2, 3, 5, -1, -2, 0.5)],
    "linalg.matrix_rank": [lambda a: ((a,), {"tol": 1e-3}), lambda a: ((a,), {"rtol": 0.1}),
                           lambda a: ((of_hermitian(a),), {"hermitian": True})],
    "linalg.pinv": [lambda a: ((a,), {"rcond": 0.1}), lambda a: ((a,), {"hermitian": True}),
                    lambda a: ((a,), {"rtol": 1e-3})],
    "linalg.qr": [lambda a, m=m: ((a,), {"mode": m}) for m in ("reduced", "complete", "r", "raw")],
    "linalg.svd": [lambda a: ((a,), {"full_matrices": False}), lambda a: ((a,), {"compute_uv": False}),
                   lambda a: ((of_hermitian(a),), {"hermitian": True})],
    "linalg.lstsq": [lambda a: ((a, np.ones(a.shape[0])), {}),
                     lambda a: ((a, np.ones((a.shape[0], 2))), {"rcond": 0.1}),
                     lambda a: ((np.ones((a.shape[0], 2)), a), {})],
    "linalg.solve": [lambda a: ((a, np.ones(a.shape[0])), {}),
                     lambda a: ((a, np.ones((a.shape[0], 2), complex)), {}),
                     lambda a: ((a, np.ones((3, a.shape[0], 2))), {}),
                     lambda a: ((np.eye(a.shape[0]), a), {}), lambda a: ((a, a), {})],
    "linalg.eigh": [lambda a: ((a,), {"UPLO": "U"}), lambda a: ((a,), {"UPLO": "L"})],
    "linalg.eigvalsh": [lambda a: ((a,), {"UPLO": "U"})],
    "linalg.cholesky": [lambda a: ((a,), {"upper": True})],
    "linalg.multi_dot": [lambda a: (([a, like(a).T, a],), {}), lambda a: (([a, a.T],), {})],
    "linalg.tensorinv": [lambda a: ((a,), {"ind": 1})],
    "linalg.tensorsolve": [lambda a: ((a, np.ones(a.shape[0])), {})],
}  # fmt: skip

#: Callables of NumPy that do not take arrays, or do more than return: what they have in common.
NOT_OF_ARRAYS = {
    *(
        "test",
        "fft.test",
        "linalg.test",
        "info",
        "show_config",
        "show_runtime",
        "get_include",
    ),  # print, or test NumPy
    *("seterr", "seterrcall", "setbufsize", "set_printoptions", "printoptions", "errstate"),
    *("geterr", "geterrcall", "getbufsize", "get_printoptions"),  # settings
    *("fromfile", "fromregex", "genfromtxt", "load", "loadtxt", "memmap"),  # files
}

#: Why a function never returns for an operator, where it does for an array.
REFUSED = {
    **dict.fromkeys(("clongdouble", "complex256", "object_"), "not computed with (API)"),
    **dict.fromkeys(("from_dlpack", "frombuffer", "isfortran"), "operators have no memory"),
    "put_along_axis": "operators are immutable",
}
#: Why the result of a function is another one.
EXEMPT = {
    "bmat": "asks for an instance of ndarray, and returns None otherwise",
    "bytes_": "the text of an operator is a formula",
    "str_": "the text of an operator is a formula",
    **dict.fromkeys(("finfo", "iinfo"), "any object with a dtype serves for one"),
    **dict.fromkeys(("vectorize", "frompyfunc"), "operators are callable, arrays are not"),
    **dict.fromkeys(("shares_memory", "may_share_memory"), "operators have no memory to share"),
}
#: Functions whose result is of memory that no one has written to.
UNINITIALISED = {"empty", "empty_like", "ndarray", "recarray"}

FUNCTIONS = {
    name: f
    for name, f in (public(np) | public(np.linalg, "linalg.") | public(np.fft, "fft.")).items()
    if name not in NOT_OF_ARRAYS
    and not (isinstance(f, type) and issubclass(f, (Exception, Warning)))
}


@functools.cache
def tolerance_for(operand):
    """What rounding may do: functions of the inverse lose digits by the condition number."""
    array = DENSE[operand]
    steps, square = 1e3, array.shape[0] == array.shape[1] and array.size > 0
    if square and np.isfinite(array).all():
        steps *= min(max(np.linalg.cond(array.astype(complex)) ** 2, 1), 1e9)
    finite = np.abs(array[np.isfinite(array)].astype(complex))
    # entries are summed from terms of this size, and may cancel
    scale, eps = 1e-3 * float(finite.max(initial=0)), oracle.epsilon(array)
    return Tolerance(steps, scale, eps, dtype=operand not in NEUTRAL)


compared: Counter[str] = Counter()
called: Counter[str] = Counter()


def brief(x):
    return " ".join(repr(x).split())[:160]


def contents(x):
    return x.getvalue() if isinstance(x, (io.BytesIO, io.StringIO)) else np.asarray(x).tobytes()


def check(name, f, recipe, operand, found):
    """One call on the operator and on its array; the difference, if any, joins `found`."""
    op, dense = OPERANDS[operand][0], DENSE[operand].copy()
    made = outcome(recipe, dense)
    if made.error:  # the arguments cannot be made for such an operand
        return
    args, kwargs = made.value
    lazy_args, lazy_kwargs = recipe(op)
    theirs = outcome(f, *args, **kwargs)
    ours = outcome(f, *lazy_args, **lazy_kwargs)
    tolerance = tolerance_for(operand)._replace(values=name not in UNINITIALISED)
    text = None
    if lazy_args and lazy_args[0] is op:
        text = same_decomposition(name, ours, theirs, DENSE[operand], tolerance)
    if text is None:
        text = difference(ours, theirs, tolerance)
    written = dense.tobytes() != DENSE[operand].tobytes()
    if written and ours.error is None and name not in IN_PLACE:
        text = text or "wrote to the array, and seemed to write to the operator"
    called[name] += theirs.error is None
    if not text and ours.error is None and theirs.error is None:
        compared[name] += 1
        mine, other = (*lazy_args, *lazy_kwargs.values()), (*args, *kwargs.values())
        for x, y in zip(mine, other, strict=True):
            if isinstance(y, np.ndarray) and y.dtype != object and isinstance(x, np.ndarray):
                text = text or difference(outcome(lambda x=x: x), outcome(lambda y=y: y), tolerance)
            elif isinstance(y, (io.BytesIO, io.StringIO)) and contents(x) != contents(y):
                text = "another file"
    if text:
        found.append(f"{name}, {operand}, {brief(lazy_args)} {brief(lazy_kwargs)}: {text}")


def check_all(name, f, recipes):
    if name in EXEMPT:
        pytest.skip(EXEMPT[name])
    found = []
    for operand in OPERANDS:
        for recipe in recipes:
            check(name, f, recipe, operand, found)
    assert not found, f"{len(found)} differences: " + "\n".join(found[:8])
    if called[name] and not compared[name]:
        assert name in REFUSED, "always an error, unlike NumPy's"


def recipes_for(name, f):
    recipes = [*UNARY, *RECIPES.get(name, [])]
    if name not in UNARY_ONLY:
        recipes += BINARY
    if not isinstance(f, np.ufunc) and not name.endswith("_like") and name != "clip":
        recipes += MASKED
    return recipes


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    check_all(name, FUNCTIONS[name], recipes_for(name, FUNCTIONS[name]))


# --- ufuncs ---------------------------------------------------------------------------------------

UFUNCS = {name: f for name, f in FUNCTIONS.items() if isinstance(f, np.ufunc)}
REDUCING = ["reduce", "accumulate", "reduceat", "outer", "at"]
UFUNC_RECIPES = {
    "reduce": [
        *UNARY,
        lambda a: ((a, 1), {}),
        lambda a: ((a,), {"axis": None, "initial": 2}),
        lambda a: ((like(a),), {"out": a[0]}),
    ],
    "accumulate": [
        lambda a: ((a,), {}),
        lambda a: ((a, 1), {}),
        lambda a: ((like(a),), {"out": a}),
    ],
    "reduceat": [lambda a: ((a, [0, 1]), {}), lambda a: ((a, [0]), {"axis": 1})],
    "outer": [
        lambda a: ((a, [1, 2]), {}),
        lambda a: (([1.5, 2], a), {}),
        lambda a: ((a, a), {}),
        lambda a: ((a, 2), {}),
    ],
    "at": [
        lambda a: ((a, (0, 0)), {}),
        lambda a: ((a, (0, 0), 1), {}),
        lambda a: ((like(a), ([0], [0]), a[0, 0]), {}),
        lambda a: ((like(a), slice(None), a), {}),
    ],
}


@pytest.mark.parametrize("method", REDUCING)
@pytest.mark.parametrize("name", UFUNCS)
def test_methods_of_ufuncs(name, method):
    f = getattr(UFUNCS[name], method)
    check_all(f"{name}.{method}", f, UFUNC_RECIPES[method])


# --- methods and attributes of arrays -------------------------------------------------------------

ATTRIBUTES = [name for name in dir(np.ndarray) if not name.startswith("_")]
METHOD_RECIPES = {
    "argpartition": [lambda a: ((a, 0), {})],
    "astype": [
        lambda a: ((a, np.float32), {"copy": False}),
        lambda a: ((a, np.float32), {"casting": "safe"}),
        lambda a: ((a, complex, "F", "same_kind", True, False), {}),
    ],
    "byteswap": [lambda a: ((a, True), {}), lambda a: ((a,), {"inplace": True})],
    "choose": [lambda a: ((a, [like(a), a]), {})],
    "dot": [lambda a: ((a, np.ones(a.shape[1], a.dtype), np.empty(a.shape[0], a.dtype)), {})],
    "getfield": [lambda a: ((a, np.int8), {}), lambda a: ((a, np.int8, 1), {})],
    "item": [lambda a: ((a, 0, 1), {}), lambda a: ((a, (1, 0)), {}), lambda a: ((a, 3), {})],
    "reshape": [lambda a: ((a, -1, 1), {}), lambda a: ((a, (1, -1)), {"copy": False})],
    "setfield": [lambda a: ((a, 1, np.int8), {})],
    "setflags": [lambda a: ((a,), {"write": False})],
    "searchsorted": [lambda a: ((a, 1), {})],
    "sort": [lambda a: ((a,), {"kind": "stable"})],
    "tofile": [lambda a: ((a, io.BytesIO()), {})],
    "transpose": [lambda a: ((a, 1, 0), {}), lambda a: ((a, 0, 1), {}), lambda a: ((a, 1), {})],
    "view": [lambda a: ((a, np.int8), {}), lambda a: ((a, np.matrix), {})],
}
REFUSED |= {
    **dict.fromkeys(
        ("ndarray.base", "ndarray.ctypes", "ndarray.data", "ndarray.flags", "ndarray.strides"),
        "operators have no memory",
    ),
    **dict.fromkeys(
        ("ndarray.device", "ndarray.to_device"), "operators are not of the array API standard"
    ),
    **dict.fromkeys(
        (
            f"ndarray.{name}"
            for name in ("fill", "resize", "setfield", "setflags", "sort", "partition")
        ),
        "operators are immutable",
    ),
}


REFUSED |= {f"{name}.at": "operators are immutable" for name, f in UFUNCS.items() if f.nin == 1}


def attribute(name):
    if not callable(getattr(np.ndarray, name)):
        return lambda a: getattr(a, name)
    return lambda a, *args, **kwargs: getattr(a, name)(*args, **kwargs)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_methods_and_attributes_of_arrays(name):
    if f"ndarray.{name}" in REFUSED and not hasattr(LinearOperator, name):
        pytest.skip(REFUSED[f"ndarray.{name}"])
    recipes = recipes_for(name, attribute(name)) + METHOD_RECIPES.get(name, [])
    check_all(f"ndarray.{name}", attribute(name), recipes)


# --- operators and builtins -----------------------------------------------------------------------

OPERATORS = {
    name: f for name, f in public(operator, "operator.").items() if not isinstance(f, type)
}
#: ``op += x`` makes a new operator, as it does for other immutable objects.
IN_PLACE = {
    f"operator.i{name}" for name in dir(operator) if f"i{name.removesuffix('_')}" in dir(operator)
} | {"operator.iand", "operator.ior"}
OPERATOR_RECIPES = {
    "operator.getitem": [lambda a, k=k: ((a, k), {}) for k in (
        0, -1, (0, 1), slice(1, 3), (slice(None), 0), ..., None, [0, 1], ([0, 1], [1, 0]), (0, ...),
        (slice(None, None, -2), slice(1, None)), True, 1.0, "x", (0, 0, 0), 99, (), np.array([], int))],
    "operator.setitem": [lambda a: ((a, 0, 1), {}), lambda a: ((np.ones(a.shape), 0, a[0]), {}),
                         lambda a: ((np.ones((2, *a.shape)), 0, a), {})],
    "operator.pow": [lambda a, k=k: ((a, k), {}) for k in (0, 1, 3, 0.5, -1, 2.0, np.int8(2))],
    "operator.matmul": RECIPES["matmul"][2:5],
    "operator.index": [], "operator.contains": [lambda a: ((a, a[0, 0]), {}), lambda a: ((a, 77), {})],
    "operator.length_hint": [],
}  # fmt: skip
BUILTINS = {
    f"builtins.{f.__name__}": f
    for f in (abs, bool, complex, divmod, float, format, hash, int, iter, len, list, max, min, pow)
} | {f"builtins.{f.__name__}": f for f in (reversed, round, set, sorted, sum, tuple, zip)}
EXEMPT |= {
    "operator.call": "operators are callable, arrays are not",
    "builtins.format": "the text of an operator is a formula",
} | dict.fromkeys(
    ("operator.concat", "operator.iconcat"), "Python takes + for it in classes with __getitem__"
)
REFUSED |= {"operator.delitem": "operators are immutable"}


@pytest.mark.parametrize("name", OPERATORS | BUILTINS)
def test_operators_and_builtins(name):
    f = (OPERATORS | BUILTINS)[name]
    binary = [] if name in UNARY_ONLY else BINARY
    check_all(name, f, [*UNARY[:2], *binary, *OPERATOR_RECIPES.get(name, [])])
