#include "otimes/equations.hpp"

#include <algorithm>  // std::max, std::swap_ranges
#include <array>
#include <cmath>
#include <complex>
#include <optional>
#include <utility>  // std::as_const
#include <vector>

#include "otimes/blas.hpp"
#include "otimes/condition.hpp"
#include "otimes/lu.hpp"
#include "otimes/parallel_gemm.hpp"
#include "otimes/refinement.hpp"
#include "otimes/scaling.hpp"
#include "otimes/small_lu.hpp"
#include "otimes/threads.hpp"
#include "otimes/triangular.hpp"

namespace otimes {
namespace {

template <class T>
constexpr double eps_of = std::numeric_limits<real_t<T>>::epsilon();

template <class T>
Matrix<T> scaled_copy(MatrixView<const T> a, int exponent) {
    Matrix<T> copy(a.rows, a.cols);
    copy_scaled<T>(a, copy.view(), exponent);
    return copy;
}

template <class T>
double norm_of(MatrixView<const T> a) {
    return std::sqrt(squared_norm(a));
}

/// Every X of an equation with NaN or Inf in its matrices is NaN.
template <class T>
SolveReport undefined(RightHandSides<T> sides) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    fill<T>(sides, T(static_cast<real_t<T>>(nan)));
    return {.residual = nan, .rcond = nan};
}

// --- at most 16 unknowns: everything on the stack ------------------------------------------------

template <class T>
using SmallSide = StackMatrix<T, small_limit * small_limit>;

template <class T>
SmallSide<T> scaled_side(MatrixView<const T> a, int exponent) {
    SmallSide<T> copy(a.rows, a.cols);
    copy_scaled<T>(a, copy.view(), exponent);
    return copy;
}

/// r <- r - A X, every argument small.
template <class T>
void subtract_product(MatrixView<const T> a, MatrixView<const T> x, MatrixView<T> r) {
    for (index_t j = 0; j < r.cols; ++j)
        for (index_t k = 0; k < a.cols; ++k)
            for (index_t i = 0; i < r.rows; ++i) r(i, j) -= times(a(i, k), x(k, j));
}

/// A X + X B = Q by the LU of I (x) A + B^T (x) I.
template <class T>
struct SmallSylvester {
    using Scalar = T;
    using Storage = StackMatrix<T>;

    SmallSylvester(MatrixView<const T> a_in, MatrixView<const T> b_in, int e)
        : exponent(e),
          a(scaled_side(a_in, -e)),
          b(scaled_side(b_in, -e)),
          norm(norm_of<T>(a.view()) + norm_of<T>(b.view())) {
        std::array<T, small_limit * small_limit> kronecker;
        fill_kronecker(kronecker.data());
        lu.factor(kronecker.data(), a.rows() * b.rows());
        rcond = reciprocal_condition(lu.singular_range(kronecker.data()), norm, eps_of<T>);
    }

    void fill_kronecker(T* k) const {
        const index_t m = a.rows(), n = b.rows(), ld = m * n;
        std::fill_n(k, ld * ld, T(0));
        for (index_t j = 0; j < n; ++j)
            for (index_t l = 0; l < m; ++l)
                for (index_t i = 0; i < m; ++i)
                    k[(i + j * m) + (l + j * m) * ld] = a.data()[i + l * m];
        for (index_t l = 0; l < n; ++l)
            for (index_t j = 0; j < n; ++j)
                for (index_t i = 0; i < m; ++i)
                    k[(i + j * m) + (i + l * m) * ld] += b.data()[l + j * n];
    }

    std::optional<int> solve(Storage& x) const {
        lu.solve(x.data());
        return 0;
    }

    void subtract_image(const Storage& x, Storage& r) const {
        subtract_product<T>(a.view(), x.view(), r.view());
        subtract_product<T>(x.view(), b.view(), r.view());
    }

    int exponent;
    SmallSide<T> a, b;
    double norm, rcond = 0;
    SmallLU<T> lu;
};

/// A X B = Q by the LUs of A and of B^T.
template <class T>
struct SmallAxb {
    using Scalar = T;
    using Storage = StackMatrix<T>;

    SmallAxb(MatrixView<const T> a_in, int a_exponent, MatrixView<const T> b_in, int b_exponent)
        : exponent(a_exponent + b_exponent),
          a(scaled_side(a_in, -a_exponent)),
          b_t(scaled_side(b_in.t(), -b_exponent)),
          norm(norm_of<T>(a.view()) * norm_of<T>(b_t.view())) {
        a_lu.factor(a.data(), a.rows());
        b_lu.factor(b_t.data(), b_t.rows());
        rcond = reciprocal_condition(a_lu.singular_range(a.data()), 0, eps_of<T>) *
                reciprocal_condition(b_lu.singular_range(b_t.data()), 0, eps_of<T>);
    }

