"""How arrays are cut: against brute force over entries, and against all orders of stages."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otimes._chunks import (
    PIECE,
    Plan,
    contiguous,
    flattened,
    is_contiguous,
    largest_chunk,
    moved,
    pieces,
    plan_axes,
    plan_flat,
    regular,
    shape_of,
)


def owners(chunks):
    """The number of the chunk that holds each entry."""
    labels = [np.repeat(np.arange(len(c)), c) for c in chunks]
    sizes = [max(len(c), 1) for c in chunks]
    return np.ravel_multi_index(np.meshgrid(*labels, indexing="ij"), sizes)


def cuts(n):
    return st.lists(st.integers(0, n), max_size=4).map(
        lambda ends: tuple(int(d) for d in np.diff([0, *sorted(ends), n]) if d) or (n,)
    )


shapes = st.lists(st.integers(1, 6), min_size=1, max_size=3)
pairs_of_cuts = shapes.flatmap(
    lambda shape: st.tuples(*(st.tuples(*map(cuts, shape)) for _ in range(2)))
)


def test_regular_by_literals():
    assert regular(10, 4) == (4, 4, 2)
    assert regular(8, 4) == (4, 4)
    assert regular(3, 9) == (3,)
    assert regular(0, 4) == (0,)


def test_contiguous_by_literals():
    assert contiguous((2, 3, 4), 24) == ((2,), (3,), (4,))
    assert contiguous((2, 3, 4), 8) == ((1, 1), (2, 1), (4,))
    assert contiguous((2, 3, 4), 3) == ((1, 1), (1, 1, 1), (3, 1))
    assert flattened(contiguous((2, 3, 4), 8)) == (8, 4, 8, 4)


@given(shapes, st.integers(1, 250))
def test_contiguous_pieces_are_runs_of_c_order(shape, size):
    chunks = contiguous(shape, size)
    flat = owners(chunks).ravel()
    assert (np.diff(flat) >= 0).all()
    assert np.bincount(flat).tolist() == list(flattened(chunks))
    assert largest_chunk(chunks) <= size
    assert is_contiguous(chunks)


@given(pairs_of_cuts)
def test_moved_and_pieces_by_counting_entries(pair):
    source, target = pair
    old, new = owners(source).ravel(), owners(target).ravel()
    shares = {}
    for a, b in zip(old.tolist(), new.tolist(), strict=True):
        shares.setdefault(b, {}).setdefault(a, 0)
        shares[b][a] += 1
    assert pieces(source, target) == sum(map(len, shares.values()))
    assert moved(source, target) == old.size - sum(max(s.values()) for s in shares.values())


@given(pairs_of_cuts)
def test_is_contiguous_by_counting_entries(pair):
    chunks = pair[0]
    flat = owners(chunks).ravel()
    assert is_contiguous(chunks) == bool((np.diff(flat) >= 0).all())


def eights(count):
    return [(8, 8, True)] * count


def test_ten_factors_of_eight_in_chunks_of_8_to_the_6():
    tensor = ((1,) * 8,) * 4 + ((8,),) * 6
    plan = plan_axes(tensor, dict.fromkeys(range(10), 8), 8**6)
    assert [stage.axes for stage in plan.stages] == [(4, 5, 6, 7, 8, 9), (0, 1, 2, 3)]
    assert plan.cuts == 1
    assert plan.moved == 8**10 - 8**10 // 8**4
    assert plan.peak == 2 * 8**6


def test_a_flat_vector_is_cut_twice_since_its_pieces_are_contiguous_again():
    flat = plan_flat((), (8**6,) * 8**4, (), eights(10), 8**6)
    assert flat.runs == ((0, 1, 2, 3), (4, 5, 6, 7, 8, 9))
    assert flat.plan.cuts == 2
    assert is_contiguous(flat.plan.end)


def test_columns_that_are_whole_are_not_cut():
    flat = plan_flat((), (512,), ((10,) * 7,), eights(3), 64)
    assert flat.plan.cuts == 0
    assert len(flat.plan.stages) == 1


def test_a_batch_is_not_cut():
    flat = plan_flat(((3, 3, 2),), (64,), ((5,),), eights(2), 64)
    assert flat.plan.cuts == 0


def test_an_axis_without_a_matrix_may_stay_cut():
    plan = plan_axes(((2, 2), (3, 3), (4,)), {2: 4}, 10**6)
    assert plan.cuts == 0
    assert plan.end == ((2, 2), (3, 3), (4,))


def test_a_sequence_of_modes_that_fits_is_one_stage():
    flat = plan_flat((), (4,) * 16, (), [(4, 4, True)] * 3, 64)
    assert len(flat.plan.stages) == 1
    assert flat.plan.cuts <= 1


def test_pieces_count_as_what_their_scheduling_costs():
    assert Plan((), ((4,),), moved=3, pieces=2).cost == 3 + 2 * PIECE


sizes = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=4)


@given(sizes, st.integers(1, 40), st.data())
def test_a_plan_multiplies_every_axis_once_while_it_is_whole(modes, budget, data):
    chunks = tuple(data.draw(cuts(n)) for _, n in modes)
    rows = {k: m for k, (m, _) in enumerate(modes)}
    plan = plan_axes(chunks, rows, budget)
    assert sorted(itertools.chain(*(stage.axes for stage in plan.stages))) == list(rows)
    shape = [n for _, n in modes]
    for stage in plan.stages:
        assert shape_of(stage.chunks) == tuple(shape)
        assert all(len(stage.chunks[k]) == 1 for k in stage.axes)
        for k in stage.axes:
            shape[k] = rows[k]
    assert shape_of(plan.end) == tuple(rows.values())


@given(sizes, st.integers(1, 40), st.data())
def test_no_order_of_the_same_groups_moves_less(modes, budget, data):
    chunks = tuple(data.draw(cuts(n)) for _, n in modes)
    rows = {k: m for k, (m, _) in enumerate(modes)}
    plan = plan_axes(chunks, rows, budget)
    ready = [k for k in rows if len(chunks[k]) == 1]
    free = [k for k in rows if k not in ready]
    fewest = min(
        count_of_groups(free, chunks, rows, budget) + bool(ready),
        count_of_groups(list(rows), chunks, rows, budget),
    )
    assert len(plan.stages) <= fewest + 1


def count_of_groups(axes, chunks, rows, budget):
    """The fewest groups that fit, by trying all assignments."""
    size = {k: max(sum(chunks[k]), rows[k]) for k in axes}
    best = len(axes)
    for groups in itertools.product(range(len(axes)), repeat=len(axes)):
        loads = {}
        for k, g in zip(axes, groups, strict=True):
            loads[g] = loads.get(g, 1) * size[k]
        members = {g: groups.count(g) for g in loads}
        if all(load <= budget or members[g] == 1 for g, load in loads.items()):
            best = min(best, len(loads))
    return best


@given(sizes, st.integers(1, 60), st.data())
def test_a_flat_plan_starts_and_ends_in_contiguous_pieces(modes, budget, data):
    factors = [(m, n, data.draw(st.booleans())) for m, n in modes]
    flat = data.draw(cuts(math.prod(n for _, n, _ in factors)))
    plan = plan_flat((), flat, (), [f if f[2] else (f[1], f[1], False) for f in factors], budget)
    assert list(itertools.chain(*plan.runs)) == list(range(len(factors)))
    assert is_contiguous(plan.start)
    assert is_contiguous(plan.plan.end)


@pytest.mark.parametrize("budget", [64, 512, 4096])
def test_two_runs_are_cut_where_it_is_cheapest(budget):
    modes = [(8, 8, True), (2, 2, True), (4, 4, True), (8, 8, True), (2, 2, True)]
    flat = (budget,) * (1024 // budget) if budget < 1024 else (1024,)
    chosen = plan_flat((), flat, (), modes, budget)
    assert all(math.prod(modes[k][0] for k in run) <= budget for run in chosen.runs)
