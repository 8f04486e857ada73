"""Sums of Kronecker terms in one basis for each mode: solving, eigenvalues, determinants, norms."""

import warnings

import numpy as np
import pytest

import oracle
import otimes as ox
from otimes import _spectral, _spectral_functions
from otimes._modes import align
from otimes._terms import from_terms

rng = np.random.default_rng(21)
EPS = np.finfo(float).eps
I = ox.identity


def general(n, kind=float):
    a = rng.standard_normal((n, n))
    return a + 1j * rng.standard_normal((n, n)) if kind is complex else a


def hermitian(n, kind=float):
    a = general(n, kind)
    return a + a.conj().T


def definite(n, kind=float):
    a = general(n, kind)
    return a @ a.conj().T + np.eye(n)


def skew(n):
    a = general(n)
    return a - a.T


def symmetric_product(n):
    a = definite(n)
    square = a @ a
    return a, (square + square.T) / 2


A, B = general(7), general(8)
H, H2 = symmetric_product(5)
K = [hermitian(4) for _ in range(3)]
M = [definite(4) for _ in range(3)]

#: name -> (operator, what `spectral` calls it)
SUMS = {
    "three definite": (ox.kronecker_sum(definite(4), definite(5), definite(3)), "spectral"),
    "three Hermitian": (ox.kronecker_sum(hermitian(3, complex), hermitian(4)), "spectral"),
    "shifted product": (ox.kron(hermitian(4), hermitian(5)) + 0.3 * I(20), "spectral"),
    "complex shift": (ox.kron(hermitian(4), hermitian(5)) + (1 + 2j) * I(20), "spectral"),
    "skew": (ox.kronecker_sum(skew(3), skew(4), skew(5)) + 0.5 * I(60), "spectral"),
    "polynomial": (ox.kron(H2, I(4)) + 2 * ox.kron(H, K[0]) + ox.kron(I(5), K[0]), "spectral"),
    "float32": (ox.kronecker_sum(*(definite(5).astype("f") for _ in range(3))), "spectral"),
    "general": (ox.kronecker_sum(general(6), general(7), general(5)), "schur"),
    "four general": (ox.kronecker_sum(*(general(3) for _ in range(4))), "schur"),
    "general, shifted": (ox.kron(general(9), general(8)) + 0.3 * I(72), "stein"),
    "general, complex shift": (ox.kron(general(9), general(8)) + (0.3 + 2j) * I(72), "stein"),
    "complex": (ox.kronecker_sum(general(6, complex), general(7), general(5)), "schur"),
    "general polynomial": (ox.kron(A @ A, I(8)) + 2 * ox.kron(A, B) + ox.kron(I(7), B), "schur"),
    "mixed": (ox.kronecker_sum(hermitian(6), general(6), skew(6)), "schur"),
    "general float32": (ox.kronecker_sum(*(general(6).astype("f") for _ in range(3))), "schur"),
    "integers": (ox.kronecker_sum(*(rng.integers(1, 9, (6, 6)) for _ in range(3))), "schur"),
    "modes that are split": (ox.kronecker_sum(general(7), ox.kron(general(6), B)), "schur"),
    "definite pairs": (
        ox.kron(hermitian(6), definite(7)) + ox.kron(definite(6), hermitian(7)),
        "congruence",
    ),
    "complex definite pairs": (
        ox.kron(hermitian(4, complex), definite(5)) - ox.kron(definite(4, complex), hermitian(5)),
        "congruence",
    ),
    "stiffness and mass": (
        ox.kron(K[0], M[1], M[2]) + ox.kron(M[0], K[1], M[2]) + 2 * ox.kron(M[0], M[1], K[2]),
        "congruence",
    ),
    "negative definite": (ox.kron(K[0], -M[1]) + ox.kron(-M[0], K[1]), "congruence"),
    "definite and general": (
        ox.kron(K[0], I(3), A) + ox.kron(M[0], definite(3), I(7)),
        "schur",
    ),
}


@pytest.fixture(params=SUMS.values(), ids=SUMS.keys())
def case(request):
    return request.param


def tolerance(op):
    return float(np.finfo(np.result_type(op.dtype, np.float32)).eps) * op.shape[0]


def exact_array(op):
    """The dense array, its terms added up in double."""
    return op.astype(np.result_type(op.dtype, np.float64)).toarray()


# --- what is recognised ---------------------------------------------------------------------------


def test_kind(case):
    op, kind = case
    kind = "schur" if kind == "stein" else kind  # what it would be in one basis
    assert _spectral.spectral(op).kind == kind


