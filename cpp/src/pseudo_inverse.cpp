#include "otimes/pseudo_inverse.hpp"

#include <algorithm>  // std::min, std::max
#include <cmath>
#include <complex>
#include <utility>  // std::move

#include "otimes/condition.hpp"
#include "otimes/error.hpp"
#include "otimes/product.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// The first rows of y, with zeros below where there are not so many.
template <class T>
Matrix<T> with_rows(const Matrix<T>& y, index_t rows) {
    Matrix<T> z(rows, y.cols());
    const index_t common = std::min(rows, y.rows());
    copy_scaled<T>(y.view().block(0, 0, common, y.cols()), z.view().block(0, 0, common, y.cols()),
                   0);
    return z;
}

/// The upper triangle of the leading rows of what geqrf leaves.
template <class T>
Matrix<T> upper_triangle(const Matrix<T>& a, index_t rows, index_t cols) {
    Matrix<T> r(rows, cols);
    for (index_t j = 0; j < cols; ++j)
        for (index_t i = 0; i < std::min(j + 1, rows); ++i) r(i, j) = a(i, j);
    return r;
}

/// The extreme singular values of an upper triangle, estimated.
template <class T>
SingularRange triangle_range(const Matrix<T>& r) {
    const index_t n = r.rows();
    for (index_t k = 0; k < n; ++k)
        if (r(k, k) == T(0)) return {0, 1};
    return singular_range(r, [&](char op, T* x) {
        blas::trsm('L', 'U', op, 'N', n, 1, T(1), r.data(), r.ld(), x, r.ld());
    });
}

/// So far above the tolerance must a singular value be for an estimate to decide.
constexpr double clear_gap = 1000;

}  // namespace

template <class T>
Svd<T>::Svd(Matrix<T> a)
    : u(a.rows(), std::min(a.rows(), a.cols())),
      vh(u.cols(), a.cols()),
      values(static_cast<std::size_t>(u.cols())) {
    if (values.empty()) return;
    if (blas::gesdd(a.rows(), a.cols(), a.data(), a.ld(), values.data(), u.data(), u.ld(),
                    vh.data(), vh.ld()) > 0)
        throw singular_error("the singular value decomposition did not converge");
}

template <class T>
index_t Svd<T>::rank(double tolerance) const {
    index_t rank = 0;
    for (const auto value : values)
        if (value > tolerance * values.front()) ++rank;
    return rank;
}

template <class T>
auto PseudoInverse<T>::qr_of(Matrix<T> a) -> Reflectors {
    Reflectors q{std::move(a), {}};
    q.tau.resize(static_cast<std::size_t>(std::min(q.matrix.rows(), q.matrix.cols())));
    blas::geqrf(q.matrix.rows(), q.matrix.cols(), q.matrix.data(), q.matrix.ld(), q.tau.data());
    return q;
}

template <class T>
PseudoInverse<T>::PseudoInverse(const Matrix<T>& a, double tolerance) : wide_(a.rows() < a.cols()) {
    if (a.rows() * a.cols() == 0) return;
    const Matrix<T> tall = wide_ ? adjoint_of(a) : a;
    q_ = qr_of(tall);
    if (by_qr(tolerance)) return;
    poll_interrupt();
    if (by_complete_decomposition(tall, tolerance)) return;
    poll_interrupt();
    by_svd(tall, tolerance);
}

/// Of full rank beyond doubt, or not.
template <class T>
bool PseudoInverse<T>::by_qr(double tolerance) {
    rank_ = q_.matrix.cols();
    triangle_ = upper_triangle(q_.matrix, rank_, rank_);
    rcond_ = reciprocal_condition(triangle_range(triangle_), 0, eps_of<T>);
    return rcond_ > std::max(std::sqrt(eps_of<T>), clear_gap * tolerance);
}

