"""Facts about the repository: who may import whom, what is exported, what stands at the top."""

import ast
import doctest
import importlib
import inspect
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

import otimes as ox

ROOT = Path(__file__).resolve().parent.parent
PYTHON, CPP = ROOT / "python" / "otimes", ROOT / "cpp"

# --- layers --------------------------------------------------------------------------------------

#: Lowest first: a module imports only modules of earlier rows.
ORDER = [
    "_core",
    "_threads",
    "_registry",
    "_dtypes",
    "_memory",
    "_check",
    "_layout",
    "_labels",
    "_factor",
    "_sparse",
    "_indexing",
    "_array_methods",
    "_protocols",
    "_operator",
    "_terms",
    "_triangles",
    "_structures",
    "_compounds",
    "_algebra",
    "_product_rules",
    "_expansion",
    "_elementwise",
    "_vec",
    "_kron",
    "_products",
    "_nearest",
    "_selection",
    "_identities",
    "_tocsr",
    "_kron_parts",
    "_decompositions",
    "_invariants",
    "_least_squares",
    "_solve_info",
    "_equation",
    "_pencil_equations",
    "_equations",
    "_lyapunov",
    "_state_space",
    "_lyapunov_factor",
    "_riccati",
    "_lstsq_axb",
    "_krylov",
    "_matrix_functions",
    "_primitives",
    "_rearrangements",
    "_batched",
    "_tape",
    "_traced_arrays",
    "_trace",
    "_frechet",
    "_rules",
    "_lower",
    "_real_linear",
    "_norms",
    "_factorizations",
    "_implicit",
    "_sparse_lu",
    "_modes",
    "_spectral",
    "_spectral_functions",
    "_diagonal_functions",
    "_iterative",
    "_min_norm",
    "_symmetric",
    "_recognition",
    "_methods",
    "_solve",
    "_line_search",
    "_root",
    "_free_variables",
    "_calculus",
    "_differences",
    "_numpy",
    "_display",
    "_spy",
    "_chunks",
    "_chunked_arrays",
    "_chunked_products",
    "_chunked_triangles",
    "_chunked_equations",
    "_dask",
    "__init__",
    "_tour",
    "__main__",
]


def module_of(path):
    return path.relative_to(PYTHON).parts[0].removesuffix(".py")


