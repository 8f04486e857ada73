#include "otimes/riccati_pencil.hpp"

#include <algorithm>  // std::count, std::max, std::nth_element
#include <complex>
#include <limits>
#include <utility>  // std::as_const
#include <vector>

#include "otimes/error.hpp"
#include "otimes/lapack.hpp"
#include "otimes/lu.hpp"
#include "otimes/product.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"

namespace otimes {
namespace {

template <class T>
struct Pencil {
    Matrix<T> a, b;  // a - lambda b
};

/// to(row + i, col + j) = scale op(from)(i, j)
template <class T>
void place(char op, const Matrix<T>& from, T scale, index_t row, index_t col, Matrix<T>& to) {
    for (index_t j = 0; j < from.cols(); ++j)
        for (index_t i = 0; i < from.rows(); ++i)
            if (op == 'N')
                to(row + i, col + j) = scale * from(i, j);
            else
                to(row + j, col + i) = scale * conj_of(from(i, j));
}

/// The first two block columns, for x and for y = X E x, of
/// [A 0 B; -Q -A^H -S; S^H B^H R] - lambda [E 0 0; 0 E^H 0; 0 0 0] in continuous time,
/// [A 0 B; -Q E^H -S; S^H 0 R] - lambda [E 0 0; 0 A^H 0; 0 -B^H 0] in discrete time.
template <class T>
Pencil<T> state_columns(const RiccatiProblem<T>& p) {
    const index_t n = p.states(), size = 2 * n + p.controls();
    const Matrix<T> e = p.has_e() ? p.e : identity_matrix<T>(n);
    Pencil<T> pencil{Matrix<T>(size, 2 * n), Matrix<T>(size, 2 * n)};
    place('N', p.a, T(1), 0, 0, pencil.a);
    place('N', p.q, T(-1), n, 0, pencil.a);
    place('C', p.s, T(1), 2 * n, 0, pencil.a);
    place('N', e, T(1), 0, 0, pencil.b);
    if (p.time == Time::continuous) {
        place('C', p.a, T(-1), n, n, pencil.a);
        place('C', p.b, T(1), 2 * n, n, pencil.a);
        place('C', e, T(1), n, n, pencil.b);
    } else {
        place('C', e, T(1), n, n, pencil.a);
        place('C', p.a, T(1), n, n, pencil.b);
        place('C', p.b, T(-1), 2 * n, n, pencil.b);
    }
    return pencil;
}

/// Its third block column, for the controls.
template <class T>
Matrix<T> control_columns(const RiccatiProblem<T>& p) {
    const index_t n = p.states();
    Matrix<T> c(2 * n + p.controls(), p.controls());
    place('N', p.b, T(1), 0, 0, c);
    place('N', p.s, T(-1), n, 0, c);
    place('N', p.r, T(1), 2 * n, 0, c);
    return c;
}

/// The controls eliminated by rows orthogonal to their columns: 2n x 2n.
template <class T>
Pencil<T> compressed(const RiccatiProblem<T>& p) {
    Pencil<T> pencil = state_columns(p);
    Matrix<T> controls = control_columns(p);
    const index_t size = controls.rows(), m = controls.cols(), n2 = size - m;
    std::vector<T> tau(static_cast<std::size_t>(m));
    blas::geqrf(size, m, controls.data(), controls.ld(), tau.data());
    for (Matrix<T>* part : {&pencil.a, &pencil.b}) {
        blas::apply_reflectors(true, size, n2, m, controls.data(), controls.ld(), tau.data(),
                               part->data(), part->ld());
        *part = Matrix<T>(std::as_const(*part).view().block(m, 0, n2, n2));
    }
    return pencil;
}

[[noreturn]] void fail_near_boundary(Time time) {
    throw singular_error(time == Time::continuous
                             ? "the associated Hamiltonian pencil has eigenvalues too close to the "
                               "imaginary axis: there is no stabilizing solution"
                             : "the associated symplectic pencil has eigenvalues too close to the "
                               "unit circle: there is no stabilizing solution");
}

/// How unstable each eigenvalue is: its real part, or its modulus. A conjugate pair shares one.
template <class T>
std::vector<double> instability(Time time, const blas::PencilEigenvalues<T>& values) {
    std::vector<double> growth;
    for (std::size_t k = 0; k < values.beta.size(); ++k) {
        const std::complex<double> lambda =
            std::complex<double>(values.alpha[k]) / static_cast<double>(values.beta[k]);
        const bool is_second = !is_complex<T> && lambda.imag() < 0;
        growth.push_back(is_second                  ? growth.back()
                         : values.beta[k] == 0      ? std::numeric_limits<double>::infinity()
                         : time == Time::continuous ? lambda.real()
                                                    : std::abs(lambda));
    }
    return growth;
}

/// The most stable half of the eigenvalues.
template <class T>
std::vector<blas::blasint> stable_half(Time time, const blas::PencilEigenvalues<T>& values) {
    const std::vector<double> growth = instability(time, values);
    std::vector<double> sorted = growth;
    const auto half = static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), sorted.begin() + half - 1, sorted.end());
    const double last = sorted[static_cast<std::size_t>(half - 1)];
    std::vector<blas::blasint> select;
    for (const double g : growth) select.push_back(g <= last);
    if (std::count(select.begin(), select.end(), 1) != half) fail_near_boundary(time);
    return select;
}

