#include "otimes/scratch.hpp"

#include <new>
#include <utility>  // std::exchange, std::swap
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "otimes/cpu.hpp"

namespace otimes {
namespace {

constexpr std::align_val_t line{cache_line};
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t large = std::size_t{1} << 20;  // blocks of this size and above are special

#ifdef __linux__
/// Whole huge pages, by mapping one more and giving back what is not aligned.
void* map_pages(std::size_t bytes) {
    void* const mapped = mmap(nullptr, bytes + huge_page, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    auto* const begin = static_cast<std::byte*>(mapped);
    const auto past = reinterpret_cast<std::size_t>(begin) % huge_page;
    const std::size_t before = past == 0 ? 0 : huge_page - past;
    if (before > 0) munmap(begin, before);
    if (before < huge_page) munmap(begin + before + bytes, huge_page - before);
    madvise(begin + before, bytes, MADV_HUGEPAGE);  // advice: where it fails, pages are small
    return begin + before;
}

void unmap_pages(MemoryBlock block) { munmap(block.data, block.bytes); }
#else
constexpr std::align_val_t page{4096};

void* map_pages(std::size_t bytes) { return ::operator new(bytes, page); }

void unmap_pages(MemoryBlock block) { ::operator delete(block.data, page); }
#endif

/// The block that this thread released last. Without a destructor: objects of the thread that are
/// destroyed later than what watches its end may still release theirs.
thread_local MemoryBlock spare;
thread_local bool thread_ends = false;

struct ThreadEnd {
    ThreadEnd() = default;
    ThreadEnd(const ThreadEnd&) = delete;
    ThreadEnd& operator=(const ThreadEnd&) = delete;
    ~ThreadEnd() {
        thread_ends = true;
        if (spare.data != nullptr) unmap_pages(std::exchange(spare, {}));
    }
};

void keep(MemoryBlock& block) {
    thread_local const ThreadEnd watched;
    std::swap(block, spare);
}

}  // namespace

MemoryBlock allocate_scratch(std::size_t bytes) {
    if (bytes < large) return {::operator new(bytes, line), bytes};
    if (spare.bytes >= bytes) return std::exchange(spare, {});
    const std::size_t size = (bytes + huge_page - 1) / huge_page * huge_page;
    return {map_pages(size), size};
}

void release_scratch(MemoryBlock block) noexcept {
    if (block.bytes < large) return ::operator delete(block.data, line);
    if (!thread_ends && block.bytes <= kept_bytes && block.bytes > spare.bytes) keep(block);
    if (block.data != nullptr) unmap_pages(block);
}

}  // namespace otimes
