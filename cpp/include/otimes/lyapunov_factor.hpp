// A X E^H + E X A^H + B B^H = 0 and A X A^H - E X E^H + B B^H = 0 for the L with X = L L^H.
#pragma once

#include "otimes/time.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// The lower triangular L with a diagonal that is not negative, X itself never being formed: small
/// singular values of L keep the digits that those of X have lost.
///
/// Hammarling 1982, doi:10.1093/imanum/2.3.303, in the form of Sorensen & Zhou 2003,
/// doi:10.1155/S1110757X03212055, on the Schur form of E^-1 A. A, E (n, n), B (n, m); E without
/// data is the identity. Throws singular_error if an eigenvalue is not stable, or E is singular.
template <class T>
void lyapunov_factor(Time time, MatrixView<const T> a, MatrixView<const T> b, MatrixView<const T> e,
                     MatrixView<T> l);

}  // namespace otimes
