// Which instructions this processor has, decided once.
#pragma once

namespace otimes {

/// Instruction sets that kernels are compiled for; each includes the ones before it.
enum class Isa { baseline, avx2, avx512 };

/// The best one that this processor and this build have, or the one that the environment variable
/// OTIMES_KERNEL names: "baseline", "avx2" or "avx512". Throws std::runtime_error when that is
/// another word or cannot run here.
Isa active_isa();

const char* name_of(Isa isa);

}  // namespace otimes
