#include "otimes/riccati_scaling.hpp"

#include <algorithm>  // std::max
#include <cmath>
#include <complex>

#include "otimes/scaling.hpp"

namespace otimes {
namespace {

/// What one state contributes to the norm of the Hamiltonian matrix when its unit is f times as
/// large: f column + row / f + f^2 cost + effort / f^2.
struct Share {
    double column = 0, row = 0, cost = 0, effort = 0;

    double at(double f) const { return f * column + row / f + f * f * cost + effort / (f * f); }

    /// The best power of two, found by walking downhill. Where nothing holds it on one side, as for
    /// a state that nothing drives, the unit is kept.
    int best_exponent() const {
        if (column + cost == 0 || row + effort == 0) return 0;
        constexpr double worthwhile = 0.95;
        constexpr int limit = 200;
        int exponent = 0;
        for (const int step : {1, -1})
            while (std::abs(exponent) < limit && at(std::ldexp(1.0, exponent + step)) <
                                                     worthwhile * at(std::ldexp(1.0, exponent)))
                exponent += step;
        return exponent;
    }
};

/// |A| + |E|, |B| |B|^T / |R| and |Q| of the equation, scaled as the units grow.
class Magnitudes {
  public:
    template <class T>
    explicit Magnitudes(const RiccatiProblem<T>& p)
        : n_(p.states()), a_(n_, n_), g_(n_, n_), q_(n_, n_) {
        const double weight = max_abs<T>(p.r.view()), r = weight > 0 ? weight : 1;
        for (index_t j = 0; j < n_; ++j)
            for (index_t i = 0; i < n_; ++i) {
                a_(i, j) = std::abs(p.a(i, j)) + (p.has_e() ? std::abs(p.e(i, j)) : 0);
                q_(i, j) = std::abs(p.q(i, j));
                for (index_t k = 0; k < p.controls(); ++k)
                    g_(i, j) += std::abs(p.b(i, k)) * std::abs(p.b(j, k)) / r;
            }
    }

    /// All units at once: costs against efforts.
    Share of_all() const {
        Share share;
        for (index_t k = 0; k < n_ * n_; ++k) {
            share.cost += q_.data()[k];
            share.effort += g_.data()[k];
        }
        return share;
    }

    Share of(index_t i) const {
        Share share{0, 0, q_(i, i), g_(i, i)};
        for (index_t j = 0; j < n_; ++j) {
            if (j == i) continue;
            share.column += a_(j, i) + q_(j, i);
            share.row += a_(i, j) + g_(j, i);
        }
        return share;
    }

    void change(index_t i, int exponent) {
        const double f = std::ldexp(1.0, exponent);
        for (index_t j = 0; j < n_; ++j) {
            a_(j, i) *= f;
            a_(i, j) /= f;
            q_(j, i) *= f;
            q_(i, j) *= f;
            g_(j, i) /= f;
            g_(i, j) /= f;
        }
    }

  private:
    index_t n_;
    Matrix<double> a_, g_, q_;
};

std::vector<int> balance(Magnitudes magnitudes, index_t n) {
    constexpr int sweeps = 20;
    std::vector<int> d(static_cast<std::size_t>(n), magnitudes.of_all().best_exponent());
    for (index_t i = 0; i < n; ++i) magnitudes.change(i, d[static_cast<std::size_t>(i)]);
    bool changed = true;
    for (int sweep = 0; sweep < sweeps && changed; ++sweep) {
        changed = false;
        for (index_t i = 0; i < n; ++i) {
            const int step = magnitudes.of(i).best_exponent();
            if (step == 0) continue;
            changed = true;
            magnitudes.change(i, step);
            d[static_cast<std::size_t>(i)] += step;
        }
    }
    return d;
}

/// a(i, j) <- 2^(sign_rows rows[i] + sign_cols cols[j] + common) a(i, j); rows or cols may be
/// empty.
template <class T>
void scale_entries(const std::vector<int>& rows, const std::vector<int>& cols, int sign_rows,
                   int sign_cols, int common, Matrix<T>& a) {
    const auto at = [](const std::vector<int>& d, index_t i) {
        return d.empty() ? 0 : d[static_cast<std::size_t>(i)];
    };
    for (index_t j = 0; j < a.cols(); ++j)
        for (index_t i = 0; i < a.rows(); ++i) {
            const int exponent = sign_rows * at(rows, i) + sign_cols * at(cols, j) + common;
            if (exponent != 0) a(i, j) = PowerOfTwo<real_t<T>>(exponent)(a(i, j));
        }
}

}  // namespace

template <class T>
RiccatiUnits riccati_units(const RiccatiProblem<T>& p, bool balanced) {
    RiccatiUnits units;
    units.cost = binary_exponent(std::max(max_abs<T>(p.q.view()), max_abs<T>(p.r.view())));
    if (balanced) {
        RiccatiProblem<T> scaled = p;
        change_units(units, scaled);
        units.states = balance(Magnitudes(scaled), p.states());
    }
    return units;
}

RiccatiUnits inverse(RiccatiUnits units) {
    units.cost = -units.cost;
    for (int& d : units.states) d = -d;
    return units;
}

template <class T>
void change_units(const RiccatiUnits& units, RiccatiProblem<T>& p) {
    const std::vector<int>& d = units.states;
    scale_entries(d, d, -1, 1, 0, p.a);
    scale_entries(d, d, -1, 1, 0, p.e);
    scale_entries(d, {}, -1, 0, 0, p.b);
    scale_entries(d, d, 1, 1, -units.cost, p.q);
    scale_entries(d, {}, 1, 0, -units.cost, p.s);
    scale_entries({}, {}, 0, 0, -units.cost, p.r);
}

template <class T>
void restore_units(const RiccatiUnits& units, Matrix<T>& x) {
    scale_entries(units.states, units.states, -1, -1, units.cost, x);
}

#define OTIMES_INSTANTIATE(T)                                                                      \
    template RiccatiUnits riccati_units(const RiccatiProblem<T>&, bool);                           \
    template void change_units(const RiccatiUnits&, RiccatiProblem<T>&);                           \
    template void restore_units(const RiccatiUnits&, Matrix<T>&);
OTIMES_INSTANTIATE(double)
OTIMES_INSTANTIATE(std::complex<double>)

}  // namespace otimes
