// min ||A X B - C||_F^2 + ridge ||X||_F^2, minimum norm.
#pragma once

#include <span>

#include "otimes/equation.hpp"

namespace otimes {

/// How well a least-squares solution solves its equation; rcond is of what counts as nonzero.
struct LeastSquaresReport : SolveReport {
    index_t left_rank = 0, right_rank = 0;  // of A and of B
};

/// For each ridge, which are not negative, the X (m, n) for A (p, m), B (n, q), C (p, q). Singular
/// values of A and of B up to rcond times the largest count as zero; by default, when rcond is
/// negative, max(rows, columns) eps times. X = A^+ C B^+ without a ridge. With A = U S V^H and B =
/// P T Q^H, V^H X P has the entries s_i t_j (U^H C Q)_ij / (s_i^2 t_j^2 + ridge) for any number of
/// them. NaN or Inf anywhere makes X NaN.
template <class T>
void lstsq_axb(MatrixView<const T> a, MatrixView<const T> b, MatrixView<const T> c, double rcond,
               std::span<const double> ridges, std::span<const MatrixView<T>> x,
               std::span<LeastSquaresReport> reports);

}  // namespace otimes
