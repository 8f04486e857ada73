#include "otimes/coupled_sylvester.hpp"

#include <algorithm>  // std::max
#include <cmath>
#include <complex>
#include <limits>
#include <optional>

#include "otimes/parallel_gemm.hpp"
#include "otimes/pencil_condition.hpp"
#include "otimes/refinement.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

template <class T>
int common_exponent(Coefficients<T> matrices) {
    real_t<T> largest = 0;
    for (const auto& a : matrices) largest = std::max(largest, max_abs<T>(a));
    return binary_exponent(largest);
}

/// X (2m, n) = [R; L] as two matrices.
template <class T>
std::array<Matrix<T>, 2> halves(const Matrix<T>& x) {
    const index_t m = x.rows() / 2;
    return {Matrix<T>(x.view().block(0, 0, m, x.cols())),
            Matrix<T>(x.view().block(m, 0, m, x.cols()))};
}

template <class T>
void join(const std::array<Matrix<T>, 2>& parts, Matrix<T>& x) {
    const index_t m = x.rows() / 2;
    for (index_t k = 0; k < 2; ++k)
        copy_scaled<T>(parts[static_cast<std::size_t>(k)].view(),
                       x.view().block(k * m, 0, m, x.cols()), 0);
}

}  // namespace

template <class T>
struct CoupledSylvesterFactor<T>::Oriented {
    using Scalar = T;

    /// With (A, D) = Q (S, P) Z^H and (B, E) = U (V, W) Y^H: S R' - L' V = Q^H C Y and
    /// P R' - L' W = Q^H F Y, R = Z R' Y^H and L = Q L' U^H.
    std::optional<int> solve(Matrix<T>& x) const {
        const auto& [left, right] = pencils;
        const auto move_in = [&](Matrix<T>& part, const Basis<T>& from_left,
                                 const Basis<T>& from_right) {
            from_left.apply_left(true, part);
            from_right.apply_right(false, part);
        };
        const auto move_out = [&](Matrix<T>& part, const Basis<T>& from_left,
                                  const Basis<T>& from_right) {
            from_left.apply_left(false, part);
            from_right.apply_right(true, part);
        };
        auto parts = halves(x);
        move_in(parts[0], adjoint ? left.z() : left.q(), right.z());
        move_in(parts[1], left.q(), adjoint ? right.q() : right.z());
        join(parts, x);
        poll_interrupt();
        const auto report = solve_coupled_forms(left.forms(), right.forms(), adjoint, x);
        if (report.overflowed) return std::nullopt;
        parts = halves(x);
        move_out(parts[0], adjoint ? left.q() : left.z(), right.z());
        move_out(parts[1], left.q(), adjoint ? right.z() : right.q());
        join(parts, x);
        return report.exponent;
    }

    void subtract_image(const Matrix<T>& x, Matrix<T>& r) const {
        const index_t m = x.rows() / 2;
        const auto from_left = [&](const Matrix<T>& a, index_t from, index_t to) {
            parallel_gemm(adjoint ? 'C' : 'N', 'N', m, x.cols(), m, T(-1), a.data(), a.ld(),
                          x.data() + from, x.ld(), T(1), r.data() + to, r.ld());
        };
        const auto from_right = [&](const Matrix<T>& b, index_t from, index_t to) {
            parallel_gemm('N', adjoint ? 'C' : 'N', m, x.cols(), x.cols(), T(1), x.data() + from,
                          x.ld(), b.data(), b.ld(), T(1), r.data() + to, r.ld());
        };
        for (std::size_t k = 0; k < 2; ++k) {
            const index_t part = static_cast<index_t>(k) * m;
            from_left(factor.left_[k], adjoint ? part : 0, adjoint ? 0 : part);
            from_right(factor.right_[k], adjoint ? part : m, adjoint ? m : part);
        }
    }

    const CoupledSylvesterFactor& factor;
    const Pencils& pencils;
    bool adjoint;
    double norm = factor.norm_;
    int exponent = factor.exponent_;
};

template <class T>
CoupledSylvesterFactor<T>::CoupledSylvesterFactor(Coefficients<T> abde) : rcond_(1) {
    const bool finite = all_finite<T>(abde);
    if (!finite) rcond_ = std::numeric_limits<double>::quiet_NaN();
    if (!finite || abde[0].rows * abde[1].rows == 0) return;
    const SerialBlas serial_blas;
    exponent_ = common_exponent<T>(abde);
    for (std::size_t k = 0; k < 2; ++k) {
        left_[k] = scaled_copy(abde[2 * k], -exponent_);
        right_[k] = scaled_copy(abde[2 * k + 1], -exponent_);
        norm_ += norm_of<T>(left_[k].view());
        norm_ += norm_of<T>(right_[k].view());
    }
    for (const bool fast : {true, false}) {
        pencils_ = decompose(fast);
        poll_interrupt();
        rcond_ = coupled_rcond(pencils_[0].forms(), pencils_[1].forms());
        if (is_accurate(pencils_, rcond_)) return;
    }
}

template <class T>
SolveReport CoupledSylvesterFactor<T>::solve(bool adjoint, RightHandSides<T> sides) const {
    if (std::isnan(rcond_)) return undefined_solution(sides);
    if (left_[0].rows() * right_[0].rows() == 0) return {.method = "empty"};
    const SerialBlas serial_blas;
    SolveReport report = solve_refined(Oriented{*this, pencils_, adjoint}, sides);
    if (report.residual > 100 * eps_of<T> && error_of(pencils_) > eps_of<T>)
        report = solve_refined(Oriented{*this, decompose(false), adjoint}, sides);
    report.method = "generalized-schur";
    report.rcond = rcond_;
    return report;
}

template <class T>
FactorPointer<T> coupled_sylvester_factor(Coefficients<T> abde) {
    return std::make_unique<const CoupledSylvesterFactor<T>>(abde);
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class CoupledSylvesterFactor<T>;                                                      \
    template FactorPointer<T> coupled_sylvester_factor(Coefficients<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
