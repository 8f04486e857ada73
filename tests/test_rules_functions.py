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


def test_refusals():
    for f in (ox.expm, ox.logm, ox.sqrtm):
        with pytest.raises(NotImplementedError, match=r"of an array of shape \(1, 3, 3\) at .*t"):
            ox.jacobian(f, M3[None])
