"""The codes of cases as asv runs them: made once, and left out where they cannot run."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from . import measure
from .cases import Case, Size

try:
    from asv_runner.benchmarks.mark import SkipNotImplemented
except ImportError:  # not run by asv
    SkipNotImplemented = NotImplementedError


class Codes:
    """The codes of some cases.

    They are made here and not in a method `setup`, which asv runs anew before every call that it
    times: the times would be those of first calls.
    """

    def __init__(self, cases: Mapping[str, Case]) -> None:
        self.cases = cases
        self.function = functools.cache(self._function)

    def _function(self, case: str, code: str, n: Size) -> Callable[[], Any]:
        """``function(case, code, n)`` is a function without arguments, made at the first call."""
        if code not in self.cases[case].names:
            raise SkipNotImplemented(f"{code} does not do this job")
        try:
            return self.cases[case].function(code, n)
        except NotImplementedError as error:
            raise SkipNotImplemented(str(error)) from error

    def ratio(self, case: str, code: str, n: Size) -> float:
        """The code's time over ours."""
        self.function(case, code, n)
        return measure.ratio(self.cases[case], code, n)
