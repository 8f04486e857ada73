// Rows of sums of Kronecker terms as dense arrays, written in one pass over memory.
#pragma once

#include <vector>

#include "otimes/term.hpp"

namespace otimes {

/// out(k, :) = row indices[k] of the sum of these terms, which have `cols` columns each. Products
/// are associated as np.kron's are: ((c F1) x F2) x F3; entries that an identity or a sparse factor
/// implies are zeros, whatever they would be multiplied by.
template <class T>
void write_rows(const std::vector<const Term<T>*>& terms, index_t cols, const index_t* indices,
                index_t count, T* out);

}  // namespace otimes
