"""sqrtm and logm: against SciPy, many digits and their laws; derivatives of these and of expm."""

import mpmath
import numpy as np
import pytest

import oracle
import otimes as ox
from derivatives import error_against, jax, jnp
from strategies import DTYPES

linalg = pytest.importorskip("scipy.linalg")
rng = np.random.default_rng(36)
EPS = np.finfo(float).eps
N = 5
A = rng.standard_normal((N, N)) / 3 + 1.5 * np.eye(N)
Z = A + 1j * rng.standard_normal((N, N)) / 3
S = A @ A.T
#: Of eigenvalues of all sizes, defective, nearly so, far from normal, near the branch cut.
MATRICES = {
    "real": A,
    "complex": Z,
    "symmetric": S,
    "hermitian": Z @ Z.conj().T,
    "diagonal": np.diag([1e-8, 1.0, 1e8]),
    "jordan": np.eye(4) * 0.5 + np.eye(4, k=1),
    "near jordan": np.diag([1.0, 1 + 1e-12, 1 - 1e-12]) + np.eye(3, k=1),
    "far from normal": np.diag([1.0, 2.0, 3.0]) + 1e4 * np.triu(np.ones((3, 3)), 1),
    "rotation": np.array([[np.cos(3.0), -np.sin(3.0)], [np.sin(3.0), np.cos(3.0)]]),
    "large": 1e30 * A,
    "small": 1e-30 * A,
    "number": np.array([[2.0]]),
    "identity": np.eye(3),
}


@pytest.fixture(params=MATRICES.values(), ids=MATRICES)
def a(request):
    return request.param


def test_square_root_squared(a):
    X = ox.sqrtm(a)
    assert X.dtype == a.dtype
    # backward error of the Schur method: Higham 2008, 6.2
    assert np.linalg.norm(X @ X - a) <= 20 * len(a) * EPS * np.linalg.norm(X) ** 2
    assert (np.linalg.eigvals(X).real > 0).all()


def test_logarithm_against_many_digits(a):
    with mpmath.workdps(60):
        exact = mpmath.logm(mpmath.matrix((a + 0.0).tolist()) + mpmath.zeros(len(a)))
        expected = np.array([[complex(x) for x in row] for row in exact.tolist()])
    X = ox.logm(a)
    assert X.dtype == a.dtype
    error = np.linalg.norm(X - expected)
    assert error <= 100 * len(a) * EPS * condition(X, a) * max(np.linalg.norm(expected), EPS)


def condition(X, a):
    """The condition of the logarithm, from below, by directions."""
    if np.array_equal(a, np.diag(np.diagonal(a))):
        return max(1.0, 1 / max(np.linalg.norm(X), EPS))
    units = np.eye(a.size).reshape(-1, *a.shape)
    derivatives = [linalg.expm_frechet(X, e, compute_expm=False).ravel() for e in units]
    smallest = np.linalg.svd(np.array(derivatives), compute_uv=False)[-1]
    return max(1.0, np.linalg.norm(a) / smallest / np.linalg.norm(X))


@pytest.mark.parametrize(("ours", "theirs"), [(ox.sqrtm, linalg.sqrtm), (ox.logm, linalg.logm)])
@pytest.mark.parametrize("n", [2, 17, 60])
def test_against_scipy(ours, theirs, n):
    M = rng.standard_normal((n, n)) / np.sqrt(n) + 1.4 * np.eye(n)
    np.testing.assert_allclose(ours(M), theirs(M).real, atol=1e-11)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(dtype):
    M = (np.eye(3) * 4 + np.eye(3, k=1)).astype(dtype)
    for f in (ox.sqrtm, ox.logm):
        assert f(M).dtype == ox.expm(M).dtype


def test_batches_and_empty_matrices():
    batch = np.stack([A, S, A @ A]).reshape(3, 1, N, N)
    for f in (ox.sqrtm, ox.logm):
        result = f(batch)
        for k in range(3):
            np.testing.assert_array_equal(result[k, 0], f(batch[k, 0]))
        assert f(np.zeros((0, 0))).shape == (0, 0)
        assert f(np.zeros((2, 0, 3, 3))).shape == (2, 0, 3, 3)


