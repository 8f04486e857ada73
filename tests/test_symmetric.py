"""Equations in vech coordinates, against LU of the dense matrix."""

import itertools

import numpy as np
import pytest

import otimes as ox

rng = np.random.default_rng(43)
n = 5
A = rng.standard_normal((n, n)) + 3 * np.eye(n)
C = rng.standard_normal((n, n))
D, L = ox.duplication_matrix(n), ox.elimination_matrix(n)
K, I = ox.commutation_matrix(n, n), ox.identity(n)
EPS = np.finfo(float).eps

MIDDLES = {
    "congruence": ox.kron(A, A),
    "lyapunov": ox.kron(I, A) + ox.kron(A, I),
    "stein": ox.identity(n * n) - 0.01 * ox.kron(C, C),
    "two terms": ox.kron(A, C) + ox.kron(C, A) + 40 * ox.identity(n * n),
    "complex": ox.kron(A + 1j * C, A + 1j * C),
}
LEFTS = {"Dᵀ": D.T, "D⁺": D.pinv(), "L": L}
RIGHTS = {"D": D, "D⁺ᵀ": D.pinv().T}


@pytest.fixture(params=MIDDLES.values(), ids=MIDDLES.keys())
def middle(request):
    return request.param


@pytest.mark.parametrize(
    ("left", "right"),
    list(itertools.product(LEFTS.values(), RIGHTS.values())),
    ids=[f"{left} M {right}" for left, right in itertools.product(LEFTS, RIGHTS)],
)
def test_solves_and_adjoint_solves(left, middle, right):
    op = left @ middle @ right
    assert ox.select_method(op).startswith("symmetric:")
    dense = op.toarray()
    tolerance = 100 * n * EPS * np.linalg.cond(middle.toarray())
    b = rng.standard_normal((len(dense), 2))
    for view, matrix in (
        (op, dense),
        (op.T, dense.T),
        (op.H, dense.conj().T),
        (-2 * op, -2 * dense),
    ):
        assert ox.select_method(view).startswith("symmetric:")
        expected = np.linalg.solve(matrix, b)
        scale = np.abs(expected).max()
        assert np.abs(view.solve(b) - expected).max() <= tolerance * scale
    factors = op.factorize()
    expected = np.linalg.solve(dense.T, b[:, 0])
    assert (
        np.abs(factors.solve(b[:, 0], "T") - expected).max() <= tolerance * np.abs(expected).max()
    )
    singular_values = np.linalg.svd(dense, compute_uv=False)
    rcond = singular_values[-1] / singular_values[0]
    assert factors.rcond() <= 10 * rcond


@pytest.mark.parametrize(
    "op",
    [
        D.T @ ox.kron(A, C) @ D,  # leaves the symmetric matrices
        L @ ox.kron(A, A) @ L.T,
        D.T @ (ox.kron(A, C) + 2 * ox.kron(C, A)) @ D,
        D.T @ ox.aslinearoperator(rng.standard_normal((n * n, n * n))) @ D,
        D.T @ ox.diagonal(np.arange(1.0, n * n + 1)) @ D,
    ],
    ids=["one-sided", "L on both sides", "unequal terms", "a matrix", "a diagonal"],
)
def test_others_are_solved_as_a_matrix(op):
    assert ox.select_method(op).startswith("dense:")
    b = rng.standard_normal(op.shape[0])
    expected = np.linalg.solve(op.toarray(), b)
    assert np.abs(op.solve(b) - expected).max() <= 1e-8 * np.abs(expected).max()


def test_a_large_information_matrix():
    """20100 unknowns: dense, a matrix of 3.2 GB."""
    size = 200
    W = np.linalg.inv(np.cov(rng.standard_normal((size, 2 * size))))
    basis = ox.duplication_matrix(size)
    information = 0.5 * (basis.T @ ox.kron(W, W) @ basis)
    b = rng.standard_normal(information.shape[0])
    x = information.solve(b)
    assert np.abs(information @ x - b).max() <= 1e-9 * np.abs(x).max()


def test_singular():
    op = D.T @ ox.kron(np.ones((n, n)), np.ones((n, n))) @ D
    with pytest.raises(np.linalg.LinAlgError, match="singular to working precision"):
        op.solve(np.ones(op.shape[0]))
