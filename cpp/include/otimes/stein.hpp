// X - A X B = Q.
#pragma once

#include <optional>

#include "otimes/equation.hpp"
#include "otimes/equation_method.hpp"

namespace otimes {

/// Powers of two for which c X - A' X B' = 2^-exponent Q, A' = 2^a A, B' = 2^b B, has entries near
/// 1, or below where A and B are small.
struct SteinScaling {
    int a = 0, b = 0, exponent = 0;

    /// Of matrices with entries up to 2^a_size and 2^b_size.
    SteinScaling(int a_size, int b_size);
};

/// Doubling where the powers of A and B vanish fast, else two Schur decompositions.
template <class T>
class SteinFactor final : public EquationFactor<T> {
  public:
    SteinFactor(MatrixView<const T> a, MatrixView<const T> b);

    double rcond() const override;
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    struct Oriented;  // the equation or its adjoint

    bool finite_;
    SteinScaling scaling_;
    real_t<T> identity_;  // c
    Matrix<T> a_, b_;     // scaled, for the residual
    double norm_ = 0;
    std::optional<MethodWithFallback<T>> method_;  // nothing unless A and B are finite
};

/// The same for row-major matrices, as X^T - B^T X^T A^T = Q^T.
template <class T>
FactorPointer<T> stein_factor(Coefficients<T> ab);

}  // namespace otimes
