"""From structure to solver: one decision list, the same for `solve`, `factorize` and `op.solve`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from ._algebra import as_operator
from ._check import Array, as_inexact, inexact_dtype, require_dense, require_finite
from ._equations import SYLVESTER
from ._factorizations import (
    ChainFactorization,
    DiagonalFactorization,
    Factorization,
    InverseFactorization,
    KroneckerFactorization,
    MatrixEquation,
    PermutationFactorization,
    as_permutation,
    norm_bound,
)
from ._implicit import solution
from ._lower import Jacobian, Program
from ._operator import LinearOperator, Shape, registry
from ._pencil_equations import GENERALIZED_SYLVESTER
from ._solve_info import (
    OnSingular,
    SolveInfo,
    judge_rcond,
    judge_residual,
    require_on_singular,
)
from ._sparse_lu import SparseKroneckerFactorization
from ._spectral import SpectralFactorization, pays, spectral
from ._structures import Diagonal, Inverse, Product, Selection
from ._terms import Factor, Term, TermOperator
from ._trace import NonlinearError, Trace, Traced, stop_gradient, trace

# --- what an operator's structure is --------------------------------------------------------------


def sylvester_of(op: TermOperator) -> MatrixEquation | None:
    """L X + X R, when every term multiplies from one side only, else None."""
    pairs = [t for t in op.parts if len(t.factors) == 2]
    if not pairs:
        return None
    n, m = pairs[0].factors[0].rows, pairs[0].factors[1].rows
    order = pairs[0].order
    dtype = inexact_dtype(op.dtype)
    require_dense((m + n, max(m, n)), dtype)  # sparse factors become dense here
    left, right = np.zeros((m, m), dtype), np.zeros((n, n), dtype)
    for t in op.parts:
        if len(t.factors) == 1 and t.is_selection and order == (0, 1):
            left += t.coefficient * np.eye(m, dtype=dtype)  # c I stands on either side
            continue
        if t.order != order or [f.shape for f in t.factors] != [(n, n), (m, m)]:
            return None
        first, second = t.factors
        if first.is_identity:
            left += t.coefficient * second.dense(dtype)
        elif second.is_identity:
            right += t.coefficient * first.dense(dtype).T
        else:
            return None
    return MatrixEquation(SYLVESTER, (left, right), as_permutation(pairs[0]))


def two_terms_of(op: TermOperator) -> MatrixEquation | None:
    """A X B + C X D, where that is cheaper than the dense matrix, else None."""
    pairs = [t for t in op.parts if len(t.factors) == 2]
    if not pairs or len(op.parts) != 2:
        return None
    n, m = pairs[0].factors[0].rows, pairs[0].factors[1].rows
    order, dtype = pairs[0].order, inexact_dtype(op.dtype)
    if min(m, n) <= 5:
        return None
    require_dense((m + n, 2 * max(m, n)), dtype)  # sparse factors become dense here
    coefficients: list[Array] = []
    for t in op.parts:
        if len(t.factors) == 1 and t.is_selection and order == (0, 1):
            coefficients += [t.coefficient * np.eye(m, dtype=dtype), np.eye(n, dtype=dtype)]
        elif t.order == order and [f.shape for f in t.factors] == [(n, n), (m, m)]:
            right, left = (f.dense(dtype) for f in t.factors)
            coefficients += [t.coefficient * left, right.T]
        else:
            return None
    return MatrixEquation(GENERALIZED_SYLVESTER, tuple(coefficients), as_permutation(pairs[0]))


def _square_term(op: LinearOperator) -> Term | None:
    if isinstance(op, TermOperator) and len(op.parts) == 1:
        (term,) = op.parts
        if all(f.rows == f.cols for f in term.factors):
            return term
    return None


Maker = Callable[[], Factorization]


def _diagonal(op: LinearOperator) -> Maker | None:
    return (lambda: DiagonalFactorization(op)) if isinstance(op, Diagonal) else None


def _permutation(op: LinearOperator) -> Maker | None:
    if isinstance(op, Selection) and op.is_permutation:
        return lambda: PermutationFactorization(op)
    return None


def _kronecker(op: LinearOperator) -> Maker | None:
    term = _square_term(op)
    if term is None:
        return None
    has_sparse = any(f.is_sparse for f in term.factors)
    kind = SparseKroneckerFactorization if has_sparse else KroneckerFactorization
    return lambda: kind(term, op.dtype)


def _sylvester(op: LinearOperator) -> Maker | None:
    found = sylvester_of(op) if isinstance(op, TermOperator) else None
    return None if found is None else found.decompose


def _generalized_sylvester(op: LinearOperator) -> Maker | None:
    found = two_terms_of(op) if isinstance(op, TermOperator) else None
    return None if found is None else found.decompose


def _in_one_basis(kind: str) -> Callable[[LinearOperator], Maker | None]:
    def maker(op: LinearOperator) -> Maker | None:
        if not isinstance(op, TermOperator) or not pays(op):
            return None
        found = spectral(op)
        if found is None or found.kind != kind:
            return None
        return lambda: SpectralFactorization(op, found)

    return maker


def _inverse(op: LinearOperator) -> Maker | None:
    return (lambda: InverseFactorization(op)) if isinstance(op, Inverse) else None


def _chain(op: LinearOperator) -> Maker | None:
    if isinstance(op, Product) and all(a.shape[0] == a.shape[1] for a in op.chain):
        return lambda: ChainFactorization(op)
    return None


def _dense(op: LinearOperator) -> Maker | None:
    def make() -> Factorization:
        matrix = Factor(op.toarray(inexact_dtype(op.dtype)))  # MemoryError where it does not fit
        return KroneckerFactorization(Term(1, (matrix,), (0,)), op.dtype)

    return make


@dataclass(frozen=True)
class Method:
    """One line of the decision list."""

    name: str
    why: str
    maker: Callable[[LinearOperator], Maker | None]


#: The first that applies is used.
METHODS = (
    Method("diagonal", "it is diagonal: a division", _diagonal),
    Method("permutation", "it is a permutation: its transpose", _permutation),
    Method("kronecker", "one Kronecker term: an LU factorization of each factor", _kronecker),
    Method(
        "sylvester",
        "every term multiplies from one side, L X + X R: two Schur decompositions and a triangular "
        "solve",
        _sylvester,
    ),
    Method(
        "spectral",
        "all terms share one normal matrix, or commuting ones, in each mode: eigenvectors of each, "
        "and a division",
        _in_one_basis("spectral"),
    ),
    Method(
        "congruence",
        "in each mode two Hermitian matrices, one definite: generalized eigenvectors of each pair, "
        "and a division",
        _in_one_basis("congruence"),
    ),
    Method(
        "generalized-sylvester",
        "two terms, A X B + C X D: two generalized Schur decompositions and a triangular solve",
        _generalized_sylvester,
    ),
    Method(
        "schur",
        "all terms share one matrix, or commuting ones, in each mode: a Schur decomposition of "
        "each, and substitution",
        _in_one_basis("schur"),
    ),
    Method("inverse", "it is an inverse: a product", _inverse),
    Method("chain", "a product of square operators: each is solved with in turn", _chain),
    Method("dense", "no structure that a solver here uses: LU of the dense matrix", _dense),
)


def _choose(op: LinearOperator, method: str) -> tuple[Method, Maker]:
    """The first method of the list that applies, and what makes its decompositions."""
    names = [m.name for m in METHODS]
    if method != "auto" and method not in names:
        raise ValueError(f"method is {method!r}, but must be 'auto' or one of {names}")
    if op.shape[0] != op.shape[1]:
        raise np.linalg.LinAlgError(
            f"the operator has shape {op.shape}, but only a square one can be solved with"
        )
    structure = op._structure()
    for candidate in METHODS:
        if method in ("auto", candidate.name):
            maker = candidate.maker(structure)
            if maker is not None:
                return candidate, maker
    raise ValueError(f"method {method!r} does not apply to {structure!r}")


def decompose(op: LinearOperator) -> Factorization:
    """The decompositions of an operator, by the first method of the list that applies."""
    return _choose(op, "auto")[1]()


def factorize(op: LinearOperator, on_singular: str) -> Factorization:
    """``op.factorize``: the same, after its condition was judged."""
    require_on_singular("op.factorize", on_singular)
    factors = decompose(op)
    _judge("op.factorize", op, factors, on_singular)
    return factors


def select_method(op: LinearOperator) -> str:
    """The method that `solve` would use for an operator, and why, in one sentence.

    Parameters
    ----------
    op : LinearOperator

    Returns
    -------
    str
        ``"name: reason"``; the name can be given to ``solve(…, method=name)``.

    Raises
    ------
    numpy.linalg.LinAlgError
        When the operator is not square.

    Notes
    -----
    The rules are tried in the order diagonal, permutation, kronecker, sylvester, spectral,
    congruence, generalized-sylvester, schur, inverse, chain, dense.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.select_method(ox.kron([[2.0]], [[3.0]]))
    'kronecker: one Kronecker term: an LU factorization of each factor'
    """
    method, _ = _choose(op, "auto")
    return f"{method.name}: {method.why}"


# --- solving -------------------------------------------------------------------------------------


def _solve(
    op: LinearOperator, b: Array, on_singular: str, method: str, name: str
) -> tuple[Array, SolveInfo]:
    """x and how well it solves A x = b, for b (M,) or (M, k)."""
    require_on_singular(name, on_singular)
    chosen, maker = _choose(op, method)
    factors = maker()
    rcond = _judge(name, op, factors, on_singular)
    x = factors.solve(b)
    if rcond > 0 and not np.isfinite(x).all():
        raise np.linalg.LinAlgError(f"{name}: the solution overflows {x.dtype}")
    residual = _residual(op, x, b)
    if isinstance(op._structure(), TermOperator):  # whose norm is known: LU may lose all digits
        judge_residual(name, residual, float(np.finfo(x.dtype).eps))
    return x, SolveInfo(chosen.name, residual, rcond, 1.0, 0)


def _judge(name: str, op: LinearOperator, factors: Factorization, on_singular: str) -> float:
    """Raise or warn as the condition asks for, and return it."""
    rcond = factors.rcond()
    eps = float(np.finfo(inexact_dtype(op.dtype)).eps)
    judge_rcond(name, rcond, eps, on_singular, f"the operator is {op}")
    return rcond


def _residual(op: LinearOperator, x: Array, b: Array) -> float:
    """‖b - A x‖_F / (‖A‖ ‖x‖_F + ‖b‖_F), ‖A‖ the sum over terms of products of factors' norms."""
    with np.errstate(all="ignore"):
        scale = norm_bound(op._structure()) * np.linalg.norm(x) + np.linalg.norm(b)
        return float(np.linalg.norm(b - op @ x) / scale) if scale else 0.0


