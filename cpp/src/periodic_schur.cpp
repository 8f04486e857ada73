#include "otimes/periodic_schur.hpp"

#include <algorithm>  // std::max, std::min
#include <complex>
#include <utility>  // std::as_const, std::move
#include <vector>

#include "otimes/error.hpp"
#include "otimes/product.hpp"
#include "otimes/qr.hpp"
#include "otimes/rotation.hpp"
#include "otimes/scaling.hpp"
#include "otimes/threads.hpp"
#include "otimes/triangular.hpp"

namespace otimes {
namespace {

using Wide = std::complex<double>;

Block2<Wide> product(const Block2<Wide>& x, const Block2<Wide>& y) {
    return {times(x.a, y.a) + times(x.b, y.c), times(x.a, y.b) + times(x.b, y.d),
            times(x.c, y.a) + times(x.d, y.c), times(x.c, y.b) + times(x.d, y.d)};
}

/// det(x) x^-1
Block2<Wide> adjugate(const Block2<Wide>& x) { return {x.d, -x.b, -x.c, x.a}; }

/// [x y] G^H = [0 *]
template <class T>
Rotation<T> rotation_from_axis(T x, T y) {
    return rotation_to_axis(-y, x);
}

template <class T>
struct PlaneRotation {
    index_t plane;
    Rotation<T> g;
};

/// A basis to which rotations of its columns are applied many at a time, while a strip of it stays
/// in cache.
template <class T>
class RotatedBasis {
  public:
    RotatedBasis() = default;
    explicit RotatedBasis(Matrix<T> z) : z_(std::move(z)) {}

    void rotate(index_t plane, const Rotation<T>& g) {
        pending_.push_back({plane, g});
        if (static_cast<index_t>(pending_.size()) > 16 * z_.rows()) apply();
    }

    Matrix<T> take() && {
        apply();
        return std::move(z_);
    }

  private:
    void apply() {
        constexpr index_t strip = 64;
        const double work =
            20.0 * static_cast<double>(z_.rows()) * static_cast<double>(pending_.size());
        parallel_for((z_.rows() + strip - 1) / strip, work, [&](index_t k) {
            const index_t row = k * strip, height = std::min(strip, z_.rows() - row);
            for (const auto& [i, g] : pending_)
                rotate_cols(g, height, &z_(row, i), &z_(row, i + 1));
        });
        pending_.clear();
    }

    Matrix<T> z_;
    std::vector<PlaneRotation<T>> pending_;
};

/// S_0 is brought to Hessenberg and then to triangular form, the others are triangular throughout.
/// A rotation of Z_k acts on the factors k - 1 and k: on their columns for even k, on their rows
/// for odd ones. One that disturbs a factor's triangle is carried over to its other side, where a
/// rotation of the next basis restores it, and so on until S_0 is reached from behind.
template <class T>
class PeriodicQz {
  public:
    using R = real_t<T>;

    explicit PeriodicQz(Cycle<T>& s) : s_(s), n_(s[0].rows()) {}

    std::array<Basis<T>, 4> run() {
        make_triangular();
        for (std::size_t f = 0; f < 4; ++f)
            negligible_[f] = static_cast<R>(eps_of<T> * norm_of<T>(std::as_const(s_[f]).view()));
        make_hessenberg();
        for (index_t high = n_ - 1, sweeps = 0; high > 0;) {
            const index_t low = first_of_block(high);
            if (low == high) {
                --high;
            } else if (!deflate_infinite(low, high) && !deflate_zero(low, high)) {
                poll_interrupt();
                if (++sweeps > 30 * n_)
                    throw singular_error("the periodic QZ algorithm did not converge");
                chase_bulge(low, high, sweeps % 10 == 0);
            }
        }
        const auto basis = [&](std::size_t k) { return Basis<T>(std::move(z_[k]).take()); };
        return {basis(0), basis(1), basis(2), basis(3)};
    }

  private:
    static constexpr std::size_t before(std::size_t k) { return (k + 3) % 4; }
    static constexpr std::size_t after(std::size_t k) { return (k + 1) % 4; }

