// A X + X B = Q and c X - A X B = Q by the Schur decompositions of A and B.
#pragma once

#include <optional>
#include <utility>  // std::pair

#include "otimes/equation_method.hpp"
#include "otimes/schur.hpp"

namespace otimes {

/// T Y + Y S = U^H Q V, X = U Y V^H for A = U T U^H and B = V S V^H (Bartels & Stewart 1972,
/// doi:10.1145/361573.361582), or c Y - T Y S = U^H Q V where there is an `identity` c (Kitagawa
/// 1977, doi:10.1080/00207177708922266; Barraud 1977, doi:10.1109/TAC.1977.1101651).
/// 25 (m^3 + n^3) flops for the decompositions, 5 m n (m + n) to solve.
template <class T>
class BartelsStewart final : public EquationMethod<T> {
  public:
    BartelsStewart(const Matrix<T>& a, const Matrix<T>& b,
                   std::optional<real_t<T>> identity = std::nullopt);

    std::string_view name() const override { return identity_ ? "schur" : "bartels-stewart"; }
    bool is_robust() const override { return true; }
    double rcond() const override { return rcond_; }
    std::optional<int> solve(bool adjoint, Matrix<T>& x) const override;

  private:
    std::pair<Schur<T>, Schur<T>> schur_;
    std::optional<real_t<T>> identity_;
    double rcond_;
};

/// Hermitian A and B, whose Schur forms are diagonal: Y_ij = (U^H Q V)_ij / (lambda_i + mu_j).
/// 9 (m^3 + n^3) flops for the decompositions, 4 m n (m + n) to solve; rcond is exact.
template <class T>
class EigenSylvester final : public EquationMethod<T> {
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
