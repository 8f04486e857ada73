"""Sums of more than two terms: a common Schur basis where there is one, else Krylov iterations."""

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import otimes as ox
from otimes._iterative import nearest_pairs
from otimes._modes import schur_mode

EPS = np.finfo(float).eps


@pytest.fixture
def rng():
    return np.random.default_rng(33)


def normal(rng, n, imaginary=0):
    return rng.standard_normal((n, n)) + imaginary * rng.standard_normal((n, n))


# --- commuting factors ---------------------------------------------------------------------------


def jordan(n, value):
    return value * np.eye(n) + np.diag(np.ones(n - 1), 1)


def rotation(n, angle):
    """Complex pairs e^(±i angle k)."""
    a = np.zeros((n, n))
    for k in range(0, n - 1, 2):
        c, s = np.cos(angle * (k + 1)), np.sin(angle * (k + 1))
        a[k : k + 2, k : k + 2] = [[c, -s], [s, c]]
    return a + 0.1 * np.triu(np.ones((n, n)), 2) + np.eye(n)


def kinds(rng, n):
    basis, _ = np.linalg.qr(normal(rng, n))
    return {
        "real": normal(rng, n) / np.sqrt(n) + np.eye(n),
        "complex": normal(rng, n, 1j) / np.sqrt(n) + np.eye(n),
        "real eigenvalues": basis @ np.triu(0.3 * normal(rng, n) + 2 * np.eye(n)) @ basis.T,
        "complex pairs": rotation(n, 0.15),
        "defective": jordan(n, 2.0),
        "defective, turned": basis @ jordan(n, 2.0) @ basis.T,
    }


CUBES = ["real", "complex", "real eigenvalues", "complex pairs", "defective", "defective, turned"]


def assert_solves(op, x, b, scale=1.0):
    """A small residual, and the error that the condition number allows."""
    dense = op.toarray()
    eps = np.finfo(x.dtype).eps
    assert norm(b - dense @ x) <= 100 * len(b) * eps * norm(dense, 2) * norm(x)
    exact = np.linalg.solve(dense.astype(np.complex128), b)
    assert norm(x - exact) <= 100 * len(b) * eps * np.linalg.cond(dense) * norm(exact) * scale


@pytest.mark.parametrize("kind", CUBES)
@pytest.mark.parametrize("n", [6, 13])
def test_jacobian_of_the_cube(rng, kind, n):
    a = kinds(rng, n)[kind]
    op = ox.jacobian(lambda A: A @ A @ A, a)
    assert ox.select_method(op).startswith("schur: ")
    factors = op.factorize()
    for b in (rng.standard_normal(n * n), rng.standard_normal(n * n) + 1j):
        assert_solves(op, factors.solve(b), b)
    assert_solves(op.T, factors.solve(b, "T"), b)
    assert_solves(op.H, factors.solve(b, "H"), b)
    exact = 1 / np.linalg.cond(op.toarray())
    assert exact / 10 <= factors.rcond() <= 10 * exact


@pytest.mark.parametrize("sizes", [(6, 13), (12, 12), (13, 17), (24, 9), (27, 7)])
def test_polynomials_in_two_matrices(rng, sizes):
    """Sizes around the leaves of the recursion, both sides with complex pairs."""
    n, m = sizes
    f, g = (normal(rng, k) / np.sqrt(k) + 1.5 * np.eye(k) for k in sizes)
    op = ox.kron(f, g) + ox.kron(f @ f, np.eye(m)) + 0.5 * ox.kron(np.eye(n), g @ g @ g)
    assert ox.select_method(op).startswith("schur: ")
    b = rng.standard_normal((n * m, 3))
    x, info = ox.solve(op, b, return_info=True)
    assert info.residual <= 10 * (m + n) * EPS
    for column, right in zip(x.T, b.T, strict=True):
        assert_solves(op, column, right)


def test_a_defective_matrix_is_its_own_candidate(rng):
    """A combination of A and A² has ill-determined Schur vectors here; those of A serve."""
    basis, _ = np.linalg.qr(normal(rng, 40))
    a = basis @ (np.diag(np.repeat([2.0, -1], 20)) + np.diag(np.ones(39), 1)) @ basis.T
    mode = schur_mode([a, a @ a], a.dtype)
    assert mode is not None
    np.testing.assert_allclose(mode.basis @ mode.forms[1] @ mode.basis.T, a @ a, atol=1e-12)