def test_the_decomposition_is_kept(case):
    op, _ = case
    assert _spectral.spectral(op) is _spectral.spectral(op)


def test_equal_modes_are_decomposed_once():
    a = definite(6)
    first, second, other = _spectral.spectral(ox.kronecker_sum(a, a.copy(), definite(6))).modes
    assert first is second
    assert first is not other


@pytest.mark.parametrize(
    "op",
    [
        ox.kron(A, B) + ox.kron(general(7), general(8)),  # no common basis
        ox.kron(K[0], M[1]) + ox.kron(K[1], K[2]),  # nothing definite
        ox.kron(K[0], M[1]) + ox.kron(M[0], K[1]) + I(16),  # three in a mode
        ox.kron(K[0], K[0]) + ox.kron(K[1], K[1]) + ox.kron(K[2], K[2]),
        ox.kron(np.diag([1.0, 1e-9]), K[0]) + ox.kron([[1.0, 2.0], [2.0, 1.0]], M[0]),  # badly so
        ox.kron(A, B) + ox.aslinearoperator(general(56)),  # factors that do not line up
        ox.kron(general(2), general(6)) + ox.kron(general(3), general(4)),
        ox.kron(np.ones((2, 3)), np.ones((3, 2))) + I(6),
        ox.kron([[np.nan, 1], [1, 1]], K[0]) + I(8),
        ox.kron(A, B) + ox.commutation_matrix(7, 8),
    ],
    ids=lambda op: str(op)[:60],
)
def test_not_recognised(op):
    assert _spectral.spectral(op) is None


def test_align_splits_identities_and_drops_ones():
    op = ox.kron(A, [[3.0]], I(8)) + ox.kron(I(7), B) + 2 * I(56)
    sizes, terms = align(op.parts)
    assert sizes == (7, 8)
    assert [c for c, _ in terms] == [3.0, 1, 2]
    present = [[m is not None for m in places] for _, places in terms]
    assert present == [[True, False], [False, True], [False, False]]


@pytest.mark.parametrize(
    ("op", "method"),
    [
        (ox.kronecker_sum(A, B), "sylvester"),
        (ox.kron(A, B), "kronecker"),
        (ox.kron(A, [[1.0, 2.0], [0.0, 3.0]]) + I(14), "stein"),
        (ox.aslinearoperator(H) + I(5), "dense"),
    ],
)
def test_cheaper_methods_come_first(op, method):
    assert ox.select_method(op).startswith(f"{method}: ")


# --- solving --------------------------------------------------------------------------------------


@pytest.mark.parametrize("trans", ["N", "T", "H"])
@pytest.mark.parametrize("columns", [(), (1,), (3,), (0,)])
def test_factorizations_solve(case, trans, columns):
    op, _ = case
    D = exact_array(op)
    D = {"N": D, "T": D.T, "H": D.conj().T}[trans]
    factors = _spectral.SpectralFactorization(op, _spectral.spectral(op))
    real = rng.standard_normal((len(D), *columns))
    for b in (real, real + 1j * rng.standard_normal(real.shape)):
        x = factors.solve(b, trans)
        assert x.shape == b.shape
        assert x.dtype == np.result_type(D, b)
        residual = np.linalg.norm(D @ x - b)
        assert residual <= 50 * EPS * (np.linalg.norm(D, 2) * np.linalg.norm(x) + 1)


def test_solve_uses_it(case):
    op, kind = case
    b = rng.standard_normal(op.shape[0])
    x, info = ox.solve(op, b, return_info=True)
    if info.method != "sylvester":
        assert info.method == kind
    assert info.residual <= 8 * EPS
    np.testing.assert_allclose(np.linalg.solve(op, b), x, rtol=1e-12)


def test_permuted():
    """(Σ c F) P with one permutation P, which is not its own inverse."""
    op = ox.kronecker_sum(*(general(6) for _ in range(3)))
    parts = [t._replace(order=(1, 2, 0)) for t in op.parts]
    permuted = from_terms(parts, (216,), (216,))
    P = oracle.mode_permutation([6, 6, 6], (1, 2, 0))
    D = op.toarray() @ P
    assert np.allclose(permuted.toarray(), D)
    assert ox.select_method(permuted).startswith("schur")
    b = general(216, complex)[:, :2]
    factors = permuted.factorize()
    for trans, matrix in (("N", D), ("T", D.T), ("H", D.T)):
        np.testing.assert_allclose(matrix @ factors.solve(b, trans), b, atol=1e-10)
    with pytest.warns(ox.DenseFallbackWarning):
        np.linalg.eigvals(permuted)


