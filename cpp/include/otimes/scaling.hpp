// Exact scaling by powers of two: equations are solved with entries near 1, whatever their units.
#pragma once

#include <algorithm>  // std::clamp, std::min, std::max
#include <bit>        // std::bit_cast
#include <cmath>
#include <cstdint>
#include <cstdlib>  // std::abs of integers
#include <limits>
#include <type_traits>

#include "otimes/scalar.hpp"
#include "otimes/view.hpp"

namespace otimes {

template <class T>
constexpr double eps_of = std::numeric_limits<real_t<T>>::epsilon();

/// Multiplication by 2^exponent, exact unless the result overflows or is subnormal. Two factors,
/// since 2^exponent itself may be out of range.
template <class R>
class PowerOfTwo {
  public:
    explicit PowerOfTwo(int exponent) {
        constexpr int limit = 2 * std::numeric_limits<R>::max_exponent - 4;
        const int e = std::clamp(exponent, -limit, limit);
        first_ = std::ldexp(R(1), e / 2);
        second_ = std::ldexp(R(1), e - e / 2);
    }
    template <class T>
    T operator()(T x) const {
        return x * first_ * second_;
    }

  private:
    R first_, second_;
};

/// The largest |Re| or |Im| of the entries; NaN if one of them is NaN. Compared as integers, in
/// which order NaN > Inf > finite.
template <class T>
real_t<T> max_abs(MatrixView<const T> a) {
    using R = real_t<T>;
    using Bits = std::conditional_t<sizeof(R) == 4, std::uint32_t, std::uint64_t>;
    constexpr Bits magnitude = ~Bits{0} >> 1;
    if (std::abs(a.row_stride) > std::abs(a.col_stride)) a = a.t();
    Bits largest = 0;
    const auto take = [&](R x) {
        largest = std::max(largest, static_cast<Bits>(std::bit_cast<Bits>(x) & magnitude));
    };
    for (index_t j = 0; j < a.cols; ++j)
        for (index_t i = 0; i < a.rows; ++i) {
            const T x = a(i, j);
            if constexpr (is_complex<T>) {
                take(x.real());
                take(x.imag());
            } else {
                take(x);
            }
        }
    return std::bit_cast<R>(largest);
}

/// e with 2^e <= x < 2^(e+1); 0 for zero, infinity and NaN.
template <class R>
int binary_exponent(R x) {
    return std::isfinite(x) && x != R(0) ? std::ilogb(x) : 0;
}

/// to <- 2^exponent from, tile by tile so that either layout streams.
template <class T>
void copy_scaled(MatrixView<const T> from, MatrixView<T> to, int exponent) {
    constexpr index_t tile = 32;
    const PowerOfTwo<real_t<T>> scale(exponent);
    for (index_t j0 = 0; j0 < to.cols; j0 += tile)
        for (index_t i0 = 0; i0 < to.rows; i0 += tile) {
            const index_t i1 = std::min(i0 + tile, to.rows), j1 = std::min(j0 + tile, to.cols);
            for (index_t j = j0; j < j1; ++j)
                for (index_t i = i0; i < i1; ++i) to(i, j) = scale(from(i, j));
        }
}

/// The square of ||a||_F, for entries that are not extreme (all users scale first).
template <class T>
double squared_norm(MatrixView<const T> a) {
    double sum = 0;
    for (index_t j = 0; j < a.cols; ++j)
        for (index_t i = 0; i < a.rows; ++i) sum += square_of(a(i, j));
    return sum;
}

template <class T>
double norm_of(MatrixView<const T> a) {
    return std::sqrt(squared_norm(a));
}

/// 2^exponent a, as LAPACK takes it.
template <class T>
Matrix<T> scaled_copy(MatrixView<const T> a, int exponent) {
    Matrix<T> copy(a.rows, a.cols);
    copy_scaled<T>(a, copy.view(), exponent);
    return copy;
}

template <class T>
bool is_finite(MatrixView<const T> a, MatrixView<const T> b) {
    return std::isfinite(max_abs<T>(a)) && std::isfinite(max_abs<T>(b));
}

/// The exponent at which the largest entry of both matrices is near 1.
template <class T>
int common_exponent(MatrixView<const T> a, MatrixView<const T> b) {
    return binary_exponent(std::max(max_abs<T>(a), max_abs<T>(b)));
}

/// So many powers of two must be left out for 2^exponent times `largest` not to overflow.
template <class R>
int excess_exponent(R largest, int exponent) {
    const int excess =
        binary_exponent(largest) + exponent + 1 - std::numeric_limits<R>::max_exponent;
    return largest > 0 ? std::max(0, excess) : 0;
}

/// Scale the entries to near 1 if they are far from it; returns e such that the old a is 2^e a.
template <class T>
int normalise(MatrixView<T> a) {
    constexpr int far = std::numeric_limits<real_t<T>>::max_exponent / 4;
    const int e = binary_exponent(max_abs<T>(a));
    if (std::abs(e) < far) return 0;
    copy_scaled<T>(a, a, -e);
    return e;
}

}  // namespace otimes
