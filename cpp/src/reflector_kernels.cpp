#include "otimes/reflector_kernels.hpp"

#include <complex>

#include "otimes/cpu.hpp"

namespace otimes {

#define OTIMES_DECLARE_SET(set)                                                                    \
    namespace set {                                                                                \
    template <class T>                                                                             \
    const ReflectorKernels<T>& reflector_table();                                                  \
    }
OTIMES_DECLARE_SET(baseline)
OTIMES_DECLARE_SET(avx2)
OTIMES_DECLARE_SET(avx512)
#undef OTIMES_DECLARE_SET

template <class T>
const ReflectorKernels<T>& reflector_kernels() {
#ifdef OTIMES_X86_KERNELS
    static const ReflectorKernels<T>& chosen =
        active_isa() == Isa::avx512 ? avx512::reflector_table<T>()
        : active_isa() == Isa::avx2 ? avx2::reflector_table<T>()
                                    : baseline::reflector_table<T>();
#else
    static const ReflectorKernels<T>& chosen = baseline::reflector_table<T>();
#endif
    return chosen;
}

template const ReflectorKernels<float>& reflector_kernels();
template const ReflectorKernels<double>& reflector_kernels();
template const ReflectorKernels<std::complex<float>>& reflector_kernels();
template const ReflectorKernels<std::complex<double>>& reflector_kernels();

}  // namespace otimes
