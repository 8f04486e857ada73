"""docs/numpy.md says what happens: its tables are those that its script makes."""

import re

import numpy as np
import pytest

import numpy_page
from otimes import _traced_arrays
from otimes._registry import registry

PAGE = numpy_page.PAGE.read_text(encoding="utf-8")


def names_in(text):
    return set(re.findall(r"`np\.([\w.]+)`", text))


def names_of(functions):
    """The functions of NumPy among some, as the page writes them."""
    return {
        f"{prefix}{name}".removeprefix("np.")
        for module, prefix in numpy_page.MODULES.items()
        for name, f in numpy_page.functions(module).items()
        if f in functions
    }


def part(name):
    return re.search(rf"<!-- {name}: begin -->(.*)<!-- {name}: end -->", PAGE, re.DOTALL)[1]


def test_tables_are_what_the_script_makes():
    if numpy_page.PARTS["version"]() not in PAGE:
        pytest.skip(f"the page is that of another version than {np.__version__}")
    assert numpy_page.replaced(PAGE) == PAGE, "run python tests/numpy_page.py"


def test_functions_of_this_version_are_listed():
    """Of any version of NumPy: the latest has all functions of the older ones that we know."""
    assert names_of(registry.functions) <= names_in(part("structured"))
    assert names_of(_traced_arrays.rules) <= names_in(part("rules"))


def test_a_function_without_its_rule_is_noticed(monkeypatch):
    monkeypatch.delitem(registry.functions, np.trace)
    monkeypatch.delitem(_traced_arrays.rules, np.exp)
    monkeypatch.delitem(_traced_arrays.rules, np.positive)
    assert numpy_page.fate(np, "trace") == "dense"
    assert "np.exp" not in numpy_page.with_rules()["entry by entry"][2]
    assert "np.exp" in numpy_page.without_rules()["refused"]
    assert "+a" in numpy_page.traced_operations()["refused"]


def test_marks_are_required():
    with pytest.raises(ValueError, match="no marks 'version'"):
        numpy_page.replaced("")
