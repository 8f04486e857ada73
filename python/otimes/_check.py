"""Conversions and the wording of every error: the slow path, entered when a binding declines."""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

#: What a plan computes in, by kind of an exact result's dtype.
_COMPUTE = {"b": np.dtype(np.bool_), "i": np.dtype(np.int64), "u": np.dtype(np.uint64)}


class DenseFallbackWarning(UserWarning):
    """A function without a structured version was given the dense array of an operator.

    ``warnings.simplefilter("error", otimes.DenseFallbackWarning)`` refuses such calls.
    """


def supported_dtype(name: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The native-endian form of a dtype of numbers, or a `TypeError` that names it."""
    if dtype.kind not in "biufc" or dtype.char in "gG":
        raise TypeError(
            f"{name} has dtype {dtype}, which otimes does not compute with; "
            "convert it to float64 or complex128 first"
        )
    return dtype.newbyteorder("=")


def as_array(name: str, x: ArrayLike) -> Array:
    """`x` as an ndarray of numbers in native byte order (no copy where none is needed)."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; pass {name}.filled(value) or {name}.data")
    if hasattr(x, "__dask_graph__"):  # nothing is computed in one piece unasked
        raise NotImplementedError(
            f"{name} is a Dask array, which this function does not take; {name}.compute() makes a "
            "NumPy array of it"
        )
    a = np.asarray(x)
    dtype = supported_dtype(name, a.dtype)
    return a if a.dtype.isnative else a.astype(dtype)


def is_foreign_array(x: object) -> bool:
    """Whether `x` is of a subclass of ndarray with a behaviour of its own, such as `numpy.matrix`.

    Masked arrays are refused: the mask of a product with an operator is not ours to guess.
    """
    if type(x) is np.ndarray or not isinstance(x, np.ndarray):
        return False
    if isinstance(x, np.ma.MaskedArray):
        as_array("x", x)
    return not isinstance(x, np.memmap)


def require_own_class(name: str, x: object) -> None:
    """Refuse an array of a subclass of ndarray: `*` of a `numpy.matrix` is not that of an array."""
    if isinstance(x, np.ma.MaskedArray):
        as_array(name, x)
    if is_foreign_array(x):
        raise TypeError(
            f"{name} is a {type(x).__module__}.{type(x).__name__}, whose operations need not be "
            "those of arrays; pass np.asarray of it"
        )


def inexact_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that solvers and derivatives use: integers become float64, float16 float32."""
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    return np.dtype(np.float32) if dtype.char == "e" else dtype


def as_inexact(name: str, x: ArrayLike) -> Array:
    """`x` as a float32, float64, complex64 or complex128 array in native byte order."""
    a = as_array(name, x)
    return np.asarray(a, dtype=inexact_dtype(a.dtype))


def compute_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that a kernel computes in so that its result, cast to `dtype`, is exact."""
    if dtype.kind in _COMPUTE:
        return _COMPUTE[dtype.kind]
    return inexact_dtype(dtype)


def sum_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that `numpy.sum` gives: sums of small integers are not small."""
    return np.dtype({"b": np.int64, "i": np.int64, "u": np.uint64}.get(dtype.kind, dtype))


def require_finite(name: str, a: Array) -> None:
    """Raise `ValueError` when `a` contains NaN or Inf."""
    if not np.isfinite(a).all():
        raise ValueError(f"{name} contains NaN or Inf")


def require_out(name: str, out: object, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """`out` as an ndarray that a result of this shape and dtype may be written to."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} must be an ndarray, not {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"{name} has shape {out.shape}, but the result has shape {shape}")
    if out.dtype != dtype:
        raise TypeError(f"{name} has dtype {out.dtype}, but the result has dtype {dtype}")
    if not out.flags.writeable:
        raise ValueError(f"{name} is read-only")
    return out


# --- the limit on dense results ----------------------------------------------------------------

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
    if _max_dense is None and size < 1 << 24:  # too small to be worth a look at the system
        return
    limit = available_bytes() / 2 if _max_dense is None else _max_dense
    if size > limit:
        raise MemoryError(
            f"{what()} {size / 2**30:.3g} GiB, more than the limit of {limit / 2**30:.3g} GiB "
            "(see otimes.set_max_dense)"
        )


# --- warnings and places name the user's line ----------------------------------------------------

_INSIDE = (os.path.dirname(__file__), os.path.dirname(np.__file__))


def user_frame() -> tuple[FrameType | None, int]:
    """The innermost frame of the user's own code, and how far the caller's frame is below it.

    That is one outside otimes, NumPy and SciPy.
    """
    frame: FrameType | None = sys._getframe(1)
    depth = 0
    while frame is not None and _is_inside(frame):
        frame, depth = frame.f_back, depth + 1
    return frame, depth


def _is_inside(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_INSIDE) or is_of_scipy(frame)


def note_line(error: Exception) -> None:
    """Note in an error of NumPy, SciPy or our own the user's line that has led to it."""
    step, line, is_users = error.__traceback__, "", True
    while step is not None:
        is_users = not _is_inside(step.tb_frame)
        line = f"{step.tb_frame.f_code.co_filename}:{step.tb_lineno}" if is_users else line
        step = step.tb_next
    told = [str(error), *getattr(error, "__notes__", [])]
    if line and not is_users and not any(line in text for text in told):
        error.add_note(f"at {line}")


def is_of_scipy(frame: FrameType) -> bool:
    """Whether a frame runs code of SciPy, which may stand anywhere or not at all."""
    name: str = frame.f_globals.get("__name__") or ""
    return name.startswith("scipy.")


#: What `warn` keeps to itself.
_unwanted: ContextVar[tuple[type[Warning], ...]] = ContextVar("unwanted", default=())


@contextmanager
def without_warnings(category: type[Warning]) -> Iterator[None]:
    """Keep `warn` silent: in this thread alone, unlike `warnings.catch_warnings`."""
    token = _unwanted.set((*_unwanted.get(), category))
    try:
        yield
    finally:
        _unwanted.reset(token)


def warn(message: str, category: type[Warning]) -> None:
    """Warn about the line of the user's code that has led here."""
    if issubclass(category, _unwanted.get()):
        return
    _, depth = user_frame()
    warnings.warn(message, category, stacklevel=depth + 1)


def warn_dense(what: str) -> None:
    """Say that `what` has no structured version and is given the dense array."""
    warn(
        f"{what} has no structured version here and works on the dense array", DenseFallbackWarning
    )
