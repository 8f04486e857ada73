#include "otimes/kron_triangular.hpp"

#include <algorithm>
#include <complex>

#include "otimes/scalar.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"
#include "otimes/two_sided.hpp"
#include "otimes/vectors.hpp"

namespace otimes {

template <class T>
struct TriangularSum<T>::Level {
    index_t size, rest;           // of this mode, and the entries of a slice of it
    std::vector<T> coefficients;  // of the terms, times the diagonal entries of earlier modes
    std::vector<const T*> distinct;
    std::vector<T> matrix;            // the last mode: the sum of its matrices
    std::vector<T> product, summand;  // of the later modes with a slice
};

template <class T>
TriangularSum<T>::TriangularSum(std::vector<index_t> sizes, std::vector<Term> terms, T tiny)
    : sizes_(std::move(sizes)), terms_(std::move(terms)), tiny_(tiny) {}

/// With X[i2, i1] = x[i1, i2]: sum of c F2 X F1^T.
template <class T>
void TriangularSum<T>::solve_two_modes(index_t columns, T* x) const {
    std::vector<TwoSidedTerm<T>> terms;
    for (const Term& term : terms_)
        terms.push_back({term.coefficient, term.factors[1], term.factors[0]});
    for (index_t k = 0; k < columns; ++k) {
        const MatrixView<T> column{x + k, sizes_[1], sizes_[0], columns, columns * sizes_[1]};
        Matrix<T> solution{MatrixView<const T>(column)};
        solve_two_sided(terms, tiny_, solution);
        copy_scaled<T>(solution.view(), column, 0);
    }
}

template <class T>
void TriangularSum<T>::solve(index_t columns, T* x) const {
    if (sizes_.size() == 2) return solve_two_modes(columns, x);
    std::vector<Level> levels(sizes_.size());
    index_t rest = columns;
    for (std::size_t k = sizes_.size(); k-- > 0; rest *= sizes_[k]) {
        Level& level = levels[k];
        level.size = sizes_[k];
        level.rest = rest;
        level.coefficients.resize(terms_.size());
        for (const Term& term : terms_) {
            const T* const f = term.factors[k];
            if (f != nullptr && std::ranges::find(level.distinct, f) == level.distinct.end())
                level.distinct.push_back(f);
        }
        const bool last = k + 1 == sizes_.size();
        level.matrix.resize(static_cast<std::size_t>(last ? level.size * level.size : 0));
        level.product.resize(static_cast<std::size_t>(last ? 0 : rest));
        level.summand.resize(level.product.size());
    }
    if (rest == 0) return;
    for (std::size_t t = 0; t < terms_.size(); ++t)
        levels[0].coefficients[t] = terms_[t].coefficient;
    solve_mode(levels, 0, columns, x);
}

/// From the last slice of the mode to the first: solve with its diagonal block, which is a sum over
/// the later modes, and subtract what it contributes to earlier slices.
template <class T>
void TriangularSum<T>::solve_mode(std::vector<Level>& levels, std::size_t mode, index_t columns,
                                  T* x) const {
    Level& level = levels[mode];
    if (mode + 1 == levels.size()) return solve_last(level, columns, x);
    for (index_t i = level.size - 1; i >= 0; --i) {
        if (mode == 0) poll_interrupt();
        for (std::size_t t = 0; t < terms_.size(); ++t) {
            const T* const f = terms_[t].factors[mode];
            const T pivot = f == nullptr ? T(1) : f[i * (level.size + 1)];
            levels[mode + 1].coefficients[t] = times(level.coefficients[t], pivot);
        }
        solve_mode(levels, mode + 1, columns, x + i * level.rest);
        eliminate(levels, mode, columns, i, x);
    }
}

/// Subtract from the slices j < i what slice i contributes: F(j, i) times a product with the later
/// modes, for each matrix F of this mode.
template <class T>
void TriangularSum<T>::eliminate(std::vector<Level>& levels, std::size_t mode, index_t columns,
                                 index_t i, T* x) const {
    Level& level = levels[mode];
    const T* const slice = x + i * level.rest;
    for (const T* f : level.distinct) {
        const T* const column = f + i * level.size;
        if (std::all_of(column, column + i, [](T a) { return a == T(0); })) continue;
        std::ranges::fill(level.product, T(0));
        for (std::size_t t = 0; t < terms_.size(); ++t) {
            if (terms_[t].factors[mode] != f) continue;
            std::copy_n(slice, level.rest, level.summand.begin());
            multiply_later(terms_[t], mode, columns, level.summand.data());
            add_multiple(level.rest, level.coefficients[t], level.summand.data(),
                         level.product.data());
        }
        for (index_t j = 0; j < i; ++j)
            add_multiple(level.rest, -column[j], level.product.data(), x + j * level.rest);
    }
}

/// z <- (F_{k+1} x ... x F_N) z of one term, for the modes after k; in place, since row i of a
/// triangular product needs the rows from i on.
template <class T>
void TriangularSum<T>::multiply_later(const Term& term, std::size_t mode, index_t columns,
                                      T* z) const {
    index_t left = 1, right = columns;
    for (std::size_t k = mode + 1; k < sizes_.size(); ++k) right *= sizes_[k];
    for (std::size_t k = mode + 1; k < sizes_.size(); ++k) {
        const index_t n = sizes_[k];
        right /= n;
        const T* const f = term.factors[k];
        for (index_t l = 0; f != nullptr && l < left; ++l) {
            T* const block = z + l * n * right;
            for (index_t i = 0; i < n; ++i) {
                T* const row = block + i * right;
                for (index_t r = 0; r < right; ++r) row[r] = times(row[r], f[i * (n + 1)]);
                for (index_t j = i + 1; j < n; ++j)
                    add_multiple(right, f[i + j * n], block + j * right, row);
            }
        }
        left *= n;
    }
}

template <class T>
void TriangularSum<T>::solve_last(Level& level, index_t columns, T* x) const {
    const index_t n = level.size;
    std::ranges::fill(level.matrix, T(0));
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const T* const f = terms_[t].factors.back();
        const T c = level.coefficients[t];
        for (index_t j = 0; j < n; ++j)
            if (f == nullptr)
                level.matrix[static_cast<std::size_t>(j * (n + 1))] += c;
            else
                add_multiple(j + 1, c, f + j * n, level.matrix.data() + j * n);
    }
    for (index_t i = n - 1; i >= 0; --i) {
        const T* const column = level.matrix.data() + i * n;
        const T inverse = T(1) / (column[i] == T(0) ? tiny_ : column[i]);
        T* const row = x + i * columns;
        for (index_t r = 0; r < columns; ++r) row[r] = times(row[r], inverse);
        if (columns == 1)  // one long loop
            add_multiple(i, -row[0], column, x);
        else
            for (index_t j = 0; j < i; ++j) add_multiple(columns, -column[j], row, x + j * columns);
    }
}

template class TriangularSum<float>;
template class TriangularSum<double>;
template class TriangularSum<std::complex<float>>;
template class TriangularSum<std::complex<double>>;

}  // namespace otimes
