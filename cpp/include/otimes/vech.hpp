// Triangle gathers and scatters: vech and veck and their inverses, column by column.
// They only move data, so they work on words of the element's size, whatever its dtype.
#pragma once

#include <cstdint>

#include "otimes/view.hpp"

namespace otimes {

/// Elements of 8 and 16 bytes as plain data, aligned as complex64 and complex128 are.
struct word64 {
    std::uint32_t low, high;
};
struct word128 {
    std::uint64_t low, high;
};

/// Entries of the lower triangle of an n x n matrix at and below the given subdiagonal.
inline index_t triangle_size(index_t n, index_t offset) {
    return (n - offset) * (n - offset + 1) / 2;
}

/// out = the entries a(i, j), i >= j + offset, column after column. offset 0: vech, 1: veck.
template <class Word>
void gather_lower(MatrixView<const Word> a, index_t offset, Word* out);

/// a(i, j) = the next entry of v, i >= j + offset, column after column; with `mirror` a(j, i) too.
/// The entries that are not named are left alone. v is strided by `step`.
template <class Word>
void scatter_lower(const Word* v, index_t step, index_t offset, bool mirror, MatrixView<Word> a);

}  // namespace otimes
