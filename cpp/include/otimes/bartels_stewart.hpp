// A X + X B = Q by the Schur decompositions of A and B.
#pragma once

#include <utility>  // std::pair

#include "otimes/schur.hpp"
#include "otimes/sylvester_method.hpp"

namespace otimes {

/// T Y + Y S = U^H Q V, X = U Y V^H for A = U T U^H and B = V S V^H (Bartels & Stewart 1972,
/// doi:10.1145/361573.361582). 25 (m^3 + n^3) flops for the decompositions, 5 m n (m + n) to solve.
template <class T>
class BartelsStewart final : public SylvesterMethod<T> {
  public:
    BartelsStewart(const Matrix<T>& a, const Matrix<T>& b);

    std::string_view name() const override { return "bartels-stewart"; }
    bool is_robust() const override { return true; }
    double rcond() const override { return rcond_; }
    std::optional<int> solve(bool adjoint, Matrix<T>& x) const override;

  private:
    std::pair<Schur<T>, Schur<T>> schur_;
    double rcond_;
};

/// Hermitian A and B, whose Schur forms are diagonal: Y_ij = (U^H Q V)_ij / (lambda_i + mu_j).
/// 9 (m^3 + n^3) flops for the decompositions, 4 m n (m + n) to solve; rcond is exact.
template <class T>
class EigenSylvester final : public SylvesterMethod<T> {
  public:
    EigenSylvester(const Matrix<T>& a, const Matrix<T>& b);

    std::string_view name() const override { return "eigendecomposition"; }
    bool is_robust() const override { return true; }
    double rcond() const override { return rcond_; }
    std::optional<int> solve(bool adjoint, Matrix<T>& x) const override;

  private:
    std::pair<Schur<T>, Schur<T>> schur_;
    Matrix<real_t<T>> sums_;  // lambda_i + mu_j, none of them zero
    double rcond_;
};

}  // namespace otimes
