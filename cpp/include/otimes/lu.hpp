// LU of one square matrix, with its condition.
#pragma once

#include <vector>

#include "otimes/lapack.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// P A = L U for a square A with entries near 1, and sigma_min(A) / sigma_max(A). A zero pivot is
/// replaced by eps times the largest entry, as if A were perturbed by that much; rcond is then 0.
template <class T>
struct LU {
    LU() = default;
    explicit LU(const Matrix<T>& a);
    static LU without_rcond(Matrix<T> a);

    /// x (n, count) <- op(A)^-1 x, op in {N, T, C}.
    void solve(char op, index_t count, T* x, index_t ldx) const {
        blas::getrs(op, factors.rows(), count, factors.data(), factors.ld(), pivots.data(), x, ldx);
    }
    /// x (count, n) <- x op(A)^-1.
    void solve_right(char op, index_t count, T* x, index_t ldx) const;

    Matrix<T> factors;
    std::vector<blas::blasint> pivots;
    double rcond = 1;

  private:
    bool factor(Matrix<T> a);
    void swap_columns(bool forward, index_t count, T* x, index_t ldx) const;
};

}  // namespace otimes
