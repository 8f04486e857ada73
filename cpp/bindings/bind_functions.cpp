// Matrix functions: exact ndarrays in, batches looped over here.
#include <algorithm>  // std::all_of
#include <atomic>
#include <cmath>
#include <complex>
#include <vector>

#include "bindings.hpp"
#include "otimes/matrix_functions.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes::bindings {
namespace {

/// The matrices of an array (..., n, n) as views; its strides are multiples of the item size.
template <class T>
class Stack {
  public:
    explicit Stack(const py::array_t<T, 0>& a) : data_(a.data()) {
        const auto lead = a.ndim() - 2;
        for (py::ssize_t k = 0; k < a.ndim(); ++k) {
            sizes_.push_back(a.shape(k));
            strides_.push_back(a.strides(k) / static_cast<index_t>(sizeof(T)));
            if (k < lead) count_ *= a.shape(k);
        }
    }

    index_t count() const { return count_; }
    index_t size() const { return sizes_.back(); }

    /// Transposed: row-major matrices are column-major then, as the results are.
    MatrixView<const T> transposed(index_t item) const {
        index_t offset = 0;
        for (std::size_t k = sizes_.size() - 2; k-- > 0; item /= sizes_[k])
            offset += item % sizes_[k] * strides_[k];
        const auto row = strides_[strides_.size() - 2], col = strides_.back();
        return {data_ + offset, size(), size(), col, row};
    }

  private:
    const T* data_;
    std::vector<index_t> sizes_, strides_;
    index_t count_ = 1;
};

template <class T>
bool is_stack(const py::array_t<T, 0>& a) {
    const auto n = a.ndim();
    if (n < 2 || a.shape(n - 1) != a.shape(n - 2)) return false;
    const auto size = static_cast<py::ssize_t>(sizeof(T));
    return std::all_of(a.strides(), a.strides() + n, [&](auto s) { return s % size == 0; });
}

template <class T>
bool is_finite(const T* x, index_t count) {
    return std::isfinite(max_abs<T>(MatrixView<const T>{x, count, 1, 1, count}));
}

/// (e^A, whether it overflows), or None for what is not exact, or not finite.
template <class T>
py::object exponential(py::handle h, bool check_finite) {
    const auto a = exact<T>(h);
    if (!a || !is_stack<T>(*a)) return py::none();
    const Stack<T> stack(*a);
    const index_t n = stack.size();
    py::array_t<T> result(std::vector<py::ssize_t>(a->shape(), a->shape() + a->ndim()));
    T* const out = result.mutable_data();
    std::atomic<bool> undefined = false, overflow = false;
    const double cube = static_cast<double>(n * n * n);
    const double work = static_cast<double>(stack.count()) * (500 + 20 * cube);
    const auto one = [&](index_t item) {
        const auto view = stack.transposed(item);
        expm<T>(view, out + item * n * n);
        if (is_finite(out + item * n * n, n * n)) return;
        (std::isfinite(max_abs<T>(view)) ? overflow : undefined) = true;
    };
    run_kernel(work, [&] {
        if (stack.count() == 1) return one(0);  // its products may use all threads
        parallel_chunks(stack.count(), work, [&](index_t begin, index_t end) {
            for (index_t item = begin; item < end; ++item) one(item);
        });
    });
    if (check_finite && undefined) return py::none();
    return py::make_tuple(result, overflow.load());
}

py::object bound_expm(py::handle a, bool check_finite) {
    if (is_exact<double>(a)) return exponential<double>(a, check_finite);
    if (is_exact<std::complex<double>>(a))
        return exponential<std::complex<double>>(a, check_finite);
    if (is_exact<float>(a)) return exponential<float>(a, check_finite);
    if (is_exact<std::complex<float>>(a)) return exponential<std::complex<float>>(a, check_finite);
    return py::none();
}

}  // namespace

void register_functions(py::module_& m) {
    using py::arg;
    m.def("expm", &bound_expm, arg("a"), arg("check_finite"),
          "(e^A, whether it overflows) for a of shape (..., n, n); None if a is not exact.");
}

}  // namespace otimes::bindings
