#include "pool.h"

namespace gomlx::cpu {
namespace {

class Serial final : public Pool {
 public:
  int threads() const override { return 1; }
  void run(int n, void (*fn)(void*, int), void* context) override {
    for (int i = 0; i < n; i++) fn(context, i);
  }
};

}  // namespace

Pool& pool() {
  static Serial one;
  return one;
}

}  // namespace gomlx::cpu
