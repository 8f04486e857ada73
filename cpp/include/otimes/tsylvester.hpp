// A X + X^T B = C and A X + X^H B = C.
#pragma once

#include "otimes/equation.hpp"
#include "otimes/generalized_schur.hpp"
#include "otimes/star_schur.hpp"

namespace otimes {

/// With * the transpose or the adjoint, the equation is A X + (B* X)* = C. The QZ decomposition
/// A = Q S Z^H, B* = Q R Z^H with upper triangular S and R, and X = Z Y Q*, make it
///     S Y + (R Y)* = Q^H C (Q*)^H,
/// which is solved by substitution: see star_schur.hpp. It has one solution unless, for
/// eigenvalues of A - lambda B* with 1/0 the inverse of 0, lambda_i lambda_j* = 1; with the
/// transpose one lambda = 1 does no harm, since it then stands on the diagonal alone, where the
/// pivot is s_ii + r_ii. (F. De Teran, F. M. Dopico, Electron. J. Linear Algebra 22 (2011),
/// doi:10.13001/1081-3810.1479.)
template <class T>
class TSylvesterFactor final : public EquationFactor<T> {
  public:
    TSylvesterFactor(Star star, MatrixView<const T> a, MatrixView<const T> b);

    double rcond() const override { return rcond_; }
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    using Complex = std::complex<real_t<T>>;
    struct Oriented;  // the equation or its adjoint

    void decompose(const Matrix<Complex>& a, const Matrix<Complex>& b_star);
    StarSchur<T> triangular() const;

    Star star_;
    bool finite_;
    int exponent_;
    Matrix<T> a_, b_;  // 2^-exponent times the originals, for the residual
    GeneralizedSchur<Complex> qz_;
    double norm_, rcond_;
};

/// A X + X^T B = C.
template <class T>
FactorPointer<T> tsylvester_factor(Coefficients<T> ab);

/// A X + X^H B = C.
template <class T>
FactorPointer<T> hsylvester_factor(Coefficients<T> ab);

}  // namespace otimes
