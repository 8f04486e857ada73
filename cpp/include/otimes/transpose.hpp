// Blocked transposition and permutation of tensor modes, for elements of any type.
#pragma once

#include <vector>

#include "otimes/view.hpp"

namespace otimes {

/// y[j, i, :] = x[i, j, :] for x of shape (rows, cols, inner), both contiguous, not overlapping.
template <class T>
void transpose(const T* x, index_t rows, index_t cols, index_t inner, T* y);

/// y = x with its modes permuted: mode k of y is mode order[k] of x, whose sizes are `dims`.
/// Both contiguous in C order, not overlapping. Neighbouring modes that stay together are fused.
template <class T>
void permute(const T* x, const std::vector<index_t>& dims, const std::vector<index_t>& order, T* y);

}  // namespace otimes
