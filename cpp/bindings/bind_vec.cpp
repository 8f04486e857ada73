// Triangle gathers and scatters over batches, for elements of any size, and the products with the
// duplication, elimination and symmetrizer matrices.
#include "bindings.hpp"
#include "otimes/threads.hpp"
#include "otimes/vech.hpp"

namespace otimes::bindings {
namespace {

/// Leading axes of an array as one loop: item b starts `offset(b)` bytes from the array's data.
struct LeadingAxes {
    /// All but the last `core` axes.
    LeadingAxes(const py::array& a, py::ssize_t core) {
        for (py::ssize_t k = 0; k < a.ndim() - core; ++k) {
            sizes.push_back(a.shape(k));
            strides.push_back(a.strides(k));
            count *= a.shape(k);
        }
    }

    index_t offset(index_t item) const {
        index_t bytes = 0;
        for (std::size_t k = sizes.size(); k-- > 0; item /= sizes[k])
            bytes += (item % sizes[k]) * strides[k];
        return bytes;
    }

    std::vector<index_t> sizes, strides;
    index_t count = 1;
};

template <class F>
void with_word(py::ssize_t itemsize, F&& f) {
    switch (itemsize) {
        case 1:
            return f(std::uint8_t{});
        case 2:
            return f(std::uint16_t{});
        case 4:
            return f(std::uint32_t{});
        case 8:
            return f(word64{});
        case 16:
            return f(word128{});
        default:
            throw py::type_error("elements of this size are not supported");
    }
}

template <class Word>
MatrixView<Word> item_view(const py::array& a, std::byte* base, index_t offset) {
    constexpr auto size = static_cast<index_t>(sizeof(Word));
    const auto row = a.ndim() - 2, col = a.ndim() - 1;
    return {reinterpret_cast<Word*>(base + offset), a.shape(row), a.shape(col),
            a.strides(row) / size, a.strides(col) / size};
}

/// out (..., k) C-contiguous, a (..., n, n) whose strides are multiples of its item size.
void gather(const py::array& a, index_t offset, py::array& out) {
    const LeadingAxes from(a, 2);
    const index_t length = triangle_size(a.shape(a.ndim() - 1), offset);
    auto* const base = static_cast<std::byte*>(const_cast<void*>(a.data()));
    with_word(a.itemsize(), [&]<class Word>(Word) {
        auto* const target = static_cast<Word*>(out.mutable_data());
        const double work = static_cast<double>(length * from.count);
        run_kernel(work, [&] {
            parallel_for(from.count, work, [&](index_t b) {
                gather_lower<Word>(item_view<const Word>(a, base, from.offset(b)), offset,
                                   target + b * length);
            });
        });
    });
}

/// v (..., k) into out (..., n, n), C-contiguous.
void scatter(const py::array& v, index_t offset, py::array& out) {
    const LeadingAxes from(v, 1), to(out, 2);
    const index_t step = v.strides(v.ndim() - 1) / v.itemsize();
    const auto* const base = static_cast<const std::byte*>(v.data());
    auto* const target = static_cast<std::byte*>(out.mutable_data());
    const double work = static_cast<double>(out.size());
    with_word(v.itemsize(), [&]<class Word>(Word) {
        run_kernel(work, [&] {
            parallel_for(to.count, work, [&](index_t b) {
                scatter_lower<Word>(reinterpret_cast<const Word*>(base + from.offset(b)), step,
                                    offset, item_view<Word>(out, target, to.offset(b)));
            });
        });
    });
}

template <class T>
using Kernel = void (*)(const T*, index_t, index_t, index_t, T*);

/// A product along the middle mode of x (batch, length(n), inner), C-ordered, into a new array.
template <class T>
py::array product(const py::array& x, index_t n, index_t length, index_t new_length,
                  Kernel<T> kernel) {
    if (x.ndim() != 3 || x.shape(1) != length || !is_c_contiguous(x))
        throw py::type_error("a triangle kernel takes a C-ordered array (batch, size, inner)");
    const index_t batch = x.shape(0), inner = x.shape(2);
    py::array y(x.dtype(), std::vector<py::ssize_t>{batch, new_length, inner});
    const auto* const from = static_cast<const T*>(x.data());
    auto* const to = static_cast<T*>(y.mutable_data());
    if (y.size() > 0)
        run_kernel(static_cast<double>(batch * n) * static_cast<double>(n * inner),
                   [&] { kernel(from, batch, n, inner, to); });
    return y;
}

py::array pad(const py::array& v, index_t n) {
    py::array a;
    with_word(v.itemsize(), [&]<class Word>(Word) {
        a = product<Word>(v, n, triangle_size(n, 0), n * n, pad_triangle<Word>);
    });
    return a;
}

py::array cut(const py::array& a, index_t n) {
    py::array v;
    with_word(a.itemsize(), [&]<class Word>(Word) {
        v = product<Word>(a, n, n * n, triangle_size(n, 0), cut_triangle<Word>);
    });
    return v;
}

py::array mirror(const py::array& v, index_t n) {
    py::array a;
    with_word(v.itemsize(), [&]<class Word>(Word) {
        a = product<Word>(v, n, triangle_size(n, 0), n * n, mirror_triangle<Word>);
    });
    return a;
}

/// f(T{}) for the T that an array holds.
template <class F>
py::array with_scalar(const py::array& x, F&& f) {
    if (is_exact<double>(x)) return f(double{});
    if (is_exact<float>(x)) return f(float{});
    if (is_exact<std::complex<double>>(x)) return f(std::complex<double>{});
    if (is_exact<std::complex<float>>(x)) return f(std::complex<float>{});
    throw py::type_error("this triangle kernel takes floating-point numbers");
}

py::array share(const py::array& v, index_t n) {
    return with_scalar(v, [&]<class T>(T) {
        return product<T>(v, n, triangle_size(n, 0), n * n, share_triangle<T>);
    });
}

py::array fold(const py::array& a, index_t n) {
    const index_t length = triangle_size(n, 0);
    if (is_exact<std::int64_t>(a) || is_exact<std::uint64_t>(a))
        return product<std::uint64_t>(a, n, n * n, length, fold_triangle<std::uint64_t>);
    return with_scalar(
        a, [&]<class T>(T) { return product<T>(a, n, n * n, length, fold_triangle<T>); });
}

py::array average(const py::array& a, index_t n) {
    return with_scalar(a, [&]<class T>(T) {
        return product<T>(a, n, n * n, triangle_size(n, 0), average_triangle<T>);
    });
}

py::array symmetrized(const py::array& a, index_t n) {
    return with_scalar(a,
                       [&]<class T>(T) { return product<T>(a, n, n * n, n * n, symmetrize<T>); });
}

}  // namespace

void register_vec(py::module_& m) {
    m.def("gather_lower", &gather, py::arg("a").noconvert(), py::arg("offset"),
          py::arg("out").noconvert());
    m.def("scatter_lower", &scatter, py::arg("v").noconvert(), py::arg("offset"),
          py::arg("out").noconvert());
    m.def("pad_triangle", &pad, py::arg("v").noconvert(), py::arg("n"));
    m.def("cut_triangle", &cut, py::arg("a").noconvert(), py::arg("n"));
    m.def("mirror_triangle", &mirror, py::arg("v").noconvert(), py::arg("n"));
    m.def("share_triangle", &share, py::arg("v").noconvert(), py::arg("n"));
    m.def("fold_triangle", &fold, py::arg("a").noconvert(), py::arg("n"));
    m.def("average_triangle", &average, py::arg("a").noconvert(), py::arg("n"));
    m.def("symmetrize", &symmetrized, py::arg("a").noconvert(), py::arg("n"));
}

}  // namespace otimes::bindings
