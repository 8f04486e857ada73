"""What a user may give to `jacobian` by mistake, or in an unusual form."""

import functools
import math
import pickle
import re

import numpy as np
import pytest

import otimes as ox

rng = np.random.default_rng(77)
X = rng.standard_normal((3, 3))
S = rng.standard_normal((3, 3))
Z = X + 1j * S
HERE = r"test_bad_input\.py:\d+"

# --- what f returns, what it is given ------------------------------------------------------------


@pytest.mark.parametrize("f", [lambda X: S, lambda X: 3, lambda X: X > 0, np.argmax])
def test_no_function_of_its_argument(f):
    with pytest.warns(UserWarning, match="f does not depend on its argument: its Jacobian is zero"):
        J = ox.jacobian(f, X)
    assert J.shape == (np.size(f(X)), 9)
    assert not J.toarray().any()


@pytest.mark.parametrize(
    "result", [None, "text", [1.0], {"a": 1.0}, object(), ox.kron(S, S), np.array([None])]
)
def test_results_that_are_no_arrays(result):
    with pytest.raises(TypeError, match=r"f returned .* must return an array|has dtype object"):
        ox.jacobian(lambda X: result, X)


def test_errors_of_numpy_note_the_line_of_f():
    """Once, and only where neither the text nor the user's own frame has it."""

    def product(X):
        return X @ np.ones((4, 4))

    code = product.__code__
    for f in (product, lambda X: ox.gradient(lambda Y: np.sum(product(Y)), X)):
        with pytest.raises(ValueError, match="size 4 is different from 3") as caught:
            ox.jacobian(f, X)
        assert caught.value.__notes__ == [f"at {code.co_filename}:{code.co_firstlineno + 1}"]
    for f, error in (
        (lambda X: np.linalg.inv(0 * X), np.linalg.LinAlgError),
        (lambda X: X[7], IndexError),
        (lambda X: ox.solve_sylvester(X, X, X[:2]), ValueError),
    ):
        with pytest.raises(error) as caught:
            ox.jvp(f, (X,), (X,))
        assert re.search(HERE, caught.value.__notes__[0])
    for f in (lambda X: np.ones(3) @ np.ones(4), lambda X: np.floor_divide(X, 2), np.linalg.inv):
        with pytest.raises((ValueError, NotImplementedError)) as caught:
            ox.jacobian(f, X[:2])
        assert not hasattr(caught.value, "__notes__")


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="size 4 is different from 3"):
        ox.jacobian(lambda X: X @ np.ones((4, 4)), X)
    with pytest.raises(ValueError, match=r"shapes \(3,3\) \(4,4\)"):
        ox.jacobian(lambda X: X + np.ones((4, 4)), X)


