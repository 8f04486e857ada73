"""``python -m benchmarks.compare [area]``: otimes beside its peers, one table from one run.

Only ratios within a run count. A ratio is the peer's time over ours: above 1 we are faster.
The run is stored too, with the machine, all versions and the kernel sets.
"""

import argparse
import ctypes
import json
import os
import platform
import re
import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import otimes as ox
from otimes import _core

from . import measure
from .cases import AREAS, CASES, LIMIT, OURS, Case, Size, Target

RESULTS = Path(__file__).parent / "results"
BEST = "the best"  # of the peers that count, as the peer of a mean
_DISTURBING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_PACKAGES = (
    "otimes",
    "numpy",
    "scipy",
    "slycot",
    "jax",
    "torch",
    "pyfastkron",
    "linear_operator",
    "pylops",
)
_UNITS = {
    "time": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (0.0, "ns")),
    "peak memory": ((1e9, "GB"), (0.0, "MB")),
}
_SCALES = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9, "GB": 1e9, "MB": 1e6}


@dataclass(frozen=True)
class Row:
    """A line of the table: one case at one size against one peer; values in seconds or bytes."""

    case: str
    peer: str = "none"
    peer_value: float | None = None
    our_value: float | None = None
    ratio: float | None = None
    best: float | None = None  # the ratio of the best rival
    fraction: float | None = None
    target: str = ""
    verdict: str = ""
    quantity: str = "time"
    title: str = ""  # of the case
    size: str = ""


# --- rows -----------------------------------------------------------------------------------------


def available(case: Case, n: Size) -> tuple[list[str], list[str]]:
    """The codes of the case that run at this size, and why others do not."""
    names, reasons = [], []
    for name, code in case.codes.items():
        try:
            case.prepared(name, n)
        except NotImplementedError as error:
            if code.runs_at(n):
                reasons.append(str(error))
        else:
            names.append(name)
    return names, reasons


def check(case: Case, names: list[str], n: Size) -> None:
    """Raise unless all codes agree with ours to half of the digits of its dtype."""
    ours = np.asarray(case.result(OURS, n))
    digits = np.finfo(np.result_type(ours, np.float32)).eps
    bound = np.sqrt(digits) * np.linalg.norm(ours)
    for name in names:
        if name in case.peers:
            result = np.asarray(case.result(name, n))
            if result.shape != ours.shape or not np.linalg.norm(result - ours) <= bound:
                raise ArithmeticError(f"{case.title}, n = {n}: {name} and {OURS} differ")


def limit_of(values: dict[str, float]) -> float | None:
    """What no code can beat, if it was measured."""
    return max((value for name, value in values.items() if name.startswith(LIMIT)), default=None)


def best_ratio(values: dict[str, float], rivals: tuple[str, ...]) -> float | None:
    """The best rival's value over ours, if there is one."""
    return min((values[k] / values[OURS] for k in rivals if k in values), default=None)


def verdict(target: Target, values: dict[str, float], rivals: tuple[str, ...]) -> str:
    """``met`` or ``missed``, and which of the rivals were not there to be compared with."""
    ours, best, limit = values[OURS], best_ratio(values, rivals), limit_of(values)
    bounds = []
    if target.ratio is not None and best is not None:
        bounds.append(best >= target.ratio)
    if target.fraction is not None and limit is not None:
        bounds.append(limit / ours >= target.fraction)
    if target.value is not None:
        bounds.append(ours <= target.value)
    enough = any if target.either else all
    words = ["met" if enough(bounds) else "missed"] if bounds else []
    if target.ratio is not None:
        words.append(absence(name for name in rivals if name not in values))
    return " ".join(filter(None, words))


def absence(names: Iterable[str]) -> str:
    text = ", ".join(names)
    return text and f"without {text}"


def rows_of(case: Case, n: Size, values: dict[str, float]) -> list[Row]:
    """One row for each peer; the target stands in the first."""
    target, ours, limit = case.targets[n], values[OURS], limit_of(values)
    rivals, size = case.rivals(n), size_text(n)
    base = Row(
        case=", ".join(filter(None, (f"{target.id} {case.title}", size))),
        our_value=ours,
        best=best_ratio(values, rivals),
        fraction=limit / ours if limit is not None else None,
        quantity=case.quantity,
        title=case.title,
        size=size,
    )
    rows = [
        replace(base, peer=peer, peer_value=values[peer], ratio=values[peer] / ours)
        for peer in case.peers
        if peer in values
    ] or [base]
    words = bounds_text(target, case.quantity), verdict(target, values, rivals)
    return [replace(rows[0], target=words[0], verdict=words[1]), *rows[1:]]


def mean_rows(case: Case, rows: list[Row]) -> list[Row]:
    """The geometric mean of the best rivals' ratios, where the case asks for it."""
    bounded = [row for row in rows if row.target and row.best is not None]
    if case.mean is None or not bounded:
        return []
    mean = statistics.geometric_mean(row.best for row in bounded)
    fractions = [row.fraction for row in bounded if row.fraction is not None]
    absent = {row.verdict.partition("without ")[2] for row in bounded} - {""}
    words = "met" if mean >= case.mean else "missed", absence(sorted(absent))
    size = f"geometric mean of {len(bounded)}"
    return [
        Row(
            case=f"{bounded[0].case.partition(' ')[0]} {case.title}, {size}",
            peer=BEST,
            ratio=mean,
            best=mean,
            fraction=statistics.geometric_mean(fractions) if fractions else None,
            target=f"≥ {case.mean:g} ×",
            verdict=" ".join(filter(None, words)),
            title=case.title,
            size=size,
        )
    ]


