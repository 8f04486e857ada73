"""Our functions on Dask arrays: against the same call on NumPy arrays, and as graphs."""

import contextlib
import os
import subprocess
import sys
from unittest import mock

import numpy as np
import pytest

import otimes as ox

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")


@pytest.fixture(autouse=True)
def small_chunks():
    """Chunks of 256 float64, one task after the other."""
    with dask.config.set({"array.chunk-size": "2kiB", "scheduler": "sync"}):
        yield


RNG = np.random.default_rng(0)
A, B, C = (RNG.standard_normal((n, n)) for n in (4, 6, 5))
WIDE, TALL = RNG.standard_normal((3, 4)), RNG.standard_normal((6, 5))


def normal(n):
    """A real matrix with orthogonal eigenvectors and complex eigenvalues."""
    x = RNG.standard_normal((n, n))
    return np.eye(n) + x - x.T


def definite(n):
    a = RNG.standard_normal((n, n))
    return a @ a.T + n * np.eye(n)


OPERATORS = {
    "product": ox.kron(A, B),
    "three": ox.kron(A, B, C),
    "rectangular": ox.kron(WIDE, TALL, C),
    "complex": ox.kron(A + 1j * A.T, B),
    "integer": ox.kron([[1, 2], [3, 4]], [[1, 0, 2]]),
    "scaled sum": 3 * ox.kron(A, B) + ox.identity(24),
    "kronecker sum": ox.kronecker_sum(A, B, C),
    "commutation": ox.commutation_matrix(12, 10),
    "commutation after product": ox.commutation_matrix(4, 6) @ ox.kron(A, B),
    "symmetrizer": ox.symmetrizer_matrix(11),
    "duplication": ox.duplication_matrix(9),
    "duplication T": ox.duplication_matrix(9).T,
    "duplication +": ox.duplication_matrix(9).pinv(),
    "duplication +T": ox.duplication_matrix(9).pinv().T,
    "elimination": ox.elimination_matrix(9),
    "elimination T": ox.elimination_matrix(9).T,
    "identity": ox.identity(120),
    "diagonal": ox.diagonal(RNG.standard_normal(130)),
    "inverse": ox.kronecker_sum(A, B).inv(),
    "jacobian of a cube": ox.jacobian(lambda X: X @ X @ X, B),
    "jacobian of an inverse": ox.jacobian(lambda X: np.linalg.inv(X) @ X.T, B),
    "jacobian of a network": ox.jacobian(lambda X: np.tanh(X) @ A, A),
    "jacobian of a trace": ox.jacobian(lambda X: np.trace(X @ X), B),
    "jacobian of slices": ox.jacobian(lambda X: X[::2, 1:], B),
    "jacobian of a reversal": ox.jacobian(lambda x: x[::-1] * 2, np.ones(30)),
    "selection": ox.jacobian(lambda x: x[[5, 3, 8]], np.ones(30)),
    "padding": ox.jacobian(lambda x: x[[5, 3, 8]], np.ones(30)).T,
    "sum with a diagonal": ox.kron(A, B) + ox.diagonal(RNG.standard_normal(24)),
    "product of operators": ox.kron(ox.duplication_matrix(3), A),
    "dense": ox.aslinearoperator(RNG.standard_normal((30, 40))),
}


def operand(op, shape):
    if op.dtype.kind == "i":
        return RNG.integers(-9, 9, shape)
    return RNG.standard_normal(shape)


def assert_lazily_equal(lazy, expected):
    """The shape and dtype that were promised, and the entries."""
    assert isinstance(lazy, da.Array)
    value = lazy.compute()
    assert lazy.shape == value.shape == expected.shape
    assert lazy.dtype == value.dtype == expected.dtype
    tol = 1000 * np.finfo(np.float64).eps * abs(expected).max(initial=1)
    np.testing.assert_allclose(value, expected, rtol=0, atol=tol)


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [((), 7), ((), -1), ((3,), (5, 2)), ((70,), (-1, 9))],
    ids=["pieces", "whole", "columns", "whole columns"],
)
@pytest.mark.parametrize("name", OPERATORS)
def test_product(name, shape, chunks):
    op = OPERATORS[name]
    x = operand(op, (op.shape[1], *shape))
    assert_lazily_equal(op @ da.from_array(x, chunks=chunks), op @ x)


