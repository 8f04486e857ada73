// A = Q S Z^H and B = Q P Z^H: the coordinates in which equations with two terms are solved.
#pragma once

#include <algorithm>  // std::copy_n
#include <array>
#include <complex>

#include "otimes/basis.hpp"

namespace otimes {

/// The generalized Schur decomposition of the pencil A - lambda B, by the QZ algorithm (Moler &
/// Stewart 1973, doi:10.1137/0710024). P is upper triangular and S too; for real matrices S is
/// quasi-triangular. Triangular input of either kind is not decomposed again.
template <class T>
class GeneralizedSchur {
  public:
    GeneralizedSchur() = default;
    /// Throws singular_error if QZ does not converge. Entries must be finite and near 1.
    GeneralizedSchur(const Matrix<T>& a, const Matrix<T>& b);

    /// The same at about half the price, by one Schur decomposition, where a combination of A and B
    /// is well-conditioned; then both S and P are quasi-triangular, with the same blocks.
    static GeneralizedSchur by_division(const Matrix<T>& a, const Matrix<T>& b);

    /// S and P.
    const std::array<Matrix<T>, 2>& forms() const { return forms_; }
    const Basis<T>& q() const { return q_; }
    const Basis<T>& z() const { return z_; }

    /// A^H = Z S^H Q^H and B^H = Z P^H Q^H, with the order of rows and columns reversed so that the
    /// forms are upper triangular.
    GeneralizedSchur adjoint() const;

  private:
    bool take_triangular(const Matrix<T>& a, const Matrix<T>& b);
    bool divide(const Matrix<T>& a, const Matrix<T>& b);
    void rotate(double cosine, double sine);

    std::array<Matrix<T>, 2> forms_;
    Basis<T> q_, z_;
};

/// A real matrix as a complex one: complex QZ has no 2x2 blocks.
template <class R>
Matrix<std::complex<R>> complex_copy(const Matrix<R>& a) {
    Matrix<std::complex<R>> copy(a.rows(), a.cols());
    std::copy_n(a.data(), a.rows() * a.cols(), copy.data());
    return copy;
}

}  // namespace otimes
