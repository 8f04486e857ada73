// Solving with a Kronecker product: an LU factorization of each factor, applied along its mode.
#pragma once

#include <vector>

#include "otimes/lu.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// (F1 x ... x FN) X = Q for square factors: 2/3 n^3 flops for each factor once, then the work of a
/// product with each for every column.
template <class T>
class KronLU {
  public:
    explicit KronLU(const std::vector<MatrixView<const T>>& factors);

    /// sigma_min / sigma_max of the product: that of the factors, multiplied. 0 when one is
    /// singular.
    double rcond() const { return rcond_; }

    /// x (L, N, R), contiguous in C order <- op(F1 x ... x FN)^-1 x, op in {N, T, H}.
    void solve(char op, index_t L, index_t R, T* x) const;

  private:
    struct Side {  // LU of G = 2^-exponent F^T: row-major slices then solve from the right
        LU<T> lu;
        int exponent = 0;

        explicit Side(MatrixView<const T> f);
        void solve(char op, index_t L, index_t R, T* x) const;
    };

    std::vector<Side> sides_;
    index_t size_ = 1;
    double rcond_ = 1;
};

}  // namespace otimes
