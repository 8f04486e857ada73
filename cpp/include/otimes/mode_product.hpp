// The kernel of everything Kronecker: a matrix applied along one mode of a tensor.
#pragma once

#include <cstdint>
#include <memory>  // std::shared_ptr
#include <mutex>   // std::once_flag

#include "otimes/mode_kernels.hpp"
#include "otimes/term.hpp"

namespace otimes {

/// The arithmetic that stands for T's: integers wrap around whatever their sign.
template <class T>
using kernel_scalar = std::conditional_t<std::is_same_v<T, std::int64_t>, std::uint64_t, T>;

/// Rows or columns beyond which a factor is large. Measured: our kernels stay within 5 % of one
/// GEMM up to here, and need no packing of the operand.
inline constexpr index_t largest_small_factor = kernel_copied_rows;

/// A factor as mode products take it: packed for our own kernels when one first asks for it, so
/// that a product that is made once packs no more than it needs. It refers to the factor's entries,
/// which must live as long.
template <class T>
class PackedFactor {
  public:
    PackedFactor() = default;
    explicit PackedFactor(const Factor<T>& f) : factor_(f), packs_(std::make_shared<Packs>()) {}

    const Factor<T>& factor() const { return factor_; }

    /// For the kernel of each name in mode_kernels.hpp.
    const T* along_inner() const;
    const T* along_rows() const;
    const T* along_pairs() const;

  private:
    /// Made by whichever thread comes first; immutable from then on.
    struct Pack {
        std::once_flag once;
        std::shared_ptr<T[]> entries;
    };
    struct Packs {
        Pack inner, rows, pairs;
    };

    /// The entries of a pack, made by `make` from the factor and the kernels the first time.
    template <class Make>
    const T* made(Pack& pack, const Make& make) const;

    Factor<T> factor_;
    std::shared_ptr<Packs> packs_;
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
