"""solve and op.solve: by structure, on functions, with errors that say what is wrong."""

import re

import numpy as np
import pytest

import otimes as ox
from otimes import _norms
from otimes._compounds import Inverse, Product, Sum
from otimes._methods import METHODS
from otimes._structures import Diagonal, LowRank

rng = np.random.default_rng(6)
A = rng.standard_normal((4, 4))
B = rng.standard_normal((3, 3))
C = rng.standard_normal((4, 3))
EPS = np.finfo(float).eps

#: name -> (operator, method that solve must choose)
OPERATORS = {
    "one factor": (ox.aslinearoperator(A), "kronecker"),
    "kron of two": (ox.kron(A, B), "kronecker"),
    "kron of three": (2.5 * ox.kron(B, A, B), "kronecker"),
    "kron and commutation": (ox.kron(A, B) @ ox.commutation_matrix(3, 4).T, "kronecker"),
    "commutation": (ox.commutation_matrix(3, 4), "kronecker"),
    "scaled identity": (4 * ox.identity(5), "kronecker"),
    "complex kron": (ox.kron(A, 1j * B + 2), "kronecker"),
    "complex coefficient": ((1 + 2j) * ox.kron(A, B), "kronecker"),
    "kronecker sum": (ox.kronecker_sum(A, B), "sylvester"),
    "kronecker sum and identity": (ox.kronecker_sum(A, B) - 3 * ox.identity(12), "sylvester"),
    "complex kronecker sum": (ox.kronecker_sum(A, 1j * B), "sylvester"),
    "sum, then commutation": (
        ox.kronecker_sum(A, B) @ ox.commutation_matrix(4, 3),
        "chain",
    ),
    "jacobian of the square": (ox.jacobian(lambda A: A @ A, A), "sylvester"),
    "diagonal": (ox.diagonal([1.0, -2.0, 3j]), "diagonal"),
    "inverse": (ox.kronecker_sum(A, B).inv(), "inverse"),
    "transposed inverse": (ox.kronecker_sum(A, B).inv().T, "inverse"),
    "chain": (ox.diagonal(np.arange(1.0, 13)) @ ox.kronecker_sum(A, B), "chain"),
    "generalized": (ox.kron(B, A) + ox.kron(B.T, A @ A), "dense"),
    "three terms": (ox.kronecker_sum(B, A, B), "schur"),
    "shifted product": (ox.kron(A @ A.T, B + B.T) - 2 * ox.identity(12), "spectral"),
    "shifted, large": (ox.kron(np.kron(A, B[:2, :2]), np.kron(B, A)) + ox.identity(96), "stein"),
    "definite pairs": (ox.kron(B.T @ B, A + A.T) + ox.kron(B + B.T, A @ A.T), "congruence"),
    "sum with low rank": (
        ox.kron(A, B) + LowRank(np.ones((12, 1)), np.ones((12, 1)), (12,), (12,)),
        "dense",
    ),
    "empty": (ox.kron(np.zeros((0, 0)), B), "kronecker"),
}


@pytest.fixture(params=OPERATORS.values(), ids=OPERATORS.keys())
def case(request):
    return request.param


def bound(D):
    """Forward error of a solve: 100 n eps times the condition number."""
    return 100 * EPS * max(len(D), 1) * (np.linalg.cond(D) if D.size else 1)


def assert_solution(x, D, b):
    expected = np.linalg.solve(D, b)
    assert x.shape == b.shape
    error = np.linalg.norm(x - expected)
    assert error <= bound(D) * np.linalg.norm(expected)


def test_method(case):
    op, method = case
    assert ox.select_method(op).startswith(f"{method}: ")


def test_docstring_lists_the_methods_in_their_order():
    words = re.sub(r"\(.*?\)", "", " ".join(ox.select_method.__doc__.split()))
    names = re.search(r"in the order (.*?)\.", words)[1]
    assert [name.strip() for name in names.split(",")] == [m.name for m in METHODS]


