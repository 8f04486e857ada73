// Equations of two matrices by the Schur decompositions of both.
#pragma once

#include <algorithm>  // std::reverse
#include <optional>

#include "otimes/schur.hpp"
#include "otimes/threads.hpp"
#include "otimes/triangular.hpp"

namespace otimes {

/// The equation in Schur coordinates, or its adjoint, whose order of rows and columns is reversed.
template <class T>
TriangularReport<real_t<T>> solve_triangular_oriented(const TriangularEquation<T>& equation,
                                                      bool adjoint, Matrix<T>& y) {
    if (!adjoint) return solve_triangular(equation, y);
    const Matrix<T> t = reversed_adjoint(equation.t), s = reversed_adjoint(equation.s);
    std::reverse(y.data(), y.data() + y.rows() * y.cols());
    const auto report = solve_triangular(TriangularEquation<T>{t, s, equation.identity}, y);
    std::reverse(y.data(), y.data() + y.rows() * y.cols());
    return report;
}

/// With A = U T U^H and B = V S V^H: X = U Y V^H, where T Y + Y S = U^H Q V for A X + X B = Q, and
/// c Y - T Y S = U^H Q V for c X - A X B = Q; or the adjoint equations. X takes the place of Q,
/// divided by 2^e; e is returned, nothing on overflow.
template <class T>
std::optional<int> solve_by_schur(const Schur<T>& u, const Schur<T>& v,
                                  std::optional<real_t<T>> identity, bool adjoint, Matrix<T>& x) {
    u.apply_left(true, x);
    v.apply_right(false, x);
    poll_interrupt();
    const auto report =
        solve_triangular_oriented(TriangularEquation<T>{u.form(), v.form(), identity}, adjoint, x);
    if (report.overflowed) return std::nullopt;
    u.apply_left(false, x);
    v.apply_right(true, x);
    return report.exponent;
}

}  // namespace otimes
