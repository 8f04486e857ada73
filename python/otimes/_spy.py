"""The picture of an operator: where its matrix has entries, and how large, without the matrix."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ._check import Array, Shape
from ._operator import LinearOperator
from ._registry import registry

_PIXELS = 400
_ROWS_PER_PIXEL = 4
_ENTRIES_AT_ONCE = 1 << 22
_MOST_LINES = 40
_LONGEST_TITLE = 60


def spy(op: LinearOperator, ax: Any = None) -> Any:
    """``op.spy()``: see `LinearOperator.spy`."""
    if ax is None:
        ax = _new_axes()
    rows, cols = op.shape
    sizes = cells(op)
    shade = np.where(sizes > 0, 0.25 + 0.75 * np.cbrt(sizes / (sizes.max(initial=0) or 1)), 0)
    aspect = "equal" if 1 / 4 <= rows / max(cols, 1) <= 4 else "auto"
    extent = (0, max(cols, 1), max(rows, 1), 0)
    ax.imshow(shade, "Blues", extent=extent, vmin=0, vmax=1, aspect=aspect)
    _mark_blocks(ax.xaxis, ax.axvline, op.in_shape)
    _mark_blocks(ax.yaxis, ax.axhline, op.out_shape)
    text = str(op)
    ax.set_title(text if len(text) <= _LONGEST_TITLE else f"{text[:_LONGEST_TITLE]}…")
    return ax


def _new_axes() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError('spy needs matplotlib: pip install "otimes[matplotlib]"') from None
    return pyplot.subplots()[1]


def _mark_blocks(axis: Any, line: Any, shape: Shape) -> None:
    """Ticks and lines where one column of the matrix in vec coordinates ends."""
    if len(shape) < 2 or 0 in shape:
        return
    size = shape[0]
    edges = range(0, int(np.prod(shape)) + 1, size)
    if len(edges) > _MOST_LINES:
        return
    axis.set_ticks(edges if len(edges) <= 12 else edges[:: len(edges) // 6])
    for edge in edges[1:-1]:
        line(edge, color="0.7", linewidth=0.6)


def cells(op: LinearOperator) -> Array:
    """The largest entry in each cell of a grid of at most 400 by 400.

    From all rows where there are no more than four to a cell, else from four rows and four columns.
    """
    if 0 in op.shape:
        return np.zeros((1, 1))
    by_rows = _from_rows(op)
    if op.shape[0] <= _PIXELS * _ROWS_PER_PIXEL:
        return by_rows
    return np.maximum(by_rows, _from_rows(op.T).T)


def _from_rows(op: LinearOperator) -> Array:
    height, width = (min(size, _PIXELS) for size in op.shape)
    columns = np.arange(width) * op.shape[1] // width
    edges = np.arange(height + 1) * op.shape[0] // height
    image = np.zeros((height, width))
    at_once = max(_ENTRIES_AT_ONCE // op.shape[1], 1)
    sampled, pixel = _samples(edges)
    for k in range(0, len(sampled), at_once):
        block = np.abs(op._rows(sampled[k : k + at_once]))
        parts = np.maximum.reduceat(block, columns, axis=1)
        np.maximum.at(image, pixel[k : k + at_once], parts)
    return image


def _samples(edges: Array) -> tuple[Array, Array]:
    """Rows from each cell, drawn by a fixed stream, and the cells that they are from."""
    stream = np.random.default_rng(0)
    drawn = [
        np.arange(low, high)
        if high - low <= _ROWS_PER_PIXEL
        else np.sort(stream.choice(np.arange(low, high), _ROWS_PER_PIXEL, replace=False))
        for low, high in itertools.pairwise(edges)
    ]
    return np.concatenate(drawn), np.repeat(np.arange(len(drawn)), [len(d) for d in drawn])


registry.drawing["spy"] = spy
