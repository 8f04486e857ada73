// Triangular kernels for AVX2 and FMA.
#ifdef OTIMES_X86_KERNELS
#define OTIMES_KERNEL_SET avx2
#include "triangular_kernels_impl.hpp"
#endif
