"""Work that the tests of threads, processes and repetition share.

An entry of WORKLOADS makes its operands and operators anew, with nothing cached in them, and
returns a call. Any number of threads may make the call
at once, in any process, with any number of threads: the bits are the same.
"""

import functools
import pickle
import warnings

import numpy as np

import functions
import otimes as ox
from bits import digest
from equation_zoo import EQUATIONS
from otimes import _equations
from zoo import ZOO


def fresh(shared):
    """A copy of an operator or of a factorization with nothing cached in it."""
    return pickle.loads(pickle.dumps(shared))


def random(*shape, seed=0):
    return np.random.default_rng([*shape, seed]).standard_normal(shape)


WORKLOADS = {}


def workload(name):
    """Enter a function of no arguments that makes a call."""

    def enter(make):
        assert name not in WORKLOADS
        WORKLOADS[name] = make
        return make

    return enter


# --- operators ------------------------------------------------------------------------------------


def products(op):
    """What a shared operator is used for; the first use compiles its product and transpose."""
    op = fresh(op)
    x, y = random(op.shape[1], 3), random(2, op.shape[0])
    return lambda: (op @ x, y @ op, op.H @ y.T, op @ x[:, 0], op.toarray(), str(op))


for animal in ZOO:
    workload(f"operator {animal.name}")(functools.partial(products, animal.op))


@workload("many factors on the pool")
def _():
    K, X = ox.kron(*random(6, 4, 4)), random(4096, 33)
    return lambda: K @ X


@workload("large factors on the pool")
def _():
    K, X = ox.kron(*random(2, 70, 70)), random(4900, 20)
    return lambda: (K @ X, K.T @ X[:, 0])


@workload("a long permutation")
def _():
    S, x = ox.commutation_matrix(701, 403), random(701 * 403)
    return lambda: S @ x


@workload("kron_matmul, kron_rmatmul")
def _():
    factors, x = list(random(3, 5, 6)), random(216, 7)
    return lambda: (ox.kron_matmul(factors, x), ox.kron_rmatmul(x.T[:, :125], factors))


@workload("nearest_kronecker")
def _():
    A = random(12, 20)
    return lambda: ox.nearest_kronecker(A, (3, 4), (4, 5), rank=2)


# --- equations ------------------------------------------------------------------------------------


def solutions(equation, m, n, dtype):
    operands = equation.operands(np.random.default_rng(m), m, n, dtype)
    return lambda: equation.solve(*operands, return_info=True)


def factored(equation, m, n):
    """The operator of an equation and its factorization, both shared."""
    *coefficients, q = equation.operands(np.random.default_rng(m), m, n)
    op = fresh(ox.jacobian(lambda x: equation.left(*coefficients, x), np.zeros(q.shape)))
    factors = op.factorize()
    b = q.ravel(order="F")
    return lambda: (factors.solve(b), factors.solve(b, "T"), op.solve(b), op.inv() @ b, op.T @ b)


for equation in EQUATIONS:
    for size in [(4, 3), (19, 23), (70, 50)]:
        for dtype in ("float64", "complex64"):
            make = functools.partial(solutions, equation, *size, dtype)
            workload(f"{equation} {size} {dtype}")(make)
    workload(f"{equation} factored")(functools.partial(factored, equation, 9, 8))
    workload(f"{equation} factored, large")(functools.partial(factored, equation, 40, 35))


def batched(equation):
    rng = np.random.default_rng(5)
    items = [equation.operands(rng, 6, 5) for _ in range(12)]
    operands = [np.stack(group) for group in zip(*items, strict=True)]
    return lambda: equation.solve(*operands)


for equation in EQUATIONS:
    workload(f"{equation} in a batch")(functools.partial(batched, equation))


@workload("EquationFactor of many dtypes")
def _():
    """It keeps one factorization in a wider dtype, which the next may replace."""
    factor = ox.sylvester_factor(*(random(2, 8, 8) + 9 * np.eye(8)).astype("f"))
    q = random(8, 8)
    return lambda: [factor.solve(q.astype(d), t) for d in "fdFD" for t in "NTH"]


@workload("EquationFactor over the reals")
def _():
    """That of A X + Xᴴ B = Q: a complex Q takes decompositions of its own."""
    a, b = random(2, 8, 8) + np.multiply.outer([9, 20], np.eye(8))
    factor = _equations.HSYLVESTER.factor("test", (a, b), True, "raise")
    q = random(8, 8)
    return lambda: [factor.solve(q.astype(d)) for d in "dDd"]


