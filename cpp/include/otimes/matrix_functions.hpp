// Functions of one square matrix.
#pragma once

#include "otimes/view.hpp"

namespace otimes {

/// out (n, n), column-major, <- e^A by scaling and squaring of Pade approximants of degrees up to
/// 13 (7 in single precision): Higham 2005, doi:10.1137/04061101X; scaled by norms of powers of A
/// where those are smaller than that of A: Al-Mohy & Higham 2009, doi:10.1137/09074721X. Exact for
/// diagonal A; triangular A give triangular results. NaN everywhere when A is not finite. At most 8
/// n^2 of memory; 2 (7 + s) n^3 flops and less for s = log2(||A|| / 4) squarings.
template <class T>
void expm(MatrixView<const T> a, T* out);

}  // namespace otimes
