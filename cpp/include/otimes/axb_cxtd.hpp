// A X B + C X^T D = E and A X B + C X^H D = E.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "otimes/equation.hpp"
#include "otimes/lu.hpp"
#include "otimes/tsylvester.hpp"

namespace otimes {

/// All matrices n x n; * is the transpose or the adjoint. Any two well-conditioned coefficients
/// make A X B + C X* D = E an equation that a pencil in Schur form solves:
///     B, C:  (B* C^-1 A) Y + Y* D = B* C^-1 E,            Y = X B;
///     B, D:  A Y + V Y* = E D^-1, V = C (B*)^-1 D*,       Y = X B D^-1,
/// the second the adjoint of A^H Y + Y* W, W = conj(V) or, if * is the adjoint, V. A and D do as B
/// and C do, in the unknown X*; A and C as B and D do, in the equation to which * is applied. With
/// A and B, or C and D in the unknown X*, M = A^-1 C and N = D B^-1 give X + M X* N = F, of which
///     [I  M; 0  -I] Z + Z* [0  N; 0  0] = [0  F; 0  0]
/// has the solution Z = [0  X; 0  X* N]: its last row says what Z_21 and Z_22 are, then the first
/// one that Z_11 = 0. All of these are singular only where the original equation is, unlike that
/// of Stein which comes of putting X + M X* N = F into itself.
///
/// Up to 16 unknowns, and up to 2000 where no two coefficients are well-conditioned: LU of the
/// matrix of the equation; that of complex X^H, which is linear over the reals only, has none.
template <class T>
class AxbCxtdFactor final : public EquationFactor<T> {
  public:
    AxbCxtdFactor(Star star, Coefficients<T> abcd);

    double rcond() const override { return rcond_; }
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override;

  private:
    using Four = std::array<Matrix<T>, 4>;
    struct Oriented;  // the equation or its adjoint
    class Reduced;    // an equation that solves it

    void scale(Coefficients<T> abcd);
    void decompose();
    double reduced_rcond() const;

    Star star_;
    bool finite_;
    int exponent_ = 0;
    Four abcd_, adjoint_;  // near 1: the true equation is 2^exponent times this one
    std::shared_ptr<const Reduced> reduced_;
    LU<T> dense_;  // where there is no reduced equation
    double norm_ = 0, rcond_;
};

/// A X B + C X^T D = E, coefficients (A, B, C, D).
template <class T>
FactorPointer<T> axb_cxtd_factor(Coefficients<T> abcd);

/// A X B + C X^H D = E.
template <class T>
FactorPointer<T> axb_cxhd_factor(Coefficients<T> abcd);

}  // namespace otimes
