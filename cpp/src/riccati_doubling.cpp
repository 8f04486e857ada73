#include "otimes/riccati_doubling.hpp"

#include <algorithm>  // std::copy_n
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "otimes/lapack.hpp"
#include "otimes/product.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// P A = L U without an estimate of the condition: these are checked by what comes of them.
template <class T>
class Pivoted {
  public:
    explicit Pivoted(Matrix<T> a)
        : factors_(std::move(a)), pivots_(static_cast<std::size_t>(factors_.rows())) {
        const index_t n = factors_.rows();
        regular_ = blas::getrf(n, n, factors_.data(), factors_.ld(), pivots_.data()) == 0;
    }

    bool is_regular() const { return regular_; }

    /// log2 |det A|
    double log_determinant() const {
        double sum = 0;
        for (index_t k = 0; k < factors_.rows(); ++k) sum += std::log2(std::abs(factors_(k, k)));
        return sum;
    }

    /// The smallest over the largest pivot: a cheap warning sign.
    double pivot_ratio() const {
        double smallest = std::numeric_limits<double>::infinity(), largest = 0;
        for (index_t k = 0; k < factors_.rows(); ++k) {
            const double size = std::abs(factors_(k, k));
            smallest = std::fmin(smallest, size);
            largest = std::fmax(largest, size);
        }
        return smallest / largest;
    }

    /// X <- op(A)^-1 X
    void solve(char op, Matrix<T>& x) const {
        const index_t n = factors_.rows();
        parallel_blocks(x.cols(), product_flops(n, x.cols(), n), [&](index_t begin, index_t end) {
            blas::getrs(op, n, end - begin, factors_.data(), factors_.ld(), pivots_.data(),
                        x.data() + begin * x.ld(), x.ld());
        });
    }

    Matrix<T> inverse() const {
        Matrix<T> x = identity_matrix<T>(factors_.rows());
        solve('N', x);
        return x;
    }

  private:
    Matrix<T> factors_;
    std::vector<blas::blasint> pivots_;
    bool regular_;
};

template <class T>
Matrix<T> shifted(const Matrix<T>& a, real_t<T> shift) {
    Matrix<T> b = a;
    shift_diagonal(T(shift), b);
    return b;
}

/// [A, B]
template <class T>
Matrix<T> beside(const Matrix<T>& a, const Matrix<T>& b) {
    Matrix<T> both(a.rows(), a.cols() + b.cols());
    const index_t size = a.rows() * a.cols();
    std::copy_n(a.data(), size, both.data());
    std::copy_n(b.data(), b.rows() * b.cols(), both.data() + size);
    return both;
}

/// The columns of A from `first` on, `count` of them.
template <class T>
Matrix<T> columns(const Matrix<T>& a, index_t first, index_t count) {
    return Matrix<T>(a.view().block(0, first, a.rows(), count));
}

/// (A, G, H) of x+ = A x - G y+, y = H x + A^H y+: the recursion over 2^k steps of time.
template <class T>
struct Recursion {
    Matrix<T> a, g, h;

    /// Two such intervals as one; false where I + G H is singular. Returns how much H changed.
    std::optional<double> doubled() {
        const index_t n = a.rows();
        Matrix<T> w = product(g, h);
        shift_diagonal(T(1), w);
        const Pivoted<T> lu(std::move(w));
        if (!lu.is_regular()) return std::nullopt;
        Matrix<T> v = beside(a, g);
        lu.solve('N', v);  // W^-1 [A, G]
        const Matrix<T> av = product(a, v);
        add_product(T(1), 'N', columns(av, n, n), 'C', a, T(1), g);  // G += A W^-1 G A^H
        const Matrix<T> change = product('C', a, 'N', product(h, columns(v, 0, n)));
        add_matrix(T(1), change, h);  // H += A^H H W^-1 A
        a = columns(av, 0, n);        // A <- A W^-1 A
        make_hermitian(g);
        make_hermitian(h);
        return norm_of<T>(change.view()) / norm_of<T>(h.view());
    }
};

template <class T>
std::optional<Matrix<T>> limit_of(Recursion<T> recursion) {
    constexpr int limit = 40;
    constexpr double small = 1e-9;  // its square, the error of H after this step, is at rounding
    if (norm_of<T>(recursion.h.view()) == 0) return std::nullopt;
    for (int step = 0; step < limit; ++step) {
        poll_interrupt();
        const std::optional<double> change = recursion.doubled();
        if (!change || !std::isfinite(*change)) return std::nullopt;
        if (*change < small) return std::move(recursion.h);
    }
    return std::nullopt;
}

