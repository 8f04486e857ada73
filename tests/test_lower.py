"""From the tape to structure: what is expanded, what stays a chain, and what the sweeps cost."""

import numpy as np
import pytest

import oracle
import otimes as ox
from otimes._compounds import Product, Sum
from otimes._lower import Program
from otimes._structures import LowRank
from otimes._terms import TermOperator
from otimes._trace import trace

rng = np.random.default_rng(4)
A = rng.standard_normal((3, 3))
B = rng.standard_normal((3, 3))


def structure(f, X=A):
    return ox.jacobian(f, X)._structure()


def test_terms_of_the_square():
    """J = I⊗A + Aᵀ⊗I."""
    terms = ox.jacobian(lambda A: A @ A, A).terms
    assert [(c, t) for c, _, _, t in terms] == [(1, False), (1, False)]
    (_, L1, R1, _), (_, L2, R2, _) = terms
    for actual, expected in ((L1, A), (R1, np.eye(3)), (L2, np.eye(3)), (R2, A)):
        np.testing.assert_array_equal(actual, expected)


def test_terms_of_the_cube():
    """J = Aᵀ⊗A + (A²)ᵀ⊗I + I⊗A²: three terms, A² computed once by f itself."""
    terms = ox.jacobian(lambda A: A @ A @ A, A).terms
    pairs = [(np.eye(3), A @ A), (A, A), (A @ A, np.eye(3))]
    assert len(terms) == 3
    for (c, L, R, transposed), (expected_R, expected_L) in zip(terms, pairs, strict=True):
        assert (c, transposed) == (1, False)
        np.testing.assert_array_equal(R, expected_R)
        np.testing.assert_array_equal(L, expected_L)


def test_terms_with_transposition():
    """d(AᵀA) = Aᵀ dA + (dA)ᵀ A."""
    terms = ox.jacobian(lambda A: A.T @ A, A).terms
    assert [t for *_, t in terms] == [False, True]
    X = rng.standard_normal((3, 3))
    image = sum(c * (L @ (X.T if t else X) @ R) for c, L, R, t in terms)
    np.testing.assert_allclose(image, A.T @ X + X.T @ A, rtol=1e-13)


def test_terms_outside_their_span():
    with pytest.raises(NotImplementedError, match=r"terms: .* is not a sum of Kronecker products"):
        _ = ox.jacobian(np.trace, A).terms
    with pytest.raises(NotImplementedError, match="terms: "):
        _ = ox.jacobian(np.exp, A).terms


@pytest.mark.parametrize("power", [2, 3, 4, 5, 6])
def test_powers_by_repeated_products_are_sums(power):
    """J of Aᵏ has k terms: Σ (Aⁱ)ᵀ⊗Aʲ with i + j = k - 1."""

    def f(A):
        X = A
        for _ in range(power - 1):
            X = X @ A
        return X

    op = structure(f)
    assert isinstance(op, TermOperator)
    assert len(op.parts) == power
    dense = sum(
        np.kron(np.linalg.matrix_power(A.T, i), np.linalg.matrix_power(A, power - 1 - i))
        for i in range(power)
    )
    np.testing.assert_allclose(op.toarray(), dense, rtol=1e-11, atol=1e-11)


def test_repeated_squaring_stays_a_chain():
    """A^(2^10) by A = A @ A: ten factors of two terms, not 1024 terms."""

    def f(A):
        for _ in range(10):
            A = A @ A
        return A

    op = structure(f, A / 4)
    assert isinstance(op, Product)
    assert [len(link.parts) for link in op.chain] == [2] * 10
    x = rng.standard_normal(9)
    J = ox.jacobian(f, A / 4)
    np.testing.assert_allclose(op @ x, J @ x, rtol=1e-12, atol=1e-300)


def counted_work(f, X):
    """Multiplications of one forward sweep, counted from the primitives' operators."""
    program = Program(trace(f, [X], 0))
    return sum(p.lower()._work() for step in program.steps for p, _ in step.links)


