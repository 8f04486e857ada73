"""Derivatives by JAX in double precision, and by differences: what those of the library must equal.

A case is a function f(xp, *arrays) of a namespace, NumPy or JAX's twin of it.
"""

import numpy as np
import pytest

import otimes as ox

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
jnp = jax.numpy
#: For functions that are compiled to run once.
QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


def by_jax(cases):
    """name -> f(args) and its Jacobian by each argument, of all cases in one compilation."""

    def value_and_jacobians(f, args):
        def of(*given):
            return f(jnp, *given)

        analytic = any(np.iscomplexobj(x) for x in args)
        places = tuple(range(len(args)))
        return of(*args), jax.jacfwd(of, places, holomorphic=analytic)(*args)

    functions = {name: f for name, (f, _) in cases.items()}
    points = {name: args for name, (_, args) in cases.items()}
    found = jax.jit(
        lambda given: {name: value_and_jacobians(f, given[name]) for name, f in functions.items()},
        compiler_options=QUICK,
    )(points)
    return {
        name: (np.asarray(value), [flat(t, x) for t, x in zip(tensors, points[name], strict=True)])
        for name, (value, tensors) in found.items()
    }


def flat(tensor, x):
    """∂ vec f / ∂ vec x of the array of derivatives ∂ f[i…] / ∂ x[j…]."""
    return np.asarray(tensor).reshape((-1, np.size(x)), order="F")


def error_against(f, expected, *args, wrt=0):
    """The largest difference of J, J v and Jᵀ w, relative to the largest entry of J or 1."""
    rng = np.random.default_rng(5)
    J = ox.jacobian(lambda *given: f(np, *given), *args, wrt=wrt)
    scale = max(1, np.abs(expected).max(initial=0))
    dense = J.toarray()
    assert dense.shape == expected.shape
    v, w = rng.standard_normal(J.shape[1]), rng.standard_normal(J.shape[0])
    pushed, pulled = J @ v, J.T @ w
    size = np.abs(w) @ np.abs(dense) @ np.abs(v)
    assert abs(w @ pushed - pulled @ v) <= 1e-13 * max(size, 1)  # <w, J v> = <Jᵀ w, v>
    pairs = [(dense, expected), (pushed, expected @ v), (pulled, expected.T @ w)]
    return max(np.abs(got - wanted).max(initial=0) for got, wanted in pairs) / scale


def error_against_jax(f, args, theirs):
    """The largest of the errors by each of the arguments; the values must agree too."""
    value, jacobians = np.asarray(f(np, *args)), theirs[1]
    assert value.shape == theirs[0].shape
    assert np.abs(value - theirs[0]).max(initial=0) <= 1e-12 * max(1, np.abs(value).max(initial=0))
    return max(error_against(f, expected, *args, wrt=k) for k, expected in enumerate(jacobians))


def linalg(name, item=None, **options):
    def f(xp, *args):
        result = getattr(xp.linalg, name)(*args, **options)
        return result if item is None else result[item]

    return f
