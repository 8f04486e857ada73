// The text of the kernels for small equations, of all sets and for one equation alone: see
// lanes_impl.hpp for what a file that includes it defines, and for what may not be called here.

#include <cstdint>

#include "lanes_impl.hpp"
#include "otimes/small_kernels.hpp"

namespace otimes::OTIMES_KERNEL_SET {
namespace {

template <class T>
OTIMES_INLINE void put_result(const SmallGroup<T>& group, index_t which,
                              const Lanes<typename Number<T>::R>& value) {
    std::memcpy(group.results + which * lane_count<typename Number<T>::R>, &value, sizeof value);
}

// --- LU, with the pivots of every lane its own ---------------------------------------------------

/// P A = L U with partial pivoting. The rows of L stay where they were when they were computed:
/// solving exchanges as it eliminates.
template <class T>
class LaneLU {
    using R = typename Number<T>::R;

  public:
    /// The n x n matrices at lu, which stay there, are overwritten.
    LaneLU(Number<T>* lu, index_t n) : lu_(lu), n_(n) {
        for (index_t k = 0; k < n; ++k) {
            choose_pivots(k);
            eliminate(k);
        }
    }

    /// x <- A^-1 x
    void solve(Number<T>* x) const {
        for (index_t k = 0; k < n_; ++k) {
            exchange(x, k);
            const Number<T> xk = x[k];
            for (index_t i = k + 1; i < n_; ++i) x[i].subtract_product(lu(i, k), xk);
        }
        for (index_t k = n_ - 1; k >= 0; --k) {
            const Number<T> xk = x[k] = x[k].times(inverse_pivot_[k]);
            for (index_t i = 0; i < k; ++i) x[i].subtract_product(lu(i, k), xk);
        }
    }

    /// x <- A^-H x
    void solve_adjoint(Number<T>* x) const {
        for (index_t k = 0; k < n_; ++k) {
            const Number<T> xk = x[k] = x[k].times(inverse_pivot_[k].conj());
            for (index_t i = k + 1; i < n_; ++i) x[i].subtract_product(lu(k, i).conj(), xk);
        }
        for (index_t k = n_ - 1; k >= 0; --k) {
            Number<T> even = x[k], odd{};  // two chains: each waits for its last product
            index_t i = k + 1;
            for (; i + 1 < n_; i += 2) {
                even.subtract_product(lu(i, k).conj(), x[i]);
                odd.subtract_product(lu(i + 1, k).conj(), x[i + 1]);
            }
            if (i < n_) even.subtract_product(lu(i, k).conj(), x[i]);
            even.add(odd);
            x[k] = even;
            exchange(x, k);
        }
    }

  private:
    OTIMES_INLINE const Number<T>& lu(index_t i, index_t k) const { return lu_[i + k * n_]; }

    void choose_pivots(index_t k) {
        const Number<T>* const column = lu_ + k * n_;
        Lanes<R> best = column[k].size();
        Integers<R> row = all_integers<R>(k);
        for (index_t i = k + 1; i < n_; ++i) {
            const Lanes<R> size = column[i].size();
            const auto larger = size > best;
            best = larger ? size : best;
            row = larger ? all_integers<R>(i) : row;
        }
        pivot_[k] = row;
        list_exchanges(k);
    }

    /// The rows that are some lane's pivot, without row k itself.
    void list_exchanges(index_t k) {
        typename Format<R>::integer rows[lane_count<R>];
        std::memcpy(rows, &pivot_[k], sizeof rows);
        std::uint64_t wanted = 0;
        for (const auto row : rows) wanted |= std::uint64_t{1} << row;
        index_t count = 0;
        for (index_t i = k + 1; i < n_; ++i) {  // without a branch: nobody could predict it
            exchanged_[k][count] = static_cast<unsigned char>(i);
            count += static_cast<index_t>(wanted >> i & 1);
        }
        exchanges_[k] = count;
    }