def test_solve_vectors_and_blocks(case):
    op, _ = case
    D = op.toarray()
    for shape in ((op.shape[0],), (op.shape[0], 1), (op.shape[0], 3), (op.shape[0], 0)):
        b = rng.standard_normal(shape)
        assert_solution(op.solve(b), D, b)
        c = b + 1j * rng.standard_normal(shape)
        assert_solution(op.solve(c), D, c)


def test_factorizations_solve_all_three_ways(case):
    op, _ = case
    D = op.toarray()
    factors = op.factorize()
    b = rng.standard_normal((op.shape[0], 2)) + 0.5j
    assert_solution(factors.solve(b), D, b)
    assert_solution(factors.solve(b, "T"), D.T, b)
    assert_solution(factors.solve(b, "H"), D.conj().T, b)
    assert_solution(factors.solve(b[:, 0].real), D, b[:, 0].real)


def test_rcond_is_within_a_factor_of_ten(case):
    op, _ = case
    if op.shape[0] == 0:
        pytest.skip("an empty matrix has no condition number")
    actual, exact = op.factorize().rcond(), 1 / np.linalg.cond(op.toarray())
    if isinstance(op._structure(), Product):  # the product of the parts' is a lower bound
        assert actual <= 10 * exact
    else:
        assert exact / 10 <= actual <= 10 * exact


def test_residual_is_small(case):
    op, method = case
    b = rng.standard_normal(op.shape[0])
    _, info = ox.solve(op, b, return_info=True)
    assert info.method == method
    assert info.residual <= 10 * max(len(b), 1) * EPS or op.shape[0] == 0
    assert (info.scale, info.refinements) == (1.0, 0)


def test_solve_equals_the_inverse(case):
    op, _ = case
    b = rng.standard_normal(op.shape[0])
    D = op.toarray()
    inverse = op.inv()
    assert (inverse.in_shape, inverse.out_shape) == (op.out_shape, op.in_shape)
    assert_solution(inverse @ b, D, b)
    assert_solution(inverse.T @ b, D.T, b)


def test_methods_by_name():
    op = ox.kronecker_sum(A, B)
    b = rng.standard_normal(12)
    np.testing.assert_allclose(op.solve(b, method="dense"), op.solve(b, method="sylvester"))
    assert ox.solve(op, b, method="dense", return_info=True)[1].method == "dense"
    with pytest.raises(ValueError, match="method 'kronecker' does not apply to"):
        op.solve(b, method="kronecker")
    with pytest.raises(ValueError, match="method is 'magic', but must be 'auto' or one of"):
        op.solve(b, method="magic")


def test_float32_solves_in_float32():
    op = ox.kron(A.astype(np.float32), B.astype(np.float32))
    assert op.solve(np.ones(12, np.float32)).dtype == np.float32
    x = op.solve(np.ones(12))
    assert x.dtype == np.float64
    # in double throughout: the error is that of double arithmetic on the rounded factors
    exact = np.kron(A.astype(np.float32).astype(float), B.astype(np.float32).astype(float))
    assert_solution(x, exact, np.ones(12))


def test_shapes_of_matrices():
    K = ox.kron(B, A)  # maps X (4, 3) to A X Bᵀ
    X = K.solve(C)
    np.testing.assert_allclose(A @ X @ B.T, C, atol=1e-12)
    np.testing.assert_allclose(K.solve(ox.vec(C)), ox.vec(X))


# --- functions -----------------------------------------------------------------------------------

EQUATIONS = {
    "sylvester": (lambda X: A @ X + X @ B, "sylvester"),
    "axb": (lambda X: A @ X @ B, "kronecker"),
    "left": (lambda X: A @ X, "kronecker"),
    "scaled": (lambda X: 3 * X, "kronecker"),
    "sylvester with a multiple of X": (lambda X: A @ X - 2 * X + X @ B, "sylvester"),
    "several left terms": (lambda X: A @ X + X @ B + A @ A @ X, "sylvester"),
    "affine": (lambda X: A @ X + X @ B + C - 1, "sylvester"),
    "stein": (lambda X: X - A @ X @ B, "stein"),
    "stein with multiples": (lambda X: A @ X @ (2 * B) + 3 * X, "stein"),
    "generalized": (lambda X: A @ X @ B + A.T @ X @ B.T, "dense"),
    "with a trace": (lambda X: A @ X + C * np.trace(X @ C.T), "dense"),
}


