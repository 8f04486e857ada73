// Aggressive early deflation: eigenvalues that have converged before any subdiagonal entry shows
// it.
#pragma once

#include <array>
#include <cstddef>  // std::size_t
#include <vector>

#include "otimes/reflector_kernels.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// The trailing window W of an active block, S = V^H W V its Schur form. The entry s to the left of
/// W's first row becomes the column s V^H e_1, the spike. Where that is negligible at the bottom,
/// eigenvalues have converged. Braman, Byers and Mathias 2002, doi:10.1137/S0895479801384585; in
/// the order in which they come, without exchanging any.
template <class T>
class EarlyDeflation {
  public:
    static constexpr index_t most_shifts = 8;  // pairs

    explicit EarlyDeflation(index_t most_order);

    /// Sets the window; the number of its rows that have converged, or -1 if S was not found.
    index_t look(index_t order, const T* w, index_t ldw, T spike);

    /// The pairs of eigenvalues that have not converged, from the bottom up, at most `most`.
    index_t shifts(index_t most, std::array<ShiftPair<T>, most_shifts>& pairs) const;

    /// Makes what has not converged Hessenberg again, after `look` has found something.
    void restore();

    const T* form() const { return s_.data(); }
    const T* basis() const { return v_.data(); }
    T spike() const { return spike_; }

  private:
    bool has_converged(index_t first, index_t last) const;
    index_t block_start(index_t last) const;
    T& s(index_t i, index_t j) { return s_[static_cast<std::size_t>(i + j * order_)]; }
    T s(index_t i, index_t j) const { return s_[static_cast<std::size_t>(i + j * order_)]; }
    T v(index_t i, index_t j) const { return v_[static_cast<std::size_t>(i + j * order_)]; }

    index_t order_ = 0, left_ = 0;  // rows, and those that have not converged
    T spike_ = 0;
    std::vector<T> s_, v_, m_, q_, product_;
};

}  // namespace otimes
