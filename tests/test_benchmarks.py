"""Every benchmark runs at its smallest size, and the table that compares with peers is right."""

import ast
import importlib
import inspect
import itertools
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import cases, compare, growth, growth_jacobian, measure, plot, table
from benchmarks.cases import OURS, Case, Chain, Code, Target
from benchmarks.codes import Codes

FOLDER = Path(cases.__file__).parent
DOCS = FOLDER.parent / "docs"
RESULTS = FOLDER.parent / "benchmarks" / "results"
MODULES = sorted(path.stem for path in FOLDER.glob("bench_*.py"))
MEASURES = re.compile("(time|timeraw|peakmem|track)_")


def benchmark_classes():
    for name in MODULES:
        module = importlib.import_module(f"benchmarks.{name}")
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ == module.__name__:
                yield cls


def axes_of(cls):
    return cls.params if isinstance(cls.params[0], tuple) else (cls.params,)


BENCHMARKS = [
    pytest.param(cls, method, others, id="-".join([f"{cls.__name__}.{method}", *others]))
    for cls in benchmark_classes()
    for method in vars(cls)
    if MEASURES.match(method)
    for others in itertools.product(*axes_of(cls)[1:])
]


def result_at_smallest(cls, method, others):
    """Of the benchmark at the first value of the first axis that it accepts."""
    refusals = []
    for first in axes_of(cls)[0]:
        benchmark = cls()
        try:
            getattr(benchmark, "setup", lambda *_: None)(first, *others)
            return getattr(benchmark, method)(first, *others)
        except NotImplementedError as error:
            refusals.append(str(error))
    return pytest.skip(next((text for text in refusals if "missing" in text), refusals[-1]))


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """One round of short samples."""
    for name, value in {"ROUNDS": 1, "SECONDS": 0.0, "SETTLE": 0.0, "SAMPLE": 0.0}.items():
        monkeypatch.setattr(measure, name, value)


def double(n):
    return {"x": np.full(n, 2.0)}


DOUBLE = Case(
    area="kron",
    title="x + x",
    inputs=double,
    ours=Code("x + x"),
    peers={
        "twice": Code("two * x", "two = 2", result="y.ravel()"),
        "small": Code("x * 2", sizes=range(3)),
        "absent": Code("absent.double(x)", "import a_package_that_is_absent"),
    },
    targets={2: Target("T1", ratio=1e-9, fraction=1e9, value=60.0), 3: Target("T2", ratio=1e9)},
    limits=(Code("x"),),
)


# --- the asv suite --------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*torch:DeprecationWarning")  # a peer's, about itself
@pytest.mark.parametrize(("cls", "method", "others"), BENCHMARKS)
def test_benchmark_runs(cls, method, others):
    result = result_at_smallest(cls, method, others)
    if method.startswith("track"):
        assert isinstance(result, float)
    if method.startswith("timeraw"):
        code, setup = result
        subprocess.run([sys.executable, "-c", f"{setup}\n{code}"], check=True)


@pytest.mark.parametrize("cls", [*benchmark_classes()])
def test_times_are_not_those_of_first_calls(cls):
    """asv runs `setup` anew before every call that it times."""
    assert not (hasattr(cls, "setup") and any(name.startswith("time_") for name in vars(cls)))


def test_codes_are_made_once():
    codes = Codes({"job": DOUBLE})
    assert codes.function("job", OURS, 2) is codes.function("job", OURS, 2)
    assert codes.function("job", OURS, 2)().tolist() == [4, 4]
    assert codes.ratio("job", "twice", 2) > 0
    for code, text in {"other": "does not do this job", "small": "not run at n = 3"}.items():
        with pytest.raises(NotImplementedError, match=text):
            codes.function("job", code, 3)


