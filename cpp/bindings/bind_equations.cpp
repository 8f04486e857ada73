// Matrix equations: exact ndarrays in, solution and report out; batches are looped over here.
#include <algorithm>  // std::any_of, std::min
#include <array>
#include <cmath>
#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "batch.hpp"
#include "bindings.hpp"
#include "otimes/equations.hpp"
#include "otimes/small_solver.hpp"
#include "otimes/threads.hpp"
#include "solved.hpp"

namespace otimes::bindings {
namespace {

constexpr std::size_t most_coefficients = 6;

/// One side for a right-hand side of the equation's own type; the real and the imaginary part as
/// two sides for a complex one under a real equation.
template <class T, class Q>
struct Sides {
    std::array<RightHandSide<T>, is_complex<Q> && !is_complex<T> ? 2 : 1> list;

    Sides(MatrixView<const Q> q, MatrixView<Q> x) {
        if constexpr (std::is_same_v<T, Q>)
            list[0] = {q, x};
        else
            for (int part = 0; part < 2; ++part)
                list[static_cast<std::size_t>(part)] = {
                    {reinterpret_cast<const T*>(q.data) + part, q.rows, q.cols, 2 * q.row_stride,
                     2 * q.col_stride},
                    {reinterpret_cast<T*>(x.data) + part, x.rows, x.cols, 2 * x.row_stride,
                     2 * x.col_stride}};
    }
};

double flops(const Operand& q, index_t count) {
    const auto m = static_cast<double>(q.rows), n = static_cast<double>(q.cols);
    return static_cast<double>(count) * (1000 + 30 * (m * m * m + n * n * n));
}

/// Did NaN or Inf come in? (Where only the solution overflows, scale is 0.)
bool undefined(const SolveReport& report) {
    return std::isnan(report.residual) && report.scale != 0;
}

/// One equation of a batch: its coefficients, and its right-hand side with the place for X.
template <class T, class Q>
struct Problem {
    std::array<MatrixView<const T>, most_coefficients> matrices;
    std::size_t count;
    Sides<T, Q> sides;

    Problem(const BatchItem& item, std::size_t q_index, MatrixView<Q> x)
        : count(q_index), sides(item.matrix<Q>(q_index), x) {
        for (std::size_t k = 0; k < count; ++k) matrices[k] = item.matrix<T>(k);
    }
    Coefficients<T> coefficients() const { return {matrices.data(), count}; }
    RightHandSides<T> right_hand_sides() const { return sides.list; }
};

/// All equations of a batch, whose last operand is the right-hand side, and their reports.
template <class T, class Q>
class Problems {
  public:
    explicit Problems(const Batch& batch)
        : batch_(batch),
          q_index_(batch.operand_count() - 1),
          rows_(batch.operand(q_index_).rows),
          cols_(batch.operand(q_index_).cols),
          reports_(static_cast<std::size_t>(batch.count())) {
        std::vector<py::ssize_t> shape = batch.shape();
        shape.insert(shape.end(), {rows_, cols_});
        x_ = py::array_t<Q>(shape);
        out_ = x_.mutable_data();
    }

    /// body(begin, end) for all items, in chunks of a multiple of `group` on several threads where
    /// that is worth it. None when check_finite finds NaN or Inf.
    template <class Body>
    py::object run(bool check_finite, index_t group, Body&& body) {
        const index_t count = batch_.count(), groups = (count + group - 1) / group;
        const double work = flops(batch_.operand(q_index_), count);
        const auto chunk = [&](index_t begin, index_t end) {
            body(begin * group, std::min(end * group, count));
        };
        run_kernel(work, [&] { parallel_chunks(groups, work, chunk); });
        if (check_finite && std::any_of(reports_.begin(), reports_.end(), undefined))
            return py::none();
        return result<real_t<T>>(x_, batch_, reports_);
    }

    Problem<T, Q> at(const BatchItem& item, index_t number) const {
        return {item, q_index_, {out_ + number * rows_ * cols_, rows_, cols_, cols_, 1}};
    }

    SolveReport& report(index_t number) { return reports_[static_cast<std::size_t>(number)]; }

    template <class Solve>
    void solve(const Problem<T, Q>& problem, index_t number, Solve&& solve) {
        naming_item(batch_, number, [&] {
            report(number) = solve(problem.coefficients(), problem.right_hand_sides());
        });
    }

