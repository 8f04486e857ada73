"""How two outcomes of a call are compared: equal, or an error, and never another value."""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from otimes._operator import LinearOperator

#: Errors that are one to whoever catches NumPy's: what NumPy raises, and what may be raised for it.
KINDS = {
    TypeError: (TypeError, ValueError),  # an array where a number belongs
    ValueError: (ValueError, TypeError),
    IndexError: (IndexError, ValueError, TypeError),
    AttributeError: (AttributeError, TypeError, ValueError),
}


#: What only an ndarray cannot be: any other object with an attribute `dtype` serves as a dtype.
_DTYPE_OF_ARRAY = "Cannot construct a dtype from an array"


class Tolerance(NamedTuple):
    """Steps of rounding that a result may have passed through, and what its size is at least."""

    steps: float = 1e3
    scale: float = 0.0
    eps: float = 0.0  # the rounding unit of what it was computed from
    dtype: bool = True  # whether dtypes must be equal
    values: bool = True  # whether the entries were ever written


VALUES = Tolerance(dtype=False)


class Outcome(NamedTuple):
    value: Any
    error: Exception | None


def outcome(f, *args, **kwargs):
    """What a call returns or raises."""
    try:
        return Outcome(f(*args, **kwargs), None)
    except Exception as error:
        return Outcome(None, error)


def difference(lazy, dense, tolerance):
    """How the lazy outcome differs from the dense one, or "" where it does not."""
    if _DTYPE_OF_ARRAY in str(dense.error):
        return ""
    if dense.error is not None:
        if lazy.error is None:
            return f"returned {_brief(lazy.value)}, but NumPy raised {dense.error!r}"
        allowed = next((k for t, k in KINDS.items() if isinstance(dense.error, t)), (Exception,))
        if isinstance(lazy.error, allowed):
            return ""
        return f"raised {lazy.error!r}, but NumPy raised {dense.error!r}"
    return "" if lazy.error is not None else unequal(lazy.value, dense.value, tolerance)


def _brief(x):
    return " ".join(repr(x).split())[:200]


def unequal(actual, expected, tolerance):
    """How two results differ, or ""; a structured result counts as the array it stands for."""
    if isinstance(actual, LinearOperator):
        actual = np.asarray(actual)
    expected, actual = _listed(expected), _listed(actual)
    if isinstance(expected, (tuple, list)):
        return _unequal_sequences(actual, expected, tolerance)
    if actual is expected:
        return ""
    same_type = type(actual) is type(expected) or not tolerance.dtype
    if not same_type:
        return f"type {type(actual)}, but NumPy gives {type(expected)}"
    if isinstance(expected, dict):
        pairs = zip(sorted(actual.items()), sorted(expected.items()), strict=True)
        return next(filter(None, (unequal(a, e, tolerance) for a, e in pairs)), "")
    if isinstance(expected, (np.ndarray, np.generic, int, float, complex)):
        return _unequal_arrays(np.asarray(actual), np.asarray(expected), tolerance)
    if isinstance(expected, (str, bytes, np.dtype, type, type(None), set)):
        return "" if actual == expected else f"{_brief(actual)}, but NumPy gives {_brief(expected)}"
    return f"results of {type(expected)} cannot be compared"


def _listed(x):
    """Iterators and compound objects as what they hold."""
    if isinstance(x, np.poly1d):
        return ["poly1d", x.coeffs]
    if isinstance(x, np.broadcast):
        return ["broadcast", x.shape]
    if isinstance(x, np.nditer):
        return ["nditer", x.shape, [np.array(item) for item in x]]
    return ["iterator", *x] if isinstance(x, (Iterator, np.flatiter)) else x


def _unequal_sequences(actual, expected, tolerance):
    # classes such as SVDResult are the same, whoever makes them
    if type(actual) is not type(expected) or len(actual) != len(expected):
        return f"{_brief(actual)}, but NumPy gives {_brief(expected)}"
    pairs = zip(actual, expected, strict=True)
    return next(filter(None, (unequal(a, e, tolerance) for a, e in pairs)), "")


def _unequal_arrays(actual, expected, tolerance):
    if actual.shape != expected.shape:
        return f"shape {actual.shape}, but NumPy gives {expected.shape}"
    if tolerance.dtype and actual.dtype != expected.dtype:
        return f"dtype {actual.dtype}, but NumPy gives {expected.dtype}"
    if not tolerance.values:
        return ""
    if expected.dtype.kind not in "fc" and actual.dtype.kind not in "fc":
        same = repr(actual.tolist()) == repr(expected.tolist())
        return "" if same else f"{_brief(actual)}, but NumPy gives {_brief(expected)}"
    return (
        "" if _close(actual, expected, tolerance) else f"{actual!r}, but NumPy gives {expected!r}"
    )


