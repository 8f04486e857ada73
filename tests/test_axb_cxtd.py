"""A X B + C Xᵀ D = E and A X B + C Xᴴ D = E where no two coefficients can be divided by.

Then A and C, or any other pair of which one stands in each term, are not both well-conditioned.
"""

import itertools
import warnings

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import oracle
import otimes as ox
from equation_zoo import EPS, TWO_SIDED, ct, random
from samples import DTYPES, eps

TRANSPOSED, ADJOINT = (
    next(e for e in TWO_SIDED if e.name == name and e.singular) for name in ("axb_cxtd", "axb_cxhd")
)
both = pytest.mark.parametrize("equation", [TRANSPOSED, ADJOINT], ids=["T", "H"])


@pytest.fixture
def rng():
    return np.random.default_rng(31)


def unitary(rng, n, dtype):
    return np.linalg.qr(random(rng, n, dtype))[0]


def conditioned(rng, n, dtype, smallest):
    """Singular values from 1 to the given one."""
    return unitary(rng, n, dtype) * np.geomspace(1, smallest, n) @ unitary(rng, n, dtype)


def true_rcond(equation, coefficients):
    return oracle.reciprocal_condition(equation.matrix(*coefficients))


def exact(equation, coefficients, e):
    """By LU of the equation's matrix, over the reals where that is what it is linear over."""
    matrix, rhs = equation.matrix(*coefficients), e.ravel(order="F")
    if len(matrix) == rhs.size:
        return np.linalg.solve(matrix, rhs).reshape(e.shape, order="F")
    re, im = np.split(np.linalg.solve(matrix, np.r_[rhs.real, rhs.imag]), 2)
    return (re + 1j * im).reshape(e.shape, order="F")


def solved(equation, coefficients, e, **options):
    """By the periodic QZ algorithm, and with a small residual; X and what is said about it."""
    x, info = equation.solve(*coefficients, e, return_info=True, **options)
    assert x.dtype == e.dtype
    if e.size > 36 or equation is ADJOINT:  # fewer are solved by LU in SIMD lanes
        assert info.method == "periodic-qz"
    assert equation.residual(coefficients, x, e) <= 10 * len(e) * eps(e)
    return x, info


# --- coefficients that are singular --------------------------------------------------------------


@both
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 6, 10])
@pytest.mark.parametrize("singular", [(0, 1), (2, 3)])
def test_equals_lu_of_the_dense_matrix(equation, dtype, n, singular, rng):
    equation = equation._replace(singular=singular)
    *given, e = equation.operands(rng, n, n, dtype)
    x, info = equation.solve(*given, e, return_info=True)
    wide = [a.astype(np.result_type(a, np.float64)) for a in (*given, e)]
    expected = exact(equation, wide[:-1], wide[-1])
    assert x.dtype == dtype
    assert equation.residual(given, x, e) <= 10 * n * eps(e)
    assert norm(x - expected) <= 20 * n * eps(e) / info.rcond * norm(expected)
    true = true_rcond(equation, wide[:-1])
    assert true / 10 <= info.rcond <= 10 * true


@both
@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
@pytest.mark.parametrize("n", [15, 16, 17, 33, 100])
def test_larger_sizes(equation, dtype, n, rng):
    *given, e = equation.operands(rng, n, n, dtype)
    solved(equation, given, e)


