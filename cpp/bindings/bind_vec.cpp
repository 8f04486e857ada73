// Triangle gathers and scatters over batches, for elements of any size.
#include "bindings.hpp"
#include "otimes/threads.hpp"
#include "otimes/vech.hpp"

namespace otimes::bindings {
namespace {

/// Leading axes of an array as one loop: item b starts `offset(b)` bytes from the array's data.
struct Batch {
    explicit Batch(const py::array& a, py::ssize_t core) : lead(a.ndim() - core) {
        for (py::ssize_t k = 0; k < lead; ++k) {
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

    py::ssize_t lead;
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
    const Batch from(a, 2);
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
void scatter(const py::array& v, index_t offset, bool mirror, py::array& out) {
    const Batch from(v, 1), to(out, 2);
    const index_t step = v.strides(v.ndim() - 1) / v.itemsize();
    const auto* const base = static_cast<const std::byte*>(v.data());
    auto* const target = static_cast<std::byte*>(out.mutable_data());
    const double work = static_cast<double>(out.size());
    with_word(v.itemsize(), [&]<class Word>(Word) {
        run_kernel(work, [&] {
            parallel_for(to.count, work, [&](index_t b) {
                scatter_lower<Word>(reinterpret_cast<const Word*>(base + from.offset(b)), step,
                                    offset, mirror, item_view<Word>(out, target, to.offset(b)));
            });
        });
    });
}

}  // namespace

void register_vec(py::module_& m) {
    m.def("gather_lower", &gather, py::arg("a").noconvert(), py::arg("offset"),
          py::arg("out").noconvert());
    m.def("scatter_lower", &scatter, py::arg("v").noconvert(), py::arg("offset"), py::arg("mirror"),
          py::arg("out").noconvert());
}

}  // namespace otimes::bindings
