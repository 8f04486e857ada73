#include "otimes/condition.hpp"

#include <algorithm>  // std::max
#include <complex>
#include <utility>  // std::move

#include "otimes/scaling.hpp"
#include "otimes/triangular.hpp"
#include "otimes/vectors.hpp"

namespace otimes {
namespace {

template <class T>
double smallest_in_schur_coordinates(const TriangularEquation<T>& equation) {
    const Matrix<T> t = reversed_adjoint(equation.t), s = reversed_adjoint(equation.s);
    const TriangularEquation<T> adjoint_equation{t, s, equation.identity};
    return smallest_by_pivots<T>(t.rows(), s.rows(), [&](bool adjoint, Matrix<T>& z) {
        const auto report = solve_triangular(adjoint ? adjoint_equation : equation, z);
        reverse_order(z);  // into, and out of, the adjoint's order
        return report;
    });
}

/// One side of the alternating iteration: y = op(A) x split into (x^H y) x + rest.
template <class T>
class Side {
  public:
    Side(const Matrix<T>& a, bool adjoint)
        : a_(a), op_(adjoint ? 'C' : 'N'), back_(adjoint ? 'N' : 'C'), x_(unit_noise<T>(a.rows())) {
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
        Vector<T> mapped(x_.size()), pulled(x_.size());
        add_multiple(form.linear, rest_, mapped);
        add_multiple(form.constant, x_, mapped);
        add_multiple(conj_of(form.linear), mapped, pulled);
        add_multiple(square(form.image_weight), rest_, pulled);
        Vector<T> next = product(back_, a_, pulled);
        add_multiple(conj_of(form.constant), mapped, next);
        add_multiple(square(form.weight), x_, next);
        if (normalise_vector(next.data(), a_.rows()) > 0) x_ = std::move(next);
        split();
    }

  private:
    void split() {
        rest_ = product(op_, a_, x_);
        mean_ = dot(x_, rest_);
        add_multiple(-mean_, x_, rest_);
        double sum = 0;
        for (const T r : rest_) sum += square_of(r);
        rest_norm_ = std::sqrt(sum);
    }

    const Matrix<T>& a_;
    char op_, back_;
    Vector<T> x_, rest_;
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
    Vector<T> z(static_cast<std::size_t>(a.rows()));
    return map_norm(a.rows(), z.data(), product_in_place('N', a), product_in_place('C', a));
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
