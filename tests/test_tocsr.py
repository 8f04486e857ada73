"""``tocsr``: the sparse matrix of every operator, and of how few entries it is made."""

import sys

import numpy as np
import pytest

import otimes as ox
from oracle import assert_close
from otimes._tocsr import stored_entries
from zoo import ZOO, every_operator

sparse = pytest.importorskip("scipy.sparse")


@every_operator
def test_tocsr(op, dense, neutral):
    csr = op.tocsr()
    assert type(csr) is sparse.csr_array
    assert csr.shape == op.shape
    assert csr.dtype == op.dtype
    array = op.toarray()
    assert_close(csr.toarray(), array, np.abs(array).max(initial=0), max(op.shape))
    assert csr.has_canonical_format
    assert (csr.data != 0).all()


@pytest.mark.parametrize(
    ("op", "nnz"),
    [
        (ox.identity(10**5), 10**5),
        (ox.commutation_matrix(300, 500), 150_000),
        (ox.duplication_matrix(400), 160_000),
        (ox.duplication_matrix(400).T, 160_000),
        (ox.duplication_matrix(400).pinv(), 160_000),
        (ox.elimination_matrix(400), 80_200),
        (ox.symmetrizer_matrix(400), 2 * 160_000 - 400),
        (ox.diagonal(np.arange(10**5)), 10**5 - 1),
        (ox.kron(np.eye(200), ox.identity(300)), 60_000),
        (ox.kronecker_sum(np.ones((100, 100)), np.ones((100, 100))), 199 * 10**4),
        (ox.kron(ox.diagonal(np.ones(300)), ox.identity(300)), 90_000),
        (ox.diagonal(np.ones(90_000)) + ox.commutation_matrix(300, 300), 2 * 90_000 - 300),
        (ox.duplication_matrix(300) @ ox.elimination_matrix(300), 90_000),
    ],
    ids=str,
)
def test_only_the_entries_are_stored(op, nnz):
    """The dense matrices have 10⁹ entries and more."""
    csr = op.tocsr()
    assert csr.nnz == nnz
    assert stored_entries(op._structure()) <= 2 * nnz
    x = np.random.default_rng(0).standard_normal(op.shape[1])
    expected = op @ x
    assert_close(csr @ x, expected, np.abs(expected).max(), 200)


def test_tocsr_refuses_what_does_not_fit():
    a = np.ones((1000, 1000))
    message = r"a sparse array of shape \(1000000, 1000000\), dtype float64 and 1e\+12 entries"
    with pytest.raises(MemoryError, match=message + r" needs about .* GiB, more than the limit"):
        ox.kron(a, a).tocsr()
    with pytest.raises(MemoryError, match="entries needs about"):
        ox.identity(10**30).tocsr()
    for op in (
        ox.kron(a, a) @ ox.diagonal(np.ones(10**6)),
        ox.kron(a, ox.diagonal(np.ones(10**6))),
    ):
        with pytest.raises(MemoryError, match="entries needs about"):
            op.tocsr()


def test_the_limit_on_sparse_arrays_can_be_set():
    ox.set_max_dense(1000)
    try:
        with pytest.raises(MemoryError, match=r"3.2e-05 GiB.* \(see otimes.set_max_dense\)"):
            ox.identity(1074).tocsr()
        assert ox.identity(10).tocsr().nnz == 10
    finally:
        ox.set_max_dense(None)


def test_tocsr_names_the_extra_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(ImportError, match=r'tocsr needs SciPy: pip install "otimes\[scipy\]"'):
        ox.identity(2).tocsr()


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_what_is_not_finite_is_where_the_array_has_it(value):
    """0·inf is nan where the zero is stored, and 0 where the structure implies it."""
    a, b = np.array([[value, 1.0], [0.0, 2.0]]), np.array([[0.0, 1.0], [2.0, 0.0]])
    c, d = np.array([[0.0, 1.0], [0.0, 2.0]]), ox.diagonal([value, 1.0, 0.0, 2.0])
    for op in (
        ox.kron(a, b),
        ox.kron(a, ox.identity(2)),
        ox.kron(b, b) @ d,
        ox.kron(b, d),
        d + ox.kron(b, b),
        ox.commutation_matrix(2, 2) @ d,
        ox.kron(c, c) @ d,
    ):
        with np.errstate(invalid="ignore"):
            dense = op.toarray()
        np.testing.assert_array_equal(op.tocsr().toarray(), dense)


def test_rows_are_formed_in_panels(monkeypatch):
    op = ox.kronecker_sum(3 * np.eye(3), [[2.0, 1.0], [0.0, 2.0]]).inv()
    largest = []
    rows = type(op)._rows
    monkeypatch.setattr("otimes._tocsr._PANEL", 13)
    monkeypatch.setattr(type(op), "_rows", lambda o, k: largest.append(len(k)) or rows(o, k))
    assert_close(op.tocsr().toarray(), op.toarray())
    assert largest[:3] == [2, 2, 2]


def test_float16_becomes_float32():
    assert ox.diagonal(np.ones(3, np.float16)).tocsr().dtype == np.float32


def test_the_zoo_has_all_kinds():
    kinds = {type(a.op).__name__ for a in ZOO}
    assert {"Duplication", "Elimination", "Symmetrizer", "Sum", "Product"} <= kinds
