// Strided matrix views and owned column-major matrices: the vocabulary of every other header.
#pragma once

#include <algorithm>  // std::reverse, std::swap_ranges
#include <complex>
#include <cstddef>      // std::ptrdiff_t
#include <type_traits>  // std::is_const_v
#include <vector>

namespace otimes {

using index_t = std::ptrdiff_t;

template <class T>
inline constexpr bool is_complex = false;
template <class R>
inline constexpr bool is_complex<std::complex<R>> = true;

/// The real scalar of T: double for double and for std::complex<double>.
template <class T>
struct real_of {
    using type = T;
};
template <class R>
struct real_of<std::complex<R>> {
    using type = R;
};
template <class T>
using real_t = typename real_of<T>::type;

template <class T>
constexpr T conj_of(T x) {
    if constexpr (is_complex<T>)
        return std::conj(x);
    else
        return x;
}

/// A matrix that lives in somebody else's memory: entry (i, j) is data[i*row_stride +
/// j*col_stride]. Strides count elements and may be zero or negative.
template <class T>
struct MatrixView {
    T* data = nullptr;
    index_t rows = 0, cols = 0;
    index_t row_stride = 0, col_stride = 0;

    T& operator()(index_t i, index_t j) const { return data[i * row_stride + j * col_stride]; }

    MatrixView t() const { return {data, cols, rows, col_stride, row_stride}; }

    MatrixView block(index_t i, index_t j, index_t m, index_t n) const {
        return {data + i * row_stride + j * col_stride, m, n, row_stride, col_stride};
    }

    operator MatrixView<const T>() const
        requires(!std::is_const_v<T>)
    {
        return {data, rows, cols, row_stride, col_stride};
    }
};

/// An owned, contiguous column-major matrix, as LAPACK takes them.
template <class T>
class Matrix {
  public:
    Matrix() = default;
    Matrix(index_t rows, index_t cols)
        : rows_(rows), cols_(cols), store_(static_cast<std::size_t>(rows * cols)) {}

    explicit Matrix(MatrixView<const T> v) : Matrix(v.rows, v.cols) {
        for (index_t j = 0; j < cols_; ++j)
            for (index_t i = 0; i < rows_; ++i) (*this)(i, j) = v(i, j);
    }

    index_t rows() const { return rows_; }
    index_t cols() const { return cols_; }
    index_t ld() const { return rows_ > 0 ? rows_ : 1; }  // LAPACK wants a leading dimension >= 1
    T* data() { return store_.data(); }
    const T* data() const { return store_.data(); }
    T& operator()(index_t i, index_t j) { return store_[static_cast<std::size_t>(i + j * rows_)]; }
    const T& operator()(index_t i, index_t j) const {
        return store_[static_cast<std::size_t>(i + j * rows_)];
    }
    MatrixView<T> view() { return {data(), rows_, cols_, 1, rows_}; }
    MatrixView<const T> view() const { return {data(), rows_, cols_, 1, rows_}; }

  private:
    index_t rows_ = 0, cols_ = 0;
    std::vector<T> store_;
};

/// Is everything below the diagonal zero?
template <class T>
bool is_upper(MatrixView<const T> a) {
    for (index_t j = 0; j < a.cols; ++j)
        for (index_t i = j + 1; i < a.rows; ++i)
            if (a(i, j) != T(0)) return false;
    return true;
}

/// Rows and columns in reverse order: J A J.
template <class T>
MatrixView<const T> reversed(const Matrix<T>& a) {
    const index_t n = a.rows();
    return {a.data() + (n - 1) * (n + 1), n, n, -1, -n};
}

/// J X J, J the reversal of order.
template <class T>
void reverse_order(Matrix<T>& x) {
    std::reverse(x.data(), x.data() + x.rows() * x.cols());
}

/// J X.
template <class T>
void reverse_rows(Matrix<T>& x) {
    for (index_t j = 0; j < x.cols(); ++j)
        std::reverse(x.data() + j * x.rows(), x.data() + (j + 1) * x.rows());
}

/// X J.
template <class T>
void reverse_cols(Matrix<T>& x) {
    const index_t m = x.rows();
    for (index_t j = 0, k = x.cols() - 1; j < k; ++j, --k)
        std::swap_ranges(x.data() + j * m, x.data() + (j + 1) * m, x.data() + k * m);
}

}  // namespace otimes