@workload("solve_coupled_sylvester")
def _():
    a, d, c, f = random(4, 12, 12) + 10 * np.eye(12)
    b, e = random(2, 12, 12) - 9 * np.eye(12)
    return lambda: ox.solve_coupled_sylvester(a, b, c, d, e, f)


@workload("Riccati equations")
def _():
    a, b, q = random(20, 20), random(20, 3), np.eye(20)
    r = np.eye(3)
    return lambda: (ox.solve_continuous_are(a, b, q, r), ox.solve_discrete_are(a, b, q, r))


@workload("solve_lyapunov_factor")
def _():
    a, b = random(30, 30) - 12 * np.eye(30), random(30, 2)
    return lambda: ox.solve_lyapunov_factor(a, b)


@workload("least squares")
def _():
    a, b, q = random(9, 6), random(5, 7), random(9, 7)
    K, rhs = ox.kron(a, b.T) + ox.kron(a[::-1], b.T), random(63)
    return lambda: (ox.lstsq_axb(a, b, q), ox.solve(K, rhs, on_singular="lstsq"))


@workload("iterations with a shared preconditioner")
def _():
    K = fresh(sum(ox.kron(*random(2, 9, 9, seed=k) / 9 + 4 * np.eye(9)) for k in range(4)))
    x = random(81)
    return lambda: (ox.solve(K, x, method="gmres", return_info=True), K.inv() @ x)


@workload("a sum with a spectral decomposition")
def _():
    """Its triangles are kept by dtype and direction when they are first asked for."""
    factors = (ox.kronecker_sum(*random(3, 4, 4) + 9 * np.eye(4))).factorize()
    x = random(64)
    return lambda: [factors.solve(x.astype(d), t) for d in "fdD" for t in "NTH"]


# --- functions of matrices ------------------------------------------------------------------------


@workload("expm, logm, sqrtm")
def _():
    A = random(30, 30) / 20 + 2 * np.eye(30)
    B = random(7, 5, 5) / 9 + np.eye(5)
    return lambda: [f(x) for f in (ox.expm, ox.logm, ox.sqrtm) for x in (A, B, A.astype("F"))]


# --- derivatives ----------------------------------------------------------------------------------


def shared_jacobian(f):
    """One Jacobian, whose program is lowered at its first use."""
    J = fresh(ox.jacobian(f, functions.POINT))
    v, w = random(9), random(J.shape[0])
    return lambda: (J @ v, J.T @ w, J, J.H @ w)


def derivatives(f):
    """Traced by every thread for itself."""
    X = functions.POINT

    def total(x):
        return np.sum(f(x) * 1.0)

    return lambda: (
        *(ox.jacobian(f, X), ox.jvp(f, (X,), (X.T,)), ox.gradient(total, X)),
        ox.hessian(total, X) @ X.ravel(),
    )


for name, function in functions.CASES.items():
    workload(f"Jacobian of {name}")(functools.partial(shared_jacobian, function))
    workload(f"derivatives of {name}")(functools.partial(derivatives, function))


@workload("root")
def _():
    A = random(8, 8) / 9 + 4 * np.eye(8)
    return lambda: [
        (r.x, r.residuals, r.method)
        for r in (ox.root(lambda X: X @ X - A, np.eye(8)), ox.root(lambda X: X @ A @ X - X - A, A))
    ]


@workload("root with singular steps")
def _():
    """Its steps have bad conditions, of which no one is warned."""
    A = np.diag([4.0, 0.0])
    return lambda: ox.root(lambda X: X @ X - A, np.eye(2), maxiter=8).residuals


@workload("derivatives of expm and of solutions")
def _():
    A, B, Q = random(3, 6, 6) + 9 * np.eye(6)

    def f(X):
        return ox.expm(X / 9) @ ox.solve_sylvester(X, B, Q)

    return lambda: (ox.jacobian(f, A).toarray(), ox.vjp(f, A)[1](Q))


def result_of(name):
    """The digest of a workload, made anew."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return digest(WORKLOADS[name]()())


def digests():
    """All of them."""
    return {name: result_of(name) for name in WORKLOADS}
