"""The abstract operator, and the registries that lower modules own and higher ones fill."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import ArrayLike, DTypeLike

from ._check import (
    Array,
    as_array,
    require_dense,
    require_out,
    supported_dtype,
    warn_dense,
)
from ._indexing import getitem

Shape = tuple[int, ...]
Scalar = int | float | complex


@dataclass
class Registry:
    """What `LinearOperator` needs from modules above it; each fills its entry at import."""

    #: Binary and unary operations of the algebra by name ("add", "multiply", "scale", ...).
    algebra: dict[str, Callable[..., Any]] = field(default_factory=dict)
    #: Equation solving: "solve_operator", "factorize", and "decompose", which does not judge.
    solving: dict[str, Callable[..., Any]] = field(default_factory=dict)
    #: Text and LaTeX of an operator: "text", "latex".
    display: dict[str, Callable[..., str]] = field(default_factory=dict)
    #: NumPy functions and ufuncs with a structured version.
    functions: dict[Any, Callable[..., Any]] = field(default_factory=dict)
    #: NumPy functions that write to their first argument.
    writers: set[Any] = field(default_factory=set)


registry = Registry()


def is_scalar(x: object) -> bool:
    """Whether `x` is a number, or an array of no dimensions that holds one."""
    if isinstance(x, np.ndarray):
        return x.ndim == 0 and x.dtype.kind in "biufc"
    return isinstance(x, (int, float, complex, np.number, np.bool_))


class LinearOperator:
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
        return self._product(as_array("x", other), None)

    def __rmatmul__(self, other: ArrayLike) -> Array:
        if not _is_array_like(other):
            return NotImplemented
        x = as_array("x", other)
        if x.ndim == 0 or x.shape[-1] != self.shape[0]:
            raise ValueError(
                f"x @ {self._name()}: x has shape {x.shape}, but the operator has shape "
                f"{self.shape}, so x needs {self.shape[0]} columns"
            )
        flat = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        y = self.T._product(flat.T, None).T
        return y.reshape(*x.shape[:-1], self.shape[1])

    def _name(self) -> str:
        return type(self).__name__

    def _product(self, x: Array, out: Array | None) -> Array:
        """`self @ x` for any array x, checked here and nowhere below."""
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            if x.ndim > 2 and x.shape[-2] == self.shape[1]:
                return _stacked_product(self, x, out)
            raise ValueError(
                f"{self._name()} @ x: x has shape {x.shape}, but the operator has shape "
                f"{self.shape}, so x needs shape ({self.shape[1]},) or ({self.shape[1]}, k)"
            )
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

    def matvec(self, x: ArrayLike, *, out: Array | None = None) -> Array:
        """A x for a vector x (N,) or (N, 1)."""
        v = as_array("x", x)
        if v.shape not in ((self.shape[1],), (self.shape[1], 1)):
            raise ValueError(
                f"matvec: x has shape {v.shape}, but must be ({self.shape[1]},) or "
                f"({self.shape[1]}, 1)"
            )
        return self._product(v, out)

    def matmat(self, x: ArrayLike, *, out: Array | None = None) -> Array:
        """A X for a block of columns X (N, k)."""
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

    def dot(self, other: Any) -> Any:
        """``self @ other``, or the scaled operator for a scalar, as `numpy.dot`."""
        if is_scalar(other):
            return self * np.asarray(other)[()]  # a Python number counts as float64 or int64 here
        product = self @ other
        # numpy.dot puts the rows of the matrix before the stack's axes, matmul behind them
        return np.moveaxis(product, -2, 0) if product.ndim > 2 else product

    def __call__(self, x: ArrayLike) -> Array:
        """The image, of shape `out_shape`, of an array of shape `in_shape`."""
        a = as_array("x", x)
        if a.shape != self.in_shape:
            raise ValueError(
                f"{self._name()}(x): x has shape {a.shape}, but the operator maps arrays of shape "
                f"{self.in_shape} to arrays of shape {self.out_shape}"
            )
        y = self @ a.reshape(-1, order="F")
        return y.reshape(self.out_shape, order="F")

    # --- the algebra (closed: see _algebra.py) -----------------------------------------------

    def __add__(self, other: Any) -> Any:
        return _binary("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return _binary("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return _binary("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return _binary("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return _binary("elementwise", self, other)

    def __rmul__(self, other: Any) -> Any:
        return _binary("elementwise", other, self)

    def __truediv__(self, other: Any) -> Any:
        return _binary("divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _binary("divide", other, self)

    def __pow__(self, other: Any) -> Any:
        return _binary("elementwise_power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return _binary("elementwise_power", other, self)

    def __neg__(self) -> LinearOperator:
        negated: LinearOperator = registry.algebra["negative"](self)
        return negated

    def __pos__(self) -> Self:
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

    def transpose(self) -> LinearOperator:
        """The transpose."""
        return self.T

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
        on_singular: Literal["raise", "warn"] = "raise",
        method: str = "auto",
    ) -> Array:
        """The x with A x = b, by the structure of A.

        Parameters
        ----------
        b : array_like, shape (M,) or (M, k), or of `out_shape` where that is a matrix' shape
        on_singular : {"raise", "warn"}
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

    def factorize(self, *, on_singular: Literal["raise", "warn"] = "raise") -> Any:
        """The decompositions of A, kept for any number of right-hand sides.

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

    def __bool__(self) -> bool:
        if self.size == 1:
            return bool(self.toarray())
        raise ValueError("the truth value of an operator is ambiguous; use .any() on its array")

    def toarray(self, dtype: DTypeLike | None = None) -> Array:
        """The dense matrix, a new C-ordered array; `MemoryError` when it would not fit."""
        wanted = self.dtype if dtype is None else supported_dtype("dtype", np.dtype(dtype))
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
        return self.toarray(dtype)

    def __getitem__(self, key: Any) -> Any:
        return getitem(self, key)

    def __setitem__(self, key: object, value: object) -> None:
        raise TypeError("operators are immutable; take op.toarray() to change entries")

    def diagonal(self) -> Array:
        """The diagonal, as an array."""
        n = np.arange(min(self.shape), dtype=np.intp)
        return self._entries(n, n)

    def trace(self) -> Any:
        """The sum of the diagonal."""
        return self.diagonal().sum()

    def sum(self, axis: int | tuple[int, ...] | None = None) -> Any:
        """The sum of all entries, or along an axis."""
        axes = _axes(axis)
        dtype = np.ones(0, self.dtype).sum().dtype  # small integers are added as large ones
        if axes == ():
            return self.toarray(dtype)
        if axes == (0,):
            return self.T @ np.ones(self.shape[0], dtype)
        rows = self @ np.ones(self.shape[1], dtype)
        return rows if axes == (1,) else rows.sum()

    def mean(self, axis: int | tuple[int, ...] | None = None) -> Any:
        """The mean of all entries, or along an axis."""
        count = math.prod(self.shape[k] for k in _axes(axis))
        return np.true_divide(self.sum(axis), count)

    def astype(self, dtype: DTypeLike) -> LinearOperator:
        """The operator in another dtype."""
        wanted = supported_dtype("dtype", np.dtype(dtype))
        converted: LinearOperator = registry.algebra["astype"](self, wanted)
        return converted

    def copy(self) -> Self:
        """The operator itself: it is immutable."""
        return self

    def reshape(self, *shape: Any, order: Literal["C", "F"] = "C") -> Array:
        """The dense array in another shape."""
        return self.toarray().reshape(*shape, order=order)

    def ravel(self, order: Literal["C", "F"] = "C") -> Array:
        """The dense array, flattened."""
        return self.toarray().ravel(order)

    def __eq__(self, other: object) -> Any:
        return self.toarray() == _dense(other)

    def __ne__(self, other: object) -> Any:
        return self.toarray() != _dense(other)

    def __lt__(self, other: Any) -> Any:
        return np.less(self, other)

    def __le__(self, other: Any) -> Any:
        return np.less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return np.greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return np.greater_equal(self, other)

    def __abs__(self) -> Any:
        return np.absolute(self)

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

    # --- NumPy's protocols (see _numpy.py) -----------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "at" or _has_operator(kwargs.get("out")):
            raise TypeError(f"numpy.{ufunc.__name__} cannot write to an operator: it is immutable")
        rule = registry.functions.get(ufunc) if method == "__call__" else None
        if rule is not None and _takes(rule, args, kwargs):
            result = rule(*args, **kwargs)
            if result is not NotImplemented:
                return result
        warn_dense(f"numpy.{ufunc.__name__}")
        return getattr(ufunc, method)(*map(_dense, args), **kwargs)

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        target = args[:1] or tuple(kwargs.get(name) for name in ("dst", "a", "arr"))
        if (func in registry.writers and _has_operator(target)) or _has_operator(kwargs.get("out")):
            raise TypeError(f"numpy.{func.__name__} cannot write to an operator: it is immutable")
        rule = registry.functions.get(func)
        if rule is not None and _takes(rule, args, kwargs):
            result = rule(*args, **kwargs)
            if result is not NotImplemented:
                return result
        warn_dense(f"{func.__module__}.{func.__name__}")
        return func(*_dense_tree(args), **_dense_tree(kwargs))


def _rebuild(cls: type[LinearOperator], slots: dict[str, Any]) -> LinearOperator:
    op = object.__new__(cls)
    LinearOperator.__init__(op, slots.pop("in_shape"), slots.pop("out_shape"), slots.pop("dtype"))
    for name, value in slots.items():
        object.__setattr__(op, name, value)
    return op


def _is_array_like(x: object) -> bool:
    return isinstance(x, (np.ndarray, np.generic, list, tuple)) or hasattr(x, "__array__")


def _binary(name: str, a: Any, b: Any) -> Any:
    if not all(isinstance(x, LinearOperator) or is_scalar(x) or _is_array_like(x) for x in (a, b)):
        return NotImplemented
    return registry.algebra[name](a, b)


def _has_operator(out: object) -> bool:
    return any(isinstance(x, LinearOperator) for x in (out if isinstance(out, tuple) else (out,)))


_signature = functools.cache(inspect.signature)


def _takes(rule: Callable[..., Any], args: Any, kwargs: Any) -> bool:
    """Whether a structured version knows these arguments of its NumPy function."""
    try:
        _signature(rule).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _axes(axis: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """The axes of a matrix that a reduction runs over, checked as NumPy does."""
    return (0, 1) if axis is None else tuple(sorted(normalize_axis_tuple(axis, 2)))


def _stacked_product(op: LinearOperator, x: Array, out: Array | None) -> Array:
    """NumPy's matmul of a matrix with a stack (..., N, k): one product with all columns."""
    columns = np.moveaxis(x, -2, 0)
    y = op._product(columns.reshape(op.shape[1], math.prod(columns.shape[1:])), None)
    y = np.moveaxis(y.reshape(op.shape[0], *columns.shape[1:]), 0, -2)
    if out is None:
        return y
    require_out("out", out, y.shape, y.dtype)[...] = y
    return out


def _dense(x: Any) -> Any:
    return x.toarray() if isinstance(x, LinearOperator) else x


def _dense_tree(x: Any) -> Any:
    """`x` with every operator in nested lists, tuples and dicts made dense."""
    if isinstance(x, (list, tuple)):
        return type(x)(_dense_tree(item) for item in x)
    if isinstance(x, dict):
        return {key: _dense_tree(value) for key, value in x.items()}
    return _dense(x)