def test_semidefinite_root():
    R = ox.sqrtm([[1.0, 1.0], [1.0, 1.0]])
    np.testing.assert_allclose(R, np.full((2, 2), np.sqrt(0.5)), atol=1e-7)
    np.testing.assert_array_equal(ox.sqrtm(np.zeros((3, 3))), np.zeros((3, 3)))


@pytest.mark.parametrize("f", [ox.sqrtm, ox.logm])
@pytest.mark.parametrize(
    "a",
    [
        [[-1.0, 0.0], [0.0, 1.0]],
        [[1.0, 2.0], [3.0, 4.0]],
        [[0.0, 1.0], [0.0, 0.0]],
        [[-1.0, 1.0], [0.0, -1.0]],
        [[-2.0 + 0j]],
    ],
)
def test_no_principal_value(f, a):
    with pytest.raises(np.linalg.LinAlgError, match=rf"{f.__name__}: a has the eigenvalue .* on t"):
        f(a)


def test_errors():
    with pytest.raises(np.linalg.LinAlgError, match="logm: a has the eigenvalue 0, on the closed"):
        ox.logm([[1.0, 0.0], [0.0, 0.0]])
    for f in (ox.sqrtm, ox.logm):
        with pytest.raises(ValueError, match=rf"{f.__name__}: a has shape \(2, 3\), but must be s"):
            f(np.ones((2, 3)))
        with pytest.raises(ValueError, match="a contains NaN or Inf"):
            f([[np.nan]])
        assert np.isnan(f([[np.nan]], check_finite=False)).all()


# --- derivatives ---------------------------------------------------------------------------------

M3 = A[:3, :3]
S3 = M3 @ M3.T


@pytest.mark.parametrize("x", [M3, S3, M3[:1, :1]], ids=["matrix", "symmetric", "number"])
@pytest.mark.parametrize("f", [ox.expm, ox.logm, ox.sqrtm])
def test_derivatives_against_differences(f, x):
    expected = oracle.jacobian(f, x)
    assert error_against(lambda xp, x: f(x), expected, x) < 1e-8


def test_exponential_against_jax():
    tensor = jax.jacfwd(jax.scipy.linalg.expm)(jnp.asarray(M3))
    expected = np.asarray(tensor).reshape((9, 9), order="F")
    assert error_against(lambda xp, x: ox.expm(x), expected, M3) < 1e-13


def test_derivatives_are_inverse():
    E, L = ox.jacobian(ox.expm, ox.logm(M3)), ox.jacobian(ox.logm, M3)
    np.testing.assert_allclose(E.toarray() @ L.toarray(), np.eye(9), atol=1e-12)


def test_the_derivative_of_a_root_is_a_sylvester_equation():
    J, X = ox.jacobian(ox.sqrtm, M3), ox.sqrtm(M3)
    assert str(J) == "(I₃ ⊗ [3×3] + [3×3] ⊗ I₃)⁻¹"
    D = rng.standard_normal((3, 3))
    np.testing.assert_allclose(J.solve(D), X @ D + D @ X, atol=1e-13)


def test_directions_of_any_size():
    for f in (ox.expm, ox.logm):
        J = ox.jacobian(f, M3)
        D = rng.standard_normal((3, 3))
        for size in (1e-200, 1.0, 1e200):
            np.testing.assert_allclose(J(size * D) / size, J(D), rtol=1e-12)
        assert not J(0 * D).any()


def test_complex_derivatives():
    z = Z[:3, :3]
    for f in (ox.expm, ox.logm, ox.sqrtm):
        expected = oracle.jacobian(lambda x: f(x + 1j * z.imag), z.real)  # noqa: B023
        assert np.abs(ox.jacobian(f, z).toarray() - expected).max() < 1e-9


@pytest.mark.parametrize("f", [ox.expm, ox.logm, ox.sqrtm])
def test_batches_are_differentiated_item_by_item(f):
    batch = np.stack([M3, S3, 1e-3 * M3])
    J = ox.jacobian(f, batch)
    D, w = rng.standard_normal((2, 3, 3, 3))
    for k in range(3):
        Jk = ox.jacobian(f, batch[k])
        np.testing.assert_allclose(J(D)[k], Jk(D[k]), rtol=1e-12)
        np.testing.assert_allclose(J.T(w)[k], Jk.T(w[k]), rtol=1e-12)
    with pytest.raises(
        ValueError, match=rf"{f.__name__}: a has shape \(2, 3\), but must be square"
    ):
        ox.jacobian(f, M3[:2])


