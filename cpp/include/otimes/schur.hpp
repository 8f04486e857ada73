// A = Z T Z^H: the coordinates in which matrix equations are solved.
#pragma once

#include <utility>  // std::pair

#include "otimes/basis.hpp"

namespace otimes {

/// The Schur decomposition A = Z T Z^H, T upper triangular; for real A quasi-triangular, its 2x2
/// diagonal blocks standardised to [a b; c a] with bc < 0. Input that already has this form, or has
/// it after reversing the order of rows and columns, is not decomposed again.
template <class T>
class Schur {
  public:
    Schur() = default;
    /// Throws singular_error if the QR algorithm does not converge. Entries must be finite.
    explicit Schur(const Matrix<T>& a);

    const Matrix<T>& form() const { return form_; }
    const Basis<T>& basis() const { return z_; }

    /// X <- Z X, or Z^H X.
    void apply_left(bool adjoint, Matrix<T>& x) const { z_.apply_left(adjoint, x); }
    /// X <- X Z, or X Z^H.
    void apply_right(bool adjoint, Matrix<T>& x) const { z_.apply_right(adjoint, x); }

  private:
    Matrix<T> form_;
    Basis<T> z_;
};

/// The decompositions of a and b, at once on two threads when they are large.
template <class T>
std::pair<Schur<T>, Schur<T>> schur_pair(const Matrix<T>& a, const Matrix<T>& b);

}  // namespace otimes
