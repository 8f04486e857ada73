#include "otimes/triangular.hpp"

#include <algorithm>  // std::min, std::max
#include <cmath>
#include <complex>
#include <limits>

#include "otimes/parallel_gemm.hpp"
#include "otimes/scalar.hpp"
#include "otimes/scaling.hpp"
#include "otimes/triangular_kernels.hpp"

namespace otimes {
namespace {

/// C <- C + alpha A B
template <class T>
void add_product(T alpha, MatrixView<const T> a, MatrixView<const T> b, MatrixView<T> c) {
    parallel_gemm('N', 'N', c.rows, c.cols, a.cols, alpha, a.data, a.col_stride, b.data,
                  b.col_stride, T(1), c.data, c.col_stride);
}

template <class T>
MatrixView<const T> diagonal_block(MatrixView<const T> t, index_t first, index_t n) {
    return t.block(first, first, n, n);
}

/// One solve: the equation, the scale of its solution and the smallest pivot met so far.
template <class T>
class Substitution {
  public:
    using R = real_t<T>;
    using View = MatrixView<T>;
    using Const = MatrixView<const T>;

    Substitution(const TriangularEquation<T>& equation, R tiny, bool guarded)
        : two_sided_(equation.identity.has_value()),
          guarded_(guarded),
          leaf_(guarded ? 1 : triangular_leaf),
          identity_(equation.identity.value_or(R(0))),
          tiny_(tiny),
          sign_(two_sided_ ? R(1) : R(-1)),
          kernel_(two_sided_ ? triangular_kernels<T>().stein : triangular_kernels<T>().sylvester) {}

    R smallest_pivot() const { return smallest_pivot_; }
    int exponent() const { return exponent_; }

    /// Solve for all of x; w is empty, or zeros in which x S is collected for a two-sided equation.
    void solve_all(const Matrix<T>& t, const Matrix<T>& s, Matrix<T>& x, Matrix<T>& w) {
        x_ = x.view();
        w_ = w.view();
        solve(t.view(), s.view(), x_, w_);
    }

    /// Solve a diagonal block of the equation whose right-hand side has been completed.
    void solve(Const t, Const s, View x, View w) {
        const bool rows_fit = fits(t), cols_fit = fits(s);
        if (rows_fit && cols_fit)
            solve_leaf(t, s, x, w);
        else if (!rows_fit && (cols_fit || x.rows >= x.cols))
            solve_rows(t, s, x, w);
        else
            solve_cols(t, s, x, w);
    }

    /// About half of t's size, in whole leaves, not inside a bump.
    index_t split(Const t) const {
        const index_t half = std::max(leaf_, (t.rows + leaf_) / (2 * leaf_) * leaf_);
        if (t(half, half - 1) == T(0)) return half;
        return half > 1 ? half - 1 : half + 1;
    }

    bool fits(Const t) const { return t.rows <= leaf_ || (t.rows == 2 && t(1, 0) != T(0)); }

  private:
    void solve_rows(Const t, Const s, View x, View w) {
        const index_t top = split(t), bottom = x.rows - top, n = x.cols;
        const View x1 = x.block(0, 0, top, n), x2 = x.block(top, 0, bottom, n);
        const View w1 = w.block(0, 0, top, n), w2 = w.block(top, 0, bottom, n);
        solve(diagonal_block(t, top, bottom), s, x2, w2);
        add_product<T>(sign_, t.block(0, top, top, bottom), two_sided_ ? w2 : x2, x1);
        solve(diagonal_block(t, 0, top), s, x1, w1);
    }

    void solve_cols(Const t, Const s, View x, View w) {
        const index_t left = split(s), right = x.cols - left, m = x.rows;
        const View x1 = x.block(0, 0, m, left), x2 = x.block(0, left, m, right);
        const View w1 = w.block(0, 0, m, left), w2 = w.block(0, left, m, right);
        solve(t, diagonal_block(s, 0, left), x1, w1);
        add_product<T>(sign_, x1, s.block(0, left, left, right), two_sided_ ? w2 : x2);
        solve(t, diagonal_block(s, left, right), x2, w2);
    }

    void solve_leaf(Const t, Const s, View x, View w) {
        smallest_pivot_ = std::min(smallest_pivot_, kernel_({t, s, x, w, identity_, tiny_}));
        if (guarded_) rescale_if_large(x);
    }

