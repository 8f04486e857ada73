#include "otimes/qr_iteration.hpp"

#include <algorithm>  // std::copy_n, std::max, std::min
#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <optional>
#include <vector>

#include "otimes/blas.hpp"
#include "otimes/early_deflation.hpp"
#include "otimes/reflector_kernels.hpp"
#include "otimes/rotation.hpp"
#include "otimes/scalar.hpp"

namespace otimes {
namespace {

/// Steps that bulges make in one window before the rest of the matrix follows.
constexpr index_t window_steps = 14;
/// Rows that an active block must have for early deflation to pay, the rows of its window, and the
/// bulges that its shifts make: measured. Fewer than LAPACK has, since a sweep costs less here.
constexpr index_t smallest_early = 60, largest_window = 12, most_bulges = 3;
constexpr index_t window_order(index_t active) { return active < 150 ? 6 : largest_window; }
/// Sweeps without a deflation after which the shifts are replaced, and after which it is
/// left to LAPACK.
constexpr int patience = 10, most_sweeps = 60;
constexpr bool is_exceptional(int failures) { return failures > 0 && failures % patience == 0; }

template <class T>
class QrIteration {
    using R = real_t<T>;

  public:
    QrIteration(index_t n, T* h, index_t ldh, index_t rows, T* z, index_t ldz)
        : n_(n),
          h_(h),
          ldh_(ldh),
          rows_(rows),
          z_(z),
          ldz_(ldz),
          kernels_(reflector_kernels<T>()) {}

    bool run();

  private:
    static constexpr R ulp = std::numeric_limits<R>::epsilon();
    static constexpr R tiny = std::numeric_limits<R>::min() / ulp;

    T& h(index_t i, index_t j) const { return h_[i + j * ldh_]; }

    bool is_negligible(index_t k, index_t low, index_t high) const;
    index_t split(index_t high) const;
    void finish_block(index_t k);
    ShiftPair<T> shifts(index_t low, index_t high, int failures) const;
    bool look_early(index_t low, index_t& high);
    void accept_window(index_t start, index_t end);
    void sweep(index_t low, index_t high);
    void follow(index_t low, index_t high, index_t top, index_t bottom, index_t begin, index_t end,
                index_t bulges);

