"""The command line: a tour, `solve` for equations in files, and `info`."""

from __future__ import annotations

import argparse
import importlib.metadata
import inspect
import io
import os
import platform
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np

from . import (
    SolveInfo,
    _core,
    get_num_threads,
    lstsq_axb,
    solve_axb,
    solve_continuous_are,
    solve_continuous_lyapunov,
    solve_coupled_sylvester,
    solve_discrete_are,
    solve_discrete_lyapunov,
    solve_generalized_sylvester,
    solve_lyapunov_factor,
    solve_stein,
    solve_sylvester,
    solve_tsylvester,
)
from ._check import Array
from ._memory import require_dense
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
    with warnings.catch_warnings():  # SciPy 1.18 tells that the sparse type will change
        warnings.simplefilter("ignore", DeprecationWarning)
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
    """An equation of the command line: its solver, and how it reads with the files given."""

    solver: Callable[..., Any]
    forms: Mapping[str, str]


EQUATIONS = {
    "axb": Equation(solve_axb, {"A B C": "A X B = C"}),
    "lstsq_axb": Equation(lstsq_axb, {"A B C": "min ‖A X B − C‖² + ridge ‖X‖²"}),
    "sylvester": Equation(solve_sylvester, {"A B Q": "A X + X B = Q"}),
    "stein": Equation(solve_stein, {"A B Q": "X − A X B = Q"}),
    "generalized_sylvester": Equation(
        solve_generalized_sylvester, {"A B C D E": "A X B + C X D = E"}
    ),
    "coupled_sylvester": Equation(
        solve_coupled_sylvester, {"A B C D E F": "A R − L B = C, D R − L E = F, X = [R; L]"}
    ),
    "tsylvester": Equation(solve_tsylvester, {"A B C": "A X + Xᵀ B = C"}),
    "hsylvester": Equation(partial(solve_tsylvester, conjugate=True), {"A B C": "A X + Xᴴ B = C"}),
    "continuous_lyapunov": Equation(
        solve_continuous_lyapunov, {"A Q": "A X + X Aᴴ = Q", "A Q E": "A X Eᴴ + E X Aᴴ = Q"}
    ),
    "discrete_lyapunov": Equation(
        solve_discrete_lyapunov,
        {"A Q": "A X Aᴴ − X + Q = 0", "A Q E": "A X Aᴴ − E X Eᴴ + Q = 0"},
    ),
    "lyapunov_factor": Equation(
        solve_lyapunov_factor,
        {
            "A B": "A X Xᴴ + X Xᴴ Aᴴ + B Bᴴ = 0",
            "A B E": "A X Xᴴ Eᴴ + E X Xᴴ Aᴴ + B Bᴴ = 0",
        },
    ),
    "discrete_lyapunov_factor": Equation(
        partial(solve_lyapunov_factor, discrete=True),
        {
            "A B": "A X Xᴴ Aᴴ − X Xᴴ + B Bᴴ = 0",
            "A B E": "A X Xᴴ Aᴴ − E X Xᴴ Eᴴ + B Bᴴ = 0",
        },
    ),
    "continuous_are": Equation(
        solve_continuous_are,
        {
            "A B Q R": "X A + Aᴴ X − X B R⁻¹ Bᴴ X + Q = 0",
            "A B Q R E": "Eᴴ X A + Aᴴ X E − Eᴴ X B R⁻¹ Bᴴ X E + Q = 0",
            "A B Q R E S": "Eᴴ X A + Aᴴ X E − (Eᴴ X B + S) R⁻¹ (Bᴴ X E + Sᴴ) + Q = 0",
        },
    ),
    "discrete_are": Equation(
        solve_discrete_are,
        {
            "A B Q R": "Aᴴ X A − X − Aᴴ X B (R + Bᴴ X B)⁻¹ Bᴴ X A + Q = 0",
            "A B Q R E": "Aᴴ X A − Eᴴ X E − Aᴴ X B (R + Bᴴ X B)⁻¹ Bᴴ X A + Q = 0",
            "A B Q R E S": "Aᴴ X A − Eᴴ X E − (Aᴴ X B + S) (R + Bᴴ X B)⁻¹ (Bᴴ X A + Sᴴ) + Q = 0",
        },
    ),
}


