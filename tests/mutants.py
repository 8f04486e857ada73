"""Mutation testing of the Python layer: of faults that are planted, how many do the tests see?

    COVERAGE_FILE=.coverage.tests python -m pytest -n auto --cov=otimes --cov-context=test
    python tests/mutants.py --coverage .coverage.tests --sample 200 --processes 2

The mutants are those of cosmic-ray, on lines that some test runs; of a sample of lines one each is
drawn. Each is planted in a copy of the installed package, and the tests that run its line are run
until one fails, those that touch the fewest modules first. What survives is printed with its line.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from coverage import CoverageData

import otimes

PACKAGE = Path(otimes.__file__).parent
ROOT = Path(__file__).parents[1]
#: Those that need to be told more, and those on which no test can depend: decorators are applied
#: at import.
LEFT_OUT = ("VariableReplacer", "VariableInserter", "RemoveDecorator")


@dataclass(frozen=True, order=True)
class Mutant:
    """A change of one place of a module."""

    module: str
    line: int
    operator: str
    occurrence: int

    def code(self):
        source = (PACKAGE / self.module).read_text()
        return mutate_code(source, get_operator(self.operator)(), self.occurrence)

    def changed(self):
        """The lines before and after."""
        before = (PACKAGE / self.module).read_text().splitlines()
        after = self.code().splitlines()
        pairs = [(a, b) for a, b in zip(before, after, strict=False) if a != b]
        old, new = pairs[0] if pairs else ("", "")
        return (
            f"{self.module}:{self.line}, {self.operator}\n    - {old.strip()}\n    + {new.strip()}"
        )


# --- which tests run which lines ------------------------------------------------------------------


def tests_of_lines(coverage_file):
    """The tests that run each line, {(module, line): set}, and the number of modules of each."""
    data = CoverageData(coverage_file)
    data.read()
    lines, breadth = {}, Counter()
    for path in data.measured_files():
        module = path.replace("\\", "/").rsplit("/otimes/", 1)[1]
        tests = {
            line: {context.rsplit("|", 1)[0] for context in contexts if context}
            for line, contexts in data.contexts_by_lineno(path).items()
        }
        lines.update({(module, line): names for line, names in tests.items() if names})
        breadth.update(set().union(*tests.values()))
    return lines, breadth


# --- mutants --------------------------------------------------------------------------------------


def mutants_of(module, covered):
    """Every mutant on a covered line of a module, by its line."""
    tree = get_ast((PACKAGE / module).read_text())
    found = defaultdict(list)
    for name in operator_names():
        if not name.endswith(LEFT_OUT):
            operator = get_operator(name)()
            positions = (p for node in ast_nodes(tree) for p in operator.mutation_positions(node))
            for occurrence, ((line, _), _) in enumerate(positions):
                if (module, line) in covered:
                    found[module, line].append(Mutant(module, line, name, occurrence))
    return found


def sample(lines, size, seed, modules):
    """One mutant on each of `size` lines."""
    places = {}
    for module in sorted({module for module, _ in lines if not modules or module in modules}):
        places.update(mutants_of(module, lines))
    draw = random.Random(seed)
    chosen = draw.sample(sorted(places), min(size, len(places)))
    return [draw.choice(places[place]) for place in chosen], sum(map(len, places.values()))


# --- runs -----------------------------------------------------------------------------------------


def planted(mutant, folder):
    """A copy of the package with the mutant in it, its compiled parts being links."""
    package = Path(folder) / "otimes"
    shutil.copytree(PACKAGE, package, symlinks=True, ignore=shutil.ignore_patterns("*.so*"))
    for compiled in PACKAGE.glob("*.so*"):
        (package / compiled.name).symlink_to(compiled)
    (package / mutant.module).write_text(mutant.code())


def existing_tests():
    """The names of all tests of the package as it is."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {line for line in done.stdout.splitlines() if "::" in line}


def outcome(mutant, tests, timeout):
    """``killed``, ``survived``, ``timeout`` (which is a way to be seen), or ``not run``."""
    with tempfile.TemporaryDirectory() as folder:
        planted(mutant, folder)
        (Path(folder) / "tests.txt").write_text("\n".join(tests))
        path = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-m", "pytest", "-xq", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(
                [*command, f"@{folder}/tests.txt"],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": path},
                capture_output=True,
                text=True,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            return "timeout"
    if done.returncode == pytest.ExitCode.OK:
        return "survived"
    # A mutant that changes names of tests says nothing; one that cannot be imported is seen.
    absent = done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED or "not found: " in done.stderr
    return "not run" if absent else "killed"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--coverage", required=True, help="lines by test, see above")
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--modules", nargs="*", help="such as _kron.py; all of them")
    parser.add_argument("--tests", type=int, default=300, help="at most so many for a mutant")
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()

    lines, breadth = tests_of_lines(options.coverage)
    mutants, total = sample(lines, options.sample, options.seed, options.modules)
    existing = existing_tests()
    print(f"{len(mutants)} of {total} mutants on {len(lines)} lines, {len(existing)} tests")

    def run(mutant):
        tests = lines[mutant.module, mutant.line] & existing
        first = sorted(tests, key=lambda test: (breadth[test], test))[: options.tests]
        result = outcome(mutant, first, options.timeout) if first else "not run"
        if result in ("survived", "not run"):
            print(f"{result}, {len(tests)} tests: {mutant.changed()}", flush=True)
        return result

    with ThreadPoolExecutor(options.processes) as pool:
        results = Counter(pool.map(run, mutants))
    print(*(f"{count} {result}" for result, count in sorted(results.items())), sep=", ")


if __name__ == "__main__":
    main()
