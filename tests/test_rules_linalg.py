"""Derivatives of inverses, determinants, norms and powers, against JAX."""

import math

import numpy as np
import pytest

import oracle
import otimes as ox
from derivatives import by_jax, error_against, error_against_jax

rng = np.random.default_rng(34)
A, B = rng.standard_normal((2, 3, 3)) + 2 * np.eye(3)
C, u, v = rng.standard_normal((3, 2)), rng.standard_normal(3), rng.standard_normal(3)
T, STACK = rng.standard_normal((4, 3)), rng.standard_normal((2, 3, 3)) + 2 * np.eye(3)
Z = A + 1j * B
SIX = rng.standard_normal((2, 3, 6))


def linalg(name, *rest, **options):
    return lambda xp, *args: getattr(xp.linalg, name)(*args, *rest, **options)


def complex_linalg(name, item, *rest):
    """Of a complex matrix that depends on a real one."""

    def f(xp, x):
        result = getattr(xp.linalg, name)(x + 1j * xp.sin(x) @ x, *rest)
        return result if item is None else result[item]

    return f


#: name -> (function, its arguments)
CASES = {
    "inv": (linalg("inv"), (A,)),
    "inv of a number": (linalg("inv"), (A[:1, :1],)),
    "inv, complex": (linalg("inv"), (Z,)),
    "solve, vector": (linalg("solve"), (A, v)),
    "solve, matrix": (linalg("solve"), (A, C)),
    "solve, complex": (linalg("solve"), (Z, C + 1j * C)),
    "tensorinv": (linalg("tensorinv"), (SIX.reshape(2, 3, 6),)),
    "tensorsolve": (linalg("tensorsolve"), (SIX.reshape(2, 3, 6), A[:2])),
    "det": (linalg("det"), (A,)),
    "det of a batch": (linalg("det"), (STACK,)),
    "det, complex": (linalg("det"), (Z,)),
    "slogdet": (lambda xp, a: xp.linalg.slogdet(a)[1], (A,)),
    "slogdet of a batch": (lambda xp, a: xp.linalg.slogdet(a).logabsdet, (STACK,)),
    **{
        f"trace {options} of {x.shape}": (lambda xp, a, o=options: xp.trace(a, **o), (x,))
        for x, options in [
            (A, {}), (T, {"offset": 1}), (T, {"offset": -2}), (STACK, {}),
            (STACK, {"offset": 1, "axis1": 2, "axis2": 0}),
        ]
    },
    "linalg.trace": (linalg("trace", offset=-1), (STACK,)),
    "linalg.matmul": (linalg("matmul"), (A, C)),
    "linalg.outer": (linalg("outer"), (u, v)),
    "linalg.tensordot": (linalg("tensordot", axes=1), (A, C)),
    "linalg.matrix_transpose": (linalg("matrix_transpose"), (T,)),
    "cross": (lambda xp, a, b: xp.cross(a, b), (u, v)),
    "cross with rows": (linalg("cross"), (T, v)),
    **{f"matrix_power {n}": (linalg("matrix_power", n), (A,)) for n in (-3, -1, 0, 1, 2, 3, 5, 8)},
    **{
        f"vector norm {p} {options}": (linalg("norm", p, **options), (x,))
        for p in (None, 1, 2, 3, 2.5, math.inf, -math.inf)
        for x, options in [(v, {}), (T, {"axis": 0}), (STACK, {"axis": -1, "keepdims": True})]
    },
    **{
        f"matrix norm {p} {options}": (linalg("norm", p, **options), (x,))
        for p in (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
        for x, options in [(T, {}), (STACK, {"axis": (2, 0)}), (T, {"keepdims": True})]
        if p is not None or x is T
    },
    **{
        f"{name} {item}, complex": (complex_linalg(name, item), (A,))
        for name, item in [("slogdet", 0), ("slogdet", 1)]
    },
    **{
        f"norm {p}, complex": (complex_linalg("norm", None, p), (A,))
        for p in ("fro", "nuc", 1, 2, -2, math.inf)
    },
    "vector norm 3, complex": (lambda xp, x: xp.linalg.norm(x + 1j * x**2, 3), (v,)),
    "norm of all": (linalg("norm"), (STACK,)),
    "vector_norm": (linalg("vector_norm"), (STACK,)),
    "vector_norm 3": (linalg("vector_norm", axis=1, ord=3), (T,)),
    "matrix_norm": (linalg("matrix_norm"), (STACK,)),
    "matrix_norm nuc": (linalg("matrix_norm", ord="nuc", keepdims=True), (STACK,)),
    **{f"cond {p}": (linalg("cond", p), (A,)) for p in (None, 2, "fro", 1, math.inf)},
}  # fmt: skip


@pytest.fixture(scope="module")
def theirs():
    return by_jax(CASES)


@pytest.mark.parametrize("name", CASES)
def test_against_jax(name, theirs):
    assert error_against_jax(*CASES[name], theirs[name]) < 1e-12


# --- what JAX has no derivative of ---------------------------------------------------------------


def test_det_of_singular_matrices():
    """The cofactors, with no division."""
    X = np.array([[1.0, 2.0], [2.0, 4.0]])
    batch = np.stack([X, np.zeros((2, 2)), np.eye(2)])
    J = ox.jacobian(np.linalg.det, batch)
    for k, cofactors in enumerate(([[4, -2], [-2, 1]], [[0, 0], [0, 0]], [[1, 0], [0, 1]])):
        gradient = (J.T @ np.eye(3)[k]).reshape(3, 2, 2, order="F")[k]
        assert np.abs(gradient - cofactors).max() < 1e-14


def test_norms_at_their_kinks_have_the_smallest_subgradient():
    for f in (np.linalg.norm, lambda x: np.linalg.norm(x, 3), lambda x: np.linalg.norm(x, 1)):
        assert ox.gradient(f, np.zeros(3)).tolist() == [0, 0, 0]
    assert not ox.gradient(lambda x: np.linalg.norm(x, "nuc"), np.zeros((2, 2))).any()
    f = lambda x: np.linalg.norm(x, "nuc")  # noqa: E731
    np.testing.assert_allclose(ox.gradient(f, np.diag([3.0, 0.0])), np.diag([1, 0]), atol=1e-15)
    np.testing.assert_allclose(
        ox.gradient(lambda x: np.linalg.norm(x, 2), np.eye(3)), np.eye(3) / 3
    )
    assert ox.gradient(lambda x: np.linalg.norm(x, math.inf), [2.0, -2.0]).tolist() == [0.5, -0.5]


def test_smallest_condition_number():
    f = lambda x: np.linalg.cond(x, -2)  # noqa: E731
    np.testing.assert_allclose(ox.jacobian(f, A).toarray(), oracle.jacobian(f, A), atol=1e-10)


def test_negative_order():
    f = lambda xp, x: xp.linalg.norm(x, -1)  # noqa: E731
    x = np.array([1.0, 2.0, -3.0])
    expected = np.sign(x) * (f(np, x) / np.abs(x)) ** 2
    assert error_against(f, expected[None], x) < 1e-14


# --- structure -----------------------------------------------------------------------------------


def test_text_of_the_derivatives():
    assert str(ox.jacobian(lambda X: np.linalg.solve(A, X), C)) == "I₂ ⊗ A⁻¹"
    assert str(ox.jacobian(lambda X: np.linalg.solve(X, C), A)) == "-[2×3] ⊗ X⁻¹"
    J = ox.jacobian(lambda X: np.linalg.matrix_power(X, 3), A)
    assert str(J) == "I₃ ⊗ X² + Xᵀ ⊗ X + (X²)ᵀ ⊗ I₃"
    assert len(J.terms) == 3
    J = ox.jacobian(lambda X: np.linalg.matrix_power(X, -2), A)
    assert str(J) == "-X⁻ᵀ ⊗ X⁻² - (X⁻²)ᵀ ⊗ X⁻¹"


def test_high_powers_take_few_products():
    J = ox.jacobian(lambda X: np.linalg.matrix_power(X, 1024), A / 4)
    assert len(J.program.steps) < 100


@pytest.mark.parametrize(
    "f",
    [
        np.linalg.inv, np.linalg.det, np.linalg.norm, np.linalg.cond, np.trace,
        lambda x: np.linalg.slogdet(x)[1], lambda x: np.linalg.norm(x, "nuc"),
        lambda x: np.linalg.solve(x, x), lambda x: np.linalg.matrix_power(x, 5),
        lambda x: np.cross(x, x[::-1]),
    ],
)  # fmt: skip
def test_float32_stays_float32(f):
    assert ox.jacobian(f, A.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (np.linalg.norm, r"part of a complex variable at .*test_rules_linalg"),
        (lambda x: np.linalg.slogdet(x)[1], "part of a complex variable"),
        (lambda x: np.linalg.norm(x[0], 0), "of order 0"),
    ],
)  # fmt: skip
def test_what_is_refused(f, text):
    with pytest.raises(NotImplementedError, match=text):
        ox.jacobian(f, A if "order" in text else Z)
