// sum of c F X G^T = Q for (quasi-)triangular F and G.
#pragma once

#include <vector>

#include "otimes/view.hpp"

namespace otimes {

/// c F X G^T, F (m, m) and G (n, n) upper triangular, column-major; null: the identity. Real ones
/// may be quasi-triangular, with all the F having 2x2 blocks in the same places, and all the G.
template <class T>
struct TwoSidedTerm {
    T coefficient;
    const T* left;
    const T* right;
};

/// X <- the solution of sum of c F X G^T = X, by recursion on the larger side: the updates are
/// matrix products, about 5 m n (m + n) flops for each term with two matrices and half of that for
/// one with an identity. Pivots that are exactly zero count as `tiny`.
template <class T>
void solve_two_sided(const std::vector<TwoSidedTerm<T>>& terms, T tiny, Matrix<T>& x);

}  // namespace otimes
