"""Random matrices in every dtype, and what a rounding error is in it."""

import numpy as np

DTYPES = [np.float32, np.float64, np.complex64, np.complex128]


def eps(x):
    return float(np.finfo(np.asarray(x).dtype).eps)


def normal(rng, shape, dtype=np.float64):
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def noise(n):
    return np.random.default_rng(n).standard_normal((n, n))


def block_diagonal(*blocks):
    n = sum(len(b) for b in blocks)
    a, start = np.zeros((n, n)), 0
    for b in blocks:
        a[start : start + len(b), start : start + len(b)] = b
        start += len(b)
    return a


def adjoint(a):
    """Aᴴ, of each matrix of a stack."""
    return np.conj(np.swapaxes(a, -1, -2))
