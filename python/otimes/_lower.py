"""From the tape to operators: sweeps that apply a program, and the pass that gives it structure."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._algebra import add, identity_operator, multiply, with_shapes
from ._check import Array, as_inexact
from ._compounds import Product, Sum
from ._layout import from_columns, to_columns
from ._operator import LinearOperator
from ._primitives import Conj, Primitive, is_traced
from ._rearrangements import Embedding
from ._tape import Tangent, Tape
from ._terms import TermOperator, from_terms
from ._trace import Trace
from ._traced_arrays import Traced


@dataclass(slots=True)
class Step:
    """A tangent, and the links to those that it is computed from."""

    tangent: Tangent
    links: tuple[tuple[Primitive, Tangent], ...]


class Program:
    """The tangents between variables and results, in order of computation."""

    def __init__(self, trace: Trace) -> None:
        assert all(result is not None for result in trace.results)
        self.variables = trace.variables
        self.results = tuple(result for result in trace.results if result is not None)
        self.holds_traced = trace.tape.holds_traced
        self.is_real_linear = trace.tape.is_real_linear
        self.steps = _steps(self.results, self.variables)
        self._uses = _use_counts(self.steps)
        for result in self.results:  # what is returned stays
            self._uses[result] = self._uses.get(result, 0) + 1

    @property
    def variable(self) -> Tangent:
        (variable,) = self.variables
        return variable

    @property
    def result(self) -> Tangent:
        (result,) = self.results
        return result

    def push(self, *ds: Any) -> Any:
        """Forward sweep: J d for a tangent of each variable, or a batch (k, *in_shape) of them.

        Σ J d, for each result where there are several. Tangents may be traced arrays themselves.
        """
        uses = self._uses.copy()
        images: dict[Tangent, Any] = dict(zip(self.variables, ds, strict=True))
        apply = image if self.holds_traced or any(map(is_traced, ds)) else _plain_image
        for step in self.steps:
            total: Any = None
            for primitive, source in step.links:
                y = apply(primitive, images[source])
                total = y if total is None else total + y
                uses[source] -= 1
                if uses[source] == 0:
                    del images[source]  # memory of a few tangents, however long the program
            images[step.tangent] = total
        pushed = tuple(images[result] for result in self.results)
        return pushed[0] if len(pushed) == 1 else pushed

    def pull(self, *ws: Any) -> Any:
        """Reverse sweep: Jᵀ w for a cotangent of each result, or a batch of them.

        For each variable where there are several.
        """
        sums = Cotangents()
        plain = not (self.holds_traced or any(map(is_traced, ws)))
        for result, w in zip(self.results, ws, strict=True):
            sums.add(result, w)
        for step in reversed(self.steps):
            cotangent = sums.take(step.tangent)
            for primitive, source in step.links:
                transposed = primitive.transpose()
                if not plain:
                    sums.add(source, image(transposed, cotangent))
                elif isinstance(transposed, Embedding):
                    sums.embed(source, transposed, cotangent)
                else:
                    sums.add(source, transposed.apply(cotangent))
        pulled = tuple(self._in_domain(sums.take(v)) for v in self.variables)
        return pulled[0] if len(pulled) == 1 else pulled

    def _in_domain(self, w: Any) -> Any:
        """The real part, where the pairing is Re(wᵀ d): no complex variable is pulled back then."""
        return w if w is None or not self.is_real_linear else w.real

    def pull_complex(self, w: Any) -> Any:
        """Jᵀ w for the complex J of a real variable, whose real part alone `pull` gives."""
        if self.is_real_linear and self.result.dtype.kind == "c":
            return self.pull(w) + 1j * self.pull(-1j * w)
        if self.is_real_linear and w.dtype.kind == "c":
            return self.pull(w.real) + 1j * self.pull(w.imag)
        return self.pull(w)

    def push_complex(self, d: Any) -> Any:
        """J d for complex d, J being that of a real variable."""
        if self.is_real_linear and d.dtype.kind == "c":
            return self.push(d.real) + 1j * self.push(d.imag)
        return self.push(d)

    @property
    def work(self) -> float:
        """Multiplications of a sweep."""
        return sum(p.lower()._work() for step in self.steps for p, _ in step.links)

    def __reduce__(self) -> tuple[Any, ...]:
        """The steps with numbers for tangents, which refer to one another to any depth."""
        tangents = (self.variable, *(step.tangent for step in self.steps))
        numbers = {tangent: k for k, tangent in enumerate(tangents)}
        steps = [
            (t.tangent.shape, t.tangent.dtype, [(p, numbers[source]) for p, source in t.links])
            for t in self.steps
        ]
        start = (self.variable.shape, self.variable.dtype)
        return _rebuilt, (start, steps, numbers[self.result], self.is_real_linear)

    @functools.cached_property
    def structure(self) -> LinearOperator:
        """The program as one operator, made once."""
        if self.holds_traced:
            raise NotImplementedError(
                "a Jacobian that depends on an outer derivative has products, but no structure: "
                "use J @ v, J.T @ w, J(X), gradient or hessian there"
            )
        return self.lower()

    def lower(self) -> LinearOperator:
        """The program as one operator in vec coordinates.

        Tangents used once are expanded into the tangents that they come from; those used more often
        stay, and a product with their operator is expanded only where that costs no more to apply
        than the chain (see _product_rules.py). A chain that becomes too long to be read
        stays a program.
        """
        identity = identity_operator(self.variable.shape)
        operators: dict[Tangent, LinearOperator] = {self.variable: identity}
        expanded: dict[Tangent, dict[Tangent, LinearOperator]] = {}
        whole = {self.result, *_conjugated(self.steps)}
        sizes = {self.variable: 0}  # operators that the text of one would name
        for step in self.steps:
            local: dict[Tangent, LinearOperator] = {}
            for primitive, source in step.links:
                if isinstance(primitive, Conj):
                    local[self.variable] = primitive.of(operators[source])
                    continue
                lowered = in_precision(primitive.lower(), step.tangent.dtype)
                for origin, op in expanded.get(source, {source: None}).items():
                    path = lowered if op is None else multiply(lowered, op)
                    local[origin] = add(local[origin], path) if origin in local else path
            size = sum(_extent(op) + sizes[origin] for origin, op in local.items())
            if size > _LONGEST:
                return Sweeps(self)
            if step.tangent not in whole and self._uses[step.tangent] == 1:
                expanded[step.tangent] = local
            else:
                total = _total([multiply(op, operators[origin]) for origin, op in local.items()])
                operators[step.tangent] = total
                sizes[step.tangent] = _extent(total) and size
        result = operators[self.result]
        return with_shapes(result, self.variable.shape, self.result.shape)


def _rebuilt(
    start: tuple[Any, Any],
    steps: list[tuple[Any, Any, list[tuple[Primitive, int]]]],
    result: int,
    is_real_linear: bool,
) -> Program:
    """The program of a pickle: see `Program.__reduce__`."""
    tape = Tape(dict)
    tape.finished, tape.is_real_linear = True, is_real_linear
    tangents = [Tangent(tape, *start)]
    for shape, dtype, links in steps:
        tangents.append(Tangent(tape, shape, dtype, tuple((p, tangents[k]) for p, k in links)))
    value = np.zeros(())  # a program does not use it
    return Program(Trace((value,), (tangents[0],), (tangents[result],), tape))


class Cotangents:
    """Sums of cotangents, by the tangents that they belong to."""

    def __init__(self) -> None:
        self._sums: dict[Tangent, Any] = {}
        self._own: set[Tangent] = set()  # those with an array that nothing else refers to

    def add(self, tangent: Tangent, w: Any) -> None:
        # w first: the sweep comes from the end, and earlier terms are written first
        self._sums[tangent] = w + self._sums[tangent] if tangent in self._sums else w

    def embed(self, tangent: Tangent, embedding: Embedding, w: Array) -> None:
        """Add the image of w in place: a loop over the rows of a matrix costs one matrix."""
        total = self._sums.get(tangent)
        if total is None:
            total = embedding.apply(w)
        elif tangent not in self._own or np.result_type(total, w) != total.dtype:
            total = total + embedding.apply(w)
        else:
            embedding.add_to(total, w)
        self._sums[tangent] = total
        self._own.add(tangent)

    def take(self, tangent: Tangent) -> Any:
        """The sum, which is complete; None where nothing depends on the tangent."""
        self._own.discard(tangent)
        return self._sums.pop(tangent, None)


def _plain_image(primitive: Primitive, d: Array) -> Array:
    return primitive.apply(d)


def image(primitive: Primitive, d: Any) -> Any:
    """The image of a tangent where it, or the primitive's constant, may be traced.

    With a plain constant the outer derivative records the primitive itself, and its structure with
    it; with a traced one the primitive is NumPy code of two traced arrays.
    """
    if is_traced(primitive.constant):
        return primitive.apply(d)
    if isinstance(d, Traced):
        constant = () if primitive.constant is None else (primitive.constant,)
        return Traced(image(primitive, d.value), d.tangent.through(primitive, *constant))
    return primitive.apply(d)


def _extent(op: LinearOperator) -> int:
    """The number of operators in a chain or a sum, 0 for one by itself."""
    if isinstance(op, (Product, Sum)):
        return len(op.chain if isinstance(op, Product) else op.addends)
    return 0


def in_precision(op: LinearOperator, dtype: np.dtype[Any]) -> LinearOperator:
    """The operator with its zeros and ones, which are float32, in the program's precision."""
    if not isinstance(op, TermOperator) or op.dtype.char not in "fF" or dtype.char in "fF":
        return op
    return from_terms((t.astype(dtype) for t in op.parts), op.in_shape, op.out_shape)


