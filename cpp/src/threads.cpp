#include "otimes/threads.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>  // std::getenv
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>
#ifdef _MSC_VER
#include <intrin.h>  // _mm_pause, __yield
#endif
#ifndef _WIN32
#include <pthread.h>  // pthread_atfork
#endif
#ifdef __linux__
#include <sched.h>  // sched_getcpu
#endif

#include "otimes/blas.hpp"
#include "otimes/error.hpp"

namespace otimes {
namespace {

// Flops (roughly) below which a loop stays on this thread: 3 microseconds at some 30 Gflop/s, where
// a helper that spins costs half of one, and one that must be woken 5 to 10.
constexpr double parallel_threshold = 1e5;

/// How long a thread waits, giving way to others, before it sleeps: longer than what lies between
/// the calls of a loop in Python. A processor that idles may take milliseconds to wake up.
constexpr std::chrono::microseconds spin_time{2000};

/// Tells the processor that this thread waits, for some tens of cycles.
void pause_briefly() {
#if defined(_M_X64) || defined(_M_IX86)
    _mm_pause();
#elif defined(_M_ARM64)
    __yield();
#elif defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/// Wait for `ready()` for about a microsecond; whether it came true.
template <class Ready>
bool spin_briefly(Ready&& ready) {
    for (int k = 0; k < 64; ++k) {
        if (ready()) return true;
        pause_briefly();
    }
    return false;
}

/// The same for spin_time, giving way to other threads: there may be more of them than processors.
template <class Ready>
bool spin_until(Ready&& ready) {
    if (spin_briefly(ready)) return true;
    const auto end = std::chrono::steady_clock::now() + spin_time;
    do {
        std::this_thread::yield();
        if (spin_briefly(ready)) return true;
    } while (std::chrono::steady_clock::now() < end);
    return false;
}

/// The processor that this thread runs on, -1 where the system does not tell.
int current_processor() {
#ifdef __linux__
    return sched_getcpu();
#else
    return -1;
#endif
}

/// Move this thread elsewhere if it runs on that processor. A thread that is woken is often put
/// beside the one that woke it, where both take turns until some ticks later the system moves one.
void leave_processor([[maybe_unused]] int processor) {
#ifdef __linux__
    if (processor < 0 || sched_getcpu() != processor) return;
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    cpu_set_t others = allowed;
    CPU_CLR(processor, &others);
    if (CPU_COUNT(&others) == 0) return;
    sched_setaffinity(0, sizeof others, &others);
    sched_setaffinity(0, sizeof allowed, &allowed);  // it may be moved on from there
#endif
}

/// A step is not worth finishing: its loop has failed at an earlier one, or was interrupted.
struct broken_off : interrupted {};

/// One loop being executed: threads take indices from `next` until none is left. Of several steps
/// that fail the first one's exception is thrown, as in a loop on one thread.
struct Loop {
    const std::function<void(index_t)>& body;
    const index_t count;
    std::atomic<index_t> next{0};
    std::atomic<index_t> failed_at{count};  // -1: interrupted
    std::mutex failure_mutex{};
    std::exception_ptr failure{};

    void run();

    void fail(index_t step) {
        const std::lock_guard lock(failure_mutex);
        if (step >= failed_at) return;
        failed_at = step;
        failure = std::current_exception();
        next = count;
    }
};

/// What this thread is doing of a loop.
struct Step {
    const Loop* loop = nullptr;
    index_t index = 0;
};
thread_local Step current_step;

void Loop::run() {
    for (index_t i = next++; i < count; i = next++) {
        current_step = {this, i};
        try {
            body(i);
            poll_interrupt();
        } catch (const broken_off&) {
        } catch (const interrupted&) {
            fail(-1);
        } catch (...) {
            fail(i);
        }
    }
    current_step = {};
}

thread_local bool inside_parallel_region = false;
thread_local bool is_worker = false;  // of the pool

/// Workers wait for the one loop that is posted, and help with it; one that comes late finds it
/// done. A second loop posted meanwhile from another thread simply runs without help.
///
/// The counters are sequentially consistent: a worker enters and then looks at the post, an owner
/// withdraws the post and then looks who has entered; so no worker touches a loop that has ended.
/// In the same way a worker that lies down and an owner that posts cannot miss one another.
class Pool {
  public:
    explicit Pool(int threads) {
        workers_.reserve(static_cast<std::size_t>(threads - 1));
        try {
            for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
        } catch (const std::system_error&) {  // the system has no more: those will do
        }
    }

    ~Pool() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
            ++posts_;
        }
        wake_.notify_all();
        for (auto& worker : workers_) worker.join();
    }

    void run(Loop& loop) {
        if (taken_.exchange(true)) return loop.run();
        post(loop);
        loop.run();
        posted_ = nullptr;
        wait_for_helpers();
        taken_ = false;
    }

  private:
    void post(Loop& loop) {
        posted_ = &loop;
        owner_processor_ = current_processor();
        ++posts_;
        if (asleep_ == 0) return;
        {
            const std::lock_guard lock(mutex_);
        }  // whoever was about to sleep does by now
        if (loop.count > asleep_)
            wake_.notify_all();
        else
            for (index_t k = 1; k < loop.count; ++k) wake_.notify_one();
    }

    void wait_for_helpers() {
        const auto none = [this] { return helpers_ == 0; };
        if (spin_until(none)) return;
        std::unique_lock lock(mutex_);
        owner_sleeps_ = true;
        done_.wait(lock, none);
        owner_sleeps_ = false;
    }

