"""Textbook definitions, written as loops over entries: what results are compared with.

Nothing here imports the library under test.
"""

import itertools
import math

import numpy as np

# --- comparison ----------------------------------------------------------------------------------


def epsilon(*arrays):
    """The coarsest rounding unit among the dtypes of some arrays; 0 when all are exact."""
    kinds = [np.asarray(a).dtype for a in arrays]
    return max((float(np.finfo(d).eps) for d in kinds if d.kind in "fc"), default=0.0)


def assert_close(actual, expected, scale=None, steps=None, data=()):
    """Equal to rounding: |actual - expected| <= 10 steps eps scale; exactly for integers and bool.

    `scale` bounds the terms that an entry is summed from, `steps` their number. Without them: the
    largest finite entry, and the largest dimension. `data` are arrays whose rounding counts too.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    eps = epsilon(actual, expected, *data)
    if eps == 0:
        np.testing.assert_array_equal(actual, expected)
        return
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(actual), finite)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    if not finite.any():
        return
    if scale is None:
        scale = np.abs(expected[finite]).max(initial=0)
    if steps is None:
        steps = max(expected.shape, default=1)
    error = np.abs(actual[finite].astype(complex) - expected[finite]).max(initial=0)
    assert error <= 10 * max(steps, 1) * eps * max(scale, np.finfo(float).tiny)


# --- the vec family ------------------------------------------------------------------------------


def vec(a):
    """The columns of A stacked: entry i + j m is A[i, j]."""
    m, n = a.shape
    v = np.empty(m * n, a.dtype)
    for i, j in np.ndindex(m, n):
        v[i + j * m] = a[i, j]
    return v


def unvec(v, m, n):
    a = np.empty((m, n), v.dtype)
    for i, j in np.ndindex(m, n):
        a[i, j] = v[i + j * m]
    return a


def lower_positions(n, offset):
    """The places (i, j) with i >= j + offset, column by column."""
    return [(i, j) for j in range(n) for i in range(j + offset, n)]


def vech(a):
    return np.array([a[p] for p in lower_positions(len(a), 0)], a.dtype)


def veck(a):
    return np.array([a[p] for p in lower_positions(len(a), 1)], a.dtype)


def unvech(v, n):
    a = np.zeros((n, n), v.dtype)
    for value, (i, j) in zip(v, lower_positions(n, 0), strict=True):
        a[i, j] = a[j, i] = value
    return a


def unveck(v, n):
    a = np.zeros((n, n), v.dtype)
    for value, (i, j) in zip(v, lower_positions(n, 1), strict=True):
        a[i, j] = value
        a[j, i] = -value
    return a


def commutation(m, n):
    """K vec(A) = vec(A^T) for A (m, n): A[i, j] moves from i + j m to j + i n."""
    k = np.zeros((m * n, m * n))
    for i, j in np.ndindex(m, n):
        k[j + i * n, i + j * m] = 1
    return k


def duplication(n):
    """D vech(S) = vec(S): entry (i, j) of S is the one of vech at (max, min)."""
    places = lower_positions(n, 0)
    d = np.zeros((n * n, len(places)))
    for t, (i, j) in enumerate(places):
        d[i + j * n, t] = d[j + i * n, t] = 1
    return d


def duplication_pinv(n):
    """D+ vec(A) = vech((A + A^T)/2)."""
    places = lower_positions(n, 0)
    d = np.zeros((len(places), n * n))
    for t, (i, j) in enumerate(places):
        d[t, i + j * n] += 0.5
        d[t, j + i * n] += 0.5
    return d


def elimination(n):
    """L vec(A) = vech(A)."""
    places = lower_positions(n, 0)
    e = np.zeros((len(places), n * n))
    for t, (i, j) in enumerate(places):
        e[t, i + j * n] = 1
    return e


def symmetrizer(n):
    """N vec(A) = vec((A + A^T)/2)."""
    s = np.zeros((n * n, n * n))
    for i, j in np.ndindex(n, n):
        s[i + j * n, i + j * n] += 0.5
        s[i + j * n, j + i * n] += 0.5
    return s


# --- Kronecker products and sums -----------------------------------------------------------------


def kron(*factors):
    """The Kronecker product of matrices: entry (i p + k, j q + l) is A[i, j] B[k, l]."""
    a = np.asarray(factors[0])
    for b in map(np.asarray, factors[1:]):
        (m, n), (p, q) = a.shape, b.shape
        result = np.empty((m * p, n * q), np.result_type(a, b))
        for i, j in np.ndindex(m, n):
            for k, l in np.ndindex(p, q):
                with np.errstate(over="ignore"):  # integers wrap around
                    result[i * p + k, j * q + l] = a[i, j] * b[k, l]
        a = result
    return a


def kronecker_sum(*matrices):
    """A x I x I + I x B x I + I x I x C."""
    eyes = [np.eye(len(a), dtype=np.asarray(a).dtype) for a in matrices]
    terms = [kron(*eyes[:k], a, *eyes[k + 1 :]) for k, a in enumerate(matrices)]
    return sum(terms[1:], start=terms[0])


def mode_permutation(dims, order):
    """P with (P x) a tensor whose mode k is mode order[k] of x, both flattened in C order."""
    size = math.prod(dims)
    p = np.zeros((size, size))
    for place in np.ndindex(*dims):
        moved = [place[k] for k in order]
        row = np.ravel_multi_index(moved, [dims[k] for k in order]) if size else 0
        p[row, np.ravel_multi_index(place, dims)] = 1
    return p


# --- counted work --------------------------------------------------------------------------------


def chain_work(rows, cols, order):
    """Multiplications of applying factors rows[k] x cols[k] to one vector in this order."""
    dims, work = list(cols), 0
    for k in order:
        work += math.prod(dims) * rows[k]
        dims[k] = rows[k]
    return work


def least_work(rows, cols):
    """The same for the best of all orders, found by trying each."""
    return min(chain_work(rows, cols, p) for p in itertools.permutations(range(len(rows))))


# --- matrix equations ----------------------------------------------------------------------------


def sylvester_matrix(a, b):
    """M with vec(A X + X B) = M vec(X): I ⊗ A + Bᵀ ⊗ I."""
    return np.kron(np.eye(len(b)), a) + np.kron(b.T, np.eye(len(a)))


def axb_matrix(a, b):
    """M with vec(A X B) = M vec(X): Bᵀ ⊗ A."""
    return np.kron(b.T, a)


def stein_matrix(a, b):
    """The matrix of vec(X) -> vec(X - A X B)."""
    return np.eye(len(a) * len(b)) - axb_matrix(a, b)


def tsylvester_matrix(a, b):
    """M with vec(A X + Xᵀ B) = M vec(X): entry by entry."""
    n = len(a)
    matrix = np.zeros((n, n, n, n), np.result_type(a, b))  # column and row of image, and of X
    for i, j, k in np.ndindex(n, n, n):
        matrix[j, i, j, k] += a[i, k]  # a_ik x_kj
        matrix[j, i, i, k] += b[k, j]  # x_ki b_kj
    return matrix.reshape(n * n, n * n)


def two_sided_matrix(a, b, c, d):
    """M with vec(A X B + C Xᵀ D) = M vec(X): entry by entry."""
    n = len(a)
    matrix = np.zeros((n, n, n, n), np.result_type(a, b, c, d))
    for i, j, k, m in np.ndindex(n, n, n, n):
        matrix[j, i, m, k] += a[i, k] * b[m, j]  # a_ik x_km b_mj
        matrix[j, i, k, m] += c[i, k] * d[m, j]  # c_ik x_mk d_mj
    return matrix.reshape(n * n, n * n)


def hsylvester_matrix(a, b):
    """M with (Re, Im) vec(A X + Xᴴ B) = M (Re, Im) vec(X): a column for each real unknown."""
    n = len(a)
    columns = []
    for part in (1, 1j):
        for j in range(n):
            for i in range(n):
                x = np.zeros((n, n), np.complex128)
                x[i, j] = part
                image = (a @ x + x.conj().T @ b).ravel(order="F")
                columns.append(np.concatenate([image.real, image.imag]))
    return np.array(columns).T


def generalized_sylvester_matrix(a, b, c, d):
    """M with vec(A X B + C X D) = M vec(X): Bᵀ ⊗ A + Dᵀ ⊗ C."""
    return np.kron(b.T, a) + np.kron(d.T, c)


def coupled_sylvester_matrix(a, b, d, e):
    """M with [vec(A R - L B); vec(D R - L E)] = M [vec R; vec L]."""
    left, right = np.eye(len(b)), np.eye(len(a))
    return np.block(
        [[np.kron(left, a), -np.kron(b.T, right)], [np.kron(left, d), -np.kron(e.T, right)]]
    )


def solve_vec(matrix, q):
    """X with M vec(X) = vec(Q), by LU."""
    x = np.linalg.solve(matrix, q.ravel(order="F"))
    return x.reshape(q.shape, order="F")


def solve_vec_exactly(matrix, q, digits=60):
    """The same in arithmetic of many digits, rounded to double at the end."""
    import mpmath

    with mpmath.workdps(digits):
        rhs = mpmath.matrix(q.ravel(order="F").tolist())
        x = mpmath.lu_solve(mpmath.matrix(matrix.tolist()), rhs)
        x = np.array([complex(v) for v in x]).reshape(q.shape, order="F")
    return x if np.iscomplexobj(q) or np.iscomplexobj(matrix) else x.real


def reciprocal_condition(matrix):
    """σ_min / σ_max."""
    singular_values = np.linalg.svd(matrix, compute_uv=False)
    return singular_values[-1] / singular_values[0]


# --- derivatives ---------------------------------------------------------------------------------


def jacobian(f, x, step=1e-2):
    """Central differences of vec f in vec x, extrapolated twice (an error of order step⁶)."""
    x = np.asarray(x, float)
    columns = []
    for k in range(x.size):
        e = np.zeros(x.size)
        e[k] = 1
        e = e.reshape(x.shape, order="F")

        def slope(h, e=e):
            return (np.ravel(f(x + h * e), order="F") - np.ravel(f(x - h * e), order="F")) / (2 * h)

        d1, d2, d4 = slope(step), slope(step / 2), slope(step / 4)
        first, second = (4 * d2 - d1) / 3, (4 * d4 - d2) / 3
        columns.append((16 * second - first) / 15)
    return np.array(columns).T
