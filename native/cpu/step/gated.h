// Gated activations in one pass.
#pragma once

#include "parts.h"
#include "numbers.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// exponential_of_size is e^|x| by MLX's steps (mlx/backend/cpu/simd/math.h).
GOMLX_INLINE vf exponential_of_size(vf x) {
  vf size = floats(bits(x) & 0x7fffffff), y = rounded_once(lesser(size, all(88.f)) * 1.442695f);
  vi whole = __builtin_convertvector(y + 0.5f, vi);
  vf r = y - __builtin_convertvector(whole, vf);
  vf p = all(1.535336188319500e-4f);
  p = p * r + 1.339887440266574e-3f;
  p = p * r + 9.618437357674640e-3f;
  p = p * r + 5.550332471162809e-2f;
  p = p * r + 2.402264791363012e-1f;
  p = p * r + 6.931472028550421e-1f;
  p = p * r + 1.f;
  p *= reinterpret_cast<vf>((whole + 127) << 23);
  return size > 88.f ? all(__builtin_inff()) : size == size ? p : x;
}

// logistic is 1 / (1 + e^-x) by MLX's steps (mlx/backend/cpu/unary_ops.h): where there are
// multiply-adds, its numbers to the last bit, so that whole sequences are as near to the
// references as MLX is.
GOMLX_INLINE vf logistic(vf x) {
  vf y = 1.f / (1.f + exponential_of_size(x));
  return x < 0.f ? y : 1.f - y;
}

struct Silu {
  explicit Silu(const Gated&) {}
  vf operator()(vf gate, vf up) const { return gate * logistic(gate) * up; }
};

// gelu(x) = x/2 (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3).
struct Gelu {
  explicit Gelu(const Gated&) {}
  vf operator()(vf gate, vf up) const {
    vf u = 0.7978845608f * (gate + 0.044715f * gate * gate * gate);
    return gate * sigmoid(u + u) * up;
  }
};

struct SiluOai {
  explicit SiluOai(const Gated& a) : alpha(a.alpha), limit(a.limit) {}
  vf operator()(vf gate, vf up) const {
    vf g = lesser(gate, all(limit));
    return (1.f + lesser(greater(up, all(-limit)), all(limit))) * (g * sigmoid(alpha * g));
  }
  float alpha, limit;
};

template <class T, class F> void gated_row(const F& f, const T* gate, const T* up, T* y, int64_t d) {
  for (int64_t i = 0; i < d; i += W) store(y + i, f(load(gate + i, d - i), load(up + i, d - i)), d - i);
}

template <class T, class F> void gated_rows(const Gated& a, Span rows) {
  F f(a);
  for (int64_t i = rows.from; i < rows.to; i++)
    gated_row(f, (const T*)a.gate.data + i * a.gate.stride, (const T*)a.up.data + i * a.up.stride, (T*)a.y + i * a.d, a.d);
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
