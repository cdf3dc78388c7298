// Keys and values as they are kept: readers of each form, and how tokens are written.
#pragma once

#include "parts.h"
#include "numbers.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// as calls f with a number of the type.
template <class F> auto as(Type type, F f) {
  switch (type) {
    case Type::bf16: return f(bf16{});
    case Type::f16: return f(f16{});
    default: return f(float{});
  }
}

// Plain reads numbers of type T, in rows that may end within a vector unless they are whole.
template <class T, bool whole = false> struct Plain {
  struct Row {
    const T* p;
    vf at(int64_t i, int64_t n) const { return whole ? load(p + i) : load(p + i, n - i); }
  };
  Plain(const Store& s, int64_t b, int64_t h) : base((const T*)s.data + b * s.batch + h * s.head), token(s.token) {}
  Row row(int64_t t) const { return {base + t * token}; }

  const T* base;
  int64_t token;
};

// Affine8 reads bytes with a scale and a bias for each group, of type T.
template <class T> struct Affine8 {
  struct Row {
    const uint8_t* p;
    const T *scales, *biases;
    int shift; // of a place to its group's
    vf at(int64_t i, int64_t) const { // groups are no narrower than a vector
      return number(load_bytes(p + i)) * widen(scales[i >> shift]) + widen(biases[i >> shift]);
    }
  };
  Affine8(const Store& s, int64_t b, int64_t h)
      : base((const uint8_t*)s.data + 4 * (b * s.batch + h * s.head)), token(4 * s.token),
        scales((const T*)s.scales + b * s.scales_batch + h * s.scales_head),
        biases((const T*)s.biases + b * s.scales_batch + h * s.scales_head), scales_token(s.scales_token), shift(__builtin_ctz(unsigned(s.group))) {}
  Row row(int64_t t) const {
    return {base + t * token, scales + t * scales_token, biases + t * scales_token, shift};
  }

  const uint8_t* base;
  int64_t token;
  const T *scales, *biases;
  int64_t scales_token;
  int shift;
};

// pack writes a group of n numbers as mlx.core.quantize does: the end of the range that is
// farther from 0 is met exactly.
template <class T> void pack(const float* x, int n, uint8_t* q, T* scale_of, T* bias_of) {
  constexpr float bins = 255;
  float least = x[0], most = x[0];
  for (int i = 1; i < n; i++) {
    least = x[i] < least ? x[i] : least;
    most = x[i] > most ? x[i] : most;
  }
  bool below = __builtin_fabsf(least) > __builtin_fabsf(most);
  float scale = (most - least) / bins, edge = below ? least : most;
  scale = scale > 1e-7f ? scale : 1e-7f;
  if (!below) scale = -scale;
  float steps = __builtin_rintf(edge / scale);
  if (steps != 0) scale = edge / steps;
  float bias = steps != 0 ? edge : 0;
  for (int i = 0; i < n; i++) {
    float v = __builtin_rintf((x[i] - bias) / scale);
    q[i] = uint8_t(v > 0 ? v < bins ? v : bins : 0);
  }
  narrow(scale, *scale_of);
  narrow(bias, *bias_of);
}

// put writes a row of d numbers, of type X, to a place in a store of type T.
template <class X, class T> void put(const X* x, const Store& to, int64_t b, int64_t h, int64_t t, int64_t d) {
  int64_t at = b * to.batch + h * to.head + t * to.token;
  if (to.bits == 0) {
    for (int64_t i = 0; i < d; i += W) store((T*)to.data + at + i, load(x + i, d - i), d - i);
    return;
  }
  int64_t scales = b * to.scales_batch + h * to.scales_head + t * to.scales_token;
  for (int64_t i = 0; i < d; i += to.group) {
    float part[128]; // the largest group
    for (int j = 0; j < to.group; j++) part[j] = widen(x[i + j]);
    int64_t g = scales + i / to.group;
    pack(part, to.group, (uint8_t*)to.data + 4 * at + i, (T*)to.scales + g, (T*)to.biases + g);
  }
}

// put_rows writes rows [b, h, l].
template <class X, class T> void put_rows(const Write& a, Span rows) {
  for (int64_t r = rows.from; r < rows.to; r++) {
    int64_t l = r % a.l, h = r / a.l % a.h, b = r / a.l / a.h;
    put<X, T>((const X*)a.x.data + b * a.x.batch + h * a.x.head + l * a.x.token, a.to, b, h, a.at + l, a.d);
  }
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
