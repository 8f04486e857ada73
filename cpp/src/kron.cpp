#include "otimes/kron.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>  // std::iota

#include "otimes/dense_kron.hpp"
#include "otimes/error.hpp"
#include "otimes/scalar.hpp"
#include "otimes/scratch.hpp"
#include "otimes/threads.hpp"
#include "otimes/transpose.hpp"

namespace otimes {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

index_t product(const std::vector<index_t>& sizes) {
    return std::accumulate(sizes.begin(), sizes.end(), index_t{1}, std::multiplies<>());
}

/// Product of sizes, which an array can have.
index_t checked_product(index_t a, index_t b) {
    if (b != 0 && a > std::numeric_limits<index_t>::max() / b)
        throw shape_error("an operator of more than 2^63 - 1 rows or columns cannot be applied");
    return a * b;
}

/// y <- c x, or y + c x.
template <class T>
void put_multiple(index_t count, T c, const T* x, bool accumulate, T* y) {
    if (!accumulate && c == T(1))
        std::copy_n(x, count, y);
    else if (!accumulate)
        for (index_t k = 0; k < count; ++k) y[k] = times(c, x[k]);
    else
        for (index_t k = 0; k < count; ++k) y[k] = plus(y[k], times(c, x[k]));
}

}  // namespace

template <class T>
TermPlan<T>::TermPlan(std::vector<Term<T>> terms) {
    for (auto& term : terms) {
        const std::size_t count = term.factors.size();
        if (term.order.empty()) {
            term.order.resize(count);
            std::iota(term.order.begin(), term.order.end(), 0);
        }
        Prepared p{std::move(term), std::vector<index_t>(count), {}};
        std::vector<index_t> rows, cols, entries;
        for (std::size_t k = 0; k < count; ++k) {
            const TermFactor<T>& f = p.term.factors[k];
            p.in_dims[at(p.term.order[k])] = f.cols;
            rows_ = k == 0 ? f.rows : checked_product(rows_, f.rows);
            cols_ = k == 0 ? f.cols : checked_product(cols_, f.cols);
            if (!f.is_identity()) {
                rows.push_back(f.rows);
                cols.push_back(f.cols);
                entries.push_back(f.is_sparse() ? f.row_start[f.rows] : f.rows * f.cols);
            }
        }
        const double identities =
            product(cols) == 0 ? 0
                               : static_cast<double>(cols_) / static_cast<double>(product(cols));
        work_ += identities *
                 application_work(rows, cols, application_order(rows, cols, entries), entries);
        if (rows_ > 0 && cols_ > 0) p.product = ModeSequence<T>(p.term.coefficient, p.term.factors);
        terms_.push_back(std::move(p));
    }
}

template <class T>
void TermPlan<T>::apply_term(const Prepared& p, const T* x, index_t L, index_t R, bool accumulate,
                             T* y) const {
    Scratch<T> permuted;
    if (!std::is_sorted(p.term.order.begin(), p.term.order.end())) {
        std::vector<index_t> dims{L}, order{0};
        for (std::size_t k = 0; k < p.in_dims.size(); ++k) {
            dims.push_back(p.in_dims[k]);
            order.push_back(p.term.order[k] + 1);
        }
        dims.push_back(R);
        order.push_back(static_cast<index_t>(p.in_dims.size()) + 1);
        if (p.product.is_multiple_of_identity() && !accumulate && p.product.coefficient() == T(1))
            return permute(x, dims, order, y);
        permuted = Scratch<T>(L * cols_ * R);
        permute(x, dims, order, permuted.get());
        x = permuted.get();
    }
    if (p.product.is_multiple_of_identity())
        return put_multiple(L * rows_ * R, p.product.coefficient(), x, accumulate, y);
    p.product.apply(x, L, R, accumulate, y);
}

template <class T>
index_t TermPlan<T>::passes(index_t R) const {
    std::size_t count = 0;
    for (const Prepared& p : terms_) count += p.product.plan(R).size();
    return static_cast<index_t>(count);
}

template <class T>
void TermPlan<T>::apply(const T* x, index_t L, index_t R, T* y) const {
    if (L * R * rows_ == 0) return;
    if (cols_ == 0) return std::fill_n(y, L * rows_ * R, T(0)), void();
    const SerialBlas serial_blas;  // OpenBLAS's threads would spin on after the call, on our cores
    bool accumulate = false;
    for (const Prepared& p : terms_) {
        apply_term(p, x, L, R, accumulate, y);
        accumulate = true;
        poll_interrupt();
    }
}

template <class T>
void TermPlan<T>::write_rows(const index_t* indices, index_t count, T* out) const {
    std::vector<const Term<T>*> terms;
    for (const Prepared& p : terms_) terms.push_back(&p.term);
    otimes::write_rows(terms, cols_, indices, count, out);
}

template class TermPlan<float>;
template class TermPlan<double>;
template class TermPlan<std::complex<float>>;
template class TermPlan<std::complex<double>>;
template class TermPlan<std::int64_t>;
template class TermPlan<std::uint64_t>;
template class TermPlan<bool>;

}  // namespace otimes
