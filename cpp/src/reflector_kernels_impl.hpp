// The text of all sets of reflector kernels, see vector_impl.hpp.
#include <math.h>  // sqrt: not the inline functions of <cmath>

#include <utility>  // std::integer_sequence

#include "otimes/reflector_kernels.hpp"
#include "vector_impl.hpp"

namespace otimes::OTIMES_KERNEL_SET {
namespace {

// --- scalars -------------------------------------------------------------------------------------

OTIMES_INLINE float square_root(float x) { return sqrtf(x); }
OTIMES_INLINE double square_root(double x) { return sqrt(x); }

/// A scalar in registers: for complex numbers the arithmetic that std::complex may not do here.
template <class R>
struct Complex {
    R re, im;

    friend OTIMES_INLINE Complex operator+(Complex a, Complex b) {
        return {a.re + b.re, a.im + b.im};
    }
    friend OTIMES_INLINE Complex operator-(Complex a, Complex b) {
        return {a.re - b.re, a.im - b.im};
    }
    friend OTIMES_INLINE Complex operator*(Complex a, Complex b) {
        return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    }
    friend OTIMES_INLINE Complex operator*(Complex a, R s) { return {a.re * s, a.im * s}; }
};
template <class R>
OTIMES_INLINE Complex<R> conjugate(Complex<R> a) {
    return {a.re, -a.im};
}
template <class R>
OTIMES_INLINE R square(Complex<R> a) {
    return a.re * a.re + a.im * a.im;
}
template <class R>
OTIMES_INLINE R size(Complex<R> a) {
    return absolute(a.re) + absolute(a.im);
}
template <class R>
OTIMES_INLINE R conjugate(R a) {
    return a;
}
template <class R>
OTIMES_INLINE R square(R a) {
    return a * a;
}
template <class R>
OTIMES_INLINE R size(R a) {
    return absolute(a);
}

/// Numbers below `small` are scaled up before they are squared. One below `negligible` beside them
/// counts as zero: its own square would be subnormal.
template <class R>
constexpr R small = sizeof(R) == 8 ? R(0x1p-400) : R(0x1p-24);
template <class R>
constexpr R negligible = sizeof(R) == 8 ? R(0x1p-480) : R(0x1p-51);

/// a / |a|, and |a|; 1 and 0 for a negligible one.
template <class R>
OTIMES_INLINE R phase(R a, R& modulus) {
    modulus = absolute(a);
    return a < 0 ? R(-1) : R(1);
}
template <class R>
OTIMES_INLINE Complex<R> phase(Complex<R> a, R& modulus) {
    const bool counts = size(a) >= negligible<R>;
    modulus = counts ? square_root(square(a)) : R(0);
    return counts ? a * (R(1) / modulus) : Complex<R>{R(1), R(0)};
}

template <class T>
struct NumberOf {
    using type = T;
};
template <class R>
struct NumberOf<std::complex<R>> {
    using type = Complex<R>;
};
template <class T>
using Number = typename NumberOf<T>::type;

template <class T, class R>
OTIMES_INLINE Number<T> get(const R* p) {
    if constexpr (Scalar<T>::parts == 2)
        return {p[0], p[1]};
    else
        return *p;
}
template <class R>
OTIMES_INLINE void put(R* p, R a) {
    *p = a;
}
template <class R>
OTIMES_INLINE void put(R* p, Complex<R> a) {
    p[0] = a.re;
    p[1] = a.im;
}

// --- vectors -------------------------------------------------------------------------------------

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define OTIMES_SHUFFLE
#endif
#endif

/// (source(0), source(1), ...) of the entries of a and then those of b.
template <class R, class Source>
OTIMES_INLINE Vector<R> shuffled(const Vector<R>& a, const Vector<R>& b, Source) {
    constexpr int count = static_cast<int>(reals<R>);
#ifdef OTIMES_SHUFFLE
    return [&]<int... k>(std::integer_sequence<int, k...>) {
        return __builtin_shufflevector(a, b, Source{}(k)...);
    }(std::make_integer_sequence<int, count>{});
#else
    Vector<R> c{};
    for (int k = 0; k < count; ++k) {
        const int from = Source{}(k);
        c[k] = from < count ? a[from] : b[from - count];
    }
    return c;
#endif
}

/// Neighbours change places: (im, re, im, re, ...) of complex numbers.
template <class R>
OTIMES_INLINE Vector<R> swapped(const Vector<R>& v) {
    return shuffled<R>(v, v, [](int k) { return k ^ 1; });
}

/// A number to multiply vectors with: a + number x and a - number x.
template <class T>
struct Multiplier {
    Vector<T> number;

