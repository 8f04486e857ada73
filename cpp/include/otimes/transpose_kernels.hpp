// Kernels of the transposition, one table per instruction set. Files compiled for one set include
// nothing else: the linker may keep their copy of any inline function, for processors without it.
#pragma once

#include <cstddef>

namespace otimes {

/// y[j, i] = x[i, j] for i < rows, j < cols. The leading dimensions count elements.
using TileKernel = void (*)(const std::byte* x, std::ptrdiff_t ldx, std::ptrdiff_t rows,
                            std::ptrdiff_t cols, std::byte* y, std::ptrdiff_t ldy);

/// By the size of an element; a null pointer is a size that the set has no kernel for.
struct TileKernels {
    TileKernel bytes1, bytes2, bytes4, bytes8, bytes16;
};

#ifdef OTIMES_X86_KERNELS
extern const TileKernels tiles_avx2;
#endif

}  // namespace otimes
