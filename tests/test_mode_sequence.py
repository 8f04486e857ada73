"""Products that take several panels, blocks and passes, of whole numbers: their sums are exact."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import otimes as ox
from zoo import assert_equal_for_any_threads


def reference(factors, x):
    """(F1 x ... x FN) @ x for x (N, k), one tensordot after the other."""
    y = x.reshape(*[f if isinstance(f, int) else f.shape[1] for f in factors], -1)
    for axis, f in enumerate(factors):
        if not isinstance(f, int):
            y = np.moveaxis(np.tensordot(f, y, (1, axis)), 0, axis)
    return y.reshape(-1, x.shape[1])


def whole_numbers(rng, shape, dtype):
    a = rng.integers(0 if dtype == "Q" else -2, 3, shape)
    return (a + 1j * rng.integers(-2, 3, shape) if dtype in "FD" else a).astype(dtype)


def check(shapes, dtype, k, order="C", seed=0):
    rng = np.random.default_rng(seed)
    factors = [s if isinstance(s, int) else whole_numbers(rng, s, dtype) for s in shapes]
    op = ox.kron(*[ox.identity(f) if isinstance(f, int) else f for f in factors])
    x = np.asarray(whole_numbers(rng, (op.shape[1], k), dtype), order=order)
    expected = reference([f if isinstance(f, int) else f.astype(WIDE[dtype]) for f in factors], x)
    # sums of single precision may need more digits than it has
    atol = 1e-6 * np.abs(expected).max(initial=0) if dtype in "fF" else 0
    np.testing.assert_allclose(op @ x, expected, rtol=0, atol=atol)


WIDE = {"f": "d", "F": "D", "d": "d", "D": "D", "q": "q", "Q": "Q"}
LONG = [
    [(8, 8)] * 6,
    [(2, 2)] * 17,
    [(16, 16)] * 4,
    [(4, 4), (3, 3), (5, 5), (7, 7), (2, 2), (9, 9), (6, 6)],
    [(40, 40), (33, 33), (70, 70)],
    [(7, 3), (2, 11), (13, 13), (1, 6), (25, 4), (3, 8)],  # shrinking and growing, in any order
    [(20, 4), (20, 4), (20, 4), (20, 4)],  # the largest operand is between two steps
    [(4, 20), (4, 20), (4, 20), (4, 20)],
    [(3, 3), 40, (5, 5), 50, (8, 8)],  # identities inside panels, and between passes
    [60, (64, 64), 70],
    [(200, 150), (3, 3), (8, 8)],  # a factor that BLAS takes, or that takes a pass alone
    [(8, 8), (3, 3), (150, 200)],
    [(8, 8), (130, 129), (9, 9)],
    [(1, 1), (128, 128), (1, 1), (127, 127)],
]


@pytest.mark.parametrize("shapes", LONG, ids=str)
@pytest.mark.parametrize("dtype", ["f", "d", "F", "D", "q", "Q"])
def test_long_vectors(shapes, dtype):
    check(shapes, dtype, 1)


@pytest.mark.parametrize("shapes", LONG, ids=str)
@pytest.mark.parametrize("k", [2, 3, 17])
@pytest.mark.parametrize("order", ["C", "F"])
def test_blocks_of_columns(shapes, k, order):
    check(shapes, "d", k, order)


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("order", ["C", "F"])
def test_real_factors_with_complex_operands(k, order):
    rng = np.random.default_rng(0)
    factors = [rng.integers(-2, 3, (9, 7)).astype(float) for _ in range(4)]
    op = ox.kron(*factors)
    x = np.asarray(whole_numbers(rng, (op.shape[1], k), "D"), order=order)
    for _ in range(2):  # the second call meets the compiled plan
        y = op @ x
        assert y.dtype == np.complex128
        np.testing.assert_array_equal(y, reference(factors, x))
        np.testing.assert_array_equal(op @ x[:, 0], reference(factors, x)[:, 0])


sizes = st.one_of(st.integers(1, 12), st.tuples(st.integers(1, 30), st.integers(1, 30)))


@given(
    st.lists(sizes, min_size=2, max_size=5),
    st.sampled_from("fdDq"),
    st.sampled_from([1, 2, 3, 9]),
    st.sampled_from("CF"),
    st.integers(0, 10),
)
def test_any_sizes(shapes, dtype, k, order, seed):
    rows = math.prod(s if isinstance(s, int) else s[0] for s in shapes)
    cols = math.prod(s if isinstance(s, int) else s[1] for s in shapes)
    if max(rows, cols) * k <= 2_000_000:
        check(shapes, dtype, k, order, seed)


def test_sums_are_added_in_the_last_step():
    rng = np.random.default_rng(0)
    a, b, c = (rng.integers(-2, 3, (n, n)).astype(float) for n in (32, 33, 34))
    op = ox.kronecker_sum(a, b, c) - 3 * ox.kron(a, b, c)
    x = rng.integers(-2, 3, 32 * 33 * 34).astype(float)
    parts = [[a, 33, 34], [32, b, 34], [32, 33, c]]
    column = x[:, None]
    expected = sum(reference(p, column) for p in parts) - 3 * reference([a, b, c], column)
    np.testing.assert_array_equal(op @ x, expected[:, 0])


@pytest.mark.parametrize("shapes", LONG[:8], ids=str)
@pytest.mark.parametrize("dtype", ["f", "d", "D"])
def test_results_do_not_depend_on_the_threads(shapes, dtype):
    rng = np.random.default_rng(0)
    op = ox.kron(*[rng.standard_normal(s).astype(dtype) for s in shapes])
    x = rng.standard_normal(op.shape[1]).astype(dtype)
    assert_equal_for_any_threads(lambda: op @ x)


def test_results_do_not_depend_on_the_alignment():
    rng = np.random.default_rng(0)
    op = ox.kron(*[rng.standard_normal((9, 9)) for _ in range(4)])
    x = rng.standard_normal(9**4)
    memory = np.empty(8 * len(x) + 64, np.uint8)
    for offset in (8, 16, 24, 40):
        moved = memory[offset : offset + x.nbytes].view(float)
        moved[:] = x
        np.testing.assert_array_equal(op @ moved, op @ x)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_propagates_from_where_it_is(value):
    factors = [np.ones((8, 8)) for _ in range(5)]
    x = np.ones(8**5)
    x[12345] = value
    np.testing.assert_array_equal(ox.kron(*factors) @ x, np.full(8**5, value))
    factors[2] = np.eye(8)  # whose zeros are multiplied: 0 times inf is nan
    y = (ox.kron(*factors) @ x).reshape((8,) * 5)
    place = 12345 // 64 % 8
    np.testing.assert_array_equal(y[:, :, place], np.full((8, 8, 8, 8), value))
    assert np.isnan(np.delete(y, place, axis=2)).all()
    sparse = ox.kron(*factors[:2], ox.identity(8), *factors[3:])  # whose zeros are not
    y = (sparse @ x).reshape((8,) * 5)
    assert np.isfinite(np.delete(y, place, axis=2)).all()
