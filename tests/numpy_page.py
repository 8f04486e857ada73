"""``python tests/numpy_page.py``: what NumPy does with operators and traced arrays, as tables.

Every function of NumPy, found by introspection, is called on small operators, and looked up among
the rules of derivatives. The tables replace what stands between the marks of docs/numpy.md.
"""

import functools
import itertools
import operator
import re
import warnings
from collections import defaultdict
from pathlib import Path
from unittest import mock

import numpy as np

import otimes as ox
from differential import outcome, public
from otimes import _traced_arrays
from otimes._operator import LinearOperator
from otimes._registry import registry
from recipes import (
    BINARY,
    METHOD_RECIPES,
    NO_DEFAULT,
    OPERATOR_RECIPES,
    RECIPES,
    UFUNC_RECIPES,
    UNARY,
)
from zoo import matrix

PAGE = Path(__file__).parent.parent / "docs" / "numpy.md"
#: NumPy's modules, and what stands before the names of their functions.
MODULES = {np: "np.", np.linalg: "np.linalg.", np.fft: "np.fft."}

# --- operands -------------------------------------------------------------------------------------


def definite(n, seed=0):
    m = matrix(n, n, "float64", seed)
    return m @ m.T + np.eye(n)


A, B, C, D = definite(2), definite(3), definite(2, 1), definite(3, 1)
OPERATOR = ox.kron(A, B)
KINDS = {
    "kron(A, B)": OPERATOR,
    "kronecker_sum(A, B)": ox.kronecker_sum(A, B),
    "kron(A, B) + kron(C, D)": OPERATOR + ox.kron(C, D),
    "diagonal(d)": ox.diagonal(np.arange(1.0, 7.0)),
    "commutation_matrix(m, n)": ox.commutation_matrix(2, 3),
}
#: One of zeros and ones, and one of three columns: some functions take no other.
OPERANDS = (OPERATOR, ox.kron([[1, 1], [0, 1]], [[1, 0], [1, 1]]), ox.kron(A[:, :1], B))

# --- what happens ---------------------------------------------------------------------------------


