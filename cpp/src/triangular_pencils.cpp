#include "otimes/triangular_pencils.hpp"

#include <algorithm>  // std::min, std::max
#include <array>
#include <cmath>
#include <complex>
#include <limits>

#include "otimes/parallel_gemm.hpp"
#include "otimes/scaling.hpp"
#include "otimes/small_system.hpp"

namespace otimes {
namespace {

constexpr index_t leaf_size = 16;

/// The order of the diagonal block that begins at k.
template <class T>
index_t block_order(const Forms<T>& f, index_t k) {
    return k + 1 < f[0].rows() && (f[0](k + 1, k) != T(0) || f[1](k + 1, k) != T(0)) ? 2 : 1;
}

/// About half of n, not inside a diagonal block.
template <class T>
index_t split(const Forms<T>& f, index_t first, index_t n) {
    const index_t half = n / 2;
    return block_order(f, first + half - 1) == 2 ? half + 1 : half;
}

/// The first row of the diagonal block that ends at row k, of those that begin at `first`.
template <class T>
index_t block_start(const Forms<T>& f, index_t first, index_t k) {
    return k > first && block_order(f, k - 1) == 2 ? k - 1 : k;
}

/// y <- y - a x
template <class T>
void subtract_multiple(index_t n, T a, const T* x, T* y) {
    for (index_t i = 0; i < n; ++i) y[i] -= times(a, x[i]);
}

/// Rows [i0, i0+m) and columns [j0, j0+n) of the unknown.
struct Block {
    index_t i0, m, j0, n;
};

/// The recursion of both equations, which say what a part adds to the others once it is known:
///   solve_leaf(block)              the whole block, which is small
///   subtract_bottom(block, top)    the rows from `top` on, to those before
///   subtract_first(block, first)   the columns before `first`, to the others
template <class T, class Equation>
void solve_recursively(Equation& equation, const Forms<T>& left, const Forms<T>& right, Block b) {
    if (b.m <= leaf_size && b.n <= leaf_size) return equation.solve_leaf(b);
    if (b.m >= b.n) {
        const index_t top = split(left, b.i0, b.m);
        solve_recursively(equation, left, right, {b.i0 + top, b.m - top, b.j0, b.n});
        equation.subtract_bottom(b, top);
        solve_recursively(equation, left, right, {b.i0, top, b.j0, b.n});
    } else {
        const index_t first = split(right, b.j0, b.n);
        solve_recursively(equation, left, right, {b.i0, b.m, b.j0, first});
        equation.subtract_first(b, first);
        solve_recursively(equation, left, right, {b.i0, b.m, b.j0 + first, b.n - first});
    }
}

/// L1 X R1 + L2 X R2 = C.
template <class T>
class TwoTermSolver {
  public:
    using R = real_t<T>;

    TwoTermSolver(const Forms<T>& left, const Forms<T>& right, R tiny, Matrix<T>& x)
        : left_(left), right_(right), tiny_(tiny), x_(x) {}

    R run() {
        solve_recursively(*this, left_, right_, {0, x_.rows(), 0, x_.cols()});
        return smallest_pivot_;
    }

    void subtract_bottom(Block b, index_t top) {
        const index_t bottom = b.m - top, k = b.i0 + top;
        subtract_two_sided(top, bottom, b.n, b.n, {b.i0, k}, {b.j0, b.j0}, &x_(k, b.j0),
                           &x_(b.i0, b.j0));
    }

    void subtract_first(Block b, index_t first) {
        const index_t k = b.j0 + first;
        subtract_two_sided(b.m, b.m, first, b.n - first, {b.i0, b.i0}, {b.j0, k}, &x_(b.i0, b.j0),
                           &x_(b.i0, k));
    }

    void solve_leaf(Block b) {
        for (index_t j = b.j0; j < b.j0 + b.n;) {
            const index_t width = block_order(right_, j);
            for (index_t k = b.i0 + b.m - 1; k >= b.i0; --k) {
                k = block_start(left_, b.i0, k);
                solve_diagonal(b.i0, k, block_order(left_, k), j, width);
            }
            subtract_columns(b, j, width);
            j += width;
        }
    }

  private:
    struct Corner {
        index_t row, col;
    };

