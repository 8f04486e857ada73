"""Dask arrays as graphs: what a task may hold, blocks mapped and reshaped, axes cut and joined."""

from __future__ import annotations

import importlib
import itertools
import math
import sys
from collections.abc import Callable
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from dask.system import CPU_COUNT
from dask.utils import parse_bytes

from ._check import Array, Shape
from ._chunks import Chunks, contiguous, flattened, largest_chunk
from ._memory import available_bytes

# --- what a task may hold ------------------------------------------------------------------------


def budget(dtype: np.dtype[Any]) -> int:
    """The entries of a chunk of the size that Dask is configured to make (``array.chunk-size``)."""
    size: int = parse_bytes(dask.config.get("array.chunk-size"))
    return max(1, size // dtype.itemsize)


def require_memory(name: str, entries: int, dtype: np.dtype[Any]) -> None:
    """Raise `MemoryError` where a worker could not hold what each of its threads needs."""
    needed, (limit, threads) = entries * dtype.itemsize, _worker()
    if needed * threads > limit:
        raise MemoryError(
            f"{name}: one task needs {_gigabytes(needed)} for a chunk and its image, but a worker "
            f"has {_gigabytes(limit)} for its {threads} threads; smaller chunks of x, a smaller "
            "array.chunk-size in Dask's configuration, or fewer threads per worker make it fit"
        )


def _gigabytes(size: float) -> str:
    return f"{size / 2**30:.3g} GiB"


def _worker() -> tuple[float, int]:
    """Bytes and threads of the smallest worker of the present cluster, or of this machine."""
    workers = _workers_of_cluster()
    if not workers:
        return available_bytes(), dask.config.get("num_workers", None) or CPU_COUNT
    sizes = [(w["memory_limit"] or math.inf, w["nthreads"]) for w in workers]
    return min(sizes, key=lambda worker: worker[0] / worker[1])


def _workers_of_cluster() -> list[dict[str, Any]]:
    """What is known of each worker; nothing without a cluster."""
    if "distributed" not in sys.modules:
        return []
    distributed = importlib.import_module("distributed")  # another thread may not be done with it
    try:
        client = distributed.default_client()
    except ValueError:  # no cluster
        return []
    return list(client.scheduler_info(n_workers=-1)["workers"].values())


# --- blocks --------------------------------------------------------------------------------------


def named(a: Any) -> Any:
    """An array as Dask can name it: it gives a matrix and a view of its transpose one name."""
    return np.ascontiguousarray(a) if isinstance(a, np.ndarray) else a


def shared(kind: str, value: Any) -> Any:
    """A value, with arrays as `named` makes them, as one task: each worker receives it once."""
    return dask.delayed(value, name=f"{kind}-{tokenize(value)}", traverse=False)


def mapped(
    name: str, f: Callable[..., Array], x: Any, *args: Any, chunks: Chunks, dtype: np.dtype[Any]
) -> Any:
    """f(block, *args) for every block of x, the results of these sizes, as tasks of this name."""
    meta = np.empty((0,) * len(chunks), dtype)
    return da.map_blocks(f, x, *args, chunks=chunks, dtype=dtype, meta=meta, token=name)


def reshaped(x: Any, chunks: Chunks) -> Any:
    """x with its blocks reshaped, in the same order: they hold neighbours in C order."""
    name = f"reshape-{tokenize(x.name, chunks)}"
    sources = itertools.product(*map(range, x.numblocks))
    targets = itertools.product(*(range(len(c)) for c in chunks))
    shapes = itertools.product(*chunks)
    graph = {
        (name, *target): (np.reshape, (x.name, *source), shape)
        for source, target, shape in zip(sources, targets, shapes, strict=True)
    }
    meta = np.empty((0,) * len(chunks), x.dtype)
    return da.Array(HighLevelGraph.from_collections(name, graph, [x]), name, chunks, meta=meta)


def replaced(chunks: Chunks, axis: int, *sizes: tuple[int, ...], count: int = 1) -> Chunks:
    """The chunks with those of `count` axes replaced."""
    return (*chunks[:axis], *sizes, *chunks[axis + count :])


def unflattened(x: Any, axis: int, pieces: Chunks) -> Any:
    """x with one axis as several, cut into these contiguous pieces."""
    cut = x.rechunk(replaced(x.chunks, axis, flattened(pieces)))
    return reshaped(cut, replaced(x.chunks, axis, *pieces))


def flat(x: Any, axis: int, count: int) -> Any:
    """x with `count` axes as one; they are cut into contiguous pieces."""
    sizes = flattened(x.chunks[axis : axis + count])
    return reshaped(x, replaced(x.chunks, axis, sizes, count=count))


def joined(x: Any, axis: int) -> Any:
    """x with this axis and the next as one, cut into pieces as large as its chunks."""
    if x.size == 0:
        return x.reshape((*x.shape[:axis], math.prod(x.shape[axis : axis + 2])))
    sizes = x.shape[axis : axis + 2]
    pieces = contiguous(sizes, largest_chunk(x.chunks[axis : axis + 2]))
    return flat(x.rechunk(replaced(x.chunks, axis, *pieces, count=2)), axis, 2)


def split(x: Any, axis: int, shape: Shape) -> Any:
    """x with one axis as several of these sizes, cut into pieces as large as its chunks."""
    if x.size == 0:
        return x.reshape((*x.shape[:axis], *shape))
    return unflattened(x, axis, contiguous(shape, largest_chunk((x.chunks[axis],))))
