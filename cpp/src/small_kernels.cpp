#include "otimes/small_kernels.hpp"

#include <complex>

#include "kernel_sets.hpp"

namespace otimes {

OTIMES_CHOOSE_KERNELS(SmallKernels, small_kernels)
OTIMES_CHOOSE_KERNELS(SmallKernels, small_lone_kernels)

template const SmallKernels<float>& small_kernels();
template const SmallKernels<double>& small_kernels();
template const SmallKernels<std::complex<float>>& small_kernels();
template const SmallKernels<std::complex<double>>& small_kernels();
template const SmallKernels<float>& small_lone_kernels();
template const SmallKernels<double>& small_lone_kernels();
template const SmallKernels<std::complex<float>>& small_lone_kernels();
template const SmallKernels<std::complex<double>>& small_lone_kernels();

}  // namespace otimes