    OTIMES_INLINE explicit Multiplier(const T* p) : number(broadcast(*p)) {}
    OTIMES_INLINE Vector<T> plus(const Vector<T>& a, const Vector<T>& x) const {
        return a + number * x;
    }
    OTIMES_INLINE Vector<T> minus(const Vector<T>& a, const Vector<T>& x) const {
        return a - number * x;
    }
};
template <class R>
struct Multiplier<std::complex<R>> {
    Vector<R> real, imaginary;  // (-im, im, -im, im, ...)

    OTIMES_INLINE explicit Multiplier(const R* p) : real(broadcast(p[0])) {
        for (int k = 0; k < static_cast<int>(reals<R>); k += 2) {
            imaginary[k] = -p[1];
            imaginary[k + 1] = p[1];
        }
    }
    OTIMES_INLINE Vector<R> plus(const Vector<R>& a, const Vector<R>& x) const {
        return a + real * x + imaginary * swapped<R>(x);
    }
    OTIMES_INLINE Vector<R> minus(const Vector<R>& a, const Vector<R>& x) const {
        return a - real * x - imaginary * swapped<R>(x);
    }
};

template <bool partial, class R>
OTIMES_INLINE Vector<R> read(const R* p, index_t count) {
    return partial ? load_some(p, count) : load(p);
}
template <bool partial, class R>
OTIMES_INLINE void write(R* p, const Vector<R>& a, index_t count) {
    partial ? store_some(p, a, count) : store(p, a);
}

// --- chains of reflectors ------------------------------------------------------------------------

/// X <- X Q for `strips` vectors of rows, or for the first `count` lanes of one. Each column is
/// read and written once: three of them are in registers.
template <class T, int strips, bool partial>
OTIMES_INLINE void apply_strip(const Chain<T>& chain, typename Scalar<T>::real* x, index_t step,
                               index_t count) {
    using R = typename Scalar<T>::real;
    constexpr index_t width = reals<R>;
    Vector<R> a[strips], b[strips];
    for (int s = 0; s < strips; ++s) {
        a[s] = read<partial>(x + s * width, count);
        b[s] = read<partial>(x + step + s * width, count);
    }
    const index_t triples = chain.count - (chain.ends_in_pair ? 1 : 0);
    for (index_t k = 0; k < triples; ++k, x += step) {
        const Reflector<T>& r = chain.first[k];
        const Multiplier<T> v1(r.v[0]), v2(r.v[1]), t1(r.scaled[1]), t2(r.scaled[2]);
        const Vector<R> t0 = broadcast(r.scaled[0][0]);
        for (int s = 0; s < strips; ++s) {
            const Vector<R> c = read<partial>(x + 2 * step + s * width, count);
            const Vector<R> sum = v1.plus(v2.plus(a[s], c), b[s]);
            write<partial, R>(x + s * width, a[s] - t0 * sum, count);
            a[s] = t1.minus(b[s], sum);
            b[s] = t2.minus(c, sum);
        }
    }
    if (chain.ends_in_pair) {
        const Reflector<T>& r = chain.first[triples];
        const Multiplier<T> v1(r.v[0]), t1(r.scaled[1]);
        const Vector<R> t0 = broadcast(r.scaled[0][0]);
        for (int s = 0; s < strips; ++s) {
            const Vector<R> sum = v1.plus(a[s], b[s]);
            a[s] = a[s] - t0 * sum;
            b[s] = t1.minus(b[s], sum);
        }
    }
    for (int s = 0; s < strips; ++s) {
        write<partial, R>(x + s * width, a[s], count);
        write<partial, R>(x + step + s * width, b[s], count);
    }
}

/// Vectors of rows that are worked on at once: enough to hide the latency of multiply-adds.
constexpr int most_strips = vector_bytes == 64 ? 4 : 3;

template <class T, int strips, bool partial>
OTIMES_INLINE void apply_strips(const Chains<T>& chains, typename Scalar<T>::real* x, index_t step,
                                index_t count) {
    for (index_t k = 0; k < chains.count; ++k)
        apply_strip<T, strips, partial>(chains.chain[k], x + chains.chain[k].at * step, step,
                                        count);
}

template <class T>
OTIMES_NOINLINE void apply_right(const Chains<T>& chains, index_t rows, T* matrix, index_t ldx) {
    using R = typename Scalar<T>::real;
    constexpr index_t parts = Scalar<T>::parts, width = reals<R>, most = most_strips * width;
    R* x = reinterpret_cast<R*>(matrix);
    const index_t step = ldx * parts;
    index_t left = rows * parts;
    for (; left >= most; left -= most, x += most)
        apply_strips<T, most_strips, false>(chains, x, step, width);
    for (; left >= 2 * width; left -= 2 * width, x += 2 * width)
        apply_strips<T, 2, false>(chains, x, step, width);
    for (; left >= width; left -= width, x += width)
        apply_strips<T, 1, false>(chains, x, step, width);
    if (left > 0) apply_strips<T, 1, true>(chains, x, step, left);
}

/// Numbers in a vector.
template <class T>
constexpr int lanes = static_cast<int>(vector_bytes / static_cast<index_t>(sizeof(T)));

/// (a_0, b_0, a_1, b_1, ...): the lower, or with `upper` the upper half of both.
template <class T, bool upper, class R>
OTIMES_INLINE Vector<R> interleaved(const Vector<R>& a, const Vector<R>& b) {
    constexpr int parts = Scalar<T>::parts, count = static_cast<int>(reals<R>);
    constexpr int from = upper ? count / 2 : 0;
    return shuffled<R>(a, b, [](int k) {
        return from + k / (2 * parts) * parts + k % parts + (k / parts % 2) * count;
    });
}

/// y(j, i) = x(i, j) for a square of `lanes` numbers: perfect shuffles of its columns.
template <class T, class R>
OTIMES_INLINE void transpose_square(const R* x, index_t ldx, R* y, index_t ldy) {
    constexpr int count = lanes<T>;
    Vector<R> a[count], b[count];
    for (int j = 0; j < count; ++j) a[j] = load(x + j * ldx);
    for (int half = count / 2; half > 0; half /= 2) {
        for (int j = 0; j < count / 2; ++j) {
            b[2 * j] = interleaved<T, false, R>(a[j], a[j + count / 2]);
            b[2 * j + 1] = interleaved<T, true, R>(a[j], a[j + count / 2]);
        }
        for (int j = 0; j < count; ++j) a[j] = b[j];
    }
    for (int j = 0; j < count; ++j) store(y + j * ldy, a[j]);
}

/// y(j, i) = x(i, j) for x (rows, cols). The last squares overlap those before.
template <class T, class R>
OTIMES_INLINE void transpose(index_t rows, index_t cols, const R* x, index_t ldx, R* y,
                             index_t ldy) {
    constexpr index_t parts = Scalar<T>::parts, side = lanes<T>;
    if (rows < side || cols < side) {
        for (index_t j = 0; j < cols; ++j)
            for (index_t i = 0; i < rows; ++i)
                put(y + j * parts + i * ldy, get<T>(x + i * parts + j * ldx));
        return;
    }
    for (index_t j = 0; j < cols; j += side) {
        if (j + side > cols) j = cols - side;
        for (index_t i = 0; i < rows; i += side) {
            if (i + side > rows) i = rows - side;
            transpose_square<T>(x + i * parts + j * ldx, ldx, y + j * parts + i * ldy, ldy);
        }
    }
}

template <class R, std::size_t count>
OTIMES_INLINE void conjugate_each(R (&numbers)[count][2]) {
    for (auto& number : numbers) number[1] = -number[1];
}

/// The reflectors that act on rows as these act on columns.
template <class T>
OTIMES_INLINE void conjugate_chains(Chains<T>& chains, Reflector<T>* storage) {
    if constexpr (Scalar<T>::parts == 2)
        for (index_t k = 0; k < chains.count; ++k) {
            Chain<T>& chain = chains.chain[k];
            for (index_t i = 0; i < chain.count; ++i) {
                storage[i] = chain.first[i];
                conjugate_each(storage[i].v);
                conjugate_each(storage[i].scaled);
            }
            chain.first = storage;
            storage += chain.count;
        }
}

/// By way of the transposed rows, in a buffer: columns of X are its vectors.
template <class T>
OTIMES_NOINLINE void apply_left(const Chains<T>& chains, index_t cols, T* matrix, index_t ldx) {
    using R = typename Scalar<T>::real;
    constexpr index_t parts = Scalar<T>::parts, group = most_strips * lanes<T>;
    alignas(64) R buffer[widest_chains * group * parts];
    Reflector<T> conjugates[parts == 2 ? most_chains * widest_chains : 1];
    Chains<T> adjoint = chains;
    conjugate_chains(adjoint, conjugates);
    const index_t step = ldx * parts;
    R* x = reinterpret_cast<R*>(matrix);
    for (; cols > 0; cols -= group, x += group * step) {
        const index_t some = cols < group ? cols : group;
        transpose<T>(chains.width, some, x, step, buffer, group * parts);
        apply_right<T>(adjoint, some, reinterpret_cast<T*>(buffer), group);
        transpose<T>(some, chains.width, buffer, group * parts, x, step);
    }
}

// --- chasing bulges ------------------------------------------------------------------------------

/// Keeps a loop from being vectorised: entries are read right after they are written, and a vector
/// of them would have to wait until all have left the store buffer.
#if defined(__GNUC__)
#define OTIMES_ONE_BY_ONE asm volatile("")
#else
#define OTIMES_ONE_BY_ONE
#endif

/// The reflector that maps x to beta e_1, without overflow for entries of moderate size.
template <class T>
OTIMES_INLINE Number<T> reflect(Number<T> x0, Number<T> x1, Number<T> x2, Reflector<T>& r) {
    using R = typename Scalar<T>::real;
    constexpr R large = R(1) / small<R>;
    R unscale = 1;
    R sum = size(x1) + size(x2);
    if (sum == 0) {
        r = Reflector<T>{};
        return x0;
    }
    for (sum = sum + size(x0); sum < small<R>; sum = sum * large) {
        x0 = x0 * large;
        x1 = x1 * large;
        x2 = x2 * large;
        unscale = unscale * small<R>;
    }
    R modulus;
    const Number<T> direction = phase(x0, modulus);
    const R norm = square_root(square(x0) + square(x1) + square(x2));
    const R tau = R(1) + modulus / norm;
    const Number<T> factor = conjugate(direction) * (R(1) / (modulus + norm));
    const Number<T> v1 = x1 * factor, v2 = x2 * factor;
    put(r.v[0], v1);
    put(r.v[1], v2);
    r.scaled[0][0] = tau;
    if constexpr (Scalar<T>::parts == 2) r.scaled[0][1] = 0;
    put(r.scaled[1], conjugate(v1) * tau);
    put(r.scaled[2], conjugate(v2) * tau);
    return direction * (-norm * unscale);
}

/// A column <- H column.
template <class T>
OTIMES_INLINE void reflect_triple(const Reflector<T>& r, typename Scalar<T>::real* x) {
    constexpr index_t parts = Scalar<T>::parts;
    const auto a = get<T>(x), b = get<T>(x + parts), c = get<T>(x + 2 * parts);
    const auto sum = a + conjugate(get<T>(r.v[1])) * c + conjugate(get<T>(r.v[0])) * b;
    put(x, a - sum * r.scaled[0][0]);
    put(x + parts, b - conjugate(get<T>(r.scaled[1])) * sum);
    put(x + 2 * parts, c - conjugate(get<T>(r.scaled[2])) * sum);
}
template <class T>
OTIMES_INLINE void reflect_pair(const Reflector<T>& r, typename Scalar<T>::real* x) {
    constexpr index_t parts = Scalar<T>::parts;
    const auto a = get<T>(x), b = get<T>(x + parts);
    const auto sum = a + conjugate(get<T>(r.v[0])) * b;
    put(x, a - sum * r.scaled[0][0]);
    put(x + parts, b - conjugate(get<T>(r.scaled[1])) * sum);
}

/// A row <- row H.
template <class T>
OTIMES_INLINE void reflect_triple_row(const Reflector<T>& r, typename Scalar<T>::real* x,
                                      index_t step) {
    const auto a = get<T>(x), b = get<T>(x + step), c = get<T>(x + 2 * step);
    const auto sum = a + get<T>(r.v[1]) * c + get<T>(r.v[0]) * b;
    put(x, a - sum * r.scaled[0][0]);
    put(x + step, b - get<T>(r.scaled[1]) * sum);
    put(x + 2 * step, c - get<T>(r.scaled[2]) * sum);
}
template <class T>
OTIMES_INLINE void reflect_pair_row(const Reflector<T>& r, typename Scalar<T>::real* x,
                                    index_t step) {
    const auto a = get<T>(x), b = get<T>(x + step);
    const auto sum = a + get<T>(r.v[0]) * b;
    put(x, a - sum * r.scaled[0][0]);
    put(x + step, b - get<T>(r.scaled[1]) * sum);
}

/// The first column of (H - s1) (H - s2), up to a factor.
template <class T, class R>
OTIMES_INLINE void first_column(const R* h, index_t step, const ShiftPair<T>& pair,
                                Number<T> (&x)[3]) {
    constexpr index_t parts = Scalar<T>::parts;
    const auto s1 = get<T>(reinterpret_cast<const R*>(&pair.first));
    const auto s2 = get<T>(reinterpret_cast<const R*>(&pair.second));
    const Number<T> h00 = get<T>(h), h10 = get<T>(h + parts), h01 = get<T>(h + step);
    const Number<T> h11 = get<T>(h + step + parts), h21 = get<T>(h + step + 2 * parts);
    const R s = size(h00 - s2) + absolute(pair.imaginary) + size(h10);
    const R unit = s == 0 ? R(1) : R(1) / s;
    const Number<T> below = h10 * unit;
    Number<T> imaginary{};
    put(reinterpret_cast<R*>(&imaginary), pair.imaginary * (pair.imaginary * unit));
    x[0] = (h00 - s1) * ((h00 - s2) * unit) + below * h01 + imaginary;
    x[1] = below * (h00 + h11 - s1 - s2);
    x[2] = below * h21;
}

/// H <- R H R within the window, R the reflector on rows and columns p, p + 1 and, if `triple`, p
/// + 2.
template <class T>
OTIMES_INLINE void reflect_window(const Chase<T>& c, index_t p, bool triple,
                                  const Reflector<T>& r) {
    using R = typename Scalar<T>::real;
    constexpr index_t parts = Scalar<T>::parts;
    const index_t step = c.ld * parts;
    R* const h = reinterpret_cast<R*>(c.h);
    const index_t size = triple ? 3 : 2, last = p + 3 < c.high ? p + 3 : c.high;
    const auto left = [&](index_t from, index_t to) {
        for (index_t j = from; j < to; ++j) {
            OTIMES_ONE_BY_ONE;
            R* const rows = h + p * parts + j * step;
            triple ? reflect_triple<T>(r, rows) : reflect_pair<T>(r, rows);
        }
    };
    const auto right = [&](index_t from, index_t to) {
        for (index_t i = from; i < to; ++i) {
            OTIMES_ONE_BY_ONE;
            R* const cols = h + i * parts + p * step;
            triple ? reflect_triple_row<T>(r, cols, step) : reflect_pair_row<T>(r, cols, step);
        }
    };
    // First what the next reflector waits for.
    left(p, p + size);
    right(p, last + 1);
    left(p + size, c.bottom);
    right(c.top, p);
}

template <class T>
OTIMES_INLINE void step_bulge(const Chase<T>& c, index_t p, const ShiftPair<T>& shifts,
                              Reflector<T>& r) {
    using R = typename Scalar<T>::real;
    constexpr index_t parts = Scalar<T>::parts;
    const index_t step = c.ld * parts;
    R* const h = reinterpret_cast<R*>(c.h);
    R* const corner = h + p * parts + p * step;
    const bool triple = p + 2 <= c.high;
    Number<T> x[3] = {};
    if (p == c.low) {
        first_column<T>(corner, step, shifts, x);
        reflect<T>(x[0], x[1], x[2], r);
    } else {
        R* const column = corner - step;
        for (int i = 0; i < (triple ? 3 : 2); ++i) x[i] = get<T>(column + i * parts);
        put(column, reflect<T>(x[0], x[1], x[2], r));
        for (index_t k = parts; k < (triple ? 3 : 2) * parts; ++k) column[k] = 0;
    }
    reflect_window(c, p, triple, r);
}

template <class T>
void chase(const Chase<T>& c) {
    const index_t steps = c.end - c.begin;
    for (index_t t = c.begin; t < c.end; ++t)
        for (index_t b = 0; b < c.bulges; ++b) {
            const index_t p = c.low + t - bulge_distance * b;
            if (p >= c.low && p < c.high)
                step_bulge(c, p, c.shifts[b], c.reflectors[b * steps + t - c.begin]);
        }
}

// --- reflectors of any length --------------------------------------------------------------------

/// y <- A v for `strips` vectors of rows, or for the first `count` lanes of one.
template <class T, int strips, bool partial>
OTIMES_INLINE void multiply_strip(index_t cols, const typename Scalar<T>::real* a, index_t step,
                                  const typename Scalar<T>::real* v, typename Scalar<T>::real* y,
                                  index_t count) {
    using R = typename Scalar<T>::real;
    constexpr index_t width = reals<R>;
    Vector<R> sum[strips] = {};
    for (index_t j = 0; j < cols; ++j, a += step, v += Scalar<T>::parts) {
        const Multiplier<T> number(v);
        for (int s = 0; s < strips; ++s)
            sum[s] = number.plus(sum[s], read<partial>(a + s * width, count));
    }
    for (int s = 0; s < strips; ++s) write<partial, R>(y + s * width, sum[s], count);
}

template <class T>
OTIMES_NOINLINE void multiply(index_t rows, index_t cols, const T* matrix, index_t lda,
                              const T* vector, T* product) {
    using R = typename Scalar<T>::real;
    constexpr index_t parts = Scalar<T>::parts, width = reals<R>;
    constexpr int most = 6;
    const R* a = reinterpret_cast<const R*>(matrix);
    const R* const v = reinterpret_cast<const R*>(vector);
    R* y = reinterpret_cast<R*>(product);
    const index_t step = lda * parts;
    index_t left = rows * parts;
    for (; left >= most * width; left -= most * width, a += most * width, y += most * width)
        multiply_strip<T, most, false>(cols, a, step, v, y, width);
    for (; left >= 2 * width; left -= 2 * width, a += 2 * width, y += 2 * width)
        multiply_strip<T, 2, false>(cols, a, step, v, y, width);
    for (; left >= width; left -= width, a += width, y += width)
        multiply_strip<T, 1, false>(cols, a, step, v, y, width);
    if (left > 0) multiply_strip<T, 1, true>(cols, a, step, v, y, left);
}

/// Sums of products of lanes, from which v^H x follows.
template <class T>
struct Dot {
    using R = typename Scalar<T>::real;
    Vector<R> straight{}, crossed{};

