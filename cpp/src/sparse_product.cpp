#include "otimes/sparse_product.hpp"

#include <algorithm>
#include <cstdint>
#include <type_traits>  // std::integral_constant

#include "otimes/scalar.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// y <- alpha sum + beta y.
template <class T>
T updated(T alpha, T sum, T beta, T y) {
    const T scaled = alpha == T(1) ? sum : times(alpha, sum);
    return beta == T(0) ? scaled : plus(scaled, times(beta, y));
}

/// R = 1: entry i of F x.
template <class T>
T row_dot(const TermFactor<T>& f, index_t i, const T* x) {
    T sum{};
    for (index_t k = f.row_start[i]; k < f.row_start[i + 1]; ++k)
        sum = plus(sum, times(f.data[k], x[f.columns[k]]));
    return sum;
}

/// y[0:W] <- alpha (row i of F) x[:, 0:W] + beta y[0:W] for x with rows R apart.
template <index_t W, class T>
void row_lanes(const TermFactor<T>& f, index_t i, index_t R, T alpha, const T* x, T beta, T* y) {
    T sum[W] = {};
    for (index_t k = f.row_start[i]; k < f.row_start[i + 1]; ++k) {
        const T value = f.data[k];
        const T* const row = x + f.columns[k] * R;
        for (index_t m = 0; m < W; ++m) sum[m] = plus(sum[m], times(value, row[m]));
    }
    for (index_t m = 0; m < W; ++m) y[m] = updated(alpha, sum[m], beta, beta == T(0) ? T(0) : y[m]);
}

/// Rows begin <= i < end of a slice: y (rows, R) <- alpha F x + beta y, for x (cols, R). Lanes go
/// outside the rows, so that the entries of x that rows share stay in cache.
template <class T>
void rows_product(const TermFactor<T>& f, index_t begin, index_t end, index_t R, T alpha,
                  const T* x, T beta, T* y) {
    constexpr index_t widest = 128, wide = 16, narrow = 4;
    const auto all_rows = [&](index_t r, auto width) {
        for (index_t i = begin; i < end; ++i)
            row_lanes<width>(f, i, R, alpha, x + r, beta, y + i * R + r);
    };
    index_t r = 0;
    for (; r + widest <= R; r += widest) all_rows(r, std::integral_constant<index_t, widest>());
    for (; r + wide <= R; r += wide) all_rows(r, std::integral_constant<index_t, wide>());
    for (; r + narrow <= R; r += narrow) all_rows(r, std::integral_constant<index_t, narrow>());
    for (; r < R; ++r) all_rows(r, std::integral_constant<index_t, 1>());
}

/// Rows that are computed between two looks for an interrupt: some tenths of a second of work.
index_t rows_per_poll(double work_per_row) {
    constexpr double limit = 1e8;
    return static_cast<index_t>(std::max(1.0, limit / std::max(work_per_row, 1.0)));
}

}  // namespace

template <class T>
void sparse_mode_product(const TermFactor<T>& f, index_t L, index_t R, T alpha, const T* x, T beta,
                         T* y) {
    const index_t count = L * f.rows;  // rows (l, i) of y
    if (count == 0 || R == 0) return;
    const auto dots = [&](index_t begin, index_t end) {
        for (index_t k = begin; k < end; ++k)
            y[k] = updated(alpha, row_dot(f, k % f.rows, x + k / f.rows * f.cols), beta,
                           beta == T(0) ? T(0) : y[k]);
    };
    const auto slices = [&](index_t begin, index_t end) {
        while (begin < end) {
            const index_t l = begin / f.rows, next = std::min(end, (l + 1) * f.rows);
            rows_product(f, begin - l * f.rows, next - l * f.rows, R, alpha, x + l * f.cols * R,
                         beta, y + l * f.rows * R);
            begin = next;
        }
    };
    const double entries = static_cast<double>(f.row_start[f.rows]);
    const double work =
        static_cast<double>(2 * R) * (1 + entries / static_cast<double>(f.rows));  // per row
    const index_t block = rows_per_poll(work);
    for (index_t first = 0; first < count; first += block) {
        const index_t size = std::min(block, count - first);
        parallel_chunks(size, work * static_cast<double>(size), [&](index_t begin, index_t end) {
            if (R == 1)
                dots(first + begin, first + end);
            else
                slices(first + begin, first + end);
        });
        poll_interrupt();
    }
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template void sparse_mode_product(const TermFactor<T>&, index_t, index_t, T, const T*, T, T*);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)
OTIMES_INSTANTIATE(std::int64_t)
OTIMES_INSTANTIATE(std::uint64_t)
OTIMES_INSTANTIATE(bool)
#undef OTIMES_INSTANTIATE

}  // namespace otimes
