"""The sets of kernels, of which an interpreter of its own is forced to use one."""

import os
import subprocess
import sys

SETS = ("baseline", "avx2", "avx512")


def environment(kernels):
    """Coverage is not measured there: its options would be those of the outer run."""
    inherited = {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"}
    return {**inherited, "OTIMES_KERNEL": kernels}


def runs_here(kernels):
    command = [sys.executable, "-c", "import otimes"]
    return subprocess.run(command, env=environment(kernels), capture_output=True).returncode == 0
