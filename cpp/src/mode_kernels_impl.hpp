// The text of all sets of mode kernels. A file that includes it defines OTIMES_KERNEL_SET, the name
// of the set's namespace; OTIMES_VECTOR_BYTES and OTIMES_TILE_ROWS, what its registers hold.

#include <cstdint>

#include "otimes/mode_kernels.hpp"
#include "vector_impl.hpp"

namespace otimes::OTIMES_KERNEL_SET {
namespace {

constexpr int tile_rows = OTIMES_TILE_ROWS;  // real rows; with 3 vectors they fill the registers
constexpr int tile_vectors = kernel_vectors;

/// p[0], ..., p[group - 1], repeated.
template <int group, class R>
OTIMES_INLINE Vector<R> broadcast_group(const R* p) {
    if constexpr (group == 1) return broadcast(*p);
#if OTIMES_VECTOR_BYTES > 16
    if constexpr (group * sizeof(R) == 8) {
        std::uint64_t both;
        std::memcpy(&both, p, sizeof both);
        return (Vector<R>)broadcast(both);
    }
#endif
#if OTIMES_VECTOR_BYTES == 64
    if constexpr (group * sizeof(R) == 16)
        return (Vector<R>)_mm512_maskz_broadcast_f64x2(
            0xff, _mm_loadu_pd(reinterpret_cast<const double*>(p)));
#elif OTIMES_VECTOR_BYTES == 32
    if constexpr (group * sizeof(R) == 16)
        return (Vector<R>)_mm256_broadcast_pd(reinterpret_cast<const __m128d*>(p));
#endif
    Vector<R> v;
    for (int k = 0; k < static_cast<int>(reals<R>); ++k) v[k] = p[k % group];
    return v;
}

/// What is done with the sums of a tile before they are stored; nothing where it is plain.
template <class R>
struct Finish {
    R alpha[2];
    bool plain, accumulate;
};

/// C <- alpha A B (+ C) for one tile: A (rows, p) numbers of which each is broadcast, B (p,
/// vectors) vectors, C (rows, vectors) vectors. A complex product takes two chains of real
/// multiply-adds, one for the real and one for the imaginary part of A, joined at the end. With
/// `partial`, vectors have `count` lanes only.
template <class T, int group, int rows, int vectors, bool partial, bool plain>
OTIMES_INLINE void tile(index_t p, const typename Scalar<T>::real* a, index_t a_row, index_t a_step,
                        const typename Scalar<T>::real* b, index_t b_step, index_t b_vector,
                        typename Scalar<T>::real* c, index_t c_row, index_t c_vector, index_t count,
                        const Finish<typename Scalar<T>::real>& finish) {
    using R = typename Scalar<T>::real;
    constexpr int parts = Scalar<T>::parts;
    Vector<R> sum[rows][parts][vectors] = {};
    for (index_t j = 0; j < p; ++j, a += a_step, b += b_step) {
        Vector<R> operand[vectors];
        for (int v = 0; v < vectors; ++v)
            operand[v] = partial ? load_some(b + v * b_vector, count) : load(b + v * b_vector);
        for (int i = 0; i < rows; ++i)
            for (int part = 0; part < parts; ++part) {
                const Vector<R> number = broadcast_group<group>(a + i * a_row + part);
                for (int v = 0; v < vectors; ++v)
                    sum[i][part][v] = sum[i][part][v] + number * operand[v];
            }
    }
    for (int i = 0; i < rows; ++i)
        for (int v = 0; v < vectors; ++v) {
            R* const target = c + i * c_row + v * c_vector;
            Vector<R> out = sum[i][0][v];
            if constexpr (parts == 2) out = out + times_i<R>(sum[i][1][v]);
            if constexpr (!plain) {
                const Vector<R> scaled = out * broadcast(finish.alpha[0]);
                if constexpr (parts == 2)
                    out = scaled + times_i<R>(out) * broadcast(finish.alpha[1]);
                else
                    out = scaled;
                if (finish.accumulate)
                    out = out + (partial ? load_some(target, count) : load(target));
            }
            if (partial)
                store_some(target, out, count);
            else
                store(target, out);
        }
}

/// tile() for a number of rows that is known at run time only, at most `most`.
template <class T, int group, int most, int vectors, bool partial, bool plain, class... Args>
OTIMES_INLINE void tile_of(index_t rows, Args... args) {
    if constexpr (most > 1)
        if (rows < most) return tile_of<T, group, most - 1, vectors, partial, plain>(rows, args...);
    tile<T, group, most, vectors, partial, plain>(args...);
}

template <class T>
constexpr int rows_per_tile = tile_rows / Scalar<T>::parts;

/// One block of vectors of the product, all rows of F: y <- F x.
template <class T, int vectors, bool partial, bool plain>
OTIMES_NOINLINE void inner_block(const ModeProduct<T>& m, const typename Scalar<T>::real* x,
                                 index_t x_row, index_t x_vector, typename Scalar<T>::real* y,
                                 index_t y_vector, index_t count,
                                 const Finish<typename Scalar<T>::real>& finish) {
    using R = typename Scalar<T>::real;
    constexpr index_t parts = Scalar<T>::parts;
    constexpr int most = rows_per_tile<T>;
    const R* factor = reinterpret_cast<const R*>(m.factor);
    for (index_t i = 0; i < m.rows; i += most) {
        const index_t rows = m.rows - i < most ? m.rows - i : most;
        tile_of<T, 1, most, vectors, partial, plain>(rows, m.cols, factor, parts, rows * parts, x,
                                                     x_row, x_vector, y + i * m.to.row * parts,
                                                     m.to.row * parts, y_vector, count, finish);
        factor += rows * parts * m.cols;
    }
}

/// The same from a copy of the block. Rows that are far apart compete for the same lines of a
/// cache; and where y is x, a tile must not overwrite what the next one reads.
template <class T, int vectors, bool partial, bool plain>
OTIMES_NOINLINE void copied_block(const ModeProduct<T>& m, const typename Scalar<T>::real* x,
                                  index_t x_vector, typename Scalar<T>::real* y, index_t y_vector,
                                  index_t count, const Finish<typename Scalar<T>::real>& finish) {
    using R = typename Scalar<T>::real;
    constexpr index_t width = reals<R>;
    alignas(64) R copy[kernel_copied_rows * vectors * width];
    for (index_t j = 0; j < m.cols; ++j)
        for (int v = 0; v < vectors; ++v) {
            const R* const from = x + j * m.from.row * Scalar<T>::parts + v * x_vector;
            store(copy + (j * vectors + v) * width, partial ? load_some(from, count) : load(from));
        }
    inner_block<T, vectors, partial, plain>(m, copy, vectors * width, width, y, y_vector, count,
                                            finish);
}

template <class T>
bool wants_copy(const ModeProduct<T>& m) {
    constexpr index_t far = 512;  // bytes
    const bool several_tiles = m.rows > rows_per_tile<T>, in_place = m.x == m.y;
    return several_tiles && m.cols <= kernel_copied_rows &&
           (in_place || m.from.row * static_cast<index_t>(sizeof(T)) >= far);
}

template <class T>
Finish<typename Scalar<T>::real> finish_of(const ModeProduct<T>& m) {
    using R = typename Scalar<T>::real;
    const R* const alpha = reinterpret_cast<const R*>(&m.alpha);
    Finish<R> finish{{alpha[0], Scalar<T>::parts == 2 ? alpha[Scalar<T>::parts - 1] : R(0)},
                     false,
                     m.accumulate};
    finish.plain = finish.alpha[0] == R(1) && finish.alpha[1] == R(0) && !m.accumulate;
    return finish;
}

template <class T, bool plain>
void along_inner_as(const ModeProduct<T>& m, const Finish<typename Scalar<T>::real>& finish) {
    using R = typename Scalar<T>::real;
    constexpr index_t parts = Scalar<T>::parts, width = reals<R>;
    const bool copied = wants_copy(m);
    const auto block = [&]<int vectors, bool partial>(const R* x, index_t x_vector, R* y,
                                                      index_t y_vector, index_t count) {
        if (copied)
            copied_block<T, vectors, partial, plain>(m, x, x_vector, y, y_vector, count, finish);
        else
            inner_block<T, vectors, partial, plain>(m, x, m.from.row * parts, x_vector, y, y_vector,
                                                    count, finish);
    };
    const R* x = reinterpret_cast<const R*>(m.x);
    R* y = reinterpret_cast<R*>(m.y);
    const index_t x_slice = m.from.slice * parts, y_slice = m.to.slice * parts;
    const index_t vectors = m.inner * parts / width, rest = m.inner * parts % width;
    index_t slices = m.slices;
    if (vectors == 1 && rest == 0)  // one vector a slice: a tile takes several slices
        while (slices > 1) {
            const int taken = slices == 2 || slices == 4 ? 2 : tile_vectors;
            if (taken == 2)
                block.template operator()<2, false>(x, x_slice, y, y_slice, width);
            else
                block.template operator()<tile_vectors, false>(x, x_slice, y, y_slice, width);
            x += taken * x_slice;
            y += taken * y_slice;
            slices -= taken;
        }
    for (; slices > 0; --slices, x += x_slice, y += y_slice) {
        index_t at = 0, left = vectors;
        for (; left >= tile_vectors && left != 4; left -= tile_vectors, at += tile_vectors * width)
            block.template operator()<tile_vectors, false>(x + at, width, y + at, width, width);
        for (; left > 2; left -= 2, at += 2 * width)
            block.template operator()<2, false>(x + at, width, y + at, width, width);
        if (left == 2) block.template operator()<2, false>(x + at, width, y + at, width, width);
        if (left == 1) block.template operator()<1, false>(x + at, width, y + at, width, width);
        at += left * width;
        if (rest > 0) block.template operator()<1, true>(x + at, width, y + at, width, rest);
    }
}

/// Some columns of y, `vectors` vectors of (rows of F, inner), for all slices. `step` reals lie
/// between the columns of the packed block.
template <class T, int group, int vectors, bool partial, bool plain>
OTIMES_NOINLINE void rows_block(const ModeProduct<T>& m, const typename Scalar<T>::real* factor,
                                index_t step, typename Scalar<T>::real* y, index_t count,
                                const Finish<typename Scalar<T>::real>& finish) {
    using R = typename Scalar<T>::real;
    constexpr index_t parts = Scalar<T>::parts, width = reals<R>;
    constexpr int most = rows_per_tile<T>;
    const R* x = reinterpret_cast<const R*>(m.x);
    const index_t x_slice = m.from.slice * parts, y_slice = m.to.slice * parts;
    for (index_t l = 0; l < m.slices; l += most) {
        const index_t slices = m.slices - l < most ? m.slices - l : most;
        tile_of<T, group, most, vectors, partial, plain>(
            slices, m.cols, x + l * x_slice, x_slice, parts * group, factor, step, width,
            y + l * y_slice, y_slice, width, count, finish);
    }
}

template <class T, int group, bool plain>
void along_rows_as(const ModeProduct<T>& m, const Finish<typename Scalar<T>::real>& finish) {
    using R = typename Scalar<T>::real;
    constexpr index_t parts = Scalar<T>::parts, width = reals<R>;
    const R* factor = reinterpret_cast<const R*>(m.factor);
    R* y = reinterpret_cast<R*>(m.y);
    index_t left = m.rows * parts * group / width;
    const index_t rest = m.rows * parts * group % width;
    for (; left >= tile_vectors; left -= tile_vectors) {
        constexpr index_t step = tile_vectors * width;
        rows_block<T, group, tile_vectors, false, plain>(m, factor, step, y, width, finish);
        factor += step * m.cols;
        y += step;
    }
    const index_t step = (left + (rest > 0 ? 1 : 0)) * width;
    if (left == 2) rows_block<T, group, 2, false, plain>(m, factor, step, y, width, finish);
    if (left == 1) rows_block<T, group, 1, false, plain>(m, factor, step, y, width, finish);
    if (rest > 0)
        rows_block<T, group, 1, true, plain>(m, factor + left * width, step, y + left * width, rest,
                                             finish);
}

template <class T>
void along_inner(const ModeProduct<T>& m) {
    const auto finish = finish_of(m);
    finish.plain ? along_inner_as<T, true>(m, finish) : along_inner_as<T, false>(m, finish);
}

template <class T, int group>
void along_rows(const ModeProduct<T>& m) {
    const auto finish = finish_of(m);
    finish.plain ? along_rows_as<T, group, true>(m, finish)
                 : along_rows_as<T, group, false>(m, finish);
}

}  // namespace

template <class T>
const ModeKernels<T>& mode_kernels() {
    using R = typename Scalar<T>::real;
    static constexpr ModeKernels<T> table{reals<R> / Scalar<T>::parts, rows_per_tile<T>,
                                          along_inner<T>, along_rows<T, 1>, along_rows<T, 2>};
    return table;
}

template const ModeKernels<float>& mode_kernels();
template const ModeKernels<double>& mode_kernels();
template const ModeKernels<std::complex<float>>& mode_kernels();
template const ModeKernels<std::complex<double>>& mode_kernels();
template const ModeKernels<std::uint64_t>& mode_kernels();

}  // namespace otimes::OTIMES_KERNEL_SET
