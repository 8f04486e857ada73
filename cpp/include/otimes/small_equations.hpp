// Equations of at most 16 unknowns, everything on the stack.
#pragma once

#include <algorithm>  // std::fill_n
#include <array>
#include <cmath>
#include <optional>

#include "otimes/refinement.hpp"
#include "otimes/small_lu.hpp"

namespace otimes {

template <class T>
using SmallSide = StackMatrix<T, small_limit * small_limit>;

template <class T>
SmallSide<T> scaled_side(MatrixView<const T> a, int exponent) {
    SmallSide<T> copy(a.rows, a.cols);
    copy_scaled<T>(a, copy.view(), exponent);
    return copy;
}

/// r <- r - A X, every argument small.
template <class T>
void subtract_product(MatrixView<const T> a, MatrixView<const T> x, MatrixView<T> r) {
    for (index_t j = 0; j < r.cols; ++j)
        for (index_t k = 0; k < a.cols; ++k)
            for (index_t i = 0; i < r.rows; ++i) r(i, j) -= times(a(i, k), x(k, j));
}

/// A X + X B = Q by the LU of I (x) A + B^T (x) I.
template <class T>
struct SmallSylvester {
    using Scalar = T;
    using Storage = StackMatrix<T>;

    SmallSylvester(MatrixView<const T> a_in, MatrixView<const T> b_in, int e)
        : exponent(e),
          a(scaled_side(a_in, -e)),
          b(scaled_side(b_in, -e)),
          norm(norm_of<T>(a.view()) + norm_of<T>(b.view())) {
        std::array<T, small_limit * small_limit> kronecker;
        fill_kronecker(kronecker.data());
        lu.factor(kronecker.data(), a.rows() * b.rows());
        rcond = reciprocal_condition(lu.singular_range(kronecker.data()), norm, eps_of<T>);
    }

    void fill_kronecker(T* k) const {
        const index_t m = a.rows(), n = b.rows(), ld = m * n;
        std::fill_n(k, ld * ld, T(0));
        for (index_t j = 0; j < n; ++j)
            for (index_t l = 0; l < m; ++l)
                for (index_t i = 0; i < m; ++i)
                    k[(i + j * m) + (l + j * m) * ld] = a.data()[i + l * m];
        for (index_t l = 0; l < n; ++l)
            for (index_t j = 0; j < n; ++j)
                for (index_t i = 0; i < m; ++i)
                    k[(i + j * m) + (i + l * m) * ld] += b.data()[l + j * n];
    }

    std::optional<int> solve(Storage& x) const {
        lu.solve(x.data());
        return 0;
    }

    void subtract_image(const Storage& x, Storage& r) const {
        subtract_product<T>(a.view(), x.view(), r.view());
        subtract_product<T>(x.view(), b.view(), r.view());
    }

    int exponent;
    SmallSide<T> a, b;
    double norm, rcond = 0;
    SmallLU<T> lu;
};

/// c X - A X B = Q by the LU of c I - B^T (x) A, c = 2^-exponent.
template <class T>
struct SmallStein {
    using Scalar = T;
    using Storage = StackMatrix<T>;

    /// A and B times powers of two, for which M is 2^e times what it was.
    SmallStein(MatrixView<const T> a_in, int a_shift, MatrixView<const T> b_in, int b_shift, int e)
        : exponent(e),
          identity(std::ldexp(real_t<T>(1), -e)),
          a(scaled_side(a_in, a_shift)),
          b(scaled_side(b_in, b_shift)),
          norm(static_cast<double>(identity) + norm_of<T>(a.view()) * norm_of<T>(b.view())) {
        std::array<T, small_limit * small_limit> kronecker;
        fill_kronecker(kronecker.data());
        lu.factor(kronecker.data(), a.rows() * b.rows());
        rcond = reciprocal_condition(lu.singular_range(kronecker.data()), norm, eps_of<T>);
    }

    void fill_kronecker(T* k) const {
        const index_t m = a.rows(), n = b.rows();
        for (index_t l = 0; l < n; ++l)
            for (index_t p = 0; p < m; ++p)
                for (index_t j = 0; j < n; ++j)
                    for (index_t i = 0; i < m; ++i)
                        *k++ = T(i == p && j == l ? identity : 0) -
                               times(a.data()[i + p * m], b.data()[l + j * n]);
    }

    std::optional<int> solve(Storage& x) const {
        lu.solve(x.data());
        return 0;
    }

    void subtract_image(const Storage& x, Storage& r) const {
        StackMatrix<T> minus_ax(x.rows(), x.cols());
        std::fill_n(minus_ax.data(), x.rows() * x.cols(), T(0));
        subtract_product<T>(a.view(), x.view(), minus_ax.view());
        for (index_t k = 0; k < x.rows() * x.cols(); ++k) r.data()[k] -= identity * x.data()[k];
        subtract_product<T>(minus_ax.view(), b.view(), r.view());
    }

    int exponent;
    real_t<T> identity;
    SmallSide<T> a, b;
    double norm, rcond = 0;
    SmallLU<T> lu;
};

/// A X B = Q by the LUs of A and of B^T.
template <class T>
struct SmallAxb {
    using Scalar = T;
    using Storage = StackMatrix<T>;

    SmallAxb(MatrixView<const T> a_in, int a_exponent, MatrixView<const T> b_in, int b_exponent)
        : exponent(a_exponent + b_exponent),
          a(scaled_side(a_in, -a_exponent)),
          b_t(scaled_side(b_in.t(), -b_exponent)),
          norm(norm_of<T>(a.view()) * norm_of<T>(b_t.view())) {
        a_lu.factor(a.data(), a.rows());
        b_lu.factor(b_t.data(), b_t.rows());
        rcond = reciprocal_condition(a_lu.singular_range(a.data()), 0, eps_of<T>) *
                reciprocal_condition(b_lu.singular_range(b_t.data()), 0, eps_of<T>);
    }

    std::optional<int> solve(Storage& x) const {
        const index_t m = x.rows(), n = x.cols();
        for (index_t j = 0; j < n; ++j) a_lu.solve(x.data() + j * m);
        std::array<T, small_limit> row;
        for (index_t i = 0; i < m; ++i) {
            const MatrixView<T> x_row = x.view().block(i, 0, 1, n);
            const MatrixView<T> packed{row.data(), 1, n, n, 1};
            copy_scaled<T>(x_row, packed, 0);
            b_lu.solve(row.data());
            copy_scaled<T>(packed, x_row, 0);
        }
        return 0;
    }

    void subtract_image(const Storage& x, Storage& r) const {
        StackMatrix<T> ax(x.rows(), x.cols());
        std::fill_n(ax.data(), x.rows() * x.cols(), T(0));
        subtract_product<T>(a.view(), x.view(), ax.view());
        for (index_t k = 0; k < x.rows() * x.cols(); ++k) ax.data()[k] = -ax.data()[k];
        subtract_product<T>(ax.view(), b_t.view().t(), r.view());
    }

    int exponent;
    SmallSide<T> a, b_t;
    double norm, rcond = 0;
    SmallLU<T> a_lu, b_lu;
};

template <class Equation>
SolveReport solve_small(const Equation& equation, RightHandSides<typename Equation::Scalar> sides) {
    SolveReport report = solve_refined(equation, sides);
    report.method = "kronecker-lu";
    report.rcond = equation.rcond;
    return report;
}

}  // namespace otimes