def test_suite_measures_what_the_targets_ask_for():
    methods = {f"{p.values[0].__name__}.{p.values[1]}" for p in BENCHMARKS}
    assert methods >= {
        "Product.time_product",
        "Product.track_ratio",
        "DataMovement.time_job",
        "DataMovement.track_ratio",
        "Chain.time_product",
        "Chain.track_ratio",
        "Equation.time_solve",
        "Equation.peakmem_solve",
        "Rivals.track_ratio",
        "Residual.track_residual",
        "Cube.time_job",
        "Likelihood.time_job",
        "CubeMemory.peakmem_product",
        "Import.timeraw_import",
    }


@pytest.mark.parametrize("name", MODULES)
def test_classes_are_short(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            assert node.end_lineno - node.lineno < 30, node.name


@pytest.mark.parametrize("module", [cases, compare, growth, growth_jacobian, measure, plot, table])
def test_no_helper_has_the_name_of_a_benchmark(module):
    assert not [name for name in vars(module) if MEASURES.match(name)]


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.title)
def test_inputs_are_equal_each_time(case):
    n = min(case.sizes)
    first, second = case.inputs(n), case.inputs(n)
    assert first.keys() == second.keys()
    for key in first.keys() - {"Y", "Z"}:  # memory for results
        np.testing.assert_array_equal(first[key], second[key])


# --- measuring ------------------------------------------------------------------------------------


def test_median_of_samples_taken_in_turns():
    taken = []

    def sampler(name, values):
        return lambda: taken.append(name) or values.pop(0)

    samplers = {"a": sampler("a", [1.0, 9.0, 2.0]), "b": sampler("b", [4.0, 3.0, 50.0])}
    assert measure.interleaved(samplers, rounds=3, seconds=0) == {"a": 2.0, "b": 4.0}
    assert taken == ["a", "b"] * 3


def test_ratio_is_the_peers_value_over_ours(monkeypatch):
    seconds = {OURS: 2.0, "twice": 6.0}
    monkeypatch.setitem(measure.SAMPLERS, "time", lambda case, name, n: lambda: seconds[name])
    assert measure.ratio(DOUBLE, "twice", 2) == 3
    assert np.isnan(measure.ratio(DOUBLE, OURS, 2))


def test_sample_is_the_time_of_one_run(monkeypatch):
    monkeypatch.setattr(measure, "SAMPLE", 0.03)
    case = replace(DOUBLE, ours=Code("time.sleep(0.01)", "import time"))
    assert 0.01 <= measure.sample_time(case, OURS, 2)() < 0.1


def test_peak_memory_is_that_of_a_new_interpreter():
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    here, there = measure.peak_memory(), measure.sample_memory(cases.JACOBIAN_MEMORY, OURS, 50)()
    assert 5e6 < there < max(here, 2e8)


# --- the table ------------------------------------------------------------------------------------


def test_rows_of_a_tiny_case():
    skipped = set()
    rows = compare.rows_at(DOUBLE, 2, skipped)
    assert [row.peer for row in rows] == ["twice", "small"]
    assert skipped == {"absent is missing: No module named 'a_package_that_is_absent'"}
    assert rows[0].ratio == rows[0].peer_value / rows[0].our_value
    assert rows[0].case == "T1 x + x, n = 2"
    assert rows[0].target == "≥ 1e-09 ×, ≥ 100000000000% of limit, ≤ 60 s"
    assert (rows[0].verdict, rows[1].verdict) == ("missed without absent", "")


def test_a_peer_is_skipped_where_it_is_too_dear():
    skipped = set()
    assert [row.peer for row in compare.rows_at(DOUBLE, 3, skipped)] == ["twice"]
    assert len(skipped) == 1


def test_values_become_ratios():
    case = replace(DOUBLE, targets={0: Target("T", ratio=2, rivals=("twice",))})
    (row,) = compare.rows_of(case, 0, {OURS: 2e-6, "twice": 5e-6, "limit 0": 1e-7, "limit 1": 1e-6})
    assert (row.ratio, row.fraction, row.verdict) == (pytest.approx(2.5), 0.5, "met")
    assert compare.line(row).split("  ")[0] == "T x + x"
    assert re.search(r"twice +5 µs +2 µs +2.50 +50% +≥ 2 × +met$", compare.line(row))


