#include "otimes/matrix_functions.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <span>
#include <vector>

#include "otimes/lapack.hpp"
#include "otimes/parallel_gemm.hpp"
#include "otimes/scaling.hpp"
#include "otimes/scratch.hpp"
#include "otimes/small_lu.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

/// A diagonal Pade approximant r_m of e^x: its backward error is below the unit roundoff where
/// ||x|| <= theta, and starts with x^(2m+1) / tail.
struct Degree {
    int m;
    double theta, tail;
};

constexpr std::array<Degree, 5> double_degrees{{{3, 1.495585217958292e-2, 100800},
                                                {5, 2.539398330063230e-1, 10059033600},
                                                {7, 9.504178996162932e-1, 4487938430976000},
                                                {9, 2.097847961257068, 5914384781877411840000.},
                                                {13, 4.25, 113250775606021113483283660800000000.}}};
constexpr std::array<Degree, 3> single_degrees{{{3, 4.258730016922831e-1, 100800},
                                                {5, 1.880152677804762, 10059033600},
                                                {7, 3.925724783138660, 4487938430976000}}};

template <class T>
std::span<const Degree> degrees() {
    if constexpr (std::is_same_v<real_t<T>, float>)
        return single_degrees;
    else
        return double_degrees;
}

/// Coefficients of the numerator p_m of r_m(x) = p_m(x) / p_m(-x), p_m(0) = 1.
std::array<double, 14> numerator(int m) {
    std::array<double, 14> b{1};
    for (int j = 0; j < m; ++j) {
        const auto k = static_cast<std::size_t>(j);
        b[k + 1] = b[k] * (m - j) / (static_cast<double>(2 * m - j) * (j + 1));
    }
    return b;
}

/// The smallest s >= 0 with x / 2^s <= 1.
int halvings(double x) { return x > 1 ? static_cast<int>(std::ceil(std::log2(x))) : 0; }

