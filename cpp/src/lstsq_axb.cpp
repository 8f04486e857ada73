#include "otimes/lstsq_axb.hpp"

#include <algorithm>  // std::min, std::max, std::ranges::all_of
#include <cmath>
#include <complex>
#include <optional>

#include "otimes/product.hpp"
#include "otimes/pseudo_inverse.hpp"
#include "otimes/refinement.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

template <class T>
double work_of(const Matrix<T>& a) {
    return 4 * product_flops(a.rows(), a.cols(), std::min(a.rows(), a.cols()));
}

template <class T>
double tolerance_of(const Matrix<T>& a, double rcond) {
    return rcond >= 0 ? rcond : static_cast<double>(std::max(a.rows(), a.cols())) * eps_of<T>;
}

constexpr const char* method_name(int left, int right) {
    constexpr const char* names[3][3] = {{"qr", "qr-complete", "qr-svd"},
                                         {"complete-qr", "complete", "complete-svd"},
                                         {"svd-qr", "svd-complete", "svd"}};
    return names[left][right];
}

/// The problem with all its matrices scaled to near 1.
template <class T>
class Problem {
  public:
    Problem(MatrixView<const T> a, MatrixView<const T> b, MatrixView<const T> c, double rcond)
        : exponent_(binary_exponent(max_abs<T>(a)) + binary_exponent(max_abs<T>(b))),
          c_exponent_(binary_exponent(max_abs<T>(c))),
          a_(scaled_copy(a, -binary_exponent(max_abs<T>(a)))),
          b_(scaled_copy(b, -binary_exponent(max_abs<T>(b)))),
          c_(scaled_copy(c, -c_exponent_)),
          rcond_(rcond) {}

    /// A^+ C B^+.
    LeastSquaresReport solve(MatrixView<T> x) const {
        std::optional<PseudoInverse<T>> left, right;
        parallel_pair(
            work_of(a_) + work_of(b_), [&] { left.emplace(a_, tolerance_of(a_, rcond_)); },
            [&] { right.emplace(transposed(b_), tolerance_of(b_, rcond_)); });
        poll_interrupt();
        const Matrix<T> solution = transposed(right->apply(transposed(left->apply(c_))));
        LeastSquaresReport report{{}, left->rank(), right->rank()};
        report.method =
            method_name(static_cast<int>(left->method()), static_cast<int>(right->method()));
        report.rcond = left->rcond() * right->rcond();
        finish(solution, x, report);
        return report;
    }

    void solve(std::span<const double> ridges, std::span<const MatrixView<T>> x,
               std::span<LeastSquaresReport> reports) const {
        std::optional<Svd<T>> left, right;
        parallel_pair(
            5 * (work_of(a_) + work_of(b_)), [&] { left.emplace(a_); }, [&] { right.emplace(b_); });
        const index_t left_rank = left->rank(tolerance_of(a_, rcond_)),
                      right_rank = right->rank(tolerance_of(b_, rcond_));
        const Matrix<T> rotated = product('N', product('C', left->u, 'N', c_), 'C', right->vh);
        for (std::size_t k = 0; k < ridges.size(); ++k) {
            poll_interrupt();
            Matrix<T> y = rotated;
            filter(y, *left, left_rank, *right, right_rank, std::ldexp(ridges[k], -2 * exponent_));
            LeastSquaresReport report{{}, left_rank, right_rank};
            report.method = "svd";
            report.rcond = range(left->values, left_rank) * range(right->values, right_rank);
            finish(product('N', product('C', left->vh, 'N', y), 'C', right->u), x[k], report);
            reports[k] = report;
        }
    }

  private:
    static double range(const std::vector<real_t<T>>& values, index_t rank) {
        return rank > 0 ? values[static_cast<std::size_t>(rank - 1)] / values[0] : 1;
    }