def solve_operator(op: LinearOperator, b: ArrayLike, on_singular: str, method: str) -> Array:
    """``op.solve``: see `LinearOperator.solve`."""
    x, _ = _solve_shaped(op, b, on_singular, method, "op.solve")
    return x


def _solve_shaped(
    op: LinearOperator, b: ArrayLike, on_singular: str, method: str, name: str
) -> tuple[Array, SolveInfo]:
    rhs = as_inexact("b", b)
    require_finite("b", rhs)
    if rhs.shape == op.out_shape and len(op.out_shape) != 1:
        flat = rhs.reshape(-1, order="F")
        x, info = _solve(op, flat, on_singular, method, name)
        return x.reshape(op.in_shape, order="F"), info
    if rhs.ndim not in (1, 2) or rhs.shape[0] != op.shape[0]:
        matrix = f" or {op.out_shape}" if len(op.out_shape) != 1 else ""
        raise ValueError(
            f"{name}: b has shape {rhs.shape}, but the operator has shape {op.shape}, so b must be "
            f"({op.shape[0]},), ({op.shape[0]}, k){matrix}"
        )
    return _solve(op, rhs, on_singular, method, name)


@overload
def solve(
    f_or_operator: Any,
    rhs: ArrayLike,
    *,
    shape: Shape | None = ...,
    method: str = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
) -> Array: ...
@overload
def solve(
    f_or_operator: Any,
    rhs: ArrayLike,
    *,
    shape: Shape | None = ...,
    method: str = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[True],
) -> tuple[Array, SolveInfo]: ...
def solve(
    f_or_operator: Any,
    rhs: ArrayLike,
    *,
    shape: Shape | None = None,
    method: str = "auto",
    on_singular: OnSingular = "raise",
    return_info: bool = False,
) -> Any:
    """Solve f(X) = RHS for X, where f is a linear function of a matrix, or an operator.

    ``solve(lambda X: A @ X + X @ B, Q)`` equals ``solve_sylvester(A, B, Q)`` and
    ``solve(lambda X: A @ X @ B, C)`` equals ``solve_axb(A, B, C)``: the structure is read off the
    function. Constant parts of f move to the right-hand side.

    Parameters
    ----------
    f_or_operator : callable or LinearOperator
        Ordinary NumPy code, linear (or affine) in its argument.
    rhs : array_like
        Of the shape of f's result; for an operator also (M,) or (M, k).
    shape : tuple of int, optional
        The shape of X, where it is neither that of `rhs` nor its reverse.
    method : str
        ``"auto"``, or one of the names that `select_method` returns.
    on_singular : {"raise", "warn"}
        What to do when the equation is singular to working precision (rcond < eps).
    return_info : bool
        Return ``(X, SolveInfo)``.

    Returns
    -------
    X : ndarray

    Raises
    ------
    numpy.linalg.LinAlgError
        When the equation is singular, or has not as many unknowns as equations.
    ValueError
        When f is not linear (the operation and its line are named), or the shape of X cannot be
        inferred, or `rhs` contains NaN or Inf.

    Warns
    -----
    IllConditionedWarning
        rcond < 1000 eps.

    Notes
    -----
    One run of f, then the cost of the method (see `select_method`).

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> A, B = np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([[1.0]])
    >>> ox.solve(lambda X: A @ X + X @ B - 1, [[4.0], [7.0]])
    array([[1.],
           [2.]])
    """
    if isinstance(f_or_operator, (LinearOperator, np.ndarray)) or not callable(f_or_operator):
        op = as_operator(f_or_operator)
        x, info = _solve_shaped(op, rhs, on_singular, method, "solve")
    else:
        x, info = _solve_function(f_or_operator, rhs, shape, on_singular, method)
    return (x, info) if return_info else x


