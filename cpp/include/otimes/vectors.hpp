// Vectors, for power iterations and substitutions.
#pragma once

#include <algorithm>  // std::copy
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "otimes/blas.hpp"
#include "otimes/scalar.hpp"
#include "otimes/view.hpp"

namespace otimes {

template <class T>
using Vector = std::vector<T>;

/// Fixed pseudo-random entries, magnitudes in [1/2, 1]: the start of every power iteration. No
/// entry is small, so that a diagonal equation is probed everywhere.
template <class T>
void fill_noise(T* z, index_t n) {
    using R = real_t<T>;
    std::uint64_t state = 0x9e3779b97f4a7c15u;
    const auto next = [&state] {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        const auto magnitude = static_cast<R>(0x1p-1 + 0x1p-54 * static_cast<double>(state >> 11));
        return (state & 1) != 0 ? magnitude : -magnitude;
    };
    for (index_t i = 0; i < n; ++i) {
        if constexpr (is_complex<T>) {
            const R re = next();
            z[i] = T(re, next());
        } else {
            z[i] = next();
        }
    }
}

/// Divide z by its 2-norm, which is returned; infinity for entries out of range.
template <class T>
double normalise_vector(T* z, index_t n) {
    double sum = 0;
    for (index_t i = 0; i < n; ++i) sum += square_of(z[i]);
    const double norm = std::sqrt(sum);
    if (!(norm < std::numeric_limits<double>::infinity()))
        return std::numeric_limits<double>::infinity();
    if (norm == 0) return 0;
    const auto factor = static_cast<real_t<T>>(1 / norm);
    for (index_t i = 0; i < n; ++i) z[i] *= factor;
    return norm;
}

template <class T>
Vector<T> unit_noise(index_t n) {
    Vector<T> x(static_cast<std::size_t>(n));
    fill_noise(x.data(), n);
    normalise_vector(x.data(), n);
    return x;
}

/// x^H y
template <class T>
T dot(const Vector<T>& x, const Vector<T>& y) {
    T sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += times(conj_of(x[i]), y[i]);
    return sum;
}

/// y <- y + a x, n entries
template <class T>
void add_multiple(index_t n, T a, const T* x, T* y) {
    for (index_t i = 0; i < n; ++i) y[i] += times(a, x[i]);
}
template <class T>
void add_multiple(T a, const Vector<T>& x, Vector<T>& y) {
    add_multiple(static_cast<index_t>(x.size()), a, x.data(), y.data());
}

/// op(A) x for a square A
template <class T>
Vector<T> product(char op, const Matrix<T>& a, const Vector<T>& x) {
    Vector<T> y(x.size());
    blas::gemv(op, a.rows(), a.cols(), a.data(), a.ld(), x.data(), y.data());
    return y;
}

/// x <- op(A) x, as a map that keeps a reference to A.
template <class T>
auto product_in_place(char op, const Matrix<T>& a) {
    return [op, &a, y = Vector<T>(static_cast<std::size_t>(a.rows()))](T* x) mutable {
        blas::gemv(op, a.rows(), a.cols(), a.data(), a.ld(), x, y.data());
        std::copy(y.begin(), y.end(), x);
    };
}

}  // namespace otimes