@pytest.mark.parametrize(("f", "method"), EQUATIONS.values(), ids=EQUATIONS.keys())
@pytest.mark.parametrize("imaginary", [0, 1j])
def test_solve_functions(f, method, imaginary):
    Q = C + imaginary * rng.standard_normal(C.shape)
    X, info = ox.solve(f, Q, return_info=True)
    assert info.method == method
    assert np.abs(f(X) - Q).max() <= 1e-11 * np.abs(X).max() / info.rcond * 1e-2 + 1e-12
    assert np.iscomplexobj(X) == bool(imaginary)


def test_functions_agree_with_the_named_solvers():
    np.testing.assert_allclose(
        ox.solve(lambda X: A @ X + X @ B, C), ox.solve_sylvester(A, B, C), rtol=1e-12
    )
    np.testing.assert_allclose(ox.solve(lambda X: A @ X @ B, C), ox.solve_axb(A, B, C), rtol=1e-12)


def test_transposed_unknowns():
    X = ox.solve(lambda X: A @ X.T @ B, C)
    assert X.shape == (3, 4)
    np.testing.assert_allclose(A @ X.T @ B, C, atol=1e-12)
    X = ox.solve(lambda X: A @ X.T + X.T @ B, C)
    np.testing.assert_allclose(A @ X.T + X.T @ B, C, atol=1e-12)


def test_a_real_right_hand_side_does_not_make_x_real():
    c, b = A + 1j * A.T, A.T @ A + np.eye(4)
    for f in (
        lambda X: c @ X + X.conj().T @ A,
        lambda X: A @ X + X.conj() @ c,
        lambda X: A @ X.conj() + 1j,
    ):
        x = ox.solve(f, A)
        assert x.dtype == complex
        np.testing.assert_allclose(f(x), A, atol=1e-12)
    x = ox.solve(lambda X: A @ X + X.conj().T @ A.T @ A, A)  # all real, and so is X
    assert x.dtype == float
    np.testing.assert_allclose(A @ x + x.T @ A.T @ A, A, atol=1e-12)
    for f in (lambda X: c @ X + X @ b, lambda X: A @ X + 2j + X @ b):
        x = ox.solve(f, A[:, :4].astype(np.float32))
        assert x.dtype == complex
        np.testing.assert_allclose(f(x), A.astype(np.float32), atol=1e-12)


def test_vectors_and_explicit_shapes():
    b = rng.standard_normal(4)
    np.testing.assert_allclose(ox.solve(lambda x: A @ x, b), np.linalg.solve(A, b))
    X = ox.solve(lambda X: ox.kron(B, A)._matmat(np.eye(12)) @ X, np.ones(12), shape=(12,))
    assert X.shape == (12,)
    with pytest.raises(ValueError, match=r"solve: rhs has shape \(4,\).*pass shape= for the shape"):
        ox.solve(lambda X: np.trace(X) * b, b)
    with pytest.raises(ValueError, match=r"f's result has shape \(2, 2\); shape= does not fit"):
        ox.solve(lambda X: X, C, shape=(2, 2))


def test_errors_of_the_function_itself_pass_through():
    with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
        ox.solve(lambda X: np.linalg.inv(np.zeros((3, 3))) @ X, B)


def test_newton_step_by_linearize():
    """X ← X - J⁻¹ f(X) finds the square root."""
    S = A @ A.T + 4 * np.eye(4)
    X = S / 2
    for _ in range(20):
        value, J = ox.linearize(lambda X: X @ X - S, X)
        X = X - J.solve(value)
    np.testing.assert_allclose(X @ X, S, rtol=1e-12, atol=1e-12)


