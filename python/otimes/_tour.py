"""The tour of ``python -m otimes``: what the library does, in real numbers beside dense costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _core, get_num_threads, jacobian, kron, solve_axb, solve_sylvester, unvec, vec
from ._check import Array

_UNITS = (("years", 365.25 * 86400), ("days", 86400), ("s", 1), ("ms", 1e-3), ("µs", 1e-6))


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    unit, length = next((u for u in _UNITS if seconds >= u[1]), _UNITS[-1])
    return f"{seconds / length:.3g} {unit}"


def _timed(f: Callable[[], Any], repeats: int = 1) -> tuple[Any, float]:
    """The result, and the shortest time of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = f()
        times.append(time.perf_counter() - start)
    return result, min(times)


def _difference(x: Array, y: Array) -> float:
    return float(np.linalg.norm(x - y) / np.linalg.norm(y))


def _gib(entries: float) -> str:
    return f"{8 * entries / 2**30:,.0f} GiB"


def _say(text: str = "") -> None:
    print(text, flush=True)


def _central_differences(f: Callable[[Array], Array], x: Array, h: float = 0.125) -> Array:
    """The Jacobian of f, extrapolated from two steps: exact for polynomials of degree up to 4."""

    def quotient(direction: Array, step: float) -> Array:
        return vec(f(x + step * direction) - f(x - step * direction)) / (2 * step)

    units = [unvec(e, x.shape) for e in np.eye(x.size)]
    columns = [(4 * quotient(e, h / 2) - quotient(e, h)) / 3 for e in units]
    return np.stack(columns, axis=1)


def _show_jacobians(rng: np.random.Generator) -> None:
    _say("1. Jacobians of matrix functions, as structured operators")
    point = rng.standard_normal((6, 6))
    functions: dict[str, Callable[[Array], Array]] = {
        "A²": lambda A: A @ A,
        "A³": lambda A: A @ A @ A,
    }
    for name, f in functions.items():
        j = jacobian(f, point)
        error = _difference(j.toarray(), _central_differences(f, point))
        _say(f"   f(A) = {name}, A 6×6:  J = {j}")
        _say(f"   relative difference from finite differences: {error:.1e}")
    large = rng.standard_normal((1000, 1000))
    j, seconds = _timed(lambda: jacobian(functions["A³"], large))
    _, product = _timed(lambda: j @ vec(large))
    _say(f"   A³, A 1000×1000: J in {duration(seconds)}, J @ v in {duration(product)}")
    _say(f"   dense J, computed: {_gib(j.size)}")


def _check_rows(a: Array, b: Array, x: Array, y: Array, rows: Array) -> float:
    """Compare entries of y = (A⊗B) x with rows of A⊗B, made one by one."""
    expected = [np.kron(a[r // len(b)], b[r % len(b)]) @ x for r in rows]
    return _difference(y[rows], np.array(expected))


def _say_dense(sizes: str, ours: tuple[Array, float], dense: tuple[Array, float]) -> None:
    """Compare (result, seconds) of otimes with that of dense linear algebra."""
    faster = dense[1] / ours[1]
    _say(
        f"   {sizes}, both measured: dense {duration(dense[1])}, otimes {duration(ours[1])} "
        f"({faster:,.0f}×), relative difference {_difference(ours[0], dense[0]):.1e}"
    )


def _show_product(rng: np.random.Generator) -> None:
    _say("2. A product with a Kronecker matrix too large to form: K = A⊗B")
    a, b = rng.standard_normal((2, 2000, 2000))
    x = rng.standard_normal(2000 * 2000)
    k = kron(a, b)
    y, seconds = _timed(lambda: k @ x)
    error = _check_rows(a, b, x, y, rng.integers(k.shape[0], size=5))
    _say(f"   A, B 2000×2000: K is {k.shape[0]:,}×{k.shape[1]:,}, K @ x in {duration(seconds)}")
    _say(f"   relative difference from 5 rows of np.kron(A, B): {error:.1e}")
    _say(f"   dense K, computed: {_gib(k.size)}")
    part, vector = (a[:60, :60], b[:60, :60]), x[:3600]
    small = kron(*part)
    ours, dense = _timed(lambda: small @ vector, 5), _timed(lambda: np.kron(*part) @ vector, 3)
    _say_dense("A, B 60×60", ours, dense)


def _show_equation(
    rng: np.random.Generator,
    solver: Callable[..., Any],
    dense_matrix: Callable[[Array, Array], Array],
) -> None:
    """Solve at n = 1000, and at n = 48 beside LU of the dense matrix of the equation."""
    n, small = 1000, 48
    a, b, c = rng.standard_normal((3, n, n))
    (_, info), seconds = _timed(lambda: solver(a, b, c, return_info=True))
    _say(f"   A, B, C {n}×{n}, {n * n:,} unknowns: {duration(seconds)} ({info.method})")
    _say(f"   residual {info.residual:.1e}, rcond {info.rcond:.1e}")
    a, b, c = a[:small, :small], b[:small, :small], c[:small, :small]
    dense = _timed(lambda: unvec(np.linalg.solve(dense_matrix(a, b), vec(c))))
    _say_dense(f"A, B, C {small}×{small}", _timed(lambda: solver(a, b, c), 5), dense)
    longer = dense[1] * (n / small) ** 6
    _say(f"   dense at {n}×{n}, computed: {_gib(n**4)}, {duration(longer)} at that speed")


def _show_axb(rng: np.random.Generator) -> None:
    _say("3. A X B = C: two LU factorizations in place of one of Bᵀ⊗A")
    _show_equation(rng, solve_axb, lambda a, b: np.kron(b.T, a))


def _show_sylvester(rng: np.random.Generator) -> None:
    _say("4. A X + X B = C: two Schur decompositions in place of an LU of I⊗A + Bᵀ⊗I")
    eye = np.eye(48)
    _show_equation(rng, solve_sylvester, lambda a, b: np.kron(eye, a) + np.kron(b.T, eye))


def tour() -> None:
    """Print the tour, every number computed as it prints."""
    _say(f"otimes {_core.__version__}, {get_num_threads()} threads: every number is computed now")
    start = time.perf_counter()
    rng = np.random.default_rng(0)
    for show in (_show_jacobians, _show_product, _show_axb, _show_sylvester):
        _say()
        show(rng)
    _say()
    _say(f"{duration(time.perf_counter() - start)} in all")
