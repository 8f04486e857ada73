// The text of all sets of Hessenberg kernels, see vector_impl.hpp.
#include "otimes/hessenberg_kernels.hpp"
#include "vector_impl.hpp"

namespace otimes::OTIMES_KERNEL_SET {
namespace {

// --- numbers and columns -------------------------------------------------------------------------

/// A number, or a vector of them; with `complex` false the imaginary part is never looked at.
template <class V, bool complex>
struct Number {
    V re{}, im{};

    friend OTIMES_INLINE Number operator+(Number a, Number b) {
        if constexpr (complex) a.im = a.im + b.im;
        a.re = a.re + b.re;
        return a;
    }
    friend OTIMES_INLINE Number operator-(Number a, Number b) {
        if constexpr (complex) a.im = a.im - b.im;
        a.re = a.re - b.re;
        return a;
    }
    friend OTIMES_INLINE Number operator*(Number a, Number b) {
        if constexpr (complex)
            return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
        else
            return {a.re * b.re};
    }
    OTIMES_INLINE Number conjugate() const {
        if constexpr (complex)
            return {re, V{} - im};
        else
            return *this;
    }
};

template <class R, bool complex>
OTIMES_INLINE R size(Number<R, complex> z) {
    return complex ? absolute(z.re) + absolute(z.im) : absolute(z.re);
}
template <class R, bool complex>
OTIMES_INLINE Number<R, complex> reciprocal(Number<R, complex> z) {
    if constexpr (complex) {
        const R divisor = R(1) / (z.re * z.re + z.im * z.im);
        return {z.re * divisor, -z.im * divisor};
    } else {
        return {R(1) / z.re};
    }
}
template <class R, bool complex>
OTIMES_INLINE Number<Vector<R>, complex> in_all_lanes(Number<R, complex> z) {
    return {broadcast<R>(z.re), broadcast<R>(z.im)};
}

template <class R>
OTIMES_INLINE R sum_of_lanes(Vector<R> v) {
    for (int half = static_cast<int>(reals<R>) / 2; half > 0; half /= 2)
        for (int k = 0; k < half; ++k) v[k] = v[k] + v[k + half];
    return v[0];
}
template <class R, bool complex>
OTIMES_INLINE Number<R, complex> total(Number<Vector<R>, complex> z) {
    if constexpr (complex)
        return {sum_of_lanes<R>(z.re), sum_of_lanes<R>(z.im)};
    else
        return {sum_of_lanes<R>(z.re)};
}

/// A column whose imaginary part, if it has one, stands `step` further on.
template <class R, bool complex>
struct Column {
    using One = Number<R, complex>;
    using Many = Number<Vector<R>, complex>;
    R* re;
    index_t step;

