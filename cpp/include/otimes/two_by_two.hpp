// Linear systems of two unknowns: what triangular solves meet on the diagonal.
#pragma once

#include <utility>  // std::swap

#include "otimes/scalar.hpp"

namespace otimes {

template <class T>
using TwoByTwo = T[2][2];

/// z <- a^-1 z by elimination with complete pivoting; returns the size of the second pivot, which
/// the smallest singular value of a is not above. Pivots smaller than `floor` are replaced by it.
template <class T>
real_t<T> solve_two_by_two(const TwoByTwo<T>& a, T& z0, T& z1, real_t<T> floor) {
    int p = 0, q = 0;
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j)
            if (size_of(a[i][j]) > size_of(a[p][q])) p = i, q = j;
    const auto lifted = [floor](T x) { return size_of(x) < floor ? T(floor) : x; };
    const T inverse = reciprocal(lifted(a[p][q]));
    const T factor = times(a[1 - p][q], inverse);
    const T pivot = a[1 - p][1 - q] - times(factor, a[p][1 - q]);
    if (p == 1) std::swap(z0, z1);
    const T second = times(z1 - times(factor, z0), reciprocal(lifted(pivot)));
    const T first = times(z0 - times(a[p][1 - q], second), inverse);
    z0 = q == 0 ? first : second;
    z1 = q == 0 ? second : first;
    return std::abs(pivot);  // the first is about as large at least
}

}  // namespace otimes
