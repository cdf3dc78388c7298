// Kernels read whole vectors; no read may leave the arrays of the caller. Each
// array here ends where a page begins that cannot be read.
#include "weights.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>

using namespace gomlx::cpu;
using namespace gomlx::cpu::test;

namespace {

class AtEdge {
 public:
  AtEdge(const void* data, size_t size) {
    const size_t page = size_t(sysconf(_SC_PAGESIZE)), whole = (size + page - 1) / page * page;
    length_ = whole + page;
    void* p = mmap(nullptr, length_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(static_cast<char*>(p) + whole, page, PROT_NONE) != 0) std::abort();
    start_ = static_cast<char*>(p);
    at_ = start_ + whole - size;
    if (size) std::memcpy(at_, data, size);
  }
  ~AtEdge() { munmap(start_, length_); }
  AtEdge(const AtEdge&) = delete;
  void* data() const { return at_; }

 private:
  char *start_, *at_;
  size_t length_;
};

AtEdge edge(const std::vector<uint8_t>& v) { return AtEdge(v.data(), v.size()); }

}  // namespace

TEST(products_stay_inside_their_arrays) {
  Random random(8);
  for (const Format& f : formats()) {
    for (int64_t m : {1, 2, 5, 33}) {
      for (Type t : {Type::f32, Type::f16}) {
        int64_t k = f.step() * (1 + random.below(6)), n = 1 + random.below(9);
        Weights w = quantize(random, f, t, 1, n, k);
        Array x = uniform(random, t, m * k, -1, 1), y = zeros(t, m * n);
        AtEdge words(w.words.data(), w.words.size() * 4), scales = edge(w.scales), biases = edge(w.biases);
        AtEdge activations = edge(x.bytes), out = edge(y.bytes);
        Packed p = w.packed();
        p.w = static_cast<const uint32_t*>(words.data());
        p.scales = scales.data();
        if (p.biases) p.biases = biases.data();
        for (bool exact : {true, false})
          quantized_matmul({activations.data(), t, m, k, k, exact}, p, out.data(), t);
      }
    }
  }
  for (Type t : {Type::f32, Type::bf16, Type::f16}) {
    for (int64_t m : {1, 2, 5, 33}) {
      int64_t k = 1 + random.below(200), n = 1 + random.below(9);
      Weights w = dense(random, t, 1, n, k);
      Array x = uniform(random, t, m * k, -1, 1), y = zeros(t, m * n);
      AtEdge weights = edge(w.dense.bytes), activations = edge(x.bytes), out = edge(y.bytes);
      matmul({activations.data(), t, m, k, k}, weights.data(), t, n, out.data(), t);
    }
  }
}
#endif
