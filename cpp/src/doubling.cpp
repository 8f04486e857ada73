#include "otimes/doubling.hpp"

#include <algorithm>  // std::clamp, std::min, std::max
#include <cmath>
#include <complex>
#include <limits>
#include <tuple>        // std::tie
#include <type_traits>  // std::conditional_t

#include "otimes/condition.hpp"
#include "otimes/lapack.hpp"
#include "otimes/product.hpp"
#include "otimes/scaling.hpp"
#include "otimes/scratch.hpp"
#include "otimes/symmetry.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// y <- y + alpha op(F) x op(G), one block of rows per thread; an empty g stands for F^H.
template <class T>
void add_two_sided_product(bool adjoint, T alpha, const Matrix<T>& f, const Matrix<T>& x,
                           const Matrix<T>& g, Matrix<T>& y) {
    const index_t m = x.rows(), n = x.cols();
    const bool one = g.rows() == 0;
    const Matrix<T>& right = one ? f : g;
    const char f_op = adjoint ? 'C' : 'N', g_op = adjoint != one ? 'C' : 'N';
    const auto add_rows = [&](index_t begin, index_t end) {
        const index_t rows = end - begin;
        const Scratch<T> product(rows * n);
        blas::gemm(f_op, 'N', rows, n, m, alpha, f.data() + begin * (adjoint ? f.ld() : 1), f.ld(),
                   x.data(), x.ld(), T(0), product.get(), rows);
        blas::gemm('N', g_op, rows, n, n, T(1), product.get(), rows, right.data(), right.ld(), T(1),
                   y.data() + begin, y.ld());
    };
    constexpr double worthwhile = 2e6;
    parallel_blocks(m, product_flops(m, n, m) + product_flops(m, n, n), add_rows, worthwhile);
}

/// y <- y + alpha F x F^H, or alpha F^H x F, for x and y of this symmetry and real alpha: what is
/// on and below the diagonal, mirrored.
template <class T>
void add_congruence(bool adjoint, Symmetry symmetry, T alpha, const Matrix<T>& f,
                    const Matrix<T>& x, Matrix<T>& y) {
    const index_t n = x.rows(), panel = std::max<index_t>(64, (n + 7) / 8);
    const index_t count = (n + panel - 1) / panel;
    const char left = adjoint ? 'C' : 'N', right = adjoint ? 'N' : 'C';
    parallel_for(count, 1.5 * product_flops(n, n, n), [&](index_t k) {
        const index_t begin = (count - 1 - k) * panel, end = std::min(n, begin + panel);
        const index_t rows = end - begin;
        const Scratch<T> product(rows * n);
        blas::gemm(left, 'N', rows, n, n, alpha, f.data() + begin * (adjoint ? f.ld() : 1), f.ld(),
                   x.data(), x.ld(), T(0), product.get(), rows);
        blas::gemm('N', right, rows, end, n, T(1), product.get(), rows, f.data(), f.ld(), T(1),
                   y.data() + begin, y.ld());
    });
    for (index_t j = 0; j < n; ++j)
        for (index_t i = 0; i < j; ++i) y(i, j) = mirrored(symmetry, y(j, i));
}

/// y <- y + alpha op(F) x op(G), at three quarters of the cost where y stays symmetric.
template <class T>
void add_product(bool adjoint, Symmetry symmetry, T alpha, const Matrix<T>& f, const Matrix<T>& x,
                 const Matrix<T>& g, Matrix<T>& y) {
    if (symmetry == Symmetry::none)
        add_two_sided_product(adjoint, alpha, f, x, g, y);
    else
        add_congruence(adjoint, symmetry, alpha, f, x, y);
}

/// That of x, where F x F^H keeps it and a quarter of the work is worth looking.
template <class T>
Symmetry kept_symmetry(const Matrix<T>& x, const Matrix<T>& g) {
    constexpr index_t worthwhile = 128;
    return g.rows() == 0 && x.rows() >= worthwhile ? symmetry_of<T>(x.view()) : Symmetry::none;
}

