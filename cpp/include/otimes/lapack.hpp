// LAPACK, in the manner of blas.hpp: LU, Schur and eigendecompositions, QR, Cholesky, SVD.
#pragma once

#include <cmath>  // std::nextafter
#include <complex>
#include <limits>
#include <vector>

#include "otimes/blas.hpp"

namespace otimes::blas {

/// A size that LAPACK returned as a number, which single precision may have rounded down.
template <class T>
blasint size_from(T number) {
    const real_t<T> size = std::real(number);
    return static_cast<blasint>(std::nextafter(size, std::numeric_limits<real_t<T>>::infinity()));
}

/// Call LAPACK twice: to ask for the best size of its workspace, and to compute.
template <class T, class Call>
void with_workspace(Call&& call) {
    T best = 0;
    call(&best, blasint{-1});
    std::vector<T> work(static_cast<std::size_t>(size_from(best)) + 1);
    call(work.data(), static_cast<blasint>(work.size()));
}

#define OTIMES_DECLARE_LU(s, T)                                                                    \
    extern "C" {                                                                                   \
    void OTIMES_FORTRAN(s##getrf)(const blasint*, const blasint*, T*, const blasint*, blasint*,    \
                                  blasint*);                                                       \
    void OTIMES_FORTRAN(s##getrs)(const char*, const blasint*, const blasint*, const T*,           \
                                  const blasint*, const blasint*, T*, const blasint*, blasint*,    \
                                  std::size_t);                                                    \
    void OTIMES_FORTRAN(s##getri)(const blasint*, T*, const blasint*, const blasint*, T*,          \
                                  const blasint*, blasint*);                                       \
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
    /* A^-1 from getrf's factors, in place. */                                                     \
    inline void getri(index_t n, T* a, index_t lda, const blasint* pivots) {                       \
        const blasint in = to_blasint(n), ia = to_blasint(lda), lwork = to_blasint(64 * n);        \
        blasint info = 0;                                                                          \
        std::vector<T> work(static_cast<std::size_t>(lwork));                                      \
        OTIMES_FORTRAN(s##getri)(&in, a, &ia, pivots, work.data(), &lwork, &info);                 \
    }

OTIMES_DECLARE_LU(s, float)
OTIMES_DECLARE_LU(d, double)
OTIMES_DECLARE_LU(c, c64)
OTIMES_DECLARE_LU(z, c128)
#undef OTIMES_DECLARE_LU

// Schur: the real and the complex routines differ in how they return eigenvalues.
#define OTIMES_DECLARE_REAL_SCHUR(s, T)                                                            \
    extern "C" void OTIMES_FORTRAN(s##gees)(                                                       \
        const char*, const char*, void*, const blasint*, T*, const blasint*, blasint*, T*, T*, T*, \
        const blasint*, T*, const blasint*, blasint*, blasint*, std::size_t, std::size_t);         \
    /* A = Z T Z^T in place (A becomes the quasi-triangular T); returns LAPACK's info. */          \
    inline blasint gees(index_t n, T* a, index_t lda, T* z, index_t ldz) {                         \
        const blasint in = to_blasint(n), ia = to_blasint(lda), iz = to_blasint(ldz);              \
        blasint sdim = 0, info = 0;                                                                \
        std::vector<T> values(2 * static_cast<std::size_t>(n) + 2);                                \
        with_workspace<T>([&](T* work, blasint size) {                                             \
            OTIMES_FORTRAN(s##gees)                                                                \
            ("V", "N", nullptr, &in, a, &ia, &sdim, values.data(), values.data() + n, z, &iz,      \
             work, &size, nullptr, &info, 1, 1);                                                   \
        });                                                                                        \
        return info;                                                                               \
    }

#define OTIMES_DECLARE_COMPLEX_SCHUR(s, T)                                                         \
    extern "C" void OTIMES_FORTRAN(s##gees)(const char*, const char*, void*, const blasint*, T*,   \
                                            const blasint*, blasint*, T*, T*, const blasint*, T*,  \
                                            const blasint*, real_t<T>*, blasint*, blasint*,        \
                                            std::size_t, std::size_t);                             \
    inline blasint gees(index_t n, T* a, index_t lda, T* z, index_t ldz) {                         \
        const blasint in = to_blasint(n), ia = to_blasint(lda), iz = to_blasint(ldz);              \
        blasint sdim = 0, info = 0;                                                                \
        std::vector<T> values(static_cast<std::size_t>(n) + 1);                                    \
        std::vector<real_t<T>> rwork(static_cast<std::size_t>(n) + 1);                             \
        with_workspace<T>([&](T* work, blasint size) {                                             \
            OTIMES_FORTRAN(s##gees)                                                                \
            ("V", "N", nullptr, &in, a, &ia, &sdim, values.data(), z, &iz, work, &size,            \
             rwork.data(), nullptr, &info, 1, 1);                                                  \
        });                                                                                        \
        return info;                                                                               \
    }

OTIMES_DECLARE_REAL_SCHUR(s, float)
OTIMES_DECLARE_REAL_SCHUR(d, double)
OTIMES_DECLARE_COMPLEX_SCHUR(c, c64)
OTIMES_DECLARE_COMPLEX_SCHUR(z, c128)
#undef OTIMES_DECLARE_REAL_SCHUR
#undef OTIMES_DECLARE_COMPLEX_SCHUR

// Hermitian eigendecompositions: syevd or heevd.
#define OTIMES_DECLARE_REAL_EIGEN(s, T)                                                            \
    extern "C" void OTIMES_FORTRAN(s##syevd)(const char*, const char*, const blasint*, T*,         \
                                             const blasint*, T*, T*, const blasint*, blasint*,     \
                                             const blasint*, blasint*, std::size_t, std::size_t);  \
    /* A = Z diag(values) Z^T in place (A becomes Z); returns LAPACK's info. */                    \
    inline blasint heevd(index_t n, T* a, index_t lda, T* values) {                                \
        const blasint in = to_blasint(n), ia = to_blasint(lda);                                    \
        blasint info = 0, lwork = -1, liwork = -1, integer_query = 0;                              \
        T query = 0;                                                                               \
        OTIMES_FORTRAN(s##syevd)                                                                   \
        ("V", "L", &in, a, &ia, values, &query, &lwork, &integer_query, &liwork, &info, 1, 1);     \
        lwork = size_from(query);                                                                  \
        liwork = integer_query;                                                                    \
        std::vector<T> work(static_cast<std::size_t>(lwork));                                      \
        std::vector<blasint> integers(static_cast<std::size_t>(liwork));                           \
        OTIMES_FORTRAN(s##syevd)                                                                   \
        ("V", "L", &in, a, &ia, values, work.data(), &lwork, integers.data(), &liwork, &info, 1,   \
         1);                                                                                       \
        return info;                                                                               \
    }

#define OTIMES_DECLARE_COMPLEX_EIGEN(s, T)                                                         \
    extern "C" void OTIMES_FORTRAN(s##heevd)(const char*, const char*, const blasint*, T*,         \
                                             const blasint*, real_t<T>*, T*, const blasint*,       \
                                             real_t<T>*, const blasint*, blasint*, const blasint*, \
                                             blasint*, std::size_t, std::size_t);                  \
    inline blasint heevd(index_t n, T* a, index_t lda, real_t<T>* values) {                        \
        const blasint in = to_blasint(n), ia = to_blasint(lda);                                    \
        blasint info = 0, lwork = -1, lrwork = -1, liwork = -1, integer_query = 0;                 \
        T query = 0;                                                                               \
        real_t<T> real_query = 0;                                                                  \
        OTIMES_FORTRAN(s##heevd)                                                                   \
        ("V", "L", &in, a, &ia, values, &query, &lwork, &real_query, &lrwork, &integer_query,      \
         &liwork, &info, 1, 1);                                                                    \
        lwork = size_from(query);                                                                  \
        lrwork = size_from(real_query);                                                            \
        liwork = integer_query;                                                                    \
        std::vector<T> work(static_cast<std::size_t>(lwork));                                      \
        std::vector<real_t<T>> reals(static_cast<std::size_t>(lrwork));                            \
        std::vector<blasint> integers(static_cast<std::size_t>(liwork));                           \
        OTIMES_FORTRAN(s##heevd)                                                                   \
        ("V", "L", &in, a, &ia, values, work.data(), &lwork, reals.data(), &lrwork,                \
         integers.data(), &liwork, &info, 1, 1);                                                   \
        return info;                                                                               \
    }

OTIMES_DECLARE_REAL_EIGEN(s, float)
OTIMES_DECLARE_REAL_EIGEN(d, double)
OTIMES_DECLARE_COMPLEX_EIGEN(c, c64)
OTIMES_DECLARE_COMPLEX_EIGEN(z, c128)
#undef OTIMES_DECLARE_REAL_EIGEN
#undef OTIMES_DECLARE_COMPLEX_EIGEN

// Generalized Schur: as above, and a blocked (gges3) and an unblocked routine (gges) of each.
#define OTIMES_DECLARE_REAL_QZ(routine, name, T)                                                   \
    extern "C" void OTIMES_FORTRAN(routine)(                                                       \
        const char*, const char*, const char*, void*, const blasint*, T*, const blasint*, T*,      \
        const blasint*, blasint*, T*, T*, T*, T*, const blasint*, T*, const blasint*, T*,          \
        const blasint*, blasint*, blasint*, std::size_t, std::size_t, std::size_t);                \
    /* A = Q S Z^T and B = Q P Z^T in place; returns LAPACK's info. */                             \
    inline blasint name(index_t n, T* a, index_t lda, T* b, index_t ldb, T* q, index_t ldq, T* z,  \
                        index_t ldz) {                                                             \
        const blasint in = to_blasint(n), ia = to_blasint(lda), ib = to_blasint(ldb);              \
        const blasint iq = to_blasint(ldq), iz = to_blasint(ldz);                                  \
        const char wanted = 'V', sort = 'N';                                                       \
        std::vector<T> values(3 * static_cast<std::size_t>(n) + 3);                                \
        blasint sdim = 0, info = 0;                                                                \
        with_workspace<T>([&](T* work, blasint lwork) {                                            \
            OTIMES_FORTRAN(routine)                                                                \
            (&wanted, &wanted, &sort, nullptr, &in, a, &ia, b, &ib, &sdim, values.data(),          \
             values.data() + n, values.data() + 2 * n, q, &iq, z, &iz, work, &lwork, nullptr,      \
             &info, 1, 1, 1);                                                                      \
        });                                                                                        \
        return info;                                                                               \
    }

#define OTIMES_DECLARE_COMPLEX_QZ(routine, name, T)                                                \
    extern "C" void OTIMES_FORTRAN(routine)(                                                       \
        const char*, const char*, const char*, void*, const blasint*, T*, const blasint*, T*,      \
        const blasint*, blasint*, T*, T*, T*, const blasint*, T*, const blasint*, T*,              \
        const blasint*, real_t<T>*, blasint*, blasint*, std::size_t, std::size_t, std::size_t);    \
    inline blasint name(index_t n, T* a, index_t lda, T* b, index_t ldb, T* q, index_t ldq, T* z,  \
                        index_t ldz) {                                                             \
        const blasint in = to_blasint(n), ia = to_blasint(lda), ib = to_blasint(ldb);              \
        const blasint iq = to_blasint(ldq), iz = to_blasint(ldz);                                  \
        const char wanted = 'V', sort = 'N';                                                       \
        std::vector<T> values(2 * static_cast<std::size_t>(n) + 2);                                \
        std::vector<real_t<T>> rwork(8 * static_cast<std::size_t>(n) + 8);                         \
        blasint sdim = 0, info = 0;                                                                \
        with_workspace<T>([&](T* work, blasint lwork) {                                            \
            OTIMES_FORTRAN(routine)                                                                \
            (&wanted, &wanted, &sort, nullptr, &in, a, &ia, b, &ib, &sdim, values.data(),          \
             values.data() + n, q, &iq, z, &iz, work, &lwork, rwork.data(), nullptr, &info, 1, 1,  \
             1);                                                                                   \
        });                                                                                        \
        return info;                                                                               \
    }

OTIMES_DECLARE_REAL_QZ(sgges3, gges3, float)
OTIMES_DECLARE_REAL_QZ(dgges3, gges3, double)
OTIMES_DECLARE_COMPLEX_QZ(cgges3, gges3, c64)
OTIMES_DECLARE_COMPLEX_QZ(zgges3, gges3, c128)
OTIMES_DECLARE_REAL_QZ(sgges, gges, float)
OTIMES_DECLARE_REAL_QZ(dgges, gges, double)
OTIMES_DECLARE_COMPLEX_QZ(cgges, gges, c64)
OTIMES_DECLARE_COMPLEX_QZ(zgges, gges, c128)
#undef OTIMES_DECLARE_REAL_QZ
#undef OTIMES_DECLARE_COMPLEX_QZ

/// The eigenvalues alpha / beta of a pencil; beta >= 0.
template <class T>
struct PencilEigenvalues {
    std::vector<std::complex<real_t<T>>> alpha;
    std::vector<real_t<T>> beta;
};

// Reordering of generalized Schur forms: as above.
#define OTIMES_DECLARE_REAL_REORDERING(s, T)                                                       \
    extern "C" void OTIMES_FORTRAN(s##tgsen)(                                                      \
        const blasint*, const blasint*, const blasint*, const blasint*, const blasint*, T*,        \
        const blasint*, T*, const blasint*, T*, T*, T*, T*, const blasint*, T*, const blasint*,    \
        blasint*, T*, T*, T*, T*, const blasint*, blasint*, const blasint*, blasint*);             \
    /* Move the selected eigenvalues of (S, P) to the top, Z following; returns LAPACK's info. */  \
    inline blasint tgsen(const std::vector<blasint>& select, T* s_, T* p, T* z, index_t ld,        \
                         PencilEigenvalues<T>& values) {                                           \
        const blasint n = to_blasint(static_cast<index_t>(select.size())), il = to_blasint(ld);    \
        const blasint job = 0, no = 0, yes = 1, one = 1, size = 4 * n + 16, isize = 1;             \
        std::vector<T> re(select.size()), im(select.size()), work(static_cast<std::size_t>(size)); \
        values.beta.resize(select.size());                                                         \
        T unused = 0, pl = 0, pr = 0, dif[2];                                                      \
        blasint count = 0, info = 0, iwork = 0;                                                    \
        OTIMES_FORTRAN(s##tgsen)                                                                   \
        (&job, &no, &yes, select.data(), &n, s_, &il, p, &il, re.data(), im.data(),                \
         values.beta.data(), &unused, &one, z, &il, &count, &pl, &pr, dif, work.data(), &size,     \
         &iwork, &isize, &info);                                                                   \
        values.alpha.clear();                                                                      \
        for (std::size_t k = 0; k < select.size(); ++k) values.alpha.emplace_back(re[k], im[k]);   \
        return info;                                                                               \
    }

#define OTIMES_DECLARE_COMPLEX_REORDERING(s, T)                                                    \
    extern "C" void OTIMES_FORTRAN(s##tgsen)(                                                      \
        const blasint*, const blasint*, const blasint*, const blasint*, const blasint*, T*,        \
        const blasint*, T*, const blasint*, T*, T*, T*, const blasint*, T*, const blasint*,        \
        blasint*, real_t<T>*, real_t<T>*, real_t<T>*, T*, const blasint*, blasint*,                \
        const blasint*, blasint*);                                                                 \
    inline blasint tgsen(const std::vector<blasint>& select, T* s_, T* p, T* z, index_t ld,        \
                         PencilEigenvalues<T>& values) {                                           \
        const blasint n = to_blasint(static_cast<index_t>(select.size())), il = to_blasint(ld);    \
        const blasint job = 0, no = 0, yes = 1, one = 1, size = 1;                                 \
        std::vector<T> beta(select.size());                                                        \
        values.alpha.resize(select.size());                                                        \
        T unused = 0, work = 0;                                                                    \
        real_t<T> pl = 0, pr = 0, dif[2];                                                          \
        blasint count = 0, info = 0, iwork = 0;                                                    \
        OTIMES_FORTRAN(s##tgsen)                                                                   \
        (&job, &no, &yes, select.data(), &n, s_, &il, p, &il, values.alpha.data(), beta.data(),    \
         &unused, &one, z, &il, &count, &pl, &pr, dif, &work, &size, &iwork, &size, &info);        \
        values.beta.clear();                                                                       \
        for (const T b : beta) values.beta.push_back(b.real());                                    \
        return info;                                                                               \
    }

OTIMES_DECLARE_REAL_REORDERING(s, float)
OTIMES_DECLARE_REAL_REORDERING(d, double)
OTIMES_DECLARE_COMPLEX_REORDERING(c, c64)
OTIMES_DECLARE_COMPLEX_REORDERING(z, c128)
#undef OTIMES_DECLARE_REAL_REORDERING
#undef OTIMES_DECLARE_COMPLEX_REORDERING

// Orthogonal factors: named or(thogonal) for real matrices and un(itary) for complex ones.
#define OTIMES_DECLARE_ORTHOGONAL(s, or_un, T)                                                     \
    extern "C" {                                                                                   \
    void OTIMES_FORTRAN(s##geqrf)(const blasint*, const blasint*, T*, const blasint*, T*, T*,      \
                                  const blasint*, blasint*);                                       \
    void OTIMES_FORTRAN(s##or_un##mqr)(const char*, const char*, const blasint*, const blasint*,   \
                                       const blasint*, const T*, const blasint*, const T*, T*,     \
                                       const blasint*, T*, const blasint*, blasint*, std::size_t,  \
                                       std::size_t);                                               \
    void OTIMES_FORTRAN(s##potrf)(const char*, const blasint*, T*, const blasint*, blasint*,       \
                                  std::size_t);                                                    \
    }                                                                                              \
    /* A = Q R in place: R above, the reflectors of Q below the diagonal and in tau. */            \
    inline void geqrf(index_t m, index_t n, T* a, index_t lda, T* tau) {                           \
        const blasint im = to_blasint(m), in = to_blasint(n), ia = to_blasint(lda);                \
        blasint info = 0;                                                                          \
        with_workspace<T>([&](T* work, blasint size) {                                             \
            OTIMES_FORTRAN(s##geqrf)(&im, &in, a, &ia, tau, work, &size, &info);                   \
        });                                                                                        \
    }                                                                                              \
    /* C <- Q C, or Q^H C when `adjoint`, from geqrf's k reflectors; C is m x n. */                \
    inline void apply_reflectors(bool adjoint, index_t m, index_t n, index_t k, const T* a,        \
                                 index_t lda, const T* tau, T* c, index_t ldc) {                   \
        const blasint im = to_blasint(m), in = to_blasint(n), ik = to_blasint(k);                  \
        const blasint ia = to_blasint(lda), ic = to_blasint(ldc);                                  \
        const char side = 'L', op = !adjoint ? 'N' : is_complex<T> ? 'C' : 'T';                    \
        blasint info = 0;                                                                          \
        with_workspace<T>([&](T* work, blasint size) {                                             \
            OTIMES_FORTRAN(s##or_un##mqr)                                                          \
            (&side, &op, &im, &in, &ik, a, &ia, tau, c, &ic, work, &size, &info, 1, 1);            \
        });                                                                                        \
    }                                                                                              \
    /* A = L L^H in place, in the lower triangle; false if A is not positive definite. */          \
    inline bool potrf(index_t n, T* a, index_t lda) {                                              \
        const blasint in = to_blasint(n), ia = to_blasint(lda);                                    \
        const char lower = 'L';                                                                    \
        blasint info = 0;                                                                          \
        OTIMES_FORTRAN(s##potrf)(&lower, &in, a, &ia, &info, 1);                                   \
        return info == 0;                                                                          \
    }

OTIMES_DECLARE_ORTHOGONAL(s, or, float)
OTIMES_DECLARE_ORTHOGONAL(d, or, double)
OTIMES_DECLARE_ORTHOGONAL(c, un, c64)
OTIMES_DECLARE_ORTHOGONAL(z, un, c128)
#undef OTIMES_DECLARE_ORTHOGONAL

// Pivoted QR and SVD: the complex routines take a real workspace besides.
#define OTIMES_NO_REAL_WORKSPACE(type)
#define OTIMES_REAL_WORKSPACE(type) type,
#define OTIMES_DECLARE_RANK_REVEALING(s, T, WITH_REAL)                                             \
    extern "C" {                                                                                   \
    void OTIMES_FORTRAN(s##geqp3)(const blasint*, const blasint*, T*, const blasint*, blasint*,    \
                                  T*, T*, const blasint*, WITH_REAL(real_t<T>*) blasint*);         \
    void OTIMES_FORTRAN(s##gesdd)(const char*, const blasint*, const blasint*, T*, const blasint*, \
                                  real_t<T>*, T*, const blasint*, T*, const blasint*, T*,          \
                                  const blasint*, WITH_REAL(real_t<T>*) blasint*, blasint*,        \
                                  std::size_t);                                                    \
    }                                                                                              \
    /* A P = Q R in place as geqrf, |R_kk| falling; column k of A P is column pivots[k] - 1. */    \
    inline void geqp3(index_t m, index_t n, T* a, index_t lda, blasint* pivots, T* tau) {          \
        const blasint im = to_blasint(m), in = to_blasint(n), ia = to_blasint(lda);                \
        [[maybe_unused]] std::vector<real_t<T>> real(2 * static_cast<std::size_t>(n) + 1);         \
        blasint info = 0;                                                                          \
        with_workspace<T>([&](T* work, blasint size) {                                             \
            OTIMES_FORTRAN(s##geqp3)                                                               \
            (&im, &in, a, &ia, pivots, tau, work, &size, WITH_REAL(real.data()) & info);           \
        });                                                                                        \
    }                                                                                              \
    /* A = U diag(values) V^H with k = min(m, n) columns of U and rows of V^H; A is destroyed. */  \
    inline blasint gesdd(index_t m, index_t n, T* a, index_t lda, real_t<T>* values, T* u,         \
                         index_t ldu, T* vh, index_t ldvh) {                                       \
        const blasint im = to_blasint(m), in = to_blasint(n), ia = to_blasint(lda);                \
        const blasint iu = to_blasint(ldu), iv = to_blasint(ldvh);                                 \
        const auto k = static_cast<std::size_t>(m < n ? m : n);                                    \
        const auto size_sum = static_cast<std::size_t>(m + n);                                     \
        [[maybe_unused]] std::vector<real_t<T>> real(k * (5 * k + 7 + 2 * size_sum) + 1);          \
        std::vector<blasint> integers(8 * k + 1);                                                  \
        const char thin = 'S';                                                                     \
        blasint info = 0;                                                                          \
        with_workspace<T>([&](T* work, blasint size) {                                             \
            OTIMES_FORTRAN(s##gesdd)                                                               \
            (&thin, &im, &in, a, &ia, values, u, &iu, vh, &iv, work, &size,                        \
             WITH_REAL(real.data()) integers.data(), &info, 1);                                    \
        });                                                                                        \
        return info;                                                                               \
    }

OTIMES_DECLARE_RANK_REVEALING(s, float, OTIMES_NO_REAL_WORKSPACE)
OTIMES_DECLARE_RANK_REVEALING(d, double, OTIMES_NO_REAL_WORKSPACE)
OTIMES_DECLARE_RANK_REVEALING(c, c64, OTIMES_REAL_WORKSPACE)
OTIMES_DECLARE_RANK_REVEALING(z, c128, OTIMES_REAL_WORKSPACE)
#undef OTIMES_DECLARE_RANK_REVEALING
#undef OTIMES_REAL_WORKSPACE
#undef OTIMES_NO_REAL_WORKSPACE

}  // namespace otimes::blas
