"""Ctrl-C in the midst of long calls: each ends soon, and the library works afterwards."""

import json
import sys

import pytest

import interrupts
from interpreter import run_python

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
    pytest.mark.usefixtures("without_coverage"),
]

#: One of each kind; `python tests/interrupts.py` takes all.
LONE = [
    "K @ X, two large factors",
    "K @ X, sparse factors",
    "kron_matmul",
    "toarray of a sum",
    "sylvester",
    "solve_coupled_sylvester",
    "solve_continuous_are",
    "lstsq_axb",
    "a sum by its eigenvectors",
    "GMRES",
    "LSMR",
    "root",
    "jacobian, a function with a loop",
    "J.toarray()",
    "check_jacobian",
]
BATCHES = [name for name in interrupts.CALLS if "batch" in name]


@pytest.mark.parametrize("names", [LONE, BATCHES], ids=["lone", "batches"])
def test_long_calls_stop(names):
    """In a process of its own, since coverage's tracer can lose a signal."""
    code = f"""
        import json, sys
        sys.path[:0] = {sys.path}
        import interrupts
        found = dict((name, interrupts.measure(name, 0.1)[0]) for name in {names})
        print(json.dumps(found))
    """
    found = json.loads(run_python(code))
    assert list(found) == names
    assert {name: s for name, s in found.items() if not 0 <= s < 8} == {}


def test_the_library_works_afterwards():
    """An interrupt is honoured between the steps of a product."""
    code = """
        import signal, time
        import numpy as np, otimes as ox
        K = ox.kron(*[np.eye(4)] * 9)
        x = np.ones((4**9, 16))
        big = K + 2 * ox.kron(*[np.ones((4, 4))] * 9) + 3 * ox.kron(*[np.tri(4)] * 9)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        start = time.monotonic()
        try:
            while time.monotonic() - start < 30:
                big @ x
            print("not interrupted")
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - start < 10, (K @ x).sum() == x.sum())
    """
    assert run_python(code).split() == ["interrupted", "True", "True"]


def test_ctrl_c_stops_a_batch_of_equations():
    """Between its items, and not after the last of them."""
    code = """
        import signal, time
        import numpy as np, otimes as ox
        A, B, Q = np.random.default_rng(0).standard_normal((3, 400, 120, 120))
        start = time.monotonic()
        ox.solve_sylvester(A[:20], B[:20], Q[:20])
        all_of_them = 20 * (time.monotonic() - start)
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, all_of_them / 20)
        start = time.monotonic()
        try:
            ox.solve_sylvester(A, B, Q)
            print("not interrupted")
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - start < all_of_them / 2)
    """
    assert run_python(code).split() == ["interrupted", "True"]


def test_a_handler_may_compute():
    """It runs between two blocks of a product, which keeps its workspace to itself."""
    code = """
        import signal
        import numpy as np, otimes as ox
        ox.set_num_threads(1)
        rng = np.random.default_rng(0)
        large, small = (ox.kron(*rng.standard_normal((3, n, n))) for n in (64, 12))
        x, v = rng.standard_normal((64**3, 8)), rng.standard_normal((12**3, 40))
        expected, known = large @ x, small @ v
        handled = []
        def handler(*_):
            handled.append((small @ v == known).all())
            signal.setitimer(signal.ITIMER_REAL, 0.01)  # not within this one
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        right = all((large @ x == expected).all() for _ in range(5))
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(right, len(handled) > 1, all(handled))
    """
    assert run_python(code).split() == ["True"] * 3
