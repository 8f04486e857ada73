"""Many threads on shared objects, each result compared with that of one thread, bit by bit.

    python tests/stress.py --seconds 60 --threads 8

Rounds of two kinds take turns. In a race all threads start at once to make the first use of the
operators, factorizations and functions of one workload, so that what is made at first use is made
by several of them at the same time. In a crowd each thread makes the calls of workloads of its own
choice. Meanwhile another thread changes the number of threads that otimes computes with, and the
interpreter changes threads as often as it can. The workloads stand in workloads.py.
"""

import argparse
import contextlib
import functools
import random
import sys
import threading
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor

import otimes as ox
import workloads
from bits import digest
from workloads import WORKLOADS


@functools.cache
def expected(name):
    """The digest that a single thread finds."""
    return workloads.result_of(name)


@contextlib.contextmanager
def restless(most):
    """The number of threads changes all the time, and so does the thread that runs Python."""
    before, interval = ox.get_num_threads(), sys.getswitchinterval()
    stop = threading.Event()

    def change():
        while not stop.wait(0.001):
            ox.set_num_threads(random.randint(1, most))

    changing = threading.Thread(target=change)
    sys.setswitchinterval(1e-5)
    changing.start()
    try:
        yield
    finally:
        stop.set()
        changing.join()
        sys.setswitchinterval(interval)
        ox.set_num_threads(before)


def checked(name, call):
    """The text of a failure, or nothing."""
    try:
        found = digest(call())
    except Exception:
        return f"{name}: {traceback.format_exc()}"
    return "" if found == expected(name) else f"{name}: another result\n"


def together(calls):
    """The failures of (name, call) pairs, each in a thread of its own, all started at once."""
    barrier = threading.Barrier(len(calls))

    def run(named):
        barrier.wait()
        return checked(*named)

    with ThreadPoolExecutor(len(calls)) as pool:
        return [failure for failure in pool.map(run, calls) if failure]


def race(name, threads):
    """All threads make the same call, which is the first on its objects."""
    call = WORKLOADS[name]()
    return together([(name, call)] * threads)


def crowd(names, threads):
    """Each thread makes a call of its own, on objects that others use as well."""
    calls = [(name, WORKLOADS[name]()) for name in names]
    return together([calls[k % len(calls)] for k in range(threads)])


@contextlib.contextmanager
def unchanged_filters():
    """No warnings, and at the end the filters must be those of the beginning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = list(warnings.filters)
        yield
        assert warnings.filters == before, "the filters of warnings have changed"


def stress(names, threads, most=4, until=lambda: False):
    """Races over all these workloads and as many crowds: the calls made, and the failures."""
    calls, failures = 0, []
    with unchanged_filters():
        for name in names:
            expected(name)
        with restless(most):
            for name in names:
                if until():
                    break
                failures += race(name, threads)
                failures += crowd(random.choices(names, k=(threads + 1) // 2), threads)
                calls += 2 * threads
    return calls, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--only", help="workloads whose name contains this")
    options = parser.parse_args()
    names = [name for name in WORKLOADS if not options.only or options.only in name]
    with unchanged_filters():
        for name in names:
            expected(name)
    end = time.monotonic() + options.seconds
    calls, failures = 0, []
    while time.monotonic() < end:
        random.shuffle(names)
        more, failed = stress(names, options.threads, until=lambda: time.monotonic() > end)
        calls += more
        failures += failed
        print(*failed, sep="\n", end="", flush=True)
    print(f"{len(names)} workloads, {options.threads} threads: {calls} calls, ", end="")
    print(f"{len(failures)} failures")
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