def imported(path):
    """The modules of the package that a file imports, at its top or inside its functions."""
    depth = len(path.relative_to(PYTHON).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            names = [node.module.split(".")[0]] if node.module else [a.name for a in node.names]
            yield from (name if name in ORDER else "__init__" for name in names)
        elif isinstance(node, ast.ImportFrom) and node.level > 0:
            assert node.level < depth, f"{path} imports from outside the package"
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = (
                [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            )
            for name in names:
                parts = (name or "").split(".")
                if parts[0] == "otimes":
                    yield parts[1] if len(parts) > 1 else "__init__"


@pytest.mark.parametrize(
    "path", sorted(PYTHON.rglob("*.py")), ids=lambda p: str(p.relative_to(PYTHON))
)
def test_python_imports_go_down(path):
    name = module_of(path)
    allowed = ORDER[: ORDER.index(name)]
    for other in imported(path):
        assert other in allowed or (other == name and path.parent != PYTHON), (
            f"{path} imports {other}"
        )


def test_one_module_of_every_layer_is_read():
    assert {module_of(p) for p in PYTHON.rglob("*.py")} <= set(ORDER)
    assert list(imported(PYTHON / "_structures.py")) == ["_check", "_dtypes", "_operator"]


def test_the_map_of_the_developers_page_names_modules_that_exist():
    text = (ROOT / "docs" / "developing.md").read_text(encoding="utf-8")
    table = text.split("| about | modules |")[1].split("\n\n")[0]
    named = set(re.findall(r"`(_\w+)`", table))
    assert len(named) > 40
    assert named <= set(ORDER)


def test_the_readme_of_the_core_names_files_that_exist():
    rows = re.findall(r"^\|.*\|$", (CPP / "README.md").read_text("utf-8"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert len(named) > 40
    assert named <= {p.stem for p in CPP.rglob("*.hpp")}


#: What a C++ header may include beside view, error and threads; lowest first.
HEADERS = {
    # vocabulary
    "view": [],
    "error": [],
    "threads": [],
    "scalar": [],
    "scratch": [],
    "cpu": [],
    "stream": ["cpu"],
    "symmetry": [],
    "scaling": ["scalar"],
    # BLAS and LAPACK, on our own threads
    "blas": [],
    "lapack": ["blas"],
    "parallel_gemm": ["blas"],
    "product": ["parallel_gemm", "scalar", "symmetry"],
    "vectors": ["blas", "scalar"],
    # kernels compiled for several instruction sets
    "mode_kernels": [],
    "transpose_kernels": [],
    "reflector_kernels": [],
    "hessenberg_kernels": [],
    "triangular_kernels": [],
    "small_kernels": [],
    # vec, and products with Kronecker operators
    "transpose": [],
    "vech": [],
    "term": [],
    "plan": [],
    "mode_product": ["term", "mode_kernels"],
    "mode_sequence": ["term", "plan", "mode_product"],
    "dense_kron": ["term"],
    "kron": ["term", "mode_sequence"],
    "sparse_product": ["term"],
    # triangular equations
    "small_system": ["scalar"],
    "triangular": ["symmetry"],
    "two_by_two": ["scalar"],
    "triangular_tsylvester": ["triangular"],
    "condition": ["scalar", "triangular", "vectors"],
    # decompositions
    "small_lu": ["condition", "scalar", "scaling"],
    "lu": ["lapack"],
    "square": ["lu"],
    "pseudo_inverse": ["lapack"],
    "basis": [],
    "hessenberg": ["basis"],
    "rotation": [],
    "qr_iteration": [],
    "early_deflation": ["reflector_kernels"],
    "schur": ["basis"],
    "diagonal_blocks": [],
    "generalized_schur": ["basis"],
    "qr": [],
    "periodic_schur": ["basis"],
    "star_schur": ["basis", "triangular_tsylvester"],
    "triangular_pencils": ["generalized_schur", "triangular"],
    "pencil_condition": ["triangular_pencils"],
    # what every equation has, and the ways to solve one
    "equation": [],
    "refinement": ["equation", "scaling"],
    "equation_method": ["equation", "scaling"],
    "bartels_stewart": ["equation_method", "schur"],
    "doubling": ["equation_method"],
    "shifted_lu": ["equation_method", "lu", "schur"],
    "hessenberg_schur": [
        "equation_method",
        "hessenberg",
        "hessenberg_kernels",
        "schur",
        "scratch",
    ],
    "small_solver": ["equation", "small_kernels", "scratch"],
    # equations
    "axb": ["equation", "square"],
    "sylvester": ["equation", "equation_method"],
    "stein": ["equation", "equation_method"],
    "time": [],
    "lyapunov": ["equation", "equation_method", "time"],
    "tsylvester": ["equation", "generalized_schur", "star_schur"],
    "axb_cxtd": ["equation", "periodic_schur", "star_schur"],
    "generalized_sylvester": ["equation", "generalized_schur"],
    "coupled_sylvester": ["equation", "generalized_schur"],
    "equations": ["equation", "small_kernels"],
    "lyapunov_factor": ["time"],
    "riccati": ["equation", "time"],
    "riccati_doubling": ["riccati"],
    "riccati_pencil": ["riccati"],
    "riccati_scaling": ["riccati"],
    "lstsq_axb": ["equation"],
    # solvers and functions of Kronecker operators
    "kron_lu": ["lu"],
    "two_sided": [],
    "kron_triangular": [],
    "matrix_functions": [],
}


@pytest.mark.parametrize(
    "path", sorted((CPP / "include" / "otimes").glob("*.hpp")), ids=lambda p: p.stem
)
def test_headers_include_only_what_is_below(path):
    included = re.findall(r'#include "otimes/(\w+)\.hpp"', path.read_text(encoding="utf-8"))
    allowed = {"view", "error", "threads", *HEADERS[path.stem]} - {path.stem}
    assert set(included) <= allowed


def test_headers_are_listed_bottom_up():
    order = list(HEADERS)
    for name, included in HEADERS.items():
        assert all(order.index(other) < order.index(name) for other in included), name


@pytest.mark.parametrize(
    "path", sorted([*CPP.glob("include/**/*.hpp"), *CPP.glob("src/*")]), ids=lambda p: p.name
)
def test_the_core_knows_nothing_of_python(path):
    text = path.read_text(encoding="utf-8")
    for word in ("pybind11", "Python.h", "numpy/"):
        assert word not in text


def test_only_the_bindings_include_pybind11():
    including = {p.parent.name for p in CPP.rglob("*.?pp") if "pybind11" in p.read_text("utf-8")}
    assert including == {"bindings"}


# --- the top level -------------------------------------------------------------------------------

TOP = {
    "pyproject.toml",
    "CMakeLists.txt",
    "README.md",
    "LICENSE",
    "cpp",
    "python",
    "tests",
    "benchmarks",
    "docs",
}


def test_nothing_else_at_top_level():
    visible = {p.name for p in ROOT.iterdir() if not p.name.startswith(".")}
    made = {"build", "dist", "__pycache__"}  # by a build, and ignored by git
    assert visible - made <= TOP
    assert {"pyproject.toml", "CMakeLists.txt", "LICENSE", "cpp", "python", "tests"} <= visible


def test_the_oracle_does_not_import_the_library():
    tree = ast.parse((ROOT / "tests" / "oracle.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        assert not any(name.split(".")[0] in ("otimes", "zoo") for name in names)


# --- versions and exports ------------------------------------------------------------------------


def test_versions_agree():
    with open(ROOT / "pyproject.toml", "rb") as file:
        version = tomllib.load(file)["project"]["version"]
    assert ox.__version__ == ox._core.__version__ == version
    for path in (".ci/conda/recipe.yaml", ".github/CITATION.cff"):
        if (ROOT / path).exists():  # not part of a source distribution
            assert re.search(
                rf'version: "?{re.escape(version)}"?$', (ROOT / path).read_text(), re.MULTILINE
            ), path


#: The page of the public API that this version implements.
PUBLIC = {
    # the vec family
    "vec", "unvec", "vech", "unvech", "veck", "unveck", "commutation_matrix",
    "duplication_matrix", "elimination_matrix", "symmetrizer_matrix",
    # operators
    "kron", "kronecker_sum", "identity", "diagonal", "aslinearoperator",
    "kron_matmul", "kron_rmatmul", "kron_apply", "nearest_kronecker",
    "set_max_dense", "set_num_threads", "get_num_threads",
    # equations
    "solve_axb", "lstsq_axb", "solve_sylvester", "sylvester_factor", "solve_stein",
    "solve_continuous_lyapunov", "solve_discrete_lyapunov", "solve_tsylvester",
    "solve_generalized_sylvester", "solve_coupled_sylvester",
    "solve_continuous_are", "solve_discrete_are", "solve_lyapunov_factor",
    "solve", "select_method", "root",
    # calculus
    "jacobian", "linearize", "jvp", "vjp", "gradient", "hessian", "stop_gradient",
    "check_jacobian",
    "expm", "logm", "sqrtm",
    # results and warnings
    "SolveInfo", "RootResult", "DenseFallbackWarning", "IllConditionedWarning",
}  # fmt: skip


def test_all_is_the_page_of_the_api():
    assert set(ox.__all__) == PUBLIC
    assert len(ox.__all__) == len(set(ox.__all__))
    for name in ox.__all__:
        assert hasattr(ox, name)


def defined_in_stub():
    tree = ast.parse((PYTHON / "_core.pyi").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def test_the_stub_names_what_the_core_has():
    """stubtest compares signatures; this, run with every test run, the names."""
    stub = {n for n in defined_in_stub() if not n.startswith("_") or n == "__version__"}
    core = {n for n in vars(ox._core) if not n.startswith("_") or n == "__version__"}
    assert stub == core


# --- docstrings ----------------------------------------------------------------------------------


FUNCTIONS = sorted(n for n in ox.__all__ if inspect.isfunction(getattr(ox, n)))


#: They compute nothing.
SETTINGS = {"get_num_threads", "set_max_dense", "set_num_threads", "stop_gradient"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_say_what_they_compute(name):
    """The equation (or the law) first, and an example; test_docstrings.py reads the sections."""
    text = inspect.getdoc(getattr(ox, name))
    assert text, f"{name} has no docstring"
    assert text.splitlines()[0].endswith((".", ":", "``"))
    assert re.search(r"^Examples\n-+$", text, re.MULTILINE), f"{name}: no Examples"
    if name not in SETTINGS:
        equation = text.split("Parameters\n")[0]
        assert re.search(r"[=→⊗⊕ᵀΣ]|vec[hk]\(A\)|select|`solve`", equation), f"{name}: no equation"


def all_modules():
    """The Python modules of the installed package (beside them lies the BLAS library)."""
    root = Path(ox.__file__).parent
    for path in sorted(root.rglob("*.py")):
        name = ".".join(path.relative_to(root.parent).with_suffix("").parts)
        if path.name != "__main__.py":
            yield name.removesuffix(".__init__")


@pytest.mark.parametrize("name", list(all_modules()))
def test_docstring_examples_run(name):
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    with np.printoptions(legacy=False):
        results = doctest.testmod(module, optionflags=flags)
    assert results.failed == 0, f"{results.failed} examples of {name} fail; see the output"


def test_there_are_docstring_examples():
    finder = doctest.DocTestFinder()
    found = {
        test.name.rsplit(".", 1)[-1]
        for name in all_modules()
        for test in finder.find(importlib.import_module(name))
        if test.examples
    }
    assert set(FUNCTIONS) <= found
