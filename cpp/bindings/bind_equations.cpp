// Matrix equations: exact ndarrays in, solution and report out; batches are looped over here.
#include <algorithm>  // std::any_of
#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "bindings.hpp"
#include "otimes/equations.hpp"
#include "otimes/error.hpp"
#include "otimes/threads.hpp"

namespace otimes::bindings {
namespace {

/// An operand as the loop over a batch sees it: its matrices, and byte strides of leading axes.
struct Operand {
    py::array array;
    py::ssize_t lead, rows, cols;

    explicit Operand(py::handle h)
        : array(py::reinterpret_borrow<py::array>(h)),
          lead(array.ndim() - 2),
          rows(lead < 0 ? -1 : array.shape(lead)),
          cols(lead < 0 ? -1 : array.shape(lead + 1)) {}

    bool is_square() const { return rows >= 0 && rows == cols; }

    /// Strides that are no multiple of the element size cannot be walked by element pointers.
    bool is_walkable() const {
        return lead >= 0 && array.strides(lead) % array.itemsize() == 0 &&
               array.strides(lead + 1) % array.itemsize() == 0;
    }

    /// The transposed matrix at a byte offset. Row-major A X + X B = Q is B^T X^T + X^T A^T = Q^T
    /// in LAPACK's column-major order, so all views are transposed and none is copied for it.
    template <class T>
    MatrixView<const T> transposed(index_t offset) const {
        constexpr auto size = static_cast<index_t>(sizeof(T));
        const auto* base = static_cast<const std::byte*>(array.data()) + offset;
        return {reinterpret_cast<const T*>(base), cols, rows, array.strides(lead + 1) / size,
                array.strides(lead) / size};
    }
};

/// Leading axes of the operands, broadcast as np.linalg.solve does.
class Batch {
  public:
    explicit Batch(std::vector<Operand> operands) : operands_(std::move(operands)) {
        for (const auto& operand : operands_)
            if (static_cast<std::size_t>(operand.lead) > shape_.size())
                shape_.resize(static_cast<std::size_t>(operand.lead), 1);
        for (const auto& operand : operands_) include(operand);
        for (const auto n : shape_) count_ *= n;
    }

    bool fits() const { return fits_; }
    index_t count() const { return count_; }
    const std::vector<py::ssize_t>& shape() const { return shape_; }
    const Operand& operand(std::size_t k) const { return operands_[k]; }

    template <class T>
    MatrixView<const T> transposed(std::size_t k, index_t item) const {
        const Operand& operand = operands_[k];
        index_t offset = 0;
        for (auto axis = static_cast<py::ssize_t>(shape_.size()), own = operand.lead; own > 0;) {
            const auto n = shape_[static_cast<std::size_t>(--axis)];
            --own;
            if (operand.array.shape(own) > 1) offset += item % n * operand.array.strides(own);
            item /= n;
        }
        return operand.transposed<T>(offset);
    }

    std::string index_text(index_t item) const {
        std::string text;
        for (std::size_t axis = shape_.size(); axis-- > 0; item /= shape_[axis])
            text = std::to_string(item % shape_[axis]) + (text.empty() ? "" : ", " + text);
        return shape_.size() == 1 ? text : "(" + text + ")";
    }

  private:
    void include(const Operand& operand) {
        const std::size_t skip = shape_.size() - static_cast<std::size_t>(operand.lead);
        for (py::ssize_t k = 0; k < operand.lead; ++k) {
            py::ssize_t& size = shape_[skip + static_cast<std::size_t>(k)];
            const py::ssize_t own = operand.array.shape(k);
            if (size == 1) size = own;
            fits_ = fits_ && (own == size || own == 1);
        }
    }

