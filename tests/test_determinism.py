"""Equal inputs give equal bits: again, in other processes, with any number of threads."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import otimes as ox
import workloads
from bits import digest


@pytest.mark.parametrize("name", workloads.WORKLOADS)
def test_equal_bits_for_any_number_of_threads(name):
    """Made anew each time; their sizes are below those at which BLAS takes several threads."""
    threads = ox.get_num_threads()
    try:
        found = set()
        for count in (1, 2, 2, 3):
            ox.set_num_threads(count)
            found.add(workloads.result_of(name))
    finally:
        ox.set_num_threads(threads)
    assert len(found) == 1


def digests_elsewhere(hash_seed):
    """The digests of all workloads in a fresh interpreter, which is started here."""
    code = "import json, workloads; print(json.dumps(workloads.digests()))"
    path = os.pathsep.join([os.path.dirname(workloads.__file__), *sys.path])
    env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path, "OTIMES_NUM_THREADS": "2"}
    return subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE)


def test_equal_bits_in_separate_processes():
    """With other hashes of strings, so that the order of sets differs."""
    processes = [digests_elsewhere(seed) for seed in ("1", "2")]
    first, second = (json.loads(p.communicate(timeout=120)[0]) for p in processes)
    assert [p.returncode for p in processes] == [0, 0]
    assert first == second == {**first, **workloads.digests()}


def test_large_decompositions_with_one_number_of_threads():
    """BLAS's own threads take part: equal bits for equal numbers of threads, of a lone caller."""
    A, B, Q = np.random.default_rng(0).standard_normal((3, 300, 300)) + 40 * np.eye(300)
    K, b = ox.kron(A, np.eye(2)), Q[:2].ravel()
    threads = ox.get_num_threads()
    try:
        ox.set_num_threads(2)
        found = {digest((ox.solve_axb(A, B, Q), ox.solve(K, b))) for _ in range(5)}
    finally:
        ox.set_num_threads(threads)
    assert len(found) == 1
