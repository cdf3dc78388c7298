// Products for few activations: every element of W is decoded in registers and
// meets M rows of x at once, R rows of W at a time. Memory is read once for M
// rows, which is what bounds a decode step.
#pragma once

#include "prepare.h"
#include "scales.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

template <class C, bool halves, int R, int M>
struct RowTile {
  using Scales = Groups<C, halves>;
  static constexpr int n = C::per_lane, parts = Scales::parts;
  // A chain of multiply-adds waits for itself: few sums need two each.
  static constexpr int chains = R * M <= 4 && n / parts >= 4 ? 2 : 1;

  const Rows& job;
  const uint8_t *w[R], *scales[R], *biases[R];
  const float* x[M];
  const Scales groups;
  vf acc[R][M];

  GOMLX_INLINE RowTile(const Rows& j, int64_t row, int64_t m) : job(j), groups(j.group, j.k) {
    unroll<R>(GOMLX_EACH(r) {
      w[r] = j.w + (row + r) * j.w_stride;
      scales[r] = j.scales + (row + r) * j.scale_stride;
      biases[r] = j.biases + (row + r) * j.scale_stride;
      unroll<M>(GOMLX_EACH(i) { acc[r][i] = vf{}; });
    });
    unroll<M>(GOMLX_EACH(i) { x[i] = j.x[m + i]; });
  }

  // acc += bias * sum of the group's activations, W groups at a time.
  GOMLX_INLINE void add_biases() {
    int64_t count = job.k / job.group, at = ordered<C>(job.k);
    for (int64_t g = 0; g < count; g += W) {
      unroll<R>(GOMLX_EACH(r) {
        vf b = load_scales(job.scale_type, biases[r], g);
        if (g + W > count) b = floats(bits(b) & first(count - g));
        unroll<M>(GOMLX_EACH(i) { acc[r][i] += b * load(x[i] + at + g); });
      });
    }
  }

  // t = the sums over elements [from, to) of each lane of the block at xb in x.
  template <int from, int to>
  GOMLX_INLINE void sum_of(const typename C::Block (&block)[R], int64_t xb, vf (&t)[R][M]) {
    vf s[chains][R][M];
    unroll<to - from>(GOMLX_EACH(j) {
      constexpr int e = from + j, c = j % chains;
      vf v[R];
      unroll<R>(GOMLX_EACH(r) { v[r] = C::template value<e>(block[r]); });
      unroll<M>(GOMLX_EACH(i) {
        vf a = load(x[i] + xb + e * W);
        unroll<R>(GOMLX_EACH(r) { s[c][r][i] = j < chains ? v[r] * a : s[c][r][i] + v[r] * a; });
      });
    });
    unroll<R>(GOMLX_EACH(r) {
      unroll<M>(GOMLX_EACH(i) { t[r][i] = chains == 2 ? s[0][r][i] + s[chains - 1][r][i] : s[0][r][i]; });
    });
  }

  GOMLX_INLINE void fetch(int64_t b, typename C::Block (&block)[R]) {
    unroll<R>(GOMLX_EACH(r) { block[r] = C::fetch(w[r] + b * C::block_bytes); });
  }

  // Blocks [from, to) of one run.
  template <bool whole>
  GOMLX_INLINE void add_run(int64_t from, int64_t to) {
    vf s[R][parts];
    unroll<R>(GOMLX_EACH(r) { groups.template load<whole>(job.scale_type, scales[r], from, s[r]); });
    for (int64_t b = from; b < to; b++) {
      typename C::Block block[R];
      fetch(b, block);
      vu index = groups.index(b - from);
      unroll<parts>(GOMLX_EACH(h) {
        vf t[R][M];
        sum_of<h * n / parts, (h + 1) * n / parts>(block, b * block_size<C>, t);
        unroll<R>(GOMLX_EACH(r) {
          vf lane_scales = halves ? s[r][h] : spread(s[r][h], index);
          unroll<M>(GOMLX_EACH(i) { acc[r][i] += t[r][i] * lane_scales; });
        });
      });
    }
  }

  // A block without scales.
  GOMLX_INLINE void add(const typename C::Block (&block)[R], int64_t b) {
    vf t[R][M];
    sum_of<0, n>(block, b * block_size<C>, t);
    unroll<R>(GOMLX_EACH(r) { unroll<M>(GOMLX_EACH(i) { acc[r][i] += t[r][i]; }); });
  }

  GOMLX_INLINE void add_dense() {
    const int64_t whole = job.k / block_size<C>, rest = job.w_stride - whole * C::block_bytes;
    typename C::Block block[R];
    for (int64_t b = 0; b < whole; b++) {
      fetch(b, block);
      add(block, b);
    }
    if (rest == 0) return;
    uint8_t copy[R][C::block_bytes] = {};  // what follows the row might be no number
    for (int r = 0; r < R; r++) std::memcpy(copy[r], w[r] + whole * C::block_bytes, size_t(rest));
    unroll<R>(GOMLX_EACH(r) { block[r] = C::fetch(copy[r]); });
    add(block, whole);
  }

  GOMLX_INLINE void run() {
    if constexpr (C::biased) add_biases();
    if constexpr (C::scaled) {
      const int64_t blocks = ordered<C>(job.k) / block_size<C>, step = groups.run();
      int64_t b = 0;
      for (; b + step <= job.k / block_size<C>; b += step) add_run<true>(b, b + step);
      if (b < blocks) add_run<false>(b, blocks);
    } else {
      add_dense();
    }
  }

  GOMLX_INLINE void write(int64_t row, int64_t m) {
    float y[R * M];
    if constexpr (R * M % 4 == 0) {
      const vf* a = &acc[0][0];
      unroll<R * M / 4>(GOMLX_EACH(q) {
        v4 s = sums(a[4 * q], a[4 * q + 1], a[4 * q + 2], a[4 * q + 3]);
        __builtin_memcpy(y + 4 * q, &s, sizeof s);
      });
    } else {
      unroll<R>(GOMLX_EACH(r) { unroll<M>(GOMLX_EACH(i) { y[r * M + i] = sum(acc[r][i]); }); });
    }
    for (int i = 0; i < M; i++)
      for (int r = 0; r < R; r++) cpu::store(job.y[m + i], job.y_type, job.y_from + row + r, y[r * M + i]);
  }
};

template <class C, bool halves, int R, int M>
[[gnu::noinline]] void run_tile(const Rows& job, int64_t row, int64_t m) {
  RowTile<C, halves, R, M> tile(job, row, m);
  tile.run();
  tile.write(row, m);
}

// Rows [from, to) in fours that stay in the first cache while all activations
// meet them. The tiles are as large as sixteen registers allow.
template <class C, bool halves>
void run_rows(const Rows& job, int64_t from, int64_t to) {
  int64_t row = from;
  for (; row + 4 <= to; row += 4) {
    int64_t m = 0;
    for (; m + 4 <= job.count; m += 4) {
      run_tile<C, halves, 2, 4>(job, row, m);
      run_tile<C, halves, 2, 4>(job, row + 2, m);
    }
    for (; m + 2 <= job.count; m += 2) {
      run_tile<C, halves, 2, 2>(job, row, m);
      run_tile<C, halves, 2, 2>(job, row + 2, m);
    }
    for (; m < job.count; m++) run_tile<C, halves, 4, 1>(job, row, m);
  }
  for (; row < to; row++) {
    int64_t m = 0;
    for (; m + 4 <= job.count; m += 4) run_tile<C, halves, 1, 4>(job, row, m);
    for (; m < job.count; m++) run_tile<C, halves, 1, 1>(job, row, m);
  }
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
