#include "otimes/mode_product.hpp"

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "otimes/parallel_gemm.hpp"
#include "otimes/scalar.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

template <class T>
inline constexpr bool has_blas = std::is_floating_point_v<T> || is_complex<T>;

/// y[i, :] <- alpha sum_j F(i, j) x[j, :] + beta y[i, :], rows of length R.
template <class T>
void rows_product(const Factor<T>& f, index_t R, T alpha, const T* x, T beta, T* y) {
    constexpr index_t lanes = 16;  // accumulators kept in registers
    for (index_t r = 0; r < R; r += lanes) {
        const index_t width = std::min(lanes, R - r);
        for (index_t i = 0; i < f.rows; ++i) {
            T sum[lanes] = {};
            for (index_t j = 0; j < f.cols; ++j) {
                const T fij = f(i, j);
                const T* row = x + j * R + r;
                for (index_t k = 0; k < width; ++k) sum[k] = plus(sum[k], times(fij, row[k]));
            }
            T* out = y + i * R + r;
            for (index_t k = 0; k < width; ++k)
                out[k] = beta == T(0) ? times(alpha, sum[k])
                                      : plus(times(alpha, sum[k]), times(beta, out[k]));
        }
    }
}

/// R = 1: y[l, i] <- alpha sum_j F(i, j) x[l, j] + beta y[l, i].
template <class T>
void dots_product(const Factor<T>& f, index_t L, T alpha, const T* x, T beta, T* y) {
    for (index_t l = 0; l < L; ++l, x += f.cols, y += f.rows)
        for (index_t i = 0; i < f.rows; ++i) {
            T sum{};
            for (index_t j = 0; j < f.cols; ++j) sum = plus(sum, times(f(i, j), x[j]));
            y[i] = beta == T(0) ? times(alpha, sum) : plus(times(alpha, sum), times(beta, y[i]));
        }
}

/// One GEMM over the rows (L, cols) of x: Y = X F^T, which in column-major is Y' = F X'.
template <class T>
void gemm_last_mode(const Factor<T>& f, index_t L, T alpha, const T* x, T beta, T* y) {
    parallel_gemm(f.row_major ? 'T' : 'N', 'N', f.rows, L, f.cols, alpha, f.data,
                  f.row_major ? f.cols : f.rows, x, f.cols, beta, y, f.rows);
}

/// One GEMM for a slice (cols, R) of x: Y = F X, which in column-major is Y' = X' F^T.
template <class T>
void gemm_slice(const Factor<T>& f, index_t R, T alpha, const T* x, T beta, T* y) {
    parallel_gemm('N', f.row_major ? 'N' : 'T', R, f.rows, f.cols, alpha, x, R, f.data,
                  f.row_major ? f.cols : f.rows, beta, y, R);
}

/// y <- beta y, for an empty inner dimension.
template <class T>
void scale(index_t count, T beta, T* y) {
    for (index_t k = 0; k < count; ++k) y[k] = beta == T(0) ? T(0) : times(beta, y[k]);
}

constexpr double blas_crossover = 4096;  // multiplications per call below which our loops win

}  // namespace

template <class T>
void mode_product(const Factor<T>& f, index_t L, index_t R, T alpha, const T* x, T beta, T* y) {
    if (L == 0 || R == 0 || f.rows == 0) return;
    if (f.cols == 0) return scale(L * R * f.rows, beta, y);
    const double slice = static_cast<double>(f.rows) * static_cast<double>(f.cols * R);
    const double all = slice * static_cast<double>(L);
    if (R == 1) {
        if constexpr (has_blas<T>)
            if (all >= blas_crossover) return gemm_last_mode(f, L, alpha, x, beta, y);
        return dots_product(f, L, alpha, x, beta, y);
    }
    const auto one_slice = [&](index_t l) {
        const T* xl = x + l * f.cols * R;
        T* yl = y + l * f.rows * R;
        if constexpr (has_blas<T>)
            if (slice >= blas_crossover) return gemm_slice(f, R, alpha, xl, beta, yl);
        rows_product(f, R, alpha, xl, beta, yl);
    };
    if (L == 1) return one_slice(0);
    parallel_chunks(L, 2 * all, [&](index_t begin, index_t end) {
        for (index_t l = begin; l < end; ++l) one_slice(l);
    });
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template void mode_product(const Factor<T>&, index_t, index_t, T, const T*, T, T*);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)
OTIMES_INSTANTIATE(std::int64_t)
OTIMES_INSTANTIATE(std::uint64_t)
OTIMES_INSTANTIATE(bool)
#undef OTIMES_INSTANTIATE

}  // namespace otimes
