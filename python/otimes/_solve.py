"""From structure to solver: one decision list, the same for `solve`, `factorize` and `op.solve`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from ._algebra import as_operator
from ._check import Array, as_inexact, inexact_dtype, require_dense, require_finite
from ._equation import Equation
from ._equations import AXB_CXTD, HSYLVESTER, SYLVESTER, TSYLVESTER
from ._expansion import in_terms
from ._factorizations import (
    ChainFactorization,
    DiagonalFactorization,
    Factorization,
    InverseFactorization,
    KroneckerFactorization,
    MatrixEquation,
    PermutationFactorization,
    RealLinearFactorization,
    as_permutation,
)
from ._implicit import solution
from ._iterative import KrylovFactorization, Options
from ._krylov import Callback
from ._lower import Program
from ._lyapunov import CONTINUOUS_LYAPUNOV, DISCRETE_LYAPUNOV, STEIN
from ._min_norm import LeastSquaresFactorization, relative_residual
from ._operator import LinearOperator, Scalar, Shape, registry
from ._pencil_equations import GENERALIZED_SYLVESTER
from ._real_linear import (
    RealLinear,
    from_coordinates,
    in_coordinates,
    linear_operator,
)
from ._solve_info import (
    OnSingular,
    SolveInfo,
    judge_rcond,
    judge_residual,
    require_on_singular,
)
from ._sparse_lu import SparseKroneckerFactorization
from ._spectral import SpectralFactorization, pays, real_schur, spectral
from ._structures import Diagonal, Inverse, Product, Selection
from ._symmetric import restricted_of
from ._terms import Factor, Term, TermOperator, from_terms
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
    permutation = as_permutation(pairs[0])
    if np.array_equal(right, left.conj().T):
        return MatrixEquation(CONTINUOUS_LYAPUNOV, (left,), permutation)
    return MatrixEquation(SYLVESTER, (left, right), permutation)


def stein_of(op: TermOperator) -> MatrixEquation | None:
    """c (X - L X R), when one of two terms multiplies from both sides and one not at all."""
    if len(op.parts) != 2:
        return None
    one, pair = sorted(op.parts, key=lambda t: len(t.factors) == 2 and not _is_multiple_of_one(t))
    order = one.order if len(one.factors) == 2 else (0, 1)
    if len(pair.factors) != 2 or not _is_multiple_of_one(one) or pair.order != order:
        return None
    if any(f.rows != f.cols for f in pair.factors):
        return None
    dtype = inexact_dtype(op.dtype)
    right, left = pair.factors[0].dense(dtype).T, pair.factors[1].dense(dtype)
    ratio = -pair.coefficient / one.coefficient
    permutation = as_permutation(pair)
    if ratio == 1 and np.array_equal(right, left.conj().T):
        return MatrixEquation(DISCRETE_LYAPUNOV, (left,), permutation, one.coefficient)
    return MatrixEquation(STEIN, (ratio * left, right), permutation, one.coefficient)


def _is_multiple_of_one(term: Term) -> bool:
    """Say whether it is c I or c P."""
    return all(f.is_identity for f in term.factors)


def _one_term(
    terms: list[Term], dtype: np.dtype[Any], side: Literal["left", "right"]
) -> tuple[Factor, Factor] | None:
    """(L, R) with L X R the sum of these terms, where they have the left or the right in common.

    A multiple of X itself goes into the factor on this side.
    """
    split = [(t.coefficient, t.factors[1], t.factors[0].transpose()) for t in terms]
    _, left, right = split[0]
    has_left = all(f.equals(left) for _, f, _ in split)
    goes_right = has_left and left.is_identity and not (side == "left" and right.is_identity)
    if all(r.equals(right) for _, _, r in split) and not goes_right:
        return _total([(c, f) for c, f, _ in split], dtype), right
    return (left, _total([(c, r) for c, _, r in split], dtype)) if has_left else None


def _total(weighted: list[tuple[Scalar, Factor]], dtype: np.dtype[Any]) -> Factor:
    if len(weighted) == 1 and weighted[0][0] == 1:
        return weighted[0][1]
    total = np.zeros(weighted[0][1].shape, dtype)
    for c, f in weighted:
        total += c * f.dense(dtype)
    return Factor(total)


def transposed_of(op: TermOperator) -> MatrixEquation | None:
    """A X B + C Xᵀ D with square coefficients, when the terms are that or add up to it."""
    plain, crossed = ([t for t in op.parts if t.order == order] for order in ((0, 1), (1, 0)))
    numbers = [t for t in op.parts if len(t.factors) == 1 and t.is_selection]
    if not crossed or len(plain) + len(crossed) + len(numbers) != len(op.parts):
        return None
    n = crossed[0].factors[0].rows
    if any(f.shape != (n, n) for t in plain + crossed for f in t.factors):
        return None
    one = Factor(None, n)
    plain += [Term(t.coefficient, (one, one), (0, 1)) for t in numbers]
    dtype = inexact_dtype(op.dtype)
    require_dense((n, 4 * n), dtype)  # sparse factors become dense here
    first = _one_term(plain, dtype, "left") if plain else None
    second = _one_term(crossed, dtype, "right")
    if first is None or second is None:
        return None
    (a, b), (c, d) = first, second
    if b.is_identity and c.is_identity:
        return MatrixEquation(TSYLVESTER, (a.dense(dtype), d.dense(dtype)))
    return MatrixEquation(AXB_CXTD, tuple(f.dense(dtype) for f in (a, b, c, d)))


def conjugated_of(op: RealLinear) -> MatrixEquation | None:
    """A X + Xᴴ B in complex X: as `transposed_of` finds A X + Xᵀ B, if Xᵀ stands for X̄ᵀ alone."""
    linear, conjugated = map(in_terms, (op.linear._structure(), op.conjugated._structure()))
    if not (isinstance(linear, TermOperator) and isinstance(conjugated, TermOperator)):
        return None
    if any(t.is_permuted for t in linear.parts):
        return None
    if not all(t.is_permuted and t.order == (1, 0) for t in conjugated.parts):
        return None
    terms = (*linear.parts, *conjugated.parts)
    both = from_terms(terms, linear.in_shape, linear.out_shape)
    found = transposed_of(both) if isinstance(both, TermOperator) else None
    if found is None or found.equation is not TSYLVESTER:
        return None
    return found._replace(equation=HSYLVESTER)


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


def _stein(op: LinearOperator) -> Maker | None:
    found = stein_of(op) if isinstance(op, TermOperator) else None
    return None if found is None else found.decompose


def _transposed(equation: Equation) -> Callable[[LinearOperator], Maker | None]:
    def maker(op: LinearOperator) -> Maker | None:
        found = transposed_of(op) if isinstance(op, TermOperator) else None
        if found is None or found.equation is not equation:
            return None
        return found.decompose

    return maker


def _conjugated(op: LinearOperator) -> Maker | None:
    found = conjugated_of(op) if isinstance(op, RealLinear) else None
    return None if found is None else lambda: RealLinearFactorization(found.decompose())


def _of_conjugate(op: LinearOperator) -> Maker | None:
    if not isinstance(op, RealLinear) or not op.is_conjugate:
        return None
    return lambda: RealLinearFactorization(decompose(op.conjugated), conjugates=True)


def _generalized_sylvester(op: LinearOperator) -> Maker | None:
    found = two_terms_of(op) if isinstance(op, TermOperator) else None
    return None if found is None else found.decompose


def _in_one_basis(kind: str) -> Callable[[LinearOperator], Maker | None]:
    def maker(op: LinearOperator) -> Maker | None:
        if not isinstance(op, TermOperator) or not pays(op):
            return None
        found = real_schur(op) or spectral(op)
        if found is None or found.kind != kind:
            return None
        return lambda: SpectralFactorization(op, found)

    return maker


def _inverse(op: LinearOperator) -> Maker | None:
    return (lambda: InverseFactorization(op)) if isinstance(op, Inverse) else None


def _symmetric(op: LinearOperator) -> Maker | None:
    found = restricted_of(op)
    return None if found is None else found.decompose


def _chain(op: LinearOperator) -> Maker | None:
    if isinstance(op, Product) and all(a.shape[0] == a.shape[1] for a in op.chain):
        return lambda: ChainFactorization(op)
    return None


def _dense(op: LinearOperator) -> Maker | None:
    def make() -> Factorization:
        matrix = Factor(op.toarray(inexact_dtype(op.dtype)))  # MemoryError where it does not fit
        return KroneckerFactorization(Term(1, (matrix,), (0,)), op.dtype)

    return make


def _krylov(op: LinearOperator) -> Maker | None:
    return lambda: KrylovFactorization(op)


def _is_small(op: LinearOperator) -> bool:
    """Whether LU of the dense matrix is preferred to an iteration."""
    return op.shape[0] <= 1500 or not isinstance(op, (TermOperator, RealLinear))


@dataclass(frozen=True)
class Method:
    """One line of the decision list; `suits` says what it is chosen for without being named."""

    name: str
    why: str
    maker: Callable[[LinearOperator], Maker | None]
    suits: Callable[[LinearOperator], bool] = lambda op: True


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
        "tsylvester",
        "one term multiplies X from the left, one Xᵀ from the right, A X + Xᵀ B: a Schur form of "
        "a pencil, and substitution by pairs of entries",
        _transposed(TSYLVESTER),
    ),
    Method(
        "hsylvester",
        "one term multiplies a complex X from the left, one Xᴴ from the right, A X + Xᴴ B: a Schur "
        "form of a pencil, and substitution by pairs of entries",
        _conjugated,
    ),
    Method("conjugate", "it holds X̄, but not X: X̄ is solved for", _of_conjugate),
    Method(
        "axb-cxtd",
        "one term with X and one with Xᵀ, A X B + C Xᵀ D: two coefficients are divided by, which "
        "leaves A X + Xᵀ B",
        _transposed(AXB_CXTD),
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
        "stein",
        "a multiple of X and one term from both sides, c X + L X R: two Schur decompositions and a "
        "triangular solve",
        _stein,
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
    Method(
        "symmetric",
        "an equation in vech coordinates, such as Dᵀ M D, whose M keeps matrices symmetric: the "
        "decompositions of M",
        _symmetric,
    ),
    Method("chain", "a product of square operators: each is solved with in turn", _chain),
    Method(
        "dense", "no structure that a solver here uses: LU of the dense matrix", _dense, _is_small
    ),
    Method(
        "gmres",
        "a large sum of terms that share no basis: GMRES, or CG where all is definite, "
        "preconditioned by the nearest operator of one or two terms",
        _krylov,
    ),
)


def _choose(op: LinearOperator, method: str) -> tuple[Method, Maker]:
    """The first method of the list that applies, and what makes its decompositions."""
    names = [m.name for m in METHODS]
    if method != "auto" and method not in names:
        raise ValueError(f"method is {method!r}, but must be 'auto' or one of {names}")
    if op.shape[0] != op.shape[1]:
        raise np.linalg.LinAlgError(
            f"the operator has shape {op.shape}, but only a square one can be solved with; "
            'on_singular="lstsq" gives the least-squares solution of minimum norm'
        )
    structure = in_terms(op._structure())
    for candidate in METHODS:
        if method == candidate.name or (method == "auto" and candidate.suits(structure)):
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
    _, factors, rcond = _attempt(op, "auto", on_singular, Options())
    _judge("op.factorize", op, rcond, on_singular)
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
    The rules are tried in the order diagonal, permutation, kronecker, sylvester, tsylvester,
    hsylvester, conjugate, axb-cxtd, spectral, congruence, stein, generalized-sylvester, schur,
    inverse, symmetric, chain, dense (up to 1500 unknowns, where the operator is a sum of Kronecker
    terms), gmres. Chains of factors that are not square are multiplied out first. Of a complex X
    whose conjugate occurs the real and the imaginary parts count as unknowns.

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
    op: LinearOperator, b: Array, on_singular: str, method: str, name: str, options: Options
) -> tuple[Array, SolveInfo]:
    """x and how well it solves A x = b, for b (M,) or (M, k)."""
    require_on_singular(name, on_singular)
    chosen, factors, rcond = _attempt(op, method, on_singular, options)
    _judge(name, op, rcond, on_singular)
    try:
        x = factors.solve(b)
    except np.linalg.LinAlgError:  # GMRES has stagnated, as it does for a singular operator
        if on_singular != "lstsq" or isinstance(factors, LeastSquaresFactorization):
            raise
        factors = _least_squares(op, options)
        chosen, x = factors.name, factors.solve(b)
    if rcond > 0 and not np.isfinite(x).all():
        raise np.linalg.LinAlgError(f"{name}: the solution overflows {x.dtype}")
    residual = relative_residual(op, x, b)
    is_judged = isinstance(op._structure(), TermOperator) and not _has_own_tolerance(factors)
    if is_judged:  # the operator's norm is known: LU may lose all digits
        judge_residual(name, residual, rcond, float(np.finfo(x.dtype).eps))
    return x, SolveInfo(chosen, residual, rcond, 1.0, getattr(factors, "iterations", 0))


def _has_own_tolerance(factors: Factorization) -> bool:
    return isinstance(factors, (KrylovFactorization, LeastSquaresFactorization))


def _attempt(
    op: LinearOperator, method: str, on_singular: str, options: Options
) -> tuple[str, Factorization, float]:
    """The name of the method, the decompositions and their rcond."""
    if on_singular == "lstsq" and op.shape[0] != op.shape[1]:
        least_squares = _least_squares(op, options)
        return least_squares.name, least_squares, least_squares.rcond()
    chosen, maker = _choose(op, method)
    factors = maker()
    if isinstance(factors, KrylovFactorization):
        factors.options = options
    rcond = factors.rcond()
    if on_singular == "lstsq" and rcond < np.finfo(inexact_dtype(op.dtype)).eps:
        least_squares = _least_squares(op, options)
        return least_squares.name, least_squares, rcond
    return chosen.name, factors, rcond


def _least_squares(op: LinearOperator, options: Options) -> LeastSquaresFactorization:
    factors = LeastSquaresFactorization(op)
    factors.options = options
    return factors


def _judge(name: str, op: LinearOperator, rcond: float, on_singular: str) -> None:
    """Raise or warn as the condition asks for."""
    eps = float(np.finfo(inexact_dtype(op.dtype)).eps)
    if on_singular != "lstsq" or rcond >= eps:
        judge_rcond(name, rcond, eps, on_singular, f"the operator is {op}")


def solve_operator(op: LinearOperator, b: ArrayLike, on_singular: str, method: str) -> Array:
    """``op.solve``: see `LinearOperator.solve`."""
    x, _ = _solve_shaped(op, b, on_singular, method, "op.solve", Options())
    return x


def _solve_shaped(
    op: LinearOperator, b: ArrayLike, on_singular: str, method: str, name: str, options: Options
) -> tuple[Array, SolveInfo]:
    rhs = as_inexact("b", b)
    require_finite("b", rhs)
    if rhs.shape == op.out_shape and len(op.out_shape) != 1:
        flat = rhs.reshape(-1, order="F")
        x, info = _solve(op, flat, on_singular, method, name, options)
        return x.reshape(op.in_shape, order="F"), info
    if rhs.ndim not in (1, 2) or rhs.shape[0] != op.shape[0]:
        matrix = f" or {op.out_shape}" if len(op.out_shape) != 1 else ""
        raise ValueError(
            f"{name}: b has shape {rhs.shape}, but the operator has shape {op.shape}, so b must be "
            f"({op.shape[0]},), ({op.shape[0]}, k){matrix}"
        )
    return _solve(op, rhs, on_singular, method, name, options)


@overload
def solve(
    f_or_operator: Any,
    rhs: ArrayLike,
    *,
    shape: Shape | None = ...,
    method: str = ...,
    on_singular: OnSingular = ...,
    return_info: Literal[False] = ...,
    tol: float | None = ...,
    maxiter: int | None = ...,
    callback: Callback | None = ...,
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
    tol: float | None = ...,
    maxiter: int | None = ...,
    callback: Callback | None = ...,
) -> tuple[Array, SolveInfo]: ...
def solve(
    f_or_operator: Any,
    rhs: ArrayLike,
    *,
    shape: Shape | None = None,
    method: str = "auto",
    on_singular: OnSingular = "raise",
    return_info: bool = False,
    tol: float | None = None,
    maxiter: int | None = None,
    callback: Callback | None = None,
) -> Any:
    """Solve f(X) = RHS for X, where f is a linear function of a matrix, or an operator.

    ``solve(lambda X: A @ X + X @ B, Q)`` equals ``solve_sylvester(A, B, Q)`` and
    ``solve(lambda X: A @ X @ B, C)`` equals ``solve_axb(A, B, C)``: the structure is read off the
    function. f may be affine: f(X) = L(X) + K is solved as L(X) = RHS - K, K = f(0). With X̄, Xᴴ,
    Re X or Im X of a complex X it is linear over the reals only, and solved as that.

    Parameters
    ----------
    f_or_operator : callable or LinearOperator
        Ordinary NumPy code, linear (or affine) in its argument.
    rhs : array_like
        Of the shape of f's result; for an operator also (M,) or (M, k).
    shape : tuple of int, optional
        The shape of X. Without it f is tried with the shape of `rhs`, then with its reverse: the
        first that f accepts and whose result has the shape of `rhs`.
    method : str
        ``"auto"``, or one of the names that `select_method` returns.
    on_singular : {"raise", "warn", "lstsq"}
        What to do when the equation is singular to working precision (rcond < eps). "lstsq" gives
        the least-squares solution of minimum norm, also where there are not as many unknowns as
        equations: by SVD up to 2000 rows and columns, values up to ``max(M, N) * eps`` times the
        largest counting as zero, else by LSMR.
    return_info : bool
        Return ``(X, SolveInfo)``.
    tol : float, optional
        The residual, as `SolveInfo` defines it, at which an iteration stops; 10 eps by default.
        LSMR also stops at ‖Mᴴ r‖ ≤ tol ‖M‖ ‖r‖, as where no X solves the equation. Only GMRES, CG
        and LSMR iterate; direct methods do without `tol`, `maxiter` and `callback`.
    maxiter : int, optional
        The most iterations for one right-hand side, `LinAlgError` if they do not reach `tol`: by
        default 1000, and for LSMR twice the number of unknowns or of equations, the larger.
    callback : callable, optional
        ``callback(iteration, residual)`` after every iteration; what it returns is not used, what
        it raises ends the solve.

    Returns
    -------
    X : ndarray

    Raises
    ------
    numpy.linalg.LinAlgError
        When the equation is singular, or has not as many unknowns as equations (`on_singular`
        decides), or an iteration does not converge.
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
    options = Options(tol, maxiter, callback)
    options.require()
    if isinstance(f_or_operator, (LinearOperator, np.ndarray)) or not callable(f_or_operator):
        op = as_operator(f_or_operator)
        x, info = _solve_shaped(op, rhs, on_singular, method, "solve", options)
    else:
        x, info = _solve_function(f_or_operator, rhs, shape, on_singular, method, options)
    return (x, info) if return_info else x


