// The planning of products: pure functions of sizes, for cost rules and tests.
#include "bindings.hpp"
#include "otimes/plan.hpp"

namespace otimes::bindings {
namespace {

using Sizes = std::vector<index_t>;

std::vector<Mode> acting_modes(const Sizes& rows, const Sizes& cols) {
    std::vector<Mode> modes;
    for (std::size_t k = 0; k < rows.size(); ++k)
        modes.push_back({rows[k], cols[k], true, false, rows[k] * cols[k]});
    return modes;
}

py::list listed(const std::vector<Pass>& passes) {
    py::list list;
    for (const Pass& pass : passes) {
        Sizes modes;
        for (const Step& step : pass.steps) modes.push_back(pass.first + step.mode);
        list.append(py::make_tuple(py::tuple(py::cast(modes)), pass.width, listed(pass.parts)));
    }
    return list;
}

}  // namespace

void register_plan(py::module_& m) {
    m.def(
        "application_order",
        [](const Sizes& rows, const Sizes& cols, const Sizes& entries) {
            return py::tuple(py::cast(application_order(rows, cols, entries)));
        },
        py::arg("rows"), py::arg("cols"), py::arg("entries") = py::tuple());
    m.def("application_work", &application_work, py::arg("rows"), py::arg("cols"), py::arg("order"),
          py::arg("entries") = py::tuple());
    m.def(
        "merged_runs",
        [](const Sizes& rows, const Sizes& cols, index_t lanes) {
            return py::tuple(py::cast(merged_runs(acting_modes(rows, cols), lanes)));
        },
        py::arg("rows"), py::arg("cols"), py::arg("lanes"));
    m.def(
        "plan_passes",
        [](const Sizes& rows, const Sizes& cols, index_t right, index_t panel, index_t block,
           index_t line) {
            return listed(plan_passes(acting_modes(rows, cols), right, {panel, block, line}));
        },
        py::arg("rows"), py::arg("cols"), py::arg("right"), py::arg("panel"), py::arg("block"),
        py::arg("line"));
}

}  // namespace otimes::bindings