    /// Bring the pivots of step k to row k, in `width` columns.
    template <int width = 1>
    OTIMES_INLINE void exchange(Number<T>* columns, index_t k) const {
        Number<T> top[width];
        for (int j = 0; j < width; ++j) top[j] = columns[k + j * n_];
        for (index_t c = 0; c < exchanges_[k]; ++c) {
            const index_t i = exchanged_[k][c];
            const auto here = pivot_[k] == all_integers<R>(i);
            for (int j = 0; j < width; ++j) exchange_where<T>(here, top[j], columns[i + j * n_]);
        }
        for (int j = 0; j < width; ++j) columns[k + j * n_] = top[j];
    }

    void eliminate(index_t k) {
        Number<T>* const column = lu_ + k * n_;
        exchange(column, k);
        inverse_pivot_[k] = column[k].reciprocal();
        for (index_t i = k + 1; i < n_; ++i) column[i] = column[i].times(inverse_pivot_[k]);
        index_t j = k + 1;
        for (; j + 4 <= n_; j += 4) update<4>(k, j);
        for (; j < n_; ++j) update<1>(k, j);
    }

    /// Columns j, ... in step k.
    template <int width>
    void update(index_t k, index_t j) {
        const Number<T>* const column = lu_ + k * n_;
        Number<T>* const target = lu_ + j * n_;
        exchange<width>(target, k);
        Number<T> top[width];
        for (int c = 0; c < width; ++c) top[c] = target[k + c * n_];
        for (index_t i = k + 1; i < n_; ++i)
            for (int c = 0; c < width; ++c) target[i + c * n_].subtract_product(column[i], top[c]);
    }

    Number<T>* lu_;  // column-major
    index_t n_;
    Number<T> inverse_pivot_[kronecker_limit];
    Integers<R> pivot_[kronecker_limit];
    index_t exchanges_[kronecker_limit];
    unsigned char exchanged_[kronecker_limit][lane_count<R> + 1];
};

// --- the equation --------------------------------------------------------------------------------

/// The matrix of an equation in vec coordinates, its entries near 1: 2^exponent M.
template <class T>
class LaneEquation {
    using R = typename Number<T>::R;

  public:
    explicit LaneEquation(const SmallGroup<T>& group)
        : group_(group),
          n_(group.rows * group.cols),
          matrix_(reinterpret_cast<Number<T>*>(group.work)) {
        normalise_coefficients();
        for (index_t k = 0; k < n_ * n_; ++k) matrix_[k] = Number<T>{};
        for (index_t t = 0; t < group.term_count; ++t) add_term(t);
    }

    const Integers<R>& exponent() const { return exponent_; }

    Number<T>* copy_matrix() const {
        Number<T>* const copy = matrix_ + n_ * n_;
        for (index_t k = 0; k < n_ * n_; ++k) copy[k] = matrix_[k];
        return copy;
    }

    /// r <- r - M x
    void subtract_image(const Number<T>* x, Number<T>* r) const {
        Number<T> y[kronecker_limit];
        for (index_t i = 0; i < n_; ++i) y[i] = x[i];
        apply(y);
        for (index_t i = 0; i < n_; ++i) r[i].subtract(y[i]);
    }

    /// x <- M x
    void apply(Number<T>* x) const {
        multiply(x, [&](index_t i, index_t k) { return matrix_[i + k * n_]; });
    }

    /// x <- M^H x
    void apply_adjoint(Number<T>* x) const {
        multiply(x, [&](index_t i, index_t k) { return matrix_[k + i * n_].conj(); });
    }

