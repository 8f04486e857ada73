"""Products on Dask arrays: graphs whose tasks call our functions on NumPy arrays.

Dask cuts, schedules and moves. Where to cut is decided in _chunks.py.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import dask.array as da
import numpy as np

from ._check import Array, Scalar
from ._chunked_arrays import (
    budget,
    flat,
    mapped,
    named,
    replaced,
    require_memory,
    shared,
    split,
    unflattened,
)
from ._chunks import (
    Chunks,
    FlatPlan,
    Plan,
    contiguous,
    in_pieces,
    largest_chunk,
    plan_axes,
    plan_flat,
    regular,
)
from ._compounds import OperatorKronecker, Product, Sum
from ._layout import along_axis
from ._operator import LinearOperator
from ._products import kron_apply
from ._structures import Diagonal, LowRank, Selection
from ._terms import Term, TermOperator

# --- Kronecker products --------------------------------------------------------------------------


class Mode(NamedTuple):
    """One factor of a Kronecker product: a matrix or an operator, or None for an identity."""

    rows: int
    cols: int
    matrix: Any = None


#: The modes that make an axis of a tensor, for every axis on which a matrix acts.
Runs = dict[int, tuple[Mode, ...]]


def modes_of(matrices: Iterable[Any]) -> list[Mode]:
    """Arrays or operators as modes."""
    return [Mode(a.shape[0], a.shape[1], named(a)) for a in matrices]


def _modes_of_term(term: Term) -> list[Mode]:
    return [
        Mode(f.rows, f.cols, None if f.is_identity else named(f.exported(f.dtype)))
        for f in term.factors
    ]


def along(block: Array, runs: Runs, scale: Scalar, dtype: np.dtype[Any]) -> Array:
    """The matrices of each run along its axis of an array."""
    result = list(block.shape)
    sizes: list[int] = []
    places, matrices = [], []
    for axis, n in enumerate(block.shape):
        run = runs.get(axis, (Mode(n, n),))
        result[axis] = math.prod(mode.rows for mode in run)
        places += [len(sizes) + k for k, mode in enumerate(run) if mode.matrix is not None]
        matrices += [mode.matrix for mode in run if mode.matrix is not None]
        sizes += [mode.cols for mode in run]
    y = kron_apply(matrices, block.reshape(sizes), places).reshape(result)
    return (y if scale == 1 else y * scale).astype(dtype, copy=False)


def stage(x: Any, axes: Sequence[int], runs: Runs, scale: Scalar, dtype: np.dtype[Any]) -> Any:
    """The runs of these axes, which are whole, on every block."""
    chunks = x.chunks
    for k in axes:
        chunks = replaced(chunks, k, (math.prod(mode.rows for mode in runs[k]),))
    factors = shared("kron-factors", {k: runs[k] for k in axes})
    return mapped(
        _stage_name(axes, runs), along, x, factors, scale, dtype, chunks=chunks, dtype=dtype
    )


def _stage_name(axes: Sequence[int], runs: Runs) -> str:
    if len(axes) == len(runs):
        return "kron-product"
    if max(axes) == max(runs):
        return "kron-trailing"
    return "kron-leading" if min(axes) == min(runs) else "kron-middle"


def staged(x: Any, plan: Plan, runs: Runs, scale: Scalar, dtype: np.dtype[Any]) -> Any:
    """The stages of a plan that have a matrix, after each cut that it asks for."""
    for step in plan.stages:
        axes = [k for k in step.axes if k in runs]
        if axes:
            x = stage(x.rechunk(step.chunks), axes, runs, scale, dtype)
            scale = 1
    return x if scale == 1 and x.dtype == dtype else (x * scale).astype(dtype)


def _zeros(x: Any, rows: Mapping[int, int], dtype: np.dtype[Any]) -> Any:
    """The image of an array without entries."""
    return da.zeros([rows.get(k, n) for k, n in enumerate(x.shape)], dtype, chunks=-1)


def tensor_product(
    x: Any, runs: Runs, dtype: np.dtype[Any], scale: Scalar = 1, pieces: tuple[int, int] = (0, 0)
) -> Any:
    """The runs along the axes of a tensor, cut as is cheapest.

    `pieces` is the first axis and the number of those that are wanted in contiguous pieces.
    """
    rows = {k: math.prod(mode.rows for mode in run) for k, run in runs.items()}
    if x.size == 0:
        return _zeros(x, rows, dtype)
    size = budget(dtype)
    plan = plan_axes(x.chunks, rows, size, in_pieces(*pieces, size))
    require_memory("the product", plan.peak, dtype)
    return staged(x, plan, runs, scale, dtype).rechunk(plan.end)


def products(
    x: Any, axis: int, terms: Sequence[tuple[Scalar, Sequence[Mode]]], dtype: np.dtype[Any]
) -> Any:
    """Σ c F₁⊗…⊗F_N along one axis of x, for terms whose modes have the same sizes.

    Those that act in the same chunks are added up there.
    """
    if x.size == 0:
        return _zeros(x, {axis: math.prod(mode.rows for mode in terms[0][1])}, dtype)
    sizes = [
        (mode.rows, mode.cols, any(modes[k].matrix is not None for _, modes in terms))
        for k, mode in enumerate(terms[0][1])
    ]
    chosen = plan_flat(x.chunks[:axis], x.chunks[axis], x.chunks[axis + 1 :], sizes, budget(dtype))
    require_memory("the product", chosen.plan.peak, dtype)
    tensor = unflattened(x, axis, chosen.start)
    totals: dict[Chunks, Any] = {}
    for scale, modes in terms:
        y = staged(tensor, chosen.plan, _runs(modes, axis, chosen), scale, dtype)
        totals[y.chunks] = totals[y.chunks] + y if y.chunks in totals else y
    total = functools.reduce(da.add, (y.rechunk(chosen.plan.end) for y in totals.values()))
    return flat(total, axis, len(chosen.runs))


def _runs(modes: Sequence[Mode], axis: int, chosen: FlatPlan) -> Runs:
    runs = {axis + k: tuple(modes[j] for j in run) for k, run in enumerate(chosen.runs)}
    return {k: run for k, run in runs.items() if any(mode.matrix is not None for mode in run)}


# --- operators -----------------------------------------------------------------------------------


def times(op: LinearOperator, x: Any, axis: int) -> Any:
    """The operator along one axis of x."""
    op = op._structure()
    dtype = op._result_dtype(x.dtype)
    if x.size == 0:
        return _zeros(x, {axis: op.shape[0]}, dtype)
    if op._is_neutral():  # sums of small integers are not small
        x = x.astype(dtype)
    return apply(op, x, axis, dtype).astype(dtype)


@functools.singledispatch
def apply(op: LinearOperator, x: Any, axis: int, dtype: np.dtype[Any]) -> Any:
    """The operator along one axis of x: by its structure, or on columns that are whole."""
    return on_columns(op.shape[0], _operator_along, x, axis, dtype, shared("operator", op))


def on_columns(
    rows: int, f: Callable[..., Array], x: Any, axis: int, dtype: np.dtype[Any], payload: Any
) -> Any:
    """f(block, payload, axis) for blocks in which the axis is whole, with so many rows after."""
    cols = x.shape[axis]
    plan = plan_axes(x.chunks, {axis: rows}, budget(dtype))
    require_memory(f"columns of {cols} entries, which this operator needs whole", plan.peak, dtype)
    (step,) = plan.stages
    return mapped(
        "operator-columns", f, x.rechunk(step.chunks), payload, axis, chunks=plan.end, dtype=dtype
    )


def _operator_along(block: Array, op: LinearOperator, axis: int) -> Array:
    return along_axis(lambda x: op @ x, block, axis)


@apply.register
def _(op: TermOperator, x: Any, axis: int, dtype: np.dtype[Any]) -> Any:
    plain: dict[Any, list[tuple[Scalar, list[Mode]]]] = {}
    parts = []
    for term in op.parts:
        if term.is_permuted:
            parts.append(permuted(term, x, axis, dtype))
        else:
            sizes = tuple(f.shape for f in term.factors)
            is_square = all(m == n for m, n in sizes)  # the stages of a sum change no sizes
            group = plain.setdefault(sizes if is_square else object(), [])
            group.append((term.coefficient, _modes_of_term(term)))
    parts += [products(x, axis, group, dtype) for group in plain.values()]
    return functools.reduce(da.add, parts)


def permuted(term: Term, x: Any, axis: int, dtype: np.dtype[Any]) -> Any:
    """c (F₁⊗…⊗F_N) P: the neighbours that stay together are axes, which P transposes."""
    modes, order = _modes_of_term(term), term.order
    firsts = [k for k in range(len(order)) if k == 0 or order[k] != order[k - 1] + 1]
    runs = [tuple(modes[i:j]) for i, j in itertools.pairwise([*firsts, len(order)])]
    came_from = np.argsort([order[k] for k in firsts])  # the runs as they lie in x
    sizes = [math.prod(mode.cols for mode in runs[k]) for k in came_from]
    others = largest_chunk(x.chunks[:axis]) * largest_chunk(x.chunks[axis + 1 :])
    longest = max(max(x.chunks[axis]), budget(dtype) // max(others, 1))
    tensor = unflattened(x, axis, contiguous(sizes, longest))
    places = axis + np.argsort(came_from)
    moved = tensor.transpose((*range(axis), *places, *range(axis + len(runs), tensor.ndim)))
    acting = {axis + k: run for k, run in enumerate(runs) if any(m.matrix is not None for m in run)}
    y = tensor_product(moved, acting, dtype, term.coefficient, pieces=(axis, len(runs)))
    return flat(y, axis, len(runs))


@apply.register
def _(op: OperatorKronecker, x: Any, axis: int, dtype: np.dtype[Any]) -> Any:
    return products(x, axis, [(1, modes_of(op.operators))], dtype)


@apply.register
def _(op: Sum, x: Any, axis: int, dtype: np.dtype[Any]) -> Any:
    return functools.reduce(da.add, (c * times(a, x, axis) for c, a in op.addends))


@apply.register
def _(op: Product, x: Any, axis: int, dtype: np.dtype[Any]) -> Any:
    for link in reversed(op.chain):
        x = times(link, x, axis)
    return x


@apply.register
def _(op: Diagonal, x: Any, axis: int, dtype: np.dtype[Any]) -> Any:
    entries = da.from_array(op.entries, chunks=x.chunks[axis])
    return x * entries[(slice(None), *(None,) * (x.ndim - 1 - axis))]


@apply.register
def _(op: LowRank, x: Any, axis: int, dtype: np.dtype[Any]) -> Any:
    right = da.from_array(named(op.right), chunks=(x.chunks[axis], -1))
    rows = regular(op.shape[0], budget(dtype))
    left = da.from_array(named(op.left), chunks=(rows, -1))
    y = da.tensordot(left, da.tensordot(right, x, axes=(0, axis)), axes=(1, 0))
    return da.moveaxis(y, 0, axis)


@apply.register
def _(op: Selection, x: Any, axis: int, dtype: np.dtype[Any]) -> Any:
    y = da.take(x, np.maximum(op.sources, 0), axis)
    found = da.from_array(op.sources >= 0, chunks=y.chunks[axis])
    return da.where(found[(slice(None), *(None,) * (x.ndim - 1 - axis))], y, y.dtype.type(0))


# --- arrays in the operator's own shape ----------------------------------------------------------


def image(op: LinearOperator, x: Any) -> Any:
    """op(X): along the axes of X where the terms have them as modes, else along vec(X)."""
    op = op._structure()
    dtype = op._result_dtype(x.dtype)
    modes = x.T  # vec(X) is the C order of the reversed axes
    if isinstance(op, TermOperator) and all(_has_axes(t, op) for t in op.parts):
        total = functools.reduce(da.add, (_along_axes(t, modes, dtype) for t in op.parts))
        return total.T
    column = flat(modes.rechunk(contiguous(modes.shape, budget(dtype))), 0, modes.ndim)
    return split(times(op, column, 0), 0, op.out_shape[::-1]).T


def _has_axes(term: Term, op: LinearOperator) -> bool:
    """Whether the modes of the term are the axes of the arrays that the operator maps."""
    before = [0] * len(term.factors)
    for f, k in zip(term.factors, term.order, strict=True):
        before[k] = f.cols
    after = [f.rows for f in term.factors]
    return before == list(op.in_shape[::-1]) and after == list(op.out_shape[::-1])


def _along_axes(term: Term, x: Any, dtype: np.dtype[Any]) -> Any:
    modes = dict(enumerate(_modes_of_term(term)))
    runs: Runs = {k: (mode,) for k, mode in modes.items() if mode.matrix is not None}
    return tensor_product(x.transpose(term.order), runs, dtype, term.coefficient)


def tensor_along(matrices: Sequence[Any], x: Any, places: Sequence[int]) -> Any:
    """`kron_apply` on a chunked tensor."""
    runs: Runs = {k: (mode,) for k, mode in zip(places, modes_of(matrices), strict=True)}
    return tensor_product(x, runs, np.result_type(x.dtype, *(a.dtype for a in matrices)))


def multiplied(matrices: Sequence[Any], x: Any, from_right: bool) -> Any:
    """`kron_matmul` and `kron_rmatmul` on a chunked array."""
    dtype = np.result_type(x.dtype, *(a.dtype for a in matrices))
    modes = modes_of([a.T for a in matrices] if from_right else matrices)
    axis = x.ndim - 1 if from_right or x.ndim == 1 else x.ndim - 2
    return products(x, axis, [(1, modes)], dtype)
