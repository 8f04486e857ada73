#include "otimes/star_schur.hpp"

#include <algorithm>  // std::min
#include <limits>
#include <utility>  // std::move

#include "otimes/condition.hpp"
#include "otimes/product.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// X <- X U*, or X (U*)^H.
template <class T>
void apply_right(Star star, bool adjoint, const Basis<T>& u, Matrix<T>& x) {
    if (star == Star::adjoint) return u.apply_right(!adjoint, x);
    x = conjugated(std::move(x));  // X U^T is the conjugate of conj(X) U^H
    u.apply_right(!adjoint, x);
    x = conjugated(std::move(x));
}

template <class T>
void take_real_part(const Matrix<std::complex<T>>& y, Matrix<T>& x) {
    for (index_t k = 0; k < x.rows() * x.cols(); ++k) x.data()[k] = y.data()[k].real();
}

/// The extreme singular values of Y -> a Y b* + c Y* d*.
template <class T>
SingularRange triangular_range(Star star, const StarForms<T>& forms) {
    const index_t n = forms.a->rows();
    Matrix<T> z(n, n);
    double smallest_pivot = std::numeric_limits<double>::max();
    const auto map = [&](bool adjoint) {
        return [&, adjoint](T*) { apply_triangular_tsylvester(star, adjoint, forms, z); };
    };
    const auto solve = [&](bool adjoint) {
        return [&, adjoint](T*) {
            const auto report = solve_triangular_tsylvester(star, adjoint, forms, z);
            smallest_pivot = std::min(smallest_pivot, static_cast<double>(report.smallest_pivot));
            if (report.overflowed) z(0, 0) = std::numeric_limits<real_t<T>>::infinity();
            copy_scaled<T>(z.view(), z.view(), report.exponent);
            poll_interrupt();
        };
    };
    SingularRange range =
        singular_range(n * n, z.data(), map(false), map(true), solve(false), solve(true), 2);
    range.smallest = std::min(range.smallest, smallest_pivot);
    return range;
}

}  // namespace

template <class T>
std::optional<int> StarSchur<T>::solve(bool adjoint, Matrix<T>& x) const {
    auto y = as_complex(x);
    (adjoint ? u : p).apply_left(true, y);
    apply_right(star, true, adjoint ? v : q, y);
    poll_interrupt();
    const auto report = solve_triangular_tsylvester(star, adjoint, forms, y);
    if (report.overflowed) return std::nullopt;
    (adjoint ? p : u).apply_left(false, y);
    apply_right(star, false, adjoint ? q : v, y);
    if constexpr (is_complex<T>)
        x = std::move(y);
    else
        take_real_part(y, x);
    return report.exponent;
}

template <class T>
double StarSchur<T>::rcond() const {
    if (forms.a->rows() == 0) return 1;
    const SingularRange range = triangular_range(star, forms);
    const auto terms = [&](auto&& norm) {
        const auto norm_or_one = [&](const Matrix<Complex>* t) { return t ? norm(*t) : 1.0; };
        return norm_or_one(forms.a) * norm_or_one(forms.b) +
               norm_or_one(forms.c) * norm_or_one(forms.d);
    };
    double size = terms([](const Matrix<Complex>& t) { return norm_of<Complex>(t.view()); });
    if (range.smallest < eps_of<T> * size)
        size = terms([](const Matrix<Complex>& t) { return spectral_norm(t); });
    return reciprocal_condition(range, size, eps_of<T>);
}

#define OTIMES_INSTANTIATE(T) template struct StarSchur<T>;
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
