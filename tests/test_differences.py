"""check_jacobian: small for right derivatives, large for wrong ones."""

import numpy as np
import pytest

import otimes as ox
from functions import CASES, POINT, B
from otimes._differences import _columns, _extrapolated
from otimes._traced_arrays import Traced


@pytest.mark.parametrize("f", CASES.values(), ids=CASES.keys())
def test_every_function(f):
    assert ox.check_jacobian(f, POINT) < 1e-9


def half_as_steep(x):
    if isinstance(x, Traced):
        return Traced(x.value * x.value, x.tangent * x.value)
    return x * x


def test_a_wrong_derivative_shows():
    assert ox.check_jacobian(half_as_steep, B) == pytest.approx(0.5)


def test_branches_and_constants_are_checked_as_they_are():
    assert ox.check_jacobian(lambda A: ox.stop_gradient(A) @ A, B) > 0.1


def test_complex_arguments():
    f = lambda Z: np.linalg.inv(Z) @ Z.T + np.exp(Z)  # noqa: E731
    assert ox.check_jacobian(f, POINT + 1j * B) < 1e-9
    assert ox.check_jacobian(f, (POINT + 1j * B).astype(np.complex64)) < 1e-4


def test_float32_is_compared_with_differences_in_double_precision():
    difference = ox.check_jacobian(lambda A: A @ A @ A, B.astype(np.float32))
    assert 1e-9 < difference < 1e-5


def test_several_arguments():
    f = lambda A, x: A @ np.exp(x)  # noqa: E731
    for wrt in (0, 1, -1, (0, 1)):
        assert ox.check_jacobian(f, B, B[0], wrt=wrt) < 1e-9


def test_scales_of_the_argument():
    # only steps below 1e-6 stay in the domain, and lose 1e-9 of log 300
    assert ox.check_jacobian(np.log, [1e-6, 1.0, 300.0]) < 1e-7
    assert ox.check_jacobian(lambda A: A @ A, 1e100 * B) < 1e-9
    assert ox.check_jacobian(lambda A: A @ A, 1e-100 * B) < 1e-9
    assert ox.check_jacobian(np.exp, 0.0) < 1e-9


def test_numbers_and_empty_arrays():
    assert ox.check_jacobian(lambda t: t**3, 2.0) < 1e-9
    assert ox.check_jacobian(lambda A: 2 * A, np.zeros((0, 3))) == 0
    assert ox.check_jacobian(lambda A: 0 * A, B) == 0


def test_where_f_is_not_finite():
    with pytest.warns(RuntimeWarning, match="divide by zero|invalid value"):
        assert np.isnan(ox.check_jacobian(np.log, [0.0]))


def test_columns_are_sampled_and_always_the_same():
    assert _columns(100).tolist() == list(range(100))
    columns = _columns(10_000)
    assert len(set(columns)) == 100
    assert (columns == _columns(10_000)).all()
    calls = []

    def f(x):
        calls.append(1)
        return np.exp(x)

    assert ox.check_jacobian(f, np.zeros(1000)) < 1e-9
    assert len(calls) <= 1 + 100 * 20


def test_extrapolation_is_exact_for_polynomials():
    slope = lambda h: np.array([3 + 2 * h**2 - h**4])  # noqa: E731
    assert _extrapolated(slope, 1.0)[0] == pytest.approx(3, rel=1e-14)


def test_bad_calls():
    with pytest.raises(ValueError, match="no arguments were given"):
        ox.check_jacobian(np.trace)
    with pytest.raises(ValueError, match="wrt is 1, but f was given 1 arguments"):
        ox.check_jacobian(np.trace, B, wrt=1)
