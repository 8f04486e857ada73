// Riccati equations and Lyapunov factors: exact ndarrays in, batches are looped over here.
#include <algorithm>  // std::fill_n
#include <array>
#include <atomic>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "batch.hpp"
#include "bindings.hpp"
#include "otimes/lyapunov_factor.hpp"
#include "otimes/riccati.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"
#include "solved.hpp"

namespace otimes::bindings {
namespace {

/// The operands of one equation, all of scalar T; those after the `required` ones may be None.
template <class T>
class Operands {
  public:
    /// `shapes` names the rows and the columns of each operand, such as "nn" or "nm".
    template <std::size_t count>
    Operands(const std::array<py::handle, count>& handles,
             const std::array<const char*, count>& shapes, std::size_t required) {
        for (std::size_t k = 0; k < required; ++k) exact_ = exact_ && !handles[k].is_none();
        for (std::size_t k = 0; k < count && exact_; ++k) {
            positions_.push_back(handles[k].is_none() ? -1 : static_cast<int>(list_.size()));
            if (!handles[k].is_none()) add(handles[k], shapes[k]);
        }
    }

    bool are_exact() const { return exact_; }
    const std::vector<Operand>& list() const { return list_; }
    index_t states() const { return states_; }

    /// Operand k of an item; a view without data where it is None.
    MatrixView<const T> matrix(const BatchItem& item, std::size_t k) const {
        if (positions_[k] < 0) return {};
        return item.matrix<T>(static_cast<std::size_t>(positions_[k]));
    }

  private:
    void add(py::handle h, const char* shape) {
        exact_ = is_exact<T>(h);
        if (!exact_) return;
        const Operand& operand = list_.emplace_back(h);
        exact_ =
            operand.is_walkable() && fits(shape[0], operand.rows) && fits(shape[1], operand.cols);
    }

    /// The first operand with such a dimension decides its size.
    bool fits(char dimension, index_t size) {
        index_t& known = dimension == 'n' ? states_ : inputs_;
        if (known < 0) known = size;
        return known == size;
    }

    bool exact_ = true;
    index_t states_ = -1, inputs_ = -1;
    std::vector<Operand> list_;
    std::vector<int> positions_;
};

/// An uninitialised array (batch..., n, n) and its matrices.
template <class T>
struct Squares {
    py::array_t<T> array;
    T* data;
    index_t n;

