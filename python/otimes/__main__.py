"""The command line: a tour, `solve` for equations in files, and `info`."""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import os
import platform
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np

from . import SolveInfo, _core, get_num_threads, solve_axb, solve_sylvester
from ._check import Array, require_dense
from ._tour import duration, tour

PROGRAM = "python -m otimes"
FAILED, INTERRUPTED, PIPE_CLOSED = 2, 130, 141  # the last two as shells report these signals


class CommandError(Exception):
    """What went wrong, in words for the one line on stderr."""


# --- files ----------------------------------------------------------------------------------------


def _read_npy(file: BinaryIO) -> Array:
    return np.lib.format.read_array(file, allow_pickle=False)


def _write_npy(file: BinaryIO, x: Array) -> None:
    np.lib.format.write_array(file, x, allow_pickle=False)


def _parse_number(text: str, parse: Callable[[str], complex], line: int, column: int) -> complex:
    try:
        return parse(text)
    except ValueError:
        raise ValueError(
            f"line {line}, column {column}: {text.strip()!r} is not a number"
        ) from None


def _read_csv(file: BinaryIO) -> Array:
    """Read rows of comma-separated numbers; complex ones as 1+2j or (1+2j); # starts a comment."""
    text = file.read().decode("utf-8-sig")
    parse = complex if "j" in text.lower() else float
    rows: list[Array] = []
    for k, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0]
        if content.strip():
            fields = enumerate(content.split(","), 1)
            rows.append(np.array([_parse_number(f, parse, k, column) for column, f in fields]))
            if len(rows[-1]) != len(rows[0]):
                raise ValueError(
                    f"line {k} has {len(rows[-1])} numbers, but the first row has {len(rows[0])}"
                )
    if not rows:
        raise ValueError("the file contains no numbers")
    return np.stack(rows)


def _require_matrix(x: Array, suffix: str) -> None:
    if x.ndim != 2:
        raise ValueError(f"X has shape {x.shape}, but a {suffix} file holds one matrix; use .npy")


def _write_csv(file: BinaryIO, x: Array) -> None:
    _require_matrix(x, ".csv")
    file.writelines((",".join(map(str, row)) + "\n").encode() for row in x)


def _scipy_io() -> Any:
    try:
        import scipy.io
    except ImportError:
        raise ImportError('.mtx files need SciPy: pip install "otimes[scipy]"') from None
    return scipy.io


def _read_mtx(file: BinaryIO) -> Array:
    matrix = _scipy_io().mmread(file)
    if hasattr(matrix, "toarray"):
        require_dense(matrix.shape, matrix.dtype)
        matrix = matrix.toarray()
    return np.asarray(matrix)


def _write_mtx(file: BinaryIO, x: Array) -> None:
    _require_matrix(x, ".mtx")
    _scipy_io().mmwrite(file, x)


class Format(NamedTuple):
    """How a file of one suffix is read and written."""

    read: Callable[[BinaryIO], Array]
    write: Callable[[BinaryIO, Array], None]


FORMATS = {
    ".npy": Format(_read_npy, _write_npy),
    ".csv": Format(_read_csv, _write_csv),
    ".mtx": Format(_read_mtx, _write_mtx),
}


def _format_of(path: Path) -> Format:
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(FORMATS)
        raise CommandError(f"{path}: unknown suffix {path.suffix!r}; the known ones are {known}")
    return FORMATS[path.suffix.lower()]


def _explain(path: Path, error: Exception) -> CommandError:
    text = error.strerror if isinstance(error, OSError) else str(error)
    return CommandError(f"{path}: {text or type(error).__name__}")


def read_matrix(path: Path) -> Array:
    """Read an array from a .npy, .csv or .mtx file; `CommandError` when that is not possible."""
    read = _format_of(path).read
    try:
        with path.open("rb") as file:
            return read(file)
    except Exception as error:  # parsers of damaged files raise about anything
        raise _explain(path, error) from None


