#include "otimes/triangular_kernels.hpp"

#include <complex>

#include "kernel_sets.hpp"

namespace otimes {

OTIMES_CHOOSE_KERNELS(TriangularKernels, triangular_kernels)

template const TriangularKernels<float>& triangular_kernels();
template const TriangularKernels<double>& triangular_kernels();
template const TriangularKernels<std::complex<float>>& triangular_kernels();
template const TriangularKernels<std::complex<double>>& triangular_kernels();

}  // namespace otimes
