// What the kernels of a step take, at the sizes of SmolLM2-135M.
#include <chrono>

#include "check.h"
#include "step.h"

using namespace gomlx::cpu;
using namespace gomlx::cpu::test;

namespace {

template <class F> void timed(const char* what, int runs, F f) {
  double best = 1e9;
  for (int i = 0; i < runs; i++) {
    auto began = std::chrono::steady_clock::now();
    f();
    double took = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count();
    best = took < best ? took : best;
  }
  std::printf("%-40s %9.2f us\n", what, best);
}

void attend_timed(const char* what, int bits, int64_t b, int64_t l, int64_t keys) {
  constexpr int64_t heads = 9, kv = 3, d = 64;
  Random random(1);
  Array q = uniform(random, Type::f32, b * heads * l * d, -1, 1), y = zeros(Type::f32, b * heads * l * d);
  Array k = uniform(random, Type::f32, b * kv * keys * d, -1, 1), scales = uniform(random, Type::f32, b * kv * keys * 2, -1e-3f, 1e-3f);
  Array v = k;
  int64_t words = bits ? d / 4 : d;
  Store s = {k.data(), Type::f32, kv * keys * words, keys * words, words, bits, 32, scales.data(), scales.data(), kv * keys * 2, keys * 2, 2};
  Store values = s;
  values.data = v.data();
  Attend a = {{q.data(), heads * l * d, l * d, d}, y.data(), Type::f32, s, values, b, heads, kv, l, d, d, keys, 0, 0.125f, 0, nullptr, nullptr, 0, 0, 0};
  timed(what, 50, [&] { attend(a); });
}

}  // namespace

BENCH(step_kernels) {
  Random random(1);
  Array x = uniform(random, Type::f32, 512 * 3072, -3, 3), y = zeros(Type::f32, 512 * 3072), angles = uniform(random, Type::f32, 512 * 64, -1, 1);
  const float *p = (const float*)x.data(), *c = (const float*)angles.data();
  for (int64_t n : {1, 512}) {
    std::printf("%d tokens\n", int(n));
    timed("rms norm 576", 100, [&] { rms_norm({{p, 576}, {p + 10, 576}, p, y.data(), (float*)y.data() + 512 * 1500, Type::f32, n, 576, 1e-5f}); });
    timed("swiglu 1536", 100, [&] { gated({{p, 3072}, {p + 1536, 3072}, y.data(), Type::f32, n, 1536, Gate::silu, 0, 0}); });
    timed("rope 9 x 64", 100, [&] { turn({{p, 960 * n, 64, 960}, {c, c, 0, 64}, y.data(), Type::f32, 1, 9, n, 64, 64, false}); });
  }
  uint32_t at;
  timed("argmax 49152", 100, [&] { argmax({p, 49152}, Type::f32, 1, 49152, &at); });
  attend_timed("attention, 1 query, 64 keys", 0, 1, 1, 64);
  attend_timed("attention, 1 query, 512 keys", 0, 1, 1, 512);
  attend_timed("attention, 1 query, 4096 keys", 0, 1, 1, 4096);
  attend_timed("attention, 1 query, 4096 keys of 8 bits", 8, 1, 1, 4096);
  attend_timed("attention, 1 query of 8 rows, 4096 keys", 0, 8, 1, 4096); // 50 MB
  attend_timed("attention, 512 queries and keys", 0, 1, 512, 512);
}
