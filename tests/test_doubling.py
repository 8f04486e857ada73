"""Doubling where spectra are separable, and what it must leave to the Schur forms."""

import warnings

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import otimes as ox
from hard import grcar, kahan
from otimes._lyapunov import STEIN
from samples import eps
from test_sylvester_dispatch import check, normal, orthogonal, residual, stable


def solve(a, b, q):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ox.IllConditionedWarning)
        return ox.solve_sylvester(a, b, q, on_singular="warn", return_info=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("n", [17, 26, 100])
def test_lyapunov_needs_the_powers_of_one_matrix(n, dtype):
    a = stable(n, dtype)
    check(a, a.conj().T, normal((n, n), dtype), "doubling")


def test_any_line_separates():
    """Complex spectra on both sides of a line in any direction, and far from the origin."""
    for angle in (0.3, 1.5, 2.8, -1.0):
        turn = np.exp(1j * angle)
        a, b = (turn * stable(24, np.complex128, seed) for seed in (0, 1))
        far = 1e3j * np.eye(24)
        check(a, b, normal((24, 24), np.complex128), "doubling")
        check(a + far, b - far, normal((24, 24), np.complex128), "doubling")


def test_a_shift_between_the_two_changes_nothing():
    a, b = stable(24), stable(20)
    check(a + 9 * np.eye(24), b - 9 * np.eye(20), normal((24, 20)), "doubling")


@pytest.mark.parametrize("ratio", [1e-2, 1e-4, 1e-6])
def test_spectra_that_are_wide(ratio):
    """Positive eigenvalues from `ratio` to 1 take more steps; the widest are left to Schur."""
    u = orthogonal(24)
    a = u @ np.diag(np.geomspace(ratio, 1, 24)) @ (np.eye(24) + 0.3 * np.eye(24, k=1)) @ u.T
    q = normal((24, 24))
    x, info = solve(a, a.T, q)
    assert residual(a, a.T, x, q) <= 480 * eps(x)
    assert info.method == ("doubling" if ratio > 1e-5 else "hessenberg-schur")


@pytest.mark.parametrize("n", [20, 60, 200])
def test_general_spectra_are_not_tried(n):
    a, b, q = normal((n, n)), normal((n, n), seed=1), normal((n, n), seed=2)
    assert solve(a, b, q)[1].method == ("hessenberg-schur" if n < 200 else "bartels-stewart")


def hump(n, height=1e10):
    """Stable, but exp(tA) grows by `height` before it decays."""
    return -np.eye(n) + np.diag(np.full(n - 1, height ** (1 / (n - 1)) * 2), 1)


HARD = {
    "hump": hump,
    "grcar": lambda n: grcar(n) + 0.5 * np.eye(n),
    "kahan": kahan,
    "defective": lambda n: np.eye(n) + np.eye(n, k=1),
    "defective, large": lambda n: np.eye(n) + 3 * np.eye(n, k=1),
    "nonnormal": lambda n: np.triu(normal((n, n)), 1) - 2 * np.eye(n),
    "graded": lambda n: np.diag(np.geomspace(1, 1e-8, n)) @ stable(n),
    "badly scaled": lambda n: (
        np.diag(np.geomspace(1, 1e6, n)) @ stable(n) @ np.diag(np.geomspace(1, 1e-6, n))
    ),
    "unseparated": lambda n: normal((n, n)) - 0.5 * np.sqrt(n) * np.eye(n),
    "barely separated": lambda n: normal((n, n)) - 1.05 * np.sqrt(n) * np.eye(n),
}


@pytest.mark.parametrize("rotated", [False, True])
@pytest.mark.parametrize("left", HARD)
@pytest.mark.parametrize("right", HARD)
def test_never_silently_wrong(left, right, rotated):
    """Whatever method was used: the residual is at rounding level, the condition right."""
    for m, n in ((12, 12), (16, 13)):
        a, b = HARD[left](m), HARD[right](n)
        if left == right:
            b = HARD[right](n).T
        if rotated:
            u, v = orthogonal(m), orthogonal(n, 1)
            a, b = u @ a @ u.T, v @ b @ v.T
        q = normal((m, n))
        try:
            x, info = solve(a, b, q)
        except LinAlgError:  # the solution overflows: exactly singular triangular equations
            assert "hump" in (left, right)
            assert not rotated
            continue
        singular_values = np.linalg.svd(
            np.kron(np.eye(n), a) + np.kron(b.T, np.eye(m)), compute_uv=False
        )
        rcond = singular_values[-1] / singular_values[0]
        if rcond > 1e-13:
            assert rcond / 10 <= info.rcond <= 10 * rcond
            assert residual(a, b, x, q) <= 10 * (m + n) * eps(x)
        else:
            assert info.rcond < 2e-12


@pytest.mark.parametrize("k", range(4, 52, 4))
def test_eigenvalues_near_the_imaginary_axis(k):
    """A X + X Aᵀ = Q with eigenvalues 2^-k ± i w, w from 1 to 2: lightly damped oscillators."""
    n = 24
    block = np.kron(np.eye(n // 2), [[0.0, 1], [-1, 0]]) * np.linspace(1, 2, n // 2).repeat(2)
    u = orthogonal(n)
    a = u @ (block + 2.0**-k * np.eye(n) + 2.0**-k * np.eye(n, k=2)) @ u.T
    q = normal((n, n))
    x, info = solve(a, a.T, q)
    assert residual(a, a.T, x, q) <= 480 * eps(x)
    if k not in (12, 44):  # the limit of 14 steps; of the condition that a Hessenberg form is for
        rest = "hessenberg-schur" if k < 44 else "bartels-stewart"
        assert info.method == ("doubling" if k < 12 else rest)


def test_large_right_hand_sides_stay_finite():
    a = stable(30)
    for exponent in (-1000, 1000):
        q = normal((30, 30)) * 2.0**exponent
        x = ox.solve_sylvester(a, a.T, q)
        np.testing.assert_array_equal(
            x, ox.solve_sylvester(a, a.T, normal((30, 30))) * 2.0**exponent
        )


def test_complex_right_hand_side_of_a_real_equation():
    a, b = stable(24), stable(20, seed=1)
    q = normal((24, 20), np.complex128)
    x, info = solve(a, b, q)
    assert info.method == "doubling"
    assert norm(x.real - solve(a, b, q.real)[0]) <= 1e-13 * norm(x)
    assert norm(x.imag - solve(a, b, q.imag)[0]) <= 1e-13 * norm(x)


# --- Stein and Lyapunov equations -----------------------------------------------------------------


def contraction(n, dtype=np.float64, seed=0, radius=0.8):
    """Spectral radius about `radius`."""
    parts = 2 if np.dtype(dtype).kind == "c" else 1
    return (normal((n, n), dtype, seed) * (radius / np.sqrt(n * parts))).astype(dtype)


def stein_residual(a, b, x, q):
    return norm(x - a @ x @ b - q) / ((1 + norm(a) * norm(b)) * norm(x) + norm(q))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize(("m", "n"), [(17, 17), (20, 33), (64, 40)])
def test_stein_by_doubling(m, n, dtype):
    a, b = contraction(m, dtype), contraction(n, dtype, 1)
    q = normal((m, n), dtype)
    x, info = ox.solve_stein(a, b, q, return_info=True)
    assert info.method == "doubling"
    assert stein_residual(a, b, x, q) <= 10 * (m + n) * eps(x)
    y = STEIN.factor("test", (a, b), True, "raise").solve(q, trans="H")
    assert stein_residual(a.conj().T, b.conj().T, y, q) <= 10 * (m + n) * eps(y)
    if m * n <= 350:
        wide = np.result_type(dtype, np.float64)
        matrix = np.eye(m * n) - np.kron(b.T.astype(wide), a.astype(wide))
        singular_values = np.linalg.svd(matrix, compute_uv=False)
        rcond = singular_values[-1] / singular_values[0]
        assert rcond / 10 <= info.rcond <= 10 * rcond


@pytest.mark.parametrize("scale", [2.0**-300, 2.0**-20, 2.0**20])
def test_stein_in_other_units(scale):
    """A/s and s B make the same equation."""
    a, b, q = contraction(24), contraction(20, seed=1), normal((24, 20))
    x, info = ox.solve_stein(a / scale, b * scale, q, return_info=True)
    assert info.method == "doubling"
    assert norm(x - ox.solve_stein(a, b, q)) <= 1e-13 * norm(x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("n", [17, 40])
def test_lyapunov_by_doubling(n, dtype):
    g = normal((n, n), dtype, 3)
    for solve_equation, a, image in (
        (ox.solve_continuous_lyapunov, stable(n, dtype), lambda a, x: a @ x + x @ a.conj().T),
        (
            ox.solve_discrete_lyapunov,
            contraction(n, dtype),
            lambda a, x: x - a @ x @ a.conj().T,
        ),
    ):
        for q in (g, g + g.conj().T, g - g.conj().T):
            x, info = solve_equation(a, q, return_info=True)
            assert info.method == "doubling"
            size = 2 * (1 + norm(a)) * norm(x) + norm(q)
            assert norm(image(a, x) - q) <= 20 * n * eps(x) * size
            for sign in (1, -1):
                if np.array_equal(q, sign * q.conj().T):
                    np.testing.assert_array_equal(x, sign * x.conj().T)


@pytest.mark.parametrize("k", range(2, 50, 6))
def test_stein_near_the_unit_circle(k):
    """Eigenvalue products up to 1 - 2^-k; A = -I + small breaks the bilinear transformation."""
    n = 20
    u = orthogonal(n)
    radius = np.sqrt(1 - 2.0**-k)
    a = u @ np.diag(np.linspace(-radius, radius, n)) @ (np.eye(n) + 2.0**-k * np.eye(n, k=1)) @ u.T
    q = normal((n, n))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ox.IllConditionedWarning)
        x, info = ox.solve_stein(a, a.T, q, return_info=True)
    assert stein_residual(a, a.T, x, q) <= 400 * eps(x)
    assert info.method == ("doubling" if k <= 8 else "schur")


@pytest.mark.parametrize("n", [20, 60])
def test_expanding_stein_equations_are_left_to_schur(n):
    a, b, q = normal((n, n)), normal((n, n), seed=1), normal((n, n), seed=2)
    x, info = ox.solve_stein(a, b, q, return_info=True)
    assert info.method == "schur"
    assert stein_residual(a, b, x, q) <= 20 * n * eps(x)
