"""The table of cases: what otimes runs, what its peers run for the same result, and the targets.

Code is kept as text, as a user would write it, so that nothing is timed but the code itself.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import otimes as ox

OURS, LIMIT = "otimes", "limit"
Names = dict[str, Any]


class Chain(NamedTuple):
    """A product with many equal factors; the size of the operand stands first, as in any case."""

    entries: int  # of x, in rows
    p: int  # the factors are p×p
    factors: int

    @property
    def rows(self) -> int:
        return self.entries // self.p**self.factors

    def __str__(self) -> str:
        rows = f", {self.rows} rows" if self.rows > 1 else ""
        return f"{self.p}×{self.p} ^{self.factors}{rows}"


Size = int | Chain


@dataclass(frozen=True)
class Code:
    """An expression to be measured, and the statements to be run before it."""

    run: str
    prepare: str = ""
    result: str = "y"  # from y, the value of `run`: the array that is equal for all
    sizes: Container[Size] | None = None  # where it says something, and is not too dear; all

    def runs_at(self, n: Size) -> bool:
        return self.sizes is None or n in self.sizes


@dataclass(frozen=True)
class Target:
    """A row of the list of targets, by its id, and the bounds it sets."""

    id: str
    ratio: float | None = None  # the best rival's value over ours, at least
    fraction: float | None = None  # the limit's value over ours, at least
    value: float | None = None  # ours in seconds or bytes, at most
    rivals: tuple[str, ...] = ()  # peers that count; all when empty
    either: bool = False  # one of the bounds is enough


@dataclass(frozen=True)
class Case:
    """One job, for several sizes n."""

    area: str
    title: str
    inputs: Callable[[Any], Names]  # of a size
    ours: Code
    peers: dict[str, Code]
    targets: dict[Any, Target]  # by size; 0 for a job that has none
    limits: tuple[Code, ...] = ()  # what no code can beat: the one that takes longest is the limit
    mean: float | None = None  # the geometric mean of all ratios that have a bound, at least
    quantity: str = "time"  # or "import time", "peak memory": a key of measure.SAMPLERS
    codes: dict[str, Code] = field(init=False)

    def __post_init__(self) -> None:
        limits = {f"{LIMIT} {k}": code for k, code in enumerate(self.limits)}
        object.__setattr__(self, "codes", {OURS: self.ours, **self.peers, **limits})

    @property
    def sizes(self) -> tuple[Size, ...]:
        return tuple(self.targets)

    @property
    def names(self) -> tuple[str, ...]:
        return (OURS, *self.peers)

    def rivals(self, n: Size) -> tuple[str, ...]:
        """The peers that count at this size."""
        return self.targets[n].rivals or tuple(k for k, c in self.peers.items() if c.runs_at(n))

    def prepared(self, name: str, n: Size) -> Names:
        """Everything that the code of that name uses; NotImplementedError if it cannot run."""
        code = self.codes[name]
        if n not in self.targets or not code.runs_at(n):
            raise NotImplementedError(f"{name} is not run at n = {n}")
        names = {"np": np, "ox": ox, "n": n, **self.inputs(n)}
        try:
            exec(code.prepare, names)
        except ImportError as error:
            raise NotImplementedError(f"{name} is missing: {error}") from error
        return names

    def function(self, name: str, n: Size) -> Callable[[], Any]:
        """Return the code of that name as a function without arguments."""
        function: Callable[[], Any] = eval(
            f"lambda: {self.codes[name].run}", self.prepared(name, n)
        )
        return function

    def result(self, name: str, n: Size) -> Any:
        """Return the array that is equal for all codes of this case."""
        return eval(self.codes[name].result, {"n": n, "np": np, "y": self.function(name, n)()})


# --- inputs ---------------------------------------------------------------------------------------


def nothing(n: int) -> Names:
    return {}


def two_factors(dtype: str, n: int) -> Names:
    A, B, X = np.random.default_rng(n).standard_normal((3, n, n)).astype(dtype)
    Y, Z = np.empty((2, n, n), dtype)
    return {"A": A, "B": B, "X": X, "Y": Y, "Z": Z, "x": X.ravel()}


def triangle(n: int) -> Names:
    return {"v": np.random.default_rng(n).standard_normal(n * (n + 1) // 2)}


def one_matrix(n: int) -> Names:
    X = np.random.default_rng(n).standard_normal((n, n))
    return {"X": X, "x": X.ravel()}


def many_factors(dtype: str, size: tuple[int, int, int]) -> Names:
    """Factors and X, and the operands of a GEMM of as many flops as the factors need in turn."""
    chain = Chain(*size)
    rng = np.random.default_rng(chain.entries)
    factors = list(rng.standard_normal((chain.factors, chain.p, chain.p)).astype(dtype))
    X = rng.standard_normal((chain.rows, chain.p**chain.factors)).astype(dtype)
    width = min(512, chain.entries)
    G = rng.standard_normal((chain.entries * chain.p * chain.factors // width**2, width))
    return {
        "factors": factors,
        "X": X,
        "Y": np.empty_like(X),
        "x": X if chain.rows > 1 else X[0],
        "G": G.astype(dtype),
        "H": np.eye(width, dtype=dtype),
        "Z": np.empty_like(G, dtype),
    }


def general_equation(n: int) -> Names:
    """Random matrices; S is symmetric."""
    A, B, C, D, Q = np.random.default_rng(n).standard_normal((5, n, n))
    return {"A": A, "B": B, "C": C, "D": D, "Q": Q, "S": Q + Q.T}


def stable_equation(n: int) -> Names:
    """Every eigenvalue of A and of B has a negative real part: the spectra are separable."""
    names = general_equation(n)
    shift = 2 * np.sqrt(n) * np.eye(n)
    return {**names, "A": names["A"] - shift, "B": names["B"] - shift}


def encircled_equation(n: int, dtype: str) -> Names:
    """The spectrum of -B on a circle around that of A: well-conditioned, and not separable."""
    rng = np.random.default_rng(n)
    imaginary = 1j if np.dtype(dtype).kind == "c" else 0
    A, B, Q = (x + imaginary * y for x, y in rng.standard_normal((3, 2, n, n)))
    circle, _ = np.linalg.qr(B)
    return {
        "A": (A / np.linalg.norm(A, 2)).astype(dtype),
        "B": (2 * circle).astype(dtype),
        "Q": Q.astype(dtype),
    }


def contractive_equation(n: int) -> Names:
    """The eigenvalues of A and of B lie within the circle of radius 0.9."""
    names = general_equation(n)
    scale = 0.85 / np.sqrt(n)
    return {**names, "A": names["A"] * scale, "B": names["B"] * scale}


def control_problem(n: int) -> Names:
    """A plant with n states and n/5 inputs, weights Q and R."""
    names = general_equation(n)
    inputs = max(1, n // 5)
    return {**names, "B": names["B"][:, :inputs], "Q": np.eye(n), "R": np.eye(inputs)}


def many_equations(count: int) -> Names:
    """Well-conditioned equations of size 4."""
    A, B, Q = np.random.default_rng(count).standard_normal((3, count, 4, 4))
    return {"A": A + 4 * np.eye(4), "B": B + 4 * np.eye(4), "Q": Q}


def point_and_direction(n: int) -> Names:
    A, V = np.random.default_rng(n).standard_normal((2, n, n))
    return {"A": A, "V": V, "v": V.ravel(order="F"), "A2": A @ A}


def covariances(n: int) -> Names:
    """Positive definite A, of a sample C, and a direction V."""
    names = point_and_direction(n)
    A, V = names["A"], names["V"]
    C = V @ V.T / n + np.eye(n)
    return {**names, "A": A @ A.T / n + np.eye(n), "C": C}


# --- kron -----------------------------------------------------------------------------------------

_TORCH = """
import torch
from linear_operator.operators import KroneckerProductLinearOperator
torch.set_num_threads(ox.get_num_threads())
"""

_AFFORDABLE = range(513)  # beyond, general peers take seconds and are no rivals

PRODUCT = Case(
    area="kron",
    title="op @ x, two n×n factors",
    inputs=partial(two_factors, "float64"),
    ours=Code("op @ x", "op = ox.kron(A, B)"),
    peers={
        "numpy": Code("A @ X @ B.T", result="y.ravel()"),
        "np.kron": Code("np.kron(A, B) @ x", sizes=range(65)),
        "fastkron": Code(
            "gemkm(x, factors)",
            "from pyfastkron.fastkronnumpy import gemkm\nx, factors = x[None], [A.T, B.T]",
            result="y.ravel()",
            sizes=_AFFORDABLE,
        ),
        "linear_op": Code(
            "K @ x",
            _TORCH + "A, B, x = map(torch.from_numpy, (A, B, x))\n"
            "K = KroneckerProductLinearOperator(A, B)",
            result="y.numpy()",
            sizes=_AFFORDABLE,
        ),
        "pylops": Code(
            "K @ x",
            "from pylops import Kronecker, MatrixMult\n"
            "K = Kronecker(*(MatrixMult(F, dtype=F.dtype) for F in (A, B)), dtype=A.dtype)",
            sizes=_AFFORDABLE,
        ),
    },
    # The two GEMMs into memory that is there; below, what counts is the cost of a call.
    limits=(Code("np.matmul(np.matmul(A, X, out=Y), B, out=Z)", sizes=range(512, 10**9)),),
    targets={
        4: Target("P1", ratio=2, value=0.8e-6, rivals=("numpy",)),
        **dict.fromkeys((32, 64, 128), Target("P2", ratio=1.2, rivals=("numpy",))),
        **dict.fromkeys(
            (512, 1024, 2048), Target("P2", ratio=0.97, fraction=0.9, rivals=("numpy",))
        ),
    },
)

ONE_SHOT = replace(
    PRODUCT,
    title="kron_matmul([A, B], x), two n×n factors",
    ours=Code("ox.kron_matmul((A, B), x)"),
    peers={**PRODUCT.peers, "ox.kron": Code("ox.kron(A, B) @ x")},
    targets=dict.fromkeys((4, 32, 128), Target("P1")),
)

_PLACES = """
i, j = np.sort(np.indices((n, n)), axis=0)[::-1].reshape(2, n * n)
places = j * n - j * (j + 1) // 2 + i
"""

DUPLICATION = Case(
    area="kron",
    title="D @ v, D = duplication_matrix(n)",
    inputs=triangle,
    ours=Code("op @ v", "op = ox.duplication_matrix(n)"),
    peers={
        "numpy": Code("v[places]", _PLACES),
        "scipy.sparse": Code("csr @ v", "csr = ox.duplication_matrix(n).tocsr()"),
    },
    limits=(Code("x.copy()", "x = np.ones(n * n)"),),  # as many bytes as D v has, read and written
    targets=dict.fromkeys((200, 2000), Target("P5")),
)

DENSE_KRON = Case(
    area="kron",
    title="op.toarray(), two n×n factors",
    inputs=partial(two_factors, "float64"),
    ours=Code("op.toarray()", "op = ox.kron(A, B)"),
    peers={"np.kron": Code("np.kron(A, B)")},
    targets={32: Target("P4", ratio=3), 64: Target("P4", ratio=1.5)},
)

COMMUTATION = Case(
    area="kron",
    title="K @ x, K of an n×n matrix",
    inputs=one_matrix,
    ours=Code("K @ x", "K = ox.commutation_matrix(n, n)"),
    peers={"numpy": Code("np.ascontiguousarray(X.T)", result="y.ravel()")},
    limits=(Code("x.copy()", sizes=range(5000, 10**9)),),  # as much memory, without the permutation
    targets={512: Target("P5", ratio=2), 5000: Target("P5", ratio=2, fraction=0.7)},
)
# The shuffle as NumPy runs it fastest: BLAS reads the transposed operand, so that none is made.
# Which end is better to begin at depends on p and the dtype: both are rivals.
_FROM_LAST = """
def shuffle(X, factors):
    for F in reversed(factors):
        X = F.T @ X.reshape(M, -1, len(F)).mT
    return X
