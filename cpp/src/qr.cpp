#include "otimes/qr.hpp"

#include <complex>
#include <vector>

#include "otimes/lapack.hpp"
#include "otimes/product.hpp"

namespace otimes {

template <class T>
Matrix<T> split_off_q(Matrix<T>& a) {
    const index_t n = a.rows();
    std::vector<T> tau(static_cast<std::size_t>(n));
    blas::geqrf(n, n, a.data(), a.ld(), tau.data());
    Matrix<T> q = identity_matrix<T>(n);
    blas::apply_reflectors(false, n, n, n, a.data(), a.ld(), tau.data(), q.data(), q.ld());
    for (index_t j = 0; j < n; ++j)
        for (index_t i = j + 1; i < n; ++i) a(i, j) = 0;
    return q;
}

#define OTIMES_INSTANTIATE(T) template Matrix<T> split_off_q(Matrix<T>&);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
