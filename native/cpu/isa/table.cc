// The table of one instruction set, and its preparation of activations.
#include "codecs.h"
#include "prepare.h"

namespace gomlx::cpu::GOMLX_ISA {

void prepare(Codec codec, const void* x, Type type, int64_t k, int group, float bias, float* out) {
  with_codec(codec, group, [&](auto c, auto) { prepare<decltype(c)>(x, type, k, group, bias, out); });
}

int64_t prepared(Codec codec, int64_t k, int group) {
  return with_codec(codec, group, [&](auto c, auto) { return prepared<decltype(c)>(k, group); });
}

#define GOMLX_TEXT(x) #x
#define GOMLX_NAME(x) GOMLX_TEXT(x)
extern const Steps steps;
extern const Isa table;
const Isa table{GOMLX_NAME(GOMLX_ISA), prepared, prepare, rows, prepared16, prepare16, rows16, tile, scratch, &steps};

}  // namespace gomlx::cpu::GOMLX_ISA
