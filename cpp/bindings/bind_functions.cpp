// Matrix functions: exact ndarrays in, batches looped over here.
#include <atomic>
#include <cmath>
#include <vector>

#include "batch.hpp"
#include "bindings.hpp"
#include "otimes/matrix_functions.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes::bindings {
namespace {

template <class T>
bool is_finite(const T* x, index_t count) {
    return std::isfinite(max_abs<T>(MatrixView<const T>{x, count, 1, 1, count}));
}

/// (e^A, whether it overflows), or None for what is no stack of squares, or not finite.
template <class T>
py::object exponential(const Operand& a, bool check_finite) {
    if (!a.is_square() || !a.is_walkable()) return py::none();
    const Batch batch({a});
    const index_t n = a.rows, count = batch.count();
    py::array_t<T> result(std::vector<py::ssize_t>(a.array.shape(), a.array.shape() + a.lead + 2));
    T* const out = result.mutable_data();
    std::atomic<bool> undefined = false, overflow = false;
    const double cube = static_cast<double>(n * n * n);
    const double work = static_cast<double>(count) * (500 + 20 * cube);
    // transposed: row-major matrices are column-major then, as the results are
    const auto one = [&](MatrixView<const T> transposed, T* x) {
        expm<T>(transposed, x);
        if (is_finite(x, n * n)) return;
        (std::isfinite(max_abs<T>(transposed)) ? overflow : undefined) = true;
    };
    const auto chunk = [&](index_t begin, index_t end) {
        BatchItem item(batch, begin);
        for (; begin < end; ++begin, item.next()) one(item.matrix<T>(0).t(), out + begin * n * n);
    };
    run_kernel(work, [&] {
        if (count == 1) return chunk(0, 1);  // its products may use all threads
        parallel_chunks(count, work, chunk);
    });
    if (check_finite && undefined) return py::none();
    return py::make_tuple(result, overflow.load());
}

py::object bound_expm(py::handle a, bool check_finite) {
    return with_scalar(a, [&]<class T>(T) { return exponential<T>(Operand(a), check_finite); });
}

}  // namespace

void register_functions(py::module_& m) {
    using py::arg;
    m.def("expm", &bound_expm, arg("a"), arg("check_finite"),
          "(e^A, whether it overflows) for a of shape (..., n, n); None if a is not exact.");
}

}  // namespace otimes::bindings
