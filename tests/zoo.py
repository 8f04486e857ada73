"""Every kind of operator, each beside the dense matrix that it stands for.

A new operator is one more line here; every law of test_operator.py then runs on it.
"""

import importlib.util
from typing import NamedTuple

import numpy as np
import pytest

import oracle
import otimes as ox
from otimes._compounds import Conjugate, OperatorKronecker, Product, Sum
from otimes._structures import LowRank, Selection

#: Whether operators with sparse factors are in the zoo.
WITH_SCIPY = importlib.util.find_spec("scipy") is not None


def assert_equal_for_any_threads(f):
    """f() gives equal bits with one, two and more threads than there may be processors."""
    threads = ox.get_num_threads()
    try:
        results = []
        for n in (1, 2, 5):
            ox.set_num_threads(n)
            results.append(f())
    finally:
        ox.set_num_threads(threads)
    np.testing.assert_array_equal(results[1], results[0])
    np.testing.assert_array_equal(results[2], results[0])


class Animal(NamedTuple):
    name: str
    op: ox._operator.LinearOperator
    dense: np.ndarray
    #: Only moves entries, so that products keep the operand's dtype; or what op @ x and x @ op do:
    #: "keeps", "sums" (small integers become larger ones) or "averages" (they become floats).
    neutral: bool | tuple[str, str]


def matrix(m, n, dtype="float64", seed=0):
    rng = np.random.default_rng([m, n, seed])
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.random((m, n)) < 0.5
    if kind in "iu":
        return rng.integers(0 if kind == "u" else -4, 5, (m, n)).astype(dtype)
    a = rng.standard_normal((m, n))
    return (a + 1j * rng.standard_normal((m, n)) if kind == "c" else a).astype(dtype)


def factors_of(shapes, *dtypes):
    """Matrices of these shapes, their dtypes in turn."""
    return [matrix(*s, dtypes[k % len(dtypes)], k) for k, s in enumerate(shapes)]


ZOO: list[Animal] = []


def add(name, op, dense, neutral=False):
    ZOO.append(Animal(name, op, np.asarray(dense), neutral))


def add_kron(name, shapes, *dtypes):
    factors = factors_of(shapes, *dtypes)
    add(f"kron {name}", ox.kron(*factors), oracle.kron(*factors))


A, B, C, D = (matrix(*s, seed=5) for s in [(2, 3), (4, 2), (3, 2), (2, 4)])
S, R, Q = matrix(2, 2, seed=6), matrix(3, 3, seed=7), matrix(2, 2, seed=8)
Z, W = matrix(2, 2, "complex128", 9), matrix(3, 3, "complex64", 10)
kron, K = oracle.kron, oracle.commutation

# --- Kronecker products --------------------------------------------------------------------------
for d in ["float32", "float64", "complex64", "complex128", "bool"]:
    add_kron(f"2 {d}", [(2, 3), (4, 2)], d)
for d in ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]:
    add_kron(f"3 {d}", [(2, 3), (1, 2), (3, 1)], d)
add_kron("4 factors", [(2, 3), (1, 2), (3, 1), (2, 2)], "float64")
add_kron("square", [(2, 2), (3, 3)], "float64")
add_kron("wide", [(1, 7), (1, 5)], "float64")
add_kron("tall", [(7, 1), (5, 1)], "float64")
add_kron("ones", [(1, 1), (1, 1)], "float64")
add_kron("real complex", [(2, 2), (3, 2)], "float64", "complex64")
add_kron("float32 float64", [(2, 2), (3, 2)], "float32", "float64")
add_kron("int float32", [(2, 2), (3, 2)], "int16", "float32")
add_kron("int8 uint8", [(2, 2), (3, 2)], "int8", "uint8")
add_kron("bool int", [(2, 2), (3, 2)], "bool", "int64")
add_kron("no rows", [(2, 3), (0, 2)], "float64")
add_kron("no columns", [(2, 0), (3, 2)], "float64")
add_kron("empty", [(0, 0), (2, 2)], "float64")
add_kron("blas sizes", [(24, 20), (20, 24)], "float64")
add_kron("blas sizes float32", [(20, 24), (24, 20)], "float32")
add_kron("blas sizes complex", [(20, 24), (16, 20)], "complex128")
add_kron("two by two, 9 times", [(2, 2)] * 9, "float64")
add("one factor", ox.kron([[1.0]], R), R)
add("nested", ox.kron(ox.kron(A, B), C), kron(A, B, C))
add("of lists", ox.kron([[1, 2]], [[3], [4]]), kron([[1, 2]], [[3], [4]]))
add("64 factors", ox.kron(*[[[1.0]]] * 62, A, B), kron(A, B))
add("with overflow", ox.kron(*[np.full((2, 2), 50, np.int8)] * 2), np.full((4, 4), -60, np.int8))

