// The exceptions of the core. The bindings turn them into ValueError, LinAlgError, MemoryError
// and KeyboardInterrupt; everything else is a bug.
#pragma once

#include <stdexcept>

namespace otimes {

/// Shapes that do not fit together, or are too large.
struct shape_error : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

/// A matrix or an equation that is singular to working precision.
struct singular_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The user asked for the computation to stop; nothing is left half done.
struct interrupted : std::exception {
    const char* what() const noexcept override { return "interrupted"; }
};

}  // namespace otimes
