// How a product with F1 x ... x FN is carried out: pure functions of sizes.
#pragma once

#include <vector>

#include "otimes/view.hpp"

namespace otimes {

/// The order in which to apply factors of sizes rows[k] x cols[k] so that the total work is least:
/// ascending 1/cols - 1/rows, shrinking factors first (exact, by exchange of neighbours). Ties keep
/// the later factor first, whose operand is contiguous. `entries`, unless empty, says how many each
/// factor stores: the key of a sparse one is larger by rows * cols over that.
std::vector<index_t> application_order(const std::vector<index_t>& rows,
                                       const std::vector<index_t>& cols,
                                       const std::vector<index_t>& entries = {});

/// Multiplications that the factors of these sizes cost in the given order, per column.
double application_work(const std::vector<index_t>& rows, const std::vector<index_t>& cols,
                        const std::vector<index_t>& order,
                        const std::vector<index_t>& entries = {});

/// One mode of the operand: a factor (rows x cols) acts on it, or none (an identity).
struct Mode {
    index_t rows, cols;
    bool acts = true;
    bool alone = false;   // takes a pass of its own: its factor is sparse, or large
    index_t entries = 0;  // that the factor stores
};

/// Runs of neighbouring factors that are cheaper multiplied out than applied one by one, as the
/// number of modes in each run. `lanes` elements are computed with at once.
std::vector<index_t> merged_runs(const std::vector<Mode>& modes, index_t lanes);

/// One mode product: along `mode` of an operand (before, cols, after).
struct Step {
    index_t mode = 0;
    index_t before = 0, after = 0;  // sizes of the modes on both sides, within the pass
};

/// Steps that are taken panel by panel. The operand is (before, in_size, after * right), `in_size`
/// the modes first ... last that the steps act within; a panel holds these wholly, and `width` of
/// the columns (a multiple of a cache line, or all).
struct Pass {
    std::vector<Step> steps;  // in order of application
    index_t first = 0, last = 0;
    index_t before = 1, after = 1;
    index_t in_size = 1, out_size = 1, largest = 1;  // largest: before, after or between the steps
    index_t width = 0;
    std::vector<Pass> parts;  // passes over a panel, in smaller panels; its mode 0 is `first`
};

/// Elements that a panel may hold.
struct Budget {
    index_t panel;  // in the second-level cache
    index_t block;  // in the first-level cache
    index_t line;   // of a cache line
};

/// The passes over memory for an operand (L, modes..., right). Each reads its operand once and
/// writes its result once.
std::vector<Pass> plan_passes(const std::vector<Mode>& modes, index_t right, const Budget& budget);

}  // namespace otimes
