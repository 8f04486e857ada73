"""structure=: derivatives by the free entries of symmetric, diagonal, triangular, skew matrices."""

import numpy as np
import pytest

import oracle
import otimes as ox

rng = np.random.default_rng(41)
n = 4
A = rng.standard_normal((n, n))
B = rng.standard_normal((n, n))
EPS = np.finfo(float).eps


def lower_basis():
    """L: vech → vec of a lower triangle."""
    return oracle.elimination(n).T


def skew_basis():
    columns = [oracle.vec(oracle.unveck(e, n)) for e in np.eye(n * (n - 1) // 2)]
    return np.array(columns).T


def diagonal_basis():
    return np.array([oracle.vec(np.diag(e)) for e in np.eye(n)]).T


#: structure -> a matrix that has it, its free entries, and the matrix D with vec(X) = D θ
STRUCTURES = {
    "symmetric": (A + A.T, oracle.vech(A + A.T), oracle.duplication(n)),
    "diagonal": (np.diag(A[0]), A[0], diagonal_basis()),
    "lower": (np.tril(A), oracle.vech(A), lower_basis()),
    "skew": (A - A.T, oracle.veck(A - A.T), skew_basis()),
}
FUNCTIONS = {
    "identity": lambda X: X,
    "square": lambda X: X @ X,
    "gram": lambda X: B @ X @ X.T,
    "elementwise": lambda X: np.exp(X) @ B,
    "inverse": lambda X: np.linalg.inv(X + 5 * np.eye(n)),
    "log det": lambda X: np.linalg.slogdet(X @ X + 9 * np.eye(n))[1],
}


@pytest.fixture(params=STRUCTURES)
def structure(request):
    return request.param


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_jacobian_is_that_of_all_entries_times_the_basis(structure, f):
    X, theta, D = STRUCTURES[structure]
    J = ox.jacobian(f, X, structure=structure)
    expected = ox.jacobian(f, X).toarray() @ D
    assert J.shape == expected.shape
    assert J.in_shape == theta.shape
    scale = np.abs(expected).max()
    assert np.abs(J.toarray() - expected).max() <= 100 * EPS * scale
    assert np.abs(J @ np.eye(len(theta)) - expected).max() <= 100 * EPS * scale
    assert np.abs(J.T @ np.eye(J.shape[0]) - expected.T).max() <= 100 * EPS * scale


def test_jacobian_against_differences_in_the_free_entries(structure):
    X, theta, D = STRUCTURES[structure]
    f = FUNCTIONS["gram"]
    expected = oracle.jacobian(lambda t: f(oracle.unvec(D @ t, n, n)), theta)
    assert np.abs(ox.jacobian(f, X, structure=structure).toarray() - expected).max() < 1e-9


def test_gradient_and_linearize(structure):
    X, theta, D = STRUCTURES[structure]
    f = lambda X: np.trace(B @ X @ X)  # noqa: E731
    gradient = ox.gradient(f, X, structure=structure)
    assert gradient.shape == theta.shape
    assert np.abs(gradient - D.T @ oracle.vec(ox.gradient(f, X))).max() <= 1e-13
    assert (ox.gradient(f, structure=structure)(X) == gradient).all()
    value, J = ox.linearize(f, X, structure=structure)
    assert value == pytest.approx(f(X))
    assert np.abs(J.toarray()[0] - gradient).max() <= 1e-13


def test_literal_three_by_three():
    """d tr(BX) by vech(X): entries below the diagonal count for both triangles."""
    weights = np.arange(9.0).reshape(3, 3)
    f = lambda X: np.trace(weights.T @ X)  # noqa: E731
    by = lambda s: ox.gradient(f, np.zeros((3, 3)), structure=s).tolist()  # noqa: E731
    assert by("symmetric") == [0, 4, 8, 4, 12, 8]
    assert by("lower") == [0, 3, 6, 4, 7, 8]
    assert by("diagonal") == [0, 4, 8]
    assert by("skew") == [2, 4, 2]


def test_several_arguments():
    S, x = A + A.T, B[0]
    f = lambda S, x: S @ x  # noqa: E731
    J = ox.jacobian(f, S, x, structure="symmetric")
    assert np.abs(J.toarray() - np.kron(x, np.eye(n)) @ oracle.duplication(n)).max() <= 1e-14
    first, second = ox.jacobian(lambda S, T: S @ T, S, S, wrt=(0, 1), structure="symmetric")
    assert first.shape == second.shape == (n * n, n * (n + 1) // 2)


def test_names_come_from_the_function():
    J = ox.jacobian(lambda S: B @ S + S @ S, A + A.T, structure="symmetric")
    assert str(J) == "(I₄ ⊗ B + I₄ ⊗ S + Sᵀ ⊗ I₄) D₄"


def test_structure_up_to_rounding():
    S = A @ A.T
    S[0, 1] *= 1 + 2 * EPS
    ox.jacobian(np.linalg.inv, S, structure="symmetric")


def test_complex_symmetric():
    Z = A + A.T + 1j * (B + B.T)
    J = ox.jacobian(lambda Z: Z @ Z, Z, structure="symmetric")
    expected = (np.kron(np.eye(n), Z) + np.kron(Z.T, np.eye(n))) @ oracle.duplication(n)
    assert np.abs(J.toarray() - expected).max() <= 1e-13


def test_sizes_zero_and_one(structure):
    J = ox.jacobian(lambda X: X @ X, np.zeros((0, 0)), structure=structure)
    assert J.shape == (0, 0)
    X = np.zeros((1, 1))
    assert ox.jacobian(lambda X: X + 1, X, structure=structure).shape[0] == 1


@pytest.mark.parametrize(
    ("structure", "X", "text"),
    [
        ("symmetric", [[1, 2], [3, 4]], r"does not fit argument 0: its entry \(0, 1\) is 2, but "),
        (
            "diagonal",
            [[1, 0], [3, 4]],
            r"its entry \(1, 0\) is 3, but its free entries make that 0",
        ),
        ("lower", [[1, 2], [3, 4]], r"its entry \(0, 1\) is 2, but its free entries"),
        ("skew", [[1, -2], [2, 0]], r"its entry \(0, 0\) is 1, but its free entries"),
        ("symmetric", [[1, np.nan], [np.nan, 1]], r"does not fit argument 0"),
        ("symmetric", [[1, 2, 3]], r"argument 0 has shape \(1, 3\), but structure='symmetric'"),
        ("upper", [[1, 2], [0, 1]], r"structure is 'upper', but must be None or one of \['symm"),
    ],
)
def test_bad_arguments(structure, X, text):
    for derivative in (ox.jacobian, ox.gradient, ox.linearize):
        with pytest.raises(ValueError, match=text):
            derivative(np.trace, X, structure=structure)


# --- econometrics --------------------------------------------------------------------------------


def test_likelihood_of_a_covariance_matrix():
    """The score and the Fisher information of Magnus & Neudecker, chapter 15, in vech(Σ).

    log L = -m/2 (log det Σ + tr Σ⁻¹ S): score m/2 Dᵀ vec(Σ⁻¹ (S - Σ) Σ⁻¹), information
    m/2 Dᵀ(Σ⁻¹⊗Σ⁻¹)D.
    """
    m, data = 50, rng.standard_normal((50, n))
    S = data.T @ data / m
    Sigma = S + 0.5 * np.eye(n)

    def loglikelihood(Sigma):
        return -m / 2 * (np.linalg.slogdet(Sigma)[1] + np.trace(np.linalg.inv(Sigma) @ S))

    D, W = ox.duplication_matrix(n), np.linalg.inv(Sigma)
    score = ox.gradient(loglikelihood, Sigma, structure="symmetric")
    expected = m / 2 * D.T @ ox.vec(W @ (S - Sigma) @ W)
    assert np.abs(score - expected).max() <= 1e-12 * np.abs(expected).max()

    information = m / 2 * (D.T @ ox.kron(W, W) @ D)
    # a step of the scoring method from any Σ ends at the maximum, S
    step = information.solve(score)
    assert np.abs(ox.vech(Sigma) + step - ox.vech(S)).max() <= 1e-12 * np.abs(S).max()
    assert ox.select_method(information).startswith("symmetric:")
    # minus the derivative of the score at Σ = S
    at_s = ox.jacobian(lambda Sigma: m / 2 * np.linalg.inv(Sigma), S, structure="symmetric")
    inverse = np.linalg.inv(S)
    expected = m / 2 * (D.T @ ox.kron(inverse, inverse) @ D)
    assert np.abs((D.T @ at_s + expected).toarray()).max() <= 1e-10


@pytest.fixture
def autoregression():
    """A fitted VAR(2) of three variables (statsmodels is the reference)."""
    api = pytest.importorskip("statsmodels.tsa.api")
    y = rng.standard_normal((200, 3))
    for t in range(2, len(y)):
        y[t] += 0.4 * y[t - 1, ::-1] - 0.2 * y[t - 2]
    return api.VAR(y).fit(2)


def test_impulse_responses_of_a_vector_autoregression(autoregression):
    """∂vec(Φᵢ)/∂vec([A₁ A₂])ᵀ of Φᵢ = E 𝐀ⁱ Eᵀ, 𝐀 the companion matrix (Lütkepohl 2005, 3.7)."""
    k, p = 3, 2
    E = np.eye(k, k * p)
    shift = np.eye(k * p, k=-k)
    coefficients = np.hstack(list(autoregression.coefs))
    steps = 5
    reference = autoregression.irf(steps)
    for i in range(1, steps + 1):

        def response(A, i=i):
            companion = E.T @ A + shift
            power = companion
            for _ in range(i - 1):
                power = power @ companion
            return E @ power @ E.T

        value, J = ox.linearize(response, coefficients)
        assert np.abs(value - reference.irfs[i]).max() <= 1e-12
        assert np.abs(J.toarray() - reference.G[i - 1]).max() <= 1e-12


def test_orthogonal_responses_of_a_vector_autoregression(autoregression):
    """∂vech(P)/∂vech(Σ)ᵀ for Σ = P Pᵀ is {L (I + K)(P⊗I) Lᵀ}⁻¹."""
    P = np.linalg.cholesky(autoregression.sigma_u)
    k = len(P)
    L, K = ox.elimination_matrix(k), ox.commutation_matrix(k, k)
    J = L @ ox.jacobian(lambda P: P @ P.T, P, structure="lower")
    by_hand = L @ (ox.identity(k * k) + K) @ ox.kron(P, np.eye(k)) @ L.T
    assert np.abs((J - by_hand).toarray()).max() <= 1e-14
    reference = autoregression.irf(2).H  # Lᵀ {…}⁻¹
    assert np.abs(L.T @ J.solve(np.eye(len(L))) - reference).max() <= 1e-12
