"""What is done where an argument is a Dask array: one table, entered when the first one is met.

A function that is not in it raises `NotImplementedError`: nothing is computed in one piece unasked.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import dask.array as da

from . import _chunked_triangles as _chunked_triangles  # products with D and L
from ._check import supported_dtype
from ._chunked_arrays import joined, split
from ._chunked_equations import (
    map_batch,
    require_lazy,
    solve_chunks,
    solve_equations,
    solve_factored,
    solve_with,
)
from ._chunked_products import image, multiplied, tensor_along, times
from ._equation import Equation, EquationFactor
from ._factorizations import Factorization
from ._iterative import Options
from ._matrix_functions import expm, logm, sqrtm
from ._operator import LinearOperator
from ._products import (
    kron_apply,
    kron_matmul,
    kron_rmatmul,
    matrices_of,
    places_of_axes,
    require_fit,
    require_sizes,
)
from ._registry import registry
from ._solve import solve_operator
from ._triangles import Duplication, Elimination
from ._vec import (
    is_column_major,
    order_of,
    require_matrices,
    require_vectors,
    sizes_of_matrix,
    unvec,
    unvech,
    vec,
    vech,
)


def _matmul(a: Any, b: Any) -> Any:
    if isinstance(a, LinearOperator):
        a._require_operand(b.shape)
        return times(a, b, max(b.ndim - 2, 0))
    b._require_rows(a.shape)
    return times(b.T, a, a.ndim - 1)


def _call(op: LinearOperator, x: Any) -> Any:
    op._require_image_of(x.shape)
    return image(op, x)


def _kron_matmul(factors: Any, x: Any, out: object) -> Any:
    return _multiplied("kron_matmul", factors, x, out, False)


def _kron_rmatmul(x: Any, factors: Any, out: object) -> Any:
    return _multiplied("kron_rmatmul", factors, x, out, True)


def _multiplied(name: str, factors: Any, x: Any, out: object, from_right: bool) -> Any:
    if out is not None:
        raise TypeError(f"{name}: out cannot be given with a Dask array, whose product is lazy")
    matrices = matrices_of(name, factors)
    require_fit(name, matrices, x.shape, from_right)
    return multiplied(matrices, x, from_right)


def _kron_apply(factors: Any, tensor: Any, axes: Any) -> Any:
    matrices = matrices_of("kron_apply", factors)
    places = places_of_axes(len(matrices), axes, tensor.ndim)
    require_sizes(matrices, tensor.shape, places)
    return tensor_along(matrices, tensor, places)


def _vec(a: Any, order: Literal["F", "C"] = "F") -> Any:
    require_matrices("a", a.shape, square=False)
    return joined(da.swapaxes(a, -1, -2) if is_column_major(order) else a, a.ndim - 2)


def _unvec(v: Any, shape: tuple[int, int] | None = None, order: Literal["F", "C"] = "F") -> Any:
    require_vectors("v", v.shape)
    m, n = sizes_of_matrix(v.shape[-1], shape)
    if is_column_major(order):
        return da.swapaxes(split(v, v.ndim - 1, (n, m)), -1, -2)
    return split(v, v.ndim - 1, (m, n))


def _vech(a: Any) -> Any:
    require_matrices("a", a.shape, square=True)
    return times(Elimination(a.shape[-1]), _vec(a), a.ndim - 2)


def _unvech(v: Any) -> Any:
    require_vectors("v", v.shape)
    n = order_of(v.shape[-1], 0)
    return _unvec(times(Duplication(n), v, v.ndim - 1), (n, n))


def _solve_operator(
    op: LinearOperator, b: Any, on_singular: Any, method: str, options: Any, return_info: bool
) -> Any:
    require_lazy("solve", return_info)
    return solve_with(op, b, on_singular, method, options)


def _solve_factored(factors: Factorization, rhs: Any, trans: Any) -> Any:
    return solve_chunks(factors, rhs, trans, Options())


VERSIONS: dict[Any, Callable[..., Any]] = {
    operator.matmul: _matmul,
    LinearOperator.__call__: _call,
    kron_matmul: _kron_matmul,
    kron_rmatmul: _kron_rmatmul,
    kron_apply: _kron_apply,
    solve_operator: _solve_operator,
    Factorization.solve: _solve_factored,
    EquationFactor.solve: solve_factored,
    vec: _vec,
    unvec: _unvec,
    vech: _vech,
    unvech: _unvech,
    expm: partial(map_batch, expm),
    sqrtm: partial(map_batch, sqrtm),
    logm: partial(map_batch, logm),
}


def _chunked(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """One of our functions where an argument is a Dask array."""
    for x in args:
        if isinstance(x, da.Array):
            _require_known(x)
    if isinstance(function, Equation):
        return solve_equations(function, *args, **options)
    version = VERSIONS.get(function)
    if version is None:
        name = getattr(function, "__name__", function)
        raise NotImplementedError(
            f"otimes.{name} does not take Dask arrays; x.compute() makes a NumPy array of one, and "
            "x.map_blocks calls a function chunk by chunk"
        )
    return version(*args, **options)


def _require_known(x: Any) -> None:
    """Raise for what no plan can be made of, before any work starts."""
    supported_dtype("x", x.dtype)
    if any(math.isnan(n) for sizes in x.chunks for n in sizes):
        raise ValueError(
            f"x has unknown chunk sizes, its shape is {x.shape}: x.compute_chunk_sizes() finds them"
        )


registry.foreign[da.Array] = _chunked
