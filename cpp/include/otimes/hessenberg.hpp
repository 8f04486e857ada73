// A = Q H Q^H: the first half of a Schur decomposition.
#pragma once

#include "otimes/view.hpp"

namespace otimes {

/// Is every entry below the first subdiagonal zero?
template <class T>
bool is_hessenberg(MatrixView<const T> a);

/// A <- Q^H A Q upper Hessenberg, and Q, both (n,n), by Householder reflections: 14/3 n^3 flops.
template <class T>
void reduce_to_hessenberg(index_t n, T* a, index_t lda, T* q, index_t ldq);

}  // namespace otimes
