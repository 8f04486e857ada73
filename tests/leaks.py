"""Calls of cheap functions, errors among them, by the hundred thousand: memory must stay flat.

python tests/leaks.py --calls 1000000
"""

import argparse
import contextlib
import gc
import warnings

import numpy as np

import otimes as ox

A, B, Q = np.random.default_rng(0).standard_normal((3, 3, 3)) + 9 * np.eye(3)
K, FACTOR, S = ox.kron(A, B), ox.sylvester_factor(A, B), ox.commutation_matrix(3, 3)
BAD, WRONG = np.full((3, 3), np.nan), np.ones((2, 3))
OBJECTS = np.full((3, 3), None)

#: name -> a call, which may raise what it documents
CALLS = {
    "vec": lambda: ox.vec(A),
    "vech": lambda: ox.vech(A),
    "unvech of a wrong length": lambda: ox.unvech(np.ones(4)),
    "kron": lambda: ox.kron(A, B),
    "kron @ x": lambda: K @ A.ravel(),
    "kron @ x of a wrong shape": lambda: K @ WRONG,
    "kron_matmul": lambda: ox.kron_matmul([A, B], A.ravel()),
    "kron_matmul of objects": lambda: ox.kron_matmul([A, OBJECTS], A.ravel()),
    "selection": lambda: S @ A.ravel(),
    "solve_sylvester": lambda: ox.solve_sylvester(A, B, Q),
    "solve_sylvester, NaN": lambda: ox.solve_sylvester(A, BAD, Q),
    "solve_sylvester, singular": lambda: ox.solve_sylvester(A, -A, Q),
    "solve_sylvester, wrong shape": lambda: ox.solve_sylvester(A, B, WRONG),
    "solve_axb in float32": lambda: ox.solve_axb(A.astype("f"), B.astype("f"), Q.astype("f")),
    "factor.solve": lambda: FACTOR.solve(Q, "H"),
    "sylvester_factor": lambda: ox.sylvester_factor(A, B),
    "solve_continuous_are": lambda: ox.solve_continuous_are(A, B, np.eye(3), np.eye(3)),
    "solve_continuous_are of None": lambda: ox.solve_continuous_are(A, None, Q, Q),
    "expm": lambda: ox.expm(A / 9),
    "lstsq_axb": lambda: ox.lstsq_axb(WRONG, B, np.ones((2, 3))),
    "jvp": lambda: ox.jvp(lambda X: X @ X, (A,), (B,)),
    "jacobian of what cannot be traced": lambda: ox.jacobian(np.nansum, A),
}


def repeat(call, times):
    for _ in range(times):
        with contextlib.suppress(ValueError, TypeError, NotImplementedError):
            call()


def resident():
    """The memory that the process has now, in bytes."""
    gc.collect()
    with open("/proc/self/status", encoding="ascii") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def growth(calls):
    """By how many bytes the process grows in so many calls, after a tenth as many."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each = max(1, calls // len(CALLS))
        for call in CALLS.values():
            repeat(call, max(300, each // 10))
        before = resident()
        for call in CALLS.values():
            repeat(call, each)
        return resident() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=100_000)
    calls = parser.parse_args().calls
    grown = growth(calls)
    print(f"{calls} calls: {grown} bytes, {grown / calls:.3f} bytes a call")


if __name__ == "__main__":
    main()
