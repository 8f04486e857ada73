// The equation drivers: what a caller asks for, from the original matrices to a checked solution.
#pragma once

#include <span>
#include <utility>  // std::pair

#include "otimes/schur.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// Every solve says how well it went; M is the equation's matrix in vec coordinates.
struct SolveReport {
    double residual = 0;  // ||R||_F / (sum ||L_i||_F ||X||_F ||R_i||_F + ||Q||_F)
    double rcond = 1;     // sigma_min(M) / sigma_max(M), estimated
    double scale = 1;  // X solves the equation for scale * Q; 0: not even that can be represented
    int refinements = 0;
};

/// A right-hand side and where its solution goes. Two of them are solved as one: the real and the
/// imaginary part of a complex one under a real equation.
template <class T>
struct RightHandSide {
    MatrixView<const T> q;
    MatrixView<T> x;
};
template <class T>
using RightHandSides = std::span<const RightHandSide<T>>;

/// The equation A X + X B = Q with its decompositions: any number of right-hand sides, and the
/// adjoint equation A^H X + X B^H = Q as well.
template <class T>
class SylvesterFactor {
  public:
    SylvesterFactor(MatrixView<const T> a, MatrixView<const T> b);

    double rcond() const { return rcond_; }
    SolveReport solve(bool adjoint, RightHandSides<T> parts) const;

  private:
    struct Oriented;  // the equation or its adjoint

    bool finite_;
    int exponent_;
    Matrix<T> a_, b_;  // 2^-exponent times the originals, for the residual
    std::pair<Schur<T>, Schur<T>> schur_;
    double norm_, rcond_;
};

/// A X + X B = Q for X. NaN or Inf anywhere makes X NaN.
template <class T>
SolveReport solve_sylvester(MatrixView<const T> a, MatrixView<const T> b, RightHandSides<T> parts);

/// A X B = Q for X. NaN or Inf anywhere makes X NaN.
template <class T>
SolveReport solve_axb(MatrixView<const T> a, MatrixView<const T> b, RightHandSides<T> parts);

}  // namespace otimes
