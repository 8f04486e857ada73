#include "otimes/lyapunov_factor.hpp"

#include <algorithm>  // std::min
#include <cmath>
#include <complex>
#include <cstdio>  // std::snprintf
#include <string>
#include <utility>  // std::as_const
#include <vector>

#include "otimes/error.hpp"
#include "otimes/lapack.hpp"
#include "otimes/lu.hpp"
#include "otimes/product.hpp"
#include "otimes/scaling.hpp"
#include "otimes/schur.hpp"
#include "otimes/threads.hpp"
#include "otimes/vectors.hpp"

namespace otimes {
namespace {

template <class T>
using complex_t = std::complex<real_t<T>>;

/// The lower triangular L, of as many columns as M has or as it has rows, with L L^H = M M^H.
template <class T>
Matrix<T> lower_factor(const Matrix<T>& m) {
    const index_t n = m.rows(), rank = std::min(n, m.cols());
    Matrix<T> adjoint = adjoint_of(m);
    std::vector<T> tau(static_cast<std::size_t>(rank));
    blas::geqrf(m.cols(), n, adjoint.data(), adjoint.ld(), tau.data());
    Matrix<T> l(n, rank);
    for (index_t j = 0; j < rank; ++j) {
        const bool negative = std::real(adjoint(j, j)) < 0;
        for (index_t i = j; i < n; ++i)
            l(i, j) = negative ? -conj_of(adjoint(j, i)) : conj_of(adjoint(j, i));
    }
    return l;
}

/// The unitary matrix [p, i q; i q, p] that makes a bump of a real Schur form triangular.
template <class R>
struct BumpRotation {
    index_t row;
    R p, q;

    /// (x, y) <- G (x, y) with q, G^H (x, y) with -q.
    void apply(R sign, std::complex<R>& x, std::complex<R>& y) const {
        const std::complex<R> i(0, sign * q), old = x;
        x = p * old + i * y;
        y = i * old + p * y;
    }
    /// X <- G X, or G^H X.
    void apply_rows(bool adjoint, Matrix<std::complex<R>>& x, index_t first = 0) const {
        for (index_t j = first; j < x.cols(); ++j)
            apply(adjoint ? R(-1) : R(1), x(row, j), x(row + 1, j));
    }
};

/// A triangular form S = W^H A W with complex entries, W = Z times rotations within bumps of a real
/// Schur form: a real matrix is decomposed in real arithmetic.
template <class T>
class TriangularForm {
    using R = real_t<T>;

  public:
    explicit TriangularForm(const Matrix<T>& a) : schur_(a), form_(a.rows(), a.rows()) {
        const Matrix<T>& t = schur_.form();
        for (index_t k = 0; k < t.rows() * t.rows(); ++k) form_.data()[k] = t.data()[k];
        if constexpr (!is_complex<T>)
            for (index_t k = 0; k + 1 < t.rows(); ++k)
                if (t(k + 1, k) != 0) flatten(k, t(k, k), t(k, k + 1), t(k + 1, k));
    }

    const Matrix<complex_t<T>>& form() const { return form_; }

    /// W^H B
    Matrix<complex_t<T>> into(Matrix<T> b) const {
        schur_.apply_left(true, b);
        if (b.cols() > b.rows()) b = lower_factor(b);
        Matrix<complex_t<T>> c(b.rows(), b.cols());
        for (index_t k = 0; k < b.rows() * b.cols(); ++k) c.data()[k] = b.data()[k];
        for (const auto& rotation : rotations_) rotation.apply_rows(true, c);
        return c;
    }

    /// M with M M^H = (W R) (W R)^H; for real A, where that is real, [Re W R, Im W R].
    Matrix<T> out_of(Matrix<complex_t<T>> r) const {
        for (const auto& rotation : rotations_) rotation.apply_rows(false, r);
        const index_t size = r.rows() * r.cols();
        Matrix<T> m(r.rows(), is_complex<T> ? r.cols() : 2 * r.cols());
        for (index_t k = 0; k < size; ++k) {
            if constexpr (is_complex<T>) {
                m.data()[k] = r.data()[k];
            } else {
                m.data()[k] = r.data()[k].real();
                m.data()[size + k] = r.data()[k].imag();
            }
        }
        schur_.apply_left(false, m);
        return m;
    }

  private:
    /// [a b; c a] has the eigenvector (b, i w) for a + i w, w^2 = - b c.
    void flatten(index_t k, R a, R b, R c) {
        const R w = std::sqrt(std::abs(b)) * std::sqrt(std::abs(c)), h = std::hypot(b, w);
        const BumpRotation<R> rotation{k, b / h, w / h};
        rotations_.push_back(rotation);
        for (index_t i = 0; i <= k + 1; ++i) rotation.apply(R(1), form_(i, k), form_(i, k + 1));
        rotation.apply_rows(true, form_, k);
        form_(k, k) = {a, w};
        form_(k + 1, k + 1) = {a, -w};
        form_(k + 1, k) = 0;
    }

