"""Discrete Fourier transforms: linear, so their own derivatives.

Transforms of all kinds are symmetric matrices, padded or cut on one side, so that the transpose
pads or cuts on the other. For a real variable they make the Jacobian complex.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .._check import Array, Shape
from .._traced_arrays import plain, rule
from .along import linear_map
from .tangents import axes_of, refuse, through


def _resized(x: Array, shape: Shape) -> Array:
    """The array cut, or filled with zeros, to a shape; x is a batch of such."""
    x = x[(slice(None), *map(slice, shape))]
    missing = [(0, n - m) for m, n in zip(x.shape[1:], shape, strict=True)]
    return np.pad(x, [(0, 0), *missing]) if any(after for _, after in missing) else x


def _transform(
    x: Array,
    *,
    function: Callable[..., Array],
    middle: Shape,
    out_shape: Shape,
    axes: tuple[int, ...],
    norm: str | None,
) -> Array:
    """Pad or cut to the shape that is transformed, transform, pad or cut the result."""
    return _resized(function(_resized(x, middle), axes=axes, norm=norm), out_shape)


def _rule(
    whole: Callable[..., Array], value: Any, a: Any, sizes: Any, axes: tuple[int, ...], norm: Any
) -> Any:
    """The result for a value that is a part of what the `whole` transform along some axes gives."""
    in_shape, out_shape = plain(a).shape, plain(value).shape
    middle = list(in_shape)
    for axis, n in zip(axes, sizes or (), strict=False):
        middle[axis] = n
    from_end = tuple(k - len(in_shape) for k in axes)
    part = partial(_transform, function=whole, middle=tuple(middle), axes=from_end, norm=norm)
    forward, backward = partial(part, out_shape=out_shape), partial(part, out_shape=in_shape)
    return linear_map(value, a, forward, backward)


def _one_axis(f: Any, whole: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """d F(A) = F(dA) along one axis."""
    axes = axes_of(np.ndim(a), axis)
    return _rule(whole, f(a, n, axis, norm), a, None if n is None else (n,), axes, norm)


def _several_axes(
    f: Any, whole: Any, default: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None
) -> Any:
    """d F(A) = F(dA) along several axes."""
    if axes is None and s is not None and default is None:
        refuse(f"np.fft.{f.__name__} with sizes but no axes", "with both it can")
    chosen = default if axes is None else tuple(axes)
    value = f(a, s, chosen, norm)
    return _rule(whole, value, a, s, axes_of(np.ndim(a), chosen), norm)


_fft: Any = np.fft
_f: Any
for _f, _whole in ((_fft.fft, _fft.fftn), (_fft.ifft, _fft.ifftn), (_fft.rfft, _fft.fftn)):
    rule(_f, linear="jointly")(partial(_one_axis, _f, _whole))
for _f, _whole, _default in (
    (_fft.fft2, _fft.fftn, (-2, -1)),
    (_fft.ifft2, _fft.ifftn, (-2, -1)),
    (_fft.rfft2, _fft.fftn, (-2, -1)),
    (_fft.fftn, _fft.fftn, None),
    (_fft.ifftn, _fft.ifftn, None),
    (_fft.rfftn, _fft.fftn, None),
):
    rule(_f, linear="jointly")(partial(_several_axes, _f, _whole, _default))


def _shifted(f: Any, back: Any, a: Any, axes: Any = None) -> Any:
    """A rotation along axes; its transpose rotates back."""
    from_end = tuple(k - np.ndim(a) for k in axes_of(np.ndim(a), axes))
    return linear_map(f(a, axes), a, partial(f, axes=from_end), partial(back, axes=from_end))


rule(_fft.fftshift, linear="jointly")(partial(_shifted, _fft.fftshift, _fft.ifftshift))
rule(_fft.ifftshift, linear="jointly")(partial(_shifted, _fft.ifftshift, _fft.fftshift))


@rule(_fft.irfft, linear="jointly")
def irfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    """d F(A) = F(dA), F the real part of the inverse transform of the half spectrum, weighted."""
    value = _fft.irfft(a, n, axis, norm)
    axis = axis % np.ndim(a)
    size = plain(value).shape[axis]
    k = np.arange(np.shape(a)[axis])
    weights = np.where(2 * k > size, 0.0, np.where((k == 0) | (2 * k == size), 1.0, 2.0))
    column = weights.reshape(-1, *(1,) * (np.ndim(a) - axis - 1))
    return value, (through(lambda y: np.real(_fft.ifft(y * column, size, axis, norm)), a),)
