// Small equations for AVX2 and FMA: 32-byte vectors.
#ifdef OTIMES_X86_KERNELS
#define OTIMES_KERNEL_SET avx2
#define OTIMES_VECTOR_BYTES 32
#include "small_kernels_impl.hpp"
#endif
