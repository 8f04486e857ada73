// Products with Kronecker factors in one call: no operator object, the factors are borrowed.
#include <algorithm>
#include <limits>

#include "bindings.hpp"
#include "otimes/kron.hpp"

namespace otimes::bindings {
namespace {

/// A factor that lives no longer than the call; nothing when it is no contiguous matrix of type T.
template <class T>
std::optional<TermFactor<T>> borrowed(py::handle h, bool transposed) {
    if (!is_exact<T>(h)) return std::nullopt;
    const auto a = py::reinterpret_borrow<py::array_t<T, 0>>(h);
    const bool row_major = is_c_contiguous(a);
    if (a.ndim() != 2 || !(row_major || is_f_contiguous(a))) return std::nullopt;
    static const char call_owns = 0;  // the identity is what has no owner
    TermFactor<T> f;
    f.data = a.data();
    f.rows = a.shape(transposed ? 1 : 0);
    f.cols = a.shape(transposed ? 0 : 1);
    f.row_major = row_major != transposed;
    f.owner = std::shared_ptr<const void>(std::shared_ptr<const void>(), &call_owns);
    return f;
}

/// The axes of an operand: `mode` meets the factors; all others are independent.
struct Layout {
    index_t L = 1, R = 1;
    bool swapped = false;  // contiguous once the last two axes are swapped
};

/// Whether x is contiguous in C order once its last two axes are swapped.
bool is_swapped(const py::array& x) {
    const index_t n = x.ndim();
    if (n < 2) return false;
    index_t stride = x.itemsize();
    for (index_t k = n; k-- > 0;) {
        const index_t axis = k == n - 1 ? n - 2 : k == n - 2 ? n - 1 : k;
        if (x.shape(axis) != 1 && x.strides(axis) != stride) return false;
        stride *= x.shape(axis);
    }
    return true;
}

/// (L, N, R) of an operand (..., N, k), or (..., k, N) when the factors come from the right.
std::optional<Layout> layout_of(const py::array& x, bool from_right) {
    const index_t n = x.ndim();
    if (n == 1) return is_c_contiguous(x) ? std::optional(Layout{}) : std::nullopt;
    Layout layout;
    layout.swapped = !is_c_contiguous(x);
    if (layout.swapped && !is_swapped(x)) return std::nullopt;
    for (index_t k = 0; k < n - 2; ++k) layout.L *= x.shape(k);
    const index_t others = x.shape(from_right ? n - 2 : n - 1);
    (layout.swapped == from_right ? layout.R : layout.L) *= others;
    return layout;
}

/// A new array of this shape, its last two axes swapped in memory on demand.
template <class T>
py::array_t<T, 0> new_array(std::vector<py::ssize_t> shape, bool swapped) {
    if (!swapped) return py::array_t<T, 0>(std::move(shape));
    std::vector<py::ssize_t> strides(shape.size());
    std::swap(shape.end()[-1], shape.end()[-2]);
    py::ssize_t stride = sizeof(T);
    for (std::size_t k = shape.size(); k-- > 0; stride *= shape[k]) strides[k] = stride;
    std::swap(shape.end()[-1], shape.end()[-2]);
    std::swap(strides.end()[-1], strides.end()[-2]);
    return py::array_t<T, 0>(std::move(shape), std::move(strides));
}

/// `out` when it has this shape and layout and shares no memory with the operands, else nothing.
template <class T>
std::optional<py::array_t<T, 0>> usable(py::handle out, const std::vector<py::ssize_t>& shape,
                                        bool swapped, const py::array& x,
                                        const py::tuple& factors) {
    auto y = exact<T>(out);
    if (!y || y->ndim() != static_cast<py::ssize_t>(shape.size()) || !y->writeable() ||
        !std::equal(shape.begin(), shape.end(), y->shape()))
        return std::nullopt;
    if (!(swapped ? is_swapped(*y) : is_c_contiguous(*y)) || overlap(*y, x)) return std::nullopt;
    for (const py::handle f : factors)
        if (overlap(*y, py::reinterpret_borrow<py::array>(f))) return std::nullopt;
    return y;
}

/// The product of sizes, or nothing when it passes 2^63 - 1.
std::optional<index_t> product_of(index_t a, index_t b) {
    if (b != 0 && a > std::numeric_limits<index_t>::max() / b) return std::nullopt;
    return a * b;
}

/// (F1 x ... x FN) applied to the second last axis of x, or from the right to its last.
template <class T>
py::object product(const py::tuple& factors, const py::array_t<T, 0>& x, py::handle out,
                   bool from_right) {
    const index_t n = x.ndim();
    if (n == 0) return py::none();
    std::vector<Term<T>> terms(1);
    terms[0].coefficient = T(1);
    terms[0].factors.reserve(factors.size());
    std::optional<index_t> rows = 1, cols = 1;
    for (const py::handle h : factors) {
        auto f = borrowed<T>(h, from_right);
        if (!f) return py::none();
        rows = product_of(*rows, f->rows);
        cols = product_of(*cols, f->cols);
        if (!rows || !cols) return py::none();
        terms[0].factors.push_back(std::move(*f));
    }
    const index_t axis = n == 1 || from_right ? n - 1 : n - 2;
    const auto layout = layout_of(x, from_right);
    if (!layout || factors.empty() || x.shape(axis) != *cols) return py::none();
    std::vector<py::ssize_t> shape(x.shape(), x.shape() + n);
    shape[static_cast<std::size_t>(axis)] = *rows;
    auto y = out.is_none() ? std::optional(new_array<T>(shape, layout->swapped))
                           : usable<T>(out, shape, layout->swapped, x, factors);
    if (!y) return py::none();
    const TermPlan<T> plan(std::move(terms));
    T* const to = y->mutable_data();
    run_kernel(2 * plan.work() * static_cast<double>(layout->L * layout->R),
               [&] { plan.apply(x.data(), layout->L, layout->R, to); });
    return *y;
}

/// The factors each along one axis of a C-ordered tensor; -1 marks axes without one.
template <class T>
struct AlongAxes {
    Term<T> term{T(1), {}, {}};
    std::vector<py::ssize_t> shape;  // of the result
    index_t L = 1, R = 1;

