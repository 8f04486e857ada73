"""Stub of the compiled core."""

from collections.abc import Sequence
from typing import Any, type_check_only

from numpy.typing import NDArray

@type_check_only
class _Pybind11Type(type): ...  # the metaclass of pybind11's classes

# --- the system ----------------------------------------------------------------------------------

__version__: str
compiler: str
blas_source: str
kernels: str

def blas_config() -> str: ...
def blas_core() -> str: ...
def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...

# --- triangles -----------------------------------------------------------------------------------

def gather_lower(a: NDArray[Any], offset: int, out: NDArray[Any]) -> None: ...
def scatter_lower(v: NDArray[Any], offset: int, mirror: bool, out: NDArray[Any]) -> None: ...

# --- Kronecker products --------------------------------------------------------------------------

# entries: how many each factor stores; () where all are dense
def application_order(
    rows: Sequence[int], cols: Sequence[int], entries: Sequence[int] = ()
) -> tuple[int, ...]: ...
def application_work(
    rows: Sequence[int], cols: Sequence[int], order: Sequence[int], entries: Sequence[int] = ()
) -> float: ...

# None where the input is not exact: a list or a tuple of contiguous matrices of one dtype
def kron_product(
    factors: object, x: object, out: object, from_right: bool
) -> NDArray[Any] | None: ...
def kron_apply(factors: object, tensor: object, axes: object) -> NDArray[Any] | None: ...

# (data, columns, start of each row, shape)
_Sparse = tuple[NDArray[Any], NDArray[Any], NDArray[Any], tuple[int, int]]

class TermPlan(metaclass=_Pybind11Type):
    # terms: (coefficient, factors (a size is an identity), order of the modes)
    def __init__(
        self,
        dtype: str,
        terms: list[tuple[Any, tuple[NDArray[Any] | _Sparse | int, ...], tuple[int, ...]]],
    ) -> None: ...
    def matmul(self, x: object, out: object = None) -> NDArray[Any] | None: ...
    def apply(self, x: NDArray[Any]) -> NDArray[Any]: ...
    def rows(self, indices: NDArray[Any]) -> NDArray[Any]: ...
    @property
    def work(self) -> float: ...

class KronLU(metaclass=_Pybind11Type):
    def __init__(self, dtype: str, factors: list[Any]) -> None: ...
    @property
    def rcond(self) -> float: ...
    def solve(self, op: str, x: NDArray[Any]) -> None: ...

# --- matrix equations ----------------------------------------------------------------------------

# X, quiet (nothing has to be said), residual, rcond, scale, refinements; arrays for a batch.
_Solved = tuple[NDArray[Any], bool, Any, Any, Any, Any]

def solve_sylvester(a: object, b: object, q: object, check_finite: bool) -> _Solved | None: ...
def solve_axb(a: object, b: object, q: object, check_finite: bool) -> _Solved | None: ...
def sylvester_factor(a: object, b: object) -> SylvesterFactor | None: ...

class SylvesterFactor(metaclass=_Pybind11Type):
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...  # made by sylvester_factor
    def rcond(self) -> float: ...
    def solve(self, rhs: object, adjoint: bool, check_finite: bool) -> _Solved | None: ...