/// F^2 and G^2: small ones at once, large ones each on all threads.
template <class T>
std::pair<Matrix<T>, Matrix<T>> squares(const Matrix<T>& f, const Matrix<T>& g) {
    constexpr double large = 8e6;
    const index_t m = f.rows(), n = g.rows();
    const double work = product_flops(m, m, m) + product_flops(n, n, n);
    std::pair<Matrix<T>, Matrix<T>> result;
    parallel_pair(
        n > 0 && work < 2 * large ? work : 0, [&] { result.first = product(f, f); },
        [&] { result.second = product(g, g); });
    return result;
}

/// The mean of the eigenvalues.
template <class T>
T mean_of(const Matrix<T>& a) {
    T sum = 0;
    for (index_t i = 0; i < a.rows(); ++i) sum += a(i, i);
    return sum / static_cast<real_t<T>>(a.rows());
}

/// ||F||_2 or more: a step less is needed than ||F||_F asks for, where F is large enough to look.
template <class T>
double size_of_power(const Matrix<T>& f) {
    constexpr index_t worthwhile = 64;
    constexpr double safety = 1.5;
    const double size = norm_of<T>(f.view());
    if (f.rows() < worthwhile || !std::isfinite(size)) return size;
    return std::min(size, safety * spectral_norm(f));
}

/// Neither F^(2^k) X G^(2^k) for the eigenvalues of largest modulus nor its rounding errors vanish.
template <class T>
bool is_growing(const Matrix<T>& f, const Matrix<T>& g, double size) {
    const double limit = 0.05 / std::sqrt(eps_of<T>);
    const double means = std::abs(mean_of(f)) * std::abs(mean_of(g.rows() == 0 ? f : g));
    return !(size < limit) || means >= 1;
}

}  // namespace

template <class T>
std::optional<SmithPowers<T>> SmithPowers<T>::vanishing(Matrix<T> f, Matrix<T> g) {
    constexpr int most_steps = 14;
    SmithPowers result;
    for (int step = 0; step < most_steps; ++step) {
        poll_interrupt();
        const double f_size = size_of_power(f);
        const double size = f_size * (g.rows() == 0 ? f_size : size_of_power(g));
        if (is_growing(f, g, size)) return std::nullopt;
        result.powers_.push_back({std::move(f), std::move(g), size});
        if (size * size <= eps_of<T>) return result;
        std::tie(f, g) = squares(result.powers_.back().f, result.powers_.back().g);
    }
    return std::nullopt;
}

template <class T>
void SmithPowers<T>::solve(bool adjoint, Matrix<T>& x, double accuracy) const {
    const Symmetry symmetry = powers_.empty() ? Symmetry::none : kept_symmetry(x, powers_[0].g);
    for (const Power& power : powers_) {
        if (power.size <= accuracy) return;
        poll_interrupt();
        const Matrix<T> terms = x;
        add_product(adjoint, symmetry, T(1), power.f, terms, power.g, x);
    }
}

namespace {

template <class S, class T>
Matrix<S> rounded_copy(const Matrix<T>& a) {
    Matrix<S> copy(a.rows(), a.cols());
    for (index_t k = 0; k < a.rows() * a.cols(); ++k) copy.data()[k] = static_cast<S>(a.data()[k]);
    return copy;
}

}  // namespace

template <class T>
template <class S>
SmithPowers<S> SmithPowers<T>::rounded(double accuracy) const {
    SmithPowers<S> result;
    for (const Power& power : powers_) {
        if (power.size <= accuracy) break;
        result.powers_.push_back({rounded_copy<S>(power.f), rounded_copy<S>(power.g), power.size});
    }
    return result;
}

namespace {

/// The mean of the eigenvalues and, exact for normal matrices, their mean square distance from it.
template <class T>
struct Spectrum {
    explicit Spectrum(const Matrix<T>& a) : centre(mean_of(a)) {
        const auto n = static_cast<real_t<T>>(a.rows());
        T sum_of_squares = 0;
        for (index_t j = 0; j < a.cols(); ++j)
            for (index_t i = 0; i < a.rows(); ++i) sum_of_squares += times(a(i, j), a(j, i));
        variance = sum_of_squares / n - times(centre, centre);
        square_radius = squared_norm<T>(a.view()) / static_cast<double>(n) - square_of(centre);
        square_radius = std::max(0.0, square_radius);
    }

    /// Re (lambda - centre)^2 after division by a number of modulus one: as much as square_radius
    /// where the eigenvalues lie in that direction, minus as much where they lie across.
    double variance_along(T direction) const {
        const T turn = conj_of(direction);
        return static_cast<double>(std::real(times(times(turn, turn), variance)));
    }

