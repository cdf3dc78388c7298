// Products for many activations that were rounded to 16 bits. A panel, as many
// rows of W as two vectors have lanes, is decoded once into memory that the caches
// hold: pair after pair of elements, in a lane of its own for every row. So a pair
// of x meets all rows at once, and no sum has to be folded. The pairs lie group by
// group, as those of the prepared activations do (prepare16.h).
#pragma once

#include "prepare16.h"
#include "turned.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// What the registers hold: two sums for each column of x.
constexpr int panel_rows = 2 * W, panel_columns = W == 8 ? 6 : 12;

// A panel, or the part of it from group first to last.
struct Panel {
  int group;
  int64_t first, last;
  vu* words;               // [pairs][2], from group first on
  float *scales, *biases;  // [groups][panel_rows], from group 0 on
};

// A block of W rows at p, into every second vector from out on.
template <class C, int group>
GOMLX_INLINE void decode_block(const uint8_t* const (&p)[W], int64_t at, vu* out) {
  vu v[W];
  if constexpr (C::lanewise) {
    load_turned(p, at, v);
    unroll<W>(GOMLX_EACH(l) {
      const auto block = C::from(v[l]);
      unroll<C::vectors>(GOMLX_EACH(i) {
        out[2 * place_of<C>(group, i, l)] = reinterpret_cast<vu>(C::template value<i>(block));
      });
    });
  } else {
    typename C::Block block[W];
    unroll<W>(GOMLX_EACH(r) { block[r] = C::fetch(p[r] + at); });
    unroll<C::vectors>(GOMLX_EACH(i) {
      unroll<W>(GOMLX_EACH(r) { v[r] = reinterpret_cast<vu>(C::template value<i>(block[r])); });
      transpose(v);
      unroll<W>(GOMLX_EACH(l) { out[2 * place_of<C>(group, i, l)] = v[l]; });
    });
  }
}

// Blocks of W rows. What lies next bytes behind them, the rows of the next panel, is
// brought into the second cache.
template <class C, int group>
void decode_words(int64_t blocks, const uint8_t* const (&p)[W], int64_t next, vu* out) {
  for (int64_t b = 0; b < blocks; b++, out += 2 * C::vectors * W) {
    unroll<W>(GOMLX_EACH(r) { __builtin_prefetch(p[r] + next + b * C::block_bytes, 0, 2); });
    decode_block<C, group>(p, b * C::block_bytes, out);
  }
}

// The scales and biases of all groups of the rows from row on.
template <class C>
void decode_factors(const Rows& job, int64_t row, int64_t to, const Panel& panel) {
  const int64_t groups = job.k / job.group, next = panel_rows * job.scale_stride;
  for (int half = 0; half < 2; half++) {
    const uint8_t* p[W];
    rows_of(job.scales, job.scale_stride, row + half * W, to, p);
    turn_scales(job.scale_type, groups, p, next, panel.scales + half * W, panel_rows);
    if (!C::biased || panel.biases == panel.scales) continue;
    rows_of(job.biases, job.scale_stride, row + half * W, to, p);
    turn_scales(job.scale_type, groups, p, next, panel.biases + half * W, panel_rows);
  }
}

// The words of the panel's part, which begins with a block.
template <class C, int group>
void decode_part(const Rows& job, int64_t row, int64_t to, const Panel& panel) {
  const int64_t from = panel.first * group / block16<C>, to_block = (panel.last * group + block16<C> - 1) / block16<C>;
  for (int half = 0; half < 2; half++) {
    const uint8_t* p[W];
    rows_of(job.w + from * C::block_bytes, job.w_stride, row + half * W, to, p);
    decode_words<C, group>(to_block - from, p, panel_rows * job.w_stride, panel.words + half);
  }
}

