// Least squares with A X B = C: exact ndarrays in, solutions and report out.
#include <span>
#include <vector>

#include "batch.hpp"
#include "bindings.hpp"
#include "otimes/lstsq_axb.hpp"
#include "otimes/threads.hpp"

namespace otimes::bindings {
namespace {

using Ridges = py::array_t<double, py::array::c_style>;
using Reports = std::vector<LeastSquaresReport>;

template <class Field, class T>
py::array_t<T> field_of(const Reports& reports, const std::vector<py::ssize_t>& shape,
                        Field&& field, T /*scalar*/) {
    py::array_t<T> values(shape);
    for (std::size_t i = 0; i < reports.size(); ++i) values.mutable_data()[i] = field(reports[i]);
    return values;
}

py::object result(const py::array& x, const Reports& reports,
                  const std::vector<py::ssize_t>& shape) {
    py::list methods;
    for (const auto& report : reports)
        if (!methods.contains(report.method)) methods.append(report.method);
    const auto numbers = [&](auto field, auto scalar) {
        return field_of(reports, shape, field, scalar);
    };
    return py::make_tuple(x, py::str(", ").attr("join")(methods),
                          numbers([](const auto& report) { return report.left_rank; }, index_t{}),
                          numbers([](const auto& report) { return report.right_rank; }, index_t{}),
                          numbers([](const auto& report) { return report.residual; }, double{}),
                          numbers([](const auto& report) { return report.rcond; }, double{}),
                          numbers([](const auto& report) { return report.scale; }, double{}));
}

template <class T>
py::object solve(const py::array& a, const py::array& b, const py::array& c, double rcond,
                 const Ridges& ridges) {
    const Batch batch({Operand(a), Operand(b), Operand(c)});
    const index_t m = batch.operand(0).cols, n = batch.operand(1).rows, count = batch.count();
    const auto ridge_count = static_cast<std::size_t>(ridges.size());
    std::vector<py::ssize_t> report_shape{ridges.size()};
    report_shape.insert(report_shape.end(), batch.shape().begin(), batch.shape().end());
    std::vector<py::ssize_t> shape = report_shape;
    shape.insert(shape.end(), {m, n});
    py::array_t<T> x(shape);
    T* const out = x.mutable_data();
    Reports reports(ridge_count * static_cast<std::size_t>(count));
    const auto size = static_cast<double>(a.size() + b.size() + c.size());
    const double work = 20 * size * static_cast<double>(1 + m + n);
    const std::span<const double> values(ridges.data(), ridge_count);
    run_kernel(work, [&] {
        parallel_for(count, work, [&](index_t item) {
            std::vector<MatrixView<T>> solutions;
            for (index_t k = 0; k < ridges.size(); ++k)
                solutions.push_back({out + (k * count + item) * m * n, m, n, n, 1});
            Reports own(ridge_count);
            const BatchItem at(batch, item);
            lstsq_axb<T>(at.matrix<T>(0), at.matrix<T>(1), at.matrix<T>(2), rcond, values,
                         solutions, own);
            for (std::size_t k = 0; k < ridge_count; ++k)
                reports[k * static_cast<std::size_t>(count) + static_cast<std::size_t>(item)] =
                    own[k];
        });
    });
    return result(x, reports, report_shape);
}

py::object bound_lstsq_axb(const py::array& a, const py::array& b, const py::array& c, double rcond,
                           const Ridges& ridges) {
    return with_scalar(a, [&]<class T>(T) -> py::object {
        if (!is_exact<T>(b) || !is_exact<T>(c))
            throw py::type_error("a, b and c must be exact arrays of one dtype");
        return solve<T>(a, b, c, rcond, ridges);
    });
}

}  // namespace

void register_least_squares(py::module_& m) {
    using py::arg;
    m.def("lstsq_axb", &bound_lstsq_axb, arg("a"), arg("b"), arg("c"), arg("rcond"), arg("ridges"),
          "(x, method, rank of a, rank of b, residual, rcond, scale), with an axis for the ridges "
          "before those of the batch.");
}

}  // namespace otimes::bindings
