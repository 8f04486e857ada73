#include "otimes/lyapunov.hpp"

#include <cmath>
#include <complex>
#include <limits>
#include <optional>

#include "otimes/condition.hpp"
#include "otimes/doubling.hpp"
#include "otimes/product.hpp"
#include "otimes/refinement.hpp"
#include "otimes/scaling.hpp"
#include "otimes/schur.hpp"
#include "otimes/stein.hpp"
#include "otimes/symmetry.hpp"
#include "otimes/threads.hpp"
#include "otimes/triangular.hpp"

namespace otimes {
namespace {

/// A power of two times A, for which M is 2^exponent times what it was; c X - A X A^H = Q has c =
/// 2^-exponent.
struct Scaling {
    int a = 0, exponent = 0;
};

template <class T>
Scaling scaling_of(Time time, MatrixView<const T> a) {
    const int size = binary_exponent(max_abs<T>(a));
    if (time == Time::continuous) return {-size, size};
    const SteinScaling both(size, size);
    return {both.a, both.exponent};
}

/// With A = U T U^H and C = U^H Q U: T Y + Y T^H = C or c Y - T Y T^H = C, X = U Y U^H.
template <class T>
class SchurLyapunov final : public EquationMethod<T> {
  public:
    SchurLyapunov(const Matrix<T>& a, std::optional<real_t<T>> identity)
        : identity_(identity), schur_(a), reversed_(reversed_adjoint(schur_.form())) {
        poll_interrupt();
        const TriangularEquation<T> equation{schur_.form(), reversed_, identity_};
        rcond_ = a.rows() == 0 ? 1 : triangular_rcond(equation);
    }

    std::string_view name() const override { return "schur"; }
    bool is_robust() const override { return true; }
    double rcond() const override { return rcond_; }

    std::optional<int> solve(bool adjoint, Matrix<T>& x) const override {
        const Symmetry symmetry = symmetry_of<T>(x.view());
        transform(true, symmetry, x);
        poll_interrupt();
        const auto report = solve_in_schur_coordinates(adjoint, symmetry, x);
        if (report.overflowed) return std::nullopt;
        transform(false, symmetry, x);
        return report.exponent;
    }

  private:
    /// X <- U X U^H, or U^H X U.
    void transform(bool adjoint_transform, Symmetry symmetry, Matrix<T>& x) const {
        schur_.apply_left(adjoint_transform, x);
        schur_.apply_right(!adjoint_transform, x);
        symmetrise(symmetry, x.view());
    }

    /// The right factor is T^H = J R J: Z = Y J solves the equation of (T, R). For the adjoint, Z =
    /// J Y solves that of (R, T).
    TriangularReport<real_t<T>> solve_in_schur_coordinates(bool adjoint, Symmetry symmetry,
                                                           Matrix<T>& y) const {
        const Matrix<T>&t = schur_.form(), &r = reversed_;
        adjoint ? reverse_rows(y) : reverse_cols(y);
        const auto report = adjoint ? solve_triangular<T>({r, t, identity_}, y, symmetry)
                                    : solve_triangular<T>({t, r, identity_}, y, symmetry);
        adjoint ? reverse_rows(y) : reverse_cols(y);
        return report;
    }

    std::optional<real_t<T>> identity_;  // c
    Schur<T> schur_;
    Matrix<T> reversed_;  // J T^H J
    double rcond_;
};

/// Nothing where the Schur form suits best.
template <class T>
EquationMethodPointer<T> choose_method(const Matrix<T>& a, std::optional<real_t<T>> identity) {
    if (has_schur_form(a) || has_symmetry<T>(Symmetry::hermitian, a.view())) return nullptr;
    const Matrix<T> adjoint = adjoint_of(a);
    if (identity) return DoublingStein<T>::attempt(a, adjoint, *identity);
    return DoublingSylvester<T>::attempt(a, adjoint);
}

}  // namespace

template <class T>
struct LyapunovFactor<T>::Oriented {
    using Scalar = T;