    Squares(const Batch& batch, index_t size) : n(size) {
        std::vector<py::ssize_t> shape = batch.shape();
        shape.insert(shape.end(), {n, n});
        array = py::array_t<T>(shape);
        data = array.mutable_data();
    }
    MatrixView<T> matrix(index_t item) const { return {data + item * n * n, n, n, n, 1}; }
    void fill(index_t item, T value) const { std::fill_n(data + item * n * n, n * n, value); }
};

/// Run solve(index, item) for every item of a batch.
template <class Solve>
void for_each_item(const Batch& batch, double work_of_one, Solve&& solve) {
    const double work = static_cast<double>(batch.count()) * work_of_one;
    run_kernel(work, [&] {
        parallel_for(batch.count(), work, [&](index_t index) {
            naming_item(batch, index, [&] { solve(index, BatchItem(batch, index)); });
        });
    });
}

double cube(index_t n) { return static_cast<double>(n * n * n); }

/// ||A - A^H||_1 within 100 units of the last place of ||A||_1.
template <class T>
bool is_nearly_hermitian(MatrixView<const T> a) {
    double norm = 0, difference = 0;
    for (index_t j = 0; j < a.cols; ++j) {
        double column = 0, skew = 0;
        for (index_t i = 0; i < a.rows; ++i) {
            column += std::abs(a(i, j));
            skew += std::abs(a(i, j) - conj_of(a(j, i)));
        }
        norm = std::fmax(norm, column);
        difference = std::fmax(difference, skew);
    }
    return !(difference >
             100 * (std::nextafter(norm, std::numeric_limits<double>::infinity()) - norm));
}

template <class T>
py::object solve_riccati_exact(Time time, const std::array<py::handle, 6>& handles, bool balanced,
                               bool check) {
    const Operands<T> operands(handles, {"nn", "nm", "nn", "mm", "nn", "nm"}, 4);
    if (!operands.are_exact()) return py::none();
    const Batch batch(operands.list());
    if (!batch.fits()) return py::none();
    const Squares<T> x(batch, operands.states());
    std::vector<SolveReport> reports(static_cast<std::size_t>(batch.count()));
    std::atomic<bool> improper = false;
    for_each_item(batch, 200 * cube(x.n) + 1e4, [&](index_t index, const BatchItem& item) {
        std::array<MatrixView<const T>, 6> m;
        bool finite = true;
        for (std::size_t k = 0; k < m.size(); ++k) {
            m[k] = operands.matrix(item, k);
            finite = finite && std::isfinite(max_abs<T>(m[k]));
        }
        if (check && !(finite && is_nearly_hermitian(m[2]) && is_nearly_hermitian(m[3]))) {
            improper = true;
            return;
        }
        SolveReport& report = reports[static_cast<std::size_t>(index)];
        if (finite) {
            report = solve_riccati<T>(time, {m[0], m[1], m[2], m[3], m[4], m[5]}, balanced,
                                      x.matrix(index));
            return;
        }
        constexpr double nan = std::numeric_limits<double>::quiet_NaN();
        x.fill(index, T(nan));
        report = {.method = "undefined", .residual = nan, .rcond = nan};
    });
    if (improper) return py::none();
    return result<double>(x.array, batch, reports);
}

/// None if the matrices are not exactly right: of one double precision scalar, of fitting shapes,
/// and, with `check`, finite, Q and R Hermitian.
py::object bound_riccati(bool discrete, const std::array<py::handle, 6>& handles, bool balanced,
                         bool check) {
    const Time time = discrete ? Time::discrete : Time::continuous;
    if (is_exact<double>(handles[0]))
        return solve_riccati_exact<double>(time, handles, balanced, check);
    return solve_riccati_exact<std::complex<double>>(time, handles, balanced, check);
}

template <class T>
py::object lyapunov_factor_exact(Time time, const std::array<py::handle, 3>& handles, bool check) {
    const Operands<T> operands(handles, {"nn", "nm", "nn"}, 2);
    if (!operands.are_exact()) return py::none();
    const Batch batch(operands.list());
    if (!batch.fits()) return py::none();
    const Squares<T> l(batch, operands.states());
    std::atomic<bool> improper = false;
    for_each_item(batch, 60 * cube(l.n) + 1e4, [&](index_t index, const BatchItem& item) {
        std::array<MatrixView<const T>, 3> m;
        bool finite = true;
        for (std::size_t k = 0; k < m.size(); ++k) {
            m[k] = operands.matrix(item, k);
            finite = finite && std::isfinite(max_abs<T>(m[k]));
        }
        if (finite) return lyapunov_factor<T>(time, m[0], m[1], m[2], l.matrix(index));
        if (check) improper = true;
        l.fill(index, T(std::numeric_limits<real_t<T>>::quiet_NaN()));
    });
    if (improper) return py::none();
    return l.array;
}

py::object bound_lyapunov_factor(bool discrete, const std::array<py::handle, 3>& handles,
                                 bool check) {
    const Time time = discrete ? Time::discrete : Time::continuous;
    return with_scalar(handles[0],
                       [&]<class T>(T) { return lyapunov_factor_exact<T>(time, handles, check); });
}

}  // namespace

void register_riccati(py::module_& m) {
    using py::arg;
    m.def(
        "solve_riccati",
        [](bool discrete, py::handle a, py::handle b, py::handle q, py::handle r, py::handle e,
           py::handle s, bool balanced,
           bool check) { return bound_riccati(discrete, {a, b, q, r, e, s}, balanced, check); },
        arg("discrete"), arg("a"), arg("b"), arg("q"), arg("r"), arg("e"), arg("s"),
        arg("balanced"), arg("check"));
    m.def(
        "lyapunov_factor",
        [](bool discrete, py::handle a, py::handle b, py::handle e, bool check) {
            return bound_lyapunov_factor(discrete, {a, b, e}, check);
        },
        arg("discrete"), arg("a"), arg("b"), arg("e"), arg("check"));
}

}  // namespace otimes::bindings
