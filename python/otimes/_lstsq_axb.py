"""Least squares with A X B = C, of any shapes and ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from ._check import Array, as_inexact, require_broadcast, require_finite
from ._layout import as_exact
from ._registry import registry
from ._solve_info import SolveInfo, as_field, judge_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LstsqInfo(SolveInfo):
    """How well least squares went; `rcond` is of the singular values that count as nonzero.

    Attributes
    ----------
    ranks : tuple of int
        The ranks of A and of B; in a batch, two arrays.
    consistent : bool
        Whether X solves A X B = C to rounding level: residual ≤ (m + n + p + q) eps.
    """

    ranks: tuple[Any, Any]
    consistent: Any


@overload
def lstsq_axb(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    rcond: float | None = ...,
    ridge: float | ArrayLike = ...,
    *,
    check_finite: bool = ...,
    return_info: Literal[False] = ...,
) -> Array: ...
@overload
def lstsq_axb(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    rcond: float | None = ...,
    ridge: float | ArrayLike = ...,
    *,
    check_finite: bool = ...,
    return_info: Literal[True],
) -> tuple[Array, LstsqInfo]: ...
def lstsq_axb(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    rcond: float | None = None,
    ridge: float | ArrayLike = 0.0,
    *,
    check_finite: bool = True,
    return_info: bool = False,
) -> Any:
    """min ‖A X B − C‖²_F + ridge ‖X‖²_F, of minimum norm: X = A⁺ C B⁺ for ridge = 0.

    A (p, m), B (n, q), C (p, q) → X (m, n), of any shapes and ranks.

    Parameters
    ----------
    a, b, c : array_like
        The matrices, real or complex in any mix. Leading axes are a batch and broadcast.
    rcond : float, optional
        Singular values of A up to ``rcond`` times its largest count as zero, and those of B
        likewise. By default ``max(A.shape) * eps`` and ``max(B.shape) * eps``.
    ridge : float or array_like
        Not negative. A 1-D array gives a solution for each of its values, along a new first axis.
    check_finite : bool
        Raise for NaN and Inf. If False, they make X NaN.
    return_info : bool
        Return ``(X, LstsqInfo)``: the fields of `SolveInfo`, the ranks of A and B, and whether
        the equation is consistent.

    Returns
    -------
    X : ndarray
        Of dtype ``np.result_type(a, b, c)``, integers and bool counting as float64.

    Raises
    ------
    ValueError
        Shapes that do not fit, NaN or Inf, a negative `rcond` or `ridge`.
    LinAlgError
        X overflows.

    Notes
    -----
    A QR decomposition of each side while it is far from rank-deficient; else one with column
    pivoting that is completed by a second; the SVD where a singular value that counts may be less
    than 1000 times the tolerance. 2 k² (l − k/3) flops for an l × k side with l ≥ k, twice that for
    the complete decomposition, about ten times for the SVD. Any number of ridge values costs one
    SVD of each side and 2 m n (m + n) flops for each. Memory for a few copies of A, B and C.

    References
    ----------
    Golub & Van Loan 2013, Matrix Computations, section 5.5; Penrose 1956,
    doi:10.1017/S0305004100030929.

    Examples
    --------
    >>> import otimes as ox
    >>> A, B = [[1.0], [1.0]], [[1.0, 0.0]]
    >>> X, info = ox.lstsq_axb(A, B, [[1.0, 5.0], [3.0, 5.0]], return_info=True)
    >>> X, info.ranks, info.consistent
    (array([[2.]]), (1, 1), False)
    >>> ox.lstsq_axb(A, B, [[1.0, 5.0], [3.0, 5.0]], ridge=[0.0, 2.0]).ravel()
    array([2., 1.])
    """
    options = {"rcond": rcond, "check_finite": check_finite, "return_info": return_info}
    foreign = registry.elsewhere(lstsq_axb, (a, b, c, ridge), options)
    if foreign is not NotImplemented:
        return foreign
    arrays = as_inexact("a", a), as_inexact("b", b), as_inexact("c", c)
    _require_shapes(*arrays)
    if rcond is not None and not rcond >= 0:
        raise ValueError(f"lstsq_axb: rcond is {rcond}, but must not be negative")
    ridges = _ridges(ridge)
    if check_finite:
        for name, array in zip("abc", arrays, strict=True):
            require_finite(name, array)
    dtype = np.result_type(*arrays)
    exact_a, exact_b, exact_c = (as_exact(array, dtype) for array in arrays)
    tolerance = -1.0 if rcond is None else rcond
    x, method, *fields = _core.lstsq_axb(exact_a, exact_b, exact_c, tolerance, ridges.ravel())
    if ridges.ndim == 0:
        x, fields = x[0], [values[0] for values in fields]
    left, right, residual, condition, scale = map(as_field, fields)
    if np.min(scale, initial=1) < 1:
        judge_scale("lstsq_axb", scale, dtype, return_info)
    if not return_info:
        return x
    size = sum(array.shape[-1] + array.shape[-2] for array in arrays[:2])
    consistent = residual <= size * float(np.finfo(dtype).eps)
    return x, LstsqInfo(method, residual, condition, scale, 0, (left, right), consistent)


def _require_shapes(a: Array, b: Array, c: Array) -> None:
    """Raise unless A X B = C makes sense for an X of some shape."""
    for name, array in (("a", a), ("b", b), ("c", c)):
        if array.ndim < 2:
            raise ValueError(f"lstsq_axb: {name} has shape {array.shape}, but must be a matrix")
    shape = a.shape[-2], b.shape[-1]
    if c.shape[-2:] != shape:
        raise ValueError(
            f"lstsq_axb: c has shape {c.shape}, but a is {a.shape} and b is {b.shape}, so c must "
            f"be {shape}"
        )
    require_broadcast("lstsq_axb", {"a": a, "b": b, "c": c})


def _ridges(ridge: float | ArrayLike) -> NDArray[np.float64]:
    values = as_inexact("ridge", ridge)
    if values.dtype.kind == "c" or values.ndim > 1:
        raise ValueError("lstsq_axb: ridge must be a real number or a 1-D array of them")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError(f"lstsq_axb: ridge is {ridge!r}, but must be finite and not negative")
    return values.astype(np.float64)
