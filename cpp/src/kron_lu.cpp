#include "otimes/kron_lu.hpp"

#include <algorithm>
#include <limits>

#include "otimes/condition.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// z <- A z or A^H z.
template <class T>
void multiply(const Matrix<T>& a, bool adjoint, T* z) {
    const index_t n = a.rows();
    std::vector<T> y(static_cast<std::size_t>(n));
    for (index_t j = 0; j < n; ++j)
        for (index_t i = 0; i < n; ++i)
            if (adjoint)
                y[static_cast<std::size_t>(j)] += times(conj_of(a(i, j)), z[i]);
            else
                y[static_cast<std::size_t>(i)] += times(a(i, j), z[j]);
    std::copy(y.begin(), y.end(), z);
}

/// The letter of BLAS for op(F)^-1 applied from the right to slices, in terms of G = F^T.
char operation(char op) { return op == 'N' ? 'N' : op == 'T' ? 'T' : 'C'; }

}  // namespace

template <class T>
KronLU<T>::Side::Side(MatrixView<const T> f)
    : lu(f.cols, f.rows), pivots(static_cast<std::size_t>(f.rows)) {
    const index_t n = f.rows;
    exponent = binary_exponent(max_abs<T>(f));
    copy_scaled<T>(f.t(), lu.view(), -exponent);
    const Matrix<T> g = lu;
    blas::getrf(n, n, lu.data(), lu.ld(), pivots.data());
    const auto tiny = std::numeric_limits<real_t<T>>::epsilon();
    bool singular = false;
    for (index_t k = 0; k < n; ++k)
        if (lu(k, k) == T(0)) {  // as if F were perturbed by that much
            lu(k, k) = tiny;
            singular = true;
        }
    std::vector<T> z(static_cast<std::size_t>(n));
    const auto solve_with = [&](char op) {
        return [&, op](T* v) {
            blas::getrs(op, n, 1, lu.data(), lu.ld(), pivots.data(), v, std::max<index_t>(n, 1));
        };
    };
    const SingularRange range = singular_range(
        n, z.data(), [&](T* v) { multiply(g, false, v); }, [&](T* v) { multiply(g, true, v); },
        solve_with('N'), solve_with('C'));
    const double eps = std::numeric_limits<real_t<T>>::epsilon();
    if (n > 0) rcond = singular ? 0 : reciprocal_condition(range, range.largest, eps);
}

/// z <- z P (its columns permuted as getrf permuted rows), or z P^T.
template <class T>
void KronLU<T>::Side::swap_columns(bool forward, index_t R, T* z) const {
    const auto n = static_cast<index_t>(pivots.size());
    for (index_t step = 0; step < n; ++step) {
        const index_t k = forward ? step : n - 1 - step;
        const index_t p = pivots[static_cast<std::size_t>(k)] - 1;
        if (p != k) std::swap_ranges(z + k * R, z + (k + 1) * R, z + p * R);
    }
}

/// A slice (n, R), row-major, is Z^T for a column-major Z (R, n): X = F^-1 Q is Z <- Z G^-1.
template <class T>
void KronLU<T>::Side::solve_slice(char op, index_t R, T* z) const {
    const index_t n = lu.rows();
    const char trans = operation(op);
    const auto triangle = [&](char uplo, char diagonal) {
        blas::trsm('R', uplo, trans, diagonal, R, n, T(1), lu.data(), lu.ld(), z, R);
    };
    if (trans == 'N') {  // G^-1 = U^-1 L^-1 P
        triangle('U', 'N');
        triangle('L', 'U');
        swap_columns(false, R, z);
    } else {  // G^-T = P^T L^-T U^-T
        swap_columns(true, R, z);
        triangle('L', 'U');
        triangle('U', 'N');
    }
}

template <class T>
void KronLU<T>::Side::solve(char op, index_t L, index_t R, T* x) const {
    const index_t n = lu.rows();
    if (R == 1 && op != 'H') {  // each slice is a column of one right-hand side: F = G^T
        blas::getrs(op == 'N' ? 'T' : 'N', n, L, lu.data(), lu.ld(), pivots.data(), x, n);
    } else {
        const double work = 2.0 * static_cast<double>(L * R) * static_cast<double>(n * n);
        parallel_chunks(L, work, [&](index_t begin, index_t end) {
            for (index_t l = begin; l < end; ++l) solve_slice(op, R, x + l * n * R);
        });
    }
    if (exponent == 0) return;
    const PowerOfTwo<real_t<T>> scale(-exponent);
    std::transform(x, x + L * n * R, x, scale);
}

template <class T>
KronLU<T>::KronLU(const std::vector<MatrixView<const T>>& factors) {
    for (const auto& f : factors) {
        sides_.emplace_back(f);
        size_ *= f.rows;
        rcond_ *= sides_.back().rcond;
        poll_interrupt();
    }
}

template <class T>
void KronLU<T>::solve(char op, index_t L, index_t R, T* x) const {
    if (L * R * size_ == 0) return;
    index_t left = L, right = size_ * R;
    for (const Side& side : sides_) {
        const index_t n = side.lu.rows();
        right /= n;
        side.solve(op, left, right, x);
        left *= n;
        poll_interrupt();
    }
}

template class KronLU<float>;
template class KronLU<double>;
template class KronLU<std::complex<float>>;
template class KronLU<std::complex<double>>;

}  // namespace otimes
