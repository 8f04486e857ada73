"""Functions of matrices."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from ._check import Array, as_inexact, require_finite, warn
from ._operator import LinearOperator


@overload
def expm(a: LinearOperator, *, check_finite: bool = ...) -> LinearOperator: ...
@overload
def expm(a: ArrayLike, *, check_finite: bool = ...) -> Array: ...
def expm(a: Any, *, check_finite: bool = True) -> Any:
    """The matrix exponential e^A = Σ Aᵏ / k!.

    Of an operator its structure is used: e^(A⊗I + I⊗B) = e^A ⊗ e^B, with ``kronecker_sum(A, B)``
    for A⊗I + I⊗B and any number of matrices.

    Parameters
    ----------
    a : array_like, shape (..., n, n), or LinearOperator
        The matrix; leading axes are a batch.
    check_finite : bool
        Raise for NaN and Inf. If False, they make the result NaN.

    Returns
    -------
    ndarray or LinearOperator
        Of the shape and the dtype of `a`, integers and bool counting as float64. For a sum of
        operators on different modes (and multiples of the identity) a Kronecker product of
        exponentials; for a function of one Hermitian matrix in each mode, such as A⊗B + c I, a
        product of operators; for a diagonal operator one. For other operators the dense array.

    Raises
    ------
    ValueError
        When `a` is not square, or contains NaN or Inf.

    Warns
    -----
    RuntimeWarning
        The result overflows.
    DenseFallbackWarning
        An operator has none of these structures.

    Notes
    -----
    Scaling and squaring of Padé approximants: up to 2 (7 + s) n³ flops, s = log₂(‖A‖/4) squarings,
    fewer where the powers of A are smaller than those of ‖A‖; 8 n² of memory. The diagonal of a
    triangular matrix is that of the scalar function. The tests measure against arithmetic of 200
    digits.

    References
    ----------
    Higham 2005, doi:10.1137/04061101X; Al-Mohy & Higham 2009, doi:10.1137/09074721X.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> ox.expm([[0.0, 1.0], [0.0, 0.0]])
    array([[1., 1.],
           [0., 1.]])
    >>> A, B = np.diag([1.0, 2.0]), np.array([[0.0, 1.0], [0.0, 0.0]])
    >>> E = ox.expm(ox.kronecker_sum(A, B))
    >>> np.allclose(E.toarray(), ox.expm(ox.kronecker_sum(A, B).toarray()))
    True
    """
    result = _core.expm(a, check_finite)
    if result is None:
        elsewhere = _dispatched(a)
        if elsewhere is not NotImplemented:
            return elsewhere
        result = _core.expm(_stack("a", a, check_finite), False)
        assert result is not None
    exponential, overflows = result
    if overflows:
        warn("expm: the result overflows", RuntimeWarning)
    return exponential


def _dispatched(a: Any) -> Any:
    """What the type of `a` makes of it by NumPy's protocol, as if the function were NumPy's."""
    override = None if isinstance(a, np.ndarray) else getattr(type(a), "__array_function__", None)
    return NotImplemented if override is None else override(a, expm, (type(a),), (a,), {})


def _stack(name: str, value: ArrayLike, check_finite: bool) -> Array:
    """Convert what the core has declined, or say what is wrong with it."""
    a = as_inexact(name, value)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"expm: {name} has shape {a.shape}, but must be square: (n, n) or a batch")
    if check_finite:
        require_finite(name, a)
    return np.array(a)


expm.__module__ = "otimes"  # as users and messages name it
