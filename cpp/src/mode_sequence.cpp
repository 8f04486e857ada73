#include "otimes/mode_sequence.hpp"

#include <algorithm>
#include <cmath>  // std::ilogb
#include <cstdint>
#include <limits>
#include <utility>  // std::exchange

#include "otimes/cpu.hpp"
#include "otimes/parallel_gemm.hpp"
#include "otimes/scalar.hpp"
#include "otimes/scratch.hpp"
#include "otimes/sparse_product.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

constexpr auto line_bytes = static_cast<index_t>(cache_line);

/// Flops of a part that are worth being shared by threads although they fit one block.
constexpr double shared_work = 3e5;

/// Measured: panels of half of the second-level cache, for an operand and a result each, and blocks
/// of three quarters of the first-level cache, whose operand comes from the second.
template <class T>
const Budget& budget_of() {
    constexpr auto size = static_cast<index_t>(sizeof(T));
    static const Budget budget{
        std::clamp(cache_bytes(2) / 2, index_t{256} << 10, index_t{512} << 10) / size,
        std::clamp(cache_bytes(1) / 4 * 3, index_t{16} << 10, index_t{32} << 10) / size,
        line_bytes / size};
    return budget;
}

/// An operand (slices, size, columns): entry (l, k, c) is data[l * slice + k * row + c].
template <class T>
struct Operand {
    T* data;
    Strides strides;

    bool is_contiguous(index_t columns) const { return strides.row == columns; }
};

template <class T>
Operand<T> contiguous(T* data, index_t size, index_t columns) {
    return {data, {size * columns, columns}};
}

/// What becomes of the result of the last step.
template <class T>
struct Ending {
    T alpha = T(1);
    bool accumulate = false;
};

/// Two buffers that take turns; they do not begin at equal places of a memory page, where the
/// processor would take a load of one for a load of what has just been stored to the other.
template <class T>
class PingPong {
  public:
    explicit PingPong(index_t count) : shift_(count + 1088 / static_cast<index_t>(sizeof(T))) {}
    T* next(T* base) { return base + ((turn_ ^= 1) != 0 ? shift_ : 0); }
    index_t total() const { return 2 * shift_; }

  private:
    index_t shift_;
    int turn_ = 0;
};

struct Memory {
    Scratch<std::byte> block;
    index_t bytes = 0;
};

/// Memory of this thread, kept for the next panel. Nobody else finds it while it is in use: between
/// two blocks the handler of a signal may compute products of its own.
template <class T>
class Workspace {
  public:
    Workspace(int which, index_t count) : kept_(kept(which)), memory_(std::exchange(kept_, {})) {
        const index_t bytes = count * static_cast<index_t>(sizeof(T));
        if (memory_.bytes < bytes) memory_ = {Scratch<std::byte>(bytes), bytes};
    }
    ~Workspace() { kept_ = std::move(memory_); }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;

    T* get() const { return reinterpret_cast<T*>(memory_.block.get()); }

  private:
    static Memory& kept(int which) {
        thread_local Memory memory[2];
        return memory[which];
    }

    Memory& kept_;
    Memory memory_;
};

/// How an operand (slices, size, rest, columns) of a pass is cut into panels of some slices, or of
/// some columns of one.
struct Grid {
    index_t slices, rest, columns;
    index_t width, slices_in_panel;

    Grid(const Pass& pass, index_t count, index_t later, index_t columns_, index_t budget)
        : slices(count), rest(later), columns(columns_), width(std::min(pass.width, columns_)) {
        const index_t whole = pass.largest * columns;
        const bool wide = width < columns || rest > 1;
        slices_in_panel =
            wide ? 1 : std::clamp<index_t>(budget / std::max<index_t>(whole, 1), 1, slices);
    }

    /// Several panels in place of one, which several threads can share.
    void split(index_t panels, index_t line) {
        if (count() > 1) return;
        if (slices >= panels)
            slices_in_panel = (slices + panels - 1) / panels;
        else
            width = std::min(width, (columns + panels * line - 1) / (panels * line) * line);
    }

    index_t across() const { return (columns + width - 1) / width; }
    index_t down() const { return (slices + slices_in_panel - 1) / slices_in_panel; }
    index_t count() const { return down() * rest * across(); }
};

/// Panel k of a grid.
struct Panel {
    index_t index, slice, slices, later, column, columns;

