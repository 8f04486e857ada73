// One small persistent pool, the thread-count policy (BLAS's too), and the interrupt poll.
#pragma once

#include <functional>

#include "otimes/view.hpp"

namespace otimes {

int get_num_threads();

/// Threads used from now on by our kernels and by BLAS. n >= 1.
void set_num_threads(int n);

/// Run body(i) for i in [0, count), on the pool when `work` (flops, roughly) is worth it, otherwise
/// in order on this thread. Inside the body BLAS is single-threaded and nested calls run serially.
/// The exception of the first i that fails is rethrown here, as from a loop in order.
void parallel_for(index_t count, double work, const std::function<void(index_t)>& body);

/// The same in contiguous chunks, body(begin, end): for loops whose single steps are short.
inline void parallel_chunks(index_t count, double work,
                            const std::function<void(index_t, index_t)>& body) {
    const index_t chunks = count < 64 ? count : 64;
    parallel_for(chunks, work,
                 [&](index_t c) { body(c * count / chunks, (c + 1) * count / chunks); });
}

/// Both functions at once, one thread each.
inline void parallel_pair(double work, const std::function<void()>& first,
                          const std::function<void()>& second) {
    parallel_for(2, work, [&](index_t i) { i == 0 ? first() : second(); });
}

/// BLAS runs single-threaded while at least one of these lives, whatever ThreadedBlas asks for. A
/// driver that mixes BLAS with our own parallel loops holds one throughout: BLAS's idle workers
/// spin for some 25 ms after each of its threaded calls, and would take the processors from our
/// pool.
class SerialBlas {
  public:
    SerialBlas();
    ~SerialBlas();
    SerialBlas(const SerialBlas&) = delete;
    SerialBlas& operator=(const SerialBlas&) = delete;
};

/// BLAS may use all threads while one of these lives: for a lone large decomposition. Otherwise it
/// has one thread, so that the many small calls need not ask for that. `worthwhile` is false for a
/// matrix so small that waking the threads costs more than they save.
class ThreadedBlas {
  public:
    explicit ThreadedBlas(bool worthwhile);
    ~ThreadedBlas();
    ThreadedBlas(const ThreadedBlas&) = delete;
    ThreadedBlas& operator=(const ThreadedBlas&) = delete;

  private:
    const bool raised_;
};

/// Throw `interrupted` when the host program's user wants to stop. Cheap enough to call between
/// panels, blocks and LAPACK calls; only the thread that entered the library looks for that. A step
/// of a loop on the pool is left here, too, when the loop was interrupted or an earlier step has
/// failed; loops call it after each step.
void poll_interrupt();

/// Install the host's test for a pending interrupt (the bindings do, at import).
void set_interrupt_test(bool (*pending)());

}  // namespace otimes
