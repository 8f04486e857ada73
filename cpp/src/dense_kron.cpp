#include "otimes/dense_kron.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>  // std::unique_ptr

#include "otimes/scalar.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

/// target <- value, or target + value.
template <bool add, class T>
void put(T& target, T value) {
    target = add ? plus(target, value) : value;
}

/// A row of one factor: the entries that are not implied zeros. An identity's single one is not
/// stored, and never multiplied by.
template <class T>
class FactorRow {
  public:
    FactorRow(const TermFactor<T>& factor, index_t stride) : factor_(factor), stride_(stride) {
        if (!factor.is_identity() && !factor.is_sparse() && !factor.row_major)
            gathered_.reset(new T[at(factor.cols)]);
    }

    /// Whether that changes the row.
    bool select(index_t row) {
        if (row == row_) return false;
        row_ = row;
        if (factor_.is_sparse()) {
            entries_ = factor_.data + factor_.row_start[row];
            columns_ = factor_.columns + factor_.row_start[row];
            count_ = factor_.row_start[row + 1] - factor_.row_start[row];
        } else if (!factor_.is_identity()) {
            entries_ = factor_.row_major ? factor_.data + row * factor_.cols : gather(row);
            count_ = factor_.cols;
        }
        return true;
    }

    bool is_identity() const { return factor_.is_identity(); }
    bool is_contiguous() const { return !is_identity() && !columns_ && stride_ == 1; }
    const T* entries() const { return entries_; }
    index_t count() const { return count_; }
    index_t rows() const { return factor_.rows; }

    /// The place of an entry among the columns of the product.
    index_t place(index_t k) const {
        return stride_ * (is_identity() ? row_ : columns_ ? columns_[k] : k);
    }

    /// The largest count of any row.
    index_t capacity() const {
        if (is_identity()) return 1;
        if (!factor_.is_sparse()) return factor_.cols;
        index_t most = 0;
        for (index_t i = 0; i < factor_.rows; ++i)
            most = std::max(most, factor_.row_start[i + 1] - factor_.row_start[i]);
        return most;
    }

  private:
    const T* gather(index_t row) {
        for (index_t j = 0; j < factor_.cols; ++j)
            gathered_[at(j)] = factor_.data[row + j * factor_.rows];
        return gathered_.get();
    }

    const TermFactor<T>& factor_;
    const index_t stride_;
    index_t row_ = -1, count_ = 1;
    const T* entries_ = nullptr;
    const index_t* columns_ = nullptr;
    std::unique_ptr<T[]> gathered_;
};

/// The product of rows of the first factors: values, and their places among the columns.
template <class T>
struct Head {
    explicit Head(index_t capacity)
        : values(new T[at(capacity)]), places(new index_t[at(capacity)]) {}

    static Head one(T coefficient) {
        Head head(1);
        head.count = 1;
        head.values[0] = coefficient;
        head.places[0] = 0;
        head.is_one = coefficient == T(1);
        return head;
    }

    void set_to_product(const Head& before, const FactorRow<T>& row) {
        is_one = before.is_one && row.is_identity();
        is_run = row.is_identity() ? before.is_run : before.count == 1 && row.is_contiguous();
        count = before.count * row.count();
        index_t k = 0;
        for (index_t a = 0; a < before.count; ++a)
            for (index_t b = 0; b < row.count(); ++b, ++k) {
                values[at(k)] = before.times_entry(a, row, b);
                places[at(k)] = before.places[at(a)] + row.place(b);
            }
    }

    T times_entry(index_t a, const FactorRow<T>& row, index_t b) const {
        if (row.is_identity()) return values[at(a)];
        return is_one ? row.entries()[b] : times(values[at(a)], row.entries()[b]);
    }

    std::unique_ptr<T[]> values;
    std::unique_ptr<index_t[]> places;
    index_t count = 0;
    bool is_one = false;  // the number 1
    bool is_run = true;   // the places follow one another
};

/// out[b] (+)= value entries[b], for a count that is a constant where it is small.
template <bool add, class T, class Count>
void write_run(T value, const T* entries, Count count, T* out) {
    for (index_t b = 0; b < count; ++b) put<add>(out[b], times(value, entries[b]));
}

/// Rows of one term. The products of the first factors' rows are kept while these stay the same.
template <class T>
class TermRows {
  public:
    explicit TermRows(const Term<T>& term) {
        const std::size_t count = term.factors.size();
        std::vector<index_t> stride(count, 1);
        std::vector<index_t> dims(count);
        for (std::size_t k = 0; k < count; ++k) dims[at(term.order[k])] = term.factors[k].cols;
        for (std::size_t k = count - 1; k-- > 0;) stride[k] = stride[k + 1] * dims[k + 1];
        heads_.push_back(Head<T>::one(term.coefficient));
        index_t capacity = 1;
        for (std::size_t k = 0; k < count; ++k) {
            rows_.emplace_back(term.factors[k], stride[at(term.order[k])]);
            capacity *= rows_.back().capacity();
            if (k + 1 < count) heads_.emplace_back(capacity);
        }
    }

