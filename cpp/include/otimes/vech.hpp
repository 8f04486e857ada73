// Triangle gathers and scatters: vech and veck and their inverses, column by column, and the
// products with the duplication, elimination and symmetrizer matrices.
// What only moves data works on words of the element's size, whatever its dtype.
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

/// a(i, j) = the next entry of v, i >= j + offset, column after column. The entries that are not
/// named are left alone. v is strided by `step`.
template <class Word>
void scatter_lower(const Word* v, index_t step, index_t offset, MatrixView<Word> a);

// The products below are along the middle mode of contiguous arrays: v (batch, n(n+1)/2, inner) in
// the order of vech, a and b (batch, n*n, inner) in that of vec. Inputs and outputs do not overlap.

/// a = Lᵀ v: the lower triangle, and zeros above it.
template <class Word>
void pad_triangle(const Word* v, index_t batch, index_t n, index_t inner, Word* a);

/// v = L a: the lower triangle.
template <class Word>
void cut_triangle(const Word* a, index_t batch, index_t n, index_t inner, Word* v);

/// a = D v: a(i, j) = a(j, i) = v(i, j).
template <class Word>
void mirror_triangle(const Word* v, index_t batch, index_t n, index_t inner, Word* a);

/// a = (D⁺)ᵀ v: the same, with half of v(i, j) off the diagonal.
template <class T>
void share_triangle(const T* v, index_t batch, index_t n, index_t inner, T* a);

/// v = Dᵀ a: v(i, j) = a(i, j) + a(j, i) off the diagonal.
template <class T>
void fold_triangle(const T* a, index_t batch, index_t n, index_t inner, T* v);

/// v = D⁺ a: v(i, j) = a(i, j)/2 + a(j, i)/2.
template <class T>
void average_triangle(const T* a, index_t batch, index_t n, index_t inner, T* v);

/// b = N a: b(i, j) = b(j, i) = a(i, j)/2 + a(j, i)/2.
template <class T>
void symmetrize(const T* a, index_t batch, index_t n, index_t inner, T* b);

}  // namespace otimes
