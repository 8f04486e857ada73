"""Products with Kronecker factors as functions: one call, no operator object."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import ArrayLike

from . import _core
from ._algebra import as_operator, identity_operator
from ._check import Array, as_array, require_out
from ._dtypes import compute_dtype, real_dtype
from ._kron import kron
from ._layout import packed
from ._operator import LinearOperator
from ._registry import registry


def kron_matmul(factors: Sequence[Any], x: ArrayLike, *, out: Array | None = None) -> Array:
    """Y = (F₁⊗…⊗F_N) X, the product never formed: one call, no operator object.

    ``kron_matmul([A, B], x)`` equals ``np.kron(A, B) @ x``.

    Parameters
    ----------
    factors : sequence of array_like
        One or more matrices Fᵢ (mᵢ, nᵢ), of any layouts and dtypes. Operators and SciPy sparse
        matrices may be among them.
    x : array_like, shape (∏ nᵢ,), (∏ nᵢ, k) or (…, ∏ nᵢ, k)
        Leading axes are a batch, as in `numpy.matmul`.
    out : ndarray, optional
        Where to write the result, of its shape and dtype. It may share memory with `x` or a factor:
        that is detected, and the product computed apart and copied, as `numpy.matmul` does.

    Returns
    -------
    ndarray
        (∏ mᵢ,), (∏ mᵢ, k) or (…, ∏ mᵢ, k), in ``np.result_type(*factors, x)``, which is also what
        it is computed in; `out` if that was given.

    Raises
    ------
    ValueError
        When the shapes do not fit, or `out` has another shape or is read-only.
    TypeError
        When `out` has another dtype, or something is not numbers that otimes computes with.

    See Also
    --------
    kron : The operator, for more than one product with the same factors.
    kron_apply : The same along chosen axes of a tensor.

    Notes
    -----
    The work of one product with each factor along its mode, in the cheapest order: for two n by n
    factors 4n³ flops per column, and n² numbers of memory. Van Loan, The ubiquitous Kronecker
    product, J. Comput. Appl. Math. 123 (2000), doi:10.1016/S0377-0427(00)00393-9.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> A, B = np.array([[1, 2], [3, 4]]), np.array([[0, 1], [1, 0]])
    >>> ox.kron_matmul([A, B], [1, 0, 0, 0])
    array([0, 1, 0, 3])
    """
    y = _core.kron_product(factors, x, out, False)
    return _converted("kron_matmul", factors, x, out, False) if y is None else y


def kron_rmatmul(x: ArrayLike, factors: Sequence[Any], *, out: Array | None = None) -> Array:
    """Y = X (F₁⊗…⊗F_N), the product never formed: one call, no operator object.

    ``kron_rmatmul(x, [A, B])`` equals ``x @ np.kron(A, B)``.

    Parameters
    ----------
    x : array_like, shape (∏ mᵢ,), (k, ∏ mᵢ) or (…, k, ∏ mᵢ)
        Leading axes are a batch, as in `numpy.matmul`.
    factors : sequence of array_like
        One or more matrices Fᵢ (mᵢ, nᵢ), as for `kron_matmul`.
    out : ndarray, optional
        As for `kron_matmul`.

    Returns
    -------
    ndarray
        (∏ nᵢ,), (k, ∏ nᵢ) or (…, k, ∏ nᵢ), in ``np.result_type(*factors, x)``.

    Raises
    ------
    ValueError, TypeError
        As `kron_matmul`.

    Notes
    -----
    The cost of `kron_matmul` with the transposed factors; nothing is transposed in memory.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> A, B = np.array([[1, 2], [3, 4]]), np.array([[0, 1], [1, 0]])
    >>> ox.kron_rmatmul([1, 0, 0, 0], [A, B])
    array([0, 1, 0, 2])
    """
    y = _core.kron_product(factors, x, out, True)
    return _converted("kron_rmatmul", factors, x, out, True) if y is None else y


def kron_apply(
    factors: Sequence[Any], tensor: ArrayLike, axes: Sequence[int] | int | None = None
) -> Array:
    """Y = T ×₁ F₁ ×₂ … : factor i along axis i of a tensor, or along ``axes[i]``.

    ``kron_apply([A, B, C], T)`` equals ``np.einsum("ai,bj,ck,ijk->abc", A, B, C, T)``; flattened in
    C order it is ``kron(A, B, C) @ T.ravel()``. Axes without a factor stay as they are: a gate on
    chosen qubits, an operator along one axis of a grid.

    Parameters
    ----------
    factors : sequence of array_like
        Matrices Fᵢ (mᵢ, nᵢ), of any layouts and dtypes. Operators and SciPy sparse matrices may be
        among them.
    tensor : array_like
        Of any number of dimensions; axis ``axes[i]`` has size nᵢ.
    axes : sequence of int or int, optional
        The axis of each factor, negative ones counted from the last; 0, 1, … when omitted.

    Returns
    -------
    ndarray
        The tensor with size mᵢ along ``axes[i]``, in ``np.result_type(*factors, tensor)``. A tensor
        that is contiguous in another order of its axes (Fortran's, a transposed view) is worked on
        in that order, which is also that of the result.

    Raises
    ------
    ValueError
        When an axis does not exist or is given twice, or its size is not that of the factor.
    TypeError
        When something is not numbers that otimes computes with.

    Notes
    -----
    The work of one product with each factor, in the cheapest order; memory is read and written as
    in a product with the whole Kronecker product.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> state = np.zeros((2, 2, 2)); state[0, 0, 0] = 1
    >>> flip = [[0.0, 1.0], [1.0, 0.0]]
    >>> np.argwhere(ox.kron_apply([flip, flip], state, axes=(0, 2))).tolist()
    [[1, 0, 1]]
    """
    y = _core.kron_apply(factors, tensor, axes)
    return _converted_along(factors, tensor, axes) if y is None else y


# --- the slow path: conversions, and the wording of errors ---------------------------------------


def _converted(name: str, factors: Any, x: Any, out: Array | None, from_right: bool) -> Array:
    """`kron_matmul` or `kron_rmatmul` of anything that is not exact."""
    function = kron_rmatmul if from_right else kron_matmul
    foreign = registry.elsewhere(
        function, (x, factors) if from_right else (factors, x), {"out": out}
    )
    if foreign is not NotImplemented:
        return cast("Array", foreign)
    matrices = matrices_of(name, factors)
    operand = as_array("x", x)
    require_fit(name, matrices, operand.shape, from_right)
    if any(isinstance(a, LinearOperator) for a in matrices):
        op = _operator_of(matrices)
        y = operand @ op if from_right else op @ operand
    elif operand.ndim == 1:
        y = _columns_product([a.T if from_right else a for a in matrices], operand[:, None])[:, 0]
    elif from_right:  # X F = (Fᵀ Xᵀ)ᵀ
        y = _columns_product([a.T for a in matrices], operand.mT).mT
    else:
        y = _columns_product(matrices, operand)
    if out is None:
        return y
    require_out("out", out, y.shape, y.dtype)[...] = y
    return out


def _columns_product(matrices: list[Any], x: Array) -> Array:
    """(F₁⊗…⊗F_N) X for X (…, N, k) of any layout and dtype."""
    dtype = np.result_type(x.dtype, *(a.dtype for a in matrices))
    compute = compute_dtype(dtype)
    if compute.kind == "c" and all(a.dtype.kind != "c" for a in matrices):
        real = real_dtype(compute)  # real factors: one real product with pairs
        pairs = packed(x, compute).view(real)
        y = _exact_product(matrices, pairs, real).view(compute)
    else:
        y = _exact_product(matrices, x, compute)
    return y.astype(dtype, copy=False)


def _exact_product(matrices: list[Any], x: Array, dtype: np.dtype[Any]) -> Array:
    y = _core.kron_product([_exact(a, dtype) for a in matrices], _exact(x, dtype), None, False)
    assert y is not None
    return y


def _exact(a: Array, dtype: np.dtype[Any]) -> Array:
    """`a` as a kernel takes it: of its dtype, contiguous with the last two axes in either order."""
    swapped = a.mT.flags.c_contiguous and not a.flags.c_contiguous
    return packed(a.mT, dtype).mT if swapped else packed(a, dtype)


def _converted_along(factors: Any, tensor: Any, axes: Any) -> Array:
    """`kron_apply` of anything that is not exact."""
    foreign = registry.elsewhere(kron_apply, (factors, tensor, axes), {})
    if foreign is not NotImplemented:
        return cast("Array", foreign)
    matrices = matrices_of("kron_apply", factors)
    x = as_array("tensor", tensor)
    places = places_of_axes(len(matrices), axes, x.ndim)
    require_sizes(matrices, x.shape, places)
    if any(isinstance(a, LinearOperator) for a in matrices):
        return _operators_along(matrices, x, places)
    memory = sorted(range(x.ndim), key=lambda k: -abs(x.strides[k]))  # outermost axis first
    y = _tensor_product(matrices, x.transpose(memory), [memory.index(k) for k in places])
    return y.transpose(np.argsort(memory))


def _tensor_product(matrices: list[Any], x: Array, places: list[int]) -> Array:
    """The matrices along these axes of a tensor of any layout and dtype, best of C's."""
    dtype = np.result_type(x.dtype, *(a.dtype for a in matrices))
    compute = compute_dtype(dtype)
    if compute.kind == "c" and all(a.dtype.kind != "c" for a in matrices):
        real = real_dtype(compute)
        pairs = packed(x, compute)[..., None].view(real)
        y = _exact_tensor_product(matrices, pairs, places, real).view(compute)[..., 0]
    else:
        y = _exact_tensor_product(matrices, packed(x, compute), places, compute)
    return y.astype(dtype, copy=False)


def _exact_tensor_product(
    matrices: list[Any], x: Array, places: list[int], dtype: np.dtype[Any]
) -> Array:
    if not matrices:
        return x.copy()
    y = _core.kron_apply([_exact(a, dtype) for a in matrices], x, tuple(places))
    assert y is not None
    return y


def _operators_along(matrices: list[Any], x: Array, places: list[int]) -> Array:
    """The same where some are operators: identities stand along the other axes."""
    modes: list[Any] = [identity_operator((n,)) for n in x.shape]
    for a, place in zip(matrices, places, strict=True):
        modes[place] = a
    shape = [a.shape[0] for a in modes]
    return (_operator_of(modes) @ x.reshape(-1)).reshape(shape)


def _operator_of(matrices: list[Any]) -> LinearOperator:
    operators = [as_operator(a) for a in matrices]
    return kron(*operators) if len(operators) > 1 else operators[0]


def matrices_of(name: str, factors: Any) -> list[Any]:
    """The factors as arrays and operators, checked."""
    matrices: list[Any] = []
    for k, a in enumerate(factors):
        is_operator = isinstance(a, LinearOperator) or hasattr(a, "toarray")
        matrices.append(as_operator(a) if is_operator else as_array(f"factor {k}", a))
        if matrices[-1].ndim != 2:
            raise ValueError(
                f"{name}: factor {k} has shape {matrices[-1].shape}, but must be a matrix"
            )
    return matrices


def require_fit(name: str, matrices: list[Any], x: tuple[int, ...], from_right: bool) -> None:
    """Raise unless x can be multiplied with the Kronecker product of the matrices."""
    if not matrices:
        raise ValueError(f"{name}: factors is empty, but a product needs at least one factor")
    rows = math.prod(a.shape[0] for a in matrices)
    cols = math.prod(a.shape[1] for a in matrices)
    wanted = rows if from_right else cols
    if max(rows, cols) > sys.maxsize:
        raise ValueError(
            f"{name}: the product of the factors has shape {(rows, cols)}, which no array can have"
        )
    place = -1 if from_right or len(x) == 1 else -2
    if x and x[place] == wanted:
        return
    fits = f"({wanted},) or (..., {f'k, {wanted}' if from_right else f'{wanted}, k'})"
    shapes = " ⊗ ".join(str(a.shape) for a in matrices)
    raise ValueError(
        f"{name}: x has shape {x}, but the product {shapes} of the factors has shape "
        f"{(rows, cols)}, so x needs shape {fits}"
    )


def places_of_axes(count: int, axes: Any, ndim: int) -> list[int]:
    """The axis of each factor, each once and not negative."""
    if axes is None:
        if count > ndim:
            raise ValueError(f"kron_apply: {count} factors for a tensor of {ndim} dimensions")
        return list(range(count))
    places = normalize_axis_tuple(axes, ndim, "axes")
    if len(places) != count:
        raise ValueError(f"kron_apply: {count} factors, but {len(places)} axes")
    return list(places)


def require_sizes(matrices: list[Any], shape: tuple[int, ...], places: list[int]) -> None:
    """Raise unless each axis has the size that its factor takes."""
    for k, (a, place) in enumerate(zip(matrices, places, strict=True)):
        if a.shape[1] != shape[place]:
            raise ValueError(
                f"kron_apply: factor {k} has shape {a.shape}, but axis {place} of the tensor of "
                f"shape {shape} has size {shape[place]}, not {a.shape[1]}"
            )