    /// y <- y - sum_t L_t X R_t for blocks of L (m, k) and R (n, l) at these corners, X (k, n).
    void subtract_two_sided(index_t m, index_t k, index_t n, index_t l, Corner in_left,
                            Corner in_right, const T* x, T* y) {
        Matrix<T> product(m, n);
        for (std::size_t t = 0; t < 2; ++t) {
            const Matrix<T>&a = left_[t], &b = right_[t];
            parallel_gemm('N', 'N', m, n, k, T(1), &a(in_left.row, in_left.col), a.ld(), x, x_.ld(),
                          T(0), product.data(), product.ld());
            parallel_gemm('N', 'N', m, l, n, T(-1), product.data(), product.ld(),
                          &b(in_right.row, in_right.col), b.ld(), T(1), y, x_.ld());
        }
    }

    /// The block of X at (k, j), and what it contributes to the rows above it.
    void solve_diagonal(index_t i0, index_t k, index_t height, index_t j, index_t width) {
        if (height * width == 1) {
            T pivot =
                times(left_[0](k, k), right_[0](j, j)) + times(left_[1](k, k), right_[1](j, j));
            const R size = std::abs(pivot);
            smallest_pivot_ = std::min(smallest_pivot_, size);
            if (!(size > tiny_)) pivot = tiny_;
            x_(k, j) = times(x_(k, j), reciprocal(pivot));
        } else {
            solve_block(k, height, j, width);
        }
        for (std::size_t t = 0; t < 2; ++t)
            for (index_t q = 0; q < width; ++q)
                for (index_t p = 0; p < height; ++p) {
                    T sum = 0;
                    for (index_t l = 0; l < width; ++l)
                        sum += times(x_(k + p, j + l), right_[t](j + l, j + q));
                    subtract_multiple(k - i0, sum, &left_[t](i0, k + p), &x_(i0, j + q));
                }
    }

    void solve_block(index_t k, index_t height, index_t j, index_t width) {
        const auto at = [&](index_t p, index_t q) { return static_cast<int>(p + q * height); };
        SmallSystem<T> system(static_cast<int>(height * width));
        for (index_t q = 0; q < width; ++q)
            for (index_t p = 0; p < height; ++p) {
                system.b(at(p, q)) = x_(k + p, j + q);
                for (index_t s = 0; s < width; ++s)
                    for (index_t r = 0; r < height; ++r)
                        system.a(at(p, q), at(r, s)) =
                            times(left_[0](k + p, k + r), right_[0](j + s, j + q)) +
                            times(left_[1](k + p, k + r), right_[1](j + s, j + q));
            }
        smallest_pivot_ = std::min(smallest_pivot_, system.solve(tiny_));
        for (index_t q = 0; q < width; ++q)
            for (index_t p = 0; p < height; ++p) x_(k + p, j + q) = system.x(at(p, q));
    }

    /// What known columns contribute to the later columns of a leaf.
    void subtract_columns(Block b, index_t j, index_t width) {
        const index_t last = b.j0 + b.n;
        if (j + width == last) return;
        for (std::size_t t = 0; t < 2; ++t)
            for (index_t q = j; q < j + width; ++q) {
                std::array<T, leaf_size> negative{};  // - L_t x_q
                for (index_t k = 0; k < b.m; ++k)
                    subtract_multiple(std::min(k + 2, b.m), x_(b.i0 + k, q),
                                      &left_[t](b.i0, b.i0 + k), negative.data());
                for (index_t l = j + width; l < last; ++l)
                    subtract_multiple(b.m, -right_[t](q, l), negative.data(), &x_(b.i0, l));
            }
    }

    const Forms<T>&left_, &right_;
    R tiny_;
    Matrix<T>& x_;
    R smallest_pivot_ = std::numeric_limits<R>::max();
};

/// One of the four products in a coupled equation: factor F X, or factor X F.
template <class T>
struct OneSided {
    const Matrix<T>* f;
    bool from_left;
    T factor;
};

/// The equations e = 0, 1: sum over the unknowns u of products[e][u] = C_e; unknowns and right-hand
/// sides are stacked, and m rows each.
template <class T>
class CoupledSolver {
  public:
    using R = real_t<T>;
    using Products = std::array<std::array<OneSided<T>, 2>, 2>;