def test_a_case_without_any_peer_has_one_row():
    case = replace(DOUBLE, targets={0: Target("T", value=1.0)})
    (row,) = compare.rows_of(case, 0, {OURS: 2.0})
    assert (row.peer, row.ratio, row.verdict) == ("none", None, "missed")
    assert re.search(r"none +- +2 s +- +- +≤ 1 s +missed$", compare.line(row))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target("T"), ""),
        (Target("T", ratio=2), "met"),
        (Target("T", ratio=2.5), "missed"),
        (Target("T", ratio=2.5, rivals=("b",)), "met"),
        (Target("T", ratio=1, rivals=("b", "c")), "met without c"),
        (Target("T", ratio=1, rivals=("c",)), "without c"),
        (Target("T", ratio=2, fraction=0.5), "met"),
        (Target("T", ratio=2, fraction=0.6), "missed"),
        (Target("T", ratio=2, fraction=0.6, either=True), "met"),
        (Target("T", ratio=3, fraction=0.5, either=True), "met"),
        (Target("T", ratio=3, fraction=0.6, either=True), "missed"),
        (Target("T", value=10.0), "met"),
        (Target("T", value=9.0), "missed"),
    ],
)
def test_verdict(target, expected):
    values = {OURS: 10.0, "a": 20.0, "b": 30.0, "limit 0": 5.0, "limit 1": 4.0}
    assert compare.verdict(target, values, target.rivals or ("a", "b")) == expected


def test_either_bound_is_enough_where_the_table_says_so():
    target = Target("T", ratio=9, fraction=0.5, rivals=("twice",), either=True)
    case = replace(DOUBLE, targets={0: target})
    (row,) = compare.rows_of(case, 0, {OURS: 2.0, "twice": 5.0, "limit 0": 1.0})
    assert (row.target, row.verdict) == ("≥ 9 × or ≥ 50% of limit", "met")


def rows_with_mean(mean, *seconds):
    """The rows of a case whose sizes take the twofold these seconds, and us one."""
    targets = {n: Target("T", ratio=1.0, rivals=("twice",)) for n in range(1, len(seconds) + 1)}
    case = replace(DOUBLE, targets={0: Target("T"), **targets}, mean=mean)
    values = [{OURS: 1.0, "small": 0.01, "limit 0": 0.5}]  # neither a bound nor a rival
    values += [{**values[0], "twice": s} for s in seconds]
    rows = [row for n, v in enumerate(values) for row in compare.rows_of(case, n, v)]
    return compare.mean_rows(case, rows)


def test_geometric_mean_of_the_best_rivals():
    (row,) = rows_with_mean(4, 2.0, 8.0)
    assert (row.ratio, row.fraction) == (pytest.approx(4), pytest.approx(0.5))
    assert (row.case, row.target) == ("T x + x, geometric mean of 2", "≥ 4 ×")
    assert [rows_with_mean(m, 2.0, 8.0)[0].verdict for m in (3.9, 4.1)] == ["met", "missed"]
    assert rows_with_mean(None, 2.0, 8.0) == rows_with_mean(4) == []


def test_geometric_mean_names_the_rivals_that_are_missing():
    rivals = ("twice", "absent")
    case = replace(DOUBLE, targets={0: Target("T", ratio=2, rivals=rivals)}, mean=2)
    (row,) = compare.mean_rows(case, compare.rows_of(case, 0, {OURS: 1.0, "twice": 3.0}))
    assert row.verdict == "met without absent"


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, ""),
        (30, "n = 30"),
        (Chain(8**7, 8, 7), "8×8 ^7"),
        (Chain(64 * 8**5, 8, 5), "8×8 ^5, 64 rows"),
    ],
)
def test_sizes_are_told_apart(n, text):
    assert compare.size_text(n) == text