@pytest.mark.parametrize("name", OPERATORS)
def test_product_with_a_batch(name):
    op = OPERATORS[name]
    x = operand(op, (2, op.shape[1], 3))
    assert_lazily_equal(op @ da.from_array(x, chunks=(1, 11, 3)), op @ x)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize(("shape", "chunks"), [((), 7), ((3,), (2, 5)), ((2, 3), (1, 3, 11))])
def test_product_from_the_left(name, shape, chunks):
    op = OPERATORS[name]
    x = operand(op, (*shape, op.shape[0]))
    assert_lazily_equal(da.from_array(x, chunks=chunks) @ op, x @ op)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("view", ["T", "H"])
def test_transpose(name, view):
    op = getattr(OPERATORS[name], view)
    x = operand(op, op.shape[1])
    assert_lazily_equal(op @ da.from_array(x, chunks=7), op @ x)


@pytest.mark.parametrize("name", OPERATORS)
def test_image_of_a_matrix(name):
    op = OPERATORS[name]
    x = operand(op, op.in_shape)
    assert_lazily_equal(op(da.from_array(x, chunks=3)), op(x))


@pytest.mark.parametrize("dtype", ["float32", "complex64", "int16", "bool"])
@pytest.mark.parametrize("name", ["product", "kronecker sum", "commutation", "duplication T"])
def test_dtypes(name, dtype):
    op = OPERATORS[name]
    x = (10 * RNG.standard_normal(op.shape[1])).astype(dtype)
    lazy, expected = op @ da.from_array(x, chunks=7), op @ x
    assert lazy.dtype == lazy.compute().dtype == expected.dtype
    np.testing.assert_allclose(lazy.compute(), expected, rtol=1e-4)


@pytest.mark.parametrize("shape", [(24, 0), (0, 24, 2)])
def test_nothing(shape):
    x = np.ones(shape)
    assert_lazily_equal(
        OPERATORS["product"] @ da.from_array(x, chunks=-1), OPERATORS["product"] @ x
    )


def test_matvec_matmat_and_matmul_are_the_product():
    op, x = OPERATORS["product"], RNG.standard_normal((24, 3))
    lazy = da.from_array(x, chunks=5)
    assert_lazily_equal(op.matvec(lazy[:, 0]), op @ x[:, 0])
    assert_lazily_equal(op.matmat(lazy), op @ x)
    assert_lazily_equal(op.rmatvec(lazy[:, 0]), op.T @ x[:, 0])
    assert_lazily_equal(np.matmul(op, lazy), op @ x)
    assert_lazily_equal(np.matmul(lazy.T, op), x.T @ op)


def test_functions_without_an_operator():
    x = RNG.standard_normal((120, 3))
    lazy = da.from_array(x, chunks=(17, 2))
    assert_lazily_equal(ox.kron_matmul([A, B, C], lazy), ox.kron_matmul([A, B, C], x))
    assert_lazily_equal(ox.kron_rmatmul(lazy.T, [A, B, C]), ox.kron_rmatmul(x.T, [A, B, C]))
    factors = [ox.identity(4), B, C]
    assert_lazily_equal(ox.kron_matmul(factors, lazy), ox.kron_matmul(factors, x))


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (-1, 1, 0)])
def test_factors_along_axes(axes):
    sizes = dict(zip((k % 3 for k in axes), (4, 6, 5), strict=True))
    x = RNG.standard_normal([sizes[k] for k in range(3)])
    lazy = da.from_array(x, chunks=(2, 3, 2))
    assert_lazily_equal(ox.kron_apply([A, B, C], lazy, axes), ox.kron_apply([A, B, C], x, axes))