def _close(actual, expected, tolerance):
    finite = np.isfinite(expected)
    if (np.isfinite(actual) != finite).any() or (np.isnan(actual) != np.isnan(expected)).any():
        return False
    if not (actual[~finite] == expected[~finite])[~np.isnan(expected[~finite])].all():
        return False
    exact = [d for d in (actual.dtype, expected.dtype) if d.kind in "fc"]
    eps = max(tolerance.eps, *(float(np.finfo(d).eps) for d in exact))
    error = np.abs(actual[finite].astype(np.clongdouble) - expected[finite]).max(initial=0)
    scale = max(np.abs(expected[finite]).max(initial=0), tolerance.scale)
    return bool(error <= tolerance.steps * eps * scale)


# --- results that are equal though their entries are not ------------------------------------------


def same_decomposition(name, lazy, dense, matrix, tolerance):
    """`difference` for decompositions whose vectors or order are free; None for other functions."""
    compare = _DECOMPOSITIONS.get(name)
    if compare is None or lazy.error or dense.error:
        return None
    return compare(lazy.value, dense.value, matrix, tolerance)


def _eigenvalues(actual, expected, matrix, tolerance):
    return unequal(_matched(actual, expected), expected, tolerance)


def _matched(actual, expected):
    """The entries of one vector, in the order of those of another that they are next to."""
    actual, rest = np.asarray(actual), list(range(expected.size))
    if actual.shape != expected.shape:
        return actual
    order = []
    for value in expected:
        order.append(min(rest, key=lambda k: abs(actual[k] - value)))
        rest.remove(order[-1])
    return actual[order]


def _eig(actual, expected, matrix, tolerance):
    values, vectors = (np.asarray(x) for x in actual)
    if type(actual) is not type(expected):
        return f"type {type(actual)}"
    scale = np.abs(matrix).sum(initial=0)
    residual = unequal(
        matrix @ vectors, vectors * values, tolerance._replace(scale=scale, dtype=False)
    )
    norms = unequal((np.abs(vectors) ** 2).sum(0), np.ones(len(values)), VALUES)
    return residual or norms or _eigenvalues(values, expected[0], matrix, tolerance)


def _eigh(actual, expected, matrix, tolerance):
    if not np.allclose(matrix, matrix.conj().T, equal_nan=True):  # half of it is not looked at
        return None
    vectors = np.asarray(actual[1])
    gram = vectors.conj().T @ vectors
    return (
        _eig(actual, expected, matrix, tolerance)
        or unequal(gram, np.eye(len(gram)), VALUES)
        or unequal(actual[0], expected[0], tolerance)
        or unequal(np.asarray(vectors).dtype, expected[1].dtype, tolerance)
    )


def _svd(actual, expected, matrix, tolerance):
    if not isinstance(expected, tuple):
        return None
    u, s, vh = (np.asarray(x) for x in actual)
    if (type(actual), u.shape, vh.shape) != (type(expected), expected[0].shape, expected[2].shape):
        return f"shapes {u.shape} and {vh.shape}"
    k = len(s)
    loose = tolerance._replace(dtype=False)
    return (
        unequal(s, expected[1], tolerance)
        or unequal((u[:, :k] * s) @ vh[:k], matrix, loose._replace(scale=float(s.max(initial=0))))
        or unequal(u.conj().T @ u, np.eye(u.shape[1]), VALUES)
        or unequal(vh @ vh.conj().T, np.eye(len(vh)), VALUES)
    )


def _cond(actual, expected, matrix, tolerance):
    """Of a singular matrix, rounding decides how large it is."""
    singular = np.size(expected) == 1 and min(actual, expected) > 0.1 / np.finfo(float).eps
    return "" if singular else None


_DECOMPOSITIONS = {
    "linalg.cond": _cond,
    "linalg.eigvals": _eigenvalues,
    "linalg.eig": _eig,
    "linalg.eigh": _eigh,
    "linalg.svd": _svd,
}


@functools.cache
def public(module, prefix=""):
    """The callables of a module, by name."""
    names = (n for n in dir(module) if not n.startswith("_"))
    return {f"{prefix}{n}": getattr(module, n) for n in names if callable(getattr(module, n))}
