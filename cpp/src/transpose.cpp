#include "otimes/transpose.hpp"

#include <algorithm>
#include <cstring>      // std::memcpy
#include <type_traits>  // std::integral_constant
#include <utility>      // std::pair

#include "otimes/cpu.hpp"
#include "otimes/stream.hpp"
#include "otimes/threads.hpp"
#include "otimes/transpose_kernels.hpp"

namespace otimes {
namespace {

constexpr auto line = static_cast<index_t>(cache_line);

/// parallel_for's measure of moved bytes: worth a second thread from a megabyte on.
double work_of(index_t bytes) { return static_cast<double>(bytes) / 10; }

// --- what is to be moved -------------------------------------------------------------------------

struct Mode {
    index_t size, from, to;  // strides in x and in y, in elements
};

/// Modes in the order of y, none of size 1, no two that stay neighbours. Elements may have grown by
/// the last mode: after that, one mode is contiguous in x and another, the last one, in y.
struct Permutation {
    index_t element;  // bytes
    std::vector<Mode> modes;

    index_t count() const {
        index_t n = 1;
        for (const Mode& mode : modes) n *= mode.size;
        return n;
    }
    index_t bytes() const { return count() * element; }
};

std::vector<Mode> fused_modes(const std::vector<index_t>& dims, const std::vector<index_t>& order) {
    std::vector<index_t> stride(dims.size(), 1);
    for (std::size_t k = dims.size(); k-- > 1;) stride[k - 1] = stride[k] * dims[k];
    std::vector<Mode> modes;
    for (const index_t k : order) {
        const index_t size = dims[static_cast<std::size_t>(k)];
        const index_t from = stride[static_cast<std::size_t>(k)];
        if (size == 1) continue;
        if (!modes.empty() && modes.back().from == from * size)
            modes.back() = {modes.back().size * size, from, 1};
        else
            modes.push_back({size, from, 1});
    }
    for (std::size_t k = modes.size(); k-- > 1;) modes[k - 1].to = modes[k].to * modes[k].size;
    return modes;
}

Permutation simplified(index_t element, const std::vector<index_t>& dims,
                       const std::vector<index_t>& order) {
    Permutation p{element, fused_modes(dims, order)};
    if (p.modes.empty() || p.modes.back().from != 1) return p;
    const index_t run = p.modes.back().size;
    p.modes.pop_back();
    p.element *= run;
    for (Mode& mode : p.modes) mode = {mode.size, mode.from / run, mode.to / run};
    return p;
}

/// Offsets in x and y of the item with this index among those that `modes` count, in order of y.
std::pair<index_t, index_t> place(index_t index, const std::vector<Mode>& modes) {
    index_t from = 0, to = 0;
    for (std::size_t k = modes.size(); k-- > 0; index /= modes[k].size) {
        from += index % modes[k].size * modes[k].from;
        to += index % modes[k].size * modes[k].to;
    }
    return {from, to};
}

// --- elements of any size ------------------------------------------------------------------------

/// f(size), where size is a constant for the usual ones: their copies are then single moves.
template <class F>
void with_size(index_t size, F&& f) {
    switch (size) {
        case 1:
            return f(std::integral_constant<index_t, 1>{});
        case 2:
            return f(std::integral_constant<index_t, 2>{});
        case 4:
            return f(std::integral_constant<index_t, 4>{});
        case 8:
            return f(std::integral_constant<index_t, 8>{});
        case 16:
            return f(std::integral_constant<index_t, 16>{});
        case 24:
            return f(std::integral_constant<index_t, 24>{});
        case 32:
            return f(std::integral_constant<index_t, 32>{});
        default:
            return f(size);
    }
}

template <class Size>
void move(std::byte* to, const std::byte* from, Size size) {
    std::memcpy(to, from, static_cast<std::size_t>(index_t{size}));
}

/// y[j, i] = x[i, j], in whole lines of y as far as it can be.
template <class Size>
void plain_tile(const std::byte* x, index_t ldx, index_t rows, index_t cols, std::byte* y,
                index_t ldy, Size size) {
    const index_t step = std::max<index_t>(1, line / size);
    for (index_t top = 0; top < rows; top += step)
        for (index_t j = 0; j < cols; ++j)
            for (index_t i = top; i < std::min(top + step, rows); ++i)
                move(y + (j * ldy + i) * size, x + (i * ldx + j) * size, size);
}

/// The kernel of the active instruction set, if it has one for elements of this size.
TileKernel fast_tile([[maybe_unused]] index_t size) {
#ifdef OTIMES_X86_KERNELS
    if (active_isa() >= Isa::avx2) switch (size) {
            case 1:
                return tiles_avx2.bytes1;
            case 2:
                return tiles_avx2.bytes2;
            case 4:
                return tiles_avx2.bytes4;
            case 8:
                return tiles_avx2.bytes8;
            case 16:
                return tiles_avx2.bytes16;
            default:
                break;
        }
#endif
    return nullptr;
}

// --- planes --------------------------------------------------------------------------------------

/// y[j, i] = x[i, j] for i < rows, j < cols, leading dimensions in elements.
struct Plane {
    index_t size, rows, cols, ldx, ldy;
    TileKernel fast;

