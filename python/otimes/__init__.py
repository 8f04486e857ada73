"""otimes: Kronecker and vec linear algebra for NumPy."""

# these fill registries: how operators look, what NumPy's functions do with them, sparse matrices
from . import _display as _display
from . import _numpy as _numpy
from . import _spy as _spy
from . import _tocsr as _tocsr
from ._calculus import gradient, hessian, jacobian, jvp, linearize, vjp
from ._check import DenseFallbackWarning
from ._core import __version__ as __version__
from ._differences import check_jacobian
from ._equations import solve_axb, solve_sylvester, solve_tsylvester, sylvester_factor
from ._kron import kron, kronecker_sum
from ._lstsq_axb import lstsq_axb
from ._lyapunov import solve_continuous_lyapunov, solve_discrete_lyapunov, solve_stein
from ._lyapunov_factor import solve_lyapunov_factor
from ._matrix_functions import expm, logm, sqrtm
from ._memory import set_max_dense
from ._methods import select_method
from ._nearest import nearest_kronecker
from ._pencil_equations import solve_coupled_sylvester, solve_generalized_sylvester
from ._products import kron_apply, kron_matmul, kron_rmatmul
from ._riccati import solve_continuous_are, solve_discrete_are
from ._root import RootResult, root
from ._selection import (
    aslinearoperator,
    commutation_matrix,
    diagonal,
    duplication_matrix,
    elimination_matrix,
    identity,
    symmetrizer_matrix,
)
from ._solve import solve
from ._solve_info import IllConditionedWarning, SolveInfo
from ._threads import get_num_threads, set_num_threads
from ._traced_arrays import stop_gradient
from ._vec import unvec, unvech, unveck, vec, vech, veck

__all__ = [
    "DenseFallbackWarning",
    "IllConditionedWarning",
    "RootResult",
    "SolveInfo",
    "aslinearoperator",
    "check_jacobian",
    "commutation_matrix",
    "diagonal",
    "duplication_matrix",
    "elimination_matrix",
    "expm",
    "get_num_threads",
    "gradient",
    "hessian",
    "identity",
    "jacobian",
    "jvp",
    "kron",
    "kron_apply",
    "kron_matmul",
    "kron_rmatmul",
    "kronecker_sum",
    "linearize",
    "logm",
    "lstsq_axb",
    "nearest_kronecker",
    "root",
    "select_method",
    "set_max_dense",
    "set_num_threads",
    "solve",
    "solve_axb",
    "solve_continuous_are",
    "solve_continuous_lyapunov",
    "solve_coupled_sylvester",
    "solve_discrete_are",
    "solve_discrete_lyapunov",
    "solve_generalized_sylvester",
    "solve_lyapunov_factor",
    "solve_stein",
    "solve_sylvester",
    "solve_tsylvester",
    "sqrtm",
    "stop_gradient",
    "sylvester_factor",
    "symmetrizer_matrix",
    "unvec",
    "unvech",
    "unveck",
    "vec",
    "vech",
    "veck",
    "vjp",
]
