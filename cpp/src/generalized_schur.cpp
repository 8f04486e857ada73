#include "otimes/generalized_schur.hpp"

#include <algorithm>  // std::max
#include <cmath>
#include <complex>
#include <numbers>
#include <utility>  // std::move, std::swap

#include "otimes/error.hpp"
#include "otimes/lapack.hpp"
#include "otimes/lu.hpp"
#include "otimes/parallel_gemm.hpp"
#include "otimes/qr.hpp"
#include "otimes/scaling.hpp"
#include "otimes/schur.hpp"
#include "otimes/threads.hpp"
#include "otimes/triangular.hpp"

namespace otimes {
namespace {

/// x a + y b
template <class T>
Matrix<T> combination(double x, const Matrix<T>& a, double y, const Matrix<T>& b) {
    using R = real_t<T>;
    Matrix<T> sum(a.rows(), a.cols());
    for (index_t k = 0; k < a.rows() * a.cols(); ++k)
        sum.data()[k] = static_cast<R>(x) * a.data()[k] + static_cast<R>(y) * b.data()[k];
    return sum;
}

}  // namespace

template <class T>
GeneralizedSchur<T>::GeneralizedSchur(const Matrix<T>& a, const Matrix<T>& b) {
    const index_t n = a.rows();
    if (n == 0 || take_triangular(a, b)) return;
    Matrix<T> q(n, n), z(n, n);
    auto& [s, p] = forms_;
    const auto run = [&](auto&& routine) {
        s = a;
        p = b;
        return routine(n, s.data(), n, p.data(), n, q.data(), n, z.data(), n) == 0;
    };
    if (!run([](auto... x) { return blas::gges3(x...); }) &&
        !run([](auto... x) { return blas::gges(x...); }))
        throw singular_error("the QZ algorithm did not converge");
    error_ = eps_of<T>;
    q_ = Basis<T>(std::move(q));
    z_ = Basis<T>(std::move(z));
}

template <class T>
bool GeneralizedSchur<T>::take_triangular(const Matrix<T>& a, const Matrix<T>& b) {
    if (is_upper<T>(a.view()) && is_upper<T>(b.view())) {
        forms_ = {a, b};
        return true;
    }
    if (is_upper<T>(reversed(a)) && is_upper<T>(reversed(b))) {
        forms_ = {Matrix<T>(reversed(a)), Matrix<T>(reversed(b))};
        q_ = z_ = Basis<T>::reversal();
        return true;
    }
    return false;
}

/// With B^-1 A = Z T Z^H and B Z = Q R: A = Q (R T) Z^H and B = Q R Z^H. T is computed as exactly
/// that of an A that is off by eps ||B|| ||B^-1 A||; false if that is more than QZ would be off.
template <class T>
bool GeneralizedSchur<T>::divide(const Matrix<T>& a, const Matrix<T>& b) {
    const index_t n = a.rows();
    const LU<T> lu(b);
    const double limit = 1e-4;
    if (lu.rcond < limit) return false;
    Matrix<T> quotient = a;
    lu.solve('N', n, quotient.data(), quotient.ld());
    const double growth = norm_of<T>(b.view()) * norm_of<T>(quotient.view());
    const double terms = norm_of<T>(a.view()) + norm_of<T>(b.view());
    if (growth * limit > terms) return false;
    error_ = eps_of<T> * std::max(1.0, growth / terms);
    const Schur<T> schur(quotient);
    Matrix<T> r = b;
    schur.apply_right(false, r);
    q_ = Basis<T>(split_off_q(r));
    z_ = schur.basis();
    Matrix<T> s(n, n);
    parallel_gemm('N', 'N', n, n, n, T(1), r.data(), n, schur.form().data(), n, T(0), s.data(), n);
    forms_ = {std::move(s), std::move(r)};
    return true;
}

/// The pencil (c A - s B, s A + c B) from the forms of (A, B).
template <class T>
void GeneralizedSchur<T>::rotate(double cosine, double sine) {
    auto& [s, p] = forms_;
    Matrix<T> first = combination(cosine, s, -sine, p);
    p = combination(sine, s, cosine, p);
    s = std::move(first);
}

template <class T>
GeneralizedSchur<T> GeneralizedSchur<T>::by_division(const Matrix<T>& a, const Matrix<T>& b) {
    GeneralizedSchur pencil;
    if (a.rows() == 0 || pencil.take_triangular(a, b)) return pencil;
    for (const double angle : {0.0, 0.5, 0.2, 0.7}) {  // of pi: divide by B, by A, by mixtures
        const double c = std::cos(angle * std::numbers::pi), s = std::sin(angle * std::numbers::pi);
        if (angle == 0 ? pencil.divide(a, b)
                       : pencil.divide(combination(c, a, s, b), combination(-s, a, c, b))) {
            if (angle != 0) pencil.rotate(c, s);
            return pencil;
        }
    }
    return GeneralizedSchur(a, b);
}

template <class T>
GeneralizedSchur<T> GeneralizedSchur<T>::adjoint() const {
    GeneralizedSchur pencil;
    pencil.forms_ = reversed_adjoints(forms_);
    pencil.q_ = z_.reversed();
    pencil.z_ = q_.reversed();
    pencil.error_ = error_;
    return pencil;
}

template <class T>
GeneralizedSchur<T> GeneralizedSchur<T>::swapped() && {
    std::swap(forms_[0], forms_[1]);
    return std::move(*this);
}

template <class T>
GeneralizedSchur<T> GeneralizedSchur<T>::negated() && {
    Matrix<T>& s = forms_[0];
    for (index_t k = 0; k < s.rows() * s.cols(); ++k) s.data()[k] = -s.data()[k];
    return std::move(*this);
}

template <class T>
Forms<T> reversed_adjoints(const Forms<T>& forms) {
    return {reversed_adjoint(forms[0]), reversed_adjoint(forms[1])};
}

template <class T>
std::array<GeneralizedSchur<T>, 2> generalized_schur_pair(const Forms<T>& first,
                                                          const Forms<T>& second, bool fast) {
    const auto cube = [](const Forms<T>& f) {
        const auto n = static_cast<double>(f[0].rows());
        return n * n * n;
    };
    std::array<GeneralizedSchur<T>, 2> pair;
    const auto decompose = [&](const Forms<T>& f) {
        return fast ? GeneralizedSchur<T>::by_division(f[0], f[1])
                    : GeneralizedSchur<T>(f[0], f[1]);
    };
    parallel_pair(
        66 * (cube(first) + cube(second)), [&] { pair[0] = decompose(first); },
        [&] { pair[1] = decompose(second); });
    return pair;
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class GeneralizedSchur<T>;                                                            \
    template Forms<T> reversed_adjoints(const Forms<T>&);                                          \
    template std::array<GeneralizedSchur<T>, 2> generalized_schur_pair(const Forms<T>&,            \
                                                                       const Forms<T>&, bool);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
