// Unitary changes of coordinates.
#pragma once

#include <utility>  // std::move

#include "otimes/view.hpp"

namespace otimes {

/// A unitary matrix: the identity and the reversal of order cost nothing.
template <class T>
class Basis {
  public:
    Basis() = default;
    explicit Basis(Matrix<T> u) : kind_(Kind::general), u_(std::move(u)) {}
    static Basis reversal() {
        Basis basis;
        basis.kind_ = Kind::reversal;
        return basis;
    }

    /// X <- U X, or U^H X.
    void apply_left(bool adjoint, Matrix<T>& x) const;
    /// X <- X U, or X U^H.
    void apply_right(bool adjoint, Matrix<T>& x) const;
    /// The columns in reverse order: U J.
    Basis reversed() const;

  private:
    enum class Kind { identity, reversal, general };
    Kind kind_ = Kind::identity;
    Matrix<T> u_;  // empty unless general
};

}  // namespace otimes
