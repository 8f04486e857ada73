#include "otimes/vech.hpp"

#include <algorithm>
#include <cstring>  // std::memcpy

#include "otimes/scalar.hpp"
#include "otimes/threads.hpp"

namespace otimes {

template <class Word>
void gather_lower(MatrixView<const Word> a, index_t offset, Word* out) {
    for (index_t j = 0; j + offset < a.cols; ++j) {
        const index_t first = j + offset, count = a.rows - first;
        const Word* column = &a(first, j);
        if (a.row_stride == 1)
            std::memcpy(out, column, static_cast<std::size_t>(count) * sizeof(Word));
        else
            for (index_t i = 0; i < count; ++i) out[i] = column[i * a.row_stride];
        out += count;
    }
}

template <class Word>
void scatter_lower(const Word* v, index_t step, index_t offset, MatrixView<Word> a) {
    for (index_t j = 0; j + offset < a.cols; ++j)
        for (index_t i = j + offset; i < a.rows; ++i, v += step) a(i, j) = *v;
}

namespace {

/// The pairs (i, j), (j, i) of a matrix are visited in tiles below the diagonal. What stands above
/// it would be read and written across the columns: it passes through here, transposed, so that
/// memory is touched along the columns only, a kilobyte at a time.
template <class T>
class Tile {
  public:
    static constexpr index_t height = 64, width = 1024 / sizeof(T) < 256 ? 1024 / sizeof(T) : 256;

    /// The tile on the diagonal that starts with column `col`, and those below it in turn.
    Tile(index_t n, index_t col)
        : n_(n), col_(col), col_end_(std::min(col + width, n)), row_(col) {}
    bool is_inside() const { return row_ < n_; }
    void go_down() { row_ += height; }

    /// Entry (j, i); that of (j, i + 1) stands `step` further.
    T* image(index_t i, index_t j) { return &image_[i - row_][j - col_]; }
    static constexpr index_t step = width + 1;

    void load(const T* a) {
        for (index_t i = row_; i < row_end(); ++i)
            std::copy_n(a + i * n_ + col_, std::min(col_end_, i) - col_, image_[i - row_]);
    }
    void store(T* a) const {
        for (index_t i = row_; i < row_end(); ++i)
            std::copy_n(image_[i - row_], std::min(col_end_, i) - col_, a + i * n_ + col_);
    }

    /// f(i, j, count) for the part of each column j below the diagonal, which starts in row i.
    template <class F>
    void for_columns(F&& f) const {
        for (index_t j = col_; j < col_end_; ++j) {
            const index_t i = std::max(row_, j + 1);
            if (i < row_end()) f(i, j, row_end() - i);
        }
    }

  private:
    index_t row_end() const { return std::min(row_ + height, n_); }

