"""How an array that no single task holds is cut for a product: pure functions of sizes.

The operand is a tensor in chunks. A matrix acts along an axis that is whole in every chunk, so a
product is a sequence of stages; between two of them the array is cut anew, and whatever is not in
the right chunk already is moved.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

#: The sizes of the chunks along each axis, as Dask writes them.
Chunks = tuple[tuple[int, ...], ...]

#: What a scheduler does for one piece of a cut, as the entries that are moved in that time.
PIECE = 1 << 15


class Stage(NamedTuple):
    """Matrices act along `axes`, which are whole in `chunks`, those of the operand."""

    axes: tuple[int, ...]
    chunks: Chunks


class Plan(NamedTuple):
    """Stages in order, and what they cost.

    Attributes
    ----------
    stages : tuple of Stage
    end : tuple of tuples of int
        The chunks of the result.
    cuts : int
        How often the array is cut anew, the result included.
    moved : int
        Entries that are not in the right chunk when the array is cut anew. Of these, a cluster of w
        workers sends (w - 1)/w over its network.
    pieces : int
        Parts of chunks that are moved or kept.
    peak : int
        The most entries that one task holds: its operand and its result.
    """

    stages: tuple[Stage, ...]
    end: Chunks
    cuts: int = 0
    moved: int = 0
    pieces: int = 0
    peak: int = 0

    @property
    def cost(self) -> int:
        return self.moved + PIECE * self.pieces

    def cut(self, target: Chunks) -> Plan:
        """The plan with the result cut anew."""
        if target == self.end:
            return self
        return self._replace(
            end=target,
            cuts=self.cuts + 1,
            moved=self.moved + moved(self.end, target),
            pieces=self.pieces + pieces(self.end, target),
            peak=max(self.peak, largest_chunk(self.end), largest_chunk(target)),
        )

    def then(self, axes: tuple[int, ...], rows: Mapping[int, int]) -> Plan:
        """The plan with one more stage, in the chunks that the array has now."""
        after = tuple((rows[k],) if k in axes else c for k, c in enumerate(self.end))
        peak = largest_chunk(self.end) + largest_chunk(after)
        stage = Stage(axes, self.end)
        return self._replace(stages=(*self.stages, stage), end=after, peak=max(self.peak, peak))


# --- chunks --------------------------------------------------------------------------------------


def shape_of(chunks: Chunks) -> tuple[int, ...]:
    return tuple(map(sum, chunks))


def largest_chunk(chunks: Chunks) -> int:
    """The entries of the largest chunk."""
    return math.prod(max(c, default=0) for c in chunks)


def regular(n: int, size: int) -> tuple[int, ...]:
    """An axis of n in chunks of `size`, the last one smaller where they do not come out even."""
    whole, rest = divmod(n, max(size, 1))
    return (max(size, 1),) * whole + ((rest,) if rest or not n else ())


def contiguous(shape: Sequence[int], size: int) -> Chunks:
    """A tensor in pieces of at most `size` entries that are neighbours in C order.

    The last axes are whole in them, one axis is cut, and the axes before it are single.
    """
    chunks: list[tuple[int, ...]] = []
    for n in reversed(shape):
        width = max(1, min(n, size))
        chunks.insert(0, regular(n, width))
        size = size // max(n, 1) if width == n else 1
    return tuple(chunks)


def flattened(chunks: Chunks) -> tuple[int, ...]:
    """The chunks of one axis in the place of several that are cut as `contiguous` does."""
    return tuple(math.prod(sizes) for sizes in itertools.product(*chunks))


def moved(source: Chunks, target: Chunks) -> int:
    """Entries of the new chunks that do not lie in the old one with the largest share of them."""
    at_home = math.prod(
        sum(max(shares) for shares in _shares(old, new))
        for old, new in zip(source, target, strict=True)
    )
    return math.prod(shape_of(target)) - at_home


def pieces(source: Chunks, target: Chunks) -> int:
    """In how many parts an array is taken apart to be cut anew."""
    return math.prod(
        sum(len(shares) for shares in _shares(old, new))
        for old, new in zip(source, target, strict=True)
    )


def _shares(old: Sequence[int], new: Sequence[int]) -> Iterator[list[int]]:
    """Of each new chunk of an axis, how much of it each of the old ones holds."""
    rest = iter(old)
    left = 0
    for size in new:
        shares = []
        while size:
            left = left or next(rest)
            shares.append(min(size, left))
            size, left = size - shares[-1], left - shares[-1]
        yield shares or [0]


# --- plans ---------------------------------------------------------------------------------------


def plan_axes(
    chunks: Chunks,
    rows: Mapping[int, int],
    budget: int,
    finish: Callable[[Plan], Plan] = lambda plan: plan,
) -> Plan:
    """The cheapest stages for matrices with ``rows[k]`` rows along axes k of a tensor.

    Parameters
    ----------
    chunks : tuple of tuples of int
        Of the tensor as it is; axes without a matrix may be cut in any way.
    rows : mapping of int to int
        The size after the product, of each axis with a matrix.
    budget : int
        Entries that a new chunk may hold; more where one axis alone has more.
    finish : callable, optional
        What is done with the result of a plan, as another plan, whose cost counts.

    Returns
    -------
    Plan
        With the fewest stages that the budget allows.
    """
    plans = (finish(_follow(chunks, rows, g, budget)) for g in _groupings(chunks, rows, budget))
    return min(plans, key=lambda plan: plan.cost)


def _follow(
    chunks: Chunks, rows: Mapping[int, int], groups: Iterable[tuple[int, ...]], budget: int
) -> Plan:
    """The plan with these groups of axes in turn, cut anew where one is not whole."""
    plan = Plan((), chunks, peak=largest_chunk(chunks))
    for axes in groups:
        if any(len(plan.end[k]) > 1 for k in axes):
            plan = plan.cut(_whole(plan.end, axes, rows, budget))
        plan = plan.then(axes, rows)
    return plan


def _whole(chunks: Chunks, axes: tuple[int, ...], rows: Mapping[int, int], budget: int) -> Chunks:
    """The chunks with these axes whole, the others cut as little finer as the budget allows."""
    shape = shape_of(chunks)
    room = max(1, budget // max(1, math.prod(max(shape[k], rows[k]) for k in axes)))
    others = [k for k in range(len(shape)) if k not in axes]
    sizes = {k: max(chunks[k], default=0) for k in others}
    while math.prod(sizes.values()) > room:
        k = max(sizes, key=lambda k: sizes[k])
        rest = math.prod(sizes[j] for j in others if j != k)
        sizes[k] = max(1, room // rest)
    for k in reversed(others):  # a room that is not used makes more pieces than there need be
        rest = math.prod(sizes[j] for j in others if j != k)
        if 2 * sizes[k] * rest <= room:
            sizes[k] = min(shape[k], room // max(rest, 1))
    cut = {k: regular(shape[k], sizes[k]) for k in others if sizes[k] != max(chunks[k], default=0)}
    return tuple((n,) if k in axes else cut.get(k, chunks[k]) for k, n in enumerate(shape))


def _groupings(
    chunks: Chunks, rows: Mapping[int, int], budget: int
) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Orders in which to take the axes with a matrix, those together that fit into one chunk."""
    ready = tuple(k for k in rows if len(chunks[k]) <= 1)
    rest = [k for k in rows if k not in ready]
    packed = _packed(rest, chunks, rows, budget)
    if ready:
        together = _packed(list(rows), chunks, rows, budget)
        yield from itertools.permutations([ready, *packed])
        if len(together) <= len(packed):
            yield from itertools.permutations(together)
    else:
        yield from itertools.permutations(packed)


