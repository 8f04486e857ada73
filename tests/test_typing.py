"""The types as a user sees them: mypy --strict on a program that imports the installed package."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "typed_user.py"

#: Lines that are wrong, and what mypy has to say of each.
MISTAKES = {
    'ox.set_num_threads("two")': "arg-type",
    'ox.vec(A, order="K")': "arg-type",
    "ox.solve_sylvester(A, B)": "call-overload",
    "ox.solve_sylvester(A, B, Q).method": "attr-defined",
    "ox.solve_sylvester(A, B, Q, return_info=True).shape": "attr-defined",
    "ox.vech(A, overwrite=True)": "call-arg",
    "ox.jacobian(cube, A, structure='upper')": "arg-type",
    "ox.kron_prod(A, B)": "attr-defined",
}


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """What mypy prints about a program, and its exit status; the repository is not its folder."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("user")

    def check(program):
        (folder / "program.py").write_text(program, encoding="utf-8")
        command = [sys.executable, "-m", "mypy", "--strict", "program.py"]
        done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
        return done.stdout, done.returncode

    return check


def test_program_runs():
    runpy.run_path(str(PROGRAM))


def test_program_is_well_typed(mypy):
    assert mypy(PROGRAM.read_text(encoding="utf-8")) == (
        "Success: no issues found in 1 source file\n",
        0,
    )


def test_mistakes_are_found(mypy):
    printed, status = mypy("\n".join([PROGRAM.read_text(encoding="utf-8"), *MISTAKES, ""]))
    lines = printed.splitlines()[:-1]
    found = [line.rpartition("[")[2].removesuffix("]") for line in lines if ": error:" in line]
    assert status == 1
    assert found == list(MISTAKES.values()), printed
