// X - A X B = Q.
#pragma once

#include <utility>  // std::pair

#include "otimes/equation.hpp"
#include "otimes/schur.hpp"

namespace otimes {

/// Powers of two for which c X - A' X B' = 2^-exponent Q, A' = 2^a A, B' = 2^b B, has entries near
/// 1, or below where A and B are small.
struct SteinScaling {
    int a = 0, b = 0, exponent = 0;

    /// Of matrices with entries up to 2^a_size and 2^b_size.
    SteinScaling(int a_size, int b_size);
};

/// Two Schur decompositions (Kitagawa 1977, doi:10.1080/00207177708922266; Barraud 1977,
/// doi:10.1109/TAC.1977.1101651).
template <class T>
class SteinFactor final : public EquationFactor<T> {
  public:
    SteinFactor(MatrixView<const T> a, MatrixView<const T> b);

    double rcond() const override { return rcond_; }
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    struct Oriented;  // the equation or its adjoint

    bool finite_;
    SteinScaling scaling_;
    real_t<T> identity_;  // c
    Matrix<T> a_, b_;     // scaled, for the residual
    std::pair<Schur<T>, Schur<T>> schur_;
    double norm_, rcond_;
};

/// The same for row-major matrices, as X^T - B^T X^T A^T = Q^T.
template <class T>
FactorPointer<T> stein_factor(Coefficients<T> ab);

/// X - A X B = Q for X. NaN or Inf anywhere makes X NaN.
template <class T>
SolveReport solve_stein(Coefficients<T> ab, RightHandSides<T> sides);

}  // namespace otimes