    /// out (+)= row `index` of the term, where it has entries.
    template <bool add>
    void write(index_t index, T* out) {
        select(index);
        const Head<T>& head = heads_.back();
        const FactorRow<T>& last = rows_.back();
        if (head.is_one || (!last.is_contiguous() && !head.is_run))
            return write_entries<add>(head, last, out);
        if (!last.is_contiguous()) return write_columns<add>(head, last, out);
        switch (last.count()) {
            case 2:
                return write_runs<add>(head, last, std::integral_constant<index_t, 2>{}, out);
            case 3:
                return write_runs<add>(head, last, std::integral_constant<index_t, 3>{}, out);
            case 4:
                return write_runs<add>(head, last, std::integral_constant<index_t, 4>{}, out);
            default:
                return write_runs<add>(head, last, last.count(), out);
        }
    }

  private:
    /// Bring the heads up to date for this row, from the first factor on whose row changes.
    void select(index_t index) {
        std::size_t first = rows_.size();
        for (std::size_t k = rows_.size(); k-- > 0; index /= rows_[k].rows())
            if (rows_[k].select(index % rows_[k].rows())) first = k;
        for (std::size_t k = first; k + 1 < rows_.size(); ++k)
            heads_[k + 1].set_to_product(heads_[k], rows_[k]);
    }

    template <bool add, class Count>
    static void write_runs(const Head<T>& head, const FactorRow<T>& last, Count count, T* out) {
        for (index_t a = 0; a < head.count; ++a)
            write_run<add>(head.values[at(a)], last.entries(), count, out + head.places[at(a)]);
    }

    /// Runs along the head, which a permutation put last: products commute, sums do not occur.
    template <bool add>
    static void write_columns(const Head<T>& head, const FactorRow<T>& last, T* out) {
        if (head.count == 0) return;  // an empty row of a sparse factor: there is no first place
        out += head.places[0];
        for (index_t b = 0; b < last.count(); ++b)
            if (last.is_identity())
                add_run<add>(head, out + last.place(b));
            else
                write_run<add>(last.entries()[b], head.values.get(), head.count,
                               out + last.place(b));
    }

    template <bool add>
    static void add_run(const Head<T>& head, T* out) {
        for (index_t a = 0; a < head.count; ++a) put<add>(out[a], head.values[at(a)]);
    }

    template <bool add>
    static void write_entries(const Head<T>& head, const FactorRow<T>& last, T* out) {
        for (index_t a = 0; a < head.count; ++a)
            for (index_t b = 0; b < last.count(); ++b)
                put<add>(out[head.places[at(a)] + last.place(b)], head.times_entry(a, last, b));
    }

    std::vector<FactorRow<T>> rows_;
    std::vector<Head<T>> heads_;  // of no factor, of the first, of the first two, ...
};

/// Rows of a sum of terms, one after the other.
template <class T>
class SumRows {
  public:
    SumRows(const std::vector<const Term<T>*>& terms, index_t cols) : cols_(cols) {
        for (const Term<T>* term : terms) terms_.emplace_back(*term);
        const auto dense = [](const TermFactor<T>& f) {
            return !f.is_identity() && !f.is_sparse();
        };
        const auto& first = terms[0]->factors;
        fill_ = !std::all_of(first.begin(), first.end(), dense);
    }

    void write(index_t index, T* out) {
        if (fill_) std::fill_n(out, cols_, T(0));
        bool add = fill_;
        for (TermRows<T>& term : terms_) {
            add ? term.template write<true>(index, out) : term.template write<false>(index, out);
            add = true;
        }
    }

  private:
    const index_t cols_;
    bool fill_;  // the first term leaves some entries out
    std::vector<TermRows<T>> terms_;
};

}  // namespace

template <class T>
void write_rows(const std::vector<const Term<T>*>& terms, index_t cols, const index_t* indices,
                index_t count, T* out) {
    if (count == 0) return;
    constexpr double work_per_entry = 4, least_task = 32768;
    const double entries = static_cast<double>(count) * static_cast<double>(cols);
    const auto tasks = static_cast<index_t>(
        std::clamp(entries / least_task, 1.0, std::min(64.0, static_cast<double>(count))));
    parallel_for(tasks, work_per_entry * entries, [&](index_t task) {
        SumRows<T> rows(terms, cols);
        for (index_t k = task * count / tasks; k < (task + 1) * count / tasks; ++k)
            rows.write(indices[k], out + k * cols);
    });
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template void write_rows(const std::vector<const Term<T>*>&, index_t, const index_t*, index_t, \
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
