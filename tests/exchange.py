"""Objects that are sent to worker processes and back, with the pool of threads at work."""

import contextlib
import functools
import multiprocessing
import operator
import threading

import numpy as np

import functions
import otimes as ox
import workloads
from bits import digest, digest_and_call
from equation_zoo import EQUATIONS
from zoo import ZOO


def operand(op):
    return workloads.random(op.shape[1], 2)


def calls():
    """Calls that refer to shared objects: pickling one sends the object."""
    for animal in ZOO:
        yield functools.partial(operator.matmul, animal.op, operand(animal.op))
    for f in functions.CASES.values():
        J = ox.jacobian(f, functions.POINT)
        yield functools.partial(operator.matmul, J, operand(J))
        yield functools.partial(operator.matmul, J.T, operand(J.T))
    for equation in EQUATIONS:
        *coefficients, q = equation.operands(np.random.default_rng(0), 7, 6)
        op = ox.jacobian(functools.partial(equation.left, *coefficients), np.zeros(q.shape))
        yield functools.partial(op.factorize().solve, q.ravel(), "T")
        yield functools.partial(operator.matmul, op.inv(), q.ravel())
    A, B, Q = workloads.random(3, 20, 20) + 9 * np.eye(20)
    yield functools.partial(ox.sylvester_factor(A, B).solve, Q)
    yield functools.partial(ox.kron(A, B).factorize().solve, Q.ravel())
    yield functools.partial(operator.matmul, ox.kron(*workloads.random(2, 70, 70)), np.ones(4900))


@contextlib.contextmanager
def computing():
    """The pool is at work in another thread."""
    K, X = ox.kron(*workloads.random(6, 4, 4)), workloads.random(4096, 33)
    stop, started = threading.Event(), threading.Event()

    def compute():
        while not stop.is_set():
            K @ X
            started.set()

    threads, thread = ox.get_num_threads(), threading.Thread(target=compute)
    ox.set_num_threads(3)
    thread.start()
    started.wait()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        ox.set_num_threads(threads)


def differences(method):
    """The calls that gave other bits in a worker, or here with what a worker sent back."""
    given = list(calls())
    expected = [digest(call()) for call in given]
    with contextlib.ExitStack() as stack:
        with computing():
            pool = stack.enter_context(multiprocessing.get_context(method).Pool(2))
        found = pool.map_async(digest_and_call, given, chunksize=8).get(timeout=100)
    returned = [(there, digest(call())) for there, call in found]
    return [
        str(call)
        for call, here, others in zip(given, expected, returned, strict=True)
        if others != (here, here)
    ]
