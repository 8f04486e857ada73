// The kernel of everything Kronecker: a matrix applied along one mode of a tensor.
#pragma once

#include "otimes/term.hpp"

namespace otimes {

/// y[l, :, r] <- alpha F x[l, :, r] + beta y[l, :, r] for x (L, cols, R) and y (L, rows, R), both
/// contiguous in C order, not overlapping. No transposition of anything: R = 1 is one GEMM, L = 1
/// is one GEMM, otherwise L of them with lanes along R; small ones by our own loops.
/// beta = 0 means y is not read. 2 L R rows cols flops.
template <class T>
void mode_product(const Factor<T>& f, index_t L, index_t R, T alpha, const T* x, T beta, T* y);

}  // namespace otimes
