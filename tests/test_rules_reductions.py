"""Derivatives of sums, products, extrema and functions along axes, against JAX."""

import numpy as np
import pytest

import oracle
import otimes as ox
from derivatives import by_jax, error_against, error_against_jax

rng = np.random.default_rng(32)
A, T = rng.standard_normal((3, 4)), rng.standard_normal((2, 3, 2))
ZEROS = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [1.0, 2.0, 3.0]])
TIES = np.array([[2.0, 2.0, 1.0], [0.0, 1.0, 1.0], [0.0, 3.0, -1.0]])
u, v = rng.standard_normal(5), rng.standard_normal(3)
WEIGHTS = np.array([1.0, 2.0, 4.0])

REDUCTIONS = ["sum", "mean", "prod", "var", "std", "max", "min", "amax", "amin", "ptp", "median"]


def reduction(name, **options):
    return lambda xp, x: getattr(xp, name)(x, **options)


#: name -> (function, its arguments)
CASES = {
    **{
        f"{name} {options} of {x.shape}": (reduction(name, **options), (x,))
        for name in REDUCTIONS
        for x, options in [
            (A, {}),
            (A, {"axis": 0}),
            (A, {"axis": -1, "keepdims": True}),
            (T, {"axis": (0, -1)}),
            (v, {"keepdims": True}),
        ]
        # the median of an even number is that of two: JAX's sums are of another order
    },
    **{
        f"{name} {options}": (reduction(name, **options), (A,))
        for name in ("var", "std")
        for options in ({"ddof": 1}, {"axis": 1, "ddof": 2}, {"correction": 1, "axis": 0})
    },
    **{
        f"{name} along {axis} of {x.shape}": (reduction(name, axis=axis), (x,))
        for name in ("cumsum", "cumprod")
        for x, axis in ((A, None), (A, 0), (T, 1), (T, -1), (ZEROS, 1), (ZEROS, 0))
    },
    **{
        f"prod with zeros {axis}": (reduction("prod", axis=axis), (ZEROS,)) for axis in (None, 0, 1)
    },
    **{
        f"{name} of equals {axis}": (reduction(name, axis=axis), (TIES,))
        for name in ("max", "min", "ptp")
        for axis in (None, 0, 1)
    },
    "average": (lambda xp, x: xp.average(x, axis=1), (A,)),
    "average of rows": (lambda xp, x, w: xp.average(x, 0, w), (A, WEIGHTS)),
    "average of all": (lambda xp, x, w: xp.average(x, None, w), (A, np.abs(A))),
    "diff": (lambda xp, x: xp.diff(x), (A,)),
    "third diff": (lambda xp, x: xp.diff(x, 3, 1), (A,)),
    "diff along the middle": (lambda xp, x: xp.diff(x, axis=1), (T,)),
    **{
        f"{name} {mode} {a.size} {b.size}": (
            lambda xp, x, y, name=name, mode=mode: getattr(xp, name)(x, y, mode),
            (a, b),
        )
        for name in ("convolve", "correlate")
        for mode in ("full", "same", "valid")
        for a, b in ((u, v), (v, u))
    },
    **{f"sort along {axis}": (reduction("sort", axis=axis), (A,)) for axis in (None, 0, -1)},
    "sum of a number": (lambda xp, x: xp.sum(x), (np.array(2.0),)),
    "max of one": (lambda xp, x: xp.max(x), (np.array([[2.0]]),)),
    **{
        f"{name}, complex": (
            lambda xp, x, name=name: getattr(xp, name)(xp.exp(1j * x) * x, axis=0), (A,),
        )
        for name in ("var", "std")
    },
    "logsumexp": (lambda xp, x: xp.log(xp.sum(xp.exp(x - xp.max(x)))) + xp.max(x), (A,)),
}  # fmt: skip


@pytest.fixture(scope="module")
def theirs():
    return by_jax(CASES)


@pytest.mark.parametrize("name", CASES)
def test_against_jax(name, theirs):
    assert error_against_jax(*CASES[name], theirs[name]) < 1e-13


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_average_by_keyword(axis):
    f = lambda x: np.average(x, axis, np.abs(A) if axis is None else np.arange(A.shape[axis]) + 1.0)  # noqa: E731
    np.testing.assert_allclose(ox.jacobian(f, A).toarray(), oracle.jacobian(f, A), atol=1e-10)


def test_medians_of_equal_entries_share():
    assert ox.gradient(np.median, [1.0, 2.0, 2.0, 2.0, 7.0]).tolist() == [0, 1 / 3, 1 / 3, 1 / 3, 0]
    assert ox.gradient(np.median, [1.0, 2.0, 3.0, 7.0]).tolist() == [0, 0.5, 0.5, 0]


def test_deviation_of_equal_entries_is_the_size_of_a_number():
    """0, the smallest of its subgradients; JAX gives nan."""
    assert ox.gradient(np.std, [2.0, 2.0, 2.0]).tolist() == [0, 0, 0]
    f = lambda xp, x: xp.std(x, axis=0)  # noqa: E731
    x = np.array([[1.0, 5.0], [1.0, 7.0]])
    expected = np.array([[0, 0, 0, 0], [0, 0, -0.5, 0.5]])
    assert error_against(f, expected, x) < 1e-15


def test_a_running_sum_of_a_million():
    n = 10**6
    J = ox.jacobian(np.cumsum, np.ones(n))
    np.testing.assert_array_equal(J @ np.ones(n), np.arange(1.0, n + 1))
    np.testing.assert_array_equal(J.T @ np.ones(n), np.arange(n, 0.0, -1))


def test_float32_stays_float32():
    x = A.astype(np.float32)
    for name in REDUCTIONS:
        assert ox.jacobian(getattr(np, name), x).dtype == np.float32, name
    for f in (np.cumsum, np.cumprod, lambda x: np.cumprod(x * 0)):
        assert ox.jacobian(f, x).dtype == np.float32


def test_complex_sums_and_products():
    z = A + 1j * A[::-1]
    J = ox.jacobian(lambda x: np.prod(x, axis=1) + np.sum(x, axis=1) + np.mean(x), z)
    f = lambda x: np.prod(x + 1j * z.imag, axis=1) + np.sum(x, axis=1) + np.mean(x)  # noqa: E731
    assert np.abs(J.toarray() - oracle.jacobian(f, z.real)).max() < 1e-10


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (np.max, "np.max of a complex array at .*test_rules"),
        (np.std, "part of a complex variable"),
        (np.median, "np.median of a complex array"),
        (np.nansum, "numpy.nansum at .* cannot be traced"),
        (lambda x: np.sum(x, where=A > 0), "numpy.sum with where at .* are axis, keepdims"),
        (lambda x: np.exp(x, where=A > 0), "numpy.exp with where at .* its options that can"),
        (lambda x: np.interp(x, v, v), "numpy.interp at .* cannot be traced"),
    ],
)
def test_what_is_refused(f, text):
    with pytest.raises(NotImplementedError, match=text):
        ox.jacobian(f, A + 1j)
