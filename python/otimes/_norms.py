"""How large an operator is: bounds from its structure, and estimates."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._check import Array
from ._compounds import Product, Sum
from ._operator import LinearOperator
from ._real_linear import RealLinear
from ._structures import Diagonal, LowRank
from ._terms import Term, TermOperator


def norm_bound(op: LinearOperator) -> float:
    """A bound of the Frobenius kind, Σ |c| ∏ ‖Fᵢ‖_F for a sum of terms; 0 where none is known."""
    match op:
        case TermOperator():
            return sum(map(term_bound, op.parts))
        case RealLinear():
            return norm_bound(op.linear._structure()) + norm_bound(op.conjugated._structure())
        case Sum():
            return sum(abs(complex(c)) * norm_bound(a) for c, a in op.addends)
        case Product():
            return math.prod(norm_bound(a) for a in op.chain)
        case Diagonal():
            return float(np.linalg.norm(op.entries))
        case LowRank():
            return float(np.linalg.norm(op.left) * np.linalg.norm(op.right))
    return 0.0


def term_bound(term: Term) -> float:
    """|c| ∏ ‖Fᵢ‖_F."""
    return abs(complex(term.coefficient)) * math.prod(f.norm() for f in term.factors)


def map_norm(
    forward: Callable[[Array], Array], adjoint: Callable[[Array], Array], n: int, dtype: Any
) -> float:
    """‖F‖₂ from below, by power iteration on Fᴴ F from a fixed vector without small entries."""
    k = np.arange(1.0, n + 1)
    z = (np.where(np.sin(1000 * k) < 0, -1, 1) * (0.75 + 0.25 * np.cos(7 * k))).astype(dtype)
    z, norm = z[:, None] / np.linalg.norm(z), 0.0
    for step in (forward, adjoint) * 3:
        z = step(z)
        norm = float(np.linalg.norm(z))
        if norm == 0 or not math.isfinite(norm):
            break
        z = z / norm
    return norm


def norm_estimate(op: LinearOperator) -> float:
    """‖A‖₂ from below."""
    dtype = np.result_type(op.dtype, np.float32)
    return map_norm(lambda z: op @ z, lambda z: op.H @ z, op.shape[1], dtype)


def operator_norm(op: LinearOperator) -> float:
    """‖A‖, a bound from its terms or an estimate."""
    return norm_bound(op._structure()) or norm_estimate(op)


def relative_residual(op: LinearOperator, x: Array, b: Array) -> float:
    """‖b - A x‖_F / (‖A‖ ‖x‖_F + ‖b‖_F), ‖A‖ the sum over terms of products of factors' norms."""
    with np.errstate(all="ignore"):
        scale = norm_bound(op._structure()) * np.linalg.norm(x) + np.linalg.norm(b)
        return float(np.linalg.norm(b - op @ x) / scale) if scale else 0.0
