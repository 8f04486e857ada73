"""How long long-running calls go on after Ctrl-C.

    python tests/interrupts.py

prints the time from the signal to the `KeyboardInterrupt` for each call, each beside the time that
the whole call takes. A call that consists of one decomposition by LAPACK ends with it.
"""

import argparse
import functools
import operator
import signal
import time
import warnings

import numpy as np

import otimes as ox
from equation_zoo import EQUATIONS


def random(*shape, seed=0):
    return np.random.default_rng([*shape, seed]).standard_normal(shape)


def shifted(n, by=4.0, count=None):
    """Random matrices whose eigenvalues stay away from 0."""
    shape = (n, n) if count is None else (count, n, n)
    return random(*shape) + by * np.sqrt(n) * np.eye(n)


def sum_of_products(count, left, right):
    """A sum of Kronecker products with factors of these shapes."""
    terms = (ox.kron(random(*left, seed=k), random(*right, seed=k + 99)) for k in range(count))
    return functools.reduce(operator.add, terms)


#: name -> a function that makes the operands and returns the call, of several seconds
CALLS = {}


def long_call(name):
    def enter(make):
        CALLS[name] = make
        return make

    return enter


# --- products -------------------------------------------------------------------------------------


@long_call("K @ X, two large factors")
def _():
    K, X = ox.kron(random(1200, 1200), random(1200, 1200)), random(1_440_000, 16)
    return lambda: K @ X


@long_call("K @ X, ten small factors")
def _():
    terms = (ox.kron(*random(10, 4, 4, seed=k)) for k in range(20))
    K, X = functools.reduce(operator.add, terms), random(4**10, 8)
    return lambda: K @ X


@long_call("K @ X, sparse factors")
def _():
    from scipy import sparse

    A = sparse.random_array((1500, 1500), density=0.1, rng=0)
    K, X = ox.kron(A, A), random(1500 * 1500, 8)
    return lambda: K @ X


@long_call("kron_matmul")
def _():
    factors, X = [random(140, 140)] * 3, random(140**3, 16)
    return lambda: ox.kron_matmul(factors, X)


@long_call("toarray of a sum")
def _():
    K = sum_of_products(80, (70, 70), (70, 70))
    return lambda: K.toarray()


@long_call("x @ J.T of a long program")
def _():
    A, V = random(120, 120) / 20, random(14400, 200)
    J = ox.jacobian(lambda X: X @ X @ A @ X @ X @ A @ X @ X, A)
    return lambda: J.T @ V


# --- equations ------------------------------------------------------------------------------------

#: Sizes at which one equation takes seconds, where 700 is not such a size.
SIZES = {"axb": 2500, "axb_cxtd": 350, "axb_cxhd": 350}


def one(equation):
    n = SIZES.get(equation.name, 700)
    operands = equation.operands(np.random.default_rng(0), n, n)
    return lambda: equation.solve(*operands)


def many(equation):
    rng = np.random.default_rng(0)
    *coefficients, q = equation.operands(rng, 40, 40)
    return lambda: equation.solve(*coefficients, np.broadcast_to(q, (6000, 40, 40)))


for equation in EQUATIONS:
    long_call(f"{equation}")(functools.partial(one, equation))
    long_call(f"{equation}, batch")(functools.partial(many, equation))


@long_call("factor.solve, batch")
def _():
    factor, Q = ox.sylvester_factor(shifted(300), shifted(300)), random(200, 300, 300)
    return lambda: factor.solve(Q)


@long_call("solve_coupled_sylvester")
def _():
    a, d, c, f = (shifted(350) for _ in range(4))
    b, e = -shifted(350, 9), -shifted(350, 12)
    return lambda: ox.solve_coupled_sylvester(a, b, c, d, e, f)


@long_call("solve_continuous_are")
def _():
    n = 500
    a, b, q, r = random(n, n), random(n, 30), np.eye(n), np.eye(30)
    return lambda: ox.solve_continuous_are(a, b, q, r)


@long_call("solve_discrete_are")
def _():
    n = 600
    a, b, q, r = random(n, n), random(n, 30), np.eye(n), np.eye(30)
    return lambda: ox.solve_discrete_are(a, b, q, r)


@long_call("Riccati equations, batch")
def _():
    a, b = random(4000, 20, 20), random(4000, 20, 3)
    return lambda: ox.solve_continuous_are(a, b, np.eye(20), np.eye(3))


