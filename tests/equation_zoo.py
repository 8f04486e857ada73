"""Every matrix equation of the library with its definition: laws that hold for all run over it."""

from typing import Any, NamedTuple

import numpy as np

import otimes as ox
from otimes import _equations
from samples import normal

EPS = np.finfo(float).eps


class Equation(NamedTuple):
    """An equation in X: its solver, its left-hand side, and how it must be called.

    `sizes` has a letter for each coefficient: m for (m, m), n for (n, n); `square` equations have
    m = n. The first row and column of the `singular` coefficients are zero.
    """

    name: str
    solve: Any
    left: Any
    sizes: str
    square: bool = False
    real_linear: bool = False
    singular: tuple = ()

    def __str__(self):
        return self.name + "".join(f", {k} singular" for k in self.singular)

    def coefficients(self, rng, m, n, dtype=float, distance=4.0):
        """Random matrices; diagonals of different weight keep the equation away from singular."""
        n = m if self.square else n
        given = [
            random(rng, m if size == "m" else n, dtype)
            + np.asarray(
                (1 + k) * distance * np.sqrt(max(m, n)) * np.eye(m if size == "m" else n)
            ).astype(dtype)
            for k, size in enumerate(self.sizes)
        ]
        for k in self.singular:
            given[k][:1] = given[k][:, :1] = 0
        return given

    def operands(self, rng, m, n, dtype=float, distance=4.0):
        """Coefficients and a right-hand side."""
        n = m if self.square else n
        return [
            *self.coefficients(rng, m, n, dtype, distance),
            random(rng, (m, n), dtype),
        ]

    def matrix(self, *coefficients):
        """The matrix in vec coordinates, column by column from the definition.

        Over the reals, of (Re X, Im X), where the equation is linear only over them.
        """
        m, n = coefficients[0].shape[-1], coefficients[self.sizes.find("n")].shape[-1]
        is_complex = any(np.iscomplexobj(c) for c in coefficients)
        columns = []
        units = (1, 1j) if self.real_linear and is_complex else (1,)
        for unit in units:
            for k in range(m * n):
                x = np.zeros((m, n), complex if is_complex else float)
                x[k % m, k // m] = unit
                image = self.left(*coefficients, x).swapaxes(-1, -2)
                image = image.reshape(*image.shape[:-2], m * n)
                parts = (image.real, image.imag) if len(units) == 2 else (image,)
                columns.append(np.concatenate(parts, axis=-1))
        size = m * n * len(units)
        return np.stack(columns, axis=-1) if columns else np.zeros((size, size))

    def residual(self, coefficients, x, q):
        """‖R‖_F / (‖terms‖ + ‖Q‖_F) in more digits than the solver has."""
        wide = [np.asarray(a, np.clongdouble) for a in (*coefficients, x, q)]
        *given, x, q = wide
        r = self.left(*given, x) - q
        size = self.size(given) * norm(x) + norm(q)
        return float(norm(r) / size) if size else 0.0

    def size(self, coefficients):
        """Σ ‖Lᵢ‖_F ‖Rᵢ‖_F."""
        return SIZES[self.name](*map(norm, coefficients))


def random(rng, shape, dtype):
    shape = (shape, shape) if isinstance(shape, int) else shape
    return normal(rng, shape, dtype)


def norm(a):
    return np.sqrt((np.abs(a) ** 2).sum())


def ct(a):
    return a.conj().swapaxes(-1, -2)


def conjugated_tsylvester(a, b, c, **options):
    return ox.solve_tsylvester(a, b, c, conjugate=True, **options)


def continuous_with_e(a, e, q, **options):
    return ox.solve_continuous_lyapunov(a, q, e=e, **options)


def discrete_with_e(a, e, q, **options):
    return ox.solve_discrete_lyapunov(a, q, e=e, **options)


def through_solve(row):
    """Solve an equation that has no function of its own."""

    def solve(*operands, check_finite=True, on_singular="raise", return_info=False):
        return row.solve(operands[:-1], operands[-1], check_finite, on_singular, return_info)

    return solve


def axb_cxtd(a, b, c, d, x):
    return a @ x @ b + c @ x.swapaxes(-1, -2) @ d


def axb_cxhd(a, b, c, d, x):
    return a @ x @ b + c @ ct(x) @ d


#: Divided by two coefficients; and where that cannot be.
TWO_SIDED = [
    Equation(
        name,
        through_solve(row),
        left,
        "mmmm",
        square=True,
        real_linear=row.real_linear,
        singular=singular,
    )
    for name, row, left, pair in (
        ("axb_cxtd", _equations.AXB_CXTD, axb_cxtd, (2, 3)),
        ("axb_cxhd", _equations.AXB_CXHD, axb_cxhd, (0, 1)),
    )
    for singular in ((), pair)
]

EQUATIONS = [
    *TWO_SIDED,
    Equation("axb", ox.solve_axb, lambda a, b, x: a @ x @ b, "mn"),
    Equation("sylvester", ox.solve_sylvester, lambda a, b, x: a @ x + x @ b, "mn"),
    Equation("stein", ox.solve_stein, lambda a, b, x: x - a @ x @ b, "mn"),
    Equation(
        "generalized_sylvester",
        ox.solve_generalized_sylvester,
        lambda a, b, c, d, x: a @ x @ b + c @ x @ d,
        "mnmn",
    ),
    Equation(
        "continuous_lyapunov",
        ox.solve_continuous_lyapunov,
        lambda a, x: a @ x + x @ ct(a),
        "m",
        square=True,
    ),
    Equation(
        "discrete_lyapunov",
        ox.solve_discrete_lyapunov,
        lambda a, x: x - a @ x @ ct(a),
        "m",
        square=True,
    ),
    Equation(
        "generalized_lyapunov",
        continuous_with_e,
        lambda a, e, x: a @ x @ ct(e) + e @ x @ ct(a),
        "mm",
        square=True,
    ),
    Equation(
        "generalized_stein",
        discrete_with_e,
        lambda a, e, x: e @ x @ ct(e) - a @ x @ ct(a),
        "mm",
        square=True,
    ),
    Equation(
        "tsylvester",
        ox.solve_tsylvester,
        lambda a, b, x: a @ x + x.swapaxes(-1, -2) @ b,
        "mm",
        square=True,
    ),
    Equation(
        "hsylvester",
        conjugated_tsylvester,
        lambda a, b, x: a @ x + ct(x) @ b,
        "mm",
        square=True,
        real_linear=True,
    ),
]

SIZES = {
    "axb": lambda a, b: a * b,
    "sylvester": lambda a, b: a + b,
    "stein": lambda a, b: 1 + a * b,
    "generalized_sylvester": lambda a, b, c, d: a * b + c * d,
    "continuous_lyapunov": lambda a: 2 * a,
    "discrete_lyapunov": lambda a: 1 + a * a,
    "generalized_lyapunov": lambda a, e: 2 * a * e,
    "generalized_stein": lambda a, e: a * a + e * e,
    "tsylvester": lambda a, b: a + b,
    "hsylvester": lambda a, b: a + b,
    "axb_cxtd": lambda a, b, c, d: a * b + c * d,
    "axb_cxhd": lambda a, b, c, d: a * b + c * d,
}
