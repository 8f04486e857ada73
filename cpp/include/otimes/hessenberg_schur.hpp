// A X + X B = Q by a Hessenberg form of A and the Schur form of B.
#pragma once

#include <optional>
#include <vector>

#include "otimes/equation_method.hpp"
#include "otimes/hessenberg.hpp"
#include "otimes/hessenberg_kernels.hpp"
#include "otimes/schur.hpp"
#include "otimes/scratch.hpp"

namespace otimes {

/// H Y + Y S = C for upper Hessenberg H (m, m) and a Schur form S (n, n): the columns of
/// (H + s_jj I) y_j = c_j - sum_{k<j} y_k s_kj one after the other, for real S two of them at once
/// as a complex one where S has a 2x2 block. LU decompositions, to be kept: n m^2 flops and n m^2/2
/// numbers, for 2x2 blocks twice as many; solves take 2 n m^2 + m n^2 flops.
template <class T>
class HessenbergSystems {
  public:
    HessenbergSystems(const Matrix<T>& h, const Matrix<T>& s);

    /// y <- Y, or the solution of the adjoint equation H^H Y + Y S^H = C.
    void solve(bool adjoint, Matrix<T>& y) const;

  private:
    using R = real_t<T>;
    /// A diagonal block of S. The second column of a 2x2 block is in other units than the first.
    struct Block {
        index_t first, width;
        R unit = 1;
        HessenbergLu<R> lu = {};
    };

    void allocate(index_t m);
    void collect_coefficients(bool adjoint, const Block& block, index_t from, index_t to,
                              R* c) const;

    const Matrix<T>& s_;
    const HessenbergKernels<T>& kernels_;
    std::vector<Block> blocks_;
    Scratch<R> columns_;
    Scratch<HessenbergStep<R>> steps_;
};

/// H Y + Y S = U^H Q V, X = U Y V^H for A = U H U^H and B = V S V^H (Golub, Nash & Van Loan 1979,
/// doi:10.1109/TAC.1979.1102170). 14/3 m^3 + 25 n^3 flops for the decompositions: the QR iteration
/// of one matrix is saved.
template <class T>
class HessenbergSchur final : public EquationMethod<T> {
  public:
    /// Nothing where the equation is so ill-conditioned that its rcond may be inaccurate.
    static EquationMethodPointer<T> attempt(const Matrix<T>& a, const Matrix<T>& b);

    HessenbergSchur(const Matrix<T>& a, const Matrix<T>& b);

    std::string_view name() const override { return "hessenberg-schur"; }
    double rcond() const override { return rcond_; }
    std::optional<int> solve(bool adjoint, Matrix<T>& x) const override;

  private:
    Hessenberg<T> a_;
    Schur<T> b_;
    std::optional<HessenbergSystems<T>> systems_;
    double rcond_;
};

}  // namespace otimes