def test_limit_of_many_factors_takes_as_many_flops():
    names = cases.CHAIN.inputs(Chain(2**20, 4, 10))
    (m, k), (_, n) = names["G"].shape, names["H"].shape
    assert 2 * m * k * n == 10 * 2 * 2**20 * 4
    assert (m, n) == names["Z"].shape
    assert names["Y"].nbytes == names["x"].nbytes == 2**23


def test_every_chain_has_whole_rows():
    for chain in cases.CHAIN.sizes:
        assert chain.rows * chain.p**chain.factors == chain.entries
    assert len([t for t in cases.CHAIN.targets.values() if t.ratio]) == 9


@pytest.mark.parametrize(
    ("value", "quantity", "text"),
    [
        (6.7e-7, "time", "670 ns"),
        (0.0123, "time", "12.3 ms"),
        (0.9997e-3, "time", "1 ms"),
        (2.0, "import time", "2 s"),
        (2e8, "peak memory", "200 MB"),
        (None, "time", "-"),
    ],
)
def test_values_have_units(value, quantity, text):
    assert compare.value_text(value, quantity) == text


def test_results_that_differ_are_refused():
    wrong = replace(DOUBLE, peers={"wrong": Code("x + 2.000001 * x / 2")})
    with pytest.raises(ArithmeticError, match=r"x \+ x, n = 2: wrong and otimes differ"):
        compare.rows_at(wrong, 2, set())


def test_results_are_compared_to_half_of_the_digits_of_their_dtype():
    def single(n):
        return {"x": np.full(n, 2, np.float32)}

    near = replace(DOUBLE, inputs=single, peers={"near": Code("x * np.float32(2.0001)")})
    compare.check(near, [OURS, "near"], 2)
    far = replace(near, peers={"far": Code("x * np.float32(2.01)")})
    with pytest.raises(ArithmeticError, match=r"far and otimes differ"):
        compare.check(far, [OURS, "far"], 2)


def test_a_measurement_that_is_not_possible_is_skipped(monkeypatch):
    monkeypatch.setattr(measure, "_STATUS", Path("no such file"))
    skipped = set()
    assert compare.rows_at(replace(DOUBLE, peers={}, quantity="peak memory"), 2, skipped) == []
    assert skipped == {"peak memory is read from no such file, which is not there"}


