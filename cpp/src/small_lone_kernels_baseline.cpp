// One small equation at a time for every processor.
#define OTIMES_KERNEL_SET baseline
#define OTIMES_VECTOR_BYTES 16
#define OTIMES_ONE_LANE
#include "small_kernels_impl.hpp"
