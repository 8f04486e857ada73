// Triangular solves of the equation families, recursive-blocked.
#pragma once

#include <limits>
#include <optional>

#include "otimes/symmetry.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// How a triangular solve went. The solution is 2^exponent times what was returned.
template <class R>
struct TriangularReport {
    int exponent = 0;
    R smallest_pivot = 0;     // the equation's smallest singular value is not above it
    bool overflowed = false;  // the solution is not finite, however it is scaled
};

/// A solution of so many entries could overflow above this when it is transformed back.
template <class R>
R largest_untransformed(index_t entries) {
    using Limits = std::numeric_limits<R>;
    return Limits::max() * Limits::epsilon() / static_cast<R>(entries);
}

/// An equation in Schur coordinates: T X + X S = C, or c X - T X S = C where there is an
/// `identity` c >= 0. T (m,m) and S (n,n) are Schur forms with entries near 1.
template <class T>
struct TriangularEquation {
    const Matrix<T>&t, &s;
    std::optional<real_t<T>> identity = std::nullopt;
};

/// Solve for X, in place of C.
///
/// m n (m + n) flops, both equations, and for the second one the memory for X S. Halves the larger
/// side, never inside a 2x2 bump (Jonsson & Kagstrom 2002, doi:10.1145/592843.592845; X S is kept
/// as in Barraud 1977, doi:10.1109/TAC.1977.1101651). Half the flops, five sixths for the second,
/// where S = J T^H J, J the reversal of order, and C J has the `symmetry`: X J has it exactly.
/// Runs unprotected and, where the solution grows out of range, once more in single bumps with
/// rescaling by powers of two.
template <class T>
TriangularReport<real_t<T>> solve_triangular(const TriangularEquation<T>& equation, Matrix<T>& x,
                                             Symmetry symmetry = Symmetry::none);

/// J T^H J, J the reversal of order: again a Schur form. The adjoint equations, T^H X + X S^H = C
/// and c X - T^H X S^H = C, are the equations themselves for (J T^H J, J S^H J, J C J).
template <class T>
Matrix<T> reversed_adjoint(const Matrix<T>& t);

}  // namespace otimes
