"""From the tape to operators: sweeps that apply a program, and the pass that gives it structure."""

from __future__ import annotations

from typing import Any

from ._algebra import add, identity_operator, multiply, with_shapes
from ._check import Array
from ._operator import LinearOperator
from ._primitives import from_columns, to_columns
from ._tape import Tangent
from ._trace import Trace


class Program:
    """The tangents between a variable and a result, in order of computation."""

    def __init__(self, trace: Trace) -> None:
        assert trace.result is not None
        self.variable, self.result = trace.variable, trace.result
        self.steps = _ancestors(self.result, self.variable)
        self._uses = _use_counts(self.steps)
        self._uses[self.result] = self._uses.get(self.result, 0) + 1  # what is returned stays

    def push(self, d: Array) -> Array:
        """Forward sweep: J d for a batch (k, *in_shape) of tangents."""
        uses = self._uses.copy()
        images = {self.variable: d}
        for step in self.steps:
            total: Array | None = None
            for primitive, source in step.links:
                y = primitive.apply(images[source])
                total = y if total is None else total + y
                uses[source] -= 1
                if uses[source] == 0:
                    del images[source]  # memory of a few tangents, however long the program
            assert total is not None
            images[step] = total
        return images[self.result]

    def pull(self, w: Array) -> Array:
        """Reverse sweep: Jᵀ w for a batch (k, *out_shape) of cotangents."""
        sums = {self.result: w}
        for step in reversed(self.steps):
            cotangent = sums.pop(step)
            for primitive, source in step.links:
                y = primitive.transpose().apply(cotangent)
                sums[source] = sums[source] + y if source in sums else y
        return sums[self.variable]

    def lower(self) -> LinearOperator:
        """The program as one operator in vec coordinates.

        Tangents used once are expanded into the tangents that they come from; those used more often
        stay, and a product with their operator is expanded only where that costs no more to apply
        than the chain (the rule of `_algebra.multiply`).
        """
        identity = identity_operator(self.variable.shape)
        operators: dict[Tangent, LinearOperator] = {self.variable: identity}
        expanded: dict[Tangent, dict[Tangent, LinearOperator]] = {}
        for step in self.steps:
            local: dict[Tangent, LinearOperator] = {}
            for primitive, source in step.links:
                lowered = primitive.lower()
                for origin, op in expanded.get(source, {source: None}).items():
                    path = lowered if op is None else multiply(lowered, op)
                    local[origin] = add(local[origin], path) if origin in local else path
            if step is not self.result and self._uses[step] == 1:
                expanded[step] = local
            else:
                operators[step] = _total(
                    [multiply(op, operators[origin]) for origin, op in local.items()]
                )
        result = operators[self.result]
        return with_shapes(result, self.variable.shape, self.result.shape)


def _total(operators: list[LinearOperator]) -> LinearOperator:
    total: Any = operators[0]
    for op in operators[1:]:
        total = add(total, op)
    result: LinearOperator = total
    return result


def _ancestors(result: Tangent, variable: Tangent) -> list[Tangent]:
    """The tangents that the result is computed from, the variable excepted, in order."""
    found = {result}
    pending = [result]
    while pending:
        for _, source in pending.pop().links:
            if source not in found:
                found.add(source)
                pending.append(source)
    found.discard(variable)
    return sorted(found, key=lambda t: t.index)


def _use_counts(steps: list[Tangent]) -> dict[Tangent, int]:
    uses: dict[Tangent, int] = {}
    for step in steps:
        for _, source in step.links:
            uses[source] = uses.get(source, 0) + 1
    return uses


class Jacobian(LinearOperator):
    """The derivative of a traced function: products are sweeps, everything else its structure."""

    __slots__ = ("program", "transposed")

    program: Program
    transposed: bool

    def __init__(self, program: Program, transposed: bool = False) -> None:
        shapes = (program.variable.shape, program.result.shape)
        in_shape, out_shape = reversed(shapes) if transposed else shapes
        super().__init__(in_shape, out_shape, program.result.dtype)
        object.__setattr__(self, "program", program)
        object.__setattr__(self, "transposed", transposed)

    def _matmat(self, x: Array) -> Array:
        d = from_columns(x, self.in_shape)
        return to_columns(self.program.pull(d) if self.transposed else self.program.push(d))

    def _transpose(self) -> LinearOperator:
        return Jacobian(self.program, not self.transposed)

    def _conj(self) -> LinearOperator:
        return self._structure().conj()

    def _rows(self, indices: Array) -> Array:
        return self._structure()._rows(indices)

    def _work(self) -> float:
        return self._structure()._work()

    def _structure(self) -> LinearOperator:
        cached = self._cache.get("structure")
        if cached is None:
            lowered = self.program.lower()
            cached = self._cache["structure"] = lowered.T if self.transposed else lowered
        structure: LinearOperator = cached
        return structure

    def __reduce__(self) -> tuple[Any, ...]:
        return _identity, (self._structure(),)


def _identity(op: LinearOperator) -> LinearOperator:
    return op
