// One pool of threads for every kernel of the process.
#pragma once

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

  template <class F>
  void each(int n, F&& f) {
    using Body = std::remove_reference_t<F>;
    run(n, [](void* context, int i) { (*static_cast<Body*>(context))(i); },
        const_cast<void*>(static_cast<const void*>(&f)));
  }
};

// The pool, started at first use. Its size is GO_MLX_THREADS, or what the
// cgroup's quota and the affinity mask of the process leave of the processors.
Pool& pool();

}  // namespace gomlx::cpu
