"""Derivatives of plain NumPy code: Jacobians as operators, gradients, and the two products."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _rules as _rules  # fills the table of rules
from ._check import Array, as_inexact, warn
from ._free_variables import Structure, in_free_coordinates
from ._lower import Jacobian, Program
from ._operator import LinearOperator, Shape
from ._structures import LowRank
from ._trace import Trace, trace

Function = Callable[..., Any]


def _zero(in_shape: Shape, out_shape: Shape, dtype: Any) -> LinearOperator:
    n, m = math.prod(in_shape), math.prod(out_shape)
    return LowRank(np.zeros((m, 0), dtype), np.zeros((n, 0), dtype), in_shape, out_shape)


def _operator_of(t: Trace) -> LinearOperator:
    if t.result is None:
        warn("f does not depend on its argument: its Jacobian is zero", UserWarning)
        return _zero(t.variable.shape, t.value.shape, np.result_type(t.variable.dtype, t.value))
    return Jacobian(Program(t))


def _positions(wrt: int | Sequence[int], count: int) -> list[int]:
    """The argument numbers of `wrt`, checked."""
    positions = [wrt] if isinstance(wrt, int) else list(wrt)
    for k in positions:
        if not -count <= k < count:
            raise ValueError(f"wrt is {wrt}, but f was given {count} arguments")
    return [k % count for k in positions]


def _each(wrt: int | Sequence[int], args: Sequence[Any], make: Callable[[int], Any]) -> Any:
    """`make` for each position of `wrt`: one result for an int, a tuple of them for a tuple."""
    results = [make(k) for k in _positions(wrt, len(args))]
    return results[0] if isinstance(wrt, int) else tuple(results)


def _free(
    f: Function, args: Sequence[Any], wrt: int | Sequence[int], structure: str | None
) -> tuple[Function, Sequence[Any]]:
    """F and the point in the coordinates of `structure`."""
    return in_free_coordinates(f, args, _positions(wrt, len(args)), structure)


def jacobian(
    f: Function,
    *args: ArrayLike,
    wrt: int | Sequence[int] = 0,
    structure: Structure | None = None,
) -> Any:
    """J with vec(dF) = J vec(dX): the derivative of f at a point, as a structured operator.

    For F: (m, n) → (p, q) the operator has shape (pq, mn), numerator layout; ``J.T`` is the
    denominator layout. ``jacobian(lambda A: A @ A, A0)`` is ``I⊗A + Aᵀ⊗I``.

    Parameters
    ----------
    f : callable
        Ordinary NumPy code of arrays that returns an array or a number.
    *args : array_like
        The point. Without any, a function of them is returned: ``jacobian(f)(A0)``.
    wrt : int or sequence of int
        The argument or arguments to differentiate by; a tuple gives a tuple of operators.
    structure : {"symmetric", "diagonal", "lower", "skew"}, optional
        What square matrices the arguments of `wrt` are. The variable is then the vector of their
        free entries: vech(X) of size n(n+1)/2, diag(X) of size n, vech(X), or veck(X) of size
        n(n-1)/2; J has as many columns. For symmetric X it is J D, D the `duplication_matrix`.

    Returns
    -------
    LinearOperator
        ``J @ v`` is one forward sweep, ``J.T @ w`` one reverse sweep, each at the cost of a few
        evaluations of f; ``str(J)``, ``J.terms``, ``J.solve``, ``J.toarray()`` use its structure.

    Raises
    ------
    NotImplementedError
        When f uses an operation that cannot be traced; the message names it and its line.
    TypeError
        When f turns a traced array into a plain one; the message points to `stop_gradient`.
    ValueError
        When an argument has not the `structure` (to n eps times its largest entry).

    Notes
    -----
    One run of f. Magnus & Neudecker, Matrix Differential Calculus, chapters 5 and 9.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> J = ox.jacobian(lambda A: A @ A, np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> print(J)
    I₂ ⊗ A + Aᵀ ⊗ I₂
    >>> J @ [1, 0, 0, 0]
    array([2., 3., 2., 0.])
    >>> print(ox.jacobian(lambda S: S @ S, np.eye(2), structure="symmetric"))
    (I₂ ⊗ S + Sᵀ ⊗ I₂) D₂
    """
    if not args:
        return lambda *point: jacobian(f, *point, wrt=wrt, structure=structure)
    g, point = _free(f, args, wrt, structure)
    return _each(wrt, point, lambda k: _operator_of(trace(g, point, k)))


def linearize(
    f: Function,
    *args: ArrayLike,
    wrt: int | Sequence[int] = 0,
    structure: Structure | None = None,
) -> tuple[Any, Any]:
    """f(X) and J with f(X + dX) ≈ f(X) + J dX.

    Equal to ``(f(*args), jacobian(f, *args, wrt=wrt))`` in one run of f per argument.

    Parameters
    ----------
    f, *args, wrt, structure
        As for `jacobian`.

    Returns
    -------
    tuple of (array, LinearOperator)

    Raises
    ------
    NotImplementedError, TypeError
        As for `jacobian`.

    Examples
    --------
    >>> import otimes as ox
    >>> value, J = ox.linearize(lambda A: 3 * A, [[1.0, 2.0]])
    >>> value, str(J)
    (array([[3., 6.]]), '3 I₂')
    """
    g, point = _free(f, args, wrt, structure)
    traces = [trace(g, point, k) for k in _positions(wrt, len(point))]
    operators = tuple(_operator_of(t) for t in traces)
    return traces[0].value, operators[0] if isinstance(wrt, int) else operators


def jvp(f: Function, args: Sequence[ArrayLike], tangents: Sequence[ArrayLike]) -> tuple[Any, Any]:
    """f(X) and Σ Jᵢ dXᵢ, in the shape of f's result.

    Parameters
    ----------
    f : callable
    args, tangents : sequences of array_like
        The point, and one tangent of its shape for each argument.

    Returns
    -------
    tuple of (array, array)

    Raises
    ------
    ValueError
        When `tangents` do not have the shapes of `args`.

    Notes
    -----
    A few evaluations of f for each argument. As `jax.jvp`.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> ox.jvp(lambda A: A @ A, (np.eye(2),), ([[0.0, 1.0], [0.0, 0.0]],))[1]
    array([[0., 2.],
           [0., 0.]])
    """
    points = [as_inexact(f"args[{k}]", x) for k, x in enumerate(args)]
    directions = [as_inexact(f"tangents[{k}]", x) for k, x in enumerate(tangents)]
    if [x.shape for x in points] != [d.shape for d in directions]:
        raise ValueError(
            f"tangents have shapes {[d.shape for d in directions]}, but args have "
            f"{[x.shape for x in points]}; one tangent of equal shape for each argument"
        )
    if not points:
        raise ValueError("jvp: args is empty, but f needs a point")
    total: Any = None
    for k, d in enumerate(directions):
        t = trace(f, points, k)
        value = t.value
        pushed = np.zeros_like(value) if t.result is None else Program(t).push(d[None])[0]
        total = pushed if total is None else total + pushed
    return _plain(value), _plain(total)


def vjp(f: Function, *args: ArrayLike) -> tuple[Any, Callable[[ArrayLike], tuple[Array, ...]]]:
    """f(X) and the pullback w ↦ (J₁ᵀ w, J₂ᵀ w, …), an array in the shape of each argument.

    Parameters
    ----------
    f : callable
    *args : array_like

    Returns
    -------
    tuple of (array, callable)

    Raises
    ------
    ValueError
        By the pullback, when w has not the shape of f's result.

    Notes
    -----
    Each pullback costs a few evaluations of f for each argument. As `jax.vjp`: no conjugation.

    Examples
    --------
    >>> import otimes as ox
    >>> value, pullback = ox.vjp(lambda x, y: x @ y, [1.0, 2.0], [3.0, 4.0])
    >>> pullback(1.0)
    (array([3., 4.]), array([1., 2.]))
    """
    if not args:
        raise ValueError("vjp: f needs a point, but no arguments were given")
    traces = [trace(f, args, k) for k in range(len(args))]
    programs = [None if t.result is None else Program(t) for t in traces]
    value = traces[0].value

    def pullback(w: ArrayLike) -> tuple[Array, ...]:
        cotangent = as_inexact("w", w)
        if cotangent.shape != value.shape:
            raise ValueError(f"w has shape {cotangent.shape}, but f's result has {value.shape}")
        return tuple(
            np.zeros_like(cotangent, shape=t.variable.shape)
            if program is None
            else program.pull(cotangent[None])[0]
            for t, program in zip(traces, programs, strict=True)
        )

    return _plain(value), pullback


def gradient(
    f: Function,
    *args: ArrayLike,
    wrt: int | Sequence[int] = 0,
    structure: Structure | None = None,
) -> Any:
    """The array G of the variable's shape with df = Σ G ∘ dX, for scalar f.

    ``gradient(f, X)`` equals ``jacobian(f, X).toarray().reshape(X.shape, order="F")``, at the cost
    of a few evaluations of f.

    Parameters
    ----------
    f : callable
        Returns a number (or an array of one entry).
    *args : array_like
        The point. Without any, a function of them is returned.
    wrt : int or sequence of int
        A tuple gives a tuple of gradients.
    structure : {"symmetric", "diagonal", "lower", "skew"}, optional
        As for `jacobian`: the gradient by vech(X), diag(X) or veck(X), a vector. That by vech(X)
        counts each entry below the diagonal twice.

    Returns
    -------
    ndarray
        For complex X and analytic f the entries of J, not conjugated.

    Raises
    ------
    ValueError
        When f's result has more than one entry, or an argument has not the `structure`.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> ox.gradient(lambda X: np.trace(X @ X), [[1.0, 2.0], [3.0, 4.0]])
    array([[2., 6.],
           [4., 8.]])
    """
    if not args:
        return lambda *point: gradient(f, *point, wrt=wrt, structure=structure)
    g, point = _free(f, args, wrt, structure)

    def one(k: int) -> Array:
        t = trace(g, point, k)
        if t.value.size != 1:
            raise ValueError(
                f"gradient: f's result has shape {t.value.shape}, but must be a number; "
                "use jacobian"
            )
        if t.result is None:
            return np.zeros(t.variable.shape, t.variable.dtype)
        gradient: Array = Program(t).pull(np.ones((1, *t.value.shape), t.value.dtype))[0]
        return gradient

    return _each(wrt, point, one)


def _plain(x: Array) -> Any:
    return x[()] if x.ndim == 0 else x