    /// S_1, S_2 and S_3.
    void make_triangular() {
        Matrix<T> z1 = split_off_q(s_[1]), z3 = split_off_q(s_[2]);
        Matrix<T> adjoint = reversed_adjoint(product('C', z3, 'N', s_[3]));
        Matrix<T> z0(reversed(split_off_q(adjoint)));
        s_[3] = reversed_adjoint(adjoint);
        s_[0] = product('C', z1, 'N', product(s_[0], z0));
        z_ = {RotatedBasis(std::move(z0)), RotatedBasis(std::move(z1)),
              RotatedBasis(identity_matrix<T>(n_)), RotatedBasis(std::move(z3))};
    }

    void make_hessenberg() {
        for (reduced_ = 0; reduced_ + 2 < n_; ++reduced_)
            for (index_t i = n_ - 2; i > reduced_; --i) {
                clear_below(i, reduced_);
                carry(1, 3, i);
            }
        reduced_ = n_;
    }

    /// On the factor f, one of the two that the basis k is a side of.
    void rotate_factor(std::size_t f, std::size_t k, index_t i, const Rotation<T>& g) {
        Matrix<T>& s = s_[f];
        if (k % 2 == 0) {
            const index_t reach = f > 0 ? i + 2 : i < reduced_ ? i + 3 : n_;
            rotate_cols(g, std::min(reach, n_), &s(0, i), &s(0, i + 1));
        } else {
            const index_t start = f > 0 ? i : std::min(std::max<index_t>(i - 1, 0), reduced_);
            rotate_rows(g, n_ - start, &s(i, start), &s(i + 1, start), s.ld());
        }
    }
    void rotate(std::size_t k, index_t i, const Rotation<T>& g) {
        rotate_factor(k, k, i, g);
        rotate_factor(before(k), k, i, g);
        z_[k].rotate(i, g);
    }

    /// S_0(i + 1, j) = 0 by rows i and i + 1.
    void clear_below(index_t i, index_t j) {
        rotate(1, i, rotation_to_axis(s_[0](i, j), s_[0](i + 1, j)));
        s_[0](i + 1, j) = 0;
    }

    /// Restores the triangle of the factor f; false if it is not disturbed.
    bool carry(std::size_t f, index_t i) {
        Matrix<T>& s = s_[f];
        if (s(i + 1, i) == T(0)) return false;
        const std::size_t k = after(f);
        rotate(k, i,
               k % 2 == 0 ? rotation_from_axis(s(i + 1, i), s(i + 1, i + 1))
                          : rotation_to_axis(s(i, i), s(i + 1, i)));
        s(i + 1, i) = 0;
        return true;
    }
    void carry(std::size_t first, std::size_t last, index_t i) {
        for (std::size_t f = first; f <= last; ++f) carry(f, i);
    }

    bool is_negligible(std::size_t f, T x) const { return size_of(x) <= negligible_[f]; }

    /// Of the block that ends with the row `high`, which S_0's subdiagonal separates from the rest.
    index_t first_of_block(index_t high) {
        for (index_t k = high; k > 0; --k)
            if (is_negligible(0, s_[0](k, k - 1))) {
                s_[0](k, k - 1) = 0;
                return k;
            }
        return 0;
    }

    /// A zero on the diagonal of S_1 or S_3 moves to the top, where it is an eigenvalue's
    /// denominator.
    bool deflate_infinite(index_t low, index_t high) {
        for (const std::size_t f : {1, 3})
            for (index_t k = low; k <= high; ++k) {
                if (!is_negligible(f, s_[f](k, k))) continue;
                s_[f](k, k) = 0;
                for (; k > low; --k) raise_zero(f, k, high);
                clear_below(low, low);
                carry(1, f - 1, low);  // not further: there is no triangle to disturb in S_f
                return true;
            }
        return false;
    }

    /// From S_f(k, k) to S_f(k - 1, k - 1), once around the cycle.
    void raise_zero(std::size_t f, index_t k, index_t high) {
        Matrix<T>& s = s_[f];
        rotate(after(f), k - 1, rotation_from_axis(s(k - 1, k - 1), s(k - 1, k)));
        s(k - 1, k - 1) = 0;
        carry(f + 1, 3, k - 1);
        if (k == high) return;
        clear_below(k, k - 1);
        carry(1, f - 1, k);
    }