template <class T>
bool PseudoInverse<T>::by_complete_decomposition(const Matrix<T>& tall, double tolerance) {
    const index_t n = tall.cols();
    method_ = Method::complete;
    q_.matrix = tall;
    pivots_.assign(static_cast<std::size_t>(n), 0);
    blas::geqp3(tall.rows(), n, q_.matrix.data(), q_.matrix.ld(), pivots_.data(), q_.tau.data());
    const double largest = std::abs(q_.matrix(0, 0));
    rank_ = 0;
    while (rank_ < n && std::abs(q_.matrix(rank_, rank_)) > tolerance * largest) ++rank_;
    const Matrix<T> r = upper_triangle(q_.matrix, n, n);
    const index_t rest = n - rank_;
    if (norm_of<T>(r.view().block(rank_, rank_, rest, rest)) > tolerance * largest) return false;
    if (rank_ == 0) {
        rcond_ = 1;  // of no singular values
        return true;
    }
    w_ = qr_of(adjoint_of(Matrix<T>(r.view().block(0, 0, rank_, n))));
    triangle_ = upper_triangle(w_.matrix, rank_, rank_);
    rcond_ = reciprocal_condition(triangle_range(triangle_), 0, eps_of<T>);
    return rcond_ > clear_gap * tolerance;
}

template <class T>
void PseudoInverse<T>::by_svd(const Matrix<T>& tall, double tolerance) {
    method_ = Method::svd;
    const Svd<T> svd(tall);
    rank_ = svd.rank(tolerance);
    u_ = Matrix<T>(svd.u.view().block(0, 0, svd.u.rows(), rank_));
    scaled_v_ = adjoint_of(Matrix<T>(svd.vh.view().block(0, 0, rank_, svd.vh.cols())));
    for (index_t k = 0; k < rank_; ++k)
        for (index_t i = 0; i < scaled_v_.rows(); ++i)
            scaled_v_(i, k) /= svd.values[static_cast<std::size_t>(k)];
    rcond_ = rank_ > 0 ? svd.values[static_cast<std::size_t>(rank_ - 1)] / svd.values[0] : 1;
}

/// P c, or P^T c when not `back`.
template <class T>
Matrix<T> PseudoInverse<T>::permuted(const Matrix<T>& c, bool back) const {
    if (pivots_.empty()) return c;
    Matrix<T> y(c.rows(), c.cols());
    for (index_t j = 0; j < c.cols(); ++j)
        for (index_t k = 0; k < c.rows(); ++k) {
            const index_t p = pivots_[static_cast<std::size_t>(k)] - 1;
            y(back ? p : k, j) = c(back ? k : p, j);
        }
    return y;
}

/// With F = A, or A^H of a wide A: F^+ = P W S^-H Q1^H and (F^H)^+ = Q1 S^-1 W^H P^T.
template <class T>
Matrix<T> PseudoInverse<T>::apply(const Matrix<T>& c) const {
    const index_t rows = q_.matrix.rows(), cols = q_.matrix.cols();
    if (rank_ == 0) return {wide_ ? rows : cols, c.cols()};
    if (method_ == Method::svd) return through_svd(c);
    const auto rotate = [](const Reflectors& q, bool adjoint, Matrix<T>& y) {
        if (q.tau.empty()) return;
        blas::apply_reflectors(adjoint, y.rows(), y.cols(), static_cast<index_t>(q.tau.size()),
                               q.matrix.data(), q.matrix.ld(), q.tau.data(), y.data(), y.ld());
    };
    Matrix<T> y = wide_ ? permuted(c, false) : c;
    rotate(wide_ ? w_ : q_, true, y);
    y = with_rows(through_triangle(with_rows(y, rank_)), wide_ ? rows : cols);
    rotate(wide_ ? q_ : w_, false, y);
    return wide_ ? y : permuted(y, true);
}

template <class T>
Matrix<T> PseudoInverse<T>::through_triangle(Matrix<T> y) const {
    const char op = (method_ == Method::complete) != wide_ ? 'C' : 'N';
    blas::trsm('L', 'U', op, 'N', rank_, y.cols(), T(1), triangle_.data(), triangle_.ld(), y.data(),
               y.ld());
    return y;
}

template <class T>
Matrix<T> PseudoInverse<T>::through_svd(const Matrix<T>& c) const {
    const Matrix<T>&first = wide_ ? scaled_v_ : u_, &second = wide_ ? u_ : scaled_v_;
    Matrix<T> y(rank_, c.cols()), x(second.rows(), c.cols());
    parallel_gemm('C', 'N', rank_, c.cols(), c.rows(), T(1), first.data(), first.ld(), c.data(),
                  c.ld(), T(0), y.data(), y.ld());
    parallel_gemm('N', 'N', x.rows(), x.cols(), rank_, T(1), second.data(), second.ld(), y.data(),
                  y.ld(), T(0), x.data(), x.ld());
    return x;
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template struct Svd<T>;                                                                        \
    template class PseudoInverse<T>;
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
