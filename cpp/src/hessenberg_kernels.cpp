#include "otimes/hessenberg_kernels.hpp"

#include <complex>

#include "otimes/cpu.hpp"

namespace otimes {

#define OTIMES_DECLARE_SET(set)                                                                    \
    namespace set {                                                                                \
    template <class T>                                                                             \
    const HessenbergKernels<T>& hessenberg_table();                                                \
    }
OTIMES_DECLARE_SET(baseline)
OTIMES_DECLARE_SET(avx2)
OTIMES_DECLARE_SET(avx512)
#undef OTIMES_DECLARE_SET

template <class T>
const HessenbergKernels<T>& hessenberg_kernels() {
#ifdef OTIMES_X86_KERNELS
    static const HessenbergKernels<T>& chosen =
        active_isa() == Isa::avx512 ? avx512::hessenberg_table<T>()
        : active_isa() == Isa::avx2 ? avx2::hessenberg_table<T>()
                                    : baseline::hessenberg_table<T>();
#else
    static const HessenbergKernels<T>& chosen = baseline::hessenberg_table<T>();
#endif
    return chosen;
}

template const HessenbergKernels<float>& hessenberg_kernels();
template const HessenbergKernels<double>& hessenberg_kernels();
template const HessenbergKernels<std::complex<float>>& hessenberg_kernels();
template const HessenbergKernels<std::complex<double>>& hessenberg_kernels();

}  // namespace otimes