/// The sum of f(0), ..., f(n-1), in eight independent chains.
template <class F>
double sum_of(index_t n, F&& f) {
    std::array<double, 8> sums{};
    index_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (std::size_t k = 0; k < 8; ++k) sums[k] += f(i + static_cast<index_t>(k));
    for (; i < n; ++i) sums[0] += f(i);
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
           ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/// e^A for a column-major A in memory of its own.
template <class T>
class Exponential {
  public:
    using R = real_t<T>;

    Exponential(MatrixView<const T> a, T* out)
        : n_(a.rows), count_(n_ * n_), store_(7 * count_), out_(out) {
        copy_scaled<T>(a, {matrix(0), n_, n_, 1, n_}, 0);
    }

    /// A has nothing below its diagonal.
    void run(bool triangular) {
        triangular_ = triangular;
        norm_ = one_norm(matrix(0));
        const auto fitting =
            std::ranges::find_if(degrees<T>(), [&](const Degree& d) { return norm_ <= d.theta; });
        int squarings = 0;
        if (fitting != degrees<T>().end()) {
            form_powers(fitting->m);
            approximate(fitting->m, 0);
        } else {
            const Degree& top = degrees<T>().back();
            form_powers(top.m);
            if (!powers_have_room(top.m)) {
                reduce_range();
                form_powers(top.m);
            }
            squarings = choose_scaling(top);
            approximate(top.m, squarings);
        }
        square(squarings + exponent_);
    }

  private:
    T* matrix(index_t k) const { return store_.get() + k * count_; }

    /// The k-th power of A^2, k >= 1.
    T* power(index_t k) const { return matrix(k); }

    double one_norm(const T* a) const {
        double largest = 0;
        for (index_t j = 0; j < n_; ++j) {
            const T* const column = a + j * n_;
            const double sum = sum_of(n_, [&](index_t i) { return std::abs(column[i]); });
            if (sum > largest || std::isnan(sum)) largest = sum;  // NaN stays
        }
        return largest;
    }

    /// Whether the products with the sixth power, which are to come, stay in range.
    bool powers_have_room(int m) const {
        const double n6 = one_norm(power(3));
        return n6 * std::fmax(norm_, m == 13 ? n6 : 0) < std::numeric_limits<R>::max();
    }

    /// Scale A by 2^-exponent so that its twelfth power does not overflow.
    void reduce_range() {
        constexpr int most = std::numeric_limits<R>::max_exponent, limit = most / 12 - 1;
        const bool overflows = std::isinf(norm_);  // the sum of a column, or a modulus
        const int norm_exponent = overflows ? most + std::ilogb(n_) + 2 : binary_exponent(norm_);
        exponent_ = std::max(0, norm_exponent - limit);
        const MatrixView<T> view{matrix(0), n_, n_, 1, n_};
        copy_scaled<T>(view, view, -exponent_);
        norm_ = overflows ? one_norm(matrix(0)) : std::ldexp(norm_, -exponent_);
    }

    /// c <- alpha a b + beta c
    void multiply(R alpha, const T* a, const T* b, R beta, T* c) const {
        if (n_ > 8)
            return parallel_gemm('N', 'N', n_, n_, n_, T(alpha), a, n_, b, n_, T(beta), c, n_);
        for (index_t j = 0; j < n_; ++j) {
            std::array<T, 8> sum{};
            for (index_t k = 0; k < n_; ++k)
                for (index_t i = 0; i < n_; ++i)
                    sum[static_cast<std::size_t>(i)] += times(a[i + k * n_], b[k + j * n_]);
            for (index_t i = 0; i < n_; ++i) {
                T& target = c[i + j * n_];
                const T product = sum[static_cast<std::size_t>(i)] * alpha;
                target = beta == 0 ? product : product + target * beta;
            }
        }
    }

    /// The powers of A^2 that degree m is made of.
    void form_powers(int m) const {
        multiply(1, matrix(0), matrix(0), 0, power(1));
        if (m >= 5) multiply(1, power(1), power(1), 0, power(2));
        if (m >= 7) multiply(1, power(1), power(2), 0, power(3));
        if (m == 9) multiply(1, power(2), power(2), 0, power(4));
    }

    /// How often A is halved. ||A^(2p)||^(1/2p) with p(p-1) <= m may stand for ||A||, as long as
    /// the first term of the backward error, taken with |A|, is below the unit roundoff.
    int choose_scaling(const Degree& top) const {
        const double n2 = one_norm(power(1)), n4 = one_norm(power(2)), n6 = one_norm(power(3));
        const int plain = halvings(norm_ / top.theta);
        const auto choose = [&](double n8) {
            const double d6 = std::pow(n6, 1.0 / 6), d8 = std::pow(n8, 1.0 / 8);
            const double d10 = std::pow(std::fmin(n4 * n6, n2 * n8), 1.0 / 10);
            return halvings(std::fmin(std::fmax(d6, d8), std::fmax(d8, d10)) / top.theta);
        };
        int fewer = choose(std::fmin(n4 * n4, n2 * n6));
        if (fewer >= plain && choose(0) >= plain) return plain;
        const int least = halvings_of_tail(top);
        if (fewer > least + 1 && choose(0) < fewer) {  // worth a product
            multiply(1, power(2), power(2), 0, matrix(4));
            fewer = std::min(fewer, choose(one_norm(matrix(4))));
        }
        return std::min(plain, std::max(fewer, least));
    }

    /// The halvings that make || |A|^(2m+1) ||_1 / tail <= unit roundoff ||A||_1. The norm is that
    /// of the vector 1^T |A|^(2m+1); it is bounded by the ratios of each to the one before, and
    /// most often known after a few.
    int halvings_of_tail(const Degree& top) const {
        const double unit = std::numeric_limits<R>::epsilon() / 2;
        const double rest = std::log2(top.tail * unit) + std::log2(norm_);
        const auto needed = [&](double log) {
            return log > rest ? static_cast<int>(std::ceil((log - rest) / (2 * top.m))) : 0;
        };
        std::vector<double> w(static_cast<std::size_t>(n_), 1), next(w);
        double log = 0;
        for (int left = 2 * top.m; left >= 0; --left) {
            const auto [low, high] = step_of_moduli(w, next);
            const double largest = *std::max_element(next.begin(), next.end());
            if (largest == 0) return 0;
            log += std::log2(largest);
            std::ranges::transform(next, w.begin(), [&](double x) { return x / largest; });
            const int least = needed(log + left * std::log2(low));
            if (least == needed(log + left * std::log2(high))) return least;
        }
        return needed(log);
    }

    /// next <- w^T |A|, and the range of next / w.
    std::pair<double, double> step_of_moduli(const std::vector<double>& w,
                                             std::vector<double>& next) const {
        double low = std::numeric_limits<double>::infinity(), high = 0;
        for (index_t j = 0; j < n_; ++j) {
            const T* const column = matrix(0) + j * n_;
            const double sum = sum_of(n_, [&](index_t i) {
                return std::abs(column[i]) * w[static_cast<std::size_t>(i)];
            });
            const auto k = static_cast<std::size_t>(j);
            next[k] = sum;
            if (w[k] == 0 && sum == 0) continue;
            low = std::fmin(low, sum / w[k]);
            high = std::fmax(high, sum / w[k]);
        }
        return {low, high};
    }

    /// out = constant I + sum of coefficients[j] times the power j of A^2, j >= 1.
    struct Combination {
        T* out;
        std::array<double, 5> coefficients;
    };

    /// All combinations in one pass over the powers.
    void combine(std::span<const Combination> combinations) const {
        constexpr index_t block = 2048;
        const index_t blocks = (count_ + block - 1) / block;
        const double work = static_cast<double>(count_ * 10);
        const auto body = [&](index_t k) {
            for (const Combination& c : combinations)
                combine_block(c, k * block, std::min(count_, (k + 1) * block));
        };
        if (blocks == 1)
            body(0);
        else
            parallel_for(blocks, work, body);
        for (const Combination& c : combinations)
            for (index_t i = 0; i < n_; ++i)
                c.out[i * (n_ + 1)] += static_cast<R>(c.coefficients[0]);
    }

    void combine_block(const Combination& c, index_t begin, index_t end) const {
        for (index_t j = 1; j < 5; ++j) {
            const auto factor = static_cast<R>(c.coefficients[static_cast<std::size_t>(j)]);
            const T* const from = power(j);
            if (j == 1)
                for (index_t i = begin; i < end; ++i) c.out[i] = factor * from[i];
            else if (factor != 0)
                for (index_t i = begin; i < end; ++i) c.out[i] += factor * from[i];
        }
    }

    /// out <- r_m(A / 2^s) = (V - U)^-1 (V + U), U and V the odd and the even part of the
    /// numerator.
    void approximate(int m, int s) {
        std::array<double, 14> b = numerator(m);
        const auto scaled = [&](int k, int by) {  // the coefficient of x^k, for x^by left outside
            return std::ldexp(b[static_cast<std::size_t>(k)], -s * (k - by));
        };
        T *const odd = matrix(5), *const even = matrix(6), *const u = out_;
        std::array<Combination, 4> parts{{{odd, {}}, {even, {}}, {matrix(4), {}}, {u, {}}}};
        for (int j = 0; j <= (m == 13 ? 3 : m / 2); ++j) {
            parts[0].coefficients[static_cast<std::size_t>(j)] = scaled(2 * j + 1, 0);
            parts[1].coefficients[static_cast<std::size_t>(j)] = scaled(2 * j, 0);
            if (m != 13 || j == 0) continue;
            parts[2].coefficients[static_cast<std::size_t>(j)] = scaled(2 * j + 7, 6);
            parts[3].coefficients[static_cast<std::size_t>(j)] = scaled(2 * j + 6, 6);
        }
        combine({parts.data(), m == 13 ? std::size_t{4} : std::size_t{2}});
        if (m == 13) {
            const auto outside = static_cast<R>(std::ldexp(1.0, -6 * s));
            multiply(outside, power(3), matrix(4), 1, odd);
            multiply(outside, power(3), u, 1, even);
        }
        multiply(1, matrix(0), odd, 0, u);
        divide(u, even, odd);
    }

    /// out <- (V - U)^-1 (V + U); u is out, and q memory for V - U.
    void divide(T* u, const T* v, T* q) const {
        for (index_t i = 0; i < count_; ++i) {
            const T x = u[i], y = v[i];
            q[i] = y - x;
            u[i] = y + x;
        }
        if (triangular_) {
            blas::trsm('L', 'U', 'N', 'N', n_, n_, T(1), q, n_, u, n_);
        } else if (n_ <= small_limit) {
            SmallLU<T> lu;
            lu.factor(q, n_);
            for (index_t j = 0; j < n_; ++j) lu.solve(u + j * n_);
        } else {
            std::vector<blas::blasint> pivots(static_cast<std::size_t>(n_));
            blas::getrf(n_, n_, q, n_, pivots.data());
            parallel_blocks(n_, product_flops(n_, n_, n_), [&](index_t begin, index_t end) {
                blas::getrs('N', n_, end - begin, q, n_, pivots.data(), u + begin * n_, n_);
            });
        }
    }

    /// out <- out^(2^s)
    void square(int s) {
        T *from = out_, *to = matrix(5);
        if (triangular_) restore_diagonals(from, exponent_ - s);
        for (int left = s - 1; left >= 0; --left) {
            multiply(1, from, from, 0, to);
            std::swap(from, to);
            if (triangular_) restore_diagonals(from, exponent_ - left);
            poll_interrupt();
        }
        if (from != out_) std::copy_n(from, count_, out_);
    }

    /// The diagonal and the one above it, of e^(2^e A), from those of A: squaring loses their
    /// digits, and with them those of everything else.
    void restore_diagonals(T* x, int e) const {
        const T* const a = matrix(0);
        const PowerOfTwo<R> scale(e);
        for (index_t j = 0; j < n_; ++j) {
            const T b = scale(a[j * (n_ + 1)]);
            x[j * (n_ + 1)] = std::exp(b);
            if (j == 0) continue;
            const T previous = scale(a[(j - 1) * (n_ + 1)]);
            x[j * (n_ + 1) - 1] = scale(a[j * (n_ + 1) - 1]) * difference_quotient(previous, b);
        }
    }

    /// (e^b - e^a) / (b - a)
    static T difference_quotient(T a, T b) {
        const T half = (b - a) / R(2);
        if (std::abs(half) > 1) return (std::exp(b) - std::exp(a)) / (b - a);
        return std::exp((a + b) / R(2)) * (half == T(0) ? T(1) : std::sinh(half) / half);
    }

    index_t n_, count_;
    Scratch<T> store_;  // A, its even powers 2 to 8, and two more
    T* out_;
    double norm_ = 0;
    int exponent_ = 0;
    bool triangular_ = false;
};

}  // namespace

template <class T>
void expm(MatrixView<const T> a, T* out) {
    const index_t n = a.rows;
    if (!std::isfinite(max_abs<T>(a))) {
        std::fill_n(out, n * n, T(std::numeric_limits<real_t<T>>::quiet_NaN()));
        return;
    }
    const bool upper = is_upper<T>(a), lower = is_upper<T>(a.t());
    if (upper && lower) {
        std::fill_n(out, n * n, T(0));
        for (index_t i = 0; i < n; ++i) out[i * (n + 1)] = std::exp(a(i, i));
        return;
    }
    const SerialBlas serial;
    Exponential<T>(lower ? a.t() : a, out).run(upper || lower);
    if (!lower) return;
    for (index_t j = 0; j < n; ++j)
        for (index_t i = 0; i < j; ++i) std::swap(out[i + j * n], out[j + i * n]);
}

template void expm(MatrixView<const float>, float*);
template void expm(MatrixView<const double>, double*);
template void expm(MatrixView<const std::complex<float>>, std::complex<float>*);
template void expm(MatrixView<const std::complex<double>>, std::complex<double>*);

}  // namespace otimes
