#include "otimes/hessenberg.hpp"

#include <algorithm>  // std::fill_n, std::max
#include <cmath>
#include <complex>
#include <limits>
#include <utility>  // std::move
#include <vector>

#include "otimes/reflector_kernels.hpp"
#include "otimes/scalar.hpp"

namespace otimes {
namespace {

/// v <- a multiple of x with v[0] = 1, x <- beta e_1 = (I - tau v v^H) x; returns tau, or 0 where x
/// is such a multiple already.
template <class T>
real_t<T> reflect(index_t length, T* x, T* v) {
    using R = real_t<T>;
    R largest = 0;
    for (index_t i = 1; i < length; ++i) largest = std::max(largest, size_of(x[i]));
    if (largest == 0) return 0;
    largest = std::max(largest, size_of(x[0]));
    R squares = 0;
    for (index_t i = 0; i < length; ++i) {
        v[i] = x[i] / largest;
        squares += std::norm(v[i]);
    }
    // A subnormal v[0] has no exact direction: it counts as zero.
    constexpr R negligible = std::numeric_limits<R>::min() / std::numeric_limits<R>::epsilon();
    const R norm = std::sqrt(squares), length_0 = std::abs(v[0]);
    const R modulus = length_0 < negligible ? R(0) : length_0;
    const T direction = modulus == 0 ? T(1) : v[0] / modulus;
    const T factor = conj_of(direction) / (modulus + norm);
    for (index_t i = 1; i < length; ++i) v[i] = times(v[i], factor);
    v[0] = 1;
    x[0] = -direction * (norm * largest);
    std::fill_n(x + 1, length - 1, T(0));
    return R(1) + modulus / norm;
}

}  // namespace

template <class T>
bool is_hessenberg(MatrixView<const T> a) {
    for (index_t j = 0; j + 2 < a.cols; ++j)
        for (index_t i = j + 2; i < a.rows; ++i)
            if (a(i, j) != T(0)) return false;
    return true;
}

template <class T>
void reduce_to_hessenberg(index_t n, T* a, index_t lda, T* q, index_t ldq) {
    const auto& kernels = reflector_kernels<T>();
    std::vector<T> product(static_cast<std::size_t>(n));
    std::vector<real_t<T>> tau(static_cast<std::size_t>(n));
    // The vector of reflector k waits in column k + 1 of Q, from the diagonal on.
    const auto reflector = [&](index_t k) {
        return LongReflector<T>{q + (k + 1) * (ldq + 1), n - k - 1,
                                tau[static_cast<std::size_t>(k)]};
    };
    for (index_t k = 0; k + 2 < n; ++k) {
        T* const rest = a + (k + 1) * lda;
        tau[static_cast<std::size_t>(k)] =
            reflect(n - k - 1, a + k + 1 + k * lda, q + (k + 1) * (ldq + 1));
        const auto h = reflector(k);
        if (h.tau == 0) continue;
        kernels.multiply(n, h.length, rest, lda, h.v, product.data());
        kernels.reflect_both(h, n, h.length, rest, lda, product.data(), h.v);
    }
    const auto to_unit = [&](index_t j) {
        std::fill_n(q + j * ldq, n, T(0));
        q[j * (ldq + 1)] = 1;
    };
    if (n > 1) to_unit(n - 1);
    for (index_t k = n - 3; k >= 0; --k) {
        const auto h = reflector(k);
        T* const column = q + (k + 1) * ldq;
        if (h.tau == 0) {
            to_unit(k + 1);
            continue;
        }
        kernels.reflect_rows(h, h.length, n - k - 2, q + (k + 1) + (k + 2) * ldq, ldq);
        std::fill_n(column, k + 1, T(0));
        for (index_t i = k + 1; i < n; ++i) column[i] = column[i] * -h.tau;
        column[k + 1] += T(1);
    }
    if (n > 0) to_unit(0);
}

template <class T>
Hessenberg<T>::Hessenberg(const Matrix<T>& a) : form_(a) {
    if (is_hessenberg<T>(a.view())) return;
    if (is_hessenberg<T>(reversed(a))) {
        form_ = Matrix<T>(reversed(a));
        q_ = Basis<T>::reversal();
        return;
    }
    Matrix<T> q(a.rows(), a.rows());
    reduce_to_hessenberg(a.rows(), form_.data(), form_.ld(), q.data(), q.ld());
    q_ = Basis<T>(std::move(q));
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class Hessenberg<T>;                                                                  \
    template bool is_hessenberg<T>(MatrixView<const T>);                                           \
    template void reduce_to_hessenberg(index_t, T*, index_t, T*, index_t);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
