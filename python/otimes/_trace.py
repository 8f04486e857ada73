"""One run of a function on traced arrays: its values, and the program that the tape recorded."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from ._check import Array, as_inexact, is_scalar, note_line, require_own_class
from ._tape import Tangent, Tape
from ._traced_arrays import LOSS, Traced, stop_gradient


@dataclass(frozen=True)
class Trace:
    """A function's values at a point and the linear program from some variables to them."""

    values: tuple[Array, ...]
    variables: tuple[Tangent, ...]
    results: tuple[Tangent | None, ...]  # None: it does not depend on the variables
    tape: Tape = field(repr=False)
    is_tuple: bool = False  # f returned a tuple

    @property
    def value(self) -> Array:
        """The value of a function with one result."""
        (value,) = self.values
        return value

    @property
    def result(self) -> Tangent | None:
        (result,) = self.results
        return result


def trace(
    f: Callable[..., Any],
    args: Sequence[Any],
    wrt: int | Sequence[int],
    *,
    require_linear: bool = False,
    isolated: bool = False,
    several: bool = False,
    names_of: Callable[..., Any] | None = None,
    analytic: bool = True,
) -> Trace:
    """Run f with arguments `wrt` traced; `NonlinearError` where it must be linear and is not.

    An isolated trace takes the arrays of derivatives around it by their plain values. f may return
    a tuple with ``several=True``. `names_of` is the function that has the names of the arrays. With
    ``analytic=False`` complex variables may be conjugated.
    """
    points = [_point(f"argument {k}", x) for k, x in enumerate(args)]
    named = names_of or f
    tape = Tape(functools.partial(_names_in_scope, named), require_linear, isolated)
    names = parameter_names(named, len(points))
    for point, name in zip(points, names, strict=True):
        if not isinstance(point, Traced):
            tape.own(point, ((name, 1, ""),))
    positions = [wrt] if isinstance(wrt, int) else wrt
    given: list[Any] = list(points)
    variables = {k: Tangent(tape, points[k].shape, points[k].dtype) for k in positions}
    tape.variables = len(variables)
    tape.analytic = analytic and any(v.dtype.kind == "c" for v in variables.values())
    for k, variable in variables.items():
        given[k] = Traced(points[k], variable)
    try:
        result = _run(f, given)
    finally:
        tape.finished = True
    is_tuple = several and isinstance(result, tuple)
    ends = [_end(tape, x) for x in (result if is_tuple else (result,))]
    return Trace(
        tuple(value for value, _ in ends),
        tuple(variables[k] for k in positions),
        tuple(tangent for _, tangent in ends),
        tape,
        is_tuple,
    )


def _run(f: Callable[..., Any], given: Sequence[Any]) -> Any:
    """f(*given); an error names the line of f."""
    try:
        return f(*given)
    except Exception as error:
        cause = error.__cause__  # y[0] = x: NumPy has an error of its own for what float(x) raises
        if isinstance(cause, TypeError) and LOSS in str(cause):
            raise cause from None
        note_line(error)
        raise


def _point(name: str, x: Any) -> Any:
    """An argument as an array of its own that f cannot write to; a traced one as it is."""
    if isinstance(x, Traced):
        return x
    require_own_class(name, x)
    point = np.array(as_inexact(name, x), copy=True)
    point.setflags(write=False)
    return point


def _end(tape: Tape, result: Any) -> tuple[Any, Tangent | None]:
    """A result of f: its value, and its tangent if it has one."""
    if isinstance(result, Traced):
        if result.tape is tape:
            return result.value, result.tangent
        if result.tape.finished:
            raise NotImplementedError("f returned an array of another trace")
        tape.meets_others = True
        return stop_gradient(result) if tape.isolated else result, None
    if not (is_scalar(result) or isinstance(result, np.ndarray)):
        raise TypeError(
            f"f returned {type(result).__name__}, but must return an array or a number"
            + (", or a tuple of them" if not isinstance(result, tuple) else "")
        )
    return as_inexact("the result of f", result), None


def parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of f's positional parameters, X₁ … where it has none."""
    f = inspect.unwrap(f)
    if isinstance(f, FunctionType):
        found = list(f.__code__.co_varnames[: f.__code__.co_argcount])
    else:
        try:
            found = [p.name for p in inspect.signature(f).parameters.values() if p.kind in (0, 1)]
        except (TypeError, ValueError):
            found = []
    return [found[k] if k < len(found) else f"X{k + 1}" for k in range(count)]


def _names_in_scope(f: Callable[..., Any]) -> dict[int, tuple[Array, str]]:
    """Arrays that f refers to by name, in its closure and its module, by identity."""
    try:
        scope = inspect.getclosurevars(inspect.unwrap(f))
    except (TypeError, ValueError):  # no Python function, or a variable that is not yet bound
        return {}
    return {
        id(x): (x, name)
        for names in (scope.globals, scope.nonlocals)
        for name, x in names.items()
        if isinstance(x, np.ndarray)
    }
