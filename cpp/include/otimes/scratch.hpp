// Uninitialised working memory. Large blocks come straight from the system, in huge pages where it
// has them, and each thread keeps its last one: faulting in fresh memory for every call can cost as
// much as the product that it is for.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>  // std::swap

#include "otimes/view.hpp"

namespace otimes {

struct MemoryBlock {
    void* data = nullptr;
    std::size_t bytes = 0;
};

/// At least `bytes` of uninitialised memory, aligned to a cache line; std::bad_alloc if there is
/// none. A thread keeps at most one released block, of at most `kept_bytes`, until it ends.
MemoryBlock allocate_scratch(std::size_t bytes);
void release_scratch(MemoryBlock block) noexcept;
inline constexpr std::size_t kept_bytes = std::size_t{32} << 20;

/// `count` uninitialised elements, released at the end of the scope.
template <class T>
class Scratch {
    static_assert(std::is_trivially_destructible_v<T>);

  public:
    Scratch() = default;
    explicit Scratch(index_t count)
        : block_(allocate_scratch(static_cast<std::size_t>(count) * sizeof(T))) {}
    Scratch(Scratch&& other) noexcept { std::swap(block_, other.block_); }
    Scratch& operator=(Scratch&& other) noexcept {
        Scratch taken(std::move(other));
        std::swap(block_, taken.block_);
        return *this;
    }
    ~Scratch() {
        if (block_.data != nullptr) release_scratch(block_);
    }

    T* get() const { return static_cast<T*>(block_.data); }

  private:
    MemoryBlock block_;
};

}  // namespace otimes
