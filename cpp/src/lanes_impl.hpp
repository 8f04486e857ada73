// A number in every lane of a vector, for kernels that do the same to many problems at once. A file
// that includes it defines OTIMES_KERNEL_SET and OTIMES_VECTOR_BYTES, and OTIMES_ONE_LANE for
// kernels of a problem by itself, whose loops are left to the compiler's vectoriser. As in
// vector_impl.hpp, no inline function of the standard library may be called here.
#pragma once

#include <cstdint>

#include "otimes/view.hpp"
#include "vector_impl.hpp"

namespace otimes::OTIMES_KERNEL_SET {
namespace {

// --- lanes ---------------------------------------------------------------------------------------

/// The layout of a floating-point number.
template <class R>
struct Format;
template <>
struct Format<float> {
    using integer = std::int32_t;
    static constexpr int mantissa = 23, bias = 127;
};
template <>
struct Format<double> {
    using integer = std::int64_t;
    static constexpr int mantissa = 52, bias = 1023;
};

#if defined(__GNUC__) && !defined(OTIMES_ONE_LANE)
template <class R>
using Lanes = Vector<R>;
template <class R>
struct IntegersOf {
    typedef typename Format<R>::integer type __attribute__((vector_size(vector_bytes)));
};
template <class R>
using Integers = typename IntegersOf<R>::type;
template <class R>
constexpr index_t lane_count = reals<R>;
#else
template <class R>
using Lanes = R;
template <class R>
using Integers = typename Format<R>::integer;
template <class R>
constexpr index_t lane_count = 1;
#endif

template <class R>
OTIMES_INLINE Lanes<R> all(R s) {
    return s - Lanes<R>{};
}

template <class R>
OTIMES_INLINE Integers<R> all_integers(index_t k) {
    return static_cast<typename Format<R>::integer>(k) - Integers<R>{};
}

template <class R>
OTIMES_INLINE Integers<R> bits_of(const Lanes<R>& x) {
    Integers<R> bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

template <class R>
OTIMES_INLINE Lanes<R> from_bits(const Integers<R>& bits) {
    Lanes<R> x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

/// |x| as an integer, in which order NaN > Inf > finite.
template <class R>
OTIMES_INLINE Integers<R> magnitude_bits(const Lanes<R>& x) {
    constexpr auto sign = Format<R>::mantissa == 23 ? 31 : 63;
    return bits_of<R>(x) & ~(all_integers<R>(1) << sign);
}

/// e with 2^e <= x < 2^(e+1), from the bits of x > 0; less for subnormal numbers and zero.
template <class R>
OTIMES_INLINE Integers<R> exponent_of(const Integers<R>& bits) {
    return (bits >> Format<R>::mantissa) - all_integers<R>(Format<R>::bias);
}

/// Multiplication by 2^exponent, as PowerOfTwo does it.
template <class R>
class LanePowers {
  public:
    explicit OTIMES_INLINE LanePowers(Integers<R> e) {
        const Integers<R> limit = all_integers<R>(2 * Format<R>::bias - 2);
        e = e > limit ? limit : e;
        e = e < -limit ? -limit : e;
        first_ = power(e >> 1);
        second_ = power(e - (e >> 1));
    }
    OTIMES_INLINE Lanes<R> operator()(const Lanes<R>& x) const { return x * first_ * second_; }

  private:
    static OTIMES_INLINE Lanes<R> power(const Integers<R>& e) {
        return from_bits<R>((e + all_integers<R>(Format<R>::bias)) << Format<R>::mantissa);
    }
    Lanes<R> first_, second_;
};

// --- a number in every lane ----------------------------------------------------------------------

template <class T>
struct Number {
    using R = T;
    static constexpr index_t parts = 1;
    Lanes<R> re;

    OTIMES_INLINE Lanes<R> size() const { return from_bits<R>(magnitude_bits<R>(re)); }
    OTIMES_INLINE Lanes<R> square() const { return re * re; }
    OTIMES_INLINE Number conj() const { return *this; }
    OTIMES_INLINE Number reciprocal() const { return {all<R>(1) / re}; }
    OTIMES_INLINE Number scaled(const Lanes<R>& s) const { return {re * s}; }
    OTIMES_INLINE Number times(const Number& b) const { return {re * b.re}; }
    OTIMES_INLINE void add(const Number& b) { re += b.re; }
    OTIMES_INLINE void subtract(const Number& b) { re -= b.re; }
    OTIMES_INLINE void add_product(const Number& a, const Number& b) { re += a.re * b.re; }
    OTIMES_INLINE void subtract_product(const Number& a, const Number& b) { re -= a.re * b.re; }
};

template <class Real>
struct Number<std::complex<Real>> {
    using R = Real;
    static constexpr index_t parts = 2;
    Lanes<R> re, im;

    /// |Re| + |Im|: for choosing pivots.
    OTIMES_INLINE Lanes<R> size() const {
        return from_bits<R>(magnitude_bits<R>(re)) + from_bits<R>(magnitude_bits<R>(im));
    }
    OTIMES_INLINE Lanes<R> square() const { return re * re + im * im; }
    OTIMES_INLINE Number conj() const { return {re, -im}; }
    OTIMES_INLINE Number reciprocal() const {
        const Lanes<R> inverse = all<R>(1) / square();
        return {re * inverse, -im * inverse};
    }
    OTIMES_INLINE Number scaled(const Lanes<R>& s) const { return {re * s, im * s}; }
    OTIMES_INLINE Number times(const Number& b) const {
        return {re * b.re - im * b.im, re * b.im + im * b.re};
    }
    OTIMES_INLINE void add(const Number& b) {
        re += b.re;
        im += b.im;
    }
    OTIMES_INLINE void subtract(const Number& b) {
        re -= b.re;
        im -= b.im;
    }
    OTIMES_INLINE void add_product(const Number& a, const Number& b) {
        re = re + a.re * b.re - a.im * b.im;
        im = im + a.re * b.im + a.im * b.re;
    }
    OTIMES_INLINE void subtract_product(const Number& a, const Number& b) {
        re = re - a.re * b.re + a.im * b.im;
        im = im - a.re * b.im - a.im * b.re;
    }
};

/// Exchange a and b in the lanes where the mask is set.
template <class T, class Mask>
OTIMES_INLINE void exchange_where(const Mask& mask, Number<T>& a, Number<T>& b) {
    const Number<T> old_a = a, old_b = b;
    a.re = mask ? old_b.re : old_a.re;
    b.re = mask ? old_a.re : old_b.re;
    if constexpr (Number<T>::parts == 2) {
        a.im = mask ? old_b.im : old_a.im;
        b.im = mask ? old_a.im : old_b.im;
    }
}

template <class T>
OTIMES_INLINE Lanes<typename Number<T>::R> squared_norm(const Number<T>* x, index_t n) {
    Lanes<typename Number<T>::R> sum{};
    for (index_t k = 0; k < n; ++k) sum += x[k].square();
    return sum;
}

/// The bits of the largest |Re| or |Im|.
template <class T>
Integers<typename Number<T>::R> largest_bits(const Number<T>* x, index_t n) {
    using R = typename Number<T>::R;
    Integers<R> largest{};
    const auto take = [&](const Lanes<R>& part) {
        const Integers<R> bits = magnitude_bits<R>(part);
        largest = bits > largest ? bits : largest;
    };
    for (index_t k = 0; k < n; ++k) {
        take(x[k].re);
        if constexpr (Number<T>::parts == 2) take(x[k].im);
    }
    return largest;
}

template <class T>
void scale_all(Number<T>* x, index_t n, const Integers<typename Number<T>::R>& exponent) {
    const LanePowers<typename Number<T>::R> scale(exponent);
    for (index_t k = 0; k < n; ++k) {
        x[k].re = scale(x[k].re);
        if constexpr (Number<T>::parts == 2) x[k].im = scale(x[k].im);
    }
}

/// 0 if all entries are finite, else NaN.
template <class T>
Lanes<typename Number<T>::R> overflow(const Number<T>* x, index_t n) {
    Lanes<typename Number<T>::R> sum{};
    for (index_t k = 0; k < n; ++k) {
        sum += x[k].re - x[k].re;
        if constexpr (Number<T>::parts == 2) sum += x[k].im - x[k].im;
    }
    return sum;
}

}  // namespace
}  // namespace otimes::OTIMES_KERNEL_SET
