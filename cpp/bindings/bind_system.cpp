// Threads, interrupts and what `python -m otimes info` prints.
#include "bindings.hpp"
#include "otimes/blas.hpp"
#include "otimes/cpu.hpp"
#include "otimes/threads.hpp"

namespace otimes::bindings {
namespace {

bool interrupt_pending() {
    const py::gil_scoped_acquire locked;
    return PyErr_CheckSignals() != 0;
}

}  // namespace

void register_system(py::module_& m) {
    set_interrupt_test(interrupt_pending);
    set_num_threads(get_num_threads());  // BLAS's own number counts until it is told another
    m.attr("__version__") = OTIMES_VERSION;
    m.attr("compiler") = OTIMES_COMPILER;
    m.attr("blas_source") = OTIMES_BLAS;
    m.def("blas_config", &blas::config, "The BLAS's description of itself.");
    m.def("blas_core", &blas::core_name, "The kernel set that the BLAS chose for this processor.");
    m.attr("kernels") = name_of(active_isa());
    m.def("get_num_threads", &get_num_threads);
    m.def("set_num_threads", &set_num_threads, py::arg("n"));
}

}  // namespace otimes::bindings