def test_rcond(case):
    op, _ = case
    factors = _spectral.SpectralFactorization(op, _spectral.spectral(op))
    exact = 1 / np.linalg.cond(exact_array(op))
    assert exact / 10 <= factors.rcond() <= 10 * exact


def laplacian(n, ends):
    a = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    a[0, 0] = a[-1, -1] = ends
    return a


@pytest.mark.parametrize(
    "op",
    [
        ox.kronecker_sum(*[laplacian(6, 1.0)] * 3),
        ox.kronecker_sum(A, A, -2 * A),
        ox.kronecker_sum(*[np.triu(A[:6, :6], 1)] * 3),
    ],
    ids=["neumann", "common eigenvalues", "nilpotent"],
)
def test_singular_sums(op):
    with pytest.raises(np.linalg.LinAlgError, match=r"singular to working precision \(rcond = "):
        op.solve(np.ones(op.shape[0]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        op.solve(np.ones(op.shape[0]), on_singular="warn")
    assert caught[0].category is ox.IllConditionedWarning


@pytest.mark.parametrize("make", [hermitian, general])
def test_nearly_singular_sums_warn(make):
    a, b = make(8), make(8)
    shift = np.linalg.eigvals(np.kron(a, b))
    real = shift[np.abs(shift.imag) == 0].real
    op = ox.kron(a, b) - (real[0] * (1 + 1e-13)) * I(64)
    with pytest.warns(ox.IllConditionedWarning, match="ill-conditioned"):
        op.solve(np.ones(64))


def test_nan_is_named():
    with pytest.raises(ValueError, match="the operator contains NaN or Inf"):
        (ox.kron([[np.nan, 1], [1, 1]], K[0]) + I(8)).solve(np.ones(8))


def test_refinement_repairs_a_bad_basis(monkeypatch):
    """What the coordinates lose is won back from the residual."""
    op = ox.kronecker_sum(definite(4), definite(5), definite(3))
    found = _spectral.spectral(op)
    exact = found.solve_core
    monkeypatch.setattr(found, "solve_core", lambda y, adjoint: exact(y, adjoint) * (1 + 1e-6))
    b = rng.standard_normal(60)
    x = op.solve(b)
    assert np.linalg.norm(op @ x - b) <= 1e-14 * np.linalg.norm(b)


def test_a_solution_that_does_not_solve_is_reported(monkeypatch):
    op = ox.kronecker_sum(definite(4), definite(5), definite(3))
    monkeypatch.setattr(_spectral.spectral(op), "solve_core", lambda y, adjoint: y)
    with pytest.warns(ox.IllConditionedWarning, match="far above rounding level"):
        op.solve(rng.standard_normal(60))


def test_large_poisson_equation():
    n = 40
    op = ox.kronecker_sum(*[laplacian(n, 2.0)] * 3)
    b = rng.standard_normal(n**3)
    assert np.linalg.norm(op @ op.solve(b) - b) <= 1e-12 * np.linalg.norm(b)


# --- NumPy's functions ----------------------------------------------------------------------------


def without_warning(f, op):
    """f(op), for an f that has a structured version."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ox.DenseFallbackWarning)
        return f(op)


def assert_same(result, expected, op):
    assert type(result) is type(expected)
    assert np.asarray(result).dtype == np.asarray(expected).dtype
    size = np.abs(expected).max()
    np.testing.assert_allclose(result, expected, atol=20 * tolerance(op) * size, rtol=0)


def test_slogdet(case):
    op, _ = case
    result = without_warning(np.linalg.slogdet, op)
    expected = np.linalg.slogdet(op.toarray())
    assert type(result) is type(expected)
    assert [type(x) for x in result] == [type(x) for x in expected]
    condition = np.linalg.cond(exact_array(op))
    np.testing.assert_allclose(result.sign, expected.sign, atol=tolerance(op) * condition)
    assert abs(result.logabsdet - expected.logabsdet) <= tolerance(op) * (condition + 100)


def test_det(case):
    op, _ = case
    with np.errstate(over="ignore"):  # of float32
        result, expected = without_warning(np.linalg.det, op), np.linalg.det(op.toarray())
    assert type(result) is type(expected)
    if np.isfinite(expected):
        bound = tolerance(op) * np.linalg.cond(exact_array(op))
        np.testing.assert_allclose(result, expected, rtol=10 * bound)
    else:
        assert not np.isfinite(result)


def test_det_of_what_overflows_on_the_way():
    op = ox.kronecker_sum(np.diag([1e200, 1e-200]), np.zeros((2, 2)))
    assert np.isclose(np.linalg.det(op), 1, rtol=1e-12)


def matched(x, y):
    """The largest distance of two sets of numbers, each paired with the nearest left over."""
    from scipy.optimize import linear_sum_assignment

    distances = np.abs(x[:, None] - y)
    return distances[linear_sum_assignment(distances)].max()


def test_eigvals(case):
    op, kind = case
    D = op.toarray()
    if kind == "congruence" or not _spectral.spectral(op).is_unitary:
        with pytest.warns(ox.DenseFallbackWarning, match="eigvals"):
            np.linalg.eigvals(op)
        return
    if op is SUMS["general polynomial"][0]:  # complex Schur forms would not keep it real
        assert _spectral_functions.eigvals(op) is NotImplemented
        return
    result, expected = without_warning(np.linalg.eigvals, op), np.linalg.eigvals(D)
    assert result.dtype == expected.dtype
    pytest.importorskip("scipy")
    assert matched(result, expected) <= 1e4 * tolerance(op) * np.abs(expected).max()


def test_eigenvalues_stand_in_kronecker_order():
    a, b = np.diag([1.0, 2.0]), np.diag([10.0, 20.0, 30.0])
    assert np.array_equal(np.linalg.eigvals(ox.kronecker_sum(a, b)), [11, 21, 31, 12, 22, 32])


@pytest.mark.parametrize("name", ["shifted product", "general", "skew", "complex", "float32"])
def test_eig(name):
    op, _ = SUMS[name]
    result = without_warning(np.linalg.eig, op)
    assert type(result) is type(np.linalg.eig(np.eye(1)))
    vectors = result.eigenvectors
    assert isinstance(vectors, ox._operator.LinearOperator)
    assert result.eigenvalues.dtype == np.linalg.eig(op.toarray()).eigenvalues.dtype
    V = vectors.toarray()
    np.testing.assert_allclose(np.linalg.norm(V, axis=0), 1, rtol=1e-5)
    error = np.linalg.norm(op.toarray() @ V - V * result.eigenvalues)
    assert error <= 100 * tolerance(op) * np.linalg.norm(op.toarray())


HERMITIAN = ["three definite", "three Hermitian", "shifted product", "polynomial", "float32"]
NORMAL = [*HERMITIAN, "complex shift", "skew"]


@pytest.mark.parametrize("name", HERMITIAN)
def test_eigvalsh(name):
    op, _ = SUMS[name]
    for uplo in "LU":
        result = without_warning(lambda a, uplo=uplo: np.linalg.eigvalsh(a, uplo), op)
        assert_same(result, np.linalg.eigvalsh(op.toarray()), op)


@pytest.mark.parametrize("name", HERMITIAN)
def test_eigh(name):
    op, kind = SUMS[name]
    if kind != "spectral":
        assert _spectral_functions.eigh(op) is NotImplemented
        return
    values, vectors = result = without_warning(np.linalg.eigh, op)
    expected = np.linalg.eigh(op.toarray())
    assert type(result) is type(expected)
    assert_same(values, expected.eigenvalues, op)
    assert vectors.dtype == expected.eigenvectors.dtype
    size = np.abs(values).max()
    V = vectors.toarray()
    np.testing.assert_allclose(op @ V, V * values, atol=20 * tolerance(op) * size)
    np.testing.assert_allclose(V.conj().T @ V, np.eye(len(V)), atol=20 * tolerance(op))


@pytest.mark.parametrize("name", sorted(set(SUMS) - set(HERMITIAN)))
def test_eigvalsh_of_what_is_not_hermitian(name):
    """NumPy takes one triangle of any matrix."""
    op, _ = SUMS[name]
    for f in (_spectral_functions.eigvalsh, _spectral_functions.eigh):
        assert f(op) is NotImplemented


def test_triangles_that_there_are_not():
    op, _ = SUMS["shifted product"]
    for f in (np.linalg.eigh, np.linalg.eigvalsh):
        with pytest.warns(ox.DenseFallbackWarning), pytest.raises(ValueError, match="UPLO"):
            f(op, "X")


@pytest.mark.parametrize("hermitian", [False, True])
@pytest.mark.parametrize("name", NORMAL)
def test_svd(name, hermitian):
    op, _ = SUMS[name]
    expected = np.linalg.svd(op.toarray())
    if hermitian and name not in HERMITIAN:
        assert _spectral_functions.svd(op, hermitian=True) is NotImplemented
        return
    for values in (
        without_warning(np.linalg.svdvals, op),
        without_warning(lambda a: np.linalg.svd(a, True, False, hermitian), op),
    ):
        assert_same(values, expected.S, op)
    if op.dtype.kind != "c" and name not in HERMITIAN:  # its eigenvectors are complex
        assert _spectral_functions.svd(op) is NotImplemented
        return
    u, s, vh = result = without_warning(lambda a: np.linalg.svd(a, hermitian=hermitian), op)
    assert type(result) is type(expected)
    assert_same(s, expected.S, op)
    assert (u.dtype, vh.dtype) == (expected.U.dtype, expected.Vh.dtype)
    U, Vh, one = u.toarray(), vh.toarray(), np.eye(len(s))
    np.testing.assert_allclose((U * s) @ Vh, op.toarray(), atol=20 * tolerance(op) * s[0])
    for Q in (U, Vh):
        np.testing.assert_allclose(Q.conj().T @ Q, one, atol=20 * tolerance(op))


@pytest.mark.parametrize("name", NORMAL)
def test_numbers_of_normal_sums(name):
    op, _ = SUMS[name]
    D = op.toarray()
    for ord in (None, "fro", 2, -2, "nuc"):
        norm = without_warning(lambda a, ord=ord: np.linalg.norm(a, ord), op)
        assert type(norm) is type(np.linalg.norm(D, ord))
        size = np.linalg.norm(D, "nuc" if ord == "nuc" else None)
        assert abs(norm - np.linalg.norm(D, ord)) <= 10 * tolerance(op) * size
    assert without_warning(np.linalg.matrix_norm, op) == np.linalg.norm(op)
    assert without_warning(np.linalg.vector_norm, op) == np.linalg.norm(op)
    for p in (None, 2, -2):
        cond, expected = (
            without_warning(lambda a, p=p: np.linalg.cond(a, p), op),
            np.linalg.cond(D, p),
        )
        assert type(cond) is type(expected)
        assert np.isclose(cond, expected, rtol=10 * tolerance(op) * np.linalg.cond(D))
    rank = without_warning(np.linalg.matrix_rank, op)
    assert rank == np.linalg.matrix_rank(D)
    assert type(rank) is type(np.linalg.matrix_rank(D))


@pytest.mark.parametrize("name", sorted(set(SUMS) - set(NORMAL)))
def test_numbers_of_other_sums_are_not_guessed(name):
    op, _ = SUMS[name]
    for f in (_spectral_functions.norm, _spectral_functions.cond, _spectral_functions.matrix_rank):
        assert f(op) is NotImplemented


def test_rank_and_condition_of_singular_sums():
    op = ox.kronecker_sum(np.diag([1.0, 2.0, 3.0]), np.diag([-1.0, -2.0]))
    D = op.toarray()
    assert without_warning(np.linalg.matrix_rank, op) == np.linalg.matrix_rank(D) == 4
    assert np.linalg.matrix_rank(op, tol=1.5) == np.linalg.matrix_rank(D, tol=1.5) == 1
    assert np.linalg.matrix_rank(op, rtol=0.6) == np.linalg.matrix_rank(D, rtol=0.6) == 1
    assert without_warning(np.linalg.cond, op) == np.inf
    assert np.linalg.cond(op, -2) == 0
    assert np.linalg.det(op) == 0
    assert tuple(np.linalg.slogdet(op)) == (0, -np.inf)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.linalg.norm(a, 1),
        lambda a: np.linalg.norm(a, axis=0),
        lambda a: np.linalg.norm(a, keepdims=True),
        lambda a: np.linalg.vector_norm(a, ord=1),
        lambda a: np.linalg.cond(a, 1),
    ],
)
def test_arguments_that_are_left_to_numpy(f):
    op, _ = SUMS["shifted product"]
    with pytest.warns(ox.DenseFallbackWarning):
        np.testing.assert_allclose(f(op), f(op.toarray()))


def test_slogdet_of_a_large_sum():
    """64 000 unknowns, whose determinant overflows."""
    n = 40
    op = ox.kronecker_sum(*[laplacian(n, 2.0)] * 3)
    sign, logarithm = np.linalg.slogdet(op)
    one = 2 - 2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1))
    values = one[:, None, None] + one[:, None] + one
    assert sign == 1
    assert np.isclose(logarithm, np.log(values).sum(), rtol=1e-12)
