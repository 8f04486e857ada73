// A X + X A^H = Q and X - A X A^H = Q.
#pragma once

#include <optional>

#include "otimes/equation.hpp"
#include "otimes/schur.hpp"

namespace otimes {

enum class Lyapunov { continuous, discrete };

/// One Schur decomposition. X is exactly Hermitian, or skew-Hermitian, where Q is.
template <class T>
class LyapunovFactor final : public EquationFactor<T> {
  public:
    LyapunovFactor(Lyapunov kind, MatrixView<const T> a);

    double rcond() const override { return rcond_; }
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    struct Oriented;  // the equation or its adjoint

    std::optional<real_t<T>> identity() const {
        return kind_ == Lyapunov::discrete ? std::optional(identity_) : std::nullopt;
    }

    Lyapunov kind_;
    bool finite_;
    int exponent_;
    real_t<T> identity_;  // c of c X - A X A^H
    Matrix<T> a_;         // scaled, for the residual
    Schur<T> schur_;
    Matrix<T> reversed_;  // J T^H J
    double norm_, rcond_;
};

template <class T>
FactorPointer<T> continuous_lyapunov_factor(Coefficients<T> a);
template <class T>
FactorPointer<T> discrete_lyapunov_factor(Coefficients<T> a);

/// A X + X A^H = Q for X. NaN or Inf anywhere makes X NaN.
template <class T>
SolveReport solve_continuous_lyapunov(Coefficients<T> a, RightHandSides<T> sides);

/// X - A X A^H = Q for X. NaN or Inf anywhere makes X NaN.
template <class T>
SolveReport solve_discrete_lyapunov(Coefficients<T> a, RightHandSides<T> sides);

}  // namespace otimes
