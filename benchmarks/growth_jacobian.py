"""``python -m benchmarks.growth_jacobian -o PICTURE [--json RESULTS]``: J of A³ against n.

Time and peak memory of J @ v beside jax.jvp, and of J.toarray() beside jax.jacfwd, which has 8 n⁴
bytes. With --json the numbers are stored, or, if the file is there, read instead of measured.
Needs jax, and matplotlib, imported late: asv imports all modules here.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import measure
from .cases import DENSE_JACOBIAN, FORWARD, OURS, Case, Target
from .compare import header
from .plot import STYLE, STYLES, footer

PEER = "jax"
_PRODUCTS = {n: Target("growth") for n in (10, 30, 100, 300, 1000)}
_DENSE = {n: Target("growth") for n in (10, 20, 40, 64, 100)}
CASES = {
    ("otimes: J @ v", "jax.jvp"): replace(FORWARD, targets=_PRODUCTS),
    ("otimes: J.toarray()", "jax.jacfwd"): replace(DENSE_JACOBIAN, targets=_DENSE),
}
_ROUNDS = {"time": 5, "peak memory": 1}
_UNITS = {"time": ("seconds", 1.0), "peak memory": ("peak memory of the process, MB", 1e-6)}

Lines = dict[str, dict[str, dict[str, float]]]  # values by size by code by quantity


def lines_of(case: Case, labels: dict[str, str]) -> Lines:
    """What each of the codes takes at each size of the case, one after the other in turns."""
    lines: Lines = {quantity: {label: {} for label in labels.values()} for quantity in _ROUNDS}
    for quantity, rounds in _ROUNDS.items():
        sampler = measure.SAMPLERS[quantity]
        for n in case.sizes:
            samplers = {name: sampler(case, name, n) for name in labels}
            values = measure.interleaved(samplers, rounds, 0)
            for name, value in values.items():
                lines[quantity][labels[name]][str(n)] = value
    return lines


def measured(path: Path | None) -> dict[str, Any]:
    """The header and the lines, from the file if there is one, else measured and stored there."""
    if path is not None and path.exists():
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return stored
    lines: Lines = {quantity: {} for quantity in _ROUNDS}
    for (ours, theirs), case in CASES.items():
        for quantity, found in lines_of(case, {OURS: ours, PEER: theirs}).items():
            lines[quantity].update(found)
    results = {"header": header(), "lines": lines}
    if path is not None:
        text = json.dumps(results, indent=1, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")
    return results


def draw(axes: Any, lines: dict[str, dict[str, float]], quantity: str) -> None:
    """A line for each code on logarithmic axes."""
    unit, scale = _UNITS[quantity]
    for (label, line), (colour, marker) in zip(lines.items(), STYLES, strict=False):
        sizes, values = [int(n) for n in line], [scale * v for v in line.values()]
        axes.loglog(sizes, values, marker=marker, color=colour, label=label)
    ticks = sorted({int(n) for line in lines.values() for n in line} - {20, 40})
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("n")
    axes.set_title(unit, loc="left")
    axes.grid(color="0.9")


def figure(results: dict[str, Any]) -> Any:
    """Time on the left, memory on the right."""
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    plt.rcParams.update(STYLE)
    drawn, panels = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for axes, (quantity, lines) in zip(panels, results["lines"].items(), strict=True):
        draw(axes, lines, quantity)
    panels[0].legend(frameon=False)
    drawn.suptitle("The Jacobian of A³ as an operator and as an array", weight="bold")
    drawn.supxlabel(footer(results["header"], [PEER]), size=7, color="0.3", x=0.01, ha="left")
    return drawn


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.growth_jacobian", description=__doc__)
    parser.add_argument("--json", type=Path, help="where the numbers are, or are to be, stored")
    parser.add_argument("-o", "--output", type=Path, required=True, help=".svg, .png or .pdf")
    options = parser.parse_args(argv)

    drawn = figure(measured(options.json))
    undated = {"metadata": {"Date": None}} if options.output.suffix == ".svg" else {}
    drawn.savefig(options.output, dpi=150, **undated)


if __name__ == "__main__":
    main()
