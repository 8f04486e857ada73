// What the binding files share: exact-type tests on handles, and the list of what is registered.
#pragma once

#include <pybind11/complex.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "otimes/view.hpp"

namespace otimes::bindings {

namespace py = pybind11;

// The module's table of contents; each function stands in bind_<family>.cpp.
void register_system(py::module_& m);
void register_vec(py::module_& m);
void register_plan(py::module_& m);
void register_kron(py::module_& m);
void register_products(py::module_& m);
void register_equations(py::module_& m);
void register_riccati(py::module_& m);
void register_least_squares(py::module_& m);
void register_functions(py::module_& m);
void register_spectral(py::module_& m);

/// An ndarray that is exactly of dtype T: no subclass, native byte order, aligned. Nothing else
/// enters a kernel; a binding that gets something else returns None, and Python's slow path
/// converts it or words the error.
template <class T>
bool is_exact(py::handle h) {
    if (Py_TYPE(h.ptr()) != py::detail::npy_api::get().PyArray_Type_) return false;
    const auto* array = py::detail::array_proxy(h.ptr());
    const auto* descr = py::detail::array_descriptor1_proxy(array->descr);
    constexpr int aligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    return descr->type_num == py::detail::npy_format_descriptor<T>::value &&
           descr->byteorder != '>' && (array->flags & aligned) != 0;
}

template <class T>
std::optional<py::array_t<T, 0>> exact(py::handle h) {
    if (!is_exact<T>(h)) return std::nullopt;
    return py::reinterpret_borrow<py::array_t<T, 0>>(h);
}

inline bool is_c_contiguous(const py::array& a) {
    return (a.flags() & py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_) != 0;
}
inline bool is_f_contiguous(const py::array& a) {
    return (a.flags() & py::detail::npy_api::NPY_ARRAY_F_CONTIGUOUS_) != 0;
}

/// Whether two contiguous arrays share memory.
inline bool overlap(const py::array& a, const py::array& b) {
    const auto* const pa = static_cast<const char*>(a.data());
    const auto* const pb = static_cast<const char*>(b.data());
    return pa < pb + b.nbytes() && pb < pa + a.nbytes();
}

/// Work, in flops, above which the interpreter lock is worth releasing (about 5 microseconds).
inline constexpr double release_threshold = 20000;

/// Run a kernel, without the interpreter lock when it takes long enough to matter.
template <class F>
void run_kernel(double work, F&& kernel) {
    if (work < release_threshold) return kernel();
    const py::gil_scoped_release unlocked;
    kernel();
}

}  // namespace otimes::bindings
