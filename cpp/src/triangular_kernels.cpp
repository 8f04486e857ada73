#include "otimes/triangular_kernels.hpp"

#include <complex>

#include "otimes/cpu.hpp"

namespace otimes {

#define OTIMES_DECLARE_SET(set)                                                                    \
    namespace set {                                                                                \
    template <class T>                                                                             \
    const TriangularKernels<T>& triangular_kernel_set();                                           \
    }
OTIMES_DECLARE_SET(baseline)
OTIMES_DECLARE_SET(avx2)
OTIMES_DECLARE_SET(avx512)
#undef OTIMES_DECLARE_SET

template <class T>
const TriangularKernels<T>& triangular_kernels() {
#ifdef OTIMES_X86_KERNELS
    static const TriangularKernels<T>& chosen =
        active_isa() == Isa::avx512 ? avx512::triangular_kernel_set<T>()
        : active_isa() == Isa::avx2 ? avx2::triangular_kernel_set<T>()
                                    : baseline::triangular_kernel_set<T>();
#else
    static const TriangularKernels<T>& chosen = baseline::triangular_kernel_set<T>();
#endif
    return chosen;
}

template const TriangularKernels<float>& triangular_kernels();
template const TriangularKernels<double>& triangular_kernels();
template const TriangularKernels<std::complex<float>>& triangular_kernels();
template const TriangularKernels<std::complex<double>>& triangular_kernels();

}  // namespace otimes