/// [U1; U2], an orthonormal basis of the stable deflating subspace.
template <class T>
Matrix<T> stable_subspace(Time time, Pencil<T> pencil) {
    const index_t size = pencil.a.rows();
    Matrix<T> q(size, size), z(size, size);
    if (blas::gges3(size, pencil.a.data(), size, pencil.b.data(), size, q.data(), size, z.data(),
                    size) != 0)
        throw singular_error("the QZ algorithm did not converge");
    poll_interrupt();
    blas::PencilEigenvalues<T> values;
    const auto move_up = [&](const std::vector<blas::blasint>& selected) {
        if (blas::tgsen(selected, pencil.a.data(), pencil.b.data(), z.data(), size, values) != 0)
            fail_near_boundary(time);
    };
    move_up(std::vector<blas::blasint>(static_cast<std::size_t>(size)));  // none: for the values
    move_up(stable_half(time, values));
    return Matrix<T>(std::as_const(z).view().block(0, 0, size, size / 2));
}

/// U1^H U2 is Hermitian for an isolated stable subspace (Laub 1979).
template <class T>
bool is_isotropic(const Matrix<T>& u1, const Matrix<T>& u2) {
    constexpr double tolerance = 0.1;
    const Matrix<T> w = product('C', u1, 'N', u2);
    Matrix<T> skew = w;
    for (index_t j = 0; j < w.cols(); ++j)
        for (index_t i = 0; i < w.rows(); ++i) skew(i, j) -= conj_of(w(j, i));
    const double rounding = 1000 * eps_of<T> * norm_of<T>(u2.view());
    return norm_of<T>(skew.view()) <= std::max(tolerance * norm_of<T>(w.view()), rounding);
}

}  // namespace

template <class T>
Matrix<T> riccati_by_pencil(const RiccatiProblem<T>& p) {
    const index_t n = p.states();
    const Matrix<T> u = stable_subspace(p.time, compressed(p));
    Matrix<T> u1(u.view().block(0, 0, n, n)), u2(u.view().block(n, 0, n, n));
    if (p.has_e()) u1 = product(p.e, u1);
    if (!is_isotropic(u1, u2)) fail_near_boundary(p.time);
    const LU<T> lu(u1);
    if (!(lu.rcond >= eps_of<T>))
        throw singular_error(
            "failed to find a finite solution: the stable subspace is not the "
            "graph of any X (are all unstable states controllable?)");
    lu.solve_right('N', n, u2.data(), u2.ld());  // X = U2 (E U1)^-1
    make_hermitian(u2);
    return u2;
}

#define OTIMES_INSTANTIATE(T) template Matrix<T> riccati_by_pencil(const RiccatiProblem<T>&);
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