def rows_at(case: Case, n: Size, skipped: set[str]) -> list[Row]:
    """Check and measure a case at one size; `skipped` collects what cannot run, and why."""
    names, reasons = available(case, n)
    skipped.update(reasons)
    try:
        check(case, names, n)
        return rows_of(case, n, measure.medians(case, names, n))
    except NotImplementedError as error:
        skipped.add(str(error))
        return []


def measured(area: str | None, skipped: set[str]) -> Iterator[Row]:
    """The rows of every case of the area, or of all areas."""
    for case in CASES:
        if area in (None, case.area):
            rows: list[Row] = []
            for n in case.sizes:
                rows += (new := rows_at(case, n, skipped))
                yield from new
            yield from mean_rows(case, rows)


# --- text -----------------------------------------------------------------------------------------


def value_text(value: float | None, quantity: str) -> str:
    if value is None:
        return "-"
    units = _UNITS["peak memory" if quantity == "peak memory" else "time"]
    unit = next(unit for least, unit in units if value >= 0.9995 * least)  # 999.7 is 1000
    return f"{value / _SCALES[unit]:.3g} {unit}"


def size_text(n: Size) -> str:
    """What tells the sizes of a case apart: nothing where there is but one."""
    if isinstance(n, int):
        return f"n = {n}" if n else ""
    return str(n)


def bounds_text(target: Target, quantity: str) -> str:
    bounds = (
        f"≥ {target.ratio:g} ×" if target.ratio is not None else "",
        f"≥ {target.fraction:.0%} of limit" if target.fraction is not None else "",
        f"≤ {value_text(target.value, quantity)}" if target.value is not None else "",
    )
    return (" or " if target.either else ", ").join(filter(None, bounds))


_COLUMNS: tuple[tuple[str, int, Callable[[Row], str]], ...] = (  # heading, width, text of a row
    ("case", 44, lambda row: row.case),
    ("peer", 12, lambda row: row.peer),
    ("peer's", 8, lambda row: value_text(row.peer_value, row.quantity)),
    ("ours", 8, lambda row: value_text(row.our_value, row.quantity)),
    ("ratio", 7, lambda row: f"{row.ratio:.2f}" if row.ratio is not None else "-"),
    ("of limit", 8, lambda row: f"{row.fraction:.0%}" if row.fraction is not None else "-"),
    ("target", 26, lambda row: row.target),
    ("verdict", 0, lambda row: row.verdict),
)


def heading() -> str:
    return "  ".join(name.ljust(width) for name, width, _ in _COLUMNS)


def line(row: Row) -> str:
    return "  ".join(text(row).ljust(width) for _, width, text in _COLUMNS).rstrip()


# --- header ---------------------------------------------------------------------------------------


def numpy_blas_core() -> str:
    """The kernel set that NumPy's OpenBLAS chose, asked of the library, else of its configuration.

    The configuration knows the processor that the library was built for, not the one it runs on.
    """
    folder = Path(np.__file__).parent
    libraries = [*folder.parent.glob("numpy.libs/*openblas*"), *folder.glob(".dylibs/*openblas*")]
    for library in map(ctypes.CDLL, map(str, libraries)):
        for name in ("scipy_openblas_get_corename64_", "openblas_get_corename64_"):
            if hasattr(library, name):
                core = getattr(library, name)
                core.restype = ctypes.c_char_p
                return str(core().decode())
    blas: dict[str, Any] = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return str(blas.get("openblas configuration") or blas.get("name"))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def processor() -> str:
    """The name of the processor, as far as it is known."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)", info.read_text(), re.M) if info.exists() else []
    return names[0] if names else platform.processor()


def header() -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "otimes": ox.__version__,
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": ox.get_num_threads(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "kernels of otimes": _core.kernels,
        "blas core of otimes": _core.blas_core(),
        "blas core of numpy": numpy_blas_core(),
        "disturbing": [name for name in _DISTURBING if name in os.environ],
    }


def header_text(values: dict[str, Any]) -> str:
    text = ", ".join(f"{k} {v}" for k, v in values.items() if k != "disturbing")
    if values["disturbing"]:
        names = " and ".join(values["disturbing"])
        text += f"\nwarning: {names} set in the environment: no BLAS chooses its own kernels"
    return text


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.compare", description=__doc__)
    parser.add_argument("area", nargs="?", choices=AREAS, help="default: all")
    parser.add_argument(
        "--json", type=Path, metavar="PATH", help="default: benchmarks/results/AREA.json"
    )
    options = parser.parse_args(argv)

    about, skipped, rows = header(), set[str](), []
    print(header_text(about), heading(), sep="\n\n", flush=True)
    for row in measured(options.area, skipped):
        rows.append(asdict(row))
        print(line(row), flush=True)
    for reason in sorted(skipped):
        print(f"skipped: {reason}")
    text = json.dumps({"header": about, "rows": rows, "skipped": sorted(skipped)}, indent=1)
    path = options.json or RESULTS / f"{options.area or 'all'}.json"
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
