"""Derivatives of Riccati equations, Lyapunov factors and two-sided least squares."""

import numpy as np
import pytest

import oracle
import otimes as ox
from derivatives import error_against
from otimes._lyapunov import CONTINUOUS_LYAPUNOV

linalg = pytest.importorskip("scipy.linalg")
rng = np.random.default_rng(37)
N, M = 3, 2
A, G = rng.standard_normal((2, N, N))
B, S = rng.standard_normal((N, M)), 0.1 * rng.standard_normal((N, M))
Q, R = G @ G.T, np.eye(M) + 0.2
E = np.eye(N) + 0.1 * rng.standard_normal((N, N))
STABLE = A - (0.5 + np.abs(np.linalg.eigvals(A)).max()) * np.eye(N)
C = rng.standard_normal((N, 4))


def by_differences(f, x):
    """The error of the derivative, relative to its largest entry."""
    return error_against(lambda xp, y: f(y), oracle.jacobian(f, x), x)


@pytest.mark.parametrize("given", [(A, B, Q, R), (A, B, Q, R, E, S)], ids=["plain", "general"])
@pytest.mark.parametrize("solver", [ox.solve_continuous_are, ox.solve_discrete_are])
def test_riccati_equations_by_each_argument(solver, given):
    for k, x in enumerate(given):

        def f(y, k=k):
            symmetric = (y + y.T) * 0.5 if k in (2, 3) else y
            return solver(*given[:k], symmetric, *given[k + 1 :])

        assert by_differences(f, x) < 1e-8


@pytest.mark.parametrize("solver", [ox.solve_continuous_are, ox.solve_discrete_are])
def test_riccati_equation_by_all_at_once(solver):
    def f(y):
        X, info = solver(y, y @ B, Q + y.T @ y, R, return_info=True)
        assert info.residual < 1e-14
        return X @ y

    assert by_differences(f, A) < 1e-8


def test_the_weight_of_one_control_may_be_a_number():
    assert by_differences(lambda r: ox.solve_continuous_are(A, B[:, :1], Q, r), 1.5) < 1e-8


def test_the_derivative_of_a_riccati_equation_is_a_lyapunov_equation():
    J = ox.jacobian(lambda X: ox.solve_continuous_are(A, B, X, R), Q)
    closed = A - B @ np.linalg.solve(R, B.T @ ox.solve_continuous_are(A, B, Q, R))
    D = rng.standard_normal((N, N))
    np.testing.assert_allclose(J.solve(D), -closed.T @ D - D @ closed, atol=1e-12)


