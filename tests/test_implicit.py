"""Derivatives of solutions: of every named equation, and of solve(f, rhs), inside other code."""

import numpy as np
import pytest

import oracle
import otimes as ox
from otimes._equation import EQUATIONS

N = 3
A, B, C, Q = np.random.default_rng(11).standard_normal((4, N, N))


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def operands(equation, rng):
    """Coefficients that make a well-conditioned equation, and a right-hand side."""
    count = len(equation.arguments)
    near = (2.0, 3.0, 4.0, 9.0)[:count]
    matrices = [0.3 * rng.standard_normal((N, N)) + c * np.eye(N) for c in near]
    return [*matrices, rng.standard_normal((equation.unknowns * N, N))]


def solved(equation, given):
    return equation.solve(tuple(given[:-1]), given[-1], True, "raise", False)


def close(actual, expected, tolerance=1e-8):
    """Equal up to the error of the central differences."""
    assert np.shape(actual) == np.shape(expected)
    assert np.abs(actual - expected).max() <= tolerance * max(1, np.abs(expected).max())


PLACES = [
    pytest.param(equation, k, id=f"{key}-{[*equation.arguments, equation.rhs][k]}")
    for key, equation in EQUATIONS.items()
    for k in range(len(equation.arguments) + 1)
]


@pytest.mark.parametrize(("equation", "k"), PLACES)
def test_equations_by_each_argument(equation, k, rng):
    given = operands(equation, rng)

    def f(x):
        return solved(equation, [*given[:k], x, *given[k + 1 :]])

    J = ox.jacobian(f, given[k])
    expected = oracle.jacobian(f, given[k])
    v, w = rng.standard_normal(given[k].size), rng.standard_normal(len(expected))
    close(J.toarray(), expected)
    close(J @ v, expected @ v)
    close(J.T @ w, expected.T @ w)


@pytest.mark.parametrize("equation", EQUATIONS.values(), ids=EQUATIONS)
def test_all_arguments_at_once(equation, rng):
    given = operands(equation, rng)

    def f(x):
        return solved(equation, [x @ given[0], *given[1:-1], given[-1] @ x.T + given[-1]])

    X = np.eye(N) + 0.1 * rng.standard_normal((N, N))
    close(ox.jacobian(f, X).toarray(), oracle.jacobian(f, X))


@pytest.mark.parametrize("equation", EQUATIONS.values(), ids=EQUATIONS)
def test_one_decomposition_serves_value_and_derivatives(equation, rng, monkeypatch):
    given, made = operands(equation, rng), []

    class Core:
        def __init__(self, core):
            self.core = core

        def solve(self, *arguments):
            return self.core.solve(*arguments)

        def factor(self, coefficients):
            made.append(coefficients)
            return self.core.factor(coefficients)

    monkeypatch.setitem(vars(equation), "core", Core(equation.core))
    J = ox.jacobian(lambda x: solved(equation, [x, *given[1:]]), given[0])
    for _ in range(3):
        J @ np.ones(N * N)
        J.T @ np.ones((equation.unknowns * N * N, 2))
    assert len(made) == 1


@pytest.mark.parametrize("k", range(6), ids=list("abcdef"))
def test_coupled_equations(k, rng):
    given = [4 * np.eye(N) + rng.standard_normal((N, N)) for _ in range(6)]
    given[1] -= 8 * np.eye(N)

    def f(x):
        R, L = ox.solve_coupled_sylvester(*given[:k], x, *given[k + 1 :])
        return R @ L

    close(ox.jacobian(f, given[k]).toarray(), oracle.jacobian(f, given[k]))


def test_text_of_the_derivative():
    assert str(ox.jacobian(lambda X: ox.solve_sylvester(A, B, X), Q)) == "(I₃ ⊗ A + Bᵀ ⊗ I₃)⁻¹"
    J = ox.jacobian(lambda X: ox.solve(lambda Y: X @ Y @ B, Q), A)
    assert str(J).startswith("(Bᵀ ⊗ X)⁻¹ (-")


def test_the_derivative_solves(rng):
    """dX = M⁻¹ dQ: solving with the Jacobian multiplies by M."""
    J = ox.jacobian(lambda X: ox.solve_sylvester(A, B, X), Q)
    Y = rng.standard_normal((N, N))
    np.testing.assert_allclose(J.solve(Y), A @ Y + Y @ B, atol=1e-13)
    assert ox.select_method(J).startswith("inverse")


