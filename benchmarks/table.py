"""``python -m benchmarks.table``: the stored results as tables of README and the pages.

What stands in a page between the two marks is replaced by a layout of the runs that it is about.

======= ===========================================================================================
cases   a table of each case with all peers
best    one table: every case and size beside the fastest of its peers
targets one table: every case and size that has a bound; those that miss it are marked
======= ===========================================================================================
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from .cases import AREAS, CASES
from .compare import RESULTS, Row, header_text, value_text

ROOT = Path(__file__).parents[1]

BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"


def by_title(results: dict[str, Any]) -> dict[str, list[Row]]:
    """The rows of a stored run, by the title of their case."""
    rows = [Row(**row) for row in results["rows"]]
    return {title: list(group) for title, group in groupby(rows, key=lambda row: row.title)}


def by_size(rows: list[Row]) -> dict[str, list[Row]]:
    """The rows of one case, by size: one for each peer."""
    return {size: list(group) for size, group in groupby(rows, key=lambda row: row.size)}


def peers_of(rows: list[Row]) -> list[str]:
    """Every peer that was measured for any of these rows."""
    return list(dict.fromkeys(row.peer for row in rows if row.peer_value is not None))


# --- layouts --------------------------------------------------------------------------------------


def cases(runs: list[dict[str, Any]]) -> Iterator[str]:
    """The lines of a table of each case, with an empty one between tables."""
    for run in runs:
        for rows in by_title(run).values():
            yield from case_table(rows)
            yield ""
    yield from _sources(runs)


def case_table(rows: list[Row]) -> Iterator[str]:
    """The lines of the table of one case, a line for each size."""
    peers = peers_of(rows)
    yield _line([rows[0].title, "otimes", *peers, "best ratio", "of limit"])
    yield _line(["---"] + ["--:"] * (len(peers) + 3))
    for size, group in by_size(rows).items():
        first, times = group[0], {row.peer: row.peer_value for row in group}
        values = [first.our_value, *map(times.get, peers)]
        yield _line([size, *(_value(v, first) for v in values), *_standing(first)])


def best(runs: list[dict[str, Any]]) -> Iterator[str]:
    """The lines of one table: a line for each case and size, with the fastest peer.

    It is for pages that are not about measuring: the machine and versions stand elsewhere.
    """
    yield _line(["job", "otimes", "best peer", "ratio"])
    yield _line(["---", "--:", "--:", "--:"])
    for run in runs:
        for title, rows in by_title(run).items():
            for size, group in by_size(rows).items():
                measured = [row for row in group if row.peer_value is not None]
                first = min(measured, key=lambda row: row.peer_value or 0.0, default=group[0])
                if first.our_value is not None:
                    peer = f"{first.peer} {_value(first.peer_value, first)}" if measured else ""
                    ratio = f"{first.ratio:.3g}" if first.ratio is not None else ""
                    job = ", ".join(filter(None, (title, size)))
                    yield _line([job, _value(first.our_value, first), peer, ratio])


def targets(runs: list[dict[str, Any]]) -> Iterator[str]:
    """The lines of the table of all targets, one for each job and size that has a bound."""
    rows = [Row(**row) for run in runs for row in run["rows"] if row["target"]]
    yield _line(["job", "target", "otimes", "best ratio", "of limit", "verdict"])
    yield _line(["---", "--:", "--:", "--:", "--:", "---"])
    for row in rows:
        verdict = row.verdict.replace("missed", "**missed**")
        yield _line([row.case, row.target, _value(row.our_value, row), *_standing(row), verdict])
    known = dict.fromkeys(target.id for case in CASES for target in case.targets.values())
    measured = {row.case.partition(" ")[0] for row in rows}
    yield from (_line([k, "", "", "", "", "not measured"]) for k in known if k not in measured)
    yield ""
    yield from _sources(runs)


def _value(value: float | None, row: Row) -> str:
    """A measured value in the units of the row's quantity."""
    return "" if value is None else value_text(value, row.quantity)


def _standing(row: Row) -> list[str]:
    """The ratio to the best rival, and the fraction of the limit."""
    ratio = f"{row.best:.2f}" if row.best is not None else ""
    return [ratio, f"{row.fraction:.0%}" if row.fraction is not None else ""]


def _sources(runs: list[dict[str, Any]]) -> Iterator[str]:
    """What the numbers depend on, a paragraph for each run."""
    yield "\n\n".join(f"Measured with {header_text(run['header'])}." for run in runs)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


# --- pages ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """A page with tables: their layout, the areas whose runs they show, and which rows of them."""

    path: str
    layout: Callable[[list[dict[str, Any]]], Iterator[str]]
    areas: tuple[str, ...]
    rows: str = ""  # a regular expression

    def tables(self) -> str:
        """The tables from what is stored now; an area without a stored run is left out."""
        paths = (RESULTS / f"{area}.json" for area in self.areas)
        stored = [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
        return "\n".join(self.layout([selected(run, self.rows) for run in stored])) + "\n"


PAGES = (
    Page(
        "README.md",
        best,
        ("kron", "equations", "jacobians"),
        r"P1 op @ x.* factors, n = 4$|P2 op @ x.* factors, n = (128|1024)$|"
        r"P3 x @ op, float64, 8×8 \^7|P6 A X \+ X B = Q, n = (10|100|1000)$|P7.*100000|"
        r"P8 A X \+ X Aᵀ = S, n = 300$|P9.*60$|P1[01].*A³, n = (300|1000)$|"
        r"P10 J.toarray.*n = 64$",
    ),
    Page("docs/engine.md", cases, ("kron",)),
    Page("docs/equations.md", best, ("equations",)),
    Page("docs/jacobians.md", best, ("jacobians",)),
    Page("docs/benchmarks.md", targets, AREAS),
)


def selected(run: dict[str, Any], rows: str) -> dict[str, Any]:
    """The run without the rows whose case does not match a regular expression."""
    return run | {"rows": [row for row in run["rows"] if re.search(rows, row["case"])]}


def replaced(page: str, tables: str) -> str:
    """The page with these tables between the marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the page has no lines {BEGIN.strip()} and {END.strip()}")
    return f"{before}{begin}\n{tables}\n{end}{after}"


def main() -> None:
    for page in PAGES:
        path = ROOT / page.path
        old = path.read_text(encoding="utf-8")
        path.write_text(replaced(old, page.tables()), encoding="utf-8")


if __name__ == "__main__":
    main()
