// A sparse matrix applied along one mode of a tensor.
#pragma once

#include "otimes/term.hpp"

namespace otimes {

/// y[l, :, r] <- alpha F x[l, :, r] + beta y[l, :, r] for a sparse F, x (L, cols, R) and
/// y (L, rows, R), both contiguous in C order, not overlapping: `mode_product` in
/// 2 L R nnz flops. Stored zeros are multiplied, entries that are not stored are not.
/// beta = 0 means y is not read. Lanes run along R, rows in parallel.
template <class T>
void sparse_mode_product(const TermFactor<T>& f, index_t L, index_t R, T alpha, const T* x, T beta,
                         T* y);

}  // namespace otimes