@pytest.mark.parametrize(
    ("point", "text"),
    [
        (X.astype("g"), "argument 0 has dtype float128"),
        (X.astype(object), "argument 0 has dtype object"),
        ("text", "argument 0 has dtype <U4"),
        (None, "argument 0 has dtype object"),
        (np.ma.masked_array(X, X > 0), "argument 0 is a masked array"),
        (X.view(np.matrix), "argument 0 is a numpy.matrix, whose operations need not be"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_points_that_are_refused(point, text):
    with pytest.raises(TypeError, match=text):
        ox.jacobian(lambda X: X * 2, point)


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda X: X * S.astype("g"), "constant has dtype float128"),
        (lambda X: X @ S.astype(object), "constant has dtype object"),
        (lambda X: X * np.ma.masked_array(S, S > 0), "constant is a masked array"),
        (lambda X: X * S.view(np.matrix), "constant is a numpy.matrix"),
        (lambda X: S.view(np.matrix) * X, "constant is a numpy.matrix"),  # of arrays: S @ X
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_constants_that_are_refused(f, text):
    with pytest.raises(TypeError, match=text):
        ox.jacobian(f, X)


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint16", "float16"])
def test_points_of_other_dtypes(dtype):
    point = np.arange(4).reshape(2, 2).astype(dtype)
    expected = ox.jacobian(lambda X: X @ X / 3, point.astype(float)).toarray()
    J = ox.jacobian(lambda X: X @ X / 3, point)
    assert J.dtype == (np.float32 if dtype == "float16" else np.float64)
    np.testing.assert_allclose(J.toarray(), expected, rtol=1e-6 if dtype == "float16" else 1e-15)


# --- what loses the derivative -------------------------------------------------------------------


def _written(write):
    """f(X) = Y after write(Y, X)."""

    def f(X):
        Y = np.zeros((3, 3))
        write(Y, X)
        return Y

    return f


def _changed(write):
    """f(X) = X after write(X)."""

    def f(X):
        write(X)
        return X

    return f


def _set(Y, key, value):
    Y[key] = value


def _add_to(X):
    X += 1


def _multiply_to(X):
    X @= S


LOSSES = {
    "x += 1": _changed(_add_to),
    "x @= S": _changed(_multiply_to),
    "x[0] = 1": _changed(lambda X: _set(X, 0, 1)),
    "x.T[0] = 1": _changed(lambda X: _set(X.T, 0, 1)),
    "x.flat[0] = 1": _changed(lambda X: _set(X.flat, 0, 1)),
    "np.put": _changed(lambda X: np.put(X, [0], 1)),
    "np.copyto into x": _changed(lambda X: np.copyto(X, 1)),
    "np.fill_diagonal of x": _changed(lambda X: np.fill_diagonal(X, 1)),
    "y += x": _written(lambda Y, X: Y.__iadd__(X)),
    "y[0] = x": _written(lambda Y, X: _set(Y, 0, X[0])),
    "y[0, 0] = x": _written(lambda Y, X: _set(Y, (0, 0), X[0, 0])),
    "out= of a ufunc": _written(lambda Y, X: np.add(X, 1, out=Y)),
    "out= of matmul": _written(lambda Y, X: np.matmul(X, X, out=Y)),
    "out= of a function": _written(lambda Y, X: np.sum(X, axis=0, out=Y[0])),
    "out= of a method": _written(lambda Y, X: X.dot(X, out=Y)),
    "out=x of a comparison": lambda X: np.less(S, 1, out=X),
    "np.copyto": _written(np.copyto),
    "np.fill_diagonal": _written(lambda Y, X: np.fill_diagonal(Y, X[0])),
    "np.array": np.array,
    "np.array of entries": lambda X: np.array([X[0, 0], X[1, 1]]),
    "np.asarray": np.asarray,
    "np.vectorize": np.vectorize(lambda x: x * x),
    "float": lambda X: float(X[0, 0]),
    "int": lambda X: int(X[0, 0]),
    "math.sin": lambda X: math.sin(X[0, 0]),
    "item": lambda X: X.item(0),
    "index": lambda X: [1, 2, 3][X[0, 0]],
    "masked": lambda X: np.ma.masked_where(S > 0, X),
}


@pytest.mark.parametrize("f", LOSSES.values(), ids=LOSSES)
def test_losses_point_at_the_line_and_say_what_to_do(f):
    text = f"a traced array at .*{HERE} would lose its derivative.*use otimes.stop_gradient.*np.st"
    with pytest.raises(TypeError, match=text):
        ox.jacobian(f, X)


def test_text_of_a_traced_entry():
    lines = []

    def f(X):
        lines.append(f"{X[0, 0]:.3f} {X[0, 0]}")
        return X

    ox.jacobian(f, X)
    assert lines == [f"{X[0, 0]:.3f} Traced({np.asarray(X[0, 0])!r})"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("expm", "in SciPy's expm; otimes.expm can be traced"),
        ("logm", "in SciPy"),
        ("inv", "in SciPy's inv; numpy.linalg.inv can be traced"),
        ("svdvals", "in SciPy"),
    ],
)
def test_functions_of_scipy(name, text):
    linalg = pytest.importorskip("scipy.linalg")
    with pytest.raises(TypeError, match=rf"at .*{HERE} would lose .*{text}"):
        ox.jacobian(lambda X: getattr(linalg, name)(X), X)
    special = pytest.importorskip("scipy.special")
    with pytest.raises(
        NotImplementedError, match=rf"^the ufunc gamma at .*{HERE} cannot be traced"
    ):
        ox.jacobian(lambda X: special.gamma(X), X)


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda X: np.floor_divide(X, 2), "numpy.floor_divide at"),
        (lambda X: X % 2, "numpy.remainder at"),
        (lambda X: np.add.reduce(X), r"numpy.add \(its method 'reduce'\) at"),
        (lambda X: X.sort(), "numpy.ndarray.sort at"),
        (lambda X: np.apply_along_axis(np.sum, 0, X), "numpy.apply_along_axis at"),
        (lambda X: np.frompyfunc(math.sin, 1, 1)(X), r"the ufunc sin \(vectorized\) at"),
        (lambda X: np.sum(X, dtype=float, axis=0), "numpy.sum with dtype at"),
        (lambda X: np.pad(X, 1, "mean"), "np.pad with mode='mean' at"),
        (lambda X: np.pad(X, 1, mode="mean"), "np.pad with mode='mean' at"),
        (lambda X: np.concatenate([X, S], dtype="f4"), "np.concatenate with dtype at"),
    ],
)
def test_what_cannot_be_traced_is_named_with_its_line(f, text):
    with pytest.raises(NotImplementedError, match=rf"{text} .*{HERE} cannot be traced"):
        ox.jacobian(f, X)


