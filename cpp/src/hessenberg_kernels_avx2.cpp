// Kernels for AVX2 and FMA: 16 registers of 32 bytes.
#ifdef OTIMES_X86_KERNELS
#define OTIMES_KERNEL_SET avx2
#define OTIMES_VECTOR_BYTES 32
#include "hessenberg_kernels_impl.hpp"
#endif
