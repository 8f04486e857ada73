"""A X + Xᵀ B = C and A X + Xᴴ B = C against their definition, and what makes them singular."""

import itertools
import pickle
import re
import warnings

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import oracle
import otimes as ox
from otimes import _equations
from samples import DTYPES, eps, normal

EPS = float(np.finfo(float).eps)


@pytest.fixture
def rng():
    return np.random.default_rng(24)


def star(x, conjugate):
    x = np.swapaxes(x, -1, -2)
    return x.conj() if conjugate else x


def image(a, b, x, conjugate):
    return a @ x + star(x, conjugate) @ b


def residual(a, b, x, c, conjugate=False):
    wide = (np.asarray(t, np.complex128) for t in (a, b, x, c))
    a, b, x, c = wide
    size = (norm(a) + norm(b)) * norm(x) + norm(c)
    return float(norm(image(a, b, x, conjugate) - c) / size) if size else 0.0


def dense_solution(a, b, c, conjugate):
    """By LU of the matrix of the map, that over the reals with the adjoint."""
    if not conjugate:
        return oracle.solve_vec(oracle.tsylvester_matrix(a, b), c)
    parts = np.concatenate([c.real, c.imag], axis=1)
    x = oracle.solve_vec(oracle.hsylvester_matrix(a, b), parts)
    n = len(a)
    return x[:, :n] + 1j * x[:, n:]


def true_rcond(a, b, conjugate=False):
    """Of the map over the reals where it is linear over them only."""
    real_linear = conjugate and (np.iscomplexobj(a) or np.iscomplexobj(b))
    matrix = oracle.hsylvester_matrix if real_linear else oracle.tsylvester_matrix
    return oracle.reciprocal_condition(matrix(a, b))


quiet = pytest.mark.filterwarnings("ignore::otimes.IllConditionedWarning")
both = pytest.mark.parametrize("conjugate", [False, True], ids=["T", "H"])


# --- the definition ------------------------------------------------------------------------------


def test_literals():
    # [2 1; 0 3] [1 1; 2 2] + [1 2; 1 2] [1 0; 1 1] = [7 6; 9 8]
    x = ox.solve_tsylvester([[2, 1], [0, 3]], [[1, 0], [1, 1]], [[7, 6], [9, 8]])
    assert np.allclose(x, [[1, 1], [2, 2]], atol=1e-14)
    # 2i x + conj(x) = 3i for x = 2 + i: 4i - 2 + 2 - i
    assert np.allclose(ox.solve_tsylvester([[2j]], [[1]], [[3j]], True), [[2 + 1j]])


@quiet
@both
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [*range(1, 8), 15, 16, 17])
def test_equals_lu_of_the_dense_matrix(rng, conjugate, dtype, n):
    a, b, c = (normal(rng, (n, n), dtype) for _ in range(3))
    x, info = ox.solve_tsylvester(a, b, c, conjugate, return_info=True)
    wide = [t.astype(np.result_type(t, np.float64)) for t in (a, b, c)]
    is_complex = np.dtype(dtype).kind == "c"
    exact = dense_solution(*wide, conjugate and is_complex)
    assert x.dtype == dtype
    assert residual(a, b, x, c, conjugate) <= 10 * n * eps(x)
    assert norm(x - exact) <= 20 * n * eps(x) / info.rcond * norm(exact)
    assert info.residual == pytest.approx(residual(a, b, x, c, conjugate), rel=0.5, abs=eps(x))
    assert info.scale == 1


@pytest.mark.parametrize("n", [2, 5])
def test_forward_error_against_many_digits(rng, n):
    a, b, c = (normal(rng, (n, n)) for _ in range(3))
    x, info = ox.solve_tsylvester(a, b, c, return_info=True)
    exact = oracle.solve_vec_exactly(oracle.tsylvester_matrix(a, b), c)
    assert norm(x - exact) <= 10 * EPS / info.rcond * norm(exact)


