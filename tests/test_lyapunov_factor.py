"""L with X = L Lᴴ: against the equation itself, and for digits that X does not have."""

import re

import mpmath
import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import otimes as ox
from samples import DTYPES, adjoint, eps, normal

TIMES = [False, True]


@pytest.fixture
def rng():
    return np.random.default_rng(48)


def stable(rng, n, discrete, dtype=np.float64):
    """A random matrix whose largest real part is -0.2, or whose largest modulus is 0.9."""
    a = normal(rng, (n, n), dtype)
    values = np.linalg.eigvals(a) if n else np.zeros(1)
    if discrete:
        return (0.9 / np.abs(values).max() * a).astype(dtype)
    return (a - (values.real.max() + 0.2) * np.eye(n)).astype(dtype)


def terms(l, a, b, e, discrete):
    x = l @ adjoint(l)
    if discrete:
        return [a @ x @ adjoint(a), -e @ x @ adjoint(e), b @ adjoint(b)]
    half = a @ x @ adjoint(e)
    return [half, adjoint(half), b @ adjoint(b)]


def assert_solves(l, a, b, e=None, discrete=False):
    """L is lower triangular with a diagonal >= 0, and solves the equation to rounding level."""
    tolerance = 30 * max(len(a), 4) * eps(l)
    assert np.array_equal(l, np.tril(l))
    assert (np.diag(l).real >= 0).all()
    assert not np.diag(l).imag.any()
    wide = np.clongdouble if l.dtype.kind == "c" else np.longdouble
    l, a, b, e = (m.astype(wide) for m in (l, a, b, np.eye(len(a)) if e is None else e))
    parts = terms(l, a, b, e, discrete)
    left, right = (float(norm(m.astype(complex))) for m in (a, a if discrete else e))
    size = (left * right + float(norm(e.astype(complex)))) * float(norm(l.astype(complex))) ** 2
    size += float(norm(parts[-1].astype(complex)))
    assert float(norm(sum(parts).astype(complex))) <= tolerance * size


def test_by_hand():
    """-2 x + 1 = 0 and x / 4 - x + 3 = 0."""
    l = ox.solve_lyapunov_factor([[-1.0]], [[-2.0]])
    np.testing.assert_allclose(l, [[np.sqrt(2)]], rtol=4e-16)
    l = ox.solve_lyapunov_factor([[0.5]], [[1.5, 0.0]], discrete=True)
    np.testing.assert_allclose(l, [[np.sqrt(3)]], rtol=4e-16)


@pytest.mark.parametrize("discrete", TIMES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 16, 33, 40])
def test_random(rng, discrete, dtype, n):
    a = stable(rng, n, discrete, dtype)
    for m in {0, 1, 2, n, n + 3}:
        b = normal(rng, (n, m), dtype)
        l = ox.solve_lyapunov_factor(a, b, discrete=discrete)
        assert l.dtype == dtype
        assert l.shape == (n, n)
        assert_solves(l, a, b, discrete=discrete)


