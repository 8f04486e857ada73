"""What all matrix equations have in common: checks, conversions, solves, factorizations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from ._check import Array, as_inexact, require_broadcast, require_finite
from ._dtypes import real_dtype
from ._layout import as_exact
from ._registry import registry
from ._solve_info import OnSingular, Solved, SolveInfo, finish, judge_rcond, require_on_singular

Trans = Literal["N", "T", "H"]


@dataclass(frozen=True)
class Equation:
    """A matrix equation: what its arguments are called, how it reads, and when it is singular.

    Attributes
    ----------
    key : str
        Its name in the core's table.
    name : str
        The public function that solves it.
    arguments : tuple of str
        The names of the coefficients, in the order in which they are written.
    sides : str
        For each coefficient, whether it is (m, m), ``l``, or (n, n), ``r``; X is (m, n).
    rhs : str
        The name of the right-hand side.
    left : callable
        The left-hand side as NumPy code, ``left(*coefficients, X)``.
    singular : str
        What makes it singular.
    real_linear : bool
        Linear over the reals only, as X ↦ Xᴴ is.
    unknowns : int
        So many unknowns, and right-hand sides, are stacked below one another.
    """

    key: str
    name: str
    arguments: tuple[str, ...]
    sides: str
    rhs: str
    left: Callable[..., Any]
    singular: str
    real_linear: bool = False
    unknowns: int = 1
    core: _core.Equation = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "core", _core.Equation(self.key))
        EQUATIONS[self.key] = self

    def __reduce__(self) -> tuple[Callable[[str], Equation], tuple[str]]:
        return equation_of, (self.key,)

    def solve(
        self,
        coefficients: tuple[ArrayLike, ...],
        q: ArrayLike,
        check_finite: bool,
        on_singular: OnSingular,
        return_info: bool,
    ) -> Any:
        """X, or (X, SolveInfo)."""
        solved = self.core.solve(coefficients, q, check_finite)
        if solved is None:
            options = {
                "check_finite": check_finite,
                "on_singular": on_singular,
                "return_info": return_info,
            }
            foreign = registry.elsewhere(self, (*coefficients, q), options)
            if foreign is not NotImplemented:
                return foreign
            solved = self._solve_converted(coefficients, q, check_finite)
        if solved[1] and not return_info and on_singular in ("raise", "warn", "lstsq"):
            return solved[0]
        require_on_singular(self.name, on_singular)
        if on_singular == "lstsq":
            finish_least_squares = registry.solving["finish_least_squares"]
            return finish_least_squares(self, coefficients, q, solved, return_info)
        return finish(self.name, solved, on_singular, self.singular, return_info)

    # --- the slow path: conversions, and the wording of errors ---

    def _solve_converted(
        self, coefficients: tuple[ArrayLike, ...], q: ArrayLike, check_finite: bool
    ) -> Solved:
        """Convert what the core has declined and call it again, or say what is wrong."""
        matrices = self.matrices(self.name, coefficients)
        right = as_inexact(self.rhs, q)
        self.require_right_side(self.name, self.rhs, matrices, right)
        if check_finite:
            for argument, value in zip(
                (*self.arguments, self.rhs), (*matrices, right), strict=True
            ):
                require_finite(argument, value)
        dtype = np.result_type(*matrices, right)
        is_complex = self.real_linear or any(a.dtype.kind == "c" for a in matrices)
        sides = dtype if is_complex else real_dtype(dtype)
        exact = tuple(as_exact(a, sides) for a in matrices)
        solved = self.core.solve(exact, as_exact(right, dtype), False)
        assert solved is not None
        return solved

    def matrices(self, caller: str, coefficients: tuple[ArrayLike, ...]) -> tuple[Array, ...]:
        """The coefficients as arrays, square and of sizes that fit one another."""
        arrays = []
        first: dict[str, tuple[str, Array]] = {}
        for argument, side, value in zip(self.arguments, self.sides, coefficients, strict=True):
            a = as_inexact(argument, value)
            if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
                raise ValueError(
                    f"{caller}: {argument} has shape {a.shape}, but must be square: (n, n)"
                )
            other, b = first.setdefault(side, (argument, a))
            if a.shape[-1] != b.shape[-1]:
                raise ValueError(
                    f"{caller}: {argument} has shape {a.shape}, but {other} is {b.shape}, "
                    f"so {argument} must be {b.shape[-2:]}"
                )
            arrays.append(a)
        return tuple(arrays)

    def shape_of(self, matrices: tuple[Array, ...]) -> tuple[int, int]:
        """(m, n), the shape of one X."""
        sizes = {side: a.shape[-1] for side, a in zip(self.sides, matrices, strict=True)}
        return sizes["l"], sizes.get("r", sizes["l"])

    def require_right_side(
        self,
        caller: str,
        argument: str,
        matrices: tuple[Array, ...],
        q: Array,
        unknowns: int | None = None,
    ) -> None:
        """Raise unless q is (..., m, n), or so many of these stacked, and all batches broadcast."""
        m, n = self.shape_of(matrices)
        shape = ((self.unknowns if unknowns is None else unknowns) * m, n)
        named = dict(zip(self.arguments, matrices, strict=True))
        if q.shape[-2:] != shape:
            given = " and ".join(f"{name} is {a.shape}" for name, a in named.items())
            raise ValueError(
                f"{caller}: {argument} has shape {q.shape}, but {given}, so {argument} must be "
                f"{shape}"
            )
        require_broadcast(caller, {**named, argument: q})

    # --- decompositions ---

    def factor(
        self,
        caller: str,
        coefficients: tuple[ArrayLike, ...],
        check_finite: bool,
        on_singular: OnSingular,
    ) -> EquationFactor:
        """Decompose the equation after its arguments, and judge its condition."""
        require_regular(caller, on_singular)
        matrices = self.matrices(caller, coefficients)
        for argument, value in zip(self.arguments, matrices, strict=True):
            if value.ndim != 2:
                raise ValueError(
                    f"{caller}: {argument} has shape {value.shape}, but must be one matrix: (n, n)"
                )
            if check_finite:
                require_finite(argument, value)
        dtype = np.result_type(*matrices)
        factor = EquationFactor(self, tuple(np.array(a, dtype) for a in matrices))
        eps = float(np.finfo(dtype).eps)
        judge_rcond(
            caller, factor.rcond(), eps, on_singular, self.singular, has_least_squares=False
        )
        return factor


def require_regular(caller: str, on_singular: str) -> None:
    """Raise for what a decomposition cannot do about a singular equation."""
    if on_singular == "lstsq":
        raise ValueError(
            f'{caller}: on_singular is "lstsq", but a decomposition has no least-squares '
            'solution: op.factorize(on_singular="lstsq") has'
        )
    require_on_singular(caller, on_singular)


#: Every equation, by its key.
EQUATIONS: dict[str, Equation] = {}


def equation_of(key: str) -> Equation:
    return EQUATIONS[key]


class EquationFactor:
    """A matrix equation, decomposed: for any number of right-hand sides.

    Attributes
    ----------
    shape : tuple of int
        (m, n), the shape of X and of every right-hand side.
    dtype : dtype
        The dtype of the decompositions.
    """

    __slots__ = ("_core", "_equation", "_matrices", "_wider")

    def __init__(self, equation: Equation, matrices: tuple[Array, ...]) -> None:
        self._equation, self._matrices = equation, matrices
        factor = equation.core.factor(matrices)
        assert factor is not None
        self._core = factor
        self._wider: EquationFactor | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n), the shape of X and of every right-hand side."""
        m, n = self._equation.shape_of(self._matrices)
        return self._equation.unknowns * m, n

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the decompositions."""
        return self._matrices[0].dtype

    def rcond(self) -> float:
        """σ_min(M)/σ_max(M) of the equation's matrix M, right within a factor of 10."""
        return self._core.rcond()

    @overload
    def solve(
        self,
        rhs: ArrayLike,
        trans: Trans = ...,
        *,
        check_finite: bool = ...,
        return_info: Literal[False] = ...,
    ) -> Array: ...
    @overload
    def solve(
        self,
        rhs: ArrayLike,
        trans: Trans = ...,
        *,
        check_finite: bool = ...,
        return_info: Literal[True],
    ) -> tuple[Array, SolveInfo]: ...
    def solve(
        self,
        rhs: ArrayLike,
        trans: Trans = "N",
        *,
        check_finite: bool = True,
        return_info: bool = False,
    ) -> Any:
        """Solve the equation for X; with ``trans="T"`` or ``"H"`` that of Mᵀ or Mᴴ.

        M is the equation's matrix in vec coordinates: for A X + X B = rhs they are
        Aᵀ X + X Bᵀ = rhs and Aᴴ X + X Bᴴ = rhs. Of an equation that is linear over the reals only,
        both are the adjoint with respect to Re⟨·,·⟩.

        Parameters
        ----------
        rhs : array_like, shape (..., m, n)
            Leading axes are a batch. One of higher precision than the decompositions is solved for
            in its own.
        trans : {"N", "T", "H"}
            The equation itself, the transposed or the adjoint one.
        check_finite : bool
            Raise for NaN and Inf. If False, they make X NaN.
        return_info : bool
            Return ``(X, SolveInfo)``.

        Returns
        -------
        X : ndarray, shape (..., m, n)
            In the dtype that the matrices and `rhs` promote to.

        Raises
        ------
        ValueError
            When `rhs` has another shape, or contains NaN or Inf.
        """
        if trans not in ("N", "T", "H"):
            raise ValueError(f'trans is {trans!r}, but must be "N", "T" or "H"')
        if registry.is_foreign(rhs):
            options = {"check_finite": check_finite, "return_info": return_info}
            return registry.elsewhere(EquationFactor.solve, (self, rhs, trans), options)
        q = as_inexact("rhs", rhs)
        self.require_right_side(q)
        if check_finite:
            require_finite("rhs", q)
        dtype = np.result_type(self.dtype, q)
        real_linear = self._equation.real_linear
        if dtype != self.dtype and (real_linear or real_dtype(dtype) != real_dtype(self.dtype)):
            wider: Any = self._widened(
                dtype if real_linear else np.result_type(self.dtype, np.float64)
            )
            return wider.solve(q, trans, check_finite=False, return_info=return_info)
        # Mᵀ x = q is Mᴴ conj(x) = conj(q)
        conjugated = trans == "T" and self.dtype.kind == "c" and not real_linear
        exact = as_exact(q.conj() if conjugated else q, dtype)
        solved = self._core.solve(exact, trans != "N", False)
        assert solved is not None
        if conjugated:
            np.conjugate(solved[0], out=solved[0])
        return finish("EquationFactor.solve", solved, None, self._equation.singular, return_info)

    def require_right_side(self, q: Array) -> None:
        """Raise unless q is (..., m, n)."""
        self._equation.require_right_side("EquationFactor.solve", "rhs", self._matrices, q)

    def _widened(self, dtype: np.dtype[Any]) -> EquationFactor:
        wider = self._wider  # another thread may replace it by one of another dtype
        if wider is None or wider.dtype != dtype:
            wider = EquationFactor(self._equation, tuple(a.astype(dtype) for a in self._matrices))
            self._wider = wider
        return wider

    def __repr__(self) -> str:
        return (
            f"<EquationFactor of {self._equation.key}, shape {self.shape}, {self.dtype}, "
            f"rcond {self.rcond():.1e}>"
        )

    def __reduce__(self) -> tuple[type[EquationFactor], tuple[Equation, tuple[Array, ...]]]:
        return EquationFactor, (self._equation, self._matrices)
