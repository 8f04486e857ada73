"""``python -m benchmarks.table --json RESULTS -o PAGE``: the results of a run as tables of a page.

What stands in the page between the two marks is replaced.
"""

import argparse
import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from .compare import Row, header_text, value_text

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


def table(rows: list[Row]) -> Iterator[str]:
    """The lines of the table of one case, a line for each size."""
    peers = peers_of(rows)
    yield _line([rows[0].title, "otimes", *peers, "best ratio", "of limit"])
    yield _line(["---"] + ["--:"] * (len(peers) + 3))
    for size, group in by_size(rows).items():
        first, times = group[0], {row.peer: row.peer_value for row in group}
        values = [first.our_value, *map(times.get, peers)]
        cells = ["" if v is None else value_text(v, first.quantity) for v in values]
        ratio = f"{first.best:.2f}" if first.best is not None else ""
        fraction = f"{first.fraction:.0%}" if first.fraction is not None else ""
        yield _line([size, *cells, ratio, fraction])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def text(results: dict[str, Any]) -> str:
    """All tables, and what they depend on."""
    tables = ["\n".join(table(rows)) for rows in by_title(results).values()]
    return "\n\n".join([*tables, f"Measured with {header_text(results['header'])}."]) + "\n"


def replaced(page: str, tables: str) -> str:
    """The page with these tables between the marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the page has no lines {BEGIN.strip()} and {END.strip()}")
    return f"{before}{begin}\n{tables}\n{end}{after}"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.table", description=__doc__)
    parser.add_argument("--json", type=Path, required=True, help="results of benchmarks.compare")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the page")
    options = parser.parse_args(argv)

    results = json.loads(options.json.read_text(encoding="utf-8"))
    page = options.output.read_text(encoding="utf-8")
    options.output.write_text(replaced(page, text(results)), encoding="utf-8")


if __name__ == "__main__":
    main()