    void tile(const std::byte* x, index_t height, index_t width, std::byte* y, index_t ld) const {
        if (fast != nullptr) return fast(x, ldx, height, width, y, ld);
        with_size(size, [&](auto n) { plain_tile(x, ldx, height, width, y, ld, n); });
    }

    /// A part of the plane, straight from x to y: for what stays in the cache.
    void move_part(const std::byte* x, index_t height, index_t width, std::byte* y) const {
        const index_t step = std::max<index_t>(1, 512 / size);
        const bool same_phase = ldy * size % line == 0 && line % size == 0;
        const index_t head =
            same_phase ? std::min(height, static_cast<index_t>(to_next_line(y)) / size) : 0;
        for (index_t j = 0; j < width; j += step) {
            const index_t w = std::min(step, width - j);
            if (head > 0) tile(x + j * size, head, w, y + j * ldy * size, ldy);
            for (index_t i = head; i < height; i += step)
                tile(x + (i * ldx + j) * size, std::min(step, height - i), w,
                     y + (j * ldy + i) * size, ldy);
        }
    }
};

/// Planes beyond the cache: blocks of a few lines' rows are transposed into scratch and streamed
/// out. x is read along its rows, and y written in whole lines: the blocks' edges are shifted for
/// each row of y to where its lines begin.
class StreamedPlane {
  public:
    StreamedPlane(const Plane& plane, const std::byte* x, std::byte* y)
        : plane_(plane), x_(x), y_(y) {}

    static bool is_for(const Plane& p) {
        return line % p.size == 0 && p.rows * p.size >= 8 * line && p.cols * p.size >= line;
    }

    index_t blocks() const { return std::max<index_t>(1, (plane_.rows - per_line_) / height_); }

    void move_block(index_t block, index_t first, index_t past) const {
        for (index_t j = first; j < past; j += per_line_)
            move_group(block, j, std::min(per_line_, past - j));
    }

  private:
    /// The first i of a block in row j of y.
    index_t edge(index_t block, index_t j) const {
        if (block == 0) return 0;
        if (block == blocks()) return plane_.rows;
        const std::byte* const row = y_ + j * plane_.ldy * plane_.size;
        return block * height_ + static_cast<index_t>(to_next_line(row)) / plane_.size;
    }

    void move_group(index_t block, index_t j, index_t width) const {
        alignas(cache_line) std::byte scratch[line * scratch_lines * line];
        const index_t size = plane_.size, ld = scratch_lines * per_line_;
        index_t begin[line], end[line];
        for (index_t r = 0; r < width; ++r) {
            begin[r] = edge(block, j + r);
            end[r] = edge(block + 1, j + r);
        }
        const index_t top = *std::min_element(begin, begin + width);
        const index_t bottom = *std::max_element(end, end + width);
        plane_.tile(x_ + (top * plane_.ldx + j) * size, bottom - top, width, scratch, ld);
        for (index_t r = 0; r < width; ++r)
            stream_copy(y_ + ((j + r) * plane_.ldy + begin[r]) * size,
                        scratch + (r * ld + begin[r] - top) * size,
                        static_cast<std::size_t>((end[r] - begin[r]) * size));
    }

