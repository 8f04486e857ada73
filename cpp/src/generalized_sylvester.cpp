#include "otimes/generalized_sylvester.hpp"

#include <algorithm>  // std::max, std::fill_n
#include <cmath>
#include <complex>
#include <limits>
#include <optional>

#include "otimes/condition.hpp"
#include "otimes/parallel_gemm.hpp"
#include "otimes/pencil_condition.hpp"
#include "otimes/refinement.hpp"
#include "otimes/scaling.hpp"
#include "otimes/small_equations.hpp"
#include "otimes/symmetry.hpp"
#include "otimes/threads.hpp"
#include "otimes/triangular_pencils.hpp"

namespace otimes {
namespace {

template <class T>
using Right = typename TwoTerms<T>::Right;

template <class T>
double norm_of_terms(const Forms<T>& left, const Forms<T>& right) {
    return norm_of<T>(left[0].view()) * norm_of<T>(right[0].view()) +
           norm_of<T>(left[1].view()) * norm_of<T>(right[1].view());
}

template <class T>
Matrix<T> adjoint_copy(const Matrix<T>& a, real_t<T> factor) {
    Matrix<T> copy(a.cols(), a.rows());
    for (index_t j = 0; j < a.cols(); ++j)
        for (index_t i = 0; i < a.rows(); ++i) copy(j, i) = factor * conj_of(a(i, j));
    return copy;
}

/// A and B near 1, C and D smaller or larger so that both terms keep their ratio.
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
    terms.right = {adjoint_copy(terms.left[0], stein ? real_t<T>(-1) : real_t<T>(1)),
                   adjoint_copy(terms.left[1], 1)};
    if (!stein) std::swap(terms.right[0], terms.right[1]);
    terms.exponent = stein ? 2 * common : a_exponent + e_exponent;
    terms.relation = stein ? Right<T>::negated_adjoint : Right<T>::swapped_adjoint;
    terms.norm = norm_of_terms(terms.left, terms.right);
    return terms;
}

/// sum_t A_t X B_t = Q by the LU of sum_t B_t^T (x) A_t.
template <class T>
struct SmallTwoTerms {
    using Scalar = T;
    using Storage = StackMatrix<T>;

    explicit SmallTwoTerms(const TwoTerms<T>& two_terms)
        : terms(two_terms), norm(terms.norm), exponent(terms.exponent) {
        std::array<T, small_limit * small_limit> kronecker;
        fill_kronecker(kronecker.data());
        lu.factor(kronecker.data(), terms.left[0].rows() * terms.right[0].rows());
        rcond = reciprocal_condition(lu.singular_range(kronecker.data()), norm, eps_of<T>);
    }

    void fill_kronecker(T* k) const {
        const auto& [a, c] = terms.left;
        const auto& [b, d] = terms.right;
        const index_t m = a.rows(), n = b.rows();
        for (index_t s = 0; s < n; ++s)
            for (index_t r = 0; r < m; ++r)
                for (index_t q = 0; q < n; ++q)
                    for (index_t p = 0; p < m; ++p)
                        *k++ = times(a(p, r), b(s, q)) + times(c(p, r), d(s, q));
    }

    std::optional<int> solve(Storage& x) const {
        lu.solve(x.data());
        return 0;
    }

    void subtract_image(const Storage& x, Storage& r) const {
        for (std::size_t t = 0; t < 2; ++t) {
            StackMatrix<T> negative(x.rows(), x.cols());
            std::fill_n(negative.data(), x.rows() * x.cols(), T(0));
            subtract_product<T>(terms.left[t].view(), x.view(), negative.view());
            for (index_t k = 0; k < x.rows() * x.cols(); ++k)
                negative.data()[k] = -negative.data()[k];
            subtract_product<T>(negative.view(), terms.right[t].view(), r.view());
        }
    }

