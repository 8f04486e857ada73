// Kernels for every processor: 16-byte vectors.
#define OTIMES_KERNEL_SET baseline
#define OTIMES_VECTOR_BYTES 16
#include "hessenberg_kernels_impl.hpp"
