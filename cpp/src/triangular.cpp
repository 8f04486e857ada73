#include "otimes/triangular.hpp"

#include <algorithm>  // std::min, std::max
#include <array>
#include <cmath>
#include <complex>
#include <limits>

#include "otimes/blas.hpp"
#include "otimes/parallel_gemm.hpp"
#include "otimes/scalar.hpp"
#include "otimes/scaling.hpp"
#include "otimes/two_by_two.hpp"

namespace otimes {
namespace {

constexpr index_t leaf_size = 16;

/// y <- y - x t
template <class Z, class T>
void subtract_multiple(index_t n, Z x, const T* t, Z* y) {
    for (index_t i = 0; i < n; ++i) y[i] -= times(x, t[i]);
}

/// One solve: the two Schur forms, and the smallest pivot met so far.
template <class T>
class TriangularSolver {
  public:
    using R = real_t<T>;

    TriangularSolver(const Matrix<T>& t, const Matrix<T>& s) : t_(t), s_(s) {}

    R smallest_pivot() const { return smallest_pivot_; }

    /// Solve the block equation of rows [i0, i0+m) of T and columns [j0, j0+n) of S.
    void solve(index_t i0, index_t m, index_t j0, index_t n, Matrix<T>& x) {
        if (m <= leaf_size && n <= leaf_size) return solve_leaf(i0, m, j0, n, x);
        if (m >= n) {
            const index_t top = split(t_, i0, m), bottom = m - top;
            solve(i0 + top, bottom, j0, n, x);
            parallel_gemm('N', 'N', top, n, bottom, T(-1), &t_(i0, i0 + top), t_.ld(),
                          &x(i0 + top, j0), x.ld(), T(1), &x(i0, j0), x.ld());
            solve(i0, top, j0, n, x);
        } else {
            const index_t left = split(s_, j0, n), right = n - left;
            solve(i0, m, j0, left, x);
            parallel_gemm('N', 'N', m, right, left, T(-1), &x(i0, j0), x.ld(), &s_(j0, j0 + left),
                          s_.ld(), T(1), &x(i0, j0 + left), x.ld());
            solve(i0, m, j0 + left, right, x);
        }
    }

  private:
    static bool starts_bump(const Matrix<T>& t, index_t k) {
        return k + 1 < t.rows() && t(k + 1, k) != T(0);
    }

    /// About half of n, not inside a bump.
    static index_t split(const Matrix<T>& t, index_t first, index_t n) {
        const index_t half = n / 2;
        return starts_bump(t, first + half - 1) ? half + 1 : half;
    }

    void solve_leaf(index_t i0, index_t m, index_t j0, index_t n, Matrix<T>& x) {
        for (index_t j = j0; j < j0 + n;) {
            const index_t width = starts_bump(s_, j) ? 2 : 1;
            for (index_t k = j0; k < j; ++k)
                for (index_t l = j; l < j + width; ++l)
                    subtract_multiple(m, s_(k, l), &x(i0, k), &x(i0, l));
            if (width == 1)
                solve_shifted(i0, m, s_(j, j), &x(i0, j));
            else if constexpr (!is_complex<T>)
                solve_bump(i0, m, j, x);
            j += width;
        }
    }

    /// T X + X [a b; c a] = C for two columns is one complex equation (T + (a + iw) I) z = c1 + i
    /// c2/d with d = sqrt(-b/c), w = b/d, X = [Re z, d Im z].
    void solve_bump(index_t i0, index_t m, index_t j, Matrix<T>& x)
        requires(!is_complex<T>)
    {
        const R d = std::sqrt(-s_(j, j + 1) / s_(j + 1, j)), w = s_(j, j + 1) / d;
        std::array<std::complex<R>, leaf_size> z;
        T *first = &x(i0, j), *second = &x(i0, j + 1);
        for (index_t i = 0; i < m; ++i) z[static_cast<std::size_t>(i)] = {first[i], second[i] / d};
        solve_shifted(i0, m, std::complex<R>(s_(j, j), w), z.data());
        for (index_t i = 0; i < m; ++i) {
            first[i] = z[static_cast<std::size_t>(i)].real();
            second[i] = d * z[static_cast<std::size_t>(i)].imag();
        }
    }

