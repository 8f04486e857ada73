#include "otimes/stein.hpp"

#include <algorithm>  // std::min, std::max
#include <cmath>
#include <complex>
#include <limits>
#include <optional>

#include "otimes/bartels_stewart.hpp"
#include "otimes/doubling.hpp"
#include "otimes/product.hpp"
#include "otimes/refinement.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {

SteinScaling::SteinScaling(int a_size, int b_size) {
    const int product = a_size + b_size, below = std::min(product, 0);
    a = below / 2 - a_size;
    b = below - below / 2 - b_size;
    exponent = std::max(product, 0);
}

namespace {

template <class T>
SteinScaling scaling_of(MatrixView<const T> a, MatrixView<const T> b) {
    return {binary_exponent(max_abs<T>(a)), binary_exponent(max_abs<T>(b))};
}

/// Nothing where the Schur forms suit best. An empty B would stand for A^H where the powers vanish.
template <class T>
EquationMethodPointer<T> choose_method(const Matrix<T>& a, const Matrix<T>& b, real_t<T> identity) {
    if (a.rows() * b.rows() == 0 || (has_schur_form(a) && has_schur_form(b))) return nullptr;
    return DoublingStein<T>::attempt(a, b, identity);
}

}  // namespace

template <class T>
struct SteinFactor<T>::Oriented {
    using Scalar = T;

    std::optional<int> solve(Matrix<T>& x) const { return method.solve(adjoint, x); }

    void subtract_image(const Matrix<T>& x, Matrix<T>& r) const {
        const char op = adjoint ? 'C' : 'N';
        add_matrix(-factor.identity_, x, r);
        add_product(T(1), 'N', product(op, factor.a_, 'N', x), op, factor.b_, T(1), r);
    }

    const SteinFactor& factor;
    const EquationMethod<T>& method;
    bool adjoint;
    double norm = factor.norm_;
    int exponent = factor.scaling_.exponent;
};

template <class T>
SteinFactor<T>::SteinFactor(MatrixView<const T> a, MatrixView<const T> b)
    : finite_(is_finite(a, b)), scaling_(0, 0), identity_(1) {
    if (!finite_) return;
    const SerialBlas serial_blas;
    scaling_ = scaling_of(a, b);
    identity_ = std::ldexp(real_t<T>(1), -scaling_.exponent);
    a_ = scaled_copy(a, scaling_.a);
    b_ = scaled_copy(b, scaling_.b);
    norm_ = static_cast<double>(identity_) + norm_of<T>(a_.view()) * norm_of<T>(b_.view());
    method_.emplace(choose_method(a_, b_, identity_),
                    [this] { return std::make_unique<BartelsStewart<T>>(a_, b_, identity_); });
}

template <class T>
double SteinFactor<T>::rcond() const {
    return finite_ ? method_->rcond() : std::numeric_limits<double>::quiet_NaN();
}

template <class T>
SolveReport SteinFactor<T>::solve(bool adjoint, RightHandSides<T> sides) const {
    if (!finite_) return undefined_solution(sides);
    const SerialBlas serial_blas;
    return method_->run(a_.rows() + b_.rows(), [&](const EquationMethod<T>& method) {
        return solve_refined(Oriented{*this, method, adjoint}, sides);
    });
}

template <class T>
FactorPointer<T> stein_factor(Coefficients<T> ab) {
    using Transposed = TransposedFactor<T, SteinFactor<T>>;
    return std::make_unique<const Transposed>(ab[1].t(), ab[0].t());
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class SteinFactor<T>;                                                                 \
    template FactorPointer<T> stein_factor(Coefficients<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
