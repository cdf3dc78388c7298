// RMS norm of rows, with a residual added first where there is one.
#pragma once

#include "parts.h"
#include "numbers.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// square_sum adds x and plus up into sum, if they are there, and returns the sum of squares.
template <class T> float square_sum(const T* x, const T* plus, T* sum_of, int64_t d) {
  vf squares = {};
  for (int64_t i = 0; i < d; i += W) {
    vf v = load(x + i, d - i);
    if (plus) {
      v = rounded<T>(v + load(plus + i, d - i));
      store(sum_of + i, v, d - i);
    }
    squares += v * v;
  }
  return sum(squares);
}

template <class T> void norm_row(const T* x, const T* plus, const T* weight, T* sum_of, T* y, int64_t d, float eps) {
  float r = 1 / __builtin_sqrtf(square_sum(x, plus, sum_of, d) / float(d) + eps);
  if (plus) x = sum_of;
  for (int64_t i = 0; i < d; i += W) {
    vf v = rounded<T>(load(x + i, d - i) * r);
    if (weight) v *= load(weight + i, d - i);
    store(y + i, v, d - i);
  }
}

template <class T> void norm_rows(const RmsNorm& a, Span rows) {
  for (int64_t i = rows.from; i < rows.to; i++) {
    const T* plus = a.plus.data ? (const T*)a.plus.data + i * a.plus.stride : nullptr;
    norm_row((const T*)a.x.data + i * a.x.stride, plus, (const T*)a.weight, (T*)a.sum + i * a.d, (T*)a.y + i * a.d, a.d, a.eps);
  }
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
