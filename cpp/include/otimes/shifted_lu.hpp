// A X + X B = Q where one side is small.
#pragma once

#include <complex>
#include <vector>

#include "otimes/equation_method.hpp"
#include "otimes/lu.hpp"
#include "otimes/schur.hpp"

namespace otimes {

/// B (n, n) small, B = V S V^H, X = Y V^H: the columns of (A + s_jj I) y_j = (Q V)_j - sum_{k<j}
/// y_k s_kj one after the other, for real B two of them at once by a complex shift where S has a
/// 2x2 block. n LU decompositions, at once on all threads: 2/3 n m^3 flops, and 2 m^2 n to solve. A
/// itself is not reduced, as it would be at a small part of the speed.
template <class T>
class ShiftedLu final : public EquationMethod<T> {
  public:
    static EquationMethodPointer<T> attempt(const Matrix<T>& a, const Matrix<T>& b) {
        return std::make_unique<ShiftedLu>(a, b);
    }
    ShiftedLu(const Matrix<T>& a, const Matrix<T>& b);

    std::string_view name() const override { return "shifted-lu"; }
    double rcond() const override { return rcond_; }
    std::optional<int> solve(bool adjoint, Matrix<T>& x) const override;

  private:
    using Complex = std::complex<real_t<T>>;
    struct Block {
        index_t first, width;
        LU<T> lu;             // of A + s_jj I
        LU<Complex> bump_lu;  // of A + (a + iw) I for a 2x2 block
    };
    void subtract_solved(bool adjoint, const Block& block, Matrix<T>& y) const;
    void solve_bump(bool adjoint, const Block& block, Matrix<T>& y) const;

    Schur<T> schur_;
    std::vector<Block> blocks_;
    double rcond_;
};

}  // namespace otimes