def _replace(target: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file beside `target` and put it in its place; `target` is never half written."""
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(None, "Permission denied")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            write(file)
        if target.exists():
            shutil.copymode(target, part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def write_matrix(path: Path, x: Array) -> None:
    """Write an array to a .npy, .csv or .mtx file, completely or not at all."""
    write = _format_of(path).write
    try:
        _replace(Path(os.path.realpath(path)), lambda file: write(file, x))
    except (OSError, ValueError, ImportError) as error:
        raise _explain(path, error) from None


# --- python -m otimes solve -----------------------------------------------------------------------


class Equation(NamedTuple):
    """An equation of the command line; later ones are one line of the table each."""

    text: str
    operands: str
    solver: Callable[..., tuple[Array, SolveInfo]]


EQUATIONS = {
    "axb": Equation("A X B = C", "ABC", solve_axb),
    "sylvester": Equation("A X + X B = Q", "ABQ", solve_sylvester),
}


def _find_equation(name: str, files: Sequence[Path]) -> Equation:
    if name not in EQUATIONS:
        known = ", ".join(f"{key} ({e.text})" for key, e in EQUATIONS.items())
        raise CommandError(f"unknown equation {name!r}; this version solves {known}")
    equation = EQUATIONS[name]
    if len(files) != len(equation.operands):
        raise CommandError(
            f"{name} ({equation.text}) takes {len(equation.operands)} files, "
            f"{' '.join(equation.operands)}, but {len(files)} were given"
        )
    return equation


def _solve_files(equation: Equation, files: Sequence[Path], on_singular: str) -> Any:
    """X, SolveInfo and the seconds that the solver took."""
    operands = [read_matrix(path) for path in files]
    start = time.perf_counter()
    try:
        x, info = equation.solver(*operands, on_singular=on_singular, return_info=True)
    except (ValueError, TypeError, MemoryError) as error:
        names = zip(equation.operands.lower(), files, strict=True)
        where = ", ".join(f"{name} is {path}" for name, path in names)
        raise CommandError(f"{error} ({where})") from None
    seconds = time.perf_counter() - start
    if np.min(info.scale, initial=1) < 1:
        raise CommandError(f"the solution overflows {x.dtype}")
    return x, info, seconds


def _describe(x: Array) -> str:
    return f"{'×'.join(map(str, x.shape))}, {x.dtype}"


def _solve(arguments: argparse.Namespace) -> None:
    equation = _find_equation(arguments.equation, arguments.files)
    _format_of(arguments.output)  # before the work is done
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        x, info, seconds = _solve_files(equation, arguments.files, arguments.on_singular)
    for warning in caught:
        _complain(f"warning: {warning.message}")
    write_matrix(arguments.output, x)
    print(f"equation  {equation.text}")
    print(f"method    {info.method}")
    print(f"residual  {np.max(info.residual, initial=0):.1e}")
    print(f"rcond     {np.min(info.rcond, initial=1):.1e}")
    print(f"time      {duration(seconds)}")
    print(f"wrote     {arguments.output} ({_describe(x)})")


# --- python -m otimes info ------------------------------------------------------------------------


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _info(_: argparse.Namespace) -> None:
    python = f"{platform.python_version()}, built with {platform.python_compiler()}"
    print(f"otimes       {_core.__version__}")
    print(f"numpy        {np.__version__}")
    print(f"scipy        {_version('scipy')} (optional)")
    print(f"python       {python}")
    print(f"system       {platform.platform()}")
    print(f"compiler     {_core.compiler}")
    print(f"BLAS source  {_core.blas_source}")
    print(f"BLAS config  {_core.blas_config()}")
    print(f"BLAS kernels {_core.blas_core()}")
    print(f"our kernels  {_core.kernels}")
    print(f"threads      {get_num_threads()}")


# --- the program ----------------------------------------------------------------------------------


def _complain(message: object) -> None:
    """One line on stderr, whatever the message contains."""
    print(f"otimes: {' '.join(str(message).split())}", file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _complain(f"{message} (see {self.prog} --help)")
        sys.exit(FAILED)


def _add_solve(commands: Any) -> None:
    known = "\n".join(f"  {name:10} {e.text}" for name, e in EQUATIONS.items())
    parser = commands.add_parser(
        "solve",
        help="solve a matrix equation whose matrices are in files",
        description=f"Solve a matrix equation for X and write X to a file.\n\nequations:\n{known}",
        epilog="Files: .npy, .csv (complex numbers as 1+2j) and .mtx (Matrix Market, needs SciPy)."
        f"\n\nexample:\n  {PROGRAM} solve sylvester A.csv B.csv Q.csv -o X.npy",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("equation", metavar="EQUATION", help="one of those above")
    parser.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help="the matrices, in the equation's order"
    )
    parser.add_argument("-o", "--output", metavar="X", type=Path, required=True, help="file for X")
    parser.add_argument(
        "--on-singular",
        choices=["raise", "warn"],
        default="raise",
        help="refuse a singular equation (the default), or warn and write what was computed",
    )
    parser.set_defaults(run=_solve)


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="Kronecker and vec linear algebra for NumPy. Without a command: a tour of some "
        "seconds in which every number is computed as it prints.",
    )
    parser.add_argument("--version", action="version", version=f"otimes {_core.__version__}")
    parser.set_defaults(run=lambda _: tour())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_solve(commands)
    info = commands.add_parser("info", help="print versions, BLAS, kernels and threads")
    info.set_defaults(run=_info)
    return parser


def _discard_output() -> None:
    """Point stdout to nowhere, so that Python's last flush of it does not fail too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # ⊗ on a terminal that has none
    try:
        arguments = _make_parser().parse_args(argv)
        arguments.run(arguments)
        print(end="", flush=True)
    except CommandError as error:
        _complain(error)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return PIPE_CLOSED
    except OSError as error:
        _discard_output()
        _complain(f"stdout: {error.strerror}")
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
