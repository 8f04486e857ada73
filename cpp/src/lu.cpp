#include "otimes/lu.hpp"

#include <algorithm>
#include <complex>

#include "otimes/condition.hpp"
#include "otimes/scaling.hpp"
#include "otimes/small_lu.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// Calls of LAPACK with single vectors would take longer than all else.
template <class T>
SingularRange small_singular_range(const Matrix<T>& a) {
    SmallLU<T> lu;
    lu.factor(a.data(), a.rows());
    return lu.singular_range(a.data());
}

}  // namespace

/// Is A singular?
template <class T>
bool LU<T>::factor(Matrix<T> a) {
    const index_t n = a.rows();
    const T tiny = static_cast<real_t<T>>(eps_of<T>) * max_abs<T>(a.view());
    factors = std::move(a);
    pivots.resize(static_cast<std::size_t>(n));
    const ThreadedBlas threaded_blas(n >= 256);
    const bool singular = blas::getrf(n, n, factors.data(), factors.ld(), pivots.data()) > 0;
    for (index_t k = 0; singular && k < n; ++k)
        if (factors(k, k) == T(0)) factors(k, k) = tiny;
    return singular;
}

template <class T>
LU<T> LU<T>::without_rcond(Matrix<T> a) {
    LU lu;
    lu.factor(std::move(a));
    return lu;
}

template <class T>
LU<T>::LU(const Matrix<T>& a) {
    const index_t n = a.rows();
    if (n == 0) return;
    const bool singular = factor(a);
    const SingularRange range = n <= small_limit
                                    ? small_singular_range(a)
                                    : singular_range(a, [&](char op, T* x) { solve(op, 1, x, n); });
    rcond = singular ? 0 : reciprocal_condition(range, 0, eps_of<T>);
}

/// x <- x P (columns permuted as getrf permuted rows), or x P^T when `forward`.
template <class T>
void LU<T>::swap_columns(bool forward, index_t count, T* x, index_t ldx) const {
    const auto n = static_cast<index_t>(pivots.size());
    for (index_t step = 0; step < n; ++step) {
        const index_t k = forward ? step : n - 1 - step;
        const index_t p = pivots[static_cast<std::size_t>(k)] - 1;
        if (p != k) std::swap_ranges(x + k * ldx, x + k * ldx + count, x + p * ldx);
    }
}

template <class T>
void LU<T>::solve_right(char op, index_t count, T* x, index_t ldx) const {
    const auto triangle = [&](char uplo, char diagonal) {
        blas::trsm('R', uplo, op, diagonal, count, factors.rows(), T(1), factors.data(),
                   factors.ld(), x, ldx);
    };
    if (op == 'N') {  // A^-1 = U^-1 L^-1 P
        triangle('U', 'N');
        triangle('L', 'U');
        swap_columns(false, count, x, ldx);
    } else {  // A^-T = P^T L^-T U^-T
        swap_columns(true, count, x, ldx);
        triangle('L', 'U');
        triangle('U', 'N');
    }
}

template struct LU<float>;
template struct LU<double>;
template struct LU<std::complex<float>>;
template struct LU<std::complex<double>>;

}  // namespace otimes
