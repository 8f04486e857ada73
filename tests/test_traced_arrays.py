"""Indexing, rearrangement and products of traced arrays, against JAX and differences."""

import functools

import numpy as np
import pytest

import oracle
import otimes as ox
from otimes._layout import from_columns, to_columns

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
jnp = jax.numpy

EPS = np.finfo(float).eps
rng = np.random.default_rng(8)
X = rng.standard_normal((3, 4))
B = rng.standard_normal((3, 4))
S = rng.standard_normal((4, 4))
T = rng.standard_normal((2, 3, 4))
U = rng.standard_normal((2, 4, 3))
v = rng.standard_normal(4)
u = rng.standard_normal(3)
MASK = B > 0
array = np.array  # of NumPy also where np is JAX's

#: name -> function of the array module and of a matrix (3, 4)
MOVES = {
    "row": lambda np, X: X[1],
    "entry": lambda np, X: X[1, -1],
    "column": lambda np, X: X[:, 2],
    "block": lambda np, X: X[1:, :2],
    "steps backwards": lambda np, X: X[::-2, ::-1],
    "ellipsis": lambda np, X: X[..., 0],
    "only ellipsis": lambda np, X: X[...],
    "new axes": lambda np, X: X[None, 1:, None, :],
    "new axis and number": lambda np, X: X[None, 1, :, None],
    "empty slice": lambda np, X: X[:0],
    "list of rows": lambda np, X: X[array([2, 0, 0])],
    "pairs of indices": lambda np, X: X[array([2, 0, 0]), array([1, 3, 3])],
    "array and slice": lambda np, X: X[array([[0, 2], [1, 1]]), 1:],
    "separated indices": lambda np, X: X[array([0, 1]), None, array([2, 3])],
    "mask": lambda np, X: X[MASK],
    "mask of rows": lambda np, X: X[array([True, False, True])],
    "entries added": lambda np, X: X[0, 0] * X[1] + X[2, 3],
    "rows one by one": lambda np, X: sum(row * k for k, row in enumerate(X)),
    "unpacking": lambda np, X: (lambda a, b, c: a * b - c)(*X),
    "flat": lambda np, X: X.ravel()[3] * X.ravel()[-1],
    "reshape": lambda np, X: X.reshape(2, 6),
    "reshape with -1": lambda np, X: np.reshape(X, (-1, 3)),
    "reshape in F order": lambda np, X: X.reshape((6, 2), order="F"),
    "reshape to a tensor in F order": lambda np, X: np.reshape(X, (2, 3, 2), order="F"),
    "ravel": lambda np, X: np.ravel(X),
    "ravel in F order": lambda np, X: X.ravel(order="F"),
    "flatten": lambda np, X: X.flatten(),
    "squeeze": lambda np, X: np.squeeze(X[:, None, :1]),
    "squeeze an axis": lambda np, X: X[None].squeeze(axis=0),
    "expand_dims": lambda np, X: np.expand_dims(X, (0, 2)),
    "swapaxes": lambda np, X: X[None].swapaxes(0, 2),
    "moveaxis": lambda np, X: np.moveaxis(X[None], 2, 0),
    "rollaxis": lambda np, X: np.rollaxis(X[:, None], 2),
    "transpose of a tensor": lambda np, X: np.transpose(X.reshape(3, 2, 2), (2, 0, 1)),
    "mT of a tensor": lambda np, X: X.reshape(3, 2, 2).mT,
    "atleast_3d": lambda np, X: np.atleast_3d(X),
    "atleast_2d of several": lambda np, X: np.atleast_2d(X[0], X)[1],
    "concatenate": lambda np, X: np.concatenate([X, B, 2 * X]),
    "concatenate columns": lambda np, X: np.concatenate((X, X * X), axis=1),
    "concatenate flat": lambda np, X: np.concatenate([X, B], axis=None),
    "stack": lambda np, X: np.stack([X, X * X, B], axis=1),
    "hstack": lambda np, X: np.hstack([X[0], v, X[1]]),
    "vstack": lambda np, X: np.vstack([X[0], X]),
    "dstack": lambda np, X: np.dstack([X, B * X]),
    "column_stack": lambda np, X: np.column_stack([X[:, 0], X]),
    "block matrix": lambda np, X: np.block([[X, B], [2 * X, X]]),
    "append": lambda np, X: np.append(X, 3 * X, axis=0),
    "append to a constant": lambda np, X: np.append(B, X),
    "split": lambda np, X: np.split(X, 2, axis=1)[1],
    "array_split": lambda np, X: np.concatenate(np.array_split(X, 2)[::-1]),
    "hsplit": lambda np, X: np.hsplit(X, [1])[1],
    "vsplit": lambda np, X: np.vsplit(X, 3)[1],
    "tile": lambda np, X: np.tile(X, (2, 3)),
    "tile to a tensor": lambda np, X: np.tile(X, (2, 1, 1)),
    "repeat": lambda np, X: np.repeat(X, 2, axis=1),
    "repeat entries": lambda np, X: X.repeat(3),
    "repeat rows": lambda np, X: np.repeat(X, array([1, 0, 2]), axis=0),
    "roll": lambda np, X: np.roll(X, 2),
    "roll axes": lambda np, X: np.roll(X, (1, 2), axis=(0, 1)),
    "flip": lambda np, X: np.flip(X),
    "fliplr": lambda np, X: np.fliplr(X),
    "flipud": lambda np, X: np.flipud(X),
    "rot90": lambda np, X: np.rot90(X),
    "take": lambda np, X: np.take(X, array([1, 1, 2]), axis=1),
    "take from the flat array": lambda np, X: X.take(array([[5, 0], [11, 5]])),
    "take_along_axis": lambda np, X: np.take_along_axis(X, B.argsort(axis=1), axis=1),
    "sorted by argsort": lambda np, X: np.take_along_axis(X, np.argsort(X, axis=0), axis=0),
    "diag of a matrix": lambda np, X: np.diag(X, 1),
    "diag of a vector": lambda np, X: np.diag(X[0], -1),
    "diagonal": lambda np, X: X.diagonal(),
    "diagonal of a tensor": lambda np, X: np.diagonal(X.reshape(2, 2, 3), axis1=0, axis2=1),
    "diagflat": lambda np, X: np.diagflat(X),
    "tril": lambda np, X: np.tril(X, -1),
    "triu of a tensor": lambda np, X: np.triu(np.stack([X, 2 * X]), 1),
    "broadcast_to": lambda np, X: np.broadcast_to(X, (2, 3, 4)),
    "broadcast_arrays": lambda np, X: np.broadcast_arrays(X[:1], X)[0],
    "where": lambda np, X: np.where(MASK, X, 2 * X),
    "where of the variable": lambda np, X: np.where(X > 0, X * X, -1.0),
    "where with broadcasting": lambda np, X: np.where(MASK[0], X[0], X),
    "pad": lambda np, X: np.pad(X, ((1, 0), (2, 1))),
    "pad with a constant": lambda np, X: np.pad(X, 1, constant_values=3.0),
    "pad by reflection": lambda np, X: np.pad(X, 1, mode="reflect"),
    "compress": lambda np, X: np.compress(array([True, False, True]), X, axis=0),
    "delete": lambda np, X: np.delete(X, 1, axis=1),
    "insert": lambda np, X: np.insert(X, 1, 2 * X[0], axis=0),
    "diff": lambda np, X: np.diff(X),
    "second diff": lambda np, X: np.diff(X, n=2, axis=0),
}

