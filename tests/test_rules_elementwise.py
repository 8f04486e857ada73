"""Derivatives of functions that act entry by entry, against JAX."""

import mpmath
import numpy as np
import pytest

import otimes as ox
from derivatives import by_jax, error_against, error_against_jax

rng = np.random.default_rng(31)
U = rng.uniform(0.1, 0.9, (2, 3))  # in every domain but that of arccosh
X = rng.standard_normal((2, 3))
COLUMN, ROW = rng.standard_normal((2, 1)), rng.standard_normal((1, 3))

ONE = [
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "square", "sin",
    "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arctanh",
    "sinc", "absolute", "fabs", "reciprocal", "negative", "positive", "deg2rad", "rad2deg",
    "degrees", "radians", "real",
]  # fmt: skip
ANALYTIC = [
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "square", "sin", "cos",
    "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arctanh", "arccosh",
    "reciprocal", "negative",
]  # fmt: skip
TWO = [
    "add", "subtract", "multiply", "divide", "power", "float_power", "arctan2", "hypot",
    "logaddexp", "logaddexp2", "maximum", "minimum", "fmax", "fmin",
]  # fmt: skip
#: name -> (function, its arguments)
CASES = {
    **{name: (lambda xp, x, name=name: getattr(xp, name)(x), (U,)) for name in ONE},
    "arccosh": (lambda xp, x: xp.arccosh(x), (1 + U,)),
    **{
        f"{name}, complex": (lambda xp, x, name=name: getattr(xp, name)(x), (U + 0.4j * X,))
        for name in ANALYTIC
    },
    **{
        f"{name}, {shape}": (lambda xp, a, b, name=name: getattr(xp, name)(a, b), args)
        for name in TWO
        for shape, args in {
            "equal shapes": (U, 1 + U[::-1]),
            "column and row": (np.abs(COLUMN), np.abs(ROW)),
            "number and array": (np.array(0.7), U),
            "array and number": (U, np.array(0.7)),
            "entry and array": (np.array([[0.7]]), U),
            "vector and matrix": (U[0], U + 1),
        }.items()
    },
    "power by 0": (lambda xp, x: x**0, (X,)),
    "power by -2": (lambda xp, x: x**-2, (X,)),
    "power by 3 at 0": (lambda xp, x: x**3, (np.array([0.0, -1.0, 2.0]),)),
    "power of powers": (lambda xp, x: x ** np.array([1.0, 2.0, 0.5]), (U,)),
    "maximum of equals": (lambda xp, a, b: xp.maximum(a, b), (X, X.copy())),
    "minimum of equals": (lambda xp, a, b: xp.minimum(a, b), (X, X.copy())),
    "clip": (lambda xp, x: xp.clip(x, -0.5, 0.5), (X,)),
    "clip at the bounds": (lambda xp, x: xp.clip(x, -0.5, 0.5), (np.array([-0.5, 0.1, 0.5, 3]),)),
    "clip from below": (lambda xp, x: xp.clip(x, -0.5, None), (X,)),
    "clip by bounds": (lambda xp, x, a, b: xp.clip(x, a, b), (X, COLUMN - 1, ROW + 1)),
    "hypot at the origin of one": (lambda xp, a, b: xp.hypot(a, b), (np.zeros(2), np.ones(2))),
    "logaddexp of large numbers": (
        lambda xp, a, b: xp.logaddexp(a, b),
        (np.array([1000.0, -1000.0]), np.array([999.0, 3.0])),
    ),
    "absolute, of complex": (lambda xp, x: xp.absolute(x + 2j * x**2), (X,)),
    "angle, of complex": (lambda xp, x: xp.angle(x + 2j * x**2), (X,)),
    "copysign": (lambda xp, a: xp.copysign(a, ROW), (X,)),
}


@pytest.fixture(scope="module")
def theirs():
    return by_jax(CASES)


@pytest.mark.parametrize("name", CASES)
def test_against_jax(name, theirs):
    assert error_against_jax(*CASES[name], theirs[name]) < 1e-13