@long_call("solve_lyapunov_factor")
def _():
    a, b = random(900, 900) - 40 * np.eye(900), random(900, 9)
    return lambda: ox.solve_lyapunov_factor(a, b)


@long_call("lstsq_axb")
def _():
    a, b, q = random(1500, 900), random(900, 1500), random(1500, 1500)
    return lambda: ox.lstsq_axb(a, b, q)


@long_call("lstsq_axb, batch")
def _():
    a, b, q = random(6000, 30, 20), random(20, 30), random(30, 30)
    return lambda: ox.lstsq_axb(a, b, q)


# --- operators' equations -------------------------------------------------------------------------


@long_call("K.solve, many columns")
def _():
    K, B = ox.kron(shifted(400), shifted(400)), random(160_000, 60)
    factors = K.factorize()
    return lambda: factors.solve(B)


@long_call("a sum by its eigenvectors")
def _():
    K, b = ox.kronecker_sum(*(shifted(130, by) for by in (3, 4, 5))), random(130**3)
    factors = K.factorize()
    return lambda: [factors.solve(b) for _ in range(100)]


@long_call("GMRES")
def _():
    K = sum_of_products(9, (80, 80), (80, 80))
    return lambda: ox.solve(K, random(6400), method="gmres", maxiter=6000)


@long_call("LSMR")
def _():
    K = sum_of_products(9, (90, 60), (80, 60))
    return lambda: ox.solve(K, random(7200), on_singular="lstsq", maxiter=20_000, tol=1e-14)


# --- functions of matrices and derivatives --------------------------------------------------------


@long_call("expm")
def _():
    A = random(1800, 1800)
    return lambda: ox.expm(A)


@long_call("expm, batch")
def _():
    A = random(20_000, 30, 30)
    return lambda: ox.expm(A)


@long_call("logm")
def _():
    A = shifted(500)
    return lambda: ox.logm(A)


@long_call("sqrtm")
def _():
    A = shifted(900)
    return lambda: ox.sqrtm(A)


@long_call("root")
def _():
    A = shifted(250)
    return lambda: ox.root(lambda X: X @ X - A, np.eye(250))


@long_call("jacobian, a function with a loop")
def _():
    A = random(30, 30) / 9

    def f(X):
        for _ in range(20_000):
            X = A @ X
        return X

    return lambda: ox.jacobian(f, A) @ A.ravel()


@long_call("J.toarray()")
def _():
    A = random(70, 70) / 9
    J = ox.jacobian(lambda X: ox.expm(X) @ X @ np.exp(X) @ X, A)
    return lambda: J.toarray()


@long_call("hessian(f, X).toarray()")
def _():
    A = random(45, 45) / 9
    return lambda: ox.hessian(lambda X: np.trace(ox.expm(X @ X)) * np.trace(X), A).toarray()


@long_call("check_jacobian")
def _():
    A = random(60, 60) / 9
    return lambda: [ox.check_jacobian(ox.expm, A) for _ in range(50)]


# --- measurements ---------------------------------------------------------------------------------


def seconds_to_stop(call, delay):
    """How long a call goes on after a signal that comes so many seconds after its beginning.

    A negative number where the call has ended before the signal.
    """
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    start = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, delay)
        call()
        signal.setitimer(signal.ITIMER_REAL, 0)
        return start - time.monotonic()
    except KeyboardInterrupt:
        return time.monotonic() - start - delay
    finally:
        signal.signal(signal.SIGALRM, before)


def measure(name, delay=0.3, whole=False):
    """(seconds to stop, seconds of the whole call or NaN)."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        call = CALLS[name]()
        stopping = seconds_to_stop(call, delay)
        return stopping, -seconds_to_stop(call, 1000) if whole else np.nan


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="calls whose name contains this")
    parser.add_argument("--whole", action="store_true", help="let each call end, too")
    parser.add_argument("--delay", type=float, default=0.3, help="seconds before the signal")
    options = parser.parse_args()
    for name in CALLS:
        if not options.only or options.only in name:
            stopping, whole = measure(name, options.delay, options.whole)
            print(f"{name:50}{stopping:8.2f} s of{whole:8.2f} s", flush=True)


if __name__ == "__main__":
    main()
