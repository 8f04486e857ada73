"""``python -m benchmarks.plot --json RESULTS -o PICTURE``: speed against peers, from a stored run.

The cases that end with a geometric mean are drawn, a row of panels each: the ratio to every peer,
and the fraction of the limit. Needs matplotlib, imported late: asv imports all modules here.
"""

import argparse
import json
import textwrap
from pathlib import Path
from typing import Any

from .compare import BEST, Row
from .table import by_size, by_title, peers_of

# Okabe and Ito's colours, which differ for colour-blind readers too, as do the markers.
STYLES = (
    ("#0072B2", "o"),
    ("#56B4E9", "s"),
    ("#D55E00", "^"),
    ("#009E73", "D"),
    ("#CC79A7", "v"),
    ("#E69F00", "P"),
)
_PACKAGES = {
    "fastkron": ("pyfastkron",),
    "linear_op": ("linear_operator", "torch"),
    "jax": ("jax",),
}
_MEAN_STYLE = {"color": "black", "marker": "*", "s": 110, "zorder": 3}
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "otimes",  # equal results give equal files
}
_ROW = 0.27  # inches


def panels(results: dict[str, Any]) -> dict[str, list[Row]]:
    """The rows of every case that ends with a geometric mean, by its title."""
    return {
        title: rows
        for title, rows in by_title(results).items()
        if any(r.peer == BEST for r in rows)
    }


def points(rows: list[Row], peer: str) -> tuple[list[float], list[int]]:
    """The ratios to a peer, and the lines of the panel that they stand in."""
    lines = {size: k for k, size in enumerate(by_size(rows))}
    found = [(row.ratio, lines[row.size]) for row in rows if row.peer == peer and row.ratio]
    return [ratio for ratio, _ in found], [line for _, line in found]


def ticks_of(ratios: list[float]) -> list[float]:
    """1, 2, 5, 10, … over the range of these ratios; powers of 10 only where it is wide."""
    steps = (1, 2, 5) if max(ratios) < 100 * min(ratios) else (1,)
    ticks = [step * 10.0**power for power in range(-3, 7) for step in steps]
    return [tick for tick in ticks if min(*ratios, 1) / 2 < tick < max(*ratios, 1) * 2]


def footer(header: dict[str, Any], peers: list[str]) -> str:
    """The machine, and the versions of what was compared."""
    packages = ("numpy", *(name for peer in peers for name in _PACKAGES.get(peer, ())))
    versions = ", ".join(f"{name} {header[name]}" for name in packages)
    return (
        f"otimes {header['otimes']} beside {versions}. {header['processor']}, "
        f"{header['threads']} threads, {header['kernels of otimes']} kernels, "
        f"load {header['load']}. Medians of one run, every code in turn."
    )


def draw_ratios(axes: Any, rows: list[Row], peers: list[str]) -> None:
    """A mark for each peer at each size, on a logarithmic axis."""
    for peer, (colour, marker) in zip(peers, STYLES, strict=False):
        axes.scatter(*points(rows, peer), 34, colour, marker=marker, label=peer, zorder=2)
    axes.scatter(*points(rows, BEST), label="geometric mean, best peer", **_MEAN_STYLE)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.grid(color="0.9", zorder=0)
    axes.set_title(rows[0].title, loc="left")
    axes.set_ylabel("factors")
    axes.set_yticks(range(len(by_size(rows))), by_size(rows))
    axes.set_ylim(len(by_size(rows)) - 0.5, -0.5)


def draw_fractions(axes: Any, rows: list[Row]) -> None:
    """A bar for each size, with its number."""
    fractions = [(group[0].fraction or 0) for group in by_size(rows).values()]
    axes.barh(range(len(fractions)), fractions, color="0.75", height=0.6, zorder=2)
    for line, fraction in enumerate(fractions):
        axes.text(0.03, line, f"{fraction:.0%}", va="center", zorder=3)
    axes.set_xlim(0, 1.1)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xticks((0, 0.5, 1), ("0%", "50%", "100%"))
    axes.grid(axis="x", color="0.9", zorder=0)


def figure(results: dict[str, Any]) -> Any:
    """One row of panels for each case: ratios on the left, fractions on the right."""
    import matplotlib.pyplot as plt

    cases = list(panels(results).values())
    peers = list(dict.fromkeys(peer for rows in cases for peer in peers_of(rows)))
    heights = [len(by_size(rows)) for rows in cases]
    size = (9.0, _ROW * sum(heights) + 0.5 * len(cases) + 1.3)
    plt.switch_backend("agg")
    plt.rcParams.update(STYLE)
    drawn, axes = plt.subplots(
        len(cases),
        2,
        figsize=size,
        sharex="col",
        sharey="row",
        squeeze=False,
        layout="constrained",
        gridspec_kw={"width_ratios": (3.2, 1), "height_ratios": heights},
    )
    for (left, right), rows in zip(axes, cases, strict=True):
        draw_ratios(left, rows, peers)
        draw_fractions(right, rows)
    left, right = axes[-1]
    ticks = ticks_of([row.ratio for rows in cases for row in rows if row.ratio])
    left.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
    left.set_xticks([], minor=True)
    left.set_xlabel("time of the peer / time of otimes (right of the line otimes is faster)")
    right.set_xlabel("fraction of the limit")
    drawn.suptitle("Products with many Kronecker factors: speed against peers", weight="bold")
    axes[0][0].legend(
        loc="lower left",
        bbox_to_anchor=(-0.3, 1.08),
        ncols=len(peers) + 1,
        frameon=False,
        columnspacing=1.5,
        handletextpad=0.1,
    )
    text = textwrap.fill(footer(results["header"], peers), 150)
    drawn.supxlabel(text, size=7, color="0.3", x=0.01, ha="left")
    return drawn


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.plot", description=__doc__)
    parser.add_argument("--json", type=Path, required=True, help="results of benchmarks.compare")
    parser.add_argument("-o", "--output", type=Path, required=True, help=".svg, .png or .pdf")
    options = parser.parse_args(argv)

    drawn = figure(json.loads(options.json.read_text(encoding="utf-8")))
    undated = {"metadata": {"Date": None}} if options.output.suffix == ".svg" else {}
    drawn.savefig(options.output, dpi=150, **undated)


if __name__ == "__main__":
    main()