// Adds the products of M columns of x with a panel. Each has its steps and the sums of
// its groups at steps and sums.
template <int M>
[[gnu::noinline]] void meet_panel(const Panel& panel, const float* const* x, int64_t steps, int64_t sums,
                                  float (*total)[panel_rows]) {
  const float* column[M];
  unroll<M>(GOMLX_EACH(i) { column[i] = x[i]; });
  const vu* w = panel.words;
  const int pairs = panel.group / 2;
  for (int64_t g = panel.first, at = g * pairs; g < panel.last; g++) {
    vi sum[M][2] = {};
    for (const int64_t end = at + pairs; at < end; at++, w += 2) {
      const vs a = load_as<vs>(w), b = load_as<vs>(w + 1);
      unroll<M>(GOMLX_EACH(m) {
        const vs pair = reinterpret_cast<vs>(all(column[m] + at));
        sum[m][0] = add_pairs(sum[m][0], a, pair);
        sum[m][1] = add_pairs(sum[m][1], b, pair);
      });
    }
    const float *scales = panel.scales + g * panel_rows, *biases = panel.biases + g * panel_rows;
    unroll<M>(GOMLX_EACH(m) {
      const vf step = all(column[m] + steps + g);
      vf of_group = sums ? all(column[m] + sums + g) : vf{};
      unroll<2>(GOMLX_EACH(h) {
        float* out = total[m] + h * W;
        vf y = load(out) + __builtin_convertvector(sum[m][h], vf) * (load(scales + h * W) * step);
        if (sums) y += load(biases + h * W) * of_group;
        store(out, y);
      });
    });
  }
}

// Floats of a panel, and its place in memory.
template <class C>
int64_t panel_size(int64_t k, int group) {
  return (ordered16<C>(k) + 2 * per_group(k, group)) * panel_rows;
}
template <class C>
Panel panel_at(const Rows& job, float* memory) {
  float* scales = memory + ordered16<C>(job.k) * panel_rows;
  const int64_t count = per_group(job.k, job.group) * panel_rows;
  return {job.group, 0, job.k / job.group, reinterpret_cast<vu*>(memory), scales,
          job.biases == job.scales ? scales : scales + count};
}

// The activations come in blocks of about the same size. f gets the first of each and
// their number.
template <class F>
GOMLX_INLINE void each_block(int64_t count, F&& f) {
  const int64_t blocks = (count + panel_columns - 1) / panel_columns;
  for (int64_t b = 0, m = 0; b < blocks; b++) {
    const int some = int((count - m + blocks - b - 1) / (blocks - b));
    f(m, some);
    m += some;
  }
}

// Adds the products of count activations from m on.
template <class C>
GOMLX_INLINE void meet(const Rows& job, const Panel& panel, int64_t m, int count, float (*total)[panel_rows]) {
  const int64_t steps = ordered16<C>(job.k), sums = C::biased ? steps + per_group(job.k, job.group) : 0;
  unroll<panel_columns>(GOMLX_EACH(i) {
    if (count == i + 1) meet_panel<i + 1>(panel, job.x + m, steps, sums, total);
  });
}

// So few activations meet a panel part by part, while each is in the first cache.
constexpr int few = 4 * panel_columns;

template <class C, int group>
void meet_few(const Rows& job, int64_t row, int64_t to, float* scratch) {
  constexpr int64_t part = 2 * stretch / group;
  alignas(64) float total[few][panel_rows];
  std::memset(total, 0, size_t(job.count) * sizeof *total);
  Panel panel = panel_at<C>(job, scratch);
  const int64_t groups = panel.last;
  decode_factors<C>(job, row, to, panel);
  for (int64_t g = 0; g < groups; g += part) {
    panel.first = g, panel.last = g + part < groups ? g + part : groups;
    decode_part<C, group>(job, row, to, panel);
    each_block(job.count, [&](int64_t m, int count) { meet<C>(job, panel, m, count, total + m); });
  }
  write_turned(job, total, row, to, 0, int(job.count));
}

// Many meet panel after panel, a block of them in the first cache.
template <class C, int group>
void meet_many(const Rows& job, int64_t from, int64_t to, float* scratch) {
  const int64_t size = panel_size<C>(job.k, group);
  auto each_panel = [&](auto f) {
    float* at = scratch;
    for (int64_t row = from; row < to; row += panel_rows, at += size) f(row, panel_at<C>(job, at));
  };
  each_panel([&](int64_t row, const Panel& panel) {
    decode_factors<C>(job, row, to, panel);
    decode_part<C, group>(job, row, to, panel);
  });
  alignas(64) float total[panel_columns][panel_rows];
  each_block(job.count, [&](int64_t m, int count) {
    each_panel([&](int64_t row, const Panel& panel) {
      std::memset(total, 0, size_t(count) * sizeof *total);
      meet<C>(job, panel, m, count, total);
      write_turned(job, total, row, row + panel_rows < to ? row + panel_rows : to, m, count);
    });
  });
}

template <class C, int group>
void run_panels(const Rows& job, int64_t from, int64_t to, float* scratch) {
  if (job.count > few) return meet_many<C, group>(job, from, to, scratch);
  for (int64_t row = from; row < to; row += panel_rows)
    meet_few<C, group>(job, row, row + panel_rows < to ? row + panel_rows : to, scratch);
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
