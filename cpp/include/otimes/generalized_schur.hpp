// A = Q S Z^H and B = Q P Z^H: the coordinates in which equations with two terms are solved.
#pragma once

#include <algorithm>  // std::max
#include <array>

#include "otimes/basis.hpp"

namespace otimes {

/// Two upper (quasi-)triangular matrices of one size. Where either has a 2x2 block on its diagonal,
/// the other may have one.
template <class T>
using Forms = std::array<Matrix<T>, 2>;

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
    const Forms<T>& forms() const { return forms_; }
    const Basis<T>& q() const { return q_; }
    const Basis<T>& z() const { return z_; }

    /// A^H = Z S^H Q^H and B^H = Z P^H Q^H, with the order of rows and columns reversed so that the
    /// forms are upper triangular.
    GeneralizedSchur adjoint() const;
    /// The pencils (B, A) and (-A, B).
    GeneralizedSchur swapped() &&;
    GeneralizedSchur negated() &&;

    /// How far the pencil that was decomposed is from (A, B), relative to both, up to a factor of
    /// the order of n.
    double error() const { return error_; }

  private:
    bool take_triangular(const Matrix<T>& a, const Matrix<T>& b);
    bool divide(const Matrix<T>& a, const Matrix<T>& b);
    void rotate(double cosine, double sine);

    Forms<T> forms_;
    Basis<T> q_, z_;
    double error_ = 0;
};

/// J S^H J and J P^H J.
template <class T>
Forms<T> reversed_adjoints(const Forms<T>& forms);

/// The decompositions of both pencils, at once on two threads when they are large; by_division
/// where `fast`.
template <class T>
std::array<GeneralizedSchur<T>, 2> generalized_schur_pair(const Forms<T>& first,
                                                          const Forms<T>& second, bool fast);

/// How far the equation that was decomposed is from the given one.
template <class T>
double error_of(const std::array<GeneralizedSchur<T>, 2>& pencils) {
    return std::max(pencils[0].error(), pencils[1].error());
}

/// Is it so near that its condition is that of the given one?
template <class T>
bool is_accurate(const std::array<GeneralizedSchur<T>, 2>& pencils, double rcond) {
    return rcond > 100 * error_of(pencils);
}

}  // namespace otimes
