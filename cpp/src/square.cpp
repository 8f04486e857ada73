#include "otimes/square.hpp"

#include <complex>

#include "otimes/condition.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

template <class T>
bool has_zero_on_diagonal(const Matrix<T>& a) {
    for (index_t k = 0; k < a.rows(); ++k)
        if (a(k, k) == T(0)) return true;
    return false;
}

/// Hermitian with a positive diagonal: worth trying Cholesky's decomposition.
template <class T>
bool may_be_definite(const Matrix<T>& a) {
    for (index_t j = 0; j < a.cols(); ++j) {
        if (!(std::real(a(j, j)) > 0) || std::imag(a(j, j)) != 0) return false;
        for (index_t i = 0; i < j; ++i)
            if (a(i, j) != conj_of(a(j, i))) return false;
    }
    return true;
}

}  // namespace

template <class T>
SquareFactor<T>::SquareFactor(const Matrix<T>& a) {
    const index_t n = a.rows();
    if (n == 0) return;
    const bool upper = is_upper<T>(a.view());
    if ((upper || is_upper<T>(a.view().t())) && !has_zero_on_diagonal(a)) {
        method_ = Method::triangular;
        uplo_ = upper ? 'U' : 'L';
        triangle_ = a;
    } else if (may_be_definite(a)) {
        const ThreadedBlas threaded_blas(n >= 256);
        triangle_ = a;
        if (blas::potrf(n, triangle_.data(), triangle_.ld())) {
            method_ = Method::cholesky;
            uplo_ = 'L';
        }
    }
    if (method_ == Method::lu) {
        lu_ = LU<T>(a);
        rcond_ = lu_.rcond;
        return;
    }
    const SingularRange range = singular_range(a, [&](char op, T* x) { solve(op, 1, x, n); });
    rcond_ = reciprocal_condition(range, 0, eps_of<T>);
}

/// Cholesky: A^-1 = L^-H L^-1, the same for its adjoint and from either side.
template <class T>
void SquareFactor<T>::solve_triangles(char side, char op, index_t rows, index_t cols, T* x,
                                      index_t ldx) const {
    const auto step = [&](char this_op) {
        blas::trsm(side, uplo_, this_op, 'N', rows, cols, T(1), triangle_.data(), triangle_.ld(), x,
                   ldx);
    };
    if (method_ == Method::triangular) return step(op);
    step(side == 'L' ? 'N' : 'C');
    step(side == 'L' ? 'C' : 'N');
}

template <class T>
void SquareFactor<T>::solve(char op, index_t count, T* x, index_t ldx) const {
    if (method_ == Method::lu) return lu_.solve(op, count, x, ldx);
    solve_triangles('L', op, triangle_.rows(), count, x, ldx);
}

template <class T>
void SquareFactor<T>::solve_right(char op, index_t count, T* x, index_t ldx) const {
    if (method_ == Method::lu) return lu_.solve_right(op, count, x, ldx);
    solve_triangles('R', op, count, triangle_.rows(), x, ldx);
}

template class SquareFactor<float>;
template class SquareFactor<double>;
template class SquareFactor<std::complex<float>>;
template class SquareFactor<std::complex<double>>;

}  // namespace otimes
