"""Hessians and other derivatives of derivatives, and functions of several arguments and results."""

import pickle

import numpy as np
import pytest

import oracle
import otimes as ox
from otimes import _primitives, _rearrangements

rng = np.random.default_rng(12)
A = rng.standard_normal((3, 3)) + 4 * np.eye(3)
B, Q = rng.standard_normal((2, 3, 3))
v = rng.standard_normal(3)

EPS = np.finfo(float).eps


def close(actual, expected, tolerance=100 * EPS):
    """Equal up to rounding, or to the error of the differences."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= tolerance * max(1, np.abs(expected).max())


COSTS = {
    "quadratic": lambda X: np.trace(X @ X @ B),
    "inverse": lambda X: np.trace(np.linalg.inv(X) @ Q @ X @ X),
    "elementwise": lambda X: np.trace(np.exp(X / 5) @ X.T + (X * X + 1) ** 1.5),
    "quotient": lambda X: np.trace(X / (X * X + 1).T),
    "kron": lambda X: np.trace(np.kron(X, X @ B) @ np.kron(X, Q)),
    "entries": lambda X: (X[0] @ X @ X[:, 1]) * X[1, 2],
    "stacks": lambda X: np.einsum("bij,bij->", np.stack([X, X @ X]), np.stack([X * X, X])),
    "sylvester": lambda X: np.trace(ox.solve_sylvester(X, X.T, Q @ X) @ Q),
    "solve": lambda X: np.trace(ox.solve(lambda Y: X @ Y @ B + 9 * Y, X @ X) @ Q),
    "exponential": lambda X: np.trace(ox.expm(X / 3) @ Q),
    "logarithm": lambda X: np.trace(ox.logm(X) @ Q @ X),
    "square root": lambda X: np.trace(ox.sqrtm(X) @ Q @ X),
    "jacobian times vector": lambda X: v @ (ox.jacobian(lambda Y: Y @ Y @ X @ v, X) @ X.ravel()),
    "adjoint": lambda X: (ox.jacobian(lambda Y: Y @ Y @ X, X).T @ np.ones(9)) @ X.ravel(),
    "jacobian as an array": lambda X: np.trace(ox.jacobian(lambda Y: Y @ X @ Y, X).toarray()),
    "image": lambda X: np.trace(ox.jacobian(lambda Y: Y @ X @ Y, X)(X @ X)),
    "jvp": lambda X: np.trace(ox.jvp(lambda Y: Y @ X @ Y, (X,), (X,))[1]),
    "vjp": lambda X: np.trace(ox.vjp(lambda Y: Y @ X @ Y, X)[1](X @ X)[0]),
}


@pytest.mark.parametrize("f", COSTS.values(), ids=COSTS)
def test_second_and_third_derivatives(f):
    close(ox.vec(ox.gradient(f, A)), oracle.jacobian(f, A).ravel(), 1e-8)
    H = ox.hessian(f, A)
    close(H.toarray(), oracle.jacobian(lambda X: ox.gradient(f, X), A), 1e-8)
    close(H.toarray(), H.toarray().T, 1e-12)
    close(ox.jacobian(lambda X: ox.gradient(f, X), A).toarray(), H.toarray(), 1e-12)
    d = rng.standard_normal(9)
    close(H @ d, H.toarray() @ d, 1e-12)
    third = ox.jvp(lambda X: ox.hessian(f, X) @ d, (A,), (Q,))[1]
    expected = oracle.jacobian(lambda t: ox.hessian(f, A + t * Q) @ d, np.zeros(()))
    close(third, expected.ravel(), 1e-7)


def test_text_of_hessians():
    """xᵀAx → A + Aᵀ, tr(XᵀAX) → I⊗A + I⊗Aᵀ."""
    H = ox.hessian(lambda x: x @ A @ x, v)
    assert str(H) == "A + Aᵀ"
    assert H.T is H
    assert H.H is H
    assert str(ox.hessian(lambda X: np.trace(X.T @ A @ X), B)) == "I₃ ⊗ A + I₃ ⊗ Aᵀ"
    assert [t for *_, t in ox.hessian(lambda X: np.trace(X @ X), A).terms] == [True]


def test_hessian_of_least_squares():
    """(y - Ax)ᵀ(y - Ax) → 2AᵀA, and Newton's step from it."""
    y = rng.standard_normal(3)
    f = lambda x: (y - A @ x) @ (y - A @ x)  # noqa: E731
    H = ox.hessian(f, v)
    close(H.toarray(), 2 * A.T @ A)
    x = v - H.solve(ox.gradient(f, v))
    close(A @ x, y, 1e-12)


