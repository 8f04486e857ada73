// The Schur form of four matrices in a cycle, by the periodic QZ algorithm.
#pragma once

#include <array>

#include "otimes/basis.hpp"

namespace otimes {

template <class T>
using Cycle = std::array<Matrix<T>, 4>;

/// A_0 = Z_1 S_0 Z_0^H,  A_1 = Z_1 S_1 Z_2^H,  A_2 = Z_3 S_2 Z_2^H,  A_3 = Z_3 S_3 Z_0^H
/// with unitary Z and upper triangular S: the periodic Schur decomposition of the formal product
/// A_3^-1 A_2 A_1^-1 A_0. None of the four is inverted, and no product formed, so that any of them
/// may be singular; the S are exactly those of matrices some eps ||A_k|| from A_k. Some 70 n^3
/// complex flops, by rotations.
///
/// A. Bojanczyk, G. Golub & P. Van Dooren, Proc. SPIE 1770 (1992), doi:10.1117/12.130915.
template <class T>
class PeriodicSchur {
  public:
    PeriodicSchur() = default;
    /// Finite complex matrices. Throws singular_error if QZ does not converge.
    explicit PeriodicSchur(const Cycle<T>& a);

    const Cycle<T>& forms() const { return forms_; }
    const Basis<T>& basis(std::size_t k) const { return bases_[k]; }

  private:
    Cycle<T> forms_;
    std::array<Basis<T>, 4> bases_;
};

}  // namespace otimes