# --- complex variables ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f", [np.conj, np.abs, np.real, np.imag, lambda X: X @ X.conj().T, np.linalg.norm, np.max]
)
def test_functions_that_are_not_analytic(f):
    with pytest.raises(NotImplementedError, match=HERE if f is not np.max else "no complex deriv"):
        ox.jacobian(lambda X: f(X), Z)


# --- kinks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (np.abs, 0.0, 0), (lambda x: np.maximum(x, 0), 0.0, 0.5), (np.linalg.norm, [0.0], 0),
        (lambda x: np.clip(x, 0, 1), 1.0, 0.5), (np.max, [2.0], 1), (np.std, [3.0], 0),
        (lambda x: x**2, 0.0, 0), (lambda x: x**1, 0.0, 1), (np.prod, [0.0], 1),
    ],
)  # fmt: skip
def test_kinks_have_the_documented_slope(f, x, slope):
    assert ox.gradient(f, x).item() == slope


# --- forms of functions --------------------------------------------------------------------------


class Model:
    """A function with parameters, as users write them."""

    def __init__(self):
        self.W = S

    def __call__(self, X):
        return self.W @ X

    def method(self, X):
        return self.W @ X

    @staticmethod
    def static(X):
        return S @ X

    @classmethod
    def of_class(cls, X):
        return S @ X


def of_a_global(X):
    return S @ X


FORMS = {
    "callable": Model(),
    "method": Model().method,
    "static method": Model.static,
    "class method": Model.of_class,
    "partial": functools.partial(lambda W, X: W @ X, S),
    "partial by name": functools.partial(lambda X, W: W @ X, W=S),
    "keyword with default": lambda X, *, W=S: W @ X,
    "variable arguments": lambda *args: S @ args[0],
    "nested": lambda X: of_a_global(X),
    "wrapped": functools.wraps(of_a_global)(lambda *args: of_a_global(*args)),
    "cached": functools.cache(lambda: of_a_global)(),
    "in a list": [lambda X: S @ X][0],
    "returning a partial": (lambda: functools.partial(np.matmul, S))(),
}


@pytest.mark.parametrize("f", FORMS.values(), ids=FORMS)
def test_forms_of_functions(f):
    np.testing.assert_array_equal(ox.jacobian(f, X).toarray(), np.kron(np.eye(3), S))


def test_random_draws_are_made_once():
    """J is that of the f which was run."""
    draws = np.random.default_rng(1)
    J = ox.jacobian(lambda X: draws.standard_normal((3, 3)) @ X, X)
    first = np.random.default_rng(1).standard_normal((3, 3))
    np.testing.assert_array_equal(J.toarray(), np.kron(np.eye(3), first))
    np.testing.assert_allclose(J(X), first @ X, rtol=1e-14, atol=1e-14)


