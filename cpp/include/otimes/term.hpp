// What the Kronecker engine works on: factors, and terms c (F1 x ... x FN) P of them.
#pragma once

#include <memory>  // std::shared_ptr
#include <vector>

#include "otimes/view.hpp"

namespace otimes {

/// A dense matrix F (rows x cols), contiguous in row-major or column-major order.
template <class T>
struct Factor {
    const T* data = nullptr;
    index_t rows = 0, cols = 0;
    bool row_major = true;

    MatrixView<const T> view() const {
        return {data, rows, cols, row_major ? cols : 1, row_major ? 1 : rows};
    }

    T operator()(index_t i, index_t j) const {
        return row_major ? data[i * cols + j] : data[i + j * rows];
    }
};

/// One factor of a term: a dense matrix; a sparse one, whose row i has the entries
/// data[row_start[i]], ..., data[row_start[i + 1] - 1] in these `columns`; or, without an owner,
/// the identity of size `rows`.
template <class T>
struct TermFactor : Factor<T> {
    const index_t* row_start = nullptr;
    const index_t* columns = nullptr;
    std::shared_ptr<const void> owner;  // keeps the arrays alive

    bool is_identity() const { return owner == nullptr; }
    bool is_sparse() const { return row_start != nullptr; }
};

/// c (F1 x ... x FN) P. P permutes the modes of the operand first: mode k of P x is mode order[k]
/// of x. An empty `order` is the identity.
template <class T>
struct Term {
    T coefficient;
    std::vector<TermFactor<T>> factors;
    std::vector<index_t> order;
};

}  // namespace otimes
