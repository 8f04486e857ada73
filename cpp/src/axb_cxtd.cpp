#include "otimes/axb_cxtd.hpp"

#include <algorithm>  // std::max, std::min, std::ranges::max_element
#include <cmath>
#include <complex>
#include <limits>
#include <optional>
#include <utility>  // std::as_const

#include "otimes/condition.hpp"
#include "otimes/lu.hpp"
#include "otimes/product.hpp"
#include "otimes/refinement.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"
#include "otimes/tsylvester.hpp"

namespace otimes {
namespace {

/// BLAS's letter.
constexpr char letter(Star star) { return static_cast<char>(star); }

/// A*
template <class T>
Matrix<T> starred(Star star, const Matrix<T>& a) {
    return star == Star::transpose ? transposed(a) : adjoint_of(a);
}

/// (A*)^H
template <class T>
Matrix<T> adjoint_of_starred(Star star, const Matrix<T>& a) {
    return star == Star::transpose ? conjugated(a) : a;
}

/// r <- r + alpha (A X B + C X* D)
template <class T>
void add_image(Star star, T alpha, const std::array<Matrix<T>, 4>& abcd, const Matrix<T>& x,
               Matrix<T>& r) {
    const auto& [a, b, c, d] = abcd;
    add_product(alpha, 'N', product(a, x), 'N', b, T(1), r);
    add_product(alpha, 'N', product('N', c, letter(star), x), 'N', d, T(1), r);
}

/// x <- L x for a linear L that an EquationFactor inverts; false on overflow.
template <class T>
bool solve_in_place(const EquationFactor<T>& factor, bool adjoint, Matrix<T>& x) {
    const RightHandSide<T> in_place{std::as_const(x).view(), x.view()};
    return factor.solve(adjoint, RightHandSides<T>(&in_place, 1)).scale == 1;
}

}  // namespace

template <class T>
class AxbCxtdFactor<T>::Reduced {
  public:
    /// Which coefficients of the equation as it is turned are well-conditioned.
    enum class Pair { bc, bd };

    /// Where those stand, and how the equation is turned to bring them there.
    struct Choice {
        Pair pair;
        std::size_t first, second;  // which two of A, B, C, D
        bool stars_q, stars_x;      // * is applied to the equation itself, or to its unknown
    };
    static constexpr std::array<Choice, 4> choices{{{Pair::bc, 1, 2, false, false},
                                                    {Pair::bc, 0, 3, false, true},
                                                    {Pair::bd, 1, 3, false, false},
                                                    {Pair::bd, 0, 2, true, false}}};

    Reduced(Star star, const Four& abcd, const Choice& choice)
        : star_(star),
          choice_(choice),
          b_(turned(abcd, 1)),
          other_(turned(abcd, choice.pair == Pair::bc ? 2 : 3)),
          b_lu_(b_),
          other_lu_(other_),
          tsylvester_(make_tsylvester(turned(abcd, 0), turned(abcd, 2), turned(abcd, 3))) {}

    bool solve(bool adjoint, Matrix<T>& x) const {
        if (adjoint ? choice_.stars_x : choice_.stars_q) x = starred(star_, x);
        if (!(choice_.pair == Pair::bc ? solve_bc(adjoint, x) : solve_bd(adjoint, x))) return false;
        if (adjoint ? choice_.stars_q : choice_.stars_x) x = starred(star_, x);
        return true;
    }

  private:
    /// A, B, C or D of the equation as it is turned.
    Matrix<T> turned(const Four& abcd, std::size_t k) const {
        if (choice_.stars_q) return starred(star_, abcd[3 - k]);
        return abcd[choice_.stars_x ? (k + 2) % 4 : k];
    }

    TSylvesterFactor<T> make_tsylvester(const Matrix<T>& a, const Matrix<T>& c,
                                        const Matrix<T>& d) const {
        const index_t n = a.rows();
        if (choice_.pair == Pair::bc) {
            Matrix<T> quotient = a;
            other_lu_.solve('N', n, quotient.data(), n);
            return {star_, product(letter(star_), b_, 'N', quotient).view(), d.view()};
        }
        Matrix<T> quotient = starred(star_, d);
        b_lu_.solve(letter(star_), n, quotient.data(), n);
        const Matrix<T> w = adjoint_of_starred(star_, product(c, quotient));
        return {star_, adjoint_of(a).view(), w.view()};
    }