def _total(operators: list[LinearOperator]) -> LinearOperator:
    total: Any = operators[0]
    for op in operators[1:]:
        total = add(total, op)
    result: LinearOperator = total
    return result


def _steps(results: Sequence[Tangent], variables: Sequence[Tangent]) -> list[Step]:
    """The tangents between the variables and the results, in order, with the links between them."""
    found = set(results)
    pending = list(found)
    while pending:
        for _, source in pending.pop().links:
            if source not in found:
                found.add(source)
                pending.append(source)
    reached = set(variables)
    ordered = sorted(found - reached, key=_by_index)
    if len(variables) == variables[0].tape.variables:  # all else comes from these
        return [Step(tangent, tangent.links) for tangent in ordered]
    steps = []
    for tangent in ordered:
        links = tuple(link for link in tangent.links if link[1] in reached)
        if links:
            reached.add(tangent)
            steps.append(Step(tangent, links))
    return steps


_by_index = operator.attrgetter("index")


def depends(result: Tangent | None, variable: Tangent) -> bool:
    """Whether a result is computed from the variable."""
    if result is None or result is variable or variable.tape.variables == 1:
        return result is not None
    steps = _steps([result], [variable])
    return bool(steps) and steps[-1].tangent is result


def _conjugated(steps: Sequence[Step]) -> set[Tangent]:
    """The tangents of which conjugates or parts are taken: their maps from the variable count."""
    return {source for step in steps for p, source in step.links if isinstance(p, Conj)}


