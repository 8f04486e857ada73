// The ways to solve one matrix equation, behind one interface.
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>  // std::move

#include "otimes/equation.hpp"
#include "otimes/scaling.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// M: X -> A X + X B or X -> c X - A X B, decomposed in one way or another. A (m, m) and B (n, n)
/// have entries near 1.
template <class T>
class EquationMethod {
  public:
    EquationMethod() = default;
    EquationMethod(const EquationMethod&) = delete;
    EquationMethod& operator=(const EquationMethod&) = delete;
    virtual ~EquationMethod() = default;

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
using EquationMethodPointer = std::unique_ptr<const EquationMethod<T>>;

/// A method for B^T X^T + X^T A^T = Q^T, or for c X^T - B^T X^T A^T = Q^T.
template <class T>
class TransposedMethod final : public EquationMethod<T> {
  public:
    explicit TransposedMethod(EquationMethodPointer<T> method) : method_(std::move(method)) {}

    std::string_view name() const override { return method_->name(); }
    double rcond() const override { return method_->rcond(); }
    std::optional<int> solve(bool adjoint, Matrix<T>& x) const override {
        Matrix<T> x_transposed(x.view().t());
        const auto exponent = method_->solve(adjoint, x_transposed);
        x = Matrix<T>(x_transposed.view().t());
        return exponent;
    }

  private:
    EquationMethodPointer<T> method_;
};

/// A method and the robust one that takes its place for right-hand sides which it does not solve
/// accurately; that is made when it is first needed.
template <class T>
class MethodWithFallback {
  public:
    using Make = std::function<EquationMethodPointer<T>()>;

    MethodWithFallback(EquationMethodPointer<T> method, Make fallback)
        : method_(std::move(method)), make_fallback_(std::move(fallback)) {
        if (!method_) method_ = make_fallback_();
    }

    double rcond() const { return method_->rcond(); }

    /// solve(method) returns a report; refinement ends at a quarter of the limit where it can.
    template <class Solve>
    SolveReport run(index_t rows_and_cols, Solve&& solve) const {
        const double limit = 4 * eps_of<T> * std::sqrt(static_cast<double>(rows_and_cols));
        SolveReport report = reported(*method_, solve);
        const bool accurate = report.scale > 0 && !(report.residual > limit);
        if (accurate || method_->is_robust()) return report;
        return reported(fallback(), solve);
    }

  private:
    template <class Solve>
    static SolveReport reported(const EquationMethod<T>& method, Solve&& solve) {
        SolveReport report = solve(method);
        report.method = method.name();
        report.rcond = method.rcond();
        return report;
    }

    /// Several threads may make it, and the first one's stays. None waits for another: who makes it
    /// looks for interrupts, for which it needs the lock of the host's that who waits may hold.
    const EquationMethod<T>& fallback() const {
        {
            const std::lock_guard lock(fallback_mutex_);
            if (fallback_) return *fallback_;
        }
        EquationMethodPointer<T> made = make_fallback_();
        const std::lock_guard lock(fallback_mutex_);
        if (!fallback_) fallback_ = std::move(made);
        return *fallback_;
    }

    EquationMethodPointer<T> method_;
    Make make_fallback_;
    mutable std::mutex fallback_mutex_;
    mutable EquationMethodPointer<T> fallback_;
};

}  // namespace otimes
