// Vectors of floats as wide as the instruction set that a file is compiled for.
// Compilers' vector extensions do most of it; intrinsics stand where they do badly.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef GOMLX_ISA
#error "GOMLX_ISA names the instruction set that the file is compiled for"
#endif

namespace gomlx::cpu::GOMLX_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int W = 16;
#elif defined(__AVX2__)
constexpr int W = 8;
#else
constexpr int W = 4;
#endif

typedef float vf __attribute__((vector_size(4 * W)));
typedef int32_t vi __attribute__((vector_size(4 * W)));
typedef uint32_t vu __attribute__((vector_size(4 * W)));
typedef uint16_t vh __attribute__((vector_size(2 * W)));
typedef uint8_t vb __attribute__((vector_size(W)));
typedef float v4 __attribute__((vector_size(16)));

struct bf16 { uint16_t bits; };
struct f16 { uint16_t bits; };

inline vf all(float x) { return x - vf{}; }

template <class To, class From> inline To bits(From x) {
  static_assert(sizeof(To) == sizeof(From));
  To y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}

inline float widen(float x) { return x; }
inline float widen(bf16 x) { return bits<float>(uint32_t(x.bits) << 16); }

// f16 by the exponent: shifted to its place it is 112 too small, which a product mends
// for subnormal numbers too.
inline float widen(f16 x) {
  uint32_t magnitude = uint32_t(x.bits & 0x7fff) << 13, sign = uint32_t(x.bits & 0x8000) << 16;
  if (magnitude >= 0x0f800000) // infinite, or no number
    return bits<float>(magnitude | 0x70000000 | sign);
  return bits<float>(bits<uint32_t>(bits<float>(magnitude) * 0x1p112f) | sign);
}

inline void narrow(float x, float& y) { y = x; }
inline void narrow(float x, bf16& y) {
  uint32_t u = bits<uint32_t>(x);
  y.bits = (u & 0x7fffffff) > 0x7f800000 ? uint16_t(u >> 16 | 64) : uint16_t((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
inline void narrow(float x, f16& y) {
  uint32_t u = bits<uint32_t>(x), sign = u >> 16 & 0x8000;
  u &= 0x7fffffff;
  if (u > 0x7f800000) {
    y.bits = uint16_t(sign | 0x7e00);
  } else if (u >= 0x477ff000) { // rounds beyond the largest
    y.bits = uint16_t(sign | 0x7c00);
  } else if (u < 0x38800000) { // subnormal: the sum rounds at its last place
    y.bits = uint16_t(sign | (bits<uint32_t>(bits<float>(u) + 0.5f) - 0x3f000000));
  } else {
    y.bits = uint16_t(sign | ((u - 0x38000000 + 0xfff + (u >> 13 & 1)) >> 13));
  }
}

// rounded is x as a T has it.
template <class T> inline float rounded(float x) {
  T y;
  narrow(x, y);
  return widen(y);
}

inline vf load(const float* p) {
  vf x;
  std::memcpy(&x, p, sizeof x);
  return x;
}

inline vf load(const bf16* p) {
  vh h;
  std::memcpy(&h, p, sizeof h);
  return bits<vf>(__builtin_convertvector(h, vu) << 16);
}

inline vf load(const f16* p) {
#if defined(__AVX512F__)
  return (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p));
#elif defined(__F16C__) && defined(__AVX2__)
  return (vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p));
#elif defined(__aarch64__)
  return (vf)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(&p->bits)));
#else
  vf x;
  for (int i = 0; i < W; i++) x[i] = widen(p[i]);
  return x;
#endif
}

inline void store(float* p, vf x) { std::memcpy(p, &x, sizeof x); }

inline void store(bf16* p, vf x) {
  vu u = bits<vu>(x);
  vu even = (u + 0x7fff + ((u >> 16) & 1)) >> 16, quiet = (u >> 16) | 64;
  vh h = __builtin_convertvector((u & 0x7fffffff) > 0x7f800000 ? quiet : even, vh);
  std::memcpy(p, &h, sizeof h);
}

inline void store(f16* p, vf x) {
#if defined(__AVX512F__)
  _mm256_storeu_si256((__m256i*)p, _mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__) && defined(__AVX2__)
  _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__aarch64__)
  vst1_u16(&p->bits, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)x)));
#else
  for (int i = 0; i < W; i++) narrow(x[i], p[i]);
#endif
}

// load and store of the first n numbers only; the others are 0.
template <class T> inline vf load(const T* p, int64_t n) {
  if (n >= W) return load(p);
  T part[W] = {};
  std::memcpy(part, p, n * sizeof(T));
  return load(part);
}
template <class T> inline void store(T* p, vf x, int64_t n) {
  if (n >= W) return store(p, x);
  T part[W];
  store(part, x);
  std::memcpy(p, part, n * sizeof(T));
}

template <class T> inline vf rounded(vf x) {
  T y[W];
  store(y, x);
  return load(y);
}
template <> inline vf rounded<float>(vf x) { return x; }

inline vf greater(vf a, vf b) { return a > b ? a : b; }
inline vf lesser(vf a, vf b) { return a < b ? a : b; }

// quarter adds a vector's quarters up, or takes the greater ones.
inline v4 quarter(vf x) {
  v4 part[W / 4];
  std::memcpy(part, &x, sizeof x);
  if constexpr (W == 16) return (part[0] + part[1]) + (part[2] + part[3]);
  if constexpr (W == 8) return part[0] + part[W / 8];
  return part[0];
}

inline float sum(vf x) {
  v4 q = quarter(x);
  return (q[0] + q[1]) + (q[2] + q[3]);
}

inline float greatest(vf x) {
  float most = x[0];
  for (int i = 1; i < W; i++) most = x[i] > most ? x[i] : most;
  return most;
}

// sums are the sums of four vectors.
inline v4 sums(vf a, vf b, vf c, vf d) {
#if defined(__SSE3__)
  return (v4)_mm_hadd_ps(_mm_hadd_ps((__m128)quarter(a), (__m128)quarter(b)), _mm_hadd_ps((__m128)quarter(c), (__m128)quarter(d)));
#elif defined(__aarch64__)
  return (v4)vpaddq_f32(vpaddq_f32((float32x4_t)quarter(a), (float32x4_t)quarter(b)),
                        vpaddq_f32((float32x4_t)quarter(c), (float32x4_t)quarter(d)));
#else
  return v4{sum(a), sum(b), sum(c), sum(d)};
#endif
}

// exponential is e^x within 2 units of the last place; 0 below -87.3, and at most e^88.
inline vf exponential(vf x) {
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
  vi power = (__builtin_convertvector(n, vi) + 127) << 23;
  vf e = p * bits<vf>(power);
  return x < -87.3f ? vf{} : e;
}

inline vf sigmoid(vf x) { return 1.f / (1.f + exponential(-x)); }
inline vf tanh(vf x) { return 1.f - 2.f / (1.f + exponential(x + x)); }

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
