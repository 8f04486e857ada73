"""A user's program: mypy --strict has to accept it and to know the types that it asserts."""

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import otimes as ox

Matrix = NDArray[np.float64]
Array = NDArray[Any]

rng = np.random.default_rng(0)
A: Matrix = rng.standard_normal((3, 3)) + 5 * np.eye(3)
B: Matrix = rng.standard_normal((3, 3)) + 5 * np.eye(3)
Q: Matrix = rng.standard_normal((3, 3))


def cube(X: Array) -> Array:
    """X³."""
    return X @ X @ X


# vec
assert_type(ox.vec(A), Array)
assert_type(ox.unvec(ox.vec(A), (3, 3)), Array)
assert_type(ox.unvech(ox.vech(A)), Array)

# operators: of operators operators, of arrays arrays
op = ox.kronecker_sum(A, B)
x = ox.vec(Q)
assert_type(op @ x, Array)
assert_type(op.shape, tuple[int, int])
assert_type(op.toarray(), Array)
assert_type(op.solve(x), Array)
assert_type(ox.kron_matmul([A, B], x), Array)
assert_type(ox.kron(op, B) @ np.ones(27), Array)
assert_type((op.T @ op.H).inv() @ x, Array)
assert_type(ox.get_num_threads(), int)

# equations: return_info decides what is returned
X = ox.solve_sylvester(A, B, Q)
assert_type(X, Array)
solution, info = ox.solve_sylvester(A, B, Q, return_info=True)
assert_type(solution, Array)
assert_type(info, ox.SolveInfo)
assert_type(info.method, str)
assert_type(info.residual, float)
assert_type(ox.sylvester_factor(A, B).solve(Q), Array)
assert_type(ox.select_method(op), str)

# calculus
assert_type(ox.check_jacobian(cube, A), float)
value, pullback = ox.vjp(cube, A)
gradients: tuple[Array, ...] = pullback(Q)
found = ox.root(lambda X: cube(X) - B, A)
assert_type(found, ox.RootResult)
assert_type(found.success, bool)

# what it offers fits where a type is asked for
solvers: list[Callable[..., Array]] = [ox.solve_sylvester, ox.solve_stein]
assert len(gradients) == len(solvers) - 1 == 1
