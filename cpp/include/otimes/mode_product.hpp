// The kernel of everything Kronecker: a matrix applied along one mode of a tensor.
#pragma once

#include <cstdint>
#include <memory>  // std::shared_ptr

#include "otimes/mode_kernels.hpp"
#include "otimes/term.hpp"

namespace otimes {

/// The arithmetic that stands for T's: integers wrap around whatever their sign.
template <class T>
using kernel_scalar = std::conditional_t<std::is_same_v<T, std::int64_t>, std::uint64_t, T>;

/// Rows or columns beyond which a factor is large. Measured: our kernels stay within 5 % of one
/// GEMM up to here, and need no packing of the operand.
inline constexpr index_t largest_small_factor = kernel_copied_rows;

/// A factor as mode products take it: packed for our own kernels, except where BLAS takes it. It
/// refers to the factor's entries and copies what it packs.
template <class T>
class PackedFactor {
  public:
    PackedFactor() = default;
    /// `last`: whether the factor may be applied along a contiguous mode.
    PackedFactor(const Factor<T>& f, bool last);

    const Factor<T>& factor() const { return factor_; }
    const T* along_inner() const { return along_inner_.get(); }
    const T* along_rows() const { return along_rows_.get(); }
    const T* along_pairs() const { return along_pairs_.get(); }

  private:
    Factor<T> factor_;
    std::shared_ptr<T[]> along_inner_, along_rows_, along_pairs_;
};

/// y[l, i, r] <- alpha sum_j F(i, j) x[l, j, r], added to y where `accumulate`, for l in [0, L) and
/// r in [0, R). r is contiguous, `from` and `to` say where slices and rows begin. No transposition
/// of anything: lanes run along r, or along i where R is 1 or 2. x and y may be one array (with
/// equal strides and R > 2) if the factor is small, else do not overlap. On this thread; 2 L R rows
/// cols flops.
template <class T>
void mode_product(const PackedFactor<T>& f, index_t L, index_t R, T alpha, const T* x, Strides from,
                  bool accumulate, T* y, Strides to);

/// The same for a large factor and contiguous arrays that do not overlap, on all threads: by GEMM
/// where there is one.
template <class T>
void large_mode_product(const PackedFactor<T>& f, index_t L, index_t R, T alpha, const T* x,
                        bool accumulate, T* y);

}  // namespace otimes