    OTIMES_INLINE One get(index_t k) const {
        if constexpr (complex)
            return {re[k], re[k + step]};
        else
            return {re[k]};
    }
    OTIMES_INLINE void put(index_t k, One z) const {
        re[k] = z.re;
        if constexpr (complex) re[k + step] = z.im;
    }
    OTIMES_INLINE Many vector(index_t k) const {
        if constexpr (complex)
            return {load(re + k), load(re + k + step)};
        else
            return {load(re + k)};
    }
    OTIMES_INLINE void put_vector(index_t k, Many z) const {
        store<R>(re + k, z.re);
        if constexpr (complex) store<R>(re + k + step, z.im);
    }
};

template <class R, bool complex>
OTIMES_INLINE Column<R, complex> column_of(const HessenbergLu<R>& lu, index_t k) {
    return {lu.columns + (complex ? 2 : 1) * packed_size<R>(k), padded_rows<R>(k + 1)};
}

// --- decomposition -------------------------------------------------------------------------------

/// The columns of H + s I on and above the diagonal.
template <class T, bool complex, class R = typename Scalar<T>::real>
OTIMES_INLINE void spread_shifted(const R* h, R re, R im, const HessenbergLu<R>& lu) {
    constexpr index_t parts = Scalar<T>::parts;
    const index_t rows = padded_rows<R>(lu.n);
    for (index_t k = 0; k < lu.n; ++k) {
        const R* const from = h + parts * rows * k;
        const auto to = column_of<R, complex>(lu, k);
        for (index_t i = 0; i < to.step; i += reals<R>)
            to.put_vector(i, {load(from + i), parts == 2 ? load(from + rows + i) : Vector<R>{}});
        to.put(k, to.get(k) + Number<R, complex>{re, im});
    }
}

/// The first `count` numbers, in whole vectors: pivot <- u inverse, rest <- v - f u inverse, where
/// u and v are pivot and rest or, with `swapped`, the other way round.
template <class R, bool complex>
OTIMES_INLINE void eliminate(Column<R, complex> pivot, Column<R, complex> rest, bool swapped,
                             Number<R, complex> inverse, Number<R, complex> f, index_t count) {
    const Column<R, complex> u = swapped ? rest : pivot, v = swapped ? pivot : rest;
    const auto inverses = in_all_lanes(inverse), fs = in_all_lanes(f);
    for (index_t i = 0; i < count; i += reals<R>) {
        const auto unit = u.vector(i) * inverses, old = v.vector(i);
        pivot.put_vector(i, unit);
        rest.put_vector(i, old - unit * fs);
    }
}

/// What stands on and below the diagonal of U's columns is left as it comes: nobody reads it.
template <class T, bool complex, class R = typename Scalar<T>::real>
OTIMES_NOINLINE void factor(const R* h, R re, R im, const HessenbergLu<R>& lu) {
    constexpr index_t parts = Scalar<T>::parts;
    using N = Number<R, complex>;
    const index_t rows = padded_rows<R>(lu.n);
    spread_shifted<T, complex>(h, re, im, lu);
    auto column = column_of<R, complex>(lu, lu.n - 1);
    N last = column.get(lu.n - 1);
    for (index_t k = lu.n - 1; k > 0; --k) {
        const R* const below = h + parts * rows * (k - 1) + k;
        N left{below[0]};
        if constexpr (parts == 2) left.im = below[rows];
        const bool swapped = size(left) > size(last);
        const N inverse = reciprocal(swapped ? left : last), rest = swapped ? last : left;
        const N f = rest * inverse;
        lu.steps[k] = {inverse.re, inverse.im, f.re, f.im, swapped};
        const auto next = column_of<R, complex>(lu, k - 1);
        // Not read back from where it is about to be stored: this is what all steps wait for.
        last = (swapped ? column : next).get(k - 1) -
               (swapped ? next : column).get(k - 1) * inverse * rest;
        eliminate(column, next, swapped, inverse, rest, next.step);
        column = next;
    }
    const N inverse = reciprocal(last);
    lu.steps[0] = {inverse.re, inverse.im, R(0), R(0), false};
}

// --- solution ------------------------------------------------------------------------------------

template <bool complex, class R>
OTIMES_INLINE Number<R, complex> inverse_of(const HessenbergStep<R>& step) {
    return {step.inverse_re, step.inverse_im};
}
template <bool complex, class R>
OTIMES_INLINE Number<R, complex> factor_of(const HessenbergStep<R>& step) {
    return {step.factor_re, step.factor_im};
}

/// Rows that are solved for at once: the ones before them wait for the memory only so often.
constexpr int strip = 4;

/// Back substitution for the rows from `first` on: z <- U^-1 x there, x loses their columns.
template <int count, class R, bool complex>
OTIMES_INLINE void substitute(const HessenbergLu<R>& lu, index_t first, Column<R, complex> x,
                              Column<R, complex> z) {
    Number<R, complex> values[count];
    Column<R, complex> u[count];
    Number<Vector<R>, complex> factors[count];
    for (int c = 0; c < count; ++c) {
        values[c] = x.get(first + c);
        u[c] = column_of<R, complex>(lu, first + c);
    }
    for (int c = count - 1; c >= 0; --c) {
        z.put(first + c, values[c]);
        factors[c] = in_all_lanes(values[c]);
        for (int r = c - 1; r >= 0; --r) values[r] = values[r] - u[c].get(first + r) * values[c];
    }
    for (index_t i = 0; i < first; i += reals<R>) {
        auto rest = x.vector(i);
        for (int c = 0; c < count; ++c) rest = rest - u[c].vector(i) * factors[c];
        x.put_vector(i, rest);
    }
}

/// x <- M D^-1 U^-1 x
template <class R, bool complex>
OTIMES_NOINLINE void solve(const HessenbergLu<R>& lu, Column<R, complex> x, Column<R, complex> z) {
    using N = Number<R, complex>;
    index_t left = lu.n;
    while (left % strip != 0) substitute<1>(lu, --left, x, z);
    while (left > 0) substitute<strip>(lu, left -= strip, x, z);
    N t = z.get(0) * inverse_of<complex>(lu.steps[0]);
    for (index_t k = 1; k < lu.n; ++k) {
        const HessenbergStep<R>& step = lu.steps[k];
        const N r = z.get(k) * inverse_of<complex>(step) - factor_of<complex>(step) * t;
        x.put(k - 1, step.swapped ? r : t);
        t = step.swapped ? t : r;
    }
    x.put(lu.n - 1, t);
}

/// Forward substitution for the rows from `first` on: z <- U^-H x there; z is zero below.
template <int count, class R, bool complex>
OTIMES_INLINE void substitute_adjoint(const HessenbergLu<R>& lu, index_t first,
                                      Column<R, complex> x, Column<R, complex> z) {
    Number<R, complex> values[count];
    Column<R, complex> u[count];
    Number<Vector<R>, complex> dots[count];
    for (int c = 0; c < count; ++c) {
        u[c] = column_of<R, complex>(lu, first + c);
    }
    for (index_t i = 0; i < first; i += reals<R>) {
        const auto known = z.vector(i);
        for (int c = 0; c < count; ++c) dots[c] = dots[c] + u[c].vector(i).conjugate() * known;
    }
    for (int c = 0; c < count; ++c) values[c] = x.get(first + c) - total<R>(dots[c]);
    for (int c = 0; c < count; ++c) {
        for (int r = 0; r < c; ++r)
            values[c] = values[c] - u[c].get(first + r).conjugate() * values[r];
        z.put(first + c, values[c]);
    }
}

/// x <- U^-H D^-H M^H x
template <class R, bool complex>
OTIMES_NOINLINE void solve_adjoint(const HessenbergLu<R>& lu, Column<R, complex> x,
                                   Column<R, complex> z) {
    using N = Number<R, complex>;
    N t = x.get(lu.n - 1);
    for (index_t k = lu.n - 1; k >= 0; --k) {
        const HessenbergStep<R>& step = lu.steps[k];
        const N left = k > 0 ? x.get(k - 1) : t, f = factor_of<complex>(step).conjugate();
        x.put(k, (step.swapped ? left : t) * inverse_of<complex>(step).conjugate());
        t = (step.swapped ? t : left) - f * (step.swapped ? left : t);
    }
    for (index_t i = 0; i < z.step; i += reals<R>) z.put_vector(i, Number<Vector<R>, complex>());
    index_t done = 0;
    for (; done + strip <= lu.n; done += strip) substitute_adjoint<strip>(lu, done, x, z);
    for (; done < lu.n; ++done) substitute_adjoint<1>(lu, done, x, z);
    for (index_t i = 0; i < z.step; i += reals<R>) x.put_vector(i, z.vector(i));
}

template <bool complex, class R>
void solve_oriented(const HessenbergLu<R>& lu, bool adjoint, R* x, R* z) {
    const index_t rows = padded_rows<R>(lu.n);
    const Column<R, complex> column{x, rows}, memory{z, rows};
    adjoint ? solve_adjoint(lu, column, memory) : solve(lu, column, memory);
}

template <bool pair, class R>
OTIMES_INLINE void update_columns(const ColumnUpdate<R>& update) {
    R* x = update.x;
    const R* c = update.coefficients;
    for (index_t column = 0; column < update.count; ++column, x += update.rows, c += 2) {
        const Vector<R> alpha = broadcast(c[0]), beta = broadcast(c[1]);
        for (index_t i = 0; i < update.rows; i += reals<R>) {
            Vector<R> v = load(x + i) - alpha * load(update.y + i);
            if constexpr (pair) v = v - beta * load(update.y + update.rows + i);
            store<R>(x + i, v);
        }
    }
}

// --- the table -----------------------------------------------------------------------------------

template <class T>
struct Table {
    using R = typename Scalar<T>::real;

