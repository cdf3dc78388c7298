// Products for few activations: every element of W is decoded in registers and
// meets M rows of x at once, R rows of W at a time. Memory is read once for M
// rows, which is what bounds a decode step.
#pragma once

#include "prepare.h"
#include "scales.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// y[m+i][row+r] = the sum of acc[r][i].
template <int R, int M>
GOMLX_INLINE void write_tile(const Rows& job, const vf (&acc)[R][M], int64_t row, int64_t m) {
  float y[R * M];
  if constexpr (R * M % 4 == 0) {
    const vf* a = &acc[0][0];
    GOMLX_UNROLL for (int q = 0; q < R * M; q += 4) {
      v4 s = sums(a[q], a[q + 1], a[q + 2], a[q + 3]);
      __builtin_memcpy(y + q, &s, sizeof s);
    }
  } else {
    for (int q = 0; q < R * M; q++) y[q] = sum(acc[q / M][q % M]);
  }
  for (int i = 0; i < M; i++)
    for (int r = 0; r < R; r++) cpu::store(job.y[m + i], job.y_type, job.y_from + row + r, y[r * M + i]);
}

template <class C, bool halves, int R, int M>
struct RowTile {
  using Scales = Groups<C, halves>;
  static constexpr int n = C::per_lane, parts = Scales::parts;

  const Rows& job;
  const uint8_t *w[R], *scales[R], *biases[R];
  const float* x[M];
  const Scales groups;
  vf acc[R][M];

  GOMLX_INLINE RowTile(const Rows& j, int64_t row, int64_t m) : job(j), groups(j.group, j.k) {
    GOMLX_UNROLL for (int r = 0; r < R; r++) {
      w[r] = j.w + (row + r) * j.w_stride;
      scales[r] = j.scales + (row + r) * j.scale_stride;
      biases[r] = j.biases + (row + r) * j.scale_stride;
      GOMLX_UNROLL for (int i = 0; i < M; i++) acc[r][i] = vf{};
    }
    GOMLX_UNROLL for (int i = 0; i < M; i++) x[i] = j.x[m + i];
  }

  // acc += bias * sum of the group's activations, W groups at a time.
  GOMLX_INLINE void add_biases() {
    int64_t count = job.k / job.group, at = ordered<C>(job.k);
    for (int64_t g = 0; g < count; g += W) {
      GOMLX_UNROLL for (int r = 0; r < R; r++) {
        vf b = load_scales(job.scale_type, biases[r], g);
        if (g + W > count) b = floats(bits(b) & first(count - g));
        GOMLX_UNROLL for (int i = 0; i < M; i++) acc[r][i] += b * load(x[i] + at + g);
      }
    }
  }

  // t = the sums over elements [from, to) of each lane of the block at xb in x.
  template <int from, int to>
  GOMLX_INLINE void sum_of(const typename C::Block (&block)[R], int64_t xb, vf (&t)[R][M]) {
    unroll<to - from>(GOMLX_EACH(j) {
      constexpr int e = from + j;
      vf v[R];
      GOMLX_UNROLL for (int r = 0; r < R; r++) v[r] = C::template value<e>(block[r]);
      GOMLX_UNROLL for (int i = 0; i < M; i++) {
        vf a = load(x[i] + xb + e * W);
        GOMLX_UNROLL for (int r = 0; r < R; r++) t[r][i] = j == 0 ? v[r] * a : t[r][i] + v[r] * a;
      }
    });
  }

  GOMLX_INLINE void fetch(int64_t b, typename C::Block (&block)[R]) {
    GOMLX_UNROLL for (int r = 0; r < R; r++) block[r] = C::fetch(w[r] + b * C::block_bytes);
  }

  // acc += the sums over a part of block b, times the scales of its lanes.
  template <int h>
  GOMLX_INLINE void add_part(const typename C::Block (&block)[R], int64_t b, const vf (&s)[R][parts], vu index) {
    vf t[R][M];
    sum_of<h * n / parts, (h + 1) * n / parts>(block, b * block_size<C>, t);
    GOMLX_UNROLL for (int r = 0; r < R; r++) {
      vf lane_scales = halves ? s[r][h] : spread(s[r][h], index);
      GOMLX_UNROLL for (int i = 0; i < M; i++) acc[r][i] += t[r][i] * lane_scales;
    }
  }

  // Blocks [from, to) of one run.
  template <bool whole>
  GOMLX_INLINE void add_run(int64_t from, int64_t to) {
    vf s[R][parts];
    GOMLX_UNROLL for (int r = 0; r < R; r++) groups.template load<whole>(job.scale_type, scales[r], from, s[r]);
    for (int64_t b = from; b < to; b++) {
      typename C::Block block[R];
      fetch(b, block);
      vu index = groups.index(b - from);
      add_part<0>(block, b, s, index);
      if constexpr (halves) add_part<1>(block, b, s, index);
    }
  }

  GOMLX_INLINE void add_runs() {
    const int64_t whole = job.k / block_size<C>, blocks = ordered<C>(job.k) / block_size<C>, step = groups.run();
    int64_t b = 0;
    for (; b + step <= whole; b += step) add_run<true>(b, b + step);
    if (b < blocks) add_run<false>(b, blocks);
  }

  // A block without scales.
  GOMLX_INLINE void add(const typename C::Block (&block)[R], int64_t b) {
    vf t[R][M];
    sum_of<0, n>(block, b * block_size<C>, t);
    GOMLX_UNROLL for (int r = 0; r < R; r++)
      GOMLX_UNROLL for (int i = 0; i < M; i++) acc[r][i] += t[r][i];
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
    for (int r = 0; r < R; r++) {
      std::memcpy(copy[r], w[r] + whole * C::block_bytes, size_t(rest));
      block[r] = C::fetch(copy[r]);
    }
    add(block, whole);
  }

  GOMLX_INLINE void run() {
    if constexpr (C::biased) add_biases();
    if constexpr (C::scaled) {
      add_runs();
    } else {
      add_dense();
    }
  }
};

// The rows of x from m on that fill tiles of M meet four rows of W.
template <class Tiles, int M>
GOMLX_INLINE void meet(const Rows& job, int64_t row, int64_t& m) {
  constexpr int R = Tiles::rows(M);
  for (; m + M <= job.count; m += M)
    for (int r = 0; r < 4; r += R) Tiles::template run<R, M>(job, row + r, m);
}

// Rows [from, to) in fours that stay in the first cache while all activations
// meet them.
template <class Tiles>
void walk(const Rows& job, int64_t from, int64_t to) {
  int64_t row = from;
  for (; row + 4 <= to; row += 4) {
    int64_t m = 0;
    meet<Tiles, 4>(job, row, m);
    meet<Tiles, 2>(job, row, m);
    meet<Tiles, 1>(job, row, m);
  }
  for (; row < to; row++)
    for (int64_t m = 0; m < job.count; m++) Tiles::template run<1, 1>(job, row, m);
}

template <class C, bool halves>
struct Tiles {
  template <int R, int M>
  [[gnu::noinline]] static void run(const Rows& job, int64_t row, int64_t m) {
    RowTile<C, halves, R, M> tile(job, row, m);
    tile.run();
    write_tile<R, M>(job, tile.acc, row, m);
  }
  static constexpr int rows(int m) { return m == 1 ? 4 : 2; }
};

template <class C, bool halves>
void run_rows(const Rows& job, int64_t from, int64_t to) {
  walk<Tiles<C, halves>>(job, from, to);
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
