"""Derivative rules, one file per family of NumPy functions."""

from . import (
    along,
    arithmetic,
    decompositions,
    elementwise,
    equations,
    fourier,
    functions,
    linalg,
    reductions,
    shapes,
)

__all__ = [
    "along",
    "arithmetic",
    "decompositions",
    "elementwise",
    "equations",
    "fourier",
    "functions",
    "linalg",
    "reductions",
    "shapes",
]
