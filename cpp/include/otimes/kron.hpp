// Sums of Kronecker terms, sum c (F1 x ... x FN) P, applied without ever being formed.
#pragma once

#include <vector>

#include "otimes/mode_sequence.hpp"
#include "otimes/term.hpp"

namespace otimes {

/// An immutable sum of terms of equal flat size, ready to be applied.
template <class T>
class TermPlan {
  public:
    explicit TermPlan(std::vector<Term<T>> terms);

    index_t rows() const { return rows_; }
    index_t cols() const { return cols_; }
    double work() const { return work_; }

    /// y = M x along the middle mode: x (L, cols, R), y (L, rows, R), contiguous in C order.
    void apply(const T* x, index_t L, index_t R, T* y) const;

    /// out(k, :) = row indices[k] of M, written in one pass; out has `cols` columns.
    void write_rows(const index_t* indices, index_t count, T* out) const;

    /// Passes over memory that a product takes, term after term, for an operand (L, cols, R).
    index_t passes(index_t R) const;

  private:
    struct Prepared {
        Term<T> term;
        std::vector<index_t> in_dims;  // of x
        ModeSequence<T> product;
    };

    void apply_term(const Prepared& p, const T* x, index_t L, index_t R, bool accumulate,
                    T* y) const;

    std::vector<Prepared> terms_;
    index_t rows_ = 0, cols_ = 0;
    double work_ = 0;
};

}  // namespace otimes
