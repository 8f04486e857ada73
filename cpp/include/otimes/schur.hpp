// A = Z T Z^H: the coordinates in which matrix equations are solved.
#pragma once

#include <utility>  // std::pair

#include "otimes/view.hpp"

namespace otimes {

/// The Schur decomposition A = Z T Z^H, T upper triangular; for real A quasi-triangular, its 2x2
/// diagonal blocks standardised to [a b; c a] with bc < 0; for Hermitian A diagonal. Input that
/// already has this form, or has it after reversing the order of rows and columns, is not
/// decomposed again.
template <class T>
class Schur {
  public:
    Schur() = default;
    /// Throws singular_error if the QR algorithm does not converge. Entries must be finite.
    explicit Schur(const Matrix<T>& a);

    const Matrix<T>& form() const { return form_; }

    /// X <- Z X, or Z^H X.
    void apply_left(bool adjoint, Matrix<T>& x) const;
    /// X <- X Z, or X Z^H.
    void apply_right(bool adjoint, Matrix<T>& x) const;

  private:
    enum class Basis { identity, reversal, general };
    void decompose_hermitian();
    Basis basis_ = Basis::identity;
    Matrix<T> form_, z_;  // z_ is empty unless the basis is general
};

/// Is a in Schur form, or is it in reverse order?
template <class T>
bool has_schur_form(const Matrix<T>& a);

/// The decompositions of a and b, at once on two threads when they are large.
template <class T>
std::pair<Schur<T>, Schur<T>> schur_pair(const Matrix<T>& a, const Matrix<T>& b);

}  // namespace otimes
