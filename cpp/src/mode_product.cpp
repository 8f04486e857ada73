#include "otimes/mode_product.hpp"

#include <algorithm>
#include <functional>
#include <new>  // std::align_val_t
#include <type_traits>

#include "otimes/cpu.hpp"
#include "otimes/parallel_gemm.hpp"
#include "otimes/scalar.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

template <class T>
inline constexpr bool has_blas = std::is_floating_point_v<T> || is_complex<T>;
template <class T>
inline constexpr bool has_kernels = !std::is_same_v<T, bool>;

template <class T>
std::shared_ptr<T[]> aligned_array(index_t count) {
    constexpr std::align_val_t line{cache_line};
    auto* const data =
        static_cast<T*>(::operator new(static_cast<std::size_t>(count) * sizeof(T), line));
    return {data, [](T* p) { ::operator delete(p, line); }};
}

/// Tiles of `tile` rows, each column by column.
template <class T>
std::shared_ptr<T[]> packed_in_tiles(MatrixView<const T> f, index_t tile) {
    auto packed = aligned_array<T>(f.rows * f.cols);
    T* next = packed.get();
    for (index_t first = 0; first < f.rows; first += tile) {
        const index_t past = std::min(first + tile, f.rows);
        for (index_t j = 0; j < f.cols; ++j)
            for (index_t i = first; i < past; ++i) *next++ = f(i, j);
    }
    return packed;
}

/// Blocks of kernel_vectors vectors of rows, each row once or twice (`doubled`), column by column,
/// padded with zeros.
template <class T>
std::shared_ptr<T[]> packed_in_vectors(MatrixView<const T> f, index_t lanes, bool doubled) {
    const int shift = doubled ? 1 : 0;
    const index_t rows = f.rows << shift, padded = (rows + lanes - 1) / lanes * lanes;
    const index_t block = kernel_vectors * lanes;
    auto packed = aligned_array<T>(padded * f.cols);
    T* next = packed.get();
    for (index_t first = 0; first < padded; first += block) {
        const index_t width = std::min(block, padded - first), past = std::min(first + width, rows);
        for (index_t j = 0; j < f.cols; ++j, next += width) {
            for (index_t i = first; i < past; ++i) next[i - first] = f(i >> shift, j);
            std::fill(next + (past - first), next + width, T(0));
        }
    }
    return packed;
}

/// The textbook loops, for bool.
template <class T>
void plain_product(const Factor<T>& f, index_t L, index_t R, T alpha, const T* x, Strides from,
                   bool accumulate, T* y, Strides to) {
    for (index_t l = 0; l < L; ++l)
        for (index_t r = 0; r < R; ++r) {
            T* const target = y + l * to.slice + r;
            for (index_t i = 0; i < f.rows; ++i) {
                T sum{};
                for (index_t j = 0; j < f.cols; ++j)
                    sum = plus(sum, times(f(i, j), x[l * from.slice + j * from.row + r]));
                T& out = target[i * to.row];
                out = accumulate ? plus(out, times(alpha, sum)) : times(alpha, sum);
            }
        }
}

/// body(begin, end) for blocks of [0, count) of so few flops that an interrupt need not wait long.
void in_batches(index_t count, double work, const std::function<void(index_t, index_t)>& body) {
    constexpr double batch_work = 1e10;
    const auto batches = std::clamp(static_cast<index_t>(work / batch_work), index_t{1},
                                    std::max(count, index_t{1}));
    for (index_t b = 0; b < batches; ++b) {
        body(b * count / batches, (b + 1) * count / batches);
        poll_interrupt();
    }
}

/// GEMM over the rows (L, cols) of x: Y = X F^T, which in column-major is Y' = F X'.
template <class T>
void gemm_last_mode(const Factor<T>& f, index_t L, T alpha, const T* x, T beta, T* y) {
    in_batches(L, product_flops(f.rows, f.cols, L), [&](index_t begin, index_t end) {
        parallel_gemm(f.row_major ? 'T' : 'N', 'N', f.rows, end - begin, f.cols, alpha, f.data,
                      f.row_major ? f.cols : f.rows, x + begin * f.cols, f.cols, beta,
                      y + begin * f.rows, f.rows);
    });
}

