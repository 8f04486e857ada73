// A X B + C X D = Q, and generalized Lyapunov equations, whose second pencil is the adjoint of the
// first.
#pragma once

#include <array>

#include "otimes/equation.hpp"
#include "otimes/generalized_schur.hpp"

namespace otimes {

/// sum_t left[t] X right[t], every matrix scaled to near 1; the true ones are 2^exponent times it.
template <class T>
struct TwoTerms {
    /// What the pencil of the right factors is to that of the left ones.
    enum class Right { independent, swapped_adjoint, negated_adjoint };

    Forms<T> left, right;
    int exponent = 0;
    Right relation = Right::independent;
    double norm = 0;  // sum_t ||left[t]|| ||right[t]||
};

/// Two generalized Schur decompositions, or one (Gardiner, Laub, Amato & Moler 1992,
/// doi:10.1145/146847.146929).
template <class T>
class TwoTermFactor final : public EquationFactor<T> {
  public:
    explicit TwoTermFactor(TwoTerms<T> terms);

    double rcond() const override { return rcond_; }
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    struct Pencils;   // the decompositions
    struct Oriented;  // the equation or its adjoint, with them

    TwoTerms<T> terms_;
    std::shared_ptr<const Pencils> pencils_;
    double rcond_;
};

/// A X B + C X D = Q, coefficients (A, B, C, D).
template <class T>
FactorPointer<T> generalized_sylvester_factor(Coefficients<T> abcd);

/// A X E^H + E X A^H = Q, coefficients (A, E). X is exactly Hermitian, or skew-Hermitian, where Q
/// is.
template <class T>
FactorPointer<T> generalized_lyapunov_factor(Coefficients<T> ae);

/// E X E^H - A X A^H = Q, likewise.
template <class T>
FactorPointer<T> generalized_stein_factor(Coefficients<T> ae);

}  // namespace otimes
