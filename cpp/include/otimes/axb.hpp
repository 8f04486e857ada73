// A X B = Q.
#pragma once

#include "otimes/equation.hpp"
#include "otimes/square.hpp"

namespace otimes {

/// A and B factored as their structures allow; Schur forms where LU loses digits by the growth of a
/// pivot.
template <class T>
class AxbFactor final : public EquationFactor<T> {
  public:
    AxbFactor(MatrixView<const T> a, MatrixView<const T> b);

    double rcond() const override { return rcond_; }
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    struct Direct;   // the equation or its adjoint
    struct BySchur;  // the same, by the Schur forms of A and B

    bool finite_;
    int exponent_ = 0;
    Matrix<T> a_, b_;  // powers of two times the originals
    SquareFactor<T> a_factor_, b_factor_;
    double norm_ = 0, rcond_;
};

/// The same for row-major matrices, as B^T X^T A^T = Q^T.
template <class T>
FactorPointer<T> axb_factor(Coefficients<T> ab);

}  // namespace otimes
