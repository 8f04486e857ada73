"""Inverses, traces and determinants."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._terms import label_inverse
from .._trace import rule


def _require_matrix(what: str, a: Any) -> None:
    if a.ndim != 2:
        raise NotImplementedError(
            f"{what} of an array of shape {a.shape} cannot be traced; a matrix can"
        )


@rule(np.linalg.inv, label=label_inverse)
def inv(a: Any) -> Any:
    """d(A⁻¹) = -A⁻¹ dA A⁻¹. Magnus & Neudecker, 8.4."""
    y = np.linalg.inv(a)
    _require_matrix("np.linalg.inv", a)
    return y, (lambda da: -(y @ da @ y),)


@rule(np.trace, linear="jointly")
def trace(a: Any) -> Any:
    """d tr A = tr dA."""
    value = np.trace(a)
    _require_matrix("np.trace", a)
    return value, (lambda da: da.inner(np.eye(*a.shape)),)


@rule(np.linalg.det)
def det(a: Any) -> Any:
    """d det A = tr(adj(A) dA), which is det(A) tr(A⁻¹ dA) where A is regular."""
    value = np.linalg.det(a)
    _require_matrix("np.linalg.det", a)
    return value, (lambda da: da.inner(cofactors(a)),)


@rule(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """d log|det A| = tr(A⁻¹ dA); the sign is locally constant."""
    value = np.linalg.slogdet(a)
    _require_matrix("np.linalg.slogdet", a)
    if a.dtype.kind == "c":
        raise NotImplementedError("np.linalg.slogdet of a complex matrix cannot be traced")
    return value, (None, (lambda da: da.inner(np.linalg.inv(a).T),))


def cofactors(a: Any) -> Any:
    """The gradient of det, (adj A)ᵀ, also where A is singular: by the SVD A = U S Vᴴ.

    adj(A)ᵀ = det(U) det(Vᴴ) conj(U) adj(S) conj(Vᴴ); the products of all singular values but one
    need no division.
    """
    u, s, vh = np.linalg.svd(a)
    one = np.ones(min(s.size, 1), s.dtype)
    before = np.concatenate([one, np.cumprod(s)[:-1]])
    after = np.concatenate([np.cumprod(s[::-1])[::-1][1:], one])
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return (sign * u.conj() * (before * after)) @ vh.conj()
