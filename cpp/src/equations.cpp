#include "otimes/equations.hpp"

#include <array>
#include <complex>

#include "otimes/axb.hpp"
#include "otimes/coupled_sylvester.hpp"
#include "otimes/generalized_sylvester.hpp"
#include "otimes/sylvester.hpp"

namespace otimes {
template <class T>
std::span<const Equation<T>> equations() {
    static constexpr std::array table{
        // name, coefficients, square, unknowns, real-linear, one shot, decomposed
        Equation<T>{"axb", "lr", false, 1, false, &solve_axb<T>, &axb_factor<T>},
        Equation<T>{"sylvester", "lr", false, 1, false, &solve_sylvester<T>, &sylvester_factor<T>},
        Equation<T>{"generalized_sylvester", "lrlr", false, 1, false,
                    &solve_generalized_sylvester<T>, &generalized_sylvester_factor<T>},
        Equation<T>{"generalized_lyapunov", "ll", true, 1, false, &solve_generalized_lyapunov<T>,
                    &generalized_lyapunov_factor<T>},
        Equation<T>{"generalized_stein", "ll", true, 1, false, &solve_generalized_stein<T>,
                    &generalized_stein_factor<T>},
        Equation<T>{"coupled_sylvester", "lrlr", false, 2, false, &solve_coupled_sylvester<T>,
                    &coupled_sylvester_factor<T>},
    };
    return table;
}

template std::span<const Equation<float>> equations();
template std::span<const Equation<double>> equations();
template std::span<const Equation<std::complex<float>>> equations();
template std::span<const Equation<std::complex<double>>> equations();

}  // namespace otimes
