#include "otimes/transpose.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>  // std::memcpy

#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// One tile of y[j, i] = x[i, j], with leading dimensions.
template <class T>
void transpose_tile(const T* x, index_t ldx, index_t rows, index_t cols, T* y, index_t ldy) {
    for (index_t j = 0; j < cols; ++j)
        for (index_t i = 0; i < rows; ++i) y[j * ldy + i] = x[i * ldx + j];
}

/// y[j, i] = x[i, j] tile by tile: both sides of a tile stay in the first-level cache.
template <class T>
void transpose_strided(const T* x, index_t ldx, index_t rows, index_t cols, T* y, index_t ldy) {
    constexpr index_t tile = sizeof(T) >= 8 ? 32 : 64;
    const index_t strips = (cols + tile - 1) / tile;
    const double work = 4.0 * static_cast<double>(rows) * static_cast<double>(cols);
    parallel_for(strips, work, [&](index_t strip) {
        const index_t j = strip * tile, width = std::min(tile, cols - j);
        for (index_t i = 0; i < rows; i += tile)
            transpose_tile(x + i * ldx + j, ldx, std::min(tile, rows - i), width, y + j * ldy + i,
                           ldy);
    });
}

/// Modes that stay neighbours in both orders become one, modes of size 1 vanish.
void fuse(std::vector<index_t>& dims, std::vector<index_t>& order) {
    const auto count = dims.size();
    std::vector<index_t> fused_dims, fused_order, first_of(count, -1);
    std::vector<index_t> heads;  // first original mode of each fused group, in order of y
    index_t previous = -2;
    for (const index_t mode : order) {
        const auto m = static_cast<std::size_t>(mode);
        if (dims[m] == 1) continue;
        bool adjacent = previous >= 0 && previous < mode;
        for (index_t k = previous + 1; adjacent && k < mode; ++k)
            adjacent = dims[static_cast<std::size_t>(k)] == 1;
        if (adjacent)
            first_of[static_cast<std::size_t>(heads.back())] *= dims[m];
        else {
            heads.push_back(mode);
            first_of[m] = dims[m];
        }
        previous = mode;
    }
    std::vector<index_t> sorted = heads;
    std::sort(sorted.begin(), sorted.end());
    for (const index_t head : sorted)
        fused_dims.push_back(first_of[static_cast<std::size_t>(head)]);
    for (const index_t head : heads)
        fused_order.push_back(std::find(sorted.begin(), sorted.end(), head) - sorted.begin());
    dims = std::move(fused_dims);
    order = std::move(fused_order);
}

/// Strided copies over all modes but two: the contiguous mode of x and that of y.
template <class T>
struct Permuter {
    std::vector<index_t> size, from, to;  // modes in order of y: sizes, strides in x and in y
    std::size_t x_inner = 0;              // the mode of y that is contiguous in x

    void run(const T* x, T* y, std::size_t mode) const {
        const std::size_t y_inner = size.size() - 1;
        if (mode == y_inner) {
            if (x_inner == y_inner)
                std::memcpy(static_cast<void*>(y), x,
                            static_cast<std::size_t>(size[y_inner]) * sizeof(T));
            else  // y[j, i] = x[i, j]: rows are y's contiguous mode, columns x's
                transpose_strided(x, from[y_inner], size[y_inner], size[x_inner], y, to[x_inner]);
            return;
        }
        if (mode == x_inner) return run(x, y, mode + 1);
        for (index_t k = 0; k < size[mode]; ++k)
            run(x + k * from[mode], y + k * to[mode], mode + 1);
    }
};

}  // namespace

template <class T>
void permute(const T* x, const std::vector<index_t>& dims_in, const std::vector<index_t>& order_in,
             T* y) {
    std::vector<index_t> dims = dims_in, order = order_in;
    index_t total = 1;
    for (const index_t d : dims) total *= d;
    if (total == 0) return;
    fuse(dims, order);
    const std::size_t count = dims.size();
    if (count < 2) {
        std::memcpy(static_cast<void*>(y), x, static_cast<std::size_t>(total) * sizeof(T));
        return;
    }
    std::vector<index_t> stride(count, 1);
    for (std::size_t k = count - 1; k-- > 0;) stride[k] = stride[k + 1] * dims[k + 1];
    Permuter<T> p{std::vector<index_t>(count), std::vector<index_t>(count),
                  std::vector<index_t>(count, 1)};
    for (std::size_t k = 0; k < count; ++k) {
        const auto mode = static_cast<std::size_t>(order[k]);
        p.size[k] = dims[mode];
        p.from[k] = stride[mode];
        if (mode == count - 1) p.x_inner = k;
    }
    for (std::size_t k = count - 1; k-- > 0;) p.to[k] = p.to[k + 1] * p.size[k + 1];
    p.run(x, y, 0);
}

template <class T>
void transpose(const T* x, index_t rows, index_t cols, index_t inner, T* y) {
    permute(x, {rows, cols, inner}, {1, 0, 2}, y);
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template void transpose(const T*, index_t, index_t, index_t, T*);                              \
    template void permute(const T*, const std::vector<index_t>&, const std::vector<index_t>&, T*);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)
OTIMES_INSTANTIATE(std::int64_t)
OTIMES_INSTANTIATE(std::uint64_t)
OTIMES_INSTANTIATE(bool)
#undef OTIMES_INSTANTIATE

}  // namespace otimes
