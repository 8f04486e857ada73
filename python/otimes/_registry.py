"""The registries that lower modules own and higher ones fill."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Registry:
    """What `LinearOperator` needs from modules above it; each fills its entry at import."""

    #: Binary and unary operations of the algebra by name ("add", "multiply", "scale", ...).
    algebra: dict[str, Callable[..., Any]] = field(default_factory=dict)
    #: Equation solving: "solve_operator", "factorize", "decompose", which does not judge,
    #: "linear_map" of a function, and "finish_least_squares" of a named equation.
    solving: dict[str, Callable[..., Any]] = field(default_factory=dict)
    #: Text and LaTeX of an operator: "text", "latex".
    display: dict[str, Callable[..., str]] = field(default_factory=dict)
    #: Pictures of an operator: "spy".
    drawing: dict[str, Callable[..., Any]] = field(default_factory=dict)
    #: NumPy functions and ufuncs with a structured version.
    functions: dict[Any, Callable[..., Any]] = field(default_factory=dict)
    #: NumPy functions that write to their first argument.
    writers: set[Any] = field(default_factory=set)
    #: For types of arrays that are not NumPy's (traced ones): our functions on such arguments.
    foreign: dict[type, Callable[..., Any]] = field(default_factory=dict)

    #: Packages whose arrays are foreign, and our module for them, imported when one is met.
    packages: dict[str, str] = field(default_factory=lambda: {"dask": "_dask"})

    def is_foreign(self, *args: Any) -> bool:
        return any(self._version_for(type(x)) is not None for x in args)

    def elsewhere(self, function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """The result of one of our functions where an argument is foreign, else NotImplemented."""
        for x in (*args, *options.values()) if options else args:
            version = self._version_for(type(x))
            if version is not None:
                return version(function, args, options)
        return NotImplemented

    def _version_for(self, kind: type) -> Callable[..., Any] | None:
        if kind not in self.foreign:
            module = self.packages.get(kind.__module__.partition(".")[0])
            if module is not None:
                importlib.import_module(f".{module}", __package__)
        return self.foreign.get(kind)


registry = Registry()
