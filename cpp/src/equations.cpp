#include "otimes/equations.hpp"

#include <array>
#include <complex>

#include "otimes/axb.hpp"
#include "otimes/coupled_sylvester.hpp"
#include "otimes/generalized_sylvester.hpp"
#include "otimes/sylvester.hpp"

namespace otimes {
namespace {

constexpr SmallFactor identity;
constexpr SmallFactor coefficient(int k) { return {.coefficient = k}; }

constexpr SmallTerm axb_terms[] = {{coefficient(0), coefficient(1)}};
constexpr SmallForm axb_small{axb_terms,
                              9};  // the LUs of A and B are cheaper than that of B^T (x) A

constexpr SmallTerm sylvester_terms[] = {{coefficient(0), identity}, {identity, coefficient(1)}};
constexpr SmallForm sylvester_small{sylvester_terms};

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
