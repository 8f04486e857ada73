"""Functions that act entry by entry: df(A) = f'(A) ∘ dA, and those of two arrays that broadcast.

Where a function has no derivative the rule takes the smallest slope that lies between those of the
two sides, or their mean: |x| has 0 at 0, and max(a, b) has ½ by both where a = b.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .._check import warn
from .._tape import where
from .._traced_arrays import plain, rule
from .tangents import require_real

#: f -> (A, f(A)) ↦ f'(A), for analytic f: Abramowitz & Stegun, chapter 4.
ANALYTIC: dict[np.ufunc, Callable[[Any, Any], Any]] = {
    np.exp: lambda a, y: y,
    np.expm1: lambda a, y: y + 1,
    np.exp2: lambda a, y: math.log(2) * y,
    np.log: lambda a, y: 1 / a,
    np.log1p: lambda a, y: 1 / (1 + a),
    np.log2: lambda a, y: 1 / (math.log(2) * a),
    np.log10: lambda a, y: 1 / (math.log(10) * a),
    np.sqrt: lambda a, y: 0.5 / y,
    np.square: lambda a, y: 2 * a,
    np.reciprocal: lambda a, y: -y * y,
    np.sin: lambda a, y: np.cos(a),
    np.cos: lambda a, y: -np.sin(a),
    np.tan: lambda a, y: 1 + y * y,
    np.arcsin: lambda a, y: 1 / np.sqrt((1 - a) * (1 + a)),
    np.arccos: lambda a, y: -1 / np.sqrt((1 - a) * (1 + a)),
    np.arctan: lambda a, y: 1 / (1 + a * a),
    np.sinh: lambda a, y: np.cosh(a),
    np.cosh: lambda a, y: np.sinh(a),
    np.tanh: lambda a, y: (1 - y) * (1 + y),
    np.arcsinh: lambda a, y: 1 / np.sqrt(1 + a * a),
    np.arccosh: lambda a, y: 1 / (np.sqrt(a - 1) * np.sqrt(a + 1)),
    np.arctanh: lambda a, y: 1 / ((1 - a) * (1 + a)),
}

#: The same for functions of real numbers.
REAL: dict[np.ufunc, Callable[[Any, Any], Any]] = {
    np.cbrt: lambda a, y: 1 / (3 * y * y),
    np.fabs: lambda a, y: np.sign(plain(a)),
}

#: f -> c for f(A) = c A.
PROPORTIONAL: dict[np.ufunc, float] = {
    np.deg2rad: math.pi / 180,
    np.radians: math.pi / 180,
    np.rad2deg: 180 / math.pi,
    np.degrees: 180 / math.pi,
}

#: Constant between their jumps.
STEPS = (np.sign, np.floor, np.ceil, np.trunc, np.rint)


def _analytic(f: np.ufunc, slope: Callable[[Any, Any], Any], a: Any) -> Any:
    y = f(a)
    return y, (lambda da: da * slope(a, y),)


def _real(f: np.ufunc, slope: Callable[[Any, Any], Any], a: Any) -> Any:
    require_real(f"np.{f.__name__}", a)
    return _analytic(f, slope, a)


def _proportional(f: np.ufunc, c: float, a: Any) -> Any:
    return f(a), (lambda da: da * c,)


def _warn_step(f: np.ufunc) -> None:
    warn(f"np.{f.__name__} at {where()} is constant between jumps: zero derivative", UserWarning)


def _step(f: np.ufunc, a: Any) -> Any:
    require_real(f"np.{f.__name__}", a)
    _warn_step(f)
    return f(a), (lambda da: da * 0,)


for _f, _slope in ANALYTIC.items():
    rule(_f)(partial(_analytic, _f, _slope))
for _f, _slope in REAL.items():
    rule(_f)(partial(_real, _f, _slope))
for _f, _c in PROPORTIONAL.items():
    rule(_f, linear="jointly")(partial(_proportional, _f, _c))
for _f in STEPS:
    rule(_f)(partial(_step, _f))


@rule(np.sinc)
def sinc(a: Any) -> Any:
    """d sinc(A) = -π j₁(πA) ∘ dA, j₁(z) = (sin z - z cos z)/z². Abramowitz & Stegun, 10.1.11.

    Below |z| = 1 by the series of j₁, where the difference cancels.
    """
    z = math.pi * a
    small = np.abs(plain(z)) < 1
    safe = np.where(small, 1, z)
    away = (np.cos(safe) - np.sin(safe) / safe) / safe
    series: Any = 1.0
    for k in range(8, 0, -1):
        series = 1 - z * z * (1 / (2 * k * (2 * k + 3))) * series
    slope = math.pi * np.where(small, z * series * (-1 / 3), away)
    return np.sinc(a), (lambda da: da * slope,)


# --- two arguments -------------------------------------------------------------------------------


@rule(np.power, np.float_power)
def power(a: Any, k: Any) -> Any:
    """d(Aᵏ) = k Aᵏ⁻¹ ∘ dA + Aᵏ log A ∘ dk, entry by entry.

    0·0⁻¹ and 0·log 0 are the limits zero, not nan.
    """
    k = k if hasattr(k, "dtype") or np.isscalar(k) else np.asarray(k)
    y = np.power(a, k)
    if np.isscalar(a):
        a = plain(y).dtype.type(a)
    lower = k - (plain(k) != 0)
    return y, (
        lambda da: da * (k * np.power(a, lower)),
        lambda dk: dk * (y * np.log(np.where(plain(a) == 0, 1, a))),
    )


@rule(np.hypot)
def hypot(a: Any, b: Any) -> Any:
    """d√(A² + B²) = (A ∘ dA + B ∘ dB)/√(A² + B²), 0 at the origin."""
    y = np.hypot(a, b)
    size = np.where(plain(y) == 0, 1, y)
    return y, (lambda da: da * (a / size), lambda db: db * (b / size))


@rule(np.arctan2)
def arctan2(a: Any, b: Any) -> Any:
    """d atan2(A, B) = (B ∘ dA - A ∘ dB)/(A² + B²), an error at the origin."""
    y = np.arctan2(a, b)
    size = np.hypot(a, b)
    if not np.all(plain(size)):
        raise ValueError(f"np.arctan2 at {where()} has no derivative at (0, 0)")
    return y, (lambda da: da * (b / size / size), lambda db: db * (-a / size / size))


@rule(np.logaddexp)
def logaddexp(a: Any, b: Any) -> Any:
    """d log(eᴬ + eᴮ) = (eᴬ ∘ dA + eᴮ ∘ dB)/(eᴬ + eᴮ)."""
    y = np.logaddexp(a, b)
    top = np.where(np.isneginf(plain(y)), 0, y)
    return y, (lambda da: da * np.exp(a - top), lambda db: db * np.exp(b - top))


@rule(np.logaddexp2)
def logaddexp2(a: Any, b: Any) -> Any:
    """d log₂(2ᴬ + 2ᴮ) = (2ᴬ ∘ dA + 2ᴮ ∘ dB)/(2ᴬ + 2ᴮ)."""
    y = np.logaddexp2(a, b)
    top = np.where(np.isneginf(plain(y)), 0, y)
    return y, (lambda da: da * np.exp2(a - top), lambda db: db * np.exp2(b - top))


def _chosen(first: Any, y: Any) -> Any:
    """Maps to the larger (smaller) entry: its weight is 1, and ½ where both are equal."""
    weight = np.asarray(first, plain(y).dtype)
    return (lambda da: da * weight, lambda db: db * (1 - weight))


@rule(np.maximum)
def maximum(a: Any, b: Any) -> Any:
    """d max(A, B) = dA where A > B, dB where A < B, (dA + dB)/2 where A = B."""
    require_real("np.maximum", a, b)
    p, q = plain(a), plain(b)
    y = np.maximum(a, b)
    return y, _chosen(np.greater(p, q) + 0.5 * np.equal(p, q) + np.isnan(p), y)


@rule(np.minimum)
def minimum(a: Any, b: Any) -> Any:
    """d min(A, B) = dA where A < B, dB where A > B, (dA + dB)/2 where A = B."""
    require_real("np.minimum", a, b)
    p, q = plain(a), plain(b)
    y = np.minimum(a, b)
    return y, _chosen(np.less(p, q) + 0.5 * np.equal(p, q) + np.isnan(p), y)


@rule(np.fmax)
def fmax(a: Any, b: Any) -> Any:
    """As max(A, B), the other where one is NaN."""
    require_real("np.fmax", a, b)
    p, q = plain(a), plain(b)
    y = np.fmax(a, b)
    return y, _chosen(np.greater(p, q) + 0.5 * np.equal(p, q) + np.isnan(q), y)


@rule(np.fmin)
def fmin(a: Any, b: Any) -> Any:
    """As min(A, B), the other where one is NaN."""
    require_real("np.fmin", a, b)
    p, q = plain(a), plain(b)
    y = np.fmin(a, b)
    return y, _chosen(np.less(p, q) + 0.5 * np.equal(p, q) + np.isnan(q), y)


@rule(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """d min(max(A, L), U): that of the one which is taken, the mean of two that are equal."""
    low = a_min if min is None else min
    high = a_max if max is None else max
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    raised, (by_a, by_low) = maximum(a, low)
    y, (by_raised, by_high) = minimum(raised, high)
    return y, (lambda da: by_raised(by_a(da)), lambda dl: by_raised(by_low(dl)), by_high)


@rule(np.copysign)
def copysign(a: Any, b: Any) -> Any:
    """d(|A| sign B) = sign(A) sign(B) ∘ dA: that of |B| plays no part."""
    y = np.copysign(plain(a), plain(b))
    return np.copysign(a, b), (
        lambda da: da * (np.sign(plain(a)) * np.sign(y)),
        lambda db: db * np.zeros_like(y),
    )


@rule(np.heaviside)
def heaviside(a: Any, b: Any) -> Any:
    """Zero by A, the indicator of A = 0 by B."""
    _warn_step(np.heaviside)
    y = np.heaviside(a, b)
    zero = np.zeros_like(plain(y))
    return y, (lambda da: da * zero, lambda db: db * np.where(np.equal(plain(a), 0), 1, zero))


# --- sizes and angles of complex numbers ----------------------------------------------------------


@rule(np.absolute)
def absolute(a: Any) -> Any:
    """d|A| = Re(conj(A)/|A| ∘ dA), 0 at 0."""
    return np.absolute(a), (lambda da: (da * direction(a)).real,)


def direction(a: Any) -> Any:
    """conj(A)/|A|, the sign of a real A; 0 at 0."""
    if not np.iscomplexobj(plain(a)):
        return np.sign(plain(a))
    size = np.absolute(a)
    return np.conj(a) / np.where(plain(size) == 0, 1, size)


@rule(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """d arg A = Im(dA/A); of a real A zero."""
    unit = 180 / math.pi if deg else 1.0
    if not np.iscomplexobj(plain(z)):
        return np.angle(plain(z), deg), (lambda dz: dz * 0,)
    if not np.all(plain(z)):
        raise ValueError(f"np.angle at {where()} has no derivative at 0")
    return np.angle(z, deg), (lambda dz: (dz * (unit / z)).imag,)
