// One small equation at a time for AVX2 and FMA.
#ifdef OTIMES_X86_KERNELS
#define OTIMES_KERNEL_SET avx2
#define OTIMES_VECTOR_BYTES 32
#define OTIMES_ONE_LANE
#include "small_kernels_impl.hpp"
#endif