    void work() {
        inside_parallel_region = is_worker = true;
        for (std::uint64_t seen = 0; !stop_;) {
            wait_for_post(seen);
            seen = posts_;
            ++helpers_;
            if (Loop* const loop = posted_) {
                leave_processor(owner_processor_);
                loop->run();
            }
            if (--helpers_ == 0 && owner_sleeps_) {
                const std::lock_guard lock(mutex_);
                done_.notify_one();
            }
        }
    }

    void wait_for_post(std::uint64_t seen) {
        const auto is_new = [&] { return posts_ != seen; };
        if (spin_until(is_new)) return;
        std::unique_lock lock(mutex_);
        ++asleep_;
        wake_.wait(lock, is_new);
        --asleep_;
    }

    std::atomic<bool> taken_{false};  // by the loop of one thread
    std::atomic<Loop*> posted_{nullptr};
    std::atomic<std::uint64_t> posts_{0};
    std::atomic<int> helpers_{0}, asleep_{0}, owner_processor_{-1};
    std::atomic<bool> owner_sleeps_{false}, stop_{false};
    std::mutex mutex_;
    std::condition_variable wake_, done_;
    std::vector<std::thread> workers_;  // last: they use the others
};

int default_threads() {
    for (const char* name : {"OTIMES_NUM_THREADS", "OMP_NUM_THREADS"})
        if (const char* text = std::getenv(name))
            if (const int n = std::atoi(text); n >= 1) return n;
    return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

/// The library's only mutable globals.
struct State {
    std::mutex mutex;
    std::atomic<int> threads = default_threads();
    std::shared_ptr<Pool> pool;
    std::atomic<int> serial_blas{0};    // while > 0, BLAS runs on one thread
    std::atomic<int> threaded_blas{0};  // while that is 0 and this is not, on all

    State() { blas::set_num_threads(1); }
};

State* make_state();
State*& state_slot() {
    static State* slot = make_state();
    return slot;
}
State& state() { return *state_slot(); }

/// A child of fork() has none of its parent's threads: it starts afresh with the same count. The
/// old state is leaked on purpose, its mutexes may be held by threads that no longer exist.
void rebuild_after_fork() {
    const int threads = state().threads;
    state_slot() = new State;
    state().threads = threads;
}

State* make_state() {
#ifndef _WIN32
    pthread_atfork(nullptr, nullptr, rebuild_after_fork);
#endif
    return new State;
}

std::shared_ptr<Pool> current_pool() {
    const std::lock_guard lock(state().mutex);
    if (!state().pool) state().pool = std::make_shared<Pool>(state().threads);
    return state().pool;
}

/// Marks this thread as working inside a parallel loop.
class RegionMark {
  public:
    RegionMark() { inside_parallel_region = true; }
    ~RegionMark() { inside_parallel_region = false; }
    RegionMark(const RegionMark&) = delete;
    RegionMark& operator=(const RegionMark&) = delete;
};

/// Tells BLAS how many threads it has now.
void update_blas() {
    const std::lock_guard lock(state().mutex);
    const bool all = state().threaded_blas > 0 && state().serial_blas == 0;
    blas::set_num_threads(all ? state().threads.load() : 1);
}

std::atomic<bool (*)()> interrupt_test{nullptr};

/// Once in ten milliseconds: the host's test may have to wait for a lock of the host's.
bool is_time_to_poll() {
    using Clock = std::chrono::steady_clock;
    thread_local Clock::time_point next{};
    const auto now = Clock::now();
    if (now < next) return false;
    next = now + std::chrono::milliseconds(10);
    return true;
}

}  // namespace

SerialBlas::SerialBlas() {
    if (state().serial_blas++ == 0 && state().threaded_blas > 0) update_blas();
}

SerialBlas::~SerialBlas() {
    if (--state().serial_blas == 0 && state().threaded_blas > 0) update_blas();
}

ThreadedBlas::ThreadedBlas(bool worthwhile) : raised_(worthwhile && !inside_parallel_region) {
    if (raised_ && state().threaded_blas++ == 0) update_blas();
}

ThreadedBlas::~ThreadedBlas() {
    if (raised_ && --state().threaded_blas == 0) update_blas();
}

int get_num_threads() { return state().threads; }

void set_num_threads(int n) {
    if (n < 1) throw std::invalid_argument("the number of threads must be at least 1");
    std::shared_ptr<Pool> retired;  // joined outside the lock, once running loops let go of it
    {
        const std::lock_guard lock(state().mutex);
        state().threads = n;
        retired.swap(state().pool);
    }
    update_blas();
}

void parallel_for(index_t count, double work, const std::function<void(index_t)>& body) {
    if (inside_parallel_region || count < 2 || work < parallel_threshold ||
        get_num_threads() == 1) {
        for (index_t i = 0; i < count; ++i) {
            body(i);
            poll_interrupt();
        }
        return;
    }
    const std::shared_ptr<Pool> pool = current_pool();
    const SerialBlas serial_blas;
    Loop loop{body, count};
    {
        const RegionMark mark;
        pool->run(loop);
    }
    if (loop.failure) std::rethrow_exception(loop.failure);
}

void set_interrupt_test(bool (*pending)()) { interrupt_test = pending; }

void poll_interrupt() {
    const auto [loop, index] = current_step;
    if (loop != nullptr && loop->failed_at < index) throw broken_off();
    if (is_worker || !is_time_to_poll()) return;
    if (auto* pending = interrupt_test.load(); pending && pending()) throw interrupted();
}

}  // namespace otimes
