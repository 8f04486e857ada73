// Vectors of the set that a file of kernels is compiled for: it defines OTIMES_KERNEL_SET, the name
// of the set's namespace, and OTIMES_VECTOR_BYTES.
//
// Nothing here or there may call an inline function of the standard library: the linker could keep
// the copy of a function that was compiled for this instruction set, and use it on a processor
// without.
#pragma once

#include <complex>
#include <cstring>  // std::memcpy

#include "otimes/view.hpp"
#if OTIMES_VECTOR_BYTES > 16
#include <immintrin.h>
#endif

namespace otimes::OTIMES_KERNEL_SET {
namespace {

#if defined(__GNUC__)
#define OTIMES_INLINE inline __attribute__((always_inline))
#define OTIMES_NOINLINE __attribute__((noinline))
#else
#define OTIMES_INLINE inline
#define OTIMES_NOINLINE
#endif

constexpr index_t vector_bytes = OTIMES_VECTOR_BYTES;

#if defined(__GNUC__)
template <class R>
struct VectorOf {
    typedef R type __attribute__((vector_size(vector_bytes)));
};
template <class R>
using Vector = typename VectorOf<R>::type;

template <class R>
OTIMES_INLINE Vector<R> broadcast(R s) {
    return s - Vector<R>{};
}
#else  // a compiler without vector extensions: the loops below are left to its vectoriser
template <class R>
struct Vector {
    static constexpr int count = vector_bytes / sizeof(R);
    R lane[count];

    R& operator[](int k) { return lane[k]; }
    R operator[](int k) const { return lane[k]; }
    friend Vector operator+(Vector a, const Vector& b) {
        for (int k = 0; k < count; ++k) a.lane[k] += b.lane[k];
        return a;
    }
    friend Vector operator-(Vector a, const Vector& b) {
        for (int k = 0; k < count; ++k) a.lane[k] -= b.lane[k];
        return a;
    }
    friend Vector operator*(Vector a, const Vector& b) {
        for (int k = 0; k < count; ++k) a.lane[k] *= b.lane[k];
        return a;
    }
};

template <class R>
Vector<R> broadcast(R s) {
    Vector<R> v;
    for (int k = 0; k < Vector<R>::count; ++k) v.lane[k] = s;
    return v;
}
#endif

template <class R>
constexpr index_t reals = vector_bytes / static_cast<index_t>(sizeof(R));

template <class R>
OTIMES_INLINE Vector<R> load(const R* p) {
    Vector<R> v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <class R>
OTIMES_INLINE void store(R* p, const Vector<R>& v) {
    std::memcpy(p, &v, sizeof v);
}

#if OTIMES_VECTOR_BYTES == 32
/// All bits of the first `count` lanes.
template <class R>
OTIMES_INLINE __m256i first_lanes(index_t count) {
    if constexpr (sizeof(R) == 8)
        return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
    else
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                                  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

/// The first `count` lanes from p, the others zero.
template <class R>
OTIMES_INLINE Vector<R> load_some(const R* p, index_t count) {
#if OTIMES_VECTOR_BYTES == 64
    if constexpr (sizeof(R) == 8)
        return (Vector<R>)_mm512_maskz_loadu_epi64(static_cast<__mmask8>((1u << count) - 1), p);
    else
        return (Vector<R>)_mm512_maskz_loadu_epi32(static_cast<__mmask16>((1u << count) - 1), p);
#elif OTIMES_VECTOR_BYTES == 32
    if constexpr (sizeof(R) == 8)
        return (Vector<R>)_mm256_maskload_epi64(reinterpret_cast<const long long*>(p),
                                                first_lanes<R>(count));
    else
        return (Vector<R>)_mm256_maskload_epi32(reinterpret_cast<const int*>(p),
                                                first_lanes<R>(count));
#else
    Vector<R> v{};
    for (index_t k = 0; k < count; ++k) v[static_cast<int>(k)] = p[k];
    return v;
#endif
}

template <class R>
OTIMES_INLINE void store_some(R* p, const Vector<R>& v, index_t count) {
#if OTIMES_VECTOR_BYTES == 64
    if constexpr (sizeof(R) == 8)
        _mm512_mask_storeu_epi64(p, static_cast<__mmask8>((1u << count) - 1), (__m512i)v);
    else
        _mm512_mask_storeu_epi32(p, static_cast<__mmask16>((1u << count) - 1), (__m512i)v);
#elif OTIMES_VECTOR_BYTES == 32
    if constexpr (sizeof(R) == 8)
        _mm256_maskstore_epi64(reinterpret_cast<long long*>(p), first_lanes<R>(count), (__m256i)v);
    else
        _mm256_maskstore_epi32(reinterpret_cast<int*>(p), first_lanes<R>(count), (__m256i)v);
#else
    for (index_t k = 0; k < count; ++k) p[k] = v[static_cast<int>(k)];
#endif
}

/// i v for complex numbers (re, im, re, im, ...).
template <class R>
OTIMES_INLINE Vector<R> times_i(const Vector<R>& v) {
    Vector<R> turned;
    for (int k = 0; k < static_cast<int>(reals<R>); k += 2) {
        turned[k] = -v[k + 1];
        turned[k + 1] = v[k];
    }
    return turned;
}

/// |x|, for std::abs may not be called here.
template <class R>
OTIMES_INLINE R absolute(R x) {
    return x < 0 ? -x : x;
}

/// A number of `parts` reals as the kernels see it.
template <class T>
struct Scalar {
    using real = T;
    static constexpr int parts = 1;
};
template <class R>
struct Scalar<std::complex<R>> {
    using real = R;
    static constexpr int parts = 2;
};

}  // namespace
}  // namespace otimes::OTIMES_KERNEL_SET
