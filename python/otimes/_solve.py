"""From structure to solver: one decision list, the same for `solve`, `factorize` and `op.solve`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from ._algebra import Diagonal, Inverse, LowRank, Product, Sum, as_operator
from ._check import Array, as_inexact, inexact_dtype, require_finite
from ._equations import SolveInfo, SylvesterFactor, judge_rcond
from ._lower import Jacobian, Program, from_columns, to_columns
from ._operator import LinearOperator, Shape, registry
from ._terms import Factor, Term, TermOperator, from_terms
from ._trace import NonlinearError, trace

Trans = Literal["N", "T", "H"]
OnSingular = Literal["raise", "warn"]


class Factorization(Protocol):
    """The decompositions of an operator, for any number of right-hand sides."""

    def solve(self, rhs: ArrayLike, trans: Trans = "N") -> Array:
        """The x with A x = rhs, Aᵀ x = rhs or Aᴴ x = rhs, for rhs (M,) or (M, k)."""

    def rcond(self) -> float:
        """σ_min(A)/σ_max(A), estimated."""


# --- factorizations ------------------------------------------------------------------------------


def _columns(rhs: ArrayLike, size: int) -> tuple[Array, Shape]:
    """A right-hand side as columns (M, k), and the shape to give back."""
    b = as_inexact("rhs", rhs)
    if b.ndim not in (1, 2) or b.shape[0] != size:
        raise ValueError(f"rhs has shape {b.shape}, but must be ({size},) or ({size}, k)")
    return b.reshape(size, b.shape[1] if b.ndim == 2 else 1), b.shape


class KroneckerFactorization:
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

    def rcond(self) -> float:
        return self._factor(self.dtype).rcond

    def solve(self, rhs: ArrayLike, trans: Trans = "N") -> Array:
        b, shape = _columns(rhs, self.term.rows)
        dtype = np.result_type(self.dtype, b.dtype)
        permutation = as_permutation(self.term)
        if permutation is not None and trans != "N":
            b = permutation @ b
        x = np.array(b, dtype, order="C")[None]
        if dtype.kind == "c" and self.dtype.kind != "c":  # real factors: two real columns each
            real = np.dtype(dtype.char.lower())
            self._factor(real).solve(trans, x.view(real))
        else:
            self._factor(dtype).solve(trans, x)
        c = np.conj(self.term.coefficient) if trans == "H" else self.term.coefficient
        y = x[0] if c == 1 else (x[0] / c).astype(dtype, copy=False)
        if permutation is not None and trans == "N":
            y = permutation.T @ y
        return np.asarray(y.reshape(shape))


def as_permutation(term: Term) -> LinearOperator | None:
    """The P of c (F₁⊗…⊗F_N) P, or None where it is the identity."""
    if not term.is_permuted:
        return None
    eyes = tuple(Factor(None, f.cols) for f in term.factors)
    flat = (term.cols,)
    return from_terms([Term(1, eyes, term.order)], flat, flat)


class SylvesterFactorization:
    """L X + X R = B in vec coordinates, (I⊗L + Rᵀ⊗I) P: two Schur decompositions."""

    def __init__(self, sides: Sides) -> None:
        require_finite("the operator", sides.left)
        require_finite("the operator", sides.right)
        self.sides = sides
        self.equation = SylvesterFactor(sides.left, sides.right)

    def rcond(self) -> float:
        return self.equation.rcond()

    def solve(self, rhs: ArrayLike, trans: Trans = "N") -> Array:
        m, n = self.equation.shape
        b, shape = _columns(rhs, m * n)
        p = self.sides.permutation
        if p is not None and trans != "N":
            b = p @ b
        x = to_columns(self.equation.solve(from_columns(b, (m, n)), trans))
        if p is not None and trans == "N":
            x = p.T @ x
        return np.ascontiguousarray(x).reshape(shape)


class DiagonalFactorization:
    """diag(d)."""

    def __init__(self, op: Diagonal) -> None:
        require_finite("the operator", op.entries)
        self.entries = op.entries

    def rcond(self) -> float:
        sizes = np.abs(self.entries)
        if sizes.size == 0:
            return 1.0
        return float(sizes.min() / sizes.max()) if sizes.max() else 0.0

    def solve(self, rhs: ArrayLike, trans: Trans = "N") -> Array:
        b, shape = _columns(rhs, len(self.entries))
        d = self.entries.conj() if trans == "H" else self.entries
        tiny = np.finfo(inexact_dtype(d.dtype)).eps * np.abs(d).max(initial=0)
        divisor = np.where(d == 0, tiny or 1, d)  # as LU treats a zero pivot, which rcond reports
        return np.asarray(b / divisor[:, None]).reshape(shape)


class ChainFactorization:
    """A₁ A₂ … A_k of square operators: each solved with in turn."""

    def __init__(self, op: Product) -> None:
        self.parts = [factorize(a) for a in op.chain]

    def rcond(self) -> float:
        return math.prod(part.rcond() for part in self.parts)

    def solve(self, rhs: ArrayLike, trans: Trans = "N") -> Array:
        x = as_inexact("rhs", rhs)
        for part in self.parts if trans == "N" else reversed(self.parts):
            x = part.solve(x, trans)
        return x


class InverseFactorization:
    """A⁻¹: solving is multiplying by A."""

    def __init__(self, op: Inverse) -> None:
        self.operator = op.operator if op.trans == "N" else op.operator.T

    def rcond(self) -> float:
        return factorize(self.operator).rcond()

    def solve(self, rhs: ArrayLike, trans: Trans = "N") -> Array:
        view = {"N": self.operator, "T": self.operator.T, "H": self.operator.H}[trans]
        product: Array = view @ as_inexact("rhs", rhs)
        return product


# --- what an operator's structure is --------------------------------------------------------------


class Sides(NamedTuple):
    """The equation L X + X R of an operator (I⊗L + Rᵀ⊗I) P."""

    left: Array
    right: Array
    permutation: LinearOperator | None


def sylvester_sides(op: TermOperator) -> Sides | None:
    """L and R when every term multiplies from one side only, else None."""
    pairs = [t for t in op.parts if len(t.factors) == 2]
    if not pairs:
        return None
    n, m = pairs[0].factors[0].rows, pairs[0].factors[1].rows
    order = pairs[0].order
    dtype = inexact_dtype(op.dtype)
    left, right = np.zeros((m, m), dtype), np.zeros((n, n), dtype)
    for t in op.parts:
        if len(t.factors) == 1 and t.is_selection and order == (0, 1):
            left += t.coefficient * np.eye(m, dtype=dtype)  # c I stands on either side
            continue
        if t.order != order or [f.shape for f in t.factors] != [(n, n), (m, m)]:
            return None
        first, second = t.factors
        if first.array is None:
            left += t.coefficient * second.dense(dtype)
        elif second.array is None:
            right += t.coefficient * first.array.T
        else:
            return None
    return Sides(left, right, as_permutation(pairs[0]))


def _square_term(op: LinearOperator) -> Term | None:
    if isinstance(op, TermOperator) and len(op.parts) == 1:
        (term,) = op.parts
        if all(f.rows == f.cols for f in term.factors):
            return term
    return None


Maker = Callable[[], Factorization]


def _diagonal(op: LinearOperator) -> Maker | None:
    return (lambda: DiagonalFactorization(op)) if isinstance(op, Diagonal) else None


def _kronecker(op: LinearOperator) -> Maker | None:
    term = _square_term(op)
    return None if term is None else lambda: KroneckerFactorization(term, op.dtype)


def _sylvester(op: LinearOperator) -> Maker | None:
    sides = sylvester_sides(op) if isinstance(op, TermOperator) else None
    return None if sides is None else lambda: SylvesterFactorization(sides)


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
    Method("kronecker", "one Kronecker term: an LU factorization of each factor", _kronecker),
    Method(
        "sylvester",
        "every term multiplies from one side, L X + X R: two Schur decompositions and a triangular "
        "solve",
        _sylvester,
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


def factorize(op: LinearOperator) -> Factorization:
    """The decompositions of an operator, by the first method of the list that applies."""
    return _choose(op, "auto")[1]()


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
    The rules are tried in the order diagonal, kronecker, sylvester, inverse, chain, dense.

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
    if on_singular not in ("raise", "warn"):
        raise ValueError(f'{name}: on_singular is {on_singular!r}, but must be "raise" or "warn"')
    chosen, maker = _choose(op, method)
    factors = maker()
    rcond = factors.rcond()
    eps = float(np.finfo(inexact_dtype(op.dtype)).eps)
    judge_rcond(name, rcond, eps, on_singular, 5, f"by the method {chosen.name!r} for {op}")
    x = factors.solve(b)
    if rcond > 0 and not np.isfinite(x).all():
        raise np.linalg.LinAlgError(f"{name}: the solution overflows {x.dtype}")
    return x, SolveInfo(chosen.name, _residual(op, x, b), rcond, 1.0, 0)


def _residual(op: LinearOperator, x: Array, b: Array) -> float:
    """‖b - A x‖_F / (‖A‖ ‖x‖_F + ‖b‖_F), ‖A‖ the sum over terms of products of factors' norms."""
    with np.errstate(all="ignore"):
        scale = norm_bound(op._structure()) * np.linalg.norm(x) + np.linalg.norm(b)
        return float(np.linalg.norm(b - op @ x) / scale) if scale else 0.0