PRODUCTS = {
    "stack times matrix": lambda np, X: np.matmul(T, X.T),
    "matrix times stack": lambda np, X: X @ U,
    "stack times stack": lambda np, X: (T * X) @ (U + X.T),
    "stack times vector": lambda np, X: (T * X) @ v,
    "vector times stack": lambda np, X: u @ (T * X),
    "stacks broadcast": lambda np, X: X[None, None] @ U[:, None] @ T[None],
    "dot of a stack": lambda np, X: np.dot(T, X.T),
    "dot with a stack": lambda np, X: np.dot(X, U),
    "dot of vectors": lambda np, X: X[0].dot(X[1]),
    "inner": lambda np, X: np.inner(X, B) + np.inner(B, X * X),
    "inner of tensors": lambda np, X: np.inner(T, X),
    "outer": lambda np, X: np.outer(X, v) + np.outer(X * X, X[0]),
    "vdot": lambda np, X: np.vdot(X, B) + np.vdot(B, X * X),
    "tensordot": lambda np, X: np.tensordot(X, T, ([0, 1], [1, 2])),
    "tensordot of one axis": lambda np, X: np.tensordot(T, X.T, 1),
    "tensordot of none": lambda np, X: np.tensordot(X, v, 0),
    "einsum product": lambda np, X: np.einsum("ij,jk->ik", X, S),
    "einsum transposed": lambda np, X: np.einsum("ij,kj->ki", B, X),
    "einsum trace": lambda np, X: np.einsum("ii", X[:, :3]),
    "einsum diagonal": lambda np, X: np.einsum("ii->i", X[:, 1:]),
    "einsum sum": lambda np, X: np.einsum("ij->j", X),
    "einsum permutation": lambda np, X: np.einsum("ij->ji", X),
    "einsum entrywise": lambda np, X: np.einsum("ij,ij->ij", X, B),
    "einsum of one matrix": lambda np, X: np.einsum("ij,kj,kl->il", X, X, X),
    "einsum of a bilinear form": lambda np, X: np.einsum("i,ij,j", u, X, v),
    "einsum of a stack": lambda np, X: np.einsum("bij,bjk->bik", T * X, U + X.T),
    "einsum with ellipsis": lambda np, X: np.einsum("...ij,...kj->...ik", T, X),
    "einsum with a diagonal": lambda np, X: np.einsum("ii,ij->j", X[:, 1:], X),
    "einsum outer": lambda np, X: np.einsum("i,j->ij", X[0], X[1]),
    "einsum with a lost axis": lambda np, X: np.einsum("ij,k->i", X, v),
    "einsum implicit": lambda np, X: np.einsum("ij,jk", X, S),
    "cross": lambda np, X: np.cross(X.T, S[:, :3]) + np.cross(u, (X * X).T),
    "cross of columns": lambda np, X: np.cross(X, B * X, axisa=0, axisb=0, axisc=0),
    "cross of two": lambda np, X: np.cross(X[:, 0], X[:, 1]),
    "kron of vectors": lambda np, X: np.kron(X[0], X[1]),
    "kron with a vector": lambda np, X: np.kron(X, v) + np.kron(v, X),
    "kron of matrices": lambda np, X: np.kron(X, X.T),
    "kron of a number": lambda np, X: np.kron(X[0, 0], X),
}
CASES = {**MOVES, **PRODUCTS}