@pytest.mark.parametrize("shape", [(6, 6), (3, 6, 6), (2, 3, 5, 5), (1, 1), (0, 0)])
def test_vec_and_its_relatives(shape):
    a = RNG.standard_normal(shape)
    lazy = da.from_array(a, chunks=4)
    for order in "FC":
        assert_lazily_equal(ox.vec(lazy, order), ox.vec(a, order))
        assert_lazily_equal(ox.unvec(ox.vec(lazy, order), order=order), a)
    assert_lazily_equal(ox.vech(lazy), ox.vech(a))
    assert_lazily_equal(ox.unvech(ox.vech(lazy)), ox.unvech(ox.vech(a)))


def test_vec_of_a_wide_matrix():
    a = RNG.standard_normal((3, 8))
    v = ox.vec(da.from_array(a, chunks=2))
    assert_lazily_equal(v, ox.vec(a))
    assert_lazily_equal(ox.unvec(v, (3, 8)), a)
    with pytest.raises(ValueError, match="which is not a square"):
        ox.unvec(v)
    with pytest.raises(ValueError, match=r"must be \(..., n, n\)"):
        ox.vech(da.ones((3, 8)))


def test_a_matrix_and_its_transposed_view_are_two():
    """Dask gives both one name; a graph that holds both would use one for the other."""
    x = RNG.standard_normal(256)
    q = RNG.standard_normal((16, 16))
    both, back = ox.kron(q, q), ox.kron(q.T, q.T)
    assert_lazily_equal(back @ (both @ da.from_array(x, chunks=32)), back @ (both @ x))


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_schedulers(scheduler):
    x = RNG.standard_normal(120)
    with dask.config.set(scheduler=scheduler, num_workers=2):
        for name in ("three", "kronecker sum", "duplication"):
            op = OPERATORS[name]
            v = RNG.standard_normal(op.shape[1])
            assert_lazily_equal(op @ da.from_array(v, chunks=40), op @ v)
        sum_ = ox.kronecker_sum(definite(4), definite(6), definite(5))
        assert_lazily_equal(ox.solve(sum_, da.from_array(x, chunks=40)), ox.solve(sum_, x))
        f = ox.sylvester_factor(A, B)
        q = RNG.standard_normal((7, 4, 6))
        assert_lazily_equal(f.solve(da.from_array(q, chunks=(2, 3, 3))), f.solve(q))


# --- what Dask is asked for ----------------------------------------------------------------------


def layers(lazy):
    return {name.rpartition("-")[0] for name in lazy.dask.layers}


def test_stages_have_names():
    with dask.config.set({"array.chunk-size": f"{8 * 4**3}B"}):
        factors = [RNG.standard_normal((4, 4)) for _ in range(6)]
        vector = ox.kron(*factors) @ da.ones(4**6, chunks=4**3)
        tensor = ox.kron_apply(factors, da.ones((4,) * 6, chunks=(1, 1, 1, 4, 4, 4)))
    assert {"kron-leading", "kron-trailing"} <= layers(vector)
    assert {"kron-leading", "kron-trailing"} <= layers(tensor)


def count_of_rechunks(lazy):
    return sum(name.startswith("rechunk-merge") for name in lazy.dask.layers)


def test_a_tensor_is_cut_once_and_rows_never():
    factors = [RNG.standard_normal((4, 4)) for _ in range(6)]
    with dask.config.set({"array.chunk-size": f"{8 * 4**3}B"}):
        tensor = ox.kron_apply(factors, da.ones((4,) * 6, chunks=(1, 1, 1, 4, 4, 4)))
        rows = ox.kron_rmatmul(da.ones((30, 4**6), chunks=(1, 4**6)), factors)
    assert count_of_rechunks(tensor) == 1
    assert count_of_rechunks(rows) == 0
    assert layers(rows) >= {"kron-product"}


