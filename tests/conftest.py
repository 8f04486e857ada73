"""Versions in the header of a test run, and the hypothesis profile."""

import os
import platform

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import otimes as ox

settings.register_profile(
    "otimes",
    deadline=None,  # a test's time depends on the machine
    derandomize=True,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("otimes")


@pytest.fixture
def without_coverage(monkeypatch):
    """Coverage's tracer can lose a signal that arrives while it runs: measure no child process."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_PROCESS")]:
        monkeypatch.delenv(name)


@pytest.fixture
def restore_threads():
    """The number of threads is again what it was before."""
    before = ox.get_num_threads()
    yield
    ox.set_num_threads(before)


def pytest_report_header() -> list[str]:
    from otimes import _core

    try:
        import scipy

        scipy_version = scipy.__version__
    except ImportError:
        scipy_version = "not installed"
    return [
        f"otimes {ox.__version__}, BLAS {_core.blas_source}: {_core.blas_config()}",
        f"numpy {np.__version__}, scipy {scipy_version}, "
        f"{platform.machine()}, {_core.get_num_threads()} threads",
    ]
