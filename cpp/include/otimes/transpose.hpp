// Permutation of tensor modes, transposition above all, at the speed of memory, for elements of any
// type.
#pragma once

#include <vector>

#include "otimes/view.hpp"

namespace otimes {

/// y = x with its modes permuted: mode k of y is mode order[k] of x, whose sizes are `dims`.
/// Both contiguous in C order, not overlapping. Elements of `size` bytes: nothing else matters.
void permute_bytes(const void* x, index_t size, const std::vector<index_t>& dims,
                   const std::vector<index_t>& order, void* y);

template <class T>
void permute(const T* x, const std::vector<index_t>& dims, const std::vector<index_t>& order,
             T* y) {
    permute_bytes(x, static_cast<index_t>(sizeof(T)), dims, order, y);
}

}  // namespace otimes