    Schur<T> schur_;
    Matrix<complex_t<T>> form_;
    std::vector<BumpRotation<R>> rotations_;
};

template <class R>
std::string eigenvalue_text(std::complex<R> lambda) {
    char text[64];
    const double re = lambda.real(), im = lambda.imag();
    if (im == 0)
        std::snprintf(text, sizeof text, "%.6g", re);
    else
        std::snprintf(text, sizeof text, "%.6g%+.6gj", re, im);
    return text;
}

/// The upper triangular R with Y = R R^H, S Y + Y S^H + B B^H = 0 or S Y S^H - Y + B B^H = 0, from
/// the last column to the first. With S = [S1 s; 0 z], R = [R1 r; 0 d], B = [B1; b^H], u = b/d:
///   continuous:  d^2 = -|b|^2 / 2 Re z,    (S1 + z* I) r = -(d s + B1 u),   B1 <- B1 - r u^H
///   discrete:    d^2 = |b|^2 / (1 - |z|^2), (z* S1 - I) r = -(d z* s + B1 u),
///                B1 <- B1 - (r + (z/|z|)* v) u^H / (1 + |z|),   v = S1 r + d s.
template <class C>
class Hammarling {
    using R = real_t<C>;

  public:
    Hammarling(Time time, const Matrix<C>& s, Matrix<C> b)
        : time_(time), s_(s), b_(std::move(b)), factor_(s.rows(), s.rows()) {
        for (index_t k = s.rows(); k-- > 0;) {
            if (k % 64 == 0) poll_interrupt();
            eliminate(k);
        }
    }

    const Matrix<C>& factor() const { return factor_; }

  private:
    void eliminate(index_t k) {
        const C z = s_(k, k);
        const R distance =
            time_ == Time::continuous ? -2 * z.real() : (1 - std::abs(z)) * (1 + std::abs(z));
        const R size = row_norm(k);
        if (size == 0) return;  // this column of R is zero
        const R d = size / std::sqrt(distance);
        factor_(k, k) = d;
        std::vector<C> u(static_cast<std::size_t>(b_.cols()));
        for (index_t j = 0; j < b_.cols(); ++j)
            u[static_cast<std::size_t>(j)] = std::conj(b_(k, j)) / d;
        solve_column(k, d, u);
        deflate(k, d, u);
    }

    R row_norm(index_t k) const {
        R norm = 0;
        for (index_t j = 0; j < b_.cols(); ++j) norm = std::hypot(norm, std::abs(b_(k, j)));
        return norm;
    }

    /// r above the diagonal of column k.
    void solve_column(index_t k, R d, const std::vector<C>& u) {
        const bool continuous = time_ == Time::continuous;
        const C conjugate = std::conj(s_(k, k));
        const C slope = continuous ? C(1) : conjugate, shift = continuous ? conjugate : C(-1);
        C* r = &factor_(0, k);
        add_multiple(k, -d * slope, &s_(0, k), r);
        for (index_t j = 0; j < b_.cols(); ++j)
            add_multiple(k, -u[static_cast<std::size_t>(j)], &b_(0, j), r);
        for (index_t j = k; j-- > 0;) {
            r[j] /= times(slope, s_(j, j)) + shift;
            add_multiple(j, -times(slope, r[j]), &s_(0, j), r);
        }
    }

    /// What is left of B for the columns before k.
    void deflate(index_t k, R d, const std::vector<C>& u) {
        std::vector<C> w(&factor_(0, k), &factor_(0, k) + k);
        if (time_ == Time::discrete) add_discrete_part(k, d, w);
        for (index_t j = 0; j < b_.cols(); ++j)
            add_multiple(k, -std::conj(u[static_cast<std::size_t>(j)]), w.data(), &b_(0, j));
    }

    /// w <- (r + (z/|z|)* v) / (1 + |z|), v = S1 r + d s
    void add_discrete_part(index_t k, R d, std::vector<C>& w) const {
        const R modulus = std::abs(s_(k, k));
        const C phase = modulus > 0 ? std::conj(s_(k, k)) / modulus : C(1);
        const C* r = &factor_(0, k);
        add_multiple(k, phase * d, &s_(0, k), w.data());
        for (index_t j = 0; j < k; ++j)
            add_multiple(j + 1, times(phase, r[j]), &s_(0, j), w.data());
        for (C& entry : w) entry /= 1 + modulus;
    }

