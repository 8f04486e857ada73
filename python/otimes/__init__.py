"""otimes: Kronecker and vec linear algebra for NumPy."""

from ._calculus import gradient, jacobian, jvp, linearize, vjp
from ._check import DenseFallbackWarning, set_max_dense
from ._core import __version__
from ._kron import kron, kronecker_sum
from ._selection import aslinearoperator, commutation_matrix, diagonal, identity
from ._trace import stop_gradient
from ._vec import unvec, unvech, unveck, vec, vech, veck
from . import _display, _numpy
