// Term plans: sums of Kronecker terms as one object, applied by one call.
#include "bindings.hpp"
#include "otimes/kron.hpp"
#include "otimes/kron_lu.hpp"

namespace otimes::bindings {
namespace {

/// A factor is kept alive by a reference to its (read-only, contiguous) array.
std::shared_ptr<const void> keep_alive(const py::object& array) {
    return {new py::object(array), [](const void* p) {
                const py::gil_scoped_acquire locked;
                delete static_cast<const py::object*>(p);
            }};
}

/// A vector of a sparse matrix, which is made for the plan: it is exactly of type V.
template <class V>
py::array_t<V, 0> sparse_part(py::handle h) {
    auto part = exact<V>(h);
    if (!part || part->ndim() != 1 || !is_c_contiguous(*part))
        throw py::type_error("a sparse factor must have contiguous data and 64-bit indices");
    return *part;
}

/// A sparse factor from (data, columns, row_start, (rows, cols)): CSR with indices in range.
template <class T>
TermFactor<T> to_sparse_factor(const py::tuple& parts) {
    TermFactor<T> f;
    const auto columns = sparse_part<index_t>(parts[1]);
    const auto row_start = sparse_part<index_t>(parts[2]);
    std::tie(f.rows, f.cols) = parts[3].cast<std::pair<index_t, index_t>>();
    f.data = sparse_part<T>(parts[0]).data();
    f.columns = columns.data();
    f.row_start = row_start.data();
    f.owner = keep_alive(parts);
    return f;
}

template <class T>
TermFactor<T> to_dense_factor(py::handle h) {
    TermFactor<T> f;
    const auto a = exact<T>(h);
    if (!a || a->ndim() != 2 || !(is_c_contiguous(*a) || is_f_contiguous(*a)))
        throw py::type_error("a factor must be a contiguous matrix of the plan's dtype");
    f.data = a->data();
    f.rows = a->shape(0);
    f.cols = a->shape(1);
    f.row_major = is_c_contiguous(*a);
    f.owner = keep_alive(*a);
    return f;
}

/// A size is an identity, a tuple a sparse matrix.
template <class T>
TermFactor<T> to_factor(py::handle h) {
    if (PyTuple_Check(h.ptr())) return to_sparse_factor<T>(h.cast<py::tuple>());
    if (!PyLong_Check(h.ptr())) return to_dense_factor<T>(h);
    TermFactor<T> f;
    f.rows = f.cols = h.cast<index_t>();
    return f;
}

/// A plan of any dtype, as Python sees it.
class PlanBase {
  public:
    virtual ~PlanBase() = default;
    /// M x for x (N,) or (N, k); None when x is not exactly of the plan's dtype and size.
    virtual py::object matmul(py::handle x, py::handle out) const = 0;
    /// The plan along the middle mode of a C-ordered x (L, N, R).
    virtual py::array apply(const py::array& x) const = 0;
    virtual py::array rows(const py::array_t<index_t, py::array::c_style>& indices) const = 0;
    virtual double work() const = 0;
    virtual index_t passes(index_t right) const = 0;
};

template <class T>
class Plan final : public PlanBase {
  public:
    explicit Plan(const py::list& terms) : plan_(convert(terms)) {}

    py::object matmul(py::handle h, py::handle out) const override {
        if constexpr (std::is_floating_point_v<T>)
            if (out.is_none() && is_exact<std::complex<T>>(h)) return complex_matmul(h);
        const auto x = exact<T>(h);
        if (!x || x->ndim() < 1 || x->ndim() > 2 || x->shape(0) != plan_.cols()) return py::none();
        const bool vector = x->ndim() == 1;
        const index_t k = vector ? 1 : x->shape(1);
        const bool rows = is_c_contiguous(*x);
        if (!rows && !is_f_contiguous(*x))
            return matmul(py::array_t<T, py::array::c_style>(*x), out);
        auto y = target(out, *x, k, vector, !rows);
        if (!y) return py::none();
        rows ? run(x->data(), 1, k, *y) : run(x->data(), k, 1, *y);
        return *y;
    }

