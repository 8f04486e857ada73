#include "otimes/equations.hpp"

#include <array>
#include <complex>

#include "otimes/axb.hpp"
#include "otimes/axb_cxtd.hpp"
#include "otimes/sylvester.hpp"
#include "otimes/tsylvester.hpp"

namespace otimes {
template <class T>
std::span<const Equation<T>> equations() {
    static constexpr std::array table{
        // name, coefficients, square, unknowns, real-linear, one shot, decomposed
        Equation<T>{"axb", "lr", false, 1, false, &solve_axb<T>, &axb_factor<T>},
        Equation<T>{"sylvester", "lr", false, 1, false, &solve_sylvester<T>, &sylvester_factor<T>},
        Equation<T>{"tsylvester", "ll", true, 1, false, &solve_tsylvester<T>,
                    &tsylvester_factor<T>},
        Equation<T>{"axb_cxtd", "llll", true, 1, false, &solve_axb_cxtd<T>, &axb_cxtd_factor<T>},
        Equation<T>{"hsylvester", "ll", true, 1, true, &solve_hsylvester<T>, &hsylvester_factor<T>},
    };
    return table;
}

template std::span<const Equation<float>> equations();
template std::span<const Equation<double>> equations();
template std::span<const Equation<std::complex<float>>> equations();
template std::span<const Equation<std::complex<double>>> equations();

}  // namespace otimes
