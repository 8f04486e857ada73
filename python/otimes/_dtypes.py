"""Which dtype a result has, and in which one it is computed."""

from __future__ import annotations

from typing import Any

import numpy as np

#: What a plan computes in, by kind of an exact result's dtype.
_COMPUTE = {"b": np.dtype(np.bool_), "i": np.dtype(np.int64), "u": np.dtype(np.uint64)}
_REAL_EIGENVALUES = np.linalg.eigvals(np.eye(1, dtype=np.float32)).dtype


def inexact_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that solvers and derivatives use: integers become float64, float16 float32."""
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    return np.dtype(np.float32) if dtype.char == "e" else dtype


def compute_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that a kernel computes in so that its result, cast to `dtype`, is exact."""
    if dtype.kind in _COMPUTE:
        return _COMPUTE[dtype.kind]
    return inexact_dtype(dtype)


def sum_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that `numpy.sum` gives: sums of small integers are not small."""
    return np.dtype({"b": np.int64, "i": np.int64, "u": np.uint64}.get(dtype.kind, dtype))


def real_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of the real part."""
    return np.dtype(dtype.char.lower()) if dtype.kind == "c" else dtype


def eigenvalue_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that `numpy.linalg.eigvals` gives real values: complex from NumPy 2.5 on."""
    return np.result_type(inexact_dtype(dtype), _REAL_EIGENVALUES)


def wrapped(c: int | float | complex, dtype: np.dtype[Any]) -> int | float | complex:
    """A number for a plan of this dtype: integers wrap around as NumPy's do."""
    if dtype.kind not in "iu":
        return c
    low = int(c.real) % 2**64
    return low - 2**64 if dtype.kind == "i" and low >= 2**63 else low