  private:
    const Batch& batch_;
    std::size_t q_index_;
    index_t rows_, cols_;
    py::array_t<Q> x_;
    Q* out_;
    std::vector<SolveReport> reports_;
};

/// Solve every item with solve(coefficients, sides).
template <class T, class Q, class Solve>
py::object solve_each(const Batch& batch, bool check_finite, Solve&& solve) {
    Problems<T, Q> problems(batch);
    return problems.run(check_finite, 1, [&](index_t begin, index_t end) {
        BatchItem item(batch, begin);
        for (; begin < end; ++begin, item.next())
            problems.solve(problems.at(item, begin), begin, solve);
    });
}

/// The equation's own way to solve one item.
template <class T>
auto solving(const Equation<T>& equation) {
    return [&equation](Coefficients<T> coefficients, RightHandSides<T> sides) {
        return solve_once(equation, coefficients, sides);
    };
}

/// Solve small equations, as many at once as there are lanes; those that need more care alone.
template <class T, class Q>
py::object solve_in_lanes(const Equation<T>& equation, const Batch& batch, bool check_finite) {
    const bool alone = batch.shape().empty();
    const index_t together = SmallSolver<T>::lanes(alone);
    Problems<T, Q> problems(batch);
    return problems.run(check_finite, together, [&](index_t begin, index_t end) {
        BatchItem item(batch, begin);
        const Problem<T, Q> first = problems.at(item, begin);
        SmallSolver<T> solver(equation.form, first.coefficients(), first.right_hand_sides(), alone);
        std::vector<Problem<T, Q>> group;
        std::vector<SmallItem<T>> lanes;
        group.reserve(static_cast<std::size_t>(together));  // lanes point into it
        for (; begin < end; begin += together, group.clear(), lanes.clear()) {
            const index_t stop = std::min(begin + together, end);
            for (index_t number = begin; number < stop; ++number, item.next()) {
                const auto& problem = group.emplace_back(problems.at(item, number));
                lanes.push_back(
                    {problem.coefficients(), problem.right_hand_sides(), &problems.report(number)});
            }
            const std::uint32_t refused = solver.solve(lanes);
            for (index_t number = begin; number < stop; ++number)
                if ((refused >> (number - begin) & 1) != 0)
                    problems.solve(group[static_cast<std::size_t>(number - begin)], number,
                                   solving(equation));
        }
    });
}

/// The coefficients as operands, when each is of scalar T and of the shape that its letter asks
/// for: l for (m, m), r for (n, n).
template <class T>
std::optional<std::vector<Operand>> exact_operands(const Equation<T>& equation,
                                                   const py::tuple& coefficients) {
    if (coefficients.size() != equation.coefficients.size()) return std::nullopt;
    std::vector<Operand> operands;
    index_t m = -1, n = -1;
    for (std::size_t k = 0; k < coefficients.size(); ++k) {
        if (!is_exact<T>(coefficients[k])) return std::nullopt;
        const Operand& a = operands.emplace_back(coefficients[k]);
        index_t& size = equation.coefficients[k] == 'l' || equation.square ? m : n;
        if (size < 0) size = a.rows;
        if (!a.is_square() || a.rows != size || !a.is_walkable()) return std::nullopt;
    }
    return operands;
}

/// (m, n) of X, from the coefficients.
template <class T>
std::array<index_t, 2> shape_of(const Equation<T>& equation, const std::vector<Operand>& operands) {
    const std::size_t right = equation.square ? 0 : equation.coefficients.find('r');
    return {operands[equation.coefficients.find('l')].rows, operands[right].rows};
}

template <class T>
bool fits(const Equation<T>& equation, std::array<index_t, 2> shape, const Operand& q) {
    return q.rows == equation.form.stacked * shape[0] && q.cols == shape[1] && q.is_walkable();
}

template <class T>
bool is_small(const Equation<T>& equation, std::array<index_t, 2> shape, const Batch& batch) {
    const SmallForm& form = equation.form;
    const index_t unknowns = form.stacked * shape[0] * shape[1];
    const index_t limit = batch.shape().empty() ? form.alone : kronecker_limit;
    return !form.terms.empty() && 0 < unknowns && unknowns <= limit && batch.count() > 0;
}

template <class T, class Q>
py::object solve_exact(const Equation<T>& equation, std::vector<Operand> operands, py::handle q,
                       bool check_finite) {
    const std::array shape = shape_of(equation, operands);
    if (!fits(equation, shape, operands.emplace_back(q))) return py::none();
    const Batch batch(std::move(operands));
    if (!batch.fits()) return py::none();
    return is_small(equation, shape, batch)
               ? solve_in_lanes<T, Q>(equation, batch, check_finite)
               : solve_each<T, Q>(batch, check_finite, solving(equation));
}

/// The decompositions of an equation, of whichever scalar.
struct Factor {
    template <class T>
    using Of = std::shared_ptr<const EquationFactor<T>>;