def test_images_of_arrays_are_taken_along_their_axes():
    """Where the axes are the modes; vec(X) would gather what lies in different chunks."""
    op = ox.kron(A, TALL)
    x = da.ones(op.in_shape, chunks=2)
    assert op.in_shape[0] != op.in_shape[1]
    assert "reshape" not in layers(op(x))
    assert "reshape" not in layers((op + ox.kron(A, TALL))(x))


def test_factors_are_one_task():
    lazy = OPERATORS["product"] @ da.ones((24, 1000), chunks=(24, 10))
    keys = [key for key in lazy.__dask_graph__() if "kron-factors" in str(key)]
    assert len(keys) == 1


def test_importing_otimes_does_not_import_dask():
    code = "import sys, otimes; assert not {'dask', 'distributed'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- equations -----------------------------------------------------------------------------------


def chunked(a, size=7):
    return da.from_array(a, chunks=size)


A50, B50, Q50 = (RNG.standard_normal((50, m, n)) for m, n in ((4, 4), (3, 3), (4, 3)))


@pytest.mark.parametrize(
    ("a", "b", "q"),
    [
        (chunked(A50), chunked(B50), chunked(Q50)),
        (A50[0], chunked(B50, 2), Q50[0]),
        (A50[:, None], B50[:5], chunked(Q50[:5], 2)),
        (chunked(A50[:, None], 3), B50[0], chunked(Q50[:5], 2)),
    ],
    ids=["all", "one of three", "broadcast", "two batches"],
)
def test_batches(a, b, q):
    plain = [np.asarray(x) for x in (a, b, q)]
    assert_lazily_equal(ox.solve_sylvester(a, b, q), ox.solve_sylvester(*plain))


def test_every_named_equation_takes_a_chunked_batch():
    q = RNG.standard_normal((9, 4, 4))
    s, lazy = q + q.mT, chunked(q, 2)
    stable = -definite(4)
    assert_lazily_equal(ox.solve_axb(A, A.T, lazy), ox.solve_axb(A, A.T, q))
    assert_lazily_equal(ox.solve_stein(A / 9, A / 9, lazy), ox.solve_stein(A / 9, A / 9, q))
    lyapunov = ox.solve_continuous_lyapunov
    assert_lazily_equal(lyapunov(stable, chunked(s, 2)), lyapunov(stable, s))
    assert_lazily_equal(ox.solve_tsylvester(A, 9 * A, lazy), ox.solve_tsylvester(A, 9 * A, q))


@pytest.mark.parametrize("function", [ox.expm, ox.sqrtm, ox.logm])
def test_functions_of_a_batch(function):
    a = np.stack([definite(4) for _ in range(9)]) / 9
    assert_lazily_equal(function(chunked(a, 2)), function(a))
    with pytest.raises(ValueError, match="must be square"):
        function(da.ones((3, 4)))


def test_one_axb_larger_than_a_chunk():
    a, b, c = definite(40), definite(30), RNG.standard_normal((40, 30))
    x = ox.solve_axb(a, b, chunked(c, 16))
    assert {"kron-leading", "kron-trailing"} <= layers(x)
    assert_lazily_equal(x, ox.solve_axb(a, b, c))


@pytest.mark.parametrize("trans", ["N", "T", "H"])
def test_equation_factors(trans):
    f, q = ox.sylvester_factor(A, B), RNG.standard_normal((5, 2, 4, 6))
    assert_lazily_equal(f.solve(chunked(q, 2), trans), f.solve(q, trans))


