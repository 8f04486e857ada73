"""Decompositions of operators: made once, then solved with for any number of right-hand sides."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from ._check import Array, Scalar, Shape, as_inexact, require_finite
from ._compounds import Inverse, Product
from ._dtypes import inexact_dtype, real_dtype
from ._equation import Equation, EquationFactor
from ._factor import Factor
from ._layout import from_columns, to_columns
from ._operator import LinearOperator
from ._real_linear import complex_columns, real_columns
from ._registry import registry
from ._structures import Diagonal, Selection
from ._terms import Term, flat_operator

Trans = Literal["N", "T", "H"]


class Factorization(ABC):
    """The decompositions of an operator, for any number of right-hand sides."""

    def solve(self, rhs: ArrayLike, trans: Trans = "N") -> Array:
        """The x with A x = rhs, Aᵀ x = rhs or Aᴴ x = rhs, for rhs (M,) or (M, k)."""
        if type(rhs) is not np.ndarray:
            foreign = registry.elsewhere(Factorization.solve, (self, rhs, trans), {})
            if foreign is not NotImplemented:
                return cast("Array", foreign)
        return self._solve(rhs, trans)

    @abstractmethod
    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        """`solve` for an array of NumPy's."""

    @abstractmethod
    def rcond(self) -> float:
        """σ_min(A)/σ_max(A), estimated."""


def as_columns(rhs: ArrayLike, size: int) -> tuple[Array, Shape]:
    """A right-hand side as columns (M, k), and the shape to give back."""
    b = as_inexact("rhs", rhs)
    if b.ndim not in (1, 2) or b.shape[0] != size:
        raise ValueError(f"rhs has shape {b.shape}, but must be ({size},) or ({size}, k)")
    return b.reshape(size, b.shape[1] if b.ndim == 2 else 1), b.shape


class KroneckerFactorization(Factorization):
    """c (F₁⊗…⊗F_N) P with square factors: an LU factorization of each."""

    def __init__(self, term: Term, dtype: np.dtype[Any]) -> None:
        self.term = term
        self.dtype = inexact_dtype(dtype)
        self._factors: dict[str, _core.KronLU] = {}

    def _factor(self, dtype: np.dtype[Any]) -> _core.KronLU:
        if dtype.char not in self._factors:
            real = self.dtype.kind != "c" and not np.iscomplexobj(self.term.coefficient)
            arrays = [f.dense(self.dtype) for f in self.term.factors]
            for array in arrays:
                require_finite("the operator", array)
            packed = [np.ascontiguousarray(a.real if real else a, dtype) for a in arrays]
            self._factors[dtype.char] = _core.KronLU(dtype.char, packed)
        return self._factors[dtype.char]

    def __reduce__(self) -> tuple[Any, ...]:
        return KroneckerFactorization, (self.term, self.dtype)

    def rcond(self) -> float:
        return self._factor(self.dtype).rcond if self.term.coefficient else 0.0

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        b, shape = as_columns(rhs, self.term.rows)
        dtype = np.result_type(self.dtype, b.dtype)
        permutation = as_permutation(self.term)
        if permutation is not None and trans != "N":
            b = permutation @ b
        x = np.array(b, dtype, order="C")[None]
        if dtype.kind == "c" and self.dtype.kind != "c":  # real factors: two real columns each
            real = real_dtype(dtype)
            self._factor(real).solve(trans, x.view(real))
        else:
            self._factor(dtype).solve(trans, x)
        c = np.conj(self.term.coefficient) if trans == "H" else self.term.coefficient
        with np.errstate(divide="ignore", invalid="ignore"):  # c = 0: rcond has told
            y = x[0] if c == 1 else (x[0] / c).astype(dtype, copy=False)
        if permutation is not None and trans == "N":
            y = permutation.T @ y
        return np.asarray(y.reshape(shape))


def as_permutation(term: Term) -> LinearOperator | None:
    """The P of c (F₁⊗…⊗F_N) P, or None where it is the identity."""
    if not term.is_permuted:
        return None
    eyes = tuple(Factor(None, f.cols) for f in term.factors)
    return flat_operator(Term(1, eyes, term.order))


class MatrixEquation(NamedTuple):
    """An operator as c times the left-hand side of a matrix equation in X, with x = Pᵀ vec(X)."""

    equation: Equation
    coefficients: tuple[Array, ...]
    permutation: LinearOperator | None = None
    multiple: Scalar = 1

    def decompose(self) -> EquationFactorization:
        for matrix in self.coefficients:
            require_finite("the operator", matrix)
        factor = EquationFactor(self.equation, self.coefficients)
        return EquationFactorization(factor, self.permutation, self.multiple)


