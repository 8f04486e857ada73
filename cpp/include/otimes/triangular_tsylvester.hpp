// A Y B* + C Y* D* = F with triangular coefficients, * the transpose or the adjoint.
#pragma once

#include "otimes/triangular.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// What stands at the second X of A X + X* B: BLAS's letters.
enum class Star : char { transpose = 'T', adjoint = 'C' };

/// Upper triangular, complex, with entries near 1. Those that are null are I: not both of A and B,
/// and not both of C and D.
template <class T>
struct StarForms {
    const Matrix<T>*a, *b, *c, *d;
};

/// A Y B* + C Y* D* = F for Y, in place of F; with `adjoint` its adjoint
/// A^H Y (B^H)* + D^H Y* (C^H)* = F, that with respect to Re <., .> where * is the adjoint.
///
/// Entries (i, j) and (j, i) are found together. With p = y_ij and w = y_ji*, what is left of the
/// two equations once the rows and columns behind are known is
///     a_ii b_jj* p + c_ii d_jj* w = e,    d_ii c_jj* p + b_ii a_jj* w = f.
/// On the diagonal p and w are one number: for the transpose (a_ii b_ii + c_ii d_ii) p = e, for the
/// adjoint two real equations. Blocks of the rows I and the columns J, and of the rows J and the
/// columns I, are such a pair too. They are halved down to 16 x 16, by products of matrices: 10 n^3
/// multiplications and additions in all, and 2 n^3 where B and C, or B and D, are I.
template <class T>
TriangularReport<real_t<T>> solve_triangular_tsylvester(Star star, bool adjoint,
                                                        const StarForms<T>& forms, Matrix<T>& y);

/// Y <- A Y B* + C Y* D*, or the adjoint of that.
template <class T>
void apply_triangular_tsylvester(Star star, bool adjoint, const StarForms<T>& forms, Matrix<T>& y);

}  // namespace otimes