@pytest.mark.parametrize("f", [ox.expm, ox.logm])
def test_text_of_derivatives(f):
    name = f.__name__[:-1]
    J = ox.jacobian(lambda X: M3 @ f(X @ M3), M3)
    assert str(J) == f"(I₃ ⊗ M3) L_{name}(X M3) (M3ᵀ ⊗ I₃)"
    assert f"L_{{\\{name}}}(X \\, \\mathrm{{M3}})" in J._repr_latex_()
    assert str(ox.jacobian(f, M3).T) == f"L_{name}(aᵀ)"
    assert str(ox.jacobian(lambda X: f(X + M3), M3)) == f"L_{name}([3×3])"


# --- second derivatives --------------------------------------------------------------------------

W, D, E = rng.standard_normal((3, 3, 3))
IN_MANY_DIGITS = {ox.expm: mpmath.expm, ox.logm: mpmath.logm, ox.sqrtm: mpmath.sqrtm}


def second_derivative(f, x, d):
    """Of tr(Wᵀ f(X)) along D twice, by differences in 60 digits."""
    with mpmath.workdps(60):
        h, X, step = mpmath.mpf(10) ** -15, *(mpmath.matrix(y.tolist()) for y in (x, d))
        before, here, after = (f(X + k * h * step) for k in (-1, 0, 1))
        change = (after - 2 * here + before) / h**2
        return complex(sum(W[i, j] * change[i, j] for i, j in np.ndindex(*W.shape)))


@pytest.mark.parametrize("x", [M3, S3, Z[:3, :3], 20 * M3], ids=["real", "symmetric", "z", "large"])
@pytest.mark.parametrize("f", IN_MANY_DIGITS)
def test_hessians_in_many_digits(f, x):
    H = ox.hessian(lambda X: np.sum(W * f(X)), x)
    for d in (D, E, D + E):  # the symmetric bilinear form on D and E
        value, expected = ox.vec(d) @ (H @ ox.vec(d)), second_derivative(IN_MANY_DIGITS[f], x, d)
        scale = np.linalg.norm(W) * np.linalg.norm(d) ** 2 * np.linalg.norm(f(x))
        assert abs(value - expected) <= 1e-13 * scale
    dense = H.toarray()
    assert np.abs(dense - dense.T).max() <= 1e-13 * np.abs(dense).max()


def test_the_logarithm_undoes_the_exponential():
    """tr(Wᵀ log e^X) is linear in X."""
    f = lambda X: np.sum(W * ox.logm(ox.expm(X)))  # noqa: E731
    np.testing.assert_allclose(ox.gradient(f, M3), W, atol=1e-12)
    assert np.abs(ox.hessian(f, M3).toarray()).max() < 1e-11


@pytest.mark.parametrize("f", IN_MANY_DIGITS)
def test_derivatives_of_jacobians(f):
    """By the Jacobian's two products, and as an array; of complex matrices and of batches."""
    by_product = lambda X: ox.jacobian(f, X)(D @ X)  # noqa: E731
    by_transpose = lambda X: ox.jacobian(f, X).T(D @ X)  # noqa: E731
    as_array = lambda X: ox.jacobian(f, X).toarray()  # noqa: E731
    for g in (by_product, by_transpose, as_array):
        assert error_against(lambda xp, x: g(x), oracle.jacobian(g, M3), M3) < 1e-8  # noqa: B023
    of_batch = lambda X: ox.gradient(lambda Y: np.sum(f(Y) ** 2), X)  # noqa: E731
    for g, x in ((by_product, Z[:3, :3]), (of_batch, np.stack([M3, S3]))):
        assert ox.check_jacobian(g, x) < 1e-8


def test_second_derivatives_along_directions_of_any_size():
    for f in (ox.expm, ox.logm):
        H = ox.hessian(lambda X: np.sum(W * f(X)), M3)  # noqa: B023
        for size in (1e-200, 1e200):
            np.testing.assert_allclose(H(size * D) / size, H(D), rtol=1e-12)
        for size in (1e-200, 1e200):
            scaled = ox.hessian(lambda X: np.sum(size * W * f(X)), M3)  # noqa: B023
            np.testing.assert_allclose(scaled(D) / size, H(D), rtol=1e-12)
