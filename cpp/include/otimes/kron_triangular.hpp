// Solving with sums of Kronecker products of upper triangular matrices.
#pragma once

#include <vector>

#include "otimes/view.hpp"

namespace otimes {

/// M = sum of c_t (F_t1 x ... x F_tN), every F_tk an upper triangular n_k x n_k matrix or the
/// identity. M itself is upper triangular, so M X = B is solved by substitution, mode by mode: for
/// factors that are all dense n1 n2 ... (n1 + n2 + ...) multiplications a column. Two modes are
/// solved with by matrix products (two_sided.hpp), and may be quasi-triangular.
template <class T>
class TriangularSum {
  public:
    struct Term {
        T coefficient;
        std::vector<const T*> factors;  // column-major; null: the identity
    };

    /// Zero pivots count as `tiny`.
    TriangularSum(std::vector<index_t> sizes, std::vector<Term> terms, T tiny);

    /// x (N, columns), contiguous in C order <- M^-1 x.
    void solve(index_t columns, T* x) const;

  private:
    struct Level;  // what one mode of the recursion works with

    void solve_two_modes(index_t columns, T* x) const;
    void solve_mode(std::vector<Level>& levels, std::size_t mode, index_t columns, T* x) const;
    void solve_last(Level& level, index_t columns, T* x) const;
    void eliminate(std::vector<Level>& levels, std::size_t mode, index_t columns, index_t i,
                   T* x) const;
    void multiply_later(const Term& term, std::size_t mode, index_t columns, T* z) const;

    std::vector<index_t> sizes_;
    std::vector<Term> terms_;
    T tiny_;
};

}  // namespace otimes