    std::optional<int> solve(Matrix<T>& x) const {
        const Symmetry symmetry = symmetry_of<T>(x.view());
        const std::optional<int> e = method.solve(adjoint, x);
        symmetrise(symmetry, x.view());
        return e;
    }

    void subtract_image(const Matrix<T>& x, Matrix<T>& r) const {
        const Symmetry symmetry = symmetry_of<T>(x.view());
        const Matrix<T> ax = product(adjoint ? 'C' : 'N', factor.a_, 'N', x);
        if (factor.time_ == Time::discrete)
            subtract_two_sided(x, ax, r);
        else if (symmetry == Symmetry::none)
            subtract_one_sided(x, ax, r);
        else
            subtract_symmetric(symmetry, ax, r);
        symmetrise(symmetry, r.view());
    }

    void add_multiplied_right(T alpha, const Matrix<T>& x, Matrix<T>& r) const {
        add_product(alpha, 'N', x, adjoint ? 'N' : 'C', factor.a_, T(1), r);
    }

    /// r <- r - (c X - A X A^H)
    void subtract_two_sided(const Matrix<T>& x, const Matrix<T>& ax, Matrix<T>& r) const {
        add_matrix(-factor.identity_, x, r);
        add_multiplied_right(T(1), ax, r);
    }

    /// r <- r - A X - X A^H
    void subtract_one_sided(const Matrix<T>& x, const Matrix<T>& ax, Matrix<T>& r) const {
        add_matrix(real_t<T>(-1), ax, r);
        add_multiplied_right(T(-1), x, r);
    }

    /// The same: X A^H is the mirror image of A X.
    static void subtract_symmetric(Symmetry symmetry, const Matrix<T>& ax, Matrix<T>& r) {
        for (index_t j = 0; j < r.cols(); ++j)
            for (index_t i = 0; i < r.rows(); ++i)
                r(i, j) -= ax(i, j) + mirrored(symmetry, ax(j, i));
    }

    const LyapunovFactor& factor;
    const EquationMethod<T>& method;
    bool adjoint;
    double norm = factor.norm_;
    int exponent = factor.exponent_;
};

template <class T>
LyapunovFactor<T>::LyapunovFactor(Time time, MatrixView<const T> a)
    : time_(time), finite_(std::isfinite(max_abs<T>(a))), exponent_(0), identity_(1) {
    if (!finite_) return;
    const SerialBlas serial_blas;
    const Scaling scaling = scaling_of(time, a);
    exponent_ = scaling.exponent;
    identity_ = std::ldexp(real_t<T>(1), -exponent_);
    a_ = scaled_copy(a, scaling.a);
    const double size = norm_of<T>(a_.view());
    const bool discrete = time == Time::discrete;
    norm_ = discrete ? static_cast<double>(identity_) + size * size : 2 * size;
    const auto identity = discrete ? std::optional(identity_) : std::nullopt;
    method_.emplace(choose_method(a_, identity),
                    [this, identity] { return std::make_unique<SchurLyapunov<T>>(a_, identity); });
}

template <class T>
double LyapunovFactor<T>::rcond() const {
    return finite_ ? method_->rcond() : std::numeric_limits<double>::quiet_NaN();
}

template <class T>
SolveReport LyapunovFactor<T>::solve(bool adjoint, RightHandSides<T> sides) const {
    if (!finite_) return undefined_solution(sides);
    const SerialBlas serial_blas;
    return method_->run(2 * a_.rows(), [&](const EquationMethod<T>& method) {
        return solve_refined(Oriented{*this, method, adjoint}, sides);
    });
}

template <class T>
FactorPointer<T> continuous_lyapunov_factor(Coefficients<T> a) {
    return std::make_unique<const LyapunovFactor<T>>(Time::continuous, a[0]);
}

template <class T>
FactorPointer<T> discrete_lyapunov_factor(Coefficients<T> a) {
    return std::make_unique<const LyapunovFactor<T>>(Time::discrete, a[0]);
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class LyapunovFactor<T>;                                                              \
    template FactorPointer<T> continuous_lyapunov_factor(Coefficients<T>);                         \
    template FactorPointer<T> discrete_lyapunov_factor(Coefficients<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
