"""Functions that act entry by entry: df(A) = f'(A) ∘ dA."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._trace import rule

#: f -> (A, f(A)) ↦ f'(A)
DERIVATIVES: dict[np.ufunc, Any] = {
    np.exp: lambda a, y: y,
    np.log: lambda a, y: 1 / a,
    np.sqrt: lambda a, y: 0.5 / y,
    np.square: lambda a, y: 2 * a,
    np.reciprocal: lambda a, y: -y * y,
    np.sin: lambda a, y: np.cos(a),
    np.cos: lambda a, y: -np.sin(a),
    np.tanh: lambda a, y: 1 - y * y,
}


def _register(f: np.ufunc, derivative: Any) -> None:
    def forward(a: Any) -> Any:
        y = f(a)
        return y, (lambda da: da * derivative(a, y),)

    rule(f)(forward)


for _f, _derivative in DERIVATIVES.items():
    _register(_f, _derivative)


@rule(np.power)
def power(a: Any, k: Any) -> Any:
    """d(Aᵏ) = k Aᵏ⁻¹ ∘ dA + Aᵏ log A ∘ dk, entry by entry."""
    y = np.power(a, k)
    # 0·A⁻¹ and 0·log 0 are the limits zero, not nan
    slope = k * np.power(a, np.where(np.equal(k, 0), 1, np.subtract(k, 1)))
    return y, (lambda da: da * slope, lambda dk: dk * (y * np.log(np.where(a == 0, 1, a))))
