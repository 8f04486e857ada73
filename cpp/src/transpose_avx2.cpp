#ifdef OTIMES_X86_KERNELS
#include <immintrin.h>

#include "otimes/transpose_kernels.hpp"

namespace otimes {
namespace {

using index_t = std::ptrdiff_t;

/// Blocks of side x side elements, moved by way of registers.
struct Words8 {
    static constexpr index_t side = 4, size = 8;

    static __m256d load(const std::byte* low, const std::byte* high) {
        const __m128d a = _mm_loadu_pd(reinterpret_cast<const double*>(low));
        const __m128d b = _mm_loadu_pd(reinterpret_cast<const double*>(high));
        return _mm256_insertf128_pd(_mm256_castpd128_pd256(a), b, 1);
    }
    static void store(std::byte* to, __m256d a) {
        _mm256_storeu_pd(reinterpret_cast<double*>(to), a);
    }

    static void move(const std::byte* x, index_t ldx, std::byte* y, index_t ldy) {
        for (index_t half = 0; half < 2; ++half, x += 16, y += 2 * ldy) {
            const __m256d even = load(x, x + 2 * ldx), odd = load(x + ldx, x + 3 * ldx);
            store(y, _mm256_unpacklo_pd(even, odd));
            store(y + ldy, _mm256_unpackhi_pd(even, odd));
        }
    }
};

struct Words4 {
    static constexpr index_t side = 8, size = 4;

    static __m256 load(const std::byte* low, const std::byte* high) {
        const __m128 a = _mm_loadu_ps(reinterpret_cast<const float*>(low));
        const __m128 b = _mm_loadu_ps(reinterpret_cast<const float*>(high));
        return _mm256_insertf128_ps(_mm256_castps128_ps256(a), b, 1);
    }
    static void store(std::byte* to, __m256d a) {
        _mm256_storeu_pd(reinterpret_cast<double*>(to), a);
    }
    static __m256d low_pairs(__m256 a, __m256 b) {
        return _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
    }
    static __m256d high_pairs(__m256 a, __m256 b) {
        return _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
    }

    static void move(const std::byte* x, index_t ldx, std::byte* y, index_t ldy) {
        for (index_t half = 0; half < 2; ++half, x += 16, y += 4 * ldy) {
            const __m256 a = load(x, x + 4 * ldx), b = load(x + ldx, x + 5 * ldx);
            const __m256 c = load(x + 2 * ldx, x + 6 * ldx), d = load(x + 3 * ldx, x + 7 * ldx);
            const __m256d ab = low_pairs(a, b), cd = low_pairs(c, d);
            store(y, _mm256_unpacklo_pd(ab, cd));
            store(y + ldy, _mm256_unpackhi_pd(ab, cd));
            const __m256d ab2 = high_pairs(a, b), cd2 = high_pairs(c, d);
            store(y + 2 * ldy, _mm256_unpacklo_pd(ab2, cd2));
            store(y + 3 * ldy, _mm256_unpackhi_pd(ab2, cd2));
        }
    }
};

struct Words1 {
    static constexpr index_t side = 8, size = 1;

    static __m128i load(const std::byte* x) {
        return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(x));
    }
    static void store_rows(std::byte* y, index_t ldy, __m128i a) {
        _mm_storel_epi64(reinterpret_cast<__m128i*>(y), a);
        _mm_storel_epi64(reinterpret_cast<__m128i*>(y + ldy), _mm_unpackhi_epi64(a, a));
    }

    static void move(const std::byte* x, index_t ldx, std::byte* y, index_t ldy) {
        __m128i pairs[4], low[2], high[2];
        for (index_t k = 0; k < 4; ++k, x += 2 * ldx)
            pairs[k] = _mm_unpacklo_epi8(load(x), load(x + ldx));
        for (index_t k = 0; k < 2; ++k) {
            low[k] = _mm_unpacklo_epi16(pairs[2 * k], pairs[2 * k + 1]);
            high[k] = _mm_unpackhi_epi16(pairs[2 * k], pairs[2 * k + 1]);
        }
        store_rows(y, ldy, _mm_unpacklo_epi32(low[0], low[1]));
        store_rows(y + 2 * ldy, ldy, _mm_unpackhi_epi32(low[0], low[1]));
        store_rows(y + 4 * ldy, ldy, _mm_unpacklo_epi32(high[0], high[1]));
        store_rows(y + 6 * ldy, ldy, _mm_unpackhi_epi32(high[0], high[1]));
    }
};

/// Element by element, for the edges.
template <index_t size>
void move_each(const std::byte* x, index_t ldx, index_t rows, index_t cols, std::byte* y,
               index_t ldy) {
    for (index_t j = 0; j < cols; ++j)
        for (index_t i = 0; i < rows; ++i)
            __builtin_memcpy(y + j * ldy + i * size, x + i * ldx + j * size, size);
}

/// Whole lines of y are written one after the other, so that none is fetched again where many lines
/// share their place in the cache.
template <class Words>
void tile(const std::byte* x, index_t ldx, index_t rows, index_t cols, std::byte* y, index_t ldy) {
    constexpr index_t side = Words::side, size = Words::size, line = 64 / size;
    ldx *= size;
    ldy *= size;
    const index_t blocked_rows = rows / side * side, blocked_cols = cols / side * side;
    for (index_t top = 0; top < blocked_rows; top += line) {
        const index_t bottom = top + line < blocked_rows ? top + line : blocked_rows;
        for (index_t j = 0; j < blocked_cols; j += side)
            for (index_t i = top; i < bottom; i += side)
                Words::move(x + i * ldx + j * size, ldx, y + j * ldy + i * size, ldy);
    }
    move_each<size>(x + blocked_cols * size, ldx, blocked_rows, cols - blocked_cols,
                    y + blocked_cols * ldy, ldy);
    move_each<size>(x + blocked_rows * ldx, ldx, rows - blocked_rows, cols, y + blocked_rows * size,
                    ldy);
}

}  // namespace

const TileKernels tiles_avx2 = {tile<Words1>, nullptr, tile<Words4>, tile<Words8>, nullptr};

}  // namespace otimes
#endif
