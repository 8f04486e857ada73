#include "otimes/kron_lu.hpp"

#include <algorithm>
#include <complex>

#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {

template <class T>
KronLU<T>::Side::Side(MatrixView<const T> f) : exponent(binary_exponent(max_abs<T>(f))) {
    Matrix<T> g(f.cols, f.rows);
    copy_scaled<T>(f.t(), g.view(), -exponent);
    lu = LU<T>(g);
}

template <class T>
void KronLU<T>::Side::solve(char op, index_t L, index_t R, T* x) const {
    const index_t n = lu.factors.rows();
    if (R == 1 && op != 'H') {  // each slice is a column of one right-hand side: F = G^T
        lu.solve(op == 'N' ? 'T' : 'N', L, x, n);
    } else {  // a slice (n, R), row-major, is Z^T: X = F^-1 Q is Z <- Z G^-1
        const char trans = op == 'H' ? 'C' : op;
        const double work = 2.0 * static_cast<double>(L * R) * static_cast<double>(n * n);
        parallel_chunks(L, work, [&](index_t begin, index_t end) {
            for (index_t l = begin; l < end; ++l) lu.solve_right(trans, R, x + l * n * R, R);
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
        rcond_ *= sides_.back().lu.rcond;
        poll_interrupt();
    }
}

template <class T>
void KronLU<T>::solve(char op, index_t L, index_t R, T* x) const {
    if (L * R * size_ == 0) return;
    index_t left = L, right = size_ * R;
    for (const Side& side : sides_) {
        const index_t n = side.lu.factors.rows();
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
