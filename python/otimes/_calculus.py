"""Derivatives of plain NumPy code: Jacobians as operators, gradients, and the two products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _rules as _rules  # fills the table of rules
from ._algebra import zero_operator
from ._check import Array, as_inexact, warn
from ._free_variables import Structure, in_free_coordinates
from ._lower import Jacobian, Program, depends
from ._operator import LinearOperator
from ._primitives import is_traced
from ._trace import Trace, trace

Function = Callable[..., Any]


def _operator_of(t: Trace, result: int, variable: int) -> LinearOperator:
    """The Jacobian of one result by one variable."""
    value, x = t.values[result], t.variables[variable]
    if not depends(t.results[result], x):
        warn("f does not depend on its argument: its Jacobian is zero", UserWarning)
        return zero_operator(x.shape, value.shape, np.result_type(x.dtype, value.dtype))
    return Jacobian(_program_of(t, result, variable))


def _program_of(t: Trace, result: int, variable: int) -> Program:
    """The part of a trace from one variable to one result."""
    part = replace(
        t,
        values=(t.values[result],),
        variables=(t.variables[variable],),
        results=(t.results[result],),
    )
    return Program(part)


def _positions(wrt: int | Sequence[int], count: int) -> list[int]:
    """The argument numbers of `wrt`, checked."""
    positions = [wrt] if isinstance(wrt, int) else list(wrt)
    for k in positions:
        if not -count <= k < count:
            raise ValueError(f"wrt is {wrt}, but f was given {count} arguments")
    return [k % count for k in positions]


def _arranged(t: Trace, wrt: int | Sequence[int], make: Callable[[int, int], Any]) -> Any:
    """`make` for each result and variable: tuples of results of tuples of variables."""
    variables = range(len(t.variables))
    rows = [tuple(make(i, j) for j in variables) for i in range(len(t.values))]
    if isinstance(wrt, int):
        return tuple(row[0] for row in rows) if t.is_tuple else rows[0][0]
    return tuple(rows) if t.is_tuple else rows[0]


def _jacobians(t: Trace, wrt: int | Sequence[int]) -> Any:
    return _arranged(t, wrt, lambda i, j: _operator_of(t, i, j))


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
        The argument or arguments to differentiate by; a tuple gives a tuple of operators. Where f
        returns a tuple, there is one result, or tuple, for each of its items.
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
    t = trace(g, point, _positions(wrt, len(point)), several=True)
    return _jacobians(t, wrt)


def linearize(
    f: Function,
    *args: ArrayLike,
    wrt: int | Sequence[int] = 0,
    structure: Structure | None = None,
) -> tuple[Any, Any]:
    """f(X) and J with f(X + dX) ≈ f(X) + J dX.

    Equal to ``(f(*args), jacobian(f, *args, wrt=wrt))`` in one run of f.

    Parameters
    ----------
    f, *args, wrt, structure : callable, array_like, int or sequence of int, str
        As for `jacobian`.

    Returns
    -------
    tuple of (array, LinearOperator)
        The value f(X), and J: a tuple of operators where `wrt` is a tuple.

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
    t = trace(g, point, _positions(wrt, len(point)), several=True)
    return t.values if t.is_tuple else t.value, _jacobians(t, wrt)


def jvp(f: Function, args: Sequence[ArrayLike], tangents: Sequence[ArrayLike]) -> tuple[Any, Any]:
    """f(X) and Σ Jᵢ dXᵢ, in the shape of f's result.

    Parameters
    ----------
    f : callable
        Ordinary NumPy code, as for `jacobian`.
    args, tangents : sequences of array_like
        The point, and one tangent of its shape for each argument.

    Returns
    -------
    tuple of (array, array)
        The value f(X), and the sum of the derivatives along the tangents.

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
    points = [_array(f"args[{k}]", x) for k, x in enumerate(args)]
    directions = [_array(f"tangents[{k}]", x) for k, x in enumerate(tangents)]
    if [x.shape for x in points] != [d.shape for d in directions]:
        raise ValueError(
            f"tangents have shapes {[d.shape for d in directions]}, but args have "
            f"{[x.shape for x in points]}; one tangent of equal shape for each argument"
        )
    if not points:
        raise ValueError("jvp: args is empty, but f needs a point")
    t = trace(f, points, range(len(points)), several=True, analytic=False)
    varying = _varying(t)
    moved = iter(_tuple(Program(varying).push(*directions), len(varying.results)))
    pushed = [
        np.zeros_like(value) if result is None else next(moved)
        for value, result in zip(t.values, t.results, strict=True)
    ]
    if t.is_tuple:
        return tuple(map(_plain, t.values)), tuple(map(_plain, pushed))
    return _plain(t.value), _plain(pushed[0])


def _array(name: str, x: Any) -> Any:
    return x if is_traced(x) else as_inexact(name, x)


def _varying(t: Trace) -> Trace:
    """The trace without the results that are constant."""
    pairs = [(v, r) for v, r in zip(t.values, t.results, strict=True) if r is not None]
    return replace(t, values=tuple(v for v, _ in pairs), results=tuple(r for _, r in pairs))


def _tuple(x: Any, count: int) -> tuple[Any, ...]:
    """What a sweep with so many results returns, as a tuple."""
    return x if count != 1 else (x,)


def vjp(f: Function, *args: ArrayLike) -> tuple[Any, Callable[[ArrayLike], tuple[Array, ...]]]:
    """f(X) and the pullback w ↦ (J₁ᵀ w, J₂ᵀ w, …), an array in the shape of each argument.

    Parameters
    ----------
    f : callable
        Ordinary NumPy code, as for `jacobian`.
    *args : array_like
        The point: one array for each argument of f.

    Returns
    -------
    tuple of (array, callable)
        The value f(X), and the function of w, which gives a tuple even for one argument.

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
    t = trace(f, args, range(len(args)), several=True)
    varying = _varying(t)
    program = Program(varying)

    def pullback(w: Any) -> tuple[Any, ...]:
        given = w if t.is_tuple else (w,)
        cotangents = [_array("w", x) for x in given]
        if [c.shape for c in cotangents] != [v.shape for v in t.values]:
            raise ValueError(
                f"w has shape {_shapes(cotangents)}, but f's result has {_shapes(t.values)}"
            )
        used = [c for c, r in zip(cotangents, t.results, strict=True) if r is not None]
        pulled = _tuple(program.pull(*used), len(t.variables))
        return tuple(
            np.zeros(x.shape, np.result_type(x.dtype, *(c.dtype for c in cotangents)))
            if d is None
            else d
            for x, d in zip(t.variables, pulled, strict=True)
        )

    return tuple(map(_plain, t.values)) if t.is_tuple else _plain(t.value), pullback


