// What this processor has: its instructions, decided once, and its caches.
#pragma once

#include <cstddef>  // std::size_t

#include "otimes/view.hpp"

namespace otimes {

inline constexpr std::size_t cache_line = 64;  // bytes

/// Instruction sets that kernels are compiled for; each includes the ones before it.
enum class Isa { baseline, avx2, avx512 };

/// The best one that this processor and this build have, or the one that the environment variable
/// OTIMES_KERNEL names: "baseline", "avx2" or "avx512". Throws std::runtime_error when that is
/// another word or cannot run here.
Isa active_isa();

const char* name_of(Isa isa);

/// The size of the data cache of this level (1 or 2) that a core has; a usual one where the system
/// does not tell.
index_t cache_bytes(int level);

}  // namespace otimes
