"""Memory: calls leave none behind, and where there is not enough, MemoryError."""

import subprocess
import sys
import textwrap

import pytest

from interpreter import PATH, run_python

pytestmark = [
    pytest.mark.memory,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, limits the address space"),
]


def growth(preparation=""):
    """That of 22,000 calls in an interpreter of its own: this one's heap has room for leaks."""
    code = f"import leaks\n{preparation}\nprint(leaks.growth(22_000))"
    return int(run_python(code, PYTHONPATH=PATH))


def test_calls_leave_no_memory_behind():
    """22,000 calls within 1 MiB: 48 bytes a call, less than the smallest array."""
    assert growth() < 1 << 20


def test_a_leak_is_noticed():
    planted = "kept = []; leaks.CALLS = {'leak': lambda: kept.append(bytearray(100))}"
    assert growth(planted) > 1 << 20


def test_threads_leave_no_memory_behind():
    """Each has workspaces of its own for as long as it lives: 2 MB in these products."""
    code = """
        import threading
        import numpy as np, otimes as ox
        ox.set_num_threads(1)
        K, x = ox.kron(*[np.ones((64, 64))] * 3), np.ones(64**3)
        def threads(count):
            for _ in range(count):
                thread = threading.Thread(target=K.__matmul__, args=(x,))
                thread.start()
                thread.join()
        resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
        threads(20)
        before = resident()
        threads(100)
        print(resident() - before)
    """
    assert int(run_python(code)) < 20 << 20


def test_an_operand_that_cannot_be_copied_is_an_error():
    """Of no memory itself, its strides being zero; the plan of the product is there already."""
    code = """
        import numpy as np, otimes as ox
        K = ox.kron(np.eye(2), np.eye(2))
        K @ np.ones(4)
        try:
            K @ np.broadcast_to(np.ones((4, 1)), (4, 10**13))
        except MemoryError:
            print("MemoryError")
    """
    assert run_python(code).strip() == "MemoryError"


#: What needs more than is there; n is such that the operands fit and results or workspaces do not.
NEEDY = {
    "a product": "ox.kron(np.ones((2000, 2000)), np.ones((2000, 1))) @ np.ones((2000, 60))",
    "kron_matmul": "ox.kron_matmul([np.ones((900, 9))] * 2, np.ones((81, 40)))",
    "vec of a large matrix": "ox.duplication_matrix(9000) @ np.ones(9000 * 9001 // 2)",
    "an equation": "ox.solve_sylvester(a, a, a)",
    "a factorization": "ox.sylvester_factor(a, a)",
    "least squares": "ox.lstsq_axb(a, a, a)",
    "a Riccati equation": "ox.solve_continuous_are(a, a, np.eye(n), np.eye(n))",
    "a batch": "ox.solve_axb(np.eye(3), np.eye(3), np.ones((2_000_000, 3, 3)))",
    "expm": "ox.expm(a)",
    "a Jacobian": "ox.jacobian(lambda X: X @ X @ X, a) @ np.ones((n * n, 20))",
    "a dense Jacobian": "ox.jacobian(lambda X: X @ X, a).toarray()",
}


@pytest.mark.parametrize("name", NEEDY)
def test_too_little_memory_is_an_error(name):
    """MemoryError, and the process goes on: under a limit 40 MB above what it has."""
    code = f"""
        import resource
        import numpy as np, otimes as ox
        ox.set_num_threads(2)
        n = 900
        a = np.eye(n) * 2 + np.eye(n, k=1)
        small = np.eye(80) + 1
        expected = ox.solve_sylvester(small, small, small)
        some = a[:300, :300]
        for _ in range(3):  # OpenBLAS ends a process in which it finds no room for its buffers
            ox.lstsq_axb(some, some, some), ox.solve_axb(some, some, some), some @ some
        pages = int(open("/proc/self/statm").read().split()[0])
        limit = pages * resource.getpagesize() + 40 * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        try:
            {NEEDY[name]}
            print("enough memory", end=" ")
        except MemoryError:
            print("MemoryError", end=" ")
        print((ox.solve_sylvester(small, small, small) == expected).all())
    """
    run = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["MemoryError", "True"]