#: What the variable is compared with: no analytic functions.
BRANCHES = {"where of the variable", "sorted by argsort", "vdot"}

#: Without those that JAX cannot compile: its shapes depend on values.
IN_JAX = [name for name in CASES if name not in ("compress", "mask of rows")]

DIRECTION = rng.standard_normal(X.shape)


@pytest.fixture(params=CASES)
def name(request):
    return request.param


def of(name, module=np):
    return functools.partial(CASES[name], module)


def weights(y):
    return np.cos(np.arange(np.size(y))).reshape(np.shape(y))


def cost(name, module, X):
    """A number that has second derivatives: the entries squared and weighed."""
    y = CASES[name](module, X)
    return ((y * y) * weights(y)).reshape(-1) @ np.ones(y.size)


@pytest.fixture(scope="module")
def by_jax():
    """For each case the gradient of its cost and H D, all compiled at once."""

    def derivatives(X, D):
        gradients = {name: jax.grad(functools.partial(cost, name, jnp)) for name in IN_JAX}
        return {name: jax.jvp(g, (X,), (D,)) for name, g in gradients.items()}

    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    compiled = jax.jit(derivatives).lower(X, DIRECTION).compile(compiler_options=options)
    return compiled(X, DIRECTION)


def close(actual, expected, factor=100):
    """Equal up to rounding: `factor` eps of the largest entry."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    scale = max(np.abs(expected).max(initial=0), 1)
    assert np.abs(actual - expected).max(initial=0) <= factor * EPS * scale


def columns(sweep, shape, matrix):
    """A sweep applied to each column of vec coordinates by itself."""
    images = [np.ravel(sweep(c.reshape(shape, order="F")), order="F") for c in matrix.T]
    return np.array(images).T.reshape(-1, matrix.shape[1])


@pytest.mark.parametrize("name", IN_JAX)
def test_gradients_and_hessians_equal_those_of_jax(name, by_jax):
    expected, curved = by_jax[name]
    f = functools.partial(cost, name, np)
    close(ox.gradient(f, X), expected)
    close(ox.jvp(lambda X: ox.gradient(f, X), (X,), (DIRECTION,))[1], curved, 400)


def test_jacobian_equals_differences(name):
    J, expected = ox.jacobian(of(name), X), oracle.jacobian(of(name), X)
    assert J.out_shape == np.shape(of(name)(X))
    assert J.toarray().dtype == J.dtype == np.float64
    scale = max(1, np.abs(expected).max(initial=0))
    assert np.abs(J.toarray() - expected).max(initial=0) <= 1e-9 * scale


def test_sweeps_are_the_structure_and_adjoint(name):
    """Sweeps of one tangent and of batches of them; <w, J d> = <Jᵀ w, d>."""
    J = ox.jacobian(of(name), X)
    program, D = J.program, J.toarray()
    d, w = rng.standard_normal((J.shape[1], 2)), rng.standard_normal((J.shape[0], 2))
    close(columns(program.push, J.in_shape, d), D @ d)
    close(columns(program.pull, J.out_shape, w), D.T @ w)
    batch = to_columns(program.push(from_columns(d, J.in_shape)))
    close(batch, D @ d)
    close(to_columns(program.pull(from_columns(w, J.out_shape))), D.T @ w)
    close(J @ d, D @ d)
    close(J.T @ w, D.T @ w)
    left, right = np.sum(w * batch), np.sum(columns(program.pull, J.out_shape, w) * d)
    assert abs(left - right) <= 1e-13 * max(1, np.abs(D).max(initial=0)) * (1 + w.size)


def test_structure_of_hessians_is_that_of_their_sweeps(name):
    f = functools.partial(cost, name, np)
    H = ox.hessian(f, X)
    dense = H.toarray()
    close(H @ np.eye(12), dense, 400)
    close(dense, dense.T, 400)
    moved = ox.jvp(lambda X: ox.gradient(f, X), (X,), (DIRECTION,))[1]
    close(ox.vec(moved), dense @ ox.vec(DIRECTION), 400)
    assert H.T is H


def test_float32_stays_float32(name):
    X32 = X.astype(np.float32)
    J = ox.jacobian(of(name), X32)
    assert J.toarray().dtype == J.dtype
    if of(name)(X32).dtype == np.float32:
        assert J.dtype == np.float32


def test_complex_analytic(name):
    if name in BRANCHES:
        pytest.skip("not analytic")
    J = ox.jacobian(of(name), X + 1j * B)
    expected = oracle.jacobian(lambda R: of(name)(R + 1j * B), X)  # along the real axis
    scale = max(1, np.abs(expected).max(initial=0))
    assert np.abs(J.toarray() - expected).max(initial=0) <= 1e-9 * scale
