"""LU factorizations of Kronecker products with sparse factors, by SciPy's SuperLU."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._check import Array, as_inexact, require_finite
from ._dtypes import inexact_dtype, real_dtype
from ._factor import Factor
from ._factorizations import (
    Factorization,
    KroneckerFactorization,
    Trans,
    as_columns,
    as_permutation,
)
from ._layout import along_axis
from ._sparse import SparseFactor
from ._terms import Term

_PROBES = 8  # steps of each power iteration


class SparseLU(Factorization):
    """P A Q = L U of a square sparse matrix."""

    def __init__(self, f: SparseFactor, dtype: np.dtype[Any]) -> None:
        from scipy.sparse.linalg import splu

        require_finite("the operator", f.values)
        self.matrix = f.csr.astype(dtype, copy=False)
        try:
            self.lu: Any = splu(self.matrix.tocsc())
        except RuntimeError:  # exactly singular
            self.lu = None

    def rcond(self) -> float:
        """σ_min/σ_max: power iterations from a fixed vector on AᴴA and on its inverse."""
        if self.lu is None:
            return 0.0
        adjoint = self.matrix.conj().T
        largest = self._norm(lambda x: self.matrix @ x, lambda y: adjoint @ y)
        inverse = self._norm(self.lu.solve, lambda y: self.lu.solve(y, "H"))
        rcond = 1 / (largest * inverse) if largest * inverse else 0.0
        return rcond if math.isfinite(rcond) else 0.0

    def _norm(self, apply: Callable[[Array], Array], adjoint: Callable[[Array], Array]) -> float:
        x = np.random.default_rng(0).standard_normal(self.matrix.shape[0])
        x = (x / np.linalg.norm(x)).astype(self.matrix.dtype)
        size = 0.0
        for _ in range(_PROBES):
            y = apply(x)
            size = float(np.linalg.norm(y))
            if size == 0 or not math.isfinite(size):
                return size
            z = adjoint(y / size)
            x = z / np.linalg.norm(z)
        return size

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        """The x with A x = rhs, Aᵀ x = rhs or Aᴴ x = rhs, for rhs (n, k)."""
        if self.lu is None:
            raise np.linalg.LinAlgError("a sparse factor is exactly singular")
        b = as_inexact("rhs", rhs)
        dtype = np.result_type(self.matrix.dtype, b.dtype)
        if dtype.kind == "c" and self.matrix.dtype.kind != "c":
            parts = self.solve(np.hstack([b.real, b.imag]), trans)
            real, imag = np.hsplit(parts, 2)
            return np.asarray(real + 1j * imag, dtype)
        x: Array = self.lu.solve(np.asarray(b, self.matrix.dtype, order="F"), trans)
        return x.astype(dtype, copy=False)


class SparseKroneckerFactorization(Factorization):
    """c (F₁⊗…⊗F_N) P with square factors, some of them sparse: each is solved with in turn."""

    def __init__(self, term: Term, dtype: np.dtype[Any]) -> None:
        self.term = term
        self.dtype = inexact_dtype(dtype)
        self.parts = [None if f.is_identity else self._part(f) for f in term.factors]

    def _part(self, f: Factor) -> Factorization:
        own = self.dtype if f.dtype.kind == "c" else real_dtype(self.dtype)
        if isinstance(f, SparseFactor):
            return SparseLU(f, own)
        return KroneckerFactorization(Term.of([f]), own)

    def rcond(self) -> float:
        return math.prod(part.rcond() for part in self.parts if part is not None)

    def _solve(self, rhs: ArrayLike, trans: Trans) -> Array:
        b, shape = as_columns(rhs, self.term.rows)
        permutation = as_permutation(self.term)
        x = b if permutation is None or trans == "N" else permutation @ b
        x = self._solve_modes(x, trans)
        c = np.conj(self.term.coefficient) if trans == "H" else self.term.coefficient
        x = (x if c == 1 else x / c).astype(np.result_type(self.dtype, b.dtype), copy=False)
        x = x if permutation is None or trans != "N" else permutation.T @ x
        return np.asarray(x.reshape(shape))

    def _solve_modes(self, x: Array, trans: Trans) -> Array:
        """The factors' inverses along their modes of columns x (N, k)."""
        modes = x.reshape(*(f.rows for f in self.term.factors), x.shape[1])
        for axis, part in enumerate(self.parts):
            if part is not None:
                modes = along_axis(partial(part.solve, trans=trans), modes, axis)
        return modes.reshape(x.shape)
