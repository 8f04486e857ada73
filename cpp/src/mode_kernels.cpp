#include "otimes/mode_kernels.hpp"

#include <complex>
#include <cstdint>

#include "kernel_sets.hpp"

namespace otimes {

OTIMES_CHOOSE_KERNELS(ModeKernels, mode_kernels)

template const ModeKernels<float>& mode_kernels();
template const ModeKernels<double>& mode_kernels();
template const ModeKernels<std::complex<float>>& mode_kernels();
template const ModeKernels<std::complex<double>>& mode_kernels();
template const ModeKernels<std::uint64_t>& mode_kernels();

}  // namespace otimes