    const TwoTerms<T>& terms;
    double norm;
    int exponent;
    double rcond = 0;
    SmallLU<T> lu;
};

/// X is Hermitian, or skew-Hermitian, where Q is.
template <class T>
void restore_symmetry(RightHandSides<T> sides) {
    for (const auto& [q, x] : sides) {
        const Symmetry symmetry = symmetry_of<T>(q);
        if (symmetry != Symmetry::none) symmetrise(symmetry, x);
    }
}

template <class T>
SolveReport solve_two_terms(const TwoTerms<T>& terms, RightHandSides<T> sides) {
    const index_t unknowns = terms.left[0].rows() * terms.right[0].rows();
    if (unknowns == 0) return {.method = "empty"};
    if (unknowns <= small_limit) {
        const SolveReport report = solve_small(SmallTwoTerms<T>(terms), sides);
        if (terms.relation != Right<T>::independent) restore_symmetry(sides);
        if (report.scale > 0) return report;
    }
    return TwoTermFactor<T>(terms).solve(false, sides);
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
    using Storage = Matrix<T>;

    /// With A = Q S Z^H, C = Q P Z^H, B = U R V^H, D = U W V^H:
    /// S Y R + P Y W = Q^H C V, X = Z Y U^H.
    std::optional<int> solve(Storage& x) const {
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

    void subtract_image(const Storage& x, Storage& r) const {
        const index_t m = x.rows(), n = x.cols();
        const char op = adjoint ? 'C' : 'N';
        Matrix<T> product(m, n);
        for (std::size_t t = 0; t < 2; ++t) {
            const Matrix<T>&a = terms.left[t], &b = terms.right[t];
            parallel_gemm(op, 'N', m, n, m, T(1), a.data(), a.ld(), x.data(), x.ld(), T(0),
                          product.data(), product.ld());
            parallel_gemm('N', op, m, n, n, T(-1), product.data(), product.ld(), b.data(), b.ld(),
                          T(1), r.data(), r.ld());
        }
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
SolveReport solve_generalized_sylvester(Coefficients<T> abcd, RightHandSides<T> sides) {
    if (!all_finite<T>(abcd)) return undefined_solution(sides);
    return solve_two_terms(sylvester_terms(abcd), sides);
}

template <class T>
FactorPointer<T> generalized_sylvester_factor(Coefficients<T> abcd) {
    return std::make_unique<const TwoTermFactor<T>>(sylvester_terms(abcd));
}

template <class T>
SolveReport solve_generalized_lyapunov(Coefficients<T> ae, RightHandSides<T> sides) {
    if (!all_finite<T>(ae)) return undefined_solution(sides);
    return solve_two_terms(lyapunov_terms(ae, false), sides);
}

template <class T>
FactorPointer<T> generalized_lyapunov_factor(Coefficients<T> ae) {
    return std::make_unique<const TwoTermFactor<T>>(lyapunov_terms(ae, false));
}

template <class T>
SolveReport solve_generalized_stein(Coefficients<T> ae, RightHandSides<T> sides) {
    if (!all_finite<T>(ae)) return undefined_solution(sides);
    return solve_two_terms(lyapunov_terms(ae, true), sides);
}

template <class T>
FactorPointer<T> generalized_stein_factor(Coefficients<T> ae) {
    return std::make_unique<const TwoTermFactor<T>>(lyapunov_terms(ae, true));
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class TwoTermFactor<T>;                                                               \
    template SolveReport solve_generalized_sylvester(Coefficients<T>, RightHandSides<T>);          \
    template FactorPointer<T> generalized_sylvester_factor(Coefficients<T>);                       \
    template SolveReport solve_generalized_lyapunov(Coefficients<T>, RightHandSides<T>);           \
    template FactorPointer<T> generalized_lyapunov_factor(Coefficients<T>);                        \
    template SolveReport solve_generalized_stein(Coefficients<T>, RightHandSides<T>);              \
    template FactorPointer<T> generalized_stein_factor(Coefficients<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
