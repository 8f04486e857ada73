// One square matrix, factored as its structure allows.
#pragma once

#include <string_view>

#include "otimes/lu.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// A square A with entries near 1: as it is where it is triangular, A = L L^H where it is Hermitian
/// and positive definite, else its LU.
template <class T>
class SquareFactor {
  public:
    enum class Method { triangular, cholesky, lu };

    SquareFactor() = default;
    explicit SquareFactor(const Matrix<T>& a);

    Method method() const { return method_; }
    double rcond() const { return rcond_; }

    /// x (n, count) <- op(A)^-1 x, op in {N, C}.
    void solve(char op, index_t count, T* x, index_t ldx) const;
    /// x (count, n) <- x op(A)^-1.
    void solve_right(char op, index_t count, T* x, index_t ldx) const;

  private:
    void solve_triangles(char side, char op, index_t rows, index_t cols, T* x, index_t ldx) const;

    Method method_ = Method::lu;
    char uplo_ = 'U';
    Matrix<T> triangle_;
    LU<T> lu_;
    double rcond_ = 1;
};

}  // namespace otimes
