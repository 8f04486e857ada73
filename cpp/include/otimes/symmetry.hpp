// Matrices that are, exactly, their own conjugate transpose, or its negative.
#pragma once

#include "otimes/view.hpp"

namespace otimes {

/// A^H is so many times A.
enum class Symmetry { none = 0, hermitian = 1, skew = -1 };

/// The entry that (j, i) has if (i, j) has this value.
template <class T>
T mirrored(Symmetry symmetry, T value) {
    return symmetry == Symmetry::hermitian ? conj_of(value) : -conj_of(value);
}

template <class T>
bool has_symmetry(Symmetry symmetry, MatrixView<const T> a) {
    for (index_t j = 0; j < a.cols; ++j)
        for (index_t i = 0; i <= j; ++i)
            if (a(j, i) != mirrored(symmetry, a(i, j))) return false;
    return true;
}

/// What a square matrix is; zero counts as Hermitian.
template <class T>
Symmetry symmetry_of(MatrixView<const T> a) {
    if (has_symmetry(Symmetry::hermitian, a)) return Symmetry::hermitian;
    return has_symmetry(Symmetry::skew, a) ? Symmetry::skew : Symmetry::none;
}

/// The part of A that is so: A <- (A + A^H)/2 or (A - A^H)/2; A itself for none.
template <class T>
void symmetrise(Symmetry symmetry, MatrixView<T> a) {
    if (symmetry == Symmetry::none) return;
    constexpr real_t<T> half = 0.5;  // before the sum, which might overflow
    for (index_t j = 0; j < a.cols; ++j)
        for (index_t i = 0; i <= j; ++i) {
            a(i, j) = a(i, j) * half + mirrored(symmetry, a(j, i)) * half;
            a(j, i) = mirrored(symmetry, a(i, j));
        }
}

}  // namespace otimes
