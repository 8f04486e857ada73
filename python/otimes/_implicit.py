"""Derivatives of solutions: from the equation that is solved, not from the way it is solved.

M vec(X) = vec(Q) has M vec(dX) = vec(dQ) - dM vec(X): forward and reverse derivatives solve with
the decompositions of M that gave X.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ._check import Array, Shape, as_inexact
from ._compounds import Inverse
from ._equation import Equation, require_regular
from ._factorizations import BatchFactorization, EquationFactorization
from ._labels import Label
from ._lower import Jacobian, Program, image
from ._operator import LinearOperator
from ._primitives import Apply
from ._registry import registry
from ._solve_info import SolveInfo
from ._tape import Tangent, Tape
from ._trace import Trace
from ._traced_arrays import Traced, call, rule, rules, stop_gradient


def solution(x: Array, residual: Callable[[Any], Any], m: LinearOperator) -> Any:
    """x, a plain solution, with its derivatives: residual(x) = q - M(x) holds traced arrays.

    A step x + M₀⁻¹ residual(x) with the plain M₀ gives the first derivatives, for what it leaves is
    (I - M₀⁻¹ M)(x₀ - x), a product of two first-order terms. Each further step adds an order.
    """
    r = residual(x)
    orders = _levels(r)
    if orders == 0:
        return x
    if orders == 1:  # the residual itself is rounding
        return Traced(x, _solve_with(m)(r.tangent))
    solved: Any = x
    for _ in range(orders):
        solved = solved + image(Apply(Inverse(m)), residual(solved))
    return solved


def _levels(x: Any) -> int:
    """How many derivatives of one another are being taken of x."""
    count = 0
    while isinstance(x, Traced):
        x, count = x.value, count + 1
    return count


def _solve_with(m: LinearOperator) -> Callable[[Tangent], Tangent]:
    def solved(d: Tangent) -> Tangent:
        return d.through(Apply(Inverse(m)), m.dtype)

    return solved


# --- the named equations -------------------------------------------------------------------------


def _matrix_of(
    equation: Equation, coefficients: Sequence[Array], labels: Sequence[Label | None], x: Array
) -> LinearOperator:
    """X ↦ the left-hand side of the equation, the coefficients under the names they have.

    Of a batch, whose operator is block diagonal, the decompositions are made at once.
    """
    tape = Tape(dict, require_linear=True)
    for array, label in zip(coefficients, labels, strict=False):
        tape.own(array, label)
    variable = Tangent(tape, x.shape, x.dtype)
    image = equation.left(*coefficients, Traced(x, variable))
    m = Jacobian(Program(Trace((image.value,), (variable,), (image.tangent,), tape)))
    if x.ndim == 2:
        return m._structure()
    m._cache["factors"] = BatchFactorization(equation, tuple(coefficients), x.shape)
    return m


def _solve_equation(
    equation: Equation,
    *operands: Any,
    check_finite: bool,
    on_singular: Any,
    labels: Sequence[Label | None],
    info: list[SolveInfo],
) -> Any:
    """dX of the equation at X: that of its coefficients and its right-hand side."""
    *given, q = operands
    matrices = equation.matrices(equation.name, tuple(given))
    equation.require_right_side(equation.name, equation.rhs, matrices, q)
    if any(a.ndim != 2 for a in (*matrices, q)):
        require_regular(equation.name, on_singular)
        x, report = equation.solve(matrices, q, check_finite, on_singular, True)
        m = _matrix_of(equation, matrices, labels, x)
    else:
        factor = equation.factor(equation.name, matrices, check_finite, on_singular)
        x, report = factor.solve(q, check_finite=check_finite, return_info=True)
        m = _matrix_of(equation, matrices, labels, x)
        m._cache["factors"] = EquationFactorization(factor)
    info.append(report)

    def through(k: int) -> Callable[[Tangent], Tangent]:
        def changed(dc: Tangent) -> Tangent:
            arguments: list[Any] = [*matrices, x]
            arguments[k] = Traced(matrices[k], dc)
            residual: Tangent = -equation.left(*arguments).tangent
            return residual

        return changed

    by_sides = _broadcast_to(x.shape)
    return x, (*map(through, range(len(matrices))), by_sides), _solve_with(m)


def _broadcast_to(shape: Shape) -> Callable[[Tangent], Tangent]:
    return lambda dq: dq.broadcast(shape)


def _nested(equation: Equation, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The solution where derivatives of derivatives are being taken."""
    *plain, right = map(stop_gradient, args)
    matrices = equation.matrices(equation.name, tuple(plain))
    x, info = equation.solve(matrices, right, **{**options, "return_info": True})
    m = _matrix_of(equation, matrices, [None] * len(matrices), x)
    solved = solution(x, lambda y: args[-1] - equation.left(*args[:-1], y), m)
    return (solved, info) if options["return_info"] else solved


def _as_operand(name: str, x: Any) -> Any:
    return x if isinstance(x, Traced) else as_inexact(name, x)


def _traced(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """One of our functions where an argument is traced."""
    if function is operator.matmul:
        return NotImplemented  # that is the traced array's own
    info: list[SolveInfo] = []
    if isinstance(function, Equation):
        names = (*function.arguments, function.rhs)
        args = tuple(map(_as_operand, names, args))
        if function not in rules:
            rule(function, linear="last")(partial(_solve_equation, function))
        if len({x.tape for x in args if isinstance(x, Traced)}) > 1 or max(map(_levels, args)) > 1:
            return _nested(function, args, options)
        tape = next(x.tape for x in args if isinstance(x, Traced))
        options["labels"] = [tape.label(stop_gradient(x)) for x in args]
    if "return_info" in options:
        options["info"] = info
    return_info = options.pop("return_info", False)
    x = call(function, args, options)
    return (x, *info) if return_info else x


registry.foreign[Traced] = _traced
