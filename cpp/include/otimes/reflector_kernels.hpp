// Applying short Householder reflectors and rotations: the inner loops of QR and QZ iterations, one
// set per instruction set, chosen once by cpu.hpp.
#pragma once

#include "otimes/view.hpp"

namespace otimes {

/// H = I - tau v v^H, v = (1, v1, v2), tau real: unitary and Hermitian. A complex number is two
/// reals. `scaled` is tau v^H, what columns are updated with.
template <class T>
struct Reflector {
    static constexpr int parts = is_complex<T> ? 2 : 1;
    real_t<T> v[2][parts];
    real_t<T> scaled[3][parts];
};

/// Two shifts: `first` and `second`, or for real T the conjugate pair first +- i imaginary.
template <class T>
struct ShiftPair {
    T first, second;
    real_t<T> imaginary;
};

/// Reflectors on the rows or columns (at, at + 1, at + 2), (at + 1, at + 2, at + 3), ...; the last
/// one only on two of them when `ends_in_pair`.
template <class T>
struct Chain {
    const Reflector<T>* first;
    index_t at, count;
    bool ends_in_pair;
};

/// Rows or columns of a matrix, 0, ..., width - 1, and chains that follow each other on them.
inline constexpr index_t most_chains = 8, widest_chains = 64;
template <class T>
struct Chains {
    Chain<T> chain[most_chains];
    index_t count = 0, width = 0;
};

/// Bulges on their way down the diagonal of a Hessenberg matrix H: in step t, bulge b is driven
/// from row p = low + t - bulge_distance b to the next, by a reflector on rows p, p + 1, p + 2.
inline constexpr index_t bulge_distance = 3;

template <class T>
struct Chase {
    T* h;
    index_t ld;
    index_t low, high;    // the active block, both ends included
    index_t top, bottom;  // the window: only H[top:bottom, top:bottom] is updated
    index_t begin, end;   // steps
    index_t bulges;
    const ShiftPair<T>* shifts;  // one for each bulge
    Reflector<T>* reflectors;    // bulge b leaves that of step t in [b * (end - begin) + t - begin]
};

/// H = I - tau v v^H on the last `length` rows of columns.
template <class T>
struct LongReflector {
    const T* v;
    index_t length;
    real_t<T> tau;
};

template <class T>
struct ReflectorKernels {
    /// H <- Q^H H Q within the window, Q the product of the reflectors of these steps.
    void (*chase)(const Chase<T>&);
    /// X <- X Q, X (rows, chains.width), Q the product of all reflectors.
    void (*apply_right)(const Chains<T>& chains, index_t rows, T* x, index_t ldx);
    /// X <- Q^H X, X (chains.width, cols).
    void (*apply_left)(const Chains<T>& chains, index_t cols, T* x, index_t ldx);
    /// y <- A v, A (rows, cols).
    void (*multiply)(index_t rows, index_t cols, const T* a, index_t lda, const T* v, T* y);
    /// A <- H A, A (rows, cols).
    void (*reflect_rows)(const LongReflector<T>& h, index_t rows, index_t cols, T* a, index_t lda);
    /// A <- H (A - tau y w^H), A (rows, cols): H A H for w = v and y = A v.
    void (*reflect_both)(const LongReflector<T>& h, index_t rows, index_t cols, T* a, index_t lda,
                         const T* y, const T* w);
    /// [x y] <- [x y] [c -s; conj(s) c] for columns of `count` entries.
    void (*rotate_cols)(real_t<T> c, const T* s, index_t count, T* x, T* y);
};

/// For float, double and their complex numbers.
template <class T>
const ReflectorKernels<T>& reflector_kernels();

}  // namespace otimes
