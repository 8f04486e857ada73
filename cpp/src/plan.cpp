#include "otimes/plan.hpp"

#include <algorithm>
#include <cmath>    // std::ceil
#include <numeric>  // std::iota

namespace otimes {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

bool has_zero(const std::vector<index_t>& sizes) {
    return std::find(sizes.begin(), sizes.end(), index_t{0}) != sizes.end();
}

/// Time of one step for each element of its operand, in multiply-adds of a vector's lane: lanes run
/// along `inner`, or along the rows where that is 1, and are partly idle where these are few.
double step_cost(double rows, double cols, double inner, double lanes) {
    constexpr double movement = 3;  // reading one element and writing one, from and to a cache
    const auto filled = [lanes](double count) { return std::ceil(count / lanes) * lanes / count; };
    const double idle = inner == 1 ? filled(rows) : filled(inner);
    return rows * idle + movement * (1 + rows / cols) / 2;
}

/// What is gained by multiplying out the neighbours a and b, b the later one.
double merging_gain(const Mode& a, const Mode& b, double inner, double lanes) {
    constexpr double limit = 32;
    const auto size = [](index_t n) { return static_cast<double>(n); };
    const double rows = size(a.rows) * size(b.rows), cols = size(a.cols) * size(b.cols);
    if (rows > limit || cols > limit) return 0;
    const double growth = size(b.rows) / size(b.cols);
    const double apart =
        step_cost(size(b.rows), size(b.cols), inner, lanes) +
        growth * step_cost(size(a.rows), size(a.cols), inner * size(b.rows), lanes);
    return apart - step_cost(rows, cols, inner, lanes);
}

/// Stored entries of factor k over rows * cols; an empty `entries` means that all are dense.
double density(const std::vector<index_t>& rows, const std::vector<index_t>& cols,
               const std::vector<index_t>& entries, index_t k) {
    if (entries.empty()) return 1;
    const double size = static_cast<double>(rows[at(k)]) * static_cast<double>(cols[at(k)]);
    return static_cast<double>(std::max<index_t>(entries[at(k)], 1)) / std::max(size, 1.0);
}

std::vector<index_t> order_of(const std::vector<Mode>& modes) {
    std::vector<index_t> rows, cols, entries, acting, steps;
    for (std::size_t k = 0; k < modes.size(); ++k) {
        if (!modes[k].acts) continue;
        acting.push_back(static_cast<index_t>(k));
        rows.push_back(modes[k].rows);
        cols.push_back(modes[k].cols);
        entries.push_back(modes[k].entries);
    }
    for (const index_t k : application_order(rows, cols, entries)) steps.push_back(acting[at(k)]);
    return steps;
}

/// Sizes of the modes of an operand while steps are taken.
class Sizes {
  public:
    explicit Sizes(const std::vector<Mode>& modes) : modes_(&modes) {
        for (const Mode& mode : modes) now_.push_back(mode.cols);
    }

    void take(index_t mode) { now_[at(mode)] = (*modes_)[at(mode)].rows; }

    index_t between(index_t begin, index_t end) const {
        return std::accumulate(now_.begin() + begin, now_.begin() + end, index_t{1},
                               std::multiplies<>());
    }

  private:
    const std::vector<Mode>* modes_;
    std::vector<index_t> now_;
};

/// The pass that takes these steps, from the sizes before it; they become those after it.
Pass pass_of(const std::vector<index_t>& steps, Sizes& sizes, index_t count) {
    Pass pass;
    pass.first = *std::min_element(steps.begin(), steps.end());
    pass.last = *std::max_element(steps.begin(), steps.end());
    const auto inside = [&] { return sizes.between(pass.first, pass.last + 1); };
    pass.before = sizes.between(0, pass.first);
    pass.after = sizes.between(pass.last + 1, count);
    pass.in_size = pass.largest = inside();
    for (const index_t mode : steps) {
        pass.steps.push_back({mode - pass.first, sizes.between(pass.first, mode),
                              sizes.between(mode + 1, pass.last + 1)});
        sizes.take(mode);
        pass.largest = std::max(pass.largest, inside());
    }
    pass.out_size = inside();
    return pass;
}

/// Groups steps into passes whose panels of at least `least` columns hold `budget` elements.
std::vector<Pass> group(const std::vector<Mode>& modes, const std::vector<index_t>& steps,
                        index_t right, index_t budget, index_t least, index_t line) {
    const auto count = static_cast<index_t>(modes.size());
    std::vector<Pass> passes;
    Sizes sizes(modes);
    for (std::size_t next = 0; next < steps.size();) {
        std::vector<index_t> taken{steps[next]};
        Sizes after = sizes;
        Pass pass = pass_of(taken, after, count);
        for (++next; next < steps.size(); ++next) {
            if (modes[at(taken[0])].alone || modes[at(steps[next])].alone) break;
            taken.push_back(steps[next]);
            Sizes longer_after = sizes;
            Pass longer = pass_of(taken, longer_after, count);
            if (longer.largest * std::min(longer.after * right, least) > budget) break;
            pass = std::move(longer);
            after = longer_after;
        }
        sizes = after;
        const index_t fitting = budget / std::max<index_t>(pass.largest, 1) / line * line;
        pass.width = std::min(pass.after * right, std::max(fitting, line));
        passes.push_back(std::move(pass));
    }
    return passes;
}

}  // namespace

