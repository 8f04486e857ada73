// LU of a matrix of at most 16 x 16, on the stack: a call of LAPACK would take longer than that.
#pragma once

#include <algorithm>  // std::copy_n
#include <array>
#include <limits>
#include <utility>  // std::swap

#include "otimes/condition.hpp"
#include "otimes/scalar.hpp"
#include "otimes/scaling.hpp"
#include "otimes/view.hpp"

namespace otimes {

inline constexpr index_t small_limit = 16;

/// P A = L U with partial pivoting. A zero pivot is replaced by eps times the largest entry, as if
/// A were perturbed by that much, and makes the smallest singular value 0.
template <class T>
class SmallLU {
  public:
    using R = real_t<T>;

    /// a is n x n and column-major, n <= small_limit.
    void factor(const T* a, index_t n) {
        n_ = n;
        singular_ = false;
        for (index_t k = 0; k < n * n; ++k) lu_[at(k)] = a[k];
        const R tiny =
            std::numeric_limits<R>::epsilon() * max_abs<T>(MatrixView<const T>{a, n, n, 1, n});
        for (index_t k = 0; k < n; ++k) eliminate(k, tiny);
    }

    /// x <- A^-1 x
    void solve(T* x) const {
        for (index_t k = 0; k < n_; ++k) {
            std::swap(x[k], x[swap_[at(k)]]);
            for (index_t i = k + 1; i < n_; ++i) x[i] -= times(x[k], lu(i, k));
        }
        for (index_t k = n_ - 1; k >= 0; --k) {
            x[k] = times(x[k], inverse_pivot_[at(k)]);
            for (index_t i = 0; i < k; ++i) x[i] -= times(x[k], lu(i, k));
        }
    }

    /// x <- A^-H x
    void solve_adjoint(T* x) const {
        for (index_t k = 0; k < n_; ++k) {
            T sum = x[k];
            for (index_t i = 0; i < k; ++i) sum -= times(conj_of(lu(i, k)), x[i]);
            x[k] = times(sum, conj_of(inverse_pivot_[at(k)]));
        }
        for (index_t k = n_ - 1; k >= 0; --k) {
            T sum = x[k];
            for (index_t i = k + 1; i < n_; ++i) sum -= times(conj_of(lu(i, k)), x[i]);
            x[k] = sum;
            std::swap(x[k], x[swap_[at(k)]]);
        }
    }

    /// The singular values of the a that was factored.
    SingularRange singular_range(const T* a) const {
        std::array<T, small_limit> z;
        const SingularRange range = otimes::singular_range(
            n_, z.data(), [&](T* x) { multiply(a, x); }, [&](T* x) { multiply_adjoint(a, x); },
            [&](T* x) { solve(x); }, [&](T* x) { solve_adjoint(x); }, 2);
        return {singular_ ? 0 : range.smallest, range.largest};
    }

  private:
    static std::size_t at(index_t k) { return static_cast<std::size_t>(k); }
    const T& lu(index_t i, index_t k) const { return lu_[at(i + k * n_)]; }

    void eliminate(index_t k, R tiny) {
        T* const column = &lu_[at(k * n_)];
        index_t p = k;
        for (index_t i = k + 1; i < n_; ++i)
            if (size_of(column[i]) > size_of(column[p])) p = i;
        swap_[at(k)] = p;
        if (p != k)  // the rows of L stay where they are: solve() swaps as it eliminates
            for (index_t j = k; j < n_; ++j) std::swap(lu_[at(k + j * n_)], lu_[at(p + j * n_)]);
        if (column[k] == T(0)) {
            column[k] = tiny;
            singular_ = true;
        }
        inverse_pivot_[at(k)] = reciprocal(column[k]);
        for (index_t i = k + 1; i < n_; ++i) column[i] = times(column[i], inverse_pivot_[at(k)]);
        for (index_t j = k + 1; j < n_; ++j) {
            T* const target = &lu_[at(j * n_)];
            for (index_t i = k + 1; i < n_; ++i) target[i] -= times(column[i], target[k]);
        }
    }

    void multiply(const T* a, T* x) const {
        std::array<T, small_limit> y{};
        for (index_t j = 0; j < n_; ++j)
            for (index_t i = 0; i < n_; ++i) y[at(i)] += times(x[j], a[i + j * n_]);
        std::copy_n(y.begin(), n_, x);
    }

    void multiply_adjoint(const T* a, T* x) const {
        std::array<T, small_limit> y{};
        for (index_t j = 0; j < n_; ++j)
            for (index_t i = 0; i < n_; ++i) y[at(j)] += times(conj_of(a[i + j * n_]), x[i]);
        std::copy_n(y.begin(), n_, x);
    }

    index_t n_ = 0;
    bool singular_ = false;
    std::array<T, small_limit * small_limit> lu_;  // column-major, n x n
    std::array<T, small_limit> inverse_pivot_;
    std::array<index_t, small_limit> swap_;
};

}  // namespace otimes