# --- scaled, transposed, sums --------------------------------------------------------------------
add("scaled", 2.5 * ox.kron(A, B), 2.5 * kron(A, B))
add("negative", -ox.kron(A, B), -kron(A, B))
add("complex scaled", ox.kron(A, B) * (1 - 2j), kron(A, B) * (1 - 2j))
add("times zero", ox.kron(A, B) * 0, kron(A, B) * 0)
add("divided", ox.kron(A, B) / 3, kron(A, B) / 3)
add("transpose", ox.kron(A, B).T, kron(A, B).T)
add("adjoint", ox.kron(Z, W).H, kron(Z, W).conj().T)
add("conjugate", ox.kron(Z, W).conj(), kron(Z, W).conj())
add("real part", ox.kron(Z, W).real, kron(Z, W).real)
add("imaginary part", ox.kron(Z, W).imag, kron(Z, W).imag)
add("real part of one", ox.kron(A, W).real, kron(A, W).real)
add("imaginary part of one", ox.kron(A, W).imag, kron(A, W).imag)
add("imaginary part of real", ox.kron(A, B).imag, kron(A, B).imag)
add("sum", ox.kron(S, R) + ox.kron(Q, R @ R), kron(S, R) + kron(Q, R @ R))
add("difference", ox.kron(S, R) - 2 * ox.kron(Q, R), kron(S, R) - 2 * kron(Q, R))
add("other factors", ox.kron(A, D) + ox.kron(D, A), kron(A, D) + kron(D, A))
add("kronecker sum", ox.kronecker_sum(S, R), oracle.kronecker_sum(S, R))
add("kronecker sum of 3", ox.kronecker_sum(S, R, Q), oracle.kronecker_sum(S, R, Q))
add("kronecker sum, complex", ox.kronecker_sum(Z, R), oracle.kronecker_sum(Z, R))
add("kronecker sum, 1 by 1", ox.kronecker_sum([[2.0]], R), R + 2 * np.eye(3))
add("of a sum", ox.kron(ox.kronecker_sum(S, Q), R), kron(oracle.kronecker_sum(S, Q), R))
add(
    "bool sum",
    ox.kron(S > 0, R > 0) + ox.kron(S < 1, R < 1),
    kron(S > 0, R > 0) | kron(S < 1, R < 1),
)
add("array added", ox.kron(S, Q) + R[:1, :1] * np.ones((4, 4)), kron(S, Q) + R[0, 0])
add("cast", ox.kron(A, B).astype(np.complex64), kron(A, B).astype(np.complex64))
add("cast to integers", ox.kron(3 * A, 3 * B).astype(int), kron(3 * A, 3 * B).astype(int))

# --- selections ----------------------------------------------------------------------------------
add("identity", ox.identity(6), np.eye(6), neutral=True)
add("identity 0", ox.identity(0), np.eye(0), neutral=True)
add("commutation", ox.commutation_matrix(2, 3), K(2, 3), neutral=True)
add("commutation 1", ox.commutation_matrix(1, 4), K(1, 4), neutral=True)
add("commutation 0", ox.commutation_matrix(0, 4), K(0, 4), neutral=True)
add(
    "identity x K",
    ox.kron(ox.identity(2), ox.commutation_matrix(2, 3)),
    kron(np.eye(2), K(2, 3)),
    True,
)
add(
    "K x K",
    ox.kron(ox.commutation_matrix(2, 2), ox.commutation_matrix(1, 3)),
    kron(K(2, 2), K(1, 3)),
    True,
)
add("K @ K", ox.commutation_matrix(2, 3) @ ox.commutation_matrix(6, 1), K(2, 3) @ K(6, 1), True)
add(
    "K of other modes",
    ox.commutation_matrix(2, 6) @ ox.commutation_matrix(4, 3),
    K(2, 6) @ K(4, 3),
    True,
)
add("K @ kron", ox.commutation_matrix(3, 2) @ ox.kron(S, R), K(3, 2) @ kron(S, R))
add("kron @ K", ox.kron(S, R) @ ox.commutation_matrix(2, 3), kron(S, R) @ K(2, 3))
add("kron x K", ox.kron(A, ox.commutation_matrix(2, 2)), kron(A, K(2, 2)))
add("I + K", ox.identity(9) + ox.commutation_matrix(3, 3), np.eye(9) + K(3, 3), neutral=True)
add("identity cast", ox.identity(4).astype(np.float32), np.eye(4, dtype=np.float32))
add("scaled identity, complex", ox.identity(4) * 2j, 2j * np.eye(4), True)