@quiet
@both
@pytest.mark.parametrize("dtype", [np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("n", [31, 33, 40, 63, 64, 65])
def test_sizes_around_block_edges(rng, conjugate, dtype, n):
    a, b, c = (normal(rng, (n, n), dtype) for _ in range(3))
    x, info = ox.solve_tsylvester(a, b, c, conjugate, return_info=True)
    assert residual(a, b, x, c, conjugate) <= 2 * n * eps(x)
    assert info.residual <= 2 * n * eps(x)


@quiet
@pytest.mark.parametrize(("n", "conjugate"), [(127, False), (128, True), (129, False)])
def test_larger_sizes(rng, n, conjugate):
    a, b, c = (normal(rng, (n, n), np.complex128 if conjugate else float) for _ in range(3))
    x = ox.solve_tsylvester(a, b, c, conjugate)
    assert residual(a, b, x, c, conjugate) <= n * EPS


@both
@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (2, 0, 0)])
def test_empty(conjugate, shape):
    n = shape[-1]
    assert ox.solve_tsylvester(np.eye(n), np.eye(n), np.ones(shape), conjugate).shape == shape
    factor = _equations.TSYLVESTER.factor("f", (np.ones((0, 0)),) * 2, True, "raise")
    assert factor.solve(np.ones((0, 0))).shape == (0, 0)
    assert factor.rcond() == 1


# --- dtypes, layouts, batches ---------------------------------------------------------------------


@both
@pytest.mark.parametrize("kinds", list(itertools.product([np.float64, np.complex128], repeat=3)))
@pytest.mark.parametrize("n", [2, 4, 9])
def test_all_real_complex_mixes(rng, conjugate, kinds, n):
    a, b, c = (normal(rng, (n, n), k) for k in kinds)
    x = ox.solve_tsylvester(a, b, c, conjugate)
    assert x.dtype == np.result_type(*kinds)
    assert residual(a, b, x, c, conjugate) <= 10 * n * EPS


@both
@pytest.mark.parametrize("dtypes", list(itertools.product("fdFDei?", repeat=3))[::5])
def test_result_dtypes(conjugate, dtypes):
    a, b, c = (k * np.eye(2).astype(t) for k, t in zip((1, 1, 1), dtypes, strict=True))
    inexact = [{"e": "f", "i": "d", "?": "d"}.get(t, t) for t in dtypes]
    x = ox.solve_tsylvester(np.array([[2, 0], [0, 3]]).astype(dtypes[0]) if dtypes[0] != "?" else a,
                            0 * b, c, conjugate)  # fmt: skip
    assert x.dtype == np.result_type(*inexact)


@both
@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
@pytest.mark.parametrize("n", [2, 12])
def test_layout_does_not_matter(rng, conjugate, dtype, n):
    arrays = [normal(rng, (n, n), dtype) + np.asarray(9 * np.eye(n), dtype) for _ in range(3)]
    arrays[1] *= dtype(0.1)
    expected = ox.solve_tsylvester(*arrays, conjugate)
    assert expected.flags.c_contiguous
    layouts = (
        np.asfortranarray,
        lambda x: np.repeat(np.repeat(x, 2, -1), 3, -2)[::3, ::2],
        lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
        lambda x: x.astype(x.dtype.newbyteorder()),
    )
    for layout, which in itertools.product(layouts, range(3)):
        changed = list(arrays)
        changed[which] = layout(arrays[which])
        assert np.array_equal(ox.solve_tsylvester(*changed, conjugate), expected)


@both
@pytest.mark.parametrize("n", [2, 6])
def test_batches_broadcast(rng, conjugate, n):
    a, b = normal(rng, (4, 1, n, n)), normal(rng, (3, n, n))
    c = normal(rng, (n, n), np.complex128)
    x, info = ox.solve_tsylvester(
        a, b, c, conjugate, return_info=True, on_singular="warn", check_finite=True
    )
    assert x.shape == (4, 3, n, n)
    assert info.rcond.shape == (4, 3)
    for i, j in np.ndindex(4, 3):
        assert np.array_equal(x[i, j], ox.solve_tsylvester(a[i, 0], b[j], c, conjugate))


