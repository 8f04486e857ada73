"""Conversions and the wording of every error: the slow path, entered when a binding declines."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._dtypes import inexact_dtype

Array = NDArray[Any]
Shape = tuple[int, ...]
Scalar = int | float | complex


class DenseFallbackWarning(UserWarning):
    """A function without a structured version was given the dense array of an operator.

    ``warnings.simplefilter("error", otimes.DenseFallbackWarning)`` refuses such calls.
    """


def is_scalar(x: object) -> bool:
    """Whether `x` is a number, or an array of no dimensions that holds one."""
    if isinstance(x, np.ndarray):
        return x.ndim == 0 and x.dtype.kind in "biufc"
    return isinstance(x, (int, float, complex, np.number, np.bool_))


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


def as_inexact(name: str, x: ArrayLike) -> Array:
    """`x` as a float32, float64, complex64 or complex128 array in native byte order."""
    a = as_array(name, x)
    return np.asarray(a, dtype=inexact_dtype(a.dtype))


def require_finite(name: str, a: Array) -> None:
    """Raise `ValueError` when `a` contains NaN or Inf."""
    if not np.isfinite(a).all():
        raise ValueError(f"{name} contains NaN or Inf")


def require_broadcast(name: str, arrays: Mapping[str, Array]) -> None:
    """Raise unless the leading axes of stacks of matrices broadcast."""
    try:
        np.broadcast_shapes(*(a.shape[:-2] for a in arrays.values()))
    except ValueError:
        *others, last = (f"{argument} {a.shape}" for argument, a in arrays.items())
        raise ValueError(
            f"{name}: the leading axes of {', '.join(others)} and {last} do not broadcast"
        ) from None


def is_hermitian(a: Array) -> bool:
    """Whether A = Aᴴ to the last bit."""
    return np.array_equal(a, a.conj().T)


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
