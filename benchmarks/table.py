"""``python -m benchmarks.table --json RESULTS… -o PAGE``: stored results as tables of a page.

What stands in the page between the two marks is replaced: by a table of each case with all peers,
or with --targets by one table of all targets, where those that were missed are marked.
"""

import argparse
import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from .cases import CASES
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
        yield _line([size, *cells, *_standing(first)])


def targets(runs: list[dict[str, Any]]) -> Iterator[str]:
    """The lines of the table of all targets, one for each job and size that has a bound."""
    rows = [Row(**row) for run in runs for row in run["rows"] if row["target"]]
    yield _line(["job", "target", "otimes", "best ratio", "of limit", "verdict"])
    yield _line(["---", "--:", "--:", "--:", "--:", "---"])
    for row in rows:
        value = "" if row.our_value is None else value_text(row.our_value, row.quantity)
        verdict = row.verdict.replace("missed", "**missed**")
        yield _line([row.case, row.target, value, *_standing(row), verdict])
    known = dict.fromkeys(target.id for case in CASES for target in case.targets.values())
    measured = {row.case.partition(" ")[0] for row in rows}
    yield from (_line([k, "", "", "", "", "not measured"]) for k in known if k not in measured)


def _standing(row: Row) -> list[str]:
    """The ratio to the best rival, and the fraction of the limit."""
    ratio = f"{row.best:.2f}" if row.best is not None else ""
    return [ratio, f"{row.fraction:.0%}" if row.fraction is not None else ""]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def text(results: dict[str, Any]) -> str:
    """All tables, and what they depend on."""
    tables = ["\n".join(table(rows)) for rows in by_title(results).values()]
    return "\n\n".join([*tables, _source(results)]) + "\n"


def targets_text(runs: list[dict[str, Any]]) -> str:
    """The table of targets, and what it depends on."""
    return "\n\n".join(["\n".join(targets(runs)), *map(_source, runs)]) + "\n"


def _source(results: dict[str, Any]) -> str:
    return f"Measured with {header_text(results['header'])}."


def replaced(page: str, tables: str) -> str:
    """The page with these tables between the marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the page has no lines {BEGIN.strip()} and {END.strip()}")
    return f"{before}{begin}\n{tables}\n{end}{after}"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.table", description=__doc__)
    parser.add_argument(
        "--json", type=Path, nargs="+", required=True, help="results of benchmarks.compare"
    )
    parser.add_argument("--targets", action="store_true", help="one table of all targets")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the page")
    options = parser.parse_args(argv)

    runs = [json.loads(path.read_text(encoding="utf-8")) for path in options.json]
    tables = targets_text(runs) if options.targets else "\n".join(map(text, runs))
    page = options.output.read_text(encoding="utf-8")
    options.output.write_text(replaced(page, tables), encoding="utf-8")


if __name__ == "__main__":
    main()
