"""NumPy's protocols: its functions of operators, by structure where there is a way, else dense.

The structured versions are in the table of _numpy.py.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ._array_methods import ArrayMethods, frozen
from ._check import is_foreign_array, warn_dense
from ._registry import registry


def array_ufunc(self: ArrayMethods, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
    """`__array_ufunc__` of operators."""
    if registry.is_foreign(*args):
        plain = method == "__call__" and not kwargs and ufunc is np.matmul
        return registry.elsewhere(operator.matmul, args, {}) if plain else NotImplemented
    last: Any = args[-1]
    if ufunc is np.matmul and not kwargs and isinstance(args[-1], ArrayMethods):
        product = last._multiplied_from_left(args[0])
        if product is not None:
            return product
    if method == "at" or _has_operator(kwargs.get("out")):
        raise TypeError(f"numpy.{ufunc.__name__} cannot write to an operator: it is immutable")
    rule = registry.functions.get(ufunc) if method == "__call__" else None
    foreign = any(map(is_foreign_array, args))
    if rule is not None and not foreign and _takes(rule, args, kwargs):
        result = rule(*args, **kwargs)
        if result is not NotImplemented:
            return result
    warn_dense(f"numpy.{ufunc.__name__}")
    return getattr(ufunc, method)(*map(frozen, args), **_frozen_tree(kwargs))


def array_function(
    self: ArrayMethods, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
) -> Any:
    """`__array_function__` of operators."""
    target = args[:1] or tuple(kwargs.get(name) for name in ("dst", "a", "arr"))
    if (func in registry.writers and _has_operator(target)) or _has_operator(kwargs.get("out")):
        raise TypeError(f"numpy.{func.__name__} cannot write to an operator: it is immutable")
    rule = registry.functions.get(func)
    plain = all(issubclass(t, (ArrayMethods, np.memmap)) or t is np.ndarray for t in types)
    if rule is not None and plain and _takes(rule, args, kwargs):
        result = rule(*args, **kwargs)
        if result is not NotImplemented:
            return result
    warn_dense(f"{func.__module__}.{func.__name__}")
    return func(*_frozen_tree(args), **_frozen_tree(kwargs))


def _has_operator(out: object) -> bool:
    return any(isinstance(x, ArrayMethods) for x in (out if isinstance(out, tuple) else (out,)))


_signature = functools.cache(inspect.signature)


def _takes(rule: Callable[..., Any], args: Any, kwargs: Any) -> bool:
    """Whether a structured version knows these arguments of its NumPy function."""
    try:
        _signature(rule).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _frozen_tree(x: Any) -> Any:
    """`x` with every operator in nested lists, tuples and dicts made dense, read-only."""
    if isinstance(x, (list, tuple)):
        return type(x)(_frozen_tree(item) for item in x)
    if isinstance(x, dict):
        return {key: _frozen_tree(value) for key, value in x.items()}
    return frozen(x)
