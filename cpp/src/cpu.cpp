#include "otimes/cpu.hpp"

#include <cstdlib>  // std::getenv
#include <stdexcept>
#include <string>
#ifndef _WIN32
#include <unistd.h>  // sysconf
#endif

namespace otimes {
namespace {

constexpr Isa all[] = {Isa::baseline, Isa::avx2, Isa::avx512};

bool is_available([[maybe_unused]] Isa isa) {
#ifdef OTIMES_X86_KERNELS
    __builtin_cpu_init();
    if (isa == Isa::avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == Isa::avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#endif
    return isa == Isa::baseline;
}

Isa choose() {
    const char* const wanted = std::getenv("OTIMES_KERNEL");
    const std::string name = wanted == nullptr ? "" : wanted;
    Isa best = Isa::baseline;
    std::string available;
    for (const Isa isa : all) {
        if (!is_available(isa)) continue;
        if (name == name_of(isa)) return isa;
        available += available.empty() ? name_of(isa) : std::string(", ") + name_of(isa);
        best = isa;
    }
    if (name.empty()) return best;
    throw std::runtime_error("OTIMES_KERNEL is '" + name + "', but the kernels that run here are " +
                             available);
}

}  // namespace

Isa active_isa() {
    static const Isa isa = choose();
    return isa;
}

const char* name_of(Isa isa) {
    switch (isa) {
        case Isa::avx512:
            return "avx512";
        case Isa::avx2:
            return "avx2";
        case Isa::baseline:
            break;
    }
    return "baseline";
}

index_t cache_bytes(int level) {
#ifdef _SC_LEVEL2_CACHE_SIZE
    const long size = sysconf(level == 1 ? _SC_LEVEL1_DCACHE_SIZE : _SC_LEVEL2_CACHE_SIZE);
    if (size > 0) return size;
#endif
    return level == 1 ? index_t{32} << 10 : index_t{1} << 20;
}

}  // namespace otimes