def test_failure_in_a_batch_names_the_item():
    a = np.broadcast_to(2 * np.eye(6), (3, 6, 6)).copy()
    a[1] = -np.eye(6)
    with pytest.raises(LinAlgError, match="solve_tsylvester: item 1: the equation is singular"):
        ox.solve_tsylvester(a, np.eye(6), np.eye(6))


# --- what makes them singular ---------------------------------------------------------------------


def pencil(eigenvalues, conjugate=False, seed=5, dtype=float):
    """A and B such that A - λ B* has these eigenvalues; inf is one."""
    rng = np.random.default_rng(seed)
    n = len(eigenvalues)
    values = np.asarray(eigenvalues)
    infinite = np.isinf(values.real)
    left, right = (np.linalg.qr(normal(rng, (n, n), dtype))[0] for _ in range(2))
    upper = 0.3 * np.triu(normal(rng, (n, n), dtype), 1)
    s = np.diag(np.where(infinite, 1, values)) + upper
    r = np.diag(np.where(infinite, 0.0, 1.0)) + upper.T.conj()[::-1, ::-1].T
    return left @ s @ right, star(left @ np.triu(r) @ right, conjugate)


def small_and_large(eigenvalues):
    yield eigenvalues
    yield [*eigenvalues, 3.0, -4, 5, 0.1, 6]


SINGULAR = {
    "-1": [-1.0],
    "-1 among others": [0.3, -1, 5],
    "1 twice": [1.0, 1, 5],
    "reciprocal": [2.0, 0.5, 5],
    "reciprocal, negative": [-2.0, -0.5, 5],
    "0 and inf": [0.0, np.inf, 5],
    "-1 twice": [-1.0, -1],
}
REGULAR = {
    "1 once": [1.0, 0.3, 5],
    "1 and 2": [1.0, 2],
    "0 twice": [0.0, 0, 3],
    "inf twice": [np.inf, np.inf, 3],
    "2 twice": [2.0, 2, 5],
    "2 and -1/2": [2.0, -0.5],
}


@quiet  # that of the residual: of a huge multiple of a kernel vector, the real part may be small
@pytest.mark.parametrize("name", SINGULAR)
def test_singular_eigenvalues_raise(name):
    for values in small_and_large(SINGULAR[name]):
        a, b = pencil(values)
        c = np.ones(a.shape)
        assert len(a) == 1 or true_rcond(a, b) < 10 * EPS
        with pytest.raises(LinAlgError, match=r"two eigenvalues of a - λ bᵀ have the product 1"):
            ox.solve_tsylvester(a, b, c)
        with pytest.warns(ox.IllConditionedWarning, match="singular to working precision"):
            ox.solve_tsylvester(a, b, c, on_singular="warn")


@pytest.mark.parametrize("name", REGULAR)
def test_regular_eigenvalues_do_not(name):
    for values in small_and_large(REGULAR[name]):
        a, b = pencil(values)
        x, info = ox.solve_tsylvester(a, b, np.ones(a.shape), return_info=True)
        assert residual(a, b, x, np.ones(a.shape)) <= 10 * len(a) * EPS
        rcond = true_rcond(a, b)
        assert rcond / 10 <= info.rcond <= 10 * rcond


@pytest.mark.parametrize("value", [1, -1, 1j, (3 + 4j) / 5])
def test_unit_eigenvalues_are_singular_with_the_adjoint(value):
    for values in small_and_large([value]):
        a, b = pencil(values, True, dtype=np.complex128)
        with pytest.raises(LinAlgError, match=r"λ₁ conj\(λ₂\) = 1"):
            ox.solve_tsylvester(a, b, np.ones(a.shape), True)


