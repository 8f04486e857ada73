#include "otimes/tsylvester.hpp"

#include <algorithm>  // std::min, std::fill_n
#include <complex>
#include <limits>
#include <optional>

#include "otimes/condition.hpp"
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

/// X <- X Q*, or X (Q*)^H.
template <class T>
void apply_right(Star star, bool adjoint, const Basis<T>& q, Matrix<T>& x) {
    if (star == Star::adjoint) return q.apply_right(!adjoint, x);
    x = conjugated(std::move(x));  // X Q^T is the conjugate of conj(X) Q^H
    q.apply_right(!adjoint, x);
    x = conjugated(std::move(x));
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

template <class T>
Matrix<std::complex<real_t<T>>> as_complex(const Matrix<T>& a) {
    if constexpr (is_complex<T>)
        return a;
    else
        return complex_copy(a);
}

/// B*, as the decomposition takes it.
template <class T>
Matrix<std::complex<real_t<T>>> complex_star(Star star, const Matrix<T>& b) {
    return as_complex(star == Star::adjoint ? adjoint_of(b) : transposed(b));
}

/// The extreme singular values of Y -> S Y + (R Y)*, S and R triangular.
template <class T>
SingularRange triangular_range(Star star, const Matrix<T>& s, const Matrix<T>& r) {
    const index_t n = s.rows();
    if (n == 0) return {1, 1};
    const char letter = static_cast<char>(star);
    Matrix<T> z(n, n);
    double smallest_pivot = std::numeric_limits<double>::max();
    const auto map = [&](T*) {
        const Matrix<T> y = z;
        add_product(T(1), 'N', s, 'N', y, T(0), z);
        add_product(T(1), letter, y, letter, r, T(1), z);
    };
    const auto adjoint_map = [&](T*) {
        const Matrix<T> y = z;
        add_product(T(1), 'C', s, 'N', y, T(0), z);
        add_product(T(1), 'C', r, letter, y, T(1), z);
    };
    const auto solve = [&](bool adjoint) {
        return [&, adjoint](T*) {
            const auto report = solve_triangular_tsylvester(star, adjoint, s, r, z);
            smallest_pivot = std::min(smallest_pivot, static_cast<double>(report.smallest_pivot));
            if (report.overflowed) std::fill_n(z.data(), n * n, T(report.smallest_pivot) / T(0));
            copy_scaled<T>(z.view(), z.view(), report.exponent);
            poll_interrupt();
        };
    };
    SingularRange range =
        singular_range(n * n, z.data(), map, adjoint_map, solve(false), solve(true), 2);
    range.smallest = std::min(range.smallest, smallest_pivot);
    return range;
}

template <class T>
double triangular_rcond(Star star, const Matrix<T>& s, const Matrix<T>& r) {
    const SingularRange range = triangular_range(star, s, r);
    double terms = norm_of<T>(s.view()) + norm_of<T>(r.view());
    if (range.smallest < eps_of<T> * terms) terms = spectral_norm(s) + spectral_norm(r);
    return reciprocal_condition(range, terms, eps_of<T>);
}

}  // namespace

template <class T>
struct TSylvesterFactor<T>::Oriented {
    using Scalar = T;

    /// D = U^H C (Q*)^H and X = V Y Q* with U = Q and V = Z, exchanged in the adjoint equation.
    std::optional<int> solve(Matrix<T>& x) const {
        const auto& qz = factor.qz_;
        const Star star = factor.star_;
        const auto& [s, r] = qz.forms();
        auto y = as_complex(x);
        (adjoint ? qz.z() : qz.q()).apply_left(true, y);
        apply_right(star, true, qz.q(), y);
        poll_interrupt();
        const auto report = solve_triangular_tsylvester(star, adjoint, s, r, y);
        if (report.overflowed) return std::nullopt;
        (adjoint ? qz.q() : qz.z()).apply_left(false, y);
        apply_right(star, false, qz.q(), y);
        take(y, x);
        return report.exponent;
    }

    static void take(const Matrix<Complex>& y, Matrix<T>& x) {
        for (index_t k = 0; k < x.rows() * x.cols(); ++k) {
            if constexpr (is_complex<T>)
                x.data()[k] = y.data()[k];
            else
                x.data()[k] = y.data()[k].real();
        }
    }

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

/// The cheaper decomposition perturbs A and B by up to 1e4 eps: not enough to judge an equation
/// that is near a singular one.
template <class T>
void TSylvesterFactor<T>::decompose(const Matrix<Complex>& a, const Matrix<Complex>& b_star) {
    constexpr double clear = 1e5 * eps_of<T>;
    qz_ = GeneralizedSchur<Complex>::by_division(a, b_star);
    poll_interrupt();
    rcond_ = triangular_rcond(star_, qz_.forms()[0], qz_.forms()[1]);
    if (rcond_ > clear) return;
    qz_ = GeneralizedSchur<Complex>(a, b_star);
    poll_interrupt();
    rcond_ = triangular_rcond(star_, qz_.forms()[0], qz_.forms()[1]);
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
