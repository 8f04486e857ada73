#include "otimes/equations.hpp"

#include <array>
#include <complex>

#include "otimes/axb.hpp"
#include "otimes/axb_cxtd.hpp"
#include "otimes/coupled_sylvester.hpp"
#include "otimes/generalized_sylvester.hpp"
#include "otimes/lyapunov.hpp"
#include "otimes/refinement.hpp"
#include "otimes/stein.hpp"
#include "otimes/sylvester.hpp"
#include "otimes/tsylvester.hpp"

namespace otimes {
namespace {

constexpr SmallFactor one, a{0}, b{1}, c{2}, d{3};
constexpr SmallFactor a_adjoint{0, 'C'}, e_adjoint{1, 'C'};

// A X B. Beyond 9 unknowns the LUs of A and B are cheaper than that of B^T (x) A.
constexpr SmallTerm axb_terms[] = {{a, b}};
constexpr SmallForm axb_form{.terms = axb_terms, .alone = 9};

// A X + X B
constexpr SmallTerm sylvester_terms[] = {{a, one}, {one, b}};
constexpr SmallForm sylvester_form{sylvester_terms};

// X - A X B
constexpr SmallTerm stein_terms[] = {{one, one}, {.left = a, .right = b, .sign = -1}};
constexpr SmallForm stein_form{stein_terms};

// A X + X A^H
constexpr SmallTerm continuous_terms[] = {{a, one}, {one, a_adjoint}};
constexpr SmallForm continuous_form{.terms = continuous_terms, .keeps_symmetry = true};

// X - A X A^H
constexpr SmallTerm discrete_terms[] = {{one, one}, {.left = a, .right = a_adjoint, .sign = -1}};
constexpr SmallForm discrete_form{.terms = discrete_terms, .keeps_symmetry = true};

// A X + X^T B
constexpr SmallTerm tsylvester_terms[] = {{a, one}, {.left = one, .right = b, .transposed = true}};
constexpr SmallForm tsylvester_form{tsylvester_terms};

// A X + X^H B is a sum of such terms where X is real
template <class T>
constexpr SmallForm hsylvester_form = is_complex<T> ? SmallForm{} : tsylvester_form;

// A X B + C X^T D
constexpr SmallTerm axb_cxtd_terms[] = {{a, b}, {.left = c, .right = d, .transposed = true}};
constexpr SmallForm axb_cxtd_form{axb_cxtd_terms};

template <class T>
constexpr SmallForm axb_cxhd_form = is_complex<T> ? SmallForm{} : axb_cxtd_form;

// A X B + C X D
constexpr SmallTerm generalized_sylvester_terms[] = {{a, b}, {c, d}};
constexpr SmallForm generalized_sylvester_form{generalized_sylvester_terms};

// A X E^H + E X A^H
constexpr SmallTerm generalized_lyapunov_terms[] = {{a, e_adjoint}, {b, a_adjoint}};
constexpr SmallForm generalized_lyapunov_form{.terms = generalized_lyapunov_terms,
                                              .keeps_symmetry = true};

// E X E^H - A X A^H
constexpr SmallTerm generalized_stein_terms[] = {{b, e_adjoint},
                                                 {.left = a, .right = a_adjoint, .sign = -1}};
constexpr SmallForm generalized_stein_form{.terms = generalized_stein_terms,
                                           .keeps_symmetry = true};

// A R - L B and D R - L E of X = [R; L], coefficients (A, B, D, E)
constexpr SmallTerm coupled_terms[] = {
    {.left = a, .right = one, .from = 0, .to = 0},
    {.left = one, .right = b, .sign = -1, .from = 1, .to = 0},
    {.left = c, .right = one, .from = 0, .to = 1},
    {.left = one, .right = d, .sign = -1, .from = 1, .to = 1},
};
constexpr SmallForm coupled_form{.terms = coupled_terms, .stacked = 2};

}  // namespace

template <class T>
std::span<const Equation<T>> equations() {
    static constexpr std::array table{
        // name, coefficients, square, real-linear, decomposed, with few unknowns
        Equation<T>{"axb", "lr", false, false, &axb_factor<T>, axb_form},
        Equation<T>{"sylvester", "lr", false, false, &sylvester_factor<T>, sylvester_form},
        Equation<T>{"stein", "lr", false, false, &stein_factor<T>, stein_form},
        Equation<T>{"continuous_lyapunov", "l", true, false, &continuous_lyapunov_factor<T>,
                    continuous_form},
        Equation<T>{"discrete_lyapunov", "l", true, false, &discrete_lyapunov_factor<T>,
                    discrete_form},
        Equation<T>{"tsylvester", "ll", true, false, &tsylvester_factor<T>, tsylvester_form},
        Equation<T>{"hsylvester", "ll", true, true, &hsylvester_factor<T>, hsylvester_form<T>},
        Equation<T>{"axb_cxtd", "llll", true, false, &axb_cxtd_factor<T>, axb_cxtd_form},
        Equation<T>{"axb_cxhd", "llll", true, true, &axb_cxhd_factor<T>, axb_cxhd_form<T>},
        Equation<T>{"generalized_sylvester", "lrlr", false, false, &generalized_sylvester_factor<T>,
                    generalized_sylvester_form},
        Equation<T>{"generalized_lyapunov", "ll", true, false, &generalized_lyapunov_factor<T>,
                    generalized_lyapunov_form},
        Equation<T>{"generalized_stein", "ll", true, false, &generalized_stein_factor<T>,
                    generalized_stein_form},
        Equation<T>{"coupled_sylvester", "lrlr", false, false, &coupled_sylvester_factor<T>,
                    coupled_form},
    };
    return table;
}

template <class T>
SolveReport solve_once(const Equation<T>& equation, Coefficients<T> coefficients,
                       RightHandSides<T> sides) {
    if (!all_finite<T>(coefficients)) return undefined_solution(sides);
    if (sides[0].q.rows * sides[0].q.cols == 0) return {.method = "empty"};
    return equation.factor(coefficients)->solve(false, sides);
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template std::span<const Equation<T>> equations();                                             \
    template SolveReport solve_once(const Equation<T>&, Coefficients<T>, RightHandSides<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
