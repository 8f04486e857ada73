#include "otimes/condition.hpp"

#include <algorithm>  // std::min, std::max
#include <vector>

#include "otimes/blas.hpp"
#include "otimes/scaling.hpp"
#include "otimes/triangular.hpp"

namespace otimes {
namespace {

template <class T>
double smallest_singular_value(const Matrix<T>& t, const Matrix<T>& s) {
    const Matrix<T> t_adjoint = reversed_adjoint(t), s_adjoint = reversed_adjoint(s);
    Matrix<T> start(t.rows(), s.rows());
    return smallest_singular_value(start, [&](bool adjoint, Matrix<T>& z) {
        if (!adjoint) return solve_triangular_sylvester(t, s, z);
        std::reverse(z.data(), z.data() + z.rows() * z.cols());  // into the adjoint's order
        const auto report = solve_triangular_sylvester(t_adjoint, s_adjoint, z);
        std::reverse(z.data(), z.data() + z.rows() * z.cols());
        return report;
    });
}

template <class T>
T dot(const std::vector<T>& x, const std::vector<T>& y) {
    T sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += times(conj_of(x[i]), y[i]);
    return sum;
}

/// y <- y + a x
template <class T>
void add_multiple(T a, const std::vector<T>& x, std::vector<T>& y) {
    for (std::size_t i = 0; i < x.size(); ++i) y[i] += times(a, x[i]);
}

/// One side of the alternating iteration: y = op(A) x split into (x^H y) x + rest.
template <class T>
class Side {
  public:
    Side(const Matrix<T>& a, bool adjoint)
        : a_(a), op_(adjoint ? 'C' : 'N'), back_(adjoint ? 'N' : 'C'), x_(size()), rest_(size()) {
        fill_noise(x_.data(), a.rows());
        normalise_vector(x_.data(), a.rows());
        split();
    }

    T mean() const { return mean_; }
    double rest() const { return rest_norm_; }

    /// A power step on x for ||(op(A) + shift I) x||^2 + weight^2 ||x||^2.
    void step(T shift, double weight) {
        add_multiple(mean_ + shift, x_, rest_);  // now (op(A) + shift) x
        std::vector<T> next(size());
        blas::gemv(back_, a_.rows(), a_.rows(), a_.data(), a_.ld(), rest_.data(), next.data());
        add_multiple(conj_of(shift), rest_, next);
        add_multiple(T(static_cast<real_t<T>>(weight * weight)), x_, next);
        if (normalise_vector(next.data(), a_.rows()) > 0) x_ = std::move(next);
        split();
    }

  private:
    std::size_t size() const { return static_cast<std::size_t>(a_.rows()); }

    void split() {
        blas::gemv(op_, a_.rows(), a_.rows(), a_.data(), a_.ld(), x_.data(), rest_.data());
        mean_ = dot(x_, rest_);
        add_multiple(-mean_, x_, rest_);
        double sum = 0;
        for (const T r : rest_) sum += square_of(r);
        rest_norm_ = std::sqrt(sum);
    }

    const Matrix<T>& a_;
    char op_, back_;
    std::vector<T> x_, rest_;
    T mean_ = 0;
    double rest_norm_ = 0;
};

/// max ||T u v^H + u (S^H v)^H||_F over unit u, v, alternating between them: a lower bound of the
/// norm of X -> T X + X S that is a small factor away from it, in O(m^2 + n^2) a step. With T u =
/// alpha u + r and S^H v = beta v + q, r orthogonal to u and q to v, the square is
/// |alpha + conj(beta)|^2 + ||r||^2 + ||q||^2.
template <class T>
double largest_singular_value(const Matrix<T>& t, const Matrix<T>& s) {
    Side<T> u(t, false), v(s, true);
    double largest = 0;
    for (int step = 0; step < 4; ++step) {
        u.step(conj_of(v.mean()), v.rest());
        v.step(conj_of(u.mean()), u.rest());
        const double mean = std::sqrt(square_of(u.mean() + conj_of(v.mean())));
        largest = std::max(largest, std::hypot(mean, u.rest(), v.rest()));
    }
    return largest;
}

template <class T>
double matrix_norm(const Matrix<T>& a) {
    const index_t n = a.rows();
    std::vector<T> z(static_cast<std::size_t>(n)), y(z.size());
    const auto apply = [&](char op) {
        return [&, op](T* x) {
            blas::gemv(op, n, n, a.data(), a.ld(), x, y.data());
            std::copy(y.begin(), y.end(), x);
        };
    };
    return map_norm(n, z.data(), apply('N'), apply('C'));
}

}  // namespace

template <class T>
double sylvester_rcond(const Matrix<T>& t, const Matrix<T>& s) {
    constexpr double eps = std::numeric_limits<real_t<T>>::epsilon();
    const SingularRange range{smallest_singular_value(t, s), largest_singular_value(t, s)};
    double terms = std::sqrt(squared_norm<T>(t.view())) + std::sqrt(squared_norm<T>(s.view()));
    if (range.smallest < eps * terms) terms = matrix_norm(t) + matrix_norm(s);
    return reciprocal_condition(range, terms, eps);
}

template double sylvester_rcond(const Matrix<float>&, const Matrix<float>&);
template double sylvester_rcond(const Matrix<double>&, const Matrix<double>&);
template double sylvester_rcond(const Matrix<std::complex<float>>&,
                                const Matrix<std::complex<float>>&);
template double sylvester_rcond(const Matrix<std::complex<double>>&,
                                const Matrix<std::complex<double>>&);

}  // namespace otimes
