"""How far to go along a Newton step: the t that makes ‖F(X + tD)‖ small."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ._check import Array

#: A trial this much smaller than F(X) is taken without a search: Newton converges.
_GOOD = 0.1
#: The part of the decrease ‖F‖ → (1 - t)‖F‖ of a linear F that a trial must reach (Armijo).
_ENOUGH = 1e-4
_SHORTEST = 1e-10


class Line(NamedTuple):
    """F(X + tD) along a step D, from F = F(X) and J D; None where it has no value."""

    value: Array
    slope: Array
    at: Callable[[float], Array | None]


class _Trial(NamedTuple):
    t: float
    value: Array | None  # F(X + tD) / ‖F‖

    @property
    def size(self) -> float:
        return math.inf if self.value is None else frobenius(self.value)


def frobenius(x: Array) -> float:
    """‖X‖_F, also where the squares of its entries overflow or vanish."""
    largest = float(np.abs(x).max(initial=0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(x / largest))


def search(line: Line) -> float | None:
    """The t in (0, 2] with a smaller ‖F(X + tD)‖, or None where no t > 1e-10 gives one."""
    size = frobenius(line.value)
    f, g = line.value / size, line.slope / size

    def trial(t: float) -> _Trial:
        value = line.at(t)
        return _Trial(t, None if value is None else value / size)

    def is_enough(y: _Trial) -> bool:
        return y.size <= 1 - _ENOUGH * y.t

    first = trial(1.0)
    if first.size <= _GOOD:
        return 1.0
    y = min(first, trial(_minimum(f, g, first, 0.1, 2.0)), key=lambda y: y.size)
    while not is_enough(y):
        if y.t < _SHORTEST:
            return None
        y = trial(_minimum(f, g, y, 0.1 * y.t, 0.5 * y.t))
    return y.t


def _minimum(f: Array, g: Array, y: _Trial, low: float, high: float) -> float:
    """The t of [low, high] with the smallest ‖F + t G + t² V‖, V such that it meets the trial."""
    if y.value is None:
        return low
    v = (y.value - f - y.t * g) / y.t**2
    square = [
        _inner(v, v),
        2 * _inner(g, v),
        _inner(g, g) + 2 * _inner(f, v),
        2 * _inner(f, g),
        _inner(f, f),
    ]
    if not np.isfinite(square).all():
        return low
    stationary = np.roots(np.polyder(square)).real
    candidates = np.clip([low, high, *stationary], low, high)
    return float(candidates[np.argmin(np.polyval(square, candidates))])


def _inner(a: Array, b: Array) -> float:
    with np.errstate(over="ignore"):
        return float(np.vdot(a, b).real)
