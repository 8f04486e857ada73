"""jacobian, linearize, jvp, vjp and gradient against finite differences and their own laws."""

import functools
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import otimes as ox
from functions import CASES, POINT, B, v

EPS = np.finfo(float).eps


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def f(request):
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def close(actual, expected, factor=100):
    """Equal up to rounding: `factor` eps of the largest entry."""
    scale = max(np.abs(expected).max(initial=0), 1)
    assert np.shape(actual) == np.shape(expected)
    assert np.abs(np.asarray(actual) - expected).max(initial=0) <= factor * EPS * scale


# --- laws, each over all functions ---------------------------------------------------------------


def test_jacobian_equals_differences(f):
    J = ox.jacobian(f, POINT)
    expected = oracle.jacobian(f, POINT)
    assert J.in_shape == POINT.shape
    assert J.out_shape == np.shape(f(POINT))
    # the differences lose eps/step of the function, and step⁶ of its seventh derivative
    assert np.abs(J.toarray() - expected).max() <= 1e-9 * max(1, np.abs(expected).max())


def test_products_are_sweeps_and_agree_with_the_structure(f, rng):
    J = ox.jacobian(f, POINT)
    D = J.toarray()
    x, w = rng.standard_normal((9, 2)), rng.standard_normal((J.shape[0], 2))
    close(J @ x, D @ x)
    close(J @ x[:, 0], D @ x[:, 0])
    close(J.T @ w, D.T @ w)
    close(w.T @ J, w.T @ D)
    close(J.T.T @ x, D @ x)
    close(J.H @ w, D.T @ w)
    close(J(x[:, 0].reshape(3, 3, order="F")), (D @ x[:, 0]).reshape(J.out_shape, order="F"))


def test_linearize_gives_value_and_jacobian(f):
    value, J = ox.linearize(f, POINT)
    close(value, f(POINT), 1)  # the operator ** and np.power may round differently
    close(J.toarray(), ox.jacobian(f, POINT).toarray(), 0)


def test_jvp_and_vjp(f, rng):
    dX = rng.standard_normal((3, 3))
    D = ox.jacobian(f, POINT).toarray()
    value, pushed = ox.jvp(f, (POINT,), (dX,))
    close(value, f(POINT), 1)
    close(np.ravel(pushed, order="F"), D @ ox.vec(dX))
    value, pullback = ox.vjp(f, POINT)
    w = rng.standard_normal(np.shape(value))
    (pulled,) = pullback(w)
    close(ox.vec(pulled), D.T @ np.ravel(w, order="F"))
    # <w, J dX> = <Jᵀ w, dX>
    assert np.sum(w * pushed) == pytest.approx(np.sum(pulled * dX), rel=1e-13, abs=1e-12)


def test_display_of_every_structure(f):
    J = ox.jacobian(f, POINT)
    assert str(J)
    assert str(J) in repr(J)
    latex = J._repr_latex_()
    assert latex.startswith("$\\displaystyle ")
    assert latex.count("{") == latex.count("}")


def test_float32_stays_float32():
    A = POINT.astype(np.float32)
    J = ox.jacobian(lambda A: 2 * A @ A - A.T, A)
    assert J.dtype == np.float32
    assert (J @ np.ones(9, np.float32)).dtype == np.float32
    assert ox.gradient(np.linalg.det, A).dtype == np.float32


def test_functions_cannot_write_to_their_arguments():
    def f(A, X):
        X += 1
        return A @ X

    with pytest.raises(ValueError, match="read-only"):
        ox.jacobian(f, POINT, B)


def test_integers_become_float64():
    J = ox.jacobian(lambda A: A @ A, [[1, 2], [3, 4]])
    assert J.dtype == np.float64
    assert J.toarray().tolist() == [[2, 2, 3, 0], [3, 5, 0, 3], [2, 0, 5, 2], [0, 2, 3, 8]]


def test_complex_analytic():
    A = POINT + 1j * B
    f = lambda A: np.linalg.inv(A) @ A.T - np.exp(A) * 2j  # noqa: E731
    D = ox.jacobian(f, A).toarray()
    real = oracle.jacobian(lambda X: f(X + 1j * B), POINT)  # along the real axis: f is analytic
    assert np.abs(D - real).max() < 1e-9 * np.abs(real).max()


@given(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4))
def test_every_shape(m, n, k):
    rng = np.random.default_rng(5)
    A, C = rng.standard_normal((m, n)), rng.standard_normal((n, k))
    J = ox.jacobian(lambda X: X @ C, A)
    assert J.shape == (m * k, m * n)
    close(J.toarray(), np.kron(C.T, np.eye(m)))
    close(ox.jacobian(lambda X: X.T, A).toarray(), oracle.commutation(m, n))
    assert ox.gradient(lambda X: np.trace(X @ X.T), A).shape == (m, n)


