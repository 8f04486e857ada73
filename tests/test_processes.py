"""Processes: operators, factorizations and Jacobians sent to others compute the same there.

The pool of threads is at work in the parent before any process is started, and while it is.
"""

import multiprocessing
import os

import pytest

from interpreter import PATH, run_python


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_shared_objects_are_sent_to_workers_and_back(method):
    """From an interpreter of its own: not everything in this one may be forked."""
    code = f"""
        import exchange
        if __name__ == "__main__":
            print(exchange.differences({method!r}))
    """
    assert run_python(code, PYTHONPATH=PATH).strip() == "[]"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork():
    """A child of fork has none of the pool's threads and starts its own."""
    code = """
        import os, sys, warnings
        import numpy as np, otimes as ox
        warnings.simplefilter("ignore", DeprecationWarning)
        ox.set_num_threads(3)
        K = ox.kron(*[np.arange(16.0).reshape(4, 4)] * 5)
        x = np.ones((1024, 64))
        expected = K @ x
        pid = os.fork()
        same = np.array_equal(K @ x, expected) and ox.get_num_threads() == 3
        if pid == 0:
            os._exit(0 if same else 1)
        print(same, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    assert run_python(code).split() == ["True", "0"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_many_forks_while_other_threads_compute():
    """No child waits for a lock that a thread of its parent held, or for one of its threads."""
    code = """
        import os, threading, warnings
        import numpy as np, otimes as ox
        warnings.simplefilter("ignore", DeprecationWarning)
        ox.set_num_threads(3)
        rng = np.random.default_rng(0)
        K, x = ox.kron(*rng.standard_normal((6, 4, 4))), rng.standard_normal((4096, 33))
        A, B, Q = rng.standard_normal((3, 60, 60)) + 30 * np.eye(60)
        product, solution = K @ x, ox.solve_sylvester(A, B, Q)
        stop = threading.Event()

        def same():
            return np.array_equal(K @ x, product) and np.array_equal(
                ox.solve_sylvester(A, B, Q), solution
            )

        def compute():
            while not stop.is_set():
                assert same()

        threads = [threading.Thread(target=compute) for _ in range(2)]
        for thread in threads:
            thread.start()
        codes = []
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                os._exit(0 if same() and ox.get_num_threads() == 3 else 1)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        stop.set()
        print(set(codes), same())
    """
    assert run_python(code).strip() == "{0} True"


def test_first_use_of_the_package_by_many_threads():
    """Imports included: of otimes, of SciPy and of Dask where they are first needed."""
    code = """
        import sys, threading
        import numpy as np
        sys.setswitchinterval(1e-5)
        barrier, failures = threading.Barrier(8), []

        def use(k):
            try:
                barrier.wait()
                import otimes as ox
                A = np.eye(3) + np.arange(9.0).reshape(3, 3)
                K = ox.kron(A, A)
                assert K.tocsr().shape == (9, 9)
                assert np.allclose(K.solve(K @ np.ones(9)), 1)
                assert np.allclose(ox.jacobian(lambda X: X @ X, A)(A), 2 * A @ A)
                from dask import array
                assert np.allclose((K @ array.ones(9, chunks=3)).compute(), K @ np.ones(9))
            except BaseException as failure:
                failures.append(repr(failure))

        threads = [threading.Thread(target=use, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(failures)
    """
    assert run_python(code).strip() == "[]"
