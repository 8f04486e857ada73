#include "otimes/equations.hpp"

#include <array>
#include <complex>

#include "otimes/axb.hpp"
#include "otimes/lyapunov.hpp"
#include "otimes/stein.hpp"
#include "otimes/sylvester.hpp"

namespace otimes {
template <class T>
std::span<const Equation<T>> equations() {
    static constexpr std::array table{
        // name, coefficients, square, unknowns, real-linear, one shot, decomposed
        Equation<T>{"axb", "lr", false, 1, false, &solve_axb<T>, &axb_factor<T>},
        Equation<T>{"sylvester", "lr", false, 1, false, &solve_sylvester<T>, &sylvester_factor<T>},
        Equation<T>{"stein", "lr", false, 1, false, &solve_stein<T>, &stein_factor<T>},
        Equation<T>{"continuous lyapunov", "l", true, 1, false, &solve_continuous_lyapunov<T>,
                    &continuous_lyapunov_factor<T>},
        Equation<T>{"discrete lyapunov", "l", true, 1, false, &solve_discrete_lyapunov<T>,
                    &discrete_lyapunov_factor<T>},
    };
    return table;
}

template std::span<const Equation<float>> equations();
template std::span<const Equation<double>> equations();
template std::span<const Equation<std::complex<float>>> equations();
template std::span<const Equation<std::complex<double>>> equations();

}  // namespace otimes