@pytest.mark.parametrize("x", [0.0, 1e-9, -1e-4, 0.3183, 0.3184, 1.0, -2.5])
def test_sinc(x):
    with mpmath.workdps(50):
        expected = float(mpmath.diff(lambda t: mpmath.sincpi(t), x))
    assert ox.gradient(np.sinc, x) == pytest.approx(expected, rel=1e-14, abs=1e-300)


def test_absolute_value_has_derivative_0_at_0():
    """The mean of both sides; JAX takes that of the right one."""
    assert ox.gradient(lambda x: np.sum(np.absolute(x)), [-1.0, 0.0, 2.0]).tolist() == [-1, 0, 1]


@pytest.mark.parametrize("name", ["sign", "floor", "ceil", "trunc", "rint"])
def test_steps_have_derivative_zero_and_say_so(name):
    with pytest.warns(UserWarning, match=rf"np.{name} at .*test_rules.* constant between jumps"):
        assert not ox.gradient(lambda x: np.sum(getattr(np, name)(x)), X).any()


def test_heaviside():
    with pytest.warns(UserWarning, match=r"np.heaviside at .* constant between jumps"):
        J = ox.jacobian(lambda h: np.heaviside(np.array([[-1.0], [0.0], [1.0]]), h), ROW)
    expected = np.kron(np.eye(3), [[0], [1], [0]])
    np.testing.assert_array_equal(J.toarray(), expected)
    with pytest.warns(UserWarning, match="heaviside"):
        assert not ox.jacobian(lambda x: np.heaviside(x, ROW), X).toarray().any()


def test_copysign_ignores_the_size_of_the_second():
    J = ox.jacobian(lambda b: np.copysign(X, b), ROW)
    assert J.shape == (6, 3)
    assert not J.toarray().any()


def test_parts_of_real_arrays():
    f = lambda x: np.real(x) + np.imag(x) * 5 + np.angle(x)  # noqa: E731
    np.testing.assert_array_equal(ox.jacobian(f, X).toarray(), np.eye(6))


def test_hypot_at_the_origin_is_the_size_of_a_number():
    """The smallest of its subgradients, as for |x|; JAX gives nan."""
    f = lambda xp, a, b: xp.hypot(a, b)  # noqa: E731
    assert error_against(f, np.zeros((1, 1)), np.zeros(1), np.zeros(1)) == 0


def test_float32_stays_float32():
    x = U.astype(np.float32)
    for name in ONE:
        J = ox.jacobian(getattr(np, name), x)
        assert J.dtype == np.float32, name
        assert (J @ np.ones(6, np.float32)).dtype == np.float32, name
    for name in TWO:
        if name not in ("float_power", "divide"):
            assert ox.jacobian(lambda a: getattr(np, name)(a, 2), x).dtype == np.float32, name  # noqa: B023
    assert ox.jacobian(lambda a: a**3, x).dtype == np.float32


@pytest.mark.parametrize("extreme", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_equal_entries_share_the_derivative(extreme):
    for J in ox.jacobian(extreme, X, X.copy(), wrt=(0, 1)):
        np.testing.assert_array_equal(J.toarray(), 0.5 * np.eye(6))


@pytest.mark.parametrize(
    ("f", "error", "text"),
    [
        (np.absolute, NotImplementedError, r"part of a complex variable at .*test_rules"),
        (np.sign, NotImplementedError, "np.sign of a complex array"),
        (lambda x: np.maximum(x, 1), NotImplementedError, "np.maximum of a complex array"),
        (np.imag, NotImplementedError, "part of a complex variable .* no complex derivative"),
        (np.angle, NotImplementedError, "part of a complex variable"),
        (np.nan_to_num, NotImplementedError, "numpy.nan_to_num at .* cannot be traced"),
        (np.modf, NotImplementedError, "numpy.modf at .* cannot be traced"),
    ],
)
def test_what_is_refused(f, error, text):
    with pytest.raises(error, match=text):
        ox.jacobian(f, X + 1j)


def test_arctan2_at_the_origin():
    with pytest.raises(ValueError, match=r"np.arctan2 at .* has no derivative at \(0, 0\)"):
        ox.jacobian(lambda x: np.arctan2(x, 0.0), np.zeros(2))
