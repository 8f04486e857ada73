#include "otimes/two_sided.hpp"

#include <array>
#include <complex>

#include "otimes/parallel_gemm.hpp"
#include "otimes/scalar.hpp"
#include "otimes/small_lu.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// The 1x1 and 2x2 diagonal blocks that all matrices of one side have in common.
template <class T>
class Bumps {
  public:
    Bumps(index_t size, const std::vector<const T*>& matrices)
        : starts_(static_cast<std::size_t>(size), false) {
        for (const T* a : matrices)
            for (index_t k = 0; a != nullptr && k + 1 < size; ++k)
                if (a[k + 1 + k * size] != T(0)) starts_[static_cast<std::size_t>(k)] = true;
    }

    bool starts_at(index_t k) const { return k >= 0 && starts_[static_cast<std::size_t>(k)]; }
    /// The first index of the block that ends before `end`.
    index_t block_before(index_t end) const { return starts_at(end - 2) ? end - 2 : end - 1; }
    /// About half of n, not inside a block.
    index_t split(index_t first, index_t n) const {
        return starts_at(first + n / 2 - 1) ? n / 2 + 1 : n / 2;
    }

  private:
    std::vector<bool> starts_;
};

/// Rows, or columns, of X or of a factor.
struct Range {
    index_t first, size;
    Range head(index_t n) const { return {first, n}; }
    Range tail(index_t n) const { return {first + n, size - n}; }
};

template <class T>
class TwoSidedSolver {
  public:
    TwoSidedSolver(const std::vector<TwoSidedTerm<T>>& terms, T tiny, Matrix<T>& x)
        : terms_(terms),
          tiny_(tiny),
          x_(x),
          rows_(x.rows(), matrices(&TwoSidedTerm<T>::left)),
          cols_(x.cols(), matrices(&TwoSidedTerm<T>::right)),
          product_(x.rows() * x.cols()) {}

    /// The block equation of these rows and columns, with nothing left to subtract.
    void solve(Range i, Range j) {
        constexpr index_t leaf_size = 12;
        if (i.size <= leaf_size && j.size <= leaf_size) return solve_leaf(i, j);
        if (i.size >= j.size) {
            const index_t half = rows_.split(i.first, i.size);
            solve(i.tail(half), j);
            eliminate(i.head(half), i.tail(half), j, j);
            solve(i.head(half), j);
        } else {
            const index_t half = cols_.split(j.first, j.size);
            solve(i, j.tail(half));
            eliminate(i, i, j.head(half), j.tail(half));
            solve(i, j.head(half));
        }
    }

  private:
    std::vector<const T*> matrices(const T* TwoSidedTerm<T>::* side) const {
        std::vector<const T*> list;
        for (const auto& term : terms_) list.push_back(term.*side);
        return list;
    }

    const T* block(const T* matrix, index_t size, Range i, Range j) const {
        return matrix + i.first + j.first * size;
    }

    /// X[i, j] -= sum of c F[i, k] X[k, l] G[j, l]^T, (k, l) = (i, later columns) or (later rows,
    /// j). Products with an identity are none, or nothing at all.
    void eliminate(Range i, Range k, Range j, Range l) {
        const index_t m = x_.rows(), n = x_.cols();
        const bool across_rows = i.first != k.first;
        for (const auto& [c, f, g] : terms_) {
            if ((across_rows ? f : g) == nullptr) continue;
            const T* source = &x_(k.first, l.first);
            index_t source_ld = m;
            if (f != nullptr && g != nullptr) {
                parallel_gemm('N', 'N', i.size, l.size, k.size, T(1), block(f, m, i, k), m, source,
                              m, T(0), product_.data(), i.size);
                source = product_.data();
                source_ld = i.size;
            }
            if (g != nullptr)
                parallel_gemm('N', 'T', i.size, j.size, l.size, -c, source, source_ld,
                              block(g, n, j, l), n, T(1), &x_(i.first, j.first), m);
            else
                parallel_gemm('N', 'N', i.size, j.size, k.size, -c, block(f, m, i, k), m, source,
                              source_ld, T(1), &x_(i.first, j.first), m);
        }
    }

    /// Block by block from the last, each a system of at most 4 unknowns.
    void solve_leaf(Range i, Range j) {
        for (index_t row_end = i.first + i.size; row_end > i.first;) {
            const index_t row = rows_.block_before(row_end);
            const Range rows{row, row_end - row};
            for (index_t col_end = j.first + j.size; col_end > j.first;) {
                const index_t col = cols_.block_before(col_end);
                const Range cols{col, col_end - col};
                solve_block(rows, cols);
                if (col > j.first) subtract(rows, rows, {j.first, col - j.first}, cols);
                col_end = col;
            }
            if (row > i.first) subtract({i.first, row - i.first}, rows, j, j);
            row_end = row;
        }
    }