    Time time_;
    const Matrix<C>& s_;
    Matrix<C> b_, factor_;
};

/// Column i of A times 2^step, row i times 2^-step.
template <class T>
void scale_state(Matrix<T>& a, index_t i, int step) {
    const PowerOfTwo<real_t<T>> grow(step), shrink(-step);
    for (index_t j = 0; j < a.rows(); ++j) {
        if (j == i) continue;
        a(j, i) = grow(a(j, i));
        a(i, j) = shrink(a(i, j));
    }
}

/// Row i of X times 2^(sign d[i]).
template <class T>
void scale_rows(const std::vector<int>& d, int sign, Matrix<T>& x) {
    for (index_t i = 0; i < x.rows(); ++i) {
        const PowerOfTwo<real_t<T>> scale(sign * d[static_cast<std::size_t>(i)]);
        for (index_t j = 0; j < x.cols(); ++j) x(i, j) = scale(x(i, j));
    }
}

/// The exponents d at which the rows and the columns of 2^-d A 2^d are alike in size (Parlett &
/// Reinsch 1969, doi:10.1007/BF02165404): eigenvalues of badly scaled states keep their digits.
template <class T>
std::vector<int> balance(Matrix<T>& a) {
    constexpr int sweeps = 20;
    constexpr double worthwhile = 0.95;
    const index_t n = a.rows();
    std::vector<int> d(static_cast<std::size_t>(n));
    bool changed = true;
    for (int sweep = 0; sweep < sweeps && changed; ++sweep) {
        changed = false;
        for (index_t i = 0; i < n; ++i) {
            double row = 0, column = 0;
            for (index_t j = 0; j < n; ++j) {
                if (j == i) continue;
                row += std::abs(a(i, j));
                column += std::abs(a(j, i));
            }
            if (!(row > 0 && column > 0 && std::isfinite(row + column))) continue;
            const int step = static_cast<int>(std::lround(std::log2(row / column) / 2));
            const double better = std::ldexp(column, step) + std::ldexp(row, -step);
            if (!(better < worthwhile * (row + column))) continue;
            changed = true;
            d[static_cast<std::size_t>(i)] += step;
            scale_state(a, i, step);
        }
    }
    return d;
}

template <class C>
void require_stable(Time time, const Matrix<C>& s, int exponent) {
    for (index_t k = 0; k < s.rows(); ++k) {
        const C z = s(k, k);
        if (time == Time::continuous ? z.real() < 0 : std::abs(z) < 1) continue;
        const PowerOfTwo<real_t<C>> scale(exponent);
        throw singular_error("a is not stable: it has the eigenvalue " + eigenvalue_text(scale(z)) +
                             (time == Time::continuous ? ", whose real part is not negative"
                                                       : ", whose modulus is not below 1"));
    }
}

}  // namespace

template <class T>
void lyapunov_factor(Time time, MatrixView<const T> a, MatrixView<const T> b, MatrixView<const T> e,
                     MatrixView<T> l) {
    const SerialBlas serial_blas;
    Matrix<T> state(a), input(b);
    if (e.data != nullptr && a.rows > 0) {
        const int unit = binary_exponent(max_abs<T>(e));
        const LU<T> lu(scaled_copy(e, -unit));
        if (lu.rcond < eps_of<T>) throw singular_error("e is singular to working precision");
        lu.solve('N', state.cols(), state.data(), state.ld());
        lu.solve('N', input.cols(), input.data(), input.ld());
        copy_scaled<T>(std::as_const(state).view(), state.view(), -unit);
        copy_scaled<T>(std::as_const(input).view(), input.view(), -unit);
    }
    const std::vector<int> units = balance(state);
    scale_rows(units, -1, input);
    // even, since L is scaled by its square root
    const int rate = time == Time::discrete
                         ? 0
                         : 2 * (binary_exponent(max_abs<T>(std::as_const(state).view())) / 2);
    const int size = binary_exponent(max_abs<T>(std::as_const(input).view()));
    const TriangularForm<T> triangular(scaled_copy<T>(std::as_const(state).view(), -rate));
    require_stable(time, triangular.form(), rate);
    const Hammarling<complex_t<T>> solved(
        time, triangular.form(),
        triangular.into(scaled_copy<T>(std::as_const(input).view(), -size)));
    Matrix<T> factor = lower_factor(triangular.out_of(solved.factor()));
    scale_rows(units, 1, factor);
    copy_scaled<T>(std::as_const(factor).view(), l, size - rate / 2);
    if (!std::isfinite(max_abs<T>(l))) throw singular_error("the factor overflows");
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template void lyapunov_factor(Time, MatrixView<const T>, MatrixView<const T>,                  \
                                  MatrixView<const T>, MatrixView<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
