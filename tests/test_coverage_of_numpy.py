"""Each function of the coverage list is traced, and no function of NumPy makes a constant."""

import difflib
import functools
import inspect
import operator
import re
import warnings

import numpy as np
import pytest

import otimes as ox
from otimes._traced_arrays import Traced, _signature, rules

rng = np.random.default_rng(41)
X = rng.uniform(0.1, 0.9, (3, 3))
S = rng.standard_normal((3, 3))
P = X @ X.T + np.diag([3.0, 6.0, 9.0])

# --- the list ------------------------------------------------------------------------------------

NAMES = """
dot matmul einsum inner outer vdot tensordot kron trace diag diagonal tril triu transpose swapaxes
reshape ravel squeeze expand_dims concatenate stack hstack vstack block split tile repeat roll flip
where maximum minimum clip sum mean prod cumsum var std max min exp expm1 log log1p log2 log10 sqrt
cbrt square sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh absolute
sign hypot reciprocal negative logaddexp power
linalg.inv linalg.solve linalg.det linalg.slogdet linalg.norm linalg.matrix_power linalg.multi_dot
linalg.cholesky linalg.qr linalg.eigh linalg.eigvalsh linalg.svd linalg.svdvals linalg.pinv
linalg.lstsq linalg.eig linalg.eigvals linalg.matrix_norm linalg.vector_norm linalg.cross
fft.fft fft.ifft fft.rfft
""".split()  # noqa: SIM905

#: Where a call by the array alone, or by it and a constant, is not the usual one.
CALLS = {
    "einsum": lambda f, X: f("ij,jk,kl->il", X, S, X), "reshape": lambda f, X: f(X, 9),
    "swapaxes": lambda f, X: f(X, 0, 1), "expand_dims": lambda f, X: f(X, 0),
    "where": lambda f, X: f(S > 0, X, S), "block": lambda f, X: f([[X, S], [S, X]]),
    "split": lambda f, X: tuple(f(X, 3)), "tile": lambda f, X: f(X, 2),
    "repeat": lambda f, X: f(X, 2), "roll": lambda f, X: f(X, 1), "clip": lambda f, X: f(X, 0, 1),
    "arccosh": lambda f, X: f(X + 1), "power": lambda f, X: f(X, 2.5),
    "linalg.slogdet": lambda f, X: f(X)[1], "linalg.matrix_power": lambda f, X: f(X, 3),
    "linalg.multi_dot": lambda f, X: f([X, S, X]), "linalg.cross": lambda f, X: f(X, S),
    "linalg.lstsq": lambda f, X: f(X, S, rcond=None)[0],
    **{name: lambda f, X: f([X, S]) for name in ("concatenate", "stack", "hstack", "vstack")},
    **{
        name: lambda f, X: f(X, S)
        for name in (
            "dot", "matmul", "inner", "outer", "vdot", "tensordot", "kron", "maximum", "minimum",
            "arctan2", "hypot", "logaddexp", "linalg.solve",
        )
    },
    **{
        f"linalg.{name}": lambda f, X: f((X + X.T) / 2)
        for name in ("cholesky", "eigh", "eigvalsh")
    },
}  # fmt: skip
OURS = {
    "expm": ox.expm, "logm": ox.logm, "sqrtm": ox.sqrtm, "vec": ox.vec, "vech": ox.vech,
    "veck": ox.veck, "unvec": lambda X: ox.unvec(X[0][:, None] * X[1:].ravel(), (2, 3)),
    "unvec of a vector": lambda X: ox.unvec(ox.vec(X, "C"), (3, 3)),
    "unvech": lambda X: ox.unvech(X.ravel()[:6]), "unveck": lambda X: ox.unveck(X),
    "vec of a batch": lambda X: ox.vec(X[:, None] * X),
    "kron": lambda X: ox.kron(X, S[:2]), "kron of three": lambda X: ox.kron(S[:1], X, X[:2]),
    "kron with an operator": lambda X: ox.kron(ox.kron(S[:1], S[:2]), X),
    "solve_sylvester": lambda X: ox.solve_sylvester(X, P, S),
    "solve_stein": lambda X: ox.solve_stein(X / 9, X / 8, S),
    "solve_continuous_lyapunov": lambda X: ox.solve_continuous_lyapunov(X, S + S.T),
    "solve_discrete_lyapunov": lambda X: ox.solve_discrete_lyapunov(X / 20, S + S.T),
    "solve_continuous_are": lambda X: ox.solve_continuous_are(X, S, P, P),
    "solve_axb": lambda X: ox.solve_axb(X, P, S), "solve_tsylvester": lambda X:
    ox.solve_tsylvester(X, P, S), "full_like": lambda X: np.full_like(X, X[0]) * X,
    "array methods": lambda X: X.dot(S).T.reshape(-1).cumsum().clip(-9, 9).conj(),
    "operators": lambda X: -(2 - X) ** 2 / (X + 1) + abs(X) @ S + 2**X,
    "indexing": lambda X: X[[0, 2]][:, 1:] * X[S > 0].sum() + X[-1, ..., None][1:],
}  # fmt: skip


