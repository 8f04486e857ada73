// The pseudo-inverse of one matrix, by the cheapest decomposition that reveals its rank.
#pragma once

#include <string_view>
#include <vector>

#include "otimes/lapack.hpp"
#include "otimes/view.hpp"

namespace otimes {

/// A = U diag(values) V^H, thin.
template <class T>
struct Svd {
    explicit Svd(Matrix<T> a);

    /// How many values are above `tolerance` times the largest.
    index_t rank(double tolerance) const;

    Matrix<T> u, vh;
    std::vector<real_t<T>> values;
};

/// A^+ of a matrix with entries near 1, singular values up to `tolerance` times the largest counted
/// as zero. QR while A is far from rank-deficient, else pivoted QR and a second one that completes
/// it, A P = Q1 S^H W^H; the SVD where one that counts may be less than 1000 times the tolerance,
/// for there the diagonal of R decides nothing (Kahan 1966).
template <class T>
class PseudoInverse {
  public:
    enum class Method { qr, complete, svd };

    PseudoInverse(const Matrix<T>& a, double tolerance);

    Method method() const { return method_; }
    index_t rank() const { return rank_; }
    /// The smallest singular value that counts over the largest, estimated.
    double rcond() const { return rcond_; }

    /// A^+ C.
    Matrix<T> apply(const Matrix<T>& c) const;

  private:
    struct Reflectors {
        Matrix<T> matrix;
        std::vector<T> tau;
    };

    static Reflectors qr_of(Matrix<T> a);
    bool by_qr(double tolerance);
    bool by_complete_decomposition(const Matrix<T>& tall, double tolerance);
    void by_svd(const Matrix<T>& tall, double tolerance);
    Matrix<T> through_triangle(Matrix<T> y) const;
    Matrix<T> through_svd(const Matrix<T>& c) const;
    Matrix<T> permuted(const Matrix<T>& c, bool back) const;

    bool wide_;  // A^H is decomposed
    Method method_ = Method::qr;
    index_t rank_ = 0;
    double rcond_ = 1;
    Reflectors q_, w_;
    std::vector<blas::blasint> pivots_;
    Matrix<T> triangle_;  // R, or S
    Matrix<T> u_, scaled_v_;
};

}  // namespace otimes
