"""Arguments for calls of NumPy's functions on an operator, or on the array that it stands for.

A recipe makes the positional and the keyword arguments from one or the other.
"""

import functools
import io

import numpy as np

import otimes as ox
from otimes._operator import LinearOperator
from otimes._structures import LowRank
from zoo import matrix


def like(a):
    """A dense matrix of the shape and dtype of `a`."""
    return _like(a.shape, a.dtype).copy()


_like = functools.cache(lambda shape, dtype: matrix(*shape, dtype, 1))


def out_like(a, shape=None, dtype=None):
    return np.zeros(a.shape if shape is None else shape, a.dtype if dtype is None else dtype)


def given(*args, **kwargs):
    """f(op, ...), for arguments that do not depend on the operator."""
    return lambda a: ((a, *args), kwargs)


def partner(kind):
    """f(op, other), for an operator of another structure, or the array of it."""

    def recipe(a):
        if not np.isfinite(np.asarray(a)).all():
            raise ValueError  # zeros implied by structure are not multiplied (API)
        other = _PARTNERS[kind](a)
        return (a, other if isinstance(a, LinearOperator) else other.toarray()), {}

    return recipe


def _ones(a):
    u, v = (np.ones((n, 1)) for n in a.shape)
    return LowRank(u, v, a.shape[1:], a.shape[:1])


