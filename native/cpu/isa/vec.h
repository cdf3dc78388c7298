// The vectors of one instruction set, W floats wide. Every file that includes
// this is compiled once for each instruction set, with GOMLX_ISA as the name of
// its namespace; nothing here has linkage, so that no copy that needs AVX-512
// can stand in for another.
//
// Arithmetic is that of the compiler's vector types (a*b + c becomes one
// multiply-add); intrinsics stand only for what those cannot say.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "../formats.h"

// The instructions that this copy may use. GOMLX_PLAIN leaves them out and
// keeps the width: so the code for AVX-512 can be checked where it is missing.
#if defined(GOMLX_PLAIN)
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VNNI__)
#define GOMLX_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define GOMLX_AVX2 1
#elif defined(__aarch64__) && defined(GOMLX_NEON_KERNELS)
#define GOMLX_NEON 1
#endif

#define GOMLX_INLINE [[gnu::always_inline]] inline

namespace gomlx::cpu::GOMLX_ISA {
namespace {

constexpr int W = GOMLX_WIDTH;

typedef float vf __attribute__((vector_size(4 * W)));
typedef int32_t vi __attribute__((vector_size(4 * W)));
typedef uint32_t vu __attribute__((vector_size(4 * W)));
typedef float v4 __attribute__((vector_size(16)));
typedef int16_t vs __attribute__((vector_size(4 * W)));  // 2W short numbers
typedef uint16_t vh __attribute__((vector_size(4 * W)));
typedef int16_t shorts __attribute__((vector_size(2 * W)));  // W of them

// unroll<n>(f) calls f(0) ... f(n-1) with constants.
template <class F, int... i>
GOMLX_INLINE void unroll(std::integer_sequence<int, i...>, F&& f) {
  (f(std::integral_constant<int, i>{}), ...);
}
template <int n, class F>
GOMLX_INLINE void unroll(F&& f) {
  unroll(std::make_integer_sequence<int, n>{}, static_cast<F&&>(f));
}
// Before a loop over an array of vectors, so that they stay in registers.
#if defined(__clang__)
#define GOMLX_UNROLL _Pragma("unroll")
#else
#define GOMLX_UNROLL _Pragma("GCC unroll 8")
#endif
// The head of such an f.
#define GOMLX_EACH(i) [&](auto i) __attribute__((always_inline))

// Loads and stores need no alignment.
template <class V>
GOMLX_INLINE V load_as(const void* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
GOMLX_INLINE vf load(const float* p) { return load_as<vf>(p); }
GOMLX_INLINE void store(float* p, vf v) { __builtin_memcpy(p, &v, sizeof v); }

GOMLX_INLINE vf floats(vu bits) { return reinterpret_cast<vf>(bits); }
GOMLX_INLINE vu bits(vf v) { return reinterpret_cast<vu>(v); }
// The numbers, taken as signed, as floats.
GOMLX_INLINE vf number(vu v) { return __builtin_convertvector(reinterpret_cast<vi>(v), vf); }
// f in every lane. f + 0 would be a sum to compute: it is not f where f is -0.
GOMLX_INLINE vf all(float f) { return f - vf{}; }
GOMLX_INLINE vf all(const float* p) {
#if defined(GOMLX_AVX2)
  return reinterpret_cast<vf>(_mm256_broadcast_ss(p));
#else
  return all(*p);
#endif
}

GOMLX_INLINE vu lanes() {
  vu v{};
  for (int l = 0; l < W; l++) v[l] = uint32_t(l);
  return v;
}
// Ones in the first n lanes.
GOMLX_INLINE vu first(int64_t n) {
  return reinterpret_cast<vu>(reinterpret_cast<vi>(lanes()) < int32_t(n < W ? n : W));
}

// W bytes, without and with a sign, and W 16-bit numbers, widened.
GOMLX_INLINE vu load_bytes(const void* p) {
#if defined(GOMLX_AVX512)
  return reinterpret_cast<vu>(_mm512_cvtepu8_epi32(load_as<__m128i>(p)));
#elif defined(GOMLX_AVX2)
  return reinterpret_cast<vu>(_mm256_cvtepu8_epi32(_mm_loadu_si64(p)));
#else
  typedef uint8_t bytes __attribute__((vector_size(W)));
  return __builtin_convertvector(load_as<bytes>(p), vu);
#endif
}
GOMLX_INLINE vu load_signed_bytes(const void* p) {
#if defined(GOMLX_AVX512)
  return reinterpret_cast<vu>(_mm512_cvtepi8_epi32(load_as<__m128i>(p)));
#elif defined(GOMLX_AVX2)
  return reinterpret_cast<vu>(_mm256_cvtepi8_epi32(_mm_loadu_si64(p)));
#else
  typedef int8_t bytes __attribute__((vector_size(W)));
  return reinterpret_cast<vu>(__builtin_convertvector(load_as<bytes>(p), vi));
#endif
}
GOMLX_INLINE vu load_halves(const void* p) {
#if defined(GOMLX_AVX512)
  return reinterpret_cast<vu>(_mm512_cvtepu16_epi32(load_as<__m256i>(p)));
#elif defined(GOMLX_AVX2)
  return reinterpret_cast<vu>(_mm256_cvtepu16_epi32(load_as<__m128i>(p)));
#else
  typedef uint16_t halves __attribute__((vector_size(2 * W)));
  return __builtin_convertvector(load_as<halves>(p), vu);
#endif
}
GOMLX_INLINE vf load_bf16(const void* p) { return floats(load_halves(p) << 16); }
GOMLX_INLINE vf load_f16(const void* p) {
#if defined(GOMLX_AVX512)
  return reinterpret_cast<vf>(_mm512_cvtph_ps(load_as<__m256i>(p)));
#elif defined(GOMLX_AVX2)
  return reinterpret_cast<vf>(_mm256_cvtph_ps(load_as<__m128i>(p)));
#elif defined(GOMLX_NEON)
  return reinterpret_cast<vf>(vcvt_f32_f16(load_as<float16x4_t>(p)));
#else
  vf v;
  for (int l = 0; l < W; l++) v[l] = from_f16(static_cast<const uint16_t*>(p)[l]);
  return v;
#endif
}

// v[index[l]] in lane l; index is below W.
GOMLX_INLINE vf spread(vf v, vu index) {
#if defined(GOMLX_AVX512)
  return reinterpret_cast<vf>(
      _mm512_permutexvar_ps(reinterpret_cast<__m512i>(index), reinterpret_cast<__m512>(v)));
#elif defined(GOMLX_AVX2)
  return reinterpret_cast<vf>(
      _mm256_permutevar8x32_ps(reinterpret_cast<__m256>(v), reinterpret_cast<__m256i>(index)));
#elif defined(GOMLX_NEON)
  uint8x16_t bytes = reinterpret_cast<uint8x16_t>(index * 0x04040404u + 0x03020100u);
  return reinterpret_cast<vf>(vqtbl1q_u8(reinterpret_cast<uint8x16_t>(v), bytes));
#else
  vf out;
  for (int l = 0; l < W; l++) out[l] = v[index[l]];
  return out;
#endif
}

// p[0] in the lower half of the lanes, p[1] in the upper one.
GOMLX_INLINE vf two_halves(const float* p) {
#if defined(GOMLX_AVX512)
  __m512 both = _mm512_castpd_ps(_mm512_set1_pd(load_as<double>(p)));
  return reinterpret_cast<vf>(_mm512_mask_mov_ps(_mm512_moveldup_ps(both), 0xff00, _mm512_movehdup_ps(both)));
#elif defined(GOMLX_AVX2)
  __m256 both = _mm256_castpd_ps(_mm256_set1_pd(load_as<double>(p)));
  return reinterpret_cast<vf>(_mm256_permutevar_ps(both, _mm256_set_epi32(1, 1, 1, 1, 0, 0, 0, 0)));
#else
  vf v;
  for (int l = 0; l < W; l++) v[l] = p[l / (W / 2)];
  return v;
#endif
}

// table[b] for every byte b of v; each is below 16.
GOMLX_INLINE vu lookup(const int8_t (&table)[16], vu v) {
#if defined(GOMLX_AVX512)
  __m512i t = _mm512_broadcast_i32x4(load_as<__m128i>(table));
  return reinterpret_cast<vu>(_mm512_shuffle_epi8(t, reinterpret_cast<__m512i>(v)));
#elif defined(GOMLX_AVX2)
  __m256i t = _mm256_broadcastsi128_si256(load_as<__m128i>(table));
  return reinterpret_cast<vu>(_mm256_shuffle_epi8(t, reinterpret_cast<__m256i>(v)));
#elif defined(GOMLX_NEON)
  return reinterpret_cast<vu>(vqtbl1q_u8(load_as<uint8x16_t>(table), reinterpret_cast<uint8x16_t>(v)));
#else
  uint8_t b[4 * W];
  std::memcpy(b, &v, sizeof b);
  for (uint8_t& one : b) one = uint8_t(table[one]);
  return load_as<vu>(b);
#endif
}

// Sixteen bytes from every step-th on. Up to 4*W bytes from p are read.
template <int step>
GOMLX_INLINE vu load_sixteens(const uint8_t* p) {
#if defined(GOMLX_AVX512)
  static_assert(step % 2 == 0);
  static constexpr auto words = [] {
    struct { uint16_t at[32]; } t{};
    for (int i = 0; i < 32; i++) t.at[i] = uint16_t(i / 8 * (step / 2) + i % 8);
    return t;
  }();
  return reinterpret_cast<vu>(_mm512_permutexvar_epi16(load_as<__m512i>(words.at), load_as<__m512i>(p)));
#elif defined(GOMLX_AVX2)
  return reinterpret_cast<vu>(_mm256_loadu2_m128i(reinterpret_cast<const __m128i*>(p + step), reinterpret_cast<const __m128i*>(p)));
#else
  uint8_t bytes[4 * W];
  for (int q = 0; q < W / 4; q++) std::memcpy(bytes + 16 * q, p + step * q, 16);
  return load_as<vu>(bytes);
#endif
}

// In every 16 bytes of v: byte b becomes that of number from[b].
GOMLX_INLINE vu shuffle(vu v, const int8_t (&from)[16]) {
#if defined(GOMLX_AVX512)
  __m512i t = _mm512_broadcast_i32x4(load_as<__m128i>(from));
  return reinterpret_cast<vu>(_mm512_shuffle_epi8(reinterpret_cast<__m512i>(v), t));
#elif defined(GOMLX_AVX2)
  __m256i t = _mm256_broadcastsi128_si256(load_as<__m128i>(from));
  return reinterpret_cast<vu>(_mm256_shuffle_epi8(reinterpret_cast<__m256i>(v), t));
#else
  uint8_t in[4 * W], out[4 * W];
  std::memcpy(in, &v, sizeof in);
  for (int b = 0; b < 4 * W; b++) out[b] = in[b / 16 * 16 + from[b % 16]];
  return load_as<vu>(out);
#endif
}

// Lane l of v[j] becomes word l*n + j of the n vectors together.
template <int n, int j, int vector, int... l>
GOMLX_INLINE vu take(vu got, vu next, std::integer_sequence<int, l...>) {
  return __builtin_shufflevector(got, next, ((l * n + j) / W == vector     ? W + (l * n + j) % W
                                             : vector == 1 && l * n + j < W ? l * n + j
                                                                            : l)...);
}
template <int n>
GOMLX_INLINE void deinterleave(vu (&v)[n]) {
  vu out[n];
  unroll<n>(GOMLX_EACH(j) {
    vu got = v[0];
    unroll<n - 1>(GOMLX_EACH(k) {
      got = take<n, j, k + 1>(got, v[k + 1], std::make_integer_sequence<int, W>{});
    });
    out[j] = got;
  });
  unroll<n>(GOMLX_EACH(j) { v[j] = out[j]; });
}

// a[2l]*b[2l] + a[2l+1]*b[2l+1] in lane l.
GOMLX_INLINE vi dot_pairs(vs a, vs b) {
#if defined(GOMLX_AVX512)
  return reinterpret_cast<vi>(_mm512_madd_epi16(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(GOMLX_AVX2)
  return reinterpret_cast<vi>(_mm256_madd_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#else
  auto low = [](vs v) __attribute__((always_inline)) { return reinterpret_cast<vi>(reinterpret_cast<vu>(v) << 16) >> 16; };
  auto high = [](vs v) __attribute__((always_inline)) { return reinterpret_cast<vi>(v) >> 16; };
  return low(a) * low(b) + high(a) * high(b);
#endif
}
// sum + dot_pairs(a, b).
GOMLX_INLINE vi add_pairs(vi sum, vs a, vs b) {
#if defined(GOMLX_AVX512)
  return reinterpret_cast<vi>(_mm512_dpwssd_epi32(reinterpret_cast<__m512i>(sum), reinterpret_cast<__m512i>(a),
                                                  reinterpret_cast<__m512i>(b)));
#else
  return sum + dot_pairs(a, b);
#endif
}

// Keeps v as it is now, in a register: GCC takes a sum of whole numbers apart otherwise,
// and finds no registers for its parts.
GOMLX_INLINE void in_register([[maybe_unused]] vi& v) {
#if defined(GOMLX_AVX512)
  asm("" : "+v"(v));
#elif defined(GOMLX_AVX2)
  asm("" : "+x"(v));
#endif
}

GOMLX_INLINE v4 fold(vf v) {
  v4 parts[W / 4];
  __builtin_memcpy(parts, &v, sizeof v);
  v4 sum = parts[0];
  unroll<W / 4 - 1>(GOMLX_EACH(i) { sum += parts[i + 1]; });
  return sum;
}
GOMLX_INLINE float sum(vf v) {
  v4 s = fold(v);
  return (s[0] + s[2]) + (s[1] + s[3]);
}
// The four sums.
GOMLX_INLINE v4 sums(vf a, vf b, vf c, vf d) {
  v4 p = fold(a), q = fold(b), r = fold(c), s = fold(d);
  v4 t = __builtin_shufflevector(p, q, 0, 4, 1, 5) + __builtin_shufflevector(p, q, 2, 6, 3, 7);
  v4 u = __builtin_shufflevector(r, s, 0, 4, 1, 5) + __builtin_shufflevector(r, s, 2, 6, 3, 7);
  return __builtin_shufflevector(t, u, 0, 1, 4, 5) + __builtin_shufflevector(t, u, 2, 3, 6, 7);
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
