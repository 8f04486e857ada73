"""Random compositions: values, Jacobians, sweeps, gradients and Hessians against JAX."""

import numpy as np
import pytest
from hypothesis import given, settings

import otimes as ox
from compositions import ANALYTIC, ONCE, REAL, compositions
from derivatives import flat, jax, jnp

#: Of the largest entry: rounding errors of eight steps, of which none amplifies by more than 1000.
TOLERANCE = 1e-10


def close(actual, expected):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    scale = max(1, np.abs(expected).max(initial=0))
    assert np.abs(actual - expected).max(initial=0) <= TOLERANCE * scale


def compiled(function, *args):
    """A function of JAX run once, compiled in the least time."""
    quick = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    return jax.jit(function).lower(*args).compile(compiler_options=quick)(*args)


def weights(y):
    return np.cos(np.arange(y.size)).reshape(y.shape)


def cost(xp, f, x):
    y = f(xp, x)
    return xp.sum(y * y * weights(y))


def check_sweeps(f, expected):
    """J against the dense one, <w, J v> = <Jᵀ w, v>, and blocks of vectors."""
    rng = np.random.default_rng(3)
    J = ox.jacobian(lambda x: f(np, x), f.point)
    close(J.toarray(), expected)
    v, w = rng.standard_normal(J.shape[1]), rng.standard_normal((J.shape[0], 2))
    close(J @ v, expected @ v)
    close(J.T @ w, expected.T @ w)
    program = J.program
    pushed = np.ravel(program.push(v.reshape(J.in_shape, order="F")), order="F")
    pulled = np.ravel(program.pull(w[:, 0].reshape(J.out_shape, order="F")), order="F")
    size = np.abs(w[:, 0]) @ np.abs(expected) @ np.abs(v)
    assert abs(w[:, 0] @ pushed - pulled @ v) <= 1e-13 * max(1, size)
    str(J)


@pytest.mark.filterwarnings("ignore:f does not depend:UserWarning")
@settings(max_examples=30)
@given(compositions((ANALYTIC, REAL)))
def test_real_compositions(f):
    x, direction = f.point, np.sin(1 + np.arange(f.point.size)).reshape(f.point.shape)

    def theirs(x, d):
        gradient = jax.grad(lambda x: cost(jnp, f, x))
        curved = jax.jvp(gradient, (x,), (d,))
        return f(jnp, x), jax.jacfwd(lambda x: f(jnp, x))(x), curved

    value, tensor, (gradient, curved) = compiled(theirs, x, direction)
    close(f(np, x), value)
    check_sweeps(f, flat(tensor, x))
    scalar = lambda x: cost(np, f, x)  # noqa: E731
    close(ox.gradient(scalar, x), gradient)
    H = ox.hessian(scalar, x)
    d = direction.ravel(order="F")
    close(H @ d, np.ravel(curved, order="F"))
    close(H.toarray() @ d, np.ravel(curved, order="F"))


@pytest.mark.filterwarnings("ignore:f does not depend:UserWarning")
@settings(max_examples=15)
@given(compositions((ANALYTIC, REAL, ONCE), depth=4))
def test_compositions_with_decompositions(f):
    theirs = compiled(jax.jacfwd(lambda x: f(jnp, x)), f.point)
    check_sweeps(f, flat(theirs, f.point))


@pytest.mark.filterwarnings("ignore:f does not depend:UserWarning")
@settings(max_examples=15)
@given(compositions((ANALYTIC,), complex_point=True))
def test_complex_analytic_compositions(f):
    theirs = compiled(jax.jacfwd(lambda x: f(jnp, x), holomorphic=True), f.point + 0j)
    check_sweeps(f, flat(theirs, f.point))
