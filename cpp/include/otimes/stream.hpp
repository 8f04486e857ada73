// Copies to memory that does not stay in the cache.
#pragma once

#include <algorithm>  // std::min
#include <cstddef>
#include <cstdint>  // std::uintptr_t
#include <cstring>  // std::memcpy
#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#define OTIMES_STREAMING_STORES
#endif

#include "otimes/cpu.hpp"

namespace otimes {

/// Outputs of at least so many bytes do not stay in the caches before the last one, so that writing
/// them by way of the caches would read them first, and displace what is there.
inline constexpr std::size_t streaming_bytes = std::size_t{4} << 20;

/// Bytes from `to` to the next line.
inline std::size_t to_next_line(const void* to) {
    return (cache_line - reinterpret_cast<std::uintptr_t>(to) % cache_line) % cache_line;
}

/// memcpy that writes whole lines past the cache. The writing thread calls finish_streams() before
/// it tells others that the data is there.
inline void stream_copy(std::byte* to, const std::byte* from, std::size_t bytes) {
#ifdef OTIMES_STREAMING_STORES
    const std::size_t head = std::min(to_next_line(to), bytes);
    if (head > 0) std::memcpy(to, from, head);
    std::size_t k = head;
    for (; k + cache_line <= bytes; k += cache_line)
        for (std::size_t part = k; part < k + cache_line; part += 16)
            _mm_stream_si128(reinterpret_cast<__m128i*>(to + part),
                             _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + part)));
    if (k < bytes) std::memcpy(to + k, from + k, bytes - k);
#else
    std::memcpy(to, from, bytes);
#endif
}

inline void finish_streams() {
#ifdef OTIMES_STREAMING_STORES
    _mm_sfence();
#endif
}

}  // namespace otimes