  private:
    /// x <- F x, four rows at a time: as many chains of products keep the multipliers busy.
    template <class Entry>
    OTIMES_INLINE void multiply(Number<T>* x, Entry&& entry) const {
        Number<T> y[kronecker_limit];
        const auto rows = [&]<int count>(index_t i) {
            Number<T> sum[count] = {};
            for (index_t k = 0; k < n_; ++k)
                for (int r = 0; r < count; ++r) sum[r].add_product(entry(i + r, k), x[k]);
            for (int r = 0; r < count; ++r) y[i + r] = sum[r];
        };
        index_t i = 0;
        for (; i + 4 <= n_; i += 4) rows.template operator()<4>(i);
        for (; i < n_; ++i) rows.template operator()<1>(i);
        for (index_t k = 0; k < n_; ++k) x[k] = y[k];
    }

    /// Every coefficient near 1; the exponents of the terms follow from theirs.
    void normalise_coefficients() {
        Integers<R> exponents[small_coefficients];
        Lanes<R> squares[small_coefficients];
        for (index_t c = 0; c < group_.coefficient_count; ++c) {
            const auto& coefficient = group_.coefficients[c];
            const index_t count = coefficient.rows * coefficient.cols;
            Number<T>* const entries = reinterpret_cast<Number<T>*>(coefficient.entries);
            exponents[c] = exponent_of<R>(largest_bits<T>(entries, count));
            scale_all<T>(entries, count, -exponents[c]);
            squares[c] = squared_norm<T>(entries, count);
        }
        for (index_t t = 0; t < group_.term_count; ++t) {
            exponents_[t] = Integers<R>{};
            squares_[t] = all<R>(1);
            const auto include = [&](const SmallFactor& factor) {
                if (factor.coefficient < 0) return;
                exponents_[t] += exponents[factor.coefficient];
                squares_[t] *= squares[factor.coefficient];
            };
            include(group_.terms[t].left);
            include(group_.terms[t].right);
            exponent_ = t == 0 || exponents_[t] > exponent_ ? exponents_[t] : exponent_;
        }
    }

    /// Entry (i, j) of op(C).
    Number<T> entry(const SmallFactor& factor, index_t i, index_t j) const {
        const auto& c = group_.coefficients[factor.coefficient];
        const auto* const entries = reinterpret_cast<const Number<T>*>(c.entries);
        if (factor.op == 'N') return entries[i + j * c.rows];
        const Number<T> transposed = entries[j + i * c.rows];
        return factor.op == 'C' ? transposed.conj() : transposed;
    }

    /// M += 2^(exponents_[t] - exponent_) times the matrix of term t: (L X R)(i, j) is the sum of
    /// L(i, a) X(a, b) R(b, j), or of L(i, a) X(b, a) R(b, j).
    void add_term(index_t t) {
        const SmallTerm& term = group_.terms[t];
        const index_t ld = group_.rows, m = ld / group_.stacked, n = group_.cols;
        Number<T>* const block = matrix_ + term.to * m + term.from * m * n_;
        const index_t a_count = term.transposed ? n : m, b_count = term.transposed ? m : n;
        const LanePowers<R> power(exponents_[t] - exponent_);
        const Lanes<R> scale = power(all<R>(static_cast<R>(term.sign)));
        put_result(group_, small_term + t, squares_[t] * scale * scale);
        const auto each = [](const SmallFactor& factor, index_t own, index_t count, auto&& body) {
            if (factor.coefficient < 0) return body(own);
            for (index_t k = 0; k < count; ++k) body(k);
        };
        for (index_t j = 0; j < n; ++j)
            each(term.right, j, b_count, [&](index_t b) {
                Number<T> right{};
                right.re = scale;
                if (term.right.coefficient >= 0) right = entry(term.right, b, j).scaled(scale);
                for (index_t i = 0; i < m; ++i)
                    each(term.left, i, a_count, [&](index_t a) {
                        const index_t unknown = term.transposed ? b + a * ld : a + b * ld;
                        Number<T>& target = block[(i + j * ld) + unknown * n_];
                        if (term.left.coefficient < 0)
                            target.add(right);
                        else
                            target.add_product(entry(term.left, i, a), right);
                    });
            });
    }

