#include "otimes/schur.hpp"

#include <complex>
#include <optional>
#include <utility>  // std::move
#include <vector>

#include "otimes/error.hpp"
#include "otimes/hessenberg.hpp"
#include "otimes/lapack.hpp"
#include "otimes/qr_iteration.hpp"
#include "otimes/scaling.hpp"
#include "otimes/symmetry.hpp"
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
    if (!is_hessenberg(a)) return false;
    for (index_t j = 0; j + 1 < a.cols; ++j) {
        if (a(j + 1, j) == T(0)) continue;
        if (!is_standard_bump(a, j) || (j + 2 < a.cols && a(j + 2, j + 1) != T(0))) return false;
    }
    return true;
}

/// The largest size at which our own kernels are faster than LAPACK's gees: measured, one thread,
/// AVX-512. They take half of its time up to n = 100.
template <class T>
constexpr index_t largest_own = 400;
template <>
constexpr index_t largest_own<std::complex<double>> = 300;
template <>
constexpr index_t largest_own<std::complex<float>> = 180;

/// a <- T and z <- Z by our own kernels. False, with both destroyed, if a is too large for them or
/// the iteration does not converge.
template <class T>
bool decompose_small(Matrix<T>& a, Matrix<T>& z) {
    const index_t n = a.rows();
    if (n > largest_own<T>) return false;
    const int exponent = normalise(a.view());
    if (is_hessenberg<T>(a.view()))
        for (index_t j = 0; j < n; ++j) z(j, j) = T(1);
    else
        reduce_to_hessenberg(n, a.data(), a.ld(), z.data(), z.ld());
    if (!qr_iteration(n, a.data(), a.ld(), n, z.data(), z.ld())) return false;
    if (exponent != 0) copy_scaled<T>(a.view(), a.view(), exponent);
    return true;
}

}  // namespace

template <class T>
bool has_schur_form(const Matrix<T>& a) {
    return a.rows() == 0 || is_schur_form<T>(a.view()) || is_schur_form<T>(reversed(a));
}

template <class T>
Schur<T>::Schur(const Matrix<T>& a) : form_(a) {
    if (a.rows() == 0 || is_schur_form<T>(a.view())) return;
    if (is_schur_form<T>(reversed(a))) {
        z_ = Basis<T>::reversal();
        form_ = Matrix<T>(reversed(a));
        return;
    }
    if (has_symmetry<T>(Symmetry::hermitian, a.view())) {
        decompose_hermitian();
        return;
    }
    Matrix<T> z(a.rows(), a.rows());
    if (!decompose_small(form_, z)) {
        form_ = a;
        if (blas::gees(a.rows(), form_.data(), form_.ld(), z.data(), z.ld()) > 0)
            throw singular_error("the QR algorithm did not converge: a Schur decomposition failed");
    }
    z_ = Basis<T>(std::move(z));
}

template <class T>
void Schur<T>::decompose_hermitian() {
    const index_t n = form_.rows();
    std::vector<real_t<T>> values(static_cast<std::size_t>(n));
    if (blas::heevd(n, form_.data(), form_.ld(), values.data()) > 0)
        throw singular_error("an eigendecomposition of a Hermitian matrix did not converge");
    z_ = Basis<T>(std::move(form_));
    form_ = Matrix<T>(n, n);
    for (index_t k = 0; k < n; ++k) form_(k, k) = values[static_cast<std::size_t>(k)];
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
    template bool has_schur_form(const Matrix<T>&);                                                \
    template std::pair<Schur<T>, Schur<T>> schur_pair(const Matrix<T>&, const Matrix<T>&);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
