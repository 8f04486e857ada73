"""README and docs: every example is executed, every command is one that exists."""

import doctest
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

import otimes as ox

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
#: Lines of the program's output whose values depend on the machine: only their labels are compared.
VARYING = ("residual", "rcond", "time")


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str
    line: int


def blocks(page, *languages):
    text = page.read_text(encoding="utf-8")
    found = [
        Block(m[1], m[2], text.count("\n", 0, m.start(2)))
        for m in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]
    return [b for b in found if b.language in languages]


def name_of(page):
    return page.relative_to(ROOT).as_posix()


# --- execution ------------------------------------------------------------------------------------


def run_examples(page, block, namespace):
    """Run a block of >>> examples, and compare what they print."""
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=FLAGS)
    test = parser.get_doctest(block.text, namespace, name_of(page), str(page), block.line)
    test.globs = namespace  # not the copy of it: later blocks go on from here
    report = []
    if runner.run(test, out=report.append, clear_globs=False).failed:
        pytest.fail("".join(report), pytrace=False)


def run_python(page, block, namespace):
    if ">>> " in block.text:
        run_examples(page, block, namespace)
    else:
        exec(compile("\n" * block.line + block.text, str(page), "exec"), namespace)


def masked(output):
    """The lines of an output, without what depends on the machine."""
    lines = [line.split() for line in output.splitlines()]
    return [words[:1] if words[:1] and words[0] in VARYING else words for words in lines]


def run_console(page, block):
    """Run the commands after $, and compare what they print."""
    for entry in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = entry.partition("\n")
        program, *arguments = shlex.split(command)
        assert program == "python", f"{name_of(page)}: {command}"
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, encoding="utf-8", timeout=120
        )
        assert masked(done.stdout + done.stderr) == masked(expected), f"{name_of(page)}: {command}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_page_runs_as_printed(page, tmp_path, monkeypatch):
    pytest.importorskip("scipy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    shutil.copytree(ROOT / "tests" / "data", tmp_path / "tests" / "data")
    namespace = {"__name__": "__main__"}
    for block in blocks(page, "python", "console"):
        if block.language == "console":
            run_console(page, block)
        else:
            run_python(page, block, namespace)


def test_examples_that_are_wrong_are_noticed():
    page = PAGES[0]
    for code in (">>> 1 + 1\n3\n", ">>> 1 / 0\n1\n"):
        with pytest.raises(pytest.fail.Exception):
            run_python(page, Block("python", code, 0), {})
    with pytest.raises(AssertionError):
        run_console(page, Block("console", "$ python -c 'print(1)'\n2\n", 0))


def test_every_block_is_of_a_known_kind():
    for page in PAGES:
        kinds = re.findall(r"^```(\w*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(kinds[::2]) <= {"python", "console", "sh", "text"}, name_of(page)


# --- commands -------------------------------------------------------------------------------------


def shell_lines():
    """Every command of a sh block, and the page that it is on."""
    for page in PAGES:
        for block in blocks(page, "sh"):
            yield from ((page, line) for line in block.text.splitlines() if line.strip())


def test_readme_prints_the_two_commands():
    commands = [line for page, line in shell_lines() if page.name == "README.md"]
    assert "pip install . && python -m otimes" in commands
    assert 'pip install ".[test]" && python -m pytest' in commands


def test_test_command_is_what_ci_runs():
    ci = ROOT / ".ci" / "run"
    if not ci.exists():
        pytest.skip("not part of a source distribution")
    assert '    pip install ".[test]" && python -m pytest\n' in ci.read_text(encoding="utf-8")


def test_extras_and_groups_exist():
    extras = set(PROJECT["project"]["optional-dependencies"])
    groups = set(PROJECT["dependency-groups"])
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = re.findall(r"(?:otimes|\.)\[([\w,]+)\]", text)
    assert {name for names in named for name in names.split(",")} <= extras
    assert set(re.findall(r"--group (\w+)", text)) <= groups


def test_environment_variables_exist():
    sources = "".join(
        path.read_text(encoding="utf-8")
        for path in [ROOT / "CMakeLists.txt", *(ROOT / "cpp" / "src").glob("*.cpp")]
    )
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    for variable in set(re.findall(r"\bOTIMES_[A-Z_]+\b", text)):
        assert variable in sources, variable


# --- what pages refer to --------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def anchors(page):
    """The names that GitHub gives the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_headings(page):
    text = page.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]*)\)", text):
        assert anchor in anchors(page.parent / target if target else page), anchor


def test_index_lists_every_page():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for page in PAGES[1:]:
        target = page.relative_to(ROOT / "docs").as_posix()
        assert target == "index.md" or f"({target})" in index, target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_names_are_public(page):
    names = set(re.findall(r"\box\.([A-Za-z_]\w*)", page.read_text(encoding="utf-8")))
    assert names <= set(ox.__all__)


def test_reference_lists_every_public_name():
    text = (ROOT / "docs" / "reference.rst").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^   (\w+)$", text, re.MULTILINE)) == sorted(ox.__all__)


def test_version_is_in_the_changelog():
    changelog = (ROOT / "docs" / "changelog.md").read_text(encoding="utf-8")
    assert f"## {PROJECT['project']['version']}" in changelog