def test_polynomials_in_single_precision(rng):
    a = (normal(rng, 20) / 5 + 2 * np.eye(20)).astype(np.float32)
    op = ox.jacobian(lambda A: A @ A @ A, a)
    b = rng.standard_normal(400).astype(np.float32)
    x = op.solve(b)
    assert x.dtype == np.float32
    assert_solves(op, x, b)


def test_zero_diagonal_of_a_complex_pair_is_not_singular():
    a = np.kron(np.diag([1.0, 2.0, 3.0]), [[0, 1], [-1, 0]]) + np.diag([0, 0, 1, 0], 2)
    op = ox.jacobian(lambda A: A @ A @ A, a)
    b = np.arange(1.0, 37)
    assert_solves(op, op.solve(b), b)


def test_singular_cube():
    op = ox.jacobian(lambda A: A @ A @ A, np.diag(np.ones(6), 1) + np.diag([0, 0, 0, 0, 0, 0, 1.0]))
    with pytest.raises(LinAlgError, match="singular to working precision"):
        op.solve(np.ones(49))
    x = op.solve(np.ones(49), on_singular="lstsq")
    exact = np.linalg.pinv(op.toarray(), rcond=1e-10) @ np.ones(49)
    np.testing.assert_allclose(x, exact, atol=1e-10)


def test_normal_matrices_use_eigenvectors(rng):
    q, _ = np.linalg.qr(normal(rng, 9))
    op = ox.kron(q, q) + ox.kron(q @ q, np.eye(9)) + 3 * ox.identity(81)
    assert ox.select_method(op).startswith("spectral: ")
    b = rng.standard_normal(81)
    assert_solves(op, op.solve(b), b)


def test_what_does_not_commute_has_no_basis(rng):
    a, b = normal(rng, 8), normal(rng, 8)
    op = ox.kron(a, a) + ox.kron(b, b) + ox.kron(a @ b, a)
    assert ox.select_method(op).startswith("dense: ")
    rhs = rng.standard_normal(64)
    assert_solves(op, op.solve(rhs), rhs)


# --- Krylov --------------------------------------------------------------------------------------


def random_sum(rng, n, m, terms, weight, imaginary=0):
    """I⊗I and terms that do not commute."""
    op = ox.kron(np.eye(n) + 0.1 / np.sqrt(n) * normal(rng, n, imaginary), np.eye(m))
    for _ in range(terms - 1):
        f, g = (normal(rng, k, imaginary) / np.sqrt(k) for k in (n, m))
        op = op + weight * ox.kron(f, g)
    return op


@pytest.mark.parametrize("imaginary", [0, 1j], ids=["real", "complex"])
@pytest.mark.parametrize(("n", "m", "terms"), [(40, 40, 3), (60, 60, 5), (100, 20, 4)])
def test_random_sums_converge(rng, n, m, terms, imaginary):
    op = random_sum(rng, n, m, terms, 0.1, imaginary)
    b = rng.standard_normal((m, n))
    assert ox.select_method(op).startswith("gmres: ")
    x, info = ox.solve(op, b, return_info=True)
    assert x.shape == (m, n)
    assert (info.method, info.scale) == ("gmres", 1)
    assert np.isnan(info.rcond)
    assert 0 < info.refinements < 100
    assert info.residual <= 10 * EPS
    image = sum(c * (g @ x @ f.T) for c, (f, g) in pairs(op))
    assert norm(image - b) <= 1e-12 * norm(b)


def pairs(op):
    return [(t.coefficient, [f.dense(op.dtype) for f in t.factors]) for t in op.parts]


def test_adjoint_solves_and_factorize(rng):
    op = random_sum(rng, 40, 40, 4, 0.1, 1j)
    factors = op.factorize()
    b = rng.standard_normal((1600, 2)) + 1j
    for trans, view in (("N", op), ("T", op.T), ("H", op.H)):
        assert norm(view @ factors.solve(b, trans) - b) <= 1e-12 * norm(b)


def test_two_terms_are_their_own_preconditioner(rng):
    f1, f2, g1, g2 = (normal(rng, 40) + 9 * np.eye(40) for _ in range(4))
    op = ox.kron(f1, g1) + ox.kron(f2, g2)
    b = rng.standard_normal(1600)
    x, info = ox.solve(op, b, method="gmres", return_info=True)
    assert info.refinements <= 3
    assert norm(op @ x - b) <= 1e-12 * norm(b)