def test_reciprocal_eigenvalues_with_the_adjoint():
    z = 1 + 1j
    for values in small_and_large([z, 1 / np.conj(z), 4]):
        a, b = pencil(values, True, dtype=np.complex128)
        with pytest.raises(LinAlgError, match="singular to working precision"):
            ox.solve_tsylvester(a, b, np.ones(a.shape), True)
    for values in small_and_large([z, 1 / z, 4]):  # singular with the transpose only
        a, b = pencil(values, True, dtype=np.complex128)
        x = ox.solve_tsylvester(a, b, np.ones(a.shape), True)
        assert residual(a, b, x, np.ones(a.shape), True) <= 10 * len(a) * EPS
        with pytest.raises(LinAlgError, match="singular to working precision"):
            ox.solve_tsylvester(a, star(star(b, True), False), np.ones(a.shape))


@quiet
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 20])
def test_palindromic_and_zero_and_singular_pencils(rng, n):
    a = normal(rng, (n, n))
    cases = [(np.zeros((n, n)), np.zeros((n, n))), (a, -a.T)]
    if n > 1:
        low = a @ np.diag([0.0] + [1.0] * (n - 1))
        cases += [(a, a.T), (low, low.T), (low, np.zeros((n, n)))]  # A = Bᵀ: all λ = 1
    for left, right in cases:
        for conjugate in (False, True):
            with pytest.raises(LinAlgError, match="singular to working precision"):
                ox.solve_tsylvester(left, right, np.ones((n, n)), conjugate)


def test_jacobian_of_a_gram_matrix_is_singular(rng):
    r = np.triu(normal(rng, (6, 6))) + 4 * np.eye(6)
    with pytest.raises(LinAlgError, match="singular to working precision"):
        ox.solve_tsylvester(r.T, r, np.eye(6))  # X = R K with skew K gives 0
    with pytest.raises(LinAlgError, match="singular to working precision"):
        ox.solve(lambda X: X.T @ r + r.T @ X, np.eye(6))


@both
@pytest.mark.parametrize("few", [True, False], ids=["few", "many"])
@pytest.mark.parametrize("k", range(4, 60, 4))
def test_nearly_singular_sweep(k, conjugate, few):
    """λ₁ λ₂ = 1 + 2⁻ᵏ: silence, then a warning, then an error, as rcond says."""
    values = [2.0, 0.5 * (1 + 2.0**-k), *([] if few else [3.0, -4, 5, 0.1, 6])]
    a, b = pencil(values, conjugate, dtype=np.complex128 if conjugate else float)
    c = np.ones(a.shape)
    rcond = true_rcond(a, b, conjugate)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            x, info = ox.solve_tsylvester(a, b, c, conjugate, return_info=True)
        except LinAlgError:
            assert rcond < 10 * EPS
            return
    assert rcond / 10 <= info.rcond <= 10 * rcond
    assert bool(caught) == (info.rcond < 1000 * EPS)
    assert info.rcond >= EPS
    assert residual(a, b, x, c, conjugate) < 10 * len(a) * eps(x)


# --- the condition estimate -----------------------------------------------------------------------

FAMILIES = {
    "random": lambda n: np.random.default_rng(n).standard_normal((n, n)),
    "nonnormal": lambda n: 3 * np.triu(FAMILIES["random"](n), 1) + np.diag(np.linspace(0.1, 2, n)),
    "symmetric": lambda n: FAMILIES["random"](n) + FAMILIES["random"](n).T,
    "diagonal": lambda n: np.diag(FAMILIES["random"](n)[0]),
    "graded": lambda n: np.diag(10.0 ** -np.arange(n)) @ FAMILIES["random"](n),
    "jordan": lambda n: 0.7 * np.eye(n) + np.eye(n, k=1),
    "shift": lambda n: np.eye(n, k=1),
    "complex": lambda n: FAMILIES["random"](n) + 1j * FAMILIES["random"](n + 1)[1:, 1:],
}


