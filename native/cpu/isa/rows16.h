// Products for few activations that were rounded to 16 bits: whole numbers meet
// whole numbers, two at a time, and only the sum of a group, or of its part of a
// block, becomes a float. A lane's sum fits 32 bits: of 8-bit codes it has 16
// products at most, of others smaller codes.
#pragma once

#include "prepare16.h"
#include "rows.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// R rows of W and M of x. lane_count says how many lanes a group has. The product
// goes in steps: the blocks of one group, or one block of several groups. Eight
// sums or fewer stay in registers, those of the rows that are met together, over a
// chunk of k whose activations stay in the first cache.
template <class C, int lane_count, int R, int M>
struct RowTile16 {
  static constexpr int group = lane_count * C::per_lane;
  static constexpr int step_blocks = lane_count > W ? lane_count / W : 1;
  static constexpr int step_groups = lane_count < W ? W / lane_count : 1;
  static constexpr int step_bytes = step_blocks * C::block_bytes;
  // Groups and steps of a chunk, and rows that are met together.
  static constexpr int most = 8192 / M / group / W * W;
  static constexpr int chunk = most < W ? W : most > 8 * W ? 8 * W : most, chunk_steps = chunk / step_groups;
  static constexpr int together = R < 8 / M ? R : 8 / M;

  using Sums = vf[together][M];
  using Factors = float[together][M][chunk + W];

  const Rows& job;
  const int64_t count, scale_bytes, sums_at, steps_at;
  const uint8_t *w, *scales, *biases;
  const float* x[M];

  GOMLX_INLINE RowTile16(const Rows& j, int64_t row, int64_t m)
      : job(j),
        count(j.k / group),
        scale_bytes(uint32_t(j.scale_stride) / uint32_t(count > 0 ? count : 1)),
        sums_at(ordered16<C>(j.k) + per_group(j.k, group)),
        steps_at(ordered16<C>(j.k)),
        w(j.w + row * j.w_stride),
        scales(j.scales + row * j.scale_stride),
        biases(j.biases + row * j.scale_stride) {
    unroll<M>(GOMLX_EACH(i) { x[i] = j.x[m + i]; });
  }

  // Brings bytes from p on into the second cache: those of the next R rows, while
  // these are met. Rows are short streams, which the processor sees too late.
  template <int bytes>
  GOMLX_INLINE static void ask_for(const uint8_t* p) {
    unroll<(bytes + 63) / 64>(GOMLX_EACH(line) { __builtin_prefetch(p + 64 * line, 0, 2); });
  }

  // The factors of groups [first, last) of rows from r on. And their biases.
  GOMLX_INLINE void load_groups(int r, int64_t first, int64_t last, Factors& factors, Sums& acc) const {
    for (int64_t g = first; g < last; g += W) {
      const int64_t next = (r + R) * job.scale_stride + g * scale_bytes * together;
      ask_for<4 * W * together>(scales + next);
      if constexpr (C::biased) ask_for<4 * W * together>(biases + next);
    }
    unroll<together>(GOMLX_EACH(q) {
      alignas(64) float numbers[chunk + W];
      const int64_t from = (r + q) * job.scale_stride;
      read_scales(job.scale_type, scales + from, first, last, numbers);
      for (int64_t g = first; g < last; g += W) {
        vf one = load(numbers + g - first);
        unroll<M>(GOMLX_EACH(i) { store(factors[q][i] + g - first, one * load(x[i] + steps_at + g)); });
      }
      if constexpr (C::biased) {
        if (biases != scales) read_scales(job.scale_type, biases + from, first, last, numbers);
        for (int64_t g = first; g < last; g += W) {
          vf one = load(numbers + g - first);
          unroll<M>(GOMLX_EACH(i) { acc[q][i] += one * load(x[i] + sums_at + g); });
        }
      }
    });
  }

  // The factors of the lanes of a step, from those of its groups.
  GOMLX_INLINE static vf lanes_of(const float* f) {
    if constexpr (lane_count >= W) return all(f);
    if constexpr (lane_count == W / 2) return two_halves(f);
    if constexpr (lane_count == 1) return load(f);
    return spread(load(f), lanes() / lane_count);
  }

  // acc += the sums of step s of rows from r on, times the factors of its lanes.
  GOMLX_INLINE void add_step(int r, int64_t s, const float* factors, Sums& acc) const {
    vs v[step_blocks * C::vectors];
    const uint8_t* row = w + r * job.w_stride;
    ask_for<together * step_bytes>(row + R * job.w_stride + s * step_bytes * together);
    unroll<together>(GOMLX_EACH(q) {
      unroll<step_blocks>(GOMLX_EACH(b) {
        auto block = C::fetch(row + q * job.w_stride + s * step_bytes + b * C::block_bytes);
        unroll<C::vectors>(GOMLX_EACH(j) { v[b * C::vectors + j] = C::template value<j>(block); });
      });
      unroll<M>(GOMLX_EACH(i) {
        vi t{};
        unroll<step_blocks * C::vectors>(GOMLX_EACH(j) {
          t = add_pairs(t, v[j], load_as<vs>(x[i] + (s * step_blocks * C::vectors + j) * W));
        });
        acc[q][i] += __builtin_convertvector(t, vf) * lanes_of(factors + (q * M + i) * (chunk + W));
      });
    });
  }

  // Steps [from, to), one chunk, of rows from r on.
  GOMLX_INLINE void add_chunk(int r, int64_t from, int64_t to, vf (*total)[M]) const {
    alignas(64) Factors factors;
    Sums acc;
    unroll<together>(GOMLX_EACH(q) { unroll<M>(GOMLX_EACH(i) { acc[q][i] = total[r + q][i]; }); });
    const int64_t first = from * step_groups, last = count < first + chunk ? count : first + chunk;
    load_groups(r, first, last, factors, acc);
    const float* f = factors[0][0];
    for (int64_t s = from; s < to; s++, f += step_groups) add_step(r, s, f, acc);
    unroll<together>(GOMLX_EACH(q) { unroll<M>(GOMLX_EACH(i) { total[r + q][i] = acc[q][i]; }); });
  }

  GOMLX_INLINE void run(vf (&total)[R][M]) const {
    const int64_t steps = (count + step_groups - 1) / step_groups;
    for (int64_t s = 0; s < steps; s += chunk_steps)
      for (int r = 0; r < R; r += together) add_chunk(r, s, s + chunk_steps < steps ? s + chunk_steps : steps, total);
  }
};

template <class C, int lane_count>
struct Tiles16 {
  template <int R, int M>
  [[gnu::noinline]] static void run(const Rows& job, int64_t row, int64_t m) {
    vf total[R][M] = {};
    RowTile16<C, lane_count, R, M>(job, row, m).run(total);
    write_tile<R, M>(job, total, row, m);
  }
  static constexpr int rows(int) { return 4; }
};

template <class C>
void run_rows16(const Rows& job, int64_t from, int64_t to) {
  with_group<C>(job.group, [&](auto group) { walk<Tiles16<C, group / C::per_lane>>(job, from, to); });
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
