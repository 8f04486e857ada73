"""Equations with Dask arrays: batches block by block, and operators on chunked right-hand sides."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import dask.array as da
import numpy as np
from numpy.linalg import LinAlgError

from ._check import Array
from ._chunked_arrays import budget, flat, named, shared, split
from ._chunked_products import Mode, Runs, on_columns, products, tensor_product, times
from ._chunks import contiguous, regular
from ._compounds import Inverse
from ._dtypes import inexact_dtype
from ._equation import Equation, EquationFactor
from ._equations import AXB
from ._factor import Factor
from ._factorizations import (
    ChainFactorization,
    DiagonalFactorization,
    Factorization,
    InverseFactorization,
    KroneckerFactorization,
    PermutationFactorization,
    Trans,
    as_permutation,
)
from ._iterative import KrylovFactorization, Options, preconditioning_product, require_converged
from ._krylov import Outcome, Space, cg, gmres
from ._methods import choose
from ._operator import LinearOperator
from ._solve import require_right_side
from ._solve_info import judge_rcond, require_on_singular
from ._spectral import Spectral, SpectralFactorization, spectral
from ._structures import Diagonal
from ._terms import Term, TermOperator, flat_operator

# --- batches -------------------------------------------------------------------------------------


def solve_batch(
    name: str, f: Callable[..., Array], arrays: Sequence[Any], check: Callable[..., None]
) -> Any:
    """X = f(*arrays) for matrices whose leading axes broadcast, block by block of these axes.

    `check` raises for shapes that do not fit; it is called with arrays of one number, before any
    work starts. The last of `arrays` has the shape of X.
    """
    check(*(_stand_in(a) for a in arrays))
    operands: list[Any] = []
    for k, a in enumerate(arrays):
        if not isinstance(a, da.Array) and np.ndim(a) == 2 and a is not arrays[-1]:
            operands += [shared("coefficients", named(np.asarray(a))), None]
        else:
            chunked = a if isinstance(a, da.Array) else da.from_array(named(np.asarray(a)))
            whole = chunked.rechunk({-2: -1, -1: -1})
            operands += [whole, (*range(whole.ndim - 3, -1, -1), *_sides(k))]
    dtype = np.result_type(*(inexact_dtype(_stand_in(a).dtype) for a in arrays))
    axes = max(np.ndim(a) for a in arrays) - 2
    labels = (*range(axes - 1, -1, -1), *_sides(len(arrays) - 1))
    firsts = _counted(operands, axes)

    def located(*blocks: Array) -> Array:
        """f, whose errors say where the block lies in the batch."""
        try:
            return f(*blocks[: len(arrays)])
        except LinAlgError as error:
            place = tuple(int(first[0]) for first in blocks[len(arrays) :])
            error.add_note(f"in the block of the batch that starts at {place}")
            raise

    return da.blockwise(
        located, labels, *operands, *firsts, dtype=dtype, concatenate=True, token=name,
        meta=np.empty((0,) * len(labels), dtype),
    )  # fmt: skip


def _counted(operands: Sequence[Any], axes: int) -> list[Any]:
    """For each axis of the batch its numbers, cut as it is, and the label of the axis."""
    counted: list[Any] = []
    for label in range(axes - 1, -1, -1):
        chunks = [
            a.chunks[k.index(label)]
            for a, k in zip(operands[::2], operands[1::2], strict=True)
            if k is not None and label in k
        ]
        longest = max(chunks, key=sum)
        counted += [da.arange(sum(longest), chunks=(longest,)), (label,)]
    return counted


def _sides(k: int) -> tuple[int, int]:
    """The labels of rows and columns of argument k, which no other argument shares."""
    return 100 + 2 * k, 101 + 2 * k


def _stand_in(a: Any) -> Array:
    """An array of this shape that takes no memory."""
    if not isinstance(a, da.Array):
        return np.asarray(a)
    return np.broadcast_to(np.zeros((), inexact_dtype(a.dtype)), a.shape)


def solve_equations(equation: Equation, *arrays: Any, return_info: bool, **options: Any) -> Any:
    """The equation for every item of a batch in blocks; one A X B = C also by its two sides."""
    require_lazy(equation.name, return_info)
    require_on_singular(equation.name, options["on_singular"])

    def check(*operands: Array) -> None:
        *coefficients, q = operands
        matrices = equation.matrices(equation.name, tuple(coefficients))
        equation.require_right_side(equation.name, equation.rhs, matrices, q)

    def solve(*blocks: Array) -> Array:
        *coefficients, q = blocks
        x: Array = equation.solve(tuple(coefficients), q, return_info=False, **options)
        return x

    if _is_one_large(equation, arrays):
        check(*(_stand_in(a) for a in arrays))
        return _solve_by_sides(*arrays, **options)
    return solve_batch(f"solve-{equation.key}", solve, arrays, check)


def map_batch(function: Callable[[Any], Array], a: Any) -> Any:
    """A function of square matrices, item by item of a batch."""

    def check(stand_in: Array) -> None:
        if stand_in.ndim < 2 or stand_in.shape[-1] != stand_in.shape[-2]:
            raise ValueError(
                f"{function.__name__}: a has shape {a.shape}, but must be square: (n, n) or a batch"
            )

    return solve_batch(function.__name__, function, (a,), check)


def require_lazy(name: str, return_info: bool) -> None:
    if return_info:
        raise ValueError(
            f"{name}: return_info cannot be given with Dask arrays, whose solution is not known "
            "before it is computed; call the function with return_info in x.map_blocks"
        )


def _is_one_large(equation: Equation, arrays: Sequence[Any]) -> bool:
    """Whether it is A X B = C with plain A and B, and a C that is larger than a chunk should be."""
    *coefficients, q = arrays
    plain = not any(isinstance(a, da.Array) or np.ndim(a) != 2 for a in coefficients)
    return equation is AXB and plain and math.prod(q.shape[-2:]) > budget(q.dtype)


def _solve_by_sides(a: Any, b: Any, q: Any, *, check_finite: bool, on_singular: Any) -> Any:
    """X = A⁻¹ Q B⁻¹, each inverse along its own axis."""
    factor = AXB.factor(AXB.name, (a, b), check_finite, on_singular)
    left, right = (Factor(np.asarray(m, factor.dtype)) for m in (a, b))
    dtype = np.result_type(factor.dtype, inexact_dtype(q.dtype))
    runs: Runs = {q.ndim - 2: (_inverse_mode(left),), q.ndim - 1: (_inverse_mode(right, "T"),)}
    return tensor_product(q, runs, dtype)


def solve_factored(
    factor: EquationFactor, rhs: Any, trans: Trans, *, check_finite: bool, return_info: bool
) -> Any:
    """`EquationFactor.solve` for right-hand sides whose leading axes are chunked."""
    require_lazy("EquationFactor.solve", return_info)

    def check(q: Array) -> None:
        factor.require_right_side(q)

    def solve(kept: EquationFactor, q: Array) -> Array:
        x: Array = kept.solve(q, trans, check_finite=check_finite)
        return x

    check(_stand_in(rhs))
    whole = rhs.rechunk({-2: -1, -1: -1})
    labels = tuple(range(rhs.ndim))
    dtype = np.result_type(factor.dtype, inexact_dtype(rhs.dtype))
    kept = shared("factorization", factor)
    return da.blockwise(
        solve, labels, kept, None, whole, labels, dtype=dtype, token="solve-factored",
        meta=np.empty((0,) * rhs.ndim, dtype),
    )  # fmt: skip


# --- operators -----------------------------------------------------------------------------------


def solve_with(op: LinearOperator, b: Any, on_singular: Any, method: str, options: Options) -> Any:
    """The x with A x = b for a chunked b (M,), (M, k) or `out_shape`."""
    require_on_singular("solve", on_singular)
    if on_singular == "lstsq":
        raise NotImplementedError(
            'on_singular="lstsq" does not take Dask arrays; op.pinv() @ b does, where it is known'
        )
    require_right_side("solve", op, b.shape)
    factors = _chosen(op, method, b.dtype)
    eps = float(np.finfo(inexact_dtype(op.dtype)).eps)
    judge_rcond("solve", _rcond(factors, b), eps, on_singular, f"the operator is {op}")
    if b.shape == op.out_shape and b.ndim != 1:
        pieces = contiguous(op.out_shape[::-1], budget(b.dtype))
        x = solve_chunks(factors, flat(b.T.rechunk(pieces), 0, b.ndim), "N", options)
        return split(x, 0, op.in_shape[::-1]).T
    return solve_chunks(factors, b, "N", options)


def _chosen(op: LinearOperator, method: str, dtype: np.dtype[Any]) -> Factorization:
    """Decompositions that chunks can be solved with."""
    chosen, maker = choose(op, method)
    if method == "auto" and chosen.name not in _BY_CHUNKS and op.shape[0] > budget(dtype):
        structure = op._structure()
        found = spectral(structure) if isinstance(structure, TermOperator) else None
        if isinstance(structure, TermOperator) and found is not None and found.is_diagonal:
            return SpectralFactorization(structure, found)
        return KrylovFactorization(structure)
    return maker()


def _rcond(factors: Factorization, b: Any) -> float:
    """`Factorization.rcond`, without all eigenvalues at once."""
    if not isinstance(factors, SpectralFactorization) or factors.spectral.kind != "spectral":
        return factors.rcond()
    size = abs(_diagonal(factors.spectral, regular(factors.op.shape[0], budget(b.dtype))))
    smallest, largest = da.compute(size.min(), size.max())
    return float(smallest / largest) if largest else 0.0


#: Methods of `solve` whose decompositions are applied chunk by chunk, however long b is.
_BY_CHUNKS = {"diagonal", "permutation", "kronecker", "inverse", "chain"}


@functools.singledispatch
def solve_chunks(factors: Any, b: Any, trans: Trans, options: Options) -> Any:
    """`Factorization.solve` for a chunked right-hand side: on columns that are whole."""
    nothing = factors.solve(np.zeros((b.shape[0], 0), b.dtype), trans)
    kept = shared("factorization", (factors, trans))
    return on_columns(nothing.shape[0], _solve_block, b, 0, nothing.dtype, kept)


def _solve_block(block: Array, kept: tuple[Factorization, Trans], axis: int) -> Array:
    factors, trans = kept
    return factors.solve(block, trans)


@solve_chunks.register
def _(factors: KroneckerFactorization, b: Any, trans: Trans, options: Options) -> Any:
    if trans == "H":
        return solve_chunks(factors, b.conj(), "T", options).conj()
    term, dtype = factors.term, np.result_type(factors.dtype, inexact_dtype(b.dtype))
    permutation = as_permutation(term)
    if permutation is not None and trans == "T":
        b = times(permutation, b, 0)
    modes = [_inverse_mode(f, trans) for f in term.factors]
    x = products(b, 0, [(1 / term.coefficient, modes)], dtype)
    return times(permutation.T, x, 0) if permutation is not None and trans == "N" else x


def _inverse_mode(f: Factor, trans: Trans = "N") -> Mode:
    if f.is_identity:
        return Mode(f.rows, f.cols)
    return Mode(f.rows, f.cols, Inverse(flat_operator(Term.of([f])), trans))


@solve_chunks.register
def _(factors: DiagonalFactorization, b: Any, trans: Trans, options: Options) -> Any:
    inverse = factors.solve(np.ones(len(factors.entries)), trans)
    return times(Diagonal(inverse, inverse.shape), b, 0)


@solve_chunks.register
def _(factors: PermutationFactorization, b: Any, trans: Trans, options: Options) -> Any:
    return times(factors.operator.T if trans == "N" else factors.operator, b, 0)


@solve_chunks.register
def _(factors: InverseFactorization, b: Any, trans: Trans, options: Options) -> Any:
    op = factors.operator
    return times({"N": op, "T": op.T, "H": op.H}[trans], b, 0)


@solve_chunks.register
def _(factors: ChainFactorization, b: Any, trans: Trans, options: Options) -> Any:
    for part in factors.parts if trans == "N" else reversed(factors.parts):
        b = solve_chunks(part, b, trans, options)
    return b


@solve_chunks.register
def _(factors: SpectralFactorization, b: Any, trans: Trans, options: Options) -> Any:
    if trans == "T":
        return solve_chunks(factors, b.conj(), "H", options).conj()
    if not factors.spectral.is_diagonal:
        return solve_chunks.dispatch(object)(factors, b, trans, options)
    p = factors.permutation
    y = times(factors.spectral.adjoint_basis, _moved(p, b) if trans == "H" else b, 0)
    d = _diagonal(factors.spectral, y.chunks[0])
    d = d.conj() if trans == "H" else d
    x = times(factors.spectral.basis, y / (d if b.ndim == 1 else d[:, None]), 0)
    if np.result_type(factors.op.dtype, b.dtype).kind != "c":
        x = x.real
    return x if p is None or trans == "H" else times(p.T, x, 0)


def _moved(p: LinearOperator | None, b: Any) -> Any:
    return b if p is None else times(p, b, 0)


def _diagonal(s: Spectral, chunks: tuple[int, ...]) -> Any:
    """`Spectral.diagonal` in chunks."""
    total: Any = 0
    pieces = contiguous([mode.size for mode in s.modes], max(chunks))
    for coefficient, picks in s.terms:
        part: Any = coefficient
        for k, (mode, pick) in enumerate(zip(s.modes, picks, strict=True)):
            if pick is not None:
                entries = da.from_array(mode.forms[pick], chunks=(pieces[k],))
                part = part * entries[(slice(None), *(None,) * (len(s.modes) - 1 - k))]
        total = total + part
    sizes = tuple(mode.size for mode in s.modes)
    return flat(da.broadcast_to(total, sizes, chunks=pieces), 0, len(sizes)).rechunk((chunks,))


@solve_chunks.register
def _(factors: KrylovFactorization, b: Any, trans: Trans, options: Options) -> Any:
    dtype = np.result_type(inexact_dtype(factors.op.dtype), inexact_dtype(b.dtype))
    b = b.astype(dtype).rechunk({0: regular(b.shape[0], budget(dtype))})
    if b.ndim == 1:
        return _iterated(factors, b, trans, options)
    columns = [_iterated(factors, b[:, k], trans, options) for k in range(b.shape[1])]
    return da.stack(columns, axis=1)


def _iterated(factors: KrylovFactorization, b: Any, trans: Trans, options: Options) -> Any:
    """CG or GMRES on vectors that the scheduler keeps."""
    op, product = factors.op, preconditioning_product(factors.op)
    view = {"N": op, "T": op.T, "H": op.H}[trans]
    stopping = options.stopping(factors.norm, b.dtype)
    iterate: Callable[..., Outcome] = cg if factors.is_definite else gmres

    def precondition(x: Any) -> Any:
        return x if product is None else solve_chunks(product, x, trans, options)

    outcome = iterate(
        lambda x: times(view, x, 0).rechunk(b.chunks), b, stopping, precondition, space=_LAZY
    )
    require_converged(outcome, stopping, "CG" if factors.is_definite else "GMRES")
    return outcome.x


class _Vectors:
    """`Rows` of chunked vectors."""

    def __init__(self, size: int, like: Any) -> None:
        self._vectors: list[Any] = []

    def append(self, v: Any) -> None:
        self._vectors.append(v)

    def __getitem__(self, k: int) -> Any:
        return self._vectors[k]

    def inner(self, w: Any) -> Array:
        return np.array(da.compute(*(da.vdot(v, w) for v in self._vectors)))

    def combined(self, c: Array) -> Any:
        return sum(a * v for a, v in zip(c, self._vectors, strict=False))


def _persisted(x: Any) -> Any:
    return x.persist()


_LAZY = Space(keep=_persisted, basis=_Vectors)
