// A square of 32-bit numbers on its other side.
#pragma once

#include "vec.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// Lane l is that of number from(l) of the lanes of a and b together.
template <class V, class From, int... l>
GOMLX_INLINE V pick(V a, V b, From from, std::integer_sequence<int, l...>) {
  return __builtin_shufflevector(a, b, from(l)...);
}
template <class V, class From>
GOMLX_INLINE V pick(V a, V b, From from) {
  return pick(a, b, from, std::make_integer_sequence<int, sizeof(V) / 4>{});
}

// Every square of four lanes of four vectors turned.
template <class V>
GOMLX_INLINE void turn_squares(V* four) {
  constexpr int n = sizeof(V) / 4;
  auto low = [](int l) { return l % 2 * n + l / 4 * 4 + l % 4 / 2; };
  auto high = [](int l) { return l % 2 * n + l / 4 * 4 + l % 4 / 2 + 2; };
  auto low_pair = [](int l) { return l % 4 / 2 * n + l / 4 * 4 + l % 2; };
  auto high_pair = [](int l) { return l % 4 / 2 * n + l / 4 * 4 + l % 2 + 2; };
  V a = four[0], b = four[1], c = four[2], d = four[3];
  V ab = pick(a, b, low), cd = pick(c, d, low), ab2 = pick(a, b, high), cd2 = pick(c, d, high);
  four[0] = pick(ab, cd, low_pair), four[1] = pick(ab, cd, high_pair);
  four[2] = pick(ab2, cd2, low_pair), four[3] = pick(ab2, cd2, high_pair);
}

// Sixteen bytes of every fourth row from p[0] on, side by side.
GOMLX_INLINE vu fourths(const uint8_t* const* p, int64_t at) {
#if defined(GOMLX_AVX512)
  __m512i v = _mm512_castsi128_si512(load_as<__m128i>(p[0] + at));
  v = _mm512_inserti32x4(v, load_as<__m128i>(p[4] + at), 1);
  v = _mm512_inserti32x4(v, load_as<__m128i>(p[8] + at), 2);
  return reinterpret_cast<vu>(_mm512_inserti32x4(v, load_as<__m128i>(p[12] + at), 3));
#elif defined(GOMLX_AVX2)
  __m256i v = _mm256_castsi128_si256(load_as<__m128i>(p[0] + at));
  return reinterpret_cast<vu>(_mm256_inserti128_si256(v, load_as<__m128i>(p[4] + at), 1));
#else
  uint8_t bytes[4 * W];
  for (int q = 0; q < W / 4; q++) std::memcpy(bytes + 16 * q, p[4 * q] + at, 16);
  return load_as<vu>(bytes);
#endif
}

// The W words of W rows from byte at on, turned: lane r of v[l] is word l of row r. The
// squares are brought to their places by the loads.
GOMLX_INLINE void load_turned(const uint8_t* const (&p)[W], int64_t at, vu (&v)[W]) {
  unroll<W / 4>(GOMLX_EACH(q) {
    unroll<4>(GOMLX_EACH(r) { v[4 * q + r] = fourths(p + r, at + 16 * q); });
    turn_squares(v + 4 * q);
  });
}

// Lane l of v[r] becomes lane r of v[l]: first in squares of four, which is how the
// instructions shuffle, then square against square.
GOMLX_INLINE void transpose(vu (&v)[W]) {
  unroll<W / 4>(GOMLX_EACH(q) { turn_squares(v + 4 * q); });
  unroll<W / 4 - 1>(GOMLX_EACH(i) {
    static constexpr int size = 4 << i;  // of a square
    if constexpr (size < W)
      unroll<W>(GOMLX_EACH(r) {
        if constexpr ((r & size) == 0) {
          vu a = v[r], b = v[r + size];
          v[r] = pick(a, b, [](int l) { return l & size ? W + l - size : l; });
          v[r + size] = pick(a, b, [](int l) { return l & size ? W + l : l + size; });
        }
      });
  });
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
