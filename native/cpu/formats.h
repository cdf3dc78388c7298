// The number formats of weights, one element at a time. The tables and bits are
// those of MLX's CPU backend; the vector kernels are tested against these.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels.h"

namespace gomlx::cpu {

inline float from_bf16(uint16_t h) { return std::bit_cast<float>(uint32_t(h) << 16); }

// To the nearest, ties to even; a NaN stays one.
inline uint16_t to_bf16(float f) {
  uint32_t u = std::bit_cast<uint32_t>(f);
  if (f != f) return uint16_t((u >> 16) | 0x40);
  return uint16_t((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

inline float from_f16(uint16_t h) {
  uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = (h >> 10) & 31, fraction = h & 1023;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24
    float f = float(fraction) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(f) | sign);
  }
  uint32_t e = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | (e << 23) | (fraction << 13));
}

// To the nearest, ties to even; overflow gives an infinity.
inline uint16_t to_f16(float f) {
  uint32_t u = std::bit_cast<uint32_t>(f), sign = (u >> 16) & 0x8000, a = u & 0x7fffffff;
  if (a > 0x7f800000) return uint16_t(sign | 0x7e00);
  if (a >= 0x477ff000) return uint16_t(sign | 0x7c00);
  if (a < 0x38800000) {  // below 2^-14: a multiple of 2^-24
    float scaled = std::bit_cast<float>(a) * 0x1p24f;
    return uint16_t(sign | uint32_t(std::nearbyint(scaled)));
  }
  a -= 112u << 23;
  return uint16_t(sign | ((a + 0xfff + ((a >> 13) & 1)) >> 13));
}

inline float from_e2m1(uint32_t q) {
  constexpr float magnitude[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  return q & 8 ? -magnitude[q & 7] : magnitude[q & 7];
}

// e4m3 without infinities or NaNs, as MLX reads it: 0x7f is 480.
inline float from_e4m3(uint32_t q) {
  float f = from_f16(uint16_t((q & 0x7f) << 7)) * 256;
  return q & 0x80 ? -f : f;
}

// A power of two; 0 stands for 2^-127.
inline float from_e8m0(uint32_t s) { return std::bit_cast<float>(s == 0 ? 0x400000u : s << 23); }

inline int64_t size_of(Type t) { return t == Type::f32 ? 4 : 2; }

inline float load(const void* p, Type t, int64_t i) {
  if (t == Type::f32) return static_cast<const float*>(p)[i];
  uint16_t h = static_cast<const uint16_t*>(p)[i];
  return t == Type::bf16 ? from_bf16(h) : from_f16(h);
}

inline void store(void* p, Type t, int64_t i, float f) {
  if (t == Type::f32) {
    static_cast<float*>(p)[i] = f;
  } else {
    static_cast<uint16_t*>(p)[i] = t == Type::bf16 ? to_bf16(f) : to_f16(f);
  }
}

// Element i of a row of bits-wide elements.
inline uint32_t element(const uint32_t* row, int bits, int64_t i) {
  int64_t at = i * bits;
  int shift = int(at & 31);
  uint64_t word = row[at >> 5];
  if (shift + bits > 32) word |= uint64_t(row[(at >> 5) + 1]) << 32;
  return uint32_t(word >> shift) & ((1u << bits) - 1);
}

inline int64_t words_in_row(const Packed& w) { return w.k * w.bits / 32; }
inline int64_t groups_in_row(const Packed& w) { return w.k / w.group; }

// Bytes of the scales of a row.
inline int64_t scale_bytes(const Packed& w) {
  if (w.nested) return w.k / 256 * (2 + 256 / w.group);
  return groups_in_row(w) * (w.mode == Mode::affine ? size_of(w.scale_type) : 1);
}

// Number g of two levels, of which every per share the first.
inline float nested(const void* p, int per, int64_t g) {
  const uint8_t* block = static_cast<const uint8_t*>(p) + g / per * (2 + per);
  uint16_t unit;
  std::memcpy(&unit, block, sizeof unit);
  return from_f16(unit) * float(int8_t(block[2 + g % per]));
}

// Number g of affine scales or biases.
inline float affine_number(const Packed& w, const void* p, int64_t g) {
  return w.nested ? nested(p, 256 / w.group, g) : load(p, w.scale_type, g);
}

// The scale of group g, counted over the whole matrix.
inline float scale_of(const Packed& w, int64_t g) {
  if (w.mode == Mode::affine) return affine_number(w, w.scales, g);
  uint8_t s = static_cast<const uint8_t*>(w.scales)[g];
  return w.mode == Mode::nvfp4 ? from_e4m3(s) : from_e8m0(s);
}

// The bias over the scale, where W has no biases.
inline float middle(const Packed& w) { return -float(1 << (w.bits - 1)); }

inline float bias_of(const Packed& w, int64_t g) {
  if (w.mode != Mode::affine) return 0;
  return w.biases ? affine_number(w, w.biases, g) : middle(w) * scale_of(w, g);
}

// What a code means before its scale.
inline float value_of(Mode mode, uint32_t q) {
  switch (mode) {
    case Mode::affine: return float(q);
    case Mode::mxfp8: return from_e4m3(q);
    default: return from_e2m1(q);
  }
}

}  // namespace gomlx::cpu
