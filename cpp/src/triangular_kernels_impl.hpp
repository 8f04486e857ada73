// The text of all sets of triangular kernels. A file that includes it defines OTIMES_KERNEL_SET,
// the name of the set's namespace. As in mode_kernels_impl.hpp, no inline function from elsewhere
// may be called here.
//
// A 2x2 bump [a b; c a], bc < 0, of S turns two columns of X into one complex column: with
// d = sqrt(-b/c), w = b/d and Z = X_1 + i X_2/d it acts on Z as the number a + iw. A bump of T is
// eliminated by its inverse, whose determinant is the product of two pivots, of t + iv and t - iv.
// So every division is one by a pivot, and all divisions of a column are made at once.

#include <math.h>  // sqrt

#include "otimes/triangular_kernels.hpp"

namespace otimes::OTIMES_KERNEL_SET {
namespace {

constexpr index_t lanes = triangular_leaf;

template <class T>
struct RealOf {
    using type = T;
    static constexpr bool complex = false;
};
template <class R>
struct RealOf<std::complex<R>> {
    using type = R;
    static constexpr bool complex = true;
};
template <class T>
using Real = typename RealOf<T>::type;

/// One column, real parts and imaginary parts apart; rows beyond the block hold zeros.
template <class R>
struct alignas(64) Column {
    R re[lanes], im[lanes];
};

/// One number, or one eigenvalue of a bump.
template <class R>
struct Number {
    R re, im;
};

template <class R>
R square_root(R x) {
    return static_cast<R>(sqrt(static_cast<double>(x)));
}

template <class R, bool complex>
Number<R> number_at(const R* a, index_t offset) {
    if constexpr (complex)
        return {a[2 * offset], a[2 * offset + 1]};
    else
        return {a[offset], R(0)};
}

/// T as the column sweeps want it: strictly triangular columns, the diagonal and the bumps apart.
template <class R>
struct alignas(64) LeftFactor {
    Column<R> strict[lanes];
    Column<R> diagonal;  // rows beyond the block repeat the last one's eigenvalue
    R bump[lanes];       // v of t +- iv; 0 outside of bumps
    R other[lanes];      // the entry of the row's bump beside the diagonal
    bool joined[lanes];  // this row and the one before are a bump
};

template <class T, class R = Real<T>>
void take_left(const MatrixView<const T>& view, LeftFactor<R>& t) {
    constexpr bool complex = RealOf<T>::complex;
    const R* const a = reinterpret_cast<const R*>(view.data);
    const index_t m = view.rows, ld = view.col_stride;
    for (index_t k = 0; k < lanes; ++k) {
        const index_t row = k < m ? k : m - 1;
        const Number<R> d = number_at<R, complex>(a, row + row * ld);
        t.diagonal.re[k] = d.re;
        t.diagonal.im[k] = d.im;
        t.bump[k] = t.other[k] = R(0);
        t.joined[k] = false;
    }
    for (index_t k = 0; k < m; ++k) {
        if constexpr (!complex)
            if (k > 0 && a[k + (k - 1) * ld] != R(0)) {
                const R b = a[k - 1 + k * ld], c = a[k + (k - 1) * ld];
                t.joined[k] = true;
                t.other[k - 1] = b;
                t.other[k] = c;
                t.bump[k - 1] = t.bump[k] =
                    square_root(b < 0 ? -b : b) * square_root(c < 0 ? -c : c);
            }
        const index_t above = t.joined[k] ? k - 1 : k;
        for (index_t i = 0; i < lanes; ++i) {
            const Number<R> z = i < above ? number_at<R, complex>(a, i + k * ld) : Number<R>{};
            t.strict[k].re[i] = z.re;
            t.strict[k].im[i] = z.im;
        }
    }
    for (index_t k = m; k < lanes; ++k) t.bump[k] = t.bump[m - 1];
}

/// T X + X S.
struct Sylvester {
    static constexpr bool two_sided = false;
    /// The pivot of eigenvalue t and shift s.
    template <class R>
    static Number<R> pivot(R, Number<R> t, Number<R> s) {
        return {t.re + s.re, t.im + s.im};
    }
    /// The coefficient of the entry t beside a bump's diagonal.
    template <class R>
    static Number<R> beside(R t, Number<R>) {
        return {t, R(0)};
    }
};

/// identity X - T X S.
struct Stein {
    static constexpr bool two_sided = true;
    template <class R>
    static Number<R> pivot(R identity, Number<R> t, Number<R> s) {
        return {identity - (t.re * s.re - t.im * s.im), -(t.re * s.im + t.im * s.re)};
    }
    template <class R>
    static Number<R> beside(R t, Number<R> s) {
        return {-t * s.re, -t * s.im};
    }
};

/// The inverse of the diagonal blocks for one shift: row k of X is `own` times row k of the right-
/// hand side minus `other` times the row that shares its bump.
template <class R>
struct Inverses {
    Column<R> own, other;
};

template <class R>
Number<R> product(Number<R> a, Number<R> b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/// 1/p, or 1/tiny if |p| is below that; `smallest` is lowered to |p|^2.
template <class R>
Number<R> guarded_reciprocal(Number<R> p, R tiny, R& smallest) {
    const R square = p.re * p.re + p.im * p.im;
    smallest = square < smallest ? square : smallest;
    const bool small = square < tiny * tiny;
    const R divisor = R(1) / (small ? tiny * tiny : square);
    return {(small ? tiny : p.re) * divisor, small ? R(0) : -p.im * divisor};
}

template <class Rule, class R>
R invert_diagonal(const LeftFactor<R>& t, Number<R> s, R identity, R tiny, Inverses<R>& inverse) {
    R smallest[lanes];
    for (index_t k = 0; k < lanes; ++k) {
        const Number<R> d{t.diagonal.re[k], t.diagonal.im[k]};
        smallest[k] = R(0x1p100);
        const Number<R> plus = guarded_reciprocal(
            Rule::pivot(identity, Number<R>{d.re, d.im + t.bump[k]}, s), tiny, smallest[k]);
        const Number<R> minus = guarded_reciprocal(
            Rule::pivot(identity, Number<R>{d.re, d.im - t.bump[k]}, s), tiny, smallest[k]);
        const bool single = t.bump[k] == R(0);
        const Number<R> both = product(plus, minus);
        const Number<R> own = product(Rule::pivot(identity, d, s), both);
        const Number<R> other = product(Rule::beside(t.other[k], s), both);
        inverse.own.re[k] = single ? plus.re : own.re;
        inverse.own.im[k] = single ? plus.im : own.im;
        inverse.other.re[k] = single ? R(0) : other.re;
        inverse.other.im[k] = single ? R(0) : other.im;
    }
    R least = smallest[0];
    for (index_t k = 1; k < lanes; ++k) least = smallest[k] < least ? smallest[k] : least;
    return least;
}

/// Columns of X (and of W) are complex if T is, or if they stand for two real ones.
template <class Rule, class R, bool complex_t, bool complex_x>
struct Sweep {
    const LeftFactor<R>& t;
    const Inverses<R>& inverse;
    Number<R> s;
    Column<R>&x, &w;

    static Number<R> at(const Column<R>& c, index_t k) {
        if constexpr (complex_x)
            return {c.re[k], c.im[k]};
        else
            return {c.re[k], R(0)};
    }
    static void put(Column<R>& c, index_t k, Number<R> z) {
        c.re[k] = z.re;
        if constexpr (complex_x) c.im[k] = z.im;
    }
    static Number<R> multiply(Number<R> a, Number<R> b) {
        if constexpr (complex_x)
            return product(a, b);
        else
            return {a.re * b.re, R(0)};
    }

    Number<R> right_side(index_t k, index_t partner) const {
        const Number<R> c = at(x, k);
        if constexpr (!Rule::two_sided) return c;
        const Number<R> d = multiply({t.diagonal.re[k], t.diagonal.im[k]}, at(w, k));
        const Number<R> o = partner == k ? Number<R>{} : at(w, partner);
        return {c.re + d.re + t.other[k] * o.re, c.im + d.im + t.other[k] * o.im};
    }

    /// The factor of T's column k in the rows above, once row k of X is known.
    Number<R> settle(index_t k, Number<R> value) const {
        put(x, k, value);
        if constexpr (!Rule::two_sided) return {-value.re, -value.im};
        const Number<R> old = at(w, k), share = multiply(s, value);
        const Number<R> sum{old.re + share.re, old.im + share.im};
        put(w, k, sum);
        return sum;
    }

    void add_column(index_t k, Number<R> f) const {
        const Column<R>& column = t.strict[k];
        for (index_t i = 0; i < lanes; ++i) {
            if constexpr (complex_t) {
                x.re[i] += f.re * column.re[i] - f.im * column.im[i];
                x.im[i] += f.re * column.im[i] + f.im * column.re[i];
            } else {
                x.re[i] += f.re * column.re[i];
                if constexpr (complex_x) x.im[i] += f.im * column.re[i];
            }
        }
    }

    Number<R> divided(index_t k, Number<R> own, Number<R> partner) const {
        const Number<R> a = multiply(at(inverse.own, k), own);
        const Number<R> b = multiply(at(inverse.other, k), partner);
        return {a.re - b.re, a.im - b.im};
    }

    /// Back substitution from the last row up.
    void run(index_t rows) const {
        for (index_t k = rows - 1; k >= 0; --k) {
            if (t.joined[k]) {
                const Number<R> low = right_side(k, k - 1), high = right_side(k - 1, k);
                const Number<R> f = settle(k, divided(k, low, high));
                const Number<R> g = settle(k - 1, divided(k - 1, high, low));
                add_column(k, f);
                add_column(--k, g);
            } else {
                add_column(k, settle(k, multiply(at(inverse.own, k), right_side(k, k))));
            }
        }
    }
};

/// One block equation, left to right over the columns of X.
template <class Rule, class T>
class BlockSolver {
    using R = Real<T>;
    static constexpr bool complex = RealOf<T>::complex;

  public:
    explicit BlockSolver(const TriangularBlock<T>& block)
        : block_(block),
          s_(reinterpret_cast<const R*>(block.s.data)),
          s_ld_(block.s.col_stride),
          columns_(block.s.rows) {
        take_left<T>(block.t, t_);
    }

    R run() {
        for (index_t j = 0; j < columns_; ++j) {
            if (!complex && j + 1 < columns_ && s_[j + 1 + j * s_ld_] != R(0)) {
                solve_pair(j);
                ++j;
            } else {
                solve_single(j);
            }
        }
        return square_root(smallest_);
    }

  private:
    void solve_single(index_t j) {
        load(j, j);
        sweep<complex>(number_at<R, complex>(s_, j + j * s_ld_), x_[j],
                       w_[Rule::two_sided ? j : 0]);
        store(j);
    }

    /// Columns j and j+1 under a bump of S, as one complex column.
    void solve_pair(index_t j) {
        const R above = s_[j + (j + 1) * s_ld_], below = s_[j + 1 + j * s_ld_];
        const R d = square_root(-above / below);
        load(j, j);
        load(j + 1, j);
        join(x_[j], x_[j + 1], R(1) / d);
        if constexpr (Rule::two_sided) join(w_[j], w_[j + 1], R(1) / d);
        sweep<true>({s_[j + j * s_ld_], above / d}, x_[j], w_[Rule::two_sided ? j : 0]);
        part(x_[j], x_[j + 1], d);
        if constexpr (Rule::two_sided) part(w_[j], w_[j + 1], d);
        store(j);
        store(j + 1);
    }

    static void join(Column<R>& first, const Column<R>& second, R factor) {
        for (index_t i = 0; i < lanes; ++i) first.im[i] = factor * second.re[i];
    }
    static void part(const Column<R>& first, Column<R>& second, R factor) {
        for (index_t i = 0; i < lanes; ++i) second.re[i] = factor * first.im[i];
    }

    template <bool complex_x>
    void sweep(Number<R> s, Column<R>& x, Column<R>& w) {
        Inverses<R> inverse;
        const R least = invert_diagonal<Rule>(t_, s, block_.identity, block_.tiny, inverse);
        smallest_ = least < smallest_ ? least : smallest_;
        Sweep<Rule, R, complex, complex_x>{t_, inverse, s, x, w}.run(block_.t.rows);
    }

    /// Fetch column j and add what the first `solved` columns contribute.
    void load(index_t j, index_t solved) {
        fetch(block_.x, j, x_[j]);
        if constexpr (Rule::two_sided) fetch(block_.w, j, w_[j]);
        Column<R>& target = Rule::two_sided ? w_[j] : x_[j];
        constexpr R sign = Rule::two_sided ? R(1) : R(-1);
        for (index_t k = 0; k < solved; ++k) {
            const Number<R> s = number_at<R, complex>(s_, k + j * s_ld_);
            const Number<R> f{sign * s.re, sign * s.im};
            for (index_t i = 0; i < lanes; ++i) {
                if constexpr (complex) {
                    target.re[i] += f.re * x_[k].re[i] - f.im * x_[k].im[i];
                    target.im[i] += f.re * x_[k].im[i] + f.im * x_[k].re[i];
                } else {
                    target.re[i] += f.re * x_[k].re[i];
                }
            }
        }
    }

    void store(index_t j) {
        put(x_[j], block_.x, j);
        if constexpr (Rule::two_sided) put(w_[j], block_.w, j);
    }

    static void fetch(const MatrixView<T>& from, index_t j, Column<R>& to) {
        constexpr index_t parts = complex ? 2 : 1;
        const R* const a = reinterpret_cast<const R*>(from.data) + parts * j * from.col_stride;
        for (index_t i = 0; i < lanes; ++i) to.re[i] = to.im[i] = R(0);
        for (index_t i = 0; i < from.rows; ++i) {
            to.re[i] = a[parts * i];
            if constexpr (complex) to.im[i] = a[parts * i + 1];
        }
    }
    static void put(const Column<R>& from, const MatrixView<T>& to, index_t j) {
        constexpr index_t parts = complex ? 2 : 1;
        R* const a = reinterpret_cast<R*>(to.data) + parts * j * to.col_stride;
        for (index_t i = 0; i < to.rows; ++i) {
            a[parts * i] = from.re[i];
            if constexpr (complex) a[parts * i + 1] = from.im[i];
        }
    }

    const TriangularBlock<T>& block_;
    const R* s_;
    index_t s_ld_, columns_;
    R smallest_ = R(0x1p100);
    LeftFactor<R> t_;
    Column<R> x_[lanes], w_[Rule::two_sided ? lanes : 1];
};

template <class Rule, class T>
Real<T> solve_block(const TriangularBlock<T>& block) {
    return BlockSolver<Rule, T>(block).run();
}

}  // namespace

template <class T>
const TriangularKernels<T>& triangular_kernels() {
    static constexpr TriangularKernels<T> table{solve_block<Sylvester, T>, solve_block<Stein, T>};
    return table;
}

template const TriangularKernels<float>& triangular_kernels();
template const TriangularKernels<double>& triangular_kernels();
template const TriangularKernels<std::complex<float>>& triangular_kernels();
template const TriangularKernels<std::complex<double>>& triangular_kernels();

}  // namespace otimes::OTIMES_KERNEL_SET
