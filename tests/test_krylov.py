"""GMRES, CG and LSMR of our own against dense solutions."""

import numpy as np
import pytest
from numpy.linalg import norm

from otimes._krylov import Stopping, cg, gmres, lsmr

EPS = np.finfo(float).eps
KINDS = pytest.mark.parametrize("imaginary", [0, 1j], ids=["real", "complex"])


@pytest.fixture
def rng():
    return np.random.default_rng(32)


def matrix(rng, shape, imaginary):
    return rng.standard_normal(shape) + imaginary * rng.standard_normal(shape)


def near_identity(rng, n, imaginary):
    return np.eye(n) + 0.5 / np.sqrt(n) * matrix(rng, (n, n), imaginary)


def stopping(a, tol=10 * EPS, maxiter=500, callback=None):
    return Stopping(tol, maxiter, norm(a, 2), callback)


@KINDS
@pytest.mark.parametrize("restart", [7, 100])
def test_gmres(rng, imaginary, restart):
    a, b = near_identity(rng, 60, imaginary), matrix(rng, 60, imaginary)
    outcome = gmres(lambda x: a @ x, b, stopping(a), restart=restart)
    assert outcome.converged
    assert outcome.iterations < 100
    assert outcome.residual <= 10 * EPS
    assert norm(outcome.x - np.linalg.solve(a, b)) <= 100 * EPS * np.linalg.cond(a) * norm(b)


@KINDS
def test_gmres_minimises_the_residual(rng, imaginary):
    """After k steps: over the span of b, A b, …, A^(k-1) b."""
    a, b = matrix(rng, (12, 12), imaginary), matrix(rng, 12, imaginary)
    for k in (1, 2, 5):
        outcome = gmres(lambda x: a @ x, b, stopping(a, maxiter=k))
        krylov = np.stack([np.linalg.matrix_power(a, j) @ b for j in range(k)], axis=1)
        best = np.linalg.lstsq(a @ krylov, b, rcond=None)[0]
        assert norm(b - a @ outcome.x) == pytest.approx(norm(b - a @ krylov @ best), rel=1e-8)


@KINDS
def test_a_perfect_preconditioner_takes_one_step(rng, imaginary):
    a, b = near_identity(rng, 30, imaginary), matrix(rng, 30, imaginary)
    outcome = gmres(lambda x: a @ x, b, stopping(a), lambda x: np.linalg.solve(a, x))
    assert outcome.converged
    assert outcome.iterations == 1


def test_gmres_on_a_singular_equation():
    a = np.diag([1.0, 2.0, 0.0])
    outcome = gmres(lambda x: a @ x, np.array([1.0, 1.0, 0.0]), stopping(a))
    assert outcome.converged  # consistent
    np.testing.assert_allclose(outcome.x, [1, 0.5, 0], atol=1e-14)
    outcome = gmres(lambda x: a @ x, np.ones(3), stopping(a))
    assert not outcome.converged
    assert outcome.residual > 0.01


@KINDS
def test_cg(rng, imaginary):
    root = matrix(rng, (40, 40), imaginary)
    a, b = root @ root.conj().T / 40 + np.eye(40), matrix(rng, 40, imaginary)
    diagonal = a.diagonal().real
    for precondition in (lambda x: x, lambda x: x / diagonal):
        outcome = cg(lambda x: a @ x, b, stopping(a), precondition)
        assert outcome.converged
        assert outcome.residual <= 10 * EPS
        assert norm(outcome.x - np.linalg.solve(a, b)) <= 1e-12 * norm(b)


def test_cg_refuses_what_is_not_definite():
    a = np.diag([1.0, -1.0])
    assert not cg(lambda x: a @ x, np.ones(2), stopping(a)).converged


@KINDS
@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (25, 25), (1, 1)])
@pytest.mark.parametrize("window", [3, 200])
def test_lsmr_gives_the_minimum_norm(rng, imaginary, shape, window):
    rank = max(1, min(shape) - 5)
    u, _ = np.linalg.qr(matrix(rng, (shape[0], rank), imaginary))
    v, _ = np.linalg.qr(matrix(rng, (shape[1], rank), imaginary))
    a, b = u * np.linspace(1, 5, rank) @ v.conj().T, matrix(rng, shape[0], imaginary)
    outcome = lsmr(lambda x: a @ x, lambda y: a.conj().T @ y, b, stopping(a), window)
    assert outcome.converged
    exact = np.linalg.pinv(a, rcond=1e-10) @ b
    assert norm(outcome.x - exact) <= 1e-12 * norm(exact) * 10


@pytest.mark.parametrize("solve", [gmres, cg])
def test_zero_right_hand_side(solve):
    outcome = solve(lambda x: 2 * x, np.zeros(4), stopping(np.eye(4)))
    assert outcome.converged
    assert outcome.x.tolist() == [0] * 4
    assert outcome.iterations == 0


def test_lsmr_with_nothing_to_do():
    a = np.diag([1.0, 2.0, 0.0])
    for b in (np.zeros(3), np.array([0.0, 0.0, 1.0])):  # zero, and orthogonal to the range
        outcome = lsmr(lambda x: a @ x, lambda y: a @ y, b, stopping(a))
        assert outcome.converged
        assert outcome.x.tolist() == [0, 0, 0]


def test_callback_and_maxiter(rng):
    a, b = near_identity(rng, 40, 0), rng.standard_normal(40)
    definite = a @ a.T
    for run in (
        lambda s: gmres(lambda x: a @ x, b, s),
        lambda s: cg(lambda x: definite @ x, b, s),
        lambda s: lsmr(lambda x: a @ x, lambda y: a.T @ y, b, s),
    ):
        seen = []
        outcome = run(stopping(a, maxiter=4, callback=lambda k, r, seen=seen: seen.append((k, r))))
        assert not outcome.converged
        assert outcome.iterations == 4
        assert [k for k, _ in seen] == [1, 2, 3, 4]
        assert all(r > 0 for _, r in seen)
        assert run(stopping(a, maxiter=0)).iterations == 0


def test_float32_stays(rng):
    a, b = near_identity(rng, 20, 0).astype("f"), rng.standard_normal(20).astype("f")
    for outcome in (
        gmres(lambda x: a @ x, b, stopping(a, 1e-6)),
        cg(lambda x: a.T @ (a @ x), b, stopping(a, 1e-5)),
        lsmr(lambda x: a @ x, lambda y: a.T @ y, b, stopping(a, 1e-6)),
    ):
        assert outcome.x.dtype == np.float32
        assert outcome.converged