def test_modes_agree(rng):
    def cost(X):
        Y = ox.solve_sylvester(X, X.T, X @ Q)
        return np.trace(Y @ Y.T)

    X, D = A + 4 * np.eye(N), rng.standard_normal((N, N))
    G = ox.gradient(cost, X)
    expected = oracle.jacobian(cost, X).reshape(N, N, order="F")
    close(G, expected, 1e-7)
    value, slope = ox.jvp(cost, (X,), (D,))
    assert value == pytest.approx(cost(X))
    assert slope == pytest.approx(np.sum(G * D))
    value, pullback = ox.vjp(cost, X)
    np.testing.assert_allclose(pullback(1.0)[0], G)


def test_return_info_is_traced_too():
    seen = []

    def f(X):
        Y, info = ox.solve_sylvester(X, B, Q, return_info=True)
        seen.append(info)
        return Y @ Y

    X = A + 4 * np.eye(N)
    close(ox.jacobian(f, X).toarray(), oracle.jacobian(lambda x: f(x), X))
    assert seen[0].residual < 1e-15
    assert seen[0].method == "doubling"


def test_complex_equations(rng):
    """Analytic in A and B: differences along the real axis are enough."""
    Z = A + 1j * B + 4 * np.eye(N)

    def f(X):
        return ox.solve_sylvester(X, 1j * X, Q)

    J = ox.jacobian(f, Z)
    h = 1e-6
    D = rng.standard_normal((N, N))
    close(J(D), (f(Z + h * D) - f(Z - h * D)) / (2 * h))
    close(J(1j * D), 1j * J(D), 1e-13)


# --- solve(f, rhs) -------------------------------------------------------------------------------

FUNCTIONS = {
    "sylvester": lambda X: ox.solve(lambda Y: X @ Y + Y @ X.T - X, Q),
    "two-sided": lambda X: ox.solve(lambda Y: X @ Y @ B + 4 * Y, X @ X),
    "right-hand side only": lambda X: ox.solve(lambda Y: A @ Y + 5 * Y, X @ B),
    "constant part only": lambda X: ox.solve(lambda Y: A @ Y + 5 * Y - X, Q),
    "operator": lambda X: ox.solve(ox.kron(A, B), np.ones(9)) @ np.ones(9) * X,
    "between": lambda X: X @ ox.solve(lambda Y: X @ Y + 5 * Y, np.linalg.inv(X)) @ X,
}


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
def test_solve_inside_a_function(f, rng):
    X = A + 3 * np.eye(N)
    J, expected = ox.jacobian(f, X), oracle.jacobian(f, X)
    v = rng.standard_normal(N * N)
    close(J.toarray(), expected)
    close(J @ v, expected @ v)
    close(J.T @ v, expected.T @ v)


def test_nested_solves():
    def f(X):
        return ox.solve(lambda Y: X @ ox.solve(lambda Z: X @ Z + 3 * Z, Y) + 5 * Y, Q)

    X = A + 3 * np.eye(N)
    close(ox.jacobian(f, X).toarray(), oracle.jacobian(f, X))


# --- batches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("equation", "k"), PLACES)
def test_batches_item_by_item(equation, k, rng):
    """One argument has the batch, or all have; the derivative is that of a loop over the items."""
    items = [operands(equation, rng) for _ in range(3)]
    for batched in ({k}, set(range(len(items[0])))):
        given = [
            np.stack([x[j] for x in items]) if j in batched else items[0][j]
            for j in range(len(items[0]))
        ]

        def f(x, given=given):
            return solved(equation, [*given[:k], x, *given[k + 1 :]])

        def loop(x, given=given):
            parts = [
                [a[i] if a.ndim == 3 else a for a in (*given[:k], x, *given[k + 1 :])]
                for i in range(3)
            ]
            return np.stack([solved(equation, part) for part in parts])

        value, J = ox.linearize(f, given[k])
        np.testing.assert_allclose(value, loop(given[k]), rtol=1e-11, atol=1e-13)
        v, w = rng.standard_normal(given[k].shape), rng.standard_normal(value.shape)
        by_loop = ox.jacobian(loop, given[k])
        close(J(v), by_loop(v), 1e-11)
        close(J.T(w), by_loop.T(w), 1e-11)
        close(J.toarray(), by_loop.toarray(), 1e-11)


