// Triangular solves of the equation families, recursive-blocked.
#pragma once

#include "otimes/view.hpp"

namespace otimes {

/// How a triangular solve went. The solution is 2^exponent times what was returned.
template <class R>
struct TriangularReport {
    int exponent = 0;
    R smallest_pivot = 0;     // the equation's smallest singular value is not above it
    bool overflowed = false;  // the solution is beyond all scaling, zeros were returned
};

/// T X + X S = C for X, in place of C. T (m,m) and S (n,n) are Schur forms with entries near 1.
///
/// m n (m + n) flops. Halves the larger side, never inside a 2x2 bump (Jonsson & Kagstrom 2002,
/// doi:10.1145/592843.592845); runs unprotected and, on any warning sign, again by LAPACK's guarded
/// trsyl.
template <class T>
TriangularReport<real_t<T>> solve_triangular_sylvester(const Matrix<T>& t, const Matrix<T>& s,
                                                       Matrix<T>& x);

/// J T^H J, J the reversal of order: again a Schur form. The adjoint equation T^H X + X S^H = C is
/// the equation itself for (J T^H J, J S^H J, J C J).
template <class T>
Matrix<T> reversed_adjoint(const Matrix<T>& t);

}  // namespace otimes