SUMS, AVERAGES, KEEPS_AND_SUMS = ("sums", "sums"), ("averages", "averages"), ("keeps", "sums")

# --- the triangle: duplication, elimination, symmetrizer -----------------------------------------
for n in (0, 1, 2, 5):
    D_n, L_n = ox.duplication_matrix(n), ox.elimination_matrix(n)
    add(f"duplication {n}", D_n, oracle.duplication(n), KEEPS_AND_SUMS)
    add(f"duplication {n}, transpose", D_n.T, oracle.duplication(n).T, KEEPS_AND_SUMS[::-1])
    add(f"duplication {n}, pinv", D_n.pinv(), oracle.duplication_pinv(n), AVERAGES)
    add(f"duplication {n}, T.pinv", D_n.T.pinv(), oracle.duplication_pinv(n).T, AVERAGES)
    add(f"elimination {n}", L_n, oracle.elimination(n), True)
    add(f"elimination {n}, pinv", L_n.pinv(), oracle.elimination(n).T, True)
    add(f"symmetrizer {n}", ox.symmetrizer_matrix(n), oracle.symmetrizer(n), AVERAGES)
D3, L3, N3 = ox.duplication_matrix(3), ox.elimination_matrix(3), ox.symmetrizer_matrix(3)
duplication, elimination = oracle.duplication(3), oracle.elimination(3)
pinv, symmetrizer = oracle.duplication_pinv(3), oracle.symmetrizer(3)
G, Y = matrix(3, 3, "int16", 11), matrix(3, 3, "complex128", 12)
add("D+ kron D", D3.pinv() @ ox.kron(R, R) @ D3, pinv @ kron(R, R) @ duplication)
add("D+ kron D, transpose", (D3.pinv() @ ox.kron(R, R) @ D3).T, (pinv @ kron(R, R) @ duplication).T)
add("D+ kron D, complex", D3.pinv() @ ox.kron(Y, Y) @ D3, pinv @ kron(Y, Y) @ duplication)
add("D+ kron D, integers", D3.pinv() @ ox.kron(G, G) @ D3, pinv @ kron(G, G) @ duplication)
add("D' kron", D3.T @ ox.kron(Y, R), duplication.T @ kron(Y, R))
add("N kron", N3 @ ox.kron(C, C), symmetrizer @ kron(C, C))
add("kron N", ox.kron(A, A) @ N3, kron(A, A) @ symmetrizer)
add("D L", D3 @ L3, duplication @ elimination, KEEPS_AND_SUMS)
add("2 D", 2 * D3, 2 * duplication, SUMS)
add("D' + L", D3.T + L3, duplication.T + elimination, SUMS)
add("D x I", ox.kron(D3, ox.identity(2)), kron(duplication, np.eye(2)), KEEPS_AND_SUMS)
add("N x kron", ox.kron(N3, A), kron(symmetrizer, A))
add("D cast", D3.astype(np.float32), duplication.astype(np.float32))

