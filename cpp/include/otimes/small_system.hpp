// A x = b of at most 8 unknowns: the diagonal blocks of triangular equations.
#pragma once

#include <algorithm>  // std::min
#include <array>
#include <limits>
#include <utility>  // std::swap

#include "otimes/scalar.hpp"

namespace otimes {

/// Elimination with complete pivoting, whose last pivot shows how near A is to a singular matrix.
template <class T>
class SmallSystem {
  public:
    static constexpr int limit = 8;

    explicit SmallSystem(int n) : n_(n) {}
    T& a(int i, int j) { return a_[at(i)][at(j)]; }
    T& b(int i) { return b_[at(i)]; }
    T x(int i) const { return x_[at(i)]; }

    /// Returns the smallest pivot; one below `tiny` counts as that.
    real_t<T> solve(real_t<T> tiny) {
        real_t<T> smallest = std::numeric_limits<real_t<T>>::max();
        std::array<int, limit> order{};
        for (int k = 0; k < n_; ++k) order[at(k)] = k;
        for (int k = 0; k < n_; ++k) {
            bring_largest_to(k, order);
            const real_t<T> size = std::abs(a(k, k));
            smallest = std::min(smallest, size);
            if (!(size > tiny)) a(k, k) = tiny;
            eliminate(k);
        }
        for (int k = n_ - 1; k >= 0; --k) {
            for (int j = k + 1; j < n_; ++j) b(k) -= times(a(k, j), b(j));
            b(k) = times(b(k), reciprocal(a(k, k)));
            x_[at(order[at(k)])] = b(k);
        }
        return smallest;
    }

  private:
    static std::size_t at(int k) { return static_cast<std::size_t>(k); }

    void bring_largest_to(int k, std::array<int, limit>& order) {
        int p = k, q = k;
        for (int i = k; i < n_; ++i)
            for (int j = k; j < n_; ++j)
                if (size_of(a(i, j)) > size_of(a(p, q))) p = i, q = j;
        std::swap(a_[at(k)], a_[at(p)]);
        std::swap(b(k), b(p));
        for (int i = 0; i < n_; ++i) std::swap(a(i, k), a(i, q));
        std::swap(order[at(k)], order[at(q)]);
    }

    void eliminate(int k) {
        const T inverse = reciprocal(a(k, k));
        for (int i = k + 1; i < n_; ++i) {
            const T factor = times(a(i, k), inverse);
            for (int j = k + 1; j < n_; ++j) a(i, j) -= times(factor, a(k, j));
            b(i) -= times(factor, b(k));
        }
    }

    int n_;
    std::array<std::array<T, limit>, limit> a_;
    std::array<T, limit> b_, x_;
};

}  // namespace otimes
