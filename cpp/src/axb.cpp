#include "otimes/axb.hpp"

#include <complex>
#include <limits>
#include <optional>

#include "otimes/product.hpp"
#include "otimes/refinement.hpp"
#include "otimes/scaling.hpp"
#include "otimes/sylvester.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// What was used for the left factor and for the right one, of the equation as it was written,
/// which is the transposed one here.
constexpr const char* method_name(int left, int right) {
    constexpr const char* names[3][3] = {{"triangular", "triangular-cholesky", "triangular-lu"},
                                         {"cholesky-triangular", "cholesky", "cholesky-lu"},
                                         {"lu-triangular", "lu-cholesky", "lu"}};
    return names[left][right];
}

}  // namespace

template <class T>
struct AxbFactor<T>::Direct {
    using Scalar = T;

    std::optional<int> solve(Matrix<T>& x) const {
        const index_t m = x.rows(), n = x.cols();
        const char op = adjoint ? 'C' : 'N';
        parallel_blocks(n, product_flops(m, n, m), [&](index_t begin, index_t end) {
            factor.a_factor_.solve(op, end - begin, x.data() + begin * m, x.ld());
        });
        const int grown = normalise(x.view());
        parallel_blocks(m, product_flops(m, n, n), [&](index_t begin, index_t end) {
            factor.b_factor_.solve_right(op, end - begin, x.data() + begin, x.ld());
        });
        return grown + normalise(x.view());
    }

    void subtract_image(const Matrix<T>& x, Matrix<T>& r) const {
        const char op = adjoint ? 'C' : 'N';
        add_product(T(-1), 'N', product(op, factor.a_, 'N', x), op, factor.b_, T(1), r);
    }

    const AxbFactor& factor;
    bool adjoint;
    double norm = factor.norm_;
    int exponent = factor.exponent_;
};

/// A W + W 0 = Q and 0 X + X B = W: an LU with partial pivoting can, very rarely, lose all digits
/// of a well-conditioned equation; this cannot.
template <class T>
struct AxbFactor<T>::BySchur {
    using Scalar = T;

    explicit BySchur(const Direct& direct)
        : original(direct),
          left(direct.factor.a_.view(), zero(direct.factor.b_.rows()).view()),
          right(zero(direct.factor.a_.rows()).view(), direct.factor.b_.view()),
          norm(direct.norm),
          exponent(direct.exponent) {}

    static Matrix<T> zero(index_t n) { return {n, n}; }

    std::optional<int> solve(Matrix<T>& x) const {
        for (const auto* side : {&left, &right}) {
            const Matrix<T> q = x;
            const RightHandSide<T> sides{q.view(), x.view()};
            if (side->solve(original.adjoint, RightHandSides<T>(&sides, 1)).scale < 1)
                return std::nullopt;
        }
        return 0;
    }

    void subtract_image(const Matrix<T>& x, Matrix<T>& r) const { original.subtract_image(x, r); }

    const Direct& original;
    SylvesterFactor<T> left, right;
    double norm;
    int exponent;
};

template <class T>
AxbFactor<T>::AxbFactor(MatrixView<const T> a, MatrixView<const T> b) : finite_(is_finite(a, b)) {
    rcond_ = finite_ ? 1 : std::numeric_limits<double>::quiet_NaN();
    if (!finite_) return;
    const SerialBlas serial_blas;
    const int a_exponent = binary_exponent(max_abs<T>(a)),
              b_exponent = binary_exponent(max_abs<T>(b));
    exponent_ = a_exponent + b_exponent;
    a_ = scaled_copy(a, -a_exponent);
    b_ = scaled_copy(b, -b_exponent);
    parallel_pair(
        product_flops(a.rows, a.rows, a.rows) + product_flops(b.rows, b.rows, b.rows),
        [&] { a_factor_ = SquareFactor<T>(a_); }, [&] { b_factor_ = SquareFactor<T>(b_); });
    poll_interrupt();
    norm_ = norm_of<T>(a_.view()) * norm_of<T>(b_.view());
    rcond_ = a.rows * b.rows == 0 ? 1 : a_factor_.rcond() * b_factor_.rcond();
}

template <class T>
SolveReport AxbFactor<T>::solve(bool adjoint, RightHandSides<T> sides) const {
    if (!finite_) return undefined_solution(sides);
    const SerialBlas serial_blas;
    const Direct equation{*this, adjoint};
    SolveReport report = solve_refined(equation, sides);
    report.method =
        method_name(static_cast<int>(b_factor_.method()), static_cast<int>(a_factor_.method()));
    if (report.residual > 100 * eps_of<T>) {
        report = solve_refined(BySchur(equation), sides);
        report.method = "schur";
    }
    report.rcond = rcond_;
    return report;
}

template <class T>
FactorPointer<T> axb_factor(Coefficients<T> ab) {
    using Transposed = TransposedFactor<T, AxbFactor<T>>;
    return std::make_unique<const Transposed>(ab[1].t(), ab[0].t());
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class AxbFactor<T>;                                                                   \
    template FactorPointer<T> axb_factor(Coefficients<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
