// Triangular kernels for AVX-512.
#ifdef OTIMES_X86_KERNELS
#define OTIMES_KERNEL_SET avx512
#include "triangular_kernels_impl.hpp"
#endif
