"""Functions of one matrix that the tests of derivatives share, each with its domain.

A line of CASES adds a function to every law of test_calculus.py.
"""

import numpy as np

rng = np.random.default_rng(20)
B = rng.standard_normal((3, 3))
W = rng.standard_normal((2, 3))
P = rng.standard_normal((2, 4))
v = rng.standard_normal(3)
u = rng.standard_normal(2)

#: name -> function of a matrix (3, 3)
CASES = {
    "identity": lambda A: A,
    "square": lambda A: A @ A,
    "cube": lambda A: A @ A @ A,
    "fourth by squaring": lambda A: (A @ A) @ (A @ A),
    "shared": lambda A: (A @ A + A) @ (A @ A + A).T,
    "affine": lambda A: 3 * A - A.T * 2 + B,
    "negative": lambda A: -A + (+A) * 0.5,
    "sandwich": lambda A: W @ A @ B.T,
    "gram": lambda A: A.T @ A,
    "mT": lambda A: A.mT @ A,
    "vector on the right": lambda A: A @ v,
    "vector on the left": lambda A: u @ W @ A,
    "row": lambda A: v @ A,
    "bilinear": lambda A: v @ A @ v,
    "inner product of traced vectors": lambda A: (A @ v) @ (A.T @ v),
    "dot": lambda A: np.dot(A, B).dot(A),
    "dot with a number": lambda A: np.dot(2.0, A),
    "inverse": np.linalg.inv,
    "least squares": lambda A: np.linalg.inv(A.T @ A) @ B,
    "trace": np.trace,
    "trace method": lambda A: (A @ B).trace(),
    "det": np.linalg.det,
    "logdet": lambda A: np.linalg.slogdet(A).logabsdet,
    "logdet by index": lambda A: np.linalg.slogdet(A)[1],
    "log of det": lambda A: np.log(np.linalg.det(A @ A.T)),
    "kron left": lambda A: np.kron(A, P),
    "kron right": lambda A: np.kron(P, A @ A),
    "kron both": lambda A: np.kron(A, A.T),
    "elementwise": lambda A: A * B + A * A,
    "broadcast vector": lambda A: A * v + v,
    "broadcast column": lambda A: A * v[:, None] - v[:, None],
    "broadcast traced vector": lambda A: B * (A @ v),
    "scalar times constant": lambda A: B * np.trace(A),
    "constant plus scalar": lambda A: B - np.trace(A),
    "quotient": lambda A: A / np.trace(A @ A),
    "quotient of constant": lambda A: B / (A * A + 1),
    "power": lambda A: A**3 + (A * A + 1) ** 0.5,
    "elementwise functions": lambda A: np.exp(A) @ np.sin(A) - np.cos(A) + np.tanh(A),
    "more elementwise": lambda A: np.sqrt(A * A + 1) + np.square(A) + np.reciprocal(A * A + 2),
    "transposes": lambda A: A.transpose() @ A.transpose(1, 0) @ np.transpose(A, (0, 1)),
    "branch": lambda A: A @ A if np.trace(A) > -100 else A,
    "where constant": lambda A: np.where(B > 0, 1.0, 0.0) * A,
}

#: A point that suits them all: well-conditioned, det > 0.
POINT = rng.standard_normal((3, 3)) + 3 * np.eye(3)