def _use_counts(steps: Sequence[Step]) -> dict[Tangent, int]:
    uses: dict[Tangent, int] = {}
    for step in steps:
        for _, source in step.links:
            uses[source] = uses.get(source, 0) + 1
    return uses


#: Programs of so few entries and steps are applied by their structure, compiled.
_SMALL_ENTRIES, _SMALL_STEPS = 4096, 32


#: A chain of more operators than this, or a sum of such chains, says nothing to a reader.
_LONGEST = 256


class Sweeps(LinearOperator):
    """A program as an operator without structure: products are sweeps."""

    __slots__ = ("program", "transposed")

    program: Program
    transposed: bool

    def __init__(self, program: Program, transposed: bool = False) -> None:
        shapes = (program.variable.shape, program.result.shape)
        in_shape, out_shape = reversed(shapes) if transposed else shapes
        super().__init__(in_shape, out_shape, program.result.dtype)
        object.__setattr__(self, "program", program)
        object.__setattr__(self, "transposed", transposed)

    def _sweep(self, d: Any) -> Any:
        return self.program.pull_complex(d) if self.transposed else self.program.push_complex(d)

    def _matmat(self, x: Array) -> Array:
        return to_columns(self._sweep(from_columns(x, self.in_shape)))

    def _transpose(self) -> LinearOperator:
        return Sweeps(self.program, not self.transposed)

    def _work(self) -> float:
        return self.program.work


class Jacobian(Sweeps):
    """The derivative of a traced function: products are sweeps, everything else its structure."""

    __slots__ = ("symmetric",)

    symmetric: bool

    def __init__(self, program: Program, transposed: bool = False, symmetric: bool = False) -> None:
        super().__init__(program, transposed)
        object.__setattr__(self, "symmetric", symmetric)

    def __matmul__(self, other: Any) -> Any:
        if self.program.holds_traced or is_traced(other):
            return self._traced_product(other)
        return super().__matmul__(other)

    def __call__(self, x: Any) -> Any:
        if self.program.holds_traced or is_traced(x):
            return self._sweep(x)
        return super().__call__(x)

    def toarray(self, *args: Any, **kwargs: Any) -> Any:
        if self.program.holds_traced:
            return self @ np.eye(self.shape[1])
        return super().toarray(*args, **kwargs)

    def _traced_product(self, x: Any) -> Any:
        """J x inside another derivative, a column at a time."""
        if isinstance(x, LinearOperator):
            return super().__matmul__(x)
        if not is_traced(x):
            x = as_inexact("x", x)
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            raise ValueError(
                f"{self._name()} @ x: x has shape {x.shape}, but the operator has shape "
                f"{self.shape}, so x needs shape ({self.shape[1]},) or ({self.shape[1]}, k)"
            )
        if x.ndim == 2:
            return np.stack([self._traced_product(column) for column in x.T], axis=1)
        return self._sweep(x.reshape(self.in_shape, order="F")).reshape(-1, order="F")

    def _matmat(self, x: Array) -> Array:
        if self._is_small():
            op = self._structure()
            if isinstance(op, TermOperator):
                object.__setattr__(self, "_plan", op._plan_for(op.dtype))
            return op._matmat(x)
        return super()._matmat(x)

    def _is_small(self) -> bool:
        few = len(self.program.steps) <= _SMALL_STEPS
        return few and self.shape[0] * self.shape[1] <= _SMALL_ENTRIES

    def _transpose(self) -> LinearOperator:
        return self if self.symmetric else Jacobian(self.program, not self.transposed)

    def _conj(self) -> LinearOperator:
        return self._structure().conj()

    def _rows(self, indices: Array) -> Array:
        return self._structure()._rows(indices)

    def _work(self) -> float:
        return self._structure()._work()

    def _structure(self) -> LinearOperator:
        structure = self.program.structure
        return structure.T if self.transposed else structure

    def __reduce__(self) -> tuple[Any, ...]:
        return _identity, (self._structure(),)


def _identity(op: LinearOperator) -> LinearOperator:
    return op