def test_batches_broadcast(rng):
    a = 4 * np.eye(N) + 0.3 * rng.standard_normal((2, 1, N, N))
    q = rng.standard_normal((5, N, N))
    for given in ((a, B, q), (A, B + 9 * np.eye(N), q), (a[:, 0], B, Q)):
        for k, x in enumerate(given):

            def f(y, k=k, given=given):
                return ox.solve_sylvester(*given[:k], y, *given[k + 1 :])

            value, J = ox.linearize(f, x)
            np.testing.assert_allclose(value, f(x), rtol=1e-12)
            close(J.toarray(), oracle.jacobian(f, x))


def test_a_batch_of_complex_equations(rng):
    a = 4 * np.eye(N) + 0.3 * (rng.standard_normal((2, N, N)) + 1j * rng.standard_normal((2, N, N)))
    f = lambda y: ox.solve_sylvester(y, 1j * B, Q)  # noqa: E731
    J = ox.jacobian(f, a)
    v, w = (x + 1j * y for x, y in rng.standard_normal((2, 2, 2, N, N)))
    h = 1e-5
    close(J(v), (f(a + h * v) - f(a - h * v)) / (2 * h))
    assert np.sum(w * J(v)) == pytest.approx(np.sum(J.T(w) * v), rel=1e-12)


def test_second_derivatives_of_a_batch(rng):
    a = 4 * np.eye(N) + 0.3 * rng.standard_normal((2, N, N))
    f = lambda y: np.sum(ox.solve_sylvester(y, B, Q) ** 2)  # noqa: E731
    close(ox.hessian(f, a).toarray(), oracle.jacobian(lambda y: ox.gradient(f, y), a), 1e-7)


def test_singular_items_of_a_batch_are_named():
    a, b = np.stack([4 * np.eye(N), -B]), B
    with pytest.raises(np.linalg.LinAlgError, match=r"solve_sylvester: item 1: .* singular"):
        ox.jacobian(lambda X: ox.solve_sylvester(a, b, X), Q)
    with pytest.raises(ValueError, match="has no least-squares"):
        ox.jacobian(lambda X: ox.solve_sylvester(a, b, X, on_singular="lstsq"), Q)


# --- what cannot be traced -----------------------------------------------------------------------


def test_refusals():
    with pytest.raises(NotImplementedError, match=r"np.conj of a complex variable at .*test_impl"):
        ox.jacobian(lambda X: X.conj() @ X, 1j * A)
    with pytest.raises(np.linalg.LinAlgError, match="solve_sylvester: the equation is singular"):
        ox.jacobian(lambda X: ox.solve_sylvester(X, -X, Q), A)
    with pytest.raises(ValueError, match=r"not linear in its argument: otimes.solve_sylvester at"):
        ox.solve(lambda X: ox.solve_sylvester(X, B, Q), Q)
    with pytest.raises(ValueError, match=r"its argument: otimes\.solve_continuous_are at"):
        ox.solve(lambda X: ox.solve_continuous_are(X, B, Q @ Q.T, np.eye(N)), Q)


def test_lists_beside_traced_arrays():
    lists = [[2, 1], [0, 3]]
    M, X = np.array(lists, float), np.array([[1.0, 2.0], [0.0, 4.0]])
    for of_list, of_array in (
        (lambda X: ox.solve_sylvester(X, lists, lists), lambda X: ox.solve_sylvester(X, M, M)),
        (lambda X: ox.solve_stein(lists, X, lists), lambda X: ox.solve_stein(M, X, M)),
        (
            lambda X: ox.solve_continuous_lyapunov(lists, X @ X),
            lambda X: ox.solve_continuous_lyapunov(M, X @ X),
        ),
    ):
        close(ox.jacobian(of_list, X).toarray(), ox.jacobian(of_array, X).toarray(), 1e-14)
        hessians = (ox.hessian(lambda X: np.sum(f(X) ** 2), X) for f in (of_list, of_array))  # noqa: B023
        close(*(H.toarray() for H in hessians), 1e-14)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"^solve_sylvester: q has shape \(2, 2\), but a is"):
        ox.jacobian(lambda X: ox.solve_sylvester(X, B, np.ones((2, 2))), A)


def test_an_equation_is_linear_in_its_right_hand_side():
    X = ox.solve(lambda X: ox.solve_sylvester(A, B, X) + 3 * X, Q)
    np.testing.assert_allclose(ox.solve_sylvester(A, B, X) + 3 * X, Q, atol=1e-12)
