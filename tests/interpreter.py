"""A Python interpreter of its own for a piece of code."""

import os
import subprocess
import sys
import textwrap

#: Where another interpreter finds the modules of the tests.
PATH = os.pathsep.join([os.path.dirname(__file__), *sys.path])


def run_python(code, **environment):
    """Standard output of a fresh interpreter."""
    run = [sys.executable, "-c", textwrap.dedent(code)]
    env = {**os.environ, **environment}
    return subprocess.run(
        run, capture_output=True, text=True, check=True, env=env, timeout=120
    ).stdout
