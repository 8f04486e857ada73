// H = Q T Q^H: the QR algorithm with small bulges, for matrices of moderate size.
#pragma once

#include "otimes/view.hpp"

namespace otimes {

/// H <- Q^H H Q, a Schur form, and Z <- Z Q, for H (n,n) upper Hessenberg with entries near 1 and Z
/// (rows,n). The 2x2 blocks of a real H are standardised. False when it does not converge.
template <class T>
bool qr_iteration(index_t n, T* h, index_t ldh, index_t rows, T* z, index_t ldz);

}  // namespace otimes
