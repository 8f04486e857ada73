"""The documentation site: Sphinx reads the Markdown pages as they are, and the docstrings."""

import otimes

project = "otimes"
author = "The otimes developers"
copyright = author
version = release = otimes.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

myst_heading_anchors = 4  # those of GitHub, which tests/test_readme.py checks
myst_linkify_fuzzy_links = False
default_role = "py:obj"  # `name` in a docstring is a link where there is something to link to
autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # parameters are described in words
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False

html_theme = "furo"
html_title = f"otimes {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

#: The pages of the site by area. Markdown has no word for it that would not show on GitHub.
NAVIGATION = {
    "First steps": ["tutorial", "migration", "conventions"],
    "Areas": ["kronecker", "engine", "equations", "jacobians", "numpy", "dask"],
    "Applications": [
        "guides/balanced_truncation",
        "guides/econometrics",
        "guides/gaussian_process",
        "guides/fast_diagonalization",
        "guides/kronecker_factors",
        "guides/lindblad",
        "gallery",
    ],
    "Reference": [
        "reference",
        "accuracy",
        "reliability",
        "building",
        "benchmarks",
        "developing",
        "changelog",
    ],
}


def add_navigation(app, docname, source):
    """Append the tree of pages to the first one."""
    if docname == "index":
        for caption, pages in NAVIGATION.items():
            options = f":caption: {caption}\n:hidden:"
            source[0] += "\n".join(["", "```{toctree}", options, "", *pages, "```", ""])


def setup(app):
    """Connect what Sphinx calls."""
    app.connect("source-read", add_navigation)
