#include "otimes/early_deflation.hpp"

#include <algorithm>  // std::copy_n, std::fill, std::min, std::max
#include <cmath>
#include <complex>
#include <limits>

#include "otimes/blas.hpp"
#include "otimes/hessenberg.hpp"
#include "otimes/qr_iteration.hpp"
#include "otimes/scalar.hpp"

namespace otimes {

template <class T>
EarlyDeflation<T>::EarlyDeflation(index_t most_order) {
    const auto entries = static_cast<std::size_t>((most_order + 1) * (most_order + 1));
    for (std::vector<T>* store : {&s_, &v_, &m_, &q_, &product_}) store->resize(entries);
}

template <class T>
index_t EarlyDeflation<T>::look(index_t order, const T* w, index_t ldw, T spike) {
    order_ = left_ = order;
    spike_ = spike;
    std::fill(v_.begin(), v_.begin() + order * order, T(0));
    for (index_t j = 0; j < order; ++j) {
        const index_t rows = std::min(j + 2, order);
        std::copy_n(w + j * ldw, rows, &s(0, j));
        std::fill_n(s_.begin() + j * order + rows, order - rows, T(0));
        v_[static_cast<std::size_t>(j * (order + 1))] = 1;
    }
    if (!qr_iteration(order, s_.data(), order, order, v_.data(), order)) return -1;
    while (left_ > 0) {
        const index_t start = block_start(left_ - 1);
        if (!has_converged(start, left_ - 1)) break;
        left_ = start;
    }
    return order_ - left_;
}

/// The first row of the diagonal block that ends with this one.
template <class T>
index_t EarlyDeflation<T>::block_start(index_t last) const {
    return last > 0 && s(last, last - 1) != T(0) ? last - 1 : last;
}

template <class T>
bool EarlyDeflation<T>::has_converged(index_t first, index_t last) const {
    using R = real_t<T>;
    constexpr R ulp = std::numeric_limits<R>::epsilon(), tiny = std::numeric_limits<R>::min() / ulp;
    R size = size_of(s(last, last)), tip = size_of(v(0, last));
    if (first < last) {
        size += std::sqrt(size_of(s(last, first))) * std::sqrt(size_of(s(first, last)));
        tip = std::max(tip, size_of(v(0, first)));
    }
    if (size == 0) size = size_of(spike_);
    return size_of(spike_) * tip <= std::max(tiny, ulp * size);
}

template <class T>
index_t EarlyDeflation<T>::shifts(index_t most,
                                  std::array<ShiftPair<T>, most_shifts>& pairs) const {
    index_t count = 0;
    bool waiting = false;  // a real eigenvalue, for another one
    T partner = 0;
    for (index_t last = left_ - 1; last >= 0 && count < most;) {
        const index_t first = block_start(last);
        auto& pair = pairs[static_cast<std::size_t>(count)];
        if (first < last) {
            pair = {s(last, last), s(last, last),
                    std::sqrt(size_of(s(last, first))) * std::sqrt(size_of(s(first, last)))};
            ++count;
        } else if (waiting) {
            pair = {partner, s(last, last), 0};
            ++count;
            waiting = false;
        } else {
            partner = s(last, last);
            waiting = true;
        }
        last = first - 1;
    }
    return count;
}

/// The spike and the rows that have not converged are a matrix with one more row, whose Hessenberg
/// form is what is wanted.
template <class T>
void EarlyDeflation<T>::restore() {
    const index_t n = left_, ld = n + 1, w = order_;
    if (n == 0) {
        spike_ = 0;
        return;
    }
    std::fill(m_.begin(), m_.begin() + ld * ld, T(0));
    for (index_t j = 0; j < n; ++j) {
        m_[static_cast<std::size_t>(j + 1)] = times(spike_, conj_of(v(0, j)));
        std::copy_n(&s(0, j), n, m_.begin() + 1 + (j + 1) * ld);
    }
    reduce_to_hessenberg(ld, m_.data(), ld, q_.data(), ld);
    spike_ = m_[1];
    for (index_t j = 0; j < n; ++j) std::copy_n(m_.begin() + 1 + (j + 1) * ld, n, &s(0, j));
    const T* const q = q_.data() + 1 + ld;
    blas::gemm('N', 'N', w, n, n, T(1), v_.data(), w, q, ld, T(0), product_.data(), w);
    std::copy_n(product_.begin(), w * n, v_.begin());
    if (n == w) return;
    blas::gemm('C', 'N', n, w - n, n, T(1), q, ld, &s(0, n), w, T(0), product_.data(), n);
    for (index_t j = n; j < w; ++j) std::copy_n(product_.begin() + (j - n) * n, n, &s(0, j));
}

template class EarlyDeflation<float>;
template class EarlyDeflation<double>;
template class EarlyDeflation<std::complex<float>>;
template class EarlyDeflation<std::complex<double>>;

}  // namespace otimes
