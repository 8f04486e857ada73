// How far an answer can be trusted: singular values of the equation, estimated.
#pragma once

#include <algorithm>  // std::min
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "otimes/scalar.hpp"
#include "otimes/triangular.hpp"
#include "otimes/vectors.hpp"
#include "otimes/view.hpp"

namespace otimes {

struct SingularRange {
    double smallest = 0, largest = 0;
};

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

/// The same of a square matrix that is factored: solve(op, x) is x <- op(A)^-1 x, op in {N, C}.
template <class T, class Solve>
SingularRange singular_range(const Matrix<T>& a, Solve&& solve) {
    std::vector<T> z(static_cast<std::size_t>(a.rows()));
    const auto solution = [&](char op) { return [&, op](T* x) { solve(op, x); }; };
    return singular_range(a.rows(), z.data(), product_in_place('N', a), product_in_place('C', a),
                          solution('N'), solution('C'));
}

/// sigma_min / sigma_max. A sigma_min at the rounding level of an equation whose terms have norms
/// adding up to `terms` is measured against that: terms that cancel leave rounding errors only.
inline double reciprocal_condition(SingularRange range, double terms, double eps) {
    const double largest = range.smallest < eps * terms ? terms : range.largest;
    return largest > 0 ? std::fmin(1, range.smallest / largest) : 0;
}

/// ||a||_2 from below, within a small factor, for entries near 1.
template <class T>
double spectral_norm(const Matrix<T>& a);

/// sigma_min of an equation from above: 1/||w|| with z = M^-1 g, w = M^-H z/||z||; twice for
/// few unknowns, for beyond that many singular values are near the last. `solve(adjoint, z)` makes
/// z <- 2^-e M^-1 z or 2^-e M^-H z and returns e, or nothing if that overflows.
template <class T, class Solve>
double smallest_singular_value(index_t m, index_t n, Solve&& solve) {
    constexpr index_t two_step_limit = 40 * 40;
    Matrix<T> z(m, n);
    fill_noise(z.data(), m * n);
    normalise_vector(z.data(), m * n);
    double smallest = std::numeric_limits<double>::max();
    for (int step = 0; step < (m * n <= two_step_limit ? 2 : 1); ++step)
        for (const bool adjoint : {false, true}) {
            const std::optional<int> exponent = solve(adjoint, z);
            if (!exponent) return 0;
            const double growth = normalise_vector(z.data(), m * n);
            smallest = std::fmin(smallest, std::ldexp(1 / growth, -*exponent));
        }
    return smallest;
}

/// The same by triangular solves, which return their reports: sigma_min is not above any pivot.
template <class T, class Solve>
double smallest_by_pivots(index_t m, index_t n, Solve&& solve) {
    double smallest_pivot = std::numeric_limits<double>::max();
    const double smallest =
        smallest_singular_value<T>(m, n, [&](bool adjoint, Matrix<T>& z) -> std::optional<int> {
            const auto report = solve(adjoint, z);
            smallest_pivot = std::min(smallest_pivot, static_cast<double>(report.smallest_pivot));
            if (report.overflowed) return std::nullopt;
            return report.exponent;
        });
    return std::min(smallest, smallest_pivot);
}

/// sigma_min / sigma_max for this sigma_min; T and S are any matrices with entries near 1.
template <class T>
double reciprocal_condition(const TriangularEquation<T>& equation, double smallest);

/// The same of an equation in Schur coordinates: two to four triangular solves.
template <class T>
double triangular_rcond(const TriangularEquation<T>& equation);

}  // namespace otimes