    /// A zero on the diagonal of S_2 separates two blocks after a step with the shift 0, and is
    /// then at the end of the second one, where the next such step separates it.
    bool deflate_zero(index_t low, index_t high) {
        for (index_t k = high; k >= low; --k)
            if (is_negligible(2, s_[2](k, k))) {
                s_[2](k, k) = 0;
                step_without_shift(low, high);
                return true;
            }
        return false;
    }

    /// S_0 is triangular before the rotations come around to its columns: a bulge would carry
    /// nothing across a zero.
    void step_without_shift(index_t low, index_t high) {
        std::vector<Rotation<T>> left;
        for (index_t i = low; i < high; ++i) {
            left.push_back(rotation_to_axis(s_[0](i, i), s_[0](i + 1, i)));
            rotate_factor(0, 1, i, left.back());
            s_[0](i + 1, i) = 0;
        }
        for (index_t i = low; i < high; ++i) {
            const Rotation<T>& g = left[static_cast<std::size_t>(i - low)];
            const bool moves = s_[2](i, i) == T(0);
            rotate_factor(1, 1, i, g);
            z_[1].rotate(i, g);
            carry(1, i);
            if (carry(2, i) && moves) s_[2](i + 1, i + 1) = 0;
            carry(3, i);
        }
    }

    void chase_bulge(index_t low, index_t high, bool exceptional) {
        rotate(1, low, first_rotation(low, high, exceptional));
        carry(1, 3, low);
        for (index_t i = low + 1; i < high; ++i) {
            clear_below(i, i - 1);
            carry(1, 3, i);
        }
    }

    /// Takes the first column of S_0 S_3^-1 S_2 S_1^-1 - shift to the axis. The shift is the
    /// eigenvalue of the last 2x2 blocks' product S_3^-1 S_2 S_1^-1 S_0 that is nearer to its last
    /// entry, as a quotient: nothing is divided by.
    Rotation<T> first_rotation(index_t low, index_t high, bool exceptional) const {
        std::array<double, 4> size{};
        std::array<Block2<Wide>, 4> last;
        const auto at = [&](std::size_t f, index_t i, index_t j) {
            return Wide(s_[f](i, j)) / size[f];
        };
        for (std::size_t f = 0; f < 4; ++f) {
            for (index_t j = high - 1; j <= high; ++j)
                for (index_t i = high - 1; i <= high; ++i)
                    size[f] = std::max<double>(size[f], size_of(s_[f](i, j)));
            const index_t k = high - 1;
            last[f] = {at(f, k, k), at(f, k, high), at(f, high, k), at(f, high, high)};
        }
        const auto m =
            product(product(adjugate(last[3]), last[2]), product(adjugate(last[1]), last[0]));
        const Wide shift = exceptional ? size_of(m.a) + size_of(m.b) + size_of(m.c) + size_of(m.d)
                                       : m.d + offset_of_eigenvalue(m);
        const Wide divisor = times(times(last[1].a, last[1].d), times(last[3].a, last[3].d));
        const Wide x = times(divisor, times(at(0, low, low), at(2, low, low))) -
                       times(shift, times(at(1, low, low), at(3, low, low)));
        const Wide y = times(divisor, times(at(0, low + 1, low), at(2, low, low)));
        const Rotation<Wide> g = rotation_to_axis(x, y);
        return {static_cast<R>(g.c), T(g.s)};
    }

    Cycle<T>& s_;
    std::array<RotatedBasis<T>, 4> z_;
    index_t n_, reduced_ = 0;  // the columns of S_0 up to here are Hessenberg
    std::array<R, 4> negligible_{};
};

}  // namespace

template <class T>
PeriodicSchur<T>::PeriodicSchur(const Cycle<T>& a) {
    std::array<int, 4> exponents{};
    for (std::size_t k = 0; k < 4; ++k) {
        exponents[k] = binary_exponent(max_abs<T>(a[k].view()));
        forms_[k] = scaled_copy(a[k].view(), -exponents[k]);
    }
    bases_ = PeriodicQz<T>(forms_).run();
    for (std::size_t k = 0; k < 4; ++k)
        copy_scaled<T>(forms_[k].view(), forms_[k].view(), exponents[k]);
}

template class PeriodicSchur<std::complex<float>>;
template class PeriodicSchur<std::complex<double>>;

}  // namespace otimes
