#include "otimes/triangular_tsylvester.hpp"

#include <algorithm>  // std::min, std::max, std::swap
#include <array>
#include <complex>
#include <limits>

#include "otimes/parallel_gemm.hpp"
#include "otimes/scalar.hpp"
#include "otimes/scaling.hpp"
#include "otimes/two_by_two.hpp"

namespace otimes {
namespace {

constexpr index_t leaf_size = 16;

/// Consecutive rows, or columns.
struct Range {
    index_t first, count;

    Range top() const { return {first, count / 2}; }
    Range bottom() const { return {first + count / 2, count - count / 2}; }
};

/// y <- y - x t
template <class T>
void subtract_multiple(index_t n, T x, const T* t, T* y) {
    for (index_t i = 0; i < n; ++i) y[i] -= times(x, t[i]);
}

/// x^H y
template <class T>
T inner_product(index_t n, const T* x, const T* y) {
    T sum = 0;
    for (index_t i = 0; i < n; ++i) sum += times(std::conj(x[i]), y[i]);
    return sum;
}

template <class T>
class TSylvesterSolver {
  public:
    using R = real_t<T>;

    TSylvesterSolver(Star star, bool adjoint, const Matrix<T>& s, const Matrix<T>& r, R floor,
                     Matrix<T>& y)
        : star_(star), adjoint_(adjoint), s_(s), r_(r), floor_(floor), y_(y) {}

    R smallest_pivot() const { return smallest_pivot_; }

    /// The equation of the rows and columns I.
    void solve(Range i) {
        if (i.count == 1) return solve_diagonal(i.first);
        const Range known = first_half(i), next = second_half(i);
        solve(known);
        eliminate(known, next, known);
        solve_pair(next, known);
        eliminate(known, next, next);
        solve(next);
    }

  private:
    /// The equation is solved from the bottom up, its adjoint from the top down.
    Range first_half(Range i) const { return adjoint_ ? i.top() : i.bottom(); }
    Range second_half(Range i) const { return adjoint_ ? i.bottom() : i.top(); }

    T starred(T x) const { return star_ == Star::adjoint ? std::conj(x) : x; }

    /// The blocks (I, J) and (J, I).
    void solve_pair(Range i, Range j) {
        if (i.count < j.count) std::swap(i, j);
        if (i.count <= leaf_size) return solve_leaf(i, j);
        const Range known = first_half(i), next = second_half(i);
        solve_pair(known, j);
        eliminate(known, next, j);
        solve_pair(next, j);
    }

    /// Take what is known, the blocks (K, J) and (J, K), out of the equations of (I, J) and (J, I).
    void eliminate(Range k, Range i, Range j) {
        const char star = static_cast<char>(star_);
        if (adjoint_) {
            subtract_product('C', 'N', s_, k, i, k, j, i, j);
            subtract_product('C', star, r_, k, i, j, k, i, j);
        } else {
            subtract_product('N', 'N', s_, i, k, k, j, i, j);
            parallel_gemm(star, star, j.count, i.count, k.count, T(-1), &y_(k.first, j.first),
                          y_.ld(), &r_(i.first, k.first), r_.ld(), T(1), &y_(j.first, i.first),
                          y_.ld());
        }
    }

    /// Y(to) <- Y(to) - op(t(block)) op(Y(from)), blocks given by their rows and columns.
    void subtract_product(char op_t, char op_y, const Matrix<T>& t, Range t_rows, Range t_cols,
                          Range y_rows, Range y_cols, Range to_rows, Range to_cols) {
        const index_t inner = op_t == 'N' ? t_cols.count : t_rows.count;
        parallel_gemm(op_t, op_y, to_rows.count, to_cols.count, inner, T(-1),
                      &t(t_rows.first, t_cols.first), t.ld(), &y_(y_rows.first, y_cols.first),
                      y_.ld(), T(1), &y_(to_rows.first, to_cols.first), y_.ld());
    }

    /// The pair of blocks, copied to p = Y(I, J) and w = Y(J, I)*, both column-major.
    struct Leaf {
        std::array<T, leaf_size * leaf_size> p, w;
        index_t rows, cols;

        T* p_col(index_t b) { return &p[static_cast<std::size_t>(b * rows)]; }
        T* w_col(index_t b) { return &w[static_cast<std::size_t>(b * rows)]; }
    };

    void solve_leaf(Range i, Range j) {
        Leaf leaf;
        leaf.rows = i.count;
        leaf.cols = j.count;
        for (index_t b = 0; b < j.count; ++b)
            for (index_t a = 0; a < i.count; ++a) {
                leaf.p_col(b)[a] = y_(i.first + a, j.first + b);
                leaf.w_col(b)[a] = starred(y_(j.first + b, i.first + a));
            }
        if (adjoint_)
            descend(i.first, j.first, leaf);
        else
            ascend(i.first, j.first, leaf);
        for (index_t b = 0; b < j.count; ++b)
            for (index_t a = 0; a < i.count; ++a) {
                y_(i.first + a, j.first + b) = leaf.p_col(b)[a];
                y_(j.first + b, i.first + a) = starred(leaf.w_col(b)[a]);
            }
    }

