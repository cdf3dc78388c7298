// What both ways of attention do: queries taken in, rows of scores made weights, and
// the sums of values brought out.
#pragma once

#include <cstdlib>
#include <initializer_list>

#include "parts.h"
#include "store.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

constexpr float none = -__builtin_inff();

inline int64_t whole(int64_t n) { return (n + W - 1) / W * W; }

// Scratch is memory of one task, of 64-byte lines.
struct Scratch {
  explicit Scratch(int64_t floats) : data((float*)std::aligned_alloc(64, (floats * 4 + 63) / 64 * 64)) {
    if (!data) std::abort();
  }
  ~Scratch() { std::free(data); }
  Scratch(const Scratch&) = delete;
  float* take(int64_t n) {
    float* p = data + used;
    used += (n + 15) / 16 * 16;
    return p;
  }
  // floats is what n arrays of those sizes take.
  static int64_t floats(std::initializer_list<int64_t> sizes) {
    int64_t all = 0;
    for (int64_t n : sizes) all += (n + 15) / 16 * 16;
    return all;
  }

  float* data;
  int64_t used = 0;
};

// take_queries copies the queries of tokens `from` and heads [first, first+group) times
// the scale: [token, head], whole vectors.
inline void take_queries(const Attend& a, int64_t b, int64_t first, int64_t group, Span from, float* q) {
  as(a.type, [&](auto zero) {
    for (int64_t l = from.from; l < from.to; l++)
      for (int64_t g = 0; g < group; g++, q += whole(a.d)) {
        auto x = (const decltype(zero)*)a.q.data + b * a.q.batch + (first + g) * a.q.head + l * a.q.token;
        for (int64_t i = 0; i < a.d; i += W) store(q + i, load(x + i, a.d - i) * a.scale);
      }
  });
}

// sees is the keys that a query may see but for the mask.
inline Span sees(const Attend& a, int64_t query) {
  int64_t to = a.keys - a.l + query + 1;
  return {a.window > 0 && to > a.window ? to - a.window : 0, to};
}

// hide puts `none` into the scores of keys [from, from+n) that a query does not see.
inline void hide(const Attend& a, int64_t b, int64_t query, int64_t from, int64_t n, float* s) {
  Span open = sees(a, query);
  for (int64_t i = 0; i < n && from + i < open.from; i++) s[i] = none;
  for (int64_t i = open.to > from ? open.to - from : 0; i < n; i++) s[i] = none;
  if (!a.seen) return;
  const bool* seen = a.seen + b * a.seen_batch + query * a.seen_query + from * a.seen_key;
  for (int64_t i = 0; i < n; i++)
    if (!seen[i * a.seen_key]) s[i] = none;
}

// weigh makes weights of the scores of n keys, whole vectors of them, and returns the factor that brings what
// was summed before to the new greatest score.
inline float weigh(float* s, int64_t n, Sum& sum_of) {
  for (int64_t i = n; i < whole(n); i++) s[i] = none;
  vf most = all(none);
  for (int64_t i = 0; i < n; i += W) most = greater(most, load(s + i));
  float peak = greatest(most);
  if (peak < sum_of.most || peak == none) peak = sum_of.most;
  if (peak == none) { // nothing seen so far
    for (int64_t i = 0; i < n; i += W) store(s + i, vf{});
    return 1;
  }
  vf weights = {};
  for (int64_t i = 0; i < n; i += W) {
    vf e = exponential(load(s + i) - peak);
    store(s + i, e);
    weights += e;
  }
  float factor = sum_of.most == peak ? 1 : exponential(all(sum_of.most - peak))[0];
  sum_of = {peak, sum_of.weights * factor + sum(weights)};
  return factor;
}

// cap bounds scores.
inline void cap(float* s, int64_t n, float limit) {
  for (int64_t i = 0; i < n; i += W) store(s + i, tanh(load(s + i) / limit) * limit);
}

// bring_out writes the sums of values over that of the weights, a sink among them.
inline void bring_out(const Attend& a, const float* o, Sum s, int64_t b, int64_t head, int64_t l) {
  float more = 0, factor = 1;
  if (a.sinks) {
    float peak = s.most > a.sinks[head] ? s.most : a.sinks[head];
    more = exponential(all(a.sinks[head] - peak))[0];
    factor = exponential(all(s.most - peak))[0];
  }
  float all_weights = s.weights * factor + more, r = all_weights > 0 ? factor / all_weights : 0;
  int64_t at = ((b * a.l + l) * a.heads + head) * a.value_d;
  as(a.type, [&](auto zero) {
    auto y = (decltype(zero)*)a.y + at;
    for (int64_t i = 0; i < a.value_d; i += W) store(y + i, load(o + i) * r, a.value_d - i);
  });
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