#: A and B, or C and D in the other term, may be what they are: the other two are regular.
SHAPES = {
    "zero": lambda rng, n, dtype: np.zeros((n, n), dtype),
    "rank one": lambda rng, n, dtype: np.outer(random(rng, (n,), dtype), random(rng, (n,), dtype)),
    "nilpotent": lambda rng, n, dtype: np.eye(n, k=1, dtype=dtype),
    "lower": lambda rng, n, dtype: np.tril(random(rng, n, dtype), -1),
    "diagonal": lambda rng, n, dtype: np.diag(np.arange(n) // 2).astype(dtype),
    "repeated": lambda rng, n, dtype: random(rng, n, dtype)[:, np.arange(n) // 3],
    "random": lambda rng, n, dtype: random(rng, n, dtype),
}


@both
@pytest.mark.parametrize("first", SHAPES)
@pytest.mark.parametrize("second", SHAPES)
def test_any_number_of_zero_and_infinite_eigenvalues(equation, first, second, rng):
    sizes = (4, 6) if equation is ADJOINT else (7, 8)
    for n, dtype, swapped in itertools.product(sizes, (float, complex), (False, True)):
        pair = [SHAPES[name](rng, n, dtype) for name in (first, second)]
        regular = [unitary(rng, n, dtype)[rng.permutation(n)] for _ in range(2)]
        given = [*pair, *regular] if swapped else [*regular, *pair]
        true = true_rcond(equation, given)
        assert true > 1e-9  # a seed that gives another one is of no use
        _, info = equation.solve(*given, random(rng, n, dtype), return_info=True)
        assert info.residual <= 10 * n * EPS
        assert true / 10 <= info.rcond <= 10 * true


@both
@pytest.mark.parametrize("places", [*itertools.permutations((0, 2, 4, 6), 2)])
@pytest.mark.parametrize("pair", [(0, 1), (2, 3)])
def test_zeros_anywhere_on_the_diagonals(equation, places, pair, rng):
    """A Hessenberg, C upper and B and D lower triangular: what the iteration starts from."""
    n = 7
    shapes = (lambda x: np.triu(x, -1), np.tril, np.triu, np.tril)
    given = [shape(random(rng, n, complex)) + 2 * np.eye(n) for shape in shapes]
    for k, place in zip(pair, places, strict=True):
        rows = slice(None) if k == 0 else place  # a Hessenberg matrix needs a whole column
        given[k][rows, place] = 0
    e, true = random(rng, n, complex), true_rcond(equation, given)
    x, info = solved(equation, given, e)
    assert norm(x - exact(equation, given, e)) <= 20 * n * EPS / true * norm(x)
    assert true / 10 <= info.rcond <= 10 * true


@both
@pytest.mark.parametrize("power", [-9, -11])
@pytest.mark.parametrize("n", [4, 9])
def test_all_four_ill_conditioned(equation, power, n, rng):
    """The equation is as ill-conditioned then, and regular: A v = 0 = C w make A v wᵀ B small."""
    dtype = complex if equation is ADJOINT else float
    given = [conditioned(rng, n, dtype, 10.0**power) for _ in range(4)]
    e = random(rng, n, dtype)
    true = true_rcond(equation, given)
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        x, info = solved(equation, given, e, on_singular="warn")
    if true > 100 * EPS:
        assert true / 10 <= info.rcond <= 10 * true
        assert norm(x - exact(equation, given, e)) <= 20 * n * EPS / true * norm(x)


@both
@pytest.mark.parametrize(
    ("dtype", "powers"), [(np.complex64, (-100, -130, -145)), (np.complex128, (-900, -1022, -1070))]
)
def test_a_term_in_other_units(equation, dtype, powers, rng):
    """Down to one that vanishes beside the other."""
    *given, e = equation._replace(singular=(0, 1)).operands(rng, 8, 8, dtype)
    expected = equation.solve(*[0 * a for a in given[:2]], *given[2:], e)
    for power in powers:
        tiny = np.ldexp(given[0].view(e.real.dtype), power).view(dtype)
        x, info = solved(equation, [tiny, *given[1:]], e)
        assert norm(x - expected) <= 80 * eps(e) / info.rcond * norm(expected)


@both
@pytest.mark.parametrize(
    ("dtype", "power", "side"), [(np.complex64, -70, -100), (np.complex128, -660, -1000)]
)
@pytest.mark.parametrize("zero", range(4))
def test_a_term_that_is_zero_beside_a_small_one(equation, dtype, power, side, zero, rng):
    """Zero because one of its coefficients is: the other one stays in range."""
    *given, e = equation._replace(singular=()).operands(rng, 8, 8, dtype)
    small = given[2:] if zero < 2 else given[:2]
    for a in small:
        a[:] = np.ldexp(a.view(e.real.dtype), power).view(dtype)
    given[zero][:] = 0
    e = np.ldexp(e.view(e.real.dtype), side).view(dtype)
    x, info = equation.solve(*given, e, return_info=True)
    assert info.rcond > 0
    assert info.residual <= 80 * eps(e)
    assert x.any()


# --- solvability ----------------------------------------------------------------------------------


def with_eigenvalues(rng, equation, values, dtype):
    """Coefficients whose formal product (D*)⁻¹ B* C⁻¹ A has these eigenvalues, 0 and ∞ among them.

    0 and ∞ make two coefficients singular, so that none of them can be divided by. NaN is 0/0.
    """
    n = len(values)
    starred = ct if equation is ADJOINT else np.transpose
    p, q, u, v = (unitary(rng, n, dtype) for _ in range(4))
    values = np.asarray(values)
    zero, infinite, undefined = values == 0, np.isinf(values), np.isnan(values)
    above = [0.3 * np.triu(random(rng, n, dtype), 1) for _ in range(4)]
    diagonals = [
        np.where(infinite, 1, np.where(undefined, 0, values)),
        np.where(zero | undefined, 0, 1),
        np.where(infinite | undefined, 0, 1),
        np.where(infinite | undefined, 0, 1),
    ]
    a, b, c, d = (np.diag(x) + y for x, y in zip(diagonals, above, strict=True))
    return [p @ a @ ct(u), starred(q @ b @ ct(v)), p @ c @ ct(v), starred(q @ d @ ct(u))]


SINGULAR = {
    "0/0": [np.nan, 3.0],
    "0 and inf": [0.0, np.inf, 5],
    "-1": [np.inf, -1.0, 5],
    "-1 with 0": [0.0, -1.0, 5],
    "1 twice": [np.inf, 1.0, 1.0],
    "reciprocal": [0.0, 2.0, 0.5],
    "reciprocal, negative": [np.inf, -2.0, -0.5],
}
REGULAR = {
    "inf": [np.inf],
    "inf twice": [np.inf, np.inf, 3.0],
    "0 twice": [0.0, 0.0, -3.0],
    "1 once": [np.inf, 1.0, 5.0],
    "1 and 2": [0.0, 1.0, 2.0],
    "2 and -1/2": [np.inf, 2.0, -0.5],
    "2 twice": [np.inf, 2.0, 2.0],
}


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("more", [[], [3.0, -4, 7, 0.15, 6]], ids=["few", "many"])
@pytest.mark.parametrize("name", SINGULAR)
def test_singular_eigenvalues_raise(name, more, dtype, rng):
    given = with_eigenvalues(rng, TRANSPOSED, SINGULAR[name] + more, dtype)
    e = np.ones(given[0].shape, dtype)
    assert true_rcond(TRANSPOSED, given) < 10 * EPS
    with pytest.raises(LinAlgError, match=r"singular to working precision.* a x b \+ c xᵀ d is 0"):
        TRANSPOSED.solve(*given, e)
    with pytest.warns(ox.IllConditionedWarning, match="singular to working precision"):
        TRANSPOSED.solve(*given, e, on_singular="warn")


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("more", [[], [3.0, -4, 7, 0.15, 6]], ids=["few", "many"])
@pytest.mark.parametrize("name", REGULAR)
def test_regular_eigenvalues_do_not(name, more, dtype, rng):
    given = with_eigenvalues(rng, TRANSPOSED, REGULAR[name] + more, dtype)
    _, info = solved(TRANSPOSED, given, random(rng, len(given[0]), dtype))
    true = true_rcond(TRANSPOSED, given)
    assert true / 10 <= info.rcond <= 10 * true


@pytest.mark.parametrize("values", [[np.inf, 1j], [0, 0.6 + 0.8j, 3], [np.inf, 1 + 1j, 0.5 + 0.5j]])
def test_with_the_adjoint_the_circle_is_singular(values, rng):
    """λ₁ conj(λ₂) = 1, where the same with the transpose is regular."""
    given = with_eigenvalues(rng, ADJOINT, values, complex)
    e = random(rng, len(values), complex)
    assert true_rcond(ADJOINT, given) < 10 * EPS
    with pytest.raises(LinAlgError, match=r"singular to working precision.* a x b \+ c xᴴ d is 0"):
        ADJOINT.solve(*given, e)
    solved(TRANSPOSED, with_eigenvalues(rng, TRANSPOSED, values, complex), e)


@pytest.mark.parametrize("k", range(8, 56, 6))
def test_nearly_singular_sweep(k, rng):
    """λ₁ λ₂ = 1 + 2⁻ᵏ: silence, then a warning, then an error, as rcond says."""
    given = with_eigenvalues(rng, TRANSPOSED, [np.inf, 2.0, 0.5 * (1 + 2.0**-k), -4, 5, 7], float)
    e, true = np.ones((6, 6)), true_rcond(TRANSPOSED, given)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            x, info = TRANSPOSED.solve(*given, e, return_info=True)
        except LinAlgError:
            assert true < 10 * EPS
            return
    assert true / 10 <= info.rcond <= 10 * true
    assert bool(caught) == (info.rcond < 1000 * EPS)
    assert TRANSPOSED.residual(given, x, e) < 60 * EPS


def test_one_kernel_of_everything_is_singular():
    low = np.ones((45, 45))
    with pytest.raises(LinAlgError, match="solve: the equation is singular to working precision"):
        TRANSPOSED.solve(low, low, low, np.eye(45), low)


# --- reached through solve ------------------------------------------------------------------------


def test_solve_says_what_it_divides_by(rng):
    a, b, c, d, e = (random(rng, 40, float) for _ in range(5))
    c[:, 0] = d[0] = 0
    x, info = ox.solve(lambda X: a @ X @ b + c @ X.T @ d, e, return_info=True)
    assert info.method == "axb-cxtd"
    assert TRANSPOSED.residual([a, b, c, d], x, e) <= 400 * EPS
    a, b, c, d, e = (random(rng, 5, complex) for _ in range(5))
    x, info = ox.solve(lambda X: a @ X @ b + c @ X.conj().T @ d, e, return_info=True)
    assert info.method == "axb-cxhd"
    assert ADJOINT.residual([a, b, c, d], x, e) <= 50 * EPS
