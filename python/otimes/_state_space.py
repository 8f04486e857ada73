"""The arguments of equations in n states and m controls: their shapes, dtypes and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.linalg import LinAlgError

from ._check import Array, require_broadcast, require_finite
from ._layout import as_exact

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike


OPTIONAL = ("e", "s")

Matrices = dict[str, Array]


def call_as(name: str, solve: Callable[..., Any], *arguments: Any) -> Any:
    """Call the core, whose errors do not know for whom it works."""
    try:
        return solve(*arguments)
    except LinAlgError as error:
        raise LinAlgError(f"{name}: {error}") from None


def fitting_matrices(
    name: str,
    shapes: dict[str, str],
    values: tuple[ArrayLike | None, ...],
    convert: Callable[[str, Any], Array],
) -> Matrices:
    """The arguments that are given as arrays, of shapes that fit one another."""
    matrices = {
        argument: convert(argument, value)
        for argument, value in zip(shapes, values, strict=True)
        if value is not None or argument not in OPTIONAL
    }
    sizes: dict[str, tuple[int, str]] = {}
    for argument, array in matrices.items():
        shape = shapes[argument]
        if array.ndim < 2:
            raise ValueError(f"{name}: {argument} has shape {array.shape}, but must be a matrix")
        if shape[0] == shape[1] and array.shape[-1] != array.shape[-2]:
            raise ValueError(f"{name}: {argument} has shape {array.shape}, but must be square")
        for dimension, size in zip(shape, array.shape[-2:], strict=True):
            known, other = sizes.setdefault(dimension, (size, argument))
            if size != known:
                wanted = tuple(sizes[d][0] if d in sizes else d for d in shape)
                raise ValueError(
                    f"{name}: {argument} has shape {array.shape}, but {other} is "
                    f"{matrices[other].shape}, so {argument} must be ({wanted[0]}, {wanted[1]})"
                )
    require_broadcast(name, matrices)
    return matrices


def require_all_finite(matrices: Matrices) -> None:
    for argument, array in matrices.items():
        require_finite(argument, array)


def all_exact(matrices: Matrices, dtype: np.dtype[Any]) -> Matrices:
    return {argument: as_exact(array, dtype) for argument, array in matrices.items()}