    std::vector<Operand> operands_;
    std::vector<py::ssize_t> shape_;
    index_t count_ = 1;
    bool fits_ = true;
};

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

/// (x, quiet, residual, rcond, scale, refinements); arrays of the batch's shape in a batch. quiet:
/// nothing has to be said about any of the solutions.
template <class R>
py::object result(const py::array& x, const Batch& batch, const std::vector<SolveReport>& reports) {
    constexpr double eps = static_cast<double>(std::numeric_limits<R>::epsilon());
    bool quiet = true;
    for (const auto& report : reports)
        quiet = quiet && !(report.rcond < 1000 * eps) && !(report.residual > 1000 * eps) &&
                report.scale == 1;
    if (batch.shape().empty()) {
        const SolveReport& report = reports.front();
        return py::make_tuple(x, quiet, report.residual, report.rcond, report.scale,
                              report.refinements);
    }
    py::array_t<double> residual(batch.shape()), rcond(batch.shape()), scale(batch.shape());
    py::array_t<int> refinements(batch.shape());
    for (std::size_t i = 0; i < reports.size(); ++i) {
        residual.mutable_data()[i] = reports[i].residual;
        rcond.mutable_data()[i] = reports[i].rcond;
        scale.mutable_data()[i] = reports[i].scale;
        refinements.mutable_data()[i] = reports[i].refinements;
    }
    return py::make_tuple(x, quiet, residual, rcond, scale, refinements);
}

/// Did NaN or Inf come in? (Where only the solution overflows, scale is 0.)
bool undefined(const SolveReport& report) {
    return std::isnan(report.residual) && report.scale != 0;
}

/// Solve every item with solve(item, sides); None when check_finite finds NaN or Inf.
template <class T, class Q, class Solve>
py::object solve_batch(const Batch& batch, std::size_t q_index, bool check_finite, Solve&& solve) {
    const Operand& q = batch.operand(q_index);
    std::vector<py::ssize_t> shape = batch.shape();
    shape.insert(shape.end(), {q.rows, q.cols});
    py::array_t<Q> x(shape);
    Q* const out = x.mutable_data();
    std::vector<SolveReport> reports(static_cast<std::size_t>(batch.count()));
    const double work = flops(q, batch.count());
    run_kernel(work, [&] {
        parallel_for(batch.count(), work, [&](index_t item) {
            const MatrixView<Q> x_item{out + item * q.rows * q.cols, q.cols, q.rows, 1, q.cols};
            const Sides<T, Q> sides(batch.transposed<Q>(q_index, item), x_item);
            try {
                reports[static_cast<std::size_t>(item)] =
                    solve(item, RightHandSides<T>(sides.list));
            } catch (const singular_error& e) {
                if (batch.shape().empty()) throw;
                throw singular_error("item " + batch.index_text(item) + ": " + e.what());
            }
        });
    });
    if (check_finite && std::any_of(reports.begin(), reports.end(), undefined)) return py::none();
    return result<real_t<T>>(x, batch, reports);
}

template <class T>
using Solver = SolveReport (*)(MatrixView<const T>, MatrixView<const T>, RightHandSides<T>);

/// One equation in a, b and q; None if the operands are not exactly right.
template <class T, class Q>
py::object solve_equation(Solver<T> solver, py::handle a, py::handle b, py::handle q,
                          bool check_finite) {
    const Operand ao(a), bo(b), qo(q);
    const bool fits = ao.is_square() && bo.is_square() && qo.rows == ao.rows &&
                      qo.cols == bo.rows && ao.is_walkable() && bo.is_walkable() &&
                      qo.is_walkable();
    if (!fits) return py::none();
    const Batch batch({ao, bo, qo});
    if (!batch.fits()) return py::none();
    return solve_batch<T, Q>(batch, 2, check_finite, [&](index_t item, RightHandSides<T> sides) {
        return solver(batch.transposed<T>(1, item), batch.transposed<T>(0, item), sides);
    });
}

template <class T>
py::object try_equation(Solver<T> solver, py::handle a, py::handle b, py::handle q,
                        bool check_finite) {
    if (!is_exact<T>(a) || !is_exact<T>(b)) return py::none();
    if (is_exact<T>(q)) return solve_equation<T, T>(solver, a, b, q, check_finite);
    if constexpr (!is_complex<T>)
        if (is_exact<std::complex<T>>(q))
            return solve_equation<T, std::complex<T>>(solver, a, b, q, check_finite);
    return py::none();
}

/// The first of the four scalars that a is an array of decides.
template <class F>
py::object with_scalar(py::handle a, F&& f) {
    if (is_exact<double>(a)) return f(double{});
    if (is_exact<std::complex<double>>(a)) return f(std::complex<double>{});
    if (is_exact<float>(a)) return f(float{});
    if (is_exact<std::complex<float>>(a)) return f(std::complex<float>{});
    return py::none();
}

py::object bound_solve_sylvester(py::handle a, py::handle b, py::handle q, bool check_finite) {
    return with_scalar(
        a, [&]<class T>(T) { return try_equation<T>(&solve_sylvester<T>, a, b, q, check_finite); });
}

py::object bound_solve_axb(py::handle a, py::handle b, py::handle q, bool check_finite) {
    return with_scalar(
        a, [&]<class T>(T) { return try_equation<T>(&solve_axb<T>, a, b, q, check_finite); });
}

/// The decompositions of B^T X^T + X^T A^T, of whichever scalar.
struct Factor {
    template <class T>
    using Of = std::shared_ptr<const SylvesterFactor<T>>;