    CoupledSolver(const Forms<T>& left, const Forms<T>& right, const Products& products, R tiny,
                  Matrix<T>& x)
        : left_(left), right_(right), products_(products), tiny_(tiny), x_(x) {}

    R run() {
        solve_recursively(*this, left_, right_, {0, x_.rows() / 2, 0, x_.cols()});
        return smallest_pivot_;
    }

    void subtract_bottom(Block b, index_t top) {
        for_each_product(true, [&](const OneSided<T>& p, index_t to, index_t from) {
            const index_t k = b.i0 + top;
            parallel_gemm('N', 'N', top, b.n, b.m - top, -p.factor, &(*p.f)(b.i0, k), p.f->ld(),
                          &x_(from + k, b.j0), x_.ld(), T(1), &x_(to + b.i0, b.j0), x_.ld());
        });
    }

    void subtract_first(Block b, index_t first) {
        for_each_product(false, [&](const OneSided<T>& p, index_t to, index_t from) {
            const index_t k = b.j0 + first;
            parallel_gemm('N', 'N', b.m, b.n - first, first, -p.factor, &x_(from + b.i0, b.j0),
                          x_.ld(), &(*p.f)(b.j0, k), p.f->ld(), T(1), &x_(to + b.i0, k), x_.ld());
        });
    }

    void solve_leaf(Block b) {
        for (index_t j = b.j0; j < b.j0 + b.n;) {
            const index_t width = block_order(right_, j);
            for (index_t k = b.i0 + b.m - 1; k >= b.i0; --k) {
                k = block_start(left_, b.i0, k);
                const index_t height = block_order(left_, k);
                solve_block(k, height, j, width);
                subtract_above(b.i0, k, height, j, width);
            }
            subtract_columns(b, j, width);
            j += width;
        }
    }

  private:
    /// body(product, first row of its equation, first row of its unknown)
    template <class Body>
    void for_each_product(bool from_left, Body&& body) const {
        const index_t m = x_.rows() / 2;
        for (std::size_t e = 0; e < 2; ++e)
            for (std::size_t u = 0; u < 2; ++u)
                if (products_[e][u].from_left == from_left)
                    body(products_[e][u], static_cast<index_t>(e) * m, static_cast<index_t>(u) * m);
    }

    void solve_block(index_t k, index_t height, index_t j, index_t width) {
        const index_t m = x_.rows() / 2, size = height * width;
        const auto at = [&](index_t e, index_t p, index_t q) {
            return static_cast<int>(e * size + p + q * height);
        };
        SmallSystem<T> system(static_cast<int>(2 * size));
        const auto each = [&](auto&& body) {
            for (index_t e = 0; e < 2; ++e)
                for (index_t q = 0; q < width; ++q)
                    for (index_t p = 0; p < height; ++p) body(e, p, q);
        };
        each([&](index_t e, index_t p, index_t q) {
            system.b(at(e, p, q)) = x_(e * m + k + p, j + q);
            each([&](index_t u, index_t r, index_t s) {
                const auto& [f, from_left, factor] =
                    products_[static_cast<std::size_t>(e)][static_cast<std::size_t>(u)];
                const T entry = from_left ? (q == s ? (*f)(k + p, k + r) : T(0))
                                          : (p == r ? (*f)(j + s, j + q) : T(0));
                system.a(at(e, p, q), at(u, r, s)) = factor * entry;
            });
        });
        smallest_pivot_ = std::min(smallest_pivot_, system.solve(tiny_));
        each([&](index_t u, index_t p, index_t q) {
            x_(u * m + k + p, j + q) = system.x(at(u, p, q));
        });
    }

    /// What a known block contributes to the rows above it in a leaf.
    void subtract_above(index_t i0, index_t k, index_t height, index_t j, index_t width) {
        for_each_product(true, [&](const OneSided<T>& p, index_t to, index_t from) {
            for (index_t q = j; q < j + width; ++q)
                for (index_t l = k; l < k + height; ++l)
                    subtract_multiple(k - i0, p.factor * x_(from + l, q), &(*p.f)(i0, l),
                                      &x_(to + i0, q));
        });
    }

