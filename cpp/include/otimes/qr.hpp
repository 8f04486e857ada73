// A = Q R.
#pragma once

#include "otimes/view.hpp"

namespace otimes {

/// Q of a square A = Q R; R replaces A.
template <class T>
Matrix<T> split_off_q(Matrix<T>& a);

}  // namespace otimes
