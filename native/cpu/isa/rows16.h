// Products for few activations that were rounded to 16 bits: whole numbers meet
// whole numbers, two at a time, and only the sum of a block becomes a float. A
// lane's sum fits 32 bits: of 8-bit codes it has 2 pairs, of others smaller codes.
#pragma once

#include "prepare16.h"
#include "rows.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// How many groups the lanes of a block lie in.
enum class Span { one, two, more };

template <class C, Span span, int R, int M>
struct RowTile16 {
  const Rows& job;
  const uint8_t *w[R], *scales[R], *biases[R];
  const float* x[M];
  const Groups<C, false> groups;
  const int64_t steps_at, sums_at;
  vf acc[R][M];

  GOMLX_INLINE RowTile16(const Rows& j, int64_t row, int64_t m)
      : job(j), groups(j.group, j.k), steps_at(ordered16<C>(j.k)), sums_at(steps_at + per_group(j.k, j.group)) {
    GOMLX_UNROLL for (int r = 0; r < R; r++) {
      w[r] = j.w + (row + r) * j.w_stride;
      scales[r] = j.scales + (row + r) * j.scale_stride;
      biases[r] = j.biases + (row + r) * j.scale_stride;
      GOMLX_UNROLL for (int i = 0; i < M; i++) acc[r][i] = vf{};
    }
    GOMLX_UNROLL for (int i = 0; i < M; i++) x[i] = j.x[m + i];
  }

  // The factors of the lanes of block i of a run, from those of its groups.
  GOMLX_INLINE vf lanes_of(const float* factors, int64_t i) {
    if constexpr (span == Span::one) return all(factors[i * W >> groups.shift()]);
    if constexpr (span == Span::two) return two_halves(factors + 2 * i);
    return spread(load(factors), groups.index(i));
  }

  // acc += the sums of block b, the i-th of a run, times the factors of its lanes.
  GOMLX_INLINE void add_block(int64_t b, int64_t run_block, const float (&factors)[R][M][W]) {
    typename C::Block block[R];
    GOMLX_UNROLL for (int r = 0; r < R; r++) block[r] = C::fetch(w[r] + b * C::block_bytes);
    vi t[R][M];
    unroll<C::vectors>(GOMLX_EACH(j) {
      vs v[R];
      GOMLX_UNROLL for (int r = 0; r < R; r++) v[r] = C::template value<j>(block[r]);
      GOMLX_UNROLL for (int i = 0; i < M; i++) {
        vs a = load_as<vs>(x[i] + (b * C::vectors + j) * W);
        GOMLX_UNROLL for (int r = 0; r < R; r++) t[r][i] = j == 0 ? dot_pairs(v[r], a) : t[r][i] + dot_pairs(v[r], a);
      }
    });
    GOMLX_UNROLL for (int r = 0; r < R; r++)
      GOMLX_UNROLL for (int i = 0; i < M; i++)
        acc[r][i] += __builtin_convertvector(t[r][i], vf) * lanes_of(factors[r][i], run_block);
  }

  // Blocks [from, to) of one run, and the biases of its groups.
  template <bool whole>
  GOMLX_INLINE void add_run(int64_t from, int64_t to) {
    const int64_t g = from * W >> groups.shift();
    alignas(64) float factors[R][M][W];
    GOMLX_UNROLL for (int r = 0; r < R; r++) {
      vf one[1];
      groups.template load<whole>(job.scale_type, scales[r], from, one);
      GOMLX_UNROLL for (int i = 0; i < M; i++) store(factors[r][i], one[0] * load(x[i] + steps_at + g));
      if constexpr (C::biased) {
        groups.template load<whole>(job.scale_type, biases[r], from, one);
        GOMLX_UNROLL for (int i = 0; i < M; i++) acc[r][i] += one[0] * load(x[i] + sums_at + g);
      }
    }
    for (int64_t b = from; b < to; b++) add_block(b, b - from, factors);
  }

  GOMLX_INLINE void run() {
    const int64_t whole = job.k / block16<C>, blocks = ordered16<C>(job.k) * 2 / block16<C>, step = groups.run();
    int64_t b = 0;
    for (; b + step <= whole; b += step) add_run<true>(b, b + step);
    if (b < blocks) add_run<false>(b, blocks);
  }
};

template <class C, Span span, int R, int M>
[[gnu::noinline]] void run_tile16(const Rows& job, int64_t row, int64_t m) {
  RowTile16<C, span, R, M> tile(job, row, m);
  tile.run();
  write_tile<R, M>(job, tile.acc, row, m);
}

// Rows [from, to) in fours that stay in the first cache while all activations
// meet them.
template <class C, Span span>
void run_rows16(const Rows& job, int64_t from, int64_t to) {
  int64_t row = from;
  for (; row + 4 <= to; row += 4) {
    int64_t m = 0;
    for (; m + 4 <= job.count; m += 4)
      for (int r = 0; r < 4; r++) run_tile16<C, span, 1, 4>(job, row + r, m);
    for (; m + 2 <= job.count; m += 2) {
      run_tile16<C, span, 2, 2>(job, row, m);
      run_tile16<C, span, 2, 2>(job, row + 2, m);
    }
    for (; m < job.count; m++) run_tile16<C, span, 4, 1>(job, row, m);
  }
  for (; row < to; row++)
    for (int64_t m = 0; m < job.count; m++) run_tile16<C, span, 1, 1>(job, row, m);
}

template <class C>
void run_rows16(const Rows& job, int64_t from, int64_t to) {
  const int lanes = job.group / C::per_lane;
  if (lanes >= W) return run_rows16<C, Span::one>(job, from, to);
  if (lanes == W / 2) return run_rows16<C, Span::two>(job, from, to);
  run_rows16<C, Span::more>(job, from, to);
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