    Panel(const Grid& grid, index_t k)
        : index(k),
          slice(k / (grid.rest * grid.across()) * grid.slices_in_panel),
          slices(std::min(grid.slices_in_panel, grid.slices - slice)),
          later(k / grid.across() % grid.rest),
          column(k % grid.across() * grid.width),
          columns(std::min(grid.width, grid.columns - column)) {}

    /// Where it lies in an operand whose slices hold `size` rows, `row` apart.
    template <class T>
    Operand<T> of(T* data, const Grid& grid, index_t size, index_t row) const {
        const index_t apart = grid.rest * row;
        return {data + slice * size * apart + later * row + column, {size * apart, apart}};
    }
};

/// Ask for an operand that is needed soon. Processors foresee contiguous reads themselves, but not
/// those of short pieces of rows that are far apart.
template <class T>
void prefetch([[maybe_unused]] const Operand<const T>& x, index_t slices, index_t rows,
              index_t columns) {
#ifdef __GNUC__
    constexpr index_t line = line_bytes / static_cast<index_t>(sizeof(T));
    for (index_t l = 0; l < slices; ++l)
        for (index_t r = 0; r < rows; ++r)
            for (index_t c = 0; c < columns; c += line)
                __builtin_prefetch(x.data + l * x.strides.slice + r * x.strides.row + c, 0, 2);
#endif
}

/// body(panel) for panels begin ... end - 1; one alone is left to what is parallel within it.
template <class Body>
void for_panels(const Grid& grid, index_t begin, index_t end, double work, const Body& body) {
    if (end - begin == 1) return body(Panel(grid, begin));
    parallel_for(end - begin, work, [&](index_t k) { body(Panel(grid, begin + k)); });
}

/// A number, which joins the coefficient.
template <class T>
bool is_scalar(const TermFactor<T>& f) {
    return !f.is_identity() && !f.is_sparse() && f.rows == 1 && f.cols == 1;
}

template <class T>
Mode mode_of(const TermFactor<T>& f) {
    if (f.is_identity()) return {f.rows, f.cols, false};
    const bool large = std::max(f.rows, f.cols) > largest_small_factor;
    const index_t entries = f.is_sparse() ? f.row_start[f.rows] : f.rows * f.cols;
    return {f.rows, f.cols, !is_scalar(f), large || f.is_sparse(), entries};
}

template <class T>
index_t lanes_of() {
    if constexpr (std::is_same_v<T, bool>)
        return 1;
    else
        return mode_kernels<kernel_scalar<T>>().lanes;
}

/// Whether the entries of F1 x ... x Fk neither overflow nor vanish where the factors' do not: a
/// product with them would otherwise, although one factor after the other gives numbers.
template <class T, class Iterator>
bool can_be_formed(Iterator begin, Iterator end) {
    if constexpr (std::is_floating_point_v<real_t<T>>) {
        using limits = std::numeric_limits<real_t<T>>;
        int least = 0, most = 0;
        for (auto f = begin; f != end; ++f) {
            real_t<T> low = 1, high = 1;
            for (index_t k = 0; k < f->rows * f->cols; ++k) {
                const real_t<T> size = size_of(f->data[k]);
                if (!(size <= limits::max())) return false;  // infinite, or NaN
                if (size != 0) low = std::min(low, size);
                high = std::max(high, size);
            }
            least += std::ilogb(low);
            most += std::ilogb(high);
        }
        return least > limits::min_exponent && most + (end - begin) < limits::max_exponent;
    }
    return true;
}

/// F1 x ... x Fk, formed.
template <class T, class Iterator>
TermFactor<T> product_of(Iterator begin, Iterator end) {
    TermFactor<T> result = *begin;
    for (auto f = begin + 1; f != end; ++f) {
        TermFactor<T> product;
        product.rows = result.rows * f->rows;
        product.cols = result.cols * f->cols;
        const std::shared_ptr<T[]> entries(new T[at(product.rows * product.cols)]);
        T* next = entries.get();
        for (index_t i = 0; i < result.rows; ++i)
            for (index_t k = 0; k < f->rows; ++k)
                for (index_t j = 0; j < result.cols; ++j)
                    for (index_t l = 0; l < f->cols; ++l) *next++ = times(result(i, j), (*f)(k, l));
        product.data = entries.get();
        product.owner = entries;
        result = product;
    }
    return result;
}

}  // namespace

/// The steps of passes, at work on one operand.
template <class T>
struct ModeSequence<T>::Run {
    const ModeSequence& sequence;

    const PackedFactor<T>& factor(index_t mode) const {
        return sequence.packed_[at(sequence.factor_of_[at(mode)])];
    }

