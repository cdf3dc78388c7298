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
  const Rows& job;
  const uint8_t *w[R], *scales[R], *biases[R];
  const float* x[M];
  Groups<C> groups;
  vf acc[R][M];

  GOMLX_INLINE RowTile(const Rows& j, int64_t row, int64_t m)
      : job(j), groups(C::scaled ? j.group : C::per_lane, j.k) {
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

  // Elements [from, to) of the lanes of the block at xb in x.
  template <int from, int to>
  GOMLX_INLINE void sum_of(const typename C::Block (&block)[R], int64_t xb, vf (&t)[R][M]) {
    unroll<to - from>(GOMLX_EACH(j) {
      constexpr int e = from + j;
      vf v[R];
      unroll<R>(GOMLX_EACH(r) { v[r] = C::template value<e>(block[r]); });
      unroll<M>(GOMLX_EACH(i) {
        vf a = load(x[i] + xb + e * W);
        unroll<R>(GOMLX_EACH(r) { t[r][i] = j == 0 ? v[r] * a : t[r][i] + v[r] * a; });
      });
    });
  }

  template <bool last>
  GOMLX_INLINE void add_block(int64_t b) {
    constexpr int n = C::per_lane;
    const int64_t xb = b * block_size<C>;
    typename C::Block block[R];
    [[maybe_unused]] alignas(64) uint8_t copy[R][C::block_bytes];
    unroll<R>(GOMLX_EACH(r) {
      const uint8_t* p = w[r] + b * C::block_bytes;
      if constexpr (last && !C::scaled) {  // what follows the row might be no number
        std::memset(copy[r], 0, C::block_bytes);
        std::memcpy(copy[r], p, size_t(job.w_stride - b * C::block_bytes));
        p = copy[r];
      }
      block[r] = C::fetch(p);
    });
    vf t[R][M];
    if constexpr (!C::scaled) {
      sum_of<0, n>(block, xb, t);
      unroll<R>(GOMLX_EACH(r) { unroll<M>(GOMLX_EACH(i) { acc[r][i] += t[r][i]; }); });
    } else if constexpr (!halves) {
      sum_of<0, n>(block, xb, t);
      unroll<R>(GOMLX_EACH(r) {
        vf s = groups.template of<last>(job.scale_type, scales[r], b);
        unroll<M>(GOMLX_EACH(i) { acc[r][i] += t[r][i] * s; });
      });
    } else {
      vf s[R][2];
      unroll<R>(GOMLX_EACH(r) { groups.template of_halves<last>(job.scale_type, scales[r], b, s[r]); });
      unroll<2>(GOMLX_EACH(h) {
        sum_of<h * n / 2, (h + 1) * n / 2>(block, xb, t);
        unroll<R>(GOMLX_EACH(r) { unroll<M>(GOMLX_EACH(i) { acc[r][i] += t[r][i] * s[r][h]; }); });
      });
    }
  }

  GOMLX_INLINE void run() {
    if constexpr (C::biased) add_biases();
    int64_t whole = job.k / block_size<C>;
    for (int64_t b = 0; b < whole; b++) add_block<false>(b);
    if (whole * block_size<C> < job.k) add_block<true>(whole);
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
