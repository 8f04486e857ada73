"""Samples of several codes, taken in turns: their ratios hold though the machine is shared."""

import pickle
import statistics
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from pathlib import Path

from .cases import OURS, Case, Size

Sampler = Callable[[], float]

ROUNDS = 5  # at least
SECONDS = 1.0  # of a measurement, if the rounds take less
SETTLE = 0.13  # seconds after which the idle threads of another BLAS have stopped spinning
SAMPLE = 0.005  # seconds at least that one sample takes

_REPOSITORY = Path(__file__).parents[1]
_STATUS = Path("/proc/self/status")
_IMPORT = "import numpy, time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"
_PEAK = """
import pickle, sys
from benchmarks import measure
case, name, n = pickle.loads(bytes.fromhex(sys.argv[1]))
case.function(name, n)()
print(measure.peak_memory())
"""


def sample_time(case: Case, name: str, n: Size) -> Sampler:
    """Seconds that one run takes."""
    timer = timeit.Timer(case.codes[name].run, globals=case.prepared(name, n))
    timer.timeit(1)
    once = timer.timeit(1)
    number = max(1, int(SAMPLE / once))

    def sample() -> float:
        time.sleep(SETTLE)
        if once < SETTLE:
            timer.timeit(1)  # wakes the threads
        return timer.timeit(number) / number

    return sample


def sample_import(case: Case, name: str, n: Size) -> Sampler:
    """Seconds that the code takes in a new interpreter that has imported numpy."""
    return lambda: _in_new_interpreter(_IMPORT.format(case.codes[name].run))


def sample_memory(case: Case, name: str, n: Size) -> Sampler:
    """Bytes that a new interpreter holds at most when it has run the code."""
    if not _STATUS.exists():
        raise NotImplementedError(f"peak memory is read from {_STATUS}, which is not there")
    return lambda: _in_new_interpreter(_PEAK, pickle.dumps((case, name, n)).hex())


def peak_memory() -> int:
    """Bytes that this process has held at most; unlike ru_maxrss, without its parent's."""
    fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return 1024 * int(fields["VmHWM"].split()[0])


def _in_new_interpreter(code: str, *args: str) -> float:
    command = [sys.executable, "-c", code, *args]
    done = subprocess.run(command, cwd=_REPOSITORY, check=True, capture_output=True, text=True)
    return float(done.stdout)


SAMPLERS: dict[str, Callable[[Case, str, Size], Sampler]] = {
    "time": sample_time,
    "import time": sample_import,
    "peak memory": sample_memory,
}


def interleaved(samplers: dict[str, Sampler], rounds: int, seconds: float) -> dict[str, float]:
    """The median of each sampler, sampled in turns: `rounds` at least, more until `seconds`."""
    samples: dict[str, list[float]] = {name: [] for name in samplers}
    end = time.perf_counter() + seconds
    done = 0
    while done < rounds or time.perf_counter() < end:
        for name, sample in samplers.items():
            samples[name].append(sample())
        done += 1
    return {name: statistics.median(values) for name, values in samples.items()}


def medians(case: Case, names: list[str], n: Size) -> dict[str, float]:
    """The median of each code of the case."""
    sampler = SAMPLERS[case.quantity]
    return interleaved({name: sampler(case, name, n) for name in names}, ROUNDS, SECONDS)


def ratio(case: Case, peer: str, n: Size) -> float:
    """The peer's value over ours: above 1 we are better; nan for ourselves."""
    if peer == OURS:
        return float("nan")
    values = medians(case, [OURS, peer], n)
    return values[peer] / values[OURS]