    /// By B and C: X = Y B^-1, of Y from B* C^-1 E.
    bool solve_bc(bool adjoint, Matrix<T>& x) const {
        const index_t n = x.rows();
        if (adjoint) {
            b_lu_.solve_right('C', n, x.data(), n);
            if (!solve_in_place(tsylvester_, true, x)) return false;
            x = product(adjoint_of_starred(star_, b_), x);
            other_lu_.solve('C', n, x.data(), n);
            return true;
        }
        other_lu_.solve('N', n, x.data(), n);
        x = product(letter(star_), b_, 'N', x);
        if (!solve_in_place(tsylvester_, false, x)) return false;
        b_lu_.solve_right('N', n, x.data(), n);
        return true;
    }

    /// By B and D: X = Y D B^-1, of Y from E D^-1.
    bool solve_bd(bool adjoint, Matrix<T>& x) const {
        const index_t n = x.rows();
        const auto &first = adjoint ? b_lu_ : other_lu_, &last = adjoint ? other_lu_ : b_lu_;
        const char op = adjoint ? 'C' : 'N';
        first.solve_right(op, n, x.data(), n);
        if (adjoint) x = product('N', x, 'C', other_);
        if (!solve_in_place(tsylvester_, !adjoint, x)) return false;
        if (!adjoint) x = product(x, other_);
        last.solve_right(op, n, x.data(), n);
        return true;
    }

    Star star_;
    Choice choice_;
    Matrix<T> b_, other_;
    LU<T> b_lu_, other_lu_;
    TSylvesterFactor<T> tsylvester_;
};

template <class T>
struct AxbCxtdFactor<T>::Oriented {
    using Scalar = T;

    std::optional<int> solve(Matrix<T>& x) const {
        if (!factor.reduced_) return factor.triangular().solve(adjoint, x);
        if (!factor.reduced_->solve(adjoint, x)) return std::nullopt;
        return normalise(x.view());
    }

    void subtract_image(const Matrix<T>& x, Matrix<T>& r) const {
        add_image(factor.star_, T(-1), adjoint ? factor.adjoint_ : factor.abcd_, x, r);
    }