    index_t n_, col_, col_end_, row_;
    T image_[height][step];  // a power of two would map a column of it to few sets of the cache
};

/// The place of (i, j) in vech, i >= j.
index_t packed(index_t n, index_t i, index_t j) { return j * n - j * (j + 1) / 2 + i; }

/// f(b, j, j_end) for all columns of all matrices, in groups of `width`.
template <class F>
void for_strips(index_t batch, index_t n, index_t inner, index_t width, F&& f) {
    const index_t strips = (n + width - 1) / width;
    const double work = static_cast<double>(batch * n) * static_cast<double>(n * inner);
    parallel_chunks(batch * strips, work, [&](index_t begin, index_t end) {
        poll_interrupt();
        for (index_t k = begin; k < end; ++k) {
            const index_t j = k % strips * width;
            f(k / strips, j, std::min(j + width, n));
        }
    });
}

/// diagonal(b, j) for each diagonal entry of each matrix, body(b, tile) for each tile.
template <class T, class Diagonal, class Body>
void for_tiles(index_t batch, index_t n, index_t inner, Diagonal&& diagonal, Body&& body) {
    for_strips(batch, n, inner, Tile<T>::width, [&](index_t b, index_t j, index_t j_end) {
        for (index_t d = j; d < j_end; ++d) diagonal(b, d);
        for (Tile<T> tile(n, j); tile.is_inside(); tile.go_down()) body(b, tile);
    });
}

/// a(i, j) = a(j, i) = f(v(i, j)), a(j, j) = v(j, j).
template <class T, class F>
void spread(const T* v, index_t batch, index_t n, index_t inner, T* a, F f) {
    const index_t from = triangle_size(n, 0) * inner, to = n * n * inner;
    for_tiles<T>(
        batch, n, inner,
        [&](index_t b, index_t j) {
            std::copy_n(v + b * from + packed(n, j, j) * inner, inner,
                        a + b * to + (j * n + j) * inner);
        },
        [&](index_t b, Tile<T>& tile) {
            const T* const x = v + b * from;
            T* const y = a + b * to;
            tile.for_columns([&](index_t i, index_t j, index_t count) {
                const T* const column = x + packed(n, i, j) * inner;
                T* const lower = y + (j * n + i) * inner;
                for (index_t k = 0; k < count * inner; ++k) lower[k] = f(column[k]);
                T* const upper = tile.image(i, j);
                if (inner == 1)
                    for (index_t k = 0; k < count; ++k) upper[k * tile.step] = lower[k];
                else
                    for (index_t k = 0; k < count; ++k)
                        std::copy_n(lower + k * inner, inner, y + ((i + k) * n + j) * inner);
            });
            if (inner == 1) tile.store(y);
        });
}

/// v(i, j) = f(a(i, j), a(j, i)), v(j, j) = a(j, j).
template <class T, class F>
void fold(const T* a, index_t batch, index_t n, index_t inner, T* v, F f) {
    const index_t from = n * n * inner, to = triangle_size(n, 0) * inner;
    for_tiles<T>(
        batch, n, inner,
        [&](index_t b, index_t j) {
            std::copy_n(a + b * from + (j * n + j) * inner, inner,
                        v + b * to + packed(n, j, j) * inner);
        },
        [&](index_t b, Tile<T>& tile) {
            const T* const x = a + b * from;
            T* const y = v + b * to;
            if (inner == 1) tile.load(x);
            tile.for_columns([&](index_t i, index_t j, index_t count) {
                const T* const lower = x + (j * n + i) * inner;
                T* const column = y + packed(n, i, j) * inner;
                if (inner == 1) {
                    const T* const upper = tile.image(i, j);
                    for (index_t k = 0; k < count; ++k)
                        column[k] = f(lower[k], upper[k * tile.step]);
                    return;
                }
                for (index_t k = 0; k < count; ++k) {
                    const T* const upper = x + ((i + k) * n + j) * inner;
                    for (index_t c = 0; c < inner; ++c)
                        column[k * inner + c] = f(lower[k * inner + c], upper[c]);
                }
            });
        });
}

/// Halves first: the sum of two large numbers may overflow where their mean does not.
template <class T>
T mean(T a, T b) {
    const real_t<T> half(0.5);
    return half * a + half * b;
}

}  // namespace

template <class Word>
void pad_triangle(const Word* v, index_t batch, index_t n, index_t inner, Word* a) {
    for_strips(batch, n, inner, 1, [&](index_t b, index_t j, index_t) {
        Word* const column = a + (b * n + j) * n * inner;
        std::fill_n(column, j * inner, Word{});
        std::copy_n(v + (b * triangle_size(n, 0) + packed(n, j, j)) * inner, (n - j) * inner,
                    column + j * inner);
    });
}

template <class Word>
void cut_triangle(const Word* a, index_t batch, index_t n, index_t inner, Word* v) {
    for_strips(batch, n, inner, 1, [&](index_t b, index_t j, index_t) {
        std::copy_n(a + ((b * n + j) * n + j) * inner, (n - j) * inner,
                    v + (b * triangle_size(n, 0) + packed(n, j, j)) * inner);
    });
}

template <class Word>
void mirror_triangle(const Word* v, index_t batch, index_t n, index_t inner, Word* a) {
    spread(v, batch, n, inner, a, [](Word x) { return x; });
}

template <class T>
void share_triangle(const T* v, index_t batch, index_t n, index_t inner, T* a) {
    spread(v, batch, n, inner, a, [](T x) { return real_t<T>(0.5) * x; });
}

template <class T>
void fold_triangle(const T* a, index_t batch, index_t n, index_t inner, T* v) {
    fold(a, batch, n, inner, v, [](T x, T y) { return plus(x, y); });
}

template <class T>
void average_triangle(const T* a, index_t batch, index_t n, index_t inner, T* v) {
    fold(a, batch, n, inner, v, mean<T>);
}

template <class T>
void symmetrize(const T* a, index_t batch, index_t n, index_t inner, T* b) {
    const index_t size = n * n * inner;
    for_tiles<T>(
        batch, n, inner,
        [&](index_t m, index_t j) {
            const index_t at = m * size + (j * n + j) * inner;
            std::copy_n(a + at, inner, b + at);
        },
        [&](index_t m, Tile<T>& tile) {
            const T* const x = a + m * size;
            T* const y = b + m * size;
            if (inner == 1) tile.load(x);
            tile.for_columns([&](index_t i, index_t j, index_t count) {
                if (inner == 1) {
                    T* const upper = tile.image(i, j);
                    for (index_t k = 0; k < count; ++k)
                        y[j * n + i + k] = upper[k * tile.step] =
                            mean(x[j * n + i + k], upper[k * tile.step]);
                    return;
                }
                for (index_t k = i; k < i + count; ++k)
                    for (index_t c = 0; c < inner; ++c) {
                        const index_t lower = (j * n + k) * inner + c;
                        const index_t upper = (k * n + j) * inner + c;
                        y[lower] = y[upper] = mean(x[lower], x[upper]);
                    }
            });
            if (inner == 1) tile.store(y);
        });
}

#define OTIMES_INSTANTIATE(Word)                                                                   \
    template void gather_lower(MatrixView<const Word>, index_t, Word*);                            \
    template void scatter_lower(const Word*, index_t, index_t, MatrixView<Word>);                  \
    template void pad_triangle(const Word*, index_t, index_t, index_t, Word*);                     \
    template void cut_triangle(const Word*, index_t, index_t, index_t, Word*);                     \
    template void mirror_triangle(const Word*, index_t, index_t, index_t, Word*);
OTIMES_INSTANTIATE(std::uint8_t)
OTIMES_INSTANTIATE(std::uint16_t)
OTIMES_INSTANTIATE(std::uint32_t)
OTIMES_INSTANTIATE(word64)
OTIMES_INSTANTIATE(word128)
#undef OTIMES_INSTANTIATE

#define OTIMES_INSTANTIATE(T)                                                                      \
    template void share_triangle(const T*, index_t, index_t, index_t, T*);                         \
    template void fold_triangle(const T*, index_t, index_t, index_t, T*);                          \
    template void average_triangle(const T*, index_t, index_t, index_t, T*);                       \
    template void symmetrize(const T*, index_t, index_t, index_t, T*);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)
#undef OTIMES_INSTANTIATE

// Integers wrap around whether they are signed or not.
template void fold_triangle(const std::uint64_t*, index_t, index_t, index_t, std::uint64_t*);

}  // namespace otimes
