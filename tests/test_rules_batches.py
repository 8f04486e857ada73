"""Derivatives of batches of matrices along leading axes, and Hessians of what has rules, by JAX."""

import numpy as np
import pytest

import otimes as ox
from derivatives import QUICK, by_jax, error_against_jax, jax, jnp, linalg

rng = np.random.default_rng(38)
A, B = rng.standard_normal((2, 2, 3, 3)) + 2 * np.eye(3)
S = A @ np.swapaxes(A, -1, -2) + np.diag([0.0, 1.0, 3.0])
T, W = rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 3, 5))
C, v = rng.standard_normal((2, 3, 2)), rng.standard_normal(3)
M, X = A[0], B[0]


def expm(xp):
    return ox.expm if xp is np else jax.scipy.linalg.expm


#: name -> (function, its arguments)
CASES = {
    "inv": (linalg("inv"), (A,)),
    "solve, matrices": (linalg("solve"), (A, C)),
    "solve, one matrix": (linalg("solve"), (M, C)),
    "solve, one right side": (linalg("solve"), (A, C[0])),
    "solve, one vector": (linalg("solve"), (A, v)),
    "matrix_power": (lambda xp, x: xp.linalg.matrix_power(x, 5), (A,)),
    "matrix_power -2": (lambda xp, x: xp.linalg.matrix_power(x, -2), (A,)),
    "cholesky": (linalg("cholesky"), (S,)),
    "qr, q": (linalg("qr", 0), (T,)),
    "qr, r": (linalg("qr", 1), (T,)),
    "eigvalsh": (linalg("eigvalsh"), (S,)),
    "eigh": (linalg("eigh", 1), (S,)),
    "eigvals": (linalg("eigvals"), (A + np.diag([1.0, 5, 9]),)),
    "svd, u": (linalg("svd", 0, full_matrices=False), (T,)),
    "svd, vh": (linalg("svd", 2, full_matrices=False), (W,)),
    "svdvals": (linalg("svdvals"), (T,)),
    "pinv": (linalg("pinv"), (T,)),
    "multi_dot": (lambda xp, x, y, z: xp.linalg.multi_dot([x, y, z]), (M, X, C[0])),
    "multi_dot of vectors": (lambda xp, x, y, z: xp.linalg.multi_dot([x, y, z]), (v, X, v + 1)),
    "multi_dot of the same": (lambda xp, x: xp.linalg.multi_dot([x, x.T, x, x]), (M,)),
    "cross": (lambda xp, x, y: xp.cross(x, y), (A, B)),
}  # fmt: skip

CASES |= {
    f"{name}, two leading axes": (f, tuple(x[:, None] for x in arguments))
    for name, (f, arguments) in CASES.items()
    if all(x.ndim == 3 for x in arguments)
}

#: name -> (scalar function, its argument)
SCALARS = {
    "inv": (lambda xp, x: xp.sum(xp.linalg.inv(x) * X), M),
    "solve": (lambda xp, x: v @ xp.linalg.solve(x, v), M),
    "det": (lambda xp, x: xp.linalg.det(x), M),
    "slogdet": (lambda xp, x: xp.linalg.slogdet(x)[1], M),
    "trace": (lambda xp, x: xp.trace(x @ x @ X), M),
    "matrix_power": (lambda xp, x: xp.trace(xp.linalg.matrix_power(x, 4)), M),
    "cholesky": (lambda xp, x: xp.sum(xp.linalg.cholesky(x) * X), S[0]),
    "pinv": (lambda xp, x: xp.sum(xp.linalg.pinv(x) * T[0].T), T[0]),
    "norm": (lambda xp, x: xp.linalg.norm(x), M),
    "norm 3": (lambda xp, x: xp.linalg.norm(x @ v, 3), M),
    "exp": (lambda xp, x: xp.sum(xp.exp(x) * xp.sin(x) + xp.tanh(x)), M),
    "power": (lambda xp, x: xp.sum(xp.sqrt(x**4 + 1) + x**3), M),
    "sinc": (lambda xp, x: xp.sum(xp.sinc(x)), M),
    "hypot": (lambda xp, x: xp.sum(xp.hypot(x, x.T + 5)), M),
    "arctan2": (lambda xp, x: xp.sum(xp.arctan2(x, x.T + 5)), M),
    "logaddexp": (lambda xp, x: xp.sum(xp.logaddexp(x, x @ X)), M),
    "maximum": (lambda xp, x: xp.sum(xp.maximum(x, X) ** 2), M),
    "clip": (lambda xp, x: xp.sum(xp.clip(x, -1, 1) ** 3), M),
    "var": (lambda xp, x: xp.var(x) + xp.std(x @ x), M),
    "mean": (lambda xp, x: xp.sum(xp.mean(x, axis=0) ** 3), M),
    "prod": (lambda xp, x: xp.prod(x), M),
    "prod along": (lambda xp, x: xp.sum(xp.prod(x, axis=0) ** 2), M),
    "cumprod": (lambda xp, x: xp.sum(xp.cumprod(x, axis=1) * X), M),
    "cumsum": (lambda xp, x: xp.sum(xp.cumsum(x, axis=1) ** 3), M),
    "max": (lambda xp, x: xp.max(x) ** 3 + xp.min(x) ** 2, M),
    "average": (lambda xp, x: xp.average(x, None, xp.exp(X)) ** 2, M),
    "convolve": (lambda xp, x: xp.sum(xp.convolve(x @ v, x[0]) ** 2), M),
    "cross": (lambda xp, x: xp.sum(xp.cross(x, x.T) ** 2), M),
    "diff": (lambda xp, x: xp.sum(xp.diff(x) ** 3), M),
    "expm": (lambda xp, x: xp.sum(expm(xp)(x @ X / 5) * X), M),
    "log-likelihood": (
        lambda xp, x: xp.linalg.slogdet(x)[1] + xp.trace(xp.linalg.solve(x, S[1])), S[0],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def theirs():
    return by_jax(CASES)


@pytest.mark.parametrize("name", CASES)
def test_batches_against_jax(name, theirs):
    assert error_against_jax(*CASES[name], theirs[name]) < 1e-12


@pytest.fixture(scope="module")
def hessians():
    def all_of(points):
        return {
            name: jax.jacfwd(jax.grad(lambda y, f=f: f(jnp, y)))(points[name])
            for name, (f, _) in SCALARS.items()
        }

    return jax.jit(all_of, compiler_options=QUICK)({name: x for name, (_, x) in SCALARS.items()})


@pytest.mark.parametrize("name", SCALARS)
def test_hessians_against_jax(name, hessians):
    f, x = SCALARS[name]
    H = ox.hessian(lambda y: f(np, y), x)
    expected = np.asarray(hessians[name]).reshape((x.size, x.size), order="F")
    scale = max(1, np.abs(expected).max())
    assert np.abs(H.toarray() - expected).max() < 1e-12 * scale


@pytest.mark.parametrize("f", [
    lambda x: np.sum(np.linalg.svd(x)[0] ** 3), lambda x: np.sum(np.linalg.eigvalsh(x) ** 2),
    lambda x: np.linalg.norm(x, 2),
])  # fmt: skip
def test_second_derivatives_that_are_refused(f):
    with pytest.raises(NotImplementedError, match=r"second derivative of .* cannot be traced"):
        ox.hessian(f, S[0])
