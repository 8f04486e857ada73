// The diagonal blocks of a Schur form, and what a 2x2 block is as a complex number.
#pragma once

#include <cmath>
#include <complex>

#include "otimes/view.hpp"

namespace otimes {

/// 2 where rows j and j + 1 are a block of their own, otherwise 1.
template <class T>
index_t block_width(const Matrix<T>& s, index_t j) {
    return j + 1 < s.rows() && s(j + 1, j) != T(0) ? 2 : 1;
}

/// The block [a b; c a] at (j, j), bc < 0, is a + i w in the coordinates (x1, x2/d), with d =
/// sqrt(-b/c) and w = b/d: X [a b; c a] + A X = [c1 c2] is (A + (a + i w) I) z = c1 + i c2/d with
/// z = x1 + i x2/d. Its transpose has 1/d and -w.
template <class T>
struct Bump {
    Bump(const Matrix<T>& s, index_t j)
        : d(std::sqrt(std::abs(s(j, j + 1)) / std::abs(s(j + 1, j)))),
          shift(std::real(s(j, j)), std::real(s(j, j + 1)) / d) {}
    real_t<T> d;
    std::complex<real_t<T>> shift;
};

}  // namespace otimes
