// A X B + C X^T D = E and A X B + C X^H D = E.
#pragma once

#include <array>
#include <complex>
#include <memory>

#include "otimes/equation.hpp"
#include "otimes/periodic_schur.hpp"
#include "otimes/star_schur.hpp"

namespace otimes {

/// All matrices n x n; * is the transpose or the adjoint. With unitary Z the periodic Schur
/// decomposition, of the formal product (D*)^-1 B* C^-1 A, makes all four triangular:
///     A = Z_1 S_0 Z_0^H,    C = Z_1 S_1 Z_2^H,    B* = Z_3 S_2 Z_2^H,    D* = Z_3 S_3 Z_0^H.
/// The equation in Y, X = Z_0 Y Z_2*, is then solved by substitution: see star_schur.hpp. It has
/// one solution unless, for eigenvalues lambda = s_ii^(0) s_ii^(2) / (s_ii^(1) s_ii^(3)), of which
/// 0/0 is none, lambda_i lambda_j* = 1; with the transpose one lambda = 1 does no harm. (F. De
/// Teran, B. Iannazzo, F. Poloni & L. Robol, Numer. Linear Algebra Appl. 26 (2019), e2261,
/// doi:10.1002/nla.2261.)
///
/// Where two coefficients are well-conditioned, a pencil in Schur form solves the equation, a real
/// one in about half the time:
///     B, C:  (B* C^-1 A) Y + Y* D = B* C^-1 E,            Y = X B;
///     B, D:  A Y + V Y* = E D^-1, V = C (B*)^-1 D*,       Y = X B D^-1,
/// the second the adjoint of A^H Y + Y* W, W = conj(V) or, if * is the adjoint, V. A and D do as B
/// and C do, in the unknown X*; A and C as B and D do, in the equation to which * is applied.
template <class T>
class AxbCxtdFactor final : public EquationFactor<T> {
  public:
    AxbCxtdFactor(Star star, Coefficients<T> abcd);

    double rcond() const override { return rcond_; }
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    using Complex = std::complex<real_t<T>>;
    using Four = std::array<Matrix<T>, 4>;
    struct Oriented;  // the equation or its adjoint
    class Reduced;    // a T-Sylvester equation that solves it

    void scale(Coefficients<T> abcd);
    void decompose();
    bool reduce();
    StarSchur<T> triangular() const;
    double reduced_rcond() const;

    Star star_;
    bool finite_;
    int exponent_ = 0;
    Four abcd_, adjoint_;  // near 1: the true equation is 2^exponent times this one
    std::shared_ptr<const Reduced> reduced_;
    PeriodicSchur<Complex> periodic_;  // where there is no reduced equation
    double norm_ = 0, rcond_;
};

/// A X B + C X^T D = E, coefficients (A, B, C, D).
template <class T>
FactorPointer<T> axb_cxtd_factor(Coefficients<T> abcd);

/// A X B + C X^H D = E.
template <class T>
FactorPointer<T> axb_cxhd_factor(Coefficients<T> abcd);

}  // namespace otimes