    std::variant<Of<double>, Of<std::complex<double>>, Of<float>, Of<std::complex<float>>> any;
    index_t rows, cols;

    double rcond() const {
        return std::visit([](const auto& factor) { return factor->rcond(); }, any);
    }

    /// op = N or H: A X + X B = rhs or A^H X + X B^H = rhs.
    py::object solve(py::handle rhs, bool adjoint, bool check_finite) const {
        return std::visit(
            [&]<class T>(const Of<T>& factor) -> py::object {
                if (is_exact<T>(rhs)) return solve_as<T, T>(*factor, rhs, adjoint, check_finite);
                if constexpr (!is_complex<T>)
                    if (is_exact<std::complex<T>>(rhs))
                        return solve_as<T, std::complex<T>>(*factor, rhs, adjoint, check_finite);
                return py::none();
            },
            any);
    }

  private:
    template <class T, class Q>
    py::object solve_as(const SylvesterFactor<T>& factor, py::handle rhs, bool adjoint,
                        bool check_finite) const {
        const Operand q(rhs);
        if (q.rows != rows || q.cols != cols || !q.is_walkable()) return py::none();
        return solve_batch<T, Q>(
            Batch({q}), 0, check_finite,
            [&](index_t, RightHandSides<T> sides) { return factor.solve(adjoint, sides); });
    }
};

template <class T>
py::object make_factor(py::handle a, py::handle b) {
    if (!is_exact<T>(b)) return py::none();
    const Operand ao(a), bo(b);
    const bool fits = ao.lead == 0 && bo.lead == 0 && ao.is_square() && bo.is_square() &&
                      ao.is_walkable() && bo.is_walkable();
    if (!fits) return py::none();
    Factor::Of<T> factor;
    run_kernel(flops(ao, 1) + flops(bo, 1), [&] {
        factor =
            std::make_shared<const SylvesterFactor<T>>(bo.transposed<T>(0), ao.transposed<T>(0));
    });
    return py::cast(Factor{std::move(factor), ao.rows, bo.rows});
}

py::object bound_sylvester_factor(py::handle a, py::handle b) {
    return with_scalar(a, [&]<class T>(T) { return make_factor<T>(a, b); });
}

}  // namespace

void register_equations(py::module_& m) {
    using py::arg;
    m.def("solve_sylvester", &bound_solve_sylvester, arg("a"), arg("b"), arg("q"),
          arg("check_finite"),
          "A X + X B = Q: (x, quiet, residual, rcond, scale, refinements), or None for operands "
          "that are not exact.");
    m.def("solve_axb", &bound_solve_axb, arg("a"), arg("b"), arg("q"), arg("check_finite"),
          "A X B = Q: as solve_sylvester.");
    py::class_<Factor>(m, "SylvesterFactor", "The decompositions of A X + X B.")
        .def("rcond", &Factor::rcond)
        .def("solve", &Factor::solve, arg("rhs"), arg("adjoint"), arg("check_finite"));
    m.def("sylvester_factor", &bound_sylvester_factor, arg("a"), arg("b"));
}

}  // namespace otimes::bindings