def test_arguments_by_name():
    expected = ox.jacobian(lambda X: np.stack([X, X], 1) + np.append(X, S, 0).sum(), X).toarray()
    J = ox.jacobian(
        lambda X: (
            np.stack(arrays=[X, X], axis=1) + np.append(arr=X, values=S, axis=0).sum(axis=None)
        ),
        X,
    )
    np.testing.assert_array_equal(J.toarray(), expected)
    J = ox.jacobian(lambda X: np.append(S, values=X), X)
    np.testing.assert_array_equal(J.toarray(), ox.jacobian(lambda X: np.append(S, X), X).toarray())


# --- sizes and precisions ------------------------------------------------------------------------


def test_empty_arrays():
    E = np.zeros((0, 3))
    assert ox.jacobian(lambda X: X.T @ X, E).toarray().shape == (9, 0)
    assert ox.jacobian(np.sum, E).toarray().shape == (1, 0)
    assert ox.gradient(lambda X: (X * X).sum(), E).shape == (0, 3)
    assert ox.hessian(lambda X: (X * X).sum(), E).toarray().shape == (0, 0)


@pytest.mark.parametrize("x", [2.0, 2, np.float64(2), np.array(2.0)], ids=type)
def test_numbers(x):
    assert ox.gradient(lambda x: x**3 / 3, x) == 4
    assert ox.jacobian(lambda x: x * S, x).shape == (9, 1)
    assert ox.hessian(lambda x: x**3, x).toarray() == [[12]]


@pytest.mark.parametrize(
    "f",
    [
        lambda X: X / 2, lambda X: 2 / X, lambda X: X / 3.0, lambda X: np.power(2.0, X),
        lambda X: X**2, lambda X: X * (X > 0), lambda X: X * np.int8(3) / np.int16(2),
        lambda X: X / np.array([1, 2, 3], np.int8), lambda X: np.hypot(X, 1.0), ox.vech,
        lambda X: X + np.full_like(X, X[0, 0]), lambda X: np.pi * X.mean(), np.sinc,
    ],
)  # fmt: skip
def test_float32_stays_float32(f):
    single = X.astype(np.float32)
    J = ox.jacobian(f, single)
    cost = lambda X: np.sum(f(X) * f(X))  # noqa: E731
    results = [f(single), J, J.toarray(), J @ np.ones(9, np.float32), ox.gradient(cost, single)]
    results += [J.T @ np.ones(J.shape[0], np.float32), ox.hessian(cost, single)]
    assert {x.dtype for x in results} == {np.dtype(np.float32)}


def test_quotients_by_small_integers_are_of_full_precision():
    J = ox.jacobian(lambda x: x / np.array([3, 7], np.int8), [1.0, 1.0])
    np.testing.assert_array_equal(J.toarray().diagonal(), [1 / 3, 1 / 7])


# --- depth ---------------------------------------------------------------------------------------


def test_ten_thousand_operations():
    """No recursion: neither in sweeps nor in text, structure, derivatives or pickles."""
    W = np.array([[0.6, 0.8], [-0.8, 0.6]])

    def f(x):
        for _ in range(5_000):
            x = np.sin(W @ x)
        return x

    x, expected = y, _ = np.array([0.01, 0.02]), np.eye(2)
    for _ in range(5_000):
        y = W @ y
        y, expected = np.sin(y), np.diag(np.cos(y)) @ W @ expected
    J = ox.jacobian(f, x)
    v = np.ones(2)
    assert len(J.program.steps) >= 10_000
    np.testing.assert_allclose(J @ v, expected @ v, rtol=1e-11)
    np.testing.assert_allclose(J.T @ v, expected.T @ v, rtol=1e-11)
    np.testing.assert_allclose(J.toarray(), expected, rtol=1e-11)
    assert len(str(J)) < 2000
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(J)) @ v, J @ v)
    H = ox.hessian(lambda x: np.sum(f(x)), x)
    np.testing.assert_allclose(H @ v, H.toarray() @ v, rtol=1e-11)