    index_t n_;
    T* h_;
    index_t ldh_, rows_;
    T* z_;
    index_t ldz_;
    const ReflectorKernels<T>& kernels_;
    std::vector<Reflector<T>> reflectors_;
    std::vector<T> product_;
    std::optional<EarlyDeflation<T>> early_;
    index_t bulges_ = 0;
    std::array<ShiftPair<T>, EarlyDeflation<T>::most_shifts> pairs_;
};

/// May h(k, k-1) be set to zero? The criterion of Ahues and Tisseur (LAPACK Working Note 122): the
/// change is within rounding of both neighbouring eigenvalues, also where rows are graded.
template <class T>
bool QrIteration<T>::is_negligible(index_t k, index_t low, index_t high) const {
    const R below = size_of(h(k, k - 1));
    if (below <= tiny) return true;
    R diagonal = size_of(h(k - 1, k - 1)) + size_of(h(k, k));
    if (diagonal == 0) {
        if (k - 2 >= low) diagonal += size_of(h(k - 1, k - 2));
        if (k + 1 <= high) diagonal += size_of(h(k + 1, k));
    }
    if (!(below <= ulp * diagonal)) return false;
    const R above = size_of(h(k - 1, k)), corner = size_of(h(k, k));
    const R gap = size_of(h(k - 1, k - 1) - h(k, k));
    const R larger = std::max(below, above), smaller = std::min(below, above);
    const R most = std::max(corner, gap), least = std::min(corner, gap);
    const R sum = larger + most;
    return smaller * (larger / sum) <= std::max(tiny, ulp * (least * (most / sum)));
}

/// The first row of the last block that does not split: h(low, low-1) is set to zero.
template <class T>
index_t QrIteration<T>::split(index_t high) const {
    index_t low = high;
    while (low > 0 && !is_negligible(low, 0, high)) --low;
    if (low > 0) h(low, low - 1) = T(0);
    return low;
}

/// Splits the active block k, k + 1.
template <class T>
void QrIteration<T>::finish_block(index_t k) {
    Block2<T> block{h(k, k), h(k, k + 1), h(k + 1, k), h(k + 1, k + 1)};
    const Rotation<T> g = standardize(block);
    if (k + 2 < n_) rotate_rows(g, n_ - k - 2, &h(k, k + 2), &h(k + 1, k + 2), ldh_);
    rotate_cols(g, k, &h(0, k), &h(0, k + 1));
    rotate_cols(g, rows_, z_ + k * ldz_, z_ + (k + 1) * ldz_);
    h(k, k) = block.a;
    h(k, k + 1) = block.b;
    h(k + 1, k) = block.c;
    h(k + 1, k + 1) = block.d;
}

/// The eigenvalues of a 2x2 block; of two real ones that nearer to d, twice.
template <class T>
ShiftPair<T> eigenvalues(Block2<T> m) {
    const T corner = m.d;
    standardize(m);
    if constexpr (!is_complex<T>) {
        if (m.c != T(0)) return {m.a, m.a, std::sqrt(std::abs(m.b)) * std::sqrt(std::abs(m.c))};
    }
    const T nearer = size_of(m.a - corner) < size_of(m.d - corner) ? m.a : m.d;
    return {nearer, nearer, 0};
}

template <class T>
ShiftPair<T> QrIteration<T>::shifts(index_t low, index_t high, int failures) const {
    if (!is_exceptional(failures))
        return eigenvalues<T>(
            {h(high - 1, high - 1), h(high - 1, high), h(high, high - 1), h(high, high)});
    const bool at_top = failures / patience % 2 == 1;
    const R s = at_top ? size_of(h(low + 1, low)) + size_of(h(low + 2, low + 1))
                       : size_of(h(high, high - 1)) + size_of(h(high - 1, high - 2));
    const T centre = (at_top ? h(low, low) : h(high, high)) + T(R(0.75) * s);
    return eigenvalues<T>({centre, T(R(-0.4375) * s), T(s), centre});
}

/// What lies outside of the window follows the steps made inside, and Z.
template <class T>
void QrIteration<T>::follow(index_t low, index_t high, index_t top, index_t bottom, index_t begin,
                            index_t end, index_t bulges) {
    Chains<T> chains;
    const index_t origin = std::max(low, low + begin - bulge_distance * (bulges - 1));
    for (index_t b = 0; b < bulges; ++b) {
        const index_t start = low - bulge_distance * b;
        const index_t first = std::max(start + begin, low), last = std::min(start + end, high);
        if (first >= last) continue;
        chains.chain[chains.count++] = {
            reflectors_.data() + b * (end - begin) + first - start - begin, first - origin,
            last - first, last == high};
        chains.width = std::max(chains.width, std::min(last + 2, high + 1) - origin);
    }
    kernels_.apply_right(chains, top, &h(0, origin), ldh_);
    kernels_.apply_right(chains, rows_, z_ + origin * ldz_, ldz_);
    if (bottom < n_) kernels_.apply_left(chains, n_ - bottom, &h(origin, bottom), ldh_);
}

template <class T>
void QrIteration<T>::accept_window(index_t start, index_t end) {
    const index_t w = end - start;
    const T* const v = early_->basis();
    const auto times_basis = [&](index_t rows, T* x, index_t ldx) {
        product_.resize(static_cast<std::size_t>(rows * w));
        blas::gemm('N', 'N', rows, w, w, T(1), x, ldx, v, w, T(0), product_.data(),
                   std::max(rows, index_t{1}));
        for (index_t j = 0; j < w; ++j) std::copy_n(product_.data() + j * rows, rows, x + j * ldx);
    };
    for (index_t j = 0; j < w; ++j) std::copy_n(early_->form() + j * w, w, &h(start, start + j));
    h(start, start - 1) = early_->spike();
    times_basis(start, &h(0, start), ldh_);
    times_basis(rows_, z_ + start * ldz_, ldz_);
    if (end == n_) return;
    product_.resize(static_cast<std::size_t>((n_ - end) * w));
    blas::gemm('C', 'N', w, n_ - end, w, T(1), v, w, &h(start, end), ldh_, T(0), product_.data(),
               w);
    for (index_t j = end; j < n_; ++j)
        std::copy_n(product_.data() + (j - end) * w, w, &h(start, j));
}

/// Deflates at the bottom of the active block, and finds shifts there. True if so much was deflated
/// that it is better to look again than to sweep.
template <class T>
bool QrIteration<T>::look_early(index_t low, index_t& high) {
    const index_t order = window_order(high - low + 1), start = high - order + 1;
    if (!early_) early_.emplace(largest_window);
    const index_t found = early_->look(order, &h(start, start), ldh_, h(start, start - 1));
    bulges_ = found < 0 ? 0 : early_->shifts(most_bulges, pairs_);
    if (found <= 0) return false;
    early_->restore();
    accept_window(start, high + 1);
    high -= found;
    return bulges_ == 0 || found * 7 > order;
}

template <class T>
void QrIteration<T>::sweep(index_t low, index_t high) {
    const index_t bulges = bulges_;
    const index_t delay = bulge_distance * (bulges - 1), total = high - low + delay;
    for (index_t begin = 0, end; begin < total; begin = end) {
        end = total - begin <= window_steps + window_steps / 2 ? total : begin + window_steps;
        const index_t top = std::max(low, low + begin - delay - 1);
        const index_t bottom = std::min(high, low + end + 2) + 1;
        reflectors_.resize(static_cast<std::size_t>(bulges * (end - begin)));
        kernels_.chase({h_, ldh_, low, high, top, bottom, begin, end, bulges, pairs_.data(),
                        reflectors_.data()});
        follow(low, high, top, bottom, begin, end, bulges);
    }
}

template <class T>
bool QrIteration<T>::run() {
    int failures = 0;
    for (index_t high = n_ - 1; high > 0;) {
        const index_t low = split(high);
        if (high - low < 2) {
            if (high > low) finish_block(low);
            high = low - 1;
            failures = 0;
            continue;
        }
        if (failures == most_sweeps || !std::isfinite(size_of(h(high, high)))) return false;
        bulges_ = 0;
        if (high - low >= smallest_early && !is_exceptional(failures)) {
            const index_t before = high;
            const bool again = look_early(low, high);
            if (high < before) failures = 0;
            if (again) continue;
        }
        if (bulges_ == 0) {
            bulges_ = 1;
            pairs_[0] = shifts(low, high, failures);
        }
        sweep(low, high);
        ++failures;
    }
    return true;
}

}  // namespace

template <class T>
bool qr_iteration(index_t n, T* h, index_t ldh, index_t rows, T* z, index_t ldz) {
    return QrIteration<T>(n, h, ldh, rows, z, ldz).run();
}

template bool qr_iteration(index_t, float*, index_t, index_t, float*, index_t);
template bool qr_iteration(index_t, double*, index_t, index_t, double*, index_t);
template bool qr_iteration(index_t, std::complex<float>*, index_t, index_t, std::complex<float>*,
                           index_t);
template bool qr_iteration(index_t, std::complex<double>*, index_t, index_t, std::complex<double>*,
                           index_t);

}  // namespace otimes