SQUARE = {
    "kronecker": ox.kron(A, B, C),
    "permuted": ox.commutation_matrix(4, 6) @ ox.kron(A, B),
    "complex": ox.kron(A + 1j * A.T, B),
    "diagonal": ox.diagonal(1.0 + np.arange(300)),
    "permutation": ox.commutation_matrix(12, 30),
    "small sum": ox.kronecker_sum(A, B),
    "spectral": ox.kronecker_sum(*map(definite, (10, 8, 6))),
    "permuted spectral": ox.kronecker_sum(definite(20), definite(20))
    @ ox.commutation_matrix(20, 20),
    "jacobian": ox.jacobian(lambda X: X @ X @ X, A),
    "complex spectral": ox.kronecker_sum(definite(20), definite(20) * (1 + 1j)),
    "rotations": ox.kronecker_sum(*map(normal, (10, 8, 6))),
    "triangular": ox.kronecker_sum(np.triu(definite(20)), np.triu(definite(20))),
    "complex permuted": ox.commutation_matrix(4, 6) @ ox.kron(A + 1j * A.T, B),
    "inverse": ox.kronecker_sum(A, B).inv(),
    "chain": ox.kron(A, B) @ ox.diagonal(1.0 + np.arange(24)),
}


@pytest.mark.parametrize("name", SQUARE)
def test_solve(name):
    op = SQUARE[name]
    b = RNG.standard_normal((op.shape[0], 2))
    assert_lazily_equal(ox.solve(op, chunked(b, 40)), ox.solve(op, b))
    assert_lazily_equal(op.solve(chunked(b[:, 0], 40)), op.solve(b[:, 0]))
    x = RNG.standard_normal(op.out_shape)
    assert_lazily_equal(op.solve(chunked(x, 3)), op.solve(x))


@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("trans", ["N", "T", "H"])
def test_solve_with_kept_decompositions(name, trans):
    factors = SQUARE[name].factorize()
    b = RNG.standard_normal(SQUARE[name].shape[0])
    assert_lazily_equal(factors.solve(chunked(b, 40), trans), factors.solve(b, trans))


N = 20
EYE = np.eye(N)
ITERATED = {
    "cg": ox.kron(definite(N), EYE)
    + ox.kron(EYE, definite(N))
    + ox.kron(np.diag(1.0 + np.arange(N)), np.diag(RNG.random(N))),
    "gmres": ox.kron(5 * EYE + 0.1 * RNG.standard_normal((N, N)), EYE)
    + 0.01 * ox.kron(RNG.standard_normal((N, N)), RNG.standard_normal((N, N)))
    + 0.01 * ox.kron(RNG.standard_normal((N, N)), RNG.standard_normal((N, N))),
    "gmres of three modes": 3 * ox.identity(N * N)
    + 0.01 * ox.kron(*(RNG.standard_normal((n, n)) for n in (5, 8, 10)))
    + 0.01 * ox.kron(*(RNG.standard_normal((n, n)) for n in (5, 8, 10))),
}


def iterated(op, b):
    steps = []
    x = ox.solve(op, chunked(b, 100), callback=lambda k, residual: steps.append(k))
    np.testing.assert_allclose(op @ x.compute(), b, atol=1e-10 * abs(b).max())
    return steps


@pytest.mark.parametrize("name", ITERATED)
def test_iterations_on_chunked_vectors(name):
    steps = iterated(ITERATED[name], RNG.standard_normal(N * N))
    assert steps == list(range(1, len(steps) + 1))
    assert steps


def test_iterations_are_preconditioned(monkeypatch):
    b = RNG.standard_normal(N * N)
    steps = iterated(ITERATED["cg"], b)
    monkeypatch.setattr("otimes._chunked_equations.preconditioning_product", lambda op: None)
    assert 2 * len(steps) < len(iterated(ITERATED["cg"], b))


# --- bad input -----------------------------------------------------------------------------------


