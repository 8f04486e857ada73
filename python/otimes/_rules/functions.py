"""Functions of matrices: exponential, logarithm, square root."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .._check import Array
from .._equations import solve_sylvester
from .._functions import expm, logm, sqrtm
from .._tape import Tangent
from .._trace import rule
from .linear_function import LinearFunction
from .tangents import apply, refuse, require_plain, through


def _matrix(function: Any, a: Any) -> None:
    if np.ndim(a) != 2:
        refuse(f"otimes.{function.__name__} of an array of shape {np.shape(a)}", "a matrix can be")


@rule(sqrtm)
def square_root(a: Any) -> Any:
    """X dX + dX X = dA for X = √A. Higham 2008, Functions of Matrices, section 6.1."""
    _matrix(sqrtm, a)
    x = sqrtm(a)
    return x, (through(lambda q: solve_sylvester(x, x, q), a),)


def _by_blocks(function: Any, a: Any) -> Any:
    """df(A) = L(A, dA), the block at the upper right of f([[A, dA], [0, A]]).

    Higham 2008, Functions of Matrices, theorem 3.6. In vec coordinates the transpose of L(A, ·) is
    L(Aᵀ, ·).
    """
    _matrix(function, a)
    require_plain(f"otimes.{function.__name__}", a)
    value = function(a)

    def by_matrix(da: Tangent) -> Tangent:
        both = partial(_derivative, function, a), partial(_derivative, function, a.T)
        return apply(LinearFunction(*both, a.shape, a.shape, value.dtype), da)

    return value, (by_matrix,)


def _derivative(function: Any, a: Array, d: Array) -> Array:
    """L(A, D) for a batch of D, each brought to the size of A: the function is not linear."""
    n = len(a)
    size = np.abs(d).max((1, 2), keepdims=True, initial=0) / (np.abs(a).max(initial=0) or 1)
    size = np.where(size == 0, 1, size)
    a = np.broadcast_to(a, d.shape)
    blocks = np.block([[a, d / size], [np.zeros_like(a), a]])
    image: Array = function(blocks)[:, :n, n:] * size
    return image


rule(expm)(partial(_by_blocks, expm))
rule(logm)(partial(_by_blocks, logm))