def test_blocks():
    f = lambda x, Y: x @ Y @ Y @ x  # noqa: E731
    ((xx, xy), (yx, yy)) = ox.hessian(f, v, A, wrt=(0, 1))
    close(xx.toarray(), A @ A + (A @ A).T)
    close(xy.toarray(), yx.toarray().T)
    close(yy.toarray(), ox.hessian(lambda Y: f(v, Y), A).toarray())
    expected = oracle.jacobian(lambda Y: ox.gradient(f, v, Y), A)
    close(xy.toarray(), expected, 1e-8)
    ((zero, _), _) = ox.hessian(lambda x, y: x @ A @ y, v, v, wrt=(0, 1))
    close(zero.toarray(), np.zeros((3, 3)))
    assert ox.hessian(f)(v, A).shape == (3, 3)
    assert ox.hessian(f, v, A, wrt=-1).shape == (9, 9)


def test_errors_of_hessians():
    with pytest.raises(ValueError, match=r"f's result has shape \(3,\), but must be a number"):
        ox.hessian(lambda x: x, v)
    with pytest.raises(NotImplementedError, match="no structure: use J @ v"):
        ox.gradient(lambda X: ox.jacobian(lambda Y: X @ Y, X).terms, A)
    with pytest.raises(ValueError, match=r"x needs shape \(9,\) or \(9, k\)"):
        ox.jacobian(lambda X: ox.jacobian(lambda Y: X @ Y, X) @ np.ones(4), A)


# --- several arguments and results ---------------------------------------------------------------


def test_tuples():
    calls = []

    def f(x, Y):
        calls.append(None)
        return Y @ x, x @ x, v

    (Jx, JY), (gx, gY), (zx, zY) = (
        row for row in _without_warning(lambda: ox.jacobian(f, v, A, wrt=(0, 1)))
    )
    assert len(calls) == 1
    close(Jx.toarray(), A)
    close(JY.toarray(), np.kron(v[None], np.eye(3)))
    close(gx.toarray(), 2 * v[None])
    assert [op.shape for op in (gY, zx, zY)] == [(1, 9), (3, 3), (3, 9)]
    for op in (gY, zx, zY):
        assert not op.toarray().any()
    value, pushed = ox.jvp(f, (v, A), (v, B))
    close(value[1], v @ v)
    close(pushed[0], B @ v + A @ v)
    close(pushed[2], np.zeros(3))
    value, pullback = ox.vjp(f, v, A)
    wx, wY = pullback((v, 2.0, v))
    close(wx, A.T @ v + 4 * v)
    close(wY, np.outer(v, v))
    values, (J, *_) = _without_warning(lambda: ox.linearize(f, v, A))
    close(values[0], A @ v)
    close(J.toarray(), A)
    with pytest.raises(ValueError, match=r"w has shape \(3,\) and \(3,\) and \(3,\), but f's"):
        pullback((v, v, v))


def _without_warning(call):
    with pytest.warns(UserWarning, match="does not depend on its argument"):
        return call()


def test_identity_and_repeated_results():
    J, K = ox.jacobian(lambda X: (X, X), A)
    assert str(J) == str(K) == "I₉"
    assert ox.vjp(lambda X: (X, X), A)[1]((A, B))[0].tolist() == (A + B).tolist()


