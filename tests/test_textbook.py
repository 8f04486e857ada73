"""Claims of course texts on matrix calculus, each as running code.

M: MIT 18.S096, vectorization and Kronecker products. G: Mathematics for Machine Learning,
gradients. D: matrix and vector differentiation, lecture notes. T: matrix calculus derivatives, a
tutorial. A: matrix and array derivatives, lecture slides. f is written as a student would write it;
the right-hand side is the text's own formula.
"""

import re
from pathlib import Path

import numpy as np
import pytest

import otimes as ox

rng = np.random.default_rng(18)
A = rng.standard_normal((3, 3)) + 2 * np.eye(3)
B = rng.standard_normal((3, 3))
I = np.eye(3)
EPS = np.finfo(float).eps
CLAIMS = {"M": 4, "G": 13, "D": 7, "T": 24, "A": 6}  # how many of each text


def close(actual, expected):
    """Equal to rounding, 100 eps of the largest entry."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= 100 * EPS * max(1, np.abs(expected).max())


def test_M1():
    """f(A+dA) - f(A) = f′(A)[dA] + O(‖dA‖²): the remainder falls by 4 when dA is halved."""
    f = lambda A: A @ A @ A  # noqa: E731
    J = ox.jacobian(f, A)
    dA = 1e-3 * B
    remainder = [np.linalg.norm(f(A + d) - f(A) - J(d)) for d in (dA, dA / 2, dA / 4)]
    assert remainder[0] / remainder[1] == pytest.approx(4, rel=1e-2)
    assert remainder[1] / remainder[2] == pytest.approx(4, rel=1e-2)


def test_M2():
    """df = A dA + dA A; J = I⊗A + Aᵀ⊗I, and str(J) says so."""
    J = ox.jacobian(lambda A: A @ A, A)
    close(J(B), A @ B + B @ A)
    close(J.toarray(), np.kron(I, A) + np.kron(A.T, I))
    assert str(J) == "I₃ ⊗ A + Aᵀ ⊗ I₃"


def test_M3():
    """df = A dA A + dA A² + A² dA; J = Aᵀ⊗A + (A²)ᵀ⊗I + I⊗A²."""
    J = ox.jacobian(lambda A: A @ A @ A, A)
    A2 = A @ A
    close(J(B), A @ B @ A + B @ A2 + A2 @ B)
    close(J.toarray(), np.kron(A.T, A) + np.kron(A2.T, I) + np.kron(I, A2))
    assert set(str(J).split(" + ")) == {"Aᵀ ⊗ A", "(A²)ᵀ ⊗ I₃", "I₃ ⊗ A²"}


def test_M4():
    """vec(A X I + I X A) = (I⊗A) vec X + (Aᵀ⊗I) vec X."""
    X = rng.standard_normal((3, 3))
    eye = ox.identity(3)
    right = ox.kron(eye, A) @ ox.vec(X) + ox.kron(A.T, eye) @ ox.vec(X)
    close(ox.vec(A @ X @ I + I @ X @ A), right)


def test_G1():
    """J(i,j) = ∂fᵢ/∂xⱼ, J of shape (m, n), for f: Rⁿ → Rᵐ."""
    x, C = rng.standard_normal(3), rng.standard_normal((5, 3))
    J = ox.jacobian(lambda x: np.sin(C @ x), x)
    assert J.shape == (5, 3)
    for i in range(5):
        for j in range(3):
            assert J[i, j] == pytest.approx(np.cos(C[i] @ x) * C[i, j], rel=1e-14)


def test_G2():
    """f(x) = A x: J = A."""
    x = rng.standard_normal(3)
    J = ox.jacobian(lambda x: A @ x, x)
    close(J.toarray(), A)
    assert str(J) == "A"


def test_G3():
    """L = ‖e‖², e = y - Φθ: by the chain rule and directly, -2(yᵀ - θᵀΦᵀ)Φ of shape (1, D)."""
    Phi, theta, y = rng.standard_normal((6, 3)), rng.standard_normal(3), rng.standard_normal(6)
    e = y - Phi @ theta
    dL_de = ox.jacobian(lambda e: e @ e, e)
    de_dtheta = ox.jacobian(lambda theta: y - Phi @ theta, theta)
    close(dL_de.toarray(), 2 * e[None])
    close(de_dtheta.toarray(), -Phi)
    expected = -2 * (y - theta @ Phi.T)[None] @ Phi
    close((dL_de @ de_dtheta).toarray(), expected)
    directly = ox.jacobian(lambda theta: (y - Phi @ theta) @ (y - Phi @ theta), theta)
    assert directly.shape == (1, 3)
    close(directly.toarray(), expected)


def test_G4():
    """∂Aᵢⱼ/∂B_kl as a 4-D tensor and as an (mn, pq) matrix: equal through vec."""
    C, D = rng.standard_normal((4, 2)), rng.standard_normal((3, 5))
    X = rng.standard_normal((2, 3))
    J = ox.jacobian(lambda X: C @ X @ D, X)
    T, M = J.tensor(), J.toarray()
    assert T.shape == (4, 5, 2, 3)
    assert M.shape == (20, 6)
    for i in range(4):
        for j in range(5):
            for k in range(2):
                for m in range(3):
                    assert T[i, j, k, m] == M[i + 4 * j, k + 2 * m]
                    assert T[i, j, k, m] == pytest.approx(C[i, k] * D[m, j], rel=1e-14)


def test_G5():
    """f = A x by A: ∂fᵢ/∂Aᵢ,: = xᵀ, ∂fᵢ/∂A_k≠i,: = 0; as an operator xᵀ⊗I."""
    x = rng.standard_normal(3)
    J = ox.jacobian(lambda A: A @ x, A)
    T = J.tensor()
    assert T.shape == (3, 3, 3)
    for i in range(3):
        for k in range(3):
            close(T[i, k], x if i == k else np.zeros(3))
    assert str(J) == "xᵀ ⊗ I₃"


def test_G6():
    """∂(RᵀR)_pq/∂R_ij, entry by entry; as an operator (I + K_nn)(I⊗Rᵀ)."""
    m, n = 4, 3
    R = rng.standard_normal((m, n))
    J = ox.jacobian(lambda R: R.T @ R, R)
    T = J.tensor()
    assert T.shape == (n, n, m, n)
    for p in range(n):
        for q in range(n):
            for i in range(m):
                for j in range(n):
                    if j == p != q:
                        expected = R[i, q]
                    elif j == q != p:
                        expected = R[i, p]
                    elif j == p == q:
                        expected = 2 * R[i, q]
                    else:
                        expected = 0
                    assert T[p, q, i, j] == expected
    eye, K = ox.identity(n * n), ox.commutation_matrix(n, n)
    close(((eye + K) @ ox.kron(ox.identity(n), R.T)).toarray(), J.toarray())
    assert str(J) == "I₃ ⊗ Rᵀ + (Rᵀ ⊗ I₃) K₄,₃"


def test_G7():
    """d f(X)ᵀ = (d f(X))ᵀ; d tr f(X) = tr(d f(X))."""
    f = lambda X: X @ X @ B  # noqa: E731
    df = ox.jvp(f, (A,), (B,))[1]
    close(ox.jvp(lambda X: f(X).T, (A,), (B,))[1], df.T)
    close(ox.jvp(lambda X: np.trace(f(X)), (A,), (B,))[1], np.trace(df))


def test_G8():
    """d det f(X) = det f(X) · tr(f(X)⁻¹ d f(X))."""
    f = lambda X: X @ X + B  # noqa: E731
    df = ox.jvp(f, (A,), (B,))[1]
    value, d = ox.jvp(lambda X: np.linalg.det(f(X)), (A,), (B,))
    close(value, np.linalg.det(f(A)))
    expected = value * np.trace(np.linalg.inv(f(A)) @ df)
    assert d == pytest.approx(expected, rel=100 * EPS * np.linalg.cond(f(A)))


def test_G9():
    """d f(X)⁻¹ = -f(X)⁻¹ (d f(X)) f(X)⁻¹."""
    f = lambda X: X @ X + 3 * X  # noqa: E731
    df = ox.jvp(f, (A,), (B,))[1]
    Y = np.linalg.inv(f(A))
    close(ox.jvp(lambda X: np.linalg.inv(f(X)), (A,), (B,))[1], -Y @ df @ Y)
    assert str(ox.jacobian(np.linalg.inv, A)).startswith("-")


def test_G10():
    """∂(aᵀX⁻¹b)/∂X = -X⁻ᵀ a bᵀ X⁻ᵀ."""
    a, b = rng.standard_normal((2, 3))
    X_inv_t = np.linalg.inv(A).T
    gradient = ox.gradient(lambda X: a @ np.linalg.inv(X) @ b, A)
    close(gradient, -X_inv_t @ np.outer(a, b) @ X_inv_t)


def test_G11():
    """∂(xᵀa)/∂x = aᵀ, ∂(aᵀx)/∂x = aᵀ, ∂(aᵀXb)/∂X = a bᵀ."""
    a, b, x = rng.standard_normal((3, 3))
    close(ox.jacobian(lambda x: x @ a, x).toarray(), a[None])
    close(ox.jacobian(lambda x: a @ x, x).toarray(), a[None])
    close(ox.gradient(lambda X: a @ X @ b, A), np.outer(a, b))


def test_G12():
    """∂(xᵀBx)/∂x = xᵀ(B + Bᵀ)."""
    x = rng.standard_normal(3)
    close(ox.gradient(lambda x: x @ B @ x, x), x @ (B + B.T))


def test_G13():
    """∂/∂s (x-As)ᵀW(x-As) = -2(x-As)ᵀWA for symmetric W."""
    x, s = rng.standard_normal((2, 3))
    W = B + B.T
    close(ox.gradient(lambda s: (x - A @ s) @ W @ (x - A @ s), s), -2 * (x - A @ s) @ W @ A)


def test_D1():
    """y = A x: ∂y/∂x = A; x scalar: J of shape (m, 1)."""
    x, a = rng.standard_normal((2, 3))
    close(ox.jacobian(lambda x: A @ x, x).toarray(), A)
    J = ox.jacobian(lambda x: x * a, 2.0)
    assert J.shape == (3, 1)
    close(J.toarray(), a[:, None])


def test_D2():
    """y = A x(z): ∂y/∂z = A ∂x/∂z."""
    z, x = rng.standard_normal(3), lambda z: np.sin(B @ z)
    J = ox.jacobian(lambda z: A @ x(z), z)
    close(J.toarray(), A @ ox.jacobian(x, z).toarray())
    close(J.toarray(), (ox.aslinearoperator(A) @ ox.jacobian(x, z)).toarray())


def test_D3():
    """α = yᵀAx: ∂α/∂y = xᵀAᵀ, ∂α/∂x = yᵀA."""
    x, y = rng.standard_normal((2, 3))
    dy, dx = ox.gradient(lambda y, x: y @ A @ x, y, x, wrt=(0, 1))
    close(dy, x @ A.T)
    close(dx, y @ A)


def test_D4():
    """α = xᵀAx: xᵀ(A + Aᵀ); A symmetric: 2xᵀA."""
    x, S = rng.standard_normal(3), A + A.T
    close(ox.gradient(lambda x: x @ A @ x, x), x @ (A + A.T))
    close(ox.gradient(lambda x: x @ S @ x, x), 2 * x @ S)


def test_D5():
    """α = y(z)ᵀx(z): xᵀ∂y/∂z + yᵀ∂x/∂z; α = xᵀx: 2xᵀ∂x/∂z."""
    z = rng.standard_normal(3)
    x, y = lambda z: np.sin(A @ z), lambda z: np.exp(B @ z)
    dx, dy = ox.jacobian(x, z), ox.jacobian(y, z)
    close(ox.gradient(lambda z: y(z) @ x(z), z), x(z) @ dy + y(z) @ dx)
    close(ox.gradient(lambda z: x(z) @ x(z), z), 2 * x(z) @ dx)


def test_D6():
    """α = y(z)ᵀA x(z): xᵀAᵀ∂y/∂z + yᵀA∂x/∂z."""
    z = rng.standard_normal(3)
    x, y = lambda z: np.sin(A @ z), lambda z: np.exp(B @ z)
    dx, dy = ox.jacobian(x, z), ox.jacobian(y, z)
    close(ox.gradient(lambda z: y(z) @ A @ x(z), z), x(z) @ A.T @ dy + y(z) @ A @ dx)


def test_D7():
    """α = (y-Ax)ᵀ(y-Ax): -2(y-Ax)ᵀA = -2yᵀA + 2xᵀAᵀA; Hessian 2AᵀA."""
    x, y = rng.standard_normal((2, 3))
    f = lambda x: (y - A @ x) @ (y - A @ x)  # noqa: E731
    gradient = ox.gradient(f, x)
    close(gradient, -2 * (y - A @ x) @ A)
    close(gradient, -2 * y @ A + 2 * x @ A.T @ A)
    close(ox.hessian(f, x).toarray(), 2 * A.T @ A)


def test_T1():
    """f = x³+2x²-5x+7: f′ = -5 at 0, 2 at 1."""
    f = lambda x: x**3 + 2 * x**2 - 5 * x + 7  # noqa: E731
    assert ox.gradient(f, 0.0) == -5
    assert ox.gradient(f, 1.0) == 2


def test_T2():
    """f = x₁²+3x₁x₂+x₂²: ∇f = (8, 7) at (1, 2)."""
    f = lambda x1, x2: x1**2 + 3 * x1 * x2 + x2**2  # noqa: E731
    assert ox.gradient(f, 1.0, 2.0, wrt=(0, 1)) == (8, 7)


def test_T3():
    """tr X → I; ‖X‖_F² → 2X."""
    close(ox.gradient(np.trace, A), I)
    close(ox.gradient(lambda X: np.trace(X.T @ X), A), 2 * A)


def test_T4():
    """(cos t, sin t, t²)′ = (-1, 0, π) at π/2; (x², x³)′ = (4, 12) at 2."""
    curve = ox.jacobian(lambda t: np.stack([np.cos(t), np.sin(t), t**2]), np.pi / 2)
    assert curve.shape == (3, 1)
    close(curve.tensor(), [-1, 0, np.pi])
    close(ox.jacobian(lambda x: np.stack([x**2, x**3]), 2.0).tensor(), [4.0, 12.0])


def test_T5():
    """(x₁²+x₂, x₁x₂, sin x₁ + cos x₂) at (1, 0): [[2, 1], [0, 1], [cos 1, 0]]."""

    def f(x):
        x1, x2 = x
        return np.stack([x1**2 + x2, x1 * x2, np.sin(x1) + np.cos(x2)])

    close(ox.jacobian(f, [1.0, 0.0]).toarray(), [[2, 1], [0, 1], [np.cos(1), 0]])


def test_T6():
    """J_h = J_f J_g for h = f∘g."""
    f, g = lambda X: X @ X, lambda X: X @ B
    h = ox.jacobian(lambda X: f(g(X)), A)
    close((ox.jacobian(f, g(A)) @ ox.jacobian(g, A)).toarray(), h.toarray())


def test_T7():
    """F = [[cos, sin], [-sin, cos]] and [[x, x²], [x³, x⁴]] by their scalar."""
    t = 0.7
    rotation = lambda t: np.block([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])  # noqa: E731
    expected = [[-np.sin(t), np.cos(t)], [-np.cos(t), -np.sin(t)]]
    close(ox.jacobian(rotation, t).tensor(), expected)
    powers = lambda x: np.block([[x, x**2], [x**3, x**4]])  # noqa: E731
    close(ox.jacobian(powers, 2.0).tensor(), [[1.0, 4.0], [12.0, 32.0]])


@pytest.mark.parametrize("out_shape", [(), (3,), (2, 4)], ids=("scalar", "vector", "matrix"))
@pytest.mark.parametrize("in_shape", [(), (5,), (3, 2)], ids=("scalar", "vector", "matrix"))
def test_T8(out_shape, in_shape):
    """The shape rule: out_shape + in_shape as a tensor, their sizes as an operator."""
    X, C = rng.standard_normal(in_shape), rng.standard_normal(out_shape + in_shape)
    J = ox.jacobian(lambda X: np.tensordot(C, np.sin(X), np.ndim(X)), X)
    assert (J.out_shape, J.in_shape) == (out_shape, in_shape)
    assert J.shape == (np.prod(out_shape, dtype=int), np.prod(in_shape, dtype=int))
    close(J.tensor(), C * np.cos(X))


def test_T9():
    """aᵀx → a, xᵀa → a, Ax → A = Aᵀ (denominator), xᵀA → A (denominator; J = Aᵀ)."""
    a, x = rng.standard_normal((2, 3))
    close(ox.gradient(lambda x: a @ x, x), a)
    close(ox.gradient(lambda x: x @ a, x), a)
    close(ox.jacobian(lambda x: A @ x, x).toarray(), A)
    close(ox.jacobian(lambda x: A @ x, x).T.toarray(), A.T)
    close(ox.jacobian(lambda x: x @ A, x).T.toarray(), A)
    close(ox.jacobian(lambda x: x @ A, x).toarray(), A.T)


def test_T10():
    """xᵀAx → (A+Aᵀ)x; A = [[2,1],[3,4]]: (4x₁+4x₂, 4x₁+8x₂); xᵀx → 2x."""
    x, C = rng.standard_normal(2), np.array([[2.0, 1.0], [3.0, 4.0]])
    gradient = ox.gradient(lambda x: x @ C @ x, x)
    close(gradient, (C + C.T) @ x)
    close(gradient, [4 * x[0] + 4 * x[1], 4 * x[0] + 8 * x[1]])
    close(ox.gradient(lambda x: x @ x, x), 2 * x)


def test_T11():
    """tr(AX) → Aᵀ, tr(XA) → Aᵀ, tr(AXB) → AᵀBᵀ."""
    X = rng.standard_normal((3, 3))
    close(ox.gradient(lambda X: np.trace(A @ X), X), A.T)
    close(ox.gradient(lambda X: np.trace(X @ A), X), A.T)
    close(ox.gradient(lambda X: np.trace(A @ X @ B), X), A.T @ B.T)


def test_T12():
    """det X → det(X) X⁻ᵀ; log det X → X⁻ᵀ."""
    X_inv_t = np.linalg.inv(A).T
    close(ox.gradient(np.linalg.det, A), np.linalg.det(A) * X_inv_t)
    close(ox.gradient(lambda X: np.log(np.linalg.det(X)), A), X_inv_t)
    close(ox.gradient(lambda X: np.linalg.slogdet(X).logabsdet, A), X_inv_t)


def test_T13():
    """∇J = -2Xᵀy + 2XᵀXβ; β* by QR, accurate where the normal equations lose all digits."""
    X, y, beta = rng.standard_normal((8, 3)), rng.standard_normal(8), rng.standard_normal(3)
    gradient = ox.gradient(lambda beta: (y - X @ beta) @ (y - X @ beta), beta)
    close(gradient, -2 * X.T @ y + 2 * X.T @ X @ beta)
    best = ox.lstsq_axb(X, np.eye(1), y[:, None])[:, 0]
    close(ox.gradient(lambda beta: (y - X @ beta) @ (y - X @ beta), best), np.zeros(3))
    # columns that differ by 1e-9: XᵀX is singular in double precision
    hard = np.hstack([np.ones((8, 1)), np.ones((8, 1)) + 1e-9 * X[:, :1]])
    exact = np.array([1.0, 2.0])
    found = ox.lstsq_axb(hard, np.eye(1), (hard @ exact)[:, None])[:, 0]
    assert np.abs(found - exact).max() <= 10 * EPS * np.linalg.cond(hard)
    assert np.linalg.cond(hard.T @ hard) > 1 / EPS


def test_T14():
    """∇_w (wᵀSw - λ(wᵀw-1)) = 2Sw - 2λw, zero exactly at eigenvectors."""
    S, w, lam = A @ A.T, rng.standard_normal(3), 0.7
    lagrangian = lambda w, lam: w @ S @ w - lam * (w @ w - 1)  # noqa: E731
    close(ox.gradient(lagrangian, w, lam), 2 * S @ w - 2 * lam * w)
    values, vectors = np.linalg.eigh(S)
    for value, vector in zip(values, vectors.T, strict=True):
        assert np.abs(ox.gradient(lagrangian, vector, value)).max() <= 100 * EPS * values[-1]
    assert np.abs(ox.gradient(lagrangian, w / np.linalg.norm(w), values[0])).max() > 1e-3


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_T15():
    """z = Wx+b, a = σ(z): ∂L/∂W = δxᵀ with δ = ∂L/∂z; a two-layer network end to end."""
    x, y, b = rng.standard_normal((3, 3))
    V, c = rng.standard_normal((2, 3)), rng.standard_normal(2)
    target = y[:2]
    loss = lambda a: (a - y) @ (a - y)  # noqa: E731
    delta = ox.gradient(lambda z: loss(sigmoid(z)), A @ x + b)
    close(ox.gradient(lambda W: loss(sigmoid(W @ x + b)), A), np.outer(delta, x))

    def network(W, b, V, c):
        a = sigmoid(V @ sigmoid(W @ x + b) + c)
        return (a - target) @ (a - target)

    a1 = sigmoid(A @ x + b)
    a2 = sigmoid(V @ a1 + c)
    delta2 = 2 * (a2 - target) * a2 * (1 - a2)
    delta1 = (V.T @ delta2) * a1 * (1 - a1)
    dW, db, dV, dc = ox.gradient(network, A, b, V, c, wrt=(0, 1, 2, 3))
    close(dV, np.outer(delta2, a1))
    close(dc, delta2)
    close(dW, np.outer(delta1, x))
    close(db, delta1)


def test_T16():
    """xᵀAx, A symmetric → 2A; symmetric; classifies critical points; Taylor remainder O(h³)."""
    S, x = A + A.T, rng.standard_normal(3)
    H = ox.hessian(lambda x: x @ S @ x, x)
    close(H.toarray(), 2 * S)
    assert str(H) == "2 S"
    f = lambda X: np.linalg.det(X) + np.sum(np.exp(X) * B)  # noqa: E731
    H = ox.hessian(f, A)
    close(H.toarray(), H.toarray().T)
    g = lambda p: p[0] ** 3 - 3 * p[0] + p[1] ** 2  # noqa: E731
    for point, signs in (([1.0, 0.0], [1, 1]), ([-1.0, 0.0], [-1, 1])):  # minimum, saddle
        assert not ox.gradient(g, point).any()
        assert np.sign(np.linalg.eigvalsh(ox.hessian(g, point).toarray())).tolist() == signs
    G = ox.gradient(f, A)
    model = lambda d: f(A) + np.sum(G * d) + ox.vec(d) @ (H @ ox.vec(d)) / 2  # noqa: E731
    remainder = [abs(f(A + h * B) - model(h * B)) for h in (1e-2, 5e-3)]
    assert remainder[0] / remainder[1] == pytest.approx(8, rel=5e-2)


def test_T17():
    """x - J⁻¹f solves f = 0; x - H⁻¹∇f finds a minimum."""
    circle_and_line = lambda x: np.stack([x @ x - 4, x[0] - x[1]])  # noqa: E731
    x = np.array([1.0, 2.0])
    for _ in range(6):
        value, J = ox.linearize(circle_and_line, x)
        x = x - J.solve(value)
    close(x, np.sqrt([2.0, 2.0]))
    close(ox.root(circle_and_line, [1.0, 2.0]).x, x)
    f = lambda x: np.sum(np.exp(x) - 2 * x) + (x[0] - x[1]) ** 2  # noqa: E731
    for _ in range(6):
        x = x - ox.hessian(f, x).solve(ox.gradient(f, x))
    close(x, np.log([2.0, 2.0]))


def test_T18():
    """Linearity, product, inverse, trace and determinant rules; df = tr((∂f/∂X)ᵀ dX)."""
    X, dX = A, B
    U, V = lambda X: X @ X, lambda X: np.exp(X)
    d = lambda f: ox.jvp(f, (X,), (dX,))[1]  # noqa: E731
    close(d(lambda X: 2 * U(X) + 3 * V(X)), 2 * d(U) + 3 * d(V))
    close(d(lambda X: U(X) @ V(X)), d(U) @ V(X) + U(X) @ d(V))
    X_inv = np.linalg.inv(X)
    close(d(np.linalg.inv), -X_inv @ dX @ X_inv)
    close(d(lambda X: np.trace(U(X))), np.trace(d(U)))
    close(d(np.linalg.det), np.linalg.det(X) * np.trace(X_inv @ dX))
    f = lambda X: np.linalg.det(X @ X) + np.trace(X @ B @ X)  # noqa: E731
    close(d(f), np.trace(ox.gradient(f, X).T @ dX))


def test_T19():
    """vec [[1,3],[2,4]] = (1,2,3,4); a 2 by 2 Kronecker product in numbers."""
    assert ox.vec([[1, 3], [2, 4]]).tolist() == [1, 2, 3, 4]
    K = ox.kron([[1, 2], [3, 4]], [[5, 6], [7, 8]])
    assert K.toarray().tolist() == [
        [5, 6, 10, 12],
        [7, 8, 14, 16],
        [15, 18, 20, 24],
        [21, 24, 28, 32],
    ]


def test_T20():
    """vec(ABC) = (Cᵀ⊗A) vec B."""
    P, Q, R = (rng.standard_normal(s) for s in ((2, 3), (3, 4), (4, 5)))
    close(ox.kron(R.T, P) @ ox.vec(Q), ox.vec(P @ Q @ R))
    close(ox.kron(R.T, P)(Q), P @ Q @ R)
    assert str(ox.jacobian(lambda Q: P @ Q @ R, Q)) == "Rᵀ ⊗ P"


def test_T21():
    """AXB = C solved through vec, without forming Bᵀ⊗A."""
    C = rng.standard_normal((3, 3))
    X = ox.solve(lambda X: A @ X @ B, C)
    K = ox.kron(B.T, A)
    assert np.abs(K @ ox.vec(X) - ox.vec(C)).max() < 1e-12
    close(ox.solve_axb(A, B, C), X)


def test_T22(monkeypatch):
    """f = sin x₁ + x₁x₂ at (2, 3), forward and reverse; the sweeps are counted."""
    from otimes._lower import Program

    f = lambda x1, x2: np.sin(x1) + x1 * x2  # noqa: E731
    value, d1 = ox.jvp(f, (2.0, 3.0), (1.0, 0.0))
    _, d2 = ox.jvp(f, (2.0, 3.0), (0.0, 1.0))
    assert value == pytest.approx(6.909, abs=1e-3)
    assert (d1, d2) == (pytest.approx(np.cos(2) + 3, rel=1e-15), 2)
    _, pullback = ox.vjp(f, 2.0, 3.0)
    assert pullback(1.0) == (pytest.approx(np.cos(2) + 3, rel=1e-15), 2)
    # of g: R³ → R², forward needs a pass for each input, reverse one for each output
    g, x = lambda x: np.sin(A[:2] @ x), rng.standard_normal(3)
    counts = {"push": 0, "pull": 0}
    sweeps = {name: getattr(Program, name) for name in counts}
    for name, sweep in sweeps.items():

        def counted(self, *given, name=name, sweep=sweep):
            counts[name] += 1
            return sweep(self, *given)

        monkeypatch.setattr(Program, name, counted)
    J = np.cos(A[:2] @ x)[:, None] * A[:2]
    close(np.transpose([ox.jvp(g, (x,), (v,))[1] for v in np.eye(3)]), J)
    _, pullback = ox.vjp(g, x)
    close(np.array([pullback(w)[0] for w in np.eye(2)]), J)
    assert counts == {"push": 3, "pull": 2}


def test_T23():
    """log Σ exp at 1000 does not overflow, nor does its gradient, the softmax."""
    x = np.array([1000.0, 1001.0, 1002.0])

    def log_sum_exp(x):
        top = np.max(x)
        return top + np.log(np.sum(np.exp(x - top)))

    weights = np.exp([-2.0, -1.0, 0.0])
    close(log_sum_exp(x), 1002 + np.log(weights.sum()))
    close(ox.gradient(log_sum_exp, x), weights / weights.sum())


def test_T24():
    """The practice problems."""
    f = lambda x: 3 * x[0] ** 2 + 2 * x[0] * x[1] + x[1] ** 2  # noqa: E731
    x = rng.standard_normal(2)
    close(ox.gradient(f, x), [6 * x[0] + 2 * x[1], 2 * x[0] + 2 * x[1]])
    J = ox.jacobian(lambda x: np.stack([x[0] + x[1], x[0] - x[1]]), x)
    close(J.toarray(), [[1.0, 1.0], [1.0, -1.0]])
    Q, c = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])
    close(ox.gradient(lambda x: x @ Q @ x, x), [4 * x[0] + 2 * x[1], 2 * x[0] + 6 * x[1]])
    objective = lambda x: x @ Q @ x / 2 - c @ x  # noqa: E731
    H = ox.hessian(objective, x)
    close(H.toarray(), Q)
    best = x - H.solve(ox.gradient(objective, x))
    close(best, np.linalg.solve(Q, c))
    close(ox.gradient(objective, best), np.zeros(2))


def test_A1():
    """φ(x) = (x³, x², x, 1) has the Jacobian (3x², 2x, 1, 0)."""
    x = 1.5
    J = ox.jacobian(lambda x: np.stack([x**3, x**2, x, 1.0]), x)
    assert J.shape == (4, 1)
    close(J.toarray()[:, 0], [3 * x**2, 2 * x, 1, 0])
    points = rng.standard_normal(5)  # the design matrix of five points, row by row
    design = ox.jacobian(lambda x: np.stack([x**3, x**2, x, np.ones(5)], axis=1), points)
    expected = np.stack([3 * points**2, 2 * points, np.ones(5), np.zeros(5)], axis=1)
    close(design.tensor(), np.eye(5)[:, None, :] * expected[:, :, None])


def test_A2():
    """f_L∘…∘f₁ with f_ℓ = σ(A_ℓ x + b_ℓ): derivative by every A_ℓ and b_ℓ."""
    x = rng.standard_normal(3)
    weights, biases = rng.standard_normal((3, 3, 3)), rng.standard_normal((3, 3))

    def network(A1, b1, A2, b2, A3, b3):
        layer1 = np.tanh(A1 @ x + b1)
        layer2 = np.tanh(A2 @ layer1 + b2)
        return np.tanh(A3 @ layer2 + b3)

    parameters = [p for pair in zip(weights, biases, strict=True) for p in pair]
    by_parameter = ox.jacobian(network, *parameters, wrt=tuple(range(6)))
    # the text's chain rule, from the last layer to the first
    layers = [x]
    for W, b in zip(weights, biases, strict=True):
        layers.append(np.tanh(W @ layers[-1] + b))
    chain = I
    for k in (2, 1, 0):
        chain = chain @ np.diag(1 - layers[k + 1] ** 2)
        close(by_parameter[2 * k].toarray(), chain @ np.kron(layers[k], I))
        close(by_parameter[2 * k + 1].toarray(), chain)
        chain = chain @ weights[k]


def test_A3():
    """d/dθ xᵀA(θ)x and d/dA ‖Ax - y‖²."""
    x, y = rng.standard_normal((2, 3))
    A_of = lambda theta: np.exp(theta * B)  # noqa: E731
    derivative = ox.jacobian(A_of, 0.3)
    close(ox.gradient(lambda theta: x @ A_of(theta) @ x, 0.3), x @ derivative.tensor() @ x)
    close(x @ derivative.tensor() @ x, x @ (B * np.exp(0.3 * B)) @ x)
    gradient = ox.gradient(lambda A: (A @ x - y) @ (A @ x - y), A)
    close(gradient, 2 * np.outer(A @ x - y, x))


def test_A4():
    """∂f_pq/∂X_mn = Σ_rs ∂f_pq/∂A_rs · ∂A_rs/∂X_mn."""
    C = rng.standard_normal((2, 3))
    inner, outer = lambda X: C @ X @ B, lambda Y: Y @ Y.T
    df, dA = ox.jacobian(outer, inner(A)).tensor(), ox.jacobian(inner, A).tensor()
    expected = ox.jacobian(lambda X: outer(inner(X)), A).tensor()
    assert expected.shape == (2, 2, 3, 3)
    close(np.einsum("pqrs,rsmn->pqmn", df, dA), expected)


def test_A5():
    """dvec f/dvec X = dvec f/dvec A · dvec A/dvec X, where plain matmul of the tensors is wrong."""
    inner, outer = lambda X: X @ B, lambda Y: Y @ Y
    df, dA = ox.jacobian(outer, inner(A)), ox.jacobian(inner, A)
    composed = ox.jacobian(lambda X: outer(inner(X)), A)
    close((df @ dA).toarray(), composed.toarray())
    plain = df.tensor() @ dA.tensor()
    assert np.abs(plain - composed.tensor()).max() > 0.1
    with pytest.raises(ValueError, match=r"9 columns meet 4 rows"):
        df @ ox.jacobian(lambda X: X @ X, np.eye(2))


def test_A6():
    """f = Ax by A has shape M×(M×N), with xᵀ in row i of block i and zeros elsewhere."""
    M, N = 4, 3
    W, x = rng.standard_normal((M, N)), rng.standard_normal(N)
    J = ox.jacobian(lambda W: W @ x, W)
    assert J.out_shape + J.in_shape == (M, M, N)
    close(J.tensor(), np.einsum("ik,j->ikj", np.eye(M), x))
    assert str(J) == "xᵀ ⊗ I₄"


def test_every_claim_has_a_test_and_an_example():
    """M1–M4, G1–G13, D1–D7, T1–T24, A1–A6, in this file and in the gallery."""
    ids = [f"{text}{k}" for text, n in CLAIMS.items() for k in range(1, n + 1)]
    assert len(ids) == 54
    assert [name for name in ids if f"test_{name}" not in globals()] == []
    gallery = (Path(__file__).parent.parent / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert re.findall(r"^### ([MGDTA]\d+) ", gallery, re.MULTILINE) == ids
