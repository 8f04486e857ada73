"""Matrix-free iterations on NumPy vectors: GMRES, CG and LSMR, for real and complex operators."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ._check import Array

#: A linear map of vectors (N,).
Map = Callable[[Array], Array]
#: What is called after every iteration, with its number and the residual so far.
Callback = Callable[[int, float], Any]


class Stopping(NamedTuple):
    """When an iteration ends: residual ‖b - A x‖ / (norm ‖x‖ + ‖b‖) ≤ tol, or `maxiter` steps.

    Attributes
    ----------
    tol : float
    maxiter : int
    norm : float
        A bound of ‖A‖, or 0 for the residual relative to b alone.
    callback : callable, optional
        ``callback(iteration, residual)``.
    """

    tol: float
    maxiter: int
    norm: float = 0.0
    callback: Callback | None = None

    def residual(self, r: float, x: float, b: float) -> float:
        """The residual of three norms: of b - A x, of x and of b."""
        scale = self.norm * x + b
        return r / scale if scale else 0.0

    def report(self, iteration: int, residual: float) -> None:
        if self.callback is not None:
            self.callback(iteration, residual)


class Outcome(NamedTuple):
    """Where an iteration has ended.

    Attributes
    ----------
    x : ndarray
    converged : bool
    iterations : int
    residual : float
        What `Stopping` compares with its tolerance.
    """

    x: Array
    converged: bool
    iterations: int
    residual: float


def _norm(x: Array) -> float:
    return float(np.linalg.norm(x))


def _same(x: Array) -> Array:
    return x


class Rows:
    """Vectors that sums are taken of: the rows of one array."""

    def __init__(self, size: int, like: Array) -> None:
        self._rows = np.zeros((size, len(like)), like.dtype)
        self._count = 0

    def append(self, v: Array) -> None:
        self._rows[self._count] = v
        self._count += 1

    def __getitem__(self, k: int) -> Array:
        row: Array = self._rows[k]
        return row

    def inner(self, w: Array) -> Array:
        """⟨v, w⟩ with each vector."""
        products: Array = self._rows[: self._count].conj() @ w
        return products

    def combined(self, c: Array) -> Array:
        """Σ c v."""
        total: Array = c @ self._rows[: len(c)]
        return total


class Space(NamedTuple):
    """What kind of vectors an iteration is carried out on: NumPy's, unless told otherwise.

    Attributes
    ----------
    keep : callable
        Called with every vector that is used more than once; computes those that are lazy.
    basis : callable
        ``basis(size, like)`` makes an empty basis of at most `size` vectors, as `Rows` does.
    """

    keep: Map = _same
    basis: Callable[[int, Array], Any] = Rows


_ARRAYS = Space()


# --- GMRES ---------------------------------------------------------------------------------------


def gmres(
    apply: Map,
    b: Array,
    stopping: Stopping,
    precondition: Map = _same,
    restart: int = 80,
    space: Space = _ARRAYS,
) -> Outcome:
    """A x = b by minimal residuals over Krylov spaces of A M⁻¹, of at most `restart` vectors.

    `precondition` applies M⁻¹, from the right: residuals are those of the equation itself. Each
    restart takes the residual afresh, as a step of refinement does. A product, an application of
    M⁻¹ and 8 N k flops in the k-th step after a restart; memory for 2 `restart` vectors.

    Saad & Schultz 1986, doi:10.1137/0907058; Saad 1993, doi:10.1137/0914028.
    """
    x, r = np.zeros_like(b), b
    iterations, size = 0, _norm(b)
    while True:
        residual = stopping.residual(_norm(r), _norm(x), size)
        if residual <= stopping.tol or iterations >= stopping.maxiter:
            return Outcome(x, residual <= stopping.tol, iterations, residual)
        steps = min(restart, stopping.maxiter - iterations)
        cycle = _Arnoldi(apply, precondition, r, steps, space)
        scale = stopping.norm * _norm(x) + size
        while not cycle.is_full and cycle.residual > stopping.tol * scale / 2:
            cycle.step()
            iterations += 1
            stopping.report(iterations, cycle.residual / scale)
        better = space.keep(x + cycle.update())
        before, r = _norm(r), space.keep(b - apply(better))
        if not _norm(r) < before:  # stagnation: nothing that a restart would change
            return Outcome(x, False, iterations, residual)
        x = better


class _Arnoldi:
    """An orthonormal basis of a Krylov space, and the least-squares problem in it."""

    def __init__(self, apply: Map, precondition: Map, r: Array, size: int, space: Space) -> None:
        self.apply, self.precondition, self.keep = apply, precondition, space.keep
        self.residual = _norm(r)
        self.basis, self.directions = space.basis(size + 1, r), space.basis(size, r)
        self.basis.append(self.keep(r / self.residual))
        self.triangle = np.zeros((size, size), r.dtype)
        self.rhs = np.zeros(size + 1, r.dtype)
        self.rhs[0] = self.residual
        self.rotations: list[tuple[float, Any]] = []
        self.is_invariant = False

    @property
    def is_full(self) -> bool:
        return self.is_invariant or len(self.rotations) == len(self.triangle)

    def step(self) -> None:
        k = len(self.rotations)
        direction = self.keep(self.precondition(self.basis[k]))
        self.directions.append(direction)
        w = self.keep(self.apply(direction))
        column = np.zeros(k + 2, w.dtype)
        size = _norm(w)
        for _ in range(2):  # the second time is enough for orthogonality to rounding
            part = self.basis.inner(w)
            w = self.keep(w - self.basis.combined(part))
            column[: k + 1] += part
        rest = _norm(w)
        if rest <= 10 * np.finfo(w.dtype).eps * size:
            rest, self.is_invariant = 0.0, True
        else:
            self.basis.append(self.keep(w / rest))
        column[k + 1] = rest
        self._rotate(column, k)

    def _rotate(self, column: Array, k: int) -> None:
        """Append a column of the Hessenberg matrix to its QR decomposition."""
        for i, (c, s) in enumerate(self.rotations):
            upper, lower = column[i], column[i + 1]
            column[i], column[i + 1] = c * upper + s * lower, c * lower - np.conj(s) * upper
        size = math.hypot(abs(column[k]), abs(column[k + 1]))
        phase = column[k] / abs(column[k]) if column[k] else 1
        c = abs(column[k]) / size if size else 1.0
        s = phase * np.conj(column[k + 1]) / size if size else 0.0
        self.rotations.append((c, s))
        self.triangle[:k, k] = column[:k]
        self.triangle[k, k] = phase * size
        self.rhs[k + 1] = -np.conj(s) * self.rhs[k]
        self.rhs[k] *= c
        self.residual = float(abs(self.rhs[k + 1]))

    def update(self) -> Array:
        """What to add to x; directions that A maps to nothing are left out."""
        k = len(self.rotations)
        y = np.linalg.lstsq(self.triangle[:k, :k], self.rhs[:k], rcond=None)[0]
        step: Array = self.directions.combined(y.astype(self.rhs.dtype))
        return step


# --- CG ------------------------------------------------------------------------------------------


def cg(
    apply: Map, b: Array, stopping: Stopping, precondition: Map = _same, space: Space = _ARRAYS
) -> Outcome:
    """A x = b by conjugate gradients, A and M Hermitian and positive definite.

    A product, an application of M⁻¹ and 10 N flops a step; memory for five vectors. After
    convergence the true residual decides whether it starts again from x.

    Hestenes & Stiefel 1952, doi:10.6028/jres.049.044.
    """
    x, iterations, size = np.zeros_like(b), 0, _norm(b)
    residual = stopping.residual(size, 0.0, size)
    while residual > stopping.tol and iterations < stopping.maxiter:
        before = residual
        x, iterations = _cg_from(x, apply, b, stopping, precondition, iterations, space.keep)
        residual = stopping.residual(_norm(b - apply(x)), _norm(x), size)
        if not residual < before / 2:
            break
    return Outcome(x, residual <= stopping.tol, iterations, residual)


def _cg_from(
    x: Array,
    apply: Map,
    b: Array,
    stopping: Stopping,
    precondition: Map,
    iterations: int,
    keep: Map,
) -> tuple[Array, int]:
    """CG from x until its own recurrence says that it has converged."""
    r = keep(b - apply(x) if iterations else b)
    z = keep(precondition(r))
    p, product, size = z, float(np.vdot(r, z).real), _norm(b)
    while iterations < stopping.maxiter and product > 0:
        image = keep(apply(p))
        curvature = float(np.vdot(p, image).real)
        if not curvature > 0:
            break  # not positive definite: the caller sees the residual
        step = product / curvature
        x, r = keep(x + step * p), keep(r - step * image)
        iterations += 1
        residual = stopping.residual(_norm(r), _norm(x), size)
        stopping.report(iterations, residual)
        if residual <= stopping.tol / 2:
            break
        z = keep(precondition(r))
        before, product = product, float(np.vdot(r, z).real)
        p = keep(z + product / before * p)
    return x, iterations


# --- LSMR ----------------------------------------------------------------------------------------


def lsmr(apply: Map, adjoint: Map, b: Array, stopping: Stopping, window: int = 200) -> Outcome:
    """min ‖x‖ over the x that minimise ‖A x - b‖, by the Golub-Kahan process.

    Ends when ‖Aᴴ r‖ / (‖A‖ ‖r‖), or the residual of a consistent equation, is at most tol, ‖A‖
    being the Frobenius norm of what the process has seen, at least. The last `window` vectors are
    kept, and new ones made orthogonal to them: the process then ends after as many steps as A has
    distinct singular values that matter. A product with A and one with Aᴴ, and
    4 N window flops a step.

    Fong & Saunders 2011, doi:10.1137/10079687X.
    """
    process = _Bidiagonal(apply, adjoint, b, window)
    x = np.zeros_like(process.v)
    size = process.beta
    r, h, image_h, hbar, image_bar = b, process.v, process.image(), x, np.zeros_like(b)
    alpha_bar, zeta_bar = process.alpha, process.alpha * size
    rho = rho_bar = c_bar = 1.0
    s_bar, norm_squared = 0.0, process.alpha**2
    iterations, residual = 0, _optimality(zeta_bar, process.alpha, r, x, size, stopping)
    while residual > stopping.tol and iterations < stopping.maxiter:
        process.step()
        norm_squared += process.alpha**2 + process.beta**2
        rho_before, rho = rho, math.hypot(alpha_bar, process.beta)
        c, s = alpha_bar / rho, process.beta / rho
        theta, alpha_bar = s * process.alpha, c * process.alpha
        rho_bar_before, theta_bar, turned = rho_bar, s_bar * rho, c_bar * rho
        rho_bar = math.hypot(turned, theta)
        c_bar, s_bar = turned / rho_bar, theta / rho_bar
        zeta, zeta_bar = c_bar * zeta_bar, -s_bar * zeta_bar
        back = theta_bar * rho / (rho_before * rho_bar_before)
        hbar, image_bar = h - back * hbar, image_h - back * image_bar
        step = zeta / (rho * rho_bar)
        x, r = x + step * hbar, r - step * image_bar
        h, image_h = process.v - theta / rho * h, process.image() - theta / rho * image_h
        iterations += 1
        residual = _optimality(abs(zeta_bar), math.sqrt(norm_squared), r, x, size, stopping)
        stopping.report(iterations, residual)
    return Outcome(x, residual <= stopping.tol, iterations, residual)


def _optimality(
    gradient: float, norm: float, r: Array, x: Array, b: float, stopping: Stopping
) -> float:
    """The smaller of the two measures of how far x is from a least-squares solution."""
    misfit = _norm(r)
    scale = max(norm, stopping.norm)
    consistent = misfit / (scale * _norm(x) + b) if b else 0.0
    return min(consistent, gradient / (scale * misfit)) if scale * misfit else 0.0


class _Bidiagonal:
    """A V = U B with orthonormal columns and a lower bidiagonal B, a column a step."""

    def __init__(self, apply: Map, adjoint: Map, b: Array, window: int) -> None:
        self.apply, self.adjoint = apply, adjoint
        self.u, self.beta = _unit(b)
        self.v, self.alpha = _unit(adjoint(self.u))
        self.kept = np.zeros((min(window, len(self.v)), len(self.v)), self.v.dtype)
        self.kept[:1] = self.v
        self.count = 1
        self._image: Array | None = None

    def image(self) -> Array:
        """A v of the newest v."""
        if self._image is None:
            self._image = self.apply(self.v)
        return self._image

    def step(self) -> None:
        self.u, self.beta = _unit(self.image() - self.alpha * self.u)
        self._image = None
        w = self.adjoint(self.u) - self.beta * self.v
        w = w - (self.kept.conj() @ w) @ self.kept
        self.v, self.alpha = _unit(w)
        self.kept[self.count % len(self.kept)] = self.v
        self.count += 1


def _unit(x: Array) -> tuple[Array, float]:
    size = _norm(x)
    return (x / x.dtype.type(size) if size else x), size
