// The functions of step.h: the instruction set's kernels, in tasks for the pool where
// there is enough to do.
#include <algorithm>
#include <vector>

#include "isa/isa.h"
#include "step/parts.h"

namespace gomlx::cpu {
namespace {

const Steps& steps() { return *kernels().steps; }

// A task shorter than this many multiplications costs more to hand over than to do.
constexpr int64_t worth = 1 << 15;

// in_parts calls f with spans of n rows, each of that cost: as many spans for every thread, if
// there is more than one.
template <class F> void in_parts(int64_t n, int64_t cost, F f) {
  const int64_t threads = pool().threads();
  int64_t parts = std::min(4 * threads, n * cost / worth);
  if (parts <= 1 || threads == 1) return f(Span{0, n});
  if (parts > threads) parts = (parts + threads - 1) / threads * threads;
  parts = std::min(parts, n);
  pool().each(int(parts), [&](int i) { f(Span{n * i / parts, n * (i + 1) / parts}); });
}

// parts_of_keys is into how many parts the keys go, so that so many tasks have some and none
// are longer than a cache's worth.
int64_t parts_of_keys(const Attend& a, int64_t tasks) {
  constexpr int64_t least = 64, most = 512;
  int64_t sets = a.b * a.kv_heads, balanced = std::min((tasks + sets - 1) / sets, a.keys / least);
  return std::max<int64_t>({1, balanced, (a.keys + most - 1) / most});
}

// attend_parts is attention of one query a head, with the keys in so many parts: run calls
// a function with the number of each.
template <class Run> void attend_parts(const Attend& a, int64_t parts, Run run) {
  const Steps& k = steps();
  int64_t group = a.heads / a.kv_heads, sets = a.b * a.kv_heads;
  int64_t values = (a.value_d + k.width - 1) / k.width * k.width, stride = group * values;
  std::vector<float> o(sets * parts * stride);
  std::vector<Sum> sums(sets * parts * group);
  run(int(sets * parts), [&](int i) {
    int64_t set = i / parts, p = i % parts;
    Span keys = {a.keys * p / parts, a.keys * (p + 1) / parts};
    k.part(a, {set / a.kv_heads, set % a.kv_heads, keys, &o[i * stride], &sums[i * group]});
  });
  for (int64_t set = 0; set < sets; set++)
    for (int64_t g = 0; g < group; g++) {
      int64_t first = set * parts;
      k.join(a, {set / a.kv_heads, set % a.kv_heads * group + g, parts, &o[first * stride + g * values], stride, &sums[first * group + g], group});
    }
}

// attend_single is attention of one query a head by all threads.
void attend_single(const Attend& a) {
  if (pool().threads() == 1 || a.keys * a.heads * a.b * (a.d + a.value_d) < 2 * worth) return attend_alone(a);
  attend_parts(a, parts_of_keys(a, 2 * pool().threads()), [](int n, auto task) { pool().each(n, task); });
}

// attend_many is attention of blocks of queries, the ones with most keys first.
void attend_many(const Attend& a) {
  int64_t tokens = tokens_of_a_block(a), blocks = (a.l + tokens - 1) / tokens, sets = a.b * a.kv_heads;
  pool().each(int(blocks * sets), [&](int i) {
    int64_t set = i % sets, from = (blocks - 1 - i / sets) * tokens;
    steps().block(a, {set / a.kv_heads, set % a.kv_heads, {from, std::min(from + tokens, a.l)}});
  });
}

}  // namespace

void rms_norm(const RmsNorm& a) {
  in_parts(a.n, 2 * a.d, [&](Span rows) { steps().norm(a, rows); });
}

void gated(const Gated& a) {
  in_parts(a.n, 8 * a.d, [&](Span rows) { steps().gate(a, rows); });
}

void turn(const Turn& a) {
  in_parts(a.b * a.h * a.l, 2 * a.d, [&](Span rows) { steps().turn(a, rows); });
}

void write(const Write& a) {
  in_parts(a.b * a.h * a.l, a.to.bits ? 16 * a.d : a.d, [&](Span rows) { steps().write(a, rows); });
}

void attend(const Attend& a) {
  if (a.l == 1)
    attend_single(a);
  else
    attend_many(a);
}

void attend_alone(const Attend& a) {
  attend_parts(a, parts_of_keys(a, 1), [](int n, auto task) {
    for (int i = 0; i < n; i++) task(i);
  });
}

void argmax(Strided x, Type type, int64_t n, int64_t d, uint32_t* y) {
  int64_t size = type == Type::f32 ? 4 : 2;
  in_parts(n, d / 2, [&](Span rows) {
    for (int64_t i = rows.from; i < rows.to; i++)
      y[i] = uint32_t(steps().argmax((const char*)x.data + i * x.stride * size, type, d));
  });
}

}  // namespace gomlx::cpu
