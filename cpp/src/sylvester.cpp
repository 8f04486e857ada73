#include "otimes/sylvester.hpp"

#include <cmath>
#include <complex>
#include <limits>
#include <optional>
#include <utility>  // std::move

#include "otimes/bartels_stewart.hpp"
#include "otimes/doubling.hpp"
#include "otimes/hessenberg_schur.hpp"
#include "otimes/product.hpp"
#include "otimes/refinement.hpp"
#include "otimes/scaling.hpp"
#include "otimes/shifted_lu.hpp"
#include "otimes/symmetry.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// LUs of the larger matrix, m x m, take 2/3 n m^3 flops at full speed, its Hessenberg form 14/3
/// m^3 and its Schur form 25 m^3 at a small part of it. Measured.
bool is_much_smaller(index_t n, index_t m) { return m >= 4 * n && n <= (m <= 128 ? 4 : 16); }

/// Is a Hessenberg form of the m x m matrix better than a Schur form? Not where both Schur forms
/// are made at once, each on a thread, and not where LUs for n shifts outgrow the cache. Measured.
bool suits_hessenberg_form(index_t m, index_t n) {
    return m <= 200 && n <= (get_num_threads() == 1 ? 100 : 64);
}

template <class T>
bool is_hermitian(const Matrix<T>& a) {
    return has_symmetry<T>(Symmetry::hermitian, a.view());
}

/// Flops, roughly.
template <class T>
double cost_of_schur_form(const Matrix<T>& a) {
    const auto n = static_cast<double>(a.rows());
    return (has_schur_form(a) ? 0 : is_hermitian(a) ? 9 : 25) * n * n * n;
}

/// Method::attempt(A, B), or the same of the transposed equation.
template <class Method, class T>
EquationMethodPointer<T> attempt(bool transposed, const Matrix<T>& a, const Matrix<T>& b) {
    if (!transposed) return Method::attempt(a, b);
    auto method = Method::attempt(Matrix<T>(b.view().t()), Matrix<T>(a.view().t()));
    if (!method) return nullptr;
    return std::make_unique<TransposedMethod<T>>(std::move(method));
}

/// The fastest method that suits A and B; nothing where the Schur forms of both do.
template <class T>
EquationMethodPointer<T> choose_method(const Matrix<T>& a, const Matrix<T>& b) {
    const index_t m = a.rows(), n = b.rows();
    if (has_schur_form(a) && has_schur_form(b)) return nullptr;
    if (is_hermitian(a) && is_hermitian(b)) return std::make_unique<EigenSylvester<T>>(a, b);
    if (is_much_smaller(n, m) || is_much_smaller(m, n)) return attempt<ShiftedLu<T>>(m < n, a, b);
    if (auto doubling = DoublingSylvester<T>::attempt(a, b)) return doubling;
    const bool transposed = cost_of_schur_form(a) < cost_of_schur_form(b);
    if (!suits_hessenberg_form(transposed ? n : m, transposed ? m : n)) return nullptr;
    return attempt<HessenbergSchur<T>>(transposed, a, b);
}

}  // namespace

template <class T>
struct SylvesterFactor<T>::Oriented {
    using Scalar = T;

    std::optional<int> solve(Matrix<T>& x) const { return method.solve(adjoint, x); }

    void subtract_image(const Matrix<T>& x, Matrix<T>& r) const {
        const char op = adjoint ? 'C' : 'N';
        add_product(T(-1), op, factor.a_, 'N', x, T(1), r);
        add_product(T(-1), 'N', x, op, factor.b_, T(1), r);
    }

    const SylvesterFactor& factor;
    const EquationMethod<T>& method;
    bool adjoint;
    double norm = factor.norm_;
    int exponent = factor.exponent_;
};

template <class T>
SylvesterFactor<T>::SylvesterFactor(MatrixView<const T> a, MatrixView<const T> b)
    : finite_(is_finite(a, b)) {
    if (!finite_) return;
    const SerialBlas serial_blas;
    exponent_ = common_exponent(a, b);
    a_ = scaled_copy(a, -exponent_);
    b_ = scaled_copy(b, -exponent_);
    norm_ = norm_of<T>(a_.view()) + norm_of<T>(b_.view());
    method_.emplace(choose_method(a_, b_),
                    [this] { return std::make_unique<BartelsStewart<T>>(a_, b_); });
}

template <class T>
double SylvesterFactor<T>::rcond() const {
    return finite_ ? method_->rcond() : std::numeric_limits<double>::quiet_NaN();
}

template <class T>
SolveReport SylvesterFactor<T>::solve(bool adjoint, RightHandSides<T> sides) const {
    if (!finite_) return undefined_solution(sides);
    const SerialBlas serial_blas;
    return method_->run(a_.rows() + b_.rows(), [&](const EquationMethod<T>& method) {
        return solve_refined(Oriented{*this, method, adjoint}, sides);
    });
}

template <class T>
FactorPointer<T> sylvester_factor(Coefficients<T> ab) {
    using Transposed = TransposedFactor<T, SylvesterFactor<T>>;
    return std::make_unique<const Transposed>(ab[1].t(), ab[0].t());
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class SylvesterFactor<T>;                                                             \
    template FactorPointer<T> sylvester_factor(Coefficients<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
