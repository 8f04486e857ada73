"""``python -m benchmarks.compare [area]``: otimes beside its peers, one table from one run.

Only ratios within a run count. A ratio is the peer's time over ours: above 1 we are faster.
"""

import argparse
import ctypes
import json
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import otimes as ox
from otimes import _core

from . import measure
from .cases import AREAS, CASES, LIMIT, OURS, Case, Target

_DISTURBING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_UNITS = {
    "time": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (0.0, "ns")),
    "peak memory": ((1e9, "GB"), (0.0, "MB")),
}
_SCALES = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9, "GB": 1e9, "MB": 1e6}


@dataclass(frozen=True)
class Row:
    """A line of the table: one case at one size against one peer; values in seconds or bytes."""

    case: str
    peer: str
    peer_value: float | None
    our_value: float
    ratio: float | None
    fraction: float | None
    target: str = ""
    verdict: str = ""
    quantity: str = "time"


# --- rows -----------------------------------------------------------------------------------------


def available(case: Case, n: int) -> tuple[list[str], list[str]]:
    """The codes of the case that run at this size, and why others do not."""
    names, reasons = [], []
    for name, code in case.codes.items():
        try:
            case.prepared(name, n)
        except NotImplementedError as error:
            if n in code.sizes:
                reasons.append(str(error))
        else:
            names.append(name)
    return names, reasons


def check(case: Case, names: list[str], n: int) -> None:
    """Raise unless all codes agree with ours to half of the digits."""
    ours = np.asarray(case.result(OURS, n))
    bound = np.sqrt(np.finfo(float).eps) * np.linalg.norm(ours)
    for name in names:
        if name not in (OURS, LIMIT):
            result = np.asarray(case.result(name, n))
            if result.shape != ours.shape or not np.linalg.norm(result - ours) <= bound:
                raise ArithmeticError(f"{case.title}, n = {n}: {name} and {OURS} differ")


def verdict(target: Target, values: dict[str, float], rivals: tuple[str, ...]) -> str:
    """``met`` or ``missed``, and which of the rivals were not there to be compared with."""
    ours = values[OURS]
    present = [values[name] for name in rivals if name in values]
    bounds = []
    if target.ratio is not None and present:
        bounds.append(min(present) / ours >= target.ratio)
    if target.fraction is not None and LIMIT in values:
        bounds.append(values[LIMIT] / ours >= target.fraction)
    if target.value is not None:
        bounds.append(ours <= target.value)
    words = ["met" if all(bounds) else "missed"] if bounds else []
    if target.ratio is not None and len(present) < len(rivals):
        words.append("without " + ", ".join(name for name in rivals if name not in values))
    return " ".join(words)


def rows_of(case: Case, n: int, values: dict[str, float]) -> list[Row]:
    """One row for each peer; the target stands in the first."""
    target, ours = case.targets[n], values[OURS]
    label = f"{target.id} {case.title}" + (f", n = {n}" if n else "")
    fraction = values[LIMIT] / ours if LIMIT in values else None
    base = Row(label, "none", None, ours, None, fraction, quantity=case.quantity)
    rows = [
        replace(base, peer=peer, peer_value=values[peer], ratio=values[peer] / ours)
        for peer in case.peers
        if peer in values
    ] or [base]
    rivals = target.rivals or tuple(k for k, code in case.peers.items() if n in code.sizes)
    words = bounds_text(target, case.quantity), verdict(target, values, rivals)
    return [replace(rows[0], target=words[0], verdict=words[1]), *rows[1:]]


def rows_at(case: Case, n: int, skipped: set[str]) -> list[Row]:
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
            for n in case.sizes:
                yield from rows_at(case, n, skipped)


# --- text -----------------------------------------------------------------------------------------


def value_text(value: float | None, quantity: str) -> str:
    if value is None:
        return "-"
    units = _UNITS["peak memory" if quantity == "peak memory" else "time"]
    unit = next(unit for least, unit in units if value >= 0.9995 * least)  # 999.7 is 1000
    return f"{value / _SCALES[unit]:.3g} {unit}"


def bounds_text(target: Target, quantity: str) -> str:
    bounds = (
        f"≥ {target.ratio:g} ×" if target.ratio is not None else "",
        f"≥ {target.fraction:.0%} of limit" if target.fraction is not None else "",
        f"≤ {value_text(target.value, quantity)}" if target.value is not None else "",
    )
    return ", ".join(filter(None, bounds))


_COLUMNS: tuple[tuple[str, int, Callable[[Row], str]], ...] = (  # heading, width, text of a row
    ("case", 39, lambda row: row.case),
    ("peer", 12, lambda row: row.peer),
    ("peer's", 8, lambda row: value_text(row.peer_value, row.quantity)),
    ("ours", 8, lambda row: value_text(row.our_value, row.quantity)),
    ("ratio", 7, lambda row: f"{row.ratio:.2f}" if row.ratio is not None else "-"),
    ("of limit", 8, lambda row: f"{row.fraction:.0%}" if row.fraction is not None else "-"),
    ("target", 24, lambda row: row.target),
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


def header() -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in ("otimes", "numpy", "scipy", "slycot", "jax")},
        "otimes": ox.__version__,
        "cores": os.cpu_count(),
        "threads": ox.get_num_threads(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
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
    parser.add_argument("--json", type=Path, metavar="PATH", help="store the results there too")
    options = parser.parse_args(argv)

    about, skipped, rows = header(), set[str](), []
    print(header_text(about), heading(), sep="\n\n", flush=True)
    for row in measured(options.area, skipped):
        rows.append(asdict(row))
        print(line(row), flush=True)
    for reason in sorted(skipped):
        print(f"skipped: {reason}")
    if options.json:
        text = json.dumps({"header": about, "rows": rows, "skipped": sorted(skipped)}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
