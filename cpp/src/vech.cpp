#include "otimes/vech.hpp"

#include <algorithm>
#include <cstring>      // std::memcpy
#include <type_traits>  // std::true_type

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

/// The place of (i, j) in vech, i >= j.
index_t packed(index_t n, index_t i, index_t j) { return j * n - j * (j + 1) / 2 + i; }

/// f(b, j, j_end) for all columns of all matrices, in strips of `width`.
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

/// A block of a matrix's mirror image. Results are written column by column, in order; what they
/// take from the other side of the diagonal would be read across the columns. It is read along
/// them, some cache lines at a time, and turned here. Runs of more than one element are not copied.
template <class T, bool single>
class Image {
  public:
    static constexpr index_t height = 128, width = 512 / sizeof(T) < 256 ? 512 / sizeof(T) : 256;

    /// For columns [col, ...) of the result.
    explicit Image(index_t col) : col_(col) {}

    /// Rows [row, ...) of the result: for those in turn, the entries (first(i), i) to (last, i).
    /// place(j, i) is the address of entry (j, i).
    template <class First, class Place>
    void load(index_t row, index_t row_end, First&& first, index_t last, Place&& place) {
        row_ = row;
        if constexpr (single)
            for (index_t i = row; i < row_end; ++i)
                if (const index_t j = first(i); j < last)
                    std::copy_n(place(j, i), last - j, &image_[i - row][j - col_]);
    }

    /// Entry (j, i).
    template <class Place>
    const T* at(index_t i, index_t j, Place&& place) const {
        if constexpr (single)
            return &image_[i - row_][j - col_];
        else
            return place(j, i);
    }

  private:
    index_t col_, row_ = 0;
    // a power of two would map a column of it to few sets of the cache
    T image_[single ? height : 1][single ? width + 1 : 1];
};

/// f(std::true_type) where the runs at each place are single elements.
template <class F>
void with_single(index_t inner, F&& f) {
    inner == 1 ? f(std::true_type{}) : f(std::false_type{});
}

/// a(i, j) = a(j, i) = f(v(i, j)), a(j, j) = v(j, j).
template <class T, class F>
void spread(const T* v, index_t batch, index_t n, index_t inner, T* a, F f) {
    with_single(inner, [&]<class Single>(Single) {
        using Upper = Image<T, Single::value>;
        const index_t run = Single::value ? 1 : inner;
        for_strips(batch, n, inner, Upper::width, [&](index_t b, index_t col, index_t col_end) {
            const T* const x = v + b * triangle_size(n, 0) * run;
            T* const y = a + b * n * n * run;
            const auto place = [&](index_t i, index_t j) { return x + packed(n, i, j) * run; };
            Upper upper(col);
            for (index_t row = 0; row < col_end; row += Upper::height) {
                const index_t row_end = std::min(row + Upper::height, col_end);
                upper.load(
                    row, row_end, [&](index_t i) { return std::max(col, i + 1); }, col_end, place);
                for (index_t j = std::max(col, row + 1); j < col_end; ++j)
                    for (index_t i = row; i < std::min(row_end, j); ++i) {
                        const T* const from = upper.at(i, j, place);
                        for (index_t k = 0; k < run; ++k) y[(j * n + i) * run + k] = f(from[k]);
                    }
            }
            for (index_t j = col; j < col_end; ++j) {
                const T* const from = place(j, j);
                T* const to = y + (j * n + j) * run;
                std::copy_n(from, run, to);
                for (index_t k = run; k < (n - j) * run; ++k) to[k] = f(from[k]);
            }
        });
    });
}

/// v(i, j) = f(a(i, j), a(j, i)), v(j, j) = a(j, j).
template <class T, class F>
void fold(const T* a, index_t batch, index_t n, index_t inner, T* v, F f) {
    with_single(inner, [&]<class Single>(Single) {
        using Upper = Image<T, Single::value>;
        const index_t run = Single::value ? 1 : inner;
        for_strips(batch, n, inner, Upper::width, [&](index_t b, index_t col, index_t col_end) {
            const T* const x = a + b * n * n * run;
            T* const y = v + b * triangle_size(n, 0) * run;
            const auto place = [&](index_t i, index_t j) { return x + (j * n + i) * run; };
            Upper upper(col);
            for (index_t j = col; j < col_end; ++j)
                std::copy_n(place(j, j), run, y + packed(n, j, j) * run);
            for (index_t row = col; row < n; row += Upper::height) {
                const index_t row_end = std::min(row + Upper::height, n);
                upper.load(row, row_end, [&](index_t) { return col; }, col_end, place);
                for (index_t j = col; j < col_end; ++j)
                    for (index_t i = std::max(row, j + 1); i < row_end; ++i) {
                        const T *const low = place(i, j), *const up = upper.at(i, j, place);
                        T* const to = y + packed(n, i, j) * run;
                        for (index_t k = 0; k < run; ++k) to[k] = f(low[k], up[k]);
                    }
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
    fold(a, batch, n, inner, v, [](T x, T y) { return mean(x, y); });
}

template <class T>
void symmetrize(const T* a, index_t batch, index_t n, index_t inner, T* b) {
    with_single(inner, [&]<class Single>(Single) {
        using Mirror = Image<T, Single::value>;
        const index_t run = Single::value ? 1 : inner;
        for_strips(batch, n, inner, Mirror::width, [&](index_t m, index_t col, index_t col_end) {
            const T* const x = a + m * n * n * run;
            T* const y = b + m * n * n * run;
            const auto place = [&](index_t i, index_t j) { return x + (j * n + i) * run; };
            Mirror mirror(col);
            for (index_t row = 0; row < n; row += Mirror::height) {
                const index_t row_end = std::min(row + Mirror::height, n);
                mirror.load(row, row_end, [&](index_t) { return col; }, col_end, place);
                for (index_t j = col; j < col_end; ++j)
                    for (index_t i = row; i < row_end; ++i) {
                        const T *const own = place(i, j), *const other = mirror.at(i, j, place);
                        T* const to = y + (j * n + i) * run;
                        for (index_t k = 0; k < run; ++k) to[k] = mean(own[k], other[k]);
                    }
            }
            for (index_t j = col; j < col_end; ++j)  // halves of tiny numbers are rounded
                std::copy_n(place(j, j), run, y + (j * n + j) * run);
        });
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