std::vector<index_t> application_order(const std::vector<index_t>& rows,
                                       const std::vector<index_t>& cols,
                                       const std::vector<index_t>& entries) {
    std::vector<index_t> order(rows.size());
    std::iota(order.rbegin(), order.rend(), 0);  // ties: the last factor first
    const auto key = [&](index_t k) {
        const double gain =
            1.0 / static_cast<double>(cols[at(k)]) - 1.0 / static_cast<double>(rows[at(k)]);
        return gain / density(rows, cols, entries, k);
    };
    if (!has_zero(rows) && !has_zero(cols))
        std::stable_sort(order.begin(), order.end(),
                         [&](index_t a, index_t b) { return key(a) < key(b); });
    return order;
}

double application_work(const std::vector<index_t>& rows, const std::vector<index_t>& cols,
                        const std::vector<index_t>& order, const std::vector<index_t>& entries) {
    double size = 1, work = 0;
    for (const index_t n : cols) size *= static_cast<double>(n);
    if (size == 0) return 0;
    for (const index_t k : order) {
        work += size * static_cast<double>(rows[at(k)]) * density(rows, cols, entries, k);
        size *= static_cast<double>(rows[at(k)]) / static_cast<double>(cols[at(k)]);
    }
    return work;
}

std::vector<index_t> merged_runs(const std::vector<Mode>& modes, index_t lanes) {
    std::vector<Mode> merged = modes;
    std::vector<index_t> runs(modes.size(), 1);
    const auto mergeable = [](const Mode& m) {
        return m.acts && !m.alone && m.rows > 0 && m.cols > 0;
    };
    double inner = 1;
    for (std::size_t k = modes.size(); k-- > 1;) {  // neighbours k - 1 and k, from the last
        const Mode &a = merged[k - 1], &b = merged[k];
        const bool gains = mergeable(a) && mergeable(b) &&
                           merging_gain(a, b, inner, static_cast<double>(lanes)) > 0;
        if (gains) {
            merged[k - 1] = {a.rows * b.rows, a.cols * b.cols, true, false, a.entries * b.entries};
            runs[k - 1] += runs[k];
            merged.erase(merged.begin() + static_cast<index_t>(k));
            runs.erase(runs.begin() + static_cast<index_t>(k));
        } else {
            inner *= static_cast<double>(std::max<index_t>(b.rows, 1));
        }
    }
    return runs;
}

std::vector<Pass> plan_passes(const std::vector<Mode>& modes, index_t right, const Budget& budget) {
    std::vector<Pass> passes =
        group(modes, order_of(modes), right, budget.panel, 8 * budget.line, budget.line);
    std::vector<Mode> now = modes;
    for (Pass& pass : passes) {
        std::vector<index_t> steps;
        for (const Step& step : pass.steps) steps.push_back(step.mode);
        if (!now[at(pass.first + steps[0])].alone) {
            const std::vector<Mode> inside(now.begin() + pass.first, now.begin() + pass.last + 1);
            pass.parts =
                group(inside, steps, pass.width, budget.block, 3 * budget.line, budget.line);
        }
        for (const index_t step : steps) {
            Mode& mode = now[at(pass.first + step)];
            mode = {mode.rows, mode.rows, false};
        }
    }
    return passes;
}

}  // namespace otimes
