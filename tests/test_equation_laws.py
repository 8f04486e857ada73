"""Laws that every matrix equation obeys, each over all of them."""

import itertools
import warnings

import numpy as np
import pytest
from numpy.linalg import LinAlgError
from numpy.linalg import norm as norm2

import oracle
import otimes as ox
from equation_zoo import EPS, EQUATIONS, random
from layouts import LAYOUTS
from otimes._equation import EQUATIONS as ROWS
from samples import DTYPES, eps

every_equation = pytest.mark.parametrize("equation", EQUATIONS, ids=str)


@pytest.fixture
def rng():
    return np.random.default_rng(17)


def exact(equation, coefficients, q):
    """The solution by LU of the equation's matrix."""
    matrix = equation.matrix(*coefficients)
    rhs = q.reshape(-1, order="F")
    if matrix.shape[0] == 2 * rhs.size:  # linear over the reals: of the real and imaginary parts
        x = np.linalg.solve(matrix, np.r_[rhs.real, rhs.imag])
        return (x[: rhs.size] + 1j * x[rhs.size :]).reshape(q.shape, order="F")
    return np.linalg.solve(matrix, rhs).reshape(q.shape, order="F")


def test_every_row_of_the_table_is_tested():
    assert {e.name for e in EQUATIONS} == set(ROWS) - {"coupled_sylvester"}


@every_equation
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "n"), [(1, 1), (2, 3), (3, 2), (4, 4), (7, 5), (12, 16), (17, 18)])
def test_definition(equation, dtype, m, n, rng):
    *given, q = equation.operands(rng, m, n, dtype)
    x, info = equation.solve(*given, q, return_info=True)
    wide = [np.asarray(a, np.complex128 if np.iscomplexobj(a) else float) for a in (*given, q)]
    expected = exact(equation, wide[:-1], wide[-1])
    assert x.dtype == dtype
    assert x.flags.c_contiguous
    assert equation.residual(given, x, q) <= 10 * (m + n) * eps(x)
    assert info.residual == pytest.approx(equation.residual(given, x, q), rel=0.5, abs=4 * eps(x))
    assert norm2(x - expected) <= 10 * (m + n) * eps(x) / info.rcond * norm2(expected)
    assert info.scale == 1


@every_equation
@pytest.mark.parametrize(("m", "n"), [(2, 2), (4, 3), (6, 6)])
def test_rcond_is_that_of_the_matrix(equation, m, n, rng):
    """Within a factor of 10; from hard to easy equations."""
    for distance in (0.1, 0.5, 2.0, 8.0):
        for dtype in (float, complex):
            *given, q = equation.operands(rng, m, n, dtype, distance)
            with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
                _, info = equation.solve(*given, q, return_info=True, on_singular="warn")
            true = oracle.reciprocal_condition(equation.matrix(*given))
            assert true / 10 <= info.rcond <= 10 * true


@every_equation
@pytest.mark.parametrize(("m", "n"), [(2, 2), (3, 4), (9, 8), (20, 21)])
def test_every_mix_of_real_and_complex(equation, m, n, rng):
    count = len(equation.sizes) + 1
    for kinds in itertools.product((np.float64, np.complex128), repeat=count):
        *given, q = [
            a.astype(kind) if kind is np.float64 else a + 1j * random(rng, a.shape, float)
            for a, kind in zip(equation.operands(rng, m, n), kinds, strict=True)
        ]
        x = equation.solve(*given, q)
        assert x.dtype == np.result_type(*kinds)
        assert equation.residual(given, x, q) <= 10 * (m + n) * EPS


@every_equation
@pytest.mark.parametrize("precision", [(np.float32, np.float64), (np.complex64, np.float64)])
def test_mixed_precision_is_promoted(equation, precision, rng):
    given = equation.operands(rng, 5, 4)
    mixed = [a.astype(precision[k % 2]) for k, a in enumerate(given)]
    x = equation.solve(*mixed)
    assert x.dtype == np.result_type(*precision[: len(mixed)])
    assert equation.residual(mixed[:-1], x, mixed[-1]) <= 90 * EPS


@every_equation
def test_integers_and_lists_are_accepted(equation, rng):
    given = [np.rint(a).astype(int) for a in equation.operands(rng, 3, 2)]
    expected = equation.solve(*[a.astype(float) for a in given])
    for kind in (np.asarray, np.ndarray.tolist, lambda a: a.view(np.matrix)):
        x = equation.solve(*map(kind, given))
        assert type(x) is np.ndarray
        np.testing.assert_array_equal(x, expected)


@every_equation
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n", [3, 11, 40])
def test_layout_does_not_matter(equation, layout, n, rng):
    """Equal inputs give equal bits, and are not written to."""
    given = equation.operands(rng, n, n)
    expected = equation.solve(*given)
    for k in range(len(given)):
        changed = [*given]
        changed[k] = LAYOUTS[layout](given[k])
        before = changed[k].copy()
        np.testing.assert_array_equal(equation.solve(*changed), expected)
        np.testing.assert_array_equal(changed[k], before)


