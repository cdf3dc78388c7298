// Attention of many queries: blocks of queries against tiles of keys, with a running
// softmax (Dao et al., 2022, https://arxiv.org/abs/2205.14135).
#pragma once

#include "scores.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

constexpr int64_t tile = 64; // keys

// product is R rows and C vectors of c = a b, or c += a b.
template <int R, int C> void product(const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t k, bool add) {
  vf acc[R][C] = {};
  for (int64_t i = 0; i < k; i++) {
    vf x[C];
    for (int j = 0; j < C; j++) x[j] = load(b + i * ldb + j * W);
    for (int r = 0; r < R; r++) {
      vf y = all(a[r * lda + i]);
      for (int j = 0; j < C; j++) acc[r][j] += y * x[j];
    }
  }
  for (int r = 0; r < R; r++)
    for (int j = 0; j < C; j++) {
      float* at = c + r * ldc + j * W;
      store(at, add ? load(at) + acc[r][j] : acc[r][j]);
    }
}

template <int R> void rows_product(const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t n, int64_t k, bool add) {
  int64_t j = 0;
  for (; j + 2 * W <= n; j += 2 * W) product<R, 2>(a, lda, b + j, ldb, c + j, ldc, k, add);
  if (j < n) product<R, 1>(a, lda, b + j, ldb, c + j, ldc, k, add);
}

// multiply is c = a b, or c += a b, of a [m, k] and b [k, n], n whole vectors.
inline void multiply(const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t m, int64_t n, int64_t k, bool add) {
  int64_t i = 0;
  for (; i + 6 <= m; i += 6) rows_product<6>(a + i * lda, lda, b, ldb, c + i * ldc, ldc, n, k, add);
  for (; i + 2 <= m; i += 2) rows_product<2>(a + i * lda, lda, b, ldb, c + i * ldc, ldc, n, k, add);
  if (i < m) rows_product<1>(a + i * lda, lda, b, ldb, c + i * ldc, ldc, n, k, add);
}

// take_rows copies rows of a store, whole vectors.
template <class Reader> void take_rows(const Reader& from, Span keys, int64_t d, float* to) {
  for (int64_t t = keys.from; t < keys.to; t++, to += whole(d)) {
    auto row = from.row(t);
    for (int64_t i = 0; i < d; i += W) store(to + i, row.at(i, d));
  }
}

// transpose turns rows [tile, width] into [width, tile], 4 by 4.
inline void transpose(const float* x, int64_t width, float* y) {
  for (int64_t t = 0; t < tile; t += 4)
    for (int64_t i = 0; i < width; i += 4) {
      v4 r[4];
      for (int j = 0; j < 4; j++) std::memcpy(&r[j], x + (t + j) * width + i, sizeof r[j]);
      v4 a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5), b = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
      v4 c = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5), d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
      v4 out[4] = {__builtin_shufflevector(a, c, 0, 1, 4, 5), __builtin_shufflevector(a, c, 2, 3, 6, 7),
                   __builtin_shufflevector(b, d, 0, 1, 4, 5), __builtin_shufflevector(b, d, 2, 3, 6, 7)};
      for (int j = 0; j < 4; j++) std::memcpy(y + (i + j) * tile + t, &out[j], sizeof out[j]);
    }
}

template <class Reader> void many_block(const Attend& a, const Block& p) {
  int64_t group = a.heads / a.kv_heads, rows = (p.queries.to - p.queries.from) * group;
  int64_t width = whole(a.d), values = whole(a.value_d);
  Scratch memory(Scratch::floats({rows * width, rows * values, rows * tile, tile * (width > values ? width : values), width * tile, 2 * rows}));
  float *q = memory.take(rows * width), *o = memory.take(rows * values), *s = memory.take(rows * tile);
  float *x = memory.take(tile * (width > values ? width : values)), *turned = memory.take(width * tile);
  Sum* sums = (Sum*)memory.take(2 * rows);
  take_queries(a, p.b, p.kv_head * group, group, p.queries, q);
  std::memset(o, 0, rows * values * sizeof *o);
  for (int64_t r = 0; r < rows; r++) sums[r] = {};
  Reader k(a.k, p.b, p.kv_head);
  Reader v(a.v, p.b, p.kv_head);
  int64_t end = sees(a, p.queries.to - 1).to;
  for (int64_t t = sees(a, p.queries.from).from / tile * tile; t < end; t += tile) {
    Span keys = {t, t + tile < end ? t + tile : end};
    int64_t n = keys.to - keys.from;
    if (n < tile) std::memset(x, 0, tile * width * sizeof *x);
    take_rows(k, keys, a.d, x);
    transpose(x, width, turned);
    multiply(q, width, turned, tile, s, tile, rows, tile, width, false);
    for (int64_t r = 0; r < rows; r++) {
      int64_t query = p.queries.from + r / group;
      if (a.softcap != 0) cap(s + r * tile, n, a.softcap);
      Span open = sees(a, query);
      if (a.seen || keys.from < open.from || keys.to > open.to) hide(a, p.b, query, keys.from, n, s + r * tile);
      if (float factor = weigh(s + r * tile, n, sums[r]); factor != 1)
        for (int64_t i = 0; i < values; i += W) store(o + r * values + i, load(o + r * values + i) * factor);
    }
    take_rows(v, keys, a.value_d, x);
    multiply(s, tile, x, values, o, values, rows, values, n, true);
  }
  for (int64_t r = 0; r < rows; r++)
    bring_out(a, o + r * values, sums[r], p.b, p.kv_head * group + r % group, p.queries.from + r / group);
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