    static constexpr index_t block_lines = 2, scratch_lines = 2 * block_lines + 2;
    const Plane& plane_;
    const std::byte* const x_;
    std::byte* const y_;
    const index_t per_line_ = line / plane_.size, height_ = block_lines * per_line_;
};

/// All planes over the modes `outer`, in tasks of some hundred kilobytes.
void move_streaming(const Plane& plane, const std::vector<Mode>& outer, index_t count,
                    const std::byte* x, std::byte* y) {
    constexpr index_t strip_bytes = 16384, blocks_per_task = 8;
    const index_t strip = strip_bytes / plane.size;
    const index_t strips = (plane.cols + strip - 1) / strip;
    const index_t blocks = StreamedPlane(plane, x, y).blocks();
    const index_t chunks = (blocks + blocks_per_task - 1) / blocks_per_task;
    const double work = work_of(count * plane.rows * plane.cols * plane.size);
    parallel_for(count * strips * chunks, work, [&](index_t task) {
        const auto [from, to] = place(task / (strips * chunks), outer);
        const StreamedPlane streamed(plane, x + from * plane.size, y + to * plane.size);
        const index_t j = task / chunks % strips * strip, chunk = task % chunks;
        for (index_t b = chunk * blocks_per_task;
             b < std::min(blocks, (chunk + 1) * blocks_per_task); ++b)
            streamed.move_block(b, j, std::min(plane.cols, j + strip));
        finish_streams();
    });
}

void move_in_cache(const Plane& plane, const std::vector<Mode>& outer, index_t count,
                   const std::byte* x, std::byte* y) {
    constexpr index_t part_bytes = 262144;
    const index_t row_bytes = std::min(plane.rows, plane.cols) * plane.size;
    const index_t step = std::max<index_t>(line, part_bytes / row_bytes / line * line);
    const index_t parts = (std::max(plane.rows, plane.cols) + step - 1) / step;
    const double work = work_of(count * plane.rows * plane.cols * plane.size);
    parallel_chunks(count * parts, work, [&](index_t begin, index_t end) {
        for (index_t part = begin; part < end; ++part) {
            const auto [from, to] = place(part / parts, outer);
            const index_t k = part % parts * step;
            const bool by_rows = plane.rows >= plane.cols;
            plane.move_part(x + (from + (by_rows ? k * plane.ldx : k)) * plane.size,
                            by_rows ? std::min(step, plane.rows - k) : plane.rows,
                            by_rows ? plane.cols : std::min(step, plane.cols - k),
                            y + (to + (by_rows ? k : k * plane.ldy)) * plane.size);
        }
    });
}

// --- modes too small to be planes ----------------------------------------------------------------

bool is_in(const Mode& mode, const std::vector<Mode>& modes) {
    return std::any_of(modes.begin(), modes.end(), [&](const Mode& m) { return m.to == mode.to; });
}

/// Neighbouring modes, from the contiguous one on, which together are long enough for a loop.
struct Group {
    std::vector<Mode> modes;  // the contiguous one last
    index_t size = 1;

    static constexpr index_t enough = 16, too_many = 4096;

    /// Take the modes before those taken, in x's order or in y's, as long as `other` has them not.
    void grow(const std::vector<Mode>& candidates, const Group& other) {
        for (std::size_t k = candidates.size(); k-- > 0 && size < enough;) {
            const Mode& mode = candidates[k];
            if (is_in(mode, modes)) continue;
            if (is_in(mode, other.modes) || size * mode.size > too_many) return;
            modes.insert(modes.begin(), mode);
            size *= mode.size;
        }
    }
};

/// Several modes on either side: y[to[j] + i] = x[from[i] + j].
struct GroupedPlane {
    std::vector<index_t> from, to;
    std::vector<Mode> outer;

    GroupedPlane(const Permutation& p, const Group& in_y, const Group& in_x) {
        for (index_t i = 0; i < in_y.size; ++i) from.push_back(place(i, in_y.modes).first);
        for (index_t j = 0; j < in_x.size; ++j) to.push_back(place(j, in_x.modes).second);
        for (const Mode& mode : p.modes)
            if (!is_in(mode, in_y.modes) && !is_in(mode, in_x.modes)) outer.push_back(mode);
    }

    template <class Size>
    void move_plane(const std::byte* x, std::byte* y, Size size) const {
        for (const index_t row : to) {
            std::byte* target = y + row * size;
            for (const index_t offset : from) {
                move(target, x + offset * size, size);
                target += size;
            }
            x += size;
        }
    }