def test_scalars_and_vectors():
    J = ox.jacobian(lambda t: t * B, 2.0)
    assert J.shape == (9, 1)
    close(J.toarray()[:, 0], ox.vec(B))
    assert ox.gradient(lambda t: t**3, 2.0) == 12.0
    assert ox.gradient(lambda t: t**3, 2.0).shape == ()
    J = ox.jacobian(lambda x: x, v)
    assert J.in_shape == (3,)
    assert str(J) == "I₃"


def test_power_at_zero_has_the_limit_as_derivative():
    assert ox.gradient(lambda t: t**0, 0.0) == 0.0
    assert ox.gradient(lambda t: t**1, 0.0) == 1.0
    assert ox.gradient(lambda k: 0.0**k, 2.0) == 0.0


def test_det_of_a_singular_matrix_has_a_gradient():
    X = np.array([[1.0, 2.0], [2.0, 4.0]])
    close(ox.gradient(np.linalg.det, X), np.array([[4.0, -2.0], [-2.0, 1.0]]))
    close(ox.gradient(np.linalg.det, np.zeros((2, 2))), np.zeros((2, 2)))


# --- several arguments ---------------------------------------------------------------------------


def test_wrt():
    f = lambda A, x: A @ x  # noqa: E731
    JA, Jx = ox.jacobian(f, B, v, wrt=(0, 1))
    close(JA.toarray(), np.kron(v[None], np.eye(3)))
    close(Jx.toarray(), B)
    close(ox.jacobian(f, B, v, wrt=-1).toarray(), B)
    assert str(JA) == "xᵀ ⊗ I₃"
    assert str(Jx) == "A"
    value, (LA, _) = ox.linearize(f, B, v, wrt=(0, 1))
    close(value, B @ v)
    close(LA.toarray(), JA.toarray())
    g0, g1 = ox.gradient(lambda A, x: x @ A @ x, B, v, wrt=(0, 1))
    close(g0, np.outer(v, v))
    close(g1, (B + B.T) @ v)


def test_jvp_and_vjp_of_several_arguments(rng):
    dA, dx = rng.standard_normal((3, 3)), rng.standard_normal(3)
    value, pushed = ox.jvp(lambda A, x: A @ x, (B, v), (dA, dx))
    close(value, B @ v)
    close(pushed, dA @ v + B @ dx)
    _, pullback = ox.vjp(lambda A, x: A @ x, B, v)
    w = rng.standard_normal(3)
    wA, wx = pullback(w)
    close(wA, np.outer(w, v))
    close(wx, B.T @ w)


def test_without_a_point_a_function_of_it():
    close(ox.jacobian(lambda A: A @ A)(B).toarray(), ox.jacobian(lambda A: A @ A, B).toarray(), 0)
    close(ox.gradient(np.trace)(B), np.eye(3))


# --- names ---------------------------------------------------------------------------------------


def test_names_come_from_the_function():
    M, Q = B.copy(), B + 1
    assert str(ox.jacobian(lambda X: M @ X @ Q.T, B)) == "Q ⊗ M"
    assert str(ox.jacobian(lambda Z: np.linalg.inv(Z), POINT)) == "-Z⁻ᵀ ⊗ Z⁻¹"
    assert str(ox.jacobian(lambda Z: B[:2] @ Z, POINT)) == "I₃ ⊗ [2×3]"
    assert str(ox.jacobian(lambda *args: args[0] @ args[0], B)) == "I₃ ⊗ X1 + X1ᵀ ⊗ I₃"
    assert str(ox.jacobian(np.linalg.inv, POINT)).count("⊗") == 1


def test_functions_without_a_readable_scope():
    class Square:
        def __call__(self, A):
            return A @ A

    assert str(ox.jacobian(Square(), B)) == "I₃ ⊗ A + Aᵀ ⊗ I₃"
    assert str(ox.jacobian(functools.partial(np.dot, B), B)) == "I₃ ⊗ [3×3]"
    if B.size == 0:
        unbound = B

    def refers_to_what_is_not_bound(A):
        return A @ A if A.size else unbound

    assert str(ox.jacobian(refers_to_what_is_not_bound, B)) == "I₃ ⊗ A + Aᵀ ⊗ I₃"


