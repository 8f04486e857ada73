// BLAS on our own pool, for drivers that keep BLAS itself on one thread.
#pragma once

#include <algorithm>  // std::min, std::max

#include "otimes/blas.hpp"
#include "otimes/threads.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// body(begin, end) on one block of [0, count) per thread, when `work` flops are worth it.
template <class Body>
void parallel_blocks(index_t count, double work, Body&& body, double worthwhile = 8e6) {
    if (work < worthwhile) return body(index_t{0}, count);
    const index_t blocks = std::min<index_t>(get_num_threads(), count);
    parallel_for(blocks, work,
                 [&](index_t k) { body(k * count / blocks, (k + 1) * count / blocks); });
}

inline double product_flops(index_t m, index_t n, index_t k) {
    return 2 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

/// C <- alpha op(A) op(B) + beta C as blas::gemm, one block of columns of C per thread, or of rows
/// where there are more of them.
template <class T>
void parallel_gemm(char opa, char opb, index_t m, index_t n, index_t k, T alpha, const T* a,
                   index_t lda, const T* b, index_t ldb, T beta, T* c, index_t ldc) {
    parallel_blocks(std::max(m, n), product_flops(m, n, k), [&](index_t begin, index_t end) {
        if (n >= m)
            blas::gemm(opa, opb, m, end - begin, k, alpha, a, lda,
                       b + begin * (opb == 'N' ? ldb : 1), ldb, beta, c + begin * ldc, ldc);
        else
            blas::gemm(opa, opb, end - begin, n, k, alpha, a + begin * (opa == 'N' ? 1 : lda), lda,
                       b, ldb, beta, c + begin, ldc);
    });
}

}  // namespace otimes
