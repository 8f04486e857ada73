// (H + s I) x = b for an upper Hessenberg matrix H and one shift s after the other: one set of
// kernels per instruction set, chosen by cpu.hpp.
#pragma once

#include "otimes/view.hpp"

namespace otimes {

/// Columns are kept with real and imaginary parts apart, each padded to whole cache lines.
template <class R>
constexpr index_t padded_rows(index_t n) {
    constexpr index_t line = 64 / static_cast<index_t>(sizeof(R));
    return (n + line - 1) / line * line;
}

/// What the padded columns of an upper triangular matrix take up to, but without, column k.
template <class R>
constexpr index_t packed_size(index_t k) {
    constexpr index_t line = 64 / static_cast<index_t>(sizeof(R));
    const index_t full = k / line;
    return line * (full + 1) * line * full / 2 + line * (full + 1) * (k % line);
}

/// Step k of a decomposition: of the columns k - 1 and k one becomes column k of U D, the other one
/// loses `factor` times that.
template <class R>
struct HessenbergStep {
    R inverse_re, inverse_im;  // of d_kk
    R factor_re, factor_im;
    bool swapped;  // column k - 1 is the pivot
};

/// (H + s I) M = U D, U with ones on the diagonal, D diagonal, M the product of elementary column
/// operations on neighbours from the last pair to the first: each column of U is made from two that
/// are contiguous. For complex s, or H, the imaginary part of a column follows its real part.
template <class R>
struct HessenbergLu {
    index_t n;
    bool complex;
    R* columns;                // of U, packed
    HessenbergStep<R>* steps;  // n of them
};

/// x_c <- x_c - y_1 alpha_c - y_2 beta_c for `count` real columns x_c of `rows` entries; y_2
/// follows y_1, and beta_c alpha_c.
template <class R>
struct ColumnUpdate {
    index_t rows, count;
    bool pair;  // is there a y_2?
    const R *y, *coefficients;
    R* x;
};

template <class T>
struct HessenbergKernels {
    using R = real_t<T>;
    /// Decompose H + (re + i im) I; H like the columns that are solved for, n padded rows each.
    void (*factor)(const R* h, R re, R im, const HessenbergLu<R>& lu);
    /// x <- (H + s I)^-1 x or (H + s I)^-H x; z is memory for another such column.
    void (*solve)(const HessenbergLu<R>& lu, bool adjoint, R* x, R* z);
    void (*update)(const ColumnUpdate<R>& update);
};

/// For float, double and their complex numbers.
template <class T>
const HessenbergKernels<T>& hessenberg_kernels();

}  // namespace otimes
