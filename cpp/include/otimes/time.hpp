// Whether an equation belongs to a differential or to a difference equation.
#pragma once

namespace otimes {

enum class Time { continuous, discrete };

}  // namespace otimes
