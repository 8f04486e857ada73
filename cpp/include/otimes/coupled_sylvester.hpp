// A R - L B = C and D R - L E = F.
#pragma once

#include <array>

#include "otimes/equation.hpp"
#include "otimes/generalized_schur.hpp"

namespace otimes {

/// Generalized Schur decompositions of (A, D) and (B, E) (Kagstrom & Westin 1989,
/// doi:10.1109/9.29404). Q = [C; F] and X = [R; L] are stacked.
template <class T>
class CoupledSylvesterFactor final : public EquationFactor<T> {
  public:
    explicit CoupledSylvesterFactor(Coefficients<T> abde);

    double rcond() const override { return rcond_; }
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    using Pencils = std::array<GeneralizedSchur<T>, 2>;
    struct Oriented;  // the equation or its adjoint, with decompositions

    Pencils decompose(bool fast) const { return generalized_schur_pair(left_, right_, fast); }

    int exponent_ = 0;
    Forms<T> left_, right_;  // (A, D) and (B, E), scaled
    Pencils pencils_;
    double norm_ = 0, rcond_;
};

/// Coefficients (A, B, D, E).
template <class T>
FactorPointer<T> coupled_sylvester_factor(Coefficients<T> abde);

}  // namespace otimes
