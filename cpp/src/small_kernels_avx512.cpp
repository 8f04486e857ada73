// Small equations for AVX-512: 64-byte vectors.
#ifdef OTIMES_X86_KERNELS
#define OTIMES_KERNEL_SET avx512
#define OTIMES_VECTOR_BYTES 64
#include "small_kernels_impl.hpp"
#endif
