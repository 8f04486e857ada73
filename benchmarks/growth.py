"""``python -m benchmarks.growth -o PICTURE [--json RESULTS]``: how the cost of equations grows.

Each equation is solved at sizes from 50 to 2000; the slope of a line through the logarithms
of size and time is the exponent of growth. With --json the times are stored, or, if the file
is there, read instead of measured. Needs matplotlib, imported late: asv imports all modules here.
"""

import argparse
import json
import platform
import statistics
import timeit
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from . import cases
from .cases import OURS, Case, Target

SIZES = (50, 100, 200, 400, 800, 1400, 2000)
EQUATIONS = (
    cases.SYLVESTER,
    cases.STABLE_SYLVESTER,
    cases.LYAPUNOV,
    cases.STABLE_LYAPUNOV,
    cases.STEIN,
    cases.GENERALIZED_SYLVESTER,
    cases.TRANSPOSED,
    cases.RICCATI,
    cases.CUBE,
)
LONGEST = 12.0  # seconds: larger sizes of an equation that takes so long are left out
_ROUNDS, _SECONDS = 3, 2.0  # at most so many runs, and none after so many seconds
_STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}

Times = dict[str, dict[int, float]]  # seconds by size by title


def median_time(case: Case, n: int) -> float:
    """Seconds of a run, the first left out where it is short: it wakes threads and fills caches."""
    run = case.function(OURS, n)
    times = [timeit.timeit(run, number=1)]
    while len(times) <= _ROUNDS and sum(times) < _SECONDS:
        times.append(timeit.timeit(run, number=1))
    return statistics.median(times[1:] or times)


def times_of(case: Case, sizes: tuple[int, ...]) -> dict[int, float]:
    """The median time of our code at each size, until one takes too long."""
    case = replace(case, targets=dict.fromkeys(sizes, Target("growth")))
    times: dict[int, float] = {}
    for n in sizes:
        times[n] = median_time(case, n)
        if times[n] > LONGEST:
            break
    return times


def exponent(times: dict[int, float]) -> float:
    """p of the time ~ nᵖ that fits best."""
    slope, _ = np.polyfit(np.log(list(times)), np.log(list(times.values())), 1)
    return float(slope)


def figure(times: Times, caption: str) -> Any:
    """A line for each equation on logarithmic axes, its exponent in the legend."""
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    plt.rcParams.update({**_STYLE, "svg.hashsalt": "otimes"})
    drawn, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    colours = plt.get_cmap("tab10")
    for k, (title, line) in enumerate(times.items()):
        label = f"{title}   n^{exponent(line):.2f}"
        axes.loglog(list(line), list(line.values()), "o-", color=colours(k), label=label)
    axes.set_xticks(SIZES, [str(n) for n in SIZES])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("n")
    axes.set_ylabel("seconds")
    axes.grid(color="0.9")
    axes.legend(frameon=False, fontsize=8)
    axes.set_title("Time of one solve, and the exponent of its growth", loc="left")
    drawn.supxlabel(caption, size=7, color="0.3", x=0.01, ha="left")
    return drawn


def measured(path: Path | None) -> Times:
    """The times, from the file if there is one, else measured and stored there."""
    if path is not None and path.exists():
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {title: {int(n): t for n, t in line.items()} for title, line in stored.items()}
    times = {case.title: times_of(case, SIZES) for case in EQUATIONS}
    if path is not None:
        path.write_text(json.dumps(times, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return times


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--json", type=Path, help="where the times are, or are to be, stored")
    parser.add_argument("-o", "--output", type=Path, required=True, help=".svg, .png or .pdf")
    options = parser.parse_args(argv)

    times = measured(options.json)
    for title, line in times.items():
        last = max(line)
        print(f"{title:<40} n^{exponent(line):.2f}   n = {last}: {line[last]:.3g} s")
    caption = f"{platform.machine()}, medians of up to {_ROUNDS} runs"
    undated = {"metadata": {"Date": None}} if options.output.suffix == ".svg" else {}
    figure(times, caption).savefig(options.output, dpi=150, **undated)


if __name__ == "__main__":
    main()