/// The geometric mean of the moduli of the Hamiltonian matrix's eigenvalues; 0 if it is singular.
template <class T>
double mean_modulus(const Matrix<T>& a, const Matrix<T>& g, const Matrix<T>& h) {
    const index_t n = a.rows();
    Matrix<T> hamiltonian(2 * n, 2 * n);
    for (index_t j = 0; j < n; ++j)
        for (index_t i = 0; i < n; ++i) {
            hamiltonian(i, j) = a(i, j);
            hamiltonian(i, n + j) = -g(i, j);
            hamiltonian(n + i, j) = -h(i, j);
            hamiltonian(n + i, n + j) = -conj_of(a(j, i));
        }
    const Pivoted<T> lu(std::move(hamiltonian));
    return lu.is_regular() ? std::exp2(lu.log_determinant() / static_cast<double>(2 * n)) : 0;
}

/// The Cayley transform of the Hamiltonian with shift c, in the form of a recursion.
template <class T>
std::optional<Recursion<T>> cayley(const Matrix<T>& a, const Matrix<T>& g, const Matrix<T>& h,
                                   real_t<T> c) {
    constexpr double nearly_singular = 1e-6;
    const Pivoted<T> left(shifted(a, -c));
    if (!(left.pivot_ratio() > nearly_singular)) return std::nullopt;
    const Matrix<T> left_inverse = left.inverse();
    const Matrix<T> ag = product(left_inverse, g);  // (A - c I)^-1 G
    Matrix<T> w = adjoint_of(shifted(a, -c));       // A^H - c I + H (A - c I)^-1 G
    add_product(T(1), 'N', h, 'N', ag, T(1), w);
    const Pivoted<T> right(std::move(w));
    if (!(right.pivot_ratio() > nearly_singular)) return std::nullopt;
    const Matrix<T> w_inverse = right.inverse();
    Recursion<T> recursion{adjoint_of(w_inverse), product(ag, w_inverse),
                           product(product(w_inverse, h), left_inverse)};
    for (Matrix<T>* m : {&recursion.a, &recursion.g, &recursion.h}) scale_matrix(2 * c, *m);
    shift_diagonal(T(1), recursion.a);  // I + 2 c W^-H
    make_hermitian(recursion.g);
    make_hermitian(recursion.h);
    return recursion;
}

}  // namespace

template <class T>
std::optional<Matrix<T>> riccati_by_doubling(Time time, Matrix<T> a, Matrix<T> g, Matrix<T> h) {
    if (time == Time::discrete)
        return limit_of(Recursion<T>{std::move(a), std::move(g), std::move(h)});
    double shift = mean_modulus(a, g, h);
    if (!(shift > 0) || !std::isfinite(shift)) return std::nullopt;
    for (const double factor : {1.0, 1.3, 0.7}) {  // A or the Hamiltonian may have this eigenvalue
        auto recursion = cayley(a, g, h, static_cast<real_t<T>>(factor * shift));
        if (recursion) return limit_of(std::move(*recursion));
    }
    return std::nullopt;
}

template <class T>
StableLyapunov<T>::StableLyapunov(Time time, const Matrix<T>& f) : contraction_(f) {
    if (time == Time::discrete || f.rows() == 0) return;
    const double mean = std::exp2(Pivoted<T>(f).log_determinant() / static_cast<double>(f.rows()));
    shift_ = static_cast<real_t<T>>(mean);
    resolvent_ = Pivoted<T>(shifted(f, -shift_)).inverse();
    contraction_ = product(resolvent_, shifted(f, shift_));  // (F - c I)^-1 (F + c I)
}

template <class T>
std::optional<Matrix<T>> StableLyapunov<T>::solve(const Matrix<T>& w, double tolerance) const {
    constexpr int limit = 64;
    Matrix<T> p = w, c = contraction_;
    if (resolvent_.rows() > 0) {  // 2 c (F - c I)^-H W (F - c I)^-1
        p = congruence(resolvent_, w);
        scale_matrix(2 * shift_, p);
    }
    for (int step = 0; step < limit; ++step) {
        poll_interrupt();
        const Matrix<T> more = congruence(c, p);
        add_matrix(T(1), more, p);
        c = product(c, c);
        const double contraction = norm_of<T>(c.view());
        if (!std::isfinite(contraction) || !std::isfinite(max_abs<T>(p.view())))
            return std::nullopt;
        // the norm of a power below 1 proves stability
        if (contraction < 0.5 && contraction * contraction <= tolerance) return p;
    }
    return std::nullopt;
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template std::optional<Matrix<T>> riccati_by_doubling(Time, Matrix<T>, Matrix<T>, Matrix<T>);  \
    template class StableLyapunov<T>;
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
