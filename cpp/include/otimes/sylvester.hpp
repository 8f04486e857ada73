// A X + X B = Q.
#pragma once

#include <optional>

#include "otimes/equation.hpp"
#include "otimes/equation_method.hpp"

namespace otimes {

/// A and B, decomposed by the method that suits them best; by Schur forms when a solution by
/// another is not accurate.
template <class T>
class SylvesterFactor final : public EquationFactor<T> {
  public:
    SylvesterFactor(MatrixView<const T> a, MatrixView<const T> b);

    double rcond() const override;
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    struct Oriented;  // the equation or its adjoint

    bool finite_;
    int exponent_;
    Matrix<T> a_, b_;  // 2^-exponent times the originals
    double norm_;
    std::optional<MethodWithFallback<T>> method_;  // nothing unless A and B are finite
};

/// The same for row-major matrices: B^T X^T + X^T A^T = Q^T in LAPACK's column-major order, so that
/// nothing is transposed.
template <class T>
FactorPointer<T> sylvester_factor(Coefficients<T> ab);

}  // namespace otimes
