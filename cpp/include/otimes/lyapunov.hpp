// A X + X A^H = Q and X - A X A^H = Q.
#pragma once

#include <optional>

#include "otimes/equation.hpp"
#include "otimes/equation_method.hpp"
#include "otimes/time.hpp"

namespace otimes {

/// Doubling where the spectra are well separated, else one Schur decomposition. X is exactly
/// Hermitian, or skew-Hermitian, where Q is.
template <class T>
class LyapunovFactor final : public EquationFactor<T> {
  public:
    LyapunovFactor(Time time, MatrixView<const T> a);

    double rcond() const override;
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    struct Oriented;  // the equation or its adjoint

    Time time_;
    bool finite_;
    int exponent_;
    real_t<T> identity_;  // c of c X - A X A^H
    Matrix<T> a_;         // scaled, for the residual
    double norm_ = 0;
    std::optional<MethodWithFallback<T>> method_;  // nothing unless A is finite
};

/// A X + X A^H = Q.
template <class T>
FactorPointer<T> continuous_lyapunov_factor(Coefficients<T> a);

/// X - A X A^H = Q.
template <class T>
FactorPointer<T> discrete_lyapunov_factor(Coefficients<T> a);

}  // namespace otimes
