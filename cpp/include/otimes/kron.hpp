// Sums of Kronecker terms, sum c (F1 x ... x FN) P, applied without ever being formed.
#pragma once

#include <vector>

#include "otimes/mode_product.hpp"
#include "otimes/term.hpp"

namespace otimes {

/// The order in which to apply factors of sizes rows[k] x cols[k] so that the total work is least:
/// ascending 1/cols - 1/rows, shrinking factors first (exact, by exchange of neighbours). Ties keep
/// the later factor first, whose operand is contiguous.
std::vector<index_t> application_order(const std::vector<index_t>& rows,
                                       const std::vector<index_t>& cols);

/// Multiplications that the factors of these sizes cost in the given order, per column.
double application_work(const std::vector<index_t>& rows, const std::vector<index_t>& cols,
                        const std::vector<index_t>& order);

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

  private:
    struct Prepared {
        Term<T> term;
        std::vector<index_t> in_dims;  // of x
        std::vector<index_t> steps;    // dense factors, in order of application
        TermFactor<T> last;            // the last factor as rows of x take it best
    };

    void apply_term(const Prepared& p, const T* x, index_t L, index_t R, bool accumulate,
                    T* y) const;

    std::vector<Prepared> terms_;
    index_t rows_ = 0, cols_ = 0;
    double work_ = 0;
};

}  // namespace otimes