@pytest.mark.parametrize(
    "f",
    [
        lambda A: A @ A @ A,
        lambda A: (A @ A) @ (A @ A),
        lambda A: np.linalg.inv(A) @ B @ A,
        lambda A: (A @ A + A) @ (A @ A + B),
        lambda A: (B @ A @ B) @ (A @ B @ A),
        lambda A: (A @ A[:1].T if False else A @ B[:, :1]) @ B[:1],
    ],
)
def test_structure_never_costs_more_than_the_sweep(f):
    assert structure(f)._work() <= counted_work(f, A)


def test_rectangular_chains_are_not_multiplied_out():
    """(u vᵀ) applied as two thin products costs 2n; the n by n matrix would cost n²."""
    u, w = rng.standard_normal((50, 1)), rng.standard_normal((1, 50))
    J = ox.jacobian(lambda X: u @ (w @ X), rng.standard_normal((50, 4)))
    op = J._structure()
    assert isinstance(op, Product)
    assert op._work() == 4 * (50 + 50)
    np.testing.assert_allclose(op.toarray(), np.kron(np.eye(4), u @ w), rtol=1e-13)


def test_scalar_functions_have_low_rank():
    op = structure(lambda A: np.trace(A @ B))
    assert isinstance(op, LowRank)
    np.testing.assert_allclose(op.toarray()[0], ox.vec(B.T))
    outer = structure(lambda A: B * np.linalg.det(A))
    assert isinstance(outer, LowRank)
    mixed = structure(lambda A: A @ A + B * np.trace(A))
    assert isinstance(mixed, Sum)
    expected = oracle.jacobian(lambda A: A @ A + B * np.trace(A), A)
    np.testing.assert_allclose(mixed.toarray(), expected, rtol=1e-9, atol=1e-9)


def test_sweeps_count_operations():
    """A forward sweep applies each primitive once, a reverse sweep its transpose once."""
    calls = []

    class Counting:
        def __init__(self, inner):
            self.inner = inner
            self.in_shape, self.out_shape = inner.in_shape, inner.out_shape

        def apply(self, d):
            calls.append(type(self.inner).__name__)
            return self.inner.apply(d)

        def transpose(self):
            return Counting(self.inner.transpose())

    program = Program(trace(lambda A: (A @ A) @ (A @ A), [A], 0))
    for step in program.steps:
        step.links = tuple((Counting(p), source) for p, source in step.links)
    program.push(np.eye(3)[None])
    forward = len(calls)
    assert forward == sum(len(step.links) for step in program.steps)
    calls.clear()
    program.pull(np.eye(3)[None])
    assert len(calls) == forward


def test_a_sweep_frees_tangents_that_are_done():
    import tracemalloc

    def f(A):
        for _ in range(50):
            A = A @ B
        return A

    X = np.eye(3)
    program = Program(trace(f, [X], 0))
    batch = np.ones((20_000, 3, 3))
    tracemalloc.start()
    program.push(batch)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * batch.nbytes


def test_transposed_structure_and_work():
    J = ox.jacobian(lambda A: A @ B, A)
    assert J.T._structure().shape == (9, 9)
    np.testing.assert_allclose(J.T.toarray(), J.toarray().T)
    assert J._work() == J._structure()._work()
    assert J.conj() is J


def test_algebra_of_jacobians():
    """The chain rule as a product of operators, and sums."""
    J1 = ox.jacobian(lambda A: A @ A, A)
    J2 = ox.jacobian(lambda Y: Y @ B, A @ A)
    chain = J2 @ J1
    np.testing.assert_allclose(
        chain.toarray(), ox.jacobian(lambda A: A @ A @ B, A).toarray(), rtol=1e-12, atol=1e-12
    )
    assert isinstance(chain, TermOperator)
    np.testing.assert_allclose((J1 + 2 * J2).toarray(), J1.toarray() + 2 * J2.toarray())
    with pytest.raises(ValueError, match="cannot be multiplied"):
        _ = ox.jacobian(np.trace, A) @ ox.jacobian(np.trace, A)