def _packed(
    axes: list[int], chunks: Chunks, rows: Mapping[int, int], budget: int
) -> list[tuple[int, ...]]:
    """The axes in few groups whose tensors fit into the budget: first fit, the largest first."""
    size = {k: max(sum(chunks[k]), rows[k], 1) for k in axes}
    groups: list[list[int]] = []
    for k in sorted(axes, key=lambda k: -size[k]):
        for group in groups:
            if size[k] * math.prod(size[j] for j in group) <= budget:
                group.append(k)
                break
        else:
            groups.append([k])
    return [tuple(sorted(group)) for group in groups]


class FlatPlan(NamedTuple):
    """A plan for modes that are flattened into one axis of the operand, in C order.

    Attributes
    ----------
    runs : tuple of tuples of int
        The modes that make one axis of the tensor in whose chunks the product is computed.
    start : tuple of tuples of int
        The chunks of these axes, contiguous pieces of the flat axis.
    plan : Plan
        Its end are contiguous pieces of the flat axis again.
    """

    runs: tuple[tuple[int, ...], ...]
    start: Chunks
    plan: Plan


def plan_flat(
    before: Chunks,
    flat: tuple[int, ...],
    after: Chunks,
    modes: Sequence[tuple[int, int, bool]],
    budget: int,
) -> FlatPlan:
    """The cheapest stages for F₁⊗…⊗F_N along one axis of an array.

    Parameters
    ----------
    before, flat, after : tuples of int
        The chunks of the axes before it, of the axis, and of the axes behind.
    modes : sequence of (int, int, bool)
        Rows and columns of each factor, and whether it acts: an identity does not.
    budget : int
        Entries that a new chunk may hold; that the largest chunk of the array has, at least.

    Returns
    -------
    FlatPlan
        With the fewest stages that the budget allows, and of these the cheapest.
    """
    others = max(1, largest_chunk(before) * largest_chunk(after))
    budget = max(budget, max(flat, default=0) * others)
    plans = []
    for runs in _partitions(modes, len(flat) <= 1, budget):
        for size in dict.fromkeys((max(flat, default=1), budget // others)):
            start = contiguous([_columns(modes, run) for run in runs], size)
            aligned = Plan((), (*before, flat, *after)).cut((*before, flattened(start), *after))
            acting = {
                len(before) + k: math.prod(modes[j][0] for j in run)
                for k, run in enumerate(runs)
                if any(modes[j][2] for j in run)
            }
            chunks = (*before, *start, *after)
            plan = plan_axes(chunks, acting, budget, in_pieces(len(before), len(runs), budget))
            cost = plan.cost + aligned.cost
            plans.append((cost, FlatPlan(runs, start, plan)))
    return min(plans, key=lambda candidate: candidate[0])[1]


def in_pieces(first: int, count: int, budget: int) -> Callable[[Plan], Plan]:
    """What cuts the result of a plan into contiguous pieces of `count` axes from the first one."""

    def finish(plan: Plan) -> Plan:
        axes = plan.end[first : first + count]
        others = largest_chunk(plan.end[:first]) * largest_chunk(plan.end[first + count :])
        if is_contiguous(axes):
            return plan
        pieces = contiguous(shape_of(axes), max(1, budget // max(others, 1)))
        return plan.cut((*plan.end[:first], *pieces, *plan.end[first + count :]))

    return finish


def is_contiguous(chunks: Chunks) -> bool:
    """Whether every chunk holds neighbours in C order."""
    cut = [k for k, c in enumerate(chunks) if len(c) > 1]
    return not cut or all(max(c) == 1 for c in chunks[: cut[-1]])


def _columns(modes: Sequence[tuple[int, int, bool]], run: Iterable[int]) -> int:
    return math.prod(modes[k][1] for k in run)


def _partitions(
    modes: Sequence[tuple[int, int, bool]], is_whole: bool, budget: int
) -> Iterator[tuple[tuple[int, ...], ...]]:
    """The modes in the fewest runs of neighbours that fit into one chunk."""
    every = tuple(range(len(modes)))
    if is_whole:
        yield (every,)
        return
    from_end = _runs(modes, every[::-1], budget)[::-1]
    if len(from_end) == 2:
        sizes = [max(m, n, 1) for m, n, _ in modes]
        for k in range(1, len(modes)):
            if max(math.prod(sizes[:k]), math.prod(sizes[k:])) <= max(budget, max(sizes)):
                yield every[:k], every[k:]
    else:
        yield tuple(tuple(reversed(run)) for run in from_end)
        yield tuple(_runs(modes, every, budget))


def _runs(
    modes: Sequence[tuple[int, int, bool]], order: Iterable[int], budget: int
) -> list[tuple[int, ...]]:
    """As many modes in each run as fit, taken in this order."""
    runs: list[tuple[int, ...]] = []
    size = 0
    for k in order:
        mode = max(*modes[k][:2], 1)
        if runs and size * mode <= budget:
            runs[-1], size = (*runs[-1], k), size * mode
        else:
            runs.append((k,))
            size = mode
    return runs
