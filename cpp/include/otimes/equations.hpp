// The table of all matrix equations that are solved directly.
#pragma once

#include <span>
#include <string_view>

#include "otimes/equation.hpp"
#include "otimes/small_kernels.hpp"

namespace otimes {

/// One equation in X (m, n): its coefficients by letter, l for (m, m) and r for (n, n).
template <class T>
struct Equation {
    std::string_view name;
    std::string_view coefficients;
    bool square;       // m = n
    int unknowns;      // so many matrices X, and Q, are stacked below one another
    bool real_linear;  // not complex-linear: a complex Q takes complex coefficients
    SolveReport (*solve)(Coefficients<T>, RightHandSides<T>);
    FactorPointer<T> (*factor)(Coefficients<T>);
    SmallForm small;  // for few unknowns; no terms: as for many
};

template <class T>
std::span<const Equation<T>> equations();

}  // namespace otimes
