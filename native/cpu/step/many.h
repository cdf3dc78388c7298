// Attention of many queries: blocks of queries against tiles of keys, with a running
// softmax (Dao et al., 2022, https://arxiv.org/abs/2205.14135).
#pragma once

#include "../isa/transpose.h"
#include "scores.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

constexpr int64_t tile = 64; // keys

// product is R rows and C vectors of c = a b, or c += a b.
template <int R, int C> [[gnu::noinline]] void product(const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t k, bool add) {
  vf acc[R][C];
  GOMLX_UNROLL for (int r = 0; r < R; r++)
    GOMLX_UNROLL for (int j = 0; j < C; j++) acc[r][j] = vf{};
  for (int64_t i = 0; i < k; i++) {
    vf x[C];
    GOMLX_UNROLL for (int j = 0; j < C; j++) x[j] = load(b + i * ldb + j * W);
    GOMLX_UNROLL for (int r = 0; r < R; r++) {
      vf y = all(a[r * lda + i]);
      GOMLX_UNROLL for (int j = 0; j < C; j++) acc[r][j] += y * x[j];
    }
  }
  GOMLX_UNROLL for (int r = 0; r < R; r++)
    GOMLX_UNROLL for (int j = 0; j < C; j++) {
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
  for (; m >= 6; m -= 6, a += 6 * lda, c += 6 * ldc) rows_product<6>(a, lda, b, ldb, c, ldc, n, k, add);
  if (m >= 3) rows_product<3>(a, lda, b, ldb, c, ldc, n, k, add), m -= 3, a += 3 * lda, c += 3 * ldc;
  if (m == 2) rows_product<2>(a, lda, b, ldb, c, ldc, n, k, add);
  if (m == 1) rows_product<1>(a, lda, b, ldb, c, ldc, n, k, add);
}

// Floats is rows of keys or values.
struct Floats {
  const float* data;
  int64_t stride;
};

// floats_of is rows of a store in whole vectors, and as many of them as a multiple of `by`:
// where they lie, or a copy.
template <class Reader> Floats floats_of(const Reader& from, Span keys, int64_t d, int64_t by, float* copy) {
  int64_t n = keys.to - keys.from, width = whole(d);
  if constexpr (std::is_same_v<Reader, Plain<float>>)
    if (d == width && n % by == 0) return {from.row(keys.from).p, from.token};
  float* to = copy;
  for (int64_t t = keys.from; t < keys.to; t++, to += width) {
    auto row = from.row(t);
    for (int64_t i = 0; i < d; i += W) store(to + i, row.at(i, d));
  }
  if (n % by != 0) std::memset(to, 0, (by - n % by) * width * sizeof *to);
  return {copy, width};
}

// transpose turns n rows of that width, 4 by 4, into the columns of y [width, tile].
inline void transpose(Floats x, int64_t n, int64_t width, float* y) {
  for (int64_t t = 0; t < n; t += 4)
    for (int64_t i = 0; i < width; i += 4) {
      v4 r[4];
      for (int j = 0; j < 4; j++) std::memcpy(&r[j], x.data + (t + j) * x.stride + i, sizeof r[j]);
      turn_squares(r);
      for (int j = 0; j < 4; j++) std::memcpy(y + (i + j) * tile + t, &r[j], sizeof r[j]);
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
    transpose(floats_of(k, keys, a.d, W, x), whole(n), width, turned);
    multiply(q, width, turned, tile, s, tile, rows, whole(n), width, false);
    for (int64_t r = 0; r < rows; r++) {
      int64_t query = p.queries.from + r / group;
      if (a.softcap != 0) cap(s + r * tile, n, a.softcap);
      Span open = sees(a, query);
      if (a.seen || keys.from < open.from || keys.to > open.to) hide(a, p.b, query, keys.from, n, s + r * tile);
      if (float factor = weigh(s + r * tile, n, sums[r]); factor != 1)
        for (int64_t i = 0; i < values; i += W) store(o + r * values + i, load(o + r * values + i) * factor);
    }
    Floats mixed = floats_of(v, keys, a.value_d, 1, x);
    multiply(s, tile, mixed.data, mixed.stride, o, values, rows, values, n, true);
  }
  for (int64_t r = 0; r < rows; r++)
    bring_out(a, o + r * values, sums[r], p.b, p.kv_head * group + r % group, p.queries.from + r / group);
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
