#include "bindings.hpp"
#include "otimes/error.hpp"

namespace py = pybind11;

namespace {

void translate(std::exception_ptr thrown) {
    try {
        if (thrown) std::rethrow_exception(thrown);
    } catch (const otimes::shape_error& e) {
        py::set_error(PyExc_ValueError, e.what());
    } catch (const otimes::singular_error& e) {
        py::set_error(py::module_::import("numpy").attr("linalg").attr("LinAlgError"), e.what());
    } catch (const otimes::interrupted&) {
        // PyErr_CheckSignals has set KeyboardInterrupt already
        if (!PyErr_Occurred()) PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
}

}  // namespace

// Without a lock of the interpreter: what the core makes is immutable, or guarded by a mutex.
PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
    m.doc() = "The compiled core of otimes.";
    py::register_local_exception_translator(translate);
    otimes::bindings::register_system(m);
    otimes::bindings::register_vec(m);
    otimes::bindings::register_plan(m);
    otimes::bindings::register_kron(m);
    otimes::bindings::register_products(m);
    otimes::bindings::register_equations(m);
    otimes::bindings::register_riccati(m);
    otimes::bindings::register_least_squares(m);
    otimes::bindings::register_functions(m);
    otimes::bindings::register_spectral(m);
}
