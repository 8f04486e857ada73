// A X + X B = Q.
#pragma once

#include <mutex>  // std::once_flag

#include "otimes/equation.hpp"
#include "otimes/sylvester_method.hpp"

namespace otimes {

/// A and B, decomposed by the method that suits them best; by Schur forms when a solution by
/// another is not accurate.
template <class T>
class SylvesterFactor final : public EquationFactor<T> {
  public:
    SylvesterFactor(MatrixView<const T> a, MatrixView<const T> b);

    double rcond() const override { return rcond_; }
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    struct Oriented;  // the equation or its adjoint

    SolveReport solve_by(const SylvesterMethod<T>& method, bool adjoint,
                         RightHandSides<T> sides) const;
    bool is_accurate(const SolveReport& report) const;
    const SylvesterMethod<T>& bartels_stewart() const;

    bool finite_;
    int exponent_;
    Matrix<T> a_, b_;  // 2^-exponent times the originals
    double norm_, rcond_;
    SylvesterMethodPointer<T> method_;
    mutable std::once_flag fallback_made_;
    mutable SylvesterMethodPointer<T> fallback_;
};

/// The same for row-major matrices: B^T X^T + X^T A^T = Q^T in LAPACK's column-major order, so that
/// nothing is transposed.
template <class T>
FactorPointer<T> sylvester_factor(Coefficients<T> ab);

/// A X + X B = Q for X. NaN or Inf anywhere makes X NaN.
template <class T>
SolveReport solve_sylvester(Coefficients<T> ab, RightHandSides<T> sides);

}  // namespace otimes
