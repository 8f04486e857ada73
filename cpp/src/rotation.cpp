#include "otimes/rotation.hpp"

#include <algorithm>  // std::max, std::min
#include <cmath>
#include <complex>
#include <limits>

#include "otimes/reflector_kernels.hpp"
#include "otimes/scalar.hpp"

namespace otimes {
namespace {

/// h after g: the rotation h g.
template <class R>
Rotation<R> composed(Rotation<R> h, Rotation<R> g) {
    return {h.c * g.c - h.s * g.s, h.c * g.s + h.s * g.c};
}

/// G block G^T.
template <class R>
Block2<R> rotated(const Block2<R>& m, const Rotation<R>& g) {
    const Block2<R> half{m.a * g.c + m.b * g.s, m.b * g.c - m.a * g.s, m.c * g.c + m.d * g.s,
                         m.d * g.c - m.c * g.s};
    return {g.c * half.a + g.s * half.c, g.c * half.b + g.s * half.d, g.c * half.c - g.s * half.a,
            g.c * half.d - g.s * half.b};
}

/// The eigenvalues d + z and d - bc/z are real: the first is split off.
template <class R>
Rotation<R> split_real(Block2<R>& m, R z, R product_over_z) {
    const R length = std::hypot(m.c, z);
    const Rotation<R> g{z / length, m.c / length};
    m = {m.d + z, m.b - m.c, 0, m.d - product_over_z};
    return g;
}

/// The same for eigenvalues a +- sqrt(bc) about a constant diagonal.
template <class R>
Rotation<R> split_equal_diagonal(Block2<R>& m) {
    const R root_b = std::sqrt(std::abs(m.b)), root_c = std::sqrt(std::abs(m.c));
    const R half_gap = std::copysign(root_b * root_c, m.c);
    const R unit = R(1) / std::sqrt(std::abs(m.b + m.c));
    m = {m.a + half_gap, m.b - m.c, 0, m.a - half_gap};
    return {root_b * unit, root_c * unit};
}

/// Makes the diagonal constant, and splits the block if the eigenvalues turn out to be real.
template <class R>
Rotation<R> equal_diagonal(Block2<R>& m) {
    const R sum = m.b + m.c, difference = m.a - m.d;
    const R length = std::hypot(sum, difference);
    const R c = std::sqrt((R(1) + std::abs(sum) / length) / 2);
    const Rotation<R> g{c, -std::copysign(R(1), sum) * (difference / (2 * length * c))};
    m = rotated(m, g);
    m.a = m.d = (m.a + m.d) / 2;
    if (m.c == 0) return g;
    if (m.b == 0) {
        m = {m.a, -m.c, 0, m.d};
        return composed({R(0), R(1)}, g);
    }
    if ((m.b < 0) != (m.c < 0)) return g;
    return composed(split_equal_diagonal(m), g);
}

template <class R>
Rotation<R> standardize_real(Block2<R>& m) {
    if (m.c == 0) return {};
    if (m.b == 0) {
        m = {m.d, -m.c, 0, m.a};
        return {R(0), R(1)};
    }
    if (m.a == m.d && (m.b < 0) != (m.c < 0)) return {};
    const R p = (m.a - m.d) / 2;
    const R larger = std::max(std::abs(m.b), std::abs(m.c));
    const R smaller = std::min(std::abs(m.b), std::abs(m.c)) * std::copysign(R(1), m.b) *
                      std::copysign(R(1), m.c);
    const R scale = std::max(std::abs(p), larger);
    const R discriminant = p / scale * p + larger / scale * smaller;
    if (!(discriminant >= 4 * std::numeric_limits<R>::epsilon() * scale)) return equal_diagonal(m);
    const R z = p + std::copysign(std::sqrt(scale) * std::sqrt(discriminant), p);
    return split_real(m, z, larger / z * smaller);
}

template <class T>
Rotation<T> standardize_complex(Block2<T>& m) {
    if (m.c == T(0)) return {};
    const real_t<T> size = std::max({size_of(m.a), size_of(m.b), size_of(m.c), size_of(m.d)});
    const Block2<T> u{m.a / size, m.b / size, m.c / size, m.d / size};
    if (u.c == T(0)) {
        m.c = 0;
        return {};
    }
    const T offset = offset_of_eigenvalue(u), other = u.d - u.a + offset;
    const bool upper = size_of(u.b) + size_of(other) > size_of(u.c) + size_of(offset);
    const auto g = upper ? rotation_to_axis(u.b, other) : rotation_to_axis(offset, u.c);
    T* const entries[] = {&m.a, &m.c, &m.b, &m.d};
    rotate_rows(g, 1, entries[0], entries[1], 1);
    rotate_rows(g, 1, entries[2], entries[3], 1);
    rotate_cols(g, 1, entries[0], entries[2]);
    rotate_cols(g, 1, entries[1], entries[3]);
    m.c = 0;
    return g;
}

}  // namespace

template <class T>
Rotation<T> standardize(Block2<T>& block) {
    if constexpr (is_complex<T>)
        return standardize_complex(block);
    else
        return standardize_real(block);
}

template <class T>
T offset_of_eigenvalue(const Block2<T>& m) {  // the smaller root of x^2 - (a - d) x - bc
    const T half = (m.a - m.d) * real_t<T>(0.5), product = times(m.b, m.c);
    T root = std::sqrt(times(half, half) + product);
    if (half.real() * root.real() + half.imag() * root.imag() < 0) root = -root;
    const T divisor = half + root;
    return divisor == T(0) ? divisor : -product / divisor;
}

template <class T>
Rotation<T> rotation_to_axis(T x, T y) {
    using R = real_t<T>;
    if (y == T(0)) return {};
    constexpr R negligible = std::numeric_limits<R>::min() / std::numeric_limits<R>::epsilon();
    const R size = std::max(size_of(x), size_of(y));
    x /= size;
    y /= size;
    const R length_x = std::abs(x), length = std::hypot(length_x, std::abs(y));
    if (length_x < negligible) return {0, T(1)};  // subnormal: as zero
    return {length_x / length, times(std::conj(y), x / length_x) / length};
}

template <class T>
void rotate_rows(const Rotation<T>& g, index_t count, T* x, T* y, index_t stride) {
    const T adjoint = conj_of(g.s);
    for (index_t k = 0; k < count * stride; k += stride) {
        const T a = x[k], b = y[k];
        x[k] = times(a, g.c) + times(g.s, b);
        y[k] = times(b, g.c) - times(adjoint, a);
    }
}

template <class T>
void rotate_cols(const Rotation<T>& g, index_t count, T* x, T* y) {
    reflector_kernels<T>().rotate_cols(g.c, &g.s, count, x, y);
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template Rotation<T> standardize(Block2<T>&);                                                  \
    template void rotate_rows(const Rotation<T>&, index_t, T*, T*, index_t);                       \
    template void rotate_cols(const Rotation<T>&, index_t, T*, T*);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

#define OTIMES_INSTANTIATE_COMPLEX(T)                                                              \
    template Rotation<T> rotation_to_axis(T, T);                                                   \
    template T offset_of_eigenvalue(const Block2<T>&);
OTIMES_INSTANTIATE_COMPLEX(std::complex<float>)
OTIMES_INSTANTIATE_COMPLEX(std::complex<double>)

}  // namespace otimes
