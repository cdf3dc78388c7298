// Gated activations in one pass.
#pragma once

#include "parts.h"
#include "numbers.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

struct Silu {
  explicit Silu(const Gated&) {}
  vf operator()(vf gate, vf up) const { return gate * sigmoid(gate) * up; }
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
