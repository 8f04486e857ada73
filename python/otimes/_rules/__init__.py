"""Derivative rules, one file per family of NumPy functions."""

from . import arithmetic, elementwise, linalg, shapes

__all__ = ["arithmetic", "elementwise", "linalg", "shapes"]
