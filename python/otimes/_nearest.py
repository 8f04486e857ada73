"""The best sum of Kronecker terms: Van Loan and Pitsianis."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._check import Array, Shape, as_inexact, is_hermitian, require_finite
from ._dtypes import inexact_dtype
from ._factor import Factor
from ._operator import LinearOperator
from ._terms import Term, TermOperator, flat_operator, from_terms


def nearest_kronecker(
    a: ArrayLike | LinearOperator, shape_a: Shape, shape_b: Shape, rank: int = 1
) -> LinearOperator:
    """min ‖M − Σᵣ Aᵣ⊗Bᵣ‖_F: the nearest Kronecker product, or sum of `rank` of them, of a matrix M.

    Parameters
    ----------
    a : array_like or LinearOperator, shape (m₁m₂, n₁n₂)
        The matrix M. An operator that is a sum of Kronecker terms with factors of these shapes is
        not formed.
    shape_a, shape_b : (int, int)
        The shapes (m₁, n₁) of the Aᵣ and (m₂, n₂) of the Bᵣ.
    rank : int
        How many terms. From the rank of the rearranged matrix on, at most min(m₁n₁, m₂n₂), the
        result is M to rounding; terms that vanish are left out.

    Returns
    -------
    LinearOperator
        A `KroneckerProduct`, or a sum of them in order of decreasing size. ‖Aᵣ‖_F = ‖Bᵣ‖_F, and the
        Aᵣ are orthogonal to each other, as are the Bᵣ. Signs (phases) are such that the diagonal of
        Aᵣ sums to a positive number, or, where that is zero to rounding, that the first of the
        largest entries of Aᵣ is positive. Real for a real M; for a Hermitian array M and square
        shapes the factors are exactly Hermitian (for a real one: both symmetric or both skew), and
        the nearest product of a positive definite M is one of positive definite factors.

    Raises
    ------
    ValueError
        When the shapes do not multiply to that of `a`, `rank` is less than one, or `a` contains NaN
        or Inf.

    Notes
    -----
    M is rearranged so that each block is a row, R[(i, j), (k, l)] = M[i m₂ + k, j n₂ + l]; terms of
    M are singular triplets of R. O(pq min(p, q)) flops for p = m₁n₁, q = m₂n₂; for a sum of k terms
    O((p + q) k²). Van Loan & Pitsianis, Approximation with Kronecker products (1993),
    doi:10.1007/978-94-015-8196-7_17.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> A, B = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> K = ox.nearest_kronecker(np.kron(A, B) + 1e-9, (2, 2), (2, 2))
    >>> np.allclose(K.toarray(), np.kron(A, B))
    True
    """
    shapes = _shape("shape_a", shape_a), _shape("shape_b", shape_b)
    wanted = operator.index(rank)
    if wanted < 1:
        raise ValueError(f"rank is {wanted}, but must be at least 1")
    matrix = a if isinstance(a, LinearOperator) else as_inexact("a", a)
    (m1, n1), (m2, n2) = shapes
    if matrix.shape != (m1 * m2, n1 * n2):
        raise ValueError(
            f"nearest_kronecker: a has shape {matrix.shape}, but shape_a {shapes[0]} and shape_b "
            f"{shapes[1]} multiply to {(m1 * m2, n1 * n2)}"
        )
    triplets = _triplets(matrix, *shapes).first(wanted)
    terms = [
        Term(1, (Factor(np.ascontiguousarray(x)), Factor(np.ascontiguousarray(y))), (0, 1))
        for x, y in zip(triplets.left, triplets.right, strict=True)
    ]
    return from_terms(terms, (n2, n1), (m2, m1))


def _shape(name: str, shape: Any) -> tuple[int, int]:
    sizes = tuple(operator.index(n) for n in shape)
    if len(sizes) != 2 or min(sizes) < 0:
        raise ValueError(f"{name} is {shape!r}, but must be two sizes (rows, columns)")
    return sizes


class Triplets(NamedTuple):
    """Singular values and vectors of a rearranged matrix, the vectors as matrices."""

    values: Array
    left: Array  # (r, m₁, n₁)
    right: Array  # (r, m₂, n₂)

    def first(self, count: int) -> Triplets:
        """The largest, at least one, without those that are zero; sizes shared, signs chosen."""
        order = np.argsort(-self.values, kind="stable")
        eps = np.finfo(self.values.dtype).eps * max(self.left[0].size, self.right[0].size)
        kept = max(1, int((self.values > eps * self.values[order[0]]).sum()))
        order = order[: min(count, kept)]
        root = np.sqrt(self.values[order])[:, None, None]
        left, right = root * self.left[order], root * self.right[order]
        phases = np.array([_phase(x, y) for x, y in zip(left, right, strict=True)])[:, None, None]
        return Triplets(self.values[order], left / phases, right * phases)


def _phase(a: Array, b: Array) -> Any:
    """The number of size one that the first factor of a pair is divided by."""
    total, size = a.trace(), np.abs(a)
    if size.size == 0:
        return a.dtype.type(1)
    largest = size.max()
    if abs(total) <= np.sqrt(np.finfo(size.dtype).eps) * largest * min(a.shape):
        total = a.ravel()[np.argmax(size >= (1 - 1e-6) * largest)]
    if np.iscomplexobj(a) and not (is_hermitian(a) and is_hermitian(b)):
        return total / abs(total) if total else a.dtype.type(1)
    leading = total.real if abs(total.real) >= abs(total.imag) else total.imag
    return a.dtype.type(-1 if leading < 0 else 1)


def _triplets(matrix: Any, shape_a: Shape, shape_b: Shape) -> Triplets:
    """The singular triplets of the rearranged matrix: by terms, or of a Hermitian or any array."""
    if 0 in (*shape_a, *shape_b):
        dtype = inexact_dtype(matrix.dtype)
        return Triplets(
            np.zeros(1, dtype).real, *(np.zeros((1, *s), dtype) for s in (shape_a, shape_b))
        )
    if isinstance(matrix, LinearOperator):
        sides = _sides(matrix, shape_a, shape_b)
        if sides is not None:
            return _of_terms(*sides)
        matrix = matrix.toarray(inexact_dtype(matrix.dtype))
    require_finite("a", matrix)
    # R[i, j, k, l] = M[(i, k), (j, l)]
    blocks = matrix.reshape(shape_a[0], shape_b[0], shape_a[1], shape_b[1]).transpose(0, 2, 1, 3)
    if shape_a[0] == shape_a[1] and shape_b[0] == shape_b[1] and is_hermitian(matrix):
        return _of_hermitian(blocks)
    vectors = blocks.reshape(math.prod(shape_a), math.prod(shape_b))
    return _svd(vectors, lambda u: u.reshape(-1, *shape_a), lambda v: v.reshape(-1, *shape_b))


Unfold = Callable[[Array], Array]


def _svd(coordinates: Array, left: Unfold, right: Unfold) -> Triplets:
    """The triplets of a matrix between coordinates that `left` and `right` turn into matrices."""
    u, s, vh = np.linalg.svd(coordinates, full_matrices=False)
    return Triplets(s, left(u.T), right(vh))


# --- sums of Kronecker terms: never formed -------------------------------------------------------


def _sides(op: LinearOperator, shape_a: Shape, shape_b: Shape) -> tuple[Array, Array] | None:
    """The (k, m₁, n₁) and (k, m₂, n₂) of a sum of k terms Aᵢ⊗Bᵢ, or None if it is no such sum."""
    structure = op._structure()
    if not isinstance(structure, TermOperator):
        return None
    pairs = [_split(term, shape_a, shape_b) for term in structure.parts]
    known = [pair for pair in pairs if pair is not None]
    if len(known) < len(pairs):
        return None
    dtype = inexact_dtype(op.dtype)
    lefts = np.stack([x.toarray(dtype) for x, _ in known])
    rights = np.stack([y.toarray(dtype) for _, y in known])
    require_finite("a", lefts)
    require_finite("a", rights)
    return lefts, rights


def _split(
    term: Term, shape_a: Shape, shape_b: Shape
) -> tuple[LinearOperator, LinearOperator] | None:
    """A⊗B for a term whose first factors multiply to shape_a."""
    factors = term.factors
    if term.is_selection and shape_a[0] == shape_a[1] and shape_b[0] == shape_b[1]:
        factors = (Factor(None, shape_a[0]), Factor(None, shape_b[0]))
    if term.is_permuted:
        return None
    for k in range(len(factors) + 1):
        first, second = Term(term.coefficient, factors[:k], ()), Term(1, factors[k:], ())
        if (first.rows, first.cols) == shape_a and (second.rows, second.cols) == shape_b:
            return _matrix(first), _matrix(second)
    return None


def _matrix(term: Term) -> LinearOperator:
    return flat_operator(Term.of(term.factors or (Factor(None, 1),), term.coefficient))


def _of_terms(lefts: Array, rights: Array) -> Triplets:
    """The triplets of Σ vec(Aᵢ) vec(Bᵢ)ᵀ from QR of both sides and a small SVD."""
    (qa, ra), (qb, rb) = (np.linalg.qr(x.reshape(len(x), -1).T) for x in (lefts, rights))
    return _svd(
        ra @ rb.T,
        lambda u: (u @ qa.T).reshape(-1, *lefts.shape[1:]),
        lambda v: (v @ qb.T).reshape(-1, *rights.shape[1:]),
    )


# --- Hermitian matrices: coordinates in which their factors are Hermitian ------------------------


def _of_hermitian(blocks: Array) -> Triplets:
    """The triplets of a Hermitian matrix: Hermitian factors; both symmetric or skew when real.

    Taking Hermitian adjoints of both factors maps singular pairs to singular pairs. In an
    orthonormal basis of Hermitian matrices over the reals R is real, and for a real symmetric
    matrix it has a block for symmetric and one for skew factors.
    """
    if blocks.dtype.kind == "c":
        return _svd(_both(_hermitian, blocks).real, _from_hermitian, _from_hermitian)
    parts = [_svd(_both(_symmetric, blocks), _from_symmetric, _from_symmetric)]
    if min(blocks.shape) > 1:
        parts.append(_svd(_both(_skew, blocks), _from_skew, _from_skew))
    return Triplets(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _both(coordinates: Unfold, blocks: Array) -> Array:
    """The coordinates along the first two and the last two axes."""
    half = coordinates(blocks)  # (n₁, n₁, ·)
    return coordinates(half.transpose(2, 0, 1)).T


_HALF = math.sqrt(0.5)


def _symmetric(x: Array) -> Array:
    i, j = np.tril_indices(x.shape[-1])
    weights = np.where(i == j, 0.5, _HALF).astype(x.real.dtype)
    return np.asarray((x[..., i, j] + x[..., j, i]) * weights)


def _from_symmetric(v: Array) -> Array:
    n = (math.isqrt(8 * v.shape[-1] + 1) - 1) // 2
    i, j = np.tril_indices(n)
    x = np.zeros((*v.shape[:-1], n, n), v.dtype)
    x[..., i, j] = x[..., j, i] = v * np.where(i == j, 1, _HALF).astype(v.dtype)
    return x


def _skew(x: Array) -> Array:
    i, j = np.tril_indices(x.shape[-1], -1)
    return np.asarray((x[..., i, j] - x[..., j, i]) * x.real.dtype.type(_HALF))


def _from_skew(v: Array) -> Array:
    n = (math.isqrt(8 * v.shape[-1] + 1) + 1) // 2
    i, j = np.tril_indices(n, -1)
    x = np.zeros((*v.shape[:-1], n, n), v.dtype)
    x[..., i, j] = v * v.dtype.type(_HALF)
    x[..., j, i] = -x[..., i, j]
    return x


def _hermitian(x: Array) -> Array:
    return np.concatenate([_symmetric(x), -1j * _skew(x)], axis=-1).astype(x.dtype)


def _from_hermitian(v: Array) -> Array:
    n = math.isqrt(v.shape[-1])
    symmetric, skew = np.split(v, [n * (n + 1) // 2], axis=-1)
    if n == 1:
        return symmetric[..., None] + 0j
    return _from_symmetric(symmetric) + 1j * _from_skew(skew)
