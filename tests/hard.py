"""Matrices that break solvers of matrix equations, by name."""

import numpy as np


def jordan(n, value):
    return value * np.eye(n) + np.eye(n, k=1)


def grcar(n):
    return -np.eye(n, k=-1) + sum(np.eye(n, k=k) for k in range(4))


def frank(n):
    i, j = np.indices((n, n)) + 1
    return np.where(j >= i - 1, n + 1 - np.maximum(i, j), 0).astype(float)


def kahan(n, theta=1.2):
    s, c = np.sin(theta), np.cos(theta)
    return np.diag(s ** np.arange(n)) @ (np.eye(n) - c * np.triu(np.ones((n, n)), 1))


def chebyshev_differentiation(n):
    """Differentiation on n Chebyshev points, the first held at zero: nilpotent but for rounding."""
    x = np.cos(np.pi * np.arange(n + 1) / n)
    c = np.where((np.arange(n + 1) == 0) | (np.arange(n + 1) == n), 2, 1) * (-1.0) ** np.arange(
        n + 1
    )
    d = np.outer(c, 1 / c) / (x[:, None] - x[None] + np.eye(n + 1))
    d -= np.diag(d.sum(axis=1))
    return d[1:, 1:]


def wilkinson_bidiagonal(n):
    return np.diag(np.arange(n, 0, -1.0)) + n * np.eye(n, k=1)


def toeplitz_nonnormal(n):
    return 2 * np.eye(n, k=1) + 0.5 * np.eye(n, k=-2) - 0.25 * np.eye(n, k=-1)


def growing(n, diagonal):
    """Back substitution with it grows by 1/diagonal in every step."""
    return diagonal * np.eye(n) + np.triu(np.ones((n, n)), 1)


def from_eigenvalues(rng, values, spread=0.0):
    """A real matrix with these eigenvalues (complex ones with their conjugates), non-normal."""
    blocks = []
    for value in values:
        if np.imag(value):
            blocks.append(np.array([[value.real, value.imag], [-value.imag, value.real]]))
        else:
            blocks.append(np.array([[np.real(value)]]))
    n = sum(len(b) for b in blocks)
    t, k = np.triu(rng.standard_normal((n, n)), 1) * spread, 0
    for b in blocks:
        t[k : k + len(b), k : k + len(b)] = b
        k += len(b)
    q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    return q @ t @ q.T


def bumps(rng, count, ratio=1.0, gap=1.0):
    """A quasi-triangular matrix of 2×2 blocks [a b; c a], b/c = -ratio."""
    n = 2 * count
    t = np.triu(rng.standard_normal((n, n)), 1)
    for k in range(0, n, 2):
        b = np.sqrt(ratio) * gap
        t[k : k + 2, k : k + 2] = [[1.0 + k / n, b], [-gap / np.sqrt(ratio), 1.0 + k / n]]
    return t


# --- SLICOT's benchmark collections CTLEX and DTLEX (Kressner, Mehrmann and Penzl 1999) -----------


def reflections(n):
    """V = I - 2/n e eᵀ and W = I - 2/n f fᵀ, f the alternating vector: orthogonal, symmetric."""
    e, f = np.ones(n), (-1.0) ** np.arange(n)
    return np.eye(n) - 2 / n * np.outer(e, e), np.eye(n) - 2 / n * np.outer(f, f)


def ctlex_41(n, r, s):
    """Aᵀ X + X A = Q with the exact solution, condition growing with r and s."""
    v, w = reflections(n)
    scale = s ** np.arange(n)
    t = (v * scale) @ w  # V diag(s^k) W
    t_inverse = (w / scale) @ v
    rates = -(r ** np.arange(n))
    a = t_inverse @ np.diag(rates) @ t
    core = np.add.outer(np.arange(1.0, n + 1), np.arange(1.0, n + 1))
    x = t.T @ core @ t
    y = t.T @ (core * np.add.outer(rates, rates)) @ t
    return a, y, x


def ctlex_42(n, lam, s):
    """A similar to a Jordan block of the eigenvalue lam < 0."""
    v, w = reflections(n)
    scale = s ** np.arange(n)
    return ((w / scale) @ v) @ jordan(n, lam) @ ((v * scale) @ w)


def near_singular(n, t, shift):
    """shift I + diag(1, ..., n) + Uᵀ and I + 2^-t U, U of ones below the diagonal."""
    below = np.tril(np.ones((n, n)), -1)
    a = shift * np.eye(n) + np.diag(np.arange(1.0, n + 1)) + below.T
    return a, np.eye(n) + 2.0**-t * below, np.ones((n, n))


def ctlex_43(n, t):
    """Aᵀ X E + Eᵀ X A = Y with X of ones: an eigenvalue comes close to 0 as 2^-t."""
    return near_singular(n, t, 2.0**-t - 1)


def dtlex_43(n, t):
    """Aᵀ X A - Eᵀ X E = Y with X of ones: an eigenvalue comes close to 1 as 2^-t."""
    return near_singular(n, t, 2.0**-t)


def dtlex_41(n, r, s):
    """A X Aᵀ - X = -Q, eigenvalues (r^k - 1)/(r^k + 1) ever nearer to the circle."""
    v, w = reflections(n)
    scale = s ** np.arange(n)
    t, t_inverse = (v * scale) @ w, (w / scale) @ v
    rates = (r ** np.arange(n) - 1) / (r ** np.arange(n) + 1)
    return t_inverse @ np.diag(rates) @ t
