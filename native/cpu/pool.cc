// The pool: tasks are drawn from one counter, so a thread that the system holds
// up takes fewer of them. A worker spins for a while after its last task, since
// the next operation of a step follows within microseconds, and then sleeps.
#include "pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <signal.h>
#endif

namespace gomlx::cpu {
namespace {

constexpr auto spin_time = std::chrono::microseconds(100);

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins until done() holds or spin_time has passed; says whether it holds.
template <class Done>
bool spin(Done done) {
  auto end = std::chrono::steady_clock::now() + spin_time;
  do {
    for (int i = 0; i < 64; i++) {
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// Signals are left to the threads of the program.
class BlockedSignals {
#if defined(__unix__) || defined(__APPLE__)
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
#endif
};

class Threads final : public Pool {
 public:
  explicit Threads(int threads) {
    BlockedSignals blocked;
    for (int i = 1; i < threads; i++) workers_.emplace_back([this, last = i + 1 == threads] { work(last); });
  }

  ~Threads() override {
    stop_.store(true);
    wake();
    for (std::thread& t : workers_) t.join();
  }

  int threads() const override { return int(workers_.size()) + 1; }

  void run(int n, void (*fn)(void*, int), void* context) override {
    if (n < 2 || workers_.empty() || busy_.exchange(true, std::memory_order_acquire)) {
      for (int i = 0; i < n; i++) fn(context, i);
      return;
    }
    fn_ = fn, context_ = context, n_ = n;
    done_.store(0, std::memory_order_relaxed);
    round_++;
    left_.store(uint64_t(round_) << 32 | uint32_t(n), std::memory_order_release);
    wake();
    drain();
    auto all = [&] { return done_.load(std::memory_order_acquire) == n; };
    while (!spin(all)) std::this_thread::yield();
    busy_.store(false, std::memory_order_release);
  }

  void lend(bool (*done)(void*), void* context) override {
    const bool seat = !workers_.empty() && !lent_.exchange(true);
    for (;;) {
      uint32_t seen = signal_.load(std::memory_order_acquire);
      if (seat) drain();
      if (done(context)) break;
      auto changed = [&] { return signal_.load(std::memory_order_acquire) != seen || done(context); };
      if (!seat || !spin(changed)) sleep(seen, patience);
    }
    if (!seat) return;
    kept_until_.store(now() + patience.count(), std::memory_order_relaxed);
    lent_.store(false, std::memory_order_release);
  }

  void wake() override {
    signal_.fetch_add(1, std::memory_order_seq_cst);
    if (sleeping_.load(std::memory_order_seq_cst) == 0) return;
    std::lock_guard lock(mutex_);
    woken_.notify_all();
  }

 private:
  // Runs tasks until none is left. A ticket holds its round, so a worker that
  // comes late cannot draw one of the next round with what it saw of this one.
  void drain() {
    uint64_t left = left_.load(std::memory_order_acquire);
    while (uint32_t(left) != 0) {
      if (!left_.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel)) continue;
      fn_(context_, n_ - int(uint32_t(left)));
      done_.fetch_add(1, std::memory_order_release);
      left = left_.load(std::memory_order_acquire);
    }
  }

  // Sleeps until the signal is another than seen, or for so long.
  void sleep(uint32_t seen, std::chrono::nanoseconds most) {
    std::unique_lock lock(mutex_);
    sleeping_.fetch_add(1, std::memory_order_seq_cst);
    woken_.wait_for(lock, most, [&] { return signal_.load(std::memory_order_seq_cst) != seen; });
    sleeping_.fetch_sub(1, std::memory_order_relaxed);
  }

  // Whether the last worker's place is a caller's.
  bool away() const {
    return (lent_.load(std::memory_order_acquire) || now() < kept_until_.load(std::memory_order_relaxed)) && !stop_;
  }

  static int64_t now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

  void work(bool last) {
    uint32_t seen = 0;
    while (!stop_) {
      while (last && away()) std::this_thread::sleep_for(patience);
      auto changed = [&] {
        return signal_.load(std::memory_order_acquire) != seen || (last && lent_.load(std::memory_order_relaxed));
      };
      while (!spin(changed)) sleep(seen, asleep);
      if (last && away()) continue;
      seen = signal_.load(std::memory_order_acquire);
      drain();
    }
  }

  // How long a place is kept, and how often one who waits for it, or sleeps on a
  // condition that nobody signals, looks again.
  static constexpr std::chrono::nanoseconds patience = std::chrono::milliseconds(5);
  static constexpr std::chrono::nanoseconds asleep = std::chrono::hours(1);

  void (*fn_)(void*, int) = nullptr;
  void* context_ = nullptr;
  int n_ = 0;
  uint32_t round_ = 0;
  alignas(64) std::atomic<uint64_t> left_{0};  // round << 32 | tasks not yet drawn
  alignas(64) std::atomic<int> done_{0};
  alignas(64) std::atomic<uint32_t> signal_{0};
  std::atomic<int> sleeping_{0};
  std::mutex mutex_;
  std::condition_variable woken_;
  std::atomic<bool> lent_{false};         // a caller has the last worker's place
  std::atomic<int64_t> kept_until_{0};    // and keeps it until then
  std::atomic<bool> busy_{false};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace

std::unique_ptr<Pool> make_pool(int threads) { return std::make_unique<Threads>(threads); }

Pool& pool() {
  // Never destroyed: a thread that exits late may still be inside a product.
  static Pool& one = *make_pool(thread_count()).release();
  return one;
}

}  // namespace gomlx::cpu
