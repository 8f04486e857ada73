// Plane rotations, and the rotation that brings a 2x2 diagonal block to its standard form.
#pragma once

#include "otimes/view.hpp"

namespace otimes {

/// G = [c s; -conj(s) c], c^2 + |s|^2 = 1.
template <class T>
struct Rotation {
    real_t<T> c = 1;
    T s = 0;
};

template <class T>
struct Block2 {
    T a, b, c, d;  // [a b; c d]
};

/// The rotation G that maps (x, y) to a multiple of e_1, for complex x and y; I where y = 0.
template <class T>
Rotation<T> rotation_to_axis(T x, T y);

/// The eigenvalue of a complex block that is nearer to d, less d.
template <class T>
T offset_of_eigenvalue(const Block2<T>& block);

/// block <- G block G^H and G: upper triangular, or for real T and a conjugate pair of eigenvalues
/// [a b; c a] with b c < 0.
template <class T>
Rotation<T> standardize(Block2<T>& block);

/// [x; y] <- G [x; y] for rows, entry k of each at k * stride.
template <class T>
void rotate_rows(const Rotation<T>& g, index_t count, T* x, T* y, index_t stride);

/// [x y] <- [x y] G^H for columns.
template <class T>
void rotate_cols(const Rotation<T>& g, index_t count, T* x, T* y);

}  // namespace otimes