def test_scalars_tensors_and_integers():
    T = np.arange(24).reshape(2, 3, 4)
    J = ox.jacobian(lambda T, t: t * T[0], T, 3)
    assert (J.in_shape, J.out_shape, J.dtype) == ((2, 3, 4), (3, 4), np.float64)
    Jt = ox.jacobian(lambda T, t: t * T[0], T, 3, wrt=1)
    close(Jt.toarray()[:, 0], T[0].ravel(order="F").astype(float))


# --- real variables, complex values --------------------------------------------------------------

C = B + 1j * Q
REAL_LINEAR = {
    "real part": lambda X: (C @ X).real,
    "imaginary part": lambda X: (C @ X @ X).imag,
    "conjugate": lambda X: np.conj(C @ X) @ C @ X,
    "squared modulus": lambda X: ((C @ X).conj() * (C @ X)).real.T,
    "vdot": lambda X: np.vdot(C @ X, X @ C),
    "parts combined": lambda X: (C @ X).real @ X + (C @ X).imag,
}


@pytest.mark.parametrize("f", REAL_LINEAR.values(), ids=REAL_LINEAR)
def test_real_variables_through_complex_values(f):
    J, expected = ox.jacobian(f, A), oracle.jacobian(f, A)
    d, w = (rng.standard_normal(n) + 1j * rng.standard_normal(n) for n in (9, len(expected)))
    close(J.toarray(), expected, 1e-9)
    close(J @ d, expected @ d, 1e-9)
    close(J.T @ w, expected.T @ w, 1e-9)
    program = J.program
    close(np.ravel(program.push_complex(d.reshape(3, 3).T), order="F"), expected @ d, 1e-9)
    cotangent = w.reshape(J.out_shape, order="F")
    close(ox.vec(program.pull_complex(cotangent)), expected.T @ w, 1e-9)


def test_complex_variables_that_are_conjugated():
    f = lambda Z: Z.conj() @ Z  # noqa: E731
    close(ox.jvp(f, (C,), (A,))[1], A @ C + C.conj() @ A)
    with pytest.raises(NotImplementedError, match=r"np.conj of a complex variable.*otimes.jvp"):
        ox.jacobian(f, C)
    with pytest.raises(NotImplementedError, match=r"the real or imaginary part of a complex var"):
        ox.gradient(lambda Z: np.trace(Z).imag, C)


# --- snapshots, methods, price --------------------------------------------------------------------


def test_constants_that_change_inside_f():
    def f(X):
        M = np.eye(3)
        Y = M @ X
        M[0, 0] = 5
        return M @ Y + M @ Y

    close(ox.jacobian(f, A).toarray(), np.kron(np.eye(3), np.diag([10.0, 2, 2])))


def test_arguments_and_values_are_read_only():
    def writes(x, Y):
        Y += 1
        return Y @ x

    def writes_a_value(X):
        Y = ox.stop_gradient(X @ X)
        Y += 1
        return X

    with pytest.raises(ValueError, match="read-only"):
        ox.jacobian(writes, v, A)
    with pytest.raises(ValueError, match="read-only"):
        ox.jacobian(writes_a_value, A)


def test_methods_and_attributes():
    def f(X):
        assert 0.0 not in X
        assert X[0, 0] in X
        assert (X.nbytes, X.itemsize) == (72, 8)
        assert X.argmax() == ox.stop_gradient(X).argmax()
        assert np.zeros_like(X).tolist() == np.zeros((3, 3)).tolist()
        assert np.allclose(X, X)
        assert X.real.astype(np.float64).shape == X.flat.reshape(3, 3).shape
        assert not X.imag.any()
        a, b, c = X
        return a * X.diagonal() + b.dot(c) + X.swapaxes(0, 1).take([0, 4, 8]) + X.trace()

    expected = oracle.jacobian(
        lambda X: X[0] * X.diagonal() + X[1] @ X[2] + X.diagonal() + X.trace(), A
    )
    close(ox.jacobian(f, A).toarray(), expected, 1e-9)


