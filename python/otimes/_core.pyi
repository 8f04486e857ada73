"""Stub of the compiled core."""

from typing import Any

from numpy.typing import NDArray

# --- matrix equations ----------------------------------------------------------------------------

# X, quiet (nothing has to be said), residual, rcond, scale, refinements; arrays for a batch.
_Solved = tuple[NDArray[Any], bool, Any, Any, Any, Any]

def solve_sylvester(a: object, b: object, q: object, check_finite: bool) -> _Solved | None: ...
def solve_axb(a: object, b: object, q: object, check_finite: bool) -> _Solved | None: ...
def sylvester_factor(a: object, b: object) -> SylvesterFactor | None: ...

class SylvesterFactor:
    def rcond(self) -> float: ...
    def solve(self, rhs: object, adjoint: bool, check_finite: bool) -> _Solved | None: ...