def named(name):
    return operator.attrgetter(name)(np)


LIST = {
    **OURS,
    **{name: functools.partial(CALLS.get(name, operator.call), named(name)) for name in NAMES},
}


@pytest.mark.parametrize("name", LIST)
@pytest.mark.filterwarnings("ignore:np.sign at")
def test_functions_of_the_list_are_traced(name):
    f, point = LIST[name], P / 9
    if name.startswith("arc"):
        point = X

    def checked(X):
        result = f(X)
        items = result if isinstance(result, tuple) else (result,)
        assert all(isinstance(x, Traced) for x in items)
        return items

    ox.jacobian(checked, point)
    parts = range(len(ox.linearize(checked, point)[0]))
    for k in parts:
        pick = lambda X: f(X)[k] if len(parts) > 1 else f(X)  # noqa: B023, E731
        if name != "sign":
            assert ox.check_jacobian(pick, point) < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_rules_are_of_the_functions_themselves(name):
    assert named(name) in rules


# --- nothing becomes constant --------------------------------------------------------------------

#: Arrays in which only the shape of the argument counts.
SHAPED = {"empty_like", "ones_like", "zeros_like"}
#: Constants that are so by right, by the form of the call.
ALLOWED = {
    # of several arrays those that are constant
    **dict.fromkeys(
        ("atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays"),
        frozenset({"X, S", "S > 0, X, S", "f, X"}),
    ),
    # S is where the bools are written to
    **dict.fromkeys(
        ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
        frozenset({"S > 0, X, S"}),
    ),
    **dict.fromkeys(("isfinite", "isinf", "isnan"), frozenset({"X, S"})),
    "full_like": {"X, 1", "X, S"},
    "extract": {"X, S"},  # by the condition X
    "real_if_close": {"f, X"},  # by the tolerance X
    "slogdet": {"X"},  # the sign
}
#: Functions that change NumPy's state, read files, or are no functions of arrays.
OTHERS = re.compile(
    r"set\w+|load\w*|save\w*|from\w+|genfromtxt|memmap|print\w+|show_\w+|errstate|info|test"
    r"|get\w+|frompyfunc|ndindex|nditer|nested_iters|finfo|iinfo|ndarray|recarray|vectorize"
)
FORMS = {
    "X": lambda f, X: f(X),
    "X, X": lambda f, X: f(X, X),
    "[X, X]": lambda f, X: f([X, X]),
    "X, 1": lambda f, X: f(X, 1),
    "1, X": lambda f, X: f(1, X),
    "X, S": lambda f, X: f(X, S.copy()),
    "S, 1, X": lambda f, X: f(S, 1, X),
    "S > 0, X, S": lambda f, X: f(S > 0, X, S.copy()),
    "X[0]": lambda f, X: f(X[0]),
    "X[0], X[1]": lambda f, X: f(X[0], X[1]),
    "X[0, 0]": lambda f, X: f(X[0, 0]),
    "X[0], axis": lambda f, X: f(X[0], axis=0),
    "X, fill": lambda f, X: f(X, X[0, 0]),
    "X, axis": lambda f, X: f(X, axis=-1),
    "f, X": lambda f, X: f(np.sin, X),
    "subscripts": lambda f, X: f("ij->j", X),
}
#: Where an argument of that place is not a number: NumPy reads its dtype, or its truth.
NOT_NUMBERS = {"1, X", "S, 1, X"}