def _solve_function(
    f: Callable[[Any], Any], rhs: ArrayLike, shape: Shape | None, on_singular: str, method: str
) -> tuple[Array, SolveInfo]:
    b = as_inexact("rhs", stop_gradient(rhs))
    require_finite("rhs", b)
    t = _affine_map(f, b, shape)
    op = Jacobian(Program(t))
    x, info = _solve_shaped(op, b - t.value, on_singular, method, "solve")
    if t.tape.meets_others or isinstance(rhs, Traced):
        x = solution(x, rhs - f(x), op)
    return x, info


def _affine_map(f: Callable[[Any], Any], b: Array, shape: Shape | None) -> Trace:
    """The trace at zero of an affine f whose result has the shape of b."""
    failures = []
    shapes = [b.shape, b.shape[::-1]] if shape is None else [tuple(shape)]
    for candidate in dict.fromkeys(shapes):
        zeros = [np.zeros(candidate, b.dtype)]
        try:
            t = trace(f, zeros, 0, require_linear=True, isolated=True)
        except NonlinearError as e:
            raise ValueError(
                f"solve: f is not linear in its argument: {e}; linearize(f, X) gives the linear "
                "equation of a Newton step"
            ) from None
        except np.linalg.LinAlgError:
            raise
        except ValueError as e:  # shapes that do not fit
            failures.append(f"for X of shape {candidate}: {e}")
            continue
        if t.value.shape == b.shape:
            if t.result is None:
                raise np.linalg.LinAlgError("solve: f does not depend on its argument")
            return t
        failures.append(f"for X of shape {candidate} f's result has shape {t.value.shape}")
    hint = "pass shape= for the shape of X" if shape is None else "shape= does not fit"
    raise ValueError(f"solve: rhs has shape {b.shape}, but {'; '.join(failures)}; {hint}")


registry.solving.update(solve_operator=solve_operator, factorize=factorize, decompose=decompose)
