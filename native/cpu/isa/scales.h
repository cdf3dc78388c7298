// The scales of a row, spread over the lanes of its blocks.
#pragma once

#include "codec.h"
#include "isa.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// W scales (or biases) from number i on.
GOMLX_INLINE vf load_scales(ScaleType type, const uint8_t* p, int64_t i) {
  switch (type) {
    case ScaleType::f32: return load_as<vf>(p + 4 * i);
    case ScaleType::bf16: return load_bf16(p + 2 * i);
    case ScaleType::f16: return load_f16(p + 2 * i);
    case ScaleType::e4m3: return e4m3(load_bytes(p + i));
    default: break;
  }
  vu e = load_bytes(p + i);
  return floats(e << 23 | (reinterpret_cast<vu>(e == 0) & 0x400000u));
}

// Which group a lane of a block belongs to. A lane lies in one group, or, where
// per_lane is twice the group, its halves lie in two.
template <class C>
class Groups {
 public:
  GOMLX_INLINE Groups(int group, int64_t k) : groups_(k / group) {
    int lanes_of_group = group / C::per_lane;
    while (lanes_of_group > 1 << shift_) shift_++;
    index_ = lanes() >> uint32_t(shift_ < 5 ? shift_ : 5);
  }

  // The scales of the lanes of block b; last says that it is not whole, and
  // then what lies behind the row's scales must not count.
  template <bool last>
  GOMLX_INLINE vf of(ScaleType type, const uint8_t* scales, int64_t b) const {
    int64_t g = (b * W) >> shift_;
    vf s = load_scales(type, scales, g);
    if constexpr (last) s = floats(bits(s) & first(groups_ - g));
    return spread(s, index_);
  }

  // The scales of the first and the second halves of the lanes.
  template <bool last>
  GOMLX_INLINE void of_halves(ScaleType type, const uint8_t* scales, int64_t b, vf (&out)[2]) const {
    vu s[2];
    for (int h = 0; h < 2; h++) {
      int64_t g = (2 * b + h) * W;
      s[h] = bits(load_scales(type, scales, g));
      if constexpr (last) s[h] &= first(groups_ - g);
    }
    deinterleave(s);
    out[0] = floats(s[0]), out[1] = floats(s[1]);
  }

 private:
  int64_t groups_;
  int shift_ = 0;
  vu index_;
};

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
