"""Which method solves A X + X B = Q, and that all of them give the same answers."""

import itertools
import warnings

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import oracle
import otimes as ox
from samples import DTYPES, eps

WIDE = {"f": np.float64, "c": np.complex128}


def normal(shape, dtype=np.float64, seed=0):
    rng = np.random.default_rng([*shape, seed])
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def stable(n, dtype=np.float64, seed=0):
    return (normal((n, n), dtype, seed) - 2 * np.sqrt(n) * np.eye(n)).astype(dtype)


def hermitian(n, dtype=np.float64, seed=0):
    a = normal((n, n), dtype, seed)
    return a + a.conj().T


def residual(a, b, x, q):
    a, b, x, q = (t.astype(WIDE[t.dtype.kind]) for t in (a, b, x, q))
    return norm(a @ x + x @ b - q) / ((norm(a) + norm(b)) * norm(x) + norm(q))


def check(a, b, q, method):
    """The method is reached; X, rcond and the adjoint solve are right."""
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        return _check(a, b, q, method)


def _check(a, b, q, method):
    m, n = q.shape
    x, info = ox.solve_sylvester(a, b, q, return_info=True)
    assert info.method == method
    assert residual(a, b, x, q) <= 10 * (m + n) * eps(x)
    assert info.residual <= 10 * (m + n) * eps(x)
    factor = ox.sylvester_factor(a, b)
    np.testing.assert_array_equal(factor.solve(q), x)
    y = factor.solve(q, trans="H")
    assert residual(a.conj().T, b.conj().T, y, q) <= 10 * (m + n) * eps(y)
    if m * n <= 350:
        matrix = oracle.sylvester_matrix(*(t.astype(WIDE[t.dtype.kind]) for t in (a, b)))
        rcond = oracle.reciprocal_condition(matrix)
        assert rcond / 10 <= info.rcond <= 10 * rcond
        exact = oracle.solve_vec(matrix, q.astype(matrix.dtype))
        assert norm(x - exact) <= 10 * (m + n) * eps(x) / rcond * norm(exact)
    return x, info


SHAPES = [(17, 17), (20, 33), (33, 20), (65, 64), (128, 40)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "n"), SHAPES)
@pytest.mark.parametrize("sign", [1, -1])
def test_separable_spectra_are_doubled(m, n, dtype, sign):
    check(sign * stable(m, dtype), sign * stable(n, dtype), normal((m, n), dtype), "doubling")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "n"), SHAPES)
def test_hermitian_equations_are_divided(m, n, dtype):
    a, b = hermitian(m, dtype), hermitian(n, dtype, seed=1)
    x, info = check(a, b, normal((m, n), dtype), "eigendecomposition")
    wide = WIDE[a.dtype.kind]
    sums = np.abs(np.add.outer(*(np.linalg.eigvalsh(t.astype(wide)) for t in (a, b))))
    assert info.rcond == pytest.approx(sums.min() / sums.max(), rel=0.01, abs=100 * eps(x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("m", "n"), [(37, 1), (1, 37), (40, 2), (2, 40), (33, 4), (4, 33), (130, 16), (16, 130)]
)
def test_one_small_side(m, n, dtype):
    check(normal((m, m), dtype), normal((n, n), dtype), normal((m, n), dtype), "shifted-lu")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "n"), [*SHAPES, (7, 7), (8, 9), (16, 5), (5, 24), (63, 64)])
def test_small_ones_by_a_hessenberg_and_a_schur_form(m, n, dtype):
    check(normal((m, m), dtype), normal((n, n), dtype), normal((m, n), dtype), "hessenberg-schur")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "n"), [(105, 101), (210, 60)])
def test_the_rest_by_schur_forms(m, n, dtype):
    check(normal((m, m), dtype), normal((n, n), dtype), normal((m, n), dtype), "bartels-stewart")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", ["upper", "lower"])
@pytest.mark.parametrize("forms", [("hessenberg", None), (None, "hessenberg"), ("schur", None)])
def test_forms_that_are_given(forms, given, dtype):
    """Of one matrix, a Hessenberg form or a triangle, in either order of rows and columns."""
    keep = {"hessenberg": lambda a: np.triu(a, -1), "schur": np.triu, None: lambda a: a}
    for m, n in ((20, 12), (12, 20)):
        a, b = (
            keep[form](normal((k, k), dtype, seed))
            for k, form, seed in zip((m, n), forms, (1, 2), strict=True)
        )
        q = normal((m, n), dtype)
        if given == "lower":
            a, b = (t.T if form else t for t, form in zip((a, b), forms, strict=True))
        check(a, b, q, "hessenberg-schur")
        check(b, a, q.T, "hessenberg-schur")


