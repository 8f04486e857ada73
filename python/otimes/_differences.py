"""Jacobians checked against differences of the function."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ._calculus import Function, jacobian
from ._check import Array, as_inexact

_MOST_COLUMNS = 100
_MOST_STEPS = 16


def check_jacobian(f: Function, *args: ArrayLike, wrt: int | Sequence[int] = 0) -> float:
    """``max|J - D| / max(|J|, |D|)``, where D → J are central differences, extrapolated.

    Parameters
    ----------
    f, *args, wrt : callable, array_like, int or sequence of int
        As for `jacobian`; the largest number where `wrt` is a tuple.

    Returns
    -------
    float
        1e-9 or less for a smooth f that is evaluated to rounding errors; NaN where f has no finite
        value near the point. By complex arguments f is moved along both axes, so that an f that is
        not analytic shows.

    Raises
    ------
    NotImplementedError, TypeError, ValueError
        As for `jacobian`.

    Notes
    -----
    Columns of J: all of up to 100, else 100 of them, drawn by a fixed stream. For each, steps
    that become four times smaller from a tenth of the size of the argument, until the extrapolated
    values (Ridders) no longer improve: some 10 evaluations of f, in double precision. Differences
    see only one side of a branch; at kinks (abs at 0) they show another derivative.

    References
    ----------
    C. J. F. Ridders, Accurate computation of F′(x) and F′(x)F″(x), Adv. Eng. Software 4 (1982),
    doi:10.1016/S0141-1195(82)80057-0.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> bool(ox.check_jacobian(np.linalg.inv, [[2.0, 1.0], [0.0, 3.0]]) < 1e-9)
    True
    """
    if not args:
        raise ValueError("check_jacobian: f needs a point, but no arguments were given")
    positions = [wrt] if isinstance(wrt, int) else wrt
    return max((_largest_difference(f, args, k) for k in positions), default=0.0)


def _largest_difference(f: Function, args: Sequence[ArrayLike], wrt: int) -> float:
    J = jacobian(f, *args, wrt=wrt)
    wrt %= len(args)
    columns = _columns(J.shape[1])
    units = np.zeros((J.shape[1], len(columns)))
    units[columns, np.arange(len(columns))] = 1
    exact = J @ units
    point = [np.asarray(x, np.result_type(as_inexact("x", x), np.float64)) for x in args]
    axes = (1, 1j) if point[wrt].dtype.kind == "c" else (1,)
    differences = [_differences(f, point, wrt, units, axis) for axis in axes]
    if exact.size == 0:
        return 0.0
    scale = max(np.abs(exact).max(), *(np.abs(d).max() for d in differences))
    return float(max(np.abs(exact - d).max() for d in differences) / (scale or 1))


def _columns(count: int) -> Array:
    if count <= _MOST_COLUMNS:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, _MOST_COLUMNS, replace=False))


def _differences(
    f: Function, point: Sequence[Array], wrt: int, units: Array, axis: complex
) -> Array:
    """The columns of D, from steps along the real or the imaginary axis."""
    x = point[wrt]
    size = float(np.linalg.norm(x) / math.sqrt(max(x.size, 1))) or 1.0

    def column(unit: Array) -> Array:
        direction = unit.reshape(x.shape, order="F") * axis

        def slope(h: float) -> Array:
            ends = [[*point[:wrt], x + s * direction, *point[wrt + 1 :]] for s in (h, -h)]
            high, low = (np.asarray(f(*end)).reshape(-1, order="F") for end in ends)
            return np.asarray((high - low) / (2 * h * axis))

        places = np.flatnonzero(unit)
        return _extrapolated(slope, 0.1 * max(size, *np.abs(x.reshape(-1, order="F")[places])))

    return np.stack([column(unit) for unit in units.T], axis=1) if units.size else units


def _extrapolated(slope: Callable[[float], Array], h: float) -> Array:
    """The limit of an even function of h at 0, from the entry of Neville's table that varies least.

    Entries that are not finite, of steps that leave the domain of f, are passed over.
    """
    row: list[Array] = []
    best, error = None, math.inf
    with np.errstate(all="ignore"):
        for _ in range(_MOST_STEPS):
            above, row = row, [slope(h)]
            for m, old in enumerate(above, 1):
                row.append(row[-1] + (row[-1] - old) / (16.0**m - 1))
                change = max(_size(row[-1] - row[-2]), _size(row[-1] - old))
                if change <= error:
                    best, error = row[-1], change
            if above and _size(row[-1] - above[-1]) > 2 * error:
                break
            h /= 4
    return row[0] * math.nan if best is None else best


def _size(x: Array) -> float:
    return float(np.abs(x).max(initial=0))
