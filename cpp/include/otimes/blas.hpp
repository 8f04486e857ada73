// BLAS: with lapack.hpp the one place that names its routines. Column-major, overloaded for s, d,
// c, z. Sizes are index_t and checked against BLAS's 32-bit integers at this door.
#pragma once

#include <complex>
#include <limits>
#include <string>

#include "otimes/error.hpp"
#include "otimes/view.hpp"

#ifndef BLAS_SYMBOL_PREFIX
#define BLAS_SYMBOL_PREFIX
#endif
#define OTIMES_GLUE_(prefix, name) prefix##name##_
#define OTIMES_GLUE(prefix, name) OTIMES_GLUE_(prefix, name)
#define OTIMES_FORTRAN(name) OTIMES_GLUE(BLAS_SYMBOL_PREFIX, name)

namespace otimes::blas {

using blasint = int;

inline blasint to_blasint(index_t n) {
    if (n > std::numeric_limits<blasint>::max())
        throw shape_error("a dimension of " + std::to_string(n) +
                          " exceeds BLAS's 32-bit integers");
    return static_cast<blasint>(n);
}

using c64 = std::complex<float>;
using c128 = std::complex<double>;

/// The vendor's description of the BLAS in use, for `python -m otimes info`.
const char* config();
/// The name of the kernel set that it chose for this processor.
const char* core_name();
int get_num_threads();
void set_num_threads(int n);

// Hidden Fortran string lengths are passed, as gfortran's ABI has it.
#define OTIMES_DECLARE(s, T)                                                                       \
    extern "C" {                                                                                   \
    void OTIMES_FORTRAN(s##gemm)(const char*, const char*, const blasint*, const blasint*,         \
                                 const blasint*, const T*, const T*, const blasint*, const T*,     \
                                 const blasint*, const T*, T*, const blasint*, std::size_t,        \
                                 std::size_t);                                                     \
    void OTIMES_FORTRAN(s##gemv)(const char*, const blasint*, const blasint*, const T*, const T*,  \
                                 const blasint*, const T*, const blasint*, const T*, T*,           \
                                 const blasint*, std::size_t);                                     \
    void OTIMES_FORTRAN(s##trsm)(const char*, const char*, const char*, const char*,               \
                                 const blasint*, const blasint*, const T*, const T*,               \
                                 const blasint*, T*, const blasint*, std::size_t, std::size_t,     \
                                 std::size_t, std::size_t);                                        \
    }                                                                                              \
    /* C <- alpha op(A) op(B) + beta C, op in {N, T, C}; C is m x n, the inner size is k. */       \
    inline void gemm(char opa, char opb, index_t m, index_t n, index_t k, T alpha, const T* a,     \
                     index_t lda, const T* b, index_t ldb, T beta, T* c, index_t ldc) {            \
        const blasint im = to_blasint(m), in = to_blasint(n), ik = to_blasint(k);                  \
        const blasint ia = to_blasint(lda), ib = to_blasint(ldb), ic = to_blasint(ldc);            \
        OTIMES_FORTRAN(s##gemm)                                                                    \
        (&opa, &opb, &im, &in, &ik, &alpha, a, &ia, b, &ib, &beta, c, &ic, 1, 1);                  \
    }                                                                                              \
    /* y <- op(A) x, A is m x n, x and y contiguous. */                                            \
    inline void gemv(char op, index_t m, index_t n, const T* a, index_t lda, const T* x, T* y) {   \
        const blasint im = to_blasint(m), in = to_blasint(n), ia = to_blasint(lda), one = 1;       \
        const T alpha = 1, beta = 0;                                                               \
        OTIMES_FORTRAN(s##gemv)(&op, &im, &in, &alpha, a, &ia, x, &one, &beta, y, &one, 1);        \
    }                                                                                              \
    /* B <- alpha op(A)^-1 B (side L) or alpha B op(A)^-1 (side R), A triangular, B is m x n. */   \
    inline void trsm(char side, char uplo, char op, char diag, index_t m, index_t n, T alpha,      \
                     const T* a, index_t lda, T* b, index_t ldb) {                                 \
        const blasint im = to_blasint(m), in = to_blasint(n);                                      \
        const blasint ia = to_blasint(lda), ib = to_blasint(ldb);                                  \
        OTIMES_FORTRAN(s##trsm)                                                                    \
        (&side, &uplo, &op, &diag, &im, &in, &alpha, a, &ia, b, &ib, 1, 1, 1, 1);                  \
    }

OTIMES_DECLARE(s, float)
OTIMES_DECLARE(d, double)
OTIMES_DECLARE(c, c64)
OTIMES_DECLARE(z, c128)
#undef OTIMES_DECLARE

}  // namespace otimes::blas