/// GEMM for a slice (cols, R) of x: Y = F X, which in column-major is Y' = X' F^T.
template <class T>
void gemm_slice(const Factor<T>& f, index_t R, T alpha, const T* x, T beta, T* y) {
    in_batches(R, product_flops(f.rows, f.cols, R), [&](index_t begin, index_t end) {
        parallel_gemm('N', f.row_major ? 'N' : 'T', end - begin, f.rows, f.cols, alpha, x + begin,
                      R, f.data, f.row_major ? f.cols : f.rows, beta, y + begin, R);
    });
}

}  // namespace

template <class T>
template <class Make>
const T* PackedFactor<T>::made(Pack& pack, const Make& make) const {
    std::call_once(pack.once, [&] {
        if constexpr (has_kernels<T>)
            pack.entries = make(factor_.view(), mode_kernels<kernel_scalar<T>>());
    });
    return pack.entries.get();
}

template <class T>
const T* PackedFactor<T>::along_inner() const {
    return made(packs_->inner, [](auto f, const auto& kernels) {
        return packed_in_tiles<T>(f, kernels.tile_rows);
    });
}

template <class T>
const T* PackedFactor<T>::along_rows() const {
    return made(packs_->rows, [](auto f, const auto& kernels) {
        return packed_in_vectors<T>(f, kernels.lanes, false);
    });
}

template <class T>
const T* PackedFactor<T>::along_pairs() const {
    return made(packs_->pairs, [](auto f, const auto& kernels) {
        return packed_in_vectors<T>(f, kernels.lanes, true);
    });
}

template <class T>
void mode_product(const PackedFactor<T>& f, index_t L, index_t R, T alpha, const T* x, Strides from,
                  bool accumulate, T* y, Strides to) {
    if constexpr (has_kernels<T>) {
        using K = kernel_scalar<T>;
        const auto& kernels = mode_kernels<K>();
        const bool packed_rows = from.row == R && to.row == R;
        const bool rows = R == 1 && packed_rows, pairs = R == 2 && packed_rows && !is_complex<T>;
        const T* const factor = rows ? f.along_rows() : pairs ? f.along_pairs() : f.along_inner();
        const ModeProduct<K> product{reinterpret_cast<const K*>(factor),
                                     f.factor().rows,
                                     f.factor().cols,
                                     L,
                                     R,
                                     static_cast<K>(alpha),
                                     reinterpret_cast<const K*>(x),
                                     from,
                                     accumulate,
                                     reinterpret_cast<K*>(y),
                                     to};
        (rows ? kernels.along_rows : pairs ? kernels.along_pairs : kernels.along_inner)(product);
    } else {
        plain_product(f.factor(), L, R, alpha, x, from, accumulate, y, to);
    }
}

template <class T>
void large_mode_product(const PackedFactor<T>& packed, index_t L, index_t R, T alpha, const T* x,
                        bool accumulate, T* y) {
    const Factor<T>& f = packed.factor();
    const double work = product_flops(f.rows, f.cols, 1) * static_cast<double>(L * R);
    if constexpr (has_blas<T>) {
        const T beta = accumulate ? T(1) : T(0);
        if (R == 1) return gemm_last_mode(f, L, alpha, x, beta, y);
        if (L == 1) return gemm_slice(f, R, alpha, x, beta, y);
        in_batches(L, work, [&](index_t first, index_t past) {
            parallel_for(past - first, work, [&](index_t k) {
                const index_t l = first + k;
                gemm_slice(f, R, alpha, x + l * f.cols * R, beta, y + l * f.rows * R);
            });
        });
    } else {
        constexpr index_t width = 512;  // columns that one call takes
        const index_t across = (R + width - 1) / width;
        in_batches(L * across, work, [&](index_t first, index_t past) {
            parallel_for(past - first, work, [&](index_t k) {
                const index_t l = (first + k) / across, r = (first + k) % across * width;
                mode_product<T>(packed, 1, std::min(width, R - r), alpha, x + l * f.cols * R + r,
                                {f.cols * R, R}, accumulate, y + l * f.rows * R + r,
                                {f.rows * R, R});
            });
        });
    }
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class PackedFactor<T>;                                                                \
    template void mode_product(const PackedFactor<T>&, index_t, index_t, T, const T*, Strides,     \
                               bool, T*, Strides);                                                 \
    template void large_mode_product(const PackedFactor<T>&, index_t, index_t, T, const T*, bool,  \
                                     T*);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)
OTIMES_INSTANTIATE(std::int64_t)
OTIMES_INSTANTIATE(std::uint64_t)
OTIMES_INSTANTIATE(bool)
#undef OTIMES_INSTANTIATE

}  // namespace otimes