def norm_bound(op: LinearOperator) -> float:
    """A bound of the Frobenius kind, Σ |c| ∏ ‖Fᵢ‖_F for a sum of terms."""
    match op:
        case TermOperator():
            return sum(map(_term_bound, op.parts))
        case Sum():
            return sum(abs(complex(c)) * norm_bound(a) for c, a in op.addends)
        case Product():
            return math.prod(norm_bound(a) for a in op.chain)
        case Diagonal():
            return float(np.linalg.norm(op.entries))
        case LowRank():
            return float(np.linalg.norm(op.left) * np.linalg.norm(op.right))
    return 0.0  # an unknown norm: the residual is measured against the right-hand side


def _term_bound(term: Term) -> float:
    norms = [float(np.linalg.norm(f.array)) for f in term.factors if f.array is not None]
    return abs(complex(term.coefficient)) * math.prod(norms)


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
    b = as_inexact("rhs", rhs)
    require_finite("rhs", b)
    op, constant = _linear_map(f, b, shape)
    return _solve_shaped(op, b - constant, on_singular, method, "solve")


def _linear_map(
    f: Callable[[Any], Any], b: Array, shape: Shape | None
) -> tuple[LinearOperator, Array]:
    """The operator and the constant part of an affine f whose result has the shape of b."""
    failures = []
    shapes = [b.shape, b.shape[::-1]] if shape is None else [tuple(shape)]
    for candidate in dict.fromkeys(shapes):
        try:
            t = trace(f, [np.zeros(candidate, b.dtype)], 0, require_linear=True)
        except NonlinearError as e:
            raise ValueError(
                f"solve: f is not linear in its argument: {e}; linearize(f, X) gives the linear "
                "equation of a Newton step"
            ) from None
        except ValueError as e:  # shapes that do not fit
            failures.append(f"for X of shape {candidate}: {e}")
            continue
        if t.value.shape == b.shape:
            if t.result is None:
                raise np.linalg.LinAlgError("solve: f does not depend on its argument")
            return Jacobian(Program(t)), t.value
        failures.append(f"for X of shape {candidate} f's result has shape {t.value.shape}")
    hint = "pass shape= for the shape of X" if shape is None else "shape= does not fit"
    raise ValueError(f"solve: rhs has shape {b.shape}, but {'; '.join(failures)}; {hint}")


registry.solving.update(solve_operator=solve_operator, factorize=factorize)
