"""Sums, products and transpositions: the operations that are linear in each argument."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._tape import where
from .._terms import label_map, label_product
from .._trace import rule


def _keep(label: Any, *others: Any) -> Any:
    return label


@rule(np.add, linear="jointly")
def add(a: Any, b: Any) -> Any:
    """d(A + B) = dA + dB, each broadcast to the result's shape."""
    value = np.add(a, b)
    return value, (lambda da: da.broadcast(value.shape), lambda db: db.broadcast(value.shape))


@rule(np.subtract, linear="jointly")
def subtract(a: Any, b: Any) -> Any:
    value = np.subtract(a, b)
    return value, (lambda da: da.broadcast(value.shape), lambda db: -db.broadcast(value.shape))


@rule(np.negative, linear="jointly")
def negative(a: Any) -> Any:
    return -a, (lambda da: -da,)


@rule(np.positive, linear="jointly", label=_keep)
def positive(a: Any) -> Any:
    return a, (lambda da: da,)


@rule(np.conjugate, linear="jointly", label=_keep)
def conjugate(a: Any) -> Any:
    """d(conj A) = conj(dA), a linear map for real A only."""
    if a.dtype.kind == "c":
        raise NotImplementedError(
            f"np.conj of a complex variable at {where()} has no complex derivative"
        )
    return a, (lambda da: da,)


@rule(np.multiply, linear="each", last_first=True)
def multiply(a: Any, b: Any) -> Any:
    """d(A ∘ B) = dA ∘ B + A ∘ dB."""
    return np.multiply(a, b), (lambda da: da * b, lambda db: a * db)


@rule(np.divide, linear="first")
def divide(a: Any, b: Any) -> Any:
    """d(A / B) = dA / B - A ∘ dB / B²."""
    value = np.divide(a, b)
    return value, (lambda da: da * np.divide(1, b), lambda db: db * (-value / b))


@rule(np.matmul, linear="each", label=label_product, last_first=True)
def matmul(a: Any, b: Any) -> Any:
    """d(A B) = A dB + dA B."""
    return np.matmul(a, b), (lambda da: da @ b, lambda db: a @ db)


@rule(np.dot, linear="each", label=label_product, last_first=True)
def dot(a: Any, b: Any) -> Any:
    return multiply(a, b) if np.ndim(a) == 0 or np.ndim(b) == 0 else matmul(a, b)


@rule(np.transpose, linear="jointly", label=lambda label, *_: label_map(label, "T"))
def transpose(a: Any, axes: Any = None) -> Any:
    """d(Aᵀ) = (dA)ᵀ."""
    value = np.transpose(a, axes)
    order = tuple(reversed(range(a.ndim))) if axes is None else tuple(k % a.ndim for k in axes)
    return value, (lambda da: da.permute(order),)


@rule(np.matrix_transpose, linear="jointly", label=lambda label: label_map(label, "T"))
def matrix_transpose(a: Any) -> Any:
    *lead, m, n = range(a.ndim)
    return np.matrix_transpose(a), (lambda da: da.permute((*lead, n, m)),)


@rule(np.kron, linear="each", last_first=True)
def kron(a: Any, b: Any) -> Any:
    """d(A⊗B) = dA⊗B + A⊗dB."""
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 2 or b.ndim != 2:
        raise NotImplementedError(
            f"np.kron of arrays of shapes {a.shape} and {b.shape} cannot be traced; matrices can"
        )

    return np.kron(a, b), (lambda da: da.kron_before(b), lambda db: db.kron_after(a))