    /// y_ij <- s_i t_j y_ij / (s_i^2 t_j^2 + ridge); without a ridge only what counts as nonzero.
    static void filter(Matrix<T>& y, const Svd<T>& left, index_t left_rank, const Svd<T>& right,
                       index_t right_rank, double ridge) {
        for (index_t j = 0; j < y.cols(); ++j)
            for (index_t i = 0; i < y.rows(); ++i) {
                const double product =
                    static_cast<double>(left.values[static_cast<std::size_t>(i)]) *
                    right.values[static_cast<std::size_t>(j)];
                const bool counts = ridge > 0 || (i < left_rank && j < right_rank);
                const double divisor = product + ridge / product;
                y(i, j) *= static_cast<real_t<T>>(counts && product > 0 ? 1 / divisor : 0);
            }
    }

    /// Write X and report its residual, relative to the equation's terms.
    void finish(const Matrix<T>& solution, MatrixView<T> x, LeastSquaresReport& report) const {
        const Matrix<T> image = product('N', product('N', a_, 'N', solution), 'N', b_);
        double sum = 0;
        for (index_t k = 0; k < c_.rows() * c_.cols(); ++k)
            sum += square_of(c_.data()[k] - image.data()[k]);
        const double terms =
            norm_of<T>(a_.view()) * norm_of<T>(solution.view()) * norm_of<T>(b_.view()) +
            norm_of<T>(c_.view());
        report.residual = terms > 0 ? std::sqrt(sum) / terms : 0;
        const real_t<T> largest = max_abs<T>(solution.view());
        const int reduction = excess_exponent(largest, c_exponent_ - exponent_);
        copy_scaled<T>(solution.view(), x, c_exponent_ - exponent_ - reduction);
        report.scale = std::isfinite(largest) ? std::ldexp(1.0, -reduction) : 0;
    }

    int exponent_, c_exponent_;  // the originals are 2^exponent A B and 2^c_exponent C
    Matrix<T> a_, b_, c_;
    double rcond_;
};

template <class T>
void make_undefined(std::span<const MatrixView<T>> x, std::span<LeastSquaresReport> reports) {
    for (std::size_t k = 0; k < x.size(); ++k) {
        const RightHandSide<T> side{x[k], x[k]};
        reports[k] = {undefined_solution(RightHandSides<T>(&side, 1))};
    }
}

/// A or B is empty: A X B is zero for every X, if there is any.
template <class T>
void make_zero(MatrixView<const T> c, std::span<const MatrixView<T>> x,
               std::span<LeastSquaresReport> reports) {
    for (std::size_t k = 0; k < x.size(); ++k) {
        const RightHandSide<T> side{x[k], x[k]};
        fill(RightHandSides<T>(&side, 1), T(0));
        reports[k].method = "empty";
        reports[k].residual = max_abs<T>(c) > 0 ? 1 : 0;
    }
}

}  // namespace

template <class T>
void lstsq_axb(MatrixView<const T> a, MatrixView<const T> b, MatrixView<const T> c, double rcond,
               std::span<const double> ridges, std::span<const MatrixView<T>> x,
               std::span<LeastSquaresReport> reports) {
    if (!is_finite(a, b) || !std::isfinite(max_abs<T>(c))) return make_undefined(x, reports);
    if (a.rows * a.cols == 0 || b.rows * b.cols == 0) return make_zero(c, x, reports);
    const SerialBlas serial_blas;
    const Problem<T> problem(a, b, c, rcond);
    if (std::ranges::all_of(ridges, [](double ridge) { return ridge == 0; }))
        for (std::size_t k = 0; k < x.size(); ++k) reports[k] = problem.solve(x[k]);
    else
        problem.solve(ridges, x, reports);
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template void lstsq_axb(MatrixView<const T>, MatrixView<const T>, MatrixView<const T>, double, \
                            std::span<const double>, std::span<const MatrixView<T>>,               \
                            std::span<LeastSquaresReport>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
