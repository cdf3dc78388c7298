// Products for several activations that were rounded to 16 bits, of codes that come
// out of a word lane by lane (C::lanewise). W rows of W, a strip, are turned: a vector
// holds a word of each. The activations lie side by side, number after number of them
// all. So codes are taken out in registers, just before they meet a pair of every
// activation, and no sum has to be folded.
#pragma once

#include "prepare16.h"
#include "turned.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// Activations that meet a strip at a time: their sums stay in registers.
constexpr int strip_columns = W == 8 ? 8 : 12;

struct Strip {
  vu* words;
  float *scales, *biases;  // [groups][W]
};
// Activation m is in lane m.
struct Columns {
  float *pairs, *steps, *sums;  // [pairs or groups][W]
};

// Adds the products of groups of M activations with a strip. A group has so many words,
// of which step are taken at a time.
template <class C, int M, int step>
[[gnu::noinline]] void meet_strip(const Strip& strip, const Columns& x, int64_t groups, int words, float (*total)[W]) {
  const vu* word = strip.words;
  const float* pairs = x.pairs;
  for (int64_t g = 0; g < groups; g++) {
    vi sum[M] = {};
    for (int w = 0; w < words; w += step, word += step, pairs += step * C::vectors * W)
      unroll<step>(GOMLX_EACH(s) {
        const auto block = C::from(word[s]);
        unroll<C::vectors>(GOMLX_EACH(i) {
          const vs codes = C::template value<i>(block);
          unroll<M>(GOMLX_EACH(m) {
            sum[m] = add_pairs(sum[m], codes, reinterpret_cast<vs>(all(pairs + (s * C::vectors + i) * W + m)));
            in_register(sum[m]);
          });
        });
      });
    const vf scales = load(strip.scales + g * W), biases = load(strip.biases + g * W);
    unroll<M>(GOMLX_EACH(m) {
      vf y = load(total[m]) + __builtin_convertvector(sum[m], vf) * (scales * all(x.steps + g * W + m));
      if constexpr (C::biased) y += biases * all(x.sums + g * W + m);
      store(total[m], y);
    });
  }
}

// For count activations; what fills them up to four is of no account.
template <class C>
GOMLX_INLINE void meet(const Strip& strip, const Columns& x, int count, int64_t groups, int words, float (*total)[W]) {
  const int some = count < 4 ? 4 : count;
  auto with_step = [&](auto step) {
    unroll<strip_columns - 3>(GOMLX_EACH(i) {
      if (some == 4 + i) meet_strip<C, 4 + i, step>(strip, x, groups, words, total);
    });
  };
  if (words >= 4) return with_step(std::integral_constant<int, 4>{});
  if constexpr (2 * C::per_lane >= 16 && has_groups<C>(2 * C::per_lane))
    if (words == 2) return with_step(std::integral_constant<int, 2>{});
  if constexpr (C::per_lane >= 16) with_step(std::integral_constant<int, 1>{});
}

// The pairs lie word after word, as the codes come out of a strip. The last activation
// stands for those that are missing.
template <class C>
GOMLX_INLINE void beside(const Rows& job, int64_t m, int count, const Columns& out) {
  const uint8_t* p[W];
  for (int i = 0; i < W; i++) p[i] = reinterpret_cast<const uint8_t*>(job.x[m + (i < count ? i : count - 1)]);
  const int64_t vectors = ordered16<C>(job.k) / W, factors = prepared16<C>(job.k, job.group);
  vu v[W];
  for (int64_t b = 0; b < vectors; b += C::vectors)
    for (int i = 0; i < C::vectors; i++) {
      load_turned(p, (b + i) * 4 * W, v);
      unroll<W>(GOMLX_EACH(l) { store(out.pairs + (b * W + l * C::vectors + i) * W, floats(v[l])); });
    }
  for (int64_t i = vectors * W; i < factors; i += W) {  // steps, then sums
    load_turned(p, i * 4, v);
    unroll<W>(GOMLX_EACH(l) { store(out.pairs + (i + l) * W, floats(v[l])); });
  }
}

// The rows from row on.
template <class C>
GOMLX_INLINE void turn_strip(const Rows& job, int64_t row, int64_t to, const Strip& out) {
  const uint8_t* p[W];
  auto turn_factors = [&](const uint8_t* from, float* factors) {
    rows_of(from, job.scale_stride, row, to, p);
    turn_scales(job.scale_type, job.k / job.group, p, W * job.scale_stride, factors, W);
  };
  turn_factors(job.scales, out.scales);
  if (C::biased && out.biases != out.scales) turn_factors(job.biases, out.biases);
  rows_of(job.w, job.w_stride, row, to, p);
  const int64_t next = W * job.w_stride, bytes = round_up(job.k, block16<C>) / C::per_lane * 4;
  vu* word = out.words;
  for (int64_t at = 0; at < bytes; at += 4 * W, word += W) {
    if (at % 64 == 0) unroll<W>(GOMLX_EACH(r) { __builtin_prefetch(p[r] + next + at, 0, 2); });
    vu v[W];
    load_turned(p, at, v);
    unroll<W>(GOMLX_EACH(l) { word[l] = v[l]; });
  }
}

// Floats that run_strips needs: the activations, then a strip.
template <class C>
int64_t strip_size(int64_t k, int group) {
  return (prepared16<C>(k, group) + 2 * per_group(k, group) + ordered16<C>(k) / C::vectors) * W;
}

template <class C>
void run_strips(const Rows& job, int64_t from, int64_t to, float* scratch) {
  const int64_t factors = per_group(job.k, job.group) * W, pairs = ordered16<C>(job.k) * W;
  const Columns x{scratch, scratch + pairs, scratch + pairs + factors};
  float* scales = scratch + prepared16<C>(job.k, job.group) * W;
  const Strip strip{reinterpret_cast<vu*>(scales + 2 * factors), scales,
                    job.biases == job.scales ? scales : scales + factors};
  for (int64_t m = 0; m < job.count; m += strip_columns) {
    const int count = int(job.count - m < strip_columns ? job.count - m : strip_columns);
    beside<C>(job, m, count, x);
    for (int64_t row = from; row < to; row += W) {
      turn_strip<C>(job, row, to, strip);
      alignas(64) float total[strip_columns][W] = {};
      meet<C>(strip, x, count, job.k / job.group, job.group / C::per_lane, total);
      write_turned(job, total, row, row + W < to ? row + W : to, m, count);
    }
  }
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
