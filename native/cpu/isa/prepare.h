// Activations in the order of a codec. A prepared row is
//
//   [blocks][per_lane][W]   x at(lane, i) of the block, times factor(i); zeros past k
//   [groups, up to W]       the sum of each group, times bias, where the codec has biases
//
// so that y = sum of value * scale * x + sum of bias * group sum. Biases that are all
// the same times the scales need no memory: that factor is bias here, otherwise 1.
#pragma once

#include "codec.h"
#include "isa.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

constexpr int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

template <class C>
constexpr int64_t ordered(int64_t k) {
  return round_up(k, block_size<C>);
}
template <class C>
constexpr int64_t prepared(int64_t k, int group) {
  return ordered<C>(k) + (C::biased ? round_up(k / group, W) : 0);
}

// Floats of one block, zeros from element left on.
GOMLX_INLINE void widen(const void* x, Type type, int64_t from, int64_t left, int size, float* out) {
  const char* p = static_cast<const char*>(x) + from * size_of(type);
  int n = int(left < size ? left : size), i = 0;
  for (; i + W <= n; i += W) {
    vf v = type == Type::f32    ? load_as<vf>(p + 4 * i)
           : type == Type::bf16 ? load_bf16(p + 2 * i)
                                : load_f16(p + 2 * i);
    store(out + i, v);
  }
  for (; i < n; i++) out[i] = cpu::load(p, type, i);
  for (; i < size; i++) out[i] = 0;
}

template <class C>
void prepare(const void* x, Type type, int64_t k, int group, float bias, float* out) {
  constexpr int size = block_size<C>;
  float* group_sum = out + ordered<C>(k);
  alignas(64) float block[size];
  int64_t g = 0, in_group = 0;
  float sum_so_far = 0;
  for (int64_t from = 0; from < k; from += size, out += size) {
    widen(x, type, from, k - from, size, block);
    unroll<C::per_lane>(GOMLX_EACH(i) {
      for (int l = 0; l < W; l++) out[i * W + l] = block[C::at(l, i)] * C::factor(i);
    });
    if constexpr (C::biased) {  // groups and blocks are multiples of 16
      for (int i = 0; i < size && from + i < k; i += 16) {
        float s = 0;
        for (int j = 0; j < 16; j += W) s += sum(load(block + i + j));
        sum_so_far += s;
        if ((in_group += 16) < group) continue;
        group_sum[g++] = sum_so_far * bias;
        in_group = 0, sum_so_far = 0;
      }
    }
  }
  if constexpr (C::biased)
    for (; g < round_up(k / group, W); g++) group_sum[g] = 0;
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
