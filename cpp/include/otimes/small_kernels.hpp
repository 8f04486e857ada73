// Kernels for small linear matrix equations: many side by side, one in each lane of a vector.
#pragma once

#include <span>

#include "otimes/view.hpp"

namespace otimes {

/// Unknowns up to which an equation is solved by the LU of its Kronecker matrix.
inline constexpr index_t kronecker_limit = 36;

/// op(C_k) of an equation's coefficients C_0, C_1, ...; the identity for k = -1.
struct SmallFactor {
    int coefficient = -1;
    char op = 'N';  // 'N', 'T' or 'C'
};

/// sign L X R; sign L X^T R where X is transposed. Of stacked unknowns X is number `from`, and the
/// term belongs to equation number `to`.
struct SmallTerm {
    SmallFactor left, right;
    int sign = 1;
    bool transposed = false;
    index_t from = 0, to = 0;
};

/// A sum of terms, and up to how many unknowns it is solved by the LU of its Kronecker matrix when
/// it is no batch: all that there may be, unless another way is faster sooner.
struct SmallForm {
    std::span<const SmallTerm> terms;
    index_t alone = kronecker_limit;
    bool keeps_symmetry = false;  // X is Hermitian, exactly, where Q is; and skew likewise
    index_t stacked = 1;          // so many unknown matrices, and equations, below one another
};

inline constexpr index_t small_coefficients = 4, small_terms = 4;  // at most

/// What the kernel finds out, squares of norms in the scale of the equilibrated equation.
enum SmallResult : index_t {
    small_solution,  // ||X||_F^2
    small_side,      // ||Q||_F^2
    small_residual,  // ||Q - sum L X R||_F^2
    small_inverse,   // 1/sigma_min^2, by two steps of power iteration
    small_largest,   // sigma_max^2, likewise
    small_overflow,  // 0 if every entry of X is finite, else NaN
    small_term,      // ||L||_F^2 ||R||_F^2 of the first term; the others follow
    small_results = small_term + small_terms
};

/// `lanes` equations sum_t L_t X R_t = Q, X of shape (rows, cols). Number k of the equation in
/// lane l is at [k * lanes + l]; of a complex one that is the real part, and the imaginary part
/// follows `lanes` further on: (k * 2 + 1) * lanes + l.
template <class T>
struct SmallGroup {
    using R = real_t<T>;
    struct Coefficient {
        R* entries;  // column-major; overwritten
        index_t rows, cols;
    };

    index_t rows, cols;
    index_t stacked;  // unknown matrices, of which each has rows / stacked rows
    const SmallTerm* terms;
    index_t term_count;
    Coefficient coefficients[small_coefficients] = {};
    index_t coefficient_count;
    R* sides;  // Q, column-major, one or two of them; X on return
    index_t side_count;
    const T* start;        // of the power iterations: rows * cols numbers
    R* work;               // 2 (rows * cols)^2 numbers, aligned to a cache line as all others
    R* results = nullptr;  // on return, that of lane l at [SmallResult * lanes + l]
};

template <class T>
struct SmallKernels {
    index_t lanes;
    /// Lanes are independent: each gets the same result beside any others. A lane whose equation is
    /// singular, or out of range, ends with NaN or infinities in its results.
    void (*solve)(const SmallGroup<T>&);
};

/// For float, double and their complex numbers: as many lanes as a vector has.
template <class T>
const SmallKernels<T>& small_kernels();

/// One lane: for an equation by itself.
template <class T>
const SmallKernels<T>& small_lone_kernels();

}  // namespace otimes
