#include "otimes/schur.hpp"

#include <complex>
#include <optional>

#include "otimes/blas.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

template <class T>
bool is_standard_bump(MatrixView<const T> a, index_t j) {
    if constexpr (is_complex<T>)
        return false;
    else
        return a(j, j) == a(j + 1, j + 1) && (a(j, j + 1) < 0) != (a(j + 1, j) < 0) &&
               a(j, j + 1) != 0;
}

/// Is a in Schur form already? Two adjacent subdiagonal entries (a Hessenberg matrix) are not, nor
/// is a 2x2 block whose eigenvalues are real or whose diagonal entries differ.
template <class T>
bool is_schur_form(MatrixView<const T> a) {
    for (index_t j = 0; j + 1 < a.cols; ++j)
        for (index_t i = j + 2; i < a.rows; ++i)
            if (a(i, j) != T(0)) return false;
    for (index_t j = 0; j + 1 < a.cols; ++j) {
        if (a(j + 1, j) == T(0)) continue;
        if (!is_standard_bump(a, j) || (j + 2 < a.cols && a(j + 2, j + 1) != T(0))) return false;
    }
    return true;
}

/// Rows and columns in reverse order: J A J.
template <class T>
MatrixView<const T> reversed(const Matrix<T>& a) {
    const index_t n = a.rows();
    return {a.data() + (n - 1) * (n + 1), n, n, -1, -n};
}

}  // namespace

template <class T>
Schur<T>::Schur(const Matrix<T>& a) : form_(a) {
    if (a.rows() == 0 || is_schur_form<T>(a.view())) return;
    if (is_schur_form<T>(reversed(a))) {
        z_ = Basis<T>::reversal();
        form_ = Matrix<T>(reversed(a));
        return;
    }
    Matrix<T> z(a.rows(), a.rows());
    if (blas::gees(a.rows(), form_.data(), form_.ld(), z.data(), z.ld()) > 0)
        throw singular_error("the QR algorithm did not converge: a Schur decomposition failed");
    z_ = Basis<T>(std::move(z));
}

template <class T>
std::pair<Schur<T>, Schur<T>> schur_pair(const Matrix<T>& a, const Matrix<T>& b) {
    const auto cube = [](index_t n) { return static_cast<double>(n * n * n); };
    std::optional<Schur<T>> first, second;
    parallel_pair(
        25 * (cube(a.rows()) + cube(b.rows())), [&] { first.emplace(a); },
        [&] { second.emplace(b); });
    return {std::move(*first), std::move(*second)};
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class Schur<T>;                                                                       \
    template std::pair<Schur<T>, Schur<T>> schur_pair(const Matrix<T>&, const Matrix<T>&);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