def _shapes(arrays: Sequence[Any]) -> str:
    return " and ".join(str(a.shape) for a in arrays)


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
    t = trace(g, point, _positions(wrt, len(point)), names_of=g)
    if t.value.size != 1:
        raise ValueError(
            f"gradient: f's result has shape {t.value.shape}, but must be a number; use jacobian"
        )
    if t.result is None:
        gradients: tuple[Any, ...] = (None,) * len(t.variables)
    else:
        one = np.ones(t.value.shape, t.value.dtype)
        gradients = _tuple(Program(t).pull(one), len(t.variables))
    found = tuple(
        np.zeros(x.shape, x.dtype) if d is None else d
        for x, d in zip(t.variables, gradients, strict=True)
    )
    return found[0] if isinstance(wrt, int) else found


def hessian(
    f: Function,
    *args: ArrayLike,
    wrt: int | Sequence[int] = 0,
    structure: Structure | None = None,
) -> Any:
    """H with f(X + dX) ≈ f(X) + Σ G ∘ dX + ½ vec(dX)ᵀ H vec(dX), the Jacobian of the gradient G.

    For X: (m, n) the operator has shape (mn, mn) and is symmetric.

    Parameters
    ----------
    f : callable
        Returns a number (or an array of one entry).
    *args : array_like
        The point. Without any, a function of them is returned.
    wrt : int or sequence of int
        A tuple gives a tuple of tuples of blocks, ∂²f/∂Xᵢ∂Xⱼ in row i and column j.
    structure : {"symmetric", "diagonal", "lower", "skew"}, optional
        As for `jacobian`: H is then that of the free entries, Dᵀ H D.

    Returns
    -------
    LinearOperator
        ``H @ v`` costs a few evaluations of f and forms nothing; ``H.T`` is ``H``.

    Raises
    ------
    ValueError
        When f's result has more than one entry.
    NotImplementedError, TypeError
        As for `jacobian`.

    Notes
    -----
    The reverse sweep of f is itself traced. Magnus & Neudecker, Matrix Differential Calculus,
    chapter 10. For complex X and analytic f the second derivative, symmetric and not Hermitian.

    Examples
    --------
    >>> import numpy as np, otimes as ox
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> H = ox.hessian(lambda x: x @ A @ x, [1.0, 1.0])
    >>> print(H)
    A + Aᵀ
    >>> H @ [1, 0]
    array([2., 5.])
    """
    if not args:
        return lambda *point: hessian(f, *point, wrt=wrt, structure=structure)
    positions = tuple(_positions(wrt, len(args)))
    g, entries = _free(f, args, wrt, structure)

    def gradients(*point: Any) -> tuple[Any, ...]:
        found: tuple[Any, ...] = gradient(g, *point, wrt=positions)
        return found

    t = trace(gradients, entries, positions, several=True, names_of=g)

    def block(i: int, j: int) -> LinearOperator:
        if depends(t.results[i], t.variables[j]):
            return Jacobian(_program_of(t, i, j), symmetric=i == j)
        return zero_operator(t.variables[j].shape, t.values[i].shape, t.variables[j].dtype)

    blocks = tuple(tuple(block(i, j) for j in range(len(positions))) for i in range(len(positions)))
    return blocks[0][0] if isinstance(wrt, int) else blocks


def _plain(x: Any) -> Any:
    return x[()] if x.ndim == 0 and not is_traced(x) else x