    /// What known columns contribute to the later columns of a leaf.
    void subtract_columns(Block b, index_t j, index_t width) {
        for_each_product(false, [&](const OneSided<T>& p, index_t to, index_t from) {
            for (index_t l = j + width; l < b.j0 + b.n; ++l)
                for (index_t q = j; q < j + width; ++q)
                    subtract_multiple(b.m, p.factor * (*p.f)(q, l), &x_(from + b.i0, q),
                                      &x_(to + b.i0, l));
        });
    }

    const Forms<T>&left_, &right_;
    const Products& products_;
    R tiny_;
    Matrix<T>& x_;
    R smallest_pivot_ = std::numeric_limits<R>::max();
};

/// solve(x) in place returns the smallest pivot. Once more from a right-hand side that is scaled
/// down, if that overflows or could overflow when it is transformed back.
template <class T, class Solve>
TriangularReport<real_t<T>> solve_guarded(Matrix<T>& x, Solve&& solve) {
    using R = real_t<T>;
    const R huge = largest_untransformed<R>(std::max<index_t>(1, x.rows() * x.cols()));
    const auto fits = [&] { return max_abs<T>(x.view()) < huge; };
    const Matrix<T> c = x;
    TriangularReport<R> report;
    report.smallest_pivot = solve(x);
    if (!fits()) {
        report.exponent = std::numeric_limits<R>::max_exponent / 4 * 3;
        copy_scaled<T>(c.view(), x.view(), -report.exponent);
        solve(x);
        report.overflowed = !fits();
    }
    report.exponent += normalise(x.view());
    return report;
}

template <class T>
real_t<T> largest_entry(const Forms<T>& forms) {
    return std::max(max_abs<T>(forms[0].view()), max_abs<T>(forms[1].view()));
}

template <class T>
TriangularReport<real_t<T>> solve_coupled(const Forms<T>& left, const Forms<T>& right,
                                          const typename CoupledSolver<T>::Products& products,
                                          Matrix<T>& x) {
    const real_t<T> tiny = std::numeric_limits<real_t<T>>::epsilon() *
                           std::max(largest_entry(left), largest_entry(right));
    return solve_guarded(
        x, [&](Matrix<T>& y) { return CoupledSolver<T>(left, right, products, tiny, y).run(); });
}

}  // namespace

template <class T>
TriangularReport<real_t<T>> solve_triangular_two_terms(const Forms<T>& left, const Forms<T>& right,
                                                       Matrix<T>& x) {
    const real_t<T> tiny =
        std::numeric_limits<real_t<T>>::epsilon() * largest_entry(left) * largest_entry(right);
    return solve_guarded(
        x, [&](Matrix<T>& y) { return TwoTermSolver<T>(left, right, tiny, y).run(); });
}

template <class T>
TriangularReport<real_t<T>> solve_triangular_coupled(const Forms<T>& left, const Forms<T>& right,
                                                     Matrix<T>& x) {
    const typename CoupledSolver<T>::Products products{{
        {{{&left[0], true, T(1)}, {&right[0], false, T(-1)}}},
        {{{&left[1], true, T(1)}, {&right[1], false, T(-1)}}},
    }};
    return solve_coupled(left, right, products, x);
}

template <class T>
TriangularReport<real_t<T>> solve_adjoint_triangular_coupled(const Forms<T>& left,
                                                             const Forms<T>& right, Matrix<T>& x) {
    const typename CoupledSolver<T>::Products products{{
        {{{&left[0], true, T(1)}, {&left[1], true, T(1)}}},
        {{{&right[0], false, T(-1)}, {&right[1], false, T(-1)}}},
    }};
    return solve_coupled(left, right, products, x);
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template TriangularReport<real_t<T>> solve_triangular_two_terms(const Forms<T>&,               \
                                                                    const Forms<T>&, Matrix<T>&);  \
    template TriangularReport<real_t<T>> solve_triangular_coupled(const Forms<T>&,                 \
                                                                  const Forms<T>&, Matrix<T>&);    \
    template TriangularReport<real_t<T>> solve_adjoint_triangular_coupled(                         \
        const Forms<T>&, const Forms<T>&, Matrix<T>&);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
