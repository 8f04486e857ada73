"""Derivatives of decompositions, against JAX; of what JAX has none of, against differences."""

import numpy as np
import pytest

import oracle
import otimes as ox
from derivatives import by_jax, error_against, error_against_jax, linalg

rng = np.random.default_rng(35)
M, T = rng.standard_normal((3, 3)), rng.standard_normal((5, 3))
W, RANK_2 = T.T.copy(), rng.standard_normal((5, 2)) @ rng.standard_normal((2, 3))
S = M @ M.T + np.eye(3)
ONE = np.array([[2.0]])
NEAR = np.diag([1.0, 2.0, 4.0]) + 0.2 * M
b, BB = rng.standard_normal(5), rng.standard_normal((5, 2))


def hermitian(x):
    """A definite complex matrix that depends on a real one."""
    factor = x + 1j * x.T @ x
    return factor @ factor.conj().T + np.eye(3)


#: name -> (function, its arguments)
CASES = {
    "cholesky": (linalg("cholesky"), (S,)),
    "cholesky, upper": (linalg("cholesky", upper=True), (S,)),
    "cholesky of a number": (linalg("cholesky"), (ONE,)),
    "cholesky of a product": (lambda xp, x: xp.linalg.cholesky(x @ x.T), (M,)),
    **{
        f"qr {item} of {x.shape}": (linalg("qr", item), (x,))
        for item in (0, 1)
        for x in (T, M, ONE, T[:, :1])
    },
    "qr, only r": (linalg("qr", mode="r"), (T,)),
    "eigvalsh": (linalg("eigvalsh"), (S,)),
    "eigvalsh, upper": (linalg("eigvalsh", UPLO="U"), (S,)),
    "eigvalsh of a number": (linalg("eigvalsh"), (ONE,)),
    "eigh, values": (linalg("eigh", 0), (S,)),
    "eigh, vectors": (linalg("eigh", 1), (S,)),
    "eigh, a function": (
        lambda xp, x: (lambda w, v: (v * xp.sqrt(w)) @ v.T)(*xp.linalg.eigh(x)), (S,),
    ),
    "eigvals": (linalg("eigvals"), (NEAR,)),
    **{f"svdvals of {x.shape}": (linalg("svdvals"), (x,)) for x in (T, W, M, ONE)},
    **{
        f"svd {item} of {x.shape}": (linalg("svd", item, full_matrices=False), (x,))
        for item in (0, 1, 2)
        for x in (T, W, M)
    },
    "svd without vectors": (linalg("svd", compute_uv=False), (T,)),
    **{f"pinv of {x.shape}": (linalg("pinv"), (x,)) for x in (T, W, M, ONE)},
    "pinv of rank 2": (linalg("pinv"), (RANK_2,)),
    "cholesky, complex": (lambda xp, x: xp.linalg.cholesky(hermitian(x)), (M,)),
    "eigvalsh, complex": (lambda xp, x: xp.linalg.eigvalsh(hermitian(x)), (M,)),
    "eigh, complex": (
        lambda xp, x: (lambda w, v: (v * w**2) @ v.conj().T)(*xp.linalg.eigh(hermitian(x))), (M,),
    ),
    "svdvals, complex": (lambda xp, x: xp.linalg.svdvals(x + 1j * x @ x.T @ x), (T,)),
    "pinv, complex": (lambda xp, x: xp.linalg.pinv(x + 1j * x @ x.T @ x), (T,)),
    "lstsq, vector": (linalg("lstsq", 0), (T, b)),
    "lstsq, matrix": (linalg("lstsq", 0), (T, BB)),
    "lstsq, wide": (linalg("lstsq", 0), (W, BB[:3])),
    "lstsq, square": (linalg("lstsq", 0), (M, BB[:3])),
}  # fmt: skip


@pytest.fixture(scope="module")
def theirs():
    return by_jax(CASES)


@pytest.mark.parametrize("name", CASES)
def test_against_jax(name, theirs):
    assert error_against_jax(*CASES[name], theirs[name]) < 1e-12


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.linalg.eig(x)[0], NEAR),
        (lambda x: np.linalg.eig(x)[1], NEAR),
        (lambda x: np.linalg.lstsq(x, b)[1], T),
        (lambda x: np.linalg.lstsq(x, BB)[1], T),
        (lambda x: np.linalg.lstsq(T, x)[1], b),
        (lambda x: np.linalg.lstsq(T, x)[1], BB),
        (lambda x: np.linalg.lstsq(x, b)[3], T),
        (lambda x: np.linalg.svd(x).U, M),
    ],
)
def test_against_differences(f, x):
    expected = oracle.jacobian(f, x)
    assert error_against(lambda xp, x: f(x), expected, x) < 1e-9


def test_singular_values_of_least_squares_do_not_depend_on_the_right_side():
    assert not ox.jacobian(lambda x: np.linalg.lstsq(T, x)[3], BB).toarray().any()


def test_complex_eigenvalues_of_a_real_matrix():
    rotation = np.array([[1.0, 2.0, 0.0], [-2.0, 1.0, 0.5], [0.0, 0.0, 4.0]])
    J = ox.jacobian(np.linalg.eigvals, rotation)
    assert J.dtype == np.complex128
    assert np.abs(J.toarray() - oracle.jacobian(np.linalg.eigvals, rotation)).max() < 1e-9