    /// tau^2 for eigenvalues at this distance from the line: the geometric mean of the extremes.
    double square_tau(double distance, T direction) const {
        const double across = std::max(0.0, -variance_along(direction));
        const double square = distance * distance;
        return std::max(square - square_radius + 2 * across, square / 16);
    }

    T centre, variance;
    double square_radius;
};

/// Is b = a^H?
template <class T>
bool is_adjoint(const Matrix<T>& a, const Matrix<T>& b) {
    if (a.rows() != b.rows()) return false;
    for (index_t j = 0; j < a.cols(); ++j)
        for (index_t i = 0; i < a.rows(); ++i)
            if (b(i, j) != conj_of(a(j, i))) return false;
    return true;
}

template <class T>
void divide(Matrix<T>& a, real_t<T> divisor) {
    for (index_t k = 0; k < a.rows() * a.cols(); ++k) a.data()[k] /= divisor;
}

template <class T>
struct CayleyShifts {
    T gamma, delta;
};

/// The line between the spectra of A and -B, at equal distances from discs around them, and a tau
/// for which both transforms are small; nothing if they overlap by far in the direction across it.
template <class T>
std::optional<CayleyShifts<T>> cayley_shifts(const Spectrum<T>& a, const Spectrum<T>& b) {
    using R = real_t<T>;
    const T across = a.centre + b.centre;  // from the centre of -B to that of A
    const double distance = std::abs(across);
    if (!(distance > 0)) return std::nullopt;
    const T direction = across / static_cast<R>(distance);
    const auto extent = [&](const Spectrum<T>& s) {
        return std::sqrt((s.square_radius + s.variance_along(direction)) / 2);
    };
    constexpr double hopeless = 0.2;
    if (!(distance > hopeless * (extent(a) + extent(b)))) return std::nullopt;
    const double excess = (std::sqrt(a.square_radius) - std::sqrt(b.square_radius)) / 2;
    const double a_distance = distance / 2 + std::clamp(excess, -distance / 4, distance / 4);
    const double square_taus =
        a.square_tau(a_distance, direction) * b.square_tau(distance - a_distance, direction);
    const T tau = static_cast<R>(std::sqrt(std::sqrt(square_taus))) * direction;
    const T shift = static_cast<R>(a_distance) * direction - a.centre;
    return CayleyShifts<T>{tau + shift, tau - shift};
}

constexpr double probe_accuracy = 1.0 / 16;  // one digit is enough

/// The precision in which that digit is computed.
template <class T>
using Single = std::conditional_t<is_complex<T>, std::complex<float>, float>;

template <class T, class Inverse>
double condition_by(const TriangularEquation<T>& equation, Inverse&& inverse) {
    const auto solve = [&](bool adjoint, Matrix<Single<T>>& z) {
        inverse(adjoint, z);
        return std::optional<int>(0);
    };
    const index_t m = equation.t.rows(), n = equation.s.rows();
    return reciprocal_condition(equation, smallest_singular_value<Single<T>>(m, n, solve));
}

/// Not where the equation is so ill-conditioned that its rcond may be inaccurate.
template <class T>
bool is_trusted(double rcond) {
    return rcond > std::sqrt(eps_of<T>);
}

/// (A + shift I)^-1; not finite where that is singular.
template <class T>
Matrix<T> shifted_inverse(Matrix<T> a, T shift) {
    const index_t n = a.rows();
    shift_diagonal(shift, a);
    std::vector<blas::blasint> pivots(static_cast<std::size_t>(n));
    if (blas::getrf(n, n, a.data(), a.ld(), pivots.data()) > 0)
        a(0, 0) = std::numeric_limits<real_t<T>>::infinity();
    else
        blas::getri(n, a.data(), a.ld(), pivots.data());
    return a;
}

/// I - 2 tau U = (A + gamma I)^-1 (A - delta I) for U = (A + gamma I)^-1.
template <class T>
Matrix<T> cayley_transform(Matrix<T> u, T two_tau) {
    for (index_t k = 0; k < u.rows() * u.rows(); ++k) u.data()[k] = -times(two_tau, u.data()[k]);
    shift_diagonal(T(1), u);
    return u;
}

}  // namespace

