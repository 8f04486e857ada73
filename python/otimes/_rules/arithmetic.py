"""Sums, products and transpositions: the operations that are linear in each argument."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._algebra import identity_operator, with_shapes
from .._kron import kron as kronecker_product
from .._labels import label_map, label_product
from .._operator import LinearOperator
from .._primitives import Apply
from .._tape import Tangent, where
from .._traced_arrays import plain, rule
from .tangents import through


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


@rule(np.conjugate, linear="jointly", label=lambda label: label_map(label, "*"))
def conjugate(a: Any) -> Any:
    """d(conj A) = conj(dA), linear over the reals only."""
    return np.conjugate(a), (lambda da: da.conj(),)


@rule(np.real, linear="jointly")
def real(val: Any) -> Any:
    return np.real(val), (lambda d: d.real,)


@rule(np.imag, linear="jointly")
def imag(val: Any) -> Any:
    return np.imag(val), (lambda d: d.imag if d.dtype.kind == "c" else d * 0,)


@rule(np.multiply, linear="each", last_first=True)
def multiply(a: Any, b: Any) -> Any:
    """d(A ∘ B) = dA ∘ B + A ∘ dB."""
    return np.multiply(a, b), (lambda da: da * b, lambda db: a * db)


@rule(np.divide, linear="first")
def divide(a: Any, b: Any) -> Any:
    """d(A / B) = dA / B - A ∘ dB / B²."""
    value = np.divide(a, b)
    one = plain(value).dtype.type(1)  # 1 / b of a Python number, or of int8, is less precise
    return value, (lambda da: da * np.divide(one, b), lambda db: db * (-value / b))


@rule(np.matmul, linear="each", label=label_product, last_first=True)
def matmul(a: Any, b: Any) -> Any:
    """d(A B) = A dB + dA B."""
    if isinstance(a, LinearOperator):
        return a @ b, (None, lambda db: _image(a, db))
    if isinstance(b, LinearOperator):
        return a @ b, (lambda da: _image(b.T, da.T).T, None)
    return np.matmul(a, b), (lambda da: da @ b, lambda db: a @ db)


def _image(op: LinearOperator, d: Tangent) -> Tangent:
    """A d for an operator and a vector, or a matrix of columns."""
    columns = d.shape[1:]
    repeated = op if not columns else kronecker_product(identity_operator(columns), op)
    shaped = with_shapes(repeated._structure(), d.shape, (op.shape[0], *columns))
    return d.through(Apply(shaped), op.dtype)


@rule(np.dot, linear="each", label=label_product, last_first=True)
def dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return multiply(a, b)
    if np.ndim(a) <= 2 and np.ndim(b) <= 2:
        return matmul(a, b)
    left, right = _letters(np.ndim(a)), _letters(np.ndim(b), np.ndim(a))
    summed = right[-2:-1] or right
    left = left[:-1] + summed
    kept = (left + right).replace(summed, "")
    return np.dot(a, b), _bilinear(a, left, b, right, kept)


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


# --- products by indices -------------------------------------------------------------------------


def _letters(count: int, start: int = 0) -> str:
    return "".join(chr(ord("a") + k) for k in range(start, start + count))


def _bilinear(a: Any, a_axes: str, b: Any, b_axes: str, out: str) -> Any:
    """The two maps of a product Σ A ∘ B."""
    return (
        lambda da: da.einsum(a_axes, b, b_axes, out),
        lambda db: db.einsum(b_axes, a, a_axes, out),
    )


@rule(np.einsum, linear="each", last_first=True)
def einsum(subscripts: Any, *operands: Any, optimize: Any = False, **options: Any) -> Any:
    """d of a sum of products: the same sum with d in the place of each factor in turn."""
    if not isinstance(subscripts, str) or any(x is not None for x in options.values()):
        raise NotImplementedError(
            f"np.einsum with lists of axes or with options at {where()} cannot be traced; "
            "subscripts in a string can"
        )
    inputs, out = _subscripts(subscripts, [np.ndim(x) for x in operands])
    value = np.einsum(subscripts, *operands, optimize=optimize)

    def through(k: int) -> Callable[[Tangent], Tangent]:
        others = [(operands[j], inputs[j]) for j in range(len(operands)) if j != k]
        return lambda d: _contracted(d, inputs[k], others, out)

    return value, (None, *map(through, range(len(operands))))


def _subscripts(text: str, ndims: list[int]) -> tuple[list[str], str]:
    """The axes of the operands and of the result, the ellipsis as capital letters."""
    left, arrow, out = text.replace(" ", "").partition("->")
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in text]
    inputs = []
    longest = ""
    for axes, ndim in zip(left.split(","), ndims, strict=True):
        count = ndim - len(axes.replace("...", ""))
        wide = "".join(reversed(spare[:count])) if "..." in axes else ""
        longest = max(longest, wide, key=len)
        inputs.append(axes.replace("...", wide))
    if not arrow:
        letters = left.replace("...", "").replace(",", "")
        once = "".join(sorted(a for a in set(letters) if letters.count(a) == 1))
        out = ("..." if longest else "") + once
    return inputs, out.replace("...", longest)


def _contracted(d: Tangent, axes: str, others: list[tuple[Any, str]], out: str) -> Tangent:
    """Σ d ∘ C₁ ∘ C₂ …, one factor after the other, each a neighbour of those before if possible."""
    d, axes = _without_repetitions(d, axes)
    waiting = list(others)
    while waiting:
        k = next((k for k, (_, b) in enumerate(waiting) if set(b) & set(axes)), 0)
        c, c_axes = waiting.pop(k)
        needed = set(out).union(*(b for _, b in waiting))
        c, c_axes = _diagonal(c, c_axes)
        after = "".join(dict.fromkeys(a for a in axes + c_axes if a in needed))
        if not waiting:
            after = out
        d = d.einsum(axes, c, c_axes, after)
        axes = after
    if axes == out:
        return d
    return d.einsum(axes, np.ones((), np.float32), "", out)


def _without_repetitions(d: Tangent, axes: str) -> tuple[Tangent, str]:
    """The diagonal of d where a letter is repeated."""
    if len(set(axes)) == len(axes):
        return d, axes
    indices = np.arange(math.prod(d.shape)).reshape(d.shape)
    sources, letters = _diagonal(indices, axes)
    return d.gather(sources), letters


def _diagonal(c: Any, axes: str) -> tuple[Any, str]:
    letters = "".join(dict.fromkeys(axes))
    return (c, axes) if letters == axes else (np.einsum(f"{axes}->{letters}", c), letters)


@rule(np.inner, linear="each", last_first=True)
def inner(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return multiply(a, b)
    left, right = _letters(np.ndim(a)), _letters(np.ndim(b), np.ndim(a))
    maps = _bilinear(a, left, b, right[:-1] + left[-1], left[:-1] + right[:-1])
    return np.inner(a, b), maps


@rule(np.outer, linear="each", last_first=True)
def outer(a: Any, b: Any) -> Any:
    """d(a bᵀ) = da bᵀ + a dbᵀ."""
    x, y = np.ravel(a), np.ravel(b)
    return np.outer(a, b), (
        lambda da: da.reshape(x.shape).einsum("i", y, "j", "ij"),
        lambda db: db.reshape(y.shape).einsum("j", x, "i", "ij"),
    )


@rule(np.vdot, linear="each", last_first=True)
def vdot(a: Any, b: Any) -> Any:
    """d(aᴴ b) = aᴴ db + daᴴ b."""
    return np.vdot(a, b), (lambda da: da.conj().inner(b), lambda db: db.inner(np.conj(a)))


@rule(np.tensordot, linear="each", last_first=True)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    left, right = _letters(np.ndim(a)), list(_letters(np.ndim(b), np.ndim(a)))
    first, second = axes if np.iterable(axes) else (range(-axes, 0), range(axes))
    pairs = list(zip(np.atleast_1d(first), np.atleast_1d(second), strict=True))
    for j, k in pairs:
        right[k] = left[j]
    summed = {left[j] for j, _ in pairs}
    out = "".join(x for x in (*left, *right) if x not in summed)
    return np.tensordot(a, b, axes), _bilinear(a, left, b, "".join(right), out)


@rule(np.cross, np.linalg.cross, linear="each", last_first=True)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    """d(a × b) = da × b + a × db."""
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    if a.shape[axisa] != 3 or b.shape[axisb] != 3:
        raise NotImplementedError(f"np.cross of vectors in the plane at {where()} cannot be traced")
    value = np.cross(a, b, axisa, axisb, axisc)
    lead = _letters(max(a.ndim, b.ndim) - 1, 3)
    out = list(lead)
    out.insert(axisc % (len(lead) + 1), "a")

    def axes(x: Any, letter: str, axis: int) -> str:
        letters = list(lead[len(lead) - x.ndim + 1 :])
        letters.insert(axis % x.ndim, letter)
        return "".join(letters)

    a_axes, b_axes = axes(a, "b", axisa), axes(b, "c", axisb)
    a_matrix, b_matrix = (
        np.tensordot(_LEVI_CIVITA, x, (k, axis)) for x, k, axis in ((a, 1, axisa), (b, 2, axisb))
    )
    return value, (
        lambda da: da.einsum(a_axes, b_matrix, "ab" + b_axes.replace("c", ""), "".join(out)),
        lambda db: db.einsum(b_axes, a_matrix, "ac" + a_axes.replace("b", ""), "".join(out)),
    )


#: 1 for even, -1 for odd permutations of (0, 1, 2): (a × b)ᵢ = Σ εᵢⱼₖ aⱼ bₖ.
_LEVI_CIVITA = np.array(
    [[[(i - j) * (j - k) * (k - i) / 2 for k in range(3)] for j in range(3)] for i in range(3)],
    np.float32,
)


@rule(np.kron, linear="each", last_first=True)
def kron(a: Any, b: Any) -> Any:
    """d(A⊗B) = dA⊗B + A⊗dB."""
    value = np.kron(a, b)
    if np.ndim(a) == np.ndim(b) == 2:
        return value, (lambda da: da.kron_before(b), lambda db: db.kron_after(a))
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return multiply(a, b)
    ndim = max(np.ndim(a), np.ndim(b))
    x, y = (np.reshape(z, (1,) * (ndim - np.ndim(z)) + np.shape(z)) for z in (a, b))
    left, right = _letters(ndim), _letters(ndim, ndim)
    out = "".join(pair for axes in zip(left, right, strict=True) for pair in axes)
    first, second = _bilinear(x, left, y, right, out)
    return value, (
        lambda da: first(da.reshape(x.shape)).reshape(value.shape),
        lambda db: second(db.reshape(y.shape)).reshape(value.shape),
    )


@rule(kronecker_product, linear="each", last_first=True)
def kron_of_several(*factors: Any) -> Any:
    """d(A⊗B⊗C) = dA⊗B⊗C + A⊗dB⊗C + A⊗B⊗dC, as arrays."""
    arrays = [x.toarray() if isinstance(x, LinearOperator) else x for x in factors]

    def by(k: int) -> Any:
        rest = arrays[:k], arrays[k + 1 :]
        return through(lambda x: functools.reduce(np.kron, [*rest[0], x, *rest[1]]), arrays[k])

    return functools.reduce(np.kron, arrays), [by(k) for k in range(len(arrays))]
