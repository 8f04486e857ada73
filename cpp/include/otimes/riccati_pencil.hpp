// Riccati equations by their extended pencil.
#pragma once

#include "otimes/riccati.hpp"

namespace otimes {

/// X from the stable deflating subspace of the Hamiltonian or symplectic pencil, R not inverted
/// (Van Dooren 1981, doi:10.1137/0902010; QZ as Pappas, Laub & Sandell 1980,
/// doi:10.1109/TAC.1980.1102434). About 530 n^3 flops. Throws singular_error where that subspace is
/// not isolated, or is not the graph of an X.
template <class T>
Matrix<T> riccati_by_pencil(const RiccatiProblem<T>& p);

}  // namespace otimes
