#include "otimes/triangular_tsylvester.hpp"

#include <algorithm>  // std::min, std::max
#include <array>
#include <complex>
#include <limits>
#include <utility>  // std::as_const, std::swap

#include "otimes/product.hpp"
#include "otimes/scaling.hpp"
#include "otimes/two_by_two.hpp"
#include "otimes/vectors.hpp"

namespace otimes {
namespace {

constexpr index_t leaf_size = 16;

/// Consecutive rows, or columns.
struct Range {
    index_t first, count;

    Range top() const { return {first, count / 2}; }
    Range bottom() const { return {first + count / 2, count - count / 2}; }
    bool operator==(const Range&) const = default;
};

/// The entry of a coefficient.
template <class T>
T entry(const Matrix<T>* a, index_t i, index_t j) {
    return a ? (*a)(i, j) : T(i == j ? 1 : 0);
}

template <class T>
class TSylvesterSolver {
  public:
    using R = real_t<T>;

    TSylvesterSolver(Star star, const StarForms<T>& forms, R floor, Matrix<T>& y)
        : star_(star), forms_(forms), floor_(floor), y_(y) {}

    R smallest_pivot() const { return smallest_pivot_; }

    /// The equation of the rows and columns I.
    void solve(Range i) {
        if (i.count == 1) return solve_diagonal(i.first);
        const Range known = i.bottom(), next = i.top();
        solve(known);
        subtract({next, known}, {known, known});
        subtract({known, next}, {known, known});
        solve_pair(next, known);
        subtract({next, next}, {known, known});
        subtract({next, next}, {known, next});
        subtract({next, next}, {next, known});
        solve(next);
    }

  private:
    struct Block {
        Range rows, cols;
    };
    using Vector = std::array<T, leaf_size>;

    char letter() const { return static_cast<char>(star_); }
    T starred(T x) const { return star_ == Star::adjoint ? std::conj(x) : x; }

    /// The blocks (I, J) and (J, I).
    void solve_pair(Range i, Range j) {
        if (i.count < j.count) std::swap(i, j);
        if (i.count <= leaf_size) return solve_leaf(i, j);
        const Range known = i.bottom(), next = i.top();
        solve_pair(known, j);
        subtract({next, j}, {known, j});
        subtract({j, next}, {j, known});
        solve_pair(next, j);
    }

    /// Take what the blocks (K, L) and (L, K) contribute out of the equations of (I, J).
    void subtract(const Block& ij, const Block& kl) {
        subtract_term(forms_.a, 'N', forms_.b, ij, kl);
        subtract_term(forms_.c, letter(), forms_.d, ij, kl);
    }

    /// Y(I, J) <- Y(I, J) - L(I, K) Z R(J, L)*, Z = Y(K, L) or Y(L, K)*.
    void subtract_term(const Matrix<T>* left, char op, const Matrix<T>* right, const Block& ij,
                       const Block& kl) {
        const Range i = ij.rows, j = ij.cols, k = kl.rows, l = kl.cols;
        if ((!left && i != k) || (!right && j != l)) return;
        const T* const z = op == 'N' ? &y_(k.first, l.first) : &y_(l.first, k.first);
        T* const target = &y_(i.first, j.first);
        const auto times_right = [&](T alpha, T beta, T* to, index_t ld) {
            parallel_gemm(op, letter(), k.count, j.count, l.count, alpha, z, y_.ld(),
                          &(*right)(j.first, l.first), right->ld(), beta, to, ld);
        };
        const auto times_left = [&](char op_x, const T* x, index_t ld) {
            parallel_gemm('N', op_x, i.count, j.count, k.count, T(-1), &(*left)(i.first, k.first),
                          left->ld(), x, ld, T(1), target, y_.ld());
        };
        if (!left) return times_right(T(-1), T(1), target, y_.ld());
        if (!right) return times_left(op, z, y_.ld());
        Matrix<T> product(k.count, j.count);
        times_right(T(1), T(0), product.data(), product.ld());
        times_left('N', product.data(), product.ld());
    }

    /// The pair of blocks, copied to P = Y(I, J) and W = Y(J, I)*, of which
    ///     A_I P B_J* + C_I W D_J* = E,    D_I P C_J* + B_I W A_J* = F.
    struct Leaf {
        index_t i0, j0, rows, cols;
        std::array<T, leaf_size * leaf_size> p, w;

        T* p_col(index_t b) { return &p[static_cast<std::size_t>(b * rows)]; }
        T* w_col(index_t b) { return &w[static_cast<std::size_t>(b * rows)]; }
    };

