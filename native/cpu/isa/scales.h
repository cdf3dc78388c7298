// The scales of a row, spread over the lanes of its blocks.
#pragma once

#include "codec.h"
#include "isa.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// W numbers of two levels from number i on, which is a multiple of W: every per of
// them follow the float16 that they are multiplied by.
template <int per>
GOMLX_INLINE vf load_nested(const uint8_t* p, uint64_t i) {
  constexpr int size = 2 + per;
  const uint8_t* block = p + i / per * size;
  if constexpr (W <= per) {
    return number(load_signed_bytes(block + 2 + i % per)) * all(load_f16(block)[0]);
  } else {  // two blocks
    static_assert(W == 2 * per);
    uint8_t both[W];
    __builtin_memcpy(both, block + 2, per);
    __builtin_memcpy(both + per, block + size + 2, per);
    const vu upper = reinterpret_cast<vu>(lanes() >= uint32_t(per));
    vu units = (bits(all(load_f16(block)[0])) & ~upper) | (bits(all(load_f16(block + size)[0])) & upper);
    return number(load_signed_bytes(both)) * floats(units);
  }
}

// W scales (or biases) from number i on.
GOMLX_INLINE vf load_scales(ScaleType type, const uint8_t* p, int64_t i) {
  switch (type) {
    case ScaleType::f32: return load_as<vf>(p + 4 * i);
    case ScaleType::bf16: return load_bf16(p + 2 * i);
    case ScaleType::f16: return load_f16(p + 2 * i);
    case ScaleType::e4m3: return e4m3(load_bytes(p + i));
    case ScaleType::nested8: return load_nested<8>(p, i);
    case ScaleType::nested16: return load_nested<16>(p, i);
    default: break;
  }
  vu e = load_bytes(p + i);
  return floats(e << 23 | (reinterpret_cast<vu>(e == 0) & 0x400000u));
}

// Calls f with the type of scales as a constant.
template <class F>
GOMLX_INLINE void with_scale_type(ScaleType type, F&& f) {
  switch (type) {
    case ScaleType::f32: return f(std::integral_constant<ScaleType, ScaleType::f32>{});
    case ScaleType::bf16: return f(std::integral_constant<ScaleType, ScaleType::bf16>{});
    case ScaleType::f16: return f(std::integral_constant<ScaleType, ScaleType::f16>{});
    case ScaleType::e4m3: return f(std::integral_constant<ScaleType, ScaleType::e4m3>{});
    case ScaleType::e8m0: return f(std::integral_constant<ScaleType, ScaleType::e8m0>{});
    case ScaleType::nested8: return f(std::integral_constant<ScaleType, ScaleType::nested8>{});
    case ScaleType::nested16: return f(std::integral_constant<ScaleType, ScaleType::nested16>{});
  }
}

// Scales [from, to) of a row, and zeros up to a multiple of W. One loop for each type,
// and those once for all kernels.
template <ScaleType type>
void read_scales(const uint8_t* p, int64_t from, int64_t to, float* out) {
  for (; from + W <= to; from += W, out += W) store(out, load_scales(type, p, from));
  if (from < to) store(out, floats(bits(load_scales(type, p, from)) & first(to - from)));
}

[[gnu::noinline, maybe_unused]] void read_scales(ScaleType type, const uint8_t* p, int64_t from, int64_t to, float* out) {
  with_scale_type(type, [&](auto one) { read_scales<one>(p, from, to, out); });
}

// Which group a lane of a block belongs to. Lane l of block b lies in group
// (b*W + l) >> shift; or, where per_lane is twice the group, its halves lie in
// the groups 2*(b*W + l) and the next. One load of W scales serves a run of
// 1 << shift blocks, or the half of one.
template <class C, bool halves>
class Groups {
 public:
  static constexpr int parts = halves ? 2 : 1;

  GOMLX_INLINE Groups(int group, int64_t k) : groups_(C::scaled ? k / group : 0) {
    if constexpr (C::scaled && !halves)
      while (group / C::per_lane > 1 << shift_) shift_++;
  }

  // Blocks in a run.
  GOMLX_INLINE int64_t run() const { return int64_t(1) << shift_; }
  GOMLX_INLINE int shift() const { return shift_; }

  // The scales of the run that starts with block b. whole says that they all
  // lie in the row; what lies behind it must not count.
  template <bool whole>
  GOMLX_INLINE void load(ScaleType type, const uint8_t* scales, int64_t b, vf (&out)[parts]) const {
    int64_t g = (b * W * parts) >> shift_;
    vu s[parts];
    for (int h = 0; h < parts; h++) {
      s[h] = bits(load_scales(type, scales, g + h * W));
      if constexpr (!whole) s[h] &= first(groups_ - g - h * W);
    }
    if constexpr (halves) deinterleave(s);
    for (int h = 0; h < parts; h++) out[h] = floats(s[h]);
  }

  // Where the lanes of block i of a run find their scale.
  GOMLX_INLINE vu index(int64_t i) const { return (lanes() + uint32_t(i * W)) >> uint32_t(shift_); }

 private:
  int64_t groups_;
  int shift_ = 0;
};

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
