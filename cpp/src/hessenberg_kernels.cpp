#include "otimes/hessenberg_kernels.hpp"

#include <complex>

#include "kernel_sets.hpp"

namespace otimes {

OTIMES_CHOOSE_KERNELS(HessenbergKernels, hessenberg_kernels)

template const HessenbergKernels<float>& hessenberg_kernels();
template const HessenbergKernels<double>& hessenberg_kernels();
template const HessenbergKernels<std::complex<float>>& hessenberg_kernels();
template const HessenbergKernels<std::complex<double>>& hessenberg_kernels();

}  // namespace otimes