    /// One column of P B*, P C*, W A* and W D*, as far as it is known.
    struct Products {
        Vector pb{}, pc{}, wa{}, wd{};
    };

    void solve_leaf(Range i, Range j) {
        Leaf leaf{i.first, j.first, i.count, j.count, {}, {}};
        for (index_t b = 0; b < j.count; ++b)
            for (index_t a = 0; a < i.count; ++a) {
                leaf.p_col(b)[a] = y_(i.first + a, j.first + b);
                leaf.w_col(b)[a] = starred(y_(j.first + b, i.first + a));
            }
        for (index_t b = j.count - 1; b >= 0; --b) solve_column(leaf, b);
        for (index_t b = 0; b < j.count; ++b)
            for (index_t a = 0; a < i.count; ++a) {
                y_(i.first + a, j.first + b) = leaf.p_col(b)[a];
                y_(j.first + b, i.first + a) = starred(leaf.w_col(b)[a]);
            }
    }

    /// From the last row to the first; the columns after b are known.
    void solve_column(Leaf& leaf, index_t b) {
        const auto& [fa, fb, fc, fd] = forms_;
        const index_t j = leaf.j0 + b;
        Products sum = later_columns(leaf, b);
        T *const p = leaf.p_col(b), *const w = leaf.w_col(b);
        for (index_t row = leaf.rows - 1; row >= 0; --row) {
            const index_t i = leaf.i0 + row;
            T &pb = sum.pb[at(row)], &pc = sum.pc[at(row)], &wa = sum.wa[at(row)],
              &wd = sum.wd[at(row)];
            p[row] -= times(entry(fa, i, i), pb) + times(entry(fc, i, i), wd);
            w[row] -= times(entry(fd, i, i), pc) + times(entry(fb, i, i), wa);
            solve_entries(i, j, p[row], w[row]);
            pb += times(p[row], starred(entry(fb, j, j)));
            pc += times(p[row], starred(entry(fc, j, j)));
            wa += times(w[row], starred(entry(fa, j, j)));
            wd += times(w[row], starred(entry(fd, j, j)));
            subtract_above(fa, leaf.i0, row, pb, p);
            subtract_above(fc, leaf.i0, row, wd, p);
            subtract_above(fd, leaf.i0, row, pc, w);
            subtract_above(fb, leaf.i0, row, wa, w);
        }
    }

    static constexpr std::size_t at(index_t k) { return static_cast<std::size_t>(k); }

    Products later_columns(Leaf& leaf, index_t b) const {
        Products sum;
        const auto add = [&](const Matrix<T>* t, index_t c, const T* x, Vector& to) {
            if (t) add_multiple(leaf.rows, starred((*t)(leaf.j0 + b, leaf.j0 + c)), x, to.data());
        };
        for (index_t c = b + 1; c < leaf.cols; ++c) {
            add(forms_.b, c, leaf.p_col(c), sum.pb);
            add(forms_.c, c, leaf.p_col(c), sum.pc);
            add(forms_.a, c, leaf.w_col(c), sum.wa);
            add(forms_.d, c, leaf.w_col(c), sum.wd);
        }
        return sum;
    }

    /// y <- y - x t, t the entries above the diagonal one in a row of the leaf.
    static void subtract_above(const Matrix<T>* t, index_t i0, index_t row, T x, T* y) {
        if (t) add_multiple(row, -x, &(*t)(i0, i0 + row), y);
    }

    void solve_entries(index_t i, index_t j, T& p, T& w) {
        const auto pivot = [&](const Matrix<T>* left, const Matrix<T>* right) {
            return times(entry(left, i, i), starred(entry(right, j, j)));
        };
        const auto& [a, b, c, d] = forms_;
        const TwoByTwo<T> matrix = {{pivot(a, b), pivot(c, d)}, {pivot(d, c), pivot(b, a)}};
        note_pivot(solve_two_by_two<T>(matrix, p, w, floor_));
    }

    void solve_diagonal(index_t i) {
        T& y = y_(i, i);
        if (star_ == Star::adjoint) {
            T conjugate = std::conj(y);
            solve_entries(i, i, y, conjugate);
            y = (y + std::conj(conjugate)) * R(0.5);
            return;
        }
        const auto& [a, b, c, d] = forms_;
        const T pivot =
            times(entry(a, i, i), entry(b, i, i)) + times(entry(c, i, i), entry(d, i, i));
        note_pivot(std::abs(pivot));
        y = times(y, reciprocal(std::abs(pivot) < floor_ ? T(floor_) : pivot));
    }

