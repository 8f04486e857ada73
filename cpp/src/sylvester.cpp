#include "otimes/sylvester.hpp"

#include <complex>
#include <limits>
#include <optional>

#include "otimes/condition.hpp"
#include "otimes/parallel_gemm.hpp"
#include "otimes/refinement.hpp"
#include "otimes/scaling.hpp"
#include "otimes/schur_equation.hpp"
#include "otimes/small_equations.hpp"
#include "otimes/threads.hpp"

namespace otimes {

template <class T>
struct SylvesterFactor<T>::Oriented {
    using Scalar = T;
    using Storage = Matrix<T>;

    std::optional<int> solve(Storage& x) const {
        const auto& [u, v] = factor.schur_;
        return solve_by_schur<T>(u, v, std::nullopt, adjoint, x);
    }

    void subtract_image(const Storage& x, Storage& r) const {
        const index_t m = x.rows(), n = x.cols();
        const char op = adjoint ? 'C' : 'N';
        parallel_gemm(op, 'N', m, n, m, T(-1), factor.a_.data(), factor.a_.ld(), x.data(), x.ld(),
                      T(1), r.data(), r.ld());
        parallel_gemm('N', op, m, n, n, T(-1), x.data(), x.ld(), factor.b_.data(), factor.b_.ld(),
                      T(1), r.data(), r.ld());
    }

    const SylvesterFactor& factor;
    bool adjoint;
    double norm = factor.norm_;
    int exponent = factor.exponent_;
};

template <class T>
SylvesterFactor<T>::SylvesterFactor(MatrixView<const T> a, MatrixView<const T> b)
    : finite_(is_finite(a, b)),
      exponent_(finite_ ? common_exponent(a, b) : 0),
      a_(finite_ ? scaled_copy(a, -exponent_) : Matrix<T>(a.rows, a.rows)),
      b_(finite_ ? scaled_copy(b, -exponent_) : Matrix<T>(b.rows, b.rows)),
      schur_(schur_pair(a_, b_)),
      norm_(norm_of<T>(a_.view()) + norm_of<T>(b_.view())) {
    const SerialBlas serial_blas;
    poll_interrupt();
    rcond_ = !finite_               ? std::numeric_limits<double>::quiet_NaN()
             : a.rows * b.rows == 0 ? 1
                                    : sylvester_rcond(schur_.first.form(), schur_.second.form());
}

template <class T>
SolveReport SylvesterFactor<T>::solve(bool adjoint, RightHandSides<T> sides) const {
    if (!finite_) return undefined_solution(sides);
    const SerialBlas serial_blas;
    SolveReport report = solve_refined(Oriented{*this, adjoint}, sides);
    report.method = "bartels-stewart";
    report.rcond = rcond_;
    return report;
}

template <class T>
FactorPointer<T> sylvester_factor(Coefficients<T> ab) {
    using Transposed = TransposedFactor<T, SylvesterFactor<T>>;
    return std::make_unique<const Transposed>(ab[1].t(), ab[0].t());
}

template <class T>
SolveReport solve_sylvester(Coefficients<T> ab, RightHandSides<T> sides) {
    const MatrixView<const T> a = ab[0], b = ab[1];
    if (!is_finite(a, b)) return undefined_solution(sides);
    if (a.rows * b.rows == 0) return {.method = "empty"};
    if (a.rows * b.rows <= small_limit) {
        const SolveReport report =
            solve_small(SmallSylvester<T>(a, b, common_exponent(a, b)), sides);
        if (report.scale > 0) return report;
    }
    return SylvesterFactor<T>(b.t(), a.t()).solve(false, TransposedSides<T>(sides));
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class SylvesterFactor<T>;                                                             \
    template FactorPointer<T> sylvester_factor(Coefficients<T>);                                   \
    template SolveReport solve_sylvester(Coefficients<T>, RightHandSides<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
