// Scalar arithmetic for inner loops. Complex products and quotients go without std::complex's
// recovery from NaN: a solve that meets one is repeated with protection.
#pragma once

#include <cmath>
#include <complex>
#include <cstdint>

#include "otimes/view.hpp"

namespace otimes {

template <class R>
R times(R a, R b) {
    return a * b;
}
template <class T>
T plus(T a, T b) {
    return a + b;
}

// Integers wrap around and bools are "and" and "or", as NumPy's are.
inline std::int64_t times(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}
inline std::int64_t plus(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
inline bool times(bool a, bool b) { return a && b; }
inline bool plus(bool a, bool b) { return a || b; }

template <class R>
std::complex<R> times(std::complex<R> a, std::complex<R> b) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}
template <class R>
std::complex<R> times(std::complex<R> a, R b) {
    return {a.real() * b, a.imag() * b};
}

template <class R>
R reciprocal(R a) {
    return R(1) / a;
}
template <class R>
std::complex<R> reciprocal(std::complex<R> a) {
    const R square = a.real() * a.real() + a.imag() * a.imag();
    return {a.real() / square, -a.imag() / square};
}

/// |Re x| + |Im x|: a size for choosing pivots, without overflow or underflow.
template <class T>
real_t<T> size_of(T x) {
    if constexpr (is_complex<T>)
        return std::abs(x.real()) + std::abs(x.imag());
    else
        return std::abs(x);
}

/// |x|^2 in double.
template <class T>
double square_of(T x) {
    if constexpr (is_complex<T>) {
        const double re = x.real(), im = x.imag();
        return re * re + im * im;
    } else {
        return static_cast<double>(x) * static_cast<double>(x);
    }
}

}  // namespace otimes
