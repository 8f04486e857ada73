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

from . import (
    SolveInfo,
    _core,
    get_num_threads,
    jacobian,
    kron,
    solve_axb,
    solve_sylvester,
    unvec,
    vec,
)
from ._check import Array, require_dense

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
    print(f"time      {_duration(seconds)}")
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
    print(f"BLAS source  {_core.blas_source}")
    print(f"BLAS config  {_core.blas_config()}")
    print(f"BLAS kernels {_core.blas_core()}")
    print(f"threads      {get_num_threads()}")


# --- python -m otimes -----------------------------------------------------------------------------

_UNITS = (("years", 365.25 * 86400), ("days", 86400), ("s", 1), ("ms", 1e-3), ("µs", 1e-6))


def _duration(seconds: float) -> str:
    unit, length = next((u for u in _UNITS if seconds >= u[1]), _UNITS[-1])
    return f"{seconds / length:.3g} {unit}"


def _timed(f: Callable[[], Any], repeats: int = 1) -> tuple[Any, float]:
    """The result, and the shortest time of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = f()
        times.append(time.perf_counter() - start)
    return result, min(times)


def _difference(x: Array, y: Array) -> float:
    return float(np.linalg.norm(x - y) / np.linalg.norm(y))


def _gib(entries: float) -> str:
    return f"{8 * entries / 2**30:,.0f} GiB"


def _say(text: str = "") -> None:
    print(text, flush=True)


def _central_differences(f: Callable[[Array], Array], x: Array, h: float = 0.125) -> Array:
    """The Jacobian of f, extrapolated from two steps: exact for polynomials of degree up to 4."""

    def quotient(direction: Array, step: float) -> Array:
        return vec(f(x + step * direction) - f(x - step * direction)) / (2 * step)

    units = [unvec(e, x.shape) for e in np.eye(x.size)]
    columns = [(4 * quotient(e, h / 2) - quotient(e, h)) / 3 for e in units]
    return np.stack(columns, axis=1)


def _show_jacobians(rng: np.random.Generator) -> None:
    _say("1. Jacobians of matrix functions, as structured operators")
    point = rng.standard_normal((6, 6))
    functions: dict[str, Callable[[Array], Array]] = {
        "A²": lambda A: A @ A,
        "A³": lambda A: A @ A @ A,
    }
    for name, f in functions.items():
        j = jacobian(f, point)
        error = _difference(j.toarray(), _central_differences(f, point))
        _say(f"   f(A) = {name}, A 6×6:  J = {j}")
        _say(f"   relative difference from finite differences: {error:.1e}")
    large = rng.standard_normal((1000, 1000))
    j, seconds = _timed(lambda: jacobian(functions["A³"], large))
    _, product = _timed(lambda: j @ vec(large))
    _say(f"   A³, A 1000×1000: J in {_duration(seconds)}, J @ v in {_duration(product)}")
    _say(f"   dense J, computed: {_gib(j.size)}")


def _check_rows(a: Array, b: Array, x: Array, y: Array, rows: Array) -> float:
    """Compare entries of y = (A⊗B) x with rows of A⊗B, made one by one."""
    expected = [np.kron(a[r // len(b)], b[r % len(b)]) @ x for r in rows]
    return _difference(y[rows], np.array(expected))


def _say_dense(sizes: str, ours: tuple[Array, float], dense: tuple[Array, float]) -> None:
    """Compare (result, seconds) of otimes with that of dense linear algebra."""
    faster = dense[1] / ours[1]
    _say(
        f"   {sizes}, both measured: dense {_duration(dense[1])}, otimes {_duration(ours[1])} "
        f"({faster:,.0f}×), relative difference {_difference(ours[0], dense[0]):.1e}"
    )


def _show_product(rng: np.random.Generator) -> None:
    _say("2. A product with a Kronecker matrix too large to form: K = A⊗B")
    a, b = rng.standard_normal((2, 2000, 2000))
    x = rng.standard_normal(2000 * 2000)
    k = kron(a, b)
    y, seconds = _timed(lambda: k @ x)
    error = _check_rows(a, b, x, y, rng.integers(k.shape[0], size=5))
    _say(f"   A, B 2000×2000: K is {k.shape[0]:,}×{k.shape[1]:,}, K @ x in {_duration(seconds)}")
    _say(f"   relative difference from 5 rows of np.kron(A, B): {error:.1e}")
    _say(f"   dense K, computed: {_gib(k.size)}")
    part, vector = (a[:60, :60], b[:60, :60]), x[:3600]
    small = kron(*part)
    ours, dense = _timed(lambda: small @ vector, 5), _timed(lambda: np.kron(*part) @ vector, 3)
    _say_dense("A, B 60×60", ours, dense)


def _show_equation(
    rng: np.random.Generator,
    solver: Callable[..., Any],
    dense_matrix: Callable[[Array, Array], Array],
) -> None:
    """Solve at n = 1000, and at n = 48 beside LU of the dense matrix of the equation."""
    n, small = 1000, 48
    a, b, c = rng.standard_normal((3, n, n))
    (_, info), seconds = _timed(lambda: solver(a, b, c, return_info=True))
    _say(f"   A, B, C {n}×{n}, {n * n:,} unknowns: {_duration(seconds)} ({info.method})")
    _say(f"   residual {info.residual:.1e}, rcond {info.rcond:.1e}")
    a, b, c = a[:small, :small], b[:small, :small], c[:small, :small]
    dense = _timed(lambda: unvec(np.linalg.solve(dense_matrix(a, b), vec(c))))
    _say_dense(f"A, B, C {small}×{small}", _timed(lambda: solver(a, b, c), 5), dense)
    longer = dense[1] * (n / small) ** 6
    _say(f"   dense at {n}×{n}, computed: {_gib(n**4)}, {_duration(longer)} at that speed")


def _show_axb(rng: np.random.Generator) -> None:
    _say("3. A X B = C: two LU factorizations in place of one of Bᵀ⊗A")
    _show_equation(rng, solve_axb, lambda a, b: np.kron(b.T, a))


def _show_sylvester(rng: np.random.Generator) -> None:
    _say("4. A X + X B = C: two Schur decompositions in place of an LU of I⊗A + Bᵀ⊗I")
    eye = np.eye(48)
    _show_equation(rng, solve_sylvester, lambda a, b: np.kron(eye, a) + np.kron(b.T, eye))


def _tour(_: argparse.Namespace) -> None:
    _say(f"otimes {_core.__version__}, {get_num_threads()} threads: every number is computed now")
    start = time.perf_counter()
    rng = np.random.default_rng(0)
    for show in (_show_jacobians, _show_product, _show_axb, _show_sylvester):
        _say()
        show(rng)
    _say()
    _say(f"{_duration(time.perf_counter() - start)} in all")


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
    parser.set_defaults(run=_tour)
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