M = len(X)
"""
_FROM_FIRST = """
def shuffle(X, factors):
    for F in factors:
        X = X.reshape(M, len(F), -1).mT @ F
    return X
M = len(X)
"""
_SHAPES = (  # p, factors, rows
    (2, 20, 1),
    (4, 10, 1),
    (8, 7, 1),
    (16, 5, 1),
    (32, 4, 1),
    (8, 5, 64),
    (4, 6, 256),
    (64, 3, 16),
    (128, 2, 64),
)

CHAIN = Case(
    area="kron",
    title="x @ op, float64",
    inputs=partial(many_factors, "float64"),
    ours=Code("x @ op", "op = ox.kron(*factors)", result="y.ravel()"),
    peers={
        "numpy last": Code("shuffle(X, factors)", _FROM_LAST, result="y.ravel()"),
        "numpy first": Code("shuffle(X, factors)", _FROM_FIRST, result="y.ravel()"),
        "fastkron": Code(
            "gemkm(X, factors)",
            "from pyfastkron.fastkronnumpy import gemkm",
            result="y.ravel()",
        ),
        "linear_op": Code(
            "X @ K",
            _TORCH + "X = torch.from_numpy(X)\n"
            "K = KroneckerProductLinearOperator(*map(torch.from_numpy, factors))",
            result="y.numpy().ravel()",
        ),
    },
    limits=(Code("np.matmul(G, H, out=Z)"), Code("np.copyto(Y, X)")),
    mean=4,
    targets={
        Chain(32, 2, 4): Target("P3"),  # the cost of a call
        **{
            Chain(rows * p**factors, p, factors): Target(
                "P3",
                ratio=1.3,
                fraction=0.85,
                either=True,
                rivals=("numpy last", "numpy first", "fastkron"),
            )
            for p, factors, rows in _SHAPES
        },
    },
)

PRODUCTS = {
    "float64": PRODUCT,
    "float32": replace(
        PRODUCT, title=f"{PRODUCT.title}, float32", inputs=partial(two_factors, "float32")
    ),
}
CHAINS = {
    "float64": CHAIN,
    "float32": replace(CHAIN, title="x @ op, float32", inputs=partial(many_factors, "float32")),
}

# --- equations ------------------------------------------------------------------------------------

SYLVESTER = Case(
    area="equations",
    title="A X + X B = Q",
    inputs=general_equation,
    ours=Code("ox.solve_sylvester(A, B, Q)"),
    peers={
        "scipy": Code("solve_sylvester(A, B, Q)", "from scipy.linalg import solve_sylvester"),
        "slycot": Code("sb04md(n, n, A, B, Q)", "from slycot import sb04md"),
    },
    targets={
        **dict.fromkeys((2, 4), Target("P6", ratio=1.5)),
        **dict.fromkeys((10, 30, 100), Target("P6", ratio=1.2)),
        300: Target("P6", ratio=1.8),
        1000: Target("P6", ratio=2.5),
    },
)

STABLE_SYLVESTER = replace(
    SYLVESTER,
    title="A X + X B = Q, stable",
    inputs=stable_equation,
    targets={
        30: Target("P6s", ratio=1.8),
        100: Target("P6s", ratio=3),
        **dict.fromkeys((300, 1000), Target("P6s", ratio=2.5)),
    },
)

_SCIPY = "from scipy.linalg import solve_sylvester"

MANY_SYLVESTER = Case(
    area="equations",
    title="A X + X B = Q, n equations of size 4",
    inputs=many_equations,
    ours=Code("ox.solve_sylvester(A, B, Q)"),
    peers={
        "scipy loop": Code(
            "[solve_sylvester(a, b, q) for a, b, q in zip(A, B, Q)]", _SCIPY, result="np.array(y)"
        ),
        "scipy": Code("solve_sylvester(A, B, Q)", _SCIPY),
        "np.linalg.solve": Code(
            "np.linalg.solve(np.einsum('nik,jl->nijkl', A, I).reshape(-1, 16, 16)"
            " + np.einsum('ik,nlj->nijkl', I, B).reshape(-1, 16, 16), Q.reshape(-1, 16, 1))",
            "I = np.eye(4)",
            result="y.reshape(-1, 4, 4)",
        ),
    },
    targets={
        100: Target("P7"),
        100_000: Target("P7", ratio=50, rivals=("scipy loop",)),
    },
)

SYLVESTERS = {
    dtype: replace(
        SYLVESTER,
        title=f"A X + X B = Q, {dtype}",
        inputs=partial(encircled_equation, dtype=dtype),
        peers={"scipy": SYLVESTER.peers["scipy"]},
        targets={
            **dict.fromkeys((4, 10, 30, 100), Target("P6", ratio=1.2)),
            300: Target("P6", ratio=1.8),
        },
    )
    for dtype in ("float32", "complex64", "complex128")
}

LYAPUNOV = Case(
    area="equations",
    title="A X + X Aᵀ = S",
    inputs=general_equation,
    ours=Code("ox.solve_continuous_lyapunov(A, S)"),
    peers={
        "scipy": Code(
            "solve_continuous_lyapunov(A, S)", "from scipy.linalg import solve_continuous_lyapunov"
        ),
        "slycot": Code("sb03md57(A, C=S, dico='C', trana='T')[2]", "from slycot import sb03md57"),
    },
    targets={
        **dict.fromkeys((10, 30), Target("P8")),
        **dict.fromkeys((100, 300, 1000), Target("P8", ratio=1.2)),
    },
)

STABLE_LYAPUNOV = replace(
    LYAPUNOV,
    title="A X + X Aᵀ = S, stable",
    inputs=stable_equation,
    targets={
        100: Target("P8", ratio=3),
        **dict.fromkeys((300, 1000), Target("P8", ratio=1.8)),
    },
)

STEIN = Case(
    area="equations",
    title="X - A X B = Q",
    inputs=general_equation,
    ours=Code("ox.solve_stein(A, B, Q)"),
    peers={
        "slycot": Code("sb04qd(n, n, minus_A, B, Q)", "from slycot import sb04qd\nminus_A = -A")
    },
    targets={
        **dict.fromkeys((10, 30), Target("P8")),
        100: Target("P8", ratio=1.3),
        **dict.fromkeys((300, 1000), Target("P8", ratio=2.5)),
    },
)

CONTRACTIVE_STEIN = replace(STEIN, title="X - A X B = Q, contractive", inputs=contractive_equation)

DISCRETE_LYAPUNOV = Case(
    area="equations",
    title="A X Aᵀ - X + S = 0",
    inputs=contractive_equation,
    ours=Code("ox.solve_discrete_lyapunov(A, S)"),
    peers={
        "scipy": Code(
            "solve_discrete_lyapunov(A, S)", "from scipy.linalg import solve_discrete_lyapunov"
        ),
        "slycot": Code(
            "sb03md57(A, C=minus_S, dico='D', trana='T')[2]",
            "from slycot import sb03md57\nminus_S = -S",
        ),
    },
    targets=dict.fromkeys((10, 100, 300, 1000), Target("P8")),
)

GENERALIZED_SYLVESTER = Case(
    area="equations",
    title="A X B + C X D = Q",
    inputs=general_equation,
    ours=Code("ox.solve_generalized_sylvester(A, B, C, D, Q)"),
    peers={
        "pymepack": Code("gesylv2(A, B, C, D, Q)[0]", "from pymepack import ggsylv as gesylv2"),
        "inverses": Code(  # what SciPy has: three solves and a Sylvester equation
            "solve_sylvester(np.linalg.solve(C, A), np.linalg.solve(B.T, D.T).T, "
            "np.linalg.solve(B.T, np.linalg.solve(C, Q).T).T)",
            "from scipy.linalg import solve_sylvester",
        ),
    },
    targets=dict.fromkeys((30, 100, 300, 1000), Target("P8", ratio=2, rivals=("pymepack",))),
)

TRANSPOSED = Case(
    area="equations",
    title="A X + Xᵀ B = Q",
    inputs=general_equation,
    ours=Code("ox.solve_tsylvester(A, B, Q)"),
    peers={
        "dense LU": Code(
            "np.linalg.solve(M, Q.ravel())",
            "M = np.einsum('ik,jl->ijkl', A, np.eye(n)) + np.einsum('il,kj->ijkl', np.eye(n), B)\n"
            "M = M.reshape(n * n, n * n)",
            result="y.reshape(n, n)",
            sizes=range(41),
        )
    },
    targets=dict.fromkeys((10, 30, 100, 300), Target("P8")),
)

RICCATI = Case(
    area="equations",
    title="Aᵀ X + X A - X B R⁻¹ Bᵀ X + Q = 0",
    inputs=control_problem,
    ours=Code("ox.solve_continuous_are(A, B, Q, R)"),
    peers={
        "scipy": Code(
            "solve_continuous_are(A, B, Q, R)", "from scipy.linalg import solve_continuous_are"
        )
    },
    targets=dict.fromkeys((10, 30, 100, 300), Target("P8")),
)

CUBE = Case(
    area="equations",
    title="J.solve(Q), J of A³",
    inputs=general_equation,
    ours=Code("J.solve(Q)", "J = ox.jacobian(lambda A: A @ A @ A, A)"),
    peers={
        "dense LU": Code(
            "np.linalg.solve(M, Q.ravel(order='F'))",
            "M = ox.jacobian(lambda A: A @ A @ A, A).toarray()",
            result="y.reshape(n, n, order='F')",
            sizes=range(61),
        )
    },
    targets={30: Target("P9"), 60: Target("P9", ratio=50), 200: Target("P9"), 400: Target("P9")},
)

# --- jacobians ------------------------------------------------------------------------------------

_JACOBIAN = "J = ox.jacobian(lambda A: A @ A @ A, A)"
_JAX = """
import jax
jax.config.update("jax_enable_x64", True)
A, V = jax.numpy.asarray(A), jax.numpy.asarray(V)
cube = lambda A: A @ A @ A
"""
_TORCH_CUBE = """
import torch
torch.set_num_threads(ox.get_num_threads())
A, V = torch.from_numpy(A), torch.from_numpy(V)
cube = lambda A: A @ A @ A
"""

FORWARD = Case(
    area="jacobians",
    title="J @ v, J of A³",
    inputs=point_and_direction,
    ours=Code("J @ v", _JACOBIAN),
    peers={
        "numpy": Code("A @ (V @ A + A @ V) + V @ A2", result="y.ravel(order='F')"),
        "jax": Code(
            "push(A, V).block_until_ready()",
            _JAX + "push = jax.jit(lambda A, V: jax.jvp(cube, (A,), (V,))[1])",
            result="np.asarray(y).ravel(order='F')",
        ),
        "torch": Code(
            "torch.func.jvp(cube, (A,), (V,))[1]", _TORCH_CUBE, result="y.numpy().ravel(order='F')"
        ),
    },
    targets={
        3: Target("P10", value=5e-6),  # the cost of a call
        **dict.fromkeys((30, 64), Target("P10")),
        300: Target("P10", ratio=1, rivals=("jax",)),
    },
)

REVERSE = replace(
    FORWARD,
    title="J.T @ w, J of A³",
    ours=Code("J.T @ v", _JACOBIAN),
    peers={
        "numpy": Code("A.T @ (V @ A.T + A.T @ V) + V @ A2.T", result="y.ravel(order='F')"),
        "jax": Code(
            "pull(A, V).block_until_ready()",
            _JAX + "pull = jax.jit(lambda A, W: jax.vjp(cube, A)[1](W)[0])",
            result="np.asarray(y).ravel(order='F')",
        ),
        "torch": Code(
            "torch.func.vjp(cube, A)[1](V)[0]", _TORCH_CUBE, result="y.numpy().ravel(order='F')"
        ),
    },
)

DENSE_JACOBIAN = replace(
    FORWARD,
    title="J.toarray(), J of A³",
    ours=Code("J.toarray()", _JACOBIAN),
    peers={
        "numpy": Code("np.kron(I, A2) + np.kron(A.T, A) + np.kron(A2.T, I)", "I = np.eye(n)"),
        "jax": Code(
            "dense(A).block_until_ready()",
            _JAX + "dense = jax.jit(jax.jacfwd(cube))",
            result="np.asarray(y).transpose(1, 0, 3, 2).reshape(n * n, n * n)",
        ),
        "torch": Code(
            "torch.func.jacfwd(cube)(A)",
            _TORCH_CUBE,
            result="y.numpy().transpose(1, 0, 3, 2).reshape(n * n, n * n)",
        ),
    },
    targets={30: Target("P10"), 64: Target("P10", ratio=3, rivals=("jax",))},
)

JACOBIAN_MEMORY = replace(
    FORWARD,
    title="memory of J @ v, J of A³",
    quantity="peak memory",
    targets={50: Target("P11"), 1000: Target("P11", value=200e6)},
)

MAKE_JACOBIAN = replace(
    FORWARD,
    title="jacobian(f, A), f = A³",
    ours=Code("ox.jacobian(cube, A)", "cube = lambda A: A @ A @ A", result="y @ np.ones(n * n)"),
    peers={
        "jax": Code(
            "jax.linearize(cube, A)[1]",
            _JAX,
            result="np.asarray(y(np.ones((n, n)))).ravel(order='F')",
        ),
    },
    targets={3: Target("P10", value=60e-6)},
)

_LIKELIHOOD = """
f = lambda A: -0.5 * np.linalg.slogdet(A)[1] - 0.5 * np.trace(np.linalg.solve(A, C))
"""
_JAX_LIKELIHOOD = _LIKELIHOOD.replace("np.", "jax.numpy.")

LIKELIHOOD_GRADIENT = Case(
    area="jacobians",
    title="gradient of a Gaussian log-likelihood",
    inputs=covariances,
    ours=Code("ox.gradient(f, A)", _LIKELIHOOD),
    peers={
        "numpy": Code("(Y := np.linalg.inv(A)) @ (C @ Y / 2) - Y / 2"),
        "jax": Code(
            "grad(A).block_until_ready()",
            _JAX + "C = jax.numpy.asarray(C)\n" + _JAX_LIKELIHOOD + "grad = jax.jit(jax.grad(f))",
        ),
    },
    targets=dict.fromkeys((3, 30, 300), Target("P10")),
)

LIKELIHOOD_HESSIAN = replace(
    LIKELIHOOD_GRADIENT,
    title="H @ v, H the Hessian of a Gaussian log-likelihood",
    ours=Code("H @ v", _LIKELIHOOD + "H = ox.hessian(f, A)"),
    peers={
        "jax": Code(
            "product(A, V).block_until_ready()",
            _JAX
            + "C = jax.numpy.asarray(C)\n"
            + _JAX_LIKELIHOOD
            + "product = jax.jit(lambda A, V: jax.jvp(jax.grad(f), (A,), (V,))[1])",
            result="np.asarray(y).ravel(order='F')",
        ),
    },
)

# --- import ---------------------------------------------------------------------------------------


def _import(module: str) -> Code:
    return Code(f"__import__('{module}')", f"import {module}", result="0")


IMPORT = Case(
    area="import",
    title="import, after numpy",
    inputs=nothing,
    ours=_import("otimes"),
    peers={name: _import(name) for name in ("scipy.linalg", "slycot")},
    targets={0: Target("P12", value=0.060)},
    quantity="import time",
)

CASES = (
    *PRODUCTS.values(),
    ONE_SHOT,
    *CHAINS.values(),
    DENSE_KRON,
    COMMUTATION,
    DUPLICATION,
    SYLVESTER,
    STABLE_SYLVESTER,
    MANY_SYLVESTER,
    *SYLVESTERS.values(),
    LYAPUNOV,
    STABLE_LYAPUNOV,
    STEIN,
    CONTRACTIVE_STEIN,
    DISCRETE_LYAPUNOV,
    GENERALIZED_SYLVESTER,
    TRANSPOSED,
    RICCATI,
    CUBE,
    FORWARD,
    REVERSE,
    DENSE_JACOBIAN,
    JACOBIAN_MEMORY,
    MAKE_JACOBIAN,
    LIKELIHOOD_GRADIENT,
    LIKELIHOOD_HESSIAN,
    IMPORT,
)
AREAS = tuple(dict.fromkeys(case.area for case in CASES))
