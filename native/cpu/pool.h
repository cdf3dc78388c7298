// One pool of threads for every kernel of the process.
#pragma once

#include <memory>
#include <type_traits>

namespace gomlx::cpu {

class Pool {
 public:
  virtual ~Pool() = default;

  // Threads that work at a time, the caller among them.
  virtual int threads() const = 0;

  // Calls fn(context, i) for every i in [0, n), on the caller's thread and the
  // pool's, in no order, and returns when all have returned. A second caller
  // that comes in meanwhile, or a task that calls run itself, runs serially.
  virtual void run(int n, void (*fn)(void*, int), void* context) = 0;

  // Lends the caller's thread until done(context) holds: it takes the place of one
  // of the pool's, which sleeps meanwhile and for a moment after, so that a thread
  // that comes and goes between pieces of its own work does not meet one too many.
  // done is asked often, on the caller's thread, and once more after a call of wake.
  virtual void lend(bool (*done)(void*), void* context) = 0;
  virtual void wake() = 0;

  template <class F>
  void lend_until(F&& done) {
    using Body = std::remove_reference_t<F>;
    lend([](void* context) { return bool((*static_cast<Body*>(context))()); },
         const_cast<void*>(static_cast<const void*>(&done)));
  }

  template <class F>
  void each(int n, F&& f) {
    using Body = std::remove_reference_t<F>;
    run(n, [](void* context, int i) { (*static_cast<Body*>(context))(i); },
        const_cast<void*>(static_cast<const void*>(&f)));
  }
};

// The pool, started at first use and kept until the process ends.
Pool& pool();

// A pool of its own, whose threads end with it.
std::unique_ptr<Pool> make_pool(int threads);

// The threads to use: GO_MLX_THREADS, or the cores that the affinity mask and
// the cgroup's quota leave to this process.
int thread_count();

// The whole processors in a cgroup's quota, at least one; 0 where there is no
// limit. The text is that of cpu.max ("max 100000", "150000 100000").
int quota(const char* cpu_max);

}  // namespace gomlx::cpu