def test_latex():
    J = ox.jacobian(lambda A: A @ A @ A, B)
    assert J._repr_latex_() == (
        r"$\displaystyle I_{3} \otimes A^{2} + A^{\mathsf{T}} \otimes A + "
        r"\left(A^{2}\right)^{\mathsf{T}} \otimes I_{3}$"
    )


# --- snapshots -----------------------------------------------------------------------------------


def test_later_changes_of_the_arrays_change_nothing():
    A, C = B.copy(), B + 1
    J = ox.jacobian(lambda X: C @ X @ X, A)
    before = J.toarray()
    A[:] = 0
    C[:] = 0
    close(J.toarray(), before, 0)
    close(J @ np.eye(9), before)


def test_inputs_are_not_written(f):
    A = POINT.copy()
    A.setflags(write=False)
    ox.jacobian(f, A).toarray()
    assert (A == POINT).all()


def test_pickling():
    import pickle

    J = ox.jacobian(lambda A: A @ A, B)
    close(pickle.loads(pickle.dumps(J)).toarray(), J.toarray(), 0)


# --- control flow --------------------------------------------------------------------------------


def test_loops_until_convergence_and_branches():
    def sqrt_by_newton(A):
        X = A
        for _ in range(60):
            Y = 0.5 * (X + np.linalg.inv(X) @ A)
            if np.abs(ox.stop_gradient(Y - X)).max() < 1e-15:
                break
            X = Y
        return Y

    S = POINT @ POINT.T
    J = ox.jacobian(sqrt_by_newton, S)
    R = sqrt_by_newton(S)
    # X² = A: R dX + dX R = dA
    expected = np.linalg.inv(np.kron(np.eye(3), R) + np.kron(R.T, np.eye(3)))
    assert np.abs(J @ np.eye(9) - expected).max() < 1e-9


def test_comparisons_are_plain():
    def f(A):
        mask = A > 0
        assert type(mask) is np.ndarray
        assert ((A <= 0) == ~mask).all()
        assert (A == A).all()
        assert not (A != A).any()
        assert np.isfinite(A).all()
        assert len(A) == 3
        assert (A.shape, A.ndim, A.size, A.dtype) == ((3, 3), 2, 9, np.float64)
        assert np.shape(A) == (3, 3)
        return A * mask

    close(ox.jacobian(f, B).toarray(), np.diag(ox.vec(B > 0).astype(float)))


def test_ten_thousand_operations():
    def f(A):
        X = A
        for _ in range(10_000):
            X = X + A
        return X

    J = ox.jacobian(f, B)
    close(J @ np.ones(9), np.full(9, 10_001.0))
    close(J.T @ np.ones(9), np.full(9, 10_001.0))


# --- memory --------------------------------------------------------------------------------------