def test_operators_times_traced_arrays():
    K = ox.kron(A, B)
    D = K.toarray()
    close(ox.jacobian(lambda x: K @ x, np.ones(9)).toarray(), D)
    close(ox.jacobian(lambda x: x @ K, np.ones(9)).toarray(), D.T)
    close(ox.hessian(lambda x: x @ (K @ x), np.ones(9)).toarray(), D + D.T)
    two = ox.jacobian(lambda X: K @ np.stack([X.ravel(), X.ravel()], axis=1), A)
    close(two @ ox.vec(B), np.ravel(np.stack([D @ B.ravel()] * 2, axis=1), order="F"))


def test_passes_are_counted():
    """T22: sin x₁ + x₁x₂ at (2, 3): one forward pass for each input, one reverse pass for both."""
    f = lambda x, y: np.sin(x) + x * y  # noqa: E731
    assert f(2, 3) == pytest.approx(6.909, abs=1e-3)
    counted = _counting()
    with counted:
        close(ox.gradient(f, 2.0, 3.0, wrt=(0, 1)), [np.cos(2) + 3, 2])
    reverse = counted.calls
    with counted:
        dx, dy = (ox.jvp(f, (2.0, 3.0), d)[1] for d in ((1.0, 0.0), (0.0, 1.0)))
    close([dx, dy], [np.cos(2) + 3, 2])
    assert counted.calls == 2 * reverse


@pytest.mark.parametrize("n", [10, 20])
def test_products_are_counted(n):
    """Squaring ten times costs 20 products in J v and 20 in Jᵀ w; a Hessian's product a few."""

    def f(X):
        for _ in range(10):
            X = X @ X
        return X

    J = ox.jacobian(f, rng.standard_normal((n, n)) / (2 * n))
    counted = _counting(_primitives.LeftMultiply, _primitives.RightMultiply)
    for op in (J, J.T):
        with counted:
            op._sweep(np.ones((n, n)))
        assert counted.calls == 20


def _counting(*kinds):
    """A context that counts how often primitives are applied."""
    kinds = kinds or (_primitives.Scale, _primitives.Same)

    class Counting:
        def __enter__(self):
            self.calls, self.patch = 0, pytest.MonkeyPatch()
            for kind in kinds:
                self.patch.setattr(kind, "apply", self.counted(kind.apply))

        def counted(self, apply):
            def counting(primitive, d):
                self.calls += 1
                return apply(primitive, d)

            return counting

        def __exit__(self, *error):
            self.patch.undo()

    return Counting()


def test_a_loop_over_rows_costs_one_matrix():
    """Cotangents of the rows are added at their place, not as matrices of zeros."""
    made = []
    with pytest.MonkeyPatch.context() as patch:
        apply = _rearrangements.Embedding.apply
        patch.setattr(
            _rearrangements.Embedding, "apply", lambda p, d: made.append(p) or apply(p, d)
        )
        X = rng.standard_normal((50, 3))
        G = ox.gradient(lambda X: sum(row @ row for row in X), X)
    close(G, 2 * X)
    assert len(made) == 1


# --- depth ---------------------------------------------------------------------------------------


def alternating(X):
    for _ in range(5000):
        X = np.sin(X @ B / 3)
    return X


def skipping(X):
    Y = X
    for _ in range(3000):
        X, Y = np.sin(X) / 2 + Y / 3, X
    return X


@pytest.mark.parametrize("f", [alternating, skipping])
def test_ten_thousand_operations_of_any_kind(f):
    """No recursion in sweeps, lowering, display or pickling, and no sum over all paths."""
    J = ox.jacobian(f, A)
    d = np.ones(9)
    assert str(J) == "Sweeps"
    again = pickle.loads(pickle.dumps(J))
    np.testing.assert_array_equal(again @ d, J @ d)
    np.testing.assert_array_equal(again.T @ d, J.T @ d)
    assert J._structure().T.T.shape == (9, 9)
