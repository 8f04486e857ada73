"""Equations of few unknowns, one by one and in batches, which share the lanes of a vector."""

import itertools
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.linalg import LinAlgError, norm

import oracle
import otimes as ox
from kernel_sets import SETS, environment, runs_here
from otimes import _core
from samples import eps, normal
from zoo import assert_equal_for_any_threads

DTYPES = ["f", "d", "F", "D"]
LIMIT = 36  # unknowns of a small equation
MOST_LANES = 16

SOLVERS = {
    "sylvester": (ox.solve_sylvester, oracle.sylvester_matrix),
    "axb": (ox.solve_axb, oracle.axb_matrix),
}
solvers = pytest.mark.parametrize(("solve", "matrix"), SOLVERS.values(), ids=SOLVERS)


def benign(rng, count, m, n, dtypes="ddd"):
    """A batch of well-conditioned equations: the diagonals of A and B dominate."""
    a, b, q = (
        normal(rng, (count, *shape), dtype)
        for shape, dtype in zip(((m, m), (n, n), (m, n)), dtypes, strict=True)
    )
    a += np.asarray(4 * np.sqrt(m) * np.eye(m), a.dtype)
    b += np.asarray(4 * np.sqrt(n) * np.eye(n), b.dtype)
    return a, b, q


def relative_residual(solve, a, b, x, q):
    a, b, x, q = (t.astype(np.clongdouble) for t in (a, b, x, q))
    if solve is ox.solve_axb:
        r, size = a @ x @ b - q, norm(a) * norm(b) * norm(x)
    else:
        r, size = a @ x + x @ b - q, (norm(a) + norm(b)) * norm(x)
    return float(norm(r) / (size + norm(q)))


SHAPES = [(m, n) for m in range(1, 17) for n in range(1, 17) if m * n <= 16]
LARGER = [(17, 1), (1, 36), (5, 5), (6, 6), (4, 9), (3, 12), (36, 1), (2, 18)]


@solvers
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "n"), SHAPES + LARGER)
def test_equal_to_dense_lu(solve, matrix, dtype, m, n):
    rng = np.random.default_rng([m, n])
    a, b, q = (normal(rng, (2, *s), dtype) for s in ((m, m), (n, n), (m, n)))
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        x, info = solve(a, b, q, return_info=True)
    for k in range(2):
        dense = matrix(a[k].astype("D"), b[k].astype("D"))
        exact = oracle.solve_vec(dense, q[k].astype("D"))
        rcond = oracle.reciprocal_condition(dense)
        assert norm(x[k] - exact) <= 10 * (m + n) * eps(x) / rcond * norm(exact)
        assert rcond / 10 <= info.rcond[k] <= 10 * rcond
        residual = relative_residual(solve, a[k], b[k], x[k], q[k])
        assert info.residual[k] == pytest.approx(residual, rel=0.5, abs=eps(x))
    assert (info.scale == 1).all()


@solvers
@pytest.mark.parametrize("dtypes", ["fff", "ddd", "FFF", "DDD", "ddD"])
@pytest.mark.parametrize(("m", "n"), LARGER)
def test_the_lanes_need_no_help(solve, matrix, dtypes, m, n):
    """Beyond 16 unknowns the report tells: what the lanes get wrong goes to another method."""
    rng = np.random.default_rng([m, n])
    a, b, q = (
        normal(rng, (40, *shape), dtype)
        for shape, dtype in zip(((m, m), (n, n), (m, n)), dtypes, strict=True)
    )
    with warnings.catch_warnings(action="ignore", category=ox.IllConditionedWarning):
        _, info = solve(a, b, q, return_info=True, on_singular="warn")
    good = info.rcond > 2000 * eps(q)
    assert good.mean() > (0.2 if eps(q) > 1e-10 else 0.9)
    _, info = solve(a[good], b[good], q[good], return_info=True)
    assert info.method == "kronecker-lu"


@solvers
@pytest.mark.parametrize(
    "dtypes", ["".join(p) for p in itertools.product("dD", repeat=3)] + ["fFf"]
)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 25, 49])
def test_a_batch_is_its_items(solve, matrix, dtypes, count):
    """Counts around the 2, 4, 8 and 16 lanes that vectors may have."""
    a, b, q = benign(np.random.default_rng(count), count, 3, 4, dtypes)
    x, info = solve(a, b, q, return_info=True)
    assert x.shape == (count, 3, 4)
    assert x.dtype == np.result_type(*dtypes)
    assert info.method == ("kronecker-lu" if count else "")
    for k in range(count):
        alone, about = solve(a[k], b[k], q[k], return_info=True)
        assert norm(x[k] - alone) <= 100 * eps(x) * norm(alone)
        assert about.rcond / 2 <= info.rcond[k] <= 2 * about.rcond
        assert max(info.residual[k], about.residual) <= 4 * eps(x)
        assert (info.scale[k], info.refinements[k]) == (about.scale, about.refinements) == (1, 0)


