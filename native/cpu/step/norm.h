// RMS norm of rows, with a residual added first where there is one. The squares of a row are
// added one after the other, each step rounded, as MLX 0.32.2 does (mlx/fast.cpp and
// mlx/backend/cpu/reduce.cpp): its numbers to the last bit. Up to eight rows go side
// by side, so that an addition need not wait for the one before.
#pragma once

#include "../isa/transpose.h"
#include "parts.h"
#include "numbers.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// four is p[0] to p[3].
template <class T> GOMLX_INLINE v4 four(const T* p) { return v4{widen(p[0]), widen(p[1]), widen(p[2]), widen(p[3])}; }
GOMLX_INLINE v4 four(const float* p) { return load_as<v4>(p); }

template <class T> float square_sum(const T* x, int64_t d) {
  float sum = 0;
  for (int64_t i = 0; i < d; i += W) {
    vf v = load(x + i, d - i), squares = rounded_once(v * v);
    GOMLX_UNROLL for (int j = 0; j < W; j++) sum += squares[j];
  }
  return sum;
}

// square_sums are those of n times four rows.
template <int n, class T> void square_sums(const T* const* x, int64_t d, float* sums) {
  v4 sum[n];
  GOMLX_UNROLL for (int g = 0; g < n; g++) sum[g] = v4{};
  int64_t i = 0;
  for (; i + 4 <= d; i += 4)
    GOMLX_UNROLL for (int g = 0; g < n; g++) {
      v4 r[4];
      GOMLX_UNROLL for (int j = 0; j < 4; j++) r[j] = four(x[4 * g + j] + i);
      GOMLX_UNROLL for (int j = 0; j < 4; j++) r[j] *= r[j];
      turn_squares(r);
      GOMLX_UNROLL for (int j = 0; j < 4; j++) sum[g] += r[j];
    }
  std::memcpy(sums, sum, sizeof sum);
  for (; i < d; i++)
    for (int j = 0; j < 4 * n; j++) sums[j] += rounded_once(widen(x[j][i]) * widen(x[j][i]));
}

// row_of is a row to norm: x, or its sum with the residual.
template <class T> const T* row_of(const RmsNorm& a, int64_t row) {
  auto x = (const T*)a.x.data + row * a.x.stride;
  if (!a.plus.data) return x;
  auto plus = (const T*)a.plus.data + row * a.plus.stride;
  T* sum = (T*)a.sum + row * a.d;
  for (int64_t i = 0; i < a.d; i += W) store(sum + i, load(x + i, a.d - i) + load(plus + i, a.d - i), a.d - i);
  return sum;
}

// scale_row writes the norm of x, of which the squares have that sum.
template <class T> void scale_row(const RmsNorm& a, const T* x, float squares, T* y) {
  float mean = rounded_once(squares * float(1 / double(a.d)));
  float r = 1 / __builtin_sqrtf(mean + a.eps);
  auto weight = (const T*)a.weight;
  for (int64_t i = 0; i < a.d; i += W) {
    vf v = rounded<T>(load(x + i, a.d - i) * r);
    if (weight) v *= load(weight + i, a.d - i);
    store(y + i, v, a.d - i);
  }
}

// norm_some norms n rows from one on.
template <int n, class T> void norm_some(const RmsNorm& a, int64_t from) {
  const T* x[n];
  float squares[n];
  for (int j = 0; j < n; j++) x[j] = row_of<T>(a, from + j);
  if constexpr (n == 1)
    squares[0] = square_sum(x[0], a.d);
  else
    square_sums<n / 4>(x, a.d, squares);
  for (int j = 0; j < n; j++) scale_row(a, x[j], squares[j], (T*)a.y + (from + j) * a.d);
}

template <class T> void norm_rows(const RmsNorm& a, Span rows) {
  int64_t i = rows.from;
  for (; i + 8 <= rows.to; i += 8) norm_some<8, T>(a, i);
  for (; i + 4 <= rows.to; i += 4) norm_some<4, T>(a, i);
  for (; i < rows.to; i++) norm_some<1, T>(a, i);
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