    std::variant<Of<double>, Of<std::complex<double>>, Of<float>, Of<std::complex<float>>> any;
    std::size_t equation;
    std::array<index_t, 2> shape;

    double rcond() const {
        return std::visit([](const auto& factor) { return factor->rcond(); }, any);
    }

    /// The equation, or its adjoint, for a right-hand side.
    py::object solve(py::handle rhs, bool adjoint, bool check_finite) const {
        return std::visit(
            [&]<class T>(const Of<T>& factor) -> py::object {
                if (is_exact<T>(rhs)) return solve_as<T, T>(*factor, rhs, adjoint, check_finite);
                if constexpr (!is_complex<T>)
                    if (is_exact<std::complex<T>>(rhs) && !equations<T>()[equation].real_linear)
                        return solve_as<T, std::complex<T>>(*factor, rhs, adjoint, check_finite);
                return py::none();
            },
            any);
    }

  private:
    template <class T, class Q>
    py::object solve_as(const EquationFactor<T>& factor, py::handle rhs, bool adjoint,
                        bool check_finite) const {
        const Operand q(rhs);
        if (!fits(equations<T>()[equation], shape, q)) return py::none();
        return solve_each<T, Q>(
            Batch({q}), check_finite,
            [&](Coefficients<T>, RightHandSides<T> sides) { return factor.solve(adjoint, sides); });
    }
};

/// One row of the table of equations, for operands of any scalar.
class BoundEquation {
  public:
    explicit BoundEquation(std::string_view name) {
        const auto table = equations<double>();
        while (index_ < table.size() && table[index_].name != name) ++index_;
        if (index_ == table.size()) throw py::key_error(std::string(name));
    }

    /// None if the operands are not exactly right.
    py::object solve(const py::tuple& coefficients, py::handle q, bool check_finite) const {
        return with_first_scalar(coefficients, [&]<class T>(T) -> py::object {
            const Equation<T>& equation = equations<T>()[index_];
            auto operands = exact_operands(equation, coefficients);
            if (!operands) return py::none();
            if (is_exact<T>(q))
                return solve_exact<T, T>(equation, std::move(*operands), q, check_finite);
            if constexpr (!is_complex<T>)
                if (is_exact<std::complex<T>>(q) && !equation.real_linear)
                    return solve_exact<T, std::complex<T>>(equation, std::move(*operands), q,
                                                           check_finite);
            return py::none();
        });
    }

    py::object factor(const py::tuple& coefficients) const {
        return with_first_scalar(coefficients, [&]<class T>(T) -> py::object {
            const Equation<T>& equation = equations<T>()[index_];
            const auto operands = exact_operands(equation, coefficients);
            if (!operands) return py::none();
            std::vector<MatrixView<const T>> matrices;
            double work = 0;
            for (const Operand& operand : *operands) {
                if (operand.lead != 0) return py::none();
                matrices.push_back(operand.matrix<T>(0));
                work += flops(operand, 1);
            }
            Factor::Of<T> factor;
            run_kernel(work, [&] { factor = equation.factor(matrices); });
            return py::cast(Factor{std::move(factor), index_, shape_of(equation, *operands)});
        });
    }

  private:
    template <class F>
    static py::object with_first_scalar(const py::tuple& coefficients, F&& f) {
        return coefficients.empty() ? py::none() : with_scalar(coefficients[0], f);
    }

    std::size_t index_ = 0;
};

}  // namespace

void register_equations(py::module_& m) {
    using py::arg;
    py::class_<BoundEquation>(m, "Equation", "A row of the table of matrix equations, by its name.")
        .def(py::init<std::string_view>(), arg("name"))
        .def("solve", &BoundEquation::solve, arg("coefficients"), arg("q"), arg("check_finite"),
             "(x, quiet, method, residual, rcond, scale, refinements), or None for operands that "
             "are not exact.")
        .def("factor", &BoundEquation::factor, arg("coefficients"));
    py::class_<Factor>(m, "EquationFactor", "The decompositions of an equation.")
        .def("rcond", &Factor::rcond)
        .def("solve", &Factor::solve, arg("rhs"), arg("adjoint"), arg("check_finite"));
}

}  // namespace otimes::bindings
