// The one place that names a BLAS or LAPACK routine. Column-major, overloaded for s, d, c, z.
// Sizes are index_t and checked against BLAS's 32-bit integers at this door.
#pragma once

#include <complex>
#include <limits>
#include <stdexcept>
#include <vector>

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
        throw std::length_error("a dimension of " + std::to_string(n) +
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
    void OTIMES_FORTRAN(s##getrf)(const blasint*, const blasint*, T*, const blasint*, blasint*,    \
                                  blasint*);                                                       \
    void OTIMES_FORTRAN(s##getrs)(const char*, const blasint*, const blasint*, const T*,           \
                                  const blasint*, const blasint*, T*, const blasint*, blasint*,    \
                                  std::size_t);                                                    \
    void OTIMES_FORTRAN(s##trsyl)(const char*, const char*, const blasint*, const blasint*,        \
                                  const blasint*, const T*, const blasint*, const T*,              \
                                  const blasint*, T*, const blasint*, real_t<T>*, blasint*,        \
                                  std::size_t, std::size_t);                                       \
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
    }                                                                                              \
    /* P A = L U in place; returns LAPACK's info (> 0: an exactly zero pivot). */                  \
    inline blasint getrf(index_t m, index_t n, T* a, index_t lda, blasint* pivots) {               \
        const blasint im = to_blasint(m), in = to_blasint(n), ia = to_blasint(lda);                \
        blasint info = 0;                                                                          \
        OTIMES_FORTRAN(s##getrf)(&im, &in, a, &ia, pivots, &info);                                 \
        return info;                                                                               \
    }                                                                                              \
    /* B <- op(A)^-1 B from getrf's factors. */                                                    \
    inline void getrs(char op, index_t n, index_t nrhs, const T* a, index_t lda,                   \
                      const blasint* pivots, T* b, index_t ldb) {                                  \
        const blasint in = to_blasint(n), ir = to_blasint(nrhs);                                   \
        const blasint ia = to_blasint(lda), ib = to_blasint(ldb);                                  \
        blasint info = 0;                                                                          \
        OTIMES_FORTRAN(s##getrs)(&op, &in, &ir, a, &ia, pivots, b, &ib, &info, 1);                 \
    }                                                                                              \
    /* op(A) X + sign X op(B) = scale C for (quasi-)triangular A, B, guarded against overflow. */  \
    inline blasint trsyl(char opa, char opb, blasint sign, index_t m, index_t n, const T* a,       \
                         index_t lda, const T* b, index_t ldb, T* c, index_t ldc,                  \
                         real_t<T>& scale) {                                                       \
        const blasint im = to_blasint(m), in = to_blasint(n);                                      \
        const blasint ia = to_blasint(lda), ib = to_blasint(ldb), ic = to_blasint(ldc);            \
        blasint info = 0;                                                                          \
        OTIMES_FORTRAN(s##trsyl)                                                                   \
        (&opa, &opb, &sign, &im, &in, a, &ia, b, &ib, c, &ic, &scale, &info, 1, 1);                \
        return info;                                                                               \
    }

OTIMES_DECLARE(s, float)
OTIMES_DECLARE(d, double)
OTIMES_DECLARE(c, c64)
OTIMES_DECLARE(z, c128)
#undef OTIMES_DECLARE

// Schur: the real and the complex routines differ in how they return eigenvalues.
#define OTIMES_DECLARE_REAL_SCHUR(s, T)                                                            \
    extern "C" void OTIMES_FORTRAN(s##gees)(                                                       \
        const char*, const char*, void*, const blasint*, T*, const blasint*, blasint*, T*, T*, T*, \
        const blasint*, T*, const blasint*, blasint*, blasint*, std::size_t, std::size_t);         \
    /* A = Z T Z^T in place (A becomes the quasi-triangular T); returns LAPACK's info. */          \
    inline blasint gees(index_t n, T* a, index_t lda, T* z, index_t ldz) {                         \
        const blasint in = to_blasint(n), ia = to_blasint(lda), iz = to_blasint(ldz);              \
        blasint sdim = 0, info = 0, lwork = -1;                                                    \
        const char jobvs = 'V', sort = 'N';                                                        \
        std::vector<T> values(2 * static_cast<std::size_t>(n) + 2);                                \
        T* imaginary = values.data() + n;                                                          \
        T query = 0;                                                                               \
        OTIMES_FORTRAN(s##gees)                                                                    \
        (&jobvs, &sort, nullptr, &in, a, &ia, &sdim, values.data(), imaginary, z, &iz, &query,     \
         &lwork, nullptr, &info, 1, 1);                                                            \
        lwork = static_cast<blasint>(query);                                                       \
        std::vector<T> work(static_cast<std::size_t>(lwork));                                      \
        OTIMES_FORTRAN(s##gees)                                                                    \
        (&jobvs, &sort, nullptr, &in, a, &ia, &sdim, values.data(), imaginary, z, &iz,             \
         work.data(), &lwork, nullptr, &info, 1, 1);                                               \
        return info;                                                                               \
    }

#define OTIMES_DECLARE_COMPLEX_SCHUR(s, T)                                                         \
    extern "C" void OTIMES_FORTRAN(s##gees)(const char*, const char*, void*, const blasint*, T*,   \
                                            const blasint*, blasint*, T*, T*, const blasint*, T*,  \
                                            const blasint*, real_t<T>*, blasint*, blasint*,        \
                                            std::size_t, std::size_t);                             \
    inline blasint gees(index_t n, T* a, index_t lda, T* z, index_t ldz) {                         \
        const blasint in = to_blasint(n), ia = to_blasint(lda), iz = to_blasint(ldz);              \
        blasint sdim = 0, info = 0, lwork = -1;                                                    \
        const char jobvs = 'V', sort = 'N';                                                        \
        std::vector<T> values(static_cast<std::size_t>(n) + 1);                                    \
        std::vector<real_t<T>> rwork(static_cast<std::size_t>(n) + 1);                             \
        T query = 0;                                                                               \
        OTIMES_FORTRAN(s##gees)                                                                    \
        (&jobvs, &sort, nullptr, &in, a, &ia, &sdim, values.data(), z, &iz, &query, &lwork,        \
         rwork.data(), nullptr, &info, 1, 1);                                                      \
        lwork = static_cast<blasint>(query.real());                                                \
        std::vector<T> work(static_cast<std::size_t>(lwork));                                      \
        OTIMES_FORTRAN(s##gees)                                                                    \
        (&jobvs, &sort, nullptr, &in, a, &ia, &sdim, values.data(), z, &iz, work.data(), &lwork,   \
         rwork.data(), nullptr, &info, 1, 1);                                                      \
        return info;                                                                               \
    }

OTIMES_DECLARE_REAL_SCHUR(s, float)
OTIMES_DECLARE_REAL_SCHUR(d, double)
OTIMES_DECLARE_COMPLEX_SCHUR(c, c64)
OTIMES_DECLARE_COMPLEX_SCHUR(z, c128)
#undef OTIMES_DECLARE_REAL_SCHUR
#undef OTIMES_DECLARE_COMPLEX_SCHUR

// QR, QZ and the ordering of eigenvalues: these, too, differ between real and complex.
#define OTIMES_DECLARE_QR(s, T, apply)                                                             \
    extern "C" {                                                                                   \
    void OTIMES_FORTRAN(s##geqrf)(const blasint*, const blasint*, T*, const blasint*, T*, T*,      \
                                  const blasint*, blasint*);                                       \
    void OTIMES_FORTRAN(apply)(const char*, const char*, const blasint*, const blasint*,           \
                               const blasint*, const T*, const blasint*, const T*, T*,             \
                               const blasint*, T*, const blasint*, blasint*, std::size_t,          \
                               std::size_t);                                                       \
    }                                                                                              \
    /* A = Q R in place, Q as reflectors below R with their factors in tau. */                     \
    inline void geqrf(index_t m, index_t n, T* a, index_t lda, T* tau) {                           \
        const blasint im = to_blasint(m), in = to_blasint(n), ia = to_blasint(lda);                \
        blasint info = 0, lwork = -1;                                                              \
        T query = 0;                                                                               \
        OTIMES_FORTRAN(s##geqrf)(&im, &in, a, &ia, tau, &query, &lwork, &info);                    \
        lwork = static_cast<blasint>(std::real(query));                                            \
        std::vector<T> work(static_cast<std::size_t>(lwork));                                      \
        OTIMES_FORTRAN(s##geqrf)(&im, &in, a, &ia, tau, work.data(), &lwork, &info);               \
    }                                                                                              \
    /* C <- Q^H C for the Q of k reflectors; C is m x n. */                                        \
    inline void apply_adjoint_q(index_t m, index_t n, index_t k, const T* a, index_t lda,          \
                                const T* tau, T* c, index_t ldc) {                                 \
        const blasint im = to_blasint(m), in = to_blasint(n), ik = to_blasint(k);                  \
        const blasint ia = to_blasint(lda), ic = to_blasint(ldc);                                  \
        const char side = 'L', op = is_complex<T> ? 'C' : 'T';                                     \
        blasint info = 0, lwork = -1;                                                              \
        T query = 0;                                                                               \
        OTIMES_FORTRAN(apply)                                                                      \
        (&side, &op, &im, &in, &ik, a, &ia, tau, c, &ic, &query, &lwork, &info, 1, 1);             \
        lwork = static_cast<blasint>(std::real(query));                                            \
        std::vector<T> work(static_cast<std::size_t>(lwork));                                      \
        OTIMES_FORTRAN(apply)                                                                      \
        (&side, &op, &im, &in, &ik, a, &ia, tau, c, &ic, work.data(), &lwork, &info, 1, 1);        \
    }

OTIMES_DECLARE_QR(s, float, sormqr)
OTIMES_DECLARE_QR(d, double, dormqr)
OTIMES_DECLARE_QR(c, c64, cunmqr)
OTIMES_DECLARE_QR(z, c128, zunmqr)
#undef OTIMES_DECLARE_QR

/// The eigenvalues alpha / beta of a pencil; beta >= 0.
template <class T>
struct PencilEigenvalues {
    std::vector<std::complex<real_t<T>>> alpha;
    std::vector<real_t<T>> beta;
};

#define OTIMES_DECLARE_REAL_QZ(s, T)                                                               \
    extern "C" {                                                                                   \
    void OTIMES_FORTRAN(s##gges3)(const char*, const char*, const char*, void*, const blasint*,    \
                                  T*, const blasint*, T*, const blasint*, blasint*, T*, T*, T*,    \
                                  T*, const blasint*, T*, const blasint*, T*, const blasint*,      \
                                  blasint*, blasint*, std::size_t, std::size_t, std::size_t);      \
    void OTIMES_FORTRAN(s##tgsen)(const blasint*, const blasint*, const blasint*, const blasint*,  \
                                  const blasint*, T*, const blasint*, T*, const blasint*, T*, T*,  \
                                  T*, T*, const blasint*, T*, const blasint*, blasint*, T*, T*,    \
                                  T*, T*, const blasint*, blasint*, const blasint*, blasint*);     \
    }                                                                                              \
    /* A = Q S Z^T, B = Q P Z^T in place, Q not formed; returns LAPACK's info. */                  \
    inline blasint right_qz(index_t n, T* a, T* b, T* z, index_t ld,                               \
                            PencilEigenvalues<T>& values) {                                        \
        const blasint in = to_blasint(n), il = to_blasint(ld), one = 1;                            \
        const char no = 'N', yes = 'V';                                                            \
        const auto size = static_cast<std::size_t>(n);                                             \
        std::vector<T> re(size), im(size);                                                         \
        values.beta.resize(size);                                                                  \
        blasint sdim = 0, info = 0, lwork = -1;                                                    \
        T unused = 0;                                                                              \
        std::vector<T> work(1);                                                                    \
        const auto run = [&] {                                                                     \
            OTIMES_FORTRAN(s##gges3)                                                               \
            (&no, &yes, &no, nullptr, &in, a, &il, b, &il, &sdim, re.data(), im.data(),            \
             values.beta.data(), &unused, &one, z, &il, work.data(), &lwork, nullptr, &info, 1, 1, \
             1);                                                                                   \
        };                                                                                         \
        run();                                                                                     \
        lwork = static_cast<blasint>(work[0]);                                                     \
        work.resize(static_cast<std::size_t>(lwork));                                              \
        run();                                                                                     \
        for (std::size_t k = 0; k < size; ++k) values.alpha.emplace_back(re[k], im[k]);            \
        return info;                                                                               \
    }                                                                                              \
    /* Move the selected eigenvalues of the pencil (A, B) to the top; returns LAPACK's info. */    \
    inline blasint reorder_qz(const blasint* select, index_t n, T* a, T* b, T* z, index_t ld) {    \
        const blasint in = to_blasint(n), il = to_blasint(ld), job = 0, no = 0, yes = 1, one = 1;  \
        const blasint lwork = 4 * in + 16, liwork = 1;                                             \
        std::vector<T> values(3 * static_cast<std::size_t>(n)),                                    \
            work(static_cast<std::size_t>(lwork));                                                 \
        T *re = values.data(), *im = re + n, *beta = im + n;                                       \
        T unused = 0, pl = 0, pr = 0, dif[2];                                                      \
        blasint count = 0, info = 0, iwork = 0;                                                    \
        OTIMES_FORTRAN(s##tgsen)                                                                   \
        (&job, &no, &yes, select, &in, a, &il, b, &il, re, im, beta, &unused, &one, z, &il,        \
         &count, &pl, &pr, dif, work.data(), &lwork, &iwork, &liwork, &info);                      \
        return info;                                                                               \
    }

#define OTIMES_DECLARE_COMPLEX_QZ(s, T)                                                            \
    extern "C" {                                                                                   \
    void OTIMES_FORTRAN(s##gges3)(const char*, const char*, const char*, void*, const blasint*,    \
                                  T*, const blasint*, T*, const blasint*, blasint*, T*, T*, T*,    \
                                  const blasint*, T*, const blasint*, T*, const blasint*,          \
                                  real_t<T>*, blasint*, blasint*, std::size_t, std::size_t,        \
                                  std::size_t);                                                    \
    void OTIMES_FORTRAN(s##tgsen)(const blasint*, const blasint*, const blasint*, const blasint*,  \
                                  const blasint*, T*, const blasint*, T*, const blasint*, T*, T*,  \
                                  T*, const blasint*, T*, const blasint*, blasint*, real_t<T>*,    \
                                  real_t<T>*, real_t<T>*, T*, const blasint*, blasint*,            \
                                  const blasint*, blasint*);                                       \
    }                                                                                              \
    inline blasint right_qz(index_t n, T* a, T* b, T* z, index_t ld,                               \
                            PencilEigenvalues<T>& values) {                                        \
        const blasint in = to_blasint(n), il = to_blasint(ld), one = 1;                            \
        const char no = 'N', yes = 'V';                                                            \
        const auto size = static_cast<std::size_t>(n);                                             \
        std::vector<T> alpha(size), beta(size);                                                    \
        std::vector<real_t<T>> rwork(8 * size + 1);                                                \
        blasint sdim = 0, info = 0, lwork = -1;                                                    \
        T unused = 0;                                                                              \
        std::vector<T> work(1);                                                                    \
        const auto run = [&] {                                                                     \
            OTIMES_FORTRAN(s##gges3)                                                               \
            (&no, &yes, &no, nullptr, &in, a, &il, b, &il, &sdim, alpha.data(), beta.data(),       \
             &unused, &one, z, &il, work.data(), &lwork, rwork.data(), nullptr, &info, 1, 1, 1);   \
        };                                                                                         \
        run();                                                                                     \
        lwork = static_cast<blasint>(work[0].real());                                              \
        work.resize(static_cast<std::size_t>(lwork));                                              \
        run();                                                                                     \
        values.alpha = std::move(alpha);                                                           \
        for (const T b_k : beta) values.beta.push_back(b_k.real());                                \
        return info;                                                                               \
    }                                                                                              \
    inline blasint reorder_qz(const blasint* select, index_t n, T* a, T* b, T* z, index_t ld) {    \
        const blasint in = to_blasint(n), il = to_blasint(ld), job = 0, no = 0, yes = 1, one = 1;  \
        const blasint lwork = 1, liwork = 1;                                                       \
        std::vector<T> alpha(static_cast<std::size_t>(n)), beta(alpha.size());                     \
        T unused = 0, work = 0;                                                                    \
        real_t<T> pl = 0, pr = 0, dif[2];                                                          \
        blasint count = 0, info = 0, iwork = 0;                                                    \
        OTIMES_FORTRAN(s##tgsen)                                                                   \
        (&job, &no, &yes, select, &in, a, &il, b, &il, alpha.data(), beta.data(), &unused, &one,   \
         z, &il, &count, &pl, &pr, dif, &work, &lwork, &iwork, &liwork, &info);                    \
        return info;                                                                               \
    }

OTIMES_DECLARE_REAL_QZ(s, float)
OTIMES_DECLARE_REAL_QZ(d, double)
OTIMES_DECLARE_COMPLEX_QZ(c, c64)
OTIMES_DECLARE_COMPLEX_QZ(z, c128)
#undef OTIMES_DECLARE_REAL_QZ
#undef OTIMES_DECLARE_COMPLEX_QZ

}  // namespace otimes::blas