    const AxbCxtdFactor& factor;
    bool adjoint;
    double norm = factor.norm_;
    int exponent = factor.exponent_;
};

template <class T>
AxbCxtdFactor<T>::AxbCxtdFactor(Star star, Coefficients<T> abcd)
    : star_(star),
      finite_(is_finite(abcd[0], abcd[1]) && is_finite(abcd[2], abcd[3])),
      rcond_(finite_ ? 1 : std::numeric_limits<double>::quiet_NaN()) {
    if (!finite_ || abcd[0].rows == 0) return;
    const SerialBlas serial_blas;
    scale(abcd);
    decompose();
}

/// Each coefficient near 1, but for the smaller term's first one where that term is not zero.
template <class T>
void AxbCxtdFactor<T>::scale(Coefficients<T> abcd) {
    std::array<int, 4> e{};
    std::array<bool, 2> is_zero{};
    for (std::size_t k = 0; k < 4; ++k) {
        const real_t<T> largest = max_abs<T>(abcd[k]);
        e[k] = binary_exponent(largest);
        is_zero[k / 2] = is_zero[k / 2] || largest == 0;
    }
    const int ab = e[0] + e[1], cd = e[2] + e[3];
    exponent_ = is_zero[0] ? cd : is_zero[1] ? ab : std::max(ab, cd);
    const std::array<int, 4> shift{is_zero[0] ? e[0] : exponent_ - e[1], e[1],
                                   is_zero[1] ? e[2] : exponent_ - e[3], e[3]};
    for (std::size_t k = 0; k < 4; ++k) abcd_[k] = scaled_copy(abcd[k], -shift[k]);
    adjoint_ = {adjoint_of(abcd_[0]), adjoint_of(abcd_[1]), adjoint_of_starred(star_, abcd_[3]),
                adjoint_of_starred(star_, abcd_[2])};
    const auto norm = [&](std::size_t k) { return norm_of<T>(abcd_[k].view()); };
    norm_ = norm(0) * norm(1) + norm(2) * norm(3);
}

template <class T>
void AxbCxtdFactor<T>::decompose() {
    if (reduce()) return;
    const auto& [a, b, c, d] = abcd_;
    periodic_ = PeriodicSchur<Complex>({as_complex(a), as_complex(c), as_complex(starred(star_, b)),
                                        as_complex(starred(star_, d))});
    poll_interrupt();
    rcond_ = triangular().rcond();
}

/// By the two coefficients that are best conditioned, unless the equation is so near to a singular
/// one that the rounding errors of dividing by them could be what separates the two.
template <class T>
bool AxbCxtdFactor<T>::reduce() {
    std::array<double, 4> rcond{};
    for (std::size_t k = 0; k < 4; ++k) rcond[k] = LU<T>(abcd_[k]).rcond;
    const auto quality = [&](const auto& choice) {
        return std::min(rcond[choice.first], rcond[choice.second]);
    };
    const auto best = std::ranges::max_element(Reduced::choices, {}, quality);
    if (quality(*best) < std::sqrt(eps_of<T>)) return false;
    reduced_ = std::make_shared<const Reduced>(star_, abcd_, *best);
    poll_interrupt();
    rcond_ = reduced_rcond();
    const bool clear = rcond_ * quality(*best) > 100 * eps_of<T>;
    if (!clear) reduced_.reset();
    return clear;
}

template <class T>
StarSchur<T> AxbCxtdFactor<T>::triangular() const {
    const auto& [a, c, b, d] = periodic_.forms();
    const auto z = [&](std::size_t k) -> const Basis<Complex>& { return periodic_.basis(k); };
    return {star_, {&a, &b, &c, &d}, z(1), z(3), z(0), z(2)};
}

/// Of the equation itself.
template <class T>
double AxbCxtdFactor<T>::reduced_rcond() const {
    const index_t n = abcd_[0].rows();
    Matrix<T> z(n, n);
    const auto map = [&](const Four& coefficients) {
        return [&](T*) {
            Matrix<T> image(n, n);
            add_image(star_, T(1), coefficients, z, image);
            copy_scaled<T>(std::as_const(image).view(), z.view(), 0);
        };
    };
    const auto solve = [&](bool adjoint) {
        return [&, adjoint](T*) {
            Matrix<T> x = z;
            if (!reduced_->solve(adjoint, x)) x(0, 0) = std::numeric_limits<real_t<T>>::infinity();
            copy_scaled<T>(std::as_const(x).view(), z.view(), 0);
            poll_interrupt();
        };
    };
    const SingularRange range =
        singular_range(n * n, z.data(), map(abcd_), map(adjoint_), solve(false), solve(true), 2);
    return reciprocal_condition(range, norm_, eps_of<T>);
}

template <class T>
SolveReport AxbCxtdFactor<T>::solve(bool adjoint, RightHandSides<T> sides) const {
    if (!finite_) return undefined_solution(sides);
    if (abcd_[0].rows() == 0) return {.method = "empty"};
    const SerialBlas serial_blas;
    SolveReport report = solve_refined(Oriented{*this, adjoint}, sides);
    report.method = reduced_ ? "qz" : "periodic-qz";
    report.rcond = rcond_;
    return report;
}

template <class T>
FactorPointer<T> axb_cxtd_factor(Coefficients<T> abcd) {
    return std::make_unique<const AxbCxtdFactor<T>>(Star::transpose, abcd);
}

template <class T>
FactorPointer<T> axb_cxhd_factor(Coefficients<T> abcd) {
    const Star star = is_complex<T> ? Star::adjoint : Star::transpose;
    return std::make_unique<const AxbCxtdFactor<T>>(star, abcd);
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class AxbCxtdFactor<T>;                                                               \
    template FactorPointer<T> axb_cxtd_factor(Coefficients<T>);                                    \
    template FactorPointer<T> axb_cxhd_factor(Coefficients<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