    /// One step on (slices, size, columns).
    void step(const Step& s, index_t mode, index_t slices, index_t columns, Operand<const T> x,
              Operand<T> y, Ending<T> end) const {
        const PackedFactor<T>& f = factor(mode);
        const index_t p = f.factor().cols, q = f.factor().rows;
        const index_t x_row = x.strides.row, y_row = y.strides.row;
        if (s.after == 1 || (x.is_contiguous(columns) && y.is_contiguous(columns))) {
            const index_t across = s.after * columns, from = s.after * x_row, to = s.after * y_row;
            return mode_product<T>(f, slices * s.before, across, end.alpha, x.data,
                                   {p * from, from}, end.accumulate, y.data, {q * to, to});
        }
        for (index_t l = 0; l < slices * s.before; ++l)
            mode_product<T>(f, s.after, columns, end.alpha, x.data + l * p * s.after * x_row,
                            {x_row, s.after * x_row}, end.accumulate,
                            y.data + l * q * s.after * y_row, {y_row, s.after * y_row});
    }

    /// All steps of a pass over one block, one after the other.
    void block(const Pass& pass, index_t first, index_t slices, index_t columns, Operand<const T> x,
               Operand<T> y, Ending<T> end) const {
        const std::size_t count = pass.steps.size();
        PingPong<T> turns(slices * pass.largest * columns);
        const Workspace<T> workspace(0, count > 1 ? turns.total() : 0);
        for (std::size_t k = 0; k < count; ++k) {
            const Step& s = pass.steps[k];
            const index_t mode = first + pass.first + s.mode;
            if (k + 1 == count) return step(s, mode, slices, columns, x, y, end);
            const index_t size = s.before * factor(mode).factor().rows * s.after;
            const Operand<T> next = contiguous(turns.next(workspace.get()), size, columns);
            step(s, mode, slices, columns, x, next, {});
            x = {next.data, next.strides};
        }
    }

    /// One pass over a panel, block by block.
    void part(const Pass& pass, index_t first, index_t slices, index_t columns, Operand<const T> x,
              Operand<T> y, double work, Ending<T> end, bool from_memory) const {
        const bool joined = x.is_contiguous(columns) && y.is_contiguous(columns);
        const bool distant = from_memory && !x.is_contiguous(columns);
        const index_t rest = joined ? 1 : pass.after,
                      across = joined ? pass.after * columns : columns;
        const index_t x_row = joined ? across : x.strides.row,
                      y_row = joined ? across : y.strides.row;
        Grid grid(pass, slices * pass.before, rest, across, budget_of<T>().block);
        if (work >= shared_work) grid.split(get_num_threads(), budget_of<T>().line);
        for_panels(grid, 0, grid.count(), work, [&](const Panel& p) {
            if (distant && p.index + 1 < grid.count()) {
                const Panel next(grid, p.index + 1);
                prefetch(next.of(x.data, grid, pass.in_size, x_row), next.slices, pass.in_size,
                         next.columns);
            }
            block(pass, first, p.slices, p.columns, p.of(x.data, grid, pass.in_size, x_row),
                  p.of(y.data, grid, pass.out_size, y_row), end);
        });
    }

    /// All passes over one panel.
    void panel(const Pass& pass, index_t slices, index_t columns, Operand<const T> x, Operand<T> y,
               double work, Ending<T> end) const {
        const std::size_t count = pass.parts.size();
        PingPong<T> turns(slices * pass.largest * columns);
        const Workspace<T> workspace(1, count > 1 ? turns.total() : 0);
        work /= static_cast<double>(count);
        for (std::size_t k = 0; k < count; ++k) {
            const Pass& inner = pass.parts[k];
            if (k + 1 == count)
                return part(inner, pass.first, slices, columns, x, y, work, end, k == 0);
            const index_t size = inner.before * inner.out_size * inner.after;
            const Operand<T> next = contiguous(turns.next(workspace.get()), size, columns);
            part(inner, pass.first, slices, columns, x, next, work, {}, k == 0);
            x = {next.data, next.strides};
        }
    }