def test_shapes_are_checked_before_any_work():
    op, lazy = OPERATORS["product"], da.ones(25, chunks=5)
    with pytest.raises(ValueError, match=r"x has shape \(25,\), but the operator has shape"):
        op @ lazy
    with pytest.raises(ValueError, match="x needs 24 columns"):
        lazy @ op
    with pytest.raises(ValueError, match=r"the operator maps arrays of shape \(6, 4\)"):
        op(lazy)
    with pytest.raises(ValueError, match=r"so x needs shape \(24,\)"):
        ox.kron_matmul([A, B], lazy)
    with pytest.raises(ValueError, match="axis 0 of the tensor"):
        ox.kron_apply([A], lazy)
    with pytest.raises(ValueError, match=r"b has shape \(25,\), but the operator has shape"):
        ox.solve(op, lazy)
    with pytest.raises(ValueError, match=r"a is \(50, 4, 4\) and b is \(50, 3, 3\)"):
        ox.solve_sylvester(chunked(A50), chunked(B50), da.ones((50, 4, 4)))
    with pytest.raises(ValueError, match="do not broadcast"):
        ox.solve_sylvester(chunked(A50), chunked(B50[:7]), chunked(Q50))


def test_unknown_chunk_sizes():
    x = da.ones(30, chunks=5)
    with pytest.raises(ValueError, match=r"unknown chunk sizes.*compute_chunk_sizes"):
        OPERATORS["product"] @ x[x > 0]


@pytest.mark.parametrize("dtype", [object, "M8[s]", "U3"])
def test_dtypes_that_are_not_numbers(dtype):
    with pytest.raises(TypeError, match="x has dtype"):
        OPERATORS["product"] @ da.empty(24, dtype=dtype, chunks=24)


def test_out_and_return_info_are_refused():
    lazy = da.ones(24, chunks=5)
    with pytest.raises(TypeError, match="out cannot be given with a Dask array"):
        ox.kron_matmul([A, B], lazy, out=np.empty(24))
    with pytest.raises(TypeError, match="out cannot be given"):
        OPERATORS["product"].matvec(lazy, out=np.empty(24))
    with pytest.raises(ValueError, match="return_info cannot be given with Dask arrays"):
        ox.solve_sylvester(A, B, da.ones((4, 6)), return_info=True)
    with pytest.raises(ValueError, match="return_info cannot be given with Dask arrays"):
        ox.solve(OPERATORS["product"], lazy, return_info=True)


DEFINITE = definite(20)


def test_singular_operators_raise_before_any_work():
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        ox.solve(ox.kron(A, np.zeros((3, 3))), da.ones(12))
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        ox.solve(ox.kronecker_sum(DEFINITE, -DEFINITE), da.zeros(400))


def test_a_singular_item_of_a_batch_is_found_when_it_is_computed():
    b = B50.copy()
    b[31] = np.diag([-1.0, 2, 3])
    x = ox.solve_sylvester(np.diag([1.0, 5, 6, 7]), chunked(b, 10), chunked(Q50, 10))
    with pytest.raises(np.linalg.LinAlgError, match="item 1:") as error:
        x.compute()
    assert error.value.__notes__ == ["in the block of the batch that starts at (30,)"]


def test_not_a_number_is_found_when_it_is_computed():
    q = Q50.copy()
    q[40, 1, 1] = np.nan
    with pytest.raises(ValueError, match="contains NaN or Inf"):
        ox.solve_sylvester(A50[0], B50[0], chunked(q)).compute()


def test_functions_without_a_version_say_so():
    with pytest.raises(NotImplementedError, match=r"otimes.lstsq_axb does not take Dask arrays"):
        ox.lstsq_axb(A, B, da.ones((4, 6)))


def test_nothing_is_computed_in_one_piece_unasked():
    square, op = da.ones((3, 3)), ox.kron(A, B)
    for call in (
        lambda: ox.jacobian(lambda x: x @ x, square),
        lambda: ox.root(lambda x: x @ x - 1, square),
        lambda: ox.solve(lambda x: x + x.T, square),
        lambda: ox.kron(A, B) + da.ones((24, 24)),
        lambda: ox.aslinearoperator(square),
        lambda: ox.solve_continuous_are(A, A, A, da.ones((4, 4))),
        lambda: ox.kron_matmul([square, A], np.ones(12)),
        lambda: ox.solve(op, da.ones(24), on_singular="lstsq"),
    ):
        with pytest.raises(NotImplementedError, match="Dask array"):
            call()


