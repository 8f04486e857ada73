// The loop around every solver: scale, solve, take the residual, refine, scale back.
#pragma once

#include <algorithm>  // std::max
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>  // std::move

#include "otimes/equation.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {

/// Largest of the largest entries; NaN or Inf if there is one.
template <class T>
real_t<T> max_abs(RightHandSides<T> parts) {
    real_t<T> largest = 0;
    for (const auto& part : parts) {
        const real_t<T> m = max_abs<T>(part.q);
        if (!std::isfinite(m)) return m;
        largest = std::max(largest, m);
    }
    return largest;
}

template <class T>
bool all_finite(Coefficients<T> matrices) {
    for (const auto& a : matrices)
        if (!std::isfinite(max_abs<T>(a))) return false;
    return true;
}

template <class T>
void fill(RightHandSides<T> parts, T value) {
    for (const auto& part : parts)
        for (index_t j = 0; j < part.x.cols; ++j)
            for (index_t i = 0; i < part.x.rows; ++i) part.x(i, j) = value;
}

/// Every X of an equation with NaN or Inf in its matrices is NaN.
template <class T>
SolveReport undefined_solution(RightHandSides<T> sides) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    fill<T>(sides, T(static_cast<real_t<T>>(nan)));
    return {.method = "undefined", .residual = nan, .rcond = nan};
}

/// One or two matrices with a common exponent: 2^exponent parts[k].
template <class T>
struct ScaledParts {
    std::array<Matrix<T>, 2> parts;
    std::size_t count = 0;
    int exponent = 0;

    double squared_norm() const {
        double sum = 0;
        for (std::size_t k = 0; k < count; ++k) sum += otimes::squared_norm<T>(parts[k].view());
        return sum;
    }
};

/// E is an equation with its factors, all scaled to near 1:
///   solve(Matrix<T>& x)    x <- M^-1 x / 2^e in place, returns e; nothing if that overflows
///   subtract_image(x, r)   r <- r - M x
///   norm, exponent         sum ||L_i|| ||R_i||; the true M is 2^exponent M
template <class E>
class Refinement {
    using T = typename E::Scalar;
    using R = real_t<T>;
    using Parts = ScaledParts<T>;

  public:
    Refinement(const E& equation, RightHandSides<T> sides) : equation_(equation), sides_(sides) {}

    /// Solve, write X, report; rcond is left to the caller.
    SolveReport run() {
        SolveReport report;
        const R largest = max_abs<T>(sides_);
        if (!std::isfinite(largest)) return failed(std::numeric_limits<R>::quiet_NaN(), report);
        q_exponent_ = binary_exponent(largest);
        Parts x = scaled_sides(-q_exponent_);
        if (!solve(x)) {
            report.scale = 0;
            return failed(R(0), report);
        }
        report.refinements = refine(x, report.residual);
        report.scale = write(x);
        return report;
    }

  private:
    SolveReport failed(R value, SolveReport report) {
        fill<T>(sides_, T(value));
        report.residual = std::numeric_limits<double>::quiet_NaN();
        return report;
    }

    Parts scaled_sides(int exponent) const {
        Parts p;
        p.count = sides_.size();
        for (std::size_t k = 0; k < p.count; ++k) {
            p.parts[k] = scaled_copy(sides_[k].q, exponent);
        }
        return p;
    }

    /// p <- M^-1 p; false on overflow.
    bool solve(Parts& p) const {
        std::array<int, 2> exponents{};
        for (std::size_t k = 0; k < p.count; ++k) {
            const std::optional<int> e = equation_.solve(p.parts[k]);
            if (!e || !std::isfinite(max_abs<T>(p.parts[k].view()))) return false;
            exponents[k] = *e;
        }
        const int common = p.count == 2 ? std::max(exponents[0], exponents[1]) : exponents[0];
        for (std::size_t k = 0; k < p.count; ++k)
            if (exponents[k] != common)
                copy_scaled<T>(p.parts[k].view(), p.parts[k].view(), exponents[k] - common);
        p.exponent += common;
        return true;
    }

    /// r = 2^-x.exponent (Q - M X); returns its size relative to the equation's terms.
    double residual(const Parts& x, Parts& r) const {
        r = scaled_sides(-q_exponent_ - x.exponent);
        const double q_norm = std::sqrt(r.squared_norm());
        for (std::size_t k = 0; k < r.count; ++k) equation_.subtract_image(x.parts[k], r.parts[k]);
        const double terms = equation_.norm * std::sqrt(x.squared_norm()) + q_norm;
        return terms > 0 ? std::sqrt(r.squared_norm()) / terms : 0;
    }

    /// x <- x + M^-1 r while a step at least halves a residual above rounding level. Sets the
    /// residual and returns the number of steps.
    int refine(Parts& x, double& size) const {
        constexpr int limit = 5;
        constexpr double eps = std::numeric_limits<R>::epsilon();
        const double rounding =
            eps * std::sqrt(static_cast<double>(x.parts[0].rows() + x.parts[0].cols()));
        Parts r;
        size = residual(x, r);
        for (int step = 0; step < limit; ++step) {
            if (!(size > rounding)) return step;
            poll_interrupt();
            if (!solve(r)) return step;
            Parts better = x, r_better;
            for (std::size_t k = 0; k < x.count; ++k) add(r.parts[k], r.exponent, better.parts[k]);
            const double smaller = residual(better, r_better);
            if (!(smaller < size / 2)) return step;
            size = smaller;
            x = std::move(better);
            r = std::move(r_better);
        }
        return limit;
    }

    /// y <- y + 2^exponent x
    static void add(const Matrix<T>& x, int exponent, Matrix<T>& y) {
        const PowerOfTwo<R> scale(exponent);
        for (index_t k = 0; k < x.rows() * x.cols(); ++k) y.data()[k] += scale(x.data()[k]);
    }

    /// Write the solution with its true exponent. If that overflows, X is scaled down to fit by a
    /// power of two, which is returned.
    double write(const Parts& x) const {
        R largest = 0;
        for (std::size_t k = 0; k < x.count; ++k)
            largest = std::max(largest, max_abs<T>(x.parts[k].view()));
        const int exponent = q_exponent_ + x.exponent - equation_.exponent;
        const int reduction = excess_exponent(largest, exponent);
        for (std::size_t k = 0; k < x.count; ++k)
            copy_scaled<T>(x.parts[k].view(), sides_[k].x, exponent - reduction);
        return std::ldexp(1.0, -reduction);
    }

    const E& equation_;
    RightHandSides<T> sides_;
    int q_exponent_ = 0;
};

template <class E>
SolveReport solve_refined(const E& equation, RightHandSides<typename E::Scalar> sides) {
    return Refinement<E>(equation, sides).run();
}

}  // namespace otimes
