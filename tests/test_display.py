"""Text and LaTeX of every structure, as a textbook writes it."""

import numpy as np
import pytest

import otimes as ox
from otimes._real_linear import RealLinear
from otimes._structures import LowRank, Selection

A = np.arange(1.0, 5).reshape(2, 2)
B = np.arange(1.0, 7).reshape(2, 3)
C = np.eye(3)


@pytest.mark.parametrize(
    ("op", "text", "latex"),
    [
        (ox.kron(A, B), "[2×2] ⊗ [2×3]", r"[2 \times 2] \otimes [2 \times 3]"),
        (-2.5 * ox.kron(A, B), "-2.5 ([2×2] ⊗ [2×3])", None),
        ((1 + 2j) * ox.kron(A, B), "(1+2j) ([2×2] ⊗ [2×3])", None),
        (-2 * ox.kron(A, B).astype(complex), "-2 ([2×2] ⊗ [2×3])", None),
        (-0.0 * ox.kron(A, B), "0 ([2×2] ⊗ [2×3])", None),
        (-1j * ox.kron(A, B), "-1j ([2×2] ⊗ [2×3])", None),
        (ox.kron(A, C) + 2j * ox.kron(C, A), "[2×2] ⊗ [3×3] + 2j ([3×3] ⊗ [2×2])", None),
        (ox.kron(A, C) - 1e-5j * ox.identity(6), "[2×2] ⊗ [3×3] - 1e-05j I₆", None),
        (ox.kron(A, [[3.0]]), "[2×2] ⊗ 3", None),
        (ox.kron(A, [[3j]]), "[2×2] ⊗ 3j", None),
        (ox.identity(12), "I₁₂", "I_{12}"),
        (3 * ox.identity(2), "3 I₂", "3 I_{2}"),
        (ox.commutation_matrix(2, 10), "K₂,₁₀", "K_{2,10}"),
        (
            ox.kronecker_sum(A, C),
            "[2×2] ⊗ I₃ + I₂ ⊗ [3×3]",
            r"[2 \times 2] \otimes I_{3} + I_{2} \otimes [3 \times 3]",
        ),
        (ox.kron(A, C) - ox.kron(C, A), "[2×2] ⊗ [3×3] - [3×3] ⊗ [2×2]", None),
        (
            ox.kron(A, C) @ ox.commutation_matrix(2, 3),
            "([2×2] ⊗ [3×3]) K₂,₃",
            None,
        ),
        (ox.kron(ox.commutation_matrix(2, 2), A), "(I₂ ⊗ I₂ ⊗ [2×2]) P₁,₀,₂", None),
        (ox.kronecker_sum(A, C).inv(), "([2×2] ⊗ I₃ + I₂ ⊗ [3×3])⁻¹", None),
        (ox.kronecker_sum(A, C).inv().T, "([2×2] ⊗ I₃ + I₂ ⊗ [3×3])⁻ᵀ", None),
        (ox.diagonal([1, 2, 3]), "diag(3 entries)", r"\operatorname{diag}(\text{3 entries})"),
        (
            ox.diagonal([1, 2, 3, 4]) @ ox.kronecker_sum(A, A),
            "diag(4 entries) ([2×2] ⊗ I₂ + I₂ ⊗ [2×2])",
            None,
        ),
        (
            ox.diagonal([1, 2, 3, 4]) + ox.kron(A, A),
            "[2×2] ⊗ [2×2] + diag(4 entries)",
            None,
        ),
        (
            LowRank(np.ones((4, 2)), np.ones((4, 2)), (4,), (4,)),
            "U Vᵀ (rank 2)",
            r"U V^{\mathsf{T}} \; (\text{rank } 2)",
        ),
        (ox.jacobian(np.trace, A), "vec[2×2]ᵀ", r"\operatorname{vec}[2 \times 2]^{\mathsf{T}}"),
        (ox.jacobian(lambda t: t * A, 2.0), "vec[2×2]", None),
        (np.linalg.svd(ox.kron(B, A)).U, "([2×2] ⊗ [2×2]) P", None),
        (np.linalg.svd(ox.kron(B.T, A), full_matrices=False).U, "([3×2] ⊗ [2×2]) P", None),
        (Selection(np.array([1]), 3), "S", "S"),
        (ox.kron(ox.diagonal([1, 2]), A), "diag(2 entries) ⊗ [2×2]", None),
        (
            RealLinear(ox.kron(A, A), ox.identity(4)),
            "X ↦ ([2×2] ⊗ [2×2]) X + I₄ X̄",
            r"X ↦ \left([2 \times 2] \otimes [2 \times 2]\right) X + I_{4} \overline{X}",
        ),
    ],
)
def test_notation(op, text, latex):
    assert str(op) == text
    if latex is not None:
        assert op._repr_latex_() == rf"$\displaystyle {latex}$"


