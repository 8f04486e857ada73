#include "otimes/shifted_lu.hpp"

#include <cmath>
#include <complex>

#include "otimes/blas.hpp"
#include "otimes/condition.hpp"
#include "otimes/diagonal_blocks.hpp"
#include "otimes/parallel_gemm.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// A + shift I
template <class Z, class T>
Matrix<Z> shifted(const Matrix<T>& a, Z shift) {
    Matrix<Z> sum(a.rows(), a.rows());
    for (index_t k = 0; k < a.rows() * a.rows(); ++k) sum.data()[k] = a.data()[k];
    for (index_t i = 0; i < a.rows(); ++i) sum(i, i) += shift;
    return sum;
}

}  // namespace

template <class T>
ShiftedLu<T>::ShiftedLu(const Matrix<T>& a, const Matrix<T>& b) : schur_(b) {
    const Matrix<T>& s = schur_.form();
    const index_t m = a.rows(), n = b.rows();
    for (index_t j = 0; j < n; j += blocks_.back().width)
        blocks_.push_back({j, block_width(s, j), {}, {}});
    const auto count = static_cast<index_t>(blocks_.size());
    parallel_for(count, static_cast<double>(n) * product_flops(m, m, m) / 3, [&](index_t k) {
        Block& block = blocks_[static_cast<std::size_t>(k)];
        if (block.width == 1)
            block.lu = LU<T>::without_rcond(shifted(a, s(block.first, block.first)));
        else
            block.bump_lu = LU<Complex>::without_rcond(shifted(a, Bump<T>(s, block.first).shift));
    });
    const auto inverse = [&](bool adjoint, Matrix<T>& z) { return solve(adjoint, z); };
    rcond_ = reciprocal_condition(TriangularEquation<T>{a, b},
                                  smallest_singular_value<T>(m, n, inverse));
}

template <class T>
std::optional<int> ShiftedLu<T>::solve(bool adjoint, Matrix<T>& x) const {
    schur_.apply_right(false, x);
    for (std::size_t step = 0; step < blocks_.size(); ++step) {
        const Block& block = blocks_[adjoint ? blocks_.size() - 1 - step : step];
        poll_interrupt();
        subtract_solved(adjoint, block, x);
        if (block.width == 2)
            solve_bump(adjoint, block, x);
        else
            block.lu.solve(adjoint ? 'C' : 'N', 1, &x(0, block.first), x.ld());
    }
    schur_.apply_right(true, x);
    return 0;
}

/// Of S the columns before the block have been solved for; of S^H those after it.
template <class T>
void ShiftedLu<T>::subtract_solved(bool adjoint, const Block& block, Matrix<T>& y) const {
    const Matrix<T>& s = schur_.form();
    const index_t j = block.first, after = j + block.width, m = y.rows();
    const index_t count = adjoint ? s.rows() - after : j;
    if (count == 0) return;
    const index_t from = adjoint ? after : 0;
    blas::gemm('N', adjoint ? 'C' : 'N', m, block.width, count, T(-1), &y(0, from), y.ld(),
               adjoint ? &s(j, from) : &s(from, j), s.ld(), T(1), &y(0, j), y.ld());
}

template <class T>
void ShiftedLu<T>::solve_bump(bool adjoint, const Block& block, Matrix<T>& y) const {
    const index_t m = y.rows();
    const real_t<T> d = Bump<T>(schur_.form(), block.first).d;
    const real_t<T> scale = adjoint ? 1 / d : d;
    T *first = &y(0, block.first), *second = &y(0, block.first + 1);
    std::vector<Complex> z(static_cast<std::size_t>(m));
    for (index_t i = 0; i < m; ++i)
        z[static_cast<std::size_t>(i)] = {std::real(first[i]), std::real(second[i]) / scale};
    block.bump_lu.solve(adjoint ? 'C' : 'N', 1, z.data(), m);
    for (index_t i = 0; i < m; ++i) {
        first[i] = z[static_cast<std::size_t>(i)].real();
        second[i] = scale * z[static_cast<std::size_t>(i)].imag();
    }
}

template class ShiftedLu<float>;
template class ShiftedLu<double>;
template class ShiftedLu<std::complex<float>>;
template class ShiftedLu<std::complex<double>>;

}  // namespace otimes
