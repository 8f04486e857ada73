// Products with F1 x ... x FN: mode products, taken panel by panel so that memory is read and
// written as rarely as the caches allow.
#pragma once

#include <vector>

#include "otimes/mode_product.hpp"
#include "otimes/plan.hpp"
#include "otimes/term.hpp"

namespace otimes {

template <class T>
class ModeSequence {
  public:
    ModeSequence() = default;
    explicit ModeSequence(T coefficient, const std::vector<TermFactor<T>>& factors);

    /// y <- c (F1 x ... x FN) x, or added to y, for x (L, cols, R) and y (L, rows, R), contiguous
    /// in C order, not overlapping.
    void apply(const T* x, index_t L, index_t R, bool accumulate, T* y) const;

    /// The passes that this takes.
    std::vector<Pass> plan(index_t R) const;

    /// Whether only the coefficient is left, that of the term times factors that are numbers.
    bool is_multiple_of_identity() const { return factors_.empty(); }
    T coefficient() const { return coefficient_; }

  private:
    struct Run;

    void take_alone(const Pass& pass, index_t L, index_t R, bool last, const T* x, bool accumulate,
                    T* y) const;

    T coefficient_{};
    std::vector<Mode> modes_;              // tiny neighbours merged
    std::vector<TermFactor<T>> factors_;   // of the modes that act, in their order
    std::vector<PackedFactor<T>> packed_;  // the same, but for sparse ones
    std::vector<index_t> factor_of_;       // by mode
    std::vector<Pass> passes_;             // for R = 1
};

}  // namespace otimes
