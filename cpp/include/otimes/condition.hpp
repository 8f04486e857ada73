// How far an answer can be trusted: singular values of the equation, estimated.
#pragma once

#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>

#include "otimes/scalar.hpp"
#include "otimes/view.hpp"

namespace otimes {

struct SingularRange {
    double smallest = 0, largest = 0;
};

/// Fixed pseudo-random entries, magnitudes in [1/2, 1]: the start of every power iteration. No
/// entry is small, so that a diagonal equation is probed everywhere.
template <class T>
void fill_noise(T* z, index_t n) {
    using R = real_t<T>;
    std::uint64_t state = 0x9e3779b97f4a7c15u;
    const auto next = [&state] {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        const auto magnitude = static_cast<R>(0x1p-1 + 0x1p-54 * static_cast<double>(state >> 11));
        return (state & 1) != 0 ? magnitude : -magnitude;
    };
    for (index_t i = 0; i < n; ++i) {
        if constexpr (is_complex<T>) {
            const R re = next();
            z[i] = T(re, next());
        } else {
            z[i] = next();
        }
    }
}

/// Divide z by its 2-norm, which is returned; infinity for entries out of range.
template <class T>
double normalise_vector(T* z, index_t n) {
    double sum = 0;
    for (index_t i = 0; i < n; ++i) sum += square_of(z[i]);
    const double norm = std::sqrt(sum);
    if (!(norm < std::numeric_limits<double>::infinity()))
        return std::numeric_limits<double>::infinity();
    if (norm == 0) return 0;
    const auto factor = static_cast<real_t<T>>(1 / norm);
    for (index_t i = 0; i < n; ++i) z[i] *= factor;
    return norm;
}

/// ||F||_2 from below, by power iteration on F^H F. Both maps work in place on z, of n entries.
template <class T, class Map, class Adjoint>
double map_norm(index_t n, T* z, Map&& map, Adjoint&& adjoint, int steps = 3) {
    fill_noise(z, n);
    normalise_vector(z, n);
    double norm = 0;
    for (int step = 0; step < steps; ++step) {
        map(z);
        norm = normalise_vector(z, n);
        if (norm == 0 || std::isinf(norm)) break;
        adjoint(z);
        norm = normalise_vector(z, n);
        if (norm == 0 || std::isinf(norm)) break;
    }
    return norm;
}

/// The extreme singular values of a matrix from products with it and with its inverse.
template <class T, class Map, class Adjoint, class Solve, class SolveAdjoint>
SingularRange singular_range(index_t n, T* z, Map&& map, Adjoint&& adjoint, Solve&& solve,
                             SolveAdjoint&& solve_adjoint, int steps = 3) {
    return {1 / map_norm(n, z, solve, solve_adjoint, steps), map_norm(n, z, map, adjoint, steps)};
}

/// 1/||w|| with z = M^-1 g, w = M^-H z/||z||: sigma_min from above, for triangular equations.
/// solve(adjoint, z) works in place and returns a TriangularReport.
template <class T, class Solve>
double smallest_singular_value(Matrix<T>& z, Solve&& solve) {
    constexpr index_t two_step_limit = 40 * 40;  // beyond, many singular values are near the last
    const index_t size = z.rows() * z.cols();
    fill_noise(z.data(), size);
    normalise_vector(z.data(), size);
    double smallest = std::numeric_limits<double>::max();
    for (int step = 0; step < (size <= two_step_limit ? 2 : 1); ++step) {
        for (const bool adjoint : {false, true}) {
            const auto report = solve(adjoint, z);
            if (report.overflowed) return 0;
            const double growth = normalise_vector(z.data(), size);
            smallest = std::fmin(smallest, std::fmin(static_cast<double>(report.smallest_pivot),
                                                     std::ldexp(1 / growth, -report.exponent)));
        }
    }
    return smallest;
}

/// sigma_min / sigma_max. A sigma_min at the rounding level of an equation whose terms have norms
/// adding up to `terms` is measured against that: terms that cancel leave rounding errors only.
inline double reciprocal_condition(SingularRange range, double terms, double eps) {
    const double largest = range.smallest < eps * terms ? terms : range.largest;
    return largest > 0 ? std::fmin(1, range.smallest / largest) : 0;
}

/// The same of T X + X S, for Schur forms with entries near 1: two to four triangular solves.
template <class T>
double sylvester_rcond(const Matrix<T>& t, const Matrix<T>& s);

}  // namespace otimes
