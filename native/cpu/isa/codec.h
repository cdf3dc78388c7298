// How the elements of a row come out of memory. A codec cuts a row into blocks
// of W * per_lane elements; value<i>(block) holds one element for each lane,
// that at(lane, i) of the block, multiplied by 1/factor(i). The sums do not care
// for the order of the elements nor for a power of two, so the activations are
// brought into the same order, times factor(i), once for all rows of W
// (prepare.h), and no element is moved or shifted where a mask will do.
#pragma once

#include "vec.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

constexpr float power_of_two(int e) { return e < 0 ? power_of_two(e + 1) / 2 : e ? 2 * power_of_two(e - 1) : 1; }

// Affine codes: a lane has the fewest whole words that hold whole elements, one
// for 2, 4 and 8 bits, and bits or bits/2 of them for the others.
template <int bits>
struct Affine {
  static constexpr int words = bits == 3 || bits == 6 ? 3 : bits == 5 ? 5 : 1;
  static constexpr int per_lane = words * 32 / bits;
  static constexpr bool scaled = true, biased = true;
  static constexpr int block_bytes = 4 * W * words;

  struct Block {
    vu word[words];
  };

  static constexpr int shift(int i) { return i * bits % 32; }
  static constexpr bool in_place(int i) { return shift(i) + bits < 32; }
  static constexpr float factor(int i) { return in_place(i) ? power_of_two(-shift(i)) : 1; }
  static constexpr int at(int lane, int i) { return lane * per_lane + i; }

  GOMLX_INLINE static Block fetch(const uint8_t* p) {
    Block b;
    unroll<words>(GOMLX_EACH(j) { b.word[j] = load_as<vu>(p + 4 * W * j); });
    if constexpr (words > 1) deinterleave(b.word);
    return b;
  }

  template <int i>
  GOMLX_INLINE static vf value(const Block& b) {
    constexpr int word = i * bits / 32, low = shift(i);
    constexpr uint32_t mask = (1u << bits) - 1;
    if constexpr (in_place(i)) {
      return number(b.word[word] & (mask << low));
    } else if constexpr (low + bits == 32) {
      return number(b.word[word] >> low);
    } else {
      return number((b.word[word] >> low | b.word[word + 1] << (32 - low)) & mask);
    }
  }
};

// Twice what each e2m1 code means.
constexpr int8_t e2m1_doubles[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// e2m1 codes, eight in a word. Their doubles are small whole numbers, looked up
// as bytes and converted from the top byte of a lane.
struct E2m1 {
  static constexpr int words = 1, per_lane = 8;
  static constexpr bool scaled = true, biased = false;
  static constexpr int block_bytes = 4 * W;

  struct Block {
    vu low, high;  // the doubles of the even and of the odd elements
  };

  static constexpr float factor(int) { return power_of_two(-25); }
  static constexpr int at(int lane, int i) { return lane * per_lane + i; }

  GOMLX_INLINE static Block fetch(const uint8_t* p) {
    vu v = load_as<vu>(p);
    return {lookup(e2m1_doubles, v & 0x0f0f0f0f), lookup(e2m1_doubles, v >> 4 & 0x0f0f0f0f)};
  }

  template <int i>
  GOMLX_INLINE static vf value(const Block& b) {
    constexpr int byte = i / 2;
    vu v = i % 2 ? b.high : b.low;
    if constexpr (byte == 0) return number(v << 24);
    return number((v << (24 - 8 * byte)) & 0xff000000u);
  }
};

// The e4m3 number in the low byte of each lane, whose other bits are zero.
GOMLX_INLINE vf e4m3(vu q) {
  vu small = reinterpret_cast<vu>((q & 0x78) == 0);  // f/8 * 2^-6: without the leading one
  vu v = ((q & 0x7f) << 20) + (120u << 23) + (small & (1u << 23));
  vf f = floats(v) - floats(small & (121u << 23));
  return floats(bits(f) | (q & 0x80) << 24);
}

struct E4m3 {
  static constexpr int words = 1, per_lane = 4;
  static constexpr bool scaled = true, biased = false;
  static constexpr int block_bytes = 4 * W;

#if defined(GOMLX_AVX2)
  // As float16, whose exponent is one bit longer: 1/256 of the number. A block is
  // one group, so its vectors may hold other elements than those of their lane.
  struct Block {
    __m256i even, odd;  // the even and the odd bytes, as 16-bit floats
  };

  static constexpr float factor(int) { return 256; }
  static constexpr int at(int lane, int i) { return i % 2 * 2 * W + lane * 2 + i / 2; }

  GOMLX_INLINE static Block fetch(const uint8_t* p) {
    __m256i v = load_as<__m256i>(p), keep = _mm256_set1_epi16(int16_t(0xbf80));
    return {_mm256_and_si256(_mm256_srai_epi16(_mm256_slli_epi16(v, 8), 1), keep),
            _mm256_and_si256(_mm256_srai_epi16(v, 1), keep)};
  }

  template <int i>
  GOMLX_INLINE static vf value(const Block& b) {
    return reinterpret_cast<vf>(_mm256_cvtph_ps(_mm256_extracti128_si256(i / 2 ? b.odd : b.even, i % 2)));
  }
#else
  struct Block {
    vu word;
  };

  static constexpr float factor(int) { return 1; }
  static constexpr int at(int lane, int i) { return lane * per_lane + i; }
  GOMLX_INLINE static Block fetch(const uint8_t* p) { return {load_as<vu>(p)}; }
  template <int i>
  GOMLX_INLINE static vf value(const Block& b) {
    return e4m3(b.word >> (8 * i) & 0xff);
  }
#endif
};

// Dense numbers, four vectors at a time in the order of memory.
template <int bytes, vf (*read)(const void*)>
struct InOrder {
  static constexpr int per_lane = 4;
  static constexpr bool scaled = false, biased = false;
  static constexpr int block_bytes = bytes * W * per_lane;

  struct Block {
    const uint8_t* p;
  };

  static constexpr float factor(int) { return 1; }
  static constexpr int at(int lane, int i) { return i * W + lane; }
  GOMLX_INLINE static Block fetch(const uint8_t* p) { return {p}; }
  template <int i>
  GOMLX_INLINE static vf value(const Block& b) {
    return read(b.p + bytes * W * i);
  }
};

inline vf load_f32(const void* p) { return load_as<vf>(p); }
using F32 = InOrder<4, load_f32>;
using F16 = InOrder<2, load_f16>;

// bfloat16 is the upper half of a float: a word gives two without a move.
struct Bf16 {
  static constexpr int per_lane = 4;
  static constexpr bool scaled = false, biased = false;
  static constexpr int block_bytes = 2 * W * per_lane;

  struct Block {
    vu word[2];
  };

  static constexpr float factor(int) { return 1; }
  static constexpr int at(int lane, int i) { return i / 2 * 2 * W + 2 * lane + i % 2; }
  GOMLX_INLINE static Block fetch(const uint8_t* p) { return {{load_as<vu>(p), load_as<vu>(p + 4 * W)}}; }
  template <int i>
  GOMLX_INLINE static vf value(const Block& b) {
    return floats(i % 2 ? b.word[i / 2] & 0xffff0000u : b.word[i / 2] << 16);
  }
};

template <class C>
constexpr int block_size = W * C::per_lane;

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
