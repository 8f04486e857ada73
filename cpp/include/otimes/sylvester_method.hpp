// The ways to solve A X + X B = Q, behind one interface.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "otimes/condition.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// M: X -> A X + X B, decomposed in one way or another. A (m, m) and B (n, n) have entries near 1.
template <class T>
class SylvesterMethod {
  public:
    SylvesterMethod() = default;
    SylvesterMethod(const SylvesterMethod&) = delete;
    SylvesterMethod& operator=(const SylvesterMethod&) = delete;
    virtual ~SylvesterMethod() = default;

    /// A literal, for SolveReport.
    virtual std::string_view name() const = 0;
    /// Backward stable whatever A and B are: there is nothing to fall back on.
    virtual bool is_robust() const { return false; }
    /// sigma_min(M) / sigma_max(M), estimated.
    virtual double rcond() const = 0;
    /// x <- 2^-e M^-1 x, or 2^-e M^-H x; returns e, or nothing if that overflows.
    virtual std::optional<int> solve(bool adjoint, Matrix<T>& x) const = 0;
};

template <class T>
using SylvesterMethodPointer = std::unique_ptr<const SylvesterMethod<T>>;

}  // namespace otimes