    static T entry(const T* matrix, index_t size, index_t i, index_t j) {
        return matrix != nullptr ? matrix[i + j * size] : T(i == j ? 1 : 0);
    }

    void solve_block(Range rows, Range cols) {
        const index_t m = x_.rows(), n = x_.cols(), count = rows.size * cols.size;
        if (count == 1) return solve_entry(rows.first, cols.first);
        std::array<T, 16> matrix{};
        for (const auto& [c, f, g] : terms_)
            for (index_t k = 0; k < count * count; ++k) {
                const index_t to = k % count, from = k / count;
                const T left =
                            entry(f, m, rows.first + to % rows.size, rows.first + from % rows.size),
                        right =
                            entry(g, n, cols.first + to / rows.size, cols.first + from / rows.size);
                matrix[static_cast<std::size_t>(k)] += times(c, times(left, right));
            }
        lu_.factor(matrix.data(), count);
        std::array<T, 4> y;
        for (index_t k = 0; k < count; ++k)
            y[static_cast<std::size_t>(k)] =
                x_(rows.first + k % rows.size, cols.first + k / rows.size);
        lu_.solve(y.data());
        for (index_t k = 0; k < count; ++k)
            x_(rows.first + k % rows.size, cols.first + k / rows.size) =
                y[static_cast<std::size_t>(k)];
    }

    void solve_entry(index_t i, index_t j) {
        T pivot = 0;
        for (const auto& [c, f, g] : terms_)
            pivot += times(c, times(entry(f, x_.rows(), i, i), entry(g, x_.cols(), j, j)));
        x_(i, j) = times(x_(i, j), reciprocal(pivot == T(0) ? tiny_ : pivot));
    }

    /// eliminate() for blocks so small that calling BLAS costs more than the product.
    void subtract(Range i, Range k, Range j, Range l) {
        const index_t m = x_.rows(), n = x_.cols();
        const bool across_rows = i.first != k.first;
        for (const auto& [c, f, g] : terms_) {
            if ((across_rows ? f : g) == nullptr) continue;
            across_rows ? subtract_rows(c, f, g, i, k, j, m, n)
                        : subtract_cols(c, f, g, i, j, l, m, n);
        }
    }

    /// X[i, j] -= c F[i, k] (X[k, j] G[j, j]^T)
    void subtract_rows(T c, const T* f, const T* g, Range i, Range k, Range j, index_t m,
                       index_t n) {
        for (index_t q = k.first; q < k.first + k.size; ++q)
            for (index_t s = j.first; s < j.first + j.size; ++s) {
                T sum = g == nullptr ? x_(q, s) : T(0);
                if (g != nullptr)
                    for (index_t t = j.first; t < j.first + j.size; ++t)
                        sum += times(x_(q, t), g[s + t * n]);
                const T factor = times(c, sum);
                for (index_t p = i.first; p < i.first + i.size; ++p)
                    x_(p, s) -= times(f[p + q * m], factor);
            }
    }

    /// X[i, j] -= c (F[i, i] X[i, l]) G[j, l]^T
    void subtract_cols(T c, const T* f, const T* g, Range i, Range j, Range l, index_t m,
                       index_t n) {
        for (index_t t = l.first; t < l.first + l.size; ++t) {
            std::array<T, 2> image{};
            for (index_t p = 0; p < i.size; ++p)
                for (index_t q = 0; q < i.size; ++q)
                    image[static_cast<std::size_t>(p)] +=
                        times(entry(f, m, i.first + p, i.first + q), x_(i.first + q, t));
            for (index_t s = j.first; s < j.first + j.size; ++s)
                for (index_t p = 0; p < i.size; ++p)
                    x_(i.first + p, s) -=
                        times(times(c, image[static_cast<std::size_t>(p)]), g[s + t * n]);
        }
    }

    const std::vector<TwoSidedTerm<T>>& terms_;
    T tiny_;
    Matrix<T>& x_;
    Bumps<T> rows_, cols_;
    std::vector<T> product_;
    SmallLU<T> lu_;
};

}  // namespace

template <class T>
void solve_two_sided(const std::vector<TwoSidedTerm<T>>& terms, T tiny, Matrix<T>& x) {
    const SerialBlas serial_blas;
    TwoSidedSolver<T>(terms, tiny, x).solve({0, x.rows()}, {0, x.cols()});
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template void solve_two_sided(const std::vector<TwoSidedTerm<T>>&, T, Matrix<T>&);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
