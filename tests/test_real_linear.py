"""solve on functions of a complex X that are linear over the reals only: with X̄, Xᴴ, Re X, Im X."""

import numpy as np
import pytest

import otimes as ox
from otimes._equations import AXB_CXHD

rng = np.random.default_rng(11)


def random(*shape, dtype=complex):
    x = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return x.astype(dtype) if np.dtype(dtype).kind == "c" else x.real.astype(dtype)


def matrix_of(f, shape):
    """The matrix of f over the reals, by its columns: f of units and of i times them."""
    zero = f(np.zeros(shape, complex))
    columns = []
    for c in (1, 1j):
        for k in range(int(np.prod(shape))):
            unit = np.zeros(shape, complex)
            unit.flat[k] = c
            image = (f(unit) - zero).ravel()
            columns.append(np.concatenate([image.real, image.imag]))
    return np.stack(columns, axis=1)


def by_columns(f, q, shape):
    """The X with f(X) = Q of minimum norm, and the singular values of the map."""
    matrix, right = matrix_of(f, shape), (q - f(np.zeros(shape, complex))).ravel()
    parts = np.linalg.lstsq(matrix, np.concatenate([right.real, right.imag]), rcond=1e-12)[0]
    re, im = np.split(parts, 2)
    return (re + 1j * im).reshape(shape), np.linalg.svd(matrix, compute_uv=False)


M = 5
A, B, C, D, Q = (random(M, M) for _ in range(5))

#: What is written, and the method that must be chosen.
FUNCTIONS = {
    "A X + Xᴴ B": (lambda X: A @ X + X.conj().T @ B, "hsylvester"),
    "Xᴴ B - X, constant": (lambda X: 2j * D + X.conj().T @ B - X, "hsylvester"),
    "A X + D X + 2 Xᴴ B": (lambda X: A @ X + D @ X + 2 * X.T.conj() @ B, "hsylvester"),
    "A real, X complex": (lambda X: A.real @ X + np.conj(X.T) @ B.real, "hsylvester"),
    "A X + Xᵀ B": (lambda X: A @ X + X.T @ B, "tsylvester"),
    "A X B + C Xᴴ D": (lambda X: A @ X @ B + C @ X.conj().T @ D, "axb-cxhd"),
    "A X + X̄ B": (lambda X: A @ X + X.conj() @ B, "dense"),
    "A X̄ B": (lambda X: A @ X.conj() @ B, "conjugate"),
    "Xᴴ": (lambda X: X.conj().T, "conjugate"),
    "A X̄ + X̄ B": (lambda X: np.conj(A.conj() @ X + X @ B.conj()), "conjugate"),
    "A Re X + i B Im X": (lambda X: A @ X.real + 1j * (B @ X.imag), "dense"),
    "Re X + i Im X": (lambda X: X.real + 1j * X.imag, "dense"),
    "X, Xᵀ, X̄ and Xᴴ": (lambda X: A @ X + X.T @ B + C @ X.conj() + X.conj().T @ D, "dense"),
    "(Xᴴ A)ᴴ + X B": (lambda X: (X.conj().T @ A).conj().T + X @ B, "sylvester"),
    "elementwise": (lambda X: A * X + B * X.conj(), "dense"),
}