def happens(f, recipe, op):
    """What a call with an operator comes to, None where NumPy has no result for the array.

    "operator": there is one among the results; "value": there is none, and the operator was not
    formed; "dense": it was, with a `DenseFallbackWarning`; "quiet": it was, without. Otherwise the
    text of the error.
    """
    formed, toarray = [], LinearOperator.toarray

    def noted(self, dtype=None):
        formed.append(self is op)
        return toarray(self, dtype)

    with (
        mock.patch.object(LinearOperator, "toarray", noted),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        if outcome(lambda: _call(f, recipe(op.toarray()))).error:
            return None
        arguments = recipe(op)
        formed.clear()
        caught.clear()
        result = outcome(_call, f, arguments)
    if result.error:
        return _error_text(result.error)
    if any(w.category is ox.DenseFallbackWarning for w in caught):
        return "dense"
    if any(isinstance(x, LinearOperator) for x in _leaves(result.value)):
        return "operator"
    return "quiet" if any(formed) else "value"


def _call(f, arguments):
    args, kwargs = arguments
    return f(*args, **kwargs)


def _leaves(x):
    """What is in nested tuples and lists."""
    return [leaf for item in x for leaf in _leaves(item)] if isinstance(x, (tuple, list)) else [x]


def _error_text(error):
    """An error without the name of the function or class that raised it."""
    text = re.sub(r"(?<=^numpy\.)\w+|^'\w+'|(?<=attribute )'\w+'", "…", str(error))
    return f"`{type(error).__name__}`: {text}"


def all_that_happens(f, recipes, operands):
    """What the calls come to, one after another.

    Those of a ufunc, or that give the operator as first argument, or in a list as the first; where
    NumPy has no result for any of them, the others.
    """
    leading = [recipe for recipe in recipes if isinstance(f, np.ufunc) or _leads(recipe)]
    words = _words(f, leading, operands)
    first = next(words, None)
    if first is None:
        return _words(f, [recipe for recipe in recipes if recipe not in leading], operands)
    return itertools.chain([first], words)


def _leads(recipe):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arguments = outcome(recipe, OPERATOR).value
    return arguments is not None and any(x is OPERATOR for x in _leaves(arguments[0][:1]))


def _words(f, recipes, operands):
    calls = (happens(f, recipe, op) for op in operands for recipe in recipes)
    return (word for word in calls if word is not None)


def best(words):
    """The best of some words, the first where none is known; "quiet" if that was the first."""
    seen = []
    for word in words:
        seen.append(word)
        if word == "operator" or seen == ["quiet"]:
            return word
    return next((word for word in ("value", "dense") if word in seen), (*seen, None)[0])


# --- functions ------------------------------------------------------------------------------------


@functools.cache
def functions(module):
    """The functions of a module by name, without those of settings, files, texts and dates."""
    other = re.compile(
        r"(set|get|show|print|save|load|from|is_bus|mintype)|(test|info|genfrom\w+)$"
    )
    named = public(module).items()
    return {name: f for name, f in named if not isinstance(f, type) and not other.match(name)}


def recipes_of(module, name):
    """The calls that a function is tried with, the plainest first."""
    key = f"{MODULES[module]}{name}".removeprefix("np.")
    usual = [] if key in NO_DEFAULT else [UNARY[0], *BINARY[:13], UNARY[1], *UNARY[3:9]]
    return usual + RECIPES.get(key, [])


def fate(module, name):
    """What becomes of an operator that is given to a function without a structured version."""
    f = functions(module)[name]
    words = all_that_happens(f, recipes_of(module, name), OPERANDS)
    if f in registry.writers:
        return next(word for word in words if "cannot write" in word)
    # an operator that is taken for a list of its rows is not what the function is for
    known = (word for word in words if word not in ("operator", "value"))
    first = next(known, None)
    formed = (word for word in itertools.chain([first], known) if word in ("dense", "quiet"))
    return next(formed, first)


def others():
    """The functions without a structured version, by what becomes of an operator."""
    return grouped(
        (f"{prefix}{name}", fate(module, name))
        for module, prefix in MODULES.items()
        for name, f in functions(module).items()
        if f not in registry.functions
    )


def structured():
    """The functions with a structured version: their names, a word for each kind of operator."""
    for module, prefix in MODULES.items():
        names = defaultdict(list)
        for name, f in functions(module).items():
            names[f].append(f"{prefix}{name}")
        for f in registry.functions:
            if f in names:
                recipes = recipes_of(module, f.__name__)
                kinds = ([op] for op in KINDS.values())
                yield names[f], [best(all_that_happens(f, recipes, kind)) for kind in kinds]


def grouped(fates):
    """The names by what becomes of them."""
    groups = defaultdict(list)
    for name, word in fates:
        if word is not None:
            groups[word].append(name)
    return groups


# --- methods and operators of Python --------------------------------------------------------------


def attributes():
    """The methods and attributes of arrays, by what becomes of an operator."""
    return grouped((f".{name}", _attribute(name)) for name in dir(np.ndarray) if name[0] != "_")


def _attribute(name):
    if not callable(getattr(np.ndarray, name)):
        return best(all_that_happens(operator.attrgetter(name), UNARY[:1], [OPERATOR]))
    recipes = [UNARY[0], *METHOD_RECIPES.get(name, []), *RECIPES.get(name, []), *BINARY[3:12]]

    def method(a, *args, **kwargs):
        return getattr(a, name)(*args, **kwargs)

    return best(all_that_happens(method, list(filter(_leads, recipes)), OPERANDS[:2]))


def operations():
    """Python's operators on arrays: as they are written, calls of them, and their functions."""
    for name, f in public(operator).items():
        written = re.match(r"Same as (.*?)\.?( \(|$)", f.__doc__ or "", re.MULTILINE)
        if written and hasattr(A, f"__{name.strip('_')}__"):
            calls = OPERATOR_RECIPES.get(f"operator.{name}", [])
            yield written[1], [UNARY[0], *BINARY[:13], *calls], f


def operation_fates():
    """Python's operators and the methods of ufuncs, by what becomes of an operator."""
    calls = [
        *operations(),
        *((f"ufunc.{name}", calls, getattr(np.add, name)) for name, calls in UFUNC_RECIPES.items()),
    ]
    return grouped(
        (written, best(all_that_happens(f, recipes, OPERANDS[:2]))) for written, recipes, f in calls
    )


# --- traced arrays --------------------------------------------------------------------------------

#: What the files of `otimes._rules` are about.
FAMILIES = {
    "arithmetic": "sums and products",
    "elementwise": "entry by entry",
    "reductions": "reductions",
    "along": "along an axis",
    "shapes": "arrangement",
    "linalg": "linear algebra",
    "decompositions": "decompositions",
    "fourier": "Fourier transforms",
}


def with_rules():
    """The functions that have rules, by family: linear ones, products, and all others."""
    column = {"each": 1, "no": 2}
    families = {title: ([], [], []) for title in FAMILIES.values()}
    for module, prefix in MODULES.items():
        for name, f in functions(module).items():
            if f in _traced_arrays.rules:
                rule = _traced_arrays.rules[f]
                family = families[FAMILIES[_file_of(rule.forward)]]
                family[column.get(rule.linear, 0)].append(prefix + name)
    return families


def _file_of(forward):
    while isinstance(forward, functools.partial):
        forward = forward.func
    return forward.__module__.rpartition(".")[2]


def without_rules():
    """The functions of arrays that have no rule, by whether their results count as constants."""
    plain = _traced_arrays._PLAIN | _traced_arrays._COMPARISONS
    return grouped(
        (f"{prefix}{name}", "plain" if f in plain else "refused")
        for module, prefix in MODULES.items()
        for name, f in functions(module).items()
        if f not in _traced_arrays.rules
        and (isinstance(f, np.ufunc) or hasattr(f, "_implementation"))
    )


def traced_attributes():
    """The methods and attributes of arrays, by whether a traced array has them."""
    return grouped(
        (f".{name}", _is_kept(operator.attrgetter(name)))
        for name in dir(np.ndarray)
        if name[0] != "_"
    )


def traced_operations():
    """Python's operators, by whether a traced array has them."""
    return grouped((written, _is_kept(f, recipes)) for written, recipes, f in operations())


def _is_kept(f, recipes=UNARY[:1]):
    """Whether some call with a traced array returns, and so does the method that it may give."""
    kept = []

    def tried(X):
        for recipe in recipes:
            got = outcome(lambda recipe=recipe: _call(f, recipe(X)))
            called = outcome(got.value).error if callable(got.value) else None
            lost = isinstance(called, NotImplementedError) or "lose" in str(called)
            kept.append(got.error is None and not lost)
        return X

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ox.jacobian(tried, A)
    return "kept" if any(kept) else "refused"


# --- the page -------------------------------------------------------------------------------------


def table(head, rows):
    return "\n".join(_line(cells) for cells in (head, ["---"] * len(head), *rows))


def _line(cells):
    return f"| {' | '.join(cells)} |"


def code(names):
    """The names in marks of code, which no line is broken in."""
    unbroken = (name.replace(" ", "\N{NO-BREAK SPACE}").replace("|", "\\|") for name in names)
    return " ".join(map("`{}`".format, unbroken))


def structured_text():
    """The functions whose result is of one kind for all operators, and a table of the others."""
    uniform, rows = defaultdict(list), []
    for names, words in structured():
        if len(set(words)) == 1:
            uniform[words[0]] += names
        else:
            rows.append([code(names), *(word or "–" for word in words)])
    kinds = ["", *map("`{}`".format, KINDS)]
    return f"{_by_word(uniform, 'functions')}\n\n{table(kinds, rows)}"


#: The words of `happens` as the page writes them, in the order of its tables.
WORDS = {"operator": "operator", "value": "value", "dense": "dense", "quiet": "dense, no warning"}


def _by_word(groups, what):
    """A table of groups of names: the known words, then the errors."""
    words = sorted(groups, key=lambda word: (*WORDS, word).index(word))
    return table(["result", what], [[WORDS.get(w, w), code(groups[w])] for w in words])


def families_text():
    head = ["", "linear", "products, linear in each factor", "others"]
    return table(head, [[title, *map(code, names)] for title, names in with_rules().items()])


def traced_text():
    """What has no rule, and the methods and operators of arrays."""
    functions, attributes, operations = without_rules(), traced_attributes(), traced_operations()
    rows = {
        "functions whose results are constants": functions["plain"],
        "functions that are refused": functions["refused"],
        "methods and attributes": attributes["kept"],
        "methods and attributes that are refused": attributes["refused"],
        "operators of Python": operations["kept"],
        "operators of Python that are refused": operations["refused"],
    }
    return table(["", ""], [[title, code(names)] for title, names in rows.items()])


def version():
    """The version of NumPy, without that of the correction."""
    return ".".join(np.__version__.split(".")[:2])


#: What stands between the marks of this name.
PARTS = {
    "version": lambda: f"The tables are those of NumPy {version()}.",
    "structured": structured_text,
    "others": lambda: _by_word(others(), "functions"),
    "attributes": lambda: _by_word(attributes(), "methods and attributes"),
    "operations": lambda: _by_word(operation_fates(), "operators of Python, methods of ufuncs"),
    "rules": families_text,
    "traced": traced_text,
}


def replaced(page):
    """The page with new tables between its marks."""
    for name, text in PARTS.items():
        mark = f"<!-- {name}: {{}} -->\n"
        before, begin, rest = page.partition(mark.format("begin"))
        _, end, after = rest.partition(mark.format("end"))
        if not end:
            raise ValueError(f"the page has no marks {name!r}")
        page = f"{before}{begin}\n{text()}\n\n{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
