"""Random compositions of functions that NumPy and JAX share, for comparing their derivatives.

A step is a function of the namespace and of an array; those of a table apply to arrays of some
shapes. Steps keep entries of moderate size, and their kinks are met with probability zero.
"""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

MAX_SIZE = 24


def constant(*shape):
    """Entries without a pattern, in (-1, 1)."""
    k = np.arange(1, np.prod(shape, dtype=int) + 1)
    return (np.sin(1.7 * k * k) * 0.9).reshape(shape)


def gram(xp, x):
    """A positive definite matrix whose eigenvalues differ."""
    return x @ x.T + np.diag(1.0 + np.arange(x.shape[0]))


def is_any(x):
    return True


def is_small(x):
    return 2 * x.size <= MAX_SIZE


def is_array(x):
    return x.ndim >= 1 and x.size > 1


def is_vector(x):
    return x.ndim == 1


def is_matrix(x):
    return x.ndim == 2


def is_square(x):
    return x.ndim == 2 and x.shape[0] == x.shape[1]


def is_long(x):
    return x.ndim >= 1 and len(x) >= 2


#: condition -> name -> step; those of the first table are analytic.
ANALYTIC = {
    is_any: {
        "sin": lambda xp, x: xp.sin(x),
        "exp": lambda xp, x: xp.exp(x / 3),
        "tanh": lambda xp, x: xp.tanh(x / 2),
        "expm1": lambda xp, x: xp.expm1(x / 4) * 2,
        "square": lambda xp, x: xp.square(x) / 2,
        "cube": lambda xp, x: x**3 / 4,
        "rational": lambda xp, x: (1 - x) / (30 + x),
        "reciprocal": lambda xp, x: 1 / (20 + x) - 2.0 / (x - 30),
        "log of a shift": lambda xp, x: xp.log(30 + x),
        "root of a shift": lambda xp, x: xp.sqrt(x + 20),
        "power of a shift": lambda xp, x: (x + 20) ** -1.5,
        "power of a number": lambda xp, x: 1.5 ** (x / 2),
        "times an array": lambda xp, x: x * constant(*x.shape),
        "array divided": lambda xp, x: constant(*x.shape) / (x + 20),
        "times itself": lambda xp, x: x * xp.cos(x),
        "times its sum": lambda xp, x: x * xp.sum(x) / 4,
        "ravel": lambda xp, x: xp.ravel(x),
        "transpose": lambda xp, x: x.T,
        "expand_dims": lambda xp, x: xp.expand_dims(x, 0) if x.ndim < 4 else x,
        "squeeze": lambda xp, x: xp.squeeze(x),
        "vdot": lambda xp, x: xp.tensordot(x, x * constant(*x.shape), x.ndim),
        "sum": lambda xp, x: xp.sum(x) * constant(2, 3),
        "flip": lambda xp, x: xp.flip(x) + x,
    },
    is_small: {
        "tile": lambda xp, x: xp.tile(x, (2, 1)),
        "repeat": lambda xp, x: xp.repeat(x, 2),
        "stack": lambda xp, x: xp.stack([x, xp.sin(x)], axis=-1),
        "broadcast": lambda xp, x: x * constant(2, *(1 for _ in x.shape)),
        "kron": lambda xp, x: xp.kron(x.reshape(-1), constant(2)),
    },
    is_array: {
        "roll": lambda xp, x: x - xp.roll(x, 1, 0),
        "mean": lambda xp, x: x - xp.mean(x, axis=-1, keepdims=True),
        "sum of an axis": lambda xp, x: x.sum(axis=0),
        "prod": lambda xp, x: xp.prod(xp.sin(x + 2), axis=-1),
        "cumsum": lambda xp, x: xp.cumsum(x, axis=0) / 2,
        "cumprod": lambda xp, x: xp.cumprod(xp.cos(x / 2), axis=-1),
        "index array": lambda xp, x: x[np.array([0, -1, 0])],
        "last": lambda xp, x: x[..., -1],
        "reversed": lambda xp, x: x[::-1] + 2 * x,
        "swapaxes": lambda xp, x: xp.swapaxes(x, 0, -1),
        "moveaxis": lambda xp, x: xp.moveaxis(x, 0, -1),
        "take": lambda xp, x: xp.take(x, np.array([[1, 0]]), axis=None),
        "pad": lambda xp, x: xp.pad(x.reshape(-1)[:8], (1, 2)),
        "inner": lambda xp, x: xp.inner(x, constant(2, x.shape[-1])),
        "dot": lambda xp, x: xp.dot(x, constant(x.shape[-1], 3)),
        "softmax": lambda xp, x: xp.exp(x / 4) / xp.sum(xp.exp(x / 4), axis=-1, keepdims=True),
    },
    is_long: {
        "tail": lambda xp, x: x[1:],
        "split": lambda xp, x: xp.split(x, [1])[1] * 2,
        "diff": lambda xp, x: xp.diff(x, axis=0),
        "concatenate": lambda xp, x: xp.concatenate([x[1:], x[:1] * x[-1:]]),
        "mask": lambda xp, x: xp.where(constant(*x.shape) > 0, x, x * x / 2),
    },
    is_vector: {
        "outer": lambda xp, x: xp.outer(x[:4], xp.sin(x[:4])),
        "diag of a vector": lambda xp, x: xp.diag(x[:4]),
        "linear": lambda xp, x: constant(4, x.size) @ x,
        "vector times matrix": lambda xp, x: x @ constant(x.size, 2),
        "convolve": lambda xp, x: xp.convolve(x[:6], constant(3)),
        "matrix": lambda xp, x: x[: x.size // 2 * 2].reshape(-1, 2),
        "columns": lambda xp, x: xp.reshape(x[: x.size // 2 * 2], (2, -1), order="F"),
    },
    is_matrix: {
        "times a matrix": lambda xp, x: x @ constant(x.shape[1], 3),
        "of a matrix": lambda xp, x: constant(3, x.shape[0]) @ x,
        "product with its transpose": lambda xp, x: x @ x.T / 2,
        "einsum": lambda xp, x: xp.einsum("ij,kj->ik", x, x * x),
        "einsum of three": lambda xp, x: xp.einsum("ij,kj,kl->il", x, x, x) / 4,
        "tensordot": lambda xp, x: xp.tensordot(x, x, ([0], [0])),
        "tril": lambda xp, x: xp.tril(x) + xp.triu(x, 1) ** 2,
        "trace": lambda xp, x: xp.trace(x) * x,
        "diagonal": lambda xp, x: xp.diagonal(x),
        "stack of matrices": lambda xp, x: x.T @ (constant(2, *x.shape) * x),
        "row and column": lambda xp, x: x[:, :1] * x[:1] - x,
    },
    is_square: {
        "inv": lambda xp, x: xp.linalg.inv(x / 20 + np.diag(1.0 + np.arange(len(x)))),
        "solve": lambda xp, x: xp.linalg.solve(x / 20 + np.eye(len(x)), x),
        "solve of ones": lambda xp, x: xp.linalg.solve(x - 30 * np.eye(len(x)), x[0] * 0 + 1),
        "det": lambda xp, x: xp.linalg.det(x / 20 + np.eye(len(x))) * x,
        "matrix_power": lambda xp, x: xp.linalg.matrix_power(x / 2, 3),
        "multi_dot": lambda xp, x: xp.linalg.multi_dot([x, constant(len(x), len(x)), x]) / 2,
    },
}  # fmt: skip

#: Complex results of real arrays.
COMPLEX = {
    is_matrix: {"fft": lambda xp, x: xp.fft.ifft(xp.fft.fft(x) * constant(x.shape[1]))},
    is_array: {
        "rotation": lambda xp, x: x * (0.6 + 0.8j),
        "fft of rows": lambda xp, x: xp.fft.fft(x, 5),
    },
}

REAL = {
    is_any: {
        "absolute": lambda xp, x: xp.absolute(x + 0.01),
        "maximum": lambda xp, x: xp.maximum(x, constant(*x.shape) / 3),
        "minimum": lambda xp, x: xp.minimum(x, xp.sin(3 * x + 1)),
        "clip": lambda xp, x: xp.clip(x, -0.9, 1.1) + x / 3,
        "where": lambda xp, x: xp.where(x > 0.05, x, x * x),
        "arctan2": lambda xp, x: xp.arctan2(x, 1 + x * x),
        "hypot": lambda xp, x: xp.hypot(x, constant(*x.shape) + 1),
        "logaddexp": lambda xp, x: xp.logaddexp(x, constant(*x.shape)),
        "arctan": lambda xp, x: xp.arctan(x),
        "arcsinh": lambda xp, x: xp.arcsinh(x),
        "log1p": lambda xp, x: xp.log1p(x * x),
        "sinc": lambda xp, x: xp.sinc(x / 3),
        "cbrt": lambda xp, x: xp.cbrt(x * x + 1),
        "norm": lambda xp, x: x / (1 + xp.linalg.norm(x.reshape(-1))),
        "real part": lambda xp, x: xp.real(xp.exp(1j * x) * (1 + x)),
        "filter": lambda xp, x: xp.fft.ifft(xp.fft.fft(xp.ravel(x)) * constant(x.size)).real,
        "modulus": lambda xp, x: xp.abs(x + 1j * (1 + x * x)),
    },
    is_array: {
        "max": lambda xp, x: xp.max(x, axis=-1),
        "min": lambda xp, x: xp.min(x + constant(*x.shape), axis=0, keepdims=True) - x,
        "var": lambda xp, x: xp.var(x + constant(*x.shape), axis=-1, keepdims=True) * x,
        "std": lambda xp, x: xp.std(x + 2 * constant(*x.shape)) * x,
        "median": lambda xp, x: x - xp.median(x, axis=-1, keepdims=True) / 2,
        "sort": lambda xp, x: xp.sort(x, axis=-1) * constant(*x.shape),
        "rfft": lambda xp, x: xp.abs(xp.fft.rfft(x + 1, axis=-1)[..., :1]) / 3 * x,
        "irfft": lambda xp, x: xp.fft.irfft(xp.fft.rfft(x)[..., :5] * 2j)[..., :4],
        "fft of two axes": lambda xp, x: (
            xp.fft.fft2(x.reshape(2, -1)[:, :4]).real / 4 if x.size % 2 == 0 else x
        ),
    },
    is_matrix: {
        "slogdet": lambda xp, x: xp.linalg.slogdet(gram(xp, x))[1] * x / 8,
        "cholesky": lambda xp, x: xp.linalg.cholesky(gram(xp, x)),
        "norm of rows": lambda xp, x: xp.linalg.norm(x + constant(*x.shape), axis=1),
        "inverse of a gram": lambda xp, x: xp.linalg.inv(gram(xp, x)) @ x,
        "p-norm": lambda xp, x: xp.linalg.norm(x + 2 + constant(*x.shape), 3, axis=0),
    },
}

#: Without second derivatives here, or in JAX.
ONCE = {
    is_matrix: {
        "eigvalsh": lambda xp, x: xp.linalg.eigvalsh(gram(xp, x)),
        "svdvals": lambda xp, x: xp.linalg.svd(
            x + np.eye(*x.shape) * (5 + np.arange(x.shape[1])), compute_uv=False
        ),
        "pinv": lambda xp, x: xp.linalg.pinv(x / 9 + np.eye(*x.shape)) / 3,
        "spectral norm": lambda xp, x: x / xp.linalg.norm(x + 9 * np.eye(*x.shape), 2),
        "nuclear norm": lambda xp, x: x / xp.linalg.norm(x + 9 * np.eye(*x.shape), "nuc"),
    },
}


@dataclass(frozen=True)
class Composition:
    """The steps f = fₙ ∘ … ∘ f₁, by name, and the point."""

    names: tuple[str, ...]
    steps: tuple
    point: np.ndarray

    def __call__(self, xp, x):
        for step in self.steps:
            x = step(xp, x)
        return x

    def __repr__(self):
        return f"{' → '.join(self.names)} of {self.point.dtype} {self.point.shape}"


def _applicable(tables, x):
    return sorted(
        (name, step)
        for table in tables
        for fits, steps in table.items()
        if fits(x)
        for name, step in steps.items()
    )


@st.composite
def compositions(draw, tables, depth=8, complex_point=False):
    """Compositions of up to `depth` steps that stay of moderate size, at a random point."""
    shape = draw(
        st.sampled_from([(3, 3), (2, 3), (1, 1), (4,), (1,), (), (3, 1), (2, 2, 2), (2, 2)])
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    x = point = rng.standard_normal(shape) + (
        1j * rng.standard_normal(shape) if complex_point else 0
    )
    chosen = []
    for _ in range(draw(st.integers(1, depth))):
        steps = dict(_applicable(tables, x))
        name = draw(st.sampled_from(list(steps)))
        y = np.asarray(steps[name](np, x))
        if 0 < y.size <= MAX_SIZE and np.isfinite(y).all() and np.abs(y).max() < 20:
            chosen.append((name, steps[name]))
            x = y
    names, functions = zip(*chosen, strict=True) if chosen else ((), ())
    return Composition(names, functions, point)
