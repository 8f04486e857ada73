// Algebra of owned matrices: products on our own threads, sums, adjoints.
#pragma once

#include <algorithm>  // std::copy_n
#include <complex>

#include "otimes/parallel_gemm.hpp"
#include "otimes/scalar.hpp"
#include "otimes/symmetry.hpp"
#include "otimes/view.hpp"

namespace otimes {

template <class T>
index_t rows_of(char op, const Matrix<T>& a) {
    return op == 'N' ? a.rows() : a.cols();
}

/// C <- alpha op(A) op(B) + beta C, op in {N, T, C}.
template <class T>
void add_product(T alpha, char opa, const Matrix<T>& a, char opb, const Matrix<T>& b, T beta,
                 Matrix<T>& c) {
    const index_t inner = opa == 'N' ? a.cols() : a.rows();
    parallel_gemm(opa, opb, c.rows(), c.cols(), inner, alpha, a.data(), a.ld(), b.data(), b.ld(),
                  beta, c.data(), c.ld());
}

/// op(A) op(B)
template <class T>
Matrix<T> product(char opa, const Matrix<T>& a, char opb, const Matrix<T>& b) {
    Matrix<T> c(rows_of(opa, a), opb == 'N' ? b.cols() : b.rows());
    add_product(T(1), opa, a, opb, b, T(0), c);
    return c;
}
template <class T>
Matrix<T> product(const Matrix<T>& a, const Matrix<T>& b) {
    return product('N', a, 'N', b);
}

/// A^H W A
template <class T>
Matrix<T> congruence(const Matrix<T>& a, const Matrix<T>& w) {
    return product('C', a, 'N', product(w, a));
}

template <class T>
Matrix<T> transposed(const Matrix<T>& a) {
    return Matrix<T>(a.view().t());
}

/// A as a complex matrix.
template <class T>
Matrix<std::complex<real_t<T>>> as_complex(const Matrix<T>& a) {
    if constexpr (is_complex<T>) return a;
    Matrix<std::complex<real_t<T>>> copy(a.rows(), a.cols());
    std::copy_n(a.data(), a.rows() * a.cols(), copy.data());
    return copy;
}

template <class T>
Matrix<T> conjugated(Matrix<T> a) {
    if constexpr (is_complex<T>)
        for (index_t k = 0; k < a.rows() * a.cols(); ++k) a.data()[k] = conj_of(a.data()[k]);
    return a;
}

/// A^H
template <class T>
Matrix<T> adjoint_of(const Matrix<T>& a) {
    return conjugated(transposed(a));
}

/// A <- A + s I
template <class T>
void shift_diagonal(T s, Matrix<T>& a) {
    for (index_t i = 0; i < a.rows(); ++i) a(i, i) += s;
}

template <class T>
Matrix<T> identity_matrix(index_t n) {
    Matrix<T> one(n, n);
    shift_diagonal(T(1), one);
    return one;
}

template <class T>
void scale_matrix(real_t<T> factor, Matrix<T>& a) {
    for (index_t k = 0; k < a.rows() * a.cols(); ++k) a.data()[k] *= factor;
}

/// y <- y + alpha x for a scalar of T's or its real type.
template <class S, class T>
void add_matrix(S alpha, const Matrix<T>& x, Matrix<T>& y) {
    for (index_t k = 0; k < x.rows() * x.cols(); ++k) y.data()[k] += times(x.data()[k], alpha);
}

/// A <- (A + A^H) / 2, exactly Hermitian.
template <class T>
void make_hermitian(Matrix<T>& a) {
    symmetrise(Symmetry::hermitian, a.view());
}

}  // namespace otimes
