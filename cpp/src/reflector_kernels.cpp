#include "otimes/reflector_kernels.hpp"

#include <complex>

#include "kernel_sets.hpp"

namespace otimes {

OTIMES_CHOOSE_KERNELS(ReflectorKernels, reflector_kernels)

template const ReflectorKernels<float>& reflector_kernels();
template const ReflectorKernels<double>& reflector_kernels();
template const ReflectorKernels<std::complex<float>>& reflector_kernels();
template const ReflectorKernels<std::complex<double>>& reflector_kernels();

}  // namespace otimes
