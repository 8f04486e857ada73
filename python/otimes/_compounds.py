"""Operators made of operators: sums, products, inverses, conjugates, Kronecker products."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ._check import Array, Scalar, Shape
from ._dtypes import inexact_dtype, real_dtype, sum_dtype
from ._layout import along_axis
from ._operator import LinearOperator
from ._terms import places_of


class Sum(LinearOperator):
    """Σ cᵢ Aᵢ for operators that have no common normal form."""

    __slots__ = ("addends",)

    addends: tuple[tuple[Scalar, LinearOperator], ...]

    def __init__(
        self, addends: Iterable[tuple[Scalar, LinearOperator]], in_shape: Shape, out_shape: Shape
    ) -> None:
        addends = tuple(addends)
        dtype = common_dtype(op for _, op in addends)
        super().__init__(in_shape, out_shape, scaled_dtype(dtype, addends))
        object.__setattr__(self, "addends", addends)

    def _matmat(self, x: Array) -> Array:
        if self._is_neutral():
            x = x.astype(self._result_dtype(x.dtype), copy=False)
        products = (c * op._matmat(x) if c != 1 else op._matmat(x) for c, op in self.addends)
        total = next(products)
        for y in products:
            total = total + y
        return total

    def _transpose(self) -> LinearOperator:
        addends = ((c, op.T) for c, op in self.addends)
        return Sum(addends, self.out_shape, self.in_shape)

    def _conj(self) -> LinearOperator:
        addends = ((c.conjugate(), op.conj()) for c, op in self.addends)
        return Sum(addends, self.in_shape, self.out_shape)

    def _rows(self, indices: Array) -> Array:
        rows = sum(c * op._rows(indices) for c, op in self.addends)
        return np.asarray(rows, self.dtype)

    def _result_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        dtypes = (op._result_dtype(dtype) for _, op in self.addends)
        dtype = scaled_dtype(np.result_type(*dtypes), self.addends)
        if not self._is_neutral():
            return dtype
        if dtype.kind == "u" and any(c.real < 0 for c, _ in self.addends):
            return np.result_type(dtype, np.int64)  # no unsigned number is negative
        return sum_dtype(dtype)

    def _is_neutral(self) -> bool:
        return all(op._is_neutral() for _, op in self.addends)

    def _work(self) -> float:
        return sum(op._work() for _, op in self.addends)


class Product(LinearOperator):
    """A₁ A₂ … A_k, applied from the right."""

    __slots__ = ("chain",)

    chain: tuple[LinearOperator, ...]

    def __init__(
        self, chain: tuple[LinearOperator, ...], in_shape: Shape, out_shape: Shape
    ) -> None:
        super().__init__(in_shape, out_shape, common_dtype(chain))
        object.__setattr__(self, "chain", chain)

    def _matmat(self, x: Array) -> Array:
        if not self._is_neutral():  # no link may compute in less than the product's precision
            x = x.astype(np.result_type(x.dtype, real_dtype(self.dtype)), copy=False)
        for op in reversed(self.chain):
            x = op._matmat(x)
        return x

    def _transpose(self) -> LinearOperator:
        chain = tuple(op.T for op in reversed(self.chain))
        return Product(chain, self.out_shape, self.in_shape)

    def _conj(self) -> LinearOperator:
        chain = tuple(op.conj() for op in self.chain)
        return Product(chain, self.in_shape, self.out_shape)

    def _rows(self, indices: Array) -> Array:
        rows = self.chain[0]._rows(indices)
        for op in self.chain[1:]:
            rows = op.T._matmat(rows.T).T
        return np.ascontiguousarray(rows, self.dtype)

    def _work(self) -> float:
        return sum(op._work() for op in self.chain)

    def _is_neutral(self) -> bool:
        return all(op._is_neutral() for op in self.chain)

    def _result_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        if not self._is_neutral():
            return np.result_type(self.dtype, dtype)
        for op in reversed(self.chain):
            dtype = op._result_dtype(dtype)
        return dtype


class Inverse(LinearOperator):
    """A⁻¹ of an operator without an explicit inverse: each product solves with kept factors."""

    __slots__ = ("operator", "trans")

    operator: LinearOperator
    trans: str

    def __init__(self, operator: LinearOperator, trans: str = "N") -> None:
        shapes = (operator.out_shape, operator.in_shape)
        in_shape, out_shape = shapes if trans == "N" else reversed(shapes)
        super().__init__(in_shape, out_shape, inexact_dtype(operator.dtype))
        object.__setattr__(self, "operator", operator)
        object.__setattr__(self, "trans", trans)

    def _matmat(self, x: Array) -> Array:
        solution: Array = self._factors().solve(x, self.trans)
        return solution

    def _factors(self) -> Any:
        """The decompositions of the operator, kept with it; `LinAlgError` when it is singular."""
        cache = self.operator._cache
        if "factors" not in cache:
            cache["factors"] = self.operator.factorize()
        return cache["factors"]

    def _transpose(self) -> LinearOperator:
        return Inverse(self.operator, {"N": "T", "T": "N"}[self.trans])

    def _work(self) -> float:
        return 4 * self.operator._work()


class Conjugate(LinearOperator):
    """The complex conjugate of an operator that does not know its own."""

    __slots__ = ("operator",)

    operator: LinearOperator

    def __init__(self, operator: LinearOperator) -> None:
        super().__init__(operator.in_shape, operator.out_shape, operator.dtype)
        object.__setattr__(self, "operator", operator)

    def _matmat(self, x: Array) -> Array:
        return self.operator._matmat(x.conj()).conj()

    def _transpose(self) -> LinearOperator:
        return Conjugate(self.operator.T)

    def _conj(self) -> LinearOperator:
        return self.operator

    def _rows(self, indices: Array) -> Array:
        return self.operator._rows(indices).conj()

    def _entries(self, rows: Array, cols: Array) -> Array:
        return self.operator._entries(rows, cols).conj()

    def _work(self) -> float:
        return self.operator._work()


class RealPart(LinearOperator):
    """Re A of a complex operator: Re A x = Re(A x) for real x."""

    __slots__ = ("operator",)

    operator: LinearOperator

    def __init__(self, operator: LinearOperator) -> None:
        super().__init__(operator.in_shape, operator.out_shape, real_dtype(operator.dtype))
        object.__setattr__(self, "operator", operator)

    def _matmat(self, x: Array) -> Array:
        if x.dtype.kind != "c":
            return self.operator._matmat(x).real
        k = x.shape[1]
        y = self.operator._matmat(np.hstack([x.real, x.imag])).real
        return np.asarray(y[:, :k] + 1j * y[:, k:])

    def _transpose(self) -> LinearOperator:
        return RealPart(self.operator.T)

    def _rows(self, indices: Array) -> Array:
        return np.ascontiguousarray(self.operator._rows(indices).real)

    def _entries(self, rows: Array, cols: Array) -> Array:
        return self.operator._entries(rows, cols).real

    def _work(self) -> float:
        return 2 * self.operator._work()


class Cast(LinearOperator):
    """An operator whose numbers count as those of another dtype."""

    __slots__ = ("operator",)

    operator: LinearOperator

    def __init__(self, operator: LinearOperator, dtype: np.dtype[Any]) -> None:
        super().__init__(operator.in_shape, operator.out_shape, dtype)
        object.__setattr__(self, "operator", operator)

    def _matmat(self, x: Array) -> Array:
        return self.operator._matmat(x)

    def _transpose(self) -> LinearOperator:
        return Cast(self.operator.T, self.dtype)

    def _conj(self) -> LinearOperator:
        return Cast(self.operator.conj(), self.dtype)

    def _rows(self, indices: Array) -> Array:
        return self.operator._rows(indices).astype(self.dtype)

    def _entries(self, rows: Array, cols: Array) -> Array:
        return self.operator._entries(rows, cols).astype(self.dtype)

    def _work(self) -> float:
        return self.operator._work()


class OperatorKronecker(LinearOperator):
    """A₁⊗…⊗A_N of operators, flat: each is applied along its own mode."""

    __slots__ = ("operators",)

    operators: tuple[LinearOperator, ...]

    def __init__(self, operators: tuple[LinearOperator, ...]) -> None:
        rows = math.prod(op.shape[0] for op in operators)
        cols = math.prod(op.shape[1] for op in operators)
        super().__init__((cols,), (rows,), common_dtype(operators))
        object.__setattr__(self, "operators", operators)

    def _matmat(self, x: Array) -> Array:
        columns = x.shape[1]
        modes = x.reshape(*(op.shape[1] for op in self.operators), columns)
        for axis, op in enumerate(self.operators):
            modes = along_axis(op._matmat, modes, axis)
        return modes.reshape(self.shape[0], columns)

    def _transpose(self) -> LinearOperator:
        return OperatorKronecker(tuple(op.T for op in self.operators))

    def _conj(self) -> LinearOperator:
        return OperatorKronecker(tuple(op.conj() for op in self.operators))

    def _rows(self, indices: Array) -> Array:
        rows = np.ones((len(indices), 1), self.dtype)
        places = places_of(indices, [op.shape[0] for op in self.operators])
        for op, place in zip(self.operators, places, strict=True):
            mine = op._rows(place.astype(np.intp, copy=False)).astype(self.dtype, copy=False)
            width = rows.shape[1] * op.shape[1]
            rows = (rows[:, :, None] * mine[:, None, :]).reshape(len(indices), width)
        return rows

    def _entries(self, rows: Array, cols: Array) -> Array:
        values = np.ones(rows.shape, self.dtype)
        row_places = places_of(rows, [op.shape[0] for op in self.operators])
        col_places = places_of(cols, [op.shape[1] for op in self.operators])
        for op, i, j in zip(self.operators, row_places, col_places, strict=True):
            mine = op._entries(i.astype(np.intp, copy=False), j.astype(np.intp, copy=False))
            values = values * mine.astype(self.dtype, copy=False)
        return values

    def _is_neutral(self) -> bool:
        return all(op._is_neutral() for op in self.operators)

    def _result_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        if not self._is_neutral():
            return np.result_type(self.dtype, dtype)
        for op in self.operators:
            dtype = op._result_dtype(dtype)
        return dtype

    def _work(self) -> float:
        columns, work = math.prod(op.shape[1] for op in self.operators), 0.0
        for op in self.operators:  # in the order of _matmat
            columns //= max(op.shape[1], 1)
            work += columns * op._work()
            columns *= op.shape[0]
        return work


def common_dtype(operators: Iterable[LinearOperator]) -> np.dtype[Any]:
    """The dtype of a compound: operators that only move entries do not count."""
    operators = tuple(operators)
    dtypes = [op.dtype for op in operators if not op._is_neutral()]
    if not dtypes:
        return np.result_type(np.float64, *(op.dtype for op in operators))
    dtype = np.result_type(*dtypes)
    for op in operators:
        if op._is_neutral():  # averages turn integers into floats, for instance
            dtype = op._result_dtype(dtype)
    return dtype


def scaled_dtype(
    dtype: np.dtype[Any], addends: Iterable[tuple[Scalar, LinearOperator]]
) -> np.dtype[Any]:
    return np.result_type(dtype, *{c for c, _ in addends if type(c) is not int})