    py::array apply(const py::array& h) const override {
        const auto x = exact<T>(h);
        if (!x || x->ndim() != 3 || !is_c_contiguous(*x) || x->shape(1) != plan_.cols())
            throw py::type_error("apply takes a C-ordered (L, N, R) array of the plan's dtype");
        py::array_t<T> y({x->shape(0), plan_.rows(), x->shape(2)});
        run(x->data(), x->shape(0), x->shape(2), y);
        return y;
    }

    py::array rows(const py::array_t<index_t, py::array::c_style>& indices) const override {
        py::array_t<T> out({indices.size(), plan_.cols()});
        T* const target = out.mutable_data();
        run_kernel(static_cast<double>(out.size()),
                   [&] { plan_.write_rows(indices.data(), indices.size(), target); });
        return out;
    }

    double work() const override { return plan_.work(); }
    index_t passes(index_t right) const override { return plan_.passes(right); }

  private:
    static std::vector<Term<T>> convert(const py::list& list) {
        std::vector<Term<T>> terms;
        for (const py::handle item : list) {
            const auto parts = item.cast<py::tuple>();
            Term<T> term{parts[0].cast<T>(), {}, {}};
            for (const py::handle f : parts[1]) term.factors.push_back(to_factor<T>(f));
            for (const py::handle k : parts[2]) term.order.push_back(k.cast<index_t>());
            terms.push_back(std::move(term));
        }
        return terms;
    }

    /// A real product with complex x: its real and imaginary parts are two columns.
    py::object complex_matmul(py::handle h) const {
        using C = std::complex<T>;
        const auto x = *exact<C>(h);
        if (x.ndim() < 1 || x.ndim() > 2 || x.shape(0) != plan_.cols()) return py::none();
        const bool vector = x.ndim() == 1, rows = is_c_contiguous(x);
        const index_t k = vector ? 1 : x.shape(1);
        if (!rows && !is_f_contiguous(x)) return py::none();
        auto y = new_array<C>(plan_.rows(), k, vector, !rows);
        const T* const from = reinterpret_cast<const T*>(x.data());
        rows ? run(from, 1, 2 * k, y) : run(from, k, 2, y);
        return y;
    }

    /// (m,), or (m, k) in order of rows or of `columns`.
    template <class S>
    static py::array_t<S, 0> new_array(index_t m, index_t k, bool vector, bool columns) {
        constexpr auto size = static_cast<index_t>(sizeof(S));
        if (vector) return py::array_t<S, 0>(m);
        if (columns) return py::array_t<S, 0>({m, k}, {size, m * size});
        return py::array_t<S, 0>({m, k}, {k * size, size});
    }

    /// `out` when it can be written directly, a new array when it is None, else nothing.
    std::optional<py::array_t<T, 0>> target(py::handle out, const py::array& x, index_t k,
                                            bool vector, bool columns) const {
        const index_t m = plan_.rows();
        if (out.is_none()) return new_array<T>(m, k, vector, columns);
        auto y = exact<T>(out);
        const bool fits = y && y->ndim() == x.ndim() && y->shape(0) == m &&
                          (vector || y->shape(1) == k) && y->writeable() &&
                          (columns ? is_f_contiguous(*y) : is_c_contiguous(*y)) && !overlap(*y, x);
        return fits ? y : std::nullopt;
    }

    void run(const T* x, index_t L, index_t R, py::array& y) const {
        T* const to = static_cast<T*>(y.mutable_data());
        run_kernel(2 * plan_.work() * static_cast<double>(L * R),
                   [&] { plan_.apply(x, L, R, to); });
    }

