// Triangular kernels for every processor.
#define OTIMES_KERNEL_SET baseline
#include "triangular_kernels_impl.hpp"
