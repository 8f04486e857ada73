#include "otimes/generalized_sylvester.hpp"

#include <algorithm>  // std::max
#include <cmath>
#include <complex>
#include <limits>
#include <optional>
#include <utility>  // std::move, std::swap

#include "otimes/pencil_condition.hpp"
#include "otimes/product.hpp"
#include "otimes/refinement.hpp"
#include "otimes/scaling.hpp"
#include "otimes/symmetry.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

template <class T>
using Right = typename TwoTerms<T>::Right;

/// The matrices of the larger term near 1, those of the other so much smaller that both terms keep
/// their ratio.
template <class T>
TwoTerms<T> sylvester_terms(Coefficients<T> abcd) {
    std::array<int, 4> e;
    for (std::size_t k = 0; k < 4; ++k) e[k] = binary_exponent(max_abs<T>(abcd[k]));
    const auto vanishes = [&](std::size_t k) {
        return max_abs<T>(abcd[k]) == 0 || max_abs<T>(abcd[k + 1]) == 0;
    };
    TwoTerms<T> terms;
    terms.exponent = vanishes(0)   ? e[2] + e[3]
                     : vanishes(2) ? e[0] + e[1]
                                   : std::max(e[0] + e[1], e[2] + e[3]);
    for (std::size_t t = 0; t < 2; ++t) {
        const int excess = vanishes(2 * t) ? 0 : terms.exponent - e[2 * t] - e[2 * t + 1];
        terms.left[t] = scaled_copy(abcd[2 * t], -e[2 * t] - excess / 2);
        terms.right[t] = scaled_copy(abcd[2 * t + 1], -e[2 * t + 1] - (excess - excess / 2));
    }
    terms.norm = norm_of_terms(terms.left, terms.right);
    return terms;
}

/// (A, E^H, E, A^H), or (-A, A^H, E, E^H).
template <class T>
TwoTerms<T> lyapunov_terms(Coefficients<T> ae, bool stein) {
    const int a_exponent = binary_exponent(max_abs<T>(ae[0])),
              e_exponent = binary_exponent(max_abs<T>(ae[1]));
    TwoTerms<T> terms;
    const int common = common_exponent<T>(ae[0], ae[1]);
    terms.left = {scaled_copy(ae[0], stein ? -common : -a_exponent),
                  scaled_copy(ae[1], stein ? -common : -e_exponent)};
    terms.right = {adjoint_of(terms.left[0]), adjoint_of(terms.left[1])};
    if (stein)
        scale_matrix(real_t<T>(-1), terms.right[0]);
    else
        std::swap(terms.right[0], terms.right[1]);
    terms.exponent = stein ? 2 * common : a_exponent + e_exponent;
    terms.relation = stein ? Right<T>::negated_adjoint : Right<T>::swapped_adjoint;
    terms.norm = norm_of_terms(terms.left, terms.right);
    return terms;
}

/// X is Hermitian, or skew-Hermitian, where Q is.
template <class T>
void restore_symmetry(RightHandSides<T> sides) {
    for (const auto& [q, x] : sides) symmetrise(symmetry_of<T>(q), x);
}

}  // namespace

template <class T>
struct TwoTermFactor<T>::Pencils {
    Pencils(const TwoTerms<T>& terms, bool fast) {
        auto& [left, right] = pair;
        if (terms.relation == Right<T>::independent) {
            pair = generalized_schur_pair(terms.left, terms.right, fast);
        } else {
            const auto& [a, e] = terms.left;
            left = fast ? GeneralizedSchur<T>::by_division(a, e) : GeneralizedSchur<T>(a, e);
            right = terms.relation == Right<T>::swapped_adjoint ? left.adjoint().swapped()
                                                                : left.adjoint().negated();
        }
        // where each term has a zero factor, the forms' rounding errors are all that there is
        if (terms.norm > 0) rcond = two_term_rcond(left.forms(), right.forms());
    }

    std::array<GeneralizedSchur<T>, 2> pair;
    double rcond = 0;
};

template <class T>
struct TwoTermFactor<T>::Oriented {
    using Scalar = T;

    /// With A = Q S Z^H, C = Q P Z^H, B = U R V^H, D = U W V^H:
    /// S Y R + P Y W = Q^H C V, X = Z Y U^H.
    std::optional<int> solve(Matrix<T>& x) const {
        const auto& [left, right] = pencils.pair;
        const Basis<T>&q = left.q(), &z = left.z(), &u = right.q(), &v = right.z();
        (adjoint ? z : q).apply_left(true, x);
        (adjoint ? u : v).apply_right(false, x);
        poll_interrupt();
        const auto report = solve_two_term_forms(left.forms(), right.forms(), adjoint, x);
        if (report.overflowed) return std::nullopt;
        (adjoint ? q : z).apply_left(false, x);
        (adjoint ? v : u).apply_right(true, x);
        return report.exponent;
    }

    void subtract_image(const Matrix<T>& x, Matrix<T>& r) const {
        const char op = adjoint ? 'C' : 'N';
        for (std::size_t t = 0; t < 2; ++t)
            add_product(T(-1), 'N', product(op, terms.left[t], 'N', x), op, terms.right[t], T(1),
                        r);
    }

    const TwoTerms<T>& terms;
    const Pencils& pencils;
    bool adjoint;
    double norm = terms.norm;
    int exponent = terms.exponent;
};

template <class T>
TwoTermFactor<T>::TwoTermFactor(TwoTerms<T> terms) : terms_(std::move(terms)) {
    rcond_ = std::isfinite(terms_.norm) ? 1 : std::numeric_limits<double>::quiet_NaN();
    if (terms_.left[0].rows() * terms_.right[0].rows() == 0 || std::isnan(rcond_)) return;
    const SerialBlas serial_blas;
    pencils_ = std::make_shared<const Pencils>(terms_, true);
    poll_interrupt();
    if (!is_accurate(pencils_->pair, pencils_->rcond))
        pencils_ = std::make_shared<const Pencils>(terms_, false);
    rcond_ = pencils_->rcond;
}

template <class T>
SolveReport TwoTermFactor<T>::solve(bool adjoint, RightHandSides<T> sides) const {
    if (std::isnan(rcond_)) return undefined_solution(sides);
    if (!pencils_) return {.method = "empty"};
    const SerialBlas serial_blas;
    SolveReport report = solve_refined(Oriented{terms_, *pencils_, adjoint}, sides);
    if (report.residual > 100 * eps_of<T> && error_of(pencils_->pair) > eps_of<T>)
        report = solve_refined(Oriented{terms_, Pencils(terms_, false), adjoint}, sides);
    report.method = "generalized-schur";
    report.rcond = rcond_;
    if (terms_.relation != Right<T>::independent) restore_symmetry(sides);
    return report;
}

template <class T>
FactorPointer<T> generalized_sylvester_factor(Coefficients<T> abcd) {
    return std::make_unique<const TwoTermFactor<T>>(sylvester_terms(abcd));
}

template <class T>
FactorPointer<T> generalized_lyapunov_factor(Coefficients<T> ae) {
    return std::make_unique<const TwoTermFactor<T>>(lyapunov_terms(ae, false));
}

template <class T>
FactorPointer<T> generalized_stein_factor(Coefficients<T> ae) {
    return std::make_unique<const TwoTermFactor<T>>(lyapunov_terms(ae, true));
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class TwoTermFactor<T>;                                                               \
    template FactorPointer<T> generalized_sylvester_factor(Coefficients<T>);                       \
    template FactorPointer<T> generalized_lyapunov_factor(Coefficients<T>);                        \
    template FactorPointer<T> generalized_stein_factor(Coefficients<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
