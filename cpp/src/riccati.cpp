#include "otimes/riccati.hpp"

#include <algorithm>  // std::max
#include <cmath>
#include <complex>
#include <limits>
#include <optional>
#include <string>
#include <utility>  // std::as_const

#include "otimes/condition.hpp"
#include "otimes/error.hpp"
#include "otimes/lu.hpp"
#include "otimes/product.hpp"
#include "otimes/riccati_doubling.hpp"
#include "otimes/riccati_pencil.hpp"
#include "otimes/riccati_scaling.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

template <class T>
Matrix<T> solved(const LU<T>& lu, Matrix<T> x) {
    lu.solve('N', x.cols(), x.data(), x.ld());
    return x;
}
template <class T>
Matrix<T> solved_right(const LU<T>& lu, Matrix<T> x) {
    lu.solve_right('N', x.rows(), x.data(), x.ld());
    return x;
}
template <class T>
double norm(const Matrix<T>& a) {
    return norm_of<T>(a.view());
}

/// X with the residual that it leaves and the closed loop that it gives.
template <class T>
struct Candidate {
    Matrix<T> x, remainder, loop;  // loop: (A - B K) E^-1
    double residual = std::numeric_limits<double>::infinity();
    double rcond = 0;

    bool is_stabilizing() const { return rcond > 0; }
};

/// One equation in the units that suit it.
template <class T>
class Riccati {
  public:
    explicit Riccati(RiccatiProblem<T> p) : p_(std::move(p)), r_lu_(p_.r) {
        if (p_.time == Time::continuous && r_lu_.rcond < eps_of<T>)
            throw singular_error("r is singular to working precision");
        if (!p_.has_e()) return;
        e_lu_ = LU<T>(p_.e);
        if (e_lu_.rcond < eps_of<T>) throw singular_error("e is singular to working precision");
    }

    SolveReport solve(Matrix<T>& x) const {
        SolveReport report;
        report.method = "doubling";
        std::optional<Candidate<T>> found = by_doubling(report.refinements);
        if (!found) {
            report.method = "qz";
            found = refined(riccati_by_pencil(p_), report.refinements);
            if (!found->is_stabilizing())
                throw singular_error(
                    "there is no stabilizing solution: the closed loop has "
                    "eigenvalues too close to " +
                    std::string(is_continuous() ? "the imaginary axis" : "the unit circle"));
        }
        report.residual = found->residual;
        report.rcond = found->rcond;
        x = std::move(found->x);
        return report;
    }

    /// The residual and the condition of an X from elsewhere.
    void judge(Matrix<T> x, SolveReport& report) const {
        const Candidate<T> found = candidate(std::move(x));
        report.residual = found.residual;
        report.rcond = loop_rcond(found.loop);
    }

  private:
    bool is_continuous() const { return p_.time == Time::continuous; }

    /// X by doubling, if it is all that it should be.
    std::optional<Candidate<T>> by_doubling(int& refinements) const {
        constexpr double well_conditioned = 1e-6, acceptable = 1000 * eps_of<T>;
        if (!(r_lu_.rcond > well_conditioned)) return std::nullopt;
        if (p_.has_e() && !(e_lu_.rcond > well_conditioned)) return std::nullopt;
        std::optional<Matrix<T>> x = doubled();
        if (!x) return std::nullopt;
        Candidate<T> found = refined(std::move(*x), refinements);
        if (found.is_stabilizing() && found.residual < acceptable) return found;
        refinements = 0;
        return std::nullopt;
    }

