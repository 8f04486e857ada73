#include "otimes/basis.hpp"

#include <complex>

#include "otimes/parallel_gemm.hpp"

namespace otimes {

template <class T>
void Basis<T>::apply_left(bool adjoint, Matrix<T>& x) const {
    if (kind_ == Kind::reversal) reverse_rows(x);
    if (kind_ != Kind::general) return;
    Matrix<T> y(x.rows(), x.cols());
    parallel_gemm(adjoint ? 'C' : 'N', 'N', x.rows(), x.cols(), x.rows(), T(1), u_.data(), u_.ld(),
                  x.data(), x.ld(), T(0), y.data(), y.ld());
    x = std::move(y);
}

template <class T>
void Basis<T>::apply_right(bool adjoint, Matrix<T>& x) const {
    if (kind_ == Kind::reversal) reverse_cols(x);
    if (kind_ != Kind::general) return;
    Matrix<T> y(x.rows(), x.cols());
    parallel_gemm('N', adjoint ? 'C' : 'N', x.rows(), x.cols(), x.cols(), T(1), x.data(), x.ld(),
                  u_.data(), u_.ld(), T(0), y.data(), y.ld());
    x = std::move(y);
}

template <class T>
Basis<T> Basis<T>::reversed() const {
    if (kind_ == Kind::identity) return reversal();
    if (kind_ == Kind::reversal) return Basis();
    Basis basis = *this;
    reverse_cols(basis.u_);
    return basis;
}

template class Basis<float>;
template class Basis<double>;
template class Basis<std::complex<float>>;
template class Basis<std::complex<double>>;

}  // namespace otimes