def test_main_prints_and_stores_the_table(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(compare, "CASES", (DOUBLE, replace(DOUBLE, area="import")))
    compare.main(["kron", "--json", str(tmp_path / "results.json")])
    printed = capsys.readouterr().out
    stored = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert printed.startswith("python ")
    assert "skipped: absent is missing" in printed
    assert [(row["case"], row["peer"]) for row in stored["rows"]] == [
        ("T1 x + x, n = 2", "twice"),
        ("T1 x + x, n = 2", "small"),
        ("T2 x + x, n = 3", "twice"),
    ]
    assert stored["header"]["threads"] >= 1


def test_header_warns_of_forced_kernels(monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.delenv("OPENBLAS_L2_SIZE", raising=False)
    assert "warning" not in compare.header_text(compare.header())
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "1")
    assert "warning: OPENBLAS_L2_SIZE set" in compare.header_text(compare.header())


# --- tables and pictures of a stored run ----------------------------------------------------------


def stored_run(title="x @ op"):
    """What compare stores of a case of two sizes with a geometric mean."""
    bound = Target("T", ratio=2, rivals=("twice", "small"))
    case = replace(DOUBLE, title=title, targets={2: bound, 3: bound}, mean=2)
    values = {OURS: 1e-3, "twice": 2e-3, "limit 0": 5e-4}
    rows = compare.rows_of(case, 2, {**values, "small": 8e-3}) + compare.rows_of(case, 3, values)
    rows += compare.mean_rows(case, rows)
    return {"header": compare.header(), "rows": [vars(row) for row in rows]}


def test_table_has_a_line_for_each_size():
    rows = table.by_title(stored_run())["x @ op"]
    assert list(table.case_table(rows)) == [
        "| x @ op | otimes | twice | small | best ratio | of limit |",
        "| --- | --: | --: | --: | --: | --: |",
        "| n = 2 | 1 ms | 2 ms | 8 ms | 2.00 | 50% |",
        "| n = 3 | 1 ms | 2 ms |  | 2.00 | 50% |",
        "| geometric mean of 2 |  |  |  | 2.00 | 50% |",
    ]


def test_tables_are_written_between_the_marks_of_a_page(monkeypatch, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}old\n{table.END}after\n", encoding="utf-8")
    (tmp_path / "kron.json").write_text(json.dumps(stored_run()), encoding="utf-8")
    monkeypatch.setattr(table, "ROOT", tmp_path)
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    monkeypatch.setattr(table, "PAGES", (table.Page("page.md", table.cases, ("kron", "absent")),))
    table.main()
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{table.BEGIN}\n| x @ op |")
    assert text.endswith(f"\n{table.END}after\n")
    assert "old" not in text
    assert f"numpy {np.__version__}" in text


@pytest.mark.parametrize("page", ["", table.BEGIN, table.END])
def test_page_without_marks_is_refused(page):
    with pytest.raises(ValueError, match="the page has no lines <!-- tables: begin --> and"):
        table.replaced(page, "")


def test_targets_that_are_missed_are_marked_and_those_not_measured_named():
    run = stored_run()
    run["rows"][0]["verdict"] = "missed without absent"
    head, rule, first, *rest = table.targets([run])
    assert (head.count("|"), rule.count("|")) == (7, 7)
    assert first == "| T x @ op, n = 2 | ≥ 2 × | 1 ms | 2.00 | 50% | **missed** without absent |"
    assert "| P6 |  |  |  |  | not measured |" in rest
    assert sum("not measured" in line for line in rest) >= 12


def test_a_line_for_each_job_beside_the_fastest_peer():
    head, _, *lines = table.best([table.selected(stored_run(), "n = 2")])
    assert head == "| job | otimes | best peer | ratio |"
    assert lines == ["| x @ op, n = 2 | 1 ms | twice 2 ms | 2 |"]


@pytest.mark.parametrize("page", table.PAGES, ids=lambda page: page.path)
def test_tables_of_a_page_are_those_of_the_stored_runs(page):
    text = (table.ROOT / page.path).read_text(encoding="utf-8")
    assert table.replaced(text, page.tables()) == text


def test_a_run_is_stored_by_its_area(monkeypatch, tmp_path):
    monkeypatch.setattr(compare, "CASES", (DOUBLE,))
    monkeypatch.setattr(compare, "RESULTS", tmp_path)
    compare.main(["kron"])
    stored = json.loads((tmp_path / "kron.json").read_text(encoding="utf-8"))
    assert {"processor", "numpy", "kernels of otimes", "blas core of numpy"} <= set(
        stored["header"]
    )


@pytest.mark.parametrize(
    ("ratios", "ticks"),
    [
        ([1.5, 30.0], [1, 2, 5, 10, 20, 50]),
        ([0.5, 3.0], [0.5, 1, 2, 5]),
        ([2.0, 900.0], [1, 10, 100, 1000]),
    ],
)
def test_ticks_of_ratios(ratios, ticks):
    assert plot.ticks_of(ratios) == pytest.approx(ticks)


def test_footer_names_the_versions_of_the_peers():
    about = {**compare.header(), "pyfastkron": "1.2.3", "processor": "P5"}
    text = plot.footer(about, ["numpy last", "fastkron"])
    assert f"beside numpy {np.__version__}, pyfastkron 1.2.3. P5, " in text
    assert "torch" not in text


def test_points_are_the_ratios_of_a_peer_by_line():
    rows = plot.panels(stored_run())["x @ op"]
    assert plot.points(rows, "twice") == ([2.0, 2.0], [0, 1])
    assert plot.points(rows, "small") == ([8.0], [0])
    assert plot.points(rows, compare.BEST) == ([pytest.approx(2.0)], [2])


def test_picture_shows_every_case_with_a_mean(tmp_path):
    pytest.importorskip("matplotlib")
    results, picture = tmp_path / "results.json", tmp_path / "speed.svg"
    stored, other = stored_run(), stored_run("without a mean")
    stored["rows"] += other["rows"][:-1]
    assert list(plot.panels(stored)) == ["x @ op"]
    results.write_text(json.dumps(stored), encoding="utf-8")
    plot.main(["--json", str(results), "-o", str(picture)])
    assert "<svg" in picture.read_text(encoding="utf-8")


# --- how the cost grows ---------------------------------------------------------------------------


def test_exponent_of_growth():
    assert growth.exponent({n: 3e-9 * n**2.5 for n in (50, 100, 400)}) == pytest.approx(2.5)


def test_growth_is_drawn_from_stored_times(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    stored, picture = tmp_path / "times.json", tmp_path / "growth.svg"
    stored.write_text('{"A X + X B = Q": {"50": 0.5, "100": 4.0}}', encoding="utf-8")
    growth.main(["--json", str(stored), "-o", str(picture)])
    assert "n^3.00   n = 100: 4 s" in capsys.readouterr().out
    assert "A X + X B = Q   n^3.00" in picture.read_text(encoding="utf-8")


def test_growth_is_measured_and_stored(monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(growth, "EQUATIONS", (cases.SYLVESTER,))
    monkeypatch.setattr(growth, "SIZES", (2, 3, 4))
    monkeypatch.setattr(growth, "LONGEST", 0.0)  # the second size is left out
    times = growth.measured(tmp_path / "times.json")
    assert {title: list(line) for title, line in times.items()} == {"A X + X B = Q": [2]}
    assert growth.measured(tmp_path / "times.json") == times


# --- time and memory of a Jacobian ----------------------------------------------------------------


def test_lines_of_a_jacobian_are_measured_by_time_and_memory(monkeypatch):
    values = {"time": 1e-3, "peak memory": 2e6}
    for quantity, value in values.items():
        monkeypatch.setitem(measure.SAMPLERS, quantity, lambda case, name, n, v=value: lambda: v)
    lines = growth_jacobian.lines_of(DOUBLE, {OURS: "ours", "twice": "theirs"})
    expected = dict.fromkeys(map(str, DOUBLE.sizes), 1e-3)
    assert lines["time"] == {"ours": expected, "theirs": expected}
    assert lines["peak memory"]["ours"]["2"] == 2e6


def test_jacobian_is_measured_once_and_stored(monkeypatch, tmp_path):
    found = {"time": {"ours": {"2": 1.0}}, "peak memory": {"ours": {"2": 1e6}}}
    monkeypatch.setattr(growth_jacobian, "lines_of", lambda case, labels: found)
    results = growth_jacobian.measured(tmp_path / "results.json")
    assert results["lines"] == found
    monkeypatch.delattr(growth_jacobian, "lines_of")
    assert growth_jacobian.measured(tmp_path / "results.json") == results


def test_documented_picture_of_a_jacobian_is_that_of_the_stored_numbers(tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "jacobian.svg"
    growth_jacobian.main(["--json", str(RESULTS / "jacobian.json"), "-o", str(picture)])
    drawn = picture.read_text(encoding="utf-8")
    for label in ("jax.jacfwd", "otimes: J @ v", "peak memory of the process, MB"):
        assert f"<!-- {label} -->" in drawn
        assert f"<!-- {label} -->" in (DOCS / "images" / "jacobian.svg").read_text("utf-8")
