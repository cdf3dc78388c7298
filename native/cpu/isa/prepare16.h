// Activations rounded to 16 bits, in the order of a codec. Each group of W's has a
// step of its own, its largest number over 32767, so that no number is off by more
// than 1/65534 of that. A prepared row is
//
//   [blocks][vectors][2W]   whole numbers at(half, i) of the block; zeros past k
//   [groups, up to W]       the step of each group, times unit
//   [groups, up to W]       the sum of each group as rounded, times bias, where the codec has biases
//
// the first of them 16 bits wide.
#pragma once

#include "codec16.h"
#include "prepare.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// Floats of the parts of a prepared row.
template <class C>
constexpr int64_t ordered16(int64_t k) {
  return round_up(k, block16<C>) / 2;
}
constexpr int64_t per_group(int64_t k, int group) { return round_up(k / group, W); }
template <class C>
constexpr int64_t prepared16(int64_t k, int group) {
  return ordered16<C>(k) + per_group(k, group) * (C::biased ? 2 : 1);
}

// A multiple of every block and of every group.
constexpr int stretch = 256;

struct Rounded {
  float step;
  int sum;
};

// The step of a group. What is not finite makes it a NaN, and so every product
// with the group.
GOMLX_INLINE float step_of(const float* x, int group) {
  vu most{};
  for (int i = 0; i < group; i += W) {
    vu size = bits(load(x + i)) & 0x7fffffffu;
    most = size > most ? size : most;  // floats without a sign are in the order of their bits
  }
  uint32_t largest = 0;
  for (int l = 0; l < W; l++) largest = most[l] > largest ? most[l] : largest;
  if (largest >= 0x7f800000u) return std::bit_cast<float>(0x7fc00000u);
  float step = std::bit_cast<float>(largest) / 32767;
  return step > 0x1p-126f ? step : 0x1p-126f;
}

GOMLX_INLINE Rounded round_group(const float* x, int group, int16_t* out) {
  const float step = step_of(x, group);
  if (step != step) {
    std::memset(out, 0, size_t(group) * sizeof(int16_t));
    return {step, 0};
  }
  // Added to a number this one leaves it in its last bits, rounded.
  const vf last_bits = all(0x1.8p23f), per_step = all(1 / step);
  vi sum{};
  for (int i = 0; i < group; i += W) {
    vi q = reinterpret_cast<vi>(load(x + i) * per_step + last_bits) - reinterpret_cast<vi>(last_bits);
    sum += q;
    auto narrow = __builtin_convertvector(q, shorts);
    __builtin_memcpy(out + i, &narrow, sizeof narrow);
  }
  int total = 0;
  for (int l = 0; l < W; l++) total += sum[l];
  return {step, total};
}

// Where pair l of vector i of a block goes if the pairs lie group by group.
template <class C>
constexpr int place_of(int group, int i, int l) {
  const int run = group / C::per_lane;
  return run >= W ? i * W + l : (l / run * C::vectors + i) * run + l % run;
}

// The numbers of a block in that order.
template <class C, int group>
constexpr auto numbers_by_group = [] {
  struct { uint8_t at[block16<C>]; } t{};
  for (int h = 0; h < 2; h++)
    for (int i = 0; i < C::vectors; i++)
      for (int l = 0; l < W; l++) t.at[2 * place_of<C>(group, i, l) + h] = uint8_t(C::at(2 * l + h, i));
  return t;
}();

// The numbers of a block, in the order of its vectors or group by group.
template <class C>
GOMLX_INLINE void order(const int16_t* numbers, const uint8_t* by_group, int16_t* out) {
  if (by_group) {
    for (int h = 0; h < block16<C>; h++) out[h] = numbers[by_group[h]];
  } else {
    unroll<C::vectors>(GOMLX_EACH(v) {
      for (int h = 0; h < 2 * W; h++) out[v * 2 * W + h] = numbers[C::at(h, v)];
    });
  }
}

template <class C>
void prepare16(const void* x, Type type, int64_t k, int group, float bias, bool by_group, float* out) {
  const uint8_t* groups = nullptr;
  if (by_group) with_group<C>(group, [&](auto size) { groups = numbers_by_group<C, size>.at; });
  int16_t* ordered = reinterpret_cast<int16_t*>(out);
  float *step = out + ordered16<C>(k), *sum = step + per_group(k, group);
  alignas(64) float floats[stretch];
  alignas(64) int16_t numbers[stretch];
  int64_t g = 0;
  for (int64_t from = 0; from < k; from += stretch) {
    const int64_t left = k - from < stretch ? k - from : stretch;
    widen(x, type, from, left, stretch, floats);
    int i = 0;
    for (; i < left; i += group, g++) {
      Rounded r = round_group(floats + i, group, numbers + i);
      step[g] = r.step * C::unit;
      if constexpr (C::biased) sum[g] = r.step * float(r.sum) * bias;
    }
    std::memset(numbers + i, 0, size_t(stretch - i) * sizeof(int16_t));
    for (i = 0; i < left; i += block16<C>, ordered += block16<C>) order<C>(numbers + i, groups, ordered);
  }
  for (; g < per_group(k, group); g++) {
    step[g] = 0;
    if constexpr (C::biased) sum[g] = 0;
  }
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