    OTIMES_INLINE void add(const Vector<R>& v, const Vector<R>& x) {
        straight = straight + v * x;
        if constexpr (Scalar<T>::parts == 2) crossed = crossed + v * swapped<R>(x);
    }
    OTIMES_INLINE Number<T> total() const {
        R re = 0, im = 0;
        for (int k = 0; k < static_cast<int>(reals<R>); ++k) {
            re += straight[k];
            im += k % 2 == 0 ? crossed[k] : -crossed[k];
        }
        if constexpr (Scalar<T>::parts == 2)
            return {re, im};
        else
            return re;
    }
};

template <class R, class Operation>
OTIMES_INLINE void for_vectors(index_t count, const Operation& operation) {
    constexpr index_t width = reals<R>;
    index_t k = 0;
    for (; k + width <= count; k += width) operation.template operator()<false>(k, width);
    if (k < count) operation.template operator()<true>(k, count - k);
}

/// x <- c x + conj(s) y and y <- c y - s x
template <class T>
OTIMES_NOINLINE void rotate_cols(real_t<T> c, const T* s, index_t count, T* x, T* y) {
    using R = typename Scalar<T>::real;
    constexpr index_t parts = Scalar<T>::parts;
    R adjoint[parts];
    put(adjoint, conjugate(get<T>(reinterpret_cast<const R*>(s))));
    const Multiplier<T> sine(reinterpret_cast<const R*>(s)), conjugated(adjoint);
    const Vector<R> cosine = broadcast(c);
    R *const xx = reinterpret_cast<R*>(x), *const yy = reinterpret_cast<R*>(y);
    for_vectors<R>(count * parts, [&]<bool partial>(index_t k, index_t some) {
        const Vector<R> a = read<partial>(xx + k, some), b = read<partial>(yy + k, some);
        write<partial, R>(xx + k, conjugated.plus(cosine * a, b), some);
        write<partial, R>(yy + k, sine.minus(cosine * b, a), some);
    });
}

/// A <- H (A - tau y w^H) for `cols` columns, or H A where y is null.
template <class T, int cols, bool both>
OTIMES_INLINE void reflect_group(const LongReflector<T>& h, index_t rows,
                                 typename Scalar<T>::real* a, index_t step,
                                 const typename Scalar<T>::real* y,
                                 const typename Scalar<T>::real* w) {
    using R = typename Scalar<T>::real;
    constexpr index_t parts = Scalar<T>::parts;
    const R* const v = reinterpret_cast<const R*>(h.v);
    R factors[cols][parts];
    const auto subtract = [&](index_t count, R* x, const R* u) {
        for_vectors<R>(count, [&]<bool partial>(index_t k, index_t some) {
            const Vector<R> direction = read<partial>(u + k, some);
            for (int c = 0; c < cols; ++c) {
                R* const target = x + c * step + k;
                const Vector<R> old = read<partial>(target, some);
                write<partial, R>(target, Multiplier<T>(factors[c]).minus(old, direction), some);
            }
        });
    };
    if constexpr (both) {
        for (int c = 0; c < cols; ++c) put(factors[c], conjugate(get<T>(w + c * parts)) * h.tau);
        subtract(rows * parts, a, y);
    }
    R* const x = a + (rows - h.length) * parts;
    Dot<T> dots[cols];
    for_vectors<R>(h.length * parts, [&]<bool partial>(index_t k, index_t some) {
        const Vector<R> direction = read<partial>(v + k, some);
        for (int c = 0; c < cols; ++c)
            dots[c].add(direction, read<partial>(x + c * step + k, some));
    });
    for (int c = 0; c < cols; ++c) put(factors[c], dots[c].total() * h.tau);
    subtract(h.length * parts, x, v);
}

template <class T, bool both>
OTIMES_NOINLINE void reflect_columns(const LongReflector<T>& h, index_t rows, index_t cols, T* a,
                                     index_t lda, const T* y, const T* w) {
    using R = typename Scalar<T>::real;
    constexpr index_t parts = Scalar<T>::parts;
    constexpr int group = 4;
    R* x = reinterpret_cast<R*>(a);
    const R* const yy = reinterpret_cast<const R*>(y);
    const R* ww = reinterpret_cast<const R*>(w);
    const index_t step = lda * parts;
    for (; cols >= group; cols -= group, x += group * step, ww += both ? group * parts : 0)
        reflect_group<T, group, both>(h, rows, x, step, yy, ww);
    for (; cols > 0; --cols, x += step, ww += both ? parts : 0)
        reflect_group<T, 1, both>(h, rows, x, step, yy, ww);
}

template <class T>
void reflect_rows(const LongReflector<T>& h, index_t rows, index_t cols, T* a, index_t lda) {
    reflect_columns<T, false>(h, rows, cols, a, lda, nullptr, nullptr);
}

}  // namespace

template <class T>
const ReflectorKernels<T>& reflector_kernels() {
    static constexpr ReflectorKernels<T> table{
        chase<T>,        apply_right<T>,           apply_left<T>, multiply<T>,
        reflect_rows<T>, reflect_columns<T, true>, rotate_cols<T>};
    return table;
}

template const ReflectorKernels<float>& reflector_kernels();
template const ReflectorKernels<double>& reflector_kernels();
template const ReflectorKernels<std::complex<float>>& reflector_kernels();
template const ReflectorKernels<std::complex<double>>& reflector_kernels();

}  // namespace otimes::OTIMES_KERNEL_SET
