// The vectors of a kernel set: as many numbers as a register of OTIMES_VECTOR_BYTES holds. What
// mode_kernels_impl.hpp says of the standard library holds here as well.
#pragma once

#include <cstring>  // std::memcpy

#include "otimes/view.hpp"

#if defined(__GNUC__)
#define OTIMES_INLINE inline __attribute__((always_inline))
#define OTIMES_NOINLINE __attribute__((noinline))
#else
#define OTIMES_INLINE inline
#define OTIMES_NOINLINE
#endif

namespace otimes::OTIMES_KERNEL_SET {
namespace {

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

}  // namespace
}  // namespace otimes::OTIMES_KERNEL_SET
