// Doubling: 2^k terms of a stable recursion in k steps, all products and LU.
#pragma once

#include <optional>

#include "otimes/riccati.hpp"

namespace otimes {

/// The stabilizing solution of A^H X + X A - X G X + H = 0, or of X = A^H X (I + G X)^-1 A + H;
/// nothing where the iteration breaks down. G and H are Hermitian.
///
/// 17 n^3 flops a step, quadratically convergent (Chu, Fan, Lin & Wang 2004,
/// doi:10.1080/00207170410001714988); continuous time after a Cayley transformation (Chu, Fan & Lin
/// 2005, doi:10.1016/j.laa.2004.10.010).
template <class T>
std::optional<Matrix<T>> riccati_by_doubling(Time time, Matrix<T> a, Matrix<T> g, Matrix<T> h);

/// F^H P + P F + W = 0, or F^H P F - P + W = 0, for stable F by Smith's squared iteration (1968,
/// doi:10.1137/0116017), in continuous time after a Cayley transformation. 6 n^3 flops a step.
template <class T>
class StableLyapunov {
  public:
    StableLyapunov(Time time, const Matrix<T>& f);

    /// P up to this relative error; nothing if F is not stable.
    std::optional<Matrix<T>> solve(const Matrix<T>& w, double tolerance) const;

  private:
    Matrix<T> contraction_, resolvent_;  // the resolvent is empty in discrete time
    real_t<T> shift_ = 0;
};

}  // namespace otimes
