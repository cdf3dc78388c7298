#include "panel16.h"

#include "codecs16.h"

namespace gomlx::cpu::GOMLX_ISA {

void panels(Codec codec, const Rows& job, int64_t from, int64_t to, float* scratch) {
  with_codec16(codec, [&](auto c) {
    with_group<decltype(c)>(job.group, [&](auto group) { run_panels<decltype(c), group>(job, from, to, scratch); });
  });
}

int64_t panel_scratch(Codec codec, int64_t k, int group, int64_t rows) {
  int64_t floats = 0;
  with_codec16(codec, [&](auto c) { floats = (rows + panel_rows - 1) / panel_rows * panel_size<decltype(c)>(k, group); });
  return floats;
}

}  // namespace gomlx::cpu::GOMLX_ISA