def _find_equation(name: str, files: Sequence[Path]) -> tuple[Equation, str]:
    """The equation of this name, and its operands, one for each file."""
    if name not in EQUATIONS:
        raise CommandError(f"unknown equation {name!r}; the known ones are {', '.join(EQUATIONS)}")
    equation = EQUATIONS[name]
    for operands in equation.forms:
        if len(operands.split()) == len(files):
            return equation, operands
    known = " or ".join(equation.forms)
    raise CommandError(f"{name} takes the files {known}, but {len(files)} were given")


def _options(equation: Equation, arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that were given; `CommandError` for one that the solver does not have."""
    known = inspect.signature(equation.solver).parameters
    given = {"on_singular": arguments.on_singular, "ridge": arguments.ridge}
    options = {option: value for option, value in given.items() if value is not None}
    for option in options.keys() - known.keys():
        raise CommandError(f"{arguments.equation} has no option --{option.replace('_', '-')}")
    return options


def _solve_files(
    solver: Callable[..., Any], files: Mapping[str, Path], options: Mapping[str, Any]
) -> tuple[Array, SolveInfo | None, float]:
    """X, SolveInfo where the solver has it, and the seconds that it took."""
    operands = {name: read_matrix(path) for name, path in files.items()}
    has_info = "return_info" in inspect.signature(solver).parameters
    more = {"return_info": True} if has_info else {}
    start = time.perf_counter()
    try:
        solved = solver(**operands, **options, **more)
    except (ValueError, TypeError, MemoryError) as error:
        where = ", ".join(f"{name} is {path}" for name, path in files.items())
        raise CommandError(f"{error} ({where})") from None
    seconds = time.perf_counter() - start
    x, info = solved if has_info else (solved, None)
    if isinstance(x, tuple):
        x = np.concatenate(x, axis=-2)
    if info is not None and np.min(info.scale, initial=1) < 1:
        raise CommandError(f"the solution overflows {x.dtype}")
    return x, info, seconds


def _describe(x: Array) -> str:
    return f"{'×'.join(map(str, x.shape))}, {x.dtype}"


def _print_info(info: SolveInfo) -> None:
    print(f"method    {info.method}")
    print(f"residual  {np.max(info.residual, initial=0):.1e}")
    print(f"rcond     {np.min(info.rcond, initial=1):.1e}")


def _solve(arguments: argparse.Namespace) -> None:
    equation, operands = _find_equation(arguments.equation, arguments.files)
    files = dict(zip(operands.lower().split(), arguments.files, strict=True))
    options = _options(equation, arguments)
    _format_of(arguments.output)  # before the work is done
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        x, info, seconds = _solve_files(equation.solver, files, options)
    for warning in caught:
        _complain(f"warning: {warning.message}")
    write_matrix(arguments.output, x)
    print(f"equation  {equation.forms[operands]}")
    if info is not None:
        _print_info(info)
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


def _list_equations() -> str:
    """A line for each form of each equation: its name, the files, the formula."""
    return "\n".join(
        f"  {'' if k else name:25} {operands:11}  {text}"
        for name, equation in EQUATIONS.items()
        for k, (operands, text) in enumerate(equation.forms.items())
    )


def _add_solve(commands: Any) -> None:
    parser = commands.add_parser(
        "solve",
        help="solve a matrix equation whose matrices are in files",
        description="Solve a matrix equation for X and write X to a file.\n\n"
        f"equations, and their files:\n{_list_equations()}",
        epilog="Files: .npy, .csv (complex numbers as 1+2j) and .mtx (Matrix Market, needs SciPy)."
        "\nR stands above L in [R; L]. To give S without E, give the identity for E."
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
        choices=["raise", "warn", "lstsq"],
        help="refuse a singular equation (the default), or warn and write what was computed, or "
        "write the least-squares solution of minimum norm",
    )
    parser.add_argument(
        "--ridge", metavar="NUMBER", type=float, help="the penalty of lstsq_axb (0 by default)"
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