    static void factor(const R* h, R re, R im, const HessenbergLu<R>& lu) {
        if (lu.complex) return OTIMES_KERNEL_SET::factor<T, true>(h, re, im, lu);
        if constexpr (Scalar<T>::parts == 1) OTIMES_KERNEL_SET::factor<T, false>(h, re, im, lu);
    }
    static void solve(const HessenbergLu<R>& lu, bool adjoint, R* x, R* z) {
        lu.complex ? solve_oriented<true>(lu, adjoint, x, z)
                   : solve_oriented<false>(lu, adjoint, x, z);
    }
    static void update(const ColumnUpdate<R>& update) {
        update.pair ? update_columns<true>(update) : update_columns<false>(update);
    }
};

}  // namespace

template <class T>
const HessenbergKernels<T>& hessenberg_kernels() {
    static constexpr HessenbergKernels<T> table{Table<T>::factor, Table<T>::solve,
                                                Table<T>::update};
    return table;
}

template const HessenbergKernels<float>& hessenberg_kernels();
template const HessenbergKernels<double>& hessenberg_kernels();
template const HessenbergKernels<std::complex<float>>& hessenberg_kernels();
template const HessenbergKernels<std::complex<double>>& hessenberg_kernels();

}  // namespace otimes::OTIMES_KERNEL_SET
