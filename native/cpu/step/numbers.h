// Numbers of either type in vectors, and functions of them.
#pragma once

#include "../isa/vec.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

struct bf16 {
  uint16_t bits;
};
struct f16 {
  uint16_t bits;
};

GOMLX_INLINE float widen(float x) { return x; }
GOMLX_INLINE float widen(bf16 x) { return from_bf16(x.bits); }
GOMLX_INLINE float widen(f16 x) { return from_f16(x.bits); }

GOMLX_INLINE void narrow(float x, float& y) { y = x; }
GOMLX_INLINE void narrow(float x, bf16& y) { y.bits = to_bf16(x); }
GOMLX_INLINE void narrow(float x, f16& y) { y.bits = to_f16(x); }

GOMLX_INLINE vf load(const bf16* p) { return load_bf16(p); }
GOMLX_INLINE vf load(const f16* p) { return load_f16(p); }

GOMLX_INLINE void store(bf16* p, vf x) {
  typedef uint16_t halves __attribute__((vector_size(2 * W)));
  vu u = bits(x), even = (u + 0x7fff + (u >> 16 & 1)) >> 16, quiet = u >> 16 | 64;
  halves h = __builtin_convertvector((u & 0x7fffffff) > 0x7f800000 ? quiet : even, halves);
  std::memcpy(p, &h, sizeof h);
}

GOMLX_INLINE void store(f16* p, vf x) {
#if defined(GOMLX_AVX512)
  __m256i h = _mm512_cvtps_ph(reinterpret_cast<__m512>(x), _MM_FROUND_TO_NEAREST_INT);
  std::memcpy(p, &h, sizeof h);
#elif defined(GOMLX_AVX2)
  __m128i h = _mm256_cvtps_ph(reinterpret_cast<__m256>(x), _MM_FROUND_TO_NEAREST_INT);
  std::memcpy(p, &h, sizeof h);
#elif defined(GOMLX_NEON)
  float16x4_t h = vcvt_f16_f32(reinterpret_cast<float32x4_t>(x));
  std::memcpy(p, &h, sizeof h);
#else
  for (int i = 0; i < W; i++) narrow(x[i], p[i]);
#endif
}

// load and store of the first n numbers only; the others are 0.
template <class T>
GOMLX_INLINE vf load(const T* p, int64_t n) {
  if (n >= W) return load(p);
  T part[W] = {};
  std::memcpy(part, p, n * sizeof(T));
  return load(part);
}
template <class T>
GOMLX_INLINE void store(T* p, vf x, int64_t n) {
  if (n >= W) return store(p, x);
  T part[W];
  store(part, x);
  std::memcpy(p, part, n * sizeof(T));
}

// rounded is x as a T has it.
template <class T>
GOMLX_INLINE vf rounded(vf x) {
  T y[W];
  store(y, x);
  return load(y);
}
template <>
GOMLX_INLINE vf rounded<float>(vf x) {
  return x;
}

// rounded_once keeps x from becoming part of a multiply-add.
template <class V> GOMLX_INLINE V rounded_once(V x) {
  asm("" : "+m"(x));
  return x;
}

GOMLX_INLINE vf greater(vf a, vf b) { return a > b ? a : b; }
GOMLX_INLINE vf lesser(vf a, vf b) { return a < b ? a : b; }

GOMLX_INLINE float greatest(vf x) {
  float most = x[0];
  for (int i = 1; i < W; i++) most = x[i] > most ? x[i] : most;
  return most;
}

// exponential is e^x within 2 units of the last place: 0 below -87.3, and at most e^88.
GOMLX_INLINE vf exponential(vf x) {
  vf y = lesser(greater(x, all(-87.3f)), all(88.f));
  vf n = (y * 1.44269504f + 0x1.8p23f) - 0x1.8p23f;
  vf r = (y - n * 0.693145752f) - n * 1.42860677e-6f;
  vf p = all(1.98412698e-4f);
  p = p * r + 1.38888889e-3f;
  p = p * r + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = p * (r * r) + r + 1.f;
  vu power = reinterpret_cast<vu>(__builtin_convertvector(n, vi) + 127) << 23;
  return x < -87.3f ? vf{} : p * floats(power);
}

GOMLX_INLINE vf sigmoid(vf x) { return 1.f / (1.f + exponential(-x)); }
GOMLX_INLINE vf tanh(vf x) { return 1.f - 2.f / (1.f + exponential(x + x)); }

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
