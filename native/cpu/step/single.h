// Attention of one query a head: the keys are read once for all heads that share them,
// in parts of which each is a task.
#pragma once

#include "scores.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// dots are the products of G queries with keys [from, to).
template <int G, class Reader> void dots(const Reader& k, Span keys, int64_t d, const float* q, float* s, int64_t row) {
  int64_t width = whole(d), t = keys.from;
  for (; t + 4 <= keys.to; t += 4) {
    auto k0 = k.row(t), k1 = k.row(t + 1), k2 = k.row(t + 2), k3 = k.row(t + 3);
    vf dot[G][4] = {};
    for (int64_t i = 0; i < d; i += W) {
      vf x[G];
      for (int g = 0; g < G; g++) x[g] = load(q + g * width + i);
      vf a = k0.at(i, d);
      for (int g = 0; g < G; g++) dot[g][0] += x[g] * a;
      vf b = k1.at(i, d);
      for (int g = 0; g < G; g++) dot[g][1] += x[g] * b;
      vf c = k2.at(i, d);
      for (int g = 0; g < G; g++) dot[g][2] += x[g] * c;
      vf e = k3.at(i, d);
      for (int g = 0; g < G; g++) dot[g][3] += x[g] * e;
    }
    for (int g = 0; g < G; g++) {
      v4 four = sums(dot[g][0], dot[g][1], dot[g][2], dot[g][3]);
      std::memcpy(s + g * row + t - keys.from, &four, sizeof four);
    }
  }
  for (; t < keys.to; t++) {
    auto k0 = k.row(t);
    for (int g = 0; g < G; g++) {
      vf dot = {};
      for (int64_t i = 0; i < d; i += W) dot += load(q + g * width + i) * k0.at(i, d);
      s[g * row + t - keys.from] = sum(dot);
    }
  }
}

// mix adds C vectors of the values, from column i on, times the weights of G heads to what
// is there.
template <int G, int C, class Reader>
GOMLX_INLINE void mix(const Reader& v, Span keys, int64_t i, int64_t d, const float* s, int64_t row, float* o) {
  vf acc[G][C];
  GOMLX_UNROLL for (int g = 0; g < G; g++)
    GOMLX_UNROLL for (int c = 0; c < C; c++) acc[g][c] = load(o + g * whole(d) + i + c * W);
  for (int64_t t = keys.from; t < keys.to; t++, s++) {
    auto r = v.row(t);
    vf weight[G];
    GOMLX_UNROLL for (int g = 0; g < G; g++) weight[g] = all(s[g * row]);
    GOMLX_UNROLL for (int c = 0; c < C; c++) {
      vf x = r.at(i + c * W, d);
      GOMLX_UNROLL for (int g = 0; g < G; g++) acc[g][c] += weight[g] * x;
    }
  }
  GOMLX_UNROLL for (int g = 0; g < G; g++)
    GOMLX_UNROLL for (int c = 0; c < C; c++) store(o + g * whole(d) + i + c * W, acc[g][c]);
}

// mixes sums the values by the weights of G heads, so many rows at a time that they stay
// in the first cache until all of their columns are read.
template <int G, class Reader> void mixes(const Reader& v, Span keys, int64_t d, const float* s, int64_t row, float* o) {
  constexpr int C = 4;
  const int64_t step = 4096 / whole(d) + 1;
  std::memset(o, 0, G * whole(d) * sizeof *o);
  for (Span some; keys.from < keys.to; keys.from = some.to, s += step) {
    some = {keys.from, keys.from + step < keys.to ? keys.from + step : keys.to};
    int64_t i = 0;
    for (; i + C * W <= whole(d); i += C * W) mix<G, C>(v, some, i, d, s, row, o);
    switch ((whole(d) - i) / W) {
      case 3: mix<G, 3>(v, some, i, d, s, row, o); break;
      case 2: mix<G, 2>(v, some, i, d, s, row, o); break;
      case 1: mix<G, 1>(v, some, i, d, s, row, o); break;
    }
  }
}

// by_heads calls f with numbers of heads that the registers hold, as a constant, and the first of them.
template <class F> void by_heads(int64_t group, F f) {
  constexpr int most = W == 16 ? 4 : 3;
  int64_t g = 0;
  for (; g + most <= group; g += most) f(std::integral_constant<int, most>{}, g);
  for (; g + 2 <= group; g += 2) f(std::integral_constant<int, 2>{}, g);
  if (g < group) f(std::integral_constant<int, 1>{}, g);
}

template <class Reader> void single_part(const Attend& a, const Part& p) {
  int64_t group = a.heads / a.kv_heads, n = p.keys.to - p.keys.from, row = whole(n), width = whole(a.d);
  Scratch memory(Scratch::floats({group * width, group * row}));
  float *q = memory.take(group * width), *s = memory.take(group * row);
  take_queries(a, p.b, p.kv_head * group, group, {0, 1}, q);
  Reader k(a.k, p.b, p.kv_head);
  by_heads(group, [&](auto some, int64_t g) { dots<some()>(k, p.keys, a.d, q + g * width, s + g * row, row); });
  for (int64_t g = 0; g < group; g++) {
    if (a.softcap != 0) cap(s + g * row, n, a.softcap);
    hide(a, p.b, 0, p.keys.from, n, s + g * row);
    weigh(s + g * row, n, p.sums[g] = {});
  }
  Reader v(a.v, p.b, p.kv_head);
  int64_t values = whole(a.value_d);
  by_heads(group, [&](auto some, int64_t g) { mixes<some()>(v, p.keys, a.value_d, s + g * row, row, p.o + g * values); });
}

// single_join adds the parts of a head up and brings the result out.
inline void single_join(const Attend& a, const Joined& j) {
  Sum so_far = j.sums[0];
  for (int64_t p = 1; p < j.parts; p++) {
    Sum next = j.sums[p * j.apart];
    if (next.most == none) continue;
    float peak = so_far.most > next.most ? so_far.most : next.most;
    float before = exponential(all(so_far.most - peak))[0], after = exponential(all(next.most - peak))[0];
    const float* x = j.o + p * j.stride;
    for (int64_t i = 0; i < a.value_d; i += W) store(j.o + i, load(j.o + i) * before + load(x + i) * after);
    so_far = {peak, so_far.weights * before + next.weights * after};
  }
  bring_out(a, j.o, so_far, j.b, j.head, 0);
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