def test_repr_tells_shape_kind_and_dtype():
    assert repr(ox.kron(A, B)) == "<4×6 KroneckerProduct float64: [2×2] ⊗ [2×3]>"
    assert repr(ox.identity(3)) == "<3×3 Identity float64: I₃>"


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda Z: np.linalg.inv(Z).T, "-(Z⁻¹ ⊗ Z⁻ᵀ) K₂,₂"),
        (lambda Z: Z @ Z.T, "(I₂ ⊗ Z) K₂,₂ + Z ⊗ I₂"),
        (lambda Z: np.linalg.inv(Z @ Z), "-(Z⁻²)ᵀ ⊗ Z⁻¹ - Z⁻ᵀ ⊗ Z⁻²"),
        (lambda Z: A @ np.linalg.inv(Z), "-Z⁻ᵀ ⊗ A Z⁻¹"),
        (lambda Z: 0.5 * Z @ Z, "I₂ ⊗ [2×2] + 0.5 (Zᵀ ⊗ I₂)"),
    ],
)
def test_names_of_factors(f, text):
    assert str(ox.jacobian(f, A)).startswith(text)


def test_long_names_in_latex():
    weight_1 = A
    J = ox.jacobian(lambda X: weight_1 @ X, A)
    assert r"\mathrm{weight\_1}" in J._repr_latex_()


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda Z: A @ Z - np.exp(Z) @ A @ Z, " - (Zᵀ Aᵀ ⊗ I₂) diag(4 entries)"),
        (lambda Z: ox.solve_sylvester(A, A, Z), "(I₂ ⊗ A + Aᵀ ⊗ I₂)⁻¹"),
        (lambda Z: A @ ox.solve_sylvester(A, A, Z), "(I₂ ⊗ A) (I₂ ⊗ A + Aᵀ ⊗ I₂)⁻¹"),
    ],
)
def test_structure_around_names(f, text):
    assert text in str(ox.jacobian(f, A))


def test_signs_of_sums_of_operators():
    inverse = ox.kronecker_sum(A, C).inv()
    identity = ox.identity(6)
    body = "([2×2] ⊗ I₃ + I₂ ⊗ [3×3])⁻¹"
    assert str(identity - inverse) == f"I₆ - {body}"
    assert str(identity - 2.5 * inverse) == f"I₆ - 2.5 {body}"
    assert str(-inverse) == f"-{body}"
    assert str(identity + 2j * inverse) == f"I₆ + 2j {body}"


def test_small_numbers_in_latex():
    K = 1.5e-7 * ox.identity(2)
    assert str(K) == "1.5e-07 I₂"
    assert K._repr_latex_() == r"$\displaystyle 1.5 \cdot 10^{-7} I_{2}$"


def test_long_chains_are_abbreviated():
    def network(X):
        for _ in range(30):
            X = np.tanh(A @ X)
        return X

    J = ox.jacobian(network, A)
    assert str(J).count("⊗") == 6
    assert "(I₂ ⊗ A) … (48 more factors) … diag(4 entries)" in str(J)
    assert r"\dots \text{(48 more factors)} \dots" in J._repr_latex_()


def test_long_sums_are_abbreviated():
    total = ox.kron(A, A)
    for k in range(20):
        total = total + ox.kron(A + k + 1, A)
    assert str(total).endswith("… (9 more terms)")
    assert str(total).count("⊗") == 12
    assert total._repr_latex_().endswith(r"\dots \text{(9 more terms)}$")


def test_long_sums_of_operators_are_abbreviated():
    total = ox.kron(A, A)
    for k in range(1, 15):
        total = total + ox.kronecker_sum(A, k * A).inv()
    assert str(total).endswith("… (3 more terms)")
    one_more = total._structure().addends[:13]
    assert str(type(total)(one_more, (4,), (4,))).endswith("… (1 more term)")


def test_zero_is_written_as_such():
    with pytest.warns(UserWarning, match="does not depend"):
        J = ox.jacobian(lambda X: np.ones(2), np.eye(3))
    assert str(J) == "0"