@solvers
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_place_in_a_batch_changes_nothing(solve, matrix, dtype):
    """Bitwise: every lane does the same, whatever its neighbours are."""
    rng = np.random.default_rng(1)
    a, b, q = (normal(rng, (3 * MOST_LANES + 1, 4, 4), dtype) for _ in range(3))
    x = solve(a, b, q, on_singular="warn")
    for order in (np.arange(len(a))[::-1], rng.permutation(len(a)), np.arange(5, 12)):
        moved = solve(a[order], b[order], q[order], on_singular="warn")
        assert np.array_equal(moved, x[order])


@solvers
@pytest.mark.parametrize("dtype", DTYPES)
def test_any_number_of_threads(solve, matrix, dtype):
    a, b, q = benign(np.random.default_rng(2), 1500, 3, 3, dtype * 3)
    assert_equal_for_any_threads(lambda: solve(a, b, q))


@solvers
def test_batches_broadcast_and_keep_their_layout(solve, matrix):
    rng = np.random.default_rng(3)
    a, b, _ = benign(rng, 15, 3, 2)
    a, b = a.reshape(5, 1, 3, 3, 3), b[:4].reshape(4, 1, 2, 2)
    q = np.asfortranarray(normal(rng, (3, 3, 2), "D"))
    x = solve(a[::-1], b[:, :, ::-1, ::-1], q)
    assert x.shape == (5, 4, 3, 3, 2)
    for i, j, k in np.ndindex(5, 4, 3):
        alone = solve(a[4 - i, 0, k], b[j, 0, ::-1, ::-1], q[k])
        assert norm(x[i, j, k] - alone) <= 100 * eps(x) * norm(alone)


# --- items that need more care -------------------------------------------------------------------


def with_item(arrays, index, **changed):
    """Copies of a, b and q in which one item is another equation."""
    copies = {name: array.copy() for name, array in zip("abq", arrays, strict=True)}
    for name, value in changed.items():
        copies[name][index] = value
    return tuple(copies.values())


@pytest.fixture
def batch():
    return benign(np.random.default_rng(4), 21, 3, 3)


@solvers
@pytest.mark.parametrize("index", [0, 10, 20])
def test_a_singular_item_is_named(batch, solve, matrix, index):
    b = np.zeros((3, 3)) if solve is ox.solve_sylvester else np.eye(3)
    changed = with_item(batch, index, a=np.diag([1.0, 2.0, 0.0]), b=b)
    with pytest.raises(LinAlgError, match=f"item {index}: the equation is singular to working"):
        solve(*changed)
    with pytest.warns(ox.IllConditionedWarning, match=f"item {index}: the equation is singular"):
        x, info = solve(*changed, on_singular="warn", return_info=True)
    others = np.arange(21) != index
    assert info.rcond[index] == 0
    assert np.array_equal(x[others], solve(*batch)[others])


@pytest.mark.parametrize("unknowns", [16, 20, 36])
def test_what_overflows_the_estimate_is_not_taken_for_well_conditioned(unknowns):
    """ε I + strictly upper ones: the largest singular value of the inverse is ε⁻ⁿ."""
    a = 1e-6 * np.eye(unknowns) + np.triu(np.ones((unknowns, unknowns)), 1)
    for shape in ((), (9,)):
        many = np.broadcast_to(a, (*shape, unknowns, unknowns))
        for solve, b in ((ox.solve_sylvester, 0.0), (ox.solve_axb, 1.0)):
            with pytest.raises(LinAlgError, match="singular to working precision"):
                solve(many, [[b]], np.ones((unknowns, 1)))


@solvers
def test_an_ill_conditioned_item_warns_once(batch, solve, matrix):
    zero = np.zeros((3, 3))
    nearly = np.diag([1, 1, 1e-14])
    changed = with_item(batch, 7, a=nearly, b=zero if solve is ox.solve_sylvester else np.eye(3))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solve(*changed)
    (warning,) = caught
    assert "item 7: the equation is ill-conditioned (rcond = 1.0e-14)" in str(warning.message)


