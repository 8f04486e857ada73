// How a table of kernels that is compiled for several instruction sets is chosen.
#pragma once

#include "otimes/cpu.hpp"

/// Declare `template <class T> const Table<T>& name()` in the namespace of every kernel set, and
/// define the one of this namespace, which returns that of the set in use.
#ifdef OTIMES_X86_KERNELS
#define OTIMES_CHOOSE_KERNELS(Table, name)                                                         \
    OTIMES_DECLARE_KERNELS(baseline, Table, name)                                                  \
    OTIMES_DECLARE_KERNELS(avx2, Table, name)                                                      \
    OTIMES_DECLARE_KERNELS(avx512, Table, name)                                                    \
    template <class T>                                                                             \
    const Table<T>& name() {                                                                       \
        static const Table<T>& chosen = active_isa() == Isa::avx512 ? avx512::name<T>()            \
                                        : active_isa() == Isa::avx2 ? avx2::name<T>()              \
                                                                    : baseline::name<T>();         \
        return chosen;                                                                             \
    }
#else
#define OTIMES_CHOOSE_KERNELS(Table, name)                                                         \
    OTIMES_DECLARE_KERNELS(baseline, Table, name)                                                  \
    template <class T>                                                                             \
    const Table<T>& name() {                                                                       \
        return baseline::name<T>();                                                                \
    }
#endif

#define OTIMES_DECLARE_KERNELS(set, Table, name)                                                   \
    namespace set {                                                                                \
    template <class T>                                                                             \
    const Table<T>& name();                                                                        \
    }
