// Kernels for every processor: 16-byte vectors.
#define OTIMES_KERNEL_SET baseline
#define OTIMES_VECTOR_BYTES 16
#define OTIMES_TILE_ROWS 4
#include "mode_kernels_impl.hpp"
