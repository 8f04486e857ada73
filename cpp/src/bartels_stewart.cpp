#include "otimes/bartels_stewart.hpp"

#include <algorithm>  // std::min, std::max
#include <cmath>
#include <complex>
#include <limits>

#include "otimes/condition.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"
#include "otimes/triangular.hpp"

namespace otimes {
namespace {

/// The equation in Schur coordinates, or its adjoint, whose order of rows and columns is reversed.
template <class T>
TriangularReport<real_t<T>> solve_triangular_oriented(const TriangularEquation<T>& equation,
                                                      bool adjoint, Matrix<T>& y) {
    if (!adjoint) return solve_triangular(equation, y);
    const Matrix<T> t = reversed_adjoint(equation.t), s = reversed_adjoint(equation.s);
    reverse_order(y);
    const auto report = solve_triangular(TriangularEquation<T>{t, s, equation.identity}, y);
    reverse_order(y);
    return report;
}

}  // namespace

template <class T>
BartelsStewart<T>::BartelsStewart(const Matrix<T>& a, const Matrix<T>& b,
                                  std::optional<real_t<T>> identity)
    : schur_(schur_pair(a, b)), identity_(identity) {
    poll_interrupt();
    const TriangularEquation<T> equation{schur_.first.form(), schur_.second.form(), identity_};
    rcond_ = a.rows() * b.rows() == 0 ? 1 : triangular_rcond(equation);
}

template <class T>
std::optional<int> BartelsStewart<T>::solve(bool adjoint, Matrix<T>& x) const {
    const auto& [u, v] = schur_;
    u.apply_left(true, x);
    v.apply_right(false, x);
    poll_interrupt();
    const TriangularEquation<T> equation{u.form(), v.form(), identity_};
    const auto report = solve_triangular_oriented(equation, adjoint, x);
    if (report.overflowed) return std::nullopt;
    u.apply_left(false, x);
    v.apply_right(true, x);
    return report.exponent;
}

template <class T>
EigenSylvester<T>::EigenSylvester(const Matrix<T>& a, const Matrix<T>& b)
    : schur_(schur_pair(a, b)), sums_(a.rows(), b.rows()) {
    using R = real_t<T>;
    const Matrix<T>&t = schur_.first.form(), &s = schur_.second.form();
    SingularRange range{std::numeric_limits<double>::max(), 0};
    const double terms = max_abs<T>(t.view()) + static_cast<double>(max_abs<T>(s.view()));
    const R tiny = static_cast<R>(eps_of<T> * terms);  // what rounding errors leave of a zero
    for (index_t j = 0; j < s.rows(); ++j)
        for (index_t i = 0; i < t.rows(); ++i) {
            const R sum = std::real(t(i, i) + s(j, j)), size = std::abs(sum);
            range.smallest = std::min(range.smallest, static_cast<double>(size));
            range.largest = std::max(range.largest, static_cast<double>(size));
            sums_(i, j) = size < tiny ? tiny : sum;
        }
    rcond_ = a.rows() * b.rows() == 0 ? 1 : reciprocal_condition(range, terms, eps_of<T>);
}

template <class T>
std::optional<int> EigenSylvester<T>::solve(bool /*adjoint: the same equation*/,
                                            Matrix<T>& x) const {
    const auto& [u, v] = schur_;
    u.apply_left(true, x);
    v.apply_right(false, x);
    for (index_t k = 0; k < x.rows() * x.cols(); ++k) x.data()[k] /= sums_.data()[k];
    u.apply_left(false, x);
    v.apply_right(true, x);
    return 0;
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class BartelsStewart<T>;                                                              \
    template class EigenSylvester<T>;
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