@pytest.mark.parametrize("discrete", TIMES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_generalized(rng, discrete, dtype):
    a, b = stable(rng, 9, discrete, dtype), normal(rng, (9, 2), dtype)
    e = (np.eye(9) + 0.2 * normal(rng, (9, 9), dtype)).astype(dtype)
    l = ox.solve_lyapunov_factor(e @ a, b, e=e, discrete=discrete)
    assert_solves(l, e @ a, b, e, discrete)
    np.testing.assert_array_equal(
        ox.solve_lyapunov_factor(a, b, e=np.eye(9, dtype=dtype), discrete=discrete),
        ox.solve_lyapunov_factor(a, b, discrete=discrete),
    )


@pytest.mark.parametrize("discrete", TIMES)
def test_complex_eigenvalues_of_a_real_matrix(discrete):
    """Bumps everywhere, also with off-diagonal entries of very different sizes."""
    blocks = [
        [[-0.1, 5.0], [-5.0, -0.1]],
        [[-0.3, 1e-8], [-1e6, -0.3]],
        [[-0.2, 1e5], [-1e-9, -0.2]],
    ]
    a = np.zeros((7, 7))
    a[6, 6] = -0.5
    for k, block in enumerate(blocks):
        a[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = np.array(block) * (0.1 if discrete else 1)
    a += np.triu(np.ones((7, 7)), 2)
    b = np.arange(14.0).reshape(7, 2)
    assert_solves(ox.solve_lyapunov_factor(a, b, discrete=discrete), a, b, discrete=discrete)


@pytest.mark.parametrize("discrete", TIMES)
@pytest.mark.parametrize("kinds", ["dD", "Dd", "fd", "fD", "id", "F>c16"])
def test_mixed_dtypes(rng, discrete, kinds):
    first, second = np.dtype(kinds[0]), np.dtype(kinds[1:])
    a = np.diag([-0.5, -0.25]).astype(first) if first.kind != "i" else np.diag([-1, -3])
    if discrete and first.kind == "i":
        a = np.array([[0, 1], [0, 0]])
    b = normal(rng, (2, 1), second)
    l = ox.solve_lyapunov_factor(a, b, discrete=discrete)
    wanted = np.result_type(np.float64 if first.kind == "i" else first, second.newbyteorder("="))
    assert l.dtype == wanted
    assert_solves(l, a.astype(wanted), b.astype(wanted), discrete=discrete)


@pytest.mark.parametrize("discrete", TIMES)
def test_layouts_and_batches(rng, discrete):
    a = np.stack([stable(rng, 5, discrete) for _ in range(3)])
    b = normal(rng, (2, 1, 5, 2))
    l = ox.solve_lyapunov_factor(a, b, discrete=discrete)
    assert l.shape == (2, 3, 5, 5)
    for i, j in np.ndindex(2, 3):
        one = ox.solve_lyapunov_factor(np.asfortranarray(a[j]), b[i, 0], discrete=discrete)
        np.testing.assert_array_equal(l[i, j], one)
    with pytest.raises(LinAlgError, match="item 2: a is not stable"):
        ox.solve_lyapunov_factor(
            a * np.array([1, 1, -30.0])[:, None, None], b[0, 0], discrete=discrete
        )


def test_empty():
    assert ox.solve_lyapunov_factor(np.zeros((0, 0)), np.zeros((0, 3))).shape == (0, 0)
    assert not ox.solve_lyapunov_factor(-np.eye(3), np.zeros((3, 2))).any()


# --- accuracy ------------------------------------------------------------------------------------


def hilbert_gramian(n, digits=60):
    """A = -diag(1 ... n), B = ones: X_ij = 1/(i + j), whose singular values reach down to 1e-12."""
    with mpmath.workdps(digits):
        x = mpmath.matrix(n, n)
        for i in range(n):
            for j in range(n):
                x[i, j] = mpmath.mpf(1) / (i + j + 2)
        values = mpmath.eigsy(x, eigvals_only=True)
        return np.sort([float(mpmath.sqrt(v)) for v in values])[::-1]


def test_small_singular_values_have_their_digits():
    """Those of L are right to 1e-16 of the largest; those of chol(X) to 1e-8 of it only."""
    n = 10
    a, b = -np.diag(np.arange(1.0, n + 1)), np.ones((n, 1))
    exact = hilbert_gramian(n)
    l = ox.solve_lyapunov_factor(a, b)
    ours = np.linalg.svd(l, compute_uv=False)
    assert np.abs(ours - exact).max() <= 1e-15
    x = ox.solve_sylvester(a, a.T, -b @ b.T)
    squared = np.sqrt(np.abs(np.linalg.eigvalsh((x + x.T) / 2)))[::-1]
    assert np.abs(ours - exact).max() < 1e-5 * np.abs(squared - exact).max()
    relative = np.abs(ours / exact - 1)
    assert relative.max() < 1e-9 < 1e-4 < np.abs(squared / exact - 1).max()


@pytest.mark.parametrize("discrete", TIMES)
def test_nearly_unstable(discrete):
    """x = b^2 / (2 * 1e-14), x = b^2 / (1 - (1 - 2^-50)^2)."""
    a = 1 - 2.0**-50 if discrete else -1e-14
    exact = 1 / (2 * 2.0**-50 - 2.0**-100) if discrete else 1 / 2e-14
    l = ox.solve_lyapunov_factor([[a]], [[1.0]], discrete=discrete)
    np.testing.assert_allclose(l, [[np.sqrt(exact)]], rtol=1e-15)


@pytest.mark.parametrize("power", [-300, -41, 7, 300])
def test_powers_of_two_change_exponents_only(rng, power):
    a, b = stable(rng, 6, False), normal(rng, (6, 2))
    l = ox.solve_lyapunov_factor(a, b)
    np.testing.assert_array_equal(ox.solve_lyapunov_factor(a, 2.0**power * b), 2.0**power * l)
    np.testing.assert_array_equal(ox.solve_lyapunov_factor(4.0**power * a, b), l / 2.0**power)


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
@pytest.mark.parametrize("discrete", [False, True])
def test_badly_scaled_states(rng, discrete, dtype):
    """Powers of two between the states change no digit of the factor that matters."""
    for _ in range(10):
        a, b = stable(rng, 8, discrete, dtype), normal(rng, (8, 2), dtype)
        d = np.ldexp(np.ones(8, dtype().real.dtype), rng.integers(-12, 13, 8))
        expected = ox.solve_lyapunov_factor(a, b, discrete=discrete)
        l = ox.solve_lyapunov_factor(d[:, None] * a / d, d[:, None] * b, discrete=discrete)
        x, y = (f @ adjoint(f) for f in (expected, l / d[:, None]))
        assert norm(x - y) <= 2000 * eps(x) * norm(x)


def test_unstable_names_the_eigenvalue():
    with pytest.raises(
        LinAlgError, match=r"not stable: it has the eigenvalue 0\.5, whose real part is"
    ):
        ox.solve_lyapunov_factor([[-1.0, 3.0], [0.0, 0.5]], np.ones((2, 1)))
    with pytest.raises(LinAlgError, match=r"the eigenvalue (-?0|\S*e-\d\d)[+-]2j"):
        ox.solve_lyapunov_factor([[0.0, 2.0], [-2.0, 0.0]], np.ones((2, 1)))
    with pytest.raises(LinAlgError, match=r"the eigenvalue -1\.5, whose modulus is not below 1"):
        ox.solve_lyapunov_factor([[-1.5]], [[1.0]], discrete=True)
    with pytest.raises(LinAlgError, match="e is singular"):
        ox.solve_lyapunov_factor(-np.eye(2), np.ones((2, 1)), e=np.ones((2, 2)))


def test_overflow_is_loud():
    with pytest.raises(LinAlgError, match="overflows"):
        ox.solve_lyapunov_factor([[-1e-300]], [[1e300]])


def test_bad_arguments():
    one = -np.eye(2)
    for text, args in {
        "solve_lyapunov_factor: a has shape (2, 3), but must be square": (np.ones((2, 3)), one),
        "b has shape (3, 1), but a is (2, 2), so b must be (2, m)": (one, np.ones((3, 1))),
        "b has shape (2,), but must be a matrix": (one, np.ones(2)),
        "do not broadcast": (np.stack([one] * 2), np.ones((3, 2, 1))),
    }.items():
        with pytest.raises(ValueError, match=re.escape(text)):
            ox.solve_lyapunov_factor(*args)
    with pytest.raises(ValueError, match=re.escape("e has shape (3, 3), but a is (2, 2)")):
        ox.solve_lyapunov_factor(one, one, e=np.eye(3))
    for k, name in enumerate("abe"):
        matrices = [one.copy(), one.copy(), one.copy()]
        matrices[k][1, 0] = np.inf
        a, b, e = matrices
        with pytest.raises(ValueError, match=f"{name} contains NaN or Inf"):
            ox.solve_lyapunov_factor(a, b, e=e)
        assert np.isnan(ox.solve_lyapunov_factor(a, b, e=e, check_finite=False)).all()