@solvers
def test_an_item_whose_solution_overflows(batch, solve, matrix):
    scale = 1e-200
    b = scale * np.eye(3) if solve is ox.solve_sylvester else np.eye(3)
    changed = with_item(batch, 4, a=scale * np.eye(3), b=b, q=np.full((3, 3), 1e300))
    with pytest.raises(LinAlgError, match="item 4: the solution overflows float64"):
        solve(*changed)
    x, info = solve(*changed, return_info=True)
    assert 0 < info.scale[4] < 1
    assert np.isfinite(x).all()
    assert (np.delete(info.scale, 4) == 1).all()


@solvers
@pytest.mark.parametrize("name", ["a", "b", "q"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_item_with_nan_or_inf(batch, solve, matrix, name, value):
    spoilt = dict(zip("abq", batch, strict=True))[name][13].copy()
    spoilt[2, 1] = value
    changed = with_item(batch, 13, **{name: spoilt})
    argument = "c" if name == "q" and solve is ox.solve_axb else name
    with pytest.raises(ValueError, match=rf"^{argument} "):
        solve(*changed)
    x = solve(*changed, check_finite=False)
    assert np.isnan(x[13]).all()
    assert np.array_equal(np.delete(x, 13, 0), np.delete(solve(*batch), 13, 0))


@solvers
@pytest.mark.parametrize("dtype", DTYPES)
def test_badly_scaled_items(solve, matrix, dtype):
    """Powers of two change only exponents, even of neighbours that are as far apart as can be."""
    a, b, q = benign(np.random.default_rng(5), 24, 3, 4, dtype * 3)
    far = np.finfo(dtype).maxexp // 2 - 10
    a_powers = np.resize([0, far, -far, 7], 24)
    b_powers = a_powers if solve is ox.solve_sylvester else -a_powers // 2
    q_powers = np.resize([0, -far, far], 24)

    def scaled(t, powers):
        return t * (2.0 ** powers.astype(float)).astype(t.real.dtype)[:, None, None]

    x, info = solve(a, b, q, return_info=True)
    y, after = solve(
        scaled(a, a_powers), scaled(b, b_powers), scaled(q, q_powers), return_info=True
    )
    powers = q_powers - a_powers - (0 if solve is ox.solve_sylvester else b_powers)
    assert np.array_equal(y, scaled(x, powers))
    assert np.array_equal(after.rcond, info.rcond)
    assert np.array_equal(after.residual, info.residual)


def test_coefficients_of_any_two_sizes():
    """‖B‖/‖A‖ = 2⁻ᵏ: where one term vanishes beside the other, the equation is the other's."""
    rng = np.random.default_rng(6)
    a, b, q = benign(rng, 40, 3, 3)
    powers = np.linspace(0, -1070, 40).astype(int)
    x = ox.solve_sylvester(a, np.ldexp(b, powers[:, None, None]), q)
    assert np.allclose(x[-30:], np.linalg.solve(a, q)[-30:], rtol=1e-13)
    zero = ox.solve_sylvester(a, np.zeros((3, 3)), q)
    assert np.allclose(zero, np.linalg.solve(a, q), rtol=1e-13)


def test_subnormal_and_zero_right_hand_sides(batch):
    a, b, q = batch
    tiny = np.float64(2.0**-1074)
    x = ox.solve_sylvester(np.eye(2) * tiny, np.eye(2) * tiny, np.full((9, 2, 2), tiny))
    assert np.array_equal(x, np.full((9, 2, 2), 0.5))
    zero, info = ox.solve_sylvester(a, b, 0 * q, return_info=True)
    assert not zero.any()
    assert not info.residual.any()


def test_random_equations_are_solved_without_complaint():
    """Every item with rcond above 1e-10 is silent, and right."""
    rng = np.random.default_rng(7)
    a, b, q = (normal(rng, (20000, 3, 3)) for _ in range(3))
    a *= 10.0 ** rng.integers(-3, 4, (20000, 3, 1))
    x, info = ox.solve_sylvester(a, b, q, return_info=True, on_singular="warn")
    assert info.residual.max() <= 3 * eps(x)
    assert info.refinements.max() <= 1
    norms = [norm(t, axis=(-2, -1)) for t in (a, b, x, q, a @ x + x @ b - q)]
    assert (norms[4] <= 20 * eps(x) * ((norms[0] + norms[1]) * norms[2] + norms[3])).all()


# --- every set of kernels ------------------------------------------------------------------------


@pytest.mark.parametrize("kernels", [k for k in SETS if k != _core.kernels])
@pytest.mark.skipif("OTIMES_KERNEL" in os.environ, reason="a set has been chosen")
def test_laws_hold_in_every_set(kernels):
    if not runs_here(kernels):
        pytest.skip(f"this processor has no {kernels}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", Path(__file__)]
    done = subprocess.run(
        command, env=environment(kernels), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