    /// One pass over all of (L, modes..., R).
    void whole(const Pass& pass, index_t L, index_t R, const T* x, T* y, Ending<T> end) const {
        const index_t columns = pass.after * R;
        double work = 0;
        for (const Step& s : pass.steps) {
            const Factor<T>& f = factor(pass.first + s.mode).factor();
            work += product_flops(f.rows, f.cols, s.before * s.after);
        }
        work *= static_cast<double>(L * pass.before) * static_cast<double>(columns);
        const Grid grid(pass, L * pass.before, 1, columns, budget_of<T>().panel);
        const index_t count = grid.count();
        const double each = work / static_cast<double>(count);
        constexpr double batch_work = 2e9;  // between two looks at the interrupt flag
        const index_t batch =
            std::max<index_t>(static_cast<index_t>(std::min(batch_work / each, 1e9)), 1);
        for (index_t k = 0; k < count; k += batch) {
            const index_t past = std::min(k + batch, count);
            for_panels(grid, k, past, each * static_cast<double>(past - k), [&](const Panel& p) {
                panel(pass, p.slices, p.columns, p.of(x, grid, pass.in_size, columns),
                      p.of(y, grid, pass.out_size, columns), each, end);
            });
            poll_interrupt();
        }
    }
};

template <class T>
ModeSequence<T>::ModeSequence(T coefficient, const std::vector<TermFactor<T>>& factors)
    : coefficient_(coefficient) {
    std::vector<Mode> modes;
    for (const TermFactor<T>& f : factors) modes.push_back(mode_of(f));
    const auto take = [&](const TermFactor<T>& f) {
        modes_.push_back(mode_of(f));
        factor_of_.push_back(static_cast<index_t>(factors_.size()));
        if (f.is_identity()) return;
        if (is_scalar(f)) {
            coefficient_ = times(coefficient_, f.data[0]);
            return;
        }
        factors_.push_back(f);
        packed_.push_back(f.is_sparse() ? PackedFactor<T>() : PackedFactor<T>(f));
    };
    auto next = factors.begin();
    for (const index_t count : merged_runs(modes, lanes_of<T>())) {
        const auto run = next;
        next += count;
        if (count > 1 && can_be_formed<T>(run, next))
            take(product_of<T>(run, next));
        else
            for (auto f = run; f != next; ++f) take(*f);
    }
    if (!is_multiple_of_identity()) passes_ = plan(1);
}

template <class T>
std::vector<Pass> ModeSequence<T>::plan(index_t R) const {
    return plan_passes(modes_, R, budget_of<T>());
}

/// A pass with one factor that is large or sparse, over contiguous arrays.
template <class T>
void ModeSequence<T>::take_alone(const Pass& pass, index_t L, index_t R, bool last, const T* x,
                                 bool accumulate, T* y) const {
    const std::size_t k = at(factor_of_[at(pass.first)]);
    const index_t slices = L * pass.before, columns = pass.after * R;
    const T alpha = last ? coefficient_ : T(1);
    if (factors_[k].is_sparse())
        sparse_mode_product<T>(factors_[k], slices, columns, alpha, x, T(last && accumulate), y);
    else
        large_mode_product<T>(packed_[k], slices, columns, alpha, x, last && accumulate, y);
}

template <class T>
void ModeSequence<T>::apply(const T* x, index_t L, index_t R, bool accumulate, T* y) const {
    const std::vector<Pass> other = R == 1 ? std::vector<Pass>() : plan(R);
    const std::vector<Pass>& passes = R == 1 ? passes_ : other;
    // From the first pass whose result has the size of y, with passes behind it that can work in
    // place, y itself holds what lies between two passes.
    const auto can_stay = [&](const Pass& pass) {
        return !std::is_same_v<T, bool> && !pass.parts.empty() && pass.in_size == pass.out_size &&
               pass.after * R > 2;
    };
    std::size_t staying = passes.size() - 1;
    if (!accumulate)
        while (staying > 0 && can_stay(passes[staying])) --staying;
    Scratch<T> current, next;
    const Run run{*this};
    for (std::size_t k = 0; k < passes.size(); ++k) {
        const Pass& pass = passes[k];
        const bool last = k + 1 == passes.size();
        T* target = y;
        if (k < staying) {
            next = Scratch<T>(L * pass.before * pass.out_size * pass.after * R);
            target = next.get();
        }
        if (pass.parts.empty())
            take_alone(pass, L, R, last, x, accumulate, target);
        else
            run.whole(pass, L, R, x, target,
                      last ? Ending<T>{coefficient_, accumulate} : Ending<T>{});
        if (k < staying) current = std::move(next);
        x = target;
        poll_interrupt();
    }
}

template class ModeSequence<float>;
template class ModeSequence<double>;
template class ModeSequence<std::complex<float>>;
template class ModeSequence<std::complex<double>>;
template class ModeSequence<std::int64_t>;
template class ModeSequence<std::uint64_t>;
template class ModeSequence<bool>;

}  // namespace otimes