def test_riccati_derivatives_by_scipy():
    """Fᵀ dX + dX F = -(dAᵀ X + X dA) with SciPy's solvers throughout."""
    X = linalg.solve_continuous_are(A, B, Q, R)
    F, D = A - B @ linalg.solve(R, B.T @ X), rng.standard_normal((N, N))
    dX = linalg.solve_continuous_lyapunov(F.T, -(D.T @ X + X @ D))
    J = ox.jacobian(lambda y: ox.solve_continuous_are(y, B, Q, R), A)
    np.testing.assert_allclose(J(D), dX, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("e", [None, E], ids=["plain", "general"])
def test_lyapunov_factors(discrete, e):
    a = STABLE / (8 if discrete else 1)
    solve = ox.solve_lyapunov_factor
    assert by_differences(lambda y: solve(y, C, e=e, discrete=discrete), a) < 1e-8
    assert by_differences(lambda y: solve(a, y, e=e, discrete=discrete), C) < 1e-8
    if e is not None:
        assert by_differences(lambda y: solve(a, C, e=y, discrete=discrete), e) < 1e-8


def test_a_singular_gramian_has_no_differentiable_factor():
    a, b = np.diag([-1.0, -2.0]), np.array([[1.0], [0.0]])
    with pytest.raises(np.linalg.LinAlgError, match=r"solve_lyapunov_factor at .* rank-deficient"):
        ox.jacobian(lambda y: ox.solve_lyapunov_factor(y, b), a)


@pytest.mark.parametrize("ridge", [0.0, 0.7])
def test_two_sided_least_squares(ridge):
    a, b, c = (rng.standard_normal(shape) for shape in ((5, 3), (2, 4), (5, 4)))
    low = rng.standard_normal((5, 1)) @ rng.standard_normal((1, 3))
    solve = ox.lstsq_axb
    assert by_differences(lambda y: solve(y, b, c, ridge=ridge), a) < 1e-8
    assert by_differences(lambda y: solve(a, y, c, ridge=ridge), b) < 1e-8
    assert by_differences(lambda y: solve(low, b, y, ridge=ridge), c) < 1e-8
    if ridge:
        assert by_differences(lambda y: solve(a, b, c, ridge=y), ridge) < 1e-8
        f = lambda y: solve(a, b, y, ridge=ridge, return_info=True)[1].ranks[0] * y  # noqa: E731
        assert by_differences(f, c) < 1e-8


def test_arguments_of_other_types():
    """Lists, integers and numbers beside traced arrays."""
    b, q, r = B[:, :1].round(), (10 * Q).round(), 2
    for solver in (ox.solve_continuous_are, ox.solve_discrete_are):
        expected = ox.jacobian(lambda y: solver(y, b, q, 2.0 * np.eye(1)), A)  # noqa: B023
        J = ox.jacobian(lambda y: solver(y, b.astype(int).tolist(), q.astype(int), r), A)  # noqa: B023
        np.testing.assert_allclose(J.toarray(), expected.toarray(), rtol=1e-12)
    ones = np.ones((N, 4), int)
    assert by_differences(lambda y: ox.lstsq_axb(ones, y, np.ones((N, 4)).tolist()), C[:2]) < 1e-8
    assert ox.jacobian(lambda y: ox.lstsq_axb(A32, A32, y, ridge=R[0, 0]), A32).dtype == np.float32


A32 = A.astype(np.float32)


# --- second derivatives --------------------------------------------------------------------------

W = rng.standard_normal((N, N))


@pytest.mark.parametrize("solver", [ox.solve_continuous_are, ox.solve_discrete_are])
@pytest.mark.parametrize("given", [(A, B, Q, R), (A, B, Q, R, E, S)], ids=["plain", "general"])
def test_hessians_of_riccati_equations(solver, given):
    for k, x in enumerate(given):
        structure = "symmetric" if k in (2, 3) else None

        def f(y, k=k):
            return np.sum(W * solver(*given[:k], y, *given[k + 1 :]))

        H = ox.hessian(f, x)  # by matrices near Hermitian ones too
        dense = H.toarray()
        np.testing.assert_allclose(dense, dense.T, atol=1e-12 * np.abs(dense).max())
        H = ox.hessian(f, x, structure=structure)
        slopes = lambda v: ox.gradient(f, v, structure=structure)  # noqa: B023, E731
        free = ox.vech(x) if structure else ox.vec(x)
        expected = oracle.jacobian(lambda v: flat(slopes(matrix(v, x, structure))), free)  # noqa: B023
        np.testing.assert_allclose(H.toarray(), expected, atol=1e-7 * np.abs(expected).max())


def matrix(v, like, structure):
    return ox.unvech(v) if structure else ox.unvec(v, like.shape)


def flat(g):
    return g if g.ndim == 1 else ox.vec(g)


@pytest.mark.parametrize("discrete", [False, True])
def test_hessians_of_lyapunov_factors(discrete):
    f = lambda y: np.sum(W * ox.solve_lyapunov_factor(y, C, e=E, discrete=discrete))  # noqa: E731
    x = STABLE / (8 if discrete else 1)
    assert (
        error_against(
            lambda xp, y: ox.gradient(f, y), oracle.jacobian(lambda y: ox.gradient(f, y), x), x
        )
        < 1e-7
    )


# --- complex matrices ----------------------------------------------------------------------------

AC, BC, SC = (x + 0.3j * rng.standard_normal(x.shape) for x in (A, B, S))
EC, STABLE_C = (x + 0.1j * rng.standard_normal(x.shape) for x in (E, STABLE))
QC, RC = Q + 0.2j * (W - W.T), R + 0.3j * np.array([[0, 1], [-1, 0]])
COMPLEX = AC, BC, QC, RC, EC, SC


def by_real_differences(f, z):
    """The error of the derivative by a real variable, z + y at y = 0."""
    g, zero = lambda y: f(z + y), np.zeros(z.shape)
    return error_against(lambda xp, y: g(y), oracle.jacobian(g, zero, 2e-3), zero)


def slope(f, z, direction):
    """vec of the derivative along a direction, by differences."""
    return oracle.jacobian(lambda t: f(z + t * direction), np.zeros(()), 1e-3)[:, 0]


@pytest.mark.parametrize("solver", [ox.solve_continuous_are, ox.solve_discrete_are])
@pytest.mark.parametrize("count", [4, 6], ids=["plain", "general"])
def test_complex_riccati_equations(solver, count):
    for k, z in enumerate(COMPLEX[:count]):

        def f(y, k=k):
            hermitian = (y + y.conj().T) * 0.5 if k in (2, 3) else y
            return solver(*COMPLEX[:k], hermitian, *COMPLEX[k + 1 : count])

        assert by_real_differences(f, z) < 1e-8
        assert by_real_differences(lambda y: f(1j * y), -1j * z) < 1e-8
        D = rng.standard_normal(z.shape) + 1j * rng.standard_normal(z.shape)
        value, pushed = ox.jvp(f, (z,), (D,))
        np.testing.assert_allclose(value, f(z))
        np.testing.assert_allclose(ox.vec(pushed), slope(f, z, D), rtol=1e-8, atol=1e-8)


def test_real_arguments_of_complex_riccati_equations():
    """A real variable beside complex matrices, and a complex one beside real matrices."""
    assert by_differences(lambda y: ox.solve_continuous_are(y, BC, QC, RC), A) < 1e-8
    assert by_differences(lambda y: ox.solve_discrete_are(y, B, QC, R, E), A) < 1e-8
    assert by_real_differences(lambda y: ox.solve_continuous_are(y, B, Q, R), AC) < 1e-8


def test_complex_derivatives_follow_those_of_lyapunov_equations():
    """Complex-linear in Q and R; A is conjugated, and has derivatives along directions only."""
    for solver in (ox.solve_continuous_are, ox.solve_discrete_are):
        for k in (2, 3):
            f = lambda y: solver(*COMPLEX[:k], y, *COMPLEX[k + 1 :])  # noqa: B023, E731
            J = ox.jacobian(f, COMPLEX[k])
            D = rng.standard_normal(COMPLEX[k].shape) + 1j * rng.standard_normal(COMPLEX[k].shape)
            D = D + D.conj().T
            np.testing.assert_allclose(J(1j * D), 1j * J(D), rtol=1e-12)
            np.testing.assert_allclose(ox.vec(J(D)), slope(f, COMPLEX[k], D), rtol=1e-8, atol=1e-8)
            H = ox.hessian(lambda y: np.sum(W * f(y)), COMPLEX[k]).toarray()  # noqa: B023
            np.testing.assert_allclose(H, H.T, atol=1e-12 * np.abs(H).max())
        for k in (0, 1, 4, 5):
            with pytest.raises(NotImplementedError, match=r"np.conj of a complex variable .*jvp"):
                ox.jacobian(lambda y: solver(*COMPLEX[:k], y, *COMPLEX[k + 1 :]), COMPLEX[k])  # noqa: B023
    with pytest.raises(NotImplementedError, match=r"np.conj of a complex variable .*otimes.jvp"):
        ox.jacobian(lambda y: ox.solve_continuous_lyapunov(y, Q), AC)


@pytest.mark.parametrize("discrete", [False, True])
def test_complex_lyapunov_factors(discrete):
    a, solve = STABLE_C / (8 if discrete else 1), ox.solve_lyapunov_factor
    assert by_real_differences(lambda y: solve(y, BC, e=EC, discrete=discrete), a) < 1e-8
    assert by_real_differences(lambda y: solve(a, y, discrete=discrete), BC @ SC.T + EC) < 1e-8
    assert by_real_differences(lambda y: solve(a, EC, e=y, discrete=discrete), EC) < 1e-8


@pytest.mark.parametrize("ridge", [0.0, 0.7])
def test_complex_least_squares(ridge):
    a, b, c = (
        ox.unvec(rng.standard_normal(20) + 1j * rng.standard_normal(20), (5, 4)) for _ in "abc"
    )
    solve = ox.lstsq_axb
    assert by_real_differences(lambda y: solve(y, b.T, c @ c.T, ridge=ridge), a) < 1e-8
    assert by_real_differences(lambda y: solve(a, y, c @ c.T, ridge=ridge), b.T) < 1e-8
    J = ox.jacobian(lambda y: solve(a, b.T, y, ridge=ridge), c @ c.T)
    np.testing.assert_allclose(
        J(1j * c @ b.T), 1j * solve(a, b.T, c @ b.T, ridge=ridge), atol=1e-12
    )


# --- batches -------------------------------------------------------------------------------------


def same_as_loop(solve, given, items, tolerance=1e-10):
    """The derivative by each argument is that of a loop over the items of the batch."""
    shape = np.broadcast_shapes(*(np.shape(x)[:-2] for x in given if x is not None))
    for k, x in enumerate(given):
        if x is None:
            continue

        def f(y, k=k):
            return solve(*given[:k], y, *given[k + 1 :])

        def loop(y, k=k):
            parts = [z if z is None else np.broadcast_to(z, (*shape, *z.shape[-2:])) for z in given]
            parts[k] = np.broadcast_to(y, (*shape, *y.shape[-2:]))
            solved = [
                solve(*(z if z is None else z[index] for z in parts)) for index in np.ndindex(shape)
            ]
            return np.reshape(np.stack(solved), (*shape, *items))

        J, expected = ox.jacobian(f, x), ox.jacobian(loop, x)
        v, w = rng.standard_normal(J.in_shape), rng.standard_normal(J.out_shape)
        assert J.out_shape == (*shape, *items)
        np.testing.assert_allclose(J(v), expected(v), rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(J.T(w), expected.T(w), rtol=tolerance, atol=tolerance)


def stacked(x, *lead):
    """Matrices near one."""
    return x + 0.02 * rng.standard_normal((*lead, *x.shape))


@pytest.mark.parametrize("solver", [ox.solve_continuous_are, ox.solve_discrete_are])
def test_batches_of_riccati_equations(solver):
    def solve(a, b, q, r, e, s):
        return solver(a, b, (q + q.mT) * 0.5, (r + r.mT) * 0.5, e, s)

    same_as_loop(solve, [stacked(x, 2) for x in (A, B, Q, R, E, S)], (N, N))
    same_as_loop(solve, [stacked(A, 2, 1), B, stacked(Q, 3), R, None, None], (N, N))
    same_as_loop(solve, [A, B, Q, stacked(R, 2), E, None], (N, N))
    assert by_real_differences(lambda y: solver(y, BC, QC, RC), np.stack([AC, A])) < 1e-8
    assert by_differences(lambda r: solver(A, B[:, :1], Q, r), np.array([[[1.5]], [[2.0]]])) < 1e-8


@pytest.mark.parametrize("discrete", [False, True])
def test_batches_of_lyapunov_factors(discrete):
    def solve(a, b, e):
        return ox.solve_lyapunov_factor(a, b, e=e, discrete=discrete)

    a = STABLE / (8 if discrete else 1)
    same_as_loop(solve, [stacked(a, 2), stacked(C, 2), stacked(E, 2)], (N, N))
    same_as_loop(solve, [a, stacked(C, 2, 2), None], (N, N))
    with pytest.raises(np.linalg.LinAlgError, match="rank-deficient"):
        ox.jacobian(lambda y: solve(y, np.stack([C[:, :1] * 0, C[:, :1]]), None), a)


@pytest.mark.parametrize("ridge", [0.0, 0.7, [0.5, 2.0, 3.0]])
def test_batches_of_least_squares(ridge):
    a, b, c = (rng.standard_normal(shape) for shape in ((5, 3), (2, 4), (5, 4)))
    count = np.shape(ridge)

    def solve(a, b, c):
        X = ox.lstsq_axb(a, b, c, ridge=ridge)
        return np.moveaxis(X, 0, -3) if count else X

    same_as_loop(solve, [stacked(x, 2) for x in (a, b, c)], (*count, 3, 2))
    same_as_loop(solve, [a, stacked(b, 2, 1), stacked(c, 3)], (*count, 3, 2))


def test_several_ridge_values():
    """Along a new first axis, each as if it were alone; 0 among them."""
    a, b, c = (rng.standard_normal(shape) for shape in ((5, 3), (2, 4), (5, 4)))
    ridges = np.array([0.7, 0.0, 3.0])
    for k, x in enumerate((a, b, c)):

        def f(y, ridge=ridges, k=k):
            given = [a, b, c]
            given[k] = y
            return ox.lstsq_axb(*given, ridge=ridge)

        assert by_differences(f, x) < 1e-8
        for single, J in zip(
            ridges, (ox.jacobian(lambda y, j=j: f(y)[j], x) for j in range(3)), strict=True
        ):
            alone = ox.jacobian(lambda y: f(y, single), x)  # noqa: B023
            np.testing.assert_allclose(J.toarray(), alone.toarray(), rtol=1e-12, atol=1e-12)
        assert ox.jacobian(lambda y: f(y, [1.0]), x).out_shape == (1, 3, 2)
    assert by_differences(lambda y: ox.lstsq_axb(a, b, c, ridge=y), ridges[::2]) < 1e-8
    G = ox.gradient(lambda y: np.sum(ox.lstsq_axb(a, b, c, ridge=y)[1] ** 2), ridges[::2])
    assert G[0] == 0 != G[1]
    f = lambda y: np.sum(ox.lstsq_axb(a, b, c, ridge=y) ** 2)  # noqa: E731
    H = ox.hessian(f, ridges[::2])
    expected = oracle.jacobian(lambda y: ox.gradient(f, y), ridges[::2])
    np.testing.assert_allclose(H.toarray(), expected, atol=1e-8)


# --- price and refusals --------------------------------------------------------------------------


def test_one_lyapunov_equation_for_all_arguments(monkeypatch):
    """Decomposed once, whatever the number of arguments, directions and cotangents."""
    made = []

    class Core:
        solve = CONTINUOUS_LYAPUNOV.core.solve

        def factor(self, coefficients, core=CONTINUOUS_LYAPUNOV.core):
            made.append(coefficients)
            return core.factor(coefficients)

    monkeypatch.setitem(vars(CONTINUOUS_LYAPUNOV), "core", Core())
    J = ox.jacobian(lambda y: ox.solve_continuous_are(y, y @ B, Q + y.T @ y, R), A)
    for _ in range(3):
        J @ np.ones(N * N)
        J.T @ np.ones((N * N, 2))
    assert len(made) == 1


def test_refusals():
    for ridge in (0.0, [1.0, 0.0]):
        with pytest.raises(NotImplementedError, match="lstsq_axb by a ridge of 0"):
            ox.jacobian(lambda y: ox.lstsq_axb(A, A, A, ridge=y), ridge)
    with pytest.raises(ValueError, match="solve_continuous_are: q is not Hermitian"):
        ox.jacobian(lambda y: ox.solve_continuous_are(y, B, A, R), A)
