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
    bool real_linear;  // not complex-linear: a complex Q takes complex coefficients
    FactorPointer<T> (*factor)(Coefficients<T>);
    SmallForm form;  // what solves it for few unknowns; no terms: the same as for many
};

template <class T>
std::span<const Equation<T>> equations();

/// X for coefficients that are used once. NaN or Inf in them makes X NaN.
template <class T>
SolveReport solve_once(const Equation<T>& equation, Coefficients<T> coefficients,
                       RightHandSides<T> sides);

}  // namespace otimes
