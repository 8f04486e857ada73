"""The table of cases: what otimes runs, what its peers run for the same result, and the targets.

Code is kept as text, as a user would write it, so that nothing is timed but the code itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import otimes as ox

OURS, LIMIT = "otimes", "limit"
Names = dict[str, Any]


@dataclass(frozen=True)
class Code:
    """An expression to be measured, and the statements to be run before it."""

    run: str
    prepare: str = ""
    result: str = "y"  # from y, the value of `run`: the array that is equal for all
    sizes: range = range(10**9)  # those for which it says something, and is not too dear


@dataclass(frozen=True)
class Target:
    """A row of the list of targets, by its id, and the bounds it sets."""

    id: str
    ratio: float | None = None  # the best rival's value over ours, at least
    fraction: float | None = None  # the limit's value over ours, at least
    value: float | None = None  # ours in seconds or bytes, at most
    rivals: tuple[str, ...] = ()  # peers that count; all when empty


@dataclass(frozen=True)
class Case:
    """One job, for several sizes n."""

    area: str
    title: str
    inputs: Callable[[int], Names]
    ours: Code
    peers: dict[str, Code]
    targets: dict[int, Target]  # by size; 0 for a job that has none
    limit: Code | None = None  # what no code can beat
    quantity: str = "time"  # or "import time", "peak memory": a key of measure.SAMPLERS
    codes: dict[str, Code] = field(init=False)

    def __post_init__(self) -> None:
        limit = {LIMIT: self.limit} if self.limit else {}
        object.__setattr__(self, "codes", {OURS: self.ours, **self.peers, **limit})

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(self.targets)

    @property
    def names(self) -> tuple[str, ...]:
        return (OURS, *self.peers)

    def prepared(self, name: str, n: int) -> Names:
        """Everything that the code of that name uses; NotImplementedError if it cannot run."""
        code = self.codes[name]
        if n not in self.targets or n not in code.sizes:
            raise NotImplementedError(f"{name} is not run at n = {n}")
        names = {"np": np, "ox": ox, "n": n, **self.inputs(n)}
        try:
            exec(code.prepare, names)
        except ImportError as error:
            raise NotImplementedError(f"{name} is missing: {error}") from error
        return names

    def function(self, name: str, n: int) -> Callable[[], Any]:
        """Return the code of that name as a function without arguments."""
        function: Callable[[], Any] = eval(
            f"lambda: {self.codes[name].run}", self.prepared(name, n)
        )
        return function

    def result(self, name: str, n: int) -> Any:
        """Return the array that is equal for all codes of this case."""
        return eval(self.codes[name].result, {"n": n, "np": np, "y": self.function(name, n)()})


# --- inputs ---------------------------------------------------------------------------------------


def nothing(n: int) -> Names:
    return {}


def two_factors(n: int) -> Names:
    A, B, X = np.random.default_rng(n).standard_normal((3, n, n))
    Y, Z = np.empty((2, n, n))
    return {"A": A, "B": B, "X": X, "Y": Y, "Z": Z, "x": X.ravel()}


def triangle(n: int) -> Names:
    return {"v": np.random.default_rng(n).standard_normal(n * (n + 1) // 2)}


def one_matrix(n: int) -> Names:
    X = np.random.default_rng(n).standard_normal((n, n))
    return {"X": X, "x": X.ravel()}


def general_equation(n: int) -> Names:
    A, B, Q = np.random.default_rng(n).standard_normal((3, n, n))
    return {"A": A, "B": B, "Q": Q}


def stable_equation(n: int) -> Names:
    """Every eigenvalue of A and of B has a negative real part: the spectra are separable."""
    names = general_equation(n)
    shift = 2 * np.sqrt(n) * np.eye(n)
    return {"A": names["A"] - shift, "B": names["B"] - shift, "Q": names["Q"]}


def point_and_direction(n: int) -> Names:
    A, V = np.random.default_rng(n).standard_normal((2, n, n))
    return {"A": A, "V": V, "v": V.ravel(order="F"), "A2": A @ A}


# --- kron -----------------------------------------------------------------------------------------

PRODUCT = Case(
    area="kron",
    title="op @ x, two n×n factors",
    inputs=two_factors,
    ours=Code("op @ x", "op = ox.kron(A, B)"),
    peers={
        "numpy": Code("A @ X @ B.T", result="y.ravel()"),
        "np.kron": Code("np.kron(A, B) @ x", sizes=range(65)),
    },
    # The two GEMMs into memory that is there; below, what counts is the cost of a call.
    limit=Code("np.matmul(np.matmul(A, X, out=Y), B, out=Z)", sizes=range(512, 10**9)),
    targets={
        4: Target("P1", ratio=2, value=0.8e-6),
        **dict.fromkeys((32, 64, 128), Target("P2", ratio=1.2)),
        **dict.fromkeys((512, 1024, 2048), Target("P2", ratio=0.97, fraction=0.9)),
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
    limit=Code("x.copy()", "x = np.ones(n * n)"),  # as many bytes as D v has, read and written
    targets=dict.fromkeys((200, 2000), Target("P5")),
)

DENSE_KRON = Case(
    area="kron",
    title="op.toarray(), two n×n factors",
    inputs=two_factors,
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
    limit=Code("x.copy()", sizes=range(5000, 10**9)),  # as much memory, without the permutation
    targets={512: Target("P5", ratio=2), 5000: Target("P5", ratio=2, fraction=0.7)},
)

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

# --- jacobians ------------------------------------------------------------------------------------

_JACOBIAN = "J = ox.jacobian(lambda A: A @ A @ A, A)"
_JAX = """
import jax
jax.config.update("jax_enable_x64", True)
A, V = jax.numpy.asarray(A), jax.numpy.asarray(V)
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
    },
    targets={
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
    },
    targets={30: Target("P10"), 64: Target("P10", ratio=3, rivals=("jax",))},
)

JACOBIAN_MEMORY = replace(
    FORWARD,
    title="memory of J @ v, J of A³",
    quantity="peak memory",
    targets={50: Target("P11"), 1000: Target("P11", value=200e6)},
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
    PRODUCT,
    ONE_SHOT,
    DUPLICATION,
    DENSE_KRON,
    COMMUTATION,
    SYLVESTER,
    STABLE_SYLVESTER,
    FORWARD,
    REVERSE,
    DENSE_JACOBIAN,
    JACOBIAN_MEMORY,
    IMPORT,
)
AREAS = tuple(dict.fromkeys(case.area for case in CASES))
