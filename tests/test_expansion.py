"""Chains and sums multiplied out, so that solvers see the matrix equation."""

import numpy as np
import pytest

import otimes as ox
from otimes._compounds import Product, Sum
from otimes._expansion import in_terms
from otimes._terms import TermOperator

rng = np.random.default_rng(31)
n, r = 20, 2
A, U, V = rng.standard_normal((n, n)), rng.standard_normal((n, r)), rng.standard_normal((r, n))


@pytest.mark.parametrize(
    ("f", "method"),
    [
        (lambda X: A @ X + X @ U @ V, "sylvester"),
        (lambda X: X + U @ (V @ X @ A), "stein"),
        (lambda X: A @ X @ A + U @ (V @ X @ U) @ V, "generalized-sylvester"),
    ],
)
def test_low_rank_factors_do_not_hide_the_equation(f, method):
    J = ox.jacobian(f, np.zeros((n, n)))
    structure = J._structure()
    assert isinstance(structure, Sum)  # cheaper to apply than the sum of terms
    assert isinstance(in_terms(structure), TermOperator)
    assert ox.select_method(J).startswith(f"{method}:")
    Q = rng.standard_normal((n, n))
    X = ox.solve(f, Q)
    assert np.abs(f(X) - Q).max() <= 1e-10 * np.abs(X).max()
    np.testing.assert_allclose(in_terms(structure).toarray(), J.toarray(), atol=1e-12)


def test_a_chain_of_square_operators_stays_one():
    J = ox.jacobian(lambda X: A @ np.exp(X @ X), A)
    assert isinstance(J._structure(), Product)
    assert in_terms(J._structure()) is J._structure()
    assert ox.select_method(J).startswith("chain:")


def test_what_is_not_a_sum_of_terms_stays():
    for f in (lambda X: A @ X + np.exp(X), lambda X: U @ (V @ np.sin(X)) + X):
        structure = ox.jacobian(f, A)._structure()
        assert in_terms(structure) is structure


def test_no_more_than_64_terms():
    many = ox.kron(U, U)
    for k in range(8):
        many = many + ox.kron(U + k + 1, U)
    chain = Product((many, many.T), (n * n,), (n * n,))
    assert in_terms(chain) is chain  # 81 terms


def test_factors_that_do_not_line_up():
    chain = Product((ox.kron(V.T, V.T), ox.kron(U, np.ones((1, n)), V[:1].T)), (n * n,), (n * n,))
    assert in_terms(chain) is chain
