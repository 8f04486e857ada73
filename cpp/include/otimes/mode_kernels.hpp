// The inner kernels of mode products, one set per instruction set, chosen once by cpu.hpp.
#pragma once

#include "otimes/view.hpp"

namespace otimes {

/// Where the slices and the rows of a (slices, rows, inner) array begin; `inner` is contiguous.
struct Strides {
    index_t slice = 0, row = 0;
};

/// One mode product: y[l, i, r] <- alpha sum_j F(i, j) x[l, j, r] (+ y[l, i, r] if `accumulate`).
/// Every entry of y is one chain of multiply-adds over ascending j, whatever the tiles: results
/// do not depend on how a product is cut up.
template <class T>
struct ModeProduct {
    const T* factor;  // packed as the kernel wants it
    index_t rows, cols;
    index_t slices, inner;
    T alpha;
    const T* x;
    Strides from;
    bool accumulate;
    T* y;
    Strides to;
};

/// Vectors that one tile is wide, and columns up to which a factor may be applied in place.
inline constexpr int kernel_vectors = 3;
inline constexpr index_t kernel_copied_rows = 128;

template <class T>
struct ModeKernels {
    index_t lanes;      // elements in a vector
    index_t tile_rows;  // rows of F that one tile takes

    /// Lanes along `inner`. The factor is packed in tiles of `tile_rows` rows, each column by
    /// column; the last tile may have fewer rows. x and y may be one array.
    void (*along_inner)(const ModeProduct<T>&);

    /// inner == 1, rows of x and y contiguous: lanes along the rows of F. It is packed in blocks of
    /// `kernel_vectors` vectors of rows, each column by column, the last one padded with zeros to
    /// whole vectors.
    void (*along_rows)(const ModeProduct<T>&);

    /// The same for inner == 2 (real factors meet complex numbers so): lanes along the pairs (row,
    /// inner), each row of the packed factor twice.
    void (*along_pairs)(const ModeProduct<T>&);
};

/// For float, double, their complex numbers and std::uint64_t.
template <class T>
const ModeKernels<T>& mode_kernels();

}  // namespace otimes
