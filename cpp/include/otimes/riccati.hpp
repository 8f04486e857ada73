// A^H X E + E^H X A - (E^H X B + S) R^-1 (B^H X E + S^H) + Q = 0 and
// A^H X A - E^H X E - (A^H X B + S) (R + B^H X B)^-1 (B^H X A + S^H) + Q = 0.
#pragma once

#include "otimes/equation.hpp"
#include "otimes/time.hpp"

namespace otimes {

/// The matrices of an algebraic Riccati equation, A, Q, E (n, n), B, S (n, m), R (m, m), Q and R
/// Hermitian. E without data stands for the identity, S for zero.
template <class T>
struct RiccatiCoefficients {
    MatrixView<const T> a, b, q, r, e, s;
};

/// The same in owned memory; S is always there, E is empty where it is the identity.
template <class T>
struct RiccatiProblem {
    Time time;
    Matrix<T> a, b, q, r, e, s;

    index_t states() const { return a.rows(); }
    index_t controls() const { return b.cols(); }
    bool has_e() const { return e.rows() > 0; }
};

/// The stabilizing solution X = X^H: all eigenvalues of the closed loop A - B K - lambda E lie in
/// the open left half-plane (unit disc), K the gain that the equation contains.
///
/// Structure-preserving doubling where R and E are well conditioned and its result has a residual
/// at rounding level; else the extended pencil by QZ. Either is corrected by Newton's method where
/// the residual asks for it. `balanced` scales the states by powers of two first.
///
/// report.residual: the residual over the sum of the norms of the equation's terms, Frobenius;
/// report.rcond: 1/(||L|| ||L^-1||) of the derivative at X, L(N) = F^H N + N F or F^H N F - N with
/// F = (A - B K) E^-1, in the norm that the spectral norm induces; both for the balanced equation.
///
/// Throws singular_error where there is no such X or R (continuous time) or E is singular.
template <class T>
SolveReport solve_riccati(Time time, const RiccatiCoefficients<T>& given, bool balanced,
                          MatrixView<T> x);

}  // namespace otimes
