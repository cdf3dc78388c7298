// From the value that names a codec to its type.
#pragma once

#include "codec.h"
#include "isa.h"

namespace gomlx::cpu::GOMLX_ISA {
namespace {

// Calls f with a value of the codec's type and whether lanes lie in two groups.
template <class F>
GOMLX_INLINE auto with_codec(Codec codec, int group, F&& f) {
  using whole = std::false_type;
  using halves = std::true_type;
  switch (codec) {
    case Codec::affine2: return f(Affine<2>{}, whole{});
    case Codec::affine3: return group == 16 ? f(Affine<3>{}, halves{}) : f(Affine<3>{}, whole{});
    case Codec::affine4: return f(Affine<4>{}, whole{});
    case Codec::affine5: return group == 16 ? f(Affine<5>{}, halves{}) : f(Affine<5>{}, whole{});
    case Codec::affine6: return f(Affine<6>{}, whole{});
    case Codec::affine8: return f(Affine<8>{}, whole{});
    case Codec::e2m1: return f(E2m1{}, whole{});
    case Codec::e4m3: return f(E4m3{}, whole{});
    case Codec::bf16: return f(Bf16{}, whole{});
    case Codec::f16: return f(F16{}, whole{});
    default: return f(F32{}, whole{});
  }
}

}  // namespace

// The functions of this instruction set's table.
void prepare(Codec, const void* x, Type, int64_t k, int group, float bias, float* out);
int64_t prepared(Codec, int64_t k, int group);
void rows(Codec, const Rows&, int64_t from, int64_t to);
int64_t prepared16(Codec, int64_t k, int group);
void prepare16(Codec, const void* x, Type, int64_t k, int group, float bias, bool by_group, float* out);
void rows16(Codec, const Rows&, int64_t from, int64_t to);
int64_t most_in_strips(Codec);
void strips(Codec, const Rows&, int64_t from, int64_t to, float* scratch);
int64_t strip_scratch(Codec, int64_t k, int group);
void panels(Codec, const Rows&, int64_t from, int64_t to, float* scratch);
int64_t panel_scratch(Codec, int64_t k, int group, int64_t rows);
void tile(Codec, const Rows&, int64_t from, int64_t to, float* scratch);
int64_t scratch(Codec, int64_t k, int group, int64_t rows, int64_t count);

}  // namespace gomlx::cpu::GOMLX_ISA