def test_jacobian_solve_is_sylvester():
    J = ox.jacobian(lambda A: A @ A, A)
    Y = rng.standard_normal((4, 4))
    X = J.solve(Y)
    np.testing.assert_allclose(A @ X + X @ A, Y, atol=1e-11)


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda X: X @ X, "numpy.matmul"),
        (lambda X: np.linalg.inv(X), "numpy.linalg.inv"),
        (lambda X: X * X, "numpy.multiply"),
        (lambda X: 1 / X, "numpy.divide"),
        (lambda X: X / np.trace(X), "numpy.divide"),
        (lambda X: np.exp(X), "numpy.exp"),
        (lambda X: X**2, "numpy.power"),
        (lambda X: np.kron(X[:0] if False else X, X), "numpy.kron"),
        (lambda X: X * np.linalg.det(X), "numpy.linalg.det"),
        (lambda X: X * np.linalg.slogdet(X)[1], "numpy.linalg.slogdet"),
    ],
)
def test_nonlinear_functions_are_named_with_their_line(f, name):
    with pytest.raises(
        ValueError, match=rf"not linear in its argument: {name} at .*test_solve.py:"
    ):
        ox.solve(f, B)


# --- singular, not square, not finite ------------------------------------------------------------


SINGULAR = {
    "zero": ox.kron(A * 0, B),
    "zero times one": 0 * ox.identity(3),
    "zero times a product": 0 * ox.kron(A, B),
    "rank one": ox.kron(np.ones((3, 3)), B),
    "kronecker sum": ox.kronecker_sum(B, -B.T),
    "diagonal": ox.diagonal([1.0, 0.0]),
    "zero diagonal": ox.diagonal([0.0, 0.0]),
    "dense": ox.jacobian(lambda X: X - X.T, B),
    "chain": ox.diagonal(np.arange(9.0)) @ ox.kronecker_sum(B, B),
}


@pytest.mark.parametrize("op", SINGULAR.values(), ids=SINGULAR.keys())
def test_singular(op):
    b = np.ones(op.shape[0])
    with pytest.raises(np.linalg.LinAlgError, match="singular to working precision"):
        op.solve(b)
    with pytest.warns(ox.IllConditionedWarning, match="singular to working precision"):
        ox.solve(op, b, on_singular="warn")
    with pytest.raises(np.linalg.LinAlgError, match=r"op\.factorize: the equation is singular"):
        op.factorize()
    with pytest.warns(ox.IllConditionedWarning, match=r"op\.factorize: the equation is singular"):
        assert op.factorize(on_singular="warn").rcond() < EPS


def test_the_inverse_of_a_singular_operator_raises():
    op = ox.kronecker_sum(B, -B.T)
    for inverse in (op.inv, lambda: np.linalg.inv(op)):
        with pytest.raises(np.linalg.LinAlgError, match="singular to working precision"):
            inverse()


def test_ill_conditioned_warns_and_well_conditioned_is_silent():
    D = np.diag([1.0, 1e-14])
    with pytest.warns(ox.IllConditionedWarning, match="ill-conditioned"):
        ox.kron(D, np.eye(2)).solve(np.ones(4))
    for scale in (1e-300, 1e-150, 1e150, 1e300):  # powers of the unit change nothing
        x = (ox.kron(scale * A, B) * (1 / scale)).solve(np.ones(12))
        np.testing.assert_allclose(x, ox.kron(A, B).solve(np.ones(12)), rtol=1e-11)


def test_overflow_raises():
    with pytest.raises(np.linalg.LinAlgError, match="overflows float64"):
        ox.kron([[1e-300]], [[1e-300]]).solve([1.0])


