// Scalar arithmetic for inner loops. Complex products and quotients go without std::complex's
// recovery from NaN: a solve that meets one is repeated with protection.
#pragma once

#include <cmath>
#include <complex>

#include "otimes/view.hpp"

namespace otimes {

template <class R>
R times(R a, R b) {
    return a * b;
}
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