_PARTNERS = {
    "diagonal": lambda a: ox.diagonal(np.arange(a.shape[1], dtype=np.int8)),
    "one by all": lambda a: ox.kron([[2]], like(a)),
    "all by one": lambda a: ox.kron(like(a).T, [[0.5]]),
    "low rank": _ones,
    "kronecker sum": lambda a: ox.kronecker_sum(np.ones((2, 2), np.int8), np.eye(a.shape[1] // 2)),
    "permutation": lambda a: ox.commutation_matrix(2, a.shape[1] // 2).astype(a.dtype),
}

OBJECT = object()

#: Arguments of a call with the operator alone: f(op, ...).
UNARY = [
    given(),
    lambda a: (([a, a],), {}),
    lambda a: (((a, like(a)),), {}),
    *(given(axis=axis) for axis in (0, 1, -1, None, (0, 1), (), 2, [0], 0.5)),
    given(keepdims=True),
    given(axis=0, keepdims=True),
    given(axis=(0, 1), keepdims=True),
    given(axis=1, dtype=complex),
    given(dtype=np.float32),
    given(dtype=int),
    given(dtype=">f8"),
    lambda a: ((a,), {"where": like(a) > 0, "out": out_like(a)}),
    given(axis=1, initial=3),
    lambda a: ((a,), {"out": out_like(a)}),
    lambda a: ((a,), {"axis": 0, "out": out_like(a, a.shape[1:])}),
    lambda a: ((a,), {"axis": 1, "out": out_like(a, (2, 2))}),
    given(offset=1),
    given(offset=-2, axis1=1, axis2=0),
    given(k=-1),
    given(order="F"),
    given(copy=False),
    given(copy=True),
]
#: Arguments of a call with the operator and something else.
BINARY = [
    lambda a: ((a, a), {}),
    lambda a: ((a, like(a)), {}),
    lambda a: ((like(a), a), {}),
    given(2),
    lambda a: ((2, a), {}),
    given(1.5),
    given(-1),
    lambda a: ((np.float32(2), a), {}),
    given(1j),
    given([1, 0]),
    lambda a: ((a, np.ones(a.shape[1])), {}),
    lambda a: ((np.ones(a.shape[0]), a), {}),
    lambda a: ((a, like(a).T), {}),
    lambda a: ((a, a, a), {}),
    given(0, 1),
    given((1, 0)),
    lambda a: ((like(a) > 0, a, like(a)), {}),
    lambda a: ((a, a), {"dtype": complex}),
    lambda a: ((a, a), {"out": out_like(a)}),
    lambda a: ((a, like(a)), {"out": out_like(a, dtype=complex)}),
    lambda a: ((a, a), {"where": like(a) > 0, "out": out_like(a)}),
    given(None),
    given("x"),
    given(OBJECT),
    lambda a: ((a, np.asmatrix(like(a))), {}),
    lambda a: ((np.asmatrix(like(a)), a), {}),
    lambda a: ((a, np.asmatrix(like(a)).T), {}),
    lambda a: ((np.asmatrix(like(a)).T, a), {}),
    lambda a: ((a, np.ones((2, *a.shape[::-1]))), {}),
    lambda a: ((np.ones((2, *a.shape[::-1])), a), {}),
    given(np.array(3, np.int16)),
    given(np.ones(2, ">f8")),
    *map(partner, _PARTNERS),
]
#: Reductions that take a mask without `out`.
MASKED = [
    lambda a: ((a,), {"where": like(a) > 0}),
    lambda a: ((a,), {"axis": 0, "where": like(a) > 0}),
]
#: Functions whose further arguments are no arrays: options of texts, and dtypes, for which any
#: object with an attribute `dtype` serves.
UNARY_ONLY = {
    *("array2string", "array_repr", "array_str"),
    *("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "asmatrix"),
    *("asarray_chkfinite", "require", "matrix", "can_cast", "empty", "ones", "zeros", "frombuffer"),
    *("fromstring", "empty_like", "ones_like", "zeros_like", "dtype", "promote_types"),
    *("result_type", "ndarray", "recarray", "fromiter", "issubdtype", "arange", "eye", "identity"),
    *("indices", "full", "full_like", "rot90"),
    *("operator.getitem", "operator.setitem", "builtins.iter"),
}


def of_hermitian(a):
    """`a`, if the function will look at all of it."""
    if not np.array_equal(np.asarray(a), np.asarray(a).conj().T):
        raise ValueError
    return a


def with_string(*strings):
    return [lambda a, s=s: ((s, a), {}) for s in strings]


#: Functions whose default is too large: (10 bins)^(number of columns).
NO_DEFAULT = {"histogramdd"}
#: Further arguments of functions that the default does not serve.
RECIPES = {
    "apply_along_axis": [lambda a: ((np.sum, 0, a), {}), lambda a: ((np.sort, 1, a), {})],
    "apply_over_axes": [lambda a: ((np.sum, a, [0, 1]), {}), lambda a: ((np.sum, a, 0), {})],
    "arange": [lambda a: ((a.shape[0],), {"like": a})],
    "array": [given(ndmin=3), lambda a: ((3,), {"like": a})],
    "average": [lambda a: ((a,), {"weights": like(a), "returned": True})],
    "astype": [given(d) for d in ("f4", "i8", "c8", "f2", "?", "S3", "O", ">f8")],
    "broadcast_to": [lambda a: ((a, (2, *a.shape)), {})],
    "choose": [lambda a: ((like(a).real.astype(int) % 2, [a, like(a)]), {})],
    "clip": [given(0, 3), given(min=1), lambda a: ((a, a, 2 * a), {})],
    "compress": [lambda a: (([True, False], a), {"axis": 0})],
    "convolve": [lambda a: ((np.ones(3), a), {})],
    "copyto": [lambda a: ((out_like(a, dtype=complex), a), {}), lambda a: ((a, like(a)), {})],
    "cross": [lambda a: ((a[:, :3], like(a)[:, :3]), {})],
    "delete": [given(0, 0), given([0], 1)],
    "diff": [given(axis=0, prepend=0)],
    "digitize": [given([0.0, 1.0, 2.0])],
    "einsum": [*with_string("ij->ji", "ii", "ij->", "ij->i"),
               lambda a: (("ij,jk", a, like(a).T), {}), given([0, 1], [1, 0]),
               lambda a: (("ij,ij->", a, a), {"optimize": True})],
    "einsum_path": [lambda a: (("ij,jk", a, like(a).T), {})],
    "expand_dims": [given(0), given((0, 2))],
    "extract": [lambda a: ((like(a) > 0, a), {}), lambda a: ((a, like(a)), {})],
    "fill_diagonal": [given(1), lambda a: ((np.zeros(a.shape), a), {})],
    "full_like": [given(3), lambda a: ((like(a), a), {})],
    "full": [lambda a: (((2, *a.shape), a), {})],
    "histogramdd": [given(bins=2), given(bins=2, density=True)],
    "histogram": [given(bins=3), lambda a: ((a,), {"weights": a})],
    "insert": [given(0, 1, 0), lambda a: ((like(a), 1, a[0], 0), {})],
    "interp": [given([0.0, 1.0], [2.0, 5.0])],
    "isdtype": [lambda a: ((a.dtype, "real floating"), {})],
    "ix_": [lambda a: ((a[0], a[0]), {})],
    "linspace": [lambda a: ((a, 2 * like(a), 3), {}), lambda a: ((0, a, 3), {"axis": 1})],
    "matmul": [lambda a: ((a, like(a).T), {"out": out_like(a, (a.shape[0],) * 2, complex)}),
               lambda a: ((a, a.T), {"axes": [(0, 1), (0, 1), (0, 1)]}),
               lambda a: ((a, np.ones((2, 1, a.shape[1], 2), np.float32)), {}),
               lambda a: ((a, np.zeros((0, a.shape[1], 0))), {}),
               lambda a: ((a, np.ones(a.shape[1], np.int8)), {}),
               lambda a: ((a, np.ones(a.shape[1], complex)), {}),
               lambda a: ((np.ones(a.shape[0], bool), a), {}),
               lambda a: ((a, a.T), {"casting": "no"}), lambda a: ((a, a.T), {"order": "F"})],
    "moveaxis": [given(0, 1), given(0, -1)],
    "pad": [given(1), given(((0, 1), (2, 0)), mode="edge")],
    "partition": [given(0, axis=0)],
    "percentile": [given(30), given([20, 50], axis=0)],
    "piecewise": [lambda a: ((a, [like(a) > 0], [1, 2]), {})],
    "place": [lambda a: ((a, like(a) > 0, [1]), {})],
    "put": [given([0], 1), lambda a: ((np.zeros(a.shape), [0], a), {})],
    "put_along_axis": [lambda a: ((a, np.zeros((1, a.shape[1]), int), 1, 0), {})],
    "putmask": [lambda a: ((a, like(a) > 0, 1), {})],
    "quantile": [given(0.3), given([0.2, 0.5], axis=0)],
    "repeat": [given(2, axis=0)],
    "reshape": [given(-1), given((1, -1), order="F"),
                lambda a: ((a,), {"shape": a.shape[::-1]})],
    "resize": [given((2, 3))],
    "rollaxis": [given(1)],
    "save": [lambda a: ((io.BytesIO(), a), {})],
    "savez": [lambda a: ((io.BytesIO(), a), {})],
    "savetxt": [lambda a: ((io.StringIO(), a), {})],
    "searchsorted": [lambda a: (([0.0, 1.0], a), {})],
    "select": [lambda a: (([like(a) > 0], [a], 0), {}), lambda a: (([a > 0], [a], a), {})],
    "split": [lambda a: ((a, a.shape[0]), {}), given([1, 2], axis=1)],
    "swapaxes": [given(0, 1), given(0, 0)],
    "take": [given([0, 1], axis=0), given(1, axis=1)],
    "take_along_axis": [lambda a: ((a, np.zeros((1, a.shape[1]), int), 0), {})],
    "tensordot": [lambda a: ((a, like(a).T, 1), {}), lambda a: ((a, a, 2), {}),
                  lambda a: ((a, like(a), 0), {}), lambda a: ((a, like(a), ([0], [0])), {})],
    "tile": [given((2, 1))],
    "transpose": [given(axes=x) for x in ((1, 0), (-2, -1), [0, 1], (0, 0), (0,),
                                                           (0, 1, 2), None, (1, -2))],
    "vander": [lambda a: ((a[0],), {"N": 2})],
    "vdot": [lambda a: ((a, like(a)), {})],
    "where": [lambda a: ((a > 0, a, 0), {}), lambda a: ((like(a) > 0, a, a), {})],
    "linalg.cond": [given(p) for p in (None, 1, -1, 2, -2, np.inf, "fro", 7)],
    "linalg.norm": [given(p)
                    for p in (None, 1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc", 0, 3, "x")],
    "linalg.matrix_norm": [given(ord=p)
                           for p in (1, -1, 2, -2, np.inf, "fro", "nuc", 0, 3)],
    "linalg.matrix_power": [given(k) for k in (0, 1, 2, 3, 5, -1, -2, 0.5)],
    "linalg.matrix_rank": [given(tol=1e-3), given(rtol=0.1),
                           lambda a: ((of_hermitian(a),), {"hermitian": True})],
    "linalg.pinv": [given(rcond=0.1), given(hermitian=True),
                    given(rtol=1e-3)],
    "linalg.qr": [given(mode=m) for m in ("reduced", "complete", "r", "raw")],
    "linalg.svd": [given(full_matrices=False), given(compute_uv=False),
                   lambda a: ((of_hermitian(a),), {"hermitian": True})],
    "linalg.lstsq": [lambda a: ((a, np.ones(a.shape[0])), {}),
                     lambda a: ((a, np.ones((a.shape[0], 2))), {"rcond": 0.1}),
                     lambda a: ((np.ones((a.shape[0], 2)), a), {})],
    "linalg.solve": [lambda a: ((a, np.ones(a.shape[0])), {}),
                     lambda a: ((a, np.ones((a.shape[0], 2), complex)), {}),
                     lambda a: ((a, np.ones((3, a.shape[0], 2))), {}),
                     lambda a: ((np.eye(a.shape[0]), a), {}), lambda a: ((a, a), {})],
    "linalg.eigh": [given(UPLO="U"), given(UPLO="L")],
    "linalg.eigvalsh": [given(UPLO="U")],
    "linalg.cholesky": [given(upper=True)],
    "linalg.multi_dot": [lambda a: (([a, like(a).T, a],), {}), lambda a: (([a, a.T],), {})],
    "linalg.tensorinv": [given(ind=1)],
    "linalg.tensorsolve": [lambda a: ((a, np.ones(a.shape[0])), {})],
}  # fmt: skip

UFUNC_RECIPES = {
    "reduce": [
        *UNARY,
        given(1),
        given(axis=None, initial=2),
        lambda a: ((like(a),), {"out": a[0]}),
    ],
    "accumulate": [
        given(),
        given(1),
        lambda a: ((like(a),), {"out": a}),
    ],
    "reduceat": [given([0, 1]), given([0], axis=1)],
    "outer": [
        given([1, 2]),
        lambda a: (([1.5, 2], a), {}),
        lambda a: ((a, a), {}),
        given(2),
    ],
    "at": [
        given((0, 0)),
        given((0, 0), 1),
        lambda a: ((like(a), ([0], [0]), a[0, 0]), {}),
        lambda a: ((like(a), slice(None), a), {}),
    ],
}
METHOD_RECIPES = {
    "argpartition": [given(0)],
    "astype": [
        given(np.float32, copy=False),
        given(np.float32, casting="safe"),
        given(complex, "F", "same_kind", True, False),
    ],
    "byteswap": [given(True), given(inplace=True)],
    "choose": [lambda a: ((a, [like(a), a]), {})],
    "dot": [lambda a: ((a, np.ones(a.shape[1], a.dtype), np.empty(a.shape[0], a.dtype)), {})],
    "getfield": [given(np.int8), given(np.int8, 1)],
    "item": [given(0, 1), given((1, 0)), given(3)],
    "reshape": [given(-1, 1), given((1, -1), copy=False)],
    "setfield": [given(1, np.int8)],
    "setflags": [given(write=False)],
    "searchsorted": [given(1)],
    "sort": [given(kind="stable")],
    "dump": [lambda a: ((a, io.BytesIO()), {})],
    "tofile": [lambda a: ((a, io.BytesIO()), {})],
    "transpose": [given(1, 0), given(0, 1), given(1)],
    "view": [given(np.int8), given(np.matrix)],
}
OPERATOR_RECIPES = {
    "operator.getitem": [given(k) for k in (
        0, -1, (0, 1), slice(1, 3), (slice(None), 0), ..., None, [0, 1], ([0, 1], [1, 0]), (0, ...),
        (slice(None, None, -2), slice(1, None)), True, 1.0, "x", (0, 0, 0), 99, (),
        np.array([], int))],
    "operator.setitem": [given(0, 1), lambda a: ((np.ones(a.shape), 0, a[0]), {}),
                         lambda a: ((np.ones((2, *a.shape)), 0, a), {})],
    "operator.pow": [given(k) for k in (0, 1, 3, 0.5, -1, 2.0, np.int8(2))],
    "operator.matmul": RECIPES["matmul"][2:5],
    "operator.index": [], "operator.contains": [lambda a: ((a, a[0, 0]), {}), given(77)],
    "operator.length_hint": [],
}  # fmt: skip
