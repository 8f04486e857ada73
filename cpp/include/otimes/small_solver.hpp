// sum L_t X R_t = Q with few unknowns, in batches: the LU of its Kronecker matrix, in SIMD lanes.
#pragma once

#include <cstdint>
#include <span>

#include "otimes/equation.hpp"
#include "otimes/scratch.hpp"
#include "otimes/small_kernels.hpp"

namespace otimes {

/// One equation of a batch: its coefficients and right-hand sides, and where to report to.
template <class T>
struct SmallItem {
    Coefficients<T> coefficients;
    RightHandSides<T> sides;
    SolveReport* report;
};

/// Equations of one form, X of shape (rows, cols), rows * cols in [1, kronecker_limit].
template <class T>
class SmallSolver {
    using R = real_t<T>;

  public:
    /// All items have coefficients of the shapes of these, and right-hand sides like these. `alone`
    /// is for one item that is no batch.
    SmallSolver(const SmallForm& form, Coefficients<T> coefficients, RightHandSides<T> sides,
                bool alone);

    /// Equations that are solved at once.
    static index_t lanes(bool alone);

    /// Solve at most lanes(alone) of them. Bit l of what is returned is set where item l needs a
    /// solver that takes more care, because it is ill-conditioned, out of range, or inaccurate; its
    /// X and its report are then untouched.
    std::uint32_t solve(std::span<const SmallItem<T>> items);

  private:
    void gather(std::span<const SmallItem<T>> items);
    bool judge(index_t lane, SolveReport& report) const;
    void scatter(index_t lane, const SmallItem<T>& item) const;

    const SmallKernels<T>& kernels_;
    index_t lanes_;
    bool keeps_symmetry_;
    SmallGroup<T> group_;
    Scratch<R> memory_;
};

}  // namespace otimes
