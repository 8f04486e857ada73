// Squared Smith iterations: equations with separable spectra, by matrix products alone.
#pragma once

#include <optional>
#include <utility>  // std::move
#include <vector>

#include "otimes/equation_method.hpp"

namespace otimes {

/// X - F X G = C where the powers of F and G vanish: X = sum F^k C G^k, doubling the number of
/// terms by X <- X + F X G, F <- F^2, G <- G^2 (Smith 1968, doi:10.1137/0116017). 2 (m^3 + n^3)
/// flops a step to prepare, half of that when G = F^H, 2 m n (m + n) a step to solve; memory for
/// the powers, m^2 + n^2 a step.
template <class T>
class SmithPowers {
  public:
    /// All the powers that are needed; nothing where they grow, or vanish too slowly. An empty g
    /// stands for F^H.
    static std::optional<SmithPowers> vanishing(Matrix<T> f, Matrix<T> g);

    /// x <- X, or that of the adjoint equation X - F^H X G^H = C, to about this relative accuracy.
    void solve(bool adjoint, Matrix<T>& x, double accuracy) const;

    /// What a solve to this accuracy takes, in another precision.
    template <class S>
    SmithPowers<S> rounded(double accuracy) const;

  private:
    template <class S>
    friend class SmithPowers;
    struct Power {
        Matrix<T> f, g;
        double size;  // ||f||_2 ||g||_2, or more
    };
    std::vector<Power> powers_;
};

/// A X + X B = Q as X - F X G = 2 tau (A + gamma I)^-1 Q (B + delta I)^-1 with gamma + delta =
/// 2 tau, F = (A + gamma I)^-1 (A - delta I), G = (B - gamma I) (B + delta I)^-1: Cayley transforms
/// of A and B with the spectra of A and -B moved to both sides of a line.
template <class T>
struct CayleyEquation {
    T two_tau;
    Matrix<T> u, v;  // (A + gamma I)^-1 and (B + delta I)^-1; an empty v stands for u^H
    SmithPowers<T> powers;

    void solve(bool adjoint, Matrix<T>& x, double accuracy) const;
};

/// A X + X B = Q by powers of Cayley transforms.
template <class T>
class DoublingSylvester final : public EquationMethod<T> {
  public:
    /// Nothing unless the spectra of A and -B are well separated by a line. For general A and B
    /// this is seen from their traces and norms, in O(m^2 + n^2).
    static EquationMethodPointer<T> attempt(const Matrix<T>& a, const Matrix<T>& b);

    DoublingSylvester(CayleyEquation<T> equation, double rcond)
        : equation_(std::move(equation)), rcond_(rcond) {}

    std::string_view name() const override { return "doubling"; }
    double rcond() const override { return rcond_; }
    std::optional<int> solve(bool adjoint, Matrix<T>& x) const override;

  private:
    CayleyEquation<T> equation_;
    double rcond_;
};

/// c X - A X B = Q as X - A X (B/c) = Q/c, for spectra whose products are well below c.
template <class T>
class DoublingStein final : public EquationMethod<T> {
  public:
    static EquationMethodPointer<T> attempt(const Matrix<T>& a, const Matrix<T>& b,
                                            real_t<T> identity);

    DoublingStein(real_t<T> identity, SmithPowers<T> powers, double rcond)
        : identity_(identity), powers_(std::move(powers)), rcond_(rcond) {}

    std::string_view name() const override { return "doubling"; }
    double rcond() const override { return rcond_; }
    std::optional<int> solve(bool adjoint, Matrix<T>& x) const override;

  private:
    real_t<T> identity_;
    SmithPowers<T> powers_;
    double rcond_;
};

}  // namespace otimes
