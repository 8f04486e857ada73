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
from interpreter import PATH, run_python

pytestmark = pytest.mark.usefixtures("restore_threads")


@pytest.mark.parametrize("name", workloads.WORKLOADS)
def test_equal_bits_for_any_number_of_threads(name):
    """Made anew each time; their sizes are below those at which BLAS takes several threads."""
    found = set()
    for count in (1, 2, 2, 3):
        ox.set_num_threads(count)
        found.add(workloads.result_of(name))
    assert len(found) == 1


def digests_elsewhere(hash_seed):
    """The digests of all workloads in a fresh interpreter, which is started here."""
    code = "import json, workloads; print(json.dumps(workloads.digests()))"
    env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": PATH, "OTIMES_NUM_THREADS": "2"}
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
    ox.set_num_threads(2)
    found = {digest((ox.solve_axb(A, B, Q), ox.solve(K, b))) for _ in range(5)}
    assert len(found) == 1


def test_the_first_of_several_singular_items_is_named():
    """Whichever thread comes to which of them first."""
    A, B, Q = np.random.default_rng(0).standard_normal((3, 3008, 12, 12)) + 40 * np.eye(12)
    A[[46, 47, 1000, 3007]] = 0
    for count in (1, 2, 3, 2, 2):
        ox.set_num_threads(count)
        with pytest.raises(np.linalg.LinAlgError, match="item 46: "):
            ox.solve_axb(A, B, Q)


def test_the_first_call_of_a_process_has_as_many_threads_as_the_second():
    """BLAS, which begins with a number of its own, is told ours at import."""
    code = """
        import numpy as np, otimes as ox
        from bits import digest
        A = np.random.default_rng(0).standard_normal((450, 450))
        print(digest(ox._core.schur(np.asfortranarray(A + 0j))))
        ox.set_num_threads(ox.get_num_threads())
        print(digest(ox._core.schur(np.asfortranarray(A + 0j))))
    """
    first, second = run_python(code, PYTHONPATH=PATH).split()
    assert first == second