@every_equation
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 4), (4, 1)])
def test_empty_and_thin(equation, shape, rng):
    m, n = shape
    if equation.square and m != n:
        pytest.skip("the equation is square")
    *given, q = equation.operands(rng, m, n)
    x, info = equation.solve(*given, q, return_info=True)
    assert x.shape == q.shape
    assert equation.residual(given, x, q) <= 10 * (m + n) * EPS
    assert 0 < info.rcond <= 1


# --- exact invariants ----------------------------------------------------------------------------


@every_equation
@pytest.mark.parametrize("n", [2, 5, 20])
@pytest.mark.parametrize("power", [-900, -40, 3, 60, 600])
def test_powers_of_two_change_nothing_but_exponents(equation, n, power, rng):
    """Of the right-hand side: X scales by the same power, to the last bit."""
    *given, q = equation.operands(rng, n, n)
    x, info = equation.solve(*given, q, return_info=True)
    scaled, other = equation.solve(*given, np.ldexp(q, power), return_info=True)
    np.testing.assert_array_equal(scaled, np.ldexp(x, power))
    assert other == info


#: The equations whose coefficients can all be scaled by one power of two, and what X scales by.
DEGREES = {
    "axb": 2,
    "sylvester": 1,
    "generalized_sylvester": 2,
    "continuous_lyapunov": 1,
    "generalized_lyapunov": 2,
    "generalized_stein": 2,
    "tsylvester": 1,
    "hsylvester": 1,
    "axb_cxtd": 2,
    "axb_cxhd": 2,
}


@every_equation
@pytest.mark.parametrize("n", [2, 5, 20])
@pytest.mark.parametrize("power", [-300, -7, 12, 300])
def test_units_of_the_coefficients_do_not_matter(equation, n, power, rng):
    if equation.name not in DEGREES:
        pytest.skip("the identity in it has no units")
    *given, q = equation.operands(rng, n, n)
    x, info = equation.solve(*given, q, return_info=True)
    scaled, other = equation.solve(*[np.ldexp(a, power) for a in given], q, return_info=True)
    np.testing.assert_array_equal(scaled, np.ldexp(x, -power * DEGREES[equation.name]))
    assert other == info


@every_equation
@pytest.mark.parametrize(("m", "n"), [(3, 5), (18, 20)])
def test_permutations(equation, m, n, rng):
    """P A Pᵀ and S B Sᵀ in the place of A and B: P X Sᵀ, to rounding."""
    *given, q = equation.operands(rng, m, n)
    m, n = q.shape
    p = np.eye(m)[rng.permutation(m)]
    s = p if equation.square else np.eye(n)[rng.permutation(n)]
    turned = [
        (p @ a @ p.T if size == "m" else s @ a @ s.T)
        for a, size in zip(given, equation.sizes, strict=True)
    ]
    x, info = equation.solve(*given, q, return_info=True)
    y = equation.solve(*turned, p @ q @ s.T)
    assert norm2(y - p @ x @ s.T) <= 10 * (m + n) * EPS / info.rcond * norm2(x)


@every_equation
@pytest.mark.parametrize(("m", "n"), [(2, 2), (3, 4), (10, 9), (33, 20)])
@pytest.mark.parametrize("dtype", [float, complex])
def test_factorizations_solve_the_adjoint(equation, m, n, dtype, rng):
    """⟨W, X⟩ = ⟨Y, Q⟩ for M X = Q and Mᴴ Y = W, without a new decomposition."""
    *given, q = equation.operands(rng, m, n, dtype)
    w = random(rng, q.shape, dtype)
    factor = ROWS[equation.name].factor(equation.name, tuple(given), True, "raise")
    x, y = factor.solve(q), factor.solve(w, "H")
    inner = (lambda a, b: np.vdot(a, b).real) if equation.real_linear else np.vdot
    assert norm2(x - equation.solve(*given, q)) <= 1e-9 * norm2(x)
    size = norm2(w) * norm2(x) + norm2(y) * norm2(q)
    assert abs(inner(w, x) - inner(y, q)) <= 10 * (m + n) * EPS * size / factor.rcond() ** 0.5
    if not equation.real_linear:
        z = factor.solve(w.conj(), "T").conj()
        assert norm2(z - y) <= 10 * (m + n) * EPS * norm2(y) / factor.rcond()
    assert factor.rcond() == pytest.approx(
        equation.solve(*given, q, return_info=True)[1].rcond, rel=20
    )


@every_equation
@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (2, 0), (0, 130), (130, 0)])
def test_factorizations_without_unknowns(equation, shape, rng):
    """The side that is not empty is Hermitian, and such that powers of it vanish."""
    if equation.square and shape[0] != shape[1]:
        pytest.skip("the equation is square")
    given = equation.coefficients(rng, *shape)
    given = [(a + a.T) / (1000 * max(norm2(a), 1)) for a in given]
    row = ROWS[equation.name]
    factor = row.factor(equation.name, tuple(given), True, "raise")
    q = np.zeros((row.unknowns * shape[0], shape[1]))
    assert factor.rcond() == 1
    assert factor.solve(q).shape == q.shape
    assert factor.solve(q, "H").shape == q.shape


# --- batches -------------------------------------------------------------------------------------