def test_definite_sums_use_conjugate_gradients(rng):
    parts = []
    for _ in range(3):
        f, g = normal(rng, 40), normal(rng, 40)
        parts.append(ox.kron(f @ f.T / 40 + np.eye(40), g @ g.T / 40 + np.eye(40)))
    op = parts[0] + parts[1] + parts[2]
    b = rng.standard_normal(1600)
    x, info = ox.solve(op, b, return_info=True)
    assert norm(op @ x - b) <= 1e-12 * norm(b)
    assert 0 < info.refinements < 100
    with pytest.raises(LinAlgError, match="CG has not converged: after 1 of at most 1"):
        ox.solve(op, b, maxiter=1)


def test_any_operator_by_name(rng):
    """Nothing is known of a product of sums but how to apply it: no preconditioner, a norm."""
    op = (
        random_sum(rng, 6, 5, 3, 0.1)
        @ random_sum(rng, 6, 5, 3, 0.1)
        @ ox.diagonal(np.arange(1.0, 31))
    )
    b = rng.standard_normal(30)
    x, info = ox.solve(op, b, method="gmres", return_info=True)
    assert info.method == "gmres"
    assert norm(op @ x - b) <= 1e-12 * norm(b)


def test_transposed_terms(rng):
    a, b, c, d = (0.2 / np.sqrt(40) * normal(rng, 40) for _ in range(4))
    rhs = rng.standard_normal((40, 40))

    def f(X):
        return X + a @ X @ b + c @ X.T @ d

    x = ox.solve(f, rhs, method="gmres")
    assert norm(f(x) - rhs) <= 1e-12 * norm(rhs)


def test_no_convergence_is_an_error_with_its_numbers(rng):
    op = random_sum(rng, 40, 40, 5, 5.0)
    b = rng.standard_normal(1600)
    text = r"GMRES has not converged: after 20 of at most 20 iterations the residual is \d.\de"
    with pytest.raises(LinAlgError, match=text):
        ox.solve(op, b, maxiter=20)
    with pytest.raises(LinAlgError, match=r'pass tol= or maxiter=, or method="dense"'):
        ox.solve(op, b, maxiter=20)
    x = ox.solve(op, b, method="dense")
    assert norm(op @ x - b) <= 1e-9 * norm(b)


def test_tol_and_callback(rng):
    op = random_sum(rng, 40, 40, 4, 0.2)
    b = rng.standard_normal(1600)
    seen = []
    x, info = ox.solve(op, b, tol=1e-5, callback=lambda *s: seen.append(s), return_info=True)
    assert [k for k, _ in seen] == list(range(1, info.refinements + 1))
    assert EPS < info.residual <= 1e-5
    assert seen[-1][1] <= 1e-5
    assert info.refinements < ox.solve(op, b, return_info=True)[1].refinements
    assert norm(op @ x - b) <= 1e-2 * norm(b)


@pytest.mark.parametrize(
    ("options", "text"),
    [({"tol": 0.0}, "tol is 0.0, but must be positive"), ({"maxiter": -1}, "maxiter is -1, but")],
)
def test_wrong_options(options, text):
    with pytest.raises(ValueError, match=text):
        ox.solve(ox.identity(2), np.ones(2), **options)


def test_not_finite(rng):
    op = random_sum(rng, 40, 40, 3, 0.1) + ox.kron(np.full((40, 40), np.nan), np.eye(40))
    with pytest.raises(ValueError, match="the operator contains NaN or Inf"):
        op.solve(np.ones(1600))


def test_nearest_pairs_are_the_leading_terms_of_the_rearrangement(rng):
    matrices = [(normal(rng, 4), normal(rng, 3)) for _ in range(4)]
    terms = [(0.5 + k, pair) for k, pair in enumerate(matrices)]
    total = sum(c * np.outer(f, g) for c, (f, g) in terms)
    u, s, vh = np.linalg.svd(total)
    found = nearest_pairs((4, 3), terms)
    assert len(found) == 2
    for k, (f, g) in enumerate(found):
        np.testing.assert_allclose(np.outer(f, g), s[k] * np.outer(u[:, k], vh[k]), atol=1e-12)
    assert len(nearest_pairs((4, 3), terms[:1])) == 1


def test_nonlinear_functions_are_sent_to_root():
    with pytest.raises(ValueError, match=r"not linear in its argument.*otimes\.root solves"):
        ox.solve(lambda X: X @ X, np.eye(2))
