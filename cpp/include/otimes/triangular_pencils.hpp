// Triangular solves of the equations with two pencils, recursive-blocked.
#pragma once

#include "otimes/generalized_schur.hpp"
#include "otimes/triangular.hpp"

namespace otimes {

/// L1 X R1 + L2 X R2 = C for X, in place of C, for Forms (L1, L2) and (R1, R2) with entries near 1;
/// or, with the reversed_adjoints of both, its adjoint in reversed order.
///
/// About 5 m n (m + n) flops: halves the larger side, never inside a 2x2 block (Jonsson & Kagstrom
/// 2002, doi:10.1145/592843.592846). A solution that overflows is computed again from a C that was
/// scaled down.
template <class T>
TriangularReport<real_t<T>> solve_triangular_two_terms(const Forms<T>& left, const Forms<T>& right,
                                                       Matrix<T>& x);

/// S R - L T = C and P R - L U = F for X = [R; L], in place of [C; F], with (S, P) = left and
/// (T, U) = right. 4 m n (m + n) flops.
template <class T>
TriangularReport<real_t<T>> solve_triangular_coupled(const Forms<T>& left, const Forms<T>& right,
                                                     Matrix<T>& x);

/// The adjoint: S R + P L = C and R T + L U = -F, for the reversed_adjoints of both and all four
/// of R, L, C and F in reversed order.
template <class T>
TriangularReport<real_t<T>> solve_adjoint_triangular_coupled(const Forms<T>& left,
                                                             const Forms<T>& right, Matrix<T>& x);

}  // namespace otimes
