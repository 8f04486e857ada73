"""Code written for np.kron(A, B) goes on working, and never differs.

Every function of NumPy, found by introspection, is called on operators and on the dense arrays
that they stand for: the outcomes are equal, or the operator's is an error.
"""

import functools
import io
import operator
from collections import Counter

import numpy as np
import pytest

import oracle
import otimes as ox
from differential import Tolerance, difference, outcome, public, same_decomposition
from otimes._operator import LinearOperator
from otimes._registry import registry
from otimes._structures import LowRank
from recipes import (
    BINARY,
    MASKED,
    METHOD_RECIPES,
    NO_DEFAULT,
    OPERATOR_RECIPES,
    RECIPES,
    UFUNC_RECIPES,
    UNARY,
    UNARY_ONLY,
)
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
    "sum of terms": (ox.kron(S, R) + ox.kron(S.T, R @ R), np.kron(S, R) + np.kron(S.T, R @ R)),
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
#: Operands for functions that are given the dense array anyway.
FEW = (
    *("square", "rectangular", "hermitian", "int64", "int8 that wraps", "bool", "float32"),
    *("empty", "no rows", "one", "not finite", "sum of terms", "commutation", "low rank"),
)
#: Operators that only move entries keep the dtype of what they are multiplied with (API).
NEUTRAL = {"commutation", "identity"}


@pytest.mark.parametrize("name", OPERANDS)
def test_operands_are_what_they_stand_for(name):
    op, dense = OPERANDS[name]
    oracle.assert_close(op.toarray(), dense, steps=1e3, data=(dense,))
    assert op.dtype == dense.dtype


# --- functions -----------------------------------------------------------------------------------

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
_OF_SOME_VERSIONS = {
    *("complex256", "fromstring", "operator.call"),
    *(f"ndarray.{name}" for name in ("device", "to_device")),
    *(f"ndarray.{name}" for name in ("itemset", "newbyteorder", "ptp", "tostring")),
}
REFUSED = {
    **dict.fromkeys(("clongdouble", "complex256", "object_"), "not computed with (API)"),
    **dict.fromkeys(
        ("from_dlpack", "frombuffer", "fromstring", "isfortran"), "operators have no memory"
    ),
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
    if f is np.linalg.cond and theirs.error is None:
        theirs = theirs._replace(value=theirs.value.real)  # NumPy 2.0: complex of complex matrices
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


def check_all(name, f, recipes, operands=tuple(OPERANDS)):
    if name in EXEMPT:
        pytest.skip(EXEMPT[name])
    found = []
    for operand in operands:
        for recipe in recipes:
            check(name, f, recipe, operand, found)
    assert not found, f"{len(found)} differences: " + "\n".join(found[:8])
    if called[name] and not compared[name]:
        assert name in REFUSED, "always an error, unlike NumPy's"


def recipes_for(name, f):
    if name in NO_DEFAULT:
        return RECIPES[name]
    recipes = [*UNARY, *RECIPES.get(name, [])]
    if name not in UNARY_ONLY:
        recipes += BINARY
    if not isinstance(f, np.ufunc) and not name.endswith("_like") and name != "clip":
        recipes += MASKED
    return recipes


@pytest.fixture(autouse=True)
def in_a_directory_of_its_own(tmp_path, monkeypatch):
    """Some functions take a text for the name of a file."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    f = FUNCTIONS[name]
    check_all(name, f, recipes_for(name, f), OPERANDS if f in registry.functions else FEW)


def test_the_enumeration_is_whole():
    assert len(FUNCTIONS) > 350
    assert {"linalg.svd", "fft.fft", "einsum", "matmul", "where"} <= set(FUNCTIONS)
    assert set(REFUSED) | set(EXEMPT) < {
        *FUNCTIONS,
        *OPERATORS,
        *BUILTINS,
        *(f"ndarray.{name}" for name in ATTRIBUTES),
        *(f"{name}.at" for name in UFUNCS),
        *_OF_SOME_VERSIONS,
    }
    missing = {f for f in registry.functions if f not in FUNCTIONS.values()} - {ox.expm}
    assert not missing


# --- ufuncs ---------------------------------------------------------------------------------------

UFUNCS = {name: f for name, f in FUNCTIONS.items() if isinstance(f, np.ufunc)}
REDUCING = ["reduce", "accumulate", "reduceat", "outer", "at"]


@pytest.mark.parametrize("method", REDUCING)
@pytest.mark.parametrize("name", UFUNCS)
def test_methods_of_ufuncs(name, method):
    f = getattr(UFUNCS[name], method)
    check_all(f"{name}.{method}", f, UFUNC_RECIPES[method], FEW)


# --- methods and attributes of arrays -------------------------------------------------------------

ATTRIBUTES = [name for name in dir(np.ndarray) if not name.startswith("_")]
REFUSED |= {
    **dict.fromkeys(
        ("ndarray.base", "ndarray.ctypes", "ndarray.data", "ndarray.flags", "ndarray.strides"),
        "operators have no memory",
    ),
    **dict.fromkeys(
        ("ndarray.device", "ndarray.to_device"), "operators are not of the array API standard"
    ),
    **dict.fromkeys(
        (f"ndarray.{name}" for name in ("itemset", "newbyteorder", "ptp", "tostring")),
        "removed from NumPy",
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
