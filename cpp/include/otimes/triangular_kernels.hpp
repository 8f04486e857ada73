// The innermost blocks of triangular equations, one set per instruction set, chosen by cpu.hpp.
#pragma once

#include "otimes/view.hpp"

namespace otimes {

/// Rows and columns that one block has at most.
inline constexpr index_t triangular_leaf = 16;

/// T X + X S = X_in, or `identity` X - T X S = X_in, in place; T and S are diagonal blocks of Schur
/// forms, no 2x2 bump is cut. All matrices are column-major.
template <class T>
struct TriangularBlock {
    MatrixView<const T> t, s;
    MatrixView<T> x;
    MatrixView<T> w;  // of the second: X_left S, X_left what stands left of X; then with X's share
    real_t<T> identity;
    real_t<T> tiny;  // pivots below it are replaced by it
};

template <class T>
struct TriangularKernels {
    /// Both return the size of the smallest pivot, as it was.
    real_t<T> (*sylvester)(const TriangularBlock<T>&);
    real_t<T> (*stein)(const TriangularBlock<T>&);
};

/// For float, double and their complex numbers.
template <class T>
const TriangularKernels<T>& triangular_kernels();

}  // namespace otimes
