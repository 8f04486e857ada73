"""The time that an import takes."""

from .cases import IMPORT


class Import:
    """Import in a new interpreter that has imported numpy."""

    params = IMPORT.names
    param_names = ("module",)
    number = 1  # a second import would find the module loaded

    def setup(self, module):
        IMPORT.prepared(module, 0)

    def timeraw_import(self, module):
        return IMPORT.codes[module].run, "import numpy"