@both
@pytest.mark.parametrize("left", FAMILIES)
@pytest.mark.parametrize("right", FAMILIES)
def test_rcond_within_ten(left, right, conjugate):
    for n in (2, 4, 7):
        a, b = FAMILIES[left](n), FAMILIES[right](n + 1)[:n, :n]
        c = np.ones((n, n))
        rcond = true_rcond(a, b, conjugate)
        with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
            x, info = ox.solve_tsylvester(a, b, c, conjugate, on_singular="warn", return_info=True)
        if rcond > 1e-14:
            assert rcond / 10 <= info.rcond <= 10 * rcond, n
            assert residual(a, b, x, c, conjugate) <= 10 * n * EPS
        else:
            assert info.rcond < 1e-13, n


# --- scaling, overflow, NaN -----------------------------------------------------------------------


@both
@pytest.mark.parametrize("n", [2, 9])
@pytest.mark.parametrize("exponent", [-900, -300, 300, 900])
def test_powers_of_two_change_nothing(rng, conjugate, n, exponent):
    a, b, c = (normal(rng, (n, n), np.complex128) for _ in range(3))
    x, info = ox.solve_tsylvester(a, b, c, conjugate, return_info=True)
    scale = 2.0**exponent
    y, scaled = ox.solve_tsylvester(scale * a, scale * b, scale * c, conjugate, return_info=True)
    assert np.array_equal(x, y)
    assert scaled.rcond == info.rcond
    assert np.array_equal(ox.solve_tsylvester(a, b, scale * c, conjugate), scale * x)


@both
@pytest.mark.parametrize("n", [2, 9])
def test_overflowing_solutions_are_scaled(conjugate, n):
    a, b = 2.0**-600 * np.diag(np.arange(2.0, n + 2)), np.zeros((n, n))
    c = 2.0**600 * np.eye(n)
    with pytest.raises(LinAlgError, match="solve_tsylvester: the solution overflows float64"):
        ox.solve_tsylvester(a, b, c, conjugate)
    x, info = ox.solve_tsylvester(a, b, c, conjugate, return_info=True)
    assert 0 < info.scale < 1
    assert np.isfinite(x).all()
    assert residual(2.0**600 * a, b, 2.0**-600 * x, info.scale * c) <= 10 * EPS


def test_growth_beyond_the_range_of_a_float():
    """The unscaled substitution overflows: σ_min is some 2⁻⁶⁰⁰⁰, and x is beyond all scaling."""
    n = 60
    a = (np.eye(n) - 30 * np.triu(np.ones((n, n)), 1)).astype(np.float32)
    with pytest.raises(LinAlgError, match="singular to working precision"):
        ox.solve_tsylvester(a, np.zeros_like(a), np.ones_like(a))


@both
@pytest.mark.parametrize("n", [2, 9])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_inf(conjugate, n, bad):
    for which in range(3):
        arrays = [2 * np.eye(n), np.zeros((n, n)), np.ones((n, n))]
        arrays[which][0, 1] = bad
        with pytest.raises(ValueError, match=re.escape(f"{'abc'[which]} contains")):
            ox.solve_tsylvester(*arrays, conjugate)
        assert np.isnan(ox.solve_tsylvester(*arrays, conjugate, check_finite=False)).all()


def test_shapes_are_named():
    one = np.eye(3)
    with pytest.raises(ValueError, match=r"a has shape \(2, 3\), but must be square"):
        ox.solve_tsylvester(np.ones((2, 3)), one, one)
    with pytest.raises(ValueError, match=r"b has shape \(2, 2\), but a is \(3, 3\), so b must be"):
        ox.solve_tsylvester(one, np.eye(2), one)
    with pytest.raises(ValueError, match=r"c has shape \(3, 2\), .* so c must be \(3, 3\)"):
        ox.solve_tsylvester(one, one, np.ones((3, 2)))
    with pytest.raises(ValueError, match="on_singular is 'no'"):
        ox.solve_tsylvester(one, -one, one, on_singular="no")