    std::optional<int> solve(Storage& x) const {
        const index_t m = x.rows(), n = x.cols();
        for (index_t j = 0; j < n; ++j) a_lu.solve(x.data() + j * m);
        std::array<T, small_limit> row;
        for (index_t i = 0; i < m; ++i) {
            const MatrixView<T> x_row = x.view().block(i, 0, 1, n);
            const MatrixView<T> packed{row.data(), 1, n, n, 1};
            copy_scaled<T>(x_row, packed, 0);
            b_lu.solve(row.data());
            copy_scaled<T>(packed, x_row, 0);
        }
        return 0;
    }

    void subtract_image(const Storage& x, Storage& r) const {
        StackMatrix<T> ax(x.rows(), x.cols());
        std::fill_n(ax.data(), x.rows() * x.cols(), T(0));
        subtract_product<T>(a.view(), x.view(), ax.view());
        for (index_t k = 0; k < x.rows() * x.cols(); ++k) ax.data()[k] = -ax.data()[k];
        subtract_product<T>(ax.view(), b_t.view().t(), r.view());
    }

    int exponent;
    SmallSide<T> a, b_t;
    double norm, rcond = 0;
    SmallLU<T> a_lu, b_lu;
};

template <class Equation>
SolveReport solve_small(const Equation& equation, RightHandSides<typename Equation::Scalar> sides) {
    SolveReport report = solve_refined(equation, sides);
    report.rcond = equation.rcond;
    return report;
}

// --- A X B = Q -----------------------------------------------------------------------------------

/// A square matrix near 1 with its LU.
template <class T>
struct LuSide {
    LuSide(MatrixView<const T> a_in, int exponent) : a(scaled_copy(a_in, -exponent)), lu(a) {}

    Matrix<T> a;
    LU<T> lu;
};

template <class T>
struct AxbEquation {
    using Scalar = T;
    using Storage = Matrix<T>;

    std::optional<int> solve(Storage& x) const {
        const index_t m = x.rows(), n = x.cols();
        parallel_blocks(n, product_flops(m, n, m), [&](index_t begin, index_t end) {
            a.lu.solve('N', end - begin, x.data() + begin * m, x.ld());
        });
        const int grown = normalise(x.view());
        parallel_blocks(m, product_flops(m, n, n), [&](index_t begin, index_t end) {
            b.lu.solve_right('N', end - begin, x.data() + begin, x.ld());
        });
        return grown + normalise(x.view());
    }

    void subtract_image(const Storage& x, Storage& r) const {
        const index_t m = x.rows(), n = x.cols();
        Matrix<T> ax(m, n);
        parallel_gemm('N', 'N', m, n, m, T(1), a.a.data(), a.a.ld(), x.data(), x.ld(), T(0),
                      ax.data(), ax.ld());
        parallel_gemm('N', 'N', m, n, n, T(-1), ax.data(), ax.ld(), b.a.data(), b.a.ld(), T(1),
                      r.data(), r.ld());
    }

    const LuSide<T>&a, &b;
    int exponent;
    double norm;
};

/// The exponent at which the largest entry of both matrices is near 1.
template <class T>
int common_exponent(MatrixView<const T> a, MatrixView<const T> b) {
    return binary_exponent(std::max(max_abs<T>(a), max_abs<T>(b)));
}

template <class T>
bool is_finite(MatrixView<const T> a, MatrixView<const T> b) {
    return std::isfinite(max_abs<T>(a)) && std::isfinite(max_abs<T>(b));
}

}  // namespace

// --- A X + X B = Q -------------------------------------------------------------------------------

template <class T>
struct SylvesterFactor<T>::Oriented {
    using Scalar = T;
    using Storage = Matrix<T>;

    /// With A = U T U^H and B = V S V^H: T Y + Y S = U^H Q V, X = U Y V^H.
    std::optional<int> solve(Storage& x) const {
        const auto& [u, v] = factor.schur_;
        u.apply_left(true, x);
        v.apply_right(false, x);
        poll_interrupt();
        const auto report =
            adjoint ? solve_adjoint(x) : solve_triangular_sylvester(u.form(), v.form(), x);
        if (report.overflowed) return std::nullopt;
        u.apply_left(false, x);
        v.apply_right(true, x);
        return report.exponent;
    }

    TriangularReport<real_t<T>> solve_adjoint(Storage& y) const {
        const auto& [u, v] = factor.schur_;
        std::reverse(y.data(), y.data() + y.rows() * y.cols());
        const auto report =
            solve_triangular_sylvester(reversed_adjoint(u.form()), reversed_adjoint(v.form()), y);
        std::reverse(y.data(), y.data() + y.rows() * y.cols());
        return report;
    }

    void subtract_image(const Storage& x, Storage& r) const {
        const index_t m = x.rows(), n = x.cols();
        const char op = adjoint ? 'C' : 'N';
        parallel_gemm(op, 'N', m, n, m, T(-1), factor.a_.data(), factor.a_.ld(), x.data(), x.ld(),
                      T(1), r.data(), r.ld());
        parallel_gemm('N', op, m, n, n, T(-1), x.data(), x.ld(), factor.b_.data(), factor.b_.ld(),
                      T(1), r.data(), r.ld());
    }

