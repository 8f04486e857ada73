// A X B + C X* D = E in the coordinates in which it is triangular, * the transpose or the adjoint.
#pragma once

#include <complex>
#include <optional>

#include "otimes/basis.hpp"
#include "otimes/triangular_tsylvester.hpp"

namespace otimes {

/// With unitary P, Q, U and V, and upper triangular forms a, b, c and d of
///     A = P a U^H,    C = P c V^H,    B* = Q b V^H,    D* = Q d U^H,
/// X = U Y V* makes the equation a Y b* + c Y* d* = P^H E (Q*)^H; of its adjoint, P and U are
/// exchanged, and Q and V. All are complex, and refer to what a decomposition holds. For real
/// equations the real part of what they give is taken: that has no larger residual.
template <class T>
struct StarSchur {
    using Complex = std::complex<real_t<T>>;

    Star star;
    StarForms<Complex> forms;
    const Basis<Complex>&p, &q, &u, &v;

    /// x <- M^-1 x / 2^e in place, or M^-H x / 2^e; returns e, or nothing if that overflows.
    std::optional<int> solve(bool adjoint, Matrix<T>& x) const;

    /// sigma_min / sigma_max.
    double rcond() const;
};

}  // namespace otimes