# --- the adjoint ----------------------------------------------------------------------------------


def factor_of(a, b, conjugate=False):
    equation = _equations.HSYLVESTER if conjugate else _equations.TSYLVESTER
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        return equation.factor("factor", (a, b), True, "warn")


@both
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 5, 17, 40])
def test_adjoint_solves(rng, conjugate, dtype, n):
    """<M x, y> = <x, Mᴴ y>, of which the real part is kept with the adjoint."""
    a, b, c, d = (normal(rng, (n, n), dtype) for _ in range(4))
    factor = factor_of(a, b, conjugate)
    x, y = factor.solve(c), factor.solve(d, "H")  # M x = c, Mᴴ y = d: <c, y> = <x, d>
    assert x.dtype == y.dtype == dtype
    assert residual(a, b, x, c, conjugate) <= 10 * n * eps(x)
    left, right = np.vdot(c, y), np.vdot(x, d)
    if conjugate:
        left, right = left.real, right.real
    assert abs(left - right) <= 30 * n * eps(x) / factor.rcond() * norm(c) * norm(y)
    back = a.conj().T @ y + star(y @ b.conj().T, conjugate)
    assert norm(back - d) <= 10 * n * eps(x) * ((norm(a) + norm(b)) * norm(y) + norm(d))


@pytest.mark.parametrize("n", [3, 9])
def test_transposed_solves(rng, n):
    a, b, d = (normal(rng, (n, n), np.complex128) for _ in range(3))
    y = factor_of(a, b).solve(d, "T")
    exact = oracle.solve_vec(oracle.tsylvester_matrix(a, b).T, d)
    assert norm(y - exact) <= 1e-9 * norm(exact)
    real = factor_of(a, b, True)
    assert np.array_equal(real.solve(d, "T"), real.solve(d, "H"))


def test_factor_takes_complex_sides_of_real_equations(rng):
    a, b, c = normal(rng, (7, 7)), normal(rng, (7, 7)), normal(rng, (7, 7), np.complex128)
    for conjugate in (False, True):
        factor = pickle.loads(pickle.dumps(factor_of(a, b, conjugate)))
        for _ in range(2):
            x = factor.solve(c)
            assert residual(a, b, x, c, conjugate) <= 70 * EPS


# --- A X B + C Xᵀ D, and what `solve` recognises -------------------------------------------------


def two_sided(abcd, x):
    a, b, c, d = abcd
    return a @ x @ b + c @ x.T @ d


def solve_two_sided(abcd, e, **options):
    return _equations.AXB_CXTD.solve(
        tuple(abcd), e, True, options.pop("on_singular", "raise"), True
    )


def backward_error(abcd, x, e):
    a, b, c, d = abcd
    terms = norm(a) * norm(b) + norm(c) * norm(d)
    return norm(two_sided(abcd, x) - e) / (terms * norm(x) + norm(e))


@quiet
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 4, 5, 9])
def test_two_sided_equals_lu_of_the_dense_matrix(rng, dtype, n):
    *abcd, e = (normal(rng, (n, n), dtype) for _ in range(5))
    x, info = solve_two_sided(abcd, e)
    wide = [t.astype(np.result_type(t, np.float64)) for t in (*abcd, e)]
    exact = oracle.solve_vec(oracle.two_sided_matrix(*wide[:4]), wide[4])
    assert x.dtype == dtype
    assert backward_error(abcd, x, e) <= 10 * n * eps(x)
    assert norm(x - exact) <= 20 * n * eps(x) / info.rcond * norm(exact)
    rcond = oracle.reciprocal_condition(oracle.two_sided_matrix(*wide[:4]))
    assert rcond / 10 <= info.rcond <= 10 * rcond


