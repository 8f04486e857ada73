"""Derivative rules, one file per family of NumPy functions."""

from . import arithmetic, elementwise, linalg

__all__ = ["arithmetic", "elementwise", "linalg"]