    /// S_I P + W R_J* = E, R_I P + W S_J* = F from the last row and column to the first.
    void ascend(index_t i0, index_t j0, Leaf& x) {
        for (index_t b = x.cols - 1; b >= 0; --b) {
            T *const p = x.p_col(b), *const w = x.w_col(b);
            for (index_t a = x.rows - 1; a >= 0; --a) {
                solve_entries(i0 + a, j0 + b, p[a], w[a]);
                subtract_multiple(a, p[a], &s_(i0, i0 + a), p);
                subtract_multiple(a, p[a], &r_(i0, i0 + a), w);
            }
            for (index_t c = 0; c < b; ++c) {
                subtract_multiple(x.rows, starred(r_(j0 + c, j0 + b)), w, x.p_col(c));
                subtract_multiple(x.rows, starred(s_(j0 + c, j0 + b)), w, x.w_col(c));
            }
        }
    }

    /// S_I^H P + R_I^H W = E, P R_J^H* + W S_J^H* = F from the first row and column to the last.
    void descend(index_t i0, index_t j0, Leaf& x) {
        for (index_t b = 0; b < x.cols; ++b) {
            T *const p = x.p_col(b), *const w = x.w_col(b);
            for (index_t a = 0; a < x.rows; ++a) {
                p[a] -= inner_product(a, &s_(i0, i0 + a), p) + inner_product(a, &r_(i0, i0 + a), w);
                solve_entries(i0 + a, j0 + b, p[a], w[a]);
            }
            for (index_t c = b + 1; c < x.cols; ++c) {
                T* const target = x.w_col(c);
                subtract_multiple(x.rows, starred(std::conj(r_(j0 + b, j0 + c))), p, target);
                subtract_multiple(x.rows, starred(std::conj(s_(j0 + b, j0 + c))), w, target);
            }
        }
    }

    void solve_entries(index_t i, index_t j, T& p, T& w) {
        TwoByTwo<T> a = {{s_(i, i), starred(r_(j, j))}, {r_(i, i), starred(s_(j, j))}};
        if (adjoint_) {
            std::swap(a[0][1], a[1][0]);
            for (auto& row : a)
                for (T& x : row) x = std::conj(x);
        }
        note_pivot(solve_two_by_two<T>(a, p, w, floor_));
    }

    void solve_diagonal(index_t i) {
        T& y = y_(i, i);
        if (star_ == Star::adjoint) {
            T conjugate = std::conj(y);
            solve_entries(i, i, y, conjugate);
            y = (y + std::conj(conjugate)) * R(0.5);
            return;
        }
        const T sum = s_(i, i) + r_(i, i), pivot = adjoint_ ? std::conj(sum) : sum;
        note_pivot(std::abs(pivot));
        y = times(y, reciprocal(std::abs(pivot) < floor_ ? T(floor_) : pivot));
    }

    void note_pivot(R size) { smallest_pivot_ = std::min(smallest_pivot_, size); }

    Star star_;
    bool adjoint_;
    const Matrix<T>&s_, &r_;
    R floor_;
    Matrix<T>& y_;
    R smallest_pivot_ = std::numeric_limits<R>::max();
};

}  // namespace

template <class T>
TriangularReport<real_t<T>> solve_triangular_tsylvester(Star star, bool adjoint, const Matrix<T>& s,
                                                        const Matrix<T>& r, Matrix<T>& y) {
    using R = real_t<T>;
    constexpr R eps = std::numeric_limits<R>::epsilon();
    const index_t n = y.rows();
    if (n == 0) return {};
    // Singular to far beyond rounding, and quotients by it are still in range.
    const R floor = eps * eps * std::max(max_abs<T>(s.view()), max_abs<T>(r.view()));
    // Above this the solution could overflow when it is transformed back.
    const R huge = std::numeric_limits<R>::max() * eps / static_cast<R>(n * n);
    // Room for a solution twice as long in exponents; what underflows is below eps^2.
    const int room = std::numeric_limits<R>::max_exponent * 3 / 4;

    TriangularReport<R> report;
    const Matrix<T> d = y;
    for (const int exponent : {0, room}) {
        copy_scaled<T>(d.view(), y.view(), -exponent);
        TSylvesterSolver<T> solver(star, adjoint, s, r, floor, y);
        solver.solve({0, n});
        report.exponent = exponent;
        report.smallest_pivot = solver.smallest_pivot();
        report.overflowed = !(max_abs<T>(y.view()) < huge);
        if (!report.overflowed) break;
    }
    report.exponent += normalise(y.view());
    return report;
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template TriangularReport<real_t<T>> solve_triangular_tsylvester(                              \
        Star, bool, const Matrix<T>&, const Matrix<T>&, Matrix<T>&);
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