    /// Between two rescalings entries grow by at most a division by a tiny pivot and two sums.
    void rescale_if_large(View x) {
        constexpr int large = std::numeric_limits<R>::max_exponent / 4;
        const int e = binary_exponent(max_abs<T>(x));
        if (e < large) return;
        copy_scaled<T>(x_, x_, -e);
        copy_scaled<T>(w_, w_, -e);
        exponent_ += e;
    }

    bool two_sided_, guarded_;
    index_t leaf_;
    R identity_, tiny_;
    T sign_;
    R (*kernel_)(const TriangularBlock<T>&);
    View x_, w_;
    int exponent_ = 0;
    R smallest_pivot_ = std::numeric_limits<R>::max();
};

/// A J, J the reversal of order.
template <class T>
MatrixView<T> reversed_columns(MatrixView<T> a) {
    return {a.data + (a.cols - 1) * a.col_stride, a.rows, a.cols, a.row_stride, -a.col_stride};
}

/// With Y = X J Hermitian or skew and S = J T^H J, Y's lower left block follows from the upper
/// right one. Blocks of X are named after those of Y, blocks of S after those of T^H.
template <class T>
class SymmetricSubstitution {
  public:
    using View = MatrixView<T>;
    using Const = MatrixView<const T>;

    SymmetricSubstitution(Substitution<T>& general, Symmetry symmetry, bool two_sided)
        : general_(general), symmetry_(symmetry), two_sided_(two_sided) {}

    void solve(Const t, Const s, View x) {
        if (general_.fits(t)) return solve_leaf(t, s, x);
        const index_t top = general_.split(t), rest = t.rows - top;
        const View x12 = x.block(0, 0, top, rest), x21 = x.block(top, rest, rest, top);
        solve(diagonal_block(t, top, rest), diagonal_block(s, 0, rest),
              x.block(top, 0, rest, rest));
        solve_off_diagonal(t, s, x, top);
        solve(diagonal_block(t, 0, top), diagonal_block(s, rest, top), x.block(0, rest, top, top));
        const View y12 = reversed_columns(x12), y21 = reversed_columns(x21);
        for (index_t j = 0; j < top; ++j)
            for (index_t i = 0; i < rest; ++i) y21(i, j) = mirrored(symmetry_, y12(j, i));
    }

  private:
    void solve_leaf(Const t, Const s, View x) {
        Matrix<T> w = zeros_like(x);
        general_.solve(t, s, x, w.view());
        symmetrise(symmetry_, reversed_columns(x));
    }

    /// Where a two-sided equation collects X S.
    Matrix<T> zeros_like(View x) const {
        return two_sided_ ? Matrix<T>(x.rows, x.cols) : Matrix<T>();
    }

    /// Y_12, and what it and Y_22 add to the right-hand side of Y_11: F and its mirror image.
    void solve_off_diagonal(Const t, Const s, View x, index_t top) {
        const View y11 = reversed_columns(x.block(0, x.rows - top, top, top));
        Matrix<T> f_reversed =
            two_sided_ ? solve_two_sided(t, s, x, top) : solve_one_sided(t, s, x, top);
        const View f = reversed_columns(f_reversed.view());
        for (index_t j = 0; j < top; ++j)
            for (index_t i = 0; i < top; ++i) y11(i, j) += f(i, j) + mirrored(symmetry_, f(j, i));
    }

    /// T_11 Y_12 + Y_12 T_22^H = C_12 - T_12 Y_22, and F = -Y_12 T_12^H.
    Matrix<T> solve_one_sided(Const t, Const s, View x, index_t top) {
        const index_t rest = t.rows - top;
        const View x22 = x.block(top, 0, rest, rest), x12 = x.block(0, 0, top, rest);
        Matrix<T> f(top, top);
        add_product<T>(T(-1), t.block(0, top, top, rest), x22, x12);
        general_.solve(diagonal_block(t, 0, top), diagonal_block(s, 0, rest), x12, View{});
        add_product<T>(T(-1), x12, s.block(0, rest, rest, top), f.view());
        return f;
    }

