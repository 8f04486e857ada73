// A X + X B = Q.
#pragma once

#include <utility>  // std::pair

#include "otimes/equation.hpp"
#include "otimes/schur.hpp"

namespace otimes {

/// Two Schur decompositions (Bartels & Stewart 1972, doi:10.1145/361573.361582).
template <class T>
class SylvesterFactor final : public EquationFactor<T> {
  public:
    SylvesterFactor(MatrixView<const T> a, MatrixView<const T> b);

    double rcond() const override { return rcond_; }
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    struct Oriented;  // the equation or its adjoint

    bool finite_;
    int exponent_;
    Matrix<T> a_, b_;  // 2^-exponent times the originals, for the residual
    std::pair<Schur<T>, Schur<T>> schur_;
    double norm_, rcond_;
};

/// The same for row-major matrices: B^T X^T + X^T A^T = Q^T in LAPACK's column-major order, so that
/// nothing is transposed.
template <class T>
FactorPointer<T> sylvester_factor(Coefficients<T> ab);

/// A X + X B = Q for X. NaN or Inf anywhere makes X NaN.
template <class T>
SolveReport solve_sylvester(Coefficients<T> ab, RightHandSides<T> sides);

}  // namespace otimes
