"""The command line: `python -m otimes`, `solve` and `info`, in-process and as a user runs it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import otimes as ox
from otimes import __main__ as cli
from otimes import _tour

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and devices")
SUPERUSER = hasattr(os, "geteuid") and os.geteuid() == 0
A = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 4.0]])
B = np.array([[1.0, 2.0], [0.0, 5.0]])
Q = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
COMPLEX = Q * (1 - 2.5j)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with A.npy, B.npy and Q.npy."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"A": A, "B": B, "Q": Q}.items():
        np.save(f"{name}.npy", value)
    return tmp_path


def spawn(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "otimes", *arguments],
        stdout=options.pop("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **options.pop("env", {})},
        **options,
    )


def run(*arguments, **options):
    """Exit code, stdout and stderr of a real `python -m otimes`."""
    process = spawn(*arguments, **options)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def solve(*arguments):
    return cli.main(["solve", *map(str, arguments)])


def assert_fails(capsys, line, *arguments, output="X.npy"):
    """One line on stderr, nothing on stdout, exit code 2, and no file that was not there before."""
    before = sorted(os.listdir())
    assert solve(*arguments, "-o", output) == 2
    assert capsys.readouterr() == ("", f"otimes: {line}\n")
    assert sorted(os.listdir()) == before


# --- the tour -------------------------------------------------------------------------------------


def children_seconds():
    return os.times().children_user + os.times().children_system


@pytest.fixture(scope="module")
def tour():
    """What the tour prints, and its processor time, which does not depend on other programs."""
    start = children_seconds()
    code, out, err = run()
    assert (code, err) == (0, "")
    return out, children_seconds() - start


def test_tour_takes_under_twenty_seconds(tour):
    assert tour[1] / ox.get_num_threads() < 20


def test_tour_prints_jacobians(tour):
    assert "J = I₆ ⊗ A + Aᵀ ⊗ I₆\n" in tour[0]
    assert "J = I₆ ⊗ A² + Aᵀ ⊗ A + (A²)ᵀ ⊗ I₆\n" in tour[0]


def test_tour_checks_itself(tour):
    """Every difference is at rounding level times what the condition allows; so is the residual."""
    assert tour[0].startswith(f"otimes {ox.__version__}, ")
    differences = re.findall(r"relative difference.*? ([0-9.]+e[+-]\d+|nan|inf)", tour[0])
    assert len(differences) == 6
    assert all(float(x) < 1e-10 for x in differences)
    residuals = re.findall(r"residual (\S+), rcond (\S+)", tour[0])
    assert len(residuals) == 2
    for residual, rcond in residuals:
        assert float(residual) < 1e-14
        assert 1e-16 < float(rcond) < 1


def test_tour_names_the_dense_costs(tour):
    assert tour[0].count("dense J, computed: 7,451 GiB") == 1  # 8·(10⁶)² bytes
    assert tour[0].count("dense K, computed: 119,209 GiB") == 1  # 8·(2000²)² bytes
    assert tour[0].count("dense at 1000×1000, computed: 7,451 GiB") == 2
    assert tour[0].count("both measured: dense") == 3


def test_a_terminal_without_unicode_shows_question_marks():
    code, out, err = run("solve", "--help", env={"PYTHONIOENCODING": "ascii"})
    assert (code, err) == (0, "")
    assert "A X + X A? = Q" in out
    assert out.isascii()


def test_central_differences_are_exact_to_degree_four():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    j = _tour._central_differences(lambda a: a @ a @ a @ a, x)
    np.testing.assert_allclose(j, ox.jacobian(lambda a: a @ a @ a @ a, x).toarray(), rtol=1e-12)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3.2e7, "1.01 years"),
        (86400 * 3, "3 days"),
        (90.0, "90 s"),
        (0.25, "250 ms"),
        (2.5e-6, "2.5 µs"),
        (5e-7, "0.5 µs"),
    ],
)
def test_durations_read_well(seconds, text):
    assert _tour.duration(seconds) == text


# --- info, help, version --------------------------------------------------------------------------


def test_info_names_versions_blas_and_threads():
    code, out, err = run("info")
    assert (code, err) == (0, "")
    lines = dict(re.split(r"  +|(?<=kernels) ", line, maxsplit=1) for line in out.splitlines())
    assert lines["otimes"] == ox.__version__
    assert lines["numpy"] == np.__version__
    assert lines["python"].startswith(".".join(map(str, sys.version_info[:3])))
    assert lines["threads"] == str(ox.get_num_threads())
    assert {
        "scipy",
        "system",
        "BLAS source",
        "BLAS config",
        "BLAS kernels",
        "our kernels",
    } < lines.keys()


def test_info_without_scipy(capsys, monkeypatch):
    def missing(package):
        raise cli.importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(cli.importlib.metadata, "version", missing)
    assert cli.main(["info"]) == 0
    assert "scipy        not installed (optional)\n" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["solve", "--help"], ["info", "--help"]])
def test_help(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: python -m otimes")
    assert err == ""


def test_help_of_solve_lists_the_equations(capsys):
    with pytest.raises(SystemExit):
        solve("--help")
    out = capsys.readouterr().out
    for name, equation in cli.EQUATIONS.items():
        assert f"\n  {name} " in out
        for operands, text in equation.forms.items():
            assert re.search(rf"  {operands} +{re.escape(text)}\n", out)


def test_version(capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"otimes {ox.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["nonsense"], "otimes: argument COMMAND: invalid choice: 'nonsense'"),
        (["solve"], "otimes: the following arguments are required: EQUATION, FILE, -o/--output"),
        (["solve", "axb", "A.npy"], "otimes: the following arguments are required: -o/--output"),
        (["info", "--fast"], "otimes: unrecognized arguments: --fast"),
    ],
)
def test_bad_usage_is_one_line(arguments, start, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(start)
    assert err.count("\n") == 1
    assert "--help)" in err


# --- solve: what it does --------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["X.npy", "X.csv", "X.mtx", "X.NPY"])
@pytest.mark.parametrize("equation", ["axb", "sylvester"])
def test_solve_as_a_user_runs_it(folder, equation, output):
    if output.endswith(".mtx"):
        pytest.importorskip("scipy.io")
    code, out, err = run("solve", equation, "A.npy", "B.npy", "Q.npy", "-o", output)
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == [
        "equation",
        "method",
        "residual",
        "rcond",
        "time",
        "wrote",
    ]
    assert out.endswith(f"wrote     {output} (3×2, float64)\n")
    solver = {"axb": ox.solve_axb, "sylvester": ox.solve_sylvester}[equation]
    np.testing.assert_array_equal(cli.read_matrix(Path(output)), solver(A, B, Q))
    assert sorted(os.listdir()) == sorted(["A.npy", "B.npy", "Q.npy", output])


def test_solve_prints_what_solve_info_says(folder, capsys):
    assert solve("sylvester", "A.npy", "B.npy", "Q.npy", "-o", "X.npy") == 0
    _, info = ox.solve_sylvester(A, B, Q, return_info=True)
    out, err = capsys.readouterr()
    assert err == ""
    assert re.fullmatch(
        "equation  A X \\+ X B = Q\n"
        f"method    {info.method}\n"
        f"residual  {re.escape(f'{info.residual:.1e}')}\n"
        f"rcond     {re.escape(f'{info.rcond:.1e}')}\n"
        "time      [0-9.]+ (s|ms|µs)\n"
        "wrote     X.npy \\(3×2, float64\\)\n",
        out,
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("suffix", [".npy", ".csv", ".mtx"])
def test_files_keep_every_digit(tmp_path, suffix, dtype):
    if suffix == ".mtx":
        pytest.importorskip("scipy.io")
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((4, 3)) * 10.0 ** rng.integers(-30, 30, (4, 3))).astype(dtype)
    if x.dtype.kind == "c":
        x.imag = -x.real[::-1]
    path = tmp_path / f"x{suffix}"
    cli.write_matrix(path, x)
    np.testing.assert_array_equal(cli.read_matrix(path).astype(dtype), x)
    assert cli.read_matrix(path).dtype.kind == x.dtype.kind


def test_formats_mix(folder):
    Path("A.csv").write_text(
        "# a comment\n2, 1,0\n\n0,3 ,1 # another\n1,0,4\n", encoding="utf-8-sig"
    )
    cli.write_matrix(Path("Q.csv"), COMPLEX)
    assert solve("axb", "A.csv", "B.npy", "Q.csv", "-o", "X.csv") == 0
    np.testing.assert_array_equal(cli.read_matrix(Path("X.csv")), ox.solve_axb(A, B, COMPLEX))


@pytest.mark.parametrize(
    "text", ["1+2j,3\n-1j,0\n", "(1+2j),(3+0j)\n(-0-1j),0j\n", " 1+2J , 3\n-1j,0"]
)
def test_complex_csv(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_text(text)
    np.testing.assert_array_equal(cli.read_matrix(path), [[1 + 2j, 3], [-1j, 0]])


def test_csv_that_numpy_wrote(tmp_path):
    for x in (Q, COMPLEX):
        np.savetxt(tmp_path / "x.csv", x, delimiter=",")
        np.testing.assert_allclose(cli.read_matrix(tmp_path / "x.csv"), x, rtol=1e-15)


def test_sparse_matrix_market(tmp_path):
    sparse = pytest.importorskip("scipy.sparse")
    from scipy.io import mmwrite

    mmwrite(tmp_path / "x.mtx", sparse.coo_array(A))
    np.testing.assert_array_equal(cli.read_matrix(tmp_path / "x.mtx"), A)


def test_batch(folder):
    np.save("Q.npy", np.stack([Q, 2 * Q]))
    assert solve("sylvester", "A.npy", "B.npy", "Q.npy", "-o", "X.npy") == 0
    np.testing.assert_array_equal(np.load("X.npy"), ox.solve_sylvester(A, B, np.stack([Q, 2 * Q])))


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
def test_empty_equation(folder, suffix, capsys):
    np.save("A.npy", np.empty((0, 0)))
    np.save("Q.npy", np.empty((0, 2)))
    assert solve("axb", "A.npy", "B.npy", "Q.npy", "-o", f"X{suffix}") == 0
    assert f"wrote     X{suffix} (0×2, float64)\n" in capsys.readouterr().out


def test_output_may_be_an_input(folder):
    assert solve("sylvester", "A.npy", "B.npy", "Q.npy", "-o", "Q.npy") == 0
    np.testing.assert_array_equal(np.load("Q.npy"), ox.solve_sylvester(A, B, Q))


def test_options_may_stand_before_the_files(folder):
    assert solve("axb", "-o", "X.npy", "A.npy", "B.npy", "Q.npy") == 0


@needs_posix
def test_output_keeps_link_and_mode(folder):
    Path("real").mkdir()
    np.save("real/X.npy", Q)
    Path("real/X.npy").chmod(0o640)
    Path("X.npy").symlink_to("real/X.npy")
    assert solve("axb", "A.npy", "B.npy", "Q.npy", "-o", "X.npy") == 0
    assert Path("X.npy").is_symlink()
    assert Path("real/X.npy").stat().st_mode & 0o777 == 0o640
    np.testing.assert_array_equal(np.load("real/X.npy"), ox.solve_axb(A, B, Q))


# --- solve: every equation ------------------------------------------------------------------------

RNG = np.random.default_rng(0)
IDENTITY = np.eye(4)
#: Matrices for all equations: A stable in both senses, Q and R Hermitian, E near the identity.
SQUARE = {name: RNG.standard_normal((4, 4)) for name in "ABCDEFQRS"}
SQUARE["A"] = SQUARE["A"] / 8 - IDENTITY / 2
SQUARE["E"] = IDENTITY + SQUARE["E"] / 10
SQUARE["Q"] = SQUARE["Q"] @ SQUARE["Q"].T
SQUARE["R"] = SQUARE["R"] @ SQUARE["R"].T + IDENTITY
SQUARE["S"] /= 10


def care(x, a, b, q, r, e=IDENTITY, s=0):
    k = np.linalg.solve(r, b.T @ x @ e + np.transpose(s))
    return e.T @ x @ a + a.T @ x @ e - (e.T @ x @ b + s) @ k + q


def dare(x, a, b, q, r, e=IDENTITY, s=0):
    k = np.linalg.solve(r + b.T @ x @ b, b.T @ x @ a + np.transpose(s))
    return a.T @ x @ a - e.T @ x @ e - (a.T @ x @ b + s) @ k + q


def continuous(x, a, q, e=IDENTITY):
    return a @ x @ e.T + e @ x @ a.T - q


def discrete(x, a, q, e=IDENTITY):
    return a @ x @ a.T - e @ x @ e.T + q


def coupled(x, a, b, c, d, e, f):
    r, l = x[:4], x[4:]
    return np.stack([a @ r - l @ b - c, d @ r - l @ e - f])


#: What is left of each equation when X is put in.
LEFT = {
    "axb": lambda x, a, b, c: a @ x @ b - c,
    "lstsq_axb": lambda x, a, b, c: a.T @ (a @ x @ b - c) @ b.T,
    "sylvester": lambda x, a, b, q: a @ x + x @ b - q,
    "stein": lambda x, a, b, q: x - a @ x @ b - q,
    "generalized_sylvester": lambda x, a, b, c, d, e: a @ x @ b + c @ x @ d - e,
    "coupled_sylvester": coupled,
    "tsylvester": lambda x, a, b, c: a @ x + x.T @ b - c,
    "hsylvester": lambda x, a, b, c: a @ x + x.conj().T @ b - c,
    "continuous_lyapunov": continuous,
    "discrete_lyapunov": discrete,
    "lyapunov_factor": lambda x, a, b, *e: continuous(x @ x.T, a, -b @ b.T, *e),
    "discrete_lyapunov_factor": lambda x, a, b, *e: discrete(x @ x.T, a, b @ b.T, *e),
    "continuous_are": care,
    "discrete_are": dare,
}
FORMS = [(name, form) for name, e in cli.EQUATIONS.items() for form in e.forms]


def write_operands(operands, suffix=".npy", **others):
    """The files of these operands, and their matrices."""
    matrices = [(SQUARE | others)[name] for name in operands.split()]
    paths = [Path(f"{name}{suffix}") for name in operands.split()]
    for path, matrix in zip(paths, matrices, strict=True):
        cli.write_matrix(path, matrix)
    return paths, matrices


@pytest.mark.parametrize(("equation", "operands"), FORMS)
def test_every_equation(tmp_path, monkeypatch, equation, operands, capsys):
    monkeypatch.chdir(tmp_path)
    paths, matrices = write_operands(operands)
    assert solve(equation, *paths, "-o", "X.npy") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"equation  {cli.EQUATIONS[equation].forms[operands]}\n")
    x = np.load("X.npy")
    assert x.shape == ((8, 4) if equation == "coupled_sylvester" else (4, 4))
    # condition numbers of these equations are below 10⁴
    np.testing.assert_allclose(LEFT[equation](x, *matrices), 0, atol=1e-11)


@pytest.mark.parametrize("suffix", [".csv", ".mtx"])
def test_riccati_equation_from_text(tmp_path, monkeypatch, suffix):
    if suffix == ".mtx":
        pytest.importorskip("scipy.io")
    monkeypatch.chdir(tmp_path)
    b, r = SQUARE["B"][:, :1], np.array([[2.0]])
    paths, (a, *_) = write_operands("A B Q R", suffix, B=b, R=r)
    assert solve("continuous_are", *paths, "-o", f"X{suffix}") == 0
    x = cli.read_matrix(Path(f"X{suffix}"))
    np.testing.assert_array_equal(x, ox.solve_continuous_are(a, b, SQUARE["Q"], r))


def test_conjugate_transposed_unknown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    c = SQUARE["C"] * (1 - 2.5j)
    paths, (a, b, _) = write_operands("A B C", C=c)
    assert solve("hsylvester", *paths, "-o", "X.npy") == 0
    np.testing.assert_allclose(LEFT["hsylvester"](np.load("X.npy"), a, b, c), 0, atol=1e-11)


def test_least_squares_of_any_shape_and_with_a_penalty(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    paths, (a, b, c) = write_operands("A B C", B=SQUARE["B"][:2], C=SQUARE["C"])
    assert solve("lstsq_axb", *paths, "-o", "X.npy", "--ridge", "0.5") == 0
    x = np.load("X.npy")
    assert x.shape == (4, 2)
    np.testing.assert_allclose(a.T @ (a @ x @ b - c) @ b.T + 0.5 * x, 0, atol=1e-13)
    assert "method    svd\n" in capsys.readouterr().out


def test_factor_has_no_condition_to_print(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    paths, _ = write_operands("A B", B=SQUARE["B"][:, :1])
    assert solve("lyapunov_factor", *paths, "-o", "L.npy") == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()] == ["equation", "time", "wrote"]


SINGULAR = {
    "axb": {"A": np.zeros((4, 4))},
    "sylvester": {"B": -SQUARE["A"]},
    "stein": {"B": np.linalg.inv(SQUARE["A"])},
    "generalized_sylvester": {"B": SQUARE["D"], "C": -SQUARE["A"]},
    "coupled_sylvester": {"B": SQUARE["A"], "D": IDENTITY, "E": IDENTITY},
    "tsylvester": {"A": IDENTITY, "B": IDENTITY},
    "hsylvester": {"A": IDENTITY, "B": -IDENTITY},
    "continuous_lyapunov": {"A": np.diag([1.0, -1.0, 2.0, 3.0])},
    "discrete_lyapunov": {"A": np.diag([2.0, 0.5, 3.0, 4.0])},
    "lyapunov_factor": {"A": IDENTITY},
    "discrete_lyapunov_factor": {"A": IDENTITY},
    "continuous_are": {"B": np.zeros((4, 4)), "A": IDENTITY},
    "discrete_are": {"B": np.zeros((4, 4)), "A": 2 * IDENTITY},
}


@pytest.mark.parametrize("equation", SINGULAR)
def test_every_equation_when_it_is_singular(tmp_path, monkeypatch, equation, capsys):
    monkeypatch.chdir(tmp_path)
    paths, _ = write_operands(next(iter(cli.EQUATIONS[equation].forms)), **SINGULAR[equation])
    assert solve(equation, *paths, "-o", "X.npy") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"otimes: solve_\w+: .+ \(a is A\.npy, \w is \w\.npy.*\)\n", err)
    assert not Path("X.npy").exists()


def test_singular_equation_in_the_sense_of_least_squares(folder, capsys):
    np.save("S.npy", -A)
    options = ("-o", "X.npy", "--on-singular", "lstsq")
    assert solve("sylvester", "A.npy", "S.npy", "A.npy", *options) == 0
    assert "method    svd\n" in capsys.readouterr().out
    np.testing.assert_array_equal(
        np.load("X.npy"), ox.solve_sylvester(A, -A, A, on_singular="lstsq")
    )


@pytest.mark.parametrize(("equation", "operands"), FORMS)
def test_every_equation_with_a_matrix_of_a_wrong_shape(
    tmp_path, monkeypatch, equation, operands, capsys
):
    monkeypatch.chdir(tmp_path)
    paths, _ = write_operands(operands)
    np.save(paths[-1], np.ones((3, 2)))
    where = ", ".join(f"{path.stem.lower()} is {path}" for path in paths)
    assert solve(equation, *paths, "-o", "X.npy") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(rf"otimes: \w+: .*\(3, 2\).* \({re.escape(where)}\)\n", err)
    assert not Path("X.npy").exists()


# --- solve: equations that are singular or nearly so ----------------------------------------------


def test_singular_equation(folder, capsys):
    np.save("S.npy", -A)
    line = (
        "solve_sylvester: the equation is singular to working precision (rcond = 0.0e+00): "
        "a and -b have a common eigenvalue, or nearly so; "
        'on_singular="warn" returns what was computed, "lstsq" the least-squares solution of '
        "minimum norm (a is A.npy, b is S.npy, q is A.npy)"
    )
    before = sorted(os.listdir())
    assert solve("sylvester", "A.npy", "S.npy", "A.npy", "-o", "X.npy") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.sub(r"rcond = \S+\)", "rcond = 0.0e+00)", err) == f"otimes: {line}\n"
    assert sorted(os.listdir()) == before


def test_singular_equation_when_only_a_warning_is_asked_for(folder, capsys):
    np.save("A.npy", np.diag([1.0, 2.0, 1e-17]))
    arguments = ("axb", "A.npy", "B.npy", "Q.npy", "-o", "X.npy", "--on-singular", "warn")
    assert solve(*arguments) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(
        r"otimes: warning: solve_axb: the equation is singular to working precision "
        r"\(rcond = \S+\): a or b is singular, or nearly so\n",
        err,
    )
    assert "wrote     X.npy" in out


def test_ill_conditioned_equation_warns(folder, capsys):
    np.save("A.npy", np.diag([1.0, 2.0, 1e-14]))
    assert solve("axb", "A.npy", "B.npy", "Q.npy", "-o", "X.npy") == 0
    err = capsys.readouterr().err
    assert err.startswith("otimes: warning: solve_axb: the equation is ill-conditioned (rcond = ")
    assert err.count("\n") == 1


def test_solution_that_overflows(folder, capsys):
    for name, value in {"a": [[1e-200]], "b": [[1.0]], "q": [[1e200]]}.items():
        np.save(f"{name}.npy", np.array(value))
    line = "the solution overflows float64"
    assert_fails(capsys, line, "sylvester", "a.npy", "a.npy", "q.npy")


# --- solve: everything that is wrong with files ---------------------------------------------------

WHERE = "(a is {0}, b is B.npy, q is Q.npy)"
BAD_FILES = {
    "missing.npy": (None, "missing.npy: No such file or directory"),
    "folder.npy": ("folder", "folder.npy: Is a directory"),
    "a.txt": (b"1", "a.txt: unknown suffix '.txt'; the known ones are .npy, .csv, .mtx"),
    "a": (b"1", "a: unknown suffix ''; the known ones are .npy, .csv, .mtx"),
    "junk.npy": (
        b"not an array",
        r"junk.npy: the magic string is not correct; expected b'\x93NUMPY', got b'not an'",
    ),
    "object.npy": (
        np.array([[1, None], [2, 3]]),
        "object.npy: Object arrays cannot be loaded when allow_pickle=False",
    ),
    "text.npy": (
        np.array([["a", "b"], ["c", "d"]]),
        "a has dtype <U1, which otimes does not compute with; convert it to float64 or complex128 "
        f"first {WHERE.format('text.npy')}",
    ),
    "nan.npy": (A * np.nan, f"a contains NaN or Inf {WHERE.format('nan.npy')}"),
    "inf.csv": (b"1,inf,0\n0,1,0\n0,0,1\n", f"a contains NaN or Inf {WHERE.format('inf.csv')}"),
    "wide.npy": (
        Q,
        "solve_sylvester: a has shape (3, 2), but must be square: (n, n) "
        f"{WHERE.format('wide.npy')}",
    ),
    "small.npy": (
        B,
        "solve_sylvester: q has shape (3, 2), but a is (2, 2) and b is (2, 2), so q must be (2, 2) "
        f"{WHERE.format('small.npy')}",
    ),
    "empty.csv": (b"# nothing\n\n", "empty.csv: the file contains no numbers"),
    "words.csv": (b"x,y\n1,2\n", "words.csv: line 1, column 1: 'x' is not a number"),
    "ragged.csv": (
        b"1,2\n\n3\n",
        "ragged.csv: line 3 has 1 numbers, but the first row has 2",
    ),
    "spaces.csv": (b"1 2\n3 4\n", "spaces.csv: line 1, column 1: '1 2' is not a number"),
    "matlab.csv": (b"1,2\n1,1+2i\n", "matlab.csv: line 2, column 2: '1+2i' is not a number"),
    "hole.csv": (b"1,\n2,3\n", "hole.csv: line 1, column 2: '' is not a number"),
    "binary.csv": (
        b"\xff\xfe1",
        "binary.csv: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
    ),
}


def make_file(name, content):
    if isinstance(content, str):
        Path(name).mkdir()
    elif isinstance(content, bytes):
        Path(name).write_bytes(content)
    elif content is not None:
        np.save(name, content, allow_pickle=True)


@needs_posix  # the operating system's words
@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_one_line(folder, name, capsys):
    content, line = BAD_FILES[name]
    make_file(name, content)
    assert_fails(capsys, line, "sylvester", name, "B.npy", "Q.npy")


@needs_posix
def test_bad_file_as_a_user_sees_it(folder):
    result = run("solve", "axb", "A.npy", "B.npy", "no.npy", "-o", "X.npy")
    assert result == (2, "", "otimes: no.npy: No such file or directory\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "junk",
        "%%MatrixMarket matrix array real general\n3 3\n1\n",
        "%%MatrixMarket matrix coordinate real general\n3 3 1\n4 1 1.0\n",
        "%%MatrixMarket matrix coordinate real general\n900000000 900000000 1\n1 1 1.0\n",
    ],
)
def test_bad_matrix_market_file(folder, text, capsys):
    pytest.importorskip("scipy.io")
    Path("bad.mtx").write_text(text)
    assert solve("axb", "bad.mtx", "B.npy", "Q.npy", "-o", "X.npy") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch("otimes: bad.mtx: .+\n", err)
    assert not Path("X.npy").exists()


def test_damaged_npy_file_is_one_line(folder, capsys):
    """A file cut short anywhere, or with any byte of its header changed."""
    whole = Path("A.npy").read_bytes()
    header = len(whole) - A.nbytes
    damaged = [whole[:k] for k in range(len(whole))]
    damaged += [whole[:k] + bytes([c]) + whole[k + 1 :] for k in range(header) for c in b"\0(9L'"]
    for content in damaged:
        Path("bad.npy").write_bytes(content)
        code = solve("sylvester", "bad.npy", "B.npy", "Q.npy", "-o", "X.npy")
        out, err = capsys.readouterr()
        if code:  # a changed byte may be harmless
            assert (code, out) == (2, "")
            assert re.fullmatch("otimes: .+\n", err)
            assert not Path("X.npy").exists()
        else:
            Path("X.npy").unlink()


def test_scipy_is_named_when_it_is_missing(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    Path("A.mtx").write_text("%%MatrixMarket matrix array real general\n1 1\n1\n")
    words = '.mtx files need SciPy: pip install "otimes[scipy]"'
    assert_fails(capsys, f"A.mtx: {words}", "axb", "A.mtx", "B.npy", "Q.npy")
    assert_fails(capsys, f"X.mtx: {words}", "axb", "A.npy", "B.npy", "Q.npy", output="X.mtx")


def test_unknown_equation(folder, capsys):
    known = ", ".join(cli.EQUATIONS)
    line = f"unknown equation 'riccati'; the known ones are {known}"
    assert_fails(capsys, line, "riccati", "A.npy", "B.npy", "Q.npy")


@pytest.mark.parametrize("files", [["A.npy"], ["A.npy", "B.npy", "Q.npy", "Q.npy"]])
def test_wrong_number_of_files(folder, files, capsys):
    line = f"axb takes the files A B C, but {len(files)} were given"
    assert_fails(capsys, line, "axb", *files)


def test_wrong_number_of_files_of_an_equation_with_several_forms(folder, capsys):
    line = "continuous_lyapunov takes the files A Q or A Q E, but 1 were given"
    assert_fails(capsys, line, "continuous_lyapunov", "A.npy")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["sylvester", "--ridge", "1"], "sylvester has no option --ridge"),
        (["lstsq_axb", "--on-singular", "warn"], "lstsq_axb has no option --on-singular"),
        (
            ["lstsq_axb", "--ridge", "-1"],
            "lstsq_axb: ridge is -1.0, but must be finite and not negative "
            "(a is A.npy, b is B.npy, c is Q.npy)",
        ),
    ],
)
def test_bad_options(folder, arguments, line, capsys):
    equation, *options = arguments
    assert_fails(capsys, line, equation, "A.npy", "B.npy", "Q.npy", *options)


# --- solve: everything that is wrong with the output ----------------------------------------------


@needs_posix
@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("X.dat", "X.dat: unknown suffix '.dat'; the known ones are .npy, .csv, .mtx"),
        ("no/X.npy", "no/X.npy: No such file or directory"),
        ("A.npy/X.npy", "A.npy/X.npy: Not a directory"),
        ("folder.npy", "folder.npy: Is a directory"),
        (f"{'x' * 300}.npy", f"{'x' * 300}.npy: File name too long"),
    ],
)
def test_unwritable_output(folder, output, line, capsys):
    Path("folder.npy").mkdir()
    assert_fails(capsys, line, "axb", "A.npy", "B.npy", "Q.npy", output=output)


@needs_posix
@pytest.mark.parametrize("where", ["folder", "file"])
def test_output_without_permission(folder, where, monkeypatch, capsys):
    Path("X.npy").write_bytes(b"precious")
    if where == "folder" and SUPERUSER:
        pytest.skip("nothing is forbidden to the superuser")
    if where == "file":
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    else:
        folder.chmod(0o500)
    try:
        line = "X.npy: Permission denied"
        assert_fails(capsys, line, "axb", "A.npy", "B.npy", "Q.npy")
    finally:
        folder.chmod(0o700)
    assert Path("X.npy").read_bytes() == b"precious"


@pytest.mark.parametrize("suffix", [".csv", ".mtx"])
def test_batch_needs_npy(folder, suffix, capsys):
    np.save("Q.npy", np.stack([Q, Q]))
    line = f"X{suffix}: X has shape (2, 3, 2), but a {suffix} file holds one matrix; use .npy"
    assert_fails(capsys, line, "axb", "A.npy", "B.npy", "Q.npy", output=f"X{suffix}")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_existing_output_survives_a_failure(folder, error, monkeypatch, capsys):
    def fails_half_way(file, x):
        file.write(b"half")
        raise error

    Path("X.npy").write_bytes(b"precious")
    monkeypatch.setitem(cli.FORMATS, ".npy", cli.FORMATS[".npy"]._replace(write=fails_half_way))
    code = solve("axb", "A.npy", "B.npy", "Q.npy", "-o", "X.npy")
    if isinstance(error, OSError):
        assert (code, capsys.readouterr().err) == (2, "otimes: X.npy: No space left on device\n")
    else:
        assert (code, capsys.readouterr().err) == (130, "")
    assert Path("X.npy").read_bytes() == b"precious"
    assert sorted(os.listdir()) == ["A.npy", "B.npy", "Q.npy", "X.npy"]


# --- signals and pipes ----------------------------------------------------------------------------


def heed_interrupts():
    """What a program inherits that was started in the background is to ignore them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@needs_posix
def test_interrupt_is_exit_code_130_without_a_traceback(without_coverage):
    process = spawn(preexec_fn=heed_interrupts)
    assert process.stdout.readline().startswith("otimes ")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")


@needs_posix
def test_closed_pipe_is_quiet():
    process = spawn()
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), err) == (141, "")


@needs_posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_full_disk_is_one_line():
    with open("/dev/full", "w") as full:
        code, _, err = run("info", stdout=full)
    assert (code, err) == (2, "otimes: stdout: No space left on device\n")