    /// c Y_12 - T_11 Y_12 T_22^H = C_12 + (T_12 Y_22) T_22^H, and
    /// F = (T_11 Y_12 + T_12 Y_22 / 2) T_12^H.
    Matrix<T> solve_two_sided(Const t, Const s, View x, index_t top) {
        const index_t rest = t.rows - top;
        const Const t11 = diagonal_block(t, 0, top), s22 = diagonal_block(s, 0, rest);
        const View x22 = x.block(top, 0, rest, rest), x12 = x.block(0, 0, top, rest);
        Matrix<T> product(top, rest), w(top, rest), f(top, top);
        add_product<T>(T(1), t.block(0, top, top, rest), x22, product.view());
        add_product<T>(T(1), product.view(), s22, x12);
        general_.solve(t11, s22, x12, w.view());
        for (index_t k = 0; k < top * rest; ++k) product.data()[k] *= real_t<T>(0.5);
        add_product<T>(T(1), t11, x12, product.view());
        add_product<T>(T(1), product.view(), s.block(0, rest, rest, top), f.view());
        return f;
    }

    Substitution<T>& general_;
    Symmetry symmetry_;
    bool two_sided_;
};

/// Pivots below it are rounding errors.
template <class T>
real_t<T> rounding_level(const TriangularEquation<T>& equation) {
    const real_t<T> t = max_abs<T>(equation.t.view()), s = max_abs<T>(equation.s.view());
    const real_t<T> size = equation.identity ? std::max(*equation.identity, t * s) : std::max(t, s);
    constexpr real_t<T> smallest = std::numeric_limits<real_t<T>>::min();
    return std::max(std::sqrt(smallest) * 2, std::numeric_limits<real_t<T>>::epsilon() * size);
}

/// The solve with leaf-sized blocks; the exponent stays 0.
template <class T>
void solve_unguarded(const TriangularEquation<T>& e, Substitution<T>& solver, Matrix<T>& x,
                     Symmetry symmetry) {
    if (symmetry != Symmetry::none) {
        SymmetricSubstitution<T>(solver, symmetry, e.identity.has_value())
            .solve(e.t.view(), e.s.view(), x.view());
        return;
    }
    Matrix<T> w = e.identity ? Matrix<T>(x.rows(), x.cols()) : Matrix<T>();
    solver.solve_all(e.t, e.s, x, w);
}

template <class T>
int solve_guarded(const TriangularEquation<T>& e, real_t<T> tiny, Matrix<T>& x, Symmetry symmetry) {
    Substitution<T> solver(e, tiny, true);
    Matrix<T> w = e.identity ? Matrix<T>(x.rows(), x.cols()) : Matrix<T>();
    solver.solve_all(e.t, e.s, x, w);
    if (symmetry != Symmetry::none) symmetrise(symmetry, reversed_columns(x.view()));
    return solver.exponent();
}

}  // namespace

template <class T>
TriangularReport<real_t<T>> solve_triangular(const TriangularEquation<T>& equation, Matrix<T>& x,
                                             Symmetry symmetry) {
    using R = real_t<T>;
    TriangularReport<R> report;
    if (x.rows() * x.cols() == 0) return report;
    const R huge = largest_untransformed<R>(x.rows() * x.cols());
    const R tiny = rounding_level(equation);
    const Matrix<T> c = x;
    Substitution<T> solver(equation, tiny, false);
    solve_unguarded(equation, solver, x, symmetry);
    report.smallest_pivot = solver.smallest_pivot();
    if (!(max_abs<T>(x.view()) < huge)) {
        x = c;
        report.exponent = solve_guarded(equation, tiny, x, symmetry);
        report.overflowed = !std::isfinite(max_abs<T>(x.view()));
    }
    report.exponent += normalise(x.view());
    return report;
}

template <class T>
Matrix<T> reversed_adjoint(const Matrix<T>& t) {
    const index_t n = t.rows();
    Matrix<T> r(n, n);
    if (n == 0) return r;
    const MatrixView<const T> source{t.data() + (n - 1) * (n + 1), n, n, -n, -1};
    copy_scaled<T>(source, r.view(), 0);
    if constexpr (is_complex<T>)
        for (index_t k = 0; k < n * n; ++k) r.data()[k] = std::conj(r.data()[k]);
    return r;
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template TriangularReport<real_t<T>> solve_triangular(const TriangularEquation<T>&,            \
                                                          Matrix<T>&, Symmetry);                   \
    template Matrix<T> reversed_adjoint(const Matrix<T>&);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