@pytest.mark.parametrize(("f", "method"), FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_functions_of_conjugates(f, method):
    x, info = ox.solve(f, Q, return_info=True)
    expected, singular_values = by_columns(f, Q, (M, M))
    rcond = singular_values[-1] / singular_values[0]
    assert info.method == method
    if method not in ("tsylvester", "sylvester"):  # whose rcond is another map's, over C
        assert rcond / 10 <= info.rcond <= 10 * rcond
    np.testing.assert_allclose(x, expected, atol=1e-13 * np.abs(expected).max() / rcond)
    assert info.residual < 1e-14


@pytest.mark.parametrize("dtype", [np.complex64, complex])
def test_precision_is_kept(dtype):
    a, b, q = (random(4, 4, dtype=dtype) for _ in range(3))
    eps = np.finfo(dtype).eps
    for f in (lambda X: a @ X + X.conj().T @ b, lambda X: a @ X + X.conj() @ b):
        x = ox.solve(f, q)
        assert x.dtype == dtype
        assert np.abs(f(x) - q).max() <= 100 * eps * np.abs(x).max()


@pytest.mark.parametrize("shape", [(2, 3), (1, 1), (0, 0), (4,)])
def test_shapes(shape):
    q, g = random(*shape), random(*shape)
    f = lambda X: 3 * X + g * X.conj()  # noqa: E731
    x = ox.solve(f, q)
    assert x.shape == shape
    np.testing.assert_allclose(f(x), q, atol=1e-12 * (1 + np.abs(x).max(initial=0)))


def test_the_named_equation_is_solved():
    x = ox.solve(lambda X: A @ X + X.conj().T @ B, Q)
    np.testing.assert_allclose(x, ox.solve_tsylvester(A, B, Q, conjugate=True), atol=1e-12)


def test_large_sums_iterate():
    n = 40
    a, b, c, q = 30 * np.eye(n) + random(n, n), random(n, n) / 9, random(n, n) / 9, random(n, n)
    for f in (
        lambda X: a @ X + X.conj() @ b + c @ X.T,
        lambda X: a @ X.conj() + b @ X + X.T @ c,
    ):
        steps = []
        x, info = ox.solve(f, q, return_info=True, callback=lambda *step, to=steps: to.append(step))
        assert info.method == "gmres"
        assert info.refinements == len(steps) < 60  # the nearest term preconditions
        np.testing.assert_allclose(f(x), q, atol=1e-11)


def test_singular_maps():
    """X ↦ X + Xᴴ has the skew-Hermitian matrices as its null space."""
    f = lambda X: X + X.conj().T  # noqa: E731
    q = Q + Q.conj().T
    with pytest.raises(np.linalg.LinAlgError, match="solve: the equation is singular"):
        ox.solve(f, q)
    x, info = ox.solve(f, q, on_singular="lstsq", return_info=True)
    np.testing.assert_allclose(x, q / 2, atol=1e-13)
    assert info.method == "svd"
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        ox.solve(lambda X: X.real, q)


def test_least_squares_of_a_map_that_is_not_square():
    g, q = random(6, 3), random(6, 2)
    f = lambda X: g @ X + g.conj() @ X.conj() * 0.5j  # noqa: E731
    x = ox.solve(f, q, shape=(3, 2), on_singular="lstsq")
    np.testing.assert_allclose(x, by_columns(f, q, (3, 2))[0], atol=1e-12)


@pytest.mark.parametrize("form", ["hsylvester", "dense", "conjugate"])
def test_derivatives_of_the_solution(form):
    """Along a direction of A, of B and of the right-hand side, against central differences."""

    def solved(a, b, q):
        f = {
            "hsylvester": lambda X: a @ X + X.conj().T @ b,
            "dense": lambda X: a @ X + X.conj() @ b,
            "conjugate": lambda X: a @ X.conj() @ b,
        }[form]
        return ox.solve(f, q)

    point, step, h = (A, B, Q), (C, D, A.T), 1e-5
    value, moved = ox.jvp(solved, point, step)
    ahead, behind = (
        solved(*(x + s * d for x, d in zip(point, step, strict=True))) for s in (h, -h)
    )
    np.testing.assert_allclose(value, solved(*point))
    scale = np.abs(moved).max()
    np.testing.assert_allclose(moved, (ahead - behind) / (2 * h), atol=1e-5 * scale)


def test_gradient_by_a_real_argument():
    """The reverse sweep solves with the transpose over the reals."""

    def cost(t):
        X = ox.solve(lambda X: A @ X + X.conj().T @ (B * t), Q)
        return np.sum(X.real**2 + X.imag**2)

    t, h = np.array(0.7), 1e-6
    expected = (cost(t + h) - cost(t - h)) / (2 * h)
    np.testing.assert_allclose(ox.gradient(cost, t), expected, rtol=1e-6)


def test_non_linear_functions_are_still_refused():
    for f in (lambda X: X.conj() @ X, np.abs):
        with pytest.raises(ValueError, match="solve: f is not linear in its argument"):
            ox.solve(f, Q)


def test_jacobians_still_refuse():
    with pytest.raises(NotImplementedError, match=r"np\.conj of a complex variable"):
        ox.jacobian(lambda X: X.conj().T @ A, Q)


def test_infinite_coefficients_are_named():
    a = np.full((M, M), np.inf + 0j)
    for f in (lambda X: a @ X + X.conj().T @ B, lambda X: a @ X + X.conj() @ B):
        with pytest.raises(ValueError, match="NaN or Inf"), np.errstate(all="ignore"):
            ox.solve(f, Q)


# --- A X B + C Xᴴ D -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize(("m", "worse"), [(1, ()), (2, (0, 1)), (4, ()), (5, (2, 3)), (6, (1,))])
def test_two_sided_terms_with_the_adjoint(m, worse, dtype):
    """By any pair of coefficients that is well-conditioned, with the true condition and adjoint."""
    given = [random(m, m, dtype=dtype) for _ in range(4)]
    for k in worse:
        given[k][:, 0] = given[k][:, 1]  # singular, and A X B + C Xᴴ D is not
    a, b, c, d = given
    q, w = random(m, m, dtype=dtype), random(m, m, dtype=dtype)
    factors = AXB_CXHD.factor("test", (a, b, c, d), True, "raise")
    x, info = factors.solve(q, return_info=True)
    left = lambda x: a @ x @ b + c @ x.conj().T @ d  # noqa: E731
    expected, values = by_columns(left, q, (m, m))
    eps = np.finfo(dtype).eps
    assert x.dtype == dtype
    assert np.linalg.norm(x - expected) <= 40 * m * eps / info.rcond * np.linalg.norm(expected)
    assert info.residual <= 40 * m * eps
    assert 0.1 <= info.rcond / (values[-1] / values[0]) <= 10
    y = factors.solve(w, "H")  # Re ⟨W, X⟩ = Re ⟨Y, Q⟩
    size = np.linalg.norm(w) * np.linalg.norm(x)
    assert abs(np.vdot(w, x).real - np.vdot(y, q).real) <= 40 * m * eps / info.rcond * size


def test_large_two_sided_terms_are_solved_directly():
    a, b, c, d, q = (random(30, 30) for _ in range(5))
    f = lambda X: a @ X @ b + c @ X.conj().T @ d  # noqa: E731
    x, info = ox.solve(f, q, return_info=True)
    assert info.method == "axb-cxhd"
    assert info.residual <= 1e-14
    assert np.linalg.norm(f(x) - q) <= 1e-13 / info.rcond * np.linalg.norm(q)


def test_two_sided_terms_that_are_singular():
    a, b, c, d, q = (random(30, 30) for _ in range(5))
    a[:, 0] = c[0] = 0
    d[0] = 0
    a[:, 1] = 0
    with pytest.raises(np.linalg.LinAlgError, match="singular to working precision"):
        ox.solve(lambda X: a @ X @ b + c @ X.conj().T @ d, q)