@pytest.mark.parametrize("bumps", ["all", "none", "first", "last"])
@pytest.mark.parametrize("ratio", [1e-4, 1.0, 1e4])
def test_bumps_of_the_schur_form(bumps, ratio):
    """2x2 blocks with off-diagonal entries of that ratio are in the equation as they stand."""
    n = 10
    s = 0.1 * np.triu(normal((n, n)), 2) * (bumps != "none")
    np.fill_diagonal(s, np.linspace(1, 2, n // 2).repeat(2))
    starts = {"all": range(0, n, 2), "none": [], "first": [0], "last": [n - 2]}[bumps]
    for j in starts:
        s[j, j + 1], s[j + 1, j] = np.sqrt(ratio), -1 / np.sqrt(ratio)
    a, q = normal((14, 14)), normal((14, n))
    check(a, s, q, "hessenberg-schur")
    check(s, a, q.T, "hessenberg-schur")


def test_shifts_that_need_interchanges():
    """Without them the pivots of a cyclic shift are the shifts, 2^-40, and their growth ruins X."""
    a = np.roll(np.eye(12), 1, axis=0)
    b = 2.0**-40 * np.eye(8) + np.triu(normal((8, 8)), 1)
    check(a, b, normal((12, 8)), "hessenberg-schur")


@pytest.mark.parametrize("dtype", DTYPES)
def test_nearly_singular_small_ones_are_left_to_schur_forms(dtype):
    a = normal((20, 20), dtype)
    value = np.linalg.eigvals(a)[0]
    b = np.diag(np.r_[-value, np.arange(3.0, 9.0)])
    b = b.astype(np.result_type(dtype, np.complex64))
    q = np.ones((20, 7), b.dtype)
    with pytest.warns(ox.IllConditionedWarning):
        info = ox.solve_sylvester(a, b, q, on_singular="warn", return_info=True)[1]
    assert info.method == "bartels-stewart"
    assert info.rcond < 100 * eps(q)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["upper", "lower", "diagonal"])
def test_schur_forms_are_not_decomposed(kind, dtype):
    part = {"upper": np.triu, "lower": np.tril, "diagonal": lambda a: np.diag(np.diag(a))}[kind]
    shift = (6 * np.eye(40)).astype(dtype)
    a, b = (part(normal((40, 40), dtype, seed)) + shift for seed in (0, 1))
    check(a, b[:30, :30], normal((40, 30), dtype), "bartels-stewart")


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_one_hermitian_side(dtype):
    for a, b in ((hermitian(30, dtype), normal((25, 25), dtype)),) * 2:
        check(a, b, normal((30, 25), dtype), "hessenberg-schur")
        check(b, a, normal((25, 30), dtype), "hessenberg-schur")


MAKERS = {
    "doubling": stable,
    "eigendecomposition": hermitian,
    "hessenberg-schur": lambda n, dtype, seed=0: normal((n, n), dtype, seed),
}


@pytest.mark.parametrize("method", MAKERS)
@pytest.mark.parametrize(
    "dtypes", list(itertools.product([np.float64, np.complex64, np.complex128], repeat=3))
)
def test_mixed_dtypes(method, dtypes):
    a, b = (MAKERS[method](n, dtype, n) for n, dtype in zip((30, 21), dtypes[:2], strict=True))
    q = normal((30, 21), dtypes[2])
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        x, info = ox.solve_sylvester(a, b, q, return_info=True)
    assert info.method == method
    assert x.dtype == np.result_type(a, b, q)
    assert residual(a, b, x, q) <= 510 * eps(x)


@pytest.mark.parametrize("method", MAKERS)
def test_memory_layout_and_scale_change_nothing(method):
    a, b = (MAKERS[method](n, np.float64, n) for n in (40, 33))
    q = normal((40, 33))
    x = ox.solve_sylvester(a, b, q)
    f = np.asfortranarray
    np.testing.assert_array_equal(ox.solve_sylvester(f(a), f(b), f(q)), x)
    tiny, huge = 2.0**-600, 2.0**300
    scaled = ox.solve_sylvester(a * tiny, b * tiny, q * huge)
    np.testing.assert_array_equal(scaled, x * (huge / tiny))


@pytest.mark.parametrize("method", MAKERS)
@pytest.mark.parametrize("n", [30, 250])
def test_any_number_of_threads(method, n):
    a, b = (MAKERS[method](n, np.float64, seed) for seed in (0, 1))
    q = normal((n, n))
    threads = ox.get_num_threads()
    try:
        results = []
        for count in (1, 2):
            ox.set_num_threads(count)
            results.append(ox.solve_sylvester(a, b, q))
    finally:
        ox.set_num_threads(threads)
    one, two = results
    assert norm(one - two) <= 1e-10 * norm(one)


@pytest.mark.parametrize("make", [*MAKERS.values(), lambda n, *_: normal((n // 10, n // 10))])
def test_nan_and_inf_spread(make):
    a, b = make(40, np.float64), stable(40)
    q = normal((len(a), 40))
    for argument in range(3):
        for value in (np.nan, np.inf):
            arrays = [a.copy(), b.copy(), q.copy()]
            arrays[argument][0, 0] = value
            assert np.isnan(ox.solve_sylvester(*arrays, check_finite=False)).all()


# --- singular and nearly singular -----------------------------------------------------------------


def orthogonal(n, seed=0):
    return np.linalg.qr(normal((n, n), seed=seed))[0]


@pytest.mark.parametrize("n", [20, 60])
def test_singular_hermitian_equations_are_loud(n):
    u, v = orthogonal(n), orthogonal(n, 1)
    a = u @ np.diag(np.arange(1.0, n + 1)) @ u.T
    b = v @ np.diag(-3.0 - np.r_[0, np.linspace(n, 2 * n, n - 1)]) @ v.T
    a, b = a + a.T, b + b.T
    with pytest.warns(ox.IllConditionedWarning):
        x, info = ox.solve_sylvester(a, b, np.ones((n, n)), on_singular="warn", return_info=True)
    assert info.method == "eigendecomposition"
    assert info.rcond < n * eps(x)
    assert np.isfinite(x).all()


def test_singular_hermitian_equations_raise_with_dependable_zeros():
    a = 2.0 * np.eye(20) + 1  # eigenvalues 2 and 22
    with pytest.raises(LinAlgError, match="singular to working precision"):
        ox.solve_sylvester(a, -a, np.ones((20, 20)))


@pytest.mark.parametrize("n", [1, 3, 10])
def test_singular_equations_with_a_small_side_raise(n):
    a, b = np.diag(np.arange(60.0)) + np.eye(60, k=1), normal((n, n))
    b = b - (np.linalg.eigvals(b)[-1].real) * np.eye(n) if n == 1 else np.triu(b, 1) - 5 * np.eye(n)
    similar = orthogonal(60)
    a = similar @ a @ similar.T
    b = orthogonal(n) @ b @ orthogonal(n).T
    for left, right in ((a, b), (b, a)):
        q = np.ones((len(left), len(right)))
        with pytest.raises(LinAlgError, match=r"singular|overflows"):
            ox.solve_sylvester(left, right, q)


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("k", range(6, 60, 6))
def test_nearly_singular_sweep(k, small):
    """mu = -lambda (1 + 2^-k) in random coordinates."""
    n = 3 if small else 20
    u, v = orthogonal(24), orthogonal(n, 1)
    a = u @ (np.diag(np.linspace(1, 2, 24)) + np.eye(24, k=1) / 4) @ u.T
    b = v @ np.diag(np.r_[-(1 + 2.0**-k), np.linspace(3, 4, n - 1)]) @ np.linalg.inv(v)
    q = normal((24, n))
    rcond = oracle.reciprocal_condition(oracle.sylvester_matrix(a, b))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ox.IllConditionedWarning)
        x, info = ox.solve_sylvester(a, b, q, on_singular="warn", return_info=True)
    if rcond > 1e-14:
        assert rcond / 10 <= info.rcond <= 10 * rcond
        assert residual(a, b, x, q) <= 10 * (24 + n) * eps(x)
    else:
        assert info.rcond < 1e-13