def _solve_function(
    f: Callable[[Any], Any],
    rhs: ArrayLike,
    shape: Shape | None,
    on_singular: str,
    method: str,
    options: Options,
) -> tuple[Array, SolveInfo]:
    b = as_inexact("rhs", stop_gradient(rhs))
    require_finite("rhs", b)
    t = _affine_map(f, b, shape)
    op = linear_operator(Program(t))
    right = in_coordinates(op, b - t.value)
    x, info = _solve_shaped(op, right, on_singular, method, "solve", options)
    if t.tape.meets_others or isinstance(rhs, Traced):
        x = solution(x, lambda y: in_coordinates(op, rhs - f(from_coordinates(op, y))), op)
    return from_coordinates(op, x), info


def linear_map(f: Callable[[Any], Any], b: Array) -> tuple[LinearOperator, Array]:
    """The operator and the constant part of an affine f of matrices of b's shape."""
    t = _affine_map(f, b, b.shape)
    return linear_operator(Program(t)), t.value


def _affine_map(f: Callable[[Any], Any], b: Array, shape: Shape | None) -> Trace:
    """The trace at zero of an affine f whose result has the shape of b."""
    failures = []
    shapes = [b.shape, b.shape[::-1]] if shape is None else [tuple(shape)]
    for candidate in dict.fromkeys(shapes):
        try:
            t = _trace_at_zero(f, candidate, b.dtype)
        except NonlinearError as e:
            raise ValueError(
                f"solve: f is not linear in its argument: {e}; otimes.root solves nonlinear "
                "equations, linearize(f, X) gives the linear one of a Newton step"
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


def _trace_at_zero(f: Callable[[Any], Any], shape: Shape, dtype: np.dtype[Any]) -> Trace:
    """The trace of f at a zero that is complex where f's result is: then so is the solution."""
    zero = np.zeros(shape, dtype)
    t = trace(f, [zero], 0, require_linear=True, isolated=True, analytic=False)
    if t.value.dtype.kind == "c" and dtype.kind != "c":  # conj has been left out, and may not be
        return _trace_at_zero(f, shape, np.result_type(dtype, np.complex64))
    return t


registry.solving.update(
    solve_operator=solve_operator,
    factorize=factorize,
    decompose=decompose,
    linear_map=linear_map,
)