    const SylvesterFactor& factor;
    bool adjoint;
    double norm = factor.norm_;
    int exponent = factor.exponent_;
};

template <class T>
SylvesterFactor<T>::SylvesterFactor(MatrixView<const T> a, MatrixView<const T> b)
    : finite_(is_finite(a, b)),
      exponent_(finite_ ? common_exponent(a, b) : 0),
      a_(finite_ ? scaled_copy(a, -exponent_) : Matrix<T>(a.rows, a.rows)),
      b_(finite_ ? scaled_copy(b, -exponent_) : Matrix<T>(b.rows, b.rows)),
      schur_(schur_pair(a_, b_)),
      norm_(norm_of<T>(a_.view()) + norm_of<T>(b_.view())) {
    const SerialBlas serial_blas;
    poll_interrupt();
    rcond_ = !finite_               ? std::numeric_limits<double>::quiet_NaN()
             : a.rows * b.rows == 0 ? 1
                                    : sylvester_rcond(schur_.first.form(), schur_.second.form());
}

template <class T>
SolveReport SylvesterFactor<T>::solve(bool adjoint, RightHandSides<T> sides) const {
    const SerialBlas serial_blas;
    if (!finite_) return undefined(sides);
    SolveReport report = solve_refined(Oriented{*this, adjoint}, sides);
    report.rcond = rcond_;
    return report;
}

template <class T>
SolveReport solve_sylvester(MatrixView<const T> a, MatrixView<const T> b, RightHandSides<T> sides) {
    if (!is_finite(a, b)) return undefined(sides);
    if (a.rows * b.rows == 0) return {};
    if (a.rows * b.rows <= small_limit) {
        const SolveReport report =
            solve_small(SmallSylvester<T>(a, b, common_exponent(a, b)), sides);
        if (report.scale > 0) return report;
    }
    return SylvesterFactor<T>(a, b).solve(false, sides);
}

namespace {

/// The same by the Schur forms of A and B, as A W + W 0 = Q and 0 X + X B = W: an LU with partial
/// pivoting can, very rarely, lose all digits of a well-conditioned equation; this cannot.
template <class T>
struct AxbBySchur {
    using Scalar = T;
    using Storage = Matrix<T>;

    explicit AxbBySchur(const AxbEquation<T>& equation)
        : original(equation),
          left(equation.a.a.view(), Matrix<T>(equation.b.a.rows(), equation.b.a.rows()).view()),
          right(Matrix<T>(equation.a.a.rows(), equation.a.a.rows()).view(), equation.b.a.view()),
          exponent(equation.exponent),
          norm(equation.norm) {}

    std::optional<int> solve(Storage& x) const {
        const RightHandSide<T> in_place{std::as_const(x).view(), x.view()};
        for (const auto* factor : {&left, &right})
            if (factor->solve(false, RightHandSides<T>(&in_place, 1)).scale < 1)
                return std::nullopt;
        return 0;
    }

    void subtract_image(const Storage& x, Storage& r) const { original.subtract_image(x, r); }

    const AxbEquation<T>& original;
    SylvesterFactor<T> left, right;
    int exponent;
    double norm;
};

template <class T>
SolveReport solve_axb_general(MatrixView<const T> a, int a_exponent, MatrixView<const T> b,
                              int b_exponent, RightHandSides<T> sides) {
    const SerialBlas serial_blas;
    std::optional<LuSide<T>> left, right;
    parallel_pair(
        product_flops(a.rows, a.rows, a.rows) + product_flops(b.rows, b.rows, b.rows),
        [&] { left.emplace(a, a_exponent); }, [&] { right.emplace(b, b_exponent); });
    poll_interrupt();
    const AxbEquation<T> equation{*left, *right, a_exponent + b_exponent,
                                  norm_of<T>(left->a.view()) * norm_of<T>(right->a.view())};
    SolveReport report = solve_refined(equation, sides);
    if (report.residual > 100 * eps_of<T>) report = solve_refined(AxbBySchur<T>(equation), sides);
    report.rcond = left->lu.rcond * right->lu.rcond;
    return report;
}

}  // namespace

template <class T>
SolveReport solve_axb(MatrixView<const T> a, MatrixView<const T> b, RightHandSides<T> sides) {
    if (!is_finite(a, b)) return undefined(sides);
    if (a.rows * b.rows == 0) return {};
    const int a_exponent = binary_exponent(max_abs<T>(a)),
              b_exponent = binary_exponent(max_abs<T>(b));
    if (a.rows * b.rows <= small_limit) {
        const SolveReport report = solve_small(SmallAxb<T>(a, a_exponent, b, b_exponent), sides);
        if (report.scale > 0) return report;
    }
    return solve_axb_general(a, a_exponent, b, b_exponent, sides);
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template class SylvesterFactor<T>;                                                             \
    template SolveReport solve_sylvester(MatrixView<const T>, MatrixView<const T>,                 \
                                         RightHandSides<T>);                                       \
    template SolveReport solve_axb(MatrixView<const T>, MatrixView<const T>, RightHandSides<T>);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
