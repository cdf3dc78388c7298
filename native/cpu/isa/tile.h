// Products for many activations: a tile of W is decoded once into memory that
// the second cache holds, in the order of the prepared activations and with its
// biases behind it, and a plain matrix product runs over the two. Both are read
// along k, so neither is packed: a register tile has R rows of W and M of x,
// and its sums are folded once for every chunk of k.
#pragma once

#include "prepare.h"
#include "scales.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// What the registers hold: R * M sums, R vectors of W and one of x.
constexpr int tile_rows = W == 8 ? 3 : 6, tile_columns = 4;
// Floats of k at a time: M rows of x of this length stay in the first cache.
constexpr int64_t chunk = 1024;

// Blocks of one run, times their scales.
template <bool whole, class C, bool halves>
GOMLX_INLINE void decode_run(const Rows& job, int64_t row, const Groups<C, halves>& groups, int64_t from, int64_t to,
                             float* out) {
  constexpr int n = C::per_lane, parts = halves ? 2 : 1;
  vf s[parts];
  groups.template load<whole>(job.scale_type, job.scales + row * job.scale_stride, from, s);
  for (int64_t b = from; b < to; b++) {
    typename C::Block block = C::fetch(job.w + row * job.w_stride + b * C::block_bytes);
    vu index = groups.index(b - from);
    unroll<n>(GOMLX_EACH(i) {
      constexpr int h = i / (n / parts);
      vf lane_scales = halves ? s[h] : spread(s[h], index);
      store(out + b * block_size<C> + i * W, C::template value<i>(block) * lane_scales);
    });
  }
}

template <class C>
GOMLX_INLINE void decode_dense(const uint8_t* w, int64_t size, float* out) {
  auto decode = [&](const uint8_t* p) __attribute__((always_inline)) {
    typename C::Block block = C::fetch(p);
    unroll<C::per_lane>(GOMLX_EACH(i) { store(out + i * W, C::template value<i>(block)); });
    out += block_size<C>;
  };
  for (; size >= C::block_bytes; size -= C::block_bytes, w += C::block_bytes) decode(w);
  if (size == 0) return;
  uint8_t copy[C::block_bytes] = {};
  std::memcpy(copy, w, size_t(size));
  decode(copy);
}

// One row of W as a prepared row of activations is: values, then biases.
template <class C, bool halves>
void decode_row(const Rows& job, int64_t row, float* out) {
  if constexpr (!C::scaled) return decode_dense<C>(job.w + row * job.w_stride, job.w_stride, out);
  Groups<C, halves> groups(job.group, job.k);
  const int64_t blocks = ordered<C>(job.k) / block_size<C>, step = groups.run();
  int64_t b = 0;
  for (; b + step <= job.k / block_size<C>; b += step) decode_run<true>(job, row, groups, b, b + step, out);
  if (b < blocks) decode_run<false>(job, row, groups, b, blocks, out);
  if constexpr (C::biased) {
    int64_t count = job.k / job.group;
    out += ordered<C>(job.k);
    for (int64_t g = 0; g < count; g += W) {
      vf b = load_scales(job.scale_type, job.biases + row * job.scale_stride, g);
      store(out + g, floats(bits(b) & first(count - g)));
    }
  }
}

// sums[r][i] += a[r] · x[i] over n floats.
template <int R, int M>
[[gnu::noinline]] void register_tile(const float* a, int64_t a_stride, const float* const* x, int64_t at, int64_t n,
                                     float* sums_at, int64_t sums_stride) {
  vf acc[R][M];
  const float *row[R], *column[M];
  GOMLX_UNROLL for (int r = 0; r < R; r++) {
    row[r] = a + r * a_stride + at;
    GOMLX_UNROLL for (int i = 0; i < M; i++) acc[r][i] = vf{};
  }
  GOMLX_UNROLL for (int i = 0; i < M; i++) column[i] = x[i] + at;
  for (int64_t k = 0; k < n; k += W) {
    vf v[R];
    GOMLX_UNROLL for (int r = 0; r < R; r++) v[r] = load(row[r] + k);
    GOMLX_UNROLL for (int i = 0; i < M; i++) {
      vf u = load(column[i] + k);
      GOMLX_UNROLL for (int r = 0; r < R; r++) acc[r][i] += v[r] * u;
    }
  }
  GOMLX_UNROLL for (int r = 0; r < R; r++) {
    float* out = sums_at + r * sums_stride;
    if constexpr (M == 4) {
      v4 s = sums(acc[r][0], acc[r][1], acc[r][2], acc[r][3]) + load_as<v4>(out);
      __builtin_memcpy(out, &s, sizeof s);
    } else {
      for (int i = 0; i < M; i++) out[i] += sum(acc[r][i]);
    }
  }
}

template <int M>
void column_tile(const float* a, int64_t rows, int64_t length, const float* const* x, int64_t at, int64_t n,
                 float* sums_at, int64_t sums_stride) {
  int64_t r = 0;
  for (; r + tile_rows <= rows; r += tile_rows)
    register_tile<tile_rows, M>(a + r * length, length, x, at, n, sums_at + r * sums_stride, sums_stride);
  for (; r < rows; r++) register_tile<1, M>(a + r * length, length, x, at, n, sums_at + r * sums_stride, sums_stride);
}

template <class C, bool halves>
void run_tile(const Rows& job, int64_t from, int64_t to, float* scratch) {
  const int64_t rows = to - from, length = prepared<C>(job.k, job.group), count = job.count;
  float* sums_at = scratch + rows * length;
  for (int64_t r = 0; r < rows; r++) decode_row<C, halves>(job, from + r, scratch + r * length);
  std::memset(sums_at, 0, size_t(rows * count) * sizeof(float));
  for (int64_t at = 0; at < length; at += chunk) {
    int64_t n = length - at < chunk ? length - at : chunk, m = 0;
    for (; m + tile_columns <= count; m += tile_columns)
      column_tile<tile_columns>(scratch, rows, length, job.x + m, at, n, sums_at + m, count);
    switch (count - m) {  // each reads the whole tile
      case 3: column_tile<3>(scratch, rows, length, job.x + m, at, n, sums_at + m, count); break;
      case 2: column_tile<2>(scratch, rows, length, job.x + m, at, n, sums_at + m, count); break;
      case 1: column_tile<1>(scratch, rows, length, job.x + m, at, n, sums_at + m, count); break;
    }
  }
  for (int64_t m = 0; m < count; m++)
    for (int64_t r = 0; r < rows; r++) cpu::store(job.y[m], job.y_type, job.y_from + from + r, sums_at[r * count + m]);
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
