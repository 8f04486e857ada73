"""Each linear primitive: its transpose is the adjoint, its operator is the same map."""

import numpy as np
import pytest

from otimes import _primitives as p
from otimes import _rearrangements as r
from otimes._batched import Batched
from otimes._layout import from_columns, to_columns

rng = np.random.default_rng(3)
A = p.Constant(rng.standard_normal((4, 3)), (("A", 1, ""),))
PRIMITIVES = {
    "same": p.Same((2, 3)),
    "left multiply a matrix": p.LeftMultiply(A, (3, 2)),
    "left multiply a vector": p.LeftMultiply(A, (3,)),
    "right multiply": p.RightMultiply(A, (2, 4)),
    "transpose": r.Permute((1, 0), (2, 3)),
    "permute": r.Permute((2, 0, 1), (2, 3, 4)),
    "scale by a number": p.Scale(2.5, (2, 3)),
    "scale by an array": p.Scale(rng.standard_normal((2, 3)), (2, 3)),
    "reshape a matrix": r.Reshape((2, 6), (4, 3)),
    "reshape to a vector": r.Reshape((2, 3), (6,)),
    "reshape a tensor": r.Reshape((2, 3, 4), (6, 4)),
    "reshape a number": r.Reshape((), (1, 1)),
    "broadcast a row": r.Broadcast((3,), (2, 3)),
    "broadcast a column": r.Broadcast((2, 1), (2, 3)),
    "broadcast a number": r.Broadcast((), (2, 3)),
    "sum to a row": r.SumTo((2, 3), (3,)),
    "sum to a column": r.SumTo((2, 3), (2, 1)),
    "sum all": r.SumTo((2, 3), ()),
    "reshape in F order": r.Reshape((2, 3, 4), (6, 4), "F"),
    "reshape to a number": r.Reshape((1, 1), ()),
    "gather rows": r.Gather(np.array([[3, 4, 5], [0, 1, 2], [0, 1, 2]]), (2, 3)),
    "gather entries": r.Gather(np.array([5, -1, 0, 2]), (2, 3)),
    "gather an entry twice": r.Gather(np.array([[5, -1], [5, 2]]), (2, 3)),
    "gather a row of a stack": r.Gather(np.array([[0, 1, 2], [-1, -1, -1]]), (3,)),
    "gather nothing": r.Gather(np.zeros((0, 2), int), (2, 3)),
    "gather from nothing": r.Gather(np.full((2,), -1), (0, 3)),
    "gather nowhere": r.Gather(np.full((2, 2), -1), (2, 2)),
    "window": r.Window((slice(None, None, -2), 1), (4, 3)),
    "window on a number": r.Window((), ()),
    "window on an entry": r.Window((1, -1), (2, 3)),
    "empty window": r.Window((slice(0, 0), slice(None)), (2, 3)),
    "embedding": r.Window((slice(1, None), slice(None)), (4, 3)).transpose(),
    "batched": Batched(rng.standard_normal((5, 2, 3)), "bij", "bjk", "bik", (5, 3, 4)),
    "batched and permuted": Batched(rng.standard_normal((3, 5)), "jb", "bkj", "kb", (5, 2, 3)),
    "apply": p.Apply(p.KroneckerWith(A, (2, 5), before=True).lower()),
    "inner of numbers": p.Inner(rng.standard_normal(())),
    "inner": p.Inner(rng.standard_normal((2, 3))),
    "outer": p.Outer(rng.standard_normal((2, 3))),
    "kron after": p.KroneckerWith(A, (2, 5), before=True),
    "kron before": p.KroneckerWith(A, (2, 5), before=False),
    "kron trace": p.KroneckerWith(A, (2, 5), before=True).transpose(),
    "kron trace before": p.KroneckerWith(A, (2, 5), before=False).transpose(),
}


@pytest.fixture(params=PRIMITIVES.values(), ids=PRIMITIVES.keys())
def primitive(request):
    return request.param


def test_shapes(primitive):
    d = rng.standard_normal((5, *primitive.in_shape))
    assert primitive.apply(d).shape == (5, *primitive.out_shape)
    t = primitive.transpose()
    assert (t.in_shape, t.out_shape) == (primitive.out_shape, primitive.in_shape)


def test_batch_is_one_by_one(primitive):
    d = rng.standard_normal((3, *primitive.in_shape))
    each = np.stack([primitive.apply(x[None])[0] for x in d])
    np.testing.assert_allclose(primitive.apply(d), each, rtol=1e-14, atol=1e-14)


def test_one_tangent_needs_no_batch(primitive):
    d = rng.standard_normal((2, 3, *primitive.in_shape))
    one, two = primitive.apply(d[0, 0]), primitive.apply(d[:, 0])
    np.testing.assert_allclose(one, two[0], rtol=1e-14, atol=1e-14)
    assert np.shape(one) == primitive.out_shape


def test_transpose_is_the_adjoint(primitive):
    """<w, P d> = <Pᵀ w, d>."""
    d = rng.standard_normal((1, *primitive.in_shape))
    w = rng.standard_normal((1, *primitive.out_shape))
    left = np.sum(w * primitive.apply(d))
    right = np.sum(primitive.transpose().apply(w) * d)
    assert left == pytest.approx(right, rel=1e-13, abs=1e-13)


def test_operator_is_the_same_map(primitive):
    op = primitive.lower()
    n = int(np.prod(primitive.in_shape))
    columns = to_columns(primitive.apply(from_columns(np.eye(n), primitive.in_shape)))
    np.testing.assert_allclose(op.toarray(), columns, rtol=1e-14, atol=1e-14)
    transposed = primitive.transpose().lower()
    np.testing.assert_allclose(transposed.toarray(), columns.T, rtol=1e-14, atol=1e-14)
    assert (op.in_shape, op.out_shape) == (primitive.in_shape, primitive.out_shape)


def test_columns_round_trip():
    x = rng.standard_normal((24, 3))
    batch = from_columns(x, (2, 3, 4))
    assert batch.shape == (3, 2, 3, 4)
    np.testing.assert_array_equal(batch[1].ravel(order="F"), x[:, 1])
    np.testing.assert_array_equal(to_columns(batch), x)
