// A = Q H Q^H: the first half of a Schur decomposition.
#pragma once

#include "otimes/basis.hpp"

namespace otimes {

/// Is every entry below the first subdiagonal zero?
template <class T>
bool is_hessenberg(MatrixView<const T> a);

/// A <- Q^H A Q upper Hessenberg, and Q, both (n,n), by Householder reflections: 14/3 n^3 flops.
template <class T>
void reduce_to_hessenberg(index_t n, T* a, index_t lda, T* q, index_t ldq);

/// A = Q H Q^H, H upper Hessenberg. Input that already has this form, or has it after reversing the
/// order of rows and columns, is not reduced again.
template <class T>
class Hessenberg {
  public:
    Hessenberg() = default;
    /// Entries must be finite and near 1.
    explicit Hessenberg(const Matrix<T>& a);

    const Matrix<T>& form() const { return form_; }
    const Basis<T>& basis() const { return q_; }

  private:
    Matrix<T> form_;
    Basis<T> q_;
};

}  // namespace otimes
