// How the elements of a row come out of memory as 16-bit whole numbers, for
// activations that are 16-bit numbers too. A codec cuts a row into blocks of W
// lanes of 32 bits; value<i>(block) holds two elements for each lane, one in each
// half, and is unit times smaller than what it means. As in codec.h the
// activations are brought into the same order once (prepare16.h).
#pragma once

#include "codec.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// Affine codes of 2, 4 and 8 bits: each half of a lane holds whole ones.
template <int bits>
struct Codes16 {
  static constexpr int vectors = 16 / bits, per_lane = 2 * vectors;
  static constexpr bool scaled = true, biased = true, fine = bits == 2;  // fine: also in groups of 16
  static constexpr int block_bytes = 4 * W;
  static constexpr float unit = 1;

  struct Block {
    vh halves;
  };

  // The element of number i in the given half lane.
  static constexpr int at(int half, int i) { return half * vectors + i; }

  static constexpr bool lanewise = true;
  GOMLX_INLINE static Block from(vu words) { return {reinterpret_cast<vh>(words)}; }
  GOMLX_INLINE static Block fetch(const uint8_t* p) { return from(load_as<vu>(p)); }

  template <int i>
  GOMLX_INLINE static vs value(const Block& b) {
    constexpr uint16_t mask = (1 << bits) - 1;
    vh v = b.halves >> (i * bits);
    return reinterpret_cast<vs>(i + 1 < vectors ? v & mask : v);
  }
};

// Affine codes of 3, 5 and 6 bits. Sixteen of them, 2*bits bytes, belong to the
// four lanes of 16 bytes: the first eight to number 0, the others to number 1. A
// half gets the two bytes that hold its code; a product moves that to the top.
template <int bits>
struct Odd16 {
  static constexpr int vectors = 2, per_lane = 4;
  static constexpr bool scaled = true, biased = true, fine = bits != 5;
  static constexpr int block_bytes = bits * W / 2;
  static constexpr float unit = 1;

  struct Block {
    vu sixteens;  // each with what follows it
  };

  static constexpr int at(int half, int i) { return half / 8 * 16 + i * 8 + half % 8; }

  static constexpr bool lanewise = false;

  GOMLX_INLINE static Block fetch(const uint8_t* p) { return {load_sixteens<2 * bits>(p)}; }

  template <int i>
  GOMLX_INLINE static vs value(const Block& b) {
    struct Table {
      int8_t bytes[16];
      uint16_t up[2 * W];
    };
    static constexpr Table table = [] {
      Table t{};
      for (int h = 0; h < 8; h++) {
        int bit = (i * 8 + h) * bits;
        t.bytes[2 * h] = int8_t(bit / 8), t.bytes[2 * h + 1] = int8_t(bit / 8 + 1);
        for (int at = h; at < 2 * W; at += 8) t.up[at] = uint16_t(1 << (16 - bits - bit % 8));
      }
      return t;
    }();
    vh v = reinterpret_cast<vh>(shuffle(b.sixteens, table.bytes)) * load_as<vh>(table.up);
    return reinterpret_cast<vs>(v >> (16 - bits));
  }
};

// e2m1 codes: their doubles, small whole numbers, come from a table of bytes and
// stay in the upper halves.
struct E2m1Of16 {
  static constexpr int vectors = 4, per_lane = 8;
  static constexpr bool scaled = true, biased = false;
  static constexpr int block_bytes = 4 * W;
  static constexpr float unit = 1.0f / 512;

  struct Block {
    vh even, odd;
  };

  static constexpr int at(int half, int i) { return half * 4 + i; }

  static constexpr bool lanewise = true;
  GOMLX_INLINE static Block from(vu v) {
    return {reinterpret_cast<vh>(lookup(e2m1_doubles, v & 0x0f0f0f0f)),
            reinterpret_cast<vh>(lookup(e2m1_doubles, v >> 4 & 0x0f0f0f0f))};
  }
  GOMLX_INLINE static Block fetch(const uint8_t* p) { return from(load_as<vu>(p)); }

  template <int i>
  GOMLX_INLINE static vs value(const Block& b) {
    vh v = i % 2 ? b.odd : b.even;
    return reinterpret_cast<vs>(i < 2 ? v << 8 : v & 0xff00);
  }
};

template <class C>
constexpr int block16 = W * C::per_lane;

// The groups that there are tiles for, those of the formats: MLX's affine ones and nvfp4's
// and mxfp4's; in GGUF groups of 16 have 2, 3 or 6 bits. Each costs its time to compile.
template <class C>
constexpr bool has_groups(int group) {
  if constexpr (C::biased) return group > 16 || C::fine;
  return group <= 32;
}

// Calls f with the size of a group as a constant.
template <class C, class F>
GOMLX_INLINE void with_group(int group, F&& f) {
  unroll<4>(GOMLX_EACH(i) {
    constexpr int size = 16 << i;
    if constexpr (has_groups<C>(size))
      if (group == size) f(std::integral_constant<int, size>{});
  });
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
