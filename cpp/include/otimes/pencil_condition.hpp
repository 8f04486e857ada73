// Triangular equations with two pencils, or their adjoints, and how well they are conditioned.
#pragma once

#include "otimes/triangular_pencils.hpp"

namespace otimes {

/// ||L1||_F ||R1||_F + ||L2||_F ||R2||_F.
template <class T>
double norm_of_terms(const Forms<T>& left, const Forms<T>& right);

/// L1 X R1 + L2 X R2 = C, or its adjoint L1^H X R1^H + L2^H X R2^H = C, in place of C.
template <class T>
TriangularReport<real_t<T>> solve_two_term_forms(const Forms<T>& left, const Forms<T>& right,
                                                 bool adjoint, Matrix<T>& x);

/// sigma_min / sigma_max of that equation.
template <class T>
double two_term_rcond(const Forms<T>& left, const Forms<T>& right);

/// S R - L T = C and P R - L U = F, or S^H R + P^H L = C and R T^H + L U^H = -F, X = [R; L] in
/// place of [C; F].
template <class T>
TriangularReport<real_t<T>> solve_coupled_forms(const Forms<T>& left, const Forms<T>& right,
                                                bool adjoint, Matrix<T>& x);

/// sigma_min / sigma_max of that equation.
template <class T>
double coupled_rcond(const Forms<T>& left, const Forms<T>& right);

}  // namespace otimes