    void add_identity(index_t size) {
        auto& factors = term.factors;
        if (factors.empty())
            L *= size;
        else if (factors.back().is_identity())
            factors.back().rows = factors.back().cols = factors.back().cols * size;
        else
            push_identity(size);
    }

    void push_identity(index_t size) {
        TermFactor<T>& eye = term.factors.emplace_back();
        eye.rows = eye.cols = size;
    }

    /// Trailing identities are columns.
    void close() {
        if (!term.factors.back().is_identity()) return;
        R = term.factors.back().cols;
        term.factors.pop_back();
    }
};

/// Which of `count` factors acts on each axis (None: the first ones); nothing when `axes` is not a
/// tuple of that many distinct axes, counted from the first.
std::optional<std::vector<index_t>> factor_of_axis(py::handle axes, std::size_t count,
                                                   index_t ndim) {
    std::vector<index_t> which(static_cast<std::size_t>(ndim), -1);
    if (!axes.is_none() && !(PyTuple_Check(axes.ptr()) && py::len(axes) == count))
        return std::nullopt;
    for (std::size_t k = 0; k < count; ++k) {
        const auto place = axes.is_none() ? k : PyLong_AsSize_t(PyTuple_GET_ITEM(axes.ptr(), k));
        if (PyErr_Occurred()) PyErr_Clear();  // then the place is too large
        if (place >= which.size() || which[place] != -1) return std::nullopt;
        which[place] = static_cast<index_t>(k);
    }
    return which;
}

template <class T>
py::object along_axes(const py::tuple& factors, const py::array_t<T, 0>& x, py::handle axes) {
    const auto which = factor_of_axis(axes, factors.size(), x.ndim());
    if (!which || !is_c_contiguous(x) || factors.empty()) return py::none();
    AlongAxes<T> along;
    for (index_t axis = 0; axis < x.ndim(); ++axis) {
        const index_t k = (*which)[static_cast<std::size_t>(axis)];
        along.shape.push_back(x.shape(axis));
        if (k < 0) {
            along.add_identity(x.shape(axis));
            continue;
        }
        auto f = borrowed<T>(factors[static_cast<std::size_t>(k)], false);
        if (!f || f->cols != x.shape(axis)) return py::none();
        along.shape.back() = f->rows;
        along.term.factors.push_back(std::move(*f));
    }
    along.close();
    const TermPlan<T> plan({std::move(along.term)});
    py::array_t<T, 0> y(std::move(along.shape));
    T* const to = y.mutable_data();
    run_kernel(2 * plan.work() * static_cast<double>(along.L * along.R),
               [&] { plan.apply(x.data(), along.L, along.R, to); });
    return y;
}

/// f(x) for x as an array of the first of these types that it is exactly of, else None.
template <class T, class... More, class F>
py::object with_exact(py::handle h, F&& f) {
    if (const auto x = exact<T>(h)) return f(*x);
    if constexpr (sizeof...(More) > 0) return with_exact<More...>(h, std::forward<F>(f));
    return py::none();
}

template <class F>
py::object with_any_exact(py::handle h, F&& f) {
    return with_exact<double, float, std::complex<double>, std::complex<float>, std::int64_t,
                      std::uint64_t, bool>(h, std::forward<F>(f));
}

/// The items of a list or a tuple, held for the call; nothing for anything else.
std::optional<py::tuple> items(py::handle h) {
    if (!PyList_Check(h.ptr()) && !PyTuple_Check(h.ptr())) return std::nullopt;
    return py::reinterpret_steal<py::tuple>(PySequence_Tuple(h.ptr()));
}

py::object kron_product(py::handle factors, py::handle x, py::handle out, bool from_right) {
    const auto held = items(factors);
    if (!held) return py::none();
    return with_any_exact(x, [&](const auto& a) { return product(*held, a, out, from_right); });
}

py::object kron_apply(py::handle factors, py::handle tensor, py::handle axes) {
    const auto held = items(factors);
    if (!held) return py::none();
    return with_any_exact(tensor, [&](const auto& a) { return along_axes(*held, a, axes); });
}

}  // namespace

void register_products(py::module_& m) {
    m.def("kron_product", &kron_product, py::arg("factors"), py::arg("x"), py::arg("out"),
          py::arg("from_right"));
    m.def("kron_apply", &kron_apply, py::arg("factors"), py::arg("tensor"), py::arg("axes"));
}

}  // namespace otimes::bindings
