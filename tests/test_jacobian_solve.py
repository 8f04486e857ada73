"""J.solve: the Jacobian of each textbook function goes to the solver of its matrix equation."""

import numpy as np
import pytest

import otimes as ox

rng = np.random.default_rng(53)
EPS = np.finfo(float).eps

FUNCTIONS = {
    "square": (lambda A: A @ A, "sylvester"),
    "cube": (lambda A: A @ A @ A, "schur"),
    "fifth power": (lambda A: A @ A @ A @ A @ A, "schur"),
    "inverse": (np.linalg.inv, "kronecker"),
    "inverse of the square": (lambda A: np.linalg.inv(A @ A), "generalized-sylvester"),
    "A + A⁻¹": (lambda A: A + np.linalg.inv(A), "stein"),
    "A - Aᵀ A": (lambda A: 9 * A - A.T @ A, "tsylvester"),
    "elementwise": (np.exp, "diagonal"),
    "transpose": (lambda A: A.T, "kronecker"),
    "sum of a term and a diagonal": (lambda A: 0.1 * A @ np.exp(A), "dense"),
}


def matrix(n, kind):
    """Well away from singular: of eigenvalues around 3."""
    A = rng.standard_normal((n, n)) / np.sqrt(n)
    if kind == "complex":
        A = A + 1j * rng.standard_normal((n, n)) / np.sqrt(n)
    if kind == "normal":
        A = (A + A.T) / 2
    return A + 3 * np.eye(n)


@pytest.mark.parametrize("kind", ["real", "complex", "normal"])
@pytest.mark.parametrize("n", [1, 2, 7, 12])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_residual(name, n, kind):
    f, _ = FUNCTIONS[name]
    J = ox.jacobian(f, matrix(n, kind))
    B = rng.standard_normal((n, n))
    X = J.solve(B)
    scale = np.linalg.norm(J.toarray()) * np.linalg.norm(X) + np.linalg.norm(B)
    assert np.linalg.norm(J(X) - B) <= 100 * EPS * scale


@pytest.mark.parametrize("name", FUNCTIONS)
def test_method(name):
    f, method = FUNCTIONS[name]
    assert ox.select_method(ox.jacobian(f, matrix(20, "real"))).startswith(f"{method}:")


def test_powers_of_a_normal_matrix_share_its_eigenvectors():
    J = ox.jacobian(lambda A: A @ A @ A, matrix(20, "normal"))
    assert ox.select_method(J).startswith("spectral:")


def test_a_chain_is_solved_link_by_link():
    A, C = matrix(12, "real") / 3, matrix(12, "real")
    J = ox.jacobian(lambda A: C @ np.exp(A @ A), A)
    assert ox.select_method(J).startswith("chain:")
    X = J.solve(np.eye(12))
    assert np.abs(J(X) - np.eye(12)).max() <= 1e-12 * np.abs(X).max()


@pytest.mark.parametrize("n", [3, 50], ids=["svd", "lsmr"])
def test_gram_matrix(n):
    """RᵀR: dR ↦ Rᵀ dR + dRᵀ R has the null space R⁻ᵀ Z, Z skew, and symmetric images."""
    R = matrix(n, "real")
    J = ox.jacobian(lambda R: R.T @ R, R)
    assert ox.select_method(J).startswith("tsylvester:")
    S = rng.standard_normal((n, n))
    S = S + S.T
    with pytest.raises(np.linalg.LinAlgError, match=r'singular to working precision.*"lstsq"'):
        J.solve(S)
    X = J.solve(S, on_singular="lstsq")
    assert np.abs(J(X) - S).max() <= 1e-12 * n
    product = np.linalg.solve(R, X)  # symmetric where X is orthogonal to the null space
    assert np.abs(product - product.T).max() <= 1e-11 * n


def test_gram_matrix_of_a_right_hand_side_that_is_not_symmetric():
    """Least squares: the symmetric part is met."""
    R, B = matrix(5, "real"), rng.standard_normal((5, 5))
    J = ox.jacobian(lambda R: R.T @ R, R)
    X = J.solve(B, on_singular="lstsq")
    assert np.abs(J(X) - (B + B.T) / 2).max() <= 1e-13
    expected = np.linalg.lstsq(J.toarray(), ox.vec(B), rcond=1e-12)[0]
    assert np.abs(ox.vec(X) - expected).max() <= 1e-12


def test_gram_matrix_of_a_rectangular_matrix():
    R, S = rng.standard_normal((7, 3)), np.eye(3)
    J = ox.jacobian(lambda R: R.T @ R, R)
    with pytest.raises(np.linalg.LinAlgError, match=r"shape \(9, 21\)"):
        J.solve(S)
    X = J.solve(S, on_singular="lstsq")
    assert np.abs(J(X) - S).max() <= 1e-13
    expected = np.linalg.pinv(J.toarray()) @ ox.vec(S)
    assert np.abs(ox.vec(X) - expected).max() <= 1e-13


def test_structured_variable_with_solve():
    """By its lower triangle the Cholesky factor of a matrix is regular."""
    P = np.linalg.cholesky(matrix(4, "real") @ matrix(4, "real").T + 9 * np.eye(4))
    J = ox.elimination_matrix(4) @ ox.jacobian(lambda P: P @ P.T, P, structure="lower")
    b = rng.standard_normal(10)
    assert np.abs(J @ J.solve(b) - b).max() <= 1e-12
