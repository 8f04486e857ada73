"""numpydoc's validation of every public docstring."""

import inspect

import pytest

import otimes as ox
from otimes._equation import EquationFactor
from otimes._operator import LinearOperator

validate = pytest.importorskip("numpydoc.validate").validate

#: Checks of numpydoc that are off, and why.
OFF = {
    "ES01": "the equation is the summary, and often all there is to say",
    "EX01": "functions must have examples, which test_codebase.py sees to and runs",
    "RT02": "what is returned has the name that it has in the equation",
    "SA01": "not everything has relatives; the index of the docs groups functions by subject",
    "SS02": "a summary starts with the equation, as in vec(A) or f(X)",
}
#: Also off for methods that say all in one line: their arguments are those of the ndarray method.
OFF_IN_ONE_LINE = {"PR01", "RT01"}
#: Also off for classes, which users read and do not make: they have Attributes.
OFF_FOR_CLASSES = {"PR01"}

CLASSES = [n for n in ox.__all__ if inspect.isclass(getattr(ox, n))]
FUNCTIONS = sorted(set(ox.__all__) - set(CLASSES))
#: What functions return: their methods are public, though their names are not.
RETURNED = (LinearOperator, EquationFactor)
METHODS = [
    (cls, name)
    for cls in RETURNED
    for name, member in inspect.getmembers(cls)
    if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
]


def path_of(cls):
    return f"{cls.__module__}.{cls.__name__}"


def complaints(path, off=frozenset()):
    """What numpydoc says of the docstring of that name."""
    errors = validate(path)["errors"]
    return [f"{code}: {text}" for code, text in errors if code not in {*OFF, *off}]


def test_every_public_name_is_validated():
    assert len(FUNCTIONS) > 40
    assert len(METHODS) > 60
    assert set(CLASSES) >= {"SolveInfo", "RootResult", "IllConditionedWarning"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    assert not complaints(f"otimes.{name}")


@pytest.mark.parametrize("path", [f"otimes.{n}" for n in CLASSES] + [path_of(c) for c in RETURNED])
def test_class(path):
    assert not complaints(path, OFF_FOR_CLASSES)


@pytest.mark.parametrize(("cls", "name"), METHODS)
def test_method(cls, name):
    brief = "\n" not in inspect.getdoc(getattr(cls, name)).strip()
    assert not complaints(f"{path_of(cls)}.{name}", OFF_IN_ONE_LINE if brief else frozenset())


def test_a_docstring_without_its_parameters_is_noticed(monkeypatch):
    monkeypatch.setattr(ox.solve_sylvester, "__doc__", "Solve A X + X B = Q\n")
    codes = {complaint[:4] for complaint in complaints("otimes.solve_sylvester")}
    assert codes >= {"PR01", "RT01", "SS03"}
