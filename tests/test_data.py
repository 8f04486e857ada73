"""The Boeing 747 in tests/data: a Lyapunov equation of the real world."""

import itertools
from pathlib import Path

import numpy as np
import pytest

import otimes as ox
from otimes.__main__ import read_matrix

FOLDER = Path(__file__).parent / "data" / "boeing747"
A = np.array(
    [
        [-0.0558, -0.9968, 0.0802, 0.0415],
        [0.598, -0.115, -0.0318, 0],
        [-3.05, 0.388, -0.465, 0],
        [0, 0.0805, 1, 0],
    ]
)
B = np.array([[0.00729, 0], [-0.475, 0.00775], [0.153, 0.143], [0, 0]])
EPS = np.finfo(float).eps


@pytest.fixture(scope="module")
def gramian():
    return ox.solve_sylvester(A, A.T, -B @ B.T, return_info=True)


@pytest.mark.parametrize(
    ("name", "expected"), [("A.csv", A), ("A.mtx", A), ("AT.csv", A.T), ("B.csv", B), ("B.mtx", B)]
)
def test_files_hold_the_published_model(name, expected):
    if name.endswith(".mtx"):
        pytest.importorskip("scipy.io")
    np.testing.assert_array_equal(read_matrix(FOLDER / name), expected)


def test_right_hand_side_file_is_exact_before_rounding():
    q = read_matrix(FOLDER / "Q.csv")
    np.testing.assert_allclose(q, -B @ B.T, rtol=4 * EPS, atol=0)
    np.testing.assert_array_equal(q, q.T)


def test_aircraft_is_stable():
    eigenvalues = np.linalg.eigvals(A)
    assert (eigenvalues.real < 0).all()
    # Dutch roll, and the slow spiral and the roll subsidence, as published: rad/s.
    real = np.sort(eigenvalues[eigenvalues.imag == 0].real)
    np.testing.assert_allclose(real, [-0.5627, -0.00728], rtol=1e-3)
    np.testing.assert_allclose(eigenvalues[eigenvalues.imag > 0], [-0.0329 + 0.9467j], rtol=1e-3)


def test_gramian_solves_its_equation(gramian):
    w, info = gramian
    scale = 2 * np.linalg.norm(A) * np.linalg.norm(w) + np.linalg.norm(B @ B.T)
    assert np.linalg.norm(A @ w + w @ A.T + B @ B.T) <= 16 * EPS * scale
    assert info.residual <= 16 * EPS
    assert info.scale == 1


def test_rcond_is_that_of_the_kronecker_matrix(gramian):
    sigma = np.linalg.svd(ox.kronecker_sum(A, A).toarray(), compute_uv=False)
    assert 0.1 <= gramian[1].rcond / (sigma[-1] / sigma[0]) <= 10


def test_gramian_is_symmetric_positive_definite(gramian):
    w, info = gramian
    error = 16 * EPS / info.rcond * np.linalg.norm(w)
    assert np.linalg.norm(w - w.T) <= error
    assert np.linalg.eigvalsh((w + w.T) / 2)[0] > error  # positive beyond any rounding


def test_gramian_agrees_with_scipy(gramian):
    linalg = pytest.importorskip("scipy.linalg")
    w, info = gramian
    expected = linalg.solve_continuous_lyapunov(A, -B @ B.T)
    np.testing.assert_allclose(w, expected, rtol=0, atol=16 * EPS / info.rcond * np.abs(w).max())


def test_gramian_is_the_integral_of_the_impulse_response(gramian):
    """W = ∫₀^∞ exp(At) B Bᵀ exp(Aᵀt) dt, by Simpson's rule on [0, h] and exact doubling."""
    linalg = pytest.importorskip("scipy.linalg")
    w, info = gramian
    h = 0.25
    responses = [linalg.expm(A * t) @ B for t in np.linspace(0, h, 513)]
    squares = np.array([r @ r.T for r in responses])
    weights = np.array([1, *itertools.islice(itertools.cycle([4, 2]), 511), 1]) * h / 512 / 3
    integral = np.tensordot(weights, squares, 1)
    step = linalg.expm(A * h)  # ∫₀^2h = ∫₀^h + exp(Ah) ∫₀^h exp(Aᵀh)
    for _ in range(16):  # up to h 2¹⁶ s: the slowest mode has decayed by exp(-119)
        integral = integral + step @ integral @ step.T
        step = step @ step
    # Simpson's error at this step is below 1e-12, roundings are as for every solution.
    np.testing.assert_allclose(w, integral, rtol=0, atol=1e-11 * np.abs(w).max())
    assert info.rcond > 1e-5


def test_drivers_of_the_solvers_agree(gramian):
    w, info = gramian
    atol = 16 * EPS / info.rcond * np.abs(w).max()
    by_function = ox.solve(lambda W: A @ W + W @ A.T, -B @ B.T)
    by_factor = ox.sylvester_factor(A, A.T).solve(-B @ B.T)
    by_operator = ox.kronecker_sum(A, A).solve(ox.vec(-B @ B.T))
    for other in (by_function, by_factor, ox.unvec(by_operator)):
        np.testing.assert_allclose(other, w, rtol=0, atol=atol)
