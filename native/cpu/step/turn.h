// Rope of heads by sines and cosines that are there.
#pragma once

#include "parts.h"
#include "numbers.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// turn_halves turns pairs that are half of dims apart.
template <class T> void turn_halves(const T* x, const float* cos, const float* sin, T* y, int64_t dims) {
  int64_t half = dims / 2;
  for (int64_t i = 0; i < half; i += W) {
    int64_t n = half - i;
    vf a = load(x + i, n), b = load(x + half + i, n);
    store(y + i, a * load(cos + i, n) + b * load(sin + i, n), n);
    store(y + half + i, b * load(cos + half + i, n) + a * load(sin + half + i, n), n);
  }
}

// turn_neighbours turns pairs that stand side by side.
template <class T> void turn_neighbours(const T* x, const float* cos, const float* sin, T* y, int64_t dims) {
  for (int64_t i = 0; i < dims; i += 2) {
    float a = widen(x[i]), b = widen(x[i + 1]);
    narrow(a * cos[i] + b * sin[i], y[i]);
    narrow(b * cos[i + 1] + a * sin[i + 1], y[i + 1]);
  }
}

// turn_rows turns rows [b, h, l].
template <class T> void turn_rows(const Turn& a, Span rows) {
  for (int64_t r = rows.from; r < rows.to; r++) {
    int64_t l = r % a.l, h = r / a.l % a.h, b = r / a.l / a.h;
    const T* x = (const T*)a.x.data + b * a.x.batch + h * a.x.head + l * a.x.token;
    int64_t at = b * a.angles.batch + l * a.angles.token;
    T* y = (T*)a.y + r * a.d;
    if (a.neighbours)
      turn_neighbours(x, a.angles.cos + at, a.angles.sin + at, y, a.dims);
    else
      turn_halves(x, a.angles.cos + at, a.angles.sin + at, y, a.dims);
    std::memcpy(y + a.dims, x + a.dims, (a.d - a.dims) * sizeof(T));
  }
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
