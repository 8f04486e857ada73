"""Derivative rules, one file per family of NumPy functions."""

from . import along, arithmetic, elementwise, fourier, linalg, reductions

__all__ = ["along", "arithmetic", "elementwise", "fourier", "linalg", "reductions"]
