"""The limit on dense results: an error before memory is asked for that is not there."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

_max_dense: int | None = None


def set_max_dense(bytes: int | None) -> None:
    """Set the size in bytes above which a dense result raises `MemoryError`.

    Parameters
    ----------
    bytes : int or None
        The new limit. ``None`` restores the default: half of what the process may still use, the
        smallest of available memory, control-group and resource limits.

    Raises
    ------
    ValueError
        When `bytes` is negative.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.set_max_dense(10_000)
    >>> ox.kron([[1.0] * 50] * 50, [[1.0, 2.0]]).toarray()
    Traceback (most recent call last):
    ...
    MemoryError: a dense array of shape (50, 100) and dtype float64 needs 3.73e-05 GiB, ...
    >>> ox.set_max_dense(None)
    """
    global _max_dense
    if bytes is not None and bytes < 0:
        raise ValueError(f"bytes is {bytes}, but a size cannot be negative")
    _max_dense = None if bytes is None else int(bytes)


def _read_number(path: str, key: str = "") -> float:
    """The first number of the line of a kernel file that starts with `key`, else infinity."""
    try:
        with open(path, encoding="ascii") as lines:
            for line in lines:
                if line.startswith(key):
                    words = line[len(key) :].split()
                    return float(words[0]) * (1024 if words[-1] == "kB" else 1)
    except (OSError, ValueError, IndexError):
        pass
    return math.inf


def available_bytes() -> float:
    """What the process may still allocate: memory, control group, address-space limit."""
    cgroup = "/sys/fs/cgroup/memory"
    limits = [
        _read_number("/proc/meminfo", "MemAvailable:"),
        _read_number(f"{cgroup}.max") - _read_number(f"{cgroup}.current"),
        _read_number(f"{cgroup}/memory.limit_in_bytes")
        - _read_number(f"{cgroup}/memory.usage_in_bytes"),
    ]
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            pages = _read_number("/proc/self/statm")
            used = pages * os.sysconf("SC_PAGE_SIZE") if math.isfinite(pages) else 0
            limits.append(soft - used)
    return min(limit for limit in limits if not math.isnan(limit))


def require_dense(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise `MemoryError` before a dense array that would not fit is allocated."""
    size = math.prod(shape) * dtype.itemsize
    _require_bytes(size, lambda: f"a dense array of shape {shape} and dtype {dtype} needs")


def require_sparse(shape: tuple[int, ...], entries: float, dtype: np.dtype[Any]) -> None:
    """Raise `MemoryError` before a sparse array of about so many stored entries is allocated."""
    index = 4 if max(*shape, entries) < 2**31 else 8
    size = 2 * entries * (dtype.itemsize + 2 * index)  # with the triplets that it is made from
    _require_bytes(
        size,
        lambda: (
            f"a sparse array of shape {shape}, dtype {dtype} and {entries:.3g} entries needs about"
        ),
    )


def _require_bytes(size: float, what: Callable[[], str]) -> None:
    """Raise where so many bytes are over the limit."""
    if _max_dense is None and size < 1 << 24:  # too small to be worth a look at the system
        return
    limit = available_bytes() / 2 if _max_dense is None else _max_dense
    if size > limit:
        raise MemoryError(
            f"{what()} {size / 2**30:.3g} GiB, more than the limit of {limit / 2**30:.3g} GiB "
            "(see otimes.set_max_dense)"
        )
