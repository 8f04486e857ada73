#include "otimes/pencil_condition.hpp"

#include <algorithm>  // std::max, std::swap_ranges
#include <array>
#include <cmath>
#include <complex>
#include <utility>  // std::move

#include "otimes/condition.hpp"
#include "otimes/scaling.hpp"
#include "otimes/vectors.hpp"

namespace otimes {
namespace {

/// (op(F1) u, op(F2) u) for a unit vector u.
template <class T>
class Side {
  public:
    Side(const Forms<T>& forms, bool adjoint)
        : forms_(forms),
          op_(adjoint ? 'C' : 'N'),
          back_(adjoint ? 'N' : 'C'),
          u_(unit_noise<T>(forms[0].rows())) {
        apply();
    }

    const std::array<Vector<T>, 2>& images() const { return images_; }

    /// A power step on u for || sum_t op(F_t) u y_t^H ||_F.
    void step(const std::array<Vector<T>, 2>& y) {
        Vector<T> next(u_.size());
        for (std::size_t j = 0; j < 2; ++j) {
            Vector<T> sum(u_.size());
            for (std::size_t i = 0; i < 2; ++i) add_multiple(dot(y[i], y[j]), images_[i], sum);
            add_multiple(T(1), product(back_, forms_[j], sum), next);
        }
        if (normalise_vector(next.data(), static_cast<index_t>(next.size())) > 0)
            u_ = std::move(next);
        apply();
    }

  private:
    void apply() { images_ = {product(op_, forms_[0], u_), product(op_, forms_[1], u_)}; }

    const Forms<T>& forms_;
    char op_, back_;
    Vector<T> u_;
    std::array<Vector<T>, 2> images_;
};

/// max ||L1 u v^H R1 + L2 u v^H R2||_F over unit u and v, alternating between them: a lower bound
/// of the norm that is a small factor away from it, in O(m^2 + n^2) a step.
template <class T>
double two_term_norm(const Forms<T>& left, const Forms<T>& right) {
    Side<T> u(left, false), v(right, true);
    double largest = 0;
    for (int step = 0; step < 4; ++step) {
        u.step(v.images());
        v.step(u.images());
        T square = 0;
        for (std::size_t i = 0; i < 2; ++i)
            for (std::size_t j = 0; j < 2; ++j)
                square +=
                    times(dot(u.images()[j], u.images()[i]), dot(v.images()[i], v.images()[j]));
        largest =
            std::max(largest, std::sqrt(std::max(0.0, static_cast<double>(std::real(square)))));
    }
    return largest;
}

/// ||[op(F1); op(F2)]||_2 from below, by power iteration.
template <class T>
double stacked_norm(const Forms<T>& forms, bool adjoint) {
    const char op = adjoint ? 'C' : 'N', back = adjoint ? 'N' : 'C';
    Vector<T> x = unit_noise<T>(forms[0].rows());
    double norm = 0;
    for (int step = 0; step < 4; ++step) {
        const Vector<T> first = product(back, forms[0], product(op, forms[0], x));
        x = product(back, forms[1], product(op, forms[1], x));
        add_multiple(T(1), first, x);
        norm = normalise_vector(x.data(), static_cast<index_t>(x.size()));
    }
    return std::sqrt(norm);
}

/// R and L change places when all of [R; L] is reversed: put them back.
template <class T>
void reverse_parts(Matrix<T>& x) {
    const index_t m = x.rows() / 2;
    reverse_order(x);
    for (index_t j = 0; j < x.cols(); ++j) std::swap_ranges(&x(0, j), &x(0, j) + m, &x(0, j) + m);
}

/// A solve for an equation and one for its adjoint, which is the equation itself for other forms.
template <class T>
class Directions {
  public:
    Directions(const Forms<T>& left, const Forms<T>& right)
        : left_(left),
          right_(right),
          left_adjoints_(reversed_adjoints(left)),
          right_adjoints_(reversed_adjoints(right)) {}

    TriangularReport<real_t<T>> solve_two_terms(bool adjoint, Matrix<T>& x) const {
        if (!adjoint) return solve_triangular_two_terms(left_, right_, x);
        reverse_order(x);
        const auto report = solve_triangular_two_terms(left_adjoints_, right_adjoints_, x);
        reverse_order(x);
        return report;
    }

    TriangularReport<real_t<T>> solve_coupled(bool adjoint, Matrix<T>& x) const {
        if (!adjoint) return solve_triangular_coupled(left_, right_, x);
        reverse_parts(x);
        const auto report = solve_adjoint_triangular_coupled(left_adjoints_, right_adjoints_, x);
        reverse_parts(x);
        return report;
    }

  private:
    const Forms<T>&left_, &right_;
    Forms<T> left_adjoints_, right_adjoints_;
};

}  // namespace

template <class T>
double norm_of_terms(const Forms<T>& left, const Forms<T>& right) {
    return norm_of<T>(left[0].view()) * norm_of<T>(right[0].view()) +
           norm_of<T>(left[1].view()) * norm_of<T>(right[1].view());
}

template <class T>
TriangularReport<real_t<T>> solve_two_term_forms(const Forms<T>& left, const Forms<T>& right,
                                                 bool adjoint, Matrix<T>& x) {
    return adjoint ? Directions<T>(left, right).solve_two_terms(true, x)
                   : solve_triangular_two_terms(left, right, x);
}

template <class T>
double two_term_rcond(const Forms<T>& left, const Forms<T>& right) {
    const Directions<T> directions(left, right);
    const double smallest = smallest_by_pivots<T>(
        left[0].rows(), right[0].rows(),
        [&](bool adjoint, Matrix<T>& z) { return directions.solve_two_terms(adjoint, z); });
    return reciprocal_condition({smallest, two_term_norm(left, right)}, norm_of_terms(left, right),
                                eps_of<T>);
}

template <class T>
TriangularReport<real_t<T>> solve_coupled_forms(const Forms<T>& left, const Forms<T>& right,
                                                bool adjoint, Matrix<T>& x) {
    return adjoint ? Directions<T>(left, right).solve_coupled(true, x)
                   : solve_triangular_coupled(left, right, x);
}

template <class T>
double coupled_rcond(const Forms<T>& left, const Forms<T>& right) {
    const Directions<T> directions(left, right);
    const double smallest = smallest_by_pivots<T>(
        2 * left[0].rows(), right[0].rows(),
        [&](bool adjoint, Matrix<T>& z) { return directions.solve_coupled(adjoint, z); });
    const double largest = std::hypot(stacked_norm(left, false), stacked_norm(right, true));
    return reciprocal_condition({smallest, largest}, 0, eps_of<T>);
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template double norm_of_terms(const Forms<T>&, const Forms<T>&);                               \
    template TriangularReport<real_t<T>> solve_two_term_forms(const Forms<T>&, const Forms<T>&,    \
                                                              bool, Matrix<T>&);                   \
    template double two_term_rcond(const Forms<T>&, const Forms<T>&);                              \
    template TriangularReport<real_t<T>> solve_coupled_forms(const Forms<T>&, const Forms<T>&,     \
                                                             bool, Matrix<T>&);                    \
    template double coupled_rcond(const Forms<T>&, const Forms<T>&);
OTIMES_INSTANTIATE(float)
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<float>)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