template <class T>
void CayleyEquation<T>::solve(bool adjoint, Matrix<T>& x, double accuracy) const {
    Matrix<T> c(x.rows(), x.cols());
    const T factor = adjoint ? conj_of(two_tau) : two_tau;
    const Symmetry symmetry = factor == conj_of(factor) ? kept_symmetry(x, v) : Symmetry::none;
    add_product(adjoint, symmetry, factor, u, x, v, c);
    powers.solve(adjoint, c, accuracy);
    x = std::move(c);
}

namespace {

template <class T>
double cayley_rcond(const TriangularEquation<T>& triangular, const CayleyEquation<T>& equation) {
    using S = Single<T>;
    const CayleyEquation<S> coarse{static_cast<S>(equation.two_tau), rounded_copy<S>(equation.u),
                                   rounded_copy<S>(equation.v),
                                   equation.powers.template rounded<S>(probe_accuracy)};
    return condition_by(
        triangular, [&](bool adjoint, Matrix<S>& z) { coarse.solve(adjoint, z, probe_accuracy); });
}

}  // namespace

template <class T>
EquationMethodPointer<T> DoublingSylvester<T>::attempt(const Matrix<T>& a, const Matrix<T>& b) {
    const auto shifts = cayley_shifts(Spectrum<T>(a), Spectrum<T>(b));
    if (!shifts) return nullptr;
    const bool one = is_adjoint(a, b);
    const T two_tau = shifts->gamma + shifts->delta;
    Matrix<T> u, v, f, g;
    const auto transform = [&](const Matrix<T>& matrix, T shift, Matrix<T>& inverse,
                               Matrix<T>& transformed) {
        inverse = shifted_inverse(matrix, shift);
        transformed = cayley_transform(inverse, two_tau);
    };
    parallel_pair(
        product_flops(a.rows(), a.rows(), a.rows()) + product_flops(b.rows(), b.rows(), b.rows()),
        [&] { transform(a, shifts->gamma, u, f); },
        [&] {
            if (!one) transform(b, shifts->delta, v, g);
        });
    auto powers = SmithPowers<T>::vanishing(std::move(f), std::move(g));
    if (!powers) return nullptr;
    CayleyEquation<T> equation{two_tau, std::move(u), std::move(v), std::move(*powers)};
    const double rcond = cayley_rcond(TriangularEquation<T>{a, b}, equation);
    if (!is_trusted<T>(rcond)) return nullptr;
    return std::make_unique<DoublingSylvester>(std::move(equation), rcond);
}

template <class T>
std::optional<int> DoublingSylvester<T>::solve(bool adjoint, Matrix<T>& x) const {
    equation_.solve(adjoint, x, eps_of<T>);
    return 0;
}

template <class T>
EquationMethodPointer<T> DoublingStein<T>::attempt(const Matrix<T>& a, const Matrix<T>& b,
                                                   real_t<T> identity) {
    const bool one = is_adjoint(a, b);
    const real_t<T> divisor = one ? std::sqrt(identity) : identity;
    if (!(divisor > 0)) return nullptr;
    Matrix<T> f = a, g = one ? Matrix<T>() : b;
    divide(one ? f : g, divisor);
    auto powers = SmithPowers<T>::vanishing(std::move(f), std::move(g));
    if (!powers) return nullptr;
    const auto coarse = powers->template rounded<Single<T>>(probe_accuracy);
    const auto inverse = [&](bool adjoint, Matrix<Single<T>>& z) {
        divide(z, static_cast<float>(identity));
        coarse.solve(adjoint, z, probe_accuracy);
    };
    const double rcond = condition_by(TriangularEquation<T>{a, b, identity}, inverse);
    if (!is_trusted<T>(rcond)) return nullptr;
    return std::make_unique<DoublingStein>(identity, std::move(*powers), rcond);
}

template <class T>
std::optional<int> DoublingStein<T>::solve(bool adjoint, Matrix<T>& x) const {
    divide(x, identity_);
    powers_.solve(adjoint, x, eps_of<T>);
    return 0;
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class SmithPowers<T>;                                                                 \
    template struct CayleyEquation<T>;                                                             \
    template class DoublingSylvester<T>;                                                           \
    template class DoublingStein<T>;
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