    const SmallGroup<T>& group_;
    index_t n_;
    Number<T>* matrix_;  // column-major
    Integers<R> exponent_{}, exponents_[small_terms];
    Lanes<R> squares_[small_terms];
};

/// ||F||_2^2 from below by two steps of power iteration on F^H F; both maps work in place.
template <class T, class Map, class Adjoint>
Lanes<typename Number<T>::R> squared_map_norm(const T* start, index_t n, Map&& map,
                                              Adjoint&& adjoint) {
    using R = typename Number<T>::R;
    const auto* entries = reinterpret_cast<const R*>(start);
    Number<T> z[kronecker_limit];
    for (index_t k = 0; k < n; ++k) {
        z[k].re = all<R>(*entries++);
        if constexpr (Number<T>::parts == 2) z[k].im = all<R>(*entries++);
    }
    Lanes<R> before{};
    for (int step = 0; step < 2; ++step) {
        map(z);
        before = squared_norm<T>(z, n);
        const Lanes<R> inverse = all<R>(1) / before;  // no square root: z is now 1/||z|| long
        for (index_t k = 0; k < n; ++k) z[k] = z[k].scaled(inverse);
        adjoint(z);
    }
    return squared_norm<T>(z, n) * before;
}

/// x <- M^-1 x for every side, and how well that went.
template <class T>
void solve_sides(const SmallGroup<T>& group, const LaneEquation<T>& equation, const LaneLU<T>& lu) {
    using R = typename Number<T>::R;
    const index_t n = group.rows * group.cols, count = n * group.side_count;
    auto* const x = reinterpret_cast<Number<T>*>(group.sides);
    Number<T> residual[2 * kronecker_limit];
    const Integers<R> exponent = exponent_of<R>(largest_bits<T>(x, count));
    scale_all<T>(x, count, -exponent);
    for (index_t k = 0; k < count; ++k) residual[k] = x[k];
    put_result(group, small_side, squared_norm<T>(x, count));
    for (index_t side = 0; side < count; side += n) {
        lu.solve(x + side);
        equation.subtract_image(x + side, residual + side);
    }
    put_result(group, small_residual, squared_norm<T>(residual, count));
    put_result(group, small_solution, squared_norm<T>(x, count));
    scale_all<T>(x, count, exponent - equation.exponent());
    put_result(group, small_overflow, overflow<T>(x, count));
}

template <class T>
void solve_group(const SmallGroup<T>& group) {
    const index_t n = group.rows * group.cols;
    const LaneEquation<T> equation(group);
    const LaneLU<T> lu(equation.copy_matrix(), n);
    solve_sides<T>(group, equation, lu);
    put_result(group, small_inverse,
               squared_map_norm<T>(
                   group.start, n, [&](Number<T>* z) { lu.solve(z); },
                   [&](Number<T>* z) { lu.solve_adjoint(z); }));
    put_result(group, small_largest,
               squared_map_norm<T>(
                   group.start, n, [&](Number<T>* z) { equation.apply(z); },
                   [&](Number<T>* z) { equation.apply_adjoint(z); }));
}

}  // namespace

#ifdef OTIMES_ONE_LANE
#define OTIMES_SMALL_KERNELS small_lone_kernels
#else
#define OTIMES_SMALL_KERNELS small_kernels
#endif

template <class T>
const SmallKernels<T>& OTIMES_SMALL_KERNELS() {
    static constexpr SmallKernels<T> table{lane_count<typename Number<T>::R>, solve_group<T>};
    return table;
}

template const SmallKernels<float>& OTIMES_SMALL_KERNELS();
template const SmallKernels<double>& OTIMES_SMALL_KERNELS();
template const SmallKernels<std::complex<float>>& OTIMES_SMALL_KERNELS();
template const SmallKernels<std::complex<double>>& OTIMES_SMALL_KERNELS();

}  // namespace otimes::OTIMES_KERNEL_SET