@pytest.mark.memory
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit elsewhere")
def test_memory_of_a_large_jacobian():
    """J of A³ at n = 1000 stays below 200 MB (dense: 8 TB)."""
    code = """
        import resource, numpy as np, otimes as ox
        A = np.random.default_rng(0).standard_normal((1000, 1000)) / 32
        ox.jacobian(lambda A: A @ A, np.eye(2)) @ np.ones(4)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        J = ox.jacobian(lambda A: A @ A @ A, A)
        J @ A.ravel()
        J.T @ A.ravel()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    run = [sys.executable, "-c", textwrap.dedent(code)]
    grown = int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    assert grown < 200_000


# --- errors --------------------------------------------------------------------------------------


def test_functions_that_cannot_be_traced_are_named_with_their_line():
    with pytest.raises(NotImplementedError) as e:
        ox.jacobian(lambda A: np.nansum(A), B)
    assert "numpy.nansum" in str(e.value)
    assert "test_calculus.py:" in str(e.value)
    assert "the nearest supported function is numpy.sum (docs/numpy.md lists all" in str(e.value)


@pytest.mark.parametrize(
    ("f", "error", "text"),
    [
        (lambda A: float(np.trace(A)), TypeError, r"float\(\) of a traced array.*stop_gradient"),
        (lambda A: int(np.trace(A)), TypeError, r"int\(\) of a traced array.*stop_gradient"),
        (lambda A: complex(np.trace(A)), TypeError, r"complex\(\) of a traced array"),
        (lambda A: np.asarray(A) @ A, TypeError, r"np.asarray of a traced array.*stop_gradient"),
        (lambda A: np.add(A, A, out=np.zeros((3, 3))), TypeError, r"writing into an array.*stop_g"),
        (lambda A: np.add.reduce(A), NotImplementedError, r"numpy.add \(its method 'reduce'\)"),
        (lambda A: A.item(), TypeError, r"item\(\) of a traced array.*stop_gradient"),
        (lambda A: A.tolist(), TypeError, r"tolist\(\) of a traced array.*stop_gradient"),
        (lambda A: np.eye(3)[A], TypeError, "np.asarray of a traced array"),
        (lambda A: A.partition(1), NotImplementedError, r"numpy.ndarray.partition at .*test_calc"),
        (lambda A: A.astype(complex), NotImplementedError, r"astype\('complex128'\) of an array"),
        (lambda A: A.astype(int), NotImplementedError, r"astype\('int64'\).*stop_gradient"),
        (lambda A: np.interp(A, v, v), NotImplementedError, r"numpy.interp at .*test_calculus"),
        (lambda A: np.nextafter(A, 1), NotImplementedError, r"numpy.nextafter at"),
        (lambda A: A.round(), NotImplementedError, r"numpy.round at .*test_calculus.py"),
        (lambda A: A.nonsense, AttributeError, "a traced array has no attribute 'nonsense'"),
        (lambda A: next(iter(np.trace(A))), TypeError, "iteration over a 0-d array"),
        (lambda A: np.pad(A, 1, mode="mean"), NotImplementedError, "np.pad with mode='mean' at"),
        (lambda A: [A, A], TypeError, r"f returned list, but must return .*or a tuple of them"),
        (lambda A: None, TypeError, r"f returned NoneType, but must return an array or a number"),
        (lambda A: (A, None), TypeError, r"f returned NoneType, but must"),
        (lambda A: "A", TypeError, r"f returned str, but must return an array or a number"),
        (lambda A: np.ones((2, 4, 4)) @ A, ValueError, r"matmul: Input operand 1 has a mismatch"),
        (lambda A: np.einsum(A, [0, 1]), NotImplementedError, r"np.einsum with lists of axes"),
        (lambda A: np.trace(A @ v), ValueError, r"diag requires an array of at least two"),
        (lambda A: np.linalg.inv(A * 0), np.linalg.LinAlgError, "Singular"),
    ],
)
def test_errors_inside_f(f, error, text):
    with pytest.raises(error, match=text):
        ox.jacobian(f, B)


def test_in_place_changes_raise():
    def adds(A):
        total = np.zeros((3, 3))
        total += A
        return total

    def rebinds(A):
        X = A @ A
        X += A
        return X

    def assigns(A):
        A[0, 0] = 1
        return A

    for f in (adds, rebinds, assigns):
        with pytest.raises(TypeError, match="stop_gradient"):
            ox.jacobian(f, B)


def test_arrays_of_another_derivative():
    leaked = []
    ox.jacobian(lambda A: (leaked.append(A), A)[1], B)
    with pytest.raises(NotImplementedError, match="mixes arrays of two derivatives"):
        ox.jacobian(lambda A: A @ leaked[0], B)
    with pytest.raises(NotImplementedError, match="another trace"):
        ox.jacobian(lambda A: leaked[0], B)


def test_a_function_that_ignores_its_argument():
    with pytest.warns(UserWarning, match="does not depend on its argument"):
        J = ox.jacobian(lambda A: B, B)
    assert J.shape == (9, 9)
    close(J.toarray(), np.zeros((9, 9)))
    close(ox.gradient(lambda A: 1.0, B), np.zeros((3, 3)))
    close(ox.jvp(lambda A: B, (B,), (B,))[1], np.zeros((3, 3)))
    close(ox.vjp(lambda A: B, B)[1](B)[0], np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ox.gradient(lambda A: A, B), r"gradient: f's result has shape \(3, 3\), but must"),
        (lambda: ox.jvp(np.trace, (B,), (v,)), r"tangents have shapes \[\(3,\)\], but args have"),
        (lambda: ox.jvp(np.trace, (), ()), "args is empty"),
        (lambda: ox.vjp(np.trace), "no arguments were given"),
        (lambda: ox.vjp(np.trace, B)[1](v), r"w has shape \(3,\), but f's result has \(\)"),
        (lambda: ox.jacobian(np.trace, B, wrt=1), "wrt is 1, but f was given 1 arguments"),
        (lambda: ox.jacobian(np.trace, B, wrt=(0, -2)), r"wrt is \(0, -2\), but f was given 1"),
    ],
)
def test_bad_calls(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_unsupported_dtypes():
    with pytest.raises(TypeError, match=r"argument 0 has dtype object"):
        ox.jacobian(lambda A: A, np.array([[None]]))
    with pytest.raises(TypeError, match=r"constant has dtype (longdouble|float128)"):
        ox.jacobian(lambda A: A @ B.astype(np.longdouble), B)
