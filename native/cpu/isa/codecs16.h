// From the value that names a codec to its type for 16 bits.
#pragma once

#include "codec16.h"
#include "codecs.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// What is faster with whole numbers here: not the sixteen bytes of NEON, nor
// portable code.
#if defined(GOMLX_AVX512) || defined(GOMLX_AVX2) || defined(GOMLX_PLAIN)
constexpr bool pays = true;
#else
constexpr bool pays = false;
#endif

// Calls f with a value of the codec's type, if it has one for 16 bits.
template <class F>
GOMLX_INLINE void with_codec16(Codec codec, F&& f) {
  if constexpr (pays) {
    switch (codec) {
      case Codec::affine2: return f(Codes16<2>{});
      case Codec::affine3: return f(Odd16<3>{});
      case Codec::affine4: return f(Codes16<4>{});
      case Codec::affine5: return f(Odd16<5>{});
      case Codec::affine6: return f(Odd16<6>{});
      case Codec::affine8: return f(Codes16<8>{});
      case Codec::e2m1: return f(E2m1Of16{});
      default: return;
    }
  }
}

}  // namespace
}  // namespace gomlx::cpu::GOMLX_ISA
