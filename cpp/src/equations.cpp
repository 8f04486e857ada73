#include "otimes/equations.hpp"

#include <array>
#include <complex>

#include "otimes/axb.hpp"
#include "otimes/axb_cxtd.hpp"
#include "otimes/coupled_sylvester.hpp"
#include "otimes/generalized_sylvester.hpp"
#include "otimes/lyapunov.hpp"
#include "otimes/stein.hpp"
#include "otimes/sylvester.hpp"
#include "otimes/tsylvester.hpp"

namespace otimes {
namespace {

constexpr SmallFactor identity;
constexpr SmallFactor coefficient(int k) { return {.coefficient = k}; }

constexpr SmallTerm axb_terms[] = {{coefficient(0), coefficient(1)}};
constexpr SmallForm axb_small{axb_terms, 9};  // the LUs of A and B are cheaper than that of B^T x A

constexpr SmallTerm sylvester_terms[] = {{coefficient(0), identity}, {identity, coefficient(1)}};
constexpr SmallForm sylvester_small{sylvester_terms};

constexpr SmallTerm stein_terms[] = {{identity, identity},
                                     {.left = coefficient(0), .right = coefficient(1), .sign = -1}};
constexpr SmallForm stein_small{stein_terms};

constexpr SmallFactor adjoint_of(int k) { return {.coefficient = k, .op = 'C'}; }

constexpr SmallTerm continuous_terms[] = {{coefficient(0), identity}, {identity, adjoint_of(0)}};
constexpr SmallForm continuous_small{.terms = continuous_terms, .keeps_symmetry = true};

constexpr SmallTerm discrete_terms[] = {
    {identity, identity}, {.left = coefficient(0), .right = adjoint_of(0), .sign = -1}};
constexpr SmallForm discrete_small{.terms = discrete_terms, .keeps_symmetry = true};

constexpr SmallTerm tsylvester_terms[] = {
    {coefficient(0), identity}, {.left = identity, .right = coefficient(1), .transposed = true}};
constexpr SmallForm tsylvester_small{tsylvester_terms};

constexpr SmallTerm axb_cxtd_terms[] = {
    {coefficient(0), coefficient(1)},
    {.left = coefficient(2), .right = coefficient(3), .transposed = true}};
constexpr SmallForm axb_cxtd_small{axb_cxtd_terms};

constexpr SmallTerm generalized_sylvester_terms[] = {{coefficient(0), coefficient(1)},
                                                     {coefficient(2), coefficient(3)}};
constexpr SmallForm generalized_sylvester_small{generalized_sylvester_terms};

constexpr SmallForm no_small_form;

}  // namespace

template <class T>
std::span<const Equation<T>> equations() {
    static constexpr std::array table{
        // name, coefficients, square, unknowns, real-linear, one shot, decomposed, with few
        // unknowns
        Equation<T>{"axb", "lr", false, 1, false, &solve_axb<T>, &axb_factor<T>, axb_small},
        Equation<T>{"sylvester", "lr", false, 1, false, &solve_sylvester<T>, &sylvester_factor<T>,
                    sylvester_small},
        Equation<T>{"stein", "lr", false, 1, false, &solve_stein<T>, &stein_factor<T>, stein_small},
        Equation<T>{"continuous_lyapunov", "l", true, 1, false, &solve_continuous_lyapunov<T>,
                    &continuous_lyapunov_factor<T>, continuous_small},
        Equation<T>{"discrete_lyapunov", "l", true, 1, false, &solve_discrete_lyapunov<T>,
                    &discrete_lyapunov_factor<T>, discrete_small},
        Equation<T>{"tsylvester", "ll", true, 1, false, &solve_tsylvester<T>, &tsylvester_factor<T>,
                    tsylvester_small},
        Equation<T>{
            "hsylvester", "ll", true, 1, true, &solve_hsylvester<T>, &hsylvester_factor<T>, {}},
        Equation<T>{"axb_cxtd", "llll", true, 1, false, &solve_axb_cxtd<T>, &axb_cxtd_factor<T>,
                    axb_cxtd_small},
        Equation<T>{"generalized_sylvester", "lrlr", false, 1, false,
                    &solve_generalized_sylvester<T>, &generalized_sylvester_factor<T>,
                    generalized_sylvester_small},
        Equation<T>{"generalized_lyapunov", "ll", true, 1, false, &solve_generalized_lyapunov<T>,
                    &generalized_lyapunov_factor<T>, no_small_form},
        Equation<T>{"generalized_stein", "ll", true, 1, false, &solve_generalized_stein<T>,
                    &generalized_stein_factor<T>, no_small_form},
        Equation<T>{"coupled_sylvester", "lrlr", false, 2, false, &solve_coupled_sylvester<T>,
                    &coupled_sylvester_factor<T>, no_small_form},
    };
    return table;
}

template std::span<const Equation<float>> equations();
template std::span<const Equation<double>> equations();
template std::span<const Equation<std::complex<float>>> equations();
template std::span<const Equation<std::complex<double>>> equations();

}  // namespace otimes
