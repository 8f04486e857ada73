"""The planning of products: order, merging, passes. Pure functions of sizes."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import otimes as ox
from otimes import _core

PANEL, BLOCK, LINE = 32768, 2048, 8  # elements of a panel, a block and a cache line: of float64


def counted_work(rows, cols, order):
    """Multiplications of the mode products, counted one by one."""
    sizes, total = list(cols), 0
    for k in order:
        total += math.prod(sizes) // cols[k] * rows[k] * cols[k]
        sizes[k] = rows[k]
    return total


shapes = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=5)


@given(shapes)
def test_the_order_is_the_cheapest_of_all(sizes):
    rows, cols = zip(*sizes, strict=True)
    chosen = _core.application_order(rows, cols)
    best = min(counted_work(rows, cols, o) for o in itertools.permutations(range(len(rows))))
    assert counted_work(rows, cols, chosen) == best
    assert _core.application_work(rows, cols, chosen) == pytest.approx(best)


def test_equal_keys_take_the_last_mode_first():
    assert _core.application_order([3] * 4, [3] * 4) == (3, 2, 1, 0)


# --- merging --------------------------------------------------------------------------------------


def test_two_by_two_factors_are_merged():
    assert _core.merged_runs([2] * 20, [2] * 20, 8) == (2, 3, 3, 3, 3, 3, 3)
    assert _core.merged_runs([2] * 3, [2] * 3, 4) == (3,)


def test_large_factors_stay_apart():
    assert _core.merged_runs([16] * 5, [16] * 5, 8) == (1,) * 5
    assert _core.merged_runs([8] * 7, [8] * 7, 8) == (1,) * 7


@given(shapes, st.sampled_from([1, 2, 4, 8, 16]))
def test_merged_runs_cover_the_factors_and_stay_small(sizes, lanes):
    rows, cols = zip(*sizes, strict=True)
    runs = _core.merged_runs(rows, cols, lanes)
    assert sum(runs) == len(rows)
    first = 0
    for run in runs:
        if run > 1:
            assert math.prod(rows[first : first + run]) <= 32
            assert math.prod(cols[first : first + run]) <= 32
        first += run


@pytest.mark.parametrize("exponent", [200, -200])
def test_tiny_factors_that_overflow_together_are_applied_one_by_one(exponent):
    big, small = np.full((2, 2), 10.0**exponent), np.full((2, 2), 10.0**-exponent)
    product = ox.kron(big, big, small) @ np.ones(8)
    np.testing.assert_allclose(product, 8 * 10.0**exponent)


# --- passes ---------------------------------------------------------------------------------------


def passes(rows, cols, right=1):
    return _core.plan_passes(rows, cols, right, PANEL, BLOCK, LINE)


@pytest.mark.parametrize(
    ("p", "count", "expected"),
    [(8, 5, 1), (8, 7, 2), (8, 8, 2), (8, 10, 3), (16, 3, 1), (16, 5, 2), (32, 3, 1), (32, 4, 2)],
)
def test_a_long_vector_takes_few_passes(p, count, expected):
    n = p**count
    # w = 64 columns of a leading group share a panel
    bound = 1 + max(0, math.ceil((math.log2(n) - 15) / (15 - math.log2(64))))
    assert len(passes([p] * count, [p] * count)) == expected <= bound


@pytest.mark.parametrize("count", [7, 8, 10])
def test_a_compiled_plan_takes_as_many_passes(count):
    factors = [np.eye(8)] * count
    op = ox.kron(*factors)
    assert op._plan_for(np.dtype(float)).passes(1) == (3 if count == 10 else 2)


def test_independent_rows_take_one_pass_whatever_their_number():
    assert len(passes([8] * 5, [8] * 5)) == 1
    assert len(passes([180, 180], [180, 180])) == 1


def check(passes, rows, cols, right, budget, least):
    """Every step once, in order; panels within the budget unless one step needs more."""
    sizes, taken = list(cols), []
    for modes, width, parts in passes:
        first, last = min(modes), max(modes) + 1
        largest = math.prod(sizes[first:last])
        for k in modes:
            sizes[k] = rows[k]
            largest = max(largest, math.prod(sizes[first:last]))
        columns = math.prod(sizes[last:]) * right
        assert 0 < width <= columns
        assert width == columns or width % LINE == 0
        assert largest * min(columns, least) <= budget or len(modes) == 1
        assert width <= LINE or largest * width <= budget
        taken += modes
        if parts:
            assert [k for inner, _, _ in parts for k in inner] == [k - first for k in modes]
    assert tuple(taken) == _core.application_order(rows, cols)


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=6),
    st.integers(1, 100),
)
def test_passes_keep_to_their_budgets(sizes, right):
    rows, cols = zip(*sizes, strict=True)
    check(passes(rows, cols, right), rows, cols, right, PANEL, 8 * LINE)


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=2, max_size=4),
    st.integers(1, 5),
    st.sampled_from([(8, 8), (64, 16), (512, 64)]),
    st.sampled_from([1, 8]),
)
def test_products_do_not_depend_on_the_panels(sizes, right, budget, line):
    """The plan of tiny caches still covers every step (what it computes is tested at full size)."""
    rows, cols = zip(*sizes, strict=True)
    plan = _core.plan_passes(rows, cols, right, *budget, line)
    assert tuple(k for modes, _, _ in plan for k in modes) == _core.application_order(rows, cols)


def test_numbers_and_identities_take_no_pass():
    two, eye = np.array([[2.0]]), ox.identity(50)
    for op in (ox.kron(two, eye, two), ox.kron(two, [[3.0]])):
        assert op._plan_for(np.dtype(float)).passes(1) == 0
        np.testing.assert_array_equal(op @ np.ones(op.shape[1]), op.toarray().sum(axis=1))
    op = ox.kron(two, np.ones((40, 40)), two, eye)
    assert op._plan_for(np.dtype(float)).passes(1) == 1
    np.testing.assert_array_equal(op @ np.ones(2000), np.full(2000, 160.0))