def public(module):
    """The functions of a module of NumPy."""
    for name in dir(module):
        f = getattr(module, name)
        is_type = isinstance(f, type)
        if not name.startswith("_") and callable(f) and not OTHERS.fullmatch(name) and not is_type:
            yield name, f


def constants(result):
    """The plain inexact arrays among the results."""
    if isinstance(result, Traced):
        return []
    if isinstance(result, (tuple, list)):
        return [x for item in result for x in constants(item)]
    is_number = isinstance(result, (np.ndarray, np.inexact, float, complex))
    plain = is_number and np.size(result) and np.asarray(result).dtype.kind in "fcO"
    return [result] if plain else []


def outcome(f, form, X):
    """What a call with a traced array gives, None for an error."""
    try:
        return form(f, X)
    except Exception:
        return None


def found_constants():
    """The calls whose results are constant, of all functions with all forms of arguments."""
    found, count = [], {"traced": 0, "calls": 0}

    def run(X):
        for module in (np, np.linalg, np.fft):
            for name, f in public(module):
                for text, form in FORMS.items():
                    result = outcome(f, form, X)
                    count["calls"] += 1
                    count["traced"] += isinstance(result, Traced)
                    reads_no_number = text in NOT_NUMBERS and not isinstance(f, np.ufunc)
                    by_right = name in SHAPED or text in ALLOWED.get(name, ())
                    if constants(result) and not by_right and not reads_no_number:
                        found.append(f"{module.__name__}.{name}({text})")
        return X

    ox.jacobian(run, P)
    return found, count


def test_no_function_of_numpy_makes_a_constant(monkeypatch):
    monkeypatch.setattr(difflib, "get_close_matches", lambda *args, **options: ["…"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, count = found_constants()
    assert found == []
    assert count["calls"] > 5000
    assert count["traced"] > 500


@pytest.mark.parametrize(
    ("by_name", "by_place"),
    [
        (lambda X: ox.vec(a=X), ox.vec),
        (lambda X: ox.vec(order="C", a=X), lambda X: ox.vec(X, "C")),
        (lambda X: ox.vech(a=X), ox.vech),
        (lambda X: ox.veck(a=X), ox.veck),
        (lambda X: ox.unvec(shape=(1, 9), v=X.ravel()), lambda X: ox.unvec(X.ravel(), (1, 9))),
        (lambda X: ox.unvech(v=X[0]), lambda X: ox.unvech(X[0])),
        (lambda X: ox.unveck(v=X[0]), lambda X: ox.unveck(X[0])),
        (lambda X: ox.kron(a=X, b=X), lambda X: ox.kron(X, X)),
        (lambda X: np.take(indices=[2, 0], a=X, axis=1), lambda X: X[:, [2, 0]]),
    ],
)
def test_traced_keywords(by_name, by_place):
    J, K = ox.jacobian(by_name, X), ox.jacobian(by_place, X)
    assert J.out_shape == K.out_shape
    np.testing.assert_array_equal(J.toarray(), K.toarray())


def test_rules_of_functions_without_a_signature():
    """As builtins may be: the options of a rule are then its own."""

    def forward(a, k=0):
        raise AssertionError

    forward.__wrapped__ = max
    with pytest.raises(ValueError, match="no signature"):
        inspect.signature(forward)
    assert list(_signature(forward).parameters) == ["a", "k"]
