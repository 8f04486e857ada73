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
def scatter_lower(v: NDArray[Any], offset: int, out: NDArray[Any]) -> None: ...

# along the middle mode of C-ordered arrays (batch, n(n+1)/2, inner) and (batch, n*n, inner)
def pad_triangle(v: NDArray[Any], n: int) -> NDArray[Any]: ...
def cut_triangle(a: NDArray[Any], n: int) -> NDArray[Any]: ...
def mirror_triangle(v: NDArray[Any], n: int) -> NDArray[Any]: ...
def share_triangle(v: NDArray[Any], n: int) -> NDArray[Any]: ...
def fold_triangle(a: NDArray[Any], n: int) -> NDArray[Any]: ...
def average_triangle(a: NDArray[Any], n: int) -> NDArray[Any]: ...
def symmetrize(a: NDArray[Any], n: int) -> NDArray[Any]: ...

# --- Kronecker products --------------------------------------------------------------------------

def merged_runs(rows: Sequence[int], cols: Sequence[int], lanes: int) -> tuple[int, ...]: ...

# (modes in order of application, columns in a panel, the same for the passes over a panel)
def plan_passes(
    rows: Sequence[int], cols: Sequence[int], right: int, panel: int, block: int, line: int
) -> list[tuple[tuple[int, ...], int, list[Any]]]: ...

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
    def passes(self, right: int) -> int: ...
    def rows(self, indices: NDArray[Any]) -> NDArray[Any]: ...
    @property
    def work(self) -> float: ...

class KronLU(metaclass=_Pybind11Type):
    def __init__(self, dtype: str, factors: list[Any]) -> None: ...
    @property
    def rcond(self) -> float: ...
    def solve(self, op: str, x: NDArray[Any]) -> None: ...

# --- matrix equations ----------------------------------------------------------------------------

# X, quiet (nothing has to be said), method, residual, rcond, scale, refinements; the numbers are
# arrays for a batch.
_Solved = tuple[NDArray[Any], bool, str, Any, Any, Any, Any]

class Equation(metaclass=_Pybind11Type):
    def __init__(self, name: str) -> None: ...
    def solve(
        self, coefficients: tuple[Any, ...], q: object, check_finite: bool
    ) -> _Solved | None: ...
    def factor(self, coefficients: tuple[Any, ...]) -> EquationFactor | None: ...

class EquationFactor(metaclass=_Pybind11Type):
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...  # made by Equation.factor
    def rcond(self) -> float: ...
    def solve(self, rhs: object, adjoint: bool, check_finite: bool) -> _Solved | None: ...

def solve_riccati(
    discrete: bool,
    a: object,
    b: object,
    q: object,
    r: object,
    e: object,
    s: object,
    balanced: bool,
    check: bool,
) -> _Solved | None: ...
def lyapunov_factor(
    discrete: bool, a: object, b: object, e: object, check: bool
) -> NDArray[Any] | None: ...

# x (ridges, ..., m, n), method, rank of a, rank of b, residual, rcond, scale
def lstsq_axb(
    a: NDArray[Any], b: NDArray[Any], c: NDArray[Any], rcond: float, ridges: NDArray[Any]
) -> tuple[
    NDArray[Any], str, NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]
]: ...

# --- matrix functions ----------------------------------------------------------------------------

def expm(a: object, check_finite: bool) -> tuple[NDArray[Any], bool] | None: ...

# --- sums of Kronecker products in Schur coordinates ----------------------------------------------

def schur(a: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]: ...
def solve_triangular_sum(
    sizes: Sequence[int],
    terms: list[tuple[complex, list[NDArray[Any] | None]]],
    tiny: complex,
    x: NDArray[Any],
) -> None: ...