    /// Without E, S and R: A - B R^-1 S^H, G = B R^-1 B^H, Q - S R^-1 S^H for the states E x.
    std::optional<Matrix<T>> doubled() const {
        const Matrix<T> weighted = solved(r_lu_, adjoint_of(p_.b)),
                        feedback = solved(r_lu_, adjoint_of(p_.s));
        Matrix<T> a = p_.a, h = p_.q;
        add_product(T(-1), 'N', p_.b, 'N', feedback, T(1), a);
        add_product(T(-1), 'N', p_.s, 'N', feedback, T(1), h);
        Matrix<T> g = product(p_.b, weighted);
        h = in_e_coordinates(std::move(h));
        a = over_e(std::move(a));
        make_hermitian(g);
        make_hermitian(h);
        return riccati_by_doubling(p_.time, std::move(a), std::move(g), std::move(h));
    }

    /// A E^-1
    Matrix<T> over_e(Matrix<T> a) const { return p_.has_e() ? solved_right(e_lu_, a) : a; }
    /// E^-H W E^-1
    Matrix<T> in_e_coordinates(Matrix<T> w) const {
        if (!p_.has_e()) return w;
        return solved_right(e_lu_, adjoint_of(solved_right(e_lu_, adjoint_of(w))));
    }

    /// Newton's method (Kleinman 1968) while a step at least halves a residual above rounding.
    Candidate<T> refined(Matrix<T> x, int& refinements) const {
        constexpr int limit = 4;
        const double rounding = eps_of<T> * std::sqrt(static_cast<double>(p_.states()));
        Candidate<T> best = candidate(std::move(x));
        for (refinements = 0; refinements < limit; ++refinements) {
            if (!(best.residual > rounding) || !std::isfinite(best.residual)) break;
            const StableLyapunov<T> lyapunov(p_.time, best.loop);
            constexpr double precise = 1e-10;
            const auto step = lyapunov.solve(in_e_coordinates(best.remainder), precise);
            if (!step) break;
            Matrix<T> next = best.x;
            add_matrix(T(1), *step, next);
            Candidate<T> better = candidate(std::move(next));
            if (!(better.residual < best.residual / 2)) break;
            best = std::move(better);
        }
        best.rcond = loop_rcond(best.loop);
        return best;
    }

    /// 1/(||L|| ||L^-1||), the latter attained at the identity (Hewer & Kenney 1988); 0 for an
    /// unstable loop.
    double loop_rcond(const Matrix<T>& loop) const {
        constexpr double rough = 0.1;
        const StableLyapunov<T> lyapunov(p_.time, loop);
        const auto p = lyapunov.solve(identity_matrix<T>(loop.rows()), rough);
        if (!p) return 0;
        const double size = spectral_norm(loop);
        return 1 / (spectral_norm(*p) * (is_continuous() ? 2 * size : 1 + size * size));
    }

    Candidate<T> candidate(Matrix<T> x) const {
        make_hermitian(x);
        return is_continuous() ? continuous_candidate(std::move(x))
                               : discrete_candidate(std::move(x));
    }

    /// remainder = A^H X E + E^H X A - V K + Q, V = E^H X B + S, K = R^-1 V^H
    Candidate<T> continuous_candidate(Matrix<T> x) const {
        const Matrix<T> xe = p_.has_e() ? product(x, p_.e) : x;
        Matrix<T> v = p_.s;
        add_product(T(1), 'C', xe, 'N', p_.b, T(1), v);
        Matrix<T> half = product('C', p_.a, 'N', xe);  // A^H X E
        const Matrix<T> other = adjoint_of(half);
        const double terms = 2 * norm(p_.a) * norm(xe);
        add_matrix(T(1), other, half);
        return completed(std::move(x), std::move(half), terms, v, solved(r_lu_, adjoint_of(v)));
    }

    /// remainder = A^H X A - E^H X E - V K + Q, V = A^H X B + S, K = (R + B^H X B)^-1 V^H
    Candidate<T> discrete_candidate(Matrix<T> x) const {
        const Matrix<T> xa = product(x, p_.a), xb = product(x, p_.b);
        Matrix<T> v = p_.s, weight = p_.r;
        add_product(T(1), 'C', xa, 'N', p_.b, T(1), v);
        add_product(T(1), 'C', p_.b, 'N', xb, T(1), weight);
        make_hermitian(weight);
        Matrix<T> sum = product('C', p_.a, 'N', xa);
        const Matrix<T> exe = p_.has_e() ? congruence(p_.e, x) : x;
        const double terms = norm(p_.a) * norm(xa) + norm(exe);
        add_matrix(T(-1), exe, sum);
        const LU<T> lu(weight);
        return completed(std::move(x), std::move(sum), terms, v, solved(lu, adjoint_of(v)));
    }

