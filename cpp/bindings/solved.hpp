// What a solver returns to Python: X and its report, or arrays of reports for a batch.
#pragma once

#include <algorithm>  // std::find
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "batch.hpp"
#include "otimes/equation.hpp"

namespace otimes::bindings {

/// The methods of a batch, each named once.
inline std::string method_of(const std::vector<SolveReport>& reports) {
    std::vector<std::string_view> names;
    for (const auto& report : reports)
        if (std::find(names.begin(), names.end(), report.method) == names.end())
            names.push_back(report.method);
    std::string text;
    for (const auto name : names) text += (text.empty() ? "" : ", ") + std::string(name);
    return text;
}

/// (x, quiet, method, residual, rcond, scale, refinements); arrays of the batch's shape in a batch.
/// quiet: nothing has to be said about any of the solutions.
template <class R>
py::object result(const py::array& x, const Batch& batch, const std::vector<SolveReport>& reports) {
    constexpr double eps = static_cast<double>(std::numeric_limits<R>::epsilon());
    bool quiet = true;
    for (const auto& report : reports)
        quiet = quiet && !(report.rcond < 1000 * eps) && !(report.residual > 1000 * eps) &&
                report.scale == 1;
    if (batch.shape().empty()) {
        const SolveReport& report = reports.front();
        return py::make_tuple(x, quiet, report.method, report.residual, report.rcond, report.scale,
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
    return py::make_tuple(x, quiet, method_of(reports), residual, rcond, scale, refinements);
}

}  // namespace otimes::bindings
