"""Functions of matrices: exponential, logarithm, square root."""

from __future__ import annotations

from functools import partial
from typing import Any

from .._equations import solve_sylvester
from .._frechet import Frechet
from .._matrix_functions import expm, logm, sqrtm
from .._tape import Tangent
from .._traced_arrays import rule
from .tangents import through


@rule(sqrtm)
def square_root(a: Any) -> Any:
    """X dX + dX X = dA for X = √A. Higham 2008, Functions of Matrices, section 6.1."""
    x = sqrtm(a)
    return x, (through(lambda q: solve_sylvester(x, x, q), a),)


def _by_blocks(function: Any, a: Any) -> Any:
    """df(A) = L(A, dA), the Fréchet derivative."""

    def by_matrix(da: Tangent) -> Tangent:
        constant = da.tape.constant(a)
        return da.through(Frechet(function, constant), constant.array)

    return function(a), (by_matrix,)


rule(expm)(partial(_by_blocks, expm))
rule(logm)(partial(_by_blocks, logm))