def test_a_chunk_that_does_not_fit_names_sizes(monkeypatch):
    monkeypatch.setattr("otimes._chunked_arrays._worker", lambda: (300.0, 2))
    with pytest.raises(MemoryError, match=r"one task needs .* GiB.*but a worker has .* GiB for"):
        OPERATORS["product"] @ da.ones(24)
    with pytest.raises(MemoryError, match="columns of 20 entries, which this operator needs"):
        ox.kronecker_sum(A, C).inv() @ da.ones(20)


# --- clusters and storage ------------------------------------------------------------------------


@contextlib.contextmanager
def client_of(make_cluster):
    with (
        mock.patch.dict(os.environ),  # the workers' OMP_NUM_THREADS stays in it
        dask.config.set(scheduler=None),
        make_cluster() as local,
        pytest.importorskip("distributed").Client(local),
    ):
        yield


def cluster(workers, **options):
    distributed = pytest.importorskip("distributed")
    return client_of(lambda: distributed.LocalCluster(workers, dashboard_address=":0", **options))


def dying_once(block, flag):
    """The block; whoever is asked first ends its process."""
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return block
    os._exit(1)


def test_a_worker_that_dies_is_replaced(tmp_path):
    factors = [RNG.standard_normal((8, 8)) for _ in range(4)]
    x = RNG.standard_normal(8**4)
    with (
        cluster(2, threads_per_worker=1, processes=True),
        dask.config.set({"array.chunk-size": f"{8 * 8**3}B"}),
    ):
        lazy = (ox.kron(*factors) @ da.from_array(x, chunks=8**3)).map_blocks(
            dying_once, str(tmp_path / "flag"), meta=np.empty(0)
        )
        y = lazy.compute()
    assert (tmp_path / "flag").exists()
    np.testing.assert_allclose(y, ox.kron_matmul(factors, x), rtol=1e-12, atol=1e-12)


def test_the_limit_of_a_cluster_is_that_of_its_smallest_worker():
    distributed = pytest.importorskip("distributed")
    workers = {
        name: {
            "cls": distributed.Worker,
            "options": {"nthreads": 2, "memory_limit": limit, "dashboard_address": ":0"},
        }
        for name, limit in (("first", "8GB"), ("small", "100MB"), ("third", "8GB"))
    }
    scheduler = {"cls": distributed.Scheduler, "options": {"dashboard_address": ":0"}}
    too_large = pytest.raises(MemoryError, match=r"a worker has 0\.0931 GiB for its 2 threads")
    with client_of(lambda: distributed.SpecCluster(workers, scheduler)), too_large:
        ox.kron(A, B) @ da.ones((24, 10**6), chunks=-1)


def test_zarr_to_zarr(tmp_path):
    pytest.importorskip("zarr")
    x = RNG.standard_normal((24, 50))
    da.from_array(x, chunks=(24, 10)).to_zarr(tmp_path / "x.zarr")
    (OPERATORS["product"] @ da.from_zarr(tmp_path / "x.zarr")).to_zarr(tmp_path / "y.zarr")
    y = da.from_zarr(tmp_path / "y.zarr").compute()
    np.testing.assert_allclose(y, OPERATORS["product"] @ x, rtol=1e-12, atol=1e-12)


FULL_DISK = """
import resource, sys
import dask.array as da, otimes as ox
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
y = ox.kron([[2.0]], [[1.0, 1.0], [1.0, -1.0]]) @ da.ones((2, 5000), chunks=(2, 2500))
y.to_zarr(sys.argv[1], compressors=None)
"""


def test_a_disk_that_is_full_is_an_error(tmp_path):
    pytest.importorskip("zarr")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "y.zarr")], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "OSError: [Errno 27] File too large" in done.stderr
