#include "otimes/threads.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdlib>  // std::getenv
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>
#ifndef _WIN32
#include <pthread.h>  // pthread_atfork
#endif

#include "otimes/blas.hpp"
#include "otimes/error.hpp"

namespace otimes {
namespace {

constexpr double parallel_threshold = 2e5;  // flops; below this a wake-up costs more than it saves

/// One loop being executed: threads take indices from `next` until none is left.
struct Loop {
    const std::function<void(index_t)>& body;
    const index_t count;
    std::atomic<index_t> next{0};
    std::atomic<int> active{0};  // helpers inside run(); the owner waits for zero
    std::mutex failure_mutex{};
    std::exception_ptr failure{};

    void run() {
        for (index_t i = next++; i < count; i = next++) {
            try {
                body(i);
            } catch (...) {
                const std::lock_guard lock(failure_mutex);
                if (!failure) failure = std::current_exception();
                next = count;
            }
        }
    }
};

thread_local bool inside_parallel_region = false;

/// Workers sleep on a condition variable and help with the one loop that is posted. A second loop
/// posted meanwhile from another thread simply runs without help.
class Pool {
  public:
    explicit Pool(int threads) {
        for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
    }

    ~Pool() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        wake_.notify_all();
        for (auto& worker : workers_) worker.join();
    }

    void run(Loop& loop) {
        {
            const std::lock_guard lock(mutex_);
            if (!posted_) posted_ = &loop;
        }
        wake_.notify_all();
        loop.run();
        std::unique_lock lock(mutex_);
        if (posted_ == &loop) posted_ = nullptr;  // from here on nobody new joins
        done_.wait(lock, [&] { return loop.active == 0; });
    }

  private:
    void work() {
        inside_parallel_region = true;
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [&] { return stop_ || (posted_ && posted_->next < posted_->count); });
            if (stop_) return;
            Loop& loop = *posted_;
            ++loop.active;
            lock.unlock();
            loop.run();
            lock.lock();
            --loop.active;
            done_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    Loop* posted_ = nullptr;
    bool stop_ = false;
    std::vector<std::thread> workers_;
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
    int threads = default_threads();
    std::shared_ptr<Pool> pool;
    int serial_blas_regions = 0;  // while > 0, BLAS runs on one thread

    State() { blas::set_num_threads(threads); }
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

std::atomic<bool (*)()> interrupt_test{nullptr};

}  // namespace

SerialBlas::SerialBlas() {
    const std::lock_guard lock(state().mutex);
    if (state().serial_blas_regions++ == 0) blas::set_num_threads(1);
}

SerialBlas::~SerialBlas() {
    const std::lock_guard lock(state().mutex);
    if (--state().serial_blas_regions == 0) blas::set_num_threads(state().threads);
}

int get_num_threads() {
    const std::lock_guard lock(state().mutex);
    return state().threads;
}

void set_num_threads(int n) {
    if (n < 1) throw std::invalid_argument("the number of threads must be at least 1");
    std::shared_ptr<Pool> retired;  // joined outside the lock, once running loops let go of it
    const std::lock_guard lock(state().mutex);
    state().threads = n;
    retired.swap(state().pool);
    if (state().serial_blas_regions == 0) blas::set_num_threads(n);
}

void parallel_for(index_t count, double work, const std::function<void(index_t)>& body) {
    if (inside_parallel_region || count < 2 || work < parallel_threshold ||
        get_num_threads() == 1) {
        for (index_t i = 0; i < count; ++i) body(i);
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
    if (inside_parallel_region) return;
    if (auto* pending = interrupt_test.load(); pending && pending()) throw interrupted();
}

}  // namespace otimes
