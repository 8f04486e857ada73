// S Y + (R Y)* = D with triangular S and R, * the transpose or the adjoint.
#pragma once

#include "otimes/triangular.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// What stands at the second X of A X + X* B: BLAS's letters.
enum class Star : char { transpose = 'T', adjoint = 'C' };

/// S Y + (R Y)* = D for Y, in place of D; with `adjoint` its adjoint S^H Y + R^H Y* = D, that with
/// respect to Re <., .> where * is the adjoint. S and R are upper triangular, complex, with entries
/// near 1.
///
/// Entries (i, j) and (j, i) are found together. With p = y_ij and w = y_ji*, what is left of the
/// two equations once the rows below are known is
///     s_ii p + r_jj* w = e,    r_ii p + s_jj* w = f,
/// of determinant s_ii s_jj* - r_ii r_jj*; its adjoint has the adjoint matrix. On the diagonal
/// p and w are one number: for the transpose (s_ii + r_ii) p = e, for the adjoint two real
/// equations. Blocks of the rows I and the columns J, and of the rows J and the columns I, are such
/// a pair too. They are halved down to 16 x 16, by products of matrices: 2 n^3 multiplications and
/// additions in all.
template <class T>
TriangularReport<real_t<T>> solve_triangular_tsylvester(Star star, bool adjoint, const Matrix<T>& s,
                                                        const Matrix<T>& r, Matrix<T>& y);

}  // namespace otimes