@pytest.mark.parametrize("singular", [*itertools.combinations(range(4), 2), (0,), (0, 1, 3)])
@pytest.mark.parametrize("n", [3, 8])
def test_any_two_coefficients_may_be_singular(rng, n, singular):
    abcd = [normal(rng, (n, n)) for _ in range(4)]
    for k in singular:
        abcd[k][:, 0] = abcd[k][:, 1]
    e = normal(rng, (n, n))
    matrix = oracle.two_sided_matrix(*abcd)
    rcond = oracle.reciprocal_condition(matrix)
    if rcond < 1e-12:  # A and C have no left kernel in common, B and D no right one
        with pytest.raises(LinAlgError, match="singular to working precision"):
            solve_two_sided(abcd, e)
        return
    x, info = solve_two_sided(abcd, e)
    assert backward_error(abcd, x, e) <= 10 * n * EPS
    assert rcond / 10 <= info.rcond <= 10 * rcond


@quiet
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("singular", [(), (1, 3), (0, 3), (0, 2), (1, 2), (2, 3), (0, 1)])
def test_two_sided_adjoint(rng, dtype, singular):
    n = 7
    *abcd, e, g = (normal(rng, (n, n), dtype) for _ in range(6))
    for k in singular:
        abcd[k] = np.diag(np.arange(1.0, n + 1)).astype(dtype) if k in (0, 1) else abcd[k]
    factor = _equations.AXB_CXTD.factor("f", tuple(abcd), True, "raise")
    matrix = oracle.two_sided_matrix(*abcd)
    for trans, m in (("N", matrix), ("T", matrix.T), ("H", matrix.conj().T)):
        exact = oracle.solve_vec(m, e)
        assert norm(factor.solve(e, trans) - exact) <= 1e-10 * norm(exact)
    x, y = factor.solve(e), factor.solve(g, "H")
    assert abs(np.vdot(e, y) - np.vdot(x, g)) <= 1e-10 * norm(e) * norm(y)


def test_an_eigenvalue_one_does_no_harm(rng):
    """X + M Xᵀ N with an eigenvalue 1 of M Nᵀ: the equation of Stein would be singular."""
    m, n = np.diag([1.0, 0.3, 0, 5, 0, 7, 8]), np.diag([1.0, 0.2, 3, 0, 0, 0.9, 2])
    one, e = np.eye(7), normal(rng, (7, 7))
    x, info = solve_two_sided((one, one, m, n), e)
    assert backward_error((one, one, m, n), x, e) <= 70 * EPS
    assert info.method == "periodic-qz"
    with pytest.raises(LinAlgError, match=r"a x b \+ c xᵀ d is 0"):
        solve_two_sided((one, one, -m, n), e)


def test_two_sided_scales(rng):
    *abcd, e = (normal(rng, (6, 6)) for _ in range(5))
    x, info = solve_two_sided(abcd, e)
    scaled = [2.0**400 * abcd[0], 2.0**-300 * abcd[1], 2.0**-200 * abcd[2], 2.0**300 * abcd[3]]
    y, scaled_info = solve_two_sided(scaled, 2.0**100 * e)
    assert np.array_equal(x, y)
    assert info.rcond == scaled_info.rcond
    assert solve_two_sided((np.zeros((0, 0)),) * 4, np.ones((0, 0)))[0].shape == (0, 0)
    with pytest.raises(LinAlgError, match="singular"):
        solve_two_sided([0 * t for t in abcd], e)
    abcd[2][0, 0] = np.nan
    with pytest.raises(ValueError, match="c contains"):
        solve_two_sided(abcd, e)


