// Units in which a Riccati equation is solved.
#pragma once

#include <vector>

#include "otimes/riccati.hpp"

namespace otimes {

/// x = D z for the states, D = diag(2^d), and costs in units of 2^cost: X = 2^cost D^-1 Z D^-1.
struct RiccatiUnits {
    std::vector<int> states;
    int cost = 0;
};

/// Costs of entries near 1; with `balanced` also a D that makes the Hamiltonian matrix small
/// (Benner 2001, doi:10.1137/S1064827500367993), by descent in one power of two after another.
template <class T>
RiccatiUnits riccati_units(const RiccatiProblem<T>& p, bool balanced);

RiccatiUnits inverse(RiccatiUnits units);

/// The equation in other units; exact.
template <class T>
void change_units(const RiccatiUnits& units, RiccatiProblem<T>& p);

/// X of the original equation from that in other units.
template <class T>
void restore_units(const RiccatiUnits& units, Matrix<T>& x);

}  // namespace otimes