    /// With the terms that both have: - V K + Q, and the loop (A - B K) E^-1.
    Candidate<T> completed(Matrix<T> x, Matrix<T> sum, double terms, const Matrix<T>& v,
                           const Matrix<T>& gain) const {
        add_product(T(-1), 'N', v, 'N', gain, T(1), sum);
        add_matrix(T(1), p_.q, sum);
        make_hermitian(sum);
        terms += norm(v) * norm(gain) + norm(p_.q);
        Matrix<T> loop = p_.a;
        add_product(T(-1), 'N', p_.b, 'N', gain, T(1), loop);
        Candidate<T> made{std::move(x), std::move(sum), over_e(std::move(loop))};
        made.residual = terms > 0 ? norm(made.remainder) / terms : 0;
        return made;
    }

    RiccatiProblem<T> p_;
    LU<T> r_lu_, e_lu_;
};

template <class T>
RiccatiProblem<T> owned(Time time, const RiccatiCoefficients<T>& given) {
    RiccatiProblem<T> p{time,
                        Matrix<T>(given.a),
                        Matrix<T>(given.b),
                        Matrix<T>(given.q),
                        Matrix<T>(given.r),
                        given.e.data ? Matrix<T>(given.e) : Matrix<T>(),
                        given.s.data ? Matrix<T>(given.s) : Matrix<T>(given.b.rows, given.b.cols)};
    make_hermitian(p.q);
    make_hermitian(p.r);
    return p;
}

template <class T>
RiccatiProblem<T> in_units(const RiccatiUnits& units, RiccatiProblem<T> p) {
    change_units(units, p);
    return p;
}

template <class T>
void judge_in(const RiccatiUnits& units, const RiccatiProblem<T>& p, Matrix<T> x,
              SolveReport& report) {
    restore_units(inverse(units), x);
    Riccati<T>(in_units(units, p)).judge(std::move(x), report);
}

/// How good an X is does not depend on the units in which it was computed: the residual is that in
/// balanced ones. The condition is the better of the two, since balancing the Hamiltonian matrix
/// does not balance every closed loop.
template <class T>
void judge(const RiccatiProblem<T>& p, bool balanced, const Matrix<T>& x, SolveReport& report) {
    constexpr double doubtful = 1000 * eps_of<T>;
    const double own = report.rcond;
    SolveReport other = report;
    if (!balanced) {
        judge_in(riccati_units(p, true), p, x, other);
        report = other;
    } else if (own < doubtful) {
        judge_in(riccati_units(p, false), p, x, other);
    }
    report.rcond = std::max(own, other.rcond);
}

}  // namespace

template <class T>
SolveReport solve_riccati(Time time, const RiccatiCoefficients<T>& given, bool balanced,
                          MatrixView<T> x) {
    if (given.a.rows == 0) return {.method = "empty"};
    const SerialBlas serial_blas;
    const RiccatiProblem<T> p = owned(time, given);
    const RiccatiUnits units = riccati_units(p, balanced);
    Matrix<T> solution;
    SolveReport report = Riccati<T>(in_units(units, p)).solve(solution);
    restore_units(units, solution);
    judge(p, balanced, solution, report);
    if (!std::isfinite(max_abs<T>(solution.view()))) throw singular_error("the solution overflows");
    copy_scaled<T>(std::as_const(solution).view(), x, 0);
    return report;
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template SolveReport solve_riccati(Time, const RiccatiCoefficients<T>&, bool, MatrixView<T>);
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
