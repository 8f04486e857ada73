// One small equation at a time for AVX-512.
#ifdef OTIMES_X86_KERNELS
#define OTIMES_KERNEL_SET avx512
#define OTIMES_VECTOR_BYTES 64
#define OTIMES_ONE_LANE
#include "small_kernels_impl.hpp"
#endif
