// What every matrix equation has: coefficients, right-hand sides, decompositions, and a report.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string_view>

#include "otimes/view.hpp"

namespace otimes {

/// Every solve says how well it went; M is the equation's matrix in vec coordinates.
struct SolveReport {
    std::string_view method;  // a literal: what was used
    double residual = 0;      // ||R||_F / (sum ||L_i||_F ||X||_F ||R_i||_F + ||Q||_F)
    double rcond = 1;         // sigma_min(M) / sigma_max(M), estimated
    double scale = 1;  // X solves the equation for scale * Q; 0: not even that can be represented
    int refinements = 0;
};

/// A right-hand side and where its solution goes. Two of them are solved as one: the real and the
/// imaginary part of a complex one under a real equation.
template <class T>
struct RightHandSide {
    MatrixView<const T> q;
    MatrixView<T> x;
};
template <class T>
using RightHandSides = std::span<const RightHandSide<T>>;

/// The right-hand sides of the transposed equation.
template <class T>
class TransposedSides {
  public:
    explicit TransposedSides(RightHandSides<T> sides) : count_(sides.size()) {
        for (std::size_t k = 0; k < count_; ++k) list_[k] = {sides[k].q.t(), sides[k].x.t()};
    }
    operator RightHandSides<T>() const { return {list_.data(), count_}; }

  private:
    std::array<RightHandSide<T>, 2> list_;
    std::size_t count_;
};

/// The coefficients of one equation, in the order in which it is written.
template <class T>
using Coefficients = std::span<const MatrixView<const T>>;

/// An equation with its decompositions: any number of right-hand sides, and those of the adjoint
/// equation M^H vec(X) = vec(Q) as well. Coefficients with NaN or Inf make every X NaN.
template <class T>
class EquationFactor {
  public:
    EquationFactor() = default;
    EquationFactor(const EquationFactor&) = delete;
    EquationFactor& operator=(const EquationFactor&) = delete;
    virtual ~EquationFactor() = default;

    virtual double rcond() const = 0;
    virtual SolveReport solve(bool adjoint, RightHandSides<T> sides) const = 0;
};

/// An equation as the transposed one, which `Factor` decomposes.
template <class T, class Factor>
class TransposedFactor final : public EquationFactor<T> {
  public:
    template <class... Arguments>
    explicit TransposedFactor(Arguments&&... arguments) : factor_(arguments...) {}

    double rcond() const override { return factor_.rcond(); }
    SolveReport solve(bool adjoint, RightHandSides<T> sides) const override {
        return factor_.solve(adjoint, TransposedSides<T>(sides));
    }

  private:
    Factor factor_;
};

template <class T>
using FactorPointer = std::unique_ptr<const EquationFactor<T>>;

}  // namespace otimes