# --- conventions ---------------------------------------------------------------------------------


def test_the_symmetric_part_of_a_perturbation_counts():
    D = rng.standard_normal((3, 3))
    for f in (np.linalg.cholesky, np.linalg.eigvalsh, lambda x: np.linalg.eigh(x)[1]):
        J = ox.jacobian(f, S)
        np.testing.assert_allclose(J(D), J((D + D.T) / 2), atol=1e-14)
    vectors = np.linalg.eigh(S)[1]
    gradient = ox.gradient(lambda x: np.linalg.eigvalsh(x) @ [0.0, 0.0, 1.0], S)
    np.testing.assert_allclose(gradient, np.outer(vectors[:, 2], vectors[:, 2]), atol=1e-14)


def test_vectors_keep_their_length_and_orthogonality():
    D = rng.standard_normal((5, 3))
    for item in (0, 2):
        U = np.linalg.svd(T, full_matrices=False)[item]
        dU = ox.jvp(lambda x, k=item: np.linalg.svd(x, full_matrices=False)[k], (T,), (D,))[1]
        change = U.T @ dU + dU.T @ U if item == 0 else U @ dU.T + dU @ U.T
        assert np.abs(change).max() < 1e-14
    Q, dQ = ox.jvp(lambda x: np.linalg.qr(x)[0], (T,), (D,))
    assert np.abs(Q.T @ dQ + dQ.T @ Q).max() < 1e-14


def test_sums_over_repeated_eigenvalues():
    np.testing.assert_allclose(
        ox.gradient(lambda x: np.sum(np.linalg.eigvalsh(x) ** 2), np.eye(3)), 2 * np.eye(3)
    )


def test_singular_value_zero_has_derivative_zero():
    J = ox.jacobian(np.linalg.svdvals, np.diag([2.0, 0.0]))
    assert np.abs(J.toarray()[0]).tolist() == [1, 0, 0, 0]
    assert not J.toarray()[1].any()


@pytest.mark.parametrize(
    "f",
    [
        np.linalg.cholesky, np.linalg.eigvalsh, np.linalg.svdvals, np.linalg.pinv,
        lambda x: np.linalg.qr(x)[0], lambda x: np.linalg.eigh(x)[1],
        lambda x: np.linalg.svd(x)[0], lambda x: np.linalg.lstsq(x, np.ones(3, np.float32))[0],
    ],
)  # fmt: skip
def test_float32_stays_float32(f):
    assert ox.jacobian(f, S.astype(np.float32)).dtype == np.float32


# --- what has no derivative, or is refused -------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x", "error", "text"),
    [
        (np.linalg.eigh, np.eye(3), np.linalg.LinAlgError, "eigh at .*test_.* of repeated values"),
        (np.linalg.svd, np.eye(3), np.linalg.LinAlgError, "svd at .* vectors of repeated values"),
        (np.linalg.eig, np.eye(2), np.linalg.LinAlgError, "eig at .* the values alone can be"),
        (np.linalg.eigvals, np.eye(2), np.linalg.LinAlgError, "eigvals at .* differ by 0"),
        (np.linalg.qr, RANK_2, np.linalg.LinAlgError, "qr at .* the matrix is rank-deficient"),
        (
            lambda x: np.linalg.svd(x, full_matrices=False),
            RANK_2, np.linalg.LinAlgError, "svd at .* is rank-deficient",
        ),
        (
            lambda x: np.linalg.lstsq(x, b),
            RANK_2, np.linalg.LinAlgError, r"5 by 3 has rank 2; np.linalg.pinv\(A\) @ b has one",
        ),
        (np.linalg.cholesky, NEAR, ValueError, r"not Hermitian .* \(A \+ A.conj\(\).T\)/2 can be"),
        (np.linalg.eigvalsh, NEAR, ValueError, "NumPy reads one of its triangles only"),
        (np.linalg.svd, T, NotImplementedError, "full_matrices=True of a rectangular matrix"),
        (np.linalg.qr, W, NotImplementedError, "mode 'reduced' of a matrix 3 by 5 .* m ≥ n"),
        (
            lambda x: np.linalg.qr(x, "complete"),
            T, NotImplementedError, "of mode 'complete' of a matrix 5 by 3",
        ),
        (np.linalg.cholesky, S + 0j, NotImplementedError, "np.conj of a complex variable at"),
        (np.linalg.svdvals, S + 0j, NotImplementedError, "part of a complex variable at"),
        (np.linalg.pinv, S + 0j, NotImplementedError, "np.conj of a complex variable at"),
        (np.linalg.svd, S + 0j, NotImplementedError, "np.linalg.svd of a complex array"),
        (np.linalg.qr, S + 0j, NotImplementedError, "np.linalg.qr of a complex array"),
        (
            lambda x: np.linalg.eig(x)[1],
            np.array([[0.0, 1.0], [-1.0, 0.0]]),
            NotImplementedError, "eig with complex vectors at .* np.linalg.eigvals can",
        ),
    ],
)  # fmt: skip
def test_errors(f, x, error, text):
    with pytest.raises(error, match=text):
        ox.jacobian(lambda y: f(y)[0], x)