# --- other leaves, and what does not simplify ----------------------------------------------------
d6, c6 = matrix(1, 6)[0], matrix(1, 6, "complex128")[0]
add("diagonal", ox.diagonal(d6), np.diag(d6))
add("diagonal complex", ox.diagonal(c6), np.diag(c6))
picked = np.array([3, -1, 0, 5])
add("selection", Selection(picked, 6), np.eye(7)[picked, :6], True)
add("permutation", Selection(np.array([2, 0, 1]), 3), np.eye(3)[[2, 0, 1]], True)
add("selection of nothing", Selection(np.array([-1, -1]), 0), np.zeros((2, 0)), True)
add("selection @ kron", Selection(picked, 6) @ ox.kron(S, R), np.eye(7)[picked, :6] @ kron(S, R))
add("diagonal int8", ox.diagonal(np.arange(4, dtype=np.int8)), np.diag(np.arange(4, dtype=np.int8)))
add("diagonal 0", ox.diagonal([]), np.zeros((0, 0)))
U, V = matrix(5, 2, "complex128"), matrix(6, 2)
add("low rank", LowRank(U, V, (2, 3), (5,)), U @ V.T)
add("low rank 0", LowRank(U[:, :0], V[:, :0], (6,), (5,)), np.zeros((5, 6), complex))
add("one matrix", ox.aslinearoperator(B), B)
add("one matrix, complex64", ox.aslinearoperator(W), W)
add("diagonal + kron", ox.diagonal(d6) + ox.kron(S, R), np.diag(d6) + kron(S, R))
add(
    "diagonal - 2 low rank",
    ox.diagonal(c6) - 2 * LowRank(V, V, (6,), (6,)),
    np.diag(c6) - 2 * V @ V.T,
)
add("diagonal @ kron", ox.diagonal(d6) @ ox.kron(S, R), np.diag(d6) @ kron(S, R))
add("kron @ diagonal", ox.kron(S, R) @ ox.diagonal(c6), kron(S, R) @ np.diag(c6))
add("K @ diagonal", ox.commutation_matrix(2, 3) @ ox.diagonal(d6), K(2, 3) @ np.diag(d6))
add("scaled chain", 3 * (ox.diagonal(d6) @ ox.kron(S, R)), 3 * np.diag(d6) @ kron(S, R))
add("kron @ low rank", ox.kron(S, R) @ LowRank(V, U, (5,), (6,)), kron(S, R) @ V @ U.T)
add(
    "narrow then wide",
    ox.kron(A[:1], B[:1]) @ ox.kron(B[:3, :1], A[:2, :1]),
    kron(A[:1], B[:1]) @ kron(B[:3, :1], A[:2, :1]),
)
add(
    "outer chain",
    ox.kron(B[:, :1], B[:, :1]) @ ox.kron(A[:1], A[:1]),
    kron(B[:, :1], B[:, :1]) @ kron(A[:1], A[:1]),
)
add("other splits", ox.kron(A, D) @ ox.kron(D.T, A.T), kron(A, D) @ kron(D.T, A.T))
add("Conjugate", Conjugate(ox.kron(Z, W)), kron(Z, W).conj())
add(
    "Sum",
    Sum([(2, ox.kron(S, R)), (1j, ox.diagonal(d6))], (6,), (6,)),
    2 * kron(S, R) + 1j * np.diag(d6),
)
add("Product", Product((ox.kron(S, R), ox.diagonal(d6)), (6,), (6,)), kron(S, R) @ np.diag(d6))
add(
    "OperatorKronecker",
    OperatorKronecker((ox.diagonal(d6), ox.aslinearoperator(A))),
    kron(np.diag(d6), A),
)
add(
    "kron of operators",
    ox.kron(A, ox.diagonal(c6), ox.identity(2)),
    kron(A, np.diag(c6), np.eye(2)),
)
add("kron of an empty one", ox.kron(ox.diagonal([]), A), np.zeros((0, 0)))

# --- sparse factors ------------------------------------------------------------------------------
if WITH_SCIPY:
    from scipy import sparse

    P, H = (
        np.where(matrix(*s, "bool", 20), matrix(*s, d), 0)
        for s, d in [((4, 4), "float64"), ((3, 4), "complex64")]
    )
    N = np.where(matrix(3, 3, "bool", 21), matrix(3, 3, "int8"), 0).astype("int8")
    csr = sparse.csr_array
    add("sparse", ox.aslinearoperator(sparse.coo_array(H)), H)
    add("sparse x dense", ox.kron(sparse.csc_array(P), A), kron(P, A))
    add("dense x sparse", ox.kron(A, csr(H)), kron(A, H))
    add("sparse x sparse x dense", ox.kron(csr(P), csr(H), A), kron(P, H, A))
    add("sparse int8", ox.kron(csr(N), csr(N)), kron(N, N))
    add("sparse bool", ox.kron(csr(N > 0), N > 1), kron(N > 0, N > 1))
    add("sparse transpose, scaled", 2 * ox.kron(csr(H), A).T, 2 * kron(H, A).T)
    add("sparse adjoint", ox.kron(csr(H), S).H, kron(H, S).conj().T)
    add("sparse real part", (1j * ox.kron(csr(H), S)).real, (1j * kron(H, S)).real)
    add("sparse kronecker sum", ox.kronecker_sum(csr(P), N), oracle.kronecker_sum(P, N))
    add("sparse K", ox.kron(csr(P), N) @ ox.commutation_matrix(3, 4), kron(P, N) @ K(3, 4))
    add("sparse product", ox.kron(csr(P), N) @ ox.kron(csr(P), R), kron(P @ P, N @ R))
    add("sparse sum", ox.kron(csr(P), S) + ox.kron(csr(P), Q), kron(P, S) + kron(P, Q))
    add("sparse without rows", ox.kron(csr((0, 4)), A), np.zeros((0, 12)))
    add("sparse zero", ox.kron(csr((3, 4)), A), np.zeros((6, 12)))

# Inverse: each product solves
T = ox.kronecker_sum(S + 3 * np.eye(2), R + 4 * np.eye(3))
add("inverse of a sum", T.inv(), np.linalg.inv(T.toarray()))
add("its transpose", T.inv().T, np.linalg.inv(T.toarray()).T)

every_operator = pytest.mark.parametrize(
    ("op", "dense", "neutral"), [pytest.param(*a[1:], id=a.name) for a in ZOO]
)
