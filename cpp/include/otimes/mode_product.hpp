// The kernel of everything Kronecker: a matrix applied along one mode of a tensor.
#pragma once

#include "otimes/view.hpp"

namespace otimes {

/// A dense factor F (rows x cols), contiguous in row-major or column-major order.
template <class T>
struct Factor {
    const T* data = nullptr;
    index_t rows = 0, cols = 0;
    bool row_major = true;

    T operator()(index_t i, index_t j) const {
        return row_major ? data[i * cols + j] : data[i + j * rows];
    }
};

/// y[l, :, r] <- alpha F x[l, :, r] + beta y[l, :, r] for x (L, cols, R) and y (L, rows, R), both
/// contiguous in C order, not overlapping. No transposition of anything: R = 1 is one GEMM, L = 1
/// is one GEMM, otherwise L of them with lanes along R; small ones by our own loops.
/// beta = 0 means y is not read. 2 L R rows cols flops.
template <class T>
void mode_product(const Factor<T>& f, index_t L, index_t R, T alpha, const T* x, T beta, T* y);

}  // namespace otimes
