#include "otimes/small_solver.hpp"

#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <utility>  // std::exchange

#include "otimes/condition.hpp"
#include "otimes/cpu.hpp"
#include "otimes/symmetry.hpp"

namespace otimes {
namespace {

/// The start of the power iterations.
template <class T>
const T* noise() {
    static const auto numbers = [] {
        std::array<T, kronecker_limit> z;
        fill_noise(z.data(), kronecker_limit);
        return z;
    }();
    return numbers.data();
}

/// Rounded up, so that what follows is aligned to a cache line as well.
template <class R>
index_t aligned(index_t count) {
    constexpr index_t line = cache_line / sizeof(R);
    return (count + line - 1) / line * line;
}

template <class T>
constexpr index_t parts = is_complex<T> ? 2 : 1;

/// to[k lanes] <- number k of the real and imaginary parts of a
template <class T>
void spread(MatrixView<const T> a, real_t<T>* to, index_t lanes) {
    for (index_t j = 0; j < a.cols; ++j)
        for (index_t i = 0; i < a.rows; ++i) {
            const T x = a(i, j);
            if constexpr (is_complex<T>) {
                to[0] = x.real();
                to[lanes] = x.imag();
            } else {
                *to = x;
            }
            to += parts<T> * lanes;
        }
}

template <class T>
void collect(const real_t<T>* from, index_t lanes, MatrixView<T> a) {
    for (index_t j = 0; j < a.cols; ++j)
        for (index_t i = 0; i < a.rows; ++i, from += parts<T> * lanes) {
            if constexpr (is_complex<T>)
                a(i, j) = T(from[0], from[lanes]);
            else
                a(i, j) = *from;
        }
}

template <class T>
const SmallKernels<T>& kernels_for(bool alone) {
    return alone ? small_lone_kernels<T>() : small_kernels<T>();
}

}  // namespace

template <class T>
index_t SmallSolver<T>::lanes(bool alone) {
    return kernels_for<T>(alone).lanes;
}

template <class T>
SmallSolver<T>::SmallSolver(const SmallForm& form, Coefficients<T> coefficients,
                            RightHandSides<T> sides, bool alone)
    : kernels_(kernels_for<T>(alone)),
      lanes_(kernels_.lanes),
      keeps_symmetry_(form.keeps_symmetry),
      group_{} {
    const index_t rows = sides[0].q.rows, cols = sides[0].q.cols, n = rows * cols;
    const auto count = static_cast<index_t>(sides.size());
    const index_t side_size = aligned<R>(count * n * parts<T> * lanes_);
    const index_t work_size = aligned<R>(2 * n * n * parts<T> * lanes_);
    index_t size = side_size + work_size + small_results * lanes_;
    for (const auto& c : coefficients) size += aligned<R>(c.rows * c.cols * parts<T> * lanes_);
    memory_ = Scratch<R>(size);
    R* free = memory_.get();
    const auto take = [&](index_t numbers) { return std::exchange(free, free + numbers); };
    group_ = {.rows = rows,
              .cols = cols,
              .stacked = form.stacked,
              .terms = form.terms.data(),
              .term_count = static_cast<index_t>(form.terms.size()),
              .coefficient_count = static_cast<index_t>(coefficients.size()),
              .sides = take(side_size),
              .side_count = count,
              .start = noise<T>(),
              .work = take(work_size)};
    for (std::size_t c = 0; c < coefficients.size(); ++c) {
        const index_t m = coefficients[c].rows, k = coefficients[c].cols;
        group_.coefficients[c] = {take(aligned<R>(m * k * parts<T> * lanes_)), m, k};
    }
    group_.results = free;
}

template <class T>
std::uint32_t SmallSolver<T>::solve(std::span<const SmallItem<T>> items) {
    gather(items);
    kernels_.solve(group_);
    std::uint32_t refused = 0;
    for (std::size_t lane = 0; lane < items.size(); ++lane) {
        if (judge(static_cast<index_t>(lane), *items[lane].report))
            scatter(static_cast<index_t>(lane), items[lane]);
        else
            refused |= std::uint32_t{1} << lane;
    }
    return refused;
}

/// Lanes without an item get the equation of the first.
template <class T>
void SmallSolver<T>::gather(std::span<const SmallItem<T>> items) {
    const index_t stride = group_.rows * group_.cols * parts<T> * lanes_;
    for (index_t lane = 0; lane < lanes_; ++lane) {
        const auto& item = items[static_cast<std::size_t>(lane) < items.size() ? lane : 0];
        for (std::size_t c = 0; c < item.coefficients.size(); ++c)
            spread(item.coefficients[c], group_.coefficients[c].entries + lane, lanes_);
        for (std::size_t k = 0; k < item.sides.size(); ++k)
            spread(item.sides[k].q, group_.sides + k * stride + lane, lanes_);
    }
}

/// Report on a lane; false if its solution should not be used.
template <class T>
bool SmallSolver<T>::judge(index_t lane, SolveReport& report) const {
    constexpr double eps = std::numeric_limits<R>::epsilon();
    bool in_range = true;
    const auto norm = [&](index_t which) {
        const double square = static_cast<double>(group_.results[which * lanes_ + lane]);
        in_range = in_range && std::isfinite(square);
        return std::sqrt(square);
    };
    double matrix = 0;
    for (index_t t = 0; t < group_.term_count; ++t) matrix += norm(small_term + t);
    const double terms = matrix * norm(small_solution) + norm(small_side);
    const double residual = terms > 0 ? norm(small_residual) / terms : 0;
    const SingularRange range{1 / norm(small_inverse), norm(small_largest)};
    const double rcond = reciprocal_condition(range, matrix, eps);
    const double rounding = eps * std::sqrt(static_cast<double>(group_.rows + group_.cols));
    norm(small_overflow);
    if (!in_range || residual > rounding || rcond < 1000 * eps) return false;
    report = {.method = "kronecker-lu", .residual = residual, .rcond = rcond};
    return true;
}

template <class T>
void SmallSolver<T>::scatter(index_t lane, const SmallItem<T>& item) const {
    const index_t stride = group_.rows * group_.cols * parts<T> * lanes_;
    for (std::size_t k = 0; k < item.sides.size(); ++k) {
        const auto& [q, x] = item.sides[k];
        collect<T>(group_.sides + k * stride + lane, lanes_, x);
        if (keeps_symmetry_) symmetrise(symmetry_of<T>(q), x);
    }
}

template class SmallSolver<float>;
template class SmallSolver<double>;
template class SmallSolver<std::complex<float>>;
template class SmallSolver<std::complex<double>>;

}  // namespace otimes