class EquationFactorization(Factorization):
    """c M P x = vec(B) by the decompositions of the equation whose matrix is M."""

    def __init__(
        self,
        equation: EquationFactor,
        permutation: LinearOperator | None = None,
        multiple: Scalar = 1,
    ) -> None:
        self.equation = equation
        self.permutation = permutation
        self.multiple = multiple

    def rcond(self) -> float:
        return self.equation.rcond()

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        m, n = self.equation.shape
        b, shape = as_columns(rhs, m * n)
        p = self.permutation
        if p is not None and trans != "N":
            b = p @ b
        x = to_columns(self.equation.solve(from_columns(b, (m, n)), trans))
        if p is not None and trans == "N":
            x = p.T @ x
        if self.multiple != 1:
            c = np.conj(self.multiple) if trans == "H" else self.multiple
            x = (x / c).astype(x.dtype, copy=False)
        return np.ascontiguousarray(x).reshape(shape)


class BatchFactorization(Factorization):
    """The equations of a batch, decomposed one by one: the unknown is X (*batch, m, n)."""

    def __init__(self, equation: Equation, matrices: tuple[Array, ...], shape: Shape) -> None:
        self.shape = shape
        lead = np.broadcast_shapes(*(a.shape[:-2] for a in matrices))
        dtype = np.result_type(*matrices)
        stacks = [np.broadcast_to(a, lead + a.shape[-2:]) for a in matrices]
        self._factors = [
            (
                _places(index, lead, len(shape) - 2),
                EquationFactor(equation, tuple(np.array(a[index], dtype) for a in stacks)),
            )
            for index in np.ndindex(lead)
        ]

    def rcond(self) -> float:
        return min((factor.rcond() for _, factor in self._factors), default=1.0)

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        b, shape = as_columns(rhs, math.prod(self.shape))
        q = from_columns(b, self.shape)
        parts = [(at, factor.solve(q[at], trans)) for at, factor in self._factors]
        x = np.zeros(q.shape, np.result_type(q, *(part for _, part in parts)))
        for at, part in parts:
            x[at] = part
        return np.ascontiguousarray(to_columns(x)).reshape(shape)


def _places(index: Shape, lead: Shape, axes: int) -> tuple[int | slice, ...]:
    """Where (k, *batch, m, n) holds the right-hand sides of one equation: axes broadcast."""
    all_of_them = (slice(None),) * (1 + axes - len(lead))
    return *all_of_them, *(slice(None) if n == 1 else i for i, n in zip(index, lead, strict=True))


class DiagonalFactorization(Factorization):
    """diag(d)."""

    def __init__(self, op: Diagonal) -> None:
        require_finite("the operator", op.entries)
        self.entries = op.entries

    def rcond(self) -> float:
        sizes = np.abs(self.entries)
        if sizes.size == 0:
            return 1.0
        return float(sizes.min() / sizes.max()) if sizes.max() else 0.0

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        b, shape = as_columns(rhs, len(self.entries))
        d = self.entries.conj() if trans == "H" else self.entries
        tiny = np.finfo(inexact_dtype(d.dtype)).eps * np.abs(d).max(initial=0)
        divisor = np.where(d == 0, tiny or 1, d)  # as LU treats a zero pivot, which rcond reports
        return np.asarray(b / divisor[:, None]).reshape(shape)


class PermutationFactorization(Factorization):
    """P with P⁻¹ = Pᵀ."""

    def __init__(self, op: Selection) -> None:
        self.operator = op

    def rcond(self) -> float:
        return 1.0

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        product: Array = (self.operator.T if trans == "N" else self.operator) @ as_inexact(
            "rhs", rhs
        )
        return product


class ChainFactorization(Factorization):
    """A₁ A₂ … A_k of square operators: each solved with in turn."""

    def __init__(self, op: Product) -> None:
        self.parts: list[Factorization] = [registry.solving["decompose"](a) for a in op.chain]

    def rcond(self) -> float:
        return math.prod(part.rcond() for part in self.parts)

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        x = as_inexact("rhs", rhs)
        for part in self.parts if trans == "N" else reversed(self.parts):
            x = part.solve(x, trans)
        return x


class InverseFactorization(Factorization):
    """A⁻¹: solving is multiplying by A."""

    def __init__(self, op: Inverse) -> None:
        self.operator = op.operator if op.trans == "N" else op.operator.T

    def rcond(self) -> float:
        rcond: float = registry.solving["decompose"](self.operator).rcond()
        return rcond

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        view = {"N": self.operator, "T": self.operator.T, "H": self.operator.H}[trans]
        product: Array = view @ as_inexact("rhs", rhs)
        return product


class RealLinearFactorization(Factorization):
    """The decompositions of an equation in complex X, or in X̄, for columns [vec Re; vec Im]."""

    def __init__(self, factors: Factorization, conjugates: bool = False) -> None:
        self.factors = factors
        self.conjugates = conjugates  # they solve for X̄

    def rcond(self) -> float:
        return self.factors.rcond()

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        """X; with trans that of the transpose over the reals, the adjoint in complex numbers."""
        b = np.asarray(rhs)
        if b.dtype.kind == "c":
            return np.asarray(self.solve(b.real, trans) + 1j * self.solve(b.imag, trans))
        q = complex_columns(b)
        if trans != "N":
            return real_columns(self.factors.solve(q.conj() if self.conjugates else q, "H"))
        x = self.factors.solve(q)
        return real_columns(x.conj() if self.conjugates else x)
