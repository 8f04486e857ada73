#include "otimes/hessenberg_schur.hpp"

#include <algorithm>  // std::min
#include <complex>

#include "otimes/condition.hpp"
#include "otimes/diagonal_blocks.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// A matrix as the kernels see it, its columns padded, real and imaginary parts apart; with memory
/// for one complex column more, and for the coefficients of an update.
template <class T>
class PaddedColumns {
    using R = real_t<T>;
    static constexpr index_t parts = is_complex<T> ? 2 : 1;

  public:
    explicit PaddedColumns(const Matrix<T>& a)
        : rows_(padded_rows<R>(a.rows())),
          cols_(a.cols()),
          memory_(parts * rows_ * cols_ + 2 * rows_ + 2 * parts * cols_) {
        for (index_t j = 0; j < cols_; ++j)
            for (index_t i = 0; i < rows_; ++i) {
                const T z = i < a.rows() ? a(i, j) : T(0);
                column(j)[i] = std::real(z);
                if constexpr (parts == 2) column(j)[i + rows_] = std::imag(z);
            }
    }

    void write(Matrix<T>& a) const {
        for (index_t j = 0; j < cols_; ++j)
            for (index_t i = 0; i < a.rows(); ++i) {
                if constexpr (parts == 2)
                    a(i, j) = T(column(j)[i], column(j)[i + rows_]);
                else
                    a(i, j) = column(j)[i];
            }
    }

    index_t rows() const { return rows_; }
    R* column(index_t j) const { return memory_.get() + parts * rows_ * j; }
    R* spare() const { return column(cols_); }
    R* coefficients() const { return spare() + 2 * rows_; }

  private:
    index_t rows_, cols_;
    Scratch<R> memory_;
};

}  // namespace

template <class T>
HessenbergSystems<T>::HessenbergSystems(const Matrix<T>& h, const Matrix<T>& s)
    : s_(s), kernels_(hessenberg_kernels<T>()) {
    for (index_t j = 0; j < s.rows(); j += blocks_.back().width)
        blocks_.push_back({j, block_width(s, j)});
    allocate(h.rows());
    const PaddedColumns<T> columns(h);
    const auto count = static_cast<index_t>(blocks_.size());
    const double flops = 2 * static_cast<double>(s.rows() * h.rows() * h.rows());
    parallel_for(count, flops, [&](index_t k) {
        Block& block = blocks_[static_cast<std::size_t>(k)];
        std::complex<R> shift = s(block.first, block.first);
        if (block.width == 2) {
            const Bump<T> bump(s, block.first);
            block.unit = bump.d;
            shift = bump.shift;
        }
        kernels_.factor(columns.column(0), shift.real(), shift.imag(), block.lu);
    });
}

template <class T>
void HessenbergSystems<T>::allocate(index_t m) {
    const auto parts = [](const Block& block) { return is_complex<T> || block.width == 2 ? 2 : 1; };
    index_t size = 0;
    for (const Block& block : blocks_) size += parts(block) * packed_size<R>(m);
    columns_ = Scratch<R>(size);
    steps_ = Scratch<HessenbergStep<R>>(m * static_cast<index_t>(blocks_.size()));
    R* columns = columns_.get();
    HessenbergStep<R>* steps = steps_.get();
    for (Block& block : blocks_) {
        block.lu = {m, parts(block) == 2, columns, steps};
        columns += parts(block) * packed_size<R>(m);
        steps += m;
    }
}

template <class T>
void HessenbergSystems<T>::solve(bool adjoint, Matrix<T>& y) const {
    const PaddedColumns<T> columns(y);
    for (std::size_t step = 0; step < blocks_.size(); ++step) {
        const Block& block = blocks_[adjoint ? blocks_.size() - 1 - step : step];
        R *const column = columns.column(block.first), *const second = column + columns.rows();
        const R unit = adjoint ? R(1) / block.unit : block.unit;
        const auto multiply_second = [&](R factor) {
            if (block.width == 2)
                for (index_t i = 0; i < columns.rows(); ++i) second[i] *= factor;
        };
        multiply_second(R(1) / unit);
        kernels_.solve(block.lu, adjoint, column, columns.spare());
        multiply_second(unit);
        const index_t after = block.first + block.width;
        const index_t from = adjoint ? 0 : after, to = adjoint ? block.first : s_.rows();
        collect_coefficients(adjoint, block, from, to, columns.coefficients());
        constexpr index_t parts = is_complex<T> ? 2 : 1;
        kernels_.update({columns.rows(), parts * (to - from), block.lu.complex, column,
                         columns.coefficients(), columns.column(from)});
    }
    columns.write(y);
}

/// What the columns from, ..., to - 1 lose of the block's, as real numbers.
template <class T>
void HessenbergSystems<T>::collect_coefficients(bool adjoint, const Block& block, index_t from,
                                                index_t to, R* c) const {
    const auto entry = [&](index_t k, index_t j) { return adjoint ? conj_of(s_(j, k)) : s_(k, j); };
    for (index_t j = from; j < to; ++j) {
        const T first = entry(block.first, j);
        if constexpr (is_complex<T>) {
            *c++ = first.real();
            *c++ = -first.imag();
            *c++ = first.imag();
            *c++ = first.real();
        } else {
            *c++ = first;
            *c++ = block.width == 2 ? entry(block.first + 1, j) : T(0);
        }
    }
}

template <class T>
HessenbergSchur<T>::HessenbergSchur(const Matrix<T>& a, const Matrix<T>& b) {
    const auto cube = [](index_t n) { return static_cast<double>(n * n * n); };
    parallel_pair(
        25 * std::min(cube(a.rows()), cube(b.rows())), [&] { b_ = Schur<T>(b); },
        [&] { a_ = Hessenberg<T>(a); });
    poll_interrupt();
    systems_.emplace(a_.form(), b_.form());
    const auto inverse = [&](bool adjoint, Matrix<T>& z) {
        systems_->solve(adjoint, z);
        return std::optional<int>(0);
    };
    rcond_ = reciprocal_condition(TriangularEquation<T>{a_.form(), b_.form()},
                                  smallest_singular_value<T>(a.rows(), b.rows(), inverse));
}

template <class T>
EquationMethodPointer<T> HessenbergSchur<T>::attempt(const Matrix<T>& a, const Matrix<T>& b) {
    constexpr double trusted = 30 * eps_of<T>;
    auto method = std::make_unique<HessenbergSchur>(a, b);
    if (!(method->rcond() > trusted)) return nullptr;
    return method;
}

template <class T>
std::optional<int> HessenbergSchur<T>::solve(bool adjoint, Matrix<T>& x) const {
    a_.basis().apply_left(true, x);
    b_.apply_right(false, x);
    poll_interrupt();
    systems_->solve(adjoint, x);
    a_.basis().apply_left(false, x);
    b_.apply_right(true, x);
    return 0;
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class HessenbergSystems<T>;                                                           \
    template class HessenbergSchur<T>;
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