    void move_all(const Permutation& p, const std::byte* x, std::byte* y) const {
        const index_t planes = p.count() / static_cast<index_t>(from.size() * to.size());
        parallel_chunks(planes, work_of(p.bytes()), [&](index_t begin, index_t end) {
            with_size(p.element, [&](auto size) {
                for (index_t k = begin; k < end; ++k) {
                    const auto [source, target] = place(k, outer);
                    move_plane(x + source * size, y + target * size, size);
                }
            });
        });
    }
};

/// Runs of y, each gathered from places in x that are the same relative to its first one.
struct Gather {
    std::vector<index_t> from;  // within a run
    std::vector<Mode> outer;    // the last one may end in a shorter run
    index_t inner = 1, step = 1;

    explicit Gather(const Permutation& p) : outer(p.modes) {
        constexpr index_t run = 1024;
        std::vector<Mode> within;
        while (outer.size() > 1 && inner * outer.back().size <= run) {
            inner *= outer.back().size;
            within.insert(within.begin(), outer.back());
            outer.pop_back();
        }
        step = std::clamp<index_t>(run / inner, 1, outer.back().size);
        within.insert(within.begin(), {step, outer.back().from, outer.back().to});
        for (index_t k = 0; k < step * inner; ++k) from.push_back(place(k, within).first);
    }

    template <class Size>
    void move_run(index_t run, index_t runs, const std::byte* x, std::byte* y, Size size) const {
        const Mode& last = outer.back();
        const index_t k = run % runs * step;
        const auto [source, target] = place(run / runs * last.size + k, outer);
        const index_t length = std::min(step, last.size - k) * inner;
        for (index_t i = 0; i < length; ++i)
            move(y + (target + i) * size, x + (source + from[static_cast<std::size_t>(i)]) * size,
                 size);
    }

    void move_all(const Permutation& p, const std::byte* x, std::byte* y) const {
        const index_t runs = (outer.back().size + step - 1) / step;
        const index_t count = p.count() / (inner * outer.back().size) * runs;
        parallel_chunks(count, work_of(p.bytes()), [&](index_t begin, index_t end) {
            with_size(p.element, [&](auto size) {
                for (index_t run = begin; run < end; ++run) move_run(run, runs, x, y, size);
            });
        });
    }
};

void move_small_modes(const Permutation& p, const std::byte* x, std::byte* y) {
    std::vector<Mode> by_x = p.modes;
    std::sort(by_x.begin(), by_x.end(),
              [](const Mode& a, const Mode& b) { return a.from > b.from; });
    Group in_y{{p.modes.back()}, p.modes.back().size}, in_x{{by_x.back()}, by_x.back().size};
    in_y.grow(p.modes, in_x);
    in_x.grow(by_x, in_y);
    if (std::min(in_y.size, in_x.size) >= 8)
        GroupedPlane(p, in_y, in_x).move_all(p, x, y);
    else
        Gather(p).move_all(p, x, y);
}

// --- all of it -----------------------------------------------------------------------------------

void copy(const std::byte* x, index_t bytes, std::byte* y) {
    parallel_chunks(bytes, work_of(bytes), [&](index_t begin, index_t end) {
        std::memcpy(y + begin, x + begin, static_cast<std::size_t>(end - begin));
    });
}

void move_planes(const Permutation& p, const std::byte* x, std::byte* y) {
    std::vector<Mode> outer(p.modes.begin(), p.modes.end() - 1);
    const auto contiguous =
        std::find_if(outer.begin(), outer.end(), [](const Mode& m) { return m.from == 1; });
    const Mode rows = p.modes.back(), cols = *contiguous;
    outer.erase(contiguous);
    const index_t least = 64;
    if (!outer.empty() && rows.size * cols.size < least) return move_small_modes(p, x, y);
    const Plane plane{p.element, rows.size, cols.size, rows.from, cols.to, fast_tile(p.element)};
    const index_t count = p.count() / (rows.size * cols.size);
    const bool streams = p.bytes() >= static_cast<index_t>(streaming_bytes);
    (streams && StreamedPlane::is_for(plane) ? move_streaming : move_in_cache)(plane, outer, count,
                                                                               x, y);
}

}  // namespace

void permute_bytes(const void* x, index_t size, const std::vector<index_t>& dims,
                   const std::vector<index_t>& order, void* y) {
    if (std::find(dims.begin(), dims.end(), index_t{0}) != dims.end()) return;
    const Permutation p = simplified(size, dims, order);
    const auto* const from = static_cast<const std::byte*>(x);
    auto* const to = static_cast<std::byte*>(y);
    p.modes.empty() ? copy(from, p.bytes(), to) : move_planes(p, from, to);
}

}  // namespace otimes
