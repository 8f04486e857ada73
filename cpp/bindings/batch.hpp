// Arrays whose leading axes are a batch of matrices, broadcast against one another.
#pragma once

#include <complex>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "otimes/error.hpp"

namespace otimes::bindings {

/// An operand as the loop over a batch sees it: its matrices, and byte strides of leading axes.
struct Operand {
    py::array array;
    py::ssize_t lead, rows, cols;

    explicit Operand(py::handle h)
        : array(py::reinterpret_borrow<py::array>(h)),
          lead(array.ndim() - 2),
          rows(lead < 0 ? -1 : array.shape(lead)),
          cols(lead < 0 ? -1 : array.shape(lead + 1)) {}

    bool is_square() const { return rows >= 0 && rows == cols; }

    /// Strides that are no multiple of the element size cannot be walked by element pointers.
    bool is_walkable() const {
        return lead >= 0 && array.strides(lead) % array.itemsize() == 0 &&
               array.strides(lead + 1) % array.itemsize() == 0;
    }

    /// The matrix at a byte offset.
    template <class T>
    MatrixView<const T> matrix(index_t offset) const {
        constexpr auto size = static_cast<index_t>(sizeof(T));
        const auto* base = static_cast<const std::byte*>(array.data()) + offset;
        return {reinterpret_cast<const T*>(base), rows, cols, array.strides(lead) / size,
                array.strides(lead + 1) / size};
    }
};

/// Leading axes of the operands, broadcast as np.linalg.solve does.
class Batch {
  public:
    explicit Batch(std::vector<Operand> operands) : operands_(std::move(operands)) {
        for (const auto& operand : operands_)
            if (static_cast<std::size_t>(operand.lead) > shape_.size())
                shape_.resize(static_cast<std::size_t>(operand.lead), 1);
        for (const auto& operand : operands_) include(operand);
        for (const auto n : shape_) count_ *= n;
    }

    bool fits() const { return fits_; }
    index_t count() const { return count_; }
    std::size_t operand_count() const { return operands_.size(); }
    const std::vector<py::ssize_t>& shape() const { return shape_; }
    const Operand& operand(std::size_t k) const { return operands_[k]; }

    /// The distance in bytes between neighbours along an axis; 0 where the operand is broadcast.
    index_t stride(std::size_t k, std::size_t axis) const {
        const Operand& operand = operands_[k];
        const std::size_t skip = shape_.size() - static_cast<std::size_t>(operand.lead);
        if (axis < skip) return 0;
        const auto own = static_cast<py::ssize_t>(axis - skip);
        return operand.array.shape(own) > 1 ? operand.array.strides(own) : 0;
    }

    std::string index_text(index_t item) const {
        std::string text;
        for (std::size_t axis = shape_.size(); axis-- > 0; item /= shape_[axis])
            text = std::to_string(item % shape_[axis]) + (text.empty() ? "" : ", " + text);
        return shape_.size() == 1 ? text : "(" + text + ")";
    }

  private:
    void include(const Operand& operand) {
        const std::size_t skip = shape_.size() - static_cast<std::size_t>(operand.lead);
        for (py::ssize_t k = 0; k < operand.lead; ++k) {
            py::ssize_t& size = shape_[skip + static_cast<std::size_t>(k)];
            const py::ssize_t own = operand.array.shape(k);
            if (size == 1) size = own;
            fits_ = fits_ && (own == size || own == 1);
        }
    }

    std::vector<Operand> operands_;
    std::vector<py::ssize_t> shape_;
    index_t count_ = 1;
    bool fits_ = true;
};

/// Where one item of a batch lies in every operand. Going on to the next takes additions only.
class BatchItem {
  public:
    BatchItem(const Batch& batch, index_t item)
        : batch_(batch), offsets_(batch.operand_count()), position_(batch.shape().size()) {
        for (std::size_t axis = position_.size(); axis-- > 0; item /= batch.shape()[axis]) {
            position_[axis] = item % batch.shape()[axis];
            move(axis, position_[axis]);
        }
    }

    void next() {
        for (std::size_t axis = position_.size(); axis-- > 0;) {
            if (++position_[axis] < batch_.shape()[axis]) return move(axis, 1);
            move(axis, 1 - position_[axis]);
            position_[axis] = 0;
        }
    }

    template <class T>
    MatrixView<const T> matrix(std::size_t k) const {
        return batch_.operand(k).matrix<T>(offsets_[k]);
    }

  private:
    void move(std::size_t axis, index_t steps) {
        for (std::size_t k = 0; k < offsets_.size(); ++k)
            offsets_[k] += steps * batch_.stride(k, axis);
    }

    const Batch& batch_;
    std::vector<index_t> offsets_, position_;
};

/// f(), where an error names the item of the batch.
template <class F>
void naming_item(const Batch& batch, index_t item, F&& f) {
    try {
        f();
    } catch (const singular_error& e) {
        if (batch.shape().empty()) throw;
        throw singular_error("item " + batch.index_text(item) + ": " + e.what());
    }
}

/// f(T{}) for the scalar T that h is exactly an array of, else None.
template <class F>
py::object with_scalar(py::handle h, F&& f) {
    if (is_exact<double>(h)) return f(double{});
    if (is_exact<std::complex<double>>(h)) return f(std::complex<double>{});
    if (is_exact<float>(h)) return f(float{});
    if (is_exact<std::complex<float>>(h)) return f(std::complex<float>{});
    return py::none();
}

}  // namespace otimes::bindings
