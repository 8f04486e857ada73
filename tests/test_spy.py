"""op.spy(): the picture shows the entries, and the matrix is not formed."""

import builtins

import numpy as np
import pytest

import otimes as ox
from otimes._spy import _samples, cells

rng = np.random.default_rng(47)
A, B = rng.standard_normal((6, 6)), rng.standard_normal((8, 5))


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.mark.parametrize(
    "op",
    [
        ox.jacobian(lambda A: A @ A, A),
        ox.jacobian(lambda R: R.T @ R, B),
        ox.jacobian(lambda X: A @ np.exp(X), A),
        ox.jacobian(lambda S: S @ S, A + A.T, structure="symmetric"),
        ox.jacobian(np.trace, A),
        ox.kronecker_sum(A, A).inv(),
        ox.kron(1j * A, A),
        ox.commutation_matrix(3, 4),
    ],
    ids=str,
)
def test_cells_of_a_small_operator_are_its_entries(op):
    assert np.abs(cells(op) - np.abs(op.toarray())).max() <= 1e-13


def test_cells_of_a_large_operator():
    """10000 rows in 400 cells: what is dense in its block is seen in each of them."""
    n = 100
    image = cells(ox.kron(ox.identity(n), rng.standard_normal((n, n))))
    assert image.shape == (400, 400)
    blocks = image.reshape(n, 4, n, 4).max(axis=(1, 3)) > 0
    assert (blocks == np.eye(n, dtype=bool)).all()
    thin = cells(ox.identity(n * n)).astype(bool)
    assert (thin == np.eye(400, dtype=bool)).all()
    assert cells(ox.commutation_matrix(n, n)).any(axis=0).all()


def test_memory_stays_small():
    """90000 rows: the matrix would have 32 GB."""
    J = ox.kron(np.ones((1, 2)), ox.identity(45_000))
    assert cells(J).shape == (400, 400)


def test_samples():
    sampled, pixel = _samples(np.array([0, 2, 100]))
    assert sampled[:2].tolist() == [0, 1]
    assert len(set(sampled[2:])) == 4
    assert pixel.tolist() == [0, 0, 1, 1, 1, 1]


def test_picture(pyplot):
    J = ox.jacobian(lambda A: A @ A, A)
    ax = J.spy()
    assert ax.get_title() == "I₆ ⊗ A + Aᵀ ⊗ I₆"
    assert ax.get_xlim() == (0, 36)
    assert ax.get_ylim() == (36, 0)
    assert ax.get_xticks().tolist() == [0, 6, 12, 18, 24, 30, 36]
    shade = ax.images[0].get_array()
    assert ((shade > 0) == (J.toarray() != 0)).all()
    assert len(ax.lines) == 10  # between six blocks, both ways
    ax.figure.canvas.draw()


def test_picture_in_given_axes(pyplot):
    _, given = pyplot.subplots()
    op = ox.diagonal(np.arange(12.0))
    assert op.spy(given) is given
    assert len(pyplot.get_fignums()) == 1
    assert len(given.lines) == 0  # no matrix argument, no blocks
    given.figure.canvas.draw()


def test_titles_are_short(pyplot):
    J = ox.jacobian(lambda A: A @ A @ A @ A @ A @ A, A)
    title = J.spy().get_title()
    assert title.endswith("…")
    assert len(title) == 61


def test_wide_and_empty_operators(pyplot):
    assert ox.jacobian(np.trace, A).spy().get_aspect() == "auto"
    assert ox.kron(np.zeros((0, 2)), A).spy().get_xlim() == (0, 12)
    assert (ox.kron(0 * A, A).spy().images[0].get_array() == 0).all()


def test_many_blocks_are_not_marked(pyplot):
    assert len(ox.jacobian(lambda A: A @ A, np.eye(50)).spy().lines) == 0


def test_without_matplotlib(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r'spy needs matplotlib: pip install "otimes\[matplo'):
        ox.kron(A, A).spy()
