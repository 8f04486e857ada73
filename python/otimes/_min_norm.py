"""``on_singular="lstsq"``: the solution of minimum norm among those of least squares."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._check import Array, as_inexact, require_finite
from ._dtypes import inexact_dtype
from ._equation import Equation
from ._factorizations import Factorization, Trans, as_columns
from ._iterative import Options, require_converged
from ._kron_parts import kronecker_term
from ._krylov import lsmr
from ._least_squares import pseudo_inverse
from ._norms import relative_residual
from ._operator import LinearOperator
from ._real_linear import from_coordinates, in_coordinates
from ._registry import registry
from ._solve_info import Solved, SolveInfo, as_field, finish
from ._structures import Diagonal

#: The largest number of rows and columns of which the dense SVD is taken.
DENSE_LIMIT = 2000


class LeastSquaresFactorization(Factorization):
    """x = A⁺ b, A of any shape and rank.

    By the factors' SVDs for a Kronecker product, by the dense one up to 2000 rows and columns
    (values up to ``max(M, N) * eps`` times the largest count as zero), else by LSMR.
    """

    def __init__(self, op: LinearOperator) -> None:
        self.op = op
        self.options = Options()
        self.iterations = 0

    @property
    def name(self) -> str:
        """The name of the method."""
        if self._is_structured:
            return "pinv"
        return "svd" if max(self.op.shape) <= DENSE_LIMIT else "lsmr"

    @property
    def _is_structured(self) -> bool:
        structure = self.op._structure()
        return isinstance(structure, Diagonal) or kronecker_term(structure) is not None

    @functools.cached_property
    def _svd(self) -> tuple[Array, Array, Array]:
        matrix = self.op.toarray(inexact_dtype(self.op.dtype))
        require_finite("the operator", matrix)  # LAPACK may not come to an end
        u, s, vh = np.linalg.svd(matrix, full_matrices=False)
        tolerance = max(self.op.shape) * np.finfo(s.dtype).eps * s.max(initial=0)
        rank = int(np.count_nonzero(s > tolerance))
        return u[:, :rank], s[:rank], vh[:rank]

    @functools.cached_property
    def _pinv(self) -> LinearOperator:
        return pseudo_inverse(self.op._structure())

    def rcond(self) -> float:
        """0: what is singular to working precision counts as singular."""
        return 0.0

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        """A⁺ b, or the same of Aᵀ or Aᴴ."""
        b, shape = as_columns(rhs, self.op.shape[0 if trans == "N" else 1])
        if trans == "T":
            x = self._solve_columns(b.conj(), "H").conj()
        else:
            x = self._solve_columns(b, trans)
        return x.reshape(len(x), *shape[1:])

    def _solve_columns(self, b: Array, trans: Trans) -> Array:
        if self._is_structured:
            return np.asarray((self._pinv if trans == "N" else self._pinv.H) @ b)
        if self.name == "svd":
            u, s, vh = self._svd
            left, right = (u.conj().T, vh.conj().T) if trans == "N" else (vh, u)
            return np.asarray(right @ ((left @ b) / s[:, None]))
        return np.stack([self._by_lsmr(column, trans) for column in b.T], axis=1)

    def _by_lsmr(self, b: Array, trans: Trans) -> Array:
        b = b.astype(np.result_type(inexact_dtype(self.op.dtype), b.dtype), copy=False)
        view = self.op if trans == "N" else self.op.H
        adjoint = view.H
        stopping = self.options.stopping(0.0, b.dtype, maxiter=2 * max(self.op.shape))
        outcome = lsmr(
            lambda x: np.asarray(view @ x), lambda y: np.asarray(adjoint @ y), b, stopping
        )
        self.iterations += outcome.iterations
        require_converged(outcome, stopping, "LSMR")
        return outcome.x


# --- the singular items of a named equation -------------------------------------------------------


def finish_least_squares(
    equation: Equation,
    coefficients: tuple[ArrayLike, ...],
    q: ArrayLike,
    solved: Solved,
    return_info: bool,
) -> Any:
    """X, or (X, SolveInfo), each singular item solved again in the sense of least squares."""
    x, _, method, *rest = solved
    residual, rcond, scale, steps = (np.array(field) for field in rest)
    singular = rcond < np.finfo(x.dtype).eps
    matrices = [
        as_inexact(name, a) for name, a in zip(equation.arguments, coefficients, strict=True)
    ]
    batches = [np.broadcast_to(a, rcond.shape + a.shape[-2:]) for a in matrices]
    sides = np.broadcast_to(as_inexact(equation.rhs, q), x.shape)
    names = dict.fromkeys(method.split(", ")) if not singular.all() else {}
    for index in map(tuple, np.argwhere(singular)):
        item = tuple(a[index].astype(x.dtype, copy=False) for a in batches)
        x[index], name, residual[index], steps[index] = _item(equation, item, sides[index], x.dtype)
        scale[index] = 1
        names[name] = None
    finish(  # says what must be said of the other items
        equation.name,
        (x, False, method, *map(as_field, _masked(singular, residual, rcond, scale, steps))),
        "raise",
        equation.singular,
        return_info,
    )
    fields = map(as_field, (residual, rcond, scale, steps))
    return (x, SolveInfo(", ".join(names), *fields)) if return_info else x


def _masked(
    singular: Array, residual: Array, rcond: Array, scale: Array, steps: Array
) -> tuple[Array, Array, Array, Array]:
    """What is reported, without what is wrong with singular items."""
    return np.where(singular, 0, residual), np.where(singular, 1, rcond), scale, steps


def _item(
    equation: Equation, coefficients: tuple[Array, ...], q: Array, dtype: np.dtype[Any]
) -> tuple[Array, str, float, int]:
    """One equation's solution, the method's name, the residual and the number of iterations."""

    def left(x: Any) -> Any:
        return equation.left(*coefficients, x)

    q = q.astype(dtype, copy=False)
    op, constant = registry.solving["linear_map"](left, q)
    factors = LeastSquaresFactorization(op)
    right = in_coordinates(op, q - constant)
    b = right.reshape(-1, order="F")
    x = factors.solve(b)
    return (
        from_coordinates(op, x.reshape(right.shape, order="F")),
        factors.name,
        relative_residual(op, x, b),
        factors.iterations,
    )


registry.solving["finish_least_squares"] = finish_least_squares
