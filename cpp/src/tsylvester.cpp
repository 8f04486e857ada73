#include "otimes/tsylvester.hpp"

#include <complex>
#include <limits>
#include <optional>

#include "otimes/product.hpp"
#include "otimes/refinement.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

template <class T>
T starred(Star star, T x) {
    return star == Star::adjoint ? conj_of(x) : x;
}

/// r <- r - w*
template <class T>
void subtract_starred(Star star, const Matrix<T>& w, Matrix<T>& r) {
    for (index_t j = 0; j < r.cols(); ++j)
        for (index_t i = 0; i < r.rows(); ++i) r(i, j) -= starred(star, w(j, i));
}

/// r <- r - (A X + X* B), or r - (A^H X + (X B^H)*).
template <class T>
void subtract_tsylvester(Star star, bool adjoint, const Matrix<T>& a, const Matrix<T>& b,
                         const Matrix<T>& x, Matrix<T>& r) {
    add_product(T(-1), adjoint ? 'C' : 'N', a, 'N', x, T(1), r);
    if (adjoint)
        subtract_starred(star, product('N', x, 'C', b), r);
    else
        add_product(T(-1), static_cast<char>(star), x, 'N', b, T(1), r);
}

/// B*, as the decomposition takes it.
template <class T>
Matrix<std::complex<real_t<T>>> complex_star(Star star, const Matrix<T>& b) {
    return as_complex(star == Star::adjoint ? adjoint_of(b) : transposed(b));
}

}  // namespace

template <class T>
struct TSylvesterFactor<T>::Oriented {
    using Scalar = T;

    std::optional<int> solve(Matrix<T>& x) const { return factor.triangular().solve(adjoint, x); }

    void subtract_image(const Matrix<T>& x, Matrix<T>& r) const {
        subtract_tsylvester(factor.star_, adjoint, factor.a_, factor.b_, x, r);
    }

    const TSylvesterFactor& factor;
    bool adjoint;
    double norm = factor.norm_;
    int exponent = factor.exponent_;
};

template <class T>
TSylvesterFactor<T>::TSylvesterFactor(Star star, MatrixView<const T> a, MatrixView<const T> b)
    : star_(is_complex<T> ? star : Star::transpose),
      finite_(is_finite(a, b)),
      exponent_(finite_ ? common_exponent(a, b) : 0),
      norm_(0),
      rcond_(std::numeric_limits<double>::quiet_NaN()) {
    if (!finite_) return;
    const SerialBlas serial_blas;
    a_ = scaled_copy(a, -exponent_);
    b_ = scaled_copy(b, -exponent_);
    norm_ = norm_of<T>(a_.view()) + norm_of<T>(b_.view());
    decompose(as_complex(a_), complex_star(star_, b_));
}

/// With B* = Q R Z^H as D*, and I = Q I Q^H as B* and C.
template <class T>
StarSchur<T> TSylvesterFactor<T>::triangular() const {
    const auto& [s, r] = qz_.forms();
    return {star_, {&s, nullptr, nullptr, &r}, qz_.q(), qz_.q(), qz_.z(), qz_.q()};
}

/// The cheaper decomposition perturbs A and B by up to 1e4 eps: not enough to judge an equation
/// that is near a singular one.
template <class T>
void TSylvesterFactor<T>::decompose(const Matrix<Complex>& a, const Matrix<Complex>& b_star) {
    constexpr double clear = 1e5 * eps_of<T>;
    qz_ = GeneralizedSchur<Complex>::by_division(a, b_star);
    poll_interrupt();
    rcond_ = triangular().rcond();
    if (rcond_ > clear) return;
    qz_ = GeneralizedSchur<Complex>(a, b_star);
    poll_interrupt();
    rcond_ = triangular().rcond();
}

template <class T>
SolveReport TSylvesterFactor<T>::solve(bool adjoint, RightHandSides<T> sides) const {
    if (!finite_) return undefined_solution(sides);
    const SerialBlas serial_blas;
    SolveReport report = solve_refined(Oriented{*this, adjoint}, sides);
    report.method = "qz";
    report.rcond = rcond_;
    return report;
}

template <class T>
FactorPointer<T> tsylvester_factor(Coefficients<T> ab) {
    return std::make_unique<const TSylvesterFactor<T>>(Star::transpose, ab[0], ab[1]);
}

template <class T>
FactorPointer<T> hsylvester_factor(Coefficients<T> ab) {
    return std::make_unique<const TSylvesterFactor<T>>(Star::adjoint, ab[0], ab[1]);
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class TSylvesterFactor<T>;                                                            \
    template FactorPointer<T> tsylvester_factor(Coefficients<T>);                                  \
    template FactorPointer<T> hsylvester_factor(Coefficients<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
