"""Every set of kernels that this processor runs: the laws of all operators, and equal results."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kernel_sets import SETS, environment, runs_here
from otimes import _core

TESTS = Path(__file__).parent

_PRODUCTS = """
import sys
import numpy as np, otimes as ox
rng = np.random.default_rng(0)
results = {}
for dtype in "fdFDlL?":
    for shapes in ([(3, 5), (7, 2)], [(2, 2)] * 5, [(9, 9), (17, 4)], [(1, 6), (40, 33)]):
        factors = [rng.integers(0, 9, s).astype(dtype) for s in shapes]
        op = ox.kron(*factors)
        for k in (1, 2, 3, 8, 21):
            x = rng.integers(0, 9, (op.shape[1], k)).astype(dtype)
            results[f"{dtype} {shapes} {k}"] = 3 * (op @ x) if dtype != "?" else op @ x
np.savez(sys.argv[1], **results)
"""


AVAILABLE = [kernels for kernels in SETS if runs_here(kernels)]


def test_the_best_set_is_chosen():
    assert "baseline" in AVAILABLE
    wanted = os.environ.get("OTIMES_KERNEL")
    assert _core.kernels == (wanted or AVAILABLE[-1])


def test_an_unknown_set_is_refused_by_name():
    done = subprocess.run(
        [sys.executable, "-c", "import otimes"],
        env=environment("mmx"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "OTIMES_KERNEL is 'mmx', but the kernels that run here are baseline" in done.stderr


def products(kernels, path):
    command = [sys.executable, "-c", _PRODUCTS, str(path)]
    subprocess.run(command, env=environment(kernels), check=True)
    with np.load(path) as results:
        return dict(results)


@pytest.mark.parametrize("kernels", AVAILABLE)
def test_whole_numbers_are_exact_in_every_set(kernels, tmp_path):
    """Products of small integers are exact in floating point: all sets give equal bits."""
    ours, theirs = products(kernels, tmp_path / "a.npz"), products("baseline", tmp_path / "b.npz")
    assert len(ours) == 140
    for name, result in ours.items():
        assert result.dtype == theirs[name].dtype
        np.testing.assert_array_equal(result, theirs[name], err_msg=name)


@pytest.mark.parametrize("kernels", [k for k in AVAILABLE if k != _core.kernels])
@pytest.mark.parametrize(
    "file",
    [
        "test_operator.py",
        "test_kron.py",
        "test_stein.py::test_equals_lu_of_the_kronecker_matrix",
        "test_stein.py::test_bumps",
        "test_lyapunov.py::test_symmetry_is_exact_at_every_size",
    ],
)
def test_laws_hold_in_every_set(file, kernels):
    """The set in use is tested by the other files; the others by their laws, once more."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", file]
    command += ["-m", "not memory"]  # which does not depend on the set
    done = subprocess.run(
        command, cwd=TESTS, env=environment(kernels), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