@every_equation
@pytest.mark.parametrize(("m", "n"), [(2, 2), (4, 4), (3, 6), (12, 10)])
def test_batches_broadcast(equation, m, n, rng):
    items = [equation.operands(rng, m, n) for _ in range(6)]
    stacked = [
        np.stack(arrays).reshape(2, 3, *arrays[0].shape) for arrays in zip(*items, strict=True)
    ]
    x, info = equation.solve(*stacked, return_info=True)
    assert x.shape == (2, 3, *items[0][-1].shape)
    assert info.residual.shape == info.rcond.shape == info.scale.shape == (2, 3)
    for k, given in enumerate(items):
        single, alone = equation.solve(*given, return_info=True)
        place = divmod(k, 3)
        assert norm2(x[place] - single) <= 100 * EPS / alone.rcond * norm2(single)
        assert info.rcond[place] == pytest.approx(alone.rcond, rel=3)
    first = [stacked[0], *items[0][1:]]  # one batched coefficient, the others single
    assert equation.solve(*first).shape == x.shape
    assert equation.solve(*[a[:0] for a in stacked]).shape == (0, 3, *items[0][-1].shape)


@every_equation
def test_results_do_not_depend_on_the_number_of_threads(equation, rng):
    items = [equation.operands(rng, 4, 4) for _ in range(40)]
    stacked = [np.stack(arrays) for arrays in zip(*items, strict=True)]
    threads = ox.get_num_threads()
    try:
        results = []
        for count in (1, 2, 5):
            ox.set_num_threads(count)
            results.append(equation.solve(*stacked))
    finally:
        ox.set_num_threads(threads)
    np.testing.assert_array_equal(results[1], results[0])
    np.testing.assert_array_equal(results[2], results[0])


# --- bad input -----------------------------------------------------------------------------------


@every_equation
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n", [2, 9, 30])
def test_nan_and_inf(equation, bad, n, rng):
    given = equation.operands(rng, n, n)
    row = ROWS[equation.name]
    names = [*row.arguments, row.rhs]
    for k, name in enumerate(names):
        broken = [a.copy() for a in given]
        broken[k][1, 0] = bad
        with pytest.raises(ValueError, match=rf"^{name} contains NaN or Inf$"):
            equation.solve(*broken)
        x = equation.solve(*broken, check_finite=False)
        assert np.isnan(x).all()


@every_equation
def test_shapes_that_do_not_fit(equation, rng):
    given = equation.operands(rng, 3, 2)
    row = ROWS[equation.name]
    names = [*row.arguments, row.rhs]
    for k, name in enumerate(names):
        wrong = [*given]
        wrong[k] = np.ones((7, 5))
        with pytest.raises(ValueError, match=rf"{row.name}: {name} has shape \(7, 5\), but"):
            equation.solve(*wrong)
        wrong[k] = np.ones(3)
        with pytest.raises(ValueError, match=rf"{row.name}: {name} has shape \(3,\), but"):
            equation.solve(*wrong)
    batched = [np.stack([given[0]] * 2), *given[1:-1], np.stack([given[-1]] * 3)]
    with pytest.raises(ValueError, match=rf"{row.name}: the leading axes of .* do not broadcast"):
        equation.solve(*batched)


@every_equation
@pytest.mark.parametrize("dtype", ["U3", object, np.longdouble])
def test_dtypes_that_are_not_computed_with(equation, dtype, rng):
    given = equation.operands(rng, 2, 2)
    for k in range(len(given)):
        wrong = [*given]
        wrong[k] = given[k].astype(dtype)
        with pytest.raises(TypeError, match="has dtype"):
            equation.solve(*wrong)


@every_equation
@pytest.mark.parametrize("n", [2, 4, 12, 20])
def test_zero_coefficients_are_singular(equation, n, rng):
    *given, q = equation.operands(rng, n, n)
    zeros = [np.zeros_like(a) for a in given]
    if equation.name in ("stein", "discrete_lyapunov"):
        np.testing.assert_array_equal(equation.solve(*zeros, q), q)
        return
    row = ROWS[equation.name]
    with pytest.raises(LinAlgError, match=f"{row.name}: the equation is singular"):
        equation.solve(*zeros, q)
    least = equation.solve(*zeros, q, on_singular="lstsq")
    np.testing.assert_array_equal(least, np.zeros_like(q))


@every_equation
def test_a_singular_item_of_a_batch_is_named(equation, rng):
    items = [equation.operands(rng, 3, 3) for _ in range(4)]
    stacked = [np.stack(arrays) for arrays in zip(*items, strict=True)]
    if equation.name in ("stein", "discrete_lyapunov"):
        for a in stacked[:-1]:
            a[2] = np.eye(3)
    else:
        for a in stacked[:-1]:
            a[2] = 0
    with pytest.raises(LinAlgError, match=rf"{ROWS[equation.name].name}: item 2: the equation"):
        equation.solve(*stacked)


@every_equation
def test_options_are_checked(equation, rng):
    given = equation.operands(rng, 2, 2)
    with pytest.raises(ValueError, match="on_singular is 'ignore', but must be"):
        equation.solve(*given, on_singular="ignore")
