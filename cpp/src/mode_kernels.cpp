#include "otimes/mode_kernels.hpp"

#include <complex>
#include <cstdint>

#include "otimes/cpu.hpp"

namespace otimes {

#define OTIMES_DECLARE_SET(set)                                                                    \
    namespace set {                                                                                \
    template <class T>                                                                             \
    const ModeKernels<T>& kernels();                                                               \
    }
OTIMES_DECLARE_SET(baseline)
OTIMES_DECLARE_SET(avx2)
OTIMES_DECLARE_SET(avx512)
#undef OTIMES_DECLARE_SET

template <class T>
const ModeKernels<T>& mode_kernels() {
#ifdef OTIMES_X86_KERNELS
    static const ModeKernels<T>& chosen = active_isa() == Isa::avx512 ? avx512::kernels<T>()
                                          : active_isa() == Isa::avx2 ? avx2::kernels<T>()
                                                                      : baseline::kernels<T>();
#else
    static const ModeKernels<T>& chosen = baseline::kernels<T>();
#endif
    return chosen;
}

template const ModeKernels<float>& mode_kernels();
template const ModeKernels<double>& mode_kernels();
template const ModeKernels<std::complex<float>>& mode_kernels();
template const ModeKernels<std::complex<double>>& mode_kernels();
template const ModeKernels<std::uint64_t>& mode_kernels();

}  // namespace otimes