    TermPlan<T> plan_;
};

/// Scalars by NumPy type character: the table of what plans compute in.
std::unique_ptr<PlanBase> make_plan(char dtype, const py::list& terms) {
    switch (dtype) {
        case 'f':
            return std::make_unique<Plan<float>>(terms);
        case 'd':
            return std::make_unique<Plan<double>>(terms);
        case 'F':
            return std::make_unique<Plan<std::complex<float>>>(terms);
        case 'D':
            return std::make_unique<Plan<std::complex<double>>>(terms);
        case 'l':  // where long has 64 bits
        case 'q':
            return std::make_unique<Plan<std::int64_t>>(terms);
        case 'L':
        case 'Q':
            return std::make_unique<Plan<std::uint64_t>>(terms);
        case '?':
            return std::make_unique<Plan<bool>>(terms);
        default:
            throw py::type_error("no plan computes in this dtype");
    }
}

/// LU factors of a Kronecker product, of any dtype.
class FactorizationBase {
  public:
    virtual ~FactorizationBase() = default;
    virtual double rcond() const = 0;
    /// In place on a C-ordered x (L, N, R) of the factorization's dtype.
    virtual void solve(char op, py::array& x) const = 0;
};

template <class T>
class Factorization final : public FactorizationBase {
  public:
    explicit Factorization(const py::list& factors) {
        std::vector<MatrixView<const T>> views;
        std::vector<TermFactor<T>> kept;
        double work = 0;
        for (const py::handle h : factors) {
            kept.push_back(to_dense_factor<T>(h));
            const TermFactor<T>& f = kept.back();
            views.push_back(f.view());
            size_ *= f.rows;
            work += static_cast<double>(f.rows * f.rows) * static_cast<double>(f.rows);
        }
        run_kernel(work, [&] { lu_.emplace(views); });
    }

    double rcond() const override { return lu_->rcond(); }

    void solve(char op, py::array& h) const override {
        auto x = exact<T>(h);
        if (!x || x->ndim() != 3 || !is_c_contiguous(*x) || x->shape(1) != size_)
            throw py::type_error("solve takes a C-ordered (L, N, R) array of the factors' dtype");
        T* const data = x->mutable_data();
        run_kernel(10 * static_cast<double>(x->size()),
                   [&] { lu_->solve(op, x->shape(0), x->shape(2), data); });
    }

  private:
    index_t size_ = 1;
    std::optional<KronLU<T>> lu_;
};

std::unique_ptr<FactorizationBase> make_factorization(char dtype, const py::list& factors) {
    switch (dtype) {
        case 'f':
            return std::make_unique<Factorization<float>>(factors);
        case 'd':
            return std::make_unique<Factorization<double>>(factors);
        case 'F':
            return std::make_unique<Factorization<std::complex<float>>>(factors);
        case 'D':
            return std::make_unique<Factorization<std::complex<double>>>(factors);
        default:
            throw py::type_error("no factorization computes in this dtype");
    }
}

}  // namespace

void register_kron(py::module_& m) {
    py::class_<PlanBase>(m, "TermPlan", "A sum of Kronecker terms, ready to be applied.")
        .def(py::init(&make_plan), py::arg("dtype"), py::arg("terms"))
        .def("matmul", &PlanBase::matmul, py::arg("x"), py::arg("out") = py::none())
        .def("apply", &PlanBase::apply, py::arg("x").noconvert())
        .def("rows", &PlanBase::rows, py::arg("indices"))
        .def("passes", &PlanBase::passes, py::arg("right"))
        .def_property_readonly("work", &PlanBase::work);
    py::class_<FactorizationBase>(m, "KronLU", "LU factors of a Kronecker product.")
        .def(py::init(&make_factorization), py::arg("dtype"), py::arg("factors"))
        .def_property_readonly("rcond", &FactorizationBase::rcond)
        .def("solve", &FactorizationBase::solve, py::arg("op"), py::arg("x").noconvert());
}

}  // namespace otimes::bindings
