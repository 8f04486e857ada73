#include "otimes/condition.hpp"

#include <algorithm>  // std::min, std::max
#include <vector>

#include "otimes/blas.hpp"
#include "otimes/scaling.hpp"
#include "otimes/triangular.hpp"

namespace otimes {
namespace {

/// In Schur coordinates, where no pivot is below it.
template <class T>
double smallest_in_schur_coordinates(const TriangularEquation<T>& equation) {
    const Matrix<T> t = reversed_adjoint(equation.t), s = reversed_adjoint(equation.s);
    const TriangularEquation<T> adjoint_equation{t, s, equation.identity};
    double smallest_pivot = std::numeric_limits<double>::max();
    const auto solve = [&](bool adjoint, Matrix<T>& z) -> std::optional<int> {
        const auto report = solve_triangular(adjoint ? adjoint_equation : equation, z);
        // J Z J: into, and out of, the adjoint's order
        std::reverse(z.data(), z.data() + z.rows() * z.cols());
        smallest_pivot = std::min(smallest_pivot, static_cast<double>(report.smallest_pivot));
        if (report.overflowed) return std::nullopt;
        return report.exponent;
    };
    return std::min(smallest_singular_value<T>(t.rows(), s.rows(), solve), smallest_pivot);
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

    /// A power step on x for ||(op(A) linear + constant I) x||^2 + weight^2 ||x||^2 +
    /// image_weight^2 ||op(A) x||^2.
    struct Form {
        T linear, constant;
        double weight, image_weight;
    };
    void step(const Form& form) {
        const auto square = [](double w) { return T(static_cast<real_t<T>>(w * w)); };
        add_multiple(mean_, x_, rest_);  // now op(A) x
        std::vector<T> mapped(size()), pulled(size()), next(size());
        add_multiple(form.linear, rest_, mapped);
        add_multiple(form.constant, x_, mapped);
        add_multiple(conj_of(form.linear), mapped, pulled);
        add_multiple(square(form.image_weight), rest_, pulled);
        blas::gemv(back_, a_.rows(), a_.rows(), a_.data(), a_.ld(), pulled.data(), next.data());
        add_multiple(conj_of(form.constant), mapped, next);
        add_multiple(square(form.weight), x_, next);
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

/// max ||M(u v^H)||_F over unit u, v, alternating between them: a lower bound of the norm of
/// X -> T X + X S or X -> c X - T X S that is a small factor away from it, in O(m^2 + n^2) a step.
/// With T u = alpha u + r and S^H v = beta v + q, r orthogonal to u and q to v, the square is
/// |alpha + conj(beta)|^2 + ||r||^2 + ||q||^2, or
/// |c - alpha conj(beta)|^2 + |alpha|^2 ||q||^2 + |beta|^2 ||r||^2 + ||r||^2 ||q||^2.
template <class T>
double largest_singular_value(const TriangularEquation<T>& equation) {
    Side<T> u(equation.t, false), v(equation.s, true);
    const auto form = [&](const Side<T>& other) -> typename Side<T>::Form {
        const T mean = conj_of(other.mean());
        if (!equation.identity) return {T(1), mean, other.rest(), 0};
        return {-mean, *equation.identity, 0, other.rest()};
    };
    const auto norm = [&] {
        const T alpha = u.mean(), beta = conj_of(v.mean());
        if (!equation.identity)
            return std::hypot(std::sqrt(square_of(alpha + beta)), u.rest(), v.rest());
        return std::hypot(std::sqrt(square_of(*equation.identity - times(alpha, beta))),
                          std::sqrt(square_of(alpha)) * v.rest(),
                          std::hypot(std::sqrt(square_of(beta)), v.rest()) * u.rest());
    };
    double largest = 0;
    for (int step = 0; step < 4; ++step) {
        u.step(form(v));
        v.step(form(u));
        largest = std::max(largest, norm());
    }
    return largest;
}

}  // namespace

template <class T>
double spectral_norm(const Matrix<T>& a) {
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

template <class T>
double reciprocal_condition(const TriangularEquation<T>& equation, double smallest) {
    const auto terms = [&](double t, double s) {
        return equation.identity ? static_cast<double>(*equation.identity) + t * s : t + s;
    };
    const SingularRange range{smallest, largest_singular_value(equation)};
    double size = terms(norm_of<T>(equation.t.view()), norm_of<T>(equation.s.view()));
    if (range.smallest < eps_of<T> * size)
        size = terms(spectral_norm(equation.t), spectral_norm(equation.s));
    return reciprocal_condition(range, size, eps_of<T>);
}

template <class T>
double triangular_rcond(const TriangularEquation<T>& equation) {
    return reciprocal_condition(equation, smallest_in_schur_coordinates(equation));
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template double spectral_norm(const Matrix<T>&);                                               \
    template double reciprocal_condition(const TriangularEquation<T>&, double);                    \
    template double triangular_rcond(const TriangularEquation<T>&);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