    /// (T + shift I) z = c by back substitution on rows [i0, i0+m) of T.
    template <class Z>
    void solve_shifted(index_t i0, index_t m, Z shift, Z* z) {
        for (index_t k = m - 1; k >= 0; --k) {
            const T* column = &t_(i0, i0 + k);
            if (k > 0 && starts_bump(t_, i0 + k - 1)) {
                solve_2x2(i0 + k - 1, shift, z + k - 1);
                --k;
                subtract_multiple(k, z[k + 1], column, z);
                subtract_multiple(k, z[k], &t_(i0, i0 + k), z);
            } else {
                const Z pivot = column[k] + shift;
                note_pivot(std::abs(pivot));
                z[k] = times(z[k], reciprocal(pivot));
                subtract_multiple(k, z[k], column, z);
            }
        }
    }

    /// (T[k:k+2, k:k+2] + shift I) z = c.
    template <class Z>
    void solve_2x2(index_t k, Z shift, Z* z) {
        const TwoByTwo<Z> a = {{t_(k, k) + shift, Z(t_(k, k + 1))},
                               {Z(t_(k + 1, k)), t_(k + 1, k + 1) + shift}};
        note_pivot(solve_two_by_two<Z>(a, z[0], z[1], R(0)));
    }

    void note_pivot(R size) { smallest_pivot_ = std::min(smallest_pivot_, size); }

    const Matrix<T>&t_, &s_;
    R smallest_pivot_ = std::numeric_limits<R>::max();
};

/// LAPACK's trsyl guards every step against overflow and returns s <= 1 and X with T X + X S = s C.
template <class T>
void solve_protected(const Matrix<T>& t, const Matrix<T>& s, Matrix<T>& x,
                     TriangularReport<real_t<T>>& report) {
    using R = real_t<T>;
    R scale = 1;
    blas::trsyl('N', 'N', 1, t.rows(), s.rows(), t.data(), t.ld(), s.data(), s.ld(), x.data(),
                x.ld(), scale);
    if (!(scale > 0)) {
        report.overflowed = true;
        return;
    }
    int exponent = 0;
    const R fraction = std::frexp(scale, &exponent);
    for (index_t k = 0; k < x.rows() * x.cols(); ++k) x.data()[k] /= fraction;
    report.exponent = -exponent;
}

}  // namespace

template <class T>
TriangularReport<real_t<T>> solve_triangular_sylvester(const Matrix<T>& t, const Matrix<T>& s,
                                                       Matrix<T>& x) {
    using R = real_t<T>;
    const R tiny =
        std::numeric_limits<R>::epsilon() * std::max(max_abs<T>(t.view()), max_abs<T>(s.view()));
    // Above this the solution could overflow when it is transformed back.
    const R huge = std::numeric_limits<R>::max() * std::numeric_limits<R>::epsilon() /
                   static_cast<R>(std::max<index_t>(1, x.rows() * x.cols()));
    const Matrix<T> c = x;
    TriangularSolver<T> solver(t, s);
    solver.solve(0, t.rows(), 0, s.rows(), x);

    TriangularReport<R> report;
    report.smallest_pivot = solver.smallest_pivot();
    if (!(max_abs<T>(x.view()) < huge) || report.smallest_pivot <= tiny) {
        x = c;
        solve_protected(t, s, x, report);
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
    template TriangularReport<real_t<T>> solve_triangular_sylvester(const Matrix<T>&,              \
                                                                    const Matrix<T>&, Matrix<T>&); \
    template Matrix<T> reversed_adjoint(const Matrix<T>&);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
