// Kernels for AVX-512: 32 registers of 64 bytes.
#ifdef OTIMES_X86_KERNELS
#define OTIMES_KERNEL_SET avx512
#define OTIMES_VECTOR_BYTES 64
#include "hessenberg_kernels_impl.hpp"
#endif
