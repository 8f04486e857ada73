"""The abstract operator: what a leaf defines, and what follows from it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any, Literal, Self, cast, overload

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from numpy.typing import ArrayLike, DTypeLike

from ._array_methods import ArrayMethods, apply_elsewhere, frozen, is_operand
from ._check import (
    Array,
    Shape,
    as_array,
    is_foreign_array,
    is_scalar,
    require_out,
    supported_dtype,
    warn_dense,
)
from ._indexing import getitem
from ._layout import along_axis
from ._memory import require_dense
from ._protocols import array_function, array_ufunc
from ._registry import registry


class LinearOperator(ArrayMethods):
    """A linear map that behaves as the matrix it stands for, without storing it.

    A leaf class calls ``super().__init__(in_shape, out_shape, dtype)`` and defines two methods:

    ``_matmat(x)``
        the product with an array x of shape (N, k), as an array of shape (M, k);
    ``_transpose()``
        the operator of the transposed matrix.

    Everything else follows from these; `_conj`, `_rows`, `_entries` and `_work` may be given where
    something better is known. Operators are immutable.

    Attributes
    ----------
    in_shape, out_shape : tuple of int
        Shapes of the arrays that the operator maps; ``shape`` is the flat
        ``(prod(out_shape), prod(in_shape))``. Arrays are flattened in column-major order.
    dtype : numpy.dtype
    """

    __slots__ = ("__weakref__", "_cache", "_plan", "dtype", "in_shape", "out_shape", "shape")
    __array_priority__ = 20.0
    __hash__ = None  # type: ignore[assignment]

    in_shape: Shape
    out_shape: Shape
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    _plan: Any
    _cache: dict[str, Any]

    def __init__(self, in_shape: Shape, out_shape: Shape, dtype: DTypeLike) -> None:
        set_ = object.__setattr__
        set_(self, "in_shape", tuple(in_shape))
        set_(self, "out_shape", tuple(out_shape))
        set_(self, "shape", (math.prod(out_shape), math.prod(in_shape)))
        set_(self, "dtype", np.dtype(dtype))
        set_(self, "_plan", None)  # set by term operators: the compiled product
        set_(self, "_cache", {})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"operators are immutable: cannot set {name!r}")

    # --- what a leaf defines ---------------------------------------------------------------

    def _matmat(self, x: Array) -> Array:
        raise NotImplementedError

    def _transpose(self) -> LinearOperator:
        raise NotImplementedError

    def _conj(self) -> LinearOperator:
        conjugate: LinearOperator = registry.algebra["conjugate"](self)
        return conjugate

    def _rows(self, indices: Array) -> Array:
        """Rows of the matrix, as a dense array (len(indices), N)."""
        unit = np.zeros((self.shape[0], len(indices)), self.dtype)
        unit[indices, np.arange(len(indices))] = 1
        return np.ascontiguousarray(self._transpose()._matmat(unit).T)

    def _entries(self, rows: Array, cols: Array) -> Array:
        """The entries at pairs of indices, given as two vectors of one length."""
        some_rows, place_of_row = np.unique(rows, return_inverse=True)
        some_cols, place_of_col = np.unique(cols, return_inverse=True)
        if len(some_rows) * self.shape[1] <= len(some_cols) * self.shape[0]:
            return self._rows(some_rows)[place_of_row, cols]
        return self.T._rows(some_cols)[place_of_col, rows]

    def _work(self) -> float:
        """Multiplications per column that a product costs, for cost rules."""
        return float(self.shape[0]) * self.shape[1]

    def _is_neutral(self) -> bool:
        """Whether the operator has no dtype of its own: its product keeps the operand's."""
        return False

    def _result_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The dtype of the product with an array of this dtype."""
        return np.result_type(self.dtype, dtype)

    def _pinv(self) -> LinearOperator | None:
        """The pseudo-inverse, where the leaf knows it."""
        return None

    def _structure(self) -> LinearOperator:
        """The operator that the algebra works on; `self` unless it is a wrapper of one."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        slots = (s for c in type(self).__mro__ for s in getattr(c, "__slots__", ()))
        hidden = {"__weakref__", "_plan", "_cache"}
        return _rebuild, (type(self), {s: getattr(self, s) for s in slots if s not in hidden})

    # --- products --------------------------------------------------------------------------

    @overload
    def __matmul__(self, other: LinearOperator) -> LinearOperator: ...
    @overload
    def __matmul__(self, other: ArrayLike) -> Array: ...
    def __matmul__(self, other: Any) -> Any:
        plan = self._plan
        if plan is not None:
            y = plan.matmul(other)
            if y is not None:
                return y
        if isinstance(other, LinearOperator):
            return registry.algebra["multiply"](self, other)
        if not _is_array_like(other):
            return NotImplemented
        if registry.is_foreign(other):
            return registry.elsewhere(operator.matmul, (self, other), {})
        if is_foreign_array(other):
            return apply_elsewhere(operator.matmul, self, other)
        return self._product(as_array("x", other), None)

    def __rmatmul__(self, other: ArrayLike) -> Any:
        if not _is_array_like(other):
            return NotImplemented
        if registry.is_foreign(other):
            return registry.elsewhere(operator.matmul, (other, self), {})
        if is_foreign_array(other):
            return apply_elsewhere(operator.matmul, other, self)
        y = self._multiplied_from_left(other)
        if y is not None:
            return y
        x = as_array("x", other)
        self._require_rows(x.shape)
        flat = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        y = self.T._product(flat.T, None).T
        return y.reshape(*x.shape[:-1], self.shape[1])

    def _multiplied_from_left(self, x: Any) -> Array | None:
        """`x @ self` by the compiled product with the transpose, where that takes x as it is."""
        plan = self.T._plan
        if plan is None or type(x) is not np.ndarray:
            return None
        y: Array | None = plan.matmul(x.T)
        return None if y is None else y.T

    def _name(self) -> str:
        return type(self).__name__

    def _product(self, x: Array, out: Array | None) -> Array:
        """`self @ x` for any array x, checked here and nowhere below."""
        self._require_operand(x.shape)
        if x.ndim > 2:
            return _stacked_product(self, x, out)
        dtype = self._result_dtype(x.dtype)
        shape = (self.shape[0], *x.shape[1:])
        if out is not None:
            require_out("out", out, shape, dtype)
            if self._plan is not None and self._plan.matmul(x, out) is not None:
                return out
        block = x if x.ndim == 2 else x[:, None]
        y = self._matmat(block).reshape(shape).astype(dtype, copy=False)
        if out is None:
            return y
        out[...] = y
        return out

    def _require_operand(self, shape: Shape) -> None:
        """Raise unless `self @ x` is defined for an x of this shape."""
        if not shape or shape[-2 if len(shape) > 1 else 0] != self.shape[1]:
            raise ValueError(
                f"{self._name()} @ x: x has shape {shape}, but the operator has shape "
                f"{self.shape}, so x needs shape ({self.shape[1]},) or ({self.shape[1]}, k)"
            )

    def _require_rows(self, shape: Shape) -> None:
        """Raise unless `x @ self` is defined for an x of this shape."""
        if not shape or shape[-1] != self.shape[0]:
            raise ValueError(
                f"x @ {self._name()}: x has shape {shape}, but the operator has shape "
                f"{self.shape}, so x needs {self.shape[0]} columns"
            )

    def _require_image_of(self, shape: Shape) -> None:
        """Raise unless `self(x)` is defined for an x of this shape."""
        if shape != self.in_shape:
            raise ValueError(
                f"{self._name()}(x): x has shape {shape}, but the operator maps arrays of shape "
                f"{self.in_shape} to arrays of shape {self.out_shape}"
            )

    def matvec(self, x: ArrayLike, *, out: Array | None = None) -> Array:
        """A x for a vector x (N,) or (N, 1)."""
        if self._plan is not None and isinstance(x, np.ndarray) and x.ndim == 1:
            y: Array | None = self._plan.matmul(x, out)
            if y is not None:
                return y
        if registry.is_foreign(x):
            return self._foreign_product(x, out)
        v = as_array("x", x)
        if v.shape not in ((self.shape[1],), (self.shape[1], 1)):
            raise ValueError(
                f"matvec: x has shape {v.shape}, but must be ({self.shape[1]},) or "
                f"({self.shape[1]}, 1)"
            )
        return self._product(v, out)

    def _foreign_product(self, x: Any, out: object) -> Array:
        if out is not None:
            raise TypeError(f"out cannot be given with an x that is a {type(x).__name__}")
        product: Array = self @ x
        return product

    def matmat(self, x: ArrayLike, *, out: Array | None = None) -> Array:
        """A X for a block of columns X (N, k)."""
        if registry.is_foreign(x):
            return self._foreign_product(x, out)
        v = as_array("x", x)
        if v.ndim != 2 or v.shape[0] != self.shape[1]:
            raise ValueError(f"matmat: x has shape {v.shape}, but must be ({self.shape[1]}, k)")
        return self._product(v, out)

    def rmatvec(self, x: ArrayLike, *, out: Array | None = None) -> Array:
        """Aᴴ x for a vector x (M,) or (M, 1)."""
        return self.H.matvec(x, out=out)

    def rmatmat(self, x: ArrayLike, *, out: Array | None = None) -> Array:
        """Aᴴ X for a block of columns X (M, k)."""
        return self.H.matmat(x, out=out)

    def dot(self, b: Any, out: Array | None = None) -> Any:
        """``self @ b``, or the scaled operator for a scalar, as `numpy.dot`."""
        product = self._dot(b)
        if out is None:
            return product
        product = np.asarray(product)
        if not require_out("out", out, product.shape, product.dtype).flags.c_contiguous:
            raise ValueError("dot: out must be C-ordered")
        out[...] = product
        return out

    def _dot(self, b: Any) -> Any:
        if is_scalar(b):
            return self * np.asarray(b)[()]  # a Python number counts as float64 or int64 here
        product = self @ b
        # numpy.dot puts the rows of the matrix before the stack's axes, matmul behind them
        return np.moveaxis(product, -2, 0) if product.ndim > 2 else product

    def __call__(self, x: ArrayLike) -> Array:
        """The image, of shape `out_shape`, of an array of shape `in_shape`."""
        foreign = registry.elsewhere(LinearOperator.__call__, (self, x), {})
        if foreign is not NotImplemented:
            return cast("Array", foreign)
        a = as_array("x", x)
        self._require_image_of(a.shape)
        y = self @ a.reshape(-1, order="F")
        return y.reshape(self.out_shape, order="F")

    # --- the algebra (closed: see _algebra.py) -----------------------------------------------

    def __add__(self, other: Any) -> Any:
        return _binary("add", operator.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return _binary("add", operator.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _binary("subtract", operator.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _binary("subtract", operator.sub, other, self)

    def __mul__(self, other: Any) -> Any:
        return _binary("elementwise", operator.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _binary("elementwise", operator.mul, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _binary("divide", operator.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _binary("divide", operator.truediv, other, self)

    def __pow__(self, other: Any) -> Any:
        return _binary("elementwise_power", operator.pow, self, other)

    def __rpow__(self, other: Any) -> Any:
        return _binary("elementwise_power", operator.pow, other, self)

    def __neg__(self) -> LinearOperator:
        negated: LinearOperator = registry.algebra["negative"](self)
        return negated

    def __pos__(self) -> Self:
        if self.dtype.kind == "b":
            raise TypeError("bools have no +; convert the operator with astype(int)")
        return self

    @property
    def T(self) -> LinearOperator:
        """The transpose."""
        cached = self._cache.get("T")
        if cached is None:
            cached = self._cache["T"] = self._transpose()
        transpose: LinearOperator = cached
        return transpose

    @property
    def H(self) -> LinearOperator:
        """The conjugate transpose."""
        return self.T.conj()

    @property
    def mT(self) -> LinearOperator:
        """The transpose, as that of each matrix of a stack."""
        return self.T

    def transpose(self, *axes: Any) -> LinearOperator:
        """The transpose; the operator itself for axes in their own order, as `numpy.transpose`."""
        order = axes[0] if len(axes) == 1 else axes
        if order is None or len(axes) == 0:
            return self.T
        if len(order) != 2:
            raise ValueError(f"an operator has 2 axes, but {len(order)} are given: {order}")
        return self.T if _swapped(*order) else self

    def conj(self) -> LinearOperator:
        """The complex conjugate."""
        return self._conj() if self.dtype.kind == "c" else self

    conjugate = conj

    @property
    def real(self) -> LinearOperator:
        """The real part."""
        part: LinearOperator = registry.algebra["real"](self)
        return part

    @property
    def imag(self) -> LinearOperator:
        """The imaginary part."""
        part: LinearOperator = registry.algebra["imag"](self)
        return part

    def power(self, k: int) -> LinearOperator:
        """The matrix power Aᵏ, k ≥ 0, or of the inverse for k < 0."""
        result: LinearOperator = registry.algebra["power"](self, k)
        return result

    def inv(self) -> LinearOperator:
        """The inverse, as an operator; `LinAlgError` when it is singular."""
        inverse: LinearOperator = registry.algebra["inverse"](self)
        return inverse

    def pinv(self) -> LinearOperator:
        """The Moore-Penrose pseudo-inverse, as an operator."""
        known = self._pinv()
        inverse: LinearOperator = (
            registry.algebra["pseudo_inverse"](self) if known is None else known
        )
        return inverse

    # --- solving (see _solve.py) -------------------------------------------------------------

    def solve(
        self,
        b: ArrayLike,
        *,
        on_singular: Literal["raise", "warn", "lstsq"] = "raise",
        method: str = "auto",
    ) -> Array:
        """The x with A x = b, by the structure of A.

        Parameters
        ----------
        b : array_like, shape (M,) or (M, k)
            Or of `out_shape`, where that is the shape of a matrix.
        on_singular : {"raise", "warn", "lstsq"}
            "lstsq": the least-squares solution of minimum norm where A is singular or not square.
        method : str
            ``"auto"``, or one of the names that `select_method` returns.

        Returns
        -------
        ndarray
            (N,) or (N, k); of `in_shape` where `b` has `out_shape`.

        Raises
        ------
        numpy.linalg.LinAlgError
            When A is singular to working precision.
        """
        x: Array = registry.solving["solve_operator"](self, b, on_singular, method)
        return x

    def factorize(self, *, on_singular: Literal["raise", "warn", "lstsq"] = "raise") -> Any:
        """The decompositions of A, kept for any number of right-hand sides.

        Parameters
        ----------
        on_singular : {"raise", "warn", "lstsq"}
            What to do when A is singular to working precision, as in `solve`.

        Returns
        -------
        object
            ``solve(b, trans="N" | "T" | "H")`` gives the x with A x = b, Aᵀ x = b or Aᴴ x = b for b
            (M,) or (M, k); ``rcond()`` estimates σ_min(A)/σ_max(A).

        Raises
        ------
        numpy.linalg.LinAlgError
            When A is not square, or singular to working precision (see `on_singular`).
        """
        return registry.solving["factorize"](self, on_singular)

    # --- the operator as an array --------------------------------------------------------------

    ndim = 2

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.shape[0] * self.shape[1]

    @property
    def nbytes(self) -> int:
        """Bytes of the dense array that the operator stands for."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(self.shape[0]))

    def toarray(self, dtype: DTypeLike | None = None) -> Array:
        """The dense matrix, a new C-ordered array; `MemoryError` when it would not fit."""
        wanted = self.dtype if dtype is None else np.dtype(dtype)
        supported_dtype("dtype", wanted)
        require_dense(self.shape, wanted)
        rows = self._rows(np.arange(self.shape[0], dtype=np.intp))
        return rows.astype(wanted, copy=False)

    def tocsr(self) -> Any:
        """The matrix as a `scipy.sparse.csr_array`, made from the structure.

        Returns
        -------
        scipy.sparse.csr_array
            Of the operator's dtype. Entries that are zero are not stored, whether the structure
            implies them or a dense factor holds them.

        Raises
        ------
        ImportError
            When SciPy is not installed (``pip install "otimes[scipy]"``).
        MemoryError
            When the stored entries would not fit, by an estimate of their number.

        Notes
        -----
        O(stored entries) time and memory for selections, diagonals, Kronecker products, their sums
        and products. Other operators (inverses, for instance) are formed, some rows at a time.

        Examples
        --------
        >>> import otimes as ox
        >>> ox.commutation_matrix(100, 200).tocsr().nnz
        20000
        """
        return registry.algebra["tocsr"](self)

    def tensor(self) -> Array:
        """The dense array of shape ``out_shape + in_shape`` of partial derivatives."""
        dense = self.toarray()
        return dense.reshape(self.out_shape + self.in_shape, order="F")

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("an operator has no memory to share; np.asarray(op) makes a copy")
        # a cast that loses something is left to the caller, who knows whether it is allowed
        safe = dtype is not None and np.can_cast(self.dtype, dtype, "safe")
        return self.toarray(dtype if safe else None)

    def __getitem__(self, key: Any) -> Any:
        """Entries; read-only where NumPy would give a view, through which one could write."""
        return getitem(self, key)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
        """The diagonal, or one beside it, as a read-only array."""
        offset = operator.index(offset)
        if _swapped(axis1, axis2):
            return self.T.diagonal(offset)
        diagonal = self._diagonal() if offset == 0 else self._diagonal_at(offset)
        diagonal.setflags(write=False)
        return diagonal

    def _diagonal(self) -> Array:
        """The main diagonal, a new array."""
        return self._diagonal_at(0)

    def _diagonal_at(self, offset: int) -> Array:
        rows, cols = max(0, -offset), max(0, offset)
        count = max(0, min(self.shape[0] - rows, self.shape[1] - cols))
        require_dense((count,), self.dtype)
        n = np.arange(count, dtype=np.intp)
        return self._entries(n + rows if rows else n, n + cols if cols else n)

    def trace(
        self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: DTypeLike | None = None
    ) -> Any:
        """The sum of the diagonal, or of one beside it."""
        _swapped(axis1, axis2)
        known = self._trace() if operator.index(offset) == 0 and dtype is None else None
        if known is not None and np.isfinite(known):
            return known
        return self.diagonal(offset, axis1, axis2).sum(dtype=dtype)

    def _trace(self) -> Any:
        """The trace in the dtype of a sum, where the leaf knows it without the diagonal."""
        return None

    def sum(
        self,
        axis: int | tuple[int, ...] | None = None,
        dtype: DTypeLike | None = None,
        *,
        keepdims: bool = False,
        **more: Any,
    ) -> Any:
        """The sum of all entries, or along an axis; `out`, `initial` and `where` as NumPy's."""
        axes = _axes(axis)
        # small integers are added as large ones
        wanted = np.ones(0, self.dtype).sum(dtype=dtype).dtype
        if more or not np.can_cast(self.dtype, wanted, "safe"):
            warn_dense("such a sum")
            return frozen(self).sum(axis, dtype, keepdims=keepdims, **more)
        total = self._sum_over(axes, wanted)
        if not keepdims or not axes:
            return total
        return np.reshape(total, tuple(1 if k in axes else n for k, n in enumerate(self.shape)))

    def _sum_over(self, axes: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        if axes == (0, 1):
            return self._total(dtype)
        if axes == ():
            return self.toarray(dtype)
        op = self if axes == (1,) else self.T
        require_dense((op.shape[1],), dtype)
        return (op @ np.ones(op.shape[1], dtype)).astype(dtype, copy=False)

    def _total(self, dtype: np.dtype[Any]) -> Any:
        """The sum of all entries in this dtype."""
        return self._sum_over((1,), dtype).sum()

    def mean(
        self,
        axis: int | tuple[int, ...] | None = None,
        dtype: DTypeLike | None = None,
        *,
        keepdims: bool = False,
        **more: Any,
    ) -> Any:
        """The mean of all entries, or along an axis; `out` and `where` as NumPy's."""
        axes = _axes(axis)
        wanted = None if dtype is None else np.dtype(dtype)
        widens = wanted is None or (wanted.char in "fdFD" and np.can_cast(self.dtype, wanted))
        if more or not widens:
            warn_dense("such a mean")
            return frozen(self).mean(axis, dtype, keepdims=keepdims, **more)
        if wanted is None and self.dtype.kind in "biu":
            wanted = np.dtype(np.float64)
        total = self.sum(axes, wanted, keepdims=keepdims)
        # a float: the number of entries may be larger than an integer of NumPy's
        return np.true_divide(total, float(math.prod(self.shape[k] for k in axes)))

    def astype(
        self,
        dtype: DTypeLike,
        order: Literal["K", "A", "C", "F"] = "K",
        casting: Literal["no", "equiv", "safe", "same_kind", "unsafe"] = "unsafe",
        subok: bool = True,
        copy: bool = True,
    ) -> LinearOperator:
        """The operator in another dtype."""
        _require_order(order)
        requested = np.dtype(dtype)
        wanted = supported_dtype("dtype", requested)
        if wanted != requested:
            raise TypeError(f"operators are of native byte order: {requested} is not")
        if not np.can_cast(self.dtype, wanted, casting):
            raise TypeError(
                f"Cannot cast operator from {self.dtype} to {wanted} according to the rule "
                f"{casting!r}"
            )
        converted: LinearOperator = registry.algebra["astype"](self, wanted)
        return converted

    def copy(self, order: Literal["K", "A", "C", "F"] = "C") -> Self:
        """The operator itself: it is immutable."""
        _require_order(order)
        return self

    def __eq__(self, other: object) -> Any:
        return self.toarray() == frozen(other)

    def __ne__(self, other: object) -> Any:
        return self.toarray() != frozen(other)

    # --- display (see _display.py) -------------------------------------------------------------

    @property
    def terms(self) -> list[tuple[Any, Array, Array, bool]]:
        """The list of (c, L, R, transposed) with A = Σ c (Rᵀ⊗L) [K].

        Raises
        ------
        NotImplementedError
            When the operator is not in the span of Kronecker products of two factors.
        """
        listed: list[tuple[Any, Array, Array, bool]] = registry.algebra["two_sided_terms"](self)
        return listed

    def __repr__(self) -> str:
        return f"<{self.shape[0]}×{self.shape[1]} {self._name()} {self.dtype}: {self}>"

    def __str__(self) -> str:
        return registry.display["text"](self)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {registry.display['latex'](self)}$"

    def spy(self, ax: Any = None) -> Any:
        """Draw where the matrix has entries, the larger the darker, without forming it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
            Lines divide the blocks that belong to one column of a matrix argument or result.

        Raises
        ------
        ImportError
            When matplotlib is not installed.

        Notes
        -----
        Up to 1600 rows are looked at, and of larger operators as many columns, in blocks of 32 MB;
        each pixel shows the largest entry found in its cell.
        """
        return registry.drawing["spy"](self, ax)

    # --- NumPy's protocols (see _protocols.py) -------------------------------------------------

    __array_ufunc__ = array_ufunc
    __array_function__ = array_function


def _rebuild(cls: type[LinearOperator], slots: dict[str, Any]) -> LinearOperator:
    op = object.__new__(cls)
    LinearOperator.__init__(op, slots.pop("in_shape"), slots.pop("out_shape"), slots.pop("dtype"))
    for name, value in slots.items():
        object.__setattr__(op, name, value)
    return op


def _is_array_like(x: object) -> bool:
    return isinstance(x, (np.ndarray, np.generic, list, tuple)) or hasattr(x, "__array__")


def _binary(name: str, binary: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    if not (is_operand(a) and is_operand(b)):
        return NotImplemented
    result = apply_elsewhere(binary, a, b)
    return registry.algebra[name](a, b) if result is NotImplemented else result


def _axes(axis: Any) -> tuple[int, ...]:
    """The axes of a matrix that a reduction runs over, checked as NumPy does."""
    if axis is None:
        return (0, 1)
    axes = axis if isinstance(axis, tuple) else (operator.index(axis),)
    return tuple(sorted(normalize_axis_tuple(axes, 2)))


def _require_order(order: object) -> None:
    if not isinstance(order, str) or order not in ("K", "A", "C", "F"):
        raise ValueError(f"order is {order!r}, but must be 'K', 'A', 'C' or 'F'")


def _swapped(axis1: Any, axis2: Any) -> bool:
    """Whether two axes of a matrix are named in the other order."""
    first, second = (normalize_axis_index(operator.index(k), 2) for k in (axis1, axis2))
    if first == second:
        raise ValueError(f"axes {axis1} and {axis2} of a matrix cannot be the same")
    return first == 1


def _stacked_product(op: LinearOperator, x: Array, out: Array | None) -> Array:
    """NumPy's matmul of a matrix with a stack (..., N, k): one product with all columns."""
    y = along_axis(lambda columns: op._product(columns, None), x, -2)
    if out is None:
        return y
    require_out("out", out, y.shape, y.dtype)[...] = y
    return out
