"""Claims of course texts on matrix calculus, each as running code.

M: MIT 18.S096, vectorization and Kronecker products. G: Mathematics for Machine Learning,
gradients. D: matrix and vector differentiation, lecture notes. T: matrix calculus derivatives, a
tutorial. f is written as a student would write it; the right-hand side is the text's own formula.
"""

import numpy as np
import pytest

import otimes as ox

rng = np.random.default_rng(18)
A = rng.standard_normal((3, 3)) + 2 * np.eye(3)
B = rng.standard_normal((3, 3))
I = np.eye(3)
EPS = np.finfo(float).eps


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


def test_G2():
    """f(x) = A x: J = A."""
    x = rng.standard_normal(3)
    J = ox.jacobian(lambda x: A @ x, x)
    close(J.toarray(), A)
    assert str(J) == "A"


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


def test_D7():
    """α = (y-Ax)ᵀ(y-Ax): -2(y-Ax)ᵀA = -2yᵀA + 2xᵀAᵀA."""
    x, y = rng.standard_normal((2, 3))
    gradient = ox.gradient(lambda x: (y - A @ x) @ (y - A @ x), x)
    close(gradient, -2 * (y - A @ x) @ A)
    close(gradient, -2 * y @ A + 2 * x @ A.T @ A)


def test_T3():
    """tr X → I; ‖X‖_F² → 2X."""
    close(ox.gradient(np.trace, A), I)
    close(ox.gradient(lambda X: np.trace(X.T @ X), A), 2 * A)


def test_T6():
    """J_h = J_f J_g for h = f∘g."""
    f, g = lambda X: X @ X, lambda X: X @ B
    h = ox.jacobian(lambda X: f(g(X)), A)
    close((ox.jacobian(f, g(A)) @ ox.jacobian(g, A)).toarray(), h.toarray())


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
