"""What an operator has of an ndarray without a structure of its own: NumPy's, on the dense array.

The dense array is read-only here: a view of it is not a view of the operator, and whoever writes to
it is told so instead of writing to a copy in vain.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ._check import Array, is_foreign_array, warn_dense

Method = Callable[..., Any]


def frozen(x: Any) -> Any:
    """The dense array of an operator, read-only; anything else as it is."""
    if not isinstance(x, ArrayMethods):
        return x
    array = x.toarray()
    array.setflags(write=False)
    return array


def is_operand(x: object) -> bool:
    """Whether NumPy would take `x` for numbers, so that a binary operation is ours to answer."""
    numbers = (ArrayMethods, np.ndarray, np.generic, int, float, complex, list, tuple)
    return isinstance(x, numbers) or hasattr(x, "__array__")


def _reads(name: str, *, warn: bool = True, own: bool = False) -> Method:
    """The method of ndarray, on the dense array; on a writable one where the flags are kept."""
    method = getattr(np.ndarray, name)

    def call(self: ArrayMethods, *args: Any, **kwargs: Any) -> Any:
        if warn:
            warn_dense(f"ndarray.{name}")
        return method(self.toarray() if own else frozen(self), *args, **kwargs)

    return _named(call, name, f"`numpy.ndarray.{name}` of the dense array.")


def _writes(name: str) -> Method:
    """A method of ndarray that changes the array."""

    def refuse(self: ArrayMethods, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("operators are immutable; take op.toarray() to change entries")

    return _named(refuse, name, "Raise `TypeError`: operators are immutable.")


def _named(method: Method, name: str, doc: str) -> Method:
    method.__name__, method.__qualname__, method.__doc__ = name, f"LinearOperator.{name}", doc
    return method


def _unary(ufunc: np.ufunc) -> Method:
    return lambda self: ufunc(self)


def _from_both_sides(ufunc: np.ufunc) -> tuple[Method, Method]:
    """``op ∘ x`` and ``x ∘ op``."""

    def binary(self: ArrayMethods, other: Any) -> Any:
        return ufunc(self, other) if is_operand(other) else NotImplemented

    def reflected(self: ArrayMethods, other: Any) -> Any:
        return ufunc(other, self) if is_operand(other) else NotImplemented

    return binary, reflected


def _updates(binary: Callable[[Any, Any], Any]) -> Method:
    """``op ∘= x``: a new operator for the name, of the shape and dtype that NumPy's would keep."""

    def update(self: ArrayMethods, other: Any) -> Any:
        if not is_operand(other):
            return NotImplemented
        # what is written in place has the operator's class, and entries meet entries
        result = binary(self, np.asarray(other) if is_foreign_array(other) else other)
        if result.shape != self.shape:
            raise ValueError(
                f"the result has shape {result.shape}, but the operator that it would replace "
                f"has shape {self.shape}"
            )
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise TypeError(
                f"the result has dtype {result.dtype}, which cannot be cast to the {self.dtype} "
                "of the operator that it would replace"
            )
        return result.astype(self.dtype, copy=False)

    return update


class ArrayMethods:
    """The methods and operations of an ndarray that know no structure."""

    __slots__ = ()

    shape: tuple[int, int]
    dtype: np.dtype[Any]

    def toarray(self, dtype: DTypeLike | None = None) -> Array:
        raise NotImplementedError

    # those that ask for the array, and say so
    flatten = _reads("flatten", warn=False)
    ravel = _reads("ravel", warn=False)
    reshape = _reads("reshape", warn=False)
    tobytes = _reads("tobytes", warn=False)
    tolist = _reads("tolist", warn=False)

    all = _reads("all")
    any = _reads("any")
    argmax = _reads("argmax")
    argmin = _reads("argmin")
    argpartition = _reads("argpartition")
    argsort = _reads("argsort")
    byteswap = _reads("byteswap")
    choose = _reads("choose")
    clip = _reads("clip")
    compress = _reads("compress")
    cumprod = _reads("cumprod")
    cumsum = _reads("cumsum")
    dump = _reads("dump", own=True)
    dumps = _reads("dumps", own=True)
    getfield = _reads("getfield")
    item = _reads("item")
    max = _reads("max")
    min = _reads("min")
    nonzero = _reads("nonzero")
    prod = _reads("prod")
    repeat = _reads("repeat")
    round = _reads("round")
    searchsorted = _reads("searchsorted")
    squeeze = _reads("squeeze")
    std = _reads("std")
    swapaxes = _reads("swapaxes")
    take = _reads("take")
    tofile = _reads("tofile")
    var = _reads("var")
    view = _reads("view")

    fill = _writes("fill")
    partition = _writes("partition")
    put = _writes("put")
    resize = _writes("resize")
    setfield = _writes("setfield")
    setflags = _writes("setflags")
    sort = _writes("sort")
    __setitem__ = _writes("__setitem__")
    __delitem__ = _writes("__delitem__")

    @property
    def flat(self) -> Any:
        """An iterator over the entries of the dense array."""
        warn_dense("ndarray.flat")
        return frozen(self).flat

    @property
    def itemsize(self) -> int:
        """The bytes of an entry."""
        return self.dtype.itemsize

    __lt__, __gt__ = _from_both_sides(np.less)
    __le__, __ge__ = _from_both_sides(np.less_equal)
    __and__, __rand__ = _from_both_sides(np.bitwise_and)
    __or__, __ror__ = _from_both_sides(np.bitwise_or)
    __xor__, __rxor__ = _from_both_sides(np.bitwise_xor)
    __lshift__, __rlshift__ = _from_both_sides(np.left_shift)
    __rshift__, __rrshift__ = _from_both_sides(np.right_shift)
    __mod__, __rmod__ = _from_both_sides(np.remainder)
    __floordiv__, __rfloordiv__ = _from_both_sides(np.floor_divide)
    __divmod__, __rdivmod__ = _from_both_sides(np.divmod)

    __iadd__ = _updates(operator.add)
    __isub__ = _updates(operator.sub)
    __imul__ = _updates(operator.mul)
    __itruediv__ = _updates(operator.truediv)
    __ifloordiv__ = _updates(operator.floordiv)
    __imod__ = _updates(operator.mod)
    __ipow__ = _updates(operator.pow)
    __imatmul__ = _updates(operator.matmul)
    __iand__ = _updates(operator.and_)
    __ior__ = _updates(operator.or_)
    __ixor__ = _updates(operator.xor)
    __ilshift__ = _updates(operator.lshift)
    __irshift__ = _updates(operator.rshift)

    __abs__ = _unary(np.absolute)
    __invert__ = _unary(np.invert)

    def __contains__(self, value: object) -> bool:
        return bool((frozen(self) == frozen(value)).any())

    def __bool__(self) -> bool:
        if self.shape != (1, 1):
            raise ValueError("the truth value of an operator is ambiguous; use op.any()")
        return bool(self.toarray())

    def __float__(self) -> float:
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __complex__(self) -> complex:
        return complex(self._number())

    def _number(self) -> Any:
        """The array of a 1 by 1 operator, of which NumPy decides whether it is a number."""
        if self.shape != (1, 1):
            raise TypeError(f"an operator of shape {self.shape} is not a number")
        return self.toarray()


def apply_elsewhere(binary: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """`binary` on the dense array where an operand is of a subclass of ndarray, such as np.matrix.

    `NotImplemented` where none is: such a class may give an operation another meaning.
    """
    if not (is_foreign_array(a) or is_foreign_array(b)):
        return NotImplemented
    warn_dense("an operation with a subclass of ndarray")
    return binary(frozen(a), frozen(b))
