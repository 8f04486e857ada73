#include "otimes/sparse_product.hpp"

#include <algorithm>
#include <cstdint>

#include "otimes/scalar.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

constexpr index_t lanes = 16;  // accumulators kept in registers

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

/// y[:] <- alpha (row i of F) x + beta y[:] for x (cols, R).
template <class T>
void row_product(const TermFactor<T>& f, index_t i, index_t R, T alpha, const T* x, T beta, T* y) {
    for (index_t r = 0; r < R; r += lanes) {
        const index_t width = std::min(lanes, R - r);
        T sum[lanes] = {};
        for (index_t k = f.row_start[i]; k < f.row_start[i + 1]; ++k) {
            const T value = f.data[k];
            const T* const row = x + f.columns[k] * R + r;
            for (index_t m = 0; m < width; ++m) sum[m] = plus(sum[m], times(value, row[m]));
        }
        for (index_t m = 0; m < width; ++m)
            y[r + m] = updated(alpha, sum[m], beta, beta == T(0) ? T(0) : y[r + m]);
    }
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
    const auto one_row = [&](index_t k) {
        const index_t l = k / f.rows, i = k % f.rows;
        const T* const xl = x + l * f.cols * R;
        if (R == 1)
            y[k] = updated(alpha, row_dot(f, i, xl), beta, beta == T(0) ? T(0) : y[k]);
        else
            row_product(f, i, R, alpha, xl, beta, y + k * R);
    };
    const double entries = static_cast<double>(f.row_start[f.rows]);
    const double work =
        static_cast<double>(2 * R) * (1 + entries / static_cast<double>(f.rows));  // per row
    const index_t block = rows_per_poll(work);
    for (index_t first = 0; first < count; first += block) {
        const index_t size = std::min(block, count - first);
        parallel_chunks(size, work * static_cast<double>(size), [&](index_t begin, index_t end) {
            for (index_t k = begin; k < end; ++k) one_row(first + k);
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