    void note_pivot(R size) { smallest_pivot_ = std::min(smallest_pivot_, size); }

    Star star_;
    const StarForms<T>& forms_;
    R floor_;
    Matrix<T>& y_;
    R smallest_pivot_ = std::numeric_limits<R>::max();
};

template <class T>
real_t<T> largest_entry(const Matrix<T>* a) {
    return a ? max_abs<T>(a->view()) : 1;
}

template <class T>
TriangularReport<real_t<T>> solve_forms(Star star, const StarForms<T>& forms, Matrix<T>& y) {
    using R = real_t<T>;
    constexpr R eps = std::numeric_limits<R>::epsilon();
    const index_t n = y.rows();
    if (n == 0) return {};
    const auto& [a, b, c, d] = forms;
    // Singular to far beyond rounding, and quotients by it are still in range.
    const R floor =
        eps * eps *
        std::max(largest_entry(a) * largest_entry(b), largest_entry(c) * largest_entry(d));
    const R huge = largest_untransformed<R>(n * n);
    // Room for a solution twice as long in exponents; what underflows is below eps^2.
    const int room = std::numeric_limits<R>::max_exponent * 3 / 4;

    TriangularReport<R> report;
    const Matrix<T> f = y;
    for (const int exponent : {0, room}) {
        copy_scaled<T>(f.view(), y.view(), -exponent);
        TSylvesterSolver<T> solver(star, forms, floor, y);
        solver.solve({0, n});
        report.exponent = exponent;
        report.smallest_pivot = solver.smallest_pivot();
        report.overflowed = !(max_abs<T>(y.view()) < huge);
        if (!report.overflowed) break;
    }
    report.exponent += normalise(y.view());
    return report;
}

template <class T>
void apply_forms(Star star, const StarForms<T>& forms, Matrix<T>& y) {
    Matrix<T> image(y.rows(), y.cols());
    const auto letter = static_cast<char>(star);
    const auto add = [&](const Matrix<T>* left, char op, const Matrix<T>* right) {
        if (!left) return add_product(T(1), op, y, letter, *right, T(1), image);
        if (!right) return add_product(T(1), 'N', *left, op, y, T(1), image);
        add_product(T(1), 'N', *left, 'N', product(op, y, letter, *right), T(1), image);
    };
    add(forms.a, 'N', forms.b);
    add(forms.c, letter, forms.d);
    copy_scaled<T>(std::as_const(image).view(), y.view(), 0);  // y.data() must not change
}

/// act(forms, y), or with `adjoint` the same of the adjoint equation: with J the reversal of order
/// and Z = J Y J, that of the forms J A^H J, J B^H J, J D^H J and J C^H J.
template <class T, class Act>
auto act_oriented(bool adjoint, const StarForms<T>& forms, Matrix<T>& y, Act&& act) {
    if (!adjoint) return act(forms, y);
    const std::array<const Matrix<T>*, 4> given{forms.a, forms.b, forms.d, forms.c};
    std::array<Matrix<T>, 4> owned;
    std::array<const Matrix<T>*, 4> turned{};
    for (std::size_t k = 0; k < 4; ++k) {
        if (!given[k]) continue;
        owned[k] = reversed_adjoint(*given[k]);
        turned[k] = &owned[k];
    }
    reverse_order(y);
    const auto report = act(StarForms<T>{turned[0], turned[1], turned[2], turned[3]}, y);
    reverse_order(y);
    return report;
}

}  // namespace

template <class T>
TriangularReport<real_t<T>> solve_triangular_tsylvester(Star star, bool adjoint,
                                                        const StarForms<T>& forms, Matrix<T>& y) {
    return act_oriented(adjoint, forms, y, [star](const StarForms<T>& f, Matrix<T>& x) {
        return solve_forms(star, f, x);
    });
}

template <class T>
void apply_triangular_tsylvester(Star star, bool adjoint, const StarForms<T>& forms, Matrix<T>& y) {
    act_oriented(adjoint, forms, y, [star](const StarForms<T>& f, Matrix<T>& x) {
        apply_forms(star, f, x);
        return true;
    });
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template TriangularReport<real_t<T>> solve_triangular_tsylvester(                              \
        Star, bool, const StarForms<T>&, Matrix<T>&);                                              \
    template void apply_triangular_tsylvester(Star, bool, const StarForms<T>&, Matrix<T>&);
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
