// Schur decompositions, and sums of Kronecker products in their coordinates.
#include <algorithm>  // std::copy_n
#include <complex>
#include <vector>

#include "bindings.hpp"
#include "otimes/kron_triangular.hpp"
#include "otimes/schur.hpp"

namespace otimes::bindings {
namespace {

template <class T>
py::array_t<T> to_array(const Matrix<T>& a) {
    py::array_t<T, py::array::f_style> result({a.rows(), a.cols()});
    std::copy_n(a.data(), a.rows() * a.cols(), result.mutable_data());
    return result;
}

template <class T>
py::object schur_of(py::handle h) {
    const auto a = exact<T>(h);
    if (!a || a->ndim() != 2 || a->shape(0) != a->shape(1) || !is_f_contiguous(*a))
        throw py::type_error("a must be a square, column-major matrix");
    const index_t n = a->shape(0);
    const Matrix<T> matrix(MatrixView<const T>{a->data(), n, n, 1, n});
    Matrix<T> form, basis(n, n);
    for (index_t i = 0; i < n; ++i) basis(i, i) = 1;
    run_kernel(25.0 * static_cast<double>(n * n * n), [&] {
        const Schur<T> schur(matrix);
        form = schur.form();
        schur.apply_left(false, basis);
    });
    return py::make_tuple(to_array(form), to_array(basis));
}

py::object bound_schur(py::handle a) {
    if (is_exact<double>(a)) return schur_of<double>(a);
    if (is_exact<std::complex<double>>(a)) return schur_of<std::complex<double>>(a);
    if (is_exact<float>(a)) return schur_of<float>(a);
    return schur_of<std::complex<float>>(a);
}

template <class T>
void solve_sum(const std::vector<index_t>& sizes, const py::list& terms, py::handle tiny,
               py::handle target) {
    std::vector<typename TriangularSum<T>::Term> converted;
    for (const py::handle item : terms) {
        const auto [coefficient, factors] = item.cast<std::pair<T, std::vector<py::object>>>();
        typename TriangularSum<T>::Term term{coefficient, {}};
        for (std::size_t k = 0; k < sizes.size(); ++k) {
            const py::object& f = factors.at(k);
            const auto a = exact<T>(f);
            if (!f.is_none() && (!a || a->ndim() != 2 || a->shape(0) != sizes[k] ||
                                 a->shape(1) != sizes[k] || !is_f_contiguous(*a)))
                throw py::type_error("a factor must be a square, column-major matrix");
            term.factors.push_back(a ? a->data() : nullptr);
        }
        converted.push_back(std::move(term));
    }
    const auto x = exact<T>(target);
    index_t rows = 1;
    for (const index_t n : sizes) rows *= n;
    if (!x || x->ndim() != 2 || x->shape(0) != rows || !is_c_contiguous(*x) || !x->writeable())
        throw py::type_error("x must be a contiguous block of columns");
    const index_t columns = x->shape(1);
    T* const data = const_cast<T*>(x->data());
    const TriangularSum<T> sum(sizes, std::move(converted), tiny.cast<T>());
    run_kernel(static_cast<double>(rows * columns * 10), [&] { sum.solve(columns, data); });
}

void solve_triangular_sum(const std::vector<index_t>& sizes, const py::list& terms, py::handle tiny,
                          py::handle x) {
    if (is_exact<double>(x)) return solve_sum<double>(sizes, terms, tiny, x);
    if (is_exact<std::complex<double>>(x))
        return solve_sum<std::complex<double>>(sizes, terms, tiny, x);
    if (is_exact<float>(x)) return solve_sum<float>(sizes, terms, tiny, x);
    return solve_sum<std::complex<float>>(sizes, terms, tiny, x);
}

}  // namespace

void register_spectral(py::module_& m) {
    using py::arg;
    m.def("schur", &bound_schur, arg("a"),
          "(T, Z) with A = Z T Z^H; T is quasi-triangular for a real A.");
    m.def(
        "solve_triangular_sum", &solve_triangular_sum, arg("sizes"), arg("terms"), arg("tiny"),
        arg("x"),
        "x <- M^-1 x in place, for M = sum of c (F1 x ... x FN) given as (c, [F1, ...]), None "
        "being an identity, the others upper triangular, or for two factors quasi-triangular with "
        "bumps in common; zero pivots count as tiny.");
}

}  // namespace otimes::bindings