def test_not_square():
    with pytest.raises(np.linalg.LinAlgError, match=r"shape \(12, 16\), but only a square one"):
        ox.kron(C.T, A).solve(np.ones(12))
    with pytest.raises(np.linalg.LinAlgError, match="inv: the operator has shape"):
        ox.kron(C, A).inv()
    with pytest.raises(np.linalg.LinAlgError, match="rectangular factors is singular"):
        ox.kron(C, C.T).inv()
    with pytest.raises(np.linalg.LinAlgError, match="f does not depend on its argument"):
        ox.solve(lambda X: B, B)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite(bad):
    b = np.array([1.0, bad, 0, 0])
    with pytest.raises(ValueError, match="b contains NaN or Inf"):
        ox.aslinearoperator(A).solve(b)
    with pytest.raises(ValueError, match="rhs contains NaN or Inf"):
        ox.solve(lambda x: A @ x, b)
    spoiled = np.where(np.eye(3) > 0, bad, 1.0)
    for op in (
        ox.kron(A, spoiled),
        ox.kronecker_sum(A, spoiled),
        ox.kronecker_sum(A, A, spoiled),
        ox.diagonal(spoiled[0]),
    ):
        with pytest.raises(ValueError, match="the operator contains NaN or Inf"):
            op.solve(np.ones(op.shape[0]))


def test_wrong_shapes_and_options():
    K = ox.kron(B, A)
    with pytest.raises(
        ValueError, match=r"b has shape \(5,\).*must be \(12,\), \(12, k\) or \(4, 3\)"
    ):
        K.solve(np.ones(5))
    with pytest.raises(ValueError, match=r"rhs has shape \(5,\), but must be \(12,\) or \(12, k\)"):
        K.factorize().solve(np.ones(5))
    with pytest.raises(
        ValueError, match='on_singular is \'maybe\', but must be "raise", "warn" or "lstsq"'
    ):
        K.solve(np.ones(12), on_singular="maybe")
    with pytest.raises(TypeError, match="dtype object"):
        K.solve(np.array([None] * 12))


def test_norm_bounds_the_frobenius_norm(case):
    op, _ = case
    structure = op._structure()
    if isinstance(structure, Inverse):
        assert _norms.norm_bound(structure) == 0
    elif isinstance(structure, (Sum, Product, Diagonal, LowRank)) or op.size:
        exact = np.linalg.norm(op.toarray())
        # identities count by their norm 1, not √n
        assert _norms.norm_bound(structure) * max(op.shape[0], 1) ** 0.5 >= exact * (1 - 1e-12)


def test_warnings_point_to_the_line_of_the_caller():
    nearly = ox.kron(np.diag([1.0, 1e-14]), np.eye(2))
    calls = (
        lambda: nearly.solve(np.ones(4)),
        lambda: ox.solve(nearly, np.ones(4)),
        lambda: ox.solve(lambda X: np.diag([1.0, 1e-14]) @ X, np.ones((2, 2))),
        lambda: nearly.factorize(),
        lambda: ox.solve_axb(np.diag([1.0, 1e-14]), np.eye(2), np.ones((2, 2))),
        lambda: ox.sylvester_factor(np.diag([1.0, 1e-14]), np.zeros((2, 2))),
        lambda: np.exp(nearly),
        lambda: nearly + 1,
        lambda: ox.jacobian(lambda X: A, A),
    )
    for call in calls:
        with pytest.warns((UserWarning, ox.IllConditionedWarning)) as caught:
            call()
        assert {w.filename for w in caught} == {__file__}


def test_lu_that_loses_its_digits_is_not_silent():
    """Partial pivoting on Wilkinson's matrix: growth 2ⁿ⁻¹, though it is well-conditioned."""
    n = 100
    W = np.eye(n) - np.tri(n, k=-1)
    W[:, -1] = 1
    op = ox.kron(W.T, np.eye(2))  # factors are decomposed transposed
    with pytest.warns(ox.IllConditionedWarning, match=r"op\.solve: the residual .* far above"):
        op.solve(np.random.default_rng(0).standard_normal(2 * n))