RECOGNISED = {
    "tsylvester": [
        lambda A, B, X: A @ X + X.T @ B,
        lambda A, B, X: A @ X + X.T @ B + 3 * X - B @ X,
        lambda A, B, X: X.T + 2 * (A @ X),
        lambda A, B, X: 3 * X + A @ X + X.T @ (B @ A) - X.T @ B,
        lambda A, B, X: A @ X - (B @ X).T,
    ],
    "axb-cxtd": [
        lambda A, B, X: X @ A + B @ X.T,
        lambda A, B, X: A @ X + B @ X.T,
        lambda A, B, X: X @ A + X.T @ B,
        lambda A, B, X: X + A @ X.T @ B,
        lambda A, B, X: X.T + A @ X @ B,
        lambda A, B, X: A @ X @ B - B @ X.T @ B,
        lambda A, B, X: A @ X @ B + X @ B + B @ X.T,
    ],
    "dense": [
        lambda A, B, X: A @ X + X @ B + X.T,
    ],
}


@quiet
@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("method", RECOGNISED)
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_solve_recognises(rng, method, n, dtype):
    a, b, q = (normal(rng, (n, n), dtype) for _ in range(3))
    for f in RECOGNISED[method]:

        def map_of(X, f=f):
            return f(a, b, X)

        op = ox.jacobian(map_of, np.zeros((n, n), dtype))
        assert ox.select_method(op).startswith(method + ":")
        x, info = ox.solve(map_of, q, return_info=True)
        assert info.method == method
        exact = oracle.solve_vec(op.toarray(), q)
        assert norm(x - exact) <= 100 * n * EPS / info.rcond * norm(exact)
        factors = op.factorize()
        flat = q.ravel(order="F")
        for trans, m in (("N", op.toarray()), ("T", op.toarray().T), ("H", op.toarray().conj().T)):
            exact = np.linalg.solve(m, flat)
            error = norm(factors.solve(flat, trans) - exact)
            assert error <= 100 * n * EPS / info.rcond * norm(exact)


def test_rectangular_transposed_terms_are_dense(rng):
    a, b, c = normal(rng, (3, 3)), normal(rng, (3, 2)), normal(rng, (3, 2))
    x = ox.solve(lambda X: a @ X + b @ X.T @ c, normal(rng, (3, 2)))
    assert x.shape == (3, 2)
    assert ox.select_method(
        ox.jacobian(lambda X: a @ X + b @ X.T @ c, np.zeros((3, 2)))
    ).startswith("dense")


def test_a_sum_of_x_and_its_transpose_is_singular():
    with pytest.raises(LinAlgError, match="solve: the equation is singular to working precision"):
        ox.solve(lambda X: X + X.T, np.eye(5))


# --- conjugates, derivatives ---------------------------------------------------------------------


def test_the_conjugate_of_a_real_variable_is_itself(rng):
    a, b, c = (normal(rng, (5, 5)) for _ in range(3))
    expected = ox.solve_tsylvester(a, b, c)
    for f in (
        lambda X: a @ X + X.conj().T @ b,
        lambda X: a @ X + np.conj(X.T) @ b,
        lambda X: a @ X + X.T.conjugate() @ b,
    ):
        assert norm(ox.solve(f, c) - expected) <= 1e-11 * norm(expected)


@pytest.mark.parametrize("conjugate", [False, True])
@pytest.mark.parametrize("wrt", range(3))
def test_derivatives_of_solutions(rng, wrt, conjugate):
    n = 7
    arguments = [normal(rng, (n, n)) for _ in range(3)]
    d = normal(rng, (n, n))

    def solved(*args):
        return ox.solve_tsylvester(*args, conjugate)

    j = ox.jacobian(solved, *arguments, wrt=wrt)
    moved = [list(arguments), list(arguments)]
    for sign, arrays in zip((1, -1), moved, strict=True):
        arrays[wrt] = arrays[wrt] + sign * 1e-5 * d
    slope = (solved(*moved[0]) - solved(*moved[1])) / 2e-5
    image = (j @ d.ravel(order="F")).reshape(n, n, order="F")
    assert norm(image - slope) <= 1e-5 * norm(slope)
