// The table of one instruction set, and its preparation of activations.
#include "codecs16.h"
#include "prepare.h"
#include "prepare16.h"

namespace gomlx::cpu::GOMLX_ISA {

void prepare(Codec codec, const void* x, Type type, int64_t k, int group, float bias, float* out) {
  with_codec(codec, group, [&](auto c, auto) { prepare<decltype(c)>(x, type, k, group, bias, out); });
}

int64_t prepared(Codec codec, int64_t k, int group) {
  return with_codec(codec, group, [&](auto c, auto) { return prepared<decltype(c)>(k, group); });
}

int64_t prepared16(Codec codec, int64_t k, int group) {
  int64_t floats = 0;
  with_codec16(codec, [&](auto c) {
    if (has_groups<decltype(c)>(group)) floats = prepared16<decltype(c)>(k, group);
  });
  return floats;
}

void prepare16(Codec codec, const void* x, Type type, int64_t k, int group, float bias, bool by_group, float* out) {
  with_codec16(codec, [&](auto c) { prepare16<decltype(c)>(x, type, k, group, bias, by_group, out); });
}

#define GOMLX_TEXT(x) #x
#define GOMLX_NAME(x) GOMLX_TEXT(x)
extern const Steps steps;
extern const Isa table;
const Isa table{GOMLX_NAME(GOMLX_ISA), prepared, prepare, rows, prepared16, prepare16, rows16,
                most_in_strips, strips, strip_scratch, 2 * W, panels, panel_scratch, tile, scratch, &steps};

}  // namespace gomlx::cpu::GOMLX_ISA
